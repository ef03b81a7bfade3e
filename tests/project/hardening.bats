#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What `make` puts into the binary against bugs that nobody has found yet, as a
# look at the binary shows it; and that the same sources give the same bytes.
#
# shellcheck disable=SC2154

# A build of our own with the defaults, in copies of the sources whose paths
# differ in length.
setup_file() {
	export FIRST=$BATS_FILE_TMPDIR/a SECOND=$BATS_FILE_TMPDIR/another/place
	cd "$BATS_TEST_DIRNAME/../.." || return
	for d in "$FIRST" "$SECOND"; do
		mkdir -p "$d"
		mkdir "$d/tests"
		# shellcheck disable=SC2046
		cp -R Makefile ./*.[ch] $(sed -n 's/^FOLDERS = //p' Makefile) "$d"
		cp tests/*.mk "$d/tests"
		make -s -j 2 -C "$d" >&2
	done
}

setup() {
	bats_require_minimum_version 1.5.0
	command -v readelf >/dev/null || skip "no readelf"
	readelf -h "$FIRST/ocspfetch" >/dev/null 2>&1 || skip "no ELF"
	cd "$FIRST" || return
}

# Does the compiler know this flag?
knows() {
	cc -Werror "$1" -S -o - -x c /dev/null >/dev/null 2>&1
}

@test "hardening: the program may be loaded anywhere" {
	run -0 readelf -hd ocspfetch
	[[ $output == *"DYN ("* ]]
	[[ $output == *"Flags: NOW PIE"* || $output == *" PIE"* ]]
	[[ $output != *TEXTREL* ]]
}

@test "hardening: its tables of functions are read-only before main" {
	run -0 readelf -lWd ocspfetch
	[[ $output == *GNU_RELRO* ]]
	[[ $output == *BIND_NOW* || $output == *"Flags: NOW"* ]]
}

@test "hardening: its stack is not executable, and nothing is both" {
	run -0 readelf -lW ocspfetch
	[[ $output =~ GNU_STACK[^$'\n']*' RW ' ]]
	[[ ! $output =~ (LOAD|GNU_STACK)[^$'\n']*RWE ]]
}

@test "hardening: it looks for libraries in no place of its own" {
	run -0 readelf -d ocspfetch
	[[ $output != *RPATH* && $output != *RUNPATH* ]]
}

@test "hardening: its stack has canaries" {
	knows -fstack-protector-strong || skip "not known to the compiler"
	run -0 readelf -W --dyn-syms ocspfetch
	[[ $output == *__stack_chk_fail* ]]
}

@test "hardening: functions that copy are the checked ones" {
	getconf GNU_LIBC_VERSION >/dev/null 2>&1 || skip "not the GNU libc"
	run -0 readelf -W --dyn-syms ocspfetch
	[[ $output == *__snprintf_chk* && $output == *__memcpy_chk* ]]
}

@test "hardening: each room allows jumps only to where they may go" {
	local o want
	if knows -fcf-protection=full; then
		want='IBT, SHSTK'
	elif knows -mbranch-protection=standard; then
		want='BTI, PAC'
	else
		skip "not known to the compiler"
	fi
	for o in build/*.o build/*/*.o; do
		run -0 readelf -nW "$o"
		[[ $output == *"$want"* ]]
	done
	[ -e build/ocsp.o ]
}

@test "hardening: HARDEN= and HARDEN_LD= build without" {
	run -0 make -s -j 2 O=bare BIN=bare/ocspfetch HARDEN= HARDEN_LD=
	run -0 readelf -W --dyn-syms bare/ocspfetch
	[[ $output != *__snprintf_chk* ]]
}

@test "the same sources give the same bytes wherever they are built" {
	cmp "$FIRST/ocspfetch" "$SECOND/ocspfetch"
	run ! grep -c "$FIRST" "$FIRST/ocspfetch"
}
