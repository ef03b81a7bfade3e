/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "cli/twins.h"

/*
 * Where a file is: what the system calls its directory, and its last name; of
 * a directory that cannot be looked at, 0 and the whole name; or what the
 * system calls the file itself, and no name.
 */
struct place {
	dev_t dev;
	ino_t ino;
	char *name;
	size_t i; /* whose */
};

/* The directory that was looked at last: many names in a row are in one. */
struct last {
	char *dir; /* NULL: none yet */
	struct stat st;
	int is_there;
};

static int
compare_files(const struct place *a, const struct place *b)
{
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int rc = compare_files(x, y);

	return rc != 0 ? rc : (x->i > y->i) - (x->i < y->i);
}

/* 0: `last` is about the directory `path`, of `n` bytes.  -1: no memory. */
static int
look_at(struct last *last, const char *path, size_t n)
{
	char *dir;

	if (last->dir != NULL && strlen(last->dir) == n &&
	    memcmp(last->dir, path, n) == 0)
		return 0;
	if ((dir = strndup(path, n)) == NULL)
		return -1;
	last->is_there = stat(n > 0 ? dir : ".", &last->st) == 0;
	free(last->dir);
	last->dir = dir;
	return 0;
}

/* Of `n` bytes of a path with `ext` behind them.  -1: out of memory. */
static int
find_place(struct place *p, struct last *last, const char *path, size_t n,
    const char *ext)
{
	size_t dir = n;

	while (dir > 0 && path[dir - 1] != '/')
		dir--;
	if (look_at(last, path, dir) == -1)
		return -1;
	p->dev = 0;
	p->ino = 0;
	if (last->is_there) {
		p->dev = last->st.st_dev;
		p->ino = last->st.st_ino;
		path += dir;
		n -= dir;
	}
	if ((p->name = malloc(n + strlen(ext) + 1)) == NULL)
		return -1;
	memcpy(p->name, path, n);
	memcpy(p->name + n, ext, strlen(ext) + 1);
	return 0;
}

/* What the file itself is; one that is absent is where it would be. */
static int
find_file(struct place *p, struct last *last, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return find_place(p, last, path, strlen(path), "");
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	return (p->name = strdup("")) != NULL ? 0 : -1;
}

static void
free_names(struct place *places, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(places[i].name);
}

/* All of `places` have one output, and are in order of their certificates. */
static void
tell_apart(struct twin *v, const struct place *places, size_t n)
{
	size_t i, one = 0;

	for (i = 1; i < n; i++) {
		if (compare_files(&places[one], &places[i]) == 0) {
			v[places[i].i].first = places[one].i;
			continue;
		}
		v[places[one].i].rival = places[i].i;
		one = i;
	}
	if (one != 0)
		v[places[one].i].rival = places[0].i;
}

/* These `n` have one output: are they one certificate? */
static int
meet(struct twin *v, const struct place *outputs, size_t n, struct last *last)
{
	struct place *certs;
	size_t i;
	int rc = 0;

	if ((certs = calloc(n, sizeof(*certs))) == NULL)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		certs[i].i = outputs[i].i;
		rc = find_file(&certs[i], last, v[certs[i].i].path);
	}
	if (rc == 0) {
		qsort(certs, n, sizeof(*certs), compare);
		tell_apart(v, certs, n);
	}
	free_names(certs, n);
	free(certs);
	return rc;
}

int
twins_find(struct twin *v, size_t n)
{
	struct last last = {.dir = NULL};
	struct place *outputs;
	size_t i, end;
	int rc = 0;

	if ((outputs = calloc(n + 1, sizeof(*outputs))) == NULL)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		v[i].first = v[i].rival = outputs[i].i = i;
		rc = find_place(
		    &outputs[i], &last, v[i].output, v[i].stem, v[i].ext);
	}
	if (rc == 0)
		qsort(outputs, n, sizeof(*outputs), compare);
	for (i = 0; i < n && rc == 0; i = end) {
		end = i + 1;
		while (
		    end < n && compare_files(&outputs[i], &outputs[end]) == 0)
			end++;
		if (end - i > 1)
			rc = meet(v, &outputs[i], end - i, &last);
	}
	free_names(outputs, n);
	free(outputs);
	free(last.dir);
	return rc;
}
