/* SPDX-License-Identifier: ISC */
/*
 * recheck: which certificates are to be done again, since their files changed
 * while the run was under way: one that was renewed meanwhile, or a response
 * that was removed or replaced after it was found good.  At the end of a run
 * all that ended with 0 is looked at, by fileid.h and by the clock, so that 0
 * is true then.
 */
#ifndef RECHECK_H
#define RECHECK_H

#include <stddef.h>
#include <stdint.h>

#include "cli/list.h"

/* A certificate that is done. */
struct recheck_done {
	const struct list_record *record; /* borrowed */
	uint64_t cert;                    /* fileid.h */
	uint64_t output; /* of its response; 0: none was there */
	int64_t lasts;   /* until then, as long as is demanded; 0: whatever */
	int changes;     /* of its files in this run */
	unsigned char needs_none; /* so that its response does not count */
	unsigned char unfiled;    /* its files do not count */
};

struct recheck;

struct recheck *recheck_new(void); /* NULL: out of memory */
void recheck_free(struct recheck *);

/* It ended with 0 by these files.  -1: out of memory. */
int recheck_add(struct recheck *, const struct recheck_done *);

/* Its files changed, which is counted: do it again.  -1: out of memory. */
int recheck_again(struct recheck *, const struct list_entry *);

/* The next that is to be done again; 0: there is none. */
int recheck_take(struct recheck *, const struct list *, struct list_entry *);

/* The next that lasts no longer `now`, once each; 0: there is none.
 * What is done again after it is not looked at. */
int recheck_short(
    struct recheck *, const struct list *, int64_t now, struct list_entry *);

/*
 * Looks at all that was added, once more; what has changed is to be taken.
 * `output` names a response's file: owned by the caller, NULL if there is none
 * or no memory.  How many there are; -1: out of memory.
 */
long recheck_look(struct recheck *, const struct list *,
    char *(*output)(const struct list_entry *, const void *ctx),
    const void *ctx);

#endif
