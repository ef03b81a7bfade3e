# SPDX-License-Identifier: ISC
# What is held against the sources, and what is packed.  Part of the Makefile.

SCRIPTS = .ci/run tests/run tests/tools/memcheck contrib/rsync/ocspfetch-fleet \
	contrib/completion/ocspfetch.bash contrib/check_ocsp_staple \
	contrib/cron/ocspfetch $(wildcard contrib/hooks/*) debian/tests/hourly \
	debian/ocspfetch.postrm \
	$(wildcard tests/*.sh tests/*/*.sh tests/*/*.bash)

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
	@$(MAKE) --no-print-directory $(COVERED) build/coverage/tests/harness/gcovflush.o
	@$(MAKE) --no-print-directory all test-programs $(COVERED) $(FLUSHED)
	@umask 0 && build/coverage/ocspfetch --version >/dev/null && \
	    : >build/coverage/gcov.log
	@GCOV_ERROR_FILE='$(abspath build/coverage/gcov.log)' \
	    $(MAKE) --no-print-directory check $(COVERED) $(FLUSHED) \
	    T='$(or $(T),$(filter-out $(COVERED_NOT),$(ALL_SUITES)))' || \
	    { echo 'coverage: counted all the same'; \
	    tests/tools/coverage.sh build/coverage; exit 1; }
	@tests/tools/coverage.sh build/coverage

# Who ends by _exit() writes down what was counted, too.
FLUSH =
FLUSHED = FLUSH='-Wl,--wrap=_exit build/coverage/tests/harness/gcovflush.o'

ALL_SUITES = $(basename $(notdir $(wildcard tests/*/*.bats))) \
	$(UNITS:$(O)/%=%)

# The same tests under memcheck, which sees into the libraries, too: an hour on a
# machine that has nothing else to do, since some limits are of seconds.  It
# cannot work in a jail.  What is left out, by name, and why:
#   as another user, or where the program is copied to, there is no valgrind:
#     unprivileged file exit monitoring
#   with strace, a limit of memory or files, or a shim before malloc() it cannot
#     work: killed faults scale limits fetch-issuer mistakes
#   it leaves its log open in what is run: hook test_hook
#   thousands of certificates, or somebody who waits seconds: queue lists wait
#     served
#   they look at the jail, which is not there: sandbox test_sandbox
#   the program is not what is looked at: borders completion contrib
#     curl-versions fuzz hardening messages ship tutorial
MEMCHECK = build/valgrind
MEMCHECK_NOT = unprivileged file exit monitoring killed faults scale limits \
	fetch-issuer mistakes hook test_hook queue lists wait served borders \
	completion contrib curl-versions fuzz hardening messages ship tutorial \
	sandbox test_sandbox
valgrind:
	@$(MAKE) --no-print-directory all test-programs O=$(MEMCHECK) \
	    BIN=$(MEMCHECK)/ocspfetch CFLAGS='-O1 -g' HARDEN= HARDEN_LD= \
	    CPPFLAGS=-DOCSPFETCH_UNJAILED
	@JOBS=2 LIMIT=7200 BUILD='$(abspath $(MEMCHECK))' \
	    UNDER='$(abspath tests/tools/memcheck)' \
	    OCSPFETCH='$(abspath tests/tools/memcheck)' \
	    tests/run $(or $(T),$(filter-out $(MEMCHECK_NOT),$(ALL_SUITES)))

# The threads that there are: the look-up of probe/address.c, and libcurl's.  What is
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
	@sh tests/tools/matrix.sh $(MATRIX)

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
	@sh tests/tools/elsewhere.sh '$(T)' $(WHERE)

# Responders of CAs in chroots of the releases that have them, as they are
# shipped: what each sent, and our exit status.  As root; Dogtag takes minutes.
CAS = strongswan npm ocspbuilder dogtag
real-cas: all
	@OCSPFETCH='$(abspath $(BIN))' sh tests/tools/real-cas.sh $(CAS)

# Each comparison of the verifier and of the decisions is turned round, and has
# to be noticed: minutes for the one, a minute for the other.
mutate: mutate-ocsp mutate-policy

mutate-ocsp:
	@CC='$(CC)' tests/tools/mutate.sh ocsp

mutate-policy:
	@CC='$(CC)' tests/tools/mutate.sh job/policy.c

# The linters: `sh tests/setup.sh all` installs them.
lint: lint-gcc lint-clang lint-format lint-tidy lint-analyzer lint-cppcheck \
	lint-man lint-shell lint-banned lint-length

lint-gcc lint-clang: lint-%:
	@$(MAKE) --no-print-directory O=build/$* BIN=build/$*/ocspfetch \
	    CC=$* WERROR=-Werror all test-programs

lint-format:
	clang-format --dry-run -Werror $(SRC) $(HEADERS) $(TEST_SRC) $(TEST_HEADERS)

# It counts on stderr what it did not show; only a failure is worth reading.  A
# process for each file: of a second one in the same process, clang 14 no longer
# knows va_start() and va_copy(), and calls every va_list uninitialized.
lint-tidy:
	@mkdir -p $(O)
	@echo "clang-tidy: $(words $(SRC) $(TEST_SRC)) files"
	@printf '%s\n' $(SRC) $(TEST_SRC) | xargs -P 4 -I @ clang-tidy --quiet @ -- \
	    -std=c11 $(OWN_CPPFLAGS) -Itests/harness $(TEST_CFLAGS) \
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
	    -Itests/harness $(SRC) $(TEST_SRC)

lint-man:
	mandoc -Tlint -W warning man/ocspfetch.1

lint-shell:
	shellcheck $(SCRIPTS)
	shellcheck -s bats $(wildcard tests/*/*.bats)

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
	@! grep -nE '(^|[^[:alnum:]_])($(UNSAFE))([^[:alnum:]_]|$$)' $(SRC) $(HEADERS) \
	    /dev/null | \
	    grep -vE '^ocsp/issuer\.c:[0-9]+:	($(FORGIVEN));$$' || \
	    { echo 'what verifies a response is weakened'; exit 1; }
	@! grep -nE '(^|[^[:alnum:]_])($(SECRET))([^[:alnum:]_]|$$)' $(SRC) $(HEADERS) || \
	    { echo 'a private key is parsed'; exit 1; }
	@! grep -nE '(^|[^[:alnum:]_])($(BANNED))[[:space:]]*\(' $(SRC) $(HEADERS) || \
	    { echo 'a banned function is called'; exit 1; }

# From the line of its name to its closing brace.
lint-length:
	@ctags --version | grep -q Universal || \
	    { echo 'lint-length needs Universal Ctags'; exit 1; }
	@ctags -o - --sort=no --kinds-C=f --fields=ne $(SRC) | awk -F '\t' ' \
	    { for (i = 4; i <= NF; i++) { \
	        if ($$i ~ /^line:/) from = substr($$i, 6); \
	        if ($$i ~ /^end:/) to = substr($$i, 5) } \
	      n++; \
	      if (to - from >= 60) { bad = 1; \
	        print $$2 ":" from ": " $$1 "() has " to - from + 1 " lines" } } \
	    END { if (n == 0) print "no function found"; exit bad || n == 0 }'

format:
	clang-format -i $(SRC) $(HEADERS) $(TEST_SRC) $(TEST_HEADERS)

# Every text of the program: read it aloud when you have changed one.
messages:
	@awk -f tests/tools/messages.awk $(sort $(SRC))

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
	sh tests/tools/debian.sh

html: $(O)/html/ocspfetch.1.html

# One file: mandoc would only name its style.
$(O)/html/ocspfetch.1.html: man/ocspfetch.1 man/style.css
	@mkdir -p $(@D)
	$(Q)mandoc -Thtml -O style=style.css man/ocspfetch.1 | \
	    sed -e '/<link rel="stylesheet"/{' -e 's/.*/<style>/' \
	    -e 'r man/style.css' -e 'a </style>' -e '}' >$@
	$(call say,HTML,$@)

help-qa:
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

.PHONY: bench bench-gate asan fuzz mutate mutate-ocsp mutate-policy coverage \
	valgrind tsan matrix syntax elsewhere real-cas lint lint-gcc lint-clang \
	lint-format lint-tidy lint-analyzer lint-cppcheck lint-man lint-shell \
	lint-banned lint-length format messages dist dist-check deb-check html \
	help-qa
