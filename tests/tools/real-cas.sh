#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Responders of CAs that people run, as they are shipped, and what ocspfetch
# makes of each: a row of CA, response, exit status.
#
#	make real-cas [CAS="strongswan npm ocspbuilder dogtag"]
#
# Takes root, debootstrap, npm, the mirror that apt uses here, and for Dogtag
# minutes and a gigabyte.  The chroots of the releases that have them stay in
# $release_cache/cas, and are used again.  What cannot be had says so in its
# row, and is no failure; another exit status than the expected one is.
#
#	OCSPFETCH	the program under test (./ocspfetch)
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/tools/release.sh
. "$top/tests/tools/release.sh"
# shellcheck source=tests/harness/ca.sh
. "$top/tests/harness/ca.sh"

lacks=$(release_lacks)
if test -n "$lacks"; then
	echo "tests/tools/real-cas.sh: $lacks" >&2
	exit 1
fi

# What is mounted and started below goes with this process.
test "${1-}" = inside ||
    exec unshare -m -p --fork --kill-child --mount-proc --propagation private \
	-- sh "$0" inside "$@"
shift

OCSPFETCH=${OCSPFETCH:-$top/ocspfetch}
dir=$(mktemp -d /var/tmp/ocspfetch-real-cas.XXXXXX)
trap 'umount -l "$release_cache"/cas/*/mnt 2>/dev/null
	rm -rf --one-file-system "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir" || exit 1
no_proxy=127.0.0.1,localhost
export no_proxy
failed=0
port=18889

# RSA, as the npm package knows no other.
ca_key() {
	openssl genrsa -out "$1" 2048 2>/dev/null
}

# root_of SUITE PACKAGE...: sets $root to a chroot that has them, with $dir
# at /mnt.
root_of() {
	root=$release_cache/cas/$1
	if ! test -e "$root/usr/sbin/policy-rc.d"; then
		rm -rf --one-file-system "$root"
		mkdir -p "$root"
		debootstrap --variant=minbase "$1" "$root" "$(mirror)" \
		    </dev/null || return 1
		starts_nothing "$root"
	fi
	mountpoint -q "$root/mnt" || {
		mount_system "$root" || return 1
		mount --bind "$dir" "$root/mnt" || return 1
	}
	shift
	within "$root" dpkg -s "$@" >/dev/null 2>&1 || {
		cp /etc/resolv.conf "$root/etc/resolv.conf"
		within "$root" apt-get update -qq &&
		    within "$root" apt-get install -y -qq \
			--no-install-recommends "$@" </dev/null
	}
}

version_of() { # PACKAGE
	within "$root" dpkg -s "$1" | sed -n 's/^Version: //p'
}

# row NAME EXIT WHAT
row() {
	printf '%-32s %-8s %s\n' "$@" >>table
	tail -n 1 table
}

not_run() { # NAME WHY
	row "$1" 'not run' "$2"
}

# What it sends, as OpenSSL reads it: signature, end, certificates.
sends() { # CERTIFICATE ISSUER URL
	openssl ocsp -issuer "$2" -cert "$1" -url "$3" -no_nonce -noverify \
	    -respout sent.der >/dev/null 2>&1
	openssl ocsp -respin sent.der -noverify -resp_text 2>&1 | awk '
	/Signature Algorithm/ && !alg { alg = $NF }
	/Produced At/ { if (/:[0-9]+\.[0-9]/) fraction = ", fractions of a second" }
	/Cert Status/ { status = $3 }
	/Next Update/ { next_update = 1 }
	/^Certificate:/ { n++ }
	END {
		if (!alg) { print "nothing that OpenSSL reads"; exit }
		printf "%s, %s, %s nextUpdate%s, %d certificates\n", status, alg,
		    next_update ? "a" : "no", fraction, n
	}'
}

# judge NAME EXPECTED URL [OPTION...]: site.pem, of the responder that runs.
judge() {
	name=$1 expected=$2 url=$3
	shift 3
	what=$(sends site.crt issuer.pem "$url")
	rm -f site.pem.ocsp
	"$OCSPFETCH" -u "$url" -i issuer.pem -t 6 -r 0 "$@" site.pem \
	    >said 2>&1 </dev/null
	status=$?
	if test "$status" -ne "$expected"; then
		failed=1
		row "$name" "$status" "FAILED, $expected is expected: $what"
	else
		row "$name" "$status" "$what"
	fi
	sed 's/^/    /' said | tee -a table
}

# A CA of `openssl ca`, whose index and keys some of them work with.
files() {
	test ! -e ca/root.pem || return 0
	ca_make "$dir/ca" 2>/dev/null &&
	    ca_issue "$dir/ca" www.example.com "http://127.0.0.1:$port" 2>/dev/null
}

site_of_files() {
	files || return 1
	cp ca/www.example.com.pem site.pem
	cp site.pem site.crt
	cp ca/root.pem issuer.pem
}

# listens URL: somebody does, in time.
listens() {
	tries=0
	while test "$tries" -lt 40; do
		curl -s -o /dev/null --max-time 1 "$1"
		# 7: nobody did
		test $? -eq 7 || return 0
		sleep 0.5
		tries=$((tries + 1))
	done
	return 1
}

# A front that speaks HTTP: each request is given to a command on its standard
# input, whose standard output is the response.
front() { # COMMAND...
	cat >front.py <<-'END'
	import base64, http.server, subprocess, sys, urllib.parse
	class Handler(http.server.BaseHTTPRequestHandler):
	    def respond(self, request):
	        der = subprocess.run(sys.argv[2:], input=request,
	            stdout=subprocess.PIPE).stdout
	        self.send_response(200)
	        self.send_header('Content-Type', 'application/ocsp-response')
	        self.send_header('Content-Length', str(len(der)))
	        self.end_headers()
	        self.wfile.write(der)
	    def do_GET(self):
	        try:
	            part = self.path.split('/', 1)[1]
	            self.respond(base64.b64decode(urllib.parse.unquote(part)))
	        except ValueError:
	            self.send_error(400)
	    def do_POST(self):
	        self.respond(self.rfile.read(int(self.headers['Content-Length'])))
	http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])),
	    Handler).serve_forever()
	END
	within "$root" sh -c 'cd /mnt && exec "$@"' - \
	    python3 front.py "$port" "$@" >front.log 2>&1 </dev/null &
	server=$!
	listens "http://127.0.0.1:$port/x"
}

end_server() {
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	port=$((port + 1))
}

# ---- the CAs ----

try_strongswan() {
	root_of trixie strongswan-pki python3 >log 2>&1 || {
		not_run 'strongSwan pki --ocsp' "$(tail -n 1 log)"
		return
	}
	version=$(version_of strongswan-pki)
	site_of_files
	set -- pki --ocsp --respond --key ca/ocsp.example.com.key \
	    --cert ca/ocsp.example.com.pem --cacert ca/root.pem \
	    --index ca/index.txt
	front "$@"
	judge "strongSwan $version" 0 "http://127.0.0.1:$port"
	end_server
	front "$@" --lifetime 1440
	judge "strongSwan, --lifetime 1440" 0 "http://127.0.0.1:$port"
	end_server
}

try_npm() {
	command -v npm >/dev/null || {
		not_run 'npm ocsp 1.2.0' 'there is no npm'
		return
	}
	npm install --no-audit --no-fund --prefix "$dir/npm" ocsp@1.2.0 \
	    >log 2>&1 || {
		not_run 'npm ocsp 1.2.0' "$(tail -n 1 log)"
		return
	}
	site_of_files
	serial=$(openssl x509 -in site.crt -noout -serial | sed 's/.*=/0x/')
	cat >npm/serve.js <<-END
	const fs = require('fs'), ocsp = require('ocsp');
	const s = ocsp.Server.create({cert: fs.readFileSync('ca/root.pem'),
	    key: fs.readFileSync('ca/root.key')});
	s.addCert($serial, 'good');
	s.listen($port, '127.0.0.1');
	END
	node npm/serve.js >front.log 2>&1 </dev/null &
	server=$!
	listens "http://127.0.0.1:$port/x"
	judge 'npm ocsp 1.2.0' 0 "http://127.0.0.1:$port"
	judge 'npm ocsp 1.2.0, -X post' 0 "http://127.0.0.1:$port" -X post
	end_server
}

try_ocspbuilder() {
	root_of trixie python3-ocspbuilder python3 >log 2>&1 || {
		not_run python3-ocspbuilder "$(tail -n 1 log)"
		return
	}
	version=$(version_of python3-ocspbuilder)
	site_of_files
	cat >build.py <<-'END'
	import sys
	from ocspbuilder import OCSPResponseBuilder
	from oscrypto import asymmetric
	sys.stdin.buffer.read()
	ca = asymmetric.load_certificate('ca/root.pem')
	key = asymmetric.load_private_key('ca/root.key')
	leaf = asymmetric.load_certificate('site.crt')
	sys.stdout.buffer.write(
	    OCSPResponseBuilder('successful', leaf, 'good').build(key, ca).dump())
	END
	front python3 build.py
	judge "python3-ocspbuilder $version" 4 "http://127.0.0.1:$port"
	end_server
}

try_dogtag() {
	root_of bullseye 389-ds-base pki-ca pki-tools python3-pki-base openssl \
	    hostname procps >log 2>&1 || {
		not_run Dogtag "$(tail -n 1 log)"
		return
	}
	version=$(version_of pki-ca)
	cp "$top/tests/tools/dogtag.sh" dogtag.sh
	within "$root" sh /mnt/dogtag.sh >log 2>&1 </dev/null || {
		failed=1
		not_run "Dogtag $version" "its installation failed: $(tail -n 1 log)"
		tail -n 20 log
		return
	}
	cp dogtag/site.crt site.pem
	cp dogtag/site.crt site.crt
	cp dogtag/ca.crt issuer.pem
	judge "Dogtag $version" 0 http://127.0.0.1:18080/ca/ocsp
}

: >table
test $# -gt 0 || set -- strongswan npm ocspbuilder dogtag
for ca in "$@"; do
	case $ca in
	strongswan) try_strongswan ;;
	npm) try_npm ;;
	ocspbuilder) try_ocspbuilder ;;
	dogtag) try_dogtag ;;
	*)
		echo "tests/tools/real-cas.sh: no such CA: $ca" >&2
		exit 2
		;;
	esac
done
echo
grep -v '^    ' table
exit $failed
