/* SPDX-License-Identifier: ISC */
/*
 * verbose: the whole of what -v shows of a certificate: its trace, then what
 * was decided, what is stored now, and what to do.
 */
#ifndef VERBOSE_H
#define VERBOSE_H

#include "job/state.h"
#include "util/words.h"

/* Appends it, escaped, in lines; nothing without -v. */
void verbose_add(
    struct job *, const struct env *, const char *to_do, struct text *out);

#endif
