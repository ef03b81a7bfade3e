#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# On a machine whose OpenSSL lacks an algorithm, or refuses it: what is told,
# and to whom.  tests/harness/lacking.c stands for such machines; `make check
# T=cas@rhel9` runs any other suite on one that refuses SHA-1 in signatures, as
# RHEL 9 does.
#
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# without WHAT: OpenSSL of this test has all else.
without() {
	printf '%s\n' 'openssl_conf = init' '[init]' 'providers = providers' \
		'[providers]' 'lacking = lacking' '[lacking]' \
		"module = $LACKING" "lacks = $1" 'activate = 1' >"$1.cnf"
	export OPENSSL_CONF=$PWD/$1.cnf
}

@test "without SHA-1, SHA-256, RSA or ECDSA alone: 3, it is named, nothing done" {
	local lacks name n=0
	leaf site "good.$MINE"
	while read -r lacks name; do
		without "$lacks"
		fetch site.pem missing.pem
		exits 3
		reads "OpenSSL can verify nothing, as its configuration $OPENSSL_CONF (named by OPENSSL_CONF) leaves it without $name; activate the provider \"default\" there, or \"fips\" and \"base\"; nothing was done"
		fetch -c site.pem
		exits 3
		says "without $name;"
		no_file
		n=$((n + 1))
	done <<'END'
SHA1 SHA-1
SHA2-256 SHA-256
RSA RSA
ECDSA ECDSA
END
	[ "$n" -eq 4 ]
	[ "$(asked)" -eq 0 ]
	# what is not needed may be lacking
	without SHA2-512
	fetch site.pem
	exits 0
	good_file
}

@test "where SHA-1 is refused in signatures, it is in CertIDs as ever" {
	leaf site "good.$MINE"
	without sha1-signatures
	sha1_refused
	fetch site.pem
	exits 0
	silent
	good_file
	fetch -c site.pem
	exits 0
}

# refused RECIPE WORDS: of site.pem, which names a responder; whatever is allowed, by a run and by -c.
refused() {
	local options
	for options in "" --allow-sha1; do
		rm -f site.pem.ocsp
		fetch -r 0 $options -u "$URL/$1.$MINE" site.pem
		exits 4
		says "$2, which this system's OpenSSL refuses: have the CA "
		says "SHA-256, or update-crypto-policies --set DEFAULT:SHA1"
		does_not_say allow-sha1
		does_not_say attack
		no_file
		response site "$1"
		fetch -c $options site.pem
		exits 4
		says "update-crypto-policies --set DEFAULT:SHA1"
	done
}

@test "there, a response with SHA-1 is refused with the word that admits it" {
	leaf site good
	without sha1-signatures
	refused sig-sha1 "it is signed with SHA-1"
	refused adcs "it is signed with SHA-1"
	refused revoked-sig-sha1 "it is signed with SHA-1"
}

@test "and a signer whose certificate is signed with SHA-1, too" {
	leaf site good
	without sha1-signatures
	refused by-sha1-delegate "its certificate is signed with SHA-1"
	refused revoked-by-sha1-delegate "its certificate is signed with SHA-1"
}

@test "there, no issuer is blamed for a certificate that is signed with SHA-1" {
	leaf site "good.$MINE" --md SHA1
	fetch site.pem
	sha1_refused || exits 0
	rm -f site.pem.ocsp
	without sha1-signatures
	fetch site.pem
	exits 2
	says "update-crypto-policies --set DEFAULT:SHA1"
	does_not_say "does not verify"
	no_file
}

@test "there, what is signed with anything else is refused as anywhere" {
	local recipe
	leaf site good
	without sha1-signatures
	for recipe in sig-md5 sig-corrupt by-other revoked-forged; do
		fetch -r 0 --allow-sha1 -u "$URL/$recipe.$MINE" site.pem
		exits 4
		does_not_say update-crypto-policies
	done
}
