/* SPDX-License-Identifier: ISC */
/*
 * fuzz: what the fuzzers share.  Each fuzz_NAME.c is one target of libFuzzer's
 * (`make fuzz`), and with replay.c a program that runs the inputs it is given,
 * under any compiler (`make check` does, over the corpus in the tree).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's own; 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What must hold does not: says so and aborts, which is a finding. */
#define HOLDS(x)                                                               \
	do {                                                                   \
		if (!(x))                                                      \
			fuzz_broken(#x, __FILE__, __LINE__);                   \
	} while (0)

void fuzz_broken(const char *what, const char *file, int line)
    __attribute__((noreturn));

/* Bytes of an input, taken from its front; 0 and nothing once it is used up. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

unsigned int fuzz_byte(struct fuzz_in *);
const uint8_t *fuzz_bytes(struct fuzz_in *, size_t *n); /* at most *n */

/* Everything up to a NUL, or the rest, as a string; owned by the caller. */
char *fuzz_string(struct fuzz_in *);

/*
 * Puts bytes into a file that has no name, and returns the name it can be
 * opened under.  It lasts until the next call.
 */
const char *fuzz_file(const uint8_t *, size_t);

/*
 * A server on loopback, in a thread, that reads from a script: parts that end
 * with the two bytes "\\\n" (a backslash and a newline).
 */
enum fuzz_manner {
	FUZZ_ONE_EACH, /* one part for each connection, once it was asked */
	FUZZ_DIALOGUE, /* the first at once, each other when it hears more */
	FUZZ_LISTENER  /* the same, but waits to be spoken to first */
};

struct fuzz_peer;

/* `path` NULL: TCP.  There is no end but the process's. */
struct fuzz_peer *fuzz_peer_new(const char *path, enum fuzz_manner);
int fuzz_peer_port(const struct fuzz_peer *);

/* What it says from now on, from the beginning; borrowed until the next. */
void fuzz_peer_script(
    struct fuzz_peer *, enum fuzz_manner, const uint8_t *, size_t);

#endif
