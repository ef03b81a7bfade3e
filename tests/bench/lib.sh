# SPDX-License-Identifier: ISC
# What bench.sh and gate.sh share: a world of certificates with a responder,
# instructions counted, rows printed.  Sourced; BUILD and OCSPFETCH are set by
# the Makefile.
# shellcheck shell=sh
# shellcheck disable=SC2034 # some variables are for those who source it

export LC_ALL=C TZ=UTC
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY

# In memory, where there is such a place: a disk has rows of its own.
MEMORY=/dev/shm
[ -d "$MEMORY" ] && [ -w "$MEMORY" ] || MEMORY=${TMPDIR:-/tmp}

die() {
	echo "$0: $*" >&2
	exit 1
}

# begin: makes $WORK, which is gone at the end like all that start() started.
begin() {
	WORK=$(mktemp -d "$MEMORY/ocspfetch-bench.XXXXXX") || exit 1
	trap end EXIT
	trap 'exit 130' HUP INT TERM
	: >"$WORK/pids"
}

end() {
	trap '' HUP INT TERM # make passes on what we got already
	while read -r pid; do
		kill "$pid" 2>/dev/null
	done <"$WORK/pids"
	wait
	rm -rf "$WORK" ${ON_DISK:+"$ON_DISK"}
}

# start NAME ANSWERS [options]: a responder; sets URL and PID, and writes
# $WORK/NAME.out.
start() {
	out=$WORK/$1.out answers=$2
	shift 2
	: >"$out"
	"$BUILD/bench-responder" "$@" "$answers" >"$out" &
	PID=$!
	echo "$PID" >>"$WORK/pids"
	tries=0
	until grep -q '^port' "$out"; do
		[ $((tries += 1)) -lt 100 ] || die "no responder"
		sleep 0.05
	done
	URL=http://127.0.0.1:$(awk '/^port/ { print $2 }' "$out")
}

# stop NAME PID: a responder; sets REQUESTS and CONNECTIONS to what it counted.
stop() {
	kill "$2"
	wait "$2"
	REQUESTS=$(awk '/^requests/ { print $2 }' "$WORK/$1.out")
	CONNECTIONS=$(awk '/^connections/ { print $2 }' "$WORK/$1.out")
}

# world NAME N rsa|ec direct|delegated: $WORK/NAME with N certificates, and
# their responder, at once; its URL in $WORK/NAME/url.
world() {
	mkdir "$WORK/$1" "$WORK/$1/out"
	start "$1" "$WORK/$1/answers"
	echo "$URL" >"$WORK/$1/url"
	"$BUILD/bench-pki" "$WORK/$1" "$URL" "$2" "$3" "$4" ||
	    die "no certificates"
}

# names N: those of the first N certificates of a world.
names() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "leaf/%05d.pem\n", i }'
}

forget() {
	find leaf -name '*.ocsp' -exec rm -f {} +
}

# callgrind FILE COMMAND...: the instructions that it and the processes take that
# it starts; its profile in FILE, theirs beside it.
callgrind() {
	profile=$1
	shift
	[ "$1" != "$OCSPFETCH" ] || {
		shift
		set -- "$UNJAILED" "$@"
	}
	rm -f "$profile" "$profile".*
	{ valgrind --tool=callgrind --callgrind-out-file="$profile.%p" "$@" \
	    2>&1 >/dev/null && : >"$profile"; } | cat >"$WORK/callgrind"
	[ -e "$profile" ] || {
		cat "$WORK/callgrind" >&2
		die "$1 failed under callgrind"
	}
	awk '/Collected/ { n += $NF } END { print n }' "$WORK/callgrind"
}

# further WHAT: instructions for each further certificate of the world that is
# the working directory, as a difference of two runs: what is the same in both
# does not count.  -P 2, so that the program does not take the responder for
# slow, as all is under valgrind.  WHAT: new (no file yet), same (equal bytes), idle (not due).
further() {
	option=
	[ "$1" = new ] || {
		# shellcheck disable=SC2046
		"$OCSPFETCH" $(names 240) || die "$OCSPFETCH failed"
	}
	[ "$1" != idle ] || option=-d
	[ "$1" != new ] || forget
	# shellcheck disable=SC2046
	few=$(callgrind "$WORK/few" "$OCSPFETCH" -P 2 $option $(names 40)) || exit 1
	[ "$1" != new ] || forget
	# shellcheck disable=SC2046
	many=$(callgrind "$WORK/many" "$OCSPFETCH" -P 2 $option $(names 240)) ||
	    exit 1
	echo "$(((many - few) / 200))"
}

# row TEXT FIGURE RELATION GOAL [REMARK]: sets MISSED where the figure is not
# in the relation ("<=", ">=", "==") to the goal; "-" is no goal.
row() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" "" | head -n 1 | awk -F '\t' '{
		if ($3 == "<=")
			ok = $2 + 0 <= $4 + 0
		else if ($3 == ">=")
			ok = $2 + 0 >= $4 + 0
		else
			ok = $2 + 0 == $4 + 0
		goal = $4 == "-" ? "" : $3 " " $4
		verdict = $4 == "-" ? "" : ok ? "ok" : "MISSED"
		printf "%-55s %9s  %-10s %-7s %s\n", $1, $2, goal, verdict, $5
		exit verdict == "MISSED"
	}' || MISSED=yes
}
