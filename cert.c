#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert.h"
#include "words.h"

#define BEGIN "-----BEGIN "
#define END "-----END "

struct der {
	unsigned char *p; /* NULL: a block that cannot be decoded */
	size_t len;
};

struct ders {
	struct der *v;
	size_t n;
};

struct cert_parts {
	X509 *leaf;
	struct ders others; /* the rest of the certificate's own file */
};

/* What became of a candidate; the later ones were nearer. */
enum candidate { NONE, OTHER_NAME, DAMAGED, WRONG_KEY, NOT_YET, ENDED, ISSUER };

/* Who looks for an issuer, and what became of it so far. */
struct search {
	struct cert *c;
	time_t now;
	struct text hunt;       /* each candidate, in lines */
	struct text places;     /* each place, for one message */
	enum cert_result local; /* what kept a file from being searched */
};

/* ---- files ---- */

/* Whose fault it is: the file's, or the machine's. */
static enum cert_result
file_error(const char *as, char *why)
{
	int e = errno;

	snprintf(why, WHY_MAX, "cannot read %.300s: %s", as, strerror(e));
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
		snprintf(why, WHY_MAX, "%.300s is %s, not a regular file", as,
		    S_ISDIR(st.st_mode) ? "a directory" : "a special file");
		return CERT_EFILE;
	}
	if (st.st_size > (off_t)CERT_MAX_FILE) {
		snprintf(why, WHY_MAX,
		    "%.300s has %lld bytes, more than the limit of %zu", as,
		    (long long)st.st_size, CERT_MAX_FILE);
		return CERT_EFILE;
	}
	if ((*buf = malloc((size_t)st.st_size + 1)) == NULL) {
		snprintf(why, WHY_MAX, "out of memory");
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

static void
ders_free(struct ders *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].p);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static int
ders_add(struct ders *l, const unsigned char *p, size_t len)
{
	struct der *v;

	if ((v = realloc(l->v, (l->n + 1) * sizeof(*v))) == NULL)
		return -1;
	l->v = v;
	v[l->n].p = NULL;
	v[l->n].len = len;
	if (p != NULL) {
		if ((v[l->n].p = malloc(len)) == NULL)
			return -1;
		memcpy(v[l->n].p, p, len);
	}
	l->n++;
	return 0;
}

static const unsigned char *
find(const unsigned char *p, const unsigned char *end, const char *what)
{
	size_t n = strlen(what);

	for (; (size_t)(end - p) >= n; p++)
		if (*p == (unsigned char)what[0] && memcmp(p, what, n) == 0)
			return p;
	return NULL;
}

/* The next PEM header at the start of a line, or NULL. */
static const unsigned char *
find_begin(
    const unsigned char *from, const unsigned char *end, const unsigned char *p)
{
	while ((p = find(p, end, BEGIN)) != NULL) {
		if (p == from || p[-1] == '\n' || p[-1] == '\r')
			return p;
		p++;
	}
	return NULL;
}

static int
is_certificate_label(const unsigned char *p, const unsigned char *end)
{
	static const char *const labels[] = {"CERTIFICATE-----",
	    "X509 CERTIFICATE-----", "TRUSTED CERTIFICATE-----"};
	size_t i, n;

	p += strlen(BEGIN);
	for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		n = strlen(labels[i]);
		if ((size_t)(end - p) >= n && memcmp(p, labels[i], n) == 0)
			return 1;
	}
	return 0;
}

/* The length of the first ASN.1 element alone. */
static size_t
element_length(const unsigned char *p, size_t len)
{
	const unsigned char *q = p;
	long n;
	int tag, class;

	if (ASN1_get_object(&q, &n, &tag, &class, (long)len) & 0x80)
		return len;
	return (size_t)(q - p) + (size_t)n;
}

/* Decodes one block from its header to its end; adds NULL if that fails. */
static int
add_block(struct ders *l, const unsigned char *p, const unsigned char *end)
{
	BIO *bio;
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	int ok, rc;

	if ((bio = BIO_new_mem_buf(p, (int)(end - p))) == NULL)
		return -1;
	/* PEM_read_bio() decrypts nothing, so it asks for no passphrase */
	ok = PEM_read_bio(bio, &name, &header, &data, &len) == 1 && len > 0 &&
	    header != NULL && header[0] == '\0';
	/* OpenSSL appends its own notes to a TRUSTED CERTIFICATE */
	if (ok && strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
		len = (long)element_length(data, (size_t)len);
	rc = ders_add(l, ok ? data : NULL, ok ? (size_t)len : 0);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

/*
 * Blocks of other kinds, such as keys, are stepped over unread: a block ends
 * where its END line is, or the next one begins.
 */
static int
split_pem(struct ders *l, const unsigned char *buf, size_t len)
{
	const unsigned char *end = buf + len, *p, *next, *stop;

	for (p = find_begin(buf, end, buf); p != NULL; p = next) {
		next = find_begin(buf, end, p + 1);
		stop = next != NULL ? next : end;
		if (!is_certificate_label(p, end))
			continue;
		if (find(p, stop, END) == NULL) {
			if (ders_add(l, NULL, 0) == -1)
				return -1;
		} else if (add_block(l, p, stop) == -1)
			return -1;
	}
	return 0;
}

/* All certificates of a file, in its order. */
static enum cert_result
load_ders(const char *path, const char *as, struct ders *l, char *why)
{
	enum cert_result res;
	unsigned char *buf;
	size_t len;
	int rc;

	if ((res = read_file(path, as, &buf, &len, why)) == CERT_OK) {
		/* a certificate is a SEQUENCE of over 127 bytes; no text is */
		if (len > 2 && buf[0] == 0x30 && buf[1] > 0x80)
			rc = ders_add(l, buf, len);
		else
			rc = split_pem(l, buf, len);
		if (rc == -1) {
			snprintf(why, WHY_MAX, "out of memory");
			res = CERT_ELOCAL;
		} else if (l->n == 0) {
			snprintf(why, WHY_MAX,
			    "there is no certificate in %.300s (neither PEM "
			    "nor "
			    "DER)",
			    as);
			res = CERT_ENONE;
		}
	}
	if (buf != NULL)
		OPENSSL_cleanse(buf, len);
	free(buf);
	return res;
}

static X509 *
decode(const struct der *d, const char **fault)
{
	const unsigned char *p = d->p;
	X509 *x;
	size_t used;

	if (d->p == NULL) {
		*fault = "its PEM block is damaged or cut off";
		return NULL;
	}
	ERR_clear_error();
	x = d2i_X509(NULL, &p, (long)d->len);
	ERR_clear_error();
	if (x == NULL) {
		*fault = "it is not a valid X.509 certificate";
		return NULL;
	}
	used = (size_t)(p - d->p);
	if (used != d->len) {
		*fault = "there are trailing bytes after the certificate";
		X509_free(x);
		return NULL;
	}
	return x;
}

/* ---- what a certificate says ---- */

/* Control characters are left to whoever shows it; but a NUL would end it. */
static char *
name_text(const X509_NAME *name)
{
	const unsigned long flags = XN_FLAG_RFC2253 &
	    ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL);
	struct text t = {0};
	BIO *bio;
	char *p;
	long i, n;

	if ((bio = BIO_new(BIO_s_mem())) == NULL)
		return NULL;
	if (X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
		text_add(&t, "%s", "");
		n = BIO_get_mem_data(bio, &p);
		for (i = 0; i < n; i++)
			text_add(&t, p[i] == '\0' ? "\\x00" : "%c", p[i]);
	}
	BIO_free(bio);
	return t.s;
}

static int
to_time(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*out = timegm(&tm);
	return 0;
}

static int
take_serial(struct cert *c, X509 *x)
{
	const ASN1_INTEGER *ai = X509_get0_serialNumber(x);
	const unsigned char *p = ASN1_STRING_get0_data(ai);
	int i, len = ASN1_STRING_length(ai), n;
	unsigned char *der;
	char *hex;

	if ((n = i2d_ASN1_INTEGER(ai, NULL)) <= 0 || len <= 0)
		return -1;
	der = c->serial = malloc((size_t)n);
	hex = c->serial_hex = malloc(2 * (size_t)len + 2);
	if (der == NULL || hex == NULL)
		return -2;
	c->serial_len = (size_t)i2d_ASN1_INTEGER(ai, &der);
	if (ASN1_STRING_type(ai) == V_ASN1_NEG_INTEGER)
		*hex++ = '-';
	for (i = 0; i < len; i++, hex += 2)
		snprintf(hex, 3, "%02X", p[i]);
	return 0;
}

/* Extensions: 0 done (also when absent), -1 malformed, -2 no memory. */
static int
take_urls(struct cert *c, X509 *x)
{
	AUTHORITY_INFO_ACCESS *aia;
	const ACCESS_DESCRIPTION *ad;
	const ASN1_IA5STRING *uri;
	struct cert_url *u;
	int crit, i;

	aia = X509_get_ext_d2i(x, NID_info_access, &crit, NULL);
	if (aia == NULL)
		return crit == -1 ? 0 : -1;
	for (i = 0; i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
		ad = sk_ACCESS_DESCRIPTION_value(aia, i);
		if (OBJ_obj2nid(ad->method) != NID_ad_OCSP ||
		    ad->location->type != GEN_URI || c->nurls >= CERT_MAX_URLS)
			continue;
		uri = ad->location->d.uniformResourceIdentifier;
		u = &c->urls[c->nurls];
		u->len = (size_t)ASN1_STRING_length(uri);
		if ((u->text = malloc(u->len + 1)) == NULL) {
			/* to have none would be quite another thing */
			AUTHORITY_INFO_ACCESS_free(aia);
			return -2;
		}
		memcpy(u->text, ASN1_STRING_get0_data(uri), u->len);
		u->text[u->len] = '\0';
		c->nurls++;
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	return 0;
}

static int
take_must_staple(struct cert *c, X509 *x)
{
	TLS_FEATURE *features;
	long f;
	int crit, i;

	features = X509_get_ext_d2i(x, NID_tlsfeature, &crit, NULL);
	if (features == NULL)
		return crit == -1 ? 0 : -1;
	for (i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
		f = ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i));
		/* status_request and status_request_v2, RFC 7633 section 4 */
		if (f == 5 || f == 17)
			c->must_staple = 1;
	}
	TLS_FEATURE_free(features);
	return 0;
}

static int
take_times(struct cert *c, X509 *x)
{
	return to_time(X509_get0_notBefore(x), &c->not_before) == -1
	    ? -1
	    : to_time(X509_get0_notAfter(x), &c->not_after);
}

static int
take_names(struct cert *c, X509 *x)
{
	c->subject = name_text(X509_get_subject_name(x));
	c->issuer_name = name_text(X509_get_issuer_name(x));
	return c->subject == NULL || c->issuer_name == NULL ? -2 : 0;
}

static enum cert_result
describe(struct cert *c, X509 *x, char *why)
{
	static const struct {
		int (*take)(struct cert *, X509 *);
		const char *what;
	} parts[] = {
	    {take_names, "names"},
	    {take_serial, "serial number"},
	    {take_times, "times of validity"},
	    {take_urls,
		"authority information access (where the responder "
		"is)"},
	    {take_must_staple, "TLS feature extension (must-staple)"},
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = parts[i].take(c, x);
	ERR_clear_error();
	if (rc == -2) {
		snprintf(why, WHY_MAX, "out of memory");
		return CERT_ELOCAL;
	}
	if (rc == -1) {
		snprintf(why, WHY_MAX,
		    "the certificate is malformed: its %s cannot be read",
		    parts[i - 1].what);
		return CERT_EBAD;
	}
	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) ==
	    0)
		c->self_signed = X509_verify(x, X509_get0_pubkey(x)) == 1;
	ERR_clear_error();
	return CERT_OK;
}

enum cert_result
cert_read(const char *path, struct cert *c, char *why)
{
	enum cert_result res;
	const char *fault;
	struct ders l = {0};
	X509 *leaf = NULL;

	memset(c, 0, sizeof(*c));
	if ((res = load_ders(path, "it", &l, why)) != CERT_OK)
		goto out;
	if ((leaf = decode(&l.v[0], &fault)) == NULL) {
		snprintf(why, WHY_MAX,
		    "its first certificate cannot be decoded: %s", fault);
		res = CERT_EBAD;
		goto out;
	}
	if ((res = describe(c, leaf, why)) != CERT_OK)
		goto out;
	if ((c->parts = calloc(1, sizeof(*c->parts))) == NULL) {
		snprintf(why, WHY_MAX, "out of memory");
		res = CERT_ELOCAL;
		goto out;
	}
	c->parts->leaf = leaf;
	c->parts->others = l;
	return CERT_OK;
out:
	X509_free(leaf);
	ders_free(&l);
	return res;
}

/* ---- the issuer ---- */

static const char *const outcome[] = {
    [NONE] = "no other certificate",
    [OTHER_NAME] = "no certificate of that name",
    [DAMAGED] = "a damaged certificate",
    [WRONG_KEY] = "the right name, but its key does not verify it",
    [NOT_YET] = "is the issuer, but not valid yet",
    [ENDED] = "is the issuer, but it has expired",
    [ISSUER] = "is the issuer",
};

/* A candidate for --verbose; of a file with one there is no need to count. */
static void
note_candidate(struct search *s, const char *from, size_t nth, const char *what)
{
	text_add_escaped(&s->hunt, from, strlen(from));
	if (nth > 0)
		text_add(&s->hunt, ", certificate %zu", nth);
	text_add(&s->hunt, ": %s\n", what);
}

static void
note_place(struct search *s, const char *from, const char *what)
{
	if (s->places.len > 0)
		text_add(&s->places, "; ");
	text_add_escaped(&s->places, from, strnlen(from, 200));
	text_add(&s->places, ": %s", what);
}

/* Names are compared first: verifying is dear. */
static enum candidate
examine(const struct search *s, X509 *x)
{
	X509 *leaf = s->c->parts->leaf;
	time_t begin, end;

	if (X509_NAME_cmp(
		X509_get_issuer_name(leaf), X509_get_subject_name(x)) != 0)
		return OTHER_NAME;
	if (X509_verify(leaf, X509_get0_pubkey(x)) != 1)
		return WRONG_KEY;
	if (to_time(X509_get0_notBefore(x), &begin) == -1 ||
	    to_time(X509_get0_notAfter(x), &end) == -1)
		return DAMAGED;
	if (begin > s->now)
		return NOT_YET;
	return end < s->now ? ENDED : ISSUER;
}

/*
 * Names may be equal though they are written in different kinds of strings;
 * but who hashes them, as OCSP does, gets different numbers.
 */
static int
is_spelled_alike(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *p, *q;
	size_t n, m;

	return X509_NAME_get0_der(a, &p, &n) == 1 &&
	    X509_NAME_get0_der(b, &q, &m) == 1 && n == m &&
	    memcmp(p, q, n) == 0;
}

static int
remember_issuer(struct cert *c, const struct der *d, X509 *x, const char *from)
{
	c->issuer_spelled = !is_spelled_alike(
	    X509_get_issuer_name(c->parts->leaf), X509_get_subject_name(x));
	c->issuer_from = strdup(from);
	c->issuer = malloc(d->len);
	if (c->issuer == NULL || c->issuer_from == NULL)
		return -1;
	memcpy(c->issuer, d->p, d->len);
	c->issuer_len = d->len;
	return 0;
}

/* The first of a list that is the issuer is remembered, unless one was. */
static int
search_ders(
    struct search *s, const struct ders *l, size_t first, const char *from)
{
	enum candidate found, nearest = NONE;
	const char *fault;
	size_t i;
	X509 *x;

	for (i = first; i < l->n && nearest != ISSUER; i++) {
		found = DAMAGED;
		if ((x = decode(&l->v[i], &fault)) != NULL)
			found = examine(s, x);
		note_candidate(s, from, l->n > 1 ? i + 1 : 0,
		    x == NULL ? fault : outcome[found]);
		if (found == ISSUER && s->c->issuer == NULL &&
		    remember_issuer(s->c, &l->v[i], x, from) == -1)
			s->local = CERT_ELOCAL;
		X509_free(x);
		if (found > nearest)
			nearest = found;
	}
	ERR_clear_error();
	note_place(s, from, outcome[nearest]);
	return nearest == ISSUER;
}

/* A file that may be absent, or of no use. */
static int
search_file(struct search *s, const char *path, char *why)
{
	struct ders l = {0};
	enum cert_result res;
	int found = 0;

	if ((res = load_ders(path, path, &l, why)) == CERT_OK)
		found = search_ders(s, &l, 0, path);
	else if (res == CERT_ELOCAL)
		s->local = res;
	else {
		if (access(path, F_OK) == -1 && errno == ENOENT)
			snprintf(why, WHY_MAX, "absent");
		note_candidate(s, path, 0, why);
		note_place(s, path, why);
	}
	ders_free(&l);
	return found;
}

static enum cert_result
search_all(struct search *s, const struct cert_places *places, char *why)
{
	struct cert *c = s->c;
	struct ders l = {0};
	enum cert_result res = CERT_OK;
	size_t i;

	/* what the user names has to be there, whoever is found first */
	for (i = 0; i < places->nfiles && res == CERT_OK; i++) {
		if ((res = load_ders(places->files[i], places->files[i], &l,
			 why)) == CERT_OK)
			(void)search_ders(s, &l, 0, places->files[i]);
		ders_free(&l);
	}
	if (res != CERT_OK)
		return res;
	/* HAProxy looks only here */
	if (search_ders(s, &c->parts->others, 1, "the certificate's own file"))
		c->issuer_beside = 1;
	else if (places->beside[0] != NULL &&
	    search_file(s, places->beside[0], why))
		c->issuer_beside = 1;
	else if (c->issuer == NULL && places->beside[1] != NULL)
		(void)search_file(s, places->beside[1], why);
	return CERT_OK;
}

static void
parts_free(struct cert *c)
{
	if (c->parts == NULL)
		return;
	X509_free(c->parts->leaf);
	ders_free(&c->parts->others);
	free(c->parts);
	c->parts = NULL;
}

enum cert_result
cert_find_issuer(
    struct cert *c, const struct cert_places *places, time_t now, char *why)
{
	struct search s = {.c = c, .now = now};
	enum cert_result res;

	res = search_all(&s, places, why);
	if (res == CERT_OK && c->issuer_len == 0) {
		if (s.local != CERT_OK) {
			res = s.local;
			if (c->issuer_from != NULL || c->issuer != NULL)
				snprintf(why, WHY_MAX, "out of memory");
		} else {
			res = CERT_EISSUER;
			snprintf(why, WHY_MAX,
			    "no issuer found for it (%.200s), name its file "
			    "with -i; looked at: %.700s",
			    c->issuer_name,
			    s.places.s != NULL ? s.places.s : "nothing");
		}
	}
	c->hunt = s.hunt.s;
	text_free(&s.places);
	parts_free(c);
	return res;
}

int
cert_looks_like_one(const unsigned char *p, size_t len)
{
	size_t skip;

	if (find(p, p + len, BEGIN) != NULL)
		return 1;
	if (len < 2 || p[0] != 0x30)
		return 0;
	/* an OCSP response begins with an ENUMERATED instead */
	skip = 2 + (p[1] > 0x80 ? p[1] & 0x7fu : 0);
	return skip < len && (p[skip] == 0x30 || p[skip] == 0x02);
}

void
cert_free(struct cert *c)
{
	size_t i;

	parts_free(c);
	for (i = 0; i < c->nurls; i++)
		free(c->urls[i].text);
	free(c->subject);
	free(c->issuer_name);
	free(c->serial_hex);
	free(c->serial);
	free(c->issuer);
	free(c->issuer_from);
	free(c->hunt);
	memset(c, 0, sizeof(*c));
}
