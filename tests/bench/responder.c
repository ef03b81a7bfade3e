/* SPDX-License-Identifier: ISC */
/*
 * bench-responder: answers that were signed beforehand, as fast as it goes.
 *
 *	bench-responder [-l MILLISECONDS] ANSWERS
 *
 * ANSWERS is what bench-pki wrote, and is read when somebody connects: so the
 * port may be known before there are certificates that name it.  Prints "port
 * N" when it is ready, and on SIGTERM "requests N" and "connections N".
 *
 * HTTP/1.1 with keep-alive and HTTP/1.0; GET and POST.  Each answer is held
 * back for the latency; connecting is not.
 */
#define _GNU_SOURCE /* accept4(), memmem() */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_REQUEST 8192
#define MAX_FD 4096
#define EVENTS 256

struct answer {
	unsigned char *http; /* with its headers */
	size_t len;
};

/* Whoever is connected; the descriptor is its place in the table. */
struct client {
	char in[MAX_REQUEST + 1];
	size_t in_len;
	const struct answer *pending;
	long long due_us;
	int close_after;
	int next; /* to be answered after this one; -1: the last */
};

struct server {
	const char *path; /* of the answers */
	int listener, epoll, timer;
	struct answer *answers;
	size_t nanswers;
	struct client *clients[MAX_FD];
	long long latency_us;
	int first, last; /* who waits, in the order of their turn; -1: none */
	unsigned long requests, connections;
};

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "bench-responder: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void
usage(void)
{
	fprintf(stderr, "usage: bench-responder [-l MILLISECONDS] ANSWERS\n");
	exit(2);
}

static long long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- the answers ---- */

static void
add_answer(struct server *s, const unsigned char *der, size_t len)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: application/ocsp-response\r\n"
				   "Cache-Control: max-age=3600, public\r\n"
				   "Content-Length: %zu\r\n\r\n";
	struct answer *a = &s->answers[s->nanswers++];
	int n;

	if ((a->http = malloc(sizeof(head) + 20 + len)) == NULL)
		die("memory");
	n = snprintf((char *)a->http, sizeof(head) + 20, head, len);
	memcpy(a->http + n, der, len);
	a->len = (size_t)n + len;
}

static void
read_answers(struct server *s)
{
	unsigned char head[4], der[65536];
	FILE *f = fopen(s->path, "r");
	size_t len;

	if (f == NULL)
		die(s->path);
	while (fread(head, sizeof(head), 1, f) == 1) {
		len = (size_t)head[2] << 8 | head[3];
		if (fread(der, len, 1, f) != 1)
			die(s->path);
		if ((s->nanswers & (s->nanswers - 1)) == 0 &&
		    (s->answers = realloc(s->answers,
			 (2 * s->nanswers + 1) * sizeof(*s->answers))) == NULL)
			die("memory");
		add_answer(s, der, len);
	}
	fclose(f);
}

/* Of what base64 needs to have escaped, "%2B", "%2F" and "%3D", the last. */
static char
unescape(char last)
{
	switch (last) {
	case 'B':
	case 'b':
		return '+';
	case 'F':
	case 'f':
		return '/';
	default:
		return '=';
	}
}

/* Decodes base64, percent-encoded or not, as far as it goes. */
static size_t
decode(const char *p, const char *end, unsigned char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int bits = 0;
	const char *d;
	size_t n = 0;
	int have = 0;
	char c;

	for (; p < end; p++) {
		c = *p;
		if (c == '%' && end - p > 2) {
			c = unescape(p[2]);
			p += 2;
		}
		if (c == '\0' || (d = strchr(digits, c)) == NULL)
			break;
		bits = bits << 6 | (unsigned int)(d - digits);
		if ((have += 6) >= 8)
			out[n++] = (unsigned char)(bits >> (have -= 8));
	}
	return n;
}

static const struct answer *
find_answer(const struct server *s, const unsigned char *req, size_t len)
{
	static const unsigned char mark[] = BENCH_MARK;
	const unsigned char *p;
	size_t n;

	p = memmem(req, len, mark, sizeof(mark));
	if (p == NULL || (size_t)(req + len - p) < BENCH_SERIAL)
		return NULL;
	n = (size_t)p[12] << 24 | (size_t)p[13] << 16 | (size_t)p[14] << 8 |
	    p[15];
	return n < s->nanswers ? &s->answers[n] : NULL;
}

/* ---- HTTP ---- */

static void
drop(struct server *s, int fd)
{
	free(s->clients[fd]);
	s->clients[fd] = NULL;
	close(fd);
}

static void
send_answer(struct server *s, int fd)
{
	static const char sorry[] =
	    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	struct client *c = s->clients[fd];
	const struct answer *a = c->pending;
	ssize_t n;

	/* an answer fits into an empty socket buffer */
	n = a != NULL ? send(fd, a->http, a->len, MSG_NOSIGNAL)
		      : send(fd, sorry, sizeof(sorry) - 1, MSG_NOSIGNAL);
	c->due_us = -1;
	if (n <= 0 || c->close_after)
		drop(s, fd);
}

static void
set_timer(const struct server *s, long long due_us)
{
	struct itimerspec t = {0};

	t.it_value.tv_sec = (time_t)(due_us / 1000000);
	t.it_value.tv_nsec = (long)(due_us % 1000000 * 1000);
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* All wait equally long: who came first is answered first. */
static void
send_later(struct server *s, int fd)
{
	struct client *c = s->clients[fd];

	c->due_us = now_us() + s->latency_us;
	c->next = -1;
	if (s->first == -1) {
		s->first = fd;
		set_timer(s, c->due_us);
	} else
		s->clients[s->last]->next = fd;
	s->last = fd;
}

static void
send_due(struct server *s)
{
	long long now = now_us();
	uint64_t ignored;
	int fd;

	if (read(s->timer, &ignored, sizeof(ignored)) == -1 && errno != EAGAIN)
		die("timer");
	while ((fd = s->first) != -1 && s->clients[fd]->due_us <= now) {
		s->first = s->clients[fd]->next;
		send_answer(s, fd);
	}
	if (s->first != -1)
		set_timer(s, s->clients[s->first]->due_us);
}

/* The length of the first whole request, or 0; `*body` is where its body is. */
static size_t
whole_request(const struct client *c, const char **body)
{
	const char *end, *p;
	size_t len = 0;

	if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		return 0;
	*body = end + 4;
	for (p = c->in; p < end; p = strstr(p, "\r\n") + 2)
		if (strncasecmp(p, "Content-Length:", 15) == 0)
			len = strtoul(p + 15, NULL, 10);
	if ((size_t)(*body - c->in) + len > c->in_len)
		return 0;
	return (size_t)(*body - c->in) + len;
}

static int
wants_close(const char *request)
{
	const char *line = strstr(request, "\r\n");
	const char *p = strstr(request, "\r\nConnection: ");

	if (p != NULL)
		return strncasecmp(p + 14, "close", 5) == 0;
	return line - request > 8 && strncmp(line - 8, "HTTP/1.0", 8) == 0;
}

static void
take_request(struct server *s, int fd)
{
	struct client *c = s->clients[fd];
	unsigned char req[MAX_REQUEST];
	const char *body = NULL, *path, *end;
	size_t whole = whole_request(c, &body), len;

	if (whole == 0) {
		if (c->in_len == MAX_REQUEST)
			drop(s, fd);
		return;
	}
	s->requests++;
	c->close_after = wants_close(c->in);
	if (strncmp(c->in, "GET ", 4) == 0) {
		path = c->in + 4;
		end = path + strcspn(path, " \r\n");
		len = decode(path + 1, end, req);
		c->pending = find_answer(s, req, len);
	} else
		c->pending = find_answer(s, (const unsigned char *)body,
		    whole - (size_t)(body - c->in));
	memmove(c->in, c->in + whole, c->in_len - whole + 1);
	c->in_len -= whole;
	if (s->latency_us > 0)
		send_later(s, fd);
	else
		send_answer(s, fd);
}

static void
take_bytes(struct server *s, int fd)
{
	struct client *c = s->clients[fd];
	ssize_t n;

	n = recv(fd, c->in + c->in_len, MAX_REQUEST - c->in_len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && c->due_us != -1) {
		/* it is in the queue: who has gone is dropped in its turn */
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
		c->close_after = 1;
		return;
	}
	if (n <= 0) {
		drop(s, fd);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (c->due_us == -1)
		take_request(s, fd);
}

static void
take_client(struct server *s)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd, one = 1;

	if (s->nanswers == 0)
		read_answers(s);
	while ((fd = accept4(s->listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if (fd >= MAX_FD ||
		    (s->clients[fd] = calloc(1, sizeof(struct client))) == NULL)
			die("too many clients");
		s->clients[fd]->due_us = -1;
		s->connections++;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		ev.data.fd = fd;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
			die("epoll_ctl");
	}
}

/* ---- the server ---- */

static void
watch(const struct server *s, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	ev.data.fd = fd;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
}

static void
open_server(struct server *s)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->listener == -1 ||
	    bind(s->listener, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(s->listener, 1024) == -1 ||
	    getsockname(s->listener, (struct sockaddr *)&sin, &len) == -1)
		die("listen");
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (s->epoll == -1 || s->timer == -1)
		die("epoll");
	watch(s, s->listener);
	watch(s, s->timer);
	printf("port %d\n", ntohs(sin.sin_port));
	fflush(stdout);
}

static void
serve(struct server *s, const sigset_t *awake)
{
	struct epoll_event ev[EVENTS];
	int i, n;

	while (!ended) {
		n = epoll_pwait(s->epoll, ev, EVENTS, -1, awake);
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == s->listener)
				take_client(s);
			else if (ev[i].data.fd == s->timer)
				send_due(s);
			else if (s->clients[ev[i].data.fd] != NULL)
				take_bytes(s, ev[i].data.fd);
		}
	}
}

int
main(int argc, char **argv)
{
	static struct server s;
	struct sigaction sa = {.sa_handler = on_term};
	sigset_t term, awake;
	int c;

	while ((c = getopt(argc, argv, "l:")) != -1) {
		if (c != 'l')
			usage();
		s.latency_us = atol(optarg) * 1000;
	}
	if (argc - optind != 1)
		usage();
	s.path = argv[optind];
	s.first = s.last = -1;
	/* it is only heard where nothing is half done */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &awake);
	sigaction(SIGTERM, &sa, NULL);
	open_server(&s);
	serve(&s, &awake);
	printf("requests %lu\nconnections %lu\n", s.requests, s.connections);
	return 0;
}
