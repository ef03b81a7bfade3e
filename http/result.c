/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"

/* Nobody has longer to be left alone than that, in seconds: it is reckoned
 * with. */
#define LONGEST_RETRY_AFTER (10LL * 365 * 86400)

/* Of a header, in bytes, that libcurl takes; some releases take less. */
#define LONGEST_LINE ((size_t)102400)

/*
 * Which limit was it?  There are two, and what ended early was not that of the
 * whole; libcurl 8.23 no longer says whether there was a connection.  A timer
 * may be a little early.
 */
#define EARLY_MS 50
static enum http_result
timed_out(const struct slot *s)
{
	curl_off_t total = 0;

	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &total);
	return !has_begun(s) && total / 1000 + EARLY_MS < s->q.timeout_ms
	    ? HTTP_ETIMECONNECT
	    : HTTP_ETIMEOUT;
}

/*
 * Why this machine could not make the sockets, or open the files, that one
 * more exchange takes; 0: it can.
 */
static int
lack_of_descriptors(void)
{
	int fd[3], n, error = 0;

	for (n = 0; n < 3 && error == 0; n++)
		if ((fd[n] = socket(AF_UNIX, SOCK_DGRAM, 0)) == -1)
			error = errno;
	while (n-- > 0)
		if (fd[n] != -1)
			close(fd[n]);
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM
	    ? error
	    : 0;
}

/* Where the network is not to blame, as all that there is looks like it. */
static int
fault_of_machine(const struct slot *s, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return s->socket_error;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_SSL_CACERT_BADFILE:
		return lack_of_descriptors();
	default:
		return 0;
	}
}

/* Where the code means one thing with a proper status and another without. */
static enum http_result
by_status(const struct slot *s, CURLcode code, const char **words)
{
	long status = info(s, CURLINFO_RESPONSE_CODE);

	if (code == CURLE_OK && status > 0)
		return HTTP_ANSWERED;
	if (code != CURLE_OK && status / 100 == 3) {
		*words = "it redirects to something that is not http or https";
		return HTTP_EOTHER;
	}
	/* such as "HTTP/2 0", which libcurl lets pass */
	*words = "what came back is not HTTP";
	return HTTP_EBROKEN;
}

/* The connection broke, or what came over it was no HTTP. */
static enum http_result
by_connection(const struct slot *s, CURLcode code)
{
	/* a proxy that did not open the way to an https responder */
	if (info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		return HTTP_EPROXY;
	/* a code of receiving is for chunks that are none, too */
	return code == CURLE_SEND_ERROR ||
		(code == CURLE_RECV_ERROR &&
		    (strncmp(s->error, "Recv ", 5) == 0 ||
			strstr(s->error, "SSL_read") != NULL))
	    ? HTTP_ECLOSED
	    : HTTP_EBROKEN;
}

/*
 * A line of a header that is longer than libcurl has it: before 8.6 that is no
 * other code than where memory ran out, which the peer is not to decide.  So it
 * is the peer's doing while there is as much memory as the line took.
 */
static int
is_too_long(const struct slot *s, CURLcode code)
{
	curl_off_t connected = 0;
	char *volatile probe; /* or a compiler would know that there is some */

#if LIBCURL_VERSION_NUM >= 0x080600
	if (code == CURLE_TOO_LARGE)
		return 1;
#endif
	if (strstr(s->error, "Out of memory in chunked") == NULL) {
		curl_easy_getinfo(s->easy, CURLINFO_CONNECT_TIME_T, &connected);
		if (code != CURLE_OUT_OF_MEMORY || connected == 0)
			return 0;
	}
	if ((probe = malloc(LONGEST_LINE)) == NULL)
		return 0;
	free(probe);
	return 1;
}

/* In the middle of a TLS handshake: no word on whom to trust. */
static int
is_reset(const struct slot *s)
{
	return strstr(s->error, "reset by peer") != NULL ||
	    strstr(s->error, "SSL_ERROR_SYSCALL") != NULL;
}

/* What libcurl's code means to us; `words` where it has none of its own. */
static enum http_result
by_code(const struct slot *s, CURLcode code, const char **words)
{
	if (code == CURLE_SSL_CONNECT_ERROR && is_reset(s))
		return is_proxied(s, code) ? HTTP_EPROXY : HTTP_ECLOSED;
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return HTTP_ENOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_ERESOLVE;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return HTTP_EPROXY;
	case CURLE_COULDNT_CONNECT:
		return is_proxied(s, code) ? HTTP_EPROXY : HTTP_ECONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(s);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return info(s, CURLINFO_PROXY_SSL_VERIFYRESULT) != 0
		    ? HTTP_EPROXY
		    : HTTP_ETLS;
	case CURLE_PARTIAL_FILE:
		*words = "it was cut off";
		return HTTP_ECLOSED;
	case CURLE_GOT_NOTHING:
		*words = "the connection was closed without one";
		return HTTP_ECLOSED;
	case CURLE_TOO_MANY_REDIRECTS:
		*words = "it redirects more often than --max-redirs allows";
		return HTTP_EOTHER;
	case CURLE_LOGIN_DENIED:
		*words = "it redirects to a URL with a user name or password, "
			 "which are not sent";
		return HTTP_EOTHER;
	case CURLE_OK:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return by_status(s, code, words);
	case CURLE_BAD_CONTENT_ENCODING:
		*words = "it has a transfer coding that nobody asked for";
		return HTTP_EBROKEN;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		return by_connection(s, code);
	default:
		return HTTP_EOTHER;
	}
}

static void
classify(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	const char *words = NULL;
	int error = fault_of_machine(s, code);

	if (error != 0) {
		a->result = HTTP_ELOCAL;
		words = strerror(error);
	} else if (s->fault != NO_FAULT && code != CURLE_OK)
		a->result = by_fault(s, a->why);
	else if (is_too_long(s, code)) {
		a->result = HTTP_ETOOBIG;
		words = "a line of its headers is too long, or memory ran out";
	} else
		a->result = by_code(s, code, &words);
	if (words != NULL)
		snprintf(a->why, sizeof(a->why), "%s", words);
	else if (a->result != HTTP_ANSWERED && a->why[0] == '\0')
		tell_failure(s, code, o, a);
}

static void
describe_peer(const struct slot *s, CURLcode code, struct http_answer *a)
{
	char *ip = NULL;
	curl_off_t ready = 0;

	curl_easy_getinfo(s->easy, CURLINFO_PRIMARY_IP, &ip);
	if (ip != NULL && ip[0] != '\0')
		snprintf(a->address, sizeof(a->address), "%s port %ld", ip,
		    info(s, CURLINFO_PRIMARY_PORT));
	a->proxied = is_proxied(s, code);
	curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	a->connected = ready > 0;
	a->reused = a->connected && info(s, CURLINFO_NUM_CONNECTS) == 0;
}

void
describe(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	char *type = NULL, *location = NULL;
	curl_off_t us = 0, after = 0;
	char date[64];
	const char *p;

	memset(a, 0, sizeof(*a));
	a->proxy_from = proxy_from(o, s->q.url);
	classify(s, code, o, a);
	a->status = a->result == HTTP_EPROXY
	    ? info(s, CURLINFO_HTTP_CONNECTCODE)
	    : info(s, CURLINFO_RESPONSE_CODE);
	curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &location);
	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &us);
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	describe_peer(s, code, a);
	a->type = type;
	a->location = location;
	a->body = s->body;
	a->body_len = s->body_len;
	a->headers = s->head;
	a->retry_after = after < 0        ? 0
	    : after > LONGEST_RETRY_AFTER ? LONGEST_RETRY_AFTER
					  : (long long)after;
	a->ms = (long)(us / 1000);
	a->date = -1;
	for (p = s->head; (p = strchr(p, '\n')) != NULL;) {
		p++;
		if (strncasecmp(p, "Date:", 5) != 0)
			continue;
		snprintf(date, sizeof(date), "%.*s",
		    (int)strcspn(p + 5, "\r\n"), p + 5);
		a->date = curl_getdate(date, NULL);
	}
}
