/* SPDX-License-Identifier: ISC */
/*
 * dertree: see dertree.h.  An edit names an element by its number, in the order
 * of the bytes, and what happens to it.
 */
#include <stdlib.h>
#include <string.h>

#include "dertree.h"

#define MAX_ELEMENTS 512
#define MAX_DEPTH 24
#define MAX_BYTES ((size_t)70000)

struct element {
	size_t head, from, to; /* its header, its contents */
	int up;                /* its parent; -1: none */
};

struct tree {
	const uint8_t *der;
	size_t len;
	struct element v[MAX_ELEMENTS];
	int n;
};

/* Reads a header at `at`; 0: there is none that fits before `end`. */
static int
read_head(const uint8_t *p, size_t at, size_t end, struct element *e)
{
	size_t len, more;

	if (end - at < 2 || (p[at] & 0x1f) == 0x1f)
		return 0;
	e->head = at;
	len = p[at + 1];
	at += 2;
	if (len & 0x80) {
		more = len & 0x7f;
		if (more == 0 || more > 3 || end - at < more)
			return 0;
		for (len = 0; more > 0; more--)
			len = len << 8 | p[at++];
	}
	if (end - at < len)
		return 0;
	e->from = at;
	e->to = at + len;
	return 1;
}

static void
parse(struct tree *t, size_t at, size_t end, int up, int depth)
{
	struct element e;
	int me;

	while (
	    at < end && t->n < MAX_ELEMENTS && read_head(t->der, at, end, &e)) {
		me = t->n++;
		e.up = up;
		t->v[me] = e;
		/* extensions hold DER in OCTET STRINGs */
		if (depth < MAX_DEPTH &&
		    ((t->der[at] & 0x20) || t->der[at] == 0x04))
			parse(t, e.from, e.to, me, depth + 1);
		at = e.to;
	}
}

static size_t
put_head(uint8_t *o, uint8_t tag, size_t len)
{
	size_t n = 0;

	o[n++] = tag;
	if (len < 0x80)
		o[n++] = (uint8_t)len;
	else if (len < 0x100) {
		o[n++] = 0x81;
		o[n++] = (uint8_t)len;
	} else if (len < 0x10000) {
		o[n++] = 0x82;
		o[n++] = (uint8_t)(len >> 8);
		o[n++] = (uint8_t)len;
	} else {
		o[n++] = 0x83;
		o[n++] = (uint8_t)(len >> 16);
		o[n++] = (uint8_t)(len >> 8);
		o[n++] = (uint8_t)len;
	}
	return n;
}

/*
 * Puts `with` where [from, to) was, and writes the headers of all that is
 * around it anew.
 */
static uint8_t *
splice(const struct tree *t, int up, size_t from, size_t to,
    const uint8_t *with, size_t n, size_t *out_len)
{
	const struct element *e;
	uint8_t *now, *next, head[8];
	size_t inner, h;

	HOLDS((now = malloc(n + 1)) != NULL);
	if (n > 0)
		memcpy(now, with, n);
	for (; up != -1; up = e->up) {
		e = &t->v[up];
		inner = from - e->from + n + e->to - to;
		h = put_head(head, t->der[e->head], inner);
		HOLDS((next = malloc(h + inner + 1)) != NULL);
		memcpy(next, head, h);
		memcpy(next + h, t->der + e->from, from - e->from);
		memcpy(next + h + (from - e->from), now, n);
		memcpy(
		    next + h + (from - e->from) + n, t->der + to, e->to - to);
		free(now);
		now = next;
		n = h + inner;
		from = e->head;
		to = e->to;
	}
	HOLDS((next = malloc(from + n + t->len - to + 1)) != NULL);
	memcpy(next, t->der, from);
	memcpy(next + from, now, n);
	memcpy(next + from + n, t->der + to, t->len - to);
	free(now);
	*out_len = from + n + t->len - to;
	return next;
}

enum edit {
	CUT,     /* take it out */
	TWICE,   /* another copy after it */
	REPLACE, /* its contents */
	RETAG,
	FLIP, /* one bit of its contents */
	MOVE, /* a copy of another one after it */
	EMPTY,
	OVERLONG, /* more bytes of length than it needs */
	STUFF,    /* bytes after it */
	GROW      /* it holds its contents many times */
};

static uint8_t *
apply(const struct tree *t, const struct element *e, unsigned int what,
    struct fuzz_in *in, size_t *out_len)
{
	const size_t size = e->to - e->head, inner = e->to - e->from;
	const struct element *other;
	uint8_t *buf, *out;
	const uint8_t *p;
	size_t n, times, h = 0, from = e->head, to = e->to;

	HOLDS((buf = malloc(MAX_BYTES + 2 * size + 512)) != NULL);
	switch (what % 10) {
	case CUT:
		n = 0;
		break;
	case TWICE:
		memcpy(buf, t->der + e->head, size);
		memcpy(buf + size, t->der + e->head, size);
		n = 2 * size;
		break;
	case REPLACE:
		n = fuzz_byte(in);
		p = fuzz_bytes(in, &n);
		h = put_head(buf, t->der[e->head], n);
		if (n > 0)
			memcpy(buf + h, p, n);
		n += h;
		break;
	case RETAG:
		memcpy(buf, t->der + e->head, size);
		buf[0] = (uint8_t)fuzz_byte(in);
		n = size;
		break;
	case FLIP:
		memcpy(buf, t->der + e->head, n = size);
		h = fuzz_byte(in);
		if (inner > 0)
			buf[e->from - e->head +
			    (h >> 3 | fuzz_byte(in) << 5) % inner] ^=
			    (uint8_t)(1u << (h & 7));
		break;
	case MOVE:
		other = &t->v[(fuzz_byte(in) | fuzz_byte(in) << 8) %
		    (unsigned int)t->n];
		from = e->to;
		n = other->to - other->head;
		if (n > MAX_BYTES)
			n = MAX_BYTES;
		memcpy(buf, t->der + other->head, n);
		break;
	case EMPTY:
		n = put_head(buf, t->der[e->head], 0);
		break;
	case OVERLONG:
		buf[0] = t->der[e->head];
		buf[1] = 0x84;
		for (n = 2; n < 6; n++)
			buf[n] = (uint8_t)(inner >> (8 * (5 - n)));
		memcpy(buf + n, t->der + e->from, inner);
		n += inner;
		break;
	case STUFF:
		from = e->to;
		n = fuzz_byte(in) & 15;
		p = fuzz_bytes(in, &n);
		if (n > 0)
			memcpy(buf, p, n);
		break;
	default:
		times = fuzz_byte(in);
		h = put_head(buf, t->der[e->head], inner * times);
		for (n = h; times > 0 && n + inner < MAX_BYTES; times--) {
			memcpy(buf + n, t->der + e->from, inner);
			n += inner;
		}
		/* its length has as many bytes as when it was not cut short */
		(void)put_head(buf, t->der[e->head], n - h);
		break;
	}
	out = splice(t, e->up, from, to, buf, n, out_len);
	free(buf);
	return out;
}

uint8_t *
dertree_edit(
    const uint8_t *der, size_t len, struct fuzz_in *in, size_t *out_len)
{
	struct tree *t;
	unsigned int what = fuzz_byte(in), at;
	uint8_t *out;

	HOLDS((t = calloc(1, sizeof(*t))) != NULL);
	t->der = der;
	t->len = len;
	at = fuzz_byte(in);
	at |= fuzz_byte(in) << 8;
	if (len <= MAX_BYTES)
		parse(t, 0, len, -1, 0);
	if (t->n == 0) {
		HOLDS((out = malloc(len + 1)) != NULL);
		memcpy(out, der, len);
		*out_len = len;
	} else
		out =
		    apply(t, &t->v[at % (unsigned int)t->n], what, in, out_len);
	free(t);
	return out;
}
