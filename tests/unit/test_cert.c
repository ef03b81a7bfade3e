/* SPDX-License-Identifier: ISC */
/*
 * Certificates: what is read of a good one, and that nothing which was cut,
 * flipped or made up is ever taken for one.
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

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert/cert.h"
#include "cert/issuer.h"
#include "forge.h"
#include "util/words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[256];
static time_t now;
static char why[WHY_MAX];
static struct cert_shelf *shelf, *ca_shelf;

/* Bytes of a file. */
struct bytes {
	unsigned char *p;
	size_t len;
};

static const char *
in_dir(const char *name)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static struct bytes
slurp(const char *path)
{
	struct bytes b = {malloc(65536), 0};
	FILE *f = fopen(path, "r");

	assert_non_null(b.p);
	assert_non_null(f);
	b.len = fread(b.p, 1, 65536, f);
	assert_int_equal(fclose(f), 0);
	return b;
}

static const char *
put(const char *name, const void *p, size_t len)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static struct bytes
to_der(const char *path)
{
	struct bytes b = {NULL, 0};
	FILE *f = fopen(path, "r");
	X509 *x;
	int n;

	assert_non_null(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	assert_non_null(x);
	assert_int_equal(fclose(f), 0);
	n = i2d_X509(x, &b.p);
	assert_true(n > 0);
	b.len = (size_t)n;
	X509_free(x);
	return b;
}

static int
set_up(void **state)
{
	static const char *const urls[] = {
	    "http://ocsp.example/a", "http://ocsp.example/b"};
	struct forge_leaf leaf = {
	    .name = "leaf", .cn = "www.example", .urls = urls, .nurls = 2};
	const char *tmp = getenv("TMPDIR");

	(void)state;
	now = time(NULL);
	snprintf(dir, sizeof(dir), "%.200s/test_cert.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return -1;
	forge_pki(dir, now);
	leaf.serial = "0123456789ABCDEF";
	forge_leaf(dir, &leaf, now);
	shelf = cert_shelf_new(CERT_NAMES | CERT_PRINTS);
	ca_shelf = cert_shelf_new(CERT_NAMES | CERT_ALLOW_CA);
	return shelf != NULL && ca_shelf != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[300];

	(void)state;
	cert_shelf_free(shelf);
	cert_shelf_free(ca_shelf);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

/* cert_read() into a structure that holds rubbish. */
static enum cert_result
read_over(const char *path, struct cert *c)
{
	enum cert_result res;

	memset(c, 0xa5, sizeof(*c));
	memset(why, '!', sizeof(why));
	res = cert_read(shelf, path, c, why);
	if (res != CERT_OK)
		assert_true(why[0] != '\0' && strnlen(why, WHY_MAX) < WHY_MAX);
	return res;
}

static enum cert_result
find_in(struct cert *c, const char *file)
{
	const char *files[] = {file};
	struct cert_places places = {files, file != NULL, {NULL, NULL}};

	return cert_find_issuer(c, &places, now, why);
}

/* Is it our leaf and nothing else? */
static void
is_the_leaf(const struct cert *c)
{
	assert_string_equal(c->subject, "CN=www.example");
	assert_string_equal(c->issuer_name, "CN=Test Issuing CA");
	assert_string_equal(c->serial_hex, "0123456789ABCDEF");
	assert_int_equal(c->serial_len, 10);
	assert_memory_equal(c->serial,
	    "\x02\x08\x01\x23\x45\x67\x89\xab"
	    "\xcd\xef",
	    10);
	assert_int_equal(c->not_before, now - 30 * FORGE_DAY);
	assert_int_equal(c->not_after, now + 60 * FORGE_DAY);
	assert_int_equal(c->must_staple, 0);
	assert_int_equal(c->self_signed, 0);
	assert_int_equal(c->nurls, 2);
	assert_string_equal(c->urls[0].text, "http://ocsp.example/a");
	assert_string_equal(c->urls[1].text, "http://ocsp.example/b");
	assert_int_equal(c->urls[0].len, 21);
}

static void
refuses(const char *path, enum cert_result want)
{
	struct cert c;
	enum cert_result res = read_over(path, &c);

	if (res != want)
		print_error("of %.100s: %d %s\n", path, (int)res, why);
	assert_int_equal(res, want);
	cert_free(&c);
}

/* ---- what is read ---- */

static void
all_of_a_good_leaf_is_read(void **state)
{
	struct bytes der = to_der(in_dir("leaf.pem"));
	struct cert c;

	(void)state;
	assert_int_equal(read_over(in_dir("leaf.pem"), &c), CERT_OK);
	is_the_leaf(&c);
	cert_free(&c);
	/* and once more, for who is not sure whether it was done */
	cert_free(&c);

	assert_int_equal(read_over(put("x", der.p, der.len), &c), CERT_OK);
	is_the_leaf(&c);
	assert_int_equal(find_in(&c, in_dir("ca.pem")), CERT_OK);
	assert_int_equal(strlen(c.sha1), 40);
	cert_free(&c);
	OPENSSL_free(der.p);
}

static void
serials_of_any_kind_arrive(void **state)
{
	static const struct {
		const char *hex, *want;
		const char *der;
		size_t len;
	} rows[] = {{"0", "00", "\x02\x01\x00", 3},
	    {"1", "01", "\x02\x01\x01", 3}, {"7F", "7F", "\x02\x01\x7f", 3},
	    {"80", "80", "\x02\x02\x00\x80", 4},
	    {"-5", "-05", "\x02\x01\xfb", 3}, {"-80", "-80", "\x02\x01\x80", 3},
	    {"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
		"\x02\x15\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\xff\xff\xff",
		23}};
	struct forge_leaf leaf = {.name = "serial"};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		leaf.serial = rows[i].hex;
		forge_leaf(dir, &leaf, now);
		assert_int_equal(read_over(in_dir("serial.pem"), &c), CERT_OK);
		assert_string_equal(c.serial_hex, rows[i].want);
		assert_int_equal(c.serial_len, rows[i].len);
		assert_memory_equal(c.serial, rows[i].der, rows[i].len);
		cert_free(&c);
	}
}

static void
no_more_responders_than_the_limit(void **state)
{
	const char *urls[30];
	char text[30][32];
	struct forge_leaf leaf = {.name = "many", .urls = urls};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(urls); i++) {
		snprintf(text[i], sizeof(text[i]), "http://%zu.example/", i);
		urls[i] = text[i];
	}
	for (leaf.nurls = 0; leaf.nurls <= COUNT(urls); leaf.nurls++) {
		forge_leaf(dir, &leaf, now);
		assert_int_equal(read_over(in_dir("many.pem"), &c), CERT_OK);
		assert_int_equal(c.nurls,
		    leaf.nurls < CERT_MAX_URLS ? leaf.nurls : CERT_MAX_URLS);
		for (i = 0; i < c.nurls; i++)
			assert_string_equal(c.urls[i].text, text[i]);
		cert_free(&c);
	}
}

static void
self_signed_is_by_its_own_key_and_not_by_name(void **state)
{
	struct forge_leaf own = {.name = "own", .self_signed = 1};
	/* named as its issuer is */
	struct forge_leaf namesake = {
	    .name = "namesake", .cn = "Test Issuing CA"};
	struct cert c;

	(void)state;
	forge_leaf(dir, &own, now);
	assert_int_equal(read_over(in_dir("own.pem"), &c), CERT_OK);
	assert_int_equal(c.self_signed, 1);
	cert_free(&c);
	forge_leaf(dir, &namesake, now);
	assert_int_equal(read_over(in_dir("namesake.pem"), &c), CERT_OK);
	assert_int_equal(c.self_signed, 0);
	assert_int_equal(find_in(&c, in_dir("ca.pem")), CERT_OK);
	cert_free(&c);
}

/* ---- odd ones, made by hand ---- */

/* A subject's name and extensions as they are given, byte by byte. */
struct odd {
	const char *cn;
	size_t cn_len;
	int nid[3];         /* of the extensions; 0: none */
	const char *der[3]; /* "DER:..." and such, for X509V3_EXT_conf_nid() */
};

/* Self-signed, for it is only to be read. */
static const char *
make_odd(const struct odd *o)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	X509_EXTENSION *e;
	const char *path;
	int i, n;

	assert_non_null(key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
	    (const unsigned char *)o->cn, (int)o->cn_len, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	for (i = 0; i < 3 && o->nid[i] != 0; i++) {
		e = X509V3_EXT_conf_nid(NULL, NULL, o->nid[i], o->der[i]);
		assert_non_null(e);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	path = put("odd", der, (size_t)n);
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_free(x);
	EVP_PKEY_free(key);
	return path;
}

static void
a_nul_in_a_name_cuts_nothing_off(void **state)
{
	const struct odd o = {
	    .cn = "good.example\0.evil.example", .cn_len = 26};
	struct cert c;

	(void)state;
	assert_int_equal(read_over(make_odd(&o), &c), CERT_OK);
	assert_non_null(strstr(c.subject, "good.example"));
	assert_non_null(strstr(c.subject, ".evil.example"));
	cert_free(&c);
}

static void
a_nul_in_a_url_stays_in_it(void **state)
{
	/* "http://a/" NUL "b" */
	const struct odd o = {.cn = "x",
	    .cn_len = 1,
	    .nid = {NID_info_access},
	    .der = {"DER:3019301706082B06010505073001860B"
		    "687474703A2F2F612F0062"}};
	struct cert c;

	(void)state;
	assert_int_equal(read_over(make_odd(&o), &c), CERT_OK);
	assert_int_equal(c.nurls, 1);
	assert_int_equal(c.urls[0].len, 11);
	assert_memory_equal(c.urls[0].text, "http://a/\0b", 12);
	cert_free(&c);
}

static void
an_extension_that_cannot_be_read_is_refused(void **state)
{
	static const struct odd rows[] = {
	    {"x", 1, {NID_info_access}, {"DER:DEADBEEF"}},
	    {"x", 1, {NID_info_access}, {"DER:30"}},
	    {"x", 1, {NID_info_access}, {"DER:0500"}},
	    {"x", 1, {NID_info_access}, {"DER:3003020101"}},
	    {"x", 1, {NID_tlsfeature}, {"DER:DEADBEEF"}},
	    {"x", 1, {NID_tlsfeature}, {"DER:0500"}},
	    /* which of two is to be believed? */
	    {"x", 1, {NID_info_access, NID_info_access},
		{"OCSP;URI:http://a/", "OCSP;URI:http://b/"}},
	    {"x", 1, {NID_tlsfeature, NID_tlsfeature},
		{"status_request_v2", "status_request"}},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		refuses(make_odd(&rows[i]), CERT_EBAD);
}

static void
must_staple_is_read_of_the_tls_feature(void **state)
{
	static const struct {
		const char *der;
		int want;
	} rows[] = {{"status_request", 1}, {"status_request_v2", 1},
	    {"DER:3003020105", 1}, {"DER:3006020101020105", 1},
	    {"DER:3003020101", 0}, {"DER:3000", 0}, {"DER:300402020105", 0},
	    /* far beyond a long */
	    {"DER:300B0209010000000000000005", 0}, {"DER:300302010b", 0}};
	struct odd o = {.cn = "x", .cn_len = 1, .nid = {NID_tlsfeature}};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		o.der[0] = rows[i].der;
		assert_int_equal(read_over(make_odd(&o), &c), CERT_OK);
		if (c.must_staple != rows[i].want)
			print_error("of %s\n", rows[i].der);
		assert_int_equal(c.must_staple, rows[i].want);
		cert_free(&c);
	}
}

static void
only_responders_with_a_url_count(void **state)
{
	static const struct {
		const char *aia;
		size_t want;
	} rows[] = {{"OCSP;URI:http://a/", 1}, {"caIssuers;URI:http://a/", 0},
	    {"OCSP;DNS:a.example", 0}, {"OCSP;IP:192.0.2.1", 0},
	    {"OCSP;email:a@b.example", 0}, {"OCSP;RID:1.2.3", 0},
	    {"1.2.3.4;URI:http://a/", 0},
	    {"caIssuers;URI:http://a/,OCSP;URI:http://b/,OCSP;DNS:c,"
	     "OCSP;URI:http://d/",
		2},
	    {"DER:3000", 0}};
	struct odd o = {.cn = "x", .cn_len = 1, .nid = {NID_info_access}};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		o.der[0] = rows[i].aia;
		assert_int_equal(read_over(make_odd(&o), &c), CERT_OK);
		assert_int_equal(c.nurls, rows[i].want);
		cert_free(&c);
	}
}

/* ---- what was cut, flipped or made up ---- */

static void
a_leaf_cut_anywhere_is_refused(void **state)
{
	struct bytes pem = slurp(in_dir("leaf.pem"));
	struct bytes der = to_der(in_dir("leaf.pem"));
	struct cert c;
	size_t n;

	(void)state;
	for (n = 0; n < pem.len - 1; n++) {
		assert_int_not_equal(
		    read_over(put("cut", pem.p, n), &c), CERT_OK);
		cert_free(&c);
	}
	/* the last newline may be missing */
	assert_int_equal(read_over(put("cut", pem.p, n), &c), CERT_OK);
	is_the_leaf(&c);
	cert_free(&c);
	for (n = 0; n < der.len; n++) {
		assert_int_not_equal(
		    read_over(put("cut", der.p, n), &c), CERT_OK);
		cert_free(&c);
	}
	free(pem.p);
	OPENSSL_free(der.p);
}

/* Nor does OpenSSL, or a server, read it if its last line goes on. */
static void
a_leaf_whose_end_line_goes_on_is_refused(void **state)
{
	static const char *const more[] = {"x", " x", "\rx\n", "\r\rx\n", "-"};
	struct bytes pem = slurp(in_dir("leaf.pem"));
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(more); i++) {
		memcpy(pem.p + pem.len - 1, more[i], strlen(more[i]));
		assert_int_equal(
		    read_over(
			put("more", pem.p, pem.len - 1 + strlen(more[i])), &c),
		    CERT_EBAD);
		cert_free(&c);
	}
	free(pem.p);
}

/* A leaf that was cut must not let its chain stand in for it. */
static void
a_chain_never_stands_in_for_a_cut_leaf(void **state)
{
	struct bytes pem = slurp(in_dir("leaf.pem"));
	struct bytes ca = slurp(in_dir("ca.pem"));
	unsigned char *buf = malloc(pem.len + ca.len + 1);
	struct cert c;
	size_t n;

	(void)state;
	assert_non_null(buf);
	/* from where it is known to be a certificate */
	for (n = strlen("-----BEGIN CERTIFICATE-----"); n < pem.len; n++) {
		memcpy(buf, pem.p, n);
		buf[n] = '\n';
		memcpy(buf + n + 1, ca.p, ca.len);
		if (read_over(put("cut", buf, n + 1 + ca.len), &c) == CERT_OK) {
			is_the_leaf(&c);
			assert_int_equal(n, pem.len - 1);
		}
		cert_free(&c);
	}
	free(buf);
	free(pem.p);
	free(ca.p);
}

/*
 * Whatever is read of a file with one bit flipped: if an issuer can be proven
 * for it, it is the very leaf.
 */
static unsigned int
flip_every_bit(struct bytes b)
{
	unsigned int proven = 0;
	struct cert c;
	size_t i;

	for (i = 0; i < 8 * b.len; i++) {
		b.p[i / 8] ^= (unsigned char)(1U << i % 8);
		if (read_over(put("flip", b.p, b.len), &c) == CERT_OK &&
		    find_in(&c, in_dir("ca.pem")) == CERT_OK) {
			is_the_leaf(&c);
			proven++;
		}
		cert_free(&c);
		b.p[i / 8] ^= (unsigned char)(1U << i % 8);
	}
	return proven;
}

static void
a_flipped_bit_in_der_is_never_proven(void **state)
{
	struct bytes der = to_der(in_dir("leaf.pem"));

	(void)state;
	assert_int_equal(flip_every_bit(der), 0);
	OPENSSL_free(der.p);
}

static void
a_flipped_bit_in_pem_proves_nothing_else(void **state)
{
	struct bytes pem = slurp(in_dir("leaf.pem"));

	(void)state;
	/* but for a few in line ends and padding */
	assert_true(flip_every_bit(pem) <= 100);
	free(pem.p);
}

static void
made_up_bytes_are_refused(void **state)
{
	static const struct {
		const char *p;
		size_t len;
		enum cert_result want;
	} rows[] = {{"", 0, CERT_ENONE}, {"\x30", 1, CERT_ENONE},
	    {"\x30\x80", 2, CERT_ENONE}, {"\x30\x81", 2, CERT_ENONE},
	    {"\x30\x82\xff", 3, CERT_EBAD}, {"\x30\x82\xff\xff", 4, CERT_EBAD},
	    {"\x30\x84\xff\xff\xff\xff", 6, CERT_EBAD},
	    {"\x30\x84\x7f\xff\xff\xff\x30", 7, CERT_EBAD},
	    {"\x30\x88\x7f\xff\xff\xff\xff\xff\xff\xff\x30", 11, CERT_EBAD},
	    {"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff\x30", 11, CERT_EBAD},
	    {"\x30\xff\x00\x00", 4, CERT_EBAD}, {"\x30\x81\x00", 3, CERT_EBAD},
	    {"-----BEGIN CERTIFICATE-----", 27, CERT_EBAD},
	    {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 54,
		CERT_EBAD},
	    {"-----BEGIN CERTIFICATE-----\0-----END CERTIFICATE-----\n", 54,
		CERT_EBAD},
	    {"-----BEGIN CERTIFICATE-----\nMA==\n-----END X-----\n", 49,
		CERT_EBAD},
	    {"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
		59, CERT_EBAD},
	    {"-----BEGIN TRUSTED CERTIFICATE-----\nMIT/////\n"
	     "-----END TRUSTED CERTIFICATE-----\n",
		79, CERT_EBAD},
	    {"-----BEGIN TRUSTED CERTIFICATE-----\nMA==\n"
	     "-----END TRUSTED CERTIFICATE-----\n",
		75, CERT_EBAD},
	    {" -----BEGIN CERTIFICATE-----\n", 29, CERT_EBAD},
	    {"-----BEGIN ", 11, CERT_ENONE}, {"-----BEGIN", 10, CERT_ENONE},
	    {"-----BEGIN CERTIFICATE----", 26, CERT_EBAD}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		refuses(put("made-up", rows[i].p, rows[i].len), rows[i].want);
}

/* One SEQUENCE in another, as deep as it goes. */
static void
deep_nesting_is_refused(void **state)
{
	const size_t n = 100000;
	unsigned char *p = malloc(n);
	size_t i;

	(void)state;
	assert_non_null(p);
	for (i = 0; i < n; i += 2) {
		p[i] = 0x30;
		p[i + 1] = 0x80;
	}
	p[1] = 0x81;
	refuses(put("deep", p, n), CERT_EBAD);
	memset(p, 0x30, n);
	p[1] = 0x82;
	refuses(put("deep", p, n), CERT_EBAD);
	free(p);
}

/* The same ones in each run: a generator of our own. */
static void
random_bytes_are_refused(void **state)
{
	uint64_t x = 88172645463325252ULL;
	unsigned char p[600];
	struct cert c;
	size_t i, n;

	(void)state;
	for (n = 0; n < 2000; n++) {
		for (i = 0; i < sizeof(p); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			p[i] = (unsigned char)(x >> 32);
		}
		if (n % 2 == 0) {
			p[0] = 0x30;
			p[1] = 0x82;
			p[2] = 0x02;
			p[3] = 0x54;
		}
		assert_int_not_equal(
		    read_over(put("random", p, sizeof(p)), &c), CERT_OK);
		cert_free(&c);
	}
}

/* Runs of a good leaf's bytes, written over with others of its own. */
static void
patchwork_is_never_proven(void **state)
{
	struct bytes der = to_der(in_dir("leaf.pem"));
	unsigned char *p = malloc(der.len);
	uint64_t x = 2463534242ULL;
	size_t from, to, len, n;
	struct cert c;

	(void)state;
	assert_non_null(p);
	for (n = 0; n < 3000; n++) {
		memcpy(p, der.p, der.len);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		from = (size_t)(x % der.len);
		to = (size_t)((x >> 20) % der.len);
		len = (size_t)((x >> 40) % 32) + 1;
		if (from + len > der.len || to + len > der.len)
			continue;
		memcpy(p + to, der.p + from, len);
		if (memcmp(p, der.p, der.len) == 0)
			continue;
		if (read_over(put("patch", p, der.len), &c) == CERT_OK)
			assert_int_equal(
			    find_in(&c, in_dir("ca.pem")), CERT_EISSUER);
		cert_free(&c);
	}
	free(p);
	OPENSSL_free(der.p);
}

static void
a_file_that_cannot_be_read_says_so(void **state)
{
	char longest[5000];

	(void)state;
	refuses(in_dir("gone"), CERT_EFILE);
	refuses(dir, CERT_EFILE);
	refuses("", CERT_EFILE);
	refuses("/dev/null", CERT_EFILE);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	refuses(in_dir("fifo"), CERT_EFILE);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refuses(longest, CERT_EFILE);
}

static void
the_limit_of_a_file_is_what_it_says(void **state)
{
	unsigned char *p = malloc(CERT_MAX_FILE + 1);
	struct bytes pem = slurp(in_dir("leaf.pem"));
	struct cert c;

	(void)state;
	assert_non_null(p);
	memset(p, '\n', CERT_MAX_FILE + 1);
	memcpy(p, pem.p, pem.len);
	assert_int_equal(read_over(put("big", p, CERT_MAX_FILE), &c), CERT_OK);
	is_the_leaf(&c);
	cert_free(&c);
	refuses(put("big", p, CERT_MAX_FILE + 1), CERT_EFILE);
	assert_non_null(strstr(why, "1048577"));
	assert_non_null(strstr(why, "1048576"));
	free(pem.p);
	free(p);
}

/* ---- the issuer ---- */

/* The leaf, looking for its issuer in these places. */
static enum cert_result
hunt(struct cert *c, const char *file, const char *first, const char *second,
    int64_t when)
{
	const char *files[] = {file};
	struct cert_places places = {files, file != NULL, {first, second}};

	assert_int_equal(read_over(in_dir("leaf.pem"), c), CERT_OK);
	memset(why, '!', sizeof(why));
	return cert_find_issuer(c, &places, when, why);
}

static void
the_issuer_is_the_one_that_was_proven(void **state)
{
	struct bytes want = to_der(in_dir("ca.pem"));
	char ca[512], other[512], gone[512];
	struct cert c;
	size_t i;
	const struct {
		const char *file, *first, *second, *from;
		int beside;
	} rows[] = {{ca, gone, gone, ca, 0}, {ca, ca, NULL, ca, 1},
	    {NULL, ca, gone, ca, 1}, {NULL, gone, ca, ca, 0},
	    {NULL, NULL, ca, ca, 0}, {NULL, ca, ca, ca, 1},
	    {other, other, ca, ca, 0}, {other, ca, other, ca, 1}};

	(void)state;
	snprintf(ca, sizeof(ca), "%s", in_dir("ca.pem"));
	snprintf(other, sizeof(other), "%s", in_dir("other.pem"));
	snprintf(gone, sizeof(gone), "%s", in_dir("gone.pem"));
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
		    hunt(&c, rows[i].file, rows[i].first, rows[i].second, now),
		    CERT_OK);
		assert_int_equal(c.issuer_len, want.len);
		assert_memory_equal(c.issuer, want.p, want.len);
		assert_string_equal(c.issuer_from, rows[i].from);
		assert_int_equal(c.issuer_beside, rows[i].beside);
		assert_non_null(c.hunt);
		cert_free(&c);
	}
	OPENSSL_free(want.p);
}

static void
the_issuer_in_the_same_file_is_found(void **state)
{
	struct bytes pem = slurp(in_dir("leaf.pem"));
	struct bytes key = slurp(in_dir("leaf.key"));
	struct bytes ca = slurp(in_dir("ca.pem"));
	struct cert_places nowhere = {NULL, 0, {NULL, NULL}};
	unsigned char *p = malloc(pem.len + key.len + ca.len);
	struct cert c;

	(void)state;
	assert_non_null(p);
	memcpy(p, key.p, key.len);
	memcpy(p + key.len, pem.p, pem.len);
	memcpy(p + key.len + pem.len, ca.p, ca.len);
	assert_int_equal(
	    read_over(put("bundle", p, pem.len + key.len + ca.len), &c),
	    CERT_OK);
	is_the_leaf(&c);
	assert_int_equal(cert_find_issuer(&c, &nowhere, now, why), CERT_OK);
	assert_int_equal(c.issuer_beside, 1);
	cert_free(&c);
	/* without the last of them */
	assert_int_equal(
	    read_over(put("bundle", p, pem.len + key.len), &c), CERT_OK);
	assert_int_equal(
	    cert_find_issuer(&c, &nowhere, now, why), CERT_EISSUER);
	cert_free(&c);
	free(p);
	free(pem.p);
	free(key.p);
	free(ca.p);
}

static void
who_is_not_the_issuer_is_not_found(void **state)
{
	static const char *const names[] = {"other", "sameski", "root", "sub",
	    "rsaca", "weakca", "sibling", "delegate", "expiredca", "leaf"};
	char name[32];
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		snprintf(name, sizeof(name), "%s.pem", names[i]);
		assert_int_equal(
		    hunt(&c, in_dir(name), NULL, NULL, now), CERT_EISSUER);
		assert_true(why[0] != '\0' && strnlen(why, WHY_MAX) < WHY_MAX);
		assert_non_null(strstr(why, name));
		assert_null(c.issuer);
		assert_int_equal(c.issuer_len, 0);
		cert_free(&c);
	}
}

static void
an_issuer_counts_while_it_is_in_date(void **state)
{
	struct cert c, ca;

	(void)state;
	assert_int_equal(
	    cert_read(ca_shelf, in_dir("ca.pem"), &ca, why), CERT_OK);
	assert_int_equal(
	    hunt(&c, in_dir("ca.pem"), NULL, NULL, ca.not_after), CERT_OK);
	cert_free(&c);
	assert_int_equal(
	    hunt(&c, in_dir("ca.pem"), NULL, NULL, ca.not_after + 1),
	    CERT_EISSUER);
	assert_non_null(strstr(why, "expired"));
	cert_free(&c);
	/* when it was */
	assert_int_equal(
	    hunt(&c, in_dir("expiredca.pem"), NULL, NULL, now - 2 * FORGE_DAY),
	    CERT_OK);
	cert_free(&c);
	cert_free(&ca);
}

static void
a_named_file_has_to_be_there(void **state)
{
	struct cert c;

	(void)state;
	assert_int_equal(
	    hunt(&c, in_dir("gone.pem"), in_dir("ca.pem"), NULL, now),
	    CERT_EFILE);
	assert_non_null(strstr(why, "gone.pem"));
	cert_free(&c);
	assert_int_equal(
	    hunt(&c, in_dir("leaf.key"), in_dir("ca.pem"), NULL, now),
	    CERT_ENONE);
	cert_free(&c);
}

static void
any_cut_of_an_issuer_is_not_found(void **state)
{
	struct bytes pem = slurp(in_dir("ca.pem"));
	struct cert c;
	size_t n;

	(void)state;
	for (n = 0; n < pem.len - 1; n++) {
		put("cut.issuer", pem.p, n);
		assert_int_equal(
		    hunt(&c, NULL, in_dir("cut.issuer"), NULL, now),
		    CERT_EISSUER);
		cert_free(&c);
	}
	free(pem.p);
}

/* Whatever a responder signed may have such a line in it. */
static void
a_response_is_none_whatever_is_in_it(void **state)
{
	static const char key[] = "-----BEGIN PRIVATE KEY-----\n";
	unsigned char long_one[512] = {0x30, 0x82, 1, 0xfc, 0x0a, 1, 0};
	static const unsigned char degrees[] = "0\xc2\xb0 is what it says";
	const unsigned char short_one[] = {0x30, 3, 0x0a, 1, 6};
	char text[512];

	(void)state;
	memcpy(long_one + 100, key, sizeof(key));
	assert_false(cert_looks_like_one(long_one, sizeof(long_one)));
	assert_false(cert_looks_like_one(short_one, sizeof(short_one)));
	/* these begin as one, for who does not look further */
	snprintf(text, sizeof(text), "01\n%s", key);
	assert_true(cert_looks_like_one((unsigned char *)text, strlen(text)));
	snprintf(text, sizeof(text), "0\n\n\n\n\n\n\n\n\n\n\n\n%s", key);
	assert_true(cert_looks_like_one((unsigned char *)text, strlen(text)));
	memset(text, ' ', sizeof(text));
	memcpy(text, degrees, sizeof(degrees) - 1);
	text[2 + 0x42] = '\n';
	memcpy(text + 100, key, sizeof(key));
	assert_true(cert_looks_like_one((unsigned char *)text, sizeof(text)));
	/* a response, and then a key */
	long_one[3]--;
	assert_true(cert_looks_like_one(long_one, sizeof(long_one)));
}

/* ---- files as people make them ---- */

/* These files of the PKI, one after another; "name" is one of `parts`. */
static const char *
join(const char *name, const char *const *parts)
{
	struct bytes b;
	unsigned char all[65536];
	size_t len = 0;

	for (; *parts != NULL; parts++) {
		/* what is no name of a file is text */
		if (strchr(*parts, '.') == NULL) {
			memcpy(all + len, *parts, strlen(*parts));
			len += strlen(*parts);
			continue;
		}
		b = slurp(in_dir(*parts));
		assert_true(len + b.len < sizeof(all));
		memcpy(all + len, b.p, b.len);
		len += b.len;
		free(b.p);
	}
	return put(name, all, len);
}

static void
a_byte_order_mark_is_where_openssl_takes_it(void **state)
{
	static const char mark[] = "\xef\xbb\xbf";
	static const struct {
		const char *parts[6];
		enum cert_result want;
	} rows[] = {{{mark, "leaf.pem", "ca.pem"}, CERT_OK},
	    {{"leaf.key", mark, "leaf.pem"}, CERT_OK},
	    {{mark, "leaf.key", "leaf.pem"}, CERT_OK},
	    {{mark, "text\n", "leaf.pem"}, CERT_OK},
	    {{"leaf.pem", mark, "ca.pem"}, CERT_OK},
	    {{"\n", mark, "leaf.pem"}, CERT_EBAD},
	    {{"text\n", mark, "leaf.pem", "ca.pem"}, CERT_EBAD},
	    {{mark, mark, "leaf.pem", "ca.pem"}, CERT_EBAD},
	    {{mark}, CERT_ENONE}};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].want != CERT_OK) {
			refuses(join("mark", rows[i].parts), rows[i].want);
			continue;
		}
		assert_int_equal(
		    read_over(join("mark", rows[i].parts), &c), CERT_OK);
		is_the_leaf(&c);
		cert_free(&c);
	}
}

/* The issuer, and what is behind a mark beside it. */
static void
an_issuers_file_may_begin_with_a_mark(void **state)
{
	static const char *const parts[] = {
	    "\xef\xbb\xbf", "other.pem", "\xef\xbb\xbf", "ca.pem", NULL};
	struct cert c;

	(void)state;
	join("mark.issuer", parts);
	assert_int_equal(
	    hunt(&c, in_dir("mark.issuer"), NULL, NULL, now), CERT_OK);
	cert_free(&c);
	assert_int_equal(
	    hunt(&c, NULL, in_dir("mark.issuer"), NULL, now), CERT_OK);
	assert_int_equal(c.issuer_beside, 1);
	cert_free(&c);
}

/* What is told comes from the first; what could be read of it counts. */
static void
of_a_damaged_issuers_file_what_can_be_read_counts(void **state)
{
	static const char *const after[] = {
	    "ca.pem", "-----BEGIN X-----\n!\n-----END X-----\n", NULL};
	static const char *const before[] = {
	    "-----BEGIN X-----\n!\n-----END X-----\n", "ca.pem", NULL};
	struct cert c;

	(void)state;
	join("damaged.issuer", after);
	assert_int_equal(
	    hunt(&c, NULL, in_dir("damaged.issuer"), NULL, now), CERT_OK);
	cert_free(&c);
	join("damaged.issuer", before);
	assert_int_equal(
	    hunt(&c, NULL, in_dir("damaged.issuer"), NULL, now), CERT_EISSUER);
	assert_non_null(strstr(why, "damaged"));
	cert_free(&c);
}

static void
a_ca_before_the_server_is_refused(void **state)
{
	static const struct {
		const char *parts[5];
		enum cert_result want, allowed;
		const char *says;
	} rows[] = {
	    {{"ca.pem", "leaf.pem"}, CERT_EBAD, CERT_EBAD, "www.example"},
	    {{"ca.pem", "root.pem", "leaf.pem"}, CERT_EBAD, CERT_EBAD,
		"www.example"},
	    {{"ca.pem", "leaf.pem", "leaf.key"}, CERT_EBAD, CERT_EBAD,
		"Test Issuing CA"},
	    {{"ca.pem", "root.pem", "leaf.key"}, CERT_EBAD, CERT_EBAD,
		"private key"},
	    {{"leaf.key", "ca.pem"}, CERT_EBAD, CERT_EBAD, "private key"},
	    /* as no server of its own is called */
	    {{"root.pem", "root.key"}, CERT_EBAD, CERT_EBAD, "private key"},
	    {{"ca.pem"}, CERT_ENONE, CERT_OK, "--allow-ca"},
	    {{"ca.pem", "root.pem"}, CERT_ENONE, CERT_OK, "Test Issuing CA"},
	    {{"root.pem", "ca.pem"}, CERT_ENONE, CERT_OK, "--allow-ca"},
	    /* a CA of which nothing more can be known */
	    {{"root.pem"}, CERT_OK, CERT_OK, ""},
	    {{"leaf.pem", "ca.pem", "leaf.key"}, CERT_OK, CERT_OK, ""},
	};
	struct cert c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].want == CERT_OK) {
			assert_int_equal(
			    read_over(join("first", rows[i].parts), &c),
			    CERT_OK);
			cert_free(&c);
		} else {
			refuses(join("first", rows[i].parts), rows[i].want);
			assert_non_null(strstr(why, rows[i].says));
		}
		assert_int_equal(cert_read(ca_shelf, in_dir("first"), &c, why),
		    rows[i].allowed);
		assert_int_equal(c.whole, rows[i].allowed == CERT_OK);
		cert_free(&c);
	}
}

/* As `openssl req -x509` makes it: a CA, signed by its own key. */
static void
a_server_of_its_own_is_no_ca(void **state)
{
	static const struct {
		const char *cn, *san, *aia;
		int key;
		enum cert_result want;
	} rows[] = {{"www.example", NULL, NULL, 1, CERT_OK},
	    {"www.example", NULL, "OCSP;URI:http://a/", 1, CERT_OK},
	    {"My Box", "DNS:box.example", "OCSP;URI:http://a/", 1, CERT_OK},
	    {"My Box", "IP:192.0.2.1", NULL, 1, CERT_OK},
	    {"My Box", NULL, NULL, 0, CERT_OK},
	    {"My Box", NULL, NULL, 1, CERT_EBAD},
	    {"My Box", "email:a@example.com", NULL, 1, CERT_EBAD},
	    {"My Box", NULL, "OCSP;URI:http://a/", 0, CERT_ENONE}};
	struct odd o;
	struct cert c;
	struct bytes b;
	const char *parts[] = {"own.pem", NULL, NULL};
	size_t i;
	int n;
	FILE *f;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&o, 0, sizeof(o));
		o.cn = rows[i].cn;
		o.cn_len = strlen(o.cn);
		n = 0;
		o.nid[n] = NID_basic_constraints;
		o.der[n++] = "critical,CA:TRUE";
		if (rows[i].san != NULL) {
			o.nid[n] = NID_subject_alt_name;
			o.der[n++] = rows[i].san;
		}
		if (rows[i].aia != NULL) {
			o.nid[n] = NID_info_access;
			o.der[n] = rows[i].aia;
		}
		b = slurp(make_odd(&o));
		f = fopen(in_dir("own.pem"), "w");
		assert_non_null(f);
		assert_true(
		    PEM_write(f, PEM_STRING_X509, "", b.p, (long)b.len) > 0);
		assert_int_equal(fclose(f), 0);
		free(b.p);
		parts[1] = rows[i].key ? "leaf.key" : NULL;
		if (read_over(join("own", parts), &c) != rows[i].want)
			print_error("of row %zu: %s\n", i, why);
		cert_free(&c);
		assert_int_equal(read_over(in_dir("own"), &c), rows[i].want);
		cert_free(&c);
	}
}

static void
a_valid_one_behind_an_expired_one_is_told(void **state)
{
	struct forge_leaf old = {.name = "old",
	    .cn = "old.example",
	    .from = -60 * FORGE_DAY,
	    .to = -FORGE_DAY};
	static const char *const lone[] = {"old.pem", "ca.pem", NULL};
	static const char *const both[] = {
	    "old.pem", "ca.pem", "old.pem", "leaf.pem", NULL};
	struct cert c;
	char *name;

	(void)state;
	forge_leaf(dir, &old, now);
	assert_int_equal(read_over(join("expired", lone), &c), CERT_OK);
	assert_null(cert_valid_behind(&c, now));
	cert_free(&c);
	assert_int_equal(read_over(join("expired", both), &c), CERT_OK);
	name = cert_valid_behind(&c, now);
	assert_string_equal(name, "CN=www.example");
	free(name);
	/* and not when it has ended, too */
	assert_null(cert_valid_behind(&c, now + 61 * FORGE_DAY));
	cert_free(&c);
}

static void
pkcs7_is_of_an_issuer_and_not_of_the_certificate(void **state)
{
	static const char *const labels[] = {"PKCS7", "CMS", "CERTIFICATE"};
	struct forge *forge;
	struct bytes p7;
	struct cert c;
	size_t i;
	FILE *f;

	(void)state;
	assert_non_null(forge = forge_open(dir));
	assert_int_equal(forge_cert(forge, "ca", "cms", &p7.p, &p7.len), 0);
	forge_close(forge);
	put("ca.p7b", p7.p, p7.len);
	refuses(in_dir("ca.p7b"), CERT_ENONE);
	assert_non_null(strstr(why, "openssl pkcs7 -inform DER -in '"));
	assert_int_equal(hunt(&c, in_dir("ca.p7b"), NULL, NULL, now), CERT_OK);
	cert_free(&c);
	for (i = 0; i < COUNT(labels); i++) {
		f = fopen(in_dir("p7.pem"), "w");
		assert_non_null(f);
		assert_true(
		    PEM_write(f, labels[i], "", p7.p, (long)p7.len) > 0);
		assert_int_equal(fclose(f), 0);
		assert_int_not_equal(read_over(in_dir("p7.pem"), &c), CERT_OK);
		assert_non_null(strstr(why, "PKCS #7"));
		assert_non_null(strstr(why, "openssl pkcs7 -in '"));
		cert_free(&c);
		assert_int_equal(
		    hunt(&c, NULL, in_dir("p7.pem"), NULL, now), CERT_OK);
		cert_free(&c);
	}
	free(p7.p);
}

static void
only_certificates_alone_are_certificates(void **state)
{
	static const struct {
		const char *parts[5];
		int want;
	} rows[] = {{{"ca.pem"}, 1}, {{"ca.pem", "root.pem"}, 1},
	    {{"\n \t\r\n", "ca.pem", "\n\n"}, 1}, {{"text\n", "ca.pem"}, 0},
	    {{"ca.pem", "text"}, 0}, {{"ca.pem", "leaf.key"}, 0},
	    {{"leaf.key"}, 0}, {{"\n"}, 0}, {{" ", "ca.pem"}, 0},
	    {{"ca.pem", "text\n", "root.pem"}, 0},
	    {{"ca.pem", "-----BEGIN CERTIFICATE-----\n"}, 0}};
	struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		b = slurp(join("pure", rows[i].parts));
		assert_int_equal(
		    cert_is_certificates(b.p, b.len), rows[i].want);
		free(b.p);
	}
	assert_false(cert_is_certificates((const unsigned char *)"", 0));
}

static void
a_private_key_in_the_same_file_is_told(void **state)
{
	struct bytes leaf = slurp(in_dir("leaf.pem"));
	struct bytes key = slurp(in_dir("leaf.key"));
	struct cert c;

	(void)state;
	assert_int_equal(read_over(in_dir("leaf.pem"), &c), CERT_OK);
	assert_int_equal(c.with_key, 0);
	cert_free(&c);
	assert_true(leaf.len + key.len < 65536);
	memcpy(leaf.p + leaf.len, key.p, key.len);
	assert_int_equal(
	    read_over(put("both", leaf.p, leaf.len + key.len), &c), CERT_OK);
	assert_int_equal(c.with_key, 1);
	cert_free(&c);
	free(leaf.p);
	free(key.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_of_a_good_leaf_is_read),
	    cmocka_unit_test(a_private_key_in_the_same_file_is_told),
	    cmocka_unit_test(serials_of_any_kind_arrive),
	    cmocka_unit_test(no_more_responders_than_the_limit),
	    cmocka_unit_test(self_signed_is_by_its_own_key_and_not_by_name),
	    cmocka_unit_test(a_nul_in_a_name_cuts_nothing_off),
	    cmocka_unit_test(a_nul_in_a_url_stays_in_it),
	    cmocka_unit_test(an_extension_that_cannot_be_read_is_refused),
	    cmocka_unit_test(must_staple_is_read_of_the_tls_feature),
	    cmocka_unit_test(only_responders_with_a_url_count),
	    cmocka_unit_test(a_leaf_cut_anywhere_is_refused),
	    cmocka_unit_test(a_leaf_whose_end_line_goes_on_is_refused),
	    cmocka_unit_test(a_chain_never_stands_in_for_a_cut_leaf),
	    cmocka_unit_test(a_flipped_bit_in_der_is_never_proven),
	    cmocka_unit_test(a_flipped_bit_in_pem_proves_nothing_else),
	    cmocka_unit_test(made_up_bytes_are_refused),
	    cmocka_unit_test(deep_nesting_is_refused),
	    cmocka_unit_test(random_bytes_are_refused),
	    cmocka_unit_test(patchwork_is_never_proven),
	    cmocka_unit_test(a_file_that_cannot_be_read_says_so),
	    cmocka_unit_test(the_limit_of_a_file_is_what_it_says),
	    cmocka_unit_test(the_issuer_is_the_one_that_was_proven),
	    cmocka_unit_test(the_issuer_in_the_same_file_is_found),
	    cmocka_unit_test(who_is_not_the_issuer_is_not_found),
	    cmocka_unit_test(an_issuer_counts_while_it_is_in_date),
	    cmocka_unit_test(a_named_file_has_to_be_there),
	    cmocka_unit_test(any_cut_of_an_issuer_is_not_found),
	    cmocka_unit_test(a_response_is_none_whatever_is_in_it),
	    cmocka_unit_test(a_byte_order_mark_is_where_openssl_takes_it),
	    cmocka_unit_test(an_issuers_file_may_begin_with_a_mark),
	    cmocka_unit_test(of_a_damaged_issuers_file_what_can_be_read_counts),
	    cmocka_unit_test(a_ca_before_the_server_is_refused),
	    cmocka_unit_test(a_server_of_its_own_is_no_ca),
	    cmocka_unit_test(a_valid_one_behind_an_expired_one_is_told),
	    cmocka_unit_test(pkcs7_is_of_an_issuer_and_not_of_the_certificate),
	    cmocka_unit_test(only_certificates_alone_are_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
