/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/words.h"

int
text_vadd(struct text *t, const char *fmt, va_list ap)
{
	va_list again;
	size_t need;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return -1;
	need = t->len + (size_t)n + 1;
	if (need > t->size) {
		if ((s = realloc(t->s, need * 2)) == NULL) {
			t->failed = 1;
			return -1;
		}
		t->s = s;
		t->size = need * 2;
	}
	vsnprintf(t->s + t->len, t->size - t->len, fmt, ap);
	t->len += (size_t)n;
	return 0;
}

int
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = text_vadd(t, fmt, ap);
	va_end(ap);
	return rc;
}

void
text_vset(struct text *t, const char *fmt, va_list ap)
{
	t->len = 0;
	t->failed = 0;
	text_vadd(t, fmt, ap);
}

void
text_set(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vset(t, fmt, ap);
	va_end(ap);
}

void
text_free(struct text *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

static void
mark_cut(char *out, size_t size)
{
	static const char mark[] = "...";
	size_t i = size - sizeof(mark);

	while (i > 0 && ((unsigned char)out[i] & 0xc0) == 0x80)
		i--;
	memcpy(out + i, mark, sizeof(mark));
}

char *
words_vset(char *out, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		mark_cut(out, size);
	return out;
}

char *
words_set(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	words_vset(out, size, fmt, ap);
	va_end(ap);
	return out;
}

char *
words_cut(char *out, size_t size, const char *in)
{
	return words_set(out, size, "%s", in);
}

char *
words_glimpse(char out[WORDS_GLIMPSE_MAX], const char *in, size_t len)
{
	size_t i = 0, n, shown;

	for (shown = 0; i < len && shown < WORDS_GLIMPSE; shown++, i += n)
		if ((n = words_harmless(in + i, len - i)) == 0)
			break;
	memcpy(out, in, i);
	memcpy(out + i, i < len ? "..." : "", i < len ? 4 : 1);
	return out;
}

size_t
words_utf8(const char *in, size_t len, unsigned long *cp)
{
	static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)in;
	size_t i, n;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	*cp = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	if (*cp < least[n] || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

size_t
words_harmless(const char *s, size_t len)
{
	/* controls, invisible and direction-changing characters */
	static const struct {
		unsigned long from, to;
	} hidden[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x34f, 0x34f},
	    {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5},
	    {0x180b, 0x180f}, {0x2000, 0x206f}, {0x3164, 0x3164},
	    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	    {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
	unsigned long cp;
	size_t n, i;

	if ((n = words_utf8(s, len, &cp)) == 0)
		return 0;
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (cp >= hidden[i].from && cp <= hidden[i].to)
			return 0;
	return n;
}

char *
words_escape(char *out, size_t size, const char *in, size_t len)
{
	const char *s = in;
	size_t n, o = 0;

	while (len > 0) {
		if ((n = words_harmless(s, len)) > 0) {
			if (o + n >= size)
				break;
			memcpy(out + o, s, n);
			o += n;
		} else {
			n = 1;
			if (o + 4 >= size)
				break;
			snprintf(
			    out + o, size - o, "\\x%02X", (unsigned char)s[0]);
			o += 4;
		}
		s += n;
		len -= n;
	}
	if (size > 0)
		out[o] = '\0';
	return out;
}

int
text_add_escaped(struct text *t, const char *in, size_t len)
{
	size_t size = 4 * len + 1;
	char *buf;
	int rc;

	if ((buf = malloc(size)) == NULL) {
		t->failed = 1;
		return -1;
	}
	rc = text_add(t, "%s", words_escape(buf, size, in, len));
	free(buf);
	return rc;
}

/*
 * Days of the Gregorian calendar since 1970, in years that begin in March and
 * eras of 400 of them, each of which has 146097 days.
 */
#define ERA_DAYS 146097
#define DAYS_TO_1970 719468

int64_t
words_seconds(const struct tm *tm)
{
	int64_t m = tm->tm_mon < 2 ? tm->tm_mon + 10 : tm->tm_mon - 2;
	int64_t y = (int64_t)tm->tm_year + 1900 - (tm->tm_mon < 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400, days;

	y -= era * 400;
	days = era * ERA_DAYS + y * 365 + y / 4 - y / 100 + (153 * m + 2) / 5 +
	    tm->tm_mday - 1 - DAYS_TO_1970;
	return ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

int64_t
words_day(const char *s)
{
	struct tm tm = {0};
	char *end;

	tm.tm_year = (int)strtol(s, &end, 10) - 1900;
	if (*end != '-')
		return -1;
	tm.tm_mon = (int)strtol(end + 1, &end, 10) - 1;
	if (*end != '-')
		return -1;
	tm.tm_mday = (int)strtol(end + 1, &end, 10);
	return *end == '\0' ? words_seconds(&tm) : -1;
}

int
words_date(struct tm *tm, int64_t when)
{
	int64_t days, era, y, m, s;

	if (when < WORDS_YEAR_0 || when >= WORDS_YEAR_10000)
		return -1;
	/* nothing is negative from here on: the year before year 0 */
	when += (int64_t)(DAYS_TO_1970 + ERA_DAYS) * 86400;
	days = when / 86400;
	s = when % 86400;
	era = days / ERA_DAYS;
	days %= ERA_DAYS;
	y = (days - days / 1460 + days / 36524 - days / (ERA_DAYS - 1)) / 365;
	days -= y * 365 + y / 4 - y / 100;
	m = (5 * days + 2) / 153;
	memset(tm, 0, sizeof(*tm));
	tm->tm_mday = (int)(days - (153 * m + 2) / 5 + 1);
	tm->tm_mon = (int)(m < 10 ? m + 2 : m - 10);
	tm->tm_year = (int)((era - 1) * 400 + y + (m >= 10) - 1900);
	tm->tm_hour = (int)(s / 3600);
	tm->tm_min = (int)(s / 60 % 60);
	tm->tm_sec = (int)(s % 60);
	return 0;
}

char *
words_time(char out[WORDS_TIME_MAX], int64_t when)
{
	struct tm tm;

	if (words_date(&tm, when) == -1 ||
	    strftime(out, WORDS_TIME_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, WORDS_TIME_MAX, "a time out of range");
	return out;
}

char *
words_span(char out[WORDS_TIME_MAX], long long s)
{
	if (s < 0)
		s = 0;
	if (s >= 86400)
		snprintf(out, WORDS_TIME_MAX, "%lld d %lld h", s / 86400,
		    s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(out, WORDS_TIME_MAX, "%lld h %lld min", s / 3600,
		    s % 3600 / 60);
	else if (s >= 60)
		snprintf(
		    out, WORDS_TIME_MAX, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(out, WORDS_TIME_MAX, "%lld s", s);
	return out;
}

char *
words_error(char out[WORDS_ERROR_MAX], int error, long uid)
{
	snprintf(out, WORDS_ERROR_MAX,
	    error == EACCES || error == EPERM ? "%.80s (to user %ld)" : "%.80s",
	    strerror(error), uid);
	return out;
}

char *
words_quote(const char *in)
{
	size_t i, n = 3;
	char *out, *o;

	for (i = 0; in[i] != '\0'; i++)
		n += in[i] == '\'' ? 4 : 1;
	if ((out = o = malloc(n)) == NULL)
		return NULL;
	*o++ = '\'';
	for (; *in != '\0'; in++) {
		if (*in == '\'') {
			memcpy(o, "'\\''", 4);
			o += 4;
		} else
			*o++ = *in;
	}
	*o++ = '\'';
	*o = '\0';
	return out;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Of the small letters of ASCII, whatever the locale is. */
static int
small(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

size_t
words_distance(const char *a, const char *b)
{
	size_t d[WORDS_LIKE_MAX + 1][WORDS_LIKE_MAX + 1];
	size_t n = strlen(a), m = strlen(b), i, k;

	if (n > WORDS_LIKE_MAX || m > WORDS_LIKE_MAX)
		return n > m ? n : m;
	for (i = 0; i <= n; i++)
		for (k = 0; k <= m; k++) {
			if (i == 0 || k == 0) {
				d[i][k] = i + k;
				continue;
			}
			d[i][k] = smaller(d[i - 1][k], d[i][k - 1]) + 1;
			d[i][k] = smaller(d[i][k],
			    d[i - 1][k - 1] +
				(small(a[i - 1]) != small(b[k - 1])));
			if (i > 1 && k > 1 &&
			    small(a[i - 1]) == small(b[k - 2]) &&
			    small(a[i - 2]) == small(b[k - 1]))
				d[i][k] = smaller(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[n][m];
}
