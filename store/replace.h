/* SPDX-License-Identifier: ISC */
/*
 * replace: may a response be written over what a file holds?
 *
 * Pure: it decides by the bytes alone.  That they are a certificate or a key
 * is for cert.h to tell.
 */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>

/*
 * Yes, if there is nothing, no byte, zeros only (a crash left them), or what
 * begins as an OCSP response does, whole or cut off; and where the name is
 * `derived` from the certificate's also an error page, which somebody fetched
 * in place of a response.  All else is somebody's file.  `p` may be NULL.
 */
int may_be_replaced(const unsigned char *p, size_t len, int derived);

#endif
