#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What the tests have reached, by what they left in a build for coverage:
# `make coverage` makes it and runs them.
#
#	tests/tools/coverage.sh DIRECTORY
#
# Prints a table, writes index.html into the directory, and fails where one of
# the files that bytes from outside go through has less than it must have.
# Branches that only the compiler knows of are not counted.
set -u

must='ocsp.c http.c store/staple.c'
lines=95
branches=85

cd "$(dirname "$0")/../.." || exit 2
dir=${1:?tests/tools/coverage.sh DIRECTORY}

gcovr --root . --filter '[a-z]*\.c$' --exclude-unreachable-branches \
    --exclude-throw-branches --csv "$dir/coverage.csv" \
    --html-details "$dir/index.html" "$dir" || exit 2

# A process that was killed while it wrote, for instance: the rest is lost.
if grep -v ':Cannot open$' "$dir/gcov.log" 2>/dev/null; then
	echo "coverage: what was counted is not whole" >&2
	exit 2
fi

# Numbers are cut, not rounded: 94.99 is not 95.
awk -F , -v must="$must" -v lines="$lines" -v branches="$branches" '
function percent(n, of) { return of == 0 ? 100 : int(1000 * n / of) / 10 }
NR == 1 {
	for (i = 1; i <= NF; i++) column[$i] = i
	printf "%-14s %17s %22s\n", "file", "lines", "branches"
	next
}
{
	file = $column["filename"]
	lt = $column["line_total"]; lc = $column["line_covered"]
	bt = $column["branch_total"]; bc = $column["branch_covered"]
	bad = ""
	if (index(" " must " ", " " file " ")) {
		seen++
		if (100 * lc < lines * lt || 100 * bc < branches * bt) {
			failed = 1
			bad = "  less than " lines " % and " branches " %"
		}
	}
	printf "%-14s %6d/%-4d %5.1f %% %10d/%-4d %5.1f %%%s\n", file, lc, lt,
	    percent(lc, lt), bc, bt, percent(bc, bt), bad
}
END {
	if (seen != split(must, all, " ")) {
		print "coverage: not all of " must " were counted"
		failed = 1
	}
	exit failed
}' "$dir/coverage.csv"
