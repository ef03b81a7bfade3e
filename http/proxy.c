/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/proxy.h"

/* What a proxy's URL is made of; pointers into it. */
struct parts {
	const char *scheme; /* NULL: it has none, which is http */
	size_t scheme_len;
	int has_user;
	const char *host; /* with the brackets of an IPv6 address */
	size_t host_len;
	const char *port; /* NULL: it has none */
	size_t port_len;
};

static void
take_apart(const char *value, struct parts *p)
{
	const char *at, *end, *colon;
	size_t n;

	memset(p, 0, sizeof(*p));
	p->host = value;
	for (n = 0; isalnum((unsigned char)value[n]); n++)
		;
	if (strncmp(value + n, "://", 3) == 0) {
		p->scheme = value;
		p->scheme_len = n;
		p->host = value + n + 3;
	}
	/* a password may hold any of what follows, if it is badly written */
	if ((at = strrchr(p->host, '@')) != NULL) {
		p->has_user = 1;
		p->host = at + 1;
	}
	end = p->host + strcspn(p->host, "/?#");
	colon = p->host;
	if (*colon == '[')
		colon += strcspn(colon, "]");
	colon += strcspn(colon, ":");
	if (colon < end) {
		p->port = colon + 1;
		p->port_len = (size_t)(end - p->port);
		end = colon;
	}
	p->host_len = (size_t)(end - p->host);
}

static int
is_port(const struct parts *p)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < p->port_len; i++) {
		if (p->port[i] < '0' || p->port[i] > '9' || n > 65535)
			return 0;
		n = n * 10 + (unsigned long)(p->port[i] - '0');
	}
	return p->port_len == 0 || (n > 0 && n <= 65535);
}

static int
is_scheme(const char *s, size_t n)
{
	static const char *const known[] = {
	    "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == n && strncasecmp(known[i], s, n) == 0)
			return 1;
	return 0;
}

static int
is_host(const struct parts *p)
{
	static const char never[] = "\"'`<>{}|\\^*,;";
	const int opens = p->host[0] == '[';
	size_t i;

	for (i = 0; i < p->host_len; i++)
		if (strchr(never, p->host[i]) != NULL ||
		    (p->host[i] == '[') != (opens && i == 0) ||
		    (p->host[i] == ']') != (opens && i == p->host_len - 1))
			return 0;
	return p->host_len > 0;
}

static int
has_blank(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return 1;
	return 0;
}

/* What is wrong with it; NULL: nothing that its form shows. */
static const char *
fault_of(const char *value, const struct parts *p)
{
	if (has_blank(value))
		return "it holds a blank or a control character";
	if (p->scheme != NULL ? !is_scheme(p->scheme, p->scheme_len)
			      : is_scheme(p->host, p->host_len))
		return "a proxy's URL begins with http://, https://, "
		       "socks4://, socks4a://, socks5:// or socks5h://";
	if (!is_host(p))
		return "it names no host";
	if (!is_port(p))
		return "what follows the host's \":\" is no port; an IPv6 "
		       "address is put into brackets";
	return NULL;
}

/* The URL without user name, password and what may be meant as one. */
static void
show(struct text *t, const struct parts *p)
{
	text_add(t, "\"");
	if (p->scheme != NULL)
		text_add(t, "%.*s://", (int)p->scheme_len, p->scheme);
	text_add(t, "%s%.*s", p->has_user ? "...@" : "",
	    is_host(p) ? (int)p->host_len : 0, p->host);
	if (p->port != NULL && is_port(p))
		text_add(t, ":%.*s", (int)p->port_len, p->port);
	else if (p->port != NULL)
		text_add(t, ":...");
	text_add(t, "\"");
}

int
proxy_check(const char *value, struct text *why)
{
	const char *fault;
	struct parts p;

	if (*value == '\0')
		return 0;
	take_apart(value, &p);
	if ((fault = fault_of(value, &p)) == NULL)
		return 0;
	show(why, &p);
	text_add(why, ": %s", fault);
	return -1;
}

/* ---- which setting counts ---- */

const char *
proxy_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first that is set; an empty one is passed over. */
static struct proxy_setting
first_set(const char *const *names)
{
	struct proxy_setting s = {NULL, NULL};

	for (; *names != NULL && s.value == NULL; names++) {
		s.name = *names;
		s.value = proxy_variable(*names);
	}
	return s;
}

/* HTTP_PROXY is not among them: a web server sets it from a Proxy header. */
struct proxy_setting
proxy_find(const struct proxy_options *o, const char *url)
{
	static const char *const http[] = {
	    "http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const https[] = {
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};

	if (o->proxy != NULL)
		return (struct proxy_setting){"-x, --proxy", o->proxy};
	return first_set(strncasecmp(url, "https:", 6) == 0 ? https : http);
}

static struct proxy_setting
find_exceptions(const struct proxy_options *o)
{
	static const char *const names[] = {"no_proxy", "NO_PROXY", NULL};

	if (o->noproxy != NULL)
		return (struct proxy_setting){"--noproxy", o->noproxy};
	return first_set(names);
}

/* Names a host that is never met: a pattern, or a URL. */
static int
is_vain(const struct proxy_setting *s)
{
	return s->value != NULL && strcmp(s->value, "*") != 0 &&
	    (strchr(s->value, '*') != NULL || strstr(s->value, "://") != NULL);
}

static void
hint_at_proxy(const struct proxy_setting *s, const struct proxy_setting *but,
    struct text *hint)
{
	struct text fault = {0};
	struct parts p;

	text_add(hint, "%s is ", s->name);
	if (proxy_check(s->value, &fault) == -1 && fault.s != NULL)
		text_add(hint, "%s", fault.s);
	else {
		take_apart(s->value, &p);
		show(hint, &p);
	}
	text_free(&fault);
	if (is_vain(but))
		text_add(hint,
		    ", and %s holds a pattern or a URL, which no host matches: "
		    "it takes example.com, for its subdomains too",
		    but->name);
}

void
proxy_hint(const struct proxy_options *o, const char *url, int proxied,
    struct text *hint)
{
	const struct proxy_setting s = proxy_find(o, url),
				   but = find_exceptions(o);

	if (s.value != NULL && *s.value != '\0') {
		if (proxied)
			hint_at_proxy(&s, &but, hint);
		else if (but.value != NULL && *but.value != '\0')
			text_add(hint, "%s keeps it from the proxy of %s",
			    but.name, s.name);
	} else if (s.value == NULL && !proxied &&
	    strncasecmp(url, "http:", 5) == 0 &&
	    proxy_variable("HTTP_PROXY") != NULL)
		text_add(hint,
		    "HTTP_PROXY is not read, only http_proxy is, as by curl");
}
