/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "job/internal.h"

/* What a caIssuers URL may bring, RFC 5280 section 4.2.2.1. */
#define ISSUER_TYPES                                                           \
	"application/pkix-cert, application/pkcs7-mime, "                      \
	"application/x-x509-ca-cert, */*;q=0.5"

/* ---- which URL ---- */

int
job_vet_urls(struct job *j, const struct cert_url *v, size_t n,
    const char *what, const char *cure)
{
	char why[WHY_MAX], url[DIAGNOSE_URL_MAX];
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = http_check_url(v[i].text, v[i].len, why);
		if (rc == 0) {
			j->request.urls[j->request.nurls++] = v[i].text;
			continue;
		}
		if (rc == -2) {
			job_fail_for_memory(j);
			return -1;
		}
		words_cut(url, sizeof(url), v[i].text);
		trace_line(&j->trace, "not asked", "%s: %s", url, why);
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_URL,
		    "%s, \"%s\", cannot be asked: %s; %s", what, url, why,
		    cure);
	}
	if (j->request.nurls == 0)
		return -1;
	outcome_clear(&j->outcome);
	return 0;
}

int
job_find_responders(struct job *j, const struct env *env)
{
	if (env->o->url == NULL)
		return job_vet_urls(j, j->cert.urls, j->cert.nurls,
		    "the responder that it names",
		    "name the right one with --url");
	j->request.urls[j->request.nurls++] = env->o->url;
	return 0;
}

/* ---- the request ---- */

static void
choose_method(struct job *j, const struct options *o)
{
	free(j->request.get_url);
	j->request.get_url =
	    ocsp_get_url(j->target, j->request.urls[j->request.url]);
	j->request.attempt.has_get_url = j->request.get_url != NULL;
	j->request.attempt.method =
	    policy_method(o, j->request.get_url, j->request.attempt.known);
}

static struct policy_clock
clock_of(const struct env *env)
{
	return (struct policy_clock){
	    .wait_left_ms = env->began_ms + env->o->wait * 1000 - env->ms,
	    .left_ms = env->left_ms};
}

enum job_state
job_question(struct job *j, const struct env *env, struct http_question *q)
{
	const struct policy_clock clock = clock_of(env);
	char span[WORDS_TIME_MAX];

	if (env->left_ms == 0) {
		outcome_fail(&j->outcome, CODE_TEMPORARY, CAUSE_DEADLINE,
		    "the run's deadline (--deadline %s) passed before it could "
		    "be asked%s",
		    words_span(span, env->o->deadline),
		    j->request.attempt.known == METHOD_POST
			? "; its responder answers POST only, so that -X post "
			  "saves time"
			: "");
		return JOB_DONE;
	}
	memset(q, 0, sizeof(*q));
	q->ref = j;
	j->request.asked = 1;
	if (j->request.hunting) {
		q->fresh = j->request.fresh;
		q->timeout_ms =
		    policy_timeout(env->o, &j->request.attempt, &clock);
		q->url = j->request.urls[j->request.url];
		q->accept = ISSUER_TYPES;
		/* credentials may be in them, and it is not proven yet */
		q->bare = 1;
		return JOB_ASK;
	}
	if (j->request.attempt.method == METHOD_AUTO)
		choose_method(j, env->o);
	/* only where --method get demands it */
	while (j->request.attempt.method == METHOD_GET &&
	    j->request.get_url == NULL) {
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_URL,
		    "%s has a query (\"?\"), so it cannot be asked by GET; "
		    "use --method post",
		    j->request.urls[j->request.url]);
		if (++j->request.url == j->request.nurls)
			return JOB_DONE;
		choose_method(j, env->o);
	}
	q->url = j->request.attempt.method == METHOD_GET
	    ? j->request.get_url
	    : j->request.urls[j->request.url];
	if (j->request.attempt.method == METHOD_POST)
		q->body = ocsp_request(j->target, &q->body_len);
	q->no_cache = j->request.attempt.no_cache;
	q->fresh = j->request.fresh;
	q->timeout_ms = policy_timeout(env->o, &j->request.attempt, &clock);
	return JOB_ASK;
}

void
job_trace(struct job *j, const struct env *env, const struct http_question *q,
    const struct http_answer *a)
{
	struct trace_request r = {.options = env->o,
	    .question = q,
	    .responder = j->request.urls[j->request.url],
	    .for_issuer = j->request.hunting};
	char *base64 = NULL, *decoded = NULL;

	if (j->trace.level > 1 && !j->request.hunting) {
		r.base64 = base64 = ocsp_request_base64(j->target);
		if (a->result == HTTP_ANSWERED)
			decoded = judge_text(env->judge, a->body, a->body_len);
	}
	trace_exchange(&j->trace, &r, a, decoded);
	free(base64);
	free(decoded);
}

void
job_trace_skipped(struct job *j, const struct http_answer *a)
{
	trace_line(&j->trace, "not asked", "%s: %s",
	    j->request.urls[j->request.url],
	    a->skipped == HTTP_SKIPPED
		? "others of this run were in vain"
		: "it is given a pause, for others of this run");
}

/* ---- what comes next ---- */

/* After all responders: once more, if what failed may pass. */
static enum job_state
next_round(struct job *j, const struct env *env, long long retry_after)
{
	const struct policy_clock clock = clock_of(env);
	long long ms;

	j->request.attempt.again = 1;
	if (j->request.attempt.paced) {
		trace_line(&j->trace, "pause",
		    "for as long as the responder needs one, then once more");
		j->request.attempt.paced = j->request.attempt.transient = 0;
		j->request.url = 0;
		return JOB_ASK;
	}
	ms = policy_pause(env->o, &j->request.attempt, &clock,
	    job_waits(j, env), retry_after);
	if (ms == -1)
		return JOB_DONE;
	trace_line(
	    &j->trace, "pause", "%lld s, then once more", (ms + 500) / 1000);
	j->request.pause_ms = (long)ms;
	j->request.attempt.round++;
	j->request.attempt.transient = 0;
	j->request.url = 0;
	return JOB_WAIT;
}

static enum job_state
next_responder(struct job *j, const struct env *env, long long retry_after)
{
	j->request.attempt.method = METHOD_AUTO;
	j->request.attempt.switched = SWITCHED_NOT;
	j->request.attempt.no_cache = 0;
	if (++j->request.url < j->request.nurls)
		return JOB_ASK;
	return next_round(j, env, retry_after);
}

enum job_state
job_take_step(struct job *j, const struct env *env, enum policy_next next,
    const struct policy_exchange *x)
{
	switch (next) {
	case NEXT_SAVE:
		return JOB_SAVE;
	case NEXT_METHOD:
		/* a method refused is no failure until the other was tried */
		if (x->status == 405)
			outcome_retract(&j->outcome);
		j->request.attempt.switched = policy_switched(x);
		j->request.attempt.method =
		    policy_other_method(j->request.attempt.method);
		return JOB_ASK;
	case NEXT_NO_CACHE:
		trace_line(&j->trace, "again", "past all caches (no-cache)");
		j->request.attempt.no_cache = 1;
		return JOB_ASK;
	case NEXT_FRESH:
		trace_line(&j->trace, "again", "over a connection of its own");
		j->request.fresh = 1;
		return JOB_ASK;
	case NEXT_RESPONDER:
		return next_responder(j, env, x->retry_after);
	case NEXT_DONE:
		break;
	}
	return JOB_DONE;
}
