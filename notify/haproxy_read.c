/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "notify/haproxy.h"
#include "notify/haproxy_cli.h"

#define NO_ID "Certificate ID does not match any certificate."
#define NO_ID_OR_PATH "Certificate ID or path does not match any certificate."

/* ---- what HAProxy has ---- */

static int
digit_of(int c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* -1: it is no base64 without line breaks. */
static int
decode(const struct haproxy_reply *r, unsigned char *out, size_t *len)
{
	unsigned long v = 0;
	size_t n = r->len, i;
	int d;

	*len = 0;
	if (n == 0 || n % 4 != 0)
		return -1;
	while (n > r->len - 2 && r->s[n - 1] == '=')
		n--;
	for (i = 0; i < n; i++) {
		if ((d = digit_of((unsigned char)r->s[i])) == -1)
			return -1;
		v = (v << 6 | (unsigned long)d) & 0xffffff;
		if (i % 4 == 3) {
			out[(*len)++] = (unsigned char)(v >> 16);
			out[(*len)++] = (unsigned char)(v >> 8 & 255);
			out[(*len)++] = (unsigned char)(v & 255);
		}
	}
	if (i % 4 == 3) {
		out[(*len)++] = (unsigned char)(v >> 10 & 255);
		out[(*len)++] = (unsigned char)(v >> 2 & 255);
	} else if (i % 4 == 2)
		out[(*len)++] = (unsigned char)(v >> 4 & 255);
	return 0;
}

/* Takes the reply; it is freed, or kept. */
static enum haproxy_held
take_held(struct haproxy_cli *p, struct haproxy_reply *r,
    struct haproxy_response *held)
{
	if (r->len == 0 || haproxy_is(r, NO_ID) ||
	    haproxy_is(r, NO_ID_OR_PATH)) {
		free(r->s);
		return HAPROXY_HAS_NOTHING;
	}
	if (haproxy_begins(r, HAPROXY_RESPONSE)) {
		held->text = r->s;
		return HAPROXY_HAS_TEXT;
	}
	if (haproxy_begins(r, "Unknown command")) {
		free(r->s);
		return HAPROXY_MUTE;
	}
	held->der = malloc(r->len);
	if (held->der != NULL && decode(r, held->der, &held->len) == 0) {
		free(r->s);
		return HAPROXY_HAS_DER;
	}
	free(held->der);
	held->der = NULL;
	held->len = 0;
	(void)haproxy_refused(p, "asked for the response that it has", r);
	return HAPROXY_UNREADABLE;
}

static char *
hex_of(const char *before, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const size_t n = strlen(before);
	char *s = malloc(n + 2 * len + 1);
	size_t i;

	if (s == NULL)
		return NULL;
	memcpy(s, before, n);
	for (i = 0; i < len; i++) {
		s[n + 2 * i] = digits[p[i] >> 4];
		s[n + 2 * i + 1] = digits[p[i] & 15];
	}
	s[n + 2 * len] = '\0';
	return s;
}

static enum haproxy_result
ask_held(struct haproxy_cli *p, const struct haproxy_news *news,
    struct haproxy_reply *r)
{
	char *id = hex_of(
	    p->h->shows_text ? "" : "base64 ", news->certid, news->certid_len);
	enum haproxy_result res;

	r->s = NULL;
	if (id == NULL)
		return haproxy_no_memory(p);
	res = haproxy_ask_worker(p, "show ssl ocsp-response", id, r);
	free(id);
	return res;
}

enum haproxy_result
haproxy_read(struct haproxy *h, const struct haproxy_news *news,
    struct haproxy_response *held, char *why)
{
	struct haproxy_cli p;
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};

	memset(held, 0, sizeof(*held));
	held->held = HAPROXY_UNREADABLE;
	if (h->dead[0] != '\0') {
		memcpy(why, h->dead, WHY_MAX);
		return HAPROXY_DEAD;
	}
	haproxy_cli_start(&p, h, why);
	res = ask_held(&p, news, &r);
	/* before 2.8 "base64" is taken for an ID */
	if (res == HAPROXY_UPDATED && !h->shows_text && haproxy_is(&r, NO_ID)) {
		free(r.s);
		h->shows_text = 1;
		res = ask_held(&p, news, &r);
	}
	if (res == HAPROXY_UPDATED)
		held->held = take_held(&p, &r, held);
	return res == HAPROXY_DEAD ? res : HAPROXY_UPDATED;
}

void
haproxy_response_free(struct haproxy_response *held)
{
	free(held->der);
	free(held->text);
	memset(held, 0, sizeof(*held));
}

/* ---- OpenSSL's words for a response ---- */

/* "Dec  1 10:45:26 2026 GMT"; -1: it is no time. */
static int
read_time(const char *s, int64_t *when)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char name[4] = "", *end;
	struct tm tm = {0};
	const char *at;

	if (strlen(s) < 20)
		return -1;
	memcpy(name, s, 3);
	if ((at = strstr(months, name)) == NULL || (at - months) % 3 != 0)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_mday = (int)strtol(s + 3, &end, 10);
	tm.tm_hour = (int)strtol(end, &end, 10);
	if (*end != ':')
		return -1;
	tm.tm_min = (int)strtol(end + 1, &end, 10);
	if (*end != ':')
		return -1;
	tm.tm_sec = (int)strtol(end + 1, &end, 10);
	tm.tm_year = (int)strtol(end, &end, 10) - 1900;
	if (strncmp(end, " GMT", 4) != 0)
		return -1;
	*when = words_seconds(&tm);
	return 0;
}

/* What stands behind a label that is there once; NULL: it is not. */
static const char *
only(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	if (at == NULL || strstr(at + 1, label) != NULL)
		return NULL;
	return at + strlen(label);
}

int
haproxy_read_text(const char *text, struct haproxy_told *told)
{
	const char *status = only(text, "\n    Cert Status: ");
	const char *this = only(text, "\n    This Update: ");
	const char *next = only(text, "\n    Next Update: ");

	memset(told, 0, sizeof(*told));
	if (status == NULL || this == NULL ||
	    read_time(this, &told->this_update) == -1 ||
	    (next != NULL && read_time(next, &told->next_update) == -1))
		return -1;
	told->is_good = strncmp(status, "good\n", 5) == 0;
	told->is_revoked = strncmp(status, "revoked\n", 8) == 0;
	return 0;
}
