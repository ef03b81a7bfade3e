#define _GNU_SOURCE /* O_PATH */

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "staple.h"
#include "words.h"

/* A directory that may be searched need not be readable. */
#if defined(O_PATH)
#define DIR_HANDLE O_PATH
#elif defined(O_SEARCH)
#define DIR_HANDLE O_SEARCH
#else
#define DIR_HANDLE O_RDONLY
#endif

/* Suffix of a temporary name, with its dot: ".XXXXXX" */
#define SUFFIX 7

#define TEMP_TRIES 8

struct staple {
	int dir;
	char *name; /* in `dir` */
	char *path; /* as the user knows it */
};

/* A new file on its way to its name. */
struct draft {
	char name[NAME_MAX + 1];
	int fd;
	const struct stat *old; /* NULL: there is none */
};

static enum staple_result
fail(const struct staple *s, const char *what, char *why)
{
	snprintf(
	    why, WHY_MAX, "cannot %s %s: %s", what, s->path, strerror(errno));
	return STAPLE_FAILED;
}

enum staple_result
staple_open(const char *path, struct staple **out, char *why)
{
	const char *slash = strrchr(path, '/');
	struct staple *s;
	char *dir;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->path = strdup(path)) == NULL ||
	    (s->name = strdup(slash != NULL ? slash + 1 : path)) == NULL ||
	    (dir = slash == NULL ? strdup(".")
		    : slash == path
		    ? strdup("/")
		    : strndup(path, (size_t)(slash - path))) == NULL) {
		snprintf(why, WHY_MAX, "out of memory");
		if (s != NULL)
			s->dir = -1;
		staple_close(s);
		return STAPLE_FAILED;
	}
	if (s->name[0] == '\0') {
		errno = EISDIR;
		s->dir = -1;
	} else
		s->dir = open(dir, DIR_HANDLE | O_DIRECTORY | O_CLOEXEC);
	if (s->dir == -1)
		snprintf(why, WHY_MAX, "cannot open the directory %s: %s", dir,
		    strerror(errno));
	free(dir);
	if (s->dir == -1) {
		staple_close(s);
		return STAPLE_FAILED;
	}
	*out = s;
	return STAPLE_OK;
}

void
staple_close(struct staple *s)
{
	if (s == NULL)
		return;
	if (s->dir != -1)
		close(s->dir);
	free(s->name);
	free(s->path);
	free(s);
}

/* ---- reading ---- */

static const char *
kind(mode_t mode)
{
	return S_ISLNK(mode)                 ? "a symbolic link"
	    : S_ISDIR(mode)                  ? "a directory"
	    : S_ISFIFO(mode)                 ? "a FIFO"
	    : S_ISSOCK(mode)                 ? "a socket"
	    : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
					     : "something else";
}

/* OK: `st` is that of a regular file. */
static enum staple_result
look(const struct staple *s, struct stat *st, char *why)
{
	if (fstatat(s->dir, s->name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? STAPLE_ABSENT
				       : fail(s, "look at", why);
	if (S_ISREG(st->st_mode))
		return STAPLE_OK;
	snprintf(why, WHY_MAX,
	    "%s is %s, not a regular file; it is not touched", s->path,
	    kind(st->st_mode));
	return STAPLE_FAILED;
}

/* Reads until `max` bytes or the end. */
static int
read_all(int fd, unsigned char *buf, size_t max, size_t *len)
{
	ssize_t r;

	*len = 0;
	while (*len < max) {
		r = read(fd, buf + *len, max - *len);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		*len += (size_t)r;
	}
	return 0;
}

static enum staple_result
read_file(
    struct staple *s, size_t max, unsigned char **buf, size_t *len, char *why)
{
	enum staple_result res = STAPLE_OK;
	struct stat st;
	int fd;

	fd = openat(s->dir, s->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? STAPLE_ABSENT : fail(s, "read", why);
	if (fstat(fd, &st) == -1)
		res = fail(s, "read", why);
	else if (!S_ISREG(st.st_mode)) {
		snprintf(
		    why, WHY_MAX, "%s is no longer a regular file", s->path);
		res = STAPLE_FAILED;
	} else if ((*buf = malloc(max)) == NULL || read_all(fd, *buf, max, len))
		res = fail(s, "read", why);
	close(fd);
	return res;
}

enum staple_result
staple_read(
    struct staple *s, size_t max, unsigned char **buf, size_t *len, char *why)
{
	enum staple_result res;
	struct stat st;

	*buf = NULL;
	*len = 0;
	if ((res = look(s, &st, why)) != STAPLE_OK)
		return res;
	res = read_file(s, max, buf, len, why);
	if (res != STAPLE_OK) {
		free(*buf);
		*buf = NULL;
		*len = 0;
	}
	return res;
}

enum staple_result
staple_writable(struct staple *s, char *why)
{
	if (faccessat(s->dir, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return STAPLE_OK;
	snprintf(why, WHY_MAX, "cannot write in the directory of %s: %s",
	    s->path, strerror(errno));
	return STAPLE_FAILED;
}

/* ---- writing ---- */

/*
 * The name is hidden, since HAProxy loads what is not; it is the same in each
 * run, so that the next one finds what a killed one left.  A long name is cut
 * to fit; the hash of the whole keeps it apart from its neighbours.
 */
static void
draft_name(struct draft *d, const char *name, unsigned int n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	uint64_t hash = UINT64_C(14695981039346656037) + n;
	size_t len = strlen(name), i;
	char *p = d->name;

	for (i = 0; i < len; i++) {
		hash ^= (unsigned char)name[i];
		hash *= UINT64_C(1099511628211);
	}
	if (len > NAME_MAX - SUFFIX - 1)
		len = NAME_MAX - SUFFIX - 1;
	*p++ = '.';
	memcpy(p, name, len);
	p += len;
	*p++ = '.';
	for (i = 1; i < SUFFIX; i++) {
		*p++ = digits[hash % 62];
		hash /= 62;
	}
	*p = '\0';
}

/* Removes what a killed run left; the lock says that nobody else writes. */
static void
sweep(const struct staple *s, const char *name)
{
	struct stat st;

	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode))
		(void)unlinkat(s->dir, name, 0);
}

static int
draft_open(const struct staple *s, struct draft *d)
{
	unsigned int n;

	for (n = 0; n < TEMP_TRIES; n++) {
		draft_name(d, s->name, n);
		sweep(s, d->name);
		d->fd = openat(s->dir, d->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (d->fd != -1 || errno != EEXIST)
			break;
	}
	return d->fd == -1 ? -1 : 0;
}

static int
write_all(int fd, const unsigned char *p, size_t len)
{
	ssize_t w;

	while (len > 0) {
		w = write(fd, p, len);
		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return -1;
		if (w == 0) {
			errno = ENOSPC;
			return -1;
		}
		p += w;
		len -= (size_t)w;
	}
	return 0;
}

/* Only root can give files away: the owner is kept where that is allowed. */
static int
draft_rights(const struct draft *d, mode_t mode)
{
	const struct stat *old = d->old;

	if (old == NULL)
		return fchmod(d->fd, mode);
	if (fchown(d->fd, old->st_uid, old->st_gid) == -1 && errno != EPERM &&
	    errno != EINVAL)
		return -1;
	if (fchown(d->fd, (uid_t)-1, old->st_gid) == -1 && errno != EPERM &&
	    errno != EINVAL)
		return -1;
	return fchmod(d->fd, old->st_mode & 0777);
}

static int
sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

/* Writes, flushes and closes the draft; `*what` is the step that failed. */
static int
draft_fill(struct draft *d, const struct staple_bytes *b, const char **what)
{
	int fd = d->fd, saved;

	*what = "write";
	if (write_all(fd, b->p, b->len) == -1)
		goto fail;
	*what = "set the permissions of";
	if (draft_rights(d, b->mode) == -1)
		goto fail;
	*what = "flush to the disk";
	if (sync_fd(fd) == -1)
		goto fail;
	*what = "close";
	d->fd = -1;
	return close(fd);
fail:
	saved = errno;
	close(fd);
	d->fd = -1;
	errno = saved;
	return -1;
}

static enum staple_result
put(const struct staple *s, int dir, const struct staple_bytes *b,
    const struct stat *old, char *why)
{
	struct draft d = {.fd = -1, .old = old};
	const char *what = "create a temporary file beside";
	int saved;

	if (draft_open(s, &d) == -1)
		return fail(s, what, why);
	if (draft_fill(&d, b, &what) == -1)
		goto fail;
	what = "rename a temporary file to";
	if (renameat(s->dir, d.name, s->dir, s->name) == -1)
		goto fail;
	if (sync_fd(dir) == -1)
		return fail(s,
		    "be sure that a crash would not undo the new file: flush "
		    "the directory of",
		    why);
	return STAPLE_WRITTEN;
fail:
	saved = errno;
	(void)unlinkat(s->dir, d.name, 0);
	errno = saved;
	return fail(s, what, why);
}

/* Does the file hold these bytes?  OK: it does not, `old` is what it holds. */
static enum staple_result
compare(struct staple *s, const struct staple_bytes *b, unsigned char **old,
    size_t *len, char *why)
{
	enum staple_result res;

	res = staple_read(s, b->max, old, len, why);
	if (res == STAPLE_OK && *len == b->len &&
	    memcmp(*old, b->p, b->len) == 0)
		return STAPLE_UNCHANGED;
	return res;
}

static enum staple_result
replace_locked(struct staple *s, int dir, const struct staple_bytes *b,
    staple_better *better, void *ctx, char *why)
{
	enum staple_result res;
	struct draft leftover = {.fd = -1};
	unsigned char *old;
	struct stat st;
	size_t len;

	draft_name(&leftover, s->name, 0);
	sweep(s, leftover.name);
	res = compare(s, b, &old, &len, why);
	if ((res == STAPLE_OK || res == STAPLE_ABSENT) &&
	    !better(ctx, old, len))
		res = STAPLE_KEPT;
	free(old);
	if (res != STAPLE_OK && res != STAPLE_ABSENT)
		return res;
	if ((res = look(s, &st, why)) == STAPLE_FAILED)
		return res;
	return put(s, dir, b, res == STAPLE_OK ? &st : NULL, why);
}

enum staple_result
staple_replace(struct staple *s, const struct staple_bytes *b,
    staple_better *better, void *ctx, char *why)
{
	enum staple_result res;
	unsigned char *old;
	size_t len;
	int dir, rc;

	res = compare(s, b, &old, &len, why);
	free(old);
	if (res == STAPLE_UNCHANGED || res == STAPLE_FAILED)
		return res;
	dir = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return fail(s, "open the directory of", why);
	do
		rc = flock(dir, LOCK_EX | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	if (rc == 0)
		res = replace_locked(s, dir, b, better, ctx, why);
	else if (errno == EWOULDBLOCK) {
		snprintf(why, WHY_MAX,
		    "another run holds the lock on the directory of %s",
		    s->path);
		res = STAPLE_BUSY;
	} else
		res = fail(s, "lock the directory of", why);
	close(dir); /* and so unlocks it */
	return res;
}
