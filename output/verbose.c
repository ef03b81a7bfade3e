/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "output/verbose.h"

/* What came of --served. */
static const char *
server_decision(const struct job *j, const struct env *env)
{
	if (j->result.action == ACTION_NO_RESPONDER)
		return "nothing to do";
	if (j->received.stapled == STAPLED_UNHEARD)
		return "nothing was judged";
	if (j->result.code != CODE_OK)
		return "clients get no response that is good for long enough";
	if (job_is_presented(j, env))
		return "served: good, and lasts";
	switch (j->received.stapled) {
	case STAPLED_OLDER:
		return "served: good; after a reload it would be newer";
	case STAPLED_NEWER:
		return "served: good, and newer than what is stored; does the "
		       "server fetch its own?";
	case STAPLED_ALONE:
		return "served: good, but from elsewhere";
	default:
		return "served: good, and lasts";
	}
}

static const char *
decision(const struct job *j, const struct env *env)
{
	if (j->saving.would_write)
		return "it would be written, but for --dry-run";
	if (j->result.action == ACTION_PASSED_OVER)
		return "passed over: no server's certificate is in it";
	if (env->o->served != NULL)
		return server_decision(j, env);
	switch (j->result.action) {
	case ACTION_WRITTEN:
		return j->stored.verdict.status == VERDICT_REVOKED
		    ? "written, as --write-revoked asks"
		    : "written: good, and better than what was there";
	case ACTION_UNCHANGED:
		return "left alone: it holds this very response already";
	case ACTION_KEPT:
		return "kept: what is stored is as new, or lasts longer";
	case ACTION_NOT_DUE:
		return "not due: good, and in the first half of its life";
	case ACTION_NO_RESPONDER:
		return "nothing to do";
	case ACTION_PASSED_OVER:
	case ACTION_NONE:
		break;
	}
	if (env->o->check)
		return "judged only, as --check asks";
	if (j->outcome.status == CODE_REVOKED && !env->o->write_revoked)
		return "nothing was written (see --write-revoked)";
	return j->request.asked ? "nothing was written" : "nobody was asked";
}

static void
end_lines(struct job *j, const struct env *env)
{
	char buf[128];

	trace_line(&j->trace, "decided", "%s", decision(j, env));
	if (j->stored.holding == HOLDING_JUDGED &&
	    j->stored.verdict.status == VERDICT_GOOD)
		trace_line(&j->trace, "now", "%s: %s",
		    j->output != NULL ? j->output : "standard output",
		    trace_good_for(
			buf, j->stored.verdict.usable_until, env->now));
	if (j->result.code != CODE_OK || j->outcome.status != CODE_TEMPORARY)
		return;
	trace_line(&j->trace, "no alarm", "%s", outcome_why(&j->outcome));
	trace_line(&j->trace, "",
	    "what is stored lasts for more than the %s that are demanded",
	    words_span(buf, job_min_valid(j, env)));
}

void
verbose_add(
    struct job *j, const struct env *env, const char *to_do, struct text *out)
{
	static const char *const codes[] = {
	    [CODE_OK] = "all is well",
	    [CODE_TEMPORARY] = "temporary",
	    [CODE_INPUT] = "usage or input",
	    [CODE_LOCAL] = "this machine",
	    [CODE_REJECTED] = "rejected",
	    [CODE_REVOKED] = "revoked",
	};

	if (env->o->verbose == 0)
		return;
	text_add(out, "ocspfetch: ");
	text_add_escaped(out, j->path, strlen(j->path));
	text_add(out, "\n");
	end_lines(j, env);
	trace_line(&j->trace, "to do", "%s", to_do);
	trace_line(&j->trace, "exit", "%d, %s", (int)j->result.code,
	    codes[j->result.code]);
	if (j->trace.text.s != NULL)
		text_add(out, "%s", j->trace.text.s);
	out->failed |= j->trace.text.failed;
}
