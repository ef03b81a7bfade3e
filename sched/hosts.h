/* SPDX-License-Identifier: ISC */
/*
 * hosts: which responder may be asked now.  A slow one does not get all the
 * slots, one that limits its rate is asked at its own, and one that cannot be
 * reached is not tried again for each certificate of a long run.  What follows
 * from what is policy_heard()'s; here are the numbers.
 *
 * Nothing is asked here, and no clock is read: times are the caller's, in ms
 * of a clock that only goes forward.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include <stddef.h>

#include "http.h"
#include "job/policy.h"

/* An answer that takes longer is slow, in ms. */
#define HOSTS_SLOW 1000

struct hosts;
struct host; /* a scheme, a name and a port */

enum host_state {
	HOST_FREE,   /* ask it */
	HOST_NEW,    /* not yet: it has its share, and has not answered yet */
	HOST_SLOW,   /* not yet: it has its share, and takes its time */
	HOST_PAUSES, /* not yet: after a failure, or as it limits its rate */
	HOST_DOWN    /* not again: see host_failure() */
};

/* For `parallel` slots in all.  NULL: out of memory. */
struct hosts *hosts_new(size_t parallel);
void hosts_free(struct hosts *);

/* The host of a URL that http_check_url() has passed; NULL: out of memory. */
struct host *hosts_find(struct hosts *, const char *url);

/* With HOST_PAUSES, `*wait_ms` is lowered to how long that still is. */
enum host_state host_state(
    const struct hosts *, const struct host *, long long now, long *wait_ms);

/* A request goes out; its response came, or none. */
void host_begin(struct host *, long long now);
enum policy_host host_end(struct host *, const struct options *,
    const struct policy_attempt *, const struct http_answer *,
    struct policy_span *);

int host_is_busy(const struct host *); /* is a request to it on the wire? */

/* The method that it answers where it does not the other; METHOD_AUTO: both. */
enum ocsp_method host_method(const struct host *);
void host_learn(struct host *, enum ocsp_method);

/*
 * Why it pauses, or is down: what another request would bring.  Borrowed from
 * the host.
 */
void host_failure(
    const struct host *, enum http_skip skipped, struct http_answer *);

#endif
