#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --syslog: what the system's log hears, at a /dev/log of the test's own.
#
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

# A /dev with what a program needs, and a log that is a file.
setup() {
	local f
	own_place
	PLACE=$(mktemp -d /tmp/syslog.XXXXXX) # a socket's name is short
	DEV=$PLACE/dev
	mkdir "$DEV"
	for f in null zero full random urandom; do : >"$DEV/$f"; done
	: >log
	start_log
	privately true || skip "no namespace in which /dev could be covered"
}

teardown() { end_place; }

start_log() {
	"$LOGSINK" "$DEV/log" >>log 2>&1 </dev/null 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	LOG_PID=$!
	until grep -q '^ready' log; do sleep 0.02; done
}

# privately COMMAND...: with that /dev, in a mount namespace of its own.
privately() {
	local how=-m
	[ "$(id -u)" -eq 0 ] || how=-rm
	# shellcheck disable=SC2016
	unshare "$how" sh -c 'for f in null zero full random urandom; do
			mount --bind "/dev/$f" "$1/$f" || exit 99
		done
		mount --rbind "$1" /dev && shift && exec "$@"' - "$DEV" "$@"
}

# logged ARGUMENTS: the program with --syslog; what the log heard is in `heard`.
logged() {
	: >log
	run --separate-stderr privately "$OCSPFETCH" --syslog "$@"
	# it has heard all when it has heard this
	privately "$OCSPFETCH" --syslog /end-of-the-test 2>/dev/null || true
	until grep -q end-of-the-test log; do sleep 0.02; done
	grep -v end-of-the-test log >heard || true
}

# heard N PRIORITY TEXT: N lines in all, one of which has that priority (of the
# facility cron) and text.
heard() {
	local -A severity=([crit]=2 [err]=3 [warning]=4 [notice]=5 [info]=6)
	local line
	[ "$(wc -l <heard)" -eq "$1" ] || {
		echo "not $1 lines:"
		cat heard
		return 1
	}
	while read -r line; do
		[[ $line =~ ^"<$((9 * 8 + severity[$2]))>"[A-Z][a-z][a-z]\ [\ 0-9]+\ [0-9:]+\ ocspfetch\[[0-9]+\]:\ "$3" ]] &&
			return 0
	done <heard
	echo "the log has no \"$3\" of priority $2:"
	cat heard
	return 1
}

@test "the log hears nothing of a key that is given for a list" {
	local part
	leaf site good --key rsa
	cat site.pem site.key >both.pem
	logged -j -l both.pem
	exits 2
	heard 1 err "both.pem: line 1 looks like a certificate or a key, so this is no list"
	while read -r part; do
		not grep -qF -e "${part:8:20}" heard
		[[ $output$stderr != *"${part:8:20}"* ]]
	done < <(grep -v -e ----- site.key | grep .............................)
	sed -i 1d site.key
	logged -l site.key
	exits 2
	heard 1 err "site.key: line 1 looks like a certificate or a key"
}

@test "the log hears in which line of a list it stands" {
	printf '#\ngone.pem\n' >list
	logged -l list
	exits 2
	heard 1 err "gone.pem: cannot read it: No such file or directory (list, line 2)"
}

@test "a response that was written is a notice; one that was there is nothing" {
	leaf site "good-same.$MINE" --key rsa
	logged site.pem
	exits 0
	silent
	heard 1 notice "site.pem: a new response was written; site.pem.ocsp is good until "
	logged site.pem
	exits 0
	silent
	[ ! -s heard ]
	logged -d site.pem
	[ ! -s heard ]
	logged -c site.pem
	[ ! -s heard ]
	leaf none -
	logged none.pem
	exits 0
	[ ! -s heard ]
	logged -n -u "$URL/good-newer.$MINE" site.pem
	exits 0
	[ ! -s heard ]
}

@test "a failure while the stored response still does is info: no alarm" {
	leaf site "good.$MINE"
	response site good
	logged -r 0 -u "$URL/status-503.$MINE" site.pem
	exits 0
	silent
	heard 1 info "site.pem: no alarm: $URL/status-503.$MINE: HTTP 503"
	grep -q "; site.pem.ocsp is good until " heard
}

@test "1 is a warning, 2, 3 and 4 are errors, revoked is critical" {
	leaf site "good.$MINE"
	logged -r 0 -u "$URL/err-trylater.$MINE" site.pem
	exits 1
	heard 1 warning 'site.pem: '
	grep -q 'tryLater' heard
	logged gone.pem
	exits 2
	heard 1 err 'gone.pem: cannot read it: '
	logged -o missing/site.ocsp site.pem
	exits 3
	heard 1 err 'site.pem: '
	logged -r 0 -u "$URL/sig-corrupt.$MINE" site.pem
	exits 4
	heard 1 err 'site.pem: '
	logged -u "$URL/revoked.$MINE" site.pem
	exits 5
	heard 1 crit 'site.pem: the certificate was revoked on '
	logged --write-revoked -u "$URL/revoked.$MINE" site.pem
	exits 5
	heard 1 crit 'site.pem: the certificate was revoked on '
	logged -c site.pem
	exits 5
	heard 1 crit 'site.pem: the stored response says: revoked'
}

@test "the log has the message that standard error has, word for word" {
	leaf site "good.$MINE"
	logged -r 0 -u "$URL/unknown.$MINE" site.pem
	exits 4
	[ "ocspfetch: $(sed 's/^[^]]*\]: //' heard)" = "$stderr" ]
}

@test "a run of many: a line for each that changed or failed, and no other" {
	leaf a "good.$MINE"
	leaf b "revoked.$MINE"
	leaf c "good.$MINE"
	response c good
	leaf d -
	logged -d a.pem b.pem c.pem d.pem gone.pem
	exits 5
	heard 3 notice 'a.pem: '
	heard 3 crit 'b.pem: '
	heard 3 err 'gone.pem: '
}

@test "what concerns no certificate is heard too: the list, the hook, HAProxy" {
	leaf site "good.$MINE"
	logged -e 'exit 7' site.pem
	exits 3
	heard 2 notice 'site.pem: '
	heard 2 err '-e, --on-change: '
	logged --haproxy ./nothing.sock site.pem
	exits 3
	heard 1 err 'site.pem: HAProxy at ./nothing.sock: '
	printf 'site.pem\nbad [line\n' >list
	logged -d -l list
	exits 2
	heard 1 err 'list: '
	# shellcheck disable=SC2016
	run privately sh -c '"$1" --syslog -j -f site.pem >/dev/full 2>&1' - \
		"$OCSPFETCH"
	[ "$status" -eq 3 ]
	until grep -q 'standard output' log; do sleep 0.02; done
	grep -q '^<75>.*: cannot write to standard output: No space left' log
}

@test "with -S the log hears of what is not stapled as it should be" {
	leaf site "good.$MINE"
	logged -S 127.0.0.1:1 site.pem
	exits 1
	heard 1 warning 'site.pem: '
}

@test "text from outside is one line of the log, and no format" {
	local name=$'%n%s%x\n<2>forged: \e[31m\xff.pem'
	logged "$name"
	exits 2
	heard 1 err '%n%s%x\x0A<2>forged: \x1B[31m\xFF.pem: cannot read it'
	leaf site "%25n%s%n%d.$MINE"
	logged -r 0 site.pem
	never exits 0
	[ "$(wc -l <heard)" -eq 1 ]
	grep -qF '/%25n%s%n%d' heard
	# a long one is whole
	leaf site "good.$MINE"
	mkdir "$(printf 'd%.0s' {1..200})"
	name=$(printf 'd%.0s' {1..200})/../$(printf 'd%.0s' {1..200})/gone.pem
	logged "$name"
	heard 1 err "$name: cannot read it"
}

@test "without --syslog the log hears nothing" {
	leaf site "revoked.$MINE"
	: >log
	run privately "$OCSPFETCH" site.pem gone.pem
	[ "$status" -eq 5 ]
	logged -h
	[ "$(grep -vc end-of-the-test log)" -eq 0 ]
}

@test "where there is no log, and one that has died, all is as without" {
	leaf site "good.$MINE"
	kill "$LOG_PID"
	run --separate-stderr privately "$OCSPFETCH" --syslog site.pem
	exits 0
	silent
	good_file
	rm "$DEV/log"
	run --separate-stderr privately "$OCSPFETCH" --syslog -f \
		-u "$URL/revoked.$MINE" site.pem
	exits 5
	says "the certificate was revoked on "
}

@test "a log that takes nothing does not outlast SIGTERM" {
	kill -STOP "$LOG_PID"
	# it fills, and one of these lines waits
	# shellcheck disable=SC2046
	run privately timeout -k 20 3 "$OCSPFETCH" --syslog $(seq 2000)
	kill -CONT "$LOG_PID"
	[ "$status" -ne 2 ] || skip "the log has room for all"
	[ "$status" -eq 124 ]
}
