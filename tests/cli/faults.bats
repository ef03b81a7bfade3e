#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Whatever fails, the file is the old one or the new one, whole: each call of
# the save path, and memory, fails in turn (tests/harness/faultshim.c).
#
#	FAULT_ALL=1	each allocation of a run fails, not a sample of them
#
# shellcheck disable=SC2154,SC2016

load ../harness/lib

setup_file() {
	world
	ASAN=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	export ASAN
	# the shim stands before AddressSanitizer, whose malloc() it calls
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0
}

teardown_file() { end_world; }

# Two directories in which to try, w0 and w1, with one certificate; the old
# response and the new one beside them.  The new one has the same bytes each
# time, for an hour.
setup() {
	local i
	cd "$BATS_TEST_TMPDIR" || exit
	leaf site good-same
	response site good-older
	mv site.pem.ocsp old
	"$OCSPFETCH" site.pem
	mv site.pem.ocsp new
	for i in 0 1; do
		mkdir "w$i"
		cp site.pem site.pem.issuer "w$i"
	done
	: >plan
}

# In a directory to try in, by its state: what was stored before.
store() {
	rm -rf .site.pem.ocsp[.-]* site.pem.ocsp
	case $1 in
	older) cp ../old site.pem.ocsp ;;
	same) cp ../new site.pem.ocsp ;;
	esac
}

# shimmed FAULT [options]: the program, with $code; its words are in err, the
# numbers of calls in count.
shimmed() {
	local fault=$1
	shift
	code=0
	timeout -k 1 10 env LD_PRELOAD="$FAULTSHIM $ASAN" FAULT="$fault" \
		FAULT_COUNT="$BATS_TEST_TMPDIR/count.${PWD##*/}" \
		"$OCSPFETCH" "$@" site.pem >out 2>err || code=$?
}

# wrong STATE POLICY: what is wrong with how a run ended, in words, or nothing.
#	fails		3, and the file is as it was
#	survives	0, and the new file
#	may-survive	the one or the other
#	no-memory	the same; the message may name no certificate
#	undurable	3, and the new file, as the message says
#	unreadable	as "may-survive"; or 2, where a certificate is concerned
wrong() {
	local state=$1 policy=$2 is was=none first lines=0 word=
	[ "$state" = nothing ] || was=old
	is=$(holding)
	while IFS= read -r word || [ -n "$word" ]; do
		[ "$((lines++))" -gt 0 ] || first=$word
	done <err
	if compgen -G '.site.pem.ocsp[.-]*' >/dev/null; then
		echo "a temporary file is left"
	fi
	[ ! -s out ] || echo "it wrote to standard output"
	case $code in
	0)
		[ "$policy" != fails ] && [ "$policy" != undurable ] ||
			echo "status 0"
		[ "$is" = new ] || echo "0, but the file is: $is"
		[ "$lines" -eq 0 ] || echo "0, but it says: $first"
		return
		;;
	# libcurl before 8.6 tells a long header and a lack of memory apart no more
	# than we then do
	1)
		[[ $policy == no-memory && $first == *"or memory ran out"* ]] ||
			echo "status 1"
		;;
	2) [ "$policy" = unreadable ] || echo "status 2" ;;
	3) [ "$policy" != survives ] || echo "status 3" ;;
	*) echo "status $code" ;;
	esac
	if [ "$is" = new ] && [[ $first != *"new response is in place"* ]]; then
		echo "the file is new, the message does not say so: $first"
	elif [ "$is" != new ] && [ "$is" != "$was" ]; then
		echo "the file is: $is"
	elif [ "$is" != new ] && [ "$policy" = undurable ]; then
		echo "the file is not new"
	fi
	if [ "$lines" -ne 1 ]; then
		echo "$lines lines on standard error: $(cat err)"
	elif [[ $first != "ocspfetch: site.pem: "?* ]] &&
		[[ $first != "ocspfetch: site.pem.ocsp: cannot flush"* ]] &&
		[ "$policy $first" != "no-memory ocspfetch: out of memory" ]; then
		echo "the message is: $first"
	fi
}

# worker N M: tries what is in each Mth line of the plan: STATE POLICY FAULT.
worker() {
	local state policy fault told i=0
	cd "w$1" || return
	while read -r state policy fault; do
		[ $((i++ % $2)) -eq "$1" ] || continue
		store "$state"
		shimmed "$fault"
		told=$(wrong "$state" "$policy")
		# runs differ by an allocation or two
		[ "$policy" = no-memory ] ||
			! grep -q '^injected 0$' "../count.w$1" ||
			told+=$'\n'"the fault was not met"
		[ -z "$told" ] || echo "$state $fault: ${told//$'\n'/; }"
		echo "$code" >>"../codes.$1"
	done <../plan >"../wrong.$1"
}

# Does what the plan says, two at a time; tells what was wrong, each on a line.
carry_out() {
	local pids=() pid
	worker 0 2 3>&- &
	pids+=("$!")
	worker 1 2 3>&- &
	pids+=("$!")
	for pid in "${pids[@]}"; do wait "$pid"; done
	cat codes.? | sort | uniq -c | sed 's/ *\([0-9]*\) /\1 times status /'
	[ "$(cat codes.? | wc -l)" -eq "$(wc -l <plan)" ]
	[ "$(wc -l <plan)" -gt 0 ]
	cat wrong.?
	[ "$(cat wrong.? | wc -l)" -eq 0 ]
}

# calls STATE FUNCTION [options]: how many calls of it there are, if nothing
# fails.
calls() {
	(
		cd w0 || exit
		store "$1"
		shimmed '' "${@:3}" && [ "$code" -eq 0 ]
	)
	awk -v f="$2" '$1 == f { print $2 }' count.w0
}

# each FUNCTION POLICY ERROR...: every call of it is to have every error.
each() {
	local function=$1 policy=$2 state error i n
	shift 2
	for state in older nothing; do
		n=$(calls "$state" "$function")
		for ((i = 1; i <= n; i++)); do
			for error in "$@"; do
				echo "$state $policy $function:$i:$error"
			done
		done
	done >>plan
	# with nothing stored there is no owner to keep
	[ "$(grep -c "^older .* $function:" plan)" -gt 0 ]
}

@test "an open that fails leaves the old file, or none" {
	local own
	each openat may-survive EACCES
	each openat fails EMFILE ENFILE ENOMEM EIO
	each open fails EMFILE ENFILE ENOMEM EIO
	each open unreadable EACCES
	# the first are of directories that may be written to: --sandbox=auto
	# does without, or, if it is not to be had, keeps away from it
	own=$(($(calls older open) - $(calls older open --sandbox=off)))
	((own <= 1))
	[ "$own" -eq 0 ] ||
		sed -i 's/ [a-z-]* open:1:/ may-survive open:1:/' plan
	# the temporary file is made by one of these
	each openat fails ENOSPC EDQUOT EROFS EPERM
	carry_out
}

@test "a look at a file that fails leaves the old file, whole" {
	each fstat may-survive EIO ENOMEM
	each fstatat may-survive EIO ENOMEM EACCES
	carry_out
}

@test "a read that fails leaves the old file, whole" {
	each read fails EIO ENOMEM
	carry_out
}

@test "a read that is interrupted, or short, is carried on" {
	each read survives EINTR
	# the end of the file is read, too
	each read survives short
	carry_out
}

@test "a write that fails leaves the old file, whole" {
	each write fails ENOSPC EDQUOT EIO EROFS EPERM EFBIG ENOMEM
	carry_out
}

@test "a write that is interrupted, or short, is carried on" {
	each write survives EINTR short
	echo "older survives write:1:short,write:2:EINTR,write:3:short" >>plan
	carry_out
}

@test "a disk that is full after the first byte leaves the old file, whole" {
	local error
	for error in ENOSPC EDQUOT EIO; do
		echo "older fails write:1:short,write:2:$error"
		echo "nothing fails write:1:short,write:2:$error"
	done >plan
	carry_out
}

@test "a flush that fails leaves the old file, whole" {
	local error
	for error in EIO ENOSPC EDQUOT EROFS EINVAL; do
		echo "older fails fsync:1:$error"
		echo "nothing fails fsync:1:$error"
	done >plan
	carry_out
}

@test "a flush that is interrupted is begun again" {
	each fsync survives EINTR
	carry_out
}

@test "if the directory cannot be flushed, the message says what is in place" {
	local error
	for error in EIO ENOSPC EDQUOT; do
		echo "older undurable fsync:2:$error"
		echo "nothing undurable fsync:2:$error"
	done >plan
	carry_out
}

@test "of several directories that cannot be flushed none is passed over" {
	local n
	for n in 1 2 3; do
		mkdir "w0/d$n"
		cp w0/site.pem* "w0/d$n/"
	done
	cd w0
	run --separate-stderr env LD_PRELOAD="$FAULTSHIM $ASAN" \
		FAULT=fsync:4+:EIO "$OCSPFETCH" d?/site.pem
	exits 3
	[ "${#stderr_lines[@]}" -eq 1 ]
	says "(and of 2 more directories)"
	[ -s d1/site.pem.ocsp ]
	[ -s d3/site.pem.ocsp ]
}

@test "a directory that need not be flushed is no failure" {
	echo "older survives fsync:2:EINVAL
nothing survives fsync:2:EINVAL
older survives fsync:2:ENOTSUP
older survives fsync:2:ENOSYS" >plan
	carry_out
}

# What a file system refuses that has no modes is no failure: see file.bats.
@test "a mode that cannot be set leaves the old file, whole" {
	each fchmod fails EIO EDQUOT ENOMEM
	carry_out
}

@test "an owner that may not be kept is not, and any other failure is one" {
	each fchown survives EPERM EINVAL ENOTSUP ENOSYS EROFS EACCES
	each fchown fails EIO EDQUOT ENOMEM
	carry_out
}

@test "a rename that fails leaves the old file, whole" {
	each renameat fails EACCES EPERM EIO ENOSPC EDQUOT EROFS EBUSY ENOMEM \
		ESTALE EXDEV
	carry_out
}

@test "a lock that cannot be had leaves the old file, whole" {
	each flock fails EIO EBADF ENOMEM
	carry_out
}

@test "where there are no locks at all, that is no failure" {
	each flock survives ENOLCK EINVAL ENOTSUP ENOSYS
	carry_out
}

@test "a lock that is interrupted, or taken for a moment, is waited for" {
	each flock survives EINTR EWOULDBLOCK
	carry_out
}

@test "a close that tells of a failed write leaves the old file, whole" {
	each fcntl fails EMFILE ENOMEM EINVAL
	each close may-survive EIO ENOSPC EDQUOT EINTR
	carry_out
	# and there is one that matters: that of the copy
	: >plan
	rm codes.? wrong.?
	local n i
	n=$(calls older close)
	for ((i = 1; i <= n; i++)); do
		echo "older may-survive close:$i:EIO"
	done >plan
	carry_out
	[ "$(cat codes.? | grep -c '^3$')" -eq 1 ]
}

@test "what cannot be removed after a failure is cleared by the next run" {
	local fault error
	cd w0
	for fault in write:1:ENOSPC fsync:1:EIO renameat:1:EACCES; do
		for error in EIO EROFS EPERM EACCES; do
			echo "$fault, then unlinkat: $error"
			store older
			shimmed "$fault,unlinkat:1:$error"
			[ "$code" -eq 3 ]
			grep -qx 'injected 2' ../count.w0
			[ "$(wc -l <err)" -eq 1 ]
			grep -q '^ocspfetch: site.pem: ' err
			cmp ../old site.pem.ocsp
			[ "$(leftovers | wc -l)" -ge 1 ]
			shimmed ''
			[ "$code" -eq 0 ]
			[ ! -s err ]
			is_whole_new
			[ -z "$(leftovers)" ]
		done
	done
}

@test "what cannot be cleared of an earlier run is a failure, and told" {
	local error left
	cd w0
	store older
	shimmed fsync:1:EIO,unlinkat:1:EIO
	left=$(leftovers)
	[ "$(wc -l <<<"$left")" -eq 2 ]
	for error in EIO EROFS EPERM EACCES; do
		shimmed "unlinkat:1:$error"
		[ "$code" -eq 3 ]
		[ "$(wc -l <err)" -eq 1 ]
		grep -q '^ocspfetch: site.pem: cannot remove' err
		cmp ../old site.pem.ocsp
		[ "$(leftovers)" = "$left" ]
	done
	# but not where there is nothing to save
	cp ../new site.pem.ocsp
	shimmed unlinkat:1:EIO
	is_whole_new
	[ "$code" -eq 0 ]
	[ "$(leftovers)" = "$left" ]
	shimmed ''
	[ "$code" -eq 0 ]
	[ -z "$(leftovers)" ]
}

@test "a dry run that cannot tell says so, and writes nothing" {
	local error
	cd w0
	for error in EACCES EROFS EIO ENOMEM; do
		store older
		shimmed "faccessat:1:$error" -n
		grep -qx 'injected 1' ../count.w0
		[ "$code" -eq 3 ]
		[ "$(wc -l <err)" -eq 1 ]
		grep -q '^ocspfetch: site.pem: ' err
		cmp ../old site.pem.ocsp
		[ -z "$(leftovers)" ]
	done
}

# OpenSSL 3.0 itself loses the name of an algorithm that it cannot register for
# lack of memory, in places that no call of ours owns.  Whole stacks are needed
# to tell them from what we lose.
forgive_openssl() {
	printf 'leak:%s\n' _do_all_provided _fetch OSSL_DECODER_ \
	    OSSL_PROVIDER_ OSSL_LIB_CTX_ OPENSSL_init_ CONF_ \
	    CRYPTO_THREAD_run_once >forgiven
	ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=0
	LSAN_OPTIONS=${LSAN_OPTIONS-}:print_suppressions=0
	LSAN_OPTIONS+=:suppressions=$BATS_TEST_TMPDIR/forgiven
	export ASAN_OPTIONS LSAN_OPTIONS
}

# no_memory STATE [+]: an allocation fails, or that and all that follow; one run
# for each of a sample: every one of the last ones, where the file is saved, and
# of the others one in so many.
no_memory() {
	local n i step=1 last=60 want=260
	[ -z "${2-}" ] || last=30 want=60
	forgive_openssl
	[ -z "$ASAN" ] || last=20 want=40
	n=$(calls "$1" malloc)
	[ "$n" -gt 500 ]
	[ -n "${FAULT_ALL-}" ] || step=$((n / want))
	for ((i = $(ours_begin_at); i <= n; i += i < n - last ? step : 1)); do
		echo "$1 no-memory malloc:$i${2-}:ENOMEM"
	done >plan
	echo "$n allocations, $(wc -l <plan) of them to fail"
	carry_out
}

@test "no memory, wherever it ends, leaves the old file or the new one" {
	no_memory older
}

@test "no memory, wherever it ends, leaves no file or the new one" {
	no_memory nothing
}

@test "no memory from some moment on leaves the old file or the new one" {
	no_memory older +
}

# What each function and error leaves, with -e: the old file or the new one,
# and of the new one the hook has heard, or will.
owed() {
	local function=$1 error state i n left=0 new=0
	local note='echo "$OCSPFETCH_CHANGED" >>called'
	shift
	cd w0 || return
	for state in older nothing; do
		store "$state"
		rm -f called .*.changed
		shimmed '' -e "$note"
		[ "$code" -eq 0 ] && [ -s called ]
		n=$(awk -v f="$function" '$1 == f { print $2 }' ../count.w0)
		[ "$n" -gt 0 ]
		for ((i = 1; i <= n; i++)); do
			for error in "$@"; do
				store "$state"
				rm -f called .*.changed
				shimmed "$function:$i:$error" -e "$note"
				echo "$state $function:$i:$error: $code," \
					"$(holding), $(ls -A)"
				[ "$code" -eq 0 ] || [ "$code" -eq 3 ] ||
					[ "$code" -eq 2 ]
				[ "$(holding)" != torn ]
				[ "$code" -ne 0 ] || [ -s called ]
				if [ "$(holding)" = new ]; then
					new=$((new + 1))
					[ -s called ] ||
						[ -e .site.pem.ocsp.changed ]
				fi
				[ ! -e .site.pem.ocsp.changed ] ||
					left=$((left + 1))
				shimmed '' -e "$note"
				[ "$code" -eq 0 ] && [ ! -s err ]
				[ "$(holding)" = new ]
				[ "$(sort -u called)" = site.pem.ocsp ]
				[ -z "$(leftovers)" ]
			done
		done
	done
	echo "$new times the new file, $left times a marker was left"
}

@test "with -e, whatever fails in a look, the hook has heard of it or will" {
	owed fstatat EIO ENOMEM EACCES
}

@test "with -e, whatever fails in an open, the hook has heard of it or will" {
	owed openat EIO EMFILE ENOSPC EACCES EROFS
}

@test "with -e, whatever fails in a write, the hook has heard of it or will" {
	owed write ENOSPC EIO EDQUOT EINTR
}

@test "with -e, whatever fails in a flush, the hook has heard of it or will" {
	owed fsync EIO ENOSPC EINTR EINVAL
}

@test "with -e, whatever fails in a rename, the hook has heard of it or will" {
	owed renameat EIO EACCES ENOSPC
}

@test "with -e, whatever cannot be removed, the hook has heard of it or will" {
	owed unlinkat EIO EACCES EROFS
}

@test "with -e, whatever fails in a lock, the hook has heard of it or will" {
	owed flock ENOLCK EWOULDBLOCK EINTR
}

@test "-c changes nothing, whatever fails in it, and is 0 only without a word" {
	local function error i n was tried=0 failed=0
	cd w0
	for function in open openat fstat fstatat read close malloc; do
		n=$(cd .. && calls older "$function" -c)
		echo "$function: $n calls"
		# of allocations a sample
		for ((i = 1; i <= n; i += n / 20 + 1)); do
			for error in EIO EACCES ENOMEM; do
				[ "$function $error" != "malloc EIO" ] &&
					[ "$function $error" != "malloc EACCES" ] ||
					continue
				cp -p ../old site.pem.ocsp
				was=$(identity site.pem.ocsp)
				shimmed "$function:$i:$error" -c
				echo "$function:$i:$error: $code, $(cat err)"
				[ "$was" = "$(identity site.pem.ocsp)" ]
				[ -z "$(leftovers)" ]
				# who may not read it is told as with any file
				[ "$code" -eq 0 ] || [ "$code" -eq 3 ] ||
					[ "$error $code" = "EACCES 2" ]
				[ "$code" -eq 0 ] || failed=$((failed + 1))
				if [ "$code" -eq 0 ]; then
					[ ! -s err ]
				else
					[ "$(wc -l <err)" -eq 1 ]
				fi
				tried=$((tried + 1))
			done
		done
	done
	echo "$tried tried, $failed of them failed"
	[ "$failed" -ge 20 ]
}

# The second of three; who has failed is named, alone.
@test "of a list, what fails in saving one keeps none of the others from it" {
	local fault n who kept tried=0
	cd w0
	for n in 1 2 3; do
		cp site.pem "s$n.pem"
		cp site.pem.issuer "s$n.pem.issuer"
	done
	printf 's%d.pem\n' 1 2 3 >list
	for fault in write:2:ENOSPC fsync:3:EIO renameat:2:EACCES \
		fchmod:2:EIO flock:2:EIO; do
		rm -f s?.pem.ocsp
		code=0
		timeout -k 1 10 env LD_PRELOAD="$FAULTSHIM $ASAN" \
			FAULT="$fault" "$OCSPFETCH" -l list >out 2>err ||
			code=$?
		echo "$fault: $code, $(ls s?.pem.ocsp), $(cat err)"
		[ "$code" -eq 3 ]
		kept=0
		for who in s1.pem s2.pem s3.pem; do
			if [ -e "$who.ocsp" ]; then
				cmp "$who.ocsp" ../new
				not grep -q "$who" err
				kept=$((kept + 1))
			else
				grep -q "$who" err
			fi
		done
		[ "$kept" -eq 2 ]
		[ "$(wc -l <err)" -eq 1 ]
		[ -z "$(leftovers)" ]
		tried=$((tried + 1))
	done
	[ "$tried" -eq 5 ]
}
