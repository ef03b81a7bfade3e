/* SPDX-License-Identifier: ISC */
/*
 * Keys that verify a signature and yet are not the one it was made with:
 * whoever may choose all of a key finds such a one for each signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/issuer.h"
#include "util/words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[256];
static struct cert_shelf *shelf;

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%.200s/test_keys.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return -1;
	return (shelf = cert_shelf_new(CERT_NAMES)) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	cert_shelf_free(shelf);
	(void)unlink("leaf");
	(void)unlink("ca");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

/* A certificate of `key`, of `cn` by "CA", who has `by`; in the file `path`. */
static X509 *
certify(const char *path, const char *cn, EVP_PKEY *key, EVP_PKEY *by,
    const EVP_MD *md)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	FILE *f;
	int n;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName,
	    MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_NAME_add_entry_by_NID(X509_get_issuer_name(x), NID_commonName,
	    MBSTRING_ASC, (const unsigned char *)"CA", -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, by, md) > 0);
	assert_true((n = i2d_X509(x, &der)) > 0);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(der, 1, (size_t)n, f), n);
	assert_int_equal(fclose(f), 0);
	OPENSSL_free(der);
	return x;
}

/* The file "leaf", looking for its issuer in "ca": named, and as if fetched. */
static enum cert_result
find_issuer(char *why)
{
	static const char *const files[] = {"ca"};
	const struct cert_places none = {NULL, 0, {NULL, NULL}},
				 named = {files, 1, {NULL, NULL}};
	unsigned char der[8192];
	FILE *f = fopen("ca", "r");
	enum cert_result res, fetched;
	struct cert c;
	size_t n;

	assert_non_null(f);
	n = fread(der, 1, sizeof(der), f);
	(void)fclose(f);
	assert_int_equal(cert_read(shelf, "leaf", &c, why), CERT_OK);
	res = cert_find_issuer(&c, &named, time(NULL), why);
	cert_free(&c);
	assert_int_equal(cert_read(shelf, "leaf", &c, why), CERT_OK);
	assert_int_equal(
	    cert_find_issuer(&c, &none, time(NULL), why), CERT_EISSUER);
	fetched = cert_take_issuer(&c, der, n, "afar", time(NULL), why);
	assert_int_equal(fetched, res);
	cert_free(&c);
	return res;
}

static void
octets(OSSL_PARAM_BLD *b, const char *name, const EC_GROUP *group,
    const EC_POINT *point, unsigned char buf[65])
{
	assert_int_equal(EC_POINT_point2oct(group, point,
			     POINT_CONVERSION_UNCOMPRESSED, buf, 65, NULL),
	    65);
	assert_int_equal(OSSL_PARAM_BLD_push_octet_string(b, name, buf, 65), 1);
}

/* On P-256, but for its generator. */
static EVP_PKEY *
key_of(const EC_GROUP *group, const EC_POINT *generator, const BIGNUM *secret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EC_POINT *public = EC_POINT_new(group);
	BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new();
	unsigned char g[65], q[65];
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	assert_int_equal(EC_GROUP_get_curve(group, p, a, b, NULL), 1);
	assert_int_equal(
	    EC_POINT_mul(group, public, NULL, generator, secret, NULL), 1);
	OSSL_PARAM_BLD_push_utf8_string(
	    bld, OSSL_PKEY_PARAM_EC_FIELD_TYPE, "prime-field", 0);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_EC_P, p);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_EC_A, a);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_EC_B, b);
	OSSL_PARAM_BLD_push_BN(
	    bld, OSSL_PKEY_PARAM_EC_ORDER, EC_GROUP_get0_order(group));
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret);
	octets(bld, OSSL_PKEY_PARAM_EC_GENERATOR, group, generator, g);
	octets(bld, OSSL_PKEY_PARAM_PUB_KEY, group, public, q);
	assert_non_null(params = OSSL_PARAM_BLD_to_param(bld));
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	EC_POINT_free(public);
	BN_free(p);
	BN_free(a);
	BN_free(b);
	return key;
}

/* What ECDSA calls r, s and z, of a certificate. */
static void
take_signature(X509 *x, BIGNUM *r, BIGNUM *s, BIGNUM *z)
{
	const ASN1_BIT_STRING *bits;
	const unsigned char *p;
	unsigned char *tbs = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned int len;
	ECDSA_SIG *sig;
	int n;

	X509_get0_signature(&bits, NULL, x);
	p = bits->data;
	assert_non_null(sig = d2i_ECDSA_SIG(NULL, &p, bits->length));
	BN_copy(r, ECDSA_SIG_get0_r(sig));
	BN_copy(s, ECDSA_SIG_get0_s(sig));
	ECDSA_SIG_free(sig);
	assert_true((n = i2d_re_X509_tbs(x, &tbs)) > 0);
	assert_int_equal(
	    EVP_Digest(tbs, (size_t)n, digest, &len, EVP_sha256(), NULL), 1);
	BN_bin2bn(digest, (int)len, z);
	OPENSSL_free(tbs);
}

/*
 * A key whose secret half is known, and by which the signature of `leaf`
 * verifies: with R the point of that signature, and a secret d, the generator
 * is R / (z/s + d r/s).
 */
static EVP_PKEY *
made_to_fit(X509 *leaf)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(group);
	BIGNUM *r = BN_new(), *s = BN_new(), *z = BN_new(), *d = BN_new();
	EC_POINT *point = EC_POINT_new(group);
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *key;

	take_signature(leaf, r, s, z);
	BN_set_word(d, 12345678);
	assert_int_equal(
	    EC_POINT_set_compressed_coordinates(group, point, r, 0, ctx), 1);
	BN_mod_inverse(s, s, n, ctx);
	BN_mod_mul(r, r, d, n, ctx);
	BN_mod_add(z, z, r, n, ctx);
	BN_mod_mul(z, z, s, n, ctx);
	BN_mod_inverse(z, z, n, ctx);
	assert_int_equal(EC_POINT_mul(group, point, NULL, point, z, ctx), 1);
	key = key_of(group, point, d);
	EC_GROUP_free(group);
	EC_POINT_free(point);
	BN_free(r);
	BN_free(s);
	BN_free(z);
	BN_free(d);
	BN_CTX_free(ctx);
	return key;
}

static void
a_key_that_was_made_to_fit_a_signature_is_no_issuer(void **state)
{
	EVP_PKEY *own = EVP_EC_gen("P-256"), *other;
	X509 *leaf = certify("leaf", "www.example", own, own, EVP_sha256());
	char why[WHY_MAX];
	X509 *ca;
	int i;

	(void)state;
	/* more than are kept, and each with the right key */
	for (i = 0; i < 40; i++) {
		ca = certify("ca", "CA", own, own, EVP_sha256());
		assert_int_equal(find_issuer(why), CERT_OK);
		X509_free(ca);
	}
	other = made_to_fit(leaf);
	assert_int_equal(EVP_PKEY_eq(other, own), 0);
	ca = certify("ca", "CA", other, other, EVP_sha256());
	/* it does: only that proves nothing */
	assert_int_equal(X509_verify(leaf, X509_get0_pubkey(ca)), 1);
	assert_int_equal(find_issuer(why), CERT_EISSUER);
	assert_non_null(strstr(why, "anybody can make to fit a signature"));
	X509_free(ca);
	X509_free(leaf);
	EVP_PKEY_free(own);
	EVP_PKEY_free(other);
}

/* ---- what else is loose, and what is not ---- */

static EVP_PKEY *
generate(EVP_PKEY_CTX *ctx)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
rsa(const char *kind, const char *exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	BIGNUM *e = NULL;

	BN_hex2bn(&e, exponent);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	BN_free(e);
	return generate(ctx);
}

static EVP_PKEY *
curve(const char *name, const char *how)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, name), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_ec_param_enc(ctx,
		strcmp(how, "explicit") == 0 ? OPENSSL_EC_EXPLICIT_CURVE
					     : OPENSSL_EC_NAMED_CURVE),
	    1);
	return generate(ctx);
}

static EVP_PKEY *
sm2(const char *name, const char *none)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);

	(void)none;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	return generate(ctx);
}

static EVP_PKEY *
edwards(const char *name, const char *none)
{
	(void)none;
	return EVP_PKEY_Q_keygen(NULL, NULL, name);
}

static EVP_PKEY *
dsa(const char *name, const char *none)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	EVP_PKEY *params = NULL;

	(void)none;
	assert_int_equal(EVP_PKEY_paramgen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_paramgen(ctx, &params), 1);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
	EVP_PKEY_free(params);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	return generate(ctx);
}

static void
only_keys_that_nobody_can_choose_freely_prove_an_issuer(void **state)
{
	static const struct {
		EVP_PKEY *(*make)(const char *, const char *);
		const char *a, *b;
		enum cert_result want;
	} rows[] = {
	    {rsa, "RSA", "10001", CERT_OK},
	    {rsa, "RSA", "3", CERT_OK},
	    {rsa, "RSA", "FFFFFFFFFFFFFFC5", CERT_OK},
	    {rsa, "RSA", "1000000000000000D", CERT_EISSUER},
	    {rsa, "RSA-PSS", "10001", CERT_OK},
	    {rsa, "RSA-PSS", "1000000000000000D", CERT_EISSUER},
	    {curve, "P-256", "named", CERT_OK},
	    {curve, "P-384", "named", CERT_OK},
	    {curve, "secp256k1", "named", CERT_OK},
	    {sm2, "SM2", NULL, CERT_OK},
	    {curve, "P-256", "explicit", CERT_EISSUER},
	    {curve, "secp256k1", "explicit", CERT_EISSUER},
	    {edwards, "ED25519", NULL, CERT_OK},
	    {edwards, "ED448", NULL, CERT_OK},
	    {dsa, "DSA", NULL, CERT_EISSUER},
	};
	char why[WHY_MAX];
	const EVP_MD *md;
	EVP_PKEY *key;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		key = rows[i].make(rows[i].a, rows[i].b);
		md = rows[i].make == edwards        ? NULL
		    : strcmp(rows[i].a, "SM2") == 0 ? EVP_sm3()
						    : EVP_sha256();
		X509_free(certify("leaf", "www.example", key, key, md));
		X509_free(certify("ca", "CA", key, key, md));
		if (find_issuer(why) != rows[i].want)
			fail_msg("%s %s: %s", rows[i].a, rows[i].b, why);
		if (rows[i].want != CERT_OK)
			assert_non_null(strstr(why, "can make to fit"));
		EVP_PKEY_free(key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_key_that_was_made_to_fit_a_signature_is_no_issuer),
	    cmocka_unit_test(
		only_keys_that_nobody_can_choose_freely_prove_an_issuer),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
