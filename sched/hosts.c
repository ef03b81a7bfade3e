/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "sched/hosts.h"

#define BUCKETS 256

struct host {
	struct host *next; /* in its bucket */
	char *name;        /* "http://host:port", as the URL has it */
	size_t busy;       /* requests on the wire */
	int answered;      /* ever */
	long took;         /* the last answer, in ms */
	long long moved;   /* when anything of it last began or ended */
	long long last;    /* when the last request began */
	struct policy_pace pace;
	enum ocsp_method method; /* that it answers, where not both */
	struct http_answer why;  /* it pauses; without what was lent */
};

struct hosts {
	size_t parallel;
	struct host *buckets[BUCKETS];
};

struct hosts *
hosts_new(size_t parallel)
{
	struct hosts *h;

	if ((h = calloc(1, sizeof(*h))) != NULL)
		h->parallel = parallel;
	return h;
}

void
hosts_free(struct hosts *h)
{
	struct host *one;
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while ((one = h->buckets[i]) != NULL) {
			h->buckets[i] = one->next;
			free(one->name);
			free(one);
		}
	free(h);
}

/* How much of a URL says whom it is for. */
static size_t
authority_length(const char *url)
{
	const char *p = strstr(url, "://");

	p = p != NULL ? p + 3 : url;
	return (size_t)(p - url) + strcspn(p, "/?#");
}

struct host *
hosts_find(struct hosts *h, const char *url)
{
	size_t len = authority_length(url), i;
	struct host *one;

	i = (size_t)(hash_bytes(HASH_SEED, url, len) % BUCKETS);
	for (one = h->buckets[i]; one != NULL; one = one->next)
		if (strncmp(one->name, url, len) == 0 && one->name[len] == '\0')
			return one;
	if ((one = calloc(1, sizeof(*one))) == NULL ||
	    (one->name = strndup(url, len)) == NULL) {
		free(one);
		return NULL;
	}
	one->next = h->buckets[i];
	h->buckets[i] = one;
	return one;
}

enum host_state
host_state(
    const struct hosts *h, const struct host *one, long long now, long *wait_ms)
{
	long long wait;

	switch (policy_turn(&one->pace, one->busy, one->last, now, &wait)) {
	case TURN_NEVER:
		return HOST_DOWN;
	case TURN_LATER:
		if (wait < *wait_ms)
			*wait_ms = (long)wait;
		return HOST_PAUSES;
	case TURN_PROBE:
		return HOST_PAUSES;
	case TURN_NOW:
		break;
	}
	if (one->busy < policy_share(h->parallel))
		return HOST_FREE;
	if (one->took > HOSTS_SLOW || now - one->moved > HOSTS_SLOW)
		return HOST_SLOW;
	return one->answered ? HOST_FREE : HOST_NEW;
}

void
host_begin(struct host *one, long long now)
{
	one->last = now;
	/* that more begin does not make the first ones come back sooner */
	if (one->busy++ == 0)
		one->moved = now;
}

static void
keep_failure(struct host *one, const struct http_answer *a)
{
	one->why = *a;
	one->why.type = one->why.location = NULL;
	one->why.body = NULL;
	one->why.body_len = 0;
	one->why.headers = "";
}

enum policy_host
host_end(struct host *one, const struct options *o,
    const struct policy_attempt *t, const struct http_answer *a,
    struct policy_span *s)
{
	const struct policy_exchange x = policy_exchange(a);
	const long long paused = one->pace.not_before;
	enum policy_host is;

	s->others = --one->busy;
	one->moved = s->ended;
	if (a->result == HTTP_ANSWERED) {
		one->answered = 1;
		one->took = a->ms;
	}
	is = policy_heard(o, &one->pace, t, &x, s);
	if (one->pace.not_before > paused)
		keep_failure(one, a);
	return is;
}

int
host_is_busy(const struct host *one)
{
	return one->busy > 0;
}

enum ocsp_method
host_method(const struct host *one)
{
	return one->method;
}

void
host_learn(struct host *one, enum ocsp_method method)
{
	one->method = method;
}

void
host_failure(
    const struct host *one, enum http_skip skipped, struct http_answer *a)
{
	*a = one->why;
	a->skipped = skipped;
}
