/* SPDX-License-Identifier: ISC */
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
#include <stdint.h>

#include "util/words.h"

/* More than this is not sent: it has to fit into HAProxy's buffer. */
#define HAPROXY_MAX_DER ((size_t)11000)

/* Nor does HAProxy staple a file of more bytes. */
#define HAPROXY_MAX_FILE ((size_t)16384)

/* So long may one response take, in ms. */
#define HAPROXY_PATIENCE 10000

enum haproxy_result {
	HAPROXY_UPDATED,
	HAPROXY_ATTACHED, /* it had none for this certificate, and has now */
	HAPROXY_REFUSED,  /* see `why` */
	HAPROXY_BUSY,     /* somebody's transaction is open: see `why` */
	HAPROXY_DEAD      /* see `why`: the next one would fare no better */
};

struct haproxy_names;

/* One socket, and what was learnt of it; to be given to haproxy_end(). */
struct haproxy {
	const char *socket;          /* borrowed */
	long long (*now_ms)(void);   /* a clock that is never set back */
	long long until_ms;          /* of --deadline, by that clock; 0: none */
	int is_master;               /* a master's: commands need a prefix */
	int shows_text;              /* before 2.8: no base64 */
	int hides_names;             /* from a socket of this level */
	char dead[WHY_MAX];          /* why it was given up; "": it was not */
	struct haproxy_names *names; /* owned; NULL: not asked for yet */
};

/* What is to be told; all is borrowed. */
struct haproxy_news {
	const char *path; /* of the certificate */
	const char *sha1; /* its fingerprint, in hexadecimal; "": none */
	const unsigned char *certid; /* its CertID under SHA-1, DER */
	size_t certid_len;
	const unsigned char *der;
	size_t len;
	const unsigned char *issuer; /* its certificate, DER */
	size_t issuer_len;
};

/* What HAProxy has for a certificate. */
enum haproxy_held {
	HAPROXY_HAS_NOTHING,
	HAPROXY_HAS_DER,
	HAPROXY_HAS_TEXT,   /* before 2.8: OpenSSL's words for it */
	HAPROXY_UNREADABLE, /* see `why` */
	HAPROXY_MUTE        /* before 2.4: there is no such command */
};

struct haproxy_response {
	enum haproxy_held held;
	unsigned char *der; /* owned */
	size_t len;
	char *text; /* owned */
};

/* The times and the status in OpenSSL's words for a response. */
struct haproxy_told {
	int64_t this_update;
	int64_t next_update; /* 0: none */
	int is_good;
	int is_revoked;
};

/* What came of a push besides. */
struct haproxy_done {
	char lost[300]; /* by this name a restart loses it; "": by none */
};

/* Is it a path, HOST:PORT or [ADDRESS]:PORT?  0; -1: see `why`. */
int haproxy_check(const char *socket, char *why);

/* What does HAProxy have?  UPDATED, or DEAD; to be freed in every case. */
enum haproxy_result haproxy_read(struct haproxy *, const struct haproxy_news *,
    struct haproxy_response *, char *why);
void haproxy_response_free(struct haproxy_response *);

/* 0; -1: these are not OpenSSL's words for one response. */
int haproxy_read_text(const char *text, struct haproxy_told *);

/* Hands it over.  `why` tells what HAProxy said, in any case. */
enum haproxy_result haproxy_push(struct haproxy *, const struct haproxy_news *,
    struct haproxy_done *, char *why);

/*
 * HAProxy has the response already: so shall each name that it knows the
 * certificate by.  UPDATED: they do.
 */
enum haproxy_result haproxy_spread(struct haproxy *,
    const struct haproxy_news *, struct haproxy_done *, char *why);

/* Does HAProxy find the issuer of this certificate by issuers-chain-path? */
int haproxy_has_chain(struct haproxy *, const char *sha1);

void haproxy_end(struct haproxy *);

#endif
