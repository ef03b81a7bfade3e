/* SPDX-License-Identifier: ISC */
/*
 * haproxy_names: by which names HAProxy knows a certificate: paths,
 * @store/file, @store/alias.  Found by its SHA-1 fingerprint.
 */
#ifndef HAPROXY_NAMES_H
#define HAPROXY_NAMES_H

#include <stddef.h>

#include "notify/haproxy_cli.h"

struct haproxy_name {
	const char *name;
	char sha1[41];
	int unused;    /* no bind line has it */
	int staples;   /* HAProxy has an OCSP response's place for it */
	int has_chain; /* its issuer is found by issuers-chain-path */
	int unnamed;   /* it names the key's file, but not the response's */
};

/* Names of all that is loaded, in the order of their fingerprints. */
struct haproxy_names {
	char *list; /* what `name` points into */
	struct haproxy_name *v;
	size_t n;
};

/* Asks once for each socket; UPDATED: `h->names` is there. */
enum haproxy_result haproxy_names_load(struct haproxy_cli *);
void haproxy_names_free(struct haproxy_names *);

/* The first with this fingerprint, `*n` in a row; NULL: there is none. */
struct haproxy_name *haproxy_names_find(
    struct haproxy_names *, const char *sha1, size_t *n);

/* One whose last part is the path's, the likeliest; NULL: there is none. */
const char *haproxy_namesake(const struct haproxy_names *, const char *path);
const char *haproxy_last_name(const char *path);

/* Does this reply of "show ssl cert" speak of that fingerprint? */
int haproxy_shows(const char *reply, const char *sha1);

/* Whose transaction does this list of "show ssl cert" begin with? */
void haproxy_open_transaction(const char *list, char *name, size_t size);

#endif
