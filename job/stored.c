/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/internal.h"
#include "store/fileid.h"
#include "store/replace.h"
#include "privsep/sandbox.h"

/* It may never have been looked at, and be a key: see refuse_stored(). */
void
job_drop_stored(struct job *j)
{
	sandbox_forget(j->stored.der, j->stored.len);
	free(j->stored.der);
	j->stored.der = NULL;
	j->stored.len = 0;
}

int
job_read_stored(struct job *j, const struct env *env, char *why)
{
	enum store_result res = STORE_OK;

	job_drop_stored(j);
	j->stored.holding = HOLDING_NOTHING;
	if (j->output == NULL)
		return 0;
	j->stored.id = fileid_of(j->output);
	if (j->staple == NULL)
		res = store_open_in(env->dirs, j->output, &j->staple, why);
	if (res == STORE_OK)
		/* one byte more than allowed shows that there are too many */
		res = (env->o->check || env->o->served != NULL
			? store_read_linked
			: store_read)(j->staple, RESPONSE_MAX + 1,
		    &j->stored.der, &j->stored.len, why);
	if (res == STORE_FAILED)
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
	else if (res == STORE_REFUSED)
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_OUTPUT, "%s", why);
	/* what is there is not known before it is judged */
	if (res == STORE_FAILED || res == STORE_REFUSED ||
	    j->stored.der != NULL)
		j->stored.holding = HOLDING_NOT_LOOKED;
	return res == STORE_FAILED || res == STORE_REFUSED ? -1 : 0;
}

void
job_judge(struct job *j, const struct env *env, const unsigned char *der,
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
	outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_VERIFIER, "%s", v->why);
	ocsp_starve(); /* nor can anything else be believed */
}

/*
 * What is no response, but a certificate or a key, or anything that no run and
 * no accident leaves there, was never ours to replace: somebody has mistaken
 * one file for another.  It is shown to no judge.
 */
static int
refuse_stored(struct job *j, const char *what, const char *advice)
{
	ocsp_undecided(&j->stored.verdict);
	snprintf(j->stored.verdict.why, sizeof(j->stored.verdict.why),
	    "%s, not an OCSP response", what);
	outcome_fail(&j->outcome, CODE_INPUT, CAUSE_OUTPUT,
	    "%s holds %s, not an OCSP response: it is not touched; %s",
	    j->output, what, advice);
	/* nor to one that is yet to be started */
	job_drop_stored(j);
	return -1;
}

int
job_judge_stored(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	j->stored.holding = HOLDING_NOTHING;
	if (der == NULL)
		return 0;
	j->stored.holding = HOLDING_JUDGED;
	j->stored.is_der = der == j->stored.der;
	j->stored.judged_at = env->now;
	if (cert_looks_like_one(der, len))
		return refuse_stored(
		    j, "a certificate or a key", "is it the right file?");
	if (!may_be_replaced(
		der, len, env->o->output == NULL && j->named.output == NULL))
		return refuse_stored(j, "something else",
		    "remove it if nobody needs it, or name another file");
	job_judge(j, env, der, len, 0, &j->stored.verdict);
	if (!job_is_starved(j))
		return 0;
	j->stored.holding = HOLDING_NOT_LOOKED;
	return -1;
}

int
job_is_judged_good(const struct job *j, const struct env *env,
    const unsigned char *der, size_t len)
{
	return j->stored.holding == HOLDING_JUDGED && j->stored.is_der &&
	    j->stored.verdict.status == VERDICT_GOOD &&
	    env->now >= j->stored.judged_at &&
	    env->now < j->stored.verdict.usable_until && der != NULL &&
	    j->stored.len == len && memcmp(j->stored.der, der, len) == 0;
}

int
job_load_stored(struct job *j, const struct env *env, char *why)
{
	int rc;

	if (j->staple == NULL && job_read_stored(j, env, why) == -1)
		return -1;
	rc = job_judge_stored(j, env, j->stored.der, j->stored.len);
	if (j->output != NULL)
		trace_stored(&j->trace, j->output,
		    j->stored.holding == HOLDING_NOTHING ? NULL
							 : &j->stored.verdict,
		    env->now);
	if (env->o->check && j->stored.holding == HOLDING_JUDGED)
		trace_times(&j->trace, &j->stored.verdict, env->now);
	return rc;
}
