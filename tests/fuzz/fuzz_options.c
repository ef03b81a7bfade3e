/* SPDX-License-Identifier: ISC */
/*
 * The command line, its times and numbers.  Words end with a newline.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "cli/options.h"

#define MAX_WORDS 64

static void
check_ranges(const struct options *o)
{
	static const long long years_100 = 100LL * 366 * 86400;

	HOLDS(o->max_age >= -1 && o->max_age <= years_100);
	HOLDS(o->skew >= 0 && o->skew <= years_100);
	HOLDS(o->timeout >= 1 && o->timeout <= 86400);
	HOLDS(o->connect_timeout >= 1 && o->connect_timeout <= 86400);
	HOLDS(o->deadline == -1 || o->deadline >= 1);
	HOLDS(o->wait >= 0 && o->wait <= 30 * 86400);
	HOLDS(o->splay >= 0 && o->splay <= 7 * 86400);
	HOLDS(o->min_valid >= -1 && o->min_valid <= years_100);
	HOLDS(!o->min_percent || o->min_valid <= 100);
	HOLDS(o->retry >= 0 && o->retry <= 100);
	HOLDS(o->max_redirs >= 0 && o->max_redirs <= 20);
	HOLDS(o->parallel >= 1 && o->parallel <= 256);
	HOLDS(o->mode >= 0 && o->mode <= 0777);
	HOLDS(o->exit_changed == 0 ||
	    (o->exit_changed >= 6 && o->exit_changed <= 125));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *all, *argv[MAX_WORDS + 2], *p, *nl;
	struct text why = {0};
	enum options_result res;
	struct options o;
	int argc = 0;

	HOLDS((all = malloc(size + 1)) != NULL);
	if (size > 0)
		memcpy(all, data, size);
	all[size] = '\0';
	argv[argc++] = all + size;
	for (p = all; p != NULL && argc <= MAX_WORDS; p = nl) {
		if ((nl = strchr(p, '\n')) != NULL)
			*nl++ = '\0';
		argv[argc++] = p;
	}
	argv[argc] = NULL;
	/* it may remember a word that it was not done with, of the last input
	 */
	optind = 0;
	(void)getopt(1, argv, "");
	res = options_read(&o, argc, argv, &why);
	HOLDS((res == OPTIONS_BAD) == (why.len > 0));
	HOLDS(res != OPTIONS_NOMEM);
	if (res == OPTIONS_RUN)
		check_ranges(&o);
	text_free(&why);
	options_free(&o);
	free(all);
	return 0;
}
