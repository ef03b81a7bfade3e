/* SPDX-License-Identifier: ISC */
/*
 * The judge in its own process: it says what the judge in ours says, and when
 * it dies, hangs or talks nonsense, that is one response's fault, never the
 * run's, and never a good verdict.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include <openssl/ocsp.h>

#include "cert/cert.h"
#include "cert/issuer.h"
#include "privsep/child.h"
#include "forge.h"
#include "handy.h"
#include "privsep/judge.h"
#include "lab.h"
#include "ocsp.h"
#include "util/words.h"

/* The patience of a judge that is made to hang, in ms. */
#define SHORT 400

/* Has any process of ours begun to? */
static volatile int *decoded;

static char dir[] = "/tmp/test_judge.XXXXXX";
static time_t now;
static struct forge *forge;
static struct ocsp *session;
static struct cert_shelf *shelf;

static struct cert cert;
static struct ocsp_target *target, *with_nonce;
static struct ocsp_policy policy; /* of ask() */

static void
make_subject(void)
{
	const struct forge_leaf leaf = {.name = "leaf"};
	struct ocsp_about about = {.hash = HASH_SHA1};
	char path[128], issuer[128], why[WHY_MAX];
	const char *files[1] = {issuer};
	const struct cert_places places = {files, 1, {NULL, NULL}};

	forge_leaf(dir, &leaf, now);
	snprintf(path, sizeof(path), "%s/leaf.pem", dir);
	snprintf(issuer, sizeof(issuer), "%s/ca.pem", dir);
	assert_int_equal(cert_read(shelf, path, &cert, why), CERT_OK);
	assert_int_equal(cert_find_issuer(&cert, &places, now, why), CERT_OK);
	about.issuer = cert.issuer;
	about.issuer_len = cert.issuer_len;
	about.issuer_name = cert.issuer_field;
	about.issuer_name_len = cert.issuer_field_len;
	about.serial = cert.serial;
	about.serial_len = cert.serial_len;
	about.not_after = cert.not_after;
	target = ocsp_target(session, &about, why);
	about.nonce = 1;
	with_nonce = ocsp_target(session, &about, why);
	assert_non_null(target);
	assert_non_null(with_nonce);
}

static int
set_up(void **state)
{
	(void)state;
	now = time(NULL);
	policy = (struct ocsp_policy){
	    .now = now, .skew = 300, .max_age = -1, .answer = 1, .names = 1};
	signal(SIGPIPE, SIG_IGN);
	decoded = mmap(NULL, sizeof(*decoded), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (decoded == MAP_FAILED)
		return -1;
	if (mkdtemp(dir) == NULL)
		return -1;
	forge_pki(dir, now);
	forge = forge_open(dir);
	session = ocsp_new();
	shelf = cert_shelf_new(1);
	make_subject();
	return 0;
}

static int
tear_down(void **state)
{
	char command[64];

	(void)state;
	ocsp_target_free(target);
	ocsp_target_free(with_nonce);
	cert_free(&cert);
	cert_shelf_free(shelf);
	ocsp_free(session);
	forge_close(forge);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

static struct judge *
make_judge(enum sandbox_mode mode, long patience_ms)
{
	const struct judge_terms terms = {
	    session, mode, patience_ms, real_ms, -1, _exit, 0};
	struct judge *j = judge_new(&terms);

	assert_non_null(j);
	return j;
}

static void
respond_about(const struct ocsp_target *t, const char *leaf,
    const struct forge_recipe *r, unsigned char **der, size_t *len)
{
	const unsigned char *req;
	size_t n;

	req = ocsp_request(t, &n);
	*der = NULL;
	assert_int_equal(
	    forge_response(forge, r, leaf, req, n, now, der, len), 0);
}

static void
respond(const struct ocsp_target *t, const struct forge_recipe *r,
    unsigned char **der, size_t *len)
{
	respond_about(t, "leaf", r, der, len);
}

static enum judge_result
ask_about(struct judge *j, const struct ocsp_target *t, const char *leaf,
    const char *recipe, struct ocsp_verdict *v)
{
	enum judge_result res;
	unsigned char *der;
	size_t len;

	assert_non_null(forge_find(recipe));
	respond_about(t, leaf, forge_find(recipe), &der, &len);
	memset(v, 'x', sizeof(*v));
	res = judge_response(j, t, der, len, &policy, v);
	free(der);
	return res;
}

static enum judge_result
ask(struct judge *j, const struct ocsp_target *t, const char *recipe,
    struct ocsp_verdict *v)
{
	return ask_about(j, t, "leaf", recipe, v);
}

static void
is_good(struct judge *j)
{
	struct ocsp_verdict v;

	assert_int_equal(ask(j, target, "good", &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_GOOD);
}

/* A child of `parent`, but not that one; or -1. */
static pid_t
child_of(pid_t parent, pid_t other)
{
	char path[300], line[512], *p;
	struct dirent *e;
	pid_t found = -1;
	FILE *f;
	DIR *d;

	if ((d = opendir("/proc")) == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if (e->d_name[0] < '0' || e->d_name[0] > '9' ||
		    (pid_t)strtol(e->d_name, NULL, 10) == other ||
		    (f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL &&
		    (p = strrchr(line, ')')) != NULL &&
		    strtol(p + 4, NULL, 10) == parent)
			found = (pid_t)strtol(e->d_name, NULL, 10);
		fclose(f);
	}
	closedir(d);
	return found;
}

static pid_t
judge_pid(void)
{
	return child_of(getpid(), -1);
}

/* Another process of ours sends this to the judge when it has its question. */
static pid_t
send_soon(pid_t to, int sig)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(200000);
		kill(to, sig);
		kill(to, SIGCONT);
		_exit(0);
	}
	return pid;
}

/* ---- trouble ---- */

/* What a judge does when it is to decode, in whose memory this is. */
static enum trouble { NONE, CRASH, SPIN, WAIT, BABBLE, STARVE, DOZE } trouble;

/* Of these one is open, there. */
#define MANY_FDS 1024

/* This stands before OpenSSL's. */
OCSP_RESPONSE *
d2i_OCSP_RESPONSE(OCSP_RESPONSE **a, const unsigned char **in, long len)
{
	const ASN1_ITEM *item = ASN1_ITEM_rptr(OCSP_RESPONSE);
	char buf[4096];
	int fd;

	*decoded = 1;
	if (trouble == CRASH) {
#ifdef OCSPFETCH_UNJAILED
		/* a crash that valgrind does not take for one of its finds */
		(void)raise(SIGILL);
#endif
		__builtin_trap();
	}
	while (trouble == SPIN)
		;
	if (trouble == STARVE)
		ocsp_starve();
	while (trouble == DOZE && clock() < 5 * CLOCKS_PER_SEC / 4)
		;
	for (fd = 0; trouble == WAIT || trouble == DOZE;
	     fd = (fd + 1) % MANY_FDS)
		(void)!read(fd, buf, 1);
	memset(buf, 'A', sizeof(buf));
	for (fd = 0; trouble == BABBLE && fd < MANY_FDS; fd++)
		(void)!write(fd, buf, sizeof(buf));
	return (OCSP_RESPONSE *)ASN1_item_d2i((ASN1_VALUE **)a, in, len, item);
}

/* What the process that looks for an issuer says it is, in whose memory this
 * is. */
static struct {
	const unsigned char *der;
	size_t len;
	pid_t not ; /* but not in this one */
} lie;

enum cert_result __real_cert_take_issuer(struct cert *, const unsigned char *,
    size_t, const char *, int64_t, char *);
enum cert_result __wrap_cert_take_issuer(struct cert *, const unsigned char *,
    size_t, const char *, int64_t, char *);

/* This stands before the one of issuer.c. */
enum cert_result
__wrap_cert_take_issuer(struct cert *c, const unsigned char *p, size_t len,
    const char *from, int64_t at, char *why)
{
	const unsigned char *none = NULL;

	if (lie.not == 0 || lie.not == getpid())
		return __real_cert_take_issuer(c, p, len, from, at, why);
	if (trouble != NONE)
		(void)d2i_OCSP_RESPONSE(NULL, &none, 0);
	if ((c->issuer = malloc(lie.len + 1)) == NULL)
		return CERT_ELOCAL;
	memcpy(c->issuer, lie.der, lie.len);
	c->issuer_len = lie.len;
	return CERT_OK;
}

/* As if there were none. */
static int no_jail;

unsigned __real_sandbox_jail(int, unsigned);
unsigned __wrap_sandbox_jail(int, unsigned);

/* This stands before the one of sandbox.c. */
unsigned
__wrap_sandbox_jail(int fd, unsigned deadly)
{
	const unsigned jail = __real_sandbox_jail(fd, deadly);

	return no_jail ? JAIL_FILES : jail;
}

/* Another process of ours, that kills the judge when there is one. */
static pid_t
kill_soon(void)
{
	pid_t pid = fork(), to;

	if (pid != 0)
		return pid;
	while ((to = child_of(getppid(), getpid())) == -1)
		usleep(10000);
	usleep(100000);
	kill(to, SIGKILL);
	_exit(0);
}

static void
trickle(void *ctx, int fd)
{
	(void)ctx;
	while (write(fd, "x", 1) == 1)
		usleep(20000);
}

/* ---- the tests ---- */

static void
same_text(const char *a, const char *b)
{
	assert_string_equal(a, b);
}

/* The spelling of the issuer's name goes with the question. */
static void
an_issuer_of_two_spellings_is_known_there_as_here(void **state)
{
	const struct forge_leaf leaf = {.name = "spelled", .ca = "printca"};
	struct ocsp_about about = {.hash = HASH_SHA1};
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	char path[128], issuer[128], why[WHY_MAX];
	const char *files[1] = {issuer};
	const struct cert_places places = {files, 1, {NULL, NULL}};
	struct ocsp_target *t;
	struct ocsp_verdict v;
	struct cert c;

	(void)state;
	forge_leaf(dir, &leaf, now);
	snprintf(path, sizeof(path), "%s/spelled.pem", dir);
	snprintf(issuer, sizeof(issuer), "%s/utf8ca.pem", dir);
	assert_int_equal(cert_read(shelf, path, &c, why), CERT_OK);
	assert_int_equal(cert_find_issuer(&c, &places, now, why), CERT_OK);
	about.issuer = c.issuer;
	about.issuer_len = c.issuer_len;
	about.issuer_name = c.issuer_field;
	about.issuer_name_len = c.issuer_field_len;
	about.serial = c.serial;
	about.serial_len = c.serial_len;
	about.not_after = c.not_after;
	t = ocsp_target(session, &about, why);
	assert_non_null(t);
	assert_int_equal(ask_about(j, t, "spelled", "good", &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_GOOD);
	assert_int_equal(v.quirks, QUIRK_ISSUER_SPELLING);
	assert_int_equal(
	    ask_about(j, t, "spelled", "good-sha1", &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_GOOD);
	assert_int_equal(v.quirks, QUIRK_CA_SPELLING);
	is_good(j);
	ocsp_target_free(t);
	cert_free(&c);
	judge_free(j);
}

/* Each recipe of the forge, in both processes. */
static void
it_says_what_it_would_say_here(void **state)
{
	struct judge *there = make_judge(SANDBOX_AUTO, 20000);
	struct judge *here = make_judge(SANDBOX_OFF, 20000);
	const struct forge_recipe *r;
	struct ocsp_verdict a, b;
	int goods = 0, n = 0;

	(void)state;
	for (r = forge_recipes; r->name != NULL; r++) {
		const struct ocsp_target *t = n % 2 ? target : with_nonce;
		const unsigned char *req;
		unsigned char *der = NULL;
		size_t len, m;

		req = ocsp_request(t, &m);
		if (r->ca != NULL ||
		    forge_response(forge, r, "leaf", req, m, now, &der, &len) ==
			-1)
			continue;
		assert_int_equal(
		    judge_response(there, t, der, len, &policy, &a),
		    JUDGE_DONE);
		assert_int_equal(
		    judge_response(here, t, der, len, &policy, &b), JUDGE_DONE);
		free(der);
		assert_int_equal(a.status, b.status);
		same_text(a.why, b.why);
		same_text(a.signer, b.signer);
		assert_int_equal(a.error, b.error);
		assert_int_equal(a.this_update, b.this_update);
		assert_int_equal(a.next_update, b.next_update);
		assert_int_equal(a.usable_until, b.usable_until);
		assert_int_equal(a.revoked_at, b.revoked_at);
		assert_int_equal(a.reason, b.reason);
		assert_int_equal(a.nonce, b.nonce);
		assert_int_equal(a.singles, b.singles);
		goods += a.status == VERDICT_GOOD;
		n++;
	}
	assert_true(n > 100);
	assert_true(goods > 5);
	judge_free(there);
	judge_free(here);
}

static void
its_text_is_the_same_text(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	unsigned char *der;
	char *a, *b;
	size_t len;

	(void)state;
	respond(target, forge_find("good"), &der, &len);
	a = judge_text(j, der, len);
	b = ocsp_text(der, len);
	assert_non_null(a);
	assert_non_null(b);
	same_text(a, b);
	free(a);
	free(b);
	/* and of what is none there is none */
	assert_null(judge_text(j, (const unsigned char *)"x", 1));
	is_good(j);
	free(der);
	judge_free(j);
}

static void
nothing_is_started_before_it_is_needed(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);

	(void)state;
	assert_int_equal(judge_pid(), -1);
	assert_int_equal(judge_jail(j), -1);
	is_good(j);
	if (access("/proc/self/stat", R_OK) == 0)
		assert_int_not_equal(judge_pid(), -1);
	assert_int_not_equal(judge_jail(j), -1);
	judge_free(j);
	assert_int_equal(judge_pid(), -1);
}

static void
needs_proc(void)
{
	if (access("/proc/self/stat", R_OK) == -1)
		skip();
}

static void
one_that_died_idle_costs_nothing(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	siginfo_t info;
	pid_t pid;

	(void)state;
	needs_proc();
	is_good(j);
	pid = judge_pid();
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	is_good(j);
	assert_int_not_equal(judge_pid(), pid);
	judge_free(j);
}

/* One that was there before, stopped when the question comes and then that. */
static void
die_of(int sig)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	struct ocsp_verdict v;
	pid_t pid, helper;

	is_good(j);
	pid = judge_pid();
	kill(pid, SIGSTOP);
	helper = send_soon(pid, sig);
	assert_int_equal(ask(j, target, "good", &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_GOOD);
	waitpid(helper, NULL, 0);
	assert_int_not_equal(judge_pid(), pid);
	judge_free(j);
}

static void
what_ails_it_since_before_is_no_fault_of_a_response(void **state)
{
	(void)state;
	needs_proc();
	die_of(SIGSEGV);
	die_of(SIGKILL);
	die_of(SIGUSR1);
}

/* One that gets into this trouble with each response; `v` is of one. */
static enum judge_result
in_trouble(enum trouble t, long patience_ms, struct ocsp_verdict *v)
{
	struct judge *j;
	struct ocsp_verdict after;
	enum judge_result res;
	int tries = 0;

	trouble = t;
	j = make_judge(SANDBOX_AUTO, patience_ms);
	res = ask(j, target, "good", v);
	assert_int_not_equal(v->status, VERDICT_GOOD);
	assert_int_equal(judge_pid(), -1);
	/* whichever it was that was asked first; it may have no turn, either */
	trouble = NONE;
	while (ask(j, target, "good", &after) == JUDGE_FAILED && ++tries < 20)
		assert_non_null(strstr(after.why, "did not come to it in "));
	assert_int_equal(after.status, VERDICT_GOOD);
	trouble = t;
	judge_free(j);
	trouble = NONE;
	return res;
}

/* What it says of how long it waited. */
static long
seconds(const char *why, const char *words)
{
	const char *p = strstr(why, words);

	assert_non_null(p);
	return strtol(p + strlen(words), NULL, 10);
}

static void
a_crash_is_that_responses_fault(void **state)
{
	struct ocsp_verdict v;

	(void)state;
	needs_proc();
	assert_int_equal(in_trouble(CRASH, 20000, &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "died of signal "));
}

static void
to_compute_for_ever_is_that_responses_fault(void **state)
{
	struct ocsp_verdict v;
	int tries = 0;

	(void)state;
	needs_proc();
	/* where others compute, too, it may not have had a second of it */
	while (in_trouble(SPIN, 3000, &v) != JUDGE_DONE && ++tries < 20)
		assert_non_null(strstr(v.why, "did not come to it in "));
	assert_int_equal(v.status, VERDICT_REFUSED);
	assert_true(seconds(v.why, "had no word on it for ") >= 3);
}

/* As where others compute, too: of its time it has had less than half. */
static void
to_compute_for_a_second_is_enough(void **state)
{
	struct ocsp_verdict v;
	int tries = 0;

	(void)state;
	needs_proc();
	while (in_trouble(DOZE, 6000, &v) != JUDGE_DONE && ++tries < 5)
		assert_non_null(strstr(v.why, "did not come to it in "));
	assert_int_equal(v.status, VERDICT_REFUSED);
	assert_true(seconds(v.why, "had no word on it for ") >= 6);
}

static void
to_wait_for_ever_is_a_local_fault(void **state)
{
	struct ocsp_verdict v;

	(void)state;
	needs_proc();
	assert_int_equal(in_trouble(WAIT, 2 * SHORT, &v), JUDGE_FAILED);
	assert_non_null(strstr(v.why, "did not come to it in 1 s"));
}

/* The one that was there and the new one: all else stands still meanwhile. */
static void
both_that_are_asked_share_the_time(void **state)
{
	const long patience_ms = 3000;
	struct judge *j = make_judge(SANDBOX_AUTO, patience_ms);
	struct ocsp_verdict v;
	long long began;

	(void)state;
	needs_proc();
	is_good(j);
	kill(judge_pid(), SIGSTOP);
	trouble = WAIT;
	began = real_ms();
	assert_int_equal(ask(j, target, "good", &v), JUDGE_FAILED);
	trouble = NONE;
	assert_true(seconds(v.why, "did not come to it in ") >= 2);
	assert_true(real_ms() - began >= patience_ms - 1);
	assert_true(real_ms() - began < 2 * patience_ms - 100);
	judge_free(j);
}

/* What it could not set up it may lack for good. */
static void
one_that_lacked_memory_is_not_asked_again(void **state)
{
	struct judge *j;
	struct ocsp_verdict v;
	pid_t pid;

	(void)state;
	needs_proc();
	trouble = STARVE;
	j = make_judge(SANDBOX_AUTO, 20000);
	judge_ready(j);
	pid = judge_pid();
	assert_int_not_equal(pid, -1);
	trouble = NONE;
	(void)ocsp_starved();
	assert_int_equal(ask(j, target, "by-leaf", &v), JUDGE_DONE);
	assert_true(ocsp_starved());
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(ask(j, target, "by-leaf", &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_REFUSED);
	assert_false(ocsp_starved());
	judge_free(j);
}

static void
that_it_was_killed_is_a_local_fault(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	struct ocsp_verdict v;
	pid_t helper;

	(void)state;
	needs_proc();
	trouble = WAIT;
	helper = kill_soon();
	assert_int_equal(ask(j, target, "good", &v), JUDGE_FAILED);
	trouble = NONE;
	assert_int_not_equal(v.status, VERDICT_GOOD);
	assert_non_null(strstr(v.why, "was killed"));
	waitpid(helper, NULL, 0);
	judge_free(j);
}

/* A word each moment is no answer either. */
static void
patience_is_for_all_that_is_said(void **state)
{
	const struct child_work w = {trickle, NULL, _exit};
	const struct child_limit l = {real_ms, real_ms() + SHORT};
	struct child c;
	char why[WHY_MAX], buf[1000];
	long cpu_ms;

	(void)state;
	assert_int_equal(child_start(&c, &w, why), 0);
	errno = 0;
	assert_int_equal(child_receive(c.fd, buf, sizeof(buf), &l), -1);
	assert_int_equal(errno, ETIMEDOUT);
	child_end(&c, 1, &cpu_ms);
}

/* Of a run that is to end there is less patience, but some. */
/* What ends us is blocked while we wait for it, and yet is not to wait. */
static void
a_signal_for_us_does_not_wait_for_the_judge(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 30000);
	long long began = real_ms();
	struct ocsp_verdict v;
	sigset_t ends, was;
	pid_t sender;

	(void)state;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &was);
	trouble = WAIT;
	sender = send_soon(getpid(), SIGTERM);
	assert_int_equal(ask(j, target, "good", &v), JUDGE_FAILED);
	trouble = NONE;
	assert_true(real_ms() - began < 5000);
	assert_int_equal(v.status, VERDICT_INVALID);
	assert_non_null(strstr(v.why, "as a signal came"));
	waitpid(sender, NULL, 0);
	/* it is still there, for who lets it come */
	assert_int_equal(child_pending_signal(), SIGTERM);
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(child_pending_signal(), 0);
	sigprocmask(SIG_SETMASK, &was, NULL);
	signal(SIGTERM, SIG_DFL);
	is_good(j);
	judge_free(j);
}

static void
patience_ends_with_the_run(void **state)
{
	const struct judge_terms terms = {session, SANDBOX_AUTO, 3600000,
	    real_ms, real_ms() - 1000, _exit, 0};
	struct judge *j = judge_new(&terms);
	struct ocsp_verdict v;
	long long began = real_ms();

	(void)state;
	assert_non_null(j);
	is_good(j);
	judge_free(j);
	j = judge_new(&terms);
	trouble = WAIT;
	assert_int_equal(ask(j, target, "good", &v), JUDGE_FAILED);
	trouble = NONE;
	assert_true(real_ms() - began < 600000);
	judge_free(j);
}

/*
 * In the place of the judge somebody says these bytes: what has become of a
 * response that is revoked?
 */
static enum ocsp_status
heard(const void *bytes, size_t len)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	struct ocsp_verdict v;
	int least = dup(0), fd, pair[2];

	close(least);
	is_good(j);
	fd = socket_from(least);
	assert_int_not_equal(fd, -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(dup2(pair[0], fd), fd);
	assert_int_equal(write(pair[1], bytes, len), (int)len);
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	assert_int_equal(ask(j, target, "revoked", &v), JUDGE_DONE);
	close(pair[0]);
	close(pair[1]);
	is_good(j);
	judge_free(j);
	return v.status;
}

/* It is not believed, and another one is asked. */
static void
nonsense(int what, size_t len)
{
	static char buf[65536];

	memset(buf, what, sizeof(buf));
	assert_int_equal(heard(buf, len), VERDICT_REVOKED);
}

/* As judge.c has it. */
struct reply {
	int starved;
	size_t text_len;
	struct ocsp_verdict v;
	char text;
};

/* The times of one that says "good"; 0: there are no more to spoil. */
static int
spoil_time(struct ocsp_verdict *v, int i)
{
	switch (i) {
	case 0:
		v->has_times = 0;
		return 1;
	case 1:
		v->usable_until = now;
		return 1;
	case 2:
		v->usable_until = cert.not_after + 1;
		v->next_update = cert.not_after + 2;
		return 1;
	case 3:
		v->usable_until = v->next_update + 1;
		return 1;
	case 4:
		v->has_next = 0;
		return 1;
	case 5:
		v->this_update = now + 301;
		return 1;
	case 6:
		v->this_update = WORDS_YEAR_0 - 1;
		return 1;
	case 7:
		v->next_update = WORDS_YEAR_10000;
		return 1;
	case 8:
		v->produced_at = WORDS_YEAR_10000;
		return 1;
	case 9:
		v->revoked_at = WORDS_YEAR_0 - 1;
		return 1;
	default:
		return 0;
	}
}

static int
spoil(struct reply *r, int i)
{
	switch (i) {
	case 0:
		r->v.status = (enum ocsp_status)(VERDICT_GOOD + 1);
		return 1;
	case 1:
		r->v.status = (enum ocsp_status)(VERDICT_INVALID - 1);
		return 1;
	case 2:
		r->v.bounded_by = -1;
		return 1;
	case 3:
		r->v.bounded_by = BOUND_ASSUMED + 1;
		return 1;
	case 4:
		r->v.singles = -1;
		return 1;
	case 5:
		memset(r->v.signer, 'x', sizeof(r->v.signer));
		return 1;
	case 6:
		memset(r->v.why, 'x', sizeof(r->v.why));
		return 1;
	case 7:
		r->text_len = 1;
		return 1;
	case 8:
		r->v.quirks = QUIRKS + 1;
		return 1;
	case 9:
		r->v.expired = 1;
		return 1;
	case 10:
		r->v.sha1 = 1;
		return 1;
	case 11:
		r->v.other_hash = 1;
		return 1;
	case 12:
		r->v.excused = 1;
		return 1;
	case 13:
		r->v.excused = 1;
		r->v.status = VERDICT_UNKNOWN;
		return 1;
	case 14:
		r->v.authentic = 0;
		return 1;
	default:
		return spoil_time(&r->v, i - 15);
	}
}

/* What may make a good one is what was demanded, whoever says it. */
static void
a_verdict_that_the_policy_forbids_is_not_believed(void **state)
{
	static const struct {
		const char *recipe;
		long long max_age, assume_lifetime;
		int allow_sha1;
		enum ocsp_status want;
	} rows[] = {
	    {"no-next", -1, 36 * 3600, 0, VERDICT_GOOD},
	    {"no-next", -1, 0, 0, VERDICT_REVOKED},
	    {"no-next", -1, 36 * 3600 - 1, 0, VERDICT_REVOKED},
	    {"no-next", 36 * 3600, 36 * 3600, 0, VERDICT_GOOD},
	    {"no-next", 36 * 3600 - 1, 36 * 3600, 0, VERDICT_REVOKED},
	    {"good", 30 * 86400, 0, 0, VERDICT_GOOD},
	    {"good", 86400, 0, 0, VERDICT_REVOKED},
	    {"sig-sha1", -1, 0, 1, VERDICT_GOOD},
	    {"sig-sha1", -1, 0, 0, VERDICT_REVOKED},
	};
	const struct ocsp_policy before = policy;
	struct reply said;
	struct judge *j;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (lab_refused(forge_find(rows[i].recipe)))
			continue; /* then none is believed */
		j = make_judge(SANDBOX_OFF, 20000);
		memset(&said, 0, sizeof(said));
		policy.assume_lifetime = 36 * 3600;
		policy.allow_sha1 = 1;
		assert_int_equal(
		    ask(j, target, rows[i].recipe, &said.v), JUDGE_DONE);
		assert_int_equal(said.v.status, VERDICT_GOOD);
		said.starved = 0;
		said.text_len = 0;
		judge_free(j);
		policy.max_age = rows[i].max_age;
		policy.assume_lifetime = rows[i].assume_lifetime;
		policy.allow_sha1 = rows[i].allow_sha1;
		if (heard(&said, offsetof(struct reply, text)) != rows[i].want)
			fail_msg("row %zu, %s", i, rows[i].recipe);
		policy = before;
	}
}

static void
what_is_not_plausible_in_one_thing_is_not_believed(void **state)
{
	struct judge *j = make_judge(SANDBOX_AUTO, 20000);
	struct reply honest, r;
	int i;

	(void)state;
	memset(&honest, 0, sizeof(honest));
	assert_int_equal(ask(j, target, "good", &honest.v), JUDGE_DONE);
	assert_int_equal(honest.v.status, VERDICT_GOOD);
	judge_free(j);
	/* the lie would be believed, and that is said in SECURITY */
	assert_int_equal(
	    heard(&honest, offsetof(struct reply, text)), VERDICT_GOOD);
	for (i = 0; r = honest, spoil(&r, i); i++)
		if (heard(&r, offsetof(struct reply, text) + r.text_len) !=
		    VERDICT_REVOKED)
			fail_msg("%d was believed", i);
	assert_int_equal(i, 25);
}

static void
nonsense_is_not_believed(void **state)
{
	(void)state;
	nonsense(0xff, 65536);
	nonsense('A', 65536);
	nonsense(1, 65536);
	nonsense(VERDICT_GOOD, 65536);
}

static void
whoever_babbles_has_refused(void **state)
{
	struct ocsp_verdict v;

	(void)state;
	needs_proc();
	assert_int_equal(in_trouble(BABBLE, 20000, &v), JUDGE_DONE);
	assert_int_equal(v.status, VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "answered nonsense on it"));
}

static void
half_an_answer_is_none(void **state)
{
	(void)state;
	nonsense(0, 0);
	nonsense(0, 1);
	nonsense(0, 100);
}

static void
without_processes_it_is_a_local_fault(void **state)
{
	const struct rlimit few = {0, 0};
	const struct ocsp_policy plain = {.now = now, .max_age = -1};
	struct ocsp_verdict v;
	struct judge *j;
	unsigned char *der;
	size_t len;
	int failed, status;
	pid_t pid;

	(void)state;
	respond(target, forge_find("good"), &der, &len);
	if ((pid = fork()) == 0) {
		/* root has as many as it likes */
		if (getuid() == 0 && setuid(65534) == -1)
			_exit(2);
		setrlimit(RLIMIT_NPROC, &few);
		j = make_judge(SANDBOX_AUTO, 20000);
		failed = judge_response(j, target, der, len, &plain, &v) ==
			JUDGE_FAILED &&
		    v.status != VERDICT_GOOD &&
		    strstr(v.why, "--sandbox=off") != NULL;
		judge_free(j);
		_exit(failed ? 0 : 1);
	}
	free(der);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the issuer that was fetched ---- */

static enum cert_result
look_for_issuer_in(
    enum sandbox_mode mode, const unsigned char *p, size_t len, char *hunt)
{
	struct judge *j = make_judge(mode, 20000);
	const struct cert_places nowhere = {NULL, 0, {NULL, NULL}};
	char path[128], why[WHY_MAX];
	enum cert_result res;
	struct cert c;

	snprintf(path, sizeof(path), "%s/leaf.pem", dir);
	assert_int_equal(cert_read(shelf, path, &c, why), CERT_OK);
	assert_int_equal(
	    cert_find_issuer(&c, &nowhere, now, why), CERT_EISSUER);
	res = judge_issuer(j, &c, p, len, "http://there", now, why);
	if (res == CERT_OK) {
		assert_int_equal(c.issuer_len, cert.issuer_len);
		assert_memory_equal(c.issuer, cert.issuer, c.issuer_len);
		assert_non_null(strstr(c.issuer_from, "http://there"));
	}
	snprintf(hunt, WHY_MAX, "%.400s|%.600s", why,
	    c.hunt != NULL ? c.hunt : "none");
	cert_free(&c);
	judge_free(j);
	return res;
}

static enum cert_result
look_for_issuer(
    enum sandbox_mode mode, const char *name, const char *format, char *hunt)
{
	enum cert_result res;
	unsigned char *p;
	size_t len;

	if (name != NULL)
		assert_int_equal(forge_cert(forge, name, format, &p, &len), 0);
	else
		assert_non_null(p = (unsigned char *)strdup(format));
	if (name == NULL)
		len = strlen(format);
	res = look_for_issuer_in(mode, p, len, hunt);
	free(p);
	return res;
}

static void
an_issuer_is_found_there_as_here(void **state)
{
	static const char *const rows[][2] = {{"ca", "der"}, {"ca", "pem"},
	    {"ca", "cms"}, {"leaf", "der"}, {NULL, "what"}, {NULL, "0"}};
	char a[WHY_MAX], b[WHY_MAX];
	enum cert_result res;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a[0] = b[0] = '\0';
		res = look_for_issuer(SANDBOX_AUTO, rows[i][0], rows[i][1], a);
		assert_int_equal(
		    look_for_issuer(SANDBOX_OFF, rows[i][0], rows[i][1], b),
		    res);
		if (res != CERT_OK)
			assert_string_equal(a, b);
		assert_int_equal(res == CERT_OK, i < 3);
	}
}

/* Its outermost length said in other ways, as BER allows. */
static void
an_issuer_in_ber_is_kept_in_der(void **state)
{
	static const enum sandbox_mode modes[] = {SANDBOX_AUTO, SANDBOX_OFF};
	unsigned char *p, ber[8192] = {0x30, 0x84, 0, 0};
	char hunt[WHY_MAX];
	size_t len, i;

	(void)state;
	assert_int_equal(forge_cert(forge, "ca", "der", &p, &len), 0);
	assert_true(len + 4 < sizeof(ber));
	assert_memory_equal(p, "\x30\x82", 2);
	memcpy(ber + 4, p + 2, len - 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    look_for_issuer_in(modes[i], ber, len + 2, hunt), CERT_OK);
	ber[1] = 0x80;
	memcpy(ber + 2, p + 4, len - 4);
	memset(ber + len - 2, 0, 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    look_for_issuer_in(modes[i], ber, len, hunt), CERT_OK);
	free(p);
}

static enum cert_result
lied_to(const void *der, size_t len, char *hunt)
{
	enum cert_result res;

	lie.der = der;
	lie.len = len;
	lie.not = getpid();
	res = look_for_issuer(SANDBOX_AUTO, "ca", "der", hunt);
	lie.not = 0;
	return res;
}

/*
 * What the program decodes itself is one element of DER, as an issuer is that
 * was found, and no other form that strangers may choose; and it looks for
 * itself.
 */
static void
an_issuer_that_is_made_up_is_none(void **state)
{
	static const char *const forms[] = {"pem", "cms"};
	static const unsigned char odd[][6] = {{0x30}, {0x30, 4, 2, 2, 1, 1},
	    {0x30, 0x80, 0, 0}, {0x30, 0x84, 0, 0, 0, 0}, {0x30, 0x82, 0xff},
	    {0x31, 0x04}};
	char hunt[WHY_MAX];
	unsigned char *p, *more;
	size_t len, i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_int_equal(
		    lied_to(odd[i], sizeof(odd[i]), hunt), CERT_EISSUER);
		assert_non_null(strstr(hunt, "nonsense"));
	}
	assert_int_equal(lied_to("0", 1, hunt), CERT_EISSUER);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(
		    forge_cert(forge, "ca", forms[i], &p, &len), 0);
		assert_int_equal(lied_to(p, len, hunt), CERT_EISSUER);
		assert_non_null(strstr(hunt, "nonsense"));
		free(p);
	}
	/* it was the issuer, but there is more */
	assert_int_equal(forge_cert(forge, "ca", "der", &p, &len), 0);
	assert_int_equal(lied_to(p, len, hunt), CERT_OK);
	assert_int_equal(lied_to(p, len - 1, hunt), CERT_EISSUER);
	assert_non_null(more = malloc(len + 1));
	memcpy(more, p, len);
	more[len] = 0;
	assert_int_equal(lied_to(more, len + 1, hunt), CERT_EISSUER);
	free(more);
	free(p);
	assert_int_equal(forge_cert(forge, "leaf", "der", &p, &len), 0);
	assert_int_equal(lied_to(p, len, hunt), CERT_EISSUER);
	free(p);
}

static void
who_fails_over_an_issuer_finds_none(void **state)
{
	char hunt[WHY_MAX];

	(void)state;
	needs_proc();
	trouble = CRASH;
	assert_int_equal(lied_to("", 0, hunt), CERT_EISSUER);
	assert_non_null(strstr(hunt, "died of signal "));
	trouble = BABBLE;
	assert_int_equal(lied_to("", 0, hunt), CERT_EISSUER);
	assert_non_null(strstr(hunt, "answered nonsense"));
	trouble = NONE;
	/* that there is one is said, but not which */
	assert_int_equal(lied_to("", 0, hunt), CERT_EISSUER);
	assert_non_null(strstr(hunt, "answered nonsense"));
	assert_int_equal(judge_pid(), -1);
}

/* What comes out without a jail could have been anything. */
static void
require_decodes_nothing_without_a_jail(void **state)
{
	struct judge *j = make_judge(SANDBOX_REQUIRE, 20000);
	const struct cert_places nowhere = {NULL, 0, {NULL, NULL}};
	static char much[1 << 20];
	char path[128], why[WHY_MAX] = "";
	const struct ocsp_policy plain = {.now = now, .max_age = -1};
	struct ocsp_verdict v;
	struct cert c;

	(void)state;
	no_jail = 1;
	*decoded = 0;
	trouble = CRASH;
	assert_int_equal(judge_try(j, why), JUDGE_FAILED);
	assert_non_null(strstr(why, "--sandbox=require"));
	assert_int_equal(judge_response(j, target, (unsigned char *)much,
			     sizeof(much), &plain, &v),
	    JUDGE_FAILED);
	assert_int_not_equal(v.status, VERDICT_GOOD);
	assert_non_null(strstr(v.why, "--sandbox=require"));
	snprintf(path, sizeof(path), "%s/leaf.pem", dir);
	assert_int_equal(cert_read(shelf, path, &c, why), CERT_OK);
	assert_int_equal(
	    cert_find_issuer(&c, &nowhere, now, why), CERT_EISSUER);
	lie.not = getpid();
	assert_int_equal(
	    judge_issuer(j, &c, (const unsigned char *)"x", 1, "u", now, why),
	    CERT_ELOCAL);
	assert_non_null(strstr(why, "--sandbox=require"));
	assert_false(*decoded);
	no_jail = 0;
	trouble = NONE;
	lie.not = 0;
	cert_free(&c);
	judge_free(j);
}

/* For coverage and valgrind it is built without one. */
#ifndef OCSPFETCH_UNJAILED
static void
require_is_content_where_there_is_a_jail(void **state)
{
	struct judge *j;
	const char *played = getenv("PLAYED");
	char why[WHY_MAX] = "";

	(void)state;
	/* who plays another machine has no seccomp for it */
	if (access("/proc/self/stat", R_OK) == -1 ||
	    (played != NULL && played[0] != '\0'))
		skip();
	j = make_judge(SANDBOX_REQUIRE, 20000);
	assert_int_equal(judge_try(j, why), JUDGE_DONE);
	is_good(j);
	assert_true(sandbox_holds((unsigned)judge_jail(j)));
	judge_free(j);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_started_before_it_is_needed),
	    cmocka_unit_test(it_says_what_it_would_say_here),
	    cmocka_unit_test(its_text_is_the_same_text),
	    cmocka_unit_test(one_that_died_idle_costs_nothing),
	    cmocka_unit_test(
		what_ails_it_since_before_is_no_fault_of_a_response),
	    cmocka_unit_test(a_crash_is_that_responses_fault),
	    cmocka_unit_test(to_compute_for_ever_is_that_responses_fault),
	    cmocka_unit_test(to_compute_for_a_second_is_enough),
	    cmocka_unit_test(to_wait_for_ever_is_a_local_fault),
	    cmocka_unit_test(both_that_are_asked_share_the_time),
	    cmocka_unit_test(one_that_lacked_memory_is_not_asked_again),
	    cmocka_unit_test(that_it_was_killed_is_a_local_fault),
	    cmocka_unit_test(patience_is_for_all_that_is_said),
	    cmocka_unit_test(a_signal_for_us_does_not_wait_for_the_judge),
	    cmocka_unit_test(patience_ends_with_the_run),
	    cmocka_unit_test(nonsense_is_not_believed),
	    cmocka_unit_test(
		what_is_not_plausible_in_one_thing_is_not_believed),
	    cmocka_unit_test(a_verdict_that_the_policy_forbids_is_not_believed),
	    cmocka_unit_test(an_issuer_of_two_spellings_is_known_there_as_here),
	    cmocka_unit_test(whoever_babbles_has_refused),
	    cmocka_unit_test(half_an_answer_is_none),
	    cmocka_unit_test(without_processes_it_is_a_local_fault),
	    cmocka_unit_test(an_issuer_is_found_there_as_here),
	    cmocka_unit_test(an_issuer_in_ber_is_kept_in_der),
	    cmocka_unit_test(an_issuer_that_is_made_up_is_none),
	    cmocka_unit_test(who_fails_over_an_issuer_finds_none),
	    cmocka_unit_test(require_decodes_nothing_without_a_jail),
#ifndef OCSPFETCH_UNJAILED
	    cmocka_unit_test(require_is_content_where_there_is_a_jail),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
