# SPDX-License-Identifier: ISC
# The programs that the tests need.  Part of the Makefile.

TEST_DEPS = $(DEPS) cmocka
FORGE = $(O)/tests/harness/forge.o
LAB = $(O)/tests/harness/lab.o
UNIT_SRC = $(wildcard tests/unit/test_*.c)
UNITS = $(UNIT_SRC:tests/unit/%.c=$(O)/%)
BENCH_SRC = $(wildcard tests/bench/*.c)
FUZZ_SRC = $(wildcard tests/fuzz/*.c)
FUZZ_TARGETS = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS = $(FUZZ_TARGETS:%=$(O)/replay-%)
TEST_SRC = $(wildcard tests/harness/*.c tests/unit/*.c) $(BENCH_SRC) $(FUZZ_SRC)
TEST_HEADERS = $(wildcard tests/harness/*.h tests/unit/*.h tests/bench/*.h tests/fuzz/*.h)
TEST_PROGRAMS = $(O)/forge $(O)/responder $(O)/staple-client $(O)/measure \
	$(O)/fakehaproxy $(O)/starttls $(O)/logsink $(O)/faultshim.so \
	$(O)/clockshim.so $(O)/lacking.so \
	$(UNITS) $(REPLAYS) $(BENCH_PROGRAMS)
# They measure on Linux only (epoll), and build nowhere else.
BENCH_PROGRAMS = $(if $(wildcard /proc/self/fd), \
	$(BENCH_SRC:tests/bench/%.c=$(O)/bench-%))

TEST_CFLAGS = $(eval TEST_CFLAGS := $(call pkg,--cflags,$(TEST_DEPS)))$(TEST_CFLAGS)
TEST_LIBS = $(eval TEST_LIBS := $(call pkg,--libs,$(TEST_DEPS)))$(TEST_LIBS)

$(O)/tests/%.o: tests/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) -Itests/harness $(TEST_CFLAGS) $(CPPFLAGS) \
	    $(OWN_CFLAGS) $(CFLAGS) -pthread -MMD -MP -c -o $@ $<

link_test = $(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -pthread \
	-o $@ $(filter %.o,$^) $(WRAP) $(FLUSH) $(TEST_LIBS)

$(O)/forge: $(O)/tests/harness/forge-cli.o $(FORGE)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/responder: $(O)/tests/harness/responder.o $(FORGE)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/staple-client: $(O)/tests/harness/staple-client.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/fakehaproxy: $(O)/tests/harness/fakehaproxy.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# Light, since a child that is measured begins as a copy of its parent.
$(BENCH_PROGRAMS): $(O)/bench-%: $(O)/tests/bench/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ $< \
	    $(if $(filter pki,$*),$(TEST_LIBS))

$(O)/measure: $(O)/tests/harness/measure.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/starttls: $(O)/tests/harness/starttls.o
	$(call say,LD,$@)
	$(Q)$(link_test)

$(O)/logsink: $(O)/tests/harness/logsink.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# They are loaded into the program, and have no sanitizer of their own.
$(O)/faultshim.so $(O)/clockshim.so: $(O)/%.so: tests/harness/%.c Makefile
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) -std=c11 $(WARNINGS) $(WERROR) \
	    $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $<

$(filter-out $(O)/test_policy,$(UNITS)): $(O)/%: $(O)/tests/unit/%.o $(MODULES) \
	$(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test)

# Pure: nothing else is linked.
$(O)/test_policy: $(O)/tests/unit/test_policy.o $(O)/job/policy.o
	$(call say,LD,$@)
	$(Q)$(link_test)

# A provider, for libcrypto to load.
$(O)/lacking.so: tests/harness/lacking.c Makefile
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
	$(FUZZ_SHARED) $(MODULES) $(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test)

$(FUZZ_TARGETS:%=$(O)/fuzz-%): $(O)/fuzz-%: $(O)/tests/fuzz/fuzz_%.o \
	$(FUZZ_SHARED) $(MODULES) $(FORGE) $(LAB)
	$(call say,LD,$@)
	$(Q)$(link_test) -fsanitize=fuzzer

test-programs: $(TEST_PROGRAMS)

# The same, but that nothing is out of its processes' reach: valgrind counts the
# instructions of this one, since it cannot work in a jail.
$(O)/sandbox-unjailed.o: privsep/sandbox.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CPPFLAGS) -DOCSPFETCH_UNJAILED $(CPPFLAGS) $(OWN_CFLAGS) \
	    $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/ocspfetch-unjailed: $(OBJ) $(O)/sandbox-unjailed.o
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) -o $@ \
	    $(filter-out $(O)/privsep/sandbox.o,$^) $(DEPS_LIBS)

.PHONY: test-programs
