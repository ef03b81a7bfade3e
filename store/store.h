/* SPDX-License-Identifier: ISC */
/*
 * store: bytes on disk, whole or not at all.
 *
 * A handle holds the directory of one file open from the first look to the
 * last, so that nobody can swap it for another in between.  What the bytes
 * mean is not known here: whether they are to be replaced is asked of a
 * function.  Nothing is printed, and nothing sleeps.
 */
#ifndef STORE_H
#define STORE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct store;

/*
 * Directories that are open, for files that share them: each is opened once,
 * and flushed to the disk once, after its files, when the caller says so.
 */
struct store_dirs;

enum store_result {
	STORE_OK,
	STORE_ABSENT,      /* there is no such file */
	STORE_UNCHANGED,   /* it holds these bytes already; not touched */
	STORE_KEPT,        /* what it holds is better; not touched */
	STORE_WRITTEN,     /* replaced, and durable (see store_dirs_flush) */
	STORE_NOT_DURABLE, /* replaced, but a crash may undo it; see `why` */
	STORE_BUSY,        /* another run is saving here; try again */
	STORE_REFUSED,     /* no regular file is there; see `why` */
	STORE_FAILED       /* see `why`; the old file is as it was */
};

/*
 * Are the new bytes to replace `old`?  `old` is NULL if the file is absent.
 * It is asked once without and once with the lock.
 */
typedef int store_better(void *ctx, const unsigned char *old, size_t len);

/*
 * Opens the directory of `path`; the file need not exist.  OK or FAILED; the
 * handle is owned by the caller, who gives it to store_close().
 */
enum store_result store_open(const char *path, struct store **out, char *why);

/* The same, for one of many; it is closed before the directories are freed. */
enum store_result store_open_in(
    struct store_dirs *, const char *path, struct store **out, char *why);

struct store_dirs *store_dirs_new(void); /* NULL: out of memory */
void store_dirs_free(struct store_dirs *);

/*
 * Makes durable what was replaced since: OK or NOT_DURABLE.  Until then, what
 * is WRITTEN in such a directory may be undone by a crash of the machine.
 */
enum store_result store_dirs_flush(struct store_dirs *, char *why);

/*
 * Reads up to `max` bytes, which the caller owns; OK, ABSENT, FAILED, or, of
 * anything but a regular file, REFUSED.
 */
enum store_result store_read(
    struct store *, size_t max, unsigned char **buf, size_t *len, char *why);

/* The same through a symbolic link, as servers read: not for who will write. */
enum store_result store_read_linked(
    struct store *, size_t max, unsigned char **buf, size_t *len, char *why);

/* fileid.h: of what was written here last; 0: nothing, or it is not known. */
uint64_t store_written_id(const struct store *);

/* Its permissions as they are now; -1: they cannot be known. */
int store_mode(const struct store *);

/*
 * A marker, ".site.pem.ocsp.changed" beside the file: somebody is yet to be
 * told that it was replaced.  It is made before the file is, and outlives us.
 */
struct store_mark {
	int set; /* which one it is: what follows */
	dev_t dev;
	ino_t ino; /* may be given anew to a later one */
	off_t size;
	struct timespec mtime;
};

/* Is there one?  OK, ABSENT or FAILED. */
enum store_result store_owed(
    struct store *, int64_t now, struct store_mark *, char *why);

/*
 * All was told that there was when the mark was taken.  OK: it is removed;
 * KEPT: another run needs it still, or will see to it; ABSENT; FAILED.
 */
enum store_result store_told(
    const char *path, int64_t now, const struct store_mark *, char *why);

/*
 * Replaces the file with `len` bytes if `better` says so of what is there
 * (of its first `max` bytes).  `mode` is for a new file; an old one's mode
 * and, where allowed, owner are kept.  BUSY is returned at once.  With `mark`
 * a marker is there before the rename, and is known by it afterwards.  Where
 * it is WRITTEN, `why` tells who may not read it, against what was wanted, or
 * is empty.
 */
struct store_bytes {
	const unsigned char *p;
	size_t len;
	size_t max;
	mode_t mode;
	struct store_mark *mark; /* NULL: no marker */
	int64_t now;             /* by which the age of a lock is told */
	int no_chown;            /* it is not to be called: a new owner */
};
enum store_result store_replace(struct store *, const struct store_bytes *,
    store_better *better, void *ctx, char *why);

/*
 * What that would end with, as far as it shows without writing: of a full
 * disk, quotas, and who else is saving nothing is known.
 */
enum store_result store_try(struct store *, const struct store_bytes *,
    store_better *better, void *ctx, char *why);

void store_close(struct store *);

#endif
