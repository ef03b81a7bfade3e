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

#include "sandbox.h"
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

/* What the marker's name ends with. */
#define MARK ".changed"

/* How often a draft may be cleared away by others before we are "busy". */
#define DRAFT_TRIES 8

/* Directories that nobody uses are kept open up to this number. */
#define MAX_DIRS 16

struct dir {
	struct dir *next;
	char *path;
	struct stat st; /* which one it is */
	int fd;
	int flush_fd; /* -1: not needed yet */
	size_t users;
	char *owed;   /* the first file of those that wait for a flush */
	size_t nowed; /* how many they are */
};

struct staple_dirs {
	struct dir *first;
	size_t n;
	char failed[WHY_MAX]; /* the first flush that did, and why */
	size_t nfailed;
};

struct staple {
	int dir;
	struct dir *shared; /* NULL: `dir` is ours alone */
	char *name;         /* in `dir` */
	char *path;         /* as the user knows it */
};

/* A new file on its way to its name. */
struct draft {
	char name[NAME_MAX + 1];
	int fd; /* open and locked */
};

static enum staple_result
fail(const struct staple *s, const char *what, char *why)
{
	char error[WORDS_ERROR_MAX];

	snprintf(why, WHY_MAX, "cannot %s %.300s: %s", what, s->path,
	    words_error(error, errno, (long)geteuid()));
	return STAPLE_FAILED;
}

/* ---- directories ---- */

static int
sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

/* Not every file system can, or has to, flush a directory. */
static int
sync_dir(int fd)
{
	return sync_fd(fd) == -1 && errno != EINVAL && errno != ENOTSUP ? -1
									: 0;
}

/* Readable, to be flushed; a directory may be searched without that. */
static int
open_to_flush(int fd)
{
	return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
dir_free(struct dir *d)
{
	if (d->fd != -1)
		close(d->fd);
	if (d->flush_fd != -1)
		close(d->flush_fd);
	free(d->path);
	free(d->owed);
	free(d);
}

struct staple_dirs *
staple_dirs_new(void)
{
	return calloc(1, sizeof(struct staple_dirs));
}

void
staple_dirs_free(struct staple_dirs *dirs)
{
	struct dir *d;

	if (dirs == NULL)
		return;
	while ((d = dirs->first) != NULL) {
		dirs->first = d->next;
		dir_free(d);
	}
	free(dirs);
}

static void
dir_flush(struct staple_dirs *dirs, struct dir *d)
{
	char more[40] = "";

	if (d->nowed > 1)
		snprintf(more, sizeof(more), " and %zu more", d->nowed - 1);
	if (d->nowed > 0 && sync_dir(d->flush_fd) == -1 && dirs->nfailed++ == 0)
		snprintf(dirs->failed, sizeof(dirs->failed),
		    "%.300s%s: cannot flush the directory to the disk: %s",
		    d->owed, more, strerror(errno));
	free(d->owed);
	d->owed = NULL;
	d->nowed = 0;
}

enum staple_result
staple_dirs_flush(struct staple_dirs *dirs, char *why)
{
	enum staple_result res;
	char more[48] = "";
	struct dir *d;

	for (d = dirs->first; d != NULL; d = d->next)
		dir_flush(dirs, d);
	res = dirs->nfailed > 0 ? STAPLE_NOT_DURABLE : STAPLE_OK;
	if (dirs->nfailed > 1)
		snprintf(more, sizeof(more), " (and of %zu more directories)",
		    dirs->nfailed - 1);
	snprintf(why, WHY_MAX, "%.900s%s", dirs->failed, more);
	dirs->nfailed = 0;
	dirs->failed[0] = '\0';
	return res;
}

/* Is there one open for this path, and is it the one that is there now? */
static struct dir *
dir_find(const struct staple_dirs *dirs, const char *path)
{
	struct stat st;
	struct dir *d;

	for (d = dirs->first; d != NULL; d = d->next)
		if (strcmp(d->path, path) == 0 && stat(path, &st) == 0 &&
		    st.st_dev == d->st.st_dev && st.st_ino == d->st.st_ino)
			return d;
	return NULL;
}

/* Makes room: the one that nobody uses and that was opened first goes. */
static void
dir_drop(struct staple_dirs *dirs)
{
	struct dir **p, **last = NULL, *d;

	for (p = &dirs->first; *p != NULL; p = &(*p)->next)
		if ((*p)->users == 0)
			last = p;
	if (last == NULL)
		return;
	d = *last;
	*last = d->next;
	dir_flush(dirs, d);
	dir_free(d);
	dirs->n--;
}

/* NULL: see errno. */
static struct dir *
dir_get(struct staple_dirs *dirs, const char *path)
{
	struct dir *d;
	int saved;

	if ((d = dir_find(dirs, path)) != NULL)
		return d;
	if (dirs->n >= MAX_DIRS)
		dir_drop(dirs);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	d->flush_fd = -1;
	d->fd = open(path, DIR_HANDLE | O_DIRECTORY | O_CLOEXEC);
	if (d->fd == -1 || fstat(d->fd, &d->st) == -1 ||
	    (d->path = strdup(path)) == NULL) {
		saved = errno;
		dir_free(d);
		errno = saved;
		return NULL;
	}
	d->next = dirs->first;
	dirs->first = d;
	dirs->n++;
	return d;
}

/* ---- the handle ---- */

/* The directory part of a path, which the caller owns. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".")
	    : slash == path  ? strdup("/")
			     : strndup(path, (size_t)(slash - path));
}

static int
open_directory(struct staple *s, struct staple_dirs *dirs, const char *dir)
{
	if (s->name[0] == '\0') {
		errno = EISDIR;
		return -1;
	}
	if (dirs == NULL)
		s->dir = open(dir, DIR_HANDLE | O_DIRECTORY | O_CLOEXEC);
	else if ((s->shared = dir_get(dirs, dir)) != NULL) {
		s->shared->users++;
		s->dir = s->shared->fd;
	}
	return s->dir;
}

enum staple_result
staple_open_in(
    struct staple_dirs *dirs, const char *path, struct staple **out, char *why)
{
	char error[WORDS_ERROR_MAX];
	enum staple_result res = STAPLE_FAILED;
	const char *slash = strrchr(path, '/');
	struct staple *s;
	char *dir = NULL;

	*out = NULL;
	snprintf(why, WHY_MAX, "out of memory");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return STAPLE_FAILED;
	s->dir = -1;
	if ((s->path = strdup(path)) == NULL ||
	    (s->name = strdup(slash != NULL ? slash + 1 : path)) == NULL ||
	    (dir = directory_of(path)) == NULL)
		goto out;
	if (open_directory(s, dirs, dir) == -1) {
		snprintf(why, WHY_MAX, "cannot open the directory %.300s: %s",
		    dir, words_error(error, errno, (long)geteuid()));
		goto out;
	}
	*out = s;
	s = NULL;
	res = STAPLE_OK;
out:
	free(dir);
	staple_close(s);
	return res;
}

enum staple_result
staple_open(const char *path, struct staple **out, char *why)
{
	return staple_open_in(NULL, path, out, why);
}

void
staple_close(struct staple *s)
{
	if (s == NULL)
		return;
	if (s->shared != NULL)
		s->shared->users--;
	else if (s->dir != -1)
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
	    "%.300s is %s, not a regular file; it is not touched", s->path,
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
		snprintf(why, WHY_MAX, "%.300s is no longer a regular file",
		    s->path);
		res = STAPLE_FAILED;
	} else {
		/* one more than it has, to see that this is the end */
		if (st.st_size >= 0 && (uintmax_t)st.st_size < max)
			max = (size_t)st.st_size + 1;
		if ((*buf = malloc(max)) == NULL ||
		    read_all(fd, *buf, max, len))
			res = fail(s, "read", why);
	}
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
		sandbox_forget(*buf, *len);
		free(*buf);
		*buf = NULL;
		*len = 0;
	}
	return res;
}

/* ---- writing ---- */

/* POSIX lets only its owner replace a file in a sticky directory. */
static int
is_guarded(const struct staple *s)
{
	struct stat dir, file;
	uid_t me = geteuid();

	return me != 0 && fstatat(s->dir, ".", &dir, 0) == 0 &&
	    (dir.st_mode & S_ISVTX) != 0 && dir.st_uid != me &&
	    fstatat(s->dir, s->name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	    file.st_uid != me;
}

int
staple_mode(const struct staple *s)
{
	struct stat st;

	if (fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return (int)(st.st_mode & 0777);
}

enum staple_result
staple_writable(struct staple *s, char *why)
{
	char error[WORDS_ERROR_MAX];

	if (faccessat(s->dir, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0) {
		if (!is_guarded(s))
			return STAPLE_OK;
		errno = EPERM;
	}
	snprintf(why, WHY_MAX, "cannot write in the directory of %.300s: %s",
	    s->path, words_error(error, errno, (long)geteuid()));
	return STAPLE_FAILED;
}

/*
 * The name is hidden, since HAProxy loads what is not; it is the same in each
 * run, so that runs meet there and the next one finds what a killed one left.
 * A long name is cut to fit; the hash of the whole keeps it apart from its
 * neighbours.  It takes the place of an extension that is NULL.
 */
static void
hide(char out[NAME_MAX + 1], const char *name, const char *ext)
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

static void
draft_name(struct draft *d, const char *name)
{
	hide(d->name, name, NULL);
}

/* Is this open file the one that has the draft's name? */
static int
is_named(const struct staple *s, const struct draft *d, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	    fstatat(s->dir, d->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* 0 locked, 1 somebody else holds the lock, -1 errno */
static int
lock(int fd)
{
	int rc;

	do
		rc = flock(fd, LOCK_EX | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	return rc == -1 && errno == EWOULDBLOCK ? 1 : rc;
}

static enum staple_result
busy(const struct staple *s, char *why)
{
	snprintf(why, WHY_MAX, "another run is saving %.300s", s->path);
	return STAPLE_BUSY;
}

/*
 * Something has the draft's name already: a run that is saving holds a lock
 * on it; what a dead one left is unlocked, and removed.
 */
static enum staple_result
draft_clear(const struct staple *s, const struct draft *d, char *why)
{
	enum staple_result res = STAPLE_OK;
	struct stat st;
	int fd, held = 0;

	if (fstatat(s->dir, d->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? STAPLE_OK : fail(s, "write", why);
	if (!S_ISREG(st.st_mode)) {
		/* only what is locked and known may be removed by name */
		snprintf(why, WHY_MAX,
		    "%s is in the way beside %.300s: %s, which no run of this "
		    "program makes; remove it",
		    d->name, s->path, kind(st.st_mode));
		return STAPLE_FAILED;
	}
	fd = openat(s->dir, d->name,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* its mode may be that of a file that is not to be written */
	if (fd == -1 && errno == EACCES)
		fd = openat(s->dir, d->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 && (errno == ENOENT || errno == ELOOP))
		return STAPLE_OK;
	if (fd == -1 && errno == EACCES) {
		snprintf(why, WHY_MAX,
		    "%s beside %.300s belongs to another user: another run is "
		    "saving, or was killed; then remove it",
		    d->name, s->path);
		return STAPLE_BUSY;
	}
	if (fd == -1 || (held = lock(fd)) == -1)
		res = fail(s, "lock a temporary file beside", why);
	else if (held == 1)
		res = busy(s, why);
	else if (is_named(s, d, fd) && unlinkat(s->dir, d->name, 0) == -1)
		res = fail(s, "remove an old temporary file beside", why);
	if (fd != -1)
		close(fd);
	return res;
}

/*
 * Creates the draft and locks it.  It is the lock: only one run has it, and
 * unlike a directory it is not for others to open while it is written.
 */
static enum staple_result
draft_open(const struct staple *s, struct draft *d, char *why)
{
	enum staple_result res;
	int tries, held;

	for (tries = 0; tries < DRAFT_TRIES; tries++) {
		d->fd = openat(s->dir, d->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (d->fd == -1 && errno != EEXIST)
			return fail(s, "create a temporary file beside", why);
		if (d->fd == -1) {
			if ((res = draft_clear(s, d, why)) != STAPLE_OK)
				return res;
			continue;
		}
		/* before it was locked, another run may have cleared it */
		if ((held = lock(d->fd)) == 0 && is_named(s, d, d->fd))
			return STAPLE_OK;
		if (held == -1) {
			res = fail(s, "lock a temporary file beside", why);
			if (is_named(s, d, d->fd))
				(void)unlinkat(s->dir, d->name, 0);
		}
		close(d->fd);
		d->fd = -1;
		if (held == -1)
			return res;
	}
	return busy(s, why);
}

/* Unlocks it, after it has gone. */
static void
draft_close(const struct staple *s, const struct draft *d)
{
	if (is_named(s, d, d->fd))
		(void)unlinkat(s->dir, d->name, 0);
	close(d->fd);
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
set_rights(int fd, const struct stat *old, const struct staple_bytes *b)
{
	if (old == NULL)
		return fchmod(fd, b->mode);
	if (b->no_chown)
		return fchmod(fd, old->st_mode & 0777);
	if (fchown(fd, old->st_uid, old->st_gid) == -1 && errno != EPERM &&
	    errno != EINVAL)
		return -1;
	if (fchown(fd, (uid_t)-1, old->st_gid) == -1 && errno != EPERM &&
	    errno != EINVAL)
		return -1;
	return fchmod(fd, old->st_mode & 0777);
}

/* Some file systems tell only on close; the lock is kept by the other one. */
static int
close_copy(int fd)
{
	int copy;

	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return -1;
	return close(copy);
}

/* All but the rename; `*what` is the step that failed. */
static int
draft_fill(const struct draft *d, const struct staple_bytes *b,
    const struct stat *old, const char **what)
{
	*what = "write";
	if (write_all(d->fd, b->p, b->len) == -1)
		return -1;
	*what = "set the permissions of";
	if (set_rights(d->fd, old, b) == -1)
		return -1;
	*what = "flush to the disk";
	if (sync_fd(d->fd) == -1)
		return -1;
	*what = "close";
	return close_copy(d->fd);
}

/* The directory is flushed later; -1: no memory to remember that. */
static int
owe_flush(struct dir *d, const char *path)
{
	if (d->owed == NULL && (d->owed = strdup(path)) == NULL)
		return -1;
	d->nowed++;
	return 0;
}

/* The directory, to be flushed: the caller's to close if it is not shared. */
static int
dir_to_flush(struct staple *s)
{
	if (s->shared == NULL)
		return open_to_flush(s->dir);
	if (s->shared->flush_fd == -1)
		s->shared->flush_fd = open_to_flush(s->dir);
	return s->shared->flush_fd;
}

/* The draft is left to the caller unless it has become the file. */
static enum staple_result
put(const struct staple *s, const struct draft *d, int dir,
    const struct staple_bytes *b, const struct stat *old, char *why)
{
	const char *what;

	if (draft_fill(d, b, old, &what) == -1)
		return fail(s, what, why);
	if (!is_named(s, d, d->fd)) {
		snprintf(why, WHY_MAX,
		    "the temporary file beside %.300s was taken away; do locks "
		    "work in this file system?",
		    s->path);
		return STAPLE_FAILED;
	}
	if (renameat(s->dir, d->name, s->dir, s->name) == -1)
		return fail(s, "rename a temporary file to", why);
	if (s->shared != NULL && owe_flush(s->shared, s->path) == 0)
		return STAPLE_WRITTEN;
	if (sync_dir(dir) == -1) {
		fail(s, "flush to the disk the directory of", why);
		return STAPLE_NOT_DURABLE;
	}
	return STAPLE_WRITTEN;
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

/* OK or ABSENT: it is to be replaced. */
static enum staple_result
decide(struct staple *s, const struct staple_bytes *b, staple_better *better,
    void *ctx, char *why)
{
	enum staple_result res;
	unsigned char *old;
	size_t len;

	res = compare(s, b, &old, &len, why);
	if ((res == STAPLE_OK || res == STAPLE_ABSENT) &&
	    !better(ctx, old, len))
		res = STAPLE_KEPT;
	sandbox_forget(old, len);
	free(old);
	return res;
}

/* ---- the marker ---- */

/* OK: it is there, `st` says which; ABSENT. */
static enum staple_result
mark_look(const struct staple *s, const char *name, struct stat *st, char *why)
{
	if (fstatat(s->dir, name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? STAPLE_ABSENT
				       : fail(s, "look for a marker of", why);
	if (S_ISREG(st->st_mode))
		return STAPLE_OK;
	snprintf(why, WHY_MAX,
	    "%s is in the way beside %.300s: %s, which no run of this program "
	    "makes; remove it",
	    name, s->path, kind(st->st_mode));
	return STAPLE_FAILED;
}

static int
is_that(const struct stat *st, const struct staple_mark *m)
{
	return m->set && st->st_dev == m->dev && st->st_ino == m->ino &&
	    st->st_size == m->size && st->st_mtim.tv_sec == m->mtime.tv_sec &&
	    st->st_mtim.tv_nsec == m->mtime.tv_nsec;
}

static void
mark_take(struct staple_mark *m, const struct stat *st)
{
	m->set = 1;
	m->dev = st->st_dev;
	m->ino = st->st_ino;
	m->size = st->st_size;
	m->mtime = st->st_mtim;
}

/*
 * Each save makes it longer, so that nobody takes away another run's.  What
 * another user left cannot be made longer, but says what it has to.
 */
static int
mark_lengthen(const struct staple *s, const char *name, int *made)
{
	const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC;
	int fd, rc, saved;

	*made = 1;
	fd = openat(s->dir, name, flags | O_CREAT | O_EXCL, 0600);
	if (fd == -1 && errno == EEXIST) {
		*made = 0;
		fd = openat(s->dir, name, flags);
	}
	if (fd == -1)
		return !*made && errno == EACCES ? 0 : -1;
	rc = write_all(fd, (const unsigned char *)"\n", 1);
	saved = errno;
	if (close(fd) == -1 && rc == 0)
		return -1;
	errno = saved;
	return rc;
}

/* Before the rename, and durable: whatever comes then, it is known. */
static enum staple_result
mark_set(const struct staple *s, int dir, struct staple_mark *m, int *made,
    char *why)
{
	char name[NAME_MAX + 1];
	enum staple_result res;
	struct stat st;

	*made = 0;
	hide(name, s->name, MARK);
	res = mark_look(s, name, &st, why);
	if (res != STAPLE_OK && res != STAPLE_ABSENT)
		return res;
	if (mark_lengthen(s, name, made) == -1)
		return fail(s, "make a marker beside", why);
	if (sync_dir(dir) == -1)
		return fail(s, "flush to the disk the directory of", why);
	if ((res = mark_look(s, name, &st, why)) == STAPLE_OK)
		mark_take(m, &st);
	else if (res == STAPLE_ABSENT) {
		snprintf(why, WHY_MAX,
		    "the marker beside %.300s was taken away", s->path);
		res = STAPLE_FAILED;
	}
	return res;
}

/* Nothing was replaced, so there is nothing to be told. */
static void
mark_undo(const struct staple *s)
{
	char name[NAME_MAX + 1];

	hide(name, s->name, MARK);
	(void)unlinkat(s->dir, name, 0);
}

enum staple_result
staple_owed(struct staple *s, struct staple_mark *m, char *why)
{
	struct draft d = {.fd = -1};
	char name[NAME_MAX + 1];
	enum staple_result res;
	struct stat st;

	m->set = 0;
	hide(name, s->name, MARK);
	if ((res = mark_look(s, name, &st, why)) != STAPLE_OK)
		return res;
	/* what is about to be replaced is not to be taken for told */
	draft_name(&d, s->name);
	if ((res = draft_open(s, &d, why)) == STAPLE_BUSY)
		return STAPLE_OK;
	if (res != STAPLE_OK)
		return res;
	if ((res = mark_look(s, name, &st, why)) == STAPLE_OK)
		mark_take(m, &st);
	draft_close(s, &d);
	return res;
}

/* Another user's draft: whether its run lives cannot be known. */
static int
is_foreign(const struct staple *s, const struct draft *d)
{
	return faccessat(s->dir, d->name, R_OK, AT_EACCESS) == -1 &&
	    errno == EACCES;
}

static enum staple_result
mark_remove(struct staple *s, const struct staple_mark *m, char *why)
{
	struct draft d = {.fd = -1};
	char name[NAME_MAX + 1];
	enum staple_result res;
	struct stat st;

	draft_name(&d, s->name);
	hide(name, s->name, MARK);
	if ((res = draft_open(s, &d, why)) == STAPLE_BUSY)
		/* what may stay for ever is not to be passed over */
		return is_foreign(s, &d) ? STAPLE_FAILED : STAPLE_KEPT;
	if (res != STAPLE_OK)
		return res;
	res = mark_look(s, name, &st, why);
	if (res == STAPLE_OK && !is_that(&st, m))
		res = STAPLE_KEPT;
	else if (res == STAPLE_OK && unlinkat(s->dir, name, 0) == -1)
		res = fail(s, "remove the marker beside", why);
	draft_close(s, &d);
	return res;
}

enum staple_result
staple_told(const char *path, const struct staple_mark *m, char *why)
{
	enum staple_result res;
	struct staple *s;

	if ((res = staple_open(path, &s, why)) != STAPLE_OK)
		return res;
	res = mark_remove(s, m, why);
	staple_close(s);
	return res;
}

/* ---- replacing ---- */

static enum staple_result
replace_locked(struct staple *s, const struct draft *d, int dir,
    const struct staple_bytes *b, staple_better *better, void *ctx, char *why)
{
	enum staple_result res;
	int made = 0, absent;
	struct stat st;

	/* it may have changed since it was looked at without the lock */
	res = decide(s, b, better, ctx, why);
	if (res != STAPLE_OK && res != STAPLE_ABSENT)
		return res;
	if ((res = look(s, &st, why)) == STAPLE_FAILED)
		return res;
	absent = res == STAPLE_ABSENT;
	res = STAPLE_OK;
	if (b->mark != NULL)
		res = mark_set(s, dir, b->mark, &made, why);
	if (res == STAPLE_OK)
		res = put(s, d, dir, b, absent ? NULL : &st, why);
	if (res == STAPLE_FAILED && made)
		mark_undo(s);
	return res;
}

enum staple_result
staple_replace(struct staple *s, const struct staple_bytes *b,
    staple_better *better, void *ctx, char *why)
{
	enum staple_result res;
	struct draft d = {.fd = -1};
	char ignored[WHY_MAX];
	int dir;

	draft_name(&d, s->name);
	res = decide(s, b, better, ctx, why);
	if (res != STAPLE_OK && res != STAPLE_ABSENT) {
		/* a killed run's draft is no reason to fail, if it stays */
		(void)draft_clear(s, &d, ignored);
		return res;
	}
	if ((dir = dir_to_flush(s)) == -1)
		return fail(s, "open the directory of", why);
	if ((res = draft_open(s, &d, why)) == STAPLE_OK) {
		res = replace_locked(s, &d, dir, b, better, ctx, why);
		if (res == STAPLE_WRITTEN || res == STAPLE_NOT_DURABLE)
			close(d.fd);
		else
			draft_close(s, &d);
	}
	if (s->shared == NULL)
		close(dir);
	return res;
}
