#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "story.h"

/* What is larger, in bytes, than somebody between file and client can take. */
#define TOO_BIG_APACHE 10239  /* its cache */
#define TOO_BIG_SOCKET 11000  /* a command to HAProxy, in base64 */
#define TOO_BIG_TLS12 16380   /* OpenSSL's clients: a message and its length */
#define TOO_BIG_HAPROXY 16384 /* a file of its */

/* Less, in seconds, and HAProxy does not staple it. */
#define HAPROXY_LEFT 300

/* A life, in seconds, that is too short for a job that runs once an hour. */
#define TWO_HOURS 7200

/* A difference of clocks, in seconds, that is worth a word. */
#define CLOCK_DIFFERS 3600

/* ---- what went wrong ---- */

/* A word on the clock where that may be the cause; else empty. */
static const char *
clock_hint(const struct job *j, const struct env *env,
    const struct http_answer *a, char buf[256])
{
	char when[WORDS_TIME_MAX], here[WORDS_TIME_MAX];
	long long off = (long long)a->date - (long long)env->now;

	buf[0] = '\0';
	if (a->date != -1 && (off > CLOCK_DIFFERS || off < -CLOCK_DIFFERS))
		snprintf(buf, 256,
		    "is this machine's clock right? It says %s, the "
		    "responder's %s",
		    words_time(here, env->now), words_time(when, a->date));
	else if (j->cert.not_before > env->now)
		snprintf(buf, 256,
		    "is this machine's clock right? The certificate begins "
		    "only on %s",
		    words_time(when, j->cert.not_before));
	return buf;
}

/* What the URL of a failed exchange was asked for, unless for a response. */
static const char *
purpose(const struct job *j)
{
	return j->hunting ? "its issuer cannot be fetched: " : "";
}

/* What may be behind it goes into the story at once, where it happened. */
static void
tell_hint(struct job *j, const struct env *env, const char *hint)
{
	if (hint[0] != '\0')
		story_line(j, env, "", "%s", hint);
}

/* And into the message, after a semicolon. */
static const char *
before(const char *hint)
{
	return hint[0] != '\0' ? "; " : "";
}

/* What helps where a proxy asks who we are. */
static const char *
credentials_hint(const struct env *env, const struct http_answer *a)
{
	if (!a->proxied)
		return "a proxy on the way wants a user name and password "
		       "(see --proxy)";
	return env->o->proxy != NULL && strchr(env->o->proxy, '@') != NULL
	    ? "the proxy does not accept the user name and password of "
	      "--proxy"
	    : "the proxy wants a user name and password "
	      "(--proxy http://USER:PASSWORD@HOST:PORT)";
}

/* A proxy that did not open the way to an https responder. */
static const char *
tunnel_hint(const struct env *env, const struct http_answer *a)
{
	if (a->status == 401 || a->status == 407)
		return credentials_hint(env, a);
	if (a->status == 403 || a->status == 405)
		return "it forbids this host, or this port";
	return a->status >= 500 ? "it does not reach the responder" : "";
}

void
report_http_failure(
    struct job *j, const struct env *env, const struct http_answer *a)
{
	static const char *const what[] = {
	    [HTTP_ANSWERED] = "",
	    [HTTP_ERESOLVE] = "its name cannot be resolved: ",
	    [HTTP_ECONNECT] = "no connection: ",
	    [HTTP_ETLS] = "no trusted TLS connection: ",
	    [HTTP_ETIMEOUT] = "no answer in time: ",
	    [HTTP_ETIMECONNECT] = "no answer in time: ",
	    [HTTP_EPROXY] = "the proxy failed: ",
	    [HTTP_ETOOBIG] = "the answer is too large: ",
	    [HTTP_EBROKEN] = "no proper answer: ",
	    [HTTP_ENOMEM] = "",
	    [HTTP_EOTHER] = "",
	};
	const char *hint = "", *limit = "";

	if (a->result == HTTP_ETIMECONNECT)
		limit = " (--connect-timeout)";
	else if (a->result == HTTP_ETIMEOUT)
		limit = env->left_ms == 0 ? " (--deadline)" : " (--timeout)";
	else if (a->result == HTTP_EPROXY)
		hint = tunnel_hint(env, a);
	else if (a->result == HTTP_ETLS &&
	    strstr(a->why, "certificate") != NULL)
		hint = "the responder's own certificate has to be in date, for "
		       "this name, and from an authority that this machine "
		       "trusts";
	tell_hint(j, env, hint);
	job_fail(j, a->result == HTTP_ENOMEM ? CODE_LOCAL : CODE_TEMPORARY,
	    "%s%.300s: %s%s%.500s%s%s%s", purpose(j), j->urls[j->url],
	    a->proxied && a->result != HTTP_EPROXY ? "through the proxy, " : "",
	    what[a->result], a->why, limit, before(hint), hint);
}

static int
is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 ||
	    strncasecmp(url, "https://", 8) == 0;
}

/* Who was asked for a certificate is no responder. */
static const char *
out_of_order(const struct job *j, const struct http_answer *a)
{
	if (a->proxied)
		return "the proxy, or what is behind it, is out of order";
	return j->hunting
	    ? "the server is out of order"
	    : "the responder, or a cache before it, is out of order";
}

static const char *
method_hint(const struct job *j)
{
	if (j->switched)
		return "it takes neither GET nor POST; is this the right "
		       "responder?";
	return j->hunting ? "is this the right URL?"
			  : "it does not take this method (see --method)";
}

/* What a status tells that brought nothing of use; NULL: nothing. */
static const char *
status_hint(const struct job *j, const struct env *env,
    const struct http_answer *a, char buf[128])
{
	char span[WORDS_TIME_MAX];

	if (a->retry_after > 0) {
		snprintf(buf, 128,
		    "it wants to be left alone for %s (Retry-After)",
		    words_span(span, a->retry_after));
		return buf;
	}
	switch (a->status) {
	case 401:
		/* tinyproxy says so to credentials that it does not know */
		return a->proxied
		    ? "the proxy or the responder wants another user name and "
		      "password"
		    : "it wants a user name and password, which are never sent";
	case 403:
		return "a proxy or the responder forbids it (a Host header "
		       "that it does not know?)";
	case 405:
		return method_hint(j);
	case 407:
		return credentials_hint(env, a);
	case 429:
		return "it has been asked too often";
	default:
		break;
	}
	if (a->status >= 500)
		return out_of_order(j, a);
	if (a->status < 400)
		return NULL;
	return j->hunting ? "is this the right URL?"
			  : "is this the right responder?";
}

/* What came in place of what was asked for, by its type and first bytes. */
static const char *
body_hint(const struct http_answer *a)
{
	static const unsigned char gzip[] = {0x1f, 0x8b};

	if (a->body_len == 0)
		return "it came empty";
	if (a->body[0] == '<' ||
	    (a->type != NULL && strstr(a->type, "html") != NULL))
		return "a web page, often of a captive portal, a filter or the "
		       "wrong host";
	if (a->body_len >= sizeof(gzip) &&
	    memcmp(a->body, gzip, sizeof(gzip)) == 0)
		return "it is compressed, which nobody asked for";
	return "it is damaged, or something else";
}

void
report_not_expected(struct job *j, const struct env *env,
    const struct http_answer *a, const char *what)
{
	const char *hint;
	char buf[128];

	if (a->location != NULL) {
		story_line(j, env, "", "it redirects to %.300s", a->location);
		job_fail(j, CODE_TEMPORARY,
		    "%s%.300s: HTTP %ld redirects to %.300s, which is %s; "
		    "often a captive portal or a filter",
		    purpose(j), j->urls[j->url], a->status, a->location,
		    is_web(a->location)
			? "not followed (see --max-redirs)"
			: "never followed, being neither http nor https");
		return;
	}
	if ((hint = status_hint(j, env, a, buf)) == NULL)
		hint = body_hint(a);
	tell_hint(j, env, hint);
	job_fail(j, CODE_TEMPORARY,
	    "%s%.300s: HTTP %ld%s with %zu byte%s of %.100s, %s; %s",
	    purpose(j), j->urls[j->url], a->status,
	    a->proxied ? " (through the proxy)" : "", a->body_len,
	    a->body_len == 1 ? "" : "s",
	    a->type != NULL ? a->type : "no stated type", what, hint);
}

/* What may help against an OCSP error; it is not signed, and proves nothing. */
static const char *
error_hint(const struct job *j, const struct env *env, char buf[256])
{
	char age[WORDS_TIME_MAX];
	long long old = (long long)env->now - (long long)j->cert.not_before;

	switch (j->got.error) {
	case ERROR_MALFORMED:
		return env->o->nonce ? "it may not take a nonce (--nonce)"
				     : "is this the right responder?";
	case ERROR_SIGREQUIRED:
		return "is there another responder (--url)?";
	case ERROR_UNAUTHORIZED:
		if (env->o->nonce)
			return "it may not take a nonce, as AD CS does not by "
			       "default: do without --nonce, or is this the "
			       "wrong responder or issuer?";
		if (old >= 2 * 86400L)
			return "is this the right responder, and the right "
			       "issuer?";
		snprintf(buf, 256,
		    "perhaps it does not know it yet, as it is only %s old",
		    words_span(age, old));
		return buf;
	default:
		return "";
	}
}

void
report_rest(struct job *j, const struct env *env, const struct http_answer *a)
{
	char span[WORDS_TIME_MAX];

	(void)env;
	job_fail(j, CODE_TEMPORARY,
	    "%s%.300s was not asked: to another question of this run it said "
	    "HTTP %ld, and that it wants to be left alone for %s (Retry-After)",
	    purpose(j), j->urls[j->url], a->status,
	    words_span(span, a->retry_after));
}

void
report_ocsp_error(struct job *j, const struct env *env)
{
	char buf[256];
	const char *hint = error_hint(j, env, buf);

	tell_hint(j, env, hint);
	job_fail(j, CODE_TEMPORARY, "%.300s: %.300s%s%s", j->urls[j->url],
	    j->got.why, before(hint), hint);
}

/* A verified "unknown": of a new certificate it may soon be another word. */
static void
report_unknown(struct job *j, const struct env *env, enum code code)
{
	char age[WORDS_TIME_MAX], hint[256];

	snprintf(hint, sizeof(hint),
	    code == CODE_TEMPORARY
		? "it is only %s old, so the responder may not have heard of "
		  "it yet"
		: "though it is %s old; is this the right responder?",
	    words_span(
		age, (long long)env->now - (long long)j->cert.not_before));
	tell_hint(j, env, hint);
	job_fail(j, code, "%.300s: %.600s%s%s", j->urls[j->url], j->got.why,
	    code == CODE_TEMPORARY ? "; " : ", ", hint);
}

void
report_refusal(struct job *j, const struct env *env, enum code code,
    const struct http_answer *a)
{
	const char *hint;
	char buf[256];

	if (j->got.status == VERDICT_UNKNOWN) {
		report_unknown(j, env, code);
		return;
	}
	if (j->got.status == VERDICT_REVOKED) {
		job_fail(j, code, "the certificate was %.600s, says %.300s",
		    j->got.why, j->urls[j->url]);
		return;
	}
	hint = clock_hint(j, env, a, buf);
	tell_hint(j, env, hint);
	job_fail(j, code, "%.300s: %s%.600s%s%s", j->urls[j->url],
	    code == CODE_REJECTED ? "its answer is refused: " : "", j->got.why,
	    before(hint), hint);
}

void
report_wait(const struct job *j, const struct env *env, struct text *out)
{
	char pause[WORDS_TIME_MAX], left[WORDS_TIME_MAX];
	struct text raw = {0};

	text_add(&raw, "%s: %s; asking again in %s, for %s more (--wait)",
	    j->path, j->why, words_span(pause, (j->pause_ms + 500) / 1000),
	    words_span(
		left, (env->began_ms + env->o->wait * 1000 - env->ms) / 1000));
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	text_free(&raw);
}

/* ---- what a server staples ---- */

void
report_no_server(struct job *j, const struct env *env, enum served_result res,
    const struct served_answer *a, const char *why)
{
	static const char *const what[] = {
	    [SERVED_OK] = "",
	    [SERVED_ERESOLVE] = "its name cannot be resolved: ",
	    [SERVED_ECONNECT] = "no connection: ",
	    [SERVED_ETIMEOUT] = "",
	    [SERVED_ESTARTTLS] = "no STARTTLS: ",
	    [SERVED_ETLS] = "no TLS 1.2 or 1.3: ",
	    [SERVED_ENOMEM] = "",
	};
	const char *limit = "";

	if (res == SERVED_ETIMEOUT && a->address[0] == '\0')
		limit = " (--connect-timeout)";
	else if (res == SERVED_ETIMEOUT)
		limit = " (--timeout)";
	if (res == SERVED_ETIMEOUT && env->left_ms >= 0 &&
	    env->left_ms <= a->ms)
		limit = " (--deadline)";
	job_fail(j, res == SERVED_ENOMEM ? CODE_LOCAL : CODE_TEMPORARY,
	    "%.300s: %s%.600s%s", env->o->served, what[res], why, limit);
}

void
report_other_cert(
    struct job *j, const struct env *env, const struct cert *other)
{
	if (other == NULL)
		job_fail(j, CODE_INPUT,
		    "%.300s presents another certificate, one that cannot be "
		    "decoded",
		    env->o->served);
	else
		job_fail(j, CODE_INPUT,
		    "%.300s presents another certificate: %.300s, serial %s, "
		    "not %.200s, serial %s; reload the server if it is new, or "
		    "name the file that it reads",
		    env->o->served, other->subject, other->serial_hex,
		    j->cert.subject, j->cert.serial_hex);
}

void
report_staple_trouble(struct job *j, const struct env *env, enum code code)
{
	const struct ocsp_verdict *v = &j->got;
	const char *where = env->o->served;
	char left[WORDS_TIME_MAX], want[WORDS_TIME_MAX];

	if (j->stapled == STAPLED_NOTHING)
		job_fail(j, code, "%.300s staples nothing%s", where,
		    j->cert.must_staple ? ", so clients refuse this "
					  "must-staple certificate"
					: "");
	else if (v->status == VERDICT_GOOD)
		job_fail(j, code,
		    "what %.300s staples is usable for %s only%s, less than "
		    "the %s that are demanded",
		    where,
		    words_span(left, (long long)(v->usable_until - env->now)),
		    v->bounded_by == BOUND_ASSUMED
			? " (it has no nextUpdate: see --assume-lifetime)"
			: "",
		    words_span(want, job_demand(j, env)));
	else if (v->status == VERDICT_REVOKED)
		job_fail(j, code,
		    "the certificate was %.600s, says what %.300s "
		    "staples",
		    v->why, where);
	else
		job_fail(j, code, "what %.300s staples is %s: %.600s%s", where,
		    v->status == VERDICT_UNKNOWN ? "no approval"
			: code == CODE_REJECTED  ? "refused"
						 : "of no use",
		    v->why,
		    j->cert.must_staple
			? "; clients refuse this must-staple certificate"
			: "");
}

/* A hold can be lifted; if its response ran out, it may have been. */
static const char *
revoked_advice(const struct job *j)
{
	const struct ocsp_verdict *v =
	    j->got.status == VERDICT_REVOKED ? &j->got : &j->have;

	if (j->code != CODE_REVOKED)
		return "ask the CA whether that still holds";
	return v->reason == REASON_HOLD
	    ? "have the CA lift the hold, or replace the certificate"
	    : "replace the certificate";
}

/* What to do about a server. */
static const char *
server_advice(const struct job *j, const struct env *env)
{
	if (j->code == CODE_REVOKED ||
	    (j->code == CODE_REJECTED && j->got.status == VERDICT_REVOKED))
		return revoked_advice(j);
	if (j->stapled == STAPLED_UNHEARD)
		return "";
	if (job_is_presented(j, env))
		return "give the server a good response, and reload it";
	if (j->stapled == STAPLED_SAME)
		return "fetch a new one, then reload the server";
	return job_holds(j, env) ? "reload the server"
				 : "fetch one, then reload the server";
}

/* ---- warnings ---- */

__attribute__((format(printf, 2, 3))) static void
warn(struct job *j, const char *fmt, ...)
{
	struct text raw = {0};
	va_list ap;

	va_start(ap, fmt);
	text_vadd(&raw, fmt, ap);
	va_end(ap);
	text_add(&j->warnings, "ocspfetch: ");
	text_add_escaped(&j->warnings, j->path, strlen(j->path));
	text_add(&j->warnings, ": warning: ");
	if (raw.s != NULL)
		text_add_escaped(&j->warnings, raw.s, raw.len);
	text_add(&j->warnings, "\n");
	text_free(&raw);
}

/* Does HAProxy find the certificate and its status? */
static void
warn_haproxy(struct job *j, const struct env *env)
{
	if (!j->cert.issuer_beside && env->o->output == NULL)
		warn(j,
		    "the issuer is neither in the certificate's file nor in a "
		    ".issuer file beside it: HAProxy before 3.5 does not start "
		    "with %s there; put it into %s",
		    j->output, j->path);
	if (j->got.quirks & QUIRK_CA_SPELLING)
		warn(j,
		    "%s names the certificate by the CA's own spelling of its "
		    "name, not by the certificate's issuer field: HAProxy does "
		    "not staple it, clients with OpenSSL do not find the "
		    "certificate in it; the CA has to mend it (RFC 6960 "
		    "section 4.1.1)",
		    j->output);
	if (j->got.singles > 1)
		warn(j,
		    "%s holds the status of %d certificates: HAProxy does not "
		    "staple it",
		    j->output, j->got.singles);
	if (!j->got.has_next)
		warn(j, "%s has no nextUpdate: HAProxy does not staple it",
		    j->output);
}

/* Right by the standards, but stricter clients may refuse it. */
static void
warn_quirks(struct job *j)
{
	const int quirks = j->got.quirks;

	if (quirks & QUIRK_AUTHORITY_KEY)
		warn(j,
		    "%s is signed by a certificate whose "
		    "authorityKeyIdentifier names an earlier certificate of "
		    "the CA: clients with OpenSSL may refuse it; the CA has to "
		    "renew its responder's certificate",
		    j->output);
	if (quirks & QUIRK_CONSTRAINED_NAME)
		warn(j,
		    "%s is signed by a certificate whose CN is outside of the "
		    "CA's name constraints: clients with OpenSSL may refuse "
		    "it; the CA has to give its responder another CN",
		    j->output);
	if (quirks & QUIRK_NULL_PARAMETERS)
		warn(j,
		    "%s has an ECDSA signature with parameters of NULL: "
		    "clients with OpenSSL may refuse it; the CA has to update "
		    "its responder",
		    j->output);
}

static void
warn_contents(struct job *j, const struct env *env)
{
	warn_quirks(j);
	if (env->o->hash != HASH_SHA1)
		warn(j,
		    "%s names the certificate by SHA-256: HAProxy and Apache "
		    "do not staple it, hitch does not start with it",
		    j->output);
	if (j->got.status == VERDICT_REVOKED)
		warn(j,
		    "%s says revoked: hitch does not start with it, Exim with "
		    "GnuTLS refuses all TLS",
		    j->output);
}

/* Who says by --min-valid when the next run is needs no advice on it. */
static void
warn_times(struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = &j->got;
	char span[WORDS_TIME_MAX], pause[WORDS_TIME_MAX];
	long long life = (long long)v->next_update - (long long)v->this_update;
	long long left = (long long)v->next_update - (long long)env->now;

	if (!v->has_next)
		return;
	if (left < HAPROXY_LEFT)
		warn(j,
		    "%s ends in %s: HAProxy does not staple what ends in less "
		    "than %d s",
		    j->output, words_span(span, left), HAPROXY_LEFT);
	if (life < TWO_HOURS && env->o->min_valid < 0)
		warn(j,
		    "%s lives for %s in all: a job that runs once an hour is "
		    "too seldom; run one every %s, with -m to say how long a "
		    "response has to last",
		    j->output, words_span(span, life),
		    words_span(pause, life / 4));
}

static void
warn_size(struct job *j, size_t len)
{
	if (len > TOO_BIG_APACHE)
		warn(j,
		    "%s has %zu bytes: of more than %d, Apache keeps none, but "
		    "asks again in each handshake",
		    j->output, len, TOO_BIG_APACHE);
	if (len > TOO_BIG_SOCKET)
		warn(j,
		    "%s has %zu bytes: of more than %d, HAProxy's socket may "
		    "take none",
		    j->output, len, TOO_BIG_SOCKET);
	if (len > TOO_BIG_HAPROXY)
		warn(j,
		    "%s has %zu bytes: of a file of more than %d HAProxy "
		    "staples nothing",
		    j->output, len, TOO_BIG_HAPROXY);
	if (len > TOO_BIG_TLS12)
		warn(j,
		    "%s has %zu bytes: of more than %d, clients with OpenSSL "
		    "break off a handshake of TLS 1.2",
		    j->output, len, TOO_BIG_TLS12);
}

/* Who gave --mode without that right knows what reads the file. */
static void
warn_mode(struct job *j, const struct env *env)
{
	int mode = staple_mode(j->staple);

	if (mode != -1 && (mode & 04) == 0 && (env->o->mode & 04) != 0)
		warn(j,
		    "%s has the mode %04o: with Exim there is no TLS, and "
		    "lighttpd, Pen and Apache staple nothing, if their users "
		    "may not read it; chmod 644 it, or give --mode %04o to say "
		    "that it is meant so",
		    j->output, (unsigned int)mode, (unsigned int)mode);
}

void
report_warnings(struct job *j, const struct env *env, size_t len)
{
	warn_haproxy(j, env);
	warn_contents(j, env);
	warn_times(j, env);
	warn_size(j, len);
	warn_mode(j, env);
}

/* ---- the outcome ---- */

/* What a server reads from now on. */
static void
tell_holding(const struct job *j, const struct env *env, struct text *t)
{
	char end[WORDS_TIME_MAX], span[WORDS_TIME_MAX];

	if (j->holding == HOLDING_NOT_LOOKED || j->output == NULL)
		return;
	if (j->holding == HOLDING_NOTHING)
		text_add(t, "; there is no %s", j->output);
	else if (j->have.status == VERDICT_GOOD)
		text_add(t, "; %s is good until %s (%s left)", j->output,
		    words_time(end, j->have.usable_until),
		    words_span(
			span, (long long)(j->have.usable_until - env->now)));
	else if (j->have.status == VERDICT_REVOKED)
		text_add(t, "; %s says revoked", j->output);
	else
		text_add(t, "; %s is of no use: %s", j->output, j->have.why);
	if (env->o->served == NULL && j->code == CODE_TEMPORARY &&
	    !j->answered && j->holding == HOLDING_JUDGED &&
	    j->have.status == VERDICT_GOOD)
		text_add(t, ", less than the %s that are demanded",
		    words_span(span, job_demand(j, env)));
}

/* Whose fault it is that an answer is of no worth, as far as it shows. */
static const char *
rejected_advice(const struct job *j, const struct env *env)
{
	const struct ocsp_verdict *v = env->o->check ? &j->have : &j->got;

	if (v->status == VERDICT_UNKNOWN)
		return "ask the authority that issued it";
	if (v->status == VERDICT_REVOKED)
		return revoked_advice(j);
	if (v->advised)
		return "";
	if (v->has_times &&
	    (v->this_update > env->now || v->produced_at > env->now))
		return "set this machine's clock if it is wrong, else tell the "
		       "authority";
	return "a fault of the authority or its network, or an attack: have a "
	       "look with -v";
}

/* What to do; empty where the reason says it. */
static const char *
advice(const struct job *j, const struct env *env)
{
	if (env->o->served != NULL)
		return server_advice(j, env);
	switch (j->code) {
	case CODE_TEMPORARY:
		if (env->o->check)
			return "fetch a new one";
		return j->cert.must_staple
		    ? "run again soon, clients refuse a must-staple "
		      "certificate without a response"
		    : "run again later";
	case CODE_REJECTED:
		return rejected_advice(j, env);
	case CODE_REVOKED:
		return revoked_advice(j);
	default:
		return "";
	}
}

/* The same for the story, which the reason follows. */
static const char *
to_do(const struct job *j, const struct env *env)
{
	const char *what = advice(j, env);

	if (j->code == CODE_OK)
		return j->would_write ? "run it without --dry-run" : "nothing";
	return what[0] != '\0' ? what : "see the last line";
}

static void
add_message(const struct job *j, const struct env *env, struct text *out)
{
	struct text raw = {0};
	const char *what;

	text_add(&raw, "%s: %s", j->path, j->why);
	if (j->also[0] != '\0')
		text_add(&raw, "; besides, %s", j->also);
	tell_holding(j, env, &raw);
	if (*(what = advice(j, env)) != '\0')
		text_add(&raw, "; %s", what);
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
	story_tell(j, env, to_do(j, env), out);
	if (j->warnings.s != NULL)
		text_add(out, "%s", j->warnings.s);
	if (j->code != CODE_OK)
		add_message(j, env, out);
}

void
report_log(const struct job *j, const struct env *env, struct text *out)
{
	struct text raw = {0};

	if (j->code != CODE_OK) {
		add_message(j, env, out);
		return;
	}
	if (j->trouble != CODE_OK)
		text_add(&raw, "%s: no alarm: %s", j->path, j->why);
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

void
report_push(const struct haproxy *h, const struct haproxy_news *news,
    enum haproxy_result res, const char *why, const char *output,
    struct text *out)
{
	switch (res) {
	case HAPROXY_UPDATED:
		tell_line(
		    out, "%s: HAProxy at %s: %s", news->path, h->socket, why);
		break;
	case HAPROXY_ATTACHED:
		tell_line(out,
		    "%s: HAProxy at %s: %s (it had none for this certificate)",
		    news->path, h->socket, why);
		break;
	case HAPROXY_REFUSED:
		tell_line(out,
		    "%s: HAProxy at %s: %s; %s is in place, and is read when "
		    "HAProxy is reloaded; reload it",
		    news->path, h->socket, why, output);
		break;
	case HAPROXY_DEAD:
		tell_line(out,
		    "%s: HAProxy at %s: %s; %s is in place, and is read when "
		    "HAProxy starts or is reloaded; see to it, or run again",
		    news->path, h->socket, why, output);
		break;
	}
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
