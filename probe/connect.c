/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe/internal.h"
#include "util/words.h"

/* ---- time ---- */

enum served_result
talk_late(struct talk *t, const char *doing)
{
	snprintf(t->why, WHY_MAX, "no answer in time: %s", doing);
	return SERVED_ETIMEOUT;
}

/* Waits for the socket until `end`; 1: it is ready, 0: too late. */
int
talk_wait(struct talk *t, short events, long long end)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	long long ms;
	int n;

	do {
		if ((ms = end - t->q->clock_ms()) <= 0)
			return 0;
		n = poll(&p, 1, ms > 60000 ? 60000 : (int)ms);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return 1;
}

/* ---- the socket ---- */

/* Connects to one address; the result may be an error of connect(). */
static int
try_address(struct talk *t, const struct addrinfo *ai, long long end)
{
	socklen_t len = sizeof(int);
	int error = 0, one = 1;

	t->fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
	if (t->fd == -1)
		return errno;
	(void)fcntl(t->fd, F_SETFD, FD_CLOEXEC);
	(void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(t->fd, F_SETFL, O_NONBLOCK) == -1)
		error = errno;
	else if (connect(t->fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		error = errno;
		if (error == EINPROGRESS || error == EINTR)
			error = talk_wait(t, POLLOUT, end) == 0 ? ETIMEDOUT
			    : getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error,
				  &len) == -1
			    ? errno
			    : error;
	}
	if (error != 0) {
		close(t->fd);
		t->fd = -1;
	}
	return error;
}

static void
name_address(const struct addrinfo *ai, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN + 16], port[8];

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(out, size, "%s port %s", host, port);
}

/* Each address has half of the time that is left, the last one all of it. */
static enum served_result
connect_any(struct talk *t, const struct addrinfo *ai, long long end)
{
	char *why = t->why;
	long long now;
	int error = 0;
	size_t n = 0;

	for (; ai != NULL; ai = ai->ai_next) {
		now = t->q->clock_ms();
		name_address(ai, t->a->address, sizeof(t->a->address));
		error = try_address(
		    t, ai, ai->ai_next != NULL ? now + (end - now) / 2 : end);
		if (error == 0)
			return SERVED_OK;
		if (n < WHY_MAX)
			n += (size_t)snprintf(why + n, WHY_MAX - n, "%s%s: %s",
			    n > 0 ? "; " : "", t->a->address, strerror(error));
	}
	t->a->address[0] = '\0';
	return error == ETIMEDOUT ? SERVED_ETIMEOUT
	    : error == ENOMEM || error == EMFILE || error == ENFILE
	    ? SERVED_ENOMEM
	    : SERVED_ECONNECT;
}

enum served_result
talk_connect(struct talk *t)
{
	long long end = t->q->clock_ms() + t->q->connect_ms;
	enum served_result res;
	struct lookup *l;

	if (end > t->end)
		end = t->end;
	if ((l = lookup_start(t->q)) == NULL) {
		snprintf(t->why, WHY_MAX,
		    "cannot look a name up: no memory, thread or descriptor");
		return SERVED_ENOMEM;
	}
	t->fd = l->done[0];
	/* what the thread wrote is seen by whom sees that it let go */
	if (!talk_wait(t, POLLIN, end) || atomic_load(&l->users) > 1)
		res = talk_late(t, "its name was being looked up");
	else if (l->error != 0) {
		snprintf(t->why, WHY_MAX, "%s: %s", t->q->where.host,
		    gai_strerror(l->error));
		res = l->error == EAI_MEMORY ? SERVED_ENOMEM : SERVED_ERESOLVE;
	} else
		res = connect_any(t, l->found, end);
	if (t->fd == l->done[0])
		t->fd = -1;
	lookup_release(l);
	return res;
}
