/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "probe/internal.h"

/* All certificates and, with TLS 1.3, the staple among them. */
#define MAX_CERTIFICATES (2 * 65536L + 102400)

/* All of the server's part in a handshake. */
#define MAX_HANDSHAKE ((size_t)1 << 20)

static long long
left(const struct talk *t)
{
	return t->end - t->q->clock_ms();
}

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

enum served_result
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
