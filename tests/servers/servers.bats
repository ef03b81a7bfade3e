#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# From the file to the handshake: each server is run by the manual's recipe, and
# staples the very bytes that the program wrote; then a newer response, and the
# manual's way to make it effective.

load ../harness/lib
load ../harness/servers

setup_file() { world; }
teardown_file() { end_world; }
setup() { server_place; }
teardown() { end_servers; }

# ---- HAProxy ----

reload_haproxy() {
	reloads_by USR2 haproxy
	eval "$(recipe HAProxy 2 |
		here /etc/haproxy/haproxy.cfg "$PWD/haproxy.cfg")"
}

@test "HAProxy staples the file, and the newer one after the manual's reload" {
	needs haproxy
	site_in_one
	first
	haproxy_config
	start haproxy -W -db -f haproxy.cfg
	staples site.pem.ocsp
	newer
	staples old
	reload_haproxy
	staples site.pem.ocsp
}

@test "HAProxy with a crt-list, as the manual has it, does so too" {
	needs haproxy
	site_in_one --cn site.test
	first
	haproxy_config
	sed -i '/bind /d' haproxy.cfg
	recipe HAProxy 3 | here :443 "127.0.0.1:$TLS" /etc/haproxy "$PWD" \
		>>haproxy.cfg
	recipe HAProxy 4 | here /etc/haproxy/certs "$PWD" >crt-list.txt
	start haproxy -W -db -f haproxy.cfg
	staples site.pem.ocsp
	newer
	staples old
	reload_haproxy
	staples site.pem.ocsp
}

@test "HAProxy 3 with a crt-store, as the manual has it, does so too" {
	needs haproxy
	# CI runs this with both
	if [[ $(haproxy -v) == *"version 2."* ]]; then
		[ "${CI-}" != true ] || return 0
		skip "needs HAProxy 3"
	fi
	site_in_one --cn site.test
	first
	haproxy_config
	sed -i '/bind /d' haproxy.cfg
	{
		recipe HAProxy 5 | here /etc/haproxy/certs "$PWD"
		cat haproxy.cfg
		recipe HAProxy 6 | here :443 "127.0.0.1:$TLS"
	} >store.cfg
	mv store.cfg haproxy.cfg
	start haproxy -W -db -f haproxy.cfg
	staples site.pem.ocsp
	newer
	staples old
	reload_haproxy
	staples site.pem.ocsp
	stop
	# if only empty
	: >site.pem.ocsp
	start haproxy -W -db -f haproxy.cfg
	staples_nothing
	fetch --haproxy admin.sock -u "$URL/good" site.pem
	exits 0
	silent
	staples site.pem.ocsp
}

# ---- nginx ----

@test "nginx starts before the first response, and staples it and the newer one" {
	needs nginx
	reloads_by HUP nginx
	nginx() {
		command nginx -p "$PWD" -e "$PWD/error.log" -c nginx.conf "$@"
	}
	ocspfetch() { "$OCSPFETCH" "$@"; }
	site_files
	cat >nginx.conf <<-END
	daemon off;
	pid nginx.pid;
	error_log error.log;
	events { }
	http {
	    access_log off;
	    client_body_temp_path tmp;
	    proxy_temp_path tmp;
	    fastcgi_temp_path tmp;
	    uwsgi_temp_path tmp;
	    scgi_temp_path tmp;
	    server {
	        listen 127.0.0.1:$TLS ssl;
	        $(recipe nginx 1 | here /etc/nginx/tls "$PWD")
	    }
	}
	END
	start "$(type -P nginx)" -p "$PWD" -e "$PWD/error.log" \
		-c nginx.conf
	staples_nothing
	eval "$(recipe nginx 2 | here /etc/nginx/tls "$PWD")"
	[ -s site.pem.ocsp ]
	eval "$(recipe nginx 3 | here)"
	staples site.pem.ocsp
	newer
	staples old
	eval "$(recipe nginx 3 | here)"
	staples site.pem.ocsp
	# and it does not start on what is not there
	mv site.pem.ocsp old
	run ! nginx -t
	: >site.pem.ocsp
	run ! nginx -t
}

# ---- hitch ----

@test "hitch staples the file, and the newer one after the manual's reload" {
	needs hitch
	reloads_by HUP hitch
	site_in_one
	first
	hitch_config
	recipe hitch 1 | here /etc/hitch "$PWD" >>hitch.conf
	start hitch --config=hitch.conf
	staples site.pem.ocsp
	newer
	staples old
	eval "$(recipe hitch 2 | here)"
	staples site.pem.ocsp
}

@test "hitch with a pem-dir starts beside a response, with the manual's line only" {
	needs hitch
	mkdir pems
	site_in_one
	first
	mv site.pem site.pem.ocsp pems
	hitch_config
	echo "pem-dir = \"$PWD/pems\"" >>hitch.conf
	never_starts hitch --config=hitch.conf
	recipe hitch 3 | here >>hitch.conf
	start hitch --config=hitch.conf
	staples_nothing
}

# ---- Pen ----

@test "Pen staples the file, and the newer one after the manual's penctl" {
	local control
	needs pen penctl
	needs_root
	site_files
	first
	start_pen
	staples site.pem.ocsp
	newer
	staples old
	eval "$(recipe Pen 2 | here /etc/pen "$PWD" 8888 "$control")"
	staples site.pem.ocsp
}

@test "Pen staples nothing of a file that its user may not read" {
	local control
	needs pen penctl
	needs_root
	site_files
	first --mode 600
	start_pen
	staples_nothing
}

# ---- Exim ----

@test "Exim staples the file, and the newer one without a command" {
	needs exim4
	needs_root
	site_files
	exim_config
	start exim4 -bdf -C "$PWD/exim.conf"
	# the manual's condition
	staples_nothing
	first
	staples site.pem.ocsp
	newer
	staples site.pem.ocsp
}

@test "Exim refuses TLS when the response has expired" {
	needs exim4
	needs_root
	site_files
	response site expired
	exim_without_tls
}

# ---- Apache ----

@test "Apache staples the file, and the newer one after the manual's reload" {
	needs apache2
	reloads_by USR1 apache2
	site_files
	apache_config
	apache_fetch
	start apache2 -DFOREGROUND -f "$PWD/apache.conf"
	staples ocsp/site.ocsp
	cp ocsp/site.ocsp old
	apache_fetch -u "$URL/good-newer"
	run ! cmp -s old ocsp/site.ocsp
	staples old
	eval "$(recipe Apache 4 | here)"
	staples ocsp/site.ocsp
}

@test "Apache staples the newer file by itself, when its cache has timed out" {
	needs apache2
	site_files
	apache_config 1
	apache_fetch
	start apache2 -DFOREGROUND -f "$PWD/apache.conf"
	staples ocsp/site.ocsp
	cp ocsp/site.ocsp old
	apache_fetch -u "$URL/good-newer"
	run ! cmp -s old ocsp/site.ocsp
	staples ocsp/site.ocsp
}

# ---- h2o ----

@test "h2o staples the file, and the newer one without a command" {
	needs h2o
	site_files
	first
	recipe h2o 2 | here >staple
	chmod 755 staple
	{
		[ "$(id -u)" -ne 0 ] || echo "user: nobody"
		cat <<-END
		num-threads: 1
		listen:
		  host: 127.0.0.1
		  port: $TLS
		  ssl:
		    certificate-file: $PWD/site.pem
		    key-file: $PWD/site.key
		END
		recipe h2o 1 | here /usr/local/sbin "$PWD" 60 1 |
			sed 's/^/    /'
		cat <<-END
		hosts:
		  default:
		    paths:
		      /:
		        file.dir: $PWD/tmp
		END
	} >h2o.conf
	start h2o -m worker -c h2o.conf
	staples site.pem.ocsp
	newer
	staples site.pem.ocsp
}

# ---- what reads it in each handshake ----

@test "openssl s_server staples what is in the file now" {
	needs openssl
	site_files
	first
	eval "start $(recipe "openssl s_server" 1 | here 443 "127.0.0.1:$TLS")"
	staples site.pem.ocsp
	newer
	asks site.pem.ocsp
}

@test "Node staples what is in the file now, and does without one" {
	needs node
	site_files
	first
	{
		cat <<-END
		const fs = require('fs');
		const server = require('https').createServer({
		    cert: fs.readFileSync('site.pem'),
		    key: fs.readFileSync('site.key')});
		END
		recipe Node 1 | here /etc/node "$PWD"
		echo "server.listen($TLS, '127.0.0.1');"
	} >server.js
	start node server.js
	staples site.pem.ocsp
	newer
	asks site.pem.ocsp
	mv site.pem.ocsp old
	staples_nothing
}
