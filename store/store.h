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

struct staple;

/*
 * Directories that are open, for files that share them: each is opened once,
 * and flushed to the disk once, after its files, when the caller says so.
 */
struct staple_dirs;

enum staple_result {
	STAPLE_OK,
	STAPLE_ABSENT,      /* there is no such file */
	STAPLE_UNCHANGED,   /* it holds these bytes already; not touched */
	STAPLE_KEPT,        /* what it holds is better; not touched */
	STAPLE_WRITTEN,     /* replaced, and durable (see staple_dirs_flush) */
	STAPLE_NOT_DURABLE, /* replaced, but a crash may undo it; see `why` */
	STAPLE_BUSY,        /* another run is saving here; try again */
	STAPLE_REFUSED,     /* no regular file is there; see `why` */
	STAPLE_FAILED       /* see `why`; the old file is as it was */
};

/*
 * Are the new bytes to replace `old`?  `old` is NULL if the file is absent.
 * It is asked once without and once with the lock.
 */
typedef int staple_better(void *ctx, const unsigned char *old, size_t len);

/*
 * Opens the directory of `path`; the file need not exist.  OK or FAILED; the
 * handle is owned by the caller, who gives it to staple_close().
 */
enum staple_result staple_open(
    const char *path, struct staple **out, char *why);

/* The same, for one of many; it is closed before the directories are freed. */
enum staple_result staple_open_in(
    struct staple_dirs *, const char *path, struct staple **out, char *why);

struct staple_dirs *staple_dirs_new(void); /* NULL: out of memory */
void staple_dirs_free(struct staple_dirs *);

/*
 * Makes durable what was replaced since: OK or NOT_DURABLE.  Until then, what
 * is WRITTEN in such a directory may be undone by a crash of the machine.
 */
enum staple_result staple_dirs_flush(struct staple_dirs *, char *why);

/*
 * Reads up to `max` bytes, which the caller owns; OK, ABSENT, FAILED, or, of
 * anything but a regular file, REFUSED.
 */
enum staple_result staple_read(
    struct staple *, size_t max, unsigned char **buf, size_t *len, char *why);

/* The same through a symbolic link, as servers read: not for who will write. */
enum staple_result staple_read_linked(
    struct staple *, size_t max, unsigned char **buf, size_t *len, char *why);

/* fileid.h: of what was written here last; 0: nothing, or it is not known. */
uint64_t staple_written_id(const struct staple *);

/* Its permissions as they are now; -1: they cannot be known. */
int staple_mode(const struct staple *);

/*
 * A marker, ".site.pem.ocsp.changed" beside the file: somebody is yet to be
 * told that it was replaced.  It is made before the file is, and outlives us.
 */
struct staple_mark {
	int set; /* which one it is: what follows */
	dev_t dev;
	ino_t ino; /* may be given anew to a later one */
	off_t size;
	struct timespec mtime;
};

/* Is there one?  OK, ABSENT or FAILED. */
enum staple_result staple_owed(
    struct staple *, int64_t now, struct staple_mark *, char *why);

/*
 * All was told that there was when the mark was taken.  OK: it is removed;
 * KEPT: another run needs it still, or will see to it; ABSENT; FAILED.
 */
enum staple_result staple_told(
    const char *path, int64_t now, const struct staple_mark *, char *why);

/*
 * Replaces the file with `len` bytes if `better` says so of what is there
 * (of its first `max` bytes).  `mode` is for a new file; an old one's mode
 * and, where allowed, owner are kept.  BUSY is returned at once.  With `mark`
 * a marker is there before the rename, and is known by it afterwards.  Where
 * it is WRITTEN, `why` tells who may not read it, against what was wanted, or
 * is empty.
 */
struct staple_bytes {
	const unsigned char *p;
	size_t len;
	size_t max;
	mode_t mode;
	struct staple_mark *mark; /* NULL: no marker */
	int64_t now;              /* by which the age of a lock is told */
	int no_chown;             /* it is not to be called: a new owner */
};
enum staple_result staple_replace(struct staple *, const struct staple_bytes *,
    staple_better *better, void *ctx, char *why);

/*
 * What that would end with, as far as it shows without writing: of a full
 * disk, quotas, and who else is saving nothing is known.
 */
enum staple_result staple_try(struct staple *, const struct staple_bytes *,
    staple_better *better, void *ctx, char *why);

void staple_close(struct staple *);

#endif
