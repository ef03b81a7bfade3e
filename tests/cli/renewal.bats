#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A certificate, its response or its issuer is renewed, replaced or removed while
# a run is under way, at each of its stages.  What is on disk at the end is about
# the certificate that is there at the end, and 0 is true then.
#
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	export MINE=t$BATS_TEST_NUMBER
}

teardown() {
	[ ! -e pids ] || xargs kill <pids 2>/dev/null || true
}

# pair BEHAVIOUR [BEHAVIOUR]: the old certificate, in place, and the new one.
pair() {
	leaf old "$1"
	leaf new "${2:-good}"
	cp old.pem site.pem
	cp old.pem.issuer site.pem.issuer
}

# A renewal as a deploy script makes it: atomically.
renew() {
	cp new.pem next.pem
	mv next.pem site.pem
}

# about NAME: site.pem.ocsp is a good response about NAME.
about() {
	cp site.pem.ocsp "$1.pem.ocsp"
	fetch -c "$1.pem"
	exits 0
}

# starts [options]: a run in the background.
starts() {
	timeout -k 1 60 "$OCSPFETCH" "$@" >out 2>err 3>&- </dev/null &
	run_pid=$!
	echo $run_pid >>pids
}

# ends N: it did, with N.
ends() {
	local code=0
	wait "$run_pid" || code=$?
	[ "$code" -eq "$1" ] || {
		echo "exit status $code, not $1: $(<err)"
		return 1
	}
}

requested() {
	grep -q "$1" "$LOG"
}

requests() {
	grep -c "$1" "$LOG" || true
}

@test "renewed while its responder is waited for: the new one's response is written" {
	pair "good,latency-1500.$MINE"
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 0
	about new
}

@test "renewed with its response in place: that is left, and nobody is asked again" {
	pair "good,latency-1500.$MINE" "good.$MINE-new"
	cp new.pem next.pem
	fetch -i "$PKI/ca.pem" next.pem
	exits 0
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	mv next.pem.ocsp site.pem.ocsp
	mv next.pem site.pem
	ends 0
	about new
	[ "$(requests "good.$MINE-new")" -eq 1 ]
}

@test "renewed in a retry's pause: the new one's response is written" {
	pair "503-twice.$MINE"
	starts -r 3 site.pem
	within 10 requested "503-twice.$MINE"
	renew
	ends 0
	about new
}

@test "renewed in a pause of --wait: the new one's response is written" {
	pair "unauthorized-6.$MINE"
	starts -r 0 -w 60 site.pem
	within 10 requested "unauthorized-6.$MINE"
	sleep 0.5
	renew
	ends 0
	about new
}

@test "renewed while another certificate is waited for: done again at the end" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	renew
	ends 0
	about new
}

@test "renewed through certbot's links: seen all the same" {
	pair "good,latency-1500.$MINE"
	mkdir live archive
	cp old.pem archive/fullchain1.pem
	cp new.pem archive/fullchain2.pem
	cat "$PKI/ca.pem" >live/fullchain.pem.issuer
	ln -s ../archive/fullchain1.pem live/fullchain.pem
	starts live/fullchain.pem
	within 10 requested "latency-1500.$MINE"
	ln -sf ../archive/fullchain2.pem live/fullchain.pem
	ends 0
	cp live/fullchain.pem.ocsp site.pem.ocsp
	about new
}

@test "renewed to one that is revoked: 5, and the old one's good is not written" {
	pair "good,latency-1500.$MINE" revoked
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 5
	[ ! -e site.pem.ocsp ]
}

@test "renewed to one without a responder: 0, and nothing is written" {
	pair "good,latency-1500.$MINE"
	leaf new -
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 0
	[ ! -e site.pem.ocsp ]
}

@test "a certificate that is removed meanwhile is 2" {
	pair "good,latency-1500.$MINE"
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	rm site.pem
	ends 2
	grep -q 'site.pem: .*No such file' err
	[ ! -e site.pem.ocsp ]
}

@test "one that was good and is removed at the end is 2, not 0" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	rm site.pem
	ends 2
}

@test "a certificate that is only touched, or copied onto itself, is not asked about twice" {
	pair "good,latency-1500.$MINE"
	leaf slow "good,latency-2500.$MINE"
	starts site.pem slow.pem
	within 10 requested "good,latency-1500.$MINE"
	cp site.pem same.pem
	mv same.pem site.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	touch site.pem
	ends 0
	[ "$(requests "good,latency-1500.$MINE")" -eq 1 ]
	about old
}

# overwrite FILE WITH: in place, to the same size and with the time of before.
overwrite() {
	[ "$(stat -c %s "$1")" -eq "$(stat -c %s "$2")" ]
	touch -r "$1" time
	cat "$2" >"$1"
	touch -r time "$1"
	[ "$(stat -c %y "$1")" = "$(stat -c %y time)" ]
}

# Of one size: lines after the certificate's end are no part of it.
same_size() {
	local name size
	for name in "$@"; do
		size=$(stat -c %s "$name")
		head -c $((4000 - size)) /dev/zero | tr '\0' '\n' >>"$name"
	done
}

@test "a certificate that is overwritten in place, with its time put back, is noticed" {
	pair "good,latency-1500.$MINE"
	same_size site.pem new.pem
	touch -d '2 days ago' site.pem
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	overwrite site.pem new.pem
	ends 0
	about new
}

@test "a response that is overwritten in place, with its time put back, is noticed" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	head -c "$(stat -c %s site.pem.ocsp)" /dev/zero >zeros
	overwrite site.pem.ocsp zeros
	ends 0
	about old
}

@test "a third change in one run is 1, and no old response stays in the new one's place" {
	local i
	for i in 1 2 3 4; do
		leaf "n$i" "good,latency-1500.$MINE-$i"
	done
	cp n1.pem site.pem
	cp n1.pem.issuer site.pem.issuer
	starts site.pem
	for i in 2 3 4; do
		within 10 requested "latency-1500.$MINE-$((i - 1))"
		cp "n$i.pem" next.pem
		mv next.pem site.pem
	done
	ends 1
	grep -q 'site.pem: its files changed 3 times while this run was under way' err
	[ ! -e site.pem.ocsp ]
}

@test "a response that is removed after it was written is written again" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	rm site.pem.ocsp
	ends 0
	about old
}

@test "a response that was not due and is removed meanwhile is fetched" {
	pair "good.$MINE"
	response old good
	mv old.pem.ocsp site.pem.ocsp
	leaf slow "good,latency-2000.$MINE"
	starts -d site.pem slow.pem
	within 10 requested "latency-2000.$MINE"
	sleep 0.3
	rm site.pem.ocsp
	ends 0
	about old
}

@test "a response that is damaged meanwhile is replaced" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	head -c 100 site.pem.ocsp >short
	mv short site.pem.ocsp
	ends 0
	about old
}

@test "a response that another run makes newer meanwhile is left, and nobody is asked again" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	response old good-newer
	cp old.pem.ocsp newer
	mv old.pem.ocsp site.pem.ocsp
	ends 0
	cmp newer site.pem.ocsp
	[ "$(requests "good.$MINE ")" -le 1 ]
}

@test "a revoked response that another run wrote meanwhile is 5" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	response old revoked
	mv old.pem.ocsp site.pem.ocsp
	ends 5
}

@test "what needs no response and is renewed to what does gets one" {
	leaf old -
	leaf new "good.$MINE"
	cp old.pem site.pem
	cp new.pem.issuer site.pem.issuer
	leaf slow "good,latency-2000.$MINE"
	starts site.pem slow.pem
	within 10 requested "latency-2000.$MINE"
	sleep 0.3
	renew
	ends 0
	about new
}

@test "-n tells of the certificate that is there at the end" {
	pair "good,latency-1500.$MINE" revoked
	starts -n site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 5
	[ ! -e site.pem.ocsp ]
}

@test "to standard output goes the new one's response, and only that" {
	pair "good,latency-1500.$MINE"
	starts -o - site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 0
	cp out site.pem.ocsp
	about new
}

# It waits in write(2) to standard output; where that cannot be seen, it may.
writes() {
	local what
	what=/proc/$(pgrep -P "$run_pid" -x ocspfetch)/syscall
	if [ -r "$what" ]; then
		grep -q '^[0-9]* 0x1 ' "$what"
	else
		((SECONDS > since + 3))
	fi
}

@test "renewed while its response is written to standard output: 1, and it says so" {
	local since
	not_for_valgrind
	pair "good.$MINE"
	# nobody reads it, and it is full
	mkfifo pipe
	exec 7<>pipe
	dd if=/dev/zero bs=4096 count=4096 oflag=nonblock >&7 2>/dev/null || true
	timeout -k 1 60 "$OCSPFETCH" -o - site.pem >pipe 2>err 3>&- 7>&- \
		</dev/null &
	run_pid=$!
	echo $run_pid >>pids
	within 20 requested "good.$MINE"
	since=$SECONDS
	within 20 writes
	renew
	cat <pipe >all 7>&- 3>&- &
	exec 7>&-
	ends 1
	[ "$(<err)" = "ocspfetch: site.pem: it was renewed after its response was written to standard output; run again" ]
	# what was written is whole, and about the old one
	wait $!
	perl -0777 -pe 's/^\0+//' all >site.pem.ocsp
	about old
}

@test "the command of -e is called when all is as it will be, and a file is named once" {
	pair "good.$MINE"
	leaf slow "good,latency-2000.$MINE"
	# shellcheck disable=SC2016
	starts -e 'cp site.pem.ocsp seen; echo "$OCSPFETCH_CHANGED" >names' \
		site.pem slow.pem
	within 10 test -s site.pem.ocsp
	sleep 0.3
	renew
	ends 0
	cmp seen site.pem.ocsp
	[ "$(grep -o 'site.pem.ocsp' names | wc -l)" -eq 1 ]
	about new
}

@test "an issuer that was fetched is not kept for a certificate that was renewed meanwhile" {
	leaf old "good,latency-1500.$MINE" \
		--aia-issuer "$URL/cert-der.$MINE/ca"
	leaf new "good.$MINE"
	rm ./*.issuer
	cp old.pem site.pem
	starts --fetch-issuer site.pem
	within 10 requested "latency-1500.$MINE"
	# the new one has its issuer in its file
	cat new.pem "$PKI/ca.pem" >next.pem
	mv next.pem site.pem
	ends 0
	[ ! -e site.pem.issuer ]
	cat new.pem "$PKI/ca.pem" >both.pem
	cp site.pem.ocsp both.pem.ocsp
	fetch -c both.pem
	exits 0
}

@test "each of a hundred certificates is about what is there, though all are renewed" {
	local i
	not_for_valgrind
	leaf slow "good,latency-5000.$MINE"
	leaf old "good.$MINE"
	leaf new "good.$MINE"
	mkdir many renewed
	for i in {1..100}; do
		cp old.pem "many/c$i.pem"
		cp new.pem "renewed/c$i.pem"
		cp old.pem.issuer "many/c$i.pem.issuer"
	done
	starts slow.pem many
	within 20 test -s many/c99.pem.ocsp
	mv renewed/* many
	ends 0
	fetch -c many
	exits 0
}

@test "-v says that it began anew" {
	pair "good,latency-1500.$MINE"
	starts -v site.pem
	within 10 requested "latency-1500.$MINE"
	renew
	ends 0
	grep -q '^  changed      its files did while this run was under way' err
}

@test "renewed before its responder is asked: the new one's response is written" {
	pair "good.$MINE-old" "good.$MINE-new"
	leaf slow "good,latency-2000.$MINE"
	starts -P 1 slow.pem site.pem
	within 10 requested "latency-2000.$MINE"
	renew
	ends 0
	about new
	[ "$(requests "good.$MINE-new")" -eq 1 ]
}

# A lock that a run left which was killed, and that somebody holds.
hold_a_lock() {
	local lock
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace -f -qq \
		-o /dev/null -e inject=/^rename:signal=KILL "$OCSPFETCH" site.pem
	[ "$status" -eq 137 ]
	lock=$(find . -name '.site.pem.ocsp.*')
	[ -n "$lock" ]
	(
		exec 9<"$lock"
		flock -x 9
		: >held
		exec sleep 60
	) 3>&- &
	holder=$!
	echo "$holder" >>pids
	within 10 test -e held
}

@test "renewed while another run's lock is waited for: the new one's response is written" {
	command -v strace >/dev/null || skip "needs strace"
	not_for_valgrind
	pair "good.$MINE-old" "good.$MINE-new"
	hold_a_lock
	: >"$LOG"
	starts site.pem
	within 10 requested "good.$MINE-old"
	sleep 0.5
	renew
	kill "$holder"
	ends 0
	about new
}

@test "renewed while HAProxy is told: the new one's response is in place at the end" {
	pair "good.$MINE-old" "good.$MINE-new"
	"$FAKEHAPROXY" fake.sock @hang >told 2>&1 3>&- &
	echo $! >>pids
	within 10 test -S fake.sock
	starts --haproxy fake.sock site.pem
	within 10 test -s site.pem.ocsp
	sleep 0.5
	renew
	# HAProxy did not answer
	ends 3
	about new
}

# A HAProxy that says OK, two seconds after each command.
slow_haproxy() {
	"$FAKEHAPROXY" fake.sock "show ssl ocsp-response=>@after-2 Certificate ID or path does not match any certificate.\\n\\n" \
		"show ssl cert=>no\\n" "@after-2 OCSP Response updated!\\n\\n" \
		>told 2>&1 3>&- &
	echo $! >>pids
	within 10 test -S fake.sock
}

# given NAME: HAProxy was handed this response as it is on disk.
given() {
	grep -qxF "set ssl ocsp-response $(base64 -w 0 site.pem.ocsp)" told
}

@test "renewed between the push and the hook, while HAProxy takes 2 s: all get the new one's" {
	pair "good.$MINE-old" "good.$MINE-new"
	slow_haproxy
	starts --haproxy fake.sock -e 'cp site.pem.ocsp hooked; echo x >>calls' site.pem
	within 20 grep -q '^set ssl ocsp-response' told
	renew
	ends 0
	about new
	given
	cmp hooked site.pem.ocsp
	[ "$(wc -l <calls)" -eq 1 ]
}

@test "a response that is made newer between the push and the hook is what all get" {
	leaf site "good-older.$MINE"
	slow_haproxy
	starts --haproxy fake.sock -e 'cp site.pem.ocsp hooked; echo x >>calls' site.pem
	within 20 grep -q '^set ssl ocsp-response' told
	response site good
	ends 0
	fetch -c site.pem
	exits 0
	given
	cmp hooked site.pem.ocsp
	[ "$(wc -l <calls)" -eq 1 ]
}

@test "an issuer's file that is replaced meanwhile does no harm" {
	pair "good,latency-1500.$MINE"
	starts site.pem
	within 10 requested "latency-1500.$MINE"
	echo nothing >site.pem.issuer
	ends 0
	cp "$PKI/ca.pem" site.pem.issuer
	about old
}

# ---- each stage, and what somebody else may do to the files in it ----

stages() {
	local lock=
	! command -v strace >/dev/null || lock=lock
	echo before during retry wait $lock haproxy
}

# old_at STAGE: what the old certificate's responder does, so that there is one.
old_at() {
	case $1 in
	during) echo "good,latency-2000.$MINE-old" ;;
	retry) echo "503-twice.$MINE-old" ;;
	wait) echo "unauthorized-6.$MINE-old" ;;
	*) echo "good.$MINE-old" ;;
	esac
}

requested_twice() {
	[ "$(requests "$1")" -ge 2 ]
}

# at STAGE COMMAND...: a run of site.pem, and the command at this stage of it.
at() {
	local stage=$1 code=0
	shift
	rm -f site.pem.ocsp
	case $stage in
	before)
		leaf slow "good,latency-2000.$MINE-slow"
		starts -P 1 slow.pem site.pem
		within 20 requested "latency-2000.$MINE-slow"
		;;
	during)
		starts site.pem
		within 20 requested "latency-2000.$MINE-old"
		;;
	retry)
		starts -r 5 site.pem
		within 20 requested "503-twice.$MINE-old"
		;;
	wait)
		starts -r 0 -w 60 site.pem
		within 20 requested "unauthorized-6.$MINE-old"
		;;
	lock)
		hold_a_lock
		starts -v site.pem
		# it has what it would write
		within 20 requested_twice "good.$MINE-old"
		sleep 0.5
		;;
	haproxy)
		"$FAKEHAPROXY" fake.sock @hang >told 2>&1 3>&- &
		fake=$!
		echo $fake >>pids
		within 20 test -S fake.sock
		starts --haproxy fake.sock site.pem
		within 20 test -s told
		;;
	esac
	"$@"
	case $stage in
	lock) kill "$holder" ;;
	haproxy) kill "$fake" ;;
	esac
	wait "$run_pid" || code=$?
	echo "$code" >code
}

# at_each_stage LAY COMMAND AFTER: all stages at once, each in a directory of its
# own, which LAY fills, and where AFTER holds in the end.
at_each_stage() {
	local stage failed=0
	declare -A pid
	for stage in $(stages); do
		mkdir "$stage"
		(
			cd "$stage" || exit
			MINE=$MINE-$stage
			BATS_TEST_NUMBER=$BATS_TEST_NUMBER-$stage
			"$1" "$stage"
			at "$stage" "$2"
			"$3" "$stage"
		) >"$stage.log" 2>&1 3>&- &
		pid[$stage]=$!
	done
	for stage in $(stages); do
		wait "${pid[$stage]}" || {
			failed=1
			echo "== $stage: exit status $(<"$stage/code")"
			cat "$stage.log" "$stage/err"
		}
	done
	cat ./*/pids >pids
	return $failed
}

# ended STAGE N: with N; but HAProxy, which says nothing, is 3.
ended() {
	local code=$2
	[ "$1" != haproxy ] || [ "$code" -gt 3 ] || code=3
	[ "$(<code)" -eq "$code" ] || {
		echo "exit status $(<code), not $code"
		return 1
	}
}

# ---- the response ----

lay_newer() {
	pair "$(old_at "$1")"
	response old good-newer
	mv old.pem.ocsp theirs
}

lay_revoked() {
	pair "$(old_at "$1")"
	response old revoked-newer
	mv old.pem.ocsp theirs
}

lay_short() {
	lay_newer "$1"
	head -c 100 theirs >short
	mv short theirs
}

put_theirs() {
	cp theirs next.ocsp
	mv next.ocsp site.pem.ocsp
}

is_theirs() {
	ended "$1" "${2-0}"
	cmp theirs site.pem.ocsp
}

is_theirs_and_5() {
	is_theirs "$1" 5
}

is_good_again() {
	ended "$1" 0
	about old
}

@test "a newer response that another run writes stays, at each stage of ours" {
	not_for_valgrind
	at_each_stage lay_newer put_theirs is_theirs
}

@test "a newer revoked that another run writes is 5 and stays, at each stage of ours" {
	not_for_valgrind
	at_each_stage lay_revoked put_theirs is_theirs_and_5
}

@test "half a response that somebody leaves is replaced, at each stage" {
	not_for_valgrind
	at_each_stage lay_short put_theirs is_good_again
}

# ---- the issuer ----

lay_pair() {
	pair "$(old_at "$1")"
}

renew_issuer() {
	cp "$PKI/renewedca.pem" next.issuer
	mv next.issuer site.pem.issuer
}

put_other_issuer() {
	cp "$PKI/other.pem" next.issuer
	mv next.issuer site.pem.issuer
}

# What begins after the issuer was lost has none.
is_good_or_has_none() {
	if [ "$1" = before ]; then
		ended "$1" 2
		[ ! -e site.pem.ocsp ]
	else
		is_good_again "$1"
	fi
}

@test "an issuer that is renewed with its key does no harm, at each stage" {
	not_for_valgrind
	at_each_stage lay_pair renew_issuer is_good_again
}

@test "an issuer that is replaced by another CA's is 2 for what begins then, else no harm" {
	not_for_valgrind
	at_each_stage lay_pair put_other_issuer is_good_or_has_none
}

# ---- another CA ----

lay_other_ca() {
	pair "$(old_at "$1")"
	leaf new "good.$MINE-new" --ca rsaca
	cp "$PKI/rsaca.pem" new.pem.issuer
}

renew_with_issuer() {
	cp new.pem.issuer next.issuer
	mv next.issuer site.pem.issuer
	renew
}

is_about_new() {
	ended "$1" 0
	about new
}

is_2() {
	ended "$1" 2
	# the old one's was in its place before it was renewed, or nothing is
	[ "$1" = haproxy ] || [ ! -e site.pem.ocsp ]
	never about new
}

@test "renewed by another CA, with its issuer: the new one's response is written, at each stage" {
	not_for_valgrind
	at_each_stage lay_other_ca renew_with_issuer is_about_new
}

@test "renewed by another CA, without its issuer: 2, and no old response is written, at each stage" {
	not_for_valgrind
	at_each_stage lay_other_ca renew is_2
}
