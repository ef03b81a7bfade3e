/* SPDX-License-Identifier: ISC */
/*
 * served by itself: how HOST[:PORT] is read, and what becomes of a server
 * that says too much, too little, the wrong thing, or nothing, before the
 * handshake and in it.  What honest servers staple is in served.bats.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "handy.h"
#include "probe/served.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- HOST[:PORT] ---- */

static void
hosts_and_ports_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum served_starttls starttls;
		const char *host, *port;
		int is_address;
	} rows[] = {
	    {"www.example.com", STARTTLS_NONE, "www.example.com", "443", 0},
	    {"www.example.com", STARTTLS_SMTP, "www.example.com", "25", 0},
	    {"www.example.com", STARTTLS_IMAP, "www.example.com", "143", 0},
	    {"www.example.com", STARTTLS_POP3, "www.example.com", "110", 0},
	    {"www.example.com", STARTTLS_FTP, "www.example.com", "21", 0},
	    {"www.example.com", STARTTLS_LDAP, "www.example.com", "389", 0},
	    {"a:1", STARTTLS_NONE, "a", "1", 0},
	    {"a.:65535", STARTTLS_SMTP, "a.", "65535", 0},
	    {"xn--bcher-kva.example", STARTTLS_NONE, "xn--bcher-kva.example",
		"443", 0},
	    {"a_b", STARTTLS_NONE, "a_b", "443", 0},
	    {"192.0.2.1", STARTTLS_NONE, "192.0.2.1", "443", 1},
	    {"192.0.2.1:8443", STARTTLS_NONE, "192.0.2.1", "8443", 1},
	    {"[::1]:8443", STARTTLS_NONE, "::1", "8443", 1},
	    {"[::1]", STARTTLS_NONE, "::1", "443", 1},
	    {"[2001:db8::1]", STARTTLS_IMAP, "2001:db8::1", "143", 1},
	    {"::1", STARTTLS_NONE, "::1", "443", 1},
	    {"2001:db8::443", STARTTLS_NONE, "2001:db8::443", "443", 1},
	    {"[fe80::1%eth0]:1", STARTTLS_NONE, "fe80::1%eth0", "1", 1},
	    {"[::ffff:192.0.2.1]:1", STARTTLS_NONE, "::ffff:192.0.2.1", "1", 1},
	};
	struct served_where w;
	char why[WHY_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
		    served_parse(rows[i].text, rows[i].starttls, &w, why), 0);
		assert_string_equal(w.host, rows[i].host);
		assert_string_equal(w.port, rows[i].port);
		assert_int_equal(w.is_address, rows[i].is_address);
	}
}

static void
what_is_no_host_and_port_is_refused_with_its_fault(void **state)
{
	static const struct {
		const char *text, *fault;
	} rows[] = {
	    {"", "a host name has"},
	    {":443", "a host name has"},
	    {"a:", "the port is"},
	    {"a:0", "the port is"},
	    {"a:65536", "the port is"},
	    {"a:000443", "the port is"},
	    {"a:-1", "the port is"},
	    {"a:443x", "the port is"},
	    {"a:https", "the port is"},
	    {"a: 443", "the port is"},
	    {"https://a/", "the port is"},
	    {"a/b", "a host name has"},
	    {"a b", "a host name has"},
	    {"-a", "a host name has"},
	    {"a\r\nb", "a host name has"},
	    {"b\xc3\xbc"
	     "cher.example",
		"xn--"},
	    {"[::1", "[ADDRESS]"},
	    {"[::1]443", "[ADDRESS]"},
	    {"[::1]:", "the port is"},
	    {"[]", "no IPv6"},
	    {"[a]:443", "no IPv6"},
	    {"[192.0.2.1]:443", "no IPv6"},
	    {"::1::", "no IPv6"},
	    {"1:2:3", "no IPv6"},
	    {"[::1%]", "no IPv6"},
	    {"[::1%a/b]", "no IPv6"},
	};
	struct served_where w;
	char why[WHY_MAX], name[300];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
		    served_parse(rows[i].text, STARTTLS_NONE, &w, why), -1);
		if (strstr(why, rows[i].fault) == NULL)
			print_error("%s: %s\n", rows[i].text, why);
		assert_non_null(strstr(why, rows[i].fault));
	}
	memset(name, 'a', sizeof(name));
	name[SERVED_MAX_HOST] = '\0';
	assert_int_equal(served_parse(name, STARTTLS_NONE, &w, why), 0);
	name[SERVED_MAX_HOST] = 'a';
	name[SERVED_MAX_HOST + 1] = '\0';
	assert_int_equal(served_parse(name, STARTTLS_NONE, &w, why), -1);
	assert_non_null(strstr(why, "too long"));
}

/* ---- a server that follows a script ---- */

/*
 * By turns, each with a letter: S says the rest; R reads a line, or eleven
 * bytes and more of LDAP; E says the rest without end; D says it one byte at
 * a time, without end; H hangs.  At its end the connection is closed.
 */
struct script {
	const char *turns[6];
	size_t len; /* of the last text, if it has zero bytes */
};

static struct {
	int fd;
	const struct script *script;
	pthread_t thread;
} server;

/* Is the other end still there? */
static int
is_open(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, ms) == 0 ||
	    recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void
say_without_end(int fd, const char *text, size_t n, int drip)
{
	size_t i;

	for (i = 0;; i++)
		if (drip) {
			if (!is_open(fd, 20) ||
			    send(fd, text + i % n, 1, MSG_NOSIGNAL) != 1)
				return;
		} else if (send(fd, text, n, MSG_NOSIGNAL) <= 0)
			return;
}

static void
take_turn(int fd, const char *turn, size_t n)
{
	char buf[8192]; /* a hello with a key of OpenSSL 3.5 is 1.6 kB */
	struct pollfd p = {.fd = fd, .events = POLLIN};

	switch (turn[0]) {
	case 'S':
		(void)send(fd, turn + 1, n, MSG_NOSIGNAL);
		break;
	case 'R':
		poll(&p, 1, 5000);
		(void)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case 'E':
		say_without_end(fd, turn + 1, n, 0);
		break;
	case 'D':
		say_without_end(fd, turn + 1, n, 1);
		break;
	case 'H':
		/* until the client goes, and what it said is read */
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		break;
	}
}

static void *
follow_script(void *ctx)
{
	const struct script *s = server.script;
	int fd = accept(server.fd, NULL, NULL);
	size_t i;

	(void)ctx;
	for (i = 0; i < COUNT(s->turns) && s->turns[i] != NULL; i++)
		take_turn(fd, s->turns[i],
		    s->len != 0 && (i == 5 || s->turns[i + 1] == NULL)
			? s->len
			: strlen(s->turns[i] + 1));
	close(fd);
	return NULL;
}

static int
listen_anywhere(struct served_where *w)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	memset(w, 0, sizeof(*w));
	snprintf(w->host, sizeof(w->host), "127.0.0.1");
	snprintf(w->port, sizeof(w->port), "%u", ntohs(in.sin_port));
	w->is_address = 1;
	return fd;
}

static enum served_result
ask(const struct script *s, enum served_starttls starttls, long timeout_ms,
    char *why)
{
	struct served_question q = {.starttls = starttls,
	    .connect_ms = 10000,
	    .timeout_ms = timeout_ms,
	    .clock_ms = real_ms};
	struct served_answer a;
	enum served_result res;

	server.fd = listen_anywhere(&q.where);
	server.script = s;
	assert_int_equal(
	    pthread_create(&server.thread, NULL, follow_script, NULL), 0);
	res = served_ask(&q, &a, why);
	assert_true(strlen(why) < WHY_MAX);
	assert_int_equal(a.nchain, 0);
	assert_int_equal(a.staple_len, 0);
	assert_null(a.staple);
	served_free(&a);
	pthread_join(server.thread, NULL);
	close(server.fd);
	return res;
}

struct row {
	enum served_starttls starttls;
	struct script script;
	const char *why;
};

/* Each of these ends at once, long before any time is up. */
static void
all_fail(const struct row *rows, size_t n, enum served_result want)
{
	enum served_result got;
	char why[WHY_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		got = ask(&rows[i].script, rows[i].starttls, 60000, why);
		if (got != want || strstr(why, rows[i].why) == NULL)
			print_error("row %zu: %d, %s\n", i, (int)got, why);
		assert_int_equal(got, want);
		assert_non_null(strstr(why, rows[i].why));
	}
}

#define LDAP_BAD(bytes)                                                        \
	{                                                                      \
		{"R", "S" bytes}, sizeof(bytes) - 1                            \
	}
#define EHLO "S220 a\r\n", "R"

static void
what_goes_wrong_before_the_handshake_is_told(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_SMTP, {{NULL}, 0}, "closed the connection"},
	    {STARTTLS_SMTP, {{"S220 a"}, 0}, "closed the connection"},
	    {STARTTLS_SMTP, {{"S554 go away\r\n"}, 0}, "said \"554 go away\""},
	    {STARTTLS_SMTP, {{"S220-a\r\n554 b\r\n"}, 0}, "said \"554 b\""},
	    {STARTTLS_SMTP, {{"S220a\r\n"}, 0}, "said \"220a\""},
	    {STARTTLS_SMTP, {{"SSSH-2.0-x\r\n"}, 0}, "said \"SSH-2.0-x\""},
	    {STARTTLS_SMTP, {{EHLO, "S250 a\r\n"}, 0}, "does not offer"},
	    {STARTTLS_SMTP, {{EHLO, "S250-STARTTLSX\r\n250 a\r\n"}, 0},
		"does not offer"},
	    {STARTTLS_SMTP, {{EHLO, "S502 what\r\n"}, 0}, "said \"502 what\""},
	    {STARTTLS_SMTP,
		{{EHLO, "S250 STARTTLS\r\n", "R", "S454 no\r\n"}, 0},
		"said \"454 no\""},
	    {STARTTLS_IMAP, {{"S* BYE full\r\n"}, 0}, "said \"* BYE full\""},
	    {STARTTLS_IMAP, {{"S* PREAUTH hello\r\n"}, 0}, "PREAUTH"},
	    {STARTTLS_IMAP, {{"S* OK\r\n", "R", "Sa NO never\r\n"}, 0},
		"said \"a NO never\""},
	    {STARTTLS_IMAP, {{"S* OK\r\n", "R", "S* BYE\r\n"}, 0},
		"said \"* BYE\""},
	    {STARTTLS_IMAP, {{"S* OK\r\n", "R", "Sb OK\r\n"}, 0},
		"said \"b OK\""},
	    {STARTTLS_POP3, {{"S-ERR\r\n"}, 0}, "said \"-ERR\""},
	    {STARTTLS_POP3, {{"S+OK\r\n", "R", "S-ERR no\r\n"}, 0},
		"said \"-ERR no\""},
	    {STARTTLS_FTP, {{"S421 full\r\n"}, 0}, "said \"421 full\""},
	    {STARTTLS_FTP, {{"S220 a\r\n", "R", "S534 no\r\n"}, 0},
		"said \"534 no\""},
	    {STARTTLS_LDAP, {{"R"}, 0}, "closed the connection"},
	    {STARTTLS_LDAP, {{"R", "SHTTP/1.1 400\r\n"}, 0}, "not LDAP"},
	    /* unavailable, 52 */
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00"
			 "\x04\x00"),
		"result code 52"},
	    /* another message, another kind, another type of code */
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x08\x02\x01\x02\x78\x03\x0a\x01\x00"),
		"not LDAP"},
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x08\x02\x01\x01\x61\x03\x0a\x01\x00"),
		"not LDAP"},
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x08\x02\x01\x01\x78\x03\x02\x01\x00"),
		"not LDAP"},
	    /* lengths that lie: beyond the message, beyond the element */
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x08\x02\x01\x01\x78\x09\x0a\x01\x00"),
		"not LDAP"},
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x08\x02\x01\x01\x78\x03\x0a\x02\x00"),
		"not LDAP"},
	    {STARTTLS_LDAP, LDAP_BAD("\x30\x03\x02\x01\x01"), "not LDAP"},
	    {STARTTLS_LDAP, LDAP_BAD("\x30\x00"), "not LDAP"},
	    {STARTTLS_LDAP, LDAP_BAD("\x30\x80\x02\x01\x01"), "not LDAP"},
	    {STARTTLS_LDAP, LDAP_BAD("\x30\x84\xff\xff\xff\xff"), "not LDAP"},
	    {STARTTLS_LDAP, LDAP_BAD("\x30\x88\x01"), "not LDAP"},
	};

	(void)state;
	all_fail(rows, COUNT(rows), SERVED_ESTARTTLS);
}

/* RFC 3207 section 6, CVE-2011-0411 and its kin. */
static void
what_is_said_in_the_clear_after_starttls_is_refused(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_SMTP,
		{{EHLO, "S250 STARTTLS\r\n", "R", "S220 b\r\n250 c\r\n"}, 0},
		"in the clear after STARTTLS (7 bytes)"},
	    {STARTTLS_SMTP,
		{{EHLO, "S250 STARTTLS\r\n", "R", "S220 b\r\n\x16\x03"}, 0},
		"in the clear after STARTTLS (2 bytes)"},
	    {STARTTLS_IMAP,
		{{"S* OK\r\n", "R", "Sa OK\r\n* CAPABILITY\r\n"}, 0},
		"in the clear"},
	    {STARTTLS_POP3, {{"S+OK\r\n", "R", "S+OK\r\n+OK\r\n"}, 0},
		"in the clear"},
	    {STARTTLS_FTP, {{"S220 a\r\n", "R", "S234 b\r\nx"}, 0},
		"in the clear"},
	    {STARTTLS_LDAP,
		LDAP_BAD("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00"
			 "\x04\x00\x30"),
		"in the clear after STARTTLS (1 bytes)"},
	};

	(void)state;
	all_fail(rows, COUNT(rows), SERVED_ESTARTTLS);
}

static void
endless_talk_before_the_handshake_is_cut_off(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_SMTP, {{"E220-a\r\n"}, 0}, "more than 128 lines"},
	    {STARTTLS_SMTP, {{"E220 a"}, 0}, "line of more than 2048 bytes"},
	    {STARTTLS_SMTP, {{EHLO, "E250-a\r\n"}, 0}, "more than 128 lines"},
	    {STARTTLS_IMAP, {{"S* OK\r\n", "R", "E* 1 EXISTS\r\n"}, 0},
		"more than 128 lines"},
	    {STARTTLS_IMAP, {{"E* OK "}, 0}, "line of more than 2048 bytes"},
	    {STARTTLS_POP3, {{"E+OK"}, 0}, "line of more than 2048 bytes"},
	    {STARTTLS_FTP, {{"E220-a\r\nb\r\n"}, 0}, "more than 128 lines"},
	    {STARTTLS_FTP, {{"S220 a\r\n", "R", "E234-a\r\n"}, 0},
		"more than 128 lines"},
	};

	(void)state;
	all_fail(rows, COUNT(rows), SERVED_ESTARTTLS);
}

/* An alert of fatal kind, handshake_failure; then a warning, without end. */
#define ALERT "\x15\x03\x03\x00\x02\x02\x28"
#define WARNING "\x15\x03\x03\x00\x02\x01\x5a"

/* HelloRequest is to be ignored however often it comes, RFC 5246 7.4.1.1. */
#define HELLO_REQUEST "\x16\x03\x03\x00\x04\x00\x00\x00\x00"

static void
what_is_no_handshake_is_told(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_NONE, {{NULL}, 0}, ""},
	    {STARTTLS_NONE, {{"R"}, 0}, ""},
	    {STARTTLS_NONE, {{"R", "SHTTP/1.1 400 Bad Request\r\n\r\n"}, 0},
		"is it a TLS server"},
	    {STARTTLS_NONE, {{"S220 mx.example.com ESMTP\r\n", "R"}, 0},
		"--starttls"},
	    {STARTTLS_NONE, {{"R", "S" ALERT}, 7}, "handshake failure"},
	    {STARTTLS_NONE, {{"R", "E" WARNING}, 7}, ""},
	    {STARTTLS_NONE, {{"R", "E" HELLO_REQUEST}, 9}, "without end"},
	    {STARTTLS_NONE, {{"R", "EXXXXXXXXXX"}, 0}, ""},
	    {STARTTLS_POP3, {{"S+OK\r\n", "R", "S+OK\r\n", "R", "S+OK\r\n"}, 0},
		""},
	};

	(void)state;
	all_fail(rows, COUNT(rows), SERVED_ETLS);
}

static void
a_server_that_hangs_or_drips_takes_no_more_than_the_time_it_has(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_NONE, {{"H"}, 0}, "in the handshake"},
	    {STARTTLS_SMTP, {{"H"}, 0}, "before the handshake"},
	    {STARTTLS_SMTP, {{"D220-a\r\n"}, 0}, "before the handshake"},
	    {STARTTLS_SMTP, {{EHLO, "H"}, 0}, "before the handshake"},
	    {STARTTLS_IMAP, {{"S* OK\r\n", "H"}, 0}, "before the handshake"},
	    {STARTTLS_LDAP, {{"R", "S\x30\x0c\x02", "H"}, 0},
		"before the handshake"},
	    {STARTTLS_NONE, {{"R", "D\x16\x03\x03\x3f\xff"}, 0},
		"in the handshake"},
	};
	char why[WHY_MAX];
	long long begin;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin = real_ms();
		assert_int_equal(
		    ask(&rows[i].script, rows[i].starttls, 300, why),
		    SERVED_ETIMEOUT);
		assert_true(real_ms() - begin >= 300);
		assert_true(real_ms() - begin < 20000);
		assert_non_null(strstr(why, rows[i].why));
	}
}

static struct served_question
plain_question(void)
{
	struct served_question q = {
	    .connect_ms = 10000, .timeout_ms = 10000, .clock_ms = real_ms};

	return q;
}

static void
a_refused_connection_names_address_and_reason(void **state)
{
	struct served_question q = plain_question();
	struct served_answer a;
	char why[WHY_MAX];

	(void)state;
	close(listen_anywhere(&q.where));
	assert_int_equal(served_ask(&q, &a, why), SERVED_ECONNECT);
	assert_non_null(strstr(why, "127.0.0.1 port "));
	assert_non_null(strstr(why, "refused"));
	assert_string_equal(a.address, "");
	served_free(&a);
	/* and the other family is not tried at all */
	q.family = 6;
	assert_int_equal(served_ask(&q, &a, why), SERVED_ERESOLVE);
	served_free(&a);
}

/* A backlog that is full takes no connection, and says nothing. */
static void
a_connection_that_is_not_made_in_time_is_given_up(void **state)
{
	struct served_question q = plain_question();
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct served_answer a;
	char why[WHY_MAX];
	int fds[16], fd;
	size_t i;

	(void)state;
	fd = listen_anywhere(&q.where);
	assert_int_equal(listen(fd, 0), 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)strtol(q.where.port, NULL, 10));
	for (i = 0; i < COUNT(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&in, sizeof(in));
	}
	q.connect_ms = 300;
	assert_int_equal(served_ask(&q, &a, why), SERVED_ETIMEOUT);
	assert_true(a.ms >= 300 && a.ms < 10000);
	assert_string_equal(a.address, "");
	served_free(&a);
	for (i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	close(fd);
}

/* A thread of ours may still be closing what it had, hence the patience. */
static int
descriptors(int want, int tries)
{
	struct timespec pause = {.tv_nsec = 10000000};
	struct dirent *e;
	int n = 0;
	DIR *d;

	for (; tries > 0; tries--) {
		d = opendir("/proc/self/fd");
		for (n = 0; (e = readdir(d)) != NULL;)
			n += e->d_name[0] != '.';
		closedir(d);
		if (n == want)
			break;
		nanosleep(&pause, NULL);
	}
	return n;
}

static void
no_descriptor_is_left_open(void **state)
{
	static const struct row rows[] = {
	    {STARTTLS_NONE, {{"R", "S" ALERT}, 7}, ""},
	    {STARTTLS_NONE, {{NULL}, 0}, ""},
	    {STARTTLS_SMTP, {{NULL}, 0}, ""},
	    {STARTTLS_SMTP, {{"S220 a\r\n", "R"}, 0}, ""},
	};
	char why[WHY_MAX];
	int before;
	size_t i;

	(void)state;
	if (access("/proc/self/fd", F_OK) == -1)
		skip();
	before = descriptors(-1, 1);
	for (i = 0; i < COUNT(rows); i++)
		(void)ask(&rows[i].script, rows[i].starttls, 60000, why);
	assert_int_equal(descriptors(before, 500), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_and_ports_are_told_apart),
	    cmocka_unit_test(
		what_is_no_host_and_port_is_refused_with_its_fault),
	    cmocka_unit_test(what_goes_wrong_before_the_handshake_is_told),
	    cmocka_unit_test(
		what_is_said_in_the_clear_after_starttls_is_refused),
	    cmocka_unit_test(endless_talk_before_the_handshake_is_cut_off),
	    cmocka_unit_test(what_is_no_handshake_is_told),
	    cmocka_unit_test(
		a_server_that_hangs_or_drips_takes_no_more_than_the_time_it_has),
	    cmocka_unit_test(a_refused_connection_names_address_and_reason),
	    cmocka_unit_test(a_connection_that_is_not_made_in_time_is_given_up),
	    cmocka_unit_test(no_descriptor_is_left_open),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
