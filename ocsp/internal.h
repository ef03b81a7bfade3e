/* SPDX-License-Identifier: ISC */
/*
 * What ocsp.c and the files of ocsp/ share; nobody else includes it, since it
 * shows OpenSSL's types.  Times are seconds since 1970.  A struct owns what it
 * points to, unless that is said to be borrowed.  A step of the verification
 * returns 1, or 0 where it has refused the response.
 */
#ifndef OCSP_INTERNAL_H
#define OCSP_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "ocsp.h"

/* OpenSSL's level 1, whatever the system's default: 80 bits of security. */
#define LEVEL 1
#define LEVEL_BITS 80

/* The issuer's certificate under one spelling of its name, as the only anchor.
 */
struct anchor {
	X509 *x509;            /* NULL: there is no such spelling */
	STACK_OF(X509) *certs; /* x509 alone */
	X509_STORE *store;     /* x509 alone */
	/* what the last verification met: */
	int error; /* X509_V_ERR_, and where in the chain */
	int depth;
	int sha1;    /* signs the signer's certificate */
	int old_aki; /* see check_issued() */
};

/* BY_CERTIFICATE is the one that a CertID is made of. */
enum spelling { BY_CERTIFICATE, BY_CA, SPELLINGS };

struct issuer {
	unsigned char *der;
	size_t len;
	unsigned char *name; /* DER, as the certificate's issuer field has it */
	size_t name_len;
	struct anchor anchors[SPELLINGS]; /* no BY_CA: it is the same */
	enum { NOT_ASKED, TAKEN, NOT_TAKEN } sha1; /* by OpenSSL itself */
	struct issuer *next;
};

struct ocsp {
	struct issuer *issuers;
};

struct ocsp_target {
	struct issuer *issuer; /* borrowed */
	unsigned char *der;    /* the request */
	size_t len;
	OCSP_REQUEST *req; /* the same, decoded */
	int64_t not_after;
	int nonce;
};

/* One response on its way through the verification. */
struct judging {
	/* borrowed, as all but resp and basic: */
	const struct ocsp_target *t;
	const struct ocsp_policy *p;
	struct ocsp_verdict *v;
	const unsigned char *der;
	size_t len;
	OCSP_CERTID *id;      /* what was requested; borrowed from the target */
	ASN1_INTEGER *serial; /* borrowed from it */
	OCSP_RESPONSE *resp;
	OCSP_BASICRESP *basic;
	struct anchor
	    *anchor;        /* under whose spelling it names the certificate */
	int signer_expired; /* it was verified at producedAt */
	int claims_revoked; /* one of ours says so: not verified yet */
	OCSP_SINGLERESP *ours; /* borrowed from basic */
	X509 *signer;          /* borrowed from basic or the anchor */
	int status;            /* V_OCSP_CERTSTATUS_ of ours; -1: not known */
	int proven;            /* it counts, if it is a revocation */
};

/* ---- memory.c: did memory run out? ---- */

/* OpenSSL is to allocate by functions that note a failure; before all else. */
void memory_watch(void);

/* ---- issuer.c: the issuers, and what OpenSSL is told of them ---- */

/*
 * The issuer that is kept for these bytes, or a new one; borrowed.  NULL: there
 * is no memory, or it cannot be decoded.
 */
struct issuer *issuer_get(struct ocsp *, const struct ocsp_about *);

/* Owned by the caller; NULL: no memory. */
OCSP_CERTID *make_id(
    const struct anchor *, const EVP_MD *, const ASN1_INTEGER *serial);

/* ---- verdict.c: what is said of a response ---- */

/* Always 0, so that a step of the verification can end with it. */
int refuse(struct judging *, enum ocsp_status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

int is_revoked(const struct judging *);

/* ---- times.c: is it fresh? ---- */

/* 1; 0: it cannot be read, and *out is 0. */
int read_time(const ASN1_GENERALIZEDTIME *, int64_t *out);

/* 0: it cannot be read. */
int64_t seconds_of(const ASN1_TIME *);

/* Steps of the verification: 1, or 0 as of refuse(). */
int read_times(struct judging *);
int is_timely(struct judging *);

/* ---- signature.c: which signature algorithms and keys count ---- */

/* A NID; NID_undef for signature algorithms that have no digest. */
int signature_digest(const X509_ALGOR *);

/* A step of the verification: 1, or 0 as of refuse(). */
int is_strong(struct judging *);

/* ---- tell.c: what a failed verification is told as ---- */

/* Its signer's name into the verdict, if there is a signer. */
void name_signer(struct judging *);

/* Refuses, and says why OCSP_basic_verify() did; empties the error queue. */
void tell_verify_error(struct judging *);

#endif
