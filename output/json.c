/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "output/json.h"

/* ---- the writer ---- */

/* RFC 8259 section 7: beyond 16 bits it takes a pair of surrogates. */
static void
add_escape(struct text *out, unsigned long cp)
{
	if (cp > 0xffff) {
		text_add(out, "\\u%04lX", 0xd800 + ((cp - 0x10000) >> 10));
		cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
	}
	text_add(out, "\\u%04lX", cp);
}

/* How many bytes may stand as they are. */
static size_t
plain(const char *s, size_t len)
{
	size_t i = 0, n;

	while (i < len && s[i] != '"' && s[i] != '\\' &&
	    (n = words_harmless(s + i, len - i)) > 0)
		i += n;
	return i;
}

void
json_string(struct text *out, const char *s, size_t len)
{
	unsigned long cp;
	size_t n;

	text_add(out, "\"");
	for (; len > 0; s += n, len -= n) {
		if ((n = plain(s, len)) > 0)
			text_add(out, "%.*s", (int)n, s);
		else if (*s == '"' || *s == '\\')
			text_add(out, "\\%c", s[n++]);
		else if ((n = words_utf8(s, len, &cp)) > 0)
			add_escape(out, cp);
		else
			text_add(out, "\\\\x%02X", (unsigned char)s[n++]);
	}
	text_add(out, "\"");
}

/* The first has nothing before it but what begins an object. */
static void
add_name(struct text *out, const char *name)
{
	const char *before = ",";

	if (out->len == 0 || out->s[out->len - 1] == '\n')
		before = "{";
	text_add(out, "%s\"%s\":", before, name);
}

static void
add_null(struct text *out, const char *name)
{
	add_name(out, name);
	text_add(out, "null");
}

/* NULL is null. */
static void
add_text(struct text *out, const char *name, const char *s)
{
	if (s == NULL) {
		add_null(out, name);
		return;
	}
	add_name(out, name);
	json_string(out, s, strlen(s));
}

static void
add_number(struct text *out, const char *name, long long n)
{
	add_name(out, name);
	text_add(out, "%lld", n);
}

/* RFC 3339, which ends with the year 9999. */
static void
add_time(struct text *out, const char *name, const int64_t *when)
{
	struct tm tm;

	if (when == NULL || words_date(&tm, *when) == -1) {
		add_null(out, name);
		return;
	}
	add_name(out, name);
	text_add(out, "\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ---- what it says ---- */

/* The response that counts; NULL: there is none, or nobody looked. */
static const struct ocsp_verdict *
in_question(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v;

	if (env->o->served != NULL)
		return j->received.stapled > STAPLED_NOTHING
		    ? &j->received.verdict
		    : NULL;
	v = j->stored.holding == HOLDING_JUDGED ? &j->stored.verdict : NULL;
	if (j->saving.would_write ||
	    (j->received.answered &&
		j->received.verdict.status == VERDICT_REVOKED &&
		policy_counts(&j->received.verdict, job_stored(j))))
		v = &j->received.verdict;
	/* nothing outweighs a revocation, though it be at hand no more */
	if (j->result.code == CODE_REVOKED && v != NULL &&
	    v->status != VERDICT_REVOKED)
		v = NULL;
	return v;
}

static const char *
status(const struct job *j, const struct env *env, const struct ocsp_verdict *v)
{
	static const char *const names[] = {
	    [VERDICT_INVALID] = "invalid",
	    [VERDICT_ERROR] = "error",
	    [VERDICT_FOREIGN] = "foreign",
	    [VERDICT_REFUSED] = "refused",
	    [VERDICT_STALE] = "expired",
	    [VERDICT_UNKNOWN] = "unknown",
	    [VERDICT_REVOKED] = "revoked",
	    [VERDICT_GOOD] = "good",
	};

	if (j->result.code == CODE_REVOKED)
		return names[VERDICT_REVOKED];
	if (v != NULL)
		return names[v->status];
	if (env->o->served != NULL)
		return j->received.stapled == STAPLED_NOTHING ? "none" : NULL;
	return j->stored.holding == HOLDING_NOTHING ? "none" : NULL;
}

/* The end of its use, also where that is past; 0: it was never of use. */
static int
has_end(const struct ocsp_verdict *v, int64_t *end)
{
	switch (v->status) {
	case VERDICT_GOOD:
	case VERDICT_REVOKED:
	case VERDICT_UNKNOWN:
	case VERDICT_STALE:
		*end = v->usable_until;
		return 1;
	default:
		return 0;
	}
}

/* Times are told of what is signed only. */
static void
add_times(struct text *out, const struct ocsp_verdict *v, const struct env *env)
{
	const int signed_for_us = v != NULL && v->has_times;
	int64_t end = 0;
	int ends = signed_for_us && has_end(v, &end);

	add_time(out, "this_update", signed_for_us ? &v->this_update : NULL);
	add_time(out, "next_update",
	    signed_for_us && v->has_next ? &v->next_update : NULL);
	add_time(out, "produced_at", signed_for_us ? &v->produced_at : NULL);
	add_time(out, "usable_until", ends ? &end : NULL);
	if (ends)
		add_number(
		    out, "seconds_left", (long long)end - (long long)env->now);
	else
		add_null(out, "seconds_left");
}

static void
add_cert(struct text *out, const struct job *j)
{
	const struct cert *c = &j->cert;

	add_text(out, "certificate", j->path);
	add_text(out, "output", j->output);
	add_text(out, "serial", c->serial_hex);
	add_text(out, "issuer", c->issuer_name);
	add_text(out, "issuer_source", c->issuer_from);
}

static void
add_exchange(struct text *out, const struct job *j)
{
	add_text(out, "url", j->received.url);
	add_text(out, "method",
	    j->received.url == NULL  ? NULL
		: j->received.by_get ? "GET"
				     : "POST");
	if (j->received.http_status != 0)
		add_number(out, "http_status", j->received.http_status);
	else
		add_null(out, "http_status");
}

/* Why there is none, for who asks only what is stored. */
static void
add_stored(struct text *out, const struct job *j)
{
	if (j->outcome.cause != CAUSE_NO_RESPONSE || j->output == NULL)
		return;
	if (j->stored.holding == HOLDING_NOTHING)
		text_add(out, "; there is no %s", j->output);
	else if (j->stored.holding == HOLDING_JUDGED)
		text_add(out, "; %s is of no use: %s", j->output,
		    j->stored.verdict.why);
}

static void
add_reason(struct text *out, const struct job *j)
{
	struct text all = {0};

	if (j->outcome.status == CODE_OK) {
		add_null(out, "reason");
		return;
	}
	text_add(&all, "%s", outcome_why(&j->outcome));
	if (*outcome_also(&j->outcome) != '\0')
		text_add(&all, "; besides, %s", outcome_also(&j->outcome));
	add_stored(&all, j);
	add_text(out, "reason", all.s);
	out->failed |= all.failed;
	text_free(&all);
}

static void
add_outcome(struct text *out, const struct job *j, const struct env *env)
{
	static const char *const actions[] = {
	    [ACTION_NONE] = "none",
	    [ACTION_WRITTEN] = "written",
	    [ACTION_UNCHANGED] = "unchanged",
	    [ACTION_KEPT] = "kept",
	    [ACTION_NOT_DUE] = "not-due",
	    [ACTION_NO_RESPONDER] = "no-responder",
	    [ACTION_PASSED_OVER] = "none",
	};

	if (!j->cert.whole)
		add_null(out, "must_staple");
	else {
		add_name(out, "must_staple");
		text_add(out, j->cert.must_staple ? "true" : "false");
	}
	add_text(out, "action", actions[j->result.action]);
	add_number(out, "exit", j->result.code);
	add_number(out, "elapsed_ms",
	    env->ms > j->loaded_ms ? env->ms - j->loaded_ms : 0);
}

void
json_job(const struct job *j, const struct env *env, struct text *out)
{
	const struct ocsp_verdict *v = in_question(j, env);

	add_cert(out, j);
	add_exchange(out, j);
	add_text(out, "status", status(j, env, v));
	add_reason(out, j);
	add_times(out, v, env);
	add_outcome(out, j, env);
	text_add(out, "}\n");
}
