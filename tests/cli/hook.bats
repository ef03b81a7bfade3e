#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# --on-change: called once per run, at least once for each file that is
# written, whatever fails or is killed in between.
#
# `run` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154,SC2016,SC2034,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
}

teardown() {
	end_place
}

PLACE=

needs_env() {
	env --ignore-signal=CHLD --default-signal=INT true 2>/dev/null ||
		skip "needs an env that sets signals"
}

# A hook that leaves a line for each call, with the files that it was told of.
NOTE='echo "called $OCSPFETCH_COUNT:" $OCSPFETCH_CHANGED >>calls'

called() {
	if [ -e calls ]; then wc -l <calls; else echo 0; fi
}

markers() {
	find . -name '.*.changed'
}

hooked() {
	fetch -e "$NOTE" "$@"
	exits 0
	silent
}

# ---- when ----

@test "the hook is called when a file was written, and not when none was" {
	leaf site good
	hooked site.pem
	[ "$(cat calls)" = "called 1: site.pem.ocsp" ]
	[ -z "$(markers)$(leftovers)" ]
	hooked -d site.pem
	hooked site.pem
	[ "$(called)" -eq 1 ]
	fetch -f --on-change "$NOTE" site.pem
	exits 0
	[ "$(called)" -eq 2 ]
}

@test "the hook is not called when the bytes are the same" {
	leaf site good-same
	"$OCSPFETCH" site.pem
	hooked -f site.pem
	[ "$(called)" -eq 0 ]
	[ -z "$(markers)" ]
}

@test "the hook is called once for all files of a run" {
	local i files=()
	for i in 1 2 3 4 5; do
		leaf "s$i" good
		files+=("s$i.pem")
	done
	response s3 good
	hooked -d "${files[@]}"
	[ "$(called)" -eq 1 ]
	[[ $(cat calls) == "called 4:"* ]]
	for i in 1 2 4 5; do grep -q " s$i.pem.ocsp" calls; done
	[ -z "$(markers)" ]
}

@test "when the hook is called, every file is in place" {
	leaf a good
	leaf b latency-300
	leaf c good
	fetch -e 'ls *.pem.ocsp >seen' a.pem b.pem c.pem
	exits 0
	[ "$(cat seen)" = "$(printf '%s.pem.ocsp\n' a b c)" ]
}

@test "the hook is called although other certificates fail" {
	leaf a good
	leaf b wrongsig
	fetch -e "$NOTE" a.pem b.pem missing.pem
	[ "$status" -ge 2 ]
	[ "$(cat calls)" = "called 1: a.pem.ocsp" ]
}

@test "the hook is called for a revoked response that was written" {
	leaf site revoked
	fetch -e "$NOTE" site.pem
	exits 5
	[ "$(called)" -eq 0 ]
	fetch --write-revoked -e "$NOTE" site.pem
	exits 5
	[ "$(called)" -eq 1 ]
}

@test "the hook is never called with -n; with -c and -o - it is a usage error" {
	leaf site good
	fetch -n -e "$NOTE" site.pem
	exits 0
	silent
	fetch -c -e "$NOTE" site.pem
	exits 2
	fetch -o - -e "$NOTE" site.pem
	exits 2
	fetch -e "" site.pem
	exits 2
	[ "$(called)" -eq 0 ]
	[ ! -e site.pem.ocsp ]
	# nor for what an earlier run owes
	fetch -e false site.pem
	exits 3
	fetch -n -e "$NOTE" site.pem
	exits 0
	[ "$(called)" -eq 0 ]
	[ -n "$(markers)" ]
}

# ---- at least once ----

@test "a hook that fails is 3, and called again until it succeeds" {
	local nth
	leaf site good
	for nth in 1 2 3; do
		fetch -d -e "$NOTE; exit 7" site.pem
		exits 3
		[ "${#stderr_lines[@]}" -eq 1 ]
		says "ocspfetch: -e, --on-change: \"$NOTE; exit 7\" ended with status 7"
		[ "$(called)" -eq "$nth" ]
		[ "$(markers)" = ./.site.pem.ocsp.changed ]
	done
	hooked -d site.pem
	[ "$(called)" -eq 4 ]
	[ "$(sort -u calls)" = "called 1: site.pem.ocsp" ]
	[ -z "$(markers)$(leftovers)" ]
	hooked -d site.pem
	[ "$(called)" -eq 4 ]
}

@test "a hook that is owed is called while the responder is down" {
	leaf site good
	fetch -e false site.pem
	exits 3
	fetch -r 0 -u http://127.0.0.1:1/ -e "$NOTE" site.pem
	exits 0
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)" ]
}

@test "a run without -e leaves alone what is owed" {
	leaf site good
	fetch -e false site.pem
	exits 3
	fetch site.pem
	exits 0
	silent
	fetch -f site.pem
	exits 0
	[ "$(markers)" = ./.site.pem.ocsp.changed ]
	hooked -d site.pem
	[ "$(called)" -eq 1 ]
}

@test "what is owed for one certificate is not told for another" {
	leaf a good
	leaf b good
	fetch -e false a.pem b.pem
	exits 3
	hooked -d a.pem
	[ "$(cat calls)" = "called 1: a.pem.ocsp" ]
	[ "$(markers)" = ./.b.pem.ocsp.changed ]
}

@test "--exit-changed: what is owed is no change, and no failure is hidden" {
	leaf site good
	fetch --exit-changed -e false site.pem
	exits 3
	fetch -d --exit-changed -e true site.pem
	exits 0
	fetch -f --exit-changed -e true site.pem
	exits 10
}

# killed_at CALL: the program with a hook is killed there.  It runs the hook
# itself, so that it is seen to wait for it.
killed_at() {
	local code=0
	command -v strace >/dev/null || skip "needs strace"
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 timeout -k 1 20 \
		strace -o /dev/null -qq -e "inject=$1:signal=KILL" \
		"$OCSPFETCH" --sandbox=off -e "$NOTE" site.pem >out 2>&1 || code=$?
	[ "$code" -eq 137 ]
}

@test "killed after the rename, the hook is still owed" {
	local where
	leaf site good
	# after the rename: the flush of the directory, and the hook's waiting
	for where in "fsync:when=3" "/^wait4$|^waitid$/:when=1"; do
		rm -f site.pem.ocsp calls
		killed_at "$where"
		[ -s site.pem.ocsp ]
		[ "$(markers)" = ./.site.pem.ocsp.changed ]
		rm -f calls
		hooked -d site.pem
		[ "$(called)" -eq 1 ]
		[ -z "$(markers)$(leftovers)" ]
	done
}

@test "killed before any system call from the marker on, the hook is owed" {
	local name n code total=0 new=0
	command -v strace >/dev/null || skip "needs strace"
	leaf site good-same
	"$OCSPFETCH" site.pem
	mv site.pem.ocsp new
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	strace -qq -o trace "$OCSPFETCH" -e "$NOTE" site.pem
	awk '!/^[a-z_0-9]+\(/ { next }
	{
		name = substr($0, 1, index($0, "(") - 1)
		n[name]++
		if (/ocsp.changed/) begun = 1
		if (begun && name != "exit_group") print name, n[name]
	}' trace >plan
	[ "$(wc -l <plan)" -ge 20 ]
	while read -r name n; do
		rm -f .site.pem.ocsp.* site.pem.ocsp calls
		code=0
		strace -qq -o /dev/null -e "trace=$name" \
			-e "inject=$name:signal=KILL:when=$n" \
			"$OCSPFETCH" -e "$NOTE" site.pem >out 2>&1 || code=$?
		[ "$code" -eq 137 ] || [ "$code" -eq 0 ]
		[ "$code" -ne 137 ] || total=$((total + 1))
		[ ! -e site.pem.ocsp ] || new=$((new + 1))
		[ ! -e site.pem.ocsp ] || [ -n "$(markers)" ] ||
			[ "$(called)" -gt 0 ]
		"$OCSPFETCH" -e "$NOTE" site.pem >out 2>&1
		[ ! -s out ]
		cmp new site.pem.ocsp
		[ "$(called)" -gt 0 ]
		[ -z "$(markers)$(leftovers)" ]
	done <plan
	[ "$total" -ge $(($(wc -l <plan) * 7 / 10)) ]
	[ "$new" -gt 0 ]
}

@test "the marker stands before the rename, and is durable" {
	command -v strace >/dev/null || skip "needs strace"
	leaf site good
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -qq -o trace \
		-e trace=openat,fsync,/rename,/unlink,/fork,/clone \
		"$OCSPFETCH" --sandbox=off -e true site.pem
	awk '/ocsp.changed", .*O_CREAT/ { print "marked" }
	/^fsync/ { print "flushed" }
	/^rename/ { print "renamed" }
	/^(v?fork|clone)/ && renamed { print "called" }
	/^rename/ { renamed = 1 }
	/^unlink.*ocsp.changed/ { print "unmarked" }' trace | uniq >order
	[ "$(tr '\n' ' ' <order)" = \
		"marked flushed renamed flushed called unmarked " ]
}

@test "a marker that another run has used since is not removed" {
	local pid i
	leaf site good
	"$OCSPFETCH" -e 'echo up >first; while [ ! -e go ]; do sleep 0.05; done' \
		site.pem 3>&- &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -e first ] || break
		sleep 0.05
	done
	# it saves, and fails to tell
	fetch -f -e false site.pem
	exits 3
	: >go
	wait "$pid"
	[ "$(markers)" = ./.site.pem.ocsp.changed ]
	hooked -d site.pem
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)" ]
}

@test "what is in the marker's place is not touched, and 3" {
	leaf site good
	mkdir .site.pem.ocsp.changed
	fetch -e "$NOTE" site.pem
	exits 3
	says ".site.pem.ocsp.changed is in the way"
	[ ! -e site.pem.ocsp ]
	rmdir .site.pem.ocsp.changed
	echo precious >victim
	ln -s victim .site.pem.ocsp.changed
	fetch -e "$NOTE" site.pem
	exits 3
	says "a symbolic link"
	[ "$(cat victim)" = precious ]
	[ -L .site.pem.ocsp.changed ]
	[ "$(called)" -eq 0 ]
	# no matter without -e
	fetch site.pem
	exits 0
	silent
}

@test "a marker that is a link to another file is not written to" {
	leaf site good
	echo secret=1 >victim
	cp victim before
	ln victim .site.pem.ocsp.changed
	fetch -e "$NOTE" site.pem
	exits 0
	silent
	cmp before victim
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)$(leftovers)" ]
	# nor is one found where there is nothing to write
	ln victim .site.pem.ocsp.changed
	fetch -e "$NOTE" site.pem
	exits 0
	cmp before victim
	[ "$(called)" -eq 2 ]
	[ -z "$(markers)" ]
}

@test "a marker of another user is not written to, and is told" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to make it"
	leaf site good
	echo theirs >.site.pem.ocsp.changed
	chown 65534 .site.pem.ocsp.changed
	exec 9<.site.pem.ocsp.changed
	"$OCSPFETCH" -e "$NOTE" site.pem
	[ "$(cat <&9)" = theirs ]
	exec 9<&-
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)" ]
}

@test "a file that cannot be written leaves no marker, and calls no hook" {
	leaf site good
	mkdir site.pem.ocsp
	fetch -e "$NOTE" site.pem
	exits 2
	[ "$(called)" -eq 0 ]
	[ -z "$(markers)$(leftovers)" ]
}

@test "a name as long as can be has a marker, too" {
	local name
	name=$(printf 'x%.0s' {1..246})
	leaf site good
	mv site.pem "$name"
	mv site.pem.issuer site.issuer.pem
	fetch -i site.issuer.pem -e false "$name"
	exits 3
	[ "$(markers | wc -l)" -eq 1 ]
	hooked -d -i site.issuer.pem "$name"
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)" ]
}

# ---- how ----

@test "the hook is told of the files by the paths that we know them by" {
	mkdir d 'e f'
	leaf d/a good
	leaf 'e f/b' good
	leaf c good
	fetch -e 'echo "$OCSPFETCH_CHANGED" >list; echo "$OCSPFETCH_COUNT" >n' \
		d/a.pem "$PWD/e f/b.pem"
	exits 0
	[ "$(sort list)" = "$(printf '%s\n' "$PWD/e f/b.pem.ocsp" d/a.pem.ocsp)" ]
	[ "$(cat n)" -eq 2 ]
	fetch -o other.ocsp -e 'echo "$OCSPFETCH_CHANGED" >list' c.pem
	[ "$(cat list)" = other.ocsp ]
}

@test "what the environment held of our names is not what the hook sees" {
	leaf site good
	OCSPFETCH_CHANGED=lie OCSPFETCH_COUNT=lie OCSPFETCH_HOOK=lie MINE=kept \
		"$OCSPFETCH" -e 'env >env' site.pem
	[ "$(grep '^OCSPFETCH_' env | sed 's/\(HOOK=\)[0-9]*$/\1N/' | sort |
		tr '\n' ' ')" = "OCSPFETCH_CHANGED=site.pem.ocsp \
OCSPFETCH_COUNT=1 OCSPFETCH_HOOK=N " ]
	grep -qx MINE=kept env
	grep -q '^PATH=' env
}

@test "the hook has an empty input, our output, and nothing else open" {
	[ -d /proc/self/fd ] || skip "needs /proc"
	leaf site good
	exec 7<"$PKI/ca.pem" 8>&1 200</dev/null
	run --separate-stderr "$OCSPFETCH" -e \
		'cat; echo out; echo err >&2
		for f in 3 4 5 6 7 8 9 200; do
			[ ! -e /proc/$$/fd/$f ] || echo $f
		done >fds' site.pem <"$PKI/ca.pem"
	exec 7<&- 8>&- 200<&-
	exits 0
	[ "$output" = out ]
	[ "$stderr" = err ]
	[ ! -s fds ]
}

@test "the hook has no signal blocked or ignored, whatever we inherited" {
	needs_env
	[ -r /proc/self/status ] || skip "needs /proc"
	leaf site good
	(
		trap '' PIPE HUP USR1 INT
		env --ignore-signal=CHLD "$OCSPFETCH" \
			-e 'exec grep "^Sig[BI]" /proc/self/status' \
			site.pem >masks
	)
	# glibc's posix_spawn() leaves its own two, 32 and 33, ignored
	sed -i '/SigIgn/s/0000000180000000/0000000000000000/' masks
	[ "$(awk '{ print $2 }' masks | sort -u)" = 0000000000000000 ]
	[ "$(wc -l <masks)" -eq 2 ]
}

@test "a hook is waited for although whoever started us ignores its children" {
	needs_env
	leaf site good
	run --separate-stderr env --ignore-signal=CHLD "$OCSPFETCH" \
		-e 'sleep 0.3; exit 9' site.pem
	exits 3
	says "ended with status 9"
}

@test "the hook is the shell's to understand, whatever it begins with" {
	leaf site good
	fetch -e '-x' site.pem
	exits 3
	says '"-x" ended with status 127'
	fetch -d -e 'a="b c"; [ "$a" = "b c" ] && echo "$a" | tr b x >said' site.pem
	exits 0
	[ "$(cat said)" = "x c" ]
}

@test "a hook that dies of a signal is 3, and named" {
	leaf site good
	fetch -e 'kill -USR1 $$' site.pem
	exits 3
	says "was ended by signal 10"
	[ -n "$(markers)" ]
}

@test "what is shown of a hook is harmless" {
	leaf site good
	fetch -e $'false \e[31m' site.pem
	exits 3
	says 'false \x1B[31m'
	[[ ! $stderr =~ [[:cntrl:]] ]]
}

@test "-v tells of the hook" {
	leaf site good
	fetch -v -e true site.pem
	exits 0
	says 'ocspfetch: -e, --on-change: "true" was told of 1 file'
	fetch -f -e false site.pem
	fetch -d -v -e true site.pem
	says "owed"
}

@test "more files than the environment holds are cut at a whole name" {
	local i dir
	dir=$(printf 'x%.0s' {1..200})/$(printf 'y%.0s' {1..200})
	dir=$dir/$(printf 'z%.0s' {1..200})
	mkdir -p "$dir"
	leaf site good
	cat site.pem.issuer >>site.pem
	for ((i = 0; i < 200; i++)); do cp site.pem "$dir/$i.pem"; done
	fetch \
		-e 'echo "$OCSPFETCH_COUNT" >n; echo "$OCSPFETCH_CHANGED" >list' \
		"$dir"/*.pem
	exits 0
	silent
	[ "$(cat n)" -eq 200 ]
	[ "$(wc -c <list)" -le 98304 ]
	[ "$(wc -c <list)" -ge 97000 ]
	never grep -vxE "$dir/[0-9]+\.pem\.ocsp" list
	[ -z "$(markers)" ]
}

@test "a hook that hangs is ended by --deadline, after its ten seconds" {
	local began=$SECONDS
	leaf site good
	fetch --deadline 1 -e 'exec sleep 60' site.pem
	exits 3
	says "was ended by signal 15"
	says "as it was told to end"
	[ $((SECONDS - began)) -ge 9 ]
	[ $((SECONDS - began)) -lt 40 ]
	[ -n "$(markers)" ]
}

# signalled SIGNAL HOOK: sets code; the hook creates the file "up".
signalled() {
	local pid i
	rm -f up
	env --default-signal=INT "$OCSPFETCH" -f -e "$2" site.pem >out 2>err \
		3>&- &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -e up ] || break
		sleep 0.05
	done
	[ -e up ]
	kill "-$1" "$pid"
	code=0
	wait "$pid" || code=$?
}

@test "a signal is passed on to the hook, waited for, and then obeyed" {
	needs_env
	local signal
	leaf site good
	for signal in TERM HUP INT; do
		signalled "$signal" "trap 'echo bye >bye; exit 1' $signal
			: >up; while :; do sleep 0.1; done"
		[ "$code" -eq $((128 + $(kill -l "$signal"))) ]
		[ "$(cat bye)" = bye ]
		[ -n "$(markers)" ]
		rm bye
	done
	# what has done its work all the same is done
	signalled TERM "trap 'exit 0' TERM; : >up; while :; do sleep 0.1; done"
	[ "$code" -eq 143 ]
	[ -z "$(markers)" ]
}

@test "a signal that we were started to ignore does not end the hook" {
	leaf site good
	trap '' HUP
	signalled HUP ': >up; sleep 1; : >ended'
	trap - HUP
	[ "$code" -eq 0 ]
	[ -e ended ]
	[ -z "$(markers)" ]
}

@test "a hook that does not end when it is told to is killed" {
	needs_env
	local began=$SECONDS
	leaf site good
	signalled TERM "trap '' TERM; echo \$\$ >up; i=0
		while [ \$i -lt 600 ]; do sleep 0.1; i=\$((i + 1)); done"
	[ "$code" -eq 143 ]
	[ $((SECONDS - began)) -ge 4 ]
	[ $((SECONDS - began)) -lt 50 ]
	[ -n "$(markers)" ]
	never kill -0 "$(cat up)"
}

# ---- within itself ----

@test "a command that runs the program with -e does not call itself" {
	leaf site good
	# the inner run writes, too: else it had nothing to tell
	fetch -e 'echo x >>depth
		"$OCSPFETCH" -f -e "echo y >>depth" site.pem' site.pem
	exits 0
	[ "$(cat depth)" = x ]
	says "-e, --on-change: not run, since this run was itself started by a command of -e"
	[ "${#stderr_lines[@]}" -eq 1 ]
	# what the inner one wrote is for the next
	[ "$(markers)" = ./.site.pem.ocsp.changed ]
	hooked -d site.pem
	[ "$(called)" -eq 1 ]
	[ -z "$(markers)" ]
}

@test "nor by way of a script, a list, another certificate, or --sandbox=off" {
	leaf a good
	leaf b good
	echo b.pem >list
	printf '%s\n' '#!/bin/sh' 'echo x >>depth' \
		'[ "$(wc -l <depth)" -lt 5 ] || exit 1' \
		'"$OCSPFETCH" -f --sandbox=off -e ./deploy -l list 2>>inner' \
		>deploy
	chmod +x deploy
	fetch --sandbox=off -e ./deploy a.pem
	exits 0
	silent
	[ "$(cat depth)" = x ]
	[ "$(markers)" = ./.b.pem.ocsp.changed ]
	grep -q 'runs it for 1 file$' inner
	[ "$(wc -l <inner)" -eq 1 ]
}

@test "an inner run without news, or without -e, has nothing to say" {
	leaf a good
	leaf b good
	"$OCSPFETCH" b.pem
	fetch -e '"$OCSPFETCH" -d -e false b.pem; "$OCSPFETCH" -f b.pem' a.pem
	exits 0
	silent
	[ -z "$(markers)" ]
}

@test "what outlives the command and keeps its environment is not within it" {
	leaf site good
	fetch -e 'env | grep "^OCSPFETCH_HOOK=" >kept' site.pem
	exits 0
	run --separate-stderr env "$(cat kept)" "$OCSPFETCH" -f -e "$NOTE" \
		site.pem
	exits 0
	silent
	[ "$(called)" -eq 1 ]
}

@test "the command has an empty input though there is no /dev/null" {
	leaf site good
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to cover it"
	mkdir nothing
	unshare -m true 2>/dev/null || skip "no mount namespace here"
	run --separate-stderr unshare -m sh -c 'mount --bind nothing /dev &&
		exec "$@"' - "$OCSPFETCH" -e 'cat >seen; [ ! -e /dev/null ]' \
		site.pem
	exits 0
	silent
	[ -e seen ]
	[ ! -s seen ]
}
