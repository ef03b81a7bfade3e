/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "policy.h"

static long long
max_of(long long a, long long b)
{
	return a > b ? a : b;
}

static long long
min_of(long long a, long long b)
{
	return a < b ? a : b;
}

/* ---- does it last ---- */

int
policy_is_verified(const struct ocsp_verdict *v)
{
	return v->status == VERDICT_GOOD || v->status == VERDICT_REVOKED;
}

/* For how long it can be used, from its thisUpdate on. */
static long long
lifetime(const struct ocsp_verdict *v)
{
	return (long long)v->usable_until - (long long)v->this_update;
}

long long
policy_min_valid(
    const struct options *o, const struct ocsp_verdict *v, int responded)
{
	if (o->min_percent)
		return lifetime(v) * o->min_valid / 100;
	if (o->min_valid >= 0)
		return o->min_valid;
	return responded ? POLICY_MIN_LEFT
			 : max_of(lifetime(v) / 3, POLICY_MIN_LEFT);
}

int
policy_lasts(const struct options *o, const struct ocsp_verdict *v,
    int responded, int64_t now)
{
	return v->status == VERDICT_GOOD &&
	    (long long)v->usable_until - (long long)now >=
	    policy_min_valid(o, v, responded);
}

int
policy_is_due(
    const struct options *o, const struct ocsp_verdict *stored, int64_t now)
{
	if (stored == NULL || !policy_lasts(o, stored, 0, now))
		return 1;
	return (long long)now - (long long)stored->this_update >=
	    lifetime(stored) / 2;
}

/* ---- may a responder speak for it ---- */

enum policy_need
policy_need(const struct policy_cert *c, int has_file, int64_t now)
{
	if (!c->has_responder && !has_file)
		return c->must_staple ? NEED_NO_RESPONDER : NEED_NONE;
	if (c->not_after < now)
		return NEED_EXPIRED;
	return c->self_signed ? NEED_SELF_SIGNED : NEED_RESPONSE;
}

/* ---- which statement counts ---- */

int
policy_is_newer(const struct ocsp_verdict *a, const struct ocsp_verdict *b)
{
	if (a->this_update != b->this_update)
		return a->this_update > b->this_update;
	return a->usable_until > b->usable_until;
}

int
policy_replaces(const struct options *o, const struct ocsp_verdict *stored,
    const struct ocsp_verdict *received, int64_t now)
{
	if (stored == NULL || o->force)
		return 1;
	/* of two that are equally new, the one that says revoked is right */
	if (stored->status != received->status)
		return received->status == VERDICT_REVOKED
		    ? received->this_update >= stored->this_update
		    : received->this_update > stored->this_update;
	if (!policy_is_newer(received, stored))
		return 0;
	/* not even a newer one, if it is about to end and the old one is not */
	return received->status == VERDICT_REVOKED ||
	    policy_lasts(o, received, 1, now) ||
	    !policy_lasts(o, stored, 1, now);
}

enum stapled
policy_compare(const struct ocsp_verdict *stored,
    const struct ocsp_verdict *stapled, int same)
{
	if (same)
		return STAPLED_SAME;
	if (stored == NULL)
		return STAPLED_ALONE;
	if (!policy_is_verified(stapled))
		return STAPLED_OTHER;
	if (policy_is_newer(stored, stapled))
		return STAPLED_OLDER;
	return policy_is_newer(stapled, stored) ? STAPLED_NEWER : STAPLED_OTHER;
}

/* ---- what comes after an exchange ---- */

enum ocsp_method
policy_method(const struct options *o, const char *get_url)
{
	if (o->method != METHOD_AUTO)
		return (enum ocsp_method)o->method;
	return get_url != NULL && strlen(get_url) <= GET_URL_MAX ? METHOD_GET
								 : METHOD_POST;
}

enum ocsp_method
policy_other_method(enum ocsp_method m)
{
	return m == METHOD_GET ? METHOD_POST : METHOD_GET;
}

int
policy_is_outdated(const struct options *o, const struct policy_attempt *t,
    const struct ocsp_verdict *stored, const struct ocsp_verdict *received)
{
	return stored != NULL && !o->force && !t->no_cache &&
	    policy_is_newer(stored, received);
}

int
policy_status_is_transient(long http_status)
{
	return http_status >= 500 || http_status == 408 || http_status == 429;
}

int
policy_is_transient(const struct policy_exchange *x)
{
	if (x->skipped)
		return 0;
	if (x->result != HTTP_ANSWERED)
		/* what is too large, or not trusted, will be so again */
		return x->result != HTTP_ETOOBIG && x->result != HTTP_ETLS &&
		    x->result != HTTP_EOTHER && x->result != HTTP_ENOMEM;
	if (x->verdict == VERDICT_ERROR)
		return x->error == ERROR_TRYLATER || x->error == ERROR_INTERNAL;
	return x->verdict == VERDICT_INVALID &&
	    policy_status_is_transient(x->status);
}

/* A responder that demands a pause is not asked at once by the other method. */
static enum policy_next
next_method(const struct options *o, const struct policy_attempt *t,
    const struct policy_exchange *x)
{
	if (o->method != METHOD_AUTO || t->switched ||
	    (x->retry_after > 0 && policy_status_is_transient(x->status)) ||
	    (t->method == METHOD_POST && !t->has_get_url))
		return NEXT_RESPONDER;
	return NEXT_METHOD;
}

static enum policy_next
next_after_error(const struct options *o, const struct policy_attempt *t,
    const struct policy_exchange *x)
{
	/* a cache may hold on to what was true of a new certificate */
	if (x->error == ERROR_MALFORMED ||
	    (x->error == ERROR_UNAUTHORIZED && t->method == METHOD_GET))
		return next_method(o, t, x);
	return NEXT_RESPONDER;
}

enum policy_next
policy_next(const struct options *o, const struct policy_attempt *t,
    const struct policy_exchange *x)
{
	if (x->result == HTTP_ENOMEM)
		return NEXT_DONE;
	if (x->result != HTTP_ANSWERED || x->skipped)
		return NEXT_RESPONDER;
	switch (x->verdict) {
	case VERDICT_GOOD:
		return x->outdated ? NEXT_NO_CACHE : NEXT_SAVE;
	case VERDICT_REVOKED:
		if (x->outdated)
			return NEXT_NO_CACHE;
		return o->write_revoked ? NEXT_SAVE : NEXT_DONE;
	case VERDICT_STALE:
		return t->no_cache ? NEXT_RESPONDER : NEXT_NO_CACHE;
	case VERDICT_ERROR:
		return next_after_error(o, t, x);
	case VERDICT_INVALID:
		return next_method(o, t, x);
	case VERDICT_UNKNOWN:
	case VERDICT_REFUSED:
	case VERDICT_FOREIGN:
		break;
	}
	return NEXT_RESPONDER;
}

/* ---- when ---- */

int
policy_waits(const struct options *o, enum code outcome, int lasts)
{
	return o->wait > 0 && outcome == CODE_TEMPORARY && !lasts;
}

/* 1, 2, 4 ... seconds, in ms. */
static long long
backoff(long long round)
{
	return round < 6 ? 1000LL << round : POLICY_MAX_PAUSE * 1000;
}

long long
policy_pause(const struct options *o, const struct policy_attempt *t,
    const struct policy_clock *c, int waits, long long retry_after)
{
	long long ms = backoff(t->round), asked = retry_after * 1000;

	if (t->transient && t->round < o->retry &&
	    retry_after <= POLICY_MAX_PAUSE)
		ms = max_of(ms, asked);
	else if (waits && asked + POLICY_MIN_WAIT_MS < c->wait_left_ms) {
		/* the last ones come closer, so that none is in vain */
		ms = min_of(ms, c->wait_left_ms / 2);
		ms = max_of(max_of(ms, asked), POLICY_MIN_WAIT_MS);
	} else
		return -1;
	return c->left_ms >= 0 && ms >= c->left_ms ? -1 : ms;
}

long
policy_timeout(const struct options *o, const struct policy_attempt *t,
    const struct policy_clock *c)
{
	long long ms = o->timeout * 1000;

	if (t->round > o->retry)
		ms = min_of(ms, max_of(c->wait_left_ms, POLICY_MIN_WAIT_MS));
	if (c->left_ms > 0)
		ms = min_of(ms, c->left_ms);
	return (long)ms;
}

enum policy_host
policy_host(int failures, long long retry_after)
{
	if (failures >= POLICY_HOST_FAILURES || retry_after > POLICY_MAX_PAUSE)
		return HOST_GIVEN_UP;
	return retry_after > 0 ? HOST_PAUSES : HOST_GOES_ON;
}

int
policy_probes(const struct options *o, long long round, int busy)
{
	return o->wait > 0 && round > 0 && !busy;
}

/* ---- the exit status ---- */

enum code
policy_verdict_code(
    enum policy_source from, const struct ocsp_verdict *v, int64_t age)
{
	switch (v->status) {
	case VERDICT_GOOD:
		return CODE_OK;
	case VERDICT_REVOKED:
		return CODE_REVOKED;
	case VERDICT_UNKNOWN:
		return age < POLICY_NEW_CERT_GRACE ? CODE_TEMPORARY
						   : CODE_REJECTED;
	case VERDICT_REFUSED:
		return CODE_REJECTED;
	case VERDICT_FOREIGN:
		/* a renewed certificate finds its predecessor's on disk */
		return from == FROM_FILE ? CODE_TEMPORARY : CODE_REJECTED;
	case VERDICT_STALE:
		return from == FROM_RESPONDER ? CODE_REJECTED : CODE_TEMPORARY;
	case VERDICT_ERROR:
	case VERDICT_INVALID:
		break;
	}
	return CODE_TEMPORARY;
}

int
policy_ignores_stored(enum code outcome, int needs_none, int stored_is_revoked)
{
	return needs_none && outcome != CODE_LOCAL && !stored_is_revoked;
}

enum code
policy_exit(const struct policy_end *e)
{
	if (e->outcome > CODE_TEMPORARY || e->needs_none)
		return e->outcome;
	return e->lasts ? CODE_OK : CODE_TEMPORARY;
}

enum code
policy_gravest(enum code a, enum code b)
{
	return a > b ? a : b;
}

int
policy_exit_run(const struct options *o, enum code worst, int changed)
{
	if (worst == CODE_OK && changed && o->exit_changed != 0)
		return (int)o->exit_changed;
	return (int)worst;
}

int
policy_pushes(const struct options *o, const struct ocsp_verdict *stored,
    enum code outcome, int needs_none)
{
	return o->haproxy.n > 0 && !o->dry_run && !needs_none &&
	    stored != NULL && stored->status == VERDICT_GOOD &&
	    outcome != CODE_REVOKED;
}

/* Only a word that may be believed keeps ours out. */
static int
is_statement(const struct policy_held *held)
{
	return held->holds == HOLDS_OTHER && policy_is_verified(held->v);
}

enum policy_push
policy_push(const struct ocsp_verdict *ours, int written,
    const struct policy_held *held)
{
	if (held->holds == HOLDS_SAME)
		return PUSH_SAME;
	if (is_statement(held)) {
		if (held->v->status == VERDICT_REVOKED) {
			if (held->v->this_update >= ours->this_update)
				return held->verified ? PUSH_REVOKED
						      : PUSH_UNPROVEN;
		} else if (policy_is_newer(held->v, ours))
			return PUSH_NEWER;
	}
	if (!ours->has_next)
		return PUSH_NO_NEXT;
	return held->holds == HOLDS_UNREAD && !written ? PUSH_UNREAD : PUSH_DO;
}
