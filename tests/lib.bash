# What the end-to-end tests share: a throw-away PKI, a responder, certificates.
# shellcheck shell=bash
#
#	load lib
#	setup_file() { world; }
#	teardown_file() { end_world; }
#	setup() { cd "$BATS_TEST_TMPDIR" || exit; }
#
# OCSPFETCH, FORGE and RESPONDER are set by tests/run.  Each test works in a
# directory of its own, so tests may run in any order.

bats_require_minimum_version 1.5.0

# A PKI in $PKI, and our responder at $URL, whose requests end up in $LOG.
world() {
	PKI=$BATS_FILE_TMPDIR/pki
	LOG=$BATS_FILE_TMPDIR/requests
	export PKI LOG
	mkdir -p "$PKI"
	"$FORGE" pki "$PKI"
	start_responder "$BATS_FILE_TMPDIR/responder" -l "$LOG"
	URL=http://127.0.0.1:$PORT
	export URL
}

end_world() {
	stop_all
}

# start_responder STEM [options]: sets PORT.
start_responder() {
	local stem=$1 i
	shift
	: >"$stem.out" # the shell that runs it may be late
	"$RESPONDER" -d "$PKI" "$@" >"$stem.out" 2>"$stem.err" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	for ((i = 0; i < 100; i++)); do
		PORT=$(awk '/^port/ { print $2 }' "$stem.out")
		[ -z "$PORT" ] || break
		sleep 0.05
	done
	[ -n "$PORT" ]
	export PORT
}

stop_all() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_FILE_TMPDIR/pids"
}

# leaf NAME BEHAVIOUR [forge options]: NAME.pem with its responder, and the
# issuer in NAME.pem.issuer.  BEHAVIOUR "-" is no responder.
leaf() {
	local name=$1 behaviour=$2 id=t$BATS_TEST_NUMBER-${1##*/}
	shift 2
	[ "$behaviour" = - ] || set -- "$@" --url "$URL/$behaviour"
	"$FORGE" leaf "$PKI" "$id" "$@"
	cp "$PKI/$id.pem" "$name.pem"
	cp "$PKI/$id.key" "$name.key"
	cp "$PKI/ca.pem" "$name.pem.issuer"
}

# response NAME RECIPE: writes NAME.pem.ocsp, as a run would have left it.
response() {
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-${1##*/}" "$2" >"$1.pem.ocsp"
}

# The program, with $status, $output (stdout) and $stderr.
fetch() {
	run --separate-stderr "$OCSPFETCH" "$@"
}

# exits N: as it should, without a sanitizer's word.
# shellcheck disable=SC2154
exits() {
	[ "$status" -eq "$1" ] || {
		echo "exit status $status, not $1"
		echo "stdout: $output"
		echo "stderr: $stderr"
		return 1
	}
}

silent() {
	[ -z "$output$stderr" ] || {
		echo "not silent: $output$stderr"
		return 1
	}
}

# says TEXT: on standard error.
says() {
	[[ $stderr == *"$1"* ]] || {
		echo "stderr does not say \"$1\": $stderr"
		return 1
	}
}

# Inode, size, mode, owner and time of a file: what must not change.
identity() {
	stat -c '%i %s %a %u:%g %y' "$1"
}

# Names of temporary files that were left in a directory.
leftovers() {
	find "${1:-.}" -name '.*.ocsp.*'
}

# A directory of the test's own, and a word in its URLs that tells its requests
# in the log; end_place() ends what the test started and left in `pids`.
own_place() {
	MINE=x$BATS_TEST_NUMBER
	PLACE=
	# bats has its own files one level up
	mkdir "$BATS_TEST_TMPDIR/d"
	cd "$BATS_TEST_TMPDIR/d" || exit
}

end_place() {
	local started
	if [ -e "$BATS_TEST_TMPDIR/pids" ]; then
		while read -r started; do
			kill -9 "$started" 2>/dev/null || true
			wait "$started" 2>/dev/null || true
		done <"$BATS_TEST_TMPDIR/pids"
	fi
	[ -z "$PLACE" ] || rm -rf "$PLACE"
}

# site BEHAVIOUR [forge options]: site.pem, whose requests asked() counts.
site() {
	local behaviour=$1
	shift
	leaf site "$behaviour.$MINE" "$@"
}

asked() {
	grep -c "^[A-Z]* /[^ ]*\.$MINE " "$LOG" || true
}

# Beside ../old and ../new, the responses of before and after a run that is
# made to fail: is it the new one, though its signature may be another?
is_whole_new() {
	[ -s site.pem.ocsp ] && ! cmp -s ../old site.pem.ocsp || return 1
	cmp -s ../new site.pem.ocsp ||
		openssl ocsp -respin site.pem.ocsp -issuer "$PKI/ca.pem" \
			-cert site.pem -CAfile "$PKI/ca.pem" -partial_chain \
			-no_nonce 2>&1 | grep -q '^site.pem: good$'
}

# What is there: old, new, none, or torn.
holding() {
	if [ ! -e site.pem.ocsp ]; then
		echo none
	elif cmp -s ../old site.pem.ocsp; then
		echo old
	elif is_whole_new; then
		echo new
	else
		echo torn
	fi
}
