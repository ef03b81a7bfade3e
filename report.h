/*
 * report: the messages about certificates, one line each: what failed, the
 * value seen, the limit; what stands now; what to do.  Text from outside is
 * escaped here; nothing is printed.  What -v adds is told in story.h.
 * `make messages` shows these and all others in one place.
 */
#ifndef REPORT_H
#define REPORT_H

#include "haproxy.h"
#include "job.h"

/* Why an exchange brought no judgement, into job_fail(). */
void report_http_failure(
    struct job *, const struct env *, const struct http_answer *);
void report_not_expected(struct job *, const struct env *,
    const struct http_answer *, const char *what);
void report_ocsp_error(struct job *, const struct env *);
void report_rest(struct job *, const struct env *, const struct http_answer *);
void report_refusal(
    struct job *, const struct env *, enum code, const struct http_answer *);

/* A line for who sits and waits while --wait keeps asking. */
void report_wait(const struct job *, const struct env *, struct text *out);

/* What --served found: a failure goes into job_fail(). */
void report_no_server(struct job *, const struct env *, enum served_result,
    const struct served_answer *, const char *why);
void report_other_cert(
    struct job *, const struct env *, const struct cert *); /* or NULL */
void report_staple_trouble(struct job *, const struct env *, enum code);

/*
 * What a server would stumble over in what was just written; `rights` tells of
 * a mode and an owner that it could not be given, or is empty.
 */
void report_warnings(
    struct job *, const struct env *, size_t len, const char *rights);

/* All that is to be shown of a job that is settled; may be nothing. */
void report_job(struct job *, const struct env *, struct text *out);

/* A line of it for --syslog: what changed or failed. */
void report_log(const struct job *, const struct env *, struct text *out);

/* What came of handing a response to HAProxy, and what to do. */
void report_push(const struct haproxy *, const struct haproxy_news *,
    enum haproxy_result, const char *why, const char *output, struct text *out);
void report_not_pushed(
    const struct haproxy *, size_t further, struct text *out);

/* What came of the hook; `why` is NULL if it is done. */
void report_hook(
    const struct options *, size_t nfiles, const char *why, struct text *out);

#endif
