/* SPDX-License-Identifier: ISC */
/*
 * options: what was asked on the command line.
 *
 * One table says all of it; nothing is printed and nothing exits here.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>

#include <stddef.h>

#include "ocsp.h"
#include "util/words.h"

enum options_result {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_BAD, /* see `why` */
	OPTIONS_NOMEM
};

/* Strings that may repeat. */
struct option_list {
	const char **v;
	size_t n;
};

/*
 * Times are in seconds; -1 is "not given".  Strings are argv's, but for
 * `headers` and `proxy`, or NULL.
 */
struct options {
	struct option_list issuers;
	struct option_list headers;
	struct option_list shown_headers; /* without passwords; or "@FILE" */
	struct option_list haproxy;
	struct option_list no_warn; /* see warnings_is_word() */
	const char *on_change;
	struct option_list lists;
	const char *url;
	const char *output;
	const char *proxy;
	const char *noproxy;
	const char *cacert; /* authorities of https responders */
	const char *served; /* HOST[:PORT] */
	long long max_age;
	long long assume_lifetime;
	long long skew;
	long long timeout;
	long long connect_timeout;
	long long deadline;
	long long wait;
	long long splay;
	long long min_valid; /* seconds, or percent if min_percent */
	int min_percent;
	long long retry;
	long long max_redirs;
	long long parallel;
	long long mode;
	long long exit_changed; /* 0: not asked for */
	int method;             /* enum ocsp_method */
	int hash;               /* enum ocsp_hash */
	int starttls;           /* enum served_starttls */
	int sandbox;            /* enum sandbox_mode */
	int ipv4;
	int ipv6;
	int check;
	int if_due;
	int force;
	int dry_run;
	int nonce;
	int allow_sha1;
	int del_ext;
	int write_revoked;
	int fetch_issuer;
	int allow_ca;
	int progress;
	int json;
	int syslog;
	int verbose; /* how often it was given */

	const char *const *operands;
	size_t noperands;

	/* what was taken off the command line, and files */
	struct options_owned {
		char *s;
		size_t len; /* as it was taken; a NUL may be in it since */
	} * owned;
	size_t nowned;
};

/* The text of --help. */
extern const char options_help[];

/*
 * Reads argv and keeps pointers into it; but the values of -x and -H, in which
 * there may be passwords, are copied and wiped out there.  -H @FILE is read.
 * BAD: the reason is added to `why`.  options_free() releases what is owned,
 * whatever the result was.
 */
enum options_result options_read(
    struct options *, int argc, char *const *argv, struct text *why);
void options_free(struct options *);

/* How much of a path is left without the extension of its last part. */
size_t options_stem(const char *path);

/* How much of it is followed by ".ocsp"; parts of a bundle keep theirs. */
size_t options_output_stem(const char *path, int del_ext);

#endif
