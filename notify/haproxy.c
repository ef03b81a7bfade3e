/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/haproxy.h"
#include "notify/haproxy_cli.h"
#include "notify/haproxy_names.h"

#define UPDATED "OCSP Response updated!"
#define UNMATCHED "Certificate ID does not match any certificate or issuer."

/* A run that lives ends its transaction within milliseconds. */
#define TRANSACTION_TRIES 20
#define TRANSACTION_PAUSE 50 /* ms between them */

/* What one push carries along. */
struct push {
	struct haproxy_cli cli;
	const struct haproxy_news *news;
	struct haproxy_done *done;
};

/* ---- attaching: a transaction ---- */

/* "set ssl cert NAME.EXT <<", its payload and the empty line that ends it. */
static enum haproxy_result
set_file(struct push *p, const char *name, const char *ext,
    const unsigned char *der, size_t len, struct haproxy_reply *r)
{
	const int pem = strcmp(ext, ".issuer") == 0;
	struct text t;

	haproxy_begin(&p->cli, &t, "set ssl cert ");
	if (haproxy_add_word(&t, name) == -1) {
		text_free(&t);
		snprintf(p->cli.why, WHY_MAX,
		    "the certificate's name has a control character");
		return HAPROXY_REFUSED;
	}
	text_add(&t, "%s <<\n", ext);
	if (pem)
		text_add(&t, "-----BEGIN CERTIFICATE-----\n");
	haproxy_add_base64(&t, der, len, pem ? 64 : 0);
	text_add(&t, "%s\n", pem ? "-----END CERTIFICATE-----" : "");
	return haproxy_ask(&p->cli, &t, r, HAPROXY_REPLY_MAX);
}

/* Was this said of it?  There may be warnings besides. */
static int
tells(const struct haproxy_reply *r, const char *said, const char *name)
{
	const char *at = strstr(r->s, said);
	size_t len = strlen(name);

	if (at == NULL)
		return 0;
	at += strlen(said);
	return strncmp(at, name, len) == 0 && at[len] == '!';
}

static enum haproxy_result
add_issuer(struct push *p, const char *name)
{
	struct haproxy_reply r = {NULL, 0};
	enum haproxy_result res;

	res = set_file(
	    p, name, ".issuer", p->news->issuer, p->news->issuer_len, &r);
	if (res != HAPROXY_UPDATED)
		return res;
	if (!tells(&r, "Transaction updated for certificate ", name))
		return haproxy_refused(
		    &p->cli, "given the issuer of the certificate", &r);
	free(r.s);
	return HAPROXY_UPDATED;
}

static enum haproxy_result
commit(struct push *p, const char *name)
{
	struct haproxy_reply r = {NULL, 0};
	enum haproxy_result res;

	res = haproxy_ask_of(&p->cli, "commit ssl cert", name, &r);
	if (res != HAPROXY_UPDATED)
		return res;
	if (!haproxy_ends(&r, "\nSuccess!"))
		return haproxy_refused(
		    &p->cli, "told to commit the new response", &r);
	free(r.s);
	return HAPROXY_UPDATED;
}

/* It may not stay open, or nobody can open another. */
static void
abandon(struct push *p, const char *name)
{
	struct haproxy *h = p->cli.h;
	char kept[WHY_MAX], dead[WHY_MAX];
	struct haproxy_reply r = {NULL, 0};

	memcpy(kept, p->cli.why, sizeof(kept));
	memcpy(dead, h->dead, sizeof(dead));
	p->cli.until = h->now_ms() + HAPROXY_PATIENCE / 10;
	if (haproxy_ask_of(&p->cli, "abort ssl cert", name, &r) ==
	    HAPROXY_UPDATED)
		free(r.s);
	memcpy(p->cli.why, kept, sizeof(kept));
	memcpy(h->dead, dead, sizeof(dead));
}

static enum haproxy_result
transact(struct push *p, const char *name)
{
	static const char created[] = "Transaction created for certificate ";
	struct haproxy_reply r = {NULL, 0};
	enum haproxy_result res;

	p->cli.in_transaction = 1;
	res = set_file(p, name, ".ocsp", p->news->der, p->news->len, &r);
	if (res == HAPROXY_REFUSED ||
	    (res == HAPROXY_UPDATED && !tells(&r, created, name))) {
		/* if there is one, it is somebody else's to end */
		p->cli.in_transaction = 0;
		return res == HAPROXY_REFUSED
		    ? res
		    : haproxy_refused(
			  &p->cli, "asked to attach a first response", &r);
	}
	if (res == HAPROXY_UPDATED) {
		free(r.s);
		res = add_issuer(p, name);
	}
	if (res == HAPROXY_UPDATED)
		res = commit(p, name);
	if (res != HAPROXY_UPDATED)
		abandon(p, name);
	p->cli.in_transaction = 0;
	return res;
}

/* ---- whose transaction is open ---- */

/* UPDATED: `open` is its name, or empty. */
static enum haproxy_result
ask_open(struct push *p, char *open, size_t size)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};
	struct text t;

	haproxy_begin(&p->cli, &t, "show ssl cert");
	res = haproxy_ask(&p->cli, &t, &r, HAPROXY_LIST_MAX);
	if (res != HAPROXY_UPDATED)
		return res;
	haproxy_open_transaction(r.s, open, size);
	free(r.s);
	return HAPROXY_UPDATED;
}

/* One fact of what is in the transaction: "show ssl cert *NAME[EXT]". */
static enum haproxy_result
ask_within(
    struct push *p, const char *name, const char *ext, struct haproxy_reply *r)
{
	struct text t;

	haproxy_begin(&p->cli, &t, "show ssl cert *");
	if (haproxy_add_word(&t, name) == -1) {
		text_free(&t);
		return HAPROXY_REFUSED;
	}
	text_add(&t, "%s", ext);
	return haproxy_ask(&p->cli, &t, r, HAPROXY_REPLY_MAX);
}

/* Is nothing in it but a response for our certificate, as we attach it? */
static enum haproxy_result
is_our_kind(struct push *p, const char *name, int *ours)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};

	*ours = 0;
	if ((res = ask_within(p, name, "", &r)) != HAPROXY_UPDATED)
		return res == HAPROXY_DEAD ? res : HAPROXY_UPDATED;
	*ours = haproxy_shows(r.s, p->news->sha1);
	free(r.s);
	if (!*ours)
		return HAPROXY_UPDATED;
	if ((res = ask_within(p, name, ".ocsp", &r)) != HAPROXY_UPDATED)
		return res;
	*ours = haproxy_begins(&r, HAPROXY_RESPONSE);
	free(r.s);
	return HAPROXY_UPDATED;
}

static enum haproxy_result
is_busy(struct push *p, const char *open)
{
	snprintf(p->cli.why, WHY_MAX,
	    "somebody's transaction about %s is not yet committed", open);
	return HAPROXY_BUSY;
}

/*
 * No transaction is open.  One of a run that was killed would stay for ever,
 * and keep everybody from opening another.
 */
static enum haproxy_result
clear_way(struct push *p)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};
	char open[300];
	int ours = 0, tries;

	for (tries = 0; tries < TRANSACTION_TRIES; tries++) {
		if ((res = ask_open(p, open, sizeof(open))) != HAPROXY_UPDATED)
			return res;
		if (*open == '\0')
			return HAPROXY_UPDATED;
		if ((res = is_our_kind(p, open, &ours)) != HAPROXY_UPDATED)
			return res;
		if (!ours)
			return is_busy(p, open);
		haproxy_cli_pause(&p->cli, TRANSACTION_PAUSE);
	}
	res = haproxy_ask_of(&p->cli, "abort ssl cert", open, &r);
	if (res == HAPROXY_UPDATED)
		free(r.s);
	return res;
}

/* ---- attaching to each name ---- */

static enum haproxy_result
is_other(struct push *p, const char *name)
{
	snprintf(p->cli.why, WHY_MAX,
	    "what it has loaded as %s is another certificate, perhaps an "
	    "older one",
	    name);
	return HAPROXY_REFUSED;
}

/* What HAProxy knows by this name is our certificate yet. */
static enum haproxy_result
is_ours(struct push *p, const char *name)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};

	res = haproxy_ask_of(&p->cli, "show ssl cert", name, &r);
	if (res != HAPROXY_UPDATED)
		return res;
	if (haproxy_shows(r.s, p->news->sha1)) {
		free(r.s);
		return HAPROXY_UPDATED;
	}
	if (!haproxy_begins(&r, "Filename: "))
		return haproxy_refused(
		    &p->cli, "asked for its certificate", &r);
	free(r.s);
	return is_other(p, name);
}

static enum haproxy_result
attach(struct push *p, struct haproxy_name *name)
{
	enum haproxy_result res;

	haproxy_cli_start(&p->cli, p->cli.h, p->cli.why);
	if ((res = clear_way(p)) != HAPROXY_UPDATED ||
	    (res = is_ours(p, name->name)) != HAPROXY_UPDATED ||
	    (res = transact(p, name->name)) != HAPROXY_UPDATED)
		return res;
	/* with "ocsp" in its line it would have had a place for one */
	if (name->name[0] == '@' || name->unnamed)
		snprintf(
		    p->done->lost, sizeof(p->done->lost), "%s", name->name);
	name->staples = 1;
	return HAPROXY_UPDATED;
}

static enum haproxy_result
is_stranger(struct push *p)
{
	const char *namesake = haproxy_namesake(p->cli.h->names, p->news->path);

	if (namesake != NULL)
		return is_other(p, namesake);
	snprintf(p->cli.why, WHY_MAX,
	    "it has loaded no certificate by the name of %s, nor this one "
	    "by another name",
	    haproxy_last_name(p->news->path));
	return HAPROXY_REFUSED;
}

static enum haproxy_result
is_idle(struct push *p, const char *name)
{
	snprintf(p->cli.why, WHY_MAX,
	    "it has loaded it as %s, but no bind line uses that", name);
	return HAPROXY_REFUSED;
}

/* To all that have none, or at least to those that are known to have none. */
static enum haproxy_result
attach_all(struct push *p, int all, size_t *attached)
{
	enum haproxy_result res = HAPROXY_UPDATED;
	struct haproxy_name *v;
	size_t n, i;

	*attached = 0;
	v = haproxy_names_find(p->cli.h->names, p->news->sha1, &n);
	if (v == NULL)
		return all ? is_stranger(p) : HAPROXY_UPDATED;
	/* before 2.8 one that began with an empty file looks as one without */
	if (!all && n == 1 && p->cli.h->shows_text)
		return HAPROXY_UPDATED;
	for (i = 0; i < n && res == HAPROXY_UPDATED; i++)
		if (!v[i].unused && (all || !v[i].staples) &&
		    (res = attach(p, &v[i])) == HAPROXY_UPDATED)
			(*attached)++;
	if (res == HAPROXY_UPDATED && all && *attached == 0)
		return is_idle(p, v->name);
	return res;
}

/* ---- the push ---- */

static enum haproxy_result
update(struct push *p, struct haproxy_reply *r)
{
	struct text t = {0};
	enum haproxy_result res;

	haproxy_add_base64(&t, p->news->der, p->news->len, 0);
	if (t.failed) {
		text_free(&t);
		return haproxy_no_memory(&p->cli);
	}
	haproxy_cli_start(&p->cli, p->cli.h, p->cli.why);
	res = haproxy_ask_worker(&p->cli, "set ssl ocsp-response", t.s, r);
	text_free(&t);
	return res;
}

/* Nothing but this is success; frees the reply. */
static enum haproxy_result
confirm(struct push *p, struct haproxy_reply *r, enum haproxy_result done)
{
	if (!haproxy_is(r, UPDATED))
		return haproxy_refused(&p->cli, "given the response", r);
	snprintf(p->cli.why, WHY_MAX, "%s", UPDATED);
	free(r->s);
	return done;
}

/* HAProxy says Success! also of what it then ignores. */
static enum haproxy_result
attach_and_prove(struct push *p, int all, enum haproxy_result before)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};
	size_t attached;

	if ((res = attach_all(p, all, &attached)) != HAPROXY_UPDATED)
		return res;
	if (attached == 0)
		return before;
	if ((res = update(p, &r)) != HAPROXY_UPDATED)
		return res;
	return confirm(p, &r, HAPROXY_ATTACHED);
}

/* Each name shall staple it, as far as this socket may know the names. */
static enum haproxy_result
spread(struct push *p)
{
	char kept[WHY_MAX];
	enum haproxy_result res;

	if (p->cli.h->hides_names)
		return HAPROXY_UPDATED;
	memcpy(kept, p->cli.why, sizeof(kept));
	haproxy_cli_start(&p->cli, p->cli.h, p->cli.why);
	if ((res = haproxy_names_load(&p->cli)) == HAPROXY_UPDATED)
		res = attach_and_prove(p, 0, HAPROXY_UPDATED);
	else if (res == HAPROXY_REFUSED) {
		p->cli.h->hides_names = 1;
		res = HAPROXY_UPDATED;
	}
	if (res == HAPROXY_UPDATED)
		memcpy(p->cli.why, kept, sizeof(kept));
	return res;
}

static enum haproxy_result
push(struct push *p)
{
	enum haproxy_result res;
	struct haproxy_reply r = {NULL, 0};

	if ((res = update(p, &r)) != HAPROXY_UPDATED)
		return res;
	if (!haproxy_ends(&r, UNMATCHED)) {
		res = confirm(p, &r, HAPROXY_UPDATED);
		return res == HAPROXY_UPDATED ? spread(p) : res;
	}
	free(r.s);
	haproxy_cli_start(&p->cli, p->cli.h, p->cli.why);
	if ((res = haproxy_names_load(&p->cli)) != HAPROXY_UPDATED)
		return res;
	return attach_and_prove(p, 1, HAPROXY_UPDATED);
}

/* 0: it can be sent; else `*res` tells. */
static int
begin(struct push *p, struct haproxy *h, enum haproxy_result *res, char *why)
{
	p->done->lost[0] = '\0';
	if (h->dead[0] != '\0') {
		memcpy(why, h->dead, WHY_MAX);
		*res = HAPROXY_DEAD;
		return -1;
	}
	haproxy_cli_start(&p->cli, h, why);
	if (p->news->len <= HAPROXY_MAX_DER)
		return 0;
	words_set(why, WHY_MAX,
	    "the response has %zu bytes, and more than %zu may not fit "
	    "into HAProxy's buffer",
	    p->news->len, HAPROXY_MAX_DER);
	*res = HAPROXY_REFUSED;
	return -1;
}

enum haproxy_result
haproxy_push(struct haproxy *h, const struct haproxy_news *news,
    struct haproxy_done *done, char *why)
{
	struct push p = {.news = news, .done = done};
	enum haproxy_result res;

	return begin(&p, h, &res, why) == 0 ? push(&p) : res;
}

enum haproxy_result
haproxy_spread(struct haproxy *h, const struct haproxy_news *news,
    struct haproxy_done *done, char *why)
{
	struct push p = {.news = news, .done = done};
	enum haproxy_result res;

	/* what is too large to be sent is there, at least by one name */
	if (begin(&p, h, &res, why) == -1)
		return res == HAPROXY_DEAD ? res : HAPROXY_UPDATED;
	words_set(why, WHY_MAX, "it has this response already");
	return spread(&p);
}

int
haproxy_has_chain(struct haproxy *h, const char *sha1)
{
	const struct haproxy_name *v;
	char why[WHY_MAX];
	struct haproxy_cli p;
	size_t n, i;

	if (h->dead[0] != '\0')
		return 0;
	haproxy_cli_start(&p, h, why);
	if (haproxy_names_load(&p) != HAPROXY_UPDATED)
		return 0;
	v = haproxy_names_find(h->names, sha1, &n);
	for (i = 0; i < n && v[i].has_chain; i++)
		;
	return n > 0 && i == n;
}

void
haproxy_end(struct haproxy *h)
{
	haproxy_names_free(h->names);
	h->names = NULL;
}
