/* SPDX-License-Identifier: ISC */
/*
 * json: what a job has to say to machines, for --json.  The manual's section
 * "For machines" and contrib/ocspfetch.schema.json say what it means.  Nothing
 * is printed.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

#include "job/state.h"
#include "util/words.h"

/*
 * Appends a job that is settled, as one line.  If `out->failed` is set after
 * it, something found no memory, and what is there is no JSON.
 */
void json_job(const struct job *, const struct env *, struct text *out);

/*
 * Appends `len` bytes, whatever they are, as a string that is well-formed, on
 * one line, and safe to show; bytes that are no UTF-8 become the text \xHH.
 */
void json_string(struct text *out, const char *, size_t len);

#endif
