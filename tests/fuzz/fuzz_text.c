/* SPDX-License-Identifier: ISC */
/*
 * Text from outside: URLs and headers, addresses, and what is shown of them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "notify/haproxy.h"
#include "sched/hosts.h"
#include "http.h"
#include "cli/options.h"
#include "probe/served.h"
#include "util/words.h"

static void
check_url(const char *s, size_t n)
{
	char why[WHY_MAX] = "";
	struct hosts *hosts;
	struct host *a;
	size_t i;

	if (http_check_url(s, n, why) != 0) {
		HOLDS(why[0] != '\0');
		return;
	}
	HOLDS(n == strlen(s) && n <= HTTP_MAX_URL);
	HOLDS(strncasecmp(s, "http", 4) == 0);
	for (i = 0; i < n; i++)
		HOLDS(s[i] > ' ' && s[i] <= '~' && s[i] != '#');
	HOLDS((hosts = hosts_new(4)) != NULL);
	HOLDS((a = hosts_find(hosts, s)) != NULL);
	HOLDS(hosts_find(hosts, s) == a);
	hosts_free(hosts);
}

static void
check_shown(const char *s, size_t n)
{
	char small[40], *all = malloc(4 * n + 1);
	struct text t = {NULL, 0, 0, 0};
	size_t i;

	HOLDS(all != NULL);
	words_escape(all, 4 * n + 1, s, n);
	for (i = 0; all[i] != '\0'; i++)
		HOLDS((unsigned char)all[i] >= ' ' && all[i] != 0x7f);
	words_escape(small, sizeof(small), s, n);
	HOLDS(strlen(small) < sizeof(small));
	HOLDS(text_add_escaped(&t, s, n) == 0);
	HOLDS(n == 0 || strcmp(t.s, all) == 0);
	text_free(&t);
	free(all);
}

/* Takes the quotes off as a shell would. */
static void
check_quoted(const char *s)
{
	char *quoted = words_quote(s), *back, *o;
	const char *p;
	int inside = 0;

	HOLDS(quoted != NULL);
	HOLDS((back = o = malloc(strlen(quoted) + 1)) != NULL);
	for (p = quoted; *p != '\0'; p++)
		if (*p == '\'')
			inside = !inside;
		else if (*p == '\\' && !inside)
			*o++ = *++p;
		else {
			HOLDS(inside ||
			    strchr(" \t\n$`\"*?[#~;&|<>()", *p) == NULL);
			*o++ = *p;
		}
	*o = '\0';
	HOLDS(!inside && strcmp(back, s) == 0);
	free(back);
	free(quoted);
}

static void
check_served(const char *s, unsigned int how)
{
	struct served_where w;
	char why[WHY_MAX];

	if (served_parse(s, (enum served_starttls)(how % 6), &w, why) == 0)
		HOLDS(w.host[0] != '\0' && w.port[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	char why[WHY_MAX] = "", *s;
	unsigned int how = fuzz_byte(&in);
	size_t n = in.n;

	check_shown((const char *)in.p, in.n);
	s = fuzz_string(&in);
	if (http_check_header(s, why) == 0)
		HOLDS(strpbrk(s, "\r\n") == NULL && strchr(s, ':') != NULL);
	(void)haproxy_check(s, why);
	check_served(s, how);
	check_quoted(s);
	HOLDS(options_stem(s) <= strlen(s));
	HOLDS(options_output_stem(s, how & 1) <= strlen(s));
	/* the text of a certificate's URL may hold a NUL: all of it is told */
	free(s);
	HOLDS((s = malloc(n + 1)) != NULL);
	if (n > 0)
		memcpy(s, data + 1, n);
	s[n] = '\0';
	check_url(s, n);
	free(s);
	return 0;
}
