/* SPDX-License-Identifier: ISC */
/*
 * dertree: DER as a tree that can be edited; what is around an edit keeps its
 * lengths right.
 */
#ifndef DERTREE_H
#define DERTREE_H

#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"

/* Edits one element of `der` as the input says; owned by the caller. */
uint8_t *dertree_edit(
    const uint8_t *der, size_t len, struct fuzz_in *, size_t *out_len);

#endif
