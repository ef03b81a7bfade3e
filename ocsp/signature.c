/* SPDX-License-Identifier: ISC */
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "ocsp.h"
#include "ocsp/internal.h"

/* Bytes of RSASSA-PSS-params, RFC 4055 section 3.1. */
#define MAX_PSS 100

/* Bits of an RSA key; OpenSSL's level 1 takes a little less. */
#define MIN_RSA_BITS 1024

/*
 * The parameters of the signature's algorithm are not signed, either: they must
 * be the ones that the standards give it (RFC 4055 section 5, RFC 5758 section
 * 3.2, RFC 8410).
 */
static int
has_proper_parameters(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	const void *par;
	int type, key = NID_undef;

	X509_ALGOR_get0(&oid, &type, &par, alg);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), NULL, &key) != 1)
		return 0;
	if (OBJ_obj2nid(oid) == NID_rsassaPss)
		/* they have up to 70 bytes, but hold places for more */
		return type == V_ASN1_SEQUENCE &&
		    ASN1_STRING_length(par) <= MAX_PSS;
	if (key == NID_rsaEncryption || key == NID_X9_62_id_ecPublicKey)
		return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
	return type == V_ASN1_UNDEF;
}

/* RFC 5758 section 3.2 forbids NULL; OpenSSL and GnuTLS take it. */
static int
has_null_ecdsa(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	int type, key = NID_undef;

	X509_ALGOR_get0(&oid, &type, NULL, alg);
	return type == V_ASN1_NULL &&
	    OBJ_find_sigid_algs(OBJ_obj2nid(oid), NULL, &key) == 1 &&
	    key == NID_X9_62_id_ecPublicKey;
}

/* The parameters of RSA-PSS; NULL: it is another algorithm, or has none. */
static RSA_PSS_PARAMS *
pss_of(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	const void *par;
	int type;

	X509_ALGOR_get0(&oid, &type, &par, alg);
	return OBJ_obj2nid(oid) == NID_rsassaPss && type == V_ASN1_SEQUENCE
	    ? ASN1_item_unpack(par, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
	    : NULL;
}

int
signature_digest(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	RSA_PSS_PARAMS *pss;
	int md = NID_undef, nid;

	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	nid = OBJ_obj2nid(oid);
	if (nid != NID_rsassaPss) {
		if (OBJ_find_sigid_algs(nid, &md, NULL) != 1)
			return NID_md5; /* not known: as good as none */
		return md;
	}
	pss = pss_of(alg);
	/* RFC 4055 section 3.1: SHA-1 where it is left out */
	md = pss != NULL && pss->hashAlgorithm != NULL
	    ? OBJ_obj2nid(pss->hashAlgorithm->algorithm)
	    : NID_sha1;
	RSA_PSS_PARAMS_free(pss);
	return md;
}

/* Is the salt of RSA-PSS as long as the digest, as TLS 1.3 and GnuTLS want? */
static int
has_other_salt(const X509_ALGOR *alg, int digest)
{
	const EVP_MD *md = EVP_get_digestbynid(digest);
	RSA_PSS_PARAMS *pss = pss_of(alg);
	long salt = 20; /* RFC 4055 section 3.1 */

	if (pss == NULL || md == NULL) {
		RSA_PSS_PARAMS_free(pss);
		return 0;
	}
	if (pss->saltLength != NULL)
		salt = ASN1_INTEGER_get(pss->saltLength);
	RSA_PSS_PARAMS_free(pss);
	return salt != EVP_MD_get_size(md);
}

/* Bits of security of a digest that is signed. */
static int
digest_bits(int nid)
{
	const EVP_MD *md = EVP_get_digestbynid(nid);

	/* half the size, but for those whose collisions are known */
	if (nid == NID_sha1)
		return 63;
	if (nid == NID_md5 || nid == NID_md4 || nid == NID_md5_sha1)
		return 39;
	return md == NULL ? 0 : EVP_MD_get_size(md) * 4;
}

/* Of the response, or of its signer's certificate. */
static int
refuse_sha1(struct judging *j, int of_response)
{
	j->v->advised = 1;
	if (of_response)
		return refuse(j, VERDICT_REFUSED,
		    "it is signed with SHA-1: the CA has to sign with SHA-256 "
		    "(AD CS, Online Responder: Revocation Configuration, "
		    "Properties, Signing, hash algorithm); --allow-sha1 admits "
		    "it");
	return refuse(j, VERDICT_REFUSED,
	    "its signer's certificate is signed with SHA-1: the CA has to "
	    "issue one with SHA-256; --allow-sha1 admits it");
}

static int
is_short_rsa(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int type = EVP_PKEY_get_base_id(key);

	return (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) &&
	    EVP_PKEY_get_bits(key) < MIN_RSA_BITS;
}

/*
 * Keys, and the signature on the signer's certificate, were held to the level
 * by OCSP_basic_verify(), but for SHA-1 and for RSA just below its limit; the
 * signature on the response is not looked at there.
 */
int
is_strong(struct judging *j)
{
	const X509_ALGOR *alg = OCSP_resp_get0_tbs_sigalg(j->basic);
	const int md = signature_digest(alg);

	if (!has_proper_parameters(alg))
		return refuse(j, VERDICT_REFUSED,
		    "its signature algorithm has parameters that it may not "
		    "have");
	if (has_null_ecdsa(alg))
		j->v->quirks |= QUIRK_NULL_PARAMETERS;
	if (has_other_salt(alg, md))
		j->v->quirks |= QUIRK_PSS_SALT;
	if (is_short_rsa(j->signer) || is_short_rsa(j->anchor->x509)) {
		j->v->advised = 1;
		return refuse(j, VERDICT_REFUSED,
		    "the RSA key of its signer, or of the issuer, has less "
		    "than %d bits: the CA has to use a longer one",
		    MIN_RSA_BITS);
	}
	if (md != NID_undef && md != NID_sha1 && digest_bits(md) < LEVEL_BITS) {
		j->v->advised = 1;
		return refuse(j, VERDICT_REFUSED,
		    "its signature uses %s (%d bits of security, at least %d "
		    "are demanded); the CA has to sign with SHA-256",
		    OBJ_nid2ln(md), digest_bits(md), LEVEL_BITS);
	}
	if (md == NID_sha1 || j->v->sha1) {
		j->v->sha1 = 1;
		if (!j->p->allow_sha1 && !is_revoked(j))
			return refuse_sha1(j, md == NID_sha1);
	}
	j->proven = 1;
	return 1;
}
