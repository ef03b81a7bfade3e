#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "options.h"
#include "words.h"

/* A list may repeat itself, but not for ever. */
#define LINES_MAX 10000000UL

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
struct record {
	struct record *next;
	uint32_t number;
	unsigned char kind;
	unsigned char pinned;
	char s[];
};

struct list {
	const struct list_wanted *w;
	struct record *first;
	struct record **end;
	size_t entries;
	enum list_result state; /* ENTRY, REFUSED or NOMEM */
	char *why;              /* the caller's, with REFUSED */

	const struct record *at;  /* the next to be told */
	const struct record *dir; /* the directory that it is in */
	int dir_holds;            /* a certificate was seen in it */
};

/* A stretch of a line; `p` is NULL if there is none. */
struct span {
	const char *p;
	size_t n;
};

/* What a line says. */
struct line {
	struct span path;
	struct span output;
	struct span issuer;
	int pinned; /* see struct list_entry */
};

/* A list while it is read, and where in it. */
struct reader {
	const char *name; /* for messages */
	FILE *f;
	unsigned long number;
	size_t len;
	char text[LIST_LINE_MAX + 1];
};

/* ---- records ---- */

static char *
put(char *to, struct span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return to + s.n + 1;
}

static void
add(struct list *l, enum kind kind, const struct line *line)
{
	struct record *r;
	char *s;

	if (l->state != LIST_ENTRY || l->entries > LIST_MAX)
		return;
	r = malloc(
	    sizeof(*r) + line->path.n + line->output.n + line->issuer.n + 3);
	if (r == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	r->next = NULL;
	r->number = (uint32_t)l->entries;
	r->kind = (unsigned char)kind;
	r->pinned = (unsigned char)line->pinned;
	s = put(r->s, line->path);
	s = put(s, line->output);
	put(s, line->issuer);
	*l->end = r;
	l->end = &r->next;
	if (kind == FILE_NAMED || kind == FILE_PERHAPS)
		l->entries++;
}

static struct span
span(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void
add_text(struct list *l, enum kind kind, const char *s)
{
	const struct line line = {.path = span(s)};

	add(l, kind, &line);
}

/* Somewhere in what was named, something is wrong that is its own fault. */
__attribute__((format(printf, 3, 4))) static void
fault(struct list *l, enum kind kind, const char *fmt, ...)
{
	char why[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	add_text(l, kind, why);
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
output_of(const struct record *r)
{
	return r->s + strlen(r->s) + 1;
}

static const char *
issuer_of(const struct record *r)
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
	int i, n;

	if ((n = scandir(path, &names, may_be_certificate, alphasort)) == -1) {
		fault(l, fault_of(errno),
		    "%.300s: cannot read the directory: %s", path,
		    words_error(error, errno, (long)geteuid()));
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
	snprintf(l->why, WHY_MAX,
	    "-o, --output is for one certificate, but %.300s is %s", path,
	    what);
}

static void
add_operand(struct list *l, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			add_text(l, FILE_NAMED, path);
		else if (l->w->single)
			refuse(l, path, "a directory");
		else
			add_directory(l, path);
	} else if (errno != ENOENT || !add_bundle(l, path, l->w->single))
		add_text(l, FILE_NAMED, path);
	else if (l->w->single)
		refuse(l, path, "a bundle of several (.rsa, .ecdsa, .dsa)");
}

/* ---- the lines of a list ---- */

/* A word, "[" or "]"; 0: the line ends. */
static int
next_word(const char **p, struct span *w)
{
	while (isspace((unsigned char)**p))
		(*p)++;
	w->p = *p;
	w->n = strcspn(*p, "[] \t\n\v\f\r");
	if (w->n == 0 && **p != '\0')
		w->n = 1;
	*p += w->n;
	return w->n > 0;
}

static int
is(struct span w, const char *s)
{
	return w.n == strlen(s) && memcmp(w.p, s, w.n) == 0;
}

/* HAProxy's options of a certificate that have a value. */
static int
has_value(struct span w)
{
	static const char *const names[] = {"alpn", "ca-file", "ca-verify-file",
	    "ciphers", "ciphersuites", "client-sigalgs", "crl-file", "crt",
	    "curves", "ecdhe", "issuer", "key", "npn", "ocsp", "ocsp-update",
	    "sctl", "sigalgs", "ssl-max-ver", "ssl-min-ver", "verify"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(w, names[i]))
			return 1;
	return 0;
}

/*
 * The options up to the "]".  What HAProxy knows and we do not is stepped over:
 * only a value must not be taken for an option.
 */
static const char *
parse_options(const char **p, struct line *out)
{
	struct span w, value;

	while (next_word(p, &w)) {
		if (is(w, "]"))
			return NULL;
		if (is(w, "["))
			return "there is a second \"[\"";
		if (!has_value(w))
			continue;
		if (!next_word(p, &value) || is(value, "]") || is(value, "["))
			return "an option between \"[\" and \"]\" lacks its "
			       "value";
		if (is(w, "ocsp"))
			out->output = value;
		else if (is(w, "issuer"))
			out->issuer = value;
		if (is(w, "key") || is(w, "issuer") || is(w, "sctl"))
			out->pinned = 1;
	}
	return "the \"[\" has no \"]\"";
}

/* What is wrong with the line; NULL: nothing, but it may name none. */
static const char *
parse(const char *p, struct line *out)
{
	const char *wrong;
	struct span w;
	int options = 0;

	memset(out, 0, sizeof(*out));
	while (next_word(&p, &w)) {
		if (out->path.p == NULL && *w.p == '#')
			return NULL;
		if (out->path.p == NULL && (is(w, "[") || is(w, "]")))
			return "it begins with a bracket, not with a file";
		if (is(w, "]"))
			return "there is a \"]\" without a \"[\"";
		if (out->path.p == NULL)
			out->path = w;
		else if (is(w, "[")) {
			if (options++)
				return "there is a second \"[\"";
			if ((wrong = parse_options(&p, out)) != NULL)
				return wrong;
		}
		/* the others are filters of server names */
	}
	return NULL;
}

static int
is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A line that has options is about one file. */
static void
add_with_options(struct list *l, const struct reader *r, const char *path,
    const struct line *line)
{
	const char *what = NULL;
	struct stat st;

	if (stat(path, &st) == 0)
		what = S_ISDIR(st.st_mode) ? "a directory" : NULL;
	else if (errno == ENOENT && add_bundle(l, path, 1))
		what = "a bundle of several (.rsa, .ecdsa, .dsa)";
	if (what == NULL)
		add(l, FILE_NAMED, line);
	else
		fault(l, FAULT,
		    "%.300s: line %lu: \"ocsp\" and \"issuer\" are for one "
		    "certificate, but %.300s is %s",
		    r->name, r->number, path, what);
}

static void
add_line(struct list *l, struct reader *r)
{
	const char *wrong;
	struct line line;
	char *path;

	if ((wrong = parse(r->text, &line)) != NULL) {
		fault(l, FAULT, "%.300s: line %lu: %s: \"%.100s\"", r->name,
		    r->number, wrong, r->text);
		return;
	}
	if (line.path.p == NULL)
		return;
	if ((path = malloc(line.path.n + 1)) == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	put(path, line.path);
	if (line.output.p != NULL || line.issuer.p != NULL ||
	    (line.pinned && is_plain(path)))
		add_with_options(l, r, path, &line);
	else
		add_operand(l, path);
	free(path);
}

/* ---- a list ---- */

/* 1: a line is in `text`; 0: that was all; -1: no further, which is told. */
static int
read_line(struct list *l, struct reader *r)
{
	char error[WORDS_ERROR_MAX];
	int c;

	r->number++;
	for (r->len = 0; (c = getc_unlocked(r->f)) != EOF && c != '\n';) {
		if (c == '\0')
			fault(l, FAULT,
			    "%.300s: line %lu: it holds a NUL byte, so this is "
			    "no list; it is read no further",
			    r->name, r->number);
		else if (r->len == LIST_LINE_MAX)
			fault(l, FAULT,
			    "%.300s: line %lu: it has more than %zu bytes; the "
			    "list is read no further",
			    r->name, r->number, LIST_LINE_MAX);
		else {
			r->text[r->len++] = (char)c;
			continue;
		}
		return -1;
	}
	r->text[r->len] = '\0';
	if (c == EOF && ferror(r->f)) {
		fault(l, fault_of(errno), "%.300s: cannot read the list: %s",
		    r->name, words_error(error, errno, (long)geteuid()));
		return -1;
	}
	return c != EOF || r->len > 0;
}

static void
read_lines(struct list *l, struct reader *r)
{
	struct record **before = l->end;
	int rc;

	while ((rc = read_line(l, r)) == 1) {
		add_line(l, r);
		if (l->state != LIST_ENTRY || l->entries > LIST_MAX)
			return;
		if (r->number == LINES_MAX) {
			fault(l, FAULT,
			    "%.300s: it has more than %lu lines, and is read "
			    "no further",
			    r->name, LINES_MAX);
			return;
		}
	}
	if (rc == 0 && l->end == before)
		fault(l, FAULT,
		    "%.300s: no certificate is named in it; is it the right "
		    "list?",
		    r->name);
}

static void
add_list(struct list *l, const char *name)
{
	char error[WORDS_ERROR_MAX];
	struct reader *r;
	int fd = -1;

	if ((r = malloc(sizeof(*r))) == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	r->number = 0;
	r->name = name;
	r->f = NULL;
	if (strcmp(name, "-") == 0) {
		r->name = "standard input";
		r->f = stdin;
	} else if ((fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY)) != -1)
		r->f = fdopen(fd, "r");
	if (r->f != NULL)
		read_lines(l, r);
	else
		fault(l, fault_of(errno), "%.300s: cannot read the list: %s",
		    name, words_error(error, errno, (long)geteuid()));
	if (r->f != NULL && r->f != stdin)
		fclose(r->f);
	else if (fd != -1)
		close(fd);
	free(r);
}

/* ---- what is named twice ---- */

struct named {
	char *key;
	struct record *r;
};

/* Takes "//" and "/./" out of what follows a "/". */
static void
squeeze(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (to[-1] == '/' && *s == '/')
			s++;
		else if (to[-1] == '/' && s[0] == '.' && s[1] == '/')
			s += 2;
		else
			*to++ = *s++;
	}
	*to = '\0';
}

/* A path's first `n` bytes and `ext`, in one spelling of many; owned. */
static char *
spell(const char *cwd, const char *path, size_t n, const char *ext)
{
	const char *from = path[0] != '/' ? cwd : "";
	size_t size = strlen(from) + n + strlen(ext) + 3;
	char *s;

	if ((s = malloc(size)) == NULL)
		return NULL;
	snprintf(s, size, "/%s/%.*s%s", from, (int)n, path, ext);
	squeeze(s + 1);
	return s;
}

/* The name of its response; owned by the caller. */
static char *
key_of(const struct list *l, const struct record *r, const char *cwd)
{
	const char *output = output_of(r);

	if (output[0] != '\0')
		return spell(cwd, output, strlen(output), "");
	return spell(
	    cwd, r->s, options_output_stem(r->s, l->w->del_ext), ".ocsp");
}

static int
compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int rc = strcmp(x->key, y->key);

	if (rc != 0)
		return rc;
	return (x->r->number > y->r->number) - (x->r->number < y->r->number);
}

/* Two have one response: that is well if they are one certificate. */
static void
meet(struct list *l, const struct named *a, const struct named *b,
    const char *cwd)
{
	char *x = spell(cwd, a->r->s, strlen(a->r->s), "");
	char *y = spell(cwd, b->r->s, strlen(b->r->s), "");

	if (x == NULL || y == NULL)
		l->state = LIST_NOMEM;
	else if (strcmp(x, y) != 0) {
		l->state = LIST_REFUSED;
		snprintf(l->why, WHY_MAX,
		    "%s%.300s and %.300s would have one and the same response, "
		    "%.300s",
		    l->w->del_ext ? "with --del-ext, " : "", a->r->s, b->r->s,
		    a->key);
	}
	if (a->r->kind == FILE_PERHAPS)
		a->r->kind = b->r->kind;
	b->r->kind = FILE_AGAIN;
	l->entries--;
	free(x);
	free(y);
}

/* Fills `v` with all that are files; says how many have a key. */
static size_t
collect(struct list *l, struct named *v, const char *cwd)
{
	struct record *r;
	size_t n = 0;

	for (r = l->first; r != NULL; r = r->next) {
		if (r->kind != FILE_NAMED && r->kind != FILE_PERHAPS)
			continue;
		v[n].r = r;
		if ((v[n].key = key_of(l, r, cwd)) == NULL) {
			l->state = LIST_NOMEM;
			break;
		}
		n++;
	}
	return n;
}

static void
find_twins(struct list *l)
{
	char cwd[4096];
	struct named *v;
	size_t i, n, one = 0;

	if (l->entries < 2)
		return;
	if ((v = calloc(l->entries, sizeof(*v))) == NULL) {
		l->state = LIST_NOMEM;
		return;
	}
	/* without it, two spellings of one name are two names */
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		snprintf(cwd, sizeof(cwd), "?");
	n = collect(l, v, cwd);
	qsort(v, n, sizeof(*v), compare);
	for (i = 1; i < n && l->state == LIST_ENTRY; i++)
		if (strcmp(v[one].key, v[i].key) == 0)
			meet(l, &v[one], &v[i], cwd);
		else
			one = i;
	for (i = 0; i < n; i++)
		free(v[i].key);
	free(v);
}

/* ---- in and out ---- */

enum list_result
list_read(struct list **out, const struct list_wanted *w, char *why)
{
	struct list *l;
	size_t i;

	if ((*out = l = calloc(1, sizeof(*l))) == NULL)
		return LIST_NOMEM;
	l->w = w;
	l->why = why;
	l->end = &l->first;
	l->state = LIST_ENTRY;
	for (i = 0; i < w->noperands; i++)
		add_operand(l, w->operands[i]);
	for (i = 0; i < w->nfiles; i++)
		add_list(l, w->files[i]);
	if (l->state == LIST_ENTRY && l->entries > LIST_MAX) {
		l->state = LIST_REFUSED;
		snprintf(why, WHY_MAX,
		    "more than %zu certificates are named; divide them",
		    LIST_MAX);
	}
	if (l->state == LIST_ENTRY)
		find_twins(l);
	l->at = l->first;
	return l->state;
}

enum list_result
list_next(struct list *l, struct list_entry *e, char *why)
{
	const struct record *r;

	while ((r = l->at) != NULL) {
		l->at = r->next;
		switch ((enum kind)r->kind) {
		case FILE_NAMED:
		case FILE_PERHAPS:
			e->path = r->s;
			e->output = *output_of(r) != '\0' ? output_of(r) : NULL;
			e->issuer = *issuer_of(r) != '\0' ? issuer_of(r) : NULL;
			e->pinned = r->pinned && e->output == NULL;
			e->perhaps = r->kind == FILE_PERHAPS;
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
			snprintf(why, WHY_MAX,
			    "%.300s: there is no certificate in this "
			    "directory; is it the right one?",
			    l->dir->s);
			return LIST_BAD;
		case FAULT:
		case FAULT_LOCAL:
			snprintf(why, WHY_MAX, "%s", r->s);
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
	struct record *r, *next;

	if (l == NULL)
		return;
	for (r = l->first; r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	free(l);
}
