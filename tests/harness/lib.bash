# SPDX-License-Identifier: ISC
# What the end-to-end tests share: a throw-away PKI, a responder, certificates.
# shellcheck shell=bash
#
#	load ../harness/lib
#	setup_file() { world; }
#	teardown_file() { end_world; }
#	setup() { own_place; }
#	teardown() { end_place; }
#
# What it sets is for the suites.
# shellcheck disable=SC2034
#
# OCSPFETCH, FORGE and RESPONDER are set by tests/run.  Each test works in a
# directory of its own, so tests may run in any order.

bats_require_minimum_version 1.5.0

# The tree, from tests/FOLDER/SUITE.bats, and its manual.
TOP=${BATS_TEST_DIRNAME%/*/*}
MAN=$TOP/man/ocspfetch.1

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

# For who compares the log before and after: one test at a time.
world_of_one() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	world
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

# clock SECONDS [options]: the program, where the clock is that far ahead.
clock() {
	local asan off=$1
	shift
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	run --separate-stderr env LD_PRELOAD="$CLOCKSHIM $asan" \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
		CLOCK_OFF="$off" "$OCSPFETCH" "$@"
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

by_valgrind() {
	[ "${OCSPFETCH##*/}" = memcheck ]
}

# Does the program keep memory, for a sanitizer or for valgrind?
sanitized() {
	by_valgrind ||
		grep -q '__[at]san_init' "$OCSPFETCH"
}

# unsanitized WHY || return 0: CI runs the test with the plain build, too.
unsanitized() {
	sanitized || return 0
	[ "${CI-}" != true ] || return 1
	skip "a sanitizer $1"
}

by_tsan() {
	grep -q __tsan_init "$OCSPFETCH"
}

# ThreadSanitizer writes a file of its own, and takes signals when it likes.
not_for_tsan() {
	! by_tsan || skip "ThreadSanitizer does it, too"
}

# valgrind has files of its own, which it must be able to make.
not_for_valgrind() {
	! by_valgrind || skip "valgrind cannot"
}

# Does OpenSSL itself refuse SHA-1 in signatures here, as RHEL 9 and Fedora 41?
sha1_refused() {
	local key=$BATS_TEST_TMPDIR/sha1.key
	[ -e "$key" ] ||
		openssl ecparam -name prime256v1 -genkey -noout -out "$key"
	! openssl dgst -sha1 -sign "$key" -out /dev/null "$key" 2>/dev/null
}

# What is promised there is in openssl-algorithms.bats.
needs_sha1() {
	! sha1_refused || skip "this OpenSSL refuses SHA-1 in signatures"
}

# verifiable: the lines of stdin, each of which begins with a recipe, but those
# whose signature is refused here.
verifiable() {
	if sha1_refused; then
		grep -vE '^((revoked-)?(sig-sha1|by-sha1-delegate)|adcs)( |$)'
	else
		cat
	fi
}

# OpenSSL 3.5 (3.0 does not) waits for itself for ever, in CRYPTO_THREAD_run_once(), where
# one of the first two allocations fails that it makes to set itself up.
ours_begin_at() {
	case $(openssl version) in
	'OpenSSL 3.'[01].*) echo 1 ;;
	*) echo 3 ;;
	esac
}

# within SECONDS COMMAND...: it becomes true.
within() {
	local i
	for ((i = 0; i < 20 * $1; i++)); do
		! "${@:2}" || return 0
		sleep 0.05
	done
	echo "not within $1 s: ${*:2}"
	return 1
}

# in_background COMMAND...: until the test ends; what it says is in server.log.
in_background() {
	: >server.log
	"$@" >server.log 2>&1 </dev/null 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
}

# until_ready COMMAND...: succeeds, within half a minute.
until_ready() {
	within 30 "$@" 2>/dev/null || {
		echo "the server did not start: $(<server.log)"
		return 1
	}
}

# haproxy_conf DIRECTORY BIND...: a HAProxy with its socket there, which listens
# at each of these.
haproxy_conf() {
	local bind n=0
	printf '%s\n' global "    stats socket $1/admin.sock level admin" \
		defaults "    mode http" "    timeout client 5s" \
		"    timeout server 5s" "    timeout connect 5s"
	for bind in "${@:2}"; do
		printf 'frontend f%d\n    bind %s\n' "$((++n))" "$bind"
	done
}

# never COMMAND: it has to fail; a "!" would be no assertion.
never() {
	if "$@"; then return 1; fi
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
	find "${1:-.}" -name '.*.ocsp[.-]*'
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

# was_asked [N]: so often at least, or once.
was_asked() {
	[ "$(asked)" -ge "${1:-1}" ]
}

# timed arguments: fetch, and how many ms it took.
timed() {
	local from=${EPOCHREALTIME/[.,]/}
	fetch "$@"
	MS=$(((${EPOCHREALTIME/[.,]/} - from) / 1000))
}

# ---- a run in the background, or of another user ----

# To be gone when the test ends.
remember() {
	echo "$1" >>"$BATS_TEST_TMPDIR/pids"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# The program in the background, as $pid.  A shell would have it ignore SIGINT.
start() {
	env --default-signal=HUP,INT,TERM "$OCSPFETCH" "$@" \
		>../out 2>../err 3>&- &
	pid=$!
	remember "$pid"
}

# The program that was started, to its end.
finish() {
	within 10 gone "$pid"
	status=0
	wait "$pid" || status=$?
	output=$(cat ../out)
	stderr=$(cat ../err)
}

# A directory that any user reaches, with the program beside it.
everybodys_place() {
	PLACE=$(mktemp -d /tmp/ocspfetch-place.XXXXXX)
	chmod 755 "$PLACE"
	cp "$OCSPFETCH" "$PLACE/ocspfetch"
	mkdir "$PLACE/d"
	cd "$PLACE/d" || return
}

# As somebody without root's rights.
unprivileged() {
	if [ "$(id -u)" -ne 0 ]; then
		run --separate-stderr "$@"
		return
	fi
	run --separate-stderr setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$@"
}

fetch_unprivileged() {
	unprivileged "$PLACE/ocspfetch" "$@"
}

# ---- what is stored ----

# store STATE: what a run, or an accident, left in site.pem.ocsp.
store() {
	rm -f site.pem.ocsp
	case $1 in
	nothing) ;;
	foreign)
		leaf other -
		response other good
		mv other.pem.ocsp site.pem.ocsp
		;;
	damaged)
		response site good
		truncate -s -20 site.pem.ocsp
		;;
	*) response site "$1" ;;
	esac
}

# Bytes and identity of a file, or that there is none.
state() {
	if [ -e "$1" ] || [ -L "$1" ]; then
		identity "$1"
		if [ -f "$1" ]; then sha256sum <"$1"; fi
	else
		echo absent
	fi
}

# unchanged STATE FILE
unchanged() {
	[ "$1" = "$(state "$2")" ] || {
		echo "$2 was:" "$1"
		echo "$2 is:" "$(state "$2")"
		return 1
	}
}

# All that is in this directory, and the directory.
everything() {
	stat -c '%n %i %s %a %u:%g %y' . ./* ./.[!.]* 2>/dev/null || true
}

# openssl_says FILE [CERTIFICATE]: "good" or "revoked", if it verifies.
openssl_says() {
	openssl ocsp -respin "$1" -issuer "$PKI/ca.pem" -cert "${2:-site.pem}" \
		-CAfile "$PKI/ca.pem" -partial_chain -no_nonce >../said 2>&1
	grep -q '^Response verify OK$' ../said || {
		cat ../said
		return 1
	}
	sed -n 's/^.*: \(good\|revoked\)$/\1/p' ../said
}

is_good() {
	[ "$(openssl_says "$@")" = good ]
}

is_revoked() {
	[ "$(openssl_says "$@")" = revoked ]
}

# thisUpdate of a response, in seconds.
this_update() {
	date -d "$(openssl ocsp -respin "$1" -noverify -resp_text 2>/dev/null |
		sed -n 's/^ *This Update: //p')" +%s
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

# ---- what the suites about requests share ----

# A word in the URLs of this test, so that it finds its own lines in the log.
own_token() {
	cd "$BATS_TEST_TMPDIR" || exit
	T=t$BATS_TEST_NUMBER
}

# What a message ends with where nothing is stored.
STANDS="there is no site.pem.ocsp; run again later"

have_ipv6() {
	grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null ||
		skip "no IPv6 on this machine"
}

not() {
	if "$@"; then
		echo "it should not: $*"
		return 1
	fi
}

does_not_say() {
	[[ $stderr != *"$1"* ]] || {
		echo "stderr says \"$1\": $stderr"
		return 1
	}
}

no_file() {
	[ ! -e "${1:-site}.pem.ocsp" ]
}

good_file() {
	openssl ocsp -respin "${1:-site}.pem.ocsp" -issuer "$PKI/ca.pem" \
		-cert "${1:-site}.pem" -CAfile "$PKI/ca.pem" -partial_chain \
		-no_nonce 2>&1 | grep -q "${1:-site}.pem: good"
}

# fetch_with VAR=VALUE ... arguments: the program in that environment.
fetch_with() {
	local vars=()
	while [[ $1 == *=* ]]; do
		vars+=("$1")
		shift
	done
	run --separate-stderr env "${vars[@]}" "$OCSPFETCH" "$@"
}

# A responder of this test alone: sets URL, PORT and LOG.
own_responder() {
	LOG=$PWD/own.log
	: >"$LOG"
	: >own.out
	start_responder own -l "$LOG" "$@"
	URL=http://127.0.0.1:$PORT
}

# reads TEXT: standard error is this one message, whole, but for what differs
# from run to run: ports, times, spans of time, the question in a URL, a word
# that tells a test's requests apart, and how libcurl puts a port or a certificate.
# Under valgrind half a second is gone before anybody is asked.
reads() {
	local got rest='[89]'
	! by_valgrind || rest='[3-9]'
	got=$(sed -E 's,(connect to [^ ]*):([0-9]+): ,\1 port \2: ,g
		s,certificate OpenSSL verify result: ([^;]*) \([0-9]+\),certificate problem: \1,g
		s,(127\.0\.0\.[0-9]|\[::1\]|localhost):[0-9]{4\,5},\1:PORT,g
		s,port [0-9]{4\,5},port PORT,g
		s,in 0\.'"$rest"' s \(--deadline\),in 1 s (--deadline),g
		s,[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC,TIME,g
		s,[0-9]+ (d|h|min|s)( [0-9]+ (h|min|s))? (left|ago|old),SPAN \4,g
		s,/M[A-Za-z0-9%]{80\,},/QUESTION,g
		s,\.t[0-9]+(-[a-z0-9-]+)?([/: ]),\2,g' <<<"$stderr")
	[ "$got" = "ocspfetch: $1" ] || {
		echo "it reads:     $got"
		echo "it should be: ocspfetch: $1"
		return 1
	}
}

# A machine that trusts the authority of the PKI as any other, for TLS: the
# list that libcurl was built with is covered, in a mount namespace of its own.
needs_trust() {
	BUNDLE=$(curl-config --ca 2>/dev/null) || true
	[ -e "$BUNDLE" ] || skip "libcurl's list of authorities is not known"
	trusting true 2>/dev/null ||
		skip "no namespace in which the list could be covered"
}

trusting() {
	local who=-m
	[ "$(id -u)" -eq 0 ] || who=-rm
	# shellcheck disable=SC2016
	unshare "$who" sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' - \
		"$PKI/ca.pem" "$BUNDLE" "$@"
}

fetch_trusting() {
	run --separate-stderr trusting "$OCSPFETCH" "$@"
}

# left_out RECIPE: from 3.6 on OpenSSL's server looks at what it is to staple:
# what it cannot read, or what is not about its certificate, it leaves out, and
# what follows a response.
left_out() {
	case $(openssl version) in
	"OpenSSL 3."[0-5].*) return 1 ;;
	esac
	[ "$1" != trailing ] || return 0
	openssl s_client -connect "127.0.0.1:$TLS" -status </dev/null 2>&1 |
		grep -q 'OCSP responses\{0,1\}: no '
}

# Spans of time made alike.
spans() {
	sed -E 's,[0-9]+ (d|h|min|s)( [0-9]+ (h|min|s))?,SPAN,g'
}

# ---- screenshots, of the manual and of the README ----

# Long lines made whole; then all that differs is made alike.
alike() {
	awk '
	/^(                 |      [^ ])/ { sub(/^ +/, ""); line = line " " $0; next }
	NR > 1 { print line }
	{ line = $0 }
	END { print line }' | sed -E '
	s,https?://[^ ;]*[^ ;:\,],URL,g
	s,[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC,TIME,g
	s,[0-9.]+( port |:)[0-9]+,ADDRESS,g
	s,[0-9]+ ms,MS,g
	s,[0-9]+ bytes,BYTES,g
	s,(serial number|key) [0-9A-F]+,\1 HEX,g
	s,CN=(Test|Example) ,CN=,g' | spans
}

# memory_has PID FILE...: the process has the bytes of one of these in its memory
memory_has() {
	perl -e '
		my ($pid, @files) = @ARGV;
		my %what;
		for my $name (@files) {
			open my $f, "<:raw", $name or die $name;
			local $/;
			$what{$name} = <$f>;
		}
		open my $maps, "<", "/proc/$pid/maps" or die "maps";
		open my $mem, "<:raw", "/proc/$pid/mem" or die "mem";
		while (<$maps>) {
			next unless /^([0-9a-f]+)-([0-9a-f]+) rw/;
			my ($from, $to) = (hex $1, hex $2);
			next if $to - $from > 1 << 28;
			sysseek $mem, $from, 0;
			next unless sysread $mem, my $all, $to - $from;
			for my $name (@files) {
				print("$name\n"), exit 0 if index($all, $what{$name}) >= 0;
			}
		}
		exit 1' "$@"
}
