/* SPDX-License-Identifier: ISC */
/*
 * served: what a TLS server staples, as its clients see it.
 *
 * One handshake, by which nothing is judged: neither who the server is nor
 * what its certificate is worth.  What it presents is copied out as bytes,
 * bounded, and the connection is closed.  STARTTLS goes before it where a
 * protocol has it.  The server may be hostile, and the clock is the caller's.
 */
#ifndef SERVED_H
#define SERVED_H

#include <stddef.h>

#include "cert/cert.h"
#include "util/words.h"

/* So much of a chain is looked at; its bytes are bounded besides. */
#define SERVED_MAX_CHAIN 16

/* RFC 1035 section 2.3.4, and one more for the dot at the end. */
#define SERVED_MAX_HOST 254

enum served_result {
	SERVED_OK,
	SERVED_ERESOLVE,
	SERVED_ECONNECT,
	SERVED_ETIMEOUT,
	SERVED_ESTARTTLS, /* the words before the handshake went wrong */
	SERVED_ETLS,      /* the handshake failed, or it is not TLS */
	SERVED_ENOMEM
};

enum served_starttls {
	STARTTLS_NONE,
	STARTTLS_SMTP, /* RFC 3207 */
	STARTTLS_IMAP, /* RFC 9051 section 6.2.1 */
	STARTTLS_POP3, /* RFC 2595 section 4 */
	STARTTLS_FTP,  /* RFC 4217 */
	STARTTLS_LDAP  /* RFC 4511 section 4.14 */
};

struct served_where {
	char host[SERVED_MAX_HOST + 1]; /* without brackets */
	char port[6];
	int is_address;
};

struct served_question {
	struct served_where where;
	enum served_starttls starttls;
	char *sni;         /* borrowed; NULL: none */
	enum cert_key key; /* ask for a certificate with such a key */
	int family;        /* 4, 6, or 0 for both */
	long connect_ms;
	long timeout_ms; /* of all, the connection included */
	long long (*clock_ms)(void);
};

/* Owned by the structure; see served_free(). */
struct served_answer {
	char address[80]; /* "192.0.2.1 port 443", or empty */
	char version[16]; /* "TLSv1.3" */
	struct cert_der chain[SERVED_MAX_CHAIN];
	size_t nchain; /* at least one, if the result is SERVED_OK */
	unsigned char *staple;
	size_t staple_len; /* 0: nothing was stapled */
	long long ms;
};

/* Reads HOST[:PORT]; the default port is the protocol's.  0; -1: see `why`. */
int served_parse(
    const char *, enum served_starttls, struct served_where *, char *why);

/*
 * `*a` is initialised in every case, and to be given to served_free().  A
 * server that breaks off for want of a certificate of ours was heard before.
 */
enum served_result served_ask(
    const struct served_question *, struct served_answer *a, char *why);

void served_free(struct served_answer *);

#endif
