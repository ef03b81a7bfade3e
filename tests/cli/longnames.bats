#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# However long the name of a file is, the line that tells of it has the name
# whole, and the reason and the cure, too; and so has the JSON.

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

# here BYTES: a directory whose name has so many, in $D.
here() {
	local rest=$1
	D=d
	while ((rest - ${#D} > 200)); do
		D+=/$(printf 'n%.0s' {1..199})
	done
	D+=/$(printf 'n%.0s' $(seq $((rest - ${#D} - 1))))
	mkdir -p "$D"
}

# tells CODE NAME REASON ARGUMENT...: both are whole in the line and in JSON.
tells() {
	local code=$1 name=$2 reason=$3
	shift 3
	fetch "$@"
	exits "$code"
	says "$name"
	says "$reason"
	fetch -j "$@"
	exits "$code"
	[[ "$(jq -r '.reason // empty' <<<"$output")" == *"$name"*"$reason"* ]] ||
	    [[ "$(jq -r '.certificate + .reason' <<<"$output")" == *"$name"*"$reason"* ]] || {
		echo "not in JSON: $reason"
		echo "$output" | tail -c 400
		false
	}
}

@test "what is wrong with a file of any name's length is told whole" {
	local length site
	for length in 250 800 1200 3800; do
		here "$length"
		site=$D/site.pem
		leaf "$site" good
		mv "$site.pem" "$site"
		mv "$site.pem.issuer" "$site.issuer"
		# the certificate
		tells 2 "$D/none.pem" "cannot read it: No such file" "$D/none.pem"
		# the issuer: absent, damaged, another's, a directory
		mv "$site.issuer" issuer
		tells 2 "$site" "name its file with -i; looked at: " "$site"
		tells 2 "$D/none.crt" "No such file" -i "$D/none.crt" "$site"
		echo nonsense >"$site.issuer"
		tells 2 "$site.issuer" "neither PEM nor DER" "$site"
		cp "$PKI/root.pem" "$site.issuer"
		tells 2 "$site.issuer" "no certificate of that name, but CN=Test Root" "$site"
		rm "$site.issuer"
		mkdir "$site.issuer"
		tells 2 "$site.issuer" "is a directory, not a regular file" "$site"
		rmdir "$site.issuer"
		mv issuer "$site.issuer"
		# the response
		mkdir "$site.ocsp"
		tells 2 "$site.ocsp" "is a directory, not a regular file; it is not touched" "$site"
		rmdir "$site.ocsp"
		tells 3 "$D/none" "No such file" -o "$D/none/x" "$site"
		cp "$PKI/ca.pem" "$site.ocsp"
		tells 2 "$site.ocsp" "certificate" "$site"
		rm "$site.ocsp"
		ln -s loop "$D/loop"
		tells 2 "$D/loop" "is a symbolic link, not a regular file" -o "$D/loop" "$site"
		rm -r d
	done
}
