/* SPDX-License-Identifier: ISC */
/*
 * hook: runs the user's command once, and waits for its end.
 *
 * SIGHUP, SIGINT and SIGTERM are expected to be blocked by the caller: one
 * that comes meanwhile is passed on to the command, which has a few seconds
 * to end, and is left pending.  The clock is the caller's.
 */
#ifndef HOOK_H
#define HOOK_H

#include <stddef.h>

#include "util/words.h"

/* The list of files in the environment, where one string has its limit. */
#define HOOK_MAX_LIST ((size_t)96 * 1024)

enum hook_result {
	HOOK_DONE,  /* it ended with 0 */
	HOOK_FAILED /* see `why` */
};

struct hook {
	const char *command; /* for /bin/sh -c */
	const char *const *files;
	size_t nfiles;
	long long (*now_ms)(void); /* a clock that is never set back */
	long long until_ms;        /* of that clock; -1: no limit */
	unsigned deadly;           /* calls that it is not to make: filter.h */
};

enum hook_result hook_run(const struct hook *, char *why);

/*
 * Was this program started by such a command, directly or not, that has not
 * ended yet?  Who then runs another one might never come to an end.
 */
int hook_is_inside(void);

/*
 * Who is about to give up rights that the command may need starts a process
 * that keeps them, and runs the command when it is called.  It ends with us.
 */
struct hook_runner;

/* Of `*h` all but files and time count.  NULL: see `why`. */
struct hook_runner *hook_start(
    const struct hook *h, void (*end)(int), char *why);

/* As hook_run(), but in that process. */
enum hook_result hook_call(
    struct hook_runner *, const struct hook *, char *why);
void hook_stop(struct hook_runner *);

#endif
