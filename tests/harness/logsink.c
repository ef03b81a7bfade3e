/* SPDX-License-Identifier: ISC */
/*
 * logsink: the system's log, for one test: it prints each message that is
 * sent to the socket PATH, one a line, with what may be no line shown as "?".
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char buf[65536];
	ssize_t n, i;
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(un.sun_path)) {
		fprintf(stderr, "usage: logsink PATH\n");
		return 2;
	}
	memcpy(un.sun_path, argv[1], strlen(argv[1]) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1) {
		perror("logsink");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while ((n = recv(fd, buf, sizeof(buf), 0)) >= 0) {
		for (i = 0; i < n; i++)
			if (buf[i] < ' ')
				buf[i] = '?';
		printf("%.*s\n", (int)n, buf);
		fflush(stdout);
	}
	close(fd);
	return 1;
}
