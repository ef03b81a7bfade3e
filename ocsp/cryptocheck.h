/* SPDX-License-Identifier: ISC */
/*
 * cryptocheck: can the OpenSSL of this machine verify anything at all?
 *
 * Its configuration may leave it without the algorithms that every certificate
 * and every response needs; each of them would then seem to be forged.
 */
#ifndef CRYPTOCHECK_H
#define CRYPTOCHECK_H

/*
 * SHA-1 and SHA-256, and an RSA and an ECDSA verification: 0; -1: `why` tells
 * what is not to be had, and names the configuration.  Nothing is computed.
 */
int cryptocheck_algorithms(char *why);

/*
 * Does libcrypto itself refuse SHA-1 in every signature, whatever its caller
 * allows (RHEL 9, Fedora 41)?  It verifies one that is known to be right: to be
 * asked when one did not verify, not before.
 */
int cryptocheck_refuses_sha1(void);

#endif
