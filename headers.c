/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "headers.h"
#include "sandbox.h"

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

char *
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

char *
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
