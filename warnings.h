/* SPDX-License-Identifier: ISC */
/*
 * warnings: what a server would stumble over in a response that was just
 * written, one line each.  Text from outside is escaped; nothing is printed.
 */
#ifndef WARNINGS_H
#define WARNINGS_H

#include "cert.h"
#include "ocsp.h"
#include "options.h"
#include "words.h"

struct warnings {
	const struct options *options;
	const struct cert *cert;
	const struct ocsp_verdict *verdict; /* of what was written */
	const char *path;                   /* the certificate's */
	const char *output;                 /* the response's */
	const char *rights; /* mode and owner that could not be kept; or "" */
	size_t len;         /* its size, in bytes */
	int mode;           /* of its file; -1: not known */
	int64_t now;
};

/* Appends lines. */
void warnings_add(struct text *, const struct warnings *);

#endif
