/* SPDX-License-Identifier: ISC */
/*
 * gcovflush: in the place of _exit() where coverage is counted, since only
 * exit() writes down what was.  The judge of responses ends so, and whoever is
 * forked and runs nothing else.
 */
#include <unistd.h>

/* Of tests/harness/faultshim.c, if it is loaded: nothing fails any more. */
void faultshim_end(void) __attribute__((weak));

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __gcov_dump(void);
void __real__exit(int) __attribute__((noreturn));
void __wrap__exit(int) __attribute__((noreturn));

void
__wrap__exit(int status)
{
	if (faultshim_end != NULL)
		faultshim_end();
	__gcov_dump();
	__real__exit(status);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
