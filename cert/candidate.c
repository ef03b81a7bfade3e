/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert/cert.h"
#include "cert/internal.h"
#include "ocsp/cryptocheck.h"

/* Of the longest public exponent of an issuer, as OpenSSL has it for long keys.
 */
#define EXPONENT_BITS 64

static int
has_right_name(const struct cert *c, const X509 *x)
{
	return X509_NAME_cmp(X509_get_issuer_name(c->parts->leaf),
		   X509_get_subject_name(x)) == 0;
}

X509 *
candidate_take(const struct cert *c, const struct cert_der *d,
    struct kept **kept, const char **fault)
{
	struct cert_shelf *shelf = c->parts->shelf;
	X509 *x;

	*kept = NULL;
	if (d->p != NULL && (*kept = shelf_find(shelf, d)) != NULL)
		return (*kept)->x;
	x = cert_decode(shelf->light, d, fault);
	if (x == NULL || !has_right_name(c, x))
		return x;
	if (shelf->light != NULL) {
		X509_free(x);
		x = cert_decode(NULL, d, fault);
	}
	if (x != NULL)
		*kept = shelf_add(shelf, d, x);
	return x;
}

static int
is_signed_by(const struct cert_parts *parts, X509 *x, struct kept *kept)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const char *fault;
	X509 *whole;
	int yes;

	if (key == NULL)
		return 0;
	if ((kept != NULL &&
		kept_verifies(kept, parts->leaf, &parts->all.v[0])) ||
	    X509_verify(parts->leaf, key) == 1)
		return 1;
	/* where the null provider is not enough for that */
	ERR_clear_error();
	if ((whole = cert_decode(NULL, &parts->all.v[0], &fault)) == NULL)
		return 0;
	yes = X509_verify(whole, key) == 1;
	X509_free(whole);
	return yes;
}

/* Those that hash their key along with what they sign. */
static int
hashes_its_key(const EVP_PKEY *key)
{
	const char *name = EVP_PKEY_get0_type_name(key);

	return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ||
	    EVP_PKEY_is_a(key, "SM2") ||
	    (name != NULL &&
		(strncmp(name, "ML-DSA-", 7) == 0 ||
		    strncmp(name, "SLH-DSA-", 8) == 0));
}

/*
 * That a key verifies a signature proves something only if it could not be
 * made for that.  Whoever chooses RSA's exponent as he likes, or a curve's
 * generator, or DSA's, finds such a key in seconds (duplicate-signature key
 * selection).  RFC 5480 section 2.1.1 has named curves only.
 */
static int
is_bound_to_signature(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	int yes, explicit = 1;

	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_get_int_param(key,
			   OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
			   &explicit) == 1 &&
		    explicit == 0;
	if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "RSA-PSS"))
		return hashes_its_key(key);
	yes = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_num_bits(e) <= EXPONENT_BITS;
	BN_free(e);
	return yes;
}

/*
 * Is it the system that does not verify this one, whoever signed it?  The probe
 * is dear: once for each run, however many candidates fail.
 */
static int
is_sha1_refused(const struct cert_parts *parts)
{
	struct cert_shelf *shelf = parts->shelf;
	int md;

	if (X509_get_signature_info(parts->leaf, &md, NULL, NULL, NULL) != 1 ||
	    md != NID_sha1)
		return 0;
	if (shelf->sha1 == SHA1_NOT_ASKED)
		shelf->sha1 =
		    cryptocheck_refuses_sha1() ? SHA1_REFUSED : SHA1_ACCEPTED;
	return shelf->sha1 == SHA1_REFUSED;
}

/* Names are compared first: verifying is dear. */
enum candidate
candidate_examine(struct cert *c, X509 *x, struct kept *kept, int64_t now)
{
	int64_t begin, end;
	int bound = 1;

	if (!has_right_name(c, x))
		return CANDIDATE_OTHER_NAME;
	if (!is_signed_by(c->parts, x, kept))
		return is_sha1_refused(c->parts) ? CANDIDATE_SHA1_REFUSED
						 : CANDIDATE_WRONG_KEY;
	if (kept == NULL || !kept->bound)
		bound = is_bound_to_signature(X509_get0_pubkey(x));
	if (kept != NULL)
		kept->bound = bound;
	if (!bound)
		return CANDIDATE_LOOSE_KEY;
	if (cert_to_time(X509_get0_notBefore(x), &begin) == -1 ||
	    cert_to_time(X509_get0_notAfter(x), &end) == -1)
		return CANDIDATE_DAMAGED;
	if (begin > now) {
		c->issuer_begins = begin;
		return CANDIDATE_NOT_YET;
	}
	return end < now ? CANDIDATE_ENDED : CANDIDATE_ISSUER;
}

/* "CN=Some CA, key 1234ABCD", as far as the certificate says so. */
static void
name_candidate(char *out, size_t size, const X509 *x)
{
	ASN1_OCTET_STRING *id =
	    X509_get_ext_d2i(x, NID_subject_key_identifier, NULL, NULL);
	char *name = cert_name_text(X509_get_subject_name(x));
	char key[CERT_KEY_ID_MAX];

	cert_short_id(key, id);
	snprintf(out, size, "%s%s%s", name != NULL ? name : "?",
	    key[0] != '\0' ? ", key " : "", key);
	ASN1_OCTET_STRING_free(id);
	free(name);
}

void
candidate_describe(char *out, size_t size, const X509 *x, enum candidate found)
{
	static const char loose[] =
	    "the right name, but a key as anybody can make to fit a signature "
	    "(RSA with an exponent over 64 bits, a curve without a name, or an "
	    "unusual kind): %s";
	static const char refused[] =
	    "the right name, but whether its key verifies it cannot be told, "
	    "as OpenSSL refuses SHA-1 signatures here (update-crypto-policies "
	    "--set DEFAULT:SHA1 allows them): %s";
	static const char *const what[] = {
	    [CANDIDATE_NONE] = "no other certificate",
	    [CANDIDATE_OTHER_NAME] = "no certificate of that name, but %s",
	    [CANDIDATE_DAMAGED] = "a damaged certificate",
	    [CANDIDATE_WRONG_KEY] =
		"the right name, but its key does not verify it: %s",
	    [CANDIDATE_SHA1_REFUSED] = refused,
	    [CANDIDATE_LOOSE_KEY] = loose,
	    [CANDIDATE_NOT_YET] = "is the issuer, but not valid yet: %s",
	    [CANDIDATE_ENDED] = "is the issuer, but it has expired: %s",
	    [CANDIDATE_ISSUER] = "is the issuer",
	};
	const char *at = strstr(what[found], "%s");
	char named[256];

	if (at == NULL || x == NULL) {
		snprintf(out, size, "%s", what[found]);
		return;
	}
	name_candidate(named, sizeof(named), x);
	snprintf(
	    out, size, "%.*s%s", (int)(at - what[found]), what[found], named);
}
