/* SPDX-License-Identifier: ISC */
/*
 * The judge by itself: each way of making a response, and each way of
 * spoiling one, has a row in the forge's table; and here is what time,
 * a nonce, another hash and broken bytes make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ocsp/cryptocheck.h"
#include "lab.h"

static struct lab lab;
static time_t now;

static int
set_up(void **state)
{
	(void)state;
	lab_open(&lab);
	now = lab.now;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

static void
subject_make(
    struct subject *s, const char *ca, long to, enum ocsp_hash hash, int nonce)
{
	lab_subject(&lab, s, ca, to, hash, nonce);
}

static void
respond(struct subject *s, const struct forge_recipe *r, struct response *out)
{
	lab_respond(&lab, s, r, out);
}

/* What the program demands without options. */
static struct ocsp_policy
policy_at(int64_t when)
{
	return (struct ocsp_policy){.now = when,
	    .skew = 300,
	    .max_age = -1,
	    .assume_lifetime = 36 * FORGE_HOUR};
}

static enum ocsp_status
judge_by(struct subject *s, const struct response *r,
    const struct ocsp_policy *p, struct ocsp_verdict *v)
{
	return ocsp_judge(s->target, r->der, r->len, p, v);
}

static enum ocsp_status
judge_at(struct subject *s, const struct response *r, int64_t when,
    struct ocsp_verdict *v)
{
	struct ocsp_policy policy = policy_at(when);

	policy.answer = 1;
	return judge_by(s, r, &policy, v);
}

/* Makes a response by name and judges it now. */
static enum ocsp_status
judge(struct subject *s, const char *recipe, struct ocsp_verdict *v)
{
	struct response r;
	enum ocsp_status status;

	assert_non_null(forge_find(recipe));
	respond(s, forge_find(recipe), &r);
	status = judge_at(s, &r, now, v);
	free(r.der);
	return status;
}

static void
assert_status(const char *what, enum ocsp_status is, enum ocsp_status want,
    const struct ocsp_verdict *v)
{
	if (is != want)
		fail_msg("%s: %s (%s), want %s", what, verdict_name(is), v->why,
		    verdict_name(want));
}

/* On a system whose OpenSSL refuses SHA-1, as RHEL 9's: who is told so. */
static void
assert_sha1_refused(const struct forge_recipe *r, enum ocsp_status is,
    const struct ocsp_verdict *v)
{
	assert_status(r->name, is, VERDICT_REFUSED, v);
	if (strstr(v->why, LAB_CURE) == NULL)
		fail_msg("%s: %s", r->name, v->why);
	assert_int_equal(v->advised, 1);
}

/* ---- memory ---- */

static void
who_wants_no_memory_is_not_starved_of_it(void **state)
{
	void *p = OPENSSL_malloc(1);

	(void)state;
	assert_non_null(p);
	assert_null(OPENSSL_realloc(p, 0));
	assert_null(OPENSSL_malloc(0));
	assert_int_equal(ocsp_starved(), 0);
	/* and what was never made may be freed */
	ocsp_target_free(NULL);
	ocsp_free(NULL);
}

/* ---- the table ---- */

/* The exit code that a verdict leads to, when nothing else is known. */
static int
exit_of(const struct ocsp_verdict *v)
{
	switch (v->status) {
	case VERDICT_GOOD:
		return v->usable_until - now >= 300 ? 0 : 1;
	case VERDICT_REVOKED:
		return v->expired && v->reason == REASON_HOLD ? 4 : 5;
	case VERDICT_INVALID:
	case VERDICT_ERROR:
		return 1;
	default:
		return 4;
	}
}

static void
recipe_is_judged_as_the_table_says(void **state)
{
	const struct forge_recipe *r = *state;
	struct response resp;
	struct ocsp_verdict v;
	struct subject s = {.target = NULL};

	subject_make(&s, r->ca, 0, HASH_SHA1, 0);
	respond(&s, r, &resp);
	judge_at(&s, &resp, now, &v);
	if (lab_refused(r))
		assert_sha1_refused(r, v.status, &v);
	else if (r->exit != -1 && exit_of(&v) != r->exit)
		fail_msg("%s (%s): status %s, want exit %d: %s", r->name,
		    r->text, verdict_name(v.status), r->exit, v.why);
	/* whatever is not good says why; nothing good has to */
	assert_true((v.status == VERDICT_GOOD) == (v.why[0] == '\0'));
	free(resp.der);
	subject_free(&s);
}

/* ---- time ---- */

static void
time_bounds_are_exact_to_the_second(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	int64_t this_update, next_update;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	this_update = v.this_update;
	next_update = v.next_update;
	assert_true(this_update < now && next_update > now);
	assert_int_equal(judge_at(&s, &r, this_update - 300, &v), VERDICT_GOOD);
	assert_int_equal(
	    judge_at(&s, &r, this_update - 301, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "in the future"));
	assert_int_equal(judge_at(&s, &r, next_update - 1, &v), VERDICT_GOOD);
	assert_int_equal(judge_at(&s, &r, next_update, &v), VERDICT_STALE);
	assert_non_null(strstr(v.why, "expired"));
	free(r.der);
	subject_free(&s);
}

static void
max_age_counts_from_this_update_and_only_limits(void **state)
{
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("no-next"), &r);
	p.max_age = 7200;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
	assert_false(v.has_next);
	assert_int_equal(v.usable_until, v.this_update + 7200);
	assert_int_equal(v.bounded_by, BOUND_MAX_AGE);
	p.now = v.this_update + 7199;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
	p.now = v.this_update + 7200;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_STALE);
	assert_int_equal(v.expired, 1);
	assert_non_null(strstr(v.why, "older than --max-age (7200 s)"));
	assert_int_equal(v.advised, 1);
	/* 0 is a limit, too */
	p.max_age = 0;
	p.now = v.this_update + 1;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_STALE);
	assert_non_null(strstr(v.why, "older than --max-age (0 s)"));
	/* it admits nothing */
	p.max_age = 7200;
	p.assume_lifetime = 0;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_REFUSED);
	free(r.der);
	subject_free(&s);
}

static void
a_response_without_next_update_lasts_for_the_assumed_lifetime(void **state)
{
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("no-next"), &r);
	p.assume_lifetime = 7200;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
	assert_int_equal(v.usable_until, v.this_update + 7200);
	assert_int_equal(v.bounded_by, BOUND_ASSUMED);
	p.now = v.this_update + 7199;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
	assert_int_equal(v.expired, 0);
	p.now = v.this_update + 7200;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_STALE);
	assert_int_equal(v.expired, 1);
	assert_non_null(strstr(v.why, "older than --assume-lifetime (2 h"));
	assert_int_equal(v.advised, 1);
	/* an age that is as long is not the one that is named */
	p.now--;
	p.max_age = 7200;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
	assert_int_equal(v.bounded_by, BOUND_ASSUMED);
	p.max_age = 7199;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_STALE);
	assert_int_equal(v.bounded_by, BOUND_MAX_AGE);
	/* 0 refuses, also one from a clock that is ahead */
	p = policy_at(v.this_update - 100);
	p.assume_lifetime = 0;
	assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "--assume-lifetime 0"));
	free(r.der);
	subject_free(&s);
}

static void
a_next_update_is_not_moved_by_the_assumed_lifetime(void **state)
{
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	for (p.assume_lifetime = 0; p.assume_lifetime < 2;
	     p.assume_lifetime++) {
		assert_int_equal(judge_by(&s, &r, &p, &v), VERDICT_GOOD);
		assert_int_equal(v.usable_until, v.next_update);
		assert_int_equal(v.bounded_by, BOUND_NEXT_UPDATE);
	}
	free(r.der);
	subject_free(&s);
}

/* ---- revoked ---- */

static void
a_signed_revocation_counts_and_says_what_is_wrong_with_its_response(
    void **state)
{
	static const struct {
		const char *recipe;
		int excused, expired, sha1, other_hash, has_next;
	} cases[] = {
	    {"revoked", 0, 0, 0, 0, 1},
	    {"revoked-delegate", 0, 0, 0, 0, 1},
	    {"revoked-expired", 1, 1, 0, 0, 1},
	    {"revoked-hold-expired", 1, 1, 0, 0, 1},
	    {"revoked-no-next", 0, 0, 0, 0, 0},
	    {"revoked-no-next-old", 1, 1, 0, 0, 0},
	    {"revoked-sig-sha1", 1, 0, 1, 0, 1},
	    {"revoked-by-sha1-delegate", 1, 0, 1, 0, 1},
	    {"revoked-sha256", 1, 0, 0, 1, 1},
	    {"revoked-by-expired", 1, 1, 0, 0, 1},
	};
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (lab_refused(forge_find(cases[i].recipe)))
			continue;
		assert_status(cases[i].recipe, judge(&s, cases[i].recipe, &v),
		    VERDICT_REVOKED, &v);
		if (v.excused != cases[i].excused ||
		    v.expired != cases[i].expired || v.sha1 != cases[i].sha1 ||
		    v.other_hash != cases[i].other_hash ||
		    v.has_next != cases[i].has_next)
			fail_msg("%s: excused %d, expired %d, SHA-1 %d, other "
				 "hash %d, nextUpdate %d",
			    cases[i].recipe, v.excused, v.expired, v.sha1,
			    v.other_hash, v.has_next);
		assert_int_equal(
		    strstr(v.why, "that expired on") != NULL, v.expired);
	}
	subject_free(&s);
}

static void
a_revocation_with_a_wrong_signature_or_signer_does_not_count(void **state)
{
	static const char *const recipes[] = {"revoked-forged",
	    "revoked-corrupt", "revoked-sig-md5", "revoked-by-weak-delegate",
	    "revoked-by-long-expired", "revoked-by-expired-late",
	    "revoked-by-leaf", "revoked-by-noeku"};
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		assert_status(
		    recipes[i], judge(&s, recipes[i], &v), VERDICT_REFUSED, &v);
		assert_null(strstr(v.why, "it said \"revoked\""));
	}
	subject_free(&s);
}

/* Its times cannot be ranked, so it does not count, but is not kept quiet. */
static void
a_signed_revocation_that_is_refused_is_mentioned(void **state)
{
	static const struct forge_recipe odd = {.name = "odd",
	    .this_text = "YmdHMS.5Z",
	    .single = {{.who = FORGE_OURS, .status = FORGE_REVOKED}}};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "revoked-future", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "it said \"revoked\""));
	assert_int_equal(judge(&s, "future", &v), VERDICT_REFUSED);
	assert_null(strstr(v.why, "it said \"revoked\""));
	assert_int_equal(judge(&s, "expired", &v), VERDICT_STALE);
	assert_null(strstr(v.why, "it said \"revoked\""));
	respond(&s, &odd, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "it said \"revoked\""));
	free(r.der);
	subject_free(&s);
}

static void
a_revocations_signer_has_to_be_valid_when_it_signed_or_now(void **state)
{
	static const struct {
		const char *signer;
		long produced;
		enum ocsp_status revoked, good;
	} cases[] = {
	    /* it ended an hour ago */
	    {"delegate-expired", -2 * FORGE_HOUR, VERDICT_REVOKED,
		VERDICT_REFUSED},
	    {"delegate-expired", -FORGE_HOUR - 1, VERDICT_REVOKED,
		VERDICT_REFUSED},
	    {"delegate-expired", -FORGE_HOUR + 1, VERDICT_REFUSED,
		VERDICT_REFUSED},
	    {"delegate-expired", 0, VERDICT_REFUSED, VERDICT_REFUSED},
	    /* it begins in a day */
	    {"delegate-future", -1, VERDICT_REFUSED, VERDICT_REFUSED},
	    {"delegate", -2 * FORGE_HOUR, VERDICT_REVOKED, VERDICT_GOOD},
	};
	struct forge_recipe recipe = {.name = "signer",
	    .flags = FORGE_EXACT,
	    .this_update = -3 * FORGE_DAY,
	    .single = {{.who = FORGE_OURS}}};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		recipe.signer = cases[i / 2].signer;
		recipe.produced =
		    cases[i / 2].produced == 0 ? -1 : cases[i / 2].produced;
		recipe.single[0].status =
		    i % 2 == 0 ? FORGE_REVOKED : FORGE_GOOD;
		respond(&s, &recipe, &r);
		assert_status(recipe.signer, judge_at(&s, &r, now, &v),
		    i % 2 == 0 ? cases[i / 2].revoked : cases[i / 2].good, &v);
		free(r.der);
	}
	subject_free(&s);
}

/* ---- SHA-1 ---- */

static void
sha1_is_refused_by_default_and_the_message_says_what_to_set(void **state)
{
	const int refused = cryptocheck_refuses_sha1();
	const char *admits = refused ? LAB_CURE : "--allow-sha1";
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "sig-sha1", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, admits));
	assert_true(refused || strstr(v.why, "AD CS, Online Responder"));
	assert_int_equal(v.advised, 1);
	assert_int_equal(judge(&s, "adcs", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "it is signed with SHA-1"));
	assert_int_equal(judge(&s, "by-sha1-delegate", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, " certificate is signed with SHA-1"));
	assert_non_null(strstr(v.why, admits));
	/* what is told of others is not that */
	assert_int_equal(judge(&s, "sig-md5", &v), VERDICT_REFUSED);
	assert_null(strstr(v.why, admits));
	subject_free(&s);
}

static void
allow_sha1_admits_sha1_and_nothing_else(void **state)
{
	static const struct {
		const char *ca, *recipe;
		enum ocsp_status want;
		int sha1;
	} cases[] = {
	    {NULL, "sig-sha1", VERDICT_GOOD, 1},
	    {NULL, "adcs", VERDICT_GOOD, 1},
	    {NULL, "by-sha1-delegate", VERDICT_GOOD, 1},
	    {NULL, "good", VERDICT_GOOD, 0},
	    {NULL, "sig-md5", VERDICT_REFUSED, 0},
	    {"rsaca", "by-md5-delegate", VERDICT_REFUSED, 0},
	    {NULL, "by-weak-delegate", VERDICT_REFUSED, 0},
	    {NULL, "by-short-delegate", VERDICT_REFUSED, 0},
	    {NULL, "by-leaf", VERDICT_REFUSED, 0},
	    {NULL, "by-sibling", VERDICT_REFUSED, 0},
	    {NULL, "by-expired-delegate", VERDICT_REFUSED, 0},
	    {NULL, "revoked-sig-sha1", VERDICT_REVOKED, 1},
	};
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	p.allow_sha1 = 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		subject_make(&s, cases[i].ca, 0, HASH_SHA1, 0);
		respond(&s, forge_find(cases[i].recipe), &r);
		if (lab_refused(forge_find(cases[i].recipe)))
			assert_sha1_refused(forge_find(cases[i].recipe),
			    judge_by(&s, &r, &p, &v), &v);
		else {
			assert_status(cases[i].recipe, judge_by(&s, &r, &p, &v),
			    cases[i].want, &v);
			assert_int_equal(v.sha1, cases[i].sha1);
		}
		assert_int_equal(v.excused, 0);
		free(r.der);
		subject_free(&s);
	}
}

static void
what_is_told_of_a_revocation_is_what_the_response_says(void **state)
{
	static const struct {
		const char *recipe, *has, *lacks;
	} cases[] = {
	    {"revoked", "(keyCompromise)", "never issued"},
	    {"revoked-hold", "(certificateHold)", "never issued"},
	    {"revoked-noreason", "(no reason given)", "unreadable"},
	    {"revoked-nonissued", "was never issued", "unreadable"},
	};
	static const struct forge_recipe epoch = {.name = "epoch",
	    .text = "revoked in 1970, but not on hold",
	    .single = {{.who = FORGE_OURS,
		.status = FORGE_REVOKED,
		.reason = 1,
		.revoked = -1}}};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    judge(&s, cases[i].recipe, &v), VERDICT_REVOKED);
		assert_non_null(strstr(v.why, cases[i].has));
		assert_null(strstr(v.why, cases[i].lacks));
	}
	respond(&s, &epoch, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REVOKED);
	assert_int_equal(v.revoked_at, 0);
	assert_null(strstr(v.why, "never issued"));
	free(r.der);
	subject_free(&s);
}

static void
usable_until_ends_with_the_signers_certificate(void **state)
{
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "good-delegate-short", &v), VERDICT_GOOD);
	assert_int_equal(v.bounded_by, 1);
	assert_true(v.usable_until >= now &&
	    v.usable_until <= now + 2 * FORGE_HOUR + 60);
	assert_true(v.usable_until < v.next_update);
	subject_free(&s);
}

static void
of_two_ends_at_once_the_first_is_named(void **state)
{
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	ocsp_judge(s.target, r.der, r.len, &p, &v);
	p.max_age = (long long)(v.next_update - v.this_update);
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_GOOD);
	assert_int_equal(v.usable_until, v.next_update);
	assert_int_equal(v.bounded_by, 0);
	p.max_age--;
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_GOOD);
	assert_int_equal(v.bounded_by, 3);
	p.max_age = 0;
	p.now = v.this_update;
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_STALE);
	free(r.der);
	subject_free(&s);
}

static void
usable_until_ends_with_the_certificate(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, FORGE_DAY, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	assert_int_equal(v.bounded_by, 2);
	assert_int_equal(v.usable_until, s.cert.not_after);
	assert_int_equal(
	    judge_at(&s, &r, s.cert.not_after - 1, &v), VERDICT_GOOD);
	assert_int_equal(judge_at(&s, &r, s.cert.not_after, &v), VERDICT_STALE);
	assert_non_null(strstr(v.why, "the certificate itself expired on"));
	free(r.der);
	subject_free(&s);
}

static void
times_are_shown_only_if_all_of_them_can_be_read(void **state)
{
	static const struct forge_recipe odd[] = {
	    {.name = "odd thisUpdate", .this_text = "YmdHMS.5Z"},
	    {.name = "odd nextUpdate", .next_text = "YmdHMS"},
	    {.name = "odd producedAt", .produced_text = "Y0230HMSZ"},
	};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		respond(&s, &odd[i], &r);
		assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
		assert_int_equal(v.has_times, 0);
		free(r.der);
	}
	assert_int_equal(judge(&s, "expired", &v), VERDICT_STALE);
	assert_int_equal(v.has_times, 1);
	assert_int_equal(judge(&s, "good", &v), VERDICT_GOOD);
	assert_int_equal(v.has_times, 1);
	subject_free(&s);
}

/* ---- the question ---- */

static void
a_nonce_that_was_sent_must_not_come_back_changed(void **state)
{
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 1);
	assert_int_equal(judge(&s, "nonce-echo", &v), VERDICT_GOOD);
	assert_int_equal(v.nonce, 1);
	assert_int_equal(judge(&s, "good", &v), VERDICT_GOOD);
	assert_int_equal(v.nonce, 0);
	assert_int_equal(judge(&s, "nonce-wrong", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "nonce"));
	assert_int_equal(judge(&s, "nonce-cut", &v), VERDICT_REFUSED);
	subject_free(&s);
}

static void
a_stored_response_is_not_asked_for_this_runs_nonce(void **state)
{
	const struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 1);
	respond(&s, forge_find("nonce-wrong"), &r);
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_GOOD);
	free(r.der);
	subject_free(&s);
}

static void
an_answer_under_another_hash_than_asked_is_refused(void **state)
{
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA256, 0);
	assert_int_equal(judge(&s, "good", &v), VERDICT_GOOD);
	assert_int_equal(judge(&s, "good-sha256", &v), VERDICT_GOOD);
	assert_int_equal(judge(&s, "good-sha1", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "hash"));
	assert_int_equal(judge(&s, "both-contradict", &v), VERDICT_REFUSED);
	subject_free(&s);
}

static void
one_certificates_response_is_foreign_to_another(void **state)
{
	struct subject a = {.target = NULL}, b = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&a, NULL, 0, HASH_SHA1, 0);
	subject_make(&b, NULL, 0, HASH_SHA1, 0);
	respond(&a, forge_find("good"), &r);
	assert_int_equal(judge_at(&a, &r, now, &v), VERDICT_GOOD);
	assert_int_equal(judge_at(&b, &r, now, &v), VERDICT_FOREIGN);
	free(r.der);
	subject_free(&a);
	subject_free(&b);
}

static void
what_is_no_certificate_or_no_number_makes_no_question(void **state)
{
	static const unsigned char junk[] = {0x30, 0x03, 0x02, 0x01, 0x05};
	struct subject s = {.target = NULL};
	struct ocsp_about about = {.hash = HASH_SHA1};
	char why[WHY_MAX];

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	about.issuer = junk;
	about.issuer_len = sizeof(junk);
	about.serial = s.cert.serial;
	about.serial_len = s.cert.serial_len;
	snprintf(why, sizeof(why), "a word");
	assert_null(ocsp_target(lab.session, &about, why));
	assert_memory_equal(why, "cannot make the question: ", 26);
	about.issuer = s.cert.issuer;
	about.issuer_len = s.cert.issuer_len;
	about.serial = junk;
	about.serial_len = sizeof(junk);
	snprintf(why, sizeof(why), "a word");
	assert_null(ocsp_target(lab.session, &about, why));
	assert_memory_equal(why, "cannot make the question: ", 26);
	subject_free(&s);
}

/* An error that OpenSSL has no words for: this stands before its own. */
static int wordless;

const char *
ERR_reason_error_string(unsigned long e)
{
	static char words[32];

	snprintf(words, sizeof(words), "error %lu", e);
	return wordless ? NULL : words;
}

static void
a_question_that_openssl_cannot_make_and_does_not_say_why_is_told_so(
    void **state)
{
	static const unsigned char junk[] = {0x30, 0x00};
	struct ocsp_about about = {.hash = HASH_SHA1,
	    .issuer = junk,
	    .issuer_len = sizeof(junk),
	    .serial = junk,
	    .serial_len = 2};
	char why[WHY_MAX];

	(void)state;
	assert_null(ocsp_target(lab.session, &about, why));
	assert_memory_equal(why, "cannot make the question: error ", 32);
	wordless = 1;
	assert_null(ocsp_target(lab.session, &about, why));
	wordless = 0;
	assert_string_equal(
	    why, "cannot make the question: OpenSSL does not say why");
}

static void
url_of_a_get_has_one_slash_and_no_reserved_base64(void **state)
{
	static const char *const bases[] = {
	    "http://h", "http://h/", "http://h//", "http://h///"};
	struct subject s = {.target = NULL};
	char *url;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < 4; i++) {
		url = ocsp_get_url(s.target, bases[i]);
		assert_non_null(url);
		assert_memory_equal(url, "http://h/M", 10);
		assert_null(strpbrk(url + 9, "/+="));
		free(url);
	}
	url = ocsp_get_url(s.target, "http://h/a/b");
	assert_memory_equal(url, "http://h/a/b/M", 14);
	free(url);
	assert_null(ocsp_get_url(s.target, "http://h/?q"));
	subject_free(&s);
}

/* ---- broken bytes ---- */

/* Who signs, and with what: an issuer or a delegate, ECDSA or RSA. */
static const struct {
	const char *ca, *recipe;
} signings[] = {
    {NULL, "good"},
    {NULL, "good-delegate"},
    {NULL, "good-delegate-rsa"},
    {NULL, "good-both"},
    {"rsaca", "good"},
};

/*
 * The certificates that a response carries are under no signature of its own:
 * a delegate's must be whole, or nothing verifies.  So no bit is free.
 */
static void
no_flipped_bit_of_a_response_goes_unnoticed(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t bit, i;

	(void)state;
	for (i = 0; i < sizeof(signings) / sizeof(signings[0]); i++) {
		subject_make(&s, signings[i].ca, 0, HASH_SHA1, 0);
		respond(&s, forge_find(signings[i].recipe), &r);
		for (bit = 0; bit < r.len * 8; bit++) {
			r.der[bit / 8] ^= (unsigned char)(1u << bit % 8);
			if (judge_at(&s, &r, now, &v) >= VERDICT_STALE)
				fail_msg("%s: bit %zu flipped: %s",
				    signings[i].recipe, bit,
				    verdict_name(v.status));
			r.der[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
		assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
		free(r.der);
		subject_free(&s);
	}
}

static void
no_truncated_response_is_accepted(void **state)
{
	struct subject s = {.target = NULL};
	struct response r, cut;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(signings) / sizeof(signings[0]); i++) {
		subject_make(&s, signings[i].ca, 0, HASH_SHA1, 0);
		respond(&s, forge_find(signings[i].recipe), &r);
		for (cut.len = 0; cut.len < r.len; cut.len++) {
			/* of its own size: a sanitizer sees any overread */
			cut.der = malloc(cut.len + 1);
			assert_non_null(cut.der);
			memcpy(cut.der, r.der, cut.len);
			assert_int_equal(
			    judge_at(&s, &cut, now, &v), VERDICT_INVALID);
			free(cut.der);
		}
		free(r.der);
		subject_free(&s);
	}
}

/* ---- what the signature does not cover ---- */

static OCSP_BASICRESP *
unpack(const struct response *r)
{
	const unsigned char *p = r->der;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)r->len);
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(resp);

	assert_non_null(basic);
	OCSP_RESPONSE_free(resp);
	return basic;
}

/* Puts it in the place of what `r` was, and frees it. */
static void
pack(struct response *r, OCSP_BASICRESP *basic)
{
	OCSP_RESPONSE *resp = OCSP_response_create(0, basic);
	unsigned char *der;
	int n = i2d_OCSP_RESPONSE(resp, NULL);

	assert_true(n > 0);
	free(r->der);
	r->der = der = malloc((size_t)n);
	assert_non_null(der);
	r->len = (size_t)i2d_OCSP_RESPONSE(resp, &der);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
}

static X509 *
cert_of(const char *name)
{
	const unsigned char *p;
	unsigned char *der;
	size_t len;
	X509 *x;

	assert_int_equal(forge_cert(lab.forge, name, "der", &der, &len), 0);
	p = der;
	x = d2i_X509(NULL, &p, (long)len);
	free(der);
	assert_non_null(x);
	return x;
}

/* Appends a certificate, as anybody on the way could; frees it. */
static void
add_cert(struct response *r, X509 *x, int times)
{
	OCSP_BASICRESP *basic = unpack(r);

	while (times-- > 0)
		assert_int_equal(OCSP_basic_add1_cert(basic, x), 1);
	X509_free(x);
	pack(r, basic);
}

static void
add_certs(struct response *r, const char *name, int times)
{
	add_cert(r, cert_of(name), times);
}

static EVP_PKEY *
key_of(const char *name)
{
	char path[128];
	EVP_PKEY *key;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.key", lab.dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(key);
	return key;
}

static void
certificates_that_were_added_on_the_way_are_refused(void **state)
{
	static const struct {
		const char *recipe, *name;
		int times;
		enum ocsp_status want;
	} cases[] = {
	    {"good", "sibling", 1, VERDICT_GOOD},
	    {"good", "sibling", 2, VERDICT_GOOD},
	    {"good", "sibling", 3, VERDICT_REFUSED},
	    {"good", "sibling", 30, VERDICT_REFUSED},
	    {"good", "ca", 1, VERDICT_GOOD},
	    {"good", "ca", 4, VERDICT_REFUSED},
	    {"good", "root", 1, VERDICT_GOOD},
	    {"good", "root", 4, VERDICT_REFUSED},
	    {"good-delegate", "ca", 1, VERDICT_GOOD},
	    {"good-delegate", "delegate", 1, VERDICT_GOOD},
	    {"good-delegate", "delegate", 3, VERDICT_REFUSED},
	    {"good-delegate", "other", 3, VERDICT_REFUSED},
	};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		respond(&s, forge_find(cases[i].recipe), &r);
		add_certs(&r, cases[i].name, cases[i].times);
		if (judge_at(&s, &r, now, &v) != cases[i].want)
			fail_msg("%s with %d of %s: %s: %s", cases[i].recipe,
			    cases[i].times, cases[i].name,
			    verdict_name(v.status), v.why);
		free(r.der);
	}
	subject_free(&s);
}

static void
the_chain_above_the_issuer_is_no_ballast(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good-delegate"), &r);
	add_certs(&r, "root", 1);
	add_certs(&r, "ca", 1);
	add_certs(&r, "sibling", 2);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	/* of the right name, and its key verifies nothing: a third stray */
	free(r.der);
	respond(&s, forge_find("good-delegate"), &r);
	add_certs(&r, "ca", 1);
	add_certs(&r, "sibling", 2);
	add_certs(&r, "other", 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	free(r.der);
	subject_free(&s);
}

static void
twelve_certificates_are_looked_at_and_thirteen_are_not(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	add_certs(&r, "sibling", 12);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "no part in its signature"));
	add_certs(&r, "sibling", 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "13 certificates, more than the limit"));
	free(r.der);
	subject_free(&s);
}

/* The CA again under another serial number, signed by a key; owned. */
static X509 *
ca_again(EVP_PKEY *by, const char *issuer_cn)
{
	X509_NAME *name = X509_NAME_new();
	X509 *x = cert_of("ca");
	static long serial = 1000;

	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
			     (const unsigned char *)issuer_cn, -1, -1, 0),
	    1);
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_int_equal(
	    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++), 1);
	assert_true(X509_sign(x, by, EVP_sha256()) > 0);
	X509_NAME_free(name);
	return x;
}

static void
twelve_certificates_that_a_chain_explains_are_no_strays(void **state)
{
	struct subject s = {.target = NULL};
	EVP_PKEY *root = key_of("root");
	struct response r;
	struct ocsp_verdict v;
	int i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	/* the delegate, its CA under ten other certificates, their root */
	respond(&s, forge_find("good-delegate"), &r);
	add_certs(&r, "root", 1);
	for (i = 0; i < 10; i++)
		add_cert(&r, ca_again(root, "Test Root"), 1);
	assert_status("twelve", judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
	free(r.der);
	/* of the same name, but not of the key */
	respond(&s, forge_find("good-delegate"), &r);
	add_certs(&r, "other", 1);
	add_certs(&r, "sameski", 2);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "3 certificates"));
	free(r.der);
	/* signed by a key that is explained, but above nothing */
	respond(&s, forge_find("good-delegate"), &r);
	add_certs(&r, "sub", 1);
	add_certs(&r, "sibling", 1);
	add_certs(&r, "delegate-rsa", 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "3 certificates"));
	free(r.der);
	EVP_PKEY_free(root);
	subject_free(&s);
}

/* A certificate that nobody needs, in exactly so many bytes. */
static X509 *
stray_of_size(int size)
{
	EVP_PKEY *key = key_of("rsaca");
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	unsigned char *zeros = calloc(1, (size_t)size);
	X509_EXTENSION *e;
	X509 *x = NULL;
	int pad;

	assert_non_null(zeros);
	for (pad = size - 1000; pad < size; pad++) {
		x = cert_of("rsaca");
		assert_int_equal(ASN1_OCTET_STRING_set(s, zeros, pad), 1);
		e = X509_EXTENSION_create_by_NID(
		    NULL, NID_netscape_comment, 0, s);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
		assert_true(X509_sign(x, key, EVP_sha256()) > 0);
		if (i2d_X509(x, NULL) == size)
			break;
		X509_free(x);
		x = NULL;
	}
	assert_non_null(x);
	free(zeros);
	ASN1_OCTET_STRING_free(s);
	EVP_PKEY_free(key);
	return x;
}

static void
strays_may_have_4096_bytes_in_all(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	add_cert(&r, stray_of_size(4096), 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	free(r.der);
	respond(&s, forge_find("good"), &r);
	add_cert(&r, stray_of_size(4097), 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "4097 bytes"));
	free(r.der);
	subject_free(&s);
}

/* ---- who signed ---- */

/* Half of RIPEMD-160 is the very limit; some builds of OpenSSL lack it. */
static void
eighty_bits_of_security_are_enough(void **state)
{
	static const struct forge_recipe ripemd = {.name = "ripemd",
	    .text = "by an RSA delegate, with RIPEMD-160",
	    .signer = "delegate-rsa",
	    .md = "RIPEMD160"};
	EVP_MD *md = EVP_MD_fetch(NULL, "RIPEMD160", NULL);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	if (md == NULL)
		skip();
	EVP_MD_free(md);
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, &ripemd, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	free(r.der);
	subject_free(&s);
}

static void
a_signature_without_a_digest_is_accepted(void **state)
{
	EVP_PKEY *ca = key_of("ca");
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = cert_of("delegate");
	struct subject s = {.target = NULL};
	OCSP_BASICRESP *basic;
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	if (key == NULL)
		skip();
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	basic = unpack(&r);
	assert_int_equal(
	    OCSP_basic_sign(basic, x, key, NULL, NULL, OCSP_NOTIME), 1);
	pack(&r, basic);
	if (judge_at(&s, &r, now, &v) != VERDICT_GOOD)
		fail_msg("%s: %s", verdict_name(v.status), v.why);
	assert_int_equal(v.delegated, 1);
	/* its last bit is not free either */
	r.der[r.len / 2] ^= 1;
	assert_true(judge_at(&s, &r, now, &v) <= VERDICT_REFUSED);
	free(r.der);
	X509_free(x);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(key);
	subject_free(&s);
}

/* Adds a critical extension, and signs by the issuer. */
static void
add_critical(struct response *r, int nid, int single)
{
	OCSP_BASICRESP *basic = unpack(r);
	ASN1_OCTET_STRING *empty = ASN1_OCTET_STRING_new();
	EVP_PKEY *key = key_of("ca");
	X509 *x = cert_of("ca");
	X509_EXTENSION *e;

	/* a SEQUENCE of nothing */
	assert_int_equal(
	    ASN1_OCTET_STRING_set(empty, (const unsigned char *)"0\0", 2), 1);
	e = X509_EXTENSION_create_by_NID(NULL, nid, 1, empty);
	assert_non_null(e);
	assert_int_equal(single
		? OCSP_SINGLERESP_add_ext(OCSP_resp_get0(basic, 0), e, -1)
		: OCSP_BASICRESP_add_ext(basic, e, -1),
	    1);
	assert_int_equal(OCSP_basic_sign(basic, x, key, EVP_sha256(), NULL,
			     OCSP_NOTIME | OCSP_NOCERTS),
	    1);
	pack(r, basic);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(empty);
	EVP_PKEY_free(key);
	X509_free(x);
}

static void
only_a_critical_extension_that_is_known_is_accepted(void **state)
{
	static const struct {
		int nid;
		enum ocsp_status want;
	} cases[] = {
	    {NID_id_pkix_OCSP_Nonce, VERDICT_GOOD},
	    {NID_id_pkix_OCSP_archiveCutoff, VERDICT_GOOD},
	    {NID_id_pkix_OCSP_CrlID, VERDICT_GOOD},
	    {NID_crl_reason, VERDICT_GOOD},
	    {NID_invalidity_date, VERDICT_GOOD},
	    {NID_id_pkix_OCSP_serviceLocator, VERDICT_REFUSED},
	    {NID_netscape_comment, VERDICT_REFUSED},
	};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		respond(&s, forge_find("good"), &r);
		add_critical(&r, cases[i / 2].nid, i % 2 == 1);
		if (judge_at(&s, &r, now, &v) != cases[i / 2].want)
			fail_msg("%s: %s: %s", OBJ_nid2sn(cases[i / 2].nid),
			    verdict_name(v.status), v.why);
		free(r.der);
	}
	subject_free(&s);
}

static void
what_is_told_of_the_signer_is_what_its_certificate_says(void **state)
{
	static const struct {
		const char *recipe, *name;
		int delegated, nocheck;
	} cases[] = {
	    {"good", "CN=Test Issuing CA", 0, 0},
	    {"good-delegate", "CN=Test delegate", 1, 1},
	    {"good-delegate-check", "CN=Test delegate-check", 1, 0},
	    {"good-nocerts", "", 0, 0},
	};
	struct ocsp_policy p = policy_at(now);
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		respond(&s, forge_find(cases[i].recipe), &r);
		p.names = 1;
		ocsp_judge(s.target, r.der, r.len, &p, &v);
		assert_string_equal(v.signer, cases[i].name);
		assert_int_equal(v.delegated, cases[i].delegated);
		assert_int_equal(v.nocheck, cases[i].nocheck);
		p.names = 0;
		if (ocsp_judge(s.target, r.der, r.len, &p, &v) == VERDICT_GOOD)
			assert_string_equal(v.signer, "");
		free(r.der);
	}
	subject_free(&s);
}

/* Signs a response anew, by a changed certificate of the delegate's; frees it.
 */
static void
sign_by(struct response *r, X509 *x)
{
	OCSP_BASICRESP *basic = unpack(r);
	EVP_PKEY *ca = key_of("ca"), *key = key_of("delegate");

	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	assert_int_equal(
	    OCSP_basic_sign(basic, x, key, EVP_sha256(), NULL, OCSP_NOTIME), 1);
	pack(r, basic);
	X509_free(x);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(key);
}

static void
nocheck_is_seen_wherever_it_stands(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	X509_EXTENSION *e;
	X509 *x;
	int at;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	/* in front of all others, and behind them */
	for (at = 0; at >= -1; at--) {
		x = cert_of("delegate");
		e = X509_delete_ext(
		    x, X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1));
		assert_int_equal(X509_add_ext(x, e, at), 1);
		X509_EXTENSION_free(e);
		respond(&s, forge_find("good"), &r);
		sign_by(&r, x);
		assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
		assert_int_equal(v.nocheck, 1);
		free(r.der);
	}
	subject_free(&s);
}

/* A delegate's name may hold any byte, and be as long as it likes. */
static void
sign_by_name(struct response *r, int nid, const char *text, int len, int times)
{
	X509_NAME *name = X509_NAME_new();
	X509 *x = cert_of("delegate");

	while (times-- > 0)
		assert_int_equal(
		    X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
			(const unsigned char *)text, len, -1, 0),
		    1);
	assert_int_equal(X509_set_subject_name(x, name), 1);
	X509_NAME_free(name);
	sign_by(r, x);
}

static void
odd_names_of_a_signer_are_shown_and_bounded(void **state)
{
	const struct ocsp_policy p = {
	    .now = now, .skew = 300, .max_age = -1, .names = 1};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	sign_by_name(&r, NID_commonName, "a\0b\0", 4, 1);
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_GOOD);
	assert_string_equal(v.signer, "CN=a?b?");
	/* "OU=xyz," so often that it would be 699 bytes */
	sign_by_name(&r, NID_organizationalUnitName, "xyz", 3, 100);
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_GOOD);
	assert_int_equal(strlen(v.signer), sizeof(v.signer) - 1);
	assert_memory_equal(v.signer, "OU=xyz,OU=xyz,", 14);
	assert_memory_equal(v.signer + 252, "OU=", 3);
	/* no name at all is one, too */
	sign_by_name(&r, NID_commonName, "", 0, 0);
	ocsp_judge(s.target, r.der, r.len, &p, &v);
	assert_string_equal(v.signer, "");
	free(r.der);
	subject_free(&s);
}

static void
odd_parameters_of_the_signature_algorithm_are_refused(void **state)
{
	/* sha256WithRSAEncryption, NULL */
	static const unsigned char rsa[] = {
	    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t i, found = 0;

	(void)state;
	subject_make(&s, "rsaca", 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	for (i = 0; i + sizeof(rsa) <= r.len; i++)
		if (memcmp(r.der + i, rsa, sizeof(rsa)) == 0 && found++ == 0) {
			/* an empty OCTET STRING for the NULL */
			r.der[i + 9] = 0x04;
			break;
		}
	assert_int_equal(found, 1);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "parameters"));
	free(r.der);
	subject_free(&s);
}

/* Puts `bytes` where the hash of PSS has its own parameters. */
static void
bloat_pss(OCSP_BASICRESP *basic, size_t bytes)
{
	X509_ALGOR *alg =
	    (X509_ALGOR *)(uintptr_t)OCSP_resp_get0_tbs_sigalg(basic);
	ASN1_OCTET_STRING *ballast = ASN1_OCTET_STRING_new();
	ASN1_STRING *packed = NULL;
	RSA_PSS_PARAMS *pss;
	unsigned char *zeros = calloc(1, bytes);
	const void *par;
	int type;

	X509_ALGOR_get0(NULL, &type, &par, alg);
	pss = ASN1_item_unpack(par, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	assert_non_null(pss);
	assert_int_equal(ASN1_OCTET_STRING_set(ballast, zeros, (int)bytes), 1);
	free(zeros);
	assert_int_equal(
	    X509_ALGOR_set0(pss->hashAlgorithm, OBJ_nid2obj(NID_sha256),
		V_ASN1_OCTET_STRING, ballast),
	    1);
	assert_non_null(
	    ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed));
	RSA_PSS_PARAMS_free(pss);
	assert_int_equal(X509_ALGOR_set0(alg, OBJ_nid2obj(NID_rsassaPss),
			     V_ASN1_SEQUENCE, packed),
	    1);
}

/*
 * Signs a response anew, by RSA-PSS, with so much ballast in its parameters;
 * says how many bytes those have then.
 */
static int
sign_by_pss(struct response *r, size_t ballast)
{
	OCSP_BASICRESP *basic = unpack(r);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = key_of("rsaca");
	X509 *x = cert_of("rsaca");
	EVP_PKEY_CTX *pctx;
	const void *par;
	int type, len;

	assert_int_equal(
	    EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(OCSP_basic_sign_ctx(
			     basic, x, ctx, NULL, OCSP_NOTIME | OCSP_NOCERTS),
	    1);
	if (ballast > 0)
		bloat_pss(basic, ballast);
	X509_ALGOR_get0(NULL, &type, &par, OCSP_resp_get0_tbs_sigalg(basic));
	len = ASN1_STRING_length(par);
	pack(r, basic);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	X509_free(x);
	return len;
}

static void
rsa_pss_is_accepted_but_no_ballast_in_its_parameters(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	size_t ballast;
	int len, seen = 0;

	(void)state;
	subject_make(&s, "rsaca", 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	sign_by_pss(&r, 0);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	for (ballast = 1; ballast < 64; ballast++) {
		len = sign_by_pss(&r, ballast);
		assert_int_equal(judge_at(&s, &r, now, &v),
		    len <= 100 ? VERDICT_GOOD : VERDICT_REFUSED);
		seen |= (len == 100) | (len == 101) << 1;
	}
	assert_int_equal(seen, 3);
	sign_by_pss(&r, 20000);
	assert_true(r.len > 20000);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "parameters"));
	free(r.der);
	subject_free(&s);
}

/* ---- one CA, two spellings, two certificates ---- */

static const struct forge_recipe by_ca_spelling = {.name = "own",
    .text = "CertID under the CA's own spelling",
    .single = {{.who = FORGE_OURS, .hash = FORGE_SHA1}}};

static void
a_certid_is_over_the_certificates_own_issuer_field(void **state)
{
	static const char *const cas[][2] = {
	    {"printca", "utf8ca"}, {"printroot", "utf8root"}};
	const unsigned char *p;
	struct subject s;
	struct response r;
	struct ocsp_verdict v;
	OCSP_REQUEST *req;
	OCSP_CERTID *id;
	X509 *leaf, *ca;
	size_t i, len, n;

	(void)state;
	for (n = 0; n < 2 * sizeof(cas) / sizeof(cas[0]); n++) {
		i = n / 2;
		lab_subject_of(&lab, &s, cas[i][0], cas[i][1],
		    n % 2 == 0 ? HASH_SHA1 : HASH_SHA256);
		leaf = cert_of(s.name);
		ca = cert_of(cas[i][1]);
		p = ocsp_request(s.target, &len);
		req = d2i_OCSP_REQUEST(NULL, &p, (long)len);
		id = OCSP_cert_to_id(
		    n % 2 == 0 ? EVP_sha1() : EVP_sha256(), leaf, ca);
		assert_int_equal(
		    OCSP_id_cmp(id,
			OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0))),
		    0);
		OCSP_CERTID_free(id);
		OCSP_REQUEST_free(req);
		X509_free(leaf);
		X509_free(ca);
		respond(&s, forge_find("good"), &r);
		assert_status(
		    cas[i][0], judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
		assert_int_equal(v.delegated, 0);
		assert_int_equal(v.quirks, QUIRK_ISSUER_SPELLING);
		free(r.der);
		subject_free(&s);
	}
}

static void
a_response_under_the_cas_own_spelling_is_recognised_and_marked(void **state)
{
	static const char *const cas[][2] = {
	    {"printca", "utf8ca"}, {"printroot", "utf8root"}};
	struct subject s;
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cas) / sizeof(cas[0]); i++) {
		lab_subject_of(&lab, &s, cas[i][0], cas[i][1], HASH_SHA1);
		respond(&s, &by_ca_spelling, &r);
		assert_status(
		    cas[i][1], judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
		assert_int_equal(v.delegated, 0);
		assert_int_equal(v.quirks, QUIRK_CA_SPELLING);
		free(r.der);
		subject_free(&s);
	}
	/* of another name there is no spelling, wherever it is looked for */
	lab_subject_of(&lab, &s, "printca", "utf8ca", HASH_SHA1);
	assert_int_equal(judge(&s, "wrong-namehash", &v), VERDICT_FOREIGN);
	subject_free(&s);
	/* where there is one spelling, there is no such mark */
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, &by_ca_spelling, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	assert_int_equal(v.quirks, 0);
	free(r.der);
	subject_free(&s);
}

/* RFC 6960 section 4.2.2.2, under either spelling of the name. */
static void
a_response_signed_by_the_leaf_a_sibling_or_a_ca_below_is_refused(void **state)
{
	static const struct {
		const char *signer, *extra;
		enum ocsp_status want;
	} cases[] = {
	    {NULL, NULL, VERDICT_GOOD},
	    {"delegate-of-printca", NULL, VERDICT_GOOD},
	    {"delegate-of-utf8ca", NULL, VERDICT_GOOD},
	    {"delegate-of-printca", "printca,root", VERDICT_GOOD},
	    {"delegate-of-utf8ca", "utf8ca,root", VERDICT_GOOD},
	    {"leaf", NULL, VERDICT_REFUSED},
	    {"leaf", "printca,utf8ca", VERDICT_REFUSED},
	    {"sibling-of-printca", NULL, VERDICT_REFUSED},
	    {"sibling-of-printca", "utf8ca", VERDICT_REFUSED},
	    {"printsub", "printca", VERDICT_REFUSED},
	    {"printsub", "utf8ca", VERDICT_REFUSED},
	    {"delegate-of-printsub", "printsub", VERDICT_REFUSED},
	    {"delegate-of-printsub", "printsub,utf8ca", VERDICT_REFUSED},
	    {"root", NULL, VERDICT_REFUSED},
	    {"delegate-of-root", NULL, VERDICT_REFUSED},
	    {"ca", NULL, VERDICT_REFUSED},
	    {"delegate", "ca", VERDICT_REFUSED},
	};
	struct forge_recipe recipe;
	struct subject s;
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	lab_subject_of(&lab, &s, "printca", "utf8ca", HASH_SHA1);
	for (i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		recipe = i % 2 == 0 ? *forge_find("good") : by_ca_spelling;
		recipe.flags = i % 4 < 2 ? 0 : FORGE_BY_KEY;
		recipe.signer = cases[i / 4].signer;
		recipe.extra = cases[i / 4].extra;
		respond(&s, &recipe, &r);
		assert_status(cases[i / 4].signer != NULL ? cases[i / 4].signer
							  : "the CA",
		    judge_at(&s, &r, now, &v), cases[i / 4].want, &v);
		if (v.status == VERDICT_GOOD) {
			assert_int_equal(
			    v.delegated, cases[i / 4].signer != NULL);
			assert_int_equal(v.quirks,
			    i % 2 == 0 ? QUIRK_ISSUER_SPELLING
				       : QUIRK_CA_SPELLING);
		}
		free(r.der);
	}
	subject_free(&s);
}

/* The name is part of what was proven: another one is not put on the CA. */
static void
no_other_name_is_taken_for_a_spelling_of_the_issuers(void **state)
{
	struct subject s = {.target = NULL}, other;
	struct ocsp_about about = {.hash = HASH_SHA1};
	char why[WHY_MAX];
	unsigned char name[64];

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	lab_subject_of(&lab, &other, "printca", "utf8ca", HASH_SHA1);
	about.issuer = s.cert.issuer;
	about.issuer_len = s.cert.issuer_len;
	about.serial = s.cert.serial;
	about.serial_len = s.cert.serial_len;
	about.issuer_name = other.cert.issuer_field;
	about.issuer_name_len = other.cert.issuer_field_len;
	assert_null(ocsp_target(lab.session, &about, why));
	/* nor one with a byte behind it */
	about.issuer_name_len = s.cert.issuer_field_len;
	assert_in_range(about.issuer_name_len, 1, sizeof(name) - 1);
	memcpy(name, s.cert.issuer_field, about.issuer_name_len);
	name[about.issuer_name_len++] = 0;
	about.issuer_name = name;
	assert_null(ocsp_target(lab.session, &about, why));
	subject_free(&s);
	subject_free(&other);
}

static void
a_signer_whose_key_identifier_names_the_earlier_ca_is_accepted(void **state)
{
	static const char *const extras[] = {
	    NULL, "ca", "ca,root", "renewedca,root"};
	struct forge_recipe recipe = {
	    .name = "aki", .signer = "delegate-by-serial"};
	struct subject s;
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(extras) / sizeof(extras[0]); i++) {
		lab_subject_of(
		    &lab, &s, "ca", i % 2 == 0 ? "renewedca" : "ca", HASH_SHA1);
		recipe.extra = extras[i / 2];
		respond(&s, &recipe, &r);
		assert_status(
		    "by serial", judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
		assert_int_equal(v.delegated, 1);
		assert_int_equal(
		    v.quirks, i % 2 == 0 ? QUIRK_AUTHORITY_KEY : 0);
		free(r.der);
		subject_free(&s);
	}
}

/* The same name and key identifier do not make the key. */
static void
only_the_serial_number_of_a_key_identifier_is_forgiven(void **state)
{
	static const struct {
		const char *ca;
		enum ocsp_status want;
	} cases[] = {{"ca", VERDICT_GOOD}, {"sameski", VERDICT_REFUSED},
	    {"other", VERDICT_REFUSED}};
	const struct forge_recipe recipe = {
	    .name = "aki", .signer = "delegate-by-serial"};
	struct subject s;
	struct response r;
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lab_subject_of(&lab, &s, cases[i].ca, cases[i].ca, HASH_SHA1);
		respond(&s, &recipe, &r);
		assert_status(
		    cases[i].ca, judge_at(&s, &r, now, &v), cases[i].want, &v);
		free(r.der);
		subject_free(&s);
	}
}

static void
dns_constraints_do_not_measure_a_responders_common_name(void **state)
{
	struct forge_recipe recipe = {
	    .name = "elsewhere", .signer = "delegate-elsewhere"};
	struct subject s;
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	lab_subject_of(&lab, &s, "constrainedca", "constrainedca", HASH_SHA1);
	respond(&s, &recipe, &r);
	assert_status("elsewhere", judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
	assert_int_equal(v.quirks, QUIRK_CONSTRAINED_NAME);
	free(r.der);
	/* nothing else of it is forgiven: it is the delegate of this CA only */
	recipe.signer = "delegate";
	respond(&s, &recipe, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	free(r.der);
	subject_free(&s);
}

/* Gives the delegate `names` as subjectAltName, and signs by it. */
static void
sign_with_names(struct response *r, const char *names)
{
	EVP_PKEY *ca = key_of("constrainedca");
	EVP_PKEY *key = key_of("delegate-elsewhere");
	X509 *x = cert_of("delegate-elsewhere");
	OCSP_BASICRESP *basic = unpack(r);
	X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
	assert_int_equal(
	    OCSP_basic_sign(basic, x, key, EVP_sha256(), NULL, OCSP_NOTIME), 1);
	pack(r, basic);
	X509_free(x);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(key);
}

static void
dns_constraints_measure_a_responders_subject_alt_name(void **state)
{
	struct subject s;
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	lab_subject_of(&lab, &s, "constrainedca", "constrainedca", HASH_SHA1);
	respond(&s, forge_find("good"), &r);
	sign_with_names(&r, "DNS:ocsp.example.org");
	assert_status("inside", judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
	free(r.der);
	respond(&s, forge_find("good"), &r);
	sign_with_names(&r, "DNS:ocsp.elsewhere.example");
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "permitted subtree"));
	free(r.der);
	subject_free(&s);
}

/* Parameters of a signature algorithm are not signed. */
static void
set_parameters(struct response *r, int type, void *value)
{
	OCSP_BASICRESP *basic = unpack(r);
	X509_ALGOR *alg =
	    (X509_ALGOR *)(uintptr_t)OCSP_resp_get0_tbs_sigalg(basic);

	assert_int_equal(X509_ALGOR_set0(alg,
			     OBJ_nid2obj(NID_ecdsa_with_SHA256), type, value),
	    1);
	pack(r, basic);
}

static void
of_ecdsa_parameters_null_is_taken_and_marked_and_nothing_else(void **state)
{
	struct subject s = {.target = NULL};
	ASN1_OCTET_STRING *empty = ASN1_OCTET_STRING_new();
	ASN1_STRING *sequence = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("good"), &r);
	set_parameters(&r, V_ASN1_NULL, NULL);
	assert_status("NULL", judge_at(&s, &r, now, &v), VERDICT_GOOD, &v);
	assert_int_equal(v.quirks, QUIRK_NULL_PARAMETERS);
	set_parameters(&r, V_ASN1_UNDEF, NULL);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	assert_int_equal(v.quirks, 0);
	set_parameters(&r, V_ASN1_OCTET_STRING, empty);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_int_equal(ASN1_STRING_set(sequence, "0", 2), 1);
	set_parameters(&r, V_ASN1_SEQUENCE, sequence);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "parameters"));
	free(r.der);
	subject_free(&s);
}

/* RSA is marked for NULL no more than for none. */
static void
null_parameters_of_rsa_are_what_they_should_be(void **state)
{
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, "rsaca", 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "good", &v), VERDICT_GOOD);
	assert_int_equal(v.quirks, 0);
	subject_free(&s);
}

static void
an_rsa_key_of_1024_bits_is_enough_and_of_1016_is_not(void **state)
{
	static const struct {
		unsigned int bits;
		enum ocsp_status want;
	} cases[] = {{1024, VERDICT_GOOD}, {1023, VERDICT_REFUSED},
	    {1016, VERDICT_REFUSED}};
	EVP_PKEY *ca = key_of("ca"), *key;
	struct subject s = {.target = NULL};
	OCSP_BASICRESP *basic;
	struct response r;
	struct ocsp_verdict v;
	size_t i;
	X509 *x;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		respond(&s, forge_find("good"), &r);
		key = EVP_RSA_gen(cases[i].bits);
		x = cert_of("delegate");
		assert_int_equal(X509_set_pubkey(x, key), 1);
		assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
		basic = unpack(&r);
		assert_int_equal(OCSP_basic_sign(basic, x, key, EVP_sha256(),
				     NULL, OCSP_NOTIME),
		    1);
		pack(&r, basic);
		assert_status(
		    "RSA", judge_at(&s, &r, now, &v), cases[i].want, &v);
		if (v.status != VERDICT_GOOD)
			assert_non_null(strstr(v.why, "less than 1024 bits"));
		free(r.der);
		X509_free(x);
		EVP_PKEY_free(key);
	}
	EVP_PKEY_free(ca);
	subject_free(&s);
}

static void
a_delegate_whose_key_usage_forbids_signing_is_refused(void **state)
{
	struct forge_recipe recipe = {.name = "usage"};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;
	X509 *x;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "by-mute-delegate", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "keyUsage"));
	recipe.signer = "delegate-committed";
	respond(&s, &recipe, &r);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	/* one that says nothing of it may sign */
	x = cert_of("delegate");
	X509_EXTENSION_free(
	    X509_delete_ext(x, X509_get_ext_by_NID(x, NID_key_usage, -1)));
	sign_by(&r, x);
	assert_int_equal(judge_at(&s, &r, now, &v), VERDICT_GOOD);
	free(r.der);
	subject_free(&s);
}

static void
another_cas_responder_is_told_by_the_name_of_that_ca(void **state)
{
	static const struct {
		const char *recipe, *has;
		int advised; /* what else is wrong may be an attack */
	} cases[] = {
	    {"by-stranger", "another CA, CN=Test stranger", 1},
	    {"by-root", "another CA, CN=Test Root", 1},
	    {"by-delegate-of-root", "another CA, CN=Test Root", 1},
	    {"by-other", "the signature does not match", 0},
	    {"by-delegate-of-other", "another CA of the name CN=Test Issuing",
		0},
	    {"by-expired-delegate",
		"own certificate, CN=Test delegate-expired, expired on 2", 1},
	    {"by-future-delegate",
		"CN=Test delegate-future, is valid only from 2", 1},
	};
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;
	size_t i;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    judge(&s, cases[i].recipe, &v), VERDICT_REFUSED);
		if (strstr(v.why, cases[i].has) == NULL)
			fail_msg("%s: %s", cases[i].recipe, v.why);
		if (v.advised != cases[i].advised)
			fail_msg("%s: advised %d", cases[i].recipe, v.advised);
	}
	subject_free(&s);
}

/* What expired is named: the signer's certificate, or the issuer's own. */
static void
an_expired_issuer_is_not_blamed_on_the_responder(void **state)
{
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, forge_find("next-9999"), &r);
	assert_int_equal(
	    judge_at(&s, &r, now + 3651 * FORGE_DAY, &v), VERDICT_REFUSED);
	assert_non_null(strstr(
	    v.why, "the issuer's certificate, CN=Test Issuing CA, expired on"));
	free(r.der);
	subject_free(&s);
}

static void
another_certid_hash_is_told_with_its_cure(void **state)
{
	struct subject s = {.target = NULL};
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	assert_int_equal(judge(&s, "good-sha256", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "with --certid-hash sha256"));
	assert_int_equal(v.advised, 1);
	subject_free(&s);
	subject_make(&s, NULL, 0, HASH_SHA256, 0);
	assert_int_equal(judge(&s, "good-sha1", &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "do without --certid-hash sha256"));
	subject_free(&s);
}

static void
a_next_update_in_1970_is_not_the_same_as_none(void **state)
{
	static const struct forge_recipe epoch = {.name = "epoch",
	    .text = "nextUpdate is the first second of all",
	    .next_text = "19700101000000Z"};
	const struct ocsp_policy p = {
	    .now = now, .skew = 300, .max_age = 30 * FORGE_DAY};
	struct subject s = {.target = NULL};
	struct response r;
	struct ocsp_verdict v;

	(void)state;
	subject_make(&s, NULL, 0, HASH_SHA1, 0);
	respond(&s, &epoch, &r);
	assert_int_equal(
	    ocsp_judge(s.target, r.der, r.len, &p, &v), VERDICT_REFUSED);
	assert_non_null(strstr(v.why, "not later than its thisUpdate"));
	free(r.der);
	subject_free(&s);
}

/* RFC 6960 section 4.2.1, with the hole that it has */
static void
each_status_of_a_response_has_its_name(void **state)
{
	static const char *const names[] = {"successful", "malformedRequest",
	    "internalError", "tryLater", "an undefined error", "sigRequired",
	    "unauthorized", "an undefined error"};
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_string_equal(
		    ocsp_error_name((enum ocsp_error)i), names[i]);
}

#define PLAIN(f)                                                               \
	{                                                                      \
#f, f, NULL, NULL, NULL                                        \
	}

int
main(void)
{
	static const struct CMUnitTest plain[] = {
	    PLAIN(who_wants_no_memory_is_not_starved_of_it),
	    PLAIN(time_bounds_are_exact_to_the_second),
	    PLAIN(max_age_counts_from_this_update_and_only_limits),
	    PLAIN(
		a_response_without_next_update_lasts_for_the_assumed_lifetime),
	    PLAIN(a_next_update_is_not_moved_by_the_assumed_lifetime),
	    PLAIN(
		a_signed_revocation_counts_and_says_what_is_wrong_with_its_response),
	    PLAIN(a_revocation_with_a_wrong_signature_or_signer_does_not_count),
	    PLAIN(a_signed_revocation_that_is_refused_is_mentioned),
	    PLAIN(a_revocations_signer_has_to_be_valid_when_it_signed_or_now),
	    PLAIN(sha1_is_refused_by_default_and_the_message_says_what_to_set),
	    PLAIN(allow_sha1_admits_sha1_and_nothing_else),
	    PLAIN(what_is_told_of_a_revocation_is_what_the_response_says),
	    PLAIN(usable_until_ends_with_the_signers_certificate),
	    PLAIN(of_two_ends_at_once_the_first_is_named),
	    PLAIN(usable_until_ends_with_the_certificate),
	    PLAIN(times_are_shown_only_if_all_of_them_can_be_read),
	    PLAIN(a_nonce_that_was_sent_must_not_come_back_changed),
	    PLAIN(a_stored_response_is_not_asked_for_this_runs_nonce),
	    PLAIN(an_answer_under_another_hash_than_asked_is_refused),
	    PLAIN(one_certificates_response_is_foreign_to_another),
	    PLAIN(what_is_no_certificate_or_no_number_makes_no_question),
	    PLAIN(
		a_question_that_openssl_cannot_make_and_does_not_say_why_is_told_so),
	    PLAIN(url_of_a_get_has_one_slash_and_no_reserved_base64),
	    PLAIN(no_flipped_bit_of_a_response_goes_unnoticed),
	    PLAIN(no_truncated_response_is_accepted),
	    PLAIN(certificates_that_were_added_on_the_way_are_refused),
	    PLAIN(the_chain_above_the_issuer_is_no_ballast),
	    PLAIN(twelve_certificates_are_looked_at_and_thirteen_are_not),
	    PLAIN(twelve_certificates_that_a_chain_explains_are_no_strays),
	    PLAIN(strays_may_have_4096_bytes_in_all),
	    PLAIN(eighty_bits_of_security_are_enough),
	    PLAIN(a_signature_without_a_digest_is_accepted),
	    PLAIN(only_a_critical_extension_that_is_known_is_accepted),
	    PLAIN(what_is_told_of_the_signer_is_what_its_certificate_says),
	    PLAIN(nocheck_is_seen_wherever_it_stands),
	    PLAIN(odd_names_of_a_signer_are_shown_and_bounded),
	    PLAIN(odd_parameters_of_the_signature_algorithm_are_refused),
	    PLAIN(rsa_pss_is_accepted_but_no_ballast_in_its_parameters),
	    PLAIN(a_certid_is_over_the_certificates_own_issuer_field),
	    PLAIN(
		a_response_under_the_cas_own_spelling_is_recognised_and_marked),
	    PLAIN(
		a_response_signed_by_the_leaf_a_sibling_or_a_ca_below_is_refused),
	    PLAIN(no_other_name_is_taken_for_a_spelling_of_the_issuers),
	    PLAIN(
		a_signer_whose_key_identifier_names_the_earlier_ca_is_accepted),
	    PLAIN(only_the_serial_number_of_a_key_identifier_is_forgiven),
	    PLAIN(dns_constraints_do_not_measure_a_responders_common_name),
	    PLAIN(dns_constraints_measure_a_responders_subject_alt_name),
	    PLAIN(
		of_ecdsa_parameters_null_is_taken_and_marked_and_nothing_else),
	    PLAIN(null_parameters_of_rsa_are_what_they_should_be),
	    PLAIN(an_rsa_key_of_1024_bits_is_enough_and_of_1016_is_not),
	    PLAIN(a_delegate_whose_key_usage_forbids_signing_is_refused),
	    PLAIN(another_cas_responder_is_told_by_the_name_of_that_ca),
	    PLAIN(an_expired_issuer_is_not_blamed_on_the_responder),
	    PLAIN(another_certid_hash_is_told_with_its_cure),
	    PLAIN(a_next_update_in_1970_is_not_the_same_as_none),
	    PLAIN(each_status_of_a_response_has_its_name),
	};
	const size_t nplain = sizeof(plain) / sizeof(plain[0]);
	static struct CMUnitTest tests[512];
	static char names[512][96];
	const struct forge_recipe *r;
	size_t n;

	memcpy(tests, plain, sizeof(plain));
	n = nplain;
	for (r = forge_recipes; r->name != NULL; r++, n++) {
		snprintf(names[n], sizeof(names[n]), "recipe %s: exit %d",
		    r->name, r->exit);
		tests[n].name = names[n];
		tests[n].test_func = recipe_is_judged_as_the_table_says;
		tests[n].initial_state = (void *)(uintptr_t)r;
	}
	return _cmocka_run_group_tests("ocsp", tests, n, set_up, tear_down);
}
