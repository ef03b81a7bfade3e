# SPDX-License-Identifier: ISC
# Real servers on loopback, and the recipes of the manual that they are run by.
# shellcheck shell=bash
#
# Each test has a directory of its own, $PLACE, that servers which are no longer
# root can reach, and ends every process of the groups that it has started.

server_place() {
	PLACE=$(mktemp -d /tmp/ocspfetch-servers.XXXXXX)
	chmod 755 "$PLACE"
	cd "$PLACE" || return
	mkdir tmp
	: >groups
	# to read from it is to wait
	mkfifo stdin
	TLS=$("$STAPLE_CLIENT" port)
}

end_servers() {
	local group
	while read -r group; do
		kill -9 -- "-$group" 2>/dev/null || true
		wait "$group" 2>/dev/null || true
	done <"$PLACE/groups"
	cd / && rm -rf "$PLACE"
}

# needs COMMAND...: or the test is skipped.
needs() {
	local c
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	for c in "$@"; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

needs_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# recipe SERVER N: the Nth block of its part of the manual, as a reader has it.
recipe() {
	awk -v name="$1" -v n="$2" '
	/^\.Ss / { here = ($0 == ".Ss " name) }
	/^\.Ed/ { inside = 0 }
	here && inside && block == n
	here && /^\.Bd / { block++; inside = 1 }' "$MAN" |
		sed 's/\\e/\\/g; s/\\-/-/g'
}

# here [FROM TO]...: stdin with each FROM, which has to be in it, made TO; what
# the manual says is then changed in nothing but places, ports and waiting.
here() {
	local s
	s=$(cat)
	[ -n "$s" ] || {
		echo "the manual has no such recipe" >&2
		return 1
	}
	while [ $# -gt 0 ]; do
		[[ $s == *"$1"* ]] || {
			echo "the manual's recipe has no \"$1\": $s" >&2
			return 1
		}
		s=${s//"$1"/"$2"}
		shift 2
	done
	printf '%s\n' "$s"
}

# start COMMAND...: a server, in the foreground, in a group of its own.
start() {
	setsid "$@" >>server.log 2>&1 <>stdin 3>&- &
	SERVER=$!
	echo "$SERVER" >>"$PLACE/groups"
}

# stop: the server, and all that it has started.
stop() {
	kill -9 -- "-$SERVER" 2>/dev/null || true
	wait "$SERVER" 2>/dev/null || true
}

# What it was and what it is now; for a log.
dump() {
	local f
	for f in server.log client.log log/*; do
		[ ! -s "$f" ] || { echo "-- $f" && tail -n 20 "$f"; }
	done
}

# asks FILE: one handshake; did it staple exactly this?
asks() {
	"$STAPLE_CLIENT" "$TLS" site.test >served 2>client.log || return
	cmp -s served "$1"
}

# staples FILE [SECONDS]: the server does so, or will within this time.
staples() {
	local start=$SECONDS end=$((SECONDS + ${2:-30})) nap=0.1
	until asks "$1"; do
		if ((SECONDS >= end)) || ! kill -0 "$SERVER" 2>/dev/null; then
			echo "it does not staple $1, but $(wc -c <served) bytes"
			dump
			return 1
		fi
		((SECONDS < start + 5)) || nap=0.5
		sleep "$nap"
	done
}

# staples_nothing: TLS works, and no response comes; once it is up.
staples_nothing() {
	local end=$((SECONDS + 30)) status=2
	while [ "$status" -eq 2 ] && ((SECONDS < end)); do
		sleep 0.1
		status=0
		"$STAPLE_CLIENT" "$TLS" site.test >served 2>client.log ||
			status=$?
	done
	[ "$status" -eq 1 ] || {
		echo "the client said $status"
		dump
		return 1
	}
}

# never_starts COMMAND...: it ends by itself, with a failure.
never_starts() {
	local end=$((SECONDS + 30)) status=0
	start "$@"
	while kill -0 "$SERVER" 2>/dev/null && ((SECONDS < end)); do
		sleep 0.1
	done
	! kill -0 "$SERVER" 2>/dev/null || {
		echo "it runs"
		dump
		return 1
	}
	wait "$SERVER" || status=$?
	[ "$status" -ne 0 ]
}

# site_files [forge options]: site.pem with its issuer, and site.key.
site_files() {
	leaf site two-thirds-gone "$@"
	rm site.pem.issuer
	cat "$PKI/ca.pem" >>site.pem
}

# As HAProxy and hitch want it, the key in the same file.
site_in_one() {
	site_files "$@"
	cat site.key >>site.pem
}

# The program writes the first response, or a newer one; old is the one before.
first() {
	fetch "$@" site.pem
	exits 0
	silent
	[ -s site.pem.ocsp ]
}

newer() {
	cp site.pem.ocsp old
	# mtime of whole seconds is all that some look at
	touch -d '-5 seconds' site.pem.ocsp
	fetch -u "$URL/good-newer" site.pem
	exits 0
	silent
	run ! cmp -s old site.pem.ocsp
}

# reloads_by SIGNAL UNIT: what the systemctl of the recipes is to do.
reloads_by() {
	RELOAD_SIGNAL=$1
	RELOAD_UNIT=$2
}

systemctl() {
	[ "$*" = "reload $RELOAD_UNIT" ] && kill "-$RELOAD_SIGNAL" "$SERVER"
}

# ---- the servers ----

haproxy_config() {
	cat >haproxy.cfg <<-END
	defaults
	    mode http
	    timeout client 5s
	    timeout server 5s
	    timeout connect 5s
	END
	recipe HAProxy 1 | here :443 "127.0.0.1:$TLS" /run/haproxy "$PWD" \
		/etc/haproxy/certs "$PWD" >>haproxy.cfg
}

hitch_config() {
	cat >hitch.conf <<-END
	frontend = { host = "127.0.0.1" port = "$TLS" }
	backend = "[127.0.0.1]:$TLS"
	daemon = off
	workers = 1
	END
	[ "$(id -u)" -ne 0 ] || echo 'user = "nobody"' >>hitch.conf
}

# It goes to the background unless it is told not to; it wants a server behind
# it, and ours that speaks HTTP is as good as any.
start_pen() {
	control=$("$STAPLE_CLIENT" port)
	eval "start $(recipe Pen 1 | here /etc/pen "$PWD" 8888 "$control" \
		' 443 ' " 127.0.0.1:$TLS " :80 ":${PORT?}" 'pen -u' 'pen -f -u')"
}

exim_config() {
	mkdir log spool
	chmod 777 log spool
	cat >exim.conf <<-END
	primary_hostname = localhost
	local_interfaces = 127.0.0.1
	daemon_smtp_ports = $TLS
	tls_on_connect_ports = $TLS
	tls_advertise_hosts = *
	spool_directory = $PWD/spool
	log_file_path = $PWD/log/%slog
	pid_file_path = $PWD/spool/pid
	END
	recipe Exim 1 | here /etc/exim4/tls "$PWD" >>exim.conf
	# for its user to read, as it is in Debian
	chmod 644 site.key exim.conf
}

# Exim is up, and no handshake succeeds.
exim_without_tls() {
	local status=0 end=$((SECONDS + 30))
	exim_config
	start exim4 -bdf -C "$PWD/exim.conf"
	while ((SECONDS < end)); do
		status=0
		"$STAPLE_CLIENT" "$TLS" >served 2>client.log || status=$?
		grep -q refused client.log || break
		sleep 0.1
	done
	[ "$status" -eq 2 ]
	run ! grep -q refused client.log
	mv site.pem.ocsp away
	staples_nothing
}

apache_config() {
	local modules port
	for modules in /usr/lib/apache2/modules /usr/lib64/httpd/modules \
		/usr/libexec/apache2; do
		[ ! -d "$modules" ] || break
	done
	port=$("$STAPLE_CLIENT" port)
	mkdir ocsp
	{
		cat <<-END
		ServerRoot $PWD
		ServerName localhost
		PidFile $PWD/apache.pid
		ErrorLog $PWD/error.log
		Mutex pthread
		StartServers 1
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule mime_module $modules/mod_mime.so
		LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
		LoadModule ssl_module $modules/mod_ssl.so
		TypesConfig /dev/null
		Listen 127.0.0.1:$TLS
		END
		[ "$(id -u)" -ne 0 ] || echo "User nobody"
		recipe Apache 1 | here /run/apache2 "$PWD" 8089 "$port" \
			/var/lib/ocsp "$PWD/ocsp" "Timeout 60" "Timeout ${1-60}"
		echo "<VirtualHost 127.0.0.1:$TLS>"
		echo "SSLEngine on"
		recipe Apache 2 | here /etc/apache2/tls "$PWD" 8089 "$port"
		echo "</VirtualHost>"
	} >apache.conf
}

apache_fetch() {
	eval "$(recipe Apache 3 | here ocspfetch "\"\$OCSPFETCH\" $*" \
		/var/lib/ocsp "$PWD/ocsp" /etc/apache2/tls "$PWD")"
}
