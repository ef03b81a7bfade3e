/* SPDX-License-Identifier: ISC */
/*
 * fuzz: see fuzz.h.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

void
fuzz_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

unsigned int
fuzz_byte(struct fuzz_in *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

const uint8_t *
fuzz_bytes(struct fuzz_in *in, size_t *n)
{
	const uint8_t *p = in->p;

	if (*n > in->n)
		*n = in->n;
	in->p += *n;
	in->n -= *n;
	return p;
}

char *
fuzz_string(struct fuzz_in *in)
{
	const uint8_t *nul = in->n > 0 ? memchr(in->p, 0, in->n) : NULL;
	size_t n = nul != NULL ? (size_t)(nul - in->p) : in->n;
	char *s = malloc(n + 1);

	HOLDS(s != NULL);
	if (n > 0)
		memcpy(s, in->p, n);
	s[n] = '\0';
	in->p += nul != NULL ? n + 1 : n;
	in->n -= nul != NULL ? n + 1 : n;
	return s;
}

const char *
fuzz_file(const uint8_t *p, size_t n)
{
	static char path[64];
	static int fd = -1;
	ssize_t w;

	if (fd == -1)
		HOLDS((fd = memfd_create("fuzz", MFD_CLOEXEC)) != -1);
	HOLDS(ftruncate(fd, 0) == 0);
	w = n > 0 ? pwrite(fd, p, n, 0) : 0;
	HOLDS(w == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

/* ---- the peer ---- */

struct fuzz_peer {
	pthread_mutex_t lock;
	int listener;
	int port;
	/* under the lock */
	enum fuzz_manner manner;
	const uint8_t *p;
	size_t n;
};

/* The next part of the script; 0: there is none. */
static int
next_part(struct fuzz_peer *peer, uint8_t **part, size_t *n)
{
	static const uint8_t mark[2] = {'\\', '\n'};
	const uint8_t *end;
	int more;

	pthread_mutex_lock(&peer->lock);
	more = peer->n > 0;
	*n = peer->n;
	if (more) {
		end = memmem(peer->p, peer->n, mark, sizeof(mark));
		if (end != NULL)
			*n = (size_t)(end - peer->p);
		HOLDS((*part = malloc(*n + 1)) != NULL);
		memcpy(*part, peer->p, *n);
		peer->p += end != NULL ? *n + sizeof(mark) : *n;
		peer->n -= end != NULL ? *n + sizeof(mark) : *n;
	}
	pthread_mutex_unlock(&peer->lock);
	return more;
}

static int
say_part(struct fuzz_peer *peer, int fd)
{
	uint8_t *part;
	size_t n, sent;
	ssize_t w;

	if (!next_part(peer, &part, &n))
		return 0;
	for (sent = 0; sent < n; sent += (size_t)w)
		if ((w = send(fd, part + sent, n - sent, MSG_NOSIGNAL)) <= 0)
			break;
	free(part);
	return 1;
}

/* One request: to its empty line, its newline, or its end. */
static void
hear_request(int fd)
{
	char buf[65536];
	ssize_t r;

	while ((r = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (memmem(buf, (size_t)r, "\r\n\r\n", 4) != NULL ||
		    buf[r - 1] == '\n')
			return;
}

/* Is there more of the script? */
static int
has_more(struct fuzz_peer *peer)
{
	int more;

	pthread_mutex_lock(&peer->lock);
	more = peer->n > 0;
	pthread_mutex_unlock(&peer->lock);
	return more;
}

/* Who waits for more than one part was waited for: then it gets the next. */
static void
talk(struct fuzz_peer *peer, int fd, enum fuzz_manner manner)
{
	const struct timeval patience = {.tv_usec = 5000};
	char buf[65536];

	if (manner == FUZZ_DIALOGUE && !say_part(peer, fd))
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (has_more(peer) && recv(fd, buf, sizeof(buf), 0) != 0)
		if (!say_part(peer, fd))
			break;
}

static void
serve(struct fuzz_peer *peer, int fd, enum fuzz_manner manner)
{
	const struct timeval patience = {.tv_sec = 1};
	char buf[65536];

	if (manner == FUZZ_ONE_EACH) {
		hear_request(fd);
		(void)say_part(peer, fd);
	} else
		talk(peer, fd, manner);
	/* a reset would take away what was said */
	shutdown(fd, SHUT_WR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static void *
run_peer(void *arg)
{
	struct fuzz_peer *peer = arg;
	enum fuzz_manner manner;
	int fd;

	for (;;) {
		if ((fd = accept(peer->listener, NULL, NULL)) == -1)
			continue;
		pthread_mutex_lock(&peer->lock);
		manner = peer->manner;
		pthread_mutex_unlock(&peer->lock);
		serve(peer, fd, manner);
		close(fd);
	}
	return NULL;
}

struct fuzz_peer *
fuzz_peer_new(const char *path, enum fuzz_manner manner)
{
	struct fuzz_peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(in);
	pthread_t thread;
	sigset_t all, was;

	HOLDS(peer != NULL);
	pthread_mutex_init(&peer->lock, NULL);
	peer->manner = manner;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	peer->listener =
	    socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	HOLDS(peer->listener != -1);
	if (path != NULL) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
		HOLDS(bind(peer->listener, (void *)&un, sizeof(un)) == 0);
	} else {
		HOLDS(bind(peer->listener, (void *)&in, sizeof(in)) == 0);
		HOLDS(getsockname(peer->listener, (void *)&in, &len) == 0);
		peer->port = ntohs(in.sin_port);
	}
	HOLDS(listen(peer->listener, 64) == 0);
	/* signals are the fuzzer's */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &was);
	HOLDS(pthread_create(&thread, NULL, run_peer, peer) == 0);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_detach(thread);
	return peer;
}

int
fuzz_peer_port(const struct fuzz_peer *peer)
{
	return peer->port;
}

void
fuzz_peer_script(
    struct fuzz_peer *peer, enum fuzz_manner manner, const uint8_t *p, size_t n)
{
	pthread_mutex_lock(&peer->lock);
	peer->manner = manner;
	peer->p = p;
	peer->n = n;
	pthread_mutex_unlock(&peer->lock);
}
