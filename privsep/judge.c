/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/issuer.h"
#include "privsep/child.h"
#include "privsep/filter.h"
#include "privsep/judge.h"

/* However little is left of the run, a response has so long, in ms. */
#define PATIENCE_LEAST 5000

/* What takes so much of a processor's time was made for it, in ms. */
#define CPU_MOST 1000

/* The text of a response is no longer than this, in bytes. */
#define TEXT_MOST ((size_t)4 << 20)

struct judge {
	struct judge_terms terms;
	struct child child;
	int heard; /* it has said what holds it: */
	unsigned jail;
	int known; /* some judge has */
	struct ocsp_verdict nothing;
};

enum task { TASK_JUDGE, TASK_TEXT };

/* What it is told: this, the issuer, its name, the request, the response. */
struct ask {
	enum task task;
	size_t issuer_len;
	size_t issuer_name_len;
	size_t request_len;
	size_t len;
	int64_t not_after;
	int nonce;
	struct ocsp_policy policy;
};

/* What it answers: this, and so many bytes of text. */
struct reply {
	int starved;
	size_t text_len;
	struct ocsp_verdict v; /* but for TASK_TEXT */
};

/* What the process answers that looks for an issuer: this and the two. */
struct found {
	enum cert_result res;
	int starved;
	unsigned jail;
	size_t issuer_len;
	size_t hunt_len;
	char why[WHY_MAX];
};

/* ---- the judge ---- */

static struct iovec
part(const void *p, size_t len)
{
	union {
		const void *in;
		void *out;
	} u = {p};

	return (struct iovec){u.out, len};
}

static void
judge_one(struct ocsp *o, const struct ask *a, const unsigned char *p,
    struct ocsp_verdict *v)
{
	const struct ocsp_case c = {.issuer = p,
	    .issuer_len = a->issuer_len,
	    .issuer_name = p + a->issuer_len,
	    .issuer_name_len = a->issuer_name_len,
	    .request = p + a->issuer_len + a->issuer_name_len,
	    .request_len = a->request_len,
	    .not_after = a->not_after,
	    .nonce = a->nonce};
	struct ocsp_target *t;

	if ((t = ocsp_recall(o, &c)) == NULL) {
		ocsp_starve(); /* it was understood when it was made */
		memset(v, 0, sizeof(*v));
		v->status = VERDICT_REFUSED;
		snprintf(v->why, sizeof(v->why),
		    "the judge does not understand the question");
		return;
	}
	ocsp_judge(t, c.request + c.request_len, a->len, &a->policy, v);
	ocsp_target_free(t);
}

static int
answer(struct ocsp *o, int fd, const struct ask *a, const unsigned char *p)
{
	struct reply r = {0};
	struct iovec v[2];
	char *text = NULL;
	int rc;

	(void)ocsp_starved();
	if (a->task == TASK_JUDGE)
		judge_one(o, a, p, &r.v);
	else if ((text = ocsp_text(p, a->len)) != NULL)
		r.text_len = strlen(text);
	r.starved = ocsp_starved();
	v[0] = part(&r, sizeof(r));
	v[1] = part(text, r.text_len);
	rc = child_send(fd, v, text != NULL ? 2 : 1, NULL);
	free(text);
	return rc;
}

/* Is this jail what was asked for? */
static int
may_decode(enum sandbox_mode mode, unsigned jail)
{
	return mode != SANDBOX_REQUIRE || sandbox_holds(jail);
}

static void
serve(void *ctx, int fd)
{
	struct judge *j = ctx;
	unsigned jail = sandbox_jail(fd, j->terms.deadly);
	struct iovec hello = part(&jail, sizeof(jail));
	unsigned char *buf = NULL, *p, byte;
	size_t size = 0, need;
	struct ask a;

	if (child_send(fd, &hello, 1, NULL) == -1)
		return;
	/* who asks has yet to hear of it, and does not read before it wrote */
	while (!may_decode(j->terms.mode, jail))
		if (child_receive(fd, &byte, 1, NULL) == -1)
			return;
	while (child_receive(fd, &a, sizeof(a), NULL) == 0) {
		need = a.issuer_len + a.issuer_name_len + a.request_len + a.len;
		if (need > size) {
			if ((p = realloc(buf, need)) == NULL)
				break;
			buf = p;
			size = need;
		}
		if (child_receive(fd, buf, need, NULL) == -1 ||
		    answer(j->terms.ocsp, fd, &a, buf) == -1)
			break;
	}
	free(buf);
}

/* ---- those who ask it ---- */

struct judge *
judge_new(const struct judge_terms *terms)
{
	struct judge *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return NULL;
	j->terms = *terms;
	j->child.fd = -1;
	ocsp_undecided(&j->nothing);
	return j;
}

void
judge_free(struct judge *j)
{
	long cpu_ms;

	if (j == NULL)
		return;
	child_end(&j->child, 0, &cpu_ms);
	free(j);
}

int
judge_jail(const struct judge *j)
{
	return j->known ? (int)j->jail : -1;
}

static int
start(struct judge *j, char *why)
{
	const struct child_work w = {serve, j, j->terms.end};
	char cause[WHY_MAX];

	if (j->child.fd != -1)
		return 0;
	j->heard = 0;
	if (child_start(&j->child, &w, cause) == 0)
		return 0;
	words_set(why, WHY_MAX,
	    "%s; so there is no judge of responses (--sandbox=off does "
	    "without a process of its own)",
	    cause);
	return -1;
}

static int
is_held(const struct judge *j, unsigned jail, char *why)
{
	if (may_decode(j->terms.mode, jail))
		return 1;
	words_set(why, WHY_MAX,
	    "--sandbox=require: this system has nothing that could hold the "
	    "judge of responses (seccomp or pledge%s)",
	    (j->terms.deadly & (DEADLY_PRCTL | DEADLY_SECCOMP)) != 0
		? "; the filter of system calls of whoever started this, as "
		  "SystemCallFilter=, does not allow it"
		: "");
	return 0;
}

/* The first word of a new one is what holds it. */
static int
hear(struct judge *j, const struct child_limit *l, char *why)
{
	if (j->heard)
		return 0;
	if (child_receive(j->child.fd, &j->jail, sizeof(j->jail), l) == -1)
		return -1;
	j->heard = j->known = 1;
	return is_held(j, j->jail, why) ? 0 : -1;
}

static struct child_limit
limit(const struct judge *j)
{
	const struct judge_terms *t = &j->terms;
	const long least =
	    t->patience_ms < PATIENCE_LEAST ? t->patience_ms : PATIENCE_LEAST;
	const long long now = t->now_ms();
	struct child_limit l = {t->now_ms, now + t->patience_ms};

	if (t->until_ms != -1 && l.until_ms > t->until_ms)
		l.until_ms = t->until_ms;
	if (l.until_ms < now + least)
		l.until_ms = now + least;
	return l;
}

static int
is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL ||
	    sig == SIGFPE || sig == SIGABRT || sig == SIGSYS;
}

/* How one came to an end on what it was given. */
struct death {
	int error; /* of who asked it */
	int status;
	long cpu_ms;
	long long waited_ms;
};

/* DONE: it was the fault of that. */
static enum judge_result
tell_death(const struct death *d, char *why)
{
	static const char who[] = "the process that decodes what was received";
	const int sig =
	    d->status != -1 && WIFSIGNALED(d->status) ? WTERMSIG(d->status) : 0;
	const long long waited = (d->waited_ms + 500) / 1000;

	if (d->error == ENOMEM) {
		words_set(why, WHY_MAX, "out of memory");
		return JUDGE_FAILED;
	}
	if (d->error == ECANCELED) {
		words_set(why, WHY_MAX, "%s was ended, as a signal came", who);
		return JUDGE_FAILED;
	}
	/* where others compute, too, it has not had all of the time */
	if (d->error == ETIMEDOUT &&
	    (d->cpu_ms >= CPU_MOST || d->cpu_ms >= d->waited_ms / 2))
		words_set(why, WHY_MAX,
		    "%s had no word on it for %lld s, and was ended", who,
		    waited);
	else if (d->error == ETIMEDOUT) {
		words_set(why, WHY_MAX,
		    "%s did not come to it in %lld s, and was ended (perhaps "
		    "the machine has too much to do)",
		    who, waited);
		return JUDGE_FAILED;
	} else if (d->error == EPROTO)
		words_set(why, WHY_MAX, "%s answered nonsense on it", who);
	else if (d->error != EPIPE) {
		words_set(why, WHY_MAX, "%s cannot be talked to: %s", who,
		    strerror(d->error));
		return JUDGE_FAILED;
	} else if (is_crash(sig))
		words_set(why, WHY_MAX,
		    "%s died of signal %d (%s) on it; report this, "
		    "with the response",
		    who, sig, strsignal(sig));
	else if (sig != 0) {
		words_set(why, WHY_MAX, "%s was killed%s", who,
		    sig == SIGKILL ? " (perhaps the machine is short of memory)"
				   : "");
		return JUDGE_FAILED;
	} else {
		words_set(why, WHY_MAX, "%s ended on it", who);
		/* of its own will: it was short of something */
		if (d->status == 0)
			return JUDGE_FAILED;
	}
	return JUDGE_DONE;
}

static int
has_sense(const struct ocsp_verdict *v)
{
	const int64_t times[] = {v->produced_at, v->this_update, v->next_update,
	    v->usable_until, v->revoked_at};
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] < WORDS_YEAR_0 || times[i] >= WORDS_YEAR_10000)
			return 0;
	return v->status >= VERDICT_INVALID && v->status <= VERDICT_GOOD &&
	    v->bounded_by >= BOUND_NEXT_UPDATE &&
	    v->bounded_by <= BOUND_ASSUMED && v->singles >= 0 &&
	    (v->quirks & ~QUIRKS) == 0 &&
	    memchr(v->signer, '\0', sizeof(v->signer)) != NULL &&
	    memchr(v->why, '\0', sizeof(v->why)) != NULL;
}

/* What is good has times that make it so, whoever says it. */
static int
is_plausible(const struct ocsp_verdict *v, const struct ask *a)
{
	const struct ocsp_policy *p = &a->policy;

	if (!has_sense(v))
		return 0;
	if (v->authentic ? !v->has_times : v->status >= VERDICT_STALE)
		return 0;
	if (v->status != VERDICT_GOOD)
		return v->status == VERDICT_REVOKED || !v->excused;
	return v->has_times && v->usable_until > p->now &&
	    v->usable_until <= a->not_after &&
	    v->this_update - p->now <= p->skew &&
	    v->usable_until <=
	    (v->has_next ? v->next_update
			 : v->this_update + (int64_t)p->assume_lifetime) &&
	    (p->max_age < 0 ||
		v->usable_until <= v->this_update + (int64_t)p->max_age) &&
	    !v->expired && !v->excused && !v->other_hash &&
	    (!v->sha1 || p->allow_sha1);
}

/* What is to be asked. */
struct question {
	const struct ask *a;
	const struct ocsp_case *c;
	const unsigned char *der;
};

/* -1: errno, or `why` if that has nothing to do with what was asked. */
static int
ask_once(struct judge *j, const struct question *q, const struct child_limit *l,
    struct reply *r, char **text, char *why)
{
	struct iovec v[5] = {part(q->a, sizeof(*q->a)),
	    part(q->c->issuer, q->c->issuer_len),
	    part(q->c->issuer_name, q->c->issuer_name_len),
	    part(q->c->request, q->c->request_len), part(q->der, q->a->len)};

	if (start(j, why) == -1 || child_send(j->child.fd, v, 5, l) == -1 ||
	    hear(j, l, why) == -1 ||
	    child_receive(j->child.fd, r, sizeof(*r), l) == -1)
		return -1;
	errno = EPROTO;
	if (q->a->task == TASK_JUDGE
		? r->text_len != 0 || !is_plausible(&r->v, q->a)
		: r->text_len > TEXT_MOST)
		return -1;
	if (r->text_len == 0)
		return 0;
	if ((*text = malloc(r->text_len + 1)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (child_receive(j->child.fd, *text, r->text_len, l) == -1)
		return -1;
	(*text)[r->text_len] = '\0';
	return 0;
}

/*
 * DONE without a reply: see `why`; its text is owned by the caller.  Of one
 * that was there before nobody knows what it suffers from: a new one is asked
 * again, and has what is left of the time, which is most of it.
 */
static enum judge_result
exchange(struct judge *j, const struct question *q, struct reply *r,
    char **text, char *why)
{
	const struct child_limit all = limit(j);
	struct child_limit l;
	struct death d;
	long long began;
	int again;

	for (again = j->child.fd != -1;; again = 0) {
		*text = NULL;
		why[0] = '\0';
		began = j->terms.now_ms();
		l = all;
		if (again)
			l.until_ms -= (l.until_ms - began) / 4 * 3;
		if (ask_once(j, q, &l, r, text, why) == 0)
			break;
		d.error = errno;
		d.waited_ms = j->terms.now_ms() - began;
		d.status = child_end(&j->child, 1, &d.cpu_ms);
		free(*text);
		*text = NULL;
		if (why[0] != '\0')
			return JUDGE_FAILED;
		if (!again || d.error == ECANCELED)
			return tell_death(&d, why);
	}
	if (!r->starved)
		return JUDGE_DONE;
	/* what it could not set up it may lack for the next, too */
	child_end(&j->child, 1, &d.cpu_ms);
	ocsp_starve();
	return JUDGE_DONE;
}

void
judge_ready(struct judge *j)
{
	char why[WHY_MAX];

	/* if it cannot be had, who needs it says so */
	if (j->terms.mode != SANDBOX_OFF)
		(void)start(j, why);
}

enum judge_result
judge_response(struct judge *j, const struct ocsp_target *t,
    const unsigned char *der, size_t len, const struct ocsp_policy *p,
    struct ocsp_verdict *v)
{
	struct ask a = {.task = TASK_JUDGE, .len = len, .policy = *p};
	enum judge_result res;
	struct ocsp_case c;
	struct reply r = {0};
	char *text, why[WHY_MAX];

	if (j->terms.mode == SANDBOX_OFF) {
		ocsp_judge(t, der, len, p, v);
		return JUDGE_DONE;
	}
	ocsp_describe(t, &c);
	a.issuer_len = c.issuer_len;
	a.issuer_name_len = c.issuer_name_len;
	a.request_len = c.request_len;
	a.not_after = c.not_after;
	a.nonce = c.nonce;
	res = exchange(j, &(struct question){&a, &c, der}, &r, &text, why);
	if (why[0] == '\0') {
		*v = r.v;
		return res;
	}
	*v = j->nothing;
	if (res == JUDGE_DONE)
		v->status = VERDICT_REFUSED;
	words_cut(v->why, sizeof(v->why), why);
	return res;
}

char *
judge_text(struct judge *j, const unsigned char *der, size_t len)
{
	const struct ask a = {.task = TASK_TEXT, .len = len};
	const struct ocsp_case none = {0};
	struct reply r = {0};
	char *text, why[WHY_MAX];

	if (j->terms.mode == SANDBOX_OFF)
		return ocsp_text(der, len);
	(void)exchange(j, &(struct question){&a, &none, der}, &r, &text, why);
	return text;
}

/* ---- processes for one thing alone ---- */

struct search {
	struct cert *c;
	const unsigned char *p;
	size_t len;
	const char *from;
	int64_t now;
	enum sandbox_mode mode;
	unsigned deadly;
};

static enum cert_result
take_issuer(const struct search *s, char *why)
{
	enum cert_result res =
	    cert_take_issuer(s->c, s->p, s->len, s->from, s->now, why);

	if (res != CERT_OK)
		ocsp_doubt();
	return res;
}

static void
serve_search(void *ctx, int fd)
{
	const struct search *s = ctx;
	struct found f = {.jail = sandbox_jail(fd, s->deadly)};
	struct iovec v[3];

	(void)ocsp_starved();
	if (s->c != NULL && may_decode(s->mode, f.jail))
		f.res = take_issuer(s, f.why);
	f.starved = ocsp_starved();
	v[0] = part(&f, sizeof(f));
	v[1] = v[2] = part(NULL, 0);
	if (s->c != NULL && f.res == CERT_OK)
		v[1] = part(s->c->issuer, f.issuer_len = s->c->issuer_len);
	if (s->c != NULL && s->c->hunt != NULL)
		v[2] = part(s->c->hunt, f.hunt_len = strlen(s->c->hunt));
	(void)child_send(fd, v, 3, NULL);
}

static int
is_sensible(const struct found *f, const struct search *s)
{
	return memchr(f->why, '\0', sizeof(f->why)) != NULL &&
	    f->res >= CERT_OK && f->res <= CERT_ELOCAL &&
	    f->issuer_len <= CERT_MAX_FILE && f->hunt_len <= TEXT_MOST &&
	    (f->res == CERT_OK) == (f->issuer_len > 0 || s->c == NULL);
}

static int
receive_more(const struct found *f, int fd, const struct child_limit *l,
    unsigned char **more)
{
	const size_t len = f->issuer_len + f->hunt_len;

	if ((*more = malloc(len + 1)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	(*more)[len] = '\0';
	if (child_receive(fd, *more, len, l) == -1)
		return -1;
	errno = EPROTO;
	/* as a certificate does, and what else may hold one does not */
	return f->issuer_len == 0 ||
		cert_der_begins(*more, f->issuer_len, CERT_SEQUENCE)
	    ? 0
	    : -1;
}

/* -1: errno, or `f->why`, as of ask_once(). */
static int
receive_found(struct judge *j, const struct search *s, int fd, struct found *f,
    unsigned char **more)
{
	const struct child_limit l = limit(j);

	if (child_receive(fd, f, sizeof(*f), &l) == 0) {
		if (!is_held(j, f->jail, f->why))
			return -1;
		errno = EPROTO;
		if (is_sensible(f, s) && receive_more(f, fd, &l, more) == 0)
			return 0;
	}
	f->why[0] = '\0';
	return -1;
}

/* 0: `f`, the issuer and then the hunt, terminated, in `*more`. */
static int
ask_aside(
    struct judge *j, struct search *s, struct found *f, unsigned char **more)
{
	const struct child_work w = {serve_search, s, j->terms.end};
	const long long began = j->terms.now_ms();
	struct child c;
	struct death d;
	int rc;

	*more = NULL;
	if (child_start(&c, &w, f->why) == -1) {
		f->res = CERT_ELOCAL;
		return -1;
	}
	rc = receive_found(j, s, c.fd, f, more);
	d.error = errno;
	d.waited_ms = j->terms.now_ms() - began;
	d.status = child_end(&c, rc == -1, &d.cpu_ms);
	if (rc == 0)
		return 0;
	free(*more);
	f->res = f->why[0] == '\0' && tell_death(&d, f->why) == JUDGE_DONE
	    ? CERT_EISSUER
	    : CERT_ELOCAL;
	return -1;
}

enum judge_result
judge_try(struct judge *j, char *why)
{
	struct search nothing = {
	    .mode = j->terms.mode, .deadly = j->terms.deadly};
	unsigned char *more;
	struct found f;

	if (j->terms.mode != SANDBOX_REQUIRE)
		return JUDGE_DONE;
	if (ask_aside(j, &nothing, &f, &more) == 0) {
		free(more);
		return JUDGE_DONE;
	}
	memcpy(why, f.why, sizeof(f.why));
	return JUDGE_FAILED;
}

enum cert_result
judge_issuer(struct judge *j, struct cert *c, const unsigned char *p,
    size_t len, const char *from, int64_t now, char *why)
{
	struct search s = {
	    c, p, len, from, now, j->terms.mode, j->terms.deadly};
	unsigned char *more;
	struct found f;
	char *hunt;

	if (j->terms.mode == SANDBOX_OFF)
		return take_issuer(&s, why);
	if (ask_aside(j, &s, &f, &more) == -1) {
		memcpy(why, f.why, sizeof(f.why));
		return f.res;
	}
	if (f.starved)
		ocsp_starve();
	memcpy(why, f.why, sizeof(f.why));
	if (f.res == CERT_OK) {
		s.p = more;
		s.len = f.issuer_len;
		f.res = take_issuer(&s, why);
	}
	if (f.hunt_len > 0 &&
	    (hunt = strdup((char *)more + f.issuer_len)) != NULL) {
		free(c->hunt);
		c->hunt = hunt;
	}
	free(more);
	return f.res;
}
