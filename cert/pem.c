/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/format.h"
#include "cert/internal.h"

#define BEGIN "-----BEGIN "

void
ders_free(struct ders *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		/* it may be a key that was taken for one */
		if (l->v[i].p != NULL)
			OPENSSL_cleanse(l->v[i].p, l->v[i].len);
		free(l->v[i].p);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}

int
ders_add(struct ders *l, const unsigned char *p, size_t len)
{
	struct cert_der *v;

	if ((v = realloc(l->v, (l->n + 1) * sizeof(*v))) == NULL)
		return -1;
	l->v = v;
	v[l->n].p = NULL;
	v[l->n].len = len;
	if (p != NULL && len > 0) {
		if ((v[l->n].p = malloc(len)) == NULL)
			return -1;
		memcpy(v[l->n].p, p, len);
	}
	l->n++;
	return 0;
}

static const unsigned char *
find(const unsigned char *p, const unsigned char *end, const char *what)
{
	size_t n = strlen(what);

	for (; (size_t)(end - p) >= n; p++) {
		p = memchr(p, what[0], (size_t)(end - p) - n + 1);
		if (p == NULL || memcmp(p, what, n) == 0)
			return p;
	}
	return NULL;
}

/* The labels of a certificate, RFC 7468 section 5 and OpenSSL's own. */
static int
is_certificate(const char *label)
{
	return strcmp(label, PEM_STRING_X509) == 0 ||
	    strcmp(label, PEM_STRING_X509_OLD) == 0 ||
	    strcmp(label, PEM_STRING_X509_TRUSTED) == 0;
}

/* The length of the first ASN.1 element alone. */
static size_t
element_length(const unsigned char *p, size_t len)
{
	const unsigned char *q = p;
	long n;
	int tag, class;

	if (ASN1_get_object(&q, &n, &tag, &class, (long)len) & 0x80)
		return len;
	return (size_t)(q - p) + (size_t)n;
}

int
ders_add_bag(struct ders *l, const unsigned char *p, size_t len)
{
	const unsigned char *const from = p;
	const STACK_OF(X509) *certs = NULL;
	unsigned char *der;
	PKCS7 *bag;
	int i, n, rc = 0;

	ERR_clear_error();
	bag = d2i_PKCS7(NULL, &p, (long)len);
	if (bag != NULL && (size_t)(p - from) == len &&
	    PKCS7_type_is_signed(bag) && bag->d.sign != NULL)
		certs = bag->d.sign->cert;
	if (certs == NULL)
		rc = ders_add(l, NULL, 0);
	for (i = 0; i < sk_X509_num(certs) && rc == 0; i++) {
		der = NULL;
		n = i2d_X509(sk_X509_value(certs, i), &der);
		rc = n > 0 ? ders_add(l, der, (size_t)n) : -1;
		OPENSSL_free(der);
	}
	PKCS7_free(bag);
	ERR_clear_error();
	return rc;
}

/* ---- PEM, as OpenSSL reads it, and so do servers ---- */

/* One block; its strings and bytes are OpenSSL's, and may be a key's. */
struct block {
	char *name;
	char *header;
	unsigned char *data;
	long len;
};

enum pem { PEM_BLOCK, PEM_END, PEM_DAMAGED, PEM_NOMEM };

/*
 * Takes the base64 off the next block and nothing else: no key is parsed, no
 * passphrase asked for.  The flags are PEM_read_bio_X509()'s, and wipe.
 */
static enum pem
read_block(BIO *bio, struct block *b)
{
	unsigned long e;

	memset(b, 0, sizeof(*b));
	ERR_clear_error();
	if (PEM_read_bio_ex(bio, &b->name, &b->header, &b->data, &b->len,
		PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1)
		return PEM_BLOCK;
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return PEM_END;
	return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE ? PEM_NOMEM
							 : PEM_DAMAGED;
}

static void
block_free(struct block *b)
{
	OPENSSL_secure_free(b->name);
	OPENSSL_secure_free(b->header);
	OPENSSL_secure_clear_free(b->data, (size_t)b->len);
}

/* Adds the certificates of a block; NULL for one that is encrypted or empty. */
static int
add_block(struct ders *l, const struct block *b, int bags)
{
	enum format other = format_of_label(b->name);
	size_t len = (size_t)b->len;

	l->key |= other == FORMAT_KEY;
	if (other > l->other)
		l->other = other;
	if (!is_certificate(b->name) && (!bags || other != FORMAT_PKCS7_PEM))
		return 0;
	if (len == 0 || b->header[0] != '\0')
		return ders_add(l, NULL, 0);
	/* Windows calls all that it encodes a CERTIFICATE */
	if (bags && format_of(b->data, len) == FORMAT_PKCS7)
		return ders_add_bag(l, b->data, len);
	/* OpenSSL appends its own notes to a TRUSTED CERTIFICATE */
	if (strcmp(b->name, PEM_STRING_X509_TRUSTED) == 0)
		len = element_length(b->data, len);
	return ders_add(l, b->data, len);
}

static const unsigned char *
line_of(const unsigned char *from, const unsigned char *p)
{
	while (p > from && p[-1] != '\n')
		p--;
	return p;
}

/* Is this, in that line, the beginning of a certificate, well made or not? */
static int
begins_certificate(
    const unsigned char *line, const unsigned char *p, const unsigned char *end)
{
	static const char *const labels[] = {
	    "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"};
	const unsigned char *q = p;
	size_t i, n;

	while (q > line && (q[-1] == ' ' || q[-1] == '\t'))
		q--;
	/* hyphens, or the dashes that a word processor makes of them */
	if (*line == '#' || q == line || (q[-1] != '-' && q[-1] < 0x80))
		return 0;
	p += strlen("BEGIN ");
	for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		n = strlen(labels[i]);
		if ((size_t)(end - p) >= n && memcmp(p, labels[i], n) == 0)
			return (size_t)(end - p) < n + 2 || p[n] != ' ' ||
			    p[n + 1] < 'A' || p[n + 1] > 'Z';
	}
	return 0;
}

const unsigned char *
pem_find_skipped(const unsigned char *from, const unsigned char *p,
    const unsigned char *end, int seen)
{
	const unsigned char *first = NULL, *line = line_of(from, p), *at;

	for (; (p = find(p, end, "BEGIN ")) != NULL; p++) {
		/* a file of one long line is not read back again and again */
		if ((at = line_of(from, p)) > from)
			line = at;
		from = p;
		if (!begins_certificate(line, p, end))
			continue;
		if (first == NULL)
			first = p;
		if (seen-- == 0)
			return first;
	}
	return NULL;
}

/* The first fault is told; it is in the line of `at`. */
static void
note_fault(struct ders *l, const unsigned char *from, const unsigned char *at,
    const char *what)
{
	const unsigned char *p;
	size_t line = 1;

	for (p = from; p < at; p++)
		line += *p == '\n';
	if (l->fault[0] == '\0')
		snprintf(
		    l->fault, sizeof(l->fault), "line %zu: %s", line, what);
}

static void
note_skipped(struct ders *l, const unsigned char *from, const unsigned char *at)
{
	const unsigned char *line = line_of(from, at);

	note_fault(l, from, at,
	    at - line == (long)strlen("-----") &&
		    memcmp(line, BEGIN, strlen(BEGIN)) == 0
		? "a certificate begins here that is damaged or cut off"
		: "the BEGIN of a certificate is not alone on its line, so "
		  "servers skip that certificate");
}

int
ders_add_pem(struct ders *l, const unsigned char *buf, size_t len, int bags)
{
	const unsigned char *const end = buf + len;
	const unsigned char *at = buf, *next, *skipped;
	enum pem res = PEM_BLOCK;
	struct block b;
	BIO *bio;
	int rc = 0;

	if (len == 0)
		return 0;
	if ((bio = BIO_new_mem_buf(buf, (int)len)) == NULL)
		return -1;
	for (; rc == 0 && res == PEM_BLOCK; at = next) {
		res = read_block(bio, &b);
		next = res != PEM_END ? end - BIO_ctrl_pending(bio) : end;
		if (l->n == 0 && res != PEM_DAMAGED &&
		    (skipped = pem_find_skipped(buf, at, next,
			 res == PEM_BLOCK && is_certificate(b.name))) != NULL)
			note_skipped(l, buf, skipped);
		if (res == PEM_BLOCK)
			rc = add_block(l, &b, bags);
		else if (res == PEM_DAMAGED)
			note_fault(l, buf,
			    (skipped = find(at, end, BEGIN)) != NULL ? skipped
								     : at,
			    "a PEM block begins here that is damaged or cut "
			    "off");
		block_free(&b);
	}
	BIO_free(bio);
	return res == PEM_NOMEM ? -1 : rc;
}

static int
is_blank(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		p++;
	return p == end;
}

int
pem_is_certificates(const unsigned char *p, size_t len)
{
	const unsigned char *const end = p + len;
	const unsigned char *next, *begin;
	enum pem res = PEM_BLOCK;
	size_t n = 0;
	struct block b;
	BIO *bio;
	int pure = len > 0;

	if (!pure || (bio = BIO_new_mem_buf(p, (int)len)) == NULL)
		return 0;
	for (; pure && res == PEM_BLOCK; p = next) {
		res = read_block(bio, &b);
		next = end - BIO_ctrl_pending(bio);
		begin = res == PEM_BLOCK ? find(p, next, BEGIN) : next;
		pure = begin != NULL && is_blank(p, begin) &&
		    (res == PEM_END ||
			(res == PEM_BLOCK && is_certificate(b.name)));
		n += res == PEM_BLOCK;
		block_free(&b);
	}
	BIO_free(bio);
	return pure && n > 0;
}

int
cert_der_begins(const unsigned char *p, size_t len, int tag)
{
	size_t head = 2, n, i;

	if (len < 3 || p[0] != 0x30)
		return 0;
	n = p[1];
	if (n >= 0x80) {
		head += n & 0x7f;
		if (head < 3 || head > 5 || len <= head)
			return 0;
		for (n = 0, i = 2; i < head; i++)
			n = n << 8 | p[i];
	}
	return len > head && len - head == n && p[head] == tag;
}

int
cert_looks_like_one(const unsigned char *p, size_t len)
{
	/* nothing so short holds a key; it may be a response that was cut */
	if (len < 8)
		return 0;
	/* a response may hold any bytes, and ends where it says */
	if (cert_der_begins(p, len, V_ASN1_ENUMERATED))
		return 0;
	return find(p, p + len, BEGIN) != NULL ||
	    format_is_container(format_of(p, len), p, len);
}
