/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/child.h"
#include "notify/hook.h"
#include "privsep/sandbox.h"

/* How long it has to end after a signal, in ms. */
#define GRACE 5000

/* A signal for us is looked for so often, in ms. */
#define BEAT 100

/* Where the descriptors cannot be listed, so many are closed. */
#define MOST_FDS 65536

extern char **environ;

/* ---- its environment ---- */

/* Whose command it is: the process that runs it, and waits for it. */
#define RUNNER "OCSPFETCH_HOOK"

struct surroundings {
	char *changed; /* "OCSPFETCH_CHANGED=..." */
	char count[64];
	char runner[64];
	char **env; /* owned; the strings are not */
};

/*
 * As many names as there is room for, whole and each on a line.  One with a
 * newline would pass for two, of files that we know nothing of.
 */
static char *
list_files(const struct hook *h)
{
	static const char name[] = "OCSPFETCH_CHANGED=";
	const size_t begin = strlen(name);
	size_t i, len, at = begin;
	char *s;

	if ((s = malloc(HOOK_MAX_LIST)) == NULL)
		return NULL;
	memcpy(s, name, begin);
	for (i = 0; i < h->nfiles; i++) {
		if (strchr(h->files[i], '\n') != NULL)
			continue;
		len = strlen(h->files[i]);
		if (at + 1 + len + 1 > HOOK_MAX_LIST)
			break;
		if (at > begin)
			s[at++] = '\n';
		memcpy(s + at, h->files[i], len);
		at += len;
	}
	s[at] = '\0';
	return s;
}

static int
surround(const struct hook *h, struct surroundings *s)
{
	static const char ours[] = "OCSPFETCH_";
	size_t n = 0, i;

	s->env = NULL;
	if ((s->changed = list_files(h)) == NULL)
		return -1;
	snprintf(s->count, sizeof(s->count), "OCSPFETCH_COUNT=%zu", h->nfiles);
	snprintf(s->runner, sizeof(s->runner), RUNNER "=%ld", (long)getpid());
	for (i = 0; environ[i] != NULL; i++)
		;
	if ((s->env = malloc((i + 4) * sizeof(*s->env))) == NULL)
		return -1;
	for (i = 0; environ[i] != NULL; i++)
		if (strncmp(environ[i], ours, strlen(ours)) != 0)
			s->env[n++] = environ[i];
	s->env[n++] = s->changed;
	s->env[n++] = s->count;
	s->env[n++] = s->runner;
	s->env[n] = NULL;
	return 0;
}

/*
 * A server that the command has started, and cron jobs below it, keep the name
 * of a process that has ended long since.
 */
int
hook_is_inside(void)
{
	const char *s = getenv(RUNNER);
	char *end;
	long pid;

	if (s == NULL)
		return 0;
	errno = 0;
	pid = strtol(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || pid <= 0 ||
	    pid != (long)(pid_t)pid)
		return 0;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* ---- the child ---- */

/* It is to have no descriptors but the first three, whoever opened them. */
static void
close_on_exec(void)
{
	const struct dirent *e;
	DIR *d;
	int fd;

	if ((d = opendir("/dev/fd")) == NULL) {
		for (fd = 3; fd < MOST_FDS; fd++)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if ((fd = (int)strtol(e->d_name, NULL, 10)) >= 3)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	closedir(d);
}

static int
set_up_signals(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	if ((rc = posix_spawnattr_setsigdefault(attr, &all)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(attr, &none)) == 0)
		rc = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return rc;
}

/* An input that is at its end; there may be no /dev/null.  -1: errno. */
static int
open_nothing(void)
{
	int fd[2];

	if (pipe(fd) == -1)
		return -1;
	close(fd[1]);
	return fd[0];
}

/* 0, or an error's number. */
static int
spawn(const struct hook *h, char **env, pid_t *pid)
{
	char sh[] = "sh", c[] = "-c", dashes[] = "--", *command;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char *argv[5] = {sh, c, dashes};
	int rc, nothing;

	if ((nothing = open_nothing()) == -1)
		return errno;
	if ((command = argv[3] = strdup(h->command)) == NULL) {
		close(nothing);
		return ENOMEM;
	}
	close_on_exec();
	if ((rc = posix_spawnattr_init(&attr)) != 0)
		goto no_attr;
	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		goto no_files;
	if ((rc = posix_spawn_file_actions_adddup2(&files, nothing, 0)) == 0 &&
	    (rc = set_up_signals(&attr)) == 0)
		rc = posix_spawn(pid, "/bin/sh", &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
no_files:
	posix_spawnattr_destroy(&attr);
no_attr:
	free(command);
	close(nothing);
	return rc;
}

/* ---- waiting for its end ---- */

static void
on_child(int sig)
{
	(void)sig;
}

/* Until a child ends, or for a moment. */
static void
nap(const sigset_t *mask)
{
	struct timespec ts = {.tv_nsec = BEAT * 1000000L};

	(void)pselect(0, NULL, NULL, NULL, &ts, mask);
}

/* 0; -1: errno.  `*ended` is the signal that we sent, or 0. */
static int
await_end(const struct hook *h, pid_t pid, int *status, int *ended)
{
	long long now, kill_at = 0;
	sigset_t mask;
	pid_t rc;
	int sig;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigdelset(&mask, SIGCHLD);
	*ended = 0;
	while ((rc = waitpid(pid, status, WNOHANG)) == 0) {
		now = h->now_ms();
		sig = child_pending_signal();
		if (sig == 0 && h->until_ms != -1 && now >= h->until_ms)
			sig = SIGTERM;
		if (sig != 0 && *ended == 0) {
			*ended = sig;
			kill_at = now + GRACE;
			kill(pid, sig);
			kill(pid, SIGCONT);
		} else if (*ended != 0 && now >= kill_at)
			kill(pid, SIGKILL);
		nap(&mask);
	}
	return rc == -1 ? -1 : 0;
}

/* ---- the hook ---- */

static enum hook_result
judge(const struct hook *h, int status, int ended, char *why)
{
	const char *cause = ended == 0 ? "" : ", as it was told to end";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return HOOK_DONE;
	if (WIFSIGNALED(status))
		words_set(why, WHY_MAX, "\"%s\" was ended by signal %d (%s)%s",
		    h->command, WTERMSIG(status), strsignal(WTERMSIG(status)),
		    cause);
	else
		words_set(why, WHY_MAX, "\"%s\" ended with status %d%s",
		    h->command, WEXITSTATUS(status), cause);
	return HOOK_FAILED;
}

static enum hook_result
cannot(const struct hook *h, int error, char *why)
{
	words_set(why, WHY_MAX, "\"%s\" cannot be run by /bin/sh: %s",
	    h->command, strerror(error));
	return HOOK_FAILED;
}

enum hook_result
hook_run(const struct hook *h, char *why)
{
	struct sigaction sa = {.sa_handler = on_child}, was;
	struct surroundings s;
	enum hook_result res;
	sigset_t child, mask;
	int status = 0, ended, error = ENOMEM;
	pid_t pid = -1;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &mask);
	/* whoever started us may have it ignored: then none can be waited for
	 */
	sigaction(SIGCHLD, &sa, &was);
	if (surround(h, &s) == 0)
		error = spawn(h, s.env, &pid);
	if (error != 0)
		res = cannot(h, error, why);
	else if (await_end(h, pid, &status, &ended) == -1)
		res = cannot(h, errno, why);
	else
		res = judge(h, status, ended, why);
	free(s.changed);
	free(s.env);
	sigaction(SIGCHLD, &was, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return res;
}

/* ---- in a process of its own ---- */

struct hook_runner {
	struct child child;
	const char *command;
	long long (*now_ms)(void);
	unsigned deadly;
};

/* What it is called with: this, and the names, each with its NUL. */
struct call {
	size_t nfiles;
	size_t size;
	long long until_ms;
};

/* No more than so many bytes of names. */
#define CALL_MAX ((size_t)1 << 28)

/* What came of it. */
struct outcome {
	enum hook_result res;
	char why[WHY_MAX];
};

/* Who calls may have been taken over by whom it asked. */
static int
is_sensible(const struct call *c)
{
	return c->size <= CALL_MAX && c->nfiles <= c->size &&
	    c->nfiles < SIZE_MAX / sizeof(char *) - 1;
}

static int
take_call(const struct hook_runner *r, int fd, struct outcome *o)
{
	struct call c;
	const char **files = NULL;
	char *names = NULL, *p;
	struct hook h = {.command = r->command, .now_ms = r->now_ms};
	size_t i;
	int rc = -1;

	if (child_receive(fd, &c, sizeof(c), NULL) == -1 || !is_sensible(&c) ||
	    (files = malloc((c.nfiles + 1) * sizeof(*files))) == NULL ||
	    (names = malloc(c.size + 1)) == NULL ||
	    child_receive(fd, names, c.size, NULL) == -1)
		goto out;
	names[c.size] = '\0';
	for (i = 0, p = names; i < c.nfiles; i++, p += strlen(p) + 1) {
		if (p >= names + c.size)
			goto out;
		files[i] = p;
	}
	h.files = files;
	h.nfiles = c.nfiles;
	h.until_ms = c.until_ms;
	o->res = hook_run(&h, o->why);
	rc = 0;
out:
	free(files);
	free(names);
	return rc;
}

static void
serve(void *ctx, int fd)
{
	const struct hook_runner *r = ctx;
	struct outcome o = {.res = HOOK_FAILED};
	struct iovec v = {&o, sizeof(o)};

	/* who calls has fewer rights, and shall not get these */
	sandbox_hide(r->deadly);
	while (take_call(r, fd, &o) == 0 && child_send(fd, &v, 1, NULL) == 0)
		v = (struct iovec){&o, sizeof(o)};
}

struct hook_runner *
hook_start(const struct hook *h, void (*end)(int), char *why)
{
	struct child_work w = {.serve = serve, .end = end};
	struct hook_runner *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		words_set(why, WHY_MAX, "out of memory");
		return NULL;
	}
	r->command = h->command;
	r->now_ms = h->now_ms;
	r->deadly = h->deadly;
	w.ctx = r;
	if (child_start(&r->child, &w, why) == 0)
		return r;
	free(r);
	return NULL;
}

/* A signal that is for us is for the command, too: it is told once. */
static void
await_outcome(const struct hook_runner *r)
{
	struct pollfd p = {.fd = r->child.fd, .events = POLLIN};
	int rc, sig, told = 0;

	while ((rc = poll(&p, 1, BEAT)) == 0 || (rc == -1 && errno == EINTR))
		if (!told && (sig = child_pending_signal()) != 0) {
			kill(r->child.pid, sig);
			told = 1;
		}
}

static int
send_call(const struct hook_runner *r, const struct hook *h)
{
	struct call c = {.nfiles = h->nfiles, .until_ms = h->until_ms};
	struct iovec v[2] = {{&c, sizeof(c)}, {NULL, 0}};
	char *names, *p;
	size_t i, len;
	int rc;

	for (i = 0; i < h->nfiles; i++)
		c.size += strlen(h->files[i]) + 1;
	if ((names = p = malloc(c.size + 1)) == NULL)
		return -1;
	for (i = 0; i < h->nfiles; i++, p += len) {
		len = strlen(h->files[i]) + 1;
		memcpy(p, h->files[i], len);
	}
	v[1] = (struct iovec){names, c.size};
	rc = child_send(r->child.fd, v, 2, NULL);
	free(names);
	return rc;
}

/* Whether it was begun, nobody knows. */
static enum hook_result
lost(const struct hook *h, int error, char *why)
{
	if (error != EPIPE)
		return cannot(h, error, why);
	words_set(why, WHY_MAX,
	    "\"%s\": the process that was to run it has ended", h->command);
	return HOOK_FAILED;
}

enum hook_result
hook_call(struct hook_runner *r, const struct hook *h, char *why)
{
	struct outcome o;

	if (send_call(r, h) == -1)
		return lost(h, errno, why);
	await_outcome(r);
	if (child_receive(r->child.fd, &o, sizeof(o), NULL) == -1)
		return lost(h, errno, why);
	memcpy(why, o.why, sizeof(o.why));
	return o.res;
}

void
hook_stop(struct hook_runner *r)
{
	long cpu_ms;

	if (r == NULL)
		return;
	child_end(&r->child, 0, &cpu_ms);
	free(r);
}
