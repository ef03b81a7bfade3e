/* SPDX-License-Identifier: ISC */
/*
 * What a response may be written over, by the bytes that are there: a row for
 * each kind, under a name that is derived from the certificate's and under one
 * that somebody gave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/replace.h"

enum { NEVER, DERIVED, ALWAYS };

static const struct row {
	int may;
	const char *bytes;
	size_t len; /* 0: of the string */
} rows[] = {
    /* a response, whole or cut off */
    {ALWAYS, "\x30\x82\x01\x0a\x0a\x01\x00\xa0\x82\x01\x03", 11},
    {ALWAYS, "\x30\x82\x01\x0a\x0a\x01\x00\xa0", 8},
    {ALWAYS, "\x30\x82\x01\x0a\x0a\x01\x00", 7},
    {ALWAYS, "\x30\x82\x01\x0a\x0a\x01", 6},
    {ALWAYS, "\x30\x82\x01", 3},
    {ALWAYS, "\x30\x82", 2},
    {ALWAYS, "\x30", 1},
    {ALWAYS, "\x30\x83\x01\x00\x00\x0a\x01\x00\xa0", 9},
    {ALWAYS, "\x30\x84\x00\x01\x00\x00\x0a\x01\x00\xa0", 10},
    {ALWAYS, "\x30\x81\xff\x0a\x01\x00\xa0", 7},
    {ALWAYS, "\x30\x80\x0a\x01\x00\xa0\x80", 7},
    /* an error response, also with something after it */
    {ALWAYS, "\x30\x03\x0a\x01\x06", 5},
    {ALWAYS, "\x30\x03\x0a\x01\x01", 5},
    {ALWAYS, "\x30\x03\x0a\x01\x06more", 9},
    /* what is not one */
    {NEVER, "\x30\x03\x0a\x01\x04", 5},
    {NEVER, "\x30\x03\x0a\x01\x07", 5},
    {NEVER, "\x30\x04\x0a\x02\x00\x01", 6},
    {NEVER, "\x30\x08\x0a\x01\x00\x04\x00", 7},
    {NEVER, "\x30\x85\x00\x00\x00\x00\x05\x0a\x01\x00", 10},
    {NEVER, "\x31\x03\x0a\x01\x00", 5},
    /* certificate, RSA key, PKCS #8, PKCS #12, PKCS #7, CRL */
    {NEVER, "\x30\x82\x03\x00\x30\x82\x02\x00\xa0\x03", 10},
    {NEVER, "\x30\x82\x04\xa4\x02\x01\x00\x02\x82", 9},
    {NEVER, "\x30\x82\x04\xbd\x02\x01\x00\x30\x0d", 9},
    {NEVER, "\x30\x82\x0a\x01\x02\x01\x03\x30\x82", 9},
    {NEVER, "\x30\x82\x05\x00\x06\x09\x2a\x86\x48", 9},
    {NEVER, "-----BEGIN OCSP RESPONSE-----\n", 0},
    {NEVER, "-----BEGIN PRIVATE KEY-----\n", 0},
    {NEVER, "\xfe\xed\xfe\xed\x00\x00\x00\x02", 8},
    {NEVER, "\xff\xfe-\x00-\x00-\x00", 8},
    {NEVER, "PK\x03\x04", 4},
    {NEVER, "\x1f\x8b\x08\x00", 4},
    {NEVER,
	"\x7f"
	"ELF",
	4},
    /* zeros, as a crash leaves them, and nothing else among them */
    {ALWAYS, "\0", 1},
    {ALWAYS, "\0\0\0\0\0\0\0\0", 8},
    {NEVER, "\0\0\0\0\0\0\0x", 8},
    {NEVER, "x\0\0\0\0\0\0\0", 8},
    /* an error page */
    {DERIVED, "<html><body>404</body></html>", 0},
    {DERIVED, "<!DOCTYPE html>", 0},
    {DERIVED, "<!doctype HTML PUBLIC", 0},
    {DERIVED, "\r\n\t <HTML>", 0},
    {DERIVED, "\xef\xbb\xbf<html>", 0},
    {DERIVED, "<html", 0},
    {DERIVED, "<head><title>", 0},
    {DERIVED, "<title>502 Bad Gateway", 0},
    {DERIVED, "<h1>Not Found</h1>", 0},
    {DERIVED, "<body>", 0},
    {DERIVED, "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC", 0},
    {DERIVED, "<!-- a -- > b -->\n<!-- c --><html>", 0},
    {NEVER, "<?xml version=\"1.0\"?>\n<config/>", 0},
    {NEVER, "<?xml version=\"1.0\"", 0},
    {NEVER, "<!-- notes", 0},
    {NEVER, "<!-- notes -->", 0},
    {NEVER, "<htm", 0},
    {NEVER, "<svg>", 0},
    {NEVER, "my notes on <html>", 0},
    {NEVER, "{\"error\":404}", 0},
    /* numbers, as in OpenSSL's file "serial" */
    {NEVER, "01\n", 0},
    {NEVER, "00", 0},
    {NEVER, "0\n", 0},
    {NEVER, "precious", 0},
    {NEVER, "404 page not found\n", 0},
    {NEVER, "\n", 0},
    {NEVER, " ", 0},
    {NEVER, "secret=1\n", 0},
};

static void
what_may_be_replaced_is_decided_by_what_it_begins_with(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned char *p = (const unsigned char *)rows[i].bytes;

		len = rows[i].len != 0 ? rows[i].len : strlen(rows[i].bytes);
		if (may_be_replaced(p, len, 0) != (rows[i].may == ALWAYS) ||
		    may_be_replaced(p, len, 1) != (rows[i].may != NEVER))
			fail_msg("row %zu: %s", i, rows[i].bytes);
	}
}

static void
nothing_and_what_is_empty_may_be_replaced(void **state)
{
	static const unsigned char none[1] = {'x'};

	(void)state;
	assert_true(may_be_replaced(NULL, 0, 0));
	assert_true(may_be_replaced(none, 0, 0));
	assert_true(may_be_replaced(none, 0, 1));
}

/* No byte behind the end is looked at: memory checkers see to it. */
static void
wherever_a_response_is_cut_off_it_may_be_replaced(void **state)
{
	static const unsigned char whole[] = {0x30, 0x82, 0x06, 0x1d, 0x0a,
	    0x01, 0x00, 0xa0, 0x82, 0x06, 0x16, 0x30, 0x82};
	unsigned char *p;
	size_t n;

	(void)state;
	for (n = 1; n <= sizeof(whole); n++) {
		p = test_malloc(n);
		memcpy(p, whole, n);
		assert_true(may_be_replaced(p, n, 0));
		test_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_may_be_replaced_is_decided_by_what_it_begins_with),
	    cmocka_unit_test(nothing_and_what_is_empty_may_be_replaced),
	    cmocka_unit_test(wherever_a_response_is_cut_off_it_may_be_replaced),
	};

	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
