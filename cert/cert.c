/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/format.h"
#include "cert/internal.h"
#include "util/hash.h"
#include "util/words.h"

void
cert_parts_free(struct cert *c)
{
	if (c->parts == NULL)
		return;
	X509_free(c->parts->leaf);
	ders_free(&c->parts->all);
	free(c->parts);
	c->parts = NULL;
}

/* An empty certificate, to be filled by describe_first(). */
static enum cert_result
begin(struct cert_shelf *shelf, struct cert *c, const char *from, char *why)
{
	memset(c, 0, sizeof(*c));
	if ((c->parts = calloc(1, sizeof(*c->parts))) == NULL) {
		words_set(why, WHY_MAX, "out of memory");
		return CERT_ELOCAL;
	}
	c->parts->shelf = shelf;
	shelf_count_read(shelf);
	c->parts->from = from;
	return CERT_OK;
}

/* Windows' certutil says CERTIFICATE of all that it encodes. */
static enum cert_result
tell_undecodable(
    const struct cert_der *d, const char *path, const char *fault, char *why)
{
	enum format f = d->p != NULL ? format_of(d->p, d->len) : FORMAT_UNKNOWN;

	if (f == FORMAT_PKCS7 && path != NULL)
		format_tell(why, WHY_MAX, FORMAT_PKCS7_PEM, "it", path);
	else
		words_set(why, WHY_MAX,
		    "its first certificate cannot be decoded: %s%s",
		    format_name(f) != NULL ? "it " : "",
		    format_name(f) != NULL ? format_name(f) : fault);
	return CERT_EBAD;
}

static enum cert_result
describe_first(struct cert *c, const char *path, char *why)
{
	struct cert_parts *parts = c->parts;
	const char *fault;

	parts->leaf =
	    cert_decode(parts->shelf->light, &parts->all.v[0], &fault);
	c->leaf_id =
	    hash_bytes(HASH_SEED, parts->all.v[0].p, parts->all.v[0].len);
	if (parts->leaf != NULL)
		return cert_describe(c, parts->leaf, why);
	return tell_undecodable(&parts->all.v[0], path, fault, why);
}

enum cert_result
cert_read(struct cert_shelf *shelf, const char *path, struct cert *c, char *why)
{
	enum cert_result res;

	if ((res = begin(shelf, c, "the certificate's own file", why)) ==
		CERT_OK &&
	    (res = ders_load(path, 1, &c->parts->all, why)) == CERT_OK) {
		c->with_key = c->parts->all.key;
		res = describe_first(c, path, why);
	}
	if (res == CERT_OK)
		res = cert_check_ca(c, why);
	ERR_clear_error();
	if (res != CERT_OK) {
		c->whole = 0;
		cert_parts_free(c);
	}
	return res;
}

enum cert_result
cert_take(struct cert_shelf *shelf, const struct cert_der *chain, size_t n,
    struct cert *c, char *why)
{
	enum cert_result res;
	size_t i;

	res = begin(shelf, c, "the chain that the server presents", why);
	if (res == CERT_OK && n == 0) {
		words_set(why, WHY_MAX, "it presents no certificate");
		res = CERT_ENONE;
	}
	for (i = 0; i < n && res == CERT_OK; i++)
		if (ders_add(&c->parts->all, chain[i].p, chain[i].len) == -1) {
			words_set(why, WHY_MAX, "out of memory");
			res = CERT_ELOCAL;
		}
	if (res == CERT_OK)
		res = describe_first(c, NULL, why);
	if (res != CERT_OK)
		cert_parts_free(c);
	return res;
}

int
cert_is(const struct cert *c, const struct cert_der *der)
{
	const char *fault;
	X509 *x = cert_decode(c->parts->shelf->light, der, &fault);
	int same = x != NULL && X509_cmp(x, c->parts->leaf) == 0;

	X509_free(x);
	ERR_clear_error();
	return same;
}

void
cert_free(struct cert *c)
{
	size_t i;

	cert_parts_free(c);
	for (i = 0; i < c->nurls; i++)
		free(c->urls[i].text);
	for (i = 0; i < c->nissuer_urls; i++)
		free(c->issuer_urls[i].text);
	free(c->subject);
	free(c->issuer_name);
	free(c->serial_hex);
	free(c->serial);
	free(c->issuer);
	free(c->issuer_field);
	free(c->issuer_from);
	free(c->hunt);
	memset(c, 0, sizeof(*c));
}
