/* SPDX-License-Identifier: ISC */
/*
 * forge: make a PKI, leaves and OCSP responses from a shell.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "forge.h"

#define MAX_URLS 64

static void usage(void) __attribute__((noreturn));

static void
usage(void)
{
	fputs(
	    "usage: forge pki DIR\n"
	    "       forge leaf DIR NAME [--ca NAME] [--cn CN] [--url URL]...\n"
	    "             [--no-url] [--aia-issuer URL]... [--must-staple]\n"
	    "             [--from SECS] [--to SECS] [--serial HEX]\n"
	    "             [--self-signed] [--key ec|rsa] [--count N]\n"
	    "             [--md NAME]\n"
	    "       forge response DIR NAME RECIPE [REQUEST.der] > out.der\n"
	    "       forge cert DIR NAME der|pem|cms > out\n"
	    "       forge recipes [--exit]\n",
	    stderr);
	exit(2);
}

static long
number(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*s == '\0' || *end != '\0')
		usage();
	return n;
}

/* NAME, or with --count N: NAME1 to NAMEn. */
static void
make_leaves(const char *dir, struct forge_leaf *l, long count)
{
	const char *name = l->name;
	char numbered[256];
	long i;

	if (count == 0)
		forge_leaf(dir, l, time(NULL));
	for (i = 1; i <= count; i++) {
		snprintf(numbered, sizeof(numbered), "%s%ld", name, i);
		l->name = numbered;
		forge_leaf(dir, l, time(NULL));
	}
	l->name = name;
}

static int
leaf(int argc, char **argv)
{
	static const struct option opts[] = {{"ca", 1, NULL, 'c'},
	    {"cn", 1, NULL, 'n'}, {"url", 1, NULL, 'u'},
	    {"no-url", 0, NULL, 'U'}, {"aia-issuer", 1, NULL, 'i'},
	    {"must-staple", 0, NULL, 'm'}, {"from", 1, NULL, 'f'},
	    {"to", 1, NULL, 't'}, {"serial", 1, NULL, 's'},
	    {"self-signed", 0, NULL, 'S'}, {"md", 1, NULL, 'd'},
	    {"key", 1, NULL, 'k'}, {"count", 1, NULL, 'N'}, {NULL, 0, NULL, 0}};
	const char *urls[MAX_URLS], *places[MAX_URLS];
	struct forge_leaf l = {.urls = urls,
	    .issuer_urls = places,
	    .from = -30 * FORGE_DAY,
	    .to = 60 * FORGE_DAY};
	long count = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1)
		switch (c) {
		case 'c':
			l.ca = optarg;
			break;
		case 'n':
			l.cn = optarg;
			break;
		case 'U':
			l.nurls = 0;
			break;
		case 'm':
			l.must_staple = 1;
			break;
		case 'f':
			l.from = number(optarg);
			break;
		case 't':
			l.to = number(optarg);
			break;
		case 's':
			l.serial = optarg;
			break;
		case 'S':
			l.self_signed = 1;
			break;
		case 'd':
			l.md = optarg;
			break;
		case 'k':
			l.rsa = strcmp(optarg, "rsa") == 0;
			break;
		case 'N':
			count = number(optarg);
			break;
		case 'u':
			if (l.nurls < MAX_URLS) {
				urls[l.nurls++] = optarg;
				break;
			}
			usage();
		case 'i':
			if (l.nissuer_urls < MAX_URLS) {
				places[l.nissuer_urls++] = optarg;
				break;
			}
			__attribute__((fallthrough));
		default:
			usage();
		}
	if (argc - optind != 2)
		usage();
	l.name = argv[optind + 1];
	make_leaves(argv[optind], &l, count);
	return 0;
}

static int
put_out(unsigned char *p, size_t n)
{
	int bad = fwrite(p, 1, n, stdout) != n || fflush(stdout) != 0;

	free(p);
	if (bad)
		perror("forge: stdout");
	return bad ? 3 : 0;
}

/* The whole file, NULL if there is none.  A request is small. */
static unsigned char *
slurp(const char *path, size_t *n)
{
	size_t max = 65536;
	unsigned char *p = malloc(max);
	FILE *f = fopen(path, "r");

	if (p == NULL || f == NULL) {
		free(p);
		return NULL;
	}
	*n = fread(p, 1, max, f);
	fclose(f);
	return p;
}

static int
response(int argc, char **argv)
{
	const struct forge_recipe *r;
	unsigned char *req = NULL, *out;
	size_t reqlen = 0, n;
	struct forge *f;
	int bad;

	if (argc != 4 && argc != 5)
		usage();
	if ((r = forge_find(argv[3])) == NULL) {
		fprintf(stderr, "forge: %s: no such recipe\n", argv[3]);
		return 2;
	}
	if (argc == 5 && (req = slurp(argv[4], &reqlen)) == NULL) {
		perror(argv[4]);
		return 2;
	}
	f = forge_open(argv[1]);
	bad = forge_response(f, r, argv[2], req, reqlen, time(NULL), &out, &n);
	forge_close(f);
	free(req);
	if (bad) {
		fprintf(
		    stderr, "forge: %s %s: cannot be made\n", argv[2], argv[3]);
		return 1;
	}
	return put_out(out, n);
}

static int
cert(int argc, char **argv)
{
	struct forge *f;
	unsigned char *out;
	size_t n;
	int bad;

	if (argc != 4)
		usage();
	f = forge_open(argv[1]);
	bad = forge_cert(f, argv[2], argv[3], &out, &n);
	forge_close(f);
	if (bad) {
		fprintf(stderr, "forge: %s: no such certificate\n", argv[2]);
		return 1;
	}
	return put_out(out, n);
}

static int
recipes(int argc, char **argv)
{
	int codes = argc == 2 && strcmp(argv[1], "--exit") == 0;
	const struct forge_recipe *r;

	for (r = forge_recipes; r->name != NULL; r++) {
		if (codes)
			printf("%s %d %s\n", r->name, r->exit,
			    r->ca == NULL ? "ca" : r->ca);
		else
			printf("%-32s %s%s%s\n", r->name, r->text,
			    r->ca == NULL ? "" : "; leaf of ",
			    r->ca == NULL ? "" : r->ca);
	}
	return fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	argc--;
	argv++;
	if (strcmp(verb, "pki") == 0 && argc == 2) {
		forge_pki(argv[1], time(NULL));
		return 0;
	}
	if (strcmp(verb, "leaf") == 0)
		return leaf(argc, argv);
	if (strcmp(verb, "response") == 0)
		return response(argc, argv);
	if (strcmp(verb, "cert") == 0)
		return cert(argc, argv);
	if (strcmp(verb, "recipes") == 0)
		return recipes(argc, argv);
	usage();
}
