/*
 * hosts: which responder may be asked now.  A slow one does not get all the
 * slots, one that wants to be left alone is, and one that cannot be reached is
 * not tried again for each certificate of a long run.
 *
 * Nothing is asked here, and no clock is read: times are the caller's, in ms
 * of a clock that only goes forward.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include <stddef.h>

#include "http.h"

/* An answer that takes longer is slow, in ms. */
#define HOSTS_SLOW 1000

struct hosts;
struct host; /* a scheme, a name and a port */

enum host_state {
	HOST_FREE,  /* ask it */
	HOST_NEW,   /* not yet: it has its share, and has not answered yet */
	HOST_SLOW,  /* not yet: it has its share, and takes its time */
	HOST_RESTS, /* not yet: it wants to be left alone */
	HOST_DOWN   /* not again: see host_failure() */
};

/* For `parallel` slots in all.  NULL: out of memory. */
struct hosts *hosts_new(size_t parallel);
void hosts_free(struct hosts *);

/* The host of a URL that http_check_url() has passed; NULL: out of memory. */
struct host *hosts_find(struct hosts *, const char *url);

/* With HOST_RESTS, `*wait_ms` is lowered to how long that still is. */
enum host_state host_state(
    const struct hosts *, const struct host *, long long now, long *wait_ms);

/* A question goes out; its answer came. */
void host_begin(struct host *, long long now);
void host_end(struct host *, const struct http_answer *, long long now);

int host_is_busy(const struct host *); /* is a question to it on the wire? */

/*
 * Why one is down: what another question would bring, with `skipped` set.
 * Borrowed from the host.
 */
void host_failure(const struct host *, struct http_answer *);

#endif
