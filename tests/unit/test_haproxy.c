/* SPDX-License-Identifier: ISC */
/*
 * The HAProxy room by itself: addresses, words, sizes, times, and what it makes
 * of answers.  tests/servers/haproxy.bats has the real one.
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
#include "notify/haproxy.h"
#include "notify/haproxy_names.h"

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

/* Each request to "s" is answered by `reply`. */
static void
serve_by(void (*reply)(int conn, const char *request))
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	static char request[65536];
	size_t len;
	ssize_t n;

	end_server();
	assert_int_equal(bind(fd, (const void *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 8), 0);
	server = fork();
	assert_int_not_equal(server, -1);
	while (server == 0 && (conn = accept(fd, NULL, NULL)) != -1) {
		for (len = 0; (n = read(conn, request + len,
				   sizeof(request) - 1 - len)) > 0;)
			len += (size_t)n;
		request[len] = '\0';
		reply(conn, request);
		close(conn);
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
	    .certid = (const unsigned char *)"\x30\x0a\xff",
	    .certid_len = 3,
	    .der = (const unsigned char *)der,
	    .len = len,
	    .issuer = (const unsigned char *)"issuer",
	    .issuer_len = 6};

	return n;
}

static struct haproxy_done done;

/* Of a socket that may not know the names: only the response is handed over. */
static enum haproxy_result
tell(const char *der)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms, .hides_names = 1};
	const struct haproxy_news n = news(der, strlen(der));
	enum haproxy_result res = haproxy_push(&h, &n, &done, why);

	haproxy_end(&h);
	return res;
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
	struct haproxy h = {.socket = "s", .now_ms = real_ms, .hides_names = 1};
	static char der[HAPROXY_MAX_DER + 1];
	struct haproxy_news n = news(der, HAPROXY_MAX_DER + 1);

	(void)state;
	SERVE(UPDATED);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "11001 bytes"));
	assert_non_null(strstr(why, "11000"));
	n.len = HAPROXY_MAX_DER;
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_UPDATED);
	assert_int_equal(
	    strlen(asked()), strlen("set ssl ocsp-response \n") + 14668);
}

/* ---- attaching ---- */

#define LIST "# filename\n/y/other.pem\n/x/site.pem\n\n"
#define SHOWN                                                                  \
	"Filename: /x/site.pem\nStatus: Used\nSerial: A1b\n"                   \
	"SHA1 FingerPrint: 0123456789abcdef0123456789ABCDEF01234567\n"         \
	"Subject: x\n"
#define OTHER                                                                  \
	"Filename: /y/other.pem\nStatus: Used\n"                               \
	"SHA1 FingerPrint: F" TAIL "\n\n"

static void
a_first_response_is_attached_and_confirmed(void **state)
{
	(void)state;
	SERVE(UNMATCHED, LIST, OTHER SHOWN, LIST, SHOWN,
	    "Transaction created for certificate /x/site.pem!\n\n",
	    "Transaction updated for certificate /x/site.pem!\n\n",
	    "Committing /x/site.pem..\nSuccess!\n\n", UPDATED);
	assert_int_equal(tell("foo"), HAPROXY_ATTACHED);
	assert_string_equal(asked(),
	    "set ssl ocsp-response Zm9v\n"
	    "show ssl cert\n"
	    "show ssl cert /y/other.pem;show ssl cert /x/site.pem\n"
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
	struct haproxy h = {.socket = "s", .now_ms = real_ms, .hides_names = 1};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE("Unknown command, but\n  @master\n\n", UPDATED, UPDATED);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_UPDATED);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_UPDATED);
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
	SERVE(UNMATCHED, "# filename\n/a\tb\r/site.pem\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "is another certificate"));
	assert_null(strchr(asked(), '\t'));
}

static void
a_stranger_of_the_same_name_is_not_touched(void **state)
{
	(void)state;
	SERVE(UNMATCHED, LIST,
	    "Filename: /x/site.pem\nSerial: 0A1B\nSHA1 FingerPrint: 1" TAIL
	    "\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "/x/site.pem is another certificate"));
	assert_null(strstr(asked(), "set ssl cert"));
	SERVE(UNMATCHED, "# filename\n");
	assert_int_equal(tell("foo"), HAPROXY_REFUSED);
	assert_non_null(strstr(why, "no certificate by the name of site.pem"));
	SERVE(UNMATCHED, LIST, SHOWN,
	    "# transaction\n*/z.pem\n# filename\n/x/site.pem\n",
	    "Filename: */z.pem\nSHA1 FingerPrint: F" TAIL "\n");
	assert_int_equal(tell("foo"), HAPROXY_BUSY);
	assert_non_null(strstr(why, "transaction about /z.pem is not yet"));
	assert_null(strstr(asked(), "abort"));
}

/* What is said of a list of `n`, ours among them. */
static void
serve_many(int conn, const char *request)
{
	const size_t n = 50000;
	static char reply[1 << 22];
	char *at = reply;
	size_t i;

	if (strcmp(request, "show ssl cert\n") == 0) {
		at += sprintf(at, "# filename\n");
		for (i = 0; i < n; i++)
			at += sprintf(at, "%s%zu/site.pem\n",
			    i == n / 2 ? "/x/site.pem\n/c/" : "/c/", i);
	} else if (strstr(request, "cert /x/site.pem\n") != NULL ||
	    strstr(request, "cert /x/site.pem;") != NULL)
		at += sprintf(at, "Filename: /y\n\n%s\n", SHOWN);
	else
		at += sprintf(at, "Filename: /c/1/site.pem\n\n");
	if (write(conn, reply, (size_t)(at - reply)) == -1)
		_exit(1);
}

/* A list of ours, and of a name that no command line holds. */
static void
serve_too_long(int conn, const char *request)
{
	static char reply[HAPROXY_COMMAND_MAX + 256];
	int len;

	if (strcmp(request, "show ssl cert\n") == 0)
		len = snprintf(reply, sizeof(reply),
		    "# filename\n/x/site.pem\n/%0*d\n",
		    (int)HAPROXY_COMMAND_MAX, 0);
	else
		len = snprintf(reply, sizeof(reply),
		    "Filename: /x/site.pem\n\n%s\n", SHOWN);
	if (write(conn, reply, (size_t)len) == -1)
		_exit(1);
}

static void
names_that_were_read_in_part_are_not_kept(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	struct haproxy_cli p;
	int i;

	(void)state;
	serve_by(serve_too_long);
	for (i = 0; i < 2; i++) {
		haproxy_cli_start(&p, &h, why);
		assert_int_equal(haproxy_names_load(&p), HAPROXY_REFUSED);
		assert_null(h.names);
	}
	haproxy_end(&h);
}

static void
one_of_fifty_thousand_is_found_by_its_fingerprint(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	size_t len;

	(void)state;
	serve_by(serve_many);
	assert_int_equal(haproxy_has_chain(&h, OURS), 0);
	assert_non_null(h.names);
	assert_int_equal(h.names->n, 50001);
	assert_non_null(haproxy_names_find(h.names, OURS, &len));
	assert_int_equal(len, 1);
	assert_string_equal(
	    haproxy_names_find(h.names, OURS, &len)->name, "/x/site.pem");
	haproxy_end(&h);
}

static void
what_hides_our_fingerprint_is_no_proof(void **state)
{
	static const char *const bad[] = {"xSHA1 FingerPrint: " OURS "\n",
	    "x\nSHA1 FingerPrint: " OURS "0\n", "x\nSHA1 FingerPrint: \n",
	    "x\nSHA1 FingerPrint: " TAIL "\n",
	    "x\nsha1 fingerprint: " OURS "\n",
	    "x\nSHA1 FingerPrint: " OURS " x\n"};
	char said[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(
		    said, sizeof(said), "Filename: /x/site.pem\n%s", bad[i]);
		SERVE(UNMATCHED, LIST, said);
		assert_int_equal(tell("foo"), HAPROXY_REFUSED);
		assert_null(strstr(asked(), "set ssl cert"));
	}
}

/* ---- each name ---- */

#define TWINS "# filename\n/a.pem\n/b.pem\n@web/www\n\n"
#define TWIN(name, key)                                                        \
	"Filename: " name "\nSHA1 FingerPrint: " OURS                          \
	"\nOCSP Response Key: " key "\n\n"
#define ATTACHES(name)                                                         \
	TWINS, TWIN(name, ""),                                                 \
	    "Transaction created for certificate " name "!\n\n",               \
	    "Transaction updated for certificate " name "!\n\n",               \
	    "Committing " name "\nSuccess!\n\n"

static void
each_name_without_a_response_is_attached_to(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE(UPDATED, TWINS,
	    TWIN("/a.pem", "30") TWIN("/b.pem", "") TWIN("@web/www", ""),
	    ATTACHES("/b.pem"), ATTACHES("@web/www"), UPDATED, UPDATED);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_ATTACHED);
	/* in a crt-store, and without a file for it */
	assert_string_equal(done.lost, "@web/www");
	assert_null(strstr(asked(), "set ssl cert /a.pem"));
	/* and from then on they have one */
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_UPDATED);
	assert_string_equal(done.lost, "");
	haproxy_end(&h);
}

static void
before_2_8_a_single_name_is_not_attached_to_for_its_look(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms, .shows_text = 1};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE(UPDATED, LIST, SHOWN);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_UPDATED);
	haproxy_end(&h);
}

static void
one_name_that_fails_is_a_failure_of_all(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE(UPDATED, TWINS, TWIN("/a.pem", "30") TWIN("/b.pem", ""), TWINS,
	    TWIN("/b.pem", ""), "No");
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_REFUSED);
	haproxy_end(&h);
}

static void
a_key_without_a_file_for_the_response_is_lost_by_a_restart(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	SERVE(UNMATCHED, "# filename\n/a.pem\n",
	    "Filename: /a.pem\nCrt filename: /a.pem\nKey filename: /a.key\n"
	    "SHA1 FingerPrint: " OURS "\nOCSP Response Key: \n\n",
	    ATTACHES("/a.pem"), UPDATED);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_ATTACHED);
	assert_string_equal(done.lost, "/a.pem");
	haproxy_end(&h);
}

static void
a_chain_file_is_told(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};

	(void)state;
	SERVE("# filename\n/a.pem\n/b.pem\n",
	    "Filename: /a.pem\nChain Filename: /i.pem\n"
	    "SHA1 FingerPrint: " OURS "\n\n"
	    "Filename: /b.pem\nSHA1 FingerPrint: F" TAIL "\n");
	assert_int_equal(haproxy_has_chain(&h, OURS), 1);
	assert_int_equal(haproxy_has_chain(&h, "F" TAIL), 0);
	assert_int_equal(haproxy_has_chain(&h, ""), 0);
	haproxy_end(&h);
}

/* ---- what a dead run left ---- */

#define OPEN "# transaction\n*/x/site.pem\n# filename\n/x/site.pem\n"

/* A HAProxy that a run was killed on, until somebody aborts. */
static void
serve_open(int conn, const char *request)
{
	static const struct {
		const char *asked, *open, *free;
	} rules[] = {{"show ssl cert\n", OPEN, LIST},
	    {"show ssl cert */x/site.pem.ocsp\n", "OCSP Response Data:\n", ""},
	    {"show ssl cert *", SHOWN, ""}, {"show ssl cert ", SHOWN, SHOWN},
	    {"abort ssl cert /x/site.pem\n", "Transaction aborted", "No"},
	    {"set ssl cert /x/site.pem.ocsp", "No",
		"Transaction created for certificate /x/site.pem!\n\n"},
	    {"set ssl cert /x/site.pem.issuer", "No",
		"Transaction updated for certificate /x/site.pem!\n\n"},
	    {"commit ", "No", "Committing /x/site.pem..\nSuccess!\n\n"},
	    {"set ssl ocsp-response ", UNMATCHED, UPDATED}};
	static int aborted;
	const char *reply = "what?";
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strncmp(request, rules[i].asked, strlen(rules[i].asked)) ==
		    0) {
			reply = aborted ? rules[i].free : rules[i].open;
			break;
		}
	aborted |= strncmp(request, "abort", 5) == 0;
	if (write(conn, reply, strlen(reply)) == -1)
		_exit(1);
}

static void
a_dead_runs_transaction_on_our_response_is_aborted_first(void **state)
{
	const long long began = real_ms();

	(void)state;
	serve_by(serve_open);
	assert_int_equal(tell("foo"), HAPROXY_ATTACHED);
	/* one that lives would have ended it meanwhile */
	assert_true(real_ms() - began >= 1000);
}

static void
one_that_holds_a_new_certificate_is_somebody_elses(void **state)
{
	(void)state;
	SERVE(UNMATCHED, LIST, SHOWN, OPEN, SHOWN, "");
	assert_int_equal(tell("foo"), HAPROXY_BUSY);
	assert_null(strstr(asked(), "abort"));
}

/* ---- what it has ---- */

static enum haproxy_held
held(const char *reply, struct haproxy_response *r)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	SERVE(reply, reply);
	assert_int_equal(haproxy_read(&h, &n, r, why), HAPROXY_UPDATED);
	return r->held;
}

#define NO_ID "Certificate ID does not match any certificate.\n\n"

static void
what_it_has_is_read_by_the_certid(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);
	struct haproxy_response r;

	(void)state;
	SERVE("Zm9vYg==\n\n", NO_ID, "OCSP Response Data:\nx\n\n", NO_ID);
	assert_int_equal(haproxy_read(&h, &n, &r, why), HAPROXY_UPDATED);
	assert_int_equal(r.held, HAPROXY_HAS_DER);
	assert_int_equal(r.len, 4);
	assert_memory_equal(r.der, "foob", 4);
	haproxy_response_free(&r);
	/* an older one knows no base64, and is asked no more for it */
	assert_int_equal(haproxy_read(&h, &n, &r, why), HAPROXY_UPDATED);
	assert_int_equal(r.held, HAPROXY_HAS_TEXT);
	assert_string_equal(r.text, "OCSP Response Data:\nx");
	haproxy_response_free(&r);
	assert_int_equal(haproxy_read(&h, &n, &r, why), HAPROXY_UPDATED);
	assert_int_equal(r.held, HAPROXY_HAS_NOTHING);
	assert_string_equal(asked(),
	    "show ssl ocsp-response base64 300aff\n"
	    "show ssl ocsp-response base64 300aff\n"
	    "show ssl ocsp-response 300aff\n"
	    "show ssl ocsp-response 300aff\n");
}

static void
base64_is_decoded_and_nothing_else(void **state)
{
	static const struct {
		const char *said, *der;
	} good[] = {{"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"},
	    {"+/++", "\xfb\xff\xbe"},
	    {"MDEyMzQ1Njc4OTAxMjM0NTY3ODkw", "012345678901234567890"}};
	static const char *const bad[] = {"Z", "Zm9", "Zm9v!",
	    "Zm 9v===", "====", "Z===", "Zm9v\nZm9v", "Zm=v", "\377m9v",
	    "OCSP Response Data", "Permission denied"};
	struct haproxy_response r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(held(good[i].said, &r), HAPROXY_HAS_DER);
		assert_int_equal(r.len, strlen(good[i].der));
		assert_memory_equal(r.der, good[i].der, r.len);
		haproxy_response_free(&r);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (held(bad[i], &r) != HAPROXY_UNREADABLE)
			fail_msg("%s was read", bad[i]);
		haproxy_response_free(&r);
	}
	assert_int_equal(held("Unknown command: 'show'\n", &r), HAPROXY_MUTE);
	assert_int_equal(held("\n", &r), HAPROXY_HAS_NOTHING);
	assert_int_equal(
	    held(
		"Certificate ID or path does not match any certificate.\n", &r),
	    HAPROXY_HAS_NOTHING);
}

#define TEXT(status, this, next)                                               \
	"OCSP Response Data:\n    Produced At: Dec  1 10:45:26 2026 GMT\n"     \
	"    Cert Status: " status "\n    This Update: " this "\n" next "\n"

static void
times_and_status_are_read_from_words(void **state)
{
	static const char *const bad[] = {"", "OCSP Response Data:\n",
	    TEXT("good", "Dec  1 10:45:26 2026", ""),
	    TEXT("good", "Foo  1 10:45:26 2026 GMT", ""),
	    TEXT("good", "ecD  1 10:45:26 2026 GMT", ""),
	    TEXT("good", "Dec  1 10-45:26 2026 GMT", ""),
	    TEXT("good", "Dec  1 10:45 26 2026 GMT", ""),
	    TEXT("good", "Dec", ""),
	    TEXT("good", "Dec  1 10:45:26 2026 GMT", "    Next Update: x"),
	    TEXT("good", "Dec  1 10:45:26 2026 GMT", "")
		TEXT("good", "Dec  1 10:45:26 2026 GMT", "")};
	struct haproxy_told told;
	size_t i;

	(void)state;
	assert_int_equal(
	    haproxy_read_text(TEXT("good", "Dec  1 10:45:26 2026 GMT",
				  "    Next Update: Jan 31 00:00:00 2027 GMT"),
		&told),
	    0);
	assert_int_equal(told.this_update, 1796121926);
	assert_int_equal(told.next_update, 1801353600);
	assert_true(told.is_good);
	assert_false(told.is_revoked);
	assert_int_equal(
	    haproxy_read_text(
		TEXT("revoked", "Dec 11 10:45:26 2026 GMT", ""), &told),
	    0);
	assert_true(told.is_revoked);
	assert_int_equal(told.next_update, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (haproxy_read_text(bad[i], &told) == 0)
			fail_msg("taken: %s", bad[i]);
}

/* ---- times ---- */

static void
the_runs_deadline_bounds_all_of_it(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);
	struct haproxy_response r;
	const long long began = real_ms();

	(void)state;
	h.until_ms = began + 300;
	SERVE(NULL);
	assert_int_equal(haproxy_read(&h, &n, &r, why), HAPROXY_DEAD);
	assert_string_equal(
	    why, "no whole answer before the run's deadline (--deadline)");
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_true(real_ms() - began < 5000);
}

static void
one_that_does_not_answer_is_given_up(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = late_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	late_since = 0;
	SERVE(NULL);
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
	/* at once, and without a connection */
	end_server();
	why[0] = '\0';
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
}

static void
a_transaction_that_hangs_is_aborted(void **state)
{
	struct haproxy h = {.socket = "s", .now_ms = late_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	late_since = 0;
	SERVE(UNMATCHED, LIST, SHOWN, LIST, SHOWN,
	    "Transaction created for certificate /x/site.pem!\n\n", NULL,
	    "Transaction aborted\n");
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_non_null(strstr(why, "no whole answer within 10 s"));
	assert_non_null(strstr(asked(), "\nabort ssl cert /x/site.pem\n"));
	haproxy_end(&h);
}

static void
nobody_there_is_given_up_with_the_reason(void **state)
{
	struct haproxy h = {.socket = "nobody", .now_ms = real_ms};
	const struct haproxy_news n = news("foo", 3);

	(void)state;
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_string_equal(why, "cannot connect: No such file or directory");
	memset(&h.dead, 0, sizeof(h.dead));
	h.socket = "127.0.0.1:1";
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
	assert_string_equal(why, "cannot connect: Connection refused");
	memset(&h.dead, 0, sizeof(h.dead));
	h.socket = "[127.0.0.1x]:1";
	assert_int_equal(haproxy_push(&h, &n, &done, why), HAPROXY_DEAD);
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
	    TEST(one_of_fifty_thousand_is_found_by_its_fingerprint),
	    TEST(names_that_were_read_in_part_are_not_kept),
	    TEST(what_hides_our_fingerprint_is_no_proof),
	    TEST(each_name_without_a_response_is_attached_to),
	    TEST(before_2_8_a_single_name_is_not_attached_to_for_its_look),
	    TEST(one_name_that_fails_is_a_failure_of_all),
	    TEST(a_key_without_a_file_for_the_response_is_lost_by_a_restart),
	    TEST(a_chain_file_is_told),
	    TEST(a_dead_runs_transaction_on_our_response_is_aborted_first),
	    TEST(one_that_holds_a_new_certificate_is_somebody_elses),
	    TEST(what_it_has_is_read_by_the_certid),
	    TEST(base64_is_decoded_and_nothing_else),
	    TEST(times_and_status_are_read_from_words),
	    TEST(the_runs_deadline_bounds_all_of_it),
	    TEST(one_that_does_not_answer_is_given_up),
	    TEST(a_transaction_that_hangs_is_aborted),
	    TEST(nobody_there_is_given_up_with_the_reason),
	};
#undef TEST

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("haproxy", tests, NULL, NULL);
}
