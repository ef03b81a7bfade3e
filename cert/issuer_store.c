/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/issuer_store.h"
#include "util/words.h"

/* Whose issuer is to be written, and whether it is there. */
struct storing {
	const struct cert *cert;
	const struct issuer_place *place;
	int there;
};

/*
 * What is there is replaced only if it is of no use for anything else; what a
 * list names may be there for many.
 */
static int
is_no_issuer(void *ctx, const unsigned char *old, size_t len)
{
	struct storing *s = ctx;

	if (!s->place->is_current(s->place->ctx))
		return 0;
	if (old == NULL)
		return 1;
	s->there = cert_holds_issuer(s->cert, old, len);
	return !s->there && !s->place->is_cert && !s->place->is_named &&
	    cert_is_certificates(old, len);
}

enum store_result
issuer_store(
    const struct cert *cert, const struct issuer_place *place, char *why)
{
	char *pem = cert_issuer_pem(cert);
	struct store_bytes bytes = {.max = CERT_MAX_FILE,
	    .mode = 0644,
	    .now = place->now,
	    .no_chown = place->no_chown};
	struct storing s = {.cert = cert, .place = place};
	enum store_result res;
	struct store *file;

	if (pem == NULL) {
		snprintf(why, WHY_MAX, "out of memory");
		return STORE_FAILED;
	}
	bytes.p = (const unsigned char *)pem;
	bytes.len = strlen(pem);
	res = store_open(place->path, &file, why);
	if (res == STORE_OK)
		res = (place->dry_run ? store_try : store_replace)(
		    file, &bytes, is_no_issuer, &s, why);
	store_close(file);
	free(pem);
	return res == STORE_KEPT && s.there ? STORE_UNCHANGED : res;
}
