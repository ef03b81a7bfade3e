#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Real proxies, tinyproxy and squid, between it and the responder: asked through
# them, by them refused, and who is to blame when nothing comes.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it, and
# takes a test for a subshell of a test.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

# proxy NAME tinyproxy|squid: one more of them, configured by stdin, on a free
# port; sets the variable NAME to host and port.
proxy() {
	local port stem=$BATS_FILE_TMPDIR/$1 try i
	cat >"$stem.more"
	for ((try = 0; try < 10; try++)); do
		port=$((20000 + RANDOM % 10000))
		"conf_$2" "$port" "$stem.more" >"$stem.conf"
		"run_$2" "$stem.conf" >"$stem.out" 2>&1 3>&- &
		echo $! >>"$BATS_FILE_TMPDIR/pids"
		for ((i = 0; i < 100; i++)); do
			sleep 0.05
			kill -0 $! 2>/dev/null || break
			if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
				export "$1=127.0.0.1:$port"
				return 0
			fi
		done
	done
	cat "$stem.out"
	return 1
}

conf_tinyproxy() {
	printf '%s\n' "Port $1" "Listen 127.0.0.1" "Timeout 10" "LogLevel Error"
	cat "$2"
}
run_tinyproxy() {
	exec tinyproxy -d -c "$1"
}

conf_squid() {
	cat "$2"
	cat <<-END
	http_port 127.0.0.1:$1
	http_access allow all
	pid_filename none
	cache_log /dev/null
	access_log none
	cache_store_log none
	memory_cache_shared off
	shutdown_lifetime 0 seconds
	pinger_enable off
	netdb_filename none
	coredump_dir /
	visible_hostname squid.test
	max_filedescriptors 256
	END
}
run_squid() {
	exec squid -N -f "$1"
}

# Who runs squid as root gets another user's, who has to read its helper.
password_helper() {
	OPEN=$(mktemp -d /tmp/ocspfetch-test.XXXXXX)
	export OPEN
	cat >"$OPEN/helper" <<-'END'
	#!/bin/sh
	while read -r user password; do
		if [ "$user $password" = "user secret" ]; then
			echo OK
		else
			echo ERR
		fi
	done
	END
	chmod 755 "$OPEN" "$OPEN/helper"
}

# An https responder whose certificate is for this host: sets TLS, TLSLOG.
tls_responder() {
	local plain=$PORT
	"$FORGE" leaf "$PKI" tls --cn 127.0.0.1
	TLSLOG=$BATS_FILE_TMPDIR/tls.log
	start_responder "$BATS_FILE_TMPDIR/tls" -l "$TLSLOG" \
	    --tls "$PKI/tls.pem" "$PKI/tls.key"
	TLS=https://127.0.0.1:$PORT
	TLSPORT=$PORT
	PORT=$plain
	export TLS TLSLOG TLSPORT PORT
}

setup_file() {
	world
	OPEN=
	command -v tinyproxy >/dev/null && command -v squid >/dev/null ||
	    return 0
	tls_responder
	password_helper
	proxy TINY tinyproxy </dev/null
	proxy TINY_AUTH tinyproxy <<<"BasicAuth user secret"
	printf '%s\n' '^ocsp\.invalid$' >"$BATS_FILE_TMPDIR/filter"
	proxy TINY_FILTER tinyproxy <<-END
	Filter "$BATS_FILE_TMPDIR/filter"
	ConnectPort 443
	END
	proxy TINY_UP tinyproxy <<<"upstream http 127.0.0.1:1"
	proxy SQUID squid <<<"cache deny all"
	proxy SQUID_AUTH squid <<-END
	cache deny all
	auth_param basic program $OPEN/helper
	acl known proxy_auth REQUIRED
	http_access deny !known
	END
	proxy SQUID_FILTER squid <<-END
	cache deny all
	acl evil dstdomain ocsp.invalid
	acl CONNECT method CONNECT
	acl safe port 443
	http_access deny evil
	http_access deny CONNECT !safe
	END
	proxy SQUID_UP squid <<-END
	cache deny all
	cache_peer 127.0.0.1 parent 1 0 no-query no-digest default
	never_direct allow all
	END
	# what a CDN is: it keeps what it has, whatever that may be
	proxy SQUID_CDN squid <<-END
	refresh_pattern . 60 100% 60 override-expire override-lastmod
	END
}

teardown_file() {
	end_world
	[ -z "$OPEN" ] || rm -rf "$OPEN"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	T=t$BATS_TEST_NUMBER
	command -v tinyproxy >/dev/null || skip "there is no tinyproxy"
	command -v squid >/dev/null || skip "there is no squid"
}

# The lines of the log about the token $1, or this test's.
lines() {
	grep -E "^[A-Z]+ /[^ ]*\.${1:-$T} " "${2:-$LOG}" || true
}

# asked_via VIA METHOD [TOKEN]: once, so, and through that one (- is direct).
asked_via() {
	local got
	got=$(lines "${3:-}")
	case $1 in
	-) [[ $got == "$2 "*" via=- "* ]] ;;
	*) [[ $got == "$2 "*" via="*"$1"* ]] ;;
	esac || {
		echo "not asked by $2 via $1: $got"
		return 1
	}
	[ "$(wc -l <<<"$got")" -eq 1 ]
}

# through URL [more]: site.pem's question by that proxy of the loop.
through() {
	local url=$1
	shift
	rm -f site.pem.ocsp
	fetch -r 0 -x "http://$proxy" -u "$url" "$@" site.pem
}

# The size of the page that a proxy answers with is its own affair.
without_size() {
	[[ $stderr =~ [0-9]+" bytes" ]]
	stderr=${stderr/"${BASH_REMATCH[0]}"/N bytes}
}

through_trusting() {
	rm -f site.pem.ocsp
	fetch_trusting -r 0 -x "http://$proxy" -u "$1" site.pem
}

STANDS="there is no site.pem.ocsp; run again later"
CREDENTIALS="the proxy wants a user name and password (--proxy http://USER:PASSWORD@HOST:PORT)"
REFUSED="the proxy does not accept the user name and password of --proxy"

# ---- the way through ----

@test "a question goes through a real proxy, by GET and by POST" {
	local name proxy
	leaf site -
	for name in tinyproxy:"$TINY" squid:"$SQUID"; do
		proxy=${name#*:}
		through "$URL/good.$T-get-${name%%:*}" -v
		exits 0
		asked_via "${name%%:*}" GET "$T-get-${name%%:*}"
		says "at 127.0.0.1 port ${proxy#*:}, the proxy"
		good_file
		through "$URL/good.$T-post-${name%%:*}" -X post
		exits 0
		silent
		asked_via "${name%%:*}" POST "$T-post-${name%%:*}"
		good_file
	done
}

@test "http_proxy and all_proxy name a real proxy, no_proxy takes it away" {
	local var
	leaf site -
	for var in http_proxy all_proxy; do
		fetch_with $var="http://$TINY" -f -u "$URL/good.$T-$var" site.pem
		exits 0
		silent
		asked_via tinyproxy GET "$T-$var"
		fetch_with $var="http://$TINY" no_proxy=127.0.0.1 -f \
		    -u "$URL/good.$T-no-$var" site.pem
		exits 0
		asked_via - GET "$T-no-$var"
		fetch_with $var="http://$TINY" -f --noproxy 'a.example,127.0.0.1' \
		    -u "$URL/good.$T-opt-$var" site.pem
		exits 0
		asked_via - GET "$T-opt-$var"
		fetch_with $var="http://$TINY" -f -x '' \
		    -u "$URL/good.$T-none-$var" site.pem
		exits 0
		asked_via - GET "$T-none-$var"
	done
	# -x goes before the environment
	fetch_with http_proxy="http://$TINY" -f -x "$SQUID" \
	    -u "$URL/good.$T-x" site.pem
	asked_via squid GET "$T-x"
}

@test "an https responder is reached through a real proxy by CONNECT" {
	local name proxy
	needs_trust
	leaf site -
	for name in tinyproxy:"$TINY" squid:"$SQUID"; do
		proxy=${name#*:}
		through_trusting "$TLS/good.$T-${name%%:*}"
		exits 0
		silent
		# end to end: no proxy could have put its name there
		[[ $(lines "$T-${name%%:*}" "$TLSLOG") == GET*" via=- "* ]]
		good_file
	done
	rm site.pem.ocsp
	https_proxy="http://$SQUID_FILTER" fetch_trusting -r 0 \
	    -u "$TLS/good.$T-env" site.pem
	says "the proxy failed"
}

@test "a responder behind a real proxy whose certificate is not trusted" {
	local proxy
	leaf site -
	for proxy in "$TINY" "$SQUID"; do
		through "$TLS/good.$T"
		exits 1
		reads "site.pem: https://127.0.0.1:PORT/good: through the proxy, no trusted TLS connection: SSL certificate problem: unable to get local issuer certificate; the responder's own certificate has to be in date, for this name, and from an authority that this machine trusts or --cacert names; $STANDS"
		no_file
	done
	[ -z "$(lines "$T" "$TLSLOG")" ]
}

# ---- credentials ----

@test "a real proxy that wants credentials takes the right ones" {
	local name proxy
	leaf site -
	for name in tinyproxy:"$TINY_AUTH" squid:"$SQUID_AUTH"; do
		proxy=user:secret@${name#*:}
		through "$URL/good.$T-${name%%:*}"
		exits 0
		silent
		asked_via "${name%%:*}" GET "$T-${name%%:*}"
		# they are the proxy's, not the responder's
		[[ $(lines "$T-${name%%:*}") == *" auth=- proxyauth=- "* ]]
		good_file
		rm site.pem.ocsp
		fetch_with http_proxy="http://$proxy" \
		    -u "$URL/good.$T-env-${name%%:*}" site.pem
		exits 0
		asked_via "${name%%:*}" GET "$T-env-${name%%:*}"
	done
}

@test "a real proxy that wants credentials and gets none" {
	local proxy
	leaf site -
	proxy=$SQUID_AUTH
	through "$URL/good.$T"
	exits 1
	without_size
	reads "site.pem: http://127.0.0.1:PORT/good: HTTP 407 (through the proxy) with N bytes of text/html;charset=utf-8, not an OCSP response; $CREDENTIALS; $STANDS"
	proxy=$TINY_AUTH
	through "$URL/good.$T"
	exits 1
	without_size
	reads "site.pem: http://127.0.0.1:PORT/good: HTTP 407 (through the proxy) with N bytes of text/html, not an OCSP response; $CREDENTIALS; $STANDS"
	[ -z "$(lines)" ]
	no_file
}

@test "a real proxy that gets the wrong credentials; they are not shown" {
	local name proxy
	leaf site -
	for name in "$TINY_AUTH" "$SQUID_AUTH"; do
		proxy=user:wrong-word@$name
		through "$URL/good.$T" -vv
		exits 1
		# tinyproxy said 401 up to 1.11, in the place of a responder
		case $name:$stderr in
		"$TINY_AUTH":*'HTTP 401'*)
			says "HTTP 401 (through the proxy)"
			says "; the proxy or the responder wants another user name and password; $STANDS"
			;;
		*)
			says "HTTP 407 (through the proxy)"
			says "; $REFUSED; $STANDS"
			;;
		esac
		does_not_say wrong-word
		does_not_say "$(printf user:wrong-word | openssl base64)"
	done
	[ -z "$(lines)" ]
}

@test "CONNECT with credentials: right, wrong, none" {
	local proxy name
	needs_trust
	leaf site -
	for name in "$TINY_AUTH" "$SQUID_AUTH"; do
		proxy=user:secret@$name
		through_trusting "$TLS/good.$T"
		exits 0
		silent
		good_file
		proxy=user:wrong-word@$name
		through_trusting "$TLS/good.$T"
		exits 1
		stderr=${stderr/HTTP 401/HTTP 407}
		reads "site.pem: https://127.0.0.1:PORT/good: the proxy failed: it answers CONNECT with HTTP 407; $REFUSED; $STANDS"
		proxy=$name
		through_trusting "$TLS/good.$T"
		exits 1
		reads "site.pem: https://127.0.0.1:PORT/good: the proxy failed: it answers CONNECT with HTTP 407; $CREDENTIALS; $STANDS"
		no_file
	done
	[ "$(lines "$T" "$TLSLOG" | wc -l)" -eq 2 ]
	not grep -q 'proxyauth=[^-]' "$TLSLOG"
}

@test "a proxy's URL that cannot be used is not shown with its password" {
	local url var
	leaf site -
	for url in http://user:secret@ htp://user:secret@127.0.0.1:1 \
	    "http://user:secret@local host:1"; do
		# before any work where it is an option
		fetch -vv -r 0 -x "$url" -u "$URL/good.$T" site.pem
		exits 2
		says "ocspfetch: option -x, --proxy: \""
		[ "${#stderr_lines[@]}" -eq 1 ]
		does_not_say secret
		for var in http_proxy all_proxy ALL_PROXY; do
			fetch_with "$var=$url" -vv -r 0 -u "$URL/good.$T" site.pem
			exits 1
			says "the proxy failed: its URL, from $var, is not one that can be used; $var is \""
			does_not_say secret
		done
		# who asks nobody needs no proxy
		fetch_with http_proxy="$url" -c -u "$URL/good.$T" site.pem
		does_not_say proxy
	done
	[ -z "$(lines)" ]
}

@test "a failure on the way to a proxy names the setting that chose it" {
	leaf site -
	fetch_with http_proxy=htp://127.0.0.1:3128 -r 0 -u "$URL/good.$T" site.pem
	exits 1
	says "; http_proxy is \"htp://127.0.0.1:3128\": a proxy's URL begins with http://"
	fetch_with http_proxy=http://127.0.0.1:1 -r 0 -u "$URL/good.$T" site.pem
	exits 1
	says "; http_proxy is \"http://127.0.0.1:1\"; "
	# an empty one is passed over, by libcurl and by us
	fetch_with http_proxy= all_proxy=http://127.0.0.1:1 -r 0 -u "$URL/good.$T" site.pem
	exits 1
	says "; all_proxy is \"http://127.0.0.1:1\"; "
	fetch_with https_proxy=http://prxy.invalid:1 -r 0 -u https://127.0.0.1:1/ site.pem
	exits 1
	says "; https_proxy is \"http://prxy.invalid:1\"; "
	fetch -r 0 -x http://127.0.0.1:1 -u "$URL/good.$T" site.pem
	exits 1
	says "; -x, --proxy is \"http://127.0.0.1:1\"; "
	fetch_with HTTP_PROXY=http://127.0.0.1:1 -r 0 -u http://127.0.0.1:1/ site.pem
	exits 1
	says "; HTTP_PROXY is not read, only http_proxy is, as by curl; "
	fetch_with http_proxy=http://127.0.0.1:2 no_proxy=127.0.0.1 -r 0 \
		-u http://127.0.0.1:1/ site.pem
	exits 1
	says "; no_proxy keeps it from the proxy of http_proxy; "
	fetch_with http_proxy=http://127.0.0.1:1 no_proxy='*.0.0.1' -r 0 \
		-u "$URL/good.$T" site.pem
	exits 1
	says "no_proxy holds a pattern or a URL, which no host matches"
}

# ---- what the proxy says itself ----

@test "a filter of a real proxy: 403, and that it came through the proxy" {
	local proxy
	leaf site -
	for proxy in "$TINY_FILTER" "$SQUID_FILTER"; do
		through http://ocsp.invalid/good
		exits 1
		says "site.pem: http://ocsp.invalid/good: HTTP 403 (through the proxy) with "
		says ", not an OCSP response; a proxy or the responder forbids it (a Host header that it does not know?); $STANDS"
		no_file
		# what is not forbidden goes through
		through "$URL/good.$T-${proxy#*:}"
		exits 0
	done
}

@test "a port that a real proxy opens no tunnel to" {
	local proxy
	leaf site -
	for proxy in "$TINY_FILTER" "$SQUID_FILTER"; do
		through "$TLS/good.$T"
		exits 1
		reads "site.pem: https://127.0.0.1:PORT/good: the proxy failed: it answers CONNECT with HTTP 403; it forbids this host, or this port; $STANDS"
		no_file
	done
	[ -z "$(lines "$T" "$TLSLOG")" ]
}

@test "a real proxy whose own way out is down answers 50x itself" {
	local proxy
	leaf site -
	for proxy in "$TINY_UP" "$SQUID_UP"; do
		through "$URL/good.$T"
		exits 1
		[[ $stderr =~ ": HTTP 50"[0-9]" (through the proxy) with " ]]
		says ", not an OCSP response; the proxy, or what is behind it, is out of order; $STANDS"
		no_file
		through "$TLS/good.$T"
		exits 1
		[[ $stderr =~ ": the proxy failed: it answers CONNECT with HTTP 50"[0-9]"; it does not reach the responder; $STANDS" ]]
	done
	[ -z "$(lines)" ]
}

@test "a responder that is down behind a real proxy" {
	local proxy
	leaf site -
	for proxy in "$TINY" "$SQUID"; do
		through http://127.0.0.1:1/good
		exits 1
		[[ $stderr =~ ": HTTP 50"[0-9]" (through the proxy) with " ]]
		says "; the proxy, or what is behind it, is out of order; $STANDS"
		through https://127.0.0.1:1/good
		exits 1
		[[ $stderr =~ ": the proxy failed: it answers CONNECT with HTTP 50"[0-9] ]]
		says "; it does not reach the responder; $STANDS"
	done
	# as everywhere: no failure while what is stored will do
	response site good
	fetch -r 0 -x "$SQUID" -u http://127.0.0.1:1/good site.pem
	exits 0
	silent
}

@test "an error of the responder itself keeps its number through a real proxy" {
	local proxy code
	leaf site -
	for proxy in "$TINY" "$SQUID"; do
		for code in 403 404 500 533; do
			through "$URL/status-$code.$T-$code"
			exits 1
			says "HTTP $code (through the proxy)"
		done
	done
}

@test "a responder that never answers behind a real proxy" {
	local proxy
	leaf site -
	for proxy in "$TINY" "$SQUID"; do
		through "$URL/hang.$T" -t 1
		exits 1
		reads "site.pem: http://127.0.0.1:PORT/hang: through the proxy, no answer in time: no line of an answer came in 1 s (--timeout); $STANDS"
	done
}

# ---- a cache on the way, as a CDN is one ----

@test "unauthorized out of a real cache: POST gets past it" {
	leaf site "unauthorized-once.$T"
	fetch -X get -r 0 -x "$SQUID_CDN" site.pem
	exits 1
	says '"unauthorized"'
	# the responder knows the certificate by now; the cache does not
	fetch -X get -r 0 -x "$SQUID_CDN" site.pem
	exits 1
	says '"unauthorized"'
	[ "$(lines | wc -l)" -eq 1 ]
	fetch -x "$SQUID_CDN" site.pem
	exits 0
	silent
	[ "$(lines | cut -d' ' -f1 | xargs)" = "GET POST" ]
	good_file
}

@test "an expired answer out of a real cache: no-cache gets past it" {
	leaf site "expired-once.$T"
	fetch -X get -o out -r 0 -x "$SQUID_CDN" site.pem
	exits 0
	[ "$(lines | cut -d' ' -f1 | xargs)" = "GET GET" ]
	[[ $(lines | head -n 1) != *"cc=no-cache"* ]]
	[[ $(lines | tail -n 1) == *"cc=no-cache"* ]]
}
