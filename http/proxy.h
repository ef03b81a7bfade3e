/* SPDX-License-Identifier: ISC */
/*
 * proxy: which setting names the proxy for a URL, as libcurl reads them, and
 * whether its value can be a proxy's URL at all.
 *
 * No user name and no password of a value is shown.
 */
#ifndef PROXY_H
#define PROXY_H

#include "util/words.h"

/* What the command line says; NULL: nothing, so the environment counts. */
struct proxy_options {
	const char *proxy;
	const char *noproxy;
};

/* A setting, and its name for messages. */
struct proxy_setting {
	const char *name;
	const char *value; /* NULL: it is not set */
};

/* A variable of the environment; NULL: it is not set, or, as to curl, empty. */
const char *proxy_variable(const char *name);

/* Which one names the proxy for this URL; it may be empty: none, by --proxy. */
struct proxy_setting proxy_find(const struct proxy_options *, const char *url);

/*
 * Can it be a proxy's URL, by its form?  0; -1: no, and what is wrong with it
 * is added to `why`.  An empty one means no proxy, and is right.
 */
int proxy_check(const char *value, struct text *why);

/*
 * After a failure to connect for this URL, through a proxy or not: adds to
 * `hint` which setting was in force and what is wrong with it; or nothing.
 */
void proxy_hint(const struct proxy_options *, const char *url, int proxied,
    struct text *hint);

#endif
