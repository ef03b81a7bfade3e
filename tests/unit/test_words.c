/* SPDX-License-Identifier: ISC */
/*
 * Text for people: what is escaped and what stays, times, spans, quoting.
 */
#include <limits.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/words.h"

/* Escapes into a buffer of exactly the size that it is told: ASan watches. */
static char *
escape(const char *in, size_t len, size_t size)
{
	char *out = malloc(size > 0 ? size : 1);
	char *source = malloc(len > 0 ? len : 1);

	assert_non_null(out);
	assert_non_null(source);
	memcpy(source, in, len);
	assert_ptr_equal(words_escape(out, size, source, len), out);
	free(source);
	return out;
}

static void
escapes_to(const char *in, size_t len, const char *want)
{
	char *out = escape(in, len, 4 * len + 1);

	if (strcmp(out, want) != 0)
		print_error("of %s\n", want);
	assert_string_equal(out, want);
	free(out);
}

/* "\xHH" of each byte */
static char *
all_escaped(const char *in, size_t len)
{
	char *s = malloc(4 * len + 1);
	size_t i;

	assert_non_null(s);
	s[0] = '\0';
	for (i = 0; i < len; i++)
		snprintf(s + 4 * i, 5, "\\x%02X", (unsigned char)in[i]);
	return s;
}

static void
is_escaped(const char *in, size_t len)
{
	char *want = all_escaped(in, len);

	escapes_to(in, len, want);
	free(want);
}

static size_t
encode(char out[4], unsigned long cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* ---- escaping ---- */

static void
each_byte_alone(void **state)
{
	char in[3] = "a?", want[8];
	int b;

	(void)state;
	for (b = 0; b < 256; b++) {
		in[1] = (char)b;
		if (b >= 0x20 && b < 0x7f)
			snprintf(want, sizeof(want), "a%c", b);
		else
			snprintf(want, sizeof(want), "a\\x%02X", (unsigned)b);
		escapes_to(in, 2, want);
		escapes_to(in + 1, 1, want + 1);
	}
	escapes_to("", 0, "");
}

static void
a_nul_byte_ends_nothing(void **state)
{
	(void)state;
	escapes_to("good\0.evil", 10, "good\\x00.evil");
	escapes_to("\0", 1, "\\x00");
}

static void
letters_of_the_world_stay(void **state)
{
	static const char *const stay[] = {"gr\xc3\xbcn.example",
	    "\xce\xb1\xce\xb2", "\xd0\xb6", "\xd7\x90", "\xd8\xa7",
	    "\xe4\xb8\xad\xe6\x96\x87", "\xe2\x82\xac", "\xef\xbf\xa5",
	    "\xf0\x9f\x94\x92", "\xc2\xa1", "\xed\x9f\xbf", "\xee\x80\x80"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		escapes_to(stay[i], strlen(stay[i]), stay[i]);
}

static void
what_reorders_or_hides_is_escaped(void **state)
{
	static const unsigned long ranges[][2] = {{0x80, 0x9f}, {0xad, 0xad},
	    {0x61c, 0x61c}, {0x180e, 0x180e}, {0x200b, 0x200f},
	    {0x2028, 0x202e}, {0x2060, 0x2064}, {0x2066, 0x206f},
	    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0001, 0xe0001},
	    {0xe0020, 0xe007f}, {0xe0100, 0xe01ef}};
	unsigned long cp;
	char in[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		for (cp = ranges[i][0]; cp <= ranges[i][1]; cp++)
			is_escaped(in, encode(in, cp));
}

static void
what_is_no_character_is_escaped(void **state)
{
	static const char *const bad[] = {/* continuations alone */
	    "\x80", "\xbf", "\x80\xbf",
	    /* cut off */
	    "\xc3", "\xe2\x82", "\xf0\x9f\x94", "\xf0\x9f", "\xf0",
	    /* longer than need be */
	    "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x80\xaf",
	    "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x80\x80\xaf",
	    "\xf0\x8f\xbf\xbf", "\xf8\x80\x80\x80\x80",
	    "\xfc\x80\x80\x80\x80\x80",
	    /* escape and C1 in disguise */
	    "\xc0\x9b", "\xe0\x80\x9b", "\xf0\x80\x80\x9b", "\xe0\x82\x9b",
	    "\xf0\x80\x82\x9b",
	    /* surrogates, alone and in pairs */
	    "\xed\xa0\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf",
	    "\xed\xa0\xbd\xed\xb4\x92",
	    /* beyond the last one, and what is never one */
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xfe",
	    "\xff", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_escaped(bad[i], strlen(bad[i]));
	/* what follows is not swallowed */
	escapes_to("\xc3(", 2, "\\xC3(");
	escapes_to("\xe2\x82(", 3, "\\xE2\\x82(");
	escapes_to("\xc3\x1b[", 3, "\\xC3\\x1B[");
	escapes_to("\xf0\x9f\x94\xc3\xa9", 5, "\\xF0\\x9F\\x94\xc3\xa9");
	escapes_to("\xe2\xc2\x9b", 3, "\\xE2\\xC2\\x9B");
}

/* Length of the well-formed character at s by table 3-7 of Unicode, or 0. */
static size_t
well_formed(const unsigned char *s, size_t len)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
	    : s[0] >= 0xe0 && s[0] <= 0xef ? 3
	    : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
					   : 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (n == 0 || n > len || s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

/* Nothing but printable ASCII and well-formed UTF-8 without C1 controls. */
static void
is_safe(const char *out)
{
	const unsigned char *p = (const unsigned char *)out;
	size_t n, len = strlen(out);

	for (; len > 0; p += n, len -= n) {
		n = well_formed(p, len);
		assert_true(n > 0);
		assert_true(p[0] >= 0x20 && p[0] != 0x7f);
		assert_false(p[0] == 0xc2 && p[1] < 0xa0);
	}
}

static void
any_four_bytes_come_out_safe(void **state)
{
	/* of each kind of byte, its limits */
	static const unsigned char kinds[] = {0x00, 0x0a, 0x1b, 0x1f, 0x20,
	    0x41, 0x5c, 0x7e, 0x7f, 0x80, 0x8e, 0x8f, 0x90, 0x9b, 0x9f, 0xa0,
	    0xad, 0xae, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0, 0xe1, 0xe2,
	    0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
	const size_t n = sizeof(kinds);
	char in[4], *out;
	size_t i;

	(void)state;
	for (i = 0; i < n * n * n * n; i++) {
		in[0] = (char)kinds[i % n];
		in[1] = (char)kinds[i / n % n];
		in[2] = (char)kinds[i / n / n % n];
		in[3] = (char)kinds[i / n / n / n];
		out = escape(in, 4, 17);
		is_safe(out);
		free(out);
	}
}

static void
each_character_stays_whole_or_goes_whole(void **state)
{
	unsigned long cp;
	char in[5] = "", *out, *gone;
	size_t n;

	(void)state;
	for (cp = 1; cp <= 0x10ffff; cp++) {
		n = encode(in, cp);
		in[n] = '\0';
		out = escape(in, n, 17);
		if (strcmp(out, in) != 0) {
			gone = all_escaped(in, n);
			assert_string_equal(out, gone);
			free(gone);
		} else
			is_safe(out);
		free(out);
	}
}

static void
a_small_buffer_cuts_between_characters(void **state)
{
	static const char in[] = "a\xc3\xa9\x1b\xe4\xb8\xad\xff\xf0\x9f\x94\x92"
				 "z";
	static const char want[] = "a\xc3\xa9\\x1B\xe4\xb8\xad\\xFF"
				   "\xf0\x9f\x94\x92z";
	/* where the output may end */
	static const size_t ends[] = {0, 1, 3, 7, 10, 14, 18, 19};
	size_t size, i, best;
	char *out;

	(void)state;
	for (size = 1; size < sizeof(want) + 4; size++) {
		out = escape(in, sizeof(in) - 1, size);
		for (best = i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends[i] < size)
				best = ends[i];
		assert_int_equal(strlen(out), best);
		assert_memory_equal(out, want, best);
		free(out);
	}
	/* no room at all: nothing is written, not even the end */
	out = malloc(1);
	assert_non_null(out);
	out[0] = '!';
	words_escape(out, 0, in, sizeof(in) - 1);
	assert_int_equal(out[0], '!');
	free(out);
}

/* ---- times ---- */

static void
times_are_utc_wherever_we_are(void **state)
{
	static const struct {
		long long when;
		const char *want;
	} rows[] = {{0, "1970-01-01 00:00:00 UTC"},
	    {-1, "1969-12-31 23:59:59 UTC"},
	    {951782400, "2000-02-29 00:00:00 UTC"},
	    {2147483647, "2038-01-19 03:14:07 UTC"},
	    {2147483648LL, "2038-01-19 03:14:08 UTC"},
	    {4102444799LL, "2099-12-31 23:59:59 UTC"},
	    {253402300799LL, "9999-12-31 23:59:59 UTC"},
	    {1763694000, "2025-11-21 03:00:00 UTC"}};
	static const char *const zones[] = {"UTC", "AAA+11", "BBB-14"};
	char buf[WORDS_TIME_MAX];
	size_t i, z;

	(void)state;
	for (z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		setenv("TZ", zones[z], 1);
		tzset();
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			assert_string_equal(
			    words_time(buf, rows[i].when), rows[i].want);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

/* Also where the system's own end in 2038. */
static void
each_day_from_year_0_to_9999_is_its_date(void **state)
{
	static const int of[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t when = WORDS_YEAR_0 + 86399;
	struct tm tm, want;
	int y, m, d, days;

	(void)state;
	memset(&want, 0, sizeof(want));
	want.tm_hour = 23;
	want.tm_min = want.tm_sec = 59;
	for (y = 0; y < 10000; y++)
		for (m = 0; m < 12; m++) {
			days = of[m];
			if (m == 1 && y % 4 == 0 &&
			    (y % 100 != 0 || y % 400 == 0))
				days++;
			for (d = 1; d <= days; d++, when += 86400) {
				want.tm_year = y - 1900;
				want.tm_mon = m;
				want.tm_mday = d;
				assert_true(words_seconds(&want) == when);
				assert_int_equal(words_date(&tm, when), 0);
				assert_memory_equal(&tm, &want, sizeof(tm));
			}
		}
	assert_true(when - 86399 == WORDS_YEAR_10000);
	assert_int_equal(words_date(&tm, WORDS_YEAR_10000 - 1), 0);
	assert_int_equal(words_date(&tm, WORDS_YEAR_10000), -1);
	assert_int_equal(words_date(&tm, WORDS_YEAR_0), 0);
	assert_int_equal(words_date(&tm, WORDS_YEAR_0 - 1), -1);
}

static void
times_out_of_range_are_some_text(void **state)
{
	static const long long odd[] = {LLONG_MAX, LLONG_MIN, LLONG_MAX / 2,
	    LLONG_MIN / 2, 67767976233532799LL, 67767976233532800LL,
	    67768036191676799LL, 67768036191676800LL, 253402300800LL,
	    -62135596800LL, -62135596801LL, -62167219201LL,
	    -67768040609740800LL, -67768040609740801LL};
	char *buf = malloc(WORDS_TIME_MAX);
	size_t i;

	(void)state;
	assert_non_null(buf);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memset(buf, '!', WORDS_TIME_MAX);
		assert_ptr_equal(words_time(buf, odd[i]), buf);
		assert_true(buf[0] != '\0' &&
		    strnlen(buf, WORDS_TIME_MAX) < WORDS_TIME_MAX);
	}
	free(buf);
}

static void
spans_have_their_two_largest_units(void **state)
{
	static const struct {
		long long s;
		const char *want;
	} rows[] = {{0, "0 s"}, {1, "1 s"}, {59, "59 s"}, {60, "1 min 0 s"},
	    {61, "1 min 1 s"}, {725, "12 min 5 s"}, {3599, "59 min 59 s"},
	    {3600, "1 h 0 min"}, {3660, "1 h 1 min"}, {86399, "23 h 59 min"},
	    {86400, "1 d 0 h"}, {273600, "3 d 4 h"}, {604799, "6 d 23 h"},
	    {31536000, "365 d 0 h"}, {-1, "0 s"}, {LLONG_MIN, "0 s"},
	    {LLONG_MAX, "106751991167300 d 15 h"}};
	char *buf = malloc(WORDS_TIME_MAX);
	size_t i;

	(void)state;
	assert_non_null(buf);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_ptr_equal(words_span(buf, rows[i].s), buf);
		assert_string_equal(buf, rows[i].want);
	}
	free(buf);
}

/* ---- quoting ---- */

/* What a POSIX shell makes of the quoted text. */
static void
survives_the_shell(const char *in)
{
	char *quoted = words_quote(in), *back;
	size_t n = 0, r, max = strlen(in) + 2;
	struct text command = {0};
	FILE *f;

	assert_non_null(quoted);
	back = malloc(max);
	assert_non_null(back);
	assert_int_equal(
	    text_add(&command, "LC_ALL=C; printf '%%s' %s", quoted), 0);
	/* NOLINTNEXTLINE(cert-env33-c): the shell is what is tested */
	f = popen(command.s, "r");
	assert_non_null(f);
	while (n < max && (r = fread(back + n, 1, max - n, f)) > 0)
		n += r;
	assert_int_equal(pclose(f), 0);
	assert_int_equal(n, strlen(in));
	assert_memory_equal(back, in, n);
	text_free(&command);
	free(quoted);
	free(back);
}

static void
quoted_text_survives_the_shell(void **state)
{
	static const char *const rows[] = {"", "a", "a b", "'", "''", "'''",
	    "it's", "\"", "\\", "\\'", "'\\''", "$HOME", "${IFS}", "$(id)",
	    "`id`", "!", "!!", "a;b", "a|b&c", "*", "~", "#", "-n", "--", "a\n",
	    "\n", "\na\n\n", "a\tb", "%s%n", "\r\n", "';id;'", "b\xc3\xbc", "=",
	    "{a,b}", "[a]", "<>", "\x01\x02\x1b"};
	char every[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		survives_the_shell(rows[i]);
	for (i = 0; i < 255; i++)
		every[i] = (char)(i + 1);
	every[255] = '\0';
	survives_the_shell(every);
}

static void
quoted_text_is_one_word_in_single_quotes(void **state)
{
	char *q;

	(void)state;
	q = words_quote("a b");
	assert_string_equal(q, "'a b'");
	free(q);
	q = words_quote("");
	assert_string_equal(q, "''");
	free(q);
	q = words_quote("it's");
	assert_string_equal(q, "'it'\\''s'");
	free(q);
}

/* ---- text that grows ---- */

static void
text_grows(void **state)
{
	struct text t = {0};
	char want[64];
	size_t i, len = 0;

	(void)state;
	for (i = 0; i < 5000; i++) {
		assert_int_equal(text_add(&t, "%zu %s,", i, "x"), 0);
		len += (size_t)snprintf(want, sizeof(want), "%zu x,", i);
		assert_int_equal(t.len, len);
		assert_int_equal(strlen(t.s), len);
		assert_true(t.size > t.len);
		assert_string_equal(t.s + len - strlen(want), want);
	}
	assert_int_equal(text_add(&t, "%s", ""), 0);
	assert_int_equal(t.len, len);
	text_free(&t);
	assert_null(t.s);
	assert_int_equal(t.len, 0);
	/* and may begin again, or be freed again */
	assert_int_equal(text_add(&t, "%s", ""), 0);
	assert_string_equal(t.s, "");
	text_free(&t);
	text_free(&t);
}

static void
words_are_as_far_apart_as_the_letters_that_differ(void **state)
{
	(void)state;
	assert_int_equal(words_distance("", ""), 0);
	assert_int_equal(words_distance("post", "post"), 0);
	assert_int_equal(words_distance("POST", "post"), 0);
	assert_int_equal(words_distance("", "post"), 4);
	assert_int_equal(words_distance("post", ""), 4);
	assert_int_equal(words_distance("psot", "post"), 1);
	assert_int_equal(words_distance("pos", "post"), 1);
	assert_int_equal(words_distance("posts", "post"), 1);
	assert_int_equal(words_distance("past", "post"), 1);
	assert_int_equal(words_distance("min-vaild", "min-valid"), 1);
	assert_int_equal(words_distance("put", "post"), 2);
	assert_int_equal(words_distance("kitten", "sitting"), 3);
}

static void
long_words_are_not_alike(void **state)
{
	char a[2 * WORDS_LIKE_MAX], b[WORDS_LIKE_MAX + 1];

	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
	assert_int_equal(words_distance(b, b), 0);
	assert_int_equal(words_distance(a, b), sizeof(a) - 1);
	assert_int_equal(words_distance(b, a), sizeof(a) - 1);
}

static void
an_error_says_who_may_not(void **state)
{
	char out[WORDS_ERROR_MAX];

	(void)state;
	assert_string_equal(
	    words_error(out, EACCES, 33), "Permission denied (to user 33)");
	assert_string_equal(
	    words_error(out, EPERM, 0), "Operation not permitted (to user 0)");
	assert_string_equal(
	    words_error(out, ENOENT, 33), "No such file or directory");
}

static void
what_does_not_fit_is_cut_between_characters_and_shown(void **state)
{
	static const char word[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const char *const cut[] = {"...", "a...", "a...", "a\xc3\xa9...",
	    "a\xc3\xa9...", "a\xc3\xa9...", "a\xc3\xa9\xe2\x82\xac...",
	    "a\xc3\xa9\xe2\x82\xac..."};
	char out[64];
	size_t size;

	(void)state;
	for (size = 4; size < sizeof(word); size++)
		assert_string_equal(words_cut(out, size, word), cut[size - 4]);
	assert_string_equal(words_cut(out, sizeof(word), word), word);
	assert_string_equal(words_set(out, 8, "%d, %s", 12, "x"), "12, x");
	assert_string_equal(words_set(out, 8, "%d, %s", 12, "long"), "12, ...");
	assert_string_equal(
	    words_cut(out, 6, "\x80\x80\x80\x80\x80\x80"), "...");
}

static void
a_glimpse_ends_at_the_first_byte_that_is_not_harmless(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {{"", ""}, {"site.pem", "site.pem"},
	    {"0123456789abcdef", "0123456789abcdef"},
	    {"0123456789abcdefg", "0123456789abcdef..."}, {"[\x1b[2J", "[..."},
	    {"\xff\xfe", "..."}, {"a\xc3", "a..."},
	    {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	     "!",
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		"\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		"\xa9..."}};
	char out[WORDS_GLIMPSE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    words_glimpse(out, rows[i].in, strlen(rows[i].in)),
		    rows[i].out);
}

static void
a_day_is_its_first_second(void **state)
{
	(void)state;
	assert_true(words_day("1970-01-01") == 0);
	assert_true(words_day("2026-11-25") == 1795564800);
	assert_true(words_day("2026-11") == -1);
	assert_true(words_day("2026-11-25 ") == -1);
	assert_true(words_day("") == -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_day_is_its_first_second),
	    cmocka_unit_test(each_byte_alone),
	    cmocka_unit_test(a_nul_byte_ends_nothing),
	    cmocka_unit_test(letters_of_the_world_stay),
	    cmocka_unit_test(what_reorders_or_hides_is_escaped),
	    cmocka_unit_test(what_is_no_character_is_escaped),
	    cmocka_unit_test(any_four_bytes_come_out_safe),
	    cmocka_unit_test(each_character_stays_whole_or_goes_whole),
	    cmocka_unit_test(a_small_buffer_cuts_between_characters),
	    cmocka_unit_test(times_are_utc_wherever_we_are),
	    cmocka_unit_test(each_day_from_year_0_to_9999_is_its_date),
	    cmocka_unit_test(times_out_of_range_are_some_text),
	    cmocka_unit_test(spans_have_their_two_largest_units),
	    cmocka_unit_test(quoted_text_survives_the_shell),
	    cmocka_unit_test(quoted_text_is_one_word_in_single_quotes),
	    cmocka_unit_test(text_grows),
	    cmocka_unit_test(words_are_as_far_apart_as_the_letters_that_differ),
	    cmocka_unit_test(long_words_are_not_alike),
	    cmocka_unit_test(an_error_says_who_may_not),
	    cmocka_unit_test(
		what_does_not_fit_is_cut_between_characters_and_shown),
	    cmocka_unit_test(
		a_glimpse_ends_at_the_first_byte_that_is_not_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
