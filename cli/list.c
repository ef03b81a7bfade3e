/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/crtlist.h"
#include "cli/list.h"
#include "cli/options.h"
#include "cli/twins.h"
#include "util/words.h"

/* So many lines of one list are told as not understood; more are counted. */
#define FAULTS_MAX 10

enum kind {
	FILE_NAMED,   /* its path, output and issuer */
	FILE_PERHAPS, /* the same, from a directory */
	FILE_AGAIN,   /* named before */
	DIR_BEGINS,   /* its name; what follows is in it */
	DIR_ENDS,
	FAULT, /* the reason */
	FAULT_LOCAL
};

/*
 * One of these for each name, and there may be many: the strings of `s` are
 * NUL-terminated and stand one after another, an absent one is empty.
 */
struct list_record {
	struct list_record *next;
	struct list_rival *rival; /* mostly NULL */
	uint32_t list; /* where it is named: in this one, from 1 on; 0: none */
	uint32_t line;
	unsigned char kind;
	unsigned char absent; /* there was no such file */
	unsigned char pinned; /* as of crtlist.h */
	char s[];
};

struct list {
	const struct list_wanted *w;
	const char *const *files; /* the lists */
	struct list_record *first;
	struct list_record **end;
	size_t entries;
	enum list_result state; /* ENTRY, REFUSED, LATE or NOMEM */
	struct text said;       /* what the caller was told last */

	uint32_t list; /* what is being read */
	uint32_t line;

	const struct list_record *at;  /* the next to be told */
	const struct list_record *dir; /* the directory that it is in */
	int dir_holds;                 /* a certificate was seen in it */
};

/* What is named. */
struct name {
	struct crtlist_line at;
	int absent;
};

/* ---- records ---- */

static char *
put(char *to, struct crtlist_span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return to + s.n + 1;
}

static void
add(struct list *l, enum kind kind, const struct name *n)
{
	const struct crtlist_line *at = &n->at;
	struct list_record *r;
	char *s;

	if (l->state != LIST_ENTRY || l->entries > LIST_MAX)
		return;
	r = malloc(sizeof(*r) + at->path.n + at->output.n + at->issuer.n + 3);
	if (r == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	r->next = NULL;
	r->rival = NULL;
	r->list = l->list;
	r->line = l->line;
	r->kind = (unsigned char)kind;
	r->absent = (unsigned char)n->absent;
	r->pinned = (unsigned char)n->at.pinned;
	s = put(r->s, at->path);
	s = put(s, at->output);
	put(s, at->issuer);
	*l->end = r;
	l->end = &r->next;
	if (kind == FILE_NAMED || kind == FILE_PERHAPS)
		l->entries++;
}

static void
add_text(struct list *l, enum kind kind, const char *s)
{
	const struct name n = {.at.path = {s, strlen(s)}};

	add(l, kind, &n);
}

/* How a list is called; NULL: there is none. */
static const char *
title(const struct list *l, uint32_t list)
{
	return list > 0 ? crtlist_title(l->files[list - 1]) : NULL;
}

/* Adds to what will be told in which line it is named, if it is in a list. */
static void
add_where(struct list *l, uint32_t list, uint32_t line)
{
	if (list > 0)
		text_add(&l->said, " (%s, line %lu)", title(l, list),
		    (unsigned long)line);
}

/* All that was added since then is forgotten. */
static void
drop(struct list *l, struct list_record **since, size_t entries)
{
	struct list_record *r, *next;

	for (r = *since; r != NULL; r = next) {
		next = r->next;
		free(r->rival);
		free(r);
	}
	*since = NULL;
	l->end = since;
	l->entries = entries;
}

/* In `said` there is what somebody will be told now. */
static void
add_said(struct list *l, enum kind kind)
{
	if (l->said.failed)
		l->state = LIST_NOMEM;
	else
		add_text(l, kind, l->said.s);
}

/* Somewhere in what was named, something is wrong that is its own fault. */
__attribute__((format(printf, 3, 4))) static void
fault(struct list *l, enum kind kind, const char *fmt, ...)
{
	va_list ap;

	text_free(&l->said);
	va_start(ap, fmt);
	text_vadd(&l->said, fmt, ap);
	va_end(ap);
	add_said(l, kind);
}

/* Whose fault it is that a file cannot be had: its own, or the machine's. */
static enum kind
fault_of(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOMEM || e == EIO
	    ? FAULT_LOCAL
	    : FAULT;
}

static const char *
output_of(const struct list_record *r)
{
	return r->s + strlen(r->s) + 1;
}

static const char *
issuer_of(const struct list_record *r)
{
	const char *output = output_of(r);

	return output + strlen(output) + 1;
}

/* ---- what a name stands for ---- */

/* "dir/name" or "base.ext"; owned by the caller. */
static char *
join(const char *a, size_t n, char sep, const char *b)
{
	size_t len = strlen(b);
	char *s;

	if ((s = malloc(n + len + 2)) != NULL) {
		memcpy(s, a, n);
		s[n] = sep;
		memcpy(s + n + 1, b, len + 1);
	}
	return s;
}

/* HAProxy loads every file of a directory but these. */
static int
may_be_certificate(const struct dirent *d)
{
	static const char *const not [] = {".issuer", ".key", ".ocsp", ".sctl"};
	const char *end = strrchr(d->d_name, '.');
	size_t i;

	if (end == NULL)
		return 1;
	for (i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (strcmp(end, not [i]) == 0)
			return 0;
	return d->d_name[0] != '.';
}

static void
add_file_of(struct list *l, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	struct stat st;
	char *path;

	while (n > 0 && dir[n - 1] == '/')
		n--;
	if ((path = join(dir, n, '/', name)) == NULL)
		l->state = LIST_NOMEM;
	/* a link that leads nowhere stops HAProxy: it is to be heard of */
	else if (stat(path, &st) == -1)
		add_text(l, FILE_NAMED, path);
	else if (S_ISREG(st.st_mode))
		add_text(l, FILE_PERHAPS, path);
	free(path);
}

static void
add_directory(struct list *l, const char *path)
{
	char error[WORDS_ERROR_MAX];
	struct dirent **names;
	int i, n, failed;

	if ((n = scandir(path, &names, may_be_certificate, alphasort)) == -1) {
		failed = errno;
		text_free(&l->said);
		text_add(&l->said, "%s: cannot read the directory: %s", path,
		    words_error(error, failed, (long)geteuid()));
		add_where(l, l->list, l->line);
		add_said(l, fault_of(failed));
		return;
	}
	add_text(l, DIR_BEGINS, path);
	for (i = 0; i < n; i++) {
		if (l->state == LIST_ENTRY && l->entries <= LIST_MAX)
			add_file_of(l, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	add_text(l, DIR_ENDS, "");
}

/* The parts that there are; 0: it is no bundle. */
static int
add_bundle(struct list *l, const char *path, int only_look)
{
	static const char *const types[] = {"dsa", "ecdsa", "rsa"};
	struct stat st;
	int found = 0;
	char *part;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		part = join(path, strlen(path), '.', types[i]);
		if (part == NULL)
			l->state = LIST_NOMEM;
		else if (stat(part, &st) == 0) {
			found++;
			if (!only_look)
				add_text(l, FILE_NAMED, part);
		}
		free(part);
	}
	return found;
}

static void
refuse(struct list *l, const char *path, const char *what)
{
	l->state = LIST_REFUSED;
	text_free(&l->said);
	text_add(&l->said, "-o, --output is for one certificate, but %s is %s",
	    path, what);
}

static void
add_operand(struct list *l, const char *path)
{
	struct name n = {.at.path = {path, strlen(path)}};
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			add(l, FILE_NAMED, &n);
		else if (l->w->single)
			refuse(l, path, "a directory");
		else
			add_directory(l, path);
	} else if (errno != ENOENT || !add_bundle(l, path, l->w->single)) {
		n.absent = errno == ENOENT;
		add(l, FILE_NAMED, &n);
	} else if (l->w->single)
		refuse(l, path, "a bundle of several (.rsa, .ecdsa, .dsa)");
}

/* ---- lists ---- */

static int
is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A line that has options is about one file. */
static void
add_with_options(
    struct list *l, const char *path, const struct crtlist_line *line)
{
	const char *what = NULL;
	struct name n = {.at = *line};
	struct stat st;

	if (stat(path, &st) == 0)
		what = S_ISDIR(st.st_mode) ? "a directory" : NULL;
	else if (errno == ENOENT) {
		n.absent = 1;
		if (add_bundle(l, path, 1))
			what = "a bundle of several (.rsa, .ecdsa, .dsa)";
	}
	if (what == NULL)
		add(l, FILE_NAMED, &n);
	else
		fault(l, FAULT,
		    "%s: line %lu: \"ocsp\" and \"issuer\" are for one "
		    "certificate, but %s is %s",
		    title(l, l->list), (unsigned long)l->line, path, what);
}

/* A password or a token is one as much as a name is. */
static int
may_be_secret(struct crtlist_span name)
{
	return name.n > WORDS_GLIMPSE && memchr(name.p, '/', name.n) == NULL &&
	    memchr(name.p, '.', name.n) == NULL;
}

/*
 * What a list names and is not there is told in full only if it looks like a
 * name: a file that is no list at all may hold what others must not read.
 * LINE, WRONG or ALIEN, as of crtlist_next(); the reason is in `said`.
 */
static enum crtlist_result
add_line(struct list *l, const struct crtlist *c,
    const struct crtlist_line *line, const char *path)
{
	char glimpse[WORDS_GLIMPSE_MAX];
	const size_t plain = crtlist_plain(line->path);
	struct stat st;

	if (plain < line->path.n || may_be_secret(line->path) ||
	    crtlist_is_encoded(line->path)) {
		if (stat(path, &st) == 0 || add_bundle(l, path, 1) > 0)
			;
		else if (crtlist_is_encoded(line->path)) {
			crtlist_say_alien(c, &l->said);
			return CRTLIST_ALIEN;
		} else {
			words_glimpse(glimpse, path, plain);
			text_add(&l->said,
			    "%s: line %lu: there is no file of this name: "
			    "\"%s%s\"",
			    title(l, l->list), (unsigned long)l->line, glimpse,
			    strncmp(glimpse, path, plain) == 0 ? "..." : "");
			return CRTLIST_WRONG;
		}
	}
	if (line->output.p != NULL || line->issuer.p != NULL ||
	    (line->pinned && is_plain(path)))
		add_with_options(l, path, line);
	else
		add_operand(l, path);
	return CRTLIST_LINE;
}

/* Each line is a name or a fault of its own, of which only a few are told. */
static enum crtlist_result
read_lines(struct list *l, struct crtlist *c, unsigned long *wrong)
{
	struct crtlist_line line;
	enum crtlist_result res;
	char *path;

	do {
		text_free(&l->said);
		res = crtlist_next(c, &line, &l->said);
		l->line = (uint32_t)crtlist_number(c);
		if (res == CRTLIST_LINE) {
			if ((path = malloc(line.path.n + 1)) == NULL) {
				l->state = LIST_NOMEM;
				break;
			}
			put(path, line.path);
			res = add_line(l, c, &line, path);
			free(path);
		}
		if (res == CRTLIST_WRONG && (*wrong)++ < FAULTS_MAX)
			add_said(l, FAULT);
	} while ((res == CRTLIST_LINE || res == CRTLIST_WRONG) &&
	    l->state == LIST_ENTRY && l->entries <= LIST_MAX);
	return res;
}

static void
be_late(struct list *l, const char *name)
{
	l->state = LIST_LATE;
	text_free(&l->said);
	text_add(&l->said,
	    "%s: not all names had come when the time was over (--deadline)",
	    crtlist_title(name));
}

static void
add_list(struct list *l, const char *name)
{
	const struct crtlist_limit limit = {l->w->now_ms, l->w->until_ms};
	struct list_record **since = l->end;
	const size_t entries = l->entries;
	unsigned long wrong = 0;
	struct crtlist *c;

	if ((c = crtlist_new(name, &limit)) == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	switch (read_lines(l, c, &wrong)) {
	case CRTLIST_ALIEN:
		drop(l, since, entries);
		add_said(l, FAULT);
		wrong = 0;
		break;
	case CRTLIST_LATE:
		be_late(l, name);
		break;
	case CRTLIST_ERROR:
		add_said(l, fault_of(errno));
		break;
	case CRTLIST_BAD:
		add_said(l, FAULT);
		break;
	case CRTLIST_END:
		if (l->end == since)
			fault(l, FAULT,
			    "%s: no certificate is named in it; is it the "
			    "right list?",
			    crtlist_title(name));
		break;
	case CRTLIST_LINE:
	case CRTLIST_WRONG:
		break;
	}
	if (wrong > FAULTS_MAX && l->state == LIST_ENTRY)
		fault(l, FAULT,
		    "%s: %lu more lines are not understood; is it the right "
		    "list?",
		    crtlist_title(name), wrong - FAULTS_MAX);
	crtlist_free(c);
}

/* ---- what is named twice ---- */

static int
is_file(const struct list_record *r)
{
	return r->kind == FILE_NAMED || r->kind == FILE_PERHAPS;
}

static struct twin
twin_of(const struct list *l, const struct list_record *r)
{
	const char *output = output_of(r);

	if (output[0] != '\0')
		return (struct twin){.path = r->s,
		    .output = output,
		    .stem = strlen(output),
		    .ext = ""};
	return (struct twin){.path = r->s,
	    .output = r->s,
	    .stem = options_output_stem(r->s, l->w->del_ext),
	    .ext = ".ocsp"};
}

/* The same certificate with the same response: it is told where it is first. */
static void
name_once(struct list *l, struct list_record *first, struct list_record *again)
{
	if (first->kind == FILE_PERHAPS && again->kind == FILE_NAMED) {
		first->kind = again->kind;
		first->list = again->list;
		first->line = again->line;
	}
	again->kind = FILE_AGAIN;
	l->entries--;
}

/* Of all with the output of `v[i]`, in a ring. */
static void
make_rivals(struct list *l, const struct twin *v, struct list_record **records,
    size_t i)
{
	struct list_rival *one, *last = NULL;
	size_t at = i;

	do {
		if ((one = calloc(1, sizeof(*one))) == NULL) {
			l->state = LIST_NOMEM;
			return;
		}
		one->path = records[at]->s;
		one->perhaps = records[at]->kind == FILE_PERHAPS;
		one->next = last != NULL ? last->next : one;
		if (last != NULL)
			last->next = one;
		last = records[at]->rival = one;
		at = v[at].rival;
	} while (at != i);
}

static void
settle_twins(struct list *l, const struct twin *v, struct list_record **records,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].first != i)
			name_once(l, records[v[i].first], records[i]);
	for (i = 0; i < n && l->state == LIST_ENTRY; i++)
		if (v[i].rival != i && records[i]->rival == NULL)
			make_rivals(l, v, records, i);
}

static void
find_twins(struct list *l)
{
	struct list_record **records, *r;
	struct twin *v;
	size_t n = 0;

	if (l->entries < 2)
		return;
	v = calloc(l->entries, sizeof(*v));
	records = calloc(l->entries, sizeof(struct list_record *));
	if (v == NULL || records == NULL)
		l->state = LIST_NOMEM;
	for (r = l->first; r != NULL && l->state == LIST_ENTRY; r = r->next)
		if (is_file(r)) {
			records[n] = r;
			v[n++] = twin_of(l, r);
		}
	if (l->state == LIST_ENTRY && twins_find(v, n) == -1)
		l->state = LIST_NOMEM;
	if (l->state == LIST_ENTRY)
		settle_twins(l, v, records, n);
	free(v);
	free(records);
}

/* ---- in and out ---- */

static enum list_result
tell(struct list *l, const char **why)
{
	if (l->said.failed)
		l->state = LIST_NOMEM;
	*why = l->said.s != NULL ? l->said.s : "";
	return l->state;
}

enum list_result
list_read(struct list **out, const struct list_wanted *w, const char **why)
{
	struct list *l;
	size_t i;

	*why = "";
	if ((*out = l = calloc(1, sizeof(*l))) == NULL)
		return LIST_NOMEM;
	l->w = w;
	l->files = w->files;
	l->end = &l->first;
	l->state = LIST_ENTRY;
	for (i = 0; i < w->noperands; i++)
		add_operand(l, w->operands[i]);
	for (i = 0; i < w->nfiles && l->state == LIST_ENTRY; i++) {
		l->list = (uint32_t)i + 1;
		add_list(l, w->files[i]);
	}
	if (l->state == LIST_ENTRY && l->entries > LIST_MAX) {
		l->state = LIST_REFUSED;
		text_free(&l->said);
		text_add(&l->said,
		    "more than %zu certificates are named; divide them",
		    LIST_MAX);
	}
	if (l->state == LIST_ENTRY)
		find_twins(l);
	l->at = l->first;
	return tell(l, why);
}

void
list_entry_of(
    const struct list *l, const struct list_record *r, struct list_entry *e)
{
	e->record = r;
	e->path = r->s;
	e->output = *output_of(r) != '\0' ? output_of(r) : NULL;
	e->issuer = *issuer_of(r) != '\0' ? issuer_of(r) : NULL;
	e->perhaps = r->kind == FILE_PERHAPS;
	e->changes = 0;
	e->pinned = r->pinned && e->output == NULL;
	e->list = title(l, r->list);
	e->line = r->line;
	e->rival = r->rival;
	e->pattern = r->absent && strpbrk(r->s, "*?[") != NULL;
}

static enum list_result
tell_empty_directory(struct list *l, const char **why)
{
	text_free(&l->said);
	text_add(&l->said,
	    "%s: there is no certificate in this directory; is it the right "
	    "one?",
	    l->dir->s);
	add_where(l, l->dir->list, l->dir->line);
	*why = l->said.s != NULL ? l->said.s : "out of memory";
	return l->said.s != NULL ? LIST_BAD : LIST_LOCAL;
}

enum list_result
list_next(struct list *l, struct list_entry *e, const char **why)
{
	const struct list_record *r;

	while ((r = l->at) != NULL) {
		l->at = r->next;
		switch ((enum kind)r->kind) {
		case FILE_NAMED:
		case FILE_PERHAPS:
			list_entry_of(l, r, e);
			return LIST_ENTRY;
		case FILE_AGAIN:
			l->dir_holds = 1;
			break;
		case DIR_BEGINS:
			l->dir = r;
			l->dir_holds = 0;
			break;
		case DIR_ENDS:
			if (l->dir_holds)
				break;
			return tell_empty_directory(l, why);
		case FAULT:
		case FAULT_LOCAL:
			*why = r->s;
			return r->kind == FAULT ? LIST_BAD : LIST_LOCAL;
		}
	}
	return LIST_END;
}

void
list_again(struct list *l)
{
	l->at = l->first;
	l->dir = NULL;
	l->dir_holds = 0;
}

void
list_is_certificate(struct list *l)
{
	l->dir_holds = 1;
}

size_t
list_total(const struct list *l)
{
	return l->entries;
}

void
list_free(struct list *l)
{
	if (l == NULL)
		return;
	drop(l, &l->first, 0);
	text_free(&l->said);
	free(l);
}
