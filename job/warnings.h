/* SPDX-License-Identifier: ISC */
/*
 * warnings: what a server would stumble over in a response that is in place,
 * one line each.  Most of them come in the run that writes it; that HAProxy
 * will not start, in each run.  Text from outside is escaped; nothing is
 * printed.
 */
#ifndef WARNINGS_H
#define WARNINGS_H

#include "cert/cert.h"
#include "ocsp.h"
#include "cli/options.h"
#include "util/words.h"

/* Of a closed list: it ends a kind of them for good, by --no-warn. */
int warnings_is_word(const char *);

/* Did --no-warn end it? */
int warnings_ended(const struct options *, const char *word);

struct warnings {
	const struct options *options;
	const struct cert *cert;
	const struct ocsp_verdict *verdict; /* NULL: none is verified */
	const char *path;                   /* the certificate's */
	const char *output;                 /* the response's */
	const char
	    *rights; /* mode and owner that could not be kept; or "", NULL */
	size_t len;  /* its size, in bytes */
	int mode;    /* of its file; -1: not known */
	int written; /* by this run */
	int pinned;  /* see struct list_entry */
	int64_t now;
};

/* Appends lines. */
void warnings_add(struct text *, const struct warnings *);

#endif
