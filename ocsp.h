/* SPDX-License-Identifier: ISC */
/*
 * ocsp: which question to ask about a certificate, and whether an answer is
 * true, about this certificate, and fresh.
 *
 * The same judge serves a fetched answer and the stored file.  It reads no
 * clock and no file: time is a parameter, certificates are bytes.
 */
#ifndef OCSP_H
#define OCSP_H

#include <stddef.h>
#include <stdint.h>

#include "util/words.h"

/* Limit of a response, in bytes; real ones have 300 to 3000. */
#define RESPONSE_MAX ((size_t)65536)

/* Above this a URL is not asked by GET, RFC 9919 section 6. */
#define GET_URL_MAX 255

/* In the order of their weight. */
enum ocsp_status {
	VERDICT_INVALID, /* not an OCSP response at all */
	VERDICT_ERROR,   /* an unsigned error, RFC 6960 section 2.3 */
	VERDICT_FOREIGN, /* about other certificates only */
	VERDICT_REFUSED, /* an OCSP response that failed the judgement */
	VERDICT_STALE,   /* it would do, but it is too old */
	VERDICT_UNKNOWN, /* verified: the responder does not know it */
	VERDICT_REVOKED, /* verified */
	VERDICT_GOOD     /* verified */
};

/* OCSPResponseStatus, RFC 6960 section 4.2.1 */
enum ocsp_error {
	ERROR_NONE = 0,
	ERROR_MALFORMED = 1,
	ERROR_INTERNAL = 2,
	ERROR_TRYLATER = 3,
	ERROR_SIGREQUIRED = 5,
	ERROR_UNAUTHORIZED = 6
};

enum ocsp_hash { HASH_SHA1, HASH_SHA256 };

enum ocsp_method { METHOD_AUTO, METHOD_GET, METHOD_POST };

/* All that was met of issuers; they are decoded once. */
struct ocsp;

/* A certificate as the question sees it.  Borrowed for ocsp_target() only. */
struct ocsp_about {
	const unsigned char *issuer; /* DER, proven to be the issuer */
	size_t issuer_len;
	/*
	 * DER of the certificate's own issuer field, which the CertID hashes
	 * (RFC 6960 section 4.1.1); NULL: spelled as the issuer spells its
	 * subject.
	 */
	const unsigned char *issuer_name;
	size_t issuer_name_len;
	const unsigned char *serial; /* DER, an INTEGER */
	size_t serial_len;
	int64_t not_after;
	enum ocsp_hash hash; /* names it in the question, RFC 6960 4.1.1 */
	int nonce;           /* send one of 32 octets, RFC 9654 */
};

/* A certificate to be asked and judged about, and the question. */
struct ocsp_target;

struct ocsp_policy {
	int64_t now;
	long long skew;    /* seconds that a responder may be ahead */
	long long max_age; /* seconds since thisUpdate; -1: no limit */
	/* seconds after thisUpdate that one without nextUpdate is usable */
	long long assume_lifetime; /* 0: never */
	int allow_sha1; /* in its signature and in its signer's certificate */
	int answer;     /* it answers our question: look for the nonce */
	int names;      /* who signed a good one is of interest, too */
};

/* Which end comes first. */
enum ocsp_bound {
	BOUND_NEXT_UPDATE,
	BOUND_SIGNER, /* notAfter of its certificate */
	BOUND_CERTIFICATE,
	BOUND_MAX_AGE,
	BOUND_ASSUMED /* it has no nextUpdate: assume_lifetime */
};

/* RFC 5280 section 5.3.1: it may be lifted */
#define REASON_HOLD 6

/* What is right by the standards, and not taken by every server and client. */
enum ocsp_quirk {
	/* the signer's authorityKeyIdentifier names an earlier CA certificate
	 */
	QUIRK_AUTHORITY_KEY = 1,
	/* its CN lies outside of the CA's constraints on DNS names */
	QUIRK_CONSTRAINED_NAME = 2,
	/* ECDSA with parameters of NULL */
	QUIRK_NULL_PARAMETERS = 4,
	/*
	 * It names the certificate under the CA's own spelling of its name, not
	 * the certificate's: who makes a CertID by the standard finds nothing.
	 */
	QUIRK_CA_SPELLING = 8,
	/* the CA's certificate spells its name otherwise than the certificate
	 */
	QUIRK_ISSUER_SPELLING = 16,
	/* the first status in it is another certificate's */
	QUIRK_OTHER_FIRST = 32,
	/* its signer's certificate is signed with SHA-1 */
	QUIRK_SHA1_SIGNER = 64,
	/* RSA-PSS with a salt that is not as long as the digest */
	QUIRK_PSS_SALT = 128,
	QUIRKS = 255
};

/*
 * Times mean something if has_times says so; revoked_at -1 is none.
 *
 * REVOKED is also what would be refused if it were good, since it ran out, is
 * signed with SHA-1, or has a CertID under another hash than requested: its
 * signature, its identity and its signer (at producedAt) were verified.
 * `excused` says so, and expired, sha1 and other_hash say why.
 */
struct ocsp_verdict {
	enum ocsp_status status;
	enum ocsp_error error; /* with VERDICT_ERROR */
	int64_t produced_at;
	int64_t this_update;
	int64_t next_update;
	int64_t usable_until; /* the earliest of all ends */
	int64_t revoked_at;
	int reason;       /* RFC 5280 section 5.3.1; -1: none given */
	int bounded_by;   /* enum ocsp_bound: whose end usable_until is */
	int has_times;    /* the times above could be read */
	int has_next;     /* nextUpdate among them */
	int delegated;    /* signed by a certificate of the issuer's */
	int nocheck;      /* which says id-pkix-ocsp-nocheck */
	int nonce;        /* it repeats ours */
	int singles;      /* statuses in it, ours included */
	int authentic;    /* signature, signer and identity are right */
	int expired;      /* usable_until has passed */
	int sha1;         /* it, or its signer's certificate, is signed so */
	int other_hash;   /* its CertID is under another hash than requested */
	int excused;      /* REVOKED, though it would be refused if good */
	int quirks;       /* enum ocsp_quirk, or-ed */
	int advised;      /* `why` says what to do, too */
	char signer[256]; /* name of its certificate, UTF-8, unescaped */
	char why[WHY_SHORT_MAX]; /* what was found, or why it is not good */
};

/* Before anything else here or in cert.h; NULL if there is no memory. */
struct ocsp *ocsp_new(void);
void ocsp_free(struct ocsp *);

/*
 * Did OpenSSL ask for memory in vain since this was asked last?  Then no
 * verdict, and nothing that cert.h says of a file, is to be believed.
 */
int ocsp_starved(void);
void ocsp_starve(void); /* as if it had */

/*
 * To be called when a call of OpenSSL's failed.  A digest that OpenSSL could
 * not set up for lack of memory stays missing for the rest of the process: if
 * an allocation has ever failed, this is as ocsp_starve().
 */
void ocsp_doubt(void);

/* Owned by the caller, outlived by the `struct ocsp`; NULL: see `why`. */
struct ocsp_target *ocsp_target(
    struct ocsp *, const struct ocsp_about *, char *why);
void ocsp_target_free(struct ocsp_target *);

/* All that the judgement needs to know of a target, in bytes; borrowed. */
struct ocsp_case {
	const unsigned char *issuer; /* DER */
	size_t issuer_len;
	const unsigned char *issuer_name; /* DER */
	size_t issuer_name_len;
	const unsigned char *request; /* DER */
	size_t request_len;
	int64_t not_after;
	int nonce;
};

/* Another process makes of it a target that ocsp_judge() takes for the same. */
void ocsp_describe(const struct ocsp_target *, struct ocsp_case *);
struct ocsp_target *ocsp_recall(struct ocsp *, const struct ocsp_case *);

/* The question in DER; borrowed from the target. */
const unsigned char *ocsp_request(const struct ocsp_target *, size_t *len);

/* The certificate's CertID in it, DER; borrowed; NULL: there is none. */
const unsigned char *ocsp_certid(const struct ocsp_target *, size_t *len);
char *ocsp_request_base64(const struct ocsp_target *); /* owned, or NULL */

/*
 * The URL of the question by GET, RFC 6960 appendix A.1: owned by the caller,
 * NULL if there is no memory or the responder's URL has a query.
 */
char *ocsp_get_url(const struct ocsp_target *, const char *responder);

/* INVALID, and nothing is known. */
void ocsp_undecided(struct ocsp_verdict *);

/* Fills the verdict and returns its status. */
enum ocsp_status ocsp_judge(const struct ocsp_target *,
    const unsigned char *der, size_t len, const struct ocsp_policy *,
    struct ocsp_verdict *);

/* "good", "keyCompromise", "tryLater"; never NULL. */
const char *ocsp_reason_name(int reason);
const char *ocsp_error_name(enum ocsp_error);

/* The response in OpenSSL's words; owned by the caller, may be NULL. */
char *ocsp_text(const unsigned char *der, size_t len);

#endif
