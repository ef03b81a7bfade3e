/* SPDX-License-Identifier: ISC */
/*
 * state: what is known of one certificate on its way from its file to its exit
 * code, and questions about it that change nothing.  job.h has the steps.
 */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>
#include <stdint.h>

#include "cert/cert.h"
#include "http.h"
#include "privsep/judge.h"
#include "cli/list.h"
#include "ocsp.h"
#include "cli/options.h"
#include "job/outcome.h"
#include "job/policy.h"
#include "store/store.h"
#include "job/trace.h"
#include "util/words.h"

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
	HOLDING_JUDGED   /* see struct stored */
};

/* What all jobs share; `now` and `left_ms` are the caller's to keep right. */
struct env {
	const struct options *o;
	struct ocsp *ocsp;
	struct judge *judge;
	struct cert_shelf *shelf;
	struct store_dirs *dirs;
	int64_t now;
	long long ms; /* of a clock that only goes forward */
	long long began_ms;
	long long left_ms; /* of the whole run; -1: no deadline */
	long long (*clock_ms)(void);
	int no_chown;        /* as of staple.h */
	int64_t released;    /* when this program was: no clock is before it */
	int server_failures; /* of --served, in a row: it was not reached */
	/* does each HAProxy of --haproxy find this one's issuer elsewhere? */
	int (*finds_issuer)(void *ctx, const char *sha1);
	void *finds_ctx;
};

/* What is stored. */
struct stored {
	enum holding holding;
	struct ocsp_verdict verdict; /* of what is on disk, as last judged */
	unsigned char *der;          /* what was read first; owned */
	size_t len;
	int is_der; /* that is what was judged last, at: */
	int64_t judged_at;
	uint64_t id; /* fileid.h: of its file, as last judged or written */
};

/* Whom to ask next, and how; the issuer first, where it has to be fetched. */
struct request {
	int hunting;       /* the issuer is asked for, not the responder */
	int issuer_is_new; /* it was fetched, and is not kept yet */
	int asked;         /* somebody was */
	const char *urls[CERT_MAX_URLS]; /* vetted; borrowed */
	size_t nurls;
	size_t url; /* the one being asked */
	struct policy_attempt attempt;
	int fresh; /* it wants a connection of its own */
	long pause_ms;
	char *get_url; /* owned */

	struct host *host;      /* whose slot it has; the queue's */
	long long began_ms;     /* the last one, of `env.ms` */
	enum policy_host pace;  /* what came of it says of the responder */
	enum ocsp_method shown; /* which it answers, but not the other; or AUTO
				 */
};

/* What came: the last answer, or what the server of --served staples. */
struct received {
	struct ocsp_verdict verdict;
	struct ocsp_verdict revoked; /* the latest that came, if any did */
	enum stapled stapled;
	int answered; /* a verified good or revoked answer came */
	enum http_connection connection; /* what it came over */
	const char *url;  /* who was asked; borrowed; NULL: nobody */
	int by_get;       /* and how */
	long http_status; /* and HTTP's answer; 0: none */
};

/* Its way into the file, and what becomes known of that. */
struct saving {
	struct text busy;   /* who keeps it from saving */
	unsigned char *der; /* what waits to be saved; owned; NULL: nothing */
	size_t len;
	long long until; /* of the caller's clock */
	size_t written_len;
	struct text rights; /* mode or owner it did not get; or empty */
	int would_write;    /* but for --dry-run */
	int owed;           /* --on-change is to be called for it */
	struct store_mark mark;
};

/* What the run tells, beside what went wrong. */
struct result {
	enum action action;
	enum code code;
	int clashes;          /* another certificate's response has its file */
	int wrong_clock;      /* so that nothing can be told from it */
	int unreached;        /* the server of --served did not answer at all */
	struct text warnings; /* escaped, in lines */
};

/* A certificate on its way: a part for each stage that it goes through. */
struct job {
	struct list_entry named; /* its strings are borrowed */
	const char *path;        /* borrowed */
	char *output;            /* owned; NULL: standard output */
	long long loaded_ms;     /* when its turn came, of `env.ms` */
	uint64_t cert_id;        /* fileid.h: of what `cert` was read from */
	struct cert cert;
	struct ocsp_target *target; /* owned; NULL: its issuer is not known */
	struct store *staple;       /* owned; NULL: not open */

	struct stored stored;
	struct request request;
	struct received received;
	struct saving saving;
	struct outcome outcome; /* what went wrong */
	struct result result;
	struct trace trace; /* for --verbose */
};

/* Where the response of an entry goes: owned, NULL: nowhere, or no memory. */
char *job_output_name(const struct list_entry *, const struct options *);

/* Is the certificate the one that the server of -S presents, and no file? */
int job_is_presented(const struct job *, const struct env *);

/* There is nothing to staple: no responder is named, or no certificate. */
int job_needs_none(const struct job *);

/* The stored response, if it is verified and about this certificate; or NULL.
 */
const struct ocsp_verdict *job_stored(const struct job *);

/* The same, though it has run out or seems to come from the future. */
const struct ocsp_verdict *job_authentic(const struct job *);

/* Is what is stored good enough for a server to read? */
int job_holds(const struct job *, const struct env *);

/* Is what there is good, and does it last as long as is demanded? */
int job_lasts(const struct job *, const struct env *);
long long job_min_valid(const struct job *, const struct env *); /* seconds */

/* Until when the exit code 0 holds; 0: for ever. */
int64_t job_good_until(const struct job *, const struct env *);

/* Is what went wrong of the kind that --wait is for? */
int job_waits(const struct job *, const struct env *);

/* Is what `stored.der` holds in place, and to be pushed into HAProxy? */
int job_is_news(const struct job *, const struct env *);

#endif
