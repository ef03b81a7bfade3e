/* SPDX-License-Identifier: ISC */
/*
 * What is named: operands, directories, bundles, the lines of lists, and what
 * is named twice.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/crtlist.h"
#include "cli/list.h"
#include "util/words.h"

#include "handy.h"

static char base[64];
static char why[1 << 17]; /* of the last fault */

static int
set_up(void **state)
{
	(void)state;
	why[0] = '\0';
	snprintf(base, sizeof(base), "/tmp/test_list.XXXXXX");
	return mkdtemp(base) != NULL ? chdir(base) : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/") == -1)
		return -1;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	/* NOLINTNEXTLINE(cert-env33-c): test code, a path of our own */
	return system(command);
}

static void
write_file(const char *name, const void *p, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
touch(const char *name)
{
	write_file(name, "", 0);
}

static enum list_result
read_names(struct list **l, const struct list_wanted *w)
{
	const char *reason;
	enum list_result res = list_read(l, w, &reason);

	snprintf(why, sizeof(why), "%s", reason);
	return res;
}

static enum list_result
next_name(struct list *l, struct list_entry *e)
{
	const char *reason = NULL;
	enum list_result res = list_next(l, e, &reason);

	if (reason != NULL)
		snprintf(why, sizeof(why), "%s", reason);
	return res;
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* Up to eight names, parted by blanks. */
struct names {
	char text[256];
	const char *v[8];
	size_t n;
};

static void
split(struct names *to, const char *names)
{
	char *p;

	snprintf(to->text, sizeof(to->text), "%s", names);
	to->n = 0;
	for (p = to->text; *p != '\0'; p++) {
		assert_true(to->n < 8);
		to->v[to->n++] = p;
		p += strcspn(p, " ");
		if (*p == '\0')
			break;
		*p = '\0';
	}
}

static void
tell_entry(struct text *t, const struct list_entry *e)
{
	text_add(
	    t, "%s%s%s", t->len > 0 ? " " : "", e->perhaps ? "?" : "", e->path);
	if (e->output != NULL)
		text_add(t, ">%s", e->output);
	if (e->issuer != NULL)
		text_add(t, "<%s", e->issuer);
	if (e->pinned)
		text_add(t, "!");
}

/*
 * All that is told, in one line: "path", "?path" of a directory, ">output",
 * "<issuer" and "!" behind it, if HAProxy 3 looks for no response, BAD and
 * LOCAL.  Every second of a directory is one.
 */
static char *
told(struct list *l)
{
	struct text t = {0};
	struct list_entry e;
	enum list_result res;

	while ((res = next_name(l, &e)) != LIST_END) {
		if (res == LIST_ENTRY) {
			tell_entry(&t, &e);
			/* these are certificates, others are not */
			if (!e.perhaps || strstr(e.path, ".pem") != NULL)
				list_is_certificate(l);
			continue;
		}
		text_add(&t, "%s%s", t.len > 0 ? " " : "",
		    res == LIST_BAD ? "BAD" : "LOCAL");
	}
	assert_int_equal(next_name(l, &e), LIST_END);
	return t.s;
}

static struct list_wanted
wanted(struct names *operands, struct names *files)
{
	struct list_wanted w = {0};

	w.operands = operands->v;
	w.noperands = operands->n;
	w.files = files->v;
	w.nfiles = files->n;
	w.now_ms = real_ms;
	w.until_ms = -1;
	return w;
}

static void
gives(const char *operands, const char *files, int del_ext, const char *want)
{
	struct names o = {0}, f = {0};
	struct list_wanted w;
	struct list *l;
	char *got;

	split(&o, operands);
	split(&f, files);
	w = wanted(&o, &f);
	w.del_ext = del_ext;
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	got = told(l);
	assert_string_equal(got != NULL ? got : "", want);
	free(got);
	list_free(l);
}

static void
is_refused(const char *operands, const char *files, int del_ext, int single)
{
	struct names o = {0}, f = {0};
	struct list_wanted w;
	struct list *l;

	split(&o, operands);
	split(&f, files);
	w = wanted(&o, &f);
	w.del_ext = del_ext;
	w.single = single;
	assert_int_equal(read_names(&l, &w), LIST_REFUSED);
	assert_true(why[0] != '\0');
	list_free(l);
}

static void
says(const char *what)
{
	if (strstr(why, what) == NULL)
		print_error("%s\n", why);
	assert_non_null(strstr(why, what));
}

/* ---- operands ---- */

static void
operands_come_in_their_order(void **state)
{
	(void)state;
	gives("b a c/d", "", 0, "b a c/d");
	gives("", "", 0, "");
}

static void
a_directory_stands_for_what_haproxy_loads(void **state)
{
	static const char *const there[] = {"d/b.pem", "d/a.pem", "d/c",
	    "d/.hidden", "d/a.pem.issuer", "d/a.pem.ocsp", "d/a.pem.sctl",
	    "d/a.key", "d/a.ocsp.tmp", "d/B.pem", "d/issuer", "d/key.d.pem"};
	size_t i;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(mkdir("d/e.pem", 0755), 0);
	assert_int_equal(mkfifo("d/f.pem", 0644), 0);
	for (i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		touch(there[i]);
	gives("d", "", 0,
	    "?d/B.pem ?d/a.ocsp.tmp ?d/a.pem ?d/b.pem ?d/c ?d/issuer "
	    "?d/key.d.pem");
}

static void
a_directory_may_be_named_with_slashes(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	gives("d//", "", 0, "?d/a.pem");
	gives("./d/", "", 0, "?./d/a.pem");
	assert_int_equal(chdir("d"), 0);
	gives(".", "", 0, "?./a.pem");
}

static void
links_are_followed_and_keep_their_name(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("real");
	assert_int_equal(symlink("../real", "d/a.pem"), 0);
	assert_int_equal(symlink("d", "link"), 0);
	gives("link", "", 0, "?link/a.pem");
	/* a loop, and one that leads nowhere: these must be heard of */
	assert_int_equal(symlink("gone", "d/b.pem"), 0);
	assert_int_equal(symlink("c.pem", "d/c.pem"), 0);
	gives("d", "", 0, "?d/a.pem d/b.pem d/c.pem");
}

static void
a_directory_that_leads_to_itself_is_read_once(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	assert_int_equal(symlink(".", "d/self"), 0);
	assert_int_equal(symlink("../d", "d/again.pem"), 0);
	gives("d", "", 0, "?d/a.pem");
}

static void
a_directory_without_a_certificate_is_told(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	gives("d", "", 0, "BAD");
	says("d: there is no certificate");
	touch("d/README");
	touch("d/a.key");
	gives("d", "", 0, "?d/README BAD");
	/* each for itself */
	assert_int_equal(mkdir("e", 0755), 0);
	touch("e/a.pem");
	gives("e d", "", 0, "?e/a.pem ?d/README BAD");
	gives("d e", "", 0, "?d/README BAD ?e/a.pem");
}

static void
a_bundle_is_its_parts(void **state)
{
	(void)state;
	touch("a.pem.rsa");
	touch("a.pem.ecdsa");
	touch("b.pem");
	touch("b.pem.rsa");
	touch("c.pem.dsa");
	gives("a.pem b.pem c.pem d.pem", "", 0,
	    "a.pem.ecdsa a.pem.rsa b.pem c.pem.dsa d.pem");
	/* and they have different responses, whatever --del-ext says */
	gives("a.pem", "", 1, "a.pem.ecdsa a.pem.rsa");
}

static void
one_output_is_for_one_certificate(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	touch("b.pem.rsa");
	is_refused("d", "", 0, 1);
	says("d is a directory");
	is_refused("b.pem", "", 0, 1);
	says("b.pem is a bundle");
}

/* ---- lists ---- */

static void
line_gives(const char *line, const char *want)
{
	write_file("list", line, strlen(line));
	gives("", "list", 0, want);
}

static void
the_manual_of_haproxy_is_understood(void **state)
{
	(void)state;
	/* the example of its section on crt-list, word for word */
	line_gives("        cert1.pem !*\n"
		   "        # comment\n"
		   "        cert2.pem [alpn h2,http/1.1]\n"
		   "        certW.pem                   *.domain.tld "
		   "!secure.domain.tld\n"
		   "        certS.pem [curves X25519:P-256 ciphers "
		   "ECDHE-ECDSA-AES256-GCM-SHA384] secure.domain.tld\n",
	    "cert1.pem cert2.pem certW.pem certS.pem");
	/* the same of later versions */
	line_gives("default.pem.ecdsa [verify none alpn http/1.1 ssl-min-ver "
		   "TLSv1.3] localhost !www.test1.com\n"
		   "foo.pem [ocsp-update on]\n",
	    "default.pem.ecdsa foo.pem");
}

static void
options_name_output_and_issuer(void **state)
{
	(void)state;
	line_gives("a.pem [ocsp a.der]\n", "a.pem>a.der");
	line_gives("a.pem [issuer ca.pem] x y\n", "a.pem<ca.pem!");
	line_gives(
	    "a.pem [alpn h2 ocsp o/a issuer i/a allow-0rtt verify none] *.x\n",
	    "a.pem>o/a<i/a");
	line_gives("a.pem[ocsp x]!y\n", "a.pem>x");
	line_gives("a.pem [ ocsp\tx ]\n", "a.pem>x");
	line_gives("a.pem *.x [ocsp x]\n", "a.pem>x");
	line_gives("a.pem []\n", "a.pem");
}

static void
a_key_an_issuer_or_an_sctl_without_ocsp_are_told(void **state)
{
	(void)state;
	touch("a.pem");
	line_gives("a.pem [key a.key]\n", "a.pem!");
	line_gives("a.pem [alpn h2 sctl s]\n", "a.pem!");
	line_gives("a.pem [issuer i key a.key sctl s]\n", "a.pem<i!");
	line_gives("a.pem [key a.key ocsp o]\n", "a.pem>o");
	line_gives("a.pem [alpn key]\n", "a.pem");
	line_gives("a.pem key\n", "a.pem");
}

/* What HAProxy takes for the value of an option is none. */
static void
values_are_not_taken_for_options(void **state)
{
	(void)state;
	line_gives("a.pem [ca-file ocsp ciphers issuer alpn h2]\n", "a.pem");
	line_gives("a.pem [ca-file ocsp ocsp x]\n", "a.pem>x");
	line_gives(
	    "a.pem [no-ca-names ocsp x no-alpn issuer y]\n", "a.pem>x<y");
	line_gives("a.pem [some-future-flag ocsp x]\n", "a.pem>x");
	line_gives("a.pem ocsp x\n", "a.pem");
}

static void
lines_may_end_as_they_like(void **state)
{
	(void)state;
	line_gives("a.pem\r\nb.pem [ocsp x]\r\n\r\n#c\r\n", "a.pem b.pem>x");
	line_gives("a.pem\n\n \t\n# c\n#\n\t# d\nb.pem", "a.pem b.pem");
	line_gives("a.pem\v\fb\n", "a.pem");
	line_gives("a#b.pem #c\n", "a#b.pem");
}

static void
there_are_no_quotes_as_in_haproxy(void **state)
{
	(void)state;
	touch("\"a");
	touch("a\\");
	line_gives("\"a b.pem\"\n", "\"a");
	line_gives("a\\ b.pem\n", "a\\");
}

static void
a_line_that_is_not_understood_is_told_alone(void **state)
{
	static const char *const lines[] = {"[ocsp x]", "] a.pem", "a.pem ]",
	    "a.pem [ocsp x", "a.pem [ocsp", "a.pem [ocsp]", "a.pem [ocsp [",
	    "a.pem [] [", "a.pem [[ocsp x]]", "a.pem [alpn]", "a.pem []]",
	    "a.pem [alpn h2 [ocsp x]"};
	char text[256], glimpse[WORDS_GLIMPSE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "x.pem\n%s\ny.pem\n", lines[i]);
		line_gives(text, "x.pem BAD y.pem");
		says("list: line 2: ");
		says(words_glimpse(glimpse, lines[i], strlen(lines[i])));
	}
}

static void
directories_and_bundles_stand_in_lists(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	touch("b.pem.rsa");
	line_gives("d [alpn h2] x\nb.pem !*\n", "?d/a.pem b.pem.rsa");
	line_gives("d [ocsp x]\n", "BAD");
	says("list: line 1: ");
	says("d is a directory");
	line_gives("b.pem [issuer x]\n", "BAD");
	says("b.pem is a bundle");
}

static void
a_list_that_names_nothing_is_told(void **state)
{
	(void)state;
	line_gives("", "BAD");
	says("list: no certificate is named in it");
	line_gives("# only\n\n#comments", "BAD");
	gives("", "/dev/null", 0, "BAD");
	gives("a.pem", "list gone", 0, "a.pem BAD BAD");
	says("gone: cannot read the list: No such file");
	assert_int_equal(mkdir("d", 0755), 0);
	gives("a.pem", "d", 0, "a.pem BAD");
	says("d: cannot read the list: Is a directory");
}

static void
a_nul_byte_ends_a_list(void **state)
{
	(void)state;
	write_file("list", "a.pem\nb.p\0em\nc.pem\n", 19);
	gives("", "list", 0, "a.pem BAD");
	says("list: line 2: it holds a NUL byte");
	write_file("list", "\0", 1);
	gives("z", "list", 0, "z BAD");
}

static void
a_line_has_a_limit_on_both_sides(void **state)
{
	static const char first[] = {'a', '.', 'p', 'e', 'm', ' '};
	static const char next[] = {'\n', 'b', '.', 'p', 'e', 'm', '\n'};
	char *line = malloc(CRTLIST_LINE_MAX + 16);
	size_t n;

	(void)state;
	assert_non_null(line);
	memset(line, 'x', CRTLIST_LINE_MAX + 16);
	memcpy(line, first, sizeof(first));
	for (n = CRTLIST_LINE_MAX; n <= CRTLIST_LINE_MAX + 1; n++) {
		memcpy(line + n, next, sizeof(next));
		write_file("list", line, n + sizeof(next));
		gives("", "list", 0,
		    n > CRTLIST_LINE_MAX ? "BAD" : "a.pem b.pem");
		/* nor does the end of the file matter */
		write_file("list", line, n);
		gives("", "list", 0, n > CRTLIST_LINE_MAX ? "BAD" : "a.pem");
		memset(line + n, 'x', sizeof(next));
	}
	says("list: line 1: it has more than 65534 bytes");
	free(line);
}

static void
more_than_a_million_are_refused(void **state)
{
	FILE *f = fopen("list", "w");
	size_t i;

	(void)state;
	assert_non_null(f);
	for (i = 0; i <= LIST_MAX; i++)
		fputs("list\n", f);
	assert_int_equal(fclose(f), 0);
	is_refused("", "list", 0, 0);
	says("more than 1000000 certificates");
}

/* What is, in any form, a certificate or a key. */
static void
a_certificate_or_a_key_is_no_list(void **state)
{
	static const char *const files[] = {
	    "-----BEGIN CERTIFICATE-----\nAAAA\n",
	    "x.pem\n]\ny.pem-----BEGIN PRIVATE KEY-----\nAAAA\n",
	    "\xef\xbb\xbf-----BEGIN CERTIFICATE-----\r\nAAAA\r\n",
	    "x\n  -----END CERTIFICATE-----\n", "ED25519 Private-Key:\npriv:\n",
	    "PuTTY-User-Key-File-3: ssh-rsa\n", "0\x82\x04\xbex\n",
	    "0w\x02\x01\x01\x04\n",
	    "x\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTU\n",
	    "]\n]\n]\n]\n]\n]\n]\n]\n]\n]\n]\n]\n]\nPRIVATE KEY\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_file("list", files[i], strlen(files[i]));
		gives("a.pem", "list list", 0, "a.pem BAD BAD");
		says("list: line ");
		says("looks like a certificate or a key");
		assert_null(strstr(why, "AAAA"));
		assert_null(strstr(why, "MII"));
	}
}

static void
what_only_looks_like_it_is_a_list(void **state)
{
	(void)state;
	line_gives("#-----BEGIN CERTIFICATE-----\na.pem\n", "a.pem");
	line_gives("\xef\xbb\xbf# x\na.pem\n", "a.pem");
	line_gives("\xef\xbb\xbf"
		   "a.pem",
	    "a.pem");
	line_gives("0.pem\n00\n", "0.pem 00");
	line_gives("etc/ssl/certificates/customers/production/wildcard\n",
	    "etc/ssl/certificates/customers/production/wildcard");
	line_gives("pki/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c"
		   "15b0f00a08.pem\n",
	    "pki/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00"
	    "a08.pem");
	/* what is there may have any name */
	touch("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB");
	line_gives("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB\n",
	    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB");
}

static void
of_many_faults_ten_are_told_and_the_others_counted(void **state)
{
	FILE *f = fopen("list", "w");
	int i;

	(void)state;
	assert_non_null(f);
	for (i = 0; i < 10; i++)
		fputs(i & 1 ? "]\n" : "a:b\n", f);
	fclose(f);
	gives("", "list", 0, "BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD");
	says("list: line 10: it begins with a");
	f = fopen("list", "a");
	assert_non_null(f);
	fputs("]\nx.pem\n]\n", f);
	fclose(f);
	gives(
	    "", "list", 0, "BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD x.pem BAD");
	says("list: 2 more lines are not understood");
}

static void
an_entry_says_where_it_is_named(void **state)
{
	static const char *const lists[] = {"one", "two"};
	const char *const operands[] = {"o*.pem"};
	const struct list_wanted w = {operands, 1, lists, 2, 0, 0, real_ms, -1};
	struct list_entry e;
	struct list *l;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/x.pem");
	touch("t?.pem");
	make("one", "#\na.pem\nd\n");
	make("two", "d/x.pem [ocsp y]\nd/x.pem\nt?.pem\nd?.pem\n");
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_string_equal(e.path, "o*.pem");
	assert_null(e.list);
	assert_true(e.pattern);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_string_equal(e.list, "one");
	assert_int_equal(e.line, 2);
	assert_false(e.pattern);
	/* of a directory, but named itself as well */
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	list_is_certificate(l);
	assert_string_equal(e.path, "d/x.pem");
	assert_string_equal(e.list, "two");
	assert_int_equal(e.line, 2);
	assert_false(e.perhaps);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_string_equal(e.output, "y");
	assert_int_equal(e.line, 1);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_string_equal(e.path, "t?.pem");
	assert_false(e.pattern);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_true(e.pattern);
	assert_int_equal(e.line, 4);
	list_free(l);
}

static long long
later(void)
{
	static long long ms;

	return ms++;
}

static void
a_list_ends_when_the_time_is_over(void **state)
{
	static const char *const lists[] = {"/dev/zero", "list"};
	struct list_wanted w = {NULL, 0, lists + 1, 1, 0, 0, later, 0};
	const struct sigaction sa = {.sa_handler = on_alarm};
	struct list *l;

	(void)state;
	assert_int_equal(mkfifo("list", 0600), 0);
	/* the alarm that the caller sets */
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)alarm(1);
	assert_int_equal(read_names(&l, &w), LIST_LATE);
	says("list: not all names had come when the time was over");
	list_free(l);
	(void)signal(SIGALRM, SIG_DFL);
	/* what never waits is looked at as well */
	w.files = lists;
	assert_int_equal(read_names(&l, &w), LIST_LATE);
	list_free(l);
}

/* ---- what is named twice ---- */

static void
what_is_named_twice_is_told_once(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	touch("d/b.pem");
	gives("a a b a", "", 0, "a b");
	gives("d/b.pem d", "", 0, "d/b.pem ?d/a.pem");
	gives("d d", "", 0, "?d/a.pem ?d/b.pem");
	/* whoever names it outright means a certificate */
	gives("d d/a.pem", "", 0, "d/a.pem ?d/b.pem");
	snprintf(text, sizeof(text), "./d//a.pem x\n%s/d/./a.pem y\n", base);
	write_file("list", text, strlen(text));
	gives("d/a.pem", "list", 0, "d/a.pem");
	write_file("list", "d/a.pem [ocsp d/./a.pem.ocsp]\n", 30);
	gives("d/a.pem", "list", 0, "d/a.pem");
}

static void
a_directory_whose_files_were_named_before_is_not_empty(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	gives("d/a.pem d", "", 0, "d/a.pem");
}

static void
one_certificate_may_have_two_responses(void **state)
{
	(void)state;
	line_gives(
	    "a.pem\na.pem [ocsp x]\na.pem [ocsp y]\n", "a.pem a.pem>x a.pem>y");
}

/* Who of all that is named has others for rivals: "a-b-c d" and so on. */
static void
rivals(const char *operands, const char *files, int del_ext, const char *want)
{
	struct names o = {0}, f = {0};
	struct text got = {0};
	struct list_wanted w;
	struct list_entry e;
	struct list *l;
	const struct list_rival *r;

	split(&o, operands);
	split(&f, files);
	w = wanted(&o, &f);
	w.del_ext = del_ext;
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	while (next_name(l, &e) == LIST_ENTRY) {
		text_add(&got, "%s%s", got.len > 0 ? " " : "", e.path);
		if (e.rival == NULL)
			continue;
		assert_ptr_equal(e.rival->path, e.path);
		for (r = e.rival->next; r != e.rival; r = r->next)
			text_add(&got, "-%s%s", r->perhaps ? "?" : "", r->path);
	}
	assert_string_equal(got.s, want);
	text_free(&got);
	list_free(l);
}

static void
list_rivals(const char *list, const char *want)
{
	write_file("list", list, strlen(list));
	rivals("", "list", 0, want);
}

static void
two_certificates_with_one_response_are_rivals(void **state)
{
	(void)state;
	rivals("a.pem x.pem a.crt", "", 1, "a.pem-a.crt x.pem a.crt-a.pem");
	rivals("a.pem ./a.crt", "", 1, "a.pem-./a.crt ./a.crt-a.pem");
	list_rivals(
	    "a.pem [ocsp x]\nb.pem [ocsp .//x]\n", "a.pem-b.pem b.pem-a.pem");
	list_rivals("b.pem [ocsp gone/x]\na.pem [ocsp gone/x]\n",
	    "b.pem-a.pem a.pem-b.pem");
	write_file("list", "b.pem [ocsp a.pem.ocsp]\n", 24);
	rivals("a.pem", "list", 0, "a.pem-b.pem b.pem-a.pem");
	rivals("a.1 a.2 a.3 a.2", "", 1, "a.1-a.2-a.3 a.2-a.3-a.1 a.3-a.1-a.2");
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	touch("d/a.crt");
	rivals("d", "", 1, "d/a.crt-?d/a.pem d/a.pem-?d/a.crt");
	rivals("d/a.crt d", "", 1, "d/a.crt-?d/a.pem d/a.pem-d/a.crt");
}

static void
a_directory_by_another_name_is_the_same(void **state)
{
	char list[512];

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(symlink("d", "l"), 0);
	assert_int_equal(symlink("..", "d/up"), 0);
	touch("d/a.pem");
	touch("d/b.pem");
	list_rivals("d/a.pem [ocsp d/x]\nd/b.pem [ocsp l/x]\n",
	    "d/a.pem-d/b.pem d/b.pem-d/a.pem");
	list_rivals("d/a.pem [ocsp x]\nd/b.pem [ocsp d/../l/up/x]\n",
	    "d/a.pem-d/b.pem d/b.pem-d/a.pem");
	snprintf(list, sizeof(list), "d/a.pem [ocsp x]\nd/b.pem [ocsp %s/x]\n",
	    base);
	list_rivals(list, "d/a.pem-d/b.pem d/b.pem-d/a.pem");
	/* the same certificate by that name is done once */
	gives("d/a.pem l/a.pem d/../d/a.pem", "", 0, "d/a.pem");
	gives("d/gone l/gone", "", 0, "d/gone");
	/* its last name is what it is called, and no link that stands there */
	assert_int_equal(symlink("x", "y"), 0);
	list_rivals("d/a.pem [ocsp x]\nd/b.pem [ocsp y]\n", "d/a.pem d/b.pem");
}

static void
a_link_to_a_certificate_is_that_certificate(void **state)
{
	(void)state;
	assert_int_equal(mkdir("live", 0755), 0);
	assert_int_equal(mkdir("archive", 0755), 0);
	touch("archive/c3.pem");
	touch("archive/other.pem");
	assert_int_equal(symlink("../archive/c3.pem", "live/c.pem"), 0);
	list_rivals(
	    "live/c.pem [ocsp x]\narchive/c3.pem [ocsp x]\n", "live/c.pem");
	list_rivals("live/c.pem [ocsp x]\narchive/other.pem [ocsp x]\n"
		    "archive/c3.pem [ocsp x]\n",
	    "live/c.pem-archive/other.pem archive/other.pem-live/c.pem");
	/* responses of their own are no matter for each other */
	rivals("live/c.pem archive/c3.pem", "", 0, "live/c.pem archive/c3.pem");
}

/* Every name has a rival, and all are named twice: in moments. */
static void
twenty_thousand_names_cost_little(void **state)
{
	enum { N = 20000 };
	const char *const file = "list";
	const struct list_wanted w = {NULL, 0, &file, 1, 0, 0, real_ms, -1};
	const long long began = real_ms();
	size_t n = 0, rivals = 0;
	struct list_entry e;
	struct list *l;
	FILE *f;
	int i;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	assert_non_null(f = fopen(file, "w"));
	for (i = 0; i < 2 * N; i++)
		fprintf(f, "d/%d.pem [ocsp d/%d]\n", i % N, i % N / 2);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	assert_int_equal(list_total(l), N);
	while (next_name(l, &e) == LIST_ENTRY) {
		n++;
		rivals += e.rival != NULL;
	}
	assert_int_equal(n, N);
	assert_int_equal(rivals, N);
	list_free(l);
	assert_true(real_ms() - began < 5000);
}

static void
similar_names_are_different_ones(void **state)
{
	(void)state;
	gives("a.pem b.pem a.pem.x .a.pem a..pem", "", 1,
	    "a.pem b.pem a.pem.x .a.pem a..pem");
	gives("d/../a.pem a.pem", "", 0, "d/../a.pem a.pem");
	gives("..//a /a a", "", 0, "..//a /a a");
	gives("a.rsa a.ecdsa a.dsa", "", 1, "a.rsa a.ecdsa a.dsa");
}

static void
a_name_may_be_of_any_length(void **state)
{
	const size_t n = 100000;
	char *name = malloc(n + 1);
	const char *const operands[] = {name, "./x", name};
	const struct list_wanted w = {operands, 3, NULL, 0, 1, 0, real_ms, -1};
	struct list_entry e;
	struct list *l;

	(void)state;
	assert_non_null(name);
	memset(name, 'a', n);
	name[n] = '\0';
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	assert_int_equal(list_total(l), 2);
	assert_int_equal(next_name(l, &e), LIST_ENTRY);
	assert_string_equal(e.path, name);
	list_free(l);
	free(name);
}

static void
the_total_counts_each_once(void **state)
{
	struct names o = {0}, f = {0};
	struct list_wanted w;
	struct list *l;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	touch("d/a.pem");
	touch("d/b.pem");
	write_file("list", "c.pem\nd/a.pem\n[\n", 16);
	split(&o, "d c.pem d/b.pem");
	split(&f, "list gone");
	w = wanted(&o, &f);
	assert_int_equal(read_names(&l, &w), LIST_ENTRY);
	assert_int_equal(list_total(l), 3);
	list_free(l);
	list_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(operands_come_in_their_order),
	    TEST(a_directory_stands_for_what_haproxy_loads),
	    TEST(a_directory_may_be_named_with_slashes),
	    TEST(links_are_followed_and_keep_their_name),
	    TEST(a_directory_that_leads_to_itself_is_read_once),
	    TEST(a_directory_without_a_certificate_is_told),
	    TEST(a_bundle_is_its_parts),
	    TEST(one_output_is_for_one_certificate),
	    TEST(the_manual_of_haproxy_is_understood),
	    TEST(options_name_output_and_issuer),
	    TEST(a_key_an_issuer_or_an_sctl_without_ocsp_are_told),
	    TEST(values_are_not_taken_for_options),
	    TEST(lines_may_end_as_they_like),
	    TEST(there_are_no_quotes_as_in_haproxy),
	    TEST(a_line_that_is_not_understood_is_told_alone),
	    TEST(directories_and_bundles_stand_in_lists),
	    TEST(a_list_that_names_nothing_is_told),
	    TEST(a_nul_byte_ends_a_list),
	    TEST(a_line_has_a_limit_on_both_sides),
	    TEST(more_than_a_million_are_refused),
	    TEST(a_certificate_or_a_key_is_no_list),
	    TEST(what_only_looks_like_it_is_a_list),
	    TEST(of_many_faults_ten_are_told_and_the_others_counted),
	    TEST(an_entry_says_where_it_is_named),
	    TEST(a_list_ends_when_the_time_is_over),
	    TEST(what_is_named_twice_is_told_once),
	    TEST(a_directory_whose_files_were_named_before_is_not_empty),
	    TEST(one_certificate_may_have_two_responses),
	    TEST(two_certificates_with_one_response_are_rivals),
	    TEST(a_directory_by_another_name_is_the_same),
	    TEST(a_link_to_a_certificate_is_that_certificate),
	    TEST(twenty_thousand_names_cost_little),
	    TEST(similar_names_are_different_ones),
	    TEST(a_name_may_be_of_any_length),
	    TEST(the_total_counts_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
