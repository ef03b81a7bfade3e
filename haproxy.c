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
#include <strings.h>
#include <unistd.h>

#include "haproxy.h"

/* A command, payload included, has to be below HAProxy's buffer, less 1024. */
#define COMMAND_MAX ((size_t)15200)

/* No reply is longer, but for the list of all certificates. */
#define REPLY_MAX ((size_t)65536)
#define LIST_MAX ((size_t)1 << 24)

/* So much of a reply is shown, with "..." for more. */
#define SHOWN_MAX 304

/* Entries of the same last name that are looked at, the likeliest first. */
#define MAX_NAMESAKES 8

/* What is left of a Unix socket's queue is asked again after so many ms. */
#define QUEUE_PAUSE 20

/* Where there is none, main ignores SIGPIPE all the same. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define UPDATED "OCSP Response updated!"
#define UNMATCHED "Certificate ID does not match any certificate or issuer."

/* What one push carries along. */
struct push {
	struct haproxy *h;
	const struct haproxy_news *news;
	long long until;
	int in_transaction; /* it is not to be left open */
	char *why;
};

/* What HAProxy said, without the newlines at its end; `s` is owned. */
struct reply {
	char *s;
	size_t len;
};

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
give_up(struct push *p)
{
	memcpy(p->h->dead, p->why, WHY_MAX);
	return HAPROXY_DEAD;
}

static enum haproxy_result
give_up_slow(struct push *p, const char *what)
{
	snprintf(
	    p->why, WHY_MAX, "%s within %d s", what, HAPROXY_PATIENCE / 1000);
	return give_up(p);
}

/* What may wait long is not to hold a signal back, outside a transaction. */
static void
let_signals(const struct push *p, sigset_t *was)
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
await(const struct push *p, int fd, short events, int most)
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
connect_in_time(
    const struct push *p, int fd, const struct sockaddr *sa, socklen_t len)
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
dial_path(const struct push *p)
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
dial_host(const struct push *p, const char **what)
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
dial(struct push *p)
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
send_all(const struct push *p, int fd, const char *s, size_t len)
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
receive(const struct push *p, int fd, struct reply *r, size_t max)
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
converse(
    struct push *p, const struct text *command, struct reply *r, size_t max)
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

static enum haproxy_result
no_memory(struct push *p)
{
	snprintf(p->why, WHY_MAX, "out of memory");
	return HAPROXY_REFUSED;
}

/* Ends `command` and frees it; UPDATED: there is a reply, to be freed. */
static enum haproxy_result
ask(struct push *p, struct text *command, struct reply *r, size_t max)
{
	enum haproxy_result res = HAPROXY_REFUSED;

	r->len = 0;
	r->s = NULL;
	text_add(command, "\n");
	if (command->failed || (r->s = malloc(max + 2)) == NULL)
		no_memory(p);
	else if (command->len > COMMAND_MAX)
		snprintf(p->why, WHY_MAX,
		    "the command would have %zu bytes, more than the %zu that "
		    "are sure to fit into HAProxy's buffer",
		    command->len, COMMAND_MAX);
	else
		res = converse(p, command, r, max);
	text_free(command);
	if (res != HAPROXY_UPDATED) {
		free(r->s);
		r->s = NULL;
	}
	return res;
}

static int
is(const struct reply *r, const char *text)
{
	return r->len == strlen(text) && memcmp(r->s, text, r->len) == 0;
}

static int
begins(const struct reply *r, const char *text)
{
	return r->len >= strlen(text) && memcmp(r->s, text, strlen(text)) == 0;
}

static int
ends(const struct reply *r, const char *text)
{
	size_t len = strlen(text);

	return r->len >= len && memcmp(r->s + r->len - len, text, len) == 0;
}

/* Shows a reply that is not the one hoped for, and frees it. */
static enum haproxy_result
refused(struct push *p, const char *what, struct reply *r)
{
	char shown[SHOWN_MAX];
	struct text said = {0};

	text_add_escaped(&said, r->s, r->len);
	if (r->len == 0)
		snprintf(p->why, WHY_MAX,
		    "%s: it closed the connection without an answer", what);
	else
		snprintf(p->why, WHY_MAX, "%s: it says \"%s\"%s", what,
		    words_cut(
			shown, sizeof(shown), said.s != NULL ? said.s : ""),
		    begins(r, "Permission denied")
			? " (its socket has to be of \"level admin\")"
			: "");
	text_free(&said);
	free(r->s);
	return HAPROXY_REFUSED;
}

/* ---- the words of a command ---- */

static void
add_base64(struct text *t, const unsigned char *p, size_t len, size_t width)
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
static int
add_word(struct text *t, const char *word)
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

static void
begin(const struct push *p, struct text *t, const char *command)
{
	memset(t, 0, sizeof(*t));
	text_add(t, "%s%s", p->h->is_master ? "@1 " : "", command);
}

/* "COMMAND NAME", for a name that HAProxy itself has given. */
static enum haproxy_result
ask_of(struct push *p, const char *command, const char *name, struct reply *r)
{
	struct text t;

	begin(p, &t, command);
	text_add(&t, " ");
	if (add_word(&t, name) == -1) {
		text_free(&t);
		snprintf(p->why, WHY_MAX,
		    "the certificate's name has a control character, which "
		    "cannot be said to HAProxy");
		return HAPROXY_REFUSED;
	}
	return ask(p, &t, r, REPLY_MAX);
}

/* ---- what HAProxy has loaded ---- */

static const char *
last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/*
 * 1: what HAProxy knows by this name is our certificate; 0: it is not; -1:
 * see `why`, and `*res`.
 */
static int
is_ours(struct push *p, const char *name, enum haproxy_result *res)
{
	static const char label[] = "\nSHA1 FingerPrint: ";
	struct reply r;
	const char *at;
	size_t len;
	int ours;

	*res = ask_of(p, "show ssl cert", name, &r);
	if (*res != HAPROXY_UPDATED)
		return -1;
	if ((at = strstr(r.s, label)) == NULL) {
		*res = refused(p, "asked for its certificate", &r);
		return -1;
	}
	at += strlen(label);
	len = strlen(p->news->sha1);
	ours = len > 0 && len == strcspn(at, "\n") &&
	    strncasecmp(p->news->sha1, at, len) == 0;
	free(r.s);
	return ours;
}

/* Cuts the next line off the list; NULL: that was all. */
static char *
next_line(char **at)
{
	char *line = *at, *end;

	if (line == NULL || *line == '\0')
		return NULL;
	if ((end = strchr(line, '\n')) != NULL)
		*end++ = '\0';
	*at = end;
	return line;
}

/* How many bytes at their ends are the same? */
static size_t
common_tail(const char *a, const char *b)
{
	size_t i = strlen(a), j = strlen(b), n = 0;

	while (n < i && n < j && a[i - n - 1] == b[j - n - 1])
		n++;
	return n;
}

/* Many are called "fullchain.pem": those whose directories agree go first. */
static void
add_namesake(char **v, size_t *n, char *line, const char *path)
{
	const size_t tail = common_tail(line, path);
	size_t i = *n;

	if (*n < MAX_NAMESAKES)
		(*n)++;
	else if (common_tail(v[--i], path) >= tail)
		return;
	for (; i > 0 && common_tail(v[i - 1], path) < tail; i--)
		v[i] = v[i - 1];
	v[i] = line;
}

/* By which name does it know the certificate?  `*name` is within the list. */
static enum haproxy_result
pick(struct push *p, const struct reply *list, char **name)
{
	char *namesakes[MAX_NAMESAKES], *at = list->s, *line;
	enum haproxy_result res = HAPROXY_UPDATED;
	size_t n = 0, i;
	int rc = 0;

	while ((line = next_line(&at)) != NULL) {
		if (*line == '#' || *line == '*' ||
		    strcmp(last_name(line), last_name(p->news->path)) != 0)
			continue;
		if (strcmp(line, p->news->path) == 0) {
			namesakes[0] = line;
			n = 1;
			break;
		}
		add_namesake(namesakes, &n, line, p->news->path);
	}
	for (i = 0; i < n && rc == 0; i++) {
		*name = namesakes[i];
		rc = is_ours(p, *name, &res);
	}
	if (rc != 0)
		return res;
	if (n == 0)
		words_set(p->why, WHY_MAX,
		    "it has loaded no certificate by the name of %s",
		    last_name(p->news->path));
	else
		words_set(p->why, WHY_MAX,
		    "what it has loaded as %s is another certificate, "
		    "perhaps an older one",
		    namesakes[0]);
	return HAPROXY_REFUSED;
}

/* ---- attaching: a transaction ---- */

/* "set ssl cert NAME.EXT <<", its payload and the empty line that ends it. */
static enum haproxy_result
set_file(struct push *p, const char *name, const char *ext,
    const unsigned char *der, size_t len, struct reply *r)
{
	const int pem = strcmp(ext, ".issuer") == 0;
	struct text t;

	begin(p, &t, "set ssl cert ");
	if (add_word(&t, name) == -1) {
		text_free(&t);
		snprintf(p->why, WHY_MAX,
		    "the certificate's name has a control character");
		return HAPROXY_REFUSED;
	}
	text_add(&t, "%s <<\n", ext);
	if (pem)
		text_add(&t, "-----BEGIN CERTIFICATE-----\n");
	add_base64(&t, der, len, pem ? 64 : 0);
	text_add(&t, "%s\n", pem ? "-----END CERTIFICATE-----" : "");
	return ask(p, &t, r, REPLY_MAX);
}

/* Was this said of it?  There may be warnings besides. */
static int
tells(const struct reply *r, const char *said, const char *name)
{
	const char *at = strstr(r->s, said);
	size_t len = strlen(name);

	if (at == NULL)
		return 0;
	at += strlen(said);
	return strncmp(at, name, len) == 0 && at[len] == '!';
}

static enum haproxy_result
add_issuer(struct push *p, const char *name)
{
	struct reply r;
	enum haproxy_result res;

	res = set_file(
	    p, name, ".issuer", p->news->issuer, p->news->issuer_len, &r);
	if (res != HAPROXY_UPDATED)
		return res;
	if (!tells(&r, "Transaction updated for certificate ", name))
		return refused(p, "given the issuer of the certificate", &r);
	free(r.s);
	return HAPROXY_UPDATED;
}

static enum haproxy_result
commit(struct push *p, const char *name)
{
	struct reply r;
	enum haproxy_result res;

	res = ask_of(p, "commit ssl cert", name, &r);
	if (res != HAPROXY_UPDATED)
		return res;
	if (!ends(&r, "\nSuccess!"))
		return refused(p, "told to commit the new response", &r);
	free(r.s);
	return HAPROXY_UPDATED;
}

/* It may not stay open, or nobody can open another. */
static void
abandon(struct push *p, const char *name)
{
	char kept[WHY_MAX], dead[WHY_MAX];
	struct reply r;

	memcpy(kept, p->why, sizeof(kept));
	memcpy(dead, p->h->dead, sizeof(dead));
	p->until = p->h->now_ms() + HAPROXY_PATIENCE / 10;
	if (ask_of(p, "abort ssl cert", name, &r) == HAPROXY_UPDATED)
		free(r.s);
	memcpy(p->why, kept, sizeof(kept));
	memcpy(p->h->dead, dead, sizeof(dead));
}

static enum haproxy_result
transact(struct push *p, const char *name)
{
	static const char created[] = "Transaction created for certificate ";
	struct reply r;
	enum haproxy_result res;

	p->in_transaction = 1;
	res = set_file(p, name, ".ocsp", p->news->der, p->news->len, &r);
	if (res == HAPROXY_REFUSED ||
	    (res == HAPROXY_UPDATED && !tells(&r, created, name))) {
		/* if there is one, it is somebody else's to end */
		p->in_transaction = 0;
		return res == HAPROXY_REFUSED
		    ? res
		    : refused(p, "asked to attach a first response", &r);
	}
	if (res == HAPROXY_UPDATED) {
		free(r.s);
		res = add_issuer(p, name);
	}
	if (res == HAPROXY_UPDATED)
		res = commit(p, name);
	if (res != HAPROXY_UPDATED)
		abandon(p, name);
	p->in_transaction = 0;
	return res;
}

static enum haproxy_result
attach(struct push *p)
{
	static const char open[] = "# transaction\n*";
	enum haproxy_result res;
	char *name = NULL;
	struct reply r;
	struct text t;

	begin(p, &t, "show ssl cert");
	if ((res = ask(p, &t, &r, LIST_MAX)) != HAPROXY_UPDATED)
		return res;
	if (begins(&r, open)) {
		r.s[strcspn(r.s + strlen(open), "\n") + strlen(open)] = '\0';
		words_set(p->why, WHY_MAX,
		    "somebody's transaction about %s is not yet committed",
		    r.s + strlen(open));
		free(r.s);
		return HAPROXY_REFUSED;
	}
	if (!begins(&r, "# filename"))
		return refused(p,
		    "asked for its certificates (which takes a socket with "
		    "\"level admin\")",
		    &r);
	if ((res = pick(p, &r, &name)) == HAPROXY_UPDATED)
		res = transact(p, name);
	free(r.s);
	return res;
}

/* ---- the push ---- */

static enum haproxy_result
update(struct push *p, struct reply *r)
{
	struct text t;

	begin(p, &t, "set ssl ocsp-response ");
	add_base64(&t, p->news->der, p->news->len, 0);
	return ask(p, &t, r, REPLY_MAX);
}

/* A master says that it knows no such command: its worker does. */
static enum haproxy_result
update_worker(struct push *p, struct reply *r)
{
	enum haproxy_result res = update(p, r);

	if (res != HAPROXY_UPDATED || p->h->is_master ||
	    !begins(r, "Unknown command"))
		return res;
	free(r->s);
	p->h->is_master = 1;
	res = update(p, r);
	if (res == HAPROXY_UPDATED && begins(r, "Unknown command"))
		p->h->is_master = 0;
	return res;
}

static enum haproxy_result
push(struct push *p)
{
	enum haproxy_result res, done = HAPROXY_UPDATED;
	struct reply r;

	if ((res = update_worker(p, &r)) != HAPROXY_UPDATED)
		return res;
	if (ends(&r, UNMATCHED)) {
		free(r.s);
		if ((res = attach(p)) != HAPROXY_UPDATED ||
		    (res = update(p, &r)) != HAPROXY_UPDATED)
			return res;
		/* it also says Success! of what it then ignores */
		done = HAPROXY_ATTACHED;
	}
	if (!is(&r, UPDATED))
		return refused(p, "given the response", &r);
	snprintf(p->why, WHY_MAX, "%s", UPDATED);
	free(r.s);
	return done;
}

enum haproxy_result
haproxy_push(struct haproxy *h, const struct haproxy_news *news, char *why)
{
	struct push p = {.h = h, .news = news, .why = why};

	if (h->dead[0] != '\0') {
		memcpy(why, h->dead, WHY_MAX);
		return HAPROXY_DEAD;
	}
	if (news->len > HAPROXY_MAX_DER) {
		snprintf(why, WHY_MAX,
		    "the response has %zu bytes, and more than %zu may not fit "
		    "into HAProxy's buffer",
		    news->len, HAPROXY_MAX_DER);
		return HAPROXY_REFUSED;
	}
	p.until = h->now_ms() + HAPROXY_PATIENCE;
	return push(&p);
}
