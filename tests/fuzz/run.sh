#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs each fuzz target for a while, beginning with the corpus in the tree.
#
#	tests/fuzz/run.sh [NAME ...]
#
# A crash, a hang, a leak or too much memory fails, and the input is kept.
#
#	BUILD          where `make fuzz` built the targets (build/fuzz)
#	FUZZ_SECONDS   how long each runs (60)
#	FUZZ_JOBS      how many at a time (1)
set -u

cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build/fuzz}
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
FUZZ_JOBS=${FUZZ_JOBS:-1}
top=$(pwd)
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
# Another machine's proxies and locale are no part of an input.
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY \
    ALL_PROXY NO_PROXY SSLKEYLOGFILE OPENSSL_CONF POSIXLY_CORRECT
LC_ALL=C
TZ=UTC
TMPDIR=$(mktemp -d) || exit 2
export LC_ALL TZ TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' HUP INT TERM

if test $# -eq 0; then
	for f in tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_}
		set -- "$@" "${f%.c}"
	done
fi

if test "$1" = --one; then
	shift
elif test "$FUZZ_JOBS" -gt 1; then
	export BUILD FUZZ_SECONDS
	printf '%s\n' "$@" |
	    xargs -P "$FUZZ_JOBS" -n 1 sh tests/fuzz/run.sh --one || exit 1
	exit 0
fi

# What is found goes on from where the last run ended.
bad=0
for name in "$@"; do
	mkdir -p "$BUILD/corpus/$name" "$BUILD/crashes" "$BUILD/logs" \
	    "tests/fuzz/corpus/$name" || exit 2
	log=$BUILD/logs/$name
	dict=
	test -e "tests/fuzz/$name.dict" && dict=-dict=$top/tests/fuzz/$name.dict
	# shellcheck disable=SC2086
	(cd "$BUILD/logs" && "$BUILD/fuzz-$name" \
	    -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 \
	    -print_final_stats=1 $dict \
	    -artifact_prefix="$BUILD/crashes/$name-" "$BUILD/corpus/$name" \
	    "$top/tests/fuzz/corpus/$name") >"$log" 2>&1
	status=$?
	if test "$status" -eq 0; then
		result=ok
	else
		result="FAILED ($status)"
		bad=1
	fi
	awk -v name="$name" -v result="$result" '
	{
		for (i = 1; i < NF; i++) {
			if ($i == "cov:") cov = $(i + 1)
			if ($i == "ft:") ft = $(i + 1)
			if ($i == "corp:") corp = $(i + 1)
		}
		if ($1 ~ /^#[0-9]+$/) runs = substr($1, 2)
	}
	END {
		printf "%-10s %-12s runs: %d cov: %d ft: %d corpus: %s\n", \
		    name, result, runs, cov, ft, corp
	}' "$log"
	if test "$status" -ne 0; then
		grep -a -A 30 -e 'ERROR' -e 'does not hold' -e 'runtime error' \
		    "$log" | head -60
		echo "again: $BUILD/fuzz-$name $BUILD/crashes/$name-*"
	fi
done
exit "$bad"
