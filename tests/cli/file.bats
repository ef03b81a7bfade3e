#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The file: what replaces it and what does not, how, and what a failure, a
# signal, a rival or a killed run leaves.
#
# `run --separate-stderr` sets these two; this shellcheck has not heard of it, and
# takes each test for a subshell that loses them.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_place; }
teardown() { end_place; }

asked_past_caches() {
	grep "^[A-Z]* /[^ ]*\.$MINE " "$LOG" | grep -c ' cc=no-cache ' || true
}

# changed STATE FILE
changed() {
	[ "$1" != "$(state "$2")" ] || {
		echo "$2 is still:" "$1"
		return 1
	}
}

need_strace() {
	command -v strace >/dev/null || skip "needs strace"
}

# traced STRACE-OPTIONS -- ARGUMENTS: the program, its system calls in ../trace.
# LeakSanitizer cannot work under strace.
traced() {
	local options=()
	need_strace
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run --separate-stderr \
		strace -f -y -qq -o ../trace "${options[@]}" "$OCSPFETCH" "$@"
	# but for what ThreadSanitizer maps
	sed -i '/"[^"]*\/tsan\.rodata\./d' ../trace
}

# in_order REGEX...: each is in the trace, after the one before.
in_order() {
	local at=0 line re
	for re in "$@"; do
		line=$(awk -v at="$at" -v re="$re" \
			'NR > at && $0 ~ re { print NR; exit }' ../trace)
		[ -n "$line" ] || {
			echo "not in the trace after line $at: $re"
			cat ../trace
			return 1
		}
		at=$line
	done
}

# The hidden names that the last traced run used: of its lock, which is the same
# in each run, and of the new response.
lock_name() {
	sed -n 's/^.*openat(.*"\([^"]*\)", [^,]*O_EXCL.*$/\1/p' ../trace |
		grep -v - | tail -n 1
}

temporary_name() {
	sed -n 's/^.*openat(.*"\([^"]*\)", [^,]*O_EXCL.*$/\1/p' ../trace |
		tail -n 1
}

traced_unprivileged() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 unprivileged \
		strace -f -qq -o /dev/null "${options[@]}" \
		"$PLACE/ocspfetch" "$@"
}

is_saving() {
	[ -n "$(find . -name '.site.pem.ocsp-*' -size +0)" ]
}

# rival MICROSECONDS ANSWER: another run that takes so long to save, $rival.
rival() {
	need_strace
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq \
		-o ../rival.trace -e "inject=fsync:delay_enter=$1:when=1" \
		"$OCSPFETCH" -u "$URL/$2" site.pem >../rival.out 2>&1 3>&- &
	rival=$!
	remember "$rival"
	within 10 is_saving
}

# ---- what replaces what

@test "equal bytes leave the file alone, with its inode and times" {
	local before
	site good-same
	fetch site.pem
	exits 0
	touch -d '2 days ago' site.pem.ocsp
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	was_asked 2
	unchanged "$before" site.pem.ocsp
	fetch -f site.pem
	exits 0
	unchanged "$before" site.pem.ocsp
	fetch -f --mode 600 site.pem
	exits 0
	unchanged "$before" site.pem.ocsp
}

@test "a later answer replaces a good one" {
	local before
	site good
	store good-older
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
	[ "$(asked)" -eq 1 ]
}

@test "an older answer does not replace a newer one that is still valid" {
	local before
	site good-older
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "an older answer is asked for once more, past all caches" {
	site good-older
	store good
	fetch site.pem
	exits 0
	[ "$(asked)" -eq 2 ]
	[ "$(asked_past_caches)" -eq 1 ]
}

@test "what comes past the caches replaces the stored one, if it is newer" {
	local before
	site older-unless-nocache,good-newer
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
	[ "$(asked)" -eq 2 ]
	[ "$(asked_past_caches)" -eq 1 ]
}

@test "an expired answer is asked for once more, past all caches" {
	site stale-unless-nocache,good
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
	[ "$(asked)" -eq 2 ]
	[ "$(asked_past_caches)" -eq 1 ]
}

@test "-f writes an older answer over a newer one, without asking again" {
	local before
	site good-older
	store good
	before=$(state site.pem.ocsp)
	fetch -f site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
	[ $(($(date +%s) - $(this_update site.pem.ocsp))) -gt 86400 ]
	[ "$(asked)" -eq 1 ]
}

@test "-f writes nothing that is not good" {
	local before recipe
	leaf site -
	store good
	before=$(state site.pem.ocsp)
	for recipe in expired by-leaf sig-corrupt unknown revoked \
		good-only-neighbour err-trylater html; do
		echo "answer: $recipe"
		fetch -f -r 0 -u "$URL/$recipe" site.pem
		unchanged "$before" site.pem.ocsp
	done
}

@test "the same answer, signed again, does not replace the stored one" {
	local before
	site good
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	fetch -f site.pem
	exits 0
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
}

@test "of the same thisUpdate, what is usable for longer replaces the other" {
	local before
	site good-longer
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
}

@test "of the same thisUpdate, what is usable for less does not replace" {
	local before
	site good-shorter
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "a later nextUpdate beyond the certificate's end is not usable longer" {
	local before
	site good-longer --to 259200
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "a later answer that is about to end does not replace one that lasts" {
	local before
	site expires-soon
	store half-gone
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	# where neither lasts as long as is demanded, the later one is better
	fetch -m 3d site.pem
	exits 1
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
}

@test "a stored response whose signer ends first is replaced" {
	local before
	site good
	store good-delegate-short
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
}

# What is stored counts as absent: even an older answer replaces it.
@test "only a newer response replaces one that has run out, and -f any" {
	local before
	site good-older
	# a day and a half old, and without a nextUpdate
	store no-next-days
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 1
	says "the response that came is not newer (thisUpdate "
	says "which has run out; -f replaces it all the same"
	unchanged "$before" site.pem.ocsp
	fetch -n site.pem
	exits 1
	fetch -f site.pem
	exits 0
	is_good site.pem.ocsp
}

@test "nor does an older one replace what seems to come from the future" {
	local before
	site good
	store future
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 1
	says "which seems to come from the future; -f replaces it all the same"
	unchanged "$before" site.pem.ocsp
	fetch -f site.pem
	exits 0
	is_good site.pem.ocsp
}

@test "what is expired, damaged, empty, forged or foreign is replaced" {
	local before stored
	site good-older
	for stored in expired damaged empty one-byte html by-other sig-corrupt \
		foreign err-unauthorized good-sha256 trailing sig-sha1; do
		echo "stored: $stored"
		store "$stored"
		before=$(state site.pem.ocsp)
		fetch site.pem
		exits 0
		silent
		changed "$before" site.pem.ocsp
		is_good site.pem.ocsp
	done
	[ "$(asked_past_caches)" -eq 0 ]
}

@test "what is larger than a response may be is not touched" {
	local before stored
	site good-older
	for stored in size-65537 toobig; do
		echo "stored: $stored"
		store "$stored"
		before=$(state site.pem.ocsp)
		fetch site.pem
		exits 2
		unchanged "$before" site.pem.ocsp
	done
	: >site.pem.ocsp
	truncate -s 4G site.pem.ocsp
	fetch site.pem
	exits 2
	[ "$(stat -c %s site.pem.ocsp)" -eq 4294967296 ]
}

@test "what is as large as a response may be is not replaced by an older one" {
	local before
	site good-older
	store size-65536
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	unchanged "$before" site.pem.ocsp
}

# not_replaced FILE: as site.pem.ocsp and as -o, it is never written to.
not_replaced() {
	local before
	echo "stored: $1"
	cp "$1" site.pem.ocsp
	before=$(everything)
	fetch site.pem
	exits 2
	says "ocspfetch: site.pem: "
	says "site.pem.ocsp"
	[ "$before" = "$(everything)" ]
	fetch -f --write-revoked site.pem
	exits 2
	fetch -f -o "$1" site.pem
	exits 2
	says "$1"
	[ "$before" = "$(everything)" ]
}

@test "a file that holds a certificate or a key is never replaced" {
	site good
	openssl x509 -in site.pem -outform DER -out site.der
	openssl pkey -in site.key -outform DER -out key.der
	cat site.key site.pem >both.pem
	not_replaced site.pem
	not_replaced site.der
	not_replaced site.key
	not_replaced key.der
	not_replaced both.pem
}

# not_ours: site.pem.ocsp as it is, is not replaced, and asks for nobody.
not_ours() {
	local before option
	before=$(everything)
	for option in -r0 -f --write-revoked -n -c; do
		fetch "$option" site.pem
		exits 2
		says "ocspfetch: site.pem: "
		says "site.pem.ocsp"
		says "is not touched"
	done
	fetch -f -o site.pem.ocsp site.pem
	exits 2
	says "is not touched"
	[ "$before" = "$(everything)" ]
	[ "$(asked)" -eq 0 ]
}

@test "what no run and no accident leaves there is never replaced" {
	local stored
	site good
	for stored in 'my notes' '{"error":404}' '404 page not found' ' ' \
		'<svg/>' '<?xml version="1.0"?><config/>' 'MIIC3woBAKCC'; do
		echo "stored: $stored"
		echo "$stored" >site.pem.ocsp
		not_ours
	done
	head -c 5000 /dev/urandom | sed '1s/^/x/' >site.pem.ocsp
	not_ours
	{ head -c 5000 /dev/zero; echo end; } >site.pem.ocsp
	not_ours
}

@test "a file that is longer than a response can be is not replaced, whatever it begins with" {
	local before begin
	site good
	for begin in zeros response; do
		case $begin in
		zeros) head -c 70000 /dev/zero >site.pem.ocsp ;;
		response)
			printf '\x30\x82\xff\xff\x0a\x01\x00\xa0' >site.pem.ocsp
			head -c 70000 /dev/urandom >>site.pem.ocsp
			;;
		esac
		cat site.key >>site.pem.ocsp
		before=$(state site.pem.ocsp)
		fetch site.pem
		exits 2
		unchanged "$before" site.pem.ocsp
	done
}

@test "a file of numbers, as OpenSSL's serial, is not taken for a response that was cut off" {
	site good
	printf '01\n' >serial
	fetch -o serial site.pem
	exits 2
	[ "$(cat serial)" = 01 ]
}

@test "zeros, as a crash leaves them, are replaced" {
	site good
	head -c 1500 /dev/zero >site.pem.ocsp
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

@test "a response that was cut off anywhere is replaced" {
	local n
	site good-same
	fetch site.pem
	exits 0
	mv site.pem.ocsp whole
	for n in 1 2 3 4 5 6 7 8 20 300; do
		head -c "$n" whole >site.pem.ocsp
		fetch site.pem
		exits 0
		silent
		is_good site.pem.ocsp
	done
}

@test "an error page is replaced under a derived name, not under one that is given" {
	site good
	echo "<!DOCTYPE html><h1>404</h1>" >site.pem.ocsp
	cp site.pem.ocsp given
	fetch -o given site.pem
	exits 2
	says "given"
	echo "$PWD/site.pem [ocsp given]" >list
	fetch -l list
	exits 2
	says "given"
	cmp site.pem.ocsp given
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

@test "what is not replaced is told in JSON and by -d as well" {
	site good
	echo precious >site.pem.ocsp
	fetch -j site.pem
	exits 2
	[[ $output == *'"exit":2'* ]]
	fetch -d site.pem
	exits 2
	[ "$(cat site.pem.ocsp)" = precious ]
}

# ---- what is never written

# never_written CODE CODE-WITH-GOOD: no answer of these, by forge's table.
never_written() {
	local recipe code ca before want wanted=0
	leaf site -
	store good
	before=$(state site.pem.ocsp)
	"$FORGE" recipes --exit | verifiable >../recipes
	while read -r recipe code ca; do
		# good, but for 200 seconds: that is written
		case $code:$ca:$recipe in
		*:expires-soon) continue ;;
		"$1":ca:*) ;;
		*) continue ;;
		esac
		echo "answer: $recipe"
		wanted=$((wanted + 1))
		fetch -r 0 -u "$URL/$recipe" site.pem
		# what has run out is no word beside a later one that is good
		case $recipe in
		revoked-expired | revoked-no-next-old | revoked-by-expired) want=4 ;;
		*) want=$2 ;;
		esac
		exits "$want"
		if [ "$2" -ne 0 ]; then says "ocspfetch: site.pem: "; fi
		unchanged "$before" site.pem.ocsp
		fetch -r 0 -u "$URL/$recipe" -o new.ocsp site.pem
		exits "$1"
		[ ! -e new.ocsp ]
		[ -z "$(leftovers)" ]
	done <../recipes
	[ "$wanted" -ge "$3" ]
}

@test "no answer that is refused is ever written" {
	never_written 4 4 90
}

@test "no answer that is an error, or no OCSP response, is ever written" {
	never_written 1 0 14
}

@test "no answer that says revoked is written unless asked for" {
	never_written 5 5 6
}

# ---- --write-revoked

@test "--write-revoked writes a revoked answer over an older good one" {
	local before
	site revoked-newer
	store good
	before=$(state site.pem.ocsp)
	fetch --write-revoked site.pem
	exits 5
	says "ocspfetch: site.pem: "
	says "revoked"
	changed "$before" site.pem.ocsp
	is_revoked site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "--write-revoked writes a revoked answer where none is, or no valid one" {
	local stored
	site revoked
	for stored in nothing expired damaged foreign by-other; do
		echo "stored: $stored"
		store "$stored"
		fetch --write-revoked site.pem
		exits 5
		is_revoked site.pem.ocsp
	done
}

@test "an older revoked is outweighed by the stored good one, and is not written" {
	local before
	site revoked
	store good-newer
	before=$(state site.pem.ocsp)
	fetch --write-revoked site.pem
	exits 0
	unchanged "$before" site.pem.ocsp
	fetch -j site.pem
	exits 0
	[[ $output == *'"status":"good"'* ]]
}

@test "a revoked that is as new as the stored good one outweighs it" {
	site revoked
	store good
	fetch site.pem
	exits 5
	says "revoked"
}

@test "--write-revoked leaves a revoked one alone that says the same" {
	local before
	site revoked
	fetch --write-revoked site.pem
	exits 5
	is_revoked site.pem.ocsp
	before=$(state site.pem.ocsp)
	fetch --write-revoked site.pem
	exits 5
	unchanged "$before" site.pem.ocsp
}

@test "--write-revoked writes no revocation that is forged" {
	local before recipe
	leaf site -
	store good
	before=$(state site.pem.ocsp)
	for recipe in revoked-forged revoked-corrupt revoked-expired; do
		echo "answer: $recipe"
		fetch -r 0 --write-revoked -u "$URL/$recipe" site.pem
		exits 4
		unchanged "$before" site.pem.ocsp
	done
}

@test "a stored revoked response is replaced by a later good one only" {
	local before
	site good-older
	store revoked
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 5
	says "revoked"
	unchanged "$before" site.pem.ocsp
	site good-newer
	store revoked
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

# ---- mode and owner

@test "a new file has mode 0644, whatever the umask" {
	local mask
	site good
	for mask in 077 022 000; do
		rm -f site.pem.ocsp
		umask "$mask"
		fetch site.pem
		umask 022
		exits 0
		[ "$(stat -c %a site.pem.ocsp)" = 644 ]
	done
}

@test "--mode is the mode of a new file, whatever the umask" {
	local mode
	site good
	umask 077
	for mode in 640 0666 400; do
		rm -f site.pem.ocsp
		fetch --mode "$mode" site.pem
		exits 0
		[ "$(stat -c %a site.pem.ocsp)" = "${mode#0}" ]
		is_good site.pem.ocsp
	done
}

@test "a file that is replaced keeps its mode, whatever --mode says" {
	local mode
	site good
	for mode in 600 444 664; do
		store good-older
		chmod "$mode" site.pem.ocsp
		fetch --mode 0640 site.pem
		exits 0
		is_good site.pem.ocsp
		[ "$(this_update site.pem.ocsp)" -gt $(($(date +%s) - 86400)) ]
		[ "$(stat -c %a site.pem.ocsp)" = "$mode" ]
	done
}

@test "a file that is replaced keeps its owner and group" {
	[ "$(id -u)" -eq 0 ] || skip "only root gives files away"
	local before
	site good
	store good-older
	chown 12345:23456 site.pem.ocsp
	chmod 640 site.pem.ocsp
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
	[ "$(stat -c '%u:%g %a' site.pem.ocsp)" = "12345:23456 640" ]
}

@test "an owner that cannot be kept does not keep the file from being replaced" {
	[ "$(id -u)" -eq 0 ] || skip "only root makes files that are not its own"
	local before
	everybodys_place
	site good
	response site good-older
	chmod 777 .
	chmod 644 site.pem.ocsp
	before=$(identity site.pem.ocsp)
	fetch_unprivileged site.pem
	exits 0
	silent
	[ "$before" != "$(identity site.pem.ocsp)" ]
	[ "$(stat -c '%u %a' site.pem.ocsp)" = "65534 644" ]
	[ -z "$(leftovers)" ]
}

# shimmed FAULT ARGUMENTS...: a file system that refuses a call.
shimmed() {
	local fault=$1 asan
	shift
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	run --separate-stderr env LD_PRELOAD="$FAULTSHIM $asan" \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
		FAULT="$fault" "$OCSPFETCH" "$@"
}

@test "where chmod or chown is refused the file is written all the same" {
	local error
	site good
	for error in EPERM EACCES ENOTSUP EINVAL ENOSYS EROFS; do
		echo "refused: $error"
		store good-older
		chmod 600 site.pem.ocsp
		shimmed "fchmod:1+:$error,fchown:1+:$error" --mode 600 site.pem
		exits 0
		silent
		is_good site.pem.ocsp
		[ -z "$(leftovers)" ]
	done
}

@test "a mode that could not be set is warned of where a server may not read" {
	site good
	shimmed fchmod:1+:EPERM site.pem
	exits 0
	says "warning: "
	says "site.pem.ocsp has the mode 0600"
	says "not 0644"
	is_good site.pem.ocsp
	# nobody else was to read it
	rm site.pem.ocsp
	shimmed fchmod:1+:EPERM --mode 600 site.pem
	exits 0
	silent
}

@test "a group that could not be kept is warned of where it was to read" {
	[ "$(id -u)" -eq 0 ] || skip "only root gives files away"
	site good
	store good-older
	chown 0:23456 site.pem.ocsp
	chmod 640 site.pem.ocsp
	shimmed fchown:1+:EPERM --mode 640 site.pem
	exits 0
	says "warning: "
	says "0:23456"
	store good-older
	chown 12345:23456 site.pem.ocsp
	chmod 644 site.pem.ocsp
	shimmed fchown:1+:EPERM site.pem
	exits 0
	silent
}

@test "where there are no locks the file is written, and one run saves at a time" {
	local error
	site good
	for error in ENOLCK ENOTSUP ENOSYS EINVAL; do
		echo "no locks: $error"
		store good-older
		shimmed "flock:1+:$error" site.pem
		exits 0
		silent
		is_good site.pem.ocsp
		[ -z "$(leftovers)" ]
	done
	# what a killed run left is in the way for a minute
	store good-older
	traced -e inject=/^rename:signal=KILL -- site.pem
	exits 137
	shimmed flock:1+:ENOLCK --deadline 1 site.pem
	exits 3
	says "another run is saving"
	touch -d '2 minutes ago' .site.pem.ocsp.*
	shimmed flock:1+:ENOLCK site.pem
	exits 0
	silent
	[ -z "$(leftovers)" ]
}

# ---- how it is written

@test "the new bytes are complete and on the disk before they get the name" {
	local temp lock
	site good
	store good-older
	traced -e trace=openat,write,/^fchown,fchmod,fsync,flock,/^rename,/^unlink \
		-- site.pem
	exits 0
	silent
	is_good site.pem.ocsp
	temp=$(temporary_name)
	lock=$(lock_name)
	[[ $temp == .site.pem.ocsp-* ]]
	[[ $lock == .site.pem.ocsp.?????? ]]
	[ ! -e "$temp" ]
	[ ! -e "$lock" ]
	# until just before the rename it is for nobody else to read, or to lock
	in_order "openat[(][0-9]+<$PWD>, \"$lock\", .*O_CREAT[|]O_EXCL[|].*O_NOFOLLOW.*, 0600" \
		"flock[(][0-9]+<$PWD/$lock>.* = 0" \
		"openat[(][0-9]+<$PWD>, \"$temp\", .*O_CREAT[|]O_EXCL[|].*O_NOFOLLOW.*, 0600" \
		"write[(][0-9]+<$PWD/$temp>" \
		"fsync[(][0-9]+<$PWD/$temp>[)] += 0" \
		"fchown(32)?[(][0-9]+<$PWD/$temp>" \
		"fchmod[(][0-9]+<$PWD/$temp>" \
		"rename.*\"$temp\".*\"site.pem.ocsp\".* = 0" \
		"unlink.*\"$lock\"" \
		"fsync[(][0-9]+<$PWD>[)] += 0"
	# by a rename and by nothing else
	[ "$(grep -c '"site.pem.ocsp", .*\(O_WRONLY\|O_RDWR\)' ../trace)" -eq 0 ]
	[ "$(grep -c 'unlink' ../trace)" -eq 1 ]
	# the lock is never for others to open
	[ "$(grep -c "fchmod.*$lock" ../trace)" -eq 0 ]
}

@test "what is stored is read again under the lock" {
	site good
	store good-older
	traced -e trace=openat,flock,/^rename -- site.pem
	exits 0
	is_good site.pem.ocsp
	in_order 'openat[(].*"site.pem.ocsp", O_RDONLY' 'flock[(].*LOCK_EX' 'openat[(].*"site.pem.ocsp", O_RDONLY' \
		'rename.*"site.pem.ocsp"'
}

@test "nothing is opened for writing when there is nothing to save" {
	local answer
	leaf site -
	store good
	for answer in status-500 by-leaf good-older good-shorter; do
		echo "answer: $answer"
		traced -e trace=openat,/^rename,/^unlink -- \
			-r 0 -u "$URL/$answer" site.pem
		# but for what make coverage counts
		sed -i '/\.gcda"/d' ../trace
		[ "$(grep -c 'O_CREAT\|rename\|unlink' ../trace)" -eq 0 ]
	done
}

# broken INJECTION TEXT: 3, the old file as it was, nothing left behind.
broken() {
	local before
	echo "broken: $1"
	store good-older
	before=$(state site.pem.ocsp)
	traced "${@:3}" -e "inject=$1" -- site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "site.pem.ocsp"
	says "$2"
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

# What fails while bytes are written is for faults.bats.
@test "3, the old file and nothing else when a step of writing fails" {
	site good
	broken fchmod:error=EIO "nput/output error"
	broken fsync:error=EIO:when=1 "nput/output error"
	broken /^rename:error=EACCES "ermission denied"
	broken /^rename:error=EBUSY "mount point"
	broken /^rename:error=EXDEV "mount point"
	broken flock:error=EIO "nput/output error"
}

# Standard error is a pipe, which has no limit.
@test "3, and the old file, when a file may not grow" {
	not_for_tsan
	local before
	site good
	store good-older
	before=$(state site.pem.ocsp)
	status=0
	stderr=$( (
		ulimit -f 0
		exec "$OCSPFETCH" site.pem
	) 2>&1) || status=$?
	exits 3
	says "ocspfetch: site.pem: "
	says "ile too large"
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "3, and the truth about the file, when the directory cannot be flushed" {
	site good
	store nothing
	traced -e inject=fsync:error=EIO:when=2 -- site.pem
	exits 3
	says "site.pem.ocsp"
	says "nput/output error"
	is_good site.pem.ocsp
	[ -z "$(leftovers)" ]
	[[ $stderr != *"there is no site.pem.ocsp"* ]]
}

@test "a signal in the middle of writing leaves one whole file" {
	not_for_tsan
	local at
	site good
	for at in write:signal=TERM fchmod:signal=INT fsync:signal=TERM:when=1 \
		/^rename:signal=TERM fsync:signal=HUP:when=2; do
		echo "signal at: $at"
		store good-older
		traced -e "inject=$at" -- site.pem
		grep -q 'rename.*"site.pem.ocsp".* = 0' ../trace
		is_good site.pem.ocsp
		[ -z "$(leftovers)" ]
	done
}

# ---- what a killed run leaves

@test "a run that is killed leaves the old file, and the next clears the rest" {
	local before temp
	site good
	store good-older
	before=$(state site.pem.ocsp)
	traced -e inject=/^rename:signal=KILL -- site.pem
	exits 137
	unchanged "$before" site.pem.ocsp
	temp=$(temporary_name)
	# hidden from HAProxy's scan, and nobody's certificate
	[ "$(leftovers | sort)" = \
		"$(printf './%s\n' "$temp" "$(lock_name)" | sort)" ]
	[[ $temp == .site.pem.ocsp-* ]]
	fetch site.pem
	exits 0
	silent
	changed "$before" site.pem.ocsp
	is_good site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "a leftover is cleared even if the next run has nothing to save" {
	local before
	site good-older
	store good
	before=$(state site.pem.ocsp)
	traced -e inject=/^rename:signal=KILL -- -u "$URL/good-newer" site.pem
	exits 137
	[ "$(leftovers | wc -l)" -eq 2 ]
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "a leftover is cleared whatever it holds" {
	local temp
	site good
	traced -e inject=/^rename:signal=KILL -- site.pem
	exits 137
	[ ! -e site.pem.ocsp ]
	temp=$(temporary_name)
	head -c 100000 /dev/zero >"$temp"
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
	[ -z "$(leftovers)" ]
}

# A draft has the mode of the old file already when it is renamed.
@test "a leftover that its owner may not write is cleared by its owner" {
	local mode
	need_strace
	everybodys_place
	chmod 777 .
	site good
	for mode in 444 400; do
		echo "mode: $mode"
		rm -f site.pem.ocsp
		fetch_unprivileged --mode "$mode" site.pem
		exits 0
		traced_unprivileged -e inject=/^rename:signal=KILL -- \
			-u "$URL/good-newer" site.pem
		exits 137
		[ "$(stat -c %a .site.pem.ocsp-*)" = "$mode" ]
		fetch_unprivileged --mode "$mode" -u "$URL/good-newer" site.pem
		exits 0
		silent
		[ -z "$(leftovers)" ]
	done
}

@test "a leftover of another certificate, and other hidden files, are let be" {
	site good
	leaf other good
	traced -e inject=/^rename:signal=KILL -- other.pem
	exits 137
	: >.site.pem.ocsp
	: >.site.pem.ocsp.backup
	: >site.pem.ocsp.old
	leftovers | sort >../before
	[ "$(wc -l <../before)" -eq 3 ]
	fetch site.pem
	exits 0
	is_good site.pem.ocsp
	leftovers | sort | diff ../before -
	[ -e .site.pem.ocsp ]
	[ -e site.pem.ocsp.old ]
}

@test "a symbolic link in the temporary file's place is not followed" {
	local temp
	site good
	echo precious >../victim
	traced -e trace=openat -- site.pem
	exits 0
	temp=$(lock_name)
	rm site.pem.ocsp
	ln -s ../victim "$temp"
	fetch site.pem
	exits 3
	says "$temp is in the way"
	says "a symbolic link"
	[ ! -e site.pem.ocsp ]
	[ "$(cat ../victim)" = precious ]
	# nor is one that leads nowhere
	rm -f "$temp"
	ln -s ../born "$temp"
	fetch site.pem
	exits 3
	[ ! -e ../born ]
	rm "$temp"
	fetch site.pem
	exits 0
	is_good site.pem.ocsp
}

@test "3 when a directory that is not empty is in the temporary file's place" {
	local temp before
	site good
	traced -e trace=openat -- site.pem
	exits 0
	temp=$(lock_name)
	rm site.pem.ocsp
	mkdir "$temp"
	echo precious >"$temp/file"
	store good-older
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "irectory"
	unchanged "$before" site.pem.ocsp
	[ "$(cat "$temp/file")" = precious ]
}

# ---- what is not a regular file

# not_touched KIND: site.pem.ocsp, made by the test, is refused and stays.
not_touched() {
	local before option
	before=$(everything)
	for option in -r0 -f --write-revoked; do
		run --separate-stderr timeout 20 "$OCSPFETCH" "$option" site.pem
		exits 2
		[ -z "$output" ]
		says "ocspfetch: site.pem: "
		says "site.pem.ocsp is $1"
		[ "$before" = "$(everything)" ]
	done
}

@test "a symbolic link is refused, and neither it nor its target touched" {
	local before
	site good
	store good-older
	mv site.pem.ocsp ../target
	before=$(state ../target)
	ln -s ../target site.pem.ocsp
	not_touched "a symbolic link"
	unchanged "$before" ../target
	[ "$(readlink site.pem.ocsp)" = ../target ]
}

@test "a dangling symbolic link is refused, and its target not made" {
	site good
	ln -s ../born site.pem.ocsp
	not_touched "a symbolic link"
	[ ! -e ../born ]
}

@test "a FIFO is refused, and not waited for" {
	site good
	mkfifo site.pem.ocsp
	not_touched "a FIFO"
}

@test "a directory is refused" {
	site good
	mkdir site.pem.ocsp
	not_touched "a directory"
}

@test "a socket is refused" {
	site good
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) &&
	    bind(S, sockaddr_un("site.pem.ocsp")) or die $!'
	not_touched "a socket"
}

@test "a device is refused" {
	site good
	if [ "$(id -u)" -ne 0 ]; then
		# who is not root cannot harm the real one
		fetch -o /dev/null site.pem
		exits 2
		says "/dev/null is a device"
		[ -c /dev/null ]
		return
	fi
	mknod site.pem.ocsp c 1 3 || skip "no devices can be made here"
	not_touched "a device"
}

@test "-c follows a symbolic link, as servers do, and a run does not" {
	site good
	store good
	mkdir ../elsewhere
	mv site.pem.ocsp ../elsewhere/response
	ln -s ../elsewhere/response site.pem.ocsp
	fetch -c site.pem
	exits 0
	silent
	fetch -c -o site.pem.ocsp site.pem
	exits 0
	fetch -j -c site.pem
	exits 0
	[[ $output == *'"status":"good"'* ]]
	fetch -n -f site.pem
	exits 2
	run --separate-stderr env OCSPFETCH="$OCSPFETCH" \
		sh "$TOP/contrib/check_ocsp_staple" site.pem
	exits 0
	# a link to a link, and to what is no response
	ln -s site.pem.ocsp two.ocsp
	fetch -c -o two.ocsp site.pem
	exits 0
	ln -sf . site.pem.ocsp
	rm -f site.pem.ocsp
	ln -s .. site.pem.ocsp
	fetch -c site.pem
	exits 2
	says "a directory"
	rm site.pem.ocsp
	ln -s nowhere site.pem.ocsp
	fetch -c site.pem
	exits 1
	rm site.pem.ocsp
	ln -s site.pem.ocsp site.pem.ocsp
	fetch -c site.pem
	exits 2
	rm site.pem.ocsp
	mkfifo ../fifo
	ln -s ../fifo site.pem.ocsp
	run --separate-stderr timeout 20 "$OCSPFETCH" -c site.pem
	exits 2
}

# shellcheck disable=SC2016 # for the shell that mounts
@test "a file that is a mount point is told as one, with the cure, and -n tells it" {
	unshare -m true 2>/dev/null || skip "needs the right to mount"
	site good
	mkdir ../host
	: >../host/file
	store good-older
	cp site.pem.ocsp ../old
	run --separate-stderr unshare -m sh -c \
		'mount --bind ../host/file site.pem.ocsp && exec "$@"' - \
		"$OCSPFETCH" site.pem
	exits 3
	says "site.pem.ocsp is a mount point of its own"
	says "mount its directory"
	run --separate-stderr unshare -m sh -c \
		'mount --bind ../host/file site.pem.ocsp && exec "$@"' - \
		"$OCSPFETCH" -n site.pem
	exits 3
	says "mount its directory"
	[ ! -s ../host/file ]
	cmp ../old site.pem.ocsp
	[ -z "$(leftovers)" ]
	# it is not needed for what is there already
	cp ../old ../host/file
	run --separate-stderr unshare -m sh -c \
		'mount --bind ../host/file site.pem.ocsp && exec "$@"' - \
		"$OCSPFETCH" -u "$URL/good-older" site.pem
	exits 0
	silent
}

# shellcheck disable=SC2016 # for the shell that mounts
@test "a directory that is read-only is told with it, and under systemd the setting" {
	unshare -m true 2>/dev/null || skip "needs the right to mount"
	local option
	site good
	for option in -r0 -n; do
		run --separate-stderr unshare -m sh -c \
			'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' - \
			env -u INVOCATION_ID "$OCSPFETCH" "$option" site.pem
		exits 3
		says "the directory $PWD is read-only"
		[[ $stderr != *ReadWritePaths* ]]
		run --separate-stderr unshare -m sh -c \
			'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' - \
			env INVOCATION_ID=x "$OCSPFETCH" "$option" site.pem
		exits 3
		says "ReadWritePaths=$PWD"
		[ ! -e site.pem.ocsp ]
	done
}

@test "a file in another's sticky directory is not replaced, and nothing left" {
	[ "$(id -u)" -eq 0 ] || skip "needs a file of another user"
	local before
	everybodys_place
	site good
	response site good-older
	chmod 1777 .
	before=$(state site.pem.ocsp)
	fetch_unprivileged site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "site.pem.ocsp"
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

# ---- what -n sees

# as_said ARGUMENTS...: -n ends as the run does, and writes nothing.
as_said() {
	local before said
	before=$(everything)
	fetch -n "$@"
	said=$status
	[ "$before" = "$(everything)" ]
	fetch "$@"
	exits "$said"
}

@test "-n ends with the status of the run, whatever is in the way" {
	local temp
	site good
	traced -e trace=openat -- site.pem
	exits 0
	temp=$(lock_name)
	for what in nothing directory link text lock marker; do
		echo "in the way: $what"
		rm -rf site.pem.ocsp "$temp" .site.pem.ocsp.changed
		case $what in
		directory) mkdir site.pem.ocsp ;;
		link) ln -s nowhere site.pem.ocsp ;;
		text) echo precious >site.pem.ocsp ;;
		lock) mkdir "$temp" ;;
		marker) mkdir .site.pem.ocsp.changed ;;
		esac
		as_said -e true site.pem
	done
	rm -rf site.pem.ocsp "$temp" .site.pem.ocsp.changed
	as_said -o missing/file site.pem
}

@test "-n with --fetch-issuer sees that the issuer cannot be written" {
	local what
	leaf site good --aia-issuer "$URL/cert-der/ca"
	for what in nothing text directory link; do
		echo "in the issuer's place: $what"
		rm -rf site.pem.ocsp site.pem.issuer
		case $what in
		text) echo hello >site.pem.issuer ;;
		directory) mkdir site.pem.issuer ;;
		link) ln -s nowhere site.pem.issuer ;;
		esac
		as_said --fetch-issuer site.pem
	done
}

# ---- names

@test "3 when the directory of the output is missing, and it is not made" {
	site good
	fetch -o missing/site.ocsp site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "missing"
	[ ! -e missing ]
	[ ! -e site.pem.ocsp ]
}

@test "2 when the output is named as a directory" {
	site good
	mkdir out
	fetch -o out/ site.pem
	exits 2
	says "--output"
	[ -z "$(ls -A out)" ]
}

@test "a certificate that is a symbolic link has its response beside the link" {
	mkdir live archive
	site good
	mv site.pem archive/site1.pem
	ln -s ../archive/site1.pem live/site.pem
	mv site.pem.issuer live/site.pem.issuer
	fetch live/site.pem
	exits 0
	silent
	is_good live/site.pem.ocsp live/site.pem
	[ -L live/site.pem ]
	[ ! -L live/site.pem.ocsp ]
	[ "$(ls -A archive)" = site1.pem ]
}

@test "a directory that is reached through a symbolic link is written to" {
	mkdir real
	ln -s real link
	site good
	fetch -o link/site.ocsp site.pem
	exits 0
	is_good real/site.ocsp
	[ -L link ]
}

# 250 bytes and ".ocsp"
@test "a name of 255 bytes is written, and replaced" {
	local name before
	name=$(printf '%0250d' 0)
	site good
	cat site.pem site.pem.issuer >"$name"
	fetch "$name"
	exits 0
	silent
	is_good "$name.ocsp" "$name"
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good-older >"$name.ocsp"
	before=$(state "$name.ocsp")
	fetch "$name"
	exits 0
	silent
	changed "$before" "$name.ocsp"
	is_good "$name.ocsp" "$name"
	[ -z "$(find . -name '.?*')" ]
}

@test "3 when the name is longer than a name may be" {
	local name
	name=$(printf '%0251d' 0)
	site good
	cat site.pem site.pem.issuer >"$name"
	fetch "$name"
	exits 3
	says "ame too long"
	[ "$(find . -name '*.ocsp*')" = "" ]
}

# ---- signals

# ended_by SIGNAL NUMBER: at once, and nothing has happened to the file.
ended_by() {
	local before from
	site hang
	store two-thirds-gone
	before=$(everything)
	start site.pem
	within 10 was_asked
	kill -0 "$pid"
	from=$SECONDS
	kill "-$1" "$pid"
	finish
	[ $((SECONDS - from)) -lt 5 ]
	exits $((128 + $2))
	[ "$before" = "$(everything)" ]
}

@test "SIGINT ends it at once while it waits, and leaves nothing behind" {
	ended_by INT 2
}

@test "SIGTERM ends it at once while it waits, and leaves nothing behind" {
	ended_by TERM 15
}

@test "SIGHUP ends it at once while it waits, and leaves nothing behind" {
	ended_by HUP 1
}

@test "a signal ends it in the pause before a retry" {
	local before from
	site status-503
	store two-thirds-gone
	before=$(everything)
	start -r 100 site.pem
	# by GET and by POST, and then it pauses
	within 10 was_asked 2
	sleep 0.2
	from=$SECONDS
	kill -TERM "$pid"
	finish
	[ $((SECONDS - from)) -lt 5 ]
	exits 143
	[ "$(asked)" -le 4 ]
	[ "$before" = "$(everything)" ]
}

@test "a signal ends it while it waits for another run to save" {
	local before from
	site good
	store half-gone
	before=$(state site.pem.ocsp)
	rival 30000000 good-older
	start site.pem
	within 10 was_asked
	sleep 0.3
	kill -0 "$pid"
	from=$SECONDS
	kill -TERM "$pid"
	finish
	[ $((SECONDS - from)) -lt 5 ]
	exits 143
	unchanged "$before" site.pem.ocsp
	# the rival's, which still writes
	[ "$(leftovers | wc -l)" -eq 2 ]
}

# ---- rivals

@test "3 when another run has been saving for ten seconds, and the file stays" {
	local before from
	site good
	store half-gone
	before=$(state site.pem.ocsp)
	rival 30000000 good-older
	from=$SECONDS
	fetch site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "another run is saving site.pem.ocsp"
	says "10 s"
	[ $((SECONDS - from)) -ge 9 ]
	[ $((SECONDS - from)) -le 20 ]
	unchanged "$before" site.pem.ocsp
	# nor was the other's work harmed
	kill -0 "$rival"
	is_saving
}

@test "while another run saves, one with nothing to save does not wait" {
	local before from=$SECONDS answer
	site good
	store good
	before=$(state site.pem.ocsp)
	rival 30000000 good-newer
	for answer in good good-older status-500; do
		fetch -r 0 -u "$URL/$answer" site.pem
		exits 0
		silent
	done
	[ $((SECONDS - from)) -lt 9 ]
	unchanged "$before" site.pem.ocsp
}

@test "a run waits for another that saves, and then replaces what is older" {
	local before
	site good
	store half-gone
	before=$(state site.pem.ocsp)
	rival 1500000 good-older
	start site.pem
	within 10 was_asked
	sleep 0.3
	unchanged "$before" site.pem.ocsp
	finish
	exits 0
	silent
	wait "$rival"
	[ ! -s ../rival.out ]
	is_good site.pem.ocsp
	[ "$(this_update site.pem.ocsp)" -gt $(($(date +%s) - 86400)) ]
	[ -z "$(leftovers)" ]
}

@test "a run waits for another that saves, and then keeps what is newer" {
	local before
	site good
	store half-gone
	rival 1500000 good-newer
	start site.pem
	within 10 was_asked
	sleep 0.3
	before=$(identity .site.pem.ocsp-*)
	finish
	exits 0
	silent
	wait "$rival"
	# it is the rival's draft that has got the name
	[ "${before%% *}" = "$(stat -c %i site.pem.ocsp)" ]
	is_good site.pem.ocsp
	[ "$(this_update site.pem.ocsp)" -gt $(($(date +%s) - 1800)) ]
	[ -z "$(leftovers)" ]
}

@test "a run that saves another certificate's response is not waited for" {
	local from=$SECONDS
	site good
	leaf other good
	store half-gone
	rival 30000000 good-older
	fetch other.pem
	exits 0
	silent
	is_good other.pem.ocsp other.pem
	[ $((SECONDS - from)) -lt 9 ]
}

# Whoever may read a directory may lock it.
@test "who holds a lock on the directory holds up nobody" {
	local from=$SECONDS
	site good
	exec 9<.
	flock -n -x 9
	"$OCSPFETCH" site.pem 9<&- >../out 2>&1
	exec 9<&-
	[ ! -s ../out ]
	is_good site.pem.ocsp
	[ $((SECONDS - from)) -lt 9 ]
}

@test "no lock is held while the network is awaited" {
	local from=$SECONDS
	site hang
	start site.pem
	within 10 was_asked
	fetch -u "$URL/good" site.pem
	exits 0
	silent
	is_good site.pem.ocsp
	[ $((SECONDS - from)) -lt 9 ]
	kill -TERM "$pid"
	finish
	exits 143
}

@test "what a rival saved meanwhile is not undone" {
	local before
	site good,latency-4000
	store good-older
	start site.pem
	within 10 was_asked
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good-newer >rival
	mv rival site.pem.ocsp
	before=$(state site.pem.ocsp)
	finish
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "what became no regular file meanwhile is not replaced" {
	local before
	site good,latency-4000
	store good-older
	echo precious >../victim
	start site.pem
	within 10 was_asked
	ln -s ../victim link
	mv -T link site.pem.ocsp
	before=$(everything)
	finish
	exits 2
	says "symbolic link"
	[ "$before" = "$(everything)" ]
	[ "$(cat ../victim)" = precious ]
}

# Copies each new content of the file that a reader meets.
read_for_ever() {
	local n=0
	while :; do
		cat site.pem.ocsp >../now
		if ! cmp -s ../now "../reads/$n"; then
			n=$((n + 1))
			cp ../now "../reads/$n"
		fi
	done
}

@test "20 runs at once end with the newest, and a reader sees only whole ones" {
	local i reader n last=0 this pids=()
	site alternate
	store half-gone
	mkdir ../reads
	read_for_ever 3>&- &
	reader=$!
	remember "$reader"
	for ((i = 0; i < 20; i++)); do
		"$OCSPFETCH" site.pem >"../out.$i" 2>&1 3>&- &
		pids+=("$!")
		remember "$!"
	done
	for ((i = 0; i < 20; i++)); do
		wait "${pids[i]}" || {
			echo "run $i: $?, $(cat "../out.$i")"
			return 1
		}
		[ ! -s "../out.$i" ]
	done
	cat site.pem.ocsp >../final
	sleep 0.2
	kill "$reader"
	wait "$reader" || true
	[ -z "$(leftovers)" ]
	[ "$(find . -name 'site.pem.ocsp*')" = ./site.pem.ocsp ]
	# both kinds were answered, and the newer one is there
	[ "$(grep "\.$MINE " "$LOG" | grep -c good-older)" -ge 1 ]
	[ "$(this_update site.pem.ocsp)" -gt $(($(date +%s) - 3600)) ]
	n=$(find ../reads -type f | wc -l)
	[ "$n" -ge 2 ]
	for ((i = 1; i <= n; i++)); do
		is_good "../reads/$i"
		this=$(this_update "../reads/$i")
		[ "$this" -ge "$last" ]
		last=$this
	done
	cmp ../final "../reads/$n"
	cmp ../final site.pem.ocsp
}

# opened NAME: how often the last traced run did open it.
opened() {
	grep -c "open.*= [0-9]*<[^>]*/$1>" ../trace || true
}

@test "a run in which nothing is due opens each certificate and response once" {
	local i
	site good
	mkdir certs
	for i in 1 2 3; do
		leaf "certs/c$i" "good.$MINE"
	done
	fetch site.pem certs
	exits 0
	: >"$LOG"
	traced -e trace=/^open -- -d site.pem certs
	exits 0
	silent
	for i in site c1 c2 c3; do
		[ "$(opened "$i.pem")" -eq 1 ]
		[ "$(opened "$i.pem.ocsp")" -eq 1 ]
	done
	[ ! -s "$LOG" ] || never grep -F ".$MINE " "$LOG"
}
