/* SPDX-License-Identifier: ISC */
/*
 * filter: what a seccomp filter of others would end this program for.
 *
 * A service manager or a container may have installed one (systemd:
 * SystemCallFilter=).  The calls by which a process gives up rights, or gives a
 * file to its owner, are seldom in its list, and the default for what is not in
 * the list is death.  They are tried where only a child dies of them.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stddef.h>

#ifdef __linux__
#include <sys/syscall.h>

/* Landlock's calls, the same on each machine, which older headers lack. */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#endif

/* What to do without, as bits. */
#define DEADLY_SETRLIMIT 1U
#define DEADLY_PRCTL 2U
#define DEADLY_CLOSE_RANGE 4U
#define DEADLY_CAPSET 8U
#define DEADLY_LANDLOCK 16U
#define DEADLY_SECCOMP 32U
#define DEADLY_FCHOWN 64U /* or refused, but for a reason of the file's */

struct filter_terms {
	long long (*now_ms)(void); /* of a clock that only goes forward */
	void (*end)(int);          /* _exit() */
};

/* Without a filter no process is started, and the answer is 0. */
unsigned filter_probe(const struct filter_terms *);

/* "capset, fchown" in `buf`; none of them is the empty string. */
const char *filter_names(unsigned deadly, char *buf, size_t size);

#endif
