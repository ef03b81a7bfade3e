/* SPDX-License-Identifier: ISC */
/* Which options go together, and texts whose form other folders know. */
#include <string.h>

#include "http.h"
#include "http/proxy.h"
#include "cli/internal.h"
#include "job/warnings.h"
#include "notify/haproxy.h"
#include "probe/served.h"

/* What cannot be meant, and how it is said. */
struct rule {
	int clash;
	const char *what;
};

static enum options_result
apply(const struct rule *rules, size_t n, struct text *why)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rules[i].clash)
			return options_bad(why, "%s", rules[i].what);
	return OPTIONS_RUN;
}

/* What cannot be meant together with -S, or without it. */
static enum options_result
check_served(const struct options *o, struct text *why)
{
	const int tells = o->haproxy.n > 0 || o->on_change != NULL;
	const struct rule rules[] = {
	    {o->starttls != STARTTLS_NONE && o->served == NULL,
		"--starttls is for -S, --served"},
	    {o->served != NULL &&
		    (o->check || o->force || o->if_due || o->dry_run ||
			o->output != NULL || o->write_revoked ||
			o->exit_changed != 0),
		"-S, --served looks at a server and writes nothing: not with "
		"-c, -d, -f, -n, -o, --write-revoked or --exit-changed"},
	    {o->served != NULL &&
		    (o->nonce || o->proxy != NULL || o->noproxy != NULL ||
			o->headers.n > 0 || o->method != METHOD_AUTO ||
			o->wait != 0 || o->fetch_issuer || o->cacert != NULL),
		"-S, --served asks no responder and knows no proxy: not with "
		"-H, -N, -w, -X, -x, --cacert, --fetch-issuer or --noproxy"},
	    {o->served != NULL && tells,
		"-S, --served tells nobody: not with --haproxy or -e"},
	};

	return apply(rules, sizeof(rules) / sizeof(rules[0]), why);
}

/* What cannot be meant together. */
static enum options_result
check_together(const struct options *o, struct text *why)
{
	const int to_stdout = o->output != NULL && strcmp(o->output, "-") == 0;
	const int tells = o->haproxy.n > 0 || o->on_change != NULL;
	const size_t outlen = o->output != NULL ? strlen(o->output) : 1;
	const struct rule rules[] = {
	    {o->noperands + o->lists.n == 0 && o->served == NULL,
		"no certificate is named"},
	    {o->output != NULL && o->lists.n > 0,
		"-o, --output is for one certificate: not with -l, --list"},
	    {o->output != NULL && o->noperands > 1,
		"-o, --output is for one certificate, but several are named"},
	    {outlen == 0 || (o->output != NULL && o->output[outlen - 1] == '/'),
		"-o, --output is not the name of a file"},
	    {o->output != NULL && o->del_ext,
		"-o, --output and --del-ext both say where to write"},
	    {o->ipv4 && o->ipv6, "-4 and -6 exclude each other"},
	    {o->force && o->if_due,
		"-f, --force and -d, --if-due exclude each other"},
	    {o->check && (o->force || o->if_due || o->dry_run),
		"-c, --check asks nobody and writes nothing: not with -d, -f "
		"or -n"},
	    {o->check && (o->write_revoked || o->exit_changed != 0),
		"-c, --check writes nothing: not with --write-revoked or "
		"--exit-changed"},
	    {o->check && (o->wait != 0 || o->fetch_issuer),
		"-c, --check asks nobody: not with -w, --wait or "
		"--fetch-issuer"},
	    {o->check && tells,
		"-c, --check tells nobody: not with --haproxy or -e"},
	    {to_stdout && tells,
		"-o - stores nothing: not with --haproxy or -e"},
	    {o->haproxy.n > 0 && o->hash != HASH_SHA1,
		"HAProxy finds no response under SHA-256: --haproxy is not for "
		"--certid-hash sha256"},
	    {o->on_change != NULL && *o->on_change == '\0',
		"-e, --on-change is not a command: it is empty"},
	    {to_stdout && o->json,
		"-o - and -j, --json both write to standard output"},
	    {to_stdout && (o->check || o->if_due || o->exit_changed != 0),
		"-o - stores nothing: not with -c, -d or --exit-changed"},
	};
	size_t i;

	if (apply(rules, sizeof(rules) / sizeof(rules[0]), why) != OPTIONS_RUN)
		return OPTIONS_BAD;
	for (i = 0; i < o->noperands; i++)
		if (o->operands[i][0] == '\0')
			return options_bad(
			    why, "a certificate's name is empty");
	return check_served(o, why);
}

static enum options_result
check_lists(const struct options *o, struct text *why)
{
	const char *wrong = NULL;
	size_t i, stdins = 0;

	for (i = 0; i < o->lists.n; i++) {
		if (o->lists.v[i][0] == '\0')
			wrong = "its name is empty";
		else if (strcmp(o->lists.v[i], "-") == 0 && stdins++)
			wrong = "standard input (-) is given twice";
	}
	if (wrong == NULL)
		return check_together(o, why);
	return options_bad(why, "option -l, --list: %s", wrong);
}

/* What may be a user name and password in it is not shown. */
static enum options_result
bad_url(const char *url, const char *reason, struct text *why)
{
	const char *host = strrchr(url, '@'), *from = strstr(url, "://");

	if (host == NULL)
		return options_bad(
		    why, "option -u, --url: \"%s\": %s", url, reason);
	return options_bad(why, "option -u, --url: \"%.*s...%s\": %s",
	    from != NULL ? (int)(from - url) + 3 : 0, url, host, reason);
}

enum options_result
options_check(const struct options *o, struct text *why)
{
	struct served_where where;
	char reason[WHY_MAX];
	size_t i;
	int rc;

	if (o->served != NULL &&
	    served_parse(o->served, (enum served_starttls)o->starttls, &where,
		reason) == -1)
		return options_bad(why, "option -S, --served: %s", reason);
	if (o->url != NULL &&
	    (rc = http_check_url(o->url, strlen(o->url), reason)) != 0)
		return rc == -2 ? OPTIONS_NOMEM : bad_url(o->url, reason, why);
	for (i = 0; i < o->haproxy.n; i++)
		if (haproxy_check(o->haproxy.v[i], reason) == -1)
			return options_bad(why, "option --haproxy: \"%s\": %s",
			    o->haproxy.v[i], reason);
	if (o->proxy != NULL) {
		text_add(why, "option -x, --proxy: ");
		if (proxy_check(o->proxy, why) == -1)
			return options_bad(why, "%s", "");
		text_free(why);
	}
	for (i = 0; i < o->no_warn.n; i++)
		if (!warnings_is_word(o->no_warn.v[i]))
			return options_bad(why,
			    "option --no-warn: \"%s\" is no word for a "
			    "warning; the words are crt-list, ends-soon, hash, "
			    "issuer, mode, name, no-next, restart, revoked, "
			    "seldom, several, signer, size",
			    o->no_warn.v[i]);
	return check_lists(o, why);
}
