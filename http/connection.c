/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http/internal.h"

/* Bytes that the system is to hold for us; Linux takes twice as many. */
#define SYSTEM_BUFFER 16384

long
info(const struct slot *s, CURLINFO what)
{
	long n = 0;

	return curl_easy_getinfo(s->easy, what, &n) == CURLE_OK ? n : 0;
}

void
drop(curl_socket_t fd)
{
	if (fd != CURL_SOCKET_BAD)
		shutdown(fd, SHUT_RDWR);
}

static void
goes_over(struct slot *s, int fd)
{
	s->fds[s->fds[0] != CURL_SOCKET_BAD] = fd;
}

curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const int most = SYSTEM_BUFFER;
	struct slot *s = arg;
	int fd, type = to->socktype;

	(void)purpose;
#ifdef SOCK_CLOEXEC
	type |= SOCK_CLOEXEC;
#endif
	fd = socket(to->family, type, to->protocol);
	/* a family that is not there leaves others to be tried */
	if (fd == -1 && errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT)
		s->socket_error = errno;
	if (fd == -1)
		return CURL_SOCKET_BAD;
	goes_over(s, fd);
	/* what is not wanted need not be held by the system either */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
	return fd;
}

int
on_close(void *arg, curl_socket_t fd)
{
	struct pool *p = arg;
	size_t i;

	for (i = 0; i < 2 * p->o->parallel; i++)
		if (p->slots[i / 2].fds[i % 2] == fd)
			p->slots[i / 2].fds[i % 2] = CURL_SOCKET_BAD;
	for (i = 0; i < p->nkept; i++)
		if (p->kept[i].fd == fd) {
			p->kept[i] = p->kept[--p->nkept];
			break;
		}
	return close(fd);
}

void
keep(struct pool *p, const struct slot *s, curl_socket_t fd)
{
	char *ip = NULL, *peer = NULL;
	struct kept *k;

	curl_easy_getinfo(s->easy, CURLINFO_LOCAL_IP, &ip);
	curl_easy_getinfo(s->easy, CURLINFO_PRIMARY_IP, &peer);
	if (fd == CURL_SOCKET_BAD || ip == NULL || peer == NULL)
		return;
	for (k = p->kept; k < p->kept + p->nkept; k++)
		if (k->fd == fd) {
			k->user = NULL;
			return;
		}
	/* what cannot be looked after is not kept */
	if (p->nkept == p->max_kept || strlen(ip) >= sizeof(k->ip) ||
	    strlen(peer) >= sizeof(k->peer_ip)) {
		drop(fd);
		return;
	}
	p->nkept++;
	k->fd = fd;
	k->user = NULL;
	k->port = info(s, CURLINFO_LOCAL_PORT);
	k->peer_port = info(s, CURLINFO_PRIMARY_PORT);
	memcpy(k->ip, ip, strlen(ip) + 1);
	memcpy(k->peer_ip, peer, strlen(peer) + 1);
}

#if LIBCURL_VERSION_NUM >= 0x075000
static struct kept *
find_kept(
    struct pool *p, const char *ip, long port, const char *peer, long peer_port)
{
	struct kept *k;

	for (k = p->kept; k < p->kept + p->nkept; k++)
		if (k->port == port && k->peer_port == peer_port &&
		    strcmp(k->ip, ip) == 0 && strcmp(k->peer_ip, peer) == 0)
			return k;
	return NULL;
}

/*
 * Another exchange had it, and ended; what came of that was not looked at yet,
 * as libcurl gives a connection on at once.
 */
static int
is_unjudged(const struct slot *s, const struct kept *k)
{
	if (k == NULL)
		return s->fds[0] == CURL_SOCKET_BAD;
	return k->user != NULL && k->user != s;
}

static int
is_quiet(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK);
}

int
on_ready(void *arg, char *peer, char *ip, int peer_port, int port)
{
	struct slot *s = arg;
	struct kept *k;

	k = find_kept(s->pool, ip, port, peer, peer_port);
	if (is_unjudged(s, k) || (k != NULL && !is_quiet(k->fd))) {
		s->fault = STALE;
		return CURL_PREREQFUNC_ABORT;
	}
	if (k != NULL) {
		k->user = s;
		goes_over(s, k->fd);
	}
	return CURL_PREREQFUNC_OK;
}
#endif
