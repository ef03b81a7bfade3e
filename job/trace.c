/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "job/trace.h"

/* So many characters of a request in a URL are shown; the rest says nothing. */
#define REQUEST_SHOWN 8

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
add_block(struct text *t, const char *mark, const char *s)
{
	size_t n;

	while (*s != '\0') {
		n = strcspn(s, "\r\n");
		if (n > 0) {
			text_add(t, "  %s ", mark);
			text_add_escaped(t, s, n);
			text_add(t, "\n");
		}
		s += n;
		s += strspn(s, "\r\n");
	}
}

void
trace_line(struct trace *t, const char *label, const char *fmt, ...)
{
	struct text raw = {0};
	va_list ap;

	if (t->level == 0)
		return;
	va_start(ap, fmt);
	text_vadd(&raw, fmt, ap);
	va_end(ap);
	if (raw.s != NULL)
		add_line(&t->text, label, raw.s);
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

const char *
trace_good_for(char buf[128], int64_t end, int64_t now)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];

	snprintf(buf, 128, "good for %s, until %s",
	    words_span(span, (long long)(end - now)), words_time(when, end));
	return buf;
}

/* ---- what was found ---- */

void
trace_cert(
    struct trace *t, const struct cert *c, int has_responder, int64_t now)
{
	char buf[128];

	if (t->level == 0)
		return;
	trace_line(t, "certificate", "%s", c->subject);
	trace_line(t, "", "serial number %s", c->serial_hex);
	trace_line(t, "", "valid until %s", end_at(buf, c->not_after, now));
	if (c->must_staple)
		trace_line(
		    t, "", "must-staple: clients refuse it without a response");
	if (c->not_before > now)
		trace_line(t, "clock?",
		    "the certificate begins only on %s; is this machine's "
		    "clock right?",
		    words_time(buf, c->not_before));
	if (!has_responder)
		trace_line(t, "responder", "it names none%s",
		    c->must_staple ? "" : ", so it needs no response");
}

void
trace_issuer(struct trace *t, const struct cert *c)
{
	if (t->level == 0)
		return;
	trace_line(t, "issuer", "%s%s%s", c->issuer_name,
	    c->issuer_key[0] != '\0' ? ", key " : "", c->issuer_key);
	if (c->issuer_from != NULL)
		trace_line(t, "", "found in %s", c->issuer_from);
	if (c->hunt != NULL && (t->level > 1 || c->issuer == NULL))
		add_block(&t->text, "  looked at   ", c->hunt);
}

/* Who signed, and by what right. */
static void
signer_line(struct trace *t, const struct ocsp_verdict *v)
{
	const char *right = "";

	if (v->signer[0] == '\0')
		return;
	if (v->status != VERDICT_REFUSED)
		right = v->delegated ? ", whom the issuer has appointed to sign"
				     : ", the issuer itself";
	trace_line(t, "signer", "%s%s", v->signer, right);
	if (v->delegated && !v->nocheck)
		trace_line(t, "",
		    "whether its own certificate is revoked is not looked at");
}

static void
verdict_lines(struct trace *t, const struct ocsp_verdict *v, int64_t now)
{
	static const char *const by[] = {
	    [BOUND_NEXT_UPDATE] = "",
	    [BOUND_SIGNER] = "its signer's certificate",
	    [BOUND_CERTIFICATE] = "the certificate",
	    [BOUND_MAX_AGE] = "--max-age",
	    [BOUND_ASSUMED] = "--assume-lifetime",
	};
	char buf[128];

	signer_line(t, v);
	if (!v->has_times)
		return;
	trace_line(t, "times", "produced    %s: signed",
	    event_at(buf, v->produced_at, now));
	trace_line(t, "", "this update %s: found so",
	    event_at(buf, v->this_update, now));
	if (v->has_next)
		trace_line(t, "", "next update %s: ends",
		    end_at(buf, v->next_update, now));
	else
		trace_line(t, "", "next update none: it names no end");
	if (v->usable_until != 0 && v->bounded_by != 0)
		trace_line(t, "", "usable only until %s, the end of %s",
		    end_at(buf, v->usable_until, now), by[v->bounded_by]);
}

void
trace_stored(struct trace *t, const char *output, const struct ocsp_verdict *v,
    int64_t now)
{
	char buf[128];

	if (t->level == 0)
		return;
	if (v == NULL)
		trace_line(t, "stored", "%s: none", output);
	else if (v->status == VERDICT_GOOD)
		trace_line(t, "stored", "%s: %s", output,
		    trace_good_for(buf, v->usable_until, now));
	else
		trace_line(t, "stored", "%s: %s%s", output,
		    v->status == VERDICT_REVOKED ? "" : "of no use: ", v->why);
}

void
trace_times(struct trace *t, const struct ocsp_verdict *v, int64_t now)
{
	if (t->level > 0)
		verdict_lines(t, v, now);
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
meaning_lines(struct trace *t, const struct ocsp_verdict *v, int64_t now)
{
	const char *meaning = reason_meaning(v->reason);
	char span[WORDS_TIME_MAX];

	if (v->status == VERDICT_UNKNOWN)
		trace_line(t, "",
		    "its authority has no record of it, or this is another "
		    "authority's responder");
	if (v->status != VERDICT_REVOKED)
		return;
	if (v->revoked_at > 0 && v->revoked_at <= now)
		trace_line(t, "", "%s ago; since then nobody is to trust it",
		    words_span(span, (long long)(now - v->revoked_at)));
	if (meaning != NULL)
		trace_line(
		    t, "", "%s: %s", ocsp_reason_name(v->reason), meaning);
}

void
trace_verdict(
    struct trace *t, const struct ocsp_verdict *v, int nonce, int64_t now)
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

	if (t->level == 0)
		return;
	verdict_lines(t, v, now);
	if (nonce && v->status == VERDICT_GOOD)
		trace_line(t, "nonce", "%s",
		    v->nonce ? "repeated: it was made for this very question"
			     : "not repeated, as by most responders; its times "
			       "vouch for it");
	trace_line(t, "says", "%s%s", said[v->status], v->why);
	meaning_lines(t, v, now);
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
add_curl(struct trace *trace, const struct trace_request *r)
{
	static const struct option_list none;
	const struct http_question *q = r->question;
	const struct options *o = r->options;
	const struct option_list *given = q->bare ? &none : &o->headers;
	struct text t = {0};
	size_t i;

	if (q->body != NULL)
		text_add(&t, "echo %s | openssl base64 -d -A | ",
		    r->base64 != NULL ? r->base64 : "?");
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
	if (o->cacert != NULL)
		add_quoted(&t, " --cacert ", o->cacert);
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
	for (i = 0; i < o->shown_headers.n && !q->bare; i++)
		add_quoted(&t, " -H ", o->shown_headers.v[i]);
	add_quoted(&t, " ", q->url);
	if (!r->for_issuer)
		text_add(&t,
		    " | openssl ocsp -respin /dev/stdin -noverify -resp_text");
	if (t.s != NULL)
		add_line(&trace->text, "to repeat", t.s);
	text_free(&t);
}

/* In a GET the request follows the responder's URL, and goes on and on. */
static void
request_line(struct trace *t, const struct trace_request *r)
{
	const struct http_question *q = r->question;
	size_t shown = strlen(r->responder) + 1 + REQUEST_SHOWN;
	int cut = q->body == NULL && !r->for_issuer && strlen(q->url) > shown;

	trace_line(t, "asked", "%s %.*s%s%s", q->body != NULL ? "POST" : "GET",
	    cut ? (int)shown : (int)strlen(q->url), q->url, cut ? "..." : "",
	    q->no_cache ? " (no-cache)" : "");
}

void
trace_exchange(struct trace *t, const struct trace_request *r,
    const struct http_answer *a, const char *decoded)
{
	if (t->level == 0)
		return;
	request_line(t, r);
	if (a->address[0] != '\0')
		trace_line(t, "", "at %s%s, %ld ms", a->address,
		    a->proxied ? ", the proxy" : "", a->ms);
	if (a->result != HTTP_ANSWERED)
		trace_line(t, "answered", "nothing: %s", a->why);
	else
		trace_line(t, "answered", "HTTP %ld, %s, %zu bytes", a->status,
		    a->type != NULL ? a->type : "no content type", a->body_len);
	if (t->level < 2)
		return;
	add_block(&t->text, "<", a->headers);
	if (decoded != NULL)
		add_block(&t->text, "|", decoded);
	add_curl(t, r);
}

/* ---- what a server staples ---- */

static void
chain_lines(
    struct trace *t, struct cert_shelf *shelf, const struct served_answer *a)
{
	char why[WHY_MAX];
	struct cert c;
	size_t i;

	for (i = 0; i < a->nchain && t->level > 0; i++) {
		if (cert_take(shelf, &a->chain[i], 1, &c, why) != CERT_OK)
			trace_line(
			    t, i == 0 ? "presents" : "", "%zu. %s", i + 1, why);
		else
			trace_line(t, i == 0 ? "presents" : "",
			    "%zu. %s, serial %s", i + 1, c.subject,
			    c.serial_hex);
		cert_free(&c);
	}
}

void
trace_server(struct trace *t, const struct trace_handshake *h,
    const struct served_answer *a)
{
	trace_line(t, "server", "%s%s%s", h->server,
	    h->sni != NULL ? ", for the name " : "",
	    h->sni != NULL ? h->sni : "");
	if (a->address[0] != '\0')
		trace_line(t, "", "at %s, %lld ms", a->address, a->ms);
	if (h->fault != NULL) {
		trace_line(t, "answered", "nothing: %s", h->fault);
		return;
	}
	trace_line(t, "answered", "%s, %zu certificate%s, %s", a->version,
	    a->nchain, a->nchain == 1 ? "" : "s",
	    a->staple_len > 0 ? "a response" : "no response");
	chain_lines(t, h->shelf, a);
}

/* What is stapled, compared with what the file holds. */
static const char *
compared(enum stapled is, int has_output)
{
	switch (is) {
	case STAPLED_SAME:
		return ", the one that is stored";
	case STAPLED_OLDER:
		return ", older than the one that is stored";
	case STAPLED_NEWER:
		return ", newer than the one that is stored";
	case STAPLED_OTHER:
		return ", another than the one that is stored";
	case STAPLED_ALONE:
		return has_output ? ", and none of use is stored" : "";
	case STAPLED_UNHEARD:
	case STAPLED_NOTHING:
		break;
	}
	return "";
}

void
trace_staple(struct trace *t, size_t len, enum stapled is, int has_output)
{
	trace_line(t, "stapled", "%zu bytes%s", len, compared(is, has_output));
}

void
trace_decoded(struct trace *t, const char *decoded)
{
	if (t->level > 1 && decoded != NULL)
		add_block(&t->text, "|", decoded);
}
