/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"
#include "http/proxy.h"

/*
 * Bytes received at once.  libcurl 7.88 fills its buffer up to a hundred times
 * before on_progress() is called, if a flood is quick enough; others ten times.
 */
#define RECEIVE_BUFFER 1024L

/* A setting that fails would be a hole: all of them have to hold. */
#define SET(option, value)                                                     \
	(curl_easy_setopt(s->easy, (option), (value)) == CURLE_OK)

/* Did the user give this header?  Then ours is left out. */
static int
is_given(const struct slot *s, const struct http_options *o, const char *ours)
{
	size_t n = strcspn(ours, ":") + 1, i;

	for (i = 0; i < o->nheaders && !s->q.bare; i++)
		if (strncasecmp(o->headers[i], ours, n) == 0)
			return 1;
	return 0;
}

static int
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more;

	if ((more = curl_slist_append(*list, line)) == NULL)
		return -1;
	*list = more;
	return 0;
}

static int
add_ours(struct slot *s, const struct http_options *o, const char *name,
    const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	return is_given(s, o, line) ? 0 : add_header(&s->headers, line);
}

int
make_headers(struct slot *s, const struct http_options *o)
{
	size_t i;

	for (i = 0; i < o->nheaders && !s->q.bare; i++)
		if (add_header(&s->headers, o->headers[i]) == -1)
			return -1;
	if (add_ours(s, o, "Accept",
		s->q.accept != NULL ? s->q.accept : o->accept) == -1)
		return -1;
	if (s->q.body != NULL &&
	    (add_ours(s, o, "Content-Type", o->post_type) == -1 ||
		/* never wait for a "100 Continue" that does not come */
		add_header(&s->headers, "Expect:") == -1))
		return -1;
	if (s->q.no_cache &&
	    (add_ours(s, o, "Cache-Control", "no-cache") == -1 ||
		add_ours(s, o, "Pragma", "no-cache") == -1))
		return -1;
	return 0;
}

static int
set_protocols(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
	    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;

	return SET(CURLOPT_PROTOCOLS, both) &&
	    SET(CURLOPT_REDIR_PROTOCOLS, both);
#endif
}

/* A name server that never answers must not hold up a timeout. */
static int
set_quick_exit(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	return SET(CURLOPT_QUICK_EXIT, 1L);
#else
	(void)s;
	return 1;
#endif
}

/* The one that is named, and no other; else the environment's, as curl(1). */
static int
set_authorities(struct slot *s, const struct http_options *o)
{
	const char *file = o->cacert, *dir = NULL;

	if (file == NULL) {
		file = proxy_variable("SSL_CERT_FILE");
		dir = proxy_variable("SSL_CERT_DIR");
	}
	if (file != NULL &&
	    (!SET(CURLOPT_CAINFO, file) || !SET(CURLOPT_PROXY_CAINFO, file)))
		return 0;
	return (dir == NULL && o->cacert == NULL) ||
	    (SET(CURLOPT_CAPATH, dir) && SET(CURLOPT_PROXY_CAPATH, dir));
}

static int
set_connections(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075000
	if (!SET(CURLOPT_PREREQFUNCTION, on_ready) ||
	    !SET(CURLOPT_PREREQDATA, (void *)s))
		return 0;
#endif
	return SET(CURLOPT_OPENSOCKETFUNCTION, on_socket) &&
	    SET(CURLOPT_OPENSOCKETDATA, (void *)s) &&
	    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close) &&
	    SET(CURLOPT_CLOSESOCKETDATA, (void *)s->pool);
}

static int
set_limits(struct slot *s, const struct http_options *o)
{
	return set_protocols(s) && SET(CURLOPT_NOSIGNAL, 1L) &&
	    SET(CURLOPT_CONNECTTIMEOUT_MS, o->connect_timeout_ms) &&
	    SET(CURLOPT_FOLLOWLOCATION, o->max_redirs > 0 ? 1L : 0L) &&
	    SET(CURLOPT_MAXREDIRS, o->max_redirs) &&
	    SET(CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL) &&
	    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(CURLOPT_HTTP09_ALLOWED, 0L) &&
	    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
	    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	    SET(CURLOPT_PATH_AS_IS, 1L) &&
	    SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER) &&
	    SET(CURLOPT_NOPROGRESS, 0L) &&
	    SET(CURLOPT_XFERINFOFUNCTION, on_progress) &&
	    SET(CURLOPT_XFERINFODATA, (void *)s) && set_quick_exit(s);
}

int
set_up_slot(struct slot *s, const struct http_options *o)
{
	long family = o->family == 4 ? CURL_IPRESOLVE_V4
	    : o->family == 6         ? CURL_IPRESOLVE_V6
				     : CURL_IPRESOLVE_WHATEVER;

	if ((s->easy == NULL && (s->easy = curl_easy_init()) == NULL) ||
	    (s->body == NULL && (s->body = malloc(HTTP_MAX_BODY)) == NULL) ||
	    (s->head == NULL &&
		(s->head = malloc(HTTP_MAX_HEADERS + 1)) == NULL))
		return -1;
	s->head[0] = '\0';
	s->may_use_proxy = may_use_proxy(o);
	if (!set_limits(s, o) || !set_connections(s) ||
	    !set_authorities(s, o) || !SET(CURLOPT_WRITEFUNCTION, on_body) ||
	    !SET(CURLOPT_WRITEDATA, (void *)s) ||
	    !SET(CURLOPT_HEADERFUNCTION, on_header) ||
	    !SET(CURLOPT_HEADERDATA, (void *)s) ||
	    !SET(CURLOPT_DEBUGFUNCTION, on_debug) ||
	    !SET(CURLOPT_DEBUGDATA, (void *)s) || !SET(CURLOPT_VERBOSE, 1L) ||
	    !SET(CURLOPT_ERRORBUFFER, s->error) ||
	    !SET(CURLOPT_PRIVATE, (void *)s) ||
	    !SET(CURLOPT_IPRESOLVE, family) ||
	    !SET(CURLOPT_USERAGENT, o->agent))
		return -1;
	if (o->proxy != NULL && !SET(CURLOPT_PROXY, o->proxy))
		return -1;
	if (o->noproxy != NULL && !SET(CURLOPT_NOPROXY, o->noproxy))
		return -1;
	return 0;
}

int
set_question(struct slot *s)
{
	const struct http_question *q = &s->q;

	if (!SET(CURLOPT_URL, q->url) ||
	    !SET(CURLOPT_TIMEOUT_MS, q->timeout_ms) ||
	    !SET(CURLOPT_FRESH_CONNECT, q->fresh ? 1L : 0L) ||
	    !SET(CURLOPT_HTTPHEADER, s->headers))
		return -1;
	if (q->body == NULL)
		return SET(CURLOPT_HTTPGET, 1L) ? 0 : -1;
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDS, q->body) &&
		SET(CURLOPT_POSTFIELDSIZE, (long)q->body_len)
	    ? 0
	    : -1;
}
