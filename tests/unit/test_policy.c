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

#include "job/policy.h"

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

static const struct asks_row {
	const char *says;
	struct options o;
	int none;
	struct ocsp_verdict v;
	int changes;
	int want;
} asks[] = {
    {"the responder is asked, whatever is stored", {DEFAULTS}, 0,
	V(GOOD, 0, DAY), 0, 1},
    {"and where nothing is", {DEFAULTS}, 1, V(GOOD, 0, DAY), 0, 1},
    {"with -d it is not while none is due", {DEFAULTS, .if_due = 1}, 0,
	V(GOOD, 0, DAY), 0, 0},
    {"with -d it is when one is due", {DEFAULTS, .if_due = 1}, 0,
	V(GOOD, DAY, DAY), 0, 1},
    {"about what changed it is not, if what is there lasts", {DEFAULTS}, 0,
	V(GOOD, 4 * DAY, 2 * DAY), 1, 0},
    {"but it is if that does not last", {DEFAULTS}, 0,
	V(GOOD, 4 * DAY + 3, 2 * DAY), 1, 1},
    {"or is revoked", {DEFAULTS}, 0, V(REVOKED, 0, DAY), 1, 1},
    {"or is gone", {DEFAULTS}, 1, V(GOOD, 0, DAY), 1, 1},
    {"also with -d", {DEFAULTS, .if_due = 1}, 1, V(GOOD, 0, DAY), 1, 1},
};

static void
run_asks(void **state)
{
	const struct asks_row *r = *state;

	assert_int_equal(
	    policy_asks(&r->o, r->none ? NULL : &r->v, r->changes, NOW),
	    r->want);
}

/* ---- is the clock right ---- */

static const struct clock_row {
	const char *says;
	int64_t released, cert_from, issuer_from;
	enum policy_clock_fault want;
} clocks[] = {
    {"a clock after all beginnings fits", NOW - DAY, NOW - HOUR, NOW - DAY,
	CLOCK_FITS},
    {"the day of the release itself is no fault", NOW, NOW - HOUR, NOW - DAY,
	CLOCK_FITS},
    {"a clock before this release is plainly wrong", NOW + 1, NOW - HOUR,
	NOW - DAY, CLOCK_BEFORE_RELEASE},
    {"a certificate that begins later may be just that", NOW - DAY, NOW + 1,
	NOW, CLOCK_FITS},
    {"with an issuer that begins later, too, it is the clock", NOW - DAY,
	NOW + 1, NOW + 1, CLOCK_BEFORE_CERT},
    {"an issuer that begins later is not, by itself", NOW - DAY, NOW, NOW + 1,
	CLOCK_FITS},
    {"an issuer that is not known proves nothing", NOW - DAY, NOW + DAY,
	INT64_MIN, CLOCK_FITS},
};

static void
run_clock(void **state)
{
	const struct clock_row *r = *state;

	assert_int_equal(
	    policy_clock_fault(NOW, r->released, r->cert_from, r->issuer_from),
	    r->want);
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

static const struct anew_row {
	const char *says;
	int changes;
	int want;
} anew[] = {
    {"a certificate that was renewed during the run is begun anew", 1, 1},
    {"and once more", 2, 1},
    {"a third change in one run is 1", 3, 0},
};

static void
run_anew(void **state)
{
	const struct anew_row *r = *state;

	assert_int_equal(policy_begins_anew(r->changes), r->want);
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

static const struct counts_row {
	const char *says;
	struct ocsp_verdict v;
	int alone;
	struct ocsp_verdict other;
	int want;
} counting[] = {
    {"the only word counts", V(REVOKED, DAY, DAY), 1, V(GOOD, 0, 0), 1},
    {"a later revoked counts beside good", V(REVOKED, 9, DAY), 0,
	V(GOOD, 10, DAY), 1},
    {"an earlier revoked does not", V(REVOKED, 10, DAY), 0, V(GOOD, 9, DAY), 0},
    {"a revoked that is as new as good counts", V(REVOKED, 10, DAY), 0,
	V(GOOD, 10, 9 * DAY), 1},
    {"a good that is as new as revoked does not", V(GOOD, 10, 9 * DAY), 0,
	V(REVOKED, 10, DAY), 0},
    {"a later good counts beside revoked", V(GOOD, 9, DAY), 0,
	V(REVOKED, 10, DAY), 1},
    {"an earlier good does not", V(GOOD, 10, DAY), 0, V(REVOKED, 9, DAY), 0},
    {"a revoked that has run out counts like any other", V(REVOKED, 9, -1), 0,
	V(GOOD, 10, DAY), 1},
    {"a revoked counts beside a revoked that is as new", V(REVOKED, 10, DAY), 0,
	V(REVOKED, 10, DAY), 1},
};

static void
run_counts(void **state)
{
	const struct counts_row *r = *state;

	assert_int_equal(
	    policy_counts(&r->v, r->alone ? NULL : &r->other), r->want);
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
    {"a newer response replaces one that has run out", {DEFAULTS}, 0,
	V(STALE, DAY, -1), V(GOOD, HOUR, DAY), 1},
    {"also if it is about to end", {DEFAULTS}, 0, V(STALE, DAY, -1),
	V(GOOD, HOUR, 10), 1},
    {"an older one does not replace one that has run out", {DEFAULTS}, 0,
	V(STALE, HOUR, -1), V(GOOD, DAY, DAY), 0},
    {"nor one that seems to come from the future", {DEFAULTS}, 0,
	V(REFUSED, -DAY, 2 * DAY), V(GOOD, HOUR, DAY), 0},
    {"-f replaces what seems to come from the future", {DEFAULTS, .force = 1},
	0, V(REFUSED, -DAY, 2 * DAY), V(GOOD, HOUR, DAY), 1},
    {"an older revoked does not replace what has run out", {DEFAULTS}, 0,
	V(STALE, HOUR, -1), V(REVOKED, DAY, DAY), 0},
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
	enum ocsp_method known, want;
} methods[] = {
    {"a URL of 255 bytes is requested by GET", METHOD_AUTO, URL_255,
	METHOD_AUTO, METHOD_GET},
    {"one of 256 bytes by POST", METHOD_AUTO, URL_255 "x", METHOD_AUTO,
	METHOD_POST},
    {"a short one by GET", METHOD_AUTO, "http://a/M", METHOD_AUTO, METHOD_GET},
    {"a responder whose URL has a query is asked by POST", METHOD_AUTO, NULL,
	METHOD_AUTO, METHOD_POST},
    {"-X get demands GET, however long the URL is", METHOD_GET, URL_255 "x",
	METHOD_POST, METHOD_GET},
    {"-X get demands GET even where it cannot be", METHOD_GET, NULL,
	METHOD_AUTO, METHOD_GET},
    {"-X post demands POST", METHOD_POST, "http://a/M", METHOD_GET,
	METHOD_POST},
    {"a responder that is known to answer POST only is asked by POST",
	METHOD_AUTO, "http://a/M", METHOD_POST, METHOD_POST},
    {"one that is known to answer GET only is asked by GET, however long "
     "the URL is",
	METHOD_AUTO, URL_255 "x", METHOD_GET, METHOD_GET},
    {"but not where GET cannot be", METHOD_AUTO, NULL, METHOD_GET, METHOD_POST},
};

static void
run_method(void **state)
{
	const struct method_row *r = *state;
	struct options o = {DEFAULTS, .method = r->method};

	assert_int_equal(strlen(URL_255), 255);
	assert_int_equal(policy_method(&o, r->get_url, r->known), r->want);
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
		.method = METHOD_##how, .has_get_url = 1,                      \
		.switched = SWITCHED_NOT_OCSP                                  \
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
#define CONNECTED(why)                                                         \
	{                                                                      \
		.result = HTTP_##why, .connected = 1                           \
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
    {"a good one after a later revoked, of another responder, is not saved",
	OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_GOOD,
	    .outweighed = 1},
	NEXT_DONE},
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
    {"a revoked that has run out is asked for once more, past caches", OPT,
	BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REVOKED,
	    .expired = 1,
	    .excused = 1},
	NEXT_NO_CACHE},
    {"past caches it ends the requests", OPT,
	{.method = METHOD_GET, .has_get_url = 1, .no_cache = 1},
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REVOKED,
	    .expired = 1,
	    .excused = 1},
	NEXT_DONE},
    {"a revoked that would be refused if it were good is not saved",
	{DEFAULTS, .write_revoked = 1}, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REVOKED,
	    .excused = 1},
	NEXT_DONE},
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
    {"a 503 without Retry-After to a POST leads to a GET", OPT, BY(POST),
	HTTP(503), NEXT_METHOD},
    {"a 499 with Retry-After leads to the other method", OPT, BY(GET),
	{.result = HTTP_ANSWERED, .status = 499, .retry_after = 1},
	NEXT_METHOD},
    {"a 500 with Retry-After does not", OPT, BY(GET),
	{.result = HTTP_ANSWERED, .status = 500, .retry_after = 1},
	NEXT_RESPONDER},
    {"a 429 is no matter of the method", OPT, BY(GET), HTTP(429),
	NEXT_RESPONDER},
    {"a 408 neither", OPT, BY(GET), HTTP(408), NEXT_RESPONDER},
    {"a 407 may be", OPT, BY(GET), HTTP(407), NEXT_METHOD},
    {"a 409 may be", OPT, BY(GET), HTTP(409), NEXT_METHOD},
    {"a 428 may be", OPT, BY(GET), HTTP(428), NEXT_METHOD},
    {"a 430 may be", OPT, BY(GET), HTTP(430), NEXT_METHOD},
    {"a connection that failed leads to the next responder", OPT, BY(GET),
	NOT_HTTP(ECONNECT), NEXT_RESPONDER},
    {"a time-out before there was a connection leads to the next responder",
	OPT, BY(GET), NOT_HTTP(ETIMEOUT), NEXT_RESPONDER},
    {"a GET that hangs is followed by POST", OPT, BY(GET), CONNECTED(ETIMEOUT),
	NEXT_METHOD},
    {"a GET whose connection breaks is followed by POST", OPT, BY(GET),
	CONNECTED(EBROKEN), NEXT_METHOD},
    {"a GET that brings too much is followed by POST", OPT, BY(GET),
	CONNECTED(ETOOBIG), NEXT_METHOD},
    {"a GET that is redirected in a circle is not", OPT, BY(GET),
	CONNECTED(EOTHER), NEXT_RESPONDER},
    {"a GET that the proxy did not let through is not", OPT, BY(GET),
	CONNECTED(EPROXY), NEXT_RESPONDER},
    {"a POST that hangs is not followed by GET", OPT, BY(POST),
	CONNECTED(ETIMEOUT), NEXT_RESPONDER},
    {"a POST that hangs after a GET ends it", OPT, AGAIN(POST),
	CONNECTED(ETIMEOUT), NEXT_RESPONDER},
    {"a GET that hangs after a POST is not followed by another", OPT,
	AGAIN(GET), CONNECTED(ETIMEOUT), NEXT_RESPONDER},
    {"-X get is not followed by POST where it hangs",
	{DEFAULTS, .method = METHOD_GET}, BY(GET), CONNECTED(ETIMEOUT),
	NEXT_RESPONDER},
    {"the issuer's certificate is never posted for", OPT, {0},
	CONNECTED(ETIMEOUT), NEXT_RESPONDER},
    {"a good body is not looked at where the exchange failed", OPT, BY(GET),
	{.result = HTTP_EBROKEN, .verdict = VERDICT_GOOD}, NEXT_RESPONDER},
    {"over a connection that was used, another certificate's response is asked "
     "for once more, over another",
	OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_FOREIGN,
	    .reused = 1},
	NEXT_FRESH},
    {"what was not requested is no stray response", OPT, BY(GET),
	{.result = HTTP_ECLOSED, .reused = 1, .skipped = HTTP_SKIPPED},
	NEXT_RESPONDER},
    {"memory that ran out ends the requests", OPT, BY(GET), NOT_HTTP(ENOMEM),
	NEXT_DONE},
    {"a responder that was given up leads to the next one", OPT, BY(GET),
	{.result = HTTP_ANSWERED,
	    .status = 503,
	    .skipped = HTTP_SKIPPED,
	    .verdict = VERDICT_GOOD},
	NEXT_RESPONDER},
    {"one that pauses, too", OPT, BY(GET),
	{.result = HTTP_EBROKEN, .connected = 1, .skipped = HTTP_SKIPPED_NOW},
	NEXT_RESPONDER},
};

static void
run_next(void **state)
{
	const struct next_row *r = *state;

	assert_int_equal(policy_next(&r->o, &r->t, &r->x), r->want);
}

static const struct stray_row {
	const char *says;
	struct policy_exchange x;
	int want, keeps;
} strays[] = {
    {"a good response over a used connection is no stray one",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_GOOD,
	    .reused = 1},
	0, 1},
    {"an unknown one neither",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_UNKNOWN,
	    .reused = 1},
	0, 1},
    {"an expired one neither",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_STALE,
	    .reused = 1},
	0, 1},
    {"an OCSP error neither",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_ERROR,
	    .reused = 1},
	0, 1},
    {"another certificate's may be one",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_FOREIGN,
	    .reused = 1},
	1, 0},
    {"a refused one may be one",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_REFUSED,
	    .reused = 1},
	1, 0},
    {"a web page may be one",
	{.result = HTTP_ANSWERED,
	    .status = 200,
	    .verdict = VERDICT_INVALID,
	    .reused = 1},
	1, 0},
    {"with any HTTP 2xx",
	{.result = HTTP_ANSWERED,
	    .status = 299,
	    .verdict = VERDICT_INVALID,
	    .reused = 1},
	1, 0},
    {"an HTTP error is believed",
	{.result = HTTP_ANSWERED,
	    .status = 429,
	    .verdict = VERDICT_INVALID,
	    .reused = 1},
	0, 0},
    {"but for 408, as a connection that nobody used for a while is told",
	{.result = HTTP_ANSWERED,
	    .status = 408,
	    .verdict = VERDICT_INVALID,
	    .reused = 1},
	1, 0},
    {"a used connection that was closed may have been so before",
	{.result = HTTP_ECLOSED, .reused = 1}, 1, 0},
    {"what is no HTTP over a used connection may be the rest of another's",
	{.result = HTTP_EBROKEN, .reused = 1}, 1, 0},
    {"a time-out over a used connection is one",
	{.result = HTTP_ETIMEOUT, .reused = 1}, 0, 0},
    {"over a connection of its own nothing is stray",
	{.result = HTTP_ANSWERED, .status = 200, .verdict = VERDICT_FOREIGN}, 0,
	0},
    {"nor is a broken exchange", NOT_HTTP(EBROKEN), 0, 0},
};

static void
run_stray(void **state)
{
	const struct stray_row *r = *state;

	assert_int_equal(policy_may_be_stray(&r->x), r->want);
	assert_int_equal(policy_keeps_connection(&r->x), r->keeps);
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
    {"a connection that was closed may pass", NOT_HTTP(ECLOSED), 1},
    {"a machine without descriptors may pass", NOT_HTTP(ELOCAL), 1},
    {"a response that is too large will not pass", NOT_HTTP(ETOOBIG), 0},
    {"a server that is not trusted will not pass", NOT_HTTP(ETLS), 0},
    {"what libcurl cannot do will not pass", NOT_HTTP(EOTHER), 0},
    {"memory that ran out will not pass", NOT_HTTP(ENOMEM), 0},
    {"a responder that was given up is not asked again",
	{.result = HTTP_ECONNECT, .skipped = HTTP_SKIPPED}, 0},
    {"one that pauses is asked in its turn, which is no retry",
	{.result = HTTP_ECONNECT, .skipped = HTTP_SKIPPED_NOW}, 0},
    {"one that is given up for this failure is not asked again",
	{.result = HTTP_ECONNECT, .given_up = 1}, 0},
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
	int method;
	struct policy_attempt t;
} timeouts[] = {
    {"an exchange has the time of -t", 0, {-1, -1}, .want = 30000},
    {"a retry has it, too", 2, {5000, -1}, .want = 30000},
    {"what --wait alone brings about ends with it", 3, {5000, -1},
	.want = 5000},
    {"but has a second at the least", 3, {10, -1}, .want = 1000},
    {"also where nothing is left", 3, {-5000, -1}, .want = 1000},
    {"--wait never lengthens -t", 3, {90000, -1}, .want = 30000},
    {"and leaves it as it is where both are the same", 3, {30000, -1},
	.want = 30000},
    {"--deadline shortens it", 0, {-1, 7000}, .want = 7000},
    {"to its last millisecond", 0, {-1, 1}, .want = 1},
    {"a deadline of which nothing is left is told before, not here", 0, {-1, 0},
	.want = 30000},
    {"--deadline never lengthens it", 0, {-1, 30001}, .want = 30000},
    {"--deadline shortens what --wait left", 3, {5000, 2000}, .want = 2000},
    {"a GET that POST may follow has half of it", 0, {-1, -1}, 15000,
	METHOD_AUTO, BY(GET)},
    {"the POST has all of it", 0, {-1, -1}, 30000, METHOD_AUTO, AGAIN(POST)},
    {"so has a POST that is the first", 0, {-1, -1}, 30000, METHOD_AUTO,
	BY(POST)},
    {"and a GET that follows a POST", 0, {-1, -1}, 30000, METHOD_AUTO,
	AGAIN(GET)},
    {"and -X get", 0, {-1, -1}, 30000, METHOD_GET, BY(GET)},
    {"half of what --deadline leaves is for the GET", 0, {-1, 7000}, 3500,
	METHOD_AUTO, BY(GET)},
    {"half of a millisecond is one", 0, {-1, 1}, 1, METHOD_AUTO, BY(GET)},
};

static void
run_timeout(void **state)
{
	const struct timeout_row *r = *state;
	struct options o = {DEFAULTS, .wait = 60, .method = r->method};
	struct policy_attempt t = r->t;

	t.round = r->round;
	assert_int_equal(policy_timeout(&o, &t, &r->c), r->want);
}

/* ---- how fast a responder is asked ---- */

#define LIMITED(code, seconds)                                                 \
	{                                                                      \
		.result = HTTP_ANSWERED, .status = (code),                     \
		.retry_after = (seconds)                                       \
	}
/* A request that began at 900 and ended at 1000, without a deadline. */
#define SPAN                                                                   \
	{                                                                      \
		900, 1000, -1, 0                                               \
	}
#define LEFT(ms)                                                               \
	{                                                                      \
		900, 1000, ms, 0                                               \
	}

static const struct heard_row {
	const char *says;
	struct policy_pace p;
	struct policy_exchange x;
	struct policy_span s;
	enum policy_host want;
	struct policy_pace then;
	long long retry; /* less than the two of -r */
	struct policy_attempt t;
} heards[] = {
    {"a responder that was not reached pauses for a good second", {0},
	NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"one whose name is not found, too", {0}, NOT_HTTP(ERESOLVE), SPAN,
	HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"one without a TLS connection, too", {0}, CONNECTED(ETLS), SPAN,
	HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"one that is not connected in time, too", {0}, NOT_HTTP(ETIMECONNECT),
	SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"one that hangs, too", {0}, CONNECTED(ETIMEOUT), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"one whose proxy fails, too", {0}, CONNECTED(EPROXY), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"a GET that hangs says nothing before its POST does", {.heard = 5},
	CONNECTED(ETIMEOUT), SPAN, HOST_GOES_ON, .then = {.heard = 5},
	.t = BY(GET)},
    {"nor does a GET whose connection breaks", {.heard = 5, .rounds = 1},
	CONNECTED(EBROKEN), SPAN, HOST_GOES_ON,
	.then = {.heard = 5, .rounds = 1}, .t = BY(GET)},
    {"a POST that hangs does", {.heard = 5}, CONNECTED(ETIMEOUT), SPAN,
	HOST_GOES_ON,
	.then = {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100},
	.t = AGAIN(POST)},
    {"requests that fail together are one failed round",
	{.heard = 900, .rounds = 1, .doubtful = 1, .not_before = 2000},
	NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then = {.heard = 900, .rounds = 1, .doubtful = 1, .not_before = 2000}},
    {"one that began after the last failed round is another",
	{.heard = 899, .rounds = 1, .doubtful = 1, .not_before = 800},
	NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 2, .doubtful = 1, .not_before = 3200}},
    {"a failure does not count where others were answered meanwhile",
	{.heard = 950}, CONNECTED(ETIMEOUT), SPAN, HOST_GOES_ON,
	.then = {.heard = 950}},
    {"a failed round does not shorten a Retry-After", {.not_before = 9000},
	NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 9000}},
    {"after three failed rounds the responder has another chance",
	{.rounds = 2}, NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 3, .doubtful = 1, .not_before = 5400}},
    {"after four, one more than a certificate's own, it is given up",
	{.rounds = 3}, NOT_HTTP(ECONNECT), SPAN, HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .rounds = 4,
	    .doubtful = 1,
	    .not_before = 9800,
	    .given_up = 1}},
    {"with -r 0 after two", {.rounds = 1}, NOT_HTTP(ECONNECT), SPAN,
	HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .rounds = 2,
	    .doubtful = 1,
	    .not_before = 3200,
	    .given_up = 1},
	.retry = -2},
    {"and not after one", {0}, NOT_HTTP(ECONNECT), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100},
	.retry = -2},
    {"a responder whose pause --deadline does not leave is given up", {0},
	NOT_HTTP(ECONNECT), LEFT(1100), HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .rounds = 1,
	    .doubtful = 1,
	    .not_before = 2100,
	    .given_up = 1}},
    {"one whose pause it leaves is not", {0}, NOT_HTTP(ECONNECT), LEFT(1101),
	HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"after the deadline every one is", {.not_before = 5}, NOT_HTTP(ECONNECT),
	LEFT(0), HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .rounds = 1,
	    .doubtful = 1,
	    .not_before = 2100,
	    .given_up = 1}},

    {"429 without Retry-After is a failed round where nobody was served", {0},
	LIMITED(429, 0), SPAN, HOST_GOES_ON,
	.then =
	    {.heard = 1000, .rounds = 1, .doubtful = 1, .not_before = 2100}},
    {"429 limits the rate where somebody was", {.served = 1, .heard = 5},
	LIMITED(429, 0), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .served = 1,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 1200}},
    {"429 limits the rate where others may be served yet", {0}, LIMITED(429, 0),
	{900, 1000, -1, 1}, HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 1200}},
    {"429 with Retry-After limits the rate", {0}, LIMITED(429, 3), SPAN,
	HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 4000}},
    {"so does HTTP 503 with Retry-After", {.rounds = 2}, LIMITED(503, 3), SPAN,
	HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 4000}},
    {"and HTTP 500 with it", {0}, LIMITED(500, 1), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 2000}},
    {"HTTP 503 without it does not", {.served = 1}, LIMITED(503, 0), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000, .served = 1}},
    {"nor does Retry-After with HTTP 499", {0}, LIMITED(499, 9), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000, .served = 1}},
    {"nor with HTTP 200", {0}, LIMITED(200, 100), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1}},
    {"each limit doubles the time between two requests",
	{.interval = 300, .slowed = 899, .paced = 500, .unserved = 600},
	LIMITED(429, 1), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 600,
	    .slowed = 1000,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 2000}},
    {"up to ten seconds",
	{.interval = 6000, .slowed = 899, .paced = 500, .unserved = 600},
	LIMITED(429, 1), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 10000,
	    .slowed = 1000,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 11000}},
    {"those that were on the wire together double it once",
	{.interval = 200,
	    .slowed = 900,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 1100},
	LIMITED(429, 2), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .interval = 200,
	    .slowed = 900,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 3000}},
    {"a shorter Retry-After does not end a longer one",
	{.interval = 200,
	    .slowed = 900,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 31000},
	LIMITED(429, 1), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .interval = 200,
	    .slowed = 900,
	    .paced = 500,
	    .unserved = 600,
	    .not_before = 31000}},
    {"Retry-After: 60 is kept to", {0}, LIMITED(503, 60), SPAN, HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 61000}},
    {"for Retry-After: 61 the responder is given up", {0}, LIMITED(503, 61),
	SPAN, HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 62000,
	    .given_up = 1}},
    {"one that serves nobody for 60 s is given up",
	{.interval = 10000, .slowed = 100, .paced = 1, .unserved = 1},
	LIMITED(429, 0), {60900, 61000, -1, 1}, HOST_GIVEN_UP,
	.then = {.heard = 61000,
	    .doubtful = 1,
	    .interval = 10000,
	    .slowed = 61000,
	    .paced = 1,
	    .unserved = 1,
	    .not_before = 71000,
	    .given_up = 1}},
    {"a Retry-After that --deadline does not leave gives it up", {0},
	LIMITED(429, 5), LEFT(5000), HOST_GIVEN_UP,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 6000,
	    .given_up = 1}},
    {"one that it leaves does not", {0}, LIMITED(429, 5), LEFT(5001),
	HOST_PACES,
	.then = {.heard = 1000,
	    .doubtful = 1,
	    .interval = 200,
	    .slowed = 1000,
	    .paced = 1000,
	    .unserved = 1000,
	    .not_before = 6000}},
    {"after ten minutes of pacing it is given up",
	{.interval = 400, .slowed = 7, .paced = 1000, .served = 1},
	LIMITED(429, 0), {600900, 601000, -1, 0}, HOST_GIVEN_UP,
	.then = {.heard = 601000,
	    .served = 1,
	    .doubtful = 1,
	    .interval = 800,
	    .slowed = 601000,
	    .paced = 1000,
	    .unserved = 601000,
	    .not_before = 601800,
	    .given_up = 1}},
    {"a millisecond before it is not",
	{.interval = 400, .slowed = 7, .paced = 1001, .served = 1},
	LIMITED(429, 0), {600900, 601000, -1, 0}, HOST_PACES,
	.then = {.heard = 601000,
	    .served = 1,
	    .doubtful = 1,
	    .interval = 800,
	    .slowed = 601000,
	    .paced = 1001,
	    .unserved = 601000,
	    .not_before = 601800}},
    {"nor where --deadline bounds the run",
	{.interval = 400, .slowed = 7, .paced = 1000, .served = 1},
	LIMITED(429, 0), {600900, 601000, 900000, 0}, HOST_PACES,
	.then = {.heard = 601000,
	    .served = 1,
	    .doubtful = 1,
	    .interval = 800,
	    .slowed = 601000,
	    .paced = 1000,
	    .unserved = 601000,
	    .not_before = 601800}},
    {"ten minutes end it though it serves one after the other",
	{.interval = 320, .slowed = 7, .paced = 1000, .served = 1},
	LIMITED(200, 0), {600900, 601000, -1, 0}, HOST_GIVEN_UP,
	.then = {.heard = 601000,
	    .served = 1,
	    .interval = 300,
	    .slowed = 7,
	    .paced = 1000,
	    .given_up = 1}},
    {"but not a millisecond before",
	{.interval = 320, .slowed = 7, .paced = 1001, .served = 1},
	LIMITED(200, 0), {600900, 601000, -1, 0}, HOST_GOES_ON,
	.then = {.heard = 601000,
	    .served = 1,
	    .interval = 300,
	    .slowed = 7,
	    .paced = 1001}},
    {"nor with --deadline, however late it is",
	{.interval = 320, .slowed = 7, .paced = 1000, .served = 1},
	LIMITED(200, 0), {600900, 601000, 0, 0}, HOST_GOES_ON,
	.then = {.heard = 601000,
	    .served = 1,
	    .interval = 300,
	    .slowed = 7,
	    .paced = 1000}},

    {"pacing that is over counts no more", {.paced = 7}, LIMITED(200, 0),
	{700000, 700001, -1, 0}, HOST_GOES_ON,
	.then = {.heard = 700001, .served = 1, .paced = 7}},
    {"an answer ends doubt and pause",
	{.rounds = 3, .heard = 5, .doubtful = 1, .not_before = 5000},
	LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1}},
    {"also one after it was given up",
	{.rounds = 4, .heard = 5, .doubtful = 1, .given_up = 1},
	LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1}},
    {"HTTP 499 shows that requests are served", {0}, LIMITED(499, 0), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000, .served = 1}},
    {"HTTP 500 shows that it is there, and no more", {.rounds = 2},
	LIMITED(500, 0), SPAN, HOST_GOES_ON, .then = {.heard = 1000}},
    {"so does a broken response", {.rounds = 2}, CONNECTED(EBROKEN), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000}},
    {"and one that is too large", {.rounds = 2}, CONNECTED(ETOOBIG), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000}},
    {"a fault of this machine says nothing of it", {.rounds = 2, .heard = 5},
	NOT_HTTP(ENOMEM), SPAN, HOST_GOES_ON,
	.then = {.rounds = 2, .heard = 5}},
    {"HTTP 500 leaves the time between requests as it is",
	{.interval = 320, .unserved = 4, .doubtful = 1}, LIMITED(500, 0), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000, .interval = 320, .unserved = 4}},
    {"each request that is served shortens it by a sixteenth",
	{.interval = 320, .slowed = 899, .unserved = 4, .doubtful = 1},
	LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1, .interval = 300, .slowed = 899}},
    {"rounded up", {.interval = 17}, LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1, .interval = 15}},
    {"down to ten milliseconds", {.interval = 11}, LIMITED(200, 0), SPAN,
	HOST_GOES_ON, .then = {.heard = 1000, .served = 1, .interval = 10}},
    {"under which it is asked as any other", {.interval = 10, .paced = 7},
	LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000, .served = 1, .paced = 7}},
    {"what was on the wire when it limited its rate does not hasten it",
	{.interval = 320,
	    .slowed = 900,
	    .unserved = 4,
	    .doubtful = 1,
	    .not_before = 5000},
	LIMITED(200, 0), SPAN, HOST_GOES_ON,
	.then = {.heard = 1000,
	    .served = 1,
	    .interval = 320,
	    .slowed = 900,
	    .doubtful = 1,
	    .not_before = 5000}},
    {"nor bring it back once it is given up",
	{.interval = 320, .slowed = 900, .given_up = 1}, LIMITED(200, 0), SPAN,
	HOST_GOES_ON,
	.then = {.heard = 1000,
	    .served = 1,
	    .interval = 320,
	    .slowed = 900,
	    .given_up = 1}},
};

static void
run_heard(void **state)
{
	const struct heard_row *r = *state;
	struct options o = {DEFAULTS};
	struct policy_pace p = r->p;

	o.retry += r->retry;
	assert_int_equal(policy_heard(&o, &p, &r->t, &r->x, &r->s), r->want);
	assert_true(p.not_before == r->then.not_before);
	assert_true(p.interval == r->then.interval);
	assert_true(p.heard == r->then.heard);
	assert_true(p.slowed == r->then.slowed);
	assert_true(p.paced == r->then.paced);
	assert_true(p.unserved == r->then.unserved);
	assert_int_equal(p.rounds, r->then.rounds);
	assert_int_equal(p.doubtful, r->then.doubtful);
	assert_int_equal(p.served, r->then.served);
	assert_int_equal(p.given_up, r->then.given_up);
}

static const struct turn_row {
	const char *says;
	struct policy_pace p;
	size_t busy;
	long long last;
	enum policy_turn want;
	long long wait;
} turns[] = {
    {"a new responder may be asked", {0}, 0, 0, TURN_NOW, -1},
    {"also while others are on the wire", {.heard = 900}, 9, 950, TURN_NOW, -1},
    {"one that was given up may not", {.given_up = 1, .not_before = 2000}, 0, 0,
	TURN_NEVER, -1},
    {"one that pauses may not", {.not_before = 1001}, 0, 0, TURN_LATER, 1},
    {"when the pause is over it may", {.not_before = 1000}, 0, 0, TURN_NOW, -1},
    {"one that limits its rate may not at once", {.interval = 200}, 0, 801,
	TURN_LATER, 1},
    {"but so long after the last request", {.interval = 200}, 3, 800, TURN_NOW,
	-1},
    {"a pause may last longer", {.interval = 200, .not_before = 1900}, 0, 801,
	TURN_LATER, 900},
    {"or less long", {.interval = 200, .not_before = 1000}, 0, 900, TURN_LATER,
	100},
    {"after a failure one request sees whether it is back",
	{.doubtful = 1, .heard = 500}, 0, 400, TURN_NOW, -1},
    {"though those that began before hang yet", {.doubtful = 1, .heard = 500},
	5, 500, TURN_NOW, -1},
    {"while it is on the wire there is no other", {.doubtful = 1, .heard = 500},
	1, 501, TURN_PROBE, -1},
    {"once it is not there is", {.doubtful = 1, .heard = 500}, 0, 501, TURN_NOW,
	-1},
};

static void
run_turn(void **state)
{
	const struct turn_row *r = *state;
	long long wait = -1;

	assert_int_equal(
	    policy_turn(&r->p, r->busy, r->last, 1000, &wait), r->want);
	assert_true(wait == r->wait);
}

#define AFTER(what)                                                            \
	{                                                                      \
		.method = METHOD_POST, .switched = SWITCHED_##what             \
	}

static const struct shows_row {
	const char *says;
	struct policy_attempt t;
	struct policy_exchange x;
	int want;
} shows[] = {
    {"a response after a method that hung shows what it answers", AFTER(FAILED),
	SAID(GOOD), 1},
    {"and after one that brought a web page", AFTER(NOT_OCSP), SAID(GOOD), 1},
    {"an OCSP error does so, too", AFTER(FAILED), ERR(TRYLATER), 1},
    {"after an OCSP error it shows nothing, as both were answered",
	AFTER(ERROR), SAID(GOOD), 0},
    {"nor is anything shown by the first method", BY(GET), SAID(GOOD), 0},
    {"nor by another web page", AFTER(NOT_OCSP), HTTP(200), 0},
    {"nor by another failure", AFTER(FAILED),
	{.result = HTTP_EBROKEN, .verdict = VERDICT_GOOD}, 0},
};

static void
run_shows(void **state)
{
	const struct shows_row *r = *state;

	assert_int_equal(policy_shows_method(&r->t, &r->x), r->want);
}

static const struct switched_row {
	const char *says;
	struct policy_exchange x;
	enum policy_switched want;
} switches[] = {
    {"the other method is tried for a failure", CONNECTED(ETIMEOUT),
	SWITCHED_FAILED},
    {"or for something else than OCSP", HTTP(404), SWITCHED_NOT_OCSP},
    {"or for an OCSP error", ERR(MALFORMED), SWITCHED_ERROR},
};

static void
run_switched(void **state)
{
	const struct switched_row *r = *state;

	assert_int_equal(policy_switched(&r->x), r->want);
}

static void
an_exchange_is_described_by_its_http(void **state)
{
	const struct http_answer a = {.result = HTTP_EBROKEN,
	    .skipped = HTTP_SKIPPED_NOW,
	    .connected = 1,
	    .status = 429,
	    .retry_after = 7};
	struct policy_exchange x = policy_exchange(&a);

	(void)state;
	assert_int_equal(x.result, HTTP_EBROKEN);
	assert_int_equal(x.skipped, HTTP_SKIPPED_NOW);
	assert_int_equal(x.connected, 1);
	assert_int_equal(x.status, 429);
	assert_int_equal(x.retry_after, 7);
	assert_int_equal(x.given_up, 0);
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

static const struct server_row {
	const char *says;
	int failures;
	int want;
} servers[] = {
    {"a server is asked again after two failures", 2, 0},
    {"after three in a row it is given up", 3, 1},
};

static void
run_server(void **state)
{
	const struct server_row *r = *state;

	assert_int_equal(policy_gives_up_server(r->failures), r->want);
}

/* ---- exit codes ---- */

static const struct code_row {
	const char *says;
	enum policy_source from;
	enum ocsp_status status;
	int64_t age;
	enum code want;
	int expired, hold;
} codes[] = {
    {"a responder's good is 0", FROM_RESPONDER, VERDICT_GOOD, DAY, CODE_OK, 0,
	0},
    {"a responder's revoked is 5", FROM_RESPONDER, VERDICT_REVOKED, DAY,
	CODE_REVOKED, 0, 0},
    {"a revoked that has run out is 5, too", FROM_RESPONDER, VERDICT_REVOKED,
	DAY, CODE_REVOKED, 1, 0},
    {"a hold is 5", FROM_FILE, VERDICT_REVOKED, DAY, CODE_REVOKED, 0, 1},
    {"a hold that has run out is 4: it may have been lifted", FROM_FILE,
	VERDICT_REVOKED, DAY, CODE_REJECTED, 1, 1},
    {"a responder's unknown is 4", FROM_RESPONDER, VERDICT_UNKNOWN, 3 * DAY,
	CODE_REJECTED, 0, 0},
    {"48 h after notBefore unknown is 4", FROM_RESPONDER, VERDICT_UNKNOWN,
	2 * DAY, CODE_REJECTED, 0, 0},
    {"a second before it is 1", FROM_RESPONDER, VERDICT_UNKNOWN, 2 * DAY - 1,
	CODE_TEMPORARY, 0, 0},
    {"before notBefore unknown is 1", FROM_RESPONDER, VERDICT_UNKNOWN, -HOUR,
	CODE_TEMPORARY, 0, 0},
    {"a response that fails verification is 4", FROM_RESPONDER, VERDICT_REFUSED,
	0, CODE_REJECTED, 0, 0},
    {"a responder's word on other certificates is 4", FROM_RESPONDER,
	VERDICT_FOREIGN, DAY, CODE_REJECTED, 0, 0},
    {"a responder's expired response is 4", FROM_RESPONDER, VERDICT_STALE, DAY,
	CODE_REJECTED, 0, 0},
    {"an OCSP error is 1", FROM_RESPONDER, VERDICT_ERROR, DAY, CODE_TEMPORARY,
	0, 0},
    {"what is no response is 1", FROM_RESPONDER, VERDICT_INVALID, DAY,
	CODE_TEMPORARY, 0, 0},
    {"a stored good is 0", FROM_FILE, VERDICT_GOOD, DAY, CODE_OK, 0, 0},
    {"a stored revoked is 5", FROM_FILE, VERDICT_REVOKED, DAY, CODE_REVOKED, 0,
	0},
    {"a stored unknown is 4", FROM_FILE, VERDICT_UNKNOWN, 2 * DAY,
	CODE_REJECTED, 0, 0},
    {"a stored unknown of a new certificate is 1", FROM_FILE, VERDICT_UNKNOWN,
	2 * DAY - 1, CODE_TEMPORARY, 0, 0},
    {"a stored response that fails verification is 4", FROM_FILE,
	VERDICT_REFUSED, DAY, CODE_REJECTED, 0, 0},
    {"the stored response of another certificate is 1, as after a renewal",
	FROM_FILE, VERDICT_FOREIGN, DAY, CODE_TEMPORARY, 0, 0},
    {"a stored response that expired is 1", FROM_FILE, VERDICT_STALE, DAY,
	CODE_TEMPORARY, 0, 0},
    {"a stored OCSP error is 1", FROM_FILE, VERDICT_ERROR, DAY, CODE_TEMPORARY,
	0, 0},
    {"a stored file that is no response is 1", FROM_FILE, VERDICT_INVALID, DAY,
	CODE_TEMPORARY, 0, 0},
    {"a stapled good is 0", FROM_SERVER, VERDICT_GOOD, DAY, CODE_OK, 0, 0},
    {"a stapled revoked is 5", FROM_SERVER, VERDICT_REVOKED, DAY, CODE_REVOKED,
	0, 0},
    {"a stapled unknown is 4", FROM_SERVER, VERDICT_UNKNOWN, 2 * DAY,
	CODE_REJECTED, 0, 0},
    {"a stapled response that fails verification is 4", FROM_SERVER,
	VERDICT_REFUSED, DAY, CODE_REJECTED, 0, 0},
    {"a stapled response of another certificate is 4", FROM_SERVER,
	VERDICT_FOREIGN, DAY, CODE_REJECTED, 0, 0},
    {"a stapled response that expired is 1", FROM_SERVER, VERDICT_STALE, DAY,
	CODE_TEMPORARY, 0, 0},
    {"a stapled OCSP error is 1", FROM_SERVER, VERDICT_ERROR, DAY,
	CODE_TEMPORARY, 0, 0},
    {"a staple that is no response is 1", FROM_SERVER, VERDICT_INVALID, DAY,
	CODE_TEMPORARY, 0, 0},
};

static void
run_code(void **state)
{
	const struct code_row *r = *state;
	struct ocsp_verdict v = {.status = r->status,
	    .expired = r->expired,
	    .reason = r->hold ? REASON_HOLD : -1};

	assert_int_equal(policy_verdict_code(r->from, &v, r->age), r->want);
}

static const struct outweighed_row {
	const char *says;
	int64_t age; /* of the good one that is stored, 0: none */
	int expired;
	enum code want;
} outweighed[] = {
    {"revoked is 5 where nothing else is known", 0, 0, CODE_REVOKED},
    {"revoked is 5 beside an older good", 11, 0, CODE_REVOKED},
    {"revoked is 5 beside a good that is as new", 10, 0, CODE_REVOKED},
    {"revoked is no failure beside a later good, as after a hold", 9, 0,
	CODE_OK},
    {"revoked that has run out is 5 beside an older good", 11, 1, CODE_REVOKED},
    {"beside a later good it is a response that has run out: 4", 9, 1,
	CODE_REJECTED},
};

static void
run_outweighed(void **state)
{
	const struct outweighed_row *r = *state;
	struct ocsp_verdict v = V(REVOKED, 10, DAY), good = V(GOOD, 0, DAY);

	v.expired = r->expired;
	good.this_update = NOW - r->age;
	assert_int_equal(
	    policy_revoked_code(&v, r->age == 0 ? NULL : &good), r->want);
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
    {"0: what is there lasts", {CODE_OK, 0, 1, 0}, CODE_OK},
    {"1: nothing failed, but what is there does not last", {CODE_OK, 0, 0, 0},
	CODE_TEMPORARY},
    {"0: a temporary failure is no alarm while what is there lasts",
	{CODE_TEMPORARY, 0, 1, 0}, CODE_OK},
    {"1: a temporary failure, and what is there does not last",
	{CODE_TEMPORARY, 0, 0, 0}, CODE_TEMPORARY},
    {"1: what seems to last, by a clock that is wrong",
	{CODE_TEMPORARY, 0, 1, 1}, CODE_TEMPORARY},
    {"0: nothing is needed", {CODE_OK, 1, 0, 0}, CODE_OK},
    {"1: nothing is needed, and yet something failed",
	{CODE_TEMPORARY, 1, 1, 0}, CODE_TEMPORARY},
    {"2: bad input, though what is there lasts", {CODE_INPUT, 0, 1, 0},
	CODE_INPUT},
    {"3: a local failure, though what is there lasts", {CODE_LOCAL, 0, 1, 0},
	CODE_LOCAL},
    {"4: a rejection, though what is there lasts", {CODE_REJECTED, 0, 1, 0},
	CODE_REJECTED},
    {"5: revoked, though what is there lasts", {CODE_REVOKED, 0, 1, 0},
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

static const struct pushed_row {
	const char *says;
	enum policy_push push;
	int reached, mute;
	struct ocsp_verdict theirs;
	enum code want;
} pusheds[] = {
    {"what HAProxy took is 0", PUSH_DO, 1, 0, V(INVALID, 0, 0), CODE_OK},
    {"a HAProxy that was not reached is 3", PUSH_DO, 0, 0, V(INVALID, 0, 0),
	CODE_LOCAL},
    {"not even its revoked counts where HAProxy failed in the middle",
	PUSH_REVOKED, 0, 0, V(REVOKED, 0, DAY), CODE_LOCAL},
    {"a response that HAProxy has already is 0", PUSH_SAME, 1, 0,
	V(INVALID, 0, 0), CODE_OK},
    {"a later response in HAProxy is 0", PUSH_NEWER, 1, 0, V(GOOD, 0, DAY),
	CODE_OK},
    {"a later revoked in HAProxy is 5", PUSH_REVOKED, 1, 0, V(REVOKED, 0, DAY),
	CODE_REVOKED},
    {"a later revoked in HAProxy that cannot be verified is 3", PUSH_UNPROVEN,
	1, 0, V(REVOKED, 0, DAY), CODE_LOCAL},
    {"a response without nextUpdate that HAProxy is not given is 0",
	PUSH_NO_NEXT, 1, 0, V(INVALID, 0, 0), CODE_OK},
    {"what HAProxy has and nobody can read is 3", PUSH_UNREAD, 1, 0,
	V(INVALID, 0, 0), CODE_LOCAL},
    {"but 0 where HAProxy is too old to tell", PUSH_UNREAD, 1, 1,
	V(INVALID, 0, 0), CODE_OK},
};

static void
run_pushed(void **state)
{
	const struct pushed_row *r = *state;

	assert_int_equal(
	    policy_push_code(r->push, r->reached, r->mute, &r->theirs),
	    r->want);
}

static const struct share_row {
	const char *says;
	size_t parallel, want;
} shares[] = {
    {"where none may be asked at once a host has one all the same", 0, 1},
    {"one at a time is one for each host", 1, 1},
    {"of two one is left for others", 2, 1},
    {"of three one is left for others", 3, 2},
    {"of four one is left for others", 4, 3},
    {"of seven one is left for others", 7, 6},
    {"of eight two are left for others", 8, 6},
    {"of sixteen four are left for others", 16, 12},
};

static void
run_share(void **state)
{
	const struct share_row *r = *state;

	assert_int_equal(policy_share(r->parallel), r->want);
}

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
	ADD(asks, run_asks);
	ADD(clocks, run_clock);
	ADD(needs, run_need);
	ADD(anew, run_anew);
	ADD(newer, run_newer);
	ADD(counting, run_counts);
	ADD(replaces, run_replace);
	ADD(compares, run_compare);
	ADD(outdated, run_outdated);
	ADD(methods, run_method);
	add("the other method of GET is POST", the_other_method_of_get_is_post,
	    NULL);
	ADD(nexts, run_next);
	ADD(strays, run_stray);
	ADD(transients, run_transient);
	ADD(waiting, run_waits);
	ADD(pauses, run_pause);
	ADD(timeouts, run_timeout);
	ADD(heards, run_heard);
	ADD(turns, run_turn);
	ADD(shows, run_shows);
	add("an exchange is described by its HTTP",
	    an_exchange_is_described_by_its_http, NULL);
	ADD(switches, run_switched);
	ADD(probes, run_probe);
	ADD(servers, run_server);
	ADD(codes, run_code);
	ADD(outweighed, run_outweighed);
	ADD(ignores, run_ignore);
	ADD(exits, run_exit);
	add("of several codes the highest counts",
	    of_several_codes_the_highest_counts, NULL);
	ADD(runs, run_run);
	ADD(pushes, run_push);
	ADD(hands, run_hand);
	ADD(pusheds, run_pushed);
	ADD(shares, run_share);
	add("no two rows have the same sentence",
	    no_two_rows_have_the_same_sentence, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
