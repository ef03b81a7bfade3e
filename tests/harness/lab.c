/* SPDX-License-Identifier: ISC */
/*
 * lab: see lab.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cert/issuer.h"
#include "ocsp/cryptocheck.h"
#include "lab.h"

#define NEED(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			die(#x, __LINE__);                                     \
	} while (0)

static void die(const char *, int) __attribute__((noreturn));

static void
die(const char *what, int line)
{
	fprintf(stderr, "lab.c:%d: failed: %s\n", line, what);
	exit(99);
}

void
lab_open(struct lab *lab)
{
	const char *tmp = getenv("TMPDIR");

	memset(lab, 0, sizeof(*lab));
	snprintf(lab->dir, sizeof(lab->dir), "%s/lab.XXXXXX",
	    tmp != NULL && strlen(tmp) < sizeof(lab->dir) - 12 ? tmp : "/tmp");
	lab->now = time(NULL);
	NEED(mkdtemp(lab->dir) != NULL);
	/* first of all: the forge uses OpenSSL, too */
	NEED((lab->session = ocsp_new()) != NULL);
	forge_pki(lab->dir, lab->now);
	lab->forge = forge_open(lab->dir);
	NEED((lab->shelf = cert_shelf_new(CERT_NAMES | CERT_PRINTS)) != NULL);
}

void
lab_close(struct lab *lab)
{
	char command[128];

	cert_shelf_free(lab->shelf);
	ocsp_free(lab->session);
	forge_close(lab->forge);
	snprintf(command, sizeof(command), "rm -rf '%s'", lab->dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	NEED(system(command) == 0);
}

static void
make_subject(struct lab *lab, struct subject *s, struct forge_leaf *leaf,
    const char *issuer, struct ocsp_about *about)
{
	char path[128], issuer_path[128], why[WHY_MAX] = "";
	const char *files[1] = {issuer_path};
	struct cert_places places = {files, 1, {NULL, NULL}};

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "leaf%d", lab->leaves++);
	leaf->name = s->name;
	forge_leaf(lab->dir, leaf, lab->now);
	snprintf(path, sizeof(path), "%s/%s.pem", lab->dir, s->name);
	snprintf(issuer_path, sizeof(issuer_path), "%s/%s.pem", lab->dir,
	    issuer != NULL ? issuer : "ca");
	NEED(cert_read(lab->shelf, path, &s->cert, why) == CERT_OK);
	NEED(cert_find_issuer(&s->cert, &places, lab->now, why) == CERT_OK);
	about->issuer = s->cert.issuer;
	about->issuer_len = s->cert.issuer_len;
	about->issuer_name = s->cert.issuer_field;
	about->issuer_name_len = s->cert.issuer_field_len;
	about->serial = s->cert.serial;
	about->serial_len = s->cert.serial_len;
	about->not_after = s->cert.not_after;
	NEED((s->target = ocsp_target(lab->session, about, why)) != NULL);
}

void
lab_subject(struct lab *lab, struct subject *s, const char *ca, long to,
    enum ocsp_hash hash, int nonce)
{
	struct forge_leaf leaf = {.ca = ca, .to = to};
	struct ocsp_about about = {.hash = hash, .nonce = nonce};

	if (to != 0)
		leaf.from = -30 * FORGE_DAY;
	make_subject(lab, s, &leaf, ca, &about);
}

void
lab_subject_of(struct lab *lab, struct subject *s, const char *ca,
    const char *issuer, enum ocsp_hash hash)
{
	struct forge_leaf leaf = {.ca = ca};
	struct ocsp_about about = {.hash = hash};

	make_subject(lab, s, &leaf, issuer, &about);
}

void
subject_free(struct subject *s)
{
	ocsp_target_free(s->target);
	cert_free(&s->cert);
}

void
lab_respond(struct lab *lab, const struct subject *s,
    const struct forge_recipe *r, struct response *out)
{
	const unsigned char *req;
	size_t len;

	req = ocsp_request(s->target, &len);
	NEED(forge_response(lab->forge, r, s->name, req, len, lab->now,
		 &out->der, &out->len) == 0);
}

int
lab_refused(const struct forge_recipe *r)
{
	return ((r->md != NULL && strcmp(r->md, "SHA1") == 0) ||
		   (r->signer != NULL &&
		       strcmp(r->signer, "delegate-sha1") == 0)) &&
	    cryptocheck_refuses_sha1();
}

const char *
verdict_name(enum ocsp_status s)
{
	static const char *const names[] = {
	    [VERDICT_INVALID] = "not an OCSP response",
	    [VERDICT_ERROR] = "an error",
	    [VERDICT_FOREIGN] = "about another certificate",
	    [VERDICT_REFUSED] = "refused",
	    [VERDICT_STALE] = "expired",
	    [VERDICT_UNKNOWN] = "unknown",
	    [VERDICT_REVOKED] = "revoked",
	    [VERDICT_GOOD] = "good",
	};

	return names[s];
}
