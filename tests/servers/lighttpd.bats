#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# lighttpd looks for a new file once a minute, when it has a reason to: a suite
# of its own, that waits while others work.

load ../harness/lib
load ../harness/servers

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	server_place
	needs lighttpd
	site_files
}

teardown() { end_servers; }

# lighttpd_start [LINE]
lighttpd_start() {
	cat >lighttpd.conf <<-END
	server.modules = ( "mod_openssl" )
	server.document-root = "$PWD/tmp"
	server.bind = "127.0.0.1"
	server.port = $TLS
	ssl.engine = "enable"
	${1-}
	END
	recipe lighttpd 1 | here /etc/lighttpd/tls "$PWD" >>lighttpd.conf
	start lighttpd -D -f lighttpd.conf
}

# Both at once, for each takes up to a minute.
@test "lighttpd staples the file, and without a command the first and the next one" {
	local late user=
	[ "$(id -u)" -ne 0 ] || user='server.username = "nobody"'
	# a response that is about to end
	fetch -u "$URL/expires-soon" -m 0 site.pem
	exits 0
	lighttpd_start "$user"
	staples site.pem.ocsp
	# and beside it one without a response
	mkdir other
	cp site.pem site.key other
	late=$TLS
	TLS=$("$STAPLE_CLIENT" port)
	cd other
	mkfifo stdin
	mkdir tmp
	lighttpd_start "$user"
	staples_nothing
	first
	cd "$PLACE"
	# a file of the second in which it read the old one is not new to it
	sleep 1.1
	newer
	staples other/site.pem.ocsp 100
	TLS=$late
	staples site.pem.ocsp 100
}

@test "lighttpd that is reloaded ends, if its user may not read the key" {
	local i
	needs_root
	first
	lighttpd_start 'server.username = "nobody"'
	chmod 600 site.key
	staples site.pem.ocsp
	kill -USR1 "$SERVER"
	for ((i = 0; i < 300; i++)); do
		kill -0 "$SERVER" 2>/dev/null || break
		sleep 0.1
	done
	run ! kill -0 "$SERVER"
	grep -q 'Going down' server.log
}
