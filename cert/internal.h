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

#endif
