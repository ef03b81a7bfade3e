/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert/cert.h"
#include "cert/internal.h"
#include "util/words.h"

/* A name that can be asked for: a wildcard stands for any. */
static char *
usable_name(const ASN1_STRING *s)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_";
	const unsigned char *p = ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s), i;
	struct text t = {0};

	if (n > 2 && p[0] == '*' && p[1] == '.') {
		text_add(&t, "www");
		p++;
		n--;
	}
	for (i = 0; i < n && n < 254; i++)
		if (p[i] == '\0' || strchr(known, p[i]) == NULL)
			break;
	/* an address is none, RFC 6066 section 3 */
	if (n == 0 || i < n || text_add(&t, "%.*s", (int)n, p) != 0 ||
	    strspn(t.s, "0123456789.") == t.len) {
		text_free(&t);
		return NULL;
	}
	return t.s;
}

static char *
own_name(X509 *x)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(x);
	const GENERAL_NAME *g;
	char *name = NULL;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && name == NULL; i++) {
		g = sk_GENERAL_NAME_value(names, i);
		if (g->type == GEN_DNS)
			name = usable_name(g->d.dNSName);
	}
	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (names == NULL && i >= 0)
		name = usable_name(
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	GENERAL_NAMES_free(names);
	return name;
}

char *
cert_server_name(const struct cert *c, const char *host)
{
	X509 *leaf = c->parts->leaf;
	char *name;

	if (X509_check_host(leaf, host, strlen(host), 0, NULL) == 1)
		name = strdup(host);
	else
		name = own_name(leaf);
	ERR_clear_error();
	return name;
}

/* ---- a CA's certificate where a server's belongs ---- */

static int
is_ca(const X509 *x)
{
	BASIC_CONSTRAINTS *bc =
	    X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
	int ca = bc != NULL && bc->ca != 0;

	BASIC_CONSTRAINTS_free(bc);
	return ca;
}

/* So were CAs before there were extensions. */
static int
is_old_root(const X509 *x)
{
	return X509_get_version(x) == X509_VERSION_1 &&
	    X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) ==
	    0;
}

/* A name or an address that a client could ask for. */
static int
has_host_name(X509 *x)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	char *name = own_name(x);
	int i, yes = name != NULL;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++)
		yes |= sk_GENERAL_NAME_value(names, i)->type == GEN_IPADD;
	GENERAL_NAMES_free(names);
	free(name);
	return yes;
}

/*
 * The first certificate behind the leaf that is no CA's, and, if `now` is not
 * 0, valid then; to be freed.  NULL: there is none.
 */
static X509 *
find_other_leaf(const struct cert_parts *parts, int64_t now)
{
	const char *fault;
	int64_t from, to;
	size_t i;
	X509 *x;

	for (i = 1; i < parts->all.n; i++) {
		x = cert_decode(parts->shelf->light, &parts->all.v[i], &fault);
		if (x != NULL && !is_ca(x) && !is_old_root(x) &&
		    (now == 0 ||
			(cert_to_time(X509_get0_notBefore(x), &from) == 0 &&
			    cert_to_time(X509_get0_notAfter(x), &to) == 0 &&
			    from <= now && now <= to)))
			return x;
		X509_free(x);
	}
	return NULL;
}

/* Is it a server's own, as `openssl req -x509` makes them? */
static int
is_own_ca(const struct cert *c)
{
	return c->parts->all.n == 1 && c->self_signed &&
	    (has_host_name(c->parts->leaf) ||
		(c->nurls == 0 && !c->parts->all.key));
}

enum cert_result
cert_check_ca(const struct cert *c, char *why)
{
	const struct cert_parts *parts = c->parts;
	X509 *other;
	char *ca, *name = NULL;

	if (!is_ca(parts->leaf) || is_own_ca(c))
		return CERT_OK;
	other = find_other_leaf(parts, 0);
	if (other == NULL && !parts->all.key && parts->shelf->allow_ca)
		return CERT_OK;
	ca = cert_name_text(X509_get_subject_name(parts->leaf));
	if (other != NULL)
		name = cert_name_text(X509_get_subject_name(other));
	if (other != NULL)
		words_set(why, WHY_MAX,
		    "its first certificate is that of a CA (%s), and the "
		    "server's (%s) comes later: put the server's first",
		    ca != NULL ? ca : "?", name != NULL ? name : "?");
	else
		words_set(why, WHY_MAX,
		    "its first certificate is that of a CA (%s), and %s: "
		    "%s",
		    ca != NULL ? ca : "?",
		    parts->all.key ? "a private key is in the file, but no "
				     "server's certificate"
				   : "no server's follows",
		    parts->all.key
			? "put the server's certificate first"
			: "name the file that begins with the server's "
			  "(certbot: fullchain.pem), or --allow-ca");
	free(ca);
	free(name);
	X509_free(other);
	return other != NULL || parts->all.key ? CERT_EBAD : CERT_ENONE;
}

char *
cert_valid_behind(const struct cert *c, int64_t now)
{
	X509 *x = find_other_leaf(c->parts, now);
	char *name =
	    x != NULL ? cert_name_text(X509_get_subject_name(x)) : NULL;

	X509_free(x);
	ERR_clear_error();
	return name;
}
