/* SPDX-License-Identifier: ISC */
/*
 * faultshim: makes one call of a libc function fail.  For LD_PRELOAD.
 *
 *	FAULT=FUNCTION:N:ERROR[,FUNCTION:N:ERROR]...
 *	    the Nth call of FUNCTION fails with ERROR, a name such as ENOSPC
 *	    or a number; "short" instead moves a single byte.  "N+" is the Nth
 *	    call and all that follow.
 *	FAULT_COUNT=FILE
 *	    at the end FILE says how often each was called, and how many of
 *	    the faults were met ("injected").
 *
 * What counts is what the program itself is about: calls after it has first
 * called getopt_long() and before it has ended by exit(), whose last deeds are
 *a profiler's; and of those that take a file only the ones that take a file
 * under the directory in which it was started.  malloc(), calloc() and
 * realloc() are counted together, as "malloc"; with AddressSanitizer its own
 * are what stands behind them.
 *
 * It has no fortified inlines: it defines the functions that they call.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum function {
	F_OPEN,
	F_OPENAT,
	F_FSTAT,
	F_FSTATAT,
	F_READ,
	F_WRITE,
	F_FSYNC,
	F_FCHMOD,
	F_FCHOWN,
	F_RENAMEAT,
	F_UNLINKAT,
	F_CLOSE,
	F_FLOCK,
	F_FCNTL,
	F_FACCESSAT,
	F_DUP,
	F_SOCKET,
	F_MALLOC,
	FUNCTIONS
};

static const char *const names[FUNCTIONS] = {"open", "openat", "fstat",
    "fstatat", "read", "write", "fsync", "fchmod", "fchown", "renameat",
    "unlinkat", "close", "flock", "fcntl", "faccessat", "dup", "socket",
    "malloc"};

static const struct error {
	const char *name;
	int value;
} errors[] = {{"EACCES", EACCES}, {"EBADF", EBADF}, {"EBUSY", EBUSY},
    {"EAFNOSUPPORT", EAFNOSUPPORT}, {"ENOBUFS", ENOBUFS}, {"EDQUOT", EDQUOT},
    {"EEXIST", EEXIST}, {"EFBIG", EFBIG}, {"EINTR", EINTR}, {"EINVAL", EINVAL},
    {"EIO", EIO}, {"EISDIR", EISDIR}, {"ELOOP", ELOOP}, {"EMFILE", EMFILE},
    {"ENFILE", ENFILE}, {"ENOENT", ENOENT}, {"ENOLCK", ENOLCK},
    {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"ENOSYS", ENOSYS},
    {"ENOTDIR", ENOTDIR}, {"ENOTSUP", ENOTSUP}, {"EPERM", EPERM},
    {"EROFS", EROFS}, {"ESTALE", ESTALE}, {"EWOULDBLOCK", EWOULDBLOCK},
    {"EXDEV", EXDEV}};

/* Moves one byte instead of failing. */
#define SHORT (-1)

#define FAULTS_MAX 8

static struct fault {
	enum function function;
	unsigned long at;
	int ever; /* and all that follow */
	int error;
} faults[FAULTS_MAX];
static size_t nfaults;

static unsigned long counts[FUNCTIONS];
static unsigned long injected;
static char home[PATH_MAX];
static size_t home_len;
static volatile int begun;

#define REPORT 1024
static char *report;

/* The libc's own, or AddressSanitizer's. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__interceptor_malloc(size_t) __attribute__((weak));
void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
void *__interceptor_realloc(void *, size_t) __attribute__((weak));

/* What the libc's headers make of the others. */
ssize_t __read_chk(int, void *, size_t, size_t);
int __open_2(const char *, int);
int __openat_2(int, const char *, int);

/*
 * Where a long has 32 bits, what takes the sizes of large files has a name of
 * its own, which the headers put in the place of the usual one.
 */
static void *
next_symbol(const char *name)
{
#if __SIZEOF_LONG__ == 4 && _FILE_OFFSET_BITS == 64
	char large[64];
	void *p;

	snprintf(large, sizeof(large), "%s64", name);
	if ((p = dlsym(RTLD_NEXT, large)) != NULL)
		return p;
#endif
	return dlsym(RTLD_NEXT, name);
}

/* The function that would have been called; its type is the caller's. */
#define NEXT(name)                                                             \
	__extension__({                                                        \
		static __typeof__(&name) next_;                                \
		if (next_ == NULL)                                             \
			*(void **)(&next_) = next_symbol(#name);               \
		next_;                                                         \
	})

/* ---- the plan ---- */

static void __attribute__((noreturn)) die(const char *what, const char *word)
{
	fprintf(stderr, "faultshim: %s: %s\n", what, word);
	_exit(125);
}

static int
error_of(const char *word)
{
	size_t i;

	if (strcmp(word, "short") == 0)
		return SHORT;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(word, errors[i].name) == 0)
			return errors[i].value;
	if (atoi(word) <= 0)
		die("no such error", word);
	return atoi(word);
}

static void
plan(char *word)
{
	struct fault *f = &faults[nfaults];
	char *at = strchr(word, ':'), *error = strrchr(word, ':');
	size_t i = 0;

	if (nfaults == FAULTS_MAX || at == NULL || error == at)
		die("FAULT", word);
	*at++ = '\0';
	*error++ = '\0';
	while (i < FUNCTIONS && strcmp(word, names[i]) != 0)
		i++;
	if (i == FUNCTIONS)
		die("no such function", word);
	f->function = (enum function)i;
	f->at = strtoul(at, &at, 10);
	f->ever = *at == '+';
	f->error = error_of(error);
	nfaults++;
}

/* At the end the program may no longer write where it likes. */
static void
map_report(const char *path)
{
	int fd = NEXT(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	void *p;

	if (fd == -1 || ftruncate(fd, REPORT) == -1)
		die(path, strerror(errno));
	p = mmap(NULL, REPORT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die(path, strerror(errno));
	report = p;
	memset(report, '\n', REPORT);
	NEXT(close)(fd);
}

/* Also for tests/harness/gcovflush.c. */
void faultshim_end(void);

void
faultshim_end(void)
{
	begun = 0;
}

static void
begin(void)
{
	char *all, *word, *rest;

	if (begun)
		return;
	if (getcwd(home, sizeof(home)) == NULL)
		die("getcwd", strerror(errno));
	home_len = strlen(home);
	if ((word = getenv("FAULT")) != NULL && (all = strdup(word)) != NULL) {
		for (word = strtok_r(all, ",", &rest); word != NULL;
		     word = strtok_r(NULL, ",", &rest))
			plan(word);
		free(all);
	}
	if ((word = getenv("FAULT_COUNT")) != NULL)
		map_report(word);
	if (atexit(faultshim_end) != 0)
		die("atexit", "no memory");
	begun = 1;
}

static void __attribute__((destructor)) tell(void)
{
	size_t i, n = 0;

	begun = 0;
	if (report == NULL)
		return;
	for (i = 0; i < FUNCTIONS; i++)
		n += (size_t)snprintf(
		    report + n, REPORT - n, "%s %lu\n", names[i], counts[i]);
	n += (size_t)snprintf(
	    report + n, REPORT - n, "injected %lu\n", injected);
	memset(report + n, '\n', REPORT - n);
}

/* Counts a call; the error that it is to have, or 0. */
static int
fault(enum function function)
{
	unsigned long n;
	size_t i;

	n = __atomic_add_fetch(&counts[function], 1, __ATOMIC_RELAXED);
	for (i = 0; i < nfaults; i++)
		if (faults[i].function == function &&
		    (faults[i].at == n ||
			(faults[i].ever && faults[i].at < n))) {
			__atomic_add_fetch(&injected, 1, __ATOMIC_RELAXED);
			return faults[i].error;
		}
	return 0;
}

/* ---- whose call is it? ---- */

static int
is_below_home(const char *path)
{
	return strncmp(path, home, home_len) == 0 &&
	    (path[home_len] == '/' || path[home_len] == '\0' || home_len == 1);
}

static int
is_ours_fd(int fd)
{
	char link[64], path[PATH_MAX];
	int saved = errno;
	ssize_t n;

	if (!begun)
		return 0;
	if (fd == AT_FDCWD)
		return 1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = saved;
	if (n <= 0)
		return 0;
	path[n] = '\0';
	return is_below_home(path);
}

static int
is_ours_at(int fd, const char *path)
{
	if (!begun)
		return 0;
	return path[0] == '/' ? is_below_home(path) : is_ours_fd(fd);
}

/* Fails if it is time: returns -1 from the caller. */
#define FAIL_FD(fd, function) FAIL_IF(is_ours_fd(fd), function)
#define FAIL_AT(fd, path, function) FAIL_IF(is_ours_at(fd, path), function)
#define FAIL_IF(ours, function)                                                \
	do {                                                                   \
		int error_ = (ours) ? fault(function) : 0;                     \
		if (error_ > 0) {                                              \
			errno = error_;                                        \
			return -1;                                             \
		}                                                              \
	} while (0)

/* ---- the functions ---- */

int
getopt_long(int argc, char *const *argv, const char *opts,
    const struct option *longs, int *at)
{
	begin();
	return NEXT(getopt_long)(argc, argv, opts, longs, at);
}

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	FAIL_AT(AT_FDCWD, path, F_OPEN);
	return NEXT(open)(path, flags, mode);
}

int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	FAIL_AT(dir, path, F_OPENAT);
	return NEXT(openat)(dir, path, flags, mode);
}

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

int
fstat(int fd, struct stat *st)
{
	FAIL_FD(fd, F_FSTAT);
	return NEXT(fstat)(fd, st);
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	FAIL_AT(dir, path, F_FSTATAT);
	return NEXT(fstatat)(dir, path, st, flags);
}

ssize_t
read(int fd, void *buf, size_t len)
{
	int error = is_ours_fd(fd) ? fault(F_READ) : 0;

	if (error > 0) {
		errno = error;
		return -1;
	}
	return NEXT(read)(fd, buf, error == SHORT && len > 0 ? 1 : len);
}

ssize_t
__read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		abort();
	return read(fd, buf, len);
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	int error = is_ours_fd(fd) ? fault(F_WRITE) : 0;

	if (error > 0) {
		errno = error;
		return -1;
	}
	return NEXT(write)(fd, buf, error == SHORT && len > 0 ? 1 : len);
}

int
fsync(int fd)
{
	FAIL_FD(fd, F_FSYNC);
	return NEXT(fsync)(fd);
}

int
fchmod(int fd, mode_t mode)
{
	FAIL_FD(fd, F_FCHMOD);
	return NEXT(fchmod)(fd, mode);
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	FAIL_FD(fd, F_FCHOWN);
	return NEXT(fchown)(fd, uid, gid);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	FAIL_AT(from_dir, from, F_RENAMEAT);
	return NEXT(renameat)(from_dir, from, to_dir, to);
}

int
unlinkat(int dir, const char *path, int flags)
{
	FAIL_AT(dir, path, F_UNLINKAT);
	return NEXT(unlinkat)(dir, path, flags);
}

/* As Linux does it: the descriptor is gone, whatever close() says. */
int
close(int fd)
{
	int error = is_ours_fd(fd) ? fault(F_CLOSE) : 0;
	int rc = NEXT(close)(fd);

	if (error <= 0)
		return rc;
	errno = error;
	return -1;
}

int
flock(int fd, int how)
{
	FAIL_FD(fd, F_FLOCK);
	return NEXT(flock)(fd, how);
}

int
fcntl(int fd, int what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (what == F_DUPFD_CLOEXEC)
		FAIL_FD(fd, F_FCNTL);
	return NEXT(fcntl)(fd, what, arg);
}

int
faccessat(int dir, const char *path, int mode, int flags)
{
	FAIL_AT(dir, path, F_FACCESSAT);
	return NEXT(faccessat)(dir, path, mode, flags);
}

int
dup(int fd)
{
	FAIL_FD(fd, F_DUP);
	return NEXT(dup)(fd);
}

/* Only of what leads out of this machine's own sockets. */
int
socket(int family, int type, int protocol)
{
	int e;

	if ((family == AF_INET || family == AF_INET6) && begun &&
	    (e = fault(F_SOCKET)) != 0) {
		errno = e;
		return -1;
	}
	return NEXT(socket)(family, type, protocol);
}

/* ---- memory ---- */

static int
no_memory(void)
{
	if (!begun || fault(F_MALLOC) == 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	if (no_memory())
		return NULL;
	return __interceptor_malloc != NULL ? __interceptor_malloc(size)
					    : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	if (no_memory())
		return NULL;
	return __interceptor_calloc != NULL ? __interceptor_calloc(n, size)
					    : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	if (size != 0 && no_memory())
		return NULL;
	return __interceptor_realloc != NULL ? __interceptor_realloc(p, size)
					     : __libc_realloc(p, size);
}
