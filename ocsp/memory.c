/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "ocsp/internal.h"

/*
 * Without memory OpenSSL fails in a hundred ways, most of which look like a
 * fault of the response.  Its hooks take no context, hence these globals.
 */
static volatile int starved, starved_once;

static void
note_starvation(void)
{
	starved = 1;
	starved_once = 1;
}

static void *
hook_malloc(size_t n, const char *file, int line)
{
	void *p;

	(void)file;
	(void)line;
	if (n == 0)
		return NULL;
	if ((p = malloc(n)) == NULL)
		note_starvation();
	return p;
}

static void *
hook_realloc(void *old, size_t n, const char *file, int line)
{
	void *p;

	if (old == NULL)
		return hook_malloc(n, file, line);
	if (n == 0) {
		free(old);
		return NULL;
	}
	if ((p = realloc(old, n)) == NULL)
		note_starvation();
	return p;
}

static void
hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

void
memory_watch(void)
{
	/* it may refuse, where a library has used it already: so be it */
	(void)CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free);
}

int
ocsp_starved(void)
{
	int was = starved;

	starved = 0;
	return was;
}

void
ocsp_starve(void)
{
	starved = 1;
}

void
ocsp_doubt(void)
{
	if (starved_once)
		starved = 1;
}
