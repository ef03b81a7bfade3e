/* hosts.c: who may be asked now. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hosts.h"
#include "policy.h"

#define URL "http://ocsp.example:8080/a"

static struct hosts *hosts;
static struct host *one;
static long wait_ms;

static int
set_up(void **state)
{
	(void)state;
	hosts = hosts_new(16);
	one = hosts != NULL ? hosts_find(hosts, URL) : NULL;
	wait_ms = LONG_MAX;
	return one != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	hosts_free(hosts);
	return 0;
}

static void
ended(enum http_result result, long ms, long long retry_after, long long now)
{
	struct http_answer a = {.result = result,
	    .status = result == HTTP_ANSWERED ? 503 : 0,
	    .ms = ms,
	    .retry_after = retry_after,
	    .date = -1};

	snprintf(a.why, sizeof(a.why), "the reason");
	host_begin(one, now - ms);
	host_end(one, &a, now);
}

static void
begin(int n, long long now)
{
	while (n-- > 0)
		host_begin(one, now);
}

static void
is(enum host_state want, long long now)
{
	assert_int_equal(host_state(hosts, one, now, &wait_ms), want);
}

static void
one_host_has_one_scheme_name_and_port(void **state)
{
	static const char *const others[] = {"https://ocsp.example:8080/a",
	    "http://ocsp.example:808/a", "http://ocsp.example/a",
	    "http://ocsp.exampl/a", "http://ocsp.example:80800/a"};
	size_t i;

	(void)state;
	assert_ptr_equal(hosts_find(hosts, "http://ocsp.example:8080"), one);
	assert_ptr_equal(
	    hosts_find(hosts, "http://ocsp.example:8080/b?c"), one);
	assert_ptr_equal(hosts_find(hosts, "http://ocsp.example:8080?c/"), one);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_ptr_not_equal(hosts_find(hosts, others[i]), one);
}

static void
thousands_of_hosts_are_told_apart(void **state)
{
	static struct host *all[5000];
	char url[64];
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(url, sizeof(url), "http://h%zu/", i);
		all[i] = hosts_find(hosts, url);
		assert_non_null(all[i]);
		host_begin(all[i], (long long)i);
	}
	for (i = 0; i < 5000; i++) {
		snprintf(url, sizeof(url), "http://h%zu/x", i);
		assert_ptr_equal(hosts_find(hosts, url), all[i]);
	}
}

static void
a_new_host_gets_three_quarters_of_the_slots(void **state)
{
	(void)state;
	begin(11, 0);
	is(HOST_FREE, 0);
	begin(1, 0);
	is(HOST_NEW, 0);
	is(HOST_NEW, HOSTS_SLOW);
}

static void
one_that_answers_quickly_gets_all(void **state)
{
	(void)state;
	ended(HTTP_ANSWERED, 50, 0, 100);
	begin(15, 100);
	is(HOST_FREE, 100);
	begin(30, 100);
	is(HOST_FREE, 100);
}

static void
one_that_took_its_time_gets_its_share(void **state)
{
	(void)state;
	ended(HTTP_ANSWERED, HOSTS_SLOW + 1, 0, 2000);
	begin(11, 2000);
	is(HOST_FREE, 2000);
	begin(1, 2000);
	is(HOST_SLOW, 2000);
}

static void
one_that_falls_silent_gets_its_share(void **state)
{
	(void)state;
	ended(HTTP_ANSWERED, 50, 0, 100);
	begin(12, 100);
	is(HOST_FREE, 100 + HOSTS_SLOW);
	is(HOST_SLOW, 101 + HOSTS_SLOW);
}

static void
asking_more_does_not_make_a_silent_one_quick(void **state)
{
	long long now;

	(void)state;
	for (now = 0; now <= HOSTS_SLOW; now += 100)
		begin(2, now);
	is(HOST_SLOW, now);
}

static void
few_slots_leave_one_for_others(void **state)
{
	size_t n;

	(void)state;
	for (n = 1; n < 5; n++) {
		struct hosts *few = hosts_new(n);
		struct host *h;
		size_t got = 0;

		assert_non_null(few);
		h = hosts_find(few, URL);
		assert_non_null(h);
		while (host_state(few, h, 0, &wait_ms) == HOST_FREE) {
			host_begin(h, 0);
			got++;
		}
		assert_int_equal(got, n == 1 ? 1 : n - 1);
		hosts_free(few);
	}
}

static void
retry_after_is_for_all_questions_to_the_host(void **state)
{
	(void)state;
	ended(HTTP_ANSWERED, 10, 5, 1000);
	is(HOST_RESTS, 1000);
	assert_int_equal(wait_ms, 5000);
	is(HOST_RESTS, 5999);
	assert_int_equal(wait_ms, 1);
	is(HOST_FREE, 6000);
}

static void
an_earlier_end_of_the_rest_does_not_shorten_it(void **state)
{
	(void)state;
	host_begin(one, 0);
	ended(HTTP_ANSWERED, 10, 30, 1000);
	ended(HTTP_ANSWERED, 10, 1, 1000);
	is(HOST_RESTS, 30999);
	is(HOST_FREE, 31000);
}

static void
who_wants_to_be_left_alone_for_over_a_minute_is_not_asked_again(void **state)
{
	struct http_answer a;

	(void)state;
	ended(HTTP_ANSWERED, 10, 60, 1000);
	is(HOST_RESTS, 60999);
	ended(HTTP_ANSWERED, 10, 61, 1000);
	is(HOST_DOWN, 1000);
	is(HOST_DOWN, 1000000);
	host_failure(one, &a);
	assert_true(a.skipped);
	assert_int_equal(a.result, HTTP_ANSWERED);
	assert_int_equal(a.status, 503);
	assert_int_equal(a.retry_after, 61);
	assert_null(a.body);
	assert_int_equal(a.body_len, 0);
}

static void
who_wants_that_eight_times_in_a_row_is_not_asked_again(void **state)
{
	long long now = 0;
	int i;

	(void)state;
	for (i = 0; i < POLICY_HOST_FAILURES; i++) {
		is(HOST_FREE, now);
		ended(HTTP_ANSWERED, 10, 2, now);
		now += 2000;
	}
	is(HOST_DOWN, now);
}

static void
retry_after_beside_an_answer_means_nothing(void **state)
{
	const struct http_answer a = {
	    .result = HTTP_ANSWERED, .status = 200, .retry_after = 100};

	(void)state;
	host_begin(one, 0);
	host_end(one, &a, 0);
	is(HOST_FREE, 0);
}

static void
one_that_cannot_be_reached_is_down_after_eight_in_a_row(void **state)
{
	static const enum http_result all[] = {HTTP_ERESOLVE, HTTP_ECONNECT,
	    HTTP_ETLS, HTTP_ETIMECONNECT, HTTP_ETIMEOUT, HTTP_EPROXY};
	struct http_answer a;
	int i;

	(void)state;
	for (i = 0; i < POLICY_HOST_FAILURES; i++) {
		is(HOST_FREE, i);
		ended(all[i % 6], 1, 0, i);
	}
	is(HOST_DOWN, i);
	host_failure(one, &a);
	assert_int_equal(a.result, all[(POLICY_HOST_FAILURES - 1) % 6]);
	assert_string_equal(a.why, "the reason");
	assert_true(a.skipped);
	assert_int_equal(a.date, -1);
	assert_string_equal(a.headers, "");
}

static void
any_answer_in_between_begins_the_count_again(void **state)
{
	static const enum http_result all[] = {
	    HTTP_ANSWERED, HTTP_EBROKEN, HTTP_ETOOBIG};
	int i, k;

	(void)state;
	for (k = 0; k < 3; k++) {
		for (i = 0; i < POLICY_HOST_FAILURES - 1; i++)
			ended(HTTP_ECONNECT, 1, 0, i);
		ended(all[k], 1, 0, i);
		is(HOST_FREE, i);
	}
}

static void
this_machines_own_fault_is_none_of_the_hosts(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2 * POLICY_HOST_FAILURES; i++)
		ended(HTTP_ELOCAL, 1, 0, i);
	is(HOST_FREE, i);
	/* nor does it hide that the host is not there */
	for (i = 0; i < POLICY_HOST_FAILURES; i++) {
		ended(HTTP_ECONNECT, 1, 0, i);
		ended(HTTP_ELOCAL, 1, 0, i);
	}
	is(HOST_DOWN, i);
}

static void
one_that_is_down_comes_back_with_an_answer(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < POLICY_HOST_FAILURES; i++)
		ended(HTTP_ECONNECT, 1, 0, i);
	is(HOST_DOWN, i);
	ended(HTTP_ANSWERED, 1, 0, i);
	is(HOST_FREE, i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one_host_has_one_scheme_name_and_port),
	    TEST(thousands_of_hosts_are_told_apart),
	    TEST(a_new_host_gets_three_quarters_of_the_slots),
	    TEST(one_that_answers_quickly_gets_all),
	    TEST(one_that_took_its_time_gets_its_share),
	    TEST(one_that_falls_silent_gets_its_share),
	    TEST(asking_more_does_not_make_a_silent_one_quick),
	    TEST(few_slots_leave_one_for_others),
	    TEST(retry_after_is_for_all_questions_to_the_host),
	    TEST(an_earlier_end_of_the_rest_does_not_shorten_it),
	    TEST(
		who_wants_to_be_left_alone_for_over_a_minute_is_not_asked_again),
	    TEST(who_wants_that_eight_times_in_a_row_is_not_asked_again),
	    TEST(retry_after_beside_an_answer_means_nothing),
	    TEST(one_that_cannot_be_reached_is_down_after_eight_in_a_row),
	    TEST(any_answer_in_between_begins_the_count_again),
	    TEST(this_machines_own_fault_is_none_of_the_hosts),
	    TEST(one_that_is_down_comes_back_with_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
