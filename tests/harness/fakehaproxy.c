/* SPDX-License-Identifier: ISC */
/*
 * fakehaproxy: a socket that is not HAProxy's, or one that misbehaves.
 *
 *	fakehaproxy SOCKET [ASKED=>REPLY]... REPLY...
 *
 * What begins with ASKED is given that REPLY.  Of the other connections the Nth
 * is given the Nth REPLY, and all further ones the last; what was asked goes to
 * standard output.  In a REPLY \n, \e, \0 and \\ are
 * what they are in C; instead of a text it may be
 *	@hang	no word, and no end
 *	@close	an end at once, unread
 *	@flood	words without end
 *	@drip	a byte now and then
 *	@after-N TEXT	the text, N seconds later
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
listen_at(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(un.sun_path))
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return -1;
	if (bind(fd, (const void *)&un, sizeof(un)) == -1 ||
	    listen(fd, 16) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
send_text(int fd, const char *s)
{
	char c;

	for (; *s != '\0'; s++) {
		c = *s;
		if (c == '\\' && s[1] != '\0')
			switch (*++s) {
			case 'n':
				c = '\n';
				break;
			case 'e':
				c = '\033';
				break;
			case '0':
				c = '\0';
				break;
			default:
				c = *s;
				break;
			}
		if (write(fd, &c, 1) != 1)
			return;
	}
}

/* What was asked; the first of it in `first`. */
static void
hear(int fd, char *first, size_t size)
{
	char buf[4096];
	size_t len = 0, some;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		(void)fwrite(buf, 1, (size_t)n, stdout);
		some = (size_t)n < size - 1 - len ? (size_t)n : size - 1 - len;
		memcpy(first + len, buf, some);
		len += some;
	}
	first[len] = '\0';
	fflush(stdout);
}

static void
answer(int fd, const char *reply)
{
	static const char words[4096] = "words ";
	char *text;

	if (strcmp(reply, "@hang") == 0)
		sleep(60);
	else if (strcmp(reply, "@flood") == 0)
		while (write(fd, words, sizeof(words)) > 0)
			;
	else if (strcmp(reply, "@drip") == 0)
		while (write(fd, "x", 1) == 1)
			usleep(50000);
	else if (strncmp(reply, "@after-", 7) == 0) {
		sleep((unsigned)strtoul(reply + 7, &text, 10));
		send_text(fd, text + (*text == ' '));
	} else
		send_text(fd, reply);
}

/* The reply to what was asked, by the first rule; NULL: there is none. */
static const char *
rule(char *const *rules, int n, const char *asked)
{
	const char *arrow;
	int i;

	for (i = 0; i < n; i++) {
		arrow = strstr(rules[i], "=>");
		if (strncmp(asked, rules[i], (size_t)(arrow - rules[i])) == 0)
			return arrow + 2;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	static char asked[4096];
	int fd, conn, rules, at = 2;
	const char *reply;

	while (at < argc && strstr(argv[at], "=>") != NULL)
		at++;
	if (at >= argc || (fd = listen_at(argv[1])) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	rules = at - 2;
	while ((conn = accept(fd, NULL, NULL)) != -1) {
		reply = NULL;
		if (rules > 0 || strcmp(argv[at], "@close") != 0) {
			hear(conn, asked, sizeof(asked));
			reply = rule(argv + 2, rules, asked);
		}
		if (reply != NULL)
			answer(conn, reply);
		else if (strcmp(argv[at], "@close") != 0)
			answer(conn, argv[at]);
		close(conn);
		if (reply == NULL && at + 1 < argc)
			at++;
	}
	return 0;
}
