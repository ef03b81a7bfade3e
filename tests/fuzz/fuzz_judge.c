/* SPDX-License-Identifier: ISC */
/*
 * The judge.  An input is no response but how to make one: what is taken from
 * the forge's table, which part of it is edited and how, and whether it is
 * signed again by a key that has the right to.  So the fuzzer gets past the
 * signature, where random bytes would not.
 *
 *	0: the rest is the response
 *	1: edits of the whole response
 *	2: edits of what is signed, which is then signed by the issuer
 *	3: the same, signed by a delegate
 *	4: edits of the delegate's certificate, which the issuer signs, and
 *	   which signs the response
 *	5: edits of a BasicOCSPResponse after it was signed
 *
 * then the recipe, then edits (see dertree.c) to the end.
 *
 * And whatever is made: where OpenSSL's own verifier says no, so does ours, but
 * for what the verdict says was forgiven.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "dertree.h"
#include "fuzz.h"
#include "lab.h"

#define MAX_EDITS 8

static struct lab lab;
static struct subject leaf;
static X509 *issuer, *delegate;
static EVP_PKEY *issuer_key, *delegate_key;
static STACK_OF(X509) *issuers;
static X509_STORE *store;
static struct response *made; /* one for each recipe, once it was wanted */
static size_t nrecipes;

struct bytes {
	uint8_t *p;
	size_t n;
};

/* ---- the PKI ---- */

static void
clean_up(void)
{
	size_t i;

	for (i = 0; i < nrecipes; i++)
		free(made[i].der);
	free(made);
	sk_X509_free(issuers);
	X509_STORE_free(store);
	X509_free(issuer);
	X509_free(delegate);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(delegate_key);
	subject_free(&leaf);
	lab_close(&lab);
}

static void
load(const char *name, X509 **x, EVP_PKEY **key)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.pem", lab.dir, name);
	HOLDS((f = fopen(path, "r")) != NULL);
	HOLDS((*x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL);
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s.key", lab.dir, name);
	HOLDS((f = fopen(path, "r")) != NULL);
	HOLDS((*key = PEM_read_PrivateKey(f, NULL, NULL, NULL)) != NULL);
	fclose(f);
}

static void
set_up(void)
{
	lab_open(&lab);
	lab_subject(&lab, &leaf, NULL, 0, HASH_SHA1, 1);
	load("ca", &issuer, &issuer_key);
	load("delegate", &delegate, &delegate_key);
	HOLDS((issuers = sk_X509_new_null()) != NULL);
	HOLDS(sk_X509_push(issuers, issuer) > 0);
	HOLDS((store = X509_STORE_new()) != NULL);
	HOLDS(X509_STORE_add_cert(store, issuer) == 1);
	HOLDS(X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1);
	while (forge_recipes[nrecipes].name != NULL)
		nrecipes++;
	HOLDS((made = calloc(nrecipes, sizeof(*made))) != NULL);
	atexit(clean_up);
}

static const struct response *
recipe(struct fuzz_in *in)
{
	size_t i = fuzz_byte(in) % nrecipes;

	/* some need keys that this leaf's issuer has not */
	if (forge_recipes[i].ca != NULL)
		i = 0;
	if (made[i].der == NULL)
		lab_respond(&lab, &leaf, &forge_recipes[i], &made[i]);
	return &made[i];
}

/* ---- making ---- */

static void
edit_all(struct bytes *b, struct fuzz_in *in)
{
	uint8_t *next;
	size_t n;
	int i;

	for (i = 0; i < MAX_EDITS && in->n > 0; i++) {
		next = dertree_edit(b->p, b->n, in, &n);
		free(b->p);
		b->p = next;
		b->n = n;
	}
}

static struct bytes
copy(const uint8_t *p, size_t n)
{
	struct bytes b = {malloc(n + 1), n};

	HOLDS(b.p != NULL);
	if (n > 0)
		memcpy(b.p, p, n);
	return b;
}

/* Puts a header before all of it; `unused`: of a BIT STRING. */
static void
wrap(struct bytes *b, int tag, int constructed, int unused)
{
	int class = tag & 0x80 ? V_ASN1_CONTEXT_SPECIFIC : V_ASN1_UNIVERSAL;
	int n = (int)b->n + unused, size;
	unsigned char *p, *o;

	size = ASN1_object_size(constructed, n, tag & 0x1f);
	HOLDS(size > 0 && (p = o = malloc((size_t)size)) != NULL);
	ASN1_put_object(&o, constructed, n, tag & 0x1f, class);
	if (unused)
		*o++ = 0;
	memcpy(o, b->p, b->n);
	free(b->p);
	b->p = p;
	b->n = (size_t)size;
}

static void
append(struct bytes *b, const uint8_t *p, size_t n)
{
	HOLDS((b->p = realloc(b->p, b->n + n + 1)) != NULL);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* What was signed, its algorithm, the signature: a SEQUENCE without header. */
static void
sign(struct bytes *tbs, EVP_PKEY *key)
{
	static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a,
	    0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[256];
	struct bytes sig;
	size_t len = sizeof(der);

	HOLDS(ctx != NULL);
	HOLDS(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
	HOLDS(EVP_DigestSign(ctx, der, &len, tbs->p, tbs->n) == 1);
	sig = copy(der, len);
	EVP_MD_CTX_free(ctx);
	wrap(&sig, V_ASN1_BIT_STRING, 0, 1);
	append(tbs, ecdsa_sha256, sizeof(ecdsa_sha256));
	append(tbs, sig.p, sig.n);
	free(sig.p);
}

/* Around the parts of a BasicOCSPResponse: all the rest of a response. */
static void
wrap_response(struct bytes *b)
{
	static const uint8_t basic[] = {
	    0x06, 0x09, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
	static const uint8_t successful[] = {0x0a, 1, 0};
	struct bytes all = copy(basic, sizeof(basic));

	wrap(b, V_ASN1_OCTET_STRING, 0, 0);
	append(&all, b->p, b->n);
	wrap(&all, V_ASN1_SEQUENCE, 1, 0);
	wrap(&all, 0x80, 1, 0);
	free(b->p);
	*b = copy(successful, sizeof(successful));
	append(b, all.p, all.n);
	free(all.p);
	wrap(b, V_ASN1_SEQUENCE, 1, 0);
}

/* The ResponseData of a recipe's response; an honest one if it has none. */
static struct bytes
data_of(const struct response *r)
{
	const unsigned char *p = r->der;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)r->len);
	OCSP_BASICRESP *basic =
	    resp != NULL ? OCSP_response_get1_basic(resp) : NULL;
	unsigned char *der = NULL;
	struct bytes b;
	int n;

	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	if (basic == NULL) {
		HOLDS(r != &made[0]);
		if (made[0].der == NULL)
			lab_respond(&lab, &leaf, &forge_recipes[0], &made[0]);
		return data_of(&made[0]);
	}
	n = i2d_OCSP_RESPDATA(
	    (OCSP_RESPDATA *)(uintptr_t)OCSP_resp_get0_respdata(basic), &der);
	HOLDS(n > 0);
	b = copy(der, (size_t)n);
	OPENSSL_free(der);
	OCSP_BASICRESP_free(basic);
	return b;
}

/* The delegate's certificate as the input has it, signed by the issuer. */
static struct bytes
make_delegate(struct fuzz_in *in)
{
	unsigned char *der = NULL;
	struct bytes b;
	int n = i2d_re_X509_tbs(delegate, &der);

	HOLDS(n > 0);
	b = copy(der, (size_t)n);
	OPENSSL_free(der);
	edit_all(&b, in);
	sign(&b, issuer_key);
	wrap(&b, V_ASN1_SEQUENCE, 1, 0);
	return b;
}

static void
add_cert(struct bytes *parts, struct bytes cert)
{
	wrap(&cert, V_ASN1_SEQUENCE, 1, 0);
	wrap(&cert, 0x80, 1, 0);
	append(parts, cert.p, cert.n);
	free(cert.p);
}

static struct bytes
encoded(X509 *x)
{
	unsigned char *der = NULL;
	struct bytes b;
	int n = i2d_X509(x, &der);

	HOLDS(n > 0);
	b = copy(der, (size_t)n);
	OPENSSL_free(der);
	return b;
}

/* The length of the element that begins at `p`. */
static size_t
whole(const uint8_t *p, size_t n)
{
	const unsigned char *q = p;
	long len;
	int tag, class;

	HOLDS((ASN1_get_object(&q, &len, &tag, &class, (long)n) & 0x80) == 0);
	return (size_t)(q - p) + (size_t)len;
}

/* The ResponderID has to fit the signer: it is set before the edits. */
static void
name_signer(struct bytes *data, X509 *signer)
{
	OCSP_RESPID *id = OCSP_RESPID_new();
	const unsigned char *p = data->p;
	unsigned char *der = NULL;
	struct bytes b = {NULL, 0};
	size_t at, from;
	long len;
	int n, tag, class;

	HOLDS(id != NULL && OCSP_RESPID_set_by_name(id, signer) == 1);
	HOLDS((n = i2d_OCSP_RESPID(id, &der)) > 0);
	OCSP_RESPID_free(id);
	ASN1_get_object(&p, &len, &tag, &class, (long)data->n);
	from = at = (size_t)(p - data->p);
	/* [0] would be the version */
	if (data->p[at] == 0xa0)
		at += whole(data->p + at, data->n - at);
	HOLDS((b.p = malloc(1)) != NULL);
	append(&b, data->p + from, at - from);
	append(&b, der, (size_t)n);
	OPENSSL_free(der);
	at += whole(data->p + at, data->n - at);
	append(&b, data->p + at, data->n - at);
	wrap(&b, V_ASN1_SEQUENCE, 1, 0);
	free(data->p);
	*data = b;
}

/* The response that the input describes. */
static struct bytes
make(struct fuzz_in *in)
{
	unsigned int mode = fuzz_byte(in) % 6;
	const struct response *r;
	struct bytes b, cert = {NULL, 0};
	int by_issuer = mode == 2;

	if (mode == 0)
		return copy(in->p, in->n);
	r = recipe(in);
	if (mode == 1) {
		b = copy(r->der, r->len);
		edit_all(&b, in);
		return b;
	}
	b = data_of(r);
	name_signer(&b, by_issuer ? issuer : delegate);
	if (mode == 4)
		cert = make_delegate(in);
	else if (mode != 5)
		edit_all(&b, in);
	sign(&b, by_issuer ? issuer_key : delegate_key);
	if (!by_issuer)
		add_cert(&b, mode == 4 ? cert : encoded(delegate));
	wrap(&b, V_ASN1_SEQUENCE, 1, 0);
	if (mode == 5)
		edit_all(&b, in);
	wrap_response(&b);
	return b;
}

/* ---- what must hold of it ---- */

/* Does it say that it took what OpenSSL alone does not? */
static int
is_forgiven(const struct ocsp_verdict *v)
{
	HOLDS(!v->excused || v->status == VERDICT_REVOKED);
	HOLDS(!v->sha1 || v->excused);
	return v->excused ||
	    (v->quirks & (QUIRK_AUTHORITY_KEY | QUIRK_CONSTRAINED_NAME)) != 0;
}

/* What a verified response has to be in OpenSSL's own eyes. */
static void
agree(const struct bytes *b, const struct ocsp_verdict *v)
{
	static const int statuses[] = {
	    [VERDICT_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN,
	    [VERDICT_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
	    [VERDICT_GOOD] = V_OCSP_CERTSTATUS_GOOD};
	const unsigned char *p = b->p;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)b->n);
	OCSP_BASICRESP *basic;
	ASN1_GENERALIZEDTIME *this = NULL, *next = NULL;
	OCSP_CERTID *id;
	const unsigned char *q;
	ASN1_INTEGER *serial;
	int status = -1;

	HOLDS(resp != NULL && p == b->p + b->n && b->n <= RESPONSE_MAX);
	HOLDS(OCSP_response_status(resp) == 0);
	HOLDS((basic = OCSP_response_get1_basic(resp)) != NULL);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), lab.now);
	HOLDS(
	    is_forgiven(v) || OCSP_basic_verify(basic, issuers, store, 0) == 1);
	q = leaf.cert.serial;
	serial = d2i_ASN1_INTEGER(NULL, &q, (long)leaf.cert.serial_len);
	HOLDS(serial != NULL);
	id = OCSP_cert_id_new(v->other_hash ? EVP_sha256() : EVP_sha1(),
	    X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer),
	    serial);
	HOLDS(id != NULL);
	HOLDS(OCSP_resp_find_status(
		  basic, id, &status, NULL, NULL, &this, &next) == 1);
	HOLDS(status == statuses[v->status]);
	HOLDS(v->expired || OCSP_check_validity(this, next, 3600, -1) == 1);
	OCSP_CERTID_free(id);
	ASN1_INTEGER_free(serial);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
}

static void
check(const struct bytes *b)
{
	struct ocsp_policy policy = {.now = lab.now,
	    .skew = 300,
	    .max_age = -1,
	    .assume_lifetime = 36 * FORGE_HOUR,
	    .answer = 1,
	    .names = 1};
	struct ocsp_verdict v, again;
	enum ocsp_status status;

	status = ocsp_judge(leaf.target, b->p, b->n, &policy, &v);
	HOLDS(status == v.status);
	HOLDS(memchr(v.why, '\0', sizeof(v.why)) != NULL);
	HOLDS(memchr(v.signer, '\0', sizeof(v.signer)) != NULL);
	HOLDS((status == VERDICT_GOOD) == (v.why[0] == '\0'));
	HOLDS(ocsp_judge(leaf.target, b->p, b->n, &policy, &again) == status);
	HOLDS(strcmp(v.why, again.why) == 0);
	free(ocsp_text(b->p, b->n));
	if (status < VERDICT_UNKNOWN)
		return;
	agree(b, &v);
	HOLDS(v.has_times && v.expired == (v.usable_until <= lab.now));
	HOLDS(v.this_update <= lab.now + 300);
	HOLDS(v.usable_until <=
	    (v.has_next ? v.next_update : v.this_update + 36 * FORGE_HOUR));
	HOLDS(v.usable_until <= leaf.cert.not_after);
	if (status == VERDICT_REVOKED)
		return;
	HOLDS(!v.expired && !v.other_hash);
	HOLDS(!v.has_next || v.next_update > v.this_update);
	/* it ends when it says that it does */
	policy.now = v.usable_until;
	HOLDS(ocsp_judge(leaf.target, b->p, b->n, &policy, &again) <
	    VERDICT_UNKNOWN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;
	struct fuzz_in in = {data, size};
	struct bytes b, exact;

	if (!ready++)
		set_up();
	b = make(&in);
	/* of its own size, so that a sanitizer sees any overread */
	HOLDS((exact.p = malloc(b.n > 0 ? b.n : 1)) != NULL);
	exact.n = b.n;
	memcpy(exact.p, b.p, b.n);
	free(b.p);
	check(&exact);
	free(exact.p);
	return 0;
}
