/* SPDX-License-Identifier: ISC */
/*
 * Header lines of -H, from the command line or from a file (-H @FILE).  They
 * may hold passwords: no reason shows what is in them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/internal.h"
#include "http.h"
#include "privsep/sandbox.h"

/* The longest file, in bytes. */
#define HEADERS_FILE_MAX ((size_t)65536)

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/*
 * Whoever writes into a pipe is waited for so often, and each time for so many
 * ms: ten seconds in all, and no clock.
 */
#define WAITS 1000
#define WAIT 10

/* All of it, or one byte more than is allowed; -1: errno. */
static ssize_t
read_all(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n;
	int waits = 0;

	while (len < size) {
		if ((n = read(fd, buf + len, size - len)) == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return -1;
		else if (waits++ == WAITS) {
			errno = ETIMEDOUT;
			return -1;
		} else if (errno == EAGAIN)
			(void)poll(&p, 1, WAIT);
	}
	return (ssize_t)len;
}

static int
fails(const char *file, const char *what, struct text *why)
{
	text_add(why, "%s: %s", file, what);
	return -1;
}

/* Fills `buf`; 0, or -1: see `why`. */
static int
load(const char *file, char buf[HEADERS_FILE_MAX + 1], struct text *why)
{
	char error[WORDS_ERROR_MAX];
	ssize_t n = -1;
	int fd;

	/* a FIFO into which nobody writes is not waited for */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || (n = read_all(fd, buf, HEADERS_FILE_MAX + 1)) == -1)
		words_error(error, errno, (long)geteuid());
	if (n == -1 && errno == ETIMEDOUT)
		words_cut(error, sizeof(error), "not all came within 10 s");
	if (fd != -1)
		close(fd);
	if (n == -1) {
		text_add(why, "%s: cannot read the headers: %s", file, error);
		return -1;
	}
	if ((size_t)n > HEADERS_FILE_MAX)
		return fails(file, "it has more than 65536 bytes", why);
	if (memchr(buf, '\0', (size_t)n) != NULL)
		return fails(
		    file, "it holds a NUL byte, so it is no text", why);
	buf[n] = '\0';
	return 0;
}

/*
 * The file's text, NUL-terminated, one header a line; owned by the caller.
 * NULL: see `why`, which begins with the file's name.
 */
static char *
headers_read(const char *file, struct text *why)
{
	char *buf;

	if ((buf = malloc(HEADERS_FILE_MAX + 1)) == NULL) {
		why->failed = 1;
		return NULL;
	}
	if (load(file, buf, why) == 0)
		return buf;
	sandbox_forget(buf, HEADERS_FILE_MAX + 1);
	free(buf);
	return NULL;
}

/*
 * The next header line of such a text, from `*at` on: ends it with a NUL, and
 * counts lines in `*number`.  Empty lines and comments are passed over, and a
 * byte order mark at the beginning.  NULL: there is none.
 */
static char *
headers_next(char **at, unsigned long *number)
{
	static const char mark[] = "\xef\xbb\xbf";
	char *line, *end;

	while (**at != '\0') {
		line = *at;
		if ((*number)++ == 0 &&
		    strncmp(line, mark, sizeof(mark) - 1) == 0)
			line += sizeof(mark) - 1;
		end = line + strcspn(line, "\n");
		*at = *end == '\0' ? end : end + 1;
		if (end > line && end[-1] == '\r')
			end--;
		*end = '\0';
		if (*line != '\0' && *line != '#')
			return line;
	}
	return NULL;
}

/* By its name, a header may prove who sends it: X-Api-Key, Authorization. */
static int
is_secret(const char *line, size_t n)
{
	static const char *const parts[] = {"auth", "cookie", "key", "pass",
	    "secret", "session", "signature", "token"};
	size_t i, at;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (at = 0; at + strlen(parts[i]) <= n; at++)
			if (strncasecmp(
				line + at, parts[i], strlen(parts[i])) == 0)
				return 1;
	return 0;
}

/* How the header is shown to whom it is told how to repeat the request. */
static const char *
shown(struct options *o, const char *line)
{
	const size_t n = strcspn(line, ":");
	struct text t = {0};

	if (!is_secret(line, n))
		return line;
	text_add(&t, "%.*s: ...", (int)n, line);
	return options_own(o, t.s);
}

static enum options_result
add_header(struct options *o, const char *line, const char *as)
{
	if (as != NULL &&
	    options_append(&o->shown_headers, as) == OPTIONS_NOMEM)
		return OPTIONS_NOMEM;
	return options_append(&o->headers, line);
}

/* Files of other kinds have colons, too: /etc/passwd is not to be sent. */
static int
check_line(const char *line, char *reason)
{
	const char *after;

	if (http_check_header(line, reason) == -1)
		return -1;
	after = line + strcspn(line, ":");
	if (*after == ':')
		after++;
	if (*after == ' ' || *after == '\t' || *after == '\0')
		return 0;
	snprintf(reason, WHY_MAX,
	    "a header is \"Name: value\", here with a space after the colon");
	return -1;
}

static enum options_result
read_headers(struct options *o, const char *arg, struct text *why)
{
	const size_t before = o->headers.n;
	const char *file = arg + 1;
	unsigned long number = 0;
	char reason[WHY_MAX], *text, *at, *line;

	text_add(why, "option -H, --header: ");
	if (*file == '\0' || strcmp(file, "-") == 0)
		return options_bad(
		    why, "a file has to be named after the \"@\"");
	if ((text = headers_read(file, why)) == NULL)
		return why->failed ? OPTIONS_NOMEM : OPTIONS_BAD;
	if ((at = options_own(o, text)) == NULL)
		return OPTIONS_NOMEM;
	while ((line = headers_next(&at, &number)) != NULL) {
		if (check_line(line, reason) == -1)
			return options_bad(
			    why, "%s: line %lu: %s", file, number, reason);
		if (add_header(o, line, o->headers.n == before ? arg : NULL) !=
		    OPTIONS_RUN)
			return OPTIONS_NOMEM;
	}
	if (o->headers.n == before)
		return options_bad(why, "%s: there is no header in it", file);
	text_free(why);
	return OPTIONS_RUN;
}

enum options_result
options_set_header(struct options *o, char *arg, struct text *why)
{
	char reason[WHY_MAX];
	const char *line, *as;
	size_t n;

	if (*arg == '@')
		return read_headers(o, arg, why);
	if ((line = options_hide(o, arg)) == NULL)
		return OPTIONS_NOMEM;
	if (http_check_header(line, reason) == 0)
		return (as = shown(o, line)) != NULL ? add_header(o, line, as)
						     : OPTIONS_NOMEM;
	n = strspn(line, LETTERS "-");
	text_add(why, "option -H, --header: ");
	if (n > 0 && (line[n] == ':' || line[n] == ' '))
		text_add(why, "\"%.*s...\": ", (int)n, line);
	return options_bad(why, "%s", reason);
}
