/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ocsp.h"
#include "ocsp/internal.h"
#include "util/words.h"

/* Certificates in a response: all, and those that no chain explains. */
#define MAX_CERTS 12
#define MAX_STRAY 2
#define MAX_STRAY_SIZE 4096

/*
 * What was received must be the one DER encoding of what is judged: the
 * bytes are served as they are, and OpenSSL looks at its own re-encoding.
 */
static int
is_der(const struct judging *j)
{
	OCSP_RESPONSE *again =
	    OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, j->basic);
	unsigned char *der = NULL;
	int len, same;

	len = again != NULL ? i2d_OCSP_RESPONSE(again, &der) : 0;
	same = len > 0 && (size_t)len == j->len &&
	    memcmp(der, j->der, j->len) == 0;
	OPENSSL_free(der);
	OCSP_RESPONSE_free(again);
	return same;
}

/* The name of an error says nothing to who does not know it. */
static const char *
meaning(enum ocsp_error e)
{
	switch (e) {
	case ERROR_MALFORMED:
		return "it did not understand the question";
	case ERROR_TRYLATER:
		return "it cannot answer at the moment";
	case ERROR_SIGREQUIRED:
		return "it wants signed questions, which ocspfetch does not "
		       "ask";
	case ERROR_UNAUTHORIZED:
		return "it does not speak for this certificate";
	case ERROR_NONE:
	case ERROR_INTERNAL:
		break;
	}
	return "something is wrong with it";
}

/* RFC 6960 section 4.2.1: there is v1 only, and OpenSSL does not look. */
static int
has_known_version(const OCSP_BASICRESP *basic)
{
	static const unsigned char v1[] = {V_ASN1_INTEGER, 1, 0};
	unsigned char *der = NULL;
	const unsigned char *p;
	int n, tag, class, known = 0;
	long len;

	n = i2d_OCSP_RESPDATA(
	    (OCSP_RESPDATA *)(uintptr_t)OCSP_resp_get0_respdata(basic), &der);
	p = der;
	if (n > 0) {
		(void)ASN1_get_object(&p, &len, &tag, &class, n);
		(void)ASN1_get_object(&p, &len, &tag, &class, len);
		/* a responderID is [1] or [2] */
		known = class != V_ASN1_CONTEXT_SPECIFIC || tag != 0 ||
		    (len == (long)sizeof(v1) && memcmp(p, v1, sizeof(v1)) == 0);
	}
	OPENSSL_free(der);
	return known;
}

static int
decode(struct judging *j)
{
	const unsigned char *p = j->der;
	int status;

	if (j->len > RESPONSE_MAX)
		return refuse(j, VERDICT_INVALID, "it has more than %zu bytes",
		    RESPONSE_MAX);
	j->resp = d2i_OCSP_RESPONSE(NULL, &p, (long)j->len);
	if (j->resp == NULL)
		return refuse(j, VERDICT_INVALID, "it is not an OCSP response");
	if (p != j->der + j->len)
		return refuse(j, VERDICT_REFUSED,
		    "%zu bytes follow the OCSP response, none may",
		    j->len - (size_t)(p - j->der));
	if ((status = OCSP_response_status(j->resp)) != ERROR_NONE) {
		j->v->error = (enum ocsp_error)status;
		return refuse(j, VERDICT_ERROR, "the responder says \"%s\": %s",
		    ocsp_error_name(j->v->error), meaning(j->v->error));
	}
	j->v->status = VERDICT_REFUSED;
	j->basic = OCSP_response_get1_basic(j->resp);
	if (j->basic == NULL)
		return refuse(j, VERDICT_REFUSED,
		    "it says \"successful\", but holds no basic OCSP response");
	if (!is_der(j))
		return refuse(j, VERDICT_REFUSED,
		    "it is not encoded in DER, or has trailing bytes inside");
	if (!has_known_version(j->basic))
		return refuse(j, VERDICT_REFUSED,
		    "it is of a version that does not exist (there is v1)");
	j->v->singles = OCSP_resp_count(j->basic);
	return 1;
}

/* What a SingleResponse is to us. */
enum kinship { STRANGER, OURS, OURS_OTHER_HASH, UNCLEAR };

/* Under which spelling of the issuer's name is it ours?  NULL: under none. */
static struct anchor *
find_spelling(const struct judging *j, const OCSP_CERTID *id, const EVP_MD *md)
{
	struct anchor *a = j->t->issuer->anchors, *const end = a + SPELLINGS;
	OCSP_CERTID *same;
	int differ = 1;

	for (; a < end && a->x509 != NULL; a++) {
		if ((same = make_id(a, md, j->serial)) != NULL)
			differ = OCSP_id_cmp(same, id);
		OCSP_CERTID_free(same);
		if (differ == 0)
			return a;
	}
	return NULL;
}

static int
is_under_our_hash(const struct judging *j, const ASN1_OBJECT *alg)
{
	ASN1_OBJECT *asked;

	OCSP_id_get0_info(NULL, &asked, NULL, NULL, j->id);
	return OBJ_cmp(asked, alg) == 0;
}

static enum kinship
kinship(
    const struct judging *j, OCSP_SINGLERESP *single, struct anchor **anchor)
{
	const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
	enum kinship kin = UNCLEAR;
	ASN1_INTEGER *serial;
	OCSP_CERTID *copy;
	ASN1_OBJECT *alg;
	const EVP_MD *md;

	*anchor = &j->t->issuer->anchors[BY_CERTIFICATE];
	if (OCSP_id_cmp(j->id, id) == 0)
		return OURS;
	if ((copy = OCSP_CERTID_dup(id)) == NULL)
		return UNCLEAR;
	OCSP_id_get0_info(NULL, &alg, NULL, &serial, copy);
	if (ASN1_INTEGER_cmp(serial, j->serial) != 0)
		kin = STRANGER;
	else if ((md = EVP_get_digestbyobj(alg)) != NULL) {
		if ((*anchor = find_spelling(j, id, md)) == NULL)
			kin = STRANGER;
		else
			kin =
			    is_under_our_hash(j, alg) ? OURS : OURS_OTHER_HASH;
	}
	OCSP_CERTID_free(copy);
	return kin;
}

static int
status_of(OCSP_SINGLERESP *single)
{
	return OCSP_single_get0_status(single, NULL, NULL, NULL, NULL);
}

/* Only looked at, nothing of it is verified yet. */
static int
is_about_us(struct judging *j)
{
	OCSP_SINGLERESP *single;
	struct anchor *a;
	int i;

	for (i = 0; i < j->v->singles; i++) {
		single = OCSP_resp_get0(j->basic, i);
		if (kinship(j, single, &a) == STRANGER)
			continue;
		if (j->anchor == NULL)
			j->anchor = a;
		if (status_of(single) == V_OCSP_CERTSTATUS_REVOKED)
			j->claims_revoked = 1;
	}
	if (j->anchor != NULL)
		return 1;
	if (j->v->singles == 0)
		return refuse(j, VERDICT_REFUSED,
		    "it says nothing about any certificate");
	return refuse(j, VERDICT_FOREIGN,
	    "it is about another certificate (issuer name, issuer key or "
	    "serial number differ)");
}

static void
find_signer(struct judging *j)
{
	if (OCSP_resp_get0_signer(j->basic, &j->signer, j->anchor->certs) != 1)
		j->signer = NULL;
}

static int
verify_at(struct judging *j, int64_t when, unsigned int hostflags)
{
	struct anchor *a = j->anchor;
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(a->store);

	a->error = X509_V_OK;
	a->depth = a->sha1 = a->old_aki = 0;
	X509_VERIFY_PARAM_set_time(param, (time_t)when);
	X509_VERIFY_PARAM_set_hostflags(param, hostflags);
	ERR_clear_error();
	/*
	 * No flags: TRUSTOTHER, NOCHECKS and their like would let the leaf or
	 * any sibling of it sign (RFC 6960 section 4.2.2.2).
	 */
	return OCSP_basic_verify(j->basic, a->certs, a->store, 0) == 1;
}

/*
 * Constraints on DNS names are about subjectAltName (RFC 5280 section
 * 4.2.1.10), but OpenSSL applies them to a CN, too, which a responder may have
 * of any kind.  And a revocation does not become untrue when the certificate of
 * who signed it ends.
 */
static int
verify(struct judging *j)
{
	const struct anchor *a = j->anchor;
	unsigned int hostflags = 0;
	int64_t produced_at;

	if (verify_at(j, j->p->now, hostflags))
		return 1;
	if (a->error == X509_V_ERR_PERMITTED_VIOLATION ||
	    a->error == X509_V_ERR_EXCLUDED_VIOLATION) {
		hostflags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
		j->v->quirks |= QUIRK_CONSTRAINED_NAME;
		if (verify_at(j, j->p->now, hostflags))
			return 1;
	}
	j->signer_expired = a->error == X509_V_ERR_CERT_HAS_EXPIRED;
	return j->signer_expired && j->claims_revoked &&
	    read_time(OCSP_resp_get0_produced_at(j->basic), &produced_at) &&
	    verify_at(j, produced_at, hostflags);
}

static int
is_signed_for_us(struct judging *j)
{
	const struct issuer *is = j->t->issuer;

	find_signer(j);
	if (j->p->names)
		name_signer(j);
	if (!verify(j) || j->signer == NULL) {
		tell_verify_error(j);
		return 0;
	}
	if (is->anchors[BY_CA].x509 != NULL)
		j->v->quirks |= j->anchor == &is->anchors[BY_CA]
		    ? QUIRK_CA_SPELLING
		    : QUIRK_ISSUER_SPELLING;
	if (j->anchor->old_aki)
		j->v->quirks |= QUIRK_AUTHORITY_KEY;
	if (j->anchor->sha1)
		j->v->quirks |= QUIRK_SHA1_SIGNER;
	j->v->sha1 = j->anchor->sha1;
	j->v->delegated = X509_cmp(j->signer, j->anchor->x509) != 0;
	if (!j->v->delegated)
		return 1;
	j->v->nocheck =
	    X509_get_ext_by_NID(j->signer, NID_id_pkix_OCSP_noCheck, -1) >= 0;
	if ((X509_get_key_usage(j->signer) &
		(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
		return 1;
	j->v->advised = 1;
	return refuse(j, VERDICT_REFUSED,
	    "its signer's certificate has a keyUsage that forbids it to sign "
	    "(digitalSignature is missing): the CA has to issue another");
}

/* Certificates that a chain explains. */
struct explained {
	X509 *v[MAX_CERTS + 2];
	int n;
};

/* Is it of whose key signed one of them, and none of them itself? */
static int
signed_one(const struct explained *e, X509 *x)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int i, signed_any = 0;

	for (i = 0; i < e->n; i++) {
		if (X509_cmp(e->v[i], x) == 0)
			return 0;
		/* nothing is above a root */
		if (!signed_any &&
		    X509_NAME_cmp(X509_get_issuer_name(e->v[i]), name) == 0 &&
		    X509_NAME_cmp(X509_get_subject_name(e->v[i]), name) != 0)
			signed_any =
			    X509_verify(e->v[i], X509_get0_pubkey(x)) == 1;
	}
	return signed_any;
}

/* Once, whether it is in the response or not. */
static void
explain(struct explained *e, const STACK_OF(X509) *certs, unsigned char *used,
    X509 *x)
{
	int i;

	e->v[e->n++] = x;
	for (i = 0; i < sk_X509_num(certs); i++)
		if (!used[i] && X509_cmp(sk_X509_value(certs, i), x) == 0) {
			used[i] = 1;
			return;
		}
}

/*
 * The certificates in a response are not signed: whoever is on the way can
 * add some, until servers or clients choke.  Those that the signature needs,
 * and those above them, may be there once; of others only a few.
 */
static int
carries_no_ballast(struct judging *j)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(j->basic);
	const struct anchor *as = j->t->issuer->anchors;
	unsigned char used[MAX_CERTS] = {0};
	int i, n = sk_X509_num(certs), stray = 0, size = 0;
	struct explained e = {.n = 0};

	if (n > MAX_CERTS)
		return refuse(j, VERDICT_REFUSED,
		    "it carries %d certificates, more than the limit of %d", n,
		    MAX_CERTS);
	explain(&e, certs, used,
	    as[as[BY_CA].x509 != NULL ? BY_CA : BY_CERTIFICATE].x509);
	if (j->v->delegated)
		explain(&e, certs, used, j->signer);
	for (i = 0; i < n; i++)
		if (!used[i] && signed_one(&e, sk_X509_value(certs, i))) {
			used[i] = 1;
			e.v[e.n++] = sk_X509_value(certs, i);
			i = -1;
		}
	for (i = 0; i < n; i++)
		if (!used[i]) {
			stray++;
			size += i2d_X509(sk_X509_value(certs, i), NULL);
		}
	ERR_clear_error();
	if (stray <= MAX_STRAY && size <= MAX_STRAY_SIZE)
		return 1;
	return refuse(j, VERDICT_REFUSED,
	    "it carries %d certificates (%d bytes) that have no part in its "
	    "signature, more than the limit of %d (%d bytes); anybody on the "
	    "way could have added them",
	    stray, size, MAX_STRAY, MAX_STRAY_SIZE);
}

/* Extensions that change nothing, or that we honour, may be critical. */
static int
is_known(X509_EXTENSION *ext)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object(ext))) {
	case NID_id_pkix_OCSP_Nonce:
	case NID_id_pkix_OCSP_archiveCutoff:
	case NID_id_pkix_OCSP_CrlID:
	case NID_crl_reason:
	case NID_invalidity_date:
		return 1;
	}
	return 0;
}

static int
refuse_critical(struct judging *j, X509_EXTENSION *ext)
{
	char oid[128];

	if (X509_EXTENSION_get_critical(ext) == 0 || is_known(ext))
		return 1;
	OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext), 1);
	return refuse(j, VERDICT_REFUSED,
	    "it has a critical extension that is not known: %s", oid);
}

/* RFC 6960 section 4.4; OpenSSL leaves this to us. */
static int
is_understood(struct judging *j)
{
	OCSP_SINGLERESP *single;
	int i, k;

	for (i = 0; i < OCSP_BASICRESP_get_ext_count(j->basic); i++)
		if (!refuse_critical(j, OCSP_BASICRESP_get_ext(j->basic, i)))
			return 0;
	for (k = 0; k < j->v->singles; k++) {
		single = OCSP_resp_get0(j->basic, k);
		for (i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++)
			if (!refuse_critical(
				j, OCSP_SINGLERESP_get_ext(single, i)))
				return 0;
	}
	return 1;
}

static int
same_window(OCSP_SINGLERESP *a, OCSP_SINGLERESP *b)
{
	ASN1_GENERALIZEDTIME *this[2] = {0}, *next[2] = {0};

	OCSP_single_get0_status(a, NULL, NULL, &this[0], &next[0]);
	OCSP_single_get0_status(b, NULL, NULL, &this[1], &next[1]);
	return ASN1_STRING_cmp(this[0], this[1]) == 0 &&
	    (next[0] == NULL) == (next[1] == NULL) &&
	    (next[0] == NULL || ASN1_STRING_cmp(next[0], next[1]) == 0);
}

/* A good one is of use only where it is looked for. */
static int
refuse_hash(struct judging *j)
{
	OCSP_CERTID *copy = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(j->ours));
	ASN1_OBJECT *alg = NULL;
	int nid = NID_undef;

	if (copy != NULL &&
	    OCSP_id_get0_info(NULL, &alg, NULL, NULL, copy) == 1)
		nid = OBJ_obj2nid(alg);
	OCSP_CERTID_free(copy);
	j->v->advised = 1;
	if (nid == NID_sha1)
		return refuse(j, VERDICT_REFUSED,
		    "its CertID is under SHA-1, though SHA-256 was requested: "
		    "this responder knows SHA-1 only, as servers and clients "
		    "want it; do without --certid-hash sha256");
	if (nid == NID_sha256)
		return refuse(j, VERDICT_REFUSED,
		    "its CertID is under SHA-256, though SHA-1 was requested, "
		    "and most servers and clients do not find it; request it "
		    "so with --certid-hash sha256, or have the CA respond "
		    "under the hash of the request");
	return refuse(j, VERDICT_REFUSED,
	    "its CertID is under another hash, %s, than requested, and servers "
	    "and clients do not find it: the CA has to respond under the hash "
	    "of the request",
	    OBJ_nid2sn(nid));
}

/*
 * All that speak of our certificate, under whatever hash, must agree; those
 * about others are ignored.
 */
static int
find_ours(struct judging *j)
{
	OCSP_SINGLERESP *single, *ours = NULL, *other = NULL;
	struct anchor *anchor;
	enum kinship kin;
	int i, status, seen = -1;

	for (i = 0; i < j->v->singles; i++) {
		single = OCSP_resp_get0(j->basic, i);
		if ((kin = kinship(j, single, &anchor)) == STRANGER) {
			if (i == 0)
				j->v->quirks |= QUIRK_OTHER_FIRST;
			continue;
		}
		if (kin == UNCLEAR)
			return refuse(j, VERDICT_REFUSED,
			    "it speaks of this serial number under a hash that "
			    "is not known");
		status = status_of(single);
		if ((seen != -1 && status != seen) ||
		    (kin == OURS && ours != NULL && !same_window(single, ours)))
			return refuse(j, VERDICT_REFUSED,
			    "it contradicts itself about this certificate");
		seen = status;
		if (kin == OURS && ours == NULL)
			ours = single;
		else if (kin == OURS_OTHER_HASH)
			other = single;
	}
	j->status = seen;
	j->ours = ours != NULL ? ours : other;
	j->v->other_hash = ours == NULL;
	return ours != NULL || is_revoked(j) || refuse_hash(j);
}

/* RFC 9654 section 2.1; that it is absent is no fault. */
static int
has_our_nonce(struct judging *j)
{
	int rc;

	if (!j->p->answer || !j->t->nonce)
		return 1;
	rc = OCSP_check_nonce(j->t->req, j->basic);
	if (rc == 0)
		return refuse(j, VERDICT_REFUSED,
		    "its nonce is not the one that was sent: it answers "
		    "another question");
	j->v->nonce = rc == 1;
	return 1;
}

static void
settle_revoked(struct judging *j)
{
	struct ocsp_verdict *v = j->v;
	char when[WORDS_TIME_MAX], end[WORDS_TIME_MAX];

	v->excused =
	    v->expired || v->other_hash || (v->sha1 && !j->p->allow_sha1);
	refuse(j, VERDICT_REVOKED, "revoked on %s (%s)%s%s%s",
	    v->revoked_at != -1 ? words_time(when, v->revoked_at)
				: "an unreadable date",
	    ocsp_reason_name(v->reason),
	    /* RFC 6960 section 2.2 */
	    v->revoked_at == 0 &&
		    v->reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD
		? ", which means that it was never issued"
		: "",
	    v->expired ? ", in a response that expired on " : "",
	    v->expired ? words_time(end, v->usable_until) : "");
}

static void
settle(struct judging *j)
{
	if (is_revoked(j))
		settle_revoked(j);
	else if (j->status != V_OCSP_CERTSTATUS_GOOD)
		refuse(j, VERDICT_UNKNOWN,
		    "the responder does not know this certificate "
		    "(\"unknown\")");
	else
		j->v->status = VERDICT_GOOD;
}

/* Where a revocation does not count, but is signed: at least the word. */
static void
mention_revoked(struct judging *j)
{
	const size_t n = strlen(j->v->why);

	if (j->proven && is_revoked(j) && j->v->status != VERDICT_REVOKED)
		snprintf(j->v->why + n, sizeof(j->v->why) - n,
		    "; it said \"revoked\"");
}

enum ocsp_status
ocsp_judge(const struct ocsp_target *t, const unsigned char *der, size_t len,
    const struct ocsp_policy *p, struct ocsp_verdict *v)
{
	struct judging j = {
	    .t = t, .p = p, .v = v, .der = der, .len = len, .status = -1};

	ocsp_undecided(v);
	ERR_clear_error();
	j.id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(t->req, 0));
	OCSP_id_get0_info(NULL, NULL, NULL, &j.serial, j.id);
	if (decode(&j) && is_about_us(&j) && is_signed_for_us(&j) &&
	    carries_no_ballast(&j) && is_understood(&j) && find_ours(&j) &&
	    is_strong(&j) && read_times(&j) && is_timely(&j) &&
	    has_our_nonce(&j))
		settle(&j);
	mention_revoked(&j);
	OCSP_BASICRESP_free(j.basic);
	OCSP_RESPONSE_free(j.resp);
	ERR_clear_error();
	if (v->status < VERDICT_STALE && v->status != VERDICT_ERROR)
		ocsp_doubt();
	return v->status;
}
