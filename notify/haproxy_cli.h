/* SPDX-License-Identifier: ISC */
/*
 * haproxy_cli: one command to HAProxy's runtime API and its reply, bounded in
 * time and size.  haproxy.h has what is said with it.
 */
#ifndef HAPROXY_CLI_H
#define HAPROXY_CLI_H

#include <stddef.h>

#include "notify/haproxy.h"
#include "util/words.h"

/* A command, payload included, has to be below HAProxy's buffer, less 1024. */
#define HAPROXY_COMMAND_MAX ((size_t)15200)

/* No reply is longer, but for what lists or shows all certificates. */
#define HAPROXY_REPLY_MAX ((size_t)1 << 18)
#define HAPROXY_LIST_MAX ((size_t)1 << 24)

/* OpenSSL's words for a response begin so. */
#define HAPROXY_RESPONSE "OCSP Response Data:"

/* What several commands about one certificate share. */
struct haproxy_cli {
	struct haproxy *h;
	long long until;    /* of the caller's clock */
	int in_transaction; /* it is not to be left open */
	char *why;
};

/* What HAProxy said, without the newlines at its end; `s` is owned. */
struct haproxy_reply {
	char *s;
	size_t len;
};

/* From now on it has HAPROXY_PATIENCE, or what --deadline leaves of it. */
void haproxy_cli_start(struct haproxy_cli *, struct haproxy *, char *why);

/* Waits, but not beyond that. */
void haproxy_cli_pause(const struct haproxy_cli *, int ms);

/* Begins a command, to be ended and freed by haproxy_ask(). */
void haproxy_begin(
    const struct haproxy_cli *, struct text *, const char *command);

/* Appends one word, whatever is in it; -1: it has a control character. */
int haproxy_add_word(struct text *, const char *word);
void haproxy_add_base64(
    struct text *, const unsigned char *, size_t len, size_t width);

/* Ends `command` and frees it; UPDATED: there is a reply, to be freed. */
enum haproxy_result haproxy_ask(struct haproxy_cli *, struct text *command,
    struct haproxy_reply *, size_t max);

/* "COMMAND NAME", for a name that HAProxy itself has given. */
enum haproxy_result haproxy_ask_of(struct haproxy_cli *, const char *command,
    const char *name, struct haproxy_reply *);

/*
 * "COMMAND ARGUMENT", plain words both; a master, who knows no such command,
 * is found out, and his worker asked.
 */
enum haproxy_result haproxy_ask_worker(struct haproxy_cli *,
    const char *command, const char *argument, struct haproxy_reply *);

int haproxy_is(const struct haproxy_reply *, const char *text);
int haproxy_begins(const struct haproxy_reply *, const char *text);
int haproxy_ends(const struct haproxy_reply *, const char *text);

/* Shows a reply that is not the one hoped for, and frees it. */
enum haproxy_result haproxy_refused(
    struct haproxy_cli *, const char *what, struct haproxy_reply *);
enum haproxy_result haproxy_no_memory(struct haproxy_cli *);

#endif
