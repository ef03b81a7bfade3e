/* SPDX-License-Identifier: ISC */
/*
 * policy.c: every rule of what is decided, as a row with a sentence; edges on
 * both sides of each limit.  Readable as the specification, and complete: `make
 * mutate` turns each comparison of policy.c round, and a row has to notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

/* 2026-11-25 00:00:00 UTC */
#define NOW INT64_C(1795564800)
#define HOUR 3600
#define DAY 86400

/* A verdict of a response from `age` seconds ago that is usable for `left`. */
#define V(verdict, age, left)                                                  \
	{                                                                      \
		.status = VERDICT_##verdict, .this_update = NOW - (age),       \
		.usable_until = NOW + (left), .reason = -1                     \
	}

/* What the options are where nobody gave any. */
#define BUT_M .retry = 2, .timeout = 30, .max_age = -1
#define DEFAULTS .min_valid = -1, BUT_M

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* ---- is it verified ---- */

static const struct verified_row {
	const char *says;
	struct ocsp_verdict v;
	int want;
} verified[] = {
    {"good is a verified word", V(GOOD, 0, HOUR), 1},
    {"revoked is a verified word", V(REVOKED, 0, HOUR), 1},
    {"unknown is no word about the certificate", V(UNKNOWN, 0, HOUR), 0},
    {"an expired response is no word", V(STALE, 0, HOUR), 0},
    {"a refused response is no word", V(REFUSED, 0, HOUR), 0},
    {"another certificate's response is no word", V(FOREIGN, 0, HOUR), 0},
    {"an OCSP error is no word", V(ERROR, 0, HOUR), 0},
    {"what is no response is no word", V(INVALID, 0, HOUR), 0},
};

static void
run_verified(void **state)
{
	const struct verified_row *r = *state;

	assert_int_equal(policy_is_verified(&r->v), r->want);
}

/* ---- how long it has to last ---- */

static const struct demand_row {
	const char *says;
	struct options o;
	struct ocsp_verdict v;
	int responded;
	long long want;
} demands[] = {
    {"300 s are demanded once the responder was reached", {DEFAULTS},
	V(GOOD, DAY, 6 * DAY), 1, 300},
    {"a third of the life is demanded while it was not", {DEFAULTS},
	V(GOOD, DAY, 6 * DAY), 0, 7 * DAY / 3},
    {"never less than 300 s are demanded", {DEFAULTS}, V(GOOD, 0, 899), 0, 300},
    {"a third of 900 s is 300 s", {DEFAULTS}, V(GOOD, 0, 900), 0, 300},
    {"a third of 903 s is 301 s", {DEFAULTS}, V(GOOD, 0, 903), 0, 301},
    {"-m TIME is demanded, reached or not", {BUT_M, .min_valid = HOUR},
	V(GOOD, DAY, 6 * DAY), 0, HOUR},
    {"-m TIME is demanded of a responder that was reached",
	{BUT_M, .min_valid = HOUR}, V(GOOD, DAY, 6 * DAY), 1, HOUR},
    {"-m 0 demands nothing", {BUT_M, .min_valid = 0}, V(GOOD, DAY, 6 * DAY), 0,
	0},
    {"-m N% is a part of the life", {BUT_M, .min_valid = 25, .min_percent = 1},
	V(GOOD, DAY, 3 * DAY), 0, DAY},
    {"-m N% is so of a responder that was reached",
	{BUT_M, .min_valid = 25, .min_percent = 1}, V(GOOD, DAY, 3 * DAY), 1,
	DAY},
    {"-m 0% demands nothing", {BUT_M, .min_valid = 0, .min_percent = 1},
	V(GOOD, DAY, 3 * DAY), 0, 0},
};

static void
run_demand(void **state)
{
	const struct demand_row *r = *state;

	assert_true(policy_min_valid(&r->o, &r->v, r->responded) == r->want);
}

static const struct lasts_row {
	const char *says;
	struct options o;
	struct ocsp_verdict v;
	int responded;
	int want;
} lasting[] = {
    {"good with 300 s left lasts, if it is the newest there is", {DEFAULTS},
	V(GOOD, DAY, 300), 1, 1},
    {"good with 299 s left does not", {DEFAULTS}, V(GOOD, DAY, 299), 1, 0},
    {"good with a third of its life left lasts without a responder", {DEFAULTS},
	V(GOOD, 2 * DAY, DAY), 0, 1},
    {"good with a second less does not", {DEFAULTS},
	V(GOOD, 2 * DAY + 1, DAY - 1), 0, 0},
    {"good with 300 s left does not last without a responder", {DEFAULTS},
	V(GOOD, DAY, 300), 0, 0},
    {"good with as much left as -m demands lasts",
	{BUT_M, .min_valid = 2 * DAY}, V(GOOD, DAY, 2 * DAY), 1, 1},
    {"good with a second less than -m demands does not",
	{BUT_M, .min_valid = 2 * DAY}, V(GOOD, DAY, 2 * DAY - 1), 1, 0},
    {"with -m 0 good lasts to its last second", {BUT_M, .min_valid = 0},
	V(GOOD, DAY, 0), 1, 1},
    {"but not beyond", {BUT_M, .min_valid = 0}, V(GOOD, DAY, -1), 1, 0},
    {"revoked never lasts", {BUT_M, .min_valid = 0}, V(REVOKED, 0, DAY), 1, 0},
    {"unknown never lasts", {BUT_M, .min_valid = 0}, V(UNKNOWN, 0, DAY), 1, 0},
    {"an expired response never lasts", {BUT_M, .min_valid = 0},
	V(STALE, 0, DAY), 1, 0},
};

static void
run_lasts(void **state)
{
	const struct lasts_row *r = *state;

	assert_int_equal(
	    policy_lasts(&r->o, &r->v, r->responded, NOW), r->want);
}

/* ---- --if-due ---- */

static const struct due_row {
	const char *says;
	struct options o;
	struct ocsp_verdict v;
	int none;
	int want;
} due[] = {
    {"one is due where nothing is stored", {DEFAULTS}, V(GOOD, 0, DAY), 1, 1},
    {"none is due in the first half of the life", {DEFAULTS},
	V(GOOD, DAY - 1, DAY + 1), 0, 0},
    {"one is due from half of the life on", {DEFAULTS}, V(GOOD, DAY, DAY), 0,
	1},
    {"half of an odd life is rounded down", {DEFAULTS}, V(GOOD, 1000, 1001), 0,
	1},
    {"one is due earlier where -m demands more", {BUT_M, .min_valid = 3 * DAY},
	V(GOOD, 0, 2 * DAY), 0, 1},
    {"none is due earlier where -m demands as much as is left",
	{BUT_M, .min_valid = 2 * DAY}, V(GOOD, 0, 2 * DAY), 0, 0},
    {"-m 0 does not put it off beyond half of the life",
	{BUT_M, .min_valid = 0}, V(GOOD, DAY, DAY), 0, 1},
    {"one is due at once where the life is too short to last", {DEFAULTS},
	V(GOOD, 0, 299), 0, 1},
    {"none is due where a short life just lasts", {DEFAULTS}, V(GOOD, 0, 300),
	0, 0},
    {"one is always due where revoked is stored", {DEFAULTS},
	V(REVOKED, 0, DAY), 0, 1},
    {"none is due for a response from a clock ahead of ours", {DEFAULTS},
	V(GOOD, -60, DAY), 0, 0},
};

static void
run_due(void **state)
{
	const struct due_row *r = *state;

	assert_int_equal(
	    policy_is_due(&r->o, r->none ? NULL : &r->v, NOW), r->want);
}

/* ---- is there anything to request ---- */

#define CERT(responder, staple, self, left)                                    \
	{                                                                      \
		.has_responder = responder, .must_staple = staple,             \
		.self_signed = self, .not_after = NOW + (left)                 \
	}

static const struct need_row {
	const char *says;
	struct policy_cert c;
	int has_file;
	enum policy_need want;
} needs[] = {
    {"a certificate with a responder needs a response", CERT(1, 0, 0, DAY), 0,
	NEED_RESPONSE},
    {"a must-staple certificate with a responder needs one", CERT(1, 1, 0, DAY),
	0, NEED_RESPONSE},
    {"a certificate without a responder needs none", CERT(0, 0, 0, DAY), 0,
	NEED_NONE},
    {"a must-staple certificate without a responder is a fault",
	CERT(0, 1, 0, DAY), 0, NEED_NO_RESPONDER},
    {"-c judges what is stored for a certificate without a responder",
	CERT(0, 0, 0, DAY), 1, NEED_RESPONSE},
    {"-c judges it for a must-staple certificate, too", CERT(0, 1, 0, DAY), 1,
	NEED_RESPONSE},
    {"a certificate in its last second is asked about", CERT(1, 0, 0, 0), 0,
	NEED_RESPONSE},
    {"an expired certificate is not", CERT(1, 0, 0, -1), 0, NEED_EXPIRED},
    {"an expired certificate without a responder needs none", CERT(0, 0, 0, -1),
	0, NEED_NONE},
    {"a self-signed certificate is not asked about", CERT(1, 0, 1, DAY), 0,
	NEED_SELF_SIGNED},
    {"of an expired self-signed one the end is told", CERT(1, 0, 1, -1), 0,
	NEED_EXPIRED},
    {"a self-signed certificate without a responder needs none",
	CERT(0, 0, 1, DAY), 0, NEED_NONE},
};

static void
run_need(void **state)
{
	const struct need_row *r = *state;

	assert_int_equal(policy_need(&r->c, r->has_file, NOW), r->want);
}

/* ---- which statement counts ---- */

static const struct newer_row {
	const char *says;
	struct ocsp_verdict a, b;
	int want;
} newer[] = {
    {"a later thisUpdate is newer", V(GOOD, 9, DAY), V(GOOD, 10, DAY), 1},
    {"an earlier one is not", V(GOOD, 10, DAY), V(GOOD, 9, DAY), 0},
    {"the same is not newer", V(GOOD, 10, DAY), V(GOOD, 10, DAY), 0},
    {"the same thisUpdate for longer is newer", V(GOOD, 10, DAY + 1),
	V(GOOD, 10, DAY), 1},
    {"the same thisUpdate for less long is not", V(GOOD, 10, DAY),
	V(GOOD, 10, DAY + 1), 0},
    {"a later thisUpdate is newer though it ends sooner", V(GOOD, 9, HOUR),
	V(GOOD, 10, DAY), 1},
    {"an earlier one is not newer though it ends later", V(GOOD, 10, 2 * DAY),
	V(GOOD, 9, DAY), 0},
};

static void
run_newer(void **state)
{
	const struct newer_row *r = *state;

	assert_int_equal(policy_is_newer(&r->a, &r->b), r->want);
}

static const struct replace_row {
	const char *says;
	struct options o;
	int nothing; /* verified is stored */
	struct ocsp_verdict stored, received;
	int want;
} replaces[] = {
    {"a good response is written where none is", {DEFAULTS}, 1, V(GOOD, 0, 0),
	V(GOOD, 0, DAY), 1},
    {"a newer good response replaces a good one", {DEFAULTS}, 0,
	V(GOOD, DAY, DAY), V(GOOD, HOUR, 2 * DAY), 1},
    {"an older good response does not", {DEFAULTS}, 0, V(GOOD, HOUR, DAY),
	V(GOOD, DAY, DAY), 0},
    {"an equally new good response does not", {DEFAULTS}, 0, V(GOOD, HOUR, DAY),
	V(GOOD, HOUR, DAY), 0},
    {"an equally new one that is usable for longer does", {DEFAULTS}, 0,
	V(GOOD, HOUR, DAY), V(GOOD, HOUR, DAY + 1), 1},
    {"a newer one that is about to end leaves one that is not", {DEFAULTS}, 0,
	V(GOOD, DAY, DAY), V(GOOD, HOUR, 299), 0},
    {"a newer one with 300 s left replaces it", {DEFAULTS}, 0,
	V(GOOD, DAY, DAY), V(GOOD, HOUR, 300), 1},
    {"of two that are about to end the newer one counts", {DEFAULTS}, 0,
	V(GOOD, DAY, 200), V(GOOD, HOUR, 250), 1},
    {"-m says what is about to end", {BUT_M, .min_valid = 2 * DAY}, 0,
	V(GOOD, DAY, 3 * DAY), V(GOOD, HOUR, 2 * DAY - 1), 0},
    {"what lasts as long as -m demands replaces", {BUT_M, .min_valid = 2 * DAY},
	0, V(GOOD, DAY, 3 * DAY), V(GOOD, HOUR, 2 * DAY), 1},
    {"-f replaces a newer response by an older one", {DEFAULTS, .force = 1}, 0,
	V(GOOD, HOUR, DAY), V(GOOD, DAY, DAY), 1},
    {"-f replaces revoked by an older good", {DEFAULTS, .force = 1}, 0,
	V(REVOKED, HOUR, DAY), V(GOOD, DAY, DAY), 1},
    {"a newer revoked replaces good", {DEFAULTS}, 0, V(GOOD, DAY, DAY),
	V(REVOKED, HOUR, DAY), 1},
    {"of two that are equally new, revoked replaces good", {DEFAULTS}, 0,
	V(GOOD, HOUR, DAY), V(REVOKED, HOUR, DAY), 1},
    {"though good is usable for longer", {DEFAULTS}, 0, V(GOOD, HOUR, 2 * DAY),
	V(REVOKED, HOUR, DAY), 1},
    {"an older revoked does not replace good", {DEFAULTS}, 0,
	V(GOOD, HOUR, DAY), V(REVOKED, HOUR + 1, DAY), 0},
    {"a newer good replaces revoked (a hold was lifted)", {DEFAULTS}, 0,
	V(REVOKED, HOUR, DAY), V(GOOD, HOUR - 1, DAY), 1},
    {"an equally new good does not replace revoked", {DEFAULTS}, 0,
	V(REVOKED, HOUR, DAY), V(GOOD, HOUR, 2 * DAY), 0},
    {"an older good does not replace revoked", {DEFAULTS}, 0,
	V(REVOKED, HOUR, DAY), V(GOOD, DAY, DAY), 0},
    {"a newer revoked replaces revoked, though it is about to end", {DEFAULTS},
	0, V(REVOKED, DAY, DAY), V(REVOKED, HOUR, 10), 1},
    {"an equally new revoked does not replace revoked", {DEFAULTS}, 0,
	V(REVOKED, HOUR, DAY), V(REVOKED, HOUR, DAY), 0},
    {"an older revoked does not replace revoked", {DEFAULTS}, 0,
	V(REVOKED, HOUR, DAY), V(REVOKED, DAY, DAY), 0},
};

static void
run_replace(void **state)
{
	const struct replace_row *r = *state;

	assert_int_equal(policy_replaces(&r->o, r->nothing ? NULL : &r->stored,
			     &r->received, NOW),
	    r->want);
}

static const struct compare_row {
	const char *says;
	int nothing;
	struct ocsp_verdict stored, stapled;
	int same;
	enum stapled want;
} compares[] = {
    {"the server staples the very bytes that are stored", 0, V(GOOD, HOUR, DAY),
	V(GOOD, HOUR, DAY), 1, STAPLED_SAME},
    {"the very bytes are the same though neither is verified", 1,
	V(STALE, HOUR, DAY), V(STALE, HOUR, DAY), 1, STAPLED_SAME},
    {"the server staples something and nothing verified is stored", 1,
	V(GOOD, HOUR, DAY), V(GOOD, HOUR, DAY), 0, STAPLED_ALONE},
    {"the server staples an older response", 0, V(GOOD, HOUR, DAY),
	V(GOOD, DAY, DAY), 0, STAPLED_OLDER},
    {"the server staples a newer response", 0, V(GOOD, DAY, DAY),
	V(GOOD, HOUR, DAY), 0, STAPLED_NEWER},
    {"the server staples another response that is as new", 0,
	V(GOOD, HOUR, DAY), V(GOOD, HOUR, DAY), 0, STAPLED_OTHER},
    {"the server staples an older revoked", 0, V(GOOD, HOUR, DAY),
	V(REVOKED, DAY, DAY), 0, STAPLED_OLDER},
    {"what is not verified is neither older nor newer", 0, V(GOOD, HOUR, DAY),
	V(STALE, DAY, -HOUR), 0, STAPLED_OTHER},
};

static void
run_compare(void **state)
{
	const struct compare_row *r = *state;

	assert_int_equal(policy_compare(r->nothing ? NULL : &r->stored,
			     &r->stapled, r->same),
	    r->want);
}

static const struct outdated_row {
	const char *says;
	struct options o;
	struct policy_attempt t;
	int nothing;
	struct ocsp_verdict stored, received;
	int want;
} outdated[] = {
    {"older than what is stored is outdated", {DEFAULTS}, {0}, 0,
	V(GOOD, HOUR, DAY), V(GOOD, DAY, DAY), 1},
    {"as new as what is stored is not", {DEFAULTS}, {0}, 0, V(GOOD, HOUR, DAY),
	V(GOOD, HOUR, DAY), 0},
    {"newer than what is stored is not", {DEFAULTS}, {0}, 0, V(GOOD, DAY, DAY),
	V(GOOD, HOUR, DAY), 0},
    {"nothing is outdated where nothing verified is stored", {DEFAULTS}, {0}, 1,
	V(GOOD, HOUR, DAY), V(GOOD, DAY, DAY), 0},
    {"what came past all caches is taken as it is", {DEFAULTS}, {.no_cache = 1},
	0, V(GOOD, HOUR, DAY), V(GOOD, DAY, DAY), 0},
    {"with -f nothing is outdated", {DEFAULTS, .force = 1}, {0}, 0,
	V(GOOD, HOUR, DAY), V(GOOD, DAY, DAY), 0},
    {"an older revoked is outdated, too", {DEFAULTS}, {0}, 0,
	V(GOOD, HOUR, DAY), V(REVOKED, DAY, DAY), 1},
};

static void
run_outdated(void **state)
{
	const struct outdated_row *r = *state;

	assert_int_equal(policy_is_outdated(&r->o, &r->t,
			     r->nothing ? NULL : &r->stored, &r->received),
	    r->want);
}

/* ---- by which method ---- */

/* A URL of 255 characters, and one of 256. */
#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define URL_255 "http://host/" X50 X50 X50 X50 X10 X10 X10 X10 "xxx"

static const struct method_row {
	const char *says;
	int method;
	const char *get_url;
	enum ocsp_method want;
} methods[] = {
    {"a URL of 255 bytes is requested by GET", METHOD_AUTO, URL_255,
	METHOD_GET},
    {"one of 256 bytes by POST", METHOD_AUTO, URL_255 "x", METHOD_POST},
    {"a short one by GET", METHOD_AUTO, "http://a/M", METHOD_GET},
    {"a responder whose URL has a query is asked by POST", METHOD_AUTO, NULL,
	METHOD_POST},
    {"-X get demands GET, however long the URL is", METHOD_GET, URL_255 "x",
	METHOD_GET},
    {"-X get demands GET even where it cannot be", METHOD_GET, NULL,
	METHOD_GET},
    {"-X post demands POST", METHOD_POST, "http://a/M", METHOD_POST},
};

static void
run_method(void **state)
{
	const struct method_row *r = *state;
	struct options o = {DEFAULTS, .method = r->method};

	assert_int_equal(strlen(URL_255), 255);
	assert_int_equal(policy_method(&o, r->get_url), r->want);
}

static void
the_other_method_of_get_is_post(void **state)
{
	(void)state;
	assert_int_equal(policy_other_method(METHOD_GET), METHOD_POST);
	assert_int_equal(policy_other_method(METHOD_POST), METHOD_GET);
}

/* ---- what comes after an exchange ---- */

#define OPT                                                                    \
	{                                                                      \
		DEFAULTS                                                       \
	}
#define BY(how)                                                                \
	{                                                                      \
		.method = METHOD_##how, .has_get_url = 1                       \
	}
#define AGAIN(how)                                                             \
	{                                                                      \
		.method = METHOD_##how, .has_get_url = 1, .switched = 1        \
	}
#define HTTP(code)                                                             \
	{                                                                      \
		.result = HTTP_ANSWERED, .status = (code)                      \
	}
#define SAID(said)                                                             \
	{                                                                      \
		.result = HTTP_ANSWERED, .status = 200,                        \
		.verdict = VERDICT_##said                                      \
	}
#define ERR(which)                                                             \
	{                                                                      \
		.result = HTTP_ANSWERED, .status = 200,                        \
		.verdict = VERDICT_ERROR, .error = ERROR_##which               \
	}
#define NOT_HTTP(why)                                                          \
	{                                                                      \
		.result = HTTP_##why                                           \
	}

static const struct next_row {
	const char *says;
	struct options o;
	struct policy_attempt t;
	struct policy_exchange x;
	enum policy_next want;
} nexts[] = {
    {"a good response is saved", OPT, BY(GET), SAID(GOOD), NEXT_SAVE},
    {"a good one that is older than what is stored is asked for past caches",
	OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_GOOD,
	    .outdated = 1},
	NEXT_NO_CACHE},
    {"revoked ends the requests", OPT, BY(GET), SAID(REVOKED), NEXT_DONE},
    {"with --write-revoked it is saved", {DEFAULTS, .write_revoked = 1},
	BY(GET), SAID(REVOKED), NEXT_SAVE},
    {"a revoked that is older than what is stored is asked for past caches",
	OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REVOKED,
	    .outdated = 1},
	NEXT_NO_CACHE},
    {"also with --write-revoked", {DEFAULTS, .write_revoked = 1}, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REVOKED,
	    .outdated = 1},
	NEXT_NO_CACHE},
    {"an expired response is asked for once more, past caches", OPT, BY(GET),
	SAID(STALE), NEXT_NO_CACHE},
    {"past caches it leads to the next responder", OPT,
	{.method = METHOD_GET, .has_get_url = 1, .no_cache = 1}, SAID(STALE),
	NEXT_RESPONDER},
    {"unknown leads to the next responder", OPT, BY(GET), SAID(UNKNOWN),
	NEXT_RESPONDER},
    {"a refused response leads to the next responder", OPT, BY(GET),
	SAID(REFUSED), NEXT_RESPONDER},
    {"another certificate's response leads to the next responder", OPT, BY(GET),
	SAID(FOREIGN), NEXT_RESPONDER},
    {"malformedRequest to a GET leads to a POST", OPT, BY(GET), ERR(MALFORMED),
	NEXT_METHOD},
    {"malformedRequest to a POST leads to a GET", OPT, BY(POST), ERR(MALFORMED),
	NEXT_METHOD},
    {"unauthorized to a GET leads to a POST", OPT, BY(GET), ERR(UNAUTHORIZED),
	NEXT_METHOD},
    {"unauthorized to a POST leads to the next responder", OPT, BY(POST),
	ERR(UNAUTHORIZED), NEXT_RESPONDER},
    {"tryLater leads to the next responder", OPT, BY(GET), ERR(TRYLATER),
	NEXT_RESPONDER},
    {"internalError leads to the next responder", OPT, BY(GET), ERR(INTERNAL),
	NEXT_RESPONDER},
    {"sigRequired leads to the next responder", OPT, BY(GET), ERR(SIGREQUIRED),
	NEXT_RESPONDER},
    {"a 404 to a GET leads to a POST", OPT, BY(GET), HTTP(404), NEXT_METHOD},
    {"a 405 to a POST leads to a GET", OPT, BY(POST), HTTP(405), NEXT_METHOD},
    {"a web page leads to the other method", OPT, BY(GET), HTTP(200),
	NEXT_METHOD},
    {"a 503 leads to the other method", OPT, BY(GET), HTTP(503), NEXT_METHOD},
    {"the other method is tried once", OPT, AGAIN(POST), HTTP(404),
	NEXT_RESPONDER},
    {"and once after malformedRequest", OPT, AGAIN(POST), ERR(MALFORMED),
	NEXT_RESPONDER},
    {"-X get never changes to POST", {DEFAULTS, .method = METHOD_GET}, BY(GET),
	HTTP(404), NEXT_RESPONDER},
    {"-X post never changes to GET", {DEFAULTS, .method = METHOD_POST},
	BY(POST), HTTP(404), NEXT_RESPONDER},
    {"where GET cannot be, a POST is not followed by one", OPT,
	{.method = METHOD_POST}, HTTP(404), NEXT_RESPONDER},
    {"where GET cannot be, it is no reason against a POST", OPT,
	{.method = METHOD_GET}, HTTP(404), NEXT_METHOD},
    {"a 503 with Retry-After is not followed at once by the other method", OPT,
	BY(GET), {.result = HTTP_ANSWERED, .status = 503, .retry_after = 1},
	NEXT_RESPONDER},
    {"a 429 with Retry-After neither", OPT, BY(GET),
	{.result = HTTP_ANSWERED, .status = 429, .retry_after = 1},
	NEXT_RESPONDER},
    {"a Retry-After with a 404 does not count", OPT, BY(GET),
	{.result = HTTP_ANSWERED, .status = 404, .retry_after = 1},
	NEXT_METHOD},
    {"a connection that failed leads to the next responder", OPT, BY(GET),
	NOT_HTTP(ECONNECT), NEXT_RESPONDER},
    {"a time-out leads to the next responder", OPT, BY(GET), NOT_HTTP(ETIMEOUT),
	NEXT_RESPONDER},
    {"a good body is not looked at where the exchange failed", OPT, BY(GET),
	{.result = HTTP_EBROKEN, .verdict = VERDICT_GOOD}, NEXT_RESPONDER},
    {"memory that ran out ends the requests", OPT, BY(GET), NOT_HTTP(ENOMEM),
	NEXT_DONE},
    {"a responder that was given up leads to the next one", OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 503,
	    .skipped = 1,
	    .verdict = VERDICT_GOOD},
	NEXT_RESPONDER},
};

static void
run_next(void **state)
{
	const struct next_row *r = *state;

	assert_int_equal(policy_next(&r->o, &r->t, &r->x), r->want);
}

static const struct transient_row {
	const char *says;
	struct policy_exchange x;
	int want;
} transients[] = {
    {"a name that cannot be resolved may pass", NOT_HTTP(ERESOLVE), 1},
    {"a connection that failed may pass", NOT_HTTP(ECONNECT), 1},
    {"a connection that timed out may pass", NOT_HTTP(ETIMECONNECT), 1},
    {"a response that timed out may pass", NOT_HTTP(ETIMEOUT), 1},
    {"a proxy that failed may pass", NOT_HTTP(EPROXY), 1},
    {"a response that was cut off may pass", NOT_HTTP(EBROKEN), 1},
    {"a response that is too large will not pass", NOT_HTTP(ETOOBIG), 0},
    {"a server that is not trusted will not pass", NOT_HTTP(ETLS), 0},
    {"what libcurl cannot do will not pass", NOT_HTTP(EOTHER), 0},
    {"memory that ran out will not pass", NOT_HTTP(ENOMEM), 0},
    {"a responder that was given up is not asked again",
	{.result = HTTP_ECONNECT, .skipped = 1}, 0},
    {"HTTP 500 may pass", HTTP(500), 1},
    {"HTTP 499 will not pass", HTTP(499), 0},
    {"HTTP 503 may pass", HTTP(503), 1},
    {"HTTP 599 may pass", HTTP(599), 1},
    {"HTTP 408 may pass", HTTP(408), 1},
    {"HTTP 407 will not pass", HTTP(407), 0},
    {"HTTP 409 will not pass", HTTP(409), 0},
    {"HTTP 429 may pass", HTTP(429), 1},
    {"HTTP 428 will not pass", HTTP(428), 0},
    {"HTTP 430 will not pass", HTTP(430), 0},
    {"HTTP 404 will not pass", HTTP(404), 0},
    {"a web page with HTTP 200 will not pass", HTTP(200), 0},
    {"tryLater may pass", ERR(TRYLATER), 1},
    {"internalError may pass", ERR(INTERNAL), 1},
    {"unauthorized will not pass", ERR(UNAUTHORIZED), 0},
    {"malformedRequest will not pass", ERR(MALFORMED), 0},
    {"sigRequired will not pass", ERR(SIGREQUIRED), 0},
    {"a refused response will not pass, whatever HTTP says",
	{.result = HTTP_ANSWERED, .status = 500, .verdict = VERDICT_REFUSED},
	0},
    {"unauthorized with HTTP 500 will not pass",
	{.result = HTTP_ANSWERED,
	    .status = 500,
	    .verdict = VERDICT_ERROR,
	    .error = ERROR_UNAUTHORIZED},
	0},
    {"good is no failure", SAID(GOOD), 0},
};

static void
run_transient(void **state)
{
	const struct transient_row *r = *state;

	assert_int_equal(policy_is_transient(&r->x), r->want);
}

/* ---- when ---- */

static const struct waits_row {
	const char *says;
	long long wait;
	enum code outcome;
	int lasts;
	int want;
} waiting[] = {
    {"--wait goes on after a temporary failure", 60, CODE_TEMPORARY, 0, 1},
    {"a wait of a second is one", 1, CODE_TEMPORARY, 0, 1},
    {"without --wait nothing is waited for", 0, CODE_TEMPORARY, 0, 0},
    {"--wait ends when what is there lasts", 60, CODE_TEMPORARY, 1, 0},
    {"--wait is not for bad input", 60, CODE_INPUT, 0, 0},
    {"--wait is not for what succeeded", 60, CODE_OK, 0, 0},
    {"--wait is not for a rejection", 60, CODE_REJECTED, 0, 0},
};

static void
run_waits(void **state)
{
	const struct waits_row *r = *state;
	struct options o = {DEFAULTS, .wait = r->wait};

	assert_int_equal(policy_waits(&o, r->outcome, r->lasts), r->want);
}

static const struct pause_row {
	const char *says;
	long long retry;
	struct policy_attempt t;
	struct policy_clock c;
	int waits;
	long long retry_after;
	long long want;
} pauses[] = {
    {"the first retry is after 1 s", 2, {.transient = 1}, {-1, -1}, 0, 0, 1000},
    {"the second retry is after 2 s", 2, {.transient = 1, .round = 1}, {-1, -1},
	0, 0, 2000},
    {"after -r retries there is none", 2, {.transient = 1, .round = 2},
	{-1, -1}, 0, 0, -1},
    {"-r 0 makes no retry", 0, {.transient = 1}, {-1, -1}, 0, 0, -1},
    {"what will not pass is not retried", 2, {.transient = 0}, {-1, -1}, 0, 0,
	-1},
    {"the sixth retry is after 32 s", 9, {.transient = 1, .round = 5}, {-1, -1},
	0, 0, 32000},
    {"the seventh is after 60 s", 9, {.transient = 1, .round = 6}, {-1, -1}, 0,
	0, 60000},
    {"and so is each later one", 99, {.transient = 1, .round = 70}, {-1, -1}, 0,
	0, 60000},
    {"a longer Retry-After is kept to", 2, {.transient = 1}, {-1, -1}, 0, 7,
	7000},
    {"a shorter one does not hasten", 2, {.transient = 1, .round = 1}, {-1, -1},
	0, 1, 2000},
    {"a Retry-After of 60 s is kept to", 2, {.transient = 1}, {-1, -1}, 0, 60,
	60000},
    {"one of 61 s ends the retries", 2, {.transient = 1}, {-1, -1}, 0, 61, -1},
    {"unless --wait leaves room for it", 2, {.transient = 1}, {70000, -1}, 1,
	61, 61000},
    {"which is a second more than it", 2, {.transient = 1}, {62001, -1}, 1, 61,
	61000},
    {"and no less", 2, {.transient = 1}, {62000, -1}, 1, 61, -1},
    {"--wait goes on after -r retries", 2, {.transient = 1, .round = 2},
	{60000, -1}, 1, 0, 4000},
    {"--wait goes on after what will not pass", 2, {.transient = 0},
	{60000, -1}, 1, 0, 1000},
    {"near the end of --wait the pause is half of what is left", 2,
	{.transient = 1, .round = 3}, {10000, -1}, 1, 0, 5000},
    {"half of what is left, and not more", 2, {.transient = 1, .round = 3},
	{16000, -1}, 1, 0, 8000},
    {"but never under a second", 2, {.transient = 1, .round = 3}, {1500, -1}, 1,
	0, 1000},
    {"with a second left --wait ends", 2, {.transient = 1, .round = 3},
	{1000, -1}, 1, 0, -1},
    {"with a millisecond more it does not", 2, {.transient = 1, .round = 3},
	{1001, -1}, 1, 0, 1000},
    {"Retry-After is kept to near the end of --wait", 2,
	{.transient = 1, .round = 3}, {10000, -1}, 1, 8, 8000},
    {"a pause that ends before the deadline is made", 2, {.transient = 1},
	{-1, 1001}, 0, 0, 1000},
    {"one that ends with the deadline is not", 2, {.transient = 1}, {-1, 1000},
	0, 0, -1},
    {"after the deadline there is none", 2, {.transient = 1}, {-1, 0}, 0, 0,
	-1},
};

static void
run_pause(void **state)
{
	const struct pause_row *r = *state;
	struct options o = {DEFAULTS, .wait = 60};

	o.retry = r->retry;
	assert_true(policy_pause(&o, &r->t, &r->c, r->waits, r->retry_after) ==
	    r->want);
}

static const struct timeout_row {
	const char *says;
	long long round;
	struct policy_clock c;
	long want;
} timeouts[] = {
    {"an exchange has the time of -t", 0, {-1, -1}, 30000},
    {"a retry has it, too", 2, {5000, -1}, 30000},
    {"what --wait alone brings about ends with it", 3, {5000, -1}, 5000},
    {"but has a second at the least", 3, {10, -1}, 1000},
    {"also where nothing is left", 3, {-5000, -1}, 1000},
    {"--wait never lengthens -t", 3, {90000, -1}, 30000},
    {"and leaves it as it is where both are the same", 3, {30000, -1}, 30000},
    {"--deadline shortens it", 0, {-1, 7000}, 7000},
    {"to its last millisecond", 0, {-1, 1}, 1},
    {"a deadline of which nothing is left is told before, not here", 0, {-1, 0},
	30000},
    {"--deadline never lengthens it", 0, {-1, 30001}, 30000},
    {"--deadline shortens what --wait left", 3, {5000, 2000}, 2000},
};

static void
run_timeout(void **state)
{
	const struct timeout_row *r = *state;
	struct options o = {DEFAULTS, .wait = 60};
	struct policy_attempt t = {.round = r->round};

	assert_int_equal(policy_timeout(&o, &t, &r->c), r->want);
}

static const struct host_row {
	const char *says;
	int failures;
	long long retry_after;
	enum policy_host want;
} hosts[] = {
    {"a responder is tried again after a failure", 1, 0, HOST_GOES_ON},
    {"and after seven in a row", 7, 0, HOST_GOES_ON},
    {"after eight in a row it is given up", 8, 0, HOST_GIVEN_UP},
    {"one that says Retry-After is left alone so long", 1, 1, HOST_PAUSES},
    {"also for a minute", 1, 60, HOST_PAUSES},
    {"one that says more than a minute is given up", 1, 61, HOST_GIVEN_UP},
    {"eight Retry-After in a row are given up on, too", 8, 1, HOST_GIVEN_UP},
};

static void
run_host(void **state)
{
	const struct host_row *r = *state;

	assert_int_equal(policy_host(r->failures, r->retry_after), r->want);
}

static const struct probe_row {
	const char *says;
	long long wait, round;
	int busy;
	int want;
} probes[] = {
    {"--wait sees after a pause whether a responder is back", 60, 1, 0, 1},
    {"one request at a time", 60, 1, 1, 0},
    {"not before a pause", 60, 0, 0, 0},
    {"not without --wait", 0, 1, 0, 0},
};

static void
run_probe(void **state)
{
	const struct probe_row *r = *state;
	struct options o = {DEFAULTS, .wait = r->wait};

	assert_int_equal(policy_probes(&o, r->round, r->busy), r->want);
}

/* ---- exit codes ---- */

static const struct code_row {
	const char *says;
	enum policy_source from;
	enum ocsp_status status;
	int64_t age;
	enum code want;
} codes[] = {
    {"a responder's good is 0", FROM_RESPONDER, VERDICT_GOOD, DAY, CODE_OK},
    {"a responder's revoked is 5", FROM_RESPONDER, VERDICT_REVOKED, DAY,
	CODE_REVOKED},
    {"a responder's unknown is 4", FROM_RESPONDER, VERDICT_UNKNOWN, 3 * DAY,
	CODE_REJECTED},
    {"48 h after notBefore unknown is 4", FROM_RESPONDER, VERDICT_UNKNOWN,
	2 * DAY, CODE_REJECTED},
    {"a second before it is 1", FROM_RESPONDER, VERDICT_UNKNOWN, 2 * DAY - 1,
	CODE_TEMPORARY},
    {"before notBefore unknown is 1", FROM_RESPONDER, VERDICT_UNKNOWN, -HOUR,
	CODE_TEMPORARY},
    {"a response that fails verification is 4", FROM_RESPONDER, VERDICT_REFUSED,
	0, CODE_REJECTED},
    {"a responder's word on other certificates is 4", FROM_RESPONDER,
	VERDICT_FOREIGN, DAY, CODE_REJECTED},
    {"a responder's expired response is 4", FROM_RESPONDER, VERDICT_STALE, DAY,
	CODE_REJECTED},
    {"an OCSP error is 1", FROM_RESPONDER, VERDICT_ERROR, DAY, CODE_TEMPORARY},
    {"what is no response is 1", FROM_RESPONDER, VERDICT_INVALID, DAY,
	CODE_TEMPORARY},
    {"a stored good is 0", FROM_FILE, VERDICT_GOOD, DAY, CODE_OK},
    {"a stored revoked is 5", FROM_FILE, VERDICT_REVOKED, DAY, CODE_REVOKED},
    {"a stored unknown is 4", FROM_FILE, VERDICT_UNKNOWN, 2 * DAY,
	CODE_REJECTED},
    {"a stored unknown of a new certificate is 1", FROM_FILE, VERDICT_UNKNOWN,
	2 * DAY - 1, CODE_TEMPORARY},
    {"a stored response that fails verification is 4", FROM_FILE,
	VERDICT_REFUSED, DAY, CODE_REJECTED},
    {"the stored response of another certificate is 1, as after a renewal",
	FROM_FILE, VERDICT_FOREIGN, DAY, CODE_TEMPORARY},
    {"a stored response that expired is 1", FROM_FILE, VERDICT_STALE, DAY,
	CODE_TEMPORARY},
    {"a stored OCSP error is 1", FROM_FILE, VERDICT_ERROR, DAY, CODE_TEMPORARY},
    {"a stored file that is no response is 1", FROM_FILE, VERDICT_INVALID, DAY,
	CODE_TEMPORARY},
    {"a stapled good is 0", FROM_SERVER, VERDICT_GOOD, DAY, CODE_OK},
    {"a stapled revoked is 5", FROM_SERVER, VERDICT_REVOKED, DAY, CODE_REVOKED},
    {"a stapled unknown is 4", FROM_SERVER, VERDICT_UNKNOWN, 2 * DAY,
	CODE_REJECTED},
    {"a stapled response that fails verification is 4", FROM_SERVER,
	VERDICT_REFUSED, DAY, CODE_REJECTED},
    {"a stapled response of another certificate is 4", FROM_SERVER,
	VERDICT_FOREIGN, DAY, CODE_REJECTED},
    {"a stapled response that expired is 1", FROM_SERVER, VERDICT_STALE, DAY,
	CODE_TEMPORARY},
    {"a stapled OCSP error is 1", FROM_SERVER, VERDICT_ERROR, DAY,
	CODE_TEMPORARY},
    {"a staple that is no response is 1", FROM_SERVER, VERDICT_INVALID, DAY,
	CODE_TEMPORARY},
};

static void
run_code(void **state)
{
	const struct code_row *r = *state;
	struct ocsp_verdict v = {.status = r->status};

	assert_int_equal(policy_verdict_code(r->from, &v, r->age), r->want);
}

static const struct ignore_row {
	const char *says;
	enum code outcome;
	int needs_none, revoked;
	int want;
} ignores[] = {
    {"-c passes over what lies beside a certificate that needs none",
	CODE_REJECTED, 1, 0, 1},
    {"but not a revocation", CODE_REVOKED, 1, 1, 0},
    {"nor a file that could not be read", CODE_LOCAL, 1, 0, 0},
    {"nor anything beside a certificate that needs one", CODE_REJECTED, 0, 0,
	0},
    {"an outdated response beside it is passed over", CODE_TEMPORARY, 1, 0, 1},
};

static void
run_ignore(void **state)
{
	const struct ignore_row *r = *state;

	assert_int_equal(
	    policy_ignores_stored(r->outcome, r->needs_none, r->revoked),
	    r->want);
}

static const struct exit_row {
	const char *says;
	struct policy_end end;
	enum code want;
} exits[] = {
    {"0: what is there lasts", {CODE_OK, 0, 1}, CODE_OK},
    {"1: nothing failed, but what is there does not last", {CODE_OK, 0, 0},
	CODE_TEMPORARY},
    {"0: a temporary failure is no alarm while what is there lasts",
	{CODE_TEMPORARY, 0, 1}, CODE_OK},
    {"1: a temporary failure, and what is there does not last",
	{CODE_TEMPORARY, 0, 0}, CODE_TEMPORARY},
    {"0: nothing is needed", {CODE_OK, 1, 0}, CODE_OK},
    {"1: nothing is needed, and yet something failed", {CODE_TEMPORARY, 1, 1},
	CODE_TEMPORARY},
    {"2: bad input, though what is there lasts", {CODE_INPUT, 0, 1},
	CODE_INPUT},
    {"3: a local failure, though what is there lasts", {CODE_LOCAL, 0, 1},
	CODE_LOCAL},
    {"4: a rejection, though what is there lasts", {CODE_REJECTED, 0, 1},
	CODE_REJECTED},
    {"5: revoked, though what is there lasts", {CODE_REVOKED, 0, 1},
	CODE_REVOKED},
};

static void
run_exit(void **state)
{
	const struct exit_row *r = *state;

	assert_int_equal(policy_exit(&r->end), r->want);
}

static void
of_several_codes_the_highest_counts(void **state)
{
	int a, b;

	(void)state;
	for (a = CODE_OK; a <= CODE_REVOKED; a++)
		for (b = CODE_OK; b <= CODE_REVOKED; b++)
			assert_int_equal(
			    policy_gravest((enum code)a, (enum code)b),
			    a < b ? b : a);
}

static const struct run_row {
	const char *says;
	long long exit_changed;
	enum code worst;
	int changed;
	int want;
} runs[] = {
    {"a run's code is its worst", 0, CODE_REJECTED, 0, 4},
    {"a run that changed something is 0", 0, CODE_OK, 1, 0},
    {"--exit-changed=N makes it N", 10, CODE_OK, 1, 10},
    {"a run that changed nothing stays 0", 10, CODE_OK, 0, 0},
    {"a failure outweighs a change", 10, CODE_TEMPORARY, 1, 1},
};

static void
run_run(void **state)
{
	const struct run_row *r = *state;
	struct options o = {DEFAULTS, .exit_changed = r->exit_changed};

	assert_int_equal(policy_exit_run(&o, r->worst, r->changed), r->want);
}

static const struct push_row {
	const char *says;
	size_t sockets;
	int dry_run, nothing;
	struct ocsp_verdict stored;
	enum code outcome;
	int needs_none;
	int want;
} pushes[] = {
    {"a good response is pushed into HAProxy", 1, 0, 0, V(GOOD, 0, DAY),
	CODE_OK, 0, 1},
    {"also after a failure that is not about it", 2, 0, 0, V(GOOD, 0, DAY),
	CODE_REJECTED, 0, 1},
    {"nothing is pushed without --haproxy", 0, 0, 0, V(GOOD, 0, DAY), CODE_OK,
	0, 0},
    {"nothing is pushed by -n", 1, 1, 0, V(GOOD, 0, DAY), CODE_OK, 0, 0},
    {"nothing is pushed where nothing verified is stored", 1, 0, 1,
	V(GOOD, 0, DAY), CODE_OK, 0, 0},
    {"a revoked response is not pushed", 1, 0, 0, V(REVOKED, 0, DAY),
	CODE_REVOKED, 0, 0},
    {"good is not pushed once revoked was heard", 1, 0, 0, V(GOOD, 0, DAY),
	CODE_REVOKED, 0, 0},
    {"nothing is pushed for a certificate that needs none", 1, 0, 0,
	V(GOOD, 0, DAY), CODE_OK, 1, 0},
};

static void
run_push(void **state)
{
	const struct push_row *r = *state;
	struct options o = {
	    DEFAULTS, .haproxy.n = r->sockets, .dry_run = r->dry_run};

	assert_int_equal(policy_pushes(&o, r->nothing ? NULL : &r->stored,
			     r->outcome, r->needs_none),
	    r->want);
}

static const struct hand_row {
	const char *says;
	int no_next, written;
	enum policy_holds holds;
	struct ocsp_verdict v;
	int unverified;
	enum policy_push want;
} hands[] = {
    {"a HAProxy that has nothing is given the response", 0, 0, HOLDS_NOTHING,
	V(INVALID, 0, 0), 0, PUSH_DO},
    {"what it has already is not pushed", 0, 1, HOLDS_SAME, V(INVALID, 0, 0), 0,
	PUSH_SAME},
    {"an older response is replaced", 0, 0, HOLDS_OTHER, V(GOOD, DAY + 1, DAY),
	0, PUSH_DO},
    {"one as new, but with other bytes, is replaced", 0, 0, HOLDS_OTHER,
	V(GOOD, DAY, DAY), 0, PUSH_DO},
    {"a later response stays", 0, 1, HOLDS_OTHER, V(GOOD, DAY - 1, DAY), 0,
	PUSH_NEWER},
    {"one as new that lasts longer stays", 0, 0, HOLDS_OTHER,
	V(GOOD, DAY, DAY + 1), 0, PUSH_NEWER},
    {"a later response that is only told of stays, too", 0, 1, HOLDS_OTHER,
	V(GOOD, DAY - 1, DAY), 1, PUSH_NEWER},
    {"a later revoked is the word that counts", 0, 1, HOLDS_OTHER,
	V(REVOKED, DAY - 1, DAY), 0, PUSH_REVOKED},
    {"of two that are equally new the revoked counts", 0, 1, HOLDS_OTHER,
	V(REVOKED, DAY, DAY), 0, PUSH_REVOKED},
    {"an older revoked is replaced", 0, 0, HOLDS_OTHER,
	V(REVOKED, DAY + 1, DAY), 0, PUSH_DO},
    {"a later revoked that is not verified is not replaced", 0, 1, HOLDS_OTHER,
	V(REVOKED, DAY - 1, DAY), 1, PUSH_UNPROVEN},
    {"what fails verification is replaced, whatever it says", 0, 0, HOLDS_OTHER,
	V(REFUSED, 0, DAY), 0, PUSH_DO},
    {"what has run out is replaced", 0, 0, HOLDS_OTHER, V(STALE, 0, 0), 0,
	PUSH_DO},
    {"a response without nextUpdate is not pushed", 1, 1, HOLDS_NOTHING,
	V(INVALID, 0, 0), 0, PUSH_NO_NEXT},
    {"nor over an older one", 1, 1, HOLDS_OTHER, V(GOOD, DAY + 1, DAY), 0,
	PUSH_NO_NEXT},
    {"one without nextUpdate keeps no revoked from being heard", 1, 1,
	HOLDS_OTHER, V(REVOKED, 0, DAY), 0, PUSH_REVOKED},
    {"one without nextUpdate that HAProxy has is the same", 1, 0, HOLDS_SAME,
	V(INVALID, 0, 0), 0, PUSH_SAME},
    {"over what cannot be read goes what this run wrote", 0, 1, HOLDS_UNREAD,
	V(INVALID, 0, 0), 0, PUSH_DO},
    {"over what cannot be read goes nothing else", 0, 0, HOLDS_UNREAD,
	V(INVALID, 0, 0), 0, PUSH_UNREAD},
};

static void
run_hand(void **state)
{
	const struct hand_row *r = *state;
	struct ocsp_verdict ours = V(GOOD, DAY, DAY);
	const struct policy_held held = {
	    .holds = r->holds, .v = &r->v, .verified = !r->unverified};

	ours.has_next = !r->no_next;
	assert_int_equal(policy_push(&ours, r->written, &held), r->want);
}

/* ---- the rows as tests ---- */

static struct CMUnitTest tests[512];
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

static void
no_two_rows_have_the_same_sentence(void **state)
{
	size_t a, b;

	(void)state;
	for (a = 0; a < ntests; a++)
		for (b = 0; b < a; b++)
			assert_string_not_equal(tests[a].name, tests[b].name);
}

int
main(void)
{
	size_t i;

	ADD(verified, run_verified);
	ADD(demands, run_demand);
	ADD(lasting, run_lasts);
	ADD(due, run_due);
	ADD(needs, run_need);
	ADD(newer, run_newer);
	ADD(replaces, run_replace);
	ADD(compares, run_compare);
	ADD(outdated, run_outdated);
	ADD(methods, run_method);
	add("the other method of GET is POST", the_other_method_of_get_is_post,
	    NULL);
	ADD(nexts, run_next);
	ADD(transients, run_transient);
	ADD(waiting, run_waits);
	ADD(pauses, run_pause);
	ADD(timeouts, run_timeout);
	ADD(hosts, run_host);
	ADD(probes, run_probe);
	ADD(codes, run_code);
	ADD(ignores, run_ignore);
	ADD(exits, run_exit);
	add("of several codes the highest counts",
	    of_several_codes_the_highest_counts, NULL);
	ADD(runs, run_run);
	ADD(pushes, run_push);
	ADD(hands, run_hand);
	add("no two rows have the same sentence",
	    no_two_rows_have_the_same_sentence, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
