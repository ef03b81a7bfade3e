/*
 * story: what -v tells of a certificate, to somebody who has never read an
 * RFC: lines of a label and a text, in the order in which things happened.
 *
 *	certificate, responder, clock?, issuer, not asked, stored
 *	asked, answered, signer, times, nonce, says, older, again, pause
 *	server, presents, stapled		(--served)
 *	decided, owed, now, no alarm, to do, exit
 *
 * A label never changes its name or its meaning.  Without -v nothing is kept;
 * text from outside is escaped here; nothing is printed.
 */
#ifndef STORY_H
#define STORY_H

#include "job.h"

/* An empty label goes on from the line before. */
void story_line(struct job *, const struct env *, const char *label,
    const char *, ...) __attribute__((format(printf, 4, 5)));

/* What was found. */
void story_cert(struct job *, const struct env *);
void story_issuer(struct job *, const struct env *);
void story_stored(struct job *, const struct env *);

/* What was asked and answered; with -vv also how to repeat it. */
void story_exchange(struct job *, const struct env *,
    const struct http_question *, const struct http_answer *);
void story_skipped(struct job *, const struct env *);
void story_verdict(struct job *, const struct env *);

/* What a server presents and staples. */
void story_server(struct job *, const struct env *,
    const struct served_question *, const struct served_answer *,
    const char *fault); /* NULL: none */
void story_staple(
    struct job *, const struct env *, const struct served_answer *);

/* The whole of it, with what was decided and, from report.c, what to do. */
void story_tell(
    struct job *, const struct env *, const char *to_do, struct text *out);

#endif
