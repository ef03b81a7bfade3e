/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/types.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/internal.h"
#include "probe/served.h"
#include "util/words.h"

/* ---- HOST[:PORT] ---- */

static int
bad_where(const char *s, const char *fault, char *why)
{
	char shown[SHOWN_MAX];

	snprintf(why, WHY_MAX, "\"%s\" is not HOST[:PORT]: %s",
	    words_cut(shown, sizeof(shown), s), fault);
	return -1;
}

static int
is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 5 && s[n] == '\0' && strtol(s, NULL, 10) >= 1 &&
	    strtol(s, NULL, 10) <= 65535;
}

static int
is_address(const char *host)
{
	struct in6_addr in6;
	struct in_addr in4;

	/* a scope may follow, as in fe80::1%eth0 */
	return strchr(host, ':') != NULL ||
	    inet_pton(AF_INET, host, &in4) == 1 ||
	    inet_pton(AF_INET6, host, &in6) == 1;
}

/* Letters of names and addresses, and what people put into host names. */
static int
is_host(const char *s, size_t n)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_";

	return n > 0 && s[0] != '-' && strspn(s, known) >= n;
}

static int
is_ipv6(const char *s, size_t n)
{
	char host[SERVED_MAX_HOST + 1];
	struct in6_addr in6;
	size_t bare;

	if (n == 0 || n > SERVED_MAX_HOST)
		return 0;
	memcpy(host, s, n);
	host[n] = '\0';
	bare = strcspn(host, "%");
	if (host[bare] == '%' && !is_host(host + bare + 1, n - bare - 1))
		return 0;
	host[bare] = '\0';
	return inet_pton(AF_INET6, host, &in6) == 1;
}

int
served_parse(const char *s, enum served_starttls starttls,
    struct served_where *w, char *why)
{
	static const char *const ports[] = {[STARTTLS_NONE] = "443",
	    [STARTTLS_SMTP] = "25",
	    [STARTTLS_IMAP] = "143",
	    [STARTTLS_POP3] = "110",
	    [STARTTLS_FTP] = "21",
	    [STARTTLS_LDAP] = "389"};
	const char *host = s, *port = ports[starttls], *end;
	int v6 = 1;

	memset(w, 0, sizeof(*w));
	if (s[0] == '[') {
		host = s + 1;
		if ((end = strchr(s, ']')) == NULL ||
		    (end[1] != '\0' && end[1] != ':'))
			return bad_where(
			    s, "an IPv6 address is written [ADDRESS]", why);
		if (end[1] == ':')
			port = end + 2;
	} else if ((end = strchr(s, ':')) == NULL)
		end = s + strlen(s), v6 = 0;
	else if (strchr(end + 1, ':') != NULL)
		end = s + strlen(s); /* an IPv6 address, and no port */
	else
		port = end + 1, v6 = 0;
	if (!is_port(port))
		return bad_where(s, "the port is a number up to 65535", why);
	if ((size_t)(end - host) > SERVED_MAX_HOST)
		return bad_where(s, "the name is too long", why);
	if (v6 ? !is_ipv6(host, (size_t)(end - host))
	       : !is_host(host, (size_t)(end - host)))
		return bad_where(s,
		    v6 ? "this is no IPv6 address"
		       : "a host name has letters, digits, \".\" and \"-\" "
			 "(a name in other letters in its xn-- form)",
		    why);
	memcpy(w->host, host, (size_t)(end - host));
	snprintf(w->port, sizeof(w->port), "%s", port);
	w->is_address = is_address(w->host);
	return 0;
}

/* ---- the name ---- */

void
lookup_release(struct lookup *l)
{
	if (atomic_fetch_sub(&l->users, 1) > 1)
		return;
	if (l->found != NULL)
		freeaddrinfo(l->found);
	close(l->done[0]);
	free(l);
}

static void *
look_up(void *ctx)
{
	struct lookup *l = ctx;
	int done = l->done[1];

	l->error =
	    getaddrinfo(l->where.host, l->where.port, &l->hints, &l->found);
	/* the one that waits sees the pipe's end only after this */
	lookup_release(l);
	close(done);
	return NULL;
}

/* Signals are for the thread that knows what to do with them. */
static int
start_thread(struct lookup *l)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t id;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&id, &attr, look_up, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return rc == 0 ? 0 : -1;
}

struct lookup *
lookup_start(const struct served_question *q)
{
	struct lookup *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->where = q->where;
	l->hints.ai_family = q->family == 4 ? AF_INET
	    : q->family == 6                ? AF_INET6
					    : AF_UNSPEC;
	l->hints.ai_socktype = SOCK_STREAM;
	l->hints.ai_flags =
	    AI_NUMERICSERV | (q->where.is_address ? AI_NUMERICHOST : 0);
	atomic_init(&l->users, 2);
	if (pipe(l->done) == -1) {
		free(l);
		return NULL;
	}
	(void)fcntl(l->done[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(l->done[1], F_SETFD, FD_CLOEXEC);
	if (start_thread(l) == 0)
		return l;
	close(l->done[1]);
	atomic_store(&l->users, 1);
	lookup_release(l);
	return NULL;
}
