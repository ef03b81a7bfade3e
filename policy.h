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
#include "options.h"

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

/* A responder is given up after so many failures in a row. */
#define POLICY_HOST_FAILURES 8

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

/* ---- which statement counts ---- */

/* Is `a` later than `b`, or as late and usable for longer? */
int policy_is_newer(const struct ocsp_verdict *a, const struct ocsp_verdict *b);

/*
 * Is `received`, verified, to replace what is stored?  `stored` is NULL where
 * that is nothing, or not verified about this certificate.
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

/* How a responder is being asked. */
struct policy_attempt {
	enum ocsp_method method; /* METHOD_AUTO: not yet settled */
	int switched;            /* the other method is being tried */
	int no_cache;
	int has_get_url; /* GET is possible, RFC 6960 appendix A.1 */
	int transient;   /* this round failed in a way that may pass */
	long long round; /* 0 is the first */
};

/* What came of an exchange. */
struct policy_exchange {
	enum http_result result;
	int skipped; /* the responder was given up before: nothing was sent */
	long status; /* HTTP's */
	long long retry_after;    /* seconds; 0: nothing said */
	enum ocsp_status verdict; /* with HTTP_ANSWERED, unless skipped */
	enum ocsp_error error;    /* with VERDICT_ERROR */
	int outdated;             /* verified, but older than what is stored */
};

enum policy_next {
	NEXT_SAVE,
	NEXT_DONE,
	NEXT_METHOD,   /* the same responder, by the other method */
	NEXT_NO_CACHE, /* the same responder, past all caches */
	NEXT_RESPONDER /* the next URL, or a retry: see policy_pause() */
};

/* GET where the URL of the request is short enough, RFC 9919 section 6. */
enum ocsp_method policy_method(const struct options *, const char *get_url);

/* The other method of two. */
enum ocsp_method policy_other_method(enum ocsp_method);

/* Is it older than what is stored, so that a cache may have kept it? */
int policy_is_outdated(const struct options *, const struct policy_attempt *,
    const struct ocsp_verdict *stored, const struct ocsp_verdict *received);

enum policy_next policy_next(const struct options *,
    const struct policy_attempt *, const struct policy_exchange *);

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

/* For one exchange, in ms; --wait bounds those that it alone brings about. */
long policy_timeout(const struct options *, const struct policy_attempt *,
    const struct policy_clock *);

/* --wait goes on while the failure is temporary and nothing lasting is there.
 */
int policy_waits(const struct options *, enum code, int lasts);

/* A responder's failures in a row. */
enum policy_host { HOST_GOES_ON, HOST_PAUSES, HOST_GIVEN_UP };

/*
 * After `failures` in a row, this one included, and `retry_after` seconds that
 * it demanded.
 */
enum policy_host policy_host(int failures, long long retry_after);

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
	int lasts; /* what is there, or with --dry-run would be, lasts */
};

/*
 * --check of a certificate that needs no response: what lies there all the
 * same counts only if it says revoked, or if it could not be read.
 */
int policy_ignores_stored(
    enum code outcome, int needs_none, int stored_is_revoked);

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

#endif
