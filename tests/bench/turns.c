/* SPDX-License-Identifier: ISC */
/*
 * bench-turns: runs commands in turn, A B C A B C ..., and measures each run.
 *
 *	bench-turns [-w] ROUNDS NAME BEFORE COMMAND [ARG ...] \; ...
 *
 * BEFORE is a line for sh that runs before each COMMAND and is not measured.
 * What they print is thrown away.  -w: the first round warms up, and does not
 * count.  One line on standard output for each run:
 *
 *	NAME WALL CPU RSS
 *
 * WALL in microseconds; CPU, too, of all processes that the command waited
 * for; RSS in KiB, of the largest of them.  A command that fails ends it all.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 32

struct command {
	const char *name;
	char *before;
	char **argv;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench-turns: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: bench-turns [-w] ROUNDS NAME BEFORE COMMAND [ARG ...] \\; "
	    "...\n");
	exit(2);
}

static double
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double
us(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e6 + (double)tv->tv_usec;
}

/* Runs one, and ends the program if that does. */
static void
run(const char *name, char **argv, struct rusage *used)
{
	int fd, status;
	pid_t pid;

	if ((pid = fork()) == -1)
		die("fork");
	if (pid == 0) {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			die("/dev/null");
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, used) == -1)
		die("wait4");
	if (status == 0)
		return;
	fprintf(stderr, "bench-turns: %s (%s ...): %s %d\n", name, argv[0],
	    WIFEXITED(status) ? "exit status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	exit(1);
}

static void
measure(const struct command *c, int counts)
{
	char *before[] = {(char[]){"sh"}, (char[]){"-c"}, c->before, NULL};
	struct rusage used;
	double start, wall;

	run(c->name, before, &used);
	start = now_us();
	run(c->name, c->argv, &used);
	wall = now_us() - start;
	if (counts)
		printf("%s %.0f %.0f %ld\n", c->name, wall,
		    us(&used.ru_utime) + us(&used.ru_stime), used.ru_maxrss);
}

/* Cuts the arguments at each ";"; says how many commands there are. */
static int
split(char **argv, struct command *commands)
{
	struct command *c;
	int n = 0;

	while (*argv != NULL) {
		if (n == MAX_COMMANDS || argv[1] == NULL || argv[2] == NULL)
			usage();
		c = &commands[n++];
		c->name = *argv++;
		c->before = *argv++;
		c->argv = argv;
		while (*argv != NULL && strcmp(*argv, ";") != 0)
			argv++;
		if (*argv == NULL || argv == c->argv)
			usage();
		*argv++ = NULL;
	}
	return n;
}

int
main(int argc, char **argv)
{
	struct command commands[MAX_COMMANDS];
	int first = 0, rounds = 0, round, i, n = 0;

	if (argc > 1 && strcmp(argv[1], "-w") == 0) {
		first = -1;
		argv++;
	}
	if (argv[1] == NULL || (rounds = atoi(argv[1])) < 1 ||
	    (n = split(argv + 2, commands)) == 0)
		usage();
	for (round = first; round < rounds; round++)
		for (i = 0; i < n; i++)
			measure(&commands[i], round >= 0);
	return 0;
}
