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

# The product's folders; CONTRIBUTING.md says what each is for.
FOLDERS = cert cli http job notify ocsp output privsep probe sched store util
SRC = $(sort $(wildcard *.c $(FOLDERS:%=%/*.c)))
HEADERS = $(sort $(wildcard *.h $(FOLDERS:%=%/*.h)))
OBJ = $(SRC:%.c=$(O)/%.o)
MODULES = $(filter-out $(O)/ocspfetch.o,$(OBJ))

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef \
	-Wimplicit-fallthrough -Wconversion -Wsign-conversion

# Without 64 bits for offsets a 32-bit machine cannot even look at a file whose
# inode has a number beyond them.  Not so for times: what OpenSSL was built with
# is in its calls; see util/words.h.
#
# Ours; the user's CPPFLAGS, CFLAGS and LDFLAGS come after them, and win.
OWN_CPPFLAGS = -iquote . -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE \
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

include tests/programs.mk tests/qa.mk

-include $(wildcard $(O)/*.d $(O)/*/*.d $(O)/tests/*/*.d)

# T names the tests to run, for example T=tests/project/borders.bats or T=test_words.
T =
check: all test-programs
	@BUILD='$(abspath $(O))' OCSPFETCH='$(abspath $(BIN))' tests/run $(T)

demo: all
	@OCSPFETCH='$(abspath $(BIN))' sh tests/demo.sh

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

clean:
	rm -rf build ocspfetch ocspfetch-$(VERSION).tar.gz

help: help-make help-qa
	@echo 'Yours: CC CPPFLAGS CFLAGS LDFLAGS PKG_CONFIG INSTALL'
	@echo '       HARDEN= HARDEN_LD= builds without hardening, V=1 shows commands'

help-make:
	@echo 'make             the program, ./ocspfetch'
	@echo 'make install     PREFIX BINDIR MANDIR DESTDIR ... say where: README'
	@echo 'make uninstall   takes away what install put there'
	@echo 'make demo        the program against a real responder'
	@echo 'make check       all tests; T="x test_y" only these'
	@echo 'make clean       removes all that make made'

.DELETE_ON_ERROR:
.PHONY: all check demo install install-completion uninstall clean help \
	help-make
