/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "job/internal.h"
#include "probe/served.h"

/* A certificate's own name where the host has none that it is valid for. */
static char *
choose_sni(const struct job *j, const struct env *env,
    const struct served_where *where)
{
	size_t n = strlen(where->host);
	char *host, *name = NULL;

	/* the dot at the end is not sent, RFC 6066 section 3 */
	if (n > 1 && where->host[n - 1] == '.')
		n--;
	if ((host = strndup(where->host, n)) == NULL)
		return NULL;
	if (!job_is_presented(j, env))
		name = cert_server_name(&j->cert, host);
	if (name != NULL || where->is_address) {
		free(host);
		return name;
	}
	return host;
}

static enum served_result
ask_server(const struct env *env, struct served_question *q,
    struct served_answer *a, char *why)
{
	enum served_result res;

	q->timeout_ms = (long)(env->o->timeout * 1000);
	if (env->left_ms >= 0 && env->left_ms < q->timeout_ms)
		q->timeout_ms = (long)env->left_ms;
	res = served_ask(q, a, why);
	/* it may have another kind of certificate only: see which */
	if (res == SERVED_ETLS && q->key != CERT_KEY_OTHER &&
	    a->ms < q->timeout_ms) {
		served_free(a);
		q->timeout_ms -= (long)a->ms;
		q->key = CERT_KEY_OTHER;
		res = served_ask(q, a, why);
	}
	return res;
}

/* Asks what the server staples, for a certificate such as ours if we have one.
 */
static int
probe(struct job *j, const struct env *env, struct served_answer *a)
{
	struct served_question q = {
	    .starttls = (enum served_starttls)env->o->starttls,
	    .key = j->cert.key,
	    .family = env->o->ipv4 ? 4
		: env->o->ipv6     ? 6
				   : 0,
	    .connect_ms = (long)(env->o->connect_timeout * 1000),
	    .clock_ms = env->clock_ms,
	};
	struct trace_handshake h = {
	    .server = env->o->served, .shelf = env->shelf};
	const struct diagnose d = job_diagnose(j, env);
	enum served_result res;
	char why[WHY_MAX], *sni;
	struct reason r;

	if (served_parse(env->o->served, q.starttls, &q.where, why) == -1) {
		outcome_fail(
		    &j->outcome, CODE_INPUT, CAUSE_CERTIFICATE, "%s", why);
		return -1;
	}
	q.sni = sni = choose_sni(j, env, &q.where);
	res = ask_server(env, &q, a, why);
	if (!job_is_starved(j)) {
		h.sni = sni;
		h.fault = res == SERVED_OK ? NULL : why;
		trace_server(&j->trace, &h, a);
		if (res != SERVED_OK) {
			r = diagnose_server(&d, res, a, why);
			job_fail_for(j, &r);
			j->result.unreached = res == SERVED_ERESOLVE ||
			    res == SERVED_ECONNECT || res == SERVED_ETIMEOUT;
		}
	}
	free(sni);
	return j->outcome.status != CODE_OK ? -1 : 0;
}

/* What the server presents: the certificate in question, or the right one? */
static int
take_presented(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	const struct diagnose d = job_diagnose(j, env);
	struct cert other;
	enum cert_result res;
	char why[WHY_MAX];
	struct reason r;

	if (!job_is_presented(j, env) && cert_is(&j->cert, &a->chain[0]))
		return 0;
	res = cert_take(env->shelf, a->chain, a->nchain,
	    job_is_presented(j, env) ? &j->cert : &other, why);
	if (job_is_presented(j, env)) {
		if (res == CERT_OK && !job_is_starved(j)) {
			trace_cert(&j->trace, &j->cert,
			    job_describe_cert(j, env).has_responder, env->now);
			return 0;
		}
		job_fail_cert(j, res, why);
		return -1;
	}
	if (!job_is_starved(j)) {
		r = diagnose_other_cert(&d, res == CERT_OK ? &other : NULL);
		job_fail_for(j, &r);
	}
	cert_free(&other);
	return -1;
}

/* Finds what the judge needs, and what is stored. */
static int
prepare_judgement(struct job *j, const struct env *env)
{
	enum cert_result res;
	char why[WHY_MAX];

	if (job_name_output(j, env->o) == -1) {
		job_fail_for_memory(j);
		return -1;
	}
	res = job_find_issuer(j, env, why);
	trace_issuer(&j->trace, &j->cert);
	if (res != CERT_OK && job_is_time_right(j, env, j->cert.issuer_begins))
		job_fail_cert(j, res, why);
	if (res != CERT_OK || job_is_starved(j) ||
	    job_make_target(j, env, why) == -1)
		return -1;
	return j->output == NULL ? 0 : job_load_stored(j, env, why);
}

static void
judge_served(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	char *decoded = NULL;

	if (!job_is_worth_asking(j, env, a->staple_len > 0)) {
		if (a->staple_len == 0)
			j->received.stapled = STAPLED_NOTHING;
		return;
	}
	if (a->staple_len == 0) {
		j->received.stapled = STAPLED_NOTHING;
		/* what is stored tells what to do */
		if (!job_is_presented(j, env))
			(void)prepare_judgement(j, env);
		return;
	}
	if (prepare_judgement(j, env) == -1)
		return;
	job_judge(j, env, a->staple, a->staple_len, 0, &j->received.verdict);
	if (job_is_starved(j))
		return;
	j->received.stapled =
	    policy_compare(job_stored(j), &j->received.verdict,
		j->stored.der != NULL && j->stored.len == a->staple_len &&
		    memcmp(j->stored.der, a->staple, a->staple_len) == 0);
	trace_staple(
	    &j->trace, a->staple_len, j->received.stapled, j->output != NULL);
	trace_verdict(&j->trace, &j->received.verdict, env->o->nonce, env->now);
	if (j->trace.level > 1)
		decoded = judge_text(env->judge, a->staple, a->staple_len);
	trace_decoded(&j->trace, decoded);
	free(decoded);
}

enum job_state
job_served(struct job *j, const struct env *env)
{
	const struct diagnose d = job_diagnose(j, env);
	struct served_answer a = {0};
	char why[WHY_MAX];
	struct reason r;

	j->loaded_ms = env->ms;
	if (!job_is_time_right(j, env, INT64_MIN))
		return JOB_DONE;
	(void)ocsp_starved(); /* what went before is settled */
	if (policy_gives_up_server(env->server_failures)) {
		r = diagnose_server_given_up(&d, env->server_failures);
		job_fail_for(j, &r);
		return JOB_DONE;
	}
	if (!job_is_presented(j, env)) {
		if (job_load_cert(j, env, why) == -1)
			return JOB_DONE;
		trace_cert(&j->trace, &j->cert,
		    job_describe_cert(j, env).has_responder, env->now);
	}
	if (probe(j, env, &a) == 0 && take_presented(j, env, &a) == 0)
		judge_served(j, env, &a);
	served_free(&a);
	return JOB_DONE;
}
