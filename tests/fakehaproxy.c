/*
 * fakehaproxy: a socket that is not HAProxy's, or one that misbehaves.
 *
 *	fakehaproxy SOCKET REPLY...
 *
 * The Nth connection is given the Nth REPLY, and all further ones the last;
 * what was asked goes to standard output.  In a REPLY \n, \e, \0 and \\ are
 * what they are in C; instead of a text it may be
 *	@hang	no word, and no end
 *	@close	an end at once, unread
 *	@flood	words without end
 *	@drip	a byte now and then
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

static void
hear(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, stdout);
	fflush(stdout);
}

static void
answer(int fd, const char *reply)
{
	static const char words[4096] = "words ";

	if (strcmp(reply, "@close") == 0)
		return;
	hear(fd);
	if (strcmp(reply, "@hang") == 0)
		sleep(60);
	else if (strcmp(reply, "@flood") == 0)
		while (write(fd, words, sizeof(words)) > 0)
			;
	else if (strcmp(reply, "@drip") == 0)
		while (write(fd, "x", 1) == 1)
			usleep(50000);
	else
		send_text(fd, reply);
}

int
main(int argc, char **argv)
{
	int fd, conn, at = 2;

	if (argc < 3 || (fd = listen_at(argv[1])) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	while ((conn = accept(fd, NULL, NULL)) != -1) {
		answer(conn, argv[at]);
		close(conn);
		if (at + 1 < argc)
			at++;
	}
	return 0;
}
