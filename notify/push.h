/* SPDX-License-Identifier: ISC */
/*
 * push: hands each good response that is in place to each HAProxy, unless what
 * HAProxy has is as good or better.  What is to be said goes to the caller.
 */
#ifndef PUSH_H
#define PUSH_H

#include <stddef.h>

#include "job/policy.h"
#include "job/state.h"
#include "util/words.h"

/* Responses that wait to be pushed, and the sockets. */
struct push_queue;

/* Who hears what became of one. */
struct push_sink {
	/* CODE_OK: of interest with -v; NULL: it goes without a word */
	void (*say)(void *ctx, enum code, struct text *line);
	void (*warn)(void *ctx, struct text *line);
	void *ctx;
};

/* NULL: out of memory. */
struct push_queue *push_queue_new(const struct env *, const struct push_sink *);
void push_queue_free(struct push_queue *);

/* Takes the job's response that is in place, and its target.  -1: no memory. */
int push_add(struct push_queue *, struct job *);

/* How many bytes of responses wait to be pushed. */
size_t push_waiting(const struct push_queue *);

/* Pushes all that waits.  `until_ms` of the env's clock; 0: no limit. */
void push_all(struct push_queue *, long long until_ms);

/* A word about those that went without one. */
void push_end(struct push_queue *);

/* Does each HAProxy find the issuer of this one by issuers-chain-path? */
int push_finds_issuer(struct push_queue *, const char *sha1);

#endif
