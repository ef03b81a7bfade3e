#!/bin/sh
# SPDX-License-Identifier: ISC
#
# acme.sh's reload command: the OCSP response of a new certificate is fetched,
# and only when it is in place is the server reloaded.
#
#	acme.sh --install-cert -d www.example.com \
#	    --key-file /etc/nginx/tls/site.key \
#	    --fullchain-file /etc/nginx/tls/site.pem \
#	    --reloadcmd "/usr/local/sbin/ocspfetch-acme.sh \
#	        /etc/nginx/tls/site.pem 'systemctl reload nginx'"
#
# The file is the one that was just installed; what acme.sh exports are the
# paths of its own copies.  Without a command it is OCSPFETCH_RELOAD, from the
# environment or from /etc/default/ocspfetch; OCSPFETCH_WAIT is how long the
# authority may take to know its new certificate.  A server that is not
# reloaded goes on with the old certificate; acme.sh shows the reason.
set -u

reload=${OCSPFETCH_RELOAD-}
defaults=${OCSPFETCH_DEFAULTS:-/etc/default/ocspfetch}
# shellcheck source=/dev/null
test ! -r "$defaults" || . "$defaults"
reload=${2-${reload:-${OCSPFETCH_RELOAD-}}}

cert=${1:?is the file of the certificate}
ocspfetch --wait "${OCSPFETCH_WAIT:-20m}" "$cert" || {
	status=$?
	echo "acme.sh's hook: the server was not reloaded for $cert" >&2
	exit $status
}
test -z "$reload" || sh -c "$reload" || {
	echo "acme.sh's hook: \"$reload\" failed" >&2
	exit 3
}
