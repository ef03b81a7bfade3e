/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>

#include "ocsp.h"
#include "ocsp/internal.h"
#include "util/words.h"

#define NONCE_LEN 32

static int
add_id(struct ocsp_target *t, const struct ocsp_about *a)
{
	const EVP_MD *md = a->hash == HASH_SHA256 ? EVP_sha256() : EVP_sha1();
	const unsigned char *p = a->serial;
	ASN1_INTEGER *serial = d2i_ASN1_INTEGER(NULL, &p, (long)a->serial_len);
	OCSP_CERTID *id = NULL;

	if (serial != NULL && p == a->serial + a->serial_len)
		id = make_id(&t->issuer->anchors[BY_CERTIFICATE], md, serial);
	ASN1_INTEGER_free(serial);
	if (id != NULL && OCSP_request_add0_id(t->req, id) != NULL)
		return 0;
	OCSP_CERTID_free(id);
	return -1;
}

static int
make_request(struct ocsp_target *t, const struct ocsp_about *a)
{
	int n;

	/* OpenSSL's own default of a nonce of 16 is too short for RFC 9654 */
	if ((t->req = OCSP_REQUEST_new()) == NULL || add_id(t, a) == -1 ||
	    (a->nonce &&
		OCSP_request_add1_nonce(t->req, NULL, NONCE_LEN) != 1) ||
	    (n = i2d_OCSP_REQUEST(t->req, &t->der)) <= 0)
		return -1;
	t->len = (size_t)n;
	return 0;
}

struct ocsp_target *
ocsp_target(struct ocsp *o, const struct ocsp_about *a, char *why)
{
	const char *reason = "out of memory";
	struct ocsp_target *t;
	unsigned long e;

	ERR_clear_error();
	if ((t = calloc(1, sizeof(*t))) != NULL) {
		t->not_after = a->not_after;
		t->nonce = a->nonce;
		t->issuer = issuer_get(o, a);
		if (t->issuer != NULL && make_request(t, a) == 0)
			return t;
	}
	if ((e = ERR_peek_error()) != 0)
		reason = ERR_reason_error_string(e);
	snprintf(why, WHY_MAX, "cannot make the question: %s",
	    reason != NULL ? reason : "OpenSSL does not say why");
	ERR_clear_error();
	ocsp_target_free(t);
	return NULL;
}

void
ocsp_describe(const struct ocsp_target *t, struct ocsp_case *c)
{
	c->issuer = t->issuer->der;
	c->issuer_len = t->issuer->len;
	c->issuer_name = t->issuer->name;
	c->issuer_name_len = t->issuer->name_len;
	c->request = t->der;
	c->request_len = t->len;
	c->not_after = t->not_after;
	c->nonce = t->nonce;
}

struct ocsp_target *
ocsp_recall(struct ocsp *o, const struct ocsp_case *c)
{
	const struct ocsp_about about = {.issuer = c->issuer,
	    .issuer_len = c->issuer_len,
	    .issuer_name = c->issuer_name,
	    .issuer_name_len = c->issuer_name_len};
	const unsigned char *p = c->request;
	struct ocsp_target *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->not_after = c->not_after;
	t->nonce = c->nonce;
	t->len = c->request_len;
	t->issuer = issuer_get(o, &about);
	t->der = OPENSSL_memdup(c->request, c->request_len);
	t->req = d2i_OCSP_REQUEST(NULL, &p, (long)c->request_len);
	if (t->issuer != NULL && t->der != NULL && t->req != NULL &&
	    OCSP_request_onereq_count(t->req) == 1)
		return t;
	ocsp_target_free(t);
	return NULL;
}

void
ocsp_target_free(struct ocsp_target *t)
{
	if (t == NULL)
		return;
	OCSP_REQUEST_free(t->req);
	OPENSSL_free(t->der);
	free(t);
}

const unsigned char *
ocsp_request(const struct ocsp_target *t, size_t *len)
{
	*len = t->len;
	return t->der;
}

/* OCSPRequest, TBSRequest, requestList, Request: each begins with the next. */
const unsigned char *
ocsp_certid(const struct ocsp_target *t, size_t *len)
{
	const unsigned char *p = t->der, *const end = t->der + t->len, *start;
	int depth, tag, class;
	long n;

	for (depth = 0; depth < 5; depth++) {
		start = p;
		if ((ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80) ||
		    tag != V_ASN1_SEQUENCE)
			return NULL;
	}
	*len = (size_t)(p + n - start);
	return start;
}

char *
ocsp_request_base64(const struct ocsp_target *t)
{
	char *b64;

	if ((b64 = malloc(4 * ((t->len + 2) / 3) + 1)) != NULL)
		EVP_EncodeBlock((unsigned char *)b64, t->der, (int)t->len);
	return b64;
}

char *
ocsp_get_url(const struct ocsp_target *t, const char *responder)
{
	size_t n = strlen(responder);
	char *b64, *url, *p, *o;

	if (strchr(responder, '?') != NULL)
		return NULL;
	while (n > 0 && responder[n - 1] == '/')
		n--;
	if ((b64 = ocsp_request_base64(t)) == NULL)
		return NULL;
	if ((url = malloc(n + 1 + 3 * strlen(b64) + 1)) != NULL) {
		memcpy(url, responder, n);
		o = url + n;
		*o++ = '/';
		/* of base64, these three are not "unreserved" in a path */
		for (p = b64; *p != '\0'; p++) {
			if (*p == '+' || *p == '/' || *p == '=')
				o += snprintf(o, 4, "%%%02X", *p);
			else
				*o++ = *p;
		}
		*o = '\0';
	}
	free(b64);
	return url;
}
