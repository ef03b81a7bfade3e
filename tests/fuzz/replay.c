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

static int
replay_file(const char *path)
{
	size_t n = 0, size = (size_t)1 << 21;
	uint8_t *all = malloc(size), *p;
	FILE *f = fopen(path, "rb");

	if (f == NULL || all == NULL) {
		perror(path);
		return 1;
	}
	n = fread(all, 1, size, f);
	fclose(f);
	/* of its own size, so that a sanitizer sees any overread */
	if ((p = malloc(n > 0 ? n : 1)) == NULL)
		return 1;
	memcpy(p, all, n);
	free(all);
	(void)LLVMFuzzerTestOneInput(p, n);
	free(p);
	runs++;
	return 0;
}

static int
replay(const char *path)
{
	struct dirent *e;
	char file[4096];
	struct stat st;
	int bad = 0;
	DIR *d;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return replay_file(path);
	if ((d = opendir(path)) == NULL) {
		perror(path);
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		bad |= replay_file(file);
	}
	closedir(d);
	return bad;
}

int
main(int argc, char **argv)
{
	int i, bad = 0;

	for (i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	printf("%d inputs\n", runs);
	return bad || runs == 0;
}
