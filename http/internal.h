/* SPDX-License-Identifier: ISC */
/*
 * What http.c and the files of http/ share; nobody else includes it, since it
 * shows libcurl's types.  A slot owns what it points to, but for its pool and
 * for what its question borrows.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <stddef.h>

#include <curl/curl.h>

#include "http.h"

struct pool;

/* Why a callback ended an exchange. */
enum fault {
	NO_FAULT,
	BODY_TOO_BIG, /* once its framing was taken off */
	SENT_TOO_MUCH,
	HEAD_TOO_BIG,
	CODED,  /* in a transfer coding that nobody asked for */
	NO_WAY, /* the proxy opened none; what else it has to say is not read */
	STALE   /* the connection is no good: asked anew, over its own */
};

/* A connection that brought an answer and stays open: its two ends. */
struct kept {
	int fd;
	const struct slot *user; /* NULL: what it brought was looked at */
	long port, peer_port;
	char ip[46], peer_ip[46];
};

/* One exchange; what it has is used again by the next. */
struct slot {
	struct pool *pool;
	CURL *easy;
	struct http_question q;
	struct curl_slist *headers;
	unsigned char *body;
	size_t body_len;
	char *head;
	size_t head_len;
	size_t sent; /* bytes of bodies, as they came */
	enum fault fault;
	int in_coding;      /* the header's last field is Transfer-Encoding */
	const char *coding; /* in `head`: the one that is refused */
	int socket_error;   /* why there is no socket; 0: there is one */
	int fds[2];         /* what it goes over; there may be more, seldom */
	int busy;
	int may_use_proxy;
	int absolute; /* the request line held a whole URL: a proxy reads it */
	char error[CURL_ERROR_SIZE];
};

struct pool {
	const struct http_options *o;
	const struct http_source *src;
	CURLM *multi;
	struct slot *slots;
	struct kept *kept;
	size_t nkept, max_kept;
	size_t busy;
	int fresh_handles;
};

/* ---- connection.c: sockets, and connections that are kept ---- */

/* A number that libcurl knows of an exchange; 0 if it does not. */
long info(const struct slot *, CURLINFO);

/* Nothing more comes over it, and nobody uses it again: libcurl looks first. */
void drop(curl_socket_t);

/*
 * An exchange ended, and its connection, if it is still open, is one that the
 * next may use.
 */
void keep(struct pool *, const struct slot *, curl_socket_t);

/* Callbacks: CURLOPT_OPENSOCKETFUNCTION and _CLOSESOCKETFUNCTION. */
curl_socket_t on_socket(void *slot, curlsocktype, struct curl_sockaddr *);
int on_close(void *pool, curl_socket_t);

#if LIBCURL_VERSION_NUM >= 0x075000
/*
 * CURLOPT_PREREQFUNCTION: a connection was chosen, and the request is about to
 * be sent.  What is there to be read already is no answer to it: libcurl 7.88
 * and 8.0 would take it for one, others look themselves.
 */
int on_ready(void *slot, char *peer, char *ip, int peer_port, int port);
#endif

/* ---- receive.c: what comes in, and how much of it ---- */

/* Callbacks: CURLOPT_WRITEFUNCTION, _HEADER-, _DEBUG- and _XFERINFOFUNCTION. */
size_t on_body(char *, size_t one, size_t n, void *slot);
size_t on_header(char *, size_t one, size_t n, void *slot);
int on_debug(CURL *, curl_infotype, char *, size_t n, void *slot);
int on_progress(void *slot, curl_off_t down_all, curl_off_t down,
    curl_off_t up_all, curl_off_t up);

/* ---- proxied.c: did it go through a proxy? ---- */

/* Does any setting name a proxy? */
int may_use_proxy(const struct http_options *);

/* Where the proxy for this URL was named; NULL: nowhere. */
const char *proxy_from(const struct http_options *, const char *url);

/* Is it a URL that libcurl found fault with?  Of ours it finds none. */
int names_proxys_url(const struct slot *, CURLcode);

/* Did it go, or was it to go, through a proxy? */
int is_proxied(const struct slot *, CURLcode);

/* ---- setup.c: what libcurl is told of an exchange ---- */

/* What stays the same for every question of a run.  0; -1: libcurl refused. */
int set_up_slot(struct slot *, const struct http_options *);

/* The headers of its question, and then all else of it.  0; -1 likewise. */
int make_headers(struct slot *, const struct http_options *);
int set_question(struct slot *);

/* ---- tell.c: what failed, in words ---- */

/*
 * Did anything of an answer come?  Of less than a line no libcurl since 8.14,
 * if not before, lets us know.
 */
int has_begun(const struct slot *);

/* Fills the answer's `why`: in libcurl's own words, where those are plain. */
void tell_failure(
    struct slot *, CURLcode, const struct http_options *, struct http_answer *);

/* Why one of our callbacks ended it. */
enum http_result by_fault(const struct slot *, char *why);

/* ---- result.c: what libcurl's code, and its numbers, mean to us ---- */

/* Fills all of the answer, which borrows from the slot. */
void describe(
    struct slot *, CURLcode, const struct http_options *, struct http_answer *);

#endif
