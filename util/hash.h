/* SPDX-License-Identifier: ISC */
/*
 * hash: FNV-1a, 64 bits, to find things again and to see that they changed.
 * It is no protection against anybody who wants two things to have one.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED UINT64_C(14695981039346656037)

/* Of these bytes after those that gave `seed`. */
uint64_t hash_bytes(uint64_t seed, const void *, size_t len);

#endif
