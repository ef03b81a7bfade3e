/* SPDX-License-Identifier: ISC */
/*
 * cert: what a certificate file says.
 *
 * Files are read whole and bounded; nothing in them is trusted, nothing but
 * certificates is decoded (never a private key), nothing prompts.  What comes
 * out is plain bytes, times and text: no library's type crosses this border.
 * Text is as it stands in the certificate: escape it before showing it.
 */
#ifndef CERT_H
#define CERT_H

#include <stddef.h>
#include <stdint.h>

/* Limit of one certificate file, in bytes. */
#define CERT_MAX_FILE ((size_t)1 << 20)

/* More responders than this are not asked. */
#define CERT_MAX_URLS 8

/* Room for the first digits of a key's identifier, terminator included. */
#define CERT_KEY_ID_MAX 9

enum cert_result {
	CERT_OK,
	CERT_EFILE,   /* the file cannot be read, or is too large */
	CERT_ENONE,   /* there is no certificate in it, or only a CA's */
	CERT_EBAD,    /* there may be, but not as servers read it */
	CERT_EISSUER, /* no candidate is the issuer */
	CERT_ELOCAL   /* out of memory or descriptors, or the disk failed */
};

/* A URL may hold any byte, NUL included; `text` is terminated besides. */
struct cert_url {
	char *text;
	size_t len;
};

/* The kind of its key: who has a pair of certificates has two of these. */
enum cert_key {
	CERT_KEY_OTHER,
	CERT_KEY_RSA,
	CERT_KEY_RSA_PSS,
	CERT_KEY_EC,
	CERT_KEY_EDDSA
};

/* A certificate as bytes. */
struct cert_der {
	unsigned char *p;
	size_t len;
};

/*
 * What is kept from one certificate to the next, since most of a run's have
 * few issuers between them and decoding a key is dear.  Outlives what was read
 * with it.  What not everybody wants of each certificate costs something.
 */
struct cert_shelf;
enum cert_wanted {
	CERT_NAMES = 1,   /* `subject` and `issuer_name` */
	CERT_PRINTS = 2,  /* `sha1` */
	CERT_ALLOW_CA = 4 /* files that hold CA certificates alone */
};
struct cert_shelf *cert_shelf_new(int wanted); /* NULL: out of memory */
void cert_shelf_free(struct cert_shelf *);

/* Everything here is owned by the structure; see cert_free(). */
struct cert {
	char *subject; /* RFC 2253, UTF-8; NULL: nobody wants to read it */
	char *issuer_name;
	char issuer_key[CERT_KEY_ID_MAX]; /* which of its keys; or empty */
	char *serial_hex;
	unsigned char *serial; /* DER, an INTEGER */
	size_t serial_len;
	int64_t not_before; /* RFC 5280 section 4.1.2.5 */
	int64_t not_after;
	int must_staple; /* RFC 7633: status_request in the TLS feature */
	int self_signed;
	uint64_t leaf_id; /* hash.h: of all of it */
	enum cert_key key;
	int whole;    /* all of this could be read */
	int with_key; /* a private key is in the same file */
	/* Of RFC 5280 section 4.2.2.1; unvetted. */
	size_t nurls; /* id-ad-ocsp: its responders */
	struct cert_url urls[CERT_MAX_URLS];
	size_t nissuer_urls; /* id-ad-caIssuers: where its issuer may be had */
	struct cert_url issuer_urls[CERT_MAX_URLS];

	/* Set by cert_find_issuer(), issuer.h. */
	unsigned char *issuer; /* DER */
	size_t issuer_len;
	char sha1[41];     /* our own fingerprint, in hexadecimal; "": none */
	char *issuer_from; /* where it was found, in words */
	char *hunt;        /* each candidate and what came of it, in lines */
	int64_t issuer_begins; /* its notBefore, where that is still to come */
	unsigned char *issuer_field; /* DER: its name as we write it */
	size_t issuer_field_len;
	int issuer_beside; /* it is in the same file or in `beside[0]` */

	struct cert_parts *parts; /* private to cert/ */
};

/*
 * Reads the certificate in `path`: the first of a PEM file, or a DER file.  A
 * CA's is none, if it comes before a server's or with a private key, or alone
 * and CERT_ALLOW_CA was not given; but for a server's own, self-signed.
 * `*c` is initialised in every case, and to be given to cert_free().
 */
enum cert_result cert_read(
    struct cert_shelf *, const char *path, struct cert *c, char *why);

/* The same of what a server sent: a certificate, then its chain.  Copies. */
enum cert_result cert_take(struct cert_shelf *, const struct cert_der *chain,
    size_t n, struct cert *c, char *why);

/*
 * These only before cert_find_issuer().  Is `der` this very certificate?
 * Which name may be asked for to get it: `host`, if it is valid for that,
 * else its own first name, owned by the caller; NULL: it has none.
 * The subject of another server's certificate that comes after it and is valid
 * at `now`, owned by the caller; NULL: there is none.
 */
int cert_is(const struct cert *, const struct cert_der *der);
char *cert_server_name(const struct cert *, const char *host);
char *cert_valid_behind(const struct cert *, int64_t now);

/* Is it certificates in PEM or DER, and nothing else? */
int cert_is_certificates(const unsigned char *p, size_t len);

/*
 * Are these bytes one SEQUENCE in DER, so long as it says and no longer, whose
 * first element has this tag (X.690 section 8.1.2)?
 */
#define CERT_SEQUENCE 0x30
int cert_der_begins(const unsigned char *p, size_t len, int tag);

/* Does it look like a certificate or a key, in PEM or DER? */
int cert_looks_like_one(const unsigned char *p, size_t len);

void cert_free(struct cert *);

/*
 * Is it a file of authorities that a TLS library can use?  CERT_OK, or why not;
 * the reason names the file.
 */
enum cert_result cert_check_authorities(const char *path, char *why);

#endif
