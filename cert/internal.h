/* SPDX-License-Identifier: ISC */
/*
 * internal: what the files of cert/ share, and no other folder includes.
 *
 * They call each other downwards only: issuer.c, candidate.c, cert.c, leaf.c,
 * fields.c, cache.c, file.c, pem.c.  Sizes are in bytes.  Who has a struct ders
 * frees it with ders_free(), whatever filled it or failed to.
 */
#ifndef CERT_INTERNAL_H
#define CERT_INTERNAL_H

#include <openssl/types.h>

#include "cert/cert.h"
#include "cert/format.h"

/* ---- pem.c: PEM and PKCS #7 into certificates as bytes ---- */

/* Room for what is wrong with a file's PEM. */
#define FAULT_MAX 160

/* The certificates of a file; one whose `p` is NULL cannot be decoded. */
struct ders {
	struct cert_der *v;
	size_t n;
	int key;               /* a private key is among them */
	enum format other;     /* what else there is */
	char fault[FAULT_MAX]; /* why not all of it can be read; or empty */
};

void ders_free(struct ders *);

/* Adds a copy; `p` may be NULL.  -1: no memory. */
int ders_add(struct ders *, const unsigned char *p, size_t len);

/* All certificates of a PKCS #7 bag, RFC 2315 section 9.1; -1: no memory. */
int ders_add_bag(struct ders *, const unsigned char *p, size_t len);

/* All of PEM; with `bags` those in PKCS #7 count, too.  -1: no memory. */
int ders_add_pem(struct ders *, const unsigned char *buf, size_t len, int bags);

/*
 * Servers skip a certificate whose BEGIN is not alone on its line, and take
 * the next one.  NULL: in this part of the file, which the reader has taken
 * for `seen` certificates, there is none.
 */
const unsigned char *pem_find_skipped(const unsigned char *from,
    const unsigned char *p, const unsigned char *end, int seen);

/* Is it certificates, with nothing but blanks between the blocks? */
int pem_is_certificates(const unsigned char *p, size_t len);

/* ---- file.c: files and DER into certificates as bytes ---- */

/*
 * All certificates in these bytes, in their order; with `bags` those in PKCS #7
 * count, too.  -1: no memory.
 */
int ders_split(struct ders *, const unsigned char *p, size_t len, int bags);

/*
 * All certificates of a file, in its order.  `own`: it is the certificate's, of
 * which all has to be readable, and those in PKCS #7 do not count.
 */
enum cert_result ders_load(const char *path, int own, struct ders *, char *why);

/* ---- cache.c: certificates decoded, issuers among them once ---- */

/* Issuers that are kept, in a ring: the newest takes the place of the oldest.
 */
#define KEPT 32

struct kept {
	struct cert_der der;
	X509 *x;
	EVP_PKEY_CTX *verify; /* set up for its key and: */
	int sigalg;
	int bound; /* is_bound_to_signature() of its key; dear to ask */
};

/*
 * Where only the null provider is, certificates are decoded without their key,
 * which is seven eighths of the work.
 */
struct cert_shelf {
	size_t reads;
	OSSL_LIB_CTX *light; /* NULL: not yet, or it cannot be had */
	OSSL_PROVIDER *null;
	struct kept kept[KEPT];
	size_t next;
	/* what the system does with SHA-1 in signatures; dear to ask */
	enum { SHA1_NOT_ASKED, SHA1_ACCEPTED, SHA1_REFUSED } sha1;
	int names; /* these are as of cert_shelf_new() */
	int prints;
	int allow_ca;
};

/*
 * `light` is the shelf's, or NULL for OpenSSL's own context: with it the key of
 * the certificate stays undecoded, and verifies nothing.  NULL: `*fault` says
 * why, a sentence that is not to be freed.
 */
X509 *cert_decode(
    OSSL_LIB_CTX *light, const struct cert_der *, const char **fault);

/* It pays from the second certificate on; without it all is as good. */
void shelf_count_read(struct cert_shelf *);

/* NULL: it is not there.  What is returned is the shelf's. */
struct kept *shelf_find(struct cert_shelf *, const struct cert_der *);

/* Takes `x` over; NULL: there is no memory for it, so it is not kept. */
struct kept *shelf_add(struct cert_shelf *, const struct cert_der *, X509 *x);

/*
 * Is the leaf signed by that key?  X509_verify() sets all up anew for each
 * certificate; here that is done once.  1: yes; else X509_verify() may know
 * more, of RSA-PSS for instance.
 */
int kept_verifies(struct kept *, X509 *leaf, const struct cert_der *);

/* ---- fields.c: what the fields of a certificate say ---- */

/* What is needed of a certificate until its issuer is found. */
struct cert_parts {
	struct cert_shelf *shelf; /* borrowed */
	X509 *leaf;
	struct ders all;  /* what it came with, itself first */
	const char *from; /* where that is from, in words */
};

/*
 * RFC 2253, UTF-8, owned by the caller; NULL: no memory.  Control characters
 * are left to whoever shows it; but a NUL would end it.
 */
char *cert_name_text(const X509_NAME *);

/* Seconds since 1970; -1: it is no time. */
int cert_to_time(const ASN1_TIME *, int64_t *out);

/* The first digits of a key's identifier, which tell two keys apart; or "". */
void cert_short_id(char out[CERT_KEY_ID_MAX], const ASN1_OCTET_STRING *);

/* Fills `subject`, `issuer_name` and `issuer_key`; -2: no memory. */
int cert_take_names(struct cert *, X509 *);

/* Fills what there is to say of a leaf, the names only if they are wanted. */
enum cert_result cert_describe(struct cert *, X509 *, char *why);

/* Fills `sha1`, if the shelf is to have fingerprints. */
void cert_take_fingerprint(struct cert *);

/* ---- leaf.c: is it a server's, or a CA's ---- */

/*
 * A CA's certificate before the server's is a mistake: the response would be
 * about the CA.  Alone it is one, too, where a file is named for it.
 */
enum cert_result cert_check_ca(const struct cert *, char *why);

/* ---- candidate.c: is this one the issuer, and why not ---- */

/* What became of a candidate; the later ones were nearer. */
enum candidate {
	CANDIDATE_NONE,
	CANDIDATE_OTHER_NAME,
	CANDIDATE_DAMAGED,
	CANDIDATE_WRONG_KEY,
	CANDIDATE_SHA1_REFUSED,
	CANDIDATE_LOOSE_KEY,
	CANDIDATE_NOT_YET,
	CANDIDATE_ENDED,
	CANDIDATE_ISSUER
};

/*
 * Decodes a certificate that may be the issuer; NULL: `*fault` says why not.
 * Its key is decoded only if it has the right name; then it is kept, and
 * belongs to `*kept`.  Where that is NULL, it is the caller's.
 */
X509 *candidate_take(const struct cert *, const struct cert_der *,
    struct kept **kept, const char **fault);

/* Is it the issuer, and in date at `now`?  Sets `issuer_begins`. */
enum candidate candidate_examine(
    struct cert *, X509 *, struct kept *, int64_t now);

/* What a candidate is, and why it is not the issuer; the X509 may be NULL. */
void candidate_describe(
    char *out, size_t size, const X509 *, enum candidate found);

/* ---- cert.c: a certificate, from a file or from a server ---- */

/* `parts` may be NULL, and is NULL then. */
void cert_parts_free(struct cert *);

#endif
