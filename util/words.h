/* SPDX-License-Identifier: ISC */
/*
 * words: text for people.  Pure functions: no input or output, no clock, no
 * locale, no global state.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * Room for one reason, terminator included: two file names as long as they can
 * be, and what is wrong with them.  SHORT: one that names no file.
 */
#define WHY_MAX 9216
#define WHY_SHORT_MAX 1024

/* Room for a point in time or a span of it, terminator included. */
#define WORDS_TIME_MAX 40

/* A text that grows; starts as all zero bytes.  `s` is owned, may be NULL. */
struct text {
	char *s;
	size_t len;
	size_t size;
	int failed; /* something found no memory, and is missing */
};

/* Appends, printf-like; what finds no memory is left out.  0 on success. */
int text_add(struct text *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
int text_vadd(struct text *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));
void text_free(struct text *);

/* The same, in place of what was there. */
void text_set(struct text *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
void text_vset(struct text *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

/* The first character of `len` > 0 bytes; how many it has, 0: no UTF-8. */
size_t words_utf8(const char *, size_t len, unsigned long *cp);

/* The same, if it is safe on a terminal and in a log; 0: it is not. */
size_t words_harmless(const char *, size_t len);

/*
 * printf into `size` >= 4 bytes.  What does not fit is cut off between two
 * characters of UTF-8, and "..." stands for it.  Returns `out`.
 */
char *words_vset(char *out, size_t size, const char *, va_list)
    __attribute__((format(printf, 3, 0)));
char *words_set(char *out, size_t size, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of one text. */
char *words_cut(char *out, size_t size, const char *in);

/*
 * The first characters of what may be a secret or no text at all: no more than
 * WORDS_GLIMPSE, none after the first that is not harmless, and "..." for the
 * rest.  Returns `out`.
 */
#define WORDS_GLIMPSE 16
#define WORDS_GLIMPSE_MAX (4 * WORDS_GLIMPSE + 4)
char *words_glimpse(char out[WORDS_GLIMPSE_MAX], const char *in, size_t len);

/*
 * Copies `len` bytes of text from outside to `out` in a form that is safe on a
 * terminal and in a log: unprintable bytes, and characters that reorder or
 * hide text, become \xHH; well-formed UTF-8 stays.  Returns `out`.
 */
char *words_escape(char *out, size_t size, const char *in, size_t len);

/* Appends text from outside, escaped in the same way, however long it is. */
int text_add_escaped(struct text *, const char *in, size_t len);

/*
 * Seconds since 1970 of a moment in UTC, and the moment; -1: in no year from 0
 * to 9999.  timegm() and its like end in 2038 where time_t has 32 bits, as on
 * Debian's i386, and the certificates of authorities do not.
 */
#define WORDS_YEAR_0 (-62167219200LL)
#define WORDS_YEAR_10000 253402300800LL
int64_t words_seconds(const struct tm *);
int words_date(struct tm *, int64_t when);

/* The first second of a day, "2026-11-25"; -1: it is none. */
int64_t words_day(const char *);

/* "2026-11-25 03:00:00 UTC" */
char *words_time(char out[WORDS_TIME_MAX], int64_t when);

/* "3 d 4 h", "12 min 5 s": the two largest units of so many seconds. */
char *words_span(char out[WORDS_TIME_MAX], long long seconds);

/*
 * "No space left on device", "Permission denied (to user 33)": what strerror()
 * says, and who it is that may not.
 */
#define WORDS_ERROR_MAX 128
char *words_error(char out[WORDS_ERROR_MAX], int error, long uid);

/*
 * Quotes `in` for a POSIX shell; the result is owned by the caller, NULL if
 * there is no memory.
 */
char *words_quote(const char *in);

/*
 * How many letters are to be changed, added, left out or exchanged with the
 * next one to make one of two words the other, whatever their size; longer
 * words are not alike.
 */
#define WORDS_LIKE_MAX 32
size_t words_distance(const char *a, const char *b);

#endif
