#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# How it asks: the bytes of the question, GET and POST, which responder next,
# what is asked again and what is not, the limits of time and memory, proxies,
# and all that a network does to an answer.
#
# What the responder saw is in $LOG, a line per question.  Each test asks with
# a token of its own in the URL, so that it finds its own lines: see asked.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154,SC2034

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	own_token
	LATER=()
}

# The lines of the log about the token $1, or this test's.
asked() {
	awk -v want=".${1:-$T}" '$1 != "connect" {
		path = $2
		sub(/\?.*/, "", path)
		if (substr(path, index(path, ".")) == want) print
	}' "$LOG"
}

# asked_by "GET POST" [TOKEN]: just these questions, in this order.
asked_by() {
	local got
	got=$(asked "${2:-}" | cut -d' ' -f1 | xargs)
	[ "$got" = "$1" ] || {
		echo "asked by \"$got\", not \"$1\""
		return 1
	}
}

# saw FIELD VALUE [LINE [TOKEN]]: a field of that line of the log (1).
saw() {
	local got
	got=$(asked "${4:-}" | sed -n "${3:-1}s/.* $1=\([^ ]*\).*/\1/p")
	[ "$got" = "$2" ] || {
		echo "the responder saw $1=\"$got\", not \"$2\""
		return 1
	}
}

# The question about NAME.pem as OpenSSL makes it, in hex and in a URL.
question() {
	openssl ocsp "${@:2}" -issuer "$1.pem.issuer" -cert "$1.pem" \
	    -no_nonce -reqout "$1.req" >/dev/null 2>&1
	od -An -v -tx1 "$1.req" | tr -d ' \n'
}
question_in_url() {
	question "$@" >/dev/null
	openssl base64 -A -in "$1.req" |
	    sed 's,%,%25,g; s,+,%2B,g; s,/,%2F,g; s,=,%3D,g'
}

# As many letters as that.
letters() {
	printf "%${1}s" '' | tr ' ' a
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# later NAME arguments: a run in the background.
later() {
	local name=$1
	shift
	{
		local begin end code=0
		begin=$(now_ms)
		timeout -k 1 60 "$OCSPFETCH" "$@" >"$name.out" 2>"$name.err" ||
		    code=$?
		end=$(now_ms)
		echo "$code $((end - begin))" >"$name.end"
	} 3>&- &
	LATER+=($!)
}

# All of them are waited for; then those of NAME are $status and so on, $ms.
ended() {
	if [ ${#LATER[@]} -gt 0 ]; then
		wait "${LATER[@]}"
		LATER=()
	fi
	read -r status ms <"$1.end"
	output=$(<"$1.out")
	stderr=$(<"$1.err")
}

# took FROM TO: milliseconds, and SLACK more on a machine that is slow or busy.
# What it tells apart has to be further apart than that.
took() {
	if [ "$ms" -lt "$1" ] || [ "$ms" -gt $(($2 + ${SLACK:-3000})) ]; then
		echo "took $ms ms, not $1 to $2"
		return 1
	fi
}

connections() {
	grep -c '^connect ' "$LOG"
}

# ---- the question ----

@test "the question by GET is byte for byte the one that OpenSSL asks" {
	leaf site "good.$T"
	fetch site.pem
	exits 0
	silent
	asked_by GET
	saw req "$(question site)"
	saw target "/good.$T/$(question_in_url site)"
	good_file
}

@test "the question by POST is byte for byte the one that OpenSSL asks" {
	leaf site "good.$T"
	fetch -X post site.pem
	exits 0
	asked_by POST
	saw req "$(question site)"
	saw target "/good.$T"
	good_file
}

@test "with --certid-hash sha256 it is the one that OpenSSL asks with -sha256" {
	leaf site "good.$T"
	fetch --certid-hash sha256 site.pem
	exits 0
	asked_by GET
	saw req "$(question site -sha256)"
	fetch --certid-hash sha256 -X post site.pem
	saw req "$(question site -sha256)" 2
	[ "$(question site)" != "$(question site -sha256)" ]
}

@test "a serial number that is negative, short or long is asked about as it is" {
	local serial
	for serial in -1A2B3C 01 80 7fffffffffffffffffffffffffffffffffffffff; do
		leaf "site$serial" "good.$T-$serial" --serial "$serial"
		fetch "site$serial.pem"
		exits 0
		saw req "$(question "site$serial")" 1 "$T-$serial"
	done
}

@test "+ / and = are percent-encoded, nothing else is" {
	local tail
	# FB EF BE is ++++ where it falls on a border of base64: one of three will
	leaf site "good.$T" --serial 7ffffffffbefbe00fbefbe00fbefbe
	fetch site.pem
	exits 0
	question site >/dev/null
	openssl base64 -A -in site.req >plain
	grep -F ++ plain | grep -F //
	saw target "/good.$T/$(question_in_url site)"
	tail=$(asked | sed "s,.* target=/good.$T/\([^ ]*\).*,\1,")
	[[ $tail == *%2B* && $tail == *%2F* ]]
	[[ $tail =~ ^([A-Za-z0-9]|%2B|%2F|%3D)*$ ]]
}

@test "a = at the end of the question is percent-encoded" {
	local serial
	for serial in 11 1122 112233; do
		leaf "s$serial" "good.$T-$serial" --serial "$serial"
		fetch "s$serial.pem"
		exits 0
		saw target "/good.$T-$serial/$(question_in_url "s$serial")" 1 \
		    "$T-$serial"
	done
	asked "$T-11" >lines
	asked "$T-1122" >>lines
	asked "$T-112233" >>lines
	# of three lengths in a row, one needs none, one needs one, one two
	[ "$(grep -c '%3D req=' lines)" -eq 2 ]
	[ "$(grep -c '%3D%3D req=' lines)" -eq 1 ]
}

@test "between the responder's URL and the question there is exactly one slash" {
	local end nth=0
	leaf site -
	for end in '' / // ///; do
		nth=$((nth + 1))
		fetch -f -u "$URL/good.$T-$nth$end" site.pem
		exits 0
		asked_by GET "$T-$nth"
		saw target "/good.$T-$nth/$(question_in_url site)" 1 "$T-$nth"
	done
}

@test "a responder's URL without any path gets one slash too" {
	own_responder
	leaf site -
	fetch -X get -r 0 -u "$URL" site.pem
	fetch -X get -r 0 -u "$URL/" site.pem
	[ "$(grep -c " target=/$(question_in_url site) " "$LOG")" -eq 2 ]
	[ "$(grep -vc '^connect' "$LOG")" -eq 2 ]
}

@test "POST goes to the responder's URL as it is" {
	leaf site -
	fetch -X post -u "$URL/good.$T/" site.pem
	exits 0
	saw target "/good.$T/"
}

# padded LENGTH: a responder's URL with which the whole GET is so long.
padded() {
	local q url
	q=$(question_in_url site)
	url=$URL/good.$T-
	echo "$url$(letters $(($1 - ${#url} - 1 - ${#q})))"
}

@test "a URL of 255 bytes is asked by GET" {
	local url target
	leaf site -
	url=$(padded 255)
	fetch -u "$url" site.pem
	exits 0
	asked_by GET "${url##*.}"
	target=$(asked "${url##*.}" | sed 's/.* target=\([^ ]*\).*/\1/')
	[ "$((${#URL} + ${#target}))" -eq 255 ]
}

@test "a URL of 256 bytes is asked by POST" {
	local url
	leaf site -
	url=$(padded 256)
	fetch -u "$url" site.pem
	exits 0
	asked_by POST "${url##*.}"
	saw req "$(question site)" 1 "${url##*.}"
}

@test "the same holds for the URL in the certificate" {
	local pad
	# serial numbers of one length make questions of nearly one length
	leaf site - --serial 112233445566
	pad=$(padded 256)
	pad=${pad##*.}
	leaf long "good.$pad" --serial 112233445566
	leaf short "good.${pad%a}" --serial 112233445566
	fetch long.pem short.pem
	exits 0
	asked_by POST "$pad"
	asked_by GET "${pad%a}"
}

@test "-X get asks by GET however long the URL is" {
	local url
	leaf site -
	url=$(padded 400)
	[ ${#url} -gt 255 ]
	fetch -X get -u "$URL/good.$T/$(letters 300)" site.pem
	exits 1
	asked_by GET
	saw target "/good.$T/$(letters 300)/$(question_in_url site)"
}

@test "a URL with a query is asked by POST, with its query" {
	leaf site -
	fetch -u "$URL/good.$T?a=1&b=2" site.pem
	exits 0
	asked_by POST
	saw target "/good.$T?a=1&b=2"
	good_file
}

@test "a URL with a query is not asked by GET, even on demand" {
	leaf site -
	fetch -X get -u "$URL/good.$T?a=1" site.pem
	exits 2
	says "site.pem: "
	says query
	asked_by ""
	no_file
}

@test "a URL with a query has no other method to fall back to" {
	leaf site -
	fetch -r 0 -u "$URL/status-403.$T?a=1" site.pem
	exits 1
	asked_by POST
}

@test "GET sends Host, Accept and User-Agent, and no more than that" {
	local version
	version=$("$OCSPFETCH" -V | cut -d' ' -f2)
	leaf site "good.$T"
	fetch site.pem
	exits 0
	saw version HTTP/1.1
	saw host "${URL#http://}"
	saw accept application/ocsp-response
	saw ua "ocspfetch/$version"
	local field
	for field in ct cl te cc pragma expect cookie auth proxyauth encoding; do
		saw "$field" -
	done
	saw bytes 0
}

@test "POST sends its type and length, is not chunked and awaits no 100" {
	leaf site "good.$T"
	fetch -X post site.pem
	exits 0
	question site >/dev/null
	saw ct application/ocsp-request
	saw cl "$(wc -c <site.req)"
	saw bytes "$(wc -c <site.req)"
	saw accept application/ocsp-response
	local field
	for field in te cc pragma expect cookie auth proxyauth encoding; do
		saw "$field" -
	done
}

@test "no password out of ~/.netrc is sent" {
	leaf site "good.$T"
	printf 'machine 127.0.0.1 login u password p\ndefault login u password p\n' \
	    >.netrc
	chmod 600 .netrc
	fetch_with HOME="$PWD" NETRC="$PWD/.netrc" site.pem
	exits 0
	asked_by GET
	saw auth -
}

@test "a URL with a user name or password is not asked" {
	local url=http://u:p@${URL#http://}
	leaf site "good.$T"
	fetch -u "$url/good.$T" site.pem
	exits 2
	says "user name"
	"$FORGE" leaf "$PKI" "$T-userinfo" --url "$url/good.$T"
	cp "$PKI/$T-userinfo.pem" site.pem
	fetch site.pem
	exits 2
	says "user name"
	asked_by ""
}

@test "nothing but http and https is asked, whoever names it" {
	local url
	echo secret >secret
	for url in "file://$PWD/secret" "ftp://${URL#http://}/good.$T" \
	    "gopher://${URL#http://}/_GET" "dict://${URL#http://}/x" \
	    "ldap://${URL#http://}/x" "//${URL#http://}/good.$T"; do
		leaf site -
		fetch -u "$url" site.pem
		exits 2
		says "--url"
		"$FORGE" leaf "$PKI" "$T-odd" --url "$url"
		cp "$PKI/$T-odd.pem" site.pem
		fetch site.pem
		exits 2
		says "site.pem: "
		does_not_say secret$'\n'
	done
	asked_by ""
	no_file
}

@test "-H adds a header, and may repeat" {
	leaf site "good.$T"
	fetch -H 'X-Test: one two' -H 'Accept: text/x' site.pem
	exits 0
	saw x-test one%20two
	saw accept text/x
	asked_by GET
}

@test "-H @FILE adds the headers of a file, line by line" {
	leaf site "good.$T"
	printf '\xef\xbb\xbfX-Test: one two\r\n\n# no: comment\nAccept: text/x' >headers
	fetch -H @headers -H 'X-Other: 3' site.pem
	exits 0
	saw x-test one%20two
	saw accept text/x
	asked_by GET
}

@test "-H @FILE waits for a pipe that pauses, and for one that drips ten seconds in all" {
	local began
	leaf site "good.$T"
	fetch -H @<(for i in 1 2 3 4 5; do sleep 0.3; echo "# $i"; done; echo X-Test: a) site.pem
	exits 0
	saw x-test a
	began=$SECONDS
	# a minute of it, a byte a time
	fetch -H @<(for i in {1..120}; do printf x; sleep 0.5; done 2>/dev/null) site.pem
	exits 2
	says "cannot read the headers: not all came within 10 s"
	echo "it took $((SECONDS - began)) s"
	[ $((SECONDS - began)) -ge 9 ]
	[ $((SECONDS - began)) -lt 45 ]
}

@test "-H Host: replaces the Host that the URL has" {
	leaf site "good.$T"
	fetch -H 'Host: ocsp.example.com' site.pem
	exits 0
	saw host ocsp.example.com
}

@test "-H with a line break is refused, and nothing is asked" {
	leaf site "good.$T"
	fetch -H $'X-Test: a\r\nCookie: b' site.pem
	exits 2
	says "--header"
	asked_by ""
}

# ---- the nonce ----

NONCE=06092b0601050507300102042204

@test "-N sends a nonce of 32 octets, another one each time" {
	leaf site "good.$T"
	fetch -N site.pem
	exits 0
	fetch -N site.pem
	exits 0
	asked | sed "s/.*$NONCE\(20[0-9a-f]\{64\}\)$/\1/" >nonces
	[ "$(grep -cxE '20[0-9a-f]{64}' nonces)" -eq 2 ]
	[ "$(sort -u nonces | wc -l)" -eq 2 ]
}

@test "-N by POST sends it too" {
	leaf site "good.$T"
	fetch -N -X post site.pem
	exits 0
	asked | grep -qE "${NONCE}20[0-9a-f]{64}$"
}

@test "without -N there is no nonce" {
	leaf site "good.$T"
	fetch site.pem
	exits 0
	[ "$(asked | wc -l)" -eq 1 ]
	[[ $(asked) != *2b0601050507300102* ]]
}

@test "-N accepts the answer that repeats the nonce" {
	leaf site "nonce-echo.$T"
	fetch -N site.pem
	exits 0
	silent
	good_file
}

@test "-N accepts an answer without a nonce" {
	leaf site "good.$T"
	fetch -N site.pem
	exits 0
	silent
	good_file
}

@test "-N refuses another nonce" {
	leaf site "nonce-wrong.$T"
	fetch -N -r 0 site.pem
	exits 4
	says nonce
	no_file
}

@test "-N refuses half of its nonce" {
	leaf site "nonce-cut.$T"
	fetch -N -r 0 site.pem
	exits 4
	says nonce
	no_file
}

@test "without -N a nonce in the answer is no reason to refuse it" {
	leaf site "nonce-wrong.$T"
	fetch site.pem
	exits 0
	silent
}

# ---- the other method ----

@test "-X get is not followed by POST" {
	leaf site "get-refused.$T"
	fetch -X get -r 0 site.pem
	exits 1
	says "HTTP 405"
	asked_by GET
	no_file
}

@test "-X post is not followed by GET" {
	leaf site "post-refused.$T"
	fetch -X post -r 0 site.pem
	exits 1
	says "HTTP 405"
	asked_by POST
	no_file
}

@test "a responder that refuses GET is asked by POST" {
	leaf site "get-refused.$T"
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	saw req "$(question site)" 2
	good_file
}

@test "a responder that refuses POST is asked by GET, though the URL is long" {
	local token
	token=$T-$(letters 200)
	leaf site "post-refused.$token"
	fetch site.pem
	exits 0
	silent
	asked_by "POST GET" "$token"
	good_file
}

@test "a responder that refuses %2F in the path is asked by POST" {
	leaf site "slash-refused.$T" --serial 7fffffffffffffff
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "an empty answer to GET is followed by POST" {
	leaf site "get-empty.$T"
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "both methods answered with nothing: one question each, and a message" {
	leaf site "empty-200.$T"
	fetch -r 0 site.pem
	exits 1
	says "site.pem: "
	says "$URL/empty-200.$T"
	says "empty"
	asked_by "GET POST"
	no_file
}

@test "both methods answered with a web page: one question each, and a message" {
	leaf site "html-200.$T"
	fetch -r 0 site.pem
	exits 1
	says "text/html"
	says "not an OCSP response"
	says "captive portal"
	does_not_say "<html"
	asked_by "GET POST"
	no_file
}

@test "malformedRequest to GET is followed by POST" {
	leaf site "get-malformed.$T"
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "malformedRequest to both is told by its name" {
	leaf site "err-malformed.$T"
	fetch -r 0 site.pem
	exits 1
	says '"malformedRequest"'
	asked_by "GET POST"
}

@test "unauthorized to GET is followed by POST" {
	leaf site "get-unauthorized.$T"
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "unauthorized to POST is not followed by GET" {
	leaf site - --url "$URL/err-unauthorized.$T?x"
	fetch -r 0 site.pem
	exits 1
	asked_by POST
	local token
	token=$T-$(letters 200)
	leaf long "err-unauthorized.$token"
	fetch -r 0 long.pem
	exits 1
	says '"unauthorized"'
	asked_by POST "$token"
}

@test "each HTTP error brings one question by the other method" {
	local code
	for code in 400 401 403 404 405 407 500 502 503 533; do
		leaf "s$code" "status-$code.$T-$code"
		fetch -r 0 "s$code.pem"
		exits 1
		says "s$code.pem: "
		says "HTTP $code"
		asked_by "GET POST" "$T-$code"
		no_file "s$code"
	done
}

@test "a GET that hangs, breaks or brings something else is followed by POST" {
	local how
	for how in hang slow reset reset-middle truncate-half chunked-cut \
		http09 html-200 status-junk length-negative chunk-junk \
		status-503 body-100m; do
		leaf site "good,get-$how.$T-$how"
		fetch -t 2 -r 0 site.pem
		exits 0
		silent
		asked_by "GET POST" "$T-$how"
		good_file
		rm site.pem.ocsp
	done
}

@test "a GET to which the load is too much is not followed by POST" {
	local how
	for how in status-408 status-429 retry-after; do
		leaf site "good,get-$how.$T-$how"
		fetch -r 0 --deadline 1 site.pem
		exits 1
		asked_by GET "$T-$how"
		no_file
	done
}

@test "without a connection there is no POST" {
	leaf site -
	fetch -v -r 0 -u http://127.0.0.1:1/ site.pem
	exits 1
	never grep -q POST <<<"$stderr"
}

@test "a POST that hangs is not followed by GET" {
	local token
	token=$T-$(letters 200)
	leaf site "good,post-hang.$token"
	fetch -t 1 -r 0 site.pem
	exits 1
	asked_by POST "$token"
}

@test "a GET that hangs has half of -t, and the POST all of it" {
	leaf site "hang.$T"
	later site -v -t 2 -r 0 site.pem
	ended site
	exits 1
	took 2900 5000
	asked_by "GET POST"
	says "no line of an answer came in 1 s"
	says "no line of an answer came in 2 s (--timeout)"
	# what the last request met is what is told
	never grep -q '^ocspfetch: site.pem: .* in 1 s' <<<"$stderr"
}

@test "a responder that answers POST only is asked by it for the rest of a run" {
	local i names=()
	for i in 1 2 3 4 5 6 7 8; do
		leaf "m$i" "good,get-hang.$T"
		names+=("m$i.pem")
	done
	fetch -P 2 -t 2 -r 0 "${names[@]}"
	exits 0
	silent
	[ "$(asked "$T" | grep -c ^GET)" -le 2 ]
	[ "$(asked "$T" | grep -c ^POST)" -eq 8 ]
}

@test "one that answers GET only is asked by it for the rest of a run" {
	local i token names=()
	token=$T-$(letters 200)
	for i in 1 2 3 4; do
		leaf "m$i" "post-refused.$token"
		names+=("m$i.pem")
	done
	fetch -P 1 -r 0 "${names[@]}"
	exits 0
	silent
	[ "$(asked "$token" | grep -c ^GET)" -eq 4 ]
	[ "$(asked "$token" | grep -c ^POST)" -eq 1 ]
}

@test "-v names the method that spares a request, and only -v does" {
	leaf site "good,get-html-200.$T"
	fetch -v -r 0 site.pem
	exits 0
	says "by POST only: -X post saves the request in vain"
	rm site.pem.ocsp
	fetch -X post -v site.pem
	exits 0
	never grep -q "in vain" <<<"$stderr"
}

@test "unauthorized to both methods names none" {
	leaf site "err-unauthorized.$T"
	fetch -v -r 0 site.pem
	exits 1
	asked_by "GET POST"
	never grep -q "in vain" <<<"$stderr"
}

@test "where POST may be what it takes, and does not follow, -X post is named" {
	leaf site "good,get-hang.$T-a"
	fetch -X get -t 1 -r 0 site.pem
	exits 1
	says "it may answer POST only (-X post)"
	asked_by GET "$T-a"
	leaf site "good,get-reset.$T-b"
	fetch -X get -r 0 site.pem
	exits 1
	says "it may answer POST only (-X post)"
}

@test "the deadline that GET in vain used up names -X post" {
	local i
	for i in a b c; do
		leaf "$i" "good,get-hang,post-latency-1500.$T"
	done
	fetch -P 1 -t 2 --deadline 3 a.pem b.pem c.pem
	exits 1
	says "its responder answers POST only, so that -X post saves time"
}

@test "a refused answer is not asked for by the other method" {
	leaf site "by-leaf.$T"
	fetch -r 0 site.pem
	exits 4
	asked_by GET
	no_file
}

@test "tryLater and internalError are not asked for by the other method" {
	leaf a "err-trylater.$T-a"
	leaf b "err-internal.$T-b"
	fetch -r 0 a.pem b.pem
	exits 1
	says '"tryLater"'
	says '"internalError"'
	asked_by GET "$T-a"
	asked_by GET "$T-b"
}

# ---- OCSP in strange clothes ----

@test "an OCSP body is judged whatever the HTTP status says" {
	local code
	for code in 400 401 404 500 503; do
		leaf "s$code" "ocsp-$code.$T-$code"
		fetch "s$code.pem"
		exits 0
		silent
		asked_by GET "$T-$code"
		good_file "s$code"
	done
}

@test "revoked is revoked with HTTP 500 too, and a forgery is one with 400" {
	leaf a "revoked,ocsp-500.$T-a"
	fetch a.pem
	exits 5
	says revoked
	leaf b "by-leaf,ocsp-400.$T-b"
	fetch -r 0 b.pem
	exits 4
	no_file b
}

@test "an OCSP body is judged whatever its Content-Type" {
	local type
	for type in html none upper param; do
		leaf "s$type" "type-$type.$T-$type"
		fetch "s$type.pem"
		exits 0
		silent
		asked_by GET "$T-$type"
		good_file "s$type"
	done
}

@test "chunks, no length, HTTP/1.0, 100 Continue, close, three bytes at a time" {
	local how
	for how in chunked no-length http10 continue close dribble3 no-date; do
		leaf "$how" "$how.$T-$how"
		fetch "$how.pem"
		exits 0
		silent
		asked_by GET "$T-$how"
		good_file "$how"
	done
}

@test "the largest response that is admitted arrives whole" {
	leaf site "size-65536.$T"
	fetch -o out site.pem
	exits 0
	[ "$(wc -c <out)" -eq 65536 ]
}

@test "an answer that is cut off is not taken, and the message says so" {
	local how
	for how in truncate truncate-half chunked-cut reset reset-middle; do
		leaf "$how" "$how.$T-$how"
		later "$how" -r 0 "$how.pem"
	done
	for how in truncate truncate-half chunked-cut reset reset-middle; do
		ended "$how"
		exits 1
		says "$how.pem: $URL/$how.$T-$how: "
		says "no proper answer"
		no_file "$how"
		[ -z "$(leftovers)" ]
	done
}

@test "the first half of a response is not a response" {
	leaf site "truncated.$T"
	fetch -r 0 site.pem
	exits 1
	says "not an OCSP response"
	no_file
}

@test "what is not even HTTP is called that" {
	leaf site "http09.$T"
	fetch -r 0 site.pem
	exits 1
	says "no proper answer"
	says "HTTP"
	does_not_say redirect
	no_file
}

@test "a compressed answer that nobody asked for is not taken" {
	leaf site "gzip.$T"
	fetch -r 0 site.pem
	exits 1
	says "not an OCSP response"
	saw encoding -
	no_file
}

@test "a transfer coding that nobody asked for is refused, and not undone" {
	local how
	for how in te-gzip te-gzip-chunked te-folded te-twice; do
		leaf site "$how.$T"
		fetch -r 0 site.pem
		exits 1
		says "no proper answer: it has a transfer coding that nobody asked for, \""
		no_file
		response site good
		fetch -n site.pem
		exits 0
		rm site.pem.ocsp
	done
}

# ---- caches ----

@test "an expired answer is asked for once more, past the caches" {
	leaf site "stale-unless-nocache.$T"
	fetch site.pem
	exits 0
	silent
	asked_by "GET GET"
	saw cc -
	saw pragma -
	saw cc no-cache 2
	saw pragma no-cache 2
	good_file
}

@test "the same by POST" {
	leaf site "stale-unless-nocache.$T"
	fetch -X post site.pem
	exits 0
	asked_by "POST POST"
	saw cc - 1
	saw cc no-cache 2
	saw pragma no-cache 2
}

@test "an answer that is expired past the caches too is refused" {
	leaf site "expired.$T"
	fetch -r 0 site.pem
	exits 4
	says expired
	asked_by "GET GET"
	no_file
}

@test "an answer older than --max-age is asked for once more" {
	leaf site "good,older-unless-nocache.$T"
	fetch -a 1d site.pem
	exits 0
	silent
	asked_by "GET GET"
	saw cc no-cache 2
	good_file
}

@test "an answer older than the stored one is asked for once more" {
	leaf site "good-newer,older-unless-nocache.$T"
	response site good
	cp site.pem.ocsp before
	fetch site.pem
	exits 0
	silent
	asked_by "GET GET"
	saw cc -
	saw cc no-cache 2
	saw pragma no-cache 2
	not cmp -s before site.pem.ocsp
	good_file
}

@test "an answer that stays older than the stored one changes nothing" {
	leaf site "good-older.$T"
	response site good
	local before
	before=$(identity site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	asked_by "GET GET"
	[ "$before" = "$(identity site.pem.ocsp)" ]
}

@test "an answer as old as the stored one is not asked for again" {
	leaf site "good.$T"
	response site good
	fetch site.pem
	exits 0
	asked_by GET
	saw cc -
}

# ---- several responders ----

@test "the responders are asked in the certificate's order, up to a good answer" {
	leaf site "good.$T-c" --url "$URL/status-500.$T-a" --url "$URL/good.$T-b"
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST" "$T-a"
	asked_by GET "$T-b"
	asked_by "" "$T-c"
	good_file
}

@test "a dead responder does not keep the next from being asked" {
	leaf site "good.$T" --url http://127.0.0.1:1/
	fetch site.pem
	exits 0
	silent
	asked_by GET
	good_file
}

@test "a responder that cannot be asked at all does not either" {
	leaf site "good.$T" --url ldap://ocsp.example/
	fetch site.pem
	exits 0
	silent
	good_file
}

@test "a refused answer does not keep the next responder from being asked" {
	leaf site "good.$T-b" --url "$URL/by-leaf.$T-a"
	fetch site.pem
	exits 0
	silent
	asked_by GET "$T-a"
	asked_by GET "$T-b"
	good_file
}

@test "a refused answer counts when no later responder has a good one" {
	leaf site "status-404.$T-b" --url "$URL/by-leaf.$T-a"
	fetch -r 0 site.pem
	exits 4
	says "$URL/by-leaf.$T-a"
	asked_by GET "$T-a"
	asked_by "GET POST" "$T-b"
	no_file
}

@test "unauthorized and unknown do not keep the next from being asked" {
	leaf site "good.$T-c" --url "$URL/err-unauthorized.$T-a" \
	    --url "$URL/unknown.$T-b"
	fetch site.pem
	exits 0
	silent
	asked_by GET "$T-c"
}

@test "a verified revoked is final, no other responder is asked" {
	leaf site "good.$T-b" --url "$URL/revoked.$T-a"
	fetch site.pem
	exits 5
	asked_by "" "$T-b"
	no_file
}

@test "a later responder's revoked counts" {
	leaf site "revoked.$T" --url "$URL/status-500.$T-a"
	fetch site.pem
	exits 5
}

@test "the no-cache of one responder is not passed on to the next" {
	leaf site "good.$T-b" --url "$URL/expired.$T-a"
	fetch site.pem
	exits 0
	asked_by "GET GET" "$T-a"
	asked_by GET "$T-b"
	saw cc - 1 "$T-b"
	saw pragma - 1 "$T-b"
}

@test "-u asks another responder than the certificate says" {
	leaf site "status-500.$T-a" --url "$URL/status-500.$T-b"
	fetch -u "$URL/good.$T-u" site.pem
	exits 0
	silent
	asked_by GET "$T-u"
	asked_by "" "$T-a"
	asked_by "" "$T-b"
}

@test "-u asks about a certificate that names no responder" {
	leaf site -
	fetch site.pem
	exits 0
	no_file
	fetch -u "$URL/good.$T" site.pem
	exits 0
	asked_by GET
	good_file
}

# ---- asking again ----

@test "temporary failures are asked again: -r 2 by default, after 1 and 2 s" {
	leaf a "trylater-twice.$T-a"
	leaf b "503-twice.$T-b"
	leaf c "trylater-twice.$T-c"
	leaf d "503-twice.$T-d"
	leaf e "trylater-twice.$T-e"
	leaf f "reset-once.$T-f"
	later a a.pem
	later b -X get b.pem
	later c -r 1 c.pem
	later d -r 1 -X get d.pem
	later e -r 0 e.pem
	later f -X get f.pem

	ended a
	exits 0
	silent
	took 3000 8000
	asked_by "GET GET GET" "$T-a"
	good_file a

	ended b
	exits 0
	silent
	took 3000 8000
	asked_by "GET GET GET" "$T-b"
	good_file b

	ended c
	exits 1
	says tryLater
	took 1000 8000
	asked_by "GET GET" "$T-c"
	no_file c

	ended d
	exits 1
	says "HTTP 503"
	took 1000 8000
	asked_by "GET GET" "$T-d"
	no_file d

	ended e
	exits 1
	asked_by GET "$T-e"

	ended f
	exits 0
	silent
	took 1000 8000
	asked_by "GET GET" "$T-f"
}

@test "one 500, 502 or 503 costs nothing: the other method at once, or the same after 1 s" {
	local code how asks
	for code in 500 502 503; do
		for how in auto get post; do
			leaf "$how" "$code-once.$T-$code-$how"
			later "$how" -X "$how" "$how.pem"
		done
		for how in auto get post; do
			ended "$how"
			exits 0
			silent
			case $how in
			auto) asks="GET POST" ;;
			get) asks="GET GET" ;;
			post) asks="POST POST" ;;
			esac
			[ "$how" = auto ] || took 1000 8000
			asked_by "$asks" "$T-$code-$how"
			good_file "$how"
			rm "$how.pem.ocsp"
		done
	done
}

@test "what is asked again is asked from the first responder on" {
	leaf site "status-404.$T-b" --url "$URL/trylater-twice.$T-a"
	fetch -r 1 site.pem
	exits 1
	asked_by "GET GET" "$T-a"
	asked_by "GET POST GET POST" "$T-b"
}

# once NAME BEHAVIOUR QUESTIONS CODE: all that was asked, with the default -r.
once() {
	local q
	ended "$1"
	exits "$4"
	q=$(asked "$T-$1" | cut -d' ' -f1 | xargs)
	[ "$q" = "$3" ] || {
		echo "$2 was asked by \"$q\", not \"$3\""
		return 1
	}
}

@test "what will not pass is not asked again" {
	local row name behaviour questions code
	local rows=("a status-403 GET_POST 1" "b status-404 GET_POST 1"
	    "c html-200 GET_POST 1" "d err-unauthorized GET_POST 1"
	    "e err-malformed GET_POST 1" "f by-leaf GET 4" "g unknown GET 4"
	    "h revoked GET 5" "i expired GET_GET 4" "j redirect-302 GET_POST 1"
	    "k err-sigrequired GET 1")
	for row in "${rows[@]}"; do
		read -r name behaviour questions code <<<"$row"
		leaf "$name" "$behaviour.$T-$name"
		later "$name" "$name.pem"
	done
	for row in "${rows[@]}"; do
		read -r name behaviour questions code <<<"$row"
		once "$name" "$behaviour" "${questions//_/ }" "$code"
	done
}

@test "what is too large, or redirects in circles, is not asked again" {
	leaf a "body-100m.$T-a"
	leaf b "endless-headers.$T-b"
	leaf c "redirect-loop.$T-c"
	leaf d "redirect-file.$T-d"
	later a a.pem
	later b b.pem
	later c --max-redirs 1 c.pem
	later d --max-redirs 1 d.pem
	once a body-100m "GET POST" 1
	once b endless-headers "GET POST" 1
	once c redirect-loop "GET GET" 1
	once d redirect-file GET 1
}

# ---- redirections ----

@test "a redirection is not followed, and its target is named" {
	local code
	for code in 301 302 303 307 308; do
		leaf "s$code" "redirect-$code.$T-$code"
		fetch -r 0 "s$code.pem"
		exits 1
		says "HTTP $code"
		says "$URL/good"
		says "--max-redirs"
		asked_by "GET POST" "$T-$code"
		no_file "s$code"
	done
}

@test "--max-redirs 1 follows one redirection of each kind, by GET" {
	local code
	for code in 301 302 303 307 308; do
		leaf "s$code" "redirect-$code.$T-$code"
		fetch --max-redirs 1 -r 0 "s$code.pem"
		exits 0
		silent
		asked_by GET "$T-$code"
		good_file "s$code"
	done
}

@test "a question by POST stays one when it is redirected" {
	local code
	for code in 301 302 303 307 308; do
		leaf "s$code" "redirect-$code.$T-$code"
		fetch -X post --max-redirs 1 -r 0 "s$code.pem"
		exits 0
		good_file "s$code"
		[ "$(grep "^POST /good " "$LOG" |
		    grep -c " req=$(question "s$code")$")" -eq 1 ]
	done
}

@test "--max-redirs follows to another host" {
	leaf site "redirect-host.$T"
	fetch --max-redirs 1 -r 0 site.pem
	exits 0
	good_file
	grep "^GET /good " "$LOG" | grep " req=$(question site)$" |
	    grep -q " host=localhost:"
}

@test "a redirection in circles ends after --max-redirs" {
	leaf site "redirect-loop.$T"
	fetch --max-redirs 3 -X get -r 0 site.pem
	exits 1
	says "--max-redirs"
	asked_by "GET GET GET GET"
	no_file
}

@test "a redirection to a file is never followed, nor the file shown" {
	leaf site "redirect-file.$T"
	fetch -vv --max-redirs 5 -r 0 site.pem
	exits 1
	does_not_say "root:"
	[[ $output != *root:* ]]
	does_not_say "$(head -n 1 /etc/passwd)"
	# not even read
	says "redirect"
	does_not_say "not an OCSP response"
	no_file
	fetch -r 0 site.pem
	exits 1
	says "file:///etc/passwd"
	says "never followed"
}

# ---- limits ----

@test "-t ends an exchange, whatever the responder does" {
	local how
	for how in hang slow slow-headers hang-accept; do
		leaf "$how" "$how.$T-$how"
		later "$how" -t 1 -r 0 "$how.pem"
	done
	leaf stall "hang.$T-stall"
	later stall -t 1 -r 0 -X post stall.pem
	for how in hang slow slow-headers hang-accept stall; do
		ended "$how"
		exits 1
		took 900 3500
		says "$how.pem: "
		says "no answer in time"
		no_file "$how"
	done
	asked_by "GET POST" "$T-hang"
	# by a process each, which write the log when they are given the time
	[ "$(asked "$T-slow" | cut -d' ' -f1 | sort | xargs)" = "GET POST" ]
	asked_by POST "$T-stall"
}

@test "-t is for each exchange, not for the run" {
	own_responder
	leaf a latency-2500
	leaf b latency-2500
	fetch -t 4 -P 1 -r 0 a.pem b.pem
	exits 0
	silent
}

@test "--connect-timeout ends what does not connect, long before -t" {
	leaf site -
	# what listens there never says a word of TLS
	later tls --connect-timeout 1 -t 20 -r 0 \
	    -u "https://${URL#http://}/hang.$T" site.pem
	# who has connected has as long as -t says
	leaf slow "latency-2500.$T"
	later slow --connect-timeout 1 -t 20 -r 0 slow.pem
	ended tls
	exits 1
	took 900 2500
	says "no answer in time"
	no_file
	ended slow
	exits 0
	silent
	asked_by GET
}

@test "--deadline ends the run; what was answered is saved" {
	leaf a "good.$T-a"
	leaf b "hang.$T-b"
	later both --deadline 4 a.pem b.pem
	leaf c "hang.$T-c"
	leaf d "good.$T-d"
	later queue --deadline 1 -P 1 c.pem d.pem
	# no pause is begun that the deadline would cut
	leaf e "trylater-twice.$T-e"
	later pause --deadline 1 e.pem

	ended both
	exits 1
	took 3900 5000
	says "b.pem: "
	does_not_say "a.pem"
	good_file a
	no_file b

	ended queue
	exits 1
	took 900 2500
	says "c.pem: "
	says "d.pem: "
	says "--deadline"
	asked_by "" "$T-d"
	no_file c
	no_file d

	ended pause
	exits 1
	took 0 2500
	says "e.pem: "
	says tryLater
	asked_by GET "$T-e"
}

@test "--deadline is no failure while the stored responses will do" {
	leaf a "hang.$T"
	response a good
	fetch --deadline 1 a.pem
	exits 0
	silent
	asked_by "GET POST"
}

# With 40 MB of memory of its own, and a minute; a sanitizer needs more than any
# limit.
fetch_in_40_mb() {
	if sanitized; then
		run --separate-stderr timeout 60 "$OCSPFETCH" "$@"
	else
		# shellcheck disable=SC2016
		run --separate-stderr timeout 60 bash -c \
		    'ulimit -d 40960 && exec "$OCSPFETCH" "$@"' - "$@"
	fi
}

@test "a good answer needs less than 40 MB" {
	leaf site "good.$T"
	fetch_in_40_mb site.pem
	exits 0
	silent
}

@test "an endless body ends at 65536 bytes, in bounded memory" {
	leaf site "endless-body.$T"
	fetch_in_40_mb -r 0 site.pem
	exits 1
	says "too large"
	says 65536
	asked_by "GET POST"
	no_file
}

@test "a body of 100 MB ends at 65536 bytes, in bounded memory" {
	leaf site "body-100m.$T"
	fetch_in_40_mb -r 0 site.pem
	exits 1
	says "too large"
	says 65536
	asked_by "GET POST"
	no_file
}

@test "a body of 65537 bytes is too large, even if it is a response" {
	leaf site "size-65537.$T"
	fetch -r 0 site.pem
	exits 1
	says "too large"
	no_file
}

@test "endless headers end soon, in bounded memory" {
	leaf site "endless-headers.$T"
	fetch_in_40_mb -r 0 site.pem
	exits 1
	says headers
	asked_by "GET POST"
	no_file
}

# ---- who cannot be reached ----

@test "nobody listens there: the message says which responder" {
	leaf site -
	fetch -r 0 -u http://127.0.0.1:1/ocsp site.pem
	exits 1
	says "site.pem: http://127.0.0.1:1/ocsp: no connection"
	says "run again"
	no_file
}

@test "a name that does not resolve is called that" {
	leaf site -
	# a label of 64 letters: the resolver need ask nobody
	fetch -r 0 -u "http://$(letters 64).example/" site.pem
	exits 1
	says "site.pem: "
	says "cannot be resolved"
}

@test "a responder that is down is no failure while the stored response lasts" {
	leaf site -
	response site good
	fetch -r 0 -u http://127.0.0.1:1/ site.pem
	exits 0
	silent
}

@test "a responder that is down is one in the last third" {
	leaf site -
	response site two-thirds-gone
	fetch -r 0 -u http://127.0.0.1:1/ site.pem
	exits 1
	says "http://127.0.0.1:1/"
	says "site.pem.ocsp is good until"
}

@test "https with a certificate that is not trusted is refused, nothing is asked" {
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1
	own_responder --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
	leaf site -
	fetch -r 0 -u "https://127.0.0.1:$PORT/good" site.pem
	exits 1
	says "site.pem: https://127.0.0.1:$PORT/good: "
	says "TLS"
	says "certificate"
	[ "$(connections)" -ge 1 ]
	not grep -v '^connect ' "$LOG"
	no_file
}

# ---- addresses ----

@test "-4 asks over IPv4, -6 does not" {
	own_responder
	leaf site -
	fetch -4 -r 0 -u "http://localhost:$PORT/good" site.pem
	exits 0
	silent
	grep -q '^connect from=127.0.0.1 ' "$LOG"
	rm site.pem.ocsp
	fetch -6 -r 0 -u "http://localhost:$PORT/good" site.pem
	exits 1
	says "http://localhost:$PORT/good"
	[ "$(connections)" -eq 1 ]
	no_file
}

@test "-6 asks over IPv6, -4 does not" {
	have_ipv6
	own_responder -a ::1
	leaf site -
	fetch -6 -r 0 -u "http://localhost:$PORT/good" site.pem
	exits 0
	silent
	grep -q '^connect from=::1 ' "$LOG"
	rm site.pem.ocsp
	fetch -4 -r 0 -u "http://localhost:$PORT/good" site.pem
	exits 1
	[ "$(connections)" -eq 1 ]
	no_file
}

@test "an IPv6 address in the URL is asked, and named in the message" {
	have_ipv6
	own_responder -a ::1
	leaf site -
	fetch -r 0 -u "http://[::1]:$PORT/good" site.pem
	exits 0
	silent
	grep -q "host=\[::1\]:$PORT " "$LOG"
	good_file
	leaf other -
	fetch -r 0 -u "http://[::1]:$PORT/status-404" other.pem
	exits 1
	says "http://[::1]:$PORT/status-404"
}

@test "where only one of two addresses answers, that one is asked" {
	leaf site -
	fetch -r 0 -u "http://localhost:$PORT/good.$T" site.pem
	exits 0
	silent
	asked_by GET
	saw host "localhost:$PORT"
}

# ---- proxies: the responder plays one ----

# Nothing resolves it: who is asked must be the proxy.
ELSEWHERE=http://ocsp.invalid

@test "-x asks through the proxy" {
	leaf site -
	fetch -x "$URL" -u "$ELSEWHERE/good.$T" site.pem
	exits 0
	silent
	asked_by GET
	saw target "$ELSEWHERE/good.$T/$(question_in_url site)"
	saw host ocsp.invalid
	saw auth -
	saw proxyauth -
	good_file
}

@test "-x without a scheme is an HTTP proxy, as for curl" {
	leaf site -
	fetch -X post -x "${URL#http://}" -u "$ELSEWHERE/good.$T" site.pem
	exits 0
	asked_by POST
	saw target "$ELSEWHERE/good.$T"
	saw req "$(question site)"
	good_file
}

@test "a proxy's user name and password are for the proxy alone" {
	leaf site -
	fetch -x "http://user:secret@${URL#http://}" -u "$ELSEWHERE/good.$T" \
	    site.pem
	exits 0
	saw proxyauth "Basic%20$(printf user:secret | openssl base64)"
	saw auth -
}

@test "http_proxy and all_proxy are honoured" {
	local var
	leaf site -
	for var in http_proxy all_proxy ALL_PROXY; do
		fetch_with "$var=$URL" -f -u "$ELSEWHERE/good.$T-$var" site.pem
		exits 0
		asked_by GET "$T-$var"
		saw target "$ELSEWHERE/good.$T-$var/$(question_in_url site)" 1 \
		    "$T-$var"
	done
}

@test "HTTP_PROXY in capitals is not, as for curl" {
	leaf site "good.$T"
	fetch_with HTTP_PROXY=http://127.0.0.1:1 -r 0 site.pem
	exits 0
	asked_by GET
}

@test "-x goes before http_proxy" {
	leaf site -
	fetch_with http_proxy=http://127.0.0.1:1 -x "$URL" \
	    -u "$ELSEWHERE/good.$T" site.pem
	exits 0
	saw target "$ELSEWHERE/good.$T/$(question_in_url site)"
}

# direct TOKEN: asked without a proxy.
direct() {
	exits 0
	silent
	asked_by GET "$1"
	saw target "/good.$1/$(question_in_url site)" 1 "$1"
}

@test "-x '' switches the proxies of the environment off" {
	leaf site "good.$T"
	fetch_with http_proxy=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1 \
	    -x '' -r 0 site.pem
	direct "$T"
}

@test "--noproxy switches the proxy off for the hosts that it names" {
	local list nth=0
	leaf site -
	for list in '*' 127.0.0.1 'example.com,127.0.0.1'; do
		nth=$((nth + 1))
		fetch_with http_proxy=http://127.0.0.1:1 --noproxy "$list" -r 0 -f \
		    -u "$URL/good.$T-$nth" site.pem
		direct "$T-$nth"
		fetch -x http://127.0.0.1:1 --noproxy "$list" -r 0 -f \
		    -u "$URL/good.$T-x$nth" site.pem
		direct "$T-x$nth"
	done
	rm site.pem.ocsp
	fetch -x http://127.0.0.1:1 --noproxy example.com -r 0 \
	    -u "$URL/good.$T" site.pem
	exits 1
	asked_by ""
}

@test "no_proxy switches the proxy off for the hosts that it names" {
	local var
	leaf site -
	for var in no_proxy NO_PROXY; do
		fetch_with http_proxy=http://127.0.0.1:1 "$var=127.0.0.1" -f -r 0 \
		    -u "$URL/good.$T-$var" site.pem
		direct "$T-$var"
	done
}

@test "--noproxy goes before no_proxy" {
	leaf site "good.$T"
	fetch_with http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 \
	    --noproxy example.com -r 0 site.pem
	exits 1
	asked_by ""
}

@test "an error that came through a proxy is told as such" {
	local code
	leaf site -
	for code in 403 407 502; do
		fetch -r 0 -x "$URL" -u "$ELSEWHERE/status-$code.$T-$code" site.pem
		exits 1
		says "HTTP $code"
		says "through the proxy"
		asked_by "GET POST" "$T-$code"
	done
	no_file
}

@test "a proxy that wants credentials is told as such" {
	leaf site -
	fetch -r 0 -x "$URL" -u "$ELSEWHERE/status-407.$T" site.pem
	exits 1
	says "HTTP 407"
	says "the proxy wants a user name and password"
}

@test "a proxy that does not answer in time is told as such" {
	leaf site -
	fetch -r 0 -t 1 -x "$URL" -u "$ELSEWHERE/hang.$T" site.pem
	exits 1
	says "no answer in time"
	says "the proxy"
}

@test "an error that came without a proxy does not speak of one that was used" {
	leaf site "status-500.$T"
	fetch -r 0 site.pem
	exits 1
	does_not_say "through the proxy"
	fetch_with http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 -r 0 site.pem
	exits 1
	says "HTTP 500"
	does_not_say "through the proxy"
}

@test "a proxy that is down: the message says that it was the proxy" {
	leaf site "good.$T"
	fetch -r 0 -x http://127.0.0.1:1 site.pem
	exits 1
	says "the proxy"
	says "127.0.0.1"
	asked_by ""
	fetch_with http_proxy=http://127.0.0.1:1 -r 0 site.pem
	exits 1
	says "the proxy"
}

@test "a proxy whose name does not resolve: the message says so" {
	leaf site "good.$T"
	fetch -r 0 -x "http://$(letters 64).example:3128" site.pem
	exits 1
	says "the proxy"
	says "resolve"
	asked_by ""
}

@test "https goes through the proxy by CONNECT; its refusal is the proxy's" {
	own_responder
	leaf site -
	fetch -r 0 -x "$URL" -u https://ocsp.invalid/good site.pem
	exits 1
	says "https://ocsp.invalid/good"
	says "the proxy"
	says 405
	grep -q '^CONNECT .* target=ocsp.invalid:443 ' "$LOG"
	not grep -E '^(GET|POST) ' "$LOG"
	no_file
}

@test "https_proxy is honoured for https" {
	own_responder
	leaf site -
	fetch_with https_proxy="$URL" -r 0 -u https://ocsp.invalid/good site.pem
	exits 1
	grep -q '^CONNECT .* target=ocsp.invalid:443 ' "$LOG"
	: >"$LOG"
	fetch_with http_proxy="$URL" -r 0 -u https://127.0.0.1:1/good site.pem
	exits 1
	not grep '^CONNECT ' "$LOG"
}

# ---- many at a time ----

# The twelve of a run: NAME1.pem to NAME12.pem, at URL/latency-800.
twelve() {
	local i
	"$FORGE" leaf "$PKI" "$T-m" --count 12 --url "$URL/latency-800.$T"
	for i in {1..12}; do
		cp "$PKI/$T-m$i.pem" "m$i.pem"
		cp "$PKI/ca.pem" "m$i.pem.issuer"
	done
}

# Each has its response, and each was asked about once.
all_twelve() {
	local i
	for i in {1..12}; do
		good_file "m$i"
		[ "$(asked | grep -c " req=$(question "m$i")$")" -eq 1 ]
	done
	[ "$(asked | wc -l)" -eq 12 ]
}

@test "-P 12 asks twelve questions in about the time of one" {
	own_responder
	twelve
	later all -P 12 m{1..12}.pem
	ended all
	exits 0
	silent
	took 800 3000
	[ "$(connections)" -le 12 ]
	all_twelve
}

@test "-P 1 asks one question after the other, over one connection" {
	own_responder
	twelve
	later all -P 1 m{1..12}.pem
	ended all
	exits 0
	silent
	took 9600 20000
	[ "$(connections)" -eq 1 ]
	all_twelve
}

# m1 to m12 of a responder of this test alone, which behaves so.
twelve_of() {
	own_responder
	"$FORGE" leaf "$PKI" "$T-m" --count 12 --url "$URL/$1.$T"
	for i in {1..12}; do
		cp "$PKI/$T-m$i.pem" "m$i.pem"
		cp "$PKI/ca.pem" "m$i.pem.issuer"
		rm -f "m$i.pem.ocsp"
	done
}

@test "what a connection brings unasked costs no certificate its response" {
	local how n i unseen=0
	for how in sent-twice late-twice late-crlf early-crlf late-408 one-behind \
	    sent-twice,chunked late-twice,chunked one-behind,chunked; do
		for n in 1 2 16; do
			twelve_of "$how"
			fetch -r 0 -P "$n" m{1..12}.pem
			echo "$how, -P $n: $(asked | wc -l) requests," \
			    "$(connections) connections"
			exits 0
			silent
			for i in {1..12}; do
				good_file "m$i"
			done
			# at most one more for each
			[ "$(asked | wc -l)" -le 24 ]
			if [[ $how == sent-twice ]] && [ "$(asked | wc -l)" -gt 12 ]; then
				unseen=$((unseen + 1))
			fi
		done
	done
	# none where it can be seen: a busy machine may bring it late
	[ "$unseen" -lt 3 ]
}

@test "nor does it over TLS" {
	local how i
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1
	for how in sent-twice late-twice one-behind; do
		own_responder --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
		"$FORGE" leaf "$PKI" "$T-m" --count 4 \
		    --url "https://127.0.0.1:$PORT/$how"
		for i in {1..4}; do
			cp "$PKI/$T-m$i.pem" "m$i.pem"
			cp "$PKI/ca.pem" "m$i.pem.issuer"
			rm -f "m$i.pem.ocsp"
		done
		fetch -r 0 -P 1 --cacert "$PKI/ca.pem" m{1..4}.pem
		exits 0
		silent
		for i in {1..4}; do
			good_file "m$i"
		done
	done
}

@test "a connection that brought a foreign response is used by nobody again" {
	twelve_of wrong-serial
	fetch -r 0 -P 1 m{1..12}.pem
	exits 4
	[ "$(asked | wc -l)" -eq 12 ]
	[ "$(connections)" -eq 12 ]
}

# used_again BEHAVIOUR: requests over connections that had it before.
used_again() {
	awk -v how="/$1." '$1 == "GET" || $1 == "POST" {
		conn = $0
		sub(/.* conn=/, "", conn)
		sub(/ .*/, "", conn)
		if (conn in had) print
		if (index($2, how) == 1) had[conn] = 1
	}' "$LOG"
}

@test "nor is it of sixteen at once, be the response foreign or broken" {
	local how i names
	for how in wrong-serial html-200 truncated truncate chunk-junk status-junk \
	    endless-extension; do
		twelve_of good
		"$FORGE" leaf "$PKI" "$T-n" --count 24 --url "$URL/$how.$T"
		"$FORGE" leaf "$PKI" "$T-o" --count 24 --url "$URL/good.$T"
		names=()
		for i in {1..24}; do
			cp "$PKI/$T-n$i.pem" "n$i.pem"
			cp "$PKI/$T-o$i.pem" "o$i.pem"
			cp "$PKI/ca.pem" "n$i.pem.issuer"
			cp "$PKI/ca.pem" "o$i.pem.issuer"
			rm -f "n$i.pem.ocsp" "o$i.pem.ocsp"
			names+=("n$i.pem" "o$i.pem")
		done
		fetch -r 0 -P 16 "${names[@]}"
		echo "$how: exit $status, $(asked | wc -l) requests," \
		    "$(connections) connections"
		[ "$status" -eq 1 ] || [ "$status" -eq 4 ]
		for i in {1..24}; do
			good_file "o$i"
			no_file "n$i"
		done
		[ "$(asked | grep -c " /$how\.")" -ge 24 ]
		[ -z "$(used_again "$how")" ]
		# others are: so it is no matter of course
		[ "$(used_again good | wc -l)" -ge 1 ]
	done
}

# From the second response on it is broken, so no connection has a third.
@test "nor is one that brought an empty line before a response" {
	local n
	for n in 1 16; do
		twelve_of early-crlf
		"$FORGE" leaf "$PKI" "$T-n" --count 24 --url "$URL/early-crlf.$T"
		for i in {1..24}; do
			cp "$PKI/$T-n$i.pem" "n$i.pem"
			cp "$PKI/ca.pem" "n$i.pem.issuer"
			rm -f "n$i.pem.ocsp"
		done
		fetch -r 0 -X get -P "$n" m{1..12}.pem n{1..24}.pem
		exits 0
		silent
		for i in {1..24}; do good_file "n$i"; done
		sed -n 's/^[GP].* conn=\([0-9]*\) .*/\1/p' "$LOG" |
		    sort | uniq -c >each
		cat each
		[ "$(sort -n each | tail -n 1 | awk '{ print $1 }')" -eq 2 ]
	done
}

@test "an HTTP error of a connection that was used is believed" {
	twelve_of good
	"$FORGE" leaf "$PKI" "$T-n" --count 3 --url "$URL/status-503.$T"
	for i in {1..3}; do
		cp "$PKI/$T-n$i.pem" "n$i.pem"
		cp "$PKI/ca.pem" "n$i.pem.issuer"
	done
	fetch -r 0 -X get -P 1 m1.pem n1.pem m2.pem n2.pem m3.pem n3.pem
	exits 1
	[ "$(asked | wc -l)" -eq 6 ]
}

@test "-P 3 never has more than three connections" {
	own_responder
	twelve
	later all -P 3 m{1..12}.pem
	ended all
	exits 0
	took 3200 6000
	# one that was taken before its last response was judged is given up
	[ "$(connections)" -le 5 ]
	all_twelve
}

@test "by default sixteen questions are asked at once, and no more" {
	own_responder
	local i
	"$FORGE" leaf "$PKI" "$T-m" --count 20 --url "$URL/latency-400.$T"
	for i in {1..20}; do
		cp "$PKI/$T-m$i.pem" "m$i.pem"
		cp "$PKI/ca.pem" "m$i.pem.issuer"
	done
	later all m{1..20}.pem
	ended all
	exits 0
	silent
	took 800 4000
	[ "$(connections)" -ge 16 ]
	# as above
	[ "$(connections)" -le 18 ]
	[ "$(asked | wc -l)" -eq 20 ]
}

@test "a slow responder holds up only its own question" {
	own_responder
	leaf slow latency-5000
	leaf a good
	leaf b good
	later all -P 2 slow.pem a.pem b.pem
	until [ -e b.pem.ocsp ] || [ -e all.end ]; do
		sleep 0.05
	done
	[ ! -e all.end ]
	no_file slow
	good_file a
	good_file b
	ended all
	exits 0
	silent
	good_file slow
}

@test "a pause before a retry holds up nobody" {
	leaf a "trylater-twice.$T-a"
	leaf b "good.$T-b"
	later all -P 1 -r 1 a.pem b.pem
	until [ -e b.pem.ocsp ] || [ -e all.end ]; do
		sleep 0.05
	done
	[ ! -e all.end ]
	good_file b
	ended all
	exits 1
	says "a.pem: "
}
