#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What is never reached, sent or let through, whatever a certificate, an option
# or a responder says.  Schemes and URLs of certificates: input.bats; --url and
# --header: options.bats.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it, and
# takes a test for a subshell of a test.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_token; }

lines() {
	grep -E "^[A-Z]+ /[^ ]*\.${1:-$T} " "$LOG" || true
}

connections() {
	grep -c '^connect ' "$LOG" || true
}

# ---- schemes ----

@test "a certificate that names file, ftp, gopher, ldap or dict connects nowhere" {
	local scheme
	own_responder
	echo secret >secret
	for scheme in ftp ftps gopher gophers ldap ldaps dict telnet tftp scp \
	    sftp smb smbs imap pop3 smtp rtsp rtmp mqtt ws wss httpx; do
		leaf site - --url "$scheme://127.0.0.1:$PORT/good"
		fetch -r 0 site.pem
		exits 2
		says "\"$scheme://127.0.0.1:$PORT/good\", cannot be asked: only http:// and https:// are asked"
		fetch -r 0 -u "$scheme://127.0.0.1:$PORT/good" site.pem
		exits 2
		no_file
	done
	leaf site - --url "file://$PWD/secret"
	fetch -vv -r 0 site.pem
	exits 2
	does_not_say secret$'\n'
	no_file
	[ "$(connections)" -eq 0 ]
}

@test "a file of the certificate's URL is not even opened" {
	command -v strace >/dev/null || skip "there is no strace"
	: >secret
	leaf site - --url "file://$PWD/secret"
	# leaks cannot be looked for under strace
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o trace "$OCSPFETCH" -r 0 site.pem 2>err || true
	grep -q site.pem trace
	not grep -q '/secret"' trace
	not grep -q 'socket(AF_INET' trace
}

@test "--max-redirs follows to no other scheme, and connects nowhere for it" {
	local scheme
	own_responder
	for scheme in ftp gopher dict ldap telnet scp file; do
		: >"$LOG"
		leaf site "redirect-$scheme"
		fetch -X get -vv --max-redirs 5 -r 0 site.pem
		exits 1
		says "site.pem: $URL/redirect-$scheme: it redirects to something that is not http or https; $STANDS"
		does_not_say root:
		no_file
		[ "$(connections)" -eq 1 ]
		[ "$(grep -vc '^connect ' "$LOG")" -eq 1 ]
	done
}

@test "a proxy of the environment does not open other schemes" {
	own_responder
	leaf site - --url "ftp://127.0.0.1:$PORT/good"
	fetch_with ftp_proxy="$URL" all_proxy="$URL" -r 0 site.pem
	exits 2
	[ "$(connections)" -eq 0 ]
}

# ---- credentials ----

@test "a redirection to a URL with a password is not followed" {
	leaf site "redirect-user.$T"
	fetch -X get --max-redirs 5 -r 0 site.pem
	exits 1
	reads "site.pem: http://127.0.0.1:PORT/redirect-user: it redirects to a URL with a user name or password, which are not sent; $STANDS"
	[ "$(lines | wc -l)" -eq 1 ]
	not grep -q "auth=Basic" "$LOG"
	no_file
}

@test "a responder that wants a password gets none, netrc or not" {
	printf 'machine 127.0.0.1 login u password p\ndefault login u password p\n' \
	    >.netrc
	chmod 600 .netrc
	leaf site "cookie-401.$T"
	fetch_with HOME="$PWD" NETRC="$PWD/.netrc" site.pem
	exits 0
	silent
	# by POST it gave what it refused to GET
	[ "$(lines | wc -l)" -eq 2 ]
	[ "$(lines | grep -c ' auth=- proxyauth=- ')" -eq 2 ]
	leaf other "status-401.$T-other"
	fetch_with HOME="$PWD" NETRC="$PWD/.netrc" -r 0 other.pem
	exits 1
	[ "$(lines "$T-other" | grep -c ' auth=- ')" -eq 2 ]
}

@test "a redirection to a host of netrc brings it no password" {
	printf 'default login u password p\n' >.netrc
	chmod 600 .netrc
	leaf site "redirect-host.$T"
	fetch_with HOME="$PWD" NETRC="$PWD/.netrc" --max-redirs 1 site.pem
	exits 0
	not grep -q " auth=[^-]" "$LOG"
}

@test "an Authorization of -H does not go along to another host" {
	own_responder
	leaf site redirect-host
	fetch -H 'Authorization: Bearer secret' --max-redirs 1 site.pem
	exits 0
	grep '^GET /redirect-host ' "$LOG" | grep -q ' auth=Bearer%20secret '
	grep '^GET /good ' "$LOG" | grep ' host=localhost:' | grep -q ' auth=- '
}

@test "curl's own configuration has no say" {
	cat >.curlrc <<-'END'
	header = "X-Test: curlrc"
	user = "u:p"
	cookie = "a=b"
	insecure
	END
	leaf site "good.$T"
	fetch_with HOME="$PWD" CURL_HOME="$PWD" XDG_CONFIG_HOME="$PWD" site.pem
	exits 0
	[[ $(lines) == *" cookie=- auth=- proxyauth=- "*" x-test=- "* ]]
}

# ---- cookies ----

@test "a cookie is never sent back, not by POST either" {
	own_responder
	leaf site cookie-401.a
	leaf next cookie-401.b
	fetch -P 1 site.pem next.pem
	exits 0
	silent
	grep -v '^connect ' "$LOG" >asked
	# the cookie was set each time
	[ "$(cut -d' ' -f1 asked | xargs)" = "GET GET POST POST" ] ||
	    [ "$(cut -d' ' -f1 asked | xargs)" = "GET POST POST" ]
	not grep -q ' cookie=[^-]' asked
}

@test "a cookie is not sent after a redirection either" {
	own_responder
	leaf site redirect-302,set-cookie
	fetch --max-redirs 1 -vv site.pem
	exits 0
	says "Set-Cookie"
	not grep -q ' cookie=[^-]' "$LOG"
}

# ---- injection ----

@test "no -H can bring a second header or a second request" {
	local bad
	leaf site "good.$T"
	for bad in $'X-Test: a\r\nCookie: b' $'X-Test: a\nCookie: b' \
	    $'X-Test: a\rCookie: b' $'X-Test: a\r\n\r\nGET /good.x HTTP/1.1' \
	    $'X-Test\r\n: a' $'\r\nCookie: b' 'X Test: a' 'X-Test : a' ': a' \
	    '' X-Test 'X-Test;' 'X(Test): a' $'X-T\xc3\xa9st: a' $'X-Test: a\x0b' \
	    $'X-Test: a\x7f' $'X-Test: a\x01'; do
		fetch -H "$bad" site.pem
		exits 2
		says "--header"
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	done
	[ -z "$(lines)" ]
	no_file
}

@test "no URL can bring a header or a second request, by any option" {
	local bad
	own_responder
	for bad in "$URL/good"$'\r\nX-Test: a' "$URL/good"$'\nX-Test: a' \
	    "$URL/good HTTP/1.1"$'\r\nX-Test: a' "$URL/go od" "$URL/good "$'\t' \
	    " $URL/good" "$URL/good"$'\x7f' "$URL/good"$'\xc2\xa0'; do
		leaf site - --url "$bad"
		fetch -r 0 site.pem
		exits 2
		says "cannot be asked"
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		fetch -r 0 -X post site.pem
		exits 2
		leaf plain -
		fetch -r 0 -u "$bad" plain.pem
		exits 2
		says "--url"
	done
	[ "$(connections)" -eq 0 ]
}

@test "a redirection whose target holds a space or a line's end is harmless" {
	own_responder
	leaf site redirect-space
	fetch --max-redirs 1 -r 0 site.pem
	# %20 or refused, as libcurl sees fit: but never a second header
	not grep -q 'x-test=[^-]' "$LOG"
	not grep -qv '^connect \|^GET \|^POST ' "$LOG"
}

@test "a header of -H is sent to the responder, not to the proxy of a tunnel" {
	own_responder
	leaf site -
	fetch -r 0 -H 'X-Test: secret' -H 'Authorization: Bearer secret' \
	    -x "$URL" -u https://ocsp.invalid/good site.pem
	exits 1
	grep -q '^CONNECT ' "$LOG"
	not grep -q secret "$LOG"
}
