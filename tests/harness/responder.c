/* SPDX-License-Identifier: ISC */
/*
 * responder: an OCSP responder over HTTP that answers as badly as it is
 * told.  The first segment of the path tells it: names out of the table of
 * behaviours below and at most one recipe of forge, with commas between,
 * and perhaps a token after a dot that keeps its state apart:
 * /revoked, /good,chunked, /trylater-twice.t7
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* POLLRDHUP: has the client gone? */
#endif

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "forge.h"

#define MAX_HEAD (64 * 1024)
#define MAX_BODY (64 * 1024)
#define MAX_HEADERS 64
#define MAX_PATH 4096
#define YEAR (365 * FORGE_DAY)

/* Read once, at the start. */
static struct forge *pki;
static SSL_CTX *tls;
static int pki_dir = -1;
static int log_fd = -1;
static int port;

static pthread_mutex_t forge_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_int stopping;

/* The socket that listens, and for how long it is to be gone, in ms. */
static int listener = -1;
static const char *listen_addr;
static atomic_long away_ms;

/* A connection; they are all in one list, to be shut down at the end. */
struct conn {
	struct conn *next;
	int fd;
	SSL *ssl;
	unsigned long id;
	int rude;            /* ends by RST */
	int used_before;     /* it has had an answer */
	unsigned char *last; /* the answer before, for one-behind */
	size_t last_len;
	char *in; /* MAX_HEAD + 1 bytes */
	size_t used;
};

static struct conn *conns; /* under state_lock */

struct header {
	char *name, *value;
};

struct request {
	char *method, *target, *version;
	char names[256];  /* first segment of the path */
	const char *rest; /* of the path, after its slash */
	struct header header[MAX_HEADERS];
	size_t nheaders;
	unsigned char *body;
	size_t bodylen;
	unsigned char *der; /* the OCSP request, if it has one */
	size_t derlen;
};

enum {
	F_OCSP = 1, /* the OCSP body, whatever the status */
	F_EMPTY = 2,
	F_CHUNKED = 4,
	F_CHUNK_CUT = 8,
	F_GZIP = 16,
	F_HTTP10 = 32,
	F_HTTP09 = 64,
	F_CONTINUE = 128,
	F_RESET = 256, /* before answering */
	F_RESET_MIDDLE = 512,
	F_HANG = 1024,
	F_HANG_ACCEPT = 2048,
	F_LONG = 4096, /* Content-Length is 100 more than is sent */
	F_HALF = 8192, /* half of Content-Length is sent */
	F_CLOSE = 16384,
	F_NO_TYPE = 32768,
	F_HTML = 65536, /* an HTML page for a body */
	F_NO_LENGTH = 131072,
	F_ALLOW_POST = 262144,
	F_NO_DATE = 524288,
	F_TWICE = 1 << 20,      /* the answer, and once more */
	F_TWICE_LATE = 1 << 21, /* the same, a moment later */
	F_CRLF_LATE = 1 << 22,  /* an empty line, a moment later */
	F_408_LATE = 1 << 23,   /* an error of an idle connection */
	F_BEHIND = 1 << 24,     /* the answer to the request before */
	F_GZIP_BODY = 1 << 25,  /* without the header for it */
	F_CHUNKED_BODY = 1 << 26,
	F_CRLF_EARLY =
	    1 << 27 /* an empty line, on a connection that was used */
};

/* What will be sent; behaviours change it before it is. */
struct reply {
	const struct request *req;
	const struct forge_recipe *recipe;
	int status;
	unsigned int flags;
	const char *type;
	const char *extra; /* further header lines */
	char line[64];     /* to make one in */
	char location[1024];
	long date_off;
	long latency;  /* ms */
	size_t pace;   /* bytes at a time, 0: all */
	long pause;    /* ms between them */
	int pace_head; /* the headers as well */
	int (*send)(struct conn *, struct reply *);
	const char *const *lines; /* for send_lines() */
	unsigned char *body;
	size_t len;
	char unknown[128]; /* a name in the path nobody knows */
};

/*
 * Behaviours
 */

struct behaviour {
	const char *name;
	const char *text;
	void (*fn)(struct reply *, long);
	long arg;
};

static const char *
header(const struct request *q, const char *name)
{
	size_t i;

	for (i = 0; i < q->nheaders; i++)
		if (strcasecmp(q->header[i].name, name) == 0)
			return q->header[i].value;
	return NULL;
}

static int
is_get(const struct reply *r)
{
	return r->req->method != NULL && strcmp(r->req->method, "GET") == 0;
}

static int
no_cache(const struct reply *r)
{
	const char *cc = header(r->req, "Cache-Control");

	return cc != NULL && strstr(cc, "no-cache") != NULL;
}

/* How often this segment of a path was asked for before. */
static long
visits(const char *segment)
{
	struct visit {
		struct visit *next;
		long n;
		char key[256];
	};
	static struct visit *all;
	struct visit *v;
	long n;

	pthread_mutex_lock(&state_lock);
	for (v = all; v != NULL; v = v->next)
		if (strcmp(v->key, segment) == 0)
			break;
	if (v == NULL && (v = calloc(1, sizeof(*v))) != NULL) {
		snprintf(v->key, sizeof(v->key), "%s", segment);
		v->next = all;
		all = v;
	}
	n = v == NULL ? 0 : v->n++;
	pthread_mutex_unlock(&state_lock);
	return n;
}

static void
recipe(struct reply *r, const char *name)
{
	r->recipe = forge_find(name);
}

static void
set_status(struct reply *r, long status)
{
	r->status = (int)status;
	r->flags |= F_HTML;
}

static void
set_ocsp_status(struct reply *r, long status)
{
	r->status = (int)status;
	r->flags |= F_OCSP;
}

static void
set_flag(struct reply *r, long flag)
{
	r->flags |= (unsigned int)flag;
}

static void
set_latency(struct reply *r, long ms)
{
	r->latency = ms;
}

static void
set_date(struct reply *r, long off)
{
	r->date_off = off;
}

static void
retry_after(struct reply *r, long seconds)
{
	set_status(r, 503);
	snprintf(r->line, sizeof(r->line), "Retry-After: %ld\r\n", seconds);
	r->extra = r->line;
}

static void
type_html(struct reply *r, long unused)
{
	(void)unused;
	r->type = "text/html";
}

static void
type_upper(struct reply *r, long unused)
{
	(void)unused;
	r->type = "APPLICATION/OCSP-RESPONSE";
}

static void
type_param(struct reply *r, long unused)
{
	(void)unused;
	r->type = "application/ocsp-response; charset=binary";
}

static void
paced(struct reply *r, long bytes)
{
	r->pace = (size_t)bytes;
	r->pause = bytes == 1 ? 1000 : 1;
	r->pace_head = bytes != 1;
}

static void
slow_head(struct reply *r, long bytes)
{
	paced(r, bytes);
	r->pace_head = 1;
}

static void
redirect(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location), "/good%s%s",
	    *r->req->rest == '\0' ? "" : "/", r->req->rest);
}

static void
redirect_space(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location),
	    "http://127.0.0.1:%d/good HTTP/1.1%%0d%%0aX-Test: a", port);
}

static void
redirect_user(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location),
	    "http://user:secret@127.0.0.1:%d/good%s%s", port,
	    *r->req->rest == '\0' ? "" : "/", r->req->rest);
}

static void
redirect_loop(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location), "%s", r->req->target);
}

static void
redirect_file(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location), "file:///etc/passwd");
}

/* To this very port, so that it would be seen in the log. */
static void
redirect_scheme(struct reply *r, long which)
{
	static const char *const schemes[] = {
	    "ftp", "gopher", "dict", "ldap", "telnet", "scp"};

	set_status(r, 302);
	snprintf(r->location, sizeof(r->location), "%s://127.0.0.1:%d/good",
	    schemes[which], port);
}

static void
redirect_host(struct reply *r, long status)
{
	set_status(r, status);
	snprintf(r->location, sizeof(r->location),
	    "http%s://localhost:%d/good%s%s", tls != NULL ? "s" : "", port,
	    *r->req->rest == '\0' ? "" : "/", r->req->rest);
}

static void
get_refused(struct reply *r, long post)
{
	if (is_get(r) == !post)
		set_status(r, 405);
}

static void
get_unauthorized(struct reply *r, long unused)
{
	(void)unused;
	if (is_get(r))
		recipe(r, "err-unauthorized");
}

static void
get_malformed(struct reply *r, long unused)
{
	(void)unused;
	if (is_get(r))
		recipe(r, "err-malformed");
}

static void
get_empty(struct reply *r, long unused)
{
	(void)unused;
	if (is_get(r))
		r->flags |= F_EMPTY;
}

static void
slash_refused(struct reply *r, long unused)
{
	(void)unused;
	if (strstr(r->req->target, "%2F") != NULL ||
	    strstr(r->req->target, "%2f") != NULL)
		set_status(r, 404);
}

/*
 * Something on the way has decoded the path, and the responder takes the last
 * segment of what came; or the slashes that then stood side by side are one.
 */
static void
slash_decoded(struct reply *r, long merged)
{
	char b64[MAX_PATH + 1];

	if (!is_get(r) || r->req->derlen * 4 / 3 > MAX_PATH - 4)
		return;
	/* the question in base64, and so the path once it is decoded */
	EVP_EncodeBlock((unsigned char *)b64, r->req->der, (int)r->req->derlen);
	if (strstr(b64, merged ? "//" : "/") != NULL)
		recipe(r, "err-malformed");
}

/* What a cookie and a password are for: not us. */
static void
set_cookie(struct reply *r, long status)
{
	if (is_get(r))
		set_status(r, status);
	r->extra = "Set-Cookie: id=secret; Path=/\r\n"
		   "WWW-Authenticate: Basic realm=\"x\"\r\n";
}

static void
add_cookie(struct reply *r, long unused)
{
	(void)unused;
	r->extra = "Set-Cookie: id=secret; Path=/\r\n";
}

static void
stale_unless(struct reply *r, long unused)
{
	(void)unused;
	if (!no_cache(r))
		recipe(r, "expired");
}

static void
nocache_status(struct reply *r, long status)
{
	if (no_cache(r))
		set_status(r, status);
}

static void
older_unless(struct reply *r, long unused)
{
	(void)unused;
	if (!no_cache(r))
		recipe(r, "good-older");
}

static void
alternate(struct reply *r, long unused)
{
	(void)unused;
	recipe(r, visits(r->req->names) % 2 == 0 ? "good-older" : "good-newer");
}

static void
trylater_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		recipe(r, "err-trylater");
}

static void
unauthorized_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		recipe(r, "err-unauthorized");
}

static void
expired_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		recipe(r, "expired");
}

static void
status_503_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		set_status(r, 503);
}

static void
status_once(struct reply *r, long status)
{
	if (visits(r->req->names) < 1)
		set_status(r, (int)status);
}

static void
status_404_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		set_status(r, 404);
}

static void
unknown_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		recipe(r, "unknown");
}

static void
status_503_then_hang(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		set_status(r, 503);
	else
		r->flags |= F_HANG;
}

static void
reset_n(struct reply *r, long n)
{
	if (visits(r->req->names) < n)
		r->flags |= F_RESET;
}

/*
 * For so long nobody listens, as when the process is started anew: all
 * connections are reset, and new ones are refused.  run() comes back.
 */
static void
go_away(long ms)
{
	struct linger l = {1, 0};
	struct conn *c;

	pthread_mutex_lock(&state_lock);
	away_ms = ms;
	shutdown(listener, SHUT_RDWR);
	for (c = conns; c != NULL; c = c->next) {
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&state_lock);
}

/* away-MS[-N]: when N were served, it is gone for MS. */
static void
set_away(struct reply *r, const char *how)
{
	long ms = 0, n = 0;

	if (sscanf(how, "%ld-%ld", &ms, &n) < 1)
		snprintf(r->unknown, sizeof(r->unknown), "away-%s", how);
	else if (visits(r->req->names) == n) {
		go_away(ms);
		r->flags |= F_RESET;
	}
}

/* Takes one of `n` tokens that come anew each second; 0: there is none. */
static int
take_token(const char *segment, long n)
{
	struct bucket {
		struct bucket *next;
		double tokens, at;
		char key[256];
	};
	static struct bucket *all;
	struct timespec ts;
	struct bucket *b;
	double now;
	int got;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	pthread_mutex_lock(&state_lock);
	for (b = all; b != NULL && strcmp(b->key, segment) != 0;)
		b = b->next;
	if (b == NULL && (b = calloc(1, sizeof(*b))) != NULL) {
		snprintf(b->key, sizeof(b->key), "%s", segment);
		b->next = all;
		b->tokens = (double)n;
		b->at = now;
		all = b;
	}
	if (b == NULL) {
		pthread_mutex_unlock(&state_lock);
		return 0;
	}
	b->tokens += (now - b->at) * (double)n;
	if (b->tokens > (double)n)
		b->tokens = (double)n;
	b->at = now;
	got = b->tokens >= 1;
	if (got)
		b->tokens -= 1;
	pthread_mutex_unlock(&state_lock);
	return got;
}

/* limit-N[-RETRY], limit503-N[-RETRY]: N a second, else 429 or 503. */
static void
set_limit(struct reply *r, int status, const char *how)
{
	const char *after = strchr(how, '-');
	long n = atol(how);
	struct tm tm;
	time_t when;

	if (n <= 0) {
		snprintf(r->unknown, sizeof(r->unknown), "limit-%s", how);
		return;
	}
	if (take_token(r->req->names, n))
		return;
	set_status(r, status);
	if (after == NULL)
		return;
	when = time(NULL) + 1;
	gmtime_r(&when, &tm);
	if (strcmp(after, "-date") == 0)
		strftime(r->line, sizeof(r->line),
		    "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	else
		snprintf(r->line, sizeof(r->line), "Retry-After: %ld\r\n",
		    atol(after + 1));
	r->extra = r->line;
}

/* /cert-der/NAME: a certificate of the PKI, for caIssuers. */
static void
send_cert(struct reply *r, long which)
{
	static const char *const formats[] = {"der", "pem", "cms"};
	static const char *const types[] = {"application/pkix-cert",
	    "application/x-pem-file", "application/pkcs7-mime"};
	int bad;

	pthread_mutex_lock(&forge_lock);
	bad = forge_cert(pki, r->req->rest, formats[which], &r->body, &r->len);
	pthread_mutex_unlock(&forge_lock);
	r->type = types[which];
	if (bad)
		set_status(r, 404);
}

static void *need(void *);

/* /file/NAME: whatever lies beside the PKI. */
static void
send_file(struct reply *r, long unused)
{
	FILE *f = NULL;
	int fd;

	(void)unused;
	r->len = 0;
	if (strchr(r->req->rest, '/') == NULL &&
	    (fd = openat(pki_dir, r->req->rest, O_RDONLY)) != -1)
		f = fdopen(fd, "r");
	if (f == NULL) {
		set_status(r, 404);
		return;
	}
	r->body = need(malloc(MAX_BODY));
	r->len = fread(r->body, 1, MAX_BODY, f);
	fclose(f);
	r->type = "application/octet-stream";
}

/* A transfer coding that was not asked for, undone by many clients. */
static void
coded(struct reply *r, long which)
{
	static const char *const lines[] = {
	    "Transfer-Encoding: gzip\r\n",
	    "Transfer-Encoding: GZip , chunked\r\n",
	    "Transfer-Encoding:\r\n\tdeflate\r\n",
	    "transfer-encoding: x-gzip\r\nTransfer-Encoding: chunked\r\n",
	};

	r->flags |= F_GZIP_BODY | F_CLOSE | F_NO_LENGTH;
	if (which == 1 || which == 3)
		r->flags |= F_CHUNKED_BODY;
	r->extra = lines[which];
}

static int send_endless_headers(struct conn *, struct reply *);
static int send_endless_body(struct conn *, struct reply *);
static int send_lines(struct conn *, struct reply *);

static void
endless_headers(struct reply *r, long unused)
{
	(void)unused;
	r->send = send_endless_headers;
}

/* Heads that are none, or never end; the last line is sent for ever. */
static const char *const odd_heads[][3] = {
    {"HTTP/1.1 100 Continue\r\n\r\n", NULL},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
	"X-Trailer: "
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "aaaaa"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "xyz\r\n"},
    {"HTTP/1.1 banana\r\n\r\n", "a"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"HTTP/1.1 302 Found\r\nLocation: /good\r\n"
     "Transfer-Encoding: chunked\r\n\r\n1;",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"HTTP/1.1 302 Found\r\nLocation: /good\r\n"
     "Content-Length: 99999999999\r\n\r\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
};

static void
odd_head(struct reply *r, long which)
{
	r->send = send_lines;
	r->lines = odd_heads[which];
}

static void
endless_body(struct reply *r, long megabytes)
{
	r->send = send_endless_body;
	r->len = (size_t)megabytes << 20;
}

static const struct behaviour behaviours[] = {
    /* A status, and a page of HTML. */
    {"status-400", "HTTP 400 with HTML", set_status, 400},
    {"status-401", "HTTP 401 with HTML", set_status, 401},
    {"status-403", "HTTP 403 with HTML", set_status, 403},
    {"status-404", "HTTP 404 with HTML", set_status, 404},
    {"status-405", "HTTP 405 with HTML", set_status, 405},
    {"status-407", "HTTP 407 with HTML", set_status, 407},
    {"status-408", "HTTP 408 with HTML", set_status, 408},
    {"status-429", "HTTP 429 with HTML", set_status, 429},
    {"status-500", "HTTP 500 with HTML", set_status, 500},
    {"status-502", "HTTP 502 with HTML", set_status, 502},
    {"status-503", "HTTP 503 with HTML", set_status, 503},
    {"status-533", "HTTP 533 with HTML", set_status, 533},
    {"retry-after", "HTTP 503, Retry-After: 1", retry_after, 1},
    {"retry-after-5", "HTTP 503, Retry-After: 5", retry_after, 5},
    {"retry-after-90", "HTTP 503, Retry-After: 90", retry_after, 90},
    {"retry-after-day", "HTTP 503, Retry-After: 86400", retry_after, 86400},
    {"html-200", "HTTP 200 with HTML: a captive portal", set_status, 200},
    {"empty-200", "HTTP 200 without a body", set_flag, F_EMPTY},

    /* A status, and OCSP nevertheless. */
    {"ocsp-400", "HTTP 400 with OCSP", set_ocsp_status, 400},
    {"ocsp-401", "HTTP 401 with OCSP", set_ocsp_status, 401},
    {"ocsp-404", "HTTP 404 with OCSP", set_ocsp_status, 404},
    {"ocsp-500", "HTTP 500 with OCSP", set_ocsp_status, 500},
    {"ocsp-503", "HTTP 503 with OCSP", set_ocsp_status, 503},

    /* Headers. */
    {"type-html", "Content-Type: text/html", type_html, 0},
    {"type-none", "no Content-Type", set_flag, F_NO_TYPE},
    {"type-upper", "Content-Type in capitals", type_upper, 0},
    {"type-param", "Content-Type with a parameter", type_param, 0},
    {"set-cookie", "with a cookie", add_cookie, 0},
    {"wrong-date", "Date a year ago", set_date, -YEAR},
    {"future-date", "Date in a year", set_date, YEAR},
    {"no-date", "no Date", set_flag, F_NO_DATE},
    {"close", "Connection: close", set_flag, F_CLOSE},

    /* Framing. */
    {"chunked", "chunked", set_flag, F_CHUNKED},
    {"chunked-cut", "chunked, closed before the last chunk", set_flag,
	F_CHUNKED | F_CHUNK_CUT | F_CLOSE},
    {"gzip", "Content-Encoding: gzip, although nobody asked", set_flag, F_GZIP},
    {"te-gzip", "Transfer-Encoding: gzip", coded, 0},
    {"te-gzip-chunked", "Transfer-Encoding: GZip , chunked", coded, 1},
    {"te-folded", "Transfer-Encoding: deflate, on two lines", coded, 2},
    {"te-twice", "Transfer-Encoding: x-gzip, and one of chunked", coded, 3},
    {"http10", "HTTP/1.0, ended by closing", set_flag,
	F_HTTP10 | F_NO_LENGTH | F_CLOSE},
    {"http09", "only the body, no status line", set_flag, F_HTTP09 | F_CLOSE},
    {"no-length", "HTTP/1.1, ended by closing", set_flag,
	F_NO_LENGTH | F_CLOSE},
    {"continue", "100 Continue first", set_flag, F_CONTINUE},
    {"truncate", "whole, but Content-Length says 100 more", set_flag,
	F_LONG | F_CLOSE},
    {"truncate-half", "closed after half of the body", set_flag,
	F_HALF | F_CLOSE},
    {"dribble3", "three bytes at a time", paced, 3},
    {"slow", "the body at one byte a second", paced, 1},
    {"slow-headers", "all at one byte a second", slow_head, 1},
    {"endless-headers", "headers for ever", endless_headers, 0},
    {"endless-body", "a body for ever", endless_body, 0},
    {"body-100m", "100 MiB, as Content-Length says", endless_body, 100},
    {"endless-continue", "100 Continue for ever", odd_head, 0},
    {"endless-trailers", "trailers for ever", odd_head, 1},
    {"endless-chunks", "chunks of one byte for ever", odd_head, 2},
    {"endless-extension", "a chunk extension for ever", odd_head, 7},
    {"redirect-extension", "302, with a chunk extension for ever", odd_head, 8},
    {"redirect-endless", "302 to /good, with a body for ever", odd_head, 9},
    {"length-huge", "a Content-Length beyond 64 bits", odd_head, 3},
    {"length-negative", "a Content-Length of -5", odd_head, 4},
    {"chunk-junk", "a chunk whose length is no number", odd_head, 5},
    {"status-junk", "a status that is no number", odd_head, 6},

    /* Connections. */
    {"hang", "read, and never answer", set_flag, F_HANG},
    {"hang-accept", "never even read (but peek)", set_flag, F_HANG_ACCEPT},
    {"reset", "RST before answering", set_flag, F_RESET},
    {"reset-once", "RST the first time", reset_n, 1},
    {"reset-middle", "RST after half of the body", set_flag,
	F_RESET_MIDDLE | F_CLOSE},

    {"sent-twice", "the answer twice", set_flag, F_TWICE},
    {"late-twice", "the answer, and a moment later again", set_flag,
	F_TWICE_LATE},
    {"late-crlf", "an empty line a moment after the answer", set_flag,
	F_CRLF_LATE},
    {"early-crlf", "an empty line before all answers but the first", set_flag,
	F_CRLF_EARLY},
    {"late-408", "HTTP 408 a moment after the answer, then closed", set_flag,
	F_408_LATE},
    {"one-behind", "the answer to the request before, if there was one",
	set_flag, F_BEHIND},

    /* Redirects. */
    {"redirect-301", "301 to /good", redirect, 301},
    {"redirect-302", "302 to /good", redirect, 302},
    {"redirect-303", "303 to /good", redirect, 303},
    {"redirect-307", "307 to /good", redirect, 307},
    {"redirect-308", "308 to /good", redirect, 308},
    {"redirect-space", "302 to a URL that would add a header", redirect_space,
	302},
    {"redirect-user", "302 to a URL with a password", redirect_user, 302},
    {"redirect-loop", "302 to itself", redirect_loop, 302},
    {"redirect-file", "302 to file:///etc/passwd", redirect_file, 302},
    {"redirect-host", "302 to /good at localhost", redirect_host, 302},
    {"redirect-ftp", "302 to ftp: on this port", redirect_scheme, 0},
    {"redirect-gopher", "302 to gopher: on this port", redirect_scheme, 1},
    {"redirect-dict", "302 to dict: on this port", redirect_scheme, 2},
    {"redirect-ldap", "302 to ldap: on this port", redirect_scheme, 3},
    {"redirect-telnet", "302 to telnet: on this port", redirect_scheme, 4},
    {"redirect-scp", "302 to scp: on this port", redirect_scheme, 5},

    /* Methods. */
    {"get-refused", "405 for GET", get_refused, 0},
    {"post-refused", "405 for POST", get_refused, 1},
    {"get-unauthorized", "OCSP unauthorized for GET", get_unauthorized, 0},
    {"get-malformed", "OCSP malformedRequest for GET", get_malformed, 0},
    {"get-empty", "HTTP 200 without a body for GET", get_empty, 0},
    {"slash-refused", "404 when %2F is in the path", slash_refused, 0},
    {"slash-decoded", "%2F is decoded, and cuts the question", slash_decoded,
	0},
    {"slash-merged", "%2F is decoded, and // is merged", slash_decoded, 1},
    {"cookie-401", "401 for GET, with a cookie and a wish for a password",
	set_cookie, 401},

    /* Caches and memory. */
    {"stale-unless-nocache", "expired without no-cache", stale_unless, 0},
    {"older-unless-nocache", "good-older without no-cache", older_unless, 0},
    {"nocache-503", "503 to no-cache", nocache_status, 503},
    {"alternate", "good-older and good-newer in turn", alternate, 0},
    {"trylater-twice", "OCSP tryLater, twice", trylater_n, 2},
    {"expired-once", "expired, once", expired_n, 1},
    {"unauthorized-once", "OCSP unauthorized, once", unauthorized_n, 1},
    {"unauthorized-twice", "OCSP unauthorized, twice", unauthorized_n, 2},
    {"unauthorized-6", "OCSP unauthorized, six times", unauthorized_n, 6},
    {"unknown-thrice", "OCSP unknown, three times", unknown_n, 3},
    {"404-thrice", "HTTP 404, three times", status_404_n, 3},
    {"reset-thrice", "RST, three times", reset_n, 3},
    {"500-once", "HTTP 500, once", status_once, 500},
    {"502-once", "HTTP 502, once", status_once, 502},
    {"503-once", "HTTP 503, once", status_once, 503},
    {"503-twice", "HTTP 503, twice", status_503_n, 2},
    {"503-then-hang", "HTTP 503, then nothing", status_503_then_hang, 1},

    /* Not OCSP: certificates for caIssuers, /cert-der/NAME. */
    {"cert-der", "the certificate NAME, DER", send_cert, 0},
    {"cert-pem", "the certificate NAME, PEM", send_cert, 1},
    {"cert-cms", "the certificate NAME, CMS", send_cert, 2},
    {"file", "the file NAME beside the PKI", send_file, 0}};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void die(const char *, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

static void
die(const char *fmt, ...)
{
	va_list ap;

	fputs("responder: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *
need(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

/*
 * One name out of a path, perhaps with a number, or for one method only.
 */
static void
apply(struct reply *r, const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(behaviours); i++)
		if (strcmp(behaviours[i].name, name) == 0) {
			behaviours[i].fn(r, behaviours[i].arg);
			return;
		}
	if (strncmp(name, "latency-", 8) == 0)
		set_latency(r, atol(name + 8));
	else if (strncmp(name, "away-", 5) == 0)
		set_away(r, name + 5);
	else if (strncmp(name, "limit-", 6) == 0)
		set_limit(r, 429, name + 6);
	else if (strncmp(name, "limit503-", 9) == 0)
		set_limit(r, 503, name + 9);
	else if (strncmp(name, "get-", 4) == 0) {
		if (is_get(r))
			apply(r, name + 4);
	} else if (strncmp(name, "post-", 5) == 0) {
		if (!is_get(r))
			apply(r, name + 5);
	} else
		snprintf(r->unknown, sizeof(r->unknown), "%s", name);
}

/*
 * The recipe first, wherever it stands: a behaviour may replace it.
 */
static void
apply_all(struct reply *r)
{
	char names[256], *list, *name;
	const struct forge_recipe *found;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		snprintf(names, sizeof(names), "%s", r->req->names);
		names[strcspn(names, ".?")] = '\0';
		for (list = names; (name = strsep(&list, ",")) != NULL;) {
			found = forge_find(name);
			if (found != NULL && pass == 0)
				r->recipe = found;
			if (found == NULL && pass == 1 && *name != '\0')
				apply(r, name);
		}
	}
}

/*
 * Bytes in and out.  All of these return -1 when the client has gone, or
 * the responder is told to stop.
 */

/* Wait so long, or for as long as the client stays if ms is negative. */
static int
nap(struct conn *c, long ms)
{
	struct pollfd p = {c->fd, 0, 0};
	struct timespec start, now;
	long left = ms;

#ifdef POLLRDHUP
	p.events = POLLRDHUP;
#endif
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!stopping) {
		if (poll(&p, 1, ms < 0 || left > 1000 ? 1000 : (int)left) > 0)
			return -1;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = ms - (now.tv_sec - start.tv_sec) * 1000 -
		    (now.tv_nsec - start.tv_nsec) / 1000000;
		if (ms >= 0 && left <= 0)
			return 0;
	}
	return -1;
}

static int
conn_read(struct conn *c)
{
	ssize_t n;

	if (c->used >= MAX_HEAD || stopping)
		return -1;
	if (c->ssl != NULL)
		n = SSL_read(
		    c->ssl, c->in + c->used, (int)(MAX_HEAD - c->used));
	else
		n = recv(c->fd, c->in + c->used, MAX_HEAD - c->used, 0);
	if (n <= 0)
		return -1;
	c->used += (size_t)n;
	c->in[c->used] = '\0';
	return 0;
}

static int
conn_write(struct conn *c, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0 && !stopping) {
		if (c->ssl != NULL)
			n = SSL_write(c->ssl, p, (int)len);
		else
			n = send(c->fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return len > 0 ? -1 : 0;
}

static int
write_paced(struct conn *c, const struct reply *r, const void *buf, size_t len)
{
	const char *p = buf;
	size_t n;

	if (r->pace == 0)
		return conn_write(c, p, len);
	while (len > 0) {
		n = len < r->pace ? len : r->pace;
		if (conn_write(c, p, n) == -1 || nap(c, r->pause) == -1)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* Let close(2) send RST in place of FIN. */
static void
arm_reset(struct conn *c)
{
	struct linger l = {1, 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	c->rude = 1;
}

/*
 * The request
 */

static int
unhex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-encoded base64 to bytes, NULL if it is not that. */
static unsigned char *
decode(const char *s, size_t *len)
{
	char *b64 = need(malloc(strlen(s) + 1));
	unsigned char *out;
	size_t n = 0, pad = 0;
	int got, hi, lo;

	for (; *s != '\0'; s++) {
		b64[n++] = *s;
		if (*s == '%' && (hi = unhex(s[1])) >= 0 &&
		    (lo = unhex(s[2])) >= 0) {
			b64[n - 1] = (char)(hi * 16 + lo);
			s += 2;
		}
	}
	b64[n] = '\0';
	while (pad < n && pad < 2 && b64[n - 1 - pad] == '=')
		pad++;
	out = need(malloc(n + 1));
	/* EVP_DecodeBlock forgives white space; base64 in a URL has none */
	got = strpbrk(b64, " \t\r\n") != NULL
	    ? -1
	    : EVP_DecodeBlock(out, (unsigned char *)b64, (int)n);
	free(b64);
	if (got <= 0 || (size_t)got < pad) {
		free(out);
		return NULL;
	}
	*len = (size_t)got - pad;
	return out;
}

/* Cut the path into its first segment and the rest. */
static void
split_target(struct request *q)
{
	const char *p = q->target, *scheme = strstr(p, "://");
	size_t n;

	/* a client that takes us for its proxy sends the whole URL */
	if (scheme != NULL && *p != '/') {
		p = strchr(scheme + 3, '/');
		if (p == NULL)
			p = "";
	}
	if (*p == '/')
		p++;
	n = strcspn(p, "/");
	snprintf(
	    q->names, sizeof(q->names), "%.*s", (int)(n < 255 ? n : 255), p);
	q->rest = p[n] == '/' ? p + n + 1 : p + n;
}

/* Cut the head of a request, which ends at a NUL, into its parts. */
static int
parse_head(struct request *q, char *head)
{
	char *line, *colon;

	line = strsep(&head, "\r");
	q->method = strsep(&line, " ");
	q->target = strsep(&line, " ");
	q->version = line;
	if (q->target == NULL || q->version == NULL)
		return -1;
	while ((line = strsep(&head, "\r")) != NULL) {
		if (*line == '\n')
			line++;
		if ((colon = strchr(line, ':')) == NULL)
			continue;
		*colon++ = '\0';
		colon += strspn(colon, " \t");
		if (q->nheaders == MAX_HEADERS)
			return -1;
		q->header[q->nheaders].name = line;
		q->header[q->nheaders++].value = colon;
	}
	split_target(q);
	return 0;
}

static int
wants_continue(const struct request *q)
{
	const char *s = header(q, "Expect");

	return s != NULL && strncasecmp(s, "100-", 4) == 0;
}

/*
 * The body by Content-Length; what is in the buffer already comes first.
 * Returns an HTTP status if there is something wrong, else 0.
 */
static int
read_body(struct conn *c, struct request *q)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *cl = header(q, "Content-Length");
	long len;

	if (header(q, "Transfer-Encoding") != NULL)
		return 411;
	len = cl == NULL ? 0 : atol(cl);
	if (len < 0 || len > MAX_BODY - 1)
		return 413;
	if (wants_continue(q) && conn_write(c, go, sizeof(go) - 1) == -1)
		return -1;
	while (c->used < (size_t)len)
		if (conn_read(c) == -1)
			return -1;
	q->bodylen = (size_t)len;
	q->body = need(malloc(q->bodylen + 1));
	memcpy(q->body, c->in, q->bodylen);
	c->used -= q->bodylen;
	memmove(c->in, c->in + q->bodylen, c->used + 1);
	return 0;
}

/*
 * Returns 1 if there is a request, an HTTP status if it was no good, -1 if
 * there is none.  *head is for the caller to free.
 */
static int
read_request(struct conn *c, struct request *q, char **head)
{
	char *end;
	size_t n;
	int bad;

	memset(q, 0, sizeof(*q));
	while ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		if (conn_read(c) == -1)
			return -1;
	n = (size_t)(end - c->in);
	*head = need(malloc(n + 1));
	memcpy(*head, c->in, n);
	(*head)[n] = '\0';
	c->used -= n + 4;
	memmove(c->in, end + 4, c->used + 1);
	if (parse_head(q, *head) == -1)
		return 400;
	if ((bad = read_body(c, q)) != 0)
		return bad;
	if (strcmp(q->method, "GET") == 0)
		q->der = decode(q->rest, &q->derlen);
	else if (q->bodylen > 0) {
		q->der = need(malloc(q->bodylen));
		memcpy(q->der, q->body, q->bodylen);
		q->derlen = q->bodylen;
	}
	return 1;
}

/*
 * The log
 */

struct line {
	char *p;
	size_t n;
};

static void
say(struct line *l, const char *s)
{
	size_t n = strlen(s);

	l->p = need(realloc(l->p, l->n + n + 1));
	memcpy(l->p + l->n, s, n + 1);
	l->n += n;
}

/* One field: no spaces, nothing unprintable, never empty. */
static void
field(struct line *l, const char *label, const char *s)
{
	char one[4];

	say(l, label);
	if (s == NULL || *s == '\0')
		say(l, "-");
	for (; s != NULL && *s != '\0'; s++) {
		unsigned char u = (unsigned char)*s;

		if (u > 32 && u < 127)
			snprintf(one, sizeof(one), "%c", u);
		else
			snprintf(one, sizeof(one), "%%%02X", u);
		say(l, one);
	}
}

static void
field_hex(struct line *l, const char *label, const unsigned char *p, size_t n)
{
	char one[3];
	size_t i;

	say(l, label);
	if (n == 0)
		say(l, "-");
	for (i = 0; i < n; i++) {
		snprintf(one, sizeof(one), "%02x", p[i]);
		say(l, one);
	}
}

/* In one write: lines of different threads must not mix. */
static void
finish_line(struct line *l)
{
	say(l, "\n");
	if (log_fd != -1 && write(log_fd, l->p, l->n) != (ssize_t)l->n)
		perror("responder: log");
	free(l->p);
}

static void
log_request(const struct conn *c, const struct request *q, const char *outcome)
{
	static const struct {
		const char *label, *header;
	} shown[] = {{" host=", "Host"}, {" ct=", "Content-Type"},
	    {" accept=", "Accept"}, {" ua=", "User-Agent"},
	    {" cl=", "Content-Length"}, {" te=", "Transfer-Encoding"},
	    {" cc=", "Cache-Control"}, {" pragma=", "Pragma"},
	    {" expect=", "Expect"}, {" cookie=", "Cookie"},
	    {" auth=", "Authorization"}, {" proxyauth=", "Proxy-Authorization"},
	    {" encoding=", "Accept-Encoding"}, {" via=", "Via"},
	    {" x-test=", "X-Test"}};
	struct line l = {NULL, 0};
	char num[64];
	size_t i;

	if (log_fd == -1)
		return;
	field(&l, "", q->method);
	field(&l, " /", *q->names == '\0' ? NULL : q->names);
	field(&l, " ", outcome);
	for (i = 0; i < COUNT(shown); i++)
		field(&l, shown[i].label, header(q, shown[i].header));
	snprintf(num, sizeof(num), " bytes=%zu conn=%lu", q->bodylen, c->id);
	say(&l, num);
	field(&l, " version=", q->version);
	field(&l, " target=", q->target);
	field_hex(&l, " req=", q->der, q->derlen);
	finish_line(&l);
}

static void
log_connect(const struct conn *c, const struct sockaddr *sa, socklen_t len)
{
	struct line l = {NULL, 0};
	char host[64], num[32];

	if (getnameinfo(sa, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) !=
	    0)
		snprintf(host, sizeof(host), "?");
	snprintf(num, sizeof(num), " conn=%lu", c->id);
	field(&l, "connect from=", host);
	say(&l, num);
	finish_line(&l);
}

/*
 * The reply
 */

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {{200, "OK"}, {301, "Moved Permanently"}, {302, "Found"},
	    {303, "See Other"}, {307, "Temporary Redirect"},
	    {308, "Permanent Redirect"}, {400, "Bad Request"},
	    {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	    {405, "Method Not Allowed"}, {407, "Proxy Authentication Required"},
	    {411, "Length Required"}, {413, "Content Too Large"},
	    {429, "Too Many Requests"}, {500, "Internal Server Error"},
	    {502, "Bad Gateway"}, {503, "Service Unavailable"}};
	size_t i;

	for (i = 0; i < COUNT(all); i++)
		if (all[i].status == status)
			return all[i].text;
	return "Odd";
}

static void
html_body(struct reply *r)
{
	char page[512];

	if (r->unknown[0] != '\0')
		snprintf(page, sizeof(page),
		    "responder: no such behaviour: %s\n", r->unknown);
	else
		snprintf(page, sizeof(page),
		    "<html><head><title>%d %s"
		    "</title></head><body><h1>%s</h1></body></html>\n",
		    r->status, reason(r->status), reason(r->status));
	free(r->body);
	r->body = (unsigned char *)need(strdup(page));
	r->len = strlen(page);
	r->type = "text/html";
}

static int
forge_body(struct reply *r, const char *instead)
{
	int bad;

	if (instead != NULL)
		recipe(r, instead);
	pthread_mutex_lock(&forge_lock);
	bad = forge_response(pki, r->recipe, NULL, r->req->der, r->req->derlen,
	    time(NULL), &r->body, &r->len);
	pthread_mutex_unlock(&forge_lock);
	return bad;
}

/* A body for the reply, unless a behaviour made one. */
static void
make_body(struct reply *r)
{
	if (r->flags & (F_EMPTY | F_RESET | F_HANG)) {
		free(r->body);
		r->body = NULL;
		r->len = 0;
	} else if ((r->flags & F_HTML) && !(r->flags & F_OCSP))
		html_body(r);
	else if (r->body == NULL && r->send == NULL &&
	    forge_body(r, NULL) == -1 && forge_body(r, "err-malformed") == -1) {
		r->status = 500;
		html_body(r);
	}
}

static uint32_t
crc32_of(const unsigned char *p, size_t n)
{
	uint32_t crc = 0xffffffffU;
	int k;

	while (n-- > 0) {
		crc ^= *p++;
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static unsigned char *
little(unsigned char *p, uint32_t v, int bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		*p++ = (unsigned char)v;
	return p;
}

/* gzip without compression: stored blocks, so that no zlib is needed. */
static void
gzip_body(struct reply *r)
{
	static const unsigned char head[10] = {
	    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	size_t blocks = r->len / 65535 + 1, off = 0, n;
	unsigned char *out = need(malloc(r->len + 5 * blocks + 18)), *p;

	memcpy(out, head, sizeof(head));
	p = out + sizeof(head);
	for (; blocks > 0; blocks--, off += n) {
		n = r->len - off < 65535 ? r->len - off : 65535;
		*p++ = blocks == 1;
		p = little(p, (uint32_t)n, 2);
		p = little(p, ~(uint32_t)n, 2);
		if (n > 0)
			memcpy(p, r->body + off, n);
		p += n;
	}
	p = little(p, crc32_of(r->body, r->len), 4);
	p = little(p, (uint32_t)r->len, 4);
	free(r->body);
	r->body = out;
	r->len = (size_t)(p - out);
}

/* In chunks of up to 100 bytes. */
static void
chunk_body(struct reply *r)
{
	size_t left = r->len, n;
	char *out = need(malloc(r->len * 2 + 64)), *p = out;
	const unsigned char *in = r->body;

	for (; left > 0; left -= n, in += n) {
		n = left < 100 ? left : 100;
		p += sprintf(p, "%zx\r\n", n);
		memcpy(p, in, n);
		p += n;
		p += sprintf(p, "\r\n");
	}
	if (!(r->flags & F_CHUNK_CUT))
		p += sprintf(p, "0\r\n\r\n");
	free(r->body);
	r->body = (unsigned char *)out;
	r->len = (size_t)(p - out);
}

static size_t
make_head(const struct reply *r, char *buf, size_t max)
{
	struct tm tm;
	time_t when = time(NULL) + r->date_off;
	char date[64] = "", type[128] = "", length[64] = "";

	gmtime_r(&when, &tm);
	if (!(r->flags & F_NO_DATE))
		strftime(date, sizeof(date),
		    "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	if (!(r->flags & F_NO_TYPE))
		snprintf(type, sizeof(type), "Content-Type: %s\r\n", r->type);
	if (r->flags & F_CHUNKED)
		snprintf(
		    length, sizeof(length), "Transfer-Encoding: chunked\r\n");
	else if (!(r->flags & F_NO_LENGTH))
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
		    r->len + (r->flags & F_LONG ? 100 : 0));
	return (size_t)snprintf(buf, max,
	    "%sHTTP/1.%c %d %s\r\n%s%s%s%s%s%s%s%s%sConnection: %s\r\n\r\n",
	    r->flags & F_CONTINUE ? "HTTP/1.1 100 Continue\r\n\r\n" : "",
	    r->flags & F_HTTP10 ? '0' : '1', r->status, reason(r->status), date,
	    type, length, r->flags & F_GZIP ? "Content-Encoding: gzip\r\n" : "",
	    r->status == 405
		? (is_get(r) ? "Allow: POST\r\n" : "Allow: GET\r\n")
		: "",
	    r->location[0] != '\0' ? "Location: " : "", r->location,
	    r->location[0] != '\0' ? "\r\n" : "", r->extra,
	    r->flags & F_CLOSE ? "close" : "keep-alive");
}

static int
send_endless_headers(struct conn *c, struct reply *r)
{
	char filler[1024];

	(void)r;
	if (conn_write(c, "HTTP/1.1 200 OK\r\n", 17) == -1)
		return -1;
	memset(filler, 'a', sizeof(filler));
	memcpy(filler, "X-Filler: ", 10);
	memcpy(filler + sizeof(filler) - 2, "\r\n", 2);
	while (conn_write(c, filler, sizeof(filler)) == 0)
		continue;
	return -1;
}

/* All of them, and the last one until the client goes. */
static int
send_lines(struct conn *c, struct reply *r)
{
	const char *const *l = r->lines;

	while (conn_write(c, *l, strlen(*l)) == 0)
		if (l[1] != NULL)
			l++;
	return -1;
}

static int
send_endless_body(struct conn *c, struct reply *r)
{
	static const char zeros[16384];
	size_t sent = 0, want = r->len;
	char head[4096];

	if (want == 0)
		r->flags |= F_NO_LENGTH | F_CLOSE;
	if (conn_write(c, head, make_head(r, head, sizeof(head))) == -1)
		return -1;
	for (; want == 0 || sent < want; sent += sizeof(zeros))
		if (conn_write(c, zeros, sizeof(zeros)) == -1)
			return -1;
	return 0;
}

/* What nobody asked for, after the answer. */
static int
send_more(struct conn *c, const struct reply *r, const char *all, size_t n)
{
	static const char idle[] = "HTTP/1.1 408 Request Time-out\r\n"
				   "Content-Length: 0\r\n"
				   "Connection: close\r\n\r\n";

	if (r->flags & (F_TWICE_LATE | F_CRLF_LATE | F_408_LATE) &&
	    nap(c, 10) == -1)
		return -1;
	if (r->flags & (F_TWICE | F_TWICE_LATE))
		return conn_write(c, all, n);
	if (r->flags & F_CRLF_LATE)
		return conn_write(c, "\r\n", 2);
	if (r->flags & F_408_LATE) {
		(void)conn_write(c, idle, sizeof(idle) - 1);
		return -1;
	}
	return 0;
}

/* Sends the answer before this one, if there was one; not 0: it failed. */
static int
send_behind(struct conn *c, const char *all, size_t n)
{
	unsigned char *old = c->last;
	size_t old_len = c->last_len;
	int bad;

	c->last = need(malloc(n));
	memcpy(c->last, all, n);
	c->last_len = n;
	bad = old != NULL ? conn_write(c, old, old_len) : conn_write(c, all, n);
	free(old);
	return bad;
}

static int
send_plain(struct conn *c, struct reply *r)
{
	char *all;
	size_t n = 0, len = r->len;
	int bad;

	if (r->flags & (F_HALF | F_RESET_MIDDLE))
		len /= 2;
	all = need(malloc(4096 + len));
	if (r->flags & F_CRLF_EARLY && c->used_before)
		n = (size_t)snprintf(all, 4096, "\r\n");
	if (!(r->flags & F_HTTP09))
		n += make_head(r, all + n, 4096 - n);
	if (r->pace > 0 && !r->pace_head) {
		bad = conn_write(c, all, n) == -1 ||
		    write_paced(c, r, r->body, len) == -1;
	} else {
		/* in one piece, as a good server does */
		if (len > 0)
			memcpy(all + n, r->body, len);
		bad = r->flags & F_BEHIND
		    ? send_behind(c, all, n + len)
		    : write_paced(c, r, all, n + len) == -1 ||
			send_more(c, r, all, n + len) == -1;
	}
	free(all);
	if (!bad && (r->flags & F_RESET_MIDDLE)) {
		/* what is still on its way would be lost with the RST */
		nap(c, 100);
		arm_reset(c);
	}
	return bad ? -1 : 0;
}

/* Carry out what the behaviours decided.  -1: close the connection. */
static int
send_reply(struct conn *c, struct reply *r)
{
	int ret;

	if (r->latency > 0 && nap(c, r->latency) == -1)
		return -1;
	if (r->flags & (F_HANG | F_HANG_ACCEPT)) {
		nap(c, -1);
		return -1;
	}
	if (r->flags & F_RESET) {
		arm_reset(c);
		return -1;
	}
	if (r->flags & (F_GZIP | F_GZIP_BODY))
		gzip_body(r);
	if (r->flags & (F_CHUNKED | F_CHUNKED_BODY))
		chunk_body(r);
	ret = (r->send != NULL ? r->send : send_plain)(c, r);
	c->used_before = 1;
	return r->flags & F_CLOSE ? -1 : ret;
}

static void
outcome_of(const struct reply *r, char *buf, size_t max)
{
	if (r->flags & F_HANG)
		snprintf(buf, max, "hang");
	else if (r->flags & F_RESET)
		snprintf(buf, max, "reset");
	else if (r->unknown[0] != '\0')
		snprintf(buf, max, "no-such-behaviour");
	else
		snprintf(buf, max, "%d-%s", r->status,
		    r->flags & F_HTML && !(r->flags & F_OCSP) ? "html"
			: r->flags & F_EMPTY                  ? "empty"
					     : r->recipe->name);
}

/* Answer one request.  -1: no other one can follow. */
static int
serve_one(struct conn *c)
{
	struct request q;
	struct reply r;
	const char *connection;
	char *head = NULL, outcome[64];
	int got, ret = -1;

	got = read_request(c, &q, &head);
	memset(&r, 0, sizeof(r));
	r.req = &q;
	r.status = 200;
	r.type = "application/ocsp-response";
	r.extra = "";
	r.recipe = forge_find("good");
	if (got == 1 && strcmp(q.method, "GET") != 0 &&
	    strcmp(q.method, "POST") != 0)
		got = 405;
	if (got > 1) {
		r.flags |= F_CLOSE;
		set_status(&r, got);
		if (q.method == NULL || q.version == NULL)
			q.method = q.target = q.version = NULL;
	} else if (got == 1)
		apply_all(&r);
	if (got > 0) {
		if (r.unknown[0] != '\0')
			set_status(&r, 404);
		connection = header(&q, "Connection");
		if ((connection != NULL &&
			strcasecmp(connection, "close") == 0) ||
		    q.version == NULL || strcmp(q.version, "HTTP/1.1") != 0)
			r.flags |= F_CLOSE;
		make_body(&r);
		/* before the answer: who has it may look into the log */
		outcome_of(&r, outcome, sizeof(outcome));
		log_request(c, &q, outcome);
		ret = send_reply(c, &r);
	}
	free(r.body);
	free(q.body);
	free(q.der);
	free(head);
	return ret;
}

/*
 * Connections
 */

/*
 * hang-accept must not read, and yet has to know that it is meant: look at
 * the request line without taking it.
 */
static int
must_not_read(const struct conn *c)
{
	char line[512];
	ssize_t n = recv(c->fd, line, sizeof(line) - 1, MSG_PEEK);

	if (n <= 0)
		return 0;
	line[n] = '\0';
	line[strcspn(line, "\r")] = '\0';
	return strstr(line, "hang-accept") != NULL;
}

static int
shake_hands(struct conn *c)
{
	if (tls == NULL)
		return 0;
	c->ssl = SSL_new(tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_accept(c->ssl) != 1) {
		ERR_clear_error();
		return -1;
	}
	return 0;
}

static void
forget(struct conn *c)
{
	struct conn **at;

	pthread_mutex_lock(&state_lock);
	for (at = &conns; *at != c; at = &(*at)->next)
		continue;
	*at = c->next;
	/* under the lock: nobody may shut down a number that was reused */
	close(c->fd);
	pthread_mutex_unlock(&state_lock);
}

static void *
serve(void *arg)
{
	struct conn *c = arg;
	struct line l = {NULL, 0};

	if (tls == NULL && must_not_read(c)) {
		say(&l, "- /hang-accept hang-accept");
		finish_line(&l);
		nap(c, -1);
	} else if (shake_hands(c) == 0)
		while (!stopping && serve_one(c) == 0)
			continue;
	if (c->ssl != NULL) {
		if (!c->rude)
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		ERR_clear_error();
	}
	free(c->in);
	free(c->last);
	c->in = NULL;
	c->last = NULL;
	forget(c);
	free(c);
	return NULL;
}

static void
start(int fd, const struct sockaddr *sa, socklen_t len)
{
	static unsigned long ids;
	struct conn *c = need(calloc(1, sizeof(*c)));
	pthread_attr_t attr;
	pthread_t t;
	int one = 1;

	c->fd = fd;
	c->in = need(calloc(1, MAX_HEAD + 1));
	c->id = ++ids;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	log_connect(c, sa, len);
	pthread_mutex_lock(&state_lock);
	c->next = conns;
	conns = c;
	pthread_mutex_unlock(&state_lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	if (pthread_create(&t, &attr, serve, c) != 0) {
		forget(c);
		free(c->in);
		free(c);
	}
	pthread_attr_destroy(&attr);
}

/* Without a backlog it only has the port, so that nobody else gets it. */
static int
listen_on(const char *addr, const char *service, int backlog)
{
	struct addrinfo hints, *ai;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char serv[32];
	int fd, one = 1;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(addr, service, &hints, &ai) != 0)
		die("%s port %s: not an address", addr, service);
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd == -1)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
#ifdef SO_REUSEPORT
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
#endif
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* a client may be gone between poll(2) and accept(2) */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    (backlog > 0 && listen(fd, backlog) == -1))
		die("%s port %s: %s", addr, service, strerror(errno));
	freeaddrinfo(ai);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, NULL, 0, serv,
		sizeof(serv), NI_NUMERICSERV) != 0)
		die("getsockname failed");
	port = atoi(serv);
	return fd;
}

/*
 * The same port on another address, where nobody ever accepts: what would be
 * accepted is already there, so that a SYN gets no answer, as in a network
 * that loses it.  The descriptors stay open until the end.
 */
static void
blackhole_on(const char *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char service[16];
	int fd, i, filler;

	memset(&ss, 0, sizeof(ss));
	snprintf(service, sizeof(service), "%d", port);
	fd = listen_on(addr, service, 1024);
	if (listen(fd, 0) == -1 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		die("%s port %d: %s", addr, port, strerror(errno));
	for (i = 0; i < 16; i++) {
		filler = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (filler == -1)
			die("socket: %s", strerror(errno));
		fcntl(filler, F_SETFL, O_NONBLOCK);
		(void)connect(filler, (struct sockaddr *)&ss, len);
	}
}

/* After go_away(). */
static void
come_back(void)
{
	char service[16];

	usleep((useconds_t)away_ms * 1000);
	snprintf(service, sizeof(service), "%d", port);
	pthread_mutex_lock(&state_lock);
	close(listener);
	listener = listen_on(listen_addr, service, 1024);
	away_ms = 0;
	pthread_mutex_unlock(&state_lock);
}

/* The thread that accepts: polls, so that it also sees that it must stop. */
static void *
run(void *unused)
{
	struct pollfd p = {-1, POLLIN, 0};
	struct sockaddr_storage ss;
	socklen_t len;
	int c;

	(void)unused;
	while (!stopping) {
		p.fd = listener;
		if (poll(&p, 1, 1000) <= 0)
			continue;
		if (away_ms > 0) {
			come_back();
			continue;
		}
		len = sizeof(ss);
		c = accept(p.fd, (struct sockaddr *)&ss, &len);
		if (c != -1)
			start(c, (struct sockaddr *)&ss, len);
		else if (!stopping)
			usleep(10000); /* out of descriptors, perhaps */
	}
	return NULL;
}

/* Every thread sees its connection end, and is given two seconds for it. */
static int
stop(void)
{
	struct conn *c;
	int i, busy = 1;

	for (i = 0; i < 200 && busy; i++) {
		pthread_mutex_lock(&state_lock);
		for (c = conns; c != NULL; c = c->next)
			shutdown(c->fd, SHUT_RDWR);
		busy = conns != NULL;
		pthread_mutex_unlock(&state_lock);
		if (busy)
			usleep(10000);
	}
	return busy;
}

static void
use_tls(const char *cert, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("%s, %s: not a certificate and its key", cert, key);
}

static void usage(void) __attribute__((noreturn));

static void
usage(void)
{
	fputs("usage: responder -d PKIDIR [-a ADDR] [-p PORT] [-l LOGFILE]\n"
	      "                 [-b BLACKHOLE] [--tls CERT KEY]\n"
	      "       responder --list\n",
	    stderr);
	exit(2);
}

static void
list(void)
{
	const struct forge_recipe *r;
	size_t i;

	for (i = 0; i < COUNT(behaviours); i++)
		printf("%-32s %s\n", behaviours[i].name, behaviours[i].text);
	printf("%-32s %s\n", "latency-N", "answer after N milliseconds");
	printf("%-32s %s\n", "away-MS[-N]",
	    "after N requests nobody listens for MS milliseconds");
	printf("%-32s %s\n", "limit-N[-RETRY]",
	    "N a second, else 429 (with Retry-After: RETRY, or a date)");
	printf("%-32s %s\n", "limit503-N[-RETRY]", "the same with 503");
	printf("%-32s %s\n", "get-NAME, post-NAME", "NAME for this method");
	for (r = forge_recipes; r->name != NULL; r++)
		printf("%-32s %s\n", r->name, r->text);
	exit(fflush(stdout) != 0);
}

/* Serve until SIGTERM or SIGINT, which nobody but this thread gets. */
static void
serve_until_told(void)
{
	struct sigaction sa;
	sigset_t set;
	pthread_t acceptor;
	int sig, bad;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if ((bad = pthread_create(&acceptor, NULL, run, NULL)) != 0)
		die("pthread_create: %s", strerror(bad));
	printf("port %d\n", port);
	fflush(stdout);
	sigwait(&set, &sig);
	stopping = 1;
	shutdown(listener, SHUT_RDWR);
	pthread_join(acceptor, NULL);
	close(listener);
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
	    {"tls", 1, NULL, 'T'}, {"list", 0, NULL, 'L'}, {NULL, 0, NULL, 0}};
	const char *dir = NULL, *addr = "127.0.0.1", *service = "0";
	const char *hole = NULL;
	char taken[16];
	int c;

	while ((c = getopt_long(argc, argv, "a:b:d:l:p:", opts, NULL)) != -1)
		switch (c) {
		case 'a':
			addr = optarg;
			break;
		case 'b':
			hole = optarg;
			break;
		case 'd':
			dir = optarg;
			break;
		case 'p':
			service = optarg;
			break;
		case 'l':
			log_fd = open(optarg,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
			if (log_fd == -1)
				die("%s: %s", optarg, strerror(errno));
			break;
		case 'T':
			if (optind >= argc)
				usage();
			use_tls(optarg, argv[optind++]);
			break;
		case 'L':
			list();
			break;
		default:
			usage();
		}
	if (dir == NULL || optind != argc)
		usage();
	pki = forge_open(dir);
	if ((pki_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		die("%s: %s", dir, strerror(errno));
	listen_addr = addr;
	listener = listen_on(addr, service, 1024);
	snprintf(taken, sizeof(taken), "%d", port);
	(void)listen_on(addr, taken, 0);
	if (hole != NULL)
		blackhole_on(hole);
	serve_until_told();
	if (stop() != 0)
		_exit(0); /* a thread still uses what would be freed */
	forge_close(pki);
	SSL_CTX_free(tls);
	return 0;
}
