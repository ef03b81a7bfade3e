/* SPDX-License-Identifier: ISC */
/*
 * staple-client: what a TLS server staples, byte for byte.
 *
 *	staple-client [-2] PORT [NAME] > stapled.der
 *	staple-client port
 *
 * Shakes hands with 127.0.0.1:PORT, asking for NAME and for a response; with
 * -2 by TLS 1.2.  Exit status: 0 a response came, 1 none came, 2 no handshake.
 * "port" prints a port that is free now.  Nothing is verified.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Below those that the system gives to whoever connects. */
#define PORT_FIRST 10000
#define PORT_COUNT 22000

static struct sockaddr_in
loopback(long port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((unsigned short)port);
	return in;
}

/* Several tests look for one at the same moment: not the first that is free. */
static int
print_free_port(void)
{
	unsigned long seed;
	struct timespec now;
	struct sockaddr_in in;
	long port;
	int i, fd, bad;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = (unsigned long)now.tv_nsec ^ ((unsigned long)getpid() << 10);
	for (i = 0; i < 1000; i++) {
		seed = (seed * 1103515245 + 12345) & 0x7fffffff;
		port = PORT_FIRST + (long)((seed >> 8) % PORT_COUNT);
		in = loopback(port);
		if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
			break;
		bad = bind(fd, (struct sockaddr *)&in, sizeof(in));
		close(fd);
		if (bad == 0)
			return printf("%ld\n", port) < 0;
	}
	fputs("staple-client: no free port\n", stderr);
	return 2;
}

static int
dial(long port)
{
	const struct timeval patience = {.tv_sec = 20};
	struct sockaddr_in in = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience)) == -1 ||
	    connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1) {
		perror("staple-client: connect");
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

static int
shake_hands(SSL *ssl, int fd, char *name)
{
	if (SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) != 1 ||
	    (name != NULL && SSL_set_tlsext_host_name(ssl, name) != 1) ||
	    SSL_connect(ssl) != 1) {
		ERR_print_errors_fp(stderr);
		return -1;
	}
	return 0;
}

static int
print_staple(SSL *ssl)
{
	unsigned char *der;
	long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);

	if (n <= 0)
		return 1;
	if (fwrite(der, 1, (size_t)n, stdout) != (size_t)n ||
	    fflush(stdout) != 0) {
		perror("staple-client: stdout");
		return 2;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int tls12 = argc > 1 && strcmp(argv[1], "-2") == 0;
	SSL_CTX *ctx;
	SSL *ssl;
	int fd, status = 2;

	signal(SIGPIPE, SIG_IGN);
	argc -= tls12;
	argv += tls12;
	if (argc < 2 || argc > 3) {
		fputs("usage: staple-client [-2] PORT [NAME]\n"
		      "       staple-client port\n",
		    stderr);
		return 2;
	}
	if (strcmp(argv[1], "port") == 0)
		return print_free_port();
	if ((fd = dial(strtol(argv[1], NULL, 10))) == -1)
		return 2;
	ctx = SSL_CTX_new(TLS_client_method());
	ssl = ctx == NULL ? NULL : SSL_new(ctx);
	if (ssl != NULL && tls12)
		SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	if (ssl != NULL && shake_hands(ssl, fd, argv[2]) == 0)
		status = print_staple(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return status;
}
