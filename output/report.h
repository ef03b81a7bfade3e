/* SPDX-License-Identifier: ISC */
/*
 * report: the messages about certificates, one line each: what failed, the
 * value seen, the limit; what stands now; what to do.  Text from outside is
 * escaped here; nothing is printed.  What -v adds is in verbose.h.
 * `make messages` shows these and all others in one place.
 */
#ifndef REPORT_H
#define REPORT_H

#include "notify/haproxy.h"
#include "job/state.h"

/* A line for who sits and waits while --wait keeps asking. */
void report_wait(const struct job *, const struct env *, struct text *out);

/* All that is to be shown of a job that is settled; may be nothing. */
void report_job(struct job *, const struct env *, struct text *out);

/* A line of it for --syslog: what changed or failed. */
void report_log(const struct job *, const struct env *, struct text *out);

/* What came of handing a response to HAProxy. */
struct report_push {
	const char *path;
	const char *output;
	enum haproxy_result result;
	const char *why; /* what HAProxy said */
	enum policy_push push;
	const struct ocsp_verdict *verdict; /* of what HAProxy has */
	size_t len;                         /* of the response in place */
	const char *lost;                   /* see struct haproxy_done */
};

/* And what to do. */
void report_push(
    const struct haproxy *, const struct report_push *, struct text *out);

/* With `lost`: a warning. */
void report_lost(
    const struct haproxy *, const struct report_push *, struct text *out);
void report_not_pushed(
    const struct haproxy *, size_t further, struct text *out);

/* What came of the hook; `why` is NULL if it is done. */
void report_hook(
    const struct options *, size_t nfiles, const char *why, struct text *out);

#endif
