#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report.h"

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

/* ---- the story ---- */

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
report_line(struct job *j, const struct env *env, const char *label,
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

/* "2026-11-25 03:00:00 UTC (3 d 4 h left)" */
static const char *
until(char buf[128], time_t end, time_t now)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];

	words_time(when, end);
	if (end >= now)
		snprintf(buf, 128, "%s (%s left)", when,
		    words_span(span, (long long)(end - now)));
	else
		snprintf(buf, 128, "%s (%s ago)", when,
		    words_span(span, (long long)(now - end)));
	return buf;
}

void
report_cert(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;
	char buf[128];

	if (env->o->verbose == 0)
		return;
	report_line(j, env, "certificate", "%s", c->subject);
	report_line(j, env, "", "serial %s, valid until %s%s", c->serial_hex,
	    until(buf, c->not_after, env->now),
	    c->must_staple ? ", must-staple" : "");
	if (c->not_before > env->now)
		report_line(j, env, "clock?",
		    "the certificate begins only on %s",
		    words_time(buf, c->not_before));
	if (c->nurls == 0 && env->o->url == NULL)
		report_line(j, env, "responder", "it names none%s",
		    c->must_staple ? "" : ", so it needs no response");
}

void
report_issuer(struct job *j, const struct env *env)
{
	const struct cert *c = &j->cert;

	if (env->o->verbose == 0)
		return;
	report_line(j, env, "issuer", "%s", c->issuer_name);
	if (c->issuer_from != NULL)
		report_line(j, env, "", "found in %s", c->issuer_from);
	if (c->hunt != NULL && (env->o->verbose > 1 || c->issuer == NULL))
		add_block(j, "  looked at   ", c->hunt);
}

static void
verdict_lines(
    struct job *j, const struct env *env, const struct ocsp_verdict *v)
{
	static const char *const by[] = {"its nextUpdate",
	    "its signer's certificate", "the certificate", "--max-age"};
	char buf[128];

	if (v->signer[0] != '\0')
		report_line(j, env, "signer", "%s%s%s", v->signer,
		    v->status == VERDICT_REFUSED ? ""
			: v->delegated ? ", whom the issuer has appointed"
				       : ", the issuer itself",
		    v->delegated && !v->nocheck
			? " (without nocheck; its own revocation is not looked "
			  "at)"
			: "");
	if (!v->has_times)
		return;
	report_line(
	    j, env, "times", "produced    %s", words_time(buf, v->produced_at));
	report_line(
	    j, env, "", "this update %s", words_time(buf, v->this_update));
	report_line(j, env, "", "next update %s",
	    v->has_next ? until(buf, v->next_update, env->now) : "none");
	if (v->usable_until != 0 && v->bounded_by != 0)
		report_line(j, env, "", "usable only until %s, the end of %s",
		    until(buf, v->usable_until, env->now), by[v->bounded_by]);
}

void
report_stored(struct job *j, const struct env *env)
{
	char buf[128];

	if (env->o->verbose == 0)
		return;
	if (j->holding == HOLDING_NOTHING)
		report_line(j, env, "stored", "%s: none", j->output);
	else if (j->have.status == VERDICT_GOOD)
		report_line(j, env, "stored", "%s: good, usable until %s",
		    j->output, until(buf, j->have.usable_until, env->now));
	else
		report_line(j, env, "stored", "%s: %s: %s", j->output,
		    ocsp_status_name(j->have.status), j->have.why);
	if (env->o->check && j->holding == HOLDING_JUDGED)
		verdict_lines(j, env, &j->have);
}

void
report_verdict(struct job *j, const struct env *env)
{
	static const char *const said[] = {
	    [VERDICT_INVALID] = "nothing: ",
	    [VERDICT_ERROR] = "",
	    [VERDICT_FOREIGN] = "refused: ",
	    [VERDICT_REFUSED] = "refused: ",
	    [VERDICT_STALE] = "refused: ",
	    [VERDICT_UNKNOWN] = "",
	    [VERDICT_REVOKED] = "",
	    [VERDICT_GOOD] = "good",
	};

	if (env->o->verbose == 0)
		return;
	verdict_lines(j, env, &j->got);
	if (env->o->nonce && j->got.status == VERDICT_GOOD)
		report_line(j, env, "nonce", "%s",
		    j->got.nonce ? "repeated"
				 : "not repeated, which most responders do "
				   "not; its times vouch for it");
	report_line(j, env, "says", "%s%s", said[j->got.status], j->got.why);
}

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

void
report_exchange(struct job *j, const struct env *env,
    const struct http_question *q, const struct http_answer *a)
{
	char *text;

	if (env->o->verbose == 0)
		return;
	report_line(j, env, "asked", "%s %s%s",
	    q->body != NULL ? "POST" : "GET", q->url,
	    q->no_cache ? " (no-cache)" : "");
	if (a->address[0] != '\0')
		report_line(j, env, "", "at %s%s, %ld ms", a->address,
		    a->proxied ? ", the proxy" : "", a->ms);
	if (a->result != HTTP_ANSWERED)
		report_line(j, env, "answered", "nothing: %s", a->why);
	else
		report_line(j, env, "answered", "HTTP %ld, %s, %zu bytes",
		    a->status, a->type != NULL ? a->type : "no content type",
		    a->body_len);
	if (env->o->verbose < 2)
		return;
	add_block(j, "<", a->headers);
	if (a->result == HTTP_ANSWERED && !j->hunting &&
	    (text = ocsp_text(a->body, a->body_len)) != NULL) {
		add_block(j, "|", text);
		free(text);
	}
	add_curl(j, env, q);
}

void
report_skipped(struct job *j, const struct env *env)
{
	report_line(j, env, "not asked", "%s: others of this run were in vain",
	    j->urls[j->url]);
}

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
		    " (is this machine's clock right? It says %s, the "
		    "responder's %s)",
		    words_time(here, env->now), words_time(when, a->date));
	else if (j->cert.not_before > env->now)
		snprintf(buf, 256,
		    " (is this machine's clock right? The certificate begins "
		    "only on %s)",
		    words_time(when, j->cert.not_before));
	return buf;
}

/* What the URL of a failed exchange was asked for, unless for a response. */
static const char *
purpose(const struct job *j)
{
	return j->hunting ? "its issuer cannot be fetched: " : "";
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
	const char *hint = "", *before = "";

	if (a->result == HTTP_ETIMECONNECT)
		hint = " (--connect-timeout)";
	else if (a->result == HTTP_ETIMEOUT)
		hint = env->left_ms == 0 ? " (--deadline)" : " (--timeout)";
	else if (a->result == HTTP_EPROXY)
		before = *(hint = tunnel_hint(env, a)) != '\0' ? "; " : "";
	else if (a->result == HTTP_ETLS &&
	    strstr(a->why, "certificate") != NULL)
		hint = " (the responder's own certificate has to be in date, "
		       "for this name, and from an authority that this "
		       "machine trusts)";
	job_fail(j, a->result == HTTP_ENOMEM ? CODE_LOCAL : CODE_TEMPORARY,
	    "%s%.300s: %s%s%.500s%s%s", purpose(j), j->urls[j->url],
	    a->proxied && a->result != HTTP_EPROXY ? "through the proxy, " : "",
	    what[a->result], a->why, before, hint);
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
	job_fail(j, CODE_TEMPORARY,
	    "%s%.300s: HTTP %ld%s with %zu byte%s of %.100s, %s; %s",
	    purpose(j), j->urls[j->url], a->status,
	    a->proxied ? " (through the proxy)" : "", a->body_len,
	    a->body_len == 1 ? "" : "s",
	    a->type != NULL ? a->type : "no stated type", what, hint);
}

/* What an OCSP error may mean, and what helps; it is not signed. */
static const char *
error_hint(const struct job *j, const struct env *env, char buf[256])
{
	char age[WORDS_TIME_MAX];
	long long old = (long long)env->now - (long long)j->cert.not_before;

	switch (j->got.error) {
	case ERROR_MALFORMED:
		return env->o->nonce
		    ? ": it may not take a nonce (--nonce)"
		    : ": it did not understand the question; is this the "
		      "right responder?";
	case ERROR_INTERNAL:
		return ": something is wrong with it";
	case ERROR_TRYLATER:
		return ": it cannot answer at the moment";
	case ERROR_SIGREQUIRED:
		return ": it wants signed questions, which ocspfetch does not "
		       "ask; is there another responder (--url)?";
	case ERROR_UNAUTHORIZED:
		if (old >= 2 * 86400L)
			return ": it does not speak for this certificate; is "
			       "this the right responder, and the right "
			       "issuer?";
		snprintf(buf, 256,
		    ": perhaps it does not know this certificate yet, which is "
		    "only %s old",
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

	job_fail(j, CODE_TEMPORARY, "%.300s: the responder says \"%s\"%s",
	    j->urls[j->url], ocsp_error_name(j->got.error),
	    error_hint(j, env, buf));
}

void
report_refusal(struct job *j, const struct env *env, enum code code,
    const struct http_answer *a)
{
	char hint[256], age[WORDS_TIME_MAX];

	if (j->got.status == VERDICT_UNKNOWN && code == CODE_TEMPORARY) {
		job_fail(j, code,
		    "%.300s: %.600s; it is only %s old, so the "
		    "responder may not have heard of it yet",
		    j->urls[j->url], j->got.why,
		    words_span(age,
			(long long)env->now - (long long)j->cert.not_before));
		return;
	}
	if (code == CODE_REVOKED) {
		job_fail(j, code, "the certificate was %.600s, says %.300s",
		    j->got.why, j->urls[j->url]);
		return;
	}
	job_fail(j, code, "%.300s: %s%.600s%s", j->urls[j->url],
	    code == CODE_REJECTED ? "its answer is refused: " : "", j->got.why,
	    clock_hint(j, env, a, hint));
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

static void
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
	report_line(j, env, "answered", "nothing: %s", why);
	job_fail(j, res == SERVED_ENOMEM ? CODE_LOCAL : CODE_TEMPORARY,
	    "%.300s: %s%.600s%s", env->o->served, what[res], why, limit);
}

static void
chain_lines(struct job *j, const struct env *env, const struct served_answer *a)
{
	char why[WHY_MAX];
	struct cert c;
	size_t i;

	for (i = 0; i < a->nchain && env->o->verbose > 0; i++) {
		if (cert_take(env->shelf, &a->chain[i], 1, &c, why) != CERT_OK)
			report_line(j, env, i == 0 ? "presents" : "", "%zu. %s",
			    i + 1, why);
		else
			report_line(j, env, i == 0 ? "presents" : "",
			    "%zu. %s, serial %s", i + 1, c.subject,
			    c.serial_hex);
		cert_free(&c);
	}
}

void
report_server(struct job *j, const struct env *env,
    const struct served_question *q, enum served_result res,
    const struct served_answer *a, const char *why)
{
	report_line(j, env, "server", "%s%s%s", env->o->served,
	    q->sni != NULL ? ", for the name " : "",
	    q->sni != NULL ? q->sni : "");
	if (a->address[0] != '\0')
		report_line(j, env, "", "at %s, %lld ms", a->address, a->ms);
	if (res != SERVED_OK) {
		report_no_server(j, env, res, a, why);
		return;
	}
	report_line(j, env, "answered", "%s, %zu certificate%s, %s", a->version,
	    a->nchain, a->nchain == 1 ? "" : "s",
	    a->staple_len > 0 ? "a response" : "no response");
	chain_lines(j, env, a);
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
report_staple(
    struct job *j, const struct env *env, const struct served_answer *a)
{
	const char *is = beside(j);
	char *text;

	report_line(j, env, "stapled", "%zu bytes%s%s", a->staple_len,
	    is[0] != '\0' ? ", " : "", is);
	report_verdict(j, env);
	if (env->o->verbose < 2 ||
	    (text = ocsp_text(a->staple, a->staple_len)) == NULL)
		return;
	add_block(j, "|", text);
	free(text);
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
		    "what %.300s staples is usable for %s only, less than the "
		    "%s that are demanded",
		    where,
		    words_span(left, (long long)(v->usable_until - env->now)),
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

/* What to do about a server. */
static const char *
server_advice(const struct job *j, const struct env *env)
{
	if (j->stapled == STAPLED_UNHEARD || j->code == CODE_REVOKED)
		return j->code == CODE_REVOKED ? "; replace the certificate"
					       : "";
	if (job_is_presented(j, env))
		return "; give the server a good response, and reload it";
	if (j->stapled == STAPLED_SAME)
		return "; fetch a new one, then reload the server";
	return job_holds(j, env) ? "; reload the server"
				 : "; fetch one, then reload the server";
}

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
	if (j->cert.issuer_spelled)
		warn(j,
		    "the certificate and its issuer write the issuer's name in "
		    "different bytes, so HAProxy does not find the certificate "
		    "in %s",
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

static void
warn_contents(struct job *j, const struct env *env)
{
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
	char end[128], span[WORDS_TIME_MAX];

	if (j->holding == HOLDING_NOT_LOOKED || j->output == NULL)
		return;
	if (j->holding == HOLDING_NOTHING)
		text_add(t, "; there is no %s", j->output);
	else if (j->have.status == VERDICT_GOOD)
		text_add(t, "; %s is good until %s", j->output,
		    until(end, j->have.usable_until, env->now));
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

static const char *
advice(const struct job *j, const struct env *env)
{
	if (env->o->served != NULL)
		return server_advice(j, env);
	switch (j->code) {
	case CODE_TEMPORARY:
		if (env->o->check)
			return "; fetch a new one";
		return j->cert.must_staple
		    ? "; run again soon, clients refuse a must-staple "
		      "certificate without a response"
		    : "; run again later";
	case CODE_REJECTED:
		return "; a fault of the authority or its network, or an "
		       "attack: have a look with -v";
	case CODE_REVOKED:
		return "; replace the certificate";
	default:
		return "";
	}
}

static void
add_message(const struct job *j, const struct env *env, struct text *out)
{
	struct text raw = {0};

	text_add(&raw, "%s: %s", j->path, j->why);
	if (j->also[0] != '\0')
		text_add(&raw, "; besides, %s", j->also);
	tell_holding(j, env, &raw);
	text_add(&raw, "%s", advice(j, env));
	text_add(out, "ocspfetch: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	out->failed |= raw.failed;
	text_free(&raw);
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
add_story(struct job *j, const struct env *env, struct text *out)
{
	char buf[128];

	text_add(out, "ocspfetch: ");
	text_add_escaped(out, j->path, strlen(j->path));
	text_add(out, "\n");
	report_line(j, env, "decided", "%s", decision(j, env));
	if (j->holding == HOLDING_JUDGED && j->have.status == VERDICT_GOOD)
		report_line(j, env, "now", "%s: good until %s",
		    j->output != NULL ? j->output : "standard output",
		    until(buf, j->have.usable_until, env->now));
	if (j->code == CODE_OK && j->trouble == CODE_TEMPORARY)
		report_line(j, env, "no alarm", "%s", j->why);
	report_line(j, env, "exit", "%d", (int)j->code);
	if (j->story.s != NULL)
		text_add(out, "%s", j->story.s);
}

void
report_job(struct job *j, const struct env *env, struct text *out)
{
	if (env->o->verbose > 0)
		add_story(j, env, out);
	if (j->warnings.s != NULL)
		text_add(out, "%s", j->warnings.s);
	if (j->code != CODE_OK)
		add_message(j, env, out);
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
