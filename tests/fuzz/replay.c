/* SPDX-License-Identifier: ISC */
/*
 * replay: runs a fuzz target over files, where there is no libFuzzer.
 *
 *	fuzz-NAME FILE|DIRECTORY ...
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static int runs;

static void
replay_file(const char *path)
{
	size_t n = 0, size = (size_t)1 << 21;
	uint8_t *all = malloc(size), *p;
	FILE *f = fopen(path, "rb");

	if (f == NULL || all == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(all, 1, size, f);
	fclose(f);
	/* of its own size, so that a sanitizer sees any overread */
	if ((p = malloc(n > 0 ? n : 1)) == NULL)
		exit(1);
	memcpy(p, all, n);
	free(all);
	(void)LLVMFuzzerTestOneInput(p, n);
	free(p);
	runs++;
}

static void
replay(const char *path)
{
	struct dirent *e;
	char file[4096];
	struct stat st;
	DIR *d;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	if ((d = opendir(path)) == NULL) {
		perror(path);
		exit(1);
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		replay_file(file);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs\n", runs);
	return runs == 0;
}
