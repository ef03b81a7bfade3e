/* SPDX-License-Identifier: ISC */
/*
 * What stands behind a socket may say anything: one part for each command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "notify/haproxy.h"

static char path[100];

static void
clean_up(void)
{
	unlink(path);
}

static long long
still(void)
{
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_peer *peer;
	struct haproxy h = {.socket = path, .now_ms = still};
	struct haproxy_response held;
	struct haproxy_done done;
	struct haproxy_told told;
	struct haproxy_news news = {.path = "/etc/ssl/site.pem",
	    .sha1 = "0A1B2C3D0A1B2C3D0A1B2C3D0A1B2C3D0A1B2C3D",
	    .certid = (const unsigned char *)"id",
	    .certid_len = 2,
	    .der = (const unsigned char *)"response",
	    .len = 8,
	    .issuer = (const unsigned char *)"issuer",
	    .issuer_len = 6};
	char why[WHY_MAX] = "";
	enum haproxy_result res;
	const char *tmp;

	if (peer == NULL) {
		tmp = getenv("TMPDIR");
		snprintf(path, sizeof(path), "%.60s/fuzz_haproxy.%ld",
		    tmp != NULL ? tmp : "/tmp", (long)getpid());
		peer = fuzz_peer_new(path, FUZZ_ONE_EACH);
		atexit(clean_up);
	}
	fuzz_peer_script(peer, FUZZ_ONE_EACH, data, size);
	if (haproxy_read(&h, &news, &held, why) == HAPROXY_UPDATED &&
	    held.held == HAPROXY_HAS_TEXT)
		(void)haproxy_read_text(held.text, &told);
	haproxy_response_free(&held);
	res = haproxy_push(&h, &news, &done, why);
	HOLDS(memchr(why, '\0', sizeof(why)) != NULL && why[0] != '\0');
	if (res == HAPROXY_DEAD) {
		HOLDS(h.dead[0] != '\0');
		HOLDS(haproxy_push(&h, &news, &done, why) == HAPROXY_DEAD);
	}
	haproxy_end(&h);
	fuzz_peer_script(peer, FUZZ_ONE_EACH, NULL, 0);
	return 0;
}
