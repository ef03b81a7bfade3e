/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http.h"
#include "proxy.h"

/* The longest that poll sleeps when nothing says otherwise. */
#define IDLE_MS 1000

/* Nobody has longer to be left alone than that, in seconds: it is reckoned
 * with. */
#define LONGEST_RETRY_AFTER (10LL * 365 * 86400)

/*
 * Bytes received at once.  libcurl 7.88 fills its buffer up to a hundred times
 * before on_progress() is called, if a flood is quick enough; others ten times.
 */
#define RECEIVE_BUFFER 1024L

/* Bytes that the system is to hold for us; Linux takes twice as many. */
#define SYSTEM_BUFFER 16384

/* Of a header, in bytes, that libcurl takes; some releases take less. */
#define LONGEST_LINE ((size_t)102400)

/* Of what a stranger named it, so many bytes are shown. */
#define MOST_SHOWN 80

/* What a header's name is made of, RFC 9110 section 5.6.2 */
#define TOKEN                                                                  \
	"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"                  \
	"abcdefghijklmnopqrstuvwxyz"

/* Kept open by libcurl for each slot, at most. */
#define KEPT_EACH 4

struct pool;

/* Why a callback ended an exchange. */
enum fault {
	NO_FAULT,
	BODY_TOO_BIG, /* once its framing was taken off */
	SENT_TOO_MUCH,
	HEAD_TOO_BIG,
	CODED,  /* in a transfer coding that nobody asked for */
	NO_WAY, /* the proxy opened none; what else it has to say is not read */
	STALE   /* the connection is no good: asked anew, over its own */
};

/* A connection that brought an answer and stays open: its two ends. */
struct kept {
	int fd;
	const struct slot *user; /* NULL: what it brought was looked at */
	long port, peer_port;
	char ip[46], peer_ip[46];
};

/* One exchange; what it has is used again by the next. */
struct slot {
	struct pool *pool;
	CURL *easy;
	struct http_question q;
	struct curl_slist *headers;
	unsigned char *body;
	size_t body_len;
	char *head;
	size_t head_len;
	size_t sent; /* bytes of bodies, as they came */
	enum fault fault;
	int in_coding;      /* the header's last field is Transfer-Encoding */
	const char *coding; /* in `head`: the one that is refused */
	int socket_error;   /* why there is no socket; 0: there is one */
	int fds[2];         /* what it goes over; there may be more, seldom */
	int busy;
	int may_use_proxy;
	int absolute; /* the request line held a whole URL: a proxy reads it */
	char error[CURL_ERROR_SIZE];
};

struct pool {
	const struct http_options *o;
	const struct http_source *src;
	CURLM *multi;
	struct slot *slots;
	struct kept *kept;
	size_t nkept, max_kept;
	size_t busy;
	int fresh_handles;
};

/* ---- URLs and headers ---- */

int
http_check_url(const char *url, size_t len, char *why)
{
	CURLU *u;
	char *user = NULL;
	CURLUcode rc;
	size_t i;

	if (len > HTTP_MAX_URL) {
		snprintf(why, WHY_MAX,
		    "it has %zu bytes, more than the limit of %zu", len,
		    HTTP_MAX_URL);
		return -1;
	}
	for (i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~') {
			snprintf(why, WHY_MAX,
			    "it holds a space, or a character that is not "
			    "printable ASCII");
			return -1;
		}
	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0) {
		snprintf(why, WHY_MAX, "only http:// and https:// are asked");
		return -1;
	}
	if (strncmp(strchr(url, ':'), ":///", 4) == 0) {
		snprintf(why, WHY_MAX, "it names no host");
		return -1;
	}
	if (strchr(url, '#') != NULL) {
		snprintf(why, WHY_MAX, "it has a fragment (\"#\")");
		return -1;
	}
	if ((u = curl_url()) == NULL)
		return -2;
	rc = curl_url_set(u, CURLUPART_URL, url, 0);
	if (rc != CURLUE_OK)
		snprintf(why, WHY_MAX, "it is not a valid URL");
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PASSWORD, &user, 0) == CURLUE_OK) {
		snprintf(why, WHY_MAX, "it holds a user name or password");
		rc = CURLUE_USER_NOT_ALLOWED;
	}
	curl_free(user);
	curl_url_cleanup(u);
	if (rc == CURLUE_OUT_OF_MEMORY)
		return -2;
	return rc == CURLUE_OK ? 0 : -1;
}

int
http_check_header(const char *line, char *why)
{
	const char *colon = strchr(line, ':'), *p;

	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			snprintf(why, WHY_MAX,
			    "a header may not hold control characters");
			return -1;
		}
	if (colon == NULL || colon == line ||
	    (size_t)(colon - line) != strspn(line, TOKEN)) {
		snprintf(why, WHY_MAX,
		    "a header is \"Name: value\", without a space before the "
		    "colon");
		return -1;
	}
	return 0;
}

/* Did the user give this header?  Then ours is left out. */
static int
is_given(const struct slot *s, const struct http_options *o, const char *ours)
{
	size_t n = strcspn(ours, ":") + 1, i;

	for (i = 0; i < o->nheaders && !s->q.bare; i++)
		if (strncasecmp(o->headers[i], ours, n) == 0)
			return 1;
	return 0;
}

static int
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more;

	if ((more = curl_slist_append(*list, line)) == NULL)
		return -1;
	*list = more;
	return 0;
}

static int
add_ours(struct slot *s, const struct http_options *o, const char *name,
    const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	return is_given(s, o, line) ? 0 : add_header(&s->headers, line);
}

static int
make_headers(struct slot *s, const struct http_options *o)
{
	size_t i;

	for (i = 0; i < o->nheaders && !s->q.bare; i++)
		if (add_header(&s->headers, o->headers[i]) == -1)
			return -1;
	if (add_ours(s, o, "Accept",
		s->q.accept != NULL ? s->q.accept : o->accept) == -1)
		return -1;
	if (s->q.body != NULL &&
	    (add_ours(s, o, "Content-Type", o->post_type) == -1 ||
		/* never wait for a "100 Continue" that does not come */
		add_header(&s->headers, "Expect:") == -1))
		return -1;
	if (s->q.no_cache &&
	    (add_ours(s, o, "Cache-Control", "no-cache") == -1 ||
		add_ours(s, o, "Pragma", "no-cache") == -1))
		return -1;
	return 0;
}

/* ---- what comes in ---- */

static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)one;
	if (s->fault == NO_FAULT && n > HTTP_MAX_BODY - s->body_len)
		s->fault = BODY_TOO_BIG;
	if (s->fault != NO_FAULT)
		return 0;
	memcpy(s->body + s->body_len, p, n);
	s->body_len += n;
	return n;
}

/* The length of `name` and its colon, if the line is of that field; else 0. */
static size_t
field_name(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) != 0)
		return 0;
	while (len < n && (line[len] == ' ' || line[len] == '\t'))
		len++;
	return len < n && line[len] == ':' ? len + 1 : 0;
}

/*
 * Does a list of transfer codings name others than those that every client
 * has to know?  libcurl would undo gzip, br and zstd, however deep.
 */
static int
is_coded(const char *list, size_t n)
{
	static const char blank[] = " \t\r\n";
	const char *end = list + n, *p = list, *q;

	for (; p < end; p = q + 1) {
		if ((q = memchr(p, ',', (size_t)(end - p))) == NULL)
			q = end;
		n = (size_t)(q - p);
		while (n > 0 && strchr(blank, *p) != NULL)
			p++, n--;
		while (n > 0 && strchr(blank, p[n - 1]) != NULL)
			n--;
		if (n > 0 && (n != 7 || strncasecmp(p, "chunked", 7) != 0) &&
		    (n != 8 || strncasecmp(p, "identity", 8) != 0))
			return 1;
	}
	return 0;
}

/* A field may go on in further lines, which begin with a blank. */
static void
look_for_coding(struct slot *s, const char *line, size_t n)
{
	size_t skip = 0;

	if (line[0] != ' ' && line[0] != '\t') {
		skip = field_name(line, n, "Transfer-Encoding");
		s->in_coding = skip > 0;
	}
	if (!s->in_coding || !is_coded(line + skip, n - skip))
		return;
	s->fault = CODED;
	s->coding = line + skip + strspn(line + skip, " \t");
}

/* A number that libcurl knows of an exchange; 0 if it does not. */
static long
info(const struct slot *s, CURLINFO what)
{
	long n = 0;

	return curl_easy_getinfo(s->easy, what, &n) == CURLE_OK ? n : 0;
}

/* One line of a header or a trailer, and at last an empty one. */
static size_t
on_header(char *p, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)one;
	if (s->fault == NO_FAULT && n > HTTP_MAX_HEADERS - s->head_len)
		s->fault = HEAD_TOO_BIG;
	if (s->fault != NO_FAULT)
		return 0;
	memcpy(s->head + s->head_len, p, n);
	s->head_len += n;
	s->head[s->head_len] = '\0';
	look_for_coding(s, s->head + s->head_len - n, n);
	if (n <= 2 && info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		s->fault = NO_WAY;
	return s->fault == NO_FAULT ? n : 0;
}

/* Which setting names the proxy for such a URL; NULL: none does. */
static struct proxy_setting
proxy_for(const struct http_options *o, const char *url)
{
	const struct proxy_options of = {.proxy = o->proxy};
	struct proxy_setting s = proxy_find(&of, url);

	if (s.value != NULL && s.value[0] == '\0')
		s.value = NULL;
	return s;
}

static int
may_use_proxy(const struct http_options *o)
{
	return proxy_for(o, "http:").value != NULL ||
	    proxy_for(o, "https:").value != NULL;
}

/* Nothing more comes over it, and nobody uses it again: libcurl looks first. */
static void
drop(curl_socket_t fd)
{
	if (fd != CURL_SOCKET_BAD)
		shutdown(fd, SHUT_RDWR);
}

/*
 * libcurl goes on receiving for as long as there is something, up to a hundred
 * times, before on_progress() can end the exchange: what has not come yet shall
 * not come.  When it is closed, whoever sends is told so, or it would wait for
 * a minute to get rid of the rest.
 */
static void
count_sent(struct slot *s, size_t n)
{
	const struct linger none = {.l_onoff = 1};
	size_t i;

	s->sent += n;
	if (s->fault != NO_FAULT || s->sent <= HTTP_MAX_SENT)
		return;
	s->fault = SENT_TOO_MUCH;
	for (i = 0; i < 2; i++) {
		(void)setsockopt(
		    s->fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		drop(s->fds[i]);
	}
}

/*
 * Nothing else shows a body as it is sent, before libcurl takes off its chunks;
 * and all that says whether an HTTP proxy is used is the form of the request.
 */
static int
on_debug(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct slot *s = arg;
	const char *sp;

	(void)easy;
	if (type == CURLINFO_DATA_IN)
		count_sent(s, n);
	if (type == CURLINFO_HEADER_OUT && (sp = memchr(p, ' ', n)) != NULL &&
	    n > (size_t)(sp - p) + 1)
		s->absolute = sp[1] != '/';
	return 0;
}

/* on_debug() cannot end an exchange; this is called after each receive. */
static int
on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct slot *s = arg;

	(void)down_all;
	(void)up_all;
	(void)up;
	/* of a redirection's body libcurl 8.7 and later show no more than this
	 */
	if (s->fault == NO_FAULT && down > (curl_off_t)HTTP_MAX_SENT)
		s->fault = SENT_TOO_MUCH;
	return s->fault != NO_FAULT;
}

/* ---- connections ---- */

static void
goes_over(struct slot *s, int fd)
{
	s->fds[s->fds[0] != CURL_SOCKET_BAD] = fd;
}

static curl_socket_t
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

static int
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

/*
 * An exchange ended, and its connection, if it is still open, is one that the
 * next may use.
 */
static void
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

/*
 * A connection was chosen, and the request is about to be sent.  What is there
 * to be read already is no answer to it: libcurl 7.88 and 8.0 would take it for
 * one, others look themselves.
 */
static int
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

/* ---- one exchange ---- */

/* A setting that fails would be a hole: all of them have to hold. */
#define SET(option, value)                                                     \
	(curl_easy_setopt(s->easy, (option), (value)) == CURLE_OK)

static int
set_protocols(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
	    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;

	return SET(CURLOPT_PROTOCOLS, both) &&
	    SET(CURLOPT_REDIR_PROTOCOLS, both);
#endif
}

/* A name server that never answers must not hold up a timeout. */
static int
set_quick_exit(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	return SET(CURLOPT_QUICK_EXIT, 1L);
#else
	(void)s;
	return 1;
#endif
}

/* The one that is named, and no other; else the environment's, as curl(1). */
static int
set_authorities(struct slot *s, const struct http_options *o)
{
	const char *file = o->cacert, *dir = NULL;

	if (file == NULL) {
		file = proxy_variable("SSL_CERT_FILE");
		dir = proxy_variable("SSL_CERT_DIR");
	}
	if (file != NULL &&
	    (!SET(CURLOPT_CAINFO, file) || !SET(CURLOPT_PROXY_CAINFO, file)))
		return 0;
	return (dir == NULL && o->cacert == NULL) ||
	    (SET(CURLOPT_CAPATH, dir) && SET(CURLOPT_PROXY_CAPATH, dir));
}

static int
set_connections(struct slot *s)
{
#if LIBCURL_VERSION_NUM >= 0x075000
	if (!SET(CURLOPT_PREREQFUNCTION, on_ready) ||
	    !SET(CURLOPT_PREREQDATA, (void *)s))
		return 0;
#endif
	return SET(CURLOPT_OPENSOCKETFUNCTION, on_socket) &&
	    SET(CURLOPT_OPENSOCKETDATA, (void *)s) &&
	    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close) &&
	    SET(CURLOPT_CLOSESOCKETDATA, (void *)s->pool);
}

static int
set_limits(struct slot *s, const struct http_options *o)
{
	return set_protocols(s) && SET(CURLOPT_NOSIGNAL, 1L) &&
	    SET(CURLOPT_CONNECTTIMEOUT_MS, o->connect_timeout_ms) &&
	    SET(CURLOPT_FOLLOWLOCATION, o->max_redirs > 0 ? 1L : 0L) &&
	    SET(CURLOPT_MAXREDIRS, o->max_redirs) &&
	    SET(CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL) &&
	    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(CURLOPT_HTTP09_ALLOWED, 0L) &&
	    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
	    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	    SET(CURLOPT_PATH_AS_IS, 1L) &&
	    SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER) &&
	    SET(CURLOPT_NOPROGRESS, 0L) &&
	    SET(CURLOPT_XFERINFOFUNCTION, on_progress) &&
	    SET(CURLOPT_XFERINFODATA, (void *)s) && set_quick_exit(s);
}

/* What stays the same for every question of a run. */
static int
set_up_slot(struct slot *s, const struct http_options *o)
{
	long family = o->family == 4 ? CURL_IPRESOLVE_V4
	    : o->family == 6         ? CURL_IPRESOLVE_V6
				     : CURL_IPRESOLVE_WHATEVER;

	if ((s->easy == NULL && (s->easy = curl_easy_init()) == NULL) ||
	    (s->body == NULL && (s->body = malloc(HTTP_MAX_BODY)) == NULL) ||
	    (s->head == NULL &&
		(s->head = malloc(HTTP_MAX_HEADERS + 1)) == NULL))
		return -1;
	s->head[0] = '\0';
	s->may_use_proxy = may_use_proxy(o);
	if (!set_limits(s, o) || !set_connections(s) ||
	    !set_authorities(s, o) || !SET(CURLOPT_WRITEFUNCTION, on_body) ||
	    !SET(CURLOPT_WRITEDATA, (void *)s) ||
	    !SET(CURLOPT_HEADERFUNCTION, on_header) ||
	    !SET(CURLOPT_HEADERDATA, (void *)s) ||
	    !SET(CURLOPT_DEBUGFUNCTION, on_debug) ||
	    !SET(CURLOPT_DEBUGDATA, (void *)s) || !SET(CURLOPT_VERBOSE, 1L) ||
	    !SET(CURLOPT_ERRORBUFFER, s->error) ||
	    !SET(CURLOPT_PRIVATE, (void *)s) ||
	    !SET(CURLOPT_IPRESOLVE, family) ||
	    !SET(CURLOPT_USERAGENT, o->agent))
		return -1;
	if (o->proxy != NULL && !SET(CURLOPT_PROXY, o->proxy))
		return -1;
	if (o->noproxy != NULL && !SET(CURLOPT_NOPROXY, o->noproxy))
		return -1;
	return 0;
}

static int
set_question(struct slot *s)
{
	const struct http_question *q = &s->q;

	if (!SET(CURLOPT_URL, q->url) ||
	    !SET(CURLOPT_TIMEOUT_MS, q->timeout_ms) ||
	    !SET(CURLOPT_FRESH_CONNECT, q->fresh ? 1L : 0L) ||
	    !SET(CURLOPT_HTTPHEADER, s->headers))
		return -1;
	if (q->body == NULL)
		return SET(CURLOPT_HTTPGET, 1L) ? 0 : -1;
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDS, q->body) &&
		SET(CURLOPT_POSTFIELDSIZE, (long)q->body_len)
	    ? 0
	    : -1;
}

static void
slot_clear(struct slot *s)
{
	curl_slist_free_all(s->headers);
	s->headers = NULL;
	s->body_len = s->head_len = s->sent = 0;
	s->fault = NO_FAULT;
	s->in_coding = s->socket_error = 0;
	if (s->head != NULL)
		s->head[0] = '\0';
	s->absolute = s->busy = 0;
	s->error[0] = '\0';
}

#if LIBCURL_VERSION_NUM < 0x080700
/* Does an error's text name the very host and port of the question's URL? */
static int
names_responder(const struct slot *s)
{
	char *host = NULL, *port = NULL, peer[HTTP_MAX_URL + 16];
	const char *bare, *at;
	CURLU *u;
	int yes = 1;

	if ((u = curl_url()) == NULL)
		return 1;
	if (curl_url_set(u, CURLUPART_URL, s->q.url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
		CURLUE_OK) {
		/* libcurl leaves out the brackets of an IPv6 address */
		bare = host[0] == '[' ? host + 1 : host;
		snprintf(peer, sizeof(peer), " %.*s port %s",
		    (int)strcspn(bare, "]"), bare, port);
		at = strstr(s->error, peer);
		yes = at != NULL && strchr(" :", at[strlen(peer)]) != NULL;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return yes;
}
#endif

/* Is it a URL that libcurl found fault with?  Of ours it finds none. */
static int
names_proxys_url(const struct slot *s, CURLcode code)
{
	return strstr(s->error, "://") != NULL &&
	    (code == CURLE_COULDNT_RESOLVE_PROXY ||
		code == CURLE_COULDNT_CONNECT);
}

/* Did it go, or was it to go, through a proxy? */
static int
is_proxied(const struct slot *s, CURLcode code)
{
	if (names_proxys_url(s, code))
		return 1;
#if LIBCURL_VERSION_NUM >= 0x080700
	return info(s, CURLINFO_USED_PROXY) != 0;
#else
	/* all that tells is the request; before that, whom it tried to reach */
	if (s->absolute || info(s, CURLINFO_HTTP_CONNECTCODE) != 0)
		return 1;
	return s->may_use_proxy && code == CURLE_COULDNT_CONNECT &&
	    !names_responder(s);
#endif
}

/* Of less than a line no libcurl since 8.14, if not before, lets us know. */
static int
has_begun(const struct slot *s)
{
	return s->body_len + s->head_len > 0;
}

/*
 * Which limit was it?  There are two, and what ended early was not that of the
 * whole; libcurl 8.23 no longer says whether there was a connection.  A timer
 * may be a little early.
 */
#define EARLY_MS 50
static enum http_result
timed_out(const struct slot *s)
{
	curl_off_t total = 0;

	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &total);
	return !has_begun(s) && total / 1000 + EARLY_MS < s->q.timeout_ms
	    ? HTTP_ETIMECONNECT
	    : HTTP_ETIMEOUT;
}

/* libcurl's own words, unless they show a proxy's URL with its password. */
static const char *
plain_error(const struct slot *s, CURLcode code)
{
	return s->error[0] == '\0' || strstr(s->error, "://") != NULL
	    ? curl_easy_strerror(code)
	    : s->error;
}

/* Where the proxy for this URL was named; NULL: nowhere */
static const char *
proxy_from(const struct http_options *o, const char *url)
{
	const struct proxy_setting s = proxy_for(o, url);

	if (s.value == NULL)
		return NULL;
	return o->proxy != NULL ? "--proxy" : s.name;
}

/* Whose list of authorities of https it is that cannot be used. */
static const char *
authorities(const struct http_options *o)
{
	const char *file =
	    o->cacert != NULL ? o->cacert : proxy_variable("SSL_CERT_FILE");

	return file != NULL ? file : "the system's list";
}

/* Did it end before there was so much as an address? */
static int
is_unresolved(const struct slot *s, enum http_result result)
{
	curl_off_t resolved = 1;

	curl_easy_getinfo(s->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	return resolved == 0 &&
	    (result == HTTP_ETIMECONNECT || result == HTTP_ETIMEOUT);
}

/* A failure in words; libcurl's own where they are plain enough. */
static void
tell_failure(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	long e = info(s, CURLINFO_OS_ERRNO);
	long tenths = (s->q.timeout_ms + 50) / 100;
	size_t len = sizeof(a->why);
	char *after;

	if (is_unresolved(s, a->result))
		snprintf(a->why, len, "no name server answered in %.10g s",
		    a->result == HTTP_ETIMECONNECT
			? (double)o->connect_timeout_ms / 1000
			: (double)tenths / 10);
	else if (a->result == HTTP_ETIMECONNECT)
		snprintf(a->why, len, "no connection was made in %ld s",
		    o->connect_timeout_ms / 1000);
	else if (a->result == HTTP_ETIMEOUT)
		snprintf(a->why, len, "%s in %.10g s",
		    has_begun(s) ? "what came was not whole"
				 : "no line of an answer came",
		    (double)tenths / 10);
	else if (names_proxys_url(s, code))
		snprintf(a->why, len,
		    "its URL, from %s, is not one that can be used",
		    a->proxy_from != NULL ? a->proxy_from : "its variable");
	else if (code == CURLE_SSL_CACERT_BADFILE)
		snprintf(a->why, len, "%s cannot be read as authorities%s",
		    authorities(o),
		    o->cacert != NULL ? ""
			: proxy_variable("SSL_CERT_FILE") != NULL
			? " (SSL_CERT_FILE)"
			: ": install ca-certificates");
	else if (code == CURLE_RECV_ERROR && a->result == HTTP_ECLOSED)
		snprintf(a->why, len, "the connection broke %s (%s)",
		    has_begun(s) ? "in the middle of it" : "before it came",
		    s->error);
	else if (code == CURLE_COULDNT_CONNECT && e != 0 &&
	    (after = strstr(s->error, " after ")) != NULL)
		snprintf(a->why, len, "%.*s: %s", (int)(after - s->error),
		    s->error, strerror((int)e));
	else if (a->result == HTTP_EPROXY &&
	    info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		snprintf(a->why, len, "it answers CONNECT with HTTP %ld",
		    info(s, CURLINFO_HTTP_CONNECTCODE));
	else
		snprintf(a->why, len, "%s", plain_error(s, code));
}

/* Why one of our callbacks ended it. */
static enum http_result
by_fault(const struct slot *s, char *why)
{
	size_t n;

	switch (s->fault) {
	case BODY_TOO_BIG:
	case SENT_TOO_MUCH:
		snprintf(why, WHY_MAX, "more than %zu bytes came back",
		    HTTP_MAX_BODY);
		return HTTP_ETOOBIG;
	case HEAD_TOO_BIG:
		snprintf(why, WHY_MAX, "its headers have more than %zu bytes",
		    HTTP_MAX_HEADERS);
		return HTTP_ETOOBIG;
	case NO_WAY:
		return HTTP_EPROXY;
	default:
		n = strcspn(s->coding, "\r\n");
		snprintf(why, WHY_MAX,
		    "it has a transfer coding that nobody asked for, "
		    "\"%.*s%s\"",
		    n > MOST_SHOWN ? MOST_SHOWN : (int)n, s->coding,
		    n > MOST_SHOWN ? "..." : "");
		return HTTP_EBROKEN;
	}
}

/*
 * Why this machine could not make the sockets, or open the files, that one
 * more exchange takes; 0: it can.
 */
static int
lack_of_descriptors(void)
{
	int fd[3], n, error = 0;

	for (n = 0; n < 3 && error == 0; n++)
		if ((fd[n] = socket(AF_UNIX, SOCK_DGRAM, 0)) == -1)
			error = errno;
	while (n-- > 0)
		if (fd[n] != -1)
			close(fd[n]);
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM
	    ? error
	    : 0;
}

/* Where the network is not to blame, as all that there is looks like it. */
static int
fault_of_machine(const struct slot *s, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return s->socket_error;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_SSL_CACERT_BADFILE:
		return lack_of_descriptors();
	default:
		return 0;
	}
}

/* Where the code means one thing with a proper status and another without. */
static enum http_result
by_status(const struct slot *s, CURLcode code, const char **words)
{
	long status = info(s, CURLINFO_RESPONSE_CODE);

	if (code == CURLE_OK && status > 0)
		return HTTP_ANSWERED;
	if (code != CURLE_OK && status / 100 == 3) {
		*words = "it redirects to something that is not http or https";
		return HTTP_EOTHER;
	}
	/* such as "HTTP/2 0", which libcurl lets pass */
	*words = "what came back is not HTTP";
	return HTTP_EBROKEN;
}

/* The connection broke, or what came over it was no HTTP. */
static enum http_result
by_connection(const struct slot *s, CURLcode code)
{
	/* a proxy that did not open the way to an https responder */
	if (info(s, CURLINFO_HTTP_CONNECTCODE) >= 300)
		return HTTP_EPROXY;
	/* a code of receiving is for chunks that are none, too */
	return code == CURLE_SEND_ERROR ||
		(code == CURLE_RECV_ERROR &&
		    (strncmp(s->error, "Recv ", 5) == 0 ||
			strstr(s->error, "SSL_read") != NULL))
	    ? HTTP_ECLOSED
	    : HTTP_EBROKEN;
}

/*
 * A line of a header that is longer than libcurl has it: before 8.6 that is no
 * other code than where memory ran out, which the peer is not to decide.  So it
 * is the peer's doing while there is as much memory as the line took.
 */
static int
is_too_long(const struct slot *s, CURLcode code)
{
	curl_off_t connected = 0;
	char *volatile probe; /* or a compiler would know that there is some */

#if LIBCURL_VERSION_NUM >= 0x080600
	if (code == CURLE_TOO_LARGE)
		return 1;
#endif
	if (strstr(s->error, "Out of memory in chunked") == NULL) {
		curl_easy_getinfo(s->easy, CURLINFO_CONNECT_TIME_T, &connected);
		if (code != CURLE_OUT_OF_MEMORY || connected == 0)
			return 0;
	}
	if ((probe = malloc(LONGEST_LINE)) == NULL)
		return 0;
	free(probe);
	return 1;
}

/* In the middle of a TLS handshake: no word on whom to trust. */
static int
is_reset(const struct slot *s)
{
	return strstr(s->error, "reset by peer") != NULL ||
	    strstr(s->error, "SSL_ERROR_SYSCALL") != NULL;
}

/* What libcurl's code means to us; `words` where it has none of its own. */
static enum http_result
by_code(const struct slot *s, CURLcode code, const char **words)
{
	if (code == CURLE_SSL_CONNECT_ERROR && is_reset(s))
		return is_proxied(s, code) ? HTTP_EPROXY : HTTP_ECLOSED;
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return HTTP_ENOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_ERESOLVE;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return HTTP_EPROXY;
	case CURLE_COULDNT_CONNECT:
		return is_proxied(s, code) ? HTTP_EPROXY : HTTP_ECONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(s);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return info(s, CURLINFO_PROXY_SSL_VERIFYRESULT) != 0
		    ? HTTP_EPROXY
		    : HTTP_ETLS;
	case CURLE_PARTIAL_FILE:
		*words = "it was cut off";
		return HTTP_ECLOSED;
	case CURLE_GOT_NOTHING:
		*words = "the connection was closed without one";
		return HTTP_ECLOSED;
	case CURLE_TOO_MANY_REDIRECTS:
		*words = "it redirects more often than --max-redirs allows";
		return HTTP_EOTHER;
	case CURLE_LOGIN_DENIED:
		*words = "it redirects to a URL with a user name or password, "
			 "which are not sent";
		return HTTP_EOTHER;
	case CURLE_OK:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return by_status(s, code, words);
	case CURLE_BAD_CONTENT_ENCODING:
		*words = "it has a transfer coding that nobody asked for";
		return HTTP_EBROKEN;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		return by_connection(s, code);
	default:
		return HTTP_EOTHER;
	}
}

static void
classify(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	const char *words = NULL;
	int error = fault_of_machine(s, code);

	if (error != 0) {
		a->result = HTTP_ELOCAL;
		words = strerror(error);
	} else if (s->fault != NO_FAULT && code != CURLE_OK)
		a->result = by_fault(s, a->why);
	else if (is_too_long(s, code)) {
		a->result = HTTP_ETOOBIG;
		words = "a line of its headers is too long, or memory ran out";
	} else
		a->result = by_code(s, code, &words);
	if (words != NULL)
		snprintf(a->why, sizeof(a->why), "%s", words);
	else if (a->result != HTTP_ANSWERED && a->why[0] == '\0')
		tell_failure(s, code, o, a);
}

static void
describe_peer(const struct slot *s, CURLcode code, struct http_answer *a)
{
	char *ip = NULL;
	curl_off_t ready = 0;

	curl_easy_getinfo(s->easy, CURLINFO_PRIMARY_IP, &ip);
	if (ip != NULL && ip[0] != '\0')
		snprintf(a->address, sizeof(a->address), "%s port %ld", ip,
		    info(s, CURLINFO_PRIMARY_PORT));
	a->proxied = is_proxied(s, code);
	curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	a->connected = ready > 0;
	a->reused = a->connected && info(s, CURLINFO_NUM_CONNECTS) == 0;
}

static void
describe(struct slot *s, CURLcode code, const struct http_options *o,
    struct http_answer *a)
{
	char *type = NULL, *location = NULL;
	curl_off_t us = 0, after = 0;
	char date[64];
	const char *p;

	memset(a, 0, sizeof(*a));
	a->proxy_from = proxy_from(o, s->q.url);
	classify(s, code, o, a);
	a->status = a->result == HTTP_EPROXY
	    ? info(s, CURLINFO_HTTP_CONNECTCODE)
	    : info(s, CURLINFO_RESPONSE_CODE);
	curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &location);
	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &us);
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	describe_peer(s, code, a);
	a->type = type;
	a->location = location;
	a->body = s->body;
	a->body_len = s->body_len;
	a->headers = s->head;
	a->retry_after = after < 0        ? 0
	    : after > LONGEST_RETRY_AFTER ? LONGEST_RETRY_AFTER
					  : (long long)after;
	a->ms = (long)(us / 1000);
	a->date = -1;
	for (p = s->head; (p = strchr(p, '\n')) != NULL;) {
		p++;
		if (strncasecmp(p, "Date:", 5) != 0)
			continue;
		snprintf(date, sizeof(date), "%.*s",
		    (int)strcspn(p + 5, "\r\n"), p + 5);
		a->date = curl_getdate(date, NULL);
	}
}

/* ---- many exchanges ---- */

/*
 * Before 8.1.1 a handle that is used again remembers its last header, which is
 * freed by then, and appends to it if the next answer begins with a folded
 * line (libcurl's pull request 11103): anybody on the way could send that.
 * Connections are not the handle's, and stay open.
 */
static int
needs_fresh_handles(void)
{
	return curl_version_info(CURLVERSION_NOW)->version_num < 0x080101;
}

static struct slot *
free_slot(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->o->parallel; i++)
		if (!p->slots[i].busy)
			return &p->slots[i];
	return NULL;
}

/* libcurl is set up for the first question; most runs of a job have none. */
static int
set_up_pool(struct pool *p)
{
	if (p->multi != NULL)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -1;
	if ((p->multi = curl_multi_init()) == NULL) {
		curl_global_cleanup();
		return -1;
	}
	/*
	 * By itself libcurl 8.14 keeps four for each that is at work now: of
	 * those that end at the same time it would close all but a few.
	 */
	curl_multi_setopt(
	    p->multi, CURLMOPT_MAXCONNECTS, KEPT_EACH * (long)p->o->parallel);
	p->fresh_handles = needs_fresh_handles();
	return 0;
}

static void
start(struct pool *p, struct slot *s, const struct http_question *q)
{
	struct http_answer a;

	s->q = *q;
	s->pool = p;
	s->fds[0] = s->fds[1] = CURL_SOCKET_BAD;
	if (set_up_pool(p) == 0 && set_up_slot(s, p->o) == 0 &&
	    make_headers(s, p->o) == 0 && set_question(s) == 0 &&
	    curl_multi_add_handle(p->multi, s->easy) == CURLM_OK) {
		s->busy = 1;
		p->busy++;
		return;
	}
	slot_clear(s);
	memset(&a, 0, sizeof(a));
	a.result = HTTP_ENOMEM;
	a.headers = "";
	a.date = -1;
	snprintf(a.why, sizeof(a.why),
	    "libcurl cannot be set up for it (out of memory, or an option "
	    "that it does not know)");
	(void)p->src->done(p->src->ctx, q, &a);
}

/* What the slot had is done with. */
static void
end(struct pool *p, struct slot *s)
{
	slot_clear(s);
	if (p->fresh_handles) {
		curl_easy_cleanup(s->easy);
		s->easy = NULL;
	}
	p->busy--;
}

/* The connection that it was given was of no use, and is closed by now. */
static void
restart(struct pool *p, struct slot *s)
{
	struct http_question q = s->q;
	curl_off_t spent = 0;

	/* what a redirection took is part of its time */
	curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &spent);
	q.timeout_ms -= (long)(spent / 1000);
	if (q.timeout_ms < 1)
		q.timeout_ms = 1;
	curl_multi_remove_handle(p->multi, s->easy);
	end(p, s);
	q.fresh = 1;
	start(p, s, &q);
}

/* Hands on what came of it, and hears whether it was what was asked for. */
static void
finish(struct pool *p, struct slot *s, CURLcode code)
{
	const struct http_question q = s->q;
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct http_answer a;

	/* as long as the handle has not been removed, libcurl tells */
	curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd);
	keep(p, s, fd);
	describe(s, code, p->o, &a);
	if (p->src->done(p->src->ctx, &q, &a) == HTTP_DROP)
		drop(fd);
	curl_multi_remove_handle(p->multi, s->easy);
	end(p, s);
}

/* Fills the free slots; says what the last draw brought. */
static enum http_draw
fill(struct pool *p, long *wait_ms)
{
	struct http_question q;
	enum http_draw draw;
	struct slot *s;

	while ((s = free_slot(p)) != NULL) {
		memset(&q, 0, sizeof(q));
		draw = p->src->next(p->src->ctx, &q, wait_ms);
		if (draw != HTTP_ASK)
			return draw;
		start(p, s, &q);
	}
	return HTTP_ASK;
}

/* Hands on what is finished; says how many that were. */
static int
drain(struct pool *p)
{
	struct slot *s;
	CURLMsg *msg;
	CURLcode code;
	char *ref;
	int left, n = 0;

	while ((msg = curl_multi_info_read(p->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &ref);
		s = (struct slot *)(void *)ref;
		if (s->fault == STALE)
			restart(p, s);
		else
			finish(p, s, code);
		n++;
	}
	return n;
}

static void
wait_for_more(struct pool *p, long ms)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
	curl_multi_poll(p->multi, NULL, 0, (int)ms, NULL);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
}

static void
loop(struct pool *p)
{
	enum http_draw draw;
	long wait_ms;
	int running, ended, n;

	for (;;) {
		if (p->src->idle != NULL)
			p->src->idle(p->src->ctx);
		wait_ms = IDLE_MS;
		draw = fill(p, &wait_ms);
		if (p->busy == 0 && draw == HTTP_NONE)
			return;
		/* without a pool each request is answered by the failure */
		if (set_up_pool(p) == -1) {
			poll(NULL, 0, draw == HTTP_LATER ? (int)wait_ms : 0);
			continue;
		}
		/*
		 * What ended is handed on before poll, which nothing would
		 * wake then, and before anybody may get its connection.
		 */
		ended = 0;
		do {
			curl_multi_perform(p->multi, &running);
			ended += n = drain(p);
		} while (n > 0);
		if (ended > 0)
			continue;
		if (draw != HTTP_LATER || wait_ms > IDLE_MS)
			wait_ms = IDLE_MS;
		wait_for_more(p, wait_ms);
	}
}

static void
pool_free(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->o->parallel; i++) {
		curl_slist_free_all(p->slots[i].headers);
		curl_easy_cleanup(p->slots[i].easy);
		free(p->slots[i].body);
		free(p->slots[i].head);
	}
	/* it closes connections, and on_close() looks whose they are */
	if (p->multi != NULL) {
		curl_multi_cleanup(p->multi);
		curl_global_cleanup();
	}
	free(p->slots);
	free(p->kept);
}

int
http_run(const struct http_options *o, const struct http_source *src)
{
	struct pool p = {.o = o, .src = src};

	p.max_kept = (KEPT_EACH + 1) * o->parallel;
	p.slots = calloc(o->parallel, sizeof(*p.slots));
	p.kept = calloc(p.max_kept, sizeof(*p.kept));
	if (p.slots == NULL || p.kept == NULL) {
		free(p.slots);
		free(p.kept);
		return -1;
	}
	loop(&p);
	pool_free(&p);
	return 0;
}
