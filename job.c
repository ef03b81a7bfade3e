#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "report.h"
#include "sandbox.h"
#include "story.h"

/* HAProxy stops stapling when less than this is left, in seconds. */
#define LEAST_LEFT 300

/* A responder may not know a younger certificate yet, in seconds. */
#define YOUNG (48 * 3600L)

/* The longest pause before a retry, in seconds; who wants a longer one (by
 * Retry-After) is not asked again, unless --wait leaves room for it. */
#define LONGEST_PAUSE 60LL

/* The shortest exchange and the shortest pause of --wait, in ms. */
#define LEAST_TIMEOUT 1000

/* What a caIssuers URL may bring, RFC 5280 section 4.2.2.1. */
#define ISSUER_TYPES                                                           \
	"application/pkix-cert, application/pkcs7-mime, "                      \
	"application/x-x509-ca-cert, */*;q=0.5"

void
job_init(struct job *j, const struct list_entry *named)
{
	memset(j, 0, sizeof(*j));
	j->named = *named;
	j->path = named->path;
}

/* It may never have been looked at, and be a key: see refuse_stored(). */
static void
drop_stored(struct job *j)
{
	sandbox_forget(j->have_der, j->have_len);
	free(j->have_der);
	j->have_der = NULL;
	j->have_len = 0;
}

void
job_free(struct job *j)
{
	free(j->output);
	cert_free(&j->cert);
	ocsp_target_free(j->target);
	staple_close(j->staple);
	drop_stored(j);
	free(j->get_url);
	free(j->save_der);
	text_free(&j->story);
	text_free(&j->warnings);
}

void
job_fail(struct job *j, enum code code, const char *fmt, ...)
{
	char *to = j->why;
	va_list ap;

	/* what failed here is told even where something graver happened */
	if (code == CODE_LOCAL && j->trouble > code) {
		if (j->also[0] != '\0')
			return;
		to = j->also;
	} else if (code <= j->trouble)
		return;
	else {
		if (j->trouble == CODE_LOCAL)
			memcpy(j->also, j->why, sizeof(j->also));
		j->trouble = code;
	}
	va_start(ap, fmt);
	vsnprintf(to, WHY_MAX, fmt, ap);
	va_end(ap);
}

/* What went wrong is made good, but for a local failure, which stays one. */
static void
forgive(struct job *j)
{
	j->heard = 0;
	if (j->also[0] != '\0' && j->trouble != CODE_LOCAL) {
		j->trouble = CODE_LOCAL;
		memcpy(j->why, j->also, sizeof(j->why));
		j->also[0] = '\0';
	} else if (j->trouble != CODE_LOCAL)
		j->trouble = CODE_OK;
}

/* ---- names ---- */

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
	if (j->path == o->served ||
	    (o->output != NULL && strcmp(o->output, "-") == 0))
		return 0;
	if (o->output != NULL)
		j->output = strdup(o->output);
	else if (j->named.output != NULL)
		j->output = strdup(j->named.output);
	else
		j->output = join(
		    j->path, options_output_stem(j->path, o->del_ext), ".ocsp");
	return j->output == NULL ? -1 : 0;
}

/* ---- load ---- */

/* Without memory nothing that was found out is worth anything. */
static int
is_starved(struct job *j)
{
	if (!ocsp_starved())
		return 0;
	job_fail(j, CODE_LOCAL, "out of memory");
	return 1;
}

static void
fail_cert(struct job *j, enum cert_result res, const char *why)
{
	ocsp_doubt();
	if (!is_starved(j))
		job_fail(
		    j, res == CERT_ELOCAL ? CODE_LOCAL : CODE_INPUT, "%s", why);
}

/* Where HAProxy looks for the issuer; the other place is ours. */
static char *
name_issuer(const struct job *j, const struct options *o, int other)
{
	size_t whole = strlen(j->path), stem = options_stem(j->path);
	size_t first = options_output_stem(j->path, o->del_ext);

	if (j->named.issuer != NULL && !other)
		return strdup(j->named.issuer);
	if (other)
		first = first == whole ? stem : whole;
	return join(j->path, first, ".issuer");
}

static enum cert_result
find_issuer(struct job *j, const struct env *env, char *why)
{
	const struct options *o = env->o;
	struct cert_places places = {o->issuers.v, o->issuers.n, {NULL, NULL}};
	size_t whole = strlen(j->path), stem = options_stem(j->path);
	char *beside[2];
	enum cert_result res = CERT_ELOCAL;

	beside[0] = name_issuer(j, o, 0);
	beside[1] = name_issuer(j, o, 1);
	if (beside[0] == NULL || beside[1] == NULL)
		snprintf(why, WHY_MAX, "out of memory");
	else {
		if (!job_is_presented(j, env))
			places.beside[0] = beside[0];
		if (!job_is_presented(j, env) && stem != whole)
			places.beside[1] = beside[1];
		res = cert_find_issuer(&j->cert, &places, env->now, why);
	}
	if (res != CERT_OK)
		ocsp_doubt();
	free(beside[0]);
	free(beside[1]);
	return res;
}

/*
 * Of the URLs that the certificate names, those that may be asked; of the
 * others the last one's fault is told, unless one is left.
 */
static int
vet_urls(struct job *j, const struct env *env, const struct cert_url *v,
    size_t n, const char *what)
{
	char why[WHY_MAX];
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = http_check_url(v[i].text, v[i].len, why);
		if (rc == 0) {
			j->urls[j->nurls++] = v[i].text;
			continue;
		}
		if (rc == -2) {
			job_fail(j, CODE_LOCAL, "out of memory");
			return -1;
		}
		story_line(j, env, "not asked", "%.100s: %s", v[i].text, why);
		job_fail(j, CODE_INPUT,
		    "%s, \"%.100s\", cannot be asked: %.600s", what, v[i].text,
		    why);
	}
	if (j->nurls == 0)
		return -1;
	forgive(j);
	return 0;
}

static int
find_responders(struct job *j, const struct env *env)
{
	if (env->o->url == NULL)
		return vet_urls(j, env, j->cert.urls, j->cert.nurls,
		    "the responder that it names");
	j->urls[j->nurls++] = env->o->url;
	return 0;
}

static int
make_target(struct job *j, const struct env *env, char *why)
{
	const struct ocsp_about about = {
	    .issuer = j->cert.issuer,
	    .issuer_len = j->cert.issuer_len,
	    .issuer_name = j->cert.issuer_field,
	    .issuer_name_len = j->cert.issuer_field_len,
	    .serial = j->cert.serial,
	    .serial_len = j->cert.serial_len,
	    .not_after = j->cert.not_after,
	    .hash = (enum ocsp_hash)env->o->hash,
	    .nonce = env->o->nonce,
	};

	j->target = ocsp_target(env->ocsp, &about, why);
	if (is_starved(j))
		return -1;
	if (j->target == NULL)
		job_fail(j, CODE_LOCAL, "%s", why);
	return j->target == NULL ? -1 : 0;
}

static void
judge(struct job *j, const struct env *env, const unsigned char *der,
    size_t len, int answer, struct ocsp_verdict *v)
{
	const struct ocsp_policy policy = {
	    .now = env->now,
	    .skew = env->o->skew,
	    .max_age = env->o->max_age,
	    .assume_lifetime = env->o->assume_lifetime,
	    .allow_sha1 = env->o->allow_sha1,
	    .answer = answer,
	    .names = env->o->verbose > 0,
	};

	(void)ocsp_starved(); /* what went before is settled */
	if (judge_response(env->judge, j->target, der, len, &policy, v) ==
	    JUDGE_DONE)
		return;
	job_fail(j, CODE_LOCAL, "%s", v->why);
	ocsp_starve(); /* nor can anything else be believed */
}

/* Reads what is stored; it is judged when there is something to judge by. */
static int
read_stored(struct job *j, const struct env *env, char *why)
{
	enum staple_result res = STAPLE_OK;

	drop_stored(j);
	j->holding = HOLDING_NOTHING;
	if (j->output == NULL)
		return 0;
	if (j->staple == NULL)
		res = staple_open_in(env->dirs, j->output, &j->staple, why);
	if (res == STAPLE_OK)
		/* one byte more than allowed shows that there are too many */
		res = staple_read(j->staple, RESPONSE_MAX + 1, &j->have_der,
		    &j->have_len, why);
	if (res == STAPLE_FAILED)
		job_fail(j, CODE_LOCAL, "%s", why);
	/* what is there is not known before it is judged */
	if (res == STAPLE_FAILED || j->have_der != NULL)
		j->holding = HOLDING_NOT_LOOKED;
	return res == STAPLE_FAILED ? -1 : 0;
}

/*
 * What is no response, but a certificate or a key, was never ours to replace:
 * somebody has mistaken one file for another.  It is shown to no judge.
 */
static int
refuse_stored(struct job *j)
{
	ocsp_undecided(&j->have);
	snprintf(j->have.why, sizeof(j->have.why),
	    "a certificate or a key, not an OCSP response");
	job_fail(j, CODE_INPUT,
	    "%.300s holds a certificate or a key, not an OCSP response: it is "
	    "not touched; is it the right file?",
	    j->output);
	/* nor to one that is yet to be started */
	drop_stored(j);
	return -1;
}

static int
judge_stored(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	j->holding = HOLDING_NOTHING;
	if (der == NULL)
		return 0;
	j->holding = HOLDING_JUDGED;
	j->have_is_der = der == j->have_der;
	j->have_when = env->now;
	if (cert_looks_like_one(der, len))
		return refuse_stored(j);
	judge(j, env, der, len, 0, &j->have);
	if (!is_starved(j))
		return 0;
	j->holding = HOLDING_NOT_LOOKED;
	return -1;
}

/* Were these very bytes found good in this run?  Then they are till they end.
 */
static int
is_judged_good(const struct job *j, const struct env *env,
    const unsigned char *der, size_t len)
{
	return j->holding == HOLDING_JUDGED && j->have_is_der &&
	    j->have.status == VERDICT_GOOD && env->now >= j->have_when &&
	    env->now < j->have.usable_until && der != NULL &&
	    j->have_len == len && memcmp(j->have_der, der, len) == 0;
}

static int
load_stored(struct job *j, const struct env *env, char *why)
{
	int rc;

	if (j->staple == NULL && read_stored(j, env, why) == -1)
		return -1;
	rc = judge_stored(j, env, j->have_der, j->have_len);
	story_stored(j, env);
	return rc;
}

/* Is the stored response verified, and about this certificate? */
static int
holds_verified(const struct job *j)
{
	return j->holding == HOLDING_JUDGED &&
	    (j->have.status == VERDICT_GOOD ||
		j->have.status == VERDICT_REVOKED);
}

/*
 * Of a verified "revoked": a hold may have been lifted since its response ran
 * out, and whatever ran out counts only where nothing later is stored.
 */
static enum code
revoked_code(const struct job *j, const struct ocsp_verdict *v)
{
	if (!v->expired)
		return CODE_REVOKED;
	return v->reason == REASON_HOLD ||
		(v != &j->have && holds_verified(j) && ocsp_newer(&j->have, v))
	    ? CODE_REJECTED
	    : CODE_REVOKED;
}

/* How long a response has to last from now on, in seconds. */
static long long
demand(const struct env *env, const struct ocsp_verdict *v, int answered)
{
	long long life = (long long)v->usable_until - (long long)v->this_update;

	if (env->o->min_percent)
		return life * env->o->min_valid / 100;
	if (env->o->min_valid >= 0)
		return env->o->min_valid;
	if (answered || life / 3 < LEAST_LEFT)
		return LEAST_LEFT;
	return life / 3;
}

static int
verdict_lasts(const struct env *env, const struct ocsp_verdict *v, int answered)
{
	return v->status == VERDICT_GOOD &&
	    (long long)v->usable_until - (long long)env->now >=
	    demand(env, v, answered);
}

int
job_holds(const struct job *j, const struct env *env)
{
	return j->holding == HOLDING_JUDGED && verdict_lasts(env, &j->have, 0);
}

/* The verdict that the exit code is about, unless there is none. */
static const struct ocsp_verdict *
decisive(const struct job *j, const struct env *env)
{
	return j->would_write || env->o->served != NULL ? &j->got : &j->have;
}

int
job_lasts(const struct job *j, const struct env *env)
{
	if (env->o->served != NULL)
		return j->stapled > STAPLED_NOTHING &&
		    verdict_lasts(env, &j->got, 0);
	/* a dry run ends as the real one would have */
	if (j->would_write)
		return verdict_lasts(env, &j->got, 1);
	return j->holding == HOLDING_JUDGED &&
	    verdict_lasts(env, &j->have, j->answered);
}

long long
job_demand(const struct job *j, const struct env *env)
{
	return demand(env, decisive(j, env), j->would_write ? 1 : j->answered);
}

int64_t
job_good_until(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = decisive(j, env);

	if (j->action == ACTION_NO_RESPONDER ||
	    j->action == ACTION_PASSED_OVER ||
	    (j->holding != HOLDING_JUDGED && v == &j->have))
		return 0;
	return v->usable_until - (int64_t)job_demand(j, env);
}

static int
is_due(const struct job *j, const struct env *env)
{
	long long life, age;

	if (!job_lasts(j, env))
		return 1;
	life = (long long)j->have.usable_until - (long long)j->have.this_update;
	age = (long long)env->now - (long long)j->have.this_update;
	return age >= life / 2;
}

/* It names no responder, none is named for it, and nobody demands stapling. */
static int
needs_none(const struct job *j, const struct env *env)
{
	return j->cert.nurls == 0 && env->o->url == NULL &&
	    !j->cert.must_staple;
}

/* Can any response about it be of use? */
static int
may_be_judged(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;
	char when[WORDS_TIME_MAX];

	if (c->not_after < env->now)
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

/* What can be said of the certificate alone, before any issuer is sought. */
static int
is_worth_asking(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;

	/* --check judges what is there, however it came to be there */
	if (needs_none(j, env) && j->have_der == NULL)
		j->action = ACTION_NO_RESPONDER;
	else if (c->nurls == 0 && env->o->url == NULL && j->have_der == NULL)
		job_fail(j, CODE_INPUT,
		    "it demands stapling (must-staple), but names no OCSP "
		    "responder: clients will refuse it; ask its authority for "
		    "another certificate, or name a responder with --url");
	else
		return may_be_judged(j, env);
	return 0;
}

/* ---- the issuer that was fetched is kept ---- */

/* Whose issuer is to be written, and whether somebody else wrote it. */
struct fetched {
	const struct job *j;
	int own; /* with --del-ext, that may be the certificate's own file */
	int there;
};

/*
 * What is there is replaced only if it is of no use for anything else; what a
 * list names may be there for many.
 */
static int
is_no_issuer(void *ctx, const unsigned char *old, size_t len)
{
	struct fetched *f = ctx;

	if (old == NULL)
		return 1;
	f->there = cert_holds_issuer(&f->j->cert, old, len);
	return !f->there && !f->own && f->j->named.issuer == NULL &&
	    cert_is_certificates(old, len);
}

static enum staple_result
write_issuer(struct job *j, const char *path, const char *pem, char *why)
{
	const struct staple_bytes bytes = {.p = (const unsigned char *)pem,
	    .len = strlen(pem),
	    .max = CERT_MAX_FILE,
	    .mode = 0644};
	struct fetched f = {.j = j, .own = strcmp(path, j->path) == 0};
	enum staple_result res;
	struct staple *s;

	res = staple_open(path, &s, why);
	if (res == STAPLE_OK)
		res = staple_replace(s, &bytes, is_no_issuer, &f, why);
	staple_close(s);
	return res == STAPLE_KEPT && f.there ? STAPLE_UNCHANGED : res;
}

static void
save_issuer(struct job *j, const struct env *env)
{
	char *path = name_issuer(j, env->o, 0), why[WHY_MAX];
	char *pem = cert_issuer_pem(&j->cert);

	if (path == NULL || pem == NULL)
		job_fail(j, CODE_LOCAL, "out of memory");
	else if (env->o->dry_run)
		story_line(
		    j, env, "", "not written to %s, for --dry-run", path);
	else
		switch (write_issuer(j, path, pem, why)) {
		case STAPLE_WRITTEN:
			j->cert.issuer_beside = 1;
			story_line(j, env, "", "written to %s", path);
			break;
		case STAPLE_UNCHANGED:
			j->cert.issuer_beside = 1;
			story_line(j, env, "", "by now it is in %s", path);
			break;
		case STAPLE_NOT_DURABLE:
			j->cert.issuer_beside = 1;
			job_fail(j, CODE_LOCAL,
			    "%s; the issuer is in place, but a crash of the "
			    "machine may undo it",
			    why);
			break;
		case STAPLE_KEPT:
			job_fail(j, CODE_LOCAL,
			    "the issuer was fetched, but %.300s holds %s, and "
			    "is not touched",
			    path,
			    strcmp(path, j->path) == 0
				? "the certificate itself"
				: j->named.issuer != NULL
				? "another one"
				: "something else than certificates");
			break;
		case STAPLE_BUSY:
			story_line(j, env, "", "not written: %s", why);
			break;
		default:
			job_fail(j, CODE_LOCAL,
			    "the issuer was fetched, but is not in place: %s",
			    why);
			break;
		}
	free(path);
	free(pem);
}

/*
 * What proved it are its name and its key; of the rest of it anybody on the
 * way may have written what makes each response invalid.  So it is kept only
 * when one was verified with it.
 */
static void
keep_issuer(struct job *j, const struct env *env)
{
	if (j->issuer_is_new)
		save_issuer(j, env);
	j->issuer_is_new = 0;
}

/* All that comes after the issuer is known. */
static enum job_state
load_rest(struct job *j, const struct env *env)
{
	char why[WHY_MAX];

	if ((!env->o->check && find_responders(j, env) == -1) ||
	    make_target(j, env, why) == -1 || load_stored(j, env, why) == -1 ||
	    env->o->check)
		return JOB_DONE;
	if (holds_verified(j))
		keep_issuer(j, env);
	if (env->o->if_due && !is_due(j, env)) {
		j->action = ACTION_NOT_DUE;
		return JOB_DONE;
	}
	return JOB_ASK;
}

/* No issuer is at hand: whom may one be had from? */
static enum job_state
begin_hunt(struct job *j, const struct env *env, const char *why)
{
	const struct cert *c = &j->cert;

	if (c->nissuer_urls == 0) {
		job_fail(j, CODE_INPUT,
		    "%.800s; nor does it say where to fetch one "
		    "(--fetch-issuer)",
		    why);
		return JOB_DONE;
	}
	if (vet_urls(j, env, c->issuer_urls, c->nissuer_urls,
		"no issuer was found for it, and the place that it names for "
		"--fetch-issuer") == -1)
		return JOB_DONE;
	j->hunting = 1;
	return JOB_ASK;
}

/* Not every file of a directory is a certificate. */
static int
load_cert(struct job *j, const struct env *env, char *why)
{
	enum cert_result res = cert_read(env->shelf, j->path, &j->cert, why);

	if (is_starved(j))
		return -1;
	if (res == CERT_ENONE && j->named.perhaps)
		j->action = ACTION_PASSED_OVER;
	else if (res != CERT_OK)
		fail_cert(j, res, why);
	return res == CERT_OK ? 0 : -1;
}

enum job_state
job_load(struct job *j, const struct env *env)
{
	enum cert_result res;
	char why[WHY_MAX];

	j->loaded_ms = env->ms;
	if (name_output(j, env->o) == -1) {
		job_fail(j, CODE_LOCAL, "out of memory");
		return JOB_DONE;
	}
	(void)ocsp_starved(); /* what went before is settled */
	if (load_cert(j, env, why) == -1)
		return JOB_DONE;
	story_cert(j, env);
	if ((env->o->check && read_stored(j, env, why) == -1) ||
	    !is_worth_asking(j, env))
		return JOB_DONE;
	res = find_issuer(j, env, why);
	story_issuer(j, env);
	if (is_starved(j))
		return JOB_DONE;
	if (res == CERT_OK)
		return load_rest(j, env);
	if (res == CERT_EISSUER && env->o->fetch_issuer)
		return begin_hunt(j, env, why);
	fail_cert(j, res, why);
	return JOB_DONE;
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

/* How much of --wait is left, in ms. */
static long long
wait_left(const struct env *env)
{
	return env->began_ms + env->o->wait * 1000 - env->ms;
}

/* For one exchange; --wait bounds those that it alone brings about. */
static long
time_limit(const struct job *j, const struct env *env)
{
	long long ms = env->o->timeout * 1000, left = wait_left(env);

	if (j->round > env->o->retry && left < ms)
		ms = left > LEAST_TIMEOUT ? left : LEAST_TIMEOUT;
	if (env->left_ms > 0 && env->left_ms < ms)
		ms = env->left_ms;
	return (long)ms;
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
	memset(q, 0, sizeof(*q));
	q->ref = j;
	q->timeout_ms = time_limit(j, env);
	j->asked = 1;
	if (j->hunting) {
		q->url = j->urls[j->url];
		q->accept = ISSUER_TYPES;
		/* credentials may be in them, and it is not proven yet */
		q->bare = 1;
		return JOB_ASK;
	}
	if (j->method == METHOD_AUTO)
		choose_method(j, env->o);
	/* only where --method get demands it */
	while (j->method == METHOD_GET && j->get_url == NULL) {
		job_fail(j, CODE_INPUT,
		    "%.300s has a query (\"?\"), so it cannot be asked by GET; "
		    "use --method post",
		    j->urls[j->url]);
		if (++j->url == j->nurls)
			return JOB_DONE;
		choose_method(j, env->o);
	}
	q->url = j->method == METHOD_GET ? j->get_url : j->urls[j->url];
	if (j->method == METHOD_POST)
		q->body = ocsp_request(j->target, &q->body_len);
	q->no_cache = j->no_cache;
	return JOB_ASK;
}

/* ---- judge, and what comes next ---- */

/* Is what went wrong of the kind that --wait is for? */
int
job_waits(const struct job *j, const struct env *env)
{
	return env->o->wait > 0 && j->trouble == CODE_TEMPORARY &&
	    !job_lasts(j, env);
}

/* The pause before the next round, in ms; -1: there is to be none. */
static long long
next_pause(
    const struct job *j, const struct env *env, const struct http_answer *a)
{
	long long ms, left = wait_left(env), asked = a->retry_after * 1000;
	int waits = job_waits(j, env);

	ms = j->round < 6 ? 1000LL << j->round : LONGEST_PAUSE * 1000;
	if (ms > LONGEST_PAUSE * 1000)
		ms = LONGEST_PAUSE * 1000;
	if (j->transient && j->round < env->o->retry &&
	    asked <= LONGEST_PAUSE * 1000)
		ms = asked > ms ? asked : ms;
	else if (waits && asked + LEAST_TIMEOUT < left) {
		/* the last ones come closer, so that none is in vain */
		if (ms > left / 2)
			ms = left / 2;
		ms = asked > ms ? asked : ms;
		ms = ms > LEAST_TIMEOUT ? ms : LEAST_TIMEOUT;
	} else
		return -1;
	return env->left_ms >= 0 && ms >= env->left_ms ? -1 : ms;
}

/* After all responders: once more, if what failed may pass. */
static enum job_state
next_round(struct job *j, const struct env *env, const struct http_answer *a)
{
	long long ms = next_pause(j, env, a);

	if (ms == -1)
		return JOB_DONE;
	story_line(
	    j, env, "pause", "%lld s, then once more", (ms + 500) / 1000);
	j->pause_ms = (long)ms;
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

static int
may_pass(long http_status)
{
	return http_status >= 500 || http_status == 408 || http_status == 429;
}

static enum job_state
other_method(struct job *j, const struct env *env, const struct http_answer *a)
{
	/* who wants to be left alone is not asked at once by the other one */
	if (env->o->method != METHOD_AUTO || j->switched ||
	    (a->retry_after > 0 && may_pass(a->status)) ||
	    (j->method == METHOD_POST && j->get_url == NULL))
		return next_responder(j, env, a);
	/* one method refused is no failure until the other was tried */
	if (a->status == 405 && j->trouble == CODE_TEMPORARY && !j->heard)
		j->trouble = CODE_OK;
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
	story_line(j, env, "again", "past all caches (no-cache)");
	j->no_cache = 1;
	return JOB_ASK;
}

/* What OCSP says tells more than what failed on the way before it. */
static void
hear(struct job *j)
{
	if (j->trouble == CODE_TEMPORARY && !j->heard)
		j->trouble = CODE_OK;
	j->heard = 1;
}

static enum job_state
on_ocsp_error(struct job *j, const struct env *env, const struct http_answer *a)
{
	hear(j);
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

	keep_issuer(j, env);
	hear(j);
	report_refusal(j, env, young ? CODE_TEMPORARY : CODE_REJECTED, a);
	return next_responder(j, env, a);
}

static enum job_state
on_verified(struct job *j, const struct env *env, const struct http_answer *a)
{
	j->answered = 1;
	forgive(j);
	keep_issuer(j, env);
	if (holds_verified(j) && !env->o->force && !j->no_cache &&
	    ocsp_newer(&j->have, &j->got)) {
		story_line(j, env, "older", "than what is stored");
		/* if nothing newer comes, it is to be heard all the same */
		if (j->got.status == VERDICT_REVOKED)
			report_refusal(j, env, revoked_code(j, &j->got), a);
		return ask_past_caches(j, env, a);
	}
	if (j->got.status == VERDICT_GOOD)
		return JOB_SAVE;
	report_refusal(j, env, revoked_code(j, &j->got), a);
	return env->o->write_revoked && !j->got.excused ? JOB_SAVE : JOB_DONE;
}

/* ---- the issuer, where it is fetched ---- */

/* Proven: from now on all is as if it had been at hand. */
static enum job_state
end_hunt(struct job *j, const struct env *env)
{
	story_issuer(j, env);
	j->issuer_is_new = 1;
	j->hunting = 0;
	j->url = j->nurls = 0;
	j->round = 0;
	j->transient = 0;
	forgive(j);
	return load_rest(j, env);
}

static enum job_state
take_issuer(struct job *j, const struct env *env, const struct http_answer *a)
{
	char why[WHY_MAX], from[HTTP_MAX_URL + 1];
	enum cert_result res;

	/* the URL is borrowed from what is about to change */
	snprintf(from, sizeof(from), "%s", j->urls[j->url]);
	(void)ocsp_starved();
	res = judge_issuer(
	    env->judge, &j->cert, a->body, a->body_len, from, env->now, why);
	if (is_starved(j))
		return JOB_DONE;
	switch (res) {
	case CERT_OK:
		return end_hunt(j, env);
	case CERT_EISSUER:
		job_fail(j, CODE_INPUT,
		    "no issuer was found for it, and what %.300s has is not "
		    "its issuer (%.200s): %.300s; name its file with -i",
		    from,
		    j->cert.issuer_name != NULL ? j->cert.issuer_name : "?",
		    why);
		break;
	case CERT_ELOCAL:
		job_fail(j, CODE_LOCAL, "%s", why);
		return JOB_DONE;
	default:
		report_not_expected(j, env, a, "not a certificate");
		if (may_pass(a->status))
			j->transient = 1;
		break;
	}
	return next_responder(j, env, a);
}

/* ---- what came back ---- */

static void
judge_answer(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	if (!env->o->nonce && is_judged_good(j, env, der, len))
		j->got = j->have;
	else
		judge(j, env, der, len, 1, &j->got);
}

/* Something newer may be had past the caches. */
static int
is_run_out(const struct ocsp_verdict *v)
{
	return v->status == VERDICT_STALE ||
	    (v->status == VERDICT_REVOKED && v->expired);
}

enum job_state
job_answer(struct job *j, const struct env *env, const struct http_answer *a)
{
	j->last_url = j->urls[j->url];
	j->last_get = j->hunting || j->method == METHOD_GET;
	j->last_status = a->status;
	if (a->result != HTTP_ANSWERED) {
		report_http_failure(j, env, a);
		if (a->result == HTTP_ENOMEM)
			return JOB_DONE;
		/* what is too large, or not trusted, will be so again */
		if (!a->skipped && a->result != HTTP_ETOOBIG &&
		    a->result != HTTP_ETLS && a->result != HTTP_EOTHER)
			j->transient = 1;
		return next_responder(j, env, a);
	}
	if (a->skipped) {
		report_rest(j, env, a);
		return next_responder(j, env, a);
	}
	if (j->hunting)
		return take_issuer(j, env, a);
	judge_answer(j, env, a->body, a->body_len);
	if (is_starved(j))
		return JOB_DONE;
	story_verdict(j, env);
	if (is_run_out(&j->got) && !j->no_cache) {
		/* what comes next may be nothing */
		if (j->got.status == VERDICT_REVOKED)
			report_refusal(j, env, revoked_code(j, &j->got), a);
		return ask_past_caches(j, env, a);
	}
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
	report_not_expected(j, env, a, "not an OCSP response");
	if (may_pass(a->status))
		j->transient = 1;
	return other_method(j, env, a);
}

/* ---- save ---- */

/* What the lock protects: is ours better than what is there? */
struct rivalry {
	struct job *j;
	const struct env *env;
};

static int
is_better(void *ctx, const unsigned char *old, size_t len)
{
	const struct rivalry *r = ctx;
	struct job *j = r->j;
	const struct ocsp_verdict *have = &j->have, *got = &j->got;

	if (!is_judged_good(j, r->env, old, len) &&
	    judge_stored(j, r->env, old, len) == -1)
		return 0;
	if (!holds_verified(j) || r->env->o->force)
		return 1;
	/* of two that are equally new, the one that says revoked is right */
	if (have->status != got->status)
		return got->status == VERDICT_REVOKED
		    ? got->this_update >= have->this_update
		    : got->this_update > have->this_update;
	if (!ocsp_newer(got, have))
		return 0;
	/* not even a newer one, if it is about to end and the old one is not */
	return got->status == VERDICT_REVOKED ||
	    verdict_lasts(r->env, got, 1) || !verdict_lasts(r->env, have, 1);
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
save_dry(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	struct rivalry r = {j, env};
	char why[WHY_MAX];

	if (j->have_der != NULL && j->have_len == len &&
	    memcmp(j->have_der, der, len) == 0)
		job_saved(j, ACTION_UNCHANGED);
	else if (!is_better(&r, j->have_der, j->have_len))
		job_saved(j, ACTION_KEPT);
	else if (j->staple != NULL &&
	    staple_writable(j->staple, why) == STAPLE_FAILED)
		job_fail(j, CODE_LOCAL, "%s", why);
	else
		j->would_write = 1;
	return JOB_DONE;
}

enum job_state
job_save(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	const struct staple_bytes bytes = {.p = der,
	    .len = len,
	    .max = RESPONSE_MAX + 1,
	    .mode = (mode_t)env->o->mode,
	    .mark = env->o->on_change != NULL ? &j->mark : NULL};
	struct rivalry r = {j, env};
	enum staple_result res;
	char why[WHY_MAX];

	if (env->o->dry_run)
		return save_dry(j, env, der, len);
	res = staple_replace(j->staple, &bytes, is_better, &r, why);
	if (res == STAPLE_NOT_DURABLE)
		job_fail(j, CODE_LOCAL,
		    "%s; the new response is in place, but a crash of the "
		    "machine may undo it",
		    why);
	switch (res) {
	case STAPLE_WRITTEN:
	case STAPLE_NOT_DURABLE:
		job_saved(j, ACTION_WRITTEN);
		j->owed = env->o->on_change != NULL;
		report_warnings(j, env, len);
		break;
	case STAPLE_UNCHANGED:
		job_saved(j, ACTION_UNCHANGED);
		break;
	case STAPLE_KEPT:
		job_saved(j, ACTION_KEPT);
		break;
	case STAPLE_BUSY:
		memcpy(j->busy, why, sizeof(j->busy));
		return JOB_WAIT;
	default:
		job_fail(j, CODE_LOCAL, "%s", why);
		break;
	}
	return JOB_DONE;
}

/* ---- served ---- */

int
job_is_presented(const struct job *j, const struct env *env)
{
	return j->path == env->o->served;
}

/* A certificate's own name where the host has none that it is valid for. */
static char *
choose_sni(const struct job *j, const struct env *env,
    const struct served_where *where)
{
	size_t n = strlen(where->host);
	char *host, *name = NULL;

	/* the dot at the end is not sent, RFC 6066 section 3 */
	if (n > 1 && where->host[n - 1] == '.')
		n--;
	if ((host = strndup(where->host, n)) == NULL)
		return NULL;
	if (!job_is_presented(j, env))
		name = cert_server_name(&j->cert, host);
	if (name != NULL || where->is_address) {
		free(host);
		return name;
	}
	return host;
}

static enum served_result
ask_server(const struct env *env, struct served_question *q,
    struct served_answer *a, char *why)
{
	enum served_result res;

	q->timeout_ms = (long)(env->o->timeout * 1000);
	if (env->left_ms >= 0 && env->left_ms < q->timeout_ms)
		q->timeout_ms = (long)env->left_ms;
	res = served_ask(q, a, why);
	/* it may have another kind of certificate only: see which */
	if (res == SERVED_ETLS && q->key != CERT_KEY_OTHER &&
	    a->ms < q->timeout_ms) {
		served_free(a);
		q->timeout_ms -= (long)a->ms;
		q->key = CERT_KEY_OTHER;
		res = served_ask(q, a, why);
	}
	return res;
}

/* Asks what the server staples, for a certificate such as ours if we have one.
 */
static int
probe(struct job *j, const struct env *env, struct served_answer *a)
{
	struct served_question q = {
	    .starttls = (enum served_starttls)env->o->starttls,
	    .key = j->cert.key,
	    .family = env->o->ipv4 ? 4
		: env->o->ipv6     ? 6
				   : 0,
	    .connect_ms = (long)(env->o->connect_timeout * 1000),
	    .clock_ms = env->clock_ms,
	};
	enum served_result res;
	char why[WHY_MAX], *sni;

	if (served_parse(env->o->served, q.starttls, &q.where, why) == -1) {
		job_fail(j, CODE_INPUT, "%s", why);
		return -1;
	}
	q.sni = sni = choose_sni(j, env, &q.where);
	res = ask_server(env, &q, a, why);
	if (!is_starved(j)) {
		story_server(j, env, &q, a, res == SERVED_OK ? NULL : why);
		if (res != SERVED_OK)
			report_no_server(j, env, res, a, why);
	}
	free(sni);
	return j->trouble != CODE_OK ? -1 : 0;
}

/* What the server presents: the certificate in question, or the right one? */
static int
take_presented(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	struct cert other;
	enum cert_result res;
	char why[WHY_MAX];

	if (!job_is_presented(j, env) && cert_is(&j->cert, &a->chain[0]))
		return 0;
	res = cert_take(env->shelf, a->chain, a->nchain,
	    job_is_presented(j, env) ? &j->cert : &other, why);
	if (job_is_presented(j, env)) {
		if (res == CERT_OK && !is_starved(j)) {
			story_cert(j, env);
			return 0;
		}
		fail_cert(j, res, why);
		return -1;
	}
	if (!is_starved(j))
		report_other_cert(j, env, res == CERT_OK ? &other : NULL);
	cert_free(&other);
	return -1;
}

/* What is stapled, beside what is stored. */
static enum stapled
compare(const struct job *j, const struct served_answer *a)
{
	if (j->have_der != NULL && j->have_len == a->staple_len &&
	    memcmp(j->have_der, a->staple, a->staple_len) == 0)
		return STAPLED_SAME;
	if (!holds_verified(j))
		return STAPLED_ALONE;
	if (j->got.status != VERDICT_GOOD && j->got.status != VERDICT_REVOKED)
		return STAPLED_OTHER;
	if (ocsp_newer(&j->have, &j->got))
		return STAPLED_OLDER;
	return ocsp_newer(&j->got, &j->have) ? STAPLED_NEWER : STAPLED_OTHER;
}

/* Finds what the judge needs, and what is stored. */
static int
prepare_judgement(struct job *j, const struct env *env)
{
	enum cert_result res;
	char why[WHY_MAX];

	if (name_output(j, env->o) == -1) {
		job_fail(j, CODE_LOCAL, "out of memory");
		return -1;
	}
	res = find_issuer(j, env, why);
	story_issuer(j, env);
	if (res != CERT_OK)
		fail_cert(j, res, why);
	if (res != CERT_OK || is_starved(j) || make_target(j, env, why) == -1)
		return -1;
	return j->output == NULL ? 0 : load_stored(j, env, why);
}

static void
judge_served(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	if (a->staple_len == 0) {
		j->stapled = STAPLED_NOTHING;
		if (!is_worth_asking(j, env) || job_is_presented(j, env))
			return;
		/* what is stored tells what to do */
		(void)prepare_judgement(j, env);
		return;
	}
	if (!may_be_judged(j, env) || prepare_judgement(j, env) == -1)
		return;
	judge(j, env, a->staple, a->staple_len, 0, &j->got);
	if (is_starved(j))
		return;
	j->stapled = compare(j, a);
	story_staple(j, env, a);
}

enum job_state
job_served(struct job *j, const struct env *env)
{
	struct served_answer a = {0};
	char why[WHY_MAX];

	j->loaded_ms = env->ms;
	(void)ocsp_starved(); /* what went before is settled */
	if (!job_is_presented(j, env)) {
		if (load_cert(j, env, why) == -1)
			return JOB_DONE;
		story_cert(j, env);
	}
	if (probe(j, env, &a) == 0 && take_presented(j, env, &a) == 0)
		judge_served(j, env, &a);
	served_free(&a);
	return JOB_DONE;
}

/* ---- settle ---- */

int
job_owes(struct job *j, const struct env *env)
{
	char why[WHY_MAX];
	enum staple_result res;

	if (env->o->on_change == NULL || env->o->dry_run || j->staple == NULL ||
	    j->owed)
		return j->owed;
	res = staple_owed(j->staple, &j->mark, why);
	if (res == STAPLE_FAILED)
		job_fail(j, CODE_LOCAL, "%s", why);
	j->owed = res == STAPLE_OK;
	if (j->owed)
		story_line(j, env, "owed", "an earlier run could not tell");
	return j->owed;
}

int
job_is_news(const struct job *j, const struct env *env)
{
	return env->o->haproxy.n > 0 && !env->o->dry_run &&
	    j->action != ACTION_NO_RESPONDER && j->have_der != NULL &&
	    j->holding == HOLDING_JUDGED && j->have.status == VERDICT_GOOD &&
	    j->trouble != CODE_REVOKED;
}

/* --check has no answer to judge: the stored response is what is judged. */
static void
settle_check(struct job *j, const struct env *env)
{
	if (!env->o->check || j->holding != HOLDING_JUDGED)
		return;
	if (j->have.status == VERDICT_REFUSED ||
	    (j->have.status == VERDICT_UNKNOWN &&
		env->now - j->cert.not_before >= YOUNG))
		job_fail(
		    j, CODE_REJECTED, "%.300s: %.600s", j->output, j->have.why);
}

/*
 * While the network was awaited the file may have changed or gone: the exit
 * code is about what is there at the end.
 */
static void
look_again(struct job *j, const struct env *env)
{
	char why[WHY_MAX];

	if (!j->asked || j->staple == NULL || j->would_write)
		return;
	/* what HAProxy is to have is what it will read itself */
	if (j->action != ACTION_NONE && j->action != ACTION_KEPT &&
	    env->o->haproxy.n == 0)
		return;
	if (read_stored(j, env, why) == 0)
		judge_stored(j, env, j->have_der, j->have_len);
}

/* Nothing went wrong that time will not mend: is there enough on disk? */
static void
settle_holding(struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = j->would_write ? &j->got : &j->have;
	char left[WORDS_TIME_MAX], want[WORDS_TIME_MAX];

	if (job_lasts(j, env)) {
		j->code = CODE_OK;
		return;
	}
	if ((j->holding == HOLDING_JUDGED || j->would_write) &&
	    v->status == VERDICT_GOOD)
		job_fail(j, CODE_TEMPORARY,
		    "the response is usable for %s only%s, less than the %s "
		    "that are demanded",
		    words_span(left, (long long)(v->usable_until - env->now)),
		    v->bounded_by == BOUND_ASSUMED
			? " (it has no nextUpdate: see --assume-lifetime)"
			: "",
		    words_span(want, job_demand(j, env)));
	else
		job_fail(j, CODE_TEMPORARY, "no usable response");
	j->code = j->trouble;
}

/* What the server staples is what is judged. */
static enum code
settle_served(struct job *j, const struct env *env)
{
	int young = env->now - j->cert.not_before < YOUNG;

	if (j->action == ACTION_NO_RESPONDER ||
	    j->action == ACTION_PASSED_OVER || j->trouble > CODE_TEMPORARY ||
	    j->stapled == STAPLED_UNHEARD || job_lasts(j, env))
		return j->code = j->trouble;
	if (j->stapled == STAPLED_NOTHING)
		report_staple_trouble(j, env, CODE_TEMPORARY);
	else
		switch (j->got.status) {
		case VERDICT_REVOKED:
			report_staple_trouble(j, env, revoked_code(j, &j->got));
			break;
		case VERDICT_UNKNOWN:
			report_staple_trouble(
			    j, env, young ? CODE_TEMPORARY : CODE_REJECTED);
			break;
		case VERDICT_REFUSED:
		case VERDICT_FOREIGN:
			report_staple_trouble(j, env, CODE_REJECTED);
			break;
		default:
			report_staple_trouble(j, env, CODE_TEMPORARY);
			break;
		}
	return j->code = j->trouble;
}

enum code
job_settle(struct job *j, const struct env *env)
{
	if (env->o->served != NULL)
		return settle_served(j, env);
	settle_check(j, env);
	/* what lies about for a certificate that needs none is of no weight */
	if (env->o->check && needs_none(j, env) && j->cert.serial != NULL &&
	    j->trouble != CODE_LOCAL &&
	    !(j->holding == HOLDING_JUDGED &&
		j->have.status == VERDICT_REVOKED)) {
		j->trouble = CODE_OK;
		j->action = ACTION_NO_RESPONDER;
	}
	look_again(j, env);
	if (!j->would_write && j->holding == HOLDING_JUDGED &&
	    j->have.status == VERDICT_REVOKED)
		job_fail(j, revoked_code(j, &j->have),
		    "the stored response says: %s", j->have.why);
	j->code = j->trouble;
	if (j->trouble <= CODE_TEMPORARY && j->action != ACTION_NO_RESPONDER &&
	    j->action != ACTION_PASSED_OVER)
		settle_holding(j, env);
	return j->code;
}
