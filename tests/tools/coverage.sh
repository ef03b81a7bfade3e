#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What the tests have reached, by what they left in a build for coverage:
# `make coverage` makes it and runs them.
#
#	tests/tools/coverage.sh DIRECTORY
#
# Prints a table, writes index.html into the directory, and fails where what bytes
# from outside go through has less than it must have.  Branches that only the
# compiler knows of are not counted.
set -u

# A file, or what is of this name: NAME.c and all in NAME/, taken together.
must='ocsp http store'
lines=95
branches=85

cd "$(dirname "$0")/../.." || exit 2
dir=${1:?tests/tools/coverage.sh DIRECTORY}

gcovr --root . --filter '(?!tests/)([a-z]+/)?[a-z_]+\.c$' \
    --exclude-unreachable-branches --exclude-throw-branches --csv "$dir/coverage.csv" \
    --html-details "$dir/index.html" "$dir" || exit 2

# A process that was killed while it wrote, for instance: the rest is lost.
if grep -v ':Cannot open$' "$dir/gcov.log" 2>/dev/null; then
	echo "coverage: what was counted is not whole" >&2
	exit 2
fi

# Numbers are cut, not rounded: 94.99 is not 95.
awk -F , -v must="$must" -v lines="$lines" -v branches="$branches" '
function percent(n, of) { return of == 0 ? 100 : int(1000 * n / of) / 10 }
function too_little(lc, lt, bc, bt) {
	return 100 * lc < lines * lt || 100 * bc < branches * bt
}
function row(name, lc, lt, bc, bt, bad) {
	printf "%-20s %6d/%-4d %5.1f %% %10d/%-4d %5.1f %%%s\n", name, lc, lt,
	    percent(lc, lt), bc, bt, percent(bc, bt), bad
}
BEGIN {
	wanted = split(must, all, " ")
	for (i = 1; i <= wanted; i++) is_must[all[i]] = 1
}
NR == 1 {
	for (i = 1; i <= NF; i++) column[$i] = i
	printf "%-20s %17s %22s\n", "file", "lines", "branches"
	next
}
{
	of = file = $column["filename"]
	if (!(of in is_must)) {
		sub(/\/.*/, "", of)
		sub(/\.c$/, "", of)
	}
	if (of in is_must) {
		lt[of] += $column["line_total"]
		lc[of] += $column["line_covered"]
		bt[of] += $column["branch_total"]
		bc[of] += $column["branch_covered"]
	}
	row(file, $column["line_covered"], $column["line_total"],
	    $column["branch_covered"], $column["branch_total"], "")
}
END {
	print "\nof which there is a least:"
	for (i = 1; i <= wanted; i++) {
		of = all[i]
		if (!(of in lt)) continue
		seen++
		bad = ""
		if (too_little(lc[of], lt[of], bc[of], bt[of])) {
			failed = 1
			bad = "  less than " lines " % and " branches " %"
		}
		row(of, lc[of], lt[of], bc[of], bt[of], bad)
	}
	if (seen != wanted) {
		print "coverage: not all of " must " were counted"
		failed = 1
	}
	exit failed
}' "$dir/coverage.csv"
