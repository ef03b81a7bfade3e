/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "http.h"

/* What a header's name is made of, RFC 9110 section 5.6.2 */
#define TOKEN                                                                  \
	"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"                  \
	"abcdefghijklmnopqrstuvwxyz"

int
http_check_url(const char *url, size_t len, char *why)
{
	CURLU *u;
	char *user = NULL;
	CURLUcode rc;
	size_t i;

	if (len > HTTP_MAX_URL) {
		snprintf(why, WHY_MAX,
		    "it has %zu bytes, more than the limit of %zu", len,
		    HTTP_MAX_URL);
		return -1;
	}
	for (i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~') {
			snprintf(why, WHY_MAX,
			    "it holds a space, or a character that is not "
			    "printable ASCII");
			return -1;
		}
	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0) {
		snprintf(why, WHY_MAX, "only http:// and https:// are asked");
		return -1;
	}
	if (strncmp(url + strcspn(url, ":"), ":///", 4) == 0) {
		snprintf(why, WHY_MAX, "it names no host");
		return -1;
	}
	if (strchr(url, '#') != NULL) {
		snprintf(why, WHY_MAX, "it has a fragment (\"#\")");
		return -1;
	}
	if ((u = curl_url()) == NULL)
		return -2;
	rc = curl_url_set(u, CURLUPART_URL, url, 0);
	if (rc != CURLUE_OK)
		snprintf(why, WHY_MAX, "it is not a valid URL");
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PASSWORD, &user, 0) == CURLUE_OK) {
		snprintf(why, WHY_MAX, "it holds a user name or password");
		rc = CURLUE_USER_NOT_ALLOWED;
	}
	curl_free(user);
	curl_url_cleanup(u);
	if (rc == CURLUE_OUT_OF_MEMORY)
		return -2;
	return rc == CURLUE_OK ? 0 : -1;
}

int
http_check_header(const char *line, char *why)
{
	const char *colon = strchr(line, ':'), *p;

	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			snprintf(why, WHY_MAX,
			    "a header may not hold control characters");
			return -1;
		}
	if (colon == NULL || colon == line ||
	    (size_t)(colon - line) != strspn(line, TOKEN)) {
		snprintf(why, WHY_MAX,
		    "a header is \"Name: value\", without a space before the "
		    "colon");
		return -1;
	}
	return 0;
}
