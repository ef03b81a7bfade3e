/* SPDX-License-Identifier: ISC */
/*
 * Lists, and HAProxy's crt-lists.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "cli/list.h"
#include "util/words.h"

static char dir[256];

static void
clean_up(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/b.rsa", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/d/x", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/d", dir);
	rmdir(path);
	rmdir(dir);
}

/* Relative names stand for: nothing, a bundle "b", a directory "d". */
static void
set_up(void)
{
	const char *tmp = getenv("TMPDIR");
	FILE *f;

	snprintf(dir, sizeof(dir), "%.200s/fuzz_list.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	HOLDS(mkdtemp(dir) != NULL && chdir(dir) == 0);
	HOLDS((f = fopen("b.rsa", "w")) != NULL);
	fclose(f);
	HOLDS(mkdir("d", 0700) == 0);
	HOLDS((f = fopen("d/x", "w")) != NULL);
	fclose(f);
	atexit(clean_up);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;
	struct fuzz_in in = {data, size};
	const char *file;
	struct list_wanted w = {.files = &file, .nfiles = 1, .until_ms = -1};
	enum list_result res;
	struct list_entry e;
	struct list *l;
	const char *why;
	const struct list_rival *r;
	size_t n = 0;

	if (!ready++)
		set_up();
	w.del_ext = (int)(fuzz_byte(&in) & 1);
	file = fuzz_file(in.p, in.n);
	if (list_read(&l, &w, &why) == LIST_ENTRY) {
		while ((res = list_next(l, &e, &why)) != LIST_END) {
			HOLDS(res == LIST_ENTRY || res == LIST_BAD ||
			    res == LIST_LOCAL);
			if (res != LIST_ENTRY) {
				HOLDS(why[0] != '\0');
				HOLDS(strstr(why, "PRIVATE KEY") == NULL);
				continue;
			}
			HOLDS(e.path != NULL && e.path[0] != '\0');
			HOLDS(e.list == file && e.line > 0);
			HOLDS(e.rival == NULL || e.rival->path == e.path);
			HOLDS(e.rival == NULL || e.rival->next != e.rival);
			for (r = e.rival; r != NULL && r->next != e.rival;
			     r = r->next)
				HOLDS(r->path[0] != '\0');
			n++;
			if (n & 1)
				list_is_certificate(l);
		}
		HOLDS(n <= list_total(l));
	}
	list_free(l);
	return 0;
}
