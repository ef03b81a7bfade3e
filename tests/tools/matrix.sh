#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Builds by every compiler at every level, without a warning, and what the tests
# say of each.
#
#	make matrix [MATRIX="gcc-O3 clang-O0 musl"]
#
# The unit tests of each; at -O2, which is what is shipped, the short suites of
# the program, too.  "musl" has no libraries to link with, and shows that the
# program asks only for what musl's headers have: it compiles every source.
# The table is the last that is printed; the rest is in build/matrix/ROW.log.
set -u

cd "$(dirname "$0")/../.." || exit 2
quick='fetch input options issuer error-messages json verbose cron-output
	borders hardening'
rows=$*
if test -z "$rows"; then
	for c in gcc clang; do
		rows="$rows $c-O0 $c-O1 $c-O2 $c-O3"
	done
	rows="$rows musl"
fi
units=$(for f in tests/unit/test_*.c; do basename "$f" .c; done)
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
logs=build/matrix
mkdir -p "$logs" || exit 2
table=$logs/table
: >"$table"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# built COMPILER LEVEL
built() {
	more=
	test "$2" != O2 || more=$quick
	make -s -j "$jobs" check T="$(echo "$units" "$more" | tr '\n' ' ')" \
	    O="$logs/$row" BIN="$logs/$row/ocspfetch" \
	    CC="$1" CFLAGS="-g -$2" WERROR=-Werror
}

# The Makefile says what to compile by, the headers of the libraries are the
# system's, behind all of musl's own.
compiled() {
	make -s -j "$jobs" -k syntax CC=musl-gcc WERROR=-Werror HARDEN= \
	    CFLAGS="-idirafter /usr/include -idirafter /usr/include/$(gcc \
	    -print-multiarch)" && echo 'every source was compiled'
}

for row in $rows; do
	start=$(date +%s)
	echo "matrix: $row"
	case $row in
	musl)
		compiler=musl-gcc
		set -- compiled
		;;
	*-O?)
		compiler=${row%-*}
		set -- built "$compiler" "${row##*-}"
		;;
	*)
		echo "tests/tools/matrix.sh: $row is no row, as gcc-O2 or musl" >&2
		exit 2
		;;
	esac
	if ! command -v "$compiler" >/dev/null; then
		result="FAILED: $compiler is not here"
	elif "$@" >"$logs/$row.log" 2>&1; then
		result=$(tail -n 1 "$logs/$row.log")
	else
		result="FAILED: $(tail -n 3 "$logs/$row.log" | head -n 1)"
		cat "$logs/$row.log"
	fi
	printf '%-10s %-42s %5d s  %s\n' "$row" \
	    "$($compiler --version 2>/dev/null | head -n 1 | cut -c1-42)" \
	    "$(($(date +%s) - start))" "$result" >>"$table"
done
echo
cat "$table"
! grep -q FAILED "$table"
