/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "ocsp.h"
#include "ocsp/internal.h"

void
ocsp_undecided(struct ocsp_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->status = VERDICT_INVALID;
	v->reason = -1;
	v->revoked_at = -1;
}

int
refuse(struct judging *j, enum ocsp_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->v->why, sizeof(j->v->why), fmt, ap);
	va_end(ap);
	j->v->status = status;
	return 0;
}

int
is_revoked(const struct judging *j)
{
	return j->status == V_OCSP_CERTSTATUS_REVOKED;
}

const char *
ocsp_reason_name(int reason)
{
	return reason < 0 ? "no reason given" : OCSP_crl_reason_str(reason);
}

const char *
ocsp_error_name(enum ocsp_error e)
{
	switch (e) {
	case ERROR_NONE:
		return "successful";
	case ERROR_MALFORMED:
		return "malformedRequest";
	case ERROR_INTERNAL:
		return "internalError";
	case ERROR_TRYLATER:
		return "tryLater";
	case ERROR_SIGREQUIRED:
		return "sigRequired";
	case ERROR_UNAUTHORIZED:
		return "unauthorized";
	}
	return "an undefined error";
}

char *
ocsp_text(const unsigned char *der, size_t len)
{
	OCSP_RESPONSE *resp;
	BIO *bio;
	char *p, *s = NULL;
	long n;

	if ((resp = d2i_OCSP_RESPONSE(NULL, &der, (long)len)) != NULL &&
	    (bio = BIO_new(BIO_s_mem())) != NULL) {
		if (OCSP_RESPONSE_print(bio, resp, 0) == 1 &&
		    (n = BIO_get_mem_data(bio, &p)) > 0)
			s = strndup(p, (size_t)n);
		BIO_free(bio);
	}
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return s;
}
