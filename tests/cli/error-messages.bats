#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The one line that a person reads at 3 a.m., compared whole: the file, the
# responder, what came back, what stands now, what to do.  And the command that
# -vv ends with, run by a shell: it asks the very same.
#
# Through a proxy: proxies.bats; https and networks: networks.bats.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it, and
# takes a test for a subshell of a test.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	own_token
	ARGS=(-r 0)
}

# explains CODE BEHAVIOUR TEXT: what is said of site.pem, after its name and
# the responder's, and before what stands.
explains() {
	leaf site "$2.$T"
	fetch "${ARGS[@]}" site.pem
	exits "$1"
	[ -z "$output" ]
	reads "site.pem: http://127.0.0.1:PORT/$2: $3; $STANDS"
}

# status CODE BYTES TEXT: the page of HTML that the responder has for it.
status() {
	explains 1 "status-$1" \
	    "HTTP $1 with $2 bytes of text/html, not an OCSP response; $3"
}

OUT="the responder, or a cache before it, is out of order"

# ---- what came is HTTP, but not OCSP ----

@test "400, 404: is this the right responder?" {
	status 400 90 "is this the right responder?"
	status 404 86 "is this the right responder?"
}

@test "401: it wants a password, and gets none" {
	status 401 92 "it wants a user name and password, which are never sent"
}

@test "403: who may have forbidden it" {
	status 403 86 "a proxy or the responder forbids it (a Host header that it does not know?)"
}

@test "405: neither method, or not the one that was demanded" {
	status 405 104 "it takes neither GET nor POST; is this the right responder?"
	ARGS=(-r 0 -X get)
	explains 1 get-refused "HTTP 405 with 104 bytes of text/html, not an OCSP response; it does not take this method (see --method)"
	ARGS=(-r 0 -X post)
	explains 1 post-refused "HTTP 405 with 104 bytes of text/html, not an OCSP response; it does not take this method (see --method)"
}

@test "407 where no proxy is known: one on the way" {
	status 407 126 "a proxy on the way wants a user name and password (see --proxy)"
}

@test "429: it has been asked too often" {
	status 429 102 "it has been asked too often"
}

@test "500, 502, 503, 533: it is out of order" {
	status 500 110 "$OUT"
	status 502 90 "$OUT"
	status 503 106 "$OUT"
	status 533 74 "$OUT"
	explains 1 retry-after "HTTP 503 with 106 bytes of text/html, not an OCSP response; it wants to be left alone for 1 s (Retry-After)"
}

@test "a web page in place of an answer, whatever it is called" {
	local page="not an OCSP response; a web page, often of a captive portal, a filter or the wrong host"
	explains 1 html-200 "HTTP 200 with 72 bytes of text/html, $page"
	explains 1 html "HTTP 200 with 99 bytes of application/ocsp-response, $page"
}

@test "nothing in place of an answer" {
	local EMPTY="it came empty: so FreeIPA and Dogtag respond for a serial number that they do not know; if it stays so, ask the CA whether it issued this certificate"
	explains 1 empty-200 "HTTP 200 with 0 bytes of application/ocsp-response, not an OCSP response; $EMPTY"
	explains 1 empty-200,type-none "HTTP 200 with 0 bytes of no stated type, not an OCSP response; $EMPTY"
}

@test "compressed, and damaged" {
	leaf site "gzip.$T"
	fetch -r 0 site.pem
	exits 1
	# the size of a signature is not always the same
	[[ $stderr =~ with\ [0-9]+\ bytes ]]
	stderr=${stderr/"${BASH_REMATCH[0]}"/with N bytes}
	reads "site.pem: http://127.0.0.1:PORT/gzip: HTTP 200 with N bytes of application/ocsp-response, not an OCSP response; it is compressed, which nobody asked for; $STANDS"
	explains 1 one-byte "HTTP 200 with 1 byte of application/ocsp-response, not an OCSP response; it is damaged, or something else"
}

@test "a redirection: where to, and whether it can be followed" {
	explains 1 redirect-301 "HTTP 301 redirects to http://127.0.0.1:PORT/good/QUESTION, which is not followed (see --max-redirs); often a captive portal or a filter"
	explains 1 redirect-host "HTTP 302 redirects to http://localhost:PORT/good/QUESTION, which is not followed (see --max-redirs); often a captive portal or a filter"
	explains 1 redirect-ftp "HTTP 302 redirects to ftp://127.0.0.1:PORT/good, which is never followed, being neither http nor https; often a captive portal or a filter"
	explains 1 redirect-file "HTTP 302 redirects to file:///etc/passwd, which is never followed, being neither http nor https; often a captive portal or a filter"
}

@test "a redirection that --max-redirs does not follow" {
	ARGS=(-r 0 --max-redirs 2 -X get)
	explains 1 redirect-loop "it redirects more often than --max-redirs allows"
	explains 1 redirect-file "it redirects to something that is not http or https"
	explains 1 redirect-user "it redirects to a URL with a user name or password, which are not sent"
}

# ---- what came is no answer ----

@test "cut off, closed, reset, not HTTP" {
	local how
	for how in truncate truncate-half chunked-cut; do
		explains 1 $how "no proper answer: it was cut off"
	done
	explains 1 reset "no proper answer: the connection broke before it came (Recv failure: Connection reset by peer)"
	explains 1 reset-middle "no proper answer: the connection broke in the middle of it (Recv failure: Connection reset by peer)"
	explains 1 http09 "no proper answer: what came back is not HTTP"
	explains 1 status-junk "no proper answer: what came back is not HTTP"
}

@test "too large: the body, the headers" {
	local how
	for how in endless-body body-100m endless-chunks length-huge; do
		explains 1 $how "the answer is too large: more than 65536 bytes came back"
	done
	for how in endless-headers endless-continue endless-trailers; do
		explains 1 $how "the answer is too large: its headers have more than 32768 bytes"
	done
}

@test "late: not a line came, or not all, and which limit it was" {
	ARGS=(-r 0 -t 1)
	explains 1 hang "no answer in time: no line of an answer came in 1 s (--timeout)"
	ARGS=(-r 0 -t 1 -X post)
	explains 1 hang "no answer in time: no line of an answer came in 1 s (--timeout)"
	explains 1 slow "no answer in time: what came was not whole in 1 s (--timeout)"
	explains 1 slow-headers "no answer in time: no line of an answer came in 1 s (--timeout)"
	ARGS=(-r 0 --deadline 1)
	explains 1 hang "no answer in time: no line of an answer came in 0.5 s (--deadline)"
}

@test "nobody there, and a name that is none" {
	leaf site -
	fetch -r 0 -u http://127.0.0.1:1/ocsp site.pem
	exits 1
	reads "site.pem: http://127.0.0.1:1/ocsp: no connection: Failed to connect to 127.0.0.1 port 1: Connection refused; $STANDS"
	fetch -r 0 -u http://ocsp.invalid/ocsp site.pem
	exits 1
	reads "site.pem: http://ocsp.invalid/ocsp: its name cannot be resolved: Could not resolve host: ocsp.invalid; $STANDS"
}

# ---- what OCSP says ----

@test "each OCSP error: its name, what it may mean, what helps" {
	explains 1 err-malformed 'the responder says "malformedRequest": it did not understand the question; is this the right responder?'
	explains 1 err-internal 'the responder says "internalError": something is wrong with it'
	explains 1 err-trylater 'the responder says "tryLater": it cannot answer at the moment'
	explains 1 err-sigrequired 'the responder says "sigRequired": it wants signed questions, which ocspfetch does not ask; is there another responder (--url)?'
	explains 1 err-unauthorized 'the responder says "unauthorized": it does not speak for this certificate; is this the right responder, and the right issuer?'
	explains 1 err-unknown4 'the responder says "an undefined error": something is wrong with it'
	# it would not heal: so nobody is told to run it again
	ARGS=(-r 0 -N)
	STANDS="there is no site.pem.ocsp"
	explains 1 err-malformed 'the responder says "malformedRequest": it did not understand the question; it may not take a nonce: do without --nonce'
}

@test "unauthorized and unknown of a new certificate: it is new" {
	leaf site "err-unauthorized.$T" --from -600 --to 864000
	fetch -r 0 site.pem
	exits 1
	reads "site.pem: http://127.0.0.1:PORT/err-unauthorized: the responder says \"unauthorized\": it does not speak for this certificate; perhaps it does not know it yet, as it is only SPAN old; $STANDS"
	leaf site "unknown.$T" --from -600 --to 864000
	fetch -r 0 site.pem
	exits 1
	reads "site.pem: http://127.0.0.1:PORT/unknown: the responder does not know this certificate (\"unknown\"); it is only SPAN old, so the responder may not have heard of it yet; $STANDS"
}

# ---- what stands now, and what to do ----

@test "what stands: good, but not for long; of no use; nothing" {
	local down="http://127.0.0.1:PORT/status-500: HTTP 500 with 110 bytes of text/html, not an OCSP response; $OUT"
	leaf site "status-500.$T"
	response site two-thirds-gone
	fetch -r 0 site.pem
	exits 1
	[[ $stderr =~ "less than the "[0-9]+" "[dhmins]+(" "[0-9]+" "[hmins]+)?" that" ]]
	stderr=${stderr/"${BASH_REMATCH[0]}"/less than the SPAN that}
	reads "site.pem: $down; site.pem.ocsp is good until TIME (SPAN left), less than the SPAN that are demanded; run again later"
	echo "<html>" >site.pem.ocsp
	fetch -r 0 site.pem
	exits 1
	reads "site.pem: $down; site.pem.ocsp is of no use: it is not an OCSP response; run again later"
	response site by-other
	fetch -r 0 site.pem
	exits 1
	[[ $stderr == *"; site.pem.ocsp is of no use: "*"; run again later" ]]
}

@test "what to do: soon, where clients would refuse the certificate" {
	leaf site "status-500.$T" --must-staple
	fetch -r 0 site.pem
	exits 1
	reads "site.pem: http://127.0.0.1:PORT/status-500: HTTP 500 with 110 bytes of text/html, not an OCSP response; $OUT; there is no site.pem.ocsp; run again soon, clients refuse a must-staple certificate without a response"
}

@test "refused and revoked: what to do" {
	leaf site "by-leaf.$T"
	fetch -r 0 site.pem
	exits 4
	[[ $stderr == "ocspfetch: site.pem: $URL/by-leaf.$T: its answer is refused: "*"; there is no site.pem.ocsp; a fault of the authority or its network, or an attack: have a look with -v" ]]
	leaf site "revoked.$T"
	fetch -r 0 site.pem
	exits 5
	stderr=${stderr/$T/}
	[[ $stderr == "ocspfetch: site.pem: the certificate was revoked on "*", says $URL/revoked.; there is no site.pem.ocsp; replace the certificate" ]]
}

# ---- the command of -vv ----

# As a person would copy it out of the last story that was told.
command_shown() {
	sed -n 's/^  to repeat    //p' <<<"$stderr" | tail -n 1
}

# The last question in the log, but for the connection that it came on.
last_question() {
	grep '^[A-Z]' "$LOG" | tail -n 1 | sed 's/ conn=[0-9]*//'
}

# repeats: a shell runs it; the responder sees the very question again.
repeats() {
	command_shown >cmd
	[ -s cmd ]
	cat cmd
	last_question >first
	before=$(grep -c '^[A-Z]' "$LOG")
	sh cmd >shown 2>err || true
	[ "$(grep -c '^[A-Z]' "$LOG")" -eq $((before + 1)) ]
	last_question >again
	diff first again
}

# Options and behaviours, a line each; QUERY is a URL that has one.
@test "the command of -vv asks the very same, byte for byte, header for header" {
	local behaviour args
	command -v curl >/dev/null || skip "there is no curl(1)"
	own_responder
	while IFS='|' read -r behaviour args; do
		leaf site "$behaviour"
		rm -f site.pem.ocsp
		eval "fetch -vv -r 0 $args site.pem"
		echo "== $behaviour $args: $status"
		# it was asked, whatever came of it
		[[ $status == [014] ]]
		repeats
	done <<'END'
good-same|
good-same|-X post
good-same|-4
good-same|-N
good-same|-N -X post --certid-hash sha256
good-same|-H 'X-Test: it'"'"'s "$HOME" `id`'
good-same|-H 'Host: ocsp.example' -H 'User-Agent: other'
good-same|-H 'Accept: text/x' -X post
good-same|-H 'Content-Type: text/x' -X post
good-same|-X post -H 'Cache-Control: only-if-cached'
good-same|-x "$URL"
good-same|-x "$URL" -X post
good-same|-x "${URL#http://}" -u http://ocsp.invalid/good-same
good-same|-x http://127.0.0.1:1 --noproxy '*'
good-same?a=1&b=$HOME|
good-same,stale-unless-nocache|
good-same,stale-unless-nocache|-X post
good-same,get-refused|
good-same,stale-unless-nocache|-H 'Cache-Control: max-age=0'
err-unauthorized|
err-trylater,ocsp-500|-X get
status-500|
status-404|-X get
html-200|-X post
empty-200|
redirect-file|
redirect-loop|-X get --max-redirs 0
hang|-t 1
hang|-t 1 -X post
reset|
truncate|
END
}

@test "the command of -vv does not depend on the configuration of curl" {
	command -v curl >/dev/null || skip "there is no curl(1)"
	printf '%s\n' 'header = "X-Test: curlrc"' 'request = "PUT"' >.curlrc
	own_responder
	leaf site good-same
	fetch -vv site.pem
	exits 0
	HOME=$PWD CURL_HOME=$PWD repeats
}

@test "the command of -vv is there for what nobody answered, and fails as well" {
	command -v curl >/dev/null || skip "there is no curl(1)"
	leaf site -
	fetch -vv -r 0 -u http://127.0.0.1:1/ocsp site.pem
	exits 1
	command_shown >cmd
	not sh cmd >shown 2>err
	grep -Eq "Failed to connect to 127.0.0.1( port |:)1" err
}

@test "the command of -vv shows what was answered, in OpenSSL's words" {
	command -v curl >/dev/null || skip "there is no curl(1)"
	leaf site "good-same.$T"
	fetch -vv site.pem
	exits 0
	command_shown >cmd
	sh cmd >shown
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text | diff - shown
}

@test "the command of -vv shows no password of a proxy" {
	leaf site -
	fetch -vv -r 0 -x "http://user:secret@${URL#http://}" \
	    -u "http://ocsp.invalid/good.$T" site.pem
	exits 0
	does_not_say secret
	[[ $(command_shown) == *" -x USER:PASSWORD@${URL#http://} "* ]]
	# with them put back it asks the same
	last_question >first
	command_shown | sed 's/USER:PASSWORD/user:secret/' >cmd
	sh cmd >shown
	last_question >again
	diff first again
	grep -q 'Cert Status: good' shown
}
