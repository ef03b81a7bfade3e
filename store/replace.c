/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "ocsp.h"
#include "store/replace.h"

static int
is_zeros(const unsigned char *p, size_t len)
{
	while (len > 0 && p[len - 1] == 0)
		len--;
	return len == 0;
}

/* As far as it goes: the file may end anywhere. */
static int
has(const unsigned char *p, size_t len, size_t at, unsigned char byte)
{
	return at >= len || p[at] == byte;
}

/*
 * SEQUENCE { responseStatus ENUMERATED of one byte, [0] if successful }, RFC
 * 6960 section 4.2.1; of what the lengths say only their form is looked at.
 */
static int
begins_as_response(const unsigned char *p, size_t len)
{
	size_t at = 2;

	if (!has(p, len, 0, 0x30))
		return 0;
	/* an error has 3 bytes; whatever is signed has more than 127 */
	if (len > 1 && p[1] != 3 && (p[1] < 0x80 || p[1] > 0x84))
		return 0;
	if (len > 1 && p[1] > 0x80)
		at += p[1] & 0x7f;
	if (!has(p, len, at, 0x0a) || !has(p, len, at + 1, 1))
		return 0;
	if (at + 2 < len && (p[at + 2] > 6 || p[at + 2] == 4))
		return 0;
	return !has(p, len, at + 2, 0) || has(p, len, at + 3, 0xa0);
}

/* Where the text goes on after what may stand before it: white space, ... */
static const unsigned char *
skip_blanks(const unsigned char *p, const unsigned char *end)
{
	while (p < end && strchr(" \t\r\n\f", *p) != NULL && *p != '\0')
		p++;
	return p;
}

static int
begins(const unsigned char *p, const unsigned char *end, const char *word)
{
	const size_t len = strlen(word);

	return (size_t)(end - p) >= len &&
	    strncasecmp((const char *)p, word, len) == 0;
}

/* ... and what is between these two; `end`, if there is no end of it. */
static const unsigned char *
skip_until(
    const unsigned char *p, const unsigned char *end, const char *closing)
{
	const size_t len = strlen(closing);

	for (; p < end; p++)
		if (begins(p, end, closing))
			return skip_blanks(p + len, end);
	return end;
}

static int
is_error_page(const unsigned char *p, size_t len)
{
	static const char *const words[] = {
	    "<!DOCTYPE html", "<html", "<head", "<title", "<body", "<h1"};
	const unsigned char *const end = p + len;
	size_t i;

	if (begins(p, end, "\xef\xbb\xbf"))
		p += 3;
	p = skip_blanks(p, end);
	for (;;)
		if (begins(p, end, "<?xml"))
			p = skip_until(p, end, "?>");
		else if (begins(p, end, "<!--"))
			p = skip_until(p, end, "-->");
		else
			break;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (begins(p, end, words[i]))
			return 1;
	return 0;
}

int
may_be_replaced(const unsigned char *p, size_t len, int derived)
{
	if (p == NULL)
		return 1;
	/* only its beginning was read; no response is so long */
	if (len > RESPONSE_MAX)
		return 0;
	if (is_zeros(p, len))
		return 1;
	return begins_as_response(p, len) || (derived && is_error_page(p, len));
}
