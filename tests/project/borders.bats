#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What the sources promise one another and who builds them: which room knows
# which library, what the binary links, what make does and leaves behind.
#
# `run --separate-stderr` sets these two; this shellcheck has not heard of it.
# shellcheck disable=SC2154

# A build of our own with the defaults, whatever variant is under test: the tree
# is not touched, and nobody's flags get in.
setup_file() {
	export BUILT=$BATS_FILE_TMPDIR/build
	cd "$BATS_TEST_DIRNAME/../.." || return
	make -s -j 4 O="$BUILT" BIN="$BUILT/ocspfetch" >&2
}

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_DIRNAME/../.." || return
}

# sources SUFFIX: of the product, without "./", a line each.
sources() {
	find . \( -path ./build -o -path ./tests -o -path ./debian \) -prune -o \
	    -name "*.$1" -print | sed 's,^\./,,' | sort
}

# The sources whose #include names a header in $1/, sorted, on one line.
includers() {
	sources '[ch]' | xargs grep -lE \
	    "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1/" |
	    tr '\n' ' '
}

@test "each source file names its licence" {
	# shellcheck disable=SC2046
	run grep -L 'SPDX-License-Identifier: ISC' $(sources '[ch]') Makefile \
	    .ci/run tests/*.mk tests/*/*.bats tests/*/*.bash tests/*.sh \
	    tests/*/*.sh tests/*/*.[ch] contrib/hooks/*
	[ -z "$output" ]
}

# Folder, and whose headers it may include besides its own: CONTRIBUTING.md.
HOUSE='
util:
http: util
http.c: http util
ocsp: util
ocsp.c: ocsp util
cert: ocsp store util
probe: cert util
privsep: cert ocsp util
store: ocsp privsep util
cli: http ocsp privsep probe notify job util
job: cli cert http notify ocsp privsep probe store util
notify: job output privsep util
output: job notify util
sched: cli http job store util
ocspfetch.c: cli job notify ocsp output privsep sched store
'

@test "each folder includes only the headers of those that are listed" {
	local f of h where
	for f in $(sources '[ch]'); do
		of=${f%/*}
		[[ $of != *.h ]] || of=${of%.h}.c
		while read -r h; do
			where=${h%/*}
			where=${where%.h}
			[ "$where" != "${of%.c}" ] || continue
			[[ $h != */internal.h ]] &&
			    grep -qE "^$of:.* $where( |\$)" <<<"$HOUSE" || {
				echo "$f includes $h"
				return 1
			}
		done < <(sed -n 's/^#include "\(.*\)"/\1/p' "$f")
	done
}

@test "OpenSSL is included only in cert/, ocsp.c, ocsp/ and probe/" {
	local f
	for f in $(includers openssl); do
		echo "$f"
		[[ $f == cert/* || $f == ocsp.c || $f == ocsp/* || $f == probe/* ]]
	done
}

@test "TLS is spoken only in probe/" {
	local f
	for f in $(sources '[ch]' | xargs grep -lE 'openssl/(ssl|tls)'); do
		echo "$f"
		[[ $f == probe/* ]]
	done
}

@test "libcurl is included only in http.c and http/" {
	local f
	for f in $(includers curl); do
		echo "$f"
		[[ $f == http.c || $f == http/* ]]
	done
}

# A folder's internal.h is its own: no other may include it.
@test "no header that others include shows a library's type" {
	local headers=0 h
	for h in $(sources h); do
		[[ $h != */internal.h ]] || continue
		# As the compiler sees it: through every include, no comments.
		cc -iquote . -E -x c "$h" >"$BATS_TEST_TMPDIR/seen"
		run grep -nE 'openssl/|curl/' "$BATS_TEST_TMPDIR/seen"
		[ "$status" -eq 1 ]
		run grep -nwE \
		    '(X509|EVP|ASN1|BIO|BN|SSL)(_[A-Za-z0-9_]+)?|OCSP_(CERTID|RESP[A-Z]+|BASICRESP|SINGLERESP|REQ[A-Z]+|ONEREQ|SIGNATURE)|STACK_OF|x509[a-z_]*_st|ocsp[a-z_]*_st|stack_st[A-Za-z0-9_]*|CURL[A-Za-z]*|curl_[a-z_]+' \
		    "$BATS_TEST_TMPDIR/seen"
		echo "$h: $output"
		[ "$status" -eq 1 ]
		headers=$((headers + 1))
	done
	[ "$headers" -ge 6 ]
}

# lint_of LINE [FILE]: what lint-banned says of an ocsp/issuer.c, or of this file,
# with this line in it.
lint_of() {
	rm -rf "$BATS_TEST_TMPDIR/ocsp" "$BATS_TEST_TMPDIR/ocsp.c"
	mkdir "$BATS_TEST_TMPDIR/ocsp"
	printf '\t%s\n' "$1" >"$BATS_TEST_TMPDIR/${2:-ocsp/issuer.c}"
	run make -s -I "$PWD" -C "$BATS_TEST_TMPDIR" -f "$PWD/Makefile" lint-banned
}

@test "lint-banned lets no source parse a private key or weaken the verification" {
	local word n=0
	for word in d2i_PrivateKey d2i_AutoPrivateKey d2i_PrivateKey_bio \
	    d2i_AutoPrivateKey_ex d2i_PKCS8PrivateKey_bio \
	    PEM_read_bio_PrivateKey PEM_read_PrivateKey \
	    PEM_read_bio_PrivateKey_ex PEM_read_bio_RSAPrivateKey \
	    OSSL_DECODER_CTX_new_for_pkey OSSL_STORE_open; do
		lint_of "k = $word(a, b);"
		echo "$word: $output"
		[ "$status" -ne 0 ]
		[[ $output == *"a private key is parsed"* ]]
		n=$((n + 1))
	done
	for word in OCSP_NOCHECKS OCSP_TRUSTOTHER OCSP_NOVERIFY OCSP_NOSIGS \
	    X509_add1_trust_object X509_V_FLAG_NO_CHECK_TIME \
	    X509_STORE_set_trust X509_STORE_set_purpose \
	    X509_VERIFY_PARAM_set_trust X509_VERIFY_PARAM_set_purpose \
	    X509_STORE_set_verify X509_STORE_set_verify_cb \
	    X509_STORE_set_check_issued; do
		lint_of "k = $word(a->store, any);"
		echo "$word: $output"
		[ "$status" -ne 0 ]
		[[ $output == *"what verifies a response is weakened"* ]]
		n=$((n + 1))
	done
	for word in strcpy sprintf system scanf atoi; do
		lint_of "$word(a, b);"
		echo "$word: $output"
		[ "$status" -ne 0 ]
		n=$((n + 1))
	done
	[ "$n" -eq 29 ]
	# the two that are there, and what is named alike
	for word in "X509_STORE_set_verify_cb(a->store, note_error);" \
	    "X509_STORE_set_check_issued(a->store, check_issued);" \
	    "d2i_PUBKEY(NULL, &p, n);" "X509_VERIFY_PARAM_set_time(p, t);" \
	    "PEM_read_bio_ex(bio, a, b, c, d, 0);"; do
		lint_of "$word"
		echo "$word: $output"
		[ "$status" -eq 0 ]
	done
	# and nowhere else
	for word in "X509_STORE_set_verify_cb(a->store, note_error);" \
	    "X509_STORE_set_check_issued(a->store, check_issued);"; do
		lint_of "$word" ocsp.c
		echo "$word: $output"
		[ "$status" -ne 0 ]
	done
}

@test "every header stands alone" {
	local h
	for h in $(sources h); do
		cc -iquote . -std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L \
		    -D_DEFAULT_SOURCE -fsyntax-only -x c "$h"
	done
}

# Asked of the objects: neither a comment nor a macro can mislead them.  The
# compiler turns printf into puts, and with _FORTIFY_SOURCE into __printf_chk.
@test "nothing below main prints, exits, sleeps or reads the clock" {
	local rooms=0 room print end sleep clock
	print='stdout|stderr|(__)?v?f?d?printf(_chk)?|f?puts|f?putc|putchar|putc|perror|v?warnx?|v?syslog|psignal'
	end='exit|_exit|_Exit|quick_exit|abort|v?errx?|raise|__assert_fail'
	sleep='sleep|usleep|nanosleep|clock_nanosleep|pause|alarm|setitimer'
	clock='time|clock|clock_gettime|gettimeofday|timespec_get|ftime'
	for room in $(sources c); do
		room=${room%.c}
		[ "$room" != ocspfetch ] || continue
		nm -u "$BUILT/$room.o" >"$BATS_TEST_TMPDIR/undefined"
		awk '{ sub(/@.*/, "", $NF); print $NF }' \
		    "$BATS_TEST_TMPDIR/undefined" >"$BATS_TEST_TMPDIR/needs"
		run grep -xE "$print|$end|$sleep|$clock" "$BATS_TEST_TMPDIR/needs"
		echo "$room calls: $output"
		[ "$status" -eq 1 ]
		rooms=$((rooms + 1))
	done
	[ "$rooms" -ge 6 ]
}

@test "no two sources call each other, not even by way of others" {
	local room
	for room in $(sources c); do
		nm -g "$BUILT/${room%.c}.o" | awk -v room="${room%.c}" '
		$(NF - 1) == "U" { print "uses", $NF, room }
		NF == 3 && $2 ~ /[A-TV-Z]/ { print "has", $NF, room }'
	done >"$BATS_TEST_TMPDIR/symbols"
	awk '$1 == "has" { where[$2] = $3 }
	$1 == "uses" { uses[++n] = $2; who[n] = $3 }
	END {
		for (i = 1; i <= n; i++)
			if (uses[i] in where) print who[i], where[uses[i]]
	}' "$BATS_TEST_TMPDIR/symbols" | sort -u >"$BATS_TEST_TMPDIR/calls"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -ge 40 ]
	run tsort "$BATS_TEST_TMPDIR/calls"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = ocspfetch ]
}

@test "decisions are pure: policy.c calls nothing but strlen" {
	run nm -u "$BUILT/job/policy.o"
	run sed 's/^ *U //; s/@.*//; /^_GLOBAL_OFFSET_TABLE_$/d; /^__stack_chk_fail$/d' \
	    <<<"$output"
	[ "$output" = strlen ]
	run grep -lE '#include.*/(job|state|list|store|cert|judge|served|trace)\.h"' \
	    job/policy.c job/policy.h
	[ "$status" -eq 1 ]
}

# Neither by itself nor by those that it calls, none of which calls another.
@test "what a failure means changes nothing: diagnose.c calls words and strings only" {
	local o
	for o in job/diagnose util/words http/proxy; do
		nm -u "$BUILT/$o.o"
	done | sed -n 's/^ *U //p' | sed 's/@.*//; s/^__\(.*\)_chk$/\1/' |
	    sort -u >"$BATS_TEST_TMPDIR/called"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/called")" -ge 10 ]
	# of words.c and proxy.c, which are ours
	run grep -vxE '(mem|str)[a-z]+|v?snprintf|malloc|realloc|free|getenv|gmtime_r|timegm|(words|text)_[a-z_]+|proxy_hint|__ctype_b_loc|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__isoc[0-9]*_strtol.*' \
	    "$BATS_TEST_TMPDIR/called"
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "the binary links nothing but libcurl and OpenSSL" {
	readelf -d "$BUILT/ocspfetch" >"$BATS_TEST_TMPDIR/dynamic"
	sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' "$BATS_TEST_TMPDIR/dynamic" |
	    sed 's/\.so.*//; s/^libcurl-.*/libcurl/' | sort |
	    grep -vxE 'ld-.*|ld64|libc\.musl-.*' >"$BATS_TEST_TMPDIR/needed"
	run tr '\n' ' ' <"$BATS_TEST_TMPDIR/needed"
	echo "$output"
	[ "${output/ libcurl/}" != "$output" ]
	[ "${output/libc /}" = "libcrypto libcurl libssl " ]
}

@test "the binary is hardened: PIE, read-only relocations, bound at start" {
	readelf -h "$BUILT/ocspfetch" | grep -q 'Type: *DYN'
	readelf -lW "$BUILT/ocspfetch" | grep -q GNU_RELRO
	readelf -lW "$BUILT/ocspfetch" | grep 'GNU_STACK' | grep -vq 'RWE'
	readelf -d "$BUILT/ocspfetch" | grep -q 'NOW'
}

# Every compiling command that make would run, with these arguments.
compiling() {
	make -n -B V=1 "$@" all test-programs | tr -s ' \t' ' ' |
	    sed -e ':a' -e '/\\$/N; s/\\\n//; ta' | grep -e ' -c -o '
}

@test "make with CFLAGS of the user keeps our warnings" {
	local line n=0 w
	while read -r line; do
		for w in -std=c11 -Wall -Wextra -Wpedantic -Wshadow \
		    -Wstrict-prototypes -Wmissing-prototypes \
		    -Wold-style-definition -Wpointer-arith -Wcast-qual \
		    -Wwrite-strings -Wformat=2 -Wvla -Wundef \
		    -Wimplicit-fallthrough -Wconversion -Wsign-conversion \
		    -fPIE -O1 -DX=1; do
			[[ " $line " = *" $w "* ]]
		done
		[[ " $line " != *" -O2 "* ]]
		# The user's come last, so that they win.
		[[ "$line" = *-std=c11*-O1* ]]
		n=$((n + 1))
	done < <(compiling CFLAGS=-O1 CPPFLAGS=-DX=1)
	[ "$n" -ge 10 ]
}

@test "warnings are no errors for who builds, only for lint" {
	run compiling
	[ "$status" -eq 0 ]
	[[ "$output" != *-Werror* ]]
	run compiling WERROR=-Werror
	[[ "$output" = *-Werror* ]]
}

@test "make without a library is one sentence that names the remedy" {
	run --separate-stderr make -B O="$BATS_TEST_TMPDIR" PKG_CONFIG=false all
	[ "$status" -eq 2 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" = *'run "sh tests/setup.sh"'* ]]
	[[ "$stderr" = *'libcurl >= 7.76'* ]]
}

@test "make and make install never install packages" {
	run make -n -B all install
	[ "$status" -eq 0 ]
	run grep -wE 'setup\.sh|apt-get|apt|dnf|apk|pacman|zypper|brew|sudo' <<<"$output"
	[ "$status" -eq 1 ]
}

# Paths under $1, directories left out: those may be anybody's.
files_in() {
	(cd "$1" && find . ! -type d | sort)
}

install_into() {
	make -s O="$BUILT" BIN="$BUILT/ocspfetch" DESTDIR="$dest" "$@"
}

@test "make install and make uninstall leave nothing behind" {
	local dest="$BATS_TEST_TMPDIR/a root"
	install_into install
	run files_in "$dest"
	[ "${#lines[@]}" -eq 5 ]
	[ "${lines[0]}" = ./usr/local/bin/ocspfetch ]
	[ "${lines[1]}" = \
	    ./usr/local/share/bash-completion/completions/ocspfetch ]
	[ "${lines[2]}" = \
	    ./usr/local/share/fish/vendor_completions.d/ocspfetch.fish ]
	[ "${lines[3]}" = ./usr/local/share/man/man1/ocspfetch.1 ]
	[ "${lines[4]}" = ./usr/local/share/zsh/site-functions/_ocspfetch ]
	[ "$(stat -c %a "$dest/usr/local/bin/ocspfetch")" = 755 ]
	[ "$(stat -c %a "$dest/usr/local/share/man/man1/ocspfetch.1")" = 644 ]
	install_into uninstall
	[ -z "$(files_in "$dest")" ]
}

@test "make install goes where PREFIX and the others say" {
	local dest=$BATS_TEST_TMPDIR/root
	local given=(BINDIR=/sbin MANDIR=/man BASHCOMPDIR=/bash ZSHCOMPDIR=/zsh
	    FISHCOMPDIR=/fish)
	install_into install PREFIX=/opt/x
	install_into install "${given[@]}"
	run files_in "$dest"
	[ "${lines[*]}" = "./bash/ocspfetch ./fish/ocspfetch.fish \
./man/man1/ocspfetch.1 ./opt/x/bin/ocspfetch \
./opt/x/share/bash-completion/completions/ocspfetch \
./opt/x/share/fish/vendor_completions.d/ocspfetch.fish \
./opt/x/share/man/man1/ocspfetch.1 \
./opt/x/share/zsh/site-functions/_ocspfetch ./sbin/ocspfetch \
./zsh/_ocspfetch" ]
	install_into uninstall PREFIX=/opt/x
	install_into uninstall "${given[@]}"
	[ -z "$(files_in "$dest")" ]
}

@test "the version is said in one place" {
	local version
	version=$(sed -n 's/^VERSION = //p' Makefile)
	[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
	# CHANGELOG tells of versions; all else takes it from the Makefile.
	run grep -rlF "$version" --exclude-dir=build \
	    --include='*.[ch]' --include='*.sh' \
	    --include='*.bats' --include='*.[18]' --include=README.md \
	    --include=Makefile --include=run .
	[ "$output" = ./Makefile ]
	run "$OCSPFETCH" -V
	[ "$status" -eq 0 ]
	[[ "$output" = *"$version"* ]]
}

# Stubs in front of PATH: nothing on this machine can be changed by them.
stub() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

setup_sh() {
	env PATH="$BATS_TEST_TMPDIR/bin:$PATH" sh tests/setup.sh "$@"
}

@test "setup.sh is silent when nothing is missing, and asks no manager" {
	local m
	for m in apt-get apt-cache dnf apk pacman zypper brew; do
		stub "$m" "echo $m was called; exit 1"
	done
	stub id 'echo 1000'
	run setup_sh
	echo "$output"
	if [[ "$output" = *"this needs root; run:"* ]]; then
		skip "something is missing on this machine"
	fi
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "setup.sh without root changes nothing and says what to run" {
	stub id 'echo 1000'
	stub pkg-config 'exit 1'
	stub sudo 'echo sudo was called; exit 1'
	stub apt-get 'echo apt-get was called; exit 1'
	run --separate-stderr setup_sh
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" != *"was called"* ]]
	[[ "$stderr" = *"missing: "*libcurl*libcrypto*cmocka* ]]
	[[ "$stderr" = *"sudo apt-get update && sudo apt-get install -y"* ]]
	[[ "$stderr" = *libcurl4-openssl-dev*libssl-dev*libcmocka-dev* ]]
}

@test "setup.sh shows what a package manager said only when it failed" {
	stub id 'echo 0'
	stub pkg-config 'exit 1'
	# shellcheck disable=SC2016
	stub apt-get 'echo E: no such thing, said "$*"; exit 100'
	run --separate-stderr setup_sh
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" = *"E: no such thing, said install -y"* ]]
	[[ "$stderr" = *"apt could not install: "* ]]
}
