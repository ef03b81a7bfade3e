/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert/cert.h"
#include "cert/internal.h"
#include "util/words.h"

char *
cert_name_text(const X509_NAME *name)
{
	const unsigned long flags = XN_FLAG_RFC2253 &
	    ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL);
	struct text t = {0};
	BIO *bio;
	char *p;
	long n;
	int part;

	if ((bio = BIO_new(BIO_s_mem())) == NULL)
		return NULL;
	if (X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
		n = BIO_get_mem_data(bio, &p);
		do {
			part = (int)strnlen(p, (size_t)n);
			text_add(&t, part < n ? "%.*s\\x00" : "%.*s", part, p);
			p += part + 1;
			n -= part + 1;
		} while (n >= 0);
	}
	BIO_free(bio);
	return t.s;
}

int
cert_to_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*out = words_seconds(&tm);
	return 0;
}

static const char digits[] = "0123456789ABCDEF";

static int
take_serial(struct cert *c, X509 *x)
{
	const ASN1_INTEGER *ai = X509_get0_serialNumber(x);
	const unsigned char *p = ASN1_STRING_get0_data(ai);
	int i, len = ASN1_STRING_length(ai), n;
	unsigned char *der;
	char *hex;

	if ((n = i2d_ASN1_INTEGER(ai, NULL)) <= 0 || len <= 0)
		return -1;
	der = c->serial = malloc((size_t)n);
	hex = c->serial_hex = malloc(2 * (size_t)len + 2);
	if (der == NULL || hex == NULL)
		return -2;
	c->serial_len = (size_t)i2d_ASN1_INTEGER(ai, &der);
	if (ASN1_STRING_type(ai) == V_ASN1_NEG_INTEGER)
		*hex++ = '-';
	for (i = 0; i < len; i++) {
		*hex++ = digits[p[i] >> 4];
		*hex++ = digits[p[i] & 15];
	}
	*hex = '\0';
	return 0;
}

/* -1: no memory. */
static int
add_url(struct cert_url *v, size_t *n, const ASN1_IA5STRING *uri)
{
	struct cert_url *u = &v[*n];

	if (*n >= CERT_MAX_URLS)
		return 0;
	u->len = (size_t)ASN1_STRING_length(uri);
	if ((u->text = malloc(u->len + 1)) == NULL)
		return -1;
	memcpy(u->text, ASN1_STRING_get0_data(uri), u->len);
	u->text[u->len] = '\0';
	++*n;
	return 0;
}

/* Extensions: 0 done (also when absent), -1 malformed, -2 no memory. */
static int
take_urls(struct cert *c, X509 *x)
{
	AUTHORITY_INFO_ACCESS *aia;
	const ACCESS_DESCRIPTION *ad;
	const ASN1_IA5STRING *uri;
	int crit, i, nid, rc = 0;

	aia = X509_get_ext_d2i(x, NID_info_access, &crit, NULL);
	if (aia == NULL)
		return crit == -1 ? 0 : -1;
	for (i = 0; i < sk_ACCESS_DESCRIPTION_num(aia) && rc == 0; i++) {
		ad = sk_ACCESS_DESCRIPTION_value(aia, i);
		if (ad->location->type != GEN_URI)
			continue;
		nid = OBJ_obj2nid(ad->method);
		uri = ad->location->d.uniformResourceIdentifier;
		if (nid == NID_ad_OCSP)
			rc = add_url(c->urls, &c->nurls, uri);
		else if (nid == NID_ad_ca_issuers)
			rc = add_url(c->issuer_urls, &c->nissuer_urls, uri);
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	/* "no responder is named" would be another exit code than "no memory"
	 */
	return rc == -1 ? -2 : 0;
}

static int
take_must_staple(struct cert *c, X509 *x)
{
	TLS_FEATURE *features;
	long f;
	int crit, i;

	features = X509_get_ext_d2i(x, NID_tlsfeature, &crit, NULL);
	if (features == NULL)
		return crit == -1 ? 0 : -1;
	for (i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
		f = ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i));
		/* status_request and status_request_v2, RFC 7633 section 4 */
		if (f == 5 || f == 17)
			c->must_staple = 1;
	}
	TLS_FEATURE_free(features);
	return 0;
}

static int
take_times(struct cert *c, X509 *x)
{
	return cert_to_time(X509_get0_notBefore(x), &c->not_before) == -1
	    ? -1
	    : cert_to_time(X509_get0_notAfter(x), &c->not_after);
}

void
cert_short_id(char out[CERT_KEY_ID_MAX], const ASN1_OCTET_STRING *id)
{
	const unsigned char *p;
	size_t i, len;

	out[0] = '\0';
	if (id == NULL)
		return;
	p = ASN1_STRING_get0_data(id);
	len = (size_t)ASN1_STRING_length(id);
	for (i = 0; i < len && i < 4; i++)
		snprintf(out + 2 * i, 3, "%02X", p[i]);
}

/* Which key of its issuer a certificate names, RFC 5280 section 4.2.1.1. */
static void
take_issuer_key(struct cert *c, const X509 *x)
{
	AUTHORITY_KEYID *id =
	    X509_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);

	cert_short_id(c->issuer_key, id != NULL ? id->keyid : NULL);
	AUTHORITY_KEYID_free(id);
}

int
cert_take_names(struct cert *c, X509 *x)
{
	take_issuer_key(c, x);
	if (c->subject == NULL)
		c->subject = cert_name_text(X509_get_subject_name(x));
	if (c->issuer_name == NULL)
		c->issuer_name = cert_name_text(X509_get_issuer_name(x));
	return c->subject == NULL || c->issuer_name == NULL ? -2 : 0;
}

/* Is it signed by its own key? */
static int
is_self_signed(X509 *light, const struct cert_der *d)
{
	const char *fault;
	X509 *x;
	int yes = 0;

	if (X509_NAME_cmp(X509_get_subject_name(light),
		X509_get_issuer_name(light)) == 0 &&
	    (x = cert_decode(NULL, d, &fault)) != NULL) {
		yes = X509_verify(x, X509_get0_pubkey(x)) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	return yes;
}

/* From its name alone: the key itself may be left undecoded. */
static int
take_key(struct cert *c, X509 *x)
{
	static const struct {
		int nid;
		enum cert_key key;
	} kinds[] = {{NID_rsaEncryption, CERT_KEY_RSA},
	    {NID_rsassaPss, CERT_KEY_RSA_PSS},
	    {NID_X9_62_id_ecPublicKey, CERT_KEY_EC},
	    {NID_ED25519, CERT_KEY_EDDSA}, {NID_ED448, CERT_KEY_EDDSA}};
	ASN1_OBJECT *name;
	size_t i;

	if (X509_PUBKEY_get0_param(
		&name, NULL, NULL, NULL, X509_get_X509_PUBKEY(x)) != 1)
		return -1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (OBJ_obj2nid(name) == kinds[i].nid)
			c->key = kinds[i].key;
	return 0;
}

enum cert_result
cert_describe(struct cert *c, X509 *x, char *why)
{
	static const struct {
		int (*take)(struct cert *, X509 *);
		const char *what;
	} parts[] = {
	    {cert_take_names, "names"},
	    {take_serial, "serial number"},
	    {take_times, "times of validity"},
	    {take_urls,
		"authority information access (where the responder "
		"is)"},
	    {take_must_staple, "TLS feature extension (must-staple)"},
	    {take_key, "key"},
	};
	size_t i;
	int rc = 0;

	/* the names come first: of those we may have no need */
	i = c->parts->shelf->names ? 0 : 1;
	for (; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = parts[i].take(c, x);
	ERR_clear_error();
	if (rc == -2) {
		words_set(why, WHY_MAX, "out of memory");
		return CERT_ELOCAL;
	}
	if (rc == -1) {
		words_set(why, WHY_MAX,
		    "the certificate is malformed: its %s cannot be read",
		    parts[i - 1].what);
		return CERT_EBAD;
	}
	c->self_signed = is_self_signed(x, &c->parts->all.v[0]);
	c->whole = 1;
	return CERT_OK;
}

/* As others show it, to tell it from its namesakes: no secret hangs on it. */
void
cert_take_fingerprint(struct cert *c)
{
	const struct cert_der *d = &c->parts->all.v[0];
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	size_t i;

	if (!c->parts->shelf->prints)
		return;
	if (EVP_Digest(d->p, d->len, md, &len, EVP_sha1(), NULL) != 1 ||
	    len != (sizeof(c->sha1) - 1) / 2)
		return;
	for (i = 0; i < len; i++) {
		c->sha1[2 * i] = digits[md[i] >> 4];
		c->sha1[2 * i + 1] = digits[md[i] & 15];
	}
}
