#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What contrib/ offers for copying works, and satisfies its own linters.
#
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	CONTRIB=$TOP/contrib
	own_place
}
teardown() { end_place; }

@test "the CronJob is well-formed YAML, and its list a list" {
	local yaml=$CONTRIB/kubernetes/cronjob.yaml list words
	yamllint -s -d '{extends: default, rules: {line-length: {max: 100}}}' \
		"$yaml"
	[ "$(grep -c '^kind: ' "$yaml")" -eq 3 ]
	[ "$(grep -c '^apiVersion: ' "$yaml")" -eq 3 ]
	list=$(sed -n '/^  list: |/{n;s/^ *//p}' "$yaml")
	secret
	echo "$list" | sed "s,/certs/,$PWD/certs/,; s,/responses/,$PWD/responses/," \
		>list
	# the words in brackets of args
	sed -n 's/^ *args: \[\(.*\)\]$/\1/p' "$yaml" | tr -d '",' >args
	read -ra words <args
	[ "${words[-1]}" = /etc/ocspfetch/list ]
	words[-1]=list
	fetch "${words[@]}"
	exits 0
	silent
	[ -s responses/tls.crt.ocsp ]
}

# As a Secret is mounted: the chain in one file, through links.
secret() {
	leaf site "good.$MINE"
	mkdir -p certs/..data responses
	cat site.pem "$PKI/ca.pem" >certs/..data/tls.crt
	ln -s ..data/tls.crt certs/tls.crt
}

# fleet ARGUMENTS: the script, with an ssh that stays on this machine.
fleet() {
	mkdir -p bin
	ln -sf "$OCSPFETCH" bin/ocspfetch
	cat >bin/ssh <<-'END'
	#!/bin/sh
	while [ "${1#-}" != "$1" ]; do shift 2; done
	[ "$1" != down ] || exit 255
	echo "$*" >>"$SSH_LOG"
	shift
	exec sh -c "$*"
	END
	chmod +x bin/ssh
	: >ssh.log
	run --separate-stderr env PATH="$PWD/bin:$PATH" SSH_LOG="$PWD/ssh.log" \
		RSYNC_RSH=ssh OCSPFETCH_TO="$PWD/there" \
		OCSPFETCH_RELOAD="touch $PWD/reloaded" \
		"$CONTRIB/rsync/ocspfetch-fleet" "$@"
}

@test "ocspfetch-fleet brings the responses, and nothing else, to other hosts" {
	mkdir here there
	leaf here/site "good.$MINE"
	fleet here host1
	exits 0
	silent
	[ "$(ls -A there)" = site.pem.ocsp ]
	cmp here/site.pem.ocsp there/site.pem.ocsp
	[ "$(stat -c %a there/site.pem.ocsp)" = 644 ]
	[ -e reloaded ]
	rm reloaded
	# nothing new: nothing is reloaded
	fleet here/ host1
	exits 0
	silent
	[ ! -e reloaded ]
}

@test "ocspfetch-fleet goes on after a host that is down, and says so" {
	mkdir here there
	leaf here/site "good.$MINE"
	fleet here down host1
	exits 3
	says "ocspfetch-fleet: down: rsync failed"
	cmp here/site.pem.ocsp there/site.pem.ocsp
	# what one certificate's failure leaves of the others is handed on
	rm there/*
	leaf here/bad "revoked.$MINE"
	fleet here host1
	exits 5
	cmp here/site.pem.ocsp there/site.pem.ocsp
	fleet here
	exits 2
	says "usage: "
}
