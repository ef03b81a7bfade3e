/* SPDX-License-Identifier: ISC */
#include "job/internal.h"
#include "store/fileid.h"

/* By what it says, since its file is another one by now, or gone. */
static int
holds_same_cert(const struct job *j, const struct env *env)
{
	char why[WHY_MAX];
	struct cert now;
	int same;

	same = cert_read(env->shelf, j->path, &now, why) == CERT_OK &&
	    now.leaf_id == j->cert.leaf_id;
	cert_free(&now);
	return same;
}

/*
 * A certificate may be renewed while its responder is waited for: the response
 * is then about one that no server has.
 */
int
job_may_be_saved(struct job *j, const struct env *env)
{
	uint64_t id = fileid_of(j->path);

	if (id == j->cert_id)
		return 1;
	if (!holds_same_cert(j, env))
		return 0;
	j->cert_id = id;
	return 1;
}

int
job_begins_anew(struct job *j)
{
	if (j->named.changes > 0)
		trace_line(&j->trace, "changed",
		    "its files did while this run was under way: from the "
		    "start");
	if (policy_begins_anew(j->named.changes))
		return 1;
	outcome_fail(&j->outcome, CODE_TEMPORARY, CAUSE_CHANGED,
	    "its files changed %d times while this run was under way, so it "
	    "was left; what renews it so often?",
	    j->named.changes);
	return 0;
}
