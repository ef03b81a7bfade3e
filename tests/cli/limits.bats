#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Whatever the responder does: a run ends in its time, in little memory, with
# the code that the manual names for it, and the stored file is as it was.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it, and
# takes a test for a subshell of a test.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_token; }

# What comes of each behaviour where nothing is stored and nothing is asked
# again.  A behaviour that is not here fails the test of this list.
code_of() {
	case $1 in
	*-once | get-* | post-refused | slash-* | cookie-401) echo 0 ;;
	*-unless-nocache | nocache-503 | alternate) echo 0 ;;
	ocsp-4?? | ocsp-50? | type-* | *-date | close | set-cookie) echo 0 ;;
	chunked | http10 | no-length | continue | dribble3) echo 0 ;;
	# what is wrong with them comes after the answer
	sent-twice | late-* | early-* | one-behind) echo 0 ;;
	latency-100) echo 0 ;;
	status-4?? | status-5?? | status-junk | retry-after*) echo 1 ;;
	html-200 | empty-200 | gzip | http09 | truncate*) echo 1 ;;
	chunked-cut | chunk-junk | length-* | te-*) echo 1 ;;
	slow* | endless-* | body-100m | hang*) echo 1 ;;
	reset | reset-middle | redirect-*) echo 1 ;;
	*-twice | unauthorized-6 | 404-* | reset-thrice) echo 1 ;;
	503-* | cert-* | file) echo 1 ;;
	# it is not a new certificate
	unknown-*) echo 4 ;;
	esac
}

behaviours() {
	"$RESPONDER" --list | awk '$1 == "latency-N" { print "latency-100"; exit }
		{ print $1 }'
}

# Seconds of an exchange.
EXCHANGE=1
! by_tsan || EXCHANGE=3

# measured arguments: the program; sets status, ms and kb.
measured() {
	status=0
	# who asks for pauses has them, for a minute if nothing says otherwise
	case $1 in
	retry-after*) set -- --deadline 1 "$@" ;;
	esac
	"$MEASURE" took "$OCSPFETCH" -t "$EXCHANGE" \
	    --connect-timeout "$EXCHANGE" -r 0 "$@" >out 2>err || true
	read -r status ms kb <took
	stderr=$(<err)
	output=$(<out)
}

# How often it was asked; what hang-accept never reads has no token.
questions() {
	case $1 in
	*-hang-accept) echo 1 ;;
	*) grep -c "^[A-Z]* /[^ ]*\.$1 " "$LOG" || true ;;
	esac
}

# No more than a second over the timeouts of the exchanges that there were.
# SLACK is for a machine that is busy.
in_time() {
	local limit=$(($1 * EXCHANGE * 1000 + 1000 + ${SLACK:-2000}))
	[ "$ms" -le "$limit" ] || {
		echo "took $ms ms, more than $limit"
		return 1
	}
}

# Not a MiB more than a good answer needs; a sanitizer keeps what was freed.
in_memory() {
	local more=1024
	! sanitized || more=65536
	[ "$kb" -le $(($1 + more)) ] || {
		echo "$kb KiB of memory, where a good answer needs $1"
		return 1
	}
}

good_kb() {
	leaf good-one "good.$T-good-one"
	measured good-one.pem
	[ "$status" -eq 0 ]
	[ "$kb" -gt 1000 ]
	needs=$kb
}

@test "each behaviour of the responder has an expected outcome" {
	local b
	behaviours >list
	[ "$(wc -l <list)" -gt 70 ]
	while read -r b; do
		[[ $(code_of "$b") =~ ^[014]$ ]] || {
			echo "what is to come of $b?"
			return 1
		}
	done <list
}

@test "in each behaviour time, memory and exit code are as promised" {
	local b needs
	good_kb
	for b in $(behaviours); do
		leaf "$b" "$b.$T-$b"
		measured "$b.pem"
		echo "$b: exit $status, $ms ms, $kb KiB: $stderr"
		exits "$(code_of "$b")"
		in_time "$(questions "$T-$b")"
		in_memory "$needs"
		# two methods, or one past the caches: never more than that
		[ "$(questions "$T-$b")" -le 2 ]
		[ -z "$output" ]
		if [ "$status" -eq 0 ]; then
			[ -z "$stderr" ]
			good_file "$b"
		else
			# one line, and it names the file and the responder
			[ "$(wc -l <err)" -eq 1 ]
			[[ $stderr == "ocspfetch: $b.pem: $URL/$b.$T-$b: "* ]]
			no_file "$b"
		fi
		[ -z "$(leftovers)" ]
	done
}

@test "in each behaviour a stored response is kept, or replaced by a good one" {
	local b before needs
	good_kb
	for b in $(behaviours); do
		leaf "$b" "$b.$T-$b"
		response "$b" good
		before=$(identity "$b.pem.ocsp")
		measured "$b.pem"
		echo "$b: exit $status, $ms ms, $kb KiB: $stderr"
		# it will do, so that nothing temporary is a failure
		if [ "$(code_of "$b")" -eq 4 ]; then
			exits 4
		else
			exits 0
			silent
		fi
		in_time "$(questions "$T-$b")"
		in_memory "$needs"
		good_file "$b"
		[ "$(code_of "$b")" -eq 0 ] ||
		    [ "$before" = "$(identity "$b.pem.ocsp")" ]
		[ -z "$(leftovers)" ]
	done
}

@test "a byte a second ends at -t, and at --deadline, whatever the other says" {
	local how came
	for how in slow slow-headers; do
		came="what came was not whole"
		[ "$how" = slow ] || came="no line of an answer came"
		leaf "$how" "$how.$T-$how"
		EXCHANGE=2 measured "$how.pem"
		exits 1
		EXCHANGE=2 in_time 1
		[ "$ms" -ge 1900 ]
		says "$came in 2 s (--timeout)"
		"$MEASURE" took "$OCSPFETCH" -t 60 --deadline 1 "$how.pem" \
		    2>err || true
		read -r status ms kb <took
		stderr=$(<err)
		exits 1
		in_time 1
		[ "$ms" -ge 900 ]
		echo "$stderr"
		[[ $stderr =~ "$came in "(1|0\.[0-9]+)\ s\ \(--deadline\) ]]
		no_file "$how"
	done
}

@test "100 MB to each of 32 questions at once need no more than 64 KiB each" {
	local i needs
	good_kb
	"$FORGE" leaf "$PKI" "$T-m" --count 32 --url "$URL/body-100m.$T"
	for i in {1..32}; do
		cp "$PKI/$T-m$i.pem" "m$i.pem"
		cp "$PKI/ca.pem" "m$i.pem.issuer"
	done
	measured -P 32 m{1..32}.pem
	exits 1
	echo "$kb KiB, where one good answer needs $needs"
	[ "$(grep -c "more than 65536 bytes came back" err)" -eq 32 ]
	# a body, headers, and what libcurl holds of each
	in_memory $((needs + 32 * 256))
	[ "$ms" -le $((10000 + ${SLACK:-2000})) ]
}

# counting FIRST MORE [CERTIFICATE KEY]: a responder, of https if there is a
# certificate, that says the first, then the second until it is 24 MiB.  It
# counts what the other side's system has taken: sets AT.  The response in
# BEFORE, if there is one, is its answer to a question before.
counting() {
	local http=http
	[ $# -eq 2 ] || http=https
	: >counted
	: >port
	python3 - "$@" >port 2>/dev/null 3>&- <<-'P' &
	import os, socket, ssl, struct, sys
	first, more = (a.encode().decode('unicode_escape').encode() for a in sys.argv[1:3])
	block = more * (4096 // len(more))
	before = open(os.environ['BEFORE'], 'rb').read() if 'BEFORE' in os.environ else b''
	s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(8)
	print(s.getsockname()[1], flush=True)
	if sys.argv[3:]:
	    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); tls.load_cert_chain(*sys.argv[3:])
	while True:
	    c, _ = s.accept(); c.settimeout(5); n = 0
	    # enough is waiting here that it never pauses there
	    c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
	    try:
	        if sys.argv[3:]: c = tls.wrap_socket(c, server_side=True)
	        if before:
	            c.recv(65536); c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(before) + before)
	        c.recv(65536); c.sendall(first)
	        while n < 24 << 20: n += c.send(block)
	    except OSError: pass
	    # tcpi_bytes_acked
	    n = struct.unpack_from('Q', c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 120)[0]
	    open('counted', 'a').write('%d\n' % n); c.close()
	P
	COUNTING=$!
	for _ in {1..100}; do
		[ ! -s port ] || break
		sleep 0.1
	done
	AT=$http://127.0.0.1:$(<port)
}

# 64 KiB of body and 16 of what wraps it, or a line of a header, 100 KiB of
# which libcurl takes; and what our system holds, of which Linux takes twice
# what it is told, and one packet more.
most_of() {
	local more=$((32 + 16))
	case $1 in
	header) echo $((100 + more)) ;;
	*) echo $((64 + 16 + more)) ;;
	esac
}

# is_bounded HOW LIMIT: no more was taken than so many KiB.
is_bounded() {
	for _ in {1..50}; do
		[ ! -s counted ] || break
		sleep 0.1
	done
	kill "$COUNTING"
	wait "$COUNTING" || true
	echo "$1: $(xargs <counted) bytes, of $(($2 << 10)): $stderr"
	[ "$(sort -n counted | tail -n 1)" -le $(($2 << 10)) ]
}

# bounded_over RECORD [CERTIFICATE KEY]: of TLS a record more may have come.
bounded_over() {
	local how record=$1 head='HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
	local moved='HTTP/1.1 302 Found\r\nLocation: /x\r\n'
	local -A first=(
		[body]='HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n'
		[extension]="${head}1;"
		[extensions]="$head"
		[trailers]="${head}0\r\n"
		[headers]='HTTP/1.1 200 OK\r\n'
		[header]='HTTP/1.1 200 OK\r\nX: '
		[continue]='HTTP/1.1 100 Continue\r\n\r\n'
		[moved]="${moved}Transfer-Encoding: chunked\r\n\r\n1;"
		[moved-body]="${moved}Content-Length: 999999999\r\n\r\n"
	) more=(
		[body]=a
		[extension]=a
		[extensions]='1;aaaaaaaaaaaaaaa\r\na\r\n'
		[trailers]='X: aaaaaaaaaaaaaaaaaaa\r\n'
		[headers]='X: aaaaaaaaaaaaaaaaaaa\r\n'
		[header]=a
		[continue]='HTTP/1.1 100 Continue\r\n\r\n'
		[moved]=a
		[moved-body]=a
	)
	leaf site -
	for how in "${!first[@]}"; do
		counting "${first[$how]}" "${more[$how]}" "${@:2}"
		fetch -X get -r 0 -t 20 --max-redirs 3 --cacert "$PKI/ca.pem" \
		    -u "$AT/x" site.pem
		is_bounded "$how" $(($(most_of "$how") + record))
		exits 1
		says "too large"
		no_file
	done
}

@test "no more than 64 KiB and receive buffers are taken, however it is wrapped" {
	bounded_over 0
}

@test "nor are they over TLS" {
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1
	bounded_over 16 "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
}

@test "nor are they over a connection that brought a good response before" {
	leaf site -
	leaf other -
	"$FORGE" response "$PKI" "$T-other" good >other.der
	BEFORE=other.der counting \
	    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;' a
	fetch -X get -r 0 -t 20 -P 1 -u "$AT/x" other.pem site.pem
	is_bounded extension $(($(most_of extension) + $(wc -c <other.der) / 1024 + 1))
	exits 1
	says "too large"
	good_file other
	no_file
}

@test "nor are they from a proxy that opens no tunnel" {
	leaf site -
	counting 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nTransfer-Encoding: chunked\r\n\r\n1;' a
	fetch -r 0 -t 20 -x "$AT" -u https://ocsp.invalid/ site.pem
	is_bounded tunnel "$(most_of tunnel)"
	exits 1
	says "the proxy failed: it answers CONNECT with HTTP 407"
}

@test "a long Retry-After does not hold up a run past its deadline" {
	leaf site "retry-after-day.$T"
	"$MEASURE" took "$OCSPFETCH" --deadline 2 site.pem 2>err || true
	read -r status ms kb <took
	stderr=$(<err)
	exits 1
	says "HTTP 503"
	[ "$ms" -le $((3000 + ${SLACK:-2000})) ]
}
