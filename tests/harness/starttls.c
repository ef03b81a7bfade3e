/* SPDX-License-Identifier: ISC */
/*
 * starttls: a server that says what a protocol says before TLS, and then
 * staples.  For the tests of --served; one connection at a time.
 *
 *	starttls [-6] PROTOCOL CERT KEY [STAPLE]
 *
 * With "breaks" it breaks TLS 1.2 off when the client has said its part.
 * CERT is a chain in PEM.  Prints "port N" when it listens.  What a client
 * says is compared with the protocol; the first that is wrong ends the
 * conversation, and is shown on standard error.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

/* What the server says first, then by turns what it wants and what it says. */
struct protocol {
	const char *name;
	const char *greeting;
	struct {
		const char *want; /* how it begins */
		const char *answer;
	} turns[3];
};

#define LDAP_ASK "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
#define LDAP_YES "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01"

static const struct protocol protocols[] = {
    {"none", "", {{NULL, NULL}}},
    {"breaks", "", {{NULL, NULL}}},
    {"smtp", "220-mx.example.com\r\n220 ESMTP ready\r\n",
	{{"EHLO [",
	     "250-mx.example.com\r\n250-SIZE 1000\r\n250-starttls\r\n"
	     "250 HELP\r\n"},
	    {"STARTTLS\r\n", "220 go ahead\r\n"}}},
    {"imap", "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n",
	{{"a STARTTLS\r\n", "* 23 EXISTS\r\na OK begin\r\n"}}},
    {"pop3", "+OK ready\r\n", {{"STLS\r\n", "+OK begin\r\n"}}},
    {"ftp", "220-Welcome\r\nto all of you\r\n 220 not yet\r\n220 ready\r\n",
	{{"AUTH TLS\r\n", "234 begin\r\n"}}},
    /* zero bytes are in it: see say() */
    {"ldap", "", {{LDAP_ASK "1.3.6.1.4.1.1466.20037", LDAP_YES}}},
};

static void
die(const char *what)
{
	perror(what);
	exit(99);
}

static int
say(int fd, const char *text)
{
	char ldap[14] = LDAP_YES;
	size_t n = strlen(text);

	if (strcmp(text, LDAP_YES) == 0) {
		/* success, and two empty strings */
		ldap[10] = ldap[12] = 0x04; /* the rest is zero */
		text = ldap;
		n = sizeof(ldap);
	}
	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

/* A line, or what LDAP asks, which has no zero byte and no end of line. */
static int
hear(int fd, const char *want)
{
	char got[256];
	size_t n = 0, len = strlen(want);
	int lines = want[len - 1] == '\n' || want[0] == 'E';

	while (n < sizeof(got) - 1) {
		if (recv(fd, got + n, 1, 0) != 1)
			break;
		n++;
		if (lines ? got[n - 1] == '\n' : n == len)
			break;
	}
	got[n] = '\0';
	if (strncmp(got, want, len) == 0)
		return 0;
	fprintf(stderr, "starttls: wanted \"%s\", heard \"%s\"\n", want, got);
	return -1;
}

static int
converse(int fd, const struct protocol *p)
{
	size_t i;

	if (say(fd, p->greeting) == -1)
		return -1;
	for (i = 0; i < 3 && p->turns[i].want != NULL; i++)
		if (hear(fd, p->turns[i].want) == -1 ||
		    say(fd, p->turns[i].answer) == -1)
			return -1;
	return 0;
}

static int
on_status(SSL *ssl, void *ctx)
{
	const char *path = ctx;
	unsigned char *der;
	size_t n;
	FILE *f;

	if (path == NULL || (f = fopen(path, "r")) == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if ((der = OPENSSL_malloc(65536)) == NULL)
		die("memory");
	n = fread(der, 1, 65536, f);
	fclose(f);
	SSL_set_tlsext_status_ocsp_resp(ssl, der, (long)n);
	return SSL_TLSEXT_ERR_OK;
}

static void
break_off(int sent, int version, int type, const void *p, size_t len, SSL *ssl,
    void *ctx)
{
	(void)version;
	(void)ctx;
	if (!sent && type == SSL3_RT_HANDSHAKE && len > 0 &&
	    *(const unsigned char *)p == SSL3_MT_CLIENT_KEY_EXCHANGE)
		(void)shutdown(SSL_get_fd(ssl), SHUT_RDWR);
}

static int
listen_on(int family, unsigned int *port)
{
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr *sa = (struct sockaddr *)&in4;
	socklen_t len = sizeof(in4);
	int fd = socket(family, SOCK_STREAM, 0);

	in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (family == AF_INET6) {
		sa = (struct sockaddr *)&in6;
		len = sizeof(in6);
	}
	if (fd == -1 || bind(fd, sa, len) == -1 || listen(fd, 16) == -1 ||
	    getsockname(fd, sa, &len) == -1)
		die("listen");
	*port = ntohs(family == AF_INET6 ? in6.sin6_port : in4.sin_port);
	return fd;
}

static void
serve(int fd, SSL_CTX *ctx, const struct protocol *p)
{
	struct timeval patience = {.tv_sec = 5};
	SSL *ssl;
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (converse(fd, p) == -1)
		return;
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1)
		die("SSL_new");
	if (SSL_accept(ssl) == 1)
		(void)SSL_read(ssl, &c, 1);
	SSL_free(ssl);
}

static const struct protocol *
find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	fprintf(stderr, "starttls: no protocol %s\n", name);
	exit(2);
}

int
main(int argc, char **argv)
{
	const struct protocol *p;
	int family = AF_INET, fd, client;
	unsigned int port;
	SSL_CTX *ctx;

	if (argc > 1 && strcmp(argv[1], "-6") == 0) {
		family = AF_INET6;
		argc--;
		argv++;
	}
	if (argc != 4 && argc != 5) {
		fputs("usage: starttls [-6] PROTOCOL CERT KEY [STAPLE]\n",
		    stderr);
		return 2;
	}
	p = find(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1)
		die("certificate");
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(ctx, argv[4]);
	if (strcmp(p->name, "breaks") == 0) {
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
		SSL_CTX_set_msg_callback(ctx, break_off);
	}
	fd = listen_on(family, &port);
	printf("port %u\n", port);
	fflush(stdout);
	for (;;) {
		if ((client = accept(fd, NULL, NULL)) == -1)
			continue;
		serve(client, ctx, p);
		close(client);
	}
}
