/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/issuer_store.h"
#include "job/internal.h"

/* ---- where it is sought ---- */

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

enum cert_result
job_find_issuer(struct job *j, const struct env *env, char *why)
{
	const struct options *o = env->o;
	struct cert_places places = {o->issuers.v, o->issuers.n, {NULL, NULL}};
	size_t whole = strlen(j->path), stem = options_stem(j->path);
	char *beside[2];
	enum cert_result res = CERT_ELOCAL;

	beside[0] = name_issuer(j, o, 0);
	beside[1] = name_issuer(j, o, 1);
	if (beside[0] == NULL || beside[1] == NULL)
		words_set(why, WHY_MAX, "out of memory");
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

/* ---- it is fetched ---- */

enum job_state
job_begin_hunt(struct job *j, const char *why)
{
	const struct cert *c = &j->cert;

	if (c->nissuer_urls == 0) {
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_ISSUER,
		    "%s; nor does it say where to fetch one "
		    "(--fetch-issuer)",
		    why);
		return JOB_DONE;
	}
	if (job_vet_urls(j, c->issuer_urls, c->nissuer_urls,
		"no issuer was found for it, and the place that it names for "
		"--fetch-issuer",
		"name its file with --issuer") == -1)
		return JOB_DONE;
	j->request.hunting = 1;
	return JOB_ASK;
}

/* Proven: from now on all is as if it had been at hand. */
static void
end_hunt(struct job *j)
{
	trace_issuer(&j->trace, &j->cert);
	j->request.issuer_is_new = 1;
	j->request.hunting = 0;
	j->request.url = j->request.nurls = 0;
	j->request.attempt.round = 0;
	j->request.attempt.transient = j->request.attempt.paced =
	    j->request.attempt.again = 0;
	outcome_clear(&j->outcome);
}

static void
refuse_issuer(struct job *j, const char *from, const char *why)
{
	outcome_fail(&j->outcome, CODE_INPUT, CAUSE_ISSUER,
	    "no issuer was found for it, and what %s has is not its issuer "
	    "(%s): %s; name its file with -i",
	    from, j->cert.issuer_name != NULL ? j->cert.issuer_name : "?", why);
}

enum policy_next
job_take_issuer(struct job *j, const struct env *env,
    const struct http_answer *a, struct policy_exchange *x)
{
	const struct diagnose d = job_diagnose(j, env);
	char why[WHY_MAX], from[HTTP_MAX_URL + 1];
	enum cert_result res;
	struct reason r;

	/* the URL is borrowed from what is about to change */
	snprintf(from, sizeof(from), "%s", j->request.urls[j->request.url]);
	(void)ocsp_starved();
	res = judge_issuer(
	    env->judge, &j->cert, a->body, a->body_len, from, env->now, why);
	if (job_is_starved(j))
		return NEXT_DONE;
	x->verdict = res == CERT_OK || res == CERT_ELOCAL ? VERDICT_GOOD
							  : VERDICT_INVALID;
	if (policy_may_be_stray(x))
		return NEXT_FRESH;
	switch (res) {
	case CERT_OK:
		j->received.connection = HTTP_KEEP;
		end_hunt(j);
		return NEXT_DONE;
	case CERT_EISSUER:
		refuse_issuer(j, from, why);
		break;
	case CERT_ELOCAL:
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
		return NEXT_DONE;
	default:
		r = diagnose_body(&d, a, "not a certificate");
		job_fail_for(j, &r);
		if (policy_status_is_transient(a->status) &&
		    j->request.pace != HOST_GIVEN_UP)
			j->request.attempt.transient = 1;
		break;
	}
	return NEXT_RESPONDER;
}

/* ---- what was fetched is kept ---- */

/* HAProxy is told of the response: does it find the issuer, too? */
static int
lacks_issuer(const struct job *j, const struct env *env)
{
	return env->o->haproxy.n > 0 && env->o->output == NULL &&
	    !j->cert.issuer_beside && !j->request.issuer_is_new;
}

__attribute__((format(printf, 3, 4))) static void
fail_issuer(struct job *j, const struct env *env, const char *fmt, ...)
{
	char why[WHY_MAX];
	va_list ap;

	if (lacks_issuer(j, env) &&
	    env->finds_issuer(env->finds_ctx, j->cert.sha1)) {
		j->cert.issuer_beside = 1;
		trace_line(&j->trace, "",
		    "HAProxy finds the issuer by its "
		    "issuers-chain-path");
		return;
	}
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s%s",
	    j->request.issuer_is_new
		? "the issuer was fetched, but "
		: "HAProxy before 3.5 does not start where a "
		  "response is, but not the issuer, and ",
	    why);
}

/* What came of storing it. */
static void
note_issuer(struct job *j, const struct env *env,
    const struct issuer_place *place, enum store_result res, const char *why)
{
	switch (res) {
	case STORE_WRITTEN:
		j->cert.issuer_beside = 1;
		trace_line(&j->trace, "",
		    env->o->dry_run ? "not written to %s, for --dry-run"
				    : "written to %s",
		    place->path);
		break;
	case STORE_UNCHANGED:
		j->cert.issuer_beside = 1;
		trace_line(&j->trace, "", "by now it is in %s", place->path);
		break;
	case STORE_NOT_DURABLE:
		j->cert.issuer_beside = 1;
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE,
		    "%s; the issuer is in place, but a crash of the machine "
		    "may undo it",
		    why);
		break;
	case STORE_KEPT:
		fail_issuer(j, env,
		    "%s holds %s, and is not touched; append the issuer to "
		    "%s",
		    place->path,
		    place->is_cert        ? "the certificate itself"
			: place->is_named ? "another certificate"
					  : "something else than certificates",
		    j->path);
		break;
	case STORE_BUSY:
		text_set(&j->saving.busy, "%s", why);
		trace_line(&j->trace, "", "not written: %s", why);
		break;
	default:
		fail_issuer(j, env, "it could not be written: %s", why);
		break;
	}
}

/* The certificate of a job, for whoever holds the issuer's lock. */
struct loaded {
	struct job *j;
	const struct env *env;
};

static int
is_current(void *ctx)
{
	const struct loaded *l = ctx;

	return job_may_be_saved(l->j, l->env);
}

/* WRITTEN or UNCHANGED: it is there, or is not wanted any more. */
static enum store_result
save_issuer(struct job *j, const struct env *env)
{
	char *path = name_issuer(j, env->o, 0), why[WHY_MAX];
	struct loaded loaded = {j, env};
	const struct issuer_place place = {.path = path,
	    .is_cert = path != NULL && strcmp(path, j->path) == 0,
	    .is_named = j->named.issuer != NULL,
	    .dry_run = env->o->dry_run,
	    .no_chown = env->no_chown,
	    .now = env->now,
	    .is_current = is_current,
	    .ctx = &loaded};
	enum store_result res = STORE_FAILED;

	if (path == NULL)
		job_fail_for_memory(j);
	else
		res = issuer_store(&j->cert, &place, why);
	/* a renewed certificate may have another issuer */
	if (res == STORE_KEPT && !job_may_be_saved(j, env))
		res = STORE_UNCHANGED;
	else if (path != NULL)
		note_issuer(j, env, &place, res, why);
	free(path);
	return res;
}

enum job_state
job_put_issuer_first(struct job *j, const struct env *env)
{
	enum store_result res;

	if (!lacks_issuer(j, env))
		return JOB_SAVE;
	res = save_issuer(j, env);
	if (res == STORE_BUSY)
		return JOB_WAIT;
	return j->cert.issuer_beside || j->stored.der != NULL ||
		res == STORE_UNCHANGED
	    ? JOB_SAVE
	    : JOB_DONE;
}

/*
 * What proved it are its name and its key; of the rest of it anybody on the
 * way may have written what makes each response invalid.  So it is kept only
 * when one was verified with it.
 */
void
job_keep_issuer(struct job *j, const struct env *env)
{
	if (j->request.issuer_is_new)
		(void)save_issuer(j, env);
	j->request.issuer_is_new = 0;
}
