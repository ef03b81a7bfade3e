/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "http.h"
#include "http/internal.h"
#include "http/proxy.h"

/* Which setting names the proxy for such a URL; NULL: none does. */
static struct proxy_setting
proxy_for(const struct http_options *o, const char *url)
{
	const struct proxy_options of = {.proxy = o->proxy};
	struct proxy_setting s = proxy_find(&of, url);

	if (s.value != NULL && s.value[0] == '\0')
		s.value = NULL;
	return s;
}

int
may_use_proxy(const struct http_options *o)
{
	return proxy_for(o, "http:").value != NULL ||
	    proxy_for(o, "https:").value != NULL;
}

const char *
proxy_from(const struct http_options *o, const char *url)
{
	const struct proxy_setting s = proxy_for(o, url);

	if (s.value == NULL)
		return NULL;
	return o->proxy != NULL ? "--proxy" : s.name;
}

#if LIBCURL_VERSION_NUM < 0x080700
/* Does an error's text name the very host and port of the question's URL? */
static int
names_responder(const struct slot *s)
{
	char *host = NULL, *port = NULL, peer[HTTP_MAX_URL + 16];
	const char *bare, *at;
	CURLU *u;
	int yes = 1;

	if ((u = curl_url()) == NULL)
		return 1;
	if (curl_url_set(u, CURLUPART_URL, s->q.url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
		CURLUE_OK) {
		/* libcurl leaves out the brackets of an IPv6 address */
		bare = host[0] == '[' ? host + 1 : host;
		snprintf(peer, sizeof(peer), " %.*s port %s",
		    (int)strcspn(bare, "]"), bare, port);
		at = strstr(s->error, peer);
		yes = at != NULL && strchr(" :", at[strlen(peer)]) != NULL;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return yes;
}
#endif

int
names_proxys_url(const struct slot *s, CURLcode code)
{
	return strstr(s->error, "://") != NULL &&
	    (code == CURLE_COULDNT_RESOLVE_PROXY ||
		code == CURLE_COULDNT_CONNECT);
}

int
is_proxied(const struct slot *s, CURLcode code)
{
	if (names_proxys_url(s, code))
		return 1;
#if LIBCURL_VERSION_NUM >= 0x080700
	return info(s, CURLINFO_USED_PROXY) != 0;
#else
	/* all that tells is the request; before that, whom it tried to reach */
	if (s->absolute || info(s, CURLINFO_HTTP_CONNECTCODE) != 0)
		return 1;
	return s->may_use_proxy && code == CURLE_COULDNT_CONNECT &&
	    !names_responder(s);
#endif
}
