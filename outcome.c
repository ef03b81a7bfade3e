/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "outcome.h"

void
outcome_fail(
    struct outcome *o, enum code status, enum cause cause, const char *fmt, ...)
{
	char *to = o->why;
	va_list ap;

	/* what failed here is told even where something graver happened */
	if (status == CODE_LOCAL && o->status > status) {
		if (o->also[0] != '\0')
			return;
		to = o->also;
		o->also_cause = cause;
	} else if (status <= o->status)
		return;
	else {
		if (o->status == CODE_LOCAL) {
			memcpy(o->also, o->why, sizeof(o->also));
			o->also_cause = o->cause;
		}
		o->status = status;
		o->cause = cause;
	}
	va_start(ap, fmt);
	words_vset(to, WHY_MAX, fmt, ap);
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
	if (o->also[0] == '\0')
		return;
	o->status = CODE_LOCAL;
	o->cause = o->also_cause;
	memcpy(o->why, o->also, sizeof(o->why));
	o->also[0] = '\0';
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
