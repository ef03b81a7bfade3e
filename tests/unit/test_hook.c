/* SPDX-License-Identifier: ISC */
/*
 * The hook room by itself: what its command finds, and what is said of its end.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "handy.h"
#include "notify/hook.h"

static char dir[64];
static char why[WHY_MAX];

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_hook.XXXXXX");
	why[0] = '\0';
	return mkdtemp(dir) != NULL ? chdir(dir) : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

/* An hour in a few seconds. */
static long long
fast_ms(void)
{
	return real_ms() * 50;
}

static enum hook_result
call(const char *command, const char *const *files, size_t nfiles)
{
	const struct hook h = {.command = command,
	    .files = files,
	    .nfiles = nfiles,
	    .now_ms = real_ms,
	    .until_ms = -1};

	return hook_run(&h, why);
}

static void
only_an_end_with_0_is_success(void **state)
{
	(void)state;
	assert_int_equal(call("true", NULL, 0), HOOK_DONE);
	assert_int_equal(call("exit 0; false", NULL, 0), HOOK_DONE);
	assert_int_equal(call("exit 1", NULL, 0), HOOK_FAILED);
	assert_string_equal(why, "\"exit 1\" ended with status 1");
	assert_int_equal(call("exit 255", NULL, 0), HOOK_FAILED);
	assert_string_equal(why, "\"exit 255\" ended with status 255");
	assert_int_equal(call("/no/such/command", NULL, 0), HOOK_FAILED);
	assert_non_null(strstr(why, "ended with status 127"));
	assert_int_equal(call("kill -KILL $$", NULL, 0), HOOK_FAILED);
	assert_non_null(strstr(why, "was ended by signal 9 ("));
}

static void
it_is_told_of_the_files(void **state)
{
	static const char *const files[] = {"a", "b c", "/d/e'\"$x"};

	(void)state;
	assert_int_equal(setenv("OCSPFETCH_CHANGED", "lie", 1), 0);
	assert_int_equal(call("echo \"$OCSPFETCH_CHANGED\" >list;"
			      "echo $OCSPFETCH_COUNT >count",
			     files, 3),
	    HOOK_DONE);
	assert_content("list", "a\nb c\n/d/e'\"$x\n");
	assert_content("count", "3\n");
	assert_int_equal(
	    call("echo \"x${OCSPFETCH_CHANGED}x\" >list", NULL, 0), HOOK_DONE);
	assert_content("list", "xx\n");
	assert_string_equal(getenv("OCSPFETCH_CHANGED"), "lie");
	assert_int_equal(unsetenv("OCSPFETCH_CHANGED"), 0);
}

/* The kernel takes no string of 128 KiB: the list is cut at a whole name. */
static void
too_many_files_are_cut_at_a_whole_name(void **state)
{
	static char names[500][1001];
	const char *files[500];
	size_t i;

	(void)state;
	for (i = 0; i < 500; i++) {
		memset(names[i], 'x', 1000);
		files[i] = names[i];
	}
	assert_int_equal(call("printf '%s\\n' \"$OCSPFETCH_CHANGED\" | "
			      "awk 'length != 1000 { exit 1 } "
			      "END { if (NR != 98) exit 2 }' && "
			      "[ $OCSPFETCH_COUNT = 500 ]",
			     files, 500),
	    HOOK_DONE);
}

static void
a_name_without_room_is_left_out(void **state)
{
	static char name[HOOK_MAX_LIST + 1];
	const char *files[] = {name, "b"};

	(void)state;
	memset(name, 'x', HOOK_MAX_LIST);
	assert_int_equal(
	    call("[ -z \"$OCSPFETCH_CHANGED\" ]", files, 2), HOOK_DONE);
}

static void
a_name_that_would_pass_for_two_is_left_out(void **state)
{
	static const char *const files[] = {"a\n/etc/passwd", "b", "c\n", "d"};

	(void)state;
	assert_int_equal(call("echo \"$OCSPFETCH_CHANGED\" >list;"
			      "echo $OCSPFETCH_COUNT >count",
			     files, 4),
	    HOOK_DONE);
	assert_content("list", "b\nd\n");
	assert_content("count", "4\n");
}

static void
it_has_no_descriptors_but_the_first_three(void **state)
{
	int fds[2], high;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	high = fcntl(fds[0], F_DUPFD, 500);
	assert_true(high >= 500);
	assert_int_equal(call("for i in 3 4 5 6 7 8 9; do "
			      "(: <&$i) 2>/dev/null && exit 1; done; "
			      "[ ! -e /dev/fd/500 ]",
			     NULL, 0),
	    HOOK_DONE);
	close(fds[0]);
	close(fds[1]);
	close(high);
}

static void
it_has_nothing_to_read(void **state)
{
	(void)state;
	assert_int_equal(call("! read line", NULL, 0), HOOK_DONE);
}

static void
what_is_ignored_or_blocked_here_is_not_there(void **state)
{
	sigset_t set, was;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &was);
	assert_int_equal(call("kill -PIPE $$; exit 3", NULL, 0), HOOK_FAILED);
	assert_non_null(strstr(why, "by signal 13"));
	assert_int_equal(call("kill -TERM $$; exit 3", NULL, 0), HOOK_FAILED);
	assert_non_null(strstr(why, "by signal 15"));
	sigprocmask(SIG_SETMASK, &was, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void
a_child_is_waited_for_though_children_are_ignored(void **state)
{
	struct sigaction sa;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(call("sleep 0.2; exit 4", NULL, 0), HOOK_FAILED);
	assert_non_null(strstr(why, "status 4"));
	/* and all is as it was */
	assert_int_equal(sigaction(SIGCHLD, NULL, &sa), 0);
	assert_ptr_equal(sa.sa_handler, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

static void
one_that_is_over_its_time_is_told_to_end(void **state)
{
	struct hook h = {.command = "exec sleep 60",
	    .now_ms = real_ms,
	    .until_ms = real_ms() + 200};

	(void)state;
	assert_int_equal(hook_run(&h, why), HOOK_FAILED);
	assert_non_null(strstr(why, "was ended by signal 15"));
	assert_non_null(strstr(why, "as it was told to end"));
	/* enough for a shell to come so far, wherever that is */
	h.until_ms = real_ms() + 1500;
	h.command = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
	assert_int_equal(hook_run(&h, why), HOOK_DONE);
}

static void
one_that_does_not_end_then_is_killed(void **state)
{
	const struct hook h = {
	    .command = "trap '' TERM; while :; do sleep 0.05; done",
	    .now_ms = fast_ms,
	    .until_ms = fast_ms() + 10000};

	(void)state;
	assert_int_equal(hook_run(&h, why), HOOK_FAILED);
	assert_non_null(strstr(why, "was ended by signal 9"));
}

static void
a_signal_for_us_is_passed_on_and_kept(void **state)
{
	sigset_t set, was, pending;
	int sig;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &was);
	assert_int_equal(call("trap 'echo x >got; exit 5' TERM; "
			      "kill -TERM $PPID; while :; do sleep 0.05; done",
			     NULL, 0),
	    HOOK_FAILED);
	assert_content("got", "x\n");
	assert_non_null(strstr(why, "status 5"));
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGTERM));
	assert_int_equal(sigwait(&set, &sig), 0);
	sigprocmask(SIG_SETMASK, &was, NULL);
}

/* It has all rights that we gave up, and who calls it may be somebody else. */
static void
the_runner_ends_on_a_call_that_makes_no_sense(void **state)
{
	/* names, bytes of them, the limit */
	static const size_t calls[][3] = {{SIZE_MAX, 4, 0},
	    {SIZE_MAX / sizeof(char *) + 1, 4, 0}, {5, 4, 0}, {4, SIZE_MAX, 0},
	    {4, SIZE_MAX - 1, 0}, {1 << 30, 1 << 30, 0}, {2, 4, 0}, {1, 0, 0}};
	const struct hook h = {
	    .command = "echo called >called", .now_ms = real_ms};
	struct hook_runner *r;
	siginfo_t info;
	size_t i;
	int least, fd;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct {
			size_t nfiles;
			size_t size;
			long long until_ms;
			char names[4];
		} c = {calls[i][0], calls[i][1], -1, {'n', 'o', 'n', 'e'}};

		close(least = dup(0));
		assert_non_null(r = hook_start(&h, _exit, why));
		assert_int_not_equal(fd = socket_from(least), -1);
		assert_int_equal(
		    write(fd, &c,
			offsetof(__typeof__(c), names) + sizeof(c.names)),
		    (int)(offsetof(__typeof__(c), names) + sizeof(c.names)));
		assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
		assert_int_equal(info.si_code, CLD_EXITED);
		assert_int_equal(hook_call(r, &h, why), HOOK_FAILED);
		assert_int_equal(access("called", F_OK), -1);
		hook_stop(r);
	}
}

static void
who_is_run_by_it_knows_so_while_it_runs(void **state)
{
	char name[32];
	pid_t gone;
	int status;

	(void)state;
	unsetenv("OCSPFETCH_HOOK");
	assert_int_equal(hook_is_inside(), 0);
	assert_int_equal(
	    call("[ \"$OCSPFETCH_HOOK\" = \"$PPID\" ]", NULL, 0), HOOK_DONE);
	snprintf(name, sizeof(name), "%ld", (long)getpid());
	setenv("OCSPFETCH_HOOK", name, 1);
	assert_int_equal(hook_is_inside(), 1);
	/* what outlived it is not inside */
	if ((gone = fork()) == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, &status, 0), gone);
	snprintf(name, sizeof(name), "%ld", (long)gone);
	setenv("OCSPFETCH_HOOK", name, 1);
	assert_int_equal(hook_is_inside(), 0);
	unsetenv("OCSPFETCH_HOOK");
}

static void
what_is_no_process_says_nothing_of_who_runs_it(void **state)
{
	static const char *const lies[] = {"", "0", "-1", "x", "1x", " ",
	    "99999999999999999999", "4294967297"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		setenv("OCSPFETCH_HOOK", lies[i], 1);
		assert_int_equal(hook_is_inside(), 0);
	}
	unsetenv("OCSPFETCH_HOOK");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(only_an_end_with_0_is_success),
	    TEST(it_is_told_of_the_files),
	    TEST(too_many_files_are_cut_at_a_whole_name),
	    TEST(a_name_without_room_is_left_out),
	    TEST(a_name_that_would_pass_for_two_is_left_out),
	    TEST(it_has_no_descriptors_but_the_first_three),
	    TEST(it_has_nothing_to_read),
	    TEST(what_is_ignored_or_blocked_here_is_not_there),
	    TEST(a_child_is_waited_for_though_children_are_ignored),
	    TEST(one_that_is_over_its_time_is_told_to_end),
	    TEST(one_that_does_not_end_then_is_killed),
	    TEST(a_signal_for_us_is_passed_on_and_kept),
	    TEST(the_runner_ends_on_a_call_that_makes_no_sense),
	    TEST(who_is_run_by_it_knows_so_while_it_runs),
	    TEST(what_is_no_process_says_nothing_of_who_runs_it),
	};
#undef TEST

	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
