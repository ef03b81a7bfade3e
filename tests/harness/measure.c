/* SPDX-License-Identifier: ISC */
/*
 * measure: what a command took.  Runs it, writes "STATUS MS KB" to a file: its
 * exit status (128 and the signal that ended it), wall time and the most
 * memory that was resident.
 */
#include <sys/types.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long
ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)(now.tv_sec - start->tv_sec) * 1000 +
	    (now.tv_nsec - start->tv_nsec) / 1000000;
}

int
main(int argc, char **argv)
{
	struct timespec start;
	struct rusage used;
	long ms, kb;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3) {
		fputs("usage: measure FILE command [argument ...]\n", stderr);
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	if ((pid = fork()) == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 ||
	    getrusage(RUSAGE_CHILDREN, &used) == -1) {
		perror("measure");
		return 126;
	}
	ms = ms_since(&start);
	kb = used.ru_maxrss;
#ifdef __APPLE__
	kb /= 1024;
#endif
	status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if ((f = fopen(argv[1], "w")) == NULL ||
	    fprintf(f, "%d %ld %ld\n", status, ms, kb) < 0 || fclose(f) != 0) {
		perror(argv[1]);
		return 126;
	}
	return status;
}
