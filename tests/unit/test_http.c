/* SPDX-License-Identifier: ISC */
/*
 * http by itself: which URLs and headers it takes, and what http_run() makes
 * of a server that sends byte for byte what a test wants.  The server is in
 * this process and remembers what it was sent.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cmocka.h>

#include "http.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Of what is sent to the server, so much is remembered. */
#define MAX_SEEN 65536

/* Of a request's head. */
#define MAX_REQUEST 8192

/* ---- the server ---- */

static struct {
	int fd;
	int port;
	pthread_t thread;
	pthread_mutex_t lock;
	char seen[MAX_SEEN]; /* all requests, as they came, then a NUL */
	size_t len;
	int requests;
	int connections;
	int open;
	int most_open;
	size_t flooded; /* bytes that the last flood got rid of */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What is sent for a path; if it is not here, "ok" is. */
static const struct page {
	const char *path;
	const char *bytes;
	int close;
} pages[] = {
    {"/bare", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbare", 0},
    {"/full",
	"HTTP/1.1 503 Busy\r\nContent-Type: text/x; a=b\r\n"
	"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\n"
	"Content-Length: 4\r\n\r\nfull",
	0},
    {"/never",
	"HTTP/1.1 503 Busy\r\nRetry-After: 9223372036854775807\r\n"
	"Content-Length: 0\r\n\r\n",
	0},
    {"/again",
	"HTTP/1.1 503 Busy\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	"Content-Length: 0\r\n\r\n",
	0},
    {"/baddate",
	"HTTP/1.1 200 OK\r\nDate: tomorrow\r\nContent-Length: 0\r\n\r\n", 0},
    {"/lowdate",
	"HTTP/1.1 200 OK\r\ndate:Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	"X-Date: Mon, 07 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
	0},
    {"/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
    {"/nothing", "", 1},
    {"/garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 1},
    {"/http09", "just some bytes, and the end\n", 1},
    {"/zero", "HTTP/2 0\r\n\r\n", 1},
    {"/folded", "HTTP/1.1 200 OK\r\n fold: x\r\nContent-Length: 4\r\n\r\nfold",
	0},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 1},
    {"/cutchunk",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	1},
    {"/chunked",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nch\r\n"
	"5\r\nunked\r\n0\r\n\r\n",
	0},
    {"/untilclose", "HTTP/1.0 200 OK\r\n\r\nuntil it closes", 1},
    {"/gzip",
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	"Content-Length: 3\r\n\r\n\x1f\x8b\x08",
	0},
    {"/continue",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
	"Content-Length: 5\r\n\r\nafter",
	0},
    {"/301",
	"HTTP/1.1 301 Moved\r\nLocation: /bare\r\nContent-Type: a/b\r\n"
	"Content-Length: 5\r\n\r\nmoved",
	0},
    {"/302",
	"HTTP/1.1 302 Found\r\nLocation: /bare\r\nContent-Length: 0\r\n\r\n",
	0},
    {"/303",
	"HTTP/1.1 303 Other\r\nLocation: /bare\r\nContent-Length: 0\r\n\r\n",
	0},
    {"/307",
	"HTTP/1.1 307 Temp\r\nLocation: /bare\r\nContent-Length: 0\r\n\r\n", 0},
    {"/308",
	"HTTP/1.1 308 Perm\r\nLocation: /bare\r\nContent-Length: 0\r\n\r\n", 0},
    {"/loop",
	"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
	0},
    {"/tofile",
	"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
	"Content-Length: 0\r\n\r\n",
	0},
    {"/toftp",
	"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:1/\r\n"
	"Content-Length: 0\r\n\r\n",
	0},
    {"/cookie",
	"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n"
	"Content-Length: 0\r\n\r\n",
	0},
    /* a proxy that is asked for a tunnel, by CONNECT */
    {"ocsp.invalid:443",
	"HTTP/1.1 403 No\r\nContent-Type: text/html\r\n"
	"Content-Length: 4\r\n\r\nno!\n",
	0},
};

static int
send_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return -1;
	return 0;
}

/* A body of `n` bytes; with `told`, the length is in the headers. */
static int
send_body(int fd, size_t n, int told)
{
	static const char some[1024] = {'x'};
	char head[128];
	size_t part;

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s%.0zu\r\n\r\n",
	    told ? "Content-Length: " : "Connection: close", told ? n : 0);
	if (send_all(fd, head, strlen(head)) == -1)
		return -1;
	for (; n > 0; n -= part) {
		part = n < sizeof(some) ? n : sizeof(some);
		if (send_all(fd, some, part) == -1)
			return -1;
	}
	return told ? 0 : -1;
}

/* Headers of `n` bytes in all, status line and empty line included. */
static int
send_headers(int fd, size_t n)
{
	static const char first[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
	char line[1024];
	size_t left = n - (sizeof(first) - 1) - 2, part;

	if (send_all(fd, first, sizeof(first) - 1) == -1)
		return -1;
	memset(line, 'a', sizeof(line));
	line[1] = ':';
	for (; left > 0; left -= part) {
		part = left <= 1000 ? left : left < 1010 ? 900 : 1000;
		if (send_all(fd, line, part - 2) == -1 ||
		    send_all(fd, "\r\n", 2) == -1)
			return -1;
	}
	return send_all(fd, "\r\n", 2);
}

/* Ways to say much and answer nothing: how it begins, and how it goes on. */
static const struct flood {
	const char *path, *first, *more;
} floods[] = {
    {"/flood/extension",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/extensions",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"},
    {"/flood/last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"10\r\naaaaaaaaaaaaaaaa\r\n10\r\naaaaaaaaaaaaaaaa\r\n"},
    {"/flood/trailer",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/trailers",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
	"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
    {"/flood/header", "HTTP/1.1 200 OK\r\nX: ",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/headers", "HTTP/1.1 200 OK\r\n",
	"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
    {"/flood/folded", "HTTP/1.1 200 OK\r\nX: a\r\n",
	" aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
    {"/flood/status", "HTTP/1.1 200 ",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/continue", "", "HTTP/1.1 100 Continue\r\n\r\n"},
    {"/flood/hints", "", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"},
    {"/flood/body", "HTTP/1.1 200 OK\r\n\r\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/empty", "", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"},
    /* with redirections followed, their bodies are of no interest */
    {"/flood/moved/body",
	"HTTP/1.1 302 Found\r\nLocation: /bare\r\n"
	"Content-Length: 9999999999\r\n\r\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"/flood/moved/chunks",
	"HTTP/1.1 302 Found\r\nLocation: /bare\r\n"
	"Transfer-Encoding: chunked\r\n\r\n",
	"10\r\naaaaaaaaaaaaaaaa\r\n10\r\naaaaaaaaaaaaaaaa\r\n"},
    {"/flood/moved/extension",
	"HTTP/1.1 302 Found\r\nLocation: /bare\r\n"
	"Transfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    /* a proxy that is asked for a tunnel, by CONNECT */
    {"flood-407.invalid:443",
	"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
	"Transfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"flood-200.invalid:443",
	"HTTP/1.1 200 Yes\r\nTransfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"flood-head.invalid:443", "HTTP/1.1 200 Yes\r\n",
	"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
};

/* More than anybody would take; what is taken is counted. */
#define FLOOD ((size_t)16 << 20)

static int
send_flood(int fd, const struct flood *f)
{
	const int little = 8192;
	size_t n = 0, len = strlen(f->more), i;
	char block[8192];

	/* what was sent was taken, then, but for a little */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	for (i = 0; i + len <= sizeof(block); i += len)
		memcpy(block + i, f->more, len);
	if (send_all(fd, f->first, strlen(f->first)) == 0)
		while (n < FLOOD && send_all(fd, block, i) == 0)
			n += i;
	pthread_mutex_lock(&server.lock);
	server.flooded = n;
	pthread_mutex_unlock(&server.lock);
	return -1;
}

/* What comes without being asked for, a moment after the answer. */
static const struct late {
	const char *path, *bytes;
	int close;
} lates[] = {
    {"/late/again", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", 0},
    {"/late/crlf", "\r\n", 0},
    {"/late/byte", "H", 0},
    {"/late/408", "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\n\r\n",
	1},
    {"/late/end", "", 1},
};

/* The answer is whole for its length, and more is on its heels. */
static const char *const doubled[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    "\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray",
    "HTTP/1.1 204 None\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray",
};

/* What is sent for a path of those; 1: it is none. */
static int
answer_oddly(int fd, const char *path)
{
	static const char ok[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const struct flood *f;
	const struct late *l;
	const char *more;

	for (f = floods; f < floods + COUNT(floods); f++)
		if (strcmp(f->path, path) == 0)
			return send_flood(fd, f);
	for (l = lates; l < lates + COUNT(lates); l++)
		if (strcmp(l->path, path) == 0) {
			if (send_all(fd, ok, sizeof(ok) - 1) == -1)
				return -1;
			usleep(20000);
			if (send_all(fd, l->bytes, strlen(l->bytes)) == -1)
				return -1;
			return l->close ? -1 : 0;
		}
	if (strncmp(path, "/doubled/", 9) == 0) {
		more = doubled[atoi(path + 9)];
		return send_all(fd, more, strlen(more));
	}
	return 1;
}

/* Answers one request; -1: the connection ends. */
static int
answer(int fd, const char *path)
{
	static const char ok[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const struct page *p;
	char byte;
	int rc;

	if ((rc = answer_oddly(fd, path)) != 1)
		return rc;
	for (p = pages; p < pages + COUNT(pages); p++)
		if (strcmp(p->path, path) == 0) {
			if (send_all(fd, p->bytes, strlen(p->bytes)) == -1)
				return -1;
			return p->close ? -1 : 0;
		}
	if (strcmp(path, "/hang") == 0)
		return recv(fd, &byte, 1, 0) > 0 ? 0 : -1;
	if (strcmp(path, "/reset") == 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
		    sizeof(struct linger));
		return -1;
	}
	if (strncmp(path, "/wait", 5) == 0)
		usleep(50000);
	if (strncmp(path, "/body/", 6) == 0)
		return send_body(fd, (size_t)atol(path + 6), 1);
	if (strncmp(path, "/untold/", 8) == 0)
		return send_body(fd, (size_t)atol(path + 8), 0);
	if (strncmp(path, "/headers/", 9) == 0)
		return send_headers(fd, (size_t)atol(path + 9));
	return send_all(fd, ok, sizeof(ok) - 1);
}

static void
remember(const char *request, size_t n)
{
	pthread_mutex_lock(&server.lock);
	server.requests++;
	if (n < MAX_SEEN - server.len) {
		memcpy(server.seen + server.len, request, n);
		server.len += n;
		server.seen[server.len] = '\0';
	}
	pthread_mutex_unlock(&server.lock);
}

/* The length of the request at `in`, from what its head says; 0: not yet. */
static size_t
length_of(const char *in)
{
	const char *end = strstr(in, "\r\n\r\n"), *length;
	size_t head;

	if (end == NULL)
		return 0;
	head = (size_t)(end - in) + 4;
	length = strstr(in, "Content-Length: ");
	if (length == NULL || length > end)
		return head;
	return head + (size_t)atol(length + 16);
}

/*
 * Waits for a whole request at `in`, where `*len` bytes are already, and says
 * how many of them are its own; 0: no more will come.  What does not fit into
 * MAX_REQUEST is read and forgotten.
 */
static size_t
read_request(int fd, char *in, size_t *len)
{
	char lost[MAX_REQUEST];
	size_t want, beyond = 0;
	ssize_t got;

	for (;;) {
		in[*len] = '\0';
		want = length_of(in);
		if (want > 0 && *len + beyond >= want)
			return want < *len ? want : *len;
		if (*len < MAX_REQUEST)
			got = recv(fd, in + *len, MAX_REQUEST - *len, 0);
		else
			got = recv(fd, lost, sizeof(lost), 0);
		if (got <= 0)
			return 0;
		if (*len < MAX_REQUEST)
			*len += (size_t)got;
		else
			beyond += (size_t)got;
	}
}

static void
opened(int by)
{
	pthread_mutex_lock(&server.lock);
	if (by > 0)
		server.connections++;
	server.open += by;
	if (server.open > server.most_open)
		server.most_open = server.open;
	pthread_mutex_unlock(&server.lock);
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char in[MAX_REQUEST + 1], path[MAX_REQUEST];
	size_t len = 0, n;

	while ((n = read_request(fd, in, &len)) > 0) {
		remember(in, n);
		snprintf(path, sizeof(path), "%s", strchr(in, ' ') + 1);
		path[strcspn(path, " ")] = '\0';
		len -= n;
		memmove(in, in + n, len);
		if (answer(fd, path) == -1)
			break;
	}
	/* before the client can know that it is over */
	opened(-1);
	close(fd);
	return NULL;
}

static void *
accept_all(void *arg)
{
	pthread_t t;
	int fd;

	(void)arg;
	while ((fd = accept(server.fd, NULL, NULL)) != -1) {
		opened(1);
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) != 0)
			return NULL;
		pthread_detach(t);
	}
	return NULL;
}

/* A socket that listens on the loopback; `*port` is where. */
static int
listen_somewhere(int backlog, int *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, backlog) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		return -1;
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
set_up(void **state)
{
	static const char *const vars[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(vars); i++)
		unsetenv(vars[i]);
	signal(SIGPIPE, SIG_IGN);
	server.fd = listen_somewhere(64, &server.port);
	return server.fd == -1
	    ? -1
	    : pthread_create(&server.thread, NULL, accept_all, NULL);
}

static int
tear_down(void **state)
{
	(void)state;
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	return close(server.fd);
}

static int
requests(void)
{
	int n;

	pthread_mutex_lock(&server.lock);
	n = server.requests;
	pthread_mutex_unlock(&server.lock);
	return n;
}

static int
is_idle(void)
{
	int idle;

	pthread_mutex_lock(&server.lock);
	idle = server.open == 0;
	pthread_mutex_unlock(&server.lock);
	return idle;
}

/* Before each test: what the server remembers is of this one. */
static int
forget(void **state)
{
	int i;

	(void)state;
	/* it has yet to hear that the connections before were closed */
	for (i = 0; i < 1000 && !is_idle(); i++)
		usleep(5000);
	pthread_mutex_lock(&server.lock);
	server.len = 0;
	server.seen[0] = '\0';
	server.requests = server.connections = server.most_open = 0;
	pthread_mutex_unlock(&server.lock);
	return is_idle() ? 0 : -1;
}

/* ---- the client ---- */

static const struct http_options plain = {
    .agent = "agent/1",
    .post_type = "type/post",
    .accept = "type/answer",
    .connect_timeout_ms = 5000,
    .parallel = 1,
};

/* An answer that outlives done(). */
struct got {
	int times; /* that done() was called for it */
	struct http_answer a;
	char type[64], location[256], headers[4096], body[256];
};

/* A source of questions, one after the other, and what came of them. */
struct plan {
	const struct http_question *q;
	struct got *got;
	size_t n, next, done;
	int inside; /* a callback is running */
	int draws;
	int later;        /* so often HTTP_LATER comes before the second */
	size_t hold_back; /* the last ones come only after an answer */
	int drop;         /* each connection, after its answer */
	int drop_first;   /* the connection of the first answer only */
	int pause_ms;     /* after each answer */
};

static enum http_draw
plan_next(void *ctx, struct http_question *q, long *wait_ms)
{
	struct plan *p = ctx;

	assert_int_equal(p->inside++, 0);
	p->draws++;
	p->inside--;
	if (p->later > 0 && p->done == 1) {
		p->later--;
		*wait_ms = 30;
		return HTTP_LATER;
	}
	if (p->next == p->n || (p->next >= p->n - p->hold_back && p->done == 0))
		return HTTP_NONE;
	*q = p->q[p->next];
	q->ref = &p->got[p->next];
	if (q->timeout_ms == 0)
		q->timeout_ms = 5000;
	p->next++;
	return HTTP_ASK;
}

static enum http_connection
plan_done(void *ctx, const struct http_question *q, const struct http_answer *a)
{
	struct plan *p = ctx;
	struct got *g = q->ref;

	assert_int_equal(p->inside++, 0);
	p->done++;
	g->times++;
	g->a = *a;
	snprintf(g->type, sizeof(g->type), "%s", a->type ? a->type : "NULL");
	snprintf(g->location, sizeof(g->location), "%s",
	    a->location ? a->location : "NULL");
	snprintf(g->headers, sizeof(g->headers), "%s", a->headers);
	if (a->body_len > 0)
		memcpy(g->body, a->body,
		    a->body_len < sizeof(g->body) - 1 ? a->body_len
						      : sizeof(g->body) - 1);
	/* what is lent must not be looked at later */
	g->a.type = g->a.location = g->a.headers = NULL;
	g->a.body = NULL;
	assert_true((a->result == HTTP_ANSWERED) == (a->why[0] == '\0'));
	assert_true(a->body_len <= HTTP_MAX_BODY);
	p->inside--;
	if (p->pause_ms > 0)
		usleep((useconds_t)p->pause_ms * 1000);
	return p->drop || (p->drop_first && p->done == 1) ? HTTP_DROP
							  : HTTP_KEEP;
}

static void
run_plan(const struct http_options *o, struct plan *p)
{
	const struct http_source src = {plan_next, plan_done, p, NULL};
	size_t i;

	assert_int_equal(http_run(o, &src), 0);
	assert_int_equal(p->done, p->n);
	for (i = 0; i < p->n; i++)
		assert_int_equal(p->got[i].times, 1);
}

/* One question; what is NULL or 0 in `q` is filled. */
static struct got
ask(const struct http_options *o, struct http_question q, const char *path)
{
	struct got got = {0};
	struct plan p = {.q = &q, .got = &got, .n = 1};
	char url[2048];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
	if (q.url == NULL)
		q.url = url;
	run_plan(o, &p);
	return got;
}

static struct got
get(const char *path)
{
	return ask(&plain, (struct http_question){.url = NULL}, path);
}

/* What was sent first: these lines, in any order, and no others. */
static void
assert_sent(const char *const *lines)
{
	char line[512];
	size_t n = 0;
	const char *p, *end = strstr(server.seen, "\r\n\r\n");

	assert_non_null(end);
	for (; *lines != NULL; lines++, n++) {
		snprintf(line, sizeof(line), "%s\r\n", *lines);
		p = strstr(server.seen, line);
		if (p == NULL || p > end)
			fail_msg(
			    "\"%s\" was not sent:\n%s", *lines, server.seen);
	}
	for (p = server.seen; p < end; p = strstr(p, "\r\n") + 2)
		n--;
	if (n != 0)
		fail_msg("more was sent:\n%s", server.seen);
}

/* How many of all lines that were sent begin with this? */
static int
sent_lines(const char *start)
{
	const char *p = server.seen;
	int n = 0;

	while (p != NULL) {
		if (strncasecmp(p, start, strlen(start)) == 0)
			n++;
		if ((p = strchr(p, '\n')) != NULL)
			p++;
	}
	return n;
}

static const char *
host_line(void)
{
	static char line[64];

	snprintf(line, sizeof(line), "Host: 127.0.0.1:%d", server.port);
	return line;
}

/* ---- URLs ---- */

static void
urls_that_may_be_asked(void **state)
{
	static const char *const good[] = {
	    "http://a",
	    "http://a/",
	    "http://a.example/ocsp",
	    "http://a.example//x//",
	    "HTTP://A.example/x",
	    "hTtPs://a.example:8443/x",
	    "http://127.0.0.1:80/a?b=c&d",
	    "http://a?b",
	    "http://[::1]:8080/",
	    "http://[2001:db8::1]/",
	    "http://a:/",
	    /* encoded, they stay so: nothing is cut or split by them */
	    "http://a/%2F%00%0d%0a%23",
	    "http://a/x@y:z",
	    "http://a/;x,y~!$&'()*+=:|{}^`\"<>\\[]",
	};
	char why[WHY_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		snprintf(why, sizeof(why), "(nothing)");
		if (http_check_url(good[i], strlen(good[i]), why) != 0)
			fail_msg("%s: %s", good[i], why);
	}
}

static void
urls_that_may_not_be_asked(void **state)
{
	static const char *const bad[] = {
	    "",
	    "h",
	    "http",
	    "http:",
	    "http:/",
	    "http://",
	    "http:/a/",
	    "http:a/",
	    "http//a/",
	    "http://?x",
	    "http://:80/",
	    "//a/",
	    "/a",
	    "a.example/x",
	    "127.0.0.1",
	    "httpx://a/",
	    "xhttp://a/",
	    "file:///etc/passwd",
	    "file://localhost/etc/passwd",
	    "ftp://a/",
	    "ldap://a/",
	    "gopher://a/",
	    "dict://a/",
	    "telnet://a/",
	    "scp://a/",
	    "smb://a/",
	    "data:,x",
	    "javascript:x",
	    " http://a/",
	    "http://a/ ",
	    "http://a b/",
	    "http://a/b c",
	    "http://a/\t",
	    "http://a/\n",
	    "http://a/\r\nHost: b",
	    "http://a\r\n/",
	    "http://a/\x01",
	    "http://a/\x1b[2J",
	    "http://a/\x7f",
	    "http://a/\x80",
	    "http://a/\xc3\xa4",
	    "http://\xc3\xa4.example/",
	    "http://a/#f",
	    "http://a#f",
	    "http://u@a/",
	    "http://u:p@a/",
	    "http://:p@a/",
	    "http://u:@a/",
	    "http://a@b@c/",
	    "http://a:99999/",
	    "http://a:65536/",
	    "http://a:-1/",
	    "http://a:x/",
	    "http://a:80x/",
	    "http://[::1/",
	    "http://::1]/",
	    "http://[zz]/",
	    "http://a\\b/",
	    "http://a\\@b/",
	    "http://a<b>/",
	    "http://a%0d%0ab/",
	    "http://a%00b/",
	    "http://a%20b/",
	};
	char why[WHY_MAX];
	int wrong = 0;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		why[0] = '\0';
		if (http_check_url(bad[i], strlen(bad[i]), why) == -1 &&
		    why[0] != '\0')
			continue;
		print_error("\"%s\" passes, or without a reason\n", bad[i]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void
a_url_may_have_1024_bytes(void **state)
{
	char url[3001], why[WHY_MAX];

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, "http://a/", 9);
	url[1024] = '\0';
	assert_int_equal(http_check_url(url, 1024, why), 0);
	url[1024] = 'a';
	url[1025] = '\0';
	assert_int_equal(http_check_url(url, 1025, why), -1);
	assert_non_null(strstr(why, "1025"));
	assert_non_null(strstr(why, "1024"));
	url[1025] = 'a';
	url[3000] = '\0';
	assert_int_equal(http_check_url(url, 3000, why), -1);
}

/* In a certificate a URL may hold anything. */
static void
a_nul_in_a_url_does_not_hide_the_rest(void **state)
{
	static const char url[] = "http://a/\0.evil.example/";
	static const char at_end[] = "http://a/\0";
	char why[WHY_MAX];

	(void)state;
	assert_int_equal(http_check_url(url, sizeof(url) - 1, why), -1);
	assert_int_equal(http_check_url(at_end, sizeof(at_end) - 1, why), -1);
}

/* ---- header lines ---- */

static void
headers_that_may_be_sent(void **state)
{
	static const char *const good[] = {
	    "Host: ocsp.example.com",
	    "X-Test:value",
	    "x: y: z",
	    "X-Test:  two  blanks ",
	    "a!#$%&'*+-.^_`|~9: all that a name may hold",
	    "X-Utf8: \xc3\xa4",
	    "Authorization: Basic YTpi",
	};
	char why[WHY_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		if (http_check_header(good[i], why) != 0)
			fail_msg("%s: %s", good[i], why);
}

static void
headers_that_may_not_be_sent(void **state)
{
	static const char *const bad[] = {
	    "",
	    ":",
	    ": value",
	    "Name",
	    "Name;",
	    "Name value",
	    "Name : value",
	    " Name: value",
	    "\tName: value",
	    "Na me: value",
	    "Name\t: value",
	    "@file: value",
	    "(Name): value",
	    "Na/me: value",
	    "Na,me: value",
	    "{}: value",
	    "\"Name\": value",
	    "N\x7fme: value",
	    "X: a\r\nY: b",
	    "X: a\nY: b",
	    "X: a\rY: b",
	    "X: a\n",
	    "X: a\r\n",
	    "X: a\r\n\r\nGET / HTTP/1.1",
	    "X\r\nY: b",
	    "X: \x01",
	    "X: \x1b[2J",
	    "X: \x7f",
	    "GET / HTTP/1.1",
	};
	char why[WHY_MAX];
	int wrong = 0;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		why[0] = '\0';
		if (http_check_header(bad[i], why) == -1 && why[0] != '\0')
			continue;
		print_error("\"%s\" passes, or without a reason\n", bad[i]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- what is sent ---- */

static void
get_sends_these_lines_and_no_others(void **state)
{
	struct got g = get("/bare");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_sent((const char *const[]){"GET /bare HTTP/1.1", host_line(),
	    "User-Agent: agent/1", "Accept: type/answer", NULL});
	assert_int_equal(server.requests, 1);
}

static void
post_sends_these_lines_and_the_very_bytes(void **state)
{
	static const unsigned char body[] = "a\0b\r\n\r\n\xff";
	const struct http_question q = {.body = body, .body_len = sizeof(body)};
	const char *end;

	(void)state;
	assert_int_equal(ask(&plain, q, "/bare").a.result, HTTP_ANSWERED);
	assert_sent((const char *const[]){"POST /bare HTTP/1.1", host_line(),
	    "User-Agent: agent/1", "Accept: type/answer",
	    "Content-Type: type/post", "Content-Length: 9", NULL});
	end = strstr(server.seen, "\r\n\r\n") + 4;
	assert_int_equal(
	    server.len, (size_t)(end - server.seen) + sizeof(body));
	assert_memory_equal(end, body, sizeof(body));
}

/* From 1 MiB on libcurl would like to wait for a "100 Continue". */
static void
a_large_post_does_not_wait(void **state)
{
	static unsigned char body[(1 << 20) + 1];
	const struct http_question q = {.body = body, .body_len = sizeof(body)};
	struct got g;
	int tries = 0;

	(void)state;
	do {
		g = ask(&plain, q, "/bare");
		assert_int_equal(g.a.result, HTTP_ANSWERED);
		assert_int_equal(sent_lines("Expect"), 0);
		assert_int_equal(sent_lines("Transfer-Encoding"), 0);
		/* a busy machine may be slow, but not each time */
	} while (g.a.ms >= 900 && ++tries < 10);
	assert_true(g.a.ms < 900);
}

static void
no_cache_is_said_in_both_ways(void **state)
{
	(void)state;
	ask(&plain, (struct http_question){.no_cache = 1}, "/bare");
	assert_sent((const char *const[]){"GET /bare HTTP/1.1", host_line(),
	    "User-Agent: agent/1", "Accept: type/answer",
	    "Cache-Control: no-cache", "Pragma: no-cache", NULL});
}

static void
given_headers_replace_ours_and_arrive_once(void **state)
{
	static const char *const given[] = {"Host: other.example",
	    "ACCEPT: x/y", "content-type: a/b", "User-Agent: me",
	    "cache-control: max-age=0", "X-Own: 1", "X-Own: 2"};
	static const unsigned char body[] = "?";
	struct http_options o = plain;
	const struct http_question q = {
	    .body = body, .body_len = 1, .no_cache = 1};

	(void)state;
	o.headers = given;
	o.nheaders = COUNT(given);
	assert_int_equal(ask(&o, q, "/bare").a.result, HTTP_ANSWERED);
	assert_sent((const char *const[]){"POST /bare HTTP/1.1",
	    "Host: other.example", "ACCEPT: x/y", "content-type: a/b",
	    "User-Agent: me", "cache-control: max-age=0", "X-Own: 1",
	    "X-Own: 2", "Pragma: no-cache", "Content-Length: 1", NULL});
	assert_int_equal(sent_lines("Host:"), 1);
	assert_int_equal(sent_lines("Accept:"), 1);
}

static void
the_path_is_sent_as_it_is(void **state)
{
	(void)state;
	get("/a/../b/./c//d/%2f%2F?x=../y");
	assert_int_equal(
	    sent_lines("GET /a/../b/./c//d/%2f%2F?x=../y HTTP/1.1\r\n"), 1);
}

static void
a_cookie_is_not_sent_back(void **state)
{
	char url[2][64];
	struct http_question q[2] = {{.url = url[0]}, {.url = url[1]}};
	struct got got[2] = {0};
	struct plan p = {.q = q, .got = got, .n = 2};

	(void)state;
	snprintf(url[0], 64, "http://127.0.0.1:%d/cookie", server.port);
	snprintf(url[1], 64, "http://127.0.0.1:%d/bare", server.port);
	run_plan(&plain, &p);
	assert_int_equal(server.requests, 2);
	assert_int_equal(sent_lines("Cookie"), 0);
}

static void
no_password_out_of_netrc_is_sent(void **state)
{
	char dir[] = "/tmp/test_http.XXXXXX", path[64];
	const char *home = getenv("HOME");
	char *old = home != NULL ? strdup(home) : NULL;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.netrc", dir);
	assert_non_null(f = fopen(path, "w"));
	fputs("default login u password p\n", f);
	fclose(f);
	setenv("HOME", dir, 1);
	get("/bare");
	if (old != NULL)
		setenv("HOME", old, 1);
	free(old);
	unlink(path);
	rmdir(dir);
	assert_int_equal(server.requests, 1);
	assert_int_equal(sent_lines("Authorization"), 0);
}

/* ---- what is handed on ---- */

static void
an_answer_is_handed_on_whole(void **state)
{
	struct got g = get("/full");
	char address[64];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1 port %d", server.port);
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.status, 503);
	assert_string_equal(g.type, "text/x; a=b");
	assert_string_equal(g.location, "NULL");
	assert_string_equal(g.body, "full");
	assert_int_equal(g.a.body_len, 4);
	assert_int_equal(g.a.date, 784111777);
	assert_int_equal(g.a.retry_after, 7);
	assert_string_equal(g.a.address, address);
	assert_int_equal(g.a.proxied, 0);
	assert_true(g.a.ms >= 0 && g.a.ms < 5000);
	assert_string_equal(g.headers,
	    "HTTP/1.1 503 Busy\r\nContent-Type: text/x; a=b\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\n"
	    "Content-Length: 4\r\n\r\n");
}

static void
what_is_not_there_is_not_made_up(void **state)
{
	struct got g = get("/bare");

	(void)state;
	assert_int_equal(g.a.status, 200);
	assert_string_equal(g.type, "NULL");
	assert_string_equal(g.location, "NULL");
	assert_int_equal(g.a.date, -1);
	assert_int_equal(g.a.retry_after, 0);
	g = get("/empty");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.body_len, 0);
}

/* It is multiplied, and added to times. */
static void
a_pause_that_is_wanted_can_be_reckoned_with(void **state)
{
	long long pause;

	(void)state;
	pause = get("/never").a.retry_after;
	assert_true(pause >= 3600 && pause <= 1LL << 40);
	assert_int_equal(get("/again").a.retry_after, 0);
}

static void
a_date_is_read_only_where_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(get("/baddate").a.date, -1);
	assert_int_equal(get("/lowdate").a.date, 784111777);
}

static void
nothing_is_left_of_the_answer_before(void **state)
{
	char url[3][64];
	struct http_question q[3] = {
	    {.url = url[0]}, {.url = url[1]}, {.url = url[2]}};
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3};

	(void)state;
	snprintf(url[0], 64, "http://127.0.0.1:%d/full", server.port);
	snprintf(url[1], 64, "http://127.0.0.1:%d/bare", server.port);
	snprintf(url[2], 64, "http://127.0.0.1:1/");
	run_plan(&plain, &p);
	assert_int_equal(got[1].a.status, 200);
	assert_string_equal(got[1].type, "NULL");
	assert_string_equal(got[1].body, "bare");
	assert_int_equal(got[1].a.date, -1);
	assert_int_equal(got[1].a.retry_after, 0);
	assert_null(strstr(got[1].headers, "503"));
	assert_int_equal(got[2].a.result, HTTP_ECONNECT);
	assert_int_equal(got[2].a.status, 0);
	assert_int_equal(got[2].a.body_len, 0);
	assert_string_equal(got[2].headers, "");
	assert_int_equal(got[2].a.date, -1);
}

/* Nor of what was in memory before the first answer, where it has none. */
static void
a_first_answer_without_headers_shows_none(void **state)
{
	const struct http_question q = {.url = "http://127.0.0.1:1/"};
	struct got g;

	(void)state;
#ifdef __GLIBC__
	mallopt(M_PERTURB, 0x5a);
#endif
	g = ask(&plain, q, "");
#ifdef __GLIBC__
	mallopt(M_PERTURB, 0);
#endif
	assert_int_equal(g.a.result, HTTP_ECONNECT);
	assert_string_equal(g.headers, "");
	assert_int_equal(g.a.date, -1);
}

/* What libcurl made of it before 8.1.1 only a sanitizer is sure to see. */
static void
a_folded_first_line_does_not_reach_into_the_answer_before(void **state)
{
	char url[3][64];
	struct http_question q[3] = {
	    {.url = url[0]}, {.url = url[1]}, {.url = url[2]}};
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3};

	(void)state;
	snprintf(url[0], 64, "http://127.0.0.1:%d/full", server.port);
	snprintf(url[1], 64, "http://127.0.0.1:%d/folded", server.port);
	snprintf(url[2], 64, "http://127.0.0.1:%d/bare", server.port);
	run_plan(&plain, &p);
	/* an answer or a failure, as the version of libcurl has it */
	assert_int_equal(got[1].a.retry_after, 0);
	assert_null(strstr(got[1].headers, "503"));
	assert_int_equal(got[2].a.result, HTTP_ANSWERED);
	assert_string_equal(got[2].body, "bare");
}

static void
a_get_after_a_post_is_a_get(void **state)
{
	static const unsigned char body[] = "?\n";
	char url[64];
	struct http_question q[3] = {
	    {.url = url, .body = body, .body_len = 2, .no_cache = 1},
	    {.url = url}, {.url = url, .body = body, .body_len = 2}};
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/bare", server.port);
	run_plan(&plain, &p);
	assert_int_equal(sent_lines("POST "), 2);
	assert_int_equal(sent_lines("GET "), 1);
	assert_int_equal(sent_lines("Content-Type: type/post"), 2);
	assert_int_equal(sent_lines("Content-Length: 2"), 2);
	assert_int_equal(sent_lines("Cache-Control"), 1);
	assert_int_equal(server.connections, 1);
}

static void
framing_is_taken_off(void **state)
{
	struct got g = get("/chunked");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_string_equal(g.body, "chunked");
	g = get("/untilclose");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_string_equal(g.body, "until it closes");
	g = get("/continue");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.status, 200);
	assert_string_equal(g.body, "after");
}

static void
compressed_bytes_stay_compressed(void **state)
{
	struct got g = get("/gzip");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.body_len, 3);
	assert_string_equal(g.body, "\x1f\x8b\x08");
	assert_int_equal(sent_lines("Accept-Encoding"), 0);
}

/* ---- transfer codings ---- */

/* A server of its own for one connection, which says this and closes. */
struct speaker {
	int fd, port;
	const char *bytes;
};

static void *
speak(void *arg)
{
	const struct speaker *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	char in[4096];

	if (fd == -1)
		return NULL;
	if (recv(fd, in, sizeof(in), 0) > 0 &&
	    send_all(fd, s->bytes, strlen(s->bytes)) == 0)
		shutdown(fd, SHUT_WR);
	while (recv(fd, in, sizeof(in), 0) > 0)
		continue;
	close(fd);
	return NULL;
}

static struct got
ask_speaker(const char *bytes)
{
	struct speaker s = {.bytes = bytes};
	struct http_question q = {.timeout_ms = 5000};
	char url[64];
	pthread_t t;
	struct got g;

	s.fd = listen_somewhere(1, &s.port);
	assert_int_not_equal(s.fd, -1);
	assert_int_equal(pthread_create(&t, NULL, speak, &s), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	q.url = url;
	g = ask(&plain, q, "");
	shutdown(s.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(s.fd);
	return g;
}

#define CODED(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n2\r\nok\r\n0\r\n\r\n"

static void
a_transfer_coding_but_chunked_is_refused(void **state)
{
	static const char *const bad[] = {
	    CODED("Transfer-Encoding: gzip\r\n"),
	    CODED("Transfer-Encoding: gzip, chunked\r\n"),
	    CODED("Transfer-Encoding: gzip,gzip,gzip,chunked\r\n"),
	    CODED("transfer-encoding:GZIP,CHUNKED\r\n"),
	    CODED("Transfer-Encoding: chunked, gzip\r\n"),
	    CODED("Transfer-Encoding: chunked,deflate\r\n"),
	    CODED("Transfer-Encoding: x-gzip\r\n"),
	    CODED("Transfer-Encoding: compress, chunked\r\n"),
	    CODED("Transfer-Encoding: br, chunked\r\n"),
	    CODED("Transfer-Encoding: zstd, chunked\r\n"),
	    CODED("Transfer-Encoding: unheard-of, chunked\r\n"),
	    CODED("Transfer-Encoding: chunked; a=b\r\n"),
	    CODED("Transfer-Encoding: \"chunked\"\r\n"),
	    CODED("Transfer-Encoding: chunkedd\r\n"),
	    CODED("Transfer-Encoding: , ,gzip\r\n"),
	    CODED("Transfer-Encoding:\tgzip\t,\tchunked\r\n"),
	    CODED("Transfer-Encoding : gzip\r\n"),
	    CODED("Transfer-Encoding: gzip\n"),
	    /* two fields, in either order, and others between */
	    CODED("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
	    CODED("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"),
	    CODED("Transfer-Encoding: chunked\r\nA: b\r\n"
		  "TRANSFER-ENCODING: deflate\r\n"),
	    /* over more lines than one */
	    CODED("Transfer-Encoding:\r\n gzip\r\n"),
	    CODED("Transfer-Encoding: chunked,\r\n\tgzip\r\n"),
	    CODED("Transfer-Encoding:\r\n \r\n gzip, chunked\r\n"),
	    /* of another answer than the last */
	    "HTTP/1.1 100 Continue\r\nTransfer-Encoding: gzip\r\n\r\n" CODED(
		"Transfer-Encoding: chunked\r\n"),
	    "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: gzip\r\n\r\n" CODED(
		"Transfer-Encoding: chunked\r\n"),
	    "HTTP/1.1 503 Busy\r\nTransfer-Encoding: gzip\r\n\r\nok",
	    "HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
	    "HTTP/1.1 302 Found\r\nLocation: /bare\r\n"
	    "Transfer-Encoding: gzip\r\n\r\nok",
	    /* of what follows the body */
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
	    "0\r\nTransfer-Encoding: gzip\r\n\r\n",
	};
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		g = ask_speaker(bad[i]);
		if (g.a.result != HTTP_EBROKEN ||
		    strstr(g.a.why, "transfer coding") == NULL)
			fail_msg("%s\nresult %d: %s", bad[i], (int)g.a.result,
			    g.a.why);
	}
	g = ask_speaker(bad[2]);
	assert_non_null(strstr(g.a.why, "\"gzip,gzip,gzip,chunked\""));
}

static void
chunked_is_taken_however_it_is_spelled(void **state)
{
	static const char *const good[] = {
	    CODED("Transfer-Encoding: chunked\r\n"),
	    CODED("transfer-encoding:CHUNKED\r\n"),
	    CODED("Transfer-Encoding:  Chunked  \r\n"),
	    CODED("Transfer-Encoding: identity, chunked\r\n"),
	    CODED("Transfer-Encoding: ,chunked\r\n"),
	    CODED("Transfer-Encoding: chunked\r\nA: b\r\n gzip\r\n"),
	    CODED(
		"Transfer-Encoding: chunked\r\nX-Transfer-Encoding: gzip\r\n"),
	    CODED(
		"Transfer-Encoding: chunked\r\nTransfer-Encoding-X: gzip\r\n"),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n"
	    "Content-Length: 2\r\n\r\nok",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "1;a=b;c=\"d\"\r\no\r\n01\r\nk\r\n0\r\nX-Trailer: a\r\n\r\n",
	};
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		g = ask_speaker(good[i]);
		if (g.a.result != HTTP_ANSWERED || strcmp(g.body, "ok") != 0)
			fail_msg("%s\nresult %d: %s: %s", good[i],
			    (int)g.a.result, g.a.why, g.body);
	}
}

/* ---- limits ---- */

/*
 * To be read: 64 KiB and 16 of wrapping, or a header's line of 100 KiB; and
 * what the sockets hold without anybody's doing, 32 KiB, 16, and a packet.
 */
#define READ_AT_MOST ((size_t)168 << 10)

static void
no_more_is_read_than_is_promised_however_it_is_wrapped(void **state)
{
	const struct flood *f;
	struct http_options o;
	struct http_question q;
	char proxy[64], url[64];
	size_t flooded;
	struct got g;
	int i;

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server.port);
	for (f = floods; f < floods + COUNT(floods); f++) {
		o = plain;
		q = (struct http_question){.timeout_ms = 20000};
		o.max_redirs = 5;
		if (f->path[0] != '/') {
			o.proxy = proxy;
			snprintf(url, sizeof(url), "https://%s/", f->path);
			q.url = url;
		}
		pthread_mutex_lock(&server.lock);
		server.flooded = 0;
		pthread_mutex_unlock(&server.lock);
		g = ask(&o, q, f->path);
		for (i = 0; i < 400 && !is_idle(); i++)
			usleep(5000);
		pthread_mutex_lock(&server.lock);
		flooded = server.flooded;
		pthread_mutex_unlock(&server.lock);
		print_message("%s: %zu bytes, result %d: %s\n", f->path,
		    flooded, (int)g.a.result, g.a.why);
		if (g.a.result == HTTP_ANSWERED || flooded > READ_AT_MOST)
			fail_msg("%s: %zu bytes were taken, result %d: %s",
			    f->path, flooded, (int)g.a.result, g.a.why);
	}
}

/* Chunks of a few bytes are dear, but not out of the question. */
static void
a_chunked_body_may_have_65536_bytes(void **state)
{
	static char all[200000];
	struct got g;
	size_t n, chunk = 4096, done;

	(void)state;
	for (chunk = 4096; chunk >= 64; chunk /= 64) {
		n = (size_t)snprintf(all, sizeof(all),
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (done = 0; done < 65536; done += chunk) {
			n += (size_t)snprintf(
			    all + n, sizeof(all) - n, "%zx\r\n", chunk);
			memset(all + n, 'a', chunk);
			n += chunk;
			all[n++] = '\r';
			all[n++] = '\n';
		}
		snprintf(all + n, sizeof(all) - n, "0\r\n\r\n");
		g = ask_speaker(all);
		assert_int_equal(g.a.result, HTTP_ANSWERED);
		assert_int_equal(g.a.body_len, 65536);
	}
}

static void
a_body_may_have_65536_bytes(void **state)
{
	struct got g;

	(void)state;
	g = get("/body/65536");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.body_len, 65536);
	g = get("/untold/65536");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.body_len, 65536);
	assert_int_equal(get("/body/65537").a.result, HTTP_ETOOBIG);
	g = get("/untold/65537");
	assert_int_equal(g.a.result, HTTP_ETOOBIG);
	assert_non_null(strstr(g.a.why, "65536"));
	assert_int_equal(get("/untold/10000000").a.result, HTTP_ETOOBIG);
}

static void
headers_may_have_32768_bytes(void **state)
{
	struct got g;

	(void)state;
	assert_int_equal(get("/headers/32768").a.result, HTTP_ANSWERED);
	g = get("/headers/32769");
	assert_int_equal(g.a.result, HTTP_ETOOBIG);
	assert_non_null(strstr(g.a.why, "header"));
	assert_int_equal(get("/headers/1000000").a.result, HTTP_ETOOBIG);
}

static void
the_limit_of_headers_is_for_each_answer(void **state)
{
	char url[64];
	struct http_question q[3] = {{.url = url}, {.url = url}, {.url = url}};
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3};
	size_t i;

	(void)state;
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/headers/20000", server.port);
	run_plan(&plain, &p);
	for (i = 0; i < 3; i++)
		assert_int_equal(got[i].a.result, HTTP_ANSWERED);
}

static void
an_exchange_ends_at_its_timeout(void **state)
{
	const struct http_question q = {.timeout_ms = 300};
	struct got g = ask(&plain, q, "/hang");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ETIMEOUT);
	assert_true(g.a.ms >= 290 && g.a.ms < 1300);
}

/*
 * A queue of connections that is full, and that nobody looks after: whoever
 * comes now hears nothing.
 */
static void
a_connection_ends_at_its_timeout(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct http_options o = plain;
	struct http_question q = {.timeout_ms = 20000};
	int fds[8], deaf, port = 0;
	char url[64];
	struct got g;
	size_t i;

	(void)state;
	deaf = listen_somewhere(0, &port);
	assert_int_not_equal(deaf, -1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	for (i = 0; i < COUNT(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		if (connect(fds[i], (struct sockaddr *)&sin, sizeof(sin)) == -1)
			assert_int_equal(errno, EINPROGRESS);
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	q.url = url;
	o.connect_timeout_ms = 300;
	g = ask(&o, q, "");
	for (i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	close(deaf);
	assert_int_equal(g.a.result, HTTP_ETIMECONNECT);
	assert_true(g.a.ms >= 290 && g.a.ms < 1300);
}

/* ---- failures and their names ---- */

static void
what_is_cut_off_is_told_from_what_is_broken(void **state)
{
	static const char *const paths[] = {
	    "/nothing", "/cut", "/cutchunk", "/reset"};
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		g = get(paths[i]);
		if (g.a.result != HTTP_ECLOSED)
			fail_msg("%s: result %d: %s", paths[i], (int)g.a.result,
			    g.a.why);
	}
}

static void
what_is_not_http_is_broken(void **state)
{
	static const char *const paths[] = {"/garbage", "/http09"};
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		g = get(paths[i]);
		if (g.a.result != HTTP_EBROKEN ||
		    strstr(g.a.why, "redirect") != NULL)
			fail_msg("%s: result %d: %s", paths[i], (int)g.a.result,
			    g.a.why);
	}
}

/* libcurl 8.14 takes it for the 200 of an HTTP/1.0, with nothing in it. */
static void
no_status_is_handed_on_that_is_none(void **state)
{
	struct got g = get("/zero");

	(void)state;
	if (g.a.result == HTTP_ANSWERED) {
		assert_int_equal(g.a.status, 200);
		assert_int_equal(g.a.body_len, 0);
	} else {
		assert_int_equal(g.a.result, HTTP_EBROKEN);
		assert_null(strstr(g.a.why, "redirect"));
	}
}

static void
nobody_there_is_no_connection(void **state)
{
	const struct http_question q = {.url = "http://127.0.0.1:1/"};
	struct got g = ask(&plain, q, "");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ECONNECT);
	assert_int_equal(g.a.proxied, 0);
}

/* A label of 64 letters: the resolver need ask nobody. */
#define NO_NAME                                                                \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	".example"

static void
a_name_that_does_not_resolve(void **state)
{
	const struct http_question q = {.url = "http://" NO_NAME "/"};

	(void)state;
	assert_int_equal(ask(&plain, q, "").a.result, HTTP_ERESOLVE);
}

/* It sends words before any were asked for. */
static void *
speak_no_tls(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char in[4096];

	if (fd == -1)
		return NULL;
	if (recv(fd, in, sizeof(in), 0) > 0)
		(void)send_all(fd, "HTTP/1.1 400 No\r\n\r\n", 19);
	while (recv(fd, in, sizeof(in), 0) > 0)
		continue;
	close(fd);
	return NULL;
}

static void
what_speaks_no_tls_is_told_as_such(void **state)
{
	struct http_question q = {.timeout_ms = 20000};
	int fd, port = 0;
	char url[64];
	pthread_t t;
	struct got g;

	(void)state;
	fd = listen_somewhere(1, &port);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pthread_create(&t, NULL, speak_no_tls, &fd), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	q.url = url;
	g = ask(&plain, q, "");
	shutdown(fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(fd);
	assert_int_equal(g.a.result, HTTP_ETLS);
}

/* ---- redirections ---- */

static void
a_redirection_is_handed_on_with_its_target(void **state)
{
	char target[64];
	struct got g = get("/301");

	(void)state;
	snprintf(
	    target, sizeof(target), "http://127.0.0.1:%d/bare", server.port);
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.status, 301);
	assert_string_equal(g.location, target);
	assert_string_equal(g.body, "moved");
	assert_int_equal(server.requests, 1);
	g = get("/tofile");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_string_equal(g.location, "file:///etc/passwd");
}

static void
as_many_redirections_as_allowed_are_followed(void **state)
{
	static const char *const paths[] = {
	    "/301", "/302", "/303", "/307", "/308"};
	static const unsigned char body[] = "?\n";
	const struct http_question post = {.body = body, .body_len = 2};
	struct http_options o = plain;
	struct got g;
	size_t i;

	(void)state;
	o.max_redirs = 1;
	for (i = 0; i < COUNT(paths); i++) {
		g = ask(&o, (struct http_question){.url = NULL}, paths[i]);
		assert_int_equal(g.a.result, HTTP_ANSWERED);
		assert_int_equal(g.a.status, 200);
		assert_string_equal(g.body, "bare");
		g = ask(&o, post, paths[i]);
		assert_string_equal(g.body, "bare");
	}
	assert_int_equal(sent_lines("GET /bare "), 5);
	assert_int_equal(sent_lines("POST /bare "), 5);
	assert_int_equal(sent_lines("Content-Type: type/post"), 10);
}

static void
a_redirection_too_many_is_a_failure(void **state)
{
	struct http_options o = plain;
	struct got g;

	(void)state;
	o.max_redirs = 3;
	g = ask(&o, (struct http_question){.url = NULL}, "/loop");
	assert_int_equal(g.a.result, HTTP_EOTHER);
	assert_non_null(strstr(g.a.why, "--max-redirs"));
	assert_int_equal(server.requests, 4);
}

static void
a_redirection_leads_to_http_only(void **state)
{
	struct http_options o = plain;
	struct got g;

	(void)state;
	o.max_redirs = 5;
	g = ask(&o, (struct http_question){.url = NULL}, "/tofile");
	assert_int_not_equal(g.a.result, HTTP_ANSWERED);
	assert_null(strstr(g.body, "root"));
	assert_non_null(strstr(g.a.why, "redirect"));
	g = ask(&o, (struct http_question){.url = NULL}, "/toftp");
	assert_int_not_equal(g.a.result, HTTP_ANSWERED);
	assert_non_null(strstr(g.a.why, "redirect"));
}

/* ---- proxies ---- */

static struct got
through(const char *proxy, const char *url)
{
	struct http_options o = plain;

	o.proxy = proxy;
	return ask(&o, (struct http_question){.url = url}, "/bare");
}

static const char *
our_url(void)
{
	static char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.port);
	return url;
}

static void
a_proxy_is_asked_for_the_whole_url(void **state)
{
	struct got g = through(our_url(), "http://ocsp.invalid/x");

	(void)state;
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.proxied, 1);
	assert_int_equal(sent_lines("GET http://ocsp.invalid/x HTTP/1.1"), 1);
	assert_int_equal(sent_lines("Host: ocsp.invalid\r\n"), 1);
}

static void
an_empty_proxy_is_none(void **state)
{
	struct got g;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	g = through("", NULL);
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.proxied, 0);
	g = through(NULL, NULL);
	unsetenv("http_proxy");
	assert_int_not_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(server.requests, 1);
}

static void
a_proxy_of_the_environment_is_told_from_none(void **state)
{
	struct http_options o = plain;
	struct got g;

	(void)state;
	setenv("http_proxy", our_url(), 1);
	g = through(NULL, "http://ocsp.invalid/x");
	assert_int_equal(g.a.proxied, 1);
	o.noproxy = "127.0.0.1";
	g = ask(&o, (struct http_question){.url = NULL}, "/bare");
	unsetenv("http_proxy");
	assert_int_equal(g.a.result, HTTP_ANSWERED);
	assert_int_equal(g.a.proxied, 0);
}

static void
a_proxy_that_is_not_there_is_its_failure(void **state)
{
	struct got g;

	(void)state;
	g = through("http://127.0.0.1:1", NULL);
	assert_int_equal(g.a.result, HTTP_EPROXY);
	g = through("http://" NO_NAME ":3128", NULL);
	assert_int_equal(g.a.result, HTTP_EPROXY);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	g = through(NULL, NULL);
	unsetenv("http_proxy");
	assert_int_equal(g.a.result, HTTP_EPROXY);
}

static void
a_proxy_that_refuses_a_tunnel_is_its_failure(void **state)
{
	struct got g;

	(void)state;
	g = through(our_url(), "https://ocsp.invalid/x");
	assert_int_equal(sent_lines("CONNECT ocsp.invalid:443 HTTP/1.1"), 1);
	assert_int_equal(g.a.proxied, 1);
	assert_int_equal(g.a.result, HTTP_EPROXY);
	assert_non_null(strstr(g.a.why, "403"));
}

/* ---- many ---- */

#define MANY 60

static void
fill_many(char url[][64], struct http_question *q, const char *path)
{
	size_t i;

	for (i = 0; i < MANY; i++) {
		snprintf(url[i], 64, "http://127.0.0.1:%d%s%zu", server.port,
		    path, i);
		q[i] = (struct http_question){.url = url[i]};
	}
}

static void
many_are_asked_at_once_but_never_more(void **state)
{
	static char url[MANY][64];
	struct http_question q[MANY];
	struct got *got = calloc(MANY, sizeof(*got));
	struct plan p = {.q = q, .got = got, .n = MANY};
	struct http_options o = plain;
	size_t i;

	(void)state;
	assert_non_null(got);
	fill_many(url, q, "/wait");
	o.parallel = 7;
	run_plan(&o, &p);
	for (i = 0; i < MANY; i++)
		assert_int_equal(got[i].a.result, HTTP_ANSWERED);
	free(got);
	assert_int_equal(server.requests, MANY);
	assert_int_equal(server.most_open, 7);
	/* one that was given on before its last answer was judged is replaced
	 */
	assert_in_range(server.connections, 7, 12);
}

static void
failures_do_not_stop_the_others(void **state)
{
	static char url[MANY][64];
	struct http_question q[MANY];
	struct got *got = calloc(MANY, sizeof(*got));
	struct plan p = {.q = q, .got = got, .n = MANY};
	struct http_options o = plain;
	size_t i;

	(void)state;
	assert_non_null(got);
	fill_many(url, q, "/x");
	for (i = 0; i < MANY; i += 3)
		snprintf(
		    url[i], 64, "http://127.0.0.1:%d/nothing", server.port);
	for (i = 1; i < MANY; i += 3)
		snprintf(url[i], 64, "http://127.0.0.1:1/");
	o.parallel = 4;
	run_plan(&o, &p);
	for (i = 0; i < MANY; i++)
		assert_int_equal(got[i].a.result,
		    i % 3 == 0       ? HTTP_ECLOSED
			: i % 3 == 1 ? HTTP_ECONNECT
				     : HTTP_ANSWERED);
	free(got);
}

static void
one_at_a_time_is_one_connection(void **state)
{
	static char url[MANY][64];
	struct http_question q[MANY];
	struct got *got = calloc(MANY, sizeof(*got));
	struct plan p = {.q = q, .got = got, .n = MANY};

	(void)state;
	assert_non_null(got);
	fill_many(url, q, "/x");
	run_plan(&plain, &p);
	free(got);
	assert_int_equal(server.requests, MANY);
	assert_int_equal(server.connections, 1);
}

static void
an_answer_may_bring_more_questions(void **state)
{
	struct http_question q[3];
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3, .hold_back = 2};
	char url[64];
	size_t i;

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/bare", server.port);
	for (i = 0; i < 3; i++)
		q[i] = (struct http_question){.url = url};
	run_plan(&plain, &p);
	assert_int_equal(server.requests, 3);
}

static void
a_source_that_says_later_is_asked_later(void **state)
{
	struct http_question q[2];
	struct got got[2] = {0};
	struct plan p = {.q = q, .got = got, .n = 2, .later = 5};
	struct timespec begin, end;
	char url[64];
	long ms;

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/bare", server.port);
	q[0] = q[1] = (struct http_question){.url = url};
	clock_gettime(CLOCK_MONOTONIC, &begin);
	run_plan(&plain, &p);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 +
	    (end.tv_nsec - begin.tv_nsec) / 1000000;
	/* five times 30 ms, neither in a busy loop nor in its own time */
	assert_true(ms >= 140 && ms < 1500);
	assert_true(p.draws <= 20);
}

static void
nothing_to_ask_is_no_failure(void **state)
{
	struct plan p = {.n = 0};

	(void)state;
	run_plan(&plain, &p);
	assert_int_equal(p.draws, 1);
}

/* ---- signals ---- */

/* In the child: a question, and a signal to itself while next() runs. */
static enum http_draw
next_with_signal(void *ctx, struct http_question *q, long *wait_ms)
{
	static int asked;
	int *fd = ctx;
	static char url[64];

	(void)wait_ms;
	if (asked++)
		return HTTP_NONE;
	if (fd[1] != -1) {
		kill(getpid(), SIGTERM);
		(void)!write(fd[1], "!", 1);
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hang", server.port);
	q->url = url;
	q->timeout_ms = 5000;
	return HTTP_ASK;
}

static enum http_connection
done_quietly(
    void *ctx, const struct http_question *q, const struct http_answer *a)
{
	(void)ctx;
	(void)q;
	(void)a;
	return HTTP_KEEP;
}

/* Starts http_run() in a child as a caller would; `fd` is for next(). */
static pid_t
run_in_child(int *fd)
{
	const struct http_source src = {
	    next_with_signal, done_quietly, fd, NULL};
	sigset_t set;
	pid_t pid;

	if ((pid = fork()) != 0)
		return pid;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	http_run(&plain, &src);
	_exit(0);
}

static void
a_signal_ends_the_waiting(void **state)
{
	int fd[2] = {-1, -1}, status, i;
	pid_t pid = run_in_child(fd);

	(void)state;
	assert_true(pid > 0);
	for (i = 0; i < 100 && requests() == 0; i++)
		usleep(10000);
	assert_int_equal(requests(), 1);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void
a_signal_does_not_cut_a_callback(void **state)
{
	int fd[2], status;
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = run_in_child(fd);
	assert_true(pid > 0);
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	/* it went on after the signal, up to where it waits */
	assert_int_equal(read(fd[0], &byte, 1), 1);
	assert_int_equal(byte, '!');
	close(fd[0]);
}

/* ---- connections ---- */

#define SOME 4

/* Asks for each path in turn, with a pause after each; -1: of all SOME. */
static void
ask_in_turn(const struct http_options *o, const char *const *paths, int drop,
    struct got *got)
{
	static char url[SOME][128];
	struct http_question q[SOME];
	struct plan p = {
	    .q = q, .got = got, .n = SOME, .drop = drop, .pause_ms = 60};
	size_t i;

	memset(got, 0, SOME * sizeof(*got));
	for (i = 0; i < SOME; i++) {
		snprintf(url[i], sizeof(url[i]), "http://127.0.0.1:%d%s",
		    server.port, paths[i]);
		q[i] = (struct http_question){.url = url[i]};
	}
	run_plan(o, &p);
}

static void
what_comes_unasked_is_no_answer_to_what_is_asked_next(void **state)
{
	const char *paths[SOME] = {NULL, "/bare", "/bare", "/bare"};
	struct got got[SOME];
	char doubles[COUNT(doubled)][32];
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(lates) + COUNT(doubled); i++) {
		forget(NULL);
		if (i < COUNT(lates))
			paths[0] = lates[i].path;
		else {
			k = i - COUNT(lates);
			snprintf(
			    doubles[k], sizeof(doubles[k]), "/doubled/%zu", k);
			paths[0] = doubles[k];
		}
		ask_in_turn(&plain, paths, 0, got);
		for (k = 1; k < SOME; k++)
			if (got[k].a.result != HTTP_ANSWERED ||
			    strcmp(got[k].body, "bare") != 0)
				fail_msg("after %s came %d: %s: %s", paths[0],
				    (int)got[k].a.result, got[k].a.why,
				    got[k].body);
		/* nor is anything asked twice that the server has heard */
		assert_int_equal(server.requests, SOME);
		if (i < COUNT(lates))
			assert_int_equal(server.connections, 2);
	}
}

static void
a_connection_is_used_again_unless_it_is_to_be_dropped(void **state)
{
	static const char *const paths[SOME] = {
	    "/bare", "/empty", "/full", "/chunked"};
	struct got got[SOME];
	size_t i;

	(void)state;
	ask_in_turn(&plain, paths, 0, got);
	assert_int_equal(server.connections, 1);
	for (i = 0; i < SOME; i++) {
		assert_int_equal(got[i].a.connected, 1);
		assert_int_equal(got[i].a.reused, i > 0);
	}
	forget(NULL);
	ask_in_turn(&plain, paths, 1, got);
	assert_int_equal(server.connections, SOME);
	for (i = 0; i < SOME; i++)
		assert_int_equal(got[i].a.reused, 0);
}

/* Of many, only those that brought what was not wanted. */
static void
others_connections_are_not_dropped_with_it(void **state)
{
	static char url[MANY][64];
	struct http_question q[MANY];
	struct got *got = calloc(MANY, sizeof(*got));
	struct plan p = {.q = q, .got = got, .n = MANY, .drop_first = 1};
	struct http_options o = plain;
	size_t i;

	(void)state;
	assert_non_null(got);
	fill_many(url, q, "/wait");
	o.parallel = 4;
	run_plan(&o, &p);
	for (i = 0; i < MANY; i++)
		assert_int_equal(got[i].a.result, HTTP_ANSWERED);
	free(got);
	assert_int_equal(server.connections, 5);
}

static void
a_question_may_want_a_connection_of_its_own(void **state)
{
	char url[64];
	struct http_question q[3] = {
	    {.url = url}, {.url = url, .fresh = 1}, {.url = url}};
	struct got got[3] = {0};
	struct plan p = {.q = q, .got = got, .n = 3};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/bare", server.port);
	run_plan(&plain, &p);
	assert_int_equal(server.connections, 2);
	assert_int_equal(got[1].a.reused, 0);
	assert_int_equal(got[2].a.reused, 1);
}

static void
whether_it_was_connected_is_told_of_failures_too(void **state)
{
	const struct http_question nobody = {.url = "http://127.0.0.1:1/"};
	struct http_question hang = {.timeout_ms = 300};
	struct got g = ask(&plain, nobody, "");

	(void)state;
	assert_int_equal(g.a.connected, 0);
	assert_int_equal(g.a.reused, 0);
	g = ask(&plain, hang, "/hang");
	assert_int_equal(g.a.result, HTTP_ETIMEOUT);
	assert_int_equal(g.a.connected, 1);
	assert_int_equal(get("/reset").a.connected, 1);
	assert_int_equal(get("/garbage").a.connected, 1);
}

/* ---- descriptors ---- */

/* Draws one question, for whose socket there is no descriptor left. */
static struct {
	struct rlimit old;
	const char *url;
	int asked, answered;
	struct http_answer a;
} starving;

static enum http_draw
next_starving(void *ctx, struct http_question *q, long *wait_ms)
{
	struct rlimit none;
	int fd;

	(void)ctx;
	(void)wait_ms;
	if (starving.asked++)
		return HTTP_NONE;
	q->url = starving.url;
	q->timeout_ms = 5000;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &starving.old), 0);
	none = starving.old;
	/* what libcurl sets up with its handles has what it needs by then */
	fd = dup(0);
	close(fd);
	none.rlim_cur = (rlim_t)fd + 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (none.rlim_cur = 0; none.rlim_cur < 3; none.rlim_cur++)
		(void)!dup(0);
	return HTTP_ASK;
}

static enum http_connection
done_starving(
    void *ctx, const struct http_question *q, const struct http_answer *a)
{
	(void)ctx;
	(void)q;
	starving.answered++;
	starving.a = *a;
	setrlimit(RLIMIT_NOFILE, &starving.old);
	return HTTP_KEEP;
}

/* In a child, whose descriptors are its own. */
static void
a_machine_without_descriptors_is_not_the_networks_fault(void **state)
{
	static const char *const urls[] = {
	    "http://127.0.0.1:1/", "http://localhost:1/"};
	const struct http_source src = {
	    next_starving, done_starving, NULL, NULL};
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < COUNT(urls); i++) {
		if ((pid = fork()) == 0) {
			starving.url = urls[i];
			if (http_run(&plain, &src) != 0 ||
			    starving.answered != 1)
				_exit(1);
			fprintf(stderr, "%s: result %d: %s\n", urls[i],
			    (int)starving.a.result, starving.a.why);
			_exit(starving.a.result == HTTP_ELOCAL &&
				    strcmp(starving.a.why, strerror(EMFILE)) ==
					0
				? 0
				: 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: status %#x", urls[i], (unsigned)status);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, forget)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(urls_that_may_be_asked),
	    TEST(urls_that_may_not_be_asked),
	    TEST(a_url_may_have_1024_bytes),
	    TEST(a_nul_in_a_url_does_not_hide_the_rest),
	    TEST(headers_that_may_be_sent),
	    TEST(headers_that_may_not_be_sent),
	    TEST(get_sends_these_lines_and_no_others),
	    TEST(post_sends_these_lines_and_the_very_bytes),
	    TEST(a_large_post_does_not_wait),
	    TEST(no_cache_is_said_in_both_ways),
	    TEST(given_headers_replace_ours_and_arrive_once),
	    TEST(the_path_is_sent_as_it_is),
	    TEST(a_cookie_is_not_sent_back),
	    TEST(no_password_out_of_netrc_is_sent),
	    TEST(an_answer_is_handed_on_whole),
	    TEST(what_is_not_there_is_not_made_up),
	    TEST(a_pause_that_is_wanted_can_be_reckoned_with),
	    TEST(a_date_is_read_only_where_there_is_one),
	    TEST(nothing_is_left_of_the_answer_before),
	    TEST(a_folded_first_line_does_not_reach_into_the_answer_before),
	    TEST(a_first_answer_without_headers_shows_none),
	    TEST(a_get_after_a_post_is_a_get),
	    TEST(framing_is_taken_off),
	    TEST(compressed_bytes_stay_compressed),
	    TEST(a_transfer_coding_but_chunked_is_refused),
	    TEST(chunked_is_taken_however_it_is_spelled),
	    TEST(no_more_is_read_than_is_promised_however_it_is_wrapped),
	    TEST(a_chunked_body_may_have_65536_bytes),
	    TEST(a_body_may_have_65536_bytes),
	    TEST(headers_may_have_32768_bytes),
	    TEST(the_limit_of_headers_is_for_each_answer),
	    TEST(an_exchange_ends_at_its_timeout),
	    TEST(a_connection_ends_at_its_timeout),
	    TEST(what_is_cut_off_is_told_from_what_is_broken),
	    TEST(what_is_not_http_is_broken),
	    TEST(no_status_is_handed_on_that_is_none),
	    TEST(nobody_there_is_no_connection),
	    TEST(a_name_that_does_not_resolve),
	    TEST(what_speaks_no_tls_is_told_as_such),
	    TEST(a_redirection_is_handed_on_with_its_target),
	    TEST(as_many_redirections_as_allowed_are_followed),
	    TEST(a_redirection_too_many_is_a_failure),
	    TEST(a_redirection_leads_to_http_only),
	    TEST(a_proxy_is_asked_for_the_whole_url),
	    TEST(an_empty_proxy_is_none),
	    TEST(a_proxy_of_the_environment_is_told_from_none),
	    TEST(a_proxy_that_is_not_there_is_its_failure),
	    TEST(a_proxy_that_refuses_a_tunnel_is_its_failure),
	    TEST(many_are_asked_at_once_but_never_more),
	    TEST(failures_do_not_stop_the_others),
	    TEST(one_at_a_time_is_one_connection),
	    TEST(an_answer_may_bring_more_questions),
	    TEST(a_source_that_says_later_is_asked_later),
	    TEST(nothing_to_ask_is_no_failure),
	    TEST(what_comes_unasked_is_no_answer_to_what_is_asked_next),
	    TEST(a_connection_is_used_again_unless_it_is_to_be_dropped),
	    TEST(others_connections_are_not_dropped_with_it),
	    TEST(a_question_may_want_a_connection_of_its_own),
	    TEST(whether_it_was_connected_is_told_of_failures_too),
	    TEST(a_machine_without_descriptors_is_not_the_networks_fault),
	    TEST(a_signal_ends_the_waiting),
	    TEST(a_signal_does_not_cut_a_callback),
	};

	return cmocka_run_group_tests_name("http", tests, set_up, tear_down);
}
