/* SPDX-License-Identifier: ISC */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* for syscall() */
#endif

#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

#include "privsep/child.h"
#include "privsep/filter.h"

#ifdef __linux__

/* A child that is being tried has so long, in ms. */
#define PATIENCE 2000

/* ---- the calls, which succeed or fail, in a process that then ends ---- */

static int
try_setrlimit(void)
{
	/* first of all: who dies of one of the others leaves no core file */
	(void)setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
	return 0;
}

static int
try_prctl(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}

static int
try_close_range(void)
{
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, UINT32_MAX, UINT32_MAX, 0);
#endif
	return 0;
}

static int
try_capset(void)
{
	struct __user_cap_header_struct who = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	(void)syscall(SYS_capget, &who, data);
	(void)syscall(SYS_capset, &who, data);
	return 0;
}

static int
try_landlock(void)
{
	(void)syscall(__NR_landlock_create_ruleset, NULL, 0, 1 /* version */);
	(void)syscall(__NR_landlock_add_rule, -1, 1, NULL, 0);
	(void)syscall(__NR_landlock_restrict_self, -1, 0);
	return 0;
}

static int
try_fchown(void)
{
	/* an error of its own would keep a response from being written */
	return fchown(-1, (uid_t)-1, (gid_t)-1) == -1 && errno == EBADF ? 0
									: -1;
}

static int
try_seccomp(void)
{
	struct sock_filter all[] = {
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct sock_fprog prog = {.len = 1, .filter = all};

	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
	return 0;
}

static const struct attempt {
	unsigned bit;
	const char *name;
	int (*call)(void); /* 0: it may be called; its own result is ignored */
} attempts[] = {
    {DEADLY_SETRLIMIT, "setrlimit", try_setrlimit},
    {DEADLY_PRCTL, "prctl", try_prctl},
    {DEADLY_CLOSE_RANGE, "close_range", try_close_range},
    {DEADLY_CAPSET, "capset", try_capset},
    {DEADLY_LANDLOCK, "landlock", try_landlock},
    {DEADLY_FCHOWN, "fchown", try_fchown},
    {DEADLY_SECCOMP, "seccomp", try_seccomp},
};

#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* ---- the children ---- */

/* Says which call comes next, makes it, and goes on to the last. */
static void
try_all(void *ctx, int fd)
{
	const unsigned char *from = ctx;
	unsigned char told;
	struct iovec v;
	size_t i;

	for (i = *from; i <= ATTEMPTS; i++) {
		told = (unsigned char)i;
		v = (struct iovec){&told, 1};
		if (child_send(fd, &v, 1, NULL) == -1 || i == ATTEMPTS ||
		    attempts[i].call() == -1)
			return;
	}
}

/* The first call from `from` on with which a child ended; -1: no child. */
static int
first_deadly(unsigned char from, const struct filter_terms *t)
{
	const struct child_work w = {try_all, &from, t->end};
	const struct child_limit l = {t->now_ms, t->now_ms() + PATIENCE};
	unsigned char at = from;
	struct child c;
	char why[WHY_MAX];
	long cpu_ms;

	if (child_start(&c, &w, why) == -1)
		return -1;
	while (at < ATTEMPTS && child_receive(c.fd, &at, 1, &l) == 0)
		;
	(void)child_end(&c, 1, &cpu_ms);
	return at;
}

/* Where nobody can tell there might be one. */
static int
is_filtered(void)
{
	static const char none[] = "\nSeccomp:\t0\n";
	char status[4096];
	ssize_t n;
	int fd;

	if ((fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC)) == -1)
		return 1;
	n = read(fd, status, sizeof(status) - 1);
	close(fd);
	if (n <= 0)
		return 1;
	status[n] = '\0';
	return strstr(status, none) == NULL;
}

unsigned
filter_probe(const struct filter_terms *t)
{
	unsigned deadly = 0;
	int at = 0;

	if (!is_filtered())
		return 0;
	while ((at = first_deadly((unsigned char)at, t)) != -1 &&
	    at < (int)ATTEMPTS)
		deadly |= attempts[at++].bit;
	return at == -1 ? UINT32_MAX : deadly;
}

const char *
filter_names(unsigned deadly, char *buf, size_t size)
{
	size_t i, len = 0;
	int n;

	buf[0] = '\0';
	for (i = 0; i < ATTEMPTS; i++) {
		if ((deadly & attempts[i].bit) == 0)
			continue;
		n = snprintf(buf + len, size - len, "%s%s", len > 0 ? ", " : "",
		    attempts[i].name);
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	return buf;
}

#else

unsigned
filter_probe(const struct filter_terms *t)
{
	(void)t;
	return 0;
}

const char *
filter_names(unsigned deadly, char *buf, size_t size)
{
	(void)deadly;
	if (size > 0)
		buf[0] = '\0';
	return buf;
}

#endif
