/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "job/outcome.h"

static void
move(struct text *to, struct text *from)
{
	text_free(to);
	*to = *from;
	memset(from, 0, sizeof(*from));
}

void
outcome_fail(
    struct outcome *o, enum code status, enum cause cause, const char *fmt, ...)
{
	struct text *to = &o->why;
	va_list ap;

	/* what failed here is told even where something graver happened */
	if (status == CODE_LOCAL && o->status > status) {
		if (o->also_cause != CAUSE_NONE)
			return;
		to = &o->also;
		o->also_cause = cause;
	} else if (status <= o->status)
		return;
	else {
		if (o->status == CODE_LOCAL) {
			move(&o->also, &o->why);
			o->also_cause = o->cause;
		}
		o->status = status;
		o->cause = cause;
	}
	va_start(ap, fmt);
	text_vset(to, fmt, ap);
	va_end(ap);
}

void
outcome_fail_for(struct outcome *o, const struct reason *r)
{
	outcome_fail(o, r->status, r->cause, "%s%s%s", r->text,
	    r->advice[0] != '\0' ? "; " : "", r->advice);
}

void
outcome_clear(struct outcome *o)
{
	o->is_ocsp = 0;
	if (o->status == CODE_LOCAL)
		return;
	o->status = CODE_OK;
	o->cause = CAUSE_NONE;
	if (o->also_cause == CAUSE_NONE)
		return;
	o->status = CODE_LOCAL;
	o->cause = o->also_cause;
	move(&o->why, &o->also);
	o->also_cause = CAUSE_NONE;
}

void
outcome_got_ocsp(struct outcome *o)
{
	outcome_retract(o);
	o->is_ocsp = 1;
}

void
outcome_retract(struct outcome *o)
{
	if (o->status != CODE_TEMPORARY || o->is_ocsp)
		return;
	o->status = CODE_OK;
	o->cause = CAUSE_NONE;
}

void
outcome_free(struct outcome *o)
{
	text_free(&o->why);
	text_free(&o->also);
}

/* A text that found no memory does not keep the failure from being told. */
static const char *
tell(const struct text *t)
{
	return t->s == NULL || t->failed ? "out of memory" : t->s;
}

const char *
outcome_why(const struct outcome *o)
{
	return o->status == CODE_OK ? "" : tell(&o->why);
}

const char *
outcome_also(const struct outcome *o)
{
	return o->also_cause == CAUSE_NONE ? "" : tell(&o->also);
}

const char *
outcome_cause(enum cause cause)
{
	static const char *const words[] = {
	    [CAUSE_NONE] = "none",
	    [CAUSE_CERTIFICATE] = "certificate",
	    [CAUSE_EXPIRED_CERT] = "certificate-expired",
	    [CAUSE_SELF_SIGNED] = "self-signed",
	    [CAUSE_ISSUER] = "issuer",
	    [CAUSE_NO_RESPONDER] = "no-responder",
	    [CAUSE_URL] = "url",
	    [CAUSE_CHANGED] = "changed",
	    [CAUSE_OUTPUT] = "output",
	    [CAUSE_DNS] = "dns",
	    [CAUSE_CONNECT] = "connect",
	    [CAUSE_TLS] = "tls",
	    [CAUSE_TIMEOUT] = "timeout",
	    [CAUSE_DEADLINE] = "deadline",
	    [CAUSE_PROXY] = "proxy",
	    [CAUSE_HTTP] = "http",
	    [CAUSE_REDIRECT] = "redirect",
	    [CAUSE_RATE_LIMIT] = "rate-limit",
	    [CAUSE_TOO_LARGE] = "too-large",
	    [CAUSE_STARTTLS] = "starttls",
	    [CAUSE_NOT_OCSP] = "not-ocsp",
	    [CAUSE_TRY_LATER] = "try-later",
	    [CAUSE_UNAUTHORIZED] = "unauthorized",
	    [CAUSE_OCSP_ERROR] = "ocsp-error",
	    [CAUSE_FOREIGN] = "other-certificate",
	    [CAUSE_REFUSED] = "refused",
	    [CAUSE_EXPIRED] = "expired",
	    [CAUSE_UNKNOWN] = "unknown",
	    [CAUSE_REVOKED] = "revoked",
	    [CAUSE_NO_RESPONSE] = "no-response",
	    [CAUSE_TOO_SHORT] = "too-short",
	    [CAUSE_OTHER_CERT] = "server-certificate",
	    [CAUSE_NOT_STAPLED] = "not-stapled",
	    [CAUSE_LOCAL] = "local",
	    [CAUSE_FILE] = "file",
	    [CAUSE_MEMORY] = "memory",
	    [CAUSE_CLOCK] = "clock",
	    [CAUSE_VERIFIER] = "verifier",
	};

	return words[cause];
}
