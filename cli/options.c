/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"
#include "privsep/sandbox.h"
#include "probe/served.h"

/* A longer word is nothing that is like an option. */
#define OPTION_MAX 32

#define YEARS_100 (100LL * 365 * 86400)

static const struct choice methods[] = {{"auto", METHOD_AUTO},
    {"get", METHOD_GET}, {"post", METHOD_POST}, {NULL, 0}};
static const struct choice hashes[] = {
    {"sha1", HASH_SHA1}, {"sha256", HASH_SHA256}, {NULL, 0}};
static const struct choice protocols[] = {{"smtp", STARTTLS_SMTP},
    {"imap", STARTTLS_IMAP}, {"pop3", STARTTLS_POP3}, {"ftp", STARTTLS_FTP},
    {"ldap", STARTTLS_LDAP}, {NULL, 0}};
static const struct choice sandboxes[] = {{"auto", SANDBOX_AUTO},
    {"require", SANDBOX_REQUIRE}, {"off", SANDBOX_OFF}, {NULL, 0}};

#define AT(member) offsetof(struct options, member)
/* clang-format off */
#define NOTHING {0, 0, 0}
/* clang-format on */

static const struct entry table[] = {
    {'4', "ipv4", FLAG, AT(ipv4), no_argument, NOTHING, NULL},
    {'6', "ipv6", FLAG, AT(ipv6), no_argument, NOTHING, NULL},
    {'a', "max-age", TIME, AT(max_age), required_argument, {1, YEARS_100, 0},
	NULL},
    {0, "allow-ca", FLAG, AT(allow_ca), no_argument, NOTHING, NULL},
    {0, "allow-sha1", FLAG, AT(allow_sha1), no_argument, NOTHING, NULL},
    {0, "assume-lifetime", TIME, AT(assume_lifetime), required_argument,
	{0, YEARS_100, 0}, NULL},
    {0, "cacert", STRING, AT(cacert), required_argument, NOTHING, NULL},
    {'c', "check", FLAG, AT(check), no_argument, NOTHING, NULL},
    {0, "certid-hash", CHOICE, AT(hash), required_argument, NOTHING, hashes},
    {0, "connect-timeout", TIME, AT(connect_timeout), required_argument,
	{1, 86400, 0}, NULL},
    {'d', "if-due", FLAG, AT(if_due), no_argument, NOTHING, NULL},
    {0, "deadline", TIME, AT(deadline), required_argument, {1, YEARS_100, 0},
	NULL},
    {0, "del-ext", FLAG, AT(del_ext), no_argument, NOTHING, NULL},
    {0, "exit-changed", NUMBER, AT(exit_changed), optional_argument,
	{6, 125, 10}, NULL},
    {'e', "on-change", STRING, AT(on_change), required_argument, NOTHING, NULL},
    {0, "fetch-issuer", FLAG, AT(fetch_issuer), no_argument, NOTHING, NULL},
    {'f', "force", FLAG, AT(force), no_argument, NOTHING, NULL},
    {'H', "header", HEADERS, AT(headers), required_argument, NOTHING, NULL},
    {0, "haproxy", LIST, AT(haproxy), required_argument, NOTHING, NULL},
    {'i', "issuer", LIST, AT(issuers), required_argument, NOTHING, NULL},
    {'j', "json", FLAG, AT(json), no_argument, NOTHING, NULL},
    {'l', "list", LIST, AT(lists), required_argument, NOTHING, NULL},
    {'m', "min-valid", MINIMUM, AT(min_valid), required_argument,
	{0, YEARS_100, 0}, NULL},
    {0, "max-redirs", NUMBER, AT(max_redirs), required_argument, {0, 20, 0},
	NULL},
    {0, "mode", OCTAL, AT(mode), required_argument, {0, 0777, 0}, NULL},
    {'N', "nonce", FLAG, AT(nonce), no_argument, NOTHING, NULL},
    {'n', "dry-run", FLAG, AT(dry_run), no_argument, NOTHING, NULL},
    {0, "no-warn", LIST, AT(no_warn), required_argument, NOTHING, NULL},
    {0, "noproxy", STRING, AT(noproxy), required_argument, NOTHING, NULL},
    {'o', "output", STRING, AT(output), required_argument, NOTHING, NULL},
    {'P', "parallel", NUMBER, AT(parallel), required_argument, {1, 256, 0},
	NULL},
    {0, "progress", FLAG, AT(progress), no_argument, NOTHING, NULL},
    {'r', "retry", NUMBER, AT(retry), required_argument, {0, 100, 0}, NULL},
    {0, "sandbox", CHOICE, AT(sandbox), required_argument, NOTHING, sandboxes},
    {'S', "served", STRING, AT(served), required_argument, NOTHING, NULL},
    {0, "skew", TIME, AT(skew), required_argument, {0, YEARS_100, 0}, NULL},
    {0, "splay", TIME, AT(splay), required_argument, {1, 7 * 86400LL, 0}, NULL},
    {0, "starttls", CHOICE, AT(starttls), required_argument, NOTHING,
	protocols},
    {0, "syslog", FLAG, AT(syslog), no_argument, NOTHING, NULL},
    {'t', "timeout", TIME, AT(timeout), required_argument, {1, 86400, 0}, NULL},
    {'u', "url", STRING, AT(url), required_argument, NOTHING, NULL},
    {'v', "verbose", COUNT, AT(verbose), no_argument, NOTHING, NULL},
    {'w', "wait", TIME, AT(wait), required_argument, {1, 30 * 86400LL, 0},
	NULL},
    {0, "write-revoked", FLAG, AT(write_revoked), no_argument, NOTHING, NULL},
    {'X', "method", CHOICE, AT(method), required_argument, NOTHING, methods},
    {'x', "proxy", SECRET, AT(proxy), required_argument, NOTHING, NULL},
    {'h', "help", FLAG, 0, no_argument, NOTHING, NULL},
    {'V', "version", FLAG, 0, no_argument, NOTHING, NULL},
};

#define ENTRIES (sizeof(table) / sizeof(table[0]))

/* ---- values ---- */

static enum options_result
set(const struct entry *e, struct options *o, char *arg, struct text *why)
{
	void *to = (char *)o + e->offset;

	switch (e->kind) {
	case FLAG:
		*(int *)to = 1;
		break;
	case COUNT:
		++*(int *)to;
		break;
	case TIME:
	case NUMBER:
	case OCTAL:
		return options_set_number(e, to, arg, why);
	case MINIMUM:
		return options_set_minimum(e, o, arg, why);
	case STRING:
		*(const char **)to = arg;
		break;
	case SECRET:
		if ((*(const char **)to = options_hide(o, arg)) == NULL)
			return OPTIONS_NOMEM;
		break;
	case LIST:
		return options_append(to, arg);
	case HEADERS:
		return options_set_header(o, arg, why);
	case CHOICE:
		return options_set_choice(e, to, arg, why);
	}
	return OPTIONS_RUN;
}

/* ---- the command line ---- */

size_t
options_stem(const char *path)
{
	const char *base = strrchr(path, '/'), *dot;

	base = base != NULL ? base + 1 : path;
	dot = strrchr(base, '.');
	if (dot == NULL || dot == base)
		return strlen(path);
	return (size_t)(dot - path);
}

size_t
options_output_stem(const char *path, int del_ext)
{
	static const char *const parts[] = {".dsa", ".ecdsa", ".rsa"};
	size_t n = options_stem(path), i;

	if (!del_ext)
		return strlen(path);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(path + n, parts[i]) == 0)
			return strlen(path);
	return n;
}

static const struct options defaults = {
    .max_age = -1,
    .assume_lifetime = 36 * 3600LL,
    .skew = 300,
    .timeout = 30,
    .connect_timeout = 10,
    .deadline = -1,
    .min_valid = -1,
    .retry = 2,
    .parallel = 16,
    .mode = 0644,
};

/* getopt's two forms of the table; option i is known as 256 + i. */
static void
make_getopt(char *letters, struct option *names)
{
	size_t i;

	/* ":" tells a missing argument from an unknown option */
	*letters++ = ':';
	for (i = 0; i < ENTRIES; i++) {
		names[i].name = table[i].name;
		names[i].has_arg = table[i].arg;
		names[i].flag = NULL;
		names[i].val = 256 + (int)i;
		if (table[i].letter == 0)
			continue;
		*letters++ = table[i].letter;
		if (table[i].arg == required_argument)
			*letters++ = ':';
	}
	*letters = '\0';
	names[ENTRIES] = (struct option){NULL, 0, NULL, 0};
}

static const struct entry *
find_entry(int c)
{
	size_t i;

	if (c >= 256)
		return &table[c - 256];
	for (i = 0; i < ENTRIES; i++)
		if (table[i].letter != 0 && table[i].letter == c)
			return &table[i];
	return NULL;
}

/* What an unknown "--word" may have been meant to be; else empty. */
static const char *
guess_option(const char *word, char buf[256])
{
	char typed[OPTION_MAX];
	const char *guess = NULL;
	size_t i, len, n = 0, best = SIZE_MAX;

	buf[0] = '\0';
	word += strspn(word, "-");
	len = strcspn(word, "=");
	if (len == 0 || len >= sizeof(typed))
		return buf;
	memcpy(typed, word, len);
	typed[len] = '\0';
	for (i = 0; i < ENTRIES; i++) {
		options_consider(&guess, &best, typed, table[i].name);
		if (strncmp(table[i].name, typed, len) == 0 && n < 200)
			n += (size_t)snprintf(buf + n, 256 - n, "%s--%s",
			    n == 0 ? " (is it one of " : ", ", table[i].name);
	}
	if (n > 0)
		snprintf(buf + n, 256 - n, "?)");
	else if (guess != NULL)
		snprintf(buf, 256, " (did you mean --%s?)", guess);
	return buf;
}

/* A letter that is known in its other size only. */
static const char *
guess_letter(int c, char buf[256])
{
	const struct entry *e = NULL;
	char name[64];

	buf[0] = '\0';
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		e = find_entry(c ^ 0x20);
	if (e != NULL)
		snprintf(
		    buf, 256, " (did you mean %s?)", options_title(e, name));
	return buf;
}

/* getopt found fault with the word before optind, or a letter in it. */
static enum options_result
tell_fault(int c, char *const *argv, struct text *why)
{
	/* what follows a "=" may be a password */
	const char *given = argv[optind - 1];
	char guess[256], name[64], word[64];

	snprintf(word, sizeof(word), "%.*s",
	    (int)(strcspn(given, "=") < sizeof(word) - 1 ? strcspn(given, "=")
							 : sizeof(word) - 1),
	    given);

	if (optopt > 0 && optopt < 256 && c == '?')
		return options_bad(why, "there is no option -%c%s", optopt,
		    guess_letter(optopt, guess));
	if (c == ':')
		return options_bad(why, "option %s needs an argument",
		    find_entry(optopt) != NULL
			? options_title(find_entry(optopt), name)
			: word);
	if (optopt >= 256)
		return options_bad(why, "option %s: --%s takes no argument",
		    word, table[optopt - 256].name);
	return options_bad(why, "option %s: there is no such option%s", word,
	    guess_option(word, guess));
}

static enum options_result
read_all(struct options *o, int argc, char *const *argv, struct text *why)
{
	char letters[2 * ENTRIES + 2], name[64];
	struct option names[ENTRIES + 1];
	unsigned char seen[ENTRIES] = {0};
	enum options_result res;
	const struct entry *e;
	int c;

	make_getopt(letters, names);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (c == '?' || c == ':' || (e = find_entry(c)) == NULL)
			return tell_fault(c, argv, why);
		if (strcmp(e->name, "help") == 0)
			return OPTIONS_HELP;
		if (strcmp(e->name, "version") == 0)
			return OPTIONS_VERSION;
		if (seen[e - table]++ && e->kind != LIST &&
		    e->kind != HEADERS && e->kind != COUNT)
			return options_bad(why, "option %s is given twice",
			    options_title(e, name));
		if ((res = set(e, o, optarg, why)) != OPTIONS_RUN)
			return res;
	}
	o->operands = (const char *const *)argv + optind;
	/* who runs a program may give it not even its name */
	o->noperands = optind < argc ? (size_t)(argc - optind) : 0;
	return options_check(o, why);
}

enum options_result
options_read(struct options *o, int argc, char *const *argv, struct text *why)
{
	*o = defaults;
	return read_all(o, argc, argv, why);
}

void
options_free(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nowned; i++) {
		sandbox_forget(o->owned[i].s, o->owned[i].len);
		free(o->owned[i].s);
	}
	free(o->owned);
	free(o->issuers.v);
	free(o->headers.v);
	free(o->shown_headers.v);
	free(o->haproxy.v);
	free(o->no_warn.v);
	free(o->lists.v);
}
