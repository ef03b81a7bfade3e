#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What the fuzzers started from, and what they once found, does no harm: every
# input of the corpus runs again through its target.
#
# shellcheck disable=SC2154

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	: "${BUILD:=$PWD/build}"
}

# replays NAME: its corpus, at least so many inputs.
replays() {
	run "$BUILD/replay-$1" "$PWD/tests/fuzz/corpus/$1"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${output##*$'\n'}" = "$(find "tests/fuzz/corpus/$1" -type f | wc -l) inputs" ]
}

@test "every fuzz target has a corpus and a test here" {
	local f name
	for f in tests/fuzz/fuzz_*.c; do
		name=${f##*/fuzz_}
		name=${name%.c}
		[ -n "$(ls "tests/fuzz/corpus/$name")" ]
		grep -q "^	replays $name\$" tests/project/fuzz.bats
	done
}

@test "fuzz corpus: responses, edited and signed again" {
	replays judge
}

@test "fuzz corpus: certificate files and issuers that were sent" {
	replays cert
}

@test "fuzz corpus: answers of responders and proxies" {
	replays http
}

@test "fuzz corpus: lists and crt-lists" {
	replays list
}

@test "fuzz corpus: command lines" {
	replays options
}

@test "fuzz corpus: URLs, headers, and text that is shown" {
	replays text
}

@test "fuzz corpus: replies of HAProxy" {
	replays haproxy
}

@test "fuzz corpus: words before STARTTLS" {
	replays served
}
