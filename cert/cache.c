/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/internal.h"

X509 *
cert_decode(OSSL_LIB_CTX *light, const struct cert_der *d, const char **fault)
{
	const unsigned char *p = d->p;
	X509 *x;
	size_t used;

	if (d->p == NULL) {
		*fault = "its PEM block is damaged, cut off or encrypted";
		return NULL;
	}
	ERR_clear_error();
	if ((x = X509_new_ex(light, NULL)) != NULL)
		d2i_X509(&x, &p, (long)d->len);
	ERR_clear_error();
	if (x == NULL) {
		*fault = "it is not a valid X.509 certificate";
		return NULL;
	}
	used = (size_t)(p - d->p);
	if (used != d->len) {
		*fault = "there are trailing bytes after the certificate";
		X509_free(x);
		return NULL;
	}
	return x;
}

/* ---- the shelf ---- */

struct cert_shelf *
cert_shelf_new(int wanted)
{
	struct cert_shelf *shelf;

	if ((shelf = calloc(1, sizeof(*shelf))) == NULL)
		return NULL;
	shelf->names = (wanted & CERT_NAMES) != 0;
	shelf->prints = (wanted & CERT_PRINTS) != 0;
	shelf->allow_ca = (wanted & CERT_ALLOW_CA) != 0;
	return shelf;
}

void
shelf_count_read(struct cert_shelf *shelf)
{
	if (shelf->reads++ != 1)
		return;
	if ((shelf->light = OSSL_LIB_CTX_new()) != NULL &&
	    (shelf->null = OSSL_PROVIDER_load(shelf->light, "null")) == NULL) {
		OSSL_LIB_CTX_free(shelf->light);
		shelf->light = NULL;
	}
	ERR_clear_error();
}

void
cert_shelf_free(struct cert_shelf *shelf)
{
	size_t i;

	if (shelf == NULL)
		return;
	for (i = 0; i < KEPT; i++) {
		free(shelf->kept[i].der.p);
		X509_free(shelf->kept[i].x);
		EVP_PKEY_CTX_free(shelf->kept[i].verify);
	}
	if (shelf->null != NULL)
		OSSL_PROVIDER_unload(shelf->null);
	OSSL_LIB_CTX_free(shelf->light);
	free(shelf);
}

struct kept *
shelf_find(struct cert_shelf *shelf, const struct cert_der *d)
{
	struct kept *k;
	size_t i;

	for (i = 0; i < KEPT; i++) {
		k = &shelf->kept[i];
		if (k->x != NULL && k->der.len == d->len &&
		    memcmp(k->der.p, d->p, d->len) == 0)
			return k;
	}
	return NULL;
}

struct kept *
shelf_add(struct cert_shelf *shelf, const struct cert_der *d, X509 *x)
{
	struct kept *k = &shelf->kept[shelf->next];
	unsigned char *copy;

	if ((copy = malloc(d->len)) == NULL)
		return NULL;
	memcpy(copy, d->p, d->len);
	free(k->der.p);
	X509_free(k->x);
	EVP_PKEY_CTX_free(k->verify);
	k->der.p = copy;
	k->der.len = d->len;
	k->x = x;
	k->verify = NULL;
	k->sigalg = NID_undef;
	k->bound = 0;
	shelf->next = (shelf->next + 1) % KEPT;
	return k;
}

/* To verify by this key what is signed with that algorithm; NULL: cannot. */
static EVP_PKEY_CTX *
kept_verifier(struct kept *k, int sigalg, const EVP_MD *md)
{
	if (k->verify != NULL && k->sigalg == sigalg)
		return k->verify;
	EVP_PKEY_CTX_free(k->verify);
	k->verify =
	    EVP_PKEY_CTX_new_from_pkey(NULL, X509_get0_pubkey(k->x), NULL);
	k->sigalg = sigalg;
	if (k->verify != NULL && EVP_PKEY_verify_init(k->verify) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(k->verify, md) == 1)
		return k->verify;
	EVP_PKEY_CTX_free(k->verify);
	k->verify = NULL;
	return NULL;
}

/* The part of a certificate that is signed; NULL: there is none. */
static const unsigned char *
signed_part(const struct cert_der *d, size_t *len)
{
	const unsigned char *p = d->p, *tbs;
	long n;
	int tag, class;

	if (ASN1_get_object(&p, &n, &tag, &class, (long)d->len) & 0x80)
		return NULL;
	tbs = p;
	if (ASN1_get_object(&p, &n, &tag, &class, n) & 0x80)
		return NULL;
	*len = (size_t)(p - tbs) + (size_t)n;
	return tbs;
}

int
kept_verifies(struct kept *k, X509 *leaf, const struct cert_der *d)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const unsigned char *tbs;
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	EVP_PKEY_CTX *verify;
	const EVP_MD *md;
	unsigned int len;
	size_t n;
	int hash, key;

	X509_get0_signature(&sig, &alg, leaf);
	if (OBJ_find_sigid_algs(X509_get_signature_nid(leaf), &hash, &key) !=
		1 ||
	    (key != NID_rsaEncryption && key != NID_X9_62_id_ecPublicKey) ||
	    !EVP_PKEY_is_a(X509_get0_pubkey(k->x),
		key == NID_rsaEncryption ? "RSA" : "EC") ||
	    X509_ALGOR_cmp(alg, X509_get0_tbs_sigalg(leaf)) != 0 ||
	    (sig->flags & 7) != 0 || (md = EVP_get_digestbynid(hash)) == NULL ||
	    (verify = kept_verifier(k, X509_get_signature_nid(leaf), md)) ==
		NULL ||
	    (tbs = signed_part(d, &n)) == NULL)
		return 0;
	return EVP_Digest(tbs, n, digest, &len, md, NULL) == 1 &&
	    EVP_PKEY_verify(
		verify, sig->data, (size_t)sig->length, digest, len) == 1;
}
