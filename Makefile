# SPDX-License-Identifier: ISC
# ocspfetch: fetch, judge and keep OCSP responses for stapling.
#
# `make` needs a compiler, GNU make, pkg-config, libcurl and OpenSSL, and
# installs nothing but on `make install`.  `make help` lists what there is.
# Comments stand on their own lines: make keeps blanks before a trailing one.

# The one place that says it.
VERSION = 1.0.0

# The day of its release: a clock that is before it is wrong.
RELEASED = 2026-11-25

# Yours to set, here, in the environment or on the command line.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
INSTALL ?= install
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

# Which build: where objects go, and the program.  Lint and asan have their own.
O = build
BIN = ocspfetch
WERROR =
SANITIZE =

# V=1 shows the commands.
V =
Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)")

DEPS = 'libssl >= 3.0' 'libcrypto >= 3.0' 'libcurl >= 7.76'
TEST_DEPS = $(DEPS) cmocka

SRC = $(sort $(wildcard *.c))
OBJ = $(SRC:%.c=$(O)/%.o)
ROOMS = $(filter-out $(O)/ocspfetch.o,$(OBJ))
FORGE = $(O)/tests/forge.o
LAB = $(O)/tests/lab.o
UNIT_SRC = $(wildcard tests/unit/test_*.c)
UNITS = $(UNIT_SRC:tests/unit/%.c=$(O)/%)
BENCH_SRC = $(wildcard tests/bench/*.c)
FUZZ_SRC = $(wildcard tests/fuzz/*.c)
FUZZ_TARGETS = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS = $(FUZZ_TARGETS:%=$(O)/replay-%)
TEST_SRC = $(wildcard tests/*.c tests/unit/*.c) $(BENCH_SRC) $(FUZZ_SRC)
TEST_HEADERS = $(wildcard tests/*.h tests/unit/*.h tests/bench/*.h tests/fuzz/*.h)
TEST_PROGRAMS = $(O)/forge $(O)/responder $(O)/staple-client $(O)/measure \
	$(O)/fakehaproxy $(O)/starttls $(O)/logsink $(O)/faultshim.so \
	$(O)/clockshim.so $(O)/lacking.so \
	$(UNITS) $(REPLAYS) $(BENCH_PROGRAMS)
SCRIPTS = .ci/run tests/run tests/memcheck contrib/rsync/ocspfetch-fleet \
	contrib/completion/ocspfetch.bash contrib/check_ocsp_staple \
	contrib/cron/ocspfetch $(wildcard contrib/hooks/*) debian/tests/hourly \
	debian/ocspfetch.postrm \
	$(wildcard tests/*.sh tests/*.bash) \
	$(wildcard tests/bench/*.sh tests/fuzz/*.sh)

# They measure on Linux only (epoll), and build nowhere else.
BENCH_PROGRAMS = $(if $(wildcard /proc/self/fd), \
	$(BENCH_SRC:tests/bench/%.c=$(O)/bench-%))

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef \
	-Wimplicit-fallthrough -Wconversion -Wsign-conversion

# Without 64 bits for offsets a 32-bit machine cannot even look at a file whose
# inode has a number beyond them.  Not so for times: what OpenSSL was built with
# is in its calls; see words.h.
#
# Ours; the user's CPPFLAGS, CFLAGS and LDFLAGS come after them, and win.
OWN_CPPFLAGS = -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE \
	-D_FILE_OFFSET_BITS=64 \
	-DOCSPFETCH_VERSION='"$(VERSION)"' -DOCSPFETCH_RELEASED='"$(RELEASED)"'
OWN_CFLAGS = -std=c11 -pthread $(WARNINGS) $(WERROR) -fPIE $(HARDEN) $(FORTIFY) \
	$(NO_PATHS) $(SANITIZE)
OWN_LDFLAGS = -pie $(HARDEN_LD) $(SANITIZE)

# Hardening, as far as this compiler knows it.  `make HARDEN= HARDEN_LD=` does
# without.  Asked when first used, then remembered: `make clean` asks nothing.
HARDEN = $(eval HARDEN := $(call known,$(HARDEN_WANTED)))$(HARDEN)
HARDEN_WANTED = -fstack-protector-strong -fstack-clash-protection \
	-fstrict-flex-arrays=3 -fcf-protection=full -mbranch-protection=standard
HARDEN_LD = $(eval HARDEN_LD := $(call linkable,$(HARDEN_LD_WANTED)))$(HARDEN_LD)
HARDEN_LD_WANTED = -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

# Who builds the same sources elsewhere shall get the same bytes.
NO_PATHS = $(eval NO_PATHS := $(if $(call known,-ffile-prefix-map=a=b), \
	'-ffile-prefix-map=$$(CURDIR)=.'))$(NO_PATHS)

known = $(shell for f in $(1); do \
	$(CC) -Werror $$f -S -o - -x c /dev/null >/dev/null 2>&1 && echo $$f; \
	done)
linkable = $(shell d=$$(mktemp -d) && echo 'int main(void){return 0;}' >$$d/a.c && \
	for f in $(1); do \
	$(CC) -Werror $$f -o $$d/a $$d/a.c >/dev/null 2>&1 && echo $$f; \
	done; rm -rf "$$d")

# It needs an optimiser and stands aside for the user's own; a sanitizer's
# checks are better than its.
FORTIFY = $(if $(HARDEN),$(if $(SANITIZE),,$(if $(optimised),$(if \
	$(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),, \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3))))
optimised = $(filter-out -O0,$(filter -O%,$(CFLAGS)))

# $(call pkg,--libs,modules): an answer of pkg-config, or one sentence.
pkg = $(if $(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo yes),$(shell \
	$(PKG_CONFIG) $(1) $(2)),$(error ocspfetch needs pkg-config \
	and, with headers, $(subst ',,$(subst ' ','$(comma) ',$(2))): not all \
	are here; run "sh tests/setup.sh" to install them))
comma = ,
DEPS_CFLAGS = $(eval DEPS_CFLAGS := $(call pkg,--cflags,$(DEPS)))$(DEPS_CFLAGS)
DEPS_LIBS = $(eval DEPS_LIBS := $(call pkg,--libs,$(DEPS)))$(DEPS_LIBS)
TEST_CFLAGS = $(eval TEST_CFLAGS := $(call pkg,--cflags,$(TEST_DEPS)))$(TEST_CFLAGS)
TEST_LIBS = $(eval TEST_LIBS := $(call pkg,--libs,$(TEST_DEPS)))$(TEST_LIBS)

all: $(BIN)

$(BIN): $(OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ \
	    $(OBJ) $(FLUSH) $(DEPS_LIBS)

$(O)/%.o: %.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) $(DEPS_CFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) \
	    $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/tests/%.o: tests/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) -I. -Itests $(TEST_CFLAGS) $(CPPFLAGS) \
	    $(OWN_CFLAGS) $(CFLAGS) -pthread -MMD -MP -c -o $@ $<

link_test = $(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -pthread \
	-o $@ $(filter %.o,$^) $(WRAP) $(FLUSH) $(TEST_LIBS)

$(O)/forge: $(O)/tests/forge-cli.o $(FORGE)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/responder: $(O)/tests/responder.o $(FORGE)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/staple-client: $(O)/tests/staple-client.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/fakehaproxy: $(O)/tests/fakehaproxy.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# Light, since a child that is measured begins as a copy of its parent.
$(BENCH_PROGRAMS): $(O)/bench-%: $(O)/tests/bench/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $< \
	    $(if $(filter pki,$*),$(TEST_LIBS))

$(O)/measure: $(O)/tests/measure.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/starttls: $(O)/tests/starttls.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/logsink: $(O)/tests/logsink.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# They are loaded into the program, and have no sanitizer of their own.
$(O)/faultshim.so $(O)/clockshim.so: $(O)/%.so: tests/%.c Makefile
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) -std=c11 $(WARNINGS) $(WERROR) \
	    $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $<

$(filter-out $(O)/test_policy,$(UNITS)): $(O)/%: $(O)/tests/unit/%.o $(ROOMS) \
	$(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test)

# Pure: nothing else is linked.
$(O)/test_policy: $(O)/tests/unit/test_policy.o $(O)/policy.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# A provider, for libcrypto to load.
$(O)/lacking.so: tests/lacking.c Makefile
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) $(TEST_CFLAGS) $(CPPFLAGS) -std=c11 \
	    $(WARNINGS) $(WERROR) $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $< \
	    $(call pkg,--libs,libcrypto)

# Whose calls fail when it says so.
$(O)/test_faults: WRAP = $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc \
	strdup strndup openat openat64 write fsync close flock curl_easy_setopt \
	curl_global_init)
$(O)/test_judge: WRAP = $(addprefix -Wl$(comma)--wrap=,cert_take_issuer \
    sandbox_jail)

# A fuzz target runs under libFuzzer, or by itself over inputs that are there.
FUZZ_SHARED = $(O)/tests/fuzz/fuzz.o $(O)/tests/fuzz/dertree.o
$(REPLAYS): $(O)/replay-%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o \
	$(FUZZ_SHARED) $(ROOMS) $(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(FUZZ_TARGETS:%=$(O)/fuzz-%): $(O)/fuzz-%: $(O)/tests/fuzz/fuzz_%.o \
	$(FUZZ_SHARED) $(ROOMS) $(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test) -fsanitize=fuzzer

-include $(wildcard $(O)/*.d $(O)/tests/*.d $(O)/tests/unit/*.d \
	$(O)/tests/bench/*.d $(O)/tests/fuzz/*.d)

test-programs: $(TEST_PROGRAMS)

# T names the tests to run, for example T=tests/borders.bats or T=test_words.
T =
check: all test-programs
	@BUILD='$(abspath $(O))' OCSPFETCH='$(abspath $(BIN))' tests/run $(T)

# The same, but that nothing is out of its processes' reach: valgrind counts the
# instructions of this one, since it cannot work in a jail.
$(O)/sandbox-unjailed.o: sandbox.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) -DOCSPFETCH_UNJAILED $(CPPFLAGS) $(OWN_CFLAGS) \
	    $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/ocspfetch-unjailed: $(OBJ) $(O)/sandbox-unjailed.o
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ \
	    $(filter-out $(O)/sandbox.o,$^) $(DEPS_LIBS)

demo: all
	@OCSPFETCH='$(abspath $(BIN))' sh tests/demo.sh

# FULL=1 takes its time, BENCH="one wire" measures only these rows.
FULL =
BENCH =
bench bench-gate: all $(O)/ocspfetch-unjailed $(BENCH_PROGRAMS)
	@BUILD='$(abspath $(O))' OCSPFETCH='$(abspath $(BIN))' \
	    UNJAILED='$(abspath $(O)/ocspfetch-unjailed)' \
	    FULL='$(FULL)' BENCH='$(BENCH)' sh tests/bench/$(@:bench-%=%).sh

asan:
	@$(MAKE) --no-print-directory check O=build/asan \
	    BIN=build/asan/ocspfetch CFLAGS='-O1 -g' HARDEN= HARDEN_LD= \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all \
	    -fno-omit-frame-pointer'

# FUZZ names the targets, for example FUZZ="judge cert"; it needs clang.
FUZZ_SECONDS = 60
FUZZ_JOBS = 1
FUZZ = $(FUZZ_TARGETS)
fuzz:
	@$(MAKE) --no-print-directory O=build/fuzz CC=clang CFLAGS='-O1 -g' \
	    HARDEN= HARDEN_LD= SANITIZE='-fsanitize=fuzzer-no-link,address,undefined \
	    -fno-sanitize-recover=all -fno-omit-frame-pointer' \
	    $(FUZZ:%=build/fuzz/fuzz-%)
	@BUILD='$(abspath build/fuzz)' FUZZ_SECONDS='$(FUZZ_SECONDS)' \
	    FUZZ_JOBS='$(FUZZ_JOBS)' \
	    tests/fuzz/run.sh $(FUZZ)

# What the tests reach.  A process in a jail could not write what it counted, and
# one of another user only where all may; what is lost by that is said in a log.
# Left out is what looks at the jail, which is not there.
COVERED_NOT = sandbox test_sandbox
COVERED = O=build/coverage BIN=build/coverage/ocspfetch CC=gcc HARDEN= HARDEN_LD= \
	CPPFLAGS=-DOCSPFETCH_UNJAILED \
	CFLAGS='-O0 -g --coverage -fprofile-update=atomic'
coverage:
	@rm -rf build/coverage
	@$(MAKE) --no-print-directory $(COVERED) build/coverage/tests/gcovflush.o
	@$(MAKE) --no-print-directory all test-programs $(COVERED) $(FLUSHED)
	@umask 0 && build/coverage/ocspfetch --version >/dev/null && \
	    : >build/coverage/gcov.log
	@GCOV_ERROR_FILE='$(abspath build/coverage/gcov.log)' \
	    $(MAKE) --no-print-directory check $(COVERED) $(FLUSHED) \
	    T='$(or $(T),$(filter-out $(COVERED_NOT),$(ALL_SUITES)))' || \
	    { echo 'coverage: counted all the same'; \
	    tests/coverage.sh build/coverage; exit 1; }
	@tests/coverage.sh build/coverage

# Who ends by _exit() writes down what was counted, too.
FLUSH =
FLUSHED = FLUSH='-Wl,--wrap=_exit build/coverage/tests/gcovflush.o'

ALL_SUITES = $(patsubst tests/%.bats,%,$(wildcard tests/*.bats)) \
	$(UNITS:$(O)/%=%)

# The same tests under memcheck, which sees into the libraries, too: an hour on a
# machine that has nothing else to do, since some limits are of seconds.  It
# cannot work in a jail.  What is left out, by name, and why:
#   as another user, or where the program is copied to, there is no valgrind:
#     unprivileged file exit monitoring
#   with strace, a limit of memory or files, or a shim before malloc() it cannot
#     work: killed faults scale bounded hunt careful
#   it leaves its log open in what is run: hook test_hook
#   thousands of certificates, or somebody who waits seconds: fair lists wait
#     served
#   they look at the jail, which is not there: sandbox test_sandbox
#   the program is not what is looked at: borders completion contrib
#     curl-versions fuzz hardening messages ship tutorial
MEMCHECK = build/valgrind
MEMCHECK_NOT = unprivileged file exit monitoring killed faults scale bounded \
	hunt careful hook test_hook fair lists wait served borders completion \
	contrib curl-versions fuzz hardening messages ship tutorial sandbox \
	test_sandbox
valgrind:
	@$(MAKE) --no-print-directory all test-programs O=$(MEMCHECK) \
	    BIN=$(MEMCHECK)/ocspfetch CFLAGS='-O1 -g' HARDEN= HARDEN_LD= \
	    CPPFLAGS=-DOCSPFETCH_UNJAILED
	@JOBS=2 LIMIT=7200 UNDER='$(abspath tests/memcheck)' \
	    BUILD='$(abspath $(MEMCHECK))' OCSPFETCH='$(abspath tests/memcheck)' \
	    tests/run $(or $(T),$(filter-out $(MEMCHECK_NOT),$(ALL_SUITES)))

# The threads that there are: the look-up of served.c, and libcurl's.  What is
# left out, and why: faults (its shim stands before malloc()), hardening (looks
# at another build).
TSAN_NOT = faults hardening
tsan:
	@$(MAKE) --no-print-directory check O=build/tsan BIN=build/tsan/ocspfetch \
	    CFLAGS='-O1 -g' HARDEN= HARDEN_LD= \
	    SANITIZE='-fsanitize=thread -fno-omit-frame-pointer' \
	    T='$(or $(T),$(filter-out $(TSAN_NOT),$(ALL_SUITES)))'

# gcc and clang at each level, without a warning: a table of what the tests say.
# MATRIX="gcc-O3 musl" does only these; `make elsewhere` are other systems.
MATRIX =
matrix:
	@sh tests/matrix.sh $(MATRIX)

# Nothing is made of it: do the headers of this compiler have what we ask for?
syntax: $(SRC:%.c=syntax-%)
syntax-%: %.c
	$(call say,SYNTAX,$<)
	$(Q)$(CC) $(OWN_CPPFLAGS) $(DEPS_CFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) \
	    $(CFLAGS) -fsyntax-only $<

# Other releases of Debian, and machines that qemu plays: in chroots, as root.
# All tests, or T; on a machine that is played the unit tests only.
WHERE = trixie sid bookworm/i386 bookworm/s390x
elsewhere:
	@sh tests/elsewhere.sh '$(T)' $(WHERE)

# Responders of CAs in chroots of the releases that have them, as they are
# shipped: what each sent, and our exit status.  As root; Dogtag takes minutes.
CAS = strongswan npm ocspbuilder dogtag
real-cas: all
	@OCSPFETCH='$(abspath $(BIN))' sh tests/real-cas.sh $(CAS)

# Each comparison of the verifier and of the decisions is turned round, and has
# to be noticed: minutes for the one, a minute for the other.
mutate: mutate-ocsp mutate-policy

mutate-ocsp mutate-policy: mutate-%:
	@CC='$(CC)' tests/mutate.sh $*.c

install: all install-completion
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man1'
	$(INSTALL) -m 755 $(BIN) '$(DESTDIR)$(BINDIR)/ocspfetch'
	$(INSTALL) -m 644 man/ocspfetch.1 '$(DESTDIR)$(MANDIR)/man1/ocspfetch.1'

install-completion:
	$(INSTALL) -d '$(DESTDIR)$(BASHCOMPDIR)' '$(DESTDIR)$(ZSHCOMPDIR)' \
	    '$(DESTDIR)$(FISHCOMPDIR)'
	$(INSTALL) -m 644 contrib/completion/ocspfetch.bash \
	    '$(DESTDIR)$(BASHCOMPDIR)/ocspfetch'
	$(INSTALL) -m 644 contrib/completion/_ocspfetch \
	    '$(DESTDIR)$(ZSHCOMPDIR)/_ocspfetch'
	$(INSTALL) -m 644 contrib/completion/ocspfetch.fish \
	    '$(DESTDIR)$(FISHCOMPDIR)/ocspfetch.fish'

uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/ocspfetch'
	rm -f '$(DESTDIR)$(MANDIR)/man1/ocspfetch.1'
	rm -f '$(DESTDIR)$(BASHCOMPDIR)/ocspfetch'
	rm -f '$(DESTDIR)$(ZSHCOMPDIR)/_ocspfetch'
	rm -f '$(DESTDIR)$(FISHCOMPDIR)/ocspfetch.fish'

# The linters: `sh tests/setup.sh all` installs them.
lint: lint-gcc lint-clang lint-format lint-tidy lint-analyzer lint-cppcheck \
	lint-man lint-shell lint-banned lint-length

lint-gcc lint-clang: lint-%:
	@$(MAKE) --no-print-directory O=build/$* BIN=build/$*/ocspfetch \
	    CC=$* WERROR=-Werror all test-programs

lint-format:
	clang-format --dry-run -Werror *.[ch] $(TEST_SRC) $(TEST_HEADERS)

# It counts on stderr what it did not show; only a failure is worth reading.  A
# process for each file: of a second one in the same process, clang 14 no longer
# knows va_start() and va_copy(), and calls every va_list uninitialized.
lint-tidy:
	@mkdir -p $(O)
	@echo "clang-tidy: $(words $(SRC) $(TEST_SRC)) files"
	@printf '%s\n' $(SRC) $(TEST_SRC) | xargs -P 4 -I @ clang-tidy --quiet @ -- \
	    -std=c11 $(OWN_CPPFLAGS) -I. -Itests $(TEST_CFLAGS) \
	    >$(O)/tidy.log 2>&1 || { cat $(O)/tidy.log; exit 1; }

# clang's static analyzer is among clang-tidy's checks, over the tests' sources,
# too; this one is gcc's.  Of
# memory that is put into what a parameter points to, gcc 12 loses track and
# calls it leaked: leaks are left to LeakSanitizer and valgrind.
lint-analyzer:
	@echo "gcc -fanalyzer: $(words $(SRC)) files"
	@printf '%s\n' $(SRC) | xargs -P 2 -I @ gcc -fanalyzer -Werror \
	    -Wno-analyzer-malloc-leak -O1 -std=c11 -pthread $(OWN_CPPFLAGS) \
	    $(DEPS_CFLAGS) -c -o /dev/null @

lint-cppcheck:
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,performance,portability $(OWN_CPPFLAGS) -I. \
	    -Itests $(SRC) $(TEST_SRC)

lint-man:
	mandoc -Tlint -W warning man/ocspfetch.1

lint-shell:
	shellcheck $(SCRIPTS)
	shellcheck -s bats $(wildcard tests/*.bats)

# What has no place in the product: no bound, no error, or a shell.
BANNED = strcpy|strcat|v?sprintf|strtok|ato[fil]|atoll|gets|system|popen|v?[fs]?scanf
# Each of these would let the certificate itself, or any other of its CA, sign
# an OCSP response about it; or takes OpenSSL's own verdict away.
UNSAFE = OCSP_(NOCHECKS|TRUSTOTHER|NOVERIFY|NOSIGS)|X509_add1_trust_object|X509_TRUSTED|PEM_(write|read)_(bio_)?X509_AUX|X509_V_FLAG_NO_CHECK_TIME|X509_(STORE|VERIFY_PARAM)_set_(trust|purpose)|X509_STORE_set_(verify|verify_cb|check_issued)
# What it may be asked to forgive, each one fault, which these two functions name.
FORGIVEN = X509_STORE_set_check_issued\(a->store, check_issued\)|X509_STORE_set_verify_cb\(a->store, note_error\)
# No private key is ever parsed: it stays the bytes that it was in the file.
SECRET = d2i_(Auto)?PrivateKey(_ex)?(_bio|_fp)?|d2i_PKCS8[A-Za-z0-9_]*|PEM_read_(bio_)?[A-Za-z]*PrivateKey(_ex)?|OSSL_DECODER_CTX_new_for_pkey|OSSL_STORE_open(_ex)?
lint-banned:
	@! grep -nE '(^|[^[:alnum:]_])($(UNSAFE))([^[:alnum:]_]|$$)' *.[ch] /dev/null | \
	    grep -vE '^ocsp\.c:[0-9]+:	($(FORGIVEN));$$' || \
	    { echo 'what verifies a response is weakened'; exit 1; }
	@! grep -nE '(^|[^[:alnum:]_])($(SECRET))([^[:alnum:]_]|$$)' *.[ch] || \
	    { echo 'a private key is parsed'; exit 1; }
	@! grep -nE '(^|[^[:alnum:]_])($(BANNED))[[:space:]]*\(' *.[ch] || \
	    { echo 'a banned function is called'; exit 1; }

# From the line of its name to its closing brace.
lint-length:
	@ctags --version | grep -q Universal || \
	    { echo 'lint-length needs Universal Ctags'; exit 1; }
	@ctags -o - --sort=no --kinds-C=f --fields=ne *.c | awk -F '\t' ' \
	    { for (i = 4; i <= NF; i++) { \
	        if ($$i ~ /^line:/) from = substr($$i, 6); \
	        if ($$i ~ /^end:/) to = substr($$i, 5) } \
	      n++; \
	      if (to - from >= 60) { bad = 1; \
	        print $$2 ":" from ": " $$1 "() has " to - from + 1 " lines" } } \
	    END { if (n == 0) print "no function found"; exit bad || n == 0 }'

format:
	clang-format -i *.[ch] $(TEST_SRC) $(TEST_HEADERS)

# Every text of the program: read it aloud when you have changed one.
messages:
	@awk -f tests/messages.awk $(sort $(SRC))

dist:
	git archive --prefix=ocspfetch-$(VERSION)/ \
	    -o ocspfetch-$(VERSION).tar.gz HEAD

# The tarball builds, runs and passes its tests without the repository.
dist-check: dist
	@rm -rf $(O)/dist && mkdir -p $(O)/dist
	tar -xzf ocspfetch-$(VERSION).tar.gz -C $(O)/dist
	@cd $(O)/dist/ocspfetch-$(VERSION) && \
	    GIT_CEILING_DIRECTORIES='$(abspath $(O)/dist)' \
	    $(MAKE) O=build BIN=ocspfetch demo check T='$(T)'

deb-check:
	sh tests/debian.sh

html: $(O)/html/ocspfetch.1.html

# One file: mandoc would only name its style.
$(O)/html/ocspfetch.1.html: man/ocspfetch.1 man/style.css
	@mkdir -p $(@D)
	$(Q)mandoc -Thtml -O style=style.css man/ocspfetch.1 | \
	    sed -e '/<link rel="stylesheet"/{' -e 's/.*/<style>/' \
	    -e 'r man/style.css' -e 'a </style>' -e '}' >$@
	$(call say,HTML,$@)

clean:
	rm -rf build ocspfetch ocspfetch-$(VERSION).tar.gz

help:
	@echo 'make             the program, ./ocspfetch'
	@echo 'make install     PREFIX BINDIR MANDIR DESTDIR ... say where: README'
	@echo 'make uninstall   takes away what install put there'
	@echo 'make demo        the program against a real responder'
	@echo 'make check       all tests; T="tests/x.bats test_y" only these'
	@echo 'make asan        the same under ASan and UBSan'
	@echo 'make bench       beside openssl, curl and others; FULL=1 takes its time'
	@echo 'make bench-gate  instructions for each certificate, against the limits'
	@echo 'make fuzz        libFuzzer; FUZZ_SECONDS=60 each, FUZZ="judge cert"'
	@echo 'make coverage    what the tests reach, of each file; index.html beside it'
	@echo 'make valgrind    the tests under memcheck, an hour; T="..."'
	@echo 'make tsan        the tests under ThreadSanitizer; T="..."'
	@echo 'make matrix      gcc and clang, -O0 to -O3, musl; MATRIX="gcc-O3"'
	@echo 'make elsewhere   other releases and machines; WHERE="sid bookworm/s390x"'
	@echo 'make real-cas    responders of other CAs, as shipped; CAS="strongswan npm"'
	@echo 'make mutate      do the tests notice a judge that is wrong? or only of'
	@echo '                 make mutate-ocsp, the verifier; mutate-policy, decisions'
	@echo 'make lint        what a machine can hold against the sources'
	@echo 'make format      the sources as .clang-format wants them'
	@echo 'make messages    every text of the program, to be read aloud'
	@echo 'make html        the manual as $(O)/html/ocspfetch.1.html'
	@echo 'make dist        a tarball of HEAD'
	@echo 'make dist-check  what is in it builds and passes its tests; T="..."'
	@echo 'make deb-check   the Debian package, in chroots; as root'
	@echo 'make clean       removes all that make made'
	@echo 'Yours: CC CPPFLAGS CFLAGS LDFLAGS PKG_CONFIG INSTALL'
	@echo '       HARDEN= HARDEN_LD= builds without hardening, V=1 shows commands'

.DELETE_ON_ERROR:
.PHONY: all test-programs check demo bench bench-gate asan fuzz mutate \
	mutate-ocsp mutate-policy coverage valgrind tsan matrix syntax \
	elsewhere real-cas install install-completion uninstall \
	lint lint-gcc lint-clang lint-format lint-tidy lint-analyzer \
	lint-cppcheck lint-man lint-shell lint-banned lint-length \
	format messages dist dist-check deb-check html clean help
