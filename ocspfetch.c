#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "haproxy.h"
#include "hook.h"
#include "job.h"
#include "options.h"
#include "report.h"

/* How long a lock is waited for, and how often it is tried, in ms. */
#define LOCK_PATIENCE 10000
#define LOCK_PAUSE 25

/* Jobs that wait hold memory and a descriptor: no more begin beyond these. */
#define MAX_WAITING 64

/* So much waits to be handed to HAProxy, in bytes, before it is. */
#define NEWS_MAX ((size_t)1 << 20)

/* However late it is, the hook has so long, in ms. */
#define HOOK_LEAST 10000

/* A job that waits for its question to be asked again. */
struct waiting {
	struct job *job;
	long long due_ms; /* of the monotonic clock */
	struct waiting *next;
};

/* A response in place, of which HAProxy has to hear; all is owned. */
struct news {
	struct haproxy_news what;
	char *output;
	struct news *next;
};

/* A file of which the hook has to hear, and the marker that says so. */
struct change {
	char *output;
	struct staple_mark mark;
};

struct run {
	struct env env;
	size_t next_operand;
	struct waiting *waiting;
	size_t nwaiting;
	long long deadline_ms; /* of the monotonic clock; -1: none */
	enum code worst;
	int changed;

	struct haproxy *haproxy; /* as many as there are sockets */
	size_t *untold;          /* and how often each went without a word */
	struct news *news, **last_news;
	size_t news_size;

	struct change *changes;
	size_t nchanges;

	/* The first of those that ended with 0 to fall short, and when. */
	char *shortest;
	time_t falls_short;
};

/* ---- the clock and the signals ---- */

static long long
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
tick(struct run *r)
{
	long long left;

	r->env.now = time(NULL);
	r->env.ms = monotonic_ms();
	if (r->deadline_ms == -1)
		return;
	left = r->deadline_ms - r->env.ms;
	r->env.left_ms = left > 0 ? left : 0;
}

/*
 * What ends the program is blocked but for the moments where nothing is half
 * done: here, and while http.c waits.
 */
static void
ending_signals(int how)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(how, &ends, NULL);
}

/* ---- jobs ---- */

static void
say(const struct text *t)
{
	if (t->len == 0)
		return;
	/* nobody may be reading */
	ending_signals(SIG_UNBLOCK);
	(void)fwrite(t->s, 1, t->len, stderr);
	ending_signals(SIG_BLOCK);
}

static void
remember_shortest(struct run *r, const struct job *j)
{
	time_t when = job_good_until(j, &r->env);

	if (when == 0 || (r->shortest != NULL && when >= r->falls_short))
		return;
	free(r->shortest);
	r->shortest = strdup(j->path);
	r->falls_short = when;
}

/* What was enough when its turn came may not be at the end of a long run. */
static void
look_again(struct run *r)
{
	char safe[2 * WHY_MAX];

	tick(r);
	if (r->shortest == NULL || r->env.now <= r->falls_short)
		return;
	fprintf(stderr,
	    "ocspfetch: %s: while the run went on, its response came to last "
	    "less long than is demanded; run again\n",
	    words_escape(safe, sizeof(safe), r->shortest, strlen(r->shortest)));
	if (r->worst < CODE_TEMPORARY)
		r->worst = CODE_TEMPORARY;
}

/* ---- telling ---- */

static void
worsen(struct run *r, enum code code)
{
	if (code > r->worst)
		r->worst = code;
}

static void
out_of_memory(struct run *r, const char *path)
{
	char safe[2 * WHY_MAX];

	fprintf(stderr, "ocspfetch: %s: out of memory\n",
	    words_escape(safe, sizeof(safe), path, strlen(path)));
	worsen(r, CODE_LOCAL);
}

static void
news_free(struct news *n)
{
	free((void *)(uintptr_t)n->what.path);
	free((void *)(uintptr_t)n->what.serial);
	free((void *)(uintptr_t)n->what.der);
	free((void *)(uintptr_t)n->what.issuer);
	free(n->output);
	free(n);
}

/* One response to one HAProxy.  A dead one is mentioned once. */
static void
push(struct run *r, size_t i, const struct news *n)
{
	struct haproxy *h = &r->haproxy[i];
	const int was_dead = h->dead[0] != '\0';
	enum haproxy_result res;
	char why[WHY_MAX];
	struct text out = {0};

	res = haproxy_push(h, &n->what, why);
	if (res == HAPROXY_REFUSED || res == HAPROXY_DEAD)
		worsen(r, CODE_LOCAL);
	else if (r->env.o->verbose == 0)
		return;
	if (was_dead) {
		r->untold[i]++;
		return;
	}
	report_push(h, &n->what, res, why, n->output, &out);
	say(&out);
	text_free(&out);
}

/* From here on all that was written survives a crash of the machine. */
static void
settle_disk(struct run *r)
{
	char why[WHY_MAX], safe[2 * WHY_MAX];

	if (staple_dirs_flush(r->env.dirs, why) == STAPLE_OK)
		return;
	fprintf(stderr,
	    "ocspfetch: %s; the new response is in place, but a crash of the "
	    "machine may undo it\n",
	    words_escape(safe, sizeof(safe), why, strlen(why)));
	worsen(r, CODE_LOCAL);
}

static void
push_all(struct run *r)
{
	struct news *n;
	size_t i;

	settle_disk(r);

	while ((n = r->news) != NULL) {
		r->news = n->next;
		for (i = 0; i < r->env.o->haproxy.n; i++)
			push(r, i, n);
		news_free(n);
	}
	r->last_news = &r->news;
	r->news_size = 0;
}

static void *
copy(const void *p, size_t len)
{
	void *q = malloc(len);

	return q != NULL ? memcpy(q, p, len) : NULL;
}

/* What HAProxy is to hear when the network's turn is over. */
static void
remember_news(struct run *r, const struct job *j)
{
	struct news *n;

	if ((n = calloc(1, sizeof(*n))) == NULL) {
		out_of_memory(r, j->path);
		return;
	}
	n->output = strdup(j->output);
	n->what.path = strdup(j->path);
	n->what.serial = strdup(j->cert.serial_hex);
	n->what.der = copy(j->have_der, j->have_len);
	n->what.len = j->have_len;
	n->what.issuer = copy(j->cert.issuer, j->cert.issuer_len);
	n->what.issuer_len = j->cert.issuer_len;
	if (n->output == NULL || n->what.path == NULL ||
	    n->what.serial == NULL || n->what.der == NULL ||
	    n->what.issuer == NULL) {
		news_free(n);
		out_of_memory(r, j->path);
		return;
	}
	*r->last_news = n;
	r->last_news = &n->next;
	r->news_size += sizeof(*n) + strlen(n->output) + strlen(j->path) +
	    n->what.len + n->what.issuer_len;
	if (r->news_size > NEWS_MAX)
		push_all(r);
}

/* What the hook is to hear at the end. */
static void
remember_change(struct run *r, const struct job *j)
{
	struct change *c;

	c = realloc(r->changes, (r->nchanges + 1) * sizeof(*c));
	if (c != NULL)
		r->changes = c;
	if (c == NULL || (c[r->nchanges].output = strdup(j->output)) == NULL) {
		out_of_memory(r, j->path);
		return;
	}
	c[r->nchanges++].mark = j->mark;
}

/* The hook has heard of them: the markers go. */
static void
remove_markers(struct run *r)
{
	char why[WHY_MAX], safe[2 * WHY_MAX];
	size_t i;

	for (i = 0; i < r->nchanges; i++) {
		if (staple_told(r->changes[i].output, &r->changes[i].mark,
			why) != STAPLE_FAILED)
			continue;
		fprintf(stderr,
		    "ocspfetch: %s; the next run with -e will call its command "
		    "again\n",
		    words_escape(safe, sizeof(safe), why, strlen(why)));
		worsen(r, CODE_LOCAL);
	}
}

static void
call_hook(struct run *r)
{
	struct hook h = {.command = r->env.o->on_change,
	    .nfiles = r->nchanges,
	    .now_ms = monotonic_ms,
	    .until_ms = r->deadline_ms};
	struct text out = {0};
	const char **files;
	char why[WHY_MAX];
	int done;
	size_t i;

	if (r->nchanges == 0)
		return;
	if ((files = malloc(r->nchanges * sizeof(*files))) == NULL) {
		out_of_memory(r, "-e");
		return;
	}
	for (i = 0; i < r->nchanges; i++)
		files[i] = r->changes[i].output;
	h.files = files;
	if (h.until_ms != -1 && h.until_ms < monotonic_ms() + HOOK_LEAST)
		h.until_ms = monotonic_ms() + HOOK_LEAST;
	done = hook_run(&h, why) == HOOK_DONE;
	free(files);
	if (done)
		remove_markers(r);
	else
		worsen(r, CODE_LOCAL);
	if (!done || r->env.o->verbose > 0)
		report_hook(r->env.o, r->nchanges, done ? NULL : why, &out);
	say(&out);
	text_free(&out);
}

/* All is in place and durable: now to those who are to use it. */
static void
tell(struct run *r)
{
	struct text out = {0};
	size_t i;

	push_all(r);
	for (i = 0; i < r->env.o->haproxy.n; i++)
		if (r->untold[i] > 0)
			report_not_pushed(&r->haproxy[i], r->untold[i], &out);
	say(&out);
	text_free(&out);
	call_hook(r);
}

static void
finish(struct run *r, struct job *j)
{
	struct text out = {0};
	enum code code;
	int owes;

	tick(r);
	owes = job_owes(j, &r->env);
	code = job_settle(j, &r->env);
	report_job(j, &r->env, &out);
	if (out.failed && code != CODE_OK) {
		text_free(&out);
		out_of_memory(r, j->path);
	}
	say(&out);
	text_free(&out);
	worsen(r, code);
	if (code == CODE_OK)
		remember_shortest(r, j);
	if (j->action == ACTION_WRITTEN || j->would_write)
		r->changed = 1;
	if (job_is_news(j, &r->env))
		remember_news(r, j);
	if (owes)
		remember_change(r, j);
	job_free(j);
	free(j);
}

static int
to_stdout(const unsigned char *der, size_t len)
{
	int ok;

	ending_signals(SIG_UNBLOCK); /* nobody may be reading */
	ok = fwrite(der, 1, len, stdout) == len && fflush(stdout) != EOF;
	ending_signals(SIG_BLOCK);
	return ok ? 0 : -1;
}

static void
queue(struct run *r, struct job *j, long pause_ms)
{
	struct waiting *w;

	if ((w = malloc(sizeof(*w))) == NULL) {
		job_fail(j, CODE_LOCAL, "out of memory");
		finish(r, j);
		return;
	}
	w->job = j;
	w->due_ms = monotonic_ms() + pause_ms;
	w->next = r->waiting;
	r->waiting = w;
	r->nwaiting++;
}

/* Another run is saving: meanwhile the other answers are not to be kept. */
static void
save_later(struct run *r, struct job *j, const unsigned char *der, size_t len)
{
	if (j->save_der == NULL) {
		j->save_until = monotonic_ms() + LOCK_PATIENCE;
		j->save_len = len;
		if ((j->save_der = malloc(len)) != NULL)
			memcpy(j->save_der, der, len);
	}
	if (j->save_der == NULL)
		job_fail(j, CODE_LOCAL, "out of memory");
	else if (monotonic_ms() < j->save_until && r->env.left_ms != 0) {
		queue(r, j, LOCK_PAUSE);
		return;
	} else
		job_fail(j, CODE_LOCAL, "%s (it was waited for up to %d s)",
		    j->busy, LOCK_PATIENCE / 1000);
	finish(r, j);
}

static void
save(struct run *r, struct job *j, const unsigned char *der, size_t len)
{
	if (j->output != NULL || r->env.o->dry_run) {
		if (job_save(j, &r->env, der, len) == JOB_WAIT) {
			save_later(r, j, der, len);
			return;
		}
	} else if (to_stdout(der, len) == 0)
		job_saved(j, ACTION_WRITTEN);
	else
		job_fail(j, CODE_LOCAL, "cannot write to standard output: %s",
		    strerror(errno));
	finish(r, j);
}

/* Takes the first that is due; else NULL, and how long that is to come. */
static struct job *
take_due(struct run *r, long *wait_ms)
{
	struct waiting **p, *w;
	long long now = monotonic_ms();
	struct job *j;

	for (p = &r->waiting; (w = *p) != NULL; p = &w->next) {
		if (w->due_ms > now && r->env.left_ms != 0) {
			if (w->due_ms - now < *wait_ms)
				*wait_ms = (long)(w->due_ms - now);
			continue;
		}
		*p = w->next;
		r->nwaiting--;
		j = w->job;
		free(w);
		return j;
	}
	return NULL;
}

/* Loads one; NULL: it is finished already. */
static struct job *
start_job(struct run *r, const char *path)
{
	enum job_state state;
	struct job *j;

	if ((j = malloc(sizeof(*j))) == NULL) {
		out_of_memory(r, path);
		return NULL;
	}
	job_init(j, path);
	tick(r);
	/* it only reads, perhaps from a disk or a server that hangs */
	ending_signals(SIG_UNBLOCK);
	state = r->env.o->served != NULL ? job_served(j, &r->env)
					 : job_load(j, &r->env);
	ending_signals(SIG_BLOCK);
	if (state == JOB_ASK)
		return j;
	finish(r, j);
	return NULL;
}

/* Loads operands until one has to be asked about. */
static struct job *
take_operand(struct run *r)
{
	const struct options *o = r->env.o;
	struct job *j;

	if (o->served != NULL && o->noperands == 0 && r->next_operand++ == 0)
		return start_job(r, o->served);
	while (r->next_operand < o->noperands && r->nwaiting < MAX_WAITING)
		if ((j = start_job(r, o->operands[r->next_operand++])) != NULL)
			return j;
	return NULL;
}

static enum http_draw
next_question(void *ctx, struct http_question *q, long *wait_ms)
{
	struct run *r = ctx;
	struct job *j;

	for (;;) {
		tick(r);
		if ((j = take_due(r, wait_ms)) == NULL &&
		    (j = take_operand(r)) == NULL)
			return r->waiting != NULL ? HTTP_LATER : HTTP_NONE;
		tick(r);
		if (j->save_der != NULL)
			save(r, j, j->save_der, j->save_len);
		else if (job_question(j, &r->env, q) == JOB_ASK)
			return HTTP_ASK;
		else
			finish(r, j);
	}
}

/* Who sits there and waits is told why; logs and mails are not. */
static void
say_wait(const struct job *j, const struct env *env)
{
	struct text out = {0};

	if (!job_waits(j, env) || !isatty(STDERR_FILENO))
		return;
	report_wait(j, env, &out);
	say(&out);
	text_free(&out);
}

static void
take_answer(
    void *ctx, const struct http_question *q, const struct http_answer *a)
{
	struct run *r = ctx;
	struct job *j = q->ref;

	tick(r);
	report_exchange(j, &r->env, q, a);
	switch (job_answer(j, &r->env, a)) {
	case JOB_ASK:
		queue(r, j, 0);
		return;
	case JOB_WAIT:
		say_wait(j, &r->env);
		queue(r, j, j->pause_ms);
		return;
	case JOB_SAVE:
		save(r, j, a->body, a->body_len);
		return;
	case JOB_DONE:
		finish(r, j);
		return;
	}
}

/* ---- the run ---- */

static void
fill_http_options(struct http_options *h, const struct options *o)
{
	memset(h, 0, sizeof(*h));
	h->agent = "ocspfetch/" OCSPFETCH_VERSION;
	h->post_type = "application/ocsp-request";
	h->accept = "application/ocsp-response";
	h->proxy = o->proxy;
	h->noproxy = o->noproxy;
	h->headers = o->headers.v;
	h->nheaders = o->headers.n;
	h->connect_timeout_ms = (long)(o->connect_timeout * 1000);
	h->max_redirs = (long)o->max_redirs;
	h->parallel = (size_t)o->parallel;
	h->family = o->ipv4 ? 4 : o->ipv6 ? 6 : 0;
}

/* So that a fleet does not come all at once. */
static int
splay(const struct options *o)
{
	uint64_t n;
	struct timespec ts;

	if (o->splay == 0)
		return 0;
	if (getentropy(&n, sizeof(n)) == -1) {
		fprintf(stderr, "ocspfetch: no random number for --splay: %s\n",
		    strerror(errno));
		return -1;
	}
	n %= (uint64_t)o->splay * 1000 + 1;
	if (o->verbose > 0)
		fprintf(stderr,
		    "ocspfetch: waiting %.1f s of at most %lld (--splay)\n",
		    (double)n / 1000, o->splay);
	ts.tv_sec = (time_t)(n / 1000);
	ts.tv_nsec = (long)(n % 1000) * 1000000;
	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
	return 0;
}

static int
prepare(struct run *r)
{
	const struct options *o = r->env.o;
	size_t i;

	r->last_news = &r->news;
	if (o->deadline != -1)
		r->deadline_ms = monotonic_ms() + o->deadline * 1000;
	if (o->haproxy.n > 0 &&
	    ((r->haproxy = calloc(o->haproxy.n, sizeof(*r->haproxy))) == NULL ||
		(r->untold = calloc(o->haproxy.n, sizeof(*r->untold))) == NULL))
		return -1;
	for (i = 0; i < o->haproxy.n; i++) {
		r->haproxy[i].socket = o->haproxy.v[i];
		r->haproxy[i].now_ms = monotonic_ms;
	}
	r->env.ocsp = ocsp_new();
	r->env.shelf = cert_shelf_new(o->verbose > 0 || o->served != NULL);
	r->env.dirs = staple_dirs_new();
	return r->env.ocsp == NULL || r->env.shelf == NULL ||
		r->env.dirs == NULL
	    ? -1
	    : 0;
}

static void
clean_up(struct run *r)
{
	size_t i;

	for (i = 0; i < r->nchanges; i++)
		free(r->changes[i].output);
	free(r->changes);
	free(r->haproxy);
	free(r->untold);
	free(r->shortest);
	cert_shelf_free(r->env.shelf);
	staple_dirs_free(r->env.dirs);
	ocsp_free(r->env.ocsp);
}

static int
run(const struct options *o)
{
	struct run r = {
	    .env = {.o = o, .left_ms = -1, .clock_ms = monotonic_ms},
	    .deadline_ms = -1};
	const struct http_source source = {next_question, take_answer, &r};
	struct http_options http;

	ending_signals(SIG_BLOCK);
	fill_http_options(&http, o);
	if (prepare(&r) == -1 || http_run(&http, &source) == -1) {
		fprintf(stderr, "ocspfetch: out of memory\n");
		r.worst = CODE_LOCAL;
	} else
		tell(&r);
	ending_signals(SIG_UNBLOCK);
	look_again(&r);
	clean_up(&r);
	if (r.worst == CODE_OK && r.changed && o->exit_changed != 0)
		return (int)o->exit_changed;
	return (int)r.worst;
}

/* A file that we open must not become 0, 1 or 2: messages go there. */
static int
make_sure_of_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY); /* so that writing fails */
	while (fd >= 0 && fd <= 2);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static int
print(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		fprintf(stderr,
		    "ocspfetch: cannot write to standard output: "
		    "%s\n",
		    strerror(errno));
		return CODE_LOCAL;
	}
	return CODE_OK;
}

static int
complain(const char *why)
{
	char safe[2 * WHY_MAX];

	fprintf(stderr, "ocspfetch: %s; see ocspfetch --help\n",
	    words_escape(safe, sizeof(safe), why, strlen(why)));
	return CODE_INPUT;
}

int
main(int argc, char **argv)
{
	struct options o;
	char why[WHY_MAX];
	int code = CODE_LOCAL;

	if (make_sure_of_std_fds() == -1)
		return CODE_LOCAL;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write then fails instead */
	switch (options_read(&o, argc, argv, why)) {
	case OPTIONS_RUN:
		if (splay(&o) == 0)
			code = run(&o);
		break;
	case OPTIONS_HELP:
		code = print(options_help);
		break;
	case OPTIONS_VERSION:
		code = print("ocspfetch " OCSPFETCH_VERSION "\n");
		break;
	case OPTIONS_BAD:
		code = complain(why);
		break;
	case OPTIONS_NOMEM:
		fprintf(stderr, "ocspfetch: out of memory\n");
		break;
	}
	options_free(&o);
	return code;
}
