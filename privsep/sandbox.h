/* SPDX-License-Identifier: ISC */
/*
 * sandbox: what a process gives up.
 *
 * The whole program gives up what it never needs; a process that decodes what
 * strangers sent gives up everything but a socket, with sandbox_jail().  What
 * a system has for that differs: the answer says what was had.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

enum sandbox_mode {
	SANDBOX_AUTO,    /* as strong as this system has it */
	SANDBOX_REQUIRE, /* no run without a jail */
	SANDBOX_OFF      /* all in one process */
};

/* What a jail is made of. */
#define JAIL_FILES 1U /* Landlock: no file is to be had */
#define JAIL_NET 2U   /* Landlock, ABI 4 and later: nor a TCP connection */
#define JAIL_CALLS 4U /* seccomp: no system call but a few harmless ones */
#define JAIL_PLEDGE 8U
#define JAIL_RIGHTS 16U /* no capability but those about files, or none */

/*
 * Of the descriptors that somebody left open for us none is kept, but those
 * which the arguments name (as "/dev/fd/63").  Here and below, `deadly` are
 * calls that are not to be made, see filter.h.
 */
void sandbox_close(int argc, char *const *argv, unsigned deadly);

/*
 * No other process of this user looks into this one, or makes it do something;
 * what it runs is not concerned.
 */
void sandbox_hide(unsigned deadly);

/* Wipes a secret before free(), lest processes forked later inherit it; or
 * NULL. */
void sandbox_forget(void *, size_t);

/* Memory goes into no core file, from here on. */
void sandbox_start(unsigned deadly);

/*
 * What this process will never do again, nor any that it starts: run another
 * program, gain rights by one, listen on a socket, trace another process, type
 * into a terminal; and, as JAIL_FILES, make devices, directories and symbolic
 * links and, where `dirs` is not NULL, write elsewhere than in and below these.
 * Of root's rights those about files are left.  The UNIX sockets to which it
 * is to connect OpenBSD wants to know.  Answers in JAIL_ bits what of it holds.
 */
unsigned sandbox_narrow(const char *const *dirs, size_t n,
    const char *const *sockets, size_t nsockets, unsigned deadly);

/*
 * Leaves this process nothing but its memory and `fd`, for reading and
 * writing.  There is no way back.  Answers in JAIL_ bits what holds it.
 */
unsigned sandbox_jail(int fd, unsigned deadly);

/* Are neither files nor the network within reach of what is held by this? */
int sandbox_holds(unsigned jail);

/* "seccomp and Landlock"; never NULL. */
const char *sandbox_words(unsigned jail);

#endif
