/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "store/fileid.h"
#include "sched/recheck.h"

/* Grows by half; `done` is looked at, `again` is taken from its front. */
struct entries {
	struct recheck_done *v;
	size_t n, size;
};

struct recheck {
	struct entries done;
	struct entries again;
	size_t taken; /* of `again` */
	size_t told;  /* of `done`, by recheck_short() */
};

static int
append(struct entries *e, const struct recheck_done *d)
{
	size_t size = e->size + e->size / 2 + 16;
	struct recheck_done *v;

	if (e->n == e->size) {
		if ((v = realloc(e->v, size * sizeof(*v))) == NULL)
			return -1;
		e->v = v;
		e->size = size;
	}
	e->v[e->n++] = *d;
	return 0;
}

struct recheck *
recheck_new(void)
{
	return calloc(1, sizeof(struct recheck));
}

void
recheck_free(struct recheck *r)
{
	if (r == NULL)
		return;
	free(r->done.v);
	free(r->again.v);
	free(r);
}

int
recheck_add(struct recheck *r, const struct recheck_done *d)
{
	return append(&r->done, d);
}

int
recheck_again(struct recheck *r, const struct list_entry *named)
{
	const struct recheck_done d = {
	    .record = named->record, .changes = named->changes + 1};

	return append(&r->again, &d);
}

static void
draw(const struct list *l, const struct recheck_done *d, struct list_entry *e)
{
	list_entry_of(l, d->record, e);
	e->changes = d->changes;
}

int
recheck_take(struct recheck *r, const struct list *l, struct list_entry *named)
{
	if (r->taken == r->again.n)
		return 0;
	draw(l, &r->again.v[r->taken], named);
	if (++r->taken == r->again.n)
		r->taken = r->again.n = 0;
	return 1;
}

int
recheck_short(struct recheck *r, const struct list *l, int64_t now,
    struct list_entry *named)
{
	const struct recheck_done *d;

	while (r->told < r->done.n) {
		d = &r->done.v[r->told++];
		if (d->lasts != 0 && d->lasts < now) {
			draw(l, d, named);
			return 1;
		}
	}
	return 0;
}

/* By the files alone: what changed may have the same content all the same. */
static int
is_as_it_was(const struct recheck_done *d, const char *path, const char *output)
{
	return d->unfiled ||
	    (fileid_of(path) == d->cert &&
		(output == NULL || d->needs_none ||
		    fileid_of(output) == d->output));
}

long
recheck_look(struct recheck *r, const struct list *l,
    char *(*output)(const struct list_entry *, const void *ctx),
    const void *ctx)
{
	struct list_entry named;
	struct recheck_done d;
	size_t i, same = 0;
	long changed = 0;
	char *name;

	for (i = 0; i < r->done.n && changed >= 0; i++) {
		d = r->done.v[i];
		draw(l, &d, &named);
		name = output(&named, ctx);
		if (is_as_it_was(&d, named.path, name))
			r->done.v[same++] = d;
		else
			changed =
			    recheck_again(r, &named) == 0 ? changed + 1 : -1;
		free(name);
	}
	r->done.n = same;
	return changed;
}
