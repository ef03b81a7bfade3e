/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "job/internal.h"
#include "store/fileid.h"

int
job_name_output(struct job *j, const struct options *o)
{
	j->output = job_output_name(&j->named, o);
	return j->output == NULL && j->path != o->served &&
		(o->output == NULL || strcmp(o->output, "-") != 0)
	    ? -1
	    : 0;
}

/* ---- the certificate ---- */

/*
 * Another certificate whose response would be in the same file; NULL: there is
 * none.  What is in a directory need not be a certificate.
 */
static const char *
find_rival(const struct job *j, const struct env *env)
{
	const struct list_rival *const self = j->named.rival, *r;
	enum cert_result res = CERT_OK;
	char why[WHY_MAX];
	struct cert other;

	for (r = self != NULL ? self->next : self; r != self; r = r->next) {
		if (r->perhaps) {
			res = cert_read(env->shelf, r->path, &other, why);
			cert_free(&other);
		}
		if (!r->perhaps || res != CERT_ENONE)
			return r->path;
	}
	return NULL;
}

/* Of two that would be in one file, neither can be put there. */
static int
has_own_output(struct job *j, const struct env *env)
{
	const char *rival = find_rival(j, env);
	char *output;

	if (job_is_starved(j))
		return 0;
	if (rival == NULL)
		return 1;
	if ((output = job_output_name(&j->named, env->o)) == NULL)
		job_fail_for_memory(j);
	else
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_OUTPUT,
		    "it and %s would have one and the same response, "
		    "%s: neither is done; give each a file of its own%s",
		    rival, output,
		    env->o->del_ext ? ", without --del-ext"
				    : ", with \"ocsp\" in a list");
	free(output);
	j->result.clashes = 1;
	return 0;
}

/* Not every file of a directory is a certificate. */
int
job_load_cert(struct job *j, const struct env *env, char *why)
{
	enum cert_result res;

	/* before it is read, so that no change after that is missed */
	j->cert_id = fileid_of(j->path);
	res = cert_read(env->shelf, j->path, &j->cert, why);
	if (job_is_starved(j))
		return -1;
	if (res == CERT_ENONE && j->named.perhaps) {
		j->result.action = ACTION_PASSED_OVER;
		trace_line(&j->trace, "file", "%s", why);
	} else if (res != CERT_OK)
		job_fail_cert(j, res, why);
	return res == CERT_OK && has_own_output(j, env) ? 0 : -1;
}

struct policy_cert
job_describe_cert(const struct job *j, const struct env *env)
{
	return (struct policy_cert){
	    .has_responder = j->cert.nurls > 0 || env->o->url != NULL,
	    .must_staple = j->cert.must_staple,
	    .self_signed = j->cert.self_signed,
	    .not_after = j->cert.not_after};
}

static void
fail_for_expired_cert(struct job *j, const struct env *env)
{
	char when[WORDS_TIME_MAX], here[WORDS_TIME_MAX];
	char *behind = cert_valid_behind(&j->cert, env->now);

	outcome_fail(&j->outcome, CODE_INPUT, CAUSE_EXPIRED_CERT,
	    "the certificate expired on %s, by this machine's clock, which "
	    "says %s; no responder is asked about it; %s%s%s",
	    words_time(when, j->cert.not_after), words_time(here, env->now),
	    behind != NULL ? "a valid one (" : "renew it",
	    behind != NULL ? behind : "",
	    behind != NULL ? ") comes later in its file: put that first" : "");
	free(behind);
}

/*
 * Can any response about it be of use?  What can be said of the certificate
 * alone, before any issuer is sought.  --check judges what is stored, however
 * it came to be there; so is what a server staples, with `has_response`.
 */
int
job_is_worth_asking(struct job *j, const struct env *env, int has_response)
{
	const struct policy_cert c = job_describe_cert(j, env);

	switch (policy_need(&c, has_response, env->now)) {
	case NEED_NONE:
		j->result.action = ACTION_NO_RESPONDER;
		break;
	case NEED_NO_RESPONDER:
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_NO_RESPONDER,
		    "it demands stapling (must-staple), but names no OCSP "
		    "responder: clients will refuse it; ask its authority for "
		    "another certificate, or name a responder with --url");
		break;
	case NEED_EXPIRED:
		fail_for_expired_cert(j, env);
		break;
	case NEED_SELF_SIGNED:
		outcome_fail(&j->outcome, CODE_INPUT, CAUSE_SELF_SIGNED,
		    "the certificate is self-signed, so no responder can speak "
		    "for it; is this the server's certificate?");
		break;
	case NEED_RESPONSE:
		return 1;
	}
	return 0;
}

/* ---- its issuer, and what is stored ---- */

int
job_make_target(struct job *j, const struct env *env, char *why)
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
	if (job_is_starved(j))
		return -1;
	if (j->target == NULL)
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
	return j->target == NULL ? -1 : 0;
}

enum job_state
job_load_rest(struct job *j, const struct env *env)
{
	char why[WHY_MAX];

	if ((!env->o->check && job_find_responders(j, env) == -1) ||
	    job_make_target(j, env, why) == -1 ||
	    job_load_stored(j, env, why) == -1 || env->o->check)
		return JOB_DONE;
	if (job_stored(j) != NULL)
		job_keep_issuer(j, env);
	/* what an earlier run left is mended, too */
	if (j->stored.der != NULL)
		(void)job_put_issuer_first(j, env);
	if (!policy_asks(env->o, job_stored(j), j->named.changes, env->now)) {
		j->result.action = ACTION_NOT_DUE;
		return JOB_DONE;
	}
	return JOB_ASK;
}

enum job_state
job_load(struct job *j, const struct env *env)
{
	enum cert_result res;
	char why[WHY_MAX];

	j->loaded_ms = env->ms;
	if (!job_is_time_right(j, env, INT64_MIN) || !job_begins_anew(j))
		return JOB_DONE;
	if (job_name_output(j, env->o) == -1) {
		job_fail_for_memory(j);
		return JOB_DONE;
	}
	(void)ocsp_starved(); /* what went before is settled */
	if (job_load_cert(j, env, why) == -1)
		return JOB_DONE;
	trace_cert(&j->trace, &j->cert, job_describe_cert(j, env).has_responder,
	    env->now);
	if ((env->o->check && job_read_stored(j, env, why) == -1) ||
	    !job_is_worth_asking(j, env, j->stored.der != NULL))
		return JOB_DONE;
	res = job_find_issuer(j, env, why);
	trace_issuer(&j->trace, &j->cert);
	if (job_is_starved(j))
		return JOB_DONE;
	if (res == CERT_OK)
		return job_load_rest(j, env);
	if (!job_is_time_right(j, env, j->cert.issuer_begins))
		return JOB_DONE;
	if (res == CERT_EISSUER && env->o->fetch_issuer)
		return job_begin_hunt(j, why);
	job_fail_cert(j, res, why);
	return JOB_DONE;
}
