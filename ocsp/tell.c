/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ocsp.h"
#include "ocsp/cryptocheck.h"
#include "ocsp/internal.h"
#include "util/words.h"

static void
print_name(const X509_NAME *name, char to[256])
{
	const unsigned long flags = XN_FLAG_RFC2253 &
	    ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL);
	BIO *bio = BIO_new(BIO_s_mem());
	int i, n = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
		n = BIO_read(bio, to, 255);
	for (i = 0; i < n; i++)
		if (to[i] == '\0')
			to[i] = '?';
	to[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

void
name_signer(struct judging *j)
{
	if (j->signer != NULL)
		print_name(X509_get_subject_name(j->signer), j->v->signer);
}

/* Of the signer that it names, if there is one; always 0, as of refuse(). */
__attribute__((format(printf, 2, 3))) static int
refuse_signer(struct judging *j, const char *fmt, ...)
{
	char what[WHY_SHORT_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (j->signer == NULL)
		return refuse(j, VERDICT_REFUSED,
		    "it is not signed by the issuer or for it: %s", what);
	return refuse(j, VERDICT_REFUSED,
	    "it is not signed by the issuer or for it: signer %s: %s",
	    j->v->signer, what);
}

/* Its chain does not end at the issuer: whose responder is it? */
static void
tell_other_ca(struct judging *j)
{
	const struct anchor *a = j->anchor;
	char name[256];
	int other;

	/* a CA that signs by itself, or the CA of a delegated responder */
	print_name(X509_check_ca(j->signer) > 0
		? X509_get_subject_name(j->signer)
		: X509_get_issuer_name(j->signer),
	    name);
	other = X509_NAME_cmp(X509_get_issuer_name(j->signer),
		    X509_get_subject_name(a->x509)) != 0 &&
	    X509_NAME_cmp(X509_get_subject_name(j->signer),
		X509_get_subject_name(a->x509)) != 0;
	j->v->advised = other;
	if (other)
		refuse_signer(j,
		    "this is the responder of another CA, %s: the wrong "
		    "responder (see --url), or the wrong issuer (see "
		    "--issuer)",
		    name);
	else
		refuse_signer(j,
		    "not issued by the key of this issuer, but by another CA "
		    "of the name %s",
		    name);
}

/* The probe is dear: once for each issuer, however many certificates it has. */
static int
is_sha1_refused(struct judging *j, int md)
{
	struct issuer *is = j->t->issuer;

	if (md != NID_sha1)
		return 0;
	if (is->sha1 == NOT_ASKED)
		is->sha1 = cryptocheck_refuses_sha1() ? NOT_TAKEN : TAKEN;
	return is->sha1 == NOT_TAKEN;
}

/* Of a signature that does not verify, it may be the system's fault. */
static void
tell_bad_certificate(struct judging *j, X509 *x, int error)
{
	int md = NID_undef;

	(void)X509_get_signature_info(x, &md, NULL, NULL, NULL);
	j->v->advised = error == X509_V_ERR_CERT_SIGNATURE_FAILURE &&
	    is_sha1_refused(j, md);
	if (j->v->advised)
		refuse_signer(j,
		    "its certificate is signed with SHA-1, which this system's "
		    "OpenSSL refuses: have the CA issue one with SHA-256, or "
		    "update-crypto-policies --set DEFAULT:SHA1");
	else
		refuse_signer(j, "its certificate is not valid: %s",
		    X509_verify_cert_error_string(error));
}

/*
 * What is wrong with the signer's certificate, or with the issuer's own, which
 * stands above it.
 */
static void
tell_chain_error(struct judging *j)
{
	const struct anchor *a = j->anchor;
	X509 *const at = a->depth == 0 ? j->signer : a->x509;
	const char *whose =
	    at == a->x509 ? "the issuer's" : "the responder's own";
	char name[256], when[WORDS_TIME_MAX];

	print_name(X509_get_subject_name(at), name);
	j->v->advised = 1;
	switch (a->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		refuse(j, VERDICT_REFUSED,
		    "%s certificate, %s, expired on %s: tell the CA, which has "
		    "to renew it",
		    whose, name,
		    words_time(when, seconds_of(X509_get0_notAfter(at))));
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		refuse(j, VERDICT_REFUSED,
		    "%s certificate, %s, is valid only from %s: set this "
		    "machine's clock if it is wrong, else tell the CA",
		    whose, name,
		    words_time(when, seconds_of(X509_get0_notBefore(at))));
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		break;
	default:
		tell_bad_certificate(j, at, a->error);
		return;
	}
	tell_other_ca(j);
}

void
tell_verify_error(struct judging *j)
{
	const char *what = "the signature cannot be verified";
	unsigned long e;

	/* the first of its own names the cause; others go before or follow */
	while ((e = ERR_get_error()) != 0 && ERR_GET_LIB(e) != ERR_LIB_OCSP)
		;
	ERR_clear_error();
	name_signer(j);
	switch (e != 0 ? ERR_GET_REASON(e) : 0) {
	case OCSP_R_SIGNER_CERTIFICATE_NOT_FOUND:
		j->v->advised = 1;
		what = "the signer's certificate is not in it, and it is not "
		       "the issuer's: the CA has to send it along, or this is "
		       "another CA's responder (see --url)";
		break;
	case OCSP_R_CERTIFICATE_VERIFY_ERROR:
		if (j->signer != NULL && j->anchor->error != X509_V_OK) {
			tell_chain_error(j);
			return;
		}
		break;
	case OCSP_R_MISSING_OCSPSIGNING_USAGE:
		what = "the signer's certificate is not one for OCSP signing";
		break;
	case OCSP_R_ROOT_CA_NOT_TRUSTED:
		what = "the signer does not speak for the issuer";
		break;
	case OCSP_R_SIGNATURE_FAILURE:
		what = "the signature does not match";
		if (is_sha1_refused(j,
			signature_digest(
			    OCSP_resp_get0_tbs_sigalg(j->basic)))) {
			j->v->advised = 1;
			what = "it is signed with SHA-1, which this system's "
			       "OpenSSL refuses: have the CA use SHA-256, or "
			       "update-crypto-policies --set DEFAULT:SHA1";
		}
		break;
	case OCSP_R_UNKNOWN_MESSAGE_DIGEST:
		what = "it names a certificate under a hash that is not known";
		break;
	}
	refuse_signer(j, "%s", what);
}
