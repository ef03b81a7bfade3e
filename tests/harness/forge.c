/* SPDX-License-Identifier: ISC */
/*
 * forge: see forge.h.  First the table of recipes, then the PKI, then the
 * responses.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "forge.h"

#define H FORGE_HOUR
#define D FORGE_DAY
#define FAR (400 * D)

/* How long root is older than the PKI: its notBefore is our clock's zero. */
#define ROOT_AGE (3650 * FORGE_DAY)

/* An OID nobody has registered: an extension no one can know. */
#define STRANGE_OID "1.3.6.1.4.1.55555.7.1"

#define OURS .who = FORGE_OURS
#define THEIRS .who = FORGE_NEIGHBOUR
#define REVOKED .status = FORGE_REVOKED
#define HTML                                                                   \
	"<html><head><title>Sign in</title></head><body>"                      \
	"<h1>Welcome to the hotel network</h1></body></html>\n"

/*
 * One wrong spelling after another of one of the three times.  Each keeps
 * the moment it tries to name acceptable, also to a reader that lets month
 * 13 or 30 February overflow: that is what "far" is for.
 */
#define ODD_TIMES(p, code, what, textf, timef, far)                            \
	{p "-fraction", code, what " with a fraction of a second",             \
	    .textf = "YmdHMS.5Z"},                                             \
	    {p "-offset", code, what " with +0000 for Z",                      \
		.textf = "YmdHMS+0000"},                                       \
	    {p "-noseconds", code, what " without seconds",                    \
		.textf = "YmdHMZ"},                                            \
	    {p "-nozone", code, what " without Z", .textf = "YmdHMS"},         \
	    {p "-lowercase", code, what " with z for Z", .textf = "YmdHMSz"},  \
	    {p "-utctime-like", code, what " with a two digit year",           \
		.textf = "ymdHMSZ"},                                           \
	    {p "-garbage", code, what " of letters", .textf = "garbage"},      \
	    {p "-empty", code, what " of no characters", .textf = ""},         \
	    {p "-month13", code, what " in month 13", .timef = far,            \
		.textf = "Y13dHMSZ"},                                          \
	    {p "-month00", code, what " in month 0", .timef = far,             \
		.textf = "Y00dHMSZ"},                                          \
	    {p "-feb30", code, what " on 30 February", .timef = far,           \
		.textf = "Y0230HMSZ"},                                         \
	    {p "-hour24", code, what " at hour 24", .textf = "Ymd24MSZ",       \
		.timef = far},                                                 \
	    {p "-sec60", code, what " in second 60", .textf = "YmdHM60Z"},     \
	    {p "-spaces", code, what " with a space for a digit of the hour",  \
		.textf = "Ymd 1MSZ", .timef = far},                            \
	    {p "-leading-space", code, what " after a space",                  \
		.textf = " YmdHMSZ"},                                          \
	    {p "-plus", code, what " with + for a digit of the hour",          \
		.textf = "Ymd+1MSZ", .timef = far},                            \
	    {p "-nul", code, what " followed by a NUL byte",                   \
		.textf = "YmdHMSZ@"},                                          \
	    {p "-nul-inside", code, what " with NUL for the Z",                \
		.textf = "YmdHMS@"},                                           \
	{                                                                      \
		p "-long", code, what " followed by a second Z",               \
		    .textf = "YmdHMSZZ"                                        \
	}

const struct forge_recipe forge_recipes[] = {
    /* Good ones. */
    {"good", 0, "by the issuer, an hour old, seven days to go",
	.this_update = -H},
    {"good-same", 0, "good, and the same bytes for an hour (RSA)",
	.signer = "delegate-rsa"},
    {"good-older", 0, "two days old, five days to go", .this_update = -2 * D,
	.next_update = 5 * D},
    {"good-newer", 0, "one minute old, eight days to go", .flags = FORGE_EXACT,
	.this_update = -60, .next_update = 8 * D},
    {"good-longer", 0, "thisUpdate of good, nextUpdate a day later",
	.next_update = 8 * D},
    {"good-shorter", 0, "thisUpdate of good, nextUpdate a day earlier",
	.next_update = 6 * D},
    {"good-delegate", 0, "by a delegate", .signer = "delegate"},
    {"good-delegate-check", 0, "by a delegate without nocheck",
	.signer = "delegate-check"},
    {"good-delegate-short", 0, "by a delegate with two hours left",
	.signer = "delegate-short"},
    {"good-delegate-rsa", 0, "by a delegate with an RSA key",
	.signer = "delegate-rsa"},
    {"good-delegate-bykey", 0, "by a delegate, ResponderID by key",
	.signer = "delegate", .flags = FORGE_BY_KEY},
    {"good-bykey", 0, "ResponderID by key", .flags = FORGE_BY_KEY},
    {"good-extra-cert", 0, "with a certificate too many", .signer = "delegate",
	.extra = "sibling"},
    {"good-neighbour", 0, "another certificate's single first",
	.single = {{THEIRS}, {OURS}}},
    {"good-neighbour-revoked", 0, "another, revoked, comes first",
	.single = {{THEIRS, REVOKED}, {OURS}}},
    {"good-neighbours-200", 0, "200 others, ours in between",
	.single = {{THEIRS, .times = 100}, {OURS},
	    {THEIRS, REVOKED, .times = 100}}},
    {"good-chain", 0, "by a delegate, its CA and root sent along (EJBCA)",
	.signer = "delegate", .flags = FORGE_BY_KEY, .extra = "ca,root"},
    {"good-publish", 0, "by a delegate, with nextPublish (AD CS)",
	.signer = "delegate", .this_update = -2 * D, .next_update = 5 * D,
	.single = {{OURS, .ext = FORGE_PUBLISH}}},
    {"good-respelled", 0, "a CertID of the CA's name in UTF8Strings",
	.single = {{OURS, .id = FORGE_RESPELLED}}},
    {"ecdsa-null", 0, "ECDSA, with parameters of NULL", .flags = FORGE_NULL},
    {"by-serial", 0, "by one whose key identifier names a serial number",
	.signer = "delegate-by-serial"},
    {"elsewhere", 0, "by one whose CN is outside of its CA's constraints",
	.signer = "delegate-elsewhere", .ca = "constrainedca"},
    {"spelled", 0, "by a delegate of a CA whose name has two spellings",
	.signer = "delegate-of-printca", .ca = "printca"},
    {"version-written", 0, "the default version, written out",
	.flags = FORGE_V1},
    {"good-sha256", 4, "the CertID is SHA-256, whatever was asked",
	.single = {{OURS, .hash = FORGE_SHA256}}},
    {"good-sha1", 0, "the CertID is SHA-1, whatever was asked",
	.single = {{OURS, .hash = FORGE_SHA1}}},
    {"good-both", 0, "SHA-1 and SHA-256 singles that agree",
	.single = {{OURS, .hash = FORGE_SHA1}, {OURS, .hash = FORGE_SHA256}}},
    {"twice-agree", 0, "the same single twice", .single = {{OURS, .times = 2}}},
    {"noncritical-ext", 0, "unknown extensions, not critical",
	.flags = FORGE_PLAIN_EXT, .single = {{OURS, .ext = FORGE_EXTENDED}}},
    {"next-9999", 0, "nextUpdate 99991231235959Z",
	.next_text = "99991231235959Z"},
    {"huge", 0, "60000 bytes, by an unknown extension", .size = 60000},
    {"size-10239", 0, "exactly 10239 bytes", .size = 10239},
    {"size-10240", 0, "exactly 10240 bytes", .size = 10240},
    {"size-11000", 0, "exactly 11000 bytes", .size = 11000},
    {"size-11001", 0, "exactly 11001 bytes", .size = 11001},
    {"size-16380", 0, "exactly 16380 bytes", .size = 16380},
    {"size-16381", 0, "exactly 16381 bytes", .size = 16381},
    {"size-16385", 0, "exactly 16385 bytes", .size = 16385},
    {"brief", 0, "one second less than two hours in all", .flags = FORGE_EXACT,
	.this_update = -60, .next_update = 7139},
    {"brief-enough", 0, "two hours in all", .flags = FORGE_EXACT,
	.this_update = -60, .next_update = 7140},
    {"size-16384", 0, "exactly 16384 bytes", .size = 16384},
    {"size-65527", 0, "exactly 65527 bytes", .size = 65527},
    {"size-65528", 0, "exactly 65528 bytes", .size = 65528},
    {"size-65536", 0, "exactly 65536 bytes", .size = 65536},

    /* Not about our certificate, or of two minds about it. */
    {"good-only-neighbour", 4, "only about another certificate",
	.single = {{THEIRS}}},
    {"both-contradict", 4, "SHA-1 says good, SHA-256 says revoked",
	.single = {{OURS, .hash = FORGE_SHA1},
	    {OURS, REVOKED, .hash = FORGE_SHA256}}},
    {"both-contradict-unknown", 4, "SHA-1 good, SHA-256 unknown",
	.single = {{OURS, .hash = FORGE_SHA1},
	    {OURS, .status = FORGE_UNKNOWN, .hash = FORGE_SHA256}}},
    {"twice-contradict-good-first", 4, "good, then revoked",
	.single = {{OURS}, {OURS, REVOKED}}},
    {"twice-contradict-revoked-first", 4, "revoked, then good",
	.single = {{OURS, REVOKED}, {OURS}}},
    {"twice-first-expired", -1, "good twice, the first one expired",
	.single = {{OURS, .shift = -8 * D}, {OURS}}},
    {"twice-second-expired", -1, "good twice, the second one expired",
	.single = {{OURS}, {OURS, .shift = -8 * D}}},
    {"wrong-namehash", 4, "one bit of the issuer name hash",
	.single = {{OURS, .id = FORGE_BAD_NAME}}},
    {"wrong-keyhash", 4, "one bit of the issuer key hash",
	.single = {{OURS, .id = FORGE_BAD_KEY}}},
    {"wrong-serial", 4, "one bit of the serial number",
	.single = {{OURS, .id = FORGE_BAD_SERIAL}}},
    {"serial-negative", 4, "the serial number with the other sign",
	.single = {{OURS, .id = FORGE_NEG_SERIAL}}},
    {"hash-cut", 4, "both CertID hashes cut to ten bytes",
	.single = {{OURS, .id = FORGE_CUT_HASHES}}},
    {"hash-empty", 4, "both CertID hashes empty",
	.single = {{OURS, .id = FORGE_NO_HASHES}}},
    {"hash-strange", 4, "a CertID hash algorithm nobody knows",
	.single = {{OURS, .id = FORGE_ODD_HASH}}},
    {"hash-mislabelled", 4, "SHA-1 hashes that claim to be SHA-256",
	.single = {{OURS, .id = FORGE_MISLABELLED}}},
    {"empty-singles", 4, "no SingleResponse at all", .flags = FORGE_NO_SINGLES},

    /* Revoked and unknown. */
    {"revoked", 5, "revoked three days ago, keyCompromise",
	.single = {{OURS, REVOKED, .reason = 1}}},
    {"revoked-noreason", 5, "revoked without a reason",
	.single = {{OURS, REVOKED, .reason = -1}}},
    {"revoked-reason-300", 5, "revoked for a reason that there is not",
	.single = {{OURS, REVOKED, .reason = 300}}},
    {"revoked-reason-minus-7", 5, "revoked for less than no reason",
	.single = {{OURS, REVOKED, .reason = -7}}},
    {"revoked-hold", 5, "revoked, certificateHold",
	.single = {{OURS, REVOKED, .reason = 6}}},
    {"revoked-nonissued", 5, "certificateHold since 1970: not issued",
	.single = {{OURS, REVOKED, .reason = 6, .revoked = -1}}},
    {"revoked-delegate", 5, "revoked, by a delegate", .signer = "delegate",
	.single = {{OURS, REVOKED}}},
    {"revoked-newer", 5, "revoked, one minute old", .flags = FORGE_EXACT,
	.this_update = -60, .single = {{OURS, REVOKED}}},
    {"revoked-sha256", 5, "revoked under a SHA-256 CertID",
	.single = {{OURS, REVOKED, .hash = FORGE_SHA256}}},
    {"revoked-expired", 5, "revoked, but nextUpdate has passed",
	.this_update = -3 * D, .next_update = -H, .single = {{OURS, REVOKED}}},
    {"revoked-hold-expired", 4, "on hold, but nextUpdate has passed",
	.this_update = -3 * D, .next_update = -H,
	.single = {{OURS, REVOKED, .reason = 6}}},
    {"revoked-no-next", 5, "revoked, no nextUpdate (Dogtag)",
	.flags = FORGE_NO_NEXT, .single = {{OURS, REVOKED, .reason = 1}}},
    {"revoked-no-next-old", 5, "the same, a year old", .flags = FORGE_NO_NEXT,
	.this_update = -365 * D, .single = {{OURS, REVOKED, .reason = 1}}},
    {"revoked-sig-sha1", 5, "revoked, signed with SHA-1 (AD CS)", .md = "SHA1",
	.single = {{OURS, REVOKED}}},
    {"revoked-by-sha1-delegate", 5, "its certificate is signed with SHA-1",
	.signer = "delegate-sha1", .single = {{OURS, REVOKED}}},
    {"revoked-sig-md5", 4, "revoked, signed with MD5", .signer = "delegate-rsa",
	.md = "MD5", .single = {{OURS, REVOKED}}},
    {"revoked-by-weak-delegate", 4, "revoked, its signer's key is RSA-768",
	.signer = "delegate-weak", .single = {{OURS, REVOKED}}},
    {"revoked-by-expired", 5, "revoked, by a delegate that was valid then",
	.signer = "delegate-expired", .this_update = -3 * D,
	.single = {{OURS, REVOKED}}},
    {"revoked-by-long-expired", 4, "revoked, by one that was not",
	.signer = "delegate-expired", .flags = FORGE_EXACT, .this_update = -60,
	.single = {{OURS, REVOKED}}},
    {"revoked-by-expired-late", 4, "revoked a minute ago, says who has expired",
	.signer = "delegate-expired", .flags = FORGE_EXACT, .this_update = -60,
	.produced = -3 * D, .single = {{OURS, REVOKED}}},
    {"revoked-future", 4, "revoked, thisUpdate tomorrow", .this_update = D,
	.single = {{OURS, REVOKED}}},
    {"revoked-by-leaf", 4, "revoked, by the certificate itself",
	.signer = "leaf", .single = {{OURS, REVOKED}}},
    {"revoked-by-noeku", 4, "revoked, by one that is not for OCSP",
	.signer = "delegate-noeku", .single = {{OURS, REVOKED}}},
    {"unknown-by-stranger", 4, "unknown, by another CA's responder (EJBCA)",
	.signer = "stranger", .flags = FORGE_NO_NEXT,
	.single = {{OURS, .status = FORGE_UNKNOWN}}},
    {"revoked-forged", 4, "revoked, signed by the impostor", .signer = "other",
	.single = {{OURS, REVOKED}}},
    {"revoked-corrupt", 4, "revoked, signature corrupt",
	.flags = FORGE_SIG_CORRUPT, .single = {{OURS, REVOKED}}},
    {"unknown", 4, "unknown", .single = {{OURS, .status = FORGE_UNKNOWN}}},
    {"unknown-forged", 4, "unknown, signed by the impostor", .signer = "other",
	.single = {{OURS, .status = FORGE_UNKNOWN}}},

    /* Times. */
    {"expired", 4, "nextUpdate an hour ago", .this_update = -3 * D,
	.next_update = -H},
    {"just-expired", 4, "nextUpdate ten seconds ago", .flags = FORGE_EXACT,
	.this_update = -3 * D, .next_update = -10},
    {"expires-soon", 1, "nextUpdate in 200 seconds", .flags = FORGE_EXACT,
	.this_update = -3 * D, .next_update = 200},
    {"half-gone", 0, "five days old, two days to go", .this_update = -5 * D,
	.next_update = 2 * D},
    {"two-thirds-gone", 0, "six days old, one day to go", .this_update = -6 * D,
	.next_update = D},
    {"future", 4, "thisUpdate tomorrow", .this_update = D},
    {"skewed", 0, "thisUpdate in 200 seconds", .flags = FORGE_EXACT,
	.this_update = 200},
    {"skewed-too-far", 4, "thisUpdate in 400 seconds", .flags = FORGE_EXACT,
	.this_update = 400},
    {"this-after-next", 4, "nextUpdate 50 s hence, thisUpdate later",
	.flags = FORGE_EXACT, .this_update = 100, .next_update = 50},
    {"this-equals-next", 4, "both in 100 seconds", .flags = FORGE_EXACT,
	.this_update = 100, .next_update = 100},
    {"no-next", 0, "no nextUpdate", .flags = FORGE_NO_NEXT},
    {"no-next-now", 0, "no nextUpdate, thisUpdate this second (Dogtag)",
	.flags = FORGE_NO_NEXT | FORGE_EXACT, .this_update = -1},
    {"no-next-chain", 0, "no nextUpdate, by a delegate, with the chain",
	.signer = "delegate", .flags = FORGE_NO_NEXT | FORGE_BY_KEY,
	.extra = "ca,root"},
    {"no-next-day", 0, "no nextUpdate, thisUpdate 35 hours ago",
	.flags = FORGE_NO_NEXT, .this_update = -34 * H},
    {"no-next-days", 4, "no nextUpdate, thisUpdate 37 hours ago",
	.flags = FORGE_NO_NEXT, .this_update = -37 * H},
    {"no-next-old", 4, "no nextUpdate, thisUpdate a year ago",
	.flags = FORGE_NO_NEXT, .this_update = -365 * D},
    {"old", 0, "thisUpdate a year ago, seven days to go",
	.this_update = -365 * D},
    {"produced-future", -1, "producedAt tomorrow", .produced = D},
    ODD_TIMES("time", 4, "thisUpdate", this_text, this_update, -FAR),
    ODD_TIMES("next", 4, "nextUpdate", next_text, next_update, FAR),
    ODD_TIMES("produced", -1, "producedAt", produced_text, produced, -FAR),

    /* Signers. */
    {"good-nocerts", 4, "a delegate that does not send itself",
	.signer = "delegate", .flags = FORGE_NO_CERTS},
    {"by-leaf", 4, "by the certificate itself", .signer = "leaf"},
    {"by-sibling", 4, "by another server's certificate", .signer = "sibling"},
    {"by-root", 4, "by the issuer's issuer", .signer = "root"},
    {"by-other", 4, "by a CA with the issuer's name", .signer = "other"},
    {"by-other-nocerts", 4, "the same, without its certificate",
	.signer = "other", .flags = FORGE_NO_CERTS},
    {"by-sameski", 4, "by a CA with the issuer's name and key id",
	.signer = "sameski"},
    {"by-stranger", 4, "by a self-signed OCSP signer", .signer = "stranger"},
    {"by-expired-delegate", 4, "by an expired delegate",
	.signer = "delegate-expired"},
    {"by-future-delegate", 4, "by a delegate not yet valid",
	.signer = "delegate-future"},
    {"by-noeku", 4, "by a delegate without extended key usage",
	.signer = "delegate-noeku"},
    {"by-anyeku", 4, "by a delegate with anyExtendedKeyUsage",
	.signer = "delegate-anyeku"},
    {"by-critical-delegate", 4, "its certificate: unknown critical",
	.signer = "delegate-critical"},
    {"by-sha1-delegate", 4, "its certificate is signed with SHA-1",
	.signer = "delegate-sha1"},
    {"by-md5-delegate", 4, "its certificate is signed with MD5",
	.signer = "delegate-md5", .ca = "rsaca"},
    {"by-weak-delegate", 4, "its key is RSA-768", .signer = "delegate-weak"},
    {"by-short-delegate", 4, "its key is RSA-1016",
	.signer = "delegate-short-rsa"},
    {"by-mute-delegate", 4, "its keyUsage is for no signature",
	.signer = "delegate-mute"},
    {"by-delegate-of-root", 4, "by a delegate of the root",
	.signer = "delegate-of-root"},
    {"by-delegate-of-other", 4, "by a delegate of the impostor",
	.signer = "delegate-of-other", .extra = "other"},
    {"by-delegate-of-sub", 4, "by a delegate of a CA below the issuer",
	.signer = "delegate-of-sub", .extra = "sub"},
    {"wrong-responder", 4, "ResponderID by a key nobody has",
	.flags = FORGE_STRANGE_ID},
    {"sig-md5", 4, "by an RSA delegate, with MD5", .signer = "delegate-rsa",
	.md = "MD5"},
    {"sig-sha1", 4, "by the issuer, with SHA-1", .md = "SHA1"},
    {"adcs", 4, "by a delegate, with SHA-1 and nextPublish (AD CS as shipped)",
	.signer = "delegate", .md = "SHA1", .this_update = -2 * D,
	.next_update = 5 * D, .single = {{OURS, .ext = FORGE_PUBLISH}}},
    {"sig-sha512", 0, "by the issuer, with SHA-512", .md = "SHA512"},
    {"sig-corrupt", 4, "last bit of the signature flipped",
	.flags = FORGE_SIG_CORRUPT},
    {"sig-empty", 4, "an empty signature", .flags = FORGE_SIG_EMPTY},

    /* Extensions. */
    {"critical-response-ext", 4, "unknown critical responseExtension",
	.flags = FORGE_CRIT_EXT},
    {"critical-single-ext", 4, "unknown critical singleExtension",
	.single = {{OURS, .ext = FORGE_CRITICAL}}},
    {"critical-neighbour-ext", -1, "the same, of a neighbour's single",
	.single = {{THEIRS, .ext = FORGE_CRITICAL}, {OURS}}},
    {"nonce-echo", 0, "the nonce that was asked", .nonce = FORGE_NONCE_ECHO},
    {"nonce-wrong", 0, "another nonce (exit 4 with -N)",
	.nonce = FORGE_NONCE_WRONG},
    {"nonce-unasked", 0, "a nonce even if none was asked",
	.nonce = FORGE_NONCE_UNASKED},
    {"nonce-cut", 0, "half of the asked nonce (exit 4 with -N)",
	.nonce = FORGE_NONCE_CUT},

    /* Encodings. */
    {"trailing", 4, "a byte after it", .flags = FORGE_TRAILING},
    {"trailing-inside", 4, "bytes after the BasicOCSPResponse",
	.flags = FORGE_TRAIL_IN},
    {"ber-indefinite", -1, "SEQUENCE of indefinite length",
	.form = FORGE_BER_INDEFINITE},
    {"ber-length", -1, "SEQUENCE with a four byte length",
	.form = FORGE_BER_LENGTH},
    {"ber-octets", -1, "OCTET STRING in two pieces", .form = FORGE_BER_OCTETS},
    {"ber-basic", -1, "BasicOCSPResponse with a four byte length",
	.form = FORGE_BER_BASIC},
    {"truncated", 1, "the first half", .flags = FORGE_HALF},
    {"truncated-1", 1, "the last byte is missing", .flags = FORGE_SHORT},
    {"version-2", 4, "a version that does not exist", .flags = FORGE_V2},
    {"not-basic", 4, "another responseType", .flags = FORGE_NOT_BASIC},
    {"no-bytes", 4, "successful without responseBytes", .flags = FORGE_NO_BODY},
    {"size-65537", 1, "exactly 65537 bytes", .size = 65537},
    {"toobig", 1, "70000 bytes", .size = 70000},
    {"html", 1, "an HTML page", .raw = HTML},
    {"empty", 1, "no bytes", .raw = ""},
    {"one-byte", 1, "the byte 30 (hex)", .raw = "0"},

    /* Errors. */
    {"err-malformed", 1, "malformedRequest", .status = 1},
    {"err-internal", 1, "internalError", .status = 2},
    {"err-trylater", 1, "tryLater", .status = 3},
    {"err-unknown4", 1, "status 4, which is not used", .status = 4},
    {"err-sigrequired", 1, "sigRequired", .status = 5},
    {"err-unauthorized", 1, "unauthorized", .status = 6},
    {"err-unknown99", 1, "status 99", .status = 99},
    {"err-with-body", 1, "tryLater around a good response", .status = 3,
	.flags = FORGE_BODY},
    {.name = NULL}};

#undef H
#undef D

/* A certificate of the PKI. */
struct shape {
	const char *name;
	const char *issuer;
	const char *cn;
	const char *eku;    /* NULL: none */
	const char *key_of; /* shares the key of that one */
	const char *ski_of; /* claims the key id of that one */
	const char *ku;     /* NULL: what its kind needs */
	const char *md;     /* NULL: SHA256 */
	size_t rsa;         /* bits; 0: P-256 */
	unsigned int flags;
	long from, to; /* from now; 0: ten years each */
};

enum {
	IS_CA = 1,
	NOCHECK = 2,
	CRITICAL = 4,
	PRINTABLE = 8,   /* its name is a PrintableString */
	BY_SERIAL = 16,  /* its authorityKeyIdentifier has issuer and serial */
	CONSTRAINED = 32 /* to DNS names below example.org */
};

#define CA_OF(n, i, cn_, f)                                                    \
	.name = n, .issuer = i, .cn = cn_, .flags = IS_CA | (f)
#define CA(n, i, cn_) CA_OF(n, i, cn_, 0)
#define NO_SIGNER(n, i) .name = n, .issuer = i, .cn = "Test " n
#define SIGNER(n, i) NO_SIGNER(n, i), .eku = "OCSPSigning"

/* In an order in which the issuer always comes first. */
static const struct shape shapes[] = {
    {CA("root", "root", "Test Root"), .from = -ROOT_AGE},
    {CA("ca", "root", "Test Issuing CA")},
    {CA("other", "root", "Test Issuing CA")},
    {CA("sameski", "root", "Test Issuing CA"), .ski_of = "ca"},
    {CA("weakca", "root", "Test Weak CA"), .rsa = 768},
    {CA("rsaca", "root", "Test RSA CA"), .rsa = 2048},
    {CA("expiredca", "root", "Test Issuing CA"), .key_of = "ca",
	.from = -800 * FORGE_DAY, .to = -FORGE_DAY},
    {CA("sub", "ca", "Test CA below the Issuing CA")},
    /* The same CA again after a renewal: other serial, same name and key. */
    {CA("renewedca", "root", "Test Issuing CA"), .key_of = "ca"},
    /* One CA, whose name has two spellings; leaves are of the first. */
    {CA_OF("printca", "root", "Test Spelled CA", PRINTABLE)},
    {CA("utf8ca", "root", "Test Spelled CA"), .key_of = "printca"},
    {CA_OF("printroot", "printroot", "Test Spelled Root", PRINTABLE)},
    {CA("utf8root", "utf8root", "Test Spelled Root"), .key_of = "printroot"},
    {CA("printsub", "printca", "Test CA below the Spelled CA")},
    {CA_OF("constrainedca", "root", "Test Constrained CA", CONSTRAINED)},
    {SIGNER("delegate", "ca"), .flags = NOCHECK},
    {SIGNER("delegate-check", "ca")},
    {SIGNER("delegate-rsa", "ca"), .flags = NOCHECK, .rsa = 2048},
    {SIGNER("delegate-short", "ca"), .flags = NOCHECK, .to = 2 * FORGE_HOUR},
    {SIGNER("delegate-expired", "ca"), .flags = NOCHECK, .to = -FORGE_HOUR},
    {SIGNER("delegate-ended", "ca"), .flags = NOCHECK, .to = -400 * FORGE_DAY},
    {SIGNER("delegate-future", "ca"), .flags = NOCHECK, .from = FORGE_DAY},
    {NO_SIGNER("delegate-noeku", "ca"), .flags = NOCHECK},
    {NO_SIGNER("delegate-anyeku", "ca"), .flags = NOCHECK,
	.eku = "anyExtendedKeyUsage"},
    {SIGNER("delegate-critical", "ca"), .flags = NOCHECK | CRITICAL},
    {SIGNER("delegate-sha1", "ca"), .flags = NOCHECK, .md = "SHA1"},
    /* ECDSA with MD5 has no name, so this one needs an RSA issuer. */
    {SIGNER("delegate-md5", "rsaca"), .flags = NOCHECK, .md = "MD5"},
    {SIGNER("delegate-weak", "ca"), .flags = NOCHECK, .rsa = 768},
    {SIGNER("delegate-short-rsa", "ca"), .flags = NOCHECK, .rsa = 1016},
    {SIGNER("delegate-mute", "ca"), .flags = NOCHECK, .ku = "keyAgreement"},
    {SIGNER("delegate-committed", "ca"), .flags = NOCHECK,
	.ku = "nonRepudiation"},
    {SIGNER("delegate-by-serial", "ca"), .flags = NOCHECK | BY_SERIAL},
    {SIGNER("delegate-of-printca", "printca"), .flags = NOCHECK},
    {SIGNER("delegate-of-utf8ca", "utf8ca"), .flags = NOCHECK},
    {SIGNER("delegate-of-printsub", "printsub"), .flags = NOCHECK},
    {.name = "sibling-of-printca",
	.issuer = "printca",
	.cn = "sibling.example",
	.eku = "serverAuth"},
    {.name = "delegate-elsewhere",
	.issuer = "constrainedca",
	.cn = "ocsp.elsewhere.example",
	.eku = "OCSPSigning",
	.flags = NOCHECK},
    {SIGNER("delegate-of-root", "root"), .flags = NOCHECK},
    {SIGNER("delegate-of-other", "other"), .flags = NOCHECK},
    {SIGNER("delegate-of-sub", "sub"), .flags = NOCHECK},
    {SIGNER("stranger", "stranger"), .flags = NOCHECK},
    {.name = "sibling",
	.issuer = "ca",
	.cn = "sibling.example",
	.eku = "serverAuth"}};

/* Those that may have issued a leaf, the likely ones first. */
static const char *const issuers[] = {"ca", "rsaca", "weakca", "other",
    "sameski", "sub", "root", "utf8ca", "printca", "utf8root", "printroot",
    "constrainedca"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NEED(x) need((x), __LINE__)
#define MUST(x) must((x) > 0, __LINE__)

struct ent {
	char *name;
	X509 *cert;
	EVP_PKEY *key;
};

struct forge {
	char *dir;
	time_t created;
	struct timespec seen; /* dir's mtime when leaves were read */
	struct ent *pki;      /* loaded when first wanted */
	size_t npki;
	struct ent *leaves; /* every certificate, no keys */
	size_t nleaves;
};

static void die(const char *, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

static void
die(const char *fmt, ...)
{
	va_list ap;

	fputs("forge: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	ERR_print_errors_fp(stderr);
	exit(99);
}

static void
must(int good, int line)
{
	if (!good)
		die("forge.c:%d: failed", line);
}

static void *
need(void *p, int line)
{
	if (p == NULL)
		die("forge.c:%d: failed", line);
	return p;
}

/*
 * The PKI
 */

static char *
path_of(const char *dir, const char *name, const char *ext)
{
	size_t n = strlen(dir) + strlen(name) + strlen(ext) + 2;
	char *s = NEED(malloc(n));

	snprintf(s, n, "%s/%s%s", dir, name, ext);
	return s;
}

/* Unlink first: a running responder then sees that the directory changed. */
static FILE *
create(const char *path)
{
	FILE *f;

	unlink(path);
	if ((f = fopen(path, "w")) == NULL)
		die("%s: cannot create", path);
	return f;
}

static void
save(const char *dir, const struct ent *e)
{
	char *cert = path_of(dir, e->name, ".pem");
	char *key = path_of(dir, e->name, ".key");
	FILE *f;

	f = create(key);
	MUST(fchmod(fileno(f), 0600) == 0);
	MUST(PEM_write_PKCS8PrivateKey(f, e->key, NULL, NULL, 0, NULL, NULL));
	MUST(fclose(f) == 0);
	f = create(cert);
	MUST(PEM_write_X509(f, e->cert));
	MUST(fclose(f) == 0);
	free(cert);
	free(key);
}

static X509 *
load_cert(const char *dir, const char *name)
{
	char *path = path_of(dir, name, ".pem");
	FILE *f = fopen(path, "r");
	X509 *x = NULL;

	if (f != NULL) {
		x = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
	}
	free(path);
	ERR_clear_error();
	return x;
}

static EVP_PKEY *
load_key(const char *dir, const char *name)
{
	char *path = path_of(dir, name, ".key");
	FILE *f = fopen(path, "r");
	EVP_PKEY *k = NULL;

	if (f != NULL) {
		k = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
	}
	free(path);
	ERR_clear_error();
	return k;
}

static void
ent_clear(struct ent *e)
{
	X509_free(e->cert);
	EVP_PKEY_free(e->key);
	free(e->name);
}

static EVP_PKEY *
new_key(size_t rsa)
{
	return NEED(rsa > 0 ? EVP_RSA_gen(rsa) : EVP_EC_gen("P-256"));
}

static const EVP_MD *
digest(const char *name)
{
	const EVP_MD *md;

	md = EVP_get_digestbyname(name == NULL ? "SHA256" : name);
	MUST(md != NULL);
	return md;
}

/*
 * Signs with SHA-1, in steps: libcrypto of RHEL 9 refuses to do it in one, and
 * what it says of such a signature is to be tested there, too.
 */
static void
sign_sha1(const unsigned char *der, int n, EVP_PKEY *key, X509_ALGOR *alg,
    const ASN1_BIT_STRING *to)
{
	EVP_PKEY_CTX *c = NEED(EVP_PKEY_CTX_new(key, NULL));
	ASN1_BIT_STRING *bits = (ASN1_BIT_STRING *)(size_t)to;
	unsigned char md[EVP_MAX_MD_SIZE], sig[256];
	size_t len = sizeof(sig);
	unsigned int size;

	/* of RSA, what is signed would be more than the hash */
	MUST(EVP_PKEY_is_a(key, "EC"));
	MUST(EVP_Digest(der, (size_t)n, md, &size, EVP_sha1(), NULL));
	MUST(EVP_PKEY_sign_init(c));
	MUST(EVP_PKEY_sign(c, sig, &len, md, size));
	MUST(X509_ALGOR_set0(
	    alg, OBJ_nid2obj(NID_ecdsa_with_SHA1), V_ASN1_UNDEF, NULL));
	MUST(ASN1_STRING_set(bits, sig, (int)len));
	bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7L);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	EVP_PKEY_CTX_free(c);
}

/* A certificate; SHA-1 is named twice in it. */
static void
sign_cert(X509 *x, EVP_PKEY *key, const EVP_MD *md)
{
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	unsigned char *der = NULL;
	int n;

	if (!EVP_MD_is_a(md, "SHA1")) {
		MUST(X509_sign(x, key, md));
		return;
	}
	MUST(X509_ALGOR_set0((X509_ALGOR *)(size_t)X509_get0_tbs_sigalg(x),
	    OBJ_nid2obj(NID_ecdsa_with_SHA1), V_ASN1_UNDEF, NULL));
	X509_get0_signature(&sig, &alg, x);
	MUST(n = i2d_re_X509_tbs(x, &der));
	sign_sha1(der, n, key, (X509_ALGOR *)(size_t)alg, sig);
	OPENSSL_free(der);
}

static void
set_serial(X509 *x, const char *hex)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i;

	if (hex != NULL) {
		if (BN_hex2bn(&bn, hex) <= 0)
			die("%s: not a hexadecimal number", hex);
	} else {
		/* top bit set: always 16 bytes, as CAs have it */
		bn = NEED(BN_new());
		MUST(BN_rand(bn, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
	}
	i = NEED(BN_to_ASN1_INTEGER(bn, NULL));
	MUST(X509_set_serialNumber(x, i));
	ASN1_INTEGER_free(i);
	BN_free(bn);
}

/* By bytes, so that a name may be long or full of control characters. */
static void
set_subject(X509 *x, const char *cn, int type)
{
	X509_NAME *name = NEED(X509_NAME_new());

	MUST(X509_NAME_add_entry_by_NID(name, NID_commonName, type,
	    (const unsigned char *)cn, (int)strlen(cn), -1, 0));
	MUST(X509_set_subject_name(x, name));
	X509_NAME_free(name);
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = NEED(X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
	MUST(X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

/* An extension that no program knows, around so many bytes. */
static X509_EXTENSION *
strange_ext(int critical, size_t len)
{
	ASN1_OBJECT *oid = NEED(OBJ_txt2obj(STRANGE_OID, 1));
	ASN1_OCTET_STRING *s = NEED(ASN1_OCTET_STRING_new());
	unsigned char *bytes = NEED(calloc(1, len + 1));
	X509_EXTENSION *e;

	MUST(ASN1_OCTET_STRING_set(s, bytes, (int)len));
	e = NEED(X509_EXTENSION_create_by_OBJ(NULL, oid, critical, s));
	free(bytes);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(oid);
	return e;
}

static X509 *
new_cert(const char *cn, int type, X509 *issuer, EVP_PKEY *key, time_t from,
    time_t to, const char *serial)
{
	X509 *x = NEED(X509_new());

	MUST(X509_set_version(x, X509_VERSION_3));
	set_serial(x, serial);
	set_subject(x, cn, type);
	MUST(X509_set_issuer_name(
	    x, X509_get_subject_name(issuer == NULL ? x : issuer)));
	MUST(X509_set_pubkey(x, key));
	NEED(ASN1_TIME_set(X509_getm_notBefore(x), from));
	NEED(ASN1_TIME_set(X509_getm_notAfter(x), to));
	return x;
}

static struct ent *
ent_find(struct ent *v, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (name != NULL && v[i].name != NULL &&
		    strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

static void
add_key_ids(const struct shape *s, X509 *x, X509 *issuer, struct ent *ski_of)
{
	if (ski_of != NULL)
		MUST(X509_add1_ext_i2d(x, NID_subject_key_identifier,
		    (void *)(size_t)X509_get0_subject_key_id(ski_of->cert), 0,
		    X509V3_ADD_DEFAULT));
	else
		add_ext(x, x, NID_subject_key_identifier, "hash");
	if (strcmp(s->name, s->issuer) != 0)
		add_ext(x, issuer, NID_authority_key_identifier,
		    s->flags & BY_SERIAL ? "keyid:always,issuer:always"
					 : "keyid");
}

static void
add_usage(const struct shape *s, X509 *x)
{
	const char *ku = "critical,digitalSignature";

	if (s->flags & IS_CA) {
		add_ext(x, NULL, NID_basic_constraints, "critical,CA:TRUE");
		ku = "critical,keyCertSign,cRLSign,digitalSignature";
	}
	add_ext(x, NULL, NID_key_usage, s->ku != NULL ? s->ku : ku);
	if (s->eku != NULL)
		add_ext(x, NULL, NID_ext_key_usage, s->eku);
	if (s->flags & NOCHECK)
		add_ext(x, NULL, NID_id_pkix_OCSP_noCheck, "ignored");
	if (s->flags & CONSTRAINED)
		add_ext(x, NULL, NID_name_constraints,
		    "critical,permitted;DNS:example.org");
}

static void
make_shape(const struct shape *s, struct ent *done, size_t n, time_t now)
{
	struct ent *e = &done[n];
	struct ent *issuer = ent_find(done, n, s->issuer);
	struct ent *same = ent_find(done, n, s->key_of);
	X509_EXTENSION *odd;

	e->name = NEED(strdup(s->name));
	if (same != NULL) {
		e->key = same->key;
		MUST(EVP_PKEY_up_ref(e->key));
	} else
		e->key = new_key(s->rsa);
	e->cert = new_cert(s->cn,
	    s->flags & PRINTABLE ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
	    issuer == NULL ? NULL : issuer->cert, e->key,
	    now + (s->from == 0 ? -ROOT_AGE : s->from),
	    now + (s->to == 0 ? ROOT_AGE : s->to), NULL);
	if (issuer == NULL)
		issuer = e;
	add_usage(s, e->cert);
	if (s->flags & CRITICAL) {
		odd = strange_ext(1, 2);
		MUST(X509_add_ext(e->cert, odd, -1));
		X509_EXTENSION_free(odd);
	}
	add_key_ids(s, e->cert, issuer->cert, ent_find(done, n, s->ski_of));
	sign_cert(e->cert, issuer->key, digest(s->md));
}

void
forge_pki(const char *dir, time_t now)
{
	struct ent done[COUNT(shapes)];
	size_t i;

	memset(done, 0, sizeof(done));
	for (i = 0; i < COUNT(shapes); i++) {
		make_shape(&shapes[i], done, i, now);
		save(dir, &done[i]);
	}
	for (i = 0; i < COUNT(shapes); i++)
		ent_clear(&done[i]);
}

static GENERAL_NAME *
general_name(int type, const void *bytes, size_t len)
{
	GENERAL_NAME *g = NEED(GENERAL_NAME_new());
	ASN1_STRING *s;

	s = NEED(ASN1_STRING_type_new(
	    type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
	MUST(ASN1_STRING_set(s, bytes, (int)len));
	GENERAL_NAME_set0_value(g, type, s);
	return g;
}

/* So that a server with it can be reached by name or on loopback. */
static void
add_names(X509 *x, const char *cn)
{
	static const unsigned char loopback[] = {127, 0, 0, 1};
	GENERAL_NAMES *names = NEED(GENERAL_NAMES_new());

	MUST(
	    sk_GENERAL_NAME_push(names, general_name(GEN_DNS, cn, strlen(cn))));
	MUST(
	    sk_GENERAL_NAME_push(names, general_name(GEN_DNS, "localhost", 9)));
	MUST(sk_GENERAL_NAME_push(
	    names, general_name(GEN_IPADD, loopback, sizeof(loopback))));
	MUST(X509_add1_ext_i2d(
	    x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT));
	GENERAL_NAMES_free(names);
}

static void
add_access(AUTHORITY_INFO_ACCESS *aia, int nid, const char *url)
{
	ACCESS_DESCRIPTION *ad = NEED(ACCESS_DESCRIPTION_new());

	ad->method = NEED(OBJ_nid2obj(nid));
	GENERAL_NAME_free(ad->location);
	ad->location = general_name(GEN_URI, url, strlen(url));
	MUST(sk_ACCESS_DESCRIPTION_push(aia, ad));
}

static void
add_aia(X509 *x, const struct forge_leaf *l)
{
	AUTHORITY_INFO_ACCESS *aia = NEED(AUTHORITY_INFO_ACCESS_new());
	size_t i;

	for (i = 0; i < l->nurls; i++)
		add_access(aia, NID_ad_OCSP, l->urls[i]);
	for (i = 0; i < l->nissuer_urls; i++)
		add_access(aia, NID_ad_ca_issuers, l->issuer_urls[i]);
	if (sk_ACCESS_DESCRIPTION_num(aia) > 0)
		MUST(X509_add1_ext_i2d(
		    x, NID_info_access, aia, 0, X509V3_ADD_DEFAULT));
	AUTHORITY_INFO_ACCESS_free(aia);
}

static void
fill_leaf(X509 *x, X509 *issuer, const struct forge_leaf *l)
{
	add_ext(x, NULL, NID_basic_constraints, "critical,CA:FALSE");
	add_ext(x, NULL, NID_key_usage, "critical,digitalSignature");
	add_ext(x, NULL, NID_ext_key_usage, "serverAuth");
	add_ext(x, x, NID_subject_key_identifier, "hash");
	if (issuer != x)
		add_ext(x, issuer, NID_authority_key_identifier, "keyid");
	add_names(x, l->cn == NULL ? l->name : l->cn);
	add_aia(x, l);
	if (l->must_staple)
		add_ext(x, NULL, NID_tlsfeature, "status_request");
}

void
forge_leaf(const char *dir, const struct forge_leaf *l, time_t now)
{
	const char *ca = l->ca == NULL ? "ca" : l->ca;
	int dflt = l->from == 0 && l->to == 0;
	struct ent e, issuer;
	size_t i;

	for (i = 0; i < COUNT(shapes); i++)
		if (strcmp(shapes[i].name, l->name) == 0)
			die("%s: belongs to the PKI", l->name);
	e.name = NEED(strdup(l->name));
	e.key = new_key(l->rsa ? 2048 : 0);
	memset(&issuer, 0, sizeof(issuer));
	if (!l->self_signed) {
		issuer.cert = load_cert(dir, ca);
		issuer.key = load_key(dir, ca);
		if (issuer.cert == NULL || issuer.key == NULL)
			die("%s: no CA of that name in %s", ca, dir);
	}
	e.cert = new_cert(l->cn == NULL ? l->name : l->cn, V_ASN1_UTF8STRING,
	    issuer.cert, e.key, now + (dflt ? -30 * FORGE_DAY : l->from),
	    now + (dflt ? 60 * FORGE_DAY : l->to), l->serial);
	fill_leaf(e.cert, l->self_signed ? e.cert : issuer.cert, l);
	sign_cert(e.cert, l->self_signed ? e.key : issuer.key, digest(l->md));
	save(dir, &e);
	ent_clear(&e);
	ent_clear(&issuer);
}

/*
 * An open PKI
 */

struct forge *
forge_open(const char *dir)
{
	struct forge *f = NEED(calloc(1, sizeof(*f)));
	X509 *root = load_cert(dir, "root");
	struct tm tm;

	if (root == NULL)
		die("%s: no PKI (forge pki makes one)", dir);
	MUST(ASN1_TIME_to_tm(X509_get0_notBefore(root), &tm));
	f->created = timegm(&tm) + ROOT_AGE;
	f->dir = NEED(strdup(dir));
	X509_free(root);
	return f;
}

static void
ents_free(struct ent *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ent_clear(&v[i]);
	free(v);
}

void
forge_close(struct forge *f)
{
	if (f == NULL)
		return;
	ents_free(f->pki, f->npki);
	ents_free(f->leaves, f->nleaves);
	free(f->dir);
	free(f);
}

static struct ent *
ent_add(struct ent **v, size_t *n, const char *name)
{
	struct ent *e;

	*v = NEED(realloc(*v, (*n + 1) * sizeof(**v)));
	e = &(*v)[(*n)++];
	e->name = NEED(strdup(name));
	e->cert = NULL;
	e->key = NULL;
	return e;
}

/* A certificate and key of the PKI; the next call may move it. */
static struct ent
pki_get(struct forge *f, const char *name)
{
	struct ent *e = ent_find(f->pki, f->npki, name);

	if (e == NULL) {
		e = ent_add(&f->pki, &f->npki, name);
		e->cert = load_cert(f->dir, name);
		e->key = load_key(f->dir, name);
		if (e->cert == NULL || e->key == NULL)
			die("%s/%s: no such certificate", f->dir, name);
	}
	return *e;
}

/* Read all certificates again, if there may be other ones than last time. */
static void
read_leaves(struct forge *f)
{
	struct stat st;
	struct dirent *de;
	struct ent *e;
	char *dot;
	DIR *d;

	if (stat(f->dir, &st) == -1 ||
	    (st.st_mtim.tv_sec == f->seen.tv_sec &&
		st.st_mtim.tv_nsec == f->seen.tv_nsec))
		return;
	ents_free(f->leaves, f->nleaves);
	f->leaves = NULL;
	f->nleaves = 0;
	f->seen = st.st_mtim;
	d = NEED(opendir(f->dir));
	while ((de = readdir(d)) != NULL) {
		dot = strrchr(de->d_name, '.');
		if (dot == NULL || dot == de->d_name ||
		    strcmp(dot, ".pem") != 0)
			continue;
		e = ent_add(&f->leaves, &f->nleaves, de->d_name);
		e->name[dot - de->d_name] = '\0';
		e->cert = load_cert(f->dir, e->name);
	}
	closedir(d);
}

static const struct ent *
known_serial(struct forge *f, const ASN1_INTEGER *serial)
{
	size_t i;
	int again;

	for (again = 0; again < 2; again++) {
		for (i = 0; i < f->nleaves; i++)
			if (f->leaves[i].cert != NULL &&
			    ASN1_INTEGER_cmp(serial,
				X509_get0_serialNumber(f->leaves[i].cert)) == 0)
				return &f->leaves[i];
		read_leaves(f);
	}
	return NULL;
}

static struct ent
issuer_of(struct forge *f, X509 *leaf)
{
	struct ent e;
	size_t i;

	for (i = 0; i < COUNT(issuers); i++) {
		e = pki_get(f, issuers[i]);
		if (X509_NAME_cmp(X509_get_issuer_name(leaf),
			X509_get_subject_name(e.cert)) == 0 &&
		    X509_verify(leaf, e.key) == 1)
			return e;
		ERR_clear_error();
	}
	return pki_get(f, "ca");
}

/*
 * Responses
 */

/* Whose status is to be told. */
struct subject {
	char *name;        /* NULL: not in the directory */
	struct ent issuer; /* borrowed */
	ASN1_INTEGER *serial;
	OCSP_REQUEST *req;  /* NULL: nobody asked */
	OCSP_CERTID *asked; /* part of req */
};

static void
subject_clear(struct subject *s)
{
	free(s->name);
	ASN1_INTEGER_free(s->serial);
	OCSP_REQUEST_free(s->req);
}

static int
read_request(struct subject *s, const unsigned char *der, size_t len)
{
	const unsigned char *p = der;

	s->req = d2i_OCSP_REQUEST(NULL, &p, (long)len);
	ERR_clear_error();
	if (s->req == NULL || p != der + len ||
	    OCSP_request_onereq_count(s->req) < 1)
		return -1;
	s->asked = OCSP_onereq_get0_id(OCSP_request_onereq_get0(s->req, 0));
	return 0;
}

/* The CA that a CertID names, by whatever hash; NULL in .cert if none. */
static struct ent
issuer_asked(struct forge *f, OCSP_CERTID *id)
{
	struct ent e, none = {NULL, NULL, NULL};
	ASN1_OBJECT *alg;
	OCSP_CERTID *ours;
	const EVP_MD *md;
	size_t i;
	int same;

	OCSP_id_get0_info(NULL, &alg, NULL, NULL, id);
	if ((md = EVP_get_digestbyobj(alg)) == NULL)
		return none;
	for (i = 0; i < COUNT(issuers); i++) {
		e = pki_get(f, issuers[i]);
		ours = NEED(OCSP_cert_to_id(md, NULL, e.cert));
		same = OCSP_id_issuer_cmp(ours, id) == 0;
		OCSP_CERTID_free(ours);
		if (same)
			return e;
	}
	return none;
}

static int
find_subject(struct forge *f, struct subject *s, const char *leaf)
{
	const struct ent *known;
	ASN1_INTEGER *serial;
	X509 *x;

	if (leaf != NULL) {
		if ((x = load_cert(f->dir, leaf)) == NULL)
			return -1;
		s->name = NEED(strdup(leaf));
		s->issuer = issuer_of(f, x);
		s->serial = NEED(ASN1_INTEGER_dup(X509_get0_serialNumber(x)));
		X509_free(x);
		return 0;
	}
	if (s->asked == NULL)
		return -1;
	OCSP_id_get0_info(NULL, NULL, NULL, &serial, s->asked);
	s->serial = NEED(ASN1_INTEGER_dup(serial));
	s->issuer = issuer_asked(f, s->asked);
	known = known_serial(f, serial);
	if (known != NULL)
		s->name = NEED(strdup(known->name));
	if (s->issuer.cert == NULL)
		s->issuer = known != NULL ? issuer_of(f, known->cert)
					  : pki_get(f, "ca");
	return 0;
}

static void
flip(const ASN1_STRING *s, unsigned char mask)
{
	int len = ASN1_STRING_length(s);
	unsigned char *p = (unsigned char *)(size_t)ASN1_STRING_get0_data(s);

	if (len > 0)
		p[len - 1] ^= mask;
}

static void
cut(ASN1_OCTET_STRING *s, int len)
{
	unsigned char kept[16];

	if (ASN1_STRING_length(s) < len)
		len = ASN1_STRING_length(s);
	memcpy(kept, ASN1_STRING_get0_data(s), (size_t)len);
	MUST(ASN1_STRING_set(s, kept, len));
}

/* Bytes of ours, that grow. */
struct buf {
	unsigned char *p;
	size_t n;
};

static void
put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	b->p = NEED(realloc(b->p, b->n + n));
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void
put_head(struct buf *b, unsigned char tag, size_t n, int wide)
{
	unsigned char head[6] = {tag};
	size_t used = 2, len = 0, i;

	if (wide)
		len = 4;
	else if (n > 127)
		len = n < 256 ? 1 : n < 65536 ? 2 : 3;
	head[1] = (unsigned char)(len == 0 ? n : 0x80 | len);
	for (i = len; i-- > 0;)
		head[used++] = (unsigned char)(n >> (8 * i));
	put(b, head, used);
}

/* Wrap all that is in b. */
static void
wrap(struct buf *b, unsigned char tag, int wide)
{
	struct buf out = {NULL, 0};

	put_head(&out, tag, b->n, wide);
	put(&out, b->p, b->n);
	free(b->p);
	*b = out;
}

/* Append what an i2d function made, and free it. */
static void
put_der(struct buf *b, unsigned char *der, int len)
{
	MUST(len);
	put(b, der, (size_t)len);
	OPENSSL_free(der);
}

/* The same CertID under another algorithm: it has no setter. */
static OCSP_CERTID *
relabel(OCSP_CERTID *id, const char *oid)
{
	ASN1_OBJECT *to = NEED(OBJ_txt2obj(oid, 1));
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *serial;
	struct buf b = {NULL, 0};
	unsigned char *der;
	const unsigned char *p;
	OCSP_CERTID *fresh;
	int len;

	OCSP_id_get0_info(&name, NULL, &key, &serial, id);
	der = NULL;
	len = i2d_ASN1_OBJECT(to, &der);
	put_der(&b, der, len);
	put(&b, "\5", 2);
	wrap(&b, 0x30, 0);
	der = NULL;
	len = i2d_ASN1_OCTET_STRING(name, &der);
	put_der(&b, der, len);
	der = NULL;
	len = i2d_ASN1_OCTET_STRING(key, &der);
	put_der(&b, der, len);
	der = NULL;
	len = i2d_ASN1_INTEGER(serial, &der);
	put_der(&b, der, len);
	wrap(&b, 0x30, 0);
	p = b.p;
	fresh = NEED(d2i_OCSP_CERTID(NULL, &p, (long)b.n));
	free(b.p);
	ASN1_OBJECT_free(to);
	OCSP_CERTID_free(id);
	return fresh;
}

static OCSP_CERTID *
falsify(OCSP_CERTID *id, const struct forge_single *sg, int i)
{
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *serial;

	OCSP_id_get0_info(&name, NULL, &key, &serial, id);
	if (sg->who == FORGE_NEIGHBOUR)
		flip(serial, (unsigned char)(1 + i + 100 * (int)sg->status));
	if (sg->id == FORGE_BAD_NAME)
		flip(name, 1);
	else if (sg->id == FORGE_BAD_KEY)
		flip(key, 1);
	else if (sg->id == FORGE_BAD_SERIAL)
		flip(serial, 1);
	else if (sg->id == FORGE_NEG_SERIAL)
		serial->type ^= V_ASN1_NEG;
	else if (sg->id == FORGE_ODD_HASH)
		return relabel(id, STRANGE_OID);
	else if (sg->id == FORGE_MISLABELLED)
		return relabel(id, "2.16.840.1.101.3.4.2.1");
	else if (sg->id != FORGE_TRUE_ID) {
		cut(name, sg->id == FORGE_NO_HASHES ? 0 : 10);
		cut(key, sg->id == FORGE_NO_HASHES ? 0 : 10);
	}
	return id;
}

/* The same name, whose parts are UTF8Strings. */
static X509_NAME *
respelled(X509 *x)
{
	X509_NAME *name = NEED(X509_NAME_dup(X509_get_subject_name(x)));
	X509_NAME_ENTRY *e;
	ASN1_STRING *s;
	int i;

	for (i = 0; i < X509_NAME_entry_count(name); i++) {
		e = X509_NAME_delete_entry(name, i);
		s = NEED(ASN1_STRING_dup(X509_NAME_ENTRY_get_data(e)));
		MUST(X509_NAME_ENTRY_set_data(e, V_ASN1_UTF8STRING,
		    ASN1_STRING_get0_data(s), ASN1_STRING_length(s)));
		MUST(X509_NAME_add_entry(name, e, i, 0));
		ASN1_STRING_free(s);
		X509_NAME_ENTRY_free(e);
	}
	return name;
}

static OCSP_CERTID *
new_id(const struct subject *s, const struct forge_single *sg, int i)
{
	const EVP_MD *md = EVP_sha1();
	X509_NAME *name;
	OCSP_CERTID *id;

	if (sg->hash == FORGE_SHA256)
		md = EVP_sha256();
	if (sg->id == FORGE_RESPELLED) {
		name = respelled(s->issuer.cert);
		id = NEED(OCSP_cert_id_new(md, name,
		    X509_get0_pubkey_bitstr(s->issuer.cert), s->serial));
		X509_NAME_free(name);
		return id;
	}
	if (sg->hash == FORGE_ASKED && s->asked != NULL &&
	    sg->id != FORGE_MISLABELLED)
		id = NEED(OCSP_CERTID_dup(s->asked));
	else
		id = NEED(
		    OCSP_cert_id_new(md, X509_get_subject_name(s->issuer.cert),
			X509_get0_pubkey_bitstr(s->issuer.cert), s->serial));
	return falsify(id, sg, i);
}

/* The three times that a recipe names, as moments. */
struct times {
	time_t now, base, this_update, next_update, produced;
};

static struct times
times_of(const struct forge *f, const struct forge_recipe *r, time_t now)
{
	time_t age = (now - f->created) % FORGE_HOUR;
	struct times t;

	t.now = now;
	t.base = now;
	if (!(r->flags & FORGE_EXACT))
		t.base -= age < 0 ? age + FORGE_HOUR : age;
	t.this_update =
	    t.base + (r->this_update == 0 ? -FORGE_HOUR : r->this_update);
	t.next_update =
	    t.base + (r->next_update == 0 ? 7 * FORGE_DAY : r->next_update);
	if (r->produced != 0)
		t.produced = t.base + r->produced;
	else
		t.produced = t.this_update < now ? t.this_update : now;
	return t;
}

/* Fill in a pattern such as "YmdHMSZ". */
static void
spell(ASN1_GENERALIZEDTIME *to, const char *pattern, time_t when)
{
	char out[64];
	size_t n = 0;
	struct tm tm;
	int v;

	NEED(gmtime_r(&when, &tm));
	for (; *pattern != '\0' && n < sizeof(out) - 4; pattern++) {
		switch (*pattern) {
		case 'Y':
			v = tm.tm_year / 100 + 19;
			n += (size_t)snprintf(out + n, 3, "%02d", v % 100);
			__attribute__((fallthrough));
		case 'y':
			v = tm.tm_year;
			break;
		case 'm':
			v = tm.tm_mon + 1;
			break;
		case 'd':
			v = tm.tm_mday;
			break;
		case 'H':
			v = tm.tm_hour;
			break;
		case 'M':
			v = tm.tm_min;
			break;
		case 'S':
			v = tm.tm_sec;
			break;
		default:
			out[n++] = (char)(*pattern == '@' ? '\0' : *pattern);
			continue;
		}
		n += (size_t)snprintf(out + n, 3, "%02d", v % 100);
	}
	MUST(ASN1_STRING_set(to, out, (int)n));
}

/* What AD CS says of its next CRL: a UTCTime. */
static X509_EXTENSION *
next_publish(time_t when)
{
	ASN1_OBJECT *oid = NEED(OBJ_txt2obj("1.3.6.1.4.1.311.21.4", 1));
	ASN1_OCTET_STRING *s = NEED(ASN1_OCTET_STRING_new());
	ASN1_UTCTIME *t = NEED(ASN1_UTCTIME_set(NULL, when));
	unsigned char *der = NULL;
	X509_EXTENSION *e;
	int len = i2d_ASN1_UTCTIME(t, &der);

	MUST(ASN1_OCTET_STRING_set(s, der, len));
	e = NEED(X509_EXTENSION_create_by_OBJ(NULL, oid, 0, s));
	OPENSSL_free(der);
	ASN1_UTCTIME_free(t);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(oid);
	return e;
}

static void
add_single(OCSP_BASICRESP *bs, const struct subject *s,
    const struct forge_recipe *r, const struct forge_single *sg,
    const struct times *t, int i)
{
	static const int status[] = {V_OCSP_CERTSTATUS_GOOD,
	    V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN};
	ASN1_GENERALIZEDTIME *this, *next = NULL, *rev;
	OCSP_CERTID *id = new_id(s, sg, i);
	OCSP_SINGLERESP *one;
	X509_EXTENSION *e;

	this = NEED(ASN1_GENERALIZEDTIME_set(NULL, t->this_update + sg->shift));
	if (!(r->flags & FORGE_NO_NEXT))
		next = NEED(
		    ASN1_GENERALIZEDTIME_set(NULL, t->next_update + sg->shift));
	/* 1970 has no offset from now that a table could hold: -1 */
	rev = NEED(ASN1_GENERALIZEDTIME_set(NULL,
	    sg->revoked == -1
		? 0
		: t->base + (sg->revoked == 0 ? -3 * FORGE_DAY : sg->revoked)));
	one = NEED(OCSP_basic_add1_status(
	    bs, id, status[sg->status], sg->reason, rev, this, next));
	ASN1_GENERALIZEDTIME_free(this);
	ASN1_GENERALIZEDTIME_free(next);
	ASN1_GENERALIZEDTIME_free(rev);
	OCSP_CERTID_free(id);

	OCSP_single_get0_status(one, NULL, NULL, &this, &next);
	if (r->this_text != NULL)
		spell(this, r->this_text, t->this_update);
	if (r->next_text != NULL && next != NULL)
		spell(next, r->next_text, t->next_update);
	if (sg->ext != FORGE_PLAIN) {
		e = sg->ext == FORGE_PUBLISH
		    ? next_publish(t->next_update)
		    : strange_ext(sg->ext == FORGE_CRITICAL, 2);
		MUST(OCSP_SINGLERESP_add_ext(one, e, -1));
		X509_EXTENSION_free(e);
	}
}

static void
add_singles(OCSP_BASICRESP *bs, const struct subject *s,
    const struct forge_recipe *r, const struct times *t)
{
	static const struct forge_single ours = {.who = FORGE_OURS};
	const struct forge_single *sg;
	size_t k;
	int i;

	if (r->flags & FORGE_NO_SINGLES)
		return;
	if (r->single[0].who == FORGE_END)
		add_single(bs, s, r, &ours, t, 0);
	for (k = 0; k < COUNT(r->single); k++) {
		sg = &r->single[k];
		if (sg->who == FORGE_END)
			break;
		for (i = 0; i < (sg->times == 0 ? 1 : sg->times); i++)
			add_single(bs, s, r, sg, t, i);
	}
}

static void
add_nonce(
    OCSP_BASICRESP *bs, const struct subject *s, const struct forge_recipe *r)
{
	unsigned char fresh[32];
	X509_EXTENSION *e = NULL;
	ASN1_OCTET_STRING *v;
	int at, len;

	if (s->req != NULL &&
	    (at = OCSP_REQUEST_get_ext_by_NID(
		 s->req, NID_id_pkix_OCSP_Nonce, -1)) >= 0)
		e = OCSP_REQUEST_get_ext(s->req, at);
	if (r->nonce == FORGE_NONCE_WRONG ||
	    (r->nonce == FORGE_NONCE_UNASKED && e == NULL)) {
		MUST(RAND_bytes(fresh, sizeof(fresh)));
		MUST(OCSP_basic_add1_nonce(bs, fresh, sizeof(fresh)));
	} else if (r->nonce == FORGE_NONCE_CUT && e != NULL) {
		/* the value is itself an OCTET STRING: skip its head */
		v = X509_EXTENSION_get_data(e);
		len = ASN1_STRING_length(v) - 2;
		if (len >= 2)
			MUST(OCSP_basic_add1_nonce(bs,
			    (unsigned char *)(size_t)ASN1_STRING_get0_data(v) +
				2,
			    len / 2));
	} else if (r->nonce != FORGE_NO_NONCE && e != NULL)
		MUST(OCSP_BASICRESP_add_ext(bs, e, -1));
}

static void
add_exts(OCSP_BASICRESP *bs, const struct subject *s,
    const struct forge_recipe *r, size_t pad)
{
	X509_EXTENSION *e;

	add_nonce(bs, s, r);
	if (pad == 0 && !(r->flags & (FORGE_CRIT_EXT | FORGE_PLAIN_EXT)))
		return;
	e = strange_ext((r->flags & FORGE_CRIT_EXT) != 0, pad + 2);
	MUST(OCSP_BASICRESP_add_ext(bs, e, -1));
	X509_EXTENSION_free(e);
}

/* The certificates that a recipe sends along. */
static void
push_extra(struct forge *f, STACK_OF(X509) *certs, const char *names)
{
	char name[64];
	size_t len;

	while (names != NULL && *names != '\0') {
		len = strcspn(names, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		MUST(sk_X509_push(certs, pki_get(f, name).cert));
		names += len + (names[len] == ',');
	}
}

/* Sign once more, after a change that OCSP_basic_sign would have undone. */
static void
resign(OCSP_BASICRESP *bs, EVP_PKEY *key, const EVP_MD *md)
{
	OCSP_RESPDATA *tbs =
	    (OCSP_RESPDATA *)(size_t)OCSP_resp_get0_respdata(bs);
	X509_ALGOR *alg = (X509_ALGOR *)(size_t)OCSP_resp_get0_tbs_sigalg(bs);
	const ASN1_OCTET_STRING *sig = OCSP_resp_get0_signature(bs);
	unsigned char *der = NULL;
	int n;

	if (!EVP_MD_is_a(md, "SHA1")) {
		MUST(ASN1_item_sign(ASN1_ITEM_rptr(OCSP_RESPDATA), alg, NULL,
		    (ASN1_BIT_STRING *)(size_t)sig, tbs, key, md));
		return;
	}
	MUST(n = i2d_OCSP_RESPDATA(tbs, &der));
	sign_sha1(der, n, key, alg, sig);
	OPENSSL_free(der);
}

static void
sign(struct forge *f, OCSP_BASICRESP *bs, const struct forge_recipe *r,
    struct ent by)
{
	unsigned long flags = OCSP_NOTIME;
	STACK_OF(X509) *certs = NEED(sk_X509_new_null());
	const ASN1_OCTET_STRING *id, *sig;
	const EVP_MD *md = digest(r->md);
	const X509_NAME *name;

	if (r->signer == NULL || (r->flags & FORGE_NO_CERTS))
		flags |= OCSP_NOCERTS;
	if (r->flags & (FORGE_BY_KEY | FORGE_STRANGE_ID))
		flags |= OCSP_RESPID_KEY;
	push_extra(f, certs, r->extra);
	/* SHA-1 only after that: see sign_sha1() */
	MUST(OCSP_basic_sign(bs, by.cert, by.key,
	    EVP_MD_is_a(md, "SHA1") ? EVP_sha256() : md, certs, flags));
	sk_X509_free(certs);
	if (r->flags & FORGE_STRANGE_ID) {
		MUST(OCSP_resp_get0_id(bs, &id, &name));
		flip(id, 1);
	}
	if ((r->flags & FORGE_STRANGE_ID) || EVP_MD_is_a(md, "SHA1"))
		resign(bs, by.key, md);
	sig = OCSP_resp_get0_signature(bs);
	if (r->flags & FORGE_SIG_CORRUPT)
		flip(sig, 1);
	if (r->flags & FORGE_SIG_EMPTY)
		MUST(ASN1_STRING_set((ASN1_STRING *)(size_t)sig, "", 0));
}

/* The same with a version, for which there is no setter; signed again. */
static OCSP_BASICRESP *
versioned(OCSP_BASICRESP *bs, const struct forge_recipe *r, EVP_PKEY *key)
{
	const unsigned char *p, *end;
	struct buf b = {NULL, 0};
	unsigned char *der = NULL;
	int n = i2d_OCSP_BASICRESP(bs, &der), tag, class;
	long len;

	MUST(n);
	p = der;
	end = der + n;
	ASN1_get_object(&p, &len, &tag, &class, n);
	ASN1_get_object(&p, &len, &tag, &class, len);
	put(&b, r->flags & FORGE_V2 ? "\xa0\3\2\1\1" : "\xa0\3\2\1\0", 5);
	put(&b, p, (size_t)len);
	wrap(&b, 0x30, 0);
	put(&b, p + len, (size_t)(end - p - len));
	wrap(&b, 0x30, 0);
	OPENSSL_free(der);
	OCSP_BASICRESP_free(bs);
	p = b.p;
	bs = NEED(d2i_OCSP_BASICRESP(NULL, &p, (long)b.n));
	free(b.p);
	resign(bs, key, digest(r->md));
	return bs;
}

/* The DER of a BasicOCSPResponse, padded by an extension if pad > 0. */
static int
make_basic(struct forge *f, const struct forge_recipe *r,
    const struct subject *s, const struct times *t, size_t pad, struct buf *out)
{
	OCSP_BASICRESP *bs;
	ASN1_GENERALIZEDTIME *produced;
	struct ent by = s->issuer, leaf = {NULL, NULL, NULL};
	unsigned char *der = NULL;
	int len;

	if (r->signer != NULL && strcmp(r->signer, "leaf") == 0) {
		if (s->name != NULL) {
			leaf.cert = load_cert(f->dir, s->name);
			leaf.key = load_key(f->dir, s->name);
		}
		by = leaf;
	} else if (r->signer != NULL)
		by = pki_get(f, r->signer);
	if (by.cert == NULL || by.key == NULL) {
		ent_clear(&leaf);
		return -1;
	}

	bs = NEED(OCSP_BASICRESP_new());
	add_singles(bs, s, r, t);
	add_exts(bs, s, r, pad);
	produced =
	    (ASN1_GENERALIZEDTIME *)(size_t)OCSP_resp_get0_produced_at(bs);
	NEED(ASN1_GENERALIZEDTIME_set(produced, t->produced));
	if (r->produced_text != NULL)
		spell(produced, r->produced_text, t->produced);
	sign(f, bs, r, by);
	if (r->flags & FORGE_NULL)
		MUST(X509_ALGOR_set0(
		    (X509_ALGOR *)(size_t)OCSP_resp_get0_tbs_sigalg(bs),
		    OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_NULL, NULL));
	if (r->flags & (FORGE_V1 | FORGE_V2))
		bs = versioned(bs, r, by.key);
	len = i2d_OCSP_BASICRESP(bs, &der);
	put_der(out, der, len);
	OCSP_BASICRESP_free(bs);
	ent_clear(&leaf);
	return 0;
}

/* Give the one SEQUENCE in b a length of four bytes. */
static void
widen(struct buf *b)
{
	struct buf in = {NULL, 0};
	const unsigned char *p = b->p;
	long len;
	int tag, class;

	ASN1_get_object(&p, &len, &tag, &class, (long)b->n);
	put(&in, p, (size_t)len);
	wrap(&in, 0x30, 1);
	free(b->p);
	*b = in;
}

static void
wrap_octets(struct buf *b, int pieces)
{
	struct buf a = {NULL, 0}, z = {NULL, 0};

	if (!pieces) {
		wrap(b, 0x04, 0);
		return;
	}
	put(&a, b->p, b->n / 2);
	put(&z, b->p + b->n / 2, b->n - b->n / 2);
	wrap(&a, 0x04, 0);
	wrap(&z, 0x04, 0);
	put(&a, z.p, z.n);
	wrap(&a, 0x24, 0);
	free(z.p);
	free(b->p);
	*b = a;
}

/* From a BasicOCSPResponse in b to an OCSPResponse in b, by hand. */
static void
wrap_basic(struct buf *b, const struct forge_recipe *r)
{
	static const unsigned char basic[] = {
	    0x06, 0x09, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
	static const unsigned char strange[] = {
	    0x06, 0x09, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 0x63};
	struct buf all = {NULL, 0};

	if (r->form == FORGE_BER_BASIC)
		widen(b);
	if (r->flags & FORGE_TRAIL_IN)
		put(b, "\5", 2);
	wrap_octets(b, r->form == FORGE_BER_OCTETS);
	put(&all, r->flags & FORGE_NOT_BASIC ? strange : basic, sizeof(basic));
	put(&all, b->p, b->n);
	wrap(&all, 0x30, 0);
	wrap(&all, 0xa0, 0);
	free(b->p);
	*b = all;
}

static void
wrap_status(struct buf *b, const struct forge_recipe *r)
{
	unsigned char head[] = {0x0a, 1, (unsigned char)r->status};
	struct buf all = {NULL, 0};

	put(&all, head, sizeof(head));
	put(&all, b->p, b->n);
	if (r->form == FORGE_BER_INDEFINITE) {
		free(b->p);
		b->p = NULL;
		b->n = 0;
		put(b, "\x30\x80", 2);
		put(b, all.p, all.n);
		put(b, "\0\0", 2);
		free(all.p);
		return;
	}
	wrap(&all, 0x30, r->form == FORGE_BER_LENGTH);
	free(b->p);
	*b = all;
}

static int
make_response(struct forge *f, const struct forge_recipe *r,
    const struct subject *s, const struct times *t, size_t pad, struct buf *out)
{
	out->p = NULL;
	out->n = 0;
	if (!(r->flags & FORGE_NO_BODY) &&
	    (r->status == 0 || (r->flags & FORGE_BODY))) {
		if (make_basic(f, r, s, t, pad, out) == -1)
			return -1;
		wrap_basic(out, r);
	}
	wrap_status(out, r);
	if (r->flags & FORGE_TRAILING)
		put(out, "\n", 1);
	if (r->flags & FORGE_HALF)
		out->n /= 2;
	if (r->flags & FORGE_SHORT)
		out->n--;
	return 0;
}

/*
 * An ECDSA signature is not always of the same length, so that an exact
 * size takes a few attempts.
 */
static int
make_sized(struct forge *f, const struct forge_recipe *r,
    const struct subject *s, const struct times *t, struct buf *out)
{
	size_t pad = r->size < 2048 ? 1 : r->size - 2048;
	int i;

	for (i = 0; i < 200; i++) {
		if (make_response(f, r, s, t, pad, out) == -1)
			return -1;
		if (out->n == r->size)
			return 0;
		pad += r->size - out->n;
		free(out->p);
	}
	die("%s: cannot be padded to %zu bytes", r->name, r->size);
}

int
forge_response(struct forge *f, const struct forge_recipe *r, const char *leaf,
    const unsigned char *req, size_t reqlen, time_t now, unsigned char **out,
    size_t *outlen)
{
	struct subject s;
	struct buf b = {NULL, 0};
	struct times t = times_of(f, r, now);
	int ret = 0;

	memset(&s, 0, sizeof(s));
	if (r->raw != NULL)
		put(&b, r->raw, strlen(r->raw));
	else if (r->status != 0 && !(r->flags & FORGE_BODY))
		ret = make_response(f, r, &s, &t, 0, &b);
	else if ((req != NULL && read_request(&s, req, reqlen) == -1) ||
	    find_subject(f, &s, leaf) == -1)
		ret = -1;
	else if (r->size > 0)
		ret = make_sized(f, r, &s, &t, &b);
	else
		ret = make_response(f, r, &s, &t, 0, &b);
	subject_clear(&s);
	if (ret == -1)
		return -1;
	*out = b.p != NULL ? b.p : NEED(malloc(1));
	*outlen = b.n;
	return 0;
}

const struct forge_recipe *
forge_find(const char *name)
{
	const struct forge_recipe *r;

	for (r = forge_recipes; r->name != NULL; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static int
certs_only(X509 *x, unsigned char **der)
{
	PKCS7 *p7 = NEED(PKCS7_new());
	int len;

	MUST(PKCS7_set_type(p7, NID_pkcs7_signed));
	MUST(PKCS7_content_new(p7, NID_pkcs7_data));
	MUST(PKCS7_set_detached(p7, 1) >= 0);
	MUST(PKCS7_add_certificate(p7, x));
	len = i2d_PKCS7(p7, der);
	PKCS7_free(p7);
	return len;
}

int
forge_cert(struct forge *f, const char *name, const char *format,
    unsigned char **out, size_t *outlen)
{
	struct buf b = {NULL, 0};
	unsigned char *der = NULL;
	char *pem;
	BIO *bio;
	X509 *x;
	int len;

	if ((x = load_cert(f->dir, name)) == NULL)
		return -1;
	if (strcmp(format, "pem") == 0) {
		bio = NEED(BIO_new(BIO_s_mem()));
		MUST(PEM_write_bio_X509(bio, x));
		len = (int)BIO_get_mem_data(bio, &pem);
		put(&b, pem, (size_t)len);
		BIO_free(bio);
	} else {
		if (strcmp(format, "cms") == 0)
			len = certs_only(x, &der);
		else
			len = i2d_X509(x, &der);
		put_der(&b, der, len);
	}
	X509_free(x);
	*out = b.p;
	*outlen = b.n;
	return 0;
}
