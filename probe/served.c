/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/internal.h"
#include "probe/served.h"

enum served_result
served_ask(const struct served_question *q, struct served_answer *a, char *why)
{
	struct talk t = {.q = q, .a = a, .why = why, .fd = -1};
	long long begin = q->clock_ms();
	enum served_result res;

	memset(a, 0, sizeof(*a));
	why[0] = '\0';
	t.end = begin + q->timeout_ms;
	if ((res = talk_connect(&t)) == SERVED_OK &&
	    (res = talk_starttls(&t)) == SERVED_OK)
		res = talk_handshake(&t);
	if (t.fd != -1)
		close(t.fd);
	a->ms = q->clock_ms() - begin;
	return res;
}

void
served_free(struct served_answer *a)
{
	size_t i;

	for (i = 0; i < a->nchain; i++)
		free(a->chain[i].p);
	free(a->staple);
	memset(a, 0, sizeof(*a));
}
