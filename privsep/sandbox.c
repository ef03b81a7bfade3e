/* SPDX-License-Identifier: ISC */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* for O_PATH */
#endif

#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

#include "privsep/filter.h"
#include "privsep/sandbox.h"

/* A sanitizer reserves terabytes, and makes system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/*
 * For valgrind, which makes system calls in the place of the program that it
 * runs: only instructions are counted with it.
 */
#ifdef OCSPFETCH_UNJAILED
#define UNJAILED 1
#else
#define UNJAILED 0
#endif

/*
 * Memory of a jailed process, in bytes; a judgement takes some hundred KiB.
 * What is only reserved does not count: some allocators reserve a lot.
 */
#define JAIL_MEMORY ((rlim_t)1 << 30)

/* Where the system cannot close all that are open, so many are. */
#define MOST_FDS 65536

/* ---- descriptors and limits ---- */

static void
close_range_of(unsigned first, unsigned last, unsigned deadly)
{
	unsigned fd;

	(void)deadly;
	if (first > last)
		return;
#if defined(__linux__) && defined(SYS_close_range)
	if ((deadly & DEADLY_CLOSE_RANGE) == 0 &&
	    syscall(SYS_close_range, first, last, 0) == 0)
		return;
#endif
	for (fd = first; fd <= last && fd < MOST_FDS; fd++)
		close((int)fd);
}

/* A macro, since the type of `what` is not the same everywhere. */
#define LIMIT(what, most)                                                      \
	(void)((deadly & DEADLY_SETRLIMIT) == 0 &&                             \
	    setrlimit(what, &(const struct rlimit){most, most}))

/* The first descriptor from `from` on that an argument names; UINT_MAX: none */
static unsigned
next_named(int argc, char *const *argv, unsigned from)
{
	unsigned first = UINT32_MAX;
	unsigned long fd;
	const char *p;
	int i;

	for (i = 1; i < argc; i++) {
		if ((p = strstr(argv[i], "/fd/")) == NULL || p[4] < '0' ||
		    p[4] > '9')
			continue;
		fd = strtoul(p + 4, NULL, 10);
		if (fd >= from && fd < first)
			first = (unsigned)fd;
	}
	return first;
}

void
sandbox_close(int argc, char *const *argv, unsigned deadly)
{
	unsigned from = 3, named;

	while ((named = next_named(argc, argv, from)) != UINT32_MAX) {
		close_range_of(from, named - 1, deadly);
		from = named + 1;
	}
	close_range_of(from, UINT32_MAX, deadly);
}

void
sandbox_forget(void *p, size_t len)
{
	/* a compiler leaves out what it sees to be in vain */
	static void *(*const volatile fill)(void *, int, size_t) = memset;

	if (p != NULL)
		(void)fill(p, 0, len);
}

void
sandbox_hide(unsigned deadly)
{
	(void)deadly;
#ifdef __linux__
	if (!SANITIZED && (deadly & DEADLY_PRCTL) == 0)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void
sandbox_start(unsigned deadly)
{
	LIMIT(RLIMIT_CORE, 0);
	/* where cores go to a program, that limit is not heeded */
	sandbox_hide(deadly);
}

#ifdef __linux__

/* ---- Landlock ---- */

/* Of <linux/landlock.h>, whose older editions lack the newer half. */
#define LL_VERSION 1U
#define LL_PATH_BENEATH 1
#define LL_EXECUTE (1ULL << 0)
#define LL_WRITE_FILE (1ULL << 1)
#define LL_REMOVE_DIR (1ULL << 4)
#define LL_REMOVE_FILE (1ULL << 5)
#define LL_MAKE_CHAR (1ULL << 6)
#define LL_MAKE_DIR (1ULL << 7)
#define LL_MAKE_REG (1ULL << 8)
#define LL_MAKE_SOCK (1ULL << 9)
#define LL_MAKE_FIFO (1ULL << 10)
#define LL_MAKE_BLOCK (1ULL << 11)
#define LL_MAKE_SYM (1ULL << 12)
#define LL_TRUNCATE (1ULL << 14)
#define LL_BIND_TCP (1ULL << 0)

struct ll_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct ll_beneath {
	uint64_t allowed;
	int32_t dir;
} __attribute__((packed));

/* What each version of it knows, of files, TCP, and signals and sockets. */
static const struct ll_ruleset all_rights[] = {
    {0x1fff, 0, 0},
    {0x3fff, 0, 0},
    {0x7fff, 0, 0},
    {0x7fff, 3, 0},
    {0xffff, 3, 0},
    {0xffff, 3, 3},
};

#define LL_VERSIONS (sizeof(all_rights) / sizeof(all_rights[0]))

/* 0: there is none, for us. */
static size_t
landlock_version(unsigned deadly)
{
	long v = 0;

	if ((deadly & DEADLY_LANDLOCK) == 0)
		v = syscall(__NR_landlock_create_ruleset, NULL, 0, LL_VERSION);
	if (v <= 0)
		return 0;
	return (size_t)v < LL_VERSIONS ? (size_t)v : LL_VERSIONS;
}

/* A ruleset that handles what this version knows of `wanted`; -1: none. */
static int
landlock_rules(size_t version, const struct ll_ruleset *wanted)
{
	struct ll_ruleset r = all_rights[version - 1];
	size_t size = version < 4 ? 8 : version < 6 ? 16 : 24;

	r.fs &= wanted->fs;
	r.net &= wanted->net;
	r.scoped &= wanted->scoped;
	return (int)syscall(__NR_landlock_create_ruleset, &r, size, 0);
}

static int
landlock_enter(int rules)
{
	int rc = (int)syscall(__NR_landlock_restrict_self, rules, 0);

	close(rules);
	return rc;
}

static unsigned
landlock_all(unsigned deadly)
{
	const struct ll_ruleset all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
	size_t version = landlock_version(deadly);
	int rules;

	if (version == 0 || (rules = landlock_rules(version, &all)) == -1 ||
	    landlock_enter(rules) == -1)
		return 0;
	return version < 4 ? JAIL_FILES : JAIL_FILES | JAIL_NET;
}

/*
 * -1: nobody knows.  One that cannot be opened, or is none, will not be written
 * to either.
 */
static int
allow_beneath(int rules, const char *dir, uint64_t what)
{
	struct ll_beneath beneath = {.allowed = what};
	int rc;

	if ((beneath.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			errno == EIO
		    ? -1
		    : 0;
	rc = (int)syscall(
	    __NR_landlock_add_rule, rules, LL_PATH_BENEATH, &beneath, 0);
	close(beneath.dir);
	return rc;
}

static unsigned
landlock_some(const char *const *dirs, size_t n, unsigned deadly)
{
	const uint64_t writing =
	    LL_WRITE_FILE | LL_REMOVE_FILE | LL_MAKE_REG | LL_TRUNCATE;
	struct ll_ruleset wanted = {.fs = LL_EXECUTE | LL_REMOVE_DIR |
		LL_MAKE_CHAR | LL_MAKE_DIR | LL_MAKE_SOCK | LL_MAKE_FIFO |
		LL_MAKE_BLOCK | LL_MAKE_SYM,
	    .net = LL_BIND_TCP};
	size_t version = landlock_version(deadly), i;
	int rules;

	if (version == 0)
		return 0;
	if (dirs != NULL)
		wanted.fs |= writing;
	if ((rules = landlock_rules(version, &wanted)) == -1)
		return 0;
	for (i = 0; dirs != NULL && i < n; i++)
		if (allow_beneath(rules, dirs[i],
			writing & all_rights[version - 1].fs) == -1) {
			close(rules);
			return 0;
		}
	return landlock_enter(rules) == -1 ? 0 : JAIL_FILES;
}

/* ---- seccomp ---- */

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64 && defined(AUDIT_ARCH_RISCV64)
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__loongarch64) && defined(AUDIT_ARCH_LOONGARCH64)
#define ARCH AUDIT_ARCH_LOONGARCH64
#endif

#if defined(ARCH) && !SANITIZED

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ALLOW(name)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                \
	    ANSWER(SECCOMP_RET_ALLOW)
#define DENY(name)                                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), ANSWER(REFUSED)
/* Memory that is not to be executed; the flags are the third argument. */
#define ALLOW_DATA(name)                                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4),                \
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                 \
		offsetof(struct seccomp_data, args[2]) + LOW_WORD),            \
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4 /* PROT_EXEC */, 1, 0),     \
	    ANSWER(SECCOMP_RET_ALLOW), ANSWER(NONE)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_WORD 4
#else
#define LOW_WORD 0
#endif

/*
 * To the process it is as if the kernel had no other calls: a library that
 * tries something new then does without, instead of being killed.
 */
#define NONE (SECCOMP_RET_ERRNO | ENOSYS)

/* As Landlock answers. */
#define REFUSED (SECCOMP_RET_ERRNO | EACCES)

static const struct sock_filter few_calls[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    ALLOW(read),
    ALLOW(write),
    ALLOW(writev),
    ALLOW(brk),
    ALLOW(munmap),
    ALLOW(mremap),
    ALLOW(madvise),
    ALLOW_DATA(mprotect),
#if defined(__NR_mmap2)
    ALLOW_DATA(mmap2), /* the other one's flags are in memory */
#elif defined(__s390x__)
    ALLOW(mmap), /* so are this one's */
#else
    ALLOW_DATA(mmap),
#endif
    ALLOW(futex),
#ifdef __NR_futex_time64
    ALLOW(futex_time64),
#endif
    ALLOW(clock_gettime),
#ifdef __NR_clock_gettime64
    ALLOW(clock_gettime64),
#endif
    ALLOW(gettimeofday),
#ifdef __NR_time
    ALLOW(time),
#endif
#ifdef __NR_getrandom
    ALLOW(getrandom),
#endif
    ALLOW(getpid),
    ALLOW(gettid),
    ALLOW(sched_yield),
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigreturn),
#ifdef __NR_sigreturn
    ALLOW(sigreturn),
#endif
    ALLOW(restart_syscall),
    ALLOW(exit),
    ALLOW(exit_group),
    ANSWER(NONE),
};

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif
#define SYS_LISTEN 4 /* of <linux/net.h> */

/* All but what makes another program of this one, or a server. */
static const struct sock_filter most_calls[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
    ANSWER(REFUSED),
    LOAD(nr),
#ifdef __x86_64__
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000 /* x32 */, 0, 1),
    ANSWER(REFUSED),
#endif
    DENY(execve),
    DENY(execveat),
    DENY(listen),
    DENY(ptrace),
    DENY(process_vm_writev),
    /* by which all else can be done: as if there were none */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
    ANSWER(NONE),
    /* nor types into the user's shell; the request is the second argument */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 5),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	offsetof(struct seccomp_data, args[1]) + LOW_WORD),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1),
    ANSWER(REFUSED),
    ANSWER(SECCOMP_RET_ALLOW),
#ifdef __NR_socketcall
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socketcall, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	offsetof(struct seccomp_data, args[0]) + LOW_WORD),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_LISTEN, 0, 1),
    ANSWER(REFUSED),
#endif
    ANSWER(SECCOMP_RET_ALLOW),
};

static unsigned
seccomp_enter(const struct sock_filter *filter, size_t size, unsigned deadly)
{
	union {
		const struct sock_filter *in;
		struct sock_filter *out;
	} u = {filter};
	const struct sock_fprog prog = {
	    .len = (unsigned short)(size / sizeof(*filter)), .filter = u.out};

	return (deadly & (DEADLY_PRCTL | DEADLY_SECCOMP)) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0
	    ? JAIL_CALLS
	    : 0;
}

static unsigned
seccomp_few(unsigned deadly)
{
	return seccomp_enter(few_calls, sizeof(few_calls), deadly);
}

static unsigned
seccomp_most(unsigned deadly)
{
	return seccomp_enter(most_calls, sizeof(most_calls), deadly);
}

#else

static unsigned
seccomp_few(unsigned deadly)
{
	(void)deadly;
	return 0;
}

static unsigned
seccomp_most(unsigned deadly)
{
	(void)deadly;
	return 0;
}

#endif

/* ---- both ---- */

/* What of root's rights is about files, and what is left on a full disk. */
static const unsigned file_rights[_LINUX_CAPABILITY_U32S_3] = {1U << CAP_CHOWN |
	1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER |
	1U << CAP_FSETID | 1U << CAP_SYS_RESOURCE,
    1U << (CAP_MAC_OVERRIDE - 32)};

static const unsigned no_rights[_LINUX_CAPABILITY_U32S_3];

/* Not called where it would change nothing: it may not be allowed. */
static unsigned
keep_capabilities(const unsigned *kept, unsigned deadly)
{
	struct __user_cap_header_struct who = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	unsigned more = 0;
	size_t i;

	if ((deadly & DEADLY_CAPSET) != 0 ||
	    syscall(SYS_capget, &who, data) == -1)
		return 0;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		more |= (data[i].effective | data[i].permitted) & ~kept[i];
		more |= data[i].inheritable;
		data[i].effective &= kept[i];
		data[i].permitted &= kept[i];
		data[i].inheritable = 0;
	}
	return more == 0 || syscall(SYS_capset, &who, data) == 0 ? JAIL_RIGHTS
								 : 0;
}

static unsigned
no_new_rights(unsigned deadly)
{
	return (deadly & DEADLY_PRCTL) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

unsigned
sandbox_narrow(const char *const *dirs, size_t n, const char *const *sockets,
    size_t nsockets, unsigned deadly)
{
	unsigned held;

	(void)sockets;
	(void)nsockets;
	if (UNJAILED)
		return 0;
	/* it writes its reports wherever it was told */
	if (SANITIZED)
		dirs = NULL;
	held = keep_capabilities(file_rights, deadly);
	if (!no_new_rights(deadly))
		return held;
	return held | landlock_some(dirs, n, deadly) | seccomp_most(deadly);
}

unsigned
sandbox_jail(int fd, unsigned deadly)
{
	unsigned jail = 0;

	/* nobody is left for it to talk to, should we be killed */
	if ((deadly & DEADLY_PRCTL) == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)no_new_rights(deadly);
	if (fd > 0)
		close_range_of(0, (unsigned)fd - 1, deadly);
	close_range_of((unsigned)fd + 1, UINT32_MAX, deadly);
	if (UNJAILED)
		return 0;
	jail = landlock_all(deadly) | keep_capabilities(no_rights, deadly);
	LIMIT(RLIMIT_FSIZE, 0);
	LIMIT(RLIMIT_NPROC, 0);
	if (!SANITIZED)
		LIMIT(RLIMIT_DATA, JAIL_MEMORY);
	LIMIT(RLIMIT_NOFILE, 0);
	return jail | seccomp_few(deadly);
}

#elif defined(__OpenBSD__)

/* ---- OpenBSD ---- */

/* It knows no more than 128 vnodes, and fails halfway. */
#define UNVEILED_MOST 100

static int
unveil_all(const char *const *what, size_t n, const char *rights)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (unveil(what[i], rights) == -1 && errno != ENOENT &&
		    errno != ENOTDIR)
			return -1;
	return 0;
}

unsigned
sandbox_narrow(const char *const *dirs, size_t n, const char *const *sockets,
    size_t nsockets, unsigned deadly)
{
	int few = dirs != NULL && n + nsockets <= UNVEILED_MOST;

	(void)deadly;
	if (few &&
	    (unveil("/", "r") == -1 || unveil_all(dirs, n, "rwc") == -1 ||
		unveil_all(sockets, nsockets, "rw") == -1))
		return 0;
	if (pledge("stdio rpath wpath cpath fattr chown flock inet unix dns "
		   "tty proc",
		NULL) == -1)
		return 0;
	return few ? JAIL_PLEDGE | JAIL_FILES : JAIL_PLEDGE;
}

unsigned
sandbox_jail(int fd, unsigned deadly)
{
	if (fd > 0)
		close_range_of(0, (unsigned)fd - 1, deadly);
	closefrom(fd + 1);
	return pledge("stdio", NULL) == -1 ? 0 : JAIL_PLEDGE;
}

#else

unsigned
sandbox_narrow(const char *const *dirs, size_t n, const char *const *sockets,
    size_t nsockets, unsigned deadly)
{
	(void)dirs;
	(void)n;
	(void)sockets;
	(void)nsockets;
	(void)deadly;
	return 0;
}

unsigned
sandbox_jail(int fd, unsigned deadly)
{
	if (fd > 0)
		close_range_of(0, (unsigned)fd - 1, deadly);
	close_range_of((unsigned)fd + 1, UINT32_MAX, deadly);
	LIMIT(RLIMIT_FSIZE, 0);
	LIMIT(RLIMIT_NOFILE, 0);
	return 0;
}

#endif

int
sandbox_holds(unsigned jail)
{
	/* Landlock alone leaves modes and owners of files within reach */
	if (SANITIZED)
		return (jail & (JAIL_FILES | JAIL_NET)) ==
		    (JAIL_FILES | JAIL_NET);
	return (jail & (JAIL_CALLS | JAIL_PLEDGE)) != 0;
}

const char *
sandbox_words(unsigned jail)
{
	if (jail & JAIL_PLEDGE)
		return "pledge";
	if ((jail & JAIL_CALLS) && (jail & JAIL_FILES))
		return jail & JAIL_NET ? "seccomp and Landlock"
				       : "seccomp and Landlock (files only)";
	if (jail & JAIL_CALLS)
		return "seccomp (Landlock is not to be had here)";
	if (jail & JAIL_FILES)
		return jail & JAIL_NET ? "Landlock (no seccomp)"
				       : "Landlock (files only; no seccomp)";
	return "nothing that this system has";
}
