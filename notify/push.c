/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "notify/haproxy.h"
#include "privsep/judge.h"
#include "notify/push.h"
#include "output/report.h"
#include "job/warnings.h"

/* A response in place; all is owned. */
struct news {
	struct haproxy_news what;
	struct ocsp_target *target;
	struct ocsp_verdict verdict;
	char *output;
	int written;         /* by this run */
	unsigned char *done; /* one for each HAProxy */
	struct news *next;
};

/* One HAProxy. */
struct place {
	struct haproxy h;
	size_t untold; /* how often it went without a word */
};

struct push_queue {
	const struct env *env;
	struct push_sink sink;
	struct place *v;
	size_t n;
	struct news *first, **last;
	size_t size;
};

/* What HAProxy has for one, and what that means. */
struct reading {
	struct haproxy_response held;
	struct ocsp_verdict verdict;
	enum policy_push push;
};

struct push_queue *
push_queue_new(const struct env *env, const struct push_sink *sink)
{
	const struct option_list *sockets = &env->o->haproxy;
	struct push_queue *q;
	size_t i;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->env = env;
	q->sink = *sink;
	q->last = &q->first;
	if ((q->v = calloc(sockets->n + 1, sizeof(*q->v))) == NULL) {
		free(q);
		return NULL;
	}
	q->n = sockets->n;
	for (i = 0; i < q->n; i++) {
		q->v[i].h.socket = sockets->v[i];
		q->v[i].h.now_ms = env->clock_ms;
	}
	return q;
}

static void
news_free(struct news *n)
{
	free((void *)(uintptr_t)n->what.path);
	free((void *)(uintptr_t)n->what.sha1);
	free((void *)(uintptr_t)n->what.der);
	free((void *)(uintptr_t)n->what.issuer);
	ocsp_target_free(n->target);
	free(n->output);
	free(n->done);
	free(n);
}

static void
drop_all(struct push_queue *q)
{
	struct news *n;

	while ((n = q->first) != NULL) {
		q->first = n->next;
		news_free(n);
	}
	q->last = &q->first;
	q->size = 0;
}

void
push_queue_free(struct push_queue *q)
{
	size_t i;

	if (q == NULL)
		return;
	drop_all(q);
	for (i = 0; i < q->n; i++)
		haproxy_end(&q->v[i].h);
	free(q->v);
	free(q);
}

/* ---- what waits ---- */

static void *
copy(const void *p, size_t len)
{
	void *q = malloc(len);

	return q != NULL ? memcpy(q, p, len) : NULL;
}

int
push_add(struct push_queue *q, struct job *j)
{
	struct news *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return -1;
	n->output = strdup(j->output);
	n->done = calloc(q->n + 1, 1);
	n->what.path = strdup(j->path);
	n->what.sha1 = strdup(j->cert.sha1);
	n->what.der = copy(j->stored.der, j->stored.len);
	n->what.len = j->stored.len;
	n->what.issuer = copy(j->cert.issuer, j->cert.issuer_len);
	n->what.issuer_len = j->cert.issuer_len;
	n->verdict = j->stored.verdict;
	n->written = j->result.action == ACTION_WRITTEN;
	n->target = j->target;
	j->target = NULL;
	n->what.certid = ocsp_certid(n->target, &n->what.certid_len);
	if (n->output == NULL || n->done == NULL || n->what.path == NULL ||
	    n->what.sha1 == NULL || n->what.der == NULL ||
	    n->what.issuer == NULL) {
		news_free(n);
		return -1;
	}
	*q->last = n;
	q->last = &n->next;
	q->size += sizeof(*n) + strlen(n->output) + strlen(j->path) +
	    n->what.len + n->what.issuer_len;
	return 0;
}

size_t
push_waiting(const struct push_queue *q)
{
	return q->size;
}

/* ---- what HAProxy has ---- */

static int
is_same(const struct haproxy_response *held, const struct news *n)
{
	return held->len == n->what.len &&
	    memcmp(held->der, n->what.der, held->len) == 0;
}

/* The same but for white space? */
static int
same_words(const char *a, const char *b)
{
	static const char blanks[] = " \t\r\n";

	for (;;) {
		a += strspn(a, blanks);
		b += strspn(b, blanks);
		if (*a == '\0' || *a != *b)
			return *a == *b;
		a++;
		b++;
	}
}

/* Only the words: nobody's signature is seen. */
static int
take_words(const struct push_queue *q, const struct news *n, struct reading *r,
    struct policy_held *held)
{
	struct haproxy_told told;
	char *ours;

	ours = judge_text(q->env->judge, n->what.der, n->what.len);
	held->holds = HOLDS_OTHER;
	/* the same library has the same words, signature and all */
	if (ours != NULL && same_words(ours, r->held.text))
		held->holds = HOLDS_SAME;
	free(ours);
	if (held->holds == HOLDS_SAME)
		return 0;
	if (haproxy_read_text(r->held.text, &told) == -1)
		return -1;
	r->verdict.this_update = told.this_update;
	r->verdict.next_update = r->verdict.usable_until = told.next_update;
	r->verdict.status = told.is_good ? VERDICT_GOOD
	    : told.is_revoked            ? VERDICT_REVOKED
					 : VERDICT_UNKNOWN;
	return 0;
}

/* One verifier for all that speaks of the certificate, wherever it is. */
static int
take_der(const struct push_queue *q, const struct news *n, struct reading *r)
{
	const struct ocsp_policy policy = {
	    .now = q->env->now,
	    .skew = q->env->o->skew,
	    .max_age = q->env->o->max_age,
	    .assume_lifetime = q->env->o->assume_lifetime,
	    .allow_sha1 = q->env->o->allow_sha1,
	};

	(void)ocsp_starved();
	if (judge_response(q->env->judge, n->target, r->held.der, r->held.len,
		&policy, &r->verdict) != JUDGE_DONE)
		return -1;
	return ocsp_starved() ? -1 : 0;
}

static void
weigh(const struct push_queue *q, const struct news *n, struct reading *r)
{
	struct policy_held held = {
	    .holds = HOLDS_UNREAD, .v = &r->verdict, .verified = 1};

	ocsp_undecided(&r->verdict);
	switch (r->held.held) {
	case HAPROXY_HAS_NOTHING:
		held.holds = HOLDS_NOTHING;
		break;
	case HAPROXY_HAS_DER:
		if (is_same(&r->held, n))
			held.holds = HOLDS_SAME;
		else if (take_der(q, n, r) == 0)
			held.holds = HOLDS_OTHER;
		break;
	case HAPROXY_HAS_TEXT:
		held.verified = 0;
		if (take_words(q, n, r, &held) == -1)
			held.holds = HOLDS_UNREAD;
		break;
	case HAPROXY_UNREADABLE:
	case HAPROXY_MUTE:
		break;
	}
	r->push = policy_push(&n->verdict, n->written, &held);
}

/* ---- one to one ---- */

static void
tell(struct push_queue *q, enum code code, const struct place *p,
    const struct report_push *what)
{
	struct text line = {0};

	report_push(&p->h, what, &line);
	q->sink.say(q->sink.ctx, code, &line);
	text_free(&line);
}

/* Said with exit status 0, too. */
static void
warn_of_loss(
    struct push_queue *q, const struct place *p, const struct report_push *what)
{
	struct text line = {0};

	if (warnings_ended(q->env->o, "restart"))
		return;
	report_lost(&p->h, what, &line);
	q->sink.warn(q->sink.ctx, &line);
	text_free(&line);
}

/* All names shall have what HAProxy has, be it ours or a later one. */
static enum haproxy_result
hand_over(struct place *p, const struct news *n, const struct reading *r,
    struct haproxy_done *done, char *why)
{
	struct haproxy_news theirs = n->what;

	switch (r->push) {
	case PUSH_DO:
		return haproxy_push(&p->h, &n->what, done, why);
	case PUSH_NEWER:
		/* before 2.8 nobody can tell its bytes */
		if (r->held.der == NULL)
			return HAPROXY_UPDATED;
		theirs.der = r->held.der;
		theirs.len = r->held.len;
		return haproxy_spread(&p->h, &theirs, done, why);
	case PUSH_SAME:
		return haproxy_spread(&p->h, &n->what, done, why);
	case PUSH_REVOKED:
	case PUSH_UNPROVEN:
	case PUSH_NO_NEXT:
	case PUSH_UNREAD:
		break;
	}
	return HAPROXY_UPDATED;
}

/* A dead one is mentioned once.  -1: another one's transaction is open. */
static int
push(struct push_queue *q, struct place *p, const struct news *n, int last)
{
	const int was_dead = p->h.dead[0] != '\0';
	struct haproxy_done done = {.lost = ""};
	struct reading r = {.push = PUSH_UNREAD};
	char why[WHY_MAX] = "";
	struct report_push what = {.path = n->what.path,
	    .output = n->output,
	    .why = why,
	    .len = n->what.len,
	    .lost = done.lost,
	    .verdict = &r.verdict};
	enum haproxy_result res;
	enum code code;

	res = haproxy_read(&p->h, &n->what, &r.held, why);
	if (res == HAPROXY_UPDATED) {
		weigh(q, n, &r);
		res = hand_over(p, n, &r, &done, why);
	}
	what.result = res;
	what.push = r.push;
	code = policy_push_code(r.push,
	    res == HAPROXY_UPDATED || res == HAPROXY_ATTACHED,
	    r.held.held == HAPROXY_MUTE, &r.verdict);
	haproxy_response_free(&r.held);
	if (res == HAPROXY_BUSY && !last)
		return -1;
	if (was_dead) {
		p->untold++;
		q->sink.say(q->sink.ctx, code, NULL);
		return 0;
	}
	tell(q, code, p, &what);
	if (done.lost[0] != '\0')
		warn_of_loss(q, p, &what);
	return 0;
}

void
push_all(struct push_queue *q, long long until_ms)
{
	struct news *n;
	size_t i;
	int last;

	for (i = 0; i < q->n; i++)
		q->v[i].h.until_ms = until_ms;
	/* what a dead run left open may be in the way until its turn comes */
	for (last = 0; last < 2; last++)
		for (n = q->first; n != NULL; n = n->next)
			for (i = 0; i < q->n; i++)
				if (!n->done[i] &&
				    push(q, &q->v[i], n, last) == 0)
					n->done[i] = 1;
	drop_all(q);
}

void
push_end(struct push_queue *q)
{
	struct text line = {0};
	size_t i;

	for (i = 0; i < q->n; i++) {
		if (q->v[i].untold == 0)
			continue;
		report_not_pushed(&q->v[i].h, q->v[i].untold, &line);
		q->sink.say(q->sink.ctx, CODE_LOCAL, &line);
		text_free(&line);
	}
}

int
push_finds_issuer(struct push_queue *q, const char *sha1)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (!haproxy_has_chain(&q->v[i].h, sha1))
			return 0;
	return q->n > 0;
}
