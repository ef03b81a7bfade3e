/* SPDX-License-Identifier: ISC */
/*
 * store/internal.h: what the files of store/ share, and nobody else sees.
 *
 * A name without a path is that of a file in the handle's directory.  Nothing
 * here owns a handle: it is store.c's to open and to close.  Results are those
 * of store.h; whoever returns another than OK or ABSENT has filled `why`, which
 * has room for WHY_MAX bytes.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sys/stat.h>

#include <limits.h>
#include <stdint.h>

#include "store/store.h"

/* ---- dir.c: open directories ---- */

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

struct store {
	int dir;
	struct dir *shared; /* NULL: `dir` is ours alone */
	char *name;         /* in `dir` */
	char *path;         /* as the user knows it */
	uint64_t written;   /* fileid.h: of what was written last; 0: nothing */
};

/* The directory part of a path, which the caller owns; NULL: no memory. */
char *dir_of(const char *path);

/*
 * Opens `dir` for the handle, by itself or as one of `dirs`; its descriptor,
 * or -1: see errno.
 */
int dir_open(struct store *, struct store_dirs *dirs, const char *dir);

/*
 * Its descriptor, readable so that it can be flushed: the caller's to close if
 * it is not shared.  -1: see errno.
 */
int dir_to_flush(struct store *);

/* 0, also where a file system cannot flush a directory; -1: see errno. */
int dir_sync(int fd);

/* The directory is flushed later; -1: no memory to remember that. */
int dir_owe_flush(struct dir *, const char *path);

/* fsync(), whatever signals come. */
int store_sync_fd(int fd);

/* What a file system says that does not know a call, or has no use for it. */
int store_is_unsupported(int error);

/* ---- failure.c: why a file cannot be replaced, in words ---- */

/* "cannot WHAT PATH: ", and what `errno` says; FAILED. */
enum store_result store_fail(const struct store *, const char *what, char *);

/* A temporary file cannot be created, by `errno`; FAILED. */
enum store_result store_fail_create(const struct store *, char *why);

/* It is a mount point of its own; FAILED. */
enum store_result store_fail_mount(const struct store *, char *why);

/* Beside it there is `name`, which is `what`, as store_kind() says; FAILED. */
enum store_result store_in_the_way(
    const struct store *, const char *name, const char *what, char *why);

/* "a directory", of what is no regular file. */
const char *store_kind(mode_t mode);

/* OK or FAILED: as far as one can tell without trying. */
enum store_result store_check_writable(const struct store *, char *why);

/* ---- lockfile.c: who is saving, and the hidden names beside the file ---- */

/* The file that shows who is saving: its lock is the permission to rename. */
struct lockfile {
	char name[NAME_MAX + 1];
	int fd; /* open and locked */
	ino_t ino;
	int stays; /* it leads the next run to what could not be removed */
};

/*
 * The new response on its way to its name.  Its own name is made of the inode
 * of the lock file: whoever is taken for dead and is not cannot rename what
 * another run has begun.
 */
struct tempfile {
	char name[NAME_MAX + 1];
	int fd;
};

/*
 * The hidden name beside `name` that ends with `ext`, or, where that is NULL,
 * with a hash of the name.
 */
void store_hide(char out[NAME_MAX + 1], const char *name, const char *ext);

/* Their names; nothing is opened yet. */
void lockfile_init(struct lockfile *, const char *name);
void tempfile_init(struct tempfile *, const char *name, ino_t ino);

/*
 * Creates and locks it: OK, BUSY or FAILED.  With OK it is to be closed, by
 * which it goes.  `now` is in seconds since 1970.
 */
enum store_result lockfile_open(
    const struct store *, struct lockfile *, int64_t now, char *why);
void lockfile_close(const struct store *, const struct lockfile *);

/* Removes what a dead run left.  OK: nothing is there; BUSY; FAILED. */
enum store_result lockfile_clear(
    const struct store *, const struct lockfile *, int64_t now, char *why);

/* Is this open file the one that has the name? */
int store_is_named(const struct store *, const char *name, int fd);

/* BUSY: another run is saving. */
enum store_result store_busy(const struct store *, char *why);

/* ---- tempfile.c: the new response on its way to its name ---- */

/*
 * Writes it and renames it to the handle's name, while the lock is held:
 * WRITTEN, BUSY or FAILED.  `old` is the file that is there, or NULL.
 */
enum store_result tempfile_put(struct store *, struct lockfile *,
    const struct store_bytes *, const struct stat *old, char *why);

/* 0; -1: see errno. */
int store_write_all(int fd, const unsigned char *p, size_t len);

/* ---- marker.c: what is pending, beside the file ---- */

/* What the marker's name ends with. */
#define MARKER ".changed"

/* Is a marker of this name there?  OK: `st` says which; ABSENT; FAILED. */
enum store_result marker_look(
    const struct store *, const char *name, struct stat *st, char *why);

/*
 * Makes one, or makes that longer which is there, and flushes `dir`: OK, or
 * FAILED.  `*made`: there was none.
 */
enum store_result marker_set(
    const struct store *, int dir, struct store_mark *, int *made, char *why);

/* Removes the one that was made, since nothing was replaced. */
void marker_undo(const struct store *);

/* What store_told() does, of a file that is open. */
enum store_result marker_remove(
    struct store *, int64_t now, const struct store_mark *, char *why);

#endif
