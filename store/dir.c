/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE /* O_PATH */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/store.h"
#include "util/words.h"

/* A directory that may be searched need not be readable. */
#if defined(O_PATH)
#define DIR_HANDLE O_PATH
#elif defined(O_SEARCH)
#define DIR_HANDLE O_SEARCH
#else
#define DIR_HANDLE O_RDONLY
#endif

/* Directories that nobody uses are kept open up to this number. */
#define MAX_DIRS 16

struct store_dirs {
	struct dir *first;
	size_t n;
	char failed[WHY_MAX]; /* the first flush that did, and why */
	size_t nfailed;
};

/* The directory part of a path, which the caller owns. */
char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".")
	    : slash == path  ? strdup("/")
			     : strndup(path, (size_t)(slash - path));
}

int
store_sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

/* What a file system says that does not know a call, or has no use for it. */
int
store_is_unsupported(int error)
{
	return error == EINVAL || error == ENOSYS || error == ENOTSUP ||
	    error == EOPNOTSUPP;
}

/* Not every file system can, or has to, flush a directory. */
int
dir_sync(int fd)
{
	return store_sync_fd(fd) == -1 && !store_is_unsupported(errno) ? -1 : 0;
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

struct store_dirs *
store_dirs_new(void)
{
	return calloc(1, sizeof(struct store_dirs));
}

void
store_dirs_free(struct store_dirs *dirs)
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
dir_flush(struct store_dirs *dirs, struct dir *d)
{
	char more[40] = "";

	if (d->nowed > 1)
		snprintf(more, sizeof(more), " and %zu more", d->nowed - 1);
	if (d->nowed > 0 && dir_sync(d->flush_fd) == -1 && dirs->nfailed++ == 0)
		snprintf(dirs->failed, sizeof(dirs->failed),
		    "%s%s: cannot flush the directory to the disk: %s", d->owed,
		    more, strerror(errno));
	free(d->owed);
	d->owed = NULL;
	d->nowed = 0;
}

enum store_result
store_dirs_flush(struct store_dirs *dirs, char *why)
{
	enum store_result res;
	char more[48] = "";
	struct dir *d;

	for (d = dirs->first; d != NULL; d = d->next)
		dir_flush(dirs, d);
	res = dirs->nfailed > 0 ? STORE_NOT_DURABLE : STORE_OK;
	if (dirs->nfailed > 1)
		snprintf(more, sizeof(more), " (and of %zu more directories)",
		    dirs->nfailed - 1);
	words_set(why, WHY_MAX, "%s%s", dirs->failed, more);
	dirs->nfailed = 0;
	dirs->failed[0] = '\0';
	return res;
}

/* Is there one open for this path, and is it the one that is there now? */
static struct dir *
dir_find(const struct store_dirs *dirs, const char *path)
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
dir_drop(struct store_dirs *dirs)
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
dir_get(struct store_dirs *dirs, const char *path)
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

int
dir_open(struct store *s, struct store_dirs *dirs, const char *dir)
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

/* The directory is flushed later; -1: no memory to remember that. */
int
dir_owe_flush(struct dir *d, const char *path)
{
	if (d->owed == NULL && (d->owed = strdup(path)) == NULL)
		return -1;
	d->nowed++;
	return 0;
}

/* The directory, to be flushed: the caller's to close if it is not shared. */
int
dir_to_flush(struct store *s)
{
	if (s->shared == NULL)
		return open_to_flush(s->dir);
	if (s->shared->flush_fd == -1)
		s->shared->flush_fd = open_to_flush(s->dir);
	return s->shared->flush_fd;
}
