/* SPDX-License-Identifier: ISC */
/*
 * What a filter of others would end the program for, found by one that lives
 * on.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

#include "privsep/filter.h"
#include "handy.h"

static void
names_are_told_in_words(void **state)
{
	char buf[256], little[12];

	(void)state;
	assert_string_equal(filter_names(0, buf, sizeof(buf)), "");
#ifdef __linux__
	assert_string_equal(
	    filter_names(DEADLY_FCHOWN | DEADLY_CAPSET, buf, sizeof(buf)),
	    "capset, fchown");
	assert_string_equal(filter_names(UINT32_MAX, buf, sizeof(buf)),
	    "setrlimit, prctl, close_range, capset, landlock, fchown, seccomp");
	/* never more than there is room for */
	filter_names(UINT32_MAX, little, sizeof(little));
	assert_true(strlen(little) < sizeof(little));
#else
	(void)little;
#endif
}

#ifdef __linux__

/* From here on each of these calls, up to a 0, has this answer. */
static int
install(const long *calls, unsigned answer)
{
	struct sock_filter f[40];
	struct sock_fprog prog = {.filter = f};
	unsigned short n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)offsetof(struct seccomp_data, nr));
	for (; *calls != 0; calls++) {
		f[n++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)*calls, 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
	}
	f[n++] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

/* What is found below such a filter, in a process of its own. */
static unsigned
found_below(const long *calls, unsigned answer)
{
	const struct filter_terms t = {real_ms, _exit};
	unsigned deadly = 0xdead;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		if (install(calls, answer) == -1)
			_exit(77);
		deadly = filter_probe(&t);
		_exit(write(fd[1], &deadly, sizeof(deadly)) ==
			    (ssize_t)sizeof(deadly)
			? 0
			: 1);
	}
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* no seccomp here */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(
	    read(fd[0], &deadly, sizeof(deadly)), (int)sizeof(deadly));
	close(fd[0]);
	return deadly;
}

#ifdef SYS_fchown32
#define FCHOWN SYS_fchown32 /* which the C library calls */
#else
#define FCHOWN SYS_fchown
#endif

static const long rights[] = {SYS_capset, 444, 445, 446, FCHOWN, 0};
static const long last[] = {446, 0};
static const long owners[] = {FCHOWN, 0};
static const long nothing[] = {SYS_reboot, 0};
#ifdef SYS_close_range
static const long closing[] = {SYS_close_range, 0};
#endif
static const long children[] = {
#ifdef SYS_fork
    SYS_fork,
#endif
    SYS_clone, 435 /* clone3 */, 0};

static void
what_kills_is_found_and_outlived(void **state)
{
	(void)state;
	assert_int_equal(found_below(rights, SECCOMP_RET_KILL_PROCESS),
	    DEADLY_CAPSET | DEADLY_LANDLOCK | DEADLY_FCHOWN);
	assert_int_equal(
	    found_below(last, SECCOMP_RET_KILL_PROCESS), DEADLY_LANDLOCK);
#ifdef SYS_close_range
	assert_int_equal(
	    found_below(closing, SECCOMP_RET_KILL_PROCESS), DEADLY_CLOSE_RANGE);
#endif
}

static void
a_signal_or_the_death_of_a_thread_is_no_less(void **state)
{
	(void)state;
	assert_int_equal(found_below(rights, SECCOMP_RET_TRAP),
	    DEADLY_CAPSET | DEADLY_LANDLOCK | DEADLY_FCHOWN);
	assert_int_equal(found_below(rights, SECCOMP_RET_KILL),
	    DEADLY_CAPSET | DEADLY_LANDLOCK | DEADLY_FCHOWN);
}

static void
a_filter_that_lets_all_pass_costs_nothing(void **state)
{
	(void)state;
	assert_int_equal(found_below(nothing, SECCOMP_RET_KILL_PROCESS), 0);
}

static void
an_error_is_the_business_of_who_calls_but_for_fchown(void **state)
{
	static const int errors[] = {
	    EPERM, ENOSYS, EACCES, EINVAL, EIO, EAGAIN, ENOMEM};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_int_equal(found_below(rights,
				     SECCOMP_RET_ERRNO | (unsigned)errors[i]),
		    DEADLY_FCHOWN);
		assert_int_equal(found_below(owners,
				     SECCOMP_RET_ERRNO | (unsigned)errors[i]),
		    DEADLY_FCHOWN);
	}
	/* it says that it was done */
	assert_int_equal(found_below(owners, SECCOMP_RET_ERRNO), DEADLY_FCHOWN);
}

static void
where_no_child_can_be_had_nothing_is_tried(void **state)
{
	(void)state;
	assert_int_equal(
	    found_below(children, SECCOMP_RET_ERRNO | EAGAIN), UINT32_MAX);
}

static void
without_a_filter_nothing_is_tried(void **state)
{
	const struct filter_terms t = {real_ms, NULL}; /* no child ends */
	char line[256];
	int filtered = 1;
	FILE *f = fopen("/proc/self/status", "r");

	(void)state;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strcmp(line, "Seccomp:\t0\n") == 0)
			filtered = 0;
	if (f != NULL)
		fclose(f);
	if (filtered)
		skip();
	assert_int_equal(filter_probe(&t), 0);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_told_in_words),
#ifdef __linux__
	    cmocka_unit_test(what_kills_is_found_and_outlived),
	    cmocka_unit_test(a_signal_or_the_death_of_a_thread_is_no_less),
	    cmocka_unit_test(a_filter_that_lets_all_pass_costs_nothing),
	    cmocka_unit_test(
		an_error_is_the_business_of_who_calls_but_for_fchown),
	    cmocka_unit_test(where_no_child_can_be_had_nothing_is_tried),
	    cmocka_unit_test(without_a_filter_nothing_is_tried),
#endif
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
