/* SPDX-License-Identifier: ISC */
/* hosts.c: who may be asked now. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sched/hosts.h"
#include "job/policy.h"

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

static const struct options options = {.retry = 2};
static const struct policy_attempt by_post = {.method = METHOD_POST};

static enum policy_host
ended(enum http_result result, long ms, long long retry_after, long long now)
{
	struct http_answer a = {.result = result,
	    .status = result == HTTP_ANSWERED ? 503 : 0,
	    .ms = ms,
	    .retry_after = retry_after,
	    .connected = result == HTTP_EBROKEN,
	    .date = -1,
	    .type = "text/html",
	    .location = "http://a/",
	    .body = (const unsigned char *)"x",
	    .body_len = 1};
	struct policy_span s = {now - ms, now, -1, 0};

	snprintf(a.why, sizeof(a.why), "the reason");
	host_begin(one, now - ms);
	return host_end(one, &options, &by_post, &a, &s);
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
retry_after_is_for_all_requests_to_the_host(void **state)
{
	(void)state;
	assert_int_equal(ended(HTTP_ANSWERED, 10, 5, 1000), HOST_PACES);
	is(HOST_PAUSES, 1000);
	assert_int_equal(wait_ms, 5000);
	is(HOST_PAUSES, 5999);
	assert_int_equal(wait_ms, 1);
	is(HOST_FREE, 6000);
}

static void
what_is_to_be_waited_for_is_the_soonest(void **state)
{
	(void)state;
	wait_ms = 3;
	ended(HTTP_ANSWERED, 10, 5, 1000);
	is(HOST_PAUSES, 1000);
	assert_int_equal(wait_ms, 3);
}

static void
a_failure_is_kept_without_what_was_lent(void **state)
{
	struct http_answer a;

	(void)state;
	assert_int_equal(ended(HTTP_ANSWERED, 10, 61, 1000), HOST_GIVEN_UP);
	is(HOST_DOWN, 1000);
	is(HOST_DOWN, 1000000);
	host_failure(one, HTTP_SKIPPED, &a);
	assert_int_equal(a.skipped, HTTP_SKIPPED);
	assert_int_equal(a.result, HTTP_ANSWERED);
	assert_int_equal(a.status, 503);
	assert_int_equal(a.retry_after, 61);
	assert_int_equal(a.date, -1);
	assert_string_equal(a.why, "the reason");
	assert_string_equal(a.headers, "");
	assert_null(a.body);
	assert_null(a.type);
	assert_null(a.location);
	assert_int_equal(a.body_len, 0);
}

static void
the_failure_that_is_kept_is_the_one_it_pauses_for(void **state)
{
	struct http_answer a;

	(void)state;
	ended(HTTP_ANSWERED, 10, 30, 1000);
	ended(HTTP_ANSWERED, 200, 0, 1100);
	host_failure(one, HTTP_SKIPPED_NOW, &a);
	assert_int_equal(a.skipped, HTTP_SKIPPED_NOW);
	assert_int_equal(a.retry_after, 30);
}

static void
one_that_cannot_be_reached_is_probed_and_given_up_after_four_rounds(
    void **state)
{
	static const enum http_result all[] = {
	    HTTP_ERESOLVE, HTTP_ECONNECT, HTTP_ETIMECONNECT, HTTP_ETIMEOUT};
	static const long long pauses[] = {1100, 2200, 4400, 0};
	struct http_answer a;
	long long now = 1000;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		is(HOST_FREE, now);
		assert_int_equal(ended(all[i], 1, 0, now + 1),
		    i < 3 ? HOST_GOES_ON : HOST_GIVEN_UP);
		is(i < 3 ? HOST_PAUSES : HOST_DOWN, now + pauses[i]);
		now += 1 + pauses[i];
	}
	host_failure(one, HTTP_SKIPPED, &a);
	assert_int_equal(a.result, HTTP_ETIMEOUT);
}

static void
many_that_fail_together_are_one_failure(void **state)
{
	struct http_answer a = {.result = HTTP_ECONNECT};
	int i;

	(void)state;
	begin(400, 1000);
	for (i = 0; i < 400; i++) {
		struct policy_span s = {1000, 1001 + i, -1, 0};

		assert_int_equal(
		    host_end(one, &options, &by_post, &a, &s), HOST_GOES_ON);
	}
	is(HOST_PAUSES, 2000);
	is(HOST_FREE, 2101);
}

static void
one_request_sees_whether_it_is_back(void **state)
{
	(void)state;
	ended(HTTP_ECONNECT, 1, 0, 1000);
	is(HOST_FREE, 2100);
	begin(1, 2100);
	wait_ms = LONG_MAX;
	is(HOST_PAUSES, 2101);
	/* its answer ends the wait, and no clock */
	assert_true(wait_ms == LONG_MAX);
	ended(HTTP_ANSWERED, 1, 0, 2102);
	is(HOST_FREE, 2102);
}

static void
those_that_are_served_while_others_are_not_make_it_a_limit(void **state)
{
	const struct http_answer a = {.result = HTTP_ANSWERED, .status = 429};
	struct policy_span s = {900, 1000, -1, 0};

	(void)state;
	begin(2, 900);
	assert_int_equal(host_end(one, &options, &by_post, &a, &s), HOST_PACES);
	assert_int_equal(s.others, 1);
	assert_int_equal(
	    host_end(one, &options, &by_post, &a, &s), HOST_GOES_ON);
	assert_int_equal(s.others, 0);
}

static void
a_rate_is_kept_from_the_start_of_one_request_to_the_next(void **state)
{
	const struct http_answer good = {
	    .result = HTTP_ANSWERED, .status = 200};
	struct policy_span s = {2000, 2100, -1, 0};

	(void)state;
	ended(HTTP_ANSWERED, 10, 1, 1000);
	is(HOST_FREE, 2000);
	host_begin(one, 2000);
	host_end(one, &options, &by_post, &good, &s);
	/* 200 ms, less a sixteenth as it was served */
	is(HOST_PAUSES, 2186);
	is(HOST_FREE, 2187);
}

static void
this_machines_own_fault_is_none_of_the_hosts(void **state)
{
	int i;

	(void)state;
	for (i = 1; i < 20; i++)
		ended(HTTP_ELOCAL, 1, 0, i);
	is(HOST_FREE, i);
}

static void
one_that_is_down_comes_back_with_an_answer(void **state)
{
	long long now = 1000;

	(void)state;
	while (ended(HTTP_ECONNECT, 1, 0, now) != HOST_GIVEN_UP)
		now += 100000;
	is(HOST_DOWN, now);
	ended(HTTP_EBROKEN, 1, 0, now + 10);
	is(HOST_FREE, now + 10);
}

static void
which_method_it_answers_is_remembered(void **state)
{
	(void)state;
	assert_int_equal(host_method(one), METHOD_AUTO);
	host_learn(one, METHOD_POST);
	assert_int_equal(host_method(one), METHOD_POST);
	assert_int_equal(
	    host_method(hosts_find(hosts, "http://other/")), METHOD_AUTO);
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
	    TEST(retry_after_is_for_all_requests_to_the_host),
	    TEST(what_is_to_be_waited_for_is_the_soonest),
	    TEST(a_failure_is_kept_without_what_was_lent),
	    TEST(the_failure_that_is_kept_is_the_one_it_pauses_for),
	    TEST(
		one_that_cannot_be_reached_is_probed_and_given_up_after_four_rounds),
	    TEST(many_that_fail_together_are_one_failure),
	    TEST(one_request_sees_whether_it_is_back),
	    TEST(those_that_are_served_while_others_are_not_make_it_a_limit),
	    TEST(a_rate_is_kept_from_the_start_of_one_request_to_the_next),
	    TEST(this_machines_own_fault_is_none_of_the_hosts),
	    TEST(one_that_is_down_comes_back_with_an_answer),
	    TEST(which_method_it_answers_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
