/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "notify/haproxy.h"
#include "job/policy.h"
#include "job/warnings.h"

/* What is larger, in bytes, than somebody between file and client can take. */
#define TOO_BIG_APACHE 10239 /* its cache */
#define TOO_BIG_TLS12 16380  /* OpenSSL's clients: a message and its length */
#define TOO_BIG_TLS 65527    /* RFC 8446 section 4.4.2: all extensions */

/* A life, in seconds, that is too short for a job that runs once an hour. */
#define TWO_HOURS 7200

int
warnings_is_word(const char *word)
{
	static const char *const words[] = {"crt-list", "ends-soon", "hash",
	    "issuer", "mode", "name", "no-next", "restart", "revoked", "seldom",
	    "several", "signer", "size"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

int
warnings_ended(const struct options *o, const char *word)
{
	size_t i;

	for (i = 0; i < o->no_warn.n; i++)
		if (strcmp(o->no_warn.v[i], word) == 0)
			return 1;
	return 0;
}

__attribute__((format(printf, 4, 5))) static void
warn(struct text *out, const struct warnings *w, const char *word,
    const char *fmt, ...)
{
	struct text raw = {0};
	va_list ap;

	if (warnings_ended(w->options, word))
		return;
	va_start(ap, fmt);
	text_vadd(&raw, fmt, ap);
	va_end(ap);
	text_add(out, "ocspfetch: ");
	text_add_escaped(out, w->path, strlen(w->path));
	text_add(out, ": warning: ");
	if (raw.s != NULL)
		text_add_escaped(out, raw.s, raw.len);
	text_add(out, "\n");
	text_free(&raw);
}

/* Who wants to see all: -c, -v. */
static int
wants_all(const struct warnings *w)
{
	return w->options->check || w->options->verbose > 0;
}

/* Is HAProxy known to read the file?  Who has the key beside is its like. */
static int
is_for_haproxy(const struct warnings *w)
{
	return w->options->haproxy.n > 0 || w->cert->with_key || wants_all(w);
}

/* It keeps HAProxy from starting as long as it is not mended. */
static void
warn_issuer(struct text *out, const struct warnings *w)
{
	if (w->cert->issuer_beside || w->cert->issuer_len == 0 ||
	    w->options->output != NULL || !is_for_haproxy(w))
		return;
	warn(out, w, "issuer",
	    "HAProxy before 3.5 does not start with %s there, as the issuer is "
	    "neither in the certificate's file nor in a .issuer file beside "
	    "it: put it into %s, or give --haproxy (--no-warn issuer, if "
	    "HAProxy finds it by issuers-chain-path)",
	    w->output, w->path);
}

/* Does HAProxy take it? */
static void
warn_haproxy(struct text *out, const struct warnings *w)
{
	if (w->verdict->singles > 1)
		warn(out, w, "several",
		    "%s holds the status of %d certificates: HAProxy does not "
		    "staple it; the CA has to respond with the requested one "
		    "alone",
		    w->output, w->verdict->singles);
	if (!w->verdict->has_next)
		warn(out, w, "no-next",
		    "%s has no nextUpdate: HAProxy does not staple it, nor is "
		    "it handed over; have the CA set a nextUpdate",
		    w->output);
	if (w->len > HAPROXY_MAX_DER)
		warn(out, w, "size",
		    "%s has %zu bytes: of more than %zu, HAProxy's socket may "
		    "take none",
		    w->output, w->len, HAPROXY_MAX_DER);
	if (w->len > HAPROXY_MAX_FILE)
		warn(out, w, "size",
		    "%s has %zu bytes: of a file of more than %zu HAProxy "
		    "staples nothing",
		    w->output, w->len, HAPROXY_MAX_FILE);
}

/* The line is HAProxy's own. */
static void
warn_list(struct text *out, const struct warnings *w)
{
	if (w->pinned)
		warn(out, w, "crt-list",
		    "HAProxy 3 looks for no %s, since the line of the crt-list "
		    "has \"key\", \"issuer\" or \"sctl\", but no \"ocsp\": add "
		    "\"ocsp %s\" between its brackets",
		    w->output, w->output);
}

/*
 * Right by the standards, but stricter programs refuse it: each quirk of the
 * verdict, the word of its concern, and what is said after the file's name.
 */
static const struct quirk_warning {
	int quirk;
	const char *concern;
	const char *text;
} quirk_warnings[] = {
    {QUIRK_AUTHORITY_KEY, "signer",
	"is signed by a certificate whose authorityKeyIdentifier names an "
	"earlier certificate of the CA: clients with OpenSSL may refuse "
	"it; the CA has to renew its responder's certificate"},
    {QUIRK_CONSTRAINED_NAME, "signer",
	"is signed by a certificate whose CN is outside of the CA's name "
	"constraints: clients with OpenSSL may refuse it; the CA has to "
	"give its responder another CN"},
    {QUIRK_NULL_PARAMETERS, "signer",
	"has an ECDSA signature with parameters of NULL: clients with "
	"OpenSSL may refuse it; the CA has to update its responder"},
    {QUIRK_PSS_SALT, "signer",
	"has an RSA-PSS signature whose salt is not as long as its hash: "
	"clients with GnuTLS refuse it; the CA has to use one that is "
	"(openssl: rsa_pss_saltlen:digest)"},
    {QUIRK_SHA1_SIGNER, "signer",
	"is signed by a certificate that is itself signed with SHA-1: "
	"clients with GnuTLS refuse it; the CA has to give its responder "
	"one with SHA-256"},
    {QUIRK_CA_SPELLING, "name",
	"names the certificate by the CA's own spelling of its name, not "
	"by the certificate's issuer field: HAProxy does not staple it, "
	"clients with OpenSSL do not find the certificate in it; the CA "
	"has to mend it (RFC 6960 section 4.1.1)"},
};

static void
warn_quirks(struct text *out, const struct warnings *w)
{
	const struct quirk_warning *q = quirk_warnings;
	size_t i;

	for (i = 0; i < sizeof(quirk_warnings) / sizeof(*q); i++)
		if (w->verdict->quirks & q[i].quirk)
			warn(out, w, q[i].concern, "%s %s", w->output,
			    q[i].text);
}

/* Who does not find the certificate's status in it. */
static void
warn_identity(struct text *out, const struct warnings *w)
{
	const int quirks = w->verdict->quirks;

	if (quirks & QUIRK_ISSUER_SPELLING)
		warn(out, w, "name",
		    "the CA's certificate spells its name in other bytes than "
		    "%s does: clients with OpenSSL may refuse any response; "
		    "have the CA issue a new certificate",
		    w->path);
	if (quirks & QUIRK_OTHER_FIRST)
		warn(out, w, "several",
		    "the first status in %s is another certificate's: clients "
		    "with GnuTLS refuse it; the CA has to respond with the "
		    "requested one alone",
		    w->output);
	if (w->options->hash != HASH_SHA1)
		warn(out, w, "hash",
		    "%s names the certificate by SHA-256: clients with OpenSSL "
		    "do not find it, HAProxy and Apache do not staple it, "
		    "hitch does not start with it; do without "
		    "--certid-hash sha256",
		    w->output);
}

static void
warn_contents(struct text *out, const struct warnings *w)
{
	warn_quirks(out, w);
	warn_identity(out, w);
	if (w->verdict->status == VERDICT_REVOKED)
		warn(out, w, "revoked",
		    "%s says revoked: hitch does not start with it, Exim with "
		    "GnuTLS refuses all TLS",
		    w->output);
}

/* Who says by --min-valid when the next run is needs no advice on it. */
static void
warn_times(struct text *out, const struct warnings *w)
{
	const struct ocsp_verdict *v = w->verdict;
	char span[WORDS_TIME_MAX], pause[WORDS_TIME_MAX];
	long long life = (long long)v->next_update - (long long)v->this_update;
	long long left = (long long)v->next_update - (long long)w->now;

	if (!v->has_next)
		return;
	if (left < POLICY_MIN_LEFT && is_for_haproxy(w))
		warn(out, w, "ends-soon",
		    "%s ends in %s: HAProxy does not staple what ends in less "
		    "than %d s",
		    w->output, words_span(span, left), POLICY_MIN_LEFT);
	if (life < TWO_HOURS && w->options->min_valid < 0)
		warn(out, w, "seldom",
		    "%s lives for %s in all: a job that runs once an hour is "
		    "too seldom; run one every %s, with -m to say how long a "
		    "response has to last",
		    w->output, words_span(span, life),
		    words_span(pause, life / 4));
}

static void
warn_size(struct text *out, const struct warnings *w)
{
	if (w->len > TOO_BIG_APACHE && wants_all(w))
		warn(out, w, "size",
		    "%s has %zu bytes: of more than %d, Apache keeps none, but "
		    "asks again in each handshake",
		    w->output, w->len, TOO_BIG_APACHE);
	if (w->len > TOO_BIG_TLS)
		warn(out, w, "size",
		    "%s has %zu bytes: with more than %d no TLS handshake "
		    "works; the CA has to respond with fewer",
		    w->output, w->len, TOO_BIG_TLS);
	else if (w->len > TOO_BIG_TLS12)
		warn(out, w, "size",
		    "%s has %zu bytes: of more than %d, clients with OpenSSL "
		    "break off a handshake of TLS 1.2",
		    w->output, w->len, TOO_BIG_TLS12);
}

/* Who gave --mode without that right knows what reads the file. */
static void
warn_mode(struct text *out, const struct warnings *w)
{
	int mode = w->mode;

	if (w->rights != NULL && *w->rights != '\0')
		warn(out, w, "mode", "%s", w->rights);
	else if (mode != -1 && (mode & 04) == 0 && (w->options->mode & 04) != 0)
		warn(out, w, "mode",
		    "%s has the mode %04o: with Exim there is no TLS, and "
		    "lighttpd, Pen and Apache staple nothing, if their users "
		    "may not read it; chmod 644 it, or give --mode %04o to say "
		    "that it is meant so",
		    w->output, (unsigned int)mode, (unsigned int)mode);
}

void
warnings_add(struct text *out, const struct warnings *w)
{
	warn_issuer(out, w);
	if (!w->written && !wants_all(w))
		return;
	warn_list(out, w);
	if (w->verdict == NULL)
		return;
	if (is_for_haproxy(w))
		warn_haproxy(out, w);
	warn_contents(out, w);
	warn_times(out, w);
	warn_size(out, w);
	warn_mode(out, w);
}
