/* SPDX-License-Identifier: ISC */
/*
 * A provider of OpenSSL: its default one, but for what the configuration says
 * that this machine is to lack.  For the tests, in place of machines that are
 * not here.
 *
 *	[lacking]
 *	module = build/lacking.so
 *	activate = 1
 *	lacks = sha1-signatures | SHA1 | SHA2-256 | RSA | ECDSA
 *
 * "sha1-signatures" is RHEL 9: SHA-1 can be computed, but libcrypto neither
 * makes nor verifies a signature over it, whatever its caller allows.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#define SHA1_SIGNATURES "sha1-signatures"

int OSSL_provider_init(const OSSL_CORE_HANDLE *, const OSSL_DISPATCH *,
    const OSSL_DISPATCH **, void **);

typedef void function(void);
typedef int (*digest_init)(
    void *, const char *digest, void *key, const OSSL_PARAM params[]);
typedef int (*set_params)(void *, const OSSL_PARAM params[]);

static OSSL_PROVIDER *whole; /* the default one */
static OSSL_LIB_CTX *inner;
static const char *lacks = "";

/* ---- signatures over SHA-1 ---- */

enum kind { OF_RSA, OF_ECDSA, KINDS };
static digest_init sign_init[KINDS], verify_init[KINDS];
static set_params setter[KINDS];

static int
refuses(const char *digest)
{
	if (digest == NULL ||
	    (strcasecmp(digest, "SHA1") != 0 &&
		strcasecmp(digest, "SHA-1") != 0))
		return 0;
	ERR_raise(ERR_LIB_EVP, EVP_R_INVALID_DIGEST);
	return 1;
}

static int
guarded_set(enum kind kind, void *ctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = params == NULL
	    ? NULL
	    : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	const char *digest = NULL;

	return (p == NULL || !OSSL_PARAM_get_utf8_string_ptr(p, &digest) ||
		   !refuses(digest)) &&
	    setter[kind](ctx, params);
}

#define GUARDED(kind, sign, verify, set)                                       \
	static int sign(void *ctx, const char *digest, void *key,              \
	    const OSSL_PARAM params[])                                         \
	{                                                                      \
		return !refuses(digest) &&                                     \
		    sign_init[kind](ctx, digest, key, params);                 \
	}                                                                      \
	static int verify(void *ctx, const char *digest, void *key,            \
	    const OSSL_PARAM params[])                                         \
	{                                                                      \
		return !refuses(digest) &&                                     \
		    verify_init[kind](ctx, digest, key, params);               \
	}                                                                      \
	static int set(void *ctx, const OSSL_PARAM params[])                   \
	{                                                                      \
		return guarded_set(kind, ctx, params);                         \
	}

GUARDED(OF_RSA, sign_rsa, verify_rsa, set_rsa)
GUARDED(OF_ECDSA, sign_ecdsa, verify_ecdsa, set_ecdsa)

static const OSSL_DISPATCH *
guard(const OSSL_DISPATCH *from, enum kind kind)
{
	static OSSL_DISPATCH both[2][64];
	const int rsa = kind == OF_RSA;
	OSSL_DISPATCH *to = both[rsa], *d;
	size_t n = 0;

	while (from[n].function_id != 0)
		n++;
	if (n >= sizeof(both[0]) / sizeof(*to))
		abort();
	memcpy(to, from, (n + 1) * sizeof(*to));
	for (d = to; d->function_id != 0; d++)
		switch (d->function_id) {
		case OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT:
			sign_init[kind] = (digest_init)d->function;
			d->function = (function *)(rsa ? sign_rsa : sign_ecdsa);
			break;
		case OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT:
			verify_init[kind] = (digest_init)d->function;
			d->function =
			    (function *)(rsa ? verify_rsa : verify_ecdsa);
			break;
		case OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS:
			setter[kind] = (set_params)d->function;
			d->function = (function *)(rsa ? set_rsa : set_ecdsa);
			break;
		default:
			break;
		}
	return to;
}

/* ---- what it has ---- */

/* Is this the first of its names, which are separated by colons? */
static int
is_called(const OSSL_ALGORITHM *a, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(a->algorithm_names, name, n) == 0 &&
	    (a->algorithm_names[n] == ':' || a->algorithm_names[n] == '\0');
}

static const OSSL_ALGORITHM *
query(void *ctx, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *all =
	    OSSL_PROVIDER_query_operation(whole, operation, no_cache);
	static OSSL_ALGORITHM both[2][256];
	OSSL_ALGORITHM *some = both[operation == OSSL_OP_SIGNATURE];
	size_t n = 0, k = 0;

	(void)ctx;
	*no_cache = 0;
	if (all == NULL ||
	    (operation != OSSL_OP_DIGEST && operation != OSSL_OP_SIGNATURE))
		return all;
	while (all[n].algorithm_names != NULL)
		n++;
	if (n >= sizeof(both[0]) / sizeof(*some))
		abort();
	for (; all->algorithm_names != NULL; all++) {
		if (is_called(all, lacks))
			continue;
		some[k] = *all;
		if (operation == OSSL_OP_SIGNATURE &&
		    strcmp(lacks, SHA1_SIGNATURES) == 0 &&
		    (is_called(all, "RSA") || is_called(all, "ECDSA")))
			some[k].implementation = guard(all->implementation,
			    is_called(all, "RSA") ? OF_RSA : OF_ECDSA);
		k++;
	}
	some[k].algorithm_names = NULL;
	return some;
}

/* TLS asks for its groups. */
static int
capabilities(void *ctx, const char *what, OSSL_CALLBACK *tell, void *arg)
{
	(void)ctx;
	return OSSL_PROVIDER_get_capabilities(whole, what, tell, arg);
}

static void
teardown(void *ctx)
{
	(void)ctx;
	OSSL_PROVIDER_unload(whole);
	OSSL_LIB_CTX_free(inner);
}

int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH ours[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function *)query},
	    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (function *)capabilities},
	    {OSSL_FUNC_PROVIDER_TEARDOWN, (function *)teardown}, {0, NULL}};
	OSSL_FUNC_core_get_params_fn *get = NULL;
	OSSL_PARAM wanted[2] = {
	    OSSL_PARAM_utf8_ptr("lacks", NULL, 0), OSSL_PARAM_END};
	char *value = NULL;

	for (; in->function_id != 0; in++)
		if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
			get = OSSL_FUNC_core_get_params(in);
	wanted[0].data = &value;
	if (get == NULL || get(handle, wanted) != 1 || value == NULL)
		return 0;
	lacks = value;
	inner = OSSL_LIB_CTX_new();
	whole = OSSL_PROVIDER_load(inner, "default");
	if (whole == NULL)
		return 0;
	*ctx = OSSL_PROVIDER_get0_provider_ctx(whole);
	*out = ours;
	return 1;
}
