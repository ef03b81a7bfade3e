/* SPDX-License-Identifier: ISC */
#include "job/internal.h"
#include "job/warnings.h"

int
job_owes(struct job *j, const struct env *env)
{
	char why[WHY_MAX];
	enum store_result res;

	if (env->o->on_change == NULL || env->o->dry_run || j->staple == NULL ||
	    j->saving.owed)
		return j->saving.owed;
	res = store_owed(j->staple, env->now, &j->saving.mark, why);
	if (res == STORE_FAILED)
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
	j->saving.owed = res == STORE_OK;
	if (j->saving.owed)
		trace_line(&j->trace, "owed", "an earlier run could not tell");
	return j->saving.owed;
}

/* --check has no answer to judge: the stored response is what is judged. */
static void
settle_check(struct job *j, const struct env *env)
{
	enum code code;

	if (!env->o->check || j->stored.holding != HOLDING_JUDGED)
		return;
	code = policy_verdict_code(
	    FROM_FILE, &j->stored.verdict, job_cert_age(j, env));
	if (code == CODE_REJECTED &&
	    j->stored.verdict.status != VERDICT_REVOKED)
		outcome_fail(&j->outcome, code,
		    j->stored.verdict.status == VERDICT_UNKNOWN ? CAUSE_UNKNOWN
								: CAUSE_REFUSED,
		    "%s: %s", j->output, j->stored.verdict.why);
}

/*
 * While the network was awaited the file may have changed or gone: the exit
 * code is about what is there at the end.
 */
static void
look_again(struct job *j, const struct env *env)
{
	char why[WHY_MAX];

	if (!j->request.asked || j->staple == NULL || j->saving.would_write)
		return;
	/* what HAProxy is to have is what it will read itself */
	if (j->result.action != ACTION_NONE &&
	    j->result.action != ACTION_KEPT && env->o->haproxy.n == 0)
		return;
	if (job_read_stored(j, env, why) == 0)
		job_judge_stored(j, env, j->stored.der, j->stored.len);
}

/* Nothing went wrong that time will not mend, but what is there is too little.
 */
static void
fail_for_too_little(struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v =
	    j->saving.would_write ? &j->received.verdict : &j->stored.verdict;
	char left[WORDS_TIME_MAX], want[WORDS_TIME_MAX];

	if ((j->stored.holding == HOLDING_JUDGED || j->saving.would_write) &&
	    v->status == VERDICT_GOOD)
		outcome_fail(&j->outcome, CODE_TEMPORARY, CAUSE_TOO_SHORT,
		    "the response is usable for %s only%s, less than the %s "
		    "that are demanded",
		    words_span(left, (long long)(v->usable_until - env->now)),
		    diagnose_bound(v), words_span(want, job_min_valid(j, env)));
	else
		outcome_fail(&j->outcome, CODE_TEMPORARY, CAUSE_NO_RESPONSE,
		    "no usable response");
}

/* What the server staples is what is judged. */
static void
settle_served(struct job *j, const struct env *env)
{
	const struct diagnose d = job_diagnose(j, env);
	const struct ocsp_verdict *v = j->received.stapled == STAPLED_NOTHING
	    ? NULL
	    : &j->received.verdict;
	enum code code = CODE_TEMPORARY;
	struct reason r;

	if (job_needs_none(j) || j->outcome.status > CODE_TEMPORARY ||
	    j->received.stapled == STAPLED_UNHEARD || job_lasts(j, env))
		return;
	if (v != NULL)
		code = policy_gravest(code,
		    policy_verdict_code(FROM_SERVER, v, job_cert_age(j, env)));
	r = diagnose_staple(&d, v, code, job_min_valid(j, env));
	outcome_fail_for(&j->outcome, &r);
}

/* What lies about for a certificate that needs none is of no weight. */
static void
settle_needless(struct job *j, const struct env *env)
{
	const struct policy_cert c = job_describe_cert(j, env);

	if (!env->o->check || !j->cert.whole || j->result.clashes ||
	    !policy_ignores_stored(j->outcome.status,
		policy_need(&c, 0, env->now) == NEED_NONE,
		j->stored.holding == HOLDING_JUDGED &&
		    j->stored.verdict.status == VERDICT_REVOKED))
		return;
	j->outcome.status = CODE_OK;
	j->outcome.cause = CAUSE_NONE;
	j->result.action = ACTION_NO_RESPONDER;
}

/*
 * --check: what is stored is too little, and where a run could not fetch
 * another, that is what there is to tell.
 */
static void
settle_hopeless(struct job *j, const struct env *env)
{
	if (!env->o->check || j->target == NULL || job_needs_none(j) ||
	    j->outcome.status > CODE_TEMPORARY || job_lasts(j, env))
		return;
	if (job_is_worth_asking(j, env, 0))
		(void)job_find_responders(j, env);
}

static void
settle_stored(struct job *j, const struct env *env)
{
	settle_check(j, env);
	settle_needless(j, env);
	look_again(j, env);
	if (!j->saving.would_write && j->stored.holding == HOLDING_JUDGED &&
	    j->stored.verdict.status == VERDICT_REVOKED)
		outcome_fail(&j->outcome,
		    policy_verdict_code(
			FROM_FILE, &j->stored.verdict, job_cert_age(j, env)),
		    CAUSE_REVOKED, "the stored response says: %s",
		    j->stored.verdict.why);
	settle_hopeless(j, env);
}

/* What a server would stumble over. */
static void
warn_of_stored(struct job *j, const struct env *env)
{
	const struct warnings w = {.options = env->o,
	    .cert = &j->cert,
	    .verdict = job_stored(j),
	    .path = j->path,
	    .output = j->output,
	    .rights = j->saving.rights.s,
	    .len = j->result.action == ACTION_WRITTEN ? j->saving.written_len
						      : j->stored.len,
	    .mode = j->staple != NULL ? store_mode(j->staple) : -1,
	    .written = j->result.action == ACTION_WRITTEN,
	    .pinned = j->named.pinned,
	    .now = env->now};

	if (j->output != NULL && j->stored.holding == HOLDING_JUDGED &&
	    !job_needs_none(j))
		warnings_add(&j->result.warnings, &w);
}

enum code
job_settle(struct job *j, const struct env *env)
{
	struct policy_end end = {.needs_none = job_needs_none(j)};

	if (env->o->served != NULL) {
		settle_served(j, env);
		return j->result.code = j->outcome.status;
	}
	settle_stored(j, env);
	warn_of_stored(j, env);
	end.needs_none = job_needs_none(j);
	end.outcome = j->outcome.status;
	end.lasts = job_lasts(j, env);
	end.wrong_clock = j->result.wrong_clock;
	j->result.code = policy_exit(&end);
	if (j->result.code == CODE_TEMPORARY && !end.needs_none)
		fail_for_too_little(j, env);
	return j->result.code;
}
