/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "job/diagnose.h"
#include "http/proxy.h"

/* A difference of clocks, in seconds, that is worth a word. */
#define CLOCK_DIFFERS 3600

/* ---- reasons ---- */

__attribute__((format(printf, 4, 5))) static void
set(struct reason *r, enum code status, enum cause cause, const char *fmt, ...)
{
	va_list ap;

	memset(r, 0, sizeof(*r));
	r->status = status;
	r->cause = cause;
	va_start(ap, fmt);
	words_vset(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

static void
advise(struct reason *r, const char *advice)
{
	snprintf(r->advice, sizeof(r->advice), "%s", advice);
}

/* What the URL of a failed exchange was for, unless for a response. */
static const char *
purpose(const struct diagnose *d)
{
	return d->for_issuer ? "its issuer cannot be fetched: " : "";
}

static int
is_ahead(const struct ocsp_verdict *v, int64_t now)
{
	return v->has_times && (v->this_update > now || v->produced_at > now);
}

static int
is_not_yet_valid(const struct diagnose *d)
{
	return d->cert->not_before > d->now;
}

static void
advise_on_early_clock(struct reason *r, const struct diagnose *d)
{
	char when[WORDS_TIME_MAX], here[WORDS_TIME_MAX];

	snprintf(r->advice, sizeof(r->advice),
	    "is this machine's clock right? It says %s, the certificate begins "
	    "only on %s",
	    words_time(here, d->now), words_time(when, d->cert->not_before));
}

/* A word on the clock where that may be the cause. */
static void
advise_on_clock(struct reason *r, const struct diagnose *d,
    const struct ocsp_verdict *v, const struct http_answer *a)
{
	char when[WORDS_TIME_MAX], here[WORDS_TIME_MAX];
	long long off = (long long)a->date - (long long)d->now;

	if (a->date != -1 && (off > CLOCK_DIFFERS || off < -CLOCK_DIFFERS))
		snprintf(r->advice, sizeof(r->advice),
		    "is this machine's clock right? It says %s, the "
		    "responder's %s",
		    words_time(here, d->now), words_time(when, a->date));
	else if (is_not_yet_valid(d))
		advise_on_early_clock(r, d);
	/* a Date is not signed: it excuses nothing but what is about times */
	if (r->advice[0] != '\0' &&
	    (v->status == VERDICT_STALE || is_ahead(v, d->now)))
		r->cause = CAUSE_CLOCK;
}

/* ---- exchanges ---- */

/* What helps where a proxy asks who we are. */
static const char *
credentials_hint(const struct diagnose *d, const struct http_answer *a)
{
	if (!a->proxied)
		return "a proxy on the way wants a user name and password "
		       "(see --proxy)";
	return d->options->proxy != NULL &&
		strchr(d->options->proxy, '@') != NULL
	    ? "the proxy does not accept the user name and password of "
	      "--proxy"
	    : "the proxy wants a user name and password "
	      "(--proxy http://USER:PASSWORD@HOST:PORT)";
}

/* A proxy that did not open the way to an https responder. */
static const char *
tunnel_hint(const struct diagnose *d, const struct http_answer *a)
{
	if (a->status == 401 || a->status == 407)
		return credentials_hint(d, a);
	if (strstr(a->why, "certificate") != NULL)
		return "its own certificate has to be in date, for its name, "
		       "and from an authority that this machine trusts or "
		       "--cacert names";
	if (a->status == 403 || a->status == 405)
		return "it forbids this host, or this port";
	return a->status >= 500 ? "it does not reach the responder" : "";
}

static enum cause
http_cause(enum http_result res)
{
	switch (res) {
	case HTTP_ERESOLVE:
		return CAUSE_DNS;
	case HTTP_ECONNECT:
		return CAUSE_CONNECT;
	case HTTP_ETLS:
		return CAUSE_TLS;
	case HTTP_ETIMECONNECT:
	case HTTP_ETIMEOUT:
		return CAUSE_TIMEOUT;
	case HTTP_EPROXY:
		return CAUSE_PROXY;
	case HTTP_ETOOBIG:
		return CAUSE_TOO_LARGE;
	case HTTP_ENOMEM:
		return CAUSE_MEMORY;
	case HTTP_ELOCAL:
		return CAUSE_LOCAL;
	case HTTP_ANSWERED:
	case HTTP_ECLOSED:
	case HTTP_EBROKEN:
	case HTTP_EOTHER:
		break;
	}
	return CAUSE_HTTP;
}

/* Which setting led to a proxy, or past one, where that may be the fault. */
static void
advise_on_proxy(
    struct reason *r, const struct diagnose *d, const struct http_answer *a)
{
	const struct proxy_options proxy = {
	    d->options->proxy, d->options->noproxy};
	struct text said = {0};

	if (a->result != HTTP_EPROXY && a->result != HTTP_ERESOLVE &&
	    a->result != HTTP_ECONNECT && a->result != HTTP_ETIMECONNECT)
		return;
	proxy_hint(
	    &proxy, d->url, a->proxied || a->result == HTTP_EPROXY, &said);
	if (said.s != NULL)
		words_set(r->advice, sizeof(r->advice), "%s", said.s);
	text_free(&said);
}

/*
 * Is --deadline what ended it?  A timer may be a little early; and a GET that
 * POST may follow has half of what is left.
 */
static int
is_over(const struct diagnose *d, const struct http_answer *a)
{
	return d->left_ms >= 0 &&
	    (d->left_ms < 20 || a->ms + 50 < d->options->timeout * 1000 / 2);
}

struct reason
diagnose_http(const struct diagnose *d, const struct http_answer *a)
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
	    [HTTP_ECLOSED] = "no proper answer: ",
	    [HTTP_EBROKEN] = "no proper answer: ",
	    [HTTP_ELOCAL] = "this machine has no socket for it: ",
	    [HTTP_ENOMEM] = "",
	    [HTTP_EOTHER] = "",
	};
	const char *limit = "";
	struct reason r;

	if (a->result == HTTP_ETIMECONNECT)
		limit = " (--connect-timeout)";
	else if (a->result == HTTP_ETIMEOUT)
		limit = is_over(d, a) ? " (--deadline)" : " (--timeout)";
	set(&r,
	    a->result == HTTP_ENOMEM || a->result == HTTP_ELOCAL
		? CODE_LOCAL
		: CODE_TEMPORARY,
	    http_cause(a->result), "%s%s: %s%s%s%s", purpose(d), d->url,
	    a->proxied && a->result != HTTP_EPROXY ? "through the proxy, " : "",
	    what[a->result], a->why, limit);
	if (a->result == HTTP_EPROXY)
		advise(&r, tunnel_hint(d, a));
	else if (d->by_get && a->connected && a->result != HTTP_EOTHER &&
	    a->result != HTTP_ETOOBIG &&
	    (d->options->method == METHOD_GET || is_over(d, a)))
		advise(&r, "it may answer POST only (-X post)");
	else if (a->result == HTTP_ETLS &&
	    strstr(a->why, "certificate") != NULL &&
	    strstr(a->why, "ca-certificates") == NULL)
		advise(&r,
		    "the responder's own certificate has to be in date, for "
		    "this name, and from an authority that this machine "
		    "trusts or --cacert names");
	if (r.advice[0] == '\0')
		advise_on_proxy(&r, d, a);
	return r;
}

static int
is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 ||
	    strncasecmp(url, "https://", 8) == 0;
}

/* Who was asked for a certificate is no responder. */
static const char *
out_of_order(const struct diagnose *d, const struct http_answer *a)
{
	if (a->proxied)
		return "the proxy, or what is behind it, is out of order";
	return d->for_issuer
	    ? "the server is out of order"
	    : "the responder, or a cache before it, is out of order";
}

static const char *
method_hint(const struct diagnose *d)
{
	if (d->both_methods)
		return "it takes neither GET nor POST; is this the right "
		       "responder?";
	return d->for_issuer ? "is this the right URL?"
			     : "it does not take this method (see --method)";
}

/* What a status tells that brought nothing of use; NULL: nothing. */
static const char *
status_hint(
    const struct diagnose *d, const struct http_answer *a, char buf[128])
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
		return method_hint(d);
	case 407:
		return credentials_hint(d, a);
	case 429:
		return "it has been asked too often";
	default:
		break;
	}
	if (a->status >= 500)
		return out_of_order(d, a);
	if (a->status < 400)
		return NULL;
	return d->for_issuer ? "is this the right URL?"
			     : "is this the right responder?";
}

/*
 * What came in place of what was asked for, by its type and first bytes.
 * Dogtag 10 sends nothing where it should say "unknown".
 */
static const char *
body_hint(const struct diagnose *d, const struct http_answer *a)
{
	static const unsigned char gzip[] = {0x1f, 0x8b};

	if (a->body_len == 0)
		return a->status != 200 || d->for_issuer
		    ? "it came empty"
		    : "it came empty: so FreeIPA and Dogtag respond for a "
		      "serial number that they do not know; if it stays so, "
		      "ask the CA whether it issued this certificate";
	if (a->body[0] == '<' ||
	    (a->type != NULL && strstr(a->type, "html") != NULL))
		return "a web page, often of a captive portal, a filter or the "
		       "wrong host";
	if (a->body_len >= sizeof(gzip) &&
	    memcmp(a->body, gzip, sizeof(gzip)) == 0)
		return "it is compressed, which nobody asked for";
	return "it is damaged, or something else";
}

static struct reason
diagnose_redirect(const struct diagnose *d, const struct http_answer *a)
{
	struct reason r;

	set(&r, CODE_TEMPORARY, CAUSE_REDIRECT,
	    "%s%s: HTTP %ld redirects to %s, which is %s; often a "
	    "captive portal or a filter",
	    purpose(d), d->url, a->status, a->location,
	    is_web(a->location)
		? "not followed (see --max-redirs)"
		: "never followed, being neither http nor https");
	snprintf(r.note, sizeof(r.note), "it redirects to %s", a->location);
	return r;
}

struct reason
diagnose_body(
    const struct diagnose *d, const struct http_answer *a, const char *wanted)
{
	const char *hint;
	struct reason r;
	char buf[128];

	if (a->location != NULL)
		return diagnose_redirect(d, a);
	set(&r, CODE_TEMPORARY,
	    a->status == 429       ? CAUSE_RATE_LIMIT
		: a->status >= 400 ? CAUSE_HTTP
				   : CAUSE_NOT_OCSP,
	    "%s%s: HTTP %ld%s with %zu byte%s of %s, %s", purpose(d), d->url,
	    a->status, a->proxied ? " (through the proxy)" : "", a->body_len,
	    a->body_len == 1 ? "" : "s",
	    a->type != NULL ? a->type : "no stated type", wanted);
	if ((hint = status_hint(d, a, buf)) == NULL)
		hint = body_hint(d, a);
	advise(&r, hint);
	return r;
}

struct reason
diagnose_backoff(const struct diagnose *d, const struct http_answer *a)
{
	char span[WORDS_TIME_MAX];
	struct reason r;

	if (a->retry_after > 0)
		set(&r, CODE_TEMPORARY, CAUSE_RATE_LIMIT,
		    "%s%s was not asked: to another question of this run "
		    "it said HTTP %ld, and that it wants to be left alone for "
		    "%s (Retry-After)",
		    purpose(d), d->url, a->status,
		    words_span(span, a->retry_after));
	else
		set(&r, CODE_TEMPORARY, CAUSE_RATE_LIMIT,
		    "%s%s was not asked: to other requests of this run it "
		    "said HTTP %ld, again and again (too many requests)",
		    purpose(d), d->url, a->status);
	return r;
}

/* ---- responses ---- */

/* What may help against an OCSP error; it is not signed, and proves nothing. */
static void
advise_on_error(
    struct reason *r, const struct diagnose *d, const struct ocsp_verdict *v)
{
	char age[WORDS_TIME_MAX];
	long long old = (long long)d->now - (long long)d->cert->not_before;

	switch (v->error) {
	case ERROR_MALFORMED:
		advise(r,
		    d->options->nonce
			? "it may not take a nonce: do without --nonce"
			: "is this the right responder?");
		break;
	case ERROR_SIGREQUIRED:
		advise(r, "is there another responder (--url)?");
		break;
	case ERROR_UNAUTHORIZED:
		if (d->options->nonce)
			advise(r,
			    "it may not take a nonce, as AD CS does not by "
			    "default: do without --nonce, or is this the wrong "
			    "responder or issuer?");
		else if (is_not_yet_valid(d))
			advise_on_early_clock(r, d);
		else if (old >= 2 * 86400L)
			advise(r,
			    "is this the right responder, and the right "
			    "issuer?");
		else
			snprintf(r->advice, sizeof(r->advice),
			    "perhaps it does not know it yet, as it is only "
			    "%s old",
			    words_span(age, old));
		break;
	default:
		break;
	}
}

struct reason
diagnose_ocsp_error(const struct diagnose *d, const struct ocsp_verdict *v)
{
	struct reason r;

	set(&r, CODE_TEMPORARY,
	    v->error == ERROR_TRYLATER           ? CAUSE_TRY_LATER
		: v->error == ERROR_UNAUTHORIZED ? CAUSE_UNAUTHORIZED
						 : CAUSE_OCSP_ERROR,
	    "%s: %s", d->url, v->why);
	advise_on_error(&r, d, v);
	return r;
}

/* A verified "unknown": of a new certificate it may soon be another word. */
static struct reason
diagnose_unknown(
    const struct diagnose *d, const struct ocsp_verdict *v, enum code code)
{
	const long long old =
	    (long long)d->now - (long long)d->cert->not_before;
	char age[WORDS_TIME_MAX];
	struct reason r;

	words_span(age, old);
	if (code == CODE_TEMPORARY) {
		set(&r, code, CAUSE_UNKNOWN, "%s: %s", d->url, v->why);
		if (is_not_yet_valid(d))
			advise_on_early_clock(&r, d);
		else
			snprintf(r.advice, sizeof(r.advice),
			    "it is only %s old, so the responder may not have "
			    "heard of it yet",
			    age);
		return r;
	}
	set(&r, code, CAUSE_UNKNOWN, "%s: %s, though it is %s old", d->url,
	    v->why, age);
	advise(&r, "is this the right responder?");
	snprintf(r.note, sizeof(r.note),
	    "though it is %s old; is this the right responder?", age);
	return r;
}

static enum cause
verdict_cause(const struct ocsp_verdict *v)
{
	switch (v->status) {
	case VERDICT_FOREIGN:
		return CAUSE_FOREIGN;
	case VERDICT_STALE:
		return CAUSE_EXPIRED;
	case VERDICT_UNKNOWN:
		return CAUSE_UNKNOWN;
	case VERDICT_REVOKED:
		return CAUSE_REVOKED;
	default:
		return CAUSE_REFUSED;
	}
}

struct reason
diagnose_verdict(const struct diagnose *d, const struct ocsp_verdict *v,
    enum code code, const struct http_answer *a)
{
	struct reason r;

	if (v->status == VERDICT_UNKNOWN)
		return diagnose_unknown(d, v, code);
	if (v->status == VERDICT_REVOKED) {
		set(&r, code, CAUSE_REVOKED, "the certificate was %s, says %s",
		    v->why, d->url);
		return r;
	}
	set(&r, code, verdict_cause(v), "%s: %s%s", d->url,
	    code == CODE_REJECTED ? "its answer is refused: " : "", v->why);
	advise_on_clock(&r, d, v, a);
	return r;
}

/* ---- what a server staples ---- */

static enum cause
server_cause(enum served_result res)
{
	switch (res) {
	case SERVED_ERESOLVE:
		return CAUSE_DNS;
	case SERVED_ECONNECT:
		return CAUSE_CONNECT;
	case SERVED_ETIMEOUT:
		return CAUSE_TIMEOUT;
	case SERVED_ESTARTTLS:
		return CAUSE_STARTTLS;
	case SERVED_ENOMEM:
		return CAUSE_MEMORY;
	case SERVED_OK:
	case SERVED_ETLS:
		break;
	}
	return CAUSE_TLS;
}

struct reason
diagnose_server(const struct diagnose *d, enum served_result res,
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
	struct reason r;

	if (res == SERVED_ETIMEOUT && a->address[0] == '\0')
		limit = " (--connect-timeout)";
	else if (res == SERVED_ETIMEOUT)
		limit = " (--timeout)";
	if (res == SERVED_ETIMEOUT && d->left_ms >= 0 && d->left_ms <= a->ms)
		limit = " (--deadline)";
	set(&r, res == SERVED_ENOMEM ? CODE_LOCAL : CODE_TEMPORARY,
	    server_cause(res), "%s: %s%s%s", d->options->served, what[res], why,
	    limit);
	return r;
}

struct reason
diagnose_server_given_up(const struct diagnose *d, int failures)
{
	struct reason r;

	set(&r, CODE_TEMPORARY, CAUSE_CONNECT,
	    "%s was not asked: it did not answer for the last %d "
	    "certificates of this run",
	    d->options->served, failures);
	return r;
}

struct reason
diagnose_clock(
    const struct diagnose *d, enum policy_clock_fault fault, int64_t released)
{
	char here[WORDS_TIME_MAX], there[WORDS_TIME_MAX];
	struct reason r;

	words_time(here, d->now);
	if (fault == CLOCK_BEFORE_RELEASE)
		set(&r, CODE_TEMPORARY, CAUSE_CLOCK,
		    "this machine's clock is wrong: it says %s, which is "
		    "before this release of ocspfetch, %s; set the clock",
		    here, words_time(there, released));
	else
		set(&r, CODE_TEMPORARY, CAUSE_CLOCK,
		    "this machine's clock is wrong: it says %s, but the "
		    "certificate begins only on %s, and its issuer's begins "
		    "later than now, too; set the clock",
		    here, words_time(there, d->cert->not_before));
	return r;
}

struct reason
diagnose_other_cert(const struct diagnose *d, const struct cert *other)
{
	struct reason r;

	if (other == NULL)
		set(&r, CODE_INPUT, CAUSE_OTHER_CERT,
		    "%s presents another certificate, one that cannot be "
		    "decoded",
		    d->options->served);
	else
		set(&r, CODE_INPUT, CAUSE_OTHER_CERT,
		    "%s presents another certificate: %s, serial %s, "
		    "not %s, serial %s; reload the server if it is new, or "
		    "name the file that it reads",
		    d->options->served, other->subject, other->serial_hex,
		    d->cert->subject, d->cert->serial_hex);
	return r;
}

const char *
diagnose_bound(const struct ocsp_verdict *v)
{
	return v->bounded_by == BOUND_ASSUMED
	    ? " (it has no nextUpdate: see --assume-lifetime)"
	    : "";
}

/* A good response that ends too soon. */
static struct reason
diagnose_short_staple(
    const struct diagnose *d, const struct ocsp_verdict *v, long long min_valid)
{
	char left[WORDS_TIME_MAX], want[WORDS_TIME_MAX];
	struct reason r;

	set(&r, CODE_TEMPORARY, CAUSE_TOO_SHORT,
	    "what %s staples is usable for %s only%s, less than the %s "
	    "that are demanded",
	    d->options->served,
	    words_span(left, (long long)(v->usable_until - d->now)),
	    diagnose_bound(v), words_span(want, min_valid));
	return r;
}

struct reason
diagnose_staple(const struct diagnose *d, const struct ocsp_verdict *v,
    enum code code, long long min_valid)
{
	const char *server = d->options->served;
	struct reason r;

	if (v == NULL)
		set(&r, code, CAUSE_NOT_STAPLED, "%s staples nothing%s", server,
		    d->cert->must_staple ? ", so clients refuse this "
					   "must-staple certificate"
					 : "");
	else if (v->status == VERDICT_GOOD)
		return diagnose_short_staple(d, v, min_valid);
	else if (v->status == VERDICT_REVOKED)
		set(&r, code, CAUSE_REVOKED,
		    "the certificate was %s, says what %s staples", v->why,
		    server);
	else
		set(&r, code, verdict_cause(v), "what %s staples is %s: %s%s",
		    server,
		    v->status == VERDICT_UNKNOWN ? "no approval"
			: code == CODE_REJECTED  ? "refused"
						 : "of no use",
		    v->why,
		    d->cert->must_staple
			? "; clients refuse this must-staple certificate"
			: "");
	return r;
}
