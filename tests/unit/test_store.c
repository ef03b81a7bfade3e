/* SPDX-License-Identifier: ISC */
/*
 * The store by itself: what it finds, what it replaces and when it asks,
 * and what remains of it when something fails or is swapped beneath it.
 */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "handy.h"
#include "store/store.h"
#include "util/words.h"

#define NOBODY 65534
#define MAX 4096

/* A directory for each test, which is also where we are. */
static char base[64];
static char dir[96];
static char why[WHY_MAX];

/* What was asked of `better`, and what it is to say. */
struct asked {
	int answer;
	int fickle; /* the other thing from the second time on */
	int times;
	int absent; /* was told that there is no file */
	size_t len;
	unsigned char old[MAX];
	struct store *rival; /* tries to save each time that it is asked */
	enum store_result first, second; /* and with this result */
};

static enum store_result replace(
    struct store *, const char *bytes, struct asked *);

static int
better(void *ctx, const unsigned char *old, size_t len)
{
	struct asked *a = ctx, yes = {.answer = 1};
	enum store_result res;

	a->times++;
	a->absent = old == NULL;
	a->len = len;
	if (old != NULL) {
		assert_true(len <= sizeof(a->old));
		memcpy(a->old, old, len);
	}
	if (a->rival != NULL) {
		res = replace(a->rival, "rival", &yes);
		*(a->times == 1 ? &a->first : &a->second) = res;
	}
	return a->fickle && a->times > 1 ? !a->answer : a->answer;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/test_store.XXXXXX");
	if (mkdtemp(base) == NULL || chmod(base, 0755) == -1)
		return -1;
	snprintf(dir, sizeof(dir), "%s/d", base);
	why[0] = '\0';
	umask(022);
	return mkdir(dir, 0755) == 0 ? chdir(dir) : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

/* ---- files ---- */

static struct stat
look(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st;
}

/* The same inode, untouched since. */
static void
assert_same(const char *name, const struct stat *was)
{
	struct stat is = look(name);

	assert_int_equal(is.st_ino, was->st_ino);
	assert_int_equal(is.st_mode, was->st_mode);
	assert_int_equal(is.st_size, was->st_size);
	assert_int_equal(is.st_mtim.tv_sec, was->st_mtim.tv_sec);
	assert_int_equal(is.st_mtim.tv_nsec, was->st_mtim.tv_nsec);
	assert_int_equal(is.st_ctim.tv_sec, was->st_ctim.tv_sec);
	assert_int_equal(is.st_ctim.tv_nsec, was->st_ctim.tv_nsec);
}

/* How many names there are in a directory; `one` is one that begins with it. */
static int
names(const char *path, const char *begin, char one[NAME_MAX + 1])
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		if (one != NULL &&
		    strncmp(e->d_name, begin, strlen(begin)) == 0)
			snprintf(one, NAME_MAX + 1, "%s", e->d_name);
	}
	closedir(d);
	return n;
}

static void
make_socket(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", name);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
}

/* This directory may be read and searched, not written. */
static void
lose_rights(void)
{
	assert_int_equal(chmod(".", 0555), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
}

static void
regain_rights(void)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(".", 0755), 0);
}

/* ---- the room ---- */

static struct store *
opened(const char *path)
{
	struct store *s;

	assert_int_equal(store_open(path, &s, why), STORE_OK);
	assert_non_null(s);
	return s;
}

static enum store_result
replace(struct store *s, const char *bytes, struct asked *a)
{
	const struct store_bytes b = {.p = (const unsigned char *)bytes,
	    .len = strlen(bytes),
	    .max = MAX,
	    .mode = 0640,
	    .now = time(NULL),
	    0};

	why[0] = '\0';
	return store_replace(s, &b, better, a, why);
}

/* The same, from the first look to the last. */
static enum store_result
put(const char *path, const char *bytes, struct asked *a)
{
	struct store *s = opened(path);
	enum store_result res = replace(s, bytes, a);

	store_close(s);
	return res;
}

/* ---- open ---- */

static void
a_file_need_not_exist_to_be_opened(void **state)
{
	(void)state;
	store_close(opened("site.ocsp"));
	store_close(opened("./site.ocsp"));
	store_close(opened("/site.ocsp"));
	assert_int_equal(names(dir, "", NULL), 0);
}

static void
a_directory_that_is_missing_is_a_failure(void **state)
{
	struct store *s = (struct store *)why;

	(void)state;
	assert_int_equal(
	    store_open("missing/site.ocsp", &s, why), STORE_FAILED);
	assert_null(s);
	assert_non_null(strstr(why, "missing"));
	assert_non_null(strstr(why, "No such file"));
}

static void
a_file_in_place_of_the_directory_is_a_failure(void **state)
{
	struct store *s;

	(void)state;
	make("file", "x");
	assert_int_equal(store_open("file/site.ocsp", &s, why), STORE_FAILED);
	assert_null(s);
	assert_non_null(strstr(why, "file"));
	assert_content("file", "x");
}

static void
a_path_without_a_name_is_a_failure(void **state)
{
	static const char *const paths[] = {"", "/", "./", "../d/"};
	struct store *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		why[0] = '\0';
		assert_int_equal(store_open(paths[i], &s, why), STORE_FAILED);
		assert_null(s);
		assert_string_not_equal(why, "");
	}
}

static void
nothing_may_be_closed(void **state)
{
	(void)state;
	store_close(NULL);
	store_dirs_free(NULL);
}

/* ---- read ---- */

static void
assert_reads(size_t max, enum store_result want, const char *content)
{
	struct store *s = opened("site.ocsp");
	unsigned char *buf = (unsigned char *)why;
	size_t len = 99;

	assert_int_equal(store_read(s, max, &buf, &len, why), want);
	store_close(s);
	if (want != STORE_OK) {
		assert_null(buf);
		assert_int_equal(len, 0);
		return;
	}
	assert_int_equal(len, strlen(content));
	assert_memory_equal(buf, content, len);
	free(buf);
}

static void
what_is_not_there_is_absent(void **state)
{
	(void)state;
	assert_reads(MAX, STORE_ABSENT, NULL);
}

static void
all_bytes_are_read(void **state)
{
	(void)state;
	make("site.ocsp", "a response");
	assert_reads(MAX, STORE_OK, "a response");
	assert_reads(10, STORE_OK, "a response");
}

static void
an_empty_file_is_read_as_no_bytes(void **state)
{
	(void)state;
	make("site.ocsp", "");
	assert_reads(MAX, STORE_OK, "");
}

static void
no_more_is_read_than_was_asked_for(void **state)
{
	(void)state;
	make("site.ocsp", "a response");
	assert_reads(9, STORE_OK, "a respons");
	assert_reads(1, STORE_OK, "a");
	/* nor is memory wanted for what is not read */
	assert_int_equal(truncate("site.ocsp", (off_t)1 << 32), 0);
	assert_reads(10, STORE_OK, "a response");
}

static void
a_file_that_cannot_be_read_is_a_failure(void **state)
{
	enum store_result res;
	struct store *s;
	unsigned char *buf;
	size_t len;

	(void)state;
	make("site.ocsp", "a response");
	assert_int_equal(chmod("site.ocsp", 0), 0);
	s = opened("site.ocsp");
	lose_rights();
	res = store_read(s, MAX, &buf, &len, why);
	regain_rights();
	store_close(s);
	assert_int_equal(res, STORE_FAILED);
	assert_null(buf);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_non_null(strstr(why, "ermission denied"));
}

static void
a_name_that_is_too_long_is_a_failure(void **state)
{
	char name[NAME_MAX + 2];
	struct store *s;
	unsigned char *buf;
	size_t len;

	(void)state;
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	s = opened(name);
	assert_int_equal(store_read(s, MAX, &buf, &len, why), STORE_FAILED);
	assert_null(buf);
	assert_string_not_equal(why, "");
	store_close(s);
}

/* ---- what is no regular file ---- */

static void
assert_refused(const char *kind)
{
	struct stat was = look("site.ocsp");
	struct asked a = {.answer = 1};
	struct store *s = opened("site.ocsp");
	unsigned char *buf;
	size_t len;
	int before = names(dir, "", NULL);

	assert_int_equal(store_read(s, MAX, &buf, &len, why), STORE_REFUSED);
	assert_null(buf);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_non_null(strstr(why, kind));
	assert_int_equal(replace(s, "new", &a), STORE_REFUSED);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_non_null(strstr(why, kind));
	assert_int_equal(a.times, 0);
	store_close(s);
	assert_same("site.ocsp", &was);
	assert_int_equal(names(dir, "", NULL), before);
}

static void
a_symbolic_link_is_refused(void **state)
{
	struct stat was;

	(void)state;
	make("target", "precious");
	was = look("target");
	assert_int_equal(symlink("target", "site.ocsp"), 0);
	assert_refused("a symbolic link");
	assert_same("target", &was);
	assert_content("target", "precious");
}

static void
a_dangling_symbolic_link_is_refused(void **state)
{
	(void)state;
	assert_int_equal(symlink("born", "site.ocsp"), 0);
	assert_refused("a symbolic link");
	assert_int_equal(access("born", F_OK), -1);
}

static void
a_fifo_is_refused_and_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("site.ocsp", 0644), 0);
	alarm(10);
	assert_refused("a FIFO");
	alarm(0);
}

static void
a_directory_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir("site.ocsp", 0755), 0);
	assert_refused("a directory");
}

static void
a_socket_is_refused(void **state)
{
	(void)state;
	make_socket("site.ocsp");
	assert_refused("a socket");
}

/* ---- try ---- */

/* What replacing it would end with, and nothing is made. */
static enum store_result
try_marked(const char *path, struct store_mark *m)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, m, time(NULL), 0};
	struct asked yes = {.answer = 1};
	int before = names(dir, "", NULL);
	enum store_result res;
	struct store *s;

	assert_int_equal(store_open(path, &s, why), STORE_OK);
	if (getuid() == 0 && m == NULL)
		assert_int_equal(seteuid(NOBODY), 0);
	res = store_try(s, &b, better, &yes, why);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	store_close(s);
	assert_int_equal(names(dir, "", NULL), before);
	return res;
}

static enum store_result
try(const char *path)
{
	return try_marked(path, NULL);
}

static void
one_can_tell_what_replacing_would_end_with(void **state)
{
	struct asked no = {.answer = 0};
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 0};
	struct store *s = opened("same");

	(void)state;
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(try("absent"), STORE_WRITTEN);
	make("old", "old");
	assert_int_equal(try("old"), STORE_WRITTEN);
	assert_content("old", "old");
	make("same", "new");
	assert_int_equal(try("same"), STORE_UNCHANGED);
	make("same", "better");
	assert_int_equal(store_try(s, &b, better, &no, why), STORE_KEPT);
	store_close(s);
	assert_int_equal(symlink("old", "link"), 0);
	assert_int_equal(try("link"), STORE_REFUSED);
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(try("d"), STORE_REFUSED);
}

static void
one_can_tell_that_a_directory_is_not_writable(void **state)
{
	char user[32];

	(void)state;
	if (geteuid() != 0)
		skip();
	make("same", "new");
	assert_int_equal(try("site.ocsp"), STORE_FAILED);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_non_null(strstr(why, dir));
	snprintf(user, sizeof(user), "(%d)", NOBODY);
	assert_non_null(strstr(why, user));
	assert_non_null(strstr(why, "ermission denied"));
	assert_int_equal(try("same"), STORE_UNCHANGED);
}

/* What a run leaves while it is killed shows the names. */
static void kill_a_writer(const char *name);

static void
one_can_tell_that_something_is_in_the_way(void **state)
{
	char temp[NAME_MAX + 1] = "";
	struct store_mark m = {0};

	(void)state;
	assert_int_equal(chmod(".", 0777), 0);
	kill_a_writer("f");
	assert_int_equal(names(dir, ".f.", temp), 2);
	assert_int_equal(try_marked("f", &m), STORE_WRITTEN);
	assert_int_equal(unlink(temp), 0);
	assert_int_equal(mkdir(temp, 0755), 0);
	assert_int_equal(try_marked("f", &m), STORE_FAILED);
	assert_non_null(strstr(why, temp));
	assert_int_equal(rmdir(temp), 0);
	make(".f.changed", "\n");
	assert_int_equal(try_marked("f", &m), STORE_WRITTEN);
	assert_int_equal(unlink(".f.changed"), 0);
	assert_int_equal(symlink("other", ".f.changed"), 0);
	assert_int_equal(try_marked("f", &m), STORE_FAILED);
	assert_non_null(strstr(why, ".f.changed is in the way"));
	/* who makes no marker has nothing in the way */
	assert_int_equal(try("f"), STORE_WRITTEN);
}

static void
one_can_tell_that_a_sticky_directory_guards_what_is_anothers(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make("theirs", "old");
	make("ours", "old");
	assert_int_equal(chown("ours", NOBODY, NOBODY), 0);
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(try("theirs"), STORE_WRITTEN);
	assert_int_equal(chmod(".", 01777), 0);
	assert_int_equal(try("ours"), STORE_WRITTEN);
	assert_int_equal(try("absent"), STORE_WRITTEN);
	assert_int_equal(try("theirs"), STORE_FAILED);
	assert_non_null(strstr(why, strerror(EPERM)));
	/* the directory's owner may */
	assert_int_equal(chown(".", NOBODY, NOBODY), 0);
	assert_int_equal(try("theirs"), STORE_WRITTEN);
}

static void
one_can_tell_the_mode_that_a_file_has_now(void **state)
{
	struct asked a = {.answer = 1};
	struct store *s = opened("site.ocsp");

	(void)state;
	assert_int_equal(store_mode(s), -1);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_int_equal(store_mode(s), 0640);
	assert_int_equal(chmod("site.ocsp", 0), 0);
	assert_int_equal(store_mode(s), 0);
	store_close(s);
}

/* ---- replace ---- */

static void
a_new_file_is_written_with_its_mode_whatever_the_umask(void **state)
{
	struct asked a = {.answer = 1};

	(void)state;
	umask(077);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_int_equal(a.times, 2);
	assert_true(a.absent);
	assert_int_equal(a.len, 0);
	assert_content("site.ocsp", "new");
	assert_int_equal(look("site.ocsp").st_mode, S_IFREG | 0640);
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
one_is_asked_with_the_old_bytes(void **state)
{
	struct asked a = {.answer = 1};
	struct stat was;

	(void)state;
	make("site.ocsp", "old bytes");
	was = look("site.ocsp");
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_int_equal(a.times, 2);
	assert_false(a.absent);
	assert_int_equal(a.len, 9);
	assert_memory_equal(a.old, "old bytes", 9);
	assert_content("site.ocsp", "new");
	assert_int_not_equal(look("site.ocsp").st_ino, was.st_ino);
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
an_empty_file_is_not_an_absent_one(void **state)
{
	struct asked a = {.answer = 0};

	(void)state;
	make("site.ocsp", "");
	assert_int_equal(put("site.ocsp", "new", &a), STORE_KEPT);
	assert_int_equal(a.times, 1);
	assert_false(a.absent);
	assert_int_equal(a.len, 0);
}

static void
one_is_asked_about_no_more_than_the_limit(void **state)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, 5, 0644, NULL, time(NULL), 0};
	struct asked a = {.answer = 0};
	struct store *s;

	(void)state;
	make("site.ocsp", "old bytes");
	s = opened("site.ocsp");
	assert_int_equal(store_replace(s, &b, better, &a, why), STORE_KEPT);
	store_close(s);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.old, "old b", 5);
}

static void
what_begins_with_the_same_bytes_is_not_the_same(void **state)
{
	struct asked a = {.answer = 1};

	(void)state;
	make("site.ocsp", "new and more");
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_content("site.ocsp", "new");
	assert_int_equal(put("site.ocsp", "new again", &a), STORE_WRITTEN);
	assert_content("site.ocsp", "new again");
	assert_int_equal(a.times, 4);
}

static void
what_is_better_is_kept(void **state)
{
	struct asked a = {.answer = 0};
	struct stat was;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	assert_int_equal(put("site.ocsp", "new", &a), STORE_KEPT);
	assert_int_equal(a.times, 1);
	assert_same("site.ocsp", &was);
	assert_content("site.ocsp", "old");
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
nothing_is_made_if_nothing_is_better(void **state)
{
	struct asked a = {.answer = 0};

	(void)state;
	assert_int_equal(put("site.ocsp", "new", &a), STORE_KEPT);
	assert_int_equal(a.times, 1);
	assert_int_equal(names(dir, "", NULL), 0);
}

static void
equal_bytes_are_unchanged_and_nobody_is_asked(void **state)
{
	struct asked a = {.answer = 1};
	enum store_result res;
	struct store *s;
	struct stat was;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	s = opened("site.ocsp");
	assert_int_equal(replace(s, "old", &a), STORE_UNCHANGED);
	assert_int_equal(a.times, 0);
	assert_same("site.ocsp", &was);
	/* nor is the right to write needed */
	lose_rights();
	res = replace(s, "old", &a);
	regain_rights();
	store_close(s);
	assert_int_equal(res, STORE_UNCHANGED);
	assert_int_equal(a.times, 0);
	assert_same("site.ocsp", &was);
}

static void
a_file_keeps_its_mode(void **state)
{
	static const mode_t modes[] = {0600, 0444, 0664, 0777};
	struct asked a = {.answer = 1};
	size_t i;

	(void)state;
	umask(077);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		unlink("site.ocsp");
		make("site.ocsp", "old");
		assert_int_equal(chmod("site.ocsp", modes[i]), 0);
		assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
		assert_content("site.ocsp", "new");
		assert_int_equal(look("site.ocsp").st_mode, S_IFREG | modes[i]);
	}
}

static void
a_file_keeps_its_owner_and_group(void **state)
{
	struct asked a = {.answer = 1};
	struct stat is;

	(void)state;
	if (geteuid() != 0)
		skip();
	make("site.ocsp", "old");
	assert_int_equal(chown("site.ocsp", 12345, 23456), 0);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	is = look("site.ocsp");
	assert_int_equal(is.st_uid, 12345);
	assert_int_equal(is.st_gid, 23456);
	assert_content("site.ocsp", "new");
}

static void
where_its_owner_cannot_be_kept_it_is_not_tried(void **state)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 1};
	struct asked a = {.answer = 1};
	struct store *s;
	struct stat is;

	(void)state;
	if (geteuid() != 0)
		skip();
	make("site.ocsp", "old");
	assert_int_equal(chown("site.ocsp", 12345, 23456), 0);
	assert_int_equal(chmod("site.ocsp", 0604), 0);
	s = opened("site.ocsp");
	assert_int_equal(store_replace(s, &b, better, &a, why), STORE_WRITTEN);
	store_close(s);
	is = look("site.ocsp");
	assert_int_equal(is.st_uid, 0);
	assert_int_equal(is.st_mode & 0777, 0604);
	assert_content("site.ocsp", "new");
}

/* ---- the lock ---- */

static void
what_is_saved_before_the_lock_is_met_under_it(void **state)
{
	struct asked a = {.answer = 1};
	struct store *s = opened("site.ocsp");

	(void)state;
	make("site.ocsp", "old");
	a.rival = opened("site.ocsp");
	alarm(10);
	assert_int_equal(replace(s, "new", &a), STORE_WRITTEN);
	alarm(0);
	/* asked for the first time, it has no lock; for the second, it has */
	assert_int_equal(a.times, 2);
	assert_int_equal(a.first, STORE_WRITTEN);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.old, "rival", 5);
	assert_int_equal(a.second, STORE_UNCHANGED);
	assert_content("site.ocsp", "new");
	assert_int_equal(names(dir, "", NULL), 1);
	store_close(a.rival);
	store_close(s);
}

/* What a rival meets under the lock of another; `ctx` is as of better(). */
static int
meanwhile(void *ctx, const unsigned char *old, size_t len)
{
	struct asked *a = ctx, no = {.answer = 0}, yes = {.answer = 1};
	struct stat was;

	(void)old;
	(void)len;
	if (++a->times == 1)
		return 1;
	was = look("site.ocsp");
	alarm(10);
	a->first = replace(a->rival, "rival", &yes);
	a->second = replace(a->rival, "rival", &yes);
	assert_non_null(strstr(why, "site.ocsp"));
	/* who has nothing to save needs no lock */
	assert_int_equal(replace(a->rival, "rival", &no), STORE_KEPT);
	assert_int_equal(replace(a->rival, "old", &no), STORE_UNCHANGED);
	/* and another file has another one */
	assert_int_equal(put("other.ocsp", "other", &yes), STORE_WRITTEN);
	alarm(0);
	assert_same("site.ocsp", &was);
	return a->answer;
}

static void
assert_rival_is_busy(int answer, enum store_result res, const char *content)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 0};
	struct asked a = {.answer = answer}, yes = {.answer = 1};
	struct store *s = opened("site.ocsp");

	a.rival = opened("site.ocsp");
	assert_int_equal(store_replace(s, &b, meanwhile, &a, why), res);
	assert_int_equal(a.times, 2);
	assert_int_equal(a.first, STORE_BUSY);
	assert_int_equal(a.second, STORE_BUSY);
	assert_content("site.ocsp", content);
	assert_int_equal(names(dir, "", NULL), 2);
	assert_int_equal(replace(a.rival, "rival", &yes), STORE_WRITTEN);
	assert_content("site.ocsp", "rival");
	assert_int_equal(names(dir, "", NULL), 2);
	store_close(a.rival);
	store_close(s);
}

static void
who_comes_while_another_saves_is_told_busy_at_once(void **state)
{
	(void)state;
	make("site.ocsp", "old");
	assert_rival_is_busy(1, STORE_WRITTEN, "new");
}

static void
the_lock_is_given_back_if_nothing_is_written(void **state)
{
	(void)state;
	make("site.ocsp", "old");
	assert_rival_is_busy(0, STORE_KEPT, "old");
}

static void
a_lock_on_the_directory_is_in_nobodys_way(void **state)
{
	struct asked a = {.answer = 1};
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	close(fd);
	assert_content("site.ocsp", "new");
}

static void
one_may_change_ones_mind_under_the_lock(void **state)
{
	struct asked a = {.answer = 1, .fickle = 1};
	struct stat was;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	assert_int_equal(put("site.ocsp", "new", &a), STORE_KEPT);
	assert_int_equal(a.times, 2);
	assert_same("site.ocsp", &was);
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
what_another_saved_meanwhile_is_what_one_is_asked_about(void **state)
{
	struct asked a = {.answer = 1}, b = {.answer = 0};
	struct store *s, *t;

	(void)state;
	make("site.ocsp", "old");
	s = opened("site.ocsp");
	t = opened("site.ocsp");
	assert_int_equal(replace(s, "first", &a), STORE_WRITTEN);
	assert_int_equal(replace(t, "second", &b), STORE_KEPT);
	assert_int_equal(b.times, 1);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.old, "first", 5);
	assert_content("site.ocsp", "first");
	/* a handle serves more than once */
	assert_int_equal(replace(t, "first", &b), STORE_UNCHANGED);
	b.answer = 1;
	assert_int_equal(replace(t, "third", &b), STORE_WRITTEN);
	assert_content("site.ocsp", "third");
	store_close(s);
	store_close(t);
}

/* ---- the directory ---- */

static void
a_directory_swapped_for_a_link_is_not_written_to(void **state)
{
	char path[128], moved[128], trap[128], file[256];
	struct asked a = {.answer = 1};
	struct store *s;

	(void)state;
	snprintf(path, sizeof(path), "%s/site.ocsp", dir);
	snprintf(moved, sizeof(moved), "%s/moved", base);
	snprintf(trap, sizeof(trap), "%s/trap", base);
	make("site.ocsp", "old");
	s = opened(path);
	assert_int_equal(rename(dir, moved), 0);
	assert_int_equal(mkdir(trap, 0755), 0);
	assert_int_equal(symlink(trap, dir), 0);
	snprintf(file, sizeof(file), "%s/site.ocsp", trap);
	make(file, "precious");
	assert_int_equal(replace(s, "new", &a), STORE_WRITTEN);
	store_close(s);
	assert_content(file, "precious");
	assert_int_equal(names(trap, "", NULL), 1);
	assert_memory_equal(a.old, "old", 3);
	snprintf(file, sizeof(file), "%s/site.ocsp", moved);
	assert_content(file, "new");
	assert_int_equal(names(moved, "", NULL), 1);
}

static void
a_directory_that_was_removed_is_a_failure(void **state)
{
	struct asked a = {.answer = 1};
	struct store *s;

	(void)state;
	assert_int_equal(mkdir("sub", 0755), 0);
	s = opened("sub/site.ocsp");
	assert_int_equal(rmdir("sub"), 0);
	assert_int_equal(replace(s, "new", &a), STORE_FAILED);
	assert_string_not_equal(why, "");
	store_close(s);
	assert_int_equal(names(dir, "", NULL), 0);
}

static void
a_directory_that_may_not_be_written_is_a_failure(void **state)
{
	struct asked a = {.answer = 1};
	struct store *s;
	enum store_result res;
	struct stat was;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	s = opened("site.ocsp");
	lose_rights();
	res = replace(s, "new", &a);
	regain_rights();
	store_close(s);
	assert_int_equal(res, STORE_FAILED);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_non_null(strstr(why, "ermission denied"));
	assert_same("site.ocsp", &was);
	assert_int_equal(names(dir, "", NULL), 1);
}

/* ---- a writer that fails, and one that is killed ---- */

/*
 * Replaces in a child that may write no byte: which ends it by SIGXFSZ in the
 * middle, or, where `forgiven`, lets the write fail.  Returns its wait status,
 * of which the exit status is the result.
 */
static int
replace_in_child(const char *name, int forgiven)
{
	const struct rlimit none = {0, 0};
	struct asked a = {.answer = 1};
	int status = 0;
	pid_t pid;

	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		signal(SIGXFSZ, forgiven ? SIG_IGN : SIG_DFL);
		if (setrlimit(RLIMIT_FSIZE, &none) == -1)
			_exit(99);
		_exit((int)put(name, "new", &a));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
a_write_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
	struct stat was;
	int status;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	status = replace_in_child("site.ocsp", 1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STORE_FAILED);
	assert_same("site.ocsp", &was);
	assert_content("site.ocsp", "old");
	assert_int_equal(names(dir, "", NULL), 1);
}

/* Leaves what a killed writer of `name` leaves. */
static void
kill_a_writer(const char *name)
{
	int status = replace_in_child(name, 0);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXFSZ);
}

static void
what_a_killed_writer_left_is_removed_by_the_next(void **state)
{
	struct asked a = {.answer = 1};
	char temp[NAME_MAX + 1] = "";
	struct stat was;

	(void)state;
	make("site.ocsp", "old");
	was = look("site.ocsp");
	kill_a_writer("site.ocsp");
	assert_same("site.ocsp", &was);
	assert_int_equal(names(dir, ".site.ocsp.", temp), 3);
	assert_int_equal(strlen(temp), strlen(".site.ocsp.XXXXXX"));
	/* until it is complete, nobody else may read it */
	assert_int_equal(look(temp).st_mode, S_IFREG | 0600);
	assert_int_equal(names(dir, ".site.ocsp-", temp), 3);
	assert_int_equal(look(temp).st_mode, S_IFREG | 0600);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_content("site.ocsp", "new");
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
what_a_killed_writer_left_is_removed_even_if_nothing_is_saved(void **state)
{
	struct asked a = {.answer = 0};

	(void)state;
	make("site.ocsp", "old");
	kill_a_writer("site.ocsp");
	assert_int_equal(names(dir, "", NULL), 3);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_KEPT);
	assert_int_equal(names(dir, "", NULL), 1);
	kill_a_writer("site.ocsp");
	assert_int_equal(put("site.ocsp", "old", &a), STORE_UNCHANGED);
	assert_int_equal(names(dir, "", NULL), 1);
	assert_content("site.ocsp", "old");
}

/* It has the mode of the old file already when it is about to be renamed. */
static void
what_a_killed_writer_left_is_removed_whatever_its_mode(void **state)
{
	static const mode_t modes[] = {0600, 0644, 0444, 0400};
	struct asked a = {.answer = 1};
	char temp[NAME_MAX + 1] = "";
	enum store_result res;
	struct store *s;
	size_t i;

	(void)state;
	assert_int_equal(chmod(".", 0777), 0);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		kill_a_writer("site.ocsp");
		assert_int_equal(names(dir, ".site.ocsp.", temp), 2);
		assert_int_equal(chmod(temp, modes[i]), 0);
		/* its owner need not be root */
		if (geteuid() == 0) {
			assert_int_equal(chown(temp, NOBODY, NOBODY), 0);
			assert_int_equal(seteuid(NOBODY), 0);
		}
		s = opened("site.ocsp");
		res = replace(s, "new", &a);
		store_close(s);
		if (getuid() == 0)
			assert_int_equal(seteuid(0), 0);
		assert_int_equal(res, STORE_WRITTEN);
		assert_content("site.ocsp", "new");
		assert_int_equal(names(dir, "", NULL), 1);
		assert_int_equal(unlink("site.ocsp"), 0);
	}
}

static void
what_stands_in_the_temporary_files_place_is_not_harmed(void **state)
{
	struct asked a = {.answer = 1};
	char temp[NAME_MAX + 1] = "", file[NAME_MAX + 16];

	(void)state;
	make("precious", "precious");
	kill_a_writer("site.ocsp");
	assert_int_equal(names(dir, ".site.ocsp.", temp), 3);
	assert_int_equal(unlink(temp), 0);
	assert_int_equal(symlink("precious", temp), 0);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_FAILED);
	assert_non_null(strstr(why, "symbolic link"));
	assert_content("precious", "precious");
	assert_int_equal(unlink(temp), 0);
	assert_int_equal(put("site.ocsp", "new", &a), STORE_WRITTEN);
	assert_content("site.ocsp", "new");
	assert_content("precious", "precious");

	assert_int_equal(mkdir(temp, 0755), 0);
	snprintf(file, sizeof(file), "%s/precious", temp);
	make(file, "precious");
	assert_int_equal(put("site.ocsp", "newer", &a), STORE_FAILED);
	assert_non_null(strstr(why, "site.ocsp"));
	assert_content("site.ocsp", "new");
	assert_content(file, "precious");
}

/* ---- long names ---- */

static void
a_name_of_any_length_gets_a_temporary_one_that_fits(void **state)
{
	char name[NAME_MAX + 1], temp[NAME_MAX + 1];
	struct asked a = {.answer = 1};
	size_t len;

	(void)state;
	for (len = NAME_MAX - 10; len <= NAME_MAX; len++) {
		memset(name, 'n', len);
		name[len] = '\0';
		kill_a_writer(name);
		temp[0] = '\0';
		assert_int_equal(names(dir, ".", temp), 2);
		assert_true(temp[0] == '.');
		assert_true(strlen(temp) <= NAME_MAX);
		assert_int_equal(put(name, "new", &a), STORE_WRITTEN);
		assert_content(name, "new");
		assert_int_equal(put(name, "newer", &a), STORE_WRITTEN);
		assert_content(name, "newer");
		assert_int_equal(names(dir, "", NULL), 1);
		assert_int_equal(unlink(name), 0);
	}
}

static void
long_names_that_differ_at_the_end_do_not_share_a_temporary_one(void **state)
{
	char one[NAME_MAX + 1], other[NAME_MAX + 1];
	struct asked a = {.answer = 1};

	(void)state;
	memset(one, 'n', NAME_MAX);
	one[NAME_MAX] = '\0';
	memcpy(other, one, sizeof(one));
	other[NAME_MAX - 1] = 'm';
	kill_a_writer(one);
	kill_a_writer(other);
	assert_int_equal(names(dir, "", NULL), 4);
	assert_int_equal(put(one, "new", &a), STORE_WRITTEN);
	/* its own is gone, the other's is not */
	assert_int_equal(names(dir, "", NULL), 3);
	assert_int_equal(put(other, "new", &a), STORE_WRITTEN);
	assert_int_equal(names(dir, "", NULL), 2);
	assert_content(one, "new");
	assert_content(other, "new");
}

/* ---- many ---- */

#define WRITERS 6
#define ROUNDS 40
#define WIDTH 3000 /* bytes, so that half a file is seen to be half */

/* A number, as often as it takes. */
static void
spell(char out[WIDTH + 1], int n)
{
	size_t i;

	for (i = 0; i < WIDTH; i += 6)
		snprintf(out + i, 7, "%06d", n);
}

/* The number that a file of them holds; -1: it holds half of one. */
static int
spelt(const unsigned char *p, size_t len)
{
	char want[WIDTH + 1], digits[7];
	int n;

	if (len != WIDTH)
		return -1;
	memcpy(digits, p, 6);
	digits[6] = '\0';
	n = atoi(digits);
	spell(want, n);
	return memcmp(p, want, WIDTH) == 0 ? n : -1;
}

static int
is_higher(void *ctx, const unsigned char *old, size_t len)
{
	const int *n = ctx;

	return old == NULL || spelt(old, len) < *n;
}

static int
write_numbers(int seed)
{
	char bytes[WIDTH + 1];
	struct store_bytes b = {(const unsigned char *)bytes, WIDTH, MAX, 0644,
	    NULL, time(NULL), 0};
	enum store_result res;
	struct store *s;
	int i, n;

	if (store_open("numbers", &s, why) != STORE_OK)
		return 1;
	for (i = 0; i < ROUNDS; i++) {
		n = (i * WRITERS + seed) * 7919 % 100000;
		spell(bytes, n);
		do
			res = store_replace(s, &b, is_higher, &n, why);
		while (res == STORE_BUSY);
		if (res == STORE_FAILED)
			break;
	}
	store_close(s);
	return i < ROUNDS;
}

static void
many_writers_leave_the_best_and_no_reader_sees_half_of_it(void **state)
{
	int i, n, best = 0, last = 0, torn = 0, failed = 0, left = 0, status;
	struct store *s = opened("numbers");
	unsigned char *buf;
	size_t len;

	(void)state;
	for (i = 0; i < WRITERS * ROUNDS; i++) {
		n = i * 7919 % 100000;
		best = n > best ? n : best;
	}
	fflush(NULL);
	for (i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(100);
			/* for who counts what is left, as valgrind does */
			store_close(s);
			_exit(write_numbers(i));
		}
		left += pid != -1;
	}
	/* nothing is asserted until all have ended */
	while (left > 0) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			failed += status != 0;
			left--;
		}
		if (store_read(s, MAX, &buf, &len, why) != STORE_OK)
			continue;
		n = spelt(buf, len);
		free(buf);
		torn += n < last;
		last = n;
	}
	store_close(s);
	assert_int_equal(failed, 0);
	assert_int_equal(torn, 0);
	assert_int_equal(last, best);
	assert_int_equal(names(dir, "", NULL), 1);
}

static int
open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* More of them than are kept open at a time, and one that stays in use. */
static void
many_directories_are_written_to_and_few_are_open(void **state)
{
	struct store_dirs *dirs = store_dirs_new();
	struct asked yes = {.answer = 1};
	struct store *held, *s;
	char path[32];
	int fds, i;

	(void)state;
	assert_non_null(dirs);
	fds = open_files();
	assert_int_equal(store_open_in(dirs, "held", &held, why), STORE_OK);
	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "d%d", i);
		assert_int_equal(mkdir(path, 0755), 0);
		snprintf(path, sizeof(path), "d%d/f", i);
		assert_int_equal(store_open_in(dirs, path, &s, why), STORE_OK);
		assert_int_equal(replace(s, "new", &yes), STORE_WRITTEN);
		store_close(s);
		assert_content(path, "new");
	}
	/* a handle or two for each that is kept */
	assert_in_range(open_files() - fds, 16, 2 * 16);
	assert_int_equal(replace(held, "new", &yes), STORE_WRITTEN);
	store_close(held);
	assert_content("held", "new");
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	store_dirs_free(dirs);
	assert_int_equal(open_files(), fds);
}

static void
no_directory_that_is_in_use_is_closed_for_another(void **state)
{
	struct store_dirs *dirs = store_dirs_new();
	struct asked yes = {.answer = 1};
	struct store *s[40];
	char path[32];
	size_t i;

	(void)state;
	assert_non_null(dirs);
	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "d%zu", i);
		assert_int_equal(mkdir(path, 0755), 0);
		snprintf(path, sizeof(path), "d%zu/f", i);
		assert_int_equal(
		    store_open_in(dirs, path, &s[i], why), STORE_OK);
	}
	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "d%zu/f", i);
		assert_int_equal(replace(s[i], path, &yes), STORE_WRITTEN);
		store_close(s[i]);
		assert_content(path, path);
	}
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	store_dirs_free(dirs);
}

static void
no_descriptor_is_left_open(void **state)
{
	struct asked yes = {.answer = 1}, no = {.answer = 0};
	struct store *s;
	int before = dup(0), after;

	(void)state;
	close(before);
	put("site.ocsp", "new", &yes);
	put("site.ocsp", "newer", &no);
	put("site.ocsp", "new", &yes);
	store_open("missing/site.ocsp", &s, why);
	store_open("", &s, why);
	assert_int_equal(symlink("site.ocsp", "link"), 0);
	put("link", "new", &yes);
	assert_int_equal(mkfifo("fifo", 0644), 0);
	put("fifo", "new", &yes);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

/* ---- markers ---- */

static enum store_result
replace_marked(const char *bytes, struct store_mark *m)
{
	const struct store_bytes b = {(const unsigned char *)bytes,
	    strlen(bytes), MAX, 0644, m, time(NULL), 0};
	struct asked yes = {.answer = 1};
	enum store_result res;
	struct store *s;

	assert_int_equal(store_open("f", &s, why), STORE_OK);
	res = store_replace(s, &b, better, &yes, why);
	store_close(s);
	return res;
}

static enum store_result
owed(struct store_mark *m)
{
	enum store_result res;
	struct store *s;

	assert_int_equal(store_open("f", &s, why), STORE_OK);
	res = store_owed(s, time(NULL), m, why);
	store_close(s);
	return res;
}

static void
what_was_replaced_is_owed_until_it_is_told(void **state)
{
	struct store_mark m = {0}, found = {0};

	(void)state;
	assert_int_equal(owed(&found), STORE_ABSENT);
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_true(m.set);
	assert_int_equal(look(".f.changed").st_mode & 07777, 0600);
	assert_int_equal(owed(&found), STORE_OK);
	assert_true(found.set);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_OK);
	assert_int_equal(access(".f.changed", F_OK), -1);
	assert_int_equal(owed(&found), STORE_ABSENT);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_ABSENT);
	assert_content("f", "new");
}

static void
who_cannot_look_does_not_say_that_it_was_told(void **state)
{
	struct store_mark m = {.set = 1};

	(void)state;
	assert_int_equal(
	    store_told("missing/f", time(NULL), &m, why), STORE_FAILED);
	assert_non_null(strstr(why, "missing"));
}

static void
what_is_owed_to_another_is_not_told_by_us(void **state)
{
	struct store_mark m = {0}, later = {0};

	(void)state;
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_int_equal(replace_marked("newer", &later), STORE_WRITTEN);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_KEPT);
	assert_int_equal(access(".f.changed", F_OK), 0);
	assert_int_equal(store_told("f", time(NULL), &later, why), STORE_OK);
	assert_int_equal(access(".f.changed", F_OK), -1);
	/* nor is what was never known */
	assert_int_equal(replace_marked("newest", &m), STORE_WRITTEN);
	m.set = 0;
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_KEPT);
	assert_int_equal(access(".f.changed", F_OK), 0);
}

/* File systems give an inode anew. */
static void
what_was_told_and_owed_again_since_is_not_told_by_us(void **state)
{
	struct store_mark m = {0}, later = {0};

	(void)state;
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_OK);
	usleep(100000);
	assert_int_equal(replace_marked("newer", &later), STORE_WRITTEN);
	assert_true(later.size == m.size);
	m.ino = later.ino;
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_KEPT);
	assert_int_equal(access(".f.changed", F_OK), 0);
	assert_int_equal(store_told("f", time(NULL), &later, why), STORE_OK);
}

static void
nothing_is_owed_for_what_was_not_replaced(void **state)
{
	struct store_mark m = {0};

	(void)state;
	make("f", "same");
	assert_int_equal(replace_marked("same", &m), STORE_UNCHANGED);
	assert_int_equal(owed(&m), STORE_ABSENT);
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(mkdir("f", 0755), 0);
	assert_int_equal(replace_marked("new", &m), STORE_REFUSED);
	assert_int_equal(owed(&m), STORE_ABSENT);
	assert_int_equal(rmdir("f"), 0);
	/* and nobody is told without being asked for it */
	assert_int_equal(replace_marked("new", NULL), STORE_WRITTEN);
	assert_int_equal(owed(&m), STORE_ABSENT);
}

static void
what_stands_in_the_markers_place_is_not_harmed(void **state)
{
	struct store_mark m = {0};

	(void)state;
	make("victim", "precious");
	assert_int_equal(symlink("victim", ".f.changed"), 0);
	assert_int_equal(replace_marked("new", &m), STORE_FAILED);
	assert_non_null(strstr(why, ".f.changed is in the way"));
	assert_int_equal(owed(&m), STORE_FAILED);
	m.set = 1;
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_FAILED);
	assert_content("victim", "precious");
	assert_int_equal(access("f", F_OK), -1);
	assert_true(S_ISLNK(look(".f.changed").st_mode));
}

static void
while_another_saves_what_is_owed_is_known_but_not_which(void **state)
{
	struct store_mark m = {0}, ours = {0};
	char name[NAME_MAX + 1] = "";
	int fd;

	(void)state;
	/* what a run that saves holds: a dead one left it, and shows its name
	 */
	kill_a_writer("f");
	names(dir, ".f.", name);
	assert_int_equal(replace_marked("new", &ours), STORE_WRITTEN);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(owed(&m), STORE_OK);
	assert_false(m.set);
	assert_int_equal(store_told("f", time(NULL), &ours, why), STORE_KEPT);
	assert_int_equal(access(".f.changed", F_OK), 0);
	close(fd);
	assert_int_equal(store_told("f", time(NULL), &ours, why), STORE_OK);
	assert_int_equal(access(name, F_OK), -1);
}

/* As long as it may be a run's; later it is removed. */
static void
what_another_user_left_in_the_way_of_a_marker_is_let_be_for_a_minute(
    void **state)
{
	const struct timespec old[2] = {
	    {.tv_sec = time(NULL) - 61}, {.tv_sec = time(NULL) - 61}};
	enum store_result res, told[3];
	struct store_mark m = {0};
	char name[NAME_MAX + 1] = "";
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(".", 0777), 0);
	kill_a_writer("f");
	names(dir, ".f.", name);
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(chown(".", NOBODY, NOBODY), -1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_int_equal(seteuid(0), 0);
	make(name, "");
	assert_int_equal(chmod(name, 0600), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	res = owed(&m);
	assert_false(m.set);
	told[0] = store_told("f", time(NULL), &m, why);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	/* a moment after, for who may live after all */
	for (i = 1; i < 3; i++)
		told[i] = store_told("f", time(NULL), &m, why);
	assert_int_equal(owed(&m), STORE_OK);
	assert_true(m.set);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_OK);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(res, STORE_OK);
	for (i = 0; i < 3; i++)
		assert_int_equal(told[i], STORE_KEPT);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(access(".f.changed", F_OK), -1);
}

/* ---- what another has in the marker's place ---- */

static void
a_marker_with_another_name_is_not_written_to(void **state)
{
	struct store_mark m = {0};
	struct stat was;

	(void)state;
	make("victim", "precious");
	assert_int_equal(link("victim", ".f.changed"), 0);
	was = look("victim");
	assert_int_equal(owed(&m), STORE_OK);
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_content("victim", "precious");
	assert_true(m.ino != was.st_ino);
	assert_int_equal(look(".f.changed").st_nlink, 1);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_OK);
	assert_content("victim", "precious");
	assert_content("f", "new");
}

static void
a_marker_of_another_user_is_not_written_to(void **state)
{
	struct store_mark m = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	make(".f.changed", "theirs");
	assert_int_equal(chown(".f.changed", NOBODY, NOBODY), 0);
	assert_int_equal(link(".f.changed", "theirs"), 0);
	assert_int_equal(replace_marked("new", &m), STORE_WRITTEN);
	assert_content("theirs", "theirs");
	assert_int_equal(look("theirs").st_nlink, 1);
	assert_int_equal(unlink(".f.changed"), 0);
	assert_int_equal(rename("theirs", ".f.changed"), 0);
	assert_int_equal(replace_marked("newer", &m), STORE_WRITTEN);
	assert_int_equal(look(".f.changed").st_uid, 0);
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_OK);
}

static void
a_fifo_or_a_directory_in_the_markers_place_is_not_harmed(void **state)
{
	struct store_mark m = {0};

	(void)state;
	assert_int_equal(mkfifo(".f.changed", 0600), 0);
	assert_int_equal(replace_marked("new", &m), STORE_FAILED);
	assert_non_null(strstr(why, ".f.changed is in the way"));
	assert_int_equal(unlink(".f.changed"), 0);
	assert_int_equal(mkdir(".f.changed", 0755), 0);
	assert_int_equal(replace_marked("new", &m), STORE_FAILED);
	assert_int_equal(owed(&m), STORE_FAILED);
	assert_true(S_ISDIR(look(".f.changed").st_mode));
	assert_int_equal(access("f", F_OK), -1);
}

/* ---- whose lock is believed ---- */

/* A lock file as another run may have it: `fd` holds its lock. */
static int
hold(const char *name, mode_t mode, time_t mtime)
{
	const struct timespec t[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(futimens(fd, t), 0);
	return fd;
}

/* The name of the lock file of "site.ocsp". */
static void
lock_name(char name[NAME_MAX + 1])
{
	struct asked yes = {.answer = 1};

	kill_a_writer("site.ocsp");
	names(dir, ".site.ocsp.", name);
	assert_int_equal(put("site.ocsp", "old", &yes), STORE_WRITTEN);
	assert_int_equal(names(dir, "", NULL), 1);
}

static void
a_lock_is_believed_of_what_a_live_run_can_have_and_of_nothing_else(void **state)
{
	static const struct {
		mode_t mode;
		long age;
		int believed;
	} rows[] = {{0600, 0, 1}, {0600, 59, 1}, {0600, -50, 1}, {0400, 0, 1},
	    {0600, 62, 0}, {0600, -70, 0}, {0600, 3600, 0}, {0600, -86400, 0},
	    {0600, 1700000000, 0}, {0644, 0, 0}, {0640, 0, 0}, {0604, 0, 0},
	    {0666, 0, 0}, {0444, 0, 0}, {0602, 0, 0}};
	struct asked yes = {.answer = 1}, no = {.answer = 0};
	char name[NAME_MAX + 1] = "";
	enum store_result res;
	size_t i;
	int fd;

	(void)state;
	lock_name(name);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = hold(name, rows[i].mode, time(NULL) - rows[i].age);
		/* not at once, where it was not believed */
		res = put("site.ocsp", "new", &yes);
		assert_int_equal(res, STORE_BUSY);
		assert_content("site.ocsp", "old");
		assert_int_equal(access(name, F_OK), rows[i].believed ? 0 : -1);
		res = put("site.ocsp", "new", &yes);
		assert_int_equal(
		    res, rows[i].believed ? STORE_BUSY : STORE_WRITTEN);
		close(fd);
		res = put("site.ocsp", "old", &yes);
		assert_int_equal(
		    res, rows[i].believed ? STORE_UNCHANGED : STORE_WRITTEN);
		assert_int_equal(names(dir, "", NULL), 1);
		/* nor does it stay where there is nothing to save */
		fd = hold(name, rows[i].mode, time(NULL) - rows[i].age);
		assert_int_equal(put("site.ocsp", "new", &no), STORE_KEPT);
		assert_int_equal(access(name, F_OK), rows[i].believed ? 0 : -1);
		close(fd);
		assert_int_equal(put("site.ocsp", "new", &no), STORE_KEPT);
		assert_int_equal(names(dir, "", NULL), 1);
	}
}

static void
a_shared_lock_is_a_lock_and_one_of_fcntl_is_none(void **state)
{
	struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct asked yes = {.answer = 1};
	char name[NAME_MAX + 1] = "";
	int fd;

	(void)state;
	lock_name(name);
	fd = hold(name, 0600, time(NULL));
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_BUSY);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_BUSY);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_WRITTEN);
	close(fd);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_SETLK, &range), 0);
	assert_int_equal(put("site.ocsp", "newer", &yes), STORE_WRITTEN);
	close(fd);
}

static void
a_lock_on_a_file_with_another_name_is_not_believed(void **state)
{
	struct asked yes = {.answer = 1};
	char name[NAME_MAX + 1] = "";
	int fd;

	(void)state;
	lock_name(name);
	fd = hold(name, 0600, time(NULL));
	assert_int_equal(link(name, "daemon.lock"), 0);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_BUSY);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_WRITTEN);
	assert_int_equal(access("daemon.lock", F_OK), 0);
	close(fd);
}

/* Anybody may make a file in /tmp. */
static void
a_strangers_lock_in_a_sticky_directory_is_not_believed(void **state)
{
	struct asked yes = {.answer = 1};
	char name[NAME_MAX + 1] = "";
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(".", 0777), 0);
	lock_name(name);
	fd = hold(name, 0600, time(NULL));
	assert_int_equal(chown(name, NOBODY, NOBODY), 0);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_BUSY);
	assert_int_equal(access(name, F_OK), 0);
	assert_int_equal(chmod(".", 01777), 0);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_BUSY);
	assert_int_equal(put("site.ocsp", "new", &yes), STORE_WRITTEN);
	close(fd);
}

/* What a run does under its lock: another one takes it for dead. */
static int
be_taken_for_dead(void *ctx, const unsigned char *old, size_t len)
{
	const struct timespec t[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct asked *a = ctx, yes = {.answer = 1};
	char name[NAME_MAX + 1] = "";

	(void)old;
	(void)len;
	if (++a->times == 1)
		return 1;
	names(dir, ".site.ocsp.", name);
	assert_int_equal(utimensat(AT_FDCWD, name, t, 0), 0);
	a->first = replace(a->rival, "rival", &yes);
	a->second = replace(a->rival, "rival", &yes);
	return 1;
}

static void
who_is_taken_for_dead_and_is_not_replaces_nothing(void **state)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 0};
	struct asked a = {.answer = 1};
	struct store *s = opened("site.ocsp");

	(void)state;
	make("site.ocsp", "old");
	a.rival = opened("site.ocsp");
	assert_int_equal(
	    store_replace(s, &b, be_taken_for_dead, &a, why), STORE_BUSY);
	assert_int_equal(a.first, STORE_BUSY);
	assert_int_equal(a.second, STORE_WRITTEN);
	assert_content("site.ocsp", "rival");
	assert_int_equal(names(dir, "", NULL), 1);
	store_close(a.rival);
	store_close(s);
}

/* ---- through a link ---- */

static void
who_only_reads_may_follow_a_symbolic_link(void **state)
{
	unsigned char *buf;
	struct store *s;
	size_t len;

	(void)state;
	make("target", "a response");
	assert_int_equal(symlink("target", "site.ocsp"), 0);
	s = opened("site.ocsp");
	assert_int_equal(store_read_linked(s, MAX, &buf, &len, why), STORE_OK);
	assert_int_equal(len, 10);
	free(buf);
	assert_int_equal(unlink("target"), 0);
	assert_int_equal(
	    store_read_linked(s, MAX, &buf, &len, why), STORE_ABSENT);
	assert_null(buf);
	assert_int_equal(mkfifo("target", 0644), 0);
	alarm(10);
	assert_int_equal(
	    store_read_linked(s, MAX, &buf, &len, why), STORE_REFUSED);
	alarm(0);
	assert_non_null(strstr(why, "a FIFO"));
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_file_need_not_exist_to_be_opened),
	    TEST(a_directory_that_is_missing_is_a_failure),
	    TEST(a_file_in_place_of_the_directory_is_a_failure),
	    TEST(a_path_without_a_name_is_a_failure),
	    TEST(nothing_may_be_closed),
	    TEST(what_is_not_there_is_absent),
	    TEST(all_bytes_are_read),
	    TEST(an_empty_file_is_read_as_no_bytes),
	    TEST(no_more_is_read_than_was_asked_for),
	    TEST(a_file_that_cannot_be_read_is_a_failure),
	    TEST(a_name_that_is_too_long_is_a_failure),
	    TEST(a_symbolic_link_is_refused),
	    TEST(a_dangling_symbolic_link_is_refused),
	    TEST(a_fifo_is_refused_and_not_waited_for),
	    TEST(a_directory_is_refused),
	    TEST(a_socket_is_refused),
	    TEST(one_can_tell_what_replacing_would_end_with),
	    TEST(one_can_tell_that_a_directory_is_not_writable),
	    TEST(one_can_tell_that_something_is_in_the_way),
	    TEST(one_can_tell_that_a_sticky_directory_guards_what_is_anothers),
	    TEST(one_can_tell_the_mode_that_a_file_has_now),
	    TEST(a_new_file_is_written_with_its_mode_whatever_the_umask),
	    TEST(one_is_asked_with_the_old_bytes),
	    TEST(an_empty_file_is_not_an_absent_one),
	    TEST(one_is_asked_about_no_more_than_the_limit),
	    TEST(what_begins_with_the_same_bytes_is_not_the_same),
	    TEST(what_is_better_is_kept),
	    TEST(nothing_is_made_if_nothing_is_better),
	    TEST(equal_bytes_are_unchanged_and_nobody_is_asked),
	    TEST(a_file_keeps_its_mode),
	    TEST(a_file_keeps_its_owner_and_group),
	    TEST(where_its_owner_cannot_be_kept_it_is_not_tried),
	    TEST(what_is_saved_before_the_lock_is_met_under_it),
	    TEST(who_comes_while_another_saves_is_told_busy_at_once),
	    TEST(the_lock_is_given_back_if_nothing_is_written),
	    TEST(a_lock_on_the_directory_is_in_nobodys_way),
	    TEST(one_may_change_ones_mind_under_the_lock),
	    TEST(what_another_saved_meanwhile_is_what_one_is_asked_about),
	    TEST(a_directory_swapped_for_a_link_is_not_written_to),
	    TEST(a_directory_that_was_removed_is_a_failure),
	    TEST(a_directory_that_may_not_be_written_is_a_failure),
	    TEST(a_write_that_fails_leaves_the_old_file_and_nothing_else),
	    TEST(what_a_killed_writer_left_is_removed_by_the_next),
	    TEST(what_a_killed_writer_left_is_removed_even_if_nothing_is_saved),
	    TEST(what_a_killed_writer_left_is_removed_whatever_its_mode),
	    TEST(what_stands_in_the_temporary_files_place_is_not_harmed),
	    TEST(a_name_of_any_length_gets_a_temporary_one_that_fits),
	    TEST(
		long_names_that_differ_at_the_end_do_not_share_a_temporary_one),
	    TEST(many_writers_leave_the_best_and_no_reader_sees_half_of_it),
	    TEST(what_was_replaced_is_owed_until_it_is_told),
	    TEST(who_cannot_look_does_not_say_that_it_was_told),
	    TEST(what_is_owed_to_another_is_not_told_by_us),
	    TEST(what_was_told_and_owed_again_since_is_not_told_by_us),
	    TEST(nothing_is_owed_for_what_was_not_replaced),
	    TEST(what_stands_in_the_markers_place_is_not_harmed),
	    TEST(while_another_saves_what_is_owed_is_known_but_not_which),
	    TEST(
		what_another_user_left_in_the_way_of_a_marker_is_let_be_for_a_minute),
	    TEST(a_marker_with_another_name_is_not_written_to),
	    TEST(a_marker_of_another_user_is_not_written_to),
	    TEST(a_fifo_or_a_directory_in_the_markers_place_is_not_harmed),
	    TEST(
		a_lock_is_believed_of_what_a_live_run_can_have_and_of_nothing_else),
	    TEST(a_shared_lock_is_a_lock_and_one_of_fcntl_is_none),
	    TEST(a_lock_on_a_file_with_another_name_is_not_believed),
	    TEST(a_strangers_lock_in_a_sticky_directory_is_not_believed),
	    TEST(who_is_taken_for_dead_and_is_not_replaces_nothing),
	    TEST(who_only_reads_may_follow_a_symbolic_link),
	    TEST(many_directories_are_written_to_and_few_are_open),
	    TEST(no_directory_that_is_in_use_is_closed_for_another),
	    TEST(no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests_name("staple", tests, NULL, NULL);
}
