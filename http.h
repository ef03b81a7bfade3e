/* SPDX-License-Identifier: ISC */
/*
 * http: bytes out, bytes in; bounded, many at a time.
 *
 * http_run() draws questions from one function and hands each answer to
 * another as soon as it is there.  Both run in the caller's thread; neither
 * may call back.  Nothing here knows what the bytes mean, touches a file or
 * reads a clock: time limits come with each question.
 *
 * SIGHUP, SIGINT and SIGTERM are expected to be blocked by the caller, and
 * are let through only while waiting: so none of them, and no thread that
 * libcurl starts, can end the program in the middle of a callback.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "util/words.h"

/* A body is cut off here, and the exchange fails with HTTP_ETOOBIG. */
#define HTTP_MAX_BODY ((size_t)65536)

/*
 * The same for bodies as they are sent: chunk sizes and extensions count, and
 * what redirections bring along.  Once that many have come the connection is
 * shut down: what is read beyond it is what the system held, 32 KiB.
 */
#define HTTP_MAX_SENT (HTTP_MAX_BODY + 16384)

/* Headers of one answer, redirections included; more is HTTP_ETOOBIG. */
#define HTTP_MAX_HEADERS ((size_t)32768)

/* A responder's URL; longer ones are refused. */
#define HTTP_MAX_URL ((size_t)1024)

enum http_result {
	HTTP_ANSWERED, /* with whatever status and body */
	HTTP_ERESOLVE,
	HTTP_ECONNECT,
	HTTP_ETLS,
	HTTP_ETIMECONNECT, /* no connection in time */
	HTTP_ETIMEOUT,     /* no answer in time */
	HTTP_EPROXY,       /* the proxy could not be reached, or said no */
	HTTP_ETOOBIG,
	HTTP_ECLOSED, /* closed or reset before it was whole */
	HTTP_EBROKEN, /* not HTTP, or in a coding that nobody asked for */
	HTTP_ELOCAL,  /* this machine has no socket for it */
	HTTP_ENOMEM,
	HTTP_EOTHER
};

/* A request that was not sent, as the responder did not serve others. */
enum http_skip {
	HTTP_SENT,
	HTTP_SKIPPED_NOW, /* it pauses, and another responder can be asked */
	HTTP_SKIPPED      /* it was given up */
};

/* Borrowed by http_run() until done() was called for it. */
struct http_question {
	const char *url;
	const unsigned char *body; /* to be posted; NULL: GET */
	size_t body_len;
	const char *accept; /* NULL: as the options say */
	int bare;           /* without the headers of the options */
	long timeout_ms;
	int no_cache; /* RFC 9919 section 7.2 */
	int fresh;    /* over a connection that nobody used before */
	void *ref;    /* the caller's */
};

/* Lent to done(). */
struct http_answer {
	enum http_result result;
	long status;          /* HTTP's; 0: none */
	const char *type;     /* Content-Type as sent; NULL: none */
	const char *location; /* of a redirection; NULL: none */
	const unsigned char *body;
	size_t body_len;
	const char *headers;    /* as sent, all of them; "" if none */
	int64_t date;           /* what the Date header says; -1: nothing */
	long long retry_after;  /* seconds; 0: nothing said */
	char address[64];       /* "192.0.2.1 port 80", or empty */
	int proxied;            /* it came through a proxy */
	const char *proxy_from; /* "--proxy", or the variable that names the
				   proxy; NULL: none is named for this URL */
	int connected; /* it was connected, TLS included, and could send */
	int reused;    /* over a connection that brought an answer before */
	enum http_skip skipped; /* why nothing was sent */
	long ms;                /* from question to answer */
	char why[WHY_MAX];      /* with a failure: what, in words */
};

struct http_options {
	const char *agent;
	const char *post_type; /* Content-Type of a POST */
	const char *accept;
	const char *proxy;   /* NULL: the environment's; "": none */
	const char *noproxy; /* NULL: the environment's */
	const char *cacert;  /* authorities of https, in place of the system's;
				NULL: SSL_CERT_FILE, SSL_CERT_DIR, or those */
	const char *const *headers;
	size_t nheaders;
	long connect_timeout_ms;
	long max_redirs;
	size_t parallel; /* at least 1 */
	int family;      /* 4, 6, or 0 for both */
};

enum http_draw {
	HTTP_ASK,   /* `q` is filled */
	HTTP_LATER, /* nothing now; draw again in `*wait_ms` at the latest */
	HTTP_NONE   /* nothing, unless an answer still brings something */
};

/* What becomes of the connection that an answer came over. */
enum http_connection {
	HTTP_KEEP, /* others may use it */
	HTTP_DROP  /* nobody: what it brings next may not be what is asked */
};

struct http_source {
	enum http_draw (*next)(
	    void *ctx, struct http_question *q, long *wait_ms);
	enum http_connection (*done)(void *ctx, const struct http_question *q,
	    const struct http_answer *a);
	void *ctx;
	void (*idle)(void *ctx); /* once a second or more; NULL: nobody cares */
};

/*
 * Runs until the source has nothing left and all is answered.  libcurl is
 * set up when the first question is drawn; if that fails, the question is
 * answered with HTTP_ENOMEM.  0; -1: out of memory, nothing was drawn.
 */
int http_run(const struct http_options *, const struct http_source *);

/* Is it a URL that may be asked?  0; -1: no, see `why`; -2: out of memory. */
int http_check_url(const char *url, size_t len, char *why);

/* Is it one header line, "Name: value"?  0; -1: see `why`. */
int http_check_header(const char *line, char *why);

#endif
