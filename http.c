/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"

/* The longest that poll sleeps when nothing says otherwise. */
#define IDLE_MS 1000

/* Kept open by libcurl for each slot, at most. */
#define KEPT_EACH 4

static void
slot_clear(struct slot *s)
{
	curl_slist_free_all(s->headers);
	s->headers = NULL;
	s->body_len = s->head_len = s->sent = 0;
	s->fault = NO_FAULT;
	s->in_coding = s->socket_error = 0;
	if (s->head != NULL)
		s->head[0] = '\0';
	s->absolute = s->busy = 0;
	s->error[0] = '\0';
}

/*
 * Before 8.1.1 a handle that is used again remembers its last header, which is
 * freed by then, and appends to it if the next answer begins with a folded
 * line (libcurl's pull request 11103): anybody on the way could send that.
 * Connections are not the handle's, and stay open.
 */
static int
needs_fresh_handles(void)
{
	return curl_version_info(CURLVERSION_NOW)->version_num < 0x080101;
}

static struct slot *
free_slot(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->o->parallel; i++)
		if (!p->slots[i].busy)
			return &p->slots[i];
	return NULL;
}

/* libcurl is set up for the first question; most runs of a job have none. */
static int
set_up_pool(struct pool *p)
{
	if (p->multi != NULL)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -1;
	if ((p->multi = curl_multi_init()) == NULL) {
		curl_global_cleanup();
		return -1;
	}
	/*
	 * By itself libcurl 8.14 keeps four for each that is at work now: of
	 * those that end at the same time it would close all but a few.
	 */
	curl_multi_setopt(
	    p->multi, CURLMOPT_MAXCONNECTS, KEPT_EACH * (long)p->o->parallel);
	p->fresh_handles = needs_fresh_handles();
	return 0;
}

static void
start(struct pool *p, struct slot *s, const struct http_question *q)
{
	struct http_answer a;

	s->q = *q;
	s->pool = p;
	s->fds[0] = s->fds[1] = CURL_SOCKET_BAD;
	if (set_up_pool(p) == 0 && set_up_slot(s, p->o) == 0 &&
	    make_headers(s, p->o) == 0 && set_question(s) == 0 &&
	    curl_multi_add_handle(p->multi, s->easy) == CURLM_OK) {
		s->busy = 1;
		p->busy++;
		return;
	}
	slot_clear(s);
	memset(&a, 0, sizeof(a));
	a.result = HTTP_ENOMEM;
	a.headers = "";
	a.date = -1;
	snprintf(a.why, sizeof(a.why),
	    "libcurl cannot be set up for it (out of memory, or an option "
	    "that it does not know)");
	(void)p->src->done(p->src->ctx, q, &a);
}

/* What the slot had is done with. */
static void
end(struct pool *p, struct slot *s)
{
	slot_clear(s);
	if (p->fresh_handles) {
		curl_easy_cleanup(s->easy);
		s->easy = NULL;
	}
	p->busy--;
}

/* The connection that it was given was of no use, and is closed by now. */
static void
restart(struct pool *p, struct slot *s)
{
	struct http_question q = s->q;
	curl_off_t spent = 0;

	/* what a redirection took is part of its time */
	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &spent);
	q.timeout_ms -= (long)(spent / 1000);
	if (q.timeout_ms < 1)
		q.timeout_ms = 1;
	curl_multi_remove_handle(p->multi, s->easy);
	end(p, s);
	q.fresh = 1;
	start(p, s, &q);
}

/* Hands on what came of it, and hears whether it was what was asked for. */
static void
finish(struct pool *p, struct slot *s, CURLcode code)
{
	const struct http_question q = s->q;
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct http_answer a;

	/* as long as the handle has not been removed, libcurl tells */
	curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd);
	keep(p, s, fd);
	describe(s, code, p->o, &a);
	if (p->src->done(p->src->ctx, &q, &a) == HTTP_DROP)
		drop(fd);
	curl_multi_remove_handle(p->multi, s->easy);
	end(p, s);
}

/* Fills the free slots; says what the last draw brought. */
static enum http_draw
fill(struct pool *p, long *wait_ms)
{
	struct http_question q;
	enum http_draw draw;
	struct slot *s;

	while ((s = free_slot(p)) != NULL) {
		memset(&q, 0, sizeof(q));
		draw = p->src->next(p->src->ctx, &q, wait_ms);
		if (draw != HTTP_ASK)
			return draw;
		start(p, s, &q);
	}
	return HTTP_ASK;
}

/* Hands on what is finished; says how many that were. */
static int
drain(struct pool *p)
{
	struct slot *s;
	CURLMsg *msg;
	CURLcode code;
	char *ref;
	int left, n = 0;

	while ((msg = curl_multi_info_read(p->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &ref);
		s = (struct slot *)(void *)ref;
		if (s->fault == STALE)
			restart(p, s);
		else
			finish(p, s, code);
		n++;
	}
	return n;
}

static void
wait_for_more(struct pool *p, long ms)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
	curl_multi_poll(p->multi, NULL, 0, (int)ms, NULL);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
}

static void
loop(struct pool *p)
{
	enum http_draw draw;
	long wait_ms;
	int running, ended, n;

	for (;;) {
		if (p->src->idle != NULL)
			p->src->idle(p->src->ctx);
		wait_ms = IDLE_MS;
		draw = fill(p, &wait_ms);
		if (p->busy == 0 && draw == HTTP_NONE)
			return;
		/* without a pool each request is answered by the failure */
		if (set_up_pool(p) == -1) {
			poll(NULL, 0, draw == HTTP_LATER ? (int)wait_ms : 0);
			continue;
		}
		/*
		 * What ended is handed on before poll, which nothing would
		 * wake then, and before anybody may get its connection.
		 */
		ended = 0;
		do {
			curl_multi_perform(p->multi, &running);
			ended += n = drain(p);
		} while (n > 0);
		if (ended > 0)
			continue;
		if (draw != HTTP_LATER || wait_ms > IDLE_MS)
			wait_ms = IDLE_MS;
		wait_for_more(p, wait_ms);
	}
}

static void
pool_free(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->o->parallel; i++) {
		curl_slist_free_all(p->slots[i].headers);
		curl_easy_cleanup(p->slots[i].easy);
		free(p->slots[i].body);
		free(p->slots[i].head);
	}
	/* it closes connections, and on_close() looks whose they are */
	if (p->multi != NULL) {
		curl_multi_cleanup(p->multi);
		curl_global_cleanup();
	}
	free(p->slots);
	free(p->kept);
}

int
http_run(const struct http_options *o, const struct http_source *src)
{
	struct pool p = {.o = o, .src = src};

	p.max_kept = (KEPT_EACH + 1) * o->parallel;
	p.slots = calloc(o->parallel, sizeof(*p.slots));
	p.kept = calloc(p.max_kept, sizeof(*p.kept));
	if (p.slots == NULL || p.kept == NULL) {
		free(p.slots);
		free(p.kept);
		return -1;
	}
	loop(&p);
	pool_free(&p);
	return 0;
}
