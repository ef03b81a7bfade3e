/* SPDX-License-Identifier: ISC */
/*
 * probe/internal.h: what the files of probe/ share, and nobody else sees.
 *
 * A talk is that of one call of served_ask(), which owns its socket.  Times are
 * in milliseconds of the caller's clock.  Whoever returns another than
 * SERVED_OK has filled the caller's `why`, of WHY_MAX bytes.
 */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include <sys/types.h>

#include <netdb.h>
#include <stdatomic.h>
#include <stddef.h>

#include "probe/served.h"

/* A line before the handshake has at most so many bytes. */
#define MAX_LINE 2048

/* So much is shown of a name, or of what a server says, with "..." for more. */
#define SHOWN_MAX 304

/* One conversation with a server. */
struct talk {
	const struct served_question *q;
	struct served_answer *a;
	char *why;
	int fd;
	long long end;     /* of the caller's clock */
	char in[MAX_LINE]; /* received, and not yet used */
	size_t nin;
	char line[MAX_LINE + 1];
	int nlines;
	size_t nread; /* in the handshake */
	int heard;    /* the server has said all that we came for */
	int wanted;   /* it has asked for a certificate of ours */
};

/* ---- address.c: HOST:PORT, and the addresses of a name ---- */

/*
 * getaddrinfo() takes no limit of time, so a thread waits for it.  Who is the
 * last to let go of this frees it.
 */
struct lookup {
	struct served_where where;
	struct addrinfo hints;
	struct addrinfo *found;
	int error;
	int done[2]; /* a pipe: closed at [1] when the rest is there */
	atomic_int users;
};

/* NULL: no memory, thread or descriptor. */
struct lookup *lookup_start(const struct served_question *);
void lookup_release(struct lookup *);

/* ---- connect.c: a socket, and waiting for it ---- */

/* Waits for the socket until `end`; 1: it is ready, 0: too late. */
int talk_wait(struct talk *, short events, long long end);

/* SERVED_ETIMEOUT, and what it was `doing`. */
enum served_result talk_late(struct talk *, const char *doing);

/* Looks the name up, and connects to the first address that lets us. */
enum served_result talk_connect(struct talk *);

/* ---- starttls.c: words before the handshake ---- */

/* What the protocol has to come to a handshake; none where it has no such. */
enum served_result talk_starttls(struct talk *);

/* ---- tls.c: the handshake ---- */

/* Shakes hands and copies what the server presents. */
enum served_result talk_handshake(struct talk *);

#endif
