/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/un.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify/haproxy_cli.h"

/* So much of a reply is shown. */
#define SHOWN_MAX 300

/* connect() to a full queue of a Unix socket is tried again after so many ms.
 */
#define QUEUE_PAUSE 20

/* Where there is none, main ignores SIGPIPE all the same. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- addresses ---- */

struct address {
	char host[256];
	const char *port;
};

/* "[v6]:port" or "host:port"; -1: it is neither. */
static int
split(const char *socket, struct address *a)
{
	const char *colon = strrchr(socket, ':'), *from = socket, *to = colon;
	const char *p;

	if (colon == NULL)
		return -1;
	if (*socket == '[') {
		from++;
		if (--to <= from || *to != ']')
			return -1;
	} else if (memchr(socket, ':', (size_t)(colon - socket)) != NULL)
		return -1;
	if (to == from || (size_t)(to - from) >= sizeof(a->host))
		return -1;
	memcpy(a->host, from, (size_t)(to - from));
	a->host[to - from] = '\0';
	a->port = colon + 1;
	for (p = a->port; isdigit((unsigned char)*p); p++)
		;
	if (*p != '\0' || p == a->port || p - a->port > 5 ||
	    strtol(a->port, NULL, 10) < 1 || strtol(a->port, NULL, 10) > 65535)
		return -1;
	return 0;
}

static int
is_path(const char *socket)
{
	return strchr(socket, '/') != NULL || strchr(socket, ':') == NULL;
}

int
haproxy_check(const char *socket, char *why)
{
	struct sockaddr_un un;
	struct address a;

	if (*socket == '\0')
		snprintf(why, WHY_MAX, "it is empty");
	else if (is_path(socket) && strlen(socket) >= sizeof(un.sun_path))
		snprintf(why, WHY_MAX,
		    "the path of a socket has at most %zu bytes, this one "
		    "has %zu",
		    sizeof(un.sun_path) - 1, strlen(socket));
	else if (!is_path(socket) && split(socket, &a) == -1)
		snprintf(why, WHY_MAX,
		    "it is neither a path nor HOST:PORT nor [ADDRESS]:PORT, "
		    "with a port from 1 to 65535");
	else
		return 0;
	return -1;
}

/* ---- connections ---- */

/* Nothing more is sent to it. */
static enum haproxy_result
give_up(struct haproxy_cli *p)
{
	memcpy(p->h->dead, p->why, WHY_MAX);
	return HAPROXY_DEAD;
}

static int
is_past_deadline(const struct haproxy *h)
{
	return h->until_ms != 0 && h->now_ms() >= h->until_ms;
}

static enum haproxy_result
give_up_slow(struct haproxy_cli *p, const char *what)
{
	if (is_past_deadline(p->h))
		snprintf(p->why, WHY_MAX,
		    "%s before the run's deadline (--deadline)", what);
	else
		snprintf(p->why, WHY_MAX, "%s within %d s", what,
		    HAPROXY_PATIENCE / 1000);
	return give_up(p);
}

void
haproxy_cli_start(struct haproxy_cli *p, struct haproxy *h, char *why)
{
	p->h = h;
	p->why = why;
	p->in_transaction = 0;
	p->until = h->now_ms() + HAPROXY_PATIENCE;
	if (h->until_ms != 0 && h->until_ms < p->until)
		p->until = h->until_ms;
}

/* What may wait long is not to hold a signal back, outside a transaction. */
static void
let_signals(const struct haproxy_cli *p, sigset_t *was)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(p->in_transaction ? SIG_BLOCK : SIG_UNBLOCK, &ends, was);
}

/* 1: something is there, or poll() would not wait; 0: the time is up. */
static int
await(const struct haproxy_cli *p, int fd, short events, int most)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	long long left = p->until - p->h->now_ms();
	sigset_t was;

	if (left <= 0)
		return 0;
	if (most >= 0 && left > most)
		left = most;
	let_signals(p, &was);
	(void)poll(&pfd, fd == -1 ? 0 : 1, (int)left);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return 1;
}

void
haproxy_cli_pause(const struct haproxy_cli *p, int ms)
{
	(void)await(p, -1, 0, ms);
}

static int
open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* 0: connected; -1: see errno, where ETIMEDOUT is our own patience too. */
static int
connect_in_time(const struct haproxy_cli *p, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(errno);
	int error = 0;

	while (connect(fd, sa, len) == -1) {
		if (errno == EISCONN)
			return 0;
		if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR)
			break;
		/* the queue of a Unix socket is full */
		if (errno != EAGAIN)
			return -1;
		if (!await(p, -1, 0, QUEUE_PAUSE)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	while (poll(&pfd, 1, 0) == 0)
		if (!await(p, fd, POLLOUT, -1)) {
			errno = ETIMEDOUT;
			return -1;
		}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
dial_path(const struct haproxy_cli *p)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(p->h->socket);
	int fd, saved;

	if (len >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, p->h->socket, len + 1);
	if ((fd = open_socket(AF_UNIX)) == -1)
		return -1;
	if (connect_in_time(p, fd, (const void *)&un, sizeof(un)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* `*what` is set if it is not errno that tells. */
static int
dial_host(const struct haproxy_cli *p, const char **what)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL, *ai;
	struct address a;
	int fd = -1, rc, saved;
	sigset_t was;

	if (split(p->h->socket, &a) == -1) {
		errno = EINVAL;
		return -1;
	}
	let_signals(p, &was);
	rc = getaddrinfo(a.host, a.port, &hints, &list);
	saved = errno;
	sigprocmask(SIG_SETMASK, &was, NULL);
	errno = saved;
	if (rc != 0) {
		if (rc != EAI_SYSTEM)
			*what = gai_strerror(rc);
		return -1;
	}
	saved = EINVAL;
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		if ((fd = open_socket(ai->ai_family)) != -1 &&
		    connect_in_time(p, fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		saved = errno;
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	errno = saved;
	return fd;
}

static int
dial(struct haproxy_cli *p)
{
	const char *what = NULL;
	int fd;

	fd = is_path(p->h->socket) ? dial_path(p) : dial_host(p, &what);
	if (fd != -1)
		return fd;
	if (what == NULL && errno == ETIMEDOUT)
		give_up_slow(p, "no connection");
	else {
		snprintf(p->why, WHY_MAX, "cannot connect: %s",
		    what != NULL ? what : strerror(errno));
		give_up(p);
	}
	return -1;
}

/* ---- one command and its reply ---- */

/* What cannot be sent is told by what comes back, if anything does. */
static int
send_all(const struct haproxy_cli *p, int fd, const char *s, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, s, len, MSG_NOSIGNAL);
		if (n >= 0) {
			s += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!await(p, fd, POLLOUT, -1))
				return -1;
		} else if (errno != EINTR)
			return 0;
	}
	/* a master's socket would stay open and wait for more */
	(void)shutdown(fd, SHUT_WR);
	return 0;
}

/* 0 the end was reached, 1 there is more than `max`, -1 the time is up */
static int
receive(
    const struct haproxy_cli *p, int fd, struct haproxy_reply *r, size_t max)
{
	ssize_t n;

	for (;;) {
		n = recv(fd, r->s + r->len, max + 1 - r->len, 0);
		if (n > 0)
			r->len += (size_t)n;
		else if (n == 0)
			return 0;
		else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!await(p, fd, POLLIN, -1))
				return -1;
		} else if (errno != EINTR)
			return 0;
		if (r->len > max)
			return 1;
		/* what never pauses has to end in time, too */
		if (p->until - p->h->now_ms() <= 0)
			return -1;
	}
}

static enum haproxy_result
converse(struct haproxy_cli *p, const struct text *command,
    struct haproxy_reply *r, size_t max)
{
	int fd, rc;

	if ((fd = dial(p)) == -1)
		return HAPROXY_DEAD;
	rc = send_all(p, fd, command->s, command->len);
	if (rc == 0)
		rc = receive(p, fd, r, max);
	close(fd);
	if (rc == -1)
		return give_up_slow(p, "no whole answer");
	if (rc == 1) {
		snprintf(p->why, WHY_MAX,
		    "its answer has more than %zu bytes; is it HAProxy?", max);
		return give_up(p);
	}
	while (r->len > 0 && r->s[r->len - 1] == '\n')
		r->len--;
	r->s[r->len] = '\0';
	return HAPROXY_UPDATED;
}

enum haproxy_result
haproxy_no_memory(struct haproxy_cli *p)
{
	snprintf(p->why, WHY_MAX, "out of memory");
	return HAPROXY_REFUSED;
}

/* Ends `command` and frees it; UPDATED: there is a reply, to be freed. */
enum haproxy_result
haproxy_ask(struct haproxy_cli *p, struct text *command,
    struct haproxy_reply *r, size_t max)
{
	enum haproxy_result res = HAPROXY_REFUSED;

	r->len = 0;
	r->s = NULL;
	text_add(command, "\n");
	if (command->failed || (r->s = malloc(max + 2)) == NULL)
		haproxy_no_memory(p);
	else if (command->len > HAPROXY_COMMAND_MAX)
		snprintf(p->why, WHY_MAX,
		    "the command would have %zu bytes, more than the %zu that "
		    "are sure to fit into HAProxy's buffer",
		    command->len, HAPROXY_COMMAND_MAX);
	else
		res = converse(p, command, r, max);
	text_free(command);
	if (res != HAPROXY_UPDATED) {
		free(r->s);
		r->s = NULL;
	}
	return res;
}

int
haproxy_is(const struct haproxy_reply *r, const char *text)
{
	return r->len == strlen(text) && memcmp(r->s, text, r->len) == 0;
}

int
haproxy_begins(const struct haproxy_reply *r, const char *text)
{
	return r->len >= strlen(text) && memcmp(r->s, text, strlen(text)) == 0;
}

int
haproxy_ends(const struct haproxy_reply *r, const char *text)
{
	size_t len = strlen(text);

	return r->len >= len && memcmp(r->s + r->len - len, text, len) == 0;
}

/* Shows a reply that is not the one hoped for, and frees it. */
enum haproxy_result
haproxy_refused(
    struct haproxy_cli *p, const char *what, struct haproxy_reply *r)
{
	char shown[SHOWN_MAX + 1];

	if (r->len == 0)
		snprintf(p->why, WHY_MAX,
		    "%s: it closed the connection without an answer", what);
	else
		snprintf(p->why, WHY_MAX, "%s: it says \"%s\"%s", what,
		    words_escape(shown, sizeof(shown), r->s, r->len),
		    haproxy_begins(r, "Permission denied")
			? " (its socket has to be of \"level admin\")"
			: "");
	free(r->s);
	return HAPROXY_REFUSED;
}

/* ---- the words of a command ---- */

void
haproxy_add_base64(
    struct text *t, const unsigned char *p, size_t len, size_t width)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i, column = 0;
	unsigned long v;

	for (i = 0; i < len; i += 3) {
		v = (unsigned long)p[i] << 16;
		if (i + 1 < len)
			v |= (unsigned long)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		text_add(t, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63],
		    i + 1 < len ? digits[v >> 6 & 63] : '=',
		    i + 2 < len ? digits[v & 63] : '=');
		column += 4;
		if (width != 0 && (column == width || i + 3 >= len)) {
			text_add(t, "\n");
			column = 0;
		}
	}
}

/*
 * One word of HAProxy's command line, whatever is in it: a backslash takes
 * the meaning from what follows, but a control character cannot be said.
 */
int
haproxy_add_word(struct text *t, const char *word)
{
	static const char plain[] = "/._-+=@:,%";
	const unsigned char *s;

	for (s = (const unsigned char *)word; *s != '\0'; s++)
		if (*s < 0x20 || *s == 0x7f)
			return -1;
	for (s = (const unsigned char *)word; *s != '\0'; s++)
		text_add(t, "%s%c",
		    *s >= 0x80 || (*s < 0x80 && isalnum(*s)) ||
			    strchr(plain, *s) != NULL
			? ""
			: "\\",
		    *s);
	return 0;
}

void
haproxy_begin(const struct haproxy_cli *p, struct text *t, const char *command)
{
	memset(t, 0, sizeof(*t));
	text_add(t, "%s%s", p->h->is_master ? "@1 " : "", command);
}

/* "COMMAND NAME", for a name that HAProxy itself has given. */
enum haproxy_result
haproxy_ask_of(struct haproxy_cli *p, const char *command, const char *name,
    struct haproxy_reply *r)
{
	struct text t;

	haproxy_begin(p, &t, command);
	text_add(&t, " ");
	if (haproxy_add_word(&t, name) == -1) {
		text_free(&t);
		snprintf(p->why, WHY_MAX,
		    "the certificate's name has a control character, which "
		    "cannot be said to HAProxy");
		return HAPROXY_REFUSED;
	}
	return haproxy_ask(p, &t, r, HAPROXY_REPLY_MAX);
}

static enum haproxy_result
ask_plainly(struct haproxy_cli *p, const char *command, const char *argument,
    struct haproxy_reply *r)
{
	struct text t;

	haproxy_begin(p, &t, command);
	text_add(&t, " %s", argument);
	return haproxy_ask(p, &t, r, HAPROXY_REPLY_MAX);
}

enum haproxy_result
haproxy_ask_worker(struct haproxy_cli *p, const char *command,
    const char *argument, struct haproxy_reply *r)
{
	enum haproxy_result res = ask_plainly(p, command, argument, r);

	if (res != HAPROXY_UPDATED || p->h->is_master ||
	    !haproxy_begins(r, "Unknown command"))
		return res;
	free(r->s);
	p->h->is_master = 1;
	res = ask_plainly(p, command, argument, r);
	if (res == HAPROXY_UPDATED && haproxy_begins(r, "Unknown command"))
		p->h->is_master = 0;
	return res;
}
