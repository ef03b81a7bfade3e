/* SPDX-License-Identifier: ISC */
/*
 * job: what one certificate goes through, from its file to its exit code.
 *
 *	load -> (due?) -> ask -> judge -> save -> settle
 *
 * Effects only: what comes next is decided in policy.h.  The network is the
 * caller's: job_question() says what to ask, job_answer() takes what came back.
 * So are the clock and all waiting.
 */
#ifndef JOB_H
#define JOB_H

#include "job/state.h"

enum job_state {
	JOB_ASK,  /* job_question() now */
	JOB_WAIT, /* job_question() in `request.pause_ms` */
	JOB_SAVE, /* job_save() */
	JOB_ANEW, /* its certificate was renewed: free it, and begin another */
	JOB_DONE  /* job_settle() */
};

/* The strings of the entry are borrowed. */
void job_init(struct job *, const struct list_entry *, const struct env *);
void job_free(struct job *);

/* Reads all that is on disk.  JOB_ASK or JOB_DONE. */
enum job_state job_load(struct job *, const struct env *);

/*
 * In place of all that: asks the server of --served what it staples for the
 * certificate; where `path` is that server, for the one that it presents.
 */
enum job_state job_served(struct job *, const struct env *);

/* Fills the next question, lent until job_answer(); JOB_ASK or JOB_DONE. */
enum job_state job_question(
    struct job *, const struct env *, struct http_question *);

/* For -v: the question and what came back, or that nobody was asked. */
void job_trace(struct job *, const struct env *, const struct http_question *,
    const struct http_answer *);
void job_trace_skipped(struct job *, const struct http_answer *);

/*
 * What came back; JOB_SAVE: its body is to be given to job_save().  JOB_WAIT:
 * job_waits() says whether it is for --wait, where a person may like a word.
 */
enum job_state job_answer(
    struct job *, const struct env *, const struct http_answer *a);

/*
 * Saves the answer.  JOB_WAIT: another run is saving (see `saving.busy`), try
 * again soon, or give up with outcome_fail().  Not for standard output.
 */
enum job_state job_save(
    struct job *, const struct env *, const unsigned char *der, size_t len);

/*
 * For standard output: is the certificate still the one that was asked about?
 * Where not, it is JOB_ANEW.
 */
int job_may_be_saved(struct job *, const struct env *);

/* The answer went where it should: it is what there is now. */
void job_saved(struct job *, enum action);

/* Before job_settle(): does --on-change have to be called for it? */
int job_owes(struct job *, const struct env *);

/* The exit code, from what there is at the end. */
enum code job_settle(struct job *, const struct env *);

#endif
