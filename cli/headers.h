/* SPDX-License-Identifier: ISC */
/*
 * headers: header lines from a file (-H @FILE), which may hold passwords: no
 * reason shows what is in it.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include <stddef.h>

#include "util/words.h"

/* The longest file, in bytes. */
#define HEADERS_FILE_MAX ((size_t)65536)

/*
 * The file's text, NUL-terminated, one header a line; owned by the caller.
 * NULL: see `why`, which begins with the file's name.
 */
char *headers_read(const char *file, struct text *why);

/*
 * The next header line of such a text, from `*at` on: ends it with a NUL, and
 * counts lines in `*number`.  Empty lines and comments are passed over, and a
 * byte order mark at the beginning.  NULL: there is none.
 */
char *headers_next(char **at, unsigned long *number);

#endif
