/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/crtlist.h"
#include "privsep/sandbox.h"

/* A stretch of base64 is no words if it is so long, and changes between small
 * letters, capitals and digits so often. */
#define ENCODED_LENGTH 40
#define ENCODED_CHANGES 8

/* What a file name longer than this is, is none: PATH_MAX of most systems. */
#define NAME_MAX_BYTES 4095

struct crtlist {
	const char *name;
	struct crtlist_limit limit;
	int fd; /* -1: not yet open */
	unsigned long number;
	size_t at, end; /* of what is left in `buf` */
	size_t len;     /* of `text` */
	char buf[65536];
	char text[CRTLIST_LINE_MAX + 1];
};

/* ---- bytes ---- */

static int
is_late(const struct crtlist *c)
{
	return c->limit.until_ms != -1 &&
	    c->limit.now_ms() >= c->limit.until_ms;
}

/* After a call that failed: is it to be made again?  0: see errno. */
static int
try_again(const struct crtlist *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	const int error = errno;

	if (error != EINTR && error != EAGAIN)
		return 0;
	if (is_late(c)) {
		errno = ETIMEDOUT;
		return 0;
	}
	/* somebody made the descriptor non-blocking for all who have it */
	if (error == EAGAIN)
		(void)poll(&p, 1, 1000);
	return 1;
}

static int
open_list(struct crtlist *c)
{
	if (strcmp(c->name, "-") == 0)
		c->fd = STDIN_FILENO;
	while (c->fd == -1) {
		c->fd = open(c->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (c->fd == -1 && !try_again(c))
			return -1;
	}
	return 0;
}

/* The next byte; -1: the end, or an error if errno is not 0. */
static int
next_byte(struct crtlist *c)
{
	ssize_t n;

	errno = 0;
	if (c->at < c->end)
		return (unsigned char)c->buf[c->at++];
	do {
		if (is_late(c)) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = read(c->fd, c->buf, sizeof(c->buf));
	} while (n == -1 && try_again(c));
	if (n <= 0) {
		if (n == 0)
			errno = 0;
		return -1;
	}
	c->at = 1;
	c->end = (size_t)n;
	return (unsigned char)c->buf[0];
}

/* ---- what is no list ---- */

static int
begins(const struct crtlist *c, const char *s)
{
	return c->len >= strlen(s) && memcmp(c->text, s, strlen(s)) == 0;
}

/* A SEQUENCE, as certificates and keys in DER begin; the first line counts. */
static int
is_der(const struct crtlist *c)
{
	const unsigned char *s = (const unsigned char *)c->text;

	return c->len >= 2 && s[0] == 0x30 &&
	    ((s[1] >= 0x81 && s[1] <= 0x84) ||
		(c->len >= 3 && (s[2] == 0x02 || s[2] == 0x30)));
}

/* Part of a certificate or a key as text, wherever it stands in the line. */
static int
is_armour(const char *line)
{
	static const char *const marks[] = {"-----BEGIN ", "-----END ",
	    "PRIVATE KEY", "Private-Key:", "PuTTY-User-Key-File-"};
	size_t i;

	if (line[strspn(line, " \t\v\f\r")] == '#')
		return 0;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(line, marks[i]) != NULL)
			return 1;
	return 0;
}

int
crtlist_is_encoded(struct crtlist_span name)
{
	int kind, was = 0, kinds = 0;
	size_t i, run = 0, changes = 0;
	unsigned char ch;

	for (i = 0; i < name.n; i++) {
		ch = (unsigned char)name.p[i];
		kind = ch >= 'a' && ch <= 'z' ? 1
		    : ch >= 'A' && ch <= 'Z'  ? 2
		    : ch >= '0' && ch <= '9'  ? 4
					      : 0;
		if (kind == 0 && (run == 0 || strchr("+/=", ch) == NULL)) {
			run = changes = 0;
			was = kinds = 0;
			continue;
		}
		changes += kind != 0 && was != 0 && kind != was;
		was = kind;
		kinds |= kind;
		if (++run >= ENCODED_LENGTH && changes >= ENCODED_CHANGES &&
		    kinds == 7)
			return 1;
	}
	return 0;
}

size_t
crtlist_plain(struct crtlist_span name)
{
	size_t i, n;

	for (i = 0; i < name.n; i += n)
		if ((n = words_harmless(name.p + i, name.n - i)) == 0 ||
		    strchr(":;=$&|<>(){}\"'`\\", name.p[i]) != NULL)
			break;
	return i;
}

const char *
crtlist_title(const char *name)
{
	return strcmp(name, "-") == 0 ? "standard input" : name;
}

void
crtlist_say_alien(const struct crtlist *c, struct text *why)
{
	text_add(why,
	    "%s: line %lu looks like a certificate or a key, so this is no "
	    "list; nothing of it is shown, and nothing of it is done; a "
	    "certificate is named without -l, --list",
	    crtlist_title(c->name), c->number);
}

/* ---- one line ---- */

/* A word, "[" or "]"; 0: the line ends. */
static int
next_word(const char **p, struct crtlist_span *w)
{
	while (isspace((unsigned char)**p))
		(*p)++;
	w->p = *p;
	w->n = strcspn(*p, "[] \t\n\v\f\r");
	if (w->n == 0 && **p != '\0')
		w->n = 1;
	*p += w->n;
	return w->n > 0;
}

static int
is(struct crtlist_span w, const char *s)
{
	return w.n == strlen(s) && memcmp(w.p, s, w.n) == 0;
}

/* HAProxy's options of a certificate that have a value. */
static int
has_value(struct crtlist_span w)
{
	static const char *const names[] = {"alpn", "ca-file", "ca-verify-file",
	    "ciphers", "ciphersuites", "client-sigalgs", "crl-file", "crt",
	    "curves", "ecdhe", "issuer", "key", "npn", "ocsp", "ocsp-update",
	    "sctl", "sigalgs", "ssl-max-ver", "ssl-min-ver", "verify"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(w, names[i]))
			return 1;
	return 0;
}

/*
 * The options up to the "]".  What HAProxy knows and we do not is stepped over:
 * only a value must not be taken for an option.
 */
static const char *
parse_options(const char **p, struct crtlist_line *out)
{
	struct crtlist_span w, value;

	while (next_word(p, &w)) {
		if (is(w, "]"))
			return NULL;
		if (is(w, "["))
			return "there is a second \"[\"";
		if (!has_value(w))
			continue;
		if (!next_word(p, &value) || is(value, "]") || is(value, "["))
			return "an option between \"[\" and \"]\" lacks its "
			       "value";
		if (is(w, "ocsp"))
			out->output = value;
		else if (is(w, "issuer"))
			out->issuer = value;
		if (is(w, "key") || is(w, "issuer") || is(w, "sctl"))
			out->pinned = 1;
	}
	return "the \"[\" has no \"]\"";
}

/* What is wrong with the line; NULL: nothing, but it may name none. */
static const char *
parse(const char *p, struct crtlist_line *out)
{
	const char *wrong;
	struct crtlist_span w;
	int options = 0;

	memset(out, 0, sizeof(*out));
	while (next_word(&p, &w)) {
		if (out->path.p == NULL && *w.p == '#')
			return NULL;
		if (out->path.p == NULL && (is(w, "[") || is(w, "]")))
			return "it begins with a bracket, not with a file";
		if (is(w, "]"))
			return "there is a \"]\" without a \"[\"";
		if (out->path.p == NULL)
			out->path = w;
		else if (is(w, "[")) {
			if (options++)
				return "there is a second \"[\"";
			if ((wrong = parse_options(&p, out)) != NULL)
				return wrong;
		}
		/* the others are filters of server names */
	}
	return out->path.n > NAME_MAX_BYTES
	    ? "it names no file: no name has more than 4095 bytes"
	    : NULL;
}

/* ---- line by line ---- */

/* `rest` tells what was found in the line. */
static enum crtlist_result
stop(const struct crtlist *c, struct text *why, const char *rest)
{
	text_add(
	    why, "%s: line %lu: %s", crtlist_title(c->name), c->number, rest);
	return CRTLIST_BAD;
}

static enum crtlist_result
cannot_read(const struct crtlist *c, struct text *why)
{
	char buf[WORDS_ERROR_MAX];
	const int error = errno;

	if (error == ETIMEDOUT && is_late(c))
		return CRTLIST_LATE;
	text_add(why, "%s: cannot read the list: %s", crtlist_title(c->name),
	    words_error(buf, error, (long)geteuid()));
	errno = error;
	return CRTLIST_ERROR;
}

static enum crtlist_result
alien(const struct crtlist *c, struct text *why)
{
	crtlist_say_alien(c, why);
	return CRTLIST_ALIEN;
}

static enum crtlist_result
stop_at_nul(const struct crtlist *c, struct text *why)
{
	if (c->number == 1 && is_der(c))
		return alien(c, why);
	if (c->number == 1 && (begins(c, "\xff\xfe") || begins(c, "\xfe\xff")))
		return stop(c, why,
		    "this is UTF-16; save the list as plain text, in UTF-8");
	return stop(c, why,
	    "it holds a NUL byte, so this is no list; it is read no further");
}

/* A byte order mark goes, which editors of other systems put there. */
static void
drop_mark(struct crtlist *c)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t n = sizeof(mark) - 1;

	if (c->number != 1 || !begins(c, mark))
		return;
	memmove(c->text, c->text + n, c->len - n + 1);
	c->len -= n;
}

/* LINE: it is in `text`. */
static enum crtlist_result
read_line(struct crtlist *c, struct text *why)
{
	int ch;

	c->number++;
	for (c->len = 0; (ch = next_byte(c)) != -1 && ch != '\n';) {
		if (ch == '\0')
			return stop_at_nul(c, why);
		if (c->len == CRTLIST_LINE_MAX)
			return stop(c, why,
			    "it has more than 65534 bytes; the list is read no "
			    "further");
		c->text[c->len++] = (char)ch;
	}
	c->text[c->len] = '\0';
	if (ch == -1 && errno != 0)
		return cannot_read(c, why);
	if (ch == -1 && c->len == 0)
		return CRTLIST_END;
	drop_mark(c);
	if ((c->number == 1 && is_der(c)) || is_armour(c->text))
		return alien(c, why);
	if (c->number == 1 && c->text[strspn(c->text, " \t\r")] == '{')
		return stop(
		    c, why, "this is JSON, not a list; it is read no further");
	return CRTLIST_LINE;
}

struct crtlist *
crtlist_new(const char *name, const struct crtlist_limit *limit)
{
	struct crtlist *c;

	if ((c = malloc(sizeof(*c))) == NULL)
		return NULL;
	c->name = name;
	c->limit = *limit;
	c->fd = -1;
	c->number = 0;
	c->at = c->end = c->len = 0;
	return c;
}

enum crtlist_result
crtlist_next(struct crtlist *c, struct crtlist_line *line, struct text *why)
{
	char glimpse[WORDS_GLIMPSE_MAX];
	enum crtlist_result res;
	const char *wrong;

	if (c->fd == -1 && open_list(c) == -1)
		return cannot_read(c, why);
	do {
		if (c->number == CRTLIST_LINES_MAX) {
			text_add(why,
			    "%s: it has more than %lu lines, and is read no "
			    "further",
			    crtlist_title(c->name), CRTLIST_LINES_MAX);
			return CRTLIST_BAD;
		}
		if ((res = read_line(c, why)) != CRTLIST_LINE)
			return res;
		wrong = parse(c->text, line);
	} while (wrong == NULL && line->path.p == NULL);
	if (wrong == NULL)
		return CRTLIST_LINE;
	(void)stop(c, why, wrong);
	text_add(why, ": \"%s\"", words_glimpse(glimpse, c->text, c->len));
	return CRTLIST_WRONG;
}

unsigned long
crtlist_number(const struct crtlist *c)
{
	return c->number;
}

void
crtlist_free(struct crtlist *c)
{
	if (c != NULL && c->fd != -1 && c->fd != STDIN_FILENO)
		close(c->fd);
	/* it may hold part of a key */
	sandbox_forget(c, sizeof(*c));
	free(c);
}
