/* SPDX-License-Identifier: ISC */
/*
 * issuer_store: keeps a proven issuer in a file beside its certificate, where
 * it is looked for the next time, and where HAProxy looks.
 */
#ifndef ISSUER_STORE_H
#define ISSUER_STORE_H

#include <stdint.h>

#include "cert/issuer.h"
#include "store/store.h"

struct issuer_place {
	const char *path;
	int is_cert;  /* with --del-ext, it may be the certificate's own file */
	int is_named; /* by a list: it may be there for many */
	int dry_run;  /* tell what would come of it */
	int no_chown; /* as of store.h */
	int64_t now;
	/* under the lock: is it still about the certificate that is there? */
	int (*is_current)(void *ctx);
	void *ctx;
};

/*
 * WRITTEN; UNCHANGED: it is in there; KEPT: what is there is something else,
 * and is not replaced, as certificates are that are not the issuer.
 */
enum store_result issuer_store(
    const struct cert *, const struct issuer_place *, char *why);

#endif
