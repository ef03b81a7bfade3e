/* SPDX-License-Identifier: ISC */
/*
 * JSON: what is escaped and how, and what each field is made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/json.h"

#define NOW 1795564800 /* 2026-11-25 00:00:00 UTC */

/* From a buffer of exactly that size: ASan watches. */
static void
gives(const char *in, size_t len, const char *want)
{
	char *source = malloc(len > 0 ? len : 1);
	struct text out = {0};

	assert_non_null(source);
	memcpy(source, in, len);
	json_string(&out, source, len);
	assert_string_equal(out.s, want);
	assert_int_equal(out.len, strlen(want));
	text_free(&out);
	free(source);
}

#define GIVES(in, want) gives(in, sizeof(in) - 1, want)

static void
test_text_is_quoted(void **state)
{
	(void)state;
	GIVES("", "\"\"");
	GIVES("plain /text, [of] {any} 'kind'",
	    "\"plain /text, [of] {any} "
	    "'kind'\"");
	GIVES("a\"b", "\"a\\\"b\"");
	GIVES("a\\b\\", "\"a\\\\b\\\\\"");
	GIVES("%s%n", "\"%s%n\"");
}

static void
test_controls_are_escaped(void **state)
{
	char in, want[16];
	int i;

	(void)state;
	for (i = 0; i < 0x20; i++) {
		in = (char)i;
		snprintf(want, sizeof(want), "\"\\u%04X\"", (unsigned int)i);
		gives(&in, 1, want);
	}
	GIVES("\x7f", "\"\\u007F\"");
	GIVES("a\0b", "\"a\\u0000b\"");
	GIVES("\xc2\x80\xc2\x9f", "\"\\u0080\\u009F\"");
	GIVES("\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"");
	GIVES("\xef\xbb\xbf", "\"\\uFEFF\"");
	GIVES("\xef\xbf\xbf", "\"\\uFFFF\"");
	GIVES("\xf3\xa0\x80\x81", "\"\\uDB40\\uDC01\"");
	GIVES("\xf4\x8f\xbf\xbf", "\"\\uDBFF\\uDFFF\"");
}

static void
test_utf8_stays(void **state)
{
	(void)state;
	GIVES("\xc3\xa9", "\"\xc3\xa9\"");
	GIVES("\xe6\x97\xa5", "\"\xe6\x97\xa5\"");
	GIVES("\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
}

static void
test_what_is_no_utf8_becomes_text(void **state)
{
	char in, want[16];
	int i;

	(void)state;
	for (i = 0x80; i < 0x100; i++) {
		in = (char)i;
		snprintf(want, sizeof(want), "\"\\\\x%02X\"", (unsigned int)i);
		gives(&in, 1, want);
	}
	/* overlong, a surrogate, beyond the last, cut off */
	GIVES("\xc0\xaf", "\"\\\\xC0\\\\xAF\"");
	GIVES("\xed\xa0\x80", "\"\\\\xED\\\\xA0\\\\x80\"");
	GIVES("\xf4\x90\x80\x80", "\"\\\\xF4\\\\x90\\\\x80\\\\x80\"");
	GIVES("a\xe2\x80", "\"a\\\\xE2\\\\x80\"");
	GIVES("\xe2\x80\"", "\"\\\\xE2\\\\x80\\\"\"");
}

/* Every pair of bytes: one line of printable UTF-8 with balanced quotes. */
static void
test_any_bytes_are_one_line(void **state)
{
	struct text out;
	char in[2];
	size_t i, step;
	int n;

	(void)state;
	for (n = 0; n < 0x10000; n++) {
		in[0] = (char)(n >> 8);
		in[1] = (char)n;
		memset(&out, 0, sizeof(out));
		json_string(&out, in, sizeof(in));
		assert_int_equal(strlen(out.s), out.len);
		assert_int_equal(out.s[0], '"');
		for (i = 1; i < out.len && out.s[i] != '"';) {
			step = words_harmless(out.s + i, out.len - i);
			assert_int_not_equal(step, 0);
			i += out.s[i] == '\\' ? 2 : step;
		}
		assert_int_equal(i, out.len - 1);
		text_free(&out);
	}
}

/* ---- a job ---- */

static struct options o;
static struct env env;
static struct job job;

static void
begin(void)
{
	static char serial[] = "0A1B";
	static char issuer[] = "CN=Test";
	static char output[] = "site.pem.ocsp";

	memset(&o, 0, sizeof(o));
	o.max_age = -1;
	memset(&env, 0, sizeof(env));
	env.o = &o;
	env.now = NOW;
	env.ms = 5000;
	outcome_free(&job.outcome);
	memset(&job, 0, sizeof(job));
	job.path = "site.pem";
	job.output = output;
	job.cert.serial_hex = serial;
	job.cert.issuer_name = issuer;
	job.cert.whole = 1;
	job.loaded_ms = 4990;
}

static void
verdict(struct ocsp_verdict *v, enum ocsp_status status)
{
	v->status = status;
	v->has_times = v->has_next = 1;
	v->this_update = NOW - 3600;
	v->produced_at = NOW - 1800;
	v->next_update = NOW + 7200;
	v->usable_until = NOW + 7200;
}

/* The line has this in it. */
static void
says(const char *what)
{
	struct text out = {0};

	json_job(&job, &env, &out);
	assert_false(out.failed);
	if (strstr(out.s, what) == NULL)
		print_error("no %s in %s\n", what, out.s);
	assert_non_null(strstr(out.s, what));
	text_free(&out);
}

static void
test_a_line_has_all_keys_in_order(void **state)
{
	struct text out = {0};

	(void)state;
	begin();
	job.stored.holding = HOLDING_JUDGED;
	verdict(&job.stored.verdict, VERDICT_GOOD);
	job.received.url = "http://x/";
	job.received.by_get = 1;
	job.received.http_status = 200;
	job.result.action = ACTION_WRITTEN;
	json_job(&job, &env, &out);
	assert_string_equal(out.s,
	    "{\"certificate\":\"site.pem\",\"output\":\"site.pem.ocsp\","
	    "\"serial\":\"0A1B\",\"issuer\":\"CN=Test\","
	    "\"issuer_source\":null,\"url\":\"http://x/\",\"method\":\"GET\","
	    "\"http_status\":200,\"status\":\"good\",\"reason\":null,"
	    "\"this_update\":\"2026-11-24T23:00:00Z\","
	    "\"next_update\":\"2026-11-25T02:00:00Z\","
	    "\"produced_at\":\"2026-11-24T23:30:00Z\","
	    "\"usable_until\":\"2026-11-25T02:00:00Z\","
	    "\"seconds_left\":7200,\"must_staple\":false,"
	    "\"action\":\"written\",\"exit\":0,\"elapsed_ms\":10}\n");
	/* and another one may follow */
	json_job(&job, &env, &out);
	assert_non_null(strstr(out.s, "}\n{\"certificate\""));
	text_free(&out);
}

static void
test_nothing_known_is_null(void **state)
{
	(void)state;
	begin();
	memset(&job.cert, 0, sizeof(job.cert));
	job.output = NULL;
	job.result.code = CODE_INPUT;
	outcome_fail(&job.outcome, job.result.code, CAUSE_CERTIFICATE,
	    "no \"such\" file");
	says("\"output\":null,\"serial\":null,\"issuer\":null,"
	     "\"issuer_source\":null,\"url\":null,\"method\":null,"
	     "\"http_status\":null,\"status\":null,"
	     "\"reason\":\"no \\\"such\\\" file\",\"this_update\":null,"
	     "\"next_update\":null,\"produced_at\":null,"
	     "\"usable_until\":null,\"seconds_left\":null,"
	     "\"must_staple\":null,\"action\":\"none\",\"exit\":2,");
}

static void
test_which_response_counts(void **state)
{
	(void)state;
	begin();
	says("\"status\":null");
	job.stored.holding = HOLDING_NOTHING;
	says("\"status\":\"none\"");
	job.stored.holding = HOLDING_JUDGED;
	verdict(&job.stored.verdict, VERDICT_GOOD);
	verdict(&job.received.verdict, VERDICT_UNKNOWN);
	job.result.code = job.outcome.status = CODE_REJECTED;
	says("\"status\":\"good\"");
	/* a verified revocation, written or not */
	verdict(&job.received.verdict, VERDICT_REVOKED);
	job.received.verdict.this_update = NOW - 60;
	job.received.answered = 1;
	job.result.code = job.outcome.status = CODE_REVOKED;
	says("\"status\":\"revoked\"");
	says("\"this_update\":\"2026-11-24T23:59:00Z\"");
	/* what said so is at hand no more */
	memset(&job.received.verdict, 0, sizeof(job.received.verdict));
	job.received.verdict.status = VERDICT_ERROR;
	says("\"status\":\"revoked\"");
	says("\"this_update\":null");
	/* a dry run */
	begin();
	verdict(&job.received.verdict, VERDICT_GOOD);
	job.saving.would_write = 1;
	says("\"status\":\"good\"");
	/* what is stapled, whatever is stored */
	begin();
	o.served = "host";
	job.stored.holding = HOLDING_JUDGED;
	verdict(&job.stored.verdict, VERDICT_GOOD);
	says("\"status\":null");
	job.received.stapled = STAPLED_NOTHING;
	says("\"status\":\"none\"");
	job.received.stapled = STAPLED_OLDER;
	verdict(&job.received.verdict, VERDICT_UNKNOWN);
	says("\"status\":\"unknown\"");
}

static void
test_times_beyond_the_form_are_null(void **state)
{
	(void)state;
	begin();
	job.stored.holding = HOLDING_JUDGED;
	verdict(&job.stored.verdict, VERDICT_GOOD);
	job.stored.verdict.next_update =
	    253402300799; /* the end of the year 9999 */
	says("\"next_update\":\"9999-12-31T23:59:59Z\"");
	job.stored.verdict.next_update++;
	says("\"next_update\":null");
	job.stored.verdict.next_update =
	    -62167219200; /* the start of the year 0 */
	says("\"next_update\":\"0000-01-01T00:00:00Z\"");
	job.stored.verdict.next_update--;
	says("\"next_update\":null");
	job.stored.verdict.has_next = 0;
	says("\"next_update\":null");
	job.stored.verdict.has_times = 0;
	says("\"this_update\":null");
	says("\"seconds_left\":null");
}

static void
test_an_end_that_has_passed(void **state)
{
	(void)state;
	begin();
	job.stored.holding = HOLDING_JUDGED;
	verdict(&job.stored.verdict, VERDICT_STALE);
	job.stored.verdict.usable_until = job.stored.verdict.next_update =
	    NOW - 10;
	says("\"status\":\"expired\"");
	says("\"usable_until\":\"2026-11-24T23:59:50Z\",\"seconds_left\":-10,");
	/* an earlier end, or the only one */
	job.stored.verdict.usable_until = NOW - 3000;
	says("\"seconds_left\":-3000,");
	job.stored.verdict.has_next = 0;
	job.stored.verdict.next_update = 0;
	says("\"seconds_left\":-3000,");
	verdict(&job.stored.verdict, VERDICT_REFUSED);
	says("\"this_update\":\"2026-11-24T23:00:00Z\"");
	says("\"usable_until\":null,\"seconds_left\":null");
}

static void
test_two_failures_are_one_reason(void **state)
{
	(void)state;
	begin();
	job.result.code = CODE_REJECTED;
	outcome_fail(&job.outcome, job.result.code, CAUSE_REFUSED, "first");
	outcome_fail(&job.outcome, CODE_LOCAL, CAUSE_FILE, "second\n");
	says("\"reason\":\"first; besides, second\\u000A\"");
}

static void
test_what_is_stored_is_part_of_the_reason(void **state)
{
	(void)state;
	begin();
	job.result.code = CODE_TEMPORARY;
	outcome_fail(&job.outcome, job.result.code, CAUSE_NO_RESPONSE, "none");
	job.output = NULL;
	says("\"reason\":\"none\"");
	job.output = strdup("x.ocsp");
	assert_non_null(job.output);
	job.stored.holding = HOLDING_NOT_LOOKED;
	says("\"reason\":\"none\"");
	job.stored.holding = HOLDING_NOTHING;
	says("\"reason\":\"none; there is no x.ocsp\"");
	verdict(&job.stored.verdict, VERDICT_STALE);
	job.stored.holding = HOLDING_JUDGED;
	snprintf(job.stored.verdict.why, sizeof(job.stored.verdict.why),
	    "it \"ended\"");
	says("\"reason\":\"none; x.ocsp is of no use: it \\\"ended\\\"\"");
	/* other reasons tell enough */
	job.outcome.cause = CAUSE_CONNECT;
	says("\"reason\":\"none\"");
	free(job.output);
	job.output = NULL;
}

static void
test_a_clock_that_stands_still_is_no_negative_time(void **state)
{
	(void)state;
	begin();
	env.ms = job.loaded_ms - 1;
	says("\"elapsed_ms\":0}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_is_quoted),
	    cmocka_unit_test(test_controls_are_escaped),
	    cmocka_unit_test(test_utf8_stays),
	    cmocka_unit_test(test_what_is_no_utf8_becomes_text),
	    cmocka_unit_test(test_any_bytes_are_one_line),
	    cmocka_unit_test(test_a_line_has_all_keys_in_order),
	    cmocka_unit_test(test_nothing_known_is_null),
	    cmocka_unit_test(test_which_response_counts),
	    cmocka_unit_test(test_times_beyond_the_form_are_null),
	    cmocka_unit_test(test_an_end_that_has_passed),
	    cmocka_unit_test(test_two_failures_are_one_reason),
	    cmocka_unit_test(test_what_is_stored_is_part_of_the_reason),
	    cmocka_unit_test(
		test_a_clock_that_stands_still_is_no_negative_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
