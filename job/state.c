/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "job/state.h"

char *
job_output_name(const struct list_entry *named, const struct options *o)
{
	size_t stem;
	char *s;

	if (named->path == o->served ||
	    (o->output != NULL && strcmp(o->output, "-") == 0))
		return NULL;
	if (o->output != NULL)
		return strdup(o->output);
	if (named->output != NULL)
		return strdup(named->output);
	stem = options_output_stem(named->path, o->del_ext);
	if ((s = malloc(stem + sizeof(".ocsp"))) != NULL) {
		memcpy(s, named->path, stem);
		memcpy(s + stem, ".ocsp", sizeof(".ocsp"));
	}
	return s;
}

int
job_is_presented(const struct job *j, const struct env *env)
{
	return j->path == env->o->served;
}

int
job_needs_none(const struct job *j)
{
	return j->result.action == ACTION_NO_RESPONDER ||
	    j->result.action == ACTION_PASSED_OVER;
}

const struct ocsp_verdict *
job_stored(const struct job *j)
{
	return j->stored.holding == HOLDING_JUDGED &&
		policy_is_verified(&j->stored.verdict)
	    ? &j->stored.verdict
	    : NULL;
}

const struct ocsp_verdict *
job_authentic(const struct job *j)
{
	return j->stored.holding == HOLDING_JUDGED &&
		(policy_is_verified(&j->stored.verdict) ||
		    j->stored.verdict.authentic)
	    ? &j->stored.verdict
	    : NULL;
}

int
job_holds(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *stored = job_stored(j);

	return stored != NULL && policy_lasts(env->o, stored, 0, env->now);
}

/* The verdict that the exit code is about, unless there is none. */
static const struct ocsp_verdict *
decisive(const struct job *j, const struct env *env)
{
	/* a dry run ends as the real one would have */
	return j->saving.would_write || env->o->served != NULL
	    ? &j->received.verdict
	    : &j->stored.verdict;
}

/* Was the responder reached, so that what there is is the best there is? */
static int
responded(const struct job *j)
{
	return j->saving.would_write || j->received.answered;
}

int
job_lasts(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = decisive(j, env);

	if (env->o->served != NULL && j->received.stapled <= STAPLED_NOTHING)
		return 0;
	if (v == &j->stored.verdict && j->stored.holding != HOLDING_JUDGED)
		return 0;
	return policy_lasts(env->o, v, responded(j), env->now);
}

long long
job_min_valid(const struct job *j, const struct env *env)
{
	return policy_min_valid(env->o, decisive(j, env), responded(j));
}

int64_t
job_good_until(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = decisive(j, env);

	if (job_needs_none(j) ||
	    (j->stored.holding != HOLDING_JUDGED && v == &j->stored.verdict))
		return 0;
	return v->usable_until - (int64_t)job_min_valid(j, env);
}

int
job_waits(const struct job *j, const struct env *env)
{
	return policy_waits(env->o, j->outcome.status, job_lasts(j, env));
}

int
job_is_news(const struct job *j, const struct env *env)
{
	return j->stored.der != NULL &&
	    policy_pushes(env->o, job_stored(j), j->outcome.status,
		j->result.action == ACTION_NO_RESPONDER);
}
