/*
 * The HAProxy room by itself: addresses, words, sizes, times, and what it makes
 * of answers.  tests/haproxy.bats has the real one.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

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
#include "haproxy.h"

#define UNMATCHED                                                              \
	"OCSP single response: Certificate ID does not match any certificate " \
	"or issuer.\n\n"
#define UPDATED "OCSP Response updated!\n\n"

static char dir[64];
static char why[WHY_MAX];
static pid_t server = -1;

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_haproxy.XXXXXX");
	why[0] = '\0';
	return mkdtemp(dir) != NULL ? chdir(dir) : -1;
}

static void
end_server(void)
{
	if (server == -1)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = -1;
	unlink("s");
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	end_server();
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

/* All the patience but a second has passed when it is asked again. */
static long long late_since;

static long long
late_ms(void)
{
	if (late_since == 0) {
		late_since = real_ms();
		return 0;
	}
	return HAPROXY_PATIENCE - 1000 + real_ms() - late_since;
}

/* ---- a server that says what it is told to ---- */

static void
serve_one(int conn, const char *reply)
{
	char buf[65536];
	ssize_t n;
	FILE *log = fopen("log", "a");

	while ((n = read(conn, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, log);
	fclose(log);
	if (reply == NULL)
		return; /* and the connection stays open */
	if (write(conn, reply, strlen(reply)) == -1)
		_exit(1);
	close(conn);
}

/* The Nth connection to the socket "s" is answered the Nth; NULL: never. */
static void
serve(const char *const *replies, size_t n)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t i;

	end_server();
	(void)unlink("log");
	assert_int_equal(bind(fd, (const void *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 8), 0);
	server = fork();
	assert_int_not_equal(server, -1);
	if (server == 0) {
		for (i = 0; i < n; i++)
			serve_one(accept(fd, NULL, NULL), replies[i]);
		pause();
		_exit(0);
	}
	close(fd);
}

#define SERVE(...)                                                             \
	do {                                                                   \
		const char *const replies_[] = {__VA_ARGS__};                  \
		serve(replies_, sizeof(replies_) / sizeof(replies_[0]));       \
	} while (0)

static char *
asked(void)
{
	static char buf[1 << 17];
	FILE *f = fopen("log", "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	return buf;
}

#define OURS "0123456789ABCDEF0123456789ABCDEF01234567"
#define TAIL "123456789ABCDEF0123456789ABCDEF01234567"

static struct haproxy_news
news(const char *der, size_t len)
{
	const struct haproxy_news n = {.path = "/x/site.pem",
	    .sha1 = OURS,
	    .der = (const unsigned char *)der,
	    .len = len,
	    .issuer = (const unsigned char *)"issuer",
	    .issuer_len = 6};

	return n;
}

static enum haproxy_result
tell(const char *der)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news(der, strlen(der));

	return haproxy_push(&h, &n, why);
}

/* ---- addresses ---- */

static void
what_names_a_socket_is_taken(void **state)
{
	static const char *const good[] = {"s", "/run/haproxy/admin.sock",
	    "./a:b", "/a:1", "h:1", "127.0.0.1:65535", "[::1]:80",
	    "[fe80::1%eth0]:9999", "host.example.com:1"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (haproxy_check(good[i], why) == -1)
			fail_msg("%s: %s", good[i], why);
}

static void
what_names_none_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {"", ":", ":1", "h:", "h:0", "h:65536",
	    "h:99999999999", "h:-1", "h:+1", "h:1 ", "h:x", "::1", "a:b:1",
	    "[]:1", "[::1]", "[::1]:", "[::1]x:1", "[::1:1"};
	char longer[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		if (haproxy_check(bad[i], why) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(strlen(why) > 0);
	}
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[299] = '\0';
	assert_int_equal(haproxy_check(longer, why), -1);
	assert_non_null(strstr(why, "at most"));
	assert_non_null(strstr(why, "299"));
	longer[298] = ':';
	memmove(longer + 290, "x:1", 4);
	longer[0] = 'x';
	assert_int_equal(haproxy_check(longer, why), -1);
}

/* ---- words ---- */

static void
a_response_is_sent_in_base64_on_one_line(void **state)
{
	static const struct {
		const char *der, *line;
	} rows[] = {{"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
	    {"\xfb\xff\xbe", "+/++"},
	    {"0123456789012345678901234567890123456789012345678901234567",
		"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"
		"NTY3ODkwMTIzNDU2Nw=="}};
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SERVE(UPDATED);
		assert_int_equal(tell(rows[i].der), HAPROXY_UPDATED);
		snprintf(want, sizeof(want), "set ssl ocsp-response %s\n",
		    rows[i].line);
		assert_string_equal(asked(), want);
	}
}

static void
only_the_whole_answer_is_success(void **state)
{
	static const char *const bad[] = {"", "\n\n", "OCSP Response updated",
	    "xOCSP Response updated!\n", "OCSP Response updated!x\n",
	    "OCSP Response updated!\n\nOCSP Response updated!\n",
	    " OCSP Response updated!", "OCSP Response updated! ",
	    "OCSP Response updated!\r\n", "ocsp response updated!\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SERVE(bad[i]);
		assert_int_equal(tell("x"), HAPROXY_REFUSED);
	}
	SERVE("OCSP Response updated!");
	assert_int_equal(tell("x"), HAPROXY_UPDATED);
}

static void
what_is_shown_is_escaped_and_bounded(void **state)
{
	char reply[5001];

	(void)state;
	memset(reply, '\033', 5000);
	reply[5000] = '\0';
	SERVE(reply);
	assert_int_equal(tell("x"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "\\x1B\\x1B"));
	assert_null(strchr(why, '\033'));
	assert_true(strlen(why) < 400);
}

static void
a_large_response_is_not_sent(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	static char der[HAPROXY_MAX_DER + 1];
	struct haproxy_news n = news(der, HAPROXY_MAX_DER + 1);

	(void)state;
	SERVE(UPDATED);
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "11001 bytes"));
	assert_non_null(strstr(why, "11000"));
	n.len = HAPROXY_MAX_DER;
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_UPDATED);
	assert_int_equal(
	    strlen(asked()), strlen("set ssl ocsp-response \n") + 14668);
}

/* ---- attaching ---- */

#define LIST "# filename\n/y/other.pem\n/x/site.pem\n\n"
#define SHOWN                                                                  \
	"Filename: /x/site.pem\nStatus: Used\nSerial: A1b\n"                   \
	"SHA1 FingerPrint: 0123456789abcdef0123456789ABCDEF01234567\n"         \
	"Subject: x\n"

static void
a_first_response_is_attached_and_confirmed(void **state)
{
	(void)state;
	SERVE(UNMATCHED, LIST, SHOWN,
	    "Transaction created for certificate /x/site.pem!\n\n",
	    "Transaction updated for certificate /x/site.pem!\n\n",
	    "Committing /x/site.pem..\nSuccess!\n\n", UPDATED);
	assert_int_equal(tell("foo"), HAPROXY_ATTACHED);
	assert_string_equal(asked(),
	    "set ssl ocsp-response Zm9v\n"
	    "show ssl cert\n"
	    "show ssl cert /x/site.pem\n"
	    "set ssl cert /x/site.pem.ocsp <<\nZm9v\n\n"
	    "set ssl cert /x/site.pem.issuer <<\n"
	    "-----BEGIN CERTIFICATE-----\naXNzdWVy\n"
	    "-----END CERTIFICATE-----\n\n"
	    "commit ssl cert /x/site.pem\n"
	    "set ssl ocsp-response Zm9v\n");
}

static void
a_master_is_found_out_once(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE("Unknown command, but\n  @master\n\n", UPDATED, UPDATED);
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_UPDATED);
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_UPDATED);
	assert_string_equal(asked(),
	    "set ssl ocsp-response Zm9v\n"
	    "@1 set ssl ocsp-response Zm9v\n"
	    "@1 set ssl ocsp-response Zm9v\n");
}

static void
names_are_words_whatever_is_in_them(void **state)
{
	(void)state;
	SERVE(UNMATCHED, "# filename\n/a;b \\\"<<'#|/site.pem\n", "No");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(asked(),
	    "\nshow ssl cert /a\\;b\\ \\\\\\\"\\<\\<\\'\\#\\|/site.pem\n"));
	SERVE(UNMATCHED, "# filename\n/a\tb\r/site.pem\n", "No");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "control character"));
	assert_null(strchr(asked(), '\t'));
}

static void
a_stranger_of_the_same_name_is_not_touched(void **state)
{
	(void)state;
	SERVE(UNMATCHED, LIST,
	    "Filename: x\nSerial: 0A1B\nSHA1 FingerPrint: 1" TAIL "\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "/x/site.pem is another certificate"));
	assert_null(strstr(asked(), "set ssl cert"));
	SERVE(UNMATCHED, "# filename\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "no certificate by the name of site.pem"));
	SERVE(UNMATCHED, "# transaction\n*/z.pem\n# filename\n/x/site.pem\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "transaction about /z.pem is not yet"));
}

/* A list of `n` that are called as ours is, before and after `ours`. */
static const char *
long_list(const char *ours, size_t n)
{
	static char list[1 << 22];
	char *at = list;
	size_t i;

	at += sprintf(at, "# filename\n");
	for (i = 0; i < n; i++)
		at += sprintf(at, "%s/certificates/%zu/site.pem\n",
		    i == n / 2 ? ours : "", i);
	return list;
}

static void
one_of_many_of_that_name_is_found_by_its_directory(void **state)
{
	(void)state;
	SERVE(UNMATCHED, long_list("x/site.pem\n", 50), SHOWN, "No\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(asked(),
	    "show ssl cert\nshow ssl cert x/site.pem\n"
	    "set ssl cert x/site.pem.ocsp <<\n"));
}

static void
a_list_of_fifty_thousand_is_read(void **state)
{
	(void)state;
	SERVE(UNMATCHED, long_list("/x/site.pem\n", 50000), SHOWN,
	    "Transaction created for certificate /x/site.pem!\n\n",
	    "Transaction updated for certificate /x/site.pem!\n\n",
	    "Committing /x/site.pem..\nSuccess!\n\n", UPDATED);
	assert_int_equal(tell("foo"), HAPROXY_ATTACHED);
}

static void
what_hides_our_fingerprint_is_no_proof(void **state)
{
	static const char *const bad[] = {"SHA1 FingerPrint: " OURS "\n",
	    "x\nSHA1 FingerPrint: " OURS "0\n", "x\nSHA1 FingerPrint: \n",
	    "x\nSHA1 FingerPrint: " TAIL "\n",
	    "x\nsha1 fingerprint: " OURS "\n",
	    "x\nSHA1 FingerPrint: " OURS " x\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SERVE(UNMATCHED, LIST, bad[i]);
		assert_int_equal(tell("foo"), HAPROXY_REFUSED);
		assert_null(strstr(asked(), "set ssl cert"));
	}
}

/* ---- times ---- */

static void
one_that_does_not_answer_is_given_up(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = late_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	late_since = 0;
	SERVE(NULL);
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
	/* at once, and without a connection */
	end_server();
	why[0] = '\0';
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
}

static void
a_transaction_that_hangs_is_aborted(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = late_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	late_since = 0;
	SERVE(UNMATCHED, LIST, SHOWN,
	    "Transaction created for certificate /x/site.pem!\n\n", NULL,
	    "Transaction aborted\n");
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
	assert_non_null(strstr(asked(), "\nabort ssl cert /x/site.pem\n"));
}

static void
nobody_there_is_given_up_with_the_reason(void **state)
{
	struct haproxy h = {.socket = "nobody", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_string_equal(why, "cannot connect: No such file or directory");
	memset(&h.dead, 0, sizeof(h.dead));
	h.socket = "127.0.0.1:1";
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_string_equal(why, "cannot connect: Connection refused");
	memset(&h.dead, 0, sizeof(h.dead));
	h.socket = "[127.0.0.1x]:1";
	assert_int_equal(haproxy_push(&h, &n, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "cannot connect: "));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_names_a_socket_is_taken),
	    TEST(what_names_none_is_refused_with_a_reason),
	    TEST(a_response_is_sent_in_base64_on_one_line),
	    TEST(only_the_whole_answer_is_success),
	    TEST(what_is_shown_is_escaped_and_bounded),
	    TEST(a_large_response_is_not_sent),
	    TEST(a_first_response_is_attached_and_confirmed),
	    TEST(a_master_is_found_out_once),
	    TEST(names_are_words_whatever_is_in_them),
	    TEST(a_stranger_of_the_same_name_is_not_touched),
	    TEST(one_of_many_of_that_name_is_found_by_its_directory),
	    TEST(a_list_of_fifty_thousand_is_read),
	    TEST(what_hides_our_fingerprint_is_no_proof),
	    TEST(one_that_does_not_answer_is_given_up),
	    TEST(a_transaction_that_hangs_is_aborted),
	    TEST(nobody_there_is_given_up_with_the_reason),
	};
#undef TEST

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("haproxy", tests, NULL, NULL);
}
