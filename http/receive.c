/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"

size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)one;
	if (s->fault == NO_FAULT && n > HTTP_MAX_BODY - s->body_len)
		s->fault = BODY_TOO_BIG;
	if (s->fault != NO_FAULT)
		return 0;
	memcpy(s->body + s->body_len, p, n);
	s->body_len += n;
	return n;
}

/* The length of `name` and its colon, if the line is of that field; else 0. */
static size_t
field_name(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) != 0)
		return 0;
	while (len < n && (line[len] == ' ' || line[len] == '\t'))
		len++;
	return len < n && line[len] == ':' ? len + 1 : 0;
}

/*
 * Does a list of transfer codings name others than those that every client
 * has to know?  libcurl would undo gzip, br and zstd, however deep.
 */
static int
is_coded(const char *list, size_t n)
{
	static const char blank[] = " \t\r\n";
	const char *end = list + n, *p = list, *q;

	for (; p < end; p = q + 1) {
		if ((q = memchr(p, ',', (size_t)(end - p))) == NULL)
			q = end;
		n = (size_t)(q - p);
		while (n > 0 && strchr(blank, *p) != NULL)
			p++, n--;
		while (n > 0 && strchr(blank, p[n - 1]) != NULL)
			n--;
		if (n > 0 && (n != 7 || strncasecmp(p, "chunked", 7) != 0) &&
		    (n != 8 || strncasecmp(p, "identity", 8) != 0))
			return 1;
	}
	return 0;
}

/* A field may go on in further lines, which begin with a blank. */
static void
look_for_coding(struct slot *s, const char *line, size_t n)
{
	size_t skip = 0;

	if (line[0] != ' ' && line[0] != '\t') {
		skip = field_name(line, n, "Transfer-Encoding");
		s->in_coding = skip > 0;
	}
	if (!s->in_coding || !is_coded(line + skip, n - skip))
		return;
	s->fault = CODED;
	s->coding = line + skip + strspn(line + skip, " \t");
}

/* One line of a header or a trailer, and at last an empty one. */
size_t
on_header(char *p, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)one;
	if (s->fault == NO_FAULT && n > HTTP_MAX_HEADERS - s->head_len)
		s->fault = HEAD_TOO_BIG;
	if (s->fault != NO_FAULT)
		return 0;
	memcpy(s->head + s->head_len, p, n);
	s->head_len += n;
	s->head[s->head_len] = '\0';
	look_for_coding(s, s->head + s->head_len - n, n);
	if (n <= 2 && info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		s->fault = NO_WAY;
	return s->fault == NO_FAULT ? n : 0;
}

/*
 * libcurl goes on receiving for as long as there is something, up to a hundred
 * times, before on_progress() can end the exchange: what has not come yet shall
 * not come.  When it is closed, whoever sends is told so, or it would wait for
 * a minute to get rid of the rest.
 */
static void
count_sent(struct slot *s, size_t n)
{
	const struct linger none = {.l_onoff = 1};
	size_t i;

	s->sent += n;
	if (s->fault != NO_FAULT || s->sent <= HTTP_MAX_SENT)
		return;
	s->fault = SENT_TOO_MUCH;
	for (i = 0; i < 2; i++) {
		(void)setsockopt(
		    s->fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		drop(s->fds[i]);
	}
}

/*
 * Nothing else shows a body as it is sent, before libcurl takes off its chunks;
 * and all that says whether an HTTP proxy is used is the form of the request.
 */
int
on_debug(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct slot *s = arg;
	const char *sp;

	(void)easy;
	if (type == CURLINFO_DATA_IN)
		count_sent(s, n);
	if (type == CURLINFO_HEADER_OUT && (sp = memchr(p, ' ', n)) != NULL &&
	    n > (size_t)(sp - p) + 1)
		s->absolute = sp[1] != '/';
	return 0;
}

/* on_debug() cannot end an exchange; this is called after each receive. */
int
on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct slot *s = arg;

	(void)down_all;
	(void)up_all;
	(void)up;
	/* of a redirection's body libcurl 8.7 and later show no more than this
	 */
	if (s->fault == NO_FAULT && down > (curl_off_t)HTTP_MAX_SENT)
		s->fault = SENT_TOO_MUCH;
	return s->fault != NO_FAULT;
}
