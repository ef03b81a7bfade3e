#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hosts.h"
#include "policy.h"

#define BUCKETS 256

struct host {
	struct host *next; /* in its bucket */
	char *name;        /* "http://host:port", as the URL has it */
	size_t busy;       /* questions on the wire */
	int answered;      /* ever */
	long took;         /* the last answer, in ms */
	long long moved;   /* when anything of it last began or ended */
	long long rests;   /* until when it wants to be left alone */
	int failures;      /* since it was last reached */
	int down;
	struct http_answer why; /* it is; without what was lent */
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

/* What one host may have of the slots, while others may want some. */
static size_t
share(const struct hosts *h)
{
	return h->parallel < 2 ? 1
	    : h->parallel < 4  ? h->parallel - 1
			       : h->parallel - h->parallel / 4;
}

enum host_state
host_state(
    const struct hosts *h, const struct host *one, long long now, long *wait_ms)
{
	if (one->down)
		return HOST_DOWN;
	if (one->rests > now) {
		if (one->rests - now < *wait_ms)
			*wait_ms = (long)(one->rests - now);
		return HOST_RESTS;
	}
	if (one->busy < share(h))
		return HOST_FREE;
	if (one->took > HOSTS_SLOW || now - one->moved > HOSTS_SLOW)
		return HOST_SLOW;
	return one->answered ? HOST_FREE : HOST_NEW;
}

void
host_begin(struct host *one, long long now)
{
	/* that more begin does not make the first ones come back sooner */
	if (one->busy++ == 0)
		one->moved = now;
}

/* Was there nobody at all, as there will be for the next question? */
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

static void
go_down(struct host *one, const struct http_answer *a)
{
	one->down = 1;
	one->why = *a;
	one->why.type = one->why.location = NULL;
	one->why.body = NULL;
	one->why.body_len = 0;
	one->why.headers = "";
	one->why.skipped = 1;
}

/* It said so with a status for that, and not with an answer. */
static int
wants_rest(const struct http_answer *a)
{
	return a->retry_after > 0 && (a->status == 429 || a->status >= 500);
}

void
host_end(struct host *one, const struct http_answer *a, long long now)
{
	one->busy--;
	one->moved = now;
	/* which says nothing of the host */
	if (a->result == HTTP_ELOCAL)
		return;
	if (is_unreached(a->result)) {
		if (policy_host(++one->failures, 0) == HOST_GIVEN_UP)
			go_down(one, a);
		return;
	}
	one->answered = 1;
	one->took = a->ms;
	if (!wants_rest(a)) {
		one->failures = one->down = 0;
		return;
	}
	if (policy_host(++one->failures, a->retry_after) == HOST_GIVEN_UP)
		go_down(one, a);
	else if (now + a->retry_after * 1000 > one->rests)
		one->rests = now + a->retry_after * 1000;
}

int
host_is_busy(const struct host *one)
{
	return one->busy > 0;
}

void
host_failure(const struct host *one, struct http_answer *a)
{
	*a = one->why;
}
