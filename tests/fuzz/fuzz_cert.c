/* SPDX-License-Identifier: ISC */
/*
 * Certificate files, issuer files, and what a caIssuers URL sends.
 *
 * The first byte says how the rest is wrapped (as it is, or as the base64 of a
 * PEM block), so that DER can be varied inside of PEM, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "cert/format.h"
#include "cert/issuer.h"
#include "fuzz.h"
#include "lab.h"

static struct lab lab;
static struct subject leaf;

static void
clean_up(void)
{
	subject_free(&leaf);
	lab_close(&lab);
}

static void
set_up(void)
{
	lab_open(&lab);
	lab_subject(&lab, &leaf, NULL, 0, HASH_SHA1, 0);
	atexit(clean_up);
}

/* A PEM block around what is in `in`; owned by the caller. */
static uint8_t *
wrap(const uint8_t *p, size_t n, const char *label, size_t *len)
{
	size_t room = n / 3 * 4 + n / 48 + 256, at, used;
	uint8_t *out = malloc(room);

	HOLDS(out != NULL);
	*len =
	    (size_t)snprintf((char *)out, room, "-----BEGIN %s-----\n", label);
	for (at = 0; at < n; at += used) {
		used = n - at < 48 ? n - at : 48;
		*len += (size_t)EVP_EncodeBlock(out + *len, p + at, (int)used);
		out[(*len)++] = '\n';
	}
	*len += (size_t)snprintf(
	    (char *)out + *len, room - *len, "-----END %s-----\n", label);
	return out;
}

static void
use(struct cert *c, char *why)
{
	struct cert_places places = {NULL, 0, {NULL, NULL}};
	char *s;

	HOLDS(c->serial_len > 0 && c->serial != NULL && c->serial_hex != NULL);
	HOLDS(c->nurls <= CERT_MAX_URLS && c->nissuer_urls <= CERT_MAX_URLS);
	free(cert_server_name(c, "no such name"));
	free(cert_server_name(c, "localhost"));
	free(cert_valid_behind(c, lab.now));
	if (cert_find_issuer(c, &places, lab.now, why) != CERT_OK) {
		HOLDS(c->issuer == NULL);
		return;
	}
	HOLDS(c->issuer_len > 0 && c->issuer_from != NULL);
	HOLDS((s = cert_issuer_pem(c)) != NULL);
	HOLDS(cert_is_certificates((const unsigned char *)s, strlen(s)));
	free(s);
}

static void
read_as_file(const uint8_t *p, size_t n)
{
	char why[WHY_MAX] = "";
	enum cert_result res;
	enum format f;
	struct cert c;

	/* what is read is a certificate in PEM, or in DER */
	f = format_of(p, n);
	res = cert_read(lab.shelf, fuzz_file(p, n), &c, why);
	HOLDS((res == CERT_OK) == (why[0] == '\0'));
	HOLDS(res != CERT_OK || f != FORMAT_PKCS12);
	HOLDS(res != CERT_OK || f != FORMAT_PKCS7);
	if (res == CERT_OK)
		use(&c, why);
	cert_free(&c);
}

static void
take_as_chain(const uint8_t *p, size_t n)
{
	struct cert_der chain[3];
	char why[WHY_MAX] = "";
	struct cert c;
	size_t i;

	for (i = 0; i < 3; i++) {
		HOLDS((chain[i].p = malloc(n + 1)) != NULL);
		if (n > 0)
			memcpy(chain[i].p, p, n);
		chain[i].len = i == 0 ? n : n / (i + 1);
	}
	if (cert_take(lab.shelf, chain, 3, &c, why) == CERT_OK) {
		HOLDS(cert_is(&c, &chain[0]) == 1 || n == 0);
		use(&c, why);
	}
	cert_free(&c);
	for (i = 0; i < 3; i++)
		free(chain[i].p);
}

/* Nobody but the forge's own CA may come out as the issuer of its leaf. */
static void
take_as_issuer(const uint8_t *p, size_t n)
{
	struct cert_places none = {NULL, 0, {NULL, NULL}};
	char why[WHY_MAX], path[128];
	struct cert c;

	snprintf(path, sizeof(path), "%s/%s.pem", lab.dir, leaf.name);
	HOLDS(cert_read(lab.shelf, path, &c, why) == CERT_OK);
	HOLDS(cert_find_issuer(&c, &none, lab.now, why) == CERT_EISSUER);
	if (cert_take_issuer(&c, p, n, "fuzz", lab.now, why) == CERT_OK)
		HOLDS(c.issuer_len == leaf.cert.issuer_len &&
		    memcmp(c.issuer, leaf.cert.issuer, c.issuer_len) == 0);
	else
		HOLDS(c.issuer == NULL);
	cert_free(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const labels[] = {
	    "CERTIFICATE", "PKCS7", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"};
	static int ready;
	struct fuzz_in in = {data, size};
	unsigned int how;
	uint8_t *wrapped = NULL;
	const uint8_t *p;
	size_t n;

	if (!ready++)
		set_up();
	how = fuzz_byte(&in);
	p = in.p;
	n = in.n;
	if (how & 1) {
		wrapped = wrap(in.p, in.n, labels[how >> 1 & 3], &n);
		p = wrapped;
	}
	read_as_file(p, n);
	take_as_chain(p, n);
	take_as_issuer(p, n);
	(void)format_may_hold_certificate(format_of(p, n), p, n);
	if (cert_is_certificates(p, n))
		HOLDS(cert_looks_like_one(p, n));
	free(wrapped);
	return 0;
}
