#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# --fetch-issuer: where it goes, what it takes for the issuer and what not, and
# what is left on disk.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# orphan WAY [forge options]: site.pem, whose responder is good and whose
# issuer may be had by WAY alone, unless options name further places.
orphan() {
	local way=$1
	shift
	site good --aia-issuer "$URL/${way/\//.$MINE/}" "$@"
	rm site.pem.issuer
}

# The issuer is in place, in PEM, and nothing was left beside it.
issuer_in_place() {
	openssl verify -partial_chain -trusted "${1:-site.pem.issuer}" site.pem
	grep -q '^-----BEGIN CERTIFICATE-----$' "${1:-site.pem.issuer}"
	[ -z "$(find . -name '.*' -type f)" ]
}

# Questions for certificates, and those about their status.
hunted() {
	grep -c "^[A-Z]* /cert[^ ]*\.$MINE " "$LOG" || true
}
questions() {
	grep -c "^[A-Z]* /good[^ ]*\.$MINE " "$LOG" || true
}

no_question() {
	[ "$(questions)" -eq 0 ] || {
		echo "the responder was asked"
		return 1
	}
}

# fails CODE TEXT: nothing was asked about the certificate, nothing written.
fails() {
	exits "$1"
	says "ocspfetch: site.pem: "
	says "$2"
	no_question
	[ ! -e site.pem.issuer ]
	[ ! -e site.pem.ocsp ]
}

# Its first URL is of LDAP, and its second has blanks and brackets in it.
@test "the issuer is fetched from where AD CS says that it is" {
	site good --aia-issuer "ldap:///CN=Test%20Issuing%20CA,CN=AIA,CN=Public%20Key%20Services,DC=test?cACertificate?base?objectClass=certificationAuthority" \
		--aia-issuer "$URL/cert-der.$MINE.SRV_Test%20Issuing%20CA(1)/ca"
	rm site.pem.issuer
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
	[ -s site.pem.ocsp ]
	grep -qF "SRV_Test%20Issuing%20CA(1)/ca " "$LOG"
}

@test "the issuer is fetched in DER, proven, and written as PEM beside the certificate" {
	orphan cert-der/ca
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
	cmp <(openssl x509 -in site.pem.issuer -outform DER) \
		<(openssl x509 -in "$PKI/ca.pem" -outform DER)
	[ -s site.pem.ocsp ]
	[ "$(stat -c %a site.pem.issuer)" = 644 ]
}

@test "the next run finds it there, and fetches it no more" {
	orphan cert-der/ca
	fetch --fetch-issuer site.pem
	exits 0
	fetch --fetch-issuer site.pem
	exits 0
	fetch -f site.pem
	exits 0
	[ "$(hunted)" -eq 1 ]
}

@test "the issuer is taken in PEM" {
	orphan cert-pem/ca
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

@test "the issuer is taken out of a PKCS #7 bag" {
	orphan cert-cms/ca
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

# orphan_of FILE: its issuer may be had by fetching that.
orphan_of() {
	cp "$1" "$PKI/$MINE-$1"
	orphan "file/$MINE-$1"
}

@test "of several in a bag, the one that proves to be the issuer is taken" {
	openssl crl2pkcs7 -nocrl -certfile "$PKI/other.pem" \
		-certfile "$PKI/root.pem" -certfile "$PKI/ca.pem" \
		-outform DER -out bag
	orphan_of bag
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
	[ "$(grep -c BEGIN site.pem.issuer)" -eq 1 ]
}

@test "a bag in PEM is taken too" {
	openssl crl2pkcs7 -nocrl -certfile "$PKI/ca.pem" -out bag
	orphan_of bag
	fetch --fetch-issuer site.pem
	exits 0
	issuer_in_place
}

@test "the question for the issuer is a GET for certificates, nothing else" {
	orphan cert-der/ca
	fetch -v --fetch-issuer site.pem
	exits 0
	grep "/cert-der\.$MINE/ca " "$LOG" | grep -q '^GET .*pkix-cert'
	says "GET $URL/cert-der.$MINE/ca"
}

@test "-v says where the issuer came from, and that it was written" {
	orphan cert-der/ca
	fetch -v --fetch-issuer site.pem
	exits 0
	says "found in $URL/cert-der.$MINE/ca"
	says "written to site.pem.issuer"
}

@test "without --fetch-issuer nothing is fetched" {
	orphan cert-der/ca
	fetch site.pem
	fails 2 "no issuer found for it"
	[ "$(hunted)" -eq 0 ]
}

@test "an issuer that is at hand is not fetched" {
	site good --aia-issuer "$URL/cert-der.$MINE/ca"
	fetch --fetch-issuer site.pem
	exits 0
	[ "$(hunted)" -eq 0 ]
}

@test "a certificate that needs no response has no issuer fetched" {
	leaf site - --aia-issuer "$URL/cert-der.$MINE/ca"
	rm site.pem.issuer
	fetch --fetch-issuer site.pem
	exits 0
	silent
	[ "$(hunted)" -eq 0 ]
}

@test "with --del-ext it is written as site.issuer" {
	orphan cert-der/ca
	fetch --del-ext --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place site.issuer
	[ ! -e site.pem.issuer ]
	[ -s site.ocsp ]
}

@test "-n proves it and asks on, but writes neither file" {
	orphan cert-der/ca
	fetch -n -v --fetch-issuer site.pem
	exits 0
	says "not written to site.pem.issuer, for --dry-run"
	[ ! -e site.pem.issuer ]
	[ ! -e site.pem.ocsp ]
	[ "$(questions)" -eq 1 ]
}

@test "-c asks nobody, so it excludes --fetch-issuer" {
	orphan cert-der/ca
	fetch -c --fetch-issuer site.pem
	exits 2
	says "--fetch-issuer"
	[ "$(hunted)" -eq 0 ]
}

@test "a certificate that says nowhere is wrong input, and told so" {
	site good
	rm site.pem.issuer
	fetch --fetch-issuer site.pem
	fails 2 "nor does it say where to fetch one"
}

@test "a CA of the issuer's name with another key is not the issuer" {
	orphan cert-der/other
	fetch --fetch-issuer site.pem
	fails 2 "is not its issuer"
	says "its key does not verify it"
	says "$URL/cert-der.$MINE/other"
}

# loose_ca ARGS...: site.pem, of a CA whose key is made by openssl genpkey so,
# and whose certificate is where site.pem says.
loose_ca() {
	openssl genpkey -out loose.key "$@"
	openssl req -x509 -key loose.key -subj "/CN=Loose $MINE" -days 9 \
		-out loose.pem
	openssl req -new -newkey rsa:2048 -nodes -keyout site.key \
		-subj /CN=site -out site.csr 2>/dev/null
	printf 'authorityInfoAccess=OCSP;URI:%s,caIssuers;URI:%s\n' \
		"$URL/good.$MINE" "$URL/file.$MINE/$MINE-loose.pem" >ext
	openssl x509 -req -in site.csr -CA loose.pem -CAkey loose.key -days 8 \
		-set_serial 5 -extfile ext -out site.pem 2>/dev/null
	cp loose.pem "$PKI/$MINE-loose.pem"
}

@test "a key as anybody can make to fit a signature proves no issuer" {
	loose_ca -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-pkeyopt ec_param_enc:explicit
	fetch --fetch-issuer site.pem
	fails 2 "is not its issuer"
	says "the right name, but a key as anybody can make to fit a signature"
	loose_ca -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
		-pkeyopt rsa_keygen_pubexp:18446744073709551629
	fetch --fetch-issuer site.pem
	fails 2 "a key as anybody can make to fit a signature"
	# nor in a file
	fetch -i loose.pem site.pem
	fails 2 "RSA with an exponent over 64 bits"
}

@test "an issuer with which no response can be verified is not kept" {
	orphan cert-der/ca
	printf '1.3.6.1.4.1.55555.7.1=critical,ASN1:NULL\nbasicConstraints=critical,CA:TRUE\n' >ext
	openssl x509 -in "$PKI/ca.pem" -pubkey -noout >ca.pub
	openssl req -new -key "$PKI/root.key" -subj /CN=nobody -out any.csr
	openssl x509 -req -in any.csr -force_pubkey ca.pub -days 9 \
		-subj "$(openssl x509 -in "$PKI/ca.pem" -noout -subject -nameopt compat | sed 's/^subject=//')" \
		-signkey "$PKI/root.key" -extfile ext -out poison.pem
	orphan_of poison.pem
	fetch -v -r 0 --fetch-issuer site.pem
	exits 4
	says "found in $URL/file."
	[ ! -e site.pem.issuer ]
	[ ! -e site.pem.ocsp ]
	# and then it is as if nothing had been
	cp "$PKI/ca.pem" "$PKI/$MINE-poison.pem"
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

@test "with whatever was verified it is kept: revoked, unknown" {
	local how code
	for how in "revoked 5" "unknown 4"; do
		code=${how#* }
		rm -f site.pem site.pem.issuer
		orphan cert-der/ca
		fetch -r 0 -u "$URL/${how% *}.$MINE" --fetch-issuer site.pem
		exits "$code"
		issuer_in_place
		[ ! -e site.pem.ocsp ]
	done
}

@test "nor is one while no responder has answered" {
	orphan cert-der/ca
	fetch -r 0 -u "$URL/status-503.$MINE" --fetch-issuer site.pem
	exits 1
	[ ! -e site.pem.issuer ]
}

@test "a certificate of another name is not the issuer" {
	orphan cert-pem/root
	fetch --fetch-issuer site.pem
	fails 2 "no certificate of that name"
}

@test "an expired issuer is not taken" {
	orphan cert-der/expiredca
	fetch --fetch-issuer site.pem
	fails 2 "it has expired"
}

@test "the leaf itself is not its issuer" {
	orphan "cert-der/t$BATS_TEST_NUMBER-site"
	fetch --fetch-issuer site.pem
	fails 2 "is not its issuer"
}

@test "what is no certificate is a temporary failure, and told" {
	local way text
	for way in "html-200 not a certificate" "empty-200 it came empty" \
		"status-404 HTTP 404" "status-403 HTTP 403" \
		"good not a certificate" "redirect-302 not followed"; do
		text=${way#* }
		rm -f site.pem
		site good --aia-issuer "$URL/${way%% *}.$MINE-way"
		rm site.pem.issuer
		fetch -r 0 --fetch-issuer site.pem
		exits 1
		says "its issuer cannot be fetched: $URL/${way%% *}.$MINE-way"
		says "$text"
		no_question
		[ ! -e site.pem.issuer ]
	done
}

@test "damaged certificates and bags are no certificate" {
	local bad
	openssl x509 -in "$PKI/ca.pem" -outform DER -out ca.der
	openssl crl2pkcs7 -nocrl -certfile "$PKI/ca.pem" -outform DER -out bag
	head -c 200 ca.der >half
	{ cat ca.der; echo; } >trailing
	head -c 300 bag >halfbag
	{ cat bag; echo; } >trailingbag
	openssl crl2pkcs7 -nocrl -certfile /dev/null -outform DER -out nobag ||
		: >nobag
	printf '0\200\6\11\52\206\110\206\367\15\1\7\2' >infinite
	printf '\60' >one
	sed 's/^M/!/' "$PKI/ca.pem" >broken
	cp "$PKI/ca.key" key
	for bad in half trailing halfbag trailingbag nobag infinite one broken key; do
		rm -f site.pem
		orphan_of "$bad"
		fetch -r 0 --fetch-issuer site.pem
		exits 1
		says "its issuer cannot be fetched"
		[ ! -e site.pem.issuer ]
		no_question
	done
}

@test "more than 64 KiB is not taken, however it comes" {
	orphan endless-body
	fetch -r 0 --fetch-issuer site.pem
	exits 1
	says "too large"
	[ ! -e site.pem.issuer ]
}

@test "nobody is there: temporary, asked again, and told" {
	site good --aia-issuer "http://127.0.0.1:1/ca.crt"
	rm site.pem.issuer
	fetch -r 0 --fetch-issuer site.pem
	fails 1 "its issuer cannot be fetched: http://127.0.0.1:1/ca.crt"
}

@test "what fails at first is asked again, and all goes on from there" {
	orphan 503-twice,cert-der/ca
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

@test "only http and https are asked, and no URL with tricks in it" {
	local url
	for url in ldap://127.0.0.1/x ftp://127.0.0.1/x file:///etc/passwd \
		"http://a b/" http://user@127.0.0.1/x; do
		rm -f site.pem
		site good --aia-issuer "$url"
		rm site.pem.issuer
		fetch --fetch-issuer site.pem
		fails 2 "cannot be asked"
	done
}

@test "a place that cannot be asked does not keep the next from being asked" {
	site good --aia-issuer "ldap://127.0.0.1/x" \
		--aia-issuer "$URL/status-404.$MINE-x" \
		--aia-issuer "$URL/cert-der.$MINE/ca"
	rm site.pem.issuer
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

@test "a .issuer file with the wrong certificates is replaced" {
	orphan cert-der/ca
	cat "$PKI/other.pem" "$PKI/root.pem" >site.pem.issuer
	fetch --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

@test "what -H says is for the responder, not for whom the certificate chooses" {
	orphan cert-der/ca
	fetch -vv --fetch-issuer -H 'Authorization: Bearer secret' \
		-H 'Host: ocsp.internal' -H 'Accept: nothing' -H 'X-Test: y' site.pem
	exits 0
	grep "/cert-der\.$MINE " "$LOG" >hunt
	grep -q 'auth=- ' hunt
	grep -q 'x-test=- ' hunt
	grep -q 'host=127\.0\.0\.1:' hunt
	grep -q 'accept=application/pkix-cert' hunt
	grep "/good\.$MINE " "$LOG" | grep -q 'host=ocsp\.internal .*auth=Bearer%20secret'
	# nor does the command that repeats it
	[ "$(grep -c 'to repeat .*Authorization: \.\.\.' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c 'to repeat .*-H .Accept: application/pkix-cert' <<<"$stderr")" -eq 1 ]
}

@test "an issuer that somebody puts there meanwhile is not touched" {
	orphan 503-twice,cert-der/ca
	cat "$PKI/root.pem" "$PKI/ca.pem" >chain
	{ sleep 1; cp chain site.pem.issuer; } 3>&- &
	fetch -v --fetch-issuer site.pem
	wait
	exits 0
	says "by now it is in site.pem.issuer"
	cmp site.pem.issuer chain
	[ -s site.pem.ocsp ]
}

@test "a .issuer file that holds anything else is not touched" {
	local what before
	orphan cert-der/ca
	openssl pkey -in "$PKI/other.key" -outform DER -out other.key.der
	cat "$PKI/other.pem" "$PKI/other.key" >both
	echo 'a note to myself' >note
	cat note "$PKI/other.pem" >before
	cat "$PKI/other.pem" note >after
	for what in both note before after other.key.der; do
		cp "$what" site.pem.issuer
		before=$(identity site.pem.issuer)
		rm -f site.pem.ocsp
		fetch --fetch-issuer site.pem
		exits 3
		says "is not touched"
		[ "$(identity site.pem.issuer)" = "$before" ]
		cmp site.pem.issuer "$what"
		# but the response is there all the same
		[ -s site.pem.ocsp ]
	done
}

@test "a certificate whose own name is that of its issuer is not lost" {
	orphan cert-der/ca
	mv site.pem site.issuer
	cp site.issuer before
	fetch --del-ext --fetch-issuer site.issuer
	exits 3
	says "site.issuer holds the certificate itself, and is not touched"
	cmp site.issuer before
	[ -s site.ocsp ]
}

@test "where it cannot be written that is told, with 3, and the response is saved" {
	orphan cert-der/ca
	mkdir site.pem.issuer
	fetch --fetch-issuer site.pem
	exits 3
	says "site.pem.issuer is a directory"
	[ -s site.pem.ocsp ]
}

@test "a stored response is judged by the issuer that was fetched" {
	orphan cert-der/ca
	response site good
	fetch -d --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
	no_question
}

@test "--wait keeps asking for the issuer, too" {
	orphan 404-thrice,cert-der/ca
	fetch -r 0 --wait 40 --fetch-issuer site.pem
	exits 0
	silent
	issuer_in_place
}

# An allocation fails, one in so many, in the half of the run where the issuer
# comes: what is told is true, or it is 3.
@test "no memory, wherever it ends, makes no issuer another's" {
	local asan calls nth want=60
	orphan cert-cms/ca
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0
	# what OpenSSL loses then is not ours: see faults.bats
	[ -z "$asan" ] || ASAN_OPTIONS+=:detect_leaks=0 want=25
	fetch_with LD_PRELOAD="$FAULTSHIM $asan" FAULT= FAULT_COUNT="$PWD/count" \
		--fetch-issuer site.pem
	exits 0
	calls=$(awk '/^malloc/ { print $2 }' count)
	[ "$calls" -gt 1000 ]
	for ((nth = calls / 2; nth <= calls; nth += calls / 2 / want)); do
		rm -f site.pem.issuer site.pem.ocsp
		fetch_with LD_PRELOAD="$FAULTSHIM $asan" \
			FAULT="malloc:$nth:ENOMEM" --fetch-issuer site.pem
		[ "$status" -eq 3 ] || exits 0 || {
			echo "malloc:$nth of $calls"
			return 1
		}
		[ "$status" -eq 3 ] || good_file
		[ ! -e site.pem.issuer ] || issuer_in_place
	done
}
