/* SPDX-License-Identifier: ISC */
/*
 * child: a process of ours that does one thing, and what is said to it.
 *
 * It is a copy of us that ends when we do, or when its socket is closed.  What
 * it says is to be believed as little as what it was given.
 */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stddef.h>

#include "util/words.h"

struct child {
	pid_t pid;
	int fd; /* of our end of the socket; -1: there is no such process */
};

struct child_work {
	void (*serve)(void *ctx, int fd); /* what it does, until it returns */
	void *ctx;
	void (*end)(int); /* _exit() */
};

/* How long the other end is waited for; all that it says counts together. */
struct child_limit {
	long long (*now_ms)(void); /* of a clock that only goes forward */
	long long until_ms;
};

/*
 * The first that waits for us of those that end a program, or 0.  What is
 * ignored, as by nohup(1), waits as well as long as it is blocked.
 */
int child_pending_signal(void);

/* 0; -1: see `why`. */
int child_start(struct child *, const struct child_work *, char *why);

/*
 * Both are for either end, and move all or fail; -1: errno, ETIMEDOUT if the
 * other end was waited for in vain, EPIPE if it is gone, and, with a limit,
 * ECANCELED if a signal is pending that is to end us.  The process itself makes
 * no call for them but read() and writev().
 */
int child_send(int fd, struct iovec *, int n, const struct child_limit *);
int child_receive(int fd, void *, size_t, const struct child_limit *);

/*
 * Closes the socket and waits for its end, which comes at once if `now`, else
 * within a second, to end by itself.  Its status as of waitpid(), or -1, and
 * the time that it computed, in ms.  Of none it does nothing.
 */
int child_end(struct child *, int now, long *cpu_ms);

#endif
