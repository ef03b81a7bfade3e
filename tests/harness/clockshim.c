/* SPDX-License-Identifier: ISC */
/*
 * clockshim: the machine's clock is CLOCK_OFF seconds ahead, or behind where
 * that is negative.  For LD_PRELOAD.  CLOCK_STEP=FILE: only once FILE is there.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE

#include <sys/syscall.h>
#include <sys/time.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static time_t
off(void)
{
	const char *off = getenv("CLOCK_OFF"), *step = getenv("CLOCK_STEP");

	if (off == NULL || (step != NULL && access(step, F_OK) == -1))
		return 0;
	return (time_t)atoll(off);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += off();
	return rc;
}

time_t
time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t != NULL)
		*t = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}
