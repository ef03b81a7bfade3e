# SPDX-License-Identifier: ISC
# A certification authority as people build it with the openssl command: a
# root, `openssl ca` and its index, a certificate for OCSP signing, and
# `openssl ocsp` as the responder.  For the demo and for tutorial.bats.
# shellcheck shell=sh
#
# Everything lives in one directory, which is the first argument of all.

# The responder's; a test sets them to what another shell left.
ca_port=${ca_port:-}
ca_pid=${ca_pid:-}

# ca_make DIR: root, index and the responder's certificate.
ca_make() {
	mkdir -p "$1/new"
	: >"$1/index.txt"
	echo 1000 >"$1/serial"
	cat >"$1/ca.cnf" <<-END
	[ca]
	default_ca = demo
	[demo]
	dir = $1
	database = \$dir/index.txt
	new_certs_dir = \$dir/new
	serial = \$dir/serial
	certificate = \$dir/root.pem
	private_key = \$dir/root.key
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	commonName = supplied
	[req]
	distinguished_name = dn
	[dn]
	[root]
	basicConstraints = critical, CA:TRUE
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	[responder]
	basicConstraints = CA:FALSE
	keyUsage = critical, digitalSignature
	extendedKeyUsage = critical, OCSPSigning
	noCheck = ignored
	END
	ca_key "$1/root.key"
	openssl req -new -x509 -config "$1/ca.cnf" -extensions root \
	    -key "$1/root.key" -subj "/CN=Example Root CA" -days 30 \
	    -out "$1/root.pem"
	ca_sign "$1" ocsp.example.com responder
}

ca_key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

# ca_sign DIR NAME SECTION: a key and a certificate with these extensions.
ca_sign() {
	ca_key "$1/$2.key"
	openssl req -new -config "$1/ca.cnf" -key "$1/$2.key" \
	    -subj "/CN=$2" -out "$1/$2.csr"
	openssl ca -batch -notext -config "$1/ca.cnf" -extensions "$3" \
	    -days 20 -in "$1/$2.csr" -out "$1/$2.pem" 2>"$1/ca.log" || {
		cat "$1/ca.log" >&2
		return 1
	}
}

# ca_issue DIR NAME URL: a server's certificate that names this responder,
# and a bundle as HAProxy reads it: certificate, issuer, key.
ca_issue() {
	cat >>"$1/ca.cnf" <<-END
	[$2]
	basicConstraints = CA:FALSE
	extendedKeyUsage = serverAuth
	subjectAltName = DNS:$2
	authorityInfoAccess = OCSP;URI:$3
	END
	ca_sign "$1" "$2" "$2"
	cat "$1/$2.pem" "$1/root.pem" "$1/$2.key" >"$1/$2.bundle"
}

# ca_respond DIR [options of openssl ocsp]: starts the responder, on $ca_port
# if that is set, else on a free port; sets ca_port and ca_pid.  It serves one
# connection at a time, and sees a change of the index only after the next:
# start it anew after ca_issue and ca_revoke.
ca_respond() {
	ca_dir=$1
	shift
	: >"$ca_dir/responder.err"
	if [ -n "$ca_pid" ]; then
		# of -multi, the whole group: the first only waits for the others
		kill -- "-$ca_pid" 2>/dev/null || kill "$ca_pid"
		wait "$ca_pid" 2>/dev/null || :
	fi
	openssl ocsp -index "$ca_dir/index.txt" -CA "$ca_dir/root.pem" \
	    -rsigner "$ca_dir/ocsp.example.com.pem" \
	    -rkey "$ca_dir/ocsp.example.com.key" \
	    -port "${ca_port:-0}" "$@" >"$ca_dir/responder.out" 2>"$ca_dir/responder.err" \
	    3>&- </dev/null &
	ca_pid=$!
	ca_tries=0
	# its own word that it is ready: a probe would occupy it.  With -multi
	# that goes to the system's log, and the port is all there is.
	ca_ready='waiting for OCSP client'
	case " $* " in *" -multi "*) ca_ready='^ACCEPT ' ;; esac
	until grep -q "$ca_ready" "$ca_dir/responder.err" \
	    "$ca_dir/responder.out"; do
		ca_tries=$((ca_tries + 1))
		if [ "$ca_tries" -gt 100 ]; then
			cat "$ca_dir/responder.err" >&2
			return 1
		fi
		sleep 0.1
	done
	[ -n "$ca_port" ] || ca_port=$(sed -n 's/^ACCEPT .*:\([0-9]*\) .*/\1/p' \
	    "$ca_dir/responder.out")
}

# ca_revoke DIR NAME REASON
ca_revoke() {
	openssl ca -config "$1/ca.cnf" -revoke "$1/$2.pem" \
	    -crl_reason "$3" 2>"$1/ca.log" || {
		cat "$1/ca.log" >&2
		return 1
	}
}
