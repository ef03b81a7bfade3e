/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/fileid.h"
#include "store/internal.h"
#include "util/words.h"

int
store_write_all(int fd, const unsigned char *p, size_t len)
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

/* Not to be had, here or for this user: not a failure of the disk. */
static int
is_refused(int error)
{
	return error == EPERM || error == EACCES || error == EROFS ||
	    store_is_unsupported(error);
}

/*
 * Owner and mode of the old file, or the mode of a new one.  Only root can
 * give files away, and FAT, CIFS and FUSE may know neither.
 */
static int
set_rights(int fd, const struct stat *old, mode_t mode, int no_chown)
{
	if (old != NULL && !no_chown &&
	    ((fchown(fd, old->st_uid, old->st_gid) == -1 &&
		 !is_refused(errno)) ||
		(fchown(fd, (uid_t)-1, old->st_gid) == -1 &&
		    !is_refused(errno))))
		return -1;
	return fchmod(fd, mode) == -1 && !is_refused(errno) ? -1 : 0;
}

/* Who could read the old file, or is to read the new one, and now cannot. */
static void
tell_rights(const struct store *s, int fd, const struct stat *old, mode_t mode,
    char *why)
{
	struct stat st;
	char was[48] = "";

	why[0] = '\0';
	if (fstat(fd, &st) == -1 || (st.st_mode & 04) != 0 ||
	    ((mode & 0444 & ~st.st_mode) == 0 &&
		(old == NULL ||
		    ((st.st_uid == old->st_uid || old->st_uid == 0) &&
			(st.st_gid == old->st_gid || (mode & 040) == 0)))))
		return;
	if (old != NULL)
		snprintf(was, sizeof(was), " and %ld:%ld", (long)old->st_uid,
		    (long)old->st_gid);
	words_set(why, WHY_MAX,
	    "%s has the mode %04o and belongs to %ld:%ld, not %04o%s: this "
	    "could not be set here; a server that runs as another user may "
	    "not be able to read it",
	    s->path, (unsigned)st.st_mode & 0777, (long)st.st_uid,
	    (long)st.st_gid, (unsigned)mode, was);
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
tempfile_fill(
    const struct tempfile *t, const struct store_bytes *b, const char **what)
{
	*what = "write";
	if (store_write_all(t->fd, b->p, b->len) == -1)
		return -1;
	*what = "flush to the disk";
	if (store_sync_fd(t->fd) == -1)
		return -1;
	*what = "close";
	return close_copy(t->fd);
}

/* What has its name already was left by a run whose lock is gone. */
static int
tempfile_open(const struct store *s, struct tempfile *t)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	t->fd = openat(s->dir, t->name, flags, 0600);
	if (t->fd == -1 && errno == EEXIST && unlinkat(s->dir, t->name, 0) == 0)
		t->fd = openat(s->dir, t->name, flags, 0600);
	return t->fd == -1 ? -1 : 0;
}

/* Until here it is for nobody else to open, and so for nobody to lock. */
static enum store_result
tempfile_rename(const struct store *s, const struct tempfile *t,
    const struct lockfile *l, const struct stat *old,
    const struct store_bytes *b, char *why)
{
	mode_t mode = old != NULL ? old->st_mode & 0777 : b->mode;

	if (set_rights(t->fd, old, mode, b->no_chown) == -1)
		return store_fail(s, "set the permissions of", why);
	tell_rights(s, t->fd, old, mode, why);
	if (!store_is_named(s, l->name, l->fd))
		return store_busy(s, why);
	if (renameat(s->dir, t->name, s->dir, s->name) == 0)
		return STORE_WRITTEN;
	if (errno == ENOENT)
		return store_busy(s, why);
	if (errno == EBUSY || errno == EXDEV)
		return store_fail_mount(s, why);
	return store_fail(s, "rename a temporary file to", why);
}

enum store_result
tempfile_put(struct store *s, struct lockfile *l, const struct store_bytes *b,
    const struct stat *old, char *why)
{
	enum store_result res;
	struct tempfile t;
	const char *what;
	struct stat st;

	tempfile_init(&t, s->name, l->ino);
	if (tempfile_open(s, &t) == -1)
		return store_fail(s, "create a temporary file beside", why);
	if (tempfile_fill(&t, b, &what) == -1)
		res = store_fail(s, what, why);
	else
		res = tempfile_rename(s, &t, l, old, b, why);
	if (res != STORE_WRITTEN)
		l->stays = unlinkat(s->dir, t.name, 0) == -1 && errno != ENOENT;
	s->written = res == STORE_WRITTEN && fstat(t.fd, &st) == 0
	    ? fileid_of_stat(&st)
	    : 0;
	close(t.fd);
	return res;
}
