#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ocspfetch at its job, against a certification authority and a responder that
# live for as long as this takes.  OCSPFETCH is the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/harness/ca.sh
. "$here/harness/ca.sh"
OCSPFETCH=${OCSPFETCH:-$here/../ocspfetch}
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY

dir=$(mktemp -d)
clean_up() {
	[ -z "$ca_pid" ] || kill "$ca_pid" 2>/dev/null || :
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

heading() {
	printf '\n# %s\n' "$*"
}

# show WANT COMMAND...: runs it as a person would, and checks its exit status.
show() {
	want=$1
	shift
	printf '$ %s\n' "$*"
	status=0
	"$@" 2>&1 || status=$?
	printf '(exit status %s)\n' "$status"
	[ "$status" -eq "$want" ] || {
		echo "demo: exit status $status, not $want" >&2
		exit 1
	}
}

ocspfetch() {
	"$OCSPFETCH" "$@"
}


ca_make "$dir"
ca_respond "$dir" -ndays 4
ca_issue "$dir" www.example.com "http://127.0.0.1:$ca_port"
ca_respond "$dir" -ndays 4
cd "$dir"
cp www.example.com.bundle site.pem

heading 'A certificate, its issuer and its key in one file, as HAProxy has it'
show 0 ocspfetch -v site.pem

heading 'What the server will send in its handshakes'
show 0 openssl ocsp -respin site.pem.ocsp -noverify -resp_text >text
sed '/Signature Algorithm/,/^(/{/^(/!d;}' text

heading 'Once more, as cron does it: not due, so nothing is said or asked'
show 0 ocspfetch -d site.pem

heading 'The authority revokes the certificate'
ca_revoke "$dir" www.example.com keyCompromise
ca_respond "$dir" -ndays 4
cp site.pem.ocsp before
show 5 ocspfetch site.pem

heading 'The stored response is as it was; nothing that is not good is written'
show 0 cmp before site.pem.ocsp
