/* SPDX-License-Identifier: ISC */
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "ocsp.h"
#include "ocsp/internal.h"
#include "util/words.h"

/*
 * Strictly YYYYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5.2): OpenSSL's own
 * comparison takes what it cannot read for equal.
 */
int
read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
	const unsigned char *p;
	struct tm tm;
	int i;

	*out = 0;
	if (t == NULL || ASN1_STRING_type(t) != V_ASN1_GENERALIZEDTIME ||
	    ASN1_STRING_length(t) != 15)
		return 0;
	p = ASN1_STRING_get0_data(t);
	for (i = 0; i < 14; i++)
		if (p[i] < '0' || p[i] > '9')
			return 0;
	if (p[14] != 'Z' || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	*out = words_seconds(&tm);
	return 1;
}

int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? words_seconds(&tm) : 0;
}

int
read_times(struct judging *j)
{
	ASN1_GENERALIZEDTIME *this = NULL, *next = NULL, *revoked = NULL;
	const char *bad = NULL;

	OCSP_single_get0_status(j->ours, &j->v->reason, &revoked, &this, &next);
	if (!read_time(
		OCSP_resp_get0_produced_at(j->basic), &j->v->produced_at))
		bad = "producedAt";
	else if (!read_time(this, &j->v->this_update))
		bad = "thisUpdate";
	else if (next != NULL && !read_time(next, &j->v->next_update))
		bad = "nextUpdate";
	j->v->has_next = next != NULL;
	j->v->has_times = bad == NULL;
	if (bad != NULL) {
		j->v->advised = 1;
		return refuse(j, VERDICT_REFUSED,
		    "its %s is not written as YYYYMMDDHHMMSSZ: tell the CA, "
		    "whose responder has to leave out fractions of a second "
		    "and time zones",
		    bad);
	}
	/* shown only: an odd one is no reason to keep a revocation quiet */
	if (!read_time(revoked, &j->v->revoked_at))
		j->v->revoked_at = -1;
	return 1;
}

static void
bound(struct ocsp_verdict *v, int64_t end, enum ocsp_bound by)
{
	if (end < v->usable_until) {
		v->usable_until = end;
		v->bounded_by = (int)by;
	}
}

/* It names no end, and is not to be given one. */
static int
is_endless(const struct judging *j)
{
	return !j->v->has_next && j->p->assume_lifetime == 0;
}

static void
set_usable_until(struct judging *j)
{
	const struct ocsp_policy *p = j->p;
	struct ocsp_verdict *v = j->v;

	v->usable_until = seconds_of(X509_get0_notAfter(j->signer));
	v->bounded_by = BOUND_SIGNER;
	if (v->has_next)
		bound(v, v->next_update, BOUND_NEXT_UPDATE);
	else
		bound(v, v->this_update + (int64_t)p->assume_lifetime,
		    BOUND_ASSUMED);
	bound(v, j->t->not_after, BOUND_CERTIFICATE);
	if (p->max_age >= 0)
		bound(v, v->this_update + (int64_t)p->max_age, BOUND_MAX_AGE);
	v->expired = v->usable_until <= p->now || is_endless(j);
}

/* It has run out: which end was it? */
static int
refuse_expired(struct judging *j)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];
	const struct ocsp_policy *p = j->p;
	const struct ocsp_verdict *v = j->v;
	const long long ago = (long long)(p->now - v->usable_until);

	j->v->advised = is_endless(j) || v->bounded_by == BOUND_ASSUMED ||
	    v->bounded_by == BOUND_MAX_AGE;
	if (is_endless(j))
		return refuse(j, VERDICT_REFUSED,
		    "it has no nextUpdate, and --assume-lifetime 0 refuses "
		    "such responses: the CA has to set one");
	switch ((enum ocsp_bound)v->bounded_by) {
	case BOUND_NEXT_UPDATE:
		return refuse(j, VERDICT_STALE, "it expired on %s, %s ago",
		    words_time(when, v->next_update), words_span(span, ago));
	case BOUND_MAX_AGE:
		return refuse(j, VERDICT_STALE,
		    "its thisUpdate, %s, is older than --max-age (%lld s): "
		    "raise that, or have the CA sign more often",
		    words_time(when, v->this_update), p->max_age);
	case BOUND_ASSUMED:
		return refuse(j, VERDICT_STALE,
		    "it has no nextUpdate, and its thisUpdate, %s, is older "
		    "than --assume-lifetime (%s): the CA has to set a "
		    "nextUpdate, or sign it anew",
		    words_time(when, v->this_update),
		    words_span(span, p->assume_lifetime));
	case BOUND_SIGNER:
	case BOUND_CERTIFICATE:
		break;
	}
	return refuse(j, VERDICT_STALE,
	    "it cannot be used any more: %s expired on %s",
	    v->bounded_by == BOUND_SIGNER ? "its signer's certificate"
					  : "the certificate itself",
	    words_time(when, v->usable_until));
}

/* RFC 9919 section 5; a revocation counts though it has run out. */
int
is_timely(struct judging *j)
{
	char when[WORDS_TIME_MAX], here[WORDS_TIME_MAX], span[WORDS_TIME_MAX];
	struct ocsp_verdict *v = j->v;
	const struct ocsp_policy *p = j->p;
	int64_t latest = v->this_update;

	/* who has the key still may write any producedAt into it */
	if (j->signer_expired &&
	    (v->this_update > v->produced_at ||
		v->this_update > seconds_of(X509_get0_notAfter(j->signer)))) {
		j->proven = 0;
		return refuse(j, VERDICT_REFUSED,
		    "its thisUpdate, %s, is later than its producedAt or than "
		    "the end of its signer's certificate",
		    words_time(when, v->this_update));
	}
	/* from here on only its times, and a nonce, can be wrong */
	v->authentic = 1;
	if (v->produced_at > latest)
		latest = v->produced_at;
	if (latest - p->now > p->skew)
		return refuse(j, VERDICT_REFUSED,
		    "its %s, %s, is in the future by %s (%lld s are "
		    "tolerated): the responder's clock is wrong, or this one, "
		    "which says %s",
		    latest == v->this_update ? "thisUpdate" : "producedAt",
		    words_time(when, latest),
		    words_span(span, (long long)(latest - p->now)), p->skew,
		    words_time(here, p->now));
	set_usable_until(j);
	if (is_revoked(j))
		return 1;
	if (v->has_next && v->next_update <= v->this_update)
		return refuse(j, VERDICT_REFUSED,
		    "its nextUpdate, %s, is not later than its thisUpdate",
		    words_time(when, v->next_update));
	return !v->expired || refuse_expired(j);
}
