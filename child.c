#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

/* Signals to all of a terminal are ours to heed: it ends when we do. */
static void
be_child(const struct child_work *w, int fd)
{
	static const int deaths[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
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

static int
be_patient(int fd, long ms)
{
	const struct timeval tv = {
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
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
	if (be_patient(fd[0], w->patience_ms) == -1 ||
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

/* SIGPIPE is expected to be ignored. */
int
child_send(int fd, struct iovec *v, int n)
{
	size_t sent;
	ssize_t rc;

	while (n > 0) {
		if ((rc = writev(fd, v, n)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
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
child_receive(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t rc;

	while (len > 0) {
		if ((rc = read(fd, p, len)) > 0) {
			p += rc;
			len -= (size_t)rc;
		} else if (rc == 0) {
			errno = EPIPE;
			return -1;
		} else if (errno != EINTR)
			return errno = errno == ECONNRESET ? EPIPE : errno, -1;
	}
	return 0;
}

int
child_end(struct child *c, int now)
{
	int status;
	char rest;
	pid_t rc;

	if (c->fd == -1)
		return -1;
	if (!now && shutdown(c->fd, SHUT_WR) == 0)
		(void)child_receive(c->fd, &rest, 1);
	/* it has its status already, if it has come to an end */
	kill(c->pid, SIGKILL);
	close(c->fd);
	c->fd = -1;
	while ((rc = waitpid(c->pid, &status, 0)) == -1 && errno == EINTR)
		;
	return rc == -1 ? -1 : status;
}
