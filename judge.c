#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "judge.h"

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

/* What it is told: this, the issuer, the question and the response. */
struct ask {
	enum task task;
	size_t issuer_len;
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
	    .request = p + a->issuer_len,
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
	rc = child_send(fd, v, text != NULL ? 2 : 1);
	free(text);
	return rc;
}

static void
serve(void *ctx, int fd)
{
	struct judge *j = ctx;
	unsigned jail = sandbox_jail(fd);
	struct iovec hello = part(&jail, sizeof(jail));
	unsigned char *buf = NULL, *p;
	size_t size = 0, need;
	struct ask a;

	if (child_send(fd, &hello, 1) == -1)
		return;
	while (child_receive(fd, &a, sizeof(a)) == 0) {
		need = a.issuer_len + a.request_len + a.len;
		if (need > size) {
			if ((p = realloc(buf, need)) == NULL)
				break;
			buf = p;
			size = need;
		}
		if (child_receive(fd, buf, need) == -1 ||
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
	j->nothing.reason = -1;
	j->nothing.revoked_at = -1;
	return j;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	child_end(&j->child, 0);
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
	const struct child_work w = {
	    serve, j, j->terms.end, j->terms.patience_ms};
	char cause[WHY_MAX];

	if (j->child.fd != -1)
		return 0;
	j->heard = 0;
	if (child_start(&j->child, &w, cause) == 0)
		return 0;
	snprintf(why, WHY_MAX,
	    "%.800s; so there is no judge of responses (--sandbox=off does "
	    "without a process of its own)",
	    cause);
	return -1;
}

static int
is_held(const struct judge *j, unsigned jail, char *why)
{
	if (j->terms.mode != SANDBOX_REQUIRE || sandbox_holds(jail))
		return 1;
	snprintf(why, WHY_MAX,
	    "--sandbox=require: this system has nothing that could hold the "
	    "judge of responses (seccomp, Landlock of Linux 6.7, or pledge)");
	return 0;
}

/* The first word of a new one is what holds it. */
static int
hear(struct judge *j, char *why)
{
	if (j->heard)
		return 0;
	if (child_receive(j->child.fd, &j->jail, sizeof(j->jail)) == -1)
		return -1;
	j->heard = j->known = 1;
	if (is_held(j, j->jail, why))
		return 0;
	errno = EPERM;
	return -1;
}

/* How it came to an end on what it was given. */
static enum judge_result
tell_end(int status, int error, long patience_ms, char *why)
{
	static const char who[] = "the process that decodes what was received";

	if (error == EPERM)
		return JUDGE_FAILED;
	if (error == ENOMEM) {
		snprintf(why, WHY_MAX, "out of memory");
		return JUDGE_FAILED;
	}
	if (error == EAGAIN || error == EWOULDBLOCK)
		snprintf(why, WHY_MAX,
		    "%s had no word on it for %ld s, and was ended", who,
		    (patience_ms + 999) / 1000);
	else if (error == EPROTO)
		snprintf(why, WHY_MAX, "%s answered nonsense on it", who);
	else if (status != -1 && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL) {
		snprintf(why, WHY_MAX,
		    "%s was killed (perhaps the machine is short of memory)",
		    who);
		return JUDGE_FAILED;
	} else if (status != -1 && WIFSIGNALED(status))
		snprintf(why, WHY_MAX,
		    "%s died of signal %d (%s) on it; report this, "
		    "with the response",
		    who, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else {
		snprintf(why, WHY_MAX, "%s ended on it", who);
		/* of its own will: it was short of something */
		if (status == 0)
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
	    v->reason >= -1 && v->reason <= 255 && v->bounded_by >= 0 &&
	    v->bounded_by <= 3 && v->singles >= 0 &&
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
	if (v->status != VERDICT_GOOD)
		return 1;
	return v->has_times && v->usable_until > p->now &&
	    v->usable_until <= a->not_after &&
	    v->this_update - p->now <= p->skew &&
	    (p->max_age >= 0 ||
		(v->has_next && v->usable_until <= v->next_update));
}

/* Sends it, to a new one where the old one has died of boredom. */
static int
put(struct judge *j, const struct ask *a, const struct ocsp_case *c,
    const unsigned char *der, char *why)
{
	struct iovec v[4];
	int again;

	for (again = j->child.fd != -1;; again = 0) {
		v[0] = part(a, sizeof(*a));
		v[1] = part(c->issuer, c->issuer_len);
		v[2] = part(c->request, c->request_len);
		v[3] = part(der, a->len);
		if (start(j, why) == -1)
			return errno = EPERM, -1;
		if (child_send(j->child.fd, v, 4) == 0)
			return 0;
		if (!again || (errno != EPIPE && errno != ECONNRESET))
			return -1;
		child_end(&j->child, 1);
	}
}

/* DONE without a reply: see `why`; its text is owned by the caller. */
static enum judge_result
exchange(struct judge *j, const struct ask *a, const struct ocsp_case *c,
    const unsigned char *der, struct reply *r, char **text, char *why)
{
	int error, status;

	*text = NULL;
	why[0] = '\0';
	errno = 0;
	if (put(j, a, c, der, why) == -1 || hear(j, why) == -1 ||
	    child_receive(j->child.fd, r, sizeof(*r)) == -1)
		goto fail;
	errno = EPROTO;
	if (a->task == TASK_JUDGE ? r->text_len != 0 || !is_plausible(&r->v, a)
				  : r->text_len > TEXT_MOST)
		goto fail;
	if (r->starved)
		ocsp_starve();
	if (r->text_len == 0)
		return JUDGE_DONE;
	if ((*text = malloc(r->text_len + 1)) == NULL)
		errno = ENOMEM;
	else if (child_receive(j->child.fd, *text, r->text_len) == 0) {
		(*text)[r->text_len] = '\0';
		return JUDGE_DONE;
	}
fail:
	error = errno;
	free(*text);
	*text = NULL;
	status = child_end(&j->child, 1);
	return tell_end(status, error, j->terms.patience_ms, why);
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
	a.request_len = c.request_len;
	a.not_after = c.not_after;
	a.nonce = c.nonce;
	res = exchange(j, &a, &c, der, &r, &text, why);
	if (why[0] == '\0') {
		*v = r.v;
		return res;
	}
	*v = j->nothing;
	if (res == JUDGE_DONE)
		v->status = VERDICT_REFUSED;
	memcpy(v->why, why, sizeof(v->why));
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
	(void)exchange(j, &a, &none, der, &r, &text, why);
	return text;
}

/* ---- processes for one thing alone ---- */

struct search {
	struct cert *c;
	const unsigned char *p;
	size_t len;
	const char *from;
	int64_t now;
};

static void
serve_search(void *ctx, int fd)
{
	const struct search *s = ctx;
	struct found f = {.jail = sandbox_jail(fd)};
	struct iovec v[3];

	(void)ocsp_starved();
	if (s != NULL)
		f.res = cert_take_issuer(
		    s->c, s->p, s->len, s->from, s->now, f.why);
	f.starved = ocsp_starved();
	v[0] = part(&f, sizeof(f));
	v[1] = v[2] = part(NULL, 0);
	if (s != NULL && f.res == CERT_OK)
		v[1] = part(s->c->issuer, f.issuer_len = s->c->issuer_len);
	if (s != NULL && s->c->hunt != NULL)
		v[2] = part(s->c->hunt, f.hunt_len = strlen(s->c->hunt));
	(void)child_send(fd, v, 3);
}

/* 0: `f`, the issuer and then the hunt, terminated, in `*more`. */
static int
ask_aside(
    struct judge *j, struct search *s, struct found *f, unsigned char **more)
{
	const struct child_work w = {
	    serve_search, s, j->terms.end, j->terms.patience_ms};
	struct child c;
	size_t len;

	if (child_start(&c, &w, f->why) == -1) {
		f->res = CERT_ELOCAL;
		return -1;
	}
	f->why[0] = '\0';
	if (child_receive(c.fd, f, sizeof(*f)) == -1)
		goto fail;
	errno = EPROTO;
	if (memchr(f->why, '\0', sizeof(f->why)) == NULL || f->res < CERT_OK ||
	    f->res > CERT_ELOCAL || f->issuer_len > CERT_MAX_FILE ||
	    f->hunt_len > TEXT_MOST ||
	    (f->res == CERT_OK) != (f->issuer_len > 0 || s == NULL))
		goto fail;
	if (!is_held(j, f->jail, f->why)) {
		child_end(&c, 1);
		f->res = CERT_ELOCAL;
		return -1;
	}
	len = f->issuer_len + f->hunt_len;
	if ((*more = malloc(len + 1)) == NULL) {
		errno = ENOMEM;
		goto fail;
	}
	if (child_receive(c.fd, *more, len) == 0) {
		(*more)[len] = '\0';
		child_end(&c, 1);
		return 0;
	}
	free(*more);
fail:
	f->res = tell_end(child_end(&c, 1), errno, j->terms.patience_ms,
		     f->why) == JUDGE_DONE
	    ? CERT_EISSUER
	    : CERT_ELOCAL;
	return -1;
}

enum judge_result
judge_try(struct judge *j, char *why)
{
	unsigned char *more;
	struct found f;

	if (j->terms.mode != SANDBOX_REQUIRE)
		return JUDGE_DONE;
	if (ask_aside(j, NULL, &f, &more) == 0) {
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
	struct search s = {c, p, len, from, now};
	unsigned char *more;
	struct found f;
	char *hunt;

	if (j->terms.mode == SANDBOX_OFF)
		return cert_take_issuer(c, p, len, from, now, why);
	if (ask_aside(j, &s, &f, &more) == -1) {
		memcpy(why, f.why, sizeof(f.why));
		return f.res;
	}
	if (f.starved)
		ocsp_starve();
	memcpy(why, f.why, sizeof(f.why));
	if (f.res == CERT_OK)
		f.res = cert_take_issuer(c, more, f.issuer_len, from, now, why);
	if (f.hunt_len > 0 &&
	    (hunt = strdup((char *)more + f.issuer_len)) != NULL) {
		free(c->hunt);
		c->hunt = hunt;
	}
	free(more);
	return f.res;
}
