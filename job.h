/*
 * job: what one certificate goes through, from its file to its exit code.
 *
 *	load -> (due?) -> ask -> judge -> save -> settle
 *
 * Here the rooms meet, and here it is decided what comes next.  The network
 * is the caller's: job_question() says what to ask, job_answer() takes what
 * came back.  So are the clock and all waiting.
 */
#ifndef JOB_H
#define JOB_H

#include <stddef.h>
#include <stdint.h>

#include "cert.h"
#include "http.h"
#include "judge.h"
#include "list.h"
#include "ocsp.h"
#include "options.h"
#include "served.h"
#include "staple.h"
#include "words.h"

/* Exit codes; the highest wins.  Scripts depend on them. */
enum code {
	CODE_OK = 0,
	CODE_TEMPORARY = 1,
	CODE_INPUT = 2,
	CODE_LOCAL = 3,
	CODE_REJECTED = 4,
	CODE_REVOKED = 5
};

enum action {
	ACTION_NONE,
	ACTION_WRITTEN,
	ACTION_UNCHANGED,
	ACTION_KEPT,
	ACTION_NOT_DUE,
	ACTION_NO_RESPONDER,
	ACTION_PASSED_OVER /* it is no certificate, and need not be one */
};

/* What the stored response is. */
enum holding {
	HOLDING_NOT_LOOKED,
	HOLDING_NOTHING, /* there is no file */
	HOLDING_JUDGED   /* see `have` */
};

/* What a server staples, beside what is stored. */
enum stapled {
	STAPLED_UNHEARD, /* it could not be asked, or is another's */
	STAPLED_NOTHING,
	STAPLED_ALONE, /* nothing of worth is stored */
	STAPLED_SAME,
	STAPLED_OLDER,
	STAPLED_NEWER,
	STAPLED_OTHER /* another one, but as new */
};

enum job_state {
	JOB_ASK,  /* job_question() now */
	JOB_WAIT, /* job_question() in `pause_ms` */
	JOB_SAVE, /* job_save() */
	JOB_DONE  /* job_settle() */
};

/* What all jobs share; `now` and `left_ms` are the caller's to keep right. */
struct env {
	const struct options *o;
	struct ocsp *ocsp;
	struct judge *judge;
	struct cert_shelf *shelf;
	struct staple_dirs *dirs;
	int64_t now;
	long long ms; /* of a clock that only goes forward */
	long long began_ms;
	long long left_ms; /* of the whole run; -1: no deadline */
	long long (*clock_ms)(void);
};

struct job {
	struct list_entry named; /* its strings are borrowed */
	const char *path;        /* borrowed */
	char *output;            /* NULL: standard output */
	struct cert cert;
	struct ocsp_target *target;
	struct staple *staple;

	enum holding holding;
	struct ocsp_verdict have; /* what is on disk, as last judged */
	unsigned char *have_der;  /* what was read first */
	size_t have_len;
	int have_is_der; /* that is what was judged last, at: */
	int64_t have_when;

	struct host *host; /* whose slot it has; the queue's */
	int hunting;       /* the issuer is asked for, not the responder */
	int issuer_is_new; /* it was fetched, and is not kept yet */
	const char *urls[CERT_MAX_URLS]; /* vetted; borrowed */
	size_t nurls;
	size_t url;              /* the one being asked */
	enum ocsp_method method; /* and how; METHOD_AUTO: not yet settled */
	int switched;            /* the other method is being tried */
	int no_cache;
	int fresh;                       /* over a connection of its own */
	enum http_connection connection; /* what the last answer came over */
	int heard;     /* `why` tells what OCSP said, not the way to it */
	int transient; /* this round failed in a way that may pass */
	long long round;
	long pause_ms;
	char *get_url;

	long long loaded_ms;  /* when its turn came, of `env.ms` */
	const char *last_url; /* who was asked last; borrowed; NULL: nobody */
	int last_get;         /* and how */
	long last_status;     /* and HTTP's answer; 0: none */

	int asked;
	int answered;            /* a verified good or revoked answer came */
	struct ocsp_verdict got; /* the last answer, or what is stapled */
	enum stapled stapled;
	enum code trouble; /* the gravest that went wrong, and why */
	char why[WHY_MAX];
	char also[WHY_MAX];      /* a local failure besides */
	char busy[WHY_MAX];      /* who keeps it from saving */
	unsigned char *save_der; /* what waits to be saved; NULL: nothing */
	size_t save_len;
	long long save_until; /* of the caller's clock */

	enum action action;
	int would_write; /* but for --dry-run */
	int owed;        /* --on-change is to be called for it */
	struct staple_mark mark;
	enum code code;
	struct text story;    /* for --verbose, escaped, in lines */
	struct text warnings; /* escaped, in lines */
};

/* The strings of the entry are borrowed. */
void job_init(struct job *, const struct list_entry *);
void job_free(struct job *);

/* Reads all that is on disk.  JOB_ASK or JOB_DONE. */
enum job_state job_load(struct job *, const struct env *);

/*
 * In place of all that: asks the server of --served what it staples for the
 * certificate; where `path` is that server, for the one that it presents.
 */
enum job_state job_served(struct job *, const struct env *);

/* Is the certificate the one that the server presents, and no file? */
int job_is_presented(const struct job *, const struct env *);

/* Is what is stored good enough for a server to read? */
int job_holds(const struct job *, const struct env *);

/* Fills the next question, lent until job_answer(); JOB_ASK or JOB_DONE. */
enum job_state job_question(
    struct job *, const struct env *, struct http_question *);

/*
 * What came back; JOB_SAVE: its body is to be given to job_save().  JOB_WAIT:
 * job_waits() says whether it is for --wait, where a person may like a word.
 */
enum job_state job_answer(
    struct job *, const struct env *, const struct http_answer *a);

int job_waits(const struct job *, const struct env *);

/*
 * Saves the answer.  JOB_WAIT: another run is saving (see `busy`), try again
 * soon, or give up with job_fail().  Not for standard output.
 */
enum job_state job_save(
    struct job *, const struct env *, const unsigned char *der, size_t len);

/* The answer went where it should: it is what there is now. */
void job_saved(struct job *, enum action);

/* Remembers what went wrong, unless something graver did. */
void job_fail(struct job *, enum code, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* Before job_settle(): does --on-change have to be called for it? */
int job_owes(struct job *, const struct env *);

/* After it: is what `have_der` holds in place, and to be handed to HAProxy? */
int job_is_news(const struct job *, const struct env *);

/* The exit code, from what there is at the end. */
enum code job_settle(struct job *, const struct env *);

/* Is what is stored good, and does it last as long as is demanded? */
int job_lasts(const struct job *, const struct env *);
long long job_demand(const struct job *, const struct env *); /* seconds */

/* Until when the exit code 0 holds; 0: for ever. */
int64_t job_good_until(const struct job *, const struct env *);

#endif
