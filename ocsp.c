#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ocsp.h"
#include "words.h"

/* OpenSSL's level 1, whatever the system's default: 80 bits of security. */
#define LEVEL 1
#define LEVEL_BITS 80

#define NONCE_LEN 32

/* Certificates in a response: all, and those that it does not need. */
#define MAX_CERTS 8
#define MAX_STRAY 2
#define MAX_STRAY_SIZE 4096

/* Bytes of RSASSA-PSS-params, RFC 4055 section 3.1. */
#define MAX_PSS 100

struct issuer {
	unsigned char *der;
	size_t len;
	X509 *x509;
	STACK_OF(X509) *certs; /* x509 alone */
	X509_STORE *store;     /* x509 alone, as the anchor */
	/* by enum ocsp_hash: CertIDs in DER but for header and serial number */
	unsigned char *id[2];
	size_t id_len[2];
	struct issuer *next;
};

struct ocsp {
	struct issuer *issuers;
};

struct ocsp_target {
	struct issuer *issuer; /* borrowed */
	unsigned char *der;    /* the question */
	size_t len;
	OCSP_REQUEST *req; /* the same, where there is a nonce in it */
	int64_t not_after;
	int nonce;
};

/* One answer on its way through the judgement. */
struct judging {
	const struct ocsp_target *t;
	const struct ocsp_policy *p;
	struct ocsp_verdict *v;
	const unsigned char *der;
	size_t len;
	OCSP_CERTID *id;      /* what was asked for */
	ASN1_INTEGER *serial; /* borrowed from it */
	OCSP_RESPONSE *resp;
	OCSP_BASICRESP *basic;
	OCSP_SINGLERESP *ours; /* borrowed from basic */
	X509 *signer;          /* borrowed from basic or the issuer */
	int status;            /* V_OCSP_CERTSTATUS_ of ours */
};

/* ---- memory ---- */

/*
 * Without memory OpenSSL fails in a hundred ways, most of which look like a
 * fault of the response.  Its hooks take no context, hence these globals.
 */
static volatile int starved, starved_once;

static void
note_starvation(void)
{
	starved = 1;
	starved_once = 1;
}

static void *
hook_malloc(size_t n, const char *file, int line)
{
	void *p;

	(void)file;
	(void)line;
	if (n == 0)
		return NULL;
	if ((p = malloc(n)) == NULL)
		note_starvation();
	return p;
}

static void *
hook_realloc(void *old, size_t n, const char *file, int line)
{
	void *p;

	if (old == NULL)
		return hook_malloc(n, file, line);
	if (n == 0) {
		free(old);
		return NULL;
	}
	if ((p = realloc(old, n)) == NULL)
		note_starvation();
	return p;
}

static void
hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

int
ocsp_starved(void)
{
	int was = starved;

	starved = 0;
	return was;
}

void
ocsp_starve(void)
{
	starved = 1;
}

void
ocsp_doubt(void)
{
	if (starved_once)
		starved = 1;
}

/* ---- issuers and targets ---- */

struct ocsp *
ocsp_new(void)
{
	/* it may refuse, where a library has used it already: so be it */
	(void)CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free);
	/* the end of the process gives all back, and sooner */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return NULL;
	return calloc(1, sizeof(struct ocsp));
}

static void
issuer_free(struct issuer *is)
{
	free(is->der);
	OPENSSL_free(is->id[HASH_SHA1]);
	OPENSSL_free(is->id[HASH_SHA256]);
	sk_X509_free(is->certs);
	X509_STORE_free(is->store);
	X509_free(is->x509);
	free(is);
}

void
ocsp_free(struct ocsp *o)
{
	struct issuer *is;

	if (o == NULL)
		return;
	while ((is = o->issuers) != NULL) {
		o->issuers = is->next;
		issuer_free(is);
	}
	free(o);
}

static struct issuer *
issuer_new(const unsigned char *der, size_t len, X509 *decoded)
{
	const unsigned char *p = der;
	X509_VERIFY_PARAM *param;
	struct issuer *is;

	if ((is = calloc(1, sizeof(*is))) == NULL)
		return NULL;
	if ((is->der = malloc(len)) == NULL)
		goto fail;
	memcpy(is->der, der, len);
	is->len = len;
	if (decoded != NULL && X509_up_ref(decoded) == 1)
		is->x509 = decoded;
	else
		is->x509 = d2i_X509(NULL, &p, (long)len);
	/* a key that cannot be decoded shows only when it is asked for */
	if (is->x509 == NULL || X509_get0_pubkey(is->x509) == NULL ||
	    (is->certs = sk_X509_new_null()) == NULL ||
	    sk_X509_push(is->certs, is->x509) == 0 ||
	    (is->store = X509_STORE_new()) == NULL ||
	    X509_STORE_add_cert(is->store, is->x509) != 1)
		goto fail;
	/*
	 * The issuer is the only anchor, though it need not be a root: so no
	 * other authority has a say (RFC 6960 section 4.2.2.2).
	 */
	param = X509_STORE_get0_param(is->store);
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		goto fail;
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
	return is;
fail:
	issuer_free(is);
	return NULL;
}

static struct issuer *
issuer_get(struct ocsp *o, const struct ocsp_about *a)
{
	struct issuer *is;

	for (is = o->issuers; is != NULL; is = is->next)
		if (is->len == a->issuer_len &&
		    memcmp(is->der, a->issuer, is->len) == 0)
			return is;
	is = issuer_new(a->issuer, a->issuer_len, a->decoded);
	if (is != NULL) {
		is->next = o->issuers;
		o->issuers = is;
	}
	return is;
}

static OCSP_CERTID *
make_id(const struct issuer *is, const EVP_MD *md, const ASN1_INTEGER *serial)
{
	return OCSP_cert_id_new(md, X509_get_subject_name(is->x509),
	    X509_get0_pubkey_bitstr(is->x509), serial);
}

/*
 * The hashes of its name and key are the same in all questions: they are kept
 * as they stand in a CertID, before the serial number.
 */
static int
hash_issuer(struct issuer *is, enum ocsp_hash hash)
{
	const EVP_MD *md = hash == HASH_SHA256 ? EVP_sha256() : EVP_sha1();
	const unsigned char *p;
	unsigned char *der = NULL;
	ASN1_INTEGER *zero;
	OCSP_CERTID *id = NULL;
	int tag, class, n = -1;
	long len;

	if (is->id[hash] != NULL)
		return 0;
	if ((zero = ASN1_INTEGER_new()) != NULL &&
	    (id = make_id(is, md, zero)) != NULL)
		n = i2d_OCSP_CERTID(id, &der);
	OCSP_CERTID_free(id);
	ASN1_INTEGER_free(zero);
	if (n <= 0)
		return -1;
	p = der;
	ASN1_get_object(&p, &len, &tag, &class, n);
	/* the zero has three bytes */
	is->id_len[hash] = (size_t)len - 3;
	memmove(der, p, is->id_len[hash]);
	is->id[hash] = der;
	return 0;
}

/*
 * The question is the CertID in four SEQUENCEs (OCSPRequest, tbsRequest,
 * requestList, Request; RFC 6960 section 4.1.1), which is cheaper made by hand:
 * it is made for each certificate.
 */
static int
make_request(struct ocsp_target *t, const struct ocsp_about *a)
{
	const unsigned char *id = t->issuer->id[a->hash];
	size_t id_len = t->issuer->id_len[a->hash];
	int len[6], i;
	unsigned char *p;

	len[0] = (int)(id_len + a->serial_len);
	for (i = 1; i < 6; i++)
		len[i] = ASN1_object_size(1, len[i - 1], V_ASN1_SEQUENCE);
	if (len[5] <= 0 ||
	    (p = t->der = OPENSSL_malloc((size_t)len[5])) == NULL)
		return -1;
	for (i = 4; i >= 0; i--)
		ASN1_put_object(
		    &p, 1, len[i], V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memcpy(p, id, id_len);
	memcpy(p + id_len, a->serial, a->serial_len);
	t->len = (size_t)len[5];
	return 0;
}

/* It is put into the question as it is. */
static int
is_integer(const unsigned char *der, size_t len)
{
	const unsigned char *p = der;
	int tag, class;
	long n;

	return (ASN1_get_object(&p, &n, &tag, &class, (long)len) & 0x80) == 0 &&
	    tag == V_ASN1_INTEGER && class == V_ASN1_UNIVERSAL && n > 0 &&
	    p + n == der + len;
}

static int
decode_request(struct ocsp_target *t)
{
	const unsigned char *p = t->der;

	t->req = d2i_OCSP_REQUEST(NULL, &p, (long)t->len);
	return t->req != NULL ? 0 : -1;
}

static int
add_nonce(struct ocsp_target *t)
{
	unsigned char *der = NULL;
	int n;

	/* OpenSSL's own default of 16 is too short for RFC 9654 */
	if (decode_request(t) == -1 ||
	    OCSP_request_add1_nonce(t->req, NULL, NONCE_LEN) != 1 ||
	    (n = i2d_OCSP_REQUEST(t->req, &der)) <= 0)
		return -1;
	OPENSSL_free(t->der);
	t->der = der;
	t->len = (size_t)n;
	return 0;
}

struct ocsp_target *
ocsp_target(struct ocsp *o, const struct ocsp_about *a, char *why)
{
	struct ocsp_target *t;

	ERR_clear_error();
	if ((t = calloc(1, sizeof(*t))) != NULL) {
		t->not_after = a->not_after;
		t->nonce = a->nonce;
		t->issuer = issuer_get(o, a);
		if (t->issuer != NULL && is_integer(a->serial, a->serial_len) &&
		    hash_issuer(t->issuer, a->hash) == 0 &&
		    make_request(t, a) == 0 && (!a->nonce || add_nonce(t) == 0))
			return t;
	}
	snprintf(why, WHY_MAX, "cannot make the question: %s",
	    ERR_peek_error() != 0 ? ERR_reason_error_string(ERR_peek_error())
				  : "out of memory");
	ERR_clear_error();
	ocsp_target_free(t);
	return NULL;
}

void
ocsp_describe(const struct ocsp_target *t, struct ocsp_case *c)
{
	c->issuer = t->issuer->der;
	c->issuer_len = t->issuer->len;
	c->request = t->der;
	c->request_len = t->len;
	c->not_after = t->not_after;
	c->nonce = t->nonce;
}

struct ocsp_target *
ocsp_recall(struct ocsp *o, const struct ocsp_case *c)
{
	const struct ocsp_about about = {
	    .issuer = c->issuer, .issuer_len = c->issuer_len};
	struct ocsp_target *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->not_after = c->not_after;
	t->nonce = c->nonce;
	t->len = c->request_len;
	t->issuer = issuer_get(o, &about);
	t->der = OPENSSL_memdup(c->request, c->request_len);
	if (t->issuer != NULL && t->der != NULL &&
	    (!t->nonce || decode_request(t) == 0))
		return t;
	ocsp_target_free(t);
	return NULL;
}

void
ocsp_target_free(struct ocsp_target *t)
{
	if (t == NULL)
		return;
	OCSP_REQUEST_free(t->req);
	OPENSSL_free(t->der);
	free(t);
}

const unsigned char *
ocsp_request(const struct ocsp_target *t, size_t *len)
{
	*len = t->len;
	return t->der;
}

/* OCSPRequest, TBSRequest, requestList, Request: each begins with the next. */
const unsigned char *
ocsp_certid(const struct ocsp_target *t, size_t *len)
{
	const unsigned char *p = t->der, *const end = t->der + t->len, *start;
	int depth, tag, class;
	long n;

	for (depth = 0; depth < 5; depth++) {
		start = p;
		if ((ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80) ||
		    tag != V_ASN1_SEQUENCE)
			return NULL;
	}
	*len = (size_t)(p + n - start);
	return start;
}

char *
ocsp_request_base64(const struct ocsp_target *t)
{
	char *b64;

	if ((b64 = malloc(4 * ((t->len + 2) / 3) + 1)) != NULL)
		EVP_EncodeBlock((unsigned char *)b64, t->der, (int)t->len);
	return b64;
}

char *
ocsp_get_url(const struct ocsp_target *t, const char *responder)
{
	size_t n = strlen(responder);
	char *b64, *url, *p, *o;

	if (strchr(responder, '?') != NULL)
		return NULL;
	while (n > 0 && responder[n - 1] == '/')
		n--;
	if ((b64 = ocsp_request_base64(t)) == NULL)
		return NULL;
	if ((url = malloc(n + 1 + 3 * strlen(b64) + 1)) != NULL) {
		memcpy(url, responder, n);
		o = url + n;
		*o++ = '/';
		/* of base64, these three are not "unreserved" in a path */
		for (p = b64; *p != '\0'; p++) {
			if (*p == '+' || *p == '/' || *p == '=')
				o += snprintf(o, 4, "%%%02X", *p);
			else
				*o++ = *p;
		}
		*o = '\0';
	}
	free(b64);
	return url;
}

/* ---- the judgement ---- */

/* Always 0, so that a step can end with it. */
__attribute__((format(printf, 3, 4))) static int
refuse(struct judging *j, enum ocsp_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->v->why, sizeof(j->v->why), fmt, ap);
	va_end(ap);
	j->v->status = status;
	return 0;
}

/* A header of DER for `len` bytes of content, put before `*p`. */
static void
put_header(unsigned char **p, int constructed, int len, int tag, int class)
{
	int size = ASN1_object_size(constructed, len, tag) - len;
	unsigned char *o = *p -= size;

	ASN1_put_object(&o, constructed, len, tag, class);
}

/*
 * What stands before the BasicOCSPResponse in a response (RFC 6960 section
 * 4.2.1): its length, put at the end of `buf`.
 */
static size_t
make_wrapping(unsigned char *buf, size_t size, int len)
{
	static const unsigned char basic[] = {V_ASN1_OBJECT, 9, 0x2b, 0x06,
	    0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
	static const unsigned char successful[] = {V_ASN1_ENUMERATED, 1, 0};
	unsigned char *const end = buf + size, *p = end;

	put_header(&p, 0, len, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
	p -= sizeof(basic);
	memcpy(p, basic, sizeof(basic));
	put_header(
	    &p, 1, (int)(end - p) + len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put_header(&p, 1, (int)(end - p) + len, 0, V_ASN1_CONTEXT_SPECIFIC);
	p -= sizeof(successful);
	memcpy(p, successful, sizeof(successful));
	put_header(
	    &p, 1, (int)(end - p) + len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	return (size_t)(end - p);
}

/*
 * What was received must be the one DER encoding of what is judged: the
 * bytes are served as they are, and OpenSSL looks at its own re-encoding.
 */
static int
is_der(const struct judging *j)
{
	unsigned char *der = NULL, wrapping[64];
	size_t n, before;
	int len, same;

	if ((len = i2d_OCSP_BASICRESP(j->basic, &der)) <= 0)
		return 0;
	n = (size_t)len;
	before = make_wrapping(wrapping, sizeof(wrapping), len);
	same = j->len == before + n &&
	    memcmp(j->der, wrapping + sizeof(wrapping) - before, before) == 0 &&
	    memcmp(j->der + before, der, n) == 0;
	OPENSSL_free(der);
	return same;
}

/* The name of an error says nothing to who does not know it. */
static const char *
meaning(enum ocsp_error e)
{
	switch (e) {
	case ERROR_MALFORMED:
		return "it did not understand the question";
	case ERROR_TRYLATER:
		return "it cannot answer at the moment";
	case ERROR_SIGREQUIRED:
		return "it wants signed questions, which ocspfetch does not "
		       "ask";
	case ERROR_UNAUTHORIZED:
		return "it does not speak for this certificate";
	case ERROR_NONE:
	case ERROR_INTERNAL:
		break;
	}
	return "something is wrong with it";
}

/* The CertID stands in four SEQUENCEs; what a nonce adds is behind it. */
static int
recall_question(struct judging *j)
{
	const unsigned char *p = j->t->der, *const end = p + j->t->len;
	int i, tag, class;
	long n;

	for (i = 0; i < 4; i++)
		if (ASN1_get_object(&p, &n, &tag, &class, (long)(end - p)) &
		    0x80)
			break;
	if (i == 4)
		j->id = d2i_OCSP_CERTID(NULL, &p, (long)(end - p));
	if (j->id != NULL &&
	    OCSP_id_get0_info(NULL, NULL, NULL, &j->serial, j->id) == 1)
		return 1;
	return refuse(j, VERDICT_INVALID,
	    "the question cannot be read, or out of memory");
}

static int
decode(struct judging *j)
{
	const unsigned char *p = j->der;
	int status;

	if (j->len > RESPONSE_MAX)
		return refuse(j, VERDICT_INVALID, "it has more than %zu bytes",
		    RESPONSE_MAX);
	j->resp = d2i_OCSP_RESPONSE(NULL, &p, (long)j->len);
	if (j->resp == NULL)
		return refuse(j, VERDICT_INVALID, "it is not an OCSP response");
	if (p != j->der + j->len)
		return refuse(j, VERDICT_REFUSED,
		    "%zu bytes follow the OCSP response, none may",
		    j->len - (size_t)(p - j->der));
	if ((status = OCSP_response_status(j->resp)) != ERROR_NONE) {
		j->v->error = (enum ocsp_error)status;
		return refuse(j, VERDICT_ERROR, "the responder says \"%s\": %s",
		    ocsp_error_name(j->v->error), meaning(j->v->error));
	}
	j->v->status = VERDICT_REFUSED;
	j->basic = OCSP_response_get1_basic(j->resp);
	if (j->basic == NULL)
		return refuse(j, VERDICT_REFUSED,
		    "it says \"successful\", but holds no basic OCSP response");
	if (!is_der(j))
		return refuse(j, VERDICT_REFUSED,
		    "it is not encoded in DER, or has trailing bytes inside");
	j->v->singles = OCSP_resp_count(j->basic);
	return 1;
}

/* What a SingleResponse is to us. */
enum kinship { STRANGER, OURS, OURS_OTHER_HASH, UNCLEAR };

static enum kinship
kinship(const struct judging *j, OCSP_SINGLERESP *single)
{
	const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
	OCSP_CERTID *copy, *same;
	ASN1_INTEGER *serial;
	ASN1_OBJECT *alg;
	const EVP_MD *md;
	enum kinship kin = UNCLEAR;

	if (OCSP_id_cmp(j->id, id) == 0)
		return OURS;
	if ((copy = OCSP_CERTID_dup(id)) == NULL)
		return UNCLEAR;
	OCSP_id_get0_info(NULL, &alg, NULL, &serial, copy);
	if (ASN1_INTEGER_cmp(serial, j->serial) != 0)
		kin = STRANGER;
	else if ((md = EVP_get_digestbyobj(alg)) != NULL &&
	    (same = make_id(j->t->issuer, md, j->serial)) != NULL) {
		kin = OCSP_id_cmp(same, id) == 0 ? OURS_OTHER_HASH : STRANGER;
		OCSP_CERTID_free(same);
	}
	OCSP_CERTID_free(copy);
	return kin;
}

/* Only looked at, nothing of it is verified yet. */
static int
is_about_us(struct judging *j)
{
	int i;

	for (i = 0; i < j->v->singles; i++)
		if (kinship(j, OCSP_resp_get0(j->basic, i)) != STRANGER)
			return 1;
	if (j->v->singles == 0)
		return refuse(j, VERDICT_REFUSED,
		    "it says nothing about any certificate");
	return refuse(j, VERDICT_FOREIGN,
	    "it is about another certificate (issuer name, issuer key or "
	    "serial number differ)");
}

static void
find_signer(struct judging *j)
{
	if (OCSP_resp_get0_signer(j->basic, &j->signer, j->t->issuer->certs) !=
	    1)
		j->signer = NULL;
}

static void
name_signer(struct judging *j)
{
	const unsigned long flags = XN_FLAG_RFC2253 &
	    ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL);
	char *const to = j->v->signer;
	BIO *bio;
	int i, n = 0;

	if (j->signer == NULL || (bio = BIO_new(BIO_s_mem())) == NULL)
		return;
	if (X509_NAME_print_ex(
		bio, X509_get_subject_name(j->signer), 0, flags) >= 0)
		n = BIO_read(bio, to, (int)sizeof(j->v->signer) - 1);
	for (i = 0; i < n; i++)
		if (to[i] == '\0')
			to[i] = '?';
	to[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/* Why OCSP_basic_verify() said no, in words; empties the error queue. */
static void
tell_verify_error(struct judging *j)
{
	const char *data = "", *what = "the signature cannot be verified";
	int flags = 0, verify_error = 0;
	unsigned long e;

	/* the first of its own names the cause; others go before or follow */
	while ((e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0 &&
	    ERR_GET_LIB(e) != ERR_LIB_OCSP)
		;
	if (e != 0)
		switch (ERR_GET_REASON(e)) {
		case OCSP_R_SIGNER_CERTIFICATE_NOT_FOUND:
			what = "the signer's certificate is not in it, and it "
			       "is not the issuer's";
			break;
		case OCSP_R_CERTIFICATE_VERIFY_ERROR:
			verify_error = (flags & ERR_TXT_STRING) != 0;
			what = "the signer's certificate was not issued by the "
			       "issuer, or is not valid";
			break;
		case OCSP_R_MISSING_OCSPSIGNING_USAGE:
			what = "the signer's certificate is not one for OCSP "
			       "signing";
			break;
		case OCSP_R_ROOT_CA_NOT_TRUSTED:
			what = "the signer does not speak for the issuer";
			break;
		case OCSP_R_SIGNATURE_FAILURE:
			what = "the signature does not match";
			break;
		case OCSP_R_UNKNOWN_MESSAGE_DIGEST:
			what = "it names a certificate under a hash that is "
			       "not known";
			break;
		}
	name_signer(j);
	if (j->signer == NULL)
		refuse(j, VERDICT_REFUSED,
		    "it is not signed by the issuer or for it: %s", what);
	else
		refuse(j, VERDICT_REFUSED,
		    "it is not signed by the issuer or for it: signer %s: "
		    "%s%s%s",
		    j->v->signer, what, verify_error ? ": " : "",
		    verify_error ? data : "");
	ERR_clear_error();
}

static int
is_signed_for_us(struct judging *j)
{
	const struct issuer *is = j->t->issuer;

	find_signer(j);
	if (j->p->names)
		name_signer(j);
	ERR_clear_error();
	X509_VERIFY_PARAM_set_time(
	    X509_STORE_get0_param(is->store), (time_t)j->p->now);
	/*
	 * No flags: TRUSTOTHER, NOCHECKS and their like would let the leaf or
	 * any sibling of it sign (RFC 6960 section 4.2.2.2).
	 */
	if (OCSP_basic_verify(j->basic, is->certs, is->store, 0) != 1 ||
	    j->signer == NULL) {
		tell_verify_error(j);
		return 0;
	}
	j->v->delegated = X509_cmp(j->signer, is->x509) != 0;
	j->v->nocheck = j->v->delegated &&
	    X509_get_ext_by_NID(j->signer, NID_id_pkix_OCSP_noCheck, -1) >= 0;
	return 1;
}

/* The next certificate up from `x` that is not yet used, or -1. */
static int
find_above(const STACK_OF(X509) *certs, const unsigned char *used, X509 *x)
{
	int i;

	/* nothing is above a root, not even another copy of it */
	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) ==
	    0)
		return -1;
	for (i = 0; i < sk_X509_num(certs); i++)
		if (!used[i] &&
		    X509_NAME_cmp(X509_get_issuer_name(x),
			X509_get_subject_name(sk_X509_value(certs, i))) == 0 &&
		    X509_verify(x, X509_get0_pubkey(sk_X509_value(certs, i))) ==
			1)
			return i;
	return -1;
}

static int
find_same(const STACK_OF(X509) *certs, const unsigned char *used, X509 *x)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (!used[i] && X509_cmp(sk_X509_value(certs, i), x) == 0)
			return i;
	return -1;
}

/*
 * The certificates in a response are not signed: whoever is on the way can
 * add some, until servers or clients choke.  Those that the signature needs,
 * and those above them, may be there once; of others only a few.
 */
static int
carries_no_ballast(struct judging *j)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(j->basic);
	X509 *x = j->t->issuer->x509;
	unsigned char used[MAX_CERTS] = {0};
	int i, n = sk_X509_num(certs), stray = 0, size = 0;

	if (n > MAX_CERTS)
		return refuse(j, VERDICT_REFUSED,
		    "it carries %d certificates, more than the limit of %d", n,
		    MAX_CERTS);
	if ((i = find_same(certs, used, j->signer)) != -1)
		used[i] = 1;
	if (j->v->delegated && (i = find_same(certs, used, x)) != -1)
		used[i] = 1;
	while ((i = find_above(certs, used, x)) != -1) {
		used[i] = 1;
		x = sk_X509_value(certs, i);
	}
	for (i = 0; i < n; i++)
		if (!used[i]) {
			stray++;
			size += i2d_X509(sk_X509_value(certs, i), NULL);
		}
	ERR_clear_error();
	if (stray <= MAX_STRAY && size <= MAX_STRAY_SIZE)
		return 1;
	return refuse(j, VERDICT_REFUSED,
	    "it carries %d certificates (%d bytes) that have no part in its "
	    "signature, more than the limit of %d (%d bytes); anybody on the "
	    "way could have added them",
	    stray, size, MAX_STRAY, MAX_STRAY_SIZE);
}

/*
 * Nor are the parameters of its algorithm: they must be the ones that the
 * standards give it (RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410).
 */
static int
has_proper_parameters(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	const void *par;
	int type, key = NID_undef;

	X509_ALGOR_get0(&oid, &type, &par, alg);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), NULL, &key) != 1)
		return 0;
	if (OBJ_obj2nid(oid) == NID_rsassaPss)
		/* they have up to 70 bytes, but hold places for more */
		return type == V_ASN1_SEQUENCE &&
		    ASN1_STRING_length(par) <= MAX_PSS;
	if (key == NID_rsaEncryption)
		return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
	return type == V_ASN1_UNDEF;
}

/* Digest of a signature algorithm; NID_undef for those that have none. */
static int
signature_digest(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	const void *par;
	RSA_PSS_PARAMS *pss;
	int type, md = NID_undef, nid;

	X509_ALGOR_get0(&oid, &type, &par, alg);
	nid = OBJ_obj2nid(oid);
	if (nid != NID_rsassaPss) {
		if (OBJ_find_sigid_algs(nid, &md, NULL) != 1)
			return NID_md5; /* not known: as good as none */
		return md;
	}
	pss = type == V_ASN1_SEQUENCE
	    ? ASN1_item_unpack(par, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
	    : NULL;
	/* RFC 4055 section 3.1: SHA-1 where it is left out */
	md = pss != NULL && pss->hashAlgorithm != NULL
	    ? OBJ_obj2nid(pss->hashAlgorithm->algorithm)
	    : NID_sha1;
	RSA_PSS_PARAMS_free(pss);
	return md;
}

/*
 * Keys, and the signature on the signer's certificate, were held to the level
 * by OCSP_basic_verify(); the one on the response is not looked at there.
 */
static int
is_strong(struct judging *j)
{
	const X509_ALGOR *alg = OCSP_resp_get0_tbs_sigalg(j->basic);
	const EVP_MD *md;
	int bits, nid;

	if (!has_proper_parameters(alg))
		return refuse(j, VERDICT_REFUSED,
		    "its signature algorithm has parameters that it may not "
		    "have");
	nid = signature_digest(alg);
	if (nid == NID_undef)
		return 1;
	/* half the size, but for those whose collisions are known */
	md = EVP_get_digestbynid(nid);
	bits = md == NULL ? 0 : EVP_MD_get_size(md) * 4;
	if (nid == NID_sha1)
		bits = 63;
	else if (nid == NID_md5 || nid == NID_md4 || nid == NID_md5_sha1)
		bits = 39;
	if (bits >= LEVEL_BITS)
		return 1;
	return refuse(j, VERDICT_REFUSED,
	    "its signature uses %s (%d bits of security, at least %d are "
	    "demanded); the authority has to sign with SHA-256 or better",
	    OBJ_nid2ln(nid), bits, LEVEL_BITS);
}

/* Extensions that change nothing, or that we honour, may be critical. */
static int
is_known(X509_EXTENSION *ext)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object(ext))) {
	case NID_id_pkix_OCSP_Nonce:
	case NID_id_pkix_OCSP_archiveCutoff:
	case NID_id_pkix_OCSP_CrlID:
	case NID_crl_reason:
	case NID_invalidity_date:
		return 1;
	}
	return 0;
}

static int
refuse_critical(struct judging *j, X509_EXTENSION *ext)
{
	char oid[128];

	if (X509_EXTENSION_get_critical(ext) == 0 || is_known(ext))
		return 1;
	OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext), 1);
	return refuse(j, VERDICT_REFUSED,
	    "it has a critical extension that is not known: %s", oid);
}

/* RFC 6960 section 4.4; OpenSSL leaves this to us. */
static int
is_understood(struct judging *j)
{
	OCSP_SINGLERESP *single;
	int i, k;

	for (i = 0; i < OCSP_BASICRESP_get_ext_count(j->basic); i++)
		if (!refuse_critical(j, OCSP_BASICRESP_get_ext(j->basic, i)))
			return 0;
	for (k = 0; k < j->v->singles; k++) {
		single = OCSP_resp_get0(j->basic, k);
		for (i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++)
			if (!refuse_critical(
				j, OCSP_SINGLERESP_get_ext(single, i)))
				return 0;
	}
	return 1;
}

static int
status_of(OCSP_SINGLERESP *single, int *reason, ASN1_GENERALIZEDTIME **revoked)
{
	ASN1_GENERALIZEDTIME *ignored;

	*reason = -1;
	*revoked = NULL;
	return OCSP_single_get0_status(
	    single, reason, revoked, &ignored, &ignored);
}

static int
same_window(OCSP_SINGLERESP *a, OCSP_SINGLERESP *b)
{
	ASN1_GENERALIZEDTIME *this[2] = {0}, *next[2] = {0};

	OCSP_single_get0_status(a, NULL, NULL, &this[0], &next[0]);
	OCSP_single_get0_status(b, NULL, NULL, &this[1], &next[1]);
	return ASN1_STRING_cmp(this[0], this[1]) == 0 &&
	    (next[0] == NULL) == (next[1] == NULL) &&
	    (next[0] == NULL || ASN1_STRING_cmp(next[0], next[1]) == 0);
}

/*
 * All that speak of our certificate, under whatever hash, must agree; those
 * about others are ignored.
 */
static int
find_ours(struct judging *j)
{
	ASN1_GENERALIZEDTIME *revoked;
	OCSP_SINGLERESP *single;
	enum kinship kin;
	int i, reason, seen = -1, status;

	for (i = 0; i < j->v->singles; i++) {
		single = OCSP_resp_get0(j->basic, i);
		if ((kin = kinship(j, single)) == STRANGER)
			continue;
		if (kin == UNCLEAR)
			return refuse(j, VERDICT_REFUSED,
			    "it speaks of this serial number under a hash that "
			    "is not known");
		status = status_of(single, &reason, &revoked);
		if ((seen != -1 && status != seen) ||
		    (kin == OURS && j->ours != NULL &&
			!same_window(single, j->ours)))
			return refuse(j, VERDICT_REFUSED,
			    "it contradicts itself about this certificate");
		seen = status;
		if (kin == OURS && j->ours == NULL)
			j->ours = single;
	}
	if (j->ours == NULL)
		return refuse(j, VERDICT_REFUSED,
		    "it names the certificate under another hash than the one "
		    "asked for; servers would not find it");
	j->status = seen;
	return 1;
}

/*
 * Strictly YYYYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5.2): OpenSSL's own
 * comparison takes what it cannot read for equal.
 */
static int
read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
	const unsigned char *p;
	struct tm tm;
	int i;

	*out = 0;
	if (t == NULL || ASN1_STRING_type(t) != V_ASN1_GENERALIZEDTIME ||
	    ASN1_STRING_length(t) != 15)
		return 0;
	p = ASN1_STRING_get0_data(t);
	for (i = 0; i < 14; i++)
		if (p[i] < '0' || p[i] > '9')
			return 0;
	if (p[14] != 'Z' || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	*out = words_seconds(&tm);
	return 1;
}

static int
read_times(struct judging *j)
{
	ASN1_GENERALIZEDTIME *this = NULL, *next = NULL, *revoked = NULL;
	const char *bad = NULL;

	j->v->reason = -1;
	OCSP_single_get0_status(j->ours, &j->v->reason, &revoked, &this, &next);
	if (!read_time(
		OCSP_resp_get0_produced_at(j->basic), &j->v->produced_at))
		bad = "producedAt";
	else if (!read_time(this, &j->v->this_update))
		bad = "thisUpdate";
	else if (next != NULL && !read_time(next, &j->v->next_update))
		bad = "nextUpdate";
	j->v->has_next = next != NULL;
	j->v->has_times = bad == NULL;
	if (bad != NULL)
		return refuse(j, VERDICT_REFUSED,
		    "its %s is not written as YYYYMMDDHHMMSSZ", bad);
	/* shown only: an odd one is no reason to keep a revocation quiet */
	if (!read_time(revoked, &j->v->revoked_at))
		j->v->revoked_at = -1;
	return 1;
}

static void
bound(struct ocsp_verdict *v, int64_t end, int by)
{
	if (end < v->usable_until) {
		v->usable_until = end;
		v->bounded_by = by;
	}
}

static int
set_usable_until(struct judging *j)
{
	struct ocsp_verdict *v = j->v;
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(j->signer), &tm) != 1)
		return refuse(j, VERDICT_REFUSED,
		    "the end of its signer's certificate cannot be read");
	v->usable_until = words_seconds(&tm);
	v->bounded_by = 1;
	if (v->has_next)
		bound(v, v->next_update, 0);
	bound(v, j->t->not_after, 2);
	if (j->p->max_age >= 0)
		bound(v, v->this_update + (int64_t)j->p->max_age, 3);
	if (v->usable_until <= j->p->now)
		return refuse(j, VERDICT_STALE,
		    "it cannot be used any more: its signer's certificate, or "
		    "the certificate itself, has ended");
	return 1;
}

/* RFC 9919 section 5 */
static int
is_timely(struct judging *j)
{
	char when[WORDS_TIME_MAX], span[WORDS_TIME_MAX];
	struct ocsp_verdict *v = j->v;
	const struct ocsp_policy *p = j->p;
	int64_t latest = v->this_update;
	const char *said = "";

	if (v->produced_at > latest)
		latest = v->produced_at;
	if (latest - p->now > p->skew)
		return refuse(j, VERDICT_REFUSED,
		    "its %s, %s, is in the future by %s (%lld s are "
		    "tolerated): the responder's clock or this one is wrong",
		    latest == v->this_update ? "thisUpdate" : "producedAt",
		    words_time(when, latest),
		    words_span(span, (long long)(latest - p->now)), p->skew);
	if (!v->has_next && p->max_age < 0)
		return refuse(j, VERDICT_REFUSED,
		    "it has no nextUpdate, so it never ends; servers ignore "
		    "such a response (--max-age admits it)");
	if (v->has_next && v->next_update <= v->this_update)
		return refuse(j, VERDICT_REFUSED,
		    "its nextUpdate, %s, is not later than its thisUpdate",
		    words_time(when, v->next_update));
	if (j->status == V_OCSP_CERTSTATUS_REVOKED)
		said = "; it said \"revoked\"";
	if (v->has_next && v->next_update <= p->now)
		return refuse(j, VERDICT_STALE, "it expired on %s, %s ago%s",
		    words_time(when, v->next_update),
		    words_span(span, (long long)(p->now - v->next_update)),
		    said);
	if (p->max_age >= 0 && p->now - v->this_update >= p->max_age)
		return refuse(j, VERDICT_STALE,
		    "its thisUpdate, %s, is older than --max-age (%lld s)%s",
		    words_time(when, v->this_update), p->max_age, said);
	return set_usable_until(j);
}

/* RFC 9654 section 2.1; that it is absent is no fault. */
static int
has_our_nonce(struct judging *j)
{
	int rc;

	if (!j->p->answer || !j->t->nonce)
		return 1;
	rc = OCSP_check_nonce(j->t->req, j->basic);
	if (rc == 0)
		return refuse(j, VERDICT_REFUSED,
		    "its nonce is not the one that was sent: it answers "
		    "another question");
	j->v->nonce = rc == 1;
	return 1;
}

static void
settle(struct judging *j)
{
	struct ocsp_verdict *v = j->v;
	char when[WORDS_TIME_MAX];

	if (j->status == V_OCSP_CERTSTATUS_REVOKED)
		refuse(j, VERDICT_REVOKED, "revoked on %s (%s)%s",
		    v->revoked_at != -1 ? words_time(when, v->revoked_at)
					: "an unreadable date",
		    ocsp_reason_name(v->reason),
		    /* RFC 6960 section 2.2 */
		    v->revoked_at == 0 &&
			    v->reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD
			? ", which means that it was never issued"
			: "");
	else if (j->status != V_OCSP_CERTSTATUS_GOOD)
		refuse(j, VERDICT_UNKNOWN,
		    "the responder does not know this certificate "
		    "(\"unknown\")");
	else
		v->status = VERDICT_GOOD;
}

void
ocsp_undecided(struct ocsp_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->status = VERDICT_INVALID;
	v->reason = -1;
	v->revoked_at = -1;
}

enum ocsp_status
ocsp_judge(const struct ocsp_target *t, const unsigned char *der, size_t len,
    const struct ocsp_policy *p, struct ocsp_verdict *v)
{
	struct judging j = {.t = t, .p = p, .v = v, .der = der, .len = len};

	ocsp_undecided(v);
	ERR_clear_error();
	if (recall_question(&j) && decode(&j) && is_about_us(&j) &&
	    is_signed_for_us(&j) && carries_no_ballast(&j) && is_strong(&j) &&
	    is_understood(&j) && find_ours(&j) && read_times(&j) &&
	    is_timely(&j) && has_our_nonce(&j))
		settle(&j);
	OCSP_BASICRESP_free(j.basic);
	OCSP_RESPONSE_free(j.resp);
	OCSP_CERTID_free(j.id);
	ERR_clear_error();
	if (v->status < VERDICT_STALE && v->status != VERDICT_ERROR)
		ocsp_doubt();
	return v->status;
}

/* ---- names ---- */

const char *
ocsp_reason_name(int reason)
{
	return reason < 0 ? "no reason given" : OCSP_crl_reason_str(reason);
}

const char *
ocsp_error_name(enum ocsp_error e)
{
	switch (e) {
	case ERROR_NONE:
		return "successful";
	case ERROR_MALFORMED:
		return "malformedRequest";
	case ERROR_INTERNAL:
		return "internalError";
	case ERROR_TRYLATER:
		return "tryLater";
	case ERROR_SIGREQUIRED:
		return "sigRequired";
	case ERROR_UNAUTHORIZED:
		return "unauthorized";
	}
	return "an undefined error";
}

char *
ocsp_text(const unsigned char *der, size_t len)
{
	OCSP_RESPONSE *resp;
	BIO *bio;
	char *p, *s = NULL;
	long n;

	if ((resp = d2i_OCSP_RESPONSE(NULL, &der, (long)len)) != NULL &&
	    (bio = BIO_new(BIO_s_mem())) != NULL) {
		if (OCSP_RESPONSE_print(bio, resp, 0) == 1 &&
		    (n = BIO_get_mem_data(bio, &p)) > 0)
			s = strndup(p, (size_t)n);
		BIO_free(bio);
	}
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return s;
}
