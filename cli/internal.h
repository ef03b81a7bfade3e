/* SPDX-License-Identifier: ISC */
/*
 * internal: what the files that read the command line share: how an option is
 * described, and what sets one from the word that was given.  For cli/ only.
 *
 * Results are those of options_read(): RUN means that it is set, BAD that the
 * reason was added to `why`.
 */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/options.h"

enum kind {
	FLAG,
	COUNT,
	TIME,
	NUMBER,
	OCTAL,
	STRING,
	SECRET, /* a string that is taken off the command line */
	LIST,
	HEADERS, /* a list of secrets, or of files of them */
	CHOICE,
	MINIMUM
};

struct choice {
	const char *name;
	int value;
};

/* What a number may be, and what it is if the option has no argument. */
struct range {
	long long min, max, absent;
};

struct entry {
	char letter; /* 0: none */
	const char *name;
	enum kind kind;
	size_t offset; /* into struct options */
	int arg;       /* no_argument, ... */
	struct range range;
	const struct choice *choices;
};

/* Says what is wrong: BAD, or NOMEM if that found no memory. */
enum options_result options_bad(struct text *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How an option is called in a message: "-t, --timeout".  Returns `buf`. */
const char *options_title(const struct entry *, char buf[64]);

/*
 * Keeps the name that is nearest to what was typed, if it is near at all;
 * `*best` is SIZE_MAX and `*guess` NULL before the first.
 */
void options_consider(
    const char **guess, size_t *best, const char *typed, const char *name);

/* Sets the number, time, part or choice that `arg` says. */
enum options_result options_set_number(
    const struct entry *, long long *to, const char *arg, struct text *why);
enum options_result options_set_minimum(
    const struct entry *, struct options *, const char *arg, struct text *why);
enum options_result options_set_choice(
    const struct entry *, int *to, const char *arg, struct text *why);

/* Appends a word, which is borrowed.  RUN or NOMEM. */
enum options_result options_append(struct option_list *, const char *arg);

/*
 * `s`, from malloc(), is the options' to wipe and free from now on.  NULL: it
 * was NULL, or there is no memory, and it is freed already.
 */
char *options_own(struct options *, char *s);

/*
 * A copy, owned by the options, of an argument of which other users shall see
 * nothing in the list of processes, of us and of those that we start: it is
 * wiped out there.  NULL: out of memory.
 */
const char *options_hide(struct options *, char *arg);

/*
 * Takes the header that `arg` is, and wipes it out there, or those in the file
 * that is named after "@".  Of a line that is wrong no more is shown than the
 * name that it begins with.
 */
enum options_result options_set_header(
    struct options *, char *arg, struct text *why);

/*
 * What was given, looked at as a whole: texts whose form other folders know, of
 * URLs, hosts and sockets, and options that exclude each other.
 */
enum options_result options_check(const struct options *, struct text *why);

#endif
