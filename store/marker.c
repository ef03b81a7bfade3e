/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/store.h"
#include "util/words.h"

/* OK: it is there, `st` says which; ABSENT. */
enum store_result
marker_look(const struct store *s, const char *name, struct stat *st, char *why)
{
	if (fstatat(s->dir, name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT
		    ? STORE_ABSENT
		    : store_fail(s, "look for a marker of", why);
	return S_ISREG(st->st_mode)
	    ? STORE_OK
	    : store_in_the_way(s, name, store_kind(st->st_mode), why);
}

static int
is_that(const struct stat *st, const struct store_mark *m)
{
	return m->set && st->st_dev == m->dev && st->st_ino == m->ino &&
	    st->st_size == m->size && st->st_mtim.tv_sec == m->mtime.tv_sec &&
	    st->st_mtim.tv_nsec == m->mtime.tv_nsec;
}

static void
marker_take(struct store_mark *m, const struct stat *st)
{
	m->set = 1;
	m->dev = st->st_dev;
	m->ino = st->st_ino;
	m->size = st->st_size;
	m->mtime = st->st_mtim;
}

/*
 * A new marker, or the one that is there if it is ours.  What is another
 * user's, or has another name and so may be any file, is not written to: its
 * name is given to a new one.
 */
static int
marker_open(const struct store *s, const char *name, int *made)
{
	const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC;
	struct stat st;
	int fd;

	*made = 1;
	fd = openat(s->dir, name, flags | O_CREAT | O_EXCL, 0600);
	if (fd != -1 || errno != EEXIST)
		return fd;
	*made = 0;
	fd = openat(s->dir, name, flags);
	if (fd == -1 && errno != EACCES)
		return -1;
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink <= 1 && st.st_uid == geteuid())
		return fd;
	if (fd != -1)
		close(fd);
	return unlinkat(s->dir, name, 0) == -1
	    ? -1
	    : openat(s->dir, name, flags | O_CREAT | O_EXCL, 0600);
}

/*
 * Each save makes it longer, so that nobody takes away another run's.  What
 * may not even be removed says what it has to.
 */
static int
marker_lengthen(const struct store *s, const char *name, int *made)
{
	int fd, rc, saved;

	if ((fd = marker_open(s, name, made)) == -1)
		return !*made && (errno == EACCES || errno == EPERM) ? 0 : -1;
	rc = store_write_all(fd, (const unsigned char *)"\n", 1);
	saved = errno;
	if (close(fd) == -1 && rc == 0)
		return -1;
	errno = saved;
	return rc;
}

/* Before the rename, and durable: whatever comes then, it is known. */
enum store_result
marker_set(
    const struct store *s, int dir, struct store_mark *m, int *made, char *why)
{
	char name[NAME_MAX + 1];
	enum store_result res;
	struct stat st;

	*made = 0;
	store_hide(name, s->name, MARKER);
	res = marker_look(s, name, &st, why);
	if (res != STORE_OK && res != STORE_ABSENT)
		return res;
	if (marker_lengthen(s, name, made) == -1)
		return store_fail(s, "make a marker beside", why);
	if (dir_sync(dir) == -1)
		return store_fail(s, "flush to the disk the directory of", why);
	if ((res = marker_look(s, name, &st, why)) == STORE_OK)
		marker_take(m, &st);
	else if (res == STORE_ABSENT) {
		words_set(why, WHY_MAX, "the marker beside %s was taken away",
		    s->path);
		res = STORE_FAILED;
	}
	return res;
}

/* Nothing was replaced, so there is nothing to be told. */
void
marker_undo(const struct store *s)
{
	char name[NAME_MAX + 1];

	store_hide(name, s->name, MARKER);
	(void)unlinkat(s->dir, name, 0);
}

enum store_result
store_owed(struct store *s, int64_t now, struct store_mark *m, char *why)
{
	struct lockfile l;
	char name[NAME_MAX + 1];
	enum store_result res;
	struct stat st;

	m->set = 0;
	store_hide(name, s->name, MARKER);
	if ((res = marker_look(s, name, &st, why)) != STORE_OK)
		return res;
	/* what is about to be replaced is not to be taken for told */
	lockfile_init(&l, s->name);
	if ((res = lockfile_open(s, &l, now, why)) == STORE_BUSY)
		return STORE_OK;
	if (res != STORE_OK)
		return res;
	if ((res = marker_look(s, name, &st, why)) == STORE_OK)
		marker_take(m, &st);
	lockfile_close(s, &l);
	return res;
}

enum store_result
marker_remove(
    struct store *s, int64_t now, const struct store_mark *m, char *why)
{
	struct lockfile l;
	char name[NAME_MAX + 1];
	enum store_result res;
	struct stat st;

	lockfile_init(&l, s->name);
	store_hide(name, s->name, MARKER);
	if ((res = lockfile_open(s, &l, now, why)) == STORE_BUSY)
		return STORE_KEPT;
	if (res != STORE_OK)
		return res;
	res = marker_look(s, name, &st, why);
	if (res == STORE_OK && !is_that(&st, m))
		res = STORE_KEPT;
	else if (res == STORE_OK && unlinkat(s->dir, name, 0) == -1)
		res = store_fail(s, "remove the marker beside", why);
	lockfile_close(s, &l);
	return res;
}
