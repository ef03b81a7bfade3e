/* SPDX-License-Identifier: ISC */
/*
 * bench-pki: certificates by the thousand, and an answer about each.
 *
 *	bench-pki DIR URL N rsa|ec direct|delegated
 *
 * Writes into DIR, which exists: ca.pem, the issuer; chain.pem, issuer and
 * root; leaf/00000.pem and so on, each with the issuer below it, which name
 * the responder URL; and answers, an OCSPResponse for each in their order,
 * behind four bytes of length.  All leaves share one key, which nobody keeps.
 *
 * tests/harness/forge.c makes few certificates, of any shape; this one makes
 * many that differ in their number alone.
 */
#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "bench.h"

#define DAY 86400L

struct pki {
	const char *dir;
	int rsa;
	X509 *root, *ca, *leaf, *signer;
	EVP_PKEY *root_key, *ca_key, *leaf_key, *signer_key;
};

struct ext {
	int nid;
	const char *value;
};

static void
must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench-pki: %s failed\n", what);
	exit(99);
}

__attribute__((format(printf, 2, 3))) static FILE *
create(const struct pki *p, const char *fmt, ...)
{
	char name[64], path[4096];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	must((f = fopen(path, "w")) != NULL, path);
	return f;
}

static void
add_exts(X509 *x, X509 *issuer, const struct ext *e)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	for (; e->value != NULL; e++) {
		ext = X509V3_EXT_conf_nid(NULL, &ctx, e->nid, e->value);
		must(ext != NULL && X509_add_ext(x, ext, -1) == 1, e->value);
		X509_EXTENSION_free(ext);
	}
}

static void
set_serial(X509 *x, unsigned long n)
{
	unsigned char bytes[BENCH_SERIAL] = BENCH_MARK;
	ASN1_INTEGER *serial = X509_get_serialNumber(x);

	/* a big-endian number after the mark */
	bytes[12] = (unsigned char)(n >> 24);
	bytes[13] = (unsigned char)(n >> 16);
	bytes[14] = (unsigned char)(n >> 8);
	bytes[15] = (unsigned char)n;
	must(ASN1_STRING_set(serial, bytes, sizeof(bytes)) == 1, "serial");
}

static X509 *
new_cert(const struct pki *p, const char *cn, EVP_PKEY **key, X509 *issuer,
    const struct ext *exts)
{
	X509 *x = X509_new();
	X509_NAME *name;

	*key = p->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	must(x != NULL && *key != NULL, "a key");
	must(X509_set_version(x, 2) == 1, "version");
	set_serial(x, 0xffffffff - (unsigned long)cn[0]);
	must((name = X509_get_subject_name(x)) != NULL &&
		X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		    (const unsigned char *)"Bench Test Authority", -1, -1, 0) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const unsigned char *)cn, -1, -1, 0),
	    "name");
	if (issuer == NULL)
		issuer = x;
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(x), -10 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), 80 * DAY);
	must(X509_set_pubkey(x, *key) == 1, "public key");
	add_exts(x, issuer, exts);
	return x;
}

static void
make_authorities(struct pki *p)
{
	static const struct ext ca[] = {
	    {NID_basic_constraints, "critical,CA:TRUE"},
	    {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
	    {NID_subject_key_identifier, "hash"}, {0, NULL}};
	static const struct ext signer[] = {{NID_ext_key_usage, "OCSPSigning"},
	    {NID_key_usage, "critical,digitalSignature"},
	    {NID_id_pkix_OCSP_noCheck, "NULL"},
	    {NID_subject_key_identifier, "hash"},
	    {NID_authority_key_identifier, "keyid"}, {0, NULL}};

	p->root = new_cert(p, "Root", &p->root_key, NULL, ca);
	must(X509_sign(p->root, p->root_key, EVP_sha256()) > 0, "root");
	p->ca = new_cert(p, "Issuer", &p->ca_key, p->root, ca);
	must(X509_sign(p->ca, p->root_key, EVP_sha256()) > 0, "issuer");
	p->signer = new_cert(p, "Signer", &p->signer_key, p->ca, signer);
	must(X509_sign(p->signer, p->ca_key, EVP_sha256()) > 0, "signer");
}

/* What public authorities put into a server's certificate. */
static void
make_leaf(struct pki *p, const char *url)
{
	char aia[1024];
	const struct ext leaf[] = {{NID_basic_constraints, "critical,CA:FALSE"},
	    {NID_key_usage, "critical,digitalSignature"},
	    {NID_ext_key_usage, "serverAuth"},
	    {NID_subject_key_identifier, "hash"},
	    {NID_authority_key_identifier, "keyid"},
	    {NID_subject_alt_name, "DNS:bench.example,DNS:www.bench.example"},
	    {NID_info_access, aia}, {0, NULL}};

	snprintf(
	    aia, sizeof(aia), "OCSP;URI:%s,caIssuers;URI:%s/ca.crt", url, url);
	p->leaf = new_cert(p, "leaf.example", &p->leaf_key, p->ca, leaf);
}

static void
write_authorities(const struct pki *p)
{
	FILE *f = create(p, "ca.pem");

	must(PEM_write_X509(f, p->ca) == 1 && fclose(f) == 0, "ca.pem");
	f = create(p, "chain.pem");
	must(PEM_write_X509(f, p->ca) == 1 && PEM_write_X509(f, p->root) == 1 &&
		fclose(f) == 0,
	    "chain.pem");
}

static void
write_leaf(const struct pki *p, unsigned long n)
{
	FILE *f = create(p, "leaf/%05lu.pem", n);

	set_serial(p->leaf, n);
	must(X509_sign(p->leaf, p->ca_key, EVP_sha256()) > 0 &&
		PEM_write_X509(f, p->leaf) == 1 &&
		PEM_write_X509(f, p->ca) == 1 && fclose(f) == 0,
	    "leaf");
}

static void
write_answer(const struct pki *p, int delegated, FILE *f)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), p->leaf, p->ca);
	ASN1_TIME *this = X509_gmtime_adj(NULL, -3600);
	ASN1_TIME *next = X509_gmtime_adj(NULL, 7 * DAY);
	OCSP_RESPONSE *resp;
	unsigned char *der = NULL, head[4];
	int n = 0;

	must(basic != NULL && id != NULL && this != NULL && next != NULL &&
		OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0,
		    NULL, this, next) != NULL &&
		(delegated
			? OCSP_basic_sign(basic, p->signer, p->signer_key,
			      EVP_sha256(), NULL, OCSP_RESPID_KEY)
			: OCSP_basic_sign(basic, p->ca, p->ca_key, EVP_sha256(),
			      NULL, OCSP_RESPID_KEY | OCSP_NOCERTS)) == 1,
	    "answer");
	resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	must(resp != NULL && (n = i2d_OCSP_RESPONSE(resp, &der)) > 0, "DER");
	head[0] = head[1] = 0;
	head[2] = (unsigned char)(n >> 8);
	head[3] = (unsigned char)n;
	must(fwrite(head, sizeof(head), 1, f) == 1 &&
		fwrite(der, (size_t)n, 1, f) == 1,
	    "answers");
	OPENSSL_free(der);
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
}

int
main(int argc, char **argv)
{
	struct pki p = {0};
	unsigned long n, i;
	char leaves[4096];
	FILE *answers;
	int delegated;

	if (argc != 6) {
		fprintf(stderr,
		    "usage: bench-pki DIR URL N rsa|ec direct|delegated\n");
		return 2;
	}
	p.dir = argv[1];
	n = strtoul(argv[3], NULL, 10);
	p.rsa = strcmp(argv[4], "rsa") == 0;
	delegated = strcmp(argv[5], "delegated") == 0;
	make_authorities(&p);
	make_leaf(&p, argv[2]);
	write_authorities(&p);
	snprintf(leaves, sizeof(leaves), "%s/leaf", p.dir);
	must(mkdir(leaves, 0777) == 0, leaves);
	answers = create(&p, "answers");
	for (i = 0; i < n; i++) {
		write_leaf(&p, i);
		write_answer(&p, delegated, answers);
	}
	must(fclose(answers) == 0, "answers");
	X509_free(p.root);
	X509_free(p.ca);
	X509_free(p.leaf);
	X509_free(p.signer);
	EVP_PKEY_free(p.root_key);
	EVP_PKEY_free(p.ca_key);
	EVP_PKEY_free(p.leaf_key);
	EVP_PKEY_free(p.signer_key);
	return 0;
}
