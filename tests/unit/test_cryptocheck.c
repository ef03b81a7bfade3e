/* SPDX-License-Identifier: ISC */
/*
 * What OpenSSL lacks, as it is configured or built, is found and named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cmocka.h>

#include "cert/cert.h"
#include "cert/issuer.h"
#include "ocsp/cryptocheck.h"
#include "lab.h"
#include "util/words.h"

/* As libcrypto of RHEL 9 is: this stands before OpenSSL's. */
static int no_sha1;
static int probes; /* the lab's keys, but for a few, are no RSA */

int
EVP_DigestVerifyInit(EVP_MD_CTX *c, EVP_PKEY_CTX **pctx, const EVP_MD *type,
    ENGINE *e, EVP_PKEY *pkey)
{
	(void)e;
	probes += EVP_PKEY_is_a(pkey, "RSA") && EVP_MD_is_a(type, "SHA1");
	if (no_sha1 && EVP_MD_is_a(type, "SHA1"))
		return 0;
	return EVP_DigestVerifyInit_ex(
	    c, pctx, EVP_MD_get0_name(type), NULL, NULL, pkey, NULL);
}

static void
all_algorithms_are_here(void **state)
{
	char why[WHY_MAX] = "";

	(void)state;
	assert_int_equal(cryptocheck_algorithms(why), 0);
	assert_string_equal(why, "");
}

/* What a configuration says is to be had only of some provider. */
static void
with_properties(const char *wanted, int expected, char *why)
{
	assert_int_equal(EVP_set_default_properties(NULL, wanted), 1);
	why[0] = '\0';
	assert_int_equal(cryptocheck_algorithms(why), expected);
	assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

static void
what_no_provider_has_is_named_with_the_configuration(void **state)
{
	char why[WHY_MAX];

	(void)state;
	setenv("OPENSSL_CONF", "/of/my/own.cnf", 1);
	with_properties("provider=nowhere", -1, why);
	assert_non_null(strstr(why, "without SHA-1, SHA-256, RSA, ECDSA;"));
	assert_non_null(strstr(why, "/of/my/own.cnf (named by OPENSSL_CONF)"));
	unsetenv("OPENSSL_CONF");
	with_properties("provider=nowhere", -1, why);
	assert_non_null(strstr(why, "openssl.cnf (OPENSSL_CONF may name"));
}

static void
a_wish_that_may_be_left_unmet_changes_nothing(void **state)
{
	char why[WHY_MAX];

	(void)state;
	with_properties("?provider=nowhere", 0, why);
	assert_string_equal(why, "");
}

static void
a_long_path_of_a_configuration_does_no_harm(void **state)
{
	char path[3 * WHY_MAX], why[WHY_MAX];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	setenv("OPENSSL_CONF", path, 1);
	with_properties("provider=nowhere", -1, why);
	unsetenv("OPENSSL_CONF");
	assert_non_null(strstr(why, "OPENSSL_CONF"));
	assert_non_null(strstr(why, "\"default\""));
}

static void
a_library_that_refuses_sha1_signatures_is_found_out(void **state)
{
	(void)state;
	no_sha1 = 1;
	assert_int_equal(cryptocheck_refuses_sha1(), 1);
	no_sha1 = 0;
}

static void
one_that_takes_them_is_not_blamed(void **state)
{
	(void)state;
	if (cryptocheck_refuses_sha1())
		skip(); /* it does, here */
}

/* Asking leaves nothing behind that would pass for another's fault. */
static void
asking_leaves_no_error_behind(void **state)
{
	char why[WHY_MAX];

	(void)state;
	with_properties("provider=nowhere", -1, why);
	assert_int_equal(ERR_peek_error(), 0);
	no_sha1 = 1;
	(void)cryptocheck_refuses_sha1();
	no_sha1 = 0;
	assert_int_equal(ERR_peek_error(), 0);
}

static void
sign(X509 *x, EVP_PKEY *of, EVP_PKEY *by, X509_NAME *name, const EVP_MD *md)
{
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, of);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_true(X509_sign(x, by, md) > 0);
}

/* What is said of an issuer of the right name that does not verify a leaf. */
static void
say_of_issuer(struct cert_shelf *shelf, const EVP_MD *md, char *why)
{
	char path[] = "/tmp/test_cryptocheck.XXXXXX";
	X509_NAME *name = X509_NAME_new();
	EVP_PKEY *one = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	X509 *leaf = X509_new(), *issuer = X509_new();
	unsigned char *der = NULL;
	struct cert c;
	FILE *f;
	int n;

	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"Same", -1, -1, 0);
	sign(leaf, other, one, name, md);
	sign(issuer, other, other, name, EVP_sha256());
	f = fdopen(mkstemp(path), "w");
	assert_int_equal(PEM_write_X509(f, leaf), 1);
	fclose(f);
	assert_int_equal(cert_read(shelf, path, &c, why), CERT_OK);
	n = i2d_X509(issuer, &der);
	assert_int_equal(cert_take_issuer(&c, der, (size_t)n, "there",
			     (int64_t)time(NULL), why),
	    CERT_EISSUER);
	cert_free(&c);
	unlink(path);
	OPENSSL_free(der);
	X509_free(leaf);
	X509_free(issuer);
	EVP_PKEY_free(one);
	EVP_PKEY_free(other);
	X509_NAME_free(name);
}

static void
no_issuer_is_blamed_for_a_sha1_signature_that_the_system_refuses(void **state)
{
	struct cert_shelf *shelf;
	char why[WHY_MAX];

	(void)state;
	if (cryptocheck_refuses_sha1())
		skip(); /* then none can be made */
	assert_non_null(shelf = cert_shelf_new(0));
	no_sha1 = 1;
	say_of_issuer(shelf, EVP_sha1(), why);
	assert_non_null(strstr(why, "update-crypto-policies --set"));
	assert_null(strstr(why, "does not verify it"));
	say_of_issuer(shelf, EVP_sha256(), why);
	assert_non_null(strstr(why, "its key does not verify it"));
	cert_shelf_free(shelf);
	no_sha1 = 0;
	assert_non_null(shelf = cert_shelf_new(0));
	say_of_issuer(shelf, EVP_sha1(), why);
	assert_non_null(strstr(why, "its key does not verify it"));
	cert_shelf_free(shelf);
}

/* The probe costs as much as a candidate: a directory has hundreds. */
static void
in_one_run_it_is_asked_once_whether_the_system_refuses_sha1(void **state)
{
	static const char *const says[] = {
	    "its key does not verify it", "update-crypto-policies --set"};
	struct cert_shelf *shelf;
	char why[WHY_MAX];
	int refuses, i;

	(void)state;
	if (cryptocheck_refuses_sha1())
		skip(); /* then none can be made */
	for (refuses = 0; refuses < 2; refuses++) {
		assert_non_null(shelf = cert_shelf_new(0));
		no_sha1 = refuses;
		probes = 0;
		say_of_issuer(shelf, EVP_sha256(), why);
		assert_int_equal(probes, 0);
		for (i = 0; i < 3; i++) {
			say_of_issuer(shelf, EVP_sha1(), why);
			assert_non_null(strstr(why, says[refuses]));
		}
		assert_int_equal(probes, 1);
		no_sha1 = 0;
		cert_shelf_free(shelf);
	}
}

/*
 * What is said of a response whose last bit is flipped: of its signature, or of
 * its signer's certificate, if it carries that.
 */
static void
say_of_response(struct lab *lab, const char *recipe, struct ocsp_verdict *v)
{
	const struct ocsp_policy policy = {.now = lab->now,
	    .skew = 300,
	    .max_age = -1,
	    .assume_lifetime = 3600,
	    .allow_sha1 = 1};
	struct response r;
	struct subject s;

	lab_subject(lab, &s, "ca", 0, HASH_SHA1, 0);
	lab_respond(lab, &s, forge_find(recipe), &r);
	r.der[r.len - 1] ^= 1;
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &policy, v), VERDICT_REFUSED);
	free(r.der);
	subject_free(&s);
}

static void
no_responder_is_blamed_for_a_sha1_signature_that_the_system_refuses(
    void **state)
{
	static const struct {
		const char *recipe;
		int no_sha1;
		const char *says;
	} rows[] = {
	    {"sig-sha1", 1,
		"it is signed with SHA-1, which this system's OpenSSL refuses"},
	    {"sig-sha1", 0, "the signature does not match"},
	    {"good", 1, "the signature does not match"},
	    {"by-sha1-delegate", 1,
		"its certificate is signed with SHA-1, which this system's "
		"OpenSSL refuses"},
	    {"by-sha1-delegate", 0,
		"its certificate is not valid: certificate signature failure"},
	    {"good-delegate", 1,
		"its certificate is not valid: certificate signature failure"},
	};
	struct ocsp_verdict v;
	struct lab lab;
	size_t i;

	(void)state;
	if (cryptocheck_refuses_sha1())
		skip(); /* openssl-algorithms.bats */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_open(&lab);
		no_sha1 = rows[i].no_sha1;
		say_of_response(&lab, rows[i].recipe, &v);
		no_sha1 = 0;
		if (strstr(v.why, rows[i].says) == NULL ||
		    (strstr(v.why, LAB_CURE) != NULL) !=
			(strstr(rows[i].says, "refuses") != NULL))
			fail_msg("row %zu: %s", i, v.why);
		assert_int_equal(
		    v.advised, strstr(rows[i].says, "refuses") != NULL);
		lab_close(&lab);
	}
}

/* The probe costs as much as a response: thousands are of one issuer. */
static void
of_one_issuer_it_is_asked_once_whether_the_system_refuses_sha1(void **state)
{
	struct ocsp_verdict v;
	struct lab lab;
	int refuses;

	(void)state;
	lab_open(&lab);
	for (refuses = 0; refuses < 2; refuses++) {
		no_sha1 = refuses;
		lab_close(&lab);
		lab_open(&lab);
		probes = 0;
		say_of_response(&lab, "good", &v);
		assert_int_equal(probes, 0);
		say_of_response(&lab, "sig-sha1", &v);
		say_of_response(&lab, "by-sha1-delegate", &v);
		say_of_response(&lab, "sig-sha1", &v);
		assert_int_equal(probes, 1);
	}
	no_sha1 = 0;
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_algorithms_are_here),
	    cmocka_unit_test(
		what_no_provider_has_is_named_with_the_configuration),
	    cmocka_unit_test(a_wish_that_may_be_left_unmet_changes_nothing),
	    cmocka_unit_test(a_long_path_of_a_configuration_does_no_harm),
	    cmocka_unit_test(
		a_library_that_refuses_sha1_signatures_is_found_out),
	    cmocka_unit_test(one_that_takes_them_is_not_blamed),
	    cmocka_unit_test(asking_leaves_no_error_behind),
	    cmocka_unit_test(
		no_issuer_is_blamed_for_a_sha1_signature_that_the_system_refuses),
	    cmocka_unit_test(
		in_one_run_it_is_asked_once_whether_the_system_refuses_sha1),
	    cmocka_unit_test(
		no_responder_is_blamed_for_a_sha1_signature_that_the_system_refuses),
	    cmocka_unit_test(
		of_one_issuer_it_is_asked_once_whether_the_system_refuses_sha1),
	};

	/* before the first test changes what names it */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
