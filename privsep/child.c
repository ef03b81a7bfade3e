/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/child.h"

/* One that is to end by itself has so long, in ms. */
#define END_PATIENCE 1000

/* A signal for us is looked for so often, in ms. */
#define BEAT 100

/* Signals to all of a terminal are ours to heed: it ends when we do. */
static void
be_child(const struct child_work *w, int fd)
{
	static const int deaths[] = {
	    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
	sigset_t ours;
	size_t i;

	for (i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		(void)signal(deaths[i], SIG_DFL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_SETMASK, &ours, NULL);
	w->serve(w->ctx, fd);
	w->end(0);
}

int
child_start(struct child *c, const struct child_work *w, char *why)
{
	int fd[2];

	c->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1) {
		snprintf(why, WHY_MAX, "cannot make a pair of sockets: %s",
		    strerror(errno));
		return -1;
	}
	(void)fcntl(fd[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd[1], F_SETFD, FD_CLOEXEC);
	/* the C library's calendar reads a file, once, even for UTC */
	tzset();
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1 ||
	    (c->pid = fork()) == -1) {
		snprintf(why, WHY_MAX, "cannot start another process: %s",
		    strerror(errno));
		close(fd[0]);
		close(fd[1]);
		return -1;
	}
	if (c->pid == 0) {
		close(fd[0]);
		be_child(w, fd[1]);
	}
	close(fd[1]);
	c->fd = fd[0];
	return 0;
}

int
child_pending_signal(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction sa;
	sigset_t set;
	size_t i;

	sigpending(&set);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigismember(&set, ends[i]) &&
		    sigaction(ends[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			return ends[i];
	return 0;
}

/* Who waits with a limit does not make a signal wait for it. */
static int
await(int fd, short events, const struct child_limit *l)
{
	struct pollfd p = {.fd = fd, .events = events};
	const int step = l == NULL ? 1000 : BEAT;
	long long left = step;
	int rc;

	while (l == NULL || (left = l->until_ms - l->now_ms()) > 0) {
		rc = poll(&p, 1, left < step ? (int)left : step);
		if (rc > 0)
			return 0;
		if (rc == -1 && errno != EINTR)
			return -1;
		if (l != NULL && child_pending_signal() != 0) {
			errno = ECANCELED;
			return -1;
		}
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Is there to be another try, of what has just failed? */
static int
try_again(int fd, short events, const struct child_limit *l)
{
	if (errno == EINTR)
		return 1;
	if (errno == ECONNRESET)
		errno = EPIPE;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return 0;
	return await(fd, events, l) == 0;
}

/* SIGPIPE is expected to be ignored. */
int
child_send(int fd, struct iovec *v, int n, const struct child_limit *l)
{
	size_t sent;
	ssize_t rc;

	while (n > 0) {
		if ((rc = writev(fd, v, n)) == -1) {
			if (!try_again(fd, POLLOUT, l))
				return -1;
			continue;
		}
		for (sent = (size_t)rc; n > 0 && sent >= v->iov_len; n--)
			sent -= v++->iov_len;
		if (n > 0) {
			v->iov_base = (char *)v->iov_base + sent;
			v->iov_len -= sent;
		}
	}
	return 0;
}

int
child_receive(int fd, void *buf, size_t len, const struct child_limit *l)
{
	char *p = buf;
	ssize_t rc;

	while (len > 0) {
		if ((rc = read(fd, p, len)) == 0) {
			errno = EPIPE;
			return -1;
		}
		if (rc > 0) {
			p += rc;
			len -= (size_t)rc;
		} else if (!try_again(fd, POLLIN, l))
			return -1;
	}
	return 0;
}

int
child_end(struct child *c, int now, long *cpu_ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	struct rusage used = {.ru_utime = {0, 0}};
	int status;
	pid_t rc;

	*cpu_ms = 0;
	if (c->fd == -1)
		return -1;
	if (!now && shutdown(c->fd, SHUT_WR) == 0)
		(void)poll(&p, 1, END_PATIENCE);
	/* it has its status already, if it has come to an end */
	kill(c->pid, SIGKILL);
	close(c->fd);
	c->fd = -1;
	while ((rc = wait4(c->pid, &status, 0, &used)) == -1 && errno == EINTR)
		;
	*cpu_ms = (long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	    (long)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
	return rc == -1 ? -1 : status;
}
