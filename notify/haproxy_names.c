/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/haproxy_names.h"

/* "OCSP Response Key" and its like, at the beginning of a line. */
#define PRINT "\nSHA1 FingerPrint: "
#define KEY "\nOCSP Response Key: "
#define CHAIN "\nChain Filename: "
#define KEY_FILE "\nKey filename: "
#define OCSP_FILE "\nOCSP filename: "

#define TRANSACTION "# transaction\n*"

/* ---- what HAProxy says ---- */

const char *
haproxy_last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* What stands behind a label, and how long it is; NULL: no such label. */
static const char *
value_of(const char *reply, const char *label, size_t *len)
{
	const char *at = strstr(reply, label);

	if (at == NULL)
		return NULL;
	at += strlen(label);
	*len = strcspn(at, "\n");
	return at;
}

static int
has_value(const char *reply, const char *label)
{
	size_t len;

	return value_of(reply, label, &len) != NULL && len > 0;
}

/* Its fingerprint in capitals, or an empty one. */
static void
read_print(const char *reply, char sha1[41])
{
	const char *at;
	size_t len, i;

	memset(sha1, 0, 41);
	if ((at = value_of(reply, PRINT, &len)) == NULL || len != 40)
		return;
	for (i = 0; i < len; i++)
		sha1[i] = (char)toupper((unsigned char)at[i]);
}

int
haproxy_shows(const char *reply, const char *sha1)
{
	char theirs[41];

	read_print(reply, theirs);
	return *sha1 != '\0' && strcmp(theirs, sha1) == 0;
}

void
haproxy_open_transaction(const char *list, char *name, size_t size)
{
	const size_t head = strlen(TRANSACTION);
	size_t len;

	*name = '\0';
	if (strncmp(list, TRANSACTION, head) != 0)
		return;
	len = strcspn(list + head, "\n");
	/* one that does not fit is nobody's that we know */
	snprintf(name, size, "%.*s", (int)(len < size ? len : size - 1),
	    list + head);
}

/* Cuts the next line off the list; NULL: that was all. */
static char *
next_line(char **at)
{
	char *line = *at, *end;

	if (line == NULL || *line == '\0')
		return NULL;
	if ((end = strchr(line, '\n')) != NULL)
		*end++ = '\0';
	*at = end;
	return line;
}

/* ---- all names ---- */

static int
keep_names(struct haproxy_names *all, struct haproxy_reply *r)
{
	char *at = r->s, *line;
	size_t lines = 1, i;

	for (i = 0; i < r->len; i++)
		lines += r->s[i] == '\n';
	if ((all->v = calloc(lines, sizeof(*all->v))) == NULL)
		return -1;
	all->list = r->s;
	while ((line = next_line(&at)) != NULL)
		if (*line != '#' && *line != '*' && *line != '\0')
			all->v[all->n++].name = line;
	return 0;
}

/* The entry that is asked about next; what was skipped is not there. */
static struct haproxy_name *
entry_of(struct haproxy_names *all, size_t from, size_t to, const char *name)
{
	const size_t len = strcspn(name, "\n");
	size_t i;

	for (i = from; i < to; i++)
		if (strlen(all->v[i].name) == len &&
		    memcmp(all->v[i].name, name, len) == 0)
			return &all->v[i];
	return NULL;
}

static void
read_block(struct haproxy_name *e, const char *block)
{
	read_print(block, e->sha1);
	e->unused = strstr(block, "\nStatus: Unused\n") != NULL;
	e->staples = has_value(block, KEY);
	e->has_chain = has_value(block, CHAIN);
	e->unnamed = has_value(block, KEY_FILE) && !has_value(block, OCSP_FILE);
}

/* What "show ssl cert" says of each, one block after another. */
static void
read_blocks(struct haproxy_names *all, size_t from, size_t to, char *reply)
{
	static const char head[] = "Filename: ";
	char *block = reply, *next;
	struct haproxy_name *e;

	while (block != NULL && strncmp(block, head, strlen(head)) != 0)
		if ((block = strchr(block, '\n')) != NULL)
			block++;
	for (; block != NULL; block = next) {
		if ((next = strstr(block, "\nFilename: ")) != NULL)
			*next++ = '\0';
		e = entry_of(all, from, to, block + strlen(head));
		if (e != NULL)
			read_block(e, block);
	}
}

/* As many as one command line holds; `*from` is moved behind them. */
static enum haproxy_result
ask_some(struct haproxy_cli *p, struct haproxy_names *all, size_t *from)
{
	enum haproxy_result res;
	struct haproxy_reply r;
	struct text t, one;
	size_t first = *from, i;

	memset(&t, 0, sizeof(t));
	for (i = first; i < all->n; i++) {
		haproxy_begin(p, &one, "show ssl cert ");
		if (haproxy_add_word(&one, all->v[i].name) == -1)
			text_free(&one);
		t.failed |= one.failed;
		if (t.len > 0 && t.len + one.len + 3 > HAPROXY_COMMAND_MAX) {
			text_free(&one);
			break;
		}
		if (one.s != NULL)
			text_add(&t, "%s%s", t.len > 0 ? ";" : "", one.s);
		text_free(&one);
	}
	*from = i;
	if (t.len == 0) {
		text_free(&t);
		return HAPROXY_UPDATED;
	}
	res = haproxy_ask(p, &t, &r, HAPROXY_LIST_MAX);
	if (res != HAPROXY_UPDATED)
		return res;
	read_blocks(all, first, i, r.s);
	free(r.s);
	return HAPROXY_UPDATED;
}

static int
by_print(const void *a, const void *b)
{
	const struct haproxy_name *x = a, *y = b;
	int rc = strcmp(x->sha1, y->sha1);

	return rc != 0 ? rc : strcmp(x->name, y->name);
}

static enum haproxy_result
ask_all(struct haproxy_cli *p, struct haproxy_names *all)
{
	enum haproxy_result res = HAPROXY_UPDATED;
	struct haproxy_cli each;
	size_t from = 0;

	while (from < all->n && res == HAPROXY_UPDATED) {
		/* fifty thousand take longer than one response may */
		haproxy_cli_start(&each, p->h, p->why);
		res = ask_some(&each, all, &from);
	}
	qsort(all->v, all->n, sizeof(*all->v), by_print);
	return res;
}

enum haproxy_result
haproxy_names_load(struct haproxy_cli *p)
{
	struct haproxy_names *all;
	enum haproxy_result res;
	struct haproxy_reply r;
	struct text t;

	if (p->h->names != NULL)
		return HAPROXY_UPDATED;
	haproxy_begin(p, &t, "show ssl cert");
	res = haproxy_ask(p, &t, &r, HAPROXY_LIST_MAX);
	if (res != HAPROXY_UPDATED)
		return res;
	if (strstr(r.s, "# filename") == NULL)
		return haproxy_refused(p,
		    "asked for its certificates (which takes a socket with "
		    "\"level admin\")",
		    &r);
	if ((all = calloc(1, sizeof(*all))) == NULL ||
	    keep_names(all, &r) == -1) {
		free(all);
		free(r.s);
		return haproxy_no_memory(p);
	}
	/* of what is not known whole nobody can tell what it has not */
	if ((res = ask_all(p, all)) == HAPROXY_UPDATED)
		p->h->names = all;
	else
		haproxy_names_free(all);
	return res;
}

void
haproxy_names_free(struct haproxy_names *all)
{
	if (all == NULL)
		return;
	free(all->list);
	free(all->v);
	free(all);
}

/* ---- one of them ---- */

struct haproxy_name *
haproxy_names_find(struct haproxy_names *all, const char *sha1, size_t *n)
{
	size_t low = 0, high = all->n, mid;

	*n = 0;
	if (*sha1 == '\0')
		return NULL;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(all->v[mid].sha1, sha1) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + *n < all->n && strcmp(all->v[low + *n].sha1, sha1) == 0)
		(*n)++;
	return *n > 0 ? &all->v[low] : NULL;
}

/* How many bytes at their ends are the same? */
static size_t
common_tail(const char *a, const char *b)
{
	size_t i = strlen(a), j = strlen(b), n = 0;

	while (n < i && n < j && a[i - n - 1] == b[j - n - 1])
		n++;
	return n;
}

const char *
haproxy_namesake(const struct haproxy_names *all, const char *path)
{
	const char *best = NULL;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (strcmp(haproxy_last_name(all->v[i].name),
			haproxy_last_name(path)) == 0 &&
		    (best == NULL ||
			common_tail(all->v[i].name, path) >
			    common_tail(best, path)))
			best = all->v[i].name;
	return best;
}
