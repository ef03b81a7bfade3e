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

#include "words.h"

struct child {
	pid_t pid;
	int fd; /* of our end of the socket; -1: there is no such process */
};

struct child_work {
	void (*serve)(void *ctx, int fd); /* what it does, until it returns */
	void *ctx;
	void (*end)(int); /* _exit() */
	long patience_ms; /* how long we wait for a word of it; 0: for ever */
};

/* 0; -1: see `why`. */
int child_start(struct child *, const struct child_work *, char *why);

/*
 * Both are for either end, and move all or fail; -1: errno, EAGAIN if the
 * other end was waited for in vain and EPIPE if it is gone.
 */
int child_send(int fd, struct iovec *, int n);
int child_receive(int fd, void *, size_t);

/*
 * Closes the socket and waits for its end, which comes at once if `now`, else
 * when it has seen that, or is out of patience.  Its status as of waitpid(), or
 * -1.  Of none it does nothing.
 */
int child_end(struct child *, int now);

#endif
