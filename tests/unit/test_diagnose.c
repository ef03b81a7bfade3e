/* SPDX-License-Identifier: ISC */
/*
 * diagnose.c: every kind of failure as a row: the exit code that it stands for,
 * its cause, words that say it, and the advice, if there is one for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "job/diagnose.h"

/* 2026-11-25 00:00:00 UTC */
#define NOW INT64_C(1795564800)
#define DAY 86400

#define URL "http://ocsp.example/"
#define SERVER "www.example:443"
/* In a row, where 0 is what most have. */
#define ZERO INT64_MIN

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* What a row expects; no advice is to be empty. */
struct want {
	enum code status;
	enum cause cause;
	const char *text;   /* part of it */
	const char *advice; /* part of it; NULL: there is none */
};

#define T(cause, text, advice)                                                 \
	{                                                                      \
		CODE_TEMPORARY, CAUSE_##cause, text, advice                    \
	}
#define LOCAL(cause, text)                                                     \
	{                                                                      \
		CODE_LOCAL, CAUSE_##cause, text, NULL                          \
	}
#define REJECTED(cause, text, advice)                                          \
	{                                                                      \
		CODE_REJECTED, CAUSE_##cause, text, advice                     \
	}

/* The causes that a row had. */
static int seen[CAUSE_VERIFIER + 1];

static void
check(const struct want *want, const struct reason *r)
{
	seen[r->cause] = 1;
	if (r->status != want->status || r->cause != want->cause)
		fail_msg("status %d, cause %s; want %d, %s: %s", r->status,
		    outcome_cause(r->cause), want->status,
		    outcome_cause(want->cause), r->text);
	assert_true(r->text[0] != '\0');
	if (strstr(r->text, want->text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", r->text, want->text);
	if (want->advice == NULL)
		assert_string_equal(r->advice, "");
	else if (strstr(r->advice, want->advice) == NULL)
		fail_msg(
		    "\"%s\" does not advise \"%s\"", r->advice, want->advice);
}

static struct options options;
static struct cert cert;

/* Of a certificate that is a month old, without a deadline. */
static struct diagnose
usual(void)
{
	memset(&options, 0, sizeof(options));
	options.timeout = 30;
	options.served = SERVER;
	memset(&cert, 0, sizeof(cert));
	cert.not_before = NOW - 30 * DAY;
	return (struct diagnose){.options = &options,
	    .cert = &cert,
	    .url = URL,
	    .now = NOW,
	    .left_ms = -1};
}

/* ---- no answer ---- */

/* What libcurl said, where a row does not. */
#define WORD "the wire's word"

#define FAILED(res, ...)                                                       \
	{                                                                      \
		.result = HTTP_##res, .date = -1, __VA_ARGS__                  \
	}

static const struct http_row {
	const char *says;
	struct http_answer a;
	struct want want;
	const char *proxy, *noproxy;
	int method, by_get, for_issuer;
	long long left_ms; /* 0: there is no deadline */
} https[] = {
    {"a name that cannot be resolved is cause dns", FAILED(ERESOLVE, ),
	.want =
	    T(DNS, URL ": its name cannot be resolved: the wire's word", NULL)},
    {"no connection is cause connect", FAILED(ECONNECT, ),
	.want = T(CONNECT, "no connection: the wire's word", NULL)},
    {"an untrusted TLS connection is cause tls", FAILED(ETLS, ),
	.want = T(TLS, "no trusted TLS connection: the wire's word", NULL)},
    {"a responder's bad certificate is told what it has to be",
	FAILED(ETLS, .why = "certificate has expired"),
	.want = T(TLS, "certificate has expired", "--cacert names")},
    {"a machine without authorities is told so once",
	FAILED(ETLS, .why = "no certificate: install ca-certificates"),
	.want = T(TLS, "install ca-certificates", NULL)},
    {"no connection in time is cause timeout and names its option",
	FAILED(ETIMECONNECT, ),
	.want = T(TIMEOUT, "word (--connect-timeout)", NULL)},
    {"no answer in time is cause timeout and names --timeout",
	FAILED(ETIMEOUT, .ms = 30000),
	.want = T(TIMEOUT, "word (--timeout)", NULL)},
    {"no answer before the deadline is cause timeout and names --deadline",
	FAILED(ETIMEOUT, .ms = 100),
	.want = T(TIMEOUT, "word (--deadline)", NULL), .left_ms = 10},
    {"a deadline that is over is what ended it", FAILED(ETIMEOUT, .ms = 30000),
	.want = T(TIMEOUT, "word (--deadline)", NULL), .left_ms = ZERO},
    {"a deadline with 19 ms left, too", FAILED(ETIMEOUT, .ms = 30000),
	.want = T(TIMEOUT, "word (--deadline)", NULL), .left_ms = 19},
    {"a deadline with 20 ms left is not what ended it",
	FAILED(ETIMEOUT, .ms = 30000),
	.want = T(TIMEOUT, "word (--timeout)", NULL), .left_ms = 20},
    {"less than half of --timeout was cut by the deadline",
	FAILED(ETIMEOUT, .ms = 14949),
	.want = T(TIMEOUT, "word (--deadline)", NULL), .left_ms = 5000},
    {"half of --timeout is what a GET has", FAILED(ETIMEOUT, .ms = 14950),
	.want = T(TIMEOUT, "word (--timeout)", NULL), .left_ms = 5000},
    {"a name that cannot be resolved past a proxy says what keeps it from it",
	FAILED(ERESOLVE, ),
	.want = T(DNS, "cannot be resolved", "--noproxy keeps it from"),
	.proxy = "http://p:3128", .noproxy = "ocsp.example"},
    {"no connection past a proxy says what keeps it from it",
	FAILED(ECONNECT, ),
	.want = T(CONNECT, "no connection", "--noproxy keeps it from"),
	.proxy = "http://p:3128", .noproxy = "ocsp.example"},
    {"no connection in time past a proxy says what keeps it from it",
	FAILED(ETIMECONNECT, ),
	.want = T(TIMEOUT, "no answer in time", "--noproxy keeps it from"),
	.proxy = "http://p:3128", .noproxy = "ocsp.example"},
    {"of what is no matter of proxies nothing is said of them",
	FAILED(ECLOSED, ), .want = T(HTTP, "no proper answer", NULL),
	.proxy = "http://p:3128", .noproxy = "ocsp.example"},
    {"a proxy that failed before it was used is told as one", FAILED(EPROXY, ),
	.want = T(PROXY, "the proxy failed", "--proxy"),
	.proxy = "http://p:3128"},
    {"a proxy that does not reach the responder is told so",
	FAILED(EPROXY, .proxied = 1, .status = 500),
	.want = T(PROXY, "the proxy failed", "does not reach the responder"),
	.proxy = "http://p:3128"},
    {"a GET that hangs is told of POST where POST does not follow",
	FAILED(ETIMEOUT, .ms = 30000, .connected = 1),
	.want = T(TIMEOUT, "no answer in time", "-X post"), .by_get = 1,
	.method = METHOD_GET},
    {"a POST that hangs is not told of POST",
	FAILED(ETIMEOUT, .ms = 30000, .connected = 1),
	.want = T(TIMEOUT, "no answer in time", NULL), .method = METHOD_POST},
    {"a proxy that failed is cause proxy", FAILED(EPROXY, .proxied = 1),
	.want = T(PROXY, "the proxy failed: the wire's word", "--proxy"),
	.proxy = "http://p:3128"},
    {"a proxy that wants credentials is told how to give them",
	FAILED(EPROXY, .proxied = 1, .status = 407),
	.want = T(PROXY, "the proxy failed", "USER:PASSWORD@HOST:PORT"),
	.proxy = "http://p:3128"},
    {"a proxy that knows other credentials is not told to give some",
	FAILED(EPROXY, .proxied = 1, .status = 407),
	.want = T(PROXY, "the proxy failed", "does not accept the user name"),
	.proxy = "http://u:s@p:3128"},
    {"a proxy that forbids the host is told so",
	FAILED(EPROXY, .proxied = 1, .status = 403),
	.want = T(PROXY, "the proxy failed", "forbids this host"),
	.proxy = "http://p:3128"},
    {"an answer that is too large is cause too-large", FAILED(ETOOBIG, ),
	.want = T(TOO_LARGE, "the answer is too large: the wire's word", NULL)},
    {"a connection that is closed early is cause http", FAILED(ECLOSED, ),
	.want = T(HTTP, "no proper answer: the wire's word", NULL)},
    {"what is not HTTP is cause http", FAILED(EBROKEN, ),
	.want = T(HTTP, "no proper answer: the wire's word", NULL)},
    {"any other failure is cause http", FAILED(EOTHER, ),
	.want = T(HTTP, ": the wire's word", NULL)},
    {"no socket is 3, cause local", FAILED(ELOCAL, ),
	.want = LOCAL(LOCAL, "this machine has no socket for it")},
    {"no memory is 3, cause memory", FAILED(ENOMEM, ),
	.want = LOCAL(MEMORY, "the wire's word")},
    {"what went through a proxy says so", FAILED(ECLOSED, .proxied = 1),
	.want = T(HTTP, "through the proxy, no proper answer", NULL)},
    {"of an issuer that is fetched it is said what the URL was for",
	FAILED(ECONNECT, ),
	.want = T(CONNECT, "its issuer cannot be fetched: " URL, NULL),
	.for_issuer = 1},
};

static void
run_http(void **state)
{
	const struct http_row *row = *state;
	struct http_answer a = row->a;
	struct diagnose d = usual();
	struct reason r;

	if (a.why[0] == '\0')
		memcpy(a.why, WORD, sizeof(WORD));
	options.proxy = row->proxy;
	options.noproxy = row->noproxy;
	options.method = row->method;
	d.by_get = row->by_get;
	d.for_issuer = row->for_issuer;
	if (row->left_ms != 0)
		d.left_ms = row->left_ms == ZERO ? 0 : row->left_ms;
	r = diagnose_http(&d, &a);
	check(&row->want, &r);
}

/* ---- an answer that is no response ---- */

#define BODY(code, text, ...)                                                  \
	{                                                                      \
		.result = HTTP_ANSWERED, .status = (code),                     \
		.body = (const unsigned char *)(text),                         \
		.body_len = sizeof(text) - 1, .date = -1, __VA_ARGS__          \
	}

static const struct body_row {
	const char *says;
	struct http_answer a;
	struct want want;
	int for_issuer, both_methods;
} bodies[] = {
    {"a web page is cause not-ocsp and named as one",
	BODY(200, "<html>", .type = "text/html"),
	.want = T(NOT_OCSP, "HTTP 200 with 6 bytes of text/html, no response",
	    "captive portal")},
    {"an empty answer is told as Dogtag's", BODY(200, "", ),
	.want = T(NOT_OCSP, "0 bytes of no stated type", "FreeIPA and Dogtag")},
    {"an empty answer about an issuer is not", BODY(200, "", ),
	.want = T(NOT_OCSP, "cannot be fetched", "it came empty"),
	.for_issuer = 1},
    {"a compressed answer is told as one", BODY(200, "\x1f\x8b\x08", ),
	.want = T(NOT_OCSP, "3 bytes", "compressed, which nobody asked for")},
    {"any other bytes are damaged, or something else", BODY(200, "x", ),
	.want = T(NOT_OCSP, "1 byte of", "damaged, or something else")},
    {"a status of 404 is cause http, and asks for the right responder",
	BODY(404, "x", ),
	.want = T(HTTP, "HTTP 404", "is this the right responder?")},
    {"of an issuer it asks for the right URL", BODY(404, "x", ),
	.want = T(HTTP, "HTTP 404", "is this the right URL?"), .for_issuer = 1},
    {"a status of 401 says that no password is ever sent", BODY(401, "", ),
	.want = T(HTTP, "HTTP 401", "which are never sent")},
    {"a status of 403 thinks of the Host header", BODY(403, "", ),
	.want = T(HTTP, "HTTP 403", "a Host header")},
    {"a status of 405 names --method", BODY(405, "", ),
	.want = T(HTTP, "HTTP 405", "--method")},
    {"a status of 405 to both methods does not", BODY(405, "", ),
	.want = T(HTTP, "HTTP 405", "neither GET nor POST"), .both_methods = 1},
    {"a status of 407 without a proxy names --proxy", BODY(407, "", ),
	.want = T(HTTP, "HTTP 407", "(see --proxy)")},
    {"a status of 429 is cause rate-limit", BODY(429, "", ),
	.want = T(RATE_LIMIT, "HTTP 429", "asked too often")},
    {"a Retry-After is told with its span", BODY(503, "", .retry_after = 120),
	.want = T(HTTP, "HTTP 503", "left alone for 2 min 0 s (Retry-After)")},
    {"a status of 500 is out of order", BODY(500, "", ),
	.want = T(HTTP, "HTTP 500", "is out of order")},
    {"a status of 400 is cause http", BODY(400, "x", ),
	.want = T(HTTP, "HTTP 400", "is this the right responder?")},
    {"a status of 399 is told by what came with it", BODY(399, "x", ),
	.want = T(NOT_OCSP, "HTTP 399", "damaged, or something else")},
    {"what says that it is HTML is a web page",
	BODY(200, "x", .type = "text/html"),
	.want = T(NOT_OCSP, "1 byte of text/html", "a web page")},
    {"what says that it is something else is none",
	BODY(200, "x", .type = "text/plain"),
	.want = T(NOT_OCSP, "1 byte of text/plain", "damaged")},
    {"two bytes are enough to know what is compressed", BODY(200, "\x1f\x8b", ),
	.want = T(NOT_OCSP, "2 bytes", "compressed")},
    {"a status of 502 is the responder's or its cache's", BODY(502, "", ),
	.want = T(HTTP, "HTTP 502", "or a cache before it, is out of order")},
    {"through a proxy it may be the proxy's", BODY(502, "", .proxied = 1),
	.want =
	    T(HTTP, "HTTP 502 (through the proxy)", "the proxy, or what is")},
    {"a redirection is cause redirect and names --max-redirs",
	BODY(302, "", .location = "http://portal/"),
	.want = T(REDIRECT,
	    "http://portal/, which is not followed (see --max-redirs)", NULL)},
    {"one to another scheme is never followed",
	BODY(302, "", .location = "ftp://portal/"),
	.want =
	    T(REDIRECT, "never followed, being neither http nor https", NULL)},
};

static void
run_body(void **state)
{
	const struct body_row *row = *state;
	struct diagnose d = usual();
	struct reason r;

	d.for_issuer = row->for_issuer;
	d.both_methods = row->both_methods;
	r = diagnose_body(&d, &row->a, "no response");
	check(&row->want, &r);
}

static const struct backoff_row {
	const char *says;
	struct http_answer a;
	struct want want;
} backoffs[] = {
    {"who was told to wait is not asked, and for how long is said",
	BODY(503, "", .retry_after = 3600),
	.want = T(RATE_LIMIT,
	    "HTTP 503, and that it wants to be left alone for 1 h", NULL)},
    {"who said too often again and again is not asked", BODY(429, "", ),
	.want = T(RATE_LIMIT, "HTTP 429, again and again", NULL)},
};

static void
run_backoff(void **state)
{
	const struct backoff_row *row = *state;
	const struct diagnose d = usual();
	const struct reason r = diagnose_backoff(&d, &row->a);

	check(&row->want, &r);
}

/* ---- responses ---- */

static const struct error_row {
	const char *says;
	enum ocsp_error error;
	struct want want;
	int nonce;
	long long age; /* 0: a month */
} errors[] = {
    {"tryLater is cause try-later", ERROR_TRYLATER,
	.want = T(TRY_LATER, URL ": a word", NULL)},
    {"internalError is cause ocsp-error", ERROR_INTERNAL,
	.want = T(OCSP_ERROR, URL ": a word", NULL)},
    {"malformedRequest asks for the right responder", ERROR_MALFORMED,
	.want = T(OCSP_ERROR, URL ": a word", "is this the right responder?")},
    {"malformedRequest to a nonce is told to do without", ERROR_MALFORMED,
	.want = T(OCSP_ERROR, URL ": a word", "do without --nonce"),
	.nonce = 1},
    {"sigRequired asks for another responder", ERROR_SIGREQUIRED,
	.want = T(OCSP_ERROR, URL ": a word", "--url")},
    {"unauthorized asks for the right responder and issuer", ERROR_UNAUTHORIZED,
	.want =
	    T(UNAUTHORIZED, URL ": a word", "right responder, and the right")},
    {"unauthorized to a nonce names AD CS", ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "as AD CS does not by default"),
	.nonce = 1},
    {"unauthorized about a new certificate says how old it is",
	ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "only 1 h 0 min old"),
	.age = 3600},
    {"unauthorized about one that begins now says how old it is",
	ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "only 0 s old"), .age = ZERO},
    {"two days are old enough to be known", ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "right responder, and"),
	.age = 2 * DAY},
    {"a second less is not", ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "as it is only 1 d 23 h"),
	.age = 2 * DAY - 1},
    {"unauthorized about one that has not begun asks for the clock",
	ERROR_UNAUTHORIZED,
	.want = T(UNAUTHORIZED, URL ": a word", "clock right?"), .age = -3600},
};

static void
run_error(void **state)
{
	const struct error_row *row = *state;
	const struct ocsp_verdict v = {
	    .status = VERDICT_ERROR, .error = row->error, .why = "a word"};
	struct diagnose d = usual();
	struct reason r;

	options.nonce = row->nonce;
	if (row->age != 0)
		cert.not_before = NOW - (row->age == ZERO ? 0 : row->age);
	r = diagnose_ocsp_error(&d, &v);
	check(&row->want, &r);
}

static const struct verdict_row {
	const char *says;
	enum ocsp_status verdict;
	enum code code;
	struct want want;
	int64_t date;        /* of the answer; 0: it has none */
	int64_t this_update; /* 0: the times cannot be read */
	int64_t produced_at;
	long long age; /* of the certificate; 0: a month */
} verdicts[] = {
    {"a response that failed verification is cause refused", VERDICT_REFUSED,
	CODE_REJECTED,
	.want = REJECTED(REFUSED, URL ": its answer is refused: a word", NULL)},
    {"a response about another certificate is cause foreign", VERDICT_FOREIGN,
	CODE_REJECTED,
	.want = REJECTED(FOREIGN, "its answer is refused: a word", NULL)},
    {"a response that has run out is cause expired", VERDICT_STALE,
	CODE_TEMPORARY, .want = T(EXPIRED, URL ": a word", NULL)},
    {"one that ran out by a clock that differs is cause clock", VERDICT_STALE,
	CODE_TEMPORARY,
	.want = T(CLOCK, URL ": a word", "clock right? It says"),
	.date = NOW - DAY},
    {"an hour of difference is none", VERDICT_STALE, CODE_TEMPORARY,
	.want = T(EXPIRED, URL ": a word", NULL), .date = NOW - 3600},
    {"one from the future by a clock that differs is cause clock",
	VERDICT_REFUSED, CODE_REJECTED,
	.want =
	    REJECTED(CLOCK, "refused: a word", "the responder's 2026-11-26"),
	.date = NOW + DAY, .this_update = NOW + DAY},
    {"a producedAt from the future counts as well", VERDICT_REFUSED,
	CODE_REJECTED, .want = REJECTED(CLOCK, "refused: a word", "right?"),
	.date = NOW + DAY, .this_update = NOW - 1, .produced_at = NOW + 1},
    {"one of this second is not from the future", VERDICT_REFUSED,
	CODE_REJECTED, .want = REJECTED(REFUSED, "refused: a word", "right?"),
	.date = NOW + DAY, .this_update = NOW, .produced_at = NOW},
    {"an hour ahead is none either", VERDICT_STALE, CODE_TEMPORARY,
	.want = T(EXPIRED, URL ": a word", NULL), .date = NOW + 3600},
    {"a second more is one", VERDICT_STALE, CODE_TEMPORARY,
	.want = T(CLOCK, URL ": a word", "right?"), .date = NOW + 3601},
    {"a Date excuses no wrong signature", VERDICT_REFUSED, CODE_REJECTED,
	.want = REJECTED(REFUSED, "refused: a word", "clock right?"),
	.date = NOW + DAY},
    {"a response that says revoked is cause revoked", VERDICT_REVOKED,
	CODE_REVOKED,
	.want = {CODE_REVOKED, CAUSE_REVOKED,
	    "the certificate was a word, says " URL, NULL}},
    {"unknown is cause unknown, and asks for the right responder",
	VERDICT_UNKNOWN, CODE_REJECTED,
	.want = REJECTED(UNKNOWN, "a word, though it is 30 d 0 h old",
	    "is this the right responder?")},
    {"unknown of a new certificate is 1, and says how old it is",
	VERDICT_UNKNOWN, CODE_TEMPORARY,
	.want = T(UNKNOWN, URL ": a word", "it is only 1 h 0 min old"),
	.age = 3600},
    {"unknown of one that has not begun asks for the clock", VERDICT_UNKNOWN,
	CODE_TEMPORARY, .want = T(UNKNOWN, URL ": a word", "clock right?"),
	.age = -3600},
};

static void
run_verdict(void **state)
{
	const struct verdict_row *row = *state;
	const struct ocsp_verdict v = {.status = row->verdict,
	    .has_times = row->this_update != 0,
	    .this_update = row->this_update,
	    .produced_at = row->produced_at,
	    .why = "a word"};
	const struct http_answer a = {
	    .result = HTTP_ANSWERED, .date = row->date != 0 ? row->date : -1};
	struct diagnose d = usual();
	struct reason r;

	if (row->age != 0)
		cert.not_before = NOW - (row->age == ZERO ? 0 : row->age);
	r = diagnose_verdict(&d, &v, row->code, &a);
	check(&row->want, &r);
}

/* ---- servers ---- */

static const struct server_row {
	const char *says;
	enum served_result result;
	struct want want;
	const char *address;
	long long left_ms; /* 0: there is no deadline */
} servers[] = {
    {"a server whose name is not known is cause dns", SERVED_ERESOLVE,
	.want = T(DNS, SERVER ": its name cannot be resolved: a word", NULL),
	.address = ""},
    {"a server that does not listen is cause connect", SERVED_ECONNECT,
	.want = T(CONNECT, SERVER ": no connection: a word", NULL),
	.address = ""},
    {"a server that cannot be reached in time names --connect-timeout",
	SERVED_ETIMEOUT, .want = T(TIMEOUT, "a word (--connect-timeout)", NULL),
	.address = ""},
    {"a server that is silent names --timeout", SERVED_ETIMEOUT,
	.want = T(TIMEOUT, "a word (--timeout)", NULL),
	.address = "192.0.2.1 port 443"},
    {"a server that is silent until the deadline names --deadline",
	SERVED_ETIMEOUT, .want = T(TIMEOUT, "a word (--deadline)", NULL),
	.address = "192.0.2.1 port 443", .left_ms = 50},
    {"a server that is silent until no time is left names --deadline",
	SERVED_ETIMEOUT, .want = T(TIMEOUT, "a word (--deadline)", NULL),
	.address = "192.0.2.1 port 443", .left_ms = ZERO},
    {"a server that took all that was left names --deadline", SERVED_ETIMEOUT,
	.want = T(TIMEOUT, "a word (--deadline)", NULL),
	.address = "192.0.2.1 port 443", .left_ms = 60},
    {"a server that took less names --timeout", SERVED_ETIMEOUT,
	.want = T(TIMEOUT, "a word (--timeout)", NULL),
	.address = "192.0.2.1 port 443", .left_ms = 61},
    {"a server without STARTTLS is cause starttls", SERVED_ESTARTTLS,
	.want = T(STARTTLS, "no STARTTLS: a word", NULL), .address = ""},
    {"a server without TLS is cause tls", SERVED_ETLS,
	.want = T(TLS, "no TLS 1.2 or 1.3: a word", NULL), .address = ""},
    {"no memory for a server is 3, cause memory", SERVED_ENOMEM,
	.want = LOCAL(MEMORY, SERVER ": a word"), .address = ""},
};

static void
run_server(void **state)
{
	const struct server_row *row = *state;
	struct served_answer a = {.ms = 60};
	struct diagnose d = usual();
	struct reason r;

	memcpy(a.address, row->address, strlen(row->address) + 1);
	if (row->left_ms != 0)
		d.left_ms = row->left_ms == ZERO ? 0 : row->left_ms;
	r = diagnose_server(&d, row->result, &a, "a word");
	check(&row->want, &r);
}

static const struct staple_row {
	const char *says;
	int nothing;
	struct ocsp_verdict v;
	enum code code;
	struct want want;
	int must_staple;
} staples[] = {
    {"a server that staples nothing is cause not-stapled", .nothing = 1,
	.code = CODE_TEMPORARY,
	.want = T(NOT_STAPLED, SERVER " staples nothing", NULL)},
    {"of a must-staple certificate it says that clients refuse it",
	.nothing = 1, .code = CODE_TEMPORARY, .must_staple = 1,
	.want = T(NOT_STAPLED, "so clients refuse this must-staple", NULL)},
    {"a staple that ends too soon is cause too-short",
	.v = {.status = VERDICT_GOOD, .usable_until = NOW + 60},
	.code = CODE_TEMPORARY,
	.want = T(TOO_SHORT,
	    "usable for 1 min 0 s only, less than the 5 min 0 s", NULL)},
    {"one whose end is assumed says by which option",
	.v = {.status = VERDICT_GOOD,
	    .usable_until = NOW + 60,
	    .bounded_by = BOUND_ASSUMED},
	.code = CODE_TEMPORARY,
	.want = T(
	    TOO_SHORT, "(it has no nextUpdate: see --assume-lifetime)", NULL)},
    {"a staple that says revoked is cause revoked",
	.v = {.status = VERDICT_REVOKED, .why = "a word"}, .code = CODE_REVOKED,
	.want = {CODE_REVOKED, CAUSE_REVOKED,
	    "the certificate was a word, says what " SERVER " staples", NULL}},
    {"a staple that failed verification is cause refused",
	.v = {.status = VERDICT_REFUSED, .why = "a word"},
	.code = CODE_REJECTED,
	.want = REJECTED(REFUSED, "staples is refused: a word", NULL)},
    {"a staple that has run out is cause expired",
	.v = {.status = VERDICT_STALE, .why = "a word"}, .code = CODE_TEMPORARY,
	.must_staple = 1,
	.want = T(EXPIRED,
	    "is of no use: a word; clients refuse this must-staple", NULL)},
    {"a staple that says unknown is no approval",
	.v = {.status = VERDICT_UNKNOWN, .why = "a word"},
	.code = CODE_REJECTED,
	.want = REJECTED(UNKNOWN, "staples is no approval: a word", NULL)},
};

static void
run_staple(void **state)
{
	const struct staple_row *row = *state;
	const struct diagnose d = usual();
	struct reason r;

	cert.must_staple = row->must_staple;
	r = diagnose_staple(&d, row->nothing ? NULL : &row->v, row->code, 300);
	check(&row->want, &r);
}

static void
run_given_up(void **state)
{
	const struct want want = T(CONNECT,
	    SERVER " was not asked: it did not answer for the last 3", NULL);
	const struct diagnose d = usual();
	const struct reason r = diagnose_server_given_up(&d, 3);

	(void)state;
	check(&want, &r);
}

static void
run_other_cert(void **state)
{
	const struct want broken = {CODE_INPUT, CAUSE_OTHER_CERT,
	    SERVER " presents another certificate, one that cannot be decoded",
	    NULL};
	const struct want other = {CODE_INPUT, CAUSE_OTHER_CERT,
	    "CN=b, serial 02, not CN=a, serial 01; reload the server", NULL};
	char a[] = "CN=a", b[] = "CN=b", one[] = "01", two[] = "02";
	const struct diagnose d = usual();
	struct cert presented = cert;
	struct reason r = diagnose_other_cert(&d, NULL);

	(void)state;
	check(&broken, &r);
	cert.subject = a;
	cert.serial_hex = one;
	presented.subject = b;
	presented.serial_hex = two;
	r = diagnose_other_cert(&d, &presented);
	check(&other, &r);
}

/* ---- the clock ---- */

static void
run_clock(void **state)
{
	const struct want before_release = T(CLOCK,
	    "it says 2026-11-25 00:00:00 UTC, which is before this release of "
	    "ocspfetch, 2026-11-26 00:00:00 UTC; set the clock",
	    NULL);
	const struct want before_cert = T(CLOCK,
	    "but the certificate begins only on 2026-10-26 00:00:00 UTC, and "
	    "its issuer's begins later than now, too; set the clock",
	    NULL);
	const struct diagnose d = usual();
	struct reason r = diagnose_clock(&d, CLOCK_BEFORE_RELEASE, NOW + DAY);

	(void)state;
	check(&before_release, &r);
	r = diagnose_clock(&d, CLOCK_BEFORE_CERT, NOW - DAY);
	check(&before_cert, &r);
}

/* ---- all of them ---- */

static struct CMUnitTest tests[200];
static size_t ntests;

static void
add(const char *name, CMUnitTestFunction run, const void *row)
{
	assert_true(ntests < ROWS(tests));
	tests[ntests++] = (struct CMUnitTest){.name = name,
	    .test_func = run,
	    .initial_state = (void *)(uintptr_t)row};
}

#define ADD(table, run)                                                        \
	for (i = 0; i < ROWS(table); i++)                                      \
	add((table)[i].says, run, &(table)[i])

/* Those that are no failure of an exchange or a response are made elsewhere. */
static void
every_cause_of_an_exchange_or_a_response_has_a_row(void **state)
{
	enum cause c;

	(void)state;
	for (c = CAUSE_DNS; c <= CAUSE_REVOKED; c++)
		if (!seen[c] && c != CAUSE_DEADLINE)
			fail_msg("%s has none", outcome_cause(c));
	assert_true(seen[CAUSE_TOO_SHORT] && seen[CAUSE_OTHER_CERT] &&
	    seen[CAUSE_NOT_STAPLED] && seen[CAUSE_LOCAL] &&
	    seen[CAUSE_MEMORY] && seen[CAUSE_CLOCK]);
}

int
main(void)
{
	static const char *const settings[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
	size_t i;

	for (i = 0; i < ROWS(settings); i++)
		unsetenv(settings[i]);
	ADD(https, run_http);
	ADD(bodies, run_body);
	ADD(backoffs, run_backoff);
	ADD(errors, run_error);
	ADD(verdicts, run_verdict);
	ADD(servers, run_server);
	ADD(staples, run_staple);
	add("a server that was given up is cause connect", run_given_up, NULL);
	add("another certificate than expected is 2, and names both",
	    run_other_cert, NULL);
	add("a clock that is wrong is told with what it says", run_clock, NULL);
	add("every cause of an exchange or a response has a row",
	    every_cause_of_an_exchange_or_a_response_has_a_row, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
