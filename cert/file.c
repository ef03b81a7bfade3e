/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/format.h"
#include "cert/internal.h"
#include "util/words.h"

/* ---- files ---- */

/* Whose fault it is: the file's, or the machine's. */
static enum cert_result
file_error(const char *as, char *why)
{
	char error[WORDS_ERROR_MAX];
	int e = errno;

	words_set(why, WHY_MAX, "cannot read %s: %s", as,
	    words_error(error, e, (long)geteuid()));
	if (e == EMFILE || e == ENFILE || e == ENOMEM || e == EIO)
		return CERT_ELOCAL;
	return CERT_EFILE;
}

static enum cert_result
read_open_file(
    int fd, const char *as, unsigned char **buf, size_t *len, char *why)
{
	struct stat st;
	ssize_t r;

	if (fstat(fd, &st) == -1)
		return file_error(as, why);
	if (!S_ISREG(st.st_mode)) {
		words_set(why, WHY_MAX, "%s is %s, not a regular file", as,
		    S_ISDIR(st.st_mode) ? "a directory" : "a special file");
		return CERT_EFILE;
	}
	if (st.st_size > (off_t)CERT_MAX_FILE) {
		words_set(why, WHY_MAX,
		    "%s has %lld bytes, more than the limit of %zu", as,
		    (long long)st.st_size, CERT_MAX_FILE);
		return CERT_EFILE;
	}
	if ((*buf = malloc((size_t)st.st_size + 1)) == NULL) {
		words_set(why, WHY_MAX, "out of memory");
		return CERT_ELOCAL;
	}
	while (*len < (size_t)st.st_size) {
		r = read(fd, *buf + *len, (size_t)st.st_size - *len);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return file_error(as, why);
		if (r == 0)
			break;
		*len += (size_t)r;
	}
	return CERT_OK;
}

/*
 * `as` is what messages call it.  `*buf` may hold a private key: to be freed
 * with OPENSSL_cleanse() first.
 */
static enum cert_result
read_file(const char *path, const char *as, unsigned char **buf, size_t *len,
    char *why)
{
	enum cert_result res;
	int fd;

	*buf = NULL;
	*len = 0;
	/* a FIFO must not hang us; it is refused once it is open */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return file_error(as, why);
	res = read_open_file(fd, as, buf, len, why);
	close(fd);
	return res;
}

/* ---- PEM and DER ---- */

int
ders_split(struct ders *l, const unsigned char *p, size_t len, int bags)
{
	enum format f = format_of(p, len);

	switch (f) {
	case FORMAT_DER:
	case FORMAT_CERTIFICATE:
		return ders_add(l, p, len);
	case FORMAT_PKCS7:
		if (bags)
			return ders_add_bag(l, p, len);
		break;
	default:
		if (ders_add_pem(l, p, len, bags) == -1)
			return -1;
		/* of several certificates one more is damaged */
		if (bags && l->fault[0] != '\0' && ders_add(l, NULL, 0) == -1)
			return -1;
		break;
	}
	if (l->other == FORMAT_UNKNOWN)
		l->other = f;
	return 0;
}

/*
 * Of the certificate's own file all has to be readable, since the servers' own
 * reader stops there; of an issuer's what can be read counts.
 */
static enum cert_result
judge_file(const struct ders *l, const unsigned char *buf, size_t len,
    const char *path, int own, char *why)
{
	if (l->fault[0] != '\0' && own) {
		words_set(why, WHY_MAX,
		    "%s; mend it, or get the certificate from its CA again",
		    l->fault);
		/* a damaged block of another kind is no certificate */
		return pem_find_skipped(buf, buf, buf + len, 0) != NULL
		    ? CERT_EBAD
		    : CERT_ENONE;
	}
	if (l->n > 0)
		return CERT_OK;
	format_tell(why, WHY_MAX, l->other, own ? "it" : path, path);
	return format_may_hold_certificate(l->other, buf, len) ? CERT_EBAD
							       : CERT_ENONE;
}

enum cert_result
ders_load(const char *path, int own, struct ders *l, char *why)
{
	enum cert_result res;
	unsigned char *buf;
	size_t len;

	if ((res = read_file(path, own ? "it" : path, &buf, &len, why)) ==
	    CERT_OK) {
		if (ders_split(l, buf, len, !own) == -1) {
			words_set(why, WHY_MAX, "out of memory");
			res = CERT_ELOCAL;
		} else
			res = judge_file(l, buf, len, path, own, why);
	}
	if (buf != NULL)
		OPENSSL_cleanse(buf, len);
	free(buf);
	return res;
}

int
cert_is_certificates(const unsigned char *p, size_t len)
{
	const unsigned char *q = p;
	enum format f = format_of(p, len);
	X509 *x;
	int one;

	if (f != FORMAT_DER && f != FORMAT_CERTIFICATE)
		return pem_is_certificates(p, len);
	x = d2i_X509(NULL, &q, (long)len);
	one = x != NULL && q == p + len;
	X509_free(x);
	ERR_clear_error();
	return one;
}

/* ---- authorities ---- */

static int
holds_certificate(const X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
	int i;

	for (i = 0; i < sk_X509_OBJECT_num(all); i++)
		if (X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) ==
		    X509_LU_X509)
			return 1;
	return 0;
}

enum cert_result
cert_check_authorities(const char *path, char *why)
{
	enum cert_result res = CERT_OK;
	X509_STORE *store;
	struct stat st;
	int fd;

	/* a FIFO must not hang us, and would be empty when it is needed */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return file_error(path, why);
	if (fstat(fd, &st) == -1)
		res = file_error(path, why);
	else if (!S_ISREG(st.st_mode)) {
		words_set(why, WHY_MAX, "%s is not a regular file", path);
		res = CERT_EFILE;
	}
	close(fd);
	if (res != CERT_OK)
		return res;
	if ((store = X509_STORE_new()) == NULL) {
		words_set(why, WHY_MAX, "out of memory");
		return CERT_ELOCAL;
	}
	/* as libcurl will */
	if (X509_STORE_load_file(store, path) != 1 ||
	    !holds_certificate(store)) {
		words_set(why, WHY_MAX,
		    "%s holds no certificate in PEM form, or a damaged one",
		    path);
		res = CERT_EBAD;
	}
	X509_STORE_free(store);
	ERR_clear_error();
	return res;
}
