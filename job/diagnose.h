/* SPDX-License-Identifier: ISC */
/*
 * diagnose: what a failed exchange, a refused response or what a server staples
 * means: the exit code that it stands for, its cause, a reason in words, and
 * what may be behind it.  Nothing is changed here, and nothing decided but
 * which words fit: who calls says what becomes of it.
 */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include "cert/cert.h"
#include "http.h"
#include "ocsp.h"
#include "cli/options.h"
#include "job/outcome.h"
#include "probe/served.h"

/* So much of a URL is shown, "..." included: the reason is to be seen, too. */
#define DIAGNOSE_URL_MAX 400

/* What was requested, and of whom; all is borrowed. */
struct diagnose {
	const struct options *options;
	const struct cert *cert;
	/* of the responder, or with for_issuer of the issuer; a long one in
	 * part */
	char url[DIAGNOSE_URL_MAX];
	int for_issuer;
	int both_methods; /* it was requested by GET and by POST */
	int by_get;       /* the last request was */
	int64_t now;
	long long left_ms; /* of --deadline; -1: there is none */
};

/* An exchange that brought nothing. */
struct reason diagnose_http(
    const struct diagnose *, const struct http_answer *);

/* It brought something else than `wanted`: "not an OCSP response". */
struct reason diagnose_body(
    const struct diagnose *, const struct http_answer *, const char *wanted);

/* The responder demanded a pause of others, and was not asked. */
struct reason diagnose_backoff(
    const struct diagnose *, const struct http_answer *);

/* An unsigned error, RFC 6960 section 2.3. */
struct reason diagnose_ocsp_error(
    const struct diagnose *, const struct ocsp_verdict *);

/*
 * A response that is not good, or too old, and the code that it stands for;
 * `a` is where it came from.
 */
struct reason diagnose_verdict(const struct diagnose *,
    const struct ocsp_verdict *, enum code, const struct http_answer *a);

/* A server of --served that could not be asked. */
struct reason diagnose_server(const struct diagnose *, enum served_result,
    const struct served_answer *, const char *why);

/* It was given up, after `failures` in a row. */
struct reason diagnose_server_given_up(const struct diagnose *, int failures);

/* This machine's clock is plainly wrong. */
struct reason diagnose_clock(
    const struct diagnose *, enum policy_clock_fault, int64_t released);

/* It presents another certificate; NULL: one that cannot be decoded. */
struct reason diagnose_other_cert(
    const struct diagnose *, const struct cert *other);

/* Why a good response ends where it does, if it does not say; or "". */
const char *diagnose_bound(const struct ocsp_verdict *);

/* What it staples is of no use; NULL: nothing.  `min_valid` was demanded. */
struct reason diagnose_staple(const struct diagnose *,
    const struct ocsp_verdict *, enum code, long long min_valid);

#endif
