/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"
#include "http/proxy.h"

/* Of what a stranger named it, so many bytes are shown. */
#define MOST_SHOWN 80

int
has_begun(const struct slot *s)
{
	return s->body_len + s->head_len > 0;
}

/* libcurl's own words, unless they show a proxy's URL with its password. */
static const char *
plain_error(const struct slot *s, CURLcode code)
{
	return s->error[0] == '\0' || strstr(s->error, "://") != NULL
	    ? curl_easy_strerror(code)
	    : s->error;
}

/* Whose list of authorities of https it is that cannot be used. */
static const char *
authorities(const struct http_options *o)
{
	const char *file =
	    o->cacert != NULL ? o->cacert : proxy_variable("SSL_CERT_FILE");

	return file != NULL ? file : "the system's list";
}

/* Did it end before there was so much as an address? */
static int
is_unresolved(const struct slot *s, enum http_result result)
{
	curl_off_t resolved = 1;

	curl_easy_getinfo(s->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	return resolved == 0 &&
	    (result == HTTP_ETIMECONNECT || result == HTTP_ETIMEOUT);
}

void
tell_failure(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	long e = info(s, CURLINFO_OS_ERRNO);
	long tenths = (s->q.timeout_ms + 50) / 100;
	size_t len = sizeof(a->why);
	char *after;

	if (is_unresolved(s, a->result))
		snprintf(a->why, len, "no name server answered in %.10g s",
		    a->result == HTTP_ETIMECONNECT
			? (double)o->connect_timeout_ms / 1000
			: (double)tenths / 10);
	else if (a->result == HTTP_ETIMECONNECT)
		snprintf(a->why, len, "no connection was made in %ld s",
		    o->connect_timeout_ms / 1000);
	else if (a->result == HTTP_ETIMEOUT)
		snprintf(a->why, len, "%s in %.10g s",
		    has_begun(s) ? "what came was not whole"
				 : "no line of an answer came",
		    (double)tenths / 10);
	else if (names_proxys_url(s, code))
		snprintf(a->why, len,
		    "its URL, from %s, is not one that can be used",
		    a->proxy_from != NULL ? a->proxy_from : "its variable");
	else if (code == CURLE_SSL_CACERT_BADFILE)
		snprintf(a->why, len, "%s cannot be read as authorities%s",
		    authorities(o),
		    o->cacert != NULL ? ""
			: proxy_variable("SSL_CERT_FILE") != NULL
			? " (SSL_CERT_FILE)"
			: ": install ca-certificates");
	else if (code == CURLE_RECV_ERROR && a->result == HTTP_ECLOSED)
		snprintf(a->why, len, "the connection broke %s (%s)",
		    has_begun(s) ? "in the middle of it" : "before it came",
		    s->error);
	else if (code == CURLE_COULDNT_CONNECT && e != 0 &&
	    (after = strstr(s->error, " after ")) != NULL)
		snprintf(a->why, len, "%.*s: %s", (int)(after - s->error),
		    s->error, strerror((int)e));
	else if (a->result == HTTP_EPROXY &&
	    info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		snprintf(a->why, len, "it answers CONNECT with HTTP %ld",
		    info(s, CURLINFO_HTTP_CONNECTCODE));
	else
		snprintf(a->why, len, "%s", plain_error(s, code));
}

enum http_result
by_fault(const struct slot *s, char *why)
{
	size_t n;

	switch (s->fault) {
	case BODY_TOO_BIG:
	case SENT_TOO_MUCH:
		snprintf(why, WHY_MAX, "more than %zu bytes came back",
		    HTTP_MAX_BODY);
		return HTTP_ETOOBIG;
	case HEAD_TOO_BIG:
		snprintf(why, WHY_MAX, "its headers have more than %zu bytes",
		    HTTP_MAX_HEADERS);
		return HTTP_ETOOBIG;
	case NO_WAY:
		return HTTP_EPROXY;
	default:
		n = strcspn(s->coding, "\r\n");
		snprintf(why, WHY_MAX,
		    "it has a transfer coding that nobody asked for, "
		    "\"%.*s%s\"",
		    n > MOST_SHOWN ? MOST_SHOWN : (int)n, s->coding,
		    n > MOST_SHOWN ? "..." : "");
		return HTTP_EBROKEN;
	}
}
