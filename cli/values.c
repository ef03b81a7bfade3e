/* SPDX-License-Identifier: ISC */
/* What an option is given: numbers, times, words, lists, and secrets. */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"
#include "privsep/sandbox.h"

/* Digits only, without sign or space; -1: not a number, or too large. */
static long long
parse_number(const char *s, const char **end, int base)
{
	long long n = 0;
	int digit;

	for (*end = s; **end >= '0' && **end < '0' + base; (*end)++) {
		digit = **end - '0';
		if (n > (LLONG_MAX - digit) / base)
			return -1;
		n = n * base + digit;
	}
	return *end == s ? -1 : n;
}

/* Seconds, or a number with one unit; -1 if it is neither. */
static long long
parse_time(const char *s)
{
	static const struct {
		char letter;
		long long seconds;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	const char *end;
	long long n = parse_number(s, &end, 10);
	size_t i;

	if (n == -1 || *end == '\0')
		return n;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].letter && end[1] == '\0')
			return n > LLONG_MAX / units[i].seconds
			    ? -1
			    : n * units[i].seconds;
	return -1;
}

const char *
options_title(const struct entry *e, char buf[64])
{
	if (e->letter != 0)
		snprintf(buf, 64, "-%c, --%s", e->letter, e->name);
	else
		snprintf(buf, 64, "--%s", e->name);
	return buf;
}

enum options_result
options_bad(struct text *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vadd(why, fmt, ap);
	va_end(ap);
	return why->failed ? OPTIONS_NOMEM : OPTIONS_BAD;
}

static enum options_result
bad_value(
    const struct entry *e, const char *arg, const char *want, struct text *why)
{
	char name[64];

	return options_bad(why, "option %s: \"%s\" is not %s",
	    options_title(e, name), arg, want);
}

enum options_result
options_set_number(
    const struct entry *e, long long *to, const char *arg, struct text *why)
{
	char want[128];
	const char *end = "";
	long long n;

	if (arg == NULL)
		n = e->range.absent;
	else if (e->kind == TIME)
		n = parse_time(arg);
	else
		n = parse_number(arg, &end, e->kind == OCTAL ? 8 : 10);
	if (n >= e->range.min && n <= e->range.max && *end == '\0') {
		*to = n;
		return OPTIONS_RUN;
	}
	if (e->kind == TIME)
		snprintf(want, sizeof(want),
		    "a time from %lld to %lld s, such as 90, 15m, 12h, 7d",
		    e->range.min, e->range.max);
	else if (e->kind == OCTAL)
		snprintf(want, sizeof(want), "an octal mode up to %llo",
		    e->range.max);
	else
		snprintf(want, sizeof(want), "a number from %lld to %lld",
		    e->range.min, e->range.max);
	return bad_value(e, arg, want, why);
}

enum options_result
options_set_minimum(
    const struct entry *e, struct options *o, const char *arg, struct text *why)
{
	const char *end;
	long long n = parse_number(arg, &end, 10);

	if (n >= 0 && n <= 100 && strcmp(end, "%") == 0) {
		o->min_percent = 1;
		o->min_valid = n;
		return OPTIONS_RUN;
	}
	n = parse_time(arg);
	if (n < 0 || n > e->range.max)
		return bad_value(
		    e, arg, "a time such as 25h, or a part such as 30%", why);
	o->min_valid = n;
	return OPTIONS_RUN;
}

void
options_consider(
    const char **guess, size_t *best, const char *typed, const char *name)
{
	size_t d = words_distance(typed, name);

	if (d < *best && d <= 1 + strlen(name) / 5) {
		*best = d;
		*guess = name;
	}
}

enum options_result
options_set_choice(
    const struct entry *e, int *to, const char *arg, struct text *why)
{
	const struct choice *c;
	const char *guess = NULL;
	size_t n = 0, best = SIZE_MAX;
	char want[128];

	for (c = e->choices; c->name != NULL; c++) {
		if (strcmp(c->name, arg) == 0) {
			*to = c->value;
			return OPTIONS_RUN;
		}
		n += (size_t)snprintf(want + n, sizeof(want) - n, "%s%s",
		    n == 0 ? "one of: " : ", ", c->name);
		options_consider(&guess, &best, arg, c->name);
	}
	if (guess != NULL)
		snprintf(
		    want + n, sizeof(want) - n, " (did you mean %s?)", guess);
	return bad_value(e, arg, want, why);
}

enum options_result
options_append(struct option_list *l, const char *arg)
{
	const char **v;

	if ((v = realloc(l->v, (l->n + 1) * sizeof(*v))) == NULL)
		return OPTIONS_NOMEM;
	l->v = v;
	v[l->n++] = arg;
	return OPTIONS_RUN;
}

char *
options_own(struct options *o, char *s)
{
	struct options_owned *v;

	if (s == NULL)
		return NULL;
	if ((v = realloc(o->owned, (o->nowned + 1) * sizeof(*v))) == NULL) {
		sandbox_forget(s, strlen(s));
		free(s);
		return NULL;
	}
	o->owned = v;
	v += o->nowned++;
	v->len = strlen(s);
	return v->s = s;
}

const char *
options_hide(struct options *o, char *arg)
{
	const char *kept = options_own(o, strdup(arg));

	if (*arg != '\0') {
		sandbox_forget(arg, strlen(arg));
		*arg = '*';
	}
	return kept;
}
