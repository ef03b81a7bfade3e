/* SPDX-License-Identifier: ISC */
/*
 * trace: what -v tells of a certificate, to somebody who has never read an
 * RFC: lines of a label and a text, in the order in which things happened.
 *
 *	certificate, responder, clock?, issuer, not asked, stored
 *	asked, answered, signer, times, nonce, says, older, again, pause
 *	server, presents, stapled		(--served)
 *	decided, owed, now, no alarm, to do, exit	(verbose.h)
 *
 * A label never changes its name or its meaning.  Without -v nothing is kept;
 * text from outside is escaped here; nothing is printed.
 */
#ifndef TRACE_H
#define TRACE_H

#include "cert/cert.h"
#include "http.h"
#include "ocsp.h"
#include "cli/options.h"
#include "job/policy.h"
#include "probe/served.h"
#include "util/words.h"

struct trace {
	struct text text; /* escaped, in lines */
	int level;        /* how often -v was given */
};

/* An empty label goes on from the line before. */
void trace_line(struct trace *, const char *label, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* What was found.  A stored verdict of NULL: there is no file. */
void trace_cert(
    struct trace *, const struct cert *, int has_responder, int64_t now);
void trace_issuer(struct trace *, const struct cert *);
void trace_stored(struct trace *, const char *output,
    const struct ocsp_verdict *, int64_t now);
void trace_times(struct trace *, const struct ocsp_verdict *, int64_t now);

/* A request; all is borrowed. */
struct trace_request {
	const struct options *options;
	const struct http_question *question;
	const char *responder; /* its URL, before a GET's request was added */
	const char *base64;    /* of the request, for -vv; NULL: none */
	int for_issuer;        /* it fetches the issuer's certificate */
};

/* What was requested and came back; with -vv also how to repeat it. */
void trace_exchange(struct trace *, const struct trace_request *,
    const struct http_answer *, const char *decoded);
void trace_verdict(
    struct trace *, const struct ocsp_verdict *, int nonce, int64_t now);

/* What a server presents and staples. */
struct trace_handshake {
	const char *server;
	const char *sni;   /* NULL: none */
	const char *fault; /* NULL: none */
	struct cert_shelf *shelf;
};
void trace_server(struct trace *, const struct trace_handshake *,
    const struct served_answer *);
void trace_staple(struct trace *, size_t len, enum stapled, int has_output);
void trace_decoded(struct trace *, const char *decoded); /* -vv */

/* "good for 3 d 4 h, until 2026-11-25 03:00:00 UTC" */
const char *trace_good_for(char buf[128], int64_t end, int64_t now);

#endif
