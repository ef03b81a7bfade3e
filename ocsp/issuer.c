/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ocsp.h"
#include "ocsp/internal.h"

struct ocsp *
ocsp_new(void)
{
	memory_watch();
	/* the end of the process gives all back, and sooner */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return NULL;
	return calloc(1, sizeof(struct ocsp));
}

static void
issuer_free(struct issuer *is)
{
	struct anchor *a;

	for (a = is->anchors; a < is->anchors + SPELLINGS; a++) {
		sk_X509_free(a->certs);
		X509_STORE_free(a->store);
		X509_free(a->x509);
	}
	free(is->der);
	free(is->name);
	free(is);
}

void
ocsp_free(struct ocsp *o)
{
	struct issuer *is;

	if (o == NULL)
		return;
	while ((is = o->issuers) != NULL) {
		o->issuers = is->next;
		issuer_free(is);
	}
	free(o);
}

/*
 * After a renewal of the CA with the same name and key, a signer's
 * authorityKeyIdentifier may name the earlier certificate by its serial number:
 * OpenSSL takes that for another issuer's.  RFC 6960 section 4.2.2.2 demands
 * the same key, and RFC 5280 section 4.2.1.1 calls it a help for finding it.
 * This one mismatch is forgiven, of the anchor alone; the signature is still
 * checked.
 */
static int
check_issued(X509_STORE_CTX *ctx, X509 *x, X509 *above)
{
	struct anchor *a =
	    X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(ctx), 0);
	int rc = X509_check_issued(above, x);

	if (rc != X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH ||
	    X509_cmp(above, a->x509) != 0 || X509_cmp(x, a->x509) == 0)
		return rc == X509_V_OK;
	a->old_aki = 1;
	return 1;
}

/*
 * SHA-1 in the signature of the signer's certificate is no error yet:
 * is_strong() decides, who knows what it says.  To lower the level would let in
 * MD5, too.
 */
static int
note_error(int ok, X509_STORE_CTX *ctx)
{
	struct anchor *a =
	    X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(ctx), 0);
	int md = NID_undef;

	if (ok)
		return 1;
	a->error = X509_STORE_CTX_get_error(ctx);
	a->depth = X509_STORE_CTX_get_error_depth(ctx);
	if (a->error != X509_V_ERR_CA_MD_TOO_WEAK || a->depth != 0 ||
	    X509_get_signature_info(X509_STORE_CTX_get_current_cert(ctx), &md,
		NULL, NULL, NULL) != 1 ||
	    md != NID_sha1)
		return 0;
	X509_STORE_CTX_set_error(ctx, a->error = X509_V_OK);
	a->sha1 = 1;
	return 1;
}

/* Takes `x`. */
static int
anchor_init(struct anchor *a, X509 *x)
{
	X509_VERIFY_PARAM *param;

	/* a key that cannot be decoded shows only when it is asked for */
	if ((a->x509 = x) == NULL || X509_get0_pubkey(x) == NULL ||
	    (a->certs = sk_X509_new_null()) == NULL ||
	    sk_X509_push(a->certs, x) == 0 ||
	    (a->store = X509_STORE_new()) == NULL ||
	    X509_STORE_add_cert(a->store, x) != 1 ||
	    X509_STORE_set_ex_data(a->store, 0, a) != 1)
		return -1;
	X509_STORE_set_check_issued(a->store, check_issued);
	X509_STORE_set_verify_cb(a->store, note_error);
	/*
	 * The issuer is the only anchor, though it need not be a root: so no
	 * other CA is trusted (RFC 6960 section 4.2.2.2).
	 */
	param = X509_STORE_get0_param(a->store);
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return -1;
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
	return 0;
}

/*
 * A certificate may spell its issuer's name in other bytes than the issuer does
 * (PrintableString, UTF8String).  OpenSSL compares a CertID with the subject of
 * the anchor: so the proven issuer is an anchor under either spelling.
 */
static int
add_spelling(struct issuer *is, X509 *x)
{
	const unsigned char *p = is->name;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)is->name_len);
	X509 *renamed = NULL;

	if (name != NULL && p == is->name + is->name_len &&
	    X509_NAME_cmp(name, X509_get_subject_name(x)) == 0 &&
	    (renamed = X509_dup(x)) != NULL &&
	    X509_set_subject_name(renamed, name) != 1) {
		X509_free(renamed);
		renamed = NULL;
	}
	X509_NAME_free(name);
	return anchor_init(&is->anchors[BY_CERTIFICATE], renamed);
}

/* Owned; also of no bytes at all. */
static unsigned char *
copy_bytes(const unsigned char *from, size_t len)
{
	unsigned char *to = malloc(len + 1);

	if (to != NULL && len > 0)
		memcpy(to, from, len);
	return to;
}

/* Does the certificate spell its issuer's name as the issuer does? */
static int
is_spelled_so(const struct ocsp_about *a, X509 *x)
{
	const unsigned char *own;
	size_t len;

	return a->issuer_name_len == 0 || x == NULL ||
	    (X509_NAME_get0_der(X509_get_subject_name(x), &own, &len) == 1 &&
		len == a->issuer_name_len &&
		memcmp(own, a->issuer_name, len) == 0);
}

static struct issuer *
issuer_new(const struct ocsp_about *a)
{
	const unsigned char *p = a->issuer;
	struct issuer *is;
	int alike;
	X509 *x;

	if ((is = calloc(1, sizeof(*is))) == NULL)
		return NULL;
	is->der = copy_bytes(a->issuer, is->len = a->issuer_len);
	is->name =
	    copy_bytes(a->issuer_name, is->name_len = a->issuer_name_len);
	x = d2i_X509(NULL, &p, (long)a->issuer_len);
	alike = is_spelled_so(a, x);
	if (anchor_init(&is->anchors[alike ? BY_CERTIFICATE : BY_CA], x) == 0 &&
	    (alike || add_spelling(is, x) == 0) && is->der != NULL &&
	    is->name != NULL)
		return is;
	issuer_free(is);
	return NULL;
}

struct issuer *
issuer_get(struct ocsp *o, const struct ocsp_about *a)
{
	struct issuer *is;

	for (is = o->issuers; is != NULL; is = is->next)
		if (is->len == a->issuer_len &&
		    is->name_len == a->issuer_name_len &&
		    memcmp(is->der, a->issuer, is->len) == 0 &&
		    (is->name_len == 0 ||
			memcmp(is->name, a->issuer_name, is->name_len) == 0))
			return is;
	if ((is = issuer_new(a)) != NULL) {
		is->next = o->issuers;
		o->issuers = is;
	}
	return is;
}

OCSP_CERTID *
make_id(const struct anchor *a, const EVP_MD *md, const ASN1_INTEGER *serial)
{
	return OCSP_cert_id_new(md, X509_get_subject_name(a->x509),
	    X509_get0_pubkey_bitstr(a->x509), serial);
}
