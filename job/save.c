/* SPDX-License-Identifier: ISC */
#include "job/internal.h"
#include "store/fileid.h"

/*
 * What the lock protects: is ours better than what is there, and is it still
 * about the certificate that is there?
 */
struct rivalry {
	struct job *j;
	const struct env *env;
	int changed; /* the certificate was */
};

static int
is_better(void *ctx, const unsigned char *old, size_t len)
{
	struct rivalry *r = ctx;
	struct job *j = r->j;

	if ((r->changed = !job_may_be_saved(j, r->env)))
		return 0;
	if (!job_is_judged_good(j, r->env, old, len) &&
	    job_judge_stored(j, r->env, old, len) == -1)
		return 0;
	return policy_replaces(
	    r->env->o, job_authentic(j), &j->received.verdict, r->env->now);
}

void
job_saved(struct job *j, enum action action)
{
	j->result.action = action;
	if (action == ACTION_KEPT)
		return;
	j->stored.holding = HOLDING_JUDGED;
	j->stored.verdict = j->received.verdict;
}

/* What is stored cannot be used, and is later all the same. */
static void
fail_for_older(struct job *j, const struct env *env)
{
	char ours[WORDS_TIME_MAX], theirs[WORDS_TIME_MAX];

	if (job_stored(j) != NULL || job_authentic(j) == NULL)
		return;
	outcome_fail(&j->outcome, CODE_TEMPORARY, CAUSE_EXPIRED,
	    "the response that came is not newer (thisUpdate %s) than the one "
	    "that is stored (%s), which %s; -f replaces it all the same",
	    words_time(ours, j->received.verdict.this_update),
	    words_time(theirs, j->stored.verdict.this_update),
	    j->stored.verdict.status == VERDICT_STALE ? "has run out"
		: j->stored.verdict.this_update > env->now
		? "seems to come from the future"
		: "is refused");
}

/* Writes it, or with --dry-run sees what would come of that. */
static enum store_result
store_response(struct job *j, struct rivalry *r, const unsigned char *der,
    size_t len, char *why)
{
	const struct env *env = r->env;
	const struct store_bytes bytes = {.p = der,
	    .len = len,
	    .max = RESPONSE_MAX + 1,
	    .mode = (mode_t)env->o->mode,
	    .mark = env->o->on_change != NULL ? &j->saving.mark : NULL,
	    .now = env->now,
	    .no_chown = env->no_chown};

	if (j->staple == NULL) { /* to standard output, but for --dry-run */
		r->changed = !job_may_be_saved(j, env);
		return STORE_WRITTEN;
	}
	j->stored.id = fileid_of(j->output);
	return (env->o->dry_run ? store_try : store_replace)(
	    j->staple, &bytes, is_better, r, why);
}

/* `rights`: what it could not be given of its mode and owner; or empty. */
static void
note_written(
    struct job *j, const struct env *env, size_t len, const char *rights)
{
	job_saved(j, ACTION_WRITTEN);
	j->stored.id = store_written_id(j->staple);
	j->saving.owed = env->o->on_change != NULL;
	j->saving.written_len = len;
	text_set(&j->saving.rights, "%s", rights);
}

enum job_state
job_save(
    struct job *j, const struct env *env, const unsigned char *der, size_t len)
{
	struct rivalry r = {j, env, 0};
	enum store_result res;
	enum job_state state;
	char why[WHY_MAX];

	if ((state = job_put_issuer_first(j, env)) != JOB_SAVE)
		return state;
	res = store_response(j, &r, der, len, why);
	if (r.changed)
		return JOB_ANEW;
	if (env->o->dry_run && res == STORE_WRITTEN) {
		j->saving.would_write = 1;
		return JOB_DONE;
	}
	switch (res) {
	case STORE_WRITTEN:
		note_written(j, env, len, why);
		break;
	case STORE_NOT_DURABLE:
		note_written(j, env, len, "");
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE,
		    "%s; the new response is in place, but a crash of the "
		    "machine may undo it",
		    why);
		break;
	case STORE_UNCHANGED:
		job_saved(j, ACTION_UNCHANGED);
		break;
	case STORE_KEPT:
		job_saved(j, ACTION_KEPT);
		fail_for_older(j, env);
		break;
	case STORE_BUSY:
		text_set(&j->saving.busy, "%s", why);
		return JOB_WAIT;
	case STORE_REFUSED:
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_OUTPUT, "%s", why);
		break;
	default:
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
		break;
	}
	return JOB_DONE;
}
