/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "job/policy.h"

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

int
policy_asks(const struct options *o, const struct ocsp_verdict *stored,
    int changes, int64_t now)
{
	if (changes > 0 && stored != NULL && policy_lasts(o, stored, 0, now))
		return 0;
	return !o->if_due || policy_is_due(o, stored, now);
}

/* ---- is the clock right ---- */

enum policy_clock_fault
policy_clock_fault(
    int64_t now, int64_t released, int64_t cert_from, int64_t issuer_from)
{
	if (now < released)
		return CLOCK_BEFORE_RELEASE;
	/* a certificate that begins later is no fault of the clock's */
	if (now < cert_from && now < issuer_from)
		return CLOCK_BEFORE_CERT;
	return CLOCK_FITS;
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

int
policy_begins_anew(int changes)
{
	return changes < POLICY_MAX_CHANGES;
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
policy_counts(const struct ocsp_verdict *v, const struct ocsp_verdict *other)
{
	if (other == NULL || v->this_update > other->this_update)
		return 1;
	return v->this_update == other->this_update &&
	    v->status == VERDICT_REVOKED;
}

int
policy_replaces(const struct options *o, const struct ocsp_verdict *stored,
    const struct ocsp_verdict *received, int64_t now)
{
	if (stored == NULL || o->force)
		return 1;
	if (!policy_is_verified(stored))
		return policy_is_newer(received, stored);
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

struct policy_exchange
policy_exchange(const struct http_answer *a)
{
	return (struct policy_exchange){.result = a->result,
	    .skipped = a->skipped,
	    .connected = a->connected,
	    .reused = a->reused,
	    .status = a->status,
	    .retry_after = a->retry_after};
}

enum ocsp_method
policy_method(
    const struct options *o, const char *get_url, enum ocsp_method known)
{
	if (o->method != METHOD_AUTO)
		return (enum ocsp_method)o->method;
	if (get_url == NULL)
		return METHOD_POST;
	if (known != METHOD_AUTO)
		return known;
	return strlen(get_url) <= GET_URL_MAX ? METHOD_GET : METHOD_POST;
}

enum policy_switched
policy_switched(const struct policy_exchange *x)
{
	if (x->result != HTTP_ANSWERED)
		return SWITCHED_FAILED;
	return x->verdict == VERDICT_ERROR ? SWITCHED_ERROR : SWITCHED_NOT_OCSP;
}

int
policy_shows_method(
    const struct policy_attempt *t, const struct policy_exchange *x)
{
	return (t->switched == SWITCHED_FAILED ||
		   t->switched == SWITCHED_NOT_OCSP) &&
	    x->result == HTTP_ANSWERED && x->verdict != VERDICT_INVALID;
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
	if (x->skipped != HTTP_SENT || x->given_up)
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

/* Does it speak against the connection, and not only against the responder? */
static int
is_suspect(enum ocsp_status status)
{
	return status == VERDICT_REFUSED || status == VERDICT_FOREIGN ||
	    status == VERDICT_INVALID;
}

int
policy_may_be_stray(const struct policy_exchange *x)
{
	if (!x->reused)
		return 0;
	if (x->result != HTTP_ANSWERED)
		return x->result == HTTP_ECLOSED || x->result == HTTP_EBROKEN;
	/* an HTTP error is believed: who is at its limit is not asked twice */
	return is_suspect(x->verdict) &&
	    (x->status / 100 == 2 ||
		/* said to a connection that nobody used for a while */
		x->status == 408);
}

int
policy_keeps_connection(const struct policy_exchange *x)
{
	return x->result == HTTP_ANSWERED && !is_suspect(x->verdict);
}

/* Does it say that it has had too many requests for now? */
static int
is_limited(const struct policy_exchange *x)
{
	return x->result == HTTP_ANSWERED &&
	    (x->status == 429 || (x->status >= 500 && x->retry_after > 0));
}

/* May POST follow a GET? */
static int
may_post(const struct options *o, const struct policy_attempt *t)
{
	return o->method == METHOD_AUTO && t->method == METHOD_GET &&
	    t->switched == SWITCHED_NOT;
}

/* No OCSP response came: by the other method one may. */
static enum policy_next
next_method(const struct options *o, const struct policy_attempt *t,
    const struct policy_exchange *x)
{
	/* where the load is too much, another method is only more of it */
	if (is_limited(x) || x->status == 408)
		return NEXT_RESPONDER;
	if (may_post(o, t))
		return NEXT_METHOD;
	return o->method == METHOD_AUTO && t->method == METHOD_POST &&
		t->switched == SWITCHED_NOT && t->has_get_url
	    ? NEXT_METHOD
	    : NEXT_RESPONDER;
}

/* No HTTP response came: a GET that could be sent may be what it dislikes. */
static enum policy_next
next_after_failure(const struct options *o, const struct policy_attempt *t,
    const struct policy_exchange *x)
{
	return x->connected && may_post(o, t) && x->result != HTTP_EPROXY &&
		x->result != HTTP_EOTHER
	    ? NEXT_METHOD
	    : NEXT_RESPONDER;
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
	if (x->skipped != HTTP_SENT)
		return NEXT_RESPONDER;
	if (policy_may_be_stray(x))
		return NEXT_FRESH;
	if (x->result != HTTP_ANSWERED)
		return next_after_failure(o, t, x);
	if (x->outweighed)
		return NEXT_DONE;
	switch (x->verdict) {
	case VERDICT_GOOD:
		return x->outdated ? NEXT_NO_CACHE : NEXT_SAVE;
	case VERDICT_REVOKED:
		if (x->outdated || (x->expired && !t->no_cache))
			return NEXT_NO_CACHE;
		return o->write_revoked && !x->excused ? NEXT_SAVE : NEXT_DONE;
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
	if (may_post(o, t))
		ms -= ms / 2; /* never 0, which would be no limit */
	return (long)ms;
}

/* ---- how fast a responder is asked ---- */

/* Was there nobody, as there will be for the next request? */
static int
is_unreached(enum http_result result)
{
	switch (result) {
	case HTTP_ERESOLVE:
	case HTTP_ECONNECT:
	case HTTP_ETLS:
	case HTTP_ETIMECONNECT:
	case HTTP_ETIMEOUT:
	case HTTP_EPROXY:
		return 1;
	default:
		return 0;
	}
}

static enum policy_host
give_up_if(struct policy_pace *p, int yes, enum policy_host otherwise)
{
	if (!yes)
		return otherwise;
	p->given_up = 1;
	return HOST_GIVEN_UP;
}

/* Does the pause outlast the run, or has a run without end paced for long? */
static int
is_out_of_time(const struct policy_pace *p, const struct policy_span *s)
{
	if (s->left_ms >= 0)
		return p->not_before - s->ended >= s->left_ms;
	return p->interval > 0 && s->ended - p->paced >= POLICY_MAX_PACED_MS;
}

/* One more round than a certificate has, which may be at fault itself. */
static enum policy_host
fail_round(
    const struct options *o, struct policy_pace *p, const struct policy_span *s)
{
	/* a tenth more: who is away for just a second is back then */
	long long pause = backoff(p->rounds) * 11 / 10;

	if (s->began <= p->heard)
		return HOST_GOES_ON;
	p->heard = s->ended;
	p->doubtful = 1;
	p->rounds++;
	p->not_before = max_of(p->not_before, s->ended + pause);
	return give_up_if(
	    p, p->rounds > o->retry + 1 || is_out_of_time(p, s), HOST_GOES_ON);
}

/* It takes fewer requests than it was sent. */
static enum policy_host
slow_down(struct policy_pace *p, const struct policy_exchange *x,
    const struct policy_span *s)
{
	if (p->interval == 0)
		p->paced = s->ended;
	if (p->unserved == 0)
		p->unserved = s->ended;
	/* those that were on the wire together say it once */
	if (s->began > p->slowed) {
		p->interval =
		    min_of(max_of(2 * p->interval, POLICY_MIN_INTERVAL_MS),
			POLICY_MAX_INTERVAL_MS);
		p->slowed = s->ended;
		p->doubtful = 1;
	}
	p->heard = s->ended;
	p->rounds = 0;
	p->not_before = max_of(p->not_before,
	    s->ended + max_of(p->interval, x->retry_after * 1000));
	return give_up_if(p,
	    p->not_before - p->unserved > POLICY_MAX_UNSERVED_MS ||
		is_out_of_time(p, s),
	    HOST_PACES);
}

/* It is there; `served`: and takes requests. */
static enum policy_host
speed_up(struct policy_pace *p, const struct policy_span *s, int served)
{
	p->heard = s->ended;
	p->rounds = 0;
	if (served) {
		p->served = 1;
		p->unserved = 0;
	}
	/* what was on the wire before it limited its rate says nothing new */
	if (s->began > p->slowed) {
		p->not_before = 0;
		p->doubtful = p->given_up = 0;
		if (served)
			p->interval -= (p->interval + 15) / 16;
		if (p->interval < POLICY_MIN_INTERVAL_MS / 20)
			p->interval = 0;
	}
	return give_up_if(p, is_out_of_time(p, s), HOST_GOES_ON);
}

enum policy_host
policy_heard(const struct options *o, struct policy_pace *p,
    const struct policy_attempt *t, const struct policy_exchange *x,
    const struct policy_span *s)
{
	if (is_limited(x)) {
		/* one that never served anybody may do so for other reasons */
		return x->retry_after > 0 || p->served || s->others > 0
		    ? slow_down(p, x, s)
		    : fail_round(o, p, s);
	}
	if (x->result != HTTP_ANSWERED && policy_next(o, t, x) == NEXT_METHOD)
		return HOST_GOES_ON;
	if (is_unreached(x->result))
		return fail_round(o, p, s);
	if (x->result == HTTP_ANSWERED || x->connected)
		return speed_up(
		    p, s, x->result == HTTP_ANSWERED && x->status < 500);
	return HOST_GOES_ON;
}

size_t
policy_share(size_t parallel)
{
	if (parallel <= 1)
		return 1;
	return parallel - (parallel >= 8 ? parallel / 4 : 1);
}

enum policy_turn
policy_turn(const struct policy_pace *p, size_t busy, long long last,
    long long now, long long *wait_ms)
{
	const long long from = max_of(p->not_before, last + p->interval);

	if (p->given_up)
		return TURN_NEVER;
	if (from > now) {
		*wait_ms = from - now;
		return TURN_LATER;
	}
	return p->doubtful && busy > 0 && last > p->heard ? TURN_PROBE
							  : TURN_NOW;
}

int
policy_gives_up_server(int failures)
{
	return failures >= POLICY_SERVER_FAILURES;
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
		return policy_revoked_code(v, NULL);
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

enum code
policy_revoked_code(
    const struct ocsp_verdict *v, const struct ocsp_verdict *other)
{
	if (!policy_counts(v, other))
		return v->expired ? CODE_REJECTED : CODE_OK;
	/* a hold may have been lifted since its word ran out */
	return v->expired && v->reason == REASON_HOLD ? CODE_REJECTED
						      : CODE_REVOKED;
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
	return e->lasts && !e->wrong_clock ? CODE_OK : CODE_TEMPORARY;
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

enum code
policy_push_code(enum policy_push push, int reached, int mute,
    const struct ocsp_verdict *theirs)
{
	if (!reached || push == PUSH_UNPROVEN || (push == PUSH_UNREAD && !mute))
		return CODE_LOCAL;
	return push == PUSH_REVOKED ? policy_revoked_code(theirs, NULL)
				    : CODE_OK;
}
