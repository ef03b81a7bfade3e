/* SPDX-License-Identifier: ISC */
#include "job/internal.h"

/* ---- received ---- */

/* Whom it came from, or did not come from, and how. */
static void
receive(struct job *j, const struct http_answer *a, struct policy_exchange *x)
{
	j->request.fresh = 0;
	j->received.connection = HTTP_DROP;
	x->given_up = j->request.pace == HOST_GIVEN_UP;
	if (j->request.pace == HOST_PACES || a->skipped == HTTP_SKIPPED_NOW)
		j->request.attempt.paced = 1;
	/* no HTTP response came by one method: the other's is what counts */
	if (j->request.attempt.switched == SWITCHED_FAILED)
		outcome_retract(&j->outcome);
	j->received.url = j->request.urls[j->request.url];
	j->received.by_get =
	    j->request.hunting || j->request.attempt.method == METHOD_GET;
	j->received.http_status = a->status;
}

/* ---- verified ---- */

/* -1: it could not be, and the reason is in `outcome`. */
static int
verify(struct job *j, const struct env *env, const struct http_answer *a,
    struct policy_exchange *x)
{
	struct ocsp_verdict *v = &j->received.verdict;

	if (!env->o->nonce && job_is_judged_good(j, env, a->body, a->body_len))
		*v = j->stored.verdict;
	else
		job_judge(j, env, a->body, a->body_len, 1, v);
	if (job_is_starved(j))
		return -1;
	trace_verdict(&j->trace, v, env->o->nonce, env->now);
	x->verdict = v->status;
	x->error = v->error;
	x->expired = v->expired;
	x->excused = v->excused;
	if (policy_keeps_connection(x))
		j->received.connection = HTTP_KEEP;
	return 0;
}

/* ---- decided ---- */

/* A verified good or revoked response came. */
static void
take_verified(struct job *j, const struct env *env, const struct http_answer *a,
    struct policy_exchange *x)
{
	const struct diagnose d = job_diagnose(j, env);
	struct reason r;
	enum code code;

	j->received.answered = 1;
	if (j->received.revoked.status == VERDICT_REVOKED &&
	    !policy_counts(&j->received.verdict, &j->received.revoked)) {
		trace_line(&j->trace, "older", "than the revoked that came");
		x->outweighed = 1;
		j->received.verdict = j->received.revoked;
		return;
	}
	outcome_clear(&j->outcome);
	job_keep_issuer(j, env);
	x->outdated = policy_is_outdated(
	    env->o, &j->request.attempt, job_stored(j), &j->received.verdict);
	if (x->outdated)
		trace_line(&j->trace, "older", "than what is stored");
	if (j->received.verdict.status != VERDICT_REVOKED)
		return;
	code = policy_revoked_code(&j->received.verdict, job_stored(j));
	if (code == CODE_OK)
		return;
	j->received.revoked = j->received.verdict;
	r = diagnose_verdict(&d, &j->received.verdict, code, a);
	job_fail_for(j, &r);
}

/* What its verdict means for the certificate. */
static void
take_verdict(struct job *j, const struct env *env, const struct http_answer *a,
    struct policy_exchange *x)
{
	const struct diagnose d = job_diagnose(j, env);
	enum code code = policy_verdict_code(
	    FROM_RESPONDER, &j->received.verdict, job_cert_age(j, env));
	struct reason r;

	switch (j->received.verdict.status) {
	case VERDICT_GOOD:
	case VERDICT_REVOKED:
		take_verified(j, env, a, x);
		return;
	case VERDICT_UNKNOWN:
		job_keep_issuer(j, env);
		outcome_got_ocsp(&j->outcome);
		r = diagnose_verdict(&d, &j->received.verdict, code, a);
		break;
	case VERDICT_STALE:
		/* what a cache kept is no failure until it was passed */
		if (!j->request.attempt.no_cache)
			return;
		r = diagnose_verdict(&d, &j->received.verdict, code, a);
		break;
	case VERDICT_REFUSED:
	case VERDICT_FOREIGN:
		r = diagnose_verdict(&d, &j->received.verdict, code, a);
		break;
	case VERDICT_ERROR:
		outcome_got_ocsp(&j->outcome);
		r = diagnose_ocsp_error(&d, &j->received.verdict);
		break;
	default:
		r = diagnose_body(&d, a, "not an OCSP response");
		break;
	}
	job_fail_for(j, &r);
}

/* It brought no response, or was not made. */
static void
take_failure(struct job *j, const struct env *env, const struct http_answer *a)
{
	const struct diagnose d = job_diagnose(j, env);
	struct reason r = a->result != HTTP_ANSWERED ? diagnose_http(&d, a)
						     : diagnose_backoff(&d, a);

	job_fail_for(j, &r);
}

/* Others of the run, and who reads -v, may be spared the method in vain. */
static void
note_method(struct job *j, const struct policy_exchange *x)
{
	const int by_post = j->request.attempt.method == METHOD_POST;

	if (j->request.hunting || !policy_shows_method(&j->request.attempt, x))
		return;
	j->request.shown = j->request.attempt.method;
	trace_line(&j->trace, "", "by %s only: -X %s saves the request in vain",
	    by_post ? "POST" : "GET", by_post ? "post" : "get");
}

/* With the issuer's certificate all goes on as if it had been at hand. */
static enum job_state
answer_issuer(struct job *j, const struct env *env, const struct http_answer *a,
    struct policy_exchange *x)
{
	enum policy_next next = job_take_issuer(j, env, a, x);

	return j->request.hunting ? job_take_step(j, env, next, x)
				  : job_load_rest(j, env);
}

enum job_state
job_answer(struct job *j, const struct env *env, const struct http_answer *a)
{
	const int came = a->result == HTTP_ANSWERED && a->skipped == HTTP_SENT;
	struct policy_exchange x = policy_exchange(a);

	receive(j, a, &x);
	if (came && j->request.hunting)
		return answer_issuer(j, env, a, &x);
	if (came && verify(j, env, a, &x) == -1)
		return JOB_DONE;
	if (policy_may_be_stray(&x))
		return job_take_step(j, env, NEXT_FRESH, &x);
	if (came)
		take_verdict(j, env, a, &x);
	else
		take_failure(j, env, a);
	if (policy_is_transient(&x))
		j->request.attempt.transient = 1;
	note_method(j, &x);
	return job_take_step(
	    j, env, policy_next(env->o, &j->request.attempt, &x), &x);
}
