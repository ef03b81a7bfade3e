/* SPDX-License-Identifier: ISC */
/*
 * What a responder, or a proxy, may answer: the bytes of a connection.
 *
 * With redirections the peer is the proxy, too, so that none leaves loopback.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "http.h"

enum { POST = 1, PROXY = 2, NO_CACHE = 4, TWICE = 8, DROP = 16, FRESH = 32 };

struct script {
	const char *url;
	unsigned int how;
	int asked, answered;
};

static enum http_draw
next(void *ctx, struct http_question *q, long *wait_ms)
{
	struct script *s = ctx;

	(void)wait_ms;
	if (s->asked == (s->how & TWICE ? 2 : 1))
		return HTTP_NONE;
	s->asked++;
	q->url = s->url;
	q->timeout_ms = 5000;
	q->no_cache = (s->how & NO_CACHE) != 0;
	q->fresh = (s->how & FRESH) != 0;
	if (s->how & POST) {
		q->body = (const unsigned char *)"question";
		q->body_len = 8;
	}
	return HTTP_ASK;
}

static enum http_connection
done(void *ctx, const struct http_question *q, const struct http_answer *a)
{
	struct script *s = ctx;

	(void)q;
	s->answered++;
	HOLDS(a->body_len <= HTTP_MAX_BODY);
	HOLDS(a->headers != NULL && strlen(a->headers) <= HTTP_MAX_HEADERS);
	HOLDS(memchr(a->why, '\0', sizeof(a->why)) != NULL);
	HOLDS(memchr(a->address, '\0', sizeof(a->address)) != NULL);
	HOLDS((a->result == HTTP_ANSWERED) == (a->why[0] == '\0'));
	HOLDS(a->result != HTTP_ANSWERED || a->status > 0);
	HOLDS(a->result != HTTP_ENOMEM);
	HOLDS(a->retry_after >= 0 && a->ms >= 0);
	/* a failure may leave a part: it is never taken for the whole */
	if (a->result == HTTP_ANSWERED && a->body_len > 0)
		HOLDS(a->body != NULL);
	HOLDS(!a->reused || a->connected);
	return s->how & DROP ? HTTP_DROP : HTTP_KEEP;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_peer *peer;
	struct fuzz_in in = {data, size};
	struct http_options o = {.agent = "fuzz",
	    .post_type = "application/ocsp-request",
	    .accept = "application/ocsp-response",
	    .proxy = "",
	    .noproxy = "",
	    .connect_timeout_ms = 5000,
	    .parallel = 1};
	struct script script = {0};
	struct http_source source = {next, done, &script, NULL};
	char url[64], proxy[64];

	if (peer == NULL)
		peer = fuzz_peer_new(NULL, FUZZ_ONE_EACH);
	script.how = fuzz_byte(&in);
	script.url = url;
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/ocsp", fuzz_peer_port(peer));
	if (script.how & PROXY) {
		snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d",
		    fuzz_peer_port(peer));
		o.proxy = proxy;
		o.max_redirs = 3;
	}
	fuzz_peer_script(peer, FUZZ_ONE_EACH, in.p, in.n);
	HOLDS(http_run(&o, &source) == 0);
	fuzz_peer_script(peer, FUZZ_ONE_EACH, NULL, 0);
	HOLDS(script.answered == script.asked);
	return 0;
}
