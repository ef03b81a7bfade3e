/* SPDX-License-Identifier: ISC */
/*
 * list: what was named, one certificate after another.
 *
 * Operands, and the lines of lists, are read to the end; a directory becomes
 * the files in it and a bundle its parts, as HAProxy takes them; what is named
 * twice is told once, and whose response would be in another's file is told as
 * that.  Only names are kept: no certificate is opened here.
 */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>
#include <stdint.h>

/* More certificates than this are not taken on in one run. */
#define LIST_MAX ((size_t)1000000)

/* What was asked for; borrowed, the names for as long as the list lives. */
struct list_wanted {
	const char *const *operands;
	size_t noperands;
	const char *const *files; /* lists; "-" is standard input */
	size_t nfiles;
	int del_ext;               /* responses replace the extension */
	int single;                /* all of it must be one certificate */
	long long (*now_ms)(void); /* of a clock that only goes forward */
	long long until_ms; /* lists are waited for so long; -1: for ever */
};

/*
 * Another certificate whose response would be in the same file; all that are,
 * the entry itself among them, in a ring.
 */
struct list_rival {
	const char *path;
	int perhaps; /* as of an entry */
	const struct list_rival *next;
};

/* The strings live as long as the list. */
struct list_record; /* who has it can draw the entry again */

struct list_entry {
	const struct list_record *record; /* the list's */
	const char *path;
	const char *output; /* where its response goes; NULL: not said */
	const char *issuer; /* where its issuer is; NULL: not said */
	const char *list;   /* which list names it; NULL: none */
	const struct list_rival *rival; /* itself in that ring; or NULL */
	uint32_t line;                  /* of `list` */
	int perhaps; /* of a directory: it may be no certificate */
	int changes; /* of its files in this run: the caller's */
	int pattern; /* it is absent, and may be meant for a shell */
	/* by "key", "issuer" or "sctl", without "ocsp": HAProxy 3 then looks
	 * for no other file */
	int pinned;
};

enum list_result {
	LIST_ENTRY,   /* `e` is filled */
	LIST_END,     /* that was all */
	LIST_BAD,     /* something named cannot be had: see `why`; go on */
	LIST_LOCAL,   /* the same, and it is the machine's fault */
	LIST_REFUSED, /* nothing of it can be done: see `why` */
	LIST_LATE,    /* the same: a list had not ended when time was over */
	LIST_NOMEM
};

struct list;

/*
 * Reads all names.  ENTRY: they are there, draw them; else REFUSED, LATE or
 * NOMEM.  `*l` is to be given to list_free() in every case.  Reasons are lent
 * until the list is used again.  A signal interrupts an open() or read() that
 * waits, so that the time is looked at.
 */
enum list_result list_read(
    struct list **l, const struct list_wanted *w, const char **why);

/* The next one: ENTRY, END, BAD or LOCAL. */
enum list_result list_next(
    struct list *l, struct list_entry *e, const char **why);

/* The entry of a record, as it was drawn: `changes` is 0. */
void list_entry_of(
    const struct list *, const struct list_record *, struct list_entry *);

/* From the first one on again. */
void list_again(struct list *l);

/* The entry that was drawn last turned out to be a certificate. */
void list_is_certificate(struct list *l);

/* How many entries there are in all. */
size_t list_total(const struct list *l);

void list_free(struct list *l);

#endif
