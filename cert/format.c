/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/format.h"
#include "util/words.h"

/* A longer name is not repeated in a command. */
#define PATH_MAX_SHOWN 160

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A stretch of DER or BER, perhaps cut off. */
struct span {
	const unsigned char *p;
	size_t n;
};

enum tag {
	INTEGER = 0x02,
	OCTET_STRING = 0x04,
	OID = 0x06,
	ENUMERATED = 0x0a,
	UTC_TIME = 0x17,
	GENERALIZED_TIME = 0x18,
	SEQUENCE = 0x30,
	SET = 0x31,
	EXPLICIT_0 = 0xa0,
	EXPLICIT_1 = 0xa1
};

/* Arcs of RSA's company: PKCS #5, PKCS #7, and encryption of PKCS #12. */
static const unsigned char pkcs5[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x05";
static const unsigned char pkcs7[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x07";
static const unsigned char pkcs12[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c";

/* ---- DER ---- */

/*
 * The tag of the next element of `in`, which is stepped over; what it holds, as
 * far as it is there, is `body`.  -1: there is none, and `body` is empty.
 */
static int
next(struct span *in, struct span *body)
{
	size_t head = 2, n, i;
	int tag;

	body->p = in->p;
	body->n = 0;
	if (in->n < 2)
		return -1;
	tag = in->p[0];
	n = in->p[1];
	if (n >= 0x80) {
		head += n & 0x7f;
		if (head > 6 || head > in->n)
			return -1;
		/* 0x80 alone: no length is given, so it is all that follows */
		for (n = head == 2 ? in->n : 0, i = 2; i < head; i++)
			n = n << 8 | in->p[i];
	}
	if (n > in->n - head)
		n = in->n - head;
	body->p = in->p + head;
	body->n = n;
	in->p += head + n;
	in->n -= head + n;
	return tag;
}

static int
begins(struct span s, const unsigned char *arc)
{
	size_t n = strlen((const char *)arc);

	return s.n >= n && memcmp(s.p, arc, n) == 0;
}

/* What begins with an INTEGER: PKCS #12, or a key in one of its forms. */
static enum format
with_number(struct span outer)
{
	struct span second, id;

	switch (next(&outer, &second)) {
	case SEQUENCE:
		if (next(&second, &id) != OID)
			return FORMAT_UNKNOWN;
		return begins(id, pkcs7) ? FORMAT_PKCS12 : FORMAT_KEY;
	case INTEGER:
	case OCTET_STRING:
		return FORMAT_KEY;
	default:
		return FORMAT_UNKNOWN;
	}
}

/*
 * What is signed begins with a version: a CSR goes on with a name, the others
 * with an algorithm and a name, then a CRL with a time.
 */
static enum format
with_version(struct span tbs)
{
	struct span part, first;
	int tag;

	if (next(&tbs, &part) != SEQUENCE)
		return FORMAT_UNKNOWN;
	if (part.n == 0 || (tag = next(&part, &first)) == SET)
		return FORMAT_CSR;
	if (tag != OID || next(&tbs, &part) != SEQUENCE)
		return FORMAT_UNKNOWN;
	tag = next(&tbs, &part);
	if (tag == UTC_TIME || tag == GENERALIZED_TIME)
		return FORMAT_CRL;
	return tag == SEQUENCE ? FORMAT_CERTIFICATE : FORMAT_UNKNOWN;
}

/* What begins with a SEQUENCE in a SEQUENCE. */
static enum format
with_sequence(struct span first)
{
	struct span part, id;

	switch (next(&first, &part)) {
	case EXPLICIT_0:
		return next(&part, &id) == INTEGER ? FORMAT_CERTIFICATE
						   : FORMAT_REQUEST;
	case EXPLICIT_1:
		return FORMAT_REQUEST;
	case INTEGER:
		return with_version(first);
	case OID:
		return begins(part, pkcs5) || begins(part, pkcs12)
		    ? FORMAT_KEY
		    : FORMAT_PUBLIC_KEY;
	case SEQUENCE:
		if (next(&part, &id) == OID)
			return FORMAT_CRL;
		/* requestList, Request, CertID, AlgorithmIdentifier */
		return next(&id, &part) == SEQUENCE &&
			next(&part, &id) == SEQUENCE && next(&id, &part) == OID
		    ? FORMAT_REQUEST
		    : FORMAT_UNKNOWN;
	default:
		return FORMAT_UNKNOWN;
	}
}

static enum format
of_der(struct span all)
{
	struct span outer, first;

	if (next(&all, &outer) != SEQUENCE)
		return FORMAT_UNKNOWN;
	switch (next(&outer, &first)) {
	case ENUMERATED:
		return FORMAT_RESPONSE;
	case OID:
		return begins(first, pkcs7) ? FORMAT_PKCS7 : FORMAT_UNKNOWN;
	case INTEGER:
		return with_number(outer);
	case SEQUENCE:
		return with_sequence(first);
	default:
		return FORMAT_UNKNOWN;
	}
}

/* ---- text ---- */

/* Where letters of `step` bytes each spell this; NULL: nowhere. */
static const unsigned char *
find_wide(const unsigned char *p, size_t len, const char *what, size_t step)
{
	size_t n = strlen(what), i, k, z;

	for (i = 0; (n - 1) * step < len - i && i < len; i++) {
		for (k = 0; k < n; k++) {
			if (p[i + k * step] != (unsigned char)what[k])
				break;
			for (z = 1; z < step && k + 1 < n; z++)
				if (p[i + k * step + z] != 0)
					break;
			if (k + 1 < n && z < step)
				break;
		}
		if (k == n)
			return p + i;
	}
	return NULL;
}

static enum format
of_wide(const unsigned char *p, size_t len)
{
	const unsigned char *at;

	if (len >= 4 &&
	    (memcmp(p, "\xff\xfe\0", 4) == 0 ||
		memcmp(p, "\0\0\xfe\xff", 4) == 0))
		return FORMAT_UTF32;
	if (len >= 2 &&
	    (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
		return FORMAT_UTF16;
	if ((at = find_wide(p, len, "-BEGIN ", 2)) != NULL)
		return (at - p) % 2 == 0 ? FORMAT_UTF16LE : FORMAT_UTF16BE;
	return FORMAT_UNKNOWN;
}

/* Nothing but base64, and of DER: those begin with "MI" and some others. */
static int
is_base64(const unsigned char *p, size_t len)
{
	static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789+/= \t\r\n";
	size_t i;

	if (len < 64 || p[0] != 'M' || (p[1] != 'I' && p[1] != 'H'))
		return 0;
	for (i = 0; i < len; i++)
		if (p[i] == '\0' || strchr(known, p[i]) == NULL)
			return 0;
	return 1;
}

static int
is_html(const char *p, size_t len)
{
	static const char *const tags[] = {"<!doctype", "<html", "<?xml"};
	size_t i, k;

	for (i = 0; i < COUNT(tags); i++) {
		for (k = 0; k < len && tags[i][k] != '\0'; k++)
			if ((p[k] | 0x20) != (tags[i][k] | 0x20))
				break;
		if (tags[i][k] == '\0')
			return 1;
	}
	return 0;
}

static enum format
of_text(const unsigned char *p, size_t len)
{
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		len -= 3;
	}
	while (len > 0 && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) {
		p++;
		len--;
	}
	if (is_base64(p, len))
		return FORMAT_BASE64;
	return is_html((const char *)p, len) ? FORMAT_HTML : FORMAT_UNKNOWN;
}

/* ---- both ---- */

static enum format
of_magic(const unsigned char *p, size_t len)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum format format;
	} known[] = {{"\xfe\xed\xfe\xed", 4, FORMAT_JKS},
	    {"\xce\xce\xce\xce", 4, FORMAT_JKS}, /* JCEKS */
	    {"PK\x03\x04", 4, FORMAT_ARCHIVE}, {"\x1f\x8b", 2, FORMAT_ARCHIVE}};
	size_t i;

	for (i = 0; i < COUNT(known); i++)
		if (len >= known[i].n &&
		    memcmp(p, known[i].bytes, known[i].n) == 0)
			return known[i].format;
	for (i = 0; i < len && p[i] == 0; i++)
		;
	return i == len ? FORMAT_ZEROS : FORMAT_UNKNOWN;
}

enum format
format_of(const unsigned char *p, size_t len)
{
	enum format f = FORMAT_UNKNOWN;

	if (len == 0)
		return FORMAT_EMPTY;
	/* no text begins so: a certificate is a SEQUENCE of over 127 bytes */
	if (len > 2 && p[0] == SEQUENCE &&
	    (p[1] >= 0x80 || (size_t)p[1] + 2 == len)) {
		f = of_der((struct span){p, len});
		if (f == FORMAT_UNKNOWN && p[1] > 0x80)
			f = FORMAT_DER;
	}
	if (f == FORMAT_UNKNOWN)
		f = of_magic(p, len);
	if (f == FORMAT_UNKNOWN)
		f = of_wide(p, len);
	return f != FORMAT_UNKNOWN ? f : of_text(p, len);
}

enum format
format_of_label(const char *label)
{
	static const struct {
		const char *end;
		enum format format;
	} known[] = {{"PRIVATE KEY", FORMAT_KEY},
	    {"PUBLIC KEY", FORMAT_PUBLIC_KEY},
	    {"CERTIFICATE REQUEST", FORMAT_CSR}, {"X509 CRL", FORMAT_CRL},
	    {"PKCS7", FORMAT_PKCS7_PEM}, {"CMS", FORMAT_PKCS7_PEM},
	    {"PARAMETERS", FORMAT_PARAMETERS},
	    {"OCSP RESPONSE", FORMAT_RESPONSE}};
	size_t n = strlen(label), i, m;

	for (i = 0; i < COUNT(known); i++) {
		m = strlen(known[i].end);
		if (n >= m && strcmp(label + n - m, known[i].end) == 0)
			return known[i].format;
	}
	return FORMAT_UNKNOWN;
}

static int
is_wide(enum format f)
{
	return f >= FORMAT_UTF16 && f <= FORMAT_UTF32;
}

int
format_may_hold_certificate(enum format f, const unsigned char *p, size_t len)
{
	size_t step = f == FORMAT_UTF32 ? 4 : 2;

	return f == FORMAT_BASE64 || f >= FORMAT_DER ||
	    (is_wide(f) &&
		(find_wide(p, len, "BEGIN CERTIFICATE-", step) != NULL ||
		    find_wide(p, len, "D CERTIFICATE-", step) != NULL ||
		    find_wide(p, len, "9 CERTIFICATE-", step) != NULL));
}

int
format_is_container(enum format f, const unsigned char *p, size_t len)
{
	if (is_wide(f))
		return find_wide(p, len, "-BEGIN ",
			   f == FORMAT_UTF32 ? 4 : 2) != NULL;
	return f == FORMAT_KEY || f == FORMAT_CSR || f == FORMAT_BASE64 ||
	    f >= FORMAT_JKS;
}

/* ---- words ---- */

static const struct {
	const char *is;
	const char *cure; /* with "%s" it is a command */
} words[] = {
    [FORMAT_EMPTY] = {"is empty: there is no certificate in it",
	"name the file with the certificate"},
    [FORMAT_ZEROS] = {"holds zero bytes and no certificate",
	"put the certificate there again"},
    [FORMAT_HTML] = {"is a web page: there is no certificate in it",
	"name the file with the certificate"},
    [FORMAT_ARCHIVE] = {"is an archive: there is no certificate in it",
	"unpack it, and name the file with the certificate"},
    [FORMAT_PARAMETERS] = {"holds parameters and no certificate",
	"name the file with the certificate"},
    [FORMAT_PUBLIC_KEY] = {"holds a public key and no certificate",
	"name the file with the certificate"},
    [FORMAT_KEY] = {"holds a private key and no certificate",
	"name the file with the certificate"},
    [FORMAT_CRL] = {"holds a list of revoked certificates (CRL) and no "
		    "certificate",
	"name the file with the certificate"},
    [FORMAT_REQUEST] = {"is an OCSP request and no certificate",
	"name the file with the certificate"},
    [FORMAT_RESPONSE] = {"is an OCSP response and no certificate",
	"name the certificate that it is about"},
    [FORMAT_CSR] = {"holds a certificate request (CSR) and no certificate",
	"name the certificate that the CA made from it"},
    [FORMAT_BASE64] = {"is base64 without the lines BEGIN and END, which "
		       "no server reads",
	"base64 -d %s | openssl x509 -inform DER -out site.pem"},
    [FORMAT_UTF16] = {"is text in UTF-16, as Windows writes it: servers find "
		      "no certificate in it",
	"iconv -f UTF-16 -t UTF-8 %s >site.pem"},
    [FORMAT_UTF16LE] = {"is text in UTF-16, as Windows writes it: servers find "
			"no certificate in it",
	"iconv -f UTF-16LE -t UTF-8 %s >site.pem"},
    [FORMAT_UTF16BE] = {"is text in UTF-16 (big-endian): servers find no "
			"certificate in it",
	"iconv -f UTF-16BE -t UTF-8 %s >site.pem"},
    [FORMAT_UTF32] = {"is text in UTF-32: servers find no certificate in it",
	"iconv -f UTF-32 -t UTF-8 %s >site.pem"},
    [FORMAT_JKS] = {"is a Java keystore (JKS), not PEM",
	"keytool -importkeystore -srckeystore %s -deststoretype PKCS12 "
	"-destkeystore site.p12; openssl pkcs12 -in site.p12 -nodes -out "
	"site.pem"},
    [FORMAT_PKCS7_PEM] = {"is a PKCS #7 file (.p7b), not a certificate",
	"openssl pkcs7 -in %s -print_certs -out site.pem"},
    [FORMAT_PKCS7] = {"is a PKCS #7 file (.p7b), not a certificate",
	"openssl pkcs7 -inform DER -in %s -print_certs -out site.pem"},
    [FORMAT_PKCS12] = {"is a PKCS #12 file (.pfx, .p12), not PEM",
	"openssl pkcs12 -in %s -nodes -out site.pem"},
    [FORMAT_CERTIFICATE] = {NULL, NULL},
};

const char *
format_name(enum format f)
{
	return words[f].is;
}

void
format_tell(
    char *why, size_t size, enum format f, const char *as, const char *path)
{
	const char *cure = words[f].cure, *at;
	char shown[512], *quoted;

	/* a long name is not to hide the cure */
	as = words_cut(shown, sizeof(shown), as);

	if (words[f].is == NULL) {
		words_set(why, size,
		    "there is no certificate in %s (neither PEM nor DER)", as);
		return;
	}
	if ((at = strstr(cure, "%s")) == NULL) {
		words_set(why, size, "%s %s; %s", as, words[f].is, cure);
		return;
	}
	quoted = words_quote(path);
	words_set(why, size, "%s %s; to convert it: %.*s%s%s", as, words[f].is,
	    (int)(at - cure), cure,
	    quoted != NULL && strlen(quoted) <= PATH_MAX_SHOWN ? quoted
							       : "FILE",
	    at + 2);
	free(quoted);
}
