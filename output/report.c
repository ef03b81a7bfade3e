/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <string.h>

#include "output/report.h"
#include "output/verbose.h"

void
report_wait(const struct job *j, const struct env *env, struct text *out)
{
	char pause[WORDS_TIME_MAX], left[WORDS_TIME_MAX];
	struct text raw = {0};

	text_add(&raw, "%s: %s; asking again in %s, for %s more (--wait)",
	    j->path, outcome_why(&j->outcome),
	    words_span(pause, (j->request.pause_ms + 500) / 1000),
	    words_span(
		left, (env->began_ms + env->o->wait * 1000 - env->ms) / 1000));
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	text_free(&raw);
}

/* ---- what to do ---- */

/* A hold can be lifted; if its response ran out, it may have been. */
static const char *
revoked_advice(const struct job *j)
{
	const struct ocsp_verdict *v =
	    j->received.verdict.status == VERDICT_REVOKED ? &j->received.verdict
							  : &j->stored.verdict;

	if (j->result.code != CODE_REVOKED)
		return "ask the CA whether that still holds";
	return v->reason == REASON_HOLD
	    ? "have the CA lift the hold, or replace the certificate"
	    : "replace the certificate";
}

/* What to do about a server. */
static const char *
server_advice(const struct job *j, const struct env *env)
{
	if (j->result.code == CODE_REVOKED ||
	    (j->result.code == CODE_REJECTED &&
		j->received.verdict.status == VERDICT_REVOKED))
		return revoked_advice(j);
	if (j->received.stapled == STAPLED_UNHEARD)
		return "";
	if (job_is_presented(j, env))
		return "give the server a good response, and reload it";
	if (j->received.stapled == STAPLED_SAME)
		return "fetch a new one, then reload the server";
	return job_holds(j, env) ? "reload the server"
				 : "fetch one, then reload the server";
}

/* ---- the outcome ---- */

/* Has the reason told already what is wrong with the stored response? */
static int
is_told(const struct job *j)
{
	return strstr(outcome_why(&j->outcome), j->output) != NULL &&
	    strstr(outcome_why(&j->outcome), j->stored.verdict.why) != NULL;
}

/* What a server reads from now on. */
static void
tell_holding(const struct job *j, const struct env *env, struct text *t)
{
	char end[WORDS_TIME_MAX], span[WORDS_TIME_MAX];

	if (j->stored.holding == HOLDING_NOT_LOOKED || j->output == NULL)
		return;
	if (j->stored.holding == HOLDING_NOTHING)
		text_add(t, "; there is no %s", j->output);
	else if (j->stored.verdict.status == VERDICT_GOOD)
		text_add(t, "; %s is good until %s (%s left)", j->output,
		    words_time(end, j->stored.verdict.usable_until),
		    words_span(span,
			(long long)(j->stored.verdict.usable_until -
			    env->now)));
	else if (j->stored.verdict.status == VERDICT_REVOKED)
		text_add(t, "; %s says revoked", j->output);
	else if (!is_told(j))
		text_add(t, "; %s is of no use: %s", j->output,
		    j->stored.verdict.why);
	if (env->o->served == NULL && j->result.code == CODE_TEMPORARY &&
	    !j->received.answered && j->stored.holding == HOLDING_JUDGED &&
	    j->stored.verdict.status == VERDICT_GOOD)
		text_add(t, ", less than the %s that are demanded",
		    words_span(span, job_min_valid(j, env)));
}

/* Whose fault it is that an answer is of no worth, as far as it shows. */
static const char *
rejected_advice(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v =
	    env->o->check ? &j->stored.verdict : &j->received.verdict;

	if (v->status == VERDICT_UNKNOWN)
		return "ask the authority that issued it";
	if (v->status == VERDICT_REVOKED)
		return revoked_advice(j);
	if (v->advised)
		return "";
	if (v->status == VERDICT_FOREIGN)
		return "is this the right responder (--url), and the right "
		       "issuer (--issuer)? Else a fault of the CA, or an "
		       "attack";
	if (j->outcome.cause == CAUSE_CLOCK ||
	    (v->has_times &&
		(v->this_update > env->now || v->produced_at > env->now)))
		return "set this machine's clock if it is wrong, else tell the "
		       "authority";
	if (v->status == VERDICT_STALE)
		return "tell the CA: its responder, or a cache before it, "
		       "sends an old response";
	return "a fault of the authority or its network, or an attack: have a "
	       "look with -v";
}

/* A responder that takes no nonce will not take the next one either. */
static int
refuses_nonces(const struct job *j, const struct env *env)
{
	return env->o->nonce && j->received.verdict.status == VERDICT_ERROR &&
	    (j->outcome.cause == CAUSE_UNAUTHORIZED ||
		j->received.verdict.error == ERROR_MALFORMED);
}

/* What to do; empty where the reason says it. */
static const char *
advice(const struct job *j, const struct env *env)
{
	if (env->o->served != NULL)
		return server_advice(j, env);
	switch (j->result.code) {
	case CODE_TEMPORARY:
		if (env->o->check)
			return "fetch a new one";
		if (refuses_nonces(j, env))
			return "";
		return j->cert.must_staple
		    ? "run again soon, clients refuse a must-staple "
		      "certificate without a response"
		    : "run again later";
	case CODE_REJECTED:
		return rejected_advice(j, env);
	case CODE_REVOKED:
		return revoked_advice(j);
	case CODE_INPUT:
		return j->named.pattern
		    ? "a shell pattern is not expanded here, nor by systemd "
		      "or in a list: name the directory instead"
		    : "";
	default:
		return "";
	}
}

/* The same for -v, which the reason follows. */
static const char *
to_do(const struct job *j, const struct env *env)
{
	const char *what = advice(j, env);

	if (j->result.code == CODE_OK)
		return j->saving.would_write ? "run it without --dry-run"
					     : "nothing";
	return what[0] != '\0' ? what : "see the last line";
}

static void
add_message(const struct job *j, const struct env *env, struct text *out)
{
	struct text raw = {0};
	const char *what;

	text_add(&raw, "%s: %s", j->path, outcome_why(&j->outcome));
	if (*outcome_also(&j->outcome) != '\0')
		text_add(&raw, "; besides, %s", outcome_also(&j->outcome));
	tell_holding(j, env, &raw);
	if (*(what = advice(j, env)) != '\0')
		text_add(&raw, "; %s", what);
	if (j->named.list != NULL)
		text_add(&raw, " (%s, line %lu)", j->named.list,
		    (unsigned long)j->named.line);
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	out->failed |= raw.failed;
	text_free(&raw);
}

void
report_job(struct job *j, const struct env *env, struct text *out)
{
	verbose_add(j, env, to_do(j, env), out);
	if (j->result.warnings.s != NULL)
		text_add(out, "%s", j->result.warnings.s);
	if (j->result.code != CODE_OK)
		add_message(j, env, out);
}

void
report_log(const struct job *j, const struct env *env, struct text *out)
{
	struct text raw = {0};

	if (j->result.code != CODE_OK) {
		add_message(j, env, out);
		return;
	}
	if (j->outcome.status != CODE_OK)
		text_add(&raw, "%s: no alarm: %s", j->path,
		    outcome_why(&j->outcome));
	else
		text_add(&raw, "%s: a new response was written", j->path);
	tell_holding(j, env, &raw);
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	out->failed |= raw.failed;
	text_free(&raw);
}

/* ---- who was told ---- */

__attribute__((format(printf, 2, 3))) static void
tell_line(struct text *out, const char *fmt, ...)
{
	struct text raw = {0};
	va_list ap;

	va_start(ap, fmt);
	text_vadd(&raw, fmt, ap);
	va_end(ap);
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	out->failed |= raw.failed;
	text_free(&raw);
}

/* What is not handed over, and why; what a push brought otherwise. */
static void
add_push(const struct report_push *p, struct text *raw)
{
	char when[WORDS_TIME_MAX];

	words_time(when, p->verdict->this_update);
	switch (p->push) {
	case PUSH_DO:
		text_add(raw, "%s%s", p->why,
		    p->result == HAPROXY_ATTACHED
			? " (it had none for this certificate)"
			: "");
		break;
	case PUSH_SAME:
		text_add(raw, "%s%s", p->why,
		    p->result == HAPROXY_ATTACHED
			? " (it had none by another name)"
			: "");
		break;
	case PUSH_NEWER:
		text_add(raw,
		    "it has a later response, of %s, which stays there", when);
		break;
	case PUSH_REVOKED:
		text_add(raw,
		    "it has a later response, of %s: %s; that one stays there; "
		    "replace the certificate",
		    when, p->verdict->why);
		break;
	case PUSH_UNPROVEN:
		text_add(raw,
		    "it has a later response, of %s, that says revoked, and "
		    "before 2.8 cannot show its signature, so that it cannot "
		    "be verified and stays there; ask the responder: run again "
		    "with -f",
		    when);
		break;
	case PUSH_NO_NEXT:
		text_add(raw,
		    "%s has no nextUpdate, and HAProxy staples no such "
		    "response: not handed over; have the CA set a nextUpdate",
		    p->output);
		break;
	case PUSH_UNREAD:
		text_add(raw,
		    "what response it has cannot be read%s%s; of this run "
		    "there is no new one, so nothing was handed over; run "
		    "again with -f to fetch one",
		    *p->why != '\0' ? ": " : "", p->why);
		break;
	}
}

void
report_push(
    const struct haproxy *h, const struct report_push *p, struct text *out)
{
	struct text raw = {0};

	text_add(&raw, "%s: HAProxy at %s: ", p->path, h->socket);
	switch (p->result) {
	case HAPROXY_UPDATED:
	case HAPROXY_ATTACHED:
		add_push(p, &raw);
		break;
	case HAPROXY_REFUSED:
	case HAPROXY_BUSY:
		if (p->len > HAPROXY_MAX_FILE) {
			text_add(&raw,
			    "%s; nor does it staple a file of more than %zu: "
			    "the CA has to respond with fewer",
			    p->why, HAPROXY_MAX_FILE);
			break;
		}
		text_add(&raw,
		    "%s; %s is in place, and is read when HAProxy is reloaded; "
		    "reload it",
		    p->why, p->output);
		break;
	case HAPROXY_DEAD:
		text_add(&raw,
		    "%s; %s is in place, and is read when HAProxy starts or is "
		    "reloaded; see to it, or run again",
		    p->why, p->output);
		break;
	}
	tell_line(out, "%s", raw.s != NULL ? raw.s : "");
	out->failed |= raw.failed;
	text_free(&raw);
}

void
report_lost(
    const struct haproxy *h, const struct report_push *p, struct text *out)
{
	tell_line(out,
	    "%s: warning: HAProxy at %s knows it as %s, and has no file for "
	    "its "
	    "response: a restart loses what was handed over; add \"ocsp %s\" "
	    "to its line in the %s",
	    p->path, h->socket, p->lost, p->output,
	    p->lost[0] == '@' ? "crt-store" : "crt-list or crt-store");
}

void
report_not_pushed(const struct haproxy *h, size_t further, struct text *out)
{
	tell_line(out,
	    "HAProxy at %s: for the same reason, %zu further response%s not "
	    "handed over; the files are in place",
	    h->socket, further, further == 1 ? " was" : "s were");
}

void
report_hook(
    const struct options *o, size_t nfiles, const char *why, struct text *out)
{
	if (why != NULL)
		tell_line(out,
		    "-e, --on-change: %s; the files are in place; the next run "
		    "with -e calls it again",
		    why);
	else
		tell_line(out, "-e, --on-change: \"%s\" was told of %zu file%s",
		    o->on_change, nfiles, nfiles == 1 ? "" : "s");
}
