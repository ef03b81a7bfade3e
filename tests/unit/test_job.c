/*
 * What is told of a certificate on which more than one thing failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "job.h"

static void
of_two_local_failures_besides_the_first_is_told(void **state)
{
	static const struct list_entry named = {.path = "site.pem"};
	struct job j;

	(void)state;
	job_init(&j, &named);
	job_fail(&j, CODE_REJECTED, "the answer");
	job_fail(&j, CODE_LOCAL, "the judge");
	job_fail(&j, CODE_LOCAL, "out of memory");
	assert_int_equal(j.trouble, CODE_REJECTED);
	assert_string_equal(j.why, "the answer");
	assert_string_equal(j.also, "the judge");
	job_free(&j);
}

static void
what_is_graver_leaves_the_local_failure_to_be_told(void **state)
{
	static const struct list_entry named = {.path = "site.pem"};
	struct job j;

	(void)state;
	job_init(&j, &named);
	job_fail(&j, CODE_LOCAL, "the disk");
	job_fail(&j, CODE_INPUT, "less grave");
	job_fail(&j, CODE_REVOKED, "revoked");
	job_fail(&j, CODE_LOCAL, "out of memory");
	assert_int_equal(j.trouble, CODE_REVOKED);
	assert_string_equal(j.why, "revoked");
	assert_string_equal(j.also, "the disk");
	job_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_two_local_failures_besides_the_first_is_told),
	    cmocka_unit_test(
		what_is_graver_leaves_the_local_failure_to_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
