/* SPDX-License-Identifier: ISC */
/*
 * handy: what several rooms' tests need.  After <cmocka.h>.
 */
#ifndef HANDY_H
#define HANDY_H

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A clock that only goes forward. */
static inline long long
real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The first socket from this descriptor on, or -1: the other end's, of a
 * process that was just started. */
static inline int
socket_from(int least)
{
	socklen_t len = sizeof(int);
	int type, fd;

	for (fd = least; fd < 256; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			return fd;
	return -1;
}

static inline void
make(const char *name, const char *content)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(content, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static inline void
assert_content(const char *name, const char *content)
{
	char buf[4096];
	FILE *f = fopen(name, "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	assert_int_equal(n, strlen(content));
	assert_memory_equal(buf, content, n);
}

#endif
