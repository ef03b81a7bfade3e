/* SPDX-License-Identifier: ISC */
/*
 * format: what a file is that holds no certificate as servers read them, and
 * the command that makes one of it.
 *
 * Pure: bytes in, words out.  Of a private key nothing is looked at but the
 * tags at its beginning.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>

/* Of several in one file the later one here is what the file is called. */
enum format {
	FORMAT_UNKNOWN, /* nothing that is known here; it may be PEM */
	FORMAT_EMPTY,
	FORMAT_ZEROS,
	FORMAT_HTML,
	FORMAT_ARCHIVE,
	FORMAT_PARAMETERS,
	FORMAT_PUBLIC_KEY,
	FORMAT_KEY,
	FORMAT_CRL,
	FORMAT_REQUEST, /* OCSP */
	FORMAT_RESPONSE,
	FORMAT_CSR,
	FORMAT_BASE64, /* of what may be a certificate */
	FORMAT_UTF16,
	FORMAT_UTF16LE,
	FORMAT_UTF16BE,
	FORMAT_UTF32,
	FORMAT_JKS,
	FORMAT_PKCS7_PEM,
	FORMAT_PKCS7,
	FORMAT_PKCS12,
	FORMAT_DER,        /* begins as DER, and may be a certificate */
	FORMAT_CERTIFICATE /* in DER, as far as its beginning goes */
};

/* What begins with these bytes; PEM is FORMAT_UNKNOWN. */
enum format format_of(const unsigned char *p, size_t len);

/* What a block of PEM with this label holds; FORMAT_UNKNOWN: another thing. */
enum format format_of_label(const char *label);

/*
 * May there be a certificate in it, though not as servers read them?  Then it
 * is never passed over.  Is it a container of keys or certificates?
 */
int format_may_hold_certificate(
    enum format, const unsigned char *p, size_t len);
int format_is_container(enum format, const unsigned char *p, size_t len);

/*
 * "it is a PKCS #12 file, not PEM; to convert it: openssl pkcs12 ...": `as` is
 * what the file is called here, `path` its name for the command.
 */
void format_tell(
    char *why, size_t size, enum format, const char *as, const char *path);

/* "is a PKCS #12 file, not PEM"; NULL: nothing is known. */
const char *format_name(enum format);

#endif
