/* SPDX-License-Identifier: ISC */
/*
 * What the maker of certificates and the responder agree upon: by its serial
 * number, a certificate is found in any request without decoding that.
 */
#ifndef BENCH_H
#define BENCH_H

/* Bytes of a serial number: the mark, then which one it is, big-endian. */
#define BENCH_SERIAL 16
#define BENCH_MARK                                                             \
	{                                                                      \
		'B', 'e', 'n', 'c', 'h', 'S', 'e', 'r', 'i', 'a', 'l', '#'     \
	}
#define BENCH_MARK_LEN 12

#endif
