#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "story.h"

/* So much of a question in a URL is shown; the whole of it says nothing. */
#define QUESTION_SHOWN 8

/* ---- lines ---- */

static void
add_line(struct text *t, const char *label, const char *raw)
{
	text_add(t, "  %-12s ", label);
	text_add_escaped(t, raw, strlen(raw));
	text_add(t, "\n");
}

/* Text of several lines from outside, each marked as such. */
static void
add_block(struct job *j, const char *mark, const char *s)
{
	size_t n;

	while (*s != '\0') {
		n = strcspn(s, "\r\n");
		if (n > 0) {
			text_add(&j->story, "  %s ", mark);
			text_add_escaped(&j->story, s, n);
			text_add(&j->story, "\n");
		}
		s += n;
		s += strspn(s, "\r\n");
	}
}

void
story_line(struct job *j, const struct env *env, const char *label,
    const char *fmt, ...)
{
	struct text raw = {0};
	va_list ap;

	if (env->o->verbose == 0)
		return;
	va_start(ap, fmt);
	text_vadd(&raw, fmt, ap);
	va_end(ap);
	if (raw.s != NULL)
		add_line(&j->story, label, raw.s);
	text_free(&raw);
}

/* "2026-11-25 03:00:00 UTC (3 d 4 h left)", or what is said of the future. */
static const char *
point(char buf[128], int64_t t, int64_t now, const char *before,
    const char *after)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];
	long long off = (long long)t - (long long)now;

	snprintf(buf, 128, "%s (%s%s%s)", words_time(when, t),
	    off > 0 ? before : "", words_span(span, off >= 0 ? off : -off),
	    off > 0 ? after : " ago");
	return buf;
}

/* Of an end: how much is left. */
static const char *
end_at(char buf[128], int64_t t, int64_t now)
{
	return point(buf, t, now, "", " left");
}

/* Of an event: how long ago it was. */
static const char *
event_at(char buf[128], int64_t t, int64_t now)
{
	return point(buf, t, now, "in ", "");
}

/* "good for 3 d 4 h, until 2026-11-25 03:00:00 UTC" */
static const char *
good_for(char buf[128], int64_t end, int64_t now)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];

	snprintf(buf, 128, "good for %s, until %s",
	    words_span(span, (long long)(end - now)), words_time(when, end));
	return buf;
}

/* ---- what was found ---- */

void
story_cert(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;
	char buf[128];

	if (env->o->verbose == 0)
		return;
	story_line(j, env, "certificate", "%s", c->subject);
	story_line(j, env, "", "serial number %s", c->serial_hex);
	story_line(
	    j, env, "", "valid until %s", end_at(buf, c->not_after, env->now));
	if (c->must_staple)
		story_line(j, env, "",
		    "must-staple: clients refuse it without a response");
	if (c->not_before > env->now)
		story_line(j, env, "clock?",
		    "the certificate begins only on %s; is this machine's "
		    "clock right?",
		    words_time(buf, c->not_before));
	if (c->nurls == 0 && env->o->url == NULL)
		story_line(j, env, "responder", "it names none%s",
		    c->must_staple ? "" : ", so it needs no response");
}

void
story_issuer(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;

	if (env->o->verbose == 0)
		return;
	story_line(j, env, "issuer", "%s%s%s", c->issuer_name,
	    c->issuer_key[0] != '\0' ? ", key " : "", c->issuer_key);
	if (c->issuer_from != NULL)
		story_line(j, env, "", "found in %s", c->issuer_from);
	if (c->hunt != NULL && (env->o->verbose > 1 || c->issuer == NULL))
		add_block(j, "  looked at   ", c->hunt);
}

/* Who signed, and by what right. */
static void
signer_line(struct job *j, const struct env *env, const struct ocsp_verdict *v)
{
	const char *right = "";

	if (v->signer[0] == '\0')
		return;
	if (v->status != VERDICT_REFUSED)
		right = v->delegated ? ", whom the issuer has appointed to sign"
				     : ", the issuer itself";
	story_line(j, env, "signer", "%s%s", v->signer, right);
	if (v->delegated && !v->nocheck)
		story_line(j, env, "",
		    "whether its own certificate is revoked is not looked at");
}

static void
verdict_lines(
    struct job *j, const struct env *env, const struct ocsp_verdict *v)
{
	static const char *const by[] = {
	    [BOUND_NEXT_UPDATE] = "",
	    [BOUND_SIGNER] = "its signer's certificate",
	    [BOUND_CERTIFICATE] = "the certificate",
	    [BOUND_MAX_AGE] = "--max-age",
	    [BOUND_ASSUMED] = "--assume-lifetime",
	};
	char buf[128];

	signer_line(j, env, v);
	if (!v->has_times)
		return;
	story_line(j, env, "times", "produced    %s: signed",
	    event_at(buf, v->produced_at, env->now));
	story_line(j, env, "", "this update %s: found so",
	    event_at(buf, v->this_update, env->now));
	if (v->has_next)
		story_line(j, env, "", "next update %s: ends",
		    end_at(buf, v->next_update, env->now));
	else
		story_line(j, env, "", "next update none: it names no end");
	if (v->usable_until != 0 && v->bounded_by != 0)
		story_line(j, env, "", "usable only until %s, the end of %s",
		    end_at(buf, v->usable_until, env->now), by[v->bounded_by]);
}

void
story_stored(struct job *j, const struct env *env)
{
	char buf[128];

	if (env->o->verbose == 0)
		return;
	if (j->holding == HOLDING_NOTHING)
		story_line(j, env, "stored", "%s: none", j->output);
	else if (j->have.status == VERDICT_GOOD)
		story_line(j, env, "stored", "%s: %s", j->output,
		    good_for(buf, j->have.usable_until, env->now));
	else
		story_line(j, env, "stored", "%s: %s%s", j->output,
		    j->have.status == VERDICT_REVOKED ? "" : "of no use: ",
		    j->have.why);
	if (env->o->check && j->holding == HOLDING_JUDGED)
		verdict_lines(j, env, &j->have);
}

/* ---- what was answered ---- */

/* Why a certificate was revoked, RFC 5280 section 5.3.1; NULL: it says all. */
static const char *
reason_meaning(int reason)
{
	static const char *const meanings[] = {
	    [1] = "its private key may be in other hands",
	    [2] = "its authority's private key may be in other hands",
	    [3] = "what it says of its holder is no longer so",
	    [4] = "another certificate has taken its place",
	    [5] = "it is no longer needed",
	    [6] = "it is suspended, which its authority may take back",
	    [9] = "its holder no longer has the right to it",
	    [10] = "an authority's private key may be in other hands",
	};

	if (reason < 0 ||
	    (size_t)reason >= sizeof(meanings) / sizeof(meanings[0]))
		return NULL;
	return meanings[reason];
}

/* What a status means that somebody may see for the first time. */
static void
meaning_lines(
    struct job *j, const struct env *env, const struct ocsp_verdict *v)
{
	const char *meaning = reason_meaning(v->reason);
	char span[WORDS_TIME_MAX];

	if (v->status == VERDICT_UNKNOWN)
		story_line(j, env, "",
		    "its authority has no record of it, or this is another "
		    "authority's responder");
	if (v->status != VERDICT_REVOKED)
		return;
	if (v->revoked_at > 0 && v->revoked_at <= env->now)
		story_line(j, env, "",
		    "%s ago; since then nobody is to trust it",
		    words_span(span, (long long)(env->now - v->revoked_at)));
	if (meaning != NULL)
		story_line(
		    j, env, "", "%s: %s", ocsp_reason_name(v->reason), meaning);
}

void
story_verdict(struct job *j, const struct env *env)
{
	static const char *const said[] = {
	    [VERDICT_INVALID] = "nothing: ",
	    [VERDICT_ERROR] = "nothing: ",
	    [VERDICT_FOREIGN] = "refused: ",
	    [VERDICT_REFUSED] = "refused: ",
	    [VERDICT_STALE] = "refused: ",
	    [VERDICT_UNKNOWN] = "",
	    [VERDICT_REVOKED] = "",
	    [VERDICT_GOOD] = "good: the certificate is not revoked",
	};

	if (env->o->verbose == 0)
		return;
	verdict_lines(j, env, &j->got);
	if (env->o->nonce && j->got.status == VERDICT_GOOD)
		story_line(j, env, "nonce", "%s",
		    j->got.nonce
			? "repeated: it was made for this very question"
			: "not repeated, as by most responders; its times "
			  "vouch for it");
	story_line(j, env, "says", "%s%s", said[j->got.status], j->got.why);
	meaning_lines(j, env, &j->got);
}

/* ---- what was asked ---- */

/* One argument of the command that repeats the question. */
static void
add_quoted(struct text *t, const char *before, const char *arg)
{
	char *quoted;

	if ((quoted = words_quote(arg)) != NULL)
		text_add(t, "%s%s", before, quoted);
	free(quoted);
}

/* A header that we send, unless the user has another one of that name. */
static void
add_own(struct text *t, const struct option_list *given, const char *name,
    const char *value)
{
	size_t n = strlen(name), i;

	for (i = 0; i < given->n; i++)
		if (strncasecmp(given->v[i], name, n) == 0 &&
		    given->v[i][n] == ':')
			return;
	text_add(t, " -H '%s: %s'", name, value);
}

static void
add_curl(struct job *j, const struct env *env, const struct http_question *q)
{
	static const struct option_list none;
	const struct options *o = env->o;
	const struct option_list *given = q->bare ? &none : &o->headers;
	struct text t = {0};
	char *b64;
	size_t i;

	if (q->body != NULL) {
		b64 = ocsp_request_base64(j->target);
		text_add(&t, "echo %s | openssl base64 -d -A | ",
		    b64 != NULL ? b64 : "?");
		free(b64);
	}
	text_add(&t, "curl -qgsS --path-as-is%s%s -m %lld",
	    o->ipv4 ? " -4" : "", o->ipv6 ? " -6" : "", o->timeout);
	if (o->max_redirs > 0)
		text_add(&t,
		    " -L --max-redirs %lld --post301 --post302 --post303",
		    o->max_redirs);
	if (o->proxy != NULL && strchr(o->proxy, '@') != NULL)
		text_add(&t, " -x USER:PASSWORD%s", strrchr(o->proxy, '@'));
	else if (o->proxy != NULL)
		add_quoted(&t, " -x ", o->proxy);
	if (o->noproxy != NULL)
		add_quoted(&t, " --noproxy ", o->noproxy);
	text_add(&t, " -A ocspfetch/" OCSPFETCH_VERSION);
	if (q->no_cache) {
		add_own(&t, given, "Cache-Control", "no-cache");
		add_own(&t, given, "Pragma", "no-cache");
	}
	add_own(&t, given, "Accept",
	    q->accept != NULL ? q->accept : "application/ocsp-response");
	if (q->body != NULL) {
		add_own(&t, given, "Content-Type", "application/ocsp-request");
		text_add(&t, " --data-binary @-");
	}
	for (i = 0; i < given->n; i++)
		add_quoted(&t, " -H ", given->v[i]);
	add_quoted(&t, " ", q->url);
	if (!j->hunting)
		text_add(&t,
		    " | openssl ocsp -respin /dev/stdin -noverify -resp_text");
	if (t.s != NULL)
		add_line(&j->story, "to repeat", t.s);
	text_free(&t);
}

/* In a GET the question follows the responder's URL, and goes on and on. */
static void
asked_line(struct job *j, const struct env *env, const struct http_question *q)
{
	size_t shown = strlen(j->urls[j->url]) + 1 + QUESTION_SHOWN;
	int cut = q->body == NULL && !j->hunting && strlen(q->url) > shown;

	story_line(j, env, "asked", "%s %.*s%s%s",
	    q->body != NULL ? "POST" : "GET",
	    cut ? (int)shown : (int)strlen(q->url), q->url, cut ? "..." : "",
	    q->no_cache ? " (no-cache)" : "");
}

void
story_exchange(struct job *j, const struct env *env,
    const struct http_question *q, const struct http_answer *a)
{
	char *text;

	if (env->o->verbose == 0)
		return;
	asked_line(j, env, q);
	if (a->address[0] != '\0')
		story_line(j, env, "", "at %s%s, %ld ms", a->address,
		    a->proxied ? ", the proxy" : "", a->ms);
	if (a->result != HTTP_ANSWERED)
		story_line(j, env, "answered", "nothing: %s", a->why);
	else
		story_line(j, env, "answered", "HTTP %ld, %s, %zu bytes",
		    a->status, a->type != NULL ? a->type : "no content type",
		    a->body_len);
	if (env->o->verbose < 2)
		return;
	add_block(j, "<", a->headers);
	if (a->result == HTTP_ANSWERED && !j->hunting &&
	    (text = judge_text(env->judge, a->body, a->body_len)) != NULL) {
		add_block(j, "|", text);
		free(text);
	}
	add_curl(j, env, q);
}

void
story_skipped(struct job *j, const struct env *env)
{
	story_line(j, env, "not asked", "%s: others of this run were in vain",
	    j->urls[j->url]);
}

/* ---- what a server staples ---- */

static void
chain_lines(struct job *j, const struct env *env, const struct served_answer *a)
{
	char why[WHY_MAX];
	struct cert c;
	size_t i;

	for (i = 0; i < a->nchain && env->o->verbose > 0; i++) {
		if (cert_take(env->shelf, &a->chain[i], 1, &c, why) != CERT_OK)
			story_line(j, env, i == 0 ? "presents" : "", "%zu. %s",
			    i + 1, why);
		else
			story_line(j, env, i == 0 ? "presents" : "",
			    "%zu. %s, serial %s", i + 1, c.subject,
			    c.serial_hex);
		cert_free(&c);
	}
}

/* What is stapled, beside what the file holds. */
static const char *
beside(const struct job *j)
{
	switch (j->stapled) {
	case STAPLED_SAME:
		return "the one that is stored";
	case STAPLED_OLDER:
		return "older than the one that is stored";
	case STAPLED_NEWER:
		return "newer than the one that is stored";
	case STAPLED_OTHER:
		return "another than the one that is stored";
	case STAPLED_ALONE:
		return j->output != NULL ? "and none of use is stored" : "";
	case STAPLED_UNHEARD:
	case STAPLED_NOTHING:
		break;
	}
	return "";
}

void
story_server(struct job *j, const struct env *env,
    const struct served_question *q, const struct served_answer *a,
    const char *fault)
{
	story_line(j, env, "server", "%s%s%s", env->o->served,
	    q->sni != NULL ? ", for the name " : "",
	    q->sni != NULL ? q->sni : "");
	if (a->address[0] != '\0')
		story_line(j, env, "", "at %s, %lld ms", a->address, a->ms);
	if (fault != NULL) {
		story_line(j, env, "answered", "nothing: %s", fault);
		return;
	}
	story_line(j, env, "answered", "%s, %zu certificate%s, %s", a->version,
	    a->nchain, a->nchain == 1 ? "" : "s",
	    a->staple_len > 0 ? "a response" : "no response");
	chain_lines(j, env, a);
}

void
story_staple(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	const char *is = beside(j);
	char *text;

	story_line(j, env, "stapled", "%zu bytes%s%s", a->staple_len,
	    is[0] != '\0' ? ", " : "", is);
	story_verdict(j, env);
	if (env->o->verbose < 2 ||
	    (text = judge_text(env->judge, a->staple, a->staple_len)) == NULL)
		return;
	add_block(j, "|", text);
	free(text);
}

/* ---- the end ---- */

/* What came of --served, for the story. */
static const char *
server_decision(const struct job *j, const struct env *env)
{
	if (j->action == ACTION_NO_RESPONDER)
		return "nothing to do";
	if (j->stapled == STAPLED_UNHEARD)
		return "nothing was judged";
	if (j->code != CODE_OK)
		return "clients get no response that is good for long enough";
	if (job_is_presented(j, env))
		return "served: good, and lasts";
	switch (j->stapled) {
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
	if (j->would_write)
		return "it would be written, but for --dry-run";
	if (j->action == ACTION_PASSED_OVER)
		return "passed over: there is no certificate in it";
	if (env->o->served != NULL)
		return server_decision(j, env);
	switch (j->action) {
	case ACTION_WRITTEN:
		return j->have.status == VERDICT_REVOKED
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
	if (j->trouble == CODE_REVOKED && !env->o->write_revoked)
		return "nothing was written (see --write-revoked)";
	return j->asked ? "nothing was written" : "nobody was asked";
}

static void
end_lines(struct job *j, const struct env *env)
{
	char buf[128];

	story_line(j, env, "decided", "%s", decision(j, env));
	if (j->holding == HOLDING_JUDGED && j->have.status == VERDICT_GOOD)
		story_line(j, env, "now", "%s: %s",
		    j->output != NULL ? j->output : "standard output",
		    good_for(buf, j->have.usable_until, env->now));
	if (j->code != CODE_OK || j->trouble != CODE_TEMPORARY)
		return;
	story_line(j, env, "no alarm", "%s", j->why);
	story_line(j, env, "",
	    "what is stored lasts for more than the %s that are demanded",
	    words_span(buf, job_demand(j, env)));
}

void
story_tell(
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
	story_line(j, env, "to do", "%s", to_do);
	story_line(j, env, "exit", "%d, %s", (int)j->code, codes[j->code]);
	if (j->story.s != NULL)
		text_add(out, "%s", j->story.s);
	out->failed |= j->story.failed;
}
