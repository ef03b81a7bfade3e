/* SPDX-License-Identifier: ISC */
/*
 * judge: what strangers sent is decoded by a process that has nothing to lose.
 *
 * It is started when it is first needed, lives in a jail (sandbox.h), and gets
 * the same bytes that ocsp.h would.  What it says is checked for sense.  If it
 * dies, or says nothing, another one is asked the same.  If that one does, too,
 * it is the fault of the response, and the next has a new one.  With
 * SANDBOX_OFF all this is done right here.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "cert/cert.h"
#include "ocsp.h"
#include "privsep/sandbox.h"
#include "util/words.h"

struct judge;

struct judge_terms {
	struct ocsp *ocsp; /* borrowed */
	enum sandbox_mode mode;
	long patience_ms; /* for one response */
	long long (*now_ms)(void);
	long long until_ms; /* less than that when the run ends; -1: never */
	void (*end)(int);   /* _exit() */
	unsigned deadly;    /* calls that it is not to make, see filter.h */
};

enum judge_result {
	JUDGE_DONE,
	JUDGE_FAILED /* through no fault of the response; see `why` */
};

struct judge *judge_new(const struct judge_terms *); /* NULL: no memory */
void judge_free(struct judge *);

/* Is there a jail?  FAILED: none that --sandbox=require is content with. */
enum judge_result judge_try(struct judge *, char *why);

/*
 * Starts the judge's process now rather than at the first response: it inherits
 * no secret that this process reads from here on.
 */
void judge_ready(struct judge *);

/* As ocsp_judge(); FAILED: `v->why` tells, and the verdict is INVALID. */
enum judge_result judge_response(struct judge *, const struct ocsp_target *,
    const unsigned char *der, size_t len, const struct ocsp_policy *,
    struct ocsp_verdict *v);

/* As ocsp_text(). */
char *judge_text(struct judge *, const unsigned char *der, size_t len);

/*
 * As cert_take_issuer().  Only a certificate that was found to be the issuer,
 * there, is decoded here.
 */
enum cert_result judge_issuer(struct judge *, struct cert *,
    const unsigned char *p, size_t len, const char *from, int64_t now,
    char *why);

/* What holds it, as JAIL_ bits; -1: it was not needed. */
int judge_jail(const struct judge *);

#endif
