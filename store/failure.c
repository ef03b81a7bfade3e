/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE /* statx() */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"
#include "util/words.h"

/* "user NAME (NUMBER)" */
#define USER_MAX 96

enum store_result
store_fail(const struct store *s, const char *what, char *why)
{
	char error[WORDS_ERROR_MAX];

	words_set(why, WHY_MAX, "cannot %s %s: %s", what, s->path,
	    words_error(error, errno, (long)geteuid()));
	return STORE_FAILED;
}

const char *
store_kind(mode_t mode)
{
	return S_ISLNK(mode)                 ? "a symbolic link"
	    : S_ISDIR(mode)                  ? "a directory"
	    : S_ISFIFO(mode)                 ? "a FIFO"
	    : S_ISSOCK(mode)                 ? "a socket"
	    : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
					     : "something else";
}

enum store_result
store_in_the_way(
    const struct store *s, const char *name, const char *what, char *why)
{
	words_set(why, WHY_MAX,
	    "%s is in the way beside %s: %s, which no run of this program "
	    "makes; remove it",
	    name, s->path, what);
	return STORE_FAILED;
}

/* "user ocsp (998)", or without the name where there is none. */
static void
name_user(char out[USER_MAX])
{
	struct passwd pw, *found = NULL;
	const long me = (long)geteuid();
	char buf[1024];

	if (getpwuid_r((uid_t)me, &pw, buf, sizeof(buf), &found) == 0 &&
	    found != NULL)
		snprintf(out, USER_MAX, "user %s (%ld)", pw.pw_name, me);
	else
		snprintf(out, USER_MAX, "user %ld", me);
}

/*
 * Nothing can be made beside the file, by `errno`.  systemd mounts what a
 * service is not to write to read-only for it.
 */
static enum store_result
fail_directory(const struct store *s, char *why)
{
	const int error = errno;
	char user[USER_MAX], *dir = dir_of(s->path);
	char *full = dir != NULL ? realpath(dir, NULL) : NULL;
	const char *name = full != NULL ? full : dir != NULL ? dir : "";

	if (error != EROFS) {
		name_user(user);
		words_set(why, WHY_MAX,
		    "cannot replace %s: %s cannot write in the directory "
		    "%s: %s",
		    s->path, user, name, strerror(error));
	} else if (getenv("INVOCATION_ID") == NULL)
		words_set(why, WHY_MAX,
		    "cannot replace %s: the directory %s is read-only "
		    "(%s)",
		    s->path, name, strerror(error));
	else
		words_set(why, WHY_MAX,
		    "cannot replace %s: its directory is read-only for "
		    "this "
		    "service (%s): add ReadWritePaths=%s to its unit "
		    "(systemctl "
		    "edit)",
		    s->path, strerror(error), name);
	free(full);
	free(dir);
	return STORE_FAILED;
}

/* Is something mounted on it by itself, so that no rename replaces it? */
static int
is_mount(const struct store *s)
{
#if defined(STATX_BASIC_STATS) && defined(STATX_ATTR_MOUNT_ROOT)
	struct statx st;

	return statx(s->dir, s->name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) ==
	    0 &&
	    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
	(void)s;
	return 0;
#endif
}

enum store_result
store_fail_mount(const struct store *s, char *why)
{
	words_set(why, WHY_MAX,
	    "%s is a mount point of its own (as docker run -v FILE:FILE "
	    "makes it), which cannot be replaced: mount its directory instead",
	    s->path);
	return STORE_FAILED;
}

enum store_result
store_fail_create(const struct store *s, char *why)
{
	const int error = errno;

	if (is_mount(s))
		return store_fail_mount(s, why);
	errno = error;
	return error == EACCES || error == EPERM || error == EROFS
	    ? fail_directory(s, why)
	    : store_fail(s, "create a temporary file beside", why);
}

/* POSIX lets only its owner replace a file in a sticky directory. */
static int
is_guarded(const struct store *s)
{
	struct stat dir, file;
	uid_t me = geteuid();

	return me != 0 && fstatat(s->dir, ".", &dir, 0) == 0 &&
	    (dir.st_mode & S_ISVTX) != 0 && dir.st_uid != me &&
	    fstatat(s->dir, s->name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	    file.st_uid != me;
}

/* As far as one can tell without trying. */
enum store_result
store_check_writable(const struct store *s, char *why)
{
	if (faccessat(s->dir, ".", R_OK | W_OK | X_OK, AT_EACCESS) == -1)
		return fail_directory(s, why);
	if (is_guarded(s)) {
		errno = EPERM;
		return store_fail(s, "replace", why);
	}
	return is_mount(s) ? store_fail_mount(s, why) : STORE_OK;
}
