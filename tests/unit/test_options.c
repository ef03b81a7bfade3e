/* SPDX-License-Identifier: ISC */
/*
 * The command line, in-process: what each option leaves in struct options,
 * what is there without it, and where the limits are.
 */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocsp.h"
#include "cli/options.h"
#include "probe/served.h"

#define MAX_ARGS 4096

static char *line;
static char *args[MAX_ARGS + 1];
static char why[1 << 16];

/* Words with bars between them, into args; returns how many. */
static int
split(const char *words)
{
	int n = 0;
	char *p;

	free(line);
	line = strdup(words);
	assert_non_null(line);
	args[n++] = line;
	for (p = line; (p = strchr(p, '|')) != NULL;) {
		*p++ = '\0';
		assert_true(n < MAX_ARGS);
		args[n++] = p;
	}
	args[n] = NULL;
	return n;
}

/* The program's name first; options_free() is the caller's. */
static enum options_result
parse(struct options *o, const char *words)
{
	static char name[] = "x";
	char *fresh[] = {name, NULL};
	struct text reason = {0};
	enum options_result res;
	int n = split(words);

	/* getopt remembers where it stopped in the last test */
	optind = 0;
	assert_int_equal(getopt(1, fresh, ""), -1);
	memset(why, '!', sizeof(why) - 1);
	res = options_read(o, n, args, &reason);
	if (res == OPTIONS_BAD)
		snprintf(why, sizeof(why), "%s", reason.s);
	text_free(&reason);
	return res;
}

static void
gives(const char *words, enum options_result want)
{
	struct options o;
	enum options_result res = parse(&o, words);

	if (res != want)
		print_error("of %.200s: %d\n", words, (int)res);
	assert_int_equal(res, want);
	if (res == OPTIONS_BAD)
		assert_true(why[0] != '\0');
	options_free(&o);
}

/* Reads what must be right. */
static struct options
good(const char *words)
{
	struct options o;
	enum options_result res = parse(&o, words);

	if (res != OPTIONS_RUN)
		print_error("of %.200s: %s\n", words, why);
	assert_int_equal(res, OPTIONS_RUN);
	return o;
}

static void
defaults_are_those_of_the_manual(void **state)
{
	struct options o = good("x|site.pem");

	(void)state;
	assert_int_equal(o.issuers.n, 0);
	assert_int_equal(o.headers.n, 0);
	assert_null(o.url);
	assert_null(o.output);
	assert_null(o.proxy);
	assert_null(o.noproxy);
	assert_int_equal(o.max_age, -1);
	assert_int_equal(o.skew, 300);
	assert_int_equal(o.timeout, 30);
	assert_int_equal(o.connect_timeout, 10);
	assert_int_equal(o.deadline, -1);
	assert_int_equal(o.min_valid, -1);
	assert_int_equal(o.min_percent, 0);
	assert_int_equal(o.retry, 2);
	assert_int_equal(o.max_redirs, 0);
	assert_int_equal(o.parallel, 16);
	assert_int_equal(o.mode, 0644);
	assert_int_equal(o.exit_changed, 0);
	assert_int_equal(o.method, METHOD_AUTO);
	assert_int_equal(o.hash, HASH_SHA1);
	assert_int_equal(o.ipv4 | o.ipv6 | o.check | o.if_due | o.force |
		o.dry_run | o.nonce | o.del_ext | o.write_revoked | o.verbose,
	    0);
	assert_int_equal(o.noperands, 1);
	options_free(&o);
}

static void
each_number_arrives(void **state)
{
	static const struct {
		const char *words;
		size_t at;
		long long want;
	} rows[] = {
#define ROW(words, member, want) {words, offsetof(struct options, member), want}
	    ROW("x|-a|1h|f", max_age, 3600),
	    ROW("x|--max-age|90|f", max_age, 90),
	    ROW("x|--max-age=2w|f", max_age, 1209600),
	    ROW("x|--skew|0|f", skew, 0),
	    ROW("x|--skew=1m|f", skew, 60),
	    ROW("x|-t5|f", timeout, 5),
	    ROW("x|--timeout|1d|f", timeout, 86400),
	    ROW("x|--connect-timeout|7s|f", connect_timeout, 7),
	    ROW("x|--deadline|15m|f", deadline, 900),
	    ROW("x|--deadline|100w|f", deadline, 60480000),
	    ROW("x|-m|25h|f", min_valid, 90000),
	    ROW("x|-m0|f", min_valid, 0),
	    ROW("x|--min-valid=7d|f", min_valid, 604800),
	    ROW("x|-m|30%|f", min_valid, 30),
	    ROW("x|-r|0|f", retry, 0),
	    ROW("x|--retry|5|f", retry, 5),
	    ROW("x|--max-redirs|3|f", max_redirs, 3),
	    ROW("x|-P|1|f", parallel, 1),
	    ROW("x|--parallel=256|f", parallel, 256),
	    ROW("x|--mode|0600|f", mode, 0600),
	    ROW("x|--mode=777|f", mode, 0777),
	    ROW("x|--mode|0|f", mode, 0),
	    ROW("x|--exit-changed|f", exit_changed, 10),
	    ROW("x|--exit-changed=6|f", exit_changed, 6),
	    ROW("x|--exit-changed=125|f", exit_changed, 125),
#undef ROW
	};
	struct options o;
	long long got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = good(rows[i].words);
		memcpy(&got, (char *)&o + rows[i].at, sizeof(got));
		if (got != rows[i].want)
			print_error("of %s: %lld\n", rows[i].words, got);
		assert_int_equal(got, rows[i].want);
		assert_int_equal(
		    o.min_percent, strchr(rows[i].words, '%') != NULL);
		assert_int_equal(o.noperands, 1);
		options_free(&o);
	}
}

static void
each_flag_and_choice_arrives(void **state)
{
	static const struct {
		const char *words;
		size_t at;
		int want;
	} rows[] = {
#define ROW(words, member, want) {words, offsetof(struct options, member), want}
	    ROW("x|--progress|f", progress, 1),
	    ROW("x|-j|f", json, 1),
	    ROW("x|--json|f", json, 1),
	    ROW("x|--syslog|f", syslog, 1),
	    ROW("x|-4|f", ipv4, 1),
	    ROW("x|--ipv4|f", ipv4, 1),
	    ROW("x|-6|f", ipv6, 1),
	    ROW("x|--ipv6|f", ipv6, 1),
	    ROW("x|-c|f", check, 1),
	    ROW("x|--check|f", check, 1),
	    ROW("x|-d|f", if_due, 1),
	    ROW("x|--if-due|f", if_due, 1),
	    ROW("x|-f|f", force, 1),
	    ROW("x|--force|f", force, 1),
	    ROW("x|-n|f", dry_run, 1),
	    ROW("x|--dry-run|f", dry_run, 1),
	    ROW("x|-N|f", nonce, 1),
	    ROW("x|--nonce|f", nonce, 1),
	    ROW("x|--del-ext|f", del_ext, 1),
	    ROW("x|--write-revoked|f", write_revoked, 1),
	    ROW("x|-v|f", verbose, 1),
	    ROW("x|-vv|f", verbose, 2),
	    ROW("x|-v|f|--verbose", verbose, 2),
	    ROW("x|-X|auto|f", method, METHOD_AUTO),
	    ROW("x|-Xget|f", method, METHOD_GET),
	    ROW("x|--method=post|f", method, METHOD_POST),
	    ROW("x|--certid-hash|sha1|f", hash, HASH_SHA1),
	    ROW("x|--certid-hash=sha256|f", hash, HASH_SHA256),
	    ROW("x|-S|a|f", starttls, STARTTLS_NONE),
	    ROW("x|-S|a|--starttls|smtp|f", starttls, STARTTLS_SMTP),
	    ROW("x|-S|a|--starttls=imap|f", starttls, STARTTLS_IMAP),
	    ROW("x|-Sa|--starttls=pop3|f", starttls, STARTTLS_POP3),
	    ROW("x|--served=a|--starttls=ftp|f", starttls, STARTTLS_FTP),
	    ROW("x|--served|a|--starttls|ldap|f", starttls, STARTTLS_LDAP),
#undef ROW
	};
	struct options o;
	size_t i;
	int got;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = good(rows[i].words);
		memcpy(&got, (char *)&o + rows[i].at, sizeof(got));
		if (got != rows[i].want)
			print_error("of %s: %d\n", rows[i].words, got);
		assert_int_equal(got, rows[i].want);
		options_free(&o);
	}
}

static void
passwords_are_wiped_out_of_the_arguments(void **state)
{
	static const char *const lines[] = {"x|-x|http://u:secret@p:1|f",
	    "x|-xu:secret@p|f", "x|--proxy=u:secret@p|f",
	    "x|--prox|u:secret@p|f", "x|-vxu:secret@p|f", "x|-H|A: secret|f",
	    "x|-HA: secret|f", "x|--header=A: secret|-H|B: secret|f",
	    "x|-H|secret|f", "x|f|-t|0|-H|A: b"};
	struct options o;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		(void)parse(&o, lines[i]);
		for (n = 0; args[n] != NULL; n++)
			if (strstr(args[n], "secret") != NULL)
				print_error("%s: %s\n", lines[i], args[n]);
		for (n = 0; args[n] != NULL; n++)
			assert_null(strstr(args[n], "secret"));
		assert_null(strstr(why, "secret"));
		options_free(&o);
	}
	o = good("x|-x|u:secret@p|-H|A: secret|-H|Cookie: c|f");
	assert_string_equal(args[2], "*");
	assert_string_equal(o.proxy, "u:secret@p");
	assert_string_equal(o.headers.v[0], "A: secret");
	assert_string_equal(o.shown_headers.v[0], "A: secret");
	assert_string_equal(o.headers.v[1], "Cookie: c");
	assert_string_equal(o.shown_headers.v[1], "Cookie: ...");
	options_free(&o);
}

static void
each_string_is_the_callers_own(void **state)
{
	struct options o = good("x|-u|http://a/|-o|out|-x||--noproxy|*|f");

	(void)state;
	assert_ptr_equal(o.url, args[2]);
	assert_ptr_equal(o.output, args[4]);
	assert_string_equal(o.proxy, "");
	assert_ptr_equal(o.noproxy, args[8]);
	assert_ptr_equal(o.operands[0], args[9]);
	options_free(&o);
	o = good("x|--url=https://b:1/c?d|--output=-|--proxy=p:1|f");
	assert_string_equal(o.url, "https://b:1/c?d");
	assert_string_equal(o.output, "-");
	assert_string_equal(o.proxy, "p:1");
	options_free(&o);
}

static void
lists_keep_their_order(void **state)
{
	char words[MAX_ARGS * 2], want[16];
	struct options o;
	size_t i, n = 1;

	(void)state;
	o = good("x|-i|a|f|--issuer=b|-ic|-H|A: b|--header|C:d|--header=E:");
	assert_int_equal(o.issuers.n, 3);
	assert_string_equal(o.issuers.v[0], "a");
	assert_string_equal(o.issuers.v[1], "b");
	assert_string_equal(o.issuers.v[2], "c");
	assert_int_equal(o.headers.n, 3);
	assert_string_equal(o.headers.v[0], "A: b");
	assert_string_equal(o.headers.v[1], "C:d");
	assert_string_equal(o.headers.v[2], "E:");
	options_free(&o);

	o = good("x|-l|a|--list=b|-l-");
	assert_int_equal(o.noperands, 0);
	assert_int_equal(o.lists.n, 3);
	assert_string_equal(o.lists.v[0], "a");
	assert_string_equal(o.lists.v[1], "b");
	assert_string_equal(o.lists.v[2], "-");
	options_free(&o);

	snprintf(words, sizeof(words), "x");
	for (i = 0; i < 500; i++)
		n +=
		    (size_t)snprintf(words + n, sizeof(words) - n, "|-i%zu", i);
	snprintf(words + n, sizeof(words) - n, "|f");
	o = good(words);
	assert_int_equal(o.issuers.n, 500);
	for (i = 0; i < 500; i++) {
		snprintf(want, sizeof(want), "%zu", i);
		assert_string_equal(o.issuers.v[i], want);
	}
	options_free(&o);
}

static void
operands_are_what_is_left_in_order(void **state)
{
	static const char *const want[] = {"a", "b", "-v", "--", "c"};
	struct options o = good("x|a|-t|5|b|-v|--|-v|--|c");
	size_t i;

	(void)state;
	assert_int_equal(o.noperands, 5);
	for (i = 0; i < 5; i++)
		assert_string_equal(o.operands[i], want[i]);
	assert_int_equal(o.verbose, 1);
	options_free(&o);
	/* a dash is a name as well */
	o = good("x|-|a");
	assert_int_equal(o.noperands, 2);
	assert_string_equal(o.operands[0], "-");
	options_free(&o);
}

static void
help_and_version_are_asked_for(void **state)
{
	(void)state;
	gives("x|-h", OPTIONS_HELP);
	gives("x|--help", OPTIONS_HELP);
	gives("x|-i|a|-v|f|-h|--bogus", OPTIONS_HELP);
	gives("x|-V", OPTIONS_VERSION);
	gives("x|--version", OPTIONS_VERSION);
	gives("x|-i|a|-H|A: b|-V", OPTIONS_VERSION);
}

static void
limits_hold_on_both_sides(void **state)
{
	static const char *const within[] = {"-a|1", "-t|1", "-t|86400",
	    "-t|24h", "--connect-timeout|1", "--connect-timeout|1d",
	    "--deadline|1", "--skew|0", "-m|0", "-m|0%", "-m|100%", "-P|1",
	    "-P|256", "-r|0", "--max-redirs|0", "--mode|0", "--mode|777",
	    "--mode|00000000644", "--exit-changed=6", "--exit-changed=125",
	    "-a|000000000000000000000000000000001"};
	static const char *const beyond[] = {"-a|0", "-t|0", "-t|0s",
	    "--connect-timeout|0", "--deadline|0", "--skew|-1", "-m|-1",
	    "-m|101%", "-m|-1%", "-P|0", "-P|257", "-r|-1", "--max-redirs|-1",
	    "--mode|1000", "--mode|8", "--mode|-1", "--exit-changed=5",
	    "--exit-changed=126", "--exit-changed=0", "--exit-changed=-6",
	    "--exit-changed=", "--exit-changed=262"};
	char words[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
		snprintf(words, sizeof(words), "x|%s|f", within[i]);
		gives(words, OPTIONS_RUN);
	}
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		snprintf(words, sizeof(words), "x|%s|f", beyond[i]);
		gives(words, OPTIONS_BAD);
	}
}

/* Each way to write no number, for each option that wants one. */
static void
what_is_no_number_is_refused(void **state)
{
	static const char *const names[] = {"--max-age", "--skew", "--timeout",
	    "--connect-timeout", "--deadline", "--min-valid", "--retry",
	    "--max-redirs", "--parallel", "--mode", "--exit-changed"};
	static const char *const bad[] = {"", " ", "-", "+", "-1", "+1", " 7",
	    "7 ", "7\n", "7\t", "1.5", "1,5", "0x7", "1e1", "seven", "7q",
	    "7ss", "7sm", "s", "%", "7%%", "\xd9\xa7", "9223372036854775807",
	    "9223372036854775808", "9223372036854775807s",
	    "9223372036854775807w", "15250284452472w", "15250284452471w",
	    "18446744073709551615", "18446744073709551616",
	    "18446744073709551617", "18446744073709551623",
	    "99999999999999999999", "777777777777777777777",
	    "1777777777777777777777", "2000000000000000000000644",
	    "340282366920938463463374607431768211463", "4294967303",
	    "4294967297"};
	char words[256];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			/* 136 years: long for a deadline, but a time */
			if (bad[j][0] == '4' && i < 6)
				continue;
			snprintf(words, sizeof(words), "x|%s=%s|f", names[i],
			    bad[j]);
			gives(words, OPTIONS_BAD);
			assert_non_null(strstr(why, names[i]));
		}
}

static void
usage_errors_are_found(void **state)
{
	static const char *const bad[] = {"x", "x|--", "x|-v", "x|-Q|f",
	    "x|--bogus|f", "x|--bogus=|f", "x|-a", "x|--max-age", "x|f|-H",
	    "x|--check=1|f", "x|-4|-6|f", "x|-o|a|f|g", "x|-d|-f|f",
	    "x|-a|1|-a|1|f", "x|-a|1|--max-age|1|f", "x|-4|--ipv4|f",
	    "x|-o|-|-c|f", "x|-o|-|-d|f", "x|-o|a|--del-ext|f", "x|-o|a|-l|b",
	    "x|-l||f", "x|-l|-|-l|a|--list=-", "x|-c|--write-revoked|f",
	    "x|-c|--exit-changed|f", "x|-X|put|f", "x|-X||f",
	    "x|--certid-hash|md5|f", "x|-u|file:///etc/passwd|f", "x|-u||f",
	    "x|-H||f", "x|-H|a|f", "x|-H|a: b\r\nc: d|f", "x|-S||f",
	    "x|-S|a:0|f", "x|--starttls|smtp|f", "x|-S|a|--starttls|nntp|f",
	    "x|-S|a|-c|f", "x|-S|a|-d|f", "x|-S|a|-f|f", "x|-S|a|-n|f",
	    "x|-S|a|-o|b|f", "x|-S|a|-o|-|f", "x|-S|a|-x||f", "x|-S|a|-N|f",
	    "x|-i|a|-i|b|-H|A: b|--bogus|f"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		gives(bad[i], OPTIONS_BAD);
}

static void
the_reason_fits_however_long_the_word_is(void **state)
{
	static const char *const before[] = {"x|f|-a|", "x|f|-u|", "x|f|-H|",
	    "x|f|-X|", "x|f|--", "x|f|--mode|", "x|f|-m|", "x|f|-P|",
	    "x|f|--url=http://", "x|f|--header=A: \n", "x|f|--nonce="};
	const size_t n = 100000;
	char *words = malloc(n + 64);
	size_t i, used;

	(void)state;
	assert_non_null(words);
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		used = (size_t)snprintf(words, 64, "%s", before[i]);
		memset(words + used, 'a', n);
		words[used + n] = '\0';
		gives(words, OPTIONS_BAD);
	}
	free(words);
}

static void
a_program_without_even_a_name_has_no_operands(void **state)
{
	char *argv[] = {NULL, NULL};
	struct options o;
	struct text reason = {0};

	(void)state;
	assert_int_equal(options_read(&o, 0, argv, &reason), OPTIONS_BAD);
	assert_int_equal(o.noperands, 0);
	options_free(&o);
	text_free(&reason);
}

static void
the_help_fits_a_terminal(void **state)
{
	const char *p, *end;

	(void)state;
	for (p = options_help; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_true(end - p <= 80);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_those_of_the_manual),
	    cmocka_unit_test(each_number_arrives),
	    cmocka_unit_test(each_flag_and_choice_arrives),
	    cmocka_unit_test(each_string_is_the_callers_own),
	    cmocka_unit_test(passwords_are_wiped_out_of_the_arguments),
	    cmocka_unit_test(lists_keep_their_order),
	    cmocka_unit_test(operands_are_what_is_left_in_order),
	    cmocka_unit_test(help_and_version_are_asked_for),
	    cmocka_unit_test(limits_hold_on_both_sides),
	    cmocka_unit_test(what_is_no_number_is_refused),
	    cmocka_unit_test(usage_errors_are_found),
	    cmocka_unit_test(the_reason_fits_however_long_the_word_is),
	    cmocka_unit_test(a_program_without_even_a_name_has_no_operands),
	    cmocka_unit_test(the_help_fits_a_terminal),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(line);
	return failed;
}
