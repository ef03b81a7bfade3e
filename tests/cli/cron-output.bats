#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Quiet is quiet.  What goes well says not a byte, and what fails says at least
# one line that names the file: under cron, which sends a mail if there is any
# output or a status that is not 0, and under run-parts, whose own words are
# those of what it runs.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# job ARGUMENTS...: a script as an administrator leaves it in cron.hourly.
job() {
	local word
	{
		echo '#!/bin/sh'
		printf 'cd %q || exit\n' "$PWD"
		printf 'exec'
		for word in "$OCSPFETCH" "$@"; do
			printf ' %q' "$word"
		done
		echo
	} >job
	chmod 755 job
}

# The job as cron runs it: no terminal, no environment, a session of its own.
cron() {
	local code=0
	env -i HOME=/ LOGNAME=nobody SHELL=/bin/sh PATH=/usr/bin:/bin \
	    setsid -w /bin/sh -c "$PWD/job" </dev/null >mail 2>&1 || code=$?
	echo "$code" >code
}

# The same by way of run-parts, where there is one.
parts() {
	local code=0
	mkdir -p parts
	cp job parts/ocspfetch
	env -i HOME=/ LOGNAME=nobody SHELL=/bin/sh PATH=/usr/sbin:/usr/bin:/bin \
	    setsid -w run-parts parts </dev/null >mail 2>&1 || code=$?
	echo "$code" >code
}

# As the barest of all callers: no home, no terminal, no standard input.
bare() {
	local code=0
	env -i PATH=/usr/bin:/bin setsid -w /bin/sh -c "$PWD/job" \
	    <&- >mail 2>&1 || code=$?
	echo "$code" >code
}

ways() {
	echo cron
	echo bare
	! command -v run-parts >/dev/null || echo parts
}

# quiet SITUATION: under each of them, from what make_ready() leaves.
quiet() {
	local way
	for way in $(ways); do
		make_ready
		"$way"
		if [ "$(cat code)" -ne 0 ] || [ -s mail ]; then
			echo "$way sends a mail about: $*"
			cat code mail
			return 1
		fi
	done
}

# loud FILE SITUATION: a mail in which at least one line names the file.
loud() {
	local way file=$1
	shift
	for way in $(ways); do
		make_ready
		"$way"
		if [ "$(cat code)" -eq 0 ] ||
			! grep -q "^ocspfetch: .*$file" mail; then
			echo "$way sends no mail that names $file about: $*"
			cat code mail
			return 1
		fi
	done
}

# ---- what goes well ----

# BEHAVIOUR of the responder | what is stored | arguments
@test "whatever ends well is silent: asked, kept, not due, checked" {
	local behaviour stored args
	while IFS='|' read -r behaviour stored args; do
		rm -f site.*
		leaf site "$behaviour"
		make_ready() {
			rm -f site.pem.ocsp
			[ -z "$stored" ] || response site "$stored"
		}
		eval "job $args site.pem"
		quiet "$behaviour, $stored, $args"
	done <<-'TABLE'
	good||
	good|good|
	good-same|good-same|
	good|expired|
	good|by-other|
	good-older|good|
	good-delegate||
	good||-d
	good|good|-d
	good|two-thirds-gone|-d
	good|good|-c
	good||-n
	good|good|-f
	good||-X post
	good||-N
	nonce-echo||-N
	good||-4
	good||-m 1d
	good||-a 2d
	good||-e true
	good||--deadline 60
	good||-w 5
	good,get-refused||
	redirect-302||--max-redirs 1
	reset-once.w||-r 2
	html-200|good|
	unknown|good|-d
	status-500|good|-r 0
	err-unauthorized|good|-r 0
	hang|good|-r 0 -t 1
	-|good|-r 0 -u http://127.0.0.1:1/
	-|good|-r 0 -u http://ocsp.invalid/
	-||
	-||-c
	TABLE
}

@test "certificates of a list and of a directory are silent, in any number" {
	local i
	mkdir certs
	for i in 1 2 3 4 5; do
		leaf "certs/c$i" good
		echo "certs/c$i.pem"
	done >list
	leaf certs/none -
	echo "no certificate" >certs/readme.txt
	make_ready() { rm -f certs/*.ocsp; }
	job certs
	quiet directory
	job -l list
	quiet list
	job -d -l list certs
	quiet both
}

@test "names without the extension are silent" {
	leaf site good
	mv site.pem.issuer site.issuer
	make_ready() { rm -f site.ocsp; }
	job --del-ext site.pem
	quiet --del-ext
	[ -s site.ocsp ]
}

@test "a certificate that has expired and needs none is silent" {
	leaf site - --to -86400
	make_ready() { :; }
	job site.pem
	quiet expired
}

# ---- what fails ----

@test "whatever fails names the file" {
	local behaviour stored args
	while IFS='|' read -r behaviour stored args; do
		rm -f site.*
		leaf site "$behaviour"
		make_ready() {
			rm -f site.pem.ocsp
			[ -z "$stored" ] || response site "$stored"
		}
		eval "job $args site.pem"
		loud site.pem "$behaviour, $stored, $args"
	done <<-'TABLE'
	revoked||
	revoked|good|
	revoked||--write-revoked
	unknown||
	by-leaf||
	by-other||
	sig-corrupt||
	expired||
	future||
	html-200||
	empty-200||
	garbage||
	status-403||
	status-500||-r 0
	status-500|two-thirds-gone|-r 0
	status-500|expired|-r 0
	err-unauthorized||
	err-trylater||-r 0
	redirect-302||
	endless-body||
	hang||-r 0 -t 1
	hang||-r 0 --deadline 1
	reset||-r 0
	good||-m 30d
	good||-c
	good|expired|-c
	good|by-leaf|-c
	-||-r 0 -u http://127.0.0.1:1/
	-||-r 0 -u http://ocsp.invalid/
	good||--haproxy /nonexistent/socket
	good||-i /nonexistent/issuer.pem
	good||-o /nonexistent/site.ocsp
	TABLE
}

@test "what is wrong with a certificate names it" {
	make_ready() { :; }
	job missing.pem
	loud missing.pem absent
	echo nonsense >bad.pem
	job bad.pem
	loud bad.pem "no certificate"
	leaf old good --to -86400
	job old.pem
	loud old.pem expired
	leaf staple - --must-staple
	job staple.pem
	loud staple.pem "must-staple, but no responder"
	leaf alone good
	rm alone.pem.issuer
	job alone.pem
	loud alone.pem "no issuer"
	leaf taken good
	mkdir taken.pem.ocsp
	job taken.pem
	loud taken.pem "a directory in its place"
}

@test "what is wrong with a list or a directory names it" {
	make_ready() { :; }
	job -l missing.list
	loud missing.list absent
	: >empty.list
	job -l empty.list
	loud empty.list empty
	mkdir nothing
	job nothing
	loud nothing "no certificate in it"
}

@test "a hook that fails is named" {
	leaf site good
	make_ready() { rm -f site.pem.ocsp; }
	job -e false site.pem
	loud on-change "a hook"
}

@test "of several, those that fail are named, and no others" {
	leaf well good
	leaf bad revoked
	make_ready() { rm -f ./*.ocsp; }
	job well.pem bad.pem
	loud bad.pem "one of two"
	never grep -q well.pem mail
}

# ---- a server, and a HAProxy ----

# server [STAPLE]: one that staples this; sets TLS.
server() {
	cat site.pem "$PKI/ca.pem" >site.chain
	in_background "$STARTTLS" none site.chain site.key "$@"
	until_ready grep -q '^port' server.log
	TLS=$(awk '/^port/ { print $2 }' server.log)
}

@test "a server that staples what it should is silent, one that does not is named" {
	leaf site "good.$MINE"
	response site good
	make_ready() { :; }
	server site.pem.ocsp
	job -S "127.0.0.1:$TLS" site.pem
	quiet -S with a certificate
	job -S "127.0.0.1:$TLS"
	quiet -S without one
	response site revoked
	server site.pem.ocsp
	job -S "127.0.0.1:$TLS" site.pem
	loud site.pem "-S, revoked"
	job -S "127.0.0.1:$TLS"
	loud "127.0.0.1:$TLS" "-S without a certificate, revoked"
	server
	job -S "127.0.0.1:$TLS" site.pem
	loud site.pem "-S, no staple"
	job -S 127.0.0.1:1 site.pem
	loud site.pem "-S, no server"
	[ "$(asked)" -eq 0 ]
}

@test "a HAProxy that takes the response is silent, one that does not is named" {
	leaf site good
	make_ready() { rm -f site.pem.ocsp; }
	in_background "$FAKEHAPROXY" yes.sock 'OCSP Response updated!\n'
	in_background "$FAKEHAPROXY" no.sock 'Permission denied\n\n'
	until_ready test -S yes.sock -a -S no.sock
	job --haproxy yes.sock site.pem
	quiet --haproxy
	job -d --haproxy yes.sock site.pem
	quiet -d --haproxy
	job --haproxy no.sock site.pem
	loud site.pem "--haproxy, refused"
}

@test "a real HAProxy that is handed a response is silent" {
	command -v haproxy >/dev/null || skip "needs HAProxy"
	leaf site good
	cat site.key "$PKI/ca.pem" >>site.pem
	haproxy_conf "$PWD" "unix@$PWD/tls.sock ssl crt $PWD/site.pem" >haproxy.cfg
	in_background haproxy -f haproxy.cfg -db
	until_ready test -S admin.sock -a -S tls.sock
	make_ready() { rm -f site.pem.ocsp; }
	job -d --haproxy admin.sock site.pem
	quiet "-d --haproxy, of HAProxy itself"
}
