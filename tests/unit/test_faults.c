/* SPDX-License-Identifier: ISC */
/*
 * What the rooms make of a system and of libraries that fail them, one call at
 * a time: no memory, a setting that libcurl does not take, and files that are
 * moved between two looks at them.
 *
 * The linker puts these functions in the place of those that they are called
 * for (--wrap): of what the rooms call, and of what OpenSSL and libcurl ask
 * memory from.
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <curl/curl.h>

#include "handy.h"
#include "http.h"
#include "lab.h"
#include "store/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX 4096

/* ---- what fails ---- */

enum call {
	NOTHING,
	MEMORY,
	SETTING,    /* curl_easy_setopt() */
	LIBCURL,    /* curl_global_init() */
	OPEN_FILE,  /* openat() */
	WRITE_FILE, /* write() */
	SYNC_FILE,
	CLOSE_FILE,
	LOCK_FILE
};

static struct {
	enum call call;
	long at;  /* the Nth one */
	int ever; /* and all that follow */
	int error;
	void (*instead)(void); /* does not fail: this is done before */
	const char *path;      /* of OPEN_FILE: only this one counts */
	int flags;             /* with which it is opened now */
	long seen, met;
} plan;

static void
fail_call(enum call call, long at, int ever, int error)
{
	memset(&plan, 0, sizeof(plan));
	plan.at = at;
	plan.ever = ever;
	plan.error = error;
	plan.call = call;
}

static void
before_call(enum call call, long at, int ever, void (*instead)(void))
{
	fail_call(call, at, ever, 0);
	plan.instead = instead;
}

/* How often it failed; nothing fails any more. */
static long
met(void)
{
	plan.call = NOTHING;
	return plan.met;
}

static int
is_time(enum call call)
{
	void (*instead)(void) = plan.instead;

	if (plan.call != call)
		return 0;
	plan.seen++;
	if (plan.seen != plan.at && (!plan.ever || plan.seen < plan.at))
		return 0;
	plan.met++;
	if (instead != NULL) {
		plan.call = NOTHING;
		instead();
		plan.call = call;
		return 0;
	}
	errno = plan.error;
	return 1;
}

/* The name of the last lock file that was made, hidden as it is. */
static char draft[NAME_MAX + 1];

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
char *__real_strndup(const char *, size_t);
CURLcode __real_curl_easy_setopt(CURL *, CURLoption, ...);
CURLcode __real_curl_global_init(long);
int __real_openat(int, const char *, int, ...);
ssize_t __real_write(int, const void *, size_t);
int __real_fsync(int);
int __real_close(int);
int __real_flock(int, int);

void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);
CURLcode __wrap_curl_easy_setopt(CURL *, CURLoption, ...);
CURLcode __wrap_curl_global_init(long);
int __wrap_openat(int, const char *, int, ...);
/* its name where offsets have 64 bits by -D_FILE_OFFSET_BITS=64 */
int __wrap_openat64(int, const char *, int, ...)
    __attribute__((alias("__wrap_openat")));
ssize_t __wrap_write(int, const void *, size_t);
int __wrap_fsync(int);
int __wrap_close(int);
int __wrap_flock(int, int);

void *
__wrap_malloc(size_t n)
{
	return is_time(MEMORY) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return is_time(MEMORY) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return is_time(MEMORY) ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return is_time(MEMORY) ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return is_time(MEMORY) ? NULL : __real_strndup(s, n);
}

CURLcode
__wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	long number = 0;
	void *p = NULL;
	va_list ap;

	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		number = va_arg(ap, long);
	else
		p = va_arg(ap, void *);
	va_end(ap);
	if (is_time(SETTING))
		return CURLE_UNKNOWN_OPTION;
	return option < CURLOPTTYPE_OBJECTPOINT
	    ? __real_curl_easy_setopt(easy, option, number)
	    : __real_curl_easy_setopt(easy, option, p);
}

CURLcode
__wrap_curl_global_init(long flags)
{
	return is_time(LIBCURL) ? CURLE_FAILED_INIT
				: __real_curl_global_init(flags);
}

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	int mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, int);
		va_end(ap);
	}
	if ((flags & O_EXCL) != 0 && strstr(path, ".changed") == NULL &&
	    strchr(path, '-') == NULL)
		snprintf(draft, sizeof(draft), "%s", path);
	plan.flags = flags;
	if ((plan.path == NULL || strcmp(plan.path, path) == 0) &&
	    is_time(OPEN_FILE))
		return -1;
	return __real_openat(dir, path, flags, mode);
}

/* Without an error it writes nothing. */
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return is_time(WRITE_FILE) ? (plan.error != 0 ? -1 : 0)
				   : __real_write(fd, p, n);
}

int
__wrap_fsync(int fd)
{
	return is_time(SYNC_FILE) ? -1 : __real_fsync(fd);
}

/* As Linux does it: the descriptor is gone. */
int
__wrap_close(int fd)
{
	int error = is_time(CLOSE_FILE) ? plan.error : 0;
	int rc = __real_close(fd);

	if (error == 0)
		return rc;
	errno = error;
	return -1;
}

int
__wrap_flock(int fd, int how)
{
	return is_time(LOCK_FILE) ? -1 : __real_flock(fd, how);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- ocsp ---- */

static struct lab lab;

static int
lab_set_up(void **state)
{
	(void)state;
	lab_open(&lab);
	return 0;
}

static int
lab_tear_down(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

/* The question, made as for the first certificate of an issuer. */
static int
ask(const struct subject *s, int nonce, char *why)
{
	const struct ocsp_about about = {.issuer = s->cert.issuer,
	    .issuer_len = s->cert.issuer_len,
	    .serial = s->cert.serial,
	    .serial_len = s->cert.serial_len,
	    .not_after = s->cert.not_after,
	    .nonce = nonce};
	struct ocsp *o = ocsp_new();
	struct ocsp_target *t;
	char *url;
	int made = 0;

	if (o == NULL)
		return 0;
	if ((t = ocsp_target(o, &about, why)) != NULL) {
		url = ocsp_get_url(t, "http://127.0.0.1/");
		made = url != NULL;
		free(url);
	}
	ocsp_target_free(t);
	ocsp_free(o);
	return made;
}

/* And none is left half made, which a sanitizer sees. */
static void
without_memory_there_is_no_question(void **state)
{
	struct subject s = {.target = NULL};
	char why[WHY_MAX];
	long n, failed;
	int made, nonce;

	(void)state;
	lab_subject(&lab, &s, NULL, 0, HASH_SHA1, 0);
	for (nonce = 0; nonce < 2; nonce++) {
		assert_true(ask(&s, nonce, why));
		for (n = 1, failed = 1; failed > 0; n++) {
			snprintf(why, sizeof(why), "a word");
			fail_call(MEMORY, n, 1, ENOMEM);
			made = ask(&s, nonce, why);
			failed = met();
			ocsp_starved();
			assert_int_equal(made, failed == 0);
			assert_string_not_equal(why, "");
		}
		assert_true(n > 5);
	}
	subject_free(&s);
}

/* Once, or from then on: nothing becomes better by it, and it is noticed. */
static void
without_memory_no_verdict_is_better_and_what_is_worse_is_starved(void **state)
{
	static const char *const recipes[] = {"good", "good-delegate",
	    "revoked", "expired", "by-leaf", "err-unauthorized"};
	const struct ocsp_policy p = {.now = lab.now,
	    .skew = 300,
	    .max_age = -1,
	    .answer = 1,
	    .names = 1};
	struct subject s = {.target = NULL};
	struct ocsp_verdict v, want;
	struct response r;
	long n, failed, tried = 0;
	size_t i;
	int ever, starved;

	(void)state;
	lab_subject(&lab, &s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < COUNT(recipes) * 2; i++) {
		ever = i % 2 == 1;
		assert_non_null(forge_find(recipes[i / 2]));
		lab_respond(&lab, &s, forge_find(recipes[i / 2]), &r);
		ocsp_judge(s.target, r.der, r.len, &p, &want);
		ocsp_starved();
		for (n = 1, failed = 1; failed > 0; n++, tried++) {
			fail_call(MEMORY, n, ever, ENOMEM);
			ocsp_judge(s.target, r.der, r.len, &p, &v);
			failed = met();
			starved = ocsp_starved();
			/* what failed later, too, may be for lack of it */
			assert_int_equal(
			    starved, failed > 0 || v.status == VERDICT_REFUSED);
			if (v.status != want.status &&
			    (!starved || v.status == VERDICT_GOOD))
				fail_msg("%s, allocation %ld: %d: %s",
				    recipes[i / 2], n, (int)v.status, v.why);
		}
		free(r.der);
	}
	print_message("# %ld judgements\n", tried);
	assert_true(tried > 500);
	subject_free(&s);
}

static void
what_cannot_be_shown_in_words_for_lack_of_memory_is_not(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	long n, failed;
	char *text;

	(void)state;
	lab_subject(&lab, &s, NULL, 0, HASH_SHA1, 0);
	lab_respond(&lab, &s, forge_find("good"), &r);
	for (n = 1, failed = 1; failed > 0; n++) {
		fail_call(MEMORY, n, 1, ENOMEM);
		text = ocsp_text(r.der, r.len);
		failed = met();
		ocsp_starved();
		assert_int_equal(text != NULL, failed == 0);
		free(text);
	}
	free(r.der);
	subject_free(&s);
}

/* ---- http ---- */

/* One question, and what becomes of it. */
struct errand {
	char url[64];
	int drawn, answered;
	int twice; /* asks again, but not at once */
	int later;
	enum http_result result;
	char why[WHY_MAX];
};

static enum http_draw
next(void *ctx, struct http_question *q, long *wait_ms)
{
	struct errand *e = ctx;

	if (e->drawn == 1 && e->twice && e->later++ < 2) {
		*wait_ms = 1;
		return HTTP_LATER;
	}
	if (e->drawn > e->twice)
		return HTTP_NONE;
	e->drawn++;
	q->url = e->url;
	q->body = (const unsigned char *)"question";
	q->body_len = 8;
	q->timeout_ms = 5000;
	q->no_cache = 1;
	return HTTP_ASK;
}

static enum http_connection
done(void *ctx, const struct http_question *q, const struct http_answer *a)
{
	struct errand *e = ctx;

	assert_string_equal(q->url, e->url);
	e->answered++;
	e->result = a->result;
	assert_true(a->result == HTTP_ANSWERED || a->why[0] != '\0');
	assert_non_null(a->headers);
	snprintf(e->why, sizeof(e->why), "%s", a->why);
	return HTTP_KEEP;
}

/* A port of 127.0.0.1 on which nobody answers; with `fd`, it listens. */
static int
quiet_port(int *fd)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(s, -1);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	if (fd != NULL) {
		assert_int_equal(listen(s, 8), 0);
		*fd = s;
	} else
		close(s);
	return ntohs(sin.sin_port);
}

static const char *const headers[] = {"X-One: 1", "X-Two: 2"};

static int
run_errand(struct errand *e, int port, const char *proxy)
{
	const struct http_options o = {.agent = "test",
	    .post_type = "application/ocsp-request",
	    .accept = "application/ocsp-response",
	    .proxy = proxy,
	    .noproxy = "localhost",
	    .headers = headers,
	    .nheaders = COUNT(headers),
	    .connect_timeout_ms = 2000,
	    .parallel = 2};
	const struct http_source src = {.next = next, .done = done, .ctx = e};

	e->drawn = e->answered = e->later = 0;
	e->result = HTTP_ANSWERED;
	e->why[0] = '\0';
	snprintf(e->url, sizeof(e->url), "http://127.0.0.1:%d/", port);
	return http_run(&o, &src);
}

/* libcurl asks us for memory from now on. */
static int
curl_set_up(void **state)
{
	(void)state;
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free,
		   __wrap_realloc, __wrap_strdup, __wrap_calloc) == CURLE_OK
	    ? 0
	    : -1;
}

static int
curl_tear_down(void **state)
{
	(void)state;
	curl_global_cleanup();
	return 0;
}

static void
without_memory_each_question_is_answered_once_that_it_could_not_be(void **state)
{
	char proxy[64];
	struct errand e = {.twice = 0};
	long n, failed;
	int i, port = quiet_port(NULL), rc;

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", quiet_port(NULL));
	for (i = 0; i < 4; i++)
		for (n = 1, failed = 1; failed > 0; n++) {
			fail_call(MEMORY, n, i % 2, ENOMEM);
			rc = run_errand(&e, port, i < 2 ? "" : proxy);
			failed = met();
			assert_int_equal(e.answered, e.drawn);
			/* -1: before anything was drawn */
			assert_int_equal(rc, e.drawn == 1 ? 0 : -1);
			assert_true(rc == 0 || failed > 0);
			assert_int_not_equal(
			    e.result, rc == 0 ? HTTP_ANSWERED : HTTP_EOTHER);
			assert_true(failed > 0 ||
			    e.result == (i < 2 ? HTTP_ECONNECT : HTTP_EPROXY));
		}
}

/* Each of them would be a hole if it were not there. */
static void
if_a_setting_is_not_taken_nobody_is_asked(void **state)
{
	struct pollfd who = {.events = POLLIN};
	int port = quiet_port(&who.fd);
	struct errand e = {.twice = 0};
	char proxy[64];
	long n, settings;

	(void)state;
	/* how many there are, with nobody there */
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", quiet_port(NULL));
	fail_call(SETTING, 0, 0, 0);
	assert_int_equal(run_errand(&e, port, proxy), 0);
	assert_int_equal(e.result, HTTP_EPROXY);
	settings = plan.seen;
	assert_true(settings > 25);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", port);
	for (n = 1; n <= settings; n++) {
		fail_call(SETTING, n, 0, 0);
		assert_int_equal(run_errand(&e, port, proxy), 0);
		assert_int_equal(met(), 1);
		assert_int_equal(e.answered, 1);
		assert_int_equal(e.result, HTTP_ENOMEM);
		assert_non_null(strstr(e.why, "libcurl cannot be set up"));
		assert_int_equal(poll(&who, 1, 0), 0);
	}
	close(who.fd);
}

static void
a_libcurl_that_cannot_be_set_up_is_an_answer(void **state)
{
	struct errand e = {.twice = 0};

	(void)state;
	fail_call(LIBCURL, 1, 1, 0);
	assert_int_equal(run_errand(&e, 1, ""), 0);
	assert_true(met() > 0);
	assert_int_equal(e.answered, 1);
	assert_int_equal(e.result, HTTP_ENOMEM);
}

/* Nor does it hold up what is drawn later, by when it may be well. */
static void
a_libcurl_that_cannot_be_set_up_is_tried_again(void **state)
{
	struct errand e = {.twice = 1};
	int port = quiet_port(NULL);

	(void)state;
	fail_call(LIBCURL, 1, 1, 0);
	assert_int_equal(run_errand(&e, port, ""), 0);
	assert_true(met() > 3);
	assert_int_equal(e.answered, 2);
	assert_int_equal(e.result, HTTP_ENOMEM);
	fail_call(LIBCURL, 1, 0, 0);
	assert_int_equal(run_errand(&e, port, ""), 0);
	assert_int_equal(met(), 1);
	assert_int_equal(e.answered, 2);
	assert_int_equal(e.result, HTTP_ECONNECT);
}

/* Who cannot know says so, and calls no URL wrong. */
static void
without_memory_no_url_is_called_wrong(void **state)
{
	static const char url[] = "http://ocsp.example:8080/a?b";
	char why[WHY_MAX];
	long n, failed;
	int rc;

	(void)state;
	for (n = 1, failed = 1; failed > 0; n++) {
		fail_call(MEMORY, n, 1, ENOMEM);
		rc = http_check_url(url, sizeof(url) - 1, why);
		failed = met();
		assert_int_equal(rc, failed > 0 ? -2 : 0);
	}
	assert_true(n > 2);
}

/* ---- staple ---- */

static char base[64];
static char why[WHY_MAX];

static int
yes(void *ctx, const unsigned char *old, size_t len)
{
	(void)ctx;
	(void)old;
	(void)len;
	return 1;
}

/* Replaces "f" by "new"; in `dirs`, if there are some. */
static enum store_result
replace(struct store_dirs *dirs, struct store_mark *m)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, m, time(NULL), 0};
	enum store_result res;
	struct store *s;

	why[0] = '\0';
	if ((res = store_open_in(dirs, "f", &s, why)) != STORE_OK)
		return res;
	res = store_replace(s, &b, yes, NULL, why);
	store_close(s);
	return res;
}

static int
store_set_up(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/test_faults.XXXXXX");
	if (mkdtemp(base) == NULL || chdir(base) == -1)
		return -1;
	/* which shows the name of the draft */
	if (replace(NULL, NULL) != STORE_WRITTEN)
		return -1;
	make("f", "old");
	return 0;
}

static int
store_tear_down(void **state)
{
	char command[128];

	(void)state;
	plan.call = NOTHING;
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

static void
make_fifo(void)
{
	unlink("f");
	mkfifo("f", 0644);
}

static void
what_is_a_file_no_longer_when_it_is_opened_is_not_read(void **state)
{
	struct stat st;

	(void)state;
	before_call(OPEN_FILE, 1, 0, make_fifo);
	plan.path = "f";
	assert_int_equal(replace(NULL, NULL), STORE_REFUSED);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, "no longer a regular file"));
	assert_int_equal(lstat("f", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void
remove_draft(void)
{
	if ((plan.flags & O_EXCL) == 0)
		unlink(draft);
}

static void
a_draft_that_goes_while_it_is_looked_at_is_in_nobodys_way(void **state)
{
	(void)state;
	make(draft, "of a run that ends now");
	before_call(OPEN_FILE, 1, 1, remove_draft);
	plan.path = draft;
	assert_int_equal(replace(NULL, NULL), STORE_WRITTEN);
	assert_true(met() > 1);
	assert_content("f", "new");
}

static void
make_draft(void)
{
	if ((plan.flags & O_EXCL) != 0)
		make(draft, "of yet another run");
}

/* Each time that one is cleared, another is there. */
static void
who_never_gets_the_draft_is_told_busy(void **state)
{
	(void)state;
	before_call(OPEN_FILE, 1, 1, make_draft);
	plan.path = draft;
	assert_int_equal(replace(NULL, NULL), STORE_BUSY);
	assert_true(met() > 8);
	assert_content("f", "old");
}

static void
a_draft_of_which_nothing_can_be_known_is_let_be(void **state)
{
	(void)state;
	make(draft, "whose?");
	fail_call(OPEN_FILE, 2, 0, EIO);
	plan.path = draft;
	assert_int_equal(replace(NULL, NULL), STORE_FAILED);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, strerror(EIO)));
	fail_call(LOCK_FILE, 1, 0, EIO);
	assert_int_equal(replace(NULL, NULL), STORE_FAILED);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, strerror(EIO)));
	assert_content(draft, "whose?");
	assert_content("f", "old");
}

static void
a_write_of_no_bytes_is_a_full_disk(void **state)
{
	(void)state;
	fail_call(WRITE_FILE, 1, 0, 0);
	assert_int_equal(replace(NULL, NULL), STORE_FAILED);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, strerror(ENOSPC)));
	assert_content("f", "old");
	assert_int_equal(access(draft, F_OK), -1);
}

static void
if_the_directory_cannot_be_flushed_the_file_is_new_and_not_durable(void **state)
{
	(void)state;
	/* the file's is the first */
	fail_call(SYNC_FILE, 2, 0, EIO);
	assert_int_equal(replace(NULL, NULL), STORE_NOT_DURABLE);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, "flush to the disk the directory"));
	assert_content("f", "new");
}

static void
remove_marker(void)
{
	unlink(".f.changed");
}

static void
without_its_marker_the_file_is_not_replaced(void **state)
{
	struct store_mark m = {0};

	(void)state;
	before_call(SYNC_FILE, 1, 0, remove_marker);
	assert_int_equal(replace(NULL, &m), STORE_FAILED);
	assert_int_equal(met(), 1);
	assert_non_null(strstr(why, "was taken away"));
	assert_content("f", "old");
}

static void
whatever_close_fails_the_file_is_old_or_new_and_the_marker_as_it(void **state)
{
	struct store_mark m;
	enum store_result res;
	int failed = 0, marked;
	long n, hit;

	(void)state;
	for (n = 1, hit = 1; hit > 0; n++) {
		make("f", "old");
		unlink(".f.changed");
		memset(&m, 0, sizeof(m));
		fail_call(CLOSE_FILE, n, 0, EIO);
		res = replace(NULL, &m);
		hit = met();
		marked = access(".f.changed", F_OK) == 0;
		assert_int_equal(access(draft, F_OK), -1);
		if (res == STORE_WRITTEN) {
			assert_content("f", "new");
			assert_true(marked && m.set);
			continue;
		}
		assert_int_equal(res, STORE_FAILED);
		assert_non_null(strstr(why, strerror(EIO)));
		assert_content("f", "old");
		assert_false(marked);
		failed++;
	}
	/* of the marker, and of the file itself */
	assert_int_equal(failed, 2);
}

/* And is owed still. */
static void
what_stands_in_the_drafts_place_is_told_to_who_asks_what_is_owed(void **state)
{
	struct store_mark m = {0}, other = {0};
	struct store *s;

	(void)state;
	assert_int_equal(replace(NULL, &m), STORE_WRITTEN);
	assert_int_equal(mkdir(draft, 0755), 0);
	assert_int_equal(store_open("f", &s, why), STORE_OK);
	assert_int_equal(store_owed(s, time(NULL), &other, why), STORE_FAILED);
	assert_non_null(strstr(why, "is in the way"));
	assert_false(other.set);
	store_close(s);
	why[0] = '\0';
	assert_int_equal(store_told("f", time(NULL), &m, why), STORE_FAILED);
	assert_non_null(strstr(why, "is in the way"));
	assert_int_equal(access(".f.changed", F_OK), 0);
}

static void
what_is_interrupted_is_begun_again(void **state)
{
	static const enum call calls[] = {
	    SYNC_FILE, SYNC_FILE, WRITE_FILE, LOCK_FILE};
	static const long at[] = {1, 2, 1, 1};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(calls); i++) {
		make("f", "old");
		fail_call(calls[i], at[i], 0, EINTR);
		assert_int_equal(replace(NULL, NULL), STORE_WRITTEN);
		assert_int_equal(met(), 1);
		assert_content("f", "new");
	}
}

/* Replaces `path` by "new"; the directory is flushed later. */
static void
put_in(struct store_dirs *dirs, const char *path)
{
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 0};
	struct store *s;

	make(path, "old");
	assert_int_equal(store_open_in(dirs, path, &s, why), STORE_OK);
	assert_int_equal(store_replace(s, &b, yes, NULL, why), STORE_WRITTEN);
	store_close(s);
	assert_content(path, "new");
}

static void
files_of_one_directory_share_a_flush_and_those_of_another_do_not(void **state)
{
	struct store_dirs *dirs = store_dirs_new();

	(void)state;
	put_in(dirs, "f");
	put_in(dirs, "g");
	fail_call(SYNC_FILE, 0, 0, 0);
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	assert_int_equal(plan.seen, 1);
	/* that it was flushed is remembered */
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	assert_int_equal(plan.seen, 1);
	met();
	assert_int_equal(mkdir("d", 0755), 0);
	put_in(dirs, "d/f");
	/* of the same name, and another one */
	assert_int_equal(rename("d", "e"), 0);
	assert_int_equal(mkdir("d", 0755), 0);
	make("e/f", "old");
	put_in(dirs, "d/f");
	assert_content("e/f", "old");
	fail_call(SYNC_FILE, 0, 0, 0);
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	assert_int_equal(plan.seen, 2);
	met();
	store_dirs_free(dirs);
}

static void
what_was_not_flushed_is_counted_and_told_once(void **state)
{
	struct store_dirs *dirs = store_dirs_new();
	enum store_result res;

	(void)state;
	put_in(dirs, "f");
	fail_call(SYNC_FILE, 1, 1, EIO);
	res = store_dirs_flush(dirs, why);
	met();
	assert_int_equal(res, STORE_NOT_DURABLE);
	assert_memory_equal(why, "f: cannot flush", 15);
	assert_null(strstr(why, "more"));
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	assert_int_equal(mkdir("d", 0755), 0);
	put_in(dirs, "f");
	put_in(dirs, "g");
	put_in(dirs, "h");
	put_in(dirs, "d/f");
	fail_call(SYNC_FILE, 1, 1, EIO);
	res = store_dirs_flush(dirs, why);
	met();
	assert_int_equal(res, STORE_NOT_DURABLE);
	assert_memory_equal(why, "d/f: cannot flush", 17);
	assert_non_null(strstr(why, " (and of 1 more directories)"));
	put_in(dirs, "g");
	put_in(dirs, "h");
	fail_call(SYNC_FILE, 1, 1, EIO);
	res = store_dirs_flush(dirs, why);
	met();
	assert_int_equal(res, STORE_NOT_DURABLE);
	assert_memory_equal(why, "g and 1 more: cannot flush", 26);
	assert_null(strstr(why, "directories"));
	store_dirs_free(dirs);
}

static void
without_memory_the_file_is_old_or_new_and_flushed(void **state)
{
	struct store_dirs *dirs;
	enum store_result res;
	int failed = 0;
	long n, hit, flushes;

	(void)state;
	assert_int_equal(unlink("f"), 0);
	for (n = 1, hit = 1; hit > 0; n++) {
		make("f", "old");
		assert_non_null(dirs = store_dirs_new());
		fail_call(MEMORY, n, 0, ENOMEM);
		res = replace(dirs, NULL);
		hit = met();
		fail_call(SYNC_FILE, 0, 0, 0);
		assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
		flushes = plan.seen;
		met();
		store_dirs_free(dirs);
		assert_int_equal(access(draft, F_OK), -1);
		assert_content("f", res == STORE_WRITTEN ? "new" : "old");
		if (res == STORE_WRITTEN && hit == 0)
			assert_int_equal(flushes, 1);
		failed += res == STORE_FAILED;
	}
	assert_true(failed > 5);
}

static void
without_memory_to_owe_a_flush_it_is_made_at_once(void **state)
{
	struct store_dirs *dirs = store_dirs_new();
	const struct store_bytes b = {
	    (const unsigned char *)"new", 3, MAX, 0644, NULL, time(NULL), 0};
	struct store *s;
	long n, hit;

	(void)state;
	assert_int_equal(store_open_in(dirs, "f", &s, why), STORE_OK);
	/* the last allocation of all is the one that remembers it */
	fail_call(MEMORY, 0, 0, 0);
	assert_int_equal(store_replace(s, &b, yes, NULL, why), STORE_WRITTEN);
	n = plan.seen;
	met();
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	make("f", "old");
	fail_call(MEMORY, n, 0, ENOMEM);
	assert_int_equal(store_replace(s, &b, yes, NULL, why), STORE_WRITTEN);
	hit = met();
	assert_int_equal(hit, 1);
	fail_call(SYNC_FILE, 0, 0, 0);
	assert_int_equal(store_dirs_flush(dirs, why), STORE_OK);
	assert_int_equal(plan.seen, 0);
	met();
	assert_content("f", "new");
	store_close(s);
	store_dirs_free(dirs);
}

#define STAPLE(f)                                                              \
	cmocka_unit_test_setup_teardown(f, store_set_up, store_tear_down)

int
main(void)
{
	static const struct CMUnitTest of_ocsp[] = {
	    cmocka_unit_test(without_memory_there_is_no_question),
	    cmocka_unit_test(
		without_memory_no_verdict_is_better_and_what_is_worse_is_starved),
	    cmocka_unit_test(
		what_cannot_be_shown_in_words_for_lack_of_memory_is_not),
	};
	static const struct CMUnitTest of_http[] = {
	    cmocka_unit_test(
		without_memory_each_question_is_answered_once_that_it_could_not_be),
	    cmocka_unit_test(if_a_setting_is_not_taken_nobody_is_asked),
	    cmocka_unit_test(a_libcurl_that_cannot_be_set_up_is_an_answer),
	    cmocka_unit_test(a_libcurl_that_cannot_be_set_up_is_tried_again),
	    cmocka_unit_test(without_memory_no_url_is_called_wrong),
	};
	static const struct CMUnitTest of_staple[] = {
	    STAPLE(what_is_a_file_no_longer_when_it_is_opened_is_not_read),
	    STAPLE(a_draft_that_goes_while_it_is_looked_at_is_in_nobodys_way),
	    STAPLE(who_never_gets_the_draft_is_told_busy),
	    STAPLE(a_draft_of_which_nothing_can_be_known_is_let_be),
	    STAPLE(a_write_of_no_bytes_is_a_full_disk),
	    STAPLE(
		if_the_directory_cannot_be_flushed_the_file_is_new_and_not_durable),
	    STAPLE(without_its_marker_the_file_is_not_replaced),
	    STAPLE(
		whatever_close_fails_the_file_is_old_or_new_and_the_marker_as_it),
	    STAPLE(
		what_stands_in_the_drafts_place_is_told_to_who_asks_what_is_owed),
	    STAPLE(what_is_interrupted_is_begun_again),
	    STAPLE(
		files_of_one_directory_share_a_flush_and_those_of_another_do_not),
	    STAPLE(what_was_not_flushed_is_counted_and_told_once),
	    STAPLE(without_memory_the_file_is_old_or_new_and_flushed),
	    STAPLE(without_memory_to_owe_a_flush_it_is_made_at_once),
	};

	return cmocka_run_group_tests_name(
		   "ocsp", of_ocsp, lab_set_up, lab_tear_down) +
	    cmocka_run_group_tests_name(
		"http", of_http, curl_set_up, curl_tear_down) +
	    cmocka_run_group_tests_name("staple", of_staple, NULL, NULL);
}
