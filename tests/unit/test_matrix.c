/* SPDX-License-Identifier: ISC */
/*
 * Every combination of a status, a signer, times, a CertID and extensions,
 * forged and judged: exactly one class of them is good, and each other has the
 * verdict that its first fault deserves, in its words.
 *
 * What to expect is not asked of the judge: each value says what it does to a
 * response that is otherwise good, and faults rank in the order of the checks
 * that the manual gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocsp/cryptocheck.h"
#include "lab.h"

#define H FORGE_HOUR
#define D FORGE_DAY
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* When a fault is found; the earlier one is the one that is told. */
enum rank {
	RANK_ABOUT,   /* whose status is told */
	RANK_SIGNER,  /* who says so */
	RANK_ISSUERS, /* whether that one speaks for all that are named */
	RANK_USAGE,   /* whether its certificate is meant for it */
	RANK_EXT,
	RANK_ID, /* under which name, and without contradiction */
	RANK_STRENGTH,
	RANK_TIME,
	RANK_NONCE,
	RANK_STATUS,
	RANK_NONE /* there is no fault */
};

/* What a value makes of a good response. */
struct effect {
	const char *name;
	enum rank rank;
	enum ocsp_status verdict;
	const char *why; /* part of what is said */
	/* a revocation counts nevertheless: 1 and is marked, 2 and is not */
	int excused;
};

#define FINE(n) n, RANK_NONE, VERDICT_GOOD, "", 0
#define BAD_SIGNER(n, w) n, RANK_SIGNER, VERDICT_REFUSED, w, 0
#define BAD_USAGE(n)                                                           \
	n, RANK_USAGE, VERDICT_REFUSED, "not one for OCSP signing", 0
#define BAD_TIME(n, w) n, RANK_TIME, VERDICT_REFUSED, w, 0
#define FOREIGN(n)                                                             \
	n, RANK_ABOUT, VERDICT_FOREIGN, "about another certificate", 0

static const struct {
	struct effect is;
	int status;
} statuses[] = {
    {{FINE("good")}, FORGE_GOOD},
    {{"revoked", RANK_STATUS, VERDICT_REVOKED, "revoked on ", 0},
	FORGE_REVOKED},
    {{"unknown", RANK_STATUS, VERDICT_UNKNOWN, "does not know", 0},
	FORGE_UNKNOWN},
};

/* What OpenSSL finds wrong with a chain has its words; some are the same. */
#define NOT_FOR_US "not signed by the issuer or for it"

static const struct signer {
	struct effect is;
	const char *ca; /* of the leaf; NULL: "ca" */
	const char *signer, *extra, *md;
	unsigned int flags;
} signers[] = {
    {.is = {FINE("issuer")}},
    {.is = {FINE("issuer by key")}, .flags = FORGE_BY_KEY},
    {.is = {FINE("issuer, SHA-384")}, .md = "SHA384"},
    {.is = {FINE("issuer with RSA")}, .ca = "rsaca"},
    {.is = {FINE("delegate")}, .signer = "delegate"},
    {.is = {FINE("delegate by key")},
	.signer = "delegate",
	.flags = FORGE_BY_KEY},
    {.is = {FINE("delegate without nocheck")}, .signer = "delegate-check"},
    {.is = {FINE("delegate with RSA")}, .signer = "delegate-rsa"},
    {.is = {FINE("delegate with a stray certificate")},
	.signer = "delegate",
	.extra = "sibling"},
    {.is = {BAD_USAGE("leaf")}, .signer = "leaf"},
    {.is = {BAD_USAGE("sibling")}, .signer = "sibling"},
    {.is = {BAD_SIGNER("root", NOT_FOR_US)}, .signer = "root"},
    {.is = {BAD_SIGNER("other", NOT_FOR_US)}, .signer = "other"},
    {.is = {BAD_SIGNER("sameski", NOT_FOR_US)}, .signer = "sameski"},
    {.is = {BAD_SIGNER("other, its certificate not sent", "does not match")},
	.signer = "other",
	.flags = FORGE_NO_CERTS},
    {.is = {BAD_SIGNER("stranger", NOT_FOR_US)}, .signer = "stranger"},
    {.is = {BAD_SIGNER("expired delegate", "expired")},
	.signer = "delegate-ended"},
    {.is = {BAD_SIGNER("future delegate", "is valid only from")},
	.signer = "delegate-future"},
    {.is = {BAD_USAGE("delegate without usage")}, .signer = "delegate-noeku"},
    {.is = {BAD_USAGE("delegate for anything")}, .signer = "delegate-anyeku"},
    {.is = {BAD_SIGNER("delegate, unknown critical", "critical extension")},
	.signer = "delegate-critical"},
    {.is = {"delegate by SHA-1", RANK_STRENGTH, VERDICT_REFUSED,
	 "is signed with SHA-1", 1},
	.signer = "delegate-sha1"},
    {.is = {"delegate that may not sign", RANK_USAGE, VERDICT_REFUSED,
	 "keyUsage", 0},
	.signer = "delegate-mute"},
    {.is = {"delegate, RSA-1016", RANK_STRENGTH, VERDICT_REFUSED,
	 "less than 1024 bits", 0},
	.signer = "delegate-short-rsa"},
    {.is = {BAD_SIGNER("delegate by MD5", NOT_FOR_US)},
	.ca = "rsaca",
	.signer = "delegate-md5"},
    {.is = {BAD_SIGNER("delegate, RSA-768", "too weak")},
	.signer = "delegate-weak"},
    {.is = {BAD_SIGNER("delegate of root", NOT_FOR_US)},
	.signer = "delegate-of-root"},
    {.is = {BAD_SIGNER("delegate of root, with ca", NOT_FOR_US)},
	.signer = "delegate-of-root",
	.extra = "ca"},
    {.is = {BAD_SIGNER("delegate of other", NOT_FOR_US)},
	.signer = "delegate-of-other",
	.extra = "other"},
    {.is = {BAD_SIGNER("delegate of a CA below", NOT_FOR_US)},
	.signer = "delegate-of-sub",
	.extra = "sub"},
    {.is = {BAD_SIGNER("delegate, not sent", "is not in it")},
	.signer = "delegate",
	.flags = FORGE_NO_CERTS},
    {.is = {BAD_SIGNER("nobody's key id", "is not in it")},
	.flags = FORGE_STRANGE_ID},
    {.is = {BAD_SIGNER("issuer, a bit flipped", "")},
	.flags = FORGE_SIG_CORRUPT},
    {.is = {BAD_SIGNER("delegate, a bit flipped", "")},
	.signer = "delegate",
	.flags = FORGE_SIG_CORRUPT},
    {.is = {BAD_SIGNER("issuer, no signature", "does not match")},
	.flags = FORGE_SIG_EMPTY},
    {.is = {"issuer, SHA-1", RANK_STRENGTH, VERDICT_REFUSED,
	 "it is signed with SHA-1", 1},
	.md = "SHA1"},
    {.is = {"delegate, MD5", RANK_STRENGTH, VERDICT_REFUSED, "uses md5", 0},
	.signer = "delegate-rsa",
	.md = "MD5"},
};

static const struct when {
	struct effect is;
	long this_update, next_update, produced;
	unsigned int flags;
	const char *this_text, *next_text, *produced_text;
} whens[] = {
    {.is = {FINE("fresh")}},
    {.is = {FINE("old, and not over")}, .this_update = -365 * D},
    {.is = {FINE("just begun, nearly over")},
	.this_update = 200,
	.next_update = 250,
	.flags = FORGE_EXACT},
    {.is = {"over", RANK_TIME, VERDICT_STALE, "expired on", 1},
	.this_update = -3 * D,
	.next_update = -H},
    {.is = {"over this second", RANK_TIME, VERDICT_STALE, "expired on", 1},
	.this_update = -1 * D,
	.next_update = -1,
	.flags = FORGE_EXACT},
    {.is = {FINE("no end")}, .flags = FORGE_NO_NEXT},
    {.is = {"no end, two days old", RANK_TIME, VERDICT_STALE,
	 "older than --assume-lifetime", 1},
	.this_update = -2 * D,
	.flags = FORGE_NO_NEXT},
    {.is = {BAD_TIME("from tomorrow", "thisUpdate, ")}, .this_update = D},
    {.is = {BAD_TIME("too early", "in the future")},
	.this_update = 301,
	.flags = FORGE_EXACT},
    {.is = {BAD_TIME("made tomorrow", "producedAt, ")}, .produced = D},
    {.is = {"ends when it begins", RANK_TIME, VERDICT_REFUSED, "not later than",
	 2},
	.this_update = 100,
	.next_update = 100,
	.flags = FORGE_EXACT},
    {.is = {"ends before it begins", RANK_TIME, VERDICT_REFUSED,
	 "not later than", 1},
	.this_update = -H,
	.next_update = -2 * H},
    {.is = {BAD_TIME("thisUpdate has a fraction", "its thisUpdate is not")},
	.this_text = "YmdHMS.5Z"},
    {.is = {BAD_TIME("thisUpdate has a zone", "its thisUpdate is not")},
	.this_text = "YmdHMS+0000"},
    {.is = {BAD_TIME("nextUpdate in month 13", "its nextUpdate is not")},
	.next_text = "Y13dHMSZ"},
    {.is = {BAD_TIME("nextUpdate without Z", "its nextUpdate is not")},
	.next_text = "YmdHMS0"},
    {.is = {BAD_TIME("producedAt on 30 February", "its producedAt is not")},
	.produced_text = "Y0230HMSZ"},
};

#define OURS .who = FORGE_OURS
#define THEIRS .who = FORGE_NEIGHBOUR

static const struct id {
	struct effect is;
	struct forge_single single[3]; /* statuses are set by the row */
} ids[] = {
    {{FINE("ours")}, {{OURS}}},
    {{FINE("ours twice")}, {{OURS, .times = 2}}},
    {{FINE("ours under both hashes")}, {{OURS}, {OURS, .hash = FORGE_SHA256}}},
    {{FINE("others', ours")}, {{THEIRS, .times = 2}, {OURS}}},
    {{FOREIGN("another's")}, {{THEIRS}}},
    {{FOREIGN("another issuer's name")}, {{OURS, .id = FORGE_BAD_NAME}}},
    {{FOREIGN("another issuer's key")}, {{OURS, .id = FORGE_BAD_KEY}}},
    {{FOREIGN("another serial")}, {{OURS, .id = FORGE_BAD_SERIAL}}},
    {{FOREIGN("the negative serial")}, {{OURS, .id = FORGE_NEG_SERIAL}}},
    {{FOREIGN("half the hashes")}, {{OURS, .id = FORGE_CUT_HASHES}}},
    {{FOREIGN("no hashes")}, {{OURS, .id = FORGE_NO_HASHES}}},
    {{FOREIGN("SHA-1 as SHA-256")}, {{OURS, .id = FORGE_MISLABELLED}}},
    {{"ours, and another issuer's", RANK_ISSUERS, VERDICT_REFUSED,
	 "does not speak for the issuer", 0},
	{{OURS}, {OURS, .id = FORGE_BAD_KEY}}},
    {{"a strange hash", RANK_ISSUERS, VERDICT_REFUSED, "that is not known", 0},
	{{OURS, .id = FORGE_ODD_HASH}}},
    {{"only SHA-256", RANK_ID, VERDICT_REFUSED, "its CertID is under SHA-256",
	 1},
	{{OURS, .hash = FORGE_SHA256}}},
    {{"other windows", RANK_ID, VERDICT_REFUSED, "contradicts itself", 0},
	{{OURS}, {OURS, .shift = -60}}},
};

static const struct ext {
	struct effect is;
	int nonce, single;
	unsigned int flags;
} exts[] = {
    {.is = {FINE("none")}},
    {.is = {FINE("unknown, not critical")},
	.flags = FORGE_PLAIN_EXT,
	.single = FORGE_EXTENDED},
    {.is = {FINE("our nonce")}, .nonce = FORGE_NONCE_ECHO},
    {.is = {"critical in the response", RANK_EXT, VERDICT_REFUSED,
	 "critical extension that is not known: 1.3.6.1.4.1.55555", 0},
	.flags = FORGE_CRIT_EXT},
    {.is = {"critical in the single", RANK_EXT, VERDICT_REFUSED,
	 "critical extension that is not known: 1.3.6.1.4.1.55555", 0},
	.single = FORGE_CRITICAL},
    {.is = {"another nonce", RANK_NONCE, VERDICT_REFUSED, "its nonce", 0},
	.nonce = FORGE_NONCE_WRONG},
    {.is = {"half our nonce", RANK_NONCE, VERDICT_REFUSED, "its nonce", 0},
	.nonce = FORGE_NONCE_CUT},
};

static struct lab lab;
static struct subject ecdsa, rsa;

/* RHEL 9's OpenSSL verifies none with SHA-1, whoever made it. */
static const struct effect by_sha1 = {"by SHA-1, which OpenSSL refuses",
    RANK_SIGNER, VERDICT_REFUSED, LAB_CURE, 0};

static int sha1_refused;

static int
is_sha1(const struct signer *s)
{
	return (s->md != NULL && strcmp(s->md, "SHA1") == 0) ||
	    (s->signer != NULL && strcmp(s->signer, "delegate-sha1") == 0);
}

static int
set_up(void **state)
{
	(void)state;
	sha1_refused = cryptocheck_refuses_sha1();
	lab_open(&lab);
	lab_subject(&lab, &ecdsa, NULL, 0, HASH_SHA1, 1);
	lab_subject(&lab, &rsa, "rsaca", 0, HASH_SHA1, 1);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	subject_free(&ecdsa);
	subject_free(&rsa);
	lab_close(&lab);
	return 0;
}

/* One combination. */
struct row {
	const struct effect *effects[5];
	size_t status;
	const struct signer *signer;
	const struct when *when;
	const struct id *id;
	const struct ext *ext;
};

static void
recipe_of(const struct row *row, struct forge_recipe *r)
{
	size_t i;

	memset(r, 0, sizeof(*r));
	r->name = r->text = "a row";
	r->signer = row->signer->signer;
	r->extra = row->signer->extra;
	r->md = row->signer->md;
	r->flags = row->signer->flags | row->when->flags | row->ext->flags;
	r->nonce = (unsigned int)row->ext->nonce;
	r->this_update = row->when->this_update;
	r->next_update = row->when->next_update;
	r->produced = row->when->produced;
	r->this_text = row->when->this_text;
	r->next_text = row->when->next_text;
	r->produced_text = row->when->produced_text;
	memcpy(r->single, row->id->single, sizeof(row->id->single));
	for (i = 0; i < COUNT(row->id->single); i++) {
		r->single[i].status =
		    (unsigned int)statuses[row->status].status;
		r->single[i].reason = -1;
		r->single[i].ext = (unsigned int)row->ext->single;
	}
}

/* The fault that is found first; of one that says revoked some are none. */
static const struct effect *
effect_of(const struct row *row)
{
	const struct effect *e = row->effects[0];
	const int revoked = e->verdict == VERDICT_REVOKED;
	size_t i;

	for (i = 1; i < COUNT(row->effects); i++)
		if (row->effects[i]->rank < e->rank &&
		    !(revoked && row->effects[i]->excused))
			e = row->effects[i];
	return e;
}

/* Is one that says revoked marked as excused? */
static int
is_excused(const struct row *row)
{
	size_t i;

	for (i = 1; i < COUNT(row->effects); i++)
		if (row->effects[i]->excused == 1)
			return 1;
	return 0;
}

static void
fail_row(const struct row *row, const struct effect *want,
    const struct ocsp_verdict *v)
{
	fail_msg("status %s, signer %s, times %s, CertID %s, extension %s:\n"
		 "%s (%s), want %s (%s)",
	    row->effects[0]->name, row->effects[1]->name, row->effects[2]->name,
	    row->effects[3]->name, row->effects[4]->name,
	    verdict_name(v->status), v->why, verdict_name(want->verdict),
	    want->why);
}

/* Returns whether it was good. */
static size_t
judge_row(const struct row *row)
{
	const time_t now = lab.now;
	const struct ocsp_policy policy = {.now = now,
	    .skew = 300,
	    .max_age = -1,
	    .assume_lifetime = 36 * H,
	    .answer = 1};
	const struct effect *want = effect_of(row);
	struct subject *s = row->signer->ca == NULL ? &ecdsa : &rsa;
	struct forge_recipe recipe;
	struct ocsp_verdict v;
	struct response r;

	recipe_of(row, &recipe);
	lab_respond(&lab, s, &recipe, &r);
	ocsp_judge(s->target, r.der, r.len, &policy, &v);
	free(r.der);
	if (v.status != want->verdict || strstr(v.why, want->why) == NULL ||
	    (v.status == VERDICT_GOOD) != (v.why[0] == '\0'))
		fail_row(row, want, &v);
	if (v.status == VERDICT_GOOD &&
	    (v.usable_until <= now || v.this_update > now + 300 ||
		v.delegated != (row->signer->signer != NULL)))
		fail_row(row, want, &v);
	if (v.status == VERDICT_REVOKED && v.excused != is_excused(row))
		fail_row(row, want, &v);
	return v.status == VERDICT_GOOD;
}

static struct row
row_of(const size_t nth[5])
{
	struct row row = {.status = nth[0],
	    .signer = &signers[nth[1]],
	    .when = &whens[nth[2]],
	    .id = &ids[nth[3]],
	    .ext = &exts[nth[4]]};

	row.effects[0] = &statuses[nth[0]].is;
	row.effects[1] =
	    is_sha1(row.signer) && sha1_refused ? &by_sha1 : &row.signer->is;
	row.effects[2] = &row.when->is;
	row.effects[3] = &row.id->is;
	row.effects[4] = &row.ext->is;
	return row;
}

/*
 * All of them would take minutes.  Each fault is tried with all that is fine,
 * each pair of faults once at least; of the rest, one in SAMPLE.
 */
#define SAMPLE 61

static int
is_wanted(const struct row *row, const size_t nth[5], size_t number)
{
	size_t i, faults = 0, odd = 0;

	for (i = 0; i < COUNT(row->effects); i++)
		if (row->effects[i]->rank != RANK_NONE)
			faults++;
		else if (nth[i] != 0)
			odd++;
	return faults <= 1 || (faults == 2 && odd == 0) || number % SAMPLE == 0;
}

static void
exactly_one_class_of_all_combinations_is_good(void **state)
{
	static const size_t radix[5] = {COUNT(statuses), COUNT(signers),
	    COUNT(whens), COUNT(ids), COUNT(exts)};
	size_t all = 1, good = 0, wanted = 0, number, i, n, nth[5], rows = 0;
	struct row row;

	(void)state;
	for (i = 0; i < COUNT(radix); i++)
		all *= radix[i];
	for (number = 0; number < all; number++) {
		for (n = number, i = 0; i < COUNT(radix); n /= radix[i], i++)
			nth[i] = n % radix[i];
		row = row_of(nth);
		if (!is_wanted(&row, nth, number))
			continue;
		rows++;
		good += judge_row(&row);
		wanted += effect_of(&row)->rank == RANK_NONE;
	}
	assert_true(rows > 5000);
	assert_true(good > 300);
	assert_int_equal(good, wanted);
	print_message("# %zu rows, %zu good\n", rows, good);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exactly_one_class_of_all_combinations_is_good),
	};

	return cmocka_run_group_tests_name("matrix", tests, set_up, tear_down);
}
