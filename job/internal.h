/* SPDX-License-Identifier: ISC */
/*
 * internal: what the files of job/ share, and no other folder includes.
 *
 * The stages of job.h are load.c, attempt.c, answer.c, save.c and settle.c, or
 * served.c in place of all but the last.  The files call each other downwards
 * only:
 *
 *	job.c, answer.c, save.c, served.c, settle.c
 *	load.c
 *	issuer.c, stored.c
 *	attempt.c, changed.c
 *	fail.c
 *
 * and below these are state.c and what knows no job.  Where -1 is returned, the
 * reason is in `outcome`.  A `why` has room for WHY_MAX bytes.
 */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "job/diagnose.h"
#include "job/job.h"

/* ---- fail.c: what went wrong ---- */

/* As outcome_fail(), with the exit code and the cause that fit. */
void job_fail_for_memory(struct job *);
void job_fail_cert(struct job *, enum cert_result, const char *why);

/*
 * Without memory nothing that was found out is worth anything: was there too
 * little since ocsp_starved() was asked last?  Then that is in `outcome`.
 */
int job_is_starved(struct job *);

/* What may be behind it goes into the trace at once, where it happened. */
void job_fail_for(struct job *, const struct reason *);

/* What was requested, and of whom, for diagnose.h; it borrows of both. */
struct diagnose job_diagnose(const struct job *, const struct env *);

/* Seconds since the certificate's notBefore. */
int64_t job_cert_age(const struct job *, const struct env *);

/*
 * With a clock that is plainly wrong nothing can be told from it.
 * `issuer_from`: as of policy_clock_fault().  0: no, and the reason is in
 * `outcome`.
 */
int job_is_time_right(struct job *, const struct env *, int64_t issuer_from);

/* ---- changed.c: is it still the certificate that was loaded ---- */

/* Its files changed: once more?  0: too often, the reason is in `outcome`. */
int job_begins_anew(struct job *);

/* ---- attempt.c: which URL, which method, which round ---- */

/*
 * Of the URLs that the certificate names, those that may be asked; of the
 * others the last one's fault is told, unless one is left.  `what` says whose
 * they are, `cure` what to do.
 */
int job_vet_urls(struct job *, const struct cert_url *, size_t n,
    const char *what, const char *cure);

/* Of --url, or of the certificate. */
int job_find_responders(struct job *, const struct env *);

/* Prepares the next request, as policy_next() decided. */
enum job_state job_take_step(struct job *, const struct env *, enum policy_next,
    const struct policy_exchange *);

/* ---- stored.c: what is stored, and its verdict ---- */

/* Frees and clears what was read: it may be a key. */
void job_drop_stored(struct job *);

/* Reads what is stored; it is judged when there is something to judge by. */
int job_read_stored(struct job *, const struct env *, char *why);

/*
 * Fills the verdict; `answer`: of what the responder sent.  It holds only if
 * job_is_starved() says no: that is so, too, where the process that judges
 * failed.
 */
void job_judge(struct job *, const struct env *, const unsigned char *der,
    size_t len, int answer, struct ocsp_verdict *);
int job_judge_stored(
    struct job *, const struct env *, const unsigned char *der, size_t len);

/* Were these very bytes found good in this run?  They are till they end. */
int job_is_judged_good(const struct job *, const struct env *,
    const unsigned char *der, size_t len);

/* Reads it, unless that was done, and judges it. */
int job_load_stored(struct job *, const struct env *, char *why);

/* ---- issuer.c: the issuer is found, or fetched, proven and kept ---- */

/* On this machine.  CERT_OK, or `why` says where it was sought in vain. */
enum cert_result job_find_issuer(struct job *, const struct env *, char *why);

/* No issuer is at hand: whom may one be had from?  JOB_ASK or JOB_DONE. */
enum job_state job_begin_hunt(struct job *, const char *why);

/*
 * What an issuer's URL brought.  Where it is proven, `request.hunting` is over;
 * else the next step is returned.
 */
enum policy_next job_take_issuer(struct job *, const struct env *,
    const struct http_answer *, struct policy_exchange *);

/*
 * A response without the issuer keeps HAProxy from starting.  SAVE: that is no
 * reason against it; WAIT: not yet; DONE: it would be the first one.
 */
enum job_state job_put_issuer_first(struct job *, const struct env *);

/* One that was fetched is stored, now that a response was verified with it. */
void job_keep_issuer(struct job *, const struct env *);

/* ---- load.c: what is on disk ---- */

/* Where the response goes; -1: no memory, which `outcome` does not say yet. */
int job_name_output(struct job *, const struct options *);

/* -1, too, for a file that need not be a certificate, and is none. */
int job_load_cert(struct job *, const struct env *, char *why);

struct policy_cert job_describe_cert(const struct job *, const struct env *);

/*
 * Can any response about it be of use?  `has_response`: there is one to judge,
 * however it came to be there.  0: no, and `outcome` or `result.action` says
 * why.
 */
int job_is_worth_asking(struct job *, const struct env *, int has_response);

/* Makes what responses are judged by, when the issuer is known. */
int job_make_target(struct job *, const struct env *, char *why);

/* All that comes after the issuer is known.  JOB_ASK or JOB_DONE. */
enum job_state job_load_rest(struct job *, const struct env *);

#endif
