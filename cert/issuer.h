/* SPDX-License-Identifier: ISC */
/*
 * issuer: which certificate is that of the issuer.
 *
 * A candidate is the issuer only if its key verifies the certificate; what else
 * there was is told, each with its reason.  What is found is owned by the
 * struct cert.  Times are seconds since 1970; `why` has WHY_MAX bytes.
 */
#ifndef CERT_ISSUER_H
#define CERT_ISSUER_H

#include <stddef.h>
#include <stdint.h>

#include "cert/cert.h"

/* Where to look for the issuer, after the file of the certificate itself. */
struct cert_places {
	const char *const *files; /* first of all: the user's; must be there */
	size_t nfiles;
	const char *beside[2]; /* last: may be absent; NULL is none */
};

/*
 * Finds the certificate of the issuer: it has the right name, it is in date
 * at `now`, and its key verifies the certificate's signature and is not one
 * that could have been made for that.
 */
enum cert_result cert_find_issuer(
    struct cert *c, const struct cert_places *places, int64_t now, char *why);

/*
 * The same, after CERT_EISSUER, in what somebody sent: a certificate in DER
 * or PEM, or several, or a PKCS #7 bag of them.  ENONE or EBAD: it is nothing
 * of the kind.  `from` is where it came from, in words.
 */
enum cert_result cert_take_issuer(struct cert *, const unsigned char *p,
    size_t len, const char *from, int64_t now, char *why);

/* The issuer in PEM, owned by the caller; NULL: out of memory. */
char *cert_issuer_pem(const struct cert *);

/* Is the issuer that was found among these certificates, in PEM or DER? */
int cert_holds_issuer(const struct cert *, const unsigned char *p, size_t len);

#endif
