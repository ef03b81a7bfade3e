#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "report.h"

/* HAProxy stops stapling when less than this is left, in seconds. */
#define LEAST_LEFT 300

/* A responder may not know a younger certificate yet, in seconds. */
#define YOUNG (48 * 3600L)

/* The longest pause before a retry, in seconds, whoever asks for it. */
#define LONGEST_PAUSE 60

void
job_init(struct job *j, const char *path)
{
	memset(j, 0, sizeof(*j));
	j->path = path;
}

void
job_free(struct job *j)
{
	free(j->output);
	cert_free(&j->cert);
	ocsp_target_free(j->target);
	staple_close(j->staple);
	free(j->have_der);
	free(j->get_url);
	text_free(&j->story);
	text_free(&j->warnings);
}

void
job_fail(struct job *j, enum code code, const char *fmt, ...)
{
	va_list ap;

	if (code <= j->trouble)
		return;
	j->trouble = code;
	va_start(ap, fmt);
	vsnprintf(j->why, sizeof(j->why), fmt, ap);
	va_end(ap);
}

/* ---- names ---- */

/* Where the extension of the last part of a path begins, or its end. */
static size_t
stem_length(const char *path)
{
	const char *base = strrchr(path, '/'), *dot;

	base = base != NULL ? base + 1 : path;
	dot = strrchr(base, '.');
	if (dot == NULL || dot == base)
		return strlen(path);
	return (size_t)(dot - path);
}

static char *
join(const char *path, size_t len, const char *ext)
{
	char *s;

	if ((s = malloc(len + strlen(ext) + 1)) != NULL) {
		memcpy(s, path, len);
		memcpy(s + len, ext, strlen(ext) + 1);
	}
	return s;
}

static int
name_output(struct job *j, const struct options *o)
{
	if (o->output != NULL && strcmp(o->output, "-") == 0)
		return 0;
	if (o->output != NULL)
		j->output = strdup(o->output);
	else
		j->output = join(j->path,
		    o->del_ext ? stem_length(j->path) : strlen(j->path),
		    ".ocsp");
	return j->output == NULL ? -1 : 0;
}

/* ---- load ---- */

static enum job_state
end(struct job *j, enum code code, const char *why)
{
	job_fail(j, code, "%s", why);
	return JOB_DONE;
}

static int
find_issuer(struct job *j, const struct env *env, char *why)
{
	const struct options *o = env->o;
	struct cert_places places = {o->issuers.v, o->issuers.n, {NULL, NULL}};
	size_t whole = strlen(j->path), stem = stem_length(j->path);
	char *beside[2];
	enum cert_result res = CERT_ENOMEM;

	/* what HAProxy would look for comes first */
	beside[0] = join(j->path, o->del_ext ? stem : whole, ".issuer");
	beside[1] = join(j->path, o->del_ext ? whole : stem, ".issuer");
	if (beside[0] == NULL || beside[1] == NULL)
		snprintf(why, WHY_MAX, "out of memory");
	else {
		places.beside[0] = beside[0];
		places.beside[1] = stem != whole ? beside[1] : NULL;
		res = cert_find_issuer(&j->cert, &places, env->now, why);
	}
	free(beside[0]);
	free(beside[1]);
	if (res == CERT_OK)
		return 0;
	job_fail(j, res == CERT_ENOMEM ? CODE_LOCAL : CODE_INPUT, "%s", why);
	return -1;
}

/* Whom to ask: those that may be asked, of those that the certificate names. */
static int
find_responders(struct job *j, const struct env *env, char *why)
{
	const struct cert_url *u;
	size_t i;

	if (env->o->url != NULL) {
		j->urls[j->nurls++] = env->o->url;
		return 0;
	}
	for (i = 0; i < j->cert.nurls; i++) {
		u = &j->cert.urls[i];
		if (http_check_url(u->text, u->len, why) == 0) {
			j->urls[j->nurls++] = u->text;
			continue;
		}
		report_line(j, env, "not asked", "%.100s: %s", u->text, why);
		job_fail(j, CODE_INPUT,
		    "the responder that it names, \"%.100s\", cannot be asked: "
		    "%.600s",
		    u->text, why);
	}
	if (j->nurls == 0)
		return -1;
	j->trouble = CODE_OK;
	return 0;
}

static int
make_target(struct job *j, const struct env *env, char *why)
{
	const struct ocsp_about about = {
	    .issuer = j->cert.issuer,
	    .issuer_len = j->cert.issuer_len,
	    .serial = j->cert.serial,
	    .serial_len = j->cert.serial_len,
	    .not_after = j->cert.not_after,
	    .hash = (enum ocsp_hash)env->o->hash,
	    .nonce = env->o->nonce,
	};

	j->target = ocsp_target(env->ocsp, &about, why);
	if (j->target == NULL)
		job_fail(j, CODE_LOCAL, "%s", why);
	return j->target == NULL ? -1 : 0;
}

static enum ocsp_status
judge(const struct job *j, const struct env *env, const unsigned char *der,
    size_t len, int answer, struct ocsp_verdict *v)
{
	const struct ocsp_policy policy = {
	    .now = env->now,
	    .skew = env->o->skew,
	    .max_age = env->o->max_age,
	    .answer = answer,
	};

	return ocsp_judge(j->target, der, len, &policy, v);
}

static int
load_stored(struct job *j, const struct env *env, char *why)
{
	enum staple_result res;

	if (j->output == NULL) {
		j->holding = HOLDING_NOTHING;
		return 0;
	}
	res = staple_open(j->output, &j->staple, why);
	if (res == STAPLE_OK)
		/* one byte more than allowed shows that there are too many */
		res = staple_read(j->staple, RESPONSE_MAX + 1, &j->have_der,
		    &j->have_len, why);
	if (res == STAPLE_FAILED) {
		job_fail(j, CODE_LOCAL, "%s", why);
		return -1;
	}
	j->holding = HOLDING_NOTHING;
	if (res == STAPLE_OK) {
		j->holding = HOLDING_JUDGED;
		judge(j, env, j->have_der, j->have_len, 0, &j->have);
	}
	report_stored(j, env);
	return 0;
}

/* Is the stored response verified, and about this certificate? */
static int
holds_verified(const struct job *j)
{
	return j->holding == HOLDING_JUDGED &&
	    (j->have.status == VERDICT_GOOD ||
		j->have.status == VERDICT_REVOKED);
}

long long
job_demand(const struct job *j, const struct env *env)
{
	long long life =
	    (long long)j->have.usable_until - (long long)j->have.this_update;

	if (env->o->min_percent)
		return life * env->o->min_valid / 100;
	if (env->o->min_valid >= 0)
		return env->o->min_valid;
	if (j->answered || life / 3 < LEAST_LEFT)
		return LEAST_LEFT;
	return life / 3;
}

static int
lasts(const struct job *j, const struct env *env)
{
	return j->holding == HOLDING_JUDGED && j->have.status == VERDICT_GOOD &&
	    (long long)j->have.usable_until - (long long)env->now >=
	    job_demand(j, env);
}

static int
is_due(const struct job *j, const struct env *env)
{
	long long life, age;

	if (!lasts(j, env))
		return 1;
	life = (long long)j->have.usable_until - (long long)j->have.this_update;
	age = (long long)env->now - (long long)j->have.this_update;
	return age >= life / 2;
}

/* What can be said of the certificate alone, before any issuer is sought. */
static int
is_worth_asking(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;
	char when[WORDS_TIME_MAX];

	if (c->nurls == 0 && env->o->url == NULL) {
		if (c->must_staple)
			job_fail(j, CODE_INPUT,
			    "it demands stapling (must-staple), but names no "
			    "OCSP responder: clients will refuse it; ask its "
			    "authority for another certificate, or name a "
			    "responder with --url");
		else
			j->action = ACTION_NO_RESPONDER;
	} else if (c->not_after < env->now)
		job_fail(j, CODE_INPUT,
		    "the certificate expired on %s; no responder is asked "
		    "about it; renew it",
		    words_time(when, c->not_after));
	else if (c->self_signed)
		job_fail(j, CODE_INPUT,
		    "the certificate is self-signed, so no responder can speak "
		    "for it; is this the server's certificate?");
	else
		return 1;
	return 0;
}

enum job_state
job_load(struct job *j, const struct env *env)
{
	enum cert_result res;
	char why[WHY_MAX];

	if (name_output(j, env->o) == -1)
		return end(j, CODE_LOCAL, "out of memory");
	if ((res = cert_read(j->path, &j->cert, why)) != CERT_OK)
		return end(
		    j, res == CERT_ENOMEM ? CODE_LOCAL : CODE_INPUT, why);
	report_cert(j, env);
	if (!is_worth_asking(j, env))
		return JOB_DONE;
	if (find_issuer(j, env, why) == -1) {
		report_issuer(j, env);
		return JOB_DONE;
	}
	report_issuer(j, env);
	if (find_responders(j, env, why) == -1 ||
	    make_target(j, env, why) == -1 || load_stored(j, env, why) == -1)
		return JOB_DONE;
	if (env->o->check)
		return JOB_DONE;
	if (env->o->if_due && !is_due(j, env)) {
		j->action = ACTION_NOT_DUE;
		return JOB_DONE;
	}
	return JOB_ASK;
}

/* ---- ask ---- */

/* GET where the whole URL is short enough, RFC 9919 section 6. */
static void
choose_method(struct job *j, const struct options *o)
{
	free(j->get_url);
	j->get_url = ocsp_get_url(j->target, j->urls[j->url]);
	j->method = (enum ocsp_method)o->method;
	if (j->method == METHOD_AUTO)
		j->method =
		    j->get_url != NULL && strlen(j->get_url) <= GET_URL_MAX
		    ? METHOD_GET
		    : METHOD_POST;
}

enum job_state
job_question(struct job *j, const struct env *env, struct http_question *q)
{
	char span[WORDS_TIME_MAX];

	if (env->left_ms == 0) {
		job_fail(j, CODE_TEMPORARY,
		    "the run's deadline (--deadline %s) passed before it could "
		    "be asked",
		    words_span(span, env->o->deadline));
		return JOB_DONE;
	}
	if (j->method == METHOD_AUTO)
		choose_method(j, env->o);
	if (j->method == METHOD_GET && j->get_url == NULL) {
		job_fail(j, CODE_INPUT,
		    "the responder's URL has a query (\"?\"), so it cannot be "
		    "asked by GET; use --method post");
		return JOB_DONE;
	}
	memset(q, 0, sizeof(*q));
	q->ref = j;
	q->url = j->method == METHOD_GET ? j->get_url : j->urls[j->url];
	if (j->method == METHOD_POST)
		q->body = ocsp_request(j->target, &q->body_len);
	q->no_cache = j->no_cache;
	q->timeout_ms = (long)(env->o->timeout * 1000);
	if (env->left_ms > 0 && env->left_ms < q->timeout_ms)
		q->timeout_ms = (long)env->left_ms;
	return JOB_ASK;
}

/* ---- judge, and what comes next ---- */

/* After all responders: once more, if what failed may pass. */
static enum job_state
next_round(struct job *j, const struct env *env, const struct http_answer *a)
{
	long long pause;

	if (!j->transient || j->round >= env->o->retry)
		return JOB_DONE;
	pause = j->round < 6 ? 1LL << j->round : LONGEST_PAUSE;
	if (a->retry_after > pause)
		pause = a->retry_after;
	if (pause > LONGEST_PAUSE)
		pause = LONGEST_PAUSE;
	if (env->left_ms >= 0 && pause * 1000 >= env->left_ms)
		return JOB_DONE;
	report_line(j, env, "pause", "%lld s, then once more", pause);
	j->pause_ms = (long)(pause * 1000);
	j->round++;
	j->url = 0;
	j->transient = 0;
	return JOB_WAIT;
}

static enum job_state
next_responder(
    struct job *j, const struct env *env, const struct http_answer *a)
{
	j->method = METHOD_AUTO;
	j->switched = j->no_cache = 0;
	if (++j->url < j->nurls)
		return JOB_ASK;
	return next_round(j, env, a);
}

static enum job_state
other_method(struct job *j, const struct env *env, const struct http_answer *a)
{
	if (env->o->method != METHOD_AUTO || j->switched ||
	    (j->method == METHOD_POST && j->get_url == NULL))
		return next_responder(j, env, a);
	j->switched = 1;
	j->method = j->method == METHOD_GET ? METHOD_POST : METHOD_GET;
	return JOB_ASK;
}

/* A cache on the way may hold something older than the responder has. */
static enum job_state
ask_past_caches(
    struct job *j, const struct env *env, const struct http_answer *a)
{
	if (j->no_cache)
		return next_responder(j, env, a);
	report_line(j, env, "again", "past all caches (no-cache)");
	j->no_cache = 1;
	return JOB_ASK;
}

static int
may_pass(long http_status)
{
	return http_status >= 500 || http_status == 408 || http_status == 429;
}

static enum job_state
on_ocsp_error(struct job *j, const struct env *env, const struct http_answer *a)
{
	report_ocsp_error(j, env);
	switch (j->got.error) {
	case ERROR_TRYLATER:
	case ERROR_INTERNAL:
		j->transient = 1;
		break;
	case ERROR_MALFORMED:
		return other_method(j, env, a);
	case ERROR_UNAUTHORIZED:
		/* a cache may hold on to what was true of a new certificate */
		if (j->method == METHOD_GET)
			return other_method(j, env, a);
		break;
	default:
		break;
	}
	return next_responder(j, env, a);
}

static enum job_state
on_unknown(struct job *j, const struct env *env, const struct http_answer *a)
{
	int young = env->now - j->cert.not_before < YOUNG;

	report_refusal(j, env, young ? CODE_TEMPORARY : CODE_REJECTED, a);
	return next_responder(j, env, a);
}

static enum job_state
on_verified(struct job *j, const struct env *env, const struct http_answer *a)
{
	if (holds_verified(j) && !env->o->force && !j->no_cache &&
	    ocsp_newer(&j->have, &j->got)) {
		report_line(j, env, "older", "than what is stored");
		return ask_past_caches(j, env, a);
	}
	j->answered = 1;
	j->trouble = CODE_OK;
	if (j->got.status == VERDICT_GOOD)
		return JOB_SAVE;
	report_refusal(j, env, CODE_REVOKED, a);
	return env->o->write_revoked ? JOB_SAVE : JOB_DONE;
}

enum job_state
job_answer(struct job *j, const struct env *env, const struct http_answer *a)
{
	if (a->result != HTTP_ANSWERED) {
		report_http_failure(j, env, a);
		j->transient = 1;
		return next_responder(j, env, a);
	}
	judge(j, env, a->body, a->body_len, 1, &j->got);
	report_verdict(j, env);
	if (j->got.status == VERDICT_STALE && !j->no_cache)
		return ask_past_caches(j, env, a);
	switch (j->got.status) {
	case VERDICT_GOOD:
	case VERDICT_REVOKED:
		return on_verified(j, env, a);
	case VERDICT_UNKNOWN:
		return on_unknown(j, env, a);
	case VERDICT_STALE:
	case VERDICT_REFUSED:
	case VERDICT_FOREIGN:
		report_refusal(j, env, CODE_REJECTED, a);
		return next_responder(j, env, a);
	case VERDICT_ERROR:
		return on_ocsp_error(j, env, a);
	case VERDICT_INVALID:
		break;
	}
	report_not_ocsp(j, env, a);
	if (may_pass(a->status))
		j->transient = 1;
	return other_method(j, env, a);
}

/* ---- save ---- */

/* What the lock on the directory protects: is ours better than what is there?
 */
struct rivalry {
	struct job *j;
	const struct env *env;
};

static int
is_better(void *ctx, const unsigned char *old, size_t len)
{
	const struct rivalry *r = ctx;
	struct job *j = r->j;

	j->holding = HOLDING_NOTHING;
	if (old != NULL) {
		j->holding = HOLDING_JUDGED;
		judge(j, r->env, old, len, 0, &j->have);
	}
	if (!holds_verified(j) || r->env->o->force)
		return 1;
	/* of two that are equally new, the one that says revoked is right */
	if (j->got.status == VERDICT_REVOKED && j->have.status == VERDICT_GOOD)
		return !ocsp_newer(&j->have, &j->got);
	return ocsp_newer(&j->got, &j->have);
}

void
job_saved(struct job *j, enum action action)
{
	j->action = action;
	if (action == ACTION_KEPT)
		return;
	j->holding = HOLDING_JUDGED;
	j->have = j->got;
}

static enum job_state
save_dry(struct job *j, const struct env *env, const struct http_answer *a)
{
	struct rivalry r = {j, env};
	char why[WHY_MAX];

	if (j->have_der != NULL && j->have_len == a->body_len &&
	    memcmp(j->have_der, a->body, a->body_len) == 0)
		job_saved(j, ACTION_UNCHANGED);
	else if (!is_better(&r, j->have_der, j->have_len))
		job_saved(j, ACTION_KEPT);
	else if (staple_writable(j->staple, why) == STAPLE_FAILED)
		job_fail(j, CODE_LOCAL, "%s", why);
	else {
		j->would_write = 1;
		job_saved(j, ACTION_NONE);
	}
	return JOB_DONE;
}

enum job_state
job_save(struct job *j, const struct env *env, const struct http_answer *a)
{
	const struct staple_bytes bytes = {.p = a->body,
	    .len = a->body_len,
	    .max = RESPONSE_MAX + 1,
	    .mode = (mode_t)env->o->mode};
	struct rivalry r = {j, env};
	char why[WHY_MAX];

	if (env->o->dry_run)
		return save_dry(j, env, a);
	switch (staple_replace(j->staple, &bytes, is_better, &r, why)) {
	case STAPLE_WRITTEN:
		job_saved(j, ACTION_WRITTEN);
		report_warnings(j, env, a->body_len);
		break;
	case STAPLE_UNCHANGED:
		job_saved(j, ACTION_UNCHANGED);
		break;
	case STAPLE_KEPT:
		job_saved(j, ACTION_KEPT);
		break;
	case STAPLE_BUSY:
		return JOB_WAIT;
	default:
		job_fail(j, CODE_LOCAL, "%s", why);
		break;
	}
	return JOB_DONE;
}

/* ---- settle ---- */

/* --check has no answer to judge: the stored response is what is judged. */
static void
settle_check(struct job *j, const struct env *env)
{
	if (!env->o->check || j->holding != HOLDING_JUDGED)
		return;
	if (j->have.status == VERDICT_REFUSED ||
	    (j->have.status == VERDICT_UNKNOWN &&
		env->now - j->cert.not_before >= YOUNG))
		job_fail(j, CODE_REJECTED, "%s: %s", j->output, j->have.why);
}

enum code
job_settle(struct job *j, const struct env *env)
{
	char left[WORDS_TIME_MAX], demand[WORDS_TIME_MAX];

	settle_check(j, env);
	if (j->holding == HOLDING_JUDGED && j->have.status == VERDICT_REVOKED)
		job_fail(j, CODE_REVOKED, "the stored response says: %s",
		    j->have.why);
	if (j->trouble <= CODE_TEMPORARY && j->action != ACTION_NO_RESPONDER) {
		if (lasts(j, env))
			return j->code = CODE_OK;
		if (j->holding == HOLDING_JUDGED &&
		    j->have.status == VERDICT_GOOD)
			job_fail(j, CODE_TEMPORARY,
			    "the response is usable for %s only, less than the "
			    "%s that are demanded",
			    words_span(left, j->have.usable_until - env->now),
			    words_span(demand, job_demand(j, env)));
		else
			job_fail(j, CODE_TEMPORARY, "no usable response");
	}
	return j->code = j->trouble;
}
