/*
 * haproxy: hands a response to a running HAProxy over its runtime API.
 *
 * One connection per command, each with an end; what HAProxy says is bounded,
 * and escaped where it is shown.  The clock is the caller's.
 *
 * SIGHUP, SIGINT and SIGTERM are expected to be blocked by the caller, and
 * are let through while waiting, but not within a transaction of HAProxy's.
 */
#ifndef HAPROXY_H
#define HAPROXY_H

#include <stddef.h>

#include "words.h"

/* More than this is not sent: it has to fit into HAProxy's buffer. */
#define HAPROXY_MAX_DER ((size_t)11000)

/* So long may one response take, in ms. */
#define HAPROXY_PATIENCE 10000

enum haproxy_result {
	HAPROXY_UPDATED,
	HAPROXY_ATTACHED, /* it had none for this certificate, and has now */
	HAPROXY_REFUSED,  /* see `why` */
	HAPROXY_DEAD      /* see `why`: the next one would fare no better */
};

/* One socket, and what was learnt of it. */
struct haproxy {
	const char *socket;        /* borrowed */
	long long (*now_ms)(void); /* a clock that is never set back */
	int is_master;             /* a master's: commands need a prefix */
	char dead[WHY_MAX];        /* why it was given up; "": it was not */
};

/* What is to be told; all is borrowed. */
struct haproxy_news {
	const char *path; /* of the certificate */
	const char *sha1; /* its fingerprint, in hexadecimal; "": none */
	const unsigned char *der;
	size_t len;
	const unsigned char *issuer; /* its certificate, DER */
	size_t issuer_len;
};

/* Is it a path, HOST:PORT or [ADDRESS]:PORT?  0; -1: see `why`. */
int haproxy_check(const char *socket, char *why);

/* `why` tells what HAProxy said, in any case. */
enum haproxy_result haproxy_push(
    struct haproxy *, const struct haproxy_news *, char *why);

#endif
