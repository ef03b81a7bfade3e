/* SPDX-License-Identifier: ISC */
/*
 * Directories of files: each once, all or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/places.h"

static void
a_file_is_in_the_directory_that_its_name_says(void **state)
{
	static const char *const rows[][2] = {{"site.pem", "."},
	    {"./site.pem", "."}, {"../site.pem", ".."}, {"/site.pem", "/"},
	    {"a/site.pem", "a"}, {"a//site.pem", "a/"}, {"/a/b/c", "/a/b"},
	    {"a/", "a"}, {"", "."}};
	struct places p;
	const char *const *dirs;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = (struct places){.n = 0};
		places_add(&p, rows[i][0]);
		dirs = places_dirs(&p, &n);
		assert_non_null(dirs);
		assert_int_equal(n, 1);
		assert_string_equal(dirs[0], rows[i][1]);
		places_free(&p);
	}
}

/* That is not the same as all. */
static void
of_no_file_there_are_none(void **state)
{
	struct places p = {.n = 0};
	size_t n = 1;

	(void)state;
	assert_non_null(places_dirs(&p, &n));
	assert_int_equal(n, 0);
	places_free(&p);
}

/* Files in so many directories, one after another, so often. */
static const char *const *
many(struct places *p, int dirs, int times, size_t *n)
{
	char name[64];
	int i, j;

	for (i = 0; i < times; i++)
		for (j = 0; j < dirs; j++) {
			snprintf(name, sizeof(name), "d/%04d/%d", j, i);
			places_add(p, name);
		}
	return places_dirs(p, n);
}

static void
each_is_told_once_however_often_it_comes(void **state)
{
	static const int counts[] = {1, 2, 15, 16, 17, 1000, PLACES_MAX};
	struct places p;
	const char *const *dirs;
	char name[64];
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		p = (struct places){.n = 0};
		dirs = many(&p, counts[i], 5, &n);
		assert_non_null(dirs);
		assert_int_equal(n, counts[i]);
		for (k = 0; k < n; k++) {
			snprintf(name, sizeof(name), "d/%04zu", k);
			assert_string_equal(dirs[k], name);
		}
		places_free(&p);
	}
}

/* Of some of them it would be said that nothing else is written to. */
static void
too_many_are_never_told_in_part(void **state)
{
	static const int counts[] = {PLACES_MAX + 1, 3 * PLACES_MAX};
	struct places p;
	size_t i, n;
	int times;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (times = 1; times < 4; times++) {
			p = (struct places){.n = 0};
			assert_null(many(&p, counts[i], times, &n));
			/* nor is that forgotten */
			places_add(&p, "a/b");
			assert_null(places_dirs(&p, &n));
			places_free(&p);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_in_the_directory_that_its_name_says),
	    cmocka_unit_test(of_no_file_there_are_none),
	    cmocka_unit_test(each_is_told_once_however_often_it_comes),
	    cmocka_unit_test(too_many_are_never_told_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
