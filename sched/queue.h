/* SPDX-License-Identifier: ISC */
/*
 * queue: whose turn it is.  Here wait the jobs that pause before they are asked
 * again, and those whose responder has its share of the slots; what is named
 * beyond what memory is to hold is put off by its name alone, and loaded again.
 *
 * Nothing is asked, loaded or printed here; times are those of `struct env`.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stddef.h>

#include "sched/hosts.h"
#include "job/job.h"
#include "cli/list.h"

struct queue;

enum queue_offer {
	QUEUE_GO,      /* it may be asked now */
	QUEUE_KEPT,    /* it waits here, and is the queue's */
	QUEUE_PUT_OFF, /* its name waits here: it is to be freed */
	QUEUE_NOMEM
};

/*
 * For so many slots; jobs in memory are to be no more than `most`, as far as
 * it is for the queue to say.  NULL: out of memory.
 */
struct queue *queue_new(size_t parallel, size_t most);

/* Jobs that wait still are freed. */
void queue_free(struct queue *);

/* The job is the queue's until it is taken, in its `pause_ms`.  -1: no memory.
 */
int queue_put(
    struct queue *, struct job *, const struct env *, long long pause_ms);

/* A job was loaded, and is to be asked: may it be now? */
enum queue_offer queue_offer(struct queue *, struct job *, const struct env *);

/*
 * A job that may go on now; NULL: none can, `*wait_ms` is lowered to when one
 * may.  `last`: nothing else is named, so that no slot need be left to it.
 */
struct job *queue_take(
    struct queue *, const struct env *, int last, long *wait_ms);

/*
 * A name that was put off and can be asked about now; 0: there is none,
 * `*wait_ms` is lowered to when there may be one.
 */
int queue_again(struct queue *, const struct env *, int last,
    struct list_entry *, long *wait_ms);

/*
 * May more be loaded?  If need be, jobs whose responder takes its time are put
 * off, and freed.
 */
int queue_has_room(struct queue *, const struct env *);

int queue_is_empty(const struct queue *);

/* By which method alone its responder answers; METHOD_AUTO: not known. */
enum ocsp_method queue_method(const struct queue *, const struct job *);

/*
 * The job's request goes out, until queue_end(), which says in the job what it
 * means for the responder.  HOST_DOWN: it is not to, `a` is what it would get.
 */
enum host_state queue_begin(
    struct queue *, struct job *, const struct env *, struct http_answer *a);
void queue_end(struct job *, const struct env *, const struct http_answer *);

/* The job has looked at the response: what others may know of the responder. */
void queue_learn(struct job *);

#endif
