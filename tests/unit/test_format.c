/* SPDX-License-Identifier: ISC */
/*
 * Formats: each is called by its name, cut off anywhere too, and no bytes that
 * somebody made up lead the reader astray.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cert/format.h"
#include "util/words.h"

#define ROW(s, f)                                                              \
	{                                                                      \
		(const unsigned char *)(s), sizeof(s) - 1, f                   \
	}

/* The beginnings of what openssl(1) writes. */
static const struct row {
	const unsigned char *p;
	size_t len;
	enum format want;
} rows[] = {
    ROW("", FORMAT_EMPTY),
    ROW("\0\0\0", FORMAT_ZEROS),
    ROW("\xef\xbb\xbf<!DOCTYPE html>", FORMAT_HTML),
    ROW("\n <HTML lang=en>", FORMAT_HTML),
    ROW("PK\3\4....", FORMAT_ARCHIVE),
    ROW("\x1f\x8b\x08", FORMAT_ARCHIVE),
    ROW("\xfe\xed\xfe\xed\0\0\0\2", FORMAT_JKS),
    ROW("\xce\xce\xce\xce\0\0\0\2", FORMAT_JKS),
    ROW("\xff\xfe-\0", FORMAT_UTF16),
    ROW("\xfe\xff\0-", FORMAT_UTF16),
    ROW("\xff\xfe\0\0-\0\0\0", FORMAT_UTF32),
    ROW("\0\0\xfe\xff\0\0\0-", FORMAT_UTF32),
    ROW("-\0-\0B\0E\0G\0I\0N\0 \0", FORMAT_UTF16LE),
    ROW("\0-\0-\0B\0E\0G\0I\0N\0 ", FORMAT_UTF16BE),
    ROW("MIIBszCCAVmgAwIBAgIUPdcnM1zp\r\nMIIBszCCAVmgAwIBAgIUPdcnM1zpMIIBszCCAV"
	"m"
	"gAwIBAgI=\r\n",
	FORMAT_BASE64),
    /* a certificate: version 3, and of version 1 */
    ROW("\x30\x82\1\0\x30\x81\xf0\xa0\3\2\1\2\2\1\5", FORMAT_CERTIFICATE),
    ROW("\x30\x82\1\0\x30\x81\xf0\2\1\5\x30\3\6\1\x2a\x30\2\x31\0\x30\4\x17\0"
	"\x17\0",
	FORMAT_CERTIFICATE),
    /* CSR, and without a subject */
    ROW("\x30\x82\1\0\x30\x81\xf0\2\1\0\x30\4\x31\2\x30\0", FORMAT_CSR),
    ROW("\x30\x81\x93\x30\x3a\2\1\0\x30\0\x30\x59", FORMAT_CSR),
    /* CRL of version 2, and 1 */
    ROW("\x30\x81\x98\x30\x40\2\1\1\x30\3\6\1\x2a\x30\2\x31\0\x17\1\x30",
	FORMAT_CRL),
    ROW("\x30\x81\x98\x30\x40\x30\3\6\1\x2a\x30\2\x31\0\x17\1\x30", FORMAT_CRL),
    ROW("\x30\x81\x98\x30\x40\x30\3\6\1\x2a", FORMAT_CRL),
    /* OCSP */
    ROW("\x30\x82\1\0\x0a\1\0\xa0\x81\xf0", FORMAT_RESPONSE),
    ROW("\x30\3\x0a\1\6", FORMAT_RESPONSE),
    ROW("\x30\x81\x80\x30\x7e\x30\x7c\x30\x7a\x30\x78\x30\3\6\1\x2a",
	FORMAT_REQUEST),
    ROW("\x30\x81\x80\x30\x7e\xa0\3\x30\1\0", FORMAT_REQUEST),
    ROW("\x30\x81\x80\x30\x7e\xa1\3\x30\1\0", FORMAT_REQUEST),
    /* keys: PKCS #8, RSA, EC, encrypted by PKCS #5 and by PKCS #12 */
    ROW("\x30\x81\x87\2\1\0\x30\x13\6\7\x2a\x86\x48\xce\x3d\2\1", FORMAT_KEY),
    ROW("\x30\x82\1\0\2\1\0\2\x81\x80\0", FORMAT_KEY),
    ROW("\x30\x81\x87\2\1\1\4\x20\1", FORMAT_KEY),
    ROW("\x30\5\2\1\1\4\0", FORMAT_KEY),
    ROW("\x30\x81\xec\x30\x57\6\x09\x2a\x86\x48\x86\xf7\x0d\1\5\x0d",
	FORMAT_KEY),
    ROW("\x30\x81\xec\x30\x57\6\x0a\x2a\x86\x48\x86\xf7\x0d\1\x0c\1\3",
	FORMAT_KEY),
    ROW("\x30\x81\x91\x30\x13\6\7\x2a\x86\x48\xce\x3d\2\1", FORMAT_PUBLIC_KEY),
    /* PKCS #12 and #7, and both in BER */
    ROW("\x30\x82\1\0\2\1\3\x30\x81\xf0\6\x09\x2a\x86\x48\x86\xf7\x0d\1\7\1",
	FORMAT_PKCS12),
    ROW("\x30\x80\2\1\3\x30\x80\6\x09\x2a\x86\x48\x86\xf7\x0d\1\7\1",
	FORMAT_PKCS12),
    ROW("\x30\x82\1\0\6\x09\x2a\x86\x48\x86\xf7\x0d\1\7\2\xa0\x80",
	FORMAT_PKCS7),
    ROW("\x30\x80\6\x09\x2a\x86\x48\x86\xf7\x0d\1\7\2\xa0\x80", FORMAT_PKCS7),
    /* DER of what is not known, and text */
    ROW("\x30\x82\1\0\x13\1a", FORMAT_DER),
    ROW("\x30\x82\1", FORMAT_DER),
    ROW("\x30\x82\1\0\6\x09\x2a\x86\x48\x86\xf7\x0d\1\x09\1", FORMAT_DER),
    /* nothing in the second of them */
    ROW("\x30\x81\x80\x30\x7e\x30\0\x30", FORMAT_DER),
    ROW("\x30\x81\x80\x30\x7e\x30\x7c\x30\x85", FORMAT_DER),
    ROW("-----BEGIN CERTIFICATE-----\n", FORMAT_UNKNOWN),
    ROW("\xef\xbb\xbf-----BEGIN CERTIFICATE-----\n", FORMAT_UNKNOWN),
    ROW("\x30", FORMAT_UNKNOWN),
    ROW("\x30\x80\0\0", FORMAT_UNKNOWN),
    ROW("0 is a digit, and no DER", FORMAT_UNKNOWN),
    ROW("MIIB", FORMAT_UNKNOWN),
    ROW("text", FORMAT_UNKNOWN),
};

static void
each_format_is_known_by_its_beginning(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (format_of(rows[i].p, rows[i].len) != rows[i].want)
			print_error("of row %zu\n", i);
		assert_int_equal(
		    format_of(rows[i].p, rows[i].len), rows[i].want);
	}
}

/* In memory of just that size, for the sanitizer. */
static void
no_byte_beyond_the_end_is_looked_at(void **state)
{
	unsigned char *p;
	size_t i, n;
	int b;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 1; n <= rows[i].len; n++) {
			p = malloc(n);
			assert_non_null(p);
			memcpy(p, rows[i].p, n);
			(void)format_of(p, n);
			for (b = 0; b < 256; b++) {
				p[n - 1] = (unsigned char)b;
				(void)format_is_container(
				    format_of(p, n), p, n);
				(void)format_may_hold_certificate(
				    format_of(p, n), p, n);
			}
			free(p);
		}
}

static void
each_label_of_pem_has_its_name(void **state)
{
	static const struct {
		const char *label;
		enum format want;
	} labels[] = {{"PRIVATE KEY", FORMAT_KEY},
	    {"RSA PRIVATE KEY", FORMAT_KEY},
	    {"ENCRYPTED PRIVATE KEY", FORMAT_KEY},
	    {"OPENSSH PRIVATE KEY", FORMAT_KEY},
	    {"PUBLIC KEY", FORMAT_PUBLIC_KEY},
	    {"CERTIFICATE REQUEST", FORMAT_CSR},
	    {"NEW CERTIFICATE REQUEST", FORMAT_CSR}, {"X509 CRL", FORMAT_CRL},
	    {"PKCS7", FORMAT_PKCS7_PEM}, {"CMS", FORMAT_PKCS7_PEM},
	    {"DH PARAMETERS", FORMAT_PARAMETERS},
	    {"EC PARAMETERS", FORMAT_PARAMETERS},
	    {"OCSP RESPONSE", FORMAT_RESPONSE}, {"CERTIFICATE", FORMAT_UNKNOWN},
	    {"", FORMAT_UNKNOWN}, {"KEY", FORMAT_UNKNOWN}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		assert_int_equal(
		    format_of_label(labels[i].label), labels[i].want);
}

static void
utf16_holds_a_certificate_only_if_one_begins_in_it(void **state)
{
	static const char with[] =
	    "-\0B\0E\0G\0I\0N\0 \0C\0E\0R\0T\0I\0F\0I\0C\0A"
	    "\0T\0E\0-\0";
	static const char without[] = "-\0B\0E\0G\0I\0N\0 \0C\0R\0L\0-\0";
	const unsigned char *p = (const unsigned char *)with;
	const unsigned char *q = (const unsigned char *)without;

	(void)state;
	assert_true(
	    format_may_hold_certificate(FORMAT_UTF16LE, p, sizeof(with) - 1));
	assert_false(format_may_hold_certificate(
	    FORMAT_UTF16LE, q, sizeof(without) - 1));
	/* but it is not to be lost, whatever it is */
	assert_true(
	    format_is_container(FORMAT_UTF16LE, q, sizeof(without) - 1));
	assert_false(format_is_container(
	    FORMAT_UTF16, (const unsigned char *)"\xff\xfet\0e\0x\0t\0", 10));
}

static void
what_is_told_names_the_file_and_the_command(void **state)
{
	static const char *const paths[] = {"a b.pfx", "it's", "-x"};
	char why[WHY_MAX], longest[2000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		format_tell(why, sizeof(why), FORMAT_PKCS12, "it", paths[i]);
		assert_non_null(strstr(why, "it is a PKCS #12 file"));
		assert_non_null(strstr(why, "openssl pkcs12 -in '"));
		assert_non_null(strstr(why, " -nodes -out site.pem"));
	}
	assert_non_null(strstr(why, "'-x'"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	format_tell(why, sizeof(why), FORMAT_UTF16, longest, longest);
	assert_non_null(strstr(why, "iconv -f UTF-16 -t UTF-8 FILE >site.pem"));
	format_tell(why, sizeof(why), FORMAT_UNKNOWN, "it", "x");
	assert_string_equal(
	    why, "there is no certificate in it (neither PEM nor DER)");
	for (i = FORMAT_EMPTY; i < FORMAT_DER; i++) {
		format_tell(why, sizeof(why), (enum format)i, "it", "x");
		assert_non_null(strstr(why, "; "));
		assert_true(strlen(why) <= 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_format_is_known_by_its_beginning),
	    cmocka_unit_test(no_byte_beyond_the_end_is_looked_at),
	    cmocka_unit_test(each_label_of_pem_has_its_name),
	    cmocka_unit_test(
		utf16_holds_a_certificate_only_if_one_begins_in_it),
	    cmocka_unit_test(what_is_told_names_the_file_and_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
