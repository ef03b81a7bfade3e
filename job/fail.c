/* SPDX-License-Identifier: ISC */
#include "job/internal.h"

void
job_fail_for_memory(struct job *j)
{
	outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
}

int
job_is_starved(struct job *j)
{
	if (!ocsp_starved())
		return 0;
	job_fail_for_memory(j);
	return 1;
}

void
job_fail_for(struct job *j, const struct reason *r)
{
	const char *note = r->note[0] != '\0' ? r->note : r->advice;

	if (note[0] != '\0')
		trace_line(&j->trace, "", "%s", note);
	outcome_fail_for(&j->outcome, r);
}

void
job_fail_cert(struct job *j, enum cert_result res, const char *why)
{
	ocsp_doubt();
	if (job_is_starved(j))
		return;
	if (res == CERT_ELOCAL)
		outcome_fail(&j->outcome, CODE_LOCAL, CAUSE_FILE, "%s", why);
	else
		outcome_fail(&j->outcome, CODE_INPUT,
		    res == CERT_EISSUER ? CAUSE_ISSUER : CAUSE_CERTIFICATE,
		    "%s", why);
}

struct diagnose
job_diagnose(const struct job *j, const struct env *env)
{
	struct diagnose d = {.options = env->o,
	    .cert = &j->cert,
	    .for_issuer = j->request.hunting,
	    .both_methods = j->request.attempt.switched != SWITCHED_NOT,
	    .by_get = j->request.attempt.method == METHOD_GET,
	    .now = env->now,
	    .left_ms = env->left_ms};

	if (j->request.url < j->request.nurls)
		words_cut(
		    d.url, sizeof(d.url), j->request.urls[j->request.url]);
	return d;
}

int64_t
job_cert_age(const struct job *j, const struct env *env)
{
	return env->now - j->cert.not_before;
}

int
job_is_time_right(struct job *j, const struct env *env, int64_t issuer_from)
{
	const struct diagnose d = job_diagnose(j, env);
	enum policy_clock_fault fault = policy_clock_fault(
	    env->now, env->released, j->cert.not_before, issuer_from);
	struct reason r;

	if (fault == CLOCK_FITS)
		return 1;
	r = diagnose_clock(&d, fault, env->released);
	job_fail_for(j, &r);
	j->result.wrong_clock = 1;
	return 0;
}
