#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Mistakes that people make, and moments that nobody thinks of: what a first
# hostile review of the program found, so that it stays found.

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

# The program, which may write no byte to a file; to a pipe it may.
limited() {
	# shellcheck disable=SC2016
	run --separate-stderr bash -c '(ulimit -f 0; exec "$@" 2>&1) | cat >&2
		exit "${PIPESTATUS[0]}"' - "$OCSPFETCH" "$@"
}

# A run that leaves its draft behind.
killed_before_the_rename() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace -qq \
		-o /dev/null -e trace=renameat -e inject=renameat:signal=KILL "$@"
}

@test "a certificate is never taken for a place to write to" {
	leaf site good
	cat site.key >>site.pem
	cp site.pem before
	fetch -o site.pem site.pem
	exits 2
	says "site.pem holds a certificate or a key"
	cmp before site.pem
	fetch -f -o site.pem site.pem
	exits 2
	cmp before site.pem
}

@test "a key that -o names is shown to no other process" {
	local line
	command -v strace >/dev/null || skip "needs strace"
	leaf site good
	line=$(sed -n 2p site.key | cut -c 1-20)
	run --separate-stderr env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -qq -s 99999 -o ../trace \
		-e trace=read,write,writev,sendmsg "$OCSPFETCH" -o site.key site.pem
	exits 2
	says "site.key holds a certificate or a key"
	grep -q "read(.*$line" ../trace
	never grep -E "(write|writev|sendmsg)\(.*$line" ../trace
}

@test "nor is a key that came there while the responder was asked" {
	local code=0 pid
	leaf site "latency-2000.x$BATS_TEST_NUMBER"
	"$OCSPFETCH" site.pem 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	until grep -q "/latency-2000\.x$BATS_TEST_NUMBER" "$LOG"; do sleep 0.05; done
	cp site.key site.pem.ocsp
	wait "$pid" || code=$?
	[ "$code" -eq 2 ]
	grep -q "site.pem.ocsp holds a certificate or a key" err
	cmp site.key site.pem.ocsp
}

@test "nor is an issuer's, a key or a certificate in DER" {
	local what
	leaf site good
	cp "$PKI/ca.pem" ca.pem
	openssl x509 -in "$PKI/ca.pem" -outform DER -out ca.der
	openssl pkey -in site.key -outform DER -out key.der
	for what in ca.pem ca.der key.der site.key; do
		cp "$what" before
		fetch -i ca.pem -o "$what" site.pem
		exits 2
		says "holds a certificate or a key"
		cmp before "$what"
	done
}

@test "a file of zeros, as a crash leaves it, is replaced" {
	leaf site good
	head -c 700 /dev/zero >site.pem.ocsp
	fetch site.pem
	exits 0
	fetch -c site.pem
	exits 0
}

@test "two certificates that would share one response are 2, and get none" {
	leaf a good
	leaf b good
	cp a.pem site.crt
	cp b.pem site.cer
	cp a.pem.issuer site.issuer
	fetch --del-ext site.crt site.cer
	exits 2
	says "site.crt"
	says "site.cer"
	[ ! -e site.ocsp ]
	fetch --del-ext site.crt site.crt
	exits 0
}

@test "a dry run to standard output writes nothing and does not crash" {
	leaf site good
	fetch -n -o - site.pem
	exits 0
	silent
}

@test "a response that is gone when the run ends is not 0" {
	leaf site hang
	response site good
	"$OCSPFETCH" -r 0 -t 2 site.pem 2>err 3>&- &
	local pid=$! status=0
	until grep -q "hang.*t$BATS_TEST_NUMBER\|hang" "$LOG"; do sleep 0.05; done
	rm site.pem.ocsp
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	grep -q 'there is no site.pem.ocsp' err
}

@test "--check judges what is stored for a certificate without a responder" {
	leaf site -
	response site good
	fetch -c site.pem
	exits 0
	response site revoked
	fetch -c site.pem
	exits 5
	# what lies about for one that needs none is of no weight
	response site expired
	fetch -c site.pem
	exits 0
	rm site.pem.issuer
	fetch -c site.pem
	exits 0
	rm site.pem.ocsp
	fetch -c site.pem
	exits 0
	silent
}

@test "--check of a must-staple certificate whose response came by --url is 0" {
	leaf site - --must-staple
	fetch -u "$URL/good" site.pem
	exits 0
	fetch -c site.pem
	exits 0
	rm site.pem.ocsp
	fetch -c site.pem
	exits 2
}

@test "many certificates and a dead responder do not use up the descriptors" {
	local n files=()
	"$FORGE" leaf "$PKI" many --count 150 --url http://127.0.0.1:1/
	for n in {1..150}; do
		cat "$PKI/many$n.pem" "$PKI/ca.pem" >"m$n.pem"
		files+=("m$n.pem")
	done
	run --separate-stderr bash -c 'ulimit -n 128; exec "$@"' - \
		"$OCSPFETCH" -r 1 "${files[@]}"
	exits 1
	# shellcheck disable=SC2154
	[ "$(grep -c '^ocspfetch: m' <<<"$stderr")" -eq 150 ]
	run ! says "Too many open files"
}

@test "a newer answer that is about to end does not replace one that lasts" {
	leaf site good-delegate-short
	response site good-older
	cp site.pem.ocsp before
	fetch -v -m 25h site.pem
	exits 0
	says "lasts longer"
	cmp before site.pem.ocsp
	fetch site.pem
	exits 0
	run ! cmp -s before site.pem.ocsp
}

@test "what goes to a closed standard output is not called a success" {
	leaf site good
	run --separate-stderr bash -c '"$@" >&-' - "$OCSPFETCH" -o - site.pem
	exits 3
	says "standard output"
}

@test "what goes to a full standard output is not called a success" {
	leaf site good
	run --separate-stderr bash -c '"$@" >/dev/full' - \
		"$OCSPFETCH" -o - site.pem
	exits 3
	says "No space left"
}

@test "a good answer as old as a stored revoked one does not replace it" {
	leaf site good-longer
	response site revoked
	cp site.pem.ocsp before
	fetch site.pem
	exits 5
	cmp before site.pem.ocsp
	fetch -u "$URL/good-newer" site.pem
	exits 0
}

@test "that a revoked answer could not be written is told as well" {
	not_for_tsan
	leaf site revoked
	mkdir site.pem.ocsp
	fetch --write-revoked site.pem
	exits 2
	rmdir site.pem.ocsp
	limited --write-revoked site.pem
	exits 5
	says "the certificate was revoked"
	says "besides, cannot write"
}

@test "a file size limit is a failure, not a death that leaves something" {
	not_for_tsan
	leaf site good
	limited site.pem
	exits 3
	says "File too large"
	[ ! -e site.pem.ocsp ]
	[ -z "$(leftovers)" ]
}

@test "--method get passes over a responder with a query to the next one" {
	leaf site 'good?x' --url "$URL/good"
	fetch -X get site.pem
	exits 0
	leaf only 'good?x'
	fetch -X get only.pem
	exits 2
	says "?"
	says "--method post"
	fetch only.pem
	exits 0
}

@test "a message that nobody reads does not make it immune to SIGTERM" {
	leaf site good
	mkfifo pipe
	sleep 30 >pipe 3>&- &
	local writer=$! files=() n pid status=0
	exec 9<>pipe
	for ((n = 0; n < 400; n++)); do
		ln -s site.pem "$n.pem"
		files+=("$n.pem")
	done
	"$OCSPFETCH" -vv "${files[@]}" 2>pipe 3>&- 9>&- &
	pid=$!
	sleep 1
	kill -TERM "$pid"
	wait "$pid" || status=$?
	exec 9>&-
	kill "$writer"
	[ "$status" -eq 143 ]
}

@test "who can only read the directory cannot keep it from saving" {
	leaf site good
	exec 9<.
	flock -x 9
	fetch site.pem
	exec 9>&-
	exits 0
	[ -s site.pem.ocsp ]
}

@test "every -i file has to be there, even if the issuer is found before" {
	leaf site good
	fetch -i site.pem.issuer -i gone.pem site.pem
	exits 2
	says "gone.pem"
	[ ! -e site.pem.ocsp ]
}

@test "an older revoked is outweighed by what is stored, even if asking once more fails" {
	leaf site 'revoked,nocache-503'
	response site good-newer
	cp site.pem.ocsp before
	# what is older than the file, and then nothing
	fetch -r 0 site.pem
	exits 0
	cmp before site.pem.ocsp
}

@test "a dry run that would replace a revoked response says what the real one would" {
	leaf site good-newer
	response site revoked
	fetch -n site.pem
	exits 0
	fetch site.pem
	exits 0
}

@test "a lock that somebody holds keeps no other certificate from its response" {
	local draft
	leaf a good
	leaf b latency-300
	leaf c good
	# a killed run shows how its draft is called
	killed_before_the_rename "$OCSPFETCH" a.pem
	draft=$(find . -name '.a.pem.ocsp.*')
	[ -n "$draft" ]
	exec 9<"$draft"
	flock -x 9
	"$OCSPFETCH" -r 0 -t 5 a.pem b.pem c.pem 2>err 3>&- 9>&- &
	local pid=$! status=0 i
	for ((i = 0; i < 60; i++)); do
		if [ -s b.pem.ocsp ] && [ -s c.pem.ocsp ]; then break; fi
		sleep 0.05
	done
	# while the first still waits
	kill -0 "$pid"
	[ -s b.pem.ocsp ] && [ -s c.pem.ocsp ]
	exec 9>&-
	wait "$pid" || status=$?
	[ "$status" -eq 0 ]
	[ -s a.pem.ocsp ]
	[ -z "$(leftovers)" ]
}

@test "a draft of another user is named, so that it can be removed" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to make it"
	local place draft
	place=$(mktemp -d /tmp/careful.XXXXXX)
	leaf site good
	cp site.pem site.pem.issuer "$OCSPFETCH" "$place"
	chmod 755 "$place"
	cd "$place"
	killed_before_the_rename ./ocspfetch site.pem
	draft=$(find . -name '.site.pem.ocsp.*' -printf '%f')
	[ -n "$draft" ]
	chmod 600 "$draft"
	chown 65534 .
	run --separate-stderr setpriv --reuid 65534 --regid 65534 \
		--clear-groups ./ocspfetch --deadline 2 site.pem
	cd / && rm -rf "$place"
	exits 3
	says "$draft"
	says "another user"
}

# How many seconds $1's response lasts yet.
left() {
	echo $(($(date -d "$(openssl ocsp -respin "$1.pem.ocsp" -noverify \
		-resp_text | sed -n 's/.*Next Update: //p')" +%s) - $(date +%s)))
}

@test "what was enough when its turn came has to be enough when the run ends" {
	local name
	for name in a b; do
		leaf "$name" good-same
		response "$name" good-same
	done
	leaf slow latency-8000,good-longer
	fetch -r 0 -d -m $(($(left a) - 4)) a.pem b.pem
	exits 0
	fetch -r 0 -m $(($(left a) - 4)) a.pem b.pem slow.pem
	exits 1
	for name in a b; do
		says "$name.pem: the run took so long that its response no longer lasts"
	done
	does_not_say "slow.pem"
}

@test "that one of them is renewed meanwhile takes nothing of it from the others" {
	local pid code=0
	leaf a good-same
	leaf b good-same
	leaf slow latency-8000,good-longer
	leaf new good-longer
	response a good-same
	sleep 2
	response b good-same
	"$OCSPFETCH" -r 0 -m $(($(left b) - 4)) b.pem 2>err
	"$OCSPFETCH" -r 0 -m $(($(left a) - 4)) a.pem b.pem slow.pem 2>err &
	pid=$!
	sleep 2
	mv new.pem a.pem
	wait "$pid" || code=$?
	cat err
	[ "$code" -eq 1 ]
	grep -q '^ocspfetch: b.pem: the run took so long' err
	not grep -q 'a.pem:' err
	[ -s slow.pem.ocsp ]
}
