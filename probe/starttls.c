/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "probe/internal.h"
#include "util/words.h"

/* At most so many lines come before STARTTLS. */
#define MAX_LINES 128

/* The answer to LDAP's extended request: a code and perhaps a word. */
#define MAX_LDAP (MAX_LINE - 8)

/* ---- lines ---- */

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

/* ---- SMTP and FTP ---- */

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

/* ---- IMAP and POP3 ---- */

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

/* ---- LDAP ---- */

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

enum served_result
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
