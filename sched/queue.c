/* SPDX-License-Identifier: ISC */
#include <limits.h>
#include <stdlib.h>

#include "sched/queue.h"

struct waiting {
	struct waiting *next;
	struct job *job;
	long long due_ms;
};

/* Names that were put off, of one host; a host has one such list, or none. */
struct backlog {
	struct backlog *next;
	const struct host *host;
	struct list_entry *v;
	size_t first, n, size;
};

struct queue {
	struct hosts *hosts;
	struct waiting *waiting, **last;
	size_t nwaiting, most;
	struct backlog *backlogs;
	size_t nput_off;
};

struct queue *
queue_new(size_t parallel, size_t most)
{
	struct queue *q;

	if ((q = calloc(1, sizeof(*q))) == NULL ||
	    (q->hosts = hosts_new(parallel)) == NULL) {
		free(q);
		return NULL;
	}
	q->last = &q->waiting;
	q->most = most;
	return q;
}

void
queue_free(struct queue *q)
{
	struct waiting *w;
	struct backlog *b;

	if (q == NULL)
		return;
	while ((w = q->waiting) != NULL) {
		q->waiting = w->next;
		job_free(w->job);
		free(w->job);
		free(w);
	}
	while ((b = q->backlogs) != NULL) {
		q->backlogs = b->next;
		free(b->v);
		free(b);
	}
	hosts_free(q->hosts);
	free(q);
}

/* ---- hosts ---- */

/* NULL: it is not about a host (a lock is waited for), or no memory. */
static struct host *
host_of(const struct queue *q, const struct job *j)
{
	if (j->saving.der != NULL || j->request.nurls == 0)
		return NULL;
	return hosts_find(q->hosts, j->request.urls[j->request.url]);
}

/* `last`: slots that nobody else wants may be had. */
static int
may_go(const struct queue *q, const struct host *h, const struct env *env,
    int last, long *wait_ms)
{
	if (h == NULL || env->left_ms == 0)
		return 1;
	switch (host_state(q->hosts, h, env->ms, wait_ms)) {
	case HOST_FREE:
	case HOST_DOWN:
		return 1;
	case HOST_NEW:
	case HOST_SLOW:
		return last;
	case HOST_PAUSES:
		return 0;
	}
	return 0;
}

/* It need not wait for a responder that pauses: there is another one. */
static int
may_skip(const struct job *j)
{
	return !j->request.attempt.again &&
	    j->request.url + 1 < j->request.nurls;
}

static int
job_may_go(const struct queue *q, const struct job *j, const struct env *env,
    int last, long *wait_ms)
{
	const struct host *h = host_of(q, j);

	return may_go(q, h, env, last, wait_ms) ||
	    (may_skip(j) &&
		host_state(q->hosts, h, env->ms, wait_ms) == HOST_PAUSES);
}

enum ocsp_method
queue_method(const struct queue *q, const struct job *j)
{
	const struct host *h = host_of(q, j);

	return h != NULL ? host_method(h) : METHOD_AUTO;
}

enum host_state
queue_begin(struct queue *q, struct job *j, const struct env *env,
    struct http_answer *a)
{
	enum http_skip skip = HTTP_SENT;
	long ignored = LONG_MAX;

	j->request.pace = HOST_GOES_ON;
	if ((j->request.host = host_of(q, j)) == NULL)
		return HOST_FREE;
	switch (host_state(q->hosts, j->request.host, env->ms, &ignored)) {
	case HOST_DOWN:
		/* who waits for it, and has paused, may see whether it is back
		 */
		if (!policy_probes(env->o, j->request.attempt.round,
			host_is_busy(j->request.host)))
			skip = HTTP_SKIPPED;
		break;
	case HOST_PAUSES:
		if (may_skip(j))
			skip = HTTP_SKIPPED_NOW;
		break;
	default:
		break;
	}
	if (skip != HTTP_SENT) {
		host_failure(j->request.host, skip, a);
		j->request.host = NULL;
		return HOST_DOWN;
	}
	j->request.began_ms = env->ms;
	host_begin(j->request.host, env->ms);
	return HOST_FREE;
}

void
queue_end(struct job *j, const struct env *env, const struct http_answer *a)
{
	struct policy_span span = {.began = j->request.began_ms,
	    .ended = env->ms,
	    .left_ms = env->left_ms};

	if (j->request.host != NULL)
		j->request.pace = host_end(
		    j->request.host, env->o, &j->request.attempt, a, &span);
}

void
queue_learn(struct job *j)
{
	if (j->request.host != NULL && j->request.shown != METHOD_AUTO)
		host_learn(j->request.host, j->request.shown);
	j->request.host = NULL;
	j->request.shown = METHOD_AUTO;
}

/* ---- jobs ---- */

int
queue_put(
    struct queue *q, struct job *j, const struct env *env, long long pause_ms)
{
	struct waiting *w;

	if ((w = malloc(sizeof(*w))) == NULL)
		return -1;
	/* whose request goes on by the other method is not done with its turn
	 */
	w->next =
	    j->request.attempt.switched != SWITCHED_NOT ? q->waiting : NULL;
	w->job = j;
	w->due_ms = env->ms + pause_ms;
	if (j->request.attempt.switched != SWITCHED_NOT)
		q->waiting = w;
	else
		*q->last = w;
	if (w->next == NULL)
		q->last = &w->next;
	q->nwaiting++;
	return 0;
}

static struct job *
unlink_waiting(struct queue *q, struct waiting **p)
{
	struct waiting *w = *p;
	struct job *j = w->job;

	*p = w->next;
	if (w->next == NULL)
		q->last = p;
	q->nwaiting--;
	free(w);
	return j;
}

struct job *
queue_take(struct queue *q, const struct env *env, int last, long *wait_ms)
{
	struct waiting **p, **spare = NULL, *w;
	int pausing = 0;

	for (p = &q->waiting; (w = *p) != NULL; p = &w->next) {
		if (w->due_ms > env->ms && env->left_ms != 0) {
			pausing = 1;
			if (w->due_ms - env->ms < *wait_ms)
				*wait_ms = (long)(w->due_ms - env->ms);
			continue;
		}
		if (job_may_go(q, w->job, env, 0, wait_ms))
			return unlink_waiting(q, p);
		if (spare == NULL && job_may_go(q, w->job, env, 1, wait_ms))
			spare = p;
	}
	/* who pauses will want a slot, and perhaps of another host */
	return last && !pausing && spare != NULL ? unlink_waiting(q, spare)
						 : NULL;
}

int
queue_is_empty(const struct queue *q)
{
	return q->nwaiting == 0 && q->nput_off == 0;
}

/* ---- names ---- */

static int
put_off(struct queue *q, const struct host *h, const struct list_entry *e)
{
	struct list_entry *v;
	struct backlog *b;

	for (b = q->backlogs; b != NULL && b->host != h; b = b->next)
		;
	if (b == NULL) {
		if ((b = calloc(1, sizeof(*b))) == NULL)
			return -1;
		b->host = h;
		b->next = q->backlogs;
		q->backlogs = b;
	}
	if (b->n == b->size) {
		v = realloc(b->v, (2 * b->size + 16) * sizeof(*v));
		if (v == NULL)
			return -1;
		b->v = v;
		b->size = 2 * b->size + 16;
	}
	b->v[b->n++] = *e;
	q->nput_off++;
	return 0;
}

enum queue_offer
queue_offer(struct queue *q, struct job *j, const struct env *env)
{
	long ignored = LONG_MAX;
	struct host *h;

	if (j->request.nurls == 0)
		return QUEUE_GO;
	if ((h = hosts_find(q->hosts, j->request.urls[j->request.url])) == NULL)
		return QUEUE_NOMEM;
	if (job_may_go(q, j, env, 0, &ignored))
		return QUEUE_GO;
	/* a new one is soon known to be slow, or not */
	if (host_state(q->hosts, h, env->ms, &ignored) == HOST_NEW)
		return queue_put(q, j, env, 0) == 0 ? QUEUE_KEPT : QUEUE_NOMEM;
	return put_off(q, h, &j->named) == 0 ? QUEUE_PUT_OFF : QUEUE_NOMEM;
}

int
queue_again(struct queue *q, const struct env *env, int last,
    struct list_entry *e, long *wait_ms)
{
	struct backlog *b;

	for (b = q->backlogs; b != NULL; b = b->next)
		if (b->first < b->n &&
		    may_go(
			q, b->host, env, last && q->nwaiting == 0, wait_ms)) {
			*e = b->v[b->first++];
			q->nput_off--;
			return 1;
		}
	return 0;
}

/* It was never asked, and its responder will not be free for a while. */
static struct host *
is_to_be_put_off(
    const struct queue *q, const struct job *j, const struct env *env)
{
	long ignored = LONG_MAX;
	struct host *h;

	if (j->request.asked || (h = host_of(q, j)) == NULL)
		return NULL;
	switch (host_state(q->hosts, h, env->ms, &ignored)) {
	case HOST_SLOW:
	case HOST_PAUSES:
		return h;
	default:
		return NULL;
	}
}

int
queue_has_room(struct queue *q, const struct env *env)
{
	struct waiting **p = &q->waiting, *w;
	struct host *h;
	struct job *j;

	if (q->nwaiting < q->most)
		return 1;
	while ((w = *p) != NULL) {
		h = is_to_be_put_off(q, w->job, env);
		if (h == NULL || put_off(q, h, &w->job->named) == -1) {
			p = &w->next;
			continue;
		}
		j = unlink_waiting(q, p);
		job_free(j);
		free(j);
	}
	return q->nwaiting < q->most;
}
