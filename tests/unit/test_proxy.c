/* SPDX-License-Identifier: ISC */
/*
 * Settings of a proxy: their form, what is shown of them, and which one counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/proxy.h"

static const char *const vars[] = {"http_proxy", "HTTP_PROXY", "https_proxy",
    "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

static int
clean(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
		unsetenv(vars[i]);
	return 0;
}

static void
what_curl_takes_is_right(void **state)
{
	static const char *const good[] = {"", "proxy", "proxy:3128",
	    "http://proxy", "HTTP://proxy:3128/", "https://proxy:443",
	    "socks4://a", "socks4a://a", "socks5://a:1", "socks5h://a",
	    "socks://a", "user:pw@proxy:1", "http://u:p@proxy",
	    "http://u@h:65535", "http://u:p@ss:/w@h:1", "[::1]", "[::1]:3128",
	    "http://[fe80::1%25eth0]:1/", "http://host:", "127.0.0.1:8080",
	    "http://u:%20@h"};
	struct text why = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (proxy_check(good[i], &why) != 0)
			print_error("%s: %s\n", good[i], why.s);
		assert_int_equal(why.len, 0);
	}
}

static void
what_cannot_be_a_proxy_is_told_without_its_password(void **state)
{
	static const struct {
		const char *value, *says;
	} rows[] = {
	    {"htp://127.0.0.1:3128", "\"htp://127.0.0.1:3128\": a proxy's URL"},
	    {"htp://u:secret@h:1", "\"htp://...@h:1\": a proxy's URL"},
	    {"ftp://h", "a proxy's URL begins with http://"},
	    {"http:/h:3128", "\"http:\": a proxy's URL"},
	    {"http//h:3128", "\"http\": a proxy's URL"},
	    {"http://", "\"http://\": it names no host"},
	    {"http://u:secret@", "\"http://...@\": it names no host"},
	    {"http://:3128", "\"http://:3128\": it names no host"},
	    {"http://h:0", "\"http://h:...\": what follows"},
	    {"http://h:65536", "\"http://h:...\": what follows"},
	    {"http://h:31x28", "\"http://h:...\": what follows"},
	    {"http://u:secret", "\"http://u:...\": what follows"},
	    {"u:secret:h", "\"u:...\": what follows"},
	    {"http://u:secret@h x:1", "it holds a blank"},
	    {"http://h:1\n", "\"http://h:...\": it holds a blank"},
	    {" http://h:1", "it holds a blank"},
	    {"\"http://u:secret@h:1\"", "\"...@h:...\": what follows"},
	    {"'http://h:1'", "it names no host"},
	    {"http://::1:3128", "it names no host"},
	    {"http://fe80::1", "an IPv6 address is put into brackets"},
	    {"http://[secret:h", "it names no host"},
	    {"http://h]:1", "it names no host"},
	    {"http://a,secret", "it names no host"},
	};
	struct text why = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(proxy_check(rows[i].value, &why), -1);
		if (strstr(why.s, rows[i].says) == NULL ||
		    strstr(why.s, "secret") != NULL)
			print_error("%s: %s\n", rows[i].value, why.s);
		assert_non_null(strstr(why.s, rows[i].says));
		assert_null(strstr(why.s, "secret"));
		text_free(&why);
	}
}

struct row {
	const char *set; /* "name=value name=value" */
	const char *proxy, *noproxy, *url;
	int proxied;
	const char *says; /* NULL: nothing */
};

static void
check_row(const struct row *r)
{
	const struct proxy_options o = {r->proxy, r->noproxy};
	struct text hint = {0};
	char set[256], *word, *eq, *rest;

	clean(NULL);
	snprintf(set, sizeof(set), "%s", r->set);
	for (word = strtok_r(set, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		eq = strchr(word, '=');
		assert_non_null(eq);
		*eq = '\0';
		assert_int_equal(setenv(word, eq + 1, 1), 0);
	}
	proxy_hint(&o, r->url, r->proxied, &hint);
	if (r->says == NULL ? hint.len > 0
			    : hint.s == NULL || strcmp(hint.s, r->says) != 0)
		print_error("%s: %s\n", r->set, hint.s);
	if (r->says == NULL)
		assert_int_equal(hint.len, 0);
	else
		assert_string_equal(hint.s, r->says);
	text_free(&hint);
}

static void
a_failure_names_the_setting_that_counts(void **state)
{
	static const struct row rows[] = {
	    {"", NULL, NULL, "http://r/", 0, NULL},
	    {"http_proxy=p:1", NULL, NULL, "http://r/", 1,
		"http_proxy is \"p:1\""},
	    {"http_proxy=http://u:pw@p:1", NULL, NULL, "http://r/", 1,
		"http_proxy is \"http://...@p:1\""},
	    {"http_proxy=p:1", "q:2", NULL, "http://r/", 1,
		"-x, --proxy is \"q:2\""},
	    {"http_proxy=p:1 all_proxy=a", NULL, NULL, "https://r/", 1,
		"all_proxy is \"a\""},
	    {"https_proxy=s HTTPS_PROXY=t", NULL, NULL, "https://r/", 1,
		"https_proxy is \"s\""},
	    {"HTTPS_PROXY=t", NULL, NULL, "HTTPS://r/", 1,
		"HTTPS_PROXY is \"t\""},
	    {"ALL_PROXY=t", NULL, NULL, "http://r/", 1, "ALL_PROXY is \"t\""},
	    {"http_proxy=p", "", NULL, "http://r/", 0, NULL},
	    {"http_proxy=", NULL, NULL, "http://r/", 0, NULL},
	    {"HTTP_PROXY=p", NULL, NULL, "http://r/", 0,
		"HTTP_PROXY is not read, only http_proxy is, as by curl"},
	    {"HTTP_PROXY=p", NULL, NULL, "https://r/", 0, NULL},
	    {"HTTP_PROXY=p http_proxy=", NULL, NULL, "http://r/", 0,
		"HTTP_PROXY is not read, only http_proxy is, as by curl"},
	    {"HTTP_PROXY=", NULL, NULL, "http://r/", 0, NULL},
	    {"http_proxy= all_proxy=a", NULL, NULL, "http://r/", 1,
		"all_proxy is \"a\""},
	    {"https_proxy= HTTPS_PROXY= all_proxy= ALL_PROXY=a", NULL, NULL,
		"https://r/", 1, "ALL_PROXY is \"a\""},
	    {"http_proxy=p no_proxy= NO_PROXY=r", NULL, NULL, "http://r/", 0,
		"NO_PROXY keeps it from the proxy of http_proxy"},
	    {"http_proxy=p no_proxy=r", NULL, NULL, "http://r/", 0,
		"no_proxy keeps it from the proxy of http_proxy"},
	    {"http_proxy=p NO_PROXY=r", NULL, NULL, "http://r/", 0,
		"NO_PROXY keeps it from the proxy of http_proxy"},
	    {"http_proxy=p no_proxy=r", "q", "*", "http://r/", 0,
		"--noproxy keeps it from the proxy of -x, --proxy"},
	    {"http_proxy=p", NULL, NULL, "http://r/", 0, NULL},
	    {"http_proxy=p no_proxy=*.r", NULL, NULL, "http://r/", 1,
		"http_proxy is \"p\", and no_proxy holds a pattern or a URL, "
		"which no host matches: it takes example.com, for its "
		"subdomains too"},
	    {"http_proxy=p", NULL, "http://r", "http://r/", 1,
		"http_proxy is \"p\", and --noproxy holds a pattern or a URL, "
		"which no host matches: it takes example.com, for its "
		"subdomains too"},
	    {"http_proxy=htp://p", NULL, NULL, "http://r/", 1,
		"http_proxy is \"htp://p\": a proxy's URL begins with "
		"http://, https://, socks4://, socks4a://, socks5:// or "
		"socks5h://"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_curl_takes_is_right),
	    cmocka_unit_test(
		what_cannot_be_a_proxy_is_told_without_its_password),
	    cmocka_unit_test_setup_teardown(
		a_failure_names_the_setting_that_counts, clean, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
