/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/types.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "probe/internal.h"
#include "probe/served.h"

#define MAX_LINES 128

/* The answer to LDAP's extended request: a code and perhaps a word. */
#define MAX_LDAP (MAX_LINE - 8)

/* All certificates and, with TLS 1.3, the staple among them. */
#define MAX_CERTIFICATES (2 * 65536L + 102400)

/* All of the server's part in a handshake. */
#define MAX_HANDSHAKE ((size_t)1 << 20)

static long long
left(const struct talk *t)
{
	return t->end - t->q->clock_ms();
}

/* ---- words before the handshake ---- */

__attribute__((format(printf, 2, 3))) static enum served_result
no_starttls(struct talk *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, WHY_MAX, fmt, ap);
	va_end(ap);
	return SERVED_ESTARTTLS;
}

static enum served_result
send_all(struct talk *t, const char *p, size_t n)
{
	ssize_t w;

	while (n > 0) {
		if (!talk_wait(t, POLLOUT, t->end))
			return talk_late(t, "it does not read");
		w = send(t->fd, p, n, MSG_NOSIGNAL);
		if (w == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (w == -1)
			return no_starttls(
			    t, "cannot write to it: %s", strerror(errno));
		p += w;
		n -= (size_t)w;
	}
	return SERVED_OK;
}

static enum served_result
say(struct talk *t, const char *text)
{
	return send_all(t, text, strlen(text));
}

/* Whatever is there, as far as there is room. */
static enum served_result
receive(struct talk *t)
{
	ssize_t r;

	for (;;) {
		if (!talk_wait(t, POLLIN, t->end))
			return talk_late(t, "before the handshake");
		r = recv(t->fd, t->in + t->nin, sizeof(t->in) - t->nin, 0);
		if (r > 0)
			break;
		if (r == 0)
			return no_starttls(
			    t, "it closed the connection before STARTTLS");
		if (errno != EAGAIN && errno != EINTR)
			return no_starttls(
			    t, "before STARTTLS: %s", strerror(errno));
	}
	t->nin += (size_t)r;
	return SERVED_OK;
}

static void
use_up(struct talk *t, size_t n)
{
	t->nin -= n;
	memmove(t->in, t->in + n, t->nin);
}

/* The next line into t->line, without its end. */
static enum served_result
read_line(struct talk *t)
{
	enum served_result res;
	const char *nl;
	size_t n, i;

	if (++t->nlines > MAX_LINES)
		return no_starttls(t,
		    "it said more than %d lines without coming to STARTTLS",
		    MAX_LINES);
	while ((nl = memchr(t->in, '\n', t->nin)) == NULL) {
		if (t->nin == sizeof(t->in))
			return no_starttls(t,
			    "it sent a line of more than %d bytes", MAX_LINE);
		if ((res = receive(t)) != SERVED_OK)
			return res;
	}
	n = (size_t)(nl - t->in);
	memcpy(t->line, t->in, n);
	use_up(t, n + 1);
	if (n > 0 && t->line[n - 1] == '\r')
		n--;
	t->line[n] = '\0';
	for (i = 0; i < n; i++)
		if (t->line[i] == '\0')
			t->line[i] = '?';
	return SERVED_OK;
}

/*
 * A reply of SMTP or FTP with this code.  Lines before the last have "-"
 * after the code; in FTP those between may be anything.  `*has` tells
 * whether one of them is the extension `want`.
 */
static enum served_result
read_reply(struct talk *t, const char *code, const char *want, int *has)
{
	char shown[SHOWN_MAX];
	enum served_result res;

	for (;;) {
		if ((res = read_line(t)) != SERVED_OK)
			return res;
		if (strncmp(t->line, code, 3) == 0) {
			if (want != NULL && t->line[3] != '\0' &&
			    strcasecmp(t->line + 4, want) == 0)
				*has = 1;
			if (t->line[3] == ' ' || t->line[3] == '\0')
				return SERVED_OK;
			if (t->line[3] == '-')
				continue;
		} else if (t->q->starttls == STARTTLS_FTP && t->nlines > 1 &&
		    strspn(t->line, "12345") != 3)
			continue;
		return no_starttls(t, "it should have said %s, but said \"%s\"",
		    code, words_cut(shown, sizeof(shown), t->line));
	}
}

/* Who we are: RFC 5321 section 4.1.3 where there is no name to give. */
static enum served_result
say_ehlo(struct talk *t)
{
	char host[INET6_ADDRSTRLEN + 16] = "127.0.0.1", text[128];
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);

	if (getsockname(t->fd, (struct sockaddr *)&ss, &len) == 0)
		(void)getnameinfo((struct sockaddr *)&ss, len, host,
		    sizeof(host), NULL, 0, NI_NUMERICHOST);
	host[strcspn(host, "%")] = '\0';
	snprintf(text, sizeof(text), "EHLO [%s%s]\r\n",
	    ss.ss_family == AF_INET6 ? "IPv6:" : "", host);
	return say(t, text);
}

static enum served_result
start_smtp(struct talk *t)
{
	enum served_result res;
	int has = 0;

	if ((res = read_reply(t, "220", NULL, NULL)) != SERVED_OK ||
	    (res = say_ehlo(t)) != SERVED_OK ||
	    (res = read_reply(t, "250", "STARTTLS", &has)) != SERVED_OK)
		return res;
	if (!has)
		return no_starttls(t, "it does not offer STARTTLS");
	if ((res = say(t, "STARTTLS\r\n")) != SERVED_OK)
		return res;
	return read_reply(t, "220", NULL, NULL);
}

static enum served_result
start_ftp(struct talk *t)
{
	enum served_result res;

	if ((res = read_reply(t, "220", NULL, NULL)) != SERVED_OK ||
	    (res = say(t, "AUTH TLS\r\n")) != SERVED_OK)
		return res;
	t->nlines = 0;
	return read_reply(t, "234", NULL, NULL);
}

static enum served_result
expect(struct talk *t, const char *start)
{
	char shown[SHOWN_MAX];
	enum served_result res;

	if ((res = read_line(t)) != SERVED_OK)
		return res;
	if (strncasecmp(t->line, start, strlen(start)) == 0)
		return SERVED_OK;
	return no_starttls(t, "it should have said \"%s\", but said \"%s\"",
	    start, words_cut(shown, sizeof(shown), t->line));
}

static enum served_result
start_imap(struct talk *t)
{
	char shown[SHOWN_MAX];
	enum served_result res;

	if ((res = expect(t, "* OK")) != SERVED_OK ||
	    (res = say(t, "a STARTTLS\r\n")) != SERVED_OK)
		return res;
	/* what has no tag of ours may stand before the answer */
	do {
		if ((res = read_line(t)) != SERVED_OK)
			return res;
	} while (strncmp(t->line, "* ", 2) == 0 &&
	    strncasecmp(t->line, "* BYE", 5) != 0);
	if (strncasecmp(t->line, "a OK", 4) == 0)
		return SERVED_OK;
	return no_starttls(t, "to STARTTLS it said \"%s\"",
	    words_cut(shown, sizeof(shown), t->line));
}

static enum served_result
start_pop3(struct talk *t)
{
	enum served_result res;

	if ((res = expect(t, "+OK")) != SERVED_OK ||
	    (res = say(t, "STLS\r\n")) != SERVED_OK)
		return res;
	return expect(t, "+OK");
}

/*
 * One BER element with this tag, from `*p`, whose contents are `*p` and `*n`
 * then.  0; 1: it is not all there; -1: it is none.
 */
static int
ber_open(const unsigned char **p, size_t *n, unsigned int tag)
{
	size_t len, more, i, head = 2;

	if (*n < 2)
		return *n == 1 && (*p)[0] != tag ? -1 : 1;
	if ((*p)[0] != tag)
		return -1;
	if ((len = (*p)[1]) > 0x80) {
		more = len - 0x80;
		if (more > 4)
			return -1;
		if (*n < 2 + more)
			return 1;
		for (len = 0, i = 0; i < more; i++)
			len = len << 8 | (*p)[2 + i];
		head += more;
	} else if (len == 0x80)
		return -1;
	if (len > MAX_LDAP)
		return -1;
	if (*n - head < len)
		return 1;
	*p += head;
	*n = len;
	return 0;
}

/* Is it the answer, and if so with which code?  -1: no, -2: not yet. */
static int
ldap_code(const unsigned char *p, size_t n, size_t *used)
{
	const unsigned char *q = p, *id;
	size_t idlen;

	switch (ber_open(&q, &n, 0x30)) {
	case 1:
		return -2;
	case -1:
		return -1;
	}
	*used = (size_t)(q - p) + n;
	/* messageID 1, then [APPLICATION 24] with an ENUMERATED first */
	id = q;
	idlen = n;
	if (ber_open(&id, &idlen, 0x02) != 0 || idlen != 1 || id[0] != 1)
		return -1;
	n -= (size_t)(id + idlen - q);
	q = id + idlen;
	if (ber_open(&q, &n, 0x78) != 0 || ber_open(&q, &n, 0x0a) != 0 ||
	    n != 1)
		return -1;
	return q[0];
}

static enum served_result
start_ldap(struct talk *t)
{
	static const char ask[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
				  "1.3.6.1.4.1.1466.20037";
	enum served_result res;
	size_t used = 0;
	int code;

	if ((res = send_all(t, ask, sizeof(ask) - 1)) != SERVED_OK)
		return res;
	while ((code = ldap_code(
		    (const unsigned char *)t->in, t->nin, &used)) == -2) {
		if (t->nin == sizeof(t->in))
			return no_starttls(
			    t, "its answer has more than %d bytes", MAX_LINE);
		if ((res = receive(t)) != SERVED_OK)
			return res;
	}
	if (code == -1)
		return no_starttls(t, "its answer to StartTLS is not LDAP");
	use_up(t, used);
	if (code != 0)
		return no_starttls(t,
		    "it refuses StartTLS with the LDAP result code %d", code);
	return SERVED_OK;
}

static enum served_result
talk_starttls(struct talk *t)
{
	static enum served_result (*const start[])(struct talk *) = {
	    [STARTTLS_SMTP] = start_smtp,
	    [STARTTLS_IMAP] = start_imap,
	    [STARTTLS_POP3] = start_pop3,
	    [STARTTLS_FTP] = start_ftp,
	    [STARTTLS_LDAP] = start_ldap,
	};
	enum served_result res;

	if (t->q->starttls == STARTTLS_NONE)
		return SERVED_OK;
	if ((res = start[t->q->starttls](t)) != SERVED_OK)
		return res;
	/* who stands between may have put it there: RFC 3207 section 6 */
	if (t->nin > 0)
		return no_starttls(t,
		    "it went on talking in the clear after STARTTLS (%zu "
		    "bytes), which only an attacker or a broken server does",
		    t->nin);
	return SERVED_OK;
}

/* ---- the handshake ---- */

/* All was verified that the server signs with its own key; see RFC 6066. */
static int
on_status(SSL *ssl, void *ctx)
{
	struct talk *t = ctx;

	(void)ssl;
	t->heard = 1;
	return 1;
}

/* Only who asks for it may break off for want of it. */
static int
on_request(SSL *ssl, void *ctx)
{
	struct talk *t = ctx;

	(void)ssl;
	t->wanted = 1;
	return 1;
}

/* Some messages may come as often as the server likes, and mean nothing. */
static long
count_read(BIO *bio, int oper, const char *p, size_t len, int i, long l, int rc,
    size_t *processed)
{
	struct talk *t = (void *)BIO_get_callback_arg(bio);

	(void)p;
	(void)len;
	(void)i;
	(void)l;
	if (oper == (BIO_CB_READ | BIO_CB_RETURN) && rc > 0)
		t->nread += *processed;
	if (oper != BIO_CB_READ || t->nread <= MAX_HANDSHAKE)
		return rc;
	BIO_clear_retry_flags(bio);
	return -1;
}

/* Of a pair of certificates, the one with this kind of key. */
static int
ask_for_key(SSL *ssl, enum cert_key key)
{
	static const struct {
		const char *sigalgs, *ciphers;
	} fitting[] = {
	    [CERT_KEY_OTHER] = {NULL, "ALL"},
	    [CERT_KEY_RSA] = {"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
			      "rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:"
			      "RSA+SHA512:RSA+SHA1",
		"aRSA"},
	    [CERT_KEY_RSA_PSS] = {"rsa_pss_pss_sha256:rsa_pss_pss_sha384:"
				  "rsa_pss_pss_sha512",
		"aRSA"},
	    [CERT_KEY_EC] = {"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:"
			     "ECDSA+SHA1",
		"aECDSA"},
	    [CERT_KEY_EDDSA] = {"ed25519:ed448", "aECDSA"},
	};
	char ciphers[64], sigalgs[160] = ""; /* its macro takes no const */

	snprintf(ciphers, sizeof(ciphers), "%s:!aNULL:!eNULL:!PSK:!SRP",
	    fitting[key].ciphers);
	if (fitting[key].sigalgs != NULL)
		snprintf(sigalgs, sizeof(sigalgs), "%s", fitting[key].sigalgs);
	return SSL_set_cipher_list(ssl, ciphers) == 1 &&
	    (sigalgs[0] == '\0' || SSL_set1_sigalgs_list(ssl, sigalgs) == 1);
}

static SSL *
make_ssl(struct talk *t, SSL_CTX *ctx)
{
	const struct served_question *q = t->q;
	SSL *ssl;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(ctx, t);
	SSL_CTX_set_cert_cb(ctx, on_request, t);
	SSL_CTX_set_max_cert_list(ctx, MAX_CERTIFICATES);
	/* whatever OpenSSL's configuration demands of those that are trusted */
	SSL_CTX_set_security_level(ctx, 0);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, 0) != 1 ||
	    (ssl = SSL_new(ctx)) == NULL)
		return NULL;
	if (SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) == 1 &&
	    ask_for_key(ssl, q->key) &&
	    (q->sni == NULL || SSL_set_tlsext_host_name(ssl, q->sni) == 1) &&
	    SSL_set_fd(ssl, t->fd) == 1) {
		BIO_set_callback_ex(SSL_get_rbio(ssl), count_read);
		BIO_set_callback_arg(SSL_get_rbio(ssl), (void *)t);
		return ssl;
	}
	SSL_free(ssl);
	return NULL;
}

/* What OpenSSL says of a handshake that failed, and what that may mean. */
static enum served_result
no_tls(struct talk *t, int error, int err)
{
	unsigned long e = ERR_peek_error();
	const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;
	const char *hint = "";

	if (ERR_GET_LIB(e) == ERR_LIB_SSL)
		switch (ERR_GET_REASON(e)) {
		case SSL_R_WRONG_VERSION_NUMBER:
		case SSL_R_HTTP_REQUEST:
		case SSL_R_PACKET_LENGTH_TOO_LONG:
			hint = "; is it a TLS server, and is no --starttls "
			       "needed?";
			break;
		case SSL_R_UNSUPPORTED_PROTOCOL:
		case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
			hint = "; it may know no TLS 1.2";
			break;
		case SSL_R_EXCESSIVE_MESSAGE_SIZE:
			hint = "; it sends more certificates, or a larger "
			       "response, than any client takes";
			break;
		}
	ERR_clear_error();
	if (t->nread > MAX_HANDSHAKE)
		reason = "it sends without end";
	if (reason == NULL && (error == SSL_ERROR_ZERO_RETURN || err == 0))
		reason = "it closed the connection";
	snprintf(t->why, WHY_MAX, "%s%s",
	    reason != NULL ? reason : strerror(err), hint);
	return SERVED_ETLS;
}

static enum served_result
shake_hands(struct talk *t, SSL *ssl)
{
	int rc, error, err;
	short events;

	for (;;) {
		/* OpenSSL reads on for as long as there is something */
		if (left(t) <= 0)
			return talk_late(t, "in the handshake");
		ERR_clear_error();
		errno = 0;
		if ((rc = SSL_connect(ssl)) == 1)
			return SERVED_OK;
		err = errno;
		error = SSL_get_error(ssl, rc);
		if (error == SSL_ERROR_WANT_READ)
			events = POLLIN;
		else if (error == SSL_ERROR_WANT_WRITE)
			events = POLLOUT;
		else if (t->heard && t->wanted)
			break;
		else
			return no_tls(t, error, err);
		if (!talk_wait(t, events, t->end))
			return talk_late(t, "in the handshake");
	}
	/* it wants a certificate of ours: all else it has shown before that */
	ERR_clear_error();
	return SERVED_OK;
}

static int
copy(unsigned char **to, const unsigned char *from, size_t n)
{
	if ((*to = malloc(n)) == NULL)
		return -1;
	memcpy(*to, from, n);
	return 0;
}

static int
take_chain(struct served_answer *a, SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	struct cert_der *d;
	unsigned char *der;
	int i, n;

	for (i = 0; i < sk_X509_num(chain) && a->nchain < SERVED_MAX_CHAIN;
	     i++) {
		der = NULL;
		if ((n = i2d_X509(sk_X509_value(chain, i), &der)) <= 0)
			return -1;
		d = &a->chain[a->nchain];
		d->len = (size_t)n;
		n = copy(&d->p, der, d->len);
		OPENSSL_free(der);
		if (n == -1)
			return -1;
		a->nchain++;
	}
	return 0;
}

static enum served_result
take_all(struct talk *t, SSL *ssl)
{
	struct served_answer *a = t->a;
	const unsigned char *p;
	long n;

	snprintf(a->version, sizeof(a->version), "%s", SSL_get_version(ssl));
	n = SSL_get_tlsext_status_ocsp_resp(ssl, &p);
	if (take_chain(a, ssl) == -1 ||
	    (p != NULL && n > 0 && copy(&a->staple, p, (size_t)n) == -1)) {
		snprintf(t->why, WHY_MAX, "out of memory");
		return SERVED_ENOMEM;
	}
	if (a->staple != NULL)
		a->staple_len = (size_t)n;
	if (a->nchain > 0)
		return SERVED_OK;
	snprintf(t->why, WHY_MAX, "it presents no certificate");
	return SERVED_ETLS;
}

static enum served_result
talk_handshake(struct talk *t)
{
	enum served_result res;
	SSL *ssl = NULL;
	SSL_CTX *ctx;

	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || (ssl = make_ssl(t, ctx)) == NULL) {
		ERR_clear_error();
		snprintf(t->why, WHY_MAX, "OpenSSL cannot begin a handshake");
		res = SERVED_ENOMEM;
	} else if ((res = shake_hands(t, ssl)) == SERVED_OK) {
		res = take_all(t, ssl);
		/* a word of farewell, for the server's log */
		(void)SSL_shutdown(ssl);
		ERR_clear_error();
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return res;
}

enum served_result
served_ask(const struct served_question *q, struct served_answer *a, char *why)
{
	struct talk t = {.q = q, .a = a, .why = why, .fd = -1};
	long long begin = q->clock_ms();
	enum served_result res;

	memset(a, 0, sizeof(*a));
	why[0] = '\0';
	t.end = begin + q->timeout_ms;
	if ((res = talk_connect(&t)) == SERVED_OK &&
	    (res = talk_starttls(&t)) == SERVED_OK)
		res = talk_handshake(&t);
	if (t.fd != -1)
		close(t.fd);
	a->ms = q->clock_ms() - begin;
	return res;
}

void
served_free(struct served_answer *a)
{
	size_t i;

	for (i = 0; i < a->nchain; i++)
		free(a->chain[i].p);
	free(a->staple);
	memset(a, 0, sizeof(*a));
}
