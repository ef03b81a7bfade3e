/* SPDX-License-Identifier: ISC */
/*
 * lab: a forged PKI, and its leaves as the program sees them, for tests and
 * fuzzers that drive the judge itself.
 *
 * As in forge.h, what cannot be the fault of a test's input ends the process.
 */
#ifndef LAB_H
#define LAB_H

#include <stddef.h>
#include <time.h>

#include "cert/cert.h"
#include "forge.h"
#include "ocsp.h"

struct lab {
	char dir[64]; /* where the PKI is */
	time_t now;
	struct forge *forge;
	struct ocsp *session;
	struct cert_shelf *shelf;
	int leaves; /* made so far */
};

/* A leaf of the PKI, and what the program makes of it. */
struct subject {
	char name[32];
	struct cert cert;
	struct ocsp_target *target;
};

struct response {
	unsigned char *der; /* owned */
	size_t len;
};

/* Makes a PKI in a new directory; lab_close() removes it. */
void lab_open(struct lab *);
void lab_close(struct lab *);

/* Fills in a new leaf of `ca`; `to` is its notAfter from now, 0 the default. */
void lab_subject(struct lab *, struct subject *, const char *ca, long to,
    enum ocsp_hash hash, int nonce);
/* The same, its issuer being this other certificate of that CA. */
void lab_subject_of(struct lab *, struct subject *, const char *ca,
    const char *issuer, enum ocsp_hash hash);
void subject_free(struct subject *);

/* The response of a recipe to the subject's question. */
void lab_respond(struct lab *, const struct subject *,
    const struct forge_recipe *, struct response *);

/*
 * OpenSSL itself refuses what is signed with SHA-1 (RHEL 9), and this one, or
 * its signer's certificate, is: it is VERDICT_REFUSED, and LAB_CURE is said.
 */
int lab_refused(const struct forge_recipe *);
#define LAB_CURE "update-crypto-policies --set DEFAULT:SHA1"

const char *verdict_name(enum ocsp_status);

#endif
