/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "store/places.h"

/* Names are kept, some of them twice, until there are so many. */
#define ROOM_MAX (2 * (size_t)PLACES_MAX)

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sift(struct places *p)
{
	size_t i, n = 0;

	if (p->n > 1)
		qsort(p->dirs, p->n, sizeof(*p->dirs), by_name);
	for (i = 0; i < p->n; i++)
		if (n > 0 && strcmp(p->dirs[n - 1], p->dirs[i]) == 0)
			free(p->dirs[i]);
		else
			p->dirs[n++] = p->dirs[i];
	p->n = n;
}

static int
grow(struct places *p)
{
	size_t size = p->size == 0 ? 16 : 2 * p->size;
	char **dirs;

	if (p->size == ROOM_MAX) {
		sift(p);
		return p->n <= PLACES_MAX ? 0 : -1;
	}
	if ((dirs = realloc(p->dirs, size * sizeof(*dirs))) == NULL)
		return -1;
	p->dirs = dirs;
	p->size = size;
	return 0;
}

void
places_add(struct places *p, const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - file);
	const char *last = p->n > 0 ? p->dirs[p->n - 1] : "";

	if (slash == NULL)
		file = ".";
	if (len == 0)
		len = 1; /* "." or "/" */
	/* most are where the one before is */
	if (p->many || (strncmp(last, file, len) == 0 && last[len] == '\0'))
		return;
	if ((p->n == p->size && grow(p) == -1) ||
	    (p->dirs[p->n] = strndup(file, len)) == NULL)
		p->many = 1;
	else
		p->n++;
}

const char *const *
places_dirs(struct places *p, size_t *n)
{
	static const char *const none[] = {NULL};

	sift(p);
	*n = p->n;
	if (p->many || p->n > PLACES_MAX)
		return NULL;
	return p->n == 0 ? none : (const char *const *)p->dirs;
}

void
places_free(struct places *p)
{
	while (p->n > 0)
		free(p->dirs[--p->n]);
	free(p->dirs);
}
