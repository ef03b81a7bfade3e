/* SPDX-License-Identifier: ISC */
#include "util/hash.h"

uint64_t
hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	size_t i;

	for (i = 0; i < len; i++)
		seed = (seed ^ p[i]) * UINT64_C(1099511628211);
	return seed;
}
