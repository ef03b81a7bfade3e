/* SPDX-License-Identifier: ISC */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"
#include "util/words.h"

/* Suffix of a temporary name, with its dot: ".XXXXXX" */
#define SUFFIX 7

/* How often a lock file may be cleared away by others before we are "busy". */
#define LOCK_TRIES 8

/* No run saves for so long; the lock of one that does is not believed. */
#define LOCK_MAX_AGE 60 /* seconds */

enum lock {
	LOCK_OURS,
	LOCK_HELD,
	LOCK_UNKNOWN, /* this file system has no locks */
	LOCK_FAILED   /* see errno */
};

/* ---- names ---- */

/*
 * The name is hidden, since HAProxy loads what is not; it is the same in each
 * run, so that runs meet there and the next one finds what a killed one left.
 * A long name is cut to fit; the hash of the whole keeps it apart from its
 * neighbours.  It takes the place of an extension that is NULL.
 */
void
store_hide(char out[NAME_MAX + 1], const char *name, const char *ext)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t len = strlen(name), most = NAME_MAX - SUFFIX - 1, i;
	char *p = out;

	if (ext != NULL)
		most -= strlen(ext);
	for (i = 0; i < len; i++) {
		hash ^= (unsigned char)name[i];
		hash *= UINT64_C(1099511628211);
	}
	*p++ = '.';
	memcpy(p, name, len < most ? len : most);
	p += len < most ? len : most;
	if (ext == NULL || len > most) {
		*p++ = '.';
		for (i = 1; i < SUFFIX; i++) {
			*p++ = digits[hash % 62];
			hash /= 62;
		}
	}
	snprintf(p, (size_t)(NAME_MAX + 1 - (p - out)), "%s",
	    ext != NULL ? ext : "");
}

void
lockfile_init(struct lockfile *l, const char *name)
{
	store_hide(l->name, name, NULL);
	l->fd = -1;
	l->ino = 0;
	l->stays = 0;
}

void
tempfile_init(struct tempfile *t, const char *name, ino_t ino)
{
	char ext[2 + 2 * sizeof(uintmax_t)];

	snprintf(ext, sizeof(ext), "-%jx", (uintmax_t)ino);
	store_hide(t->name, name, ext);
	t->fd = -1;
}

/* ---- the lock ---- */

/* Is this open file the one that has the name? */
int
store_is_named(const struct store *s, const char *name, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	    fstatat(s->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Has another file the name, for sure? */
static int
is_anothers(const struct store *s, const char *name, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	    fstatat(s->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino);
}

static enum lock
lock(int fd)
{
	int rc;

	do
		rc = flock(fd, LOCK_EX | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	if (rc == 0)
		return LOCK_OURS;
	if (errno == EWOULDBLOCK)
		return LOCK_HELD;
	return errno == ENOLCK || store_is_unsupported(errno) ? LOCK_UNKNOWN
							      : LOCK_FAILED;
}

/* In a sticky directory anybody may make a file, but not replace another's. */
static int
is_strangers(const struct store *s, uid_t owner)
{
	struct stat dir;

	return owner != 0 && owner != geteuid() &&
	    fstatat(s->dir, ".", &dir, 0) == 0 &&
	    (dir.st_mode & S_ISVTX) != 0 && owner != dir.st_uid;
}

/*
 * Who may read a file may lock it for ever.  Only what a live run can have is
 * believed: a file that nobody else may open, that has one name, and is young.
 * The clock may have been set meanwhile, either way.
 */
static int
is_believed(const struct store *s, const struct stat *st, int64_t now)
{
	const int64_t age = now - (int64_t)st->st_mtim.tv_sec;

	return (st->st_mode & 077) == 0 && st->st_nlink <= 1 &&
	    age <= LOCK_MAX_AGE && age >= -LOCK_MAX_AGE &&
	    !is_strangers(s, st->st_uid);
}

enum store_result
store_busy(const struct store *s, char *why)
{
	words_set(why, WHY_MAX, "another run is saving %s", s->path);
	return STORE_BUSY;
}

static enum store_result
busy_foreign(const struct store *s, const struct lockfile *l, char *why)
{
	words_set(why, WHY_MAX,
	    "%s beside %s belongs to another user: another run is saving, "
	    "or was killed less than a minute ago",
	    l->name, s->path);
	return STORE_BUSY;
}

/*
 * What a dead run left.  Should it live, it cannot replace the file any more,
 * and finds out: the new response goes before the lock.
 */
static enum store_result
remove_left(
    const struct store *s, const struct lockfile *l, ino_t ino, char *why)
{
	char error[WORDS_ERROR_MAX];
	struct tempfile t;

	tempfile_init(&t, s->name, ino);
	if ((unlinkat(s->dir, t.name, 0) == 0 || errno == ENOENT) &&
	    (unlinkat(s->dir, l->name, 0) == 0 || errno == ENOENT))
		return STORE_OK;
	words_set(why, WHY_MAX,
	    "cannot remove what a killed run left beside %s, %s: %s", s->path,
	    l->name, words_error(error, errno, (long)geteuid()));
	return STORE_FAILED;
}

/*
 * Something has the lock file's name already: a run that is saving holds a
 * lock on it; what a dead one left is removed.  Where the lock is held, but
 * not believed, there is a pause (BUSY) after that, in which a live one may
 * find out.
 */
enum store_result
lockfile_clear(
    const struct store *s, const struct lockfile *l, int64_t now, char *why)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	enum store_result res = STORE_OK;
	enum lock held = LOCK_UNKNOWN;
	struct stat st;
	int fd;

	if (fstatat(s->dir, l->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? STORE_OK : store_fail(s, "write", why);
	if (!S_ISREG(st.st_mode))
		return store_in_the_way(
		    s, l->name, store_kind(st.st_mode), why);
	fd = openat(s->dir, l->name, O_RDWR | flags);
	/* its mode may be that of a file that is not to be written */
	if (fd == -1 && errno == EACCES)
		fd = openat(s->dir, l->name, O_RDONLY | flags);
	if (fd == -1 && (errno == ENOENT || errno == ELOOP))
		return STORE_OK;
	if (fd == -1 ? errno != EACCES && errno != EWOULDBLOCK
		     : fstat(fd, &st) == -1 || (held = lock(fd)) == LOCK_FAILED)
		res = store_fail(s, "lock a temporary file beside", why);
	else if (held != LOCK_OURS && is_believed(s, &st, now))
		res = fd == -1 ? busy_foreign(s, l, why) : store_busy(s, why);
	else if (fd == -1 || store_is_named(s, l->name, fd))
		res = remove_left(s, l, st.st_ino, why);
	if (res == STORE_OK && held != LOCK_OURS)
		res = store_busy(s, why);
	if (fd != -1)
		close(fd);
	return res;
}

/* Is the new, empty file ours, and nobody else's?  UNKNOWN: it is. */
static enum lock
lockfile_take(const struct store *s, struct lockfile *l)
{
	struct stat st;
	enum lock held;

	if (fstat(l->fd, &st) == -1 || (held = lock(l->fd)) == LOCK_FAILED)
		return LOCK_FAILED;
	l->ino = st.st_ino;
	/* before it was locked, another run may have cleared it */
	return store_is_named(s, l->name, l->fd) ? held : LOCK_HELD;
}

/* Creates the lock file and locks it; it is for nobody else to open. */
enum store_result
lockfile_open(const struct store *s, struct lockfile *l, int64_t now, char *why)
{
	enum store_result res;
	enum lock held;
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		l->fd = openat(s->dir, l->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (l->fd == -1 && errno != EEXIST)
			return store_fail_create(s, why);
		if (l->fd == -1) {
			if ((res = lockfile_clear(s, l, now, why)) != STORE_OK)
				return res;
			continue;
		}
		held = lockfile_take(s, l);
		if (held == LOCK_OURS || held == LOCK_UNKNOWN)
			return STORE_OK;
		if (held == LOCK_FAILED) {
			res =
			    store_fail(s, "lock a temporary file beside", why);
			if (store_is_named(s, l->name, l->fd))
				(void)unlinkat(s->dir, l->name, 0);
		}
		close(l->fd);
		l->fd = -1;
		if (held == LOCK_FAILED)
			return res;
	}
	return store_busy(s, why);
}

/* Unlocks it, after it has gone; a later run's is let be. */
void
lockfile_close(const struct store *s, const struct lockfile *l)
{
	if (!l->stays && !is_anothers(s, l->name, l->fd))
		(void)unlinkat(s->dir, l->name, 0);
	close(l->fd);
}
