/* SPDX-License-Identifier: ISC */
/*
 * twins: which of many certificates would have their responses in one and the
 * same file, however it is spelled: a response's file is its directory, as the
 * system knows it, and its last name.  Two names of one certificate's file are
 * one certificate; of two certificates, neither can have that file.
 */
#ifndef TWINS_H
#define TWINS_H

#include <stddef.h>

/* The strings are borrowed. */
struct twin {
	const char *path;   /* of the certificate's file */
	const char *output; /* the name of its response's file, */
	size_t stem;        /* of which so many bytes count, */
	const char *ext;    /* with this behind them */

	/* the first of the same certificate with that file: perhaps itself */
	size_t first;
	/* of those that are first, the next that is another certificate with
	 * that file, in a ring; itself: there is none */
	size_t rival;
};

/* Fills `first` and `rival` of all of them, as indices.  -1: out of memory. */
int twins_find(struct twin *, size_t n);

#endif
