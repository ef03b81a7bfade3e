/* SPDX-License-Identifier: ISC */
/*
 * crtlist: the lines of a list of certificates, in the format of HAProxy's
 * crt-list.
 *
 * What turns out to be no list, but a certificate or a private key, is not
 * quoted in any reason.
 */
#ifndef CRTLIST_H
#define CRTLIST_H

#include <stddef.h>

#include "util/words.h"

/* The longest line of a list, in bytes, without its end; it is HAProxy's. */
#define CRTLIST_LINE_MAX ((size_t)65534)

/* A list may repeat itself, but not for ever. */
#define CRTLIST_LINES_MAX 10000000UL

/* A stretch of a line; `p` is NULL if there is none. */
struct crtlist_span {
	const char *p;
	size_t n;
};

/* What a line says; lent until the next one is read. */
struct crtlist_line {
	struct crtlist_span path;
	struct crtlist_span output;
	struct crtlist_span issuer;
	/* by "key", "issuer" or "sctl": HAProxy 3 then looks for no file that
	 * the line does not name */
	int pinned;
};

/* How long a list is waited for. */
struct crtlist_limit {
	long long (*now_ms)(void); /* of a clock that only goes forward */
	long long until_ms;        /* of that clock; -1: for ever */
};

enum crtlist_result {
	CRTLIST_LINE,  /* `line` is filled; it names a file */
	CRTLIST_WRONG, /* the line is not understood: see `why`; go on */
	CRTLIST_END,   /* that was all */
	CRTLIST_BAD,   /* it is read no further: see `why` */
	CRTLIST_ERROR, /* it cannot be read: see `why`, and errno */
	CRTLIST_ALIEN, /* a certificate or a key: see `why`; nothing counts */
	CRTLIST_LATE   /* the limit has come */
};

struct crtlist;

/* "-" is standard input.  NULL: out of memory. */
struct crtlist *crtlist_new(const char *name, const struct crtlist_limit *);
void crtlist_free(struct crtlist *);

/*
 * The next line that says something.  An open() or read() that waits goes on
 * after a signal until the limit: whoever sets one sends itself SIGALRM then.
 * A reason is added to `why`.
 */
enum crtlist_result crtlist_next(
    struct crtlist *, struct crtlist_line *, struct text *why);

/* Of the line that was read last. */
unsigned long crtlist_number(const struct crtlist *);

/* How the list is called in messages: "standard input" for "-". */
const char *crtlist_title(const char *name);

/* Adds that reason, where the caller found it by crtlist_is_encoded(). */
void crtlist_say_alien(const struct crtlist *, struct text *why);

/*
 * Does the name of a file, of which there is none, hold a long stretch of
 * base64 that is no words, as the lines of a private key are?
 */
int crtlist_is_encoded(struct crtlist_span name);

/* How much of a name, from its start, is what names of files are made of. */
size_t crtlist_plain(struct crtlist_span name);

#endif
