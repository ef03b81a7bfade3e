/* SPDX-License-Identifier: ISC */
/*
 * places: the directories that files are in, each once.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stddef.h>

/* More than this are not told one by one. */
#define PLACES_MAX 4096

/* Begins with {.n = 0}; what it holds is for places.c to know. */
struct places {
	char **dirs;
	size_t n, size;
	int many; /* too many, or too little memory, to know all */
};

/* Where this file is, by its name alone: "." for one without a slash. */
void places_add(struct places *, const char *file);

/*
 * All of them, sorted, until the next is added; NULL if not all are known, or
 * there are more than PLACES_MAX.
 */
const char *const *places_dirs(struct places *, size_t *n);
void places_free(struct places *);

#endif
