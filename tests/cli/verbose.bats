#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The story that -v tells: who the certificate is, what was asked, what was
# answered, what was decided and why; and what -vv adds.
#
# A story is lines of a label and a text.  The labels and their order are
# compared as they are; of the texts, what a person needs to read there.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

# The run, with -v; what stands on standard output is no story.
story() {
	fetch -v -r 0 "$@"
	[ -z "$output" ]
}

# The labels of the story about the only certificate, or about $1, in order.
labels() {
	awk -v want="ocspfetch: ${1:-}" '
	/^ocspfetch: / { ours = want == "ocspfetch: " || $0 == want; next }
	ours && /^  [a-z]/ {
		label = substr($0, 3, 12)
		sub(/ +$/, "", label)
		gsub(/ /, "-", label)
		line = line (line == "" ? "" : " ") label
	}
	END { print line }' <<<"$stderr"
}

# runs_like LABELS [FILE]: just these lines, in this order.
runs_like() {
	local got
	got=$(labels "${2:-}")
	[ "$got" = "$1" ] || {
		echo "the story runs \"$got\","
		echo "not              \"$1\": $stderr"
		return 1
	}
}

# The text of the nth (1) line of that label, with those that go on from it.
text() {
	awk -v want="$1" -v nth="${2:-1}" '
	/^  [a-z]/ {
		label = substr($0, 3, 12)
		sub(/ +$/, "", label)
		shown = label == want && ++n == nth
	}
	!/^  / { shown = 0 }
	shown { print substr($0, 16) }' <<<"$stderr"
}

# tells LABEL TEXT [N]
tells() {
	local got
	got=$(text "$1" "${3:-1}")
	[[ $got == *"$2"* ]] || {
		echo "\"$1\" does not tell \"$2\": $got"
		return 1
	}
}

# lasts LABEL [TEXT]: it says so, and that what is there is good for a week.
lasts() {
	local got
	got=$(text "$1")
	[[ $got =~ ^"${2:-}"good\ for\ (6\ d\ 23|7\ d\ 0)\ h,\ until\  ]] || {
		echo "\"$1\" does not tell of a week: $got"
		return 1
	}
}

# The line that would be there without -v, too, and is the last one.
ends_with_message() {
	local last
	last=$(tail -n 1 <<<"$stderr")
	[[ $last == "ocspfetch: $1: "* ]] || {
		echo "the last line is no message about $1: $last"
		return 1
	}
}

ends_without_message() {
	[[ $(tail -n 1 <<<"$stderr") == "  exit         $1, all is well" ]]
}

# "Nov 21 02:56:26 2026 GMT" as it is told.
utc() {
	date -u -d "$1" '+%Y-%m-%d %H:%M:%S UTC'
}

# The time that a response says: "This Update", "Next Update", "Produced At".
time_in() {
	utc "$(openssl ocsp -respin "$1" -resp_text -noverify 2>/dev/null |
	    sed -n "s/^ *$2: //p")"
}

WHO="certificate issuer stored"
GOOD="signer times says"

# ---- good ----

@test "all good: who it is, what was asked, answered and decided" {
	leaf site good
	story site.pem
	exits 0
	runs_like "$WHO asked answered $GOOD decided now to-do exit"
	ends_without_message 0
	head -n 1 <<<"$stderr" | grep -qx 'ocspfetch: site.pem'
}

@test "the certificate is told by subject, serial number and end" {
	leaf site good --cn www.example.com
	story site.pem
	tells certificate "CN=www.example.com"
	tells certificate "serial number $(openssl x509 -in site.pem -noout -serial |
	    cut -d= -f2)"
	tells certificate "valid until $(utc "$(openssl x509 -in site.pem \
	    -noout -enddate | cut -d= -f2)")"
	tells certificate " left)"
}

@test "the issuer is told, and where it was found" {
	leaf site good
	story site.pem
	tells issuer "CN=Test Issuing CA"
	tells issuer "found in site.pem.issuer"
	story -f -i "$PKI/ca.pem" site.pem
	tells issuer "found in $PKI/ca.pem"
	rm site.pem.issuer
	cat "$PKI/ca.pem" >>site.pem
	story -f site.pem
	tells issuer "found in the certificate's own file"
}

@test "the question is told by method, URL, address and time" {
	leaf site good
	story site.pem
	tells asked "GET $URL/good/M"
	tells asked "at 127.0.0.1 port $PORT, "
	[[ $(text asked) =~ ,\ [0-9]+\ ms$ ]]
	story -f -X post site.pem
	tells asked "POST $URL/good"
	tells asked "at 127.0.0.1 port $PORT, "
}

@test "the answer is told by HTTP status, type and size" {
	leaf site good
	story site.pem
	tells answered "HTTP 200"
	tells answered "application/ocsp-response"
	tells answered "$(wc -c <site.pem.ocsp) bytes"
	story -f -u "$URL/ocsp-500,type-none" site.pem
	tells answered "HTTP 500"
	tells answered "no content type"
}

@test "the response is told by signer and times, and what is left in words" {
	leaf site good
	story site.pem
	tells signer "CN=Test Issuing CA"
	tells signer "the issuer itself"
	text times | grep -xE 'produced    .* \(1 h [0-9]+ min ago\): signed' |
	    grep -qF "produced    $(time_in site.pem.ocsp 'Produced At') "
	text times |
	    grep -xE 'this update .* ago\): found so' |
	    grep -qF "this update $(time_in site.pem.ocsp 'This Update') "
	text times |
	    grep -F "next update $(time_in site.pem.ocsp 'Next Update')" |
	    grep -qE '\(([67] d [0-9]+ h) left\): ends$'
	tells says good
	tells decided "written"
	lasts now "site.pem.ocsp: "
	tells now ", until $(time_in site.pem.ocsp 'Next Update')"
	tells exit 0
}

@test "a signer that is not the issuer is told by name" {
	leaf site good-delegate
	story site.pem
	exits 0
	tells signer "CN=Test delegate, "
	[[ $(text signer) != *itself* ]]
}

@test "an end before nextUpdate is told, and whose it is" {
	leaf site good-delegate-short
	story site.pem
	exits 0
	tells times "usable only until "
	tells times "signer's certificate"
	tells now "$(utc "$(openssl x509 -in "$PKI/delegate-short.pem" -noout \
	    -enddate | cut -d= -f2)")"
	leaf short good --to 86400
	story short.pem
	tells times "usable only until "
	tells times "the end of the certificate"
}

@test "must-staple is told" {
	leaf site good --must-staple
	story site.pem
	tells certificate "must-staple"
	leaf other good
	story other.pem
	[[ $stderr != *must-staple* ]]
}

@test "no responder: nothing to do, and why" {
	leaf site -
	story site.pem
	exits 0
	runs_like "certificate responder decided to-do exit"
	tells responder "none"
	tells responder "needs no response"
	tells decided "nothing to do"
}

@test "not due: nobody is asked, and why" {
	leaf site good
	response site good
	story -d site.pem
	exits 0
	runs_like "$WHO decided now to-do exit"
	lasts stored "site.pem.ocsp: "
	tells decided "not due"
	tells decided "first half"
	lasts now "site.pem.ocsp: "
}

@test "the same response again: it was left alone" {
	leaf site good-same
	story site.pem
	story site.pem
	exits 0
	runs_like "$WHO asked answered $GOOD decided now to-do exit"
	lasts stored "site.pem.ocsp: "
	tells decided "left alone"
}

@test "no newer response: the stored one was kept" {
	leaf site good-older
	response site good
	story site.pem
	exits 0
	runs_like "$WHO asked answered $GOOD older again asked answered $GOOD \
decided now to-do exit"
	tells asked "no-cache" 2
	[[ $(text asked 1) != *no-cache* ]]
	tells decided kept
	tells now "$(time_in site.pem.ocsp 'Next Update')"
}

@test "--dry-run: what would be, and what is" {
	leaf site good-newer
	response site good
	story -n site.pem
	exits 0
	tells decided "would be written"
	tells decided "--dry-run"
	# the file still holds the old one
	tells now "$(time_in site.pem.ocsp 'Next Update')"
}

@test "--check: the stored response is judged, nobody is asked" {
	leaf site good
	response site good
	story -c site.pem
	exits 0
	runs_like "$WHO signer times decided now to-do exit"
	lasts stored "site.pem.ocsp: "
	tells times "this update $(time_in site.pem.ocsp 'This Update')"
	tells decided "--check"
}

@test "the nonce: repeated, or not" {
	leaf site nonce-echo
	story -N site.pem
	exits 0
	runs_like "$WHO asked answered signer times nonce says decided now to-do exit"
	[ "$(text nonce)" = "repeated: it was made for this very question" ]
	leaf other good
	story -N other.pem
	exits 0
	tells nonce "not repeated"
	story -f other.pem
	[ -z "$(text nonce)" ]
}

@test "several responders: each question is told" {
	leaf site good --url "$URL/status-404"
	story site.pem
	exits 0
	runs_like "$WHO asked answered says asked answered says asked answered \
$GOOD decided now to-do exit"
	tells asked "GET $URL/status-404/" 1
	tells asked "POST $URL/status-404" 2
	tells asked "GET $URL/good/" 3
	tells answered "HTTP 404" 1
	ends_without_message 0
}

@test "a retry: the pause is told" {
	leaf site trylater-twice.retry
	fetch -v -r 1 site.pem
	exits 1
	runs_like "$WHO asked answered says pause asked answered says decided to-do exit"
	tells pause "1 s"
	tells says '"tryLater"'
	ends_with_message site.pem
}

# ---- not good ----

@test "revoked: since when, and why" {
	leaf site revoked
	story site.pem
	exits 5
	runs_like "$WHO asked answered $GOOD decided to-do exit"
	tells says revoked
	tells says keyCompromise
	tells decided "nothing was written"
	tells exit 5
	ends_with_message site.pem
	says "replace the certificate"
}

@test "revoked and --write-revoked: it was written, and the code is 5" {
	leaf site revoked
	story --write-revoked site.pem
	exits 5
	tells decided "written"
	tells decided "--write-revoked"
	tells exit 5
	says "site.pem.ocsp says revoked"
}

@test "unknown: the responder does not know it" {
	leaf site unknown
	story site.pem
	exits 4
	runs_like "$WHO asked answered $GOOD decided to-do exit"
	tells says "unknown"
	tells says "does not know this certificate"
	tells exit 4
	ends_with_message site.pem
}

@test "unknown of a new certificate: it is too new, run again" {
	leaf site unknown --from -600
	story site.pem
	exits 1
	tells exit 1
	ends_with_message site.pem
	says "10 min"
	says "yet"
	says "run again"
}

@test "unauthorized of a new certificate: it is too new, run again" {
	leaf site err-unauthorized --from -600
	story site.pem
	exits 1
	runs_like "$WHO asked answered says asked answered says decided to-do exit"
	tells says '"unauthorized"'
	ends_with_message site.pem
	says "10 min"
	says "yet"
	says "run again"
}

@test "unauthorized of an old one: the wrong responder, or the wrong issuer" {
	leaf site err-unauthorized
	story site.pem
	exits 1
	tells says '"unauthorized"'
	ends_with_message site.pem
	says "right responder"
	says "issuer"
	[[ $stderr != *yet* ]]
}

@test "the wrong issuer: what was looked at, and why it is not it" {
	leaf site "good.wrong-issuer"
	rm site.pem.issuer
	story -i "$PKI/other.pem" -i "$PKI/root.pem" site.pem
	exits 2
	runs_like "certificate issuer decided to-do exit"
	tells decided "nobody was asked"
	tells exit 2
	grep "$PKI/other.pem: " <<<"$stderr" | grep -q 'does not verify'
	grep "$PKI/root.pem: " <<<"$stderr" | grep -q 'name'
	grep -q 'site.pem.issuer: absent' <<<"$stderr"
	ends_with_message site.pem
	run grep -c wrong-issuer "$LOG"
	[ "$output" -eq 0 ]
}

@test "a proxy that forbids it: that it was the proxy" {
	leaf site -
	story -x "$URL" -u http://ocsp.invalid/status-403 site.pem
	exits 1
	runs_like "$WHO asked answered says asked answered says decided to-do exit"
	tells asked "GET http://ocsp.invalid/status-403/"
	tells asked "at 127.0.0.1 port $PORT, the proxy"
	tells answered "HTTP 403"
	ends_with_message site.pem
	says "through the proxy"
}

@test "a responder that forbids it: what to look at" {
	leaf site status-403
	story site.pem
	exits 1
	tells answered "HTTP 403"
	[[ $(text asked) != *"the proxy"* ]]
	ends_with_message site.pem
	says "Host"
	says "proxy"
}

@test "a captive portal: a web page is no response" {
	leaf site html-200
	story site.pem
	exits 1
	runs_like "$WHO asked answered says asked answered says decided to-do exit"
	tells answered "HTTP 200, text/html"
	tells says "not an OCSP response"
	ends_with_message site.pem
	says "captive portal"
	[[ $stderr != *"<html"* ]]
}

@test "a redirection: where to" {
	leaf site redirect-302
	story site.pem
	exits 1
	tells answered "HTTP 302"
	ends_with_message site.pem
	says "$URL/good"
	says "--max-redirs"
}

@test "a response from the future: one of two clocks is wrong" {
	leaf site future
	story site.pem
	exits 4
	tells says "in the future by 23 h 5"
	tells says "300 s"
	tells says "clock"
	ends_with_message site.pem
	says "clock"
}

@test "where the responder's clock says something else, its time is told" {
	local year
	year=$(($(date -u +%Y) - 1))
	leaf site future,wrong-date
	story site.pem
	exits 4
	ends_with_message site.pem
	says "is this machine's clock right?"
	[[ $stderr =~ "$year"-[0-9-]+\ [0-9:]+\ UTC ]]
	leaf other expired,future-date
	story other.pem
	exits 4
	says "is this machine's clock right?"
	[[ $stderr =~ "$((year + 2))"-[0-9-]+\ [0-9:]+\ UTC ]]
}

@test "where both clocks agree, there is no word about them" {
	leaf site expired
	story site.pem
	exits 4
	tells says "expired"
	[[ $stderr != *"is this machine's clock right?"* ]]
}

@test "a certificate that begins in the future: is the clock right?" {
	leaf site good --from 86400
	story site.pem
	exits 0
	tells "clock?" "begins only on $(utc "$(openssl x509 -in site.pem -noout \
	    -startdate | cut -d= -f2)")"
}

@test "a forgery: who signed it" {
	leaf site by-leaf
	story site.pem
	exits 4
	runs_like "$WHO asked answered signer says decided to-do exit"
	tells says "refused"
	tells says "not signed by the issuer or for it"
	[[ $(text signer) != *itself* ]]
	ends_with_message site.pem
	says "attack"
}

@test "down, the stored response is good for long: no alarm, and why" {
	leaf site -
	response site good
	story -u http://127.0.0.1:1/ site.pem
	exits 0
	runs_like "$WHO asked answered decided now no-alarm to-do exit"
	lasts stored "site.pem.ocsp: "
	tells asked "GET http://127.0.0.1:1/"
	tells answered "nothing: "
	tells decided "nothing was written"
	lasts now "site.pem.ocsp: "
	tells "no alarm" "no connection"
	ends_without_message 0
}

@test "down, in the last third: what is left, and what was demanded" {
	leaf site -
	response site two-thirds-gone
	story -u http://127.0.0.1:1/ site.pem
	exits 1
	runs_like "$WHO asked answered decided now to-do exit"
	ends_with_message site.pem
	tail -n 1 <<<"$stderr" | grep -q 'site.pem.ocsp is good until '
	tail -n 1 <<<"$stderr" | grep -q '2[34] h\|1 d 0 h'
	# the limit that it failed: a third of seven days
	tail -n 1 <<<"$stderr" | grep -q 'third\|2 d 8 h'
}

@test "down, and nothing stored: so says the message" {
	leaf site -
	story -u http://127.0.0.1:1/ site.pem
	exits 1
	tells stored "site.pem.ocsp: none"
	ends_with_message site.pem
	says "there is no site.pem.ocsp"
	says "run again"
}

@test "a stored response of no use is told, and why" {
	leaf site good
	response site expired
	story site.pem
	exits 0
	tells stored "expired"
	echo "<html>" >site.pem.ocsp
	story site.pem
	exits 0
	tells stored "not an OCSP response"
	"$FORGE" response "$PKI" sibling good >site.pem.ocsp
	story site.pem
	exits 0
	tells stored "another certificate"
	tells decided written
}

@test "a certificate that expired: nobody is asked" {
	leaf site good --to -86400
	story site.pem
	exits 2
	runs_like "certificate decided to-do exit"
	tells certificate "(1 d 0 h ago)"
	tells decided "nobody was asked"
	ends_with_message site.pem
	says "expired on"
}

@test "a responder that may not be asked is told, and why" {
	leaf site good --url ldap://ocsp.example/
	story site.pem
	exits 0
	runs_like "certificate issuer not-asked stored asked answered $GOOD \
decided now to-do exit"
	tells "not asked" "ldap://ocsp.example/"
	tells "not asked" "http"
}

# ---- text from outside ----

@test "what comes from outside cannot write to the terminal" {
	leaf site - --cn $'a\e[31mb\r\nc' --url $'http://h/\e[2J'
	story site.pem
	exits 2
	says '\x1B[2J'
	not_in_story=$(tr -d '[:print:]\n' <<<"$stderr")
	[ -z "$not_in_story" ]
	[ "$(labels)" = "certificate issuer not-asked decided to-do exit" ]
}

@test "a file name with a line break stays on its line" {
	local name=$'a\nb'
	leaf "$name" good
	story "$name.pem"
	exits 0
	head -n 1 <<<"$stderr" | grep -qxF 'ocspfetch: a\x0Ab.pem'
	runs_like "$WHO asked answered $GOOD decided now to-do exit"
}

# ---- several ----

@test "the stories of several certificates do not mix" {
	local i
	for i in 1 2 3 4 5 6; do
		leaf "m$i" "latency-$((70 - i * 10)),good"
	done
	leaf m7 revoked
	echo nonsense >m8.pem
	story -P 8 m1.pem m2.pem m3.pem m4.pem m5.pem m6.pem m7.pem m8.pem
	exits 5
	for i in 1 2 3 4 5 6; do
		runs_like "$WHO asked answered $GOOD decided now to-do exit" "m$i.pem"
	done
	runs_like "$WHO asked answered $GOOD decided to-do exit" m7.pem
	runs_like "decided to-do exit" m8.pem
	[ "$(grep -c '^ocspfetch: m7.pem: ' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c '^ocspfetch: m8.pem: ' <<<"$stderr")" -eq 1 ]
}

# ---- twice ----

@test "-vv shows the headers of the answer" {
	leaf site good
	fetch -vv site.pem
	exits 0
	[ -z "$output" ]
	grep -qx '  < HTTP/1.1 200 OK' <<<"$stderr"
	grep -qx '  < Content-Type: application/ocsp-response' <<<"$stderr"
	grep -qx "  < Content-Length: $(wc -c <site.pem.ocsp)" <<<"$stderr"
}

@test "-v -v is -vv" {
	leaf site good
	fetch -v -v site.pem
	grep -qx '  < HTTP/1.1 200 OK' <<<"$stderr"
	fetch -v site.pem
	run grep -c '^  [<|]' <<<"$stderr"
	[ "$output" -eq 0 ]
}

@test "-vv shows the response in OpenSSL's words" {
	leaf site good
	fetch -vv site.pem
	openssl ocsp -respin site.pem.ocsp -resp_text -noverify 2>/dev/null |
	    sed -n '/Produced At/,/Next Update/p' >expected
	[ -s expected ]
	sed -n 's/^  | //p' <<<"$stderr" |
	    sed -n '/Produced At/,/Next Update/p' >shown
	diff expected shown
}

@test "-vv shows no page that is not a response, but its headers" {
	leaf site html-200
	fetch -vv -r 0 site.pem
	exits 1
	grep -qx '  < Content-Type: text/html' <<<"$stderr"
	[[ $stderr != *"<html"* ]]
}

@test "-vv tells which candidates for the issuer were looked at" {
	leaf site good
	fetch -vv -i "$PKI/other.pem" site.pem
	exits 0
	grep "$PKI/other.pem: " <<<"$stderr" | grep -q 'does not verify'
	grep 'site.pem.issuer: ' <<<"$stderr" | grep -q 'is the issuer'
}

# Runs the nth (1) command that is shown; the log gets what it asked.
repeat() {
	text "to repeat" "${1:-1}" >again.sh
	[ -s again.sh ]
	command -v curl >/dev/null || skip "no curl(1) on this machine"
	cut -d' ' -f1-3 <"$LOG" | grep -c . >before
	sh ./again.sh >repeated 2>&1
	tail -n "+$(($(cat before) + 1))" "$LOG" | grep -v '^connect ' >asked
	[ "$(wc -l <asked)" -eq 1 ]
}

# The same question as the line of $LOG that was there before.
same_question() {
	local field
	for field in host target req cc pragma x-test; do
		[ "$(sed "s/.* $field=\([^ ]*\).*/\1/" asked)" = \
		    "$(sed "s/.* $field=\([^ ]*\).*/\1/" first)" ] || {
			echo "$field differs:"
			cat first asked
			return 1
		}
	done
	[ "$(cut -d' ' -f1 asked)" = "$(cut -d' ' -f1 first)" ]
}

@test "-vv shows a command that repeats the GET" {
	leaf site good.repeat-get
	fetch -vv -H "X-Test: it's \$HOME" -H 'Host: ocsp.example' site.pem
	exits 0
	grep ' /good.repeat-get ' "$LOG" >first
	repeat
	same_question
	grep -q 'Cert Status: good' repeated
}

@test "-vv shows a command that repeats the POST" {
	leaf site good.repeat-post
	fetch -vv -X post -H "X-Test: it's \$HOME" site.pem
	exits 0
	grep ' /good.repeat-post ' "$LOG" >first
	repeat
	same_question
	grep -q 'Cert Status: good' repeated
}

@test "-vv shows a command that repeats the question with no-cache" {
	leaf site stale-unless-nocache.repeat
	fetch -vv site.pem
	exits 0
	grep ' /stale-unless-nocache.repeat ' "$LOG" | tail -n 1 >first
	repeat 2
	same_question
	grep -q 'Cert Status: good' repeated
}

@test "-vv shows a command that repeats the question through the proxy" {
	leaf site -
	fetch -vv -x "$URL" -u http://ocsp.invalid/good.repeat-proxy site.pem
	exits 0
	grep ' /good.repeat-proxy ' "$LOG" >first
	repeat
	same_question
}

@test "-vv shows a command for each question, also if nobody answered" {
	leaf site -
	fetch -vv -r 0 -u http://127.0.0.1:1/ site.pem
	exits 1
	tells "to repeat" "curl "
	tells "to repeat" "http://127.0.0.1:1/"
	leaf other status-404
	fetch -vv -r 0 other.pem
	tells "to repeat" "$URL/status-404/" 1
	tells "to repeat" "$URL/status-404" 2
}

@test "-vv cannot be led to write to the terminal either" {
	leaf site good
	fetch -vv -H $'X-Test: \xc2\x9b31m' site.pem
	exits 0
	# C1 controls count: some terminals obey them
	[[ $stderr == *'\xC2\x9B31m'* ]]
	[ -z "$(LC_ALL=C tr -d '[:print:]\n' <<<"$stderr")" ]
}
