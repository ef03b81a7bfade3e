/* SPDX-License-Identifier: ISC */
/*
 * What is told of a certificate on which more than one thing failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "job/outcome.h"

static void
of_two_local_failures_besides_the_first_is_told(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_REJECTED, CAUSE_REFUSED, "the answer");
	outcome_fail(&o, CODE_LOCAL, CAUSE_VERIFIER, "the judge");
	outcome_fail(&o, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
	assert_int_equal(o.status, CODE_REJECTED);
	assert_int_equal(o.cause, CAUSE_REFUSED);
	assert_string_equal(outcome_why(&o), "the answer");
	assert_string_equal(outcome_also(&o), "the judge");
	outcome_free(&o);
}

static void
what_is_graver_leaves_the_local_failure_to_be_told(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_LOCAL, CAUSE_FILE, "the disk");
	outcome_fail(&o, CODE_INPUT, CAUSE_CERTIFICATE, "less grave");
	outcome_fail(&o, CODE_REVOKED, CAUSE_REVOKED, "revoked");
	outcome_fail(&o, CODE_LOCAL, CAUSE_MEMORY, "out of memory");
	assert_int_equal(o.status, CODE_REVOKED);
	assert_string_equal(outcome_why(&o), "revoked");
	assert_string_equal(outcome_also(&o), "the disk");
	outcome_free(&o);
}

static void
of_equally_grave_failures_the_first_is_told(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_TEMPORARY, CAUSE_DNS, "first");
	outcome_fail(&o, CODE_TEMPORARY, CAUSE_CONNECT, "second");
	assert_int_equal(o.cause, CAUSE_DNS);
	assert_string_equal(outcome_why(&o), "first");
	outcome_free(&o);
}

static void
a_good_response_clears_all_but_a_local_failure(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_REJECTED, CAUSE_REFUSED, "refused");
	outcome_clear(&o);
	assert_int_equal(o.status, CODE_OK);
	assert_int_equal(o.cause, CAUSE_NONE);
	outcome_fail(&o, CODE_LOCAL, CAUSE_FILE, "the disk");
	outcome_clear(&o);
	assert_int_equal(o.status, CODE_LOCAL);
	assert_string_equal(outcome_why(&o), "the disk");
	outcome_fail(&o, CODE_REJECTED, CAUSE_REFUSED, "refused");
	outcome_clear(&o);
	assert_int_equal(o.status, CODE_LOCAL);
	assert_int_equal(o.cause, CAUSE_FILE);
	assert_string_equal(outcome_why(&o), "the disk");
	assert_string_equal(outcome_also(&o), "");
	outcome_free(&o);
}

static void
what_ocsp_says_replaces_what_failed_on_the_way(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_TEMPORARY, CAUSE_TIMEOUT, "on the way");
	outcome_got_ocsp(&o);
	outcome_fail(&o, CODE_TEMPORARY, CAUSE_TRY_LATER, "tryLater");
	assert_string_equal(outcome_why(&o), "tryLater");
	/* and is not replaced by it */
	outcome_retract(&o);
	outcome_got_ocsp(&o);
	outcome_fail(&o, CODE_TEMPORARY, CAUSE_TIMEOUT, "on the way");
	assert_string_equal(outcome_why(&o), "tryLater");
	outcome_free(&o);
}

static void
only_a_temporary_failure_is_taken_back(void **state)
{
	struct outcome o = {0};

	(void)state;
	outcome_fail(&o, CODE_INPUT, CAUSE_URL, "a bad URL");
	outcome_retract(&o);
	assert_int_equal(o.status, CODE_INPUT);
	outcome_got_ocsp(&o);
	assert_int_equal(o.status, CODE_INPUT);
	assert_int_equal(o.cause, CAUSE_URL);
	outcome_free(&o);
}

static void
a_reason_becomes_one_line_with_its_advice(void **state)
{
	struct reason r = {.status = CODE_TEMPORARY,
	    .cause = CAUSE_HTTP,
	    .text = "what failed",
	    .advice = "what to do"};
	struct outcome o = {0};

	(void)state;
	outcome_fail_for(&o, &r);
	assert_int_equal(o.status, CODE_TEMPORARY);
	assert_int_equal(o.cause, CAUSE_HTTP);
	assert_string_equal(outcome_why(&o), "what failed; what to do");
	outcome_free(&o);
	memset(&o, 0, sizeof(o));
	r.advice[0] = '\0';
	outcome_fail_for(&o, &r);
	assert_string_equal(outcome_why(&o), "what failed");
	outcome_free(&o);
}

static void
each_cause_has_a_word_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = CAUSE_NONE; a <= CAUSE_VERIFIER; a++) {
		assert_non_null(outcome_cause((enum cause)a));
		assert_string_not_equal(outcome_cause((enum cause)a), "");
		for (b = CAUSE_NONE; b < a; b++)
			assert_string_not_equal(outcome_cause((enum cause)a),
			    outcome_cause((enum cause)b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_two_local_failures_besides_the_first_is_told),
	    cmocka_unit_test(
		what_is_graver_leaves_the_local_failure_to_be_told),
	    cmocka_unit_test(of_equally_grave_failures_the_first_is_told),
	    cmocka_unit_test(a_good_response_clears_all_but_a_local_failure),
	    cmocka_unit_test(what_ocsp_says_replaces_what_failed_on_the_way),
	    cmocka_unit_test(only_a_temporary_failure_is_taken_back),
	    cmocka_unit_test(a_reason_becomes_one_line_with_its_advice),
	    cmocka_unit_test(each_cause_has_a_word_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
