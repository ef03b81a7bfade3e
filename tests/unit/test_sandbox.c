/* SPDX-License-Identifier: ISC */
/*
 * The jail from inside: what a process that is in it still can do, tried out
 * and told over the one socket that is left to it.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
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

#include "privsep/child.h"
#include "privsep/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

static char dir[64];
static struct sockaddr_in listening;
static int listener;

static int
set_up(void **state)
{
	socklen_t len = sizeof(listening);
	int fd;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/test_sandbox.XXXXXX");
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    (fd = open("mine", O_WRONLY | O_CREAT, 0644)) == -1)
		return -1;
	close(fd);
	/* any port: that of the test before may be somebody's by now */
	memset(&listening, 0, sizeof(listening));
	listening.sin_family = AF_INET;
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((listener = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(listener, (struct sockaddr *)&listening, len) == -1 ||
	    listen(listener, 8) == -1)
		return -1;
	return getsockname(listener, (struct sockaddr *)&listening, &len);
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	close(listener);
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

/* ---- what is tried: 0 if it could be done ---- */

static int
read_a_file(void)
{
	return open("/etc/passwd", O_RDONLY) == -1 ? -1 : 0;
}

static int
write_a_file(void)
{
	return open("new", O_WRONLY | O_CREAT, 0644) == -1 ? -1 : 0;
}

static int
change_a_file(void)
{
	return open("mine", O_WRONLY | O_TRUNC) == -1 ? -1 : 0;
}

static int
remove_a_file(void)
{
	return unlink("mine");
}

static int
rename_a_file(void)
{
	return rename("mine", "yours");
}

static int
link_a_file(void)
{
	return symlink("mine", "yours");
}

static int
make_a_directory(void)
{
	return mkdir("new", 0755);
}

#ifndef SANITIZED

static int
make_a_fifo(void)
{
	return mkfifo("new", 0644);
}

static int
make_a_socket(void)
{
	const struct sockaddr_un here = {
	    .sun_family = AF_UNIX, .sun_path = "new"};

	return bind(socket(AF_UNIX, SOCK_STREAM, 0),
	    (const struct sockaddr *)&here, sizeof(here));
}

#endif

static int
connect_out(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	return connect(fd, (struct sockaddr *)&listening, sizeof(listening));
}

static int
send_a_datagram(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd == -1)
		return -1;
	return (int)sendto(
	    fd, "x", 1, 0, (struct sockaddr *)&listening, sizeof(listening));
}

static int
run_a_program(void)
{
	char name[] = "/bin/true", *argv[] = {name, NULL}, *env[] = {NULL};

	/* it does not come back if it succeeds: then there is no reply */
	return execve(name, argv, env);
}

static int
serve_others(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? -1 : listen(fd, 1);
}

#ifndef SANITIZED

/* Neither has a file that Landlock would look at. */
static int
run_what_is_not_there(void)
{
	char *argv[] = {NULL}, *env[] = {NULL};

	return execve("/no/such/program", argv, env);
}

static int
run_by_no_descriptor(void)
{
	char *argv[] = {NULL}, *env[] = {NULL};

	return (int)syscall(
	    SYS_execveat, -1, "", argv, env, 0x1000 /* AT_EMPTY_PATH */);
}

static int
trace_itself(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : -1;
}

static int
have_rings(void)
{
	return syscall(425 /* io_uring_setup */, 0, NULL) == -1 &&
		errno == ENOSYS
	    ? -1
	    : 0;
}

static int
run_a_program_from_memory(void)
{
	char name[] = "true", buf[65536];
	char *argv[] = {name, NULL}, *env[] = {NULL};
	int in = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int fd = (int)syscall(SYS_memfd_create, name, 1 /* on exec closed */);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			return 0;
	return fexecve(fd, argv, env);
}

static int
type_for_the_user(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int
paste_for_the_user(void)
{
	char paste = 3;

	return ioctl(0, TIOCLINUX, &paste);
}

static int
ask_how_much_is_there(void)
{
	int n, fds[2];

	return pipe(fds) == -1 ? -1 : ioctl(fds[0], FIONREAD, &n);
}

#endif

static int
use_an_inherited_descriptor(void)
{
	return write(listener, "x", 1) == -1 && errno == EBADF &&
		write(2, "", 0) == -1
	    ? -1
	    : 0;
}

static int
signal_its_parent(void)
{
	return kill(getppid(), 0);
}

static int
become_two(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static int
make_memory_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
change_a_mode(void)
{
	return chmod("mine", 0666);
}

#ifndef SANITIZED

static int
take_much_memory(void)
{
	/*
	 * A compiler that sees the size warns of it where it has 32 bits, and
	 * what nobody looks at need not be had.
	 */
	const volatile size_t much = (size_t)3 << 30;
	void *volatile p = malloc(much);
	int had = p != NULL;

	free(p);
	return had ? 0 : -1;
}

static int
raise_a_limit(void)
{
	const struct rlimit l = {64, 64};

	return setrlimit(RLIMIT_NOFILE, &l);
}

#endif

static int
go_on_computing(void)
{
	char *p = malloc(1 << 20);
	int ok = p != NULL;

	if (ok)
		memset(p, 1, 1 << 20);
	free(p);
	return ok ? 0 : -1;
}

/* ---- inside ---- */

struct told {
	unsigned jail;
	int rc;
	int error;
};

static void
try_inside(void *ctx, int fd)
{
	int (*const *what)(void) = ctx;
	struct told t = {.jail = sandbox_jail(fd, 0)};
	struct iovec v = {&t, sizeof(t)};

	errno = 0;
	t.rc = (*what)();
	t.error = errno;
	(void)child_send(fd, &v, 1, NULL);
}

/* What came of it, in there; `t->jail` is what held it. */
static void
in_a_process(void (*serve)(void *, int), int (*what)(void), struct told *t)
{
	const struct child_work w = {serve, &what, _exit};
	struct child c;
	char why[WHY_MAX];
	long cpu_ms;

	assert_int_equal(child_start(&c, &w, why), 0);
	assert_int_equal(child_receive(c.fd, t, sizeof(*t), NULL), 0);
	child_end(&c, 0, &cpu_ms);
}

static void
inside(int (*what)(void), struct told *t)
{
	in_a_process(try_inside, what, t);
}

#ifndef SANITIZED

static void
try_narrowed_to(const char *to, int (*what)(void), int fd)
{
	struct told t = {.jail = sandbox_narrow(&to, 1, NULL, 0, 0)};
	struct iovec v = {&t, sizeof(t)};

	errno = 0;
	t.rc = what();
	t.error = errno;
	(void)child_send(fd, &v, 1, NULL);
}

static void
try_narrowed(void *ctx, int fd)
{
	int (*const *what)(void) = ctx;

	try_narrowed_to(".", *what, fd);
}

static void
try_narrowed_to_elsewhere(void *ctx, int fd)
{
	int (*const *what)(void) = ctx;

	try_narrowed_to("elsewhere", *what, fd);
}

#endif

/* ---- the tests ---- */

static void
is_impossible(int (*what)(void))
{
	struct told t;

	inside(what, &t);
	if (!sandbox_holds(t.jail))
		skip();
	assert_int_equal(t.rc, -1);
	/* seccomp does it by itself: Landlock would say EACCES */
	if ((t.jail & JAIL_CALLS) && what != use_an_inherited_descriptor)
		assert_int_equal(t.error, ENOSYS);
	assert_int_equal(access("mine", F_OK), 0);
	assert_int_equal(access("new", F_OK), -1);
	assert_int_equal(access("yours", F_OK), -1);
}

#ifndef SANITIZED

/*
 * Those that system calls alone have to be taken away for, which a sanitizer
 * makes more of than there would be left.
 */
static void
is_impossible_with_seccomp(int (*what)(void))
{
	struct told t;

	inside(what, &t);
	if ((t.jail & JAIL_CALLS) == 0)
		skip();
	assert_int_equal(t.rc, -1);
}

#endif

static void
computing_goes_on(void **state)
{
	struct told t;

	(void)state;
	inside(go_on_computing, &t);
	assert_int_equal(t.rc, 0);
}

/* What is tried in there can be done out here, or it would prove nothing. */
static void
outside_it_is_possible(void **state)
{
	(void)state;
	assert_int_equal(read_a_file(), 0);
	assert_int_equal(write_a_file(), 0);
	assert_int_equal(change_a_file(), 0);
	assert_int_equal(change_a_mode(), 0);
	assert_int_equal(connect_out(), 0);
	assert_int_equal(send_a_datagram(), 1);
	assert_int_equal(signal_its_parent(), 0);
	assert_int_equal(become_two(), 0);
	assert_int_equal(make_memory_executable(), 0);
	assert_int_equal(link_a_file(), 0);
	assert_int_equal(serve_others(), 0);
	assert_int_equal(unlink("yours"), 0);
	assert_int_equal(rename_a_file(), 0);
	assert_int_equal(unlink("yours"), 0);
}

static void
this_system_has_a_jail(void **state)
{
	struct told t;

	(void)state;
	inside(go_on_computing, &t);
	if (access("/proc/self/status", R_OK) == -1)
		skip();
	assert_true(sandbox_holds(t.jail));
	assert_string_not_equal(sandbox_words(t.jail), sandbox_words(0));
}

static void
cannot_read_a_file(void **state)
{
	(void)state;
	is_impossible(read_a_file);
}

static void
cannot_write_a_file(void **state)
{
	(void)state;
	is_impossible(write_a_file);
}

static void
cannot_change_a_file(void **state)
{
	(void)state;
	is_impossible(change_a_file);
}

static void
cannot_remove_a_file(void **state)
{
	(void)state;
	is_impossible(remove_a_file);
}

static void
cannot_rename_a_file(void **state)
{
	(void)state;
	is_impossible(rename_a_file);
}

static void
cannot_link_a_file(void **state)
{
	(void)state;
	is_impossible(link_a_file);
}

static void
cannot_make_a_directory(void **state)
{
	(void)state;
	is_impossible(make_a_directory);
}

static void
cannot_connect_out(void **state)
{
	(void)state;
	is_impossible(connect_out);
}

static void
cannot_run_a_program(void **state)
{
	(void)state;
	is_impossible(run_a_program);
}

static void
cannot_use_an_inherited_descriptor(void **state)
{
	(void)state;
	is_impossible(use_an_inherited_descriptor);
}

#ifndef SANITIZED

/* The program, as opposed to its judge. */
static void
narrowed_it_neither_runs_a_program_nor_serves_others(void **state)
{
	static int (*const all[])(void) = {run_a_program,
	    run_a_program_from_memory, run_what_is_not_there,
	    run_by_no_descriptor, serve_others, trace_itself, have_rings,
	    type_for_the_user, paste_for_the_user};
	struct told t;
	size_t i;

	(void)state;
	inside(go_on_computing, &t);
	if ((t.jail & JAIL_CALLS) == 0)
		skip();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		in_a_process(try_narrowed, all[i], &t);
		assert_true((t.jail & JAIL_CALLS) != 0);
		assert_int_equal(t.rc, -1);
		assert_int_equal(
		    t.error, all[i] == have_rings ? ENOSYS : EACCES);
	}
}

static void
narrowed_it_writes_nowhere_else(void **state)
{
	static int (*const all[])(void) = {write_a_file, change_a_file,
	    remove_a_file, rename_a_file, link_a_file, make_a_directory,
	    make_a_fifo, make_a_socket};
	struct told t;
	size_t i;

	(void)state;
	assert_int_equal(mkdir("elsewhere", 0755), 0);
	in_a_process(try_narrowed_to_elsewhere, go_on_computing, &t);
	for (i = 0; i < sizeof(all) / sizeof(all[0]) && t.jail & JAIL_FILES;
	     i++) {
		in_a_process(try_narrowed_to_elsewhere, all[i], &t);
		assert_int_equal(t.rc, -1);
		assert_int_equal(t.error, EACCES);
	}
	assert_int_equal(rmdir("elsewhere"), 0);
	if ((t.jail & JAIL_FILES) == 0)
		skip();
}

static void
narrowed_it_goes_on_with_its_work(void **state)
{
	static int (*const all[])(void) = {read_a_file, write_a_file,
	    change_a_file, rename_a_file, remove_a_file, connect_out,
	    signal_its_parent, become_two, ask_how_much_is_there,
	    go_on_computing};
	struct told t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] == remove_a_file)
			assert_int_equal(rename("yours", "mine"), 0);
		in_a_process(try_narrowed, all[i], &t);
		assert_int_equal(t.rc, 0);
	}
}

static void
cannot_send_a_datagram(void **state)
{
	(void)state;
	is_impossible_with_seccomp(send_a_datagram);
}

static void
cannot_signal_its_parent(void **state)
{
	(void)state;
	is_impossible_with_seccomp(signal_its_parent);
}

static void
cannot_become_two(void **state)
{
	(void)state;
	is_impossible_with_seccomp(become_two);
}

static void
cannot_make_memory_executable(void **state)
{
	(void)state;
	is_impossible_with_seccomp(make_memory_executable);
}

static void
cannot_change_a_mode(void **state)
{
	(void)state;
	is_impossible_with_seccomp(change_a_mode);
}

static void
cannot_take_much_memory(void **state)
{
	(void)state;
	is_impossible_with_seccomp(take_much_memory);
}

static void
cannot_raise_a_limit(void **state)
{
	(void)state;
	is_impossible_with_seccomp(raise_a_limit);
}

#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(outside_it_is_possible),
	    TEST(this_system_has_a_jail),
	    TEST(computing_goes_on),
	    TEST(cannot_read_a_file),
	    TEST(cannot_write_a_file),
	    TEST(cannot_change_a_file),
	    TEST(cannot_remove_a_file),
	    TEST(cannot_rename_a_file),
	    TEST(cannot_link_a_file),
	    TEST(cannot_make_a_directory),
	    TEST(cannot_connect_out),
	    TEST(cannot_run_a_program),
	    TEST(cannot_use_an_inherited_descriptor),
#ifndef SANITIZED
	    TEST(narrowed_it_neither_runs_a_program_nor_serves_others),
	    TEST(narrowed_it_writes_nowhere_else),
	    TEST(narrowed_it_goes_on_with_its_work),
	    TEST(cannot_send_a_datagram),
	    TEST(cannot_signal_its_parent),
	    TEST(cannot_become_two),
	    TEST(cannot_make_memory_executable),
	    TEST(cannot_change_a_mode),
	    TEST(cannot_take_much_memory),
	    TEST(cannot_raise_a_limit),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
