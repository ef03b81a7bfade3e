/*
 * report: what a job has to say to people.  All messages of the program about
 * certificates are made here; text from outside is escaped here.  Nothing is
 * printed.
 */
#ifndef REPORT_H
#define REPORT_H

#include "haproxy.h"
#include "job.h"

/* Lines of the story for --verbose; without it they are dropped. */
void report_line(struct job *, const struct env *, const char *label,
    const char *, ...) __attribute__((format(printf, 4, 5)));
void report_cert(struct job *, const struct env *);
void report_issuer(struct job *, const struct env *);
void report_stored(struct job *, const struct env *);
void report_exchange(struct job *, const struct env *,
    const struct http_question *, const struct http_answer *);
void report_skipped(struct job *, const struct env *);
void report_verdict(struct job *, const struct env *);

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
void report_server(struct job *, const struct env *,
    const struct served_question *, enum served_result,
    const struct served_answer *, const char *why);
void report_other_cert(
    struct job *, const struct env *, const struct cert *); /* or NULL */
void report_staple(
    struct job *, const struct env *, const struct served_answer *);
void report_staple_trouble(struct job *, const struct env *, enum code);

/* What a server would stumble over in what was just written. */
void report_warnings(struct job *, const struct env *, size_t len);

/* All that is to be shown of a job that is settled; may be nothing. */
void report_job(struct job *, const struct env *, struct text *out);

/* What came of handing a response to HAProxy, and what to do. */
void report_push(const struct haproxy *, const struct haproxy_news *,
    enum haproxy_result, const char *why, const char *output, struct text *out);
void report_not_pushed(
    const struct haproxy *, size_t further, struct text *out);

/* What came of the hook; `why` is NULL if it is done. */
void report_hook(
    const struct options *, size_t nfiles, const char *why, struct text *out);

#endif
