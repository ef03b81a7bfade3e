/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cert/cert.h"
#include "cert/internal.h"
#include "cert/issuer.h"
#include "util/words.h"

/* Room for what one candidate is. */
#define DESCRIPTION_MAX 448

/* Who looks for an issuer, and what became of it so far. */
struct search {
	struct cert *c;
	int64_t now;
	struct text hunt;              /* each candidate, in lines */
	struct text places;            /* each place, for one message */
	char nearest[DESCRIPTION_MAX]; /* of the last place, in words */
	int ended;              /* an issuer was found that has expired */
	enum cert_result local; /* what kept a file from being searched, */
	struct text local_why;  /* of the first one */
};

/* A candidate for --verbose; of a file with one there is no need to count. */
static void
note_candidate(struct search *s, const char *from, size_t nth, const char *what)
{
	text_add_escaped(&s->hunt, from, strlen(from));
	if (nth > 0)
		text_add(&s->hunt, ", certificate %zu", nth);
	text_add(&s->hunt, ": ");
	text_add_escaped(&s->hunt, what, strlen(what));
	text_add(&s->hunt, "\n");
}

static void
note_place(struct search *s, const char *from, const char *what)
{
	if (s->places.len > 0)
		text_add(&s->places, "; ");
	text_add_escaped(&s->places, from, strlen(from));
	text_add(&s->places, ": %s", what);
}

/* The machine's fault, not a candidate's: the first one is told. */
static void
note_local(struct search *s, const char *why)
{
	if (s->local == CERT_OK)
		text_set(&s->local_why, "%s", why);
	s->local = CERT_ELOCAL;
}

static int
remember_issuer(struct cert *c, const struct cert_der *d, const char *from)
{
	const X509_NAME *field = X509_get_issuer_name(c->parts->leaf);
	const unsigned char *name;
	size_t name_len;

	c->issuer_from = strdup(from);
	c->issuer = malloc(d->len);
	if (c->issuer == NULL || c->issuer_from == NULL ||
	    X509_NAME_get0_der(field, &name, &name_len) != 1 ||
	    (c->issuer_field = malloc(name_len)) == NULL)
		return -1;
	memcpy(c->issuer_field, name, name_len);
	c->issuer_field_len = name_len;
	memcpy(c->issuer, d->p, d->len);
	c->issuer_len = d->len;
	return 0;
}

/* The first of a list that is the issuer is remembered, unless one was. */
static enum candidate
search_ders(
    struct search *s, const struct ders *l, size_t first, const char *from)
{
	enum candidate found, nearest = CANDIDATE_NONE;
	char what[DESCRIPTION_MAX];
	struct kept *kept;
	const char *fault = "";
	size_t i;
	X509 *x;

	candidate_describe(
	    s->nearest, sizeof(s->nearest), NULL, CANDIDATE_NONE);
	for (i = first; i < l->n && nearest != CANDIDATE_ISSUER; i++) {
		found = CANDIDATE_DAMAGED;
		x = candidate_take(s->c, &l->v[i], &kept, &fault);
		if (x != NULL)
			found = candidate_examine(s->c, x, kept, s->now);
		candidate_describe(what, sizeof(what), x, found);
		note_candidate(
		    s, from, l->n > 1 ? i + 1 : 0, x == NULL ? fault : what);
		if (found > nearest)
			memcpy(s->nearest, what, sizeof(what));
		if (found == CANDIDATE_ISSUER && s->c->issuer == NULL &&
		    remember_issuer(s->c, &l->v[i], from) == -1)
			note_local(s, "out of memory");
		if (kept == NULL)
			X509_free(x);
		if (found > nearest)
			nearest = found;
	}
	ERR_clear_error();
	note_place(s, from, s->nearest);
	s->ended |= nearest == CANDIDATE_ENDED;
	return nearest;
}

/* A file that may be absent, or of no use. */
static int
search_file(struct search *s, const char *path, char *why)
{
	struct ders l = {0};
	enum cert_result res;
	int found = 0;

	if ((res = ders_load(path, 0, &l, why)) == CERT_OK)
		found = search_ders(s, &l, 0, path) == CANDIDATE_ISSUER;
	else if (res == CERT_ELOCAL)
		note_local(s, why);
	else {
		if (access(path, F_OK) == -1 && errno == ENOENT)
			words_set(why, WHY_MAX, "absent");
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
		if ((res = ders_load(places->files[i], 0, &l, why)) == CERT_OK)
			(void)search_ders(s, &l, 0, places->files[i]);
		ders_free(&l);
	}
	if (res != CERT_OK)
		return res;
	/* HAProxy looks only here */
	if (search_ders(s, &c->parts->all, 1, c->parts->from) ==
	    CANDIDATE_ISSUER)
		c->issuer_beside = 1;
	else if (places->beside[0] != NULL &&
	    search_file(s, places->beside[0], why))
		c->issuer_beside = 1;
	else if (c->issuer == NULL && places->beside[1] != NULL)
		(void)search_file(s, places->beside[1], why);
	return CERT_OK;
}

enum cert_result
cert_find_issuer(
    struct cert *c, const struct cert_places *places, int64_t now, char *why)
{
	struct search s = {.c = c, .now = now};
	enum cert_result res;

	res = search_all(&s, places, why);
	if (res == CERT_OK && c->issuer_len == 0 && s.local != CERT_OK) {
		res = s.local;
		words_set(why, WHY_MAX, "%s",
		    s.local_why.s != NULL ? s.local_why.s : "out of memory");
	} else if (res == CERT_OK && c->issuer_len == 0) {
		res = CERT_EISSUER;
		(void)cert_take_names(c, c->parts->leaf);
		words_set(why, WHY_MAX, "%s for it (%s%s%s), %s; looked at: %s",
		    s.ended ? "only an expired issuer found"
			    : "no issuer found",
		    c->issuer_name != NULL ? c->issuer_name : "?",
		    c->issuer_key[0] != '\0' ? ", key " : "", c->issuer_key,
		    s.ended ? "get the CA's renewed certificate and name its "
			      "file with -i, or have the CA issue this one anew"
			    : "name its file with -i",
		    s.places.s != NULL ? s.places.s : "nothing");
	}
	c->hunt = s.hunt.s;
	text_free(&s.places);
	text_free(&s.local_why);
	if (c->issuer_len > 0)
		cert_take_fingerprint(c);
	/* else somebody may yet send the issuer */
	if (res != CERT_EISSUER)
		cert_parts_free(c);
	return res;
}

/*
 * Its outermost length may have been said as BER has it and DER has not; what
 * was signed is as it was signed.
 */
static int
make_der(struct cert *c)
{
	const unsigned char *in = c->issuer;
	unsigned char *der = NULL, *p;
	X509 *x = d2i_X509(NULL, &in, (long)c->issuer_len);
	int len = x != NULL ? i2d_X509(x, NULL) : -1;

	if (len > 0 && (p = der = malloc((size_t)len)) != NULL) {
		(void)i2d_X509(x, &p);
		free(c->issuer);
		c->issuer = der;
		c->issuer_len = (size_t)len;
	}
	X509_free(x);
	return der != NULL ? 0 : -1;
}

enum cert_result
cert_take_issuer(struct cert *c, const unsigned char *p, size_t len,
    const char *from, int64_t now, char *why)
{
	struct search s = {.c = c, .now = now};
	enum cert_result res = CERT_OK;
	enum candidate nearest = CANDIDATE_NONE;
	struct ders l = {0};

	if (ders_split(&l, p, len, 1) == -1)
		s.local = CERT_ELOCAL;
	else
		nearest = search_ders(&s, &l, 0, from);
	if (nearest == CANDIDATE_ISSUER && s.local == CERT_OK &&
	    make_der(c) == -1)
		s.local = CERT_ELOCAL;
	if (s.local != CERT_OK) {
		words_set(why, WHY_MAX, "out of memory");
		res = s.local;
	} else if (nearest == CANDIDATE_NONE || nearest == CANDIDATE_DAMAGED) {
		words_set(why, WHY_MAX,
		    "not a certificate (neither DER, PEM "
		    "nor PKCS #7)");
		res = nearest == CANDIDATE_NONE ? CERT_ENONE : CERT_EBAD;
	} else if (nearest != CANDIDATE_ISSUER) {
		words_set(why, WHY_MAX, "%s", s.nearest);
		res = CERT_EISSUER;
	}
	if (s.hunt.s != NULL) {
		free(c->hunt);
		c->hunt = s.hunt.s;
	}
	text_free(&s.places);
	text_free(&s.local_why);
	ders_free(&l);
	if (res != CERT_OK)
		return res;
	cert_take_fingerprint(c);
	cert_parts_free(c);
	return res;
}

char *
cert_issuer_pem(const struct cert *c)
{
	char *pem = NULL, *p;
	BIO *bio;
	long n;

	if ((bio = BIO_new(BIO_s_mem())) != NULL &&
	    PEM_write_bio(
		bio, PEM_STRING_X509, "", c->issuer, (long)c->issuer_len) > 0 &&
	    (n = BIO_get_mem_data(bio, &p)) > 0)
		pem = strndup(p, (size_t)n);
	BIO_free(bio);
	ERR_clear_error();
	return pem;
}

int
cert_holds_issuer(const struct cert *c, const unsigned char *p, size_t len)
{
	struct ders l = {0};
	int holds;
	size_t i;

	/* without memory: perhaps */
	holds = ders_split(&l, p, len, 1) == -1;
	for (i = 0; i < l.n && !holds; i++)
		holds = l.v[i].p != NULL && l.v[i].len == c->issuer_len &&
		    memcmp(l.v[i].p, c->issuer, c->issuer_len) == 0;
	ders_free(&l);
	return holds;
}
