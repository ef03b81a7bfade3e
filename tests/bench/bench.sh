#!/bin/sh
# SPDX-License-Identifier: ISC
#
# make bench: ocspfetch beside what else asks OCSP responders, in the same run.
#
# The commands of a row take turns, A B A B ..., on files in memory; its figure
# is the median of the rounds' ratios, so that what else the machine does weighs
# on both.  Exit status 0 says that it was measured, not that it was fast.
#
#	FULL	not empty: everything, with more rounds; else a quick look
#	BENCH	rows to measure, by their headings: one many latency disk idle
#		growth wire scale
#	DISK	a directory on a real disk (the build directory)
set -u

cd "$(dirname "$0")/../.." || exit 1
TOP=$(pwd)
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

FULL=${FULL-}
BENCH=${BENCH:-one many latency disk idle growth wire scale}
DISK=${DISK:-$BUILD}
OPENSSL="openssl ocsp -no_nonce -issuer ca.pem"
TURNS=$BUILD/bench-turns

# What the peers do with many: a process for each.  $1 is the responder.
# shellcheck disable=SC2016
LOOP='u=$1; shift; for f; do '"$OPENSSL"' -CAfile chain.pem -url "$u" \
	-cert "$f" -respout "out/${f#leaf/}" || exit 1; done'
# shellcheck disable=SC2016
XARGS='u=$1; shift; printf "%s\n" "$@" | xargs -P8 -I@ '"$OPENSSL"' \
	-CAfile chain.pem -url "$u" -cert @ -respout @.peer'
# shellcheck disable=SC2016
RESPIN='for f; do '"$OPENSSL"' -CAfile chain.pem -cert "$f" \
	-respin "$f.ocsp" || exit 1; done'
FORGET='find leaf -name "*.ocsp" -exec rm -f {} +'

wanted() {
	case " $BENCH " in *" $1 "*) ;; *) return 1 ;; esac
	printf '\n%s: %s\n' "$1" "$2"
}

# quick A, full B: the first in a quick look.
rounds() {
	if [ -n "$FULL" ]; then echo "$2"; else echo "$1"; fi
}

# turns FILE ARGS...: measures; FILE keeps every run.
turns() {
	file=$1
	shift
	"$TURNS" "$@" >"$file" || die "a measurement failed"
}

# median NAME COLUMN < FILE; columns: 2 wall, 3 CPU, 4 RSS
# ratio OURS THEIRS COLUMN < FILE, the median of the rounds' ratios
# shellcheck disable=SC2016
MEDIAN='function median(v, n,   i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}'

median() {
	awk -v name="$1" -v col="$2" "$MEDIAN"'
	$1 == name { v[++n] = $col }
	END { printf "%.0f\n", median(v, n) }'
}

ratio() {
	awk -v ours="$1" -v theirs="$2" -v col="$3" "$MEDIAN"'
	$1 == ours { a[++n] = $col }
	$1 == theirs { b[++m] = $col }
	END {
		for (i = 1; i <= n && i <= m; i++)
			r[i] = a[i] / b[i]
		printf "%.4g\n", median(r, i - 1)
	}'
}

# compare FILE TEXT OURS THEIRS COLUMN GOAL [N]: a row, with the medians in ms.
# A peer that did only N certificates of 1000 is taken for as slow with the rest.
compare() {
	ours=$(median "$3" "$5" <"$1") theirs=$(median "$4" "$5" <"$1")
	factor=$((1000 / ${7:-1000}))
	row "$2" "$(ratio "$3" "$4" "$5" <"$1" | calc "x / $factor")" "<=" "$6" \
	    "$(echo "$ours" | calc "x / 1000") ms : $(
		echo "$theirs" | calc "x * $factor / 1000") ms$(scaled "$factor")"
}

# calc TERM: of the number x on standard input.
calc() {
	awk "{ x = \$1; printf \"%.5g\\n\", $1 }"
}

scaled() {
	[ "$1" -eq 1 ] || echo " (of $((1000 / $1)) certificates, x $1)"
}

# ---- rows ----

has_ocsptool() {
	command -v ocsptool >/dev/null
}

one() {
	cd "$WORK/rsa" || exit 1
	u=$(cat url) f=leaf/00000.pem w=$WORK/one slow=$WORK/one-50
	"$OCSPFETCH" $f || die "$OCSPFETCH failed"
	get=$u/$(openssl ocsp -no_nonce -issuer ca.pem -cert $f -reqout - |
	    openssl base64 -A | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')
	curl -sf "$get" | cmp -s - $f.ocsp ||
	    die "curl does not get the same bytes"
	set --
	if has_ocsptool; then
		set -- ocsptool : ocsptool --ask="$u" --load-cert $f \
		    --load-issuer ca.pem --outfile out/one \;
	fi
	# shellcheck disable=SC2086
	turns "$w" -w "$(rounds 30 100)" \
	    new "rm -f $f.ocsp" "$OCSPFETCH" $f \; \
	    cafile : $OPENSSL -CAfile chain.pem -url "$u" -cert $f \
	    -respout out/one \; \
	    default : $OPENSSL -url "$u" -cert $f -respout out/one \; \
	    curl : curl -s -o out/one "$get" \; \
	    idle : "$OCSPFETCH" -d $f \; \
	    respin : $OPENSSL -CAfile chain.pem -cert $f -respin $f.ocsp \; \
	    "$@"
	compare "$w" "wall: openssl ocsp -CAfile" new cafile 2 1.55
	goal=0.35
	[ -s "$(openssl version -d | cut -d '"' -f 2)/cert.pem" ] || goal=- # no bundle
	compare "$w" "wall: openssl ocsp, its default trust" new default 2 \
	    "$goal"
	compare "$w" "wall: curl, the same bytes" new curl 2 1.15
	[ $# -eq 0 ] ||
	    compare "$w" "wall: ocsptool --ask" new ocsptool 2 -
	compare "$w" "nothing due, wall: openssl ocsp -respin" idle respin 2 1.5
	u=$(cat "$WORK/slow.url")
	# shellcheck disable=SC2086
	turns "$slow" "$(rounds 10 40)" \
	    new "rm -f $f.ocsp" "$OCSPFETCH" -u "$u" $f \; \
	    cafile : $OPENSSL -CAfile chain.pem -url "$u" -cert $f \
	    -respout out/one \;
	compare "$slow" "wall, 50 ms: openssl ocsp -CAfile" new cafile 2 1.05
	one_instructions
}

one_instructions() {
	command -v valgrind >/dev/null || return 0
	u=$(cat url)
	forget
	ours=$(callgrind /dev/null "$OCSPFETCH" $f) || exit 1
	# shellcheck disable=SC2086
	theirs=$(callgrind /dev/null $OPENSSL -CAfile chain.pem -url "$u" \
	    -cert $f) || exit 1
	row "instructions: openssl ocsp -CAfile" \
	    "$(echo "$ours" | calc "x / $theirs")" "<=" 1.10 "$ours : $theirs"
}

# many_of WORLD TEXT NEW SAME: the goals for CPU.
many_of() {
	cd "$WORK/$1" || exit 1
	u=$(cat url) w=$WORK/many.$1
	# shellcheck disable=SC2046
	set -- "$@" $(names 1000)
	text=$2 new=$3 same=$4
	shift 4
	# shellcheck disable=SC2046
	turns "$w" "$(rounds 3 7)" \
	    new "$FORGET" "$OCSPFETCH" "$@" \; \
	    same : "$OCSPFETCH" "$@" \; \
	    loop : sh -c "$LOOP" loop "$u" $(names "$LOOPED") \;
	compare "$w" "$text, all new, CPU: openssl loop" new loop 3 "$new" \
	    "$LOOPED"
	compare "$w" "$text, unchanged, CPU: openssl loop" same loop 3 "$same" \
	    "$LOOPED"
}

many() {
	many_of rsa "RSA" 0.03 0.025
	# shellcheck disable=SC2046
	turns "$WORK/many.x" "$(rounds 3 7)" \
	    new "$FORGET" "$OCSPFETCH" $(names 1000) \; \
	    xargs : sh -c "$XARGS" xargs "$(cat url)" $(names 1000) \;
	compare "$WORK/many.x" "RSA, all new, wall: xargs -P8 openssl" \
	    new xargs 2 0.07
	many_of ec "P-256" 0.036 0.033
	many_of delegated "RSA, delegated" 0.06 0.06
	[ -z "$FULL" ] || many_of ec-delegated "P-256, delegated" 0.075 0.075
	if has_ocsptool; then
		many_ocsptool
	fi
}

many_ocsptool() {
	cd "$WORK/rsa" || exit 1
	# shellcheck disable=SC2016,SC2046
	turns "$WORK/many.o" "$(rounds 1 5)" \
	    new "$FORGET" "$OCSPFETCH" $(names 1000) \; \
	    ocsptool : sh -c 'u=$1; shift; for f; do ocsptool --ask="$u" \
		--load-cert "$f" --load-issuer ca.pem \
		--outfile "out/${f#leaf/}" || exit 1; done' loop \
	    "$(cat url)" $(names "$LOOPED") \;
	compare "$WORK/many.o" "RSA, all new, CPU: ocsptool --ask loop" \
	    new ocsptool 3 - "$LOOPED"
}

# latency_at P: how near 1000 certificates come to their bound, ceil(N / P) x latency.
latency_at() {
	# shellcheck disable=SC2046
	turns "$WORK/latency.$1" "$(rounds 1 5)" \
	    new "$FORGET" "$OCSPFETCH" -u "$u" -P "$1" $(names 1000) \;
	ms=$(median new 2 <"$WORK/latency.$1" | calc "x / 1000")
	asked=$(((1000 + $1 - 1) / $1)) # one after the other
	bound=$((asked * 50))
	row "-P $1, wall: its bound" "$(echo "$ms" | calc "x / $bound")" "<=" \
	    1.10 "$ms ms : $bound ms"
}

# latency_gain P GOAL: against the loop
latency_gain() {
	ms=$(median new 2 <"$WORK/latency.$1" | calc "x / 1000")
	row "-P $1: times faster than the openssl loop" \
	    "$(echo "$ms" | calc "$loop / x")" ">=" "$2" \
	    "$ms ms : $loop ms$(scaled "$factor")"
}

latency() {
	cd "$WORK/rsa" || exit 1
	u=$(cat "$WORK/slow.url") n=$(rounds 100 1000) factor=$(rounds 10 1)
	# shellcheck disable=SC2046
	turns "$WORK/latency.loop" 1 \
	    loop : sh -c "$LOOP" loop "$u" $(names "$n") \;
	loop=$(median loop 2 <"$WORK/latency.loop" |
	    calc "x * $factor / 1000")
	for p in 8 16 32 64; do
		latency_at $p
	done
	latency_gain 16 14
	latency_gain 32 31
	latency_gain 64 58
}

disk() {
	ON_DISK=$(mktemp -d "$DISK/bench-disk.XXXXXX") || die "no disk"
	kind=$(stat -f -c %T "$ON_DISK" 2>/dev/null)
	cp -R "$WORK/rsa/ca.pem" "$WORK/rsa/chain.pem" "$ON_DISK"
	cd "$WORK/rsa" || exit 1
	mkdir "$ON_DISK/leaf"
	# shellcheck disable=SC2046
	cp $(names 1000) "$ON_DISK/leaf"
	u=$(cat url) w=$WORK/disk
	cd "$ON_DISK" || exit 1
	# shellcheck disable=SC2046
	turns "$w" "$(rounds 3 7)" \
	    new "$FORGET" "$OCSPFETCH" $(names 1000) \; \
	    xargs : sh -c "$XARGS" xargs "$u" $(names 1000) \;
	compare "$w" "$kind, all new, wall: xargs -P8 openssl" new xargs 2 0.40
	cd "$TOP" || exit 1
}

# never TEXT COUNT CONTROL: nothing at all, a count that was seen to be more elsewhere.
never() {
	[ "$3" -gt 0 ] || die "$1 is never seen, not even when all is asked"
	row "$1" "$2" "==" 0
}

idle() {
	cd "$WORK/rsa" || exit 1
	# shellcheck disable=SC2046
	"$OCSPFETCH" $(names 1000) || die "$OCSPFETCH failed"
	# shellcheck disable=SC2046
	turns "$WORK/idle" "$(rounds 3 7)" \
	    idle : "$OCSPFETCH" -d $(names 1000) \; \
	    respin : sh -c "$RESPIN" respin $(names "$LOOPED") \;
	compare "$WORK/idle" "wall: openssl ocsp -respin loop" idle respin 2 \
	    0.025 "$LOOPED"
	if command -v strace >/dev/null; then
		never "sockets opened" "$(sockets -d)" "$(sockets -f)"
	fi
	command -v valgrind >/dev/null || return 0
	instructions=$(further idle) || exit 1
	row "instructions for each further certificate" "$instructions" \
	    "<=" 750000
	asleep=$(grep -c '(.*) curl_global_init$' "$WORK/many")
	callgrind "$WORK/asked" "$OCSPFETCH" leaf/00000.pem >/dev/null
	never "curl_global_init() called" "$asleep" \
	    "$(grep -c '(.*) curl_global_init$' "$WORK/asked")"
}

sockets() {
	# shellcheck disable=SC2046
	strace -f -e trace=socket -o "$WORK/strace" \
	    "$OCSPFETCH" "$1" $(names 100) || die "$OCSPFETCH failed"
	grep -c 'socket(AF_INET' "$WORK/strace"
}

growth() {
	cd "$WORK/rsa" || exit 1
	w=$WORK/growth
	# shellcheck disable=SC2046,SC2086
	turns "$w" "$(rounds 3 7)" \
	    five "$FORGET" "$OCSPFETCH" $(names 5000) \; \
	    one "$FORGET" "$OCSPFETCH" $(names 1000) \; \
	    openssl : $OPENSSL -CAfile chain.pem -url "$(cat url)" \
	    -cert leaf/00000.pem \;
	compare "$w" "CPU of 5000: CPU of 1000" five one 3 5.3
	five=$(median five 4 <"$w") one=$(median one 4 <"$w")
	row "peak memory at 5000, MiB" \
	    "$(echo "$five" | calc "x / 1024")" "<=" 14
	row "peak memory, bytes for each further certificate" \
	    "$(((five - one) * 1024 / 4000))" "<=" 700
	row "peak memory at 5000: openssl ocsp" \
	    "$(ratio five openssl 4 <"$w")" "<=" 1.8
}

wire() {
	cd "$WORK/rsa" || exit 1
	for p in 1 16 64; do
		start wire answers
		forget
		# shellcheck disable=SC2046
		"$OCSPFETCH" -u "$URL" -P $p $(names 1000) ||
		    die "$OCSPFETCH failed"
		stop wire "$PID"
		row "-P $p: requests of 1000 certificates" "$REQUESTS" "==" 1000
		row "-P $p: connections" "$CONNECTIONS" "<=" $p
	done
}

scale() {
	if SCALE=$(rounds 2000 20000) BUILD=$BUILD OCSPFETCH=$OCSPFETCH \
	    "$TOP/tests/run" scale >"$WORK/scale"; then
		said=$(tail -n 1 "$WORK/scale")
	else
		said=$(grep -h '^not ok' "$WORK/scale" | head -n 1)
	fi
	row "scale.bats, tests that failed" \
	    "$(grep -c '^not ok' "$WORK/scale")" "==" 0 "$said"
}

# ---- the run ----

# A peer that loops is slow, and as slow with each: a quick look takes fewer.
LOOPED=$(rounds 250 1000)

for tool in openssl curl xargs; do
	command -v "$tool" >/dev/null || die "it needs $tool"
done
begin
ON_DISK=
MISSED=
echo "$("$OCSPFETCH" --version), $(openssl version | cut -d ' ' -f 1,2)," \
    "$(curl --version | head -n 1 | cut -d ' ' -f 1,2), files in $MEMORY"
[ -n "$FULL" ] || echo "a quick look; FULL=1 for more"
uptime | sed 's/.*load average/load average at the start/'
world rsa 5000 rsa direct
world ec 1000 ec direct
world delegated 1000 rsa delegated
[ -z "$FULL" ] || world ec-delegated 1000 ec delegated
start slow "$WORK/rsa/answers" -l 50
echo "$URL" >"$WORK/slow.url"

wanted one "one certificate, figure = ocspfetch / what the row names" && one
wanted many "1000 certificates, no latency, ocspfetch / the peer" && many
wanted latency "1000 certificates at 50 ms" && latency
wanted disk "1000 certificates with every fsync on a real disk" && disk
wanted idle "1000 certificates, nothing due" && idle
wanted growth "1000 and 5000 certificates, all new" && growth
wanted wire "what the responder counted" && wire
wanted scale "many under ulimit -n 256" && scale
[ -z "$MISSED" ] || printf '\nSome goals were missed.\n'
exit 0
