/* SPDX-License-Identifier: ISC */
/*
 * What a server may say before and during a handshake.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "probe/served.h"

static long long
still(void)
{
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_peer *peer;
	struct fuzz_in in = {data, size};
	struct served_question q = {
	    .connect_ms = 5000, .timeout_ms = 5000, .clock_ms = still};
	struct served_answer a;
	char why[WHY_MAX] = "", sni[] = "localhost";
	enum served_result res;

	if (peer == NULL)
		peer = fuzz_peer_new(NULL, FUZZ_DIALOGUE);
	q.starttls = (enum served_starttls)(fuzz_byte(&in) % 6);
	q.sni = sni;
	snprintf(q.where.host, sizeof(q.where.host), "127.0.0.1");
	snprintf(
	    q.where.port, sizeof(q.where.port), "%d", fuzz_peer_port(peer));
	q.where.is_address = 1;
	fuzz_peer_script(peer,
	    q.starttls == STARTTLS_NONE || q.starttls == STARTTLS_LDAP
		? FUZZ_LISTENER
		: FUZZ_DIALOGUE,
	    in.p, in.n);
	res = served_ask(&q, &a, why);
	fuzz_peer_script(peer, FUZZ_LISTENER, NULL, 0);
	HOLDS(memchr(why, '\0', sizeof(why)) != NULL);
	HOLDS((res == SERVED_OK) == (why[0] == '\0'));
	HOLDS(res != SERVED_OK || a.nchain > 0);
	HOLDS(res != SERVED_ENOMEM);
	served_free(&a);
	return 0;
}
