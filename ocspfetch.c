/* SPDX-License-Identifier: ISC */
#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "ocsp/cryptocheck.h"
#include "privsep/filter.h"
#include "notify/hook.h"
#include "job/job.h"
#include "output/json.h"
#include "cli/list.h"
#include "cli/options.h"
#include "store/places.h"
#include "notify/push.h"
#include "sched/queue.h"
#include "sched/recheck.h"
#include "output/report.h"
#include "privsep/sandbox.h"

/* How long a lock is waited for, and how often it is tried, in ms. */
#define LOCK_PATIENCE 10000
#define LOCK_PAUSE 25

/* Jobs that wait hold memory and descriptors: no more begin beyond these. */
#define MAX_WAITING 64
#define MAX_WAITING_LONG 1024 /* with --wait */

/* Descriptors that a run needs whatever it asks: files, directories, hooks. */
#define OWN_DESCRIPTORS 64

/* All pushes to HAProxy together may overrun --deadline by so much, in ms. */
#define PUSH_LEAST 1000

/* Responses are pushed to HAProxy when so many bytes of them wait. */
#define NEWS_MAX ((size_t)1 << 20)

/*
 * How long the judge of responses has for one, in ms; it takes one or less, and
 * so long all else stands still.
 */
#define JUDGE_PATIENCE 10000

/* However late it is, the hook has so long, in ms. */
#define HOOK_LEAST 10000

/*
 * How long a run lasts before it shows how far it is, and how often it does so:
 * in place on a terminal, in lines elsewhere; in ms.
 */
#define PROGRESS_AFTER 1000
#define PROGRESS_STEP 100
#define PROGRESS_LINES 5000

/* A file of which the hook has to hear, and the marker that says so. */
struct change {
	char *output;
	struct store_mark mark;
};

/* How far the run is, for --progress. */
struct progress {
	int wanted;
	int in_place; /* on a terminal */
	int shown;    /* and stands there now */
	size_t done;
	size_t total;
	long long due_ms; /* of the monotonic clock */
};

struct run {
	struct env env;
	struct list *list;
	struct progress progress;
	size_t parallel;
	size_t on_wire; /* questions */
	struct queue *queue;
	struct recheck *recheck;
	int printed;           /* a response, to standard output */
	int all_named;         /* the list has no more */
	long long deadline_ms; /* of the monotonic clock; -1: none */
	enum code worst;
	int changed;
	int mute; /* standard output took a line for --json no more */

	struct push_queue *pushes; /* to HAProxy */

	struct hook_runner *hook; /* borrowed; NULL: there is no such process */
	int inside_hook;          /* a command of -e runs us: none is run */
	struct change *changes;
	size_t nchanges;

	unsigned deadly;   /* DEADLY_ bits: calls not to be made */
	unsigned narrowed; /* JAIL_ bits of this process */
	int is_narrow;     /* and whether it tried to be */
	int written_places;
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

/* ---- what is said ---- */

static void
to_stderr(const char *s, size_t len)
{
	/* nobody may be reading */
	ending_signals(SIG_UNBLOCK);
	(void)fwrite(s, 1, len, stderr);
	ending_signals(SIG_BLOCK);
}

/* Before anything else is said: lines must not mix. */
static void
clear_progress(struct run *r)
{
	static const char blank[] = "\r                                \r";

	if (r->progress.shown)
		to_stderr(blank, sizeof(blank) - 1);
	r->progress.shown = 0;
}

static void
show_progress(struct run *r)
{
	struct progress *p = &r->progress;
	char line[64];
	int n;

	n = snprintf(line, sizeof(line),
	    p->in_place ? "\rocspfetch: %zu/%zu" : "ocspfetch: %zu/%zu\n",
	    p->done, p->total);
	to_stderr(line, (size_t)n);
	p->shown = p->in_place;
}

static void
start_progress(struct run *r)
{
	struct progress *p = &r->progress;

	p->in_place = isatty(STDERR_FILENO);
	p->total = list_total(r->list);
	p->wanted = r->env.o->progress || (p->in_place && p->total > 1);
	p->due_ms =
	    monotonic_ms() + (p->in_place ? PROGRESS_AFTER : PROGRESS_LINES);
}

static void
step_progress(void *ctx)
{
	struct run *r = ctx;
	struct progress *p = &r->progress;
	long long now;

	if (!p->wanted || (now = monotonic_ms()) < p->due_ms)
		return;
	show_progress(r);
	p->due_ms = now + (p->in_place ? PROGRESS_STEP : PROGRESS_LINES);
}

/* A terminal is left as it was; in lines, the last one tells of the end. */
static void
end_progress(struct run *r)
{
	clear_progress(r);
	if (r->progress.wanted && !r->progress.in_place)
		show_progress(r);
}

static void
say(struct run *r, const struct text *t)
{
	if (t->len == 0)
		return;
	clear_progress(r);
	to_stderr(t->s, t->len);
}

/* For --syslog: lines as they are said elsewhere, escaped. */
static void
to_syslog(struct run *r, int priority, const char *s, size_t len)
{
	static const size_t prefix = sizeof("ocspfetch: ") - 1;
	size_t n;

	for (; r->env.o->syslog && len > prefix; s += n + 1, len -= n + 1) {
		s += prefix; /* the log has it already */
		len -= prefix;
		for (n = 0; n + 1 < len && s[n] != '\n'; n++)
			;
		ending_signals(SIG_UNBLOCK); /* nobody may be reading */
		syslog(priority, "%.*s", (int)n, s);
		ending_signals(SIG_BLOCK);
	}
}

/* A failure that concerns no job. */
static void
say_failure(struct run *r, const struct text *t)
{
	say(r, t);
	if (t->s != NULL)
		to_syslog(r, LOG_ERR, t->s, t->len);
}

/* A line about `what`, a name or a reason from outside. */
static void
complain_at(struct run *r, int priority, const char *what, const char *rest)
{
	static const char starved[] = "ocspfetch: out of memory\n";
	struct text line = {0};

	text_add(&line, "ocspfetch: ");
	text_add_escaped(&line, what, strlen(what));
	text_add(&line, "%s\n", rest);
	if (line.failed)
		to_stderr(starved, sizeof(starved) - 1);
	else {
		say(r, &line);
		to_syslog(r, priority, line.s, line.len);
	}
	text_free(&line);
}

static void
complain_of(struct run *r, const char *what, const char *rest)
{
	complain_at(r, LOG_ERR, what, rest);
}

/* ---- jobs ---- */

/* The highest code wins. */
static void
worsen(struct run *r, enum code code)
{
	r->worst = policy_gravest(r->worst, code);
}

/* What was enough when its turn came may not be at the end of a long run. */
static void
look_again(struct run *r)
{
	struct list_entry e;

	tick(r);
	while (r->recheck != NULL &&
	    recheck_short(r->recheck, r->list, r->env.now, &e)) {
		complain_at(r, LOG_WARNING, e.path,
		    ": the run took so long that its response no longer lasts "
		    "as long as is demanded (-m); run again");
		worsen(r, CODE_TEMPORARY);
	}
}

/* ---- telling ---- */

static void
out_of_memory(struct run *r, const char *path)
{
	complain_of(r, path, ": out of memory");
	worsen(r, CODE_LOCAL);
}

/* What came of one response and one HAProxy. */
static void
say_push(void *ctx, enum code code, struct text *line)
{
	struct run *r = ctx;

	worsen(r, code);
	if (line == NULL)
		return;
	if (code != CODE_OK)
		say_failure(r, line);
	else if (r->env.o->verbose > 0)
		say(r, line);
}

static void
warn_of_push(void *ctx, struct text *line)
{
	say(ctx, line);
}

/* From here on all that was written survives a crash of the machine. */
static void
settle_disk(struct run *r)
{
	char why[WHY_MAX];

	if (store_dirs_flush(r->env.dirs, why) == STORE_OK)
		return;
	complain_of(r, why,
	    "; the new response is in place, but a crash of the machine may "
	    "undo it");
	worsen(r, CODE_LOCAL);
}

/* All that is in place: however late it is, each may have a moment. */
static void
push_now(struct run *r)
{
	long long until = 0;

	settle_disk(r);
	tick(r);
	if (r->deadline_ms != -1) {
		until = monotonic_ms() + PUSH_LEAST;
		if (until < r->deadline_ms)
			until = r->deadline_ms;
	}
	push_all(r->pushes, until);
}

/* What HAProxy is to hear when the network's turn is over. */
static void
remember_news(struct run *r, struct job *j)
{
	if (push_add(r->pushes, j) == -1) {
		out_of_memory(r, j->path);
		return;
	}
	if (push_waiting(r->pushes) > NEWS_MAX)
		push_now(r);
}

/* Of what was begun anew, the change that is remembered already; or NULL. */
static struct change *
find_change(struct run *r, const struct job *j)
{
	size_t i;

	for (i = 0; i < r->nchanges && j->named.changes > 0; i++)
		if (strcmp(r->changes[i].output, j->output) == 0)
			return &r->changes[i];
	return NULL;
}

/* What the hook is to hear at the end. */
static void
remember_change(struct run *r, const struct job *j)
{
	struct change *c;

	if ((c = find_change(r, j)) != NULL) {
		c->mark = j->saving.mark;
		return;
	}
	c = realloc(r->changes, (r->nchanges + 1) * sizeof(*c));
	if (c != NULL)
		r->changes = c;
	if (c == NULL || (c[r->nchanges].output = strdup(j->output)) == NULL) {
		out_of_memory(r, j->path);
		return;
	}
	c[r->nchanges++].mark = j->saving.mark;
}

/* The hook has heard of them: the markers go. */
static void
remove_markers(struct run *r)
{
	char why[WHY_MAX];
	size_t i;

	tick(r);
	for (i = 0; i < r->nchanges; i++) {
		if (store_told(r->changes[i].output, r->env.now,
			&r->changes[i].mark, why) != STORE_FAILED)
			continue;
		complain_of(r, why,
		    "; the next run with -e will call its command again");
		worsen(r, CODE_LOCAL);
	}
}

/* The markers stay, for a run that is not part of what it would start again. */
static void
leave_to_next_run(struct run *r)
{
	char rest[256];

	snprintf(rest, sizeof(rest),
	    ": not run, since this run was itself started by a command of -e; "
	    "a later run with -e, started otherwise, runs it for %zu file%s",
	    r->nchanges, r->nchanges == 1 ? "" : "s");
	complain_at(r, LOG_NOTICE, "-e, --on-change", rest);
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
	if (r->inside_hook) {
		leave_to_next_run(r);
		return;
	}
	if ((files = malloc(r->nchanges * sizeof(*files))) == NULL) {
		out_of_memory(r, "-e");
		return;
	}
	for (i = 0; i < r->nchanges; i++)
		files[i] = r->changes[i].output;
	h.files = files;
	if (h.until_ms != -1 && h.until_ms < monotonic_ms() + HOOK_LEAST)
		h.until_ms = monotonic_ms() + HOOK_LEAST;
	done = (r->hook != NULL ? hook_call(r->hook, &h, why)
				: hook_run(&h, why)) == HOOK_DONE;
	free(files);
	if (done)
		remove_markers(r);
	else
		worsen(r, CODE_LOCAL);
	if (!done || r->env.o->verbose > 0)
		report_hook(r->env.o, r->nchanges, done ? NULL : why, &out);
	if (done)
		say(r, &out);
	else
		say_failure(r, &out);
	text_free(&out);
}

static int
to_stdout(struct run *r, const void *p, size_t len)
{
	int ok;

	clear_progress(r);
	ending_signals(SIG_UNBLOCK); /* nobody may be reading */
	ok = fwrite(p, 1, len, stdout) == len && fflush(stdout) != EOF;
	ending_signals(SIG_BLOCK);
	return ok ? 0 : -1;
}

/* A line for machines; after one that was not taken there are no more. */
static void
print_json(struct run *r, const struct job *j)
{
	struct text out = {0};

	if (!r->env.o->json || r->mute ||
	    j->result.action == ACTION_PASSED_OVER)
		return;
	json_job(j, &r->env, &out);
	if (out.failed)
		out_of_memory(r, j->path);
	else if (to_stdout(r, out.s, out.len) == -1) {
		complain_of(
		    r, "cannot write to standard output: ", strerror(errno));
		worsen(r, CODE_LOCAL);
		r->mute = 1;
	}
	text_free(&out);
}

/* What changed or failed, for the system's log. */
static void
log_job(struct run *r, const struct job *j)
{
	static const int priorities[] = {
	    [CODE_OK] = LOG_INFO,
	    [CODE_TEMPORARY] = LOG_WARNING,
	    [CODE_INPUT] = LOG_ERR,
	    [CODE_LOCAL] = LOG_ERR,
	    [CODE_REJECTED] = LOG_ERR,
	    [CODE_REVOKED] = LOG_CRIT,
	};
	int priority = priorities[j->result.code];
	struct text out = {0};

	if (j->result.code == CODE_OK && j->result.action == ACTION_WRITTEN)
		priority = LOG_NOTICE;
	else if (j->result.code == CODE_OK && j->outcome.status == CODE_OK)
		return;
	if (!r->env.o->syslog)
		return;
	report_log(j, &r->env, &out);
	if (out.s != NULL)
		to_syslog(r, priority, out.s, out.len);
	text_free(&out);
}

/* What ended with 0 is looked at again when all is done. */
static void
remember_done(struct run *r, const struct job *j)
{
	const struct recheck_done d = {.record = j->named.record,
	    .changes = j->named.changes,
	    .cert = j->cert_id,
	    .output = j->stored.id,
	    .lasts = job_good_until(j, &r->env),
	    .needs_none = job_needs_none(j) != 0,
	    .unfiled = r->env.o->served != NULL};

	/* a server of -S that no list names has no record, and is all there is
	 */
	if (j->result.action != ACTION_PASSED_OVER && d.record != NULL &&
	    recheck_add(r->recheck, &d) == -1)
		out_of_memory(r, j->path);
}

static void
drop(struct job *j)
{
	job_free(j);
	free(j);
}

/* Its certificate was renewed meanwhile. */
static void
begin_anew(struct run *r, struct job *j)
{
	if (recheck_again(r->recheck, &j->named) == -1)
		out_of_memory(r, j->path);
	drop(j);
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
	say(r, &out);
	text_free(&out);
	log_job(r, j);
	print_json(r, j);
	worsen(r, code);
	if (!policy_gives_up_server(r->env.server_failures))
		r->env.server_failures =
		    j->result.unreached ? r->env.server_failures + 1 : 0;
	if (code == CODE_OK)
		remember_done(r, j);
	if (j->result.action == ACTION_WRITTEN || j->saving.would_write)
		r->changed = 1;
	if (job_is_news(j, &r->env))
		remember_news(r, j);
	if (owes)
		remember_change(r, j);
	if (j->named.changes == 0)
		r->progress.done++;
	drop(j);
	step_progress(r);
}

static void
wait_in_queue(struct run *r, struct job *j, long pause_ms)
{
	tick(r);
	if (queue_put(r->queue, j, &r->env, pause_ms) == 0)
		return;
	outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
	finish(r, j);
}

/* Another run is saving: meanwhile the other answers are not to be kept. */
static void
save_later(struct run *r, struct job *j, const unsigned char *der, size_t len)
{
	if (j->saving.der == NULL) {
		j->saving.until = monotonic_ms() + LOCK_PATIENCE;
		j->saving.len = len;
		if ((j->saving.der = malloc(len)) != NULL)
			memcpy(j->saving.der, der, len);
	}
	if (j->saving.der == NULL)
		outcome_fail(
		    &j->outcome, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
	else if (monotonic_ms() < j->saving.until && r->env.left_ms != 0) {
		wait_in_queue(r, j, LOCK_PAUSE);
		return;
	} else
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE,
		    "%s (it was waited for up to %d s)",
		    j->saving.busy.s != NULL ? j->saving.busy.s
					     : "another run has it",
		    LOCK_PATIENCE / 1000);
	finish(r, j);
}

/* What is printed once cannot be taken back, nor followed by another. */
static void
print_response(
    struct run *r, struct job *j, const unsigned char *der, size_t len)
{
	if (to_stdout(r, der, len) == 0)
		job_saved(j, ACTION_WRITTEN);
	else
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE,
		    "cannot write to standard output: %s", strerror(errno));
	r->printed = 1;
}

static void
save(struct run *r, struct job *j, const unsigned char *der, size_t len)
{
	enum job_state state = JOB_DONE;

	if (j->output != NULL || r->env.o->dry_run)
		state = job_save(j, &r->env, der, len);
	else if (!job_may_be_saved(j, &r->env))
		state = JOB_ANEW;
	else
		print_response(r, j, der, len);
	if (state == JOB_WAIT)
		save_later(r, j, der, len);
	else if (state == JOB_ANEW)
		begin_anew(r, j);
	else
		finish(r, j);
}

/* Loads one, of the list or another; NULL: it is finished already. */
static struct job *
start_job(struct run *r, const struct list_entry *e, int drawn)
{
	enum job_state state;
	struct job *j;

	if ((j = malloc(sizeof(*j))) == NULL) {
		out_of_memory(r, e->path);
		return NULL;
	}
	job_init(j, e, &r->env);
	tick(r);
	/* it only reads, perhaps from a disk or a server that hangs */
	ending_signals(SIG_UNBLOCK);
	state = r->env.o->served != NULL ? job_served(j, &r->env)
					 : job_load(j, &r->env);
	ending_signals(SIG_BLOCK);
	if (drawn && j->result.action != ACTION_PASSED_OVER)
		list_is_certificate(r->list);
	if (state == JOB_ASK)
		return j;
	if (state == JOB_ANEW)
		begin_anew(r, j);
	else
		finish(r, j);
	return NULL;
}

/* Draws what is named next, past what cannot be had; 0: that was all. */
static int
draw_name(struct run *r, struct list_entry *e)
{
	const char *why;

	for (;;)
		switch (list_next(r->list, e, &why)) {
		case LIST_ENTRY:
			return 1;
		case LIST_BAD:
			complain_of(r, why, "");
			worsen(r, CODE_INPUT);
			break;
		case LIST_LOCAL:
			complain_of(r, why, "");
			worsen(r, CODE_LOCAL);
			break;
		default:
			return 0;
		}
}

/* Without a name, -S is about what the server presents. */
static int
is_presented(const struct options *o)
{
	return o->served != NULL && o->noperands + o->lists.n == 0;
}

/* Is its responder to be asked now?  Else the queue has it, or its name. */
static struct job *
offer(struct run *r, struct job *j)
{
	switch (queue_offer(r->queue, j, &r->env)) {
	case QUEUE_GO:
		return j;
	case QUEUE_KEPT:
		break;
	case QUEUE_PUT_OFF:
		drop(j);
		break;
	case QUEUE_NOMEM:
		outcome_fail(
		    &j->outcome, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
		finish(r, j);
		break;
	}
	return NULL;
}

/*
 * Loads what is named until one is to be asked about, and can be.  Answers are
 * looked at in between: else who answers while we read would seem slow.
 */
static struct job *
take_named(struct run *r, long *wait_ms)
{
	const struct options *o = r->env.o;
	struct list_entry e = {.path = o->served};
	struct job *j;

	if (is_presented(o))
		return r->progress.done == 0 ? start_job(r, &e, 0) : NULL;
	while (!r->all_named && queue_has_room(r->queue, &r->env)) {
		if (!draw_name(r, &e)) {
			r->all_named = 1;
			break;
		}
		if ((j = start_job(r, &e, 1)) != NULL &&
		    (j = offer(r, j)) != NULL)
			return j;
		if (r->on_wire > 0) {
			*wait_ms = 0;
			break;
		}
	}
	return NULL;
}

/* The next that may go on, in whatever way. */
static struct job *
take_any(struct run *r, long *wait_ms)
{
	struct list_entry e;
	struct job *j;

	if ((j = queue_take(r->queue, &r->env, 0, wait_ms)) != NULL ||
	    (j = take_named(r, wait_ms)) != NULL)
		return j;
	tick(r);
	while (queue_again(r->queue, &r->env, r->all_named, &e, wait_ms) ||
	    recheck_take(r->recheck, r->list, &e))
		if ((j = start_job(r, &e, 0)) != NULL)
			return j;
	return r->all_named ? queue_take(r->queue, &r->env, 1, wait_ms) : NULL;
}

static enum http_connection go_on(
    struct run *r, struct job *j, const struct http_answer *a);

/* 1: `q` goes out; 0: there is nothing to ask. */
static int
ask(struct run *r, struct job *j, struct http_question *q)
{
	struct http_answer a;

	j->request.attempt.known = queue_method(r->queue, j);
	if (job_question(j, &r->env, q) != JOB_ASK) {
		finish(r, j);
		return 0;
	}
	if (queue_begin(r->queue, j, &r->env, &a) != HOST_DOWN) {
		r->on_wire++;
		return 1;
	}
	job_trace_skipped(j, &a);
	(void)go_on(r, j, &a);
	return 0;
}

static enum http_draw
next_question(void *ctx, struct http_question *q, long *wait_ms)
{
	struct run *r = ctx;
	struct job *j;

	for (;;) {
		tick(r);
		if ((j = take_any(r, wait_ms)) == NULL)
			return queue_is_empty(r->queue) ? HTTP_NONE
							: HTTP_LATER;
		tick(r);
		if (j->saving.der != NULL)
			save(r, j, j->saving.der, j->saving.len);
		else if (ask(r, j, q)) {
			/* before there is a connection that it would know */
			judge_ready(r->env.judge);
			return HTTP_ASK;
		}
	}
}

/* Who sits there and waits is told why; logs and mails are not. */
static void
say_wait(struct run *r, const struct job *j)
{
	struct text out = {0};

	if (!job_waits(j, &r->env) || !isatty(STDERR_FILENO))
		return;
	report_wait(j, &r->env, &out);
	say(r, &out);
	text_free(&out);
}

static enum http_connection
go_on(struct run *r, struct job *j, const struct http_answer *a)
{
	enum job_state next = job_answer(j, &r->env, a);
	/* the job may be gone by the end of this */
	enum http_connection connection = j->received.connection;

	queue_learn(j);
	switch (next) {
	case JOB_ASK:
		wait_in_queue(r, j, 0);
		break;
	case JOB_WAIT:
		say_wait(r, j);
		wait_in_queue(r, j, j->request.pause_ms);
		break;
	case JOB_SAVE:
		save(r, j, a->body, a->body_len);
		break;
	case JOB_ANEW:
		begin_anew(r, j);
		break;
	case JOB_DONE:
		finish(r, j);
		break;
	}
	return connection;
}

static enum http_connection
take_answer(
    void *ctx, const struct http_question *q, const struct http_answer *a)
{
	struct run *r = ctx;
	struct job *j = q->ref;

	tick(r);
	r->on_wire--;
	queue_end(j, &r->env, a);
	job_trace(j, &r->env, q, a);
	return go_on(r, j, a);
}

/* ---- the run ---- */

static void
fill_http_options(struct http_options *h, const struct run *r)
{
	const struct options *o = r->env.o;

	memset(h, 0, sizeof(*h));
	h->agent = "ocspfetch/" OCSPFETCH_VERSION;
	h->post_type = "application/ocsp-request";
	h->accept = "application/ocsp-response";
	h->proxy = o->proxy;
	h->noproxy = o->noproxy;
	h->cacert = o->cacert;
	h->headers = o->headers.v;
	h->nheaders = o->headers.n;
	h->connect_timeout_ms = (long)(o->connect_timeout * 1000);
	h->max_redirs = (long)o->max_redirs;
	h->parallel = r->parallel;
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
complain(const char *why)
{
	struct text line = {0};

	text_add_escaped(&line, why, strlen(why));
	fprintf(stderr, "ocspfetch: %s; see ocspfetch --help\n",
	    line.s != NULL ? line.s : "out of memory");
	text_free(&line);
	return CODE_INPUT;
}

static void
starve(struct run *r)
{
	complain_of(r, "out of memory", "");
	worsen(r, CODE_LOCAL);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/*
 * From the deadline on, what waits for somebody is interrupted, again and again
 * lest it had not begun to wait; with `on` 0 no more.
 */
static void
set_alarm(const struct run *r, int on)
{
	const long long left = r->deadline_ms - monotonic_ms();
	struct itimerval t = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = on ? on_alarm : SIG_DFL};
	sigset_t alarm;

	if (r->deadline_ms == -1)
		return;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	if (on) {
		t.it_interval.tv_usec = 20000;
		t.it_value.tv_sec = left > 0 ? (time_t)(left / 1000) : 0;
		t.it_value.tv_usec = left > 0 ? left % 1000 * 1000 + 1 : 1;
		sigaction(SIGALRM, &sa, NULL);
		sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	}
	setitimer(ITIMER_REAL, &t, NULL);
	if (!on)
		sigaction(SIGALRM, &sa, NULL);
}

/* Reads the names, perhaps from one who is slow to tell them. */
static void
read_names(struct run *r)
{
	const struct options *o = r->env.o;
	const struct list_wanted wanted = {
	    .operands = o->operands,
	    .noperands = o->noperands,
	    .files = o->lists.v,
	    .nfiles = o->lists.n,
	    .del_ext = o->del_ext,
	    .single = o->output != NULL,
	    .now_ms = monotonic_ms,
	    .until_ms = r->deadline_ms,
	};
	enum list_result res;
	const char *why;

	set_alarm(r, 1);
	ending_signals(SIG_UNBLOCK);
	res = list_read(&r->list, &wanted, &why);
	ending_signals(SIG_BLOCK);
	set_alarm(r, 0);
	if (res == LIST_REFUSED)
		worsen(r, (enum code)complain(why));
	else if (res == LIST_LATE) {
		complain_of(r, why, "; nothing was done; run again later");
		worsen(r, CODE_TEMPORARY);
	} else if (res != LIST_ENTRY)
		starve(r);
}

/*
 * Each question may need two connections for a moment, and each job up to two
 * directories: few descriptors make few questions at once.
 */
static struct queue *
make_queue(struct run *r)
{
	const size_t wanted =
	    r->env.o->wait > 0 ? MAX_WAITING_LONG : MAX_WAITING;
	size_t most = wanted, left;
	struct rlimit limit;

	r->parallel = (size_t)r->env.o->parallel;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < OWN_DESCRIPTORS + 4 * r->parallel + 2 * most) {
		left = limit.rlim_cur > OWN_DESCRIPTORS + 6
		    ? (size_t)limit.rlim_cur - OWN_DESCRIPTORS
		    : 6;
		if (r->parallel > left / 6)
			r->parallel = left / 6;
		most = (left - 4 * r->parallel) / 2;
	}
	return queue_new(r->parallel, most < wanted ? most : wanted);
}

static int
finds_issuer(void *ctx, const char *sha1)
{
	return push_finds_issuer(ctx, sha1);
}

static int
prepare(struct run *r)
{
	const struct options *o = r->env.o;

	if (o->syslog)
		openlog("ocspfetch", LOG_PID, LOG_CRON);
	r->env.began_ms = monotonic_ms();
	if (o->deadline != -1)
		r->deadline_ms = monotonic_ms() + o->deadline * 1000;
	r->pushes = push_queue_new(&r->env,
	    &(struct push_sink){
		.say = say_push, .warn = warn_of_push, .ctx = r});
	r->env.finds_issuer = finds_issuer;
	r->env.finds_ctx = r->pushes;
	r->env.ocsp = ocsp_new();
	r->env.judge = judge_new(&(struct judge_terms){.ocsp = r->env.ocsp,
	    .mode = (enum sandbox_mode)o->sandbox,
	    .patience_ms = JUDGE_PATIENCE,
	    .now_ms = monotonic_ms,
	    .until_ms = r->deadline_ms,
	    .end = _exit,
	    .deadly = r->deadly});
	r->env.shelf = cert_shelf_new(
	    (o->verbose > 0 || o->served != NULL || o->json ? CERT_NAMES : 0) |
	    (o->haproxy.n > 0 ? CERT_PRINTS : 0) |
	    (o->allow_ca ? CERT_ALLOW_CA : 0));
	r->env.no_chown = (r->deadly & DEADLY_FCHOWN) != 0;
	r->env.dirs = store_dirs_new();
	r->queue = make_queue(r);
	r->recheck = recheck_new();
	return r->env.ocsp == NULL || r->env.judge == NULL ||
		r->env.shelf == NULL || r->env.dirs == NULL ||
		r->queue == NULL || r->recheck == NULL || r->pushes == NULL
	    ? -1
	    : 0;
}

/* Before a certificate is blamed for what this machine lacks. */
static int
can_verify(struct run *r)
{
	char why[WHY_MAX];
	const int able = cryptocheck_algorithms(why) == 0;

	/* what could not be set up for lack of memory, rules for instance */
	if (ocsp_starved()) {
		starve(r);
		return 0;
	}
	if (!able) {
		complain_of(r, why, "; nothing was done");
		worsen(r, CODE_LOCAL);
	}
	return able;
}

static int
is_held(struct run *r)
{
	char why[WHY_MAX];

	if (judge_try(r->env.judge, why) == JUDGE_DONE)
		return 1;
	complain_of(r, why, "; nothing was done");
	worsen(r, CODE_LOCAL);
	return 0;
}

/* Whom https responders have to be vouched for by: nothing is done without. */
static int
can_read_authorities(struct run *r)
{
	const char *file = r->env.o->cacert;
	char why[WHY_MAX], whole[2 * WHY_MAX];
	enum cert_result res;

	if (file == NULL)
		return 1;
	(void)ocsp_starved();
	res = cert_check_authorities(file, why);
	if (ocsp_starved())
		starve(r);
	else if (res == CERT_ELOCAL) {
		complain_of(r, why, "; nothing was done (--cacert)");
		worsen(r, CODE_LOCAL);
	} else if (res != CERT_OK) {
		snprintf(whole, sizeof(whole), "option --cacert: %s", why);
		worsen(r, (enum code)complain(whole));
	} else
		return 1;
	return 0;
}

static void
find_places(struct run *r, struct places *p)
{
	const struct options *o = r->env.o;
	struct list_entry e;
	enum list_result res;
	const char *why;

	if (o->output != NULL)
		places_add(p, o->output);
	while (!p->many && (res = list_next(r->list, &e, &why)) != LIST_END) {
		if (res != LIST_ENTRY)
			continue;
		places_add(p, e.path);
		if (e.output != NULL)
			places_add(p, e.output);
		if (e.issuer != NULL)
			places_add(p, e.issuer);
	}
	list_again(r->list);
}

/* All that is named is known: what this run will not do, it cannot do. */
static void
narrow(struct run *r)
{
	const struct options *o = r->env.o;
	struct places p = {.n = 0};
	const char *const *dirs;
	size_t n;

	if (o->sandbox == SANDBOX_OFF)
		return;
	if (!o->check && !o->dry_run && o->served == NULL)
		find_places(r, &p);
	dirs = places_dirs(&p, &n);
	r->narrowed =
	    sandbox_narrow(dirs, n, o->haproxy.v, o->haproxy.n, r->deadly);
	r->is_narrow = 1;
	r->written_places = dirs != NULL;
	places_free(&p);
}

/* What this process gave up, and what it could not. */
static void
say_narrowed(const struct run *r)
{
	const unsigned n = r->narrowed;

	fprintf(stderr, "ocspfetch: sandbox: this process %s%s\n",
	    (n & ~JAIL_RIGHTS) == 0 ? "is held by nothing that this system has"
		: r->written_places && (n & JAIL_FILES) != 0
		? "writes only where responses go, and runs nothing"
		: "runs nothing",
	    n == 0 || (n & (JAIL_RIGHTS | JAIL_PLEDGE)) != 0
		? ""
		: "; its capabilities could not be given up");
}

static void
say_sandbox(const struct run *r)
{
	char names[256];
	int jail;

	if (r->env.o->verbose < 2 || r->env.judge == NULL)
		return;
	if (r->deadly != 0)
		fprintf(stderr,
		    "ocspfetch: sandbox: a filter of system calls that was "
		    "here before (SystemCallFilter=) does not allow these, so "
		    "it did without: %s\n",
		    filter_names(r->deadly, names, sizeof(names)));
	if (r->env.o->sandbox == SANDBOX_OFF)
		return;
	if ((jail = judge_jail(r->env.judge)) != -1)
		fprintf(stderr,
		    "ocspfetch: sandbox: what was received is decoded by a "
		    "process of its own, held by %s\n",
		    sandbox_words((unsigned)jail));
	if (r->is_narrow)
		say_narrowed(r);
}

static void
clean_up(struct run *r)
{
	size_t i;

	for (i = 0; i < r->nchanges; i++)
		free(r->changes[i].output);
	free(r->changes);
	push_queue_free(r->pushes);
	cert_shelf_free(r->env.shelf);
	queue_free(r->queue);
	recheck_free(r->recheck);
	store_dirs_free(r->env.dirs);
	judge_free(r->env.judge);
	ocsp_free(r->env.ocsp);
	list_free(r->list);
}

static char *
output_of(const struct list_entry *named, const void *ctx)
{
	return job_output_name(named, ctx);
}

/*
 * Is what ended with 0 as it was?  How many are to be done again; what was
 * printed is not.
 */
static long
look_for_changes(struct run *r)
{
	long n = recheck_look(r->recheck, r->list, output_of, r->env.o);

	if (n == -1)
		starve(r);
	else if (n > 0 && r->printed) {
		complain_of(r, r->env.o->operands[0],
		    ": it was renewed after its response was written to "
		    "standard output; run again");
		worsen(r, CODE_TEMPORARY);
		n = 0;
	}
	return n;
}

/* All that is named, and then those who are to hear of it. */
static void
go(struct run *r)
{
	const struct http_source source = {
	    next_question, take_answer, r, step_progress};
	struct http_options http;
	int rc;

	fill_http_options(&http, r);
	start_progress(r);
	do {
		rc = http_run(&http, &source);
		if (rc == -1)
			starve(r);
		else
			push_now(r);
	} while (rc != -1 && look_for_changes(r) > 0);
	end_progress(r);
	if (rc == -1)
		return;
	push_end(r->pushes);
	call_hook(r);
}

/* What is known, and started, before a run. */
struct before {
	struct hook_runner *hook;
	int inside_hook;
	unsigned deadly;
};

static int
run(const struct options *o, const struct before *b)
{
	struct run r = {.env = {.o = o,
			    .left_ms = -1,
			    .clock_ms = monotonic_ms,
			    .released = words_day(OCSPFETCH_RELEASED)},
	    .deadline_ms = -1,
	    .hook = b->hook,
	    .inside_hook = b->inside_hook,
	    .deadly = b->deadly};

	ending_signals(SIG_BLOCK);
	if (prepare(&r) == -1)
		starve(&r);
	else if (can_verify(&r) && is_held(&r) && can_read_authorities(&r))
		read_names(&r);
	if (r.worst == CODE_OK) {
		narrow(&r);
		go(&r);
	}
	ending_signals(SIG_UNBLOCK);
	say_sandbox(&r);
	look_again(&r);
	clean_up(&r);
	return policy_exit_run(o, r.worst, r.changed);
}

/*
 * A file that we open must not become 0, 1 or 2: messages go there.  What takes
 * their place cannot be written to; "/" is there where there is no /dev/null.
 */
static int
make_sure_of_std_fds(void)
{
	int fd, got;

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		if ((got = open("/dev/null", O_RDONLY)) == -1)
			got = open("/", O_RDONLY);
		if (got != fd)
			return -1; /* the lowest that is free is always had */
	}
	return 0;
}

/* What ends another process of its own accord has no effect on process 1. */
static void
end_as_process_1(int sig)
{
	_exit(128 + sig);
}

/*
 * The kernel drops signals that would end process 1, as in a container, unless
 * it has a handler.  This one is called only where no signal is blocked, so
 * where any other process would end; what is ignored stays ignored.
 */
static void
heed_signals_as_process_1(void)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction sa = {.sa_handler = end_as_process_1}, was;
	size_t i;

	if (getpid() != 1)
		return;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_DFL)
			sigaction(ends[i], &sa, NULL);
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

/*
 * The command of -e may need what this process gives up before all else: rights
 * by way of sudo, core files, a place to write.
 */
static int
start(const struct options *o, int argc, char *const *argv)
{
	struct before b = {.inside_hook = hook_is_inside(),
	    .deadly =
		filter_probe(&(struct filter_terms){monotonic_ms, _exit})};
	const struct hook h = {.command = o->on_change,
	    .now_ms = monotonic_ms,
	    .deadly = b.deadly};
	int code = CODE_LOCAL;
	char why[WHY_MAX];

	if (o->sandbox != SANDBOX_OFF) {
		sandbox_close(argc, argv, b.deadly);
		if (h.command != NULL && !o->dry_run && !b.inside_hook &&
		    (b.hook = hook_start(&h, _exit, why)) == NULL) {
			fprintf(stderr, "ocspfetch: -e: %s; nothing was done\n",
			    why);
			return CODE_LOCAL;
		}
		sandbox_start(b.deadly);
	}
	if (splay(o) == 0)
		code = run(o, &b);
	hook_stop(b.hook);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct text why = {0};
	int code = CODE_LOCAL;

	if (make_sure_of_std_fds() == -1) {
		fprintf(stderr,
		    "ocspfetch: standard input, output or error is closed, and "
		    "nothing can be opened in its place: %s; nothing was "
		    "done\n",
		    strerror(errno));
		return CODE_LOCAL;
	}
	heed_signals_as_process_1();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* whoever started us may not want to wait */
	signal(SIGXFSZ, SIG_IGN); /* a write then fails instead */
	switch (options_read(&o, argc, argv, &why)) {
	case OPTIONS_RUN:
		code = start(&o, argc, argv);
		break;
	case OPTIONS_HELP:
		code = print(options_help);
		break;
	case OPTIONS_VERSION:
		code = print("ocspfetch " OCSPFETCH_VERSION "\n");
		break;
	case OPTIONS_BAD:
		code = complain(why.s);
		break;
	case OPTIONS_NOMEM:
		fprintf(stderr, "ocspfetch: out of memory\n");
		break;
	}
	text_free(&why);
	options_free(&o);
	return code;
}
