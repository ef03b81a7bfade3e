/* SPDX-License-Identifier: ISC */
/*
 * outcome: what went wrong with one certificate: the gravest failure, its cause
 * as a word for machines, its reason in words for people, and a local failure
 * besides it.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "job/policy.h"
#include "util/words.h"

/* A closed list; outcome_cause() has the words. */
enum cause {
	CAUSE_NONE,
	/* the command line and what it names */
	CAUSE_CERTIFICATE,  /* no certificate, or one that cannot be read */
	CAUSE_EXPIRED_CERT, /* the certificate itself */
	CAUSE_SELF_SIGNED,
	CAUSE_ISSUER,       /* not found, or not proven */
	CAUSE_NO_RESPONDER, /* must-staple, but no responder named */
	CAUSE_URL,          /* of a responder, or of the issuer: unusable */
	CAUSE_CHANGED,      /* its files, while the run was under way */
	CAUSE_OUTPUT,       /* holds something that is not to be replaced */
	/* the way to the responder, or to a server */
	CAUSE_DNS,
	CAUSE_CONNECT,
	CAUSE_TLS,
	CAUSE_TIMEOUT,
	CAUSE_DEADLINE,
	CAUSE_PROXY,
	CAUSE_HTTP, /* broken, or a status without a response */
	CAUSE_REDIRECT,
	CAUSE_RATE_LIMIT,
	CAUSE_TOO_LARGE,
	CAUSE_STARTTLS,
	/* what the responder says */
	CAUSE_NOT_OCSP,
	CAUSE_TRY_LATER,
	CAUSE_UNAUTHORIZED,
	CAUSE_OCSP_ERROR, /* another error of RFC 6960 section 2.3 */
	CAUSE_FOREIGN,    /* about other certificates */
	CAUSE_REFUSED,    /* failed verification */
	CAUSE_EXPIRED,    /* the response */
	CAUSE_UNKNOWN,
	CAUSE_REVOKED,
	/* what is there at the end */
	CAUSE_NO_RESPONSE,
	CAUSE_TOO_SHORT,  /* good, but not for as long as demanded */
	CAUSE_OTHER_CERT, /* the server presents another certificate */
	CAUSE_NOT_STAPLED,
	/* this machine */
	CAUSE_LOCAL, /* descriptors, and what else a machine runs out of */
	CAUSE_FILE,  /* reading, writing, locking */
	CAUSE_MEMORY,
	CAUSE_CLOCK,
	CAUSE_VERIFIER /* the process that decodes failed */
};

/* Starts as all zero bytes; see outcome_why() and outcome_also(). */
struct outcome {
	enum code status;
	enum cause cause;
	int is_ocsp; /* `why` tells what OCSP said, not the way to it */
	struct text why;
	struct text also;      /* a local failure besides */
	enum cause also_cause; /* NONE: there is no such failure */
};

/*
 * What a failure means, as a value: who made it decides what becomes of it.
 * Text from outside is in it as it came: escape it before showing it.
 */
struct reason {
	enum code status;
	enum cause cause;
	char text[WHY_MAX]; /* what failed: value, limit */
	char advice[256];   /* what may be behind it, what to do; or empty */
	char note[2 *
	    WHY_SHORT_MAX]; /* for -v, where not the advice; or empty */
};

/* Remembers what went wrong, unless something graver did. */
void outcome_fail(struct outcome *, enum code, enum cause, const char *, ...)
    __attribute__((format(printf, 4, 5)));
void outcome_fail_for(struct outcome *, const struct reason *);

/* All is well again, but for a local failure, which stays one. */
void outcome_clear(struct outcome *);

/*
 * An OCSP response came: what it says tells more than what failed on the way
 * before it.
 */
void outcome_got_ocsp(struct outcome *);

/* A temporary failure on the way is taken back: there is another way yet. */
void outcome_retract(struct outcome *);

void outcome_free(struct outcome *);

/* What failed, and what failed here besides ("": nothing); never NULL. */
const char *outcome_why(const struct outcome *);
const char *outcome_also(const struct outcome *);

/* "dns", "revoked": a word of a closed list; never NULL. */
const char *outcome_cause(enum cause);

#endif
