/* SPDX-License-Identifier: ISC */
/*
 * forge: a throw-away PKI and OCSP responses about it, honest and hostile,
 * made when the tests run, so that nothing is checked in and nothing expires.
 *
 * This is test code.  Whatever cannot be the fault of the caller's input
 * (memory, a broken PKI directory, OpenSSL refusing) ends the process with a
 * message and status 99.  Nothing here locks: one struct forge per thread,
 * or a lock of the caller's.
 */
#ifndef FORGE_H
#define FORGE_H

#include <stddef.h>
#include <time.h>

#define FORGE_HOUR 3600L
#define FORGE_DAY 86400L

/*
 * One SingleResponse.  All zero ends the list.
 */
struct forge_single {
	enum { FORGE_END, FORGE_OURS, FORGE_NEIGHBOUR } who;
	enum { FORGE_GOOD, FORGE_REVOKED, FORGE_UNKNOWN } status;
	enum { FORGE_ASKED, FORGE_SHA1, FORGE_SHA256 } hash; /* of CertID */
	enum {
		FORGE_TRUE_ID,
		FORGE_BAD_NAME,    /* issuerNameHash: one bit flipped */
		FORGE_BAD_KEY,     /* issuerKeyHash: one bit flipped */
		FORGE_BAD_SERIAL,  /* serialNumber: one bit flipped */
		FORGE_CUT_HASHES,  /* both hashes cut to ten bytes */
		FORGE_NO_HASHES,   /* both hashes empty */
		FORGE_NEG_SERIAL,  /* our serial with the sign changed */
		FORGE_ODD_HASH,    /* hash algorithm nobody knows */
		FORGE_MISLABELLED, /* SHA-1 hashes, called SHA-256 */
		FORGE_RESPELLED    /* issuerNameHash: of UTF8Strings */
	} id;
	enum {
		FORGE_PLAIN,
		FORGE_CRITICAL,
		FORGE_EXTENDED,
		FORGE_PUBLISH /* AD CS's nextPublish, not critical */
	} ext;
	int reason;   /* CRLReason of a revoked one; -1: none */
	long revoked; /* revocationTime, seconds from now; 0: -3 d */
	long shift;   /* moves this one's thisUpdate, nextUpdate */
	int times;    /* how many of it; 0 is one */
};

enum forge_flags {
	FORGE_EXACT = 1,        /* times count from now, see below */
	FORGE_NO_NEXT = 2,      /* no nextUpdate */
	FORGE_NO_CERTS = 4,     /* do not send the signer's certificate */
	FORGE_BY_KEY = 8,       /* ResponderID by key, not by name */
	FORGE_STRANGE_ID = 16,  /* ResponderID by key, of an unknown key */
	FORGE_NO_SINGLES = 32,  /* zero SingleResponses */
	FORGE_SIG_CORRUPT = 64, /* last bit of the signature flipped */
	FORGE_SIG_EMPTY = 128,  /* signature of no bits */
	FORGE_CRIT_EXT = 256,   /* unknown critical responseExtension */
	FORGE_PLAIN_EXT = 512,  /* unknown, not critical */
	FORGE_NOT_BASIC = 1024, /* another responseType */
	FORGE_NO_BODY = 2048,   /* no responseBytes */
	FORGE_BODY = 4096,      /* responseBytes although status is an error */
	FORGE_TRAILING = 8192,  /* a byte after the OCSPResponse */
	FORGE_TRAIL_IN = 16384, /* two bytes after the BasicOCSPResponse */
	FORGE_HALF = 32768,     /* only the first half of the bytes */
	FORGE_SHORT = 65536,    /* the last byte is missing */
	FORGE_V1 = 131072,  /* version v1 written out, which is the default */
	FORGE_V2 = 262144,  /* version v2, which does not exist */
	FORGE_NULL = 524288 /* algorithm of the signature: NULL parameters */
};

/*
 * How one response is made.  All zero but the name is "good".
 *
 * Times are seconds relative to a moment that moves in whole hours counted
 * from the making of the PKI (so that two responses of one test run carry
 * the same times), or relative to now itself under FORGE_EXACT.
 * this_update 0 is one hour ago, next_update 0 is in seven days, produced 0
 * is thisUpdate, or now if thisUpdate is later.
 *
 * A *_text replaces that time by these very characters, of which Y m d H M
 * S y stand for the parts of the time and @ for a NUL byte.
 */
struct forge_recipe {
	const char *name;
	int exit;           /* ocspfetch on it, nothing stored and
			       no other answer: design.md 3; -1:
			       design.md does not say */
	const char *text;   /* one line for people */
	const char *ca;     /* only true of this CA's leaves */
	const char *signer; /* NULL: the leaf's issuer; "leaf": the
			       leaf; else a name of the PKI */
	const char *extra;  /* others to send along, with commas between */
	const char *md;     /* of the signature; NULL: SHA256 */
	const char *raw;    /* these bytes, and nothing else */
	int status;         /* responseStatus */
	unsigned int flags; /* enum forge_flags */
	enum {
		FORGE_NO_NONCE,
		FORGE_NONCE_ECHO,    /* the asked one, if one was asked */
		FORGE_NONCE_WRONG,   /* always a random one */
		FORGE_NONCE_UNASKED, /* echo, or random if none was asked */
		FORGE_NONCE_CUT      /* the first half of the asked one */
	} nonce;
	enum {
		FORGE_DER,
		FORGE_BER_INDEFINITE, /* outermost SEQUENCE */
		FORGE_BER_LENGTH,     /* the same, with a four byte length */
		FORGE_BER_OCTETS,     /* constructed OCTET STRING */
		FORGE_BER_BASIC       /* BasicOCSPResponse, long length */
	} form;
	size_t size; /* pad to exactly so many bytes */
	long this_update, next_update, produced;
	const char *this_text, *next_text, *produced_text;
	struct forge_single single[4]; /* none: one that is ours and good */
};

/* Ends with a row whose name is NULL. */
extern const struct forge_recipe forge_recipes[];

/* A row of the table, or NULL. */
const struct forge_recipe *forge_find(const char *);

/* Write every certificate and key of the PKI into an existing directory. */
void forge_pki(const char *dir, time_t now);

struct forge_leaf {
	const char *name;        /* DIR/name.pem and DIR/name.key */
	const char *ca;          /* NULL: "ca" */
	const char *cn;          /* NULL: name */
	const char *const *urls; /* OCSP URLs, byte by byte */
	size_t nurls;
	const char *const *issuer_urls; /* caIssuers */
	size_t nissuer_urls;
	const char *serial; /* hex, may be negative; NULL: random */
	long from, to;      /* from now; both 0: -30 d, +60 d */
	int must_staple;
	int self_signed;
	int rsa;        /* RSA-2048 in place of P-256 */
	const char *md; /* of its signature; NULL: SHA256 */
};

void forge_leaf(const char *dir, const struct forge_leaf *, time_t now);

struct forge;

/* To be closed by the caller.  Leaves may be added to dir at any time. */
struct forge *forge_open(const char *dir);
void forge_close(struct forge *);

/*
 * Make one response by a recipe.  The certificate is leaf (a name in the
 * directory), or if that is NULL the first one that the DER request asks
 * about, in the directory or not.  The request, if there is one, also gives
 * the CertID and the nonce.
 * Returns 0 and bytes that the caller frees; or -1 when the leaf does not
 * exist, the request cannot be parsed, or the recipe needs a key that is
 * not there.
 */
int forge_response(struct forge *, const struct forge_recipe *,
    const char *leaf, const unsigned char *req, size_t reqlen, time_t now,
    unsigned char **out, size_t *outlen);

/*
 * The certificate called name as "der", "pem" or "cms" (certs only), for
 * caIssuers.  Returns 0 and bytes that the caller frees, or -1.
 */
int forge_cert(struct forge *, const char *name, const char *format,
    unsigned char **out, size_t *outlen);

#endif
