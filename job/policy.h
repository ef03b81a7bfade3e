/* SPDX-License-Identifier: ISC */
/*
 * policy: every decision about a certificate, as pure functions of plain
 * values: does a response last, is a new one due, which of two counts, what to
 * do after a response, when to retry, what the exit status is.
 *
 * Nothing here knows a job, a file, the network or a clock.  Times are seconds
 * since 1970 (int64_t), spans are seconds unless a name says ms.  The tests of
 * it, tests/unit/test_policy.c, read as the specification.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "ocsp.h"
#include "cli/options.h"

/* Exit codes; the highest wins.  Scripts depend on them. */
enum code {
	CODE_OK = 0,
	CODE_TEMPORARY = 1,
	CODE_INPUT = 2,
	CODE_LOCAL = 3,
	CODE_REJECTED = 4,
	CODE_REVOKED = 5
};

/* HAProxy stops stapling a response that has less left. */
#define POLICY_MIN_LEFT 300

/* A responder may not know a certificate yet that is younger. */
#define POLICY_NEW_CERT_GRACE (48 * 3600LL)

/* The longest pause before a retry; a longer Retry-After ends the retries. */
#define POLICY_MAX_PAUSE 60LL

/* A server of --served is given up after so many that brought nothing. */
#define POLICY_SERVER_FAILURES 3

/* A responder that limits its rate is given up if it serves nobody so long, */
#define POLICY_MAX_UNSERVED_MS 60000LL

/* and, where no --deadline bounds the run, after so long in all. */
#define POLICY_MAX_PACED_MS 600000LL

/* The shortest and the longest time between two requests to one. */
#define POLICY_MIN_INTERVAL_MS 200LL
#define POLICY_MAX_INTERVAL_MS 10000LL

/* The shortest exchange and the shortest pause of --wait. */
#define POLICY_MIN_WAIT_MS 1000L

/* ---- does it last ---- */

/* Verified to be about the certificate, by the issuer's word: good, revoked. */
int policy_is_verified(const struct ocsp_verdict *);

/*
 * How long a response has to last from now on, in seconds.  `responded`: the
 * responder was reached in this run, so that what is there is the best there
 * is; else a third of the response's life is demanded.
 */
long long policy_min_valid(
    const struct options *, const struct ocsp_verdict *, int responded);
int policy_lasts(const struct options *, const struct ocsp_verdict *,
    int responded, int64_t now);

/* --if-due: is it time for a new one?  `stored` may be NULL: there is none. */
int policy_is_due(
    const struct options *, const struct ocsp_verdict *stored, int64_t now);

/* ---- is the clock right ---- */

enum policy_clock_fault {
	CLOCK_FITS,
	CLOCK_BEFORE_RELEASE, /* before this program was made */
	CLOCK_BEFORE_CERT     /* before the certificate and its issuer began */
};

/*
 * Is this machine's clock plainly wrong?  `issuer_from` is the notBefore of the
 * proven issuer; INT64_MIN: it is not known.
 */
enum policy_clock_fault policy_clock_fault(
    int64_t now, int64_t released, int64_t cert_from, int64_t issuer_from);

/*
 * Is the responder asked?  Not with --if-due while none is due; and not about
 * what changed during the run, if what is there by now is good and lasts.
 */
int policy_asks(const struct options *, const struct ocsp_verdict *stored,
    int changes, int64_t now);

/* ---- may a responder speak for it ---- */

/* A certificate, as far as it says whether there is anything to request. */
struct policy_cert {
	int has_responder; /* it names one, or --url does */
	int must_staple;
	int self_signed;
	int64_t not_after;
};

enum policy_need {
	NEED_RESPONSE,
	NEED_NONE,         /* no responder, and no must-staple */
	NEED_NO_RESPONDER, /* must-staple, but no responder */
	NEED_EXPIRED,      /* the certificate itself */
	NEED_SELF_SIGNED
};

/* `has_file`: with --check a response is stored, however it came there. */
enum policy_need policy_need(
    const struct policy_cert *, int has_file, int64_t now);

/*
 * A certificate's files changed so often in this run: is it begun anew?  After
 * POLICY_MAX_CHANGES it is reported as changing (1, temporary) instead.
 */
#define POLICY_MAX_CHANGES 3
int policy_begins_anew(int changes);

/* ---- which statement counts ---- */

/* Is `a` later than `b`, or as late and usable for longer? */
int policy_is_newer(const struct ocsp_verdict *a, const struct ocsp_verdict *b);

/*
 * Of all signed words about a certificate the latest counts; of two that are
 * equally new the one that says revoked.  Does `v` count, beside `other`, which
 * is verified, or NULL?
 */
int policy_counts(
    const struct ocsp_verdict *v, const struct ocsp_verdict *other);

/*
 * Is `received`, verified, to replace what is stored?  `stored` is NULL where
 * that is nothing, or not authentic: not signed about this certificate.  One
 * that has run out, or seems to come from the future, is authentic.
 */
int policy_replaces(const struct options *, const struct ocsp_verdict *stored,
    const struct ocsp_verdict *received, int64_t now);

/* What a server staples, compared with what is stored. */
enum stapled {
	STAPLED_UNHEARD, /* the server could not be asked, or has another cert
			  */
	STAPLED_NOTHING,
	STAPLED_ALONE, /* nothing verified is stored */
	STAPLED_SAME,
	STAPLED_OLDER,
	STAPLED_NEWER,
	STAPLED_OTHER /* another one, but as new */
};

/* `stored` as above; `same`: byte by byte. */
enum stapled policy_compare(const struct ocsp_verdict *stored,
    const struct ocsp_verdict *stapled, int same);

/* ---- what comes after an exchange ---- */

/* What the first method brought, where the other one is being tried. */
enum policy_switched {
	SWITCHED_NOT,
	SWITCHED_FAILED,   /* no HTTP response */
	SWITCHED_NOT_OCSP, /* something else than an OCSP response */
	SWITCHED_ERROR     /* an OCSP error */
};

/* How a responder is being asked. */
struct policy_attempt {
	enum ocsp_method method; /* METHOD_AUTO: not yet settled */
	enum ocsp_method known;  /* the one that it answers; or AUTO */
	enum policy_switched switched;
	int no_cache;
	int has_get_url; /* GET is possible, RFC 6960 appendix A.1 */
	int transient;   /* this round failed in a way that may pass */
	int paced; /* in this round a responder limited its rate, or paused */
	int again; /* all responders were asked, or skipped, before */
	long long round; /* 0 is the first; a paced one does not count */
};

/* What came of an exchange. */
struct policy_exchange {
	enum http_result result;
	enum http_skip skipped;   /* nothing was sent */
	int connected;            /* the request could be sent */
	int given_up;             /* the responder is, after this exchange */
	long status;              /* HTTP's */
	long long retry_after;    /* seconds; 0: nothing said */
	enum ocsp_status verdict; /* with HTTP_ANSWERED, unless skipped */
	enum ocsp_error error;    /* with VERDICT_ERROR */
	int outdated;             /* verified, but older than what is stored */
	int expired;              /* with VERDICT_REVOKED: it has run out */
	int excused;              /* the same: it is not to be stored */
	int outweighed; /* verified, but a later revoked came before it */
	int reused; /* it came over a connection that served others before */
};

enum policy_next {
	NEXT_SAVE,
	NEXT_DONE,
	NEXT_METHOD,   /* the same responder, by the other method */
	NEXT_NO_CACHE, /* the same responder, past all caches */
	NEXT_FRESH,    /* the same once more, over a connection of its own */
	NEXT_RESPONDER /* the next URL, or a retry: see policy_pause() */
};

/* What HTTP says of it; the verdict is yet to be filled in. */
struct policy_exchange policy_exchange(const struct http_answer *);

/*
 * GET where the URL of the request is short enough, RFC 9919 section 6, unless
 * the responder is `known` in this run to answer the other method only.
 */
enum ocsp_method policy_method(
    const struct options *, const char *get_url, enum ocsp_method known);

/* What the other method is tried for. */
enum policy_switched policy_switched(const struct policy_exchange *);

/* Does it show that the responder answers this method, but not the other? */
int policy_shows_method(
    const struct policy_attempt *, const struct policy_exchange *);

/* The other method of two. */
enum ocsp_method policy_other_method(enum ocsp_method);

/* Is it older than what is stored, so that a cache may have kept it? */
int policy_is_outdated(const struct options *, const struct policy_attempt *,
    const struct ocsp_verdict *stored, const struct ocsp_verdict *received);

enum policy_next policy_next(const struct options *,
    const struct policy_attempt *, const struct policy_exchange *);

/*
 * Over a connection that served others something may have come that is not the
 * answer to this request: one that was sent twice, or the rest of one.  It is
 * asked once more then, over a connection of its own, which cannot be so again.
 */
int policy_may_be_stray(const struct policy_exchange *);

/* Does what came speak for the connection, so that others may use it? */
int policy_keeps_connection(const struct policy_exchange *);

/* May what failed be different in a moment? */
int policy_is_transient(const struct policy_exchange *);
int policy_status_is_transient(long http_status);

/* ---- when ---- */

/* All in ms; `left_ms` of --deadline, -1: there is none. */
struct policy_clock {
	long long wait_left_ms; /* of --wait; negative: none */
	long long left_ms;
};

/* The pause before the next round, in ms; -1: there is no next round. */
long long policy_pause(const struct options *, const struct policy_attempt *,
    const struct policy_clock *, int waits, long long retry_after);

/*
 * For one exchange, in ms; --wait bounds those that it alone brings about.  A
 * GET that POST may follow has half of it.
 */
long policy_timeout(const struct options *, const struct policy_attempt *,
    const struct policy_clock *);

/* --wait goes on while the failure is temporary and nothing lasting is there.
 */
int policy_waits(const struct options *, enum code, int lasts);

/* ---- how fast a responder is asked ---- */

/*
 * What is remembered of a responder, for all certificates of a run.  Times are
 * ms of a clock that only goes forward, and is past 0; 0: never.
 */
struct policy_pace {
	long long not_before; /* it pauses until then */
	long long interval;   /* between two requests, ms; 0: any */
	long long heard;      /* its last answer, or the last failed round */
	long long slowed;     /* the interval was last made longer */
	long long paced;      /* it limits its rate since */
	long long unserved;   /* it serves nobody since */
	int rounds;           /* failed ones in a row */
	int doubtful; /* one request at a time sees whether it is back */
	int served;   /* it served somebody in this run */
	int given_up;
};

/* When an exchange was. */
struct policy_span {
	long long began, ended;
	long long left_ms; /* of --deadline at its end; -1: there is none */
	size_t others;     /* that are still on the wire to this responder */
};

enum policy_host {
	HOST_GOES_ON, /* the exchange is the certificate's own affair */
	HOST_PACES,   /* the responder limits its rate: no retry is used up */
	HOST_GIVEN_UP
};

/*
 * An exchange ended: what does it say of the responder?  It is given up by
 * rounds, and not by requests that failed together: a failure counts only if
 * nothing was heard since the request began.
 */
enum policy_host policy_heard(const struct options *, struct policy_pace *,
    const struct policy_attempt *, const struct policy_exchange *,
    const struct policy_span *);

/* How many of `parallel` requests may go to one host, while others want some.
 */
size_t policy_share(size_t parallel);

/* May the next request go out? */
enum policy_turn {
	TURN_NOW,
	TURN_LATER, /* in `*wait_ms` */
	TURN_PROBE, /* when the answer to the one that is on its way is there */
	TURN_NEVER  /* it is given up */
};

/* `last`: when the last request began; `busy`: how many are on the wire. */
enum policy_turn policy_turn(const struct policy_pace *, size_t busy,
    long long last, long long now, long long *wait_ms);

/* Is a server of --served given up after so many failures in a row? */
int policy_gives_up_server(int failures);

/* May a job probe a responder that was given up? */
int policy_probes(const struct options *, long long round, int busy);

/* ---- the exit status ---- */

/* Where a response came from. */
enum policy_source { FROM_RESPONDER, FROM_FILE, FROM_SERVER };

/*
 * What a response that is not good means, `age` seconds after the certificate's
 * notBefore.
 */
enum code policy_verdict_code(
    enum policy_source, const struct ocsp_verdict *, int64_t age);

/* A job, at its end. */
struct policy_end {
	enum code outcome; /* the gravest failure */
	int needs_none;    /* nothing to staple, or no certificate */
	int lasts;       /* what is there, or with --dry-run would be, lasts */
	int wrong_clock; /* so that nobody knows whether it does */
};

/*
 * --check of a certificate that needs no response: what lies there all the
 * same counts only if it says revoked, or if it could not be read.
 */
int policy_ignores_stored(
    enum code outcome, int needs_none, int stored_is_revoked);

/*
 * What a revoked that came means beside `other`, verified, or NULL.  Where a
 * later word outweighs it, it is an older response, or one that has run out.
 */
enum code policy_revoked_code(
    const struct ocsp_verdict *v, const struct ocsp_verdict *other);

enum code policy_exit(const struct policy_end *);

/* Of several certificates. */
enum code policy_gravest(enum code, enum code);

/* The run's: `changed` says whether a response was written. */
int policy_exit_run(const struct options *, enum code worst, int changed);

/* ---- HAProxy ---- */

/* Is what is stored to be pushed into a running HAProxy? */
int policy_pushes(const struct options *, const struct ocsp_verdict *stored,
    enum code outcome, int needs_none);

/* What a running HAProxy has for the certificate. */
enum policy_holds {
	HOLDS_NOTHING,
	HOLDS_SAME,  /* byte for byte */
	HOLDS_OTHER, /* see `v` and `verified` */
	HOLDS_UNREAD /* it could not be read, or not be understood */
};

struct policy_held {
	enum policy_holds holds;
	const struct ocsp_verdict *v; /* with HOLDS_OTHER */
	int verified;                 /* it was; else it was only told */
};

enum policy_push {
	PUSH_DO,
	PUSH_SAME,     /* it has it already */
	PUSH_NEWER,    /* it has a later one, which stays */
	PUSH_REVOKED,  /* and that says revoked: it is the word that counts */
	PUSH_UNPROVEN, /* the same, but not verified: somebody has to look */
	PUSH_NO_NEXT,  /* HAProxy staples none without nextUpdate */
	PUSH_UNREAD    /* only what this run wrote may replace the unknown */
};

/* Never back in time: `ours` is good and in place, `written` by this run. */
enum policy_push policy_push(
    const struct ocsp_verdict *ours, int written, const struct policy_held *);

/*
 * What handing over means for the exit status: `reached`, HAProxy took part in
 * it to the end; `mute`, it is too old to tell what it has.  `theirs`: what it
 * has, where that is PUSH_REVOKED.
 */
enum code policy_push_code(
    enum policy_push, int reached, int mute, const struct ocsp_verdict *theirs);

#endif
