/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "store/internal.h"
#include "store/store.h"
#include "util/words.h"

/* ---- the handle ---- */

enum store_result
store_open_in(
    struct store_dirs *dirs, const char *path, struct store **out, char *why)
{
	char error[WORDS_ERROR_MAX];
	enum store_result res = STORE_FAILED;
	const char *slash = strrchr(path, '/');
	struct store *s;
	char *dir = NULL;

	*out = NULL;
	words_set(why, WHY_MAX, "out of memory");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return STORE_FAILED;
	s->dir = -1;
	if ((s->path = strdup(path)) == NULL ||
	    (s->name = strdup(slash != NULL ? slash + 1 : path)) == NULL ||
	    (dir = dir_of(path)) == NULL)
		goto out;
	if (dir_open(s, dirs, dir) == -1) {
		words_set(why, WHY_MAX, "cannot open the directory %s: %s", dir,
		    words_error(error, errno, (long)geteuid()));
		goto out;
	}
	*out = s;
	s = NULL;
	res = STORE_OK;
out:
	free(dir);
	store_close(s);
	return res;
}

enum store_result
store_open(const char *path, struct store **out, char *why)
{
	return store_open_in(NULL, path, out, why);
}

void
store_close(struct store *s)
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

/* OK: `st` is that of a regular file.  Only who just reads may `follow`. */
static enum store_result
look(const struct store *s, int follow, struct stat *st, char *why)
{
	enum store_result res;

	if (fstatat(s->dir, s->name, st, follow ? 0 : AT_SYMLINK_NOFOLLOW) ==
	    -1) {
		if (errno == ENOENT)
			return STORE_ABSENT;
		/* links in a circle are no fault of the machine's */
		res = errno == ELOOP ? STORE_REFUSED : STORE_FAILED;
		(void)store_fail(s, "look at", why);
		return res;
	}
	if (S_ISREG(st->st_mode))
		return STORE_OK;
	words_set(why, WHY_MAX,
	    "%s is %s, not a regular file; it is not touched%s", s->path,
	    store_kind(st->st_mode),
	    S_ISLNK(st->st_mode) ? ": name the file that it leads to instead"
				 : "");
	return STORE_REFUSED;
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

static enum store_result
read_file(struct store *s, int follow, size_t max, unsigned char **buf,
    size_t *len, char *why)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	enum store_result res = STORE_OK;
	struct stat st;
	int fd;

	fd = follow ? openat(s->dir, s->name, flags)
		    : openat(s->dir, s->name, flags | O_NOFOLLOW);
	if (fd == -1)
		return errno == ENOENT ? STORE_ABSENT
				       : store_fail(s, "read", why);
	if (fstat(fd, &st) == -1)
		res = store_fail(s, "read", why);
	else if (!S_ISREG(st.st_mode)) {
		words_set(
		    why, WHY_MAX, "%s is no longer a regular file", s->path);
		res = STORE_REFUSED;
	} else {
		/* one more than it has, to see that this is the end */
		if (st.st_size >= 0 && (uintmax_t)st.st_size < max)
			max = (size_t)st.st_size + 1;
		if ((*buf = malloc(max)) == NULL ||
		    read_all(fd, *buf, max, len))
			res = store_fail(s, "read", why);
	}
	close(fd);
	return res;
}

static enum store_result
read_whole(struct store *s, int follow, size_t max, unsigned char **buf,
    size_t *len, char *why)
{
	enum store_result res;
	struct stat st;

	*buf = NULL;
	*len = 0;
	if ((res = look(s, follow, &st, why)) != STORE_OK)
		return res;
	res = read_file(s, follow, max, buf, len, why);
	if (res != STORE_OK) {
		sandbox_forget(*buf, *len);
		free(*buf);
		*buf = NULL;
		*len = 0;
	}
	return res;
}

enum store_result
store_read(
    struct store *s, size_t max, unsigned char **buf, size_t *len, char *why)
{
	return read_whole(s, 0, max, buf, len, why);
}

enum store_result
store_read_linked(
    struct store *s, size_t max, unsigned char **buf, size_t *len, char *why)
{
	return read_whole(s, 1, max, buf, len, why);
}

uint64_t
store_written_id(const struct store *s)
{
	return s->written;
}

int
store_mode(const struct store *s)
{
	struct stat st;

	if (fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return (int)(st.st_mode & 0777);
}

/* ---- replacing ---- */

/* Does the file hold these bytes?  OK: it does not, `old` is what it holds. */
static enum store_result
compare(struct store *s, const struct store_bytes *b, unsigned char **old,
    size_t *len, char *why)
{
	enum store_result res;

	res = store_read(s, b->max, old, len, why);
	if (res == STORE_OK && *old != NULL && *len == b->len &&
	    memcmp(*old, b->p, b->len) == 0)
		return STORE_UNCHANGED;
	return res;
}

/* OK or ABSENT: it is to be replaced. */
static enum store_result
decide(struct store *s, const struct store_bytes *b, store_better *better,
    void *ctx, char *why)
{
	enum store_result res;
	unsigned char *old;
	size_t len;

	res = compare(s, b, &old, &len, why);
	if ((res == STORE_OK || res == STORE_ABSENT) && !better(ctx, old, len))
		res = STORE_KEPT;
	sandbox_forget(old, len);
	free(old);
	return res;
}

/* Makes the rename durable, now or with all others. */
static enum store_result
flush_rename(const struct store *s, int dir, char *why)
{
	if (s->shared != NULL && dir_owe_flush(s->shared, s->path) == 0)
		return STORE_WRITTEN;
	if (dir_sync(dir) == 0)
		return STORE_WRITTEN;
	store_fail(s, "flush to the disk the directory of", why);
	return STORE_NOT_DURABLE;
}

static enum store_result
replace_locked(struct store *s, struct lockfile *l, int dir,
    const struct store_bytes *b, store_better *better, void *ctx, char *why)
{
	enum store_result res;
	int made = 0, absent;
	struct stat st;

	/* it may have changed since it was looked at without the lock */
	res = decide(s, b, better, ctx, why);
	if (res != STORE_OK && res != STORE_ABSENT)
		return res;
	res = look(s, 0, &st, why);
	if (res != STORE_OK && res != STORE_ABSENT)
		return res;
	absent = res == STORE_ABSENT;
	res = STORE_OK;
	if (b->mark != NULL)
		res = marker_set(s, dir, b->mark, &made, why);
	if (res == STORE_OK)
		res = tempfile_put(s, l, b, absent ? NULL : &st, why);
	if (res == STORE_WRITTEN)
		return flush_rename(s, dir, why);
	/* who took the lock away may count on the marker by now */
	if (made && store_is_named(s, l->name, l->fd))
		marker_undo(s);
	return res;
}

enum store_result
store_replace(struct store *s, const struct store_bytes *b,
    store_better *better, void *ctx, char *why)
{
	enum store_result res;
	struct lockfile l;
	char ignored[WHY_MAX];
	int dir;

	lockfile_init(&l, s->name);
	res = decide(s, b, better, ctx, why);
	if (res != STORE_OK && res != STORE_ABSENT) {
		/* what a killed run left is no reason to fail, if it stays */
		(void)lockfile_clear(s, &l, b->now, ignored);
		return res;
	}
	if ((dir = dir_to_flush(s)) == -1)
		return store_fail(s, "open the directory of", why);
	if ((res = lockfile_open(s, &l, b->now, why)) == STORE_OK) {
		res = replace_locked(s, &l, dir, b, better, ctx, why);
		lockfile_close(s, &l);
	}
	if (s->shared == NULL)
		close(dir);
	return res;
}

enum store_result
store_try(struct store *s, const struct store_bytes *b, store_better *better,
    void *ctx, char *why)
{
	char name[NAME_MAX + 1];
	enum store_result res;
	struct lockfile l;
	struct stat st;

	res = decide(s, b, better, ctx, why);
	if (res != STORE_OK && res != STORE_ABSENT)
		return res;
	if ((res = store_check_writable(s, why)) != STORE_OK)
		return res;
	lockfile_init(&l, s->name);
	if (fstatat(s->dir, l.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return store_in_the_way(s, l.name, store_kind(st.st_mode), why);
	store_hide(name, s->name, MARKER);
	if (b->mark != NULL) {
		res = marker_look(s, name, &st, why);
		if (res != STORE_OK && res != STORE_ABSENT)
			return res;
	}
	why[0] = '\0';
	return STORE_WRITTEN;
}

/* ---- the marker, when all was told ---- */

enum store_result
store_told(const char *path, int64_t now, const struct store_mark *m, char *why)
{
	enum store_result res;
	struct store *s;

	if ((res = store_open(path, &s, why)) != STORE_OK)
		return res;
	res = marker_remove(s, now, m, why);
	store_close(s);
	return res;
}
