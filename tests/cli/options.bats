#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The command line: what each option takes and refuses, what is said to those
# who ask for more (-v, -vv, -h, -V), and that a usage error comes before any
# work.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world_of_one; }
teardown_file() { end_world; }

setup() { own_place; }

# What is here, and what was asked of the responder: neither is to change.
inventory() { find . -type f -exec stat -c '%n %i %s %a %y' {} + | sort; }
before() {
	mapfile -t asked <"$LOG"
	[ -n "${files+set}" ] || files=$(inventory)
}
untouched() {
	mapfile -t log <"$LOG"
	[ "${#log[@]}" -eq "${#asked[@]}" ] || {
		echo "somebody was asked: ${log[-1]}"
		return 1
	}
}
teardown() {
	[ -z "${files+set}" ] || [ "$(inventory)" = "$files" ] || {
		diff <(echo "$files") <(inventory)
	}
}

# usage WHAT [arguments]: a usage error that says WHAT, in one line, before
# any work.  There are many of them, so no process but the one under test.
usage() {
	local what=$1 err=$BATS_TEST_TMPDIR/err out=$BATS_TEST_TMPDIR/out
	shift
	before
	status=0
	"$OCSPFETCH" "$@" >"$out" 2>"$err" || status=$?
	mapfile -t lines <"$err"
	stderr=$(<"$err")
	if [ "$status" -eq 2 ] && [ ! -s "$out" ] && says "$what" &&
		[ "${#lines[@]}" -eq 1 ] &&
		[[ $stderr == "ocspfetch: "*"--help" ]] &&
		[[ ! $stderr =~ [[:cntrl:]] ]] && untouched; then
		return 0
	fi
	printf 'of the command:'
	printf ' %q' "$@"
	printf '\nexit status %s, stderr: %s\n' "$status" "$stderr"
	return 1
}

# ---- usage errors ----

@test "no certificate named is a usage error" {
	usage "no certificate is named"
	usage "no certificate is named" --
	usage "no certificate is named" -v -r 0
}

@test "an unknown option is a usage error that names it" {
	leaf site good
	usage "-Q" -Q site.pem
	usage "-Q" -vQ site.pem
	usage "-Q" site.pem -Q
	usage "-:" -: site.pem
	usage "--bogus" --bogus site.pem
	usage "--bogus:" --bogus=1 site.pem
	usage "--" --=x site.pem
	# short for several: which one is meant?
	usage "is it one of --max-age, --min-valid, --max-redirs, --mode, --method?" \
		--m 1h site.pem
	usage '-\xFF' "$(printf -- '-\377')" site.pem
	usage '--\x1B[31m' "$(printf -- '--\033[31m')" site.pem
}

# meant TYPED NEAREST
meant() {
	usage "option $1: there is no such option (did you mean $2?)" "$1" site.pem
}

@test "an option that is nearly one is named" {
	local long n=0
	leaf site good
	meant --min-vaild --min-valid
	meant --minvalid --min-valid
	meant --dryrun --dry-run
	meant --isuer --issuer
	meant --max-redirects --max-redirs
	meant --no-proxy --noproxy
	meant --ouptut --output
	usage "(did you mean --min-valid?)" --min-vaild=3d site.pem
	usage "there is no option -D (did you mean -d, --if-due?)" -D site.pem
	usage "there is no option -I (did you mean -i, --issuer?)" -vI site.pem
	usage "there is no such option; see" --bogus site.pem
	usage "there is no such option; see" "--$(printf '%099d' 0)" site.pem
	# each, with two letters exchanged
	while read -r _ long _; do
		[ "${long:1:1}" != "${long:2:1}" ] || continue
		usage "(did you mean --$long?)" \
			"--${long:0:1}${long:2:1}${long:1:1}${long:3}" site.pem
		n=$((n + 1))
	done < <(documented)
	[ "$n" -ge 30 ]
}

@test "a choice that is nearly one is named" {
	leaf site good
	usage '"psot" is not one of: auto, get, post (did you mean post?)' \
		--method psot site.pem
	usage "(did you mean get?)" -X GET site.pem
	usage "(did you mean sha256?)" --certid-hash sha265 site.pem
	usage "(did you mean smtp?)" -S h --starttls smpt
	usage "auto, get, post; see" -X put site.pem
}

@test "what is no documented letter is no option" {
	local letter known
	leaf site good
	known=$(documented | awk '{ print $1 }' | tr -d '\n')
	for letter in {a..z} {A..Z} {0..9} '?' ';' W; do
		[[ $known == *"$letter"* ]] || usage "$letter" "-$letter" site.pem
	done
}

@test "an option without its argument is a usage error that names it" {
	local short long arg n=0
	leaf site good
	while read -r short long arg; do
		[ "$arg" = required ] || continue
		usage "--$long" site.pem "--$long"
		[ "$short" = - ] || usage "-$short" site.pem "-$short"
		n=$((n + 1))
	done < <(documented)
	[ "$n" -ge 15 ]
}

@test "an argument for an option that takes none is a usage error" {
	local long arg n=0
	leaf site good
	while read -r _ long arg; do
		[ "$arg" = none ] || continue
		usage "--$long" "--$long=1" site.pem
		n=$((n + 1))
	done < <(documented)
	[ "$n" -ge 10 ]
}

@test "an option given twice is a usage error, unless it may repeat" {
	local short long arg value n=0
	leaf site good
	while read -r short long arg; do
		case $long in
		haproxy | header | issuer | list | no-warn | verbose | help | version) continue ;;
		esac
		if [ "$arg" = none ]; then
			set -- "--$long"
		else
			set -- "--$long=$(sample "$long")"
		fi
		usage "--$long is given twice" "$1" "$1" site.pem
		usage "--$long is given twice" "$1" site.pem "$1"
		if [ "$short" != - ] && [ "$arg" = none ]; then
			usage "--$long is given twice" "-$short$short" site.pem
			usage "--$long is given twice" "$1" "-$short" site.pem
		elif [ "$short" != - ]; then
			value=$(sample "$long")
			usage "--$long is given twice" "$1" "-$short" "$value" \
				site.pem
		fi
		n=$((n + 1))
	done < <(documented)
	[ "$n" -ge 25 ]
}

@test "options that may repeat do" {
	leaf site good.t"$BATS_TEST_NUMBER"
	rm site.pem.issuer
	fetch -vv -v -H 'X-Test: a b' -H 'Accept: x/y' -i "$PKI/other.pem" \
		-i "$PKI/ca.pem" site.pem
	exits 0
	[ -s site.pem.ocsp ]
	grep "^GET /good.t$BATS_TEST_NUMBER 200-good .*accept=x/y .*x-test=a%20b " \
		"$LOG"
	fetch -d -i "$PKI/ca.pem" --haproxy here --haproxy there.sock site.pem
	exits 3
	says "HAProxy at here: "
	says "HAProxy at there.sock: "
}

@test "options that contradict each other are a usage error" {
	leaf site good
	leaf two good
	response site good
	usage "-4 and -6" -4 -6 site.pem
	usage "-4 and -6" --ipv6 site.pem --ipv4
	usage "-o" -o out site.pem two.pem
	usage "-o" -o - site.pem two.pem
	usage "--del-ext" -o out --del-ext site.pem
	usage "--if-due" -f -d site.pem
	usage "-c" -c -f site.pem
	usage "-c" -c -d site.pem
	usage "--write-revoked" -c --write-revoked site.pem
	usage "--exit-changed" -c --exit-changed site.pem
	usage "-o -" -o - -c site.pem
	usage "-o -" -o - -d site.pem
	usage "-o -" -o - --exit-changed site.pem
	usage "-c" -c --haproxy x site.pem
	usage "-c" -c -e true site.pem
	usage "-o -" -o - --haproxy x site.pem
	usage "-o -" -o - -e true site.pem
	usage "--certid-hash" --haproxy x --certid-hash sha256 site.pem
	usage "-e, --on-change" -e "" site.pem
}

@test "a time is a number with at most one unit, and nothing else" {
	local option bad
	leaf site good
	for option in --max-age --connect-timeout --deadline --skew -t -m; do
		for bad in '' ' ' -1 +1 ' 5' '5 ' 1.5h 1,5 1h30m 1hh hh h 1H 1y \
			0x10 1e3 five 5x $'5\n' -0 99999999999999999999 \
			9223372036854775807w 9223372036854775808 \
			18446744073709551617 4000000000w; do
			usage "$option" "$option" "$bad" site.pem
		done
	done
	for option in -a --connect-timeout --deadline -t; do
		for bad in 0 0s 0w 000; do
			usage "$option" "$option" "$bad" site.pem
		done
	done
}

@test "a number is digits within its limits, and nothing else" {
	local option bad
	leaf site good
	for option in -P --retry --max-redirs --exit-changed; do
		for bad in '' ' ' -1 +1 ' 7' '7 ' 7.5 7s 0x7 seven $'7\n' 7% \
			4294967303 18446744073709551623 99999999999999999999; do
			case $option in
			--*) usage "$option" "$option=$bad" site.pem ;;
			*) usage "$option" "$option" "$bad" site.pem ;;
			esac
		done
	done
	for bad in 0 257 1000; do
		usage "1 to 256" -P "$bad" site.pem
	done
	for bad in 0 1 5 126 127 255 256 262; do
		usage "6 to 125" --exit-changed="$bad" site.pem
	done
}

@test "a percentage is at most 100 and nothing else" {
	local bad
	leaf site good
	for bad in % 101% -1% 5%% '5 %' 1h% 5%h 1.5% 99999999999999999999%; do
		usage "--min-valid" -m "$bad" site.pem
	done
}

@test "a mode is octal permissions and nothing else" {
	local bad
	leaf site good
	for bad in '' ' ' 8 0648 9 u+r rw 0x1a4 -0644 +0644 ' 0644' '0644 ' \
		1777 4755 10000 99999999999999999999 \
		7777777777777777777777777; do
		usage "--mode" --mode "$bad" site.pem
	done
}

@test "a choice is one of its words; the message names them" {
	local bad
	leaf site good
	for bad in '' md5 sha sha1x sha512 ' sha1' 'sha1 '; do
		usage "sha1, sha256" --certid-hash "$bad" site.pem
	done
	for bad in '' put ge getx 'post,' ' get'; do
		usage "auto, get, post" -X "$bad" site.pem
	done
}

@test "a URL that may not be asked is a usage error that shows it escaped" {
	local bad
	leaf site good
	for bad in '' ' ' example.com 127.0.0.1:80 / "file:///etc/passwd" \
		"ftp://127.0.0.1:$PORT/good" "gopher://127.0.0.1:$PORT/good" \
		"dict://127.0.0.1:$PORT/good" "ldap://127.0.0.1/" \
		"javascript:alert(1)" "httpx://127.0.0.1:$PORT/good" \
		"http:/127.0.0.1:$PORT/good" "http:127.0.0.1:$PORT/good" \
		http:// \
		"$URL/good#fragment" \
		"$URL/go od" " $URL/good" "$URL/good " \
		"http://127.0.0.1:99999/good" "http://127.0.0.1:x/good" \
		"http://[::1/good" "http://a b/"; do
		usage "option -u, --url: \"$bad\"" -u "$bad" site.pem
	done
	# what may be a password is not
	usage "option -u, --url: \"http://...@127.0.0.1:$PORT/good\": it holds a user" \
		-u "http://user:password@127.0.0.1:$PORT/good" site.pem
	usage "option -u, --url: \"http://...@h:x/good\"" \
		-u "http://user:pass/word@h:x/good" site.pem
	usage "$URL/good\\x0D\\x0AX: y\"" -u "$URL/good"$'\r\nX: y' site.pem
	usage "$URL/good\\x0A\"" --url "$URL/good"$'\n' site.pem
	usage "$URL/\\x1B[31mgood\"" --url "$URL/"$'\033[31mgood' site.pem
	usage "$URL/\\x7F\"" --url "$URL/"$'\177' site.pem
	usage "$URL/\\xFF\"" --url "$URL/"$'\377' site.pem
	usage "not printable" --url "$URL/"$'\303\251' site.pem
	usage "3000" --url "$URL/$(printf "%$((2999 - ${#URL}))s" | tr ' ' a)" \
		site.pem
}

# RFC 9110 section 4.2.1; curl leaps over the third slash
@test "a URL with no host between its slashes is a usage error" {
	leaf site good
	usage "option -u, --url" -u "http:///127.0.0.1:$PORT/good" site.pem
}

@test "a header that would inject something is a usage error, and not sent" {
	local bad
	leaf site good
	for bad in $'X-Test: a\r\nX-Evil: b' $'X-Test: a\nX-Evil: b' \
		$'X-Test: a\rX-Evil: b' $'X-Test: a\r\n' $'X-Test: a\n' \
		$'X-Test: a\r\n\r\nGET / HTTP/1.1' $'X-Te\nst: a' \
		$'\nX-Test: a' $'X-Test: \033[31m' $'X-Test: \001' \
		$'X-Test: \177' $'X-Test: a\bb'; do
		usage "control characters" -H 'Accept: x/y' "--header=$bad" site.pem
	done
	usage '"X-Test...": a header may not' -H $'X-Test: a\r\nX-Evil: b' site.pem
}

@test "a header that is no header line is a usage error" {
	local bad
	leaf site good
	for bad in '' ' ' : ': a' X-Test 'X-Test a' 'X-Test : a' ' X-Test: a' \
		'X Test: a' '@/etc/passwd' '@/etc/passwd: a' 'X-Test;' \
		'"X": a' '(X): a' 'GET / HTTP/1.1'; do
		usage "option -H, --header: " -H "$bad" site.pem
	done
	# it may be a password that stands in the wrong place
	for bad in 'Authorization Basic c2VjcmV0' c2VjcmV0 'Bearer c2VjcmV0' \
		$'Authorization: c2VjcmV0\n'; do
		usage "option -H, --header: " -H "$bad" site.pem
		does_not_say c2VjcmV0
	done
	usage '"Authorization...": a header is' -H 'Authorization Basic x' site.pem
}

@test "-H @FILE sends the headers of a file, which no command line shows" {
	leaf site good
	printf '\xef\xbb\xbf# ours\r\nAuthorization: Bearer secret\r\n\nX-Test: a@b\n#\nX-Last: 1' >headers
	fetch -vv -H @headers -H 'X-Own: 1' site.pem
	exits 0
	says " -H '@headers' -H 'X-Own: 1' "
	does_not_say secret
	[ -s site.pem.ocsp ]
}

@test "an Authorization of -H is not shown by -vv" {
	leaf site good
	fetch -vv -H 'authorization: Bearer secret' -H 'Cookie: secret' \
		-H 'X-Api-Key: secret' -H 'X-Vault-Token: secret' site.pem
	exits 0
	says " -H 'authorization: ...' -H 'Cookie: ...' -H 'X-Api-Key: ...' -H 'X-Vault-Token: ...' "
	does_not_say secret
}

@test "a file of headers that is none is a usage error that shows nothing of it" {
	local form
	leaf site good
	mkdir dir
	mkfifo fifo
	: >empty
	printf '# only\n\n' >comments
	printf 'A: b\nsecret\n' >second
	printf 'A: secret\tb\001\n' >control
	printf 'A: secret\0b\n' >nul
	printf 'A: secret\rb\n' >cr
	printf 'A: secret\n%65536s\n' x >large
	printf 'secret: \r\r\n' >crs
	cp site.key key
	openssl pkey -in site.key -outform DER -out der
	printf '\xff\xfe' | cat - <(iconv -t UTF-16LE site.key) >utf16
	echo 'root:secret:0:0:root:/root:/bin/sh' >passwd
	for form in dir fifo empty comments passwd second control nul cr large crs key \
		der utf16 gone /dev/null ''; do
		usage "option -H, --header: $form" -H "@$form" site.pem
		does_not_say secret
		does_not_say "$(grep -v -e ---- site.key | cut -c 9-40)"
	done
	usage "second: line 2: a header is" -H @second site.pem
	usage "key: line 1: a header is" -H @key site.pem
	usage "gone: cannot read the headers: No such file or directory" -H @gone site.pem
	usage "fifo: there is no header in it" -H @fifo site.pem
	usage "large: it has more than 65536 bytes" -H @large site.pem
	usage 'a file has to be named after the "@"' -H @- site.pem
}

@test "-H @FILE takes what another process writes into a pipe" {
	leaf site good
	fetch -vv -H @<(sleep 0.3; echo 'X-Test: secret') site.pem
	exits 0
	does_not_say secret
}

# nobody_sees WORD PID...: in the command lines of these processes.
nobody_sees() {
	local word=$1 pid n=0
	shift
	for pid; do
		[ -r "/proc/$pid/cmdline" ] || continue
		n=$((n + 1))
		not grep -qa "$word" "/proc/$pid/cmdline" || return 1
	done
	echo "$n processes"
	[ "$n" -ge 3 ]
}

@test "no process of ours shows a password of -x or -H in its arguments" {
	local pid
	[ -r /proc/self/cmdline ] || skip "no /proc"
	! by_valgrind || skip "valgrind has arguments of its own"
	leaf site "latency-3000,good"
	"$OCSPFETCH" -e true -vx "http://user:S3cret@127.0.0.1:$PORT" \
		"--header=Authorization: S3cret" -H "X-Test: S3cret" site.pem \
		>/dev/null 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 grep -q latency "$LOG"
	# shellcheck disable=SC2046
	nobody_sees S3cret "$pid" $(pgrep -P "$pid")
	tr '\0' ' ' <"/proc/$pid/cmdline" >seen
	cat seen
	grep -q -e ' -vx \* .* site.pem' seen
	wait "$pid"
	[ -s site.pem.ocsp ]
}

@test "a usage error after good operands still comes before any work" {
	leaf site good
	leaf two good
	usage "--timeout" site.pem two.pem -t 0
	usage "--bogus" site.pem two.pem --bogus
	usage "-u, --url" site.pem two.pem -u file:///etc/passwd
	usage "-H, --header" site.pem two.pem -H bad
	usage "--mode" -o out site.pem --mode 9
}

@test "after -- all is a certificate" {
	leaf site good.t"$BATS_TEST_NUMBER"
	fetch -r 0 -- site.pem -v --help
	exits 2
	[ -z "$output" ]
	says "ocspfetch: -v: "
	says "ocspfetch: --help: "
	[ -s site.pem.ocsp ]
}

@test "values at their limits are accepted" {
	leaf site good
	fetch -r 0 -P 1 -t 1 --connect-timeout 1 --skew 0 -m 0 --mode 0 \
		--max-redirs 0 --exit-changed=6 site.pem
	exits 6
	[ "$(stat -c %a site.pem.ocsp)" = 0 ]
	rm -f site.pem.ocsp
	fetch -r 0 -P 256 -m 0% --mode 0777 --exit-changed=125 site.pem
	exits 125
	[ "$(stat -c %a site.pem.ocsp)" = 777 ]
	fetch -r 0 -m 100% -n site.pem
	exits 1
	fetch -r 00 -m 0000000000000000000000000005m -X auto \
		--certid-hash sha1 site.pem
	exits 0
	silent
}

@test "each unit of a time is worth what it says" {
	local time
	leaf site good
	response site good
	# this one is usable for a bit more than 6 d 22 h, less than 7 d
	for time in 300 590000s 9833m 160h 6d 0w; do
		fetch -c -m "$time" site.pem
		exits 0 || { echo "-m $time" && return 1; }
	done
	for time in 604800 604800s 10080m 168h 7d 1w; do
		fetch -c -m "$time" site.pem
		exits 1 || { echo "-m $time" && return 1; }
		says "less than the 7 d 0 h"
	done
}

@test "a token in a URL of -u is not shown" {
	fetch -u http://s3cret@host/ site.pem
	exits 2
	[[ $stderr != *s3cret* ]]
	[[ $stderr == *"http://...@host/"* ]]
}

@test "what follows the = of an option that is mistyped is not shown" {
	local word
	for word in --proxy-user=joe:s3cret --proxi=http://joe:s3cret@h \
		"--haeder=Authorization: Bearer s3cret" \
		--check=http://joe:s3cret@x; do
		fetch "$word" site.pem
		exits 2
		[[ $stderr != *s3cret* ]]
		[[ $stderr == *"${word%%=*}"* ]]
	done
}

# ---- the manual, --help, and the program ----

# "letter long argument" of each option of the manual: argument is none,
# required or optional, letter may be "-".
documented() {
	awk '/^\.Bl/ && !begun { begun = 1; next }
	/^\.El/ { exit }
	/^\.It Fl/ {
		arg = / Op = /? "optional" : / (Ar|Cm) / ? "required" : "none"
		long = $0
		sub(/.*Fl \\-/, "", long)
		sub(/ .*/, "", long)
		print ($3 ~ /^\\-/ ? "-" : $3), long, arg
	}' "$MAN"
}

# A good argument for an option.
sample() {
	case $1 in
	cacert) echo "$PKI/ca.pem" ;;
	certid-hash) echo sha1 ;;
	exit-changed | max-redirs | parallel | retry) echo 7 ;;
	header) echo X-Test:a ;;
	issuer) echo "$PKI/ca.pem" ;;
	list) echo site.pem >"$PKI/list" && echo "$PKI/list" ;;
	method) echo get ;;
	mode) echo 0600 ;;
	noproxy) echo '*' ;;
	on-change) echo true ;;
	output) echo out.ocsp ;;
	splay) echo 1s ;;
	proxy) echo ;;
	served) echo localhost:1 ;;
	starttls) echo smtp ;;
	sandbox) echo auto ;;
	url) echo "$URL/good" ;;
	no-warn) echo seldom ;;
	*) echo 20h ;;
	esac
}

@test "each option of the manual is taken, in each of its forms" {
	local short long arg value form n=0
	leaf site good
	response site good
	while read -r short long arg; do
		# these two want a server: see served.bats
		case $long in
		served | starttls) continue ;;
		esac
		value=$(sample "$long")
		forms=()
		case $arg in
		none) forms+=("--$long") ;;
		required) forms+=("--$long=$value" "--$long $value") ;;
		optional) forms+=("--$long" "--$long=$value") ;;
		esac
		if [ "$short" != - ] && [ "$arg" = none ]; then
			forms+=("-$short" "-v$short")
		elif [ "$short" != - ]; then
			forms+=("-$short $value" "-v$short$value")
			[ -n "$value" ] || unset 'forms[-1]'
		fi
		for form in "${forms[@]}"; do
			set -- "${form%% *}"
			[ "$form" = "$1" ] || set -- "$1" "${form#* }"
			# there is no HAProxy here
			[ "$long" != haproxy ] || set -- "$@" -n
			[ "$long" = retry ] || set -- "$@" -r 0
			fetch "$@" site.pem
			[ "$status" -eq 0 ] || [ "$status" -eq 7 ] || {
				echo "$form:"
				exits 0
			}
			n=$((n + 1))
		done
	done < <(documented)
	[ "$n" -ge 80 ]
}

@test "the synopsis of the manual has each short option" {
	local short long arg synopsis
	synopsis=$(sed -n '/^.Sh SYNOPSIS/,/^.Sh DESC/p' "$MAN")
	while read -r short long arg; do
		case $short,$arg in
		-,*) ;;
		*,none) grep -q "^.Op Fl [0-9A-Za-z]*$short" <<<"$synopsis" ;;
		*) grep -q "^.Op Fl $short Ar" <<<"$synopsis" ;;
		esac || { echo "-$short" && return 1; }
	done < <(documented)
}

@test "each option of the manual is in --help, each of --help in the manual" {
	local short long word
	fetch --help
	exits 0
	grep -oE -- '-[0-9A-Za-z], --[a-z-]+' <<<"$output" >pairs
	while read -r short long _; do
		# by its long name, or by its letter alone
		grep -qE -- "(^|[ ,])--$long([] =,[]|\$)" <<<"$output" ||
			grep -qE -- "(^|[ ,])-$short([ ,]|\$)" <<<"$output" || {
			echo "--help does not say --$long"
			return 1
		}
		# a letter beside a long name is that one's
		[ "$short" = - ] || ! grep -qE -- "--$long\$" pairs ||
			grep -qx -- "-$short, --$long" pairs || {
			echo "--help does not say -$short, --$long"
			return 1
		}
	done < <(documented)
	documented | awk '{ print "-" $1; print "--" $2 }' >known
	for word in $(grep -oE -- '(^|[ ,])--?[0-9A-Za-z][0-9A-Za-z-]*' \
		<<<"$output" | tr -d ' ,'); do
		grep -qx -- "$word" known || {
			echo "the manual does not say $word"
			return 1
		}
	done
}

@test "--help has a line of at most 80 columns for each option, in groups" {
	before
	fetch -h
	exits 0
	[ -z "$stderr" ]
	[ "$(wc -l <<<"$output")" -ge 10 ]
	# each long option begins a line, but for two pairs
	while read -r _ long _; do
		grep -qE -- "^  (-[0-9A-Za-z], |    )?--$long([] =,[]|\$)|/ -., --$long\b" \
			<<<"$output" || {
			echo "no line for --$long"
			return 1
		}
	done < <(documented | awk '$2 != "-"')
	[[ ! $output =~ [^[:print:][:space:]] ]]
	[ "$(wc -L <<<"$output")" -le 80 ]
	for code in 0 1 2 3 4 5; do
		sed -n '/^Exit status/,$p' <<<"$output" |
			grep -qE "(^| )$code  [a-z]"
	done
	[[ $output == *"usage: ocspfetch "* ]]
	[[ $output == *"Exit status"* ]]
	"$OCSPFETCH" --help | cmp - <("$OCSPFETCH" -h)
	"$OCSPFETCH" site.pem -t 5 -h --bogus | cmp - <("$OCSPFETCH" -h)
	[ "$("$OCSPFETCH" -h | tail -c 1 | od -An -c | tr -d ' ')" = '\n' ]
	untouched
}

@test "--version is one line on standard output" {
	local version
	version=$(sed -n 's/^VERSION = //p' "$TOP/Makefile")
	before
	for option in -V --version; do
		fetch "$option"
		exits 0
		[ -z "$stderr" ]
		[ "$output" = "ocspfetch $version" ]
	done
	untouched
}

@test "-h and -V that cannot be written are a local failure with a message" {
	local option
	for option in -h -V; do
		run --separate-stderr sh -c "'$OCSPFETCH' $option >/dev/full"
		exits 3
		says "standard output"
		says "No space left"
	done
}

@test "-h and -V with standard output closed are a local failure" {
	local option
	for option in -h -V; do
		run --separate-stderr sh -c "'$OCSPFETCH' $option >&-"
		exits 3
		says "standard output"
	done
}

@test "a response for standard output that is closed is a local failure" {
	leaf site good
	run --separate-stderr sh -c "'$OCSPFETCH' -o - site.pem >&-"
	exits 3
	says "site.pem"
	says "standard output"
	[ ! -e site.pem.ocsp ]
}

@test "a message that cannot be written changes no exit code" {
	leaf site revoked
	run sh -c "'$OCSPFETCH' --bogus 2>/dev/full"
	[ "$status" -eq 2 ]
	run sh -c "'$OCSPFETCH' --bogus 2>&-"
	[ "$status" -eq 2 ]
	run sh -c "'$OCSPFETCH' site.pem 2>/dev/full"
	[ "$status" -eq 5 ]
	run sh -c "'$OCSPFETCH' -v site.pem 2>&-"
	[ "$status" -eq 5 ]
	[ ! -e site.pem.ocsp ]
}

@test "started without 0, 1 and 2, no file gets what is meant for them" {
	local closed name sums
	for name in a b c; do
		leaf "$name" good-same
		"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-$name" good-same \
			>"$name.expected"
	done
	sums=$(sha256sum ./*.pem ./*.issuer)
	for closed in '<&-' '>&-' '2>&-' '>&- 2>&-' '<&- >&-' '<&- 2>&-' \
		'<&- >&- 2>&-'; do
		rm -f ./*.ocsp
		# written, and then left alone
		for _ in 1 2; do
			run sh -c "'$OCSPFETCH' -vv a.pem b.pem c.pem $closed"
			[ "$status" -eq 0 ] || {
				echo "$closed: exit status $status"
				return 1
			}
			for name in a b c; do
				cmp "$name.expected" "$name.pem.ocsp"
			done
		done
		[ "$(sha256sum ./*.pem ./*.issuer)" = "$sums" ]
		[ -z "$(leftovers)" ]
	done
}

@test "started without 0, 1 and 2, they are nobody's while it asks" {
	local pid fd i
	[ -d /proc/self/fd ] || skip "there is no /proc"
	leaf site "hang.t$BATS_TEST_NUMBER"
	"$OCSPFETCH" -r 0 -t 20 site.pem <&- >&- 2>&- 3>&- &
	pid=$!
	for ((i = 0; i < 400; i++)); do
		! grep -q "/hang.t$BATS_TEST_NUMBER " "$LOG" || break
		sleep 0.05
	done
	for fd in 0 1 2; do
		readlink "/proc/$pid/fd/$fd" || true
	done >links
	kill "$pid"
	wait "$pid" || true
	printf '/dev/null\n/dev/null\n/dev/null\n' | cmp - links
	[ ! -e site.pem.ocsp ]
}

# ---- --exit-changed ----

@test "--exit-changed turns 0 into 10 when a file was written, else not" {
	leaf site good-same
	fetch --exit-changed site.pem
	exits 10
	silent
	[ -s site.pem.ocsp ]
	fetch --exit-changed site.pem
	exits 0
	silent
	fetch -d --exit-changed site.pem
	exits 0
	silent
}

@test "--exit-changed=N says which code, and takes no other word for it" {
	leaf site good-same
	fetch --exit-changed=77 site.pem
	exits 77
	[ -s site.pem.ocsp ]
	rm site.pem.ocsp
	# the 77 is a certificate here
	fetch --exit-changed 77 site.pem
	exits 2
	says "ocspfetch: 77: "
	[ -s site.pem.ocsp ]
}

@test "--exit-changed hides no failure" {
	leaf a good
	leaf b status-500
	leaf c by-leaf
	fetch -r 0 --exit-changed a.pem b.pem
	exits 1
	[ -s a.pem.ocsp ]
	rm a.pem.ocsp
	fetch -r 0 --exit-changed=125 a.pem c.pem
	exits 4
	[ -s a.pem.ocsp ]
	fetch --exit-changed --write-revoked -u "$URL/revoked" a.pem
	exits 5
}

@test "--exit-changed with --dry-run says what would be" {
	leaf site good-same
	fetch -n --exit-changed site.pem
	exits 10
	silent
	[ ! -e site.pem.ocsp ]
	response site good-same
	fetch -n --exit-changed site.pem
	exits 0
	silent
}

# ---- -v ----

@test "-v tells who, asked what, answered what, and decided what" {
	local serial size next
	leaf site "good.t$BATS_TEST_NUMBER" --cn www.example
	fetch -v site.pem
	exits 0
	[ -z "$output" ]
	serial=$(openssl x509 -in site.pem -noout -serial)
	size=$(stat -c %s site.pem.ocsp)
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >text
	next=$(date -u -d "$(sed -n 's/.*Next Update: //p' text)" +%F\ %T)
	# who
	says "ocspfetch: site.pem"
	says "CN=www.example"
	says "${serial#serial=}"
	says "CN=Test Issuing CA"
	says "site.pem.issuer"
	# asked what
	says "GET $URL/good.t$BATS_TEST_NUMBER/"
	says "127.0.0.1"
	says "$PORT"
	[[ $stderr =~ [0-9]+\ ms ]]
	# answered what
	says "HTTP 200"
	says "$size bytes"
	says "application/ocsp-response"
	says "$(date -u -d "$(sed -n 's/.*Produced At: //p' text)" +%F\ %T)"
	says "$(date -u -d "$(sed -n 's/.*This Update: //p' text)" +%F\ %T)"
	says "$next"
	[[ $stderr =~ "$next UTC (6 d "[0-9]+" h left)" ]]
	says "good"
	# decided what
	says "decided"
	says "written"
	[[ $stderr =~ "exit "+"0" ]]
	[[ $stderr != *"HTTP/1.1"* ]]
	[[ $stderr != *curl* ]]
}

@test "-v names the proxy's part and the delegate that signed" {
	leaf site "good-delegate.t$BATS_TEST_NUMBER"
	fetch -v -x "$URL" -u "http://ocsp.invalid/good-delegate" site.pem
	exits 0
	says "http://ocsp.invalid/good-delegate/"
	says "127.0.0.1"
	says "proxy"
	says "CN=Test delegate"
	[ -s site.pem.ocsp ]
}

@test "-v says for each outcome what was decided" {
	local decided=()
	decides() {
		local line
		line=$(grep '^  decided ' <<<"$stderr") || return 1
		[[ " ${decided[*]} " != *"|$line|"* ]] || {
			echo "said before: $line"
			return 1
		}
		decided+=("|$line|")
	}
	leaf site good-same
	fetch -v -n site.pem
	exits 0
	decides
	fetch -v site.pem
	exits 0
	decides
	fetch -v site.pem
	exits 0
	decides
	fetch -v -d site.pem
	exits 0
	decides
	fetch -v -u "$URL/good-older" site.pem
	exits 0
	decides
	fetch -v -c site.pem
	exits 0
	decides
	fetch -v -u "$URL/revoked-newer" --write-revoked site.pem
	exits 5
	decides
	fetch -v -r 0 -u "$URL/by-leaf" site.pem
	exits 5
	decides
	leaf none -
	fetch -v none.pem
	exits 0
	decides
	echo nonsense >bad.pem
	fetch -v bad.pem
	exits 2
	decides
}

@test "-v of several certificates tells of each, whole and apart" {
	local name
	leaf a good
	leaf b revoked
	leaf c -
	fetch -v a.pem b.pem c.pem
	exits 5
	for name in a b c; do
		[ "$(grep -c "^ocspfetch: $name.pem\$" <<<"$stderr")" -eq 1 ]
		awk -v from="ocspfetch: $name.pem" '$0 == from { on = 1; next }
		/^ocspfetch: / { on = 0 } on' <<<"$stderr" >story
		grep -q '^  certificate ' story
		[ "$(grep -c '^  decided ' story)" -eq 1 ]
		[ "$(grep -c '^  exit ' story)" -eq 1 ]
	done
}

@test "-v never mixes its words into a response on standard output" {
	leaf site good-same
	"$OCSPFETCH" -vv -o - site.pem >out 2>err
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good-same | cmp - out
	grep -q decided err
	[ ! -e site.pem.ocsp ]
}

# ---- -vv ----

@test "-v -v, -vv and --verbose twice are the same" {
	local form
	leaf site good-same
	fetch site.pem
	for form in "-v -v" -vv "--verbose --verbose" "-v --verbose" -vvv; do
		# shellcheck disable=SC2086
		fetch $form site.pem
		exits 0
		says "HTTP/1.1 200"
		says "curl"
	done
}

@test "-vv shows the HTTP headers, as they came" {
	leaf site good,type-param,wrong-date
	fetch -vv site.pem
	exits 0
	says "HTTP/1.1 200 OK"
	says "Content-Type: application/ocsp-response; charset=binary"
	says "Content-Length: $(stat -c %s site.pem.ocsp)"
	[[ $stderr =~ "Date: "[A-Z][a-z][a-z], ]]
}

@test "-vv shows the decoded response, all of it" {
	local recipe
	for recipe in good good-delegate good-neighbours-200 noncritical-ext; do
		leaf "$recipe" "$recipe"
		fetch -vv "$recipe.pem"
		exits 0
		sed -n 's/^  | //p' <<<"$stderr" >shown
		openssl ocsp -respin "$recipe.pem.ocsp" -noverify -resp_text |
			grep . >expected
		diff expected shown
	done
}

# The command that -vv shows, as a user would copy it.
curl_line() {
	grep -o 'curl .*\|echo .*| *curl .*' <<<"$stderr" | tail -n 1
}

needs_curl() {
	command -v curl >/dev/null || skip "there is no curl(1)"
}

# repeats: what is pasted into a shell asks the same again and shows what was
# stored.
repeats() {
	curl_line >cmd
	[ -s cmd ]
	echo "the command: $(cut -c 1-1000 cmd)"
	grep -c '^[A-Z]' "$LOG" >count
	grep '^[A-Z]' "$LOG" | tail -n 1 >first
	sh cmd >shown 2>err
	[ ! -s err ]
	[ "$(grep -c '^[A-Z]' "$LOG")" -eq $(($(cat count) + 1)) ]
	grep '^[A-Z]' "$LOG" | tail -n 1 >again
	# but for who asks, and on which connection
	diff <(sed 's/ ua=[^ ]*//; s/ conn=[0-9]*//; s/ accept=[^ ]*//' first) \
		<(sed 's/ ua=[^ ]*//; s/ conn=[0-9]*//; s/ accept=[^ ]*//' again)
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >expected
	cmp expected shown
}

@test "the curl command of -vv repeats a GET" {
	needs_curl
	leaf site good-same
	fetch -vv site.pem
	exits 0
	[[ $(curl_line) == curl* ]]
	repeats
}

@test "the curl command of -vv repeats a POST" {
	needs_curl
	leaf site good-same
	fetch -vv -X post site.pem
	exits 0
	repeats
	grep -q '^POST' first
}

@test "the curl command of -vv repeats the method that was fallen back to" {
	needs_curl
	leaf site good-same,get-refused
	fetch -vv site.pem
	exits 0
	repeats
	grep -q '^POST' first
}

@test "the curl command of -vv repeats headers, family, proxy and limits" {
	needs_curl
	leaf site good-same
	# shellcheck disable=SC2016
	fetch -vv -4 -t 5s -H 'X-Test: a  "b" $HOME `id` \ '"'c'" \
		-H 'Host: ocsp.example' site.pem
	exits 0
	repeats
	# shellcheck disable=SC2016
	grep -q 'host=ocsp.example .*x-test=a%20%20"b"%20$HOME%20`id`%20\\%20' \
		again
	rm site.pem.ocsp
	fetch -vv -x "$URL" -u http://ocsp.invalid/good-same site.pem
	exits 0
	repeats
	rm site.pem.ocsp
	fetch -vv -x http://127.0.0.1:9 --noproxy '*' -X post site.pem
	exits 0
	repeats
	rm site.pem.ocsp
	http_proxy=$URL fetch -vv -x '' site.pem
	exits 0
	http_proxy=http://127.0.0.1:9 repeats
}

@test "the curl command of -vv repeats a question past caches" {
	needs_curl
	leaf site good-same,stale-unless-nocache
	fetch -vv site.pem
	exits 0
	repeats
	grep -q 'cc=no-cache' first
}

@test "the curl command of -vv repeats a nonce" {
	needs_curl
	leaf site good-same
	fetch -vv -N --certid-hash sha256 site.pem
	exits 0
	curl_line >cmd
	grep '^[A-Z]' "$LOG" | tail -n 1 >first
	sh cmd >shown
	grep '^[A-Z]' "$LOG" | tail -n 1 >again
	[ "$(grep -o 'req=.*' first)" = "$(grep -o 'req=.*' again)" ]
	grep -q 'Cert Status: good' shown
}

@test "the curl command of -vv asks for what ocspfetch asks for" {
	needs_curl
	leaf site good-same
	fetch -vv site.pem
	exits 0
	repeats
	[ "$(grep -o ' accept=[^ ]*' first)" = "$(grep -o ' accept=[^ ]*' again)" ]
}

@test "the curl command of -vv follows the redirections that were followed" {
	needs_curl
	leaf site redirect-302
	fetch -vv --max-redirs 1 site.pem
	exits 0
	curl_line >cmd
	sh cmd >shown
	grep -q 'Cert Status: good' shown
}

@test "the curl command of -vv is not led astray by braces in a URL" {
	needs_curl
	leaf site good
	fetch -vv -u "$URL/good-same/{a,b}[1-3]" site.pem
	exits 0
	repeats
}

@test "the curl command of -vv is no way into the shell" {
	needs_curl
	local n=0 url
	leaf site good
	# shellcheck disable=SC2016
	for url in '/$(touch${IFS}pwned)' '/`touch${IFS}pwned`' \
		"/';touch\${IFS}pwned;'" '/";touch${IFS}pwned;"' \
		'/|touch${IFS}pwned' '/;touch${IFS}pwned' '/&touch${IFS}pwned&'
	do
		leaf "x$n" - --url "$URL/good-same$url"
		fetch -vv "x$n.pem"
		exits 0
		curl_line >cmd
		cat cmd
		sh cmd >shown 2>/dev/null || true
		[ ! -e pwned ]
		openssl ocsp -respin "x$n.pem.ocsp" -noverify -resp_text |
			cmp - shown
		n=$((n + 1))
	done
}

@test "the curl command of -vv is whole, however long a header is" {
	needs_curl
	leaf site good-same
	fetch -vv -H "X-Test: $(printf '%5000s' '' | tr ' ' a)" site.pem
	exits 0
	repeats
}
