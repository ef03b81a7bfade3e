#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Whose certificate is the issuer's: where it is looked for, in which order,
# what it has to prove, and that nothing is sent before it has.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world_of_one; }
teardown_file() { end_world; }

setup() { own_place; }

inventory() { find . -printf '%P %i %s %m %T@\n' | sort; }

# A leaf of "ca" whose issuer is nowhere yet, and no response.
alone() {
	leaf "${1-site}" good
	rm "${1-site}.pem.issuer"
}

# The other CAs have the issuer's name: "other" another key, "sameski" that and
# the issuer's key id, "expiredca" the issuer's key and no time left.
ca() { cat "${@/#/$PKI/}"; }
cas() { ca "${@/%/.pem}"; }
der() { openssl x509 -in "$1" -outform DER; }

# found WHERE [arguments]: a response was fetched, and -v says that the issuer
# was found there.
found() {
	local where=$1
	shift
	[ $# -gt 0 ] || set -- site.pem
	rm -f ./*.ocsp
	run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -v -r 0 "$@"
	exits 0
	says "found in $where"
	[ "$(grep -c 'found in ' <<<"$stderr")" -eq 1 ]
	[ -n "$(find . -name '*.ocsp' -size +100c)" ]
}

# lost [arguments]: no issuer, so exit 2, no question, no file; to be followed
# by what the message says.
lost() {
	local asked log files
	[ $# -gt 0 ] || set -- site.pem
	mapfile -t asked <"$LOG"
	files=$(inventory)
	run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -r 0 "$@"
	exits 2
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ] || [ "$1" = -vv ]
	says "ocspfetch: site.pem: "
	mapfile -t log <"$LOG"
	[ "${#log[@]}" -eq "${#asked[@]}" ]
	[ "$(inventory)" = "$files" ]
}

# ---- each place ----

@test "the issuer is found in a file given with -i, in PEM or DER" {
	alone
	cas ca >ca.crt
	der ca.crt >ca.der
	found ca.crt -i ca.crt site.pem
	found ca.crt --issuer=ca.crt site.pem
	found ca.der -i ca.der site.pem
	found "$PKI/ca.pem" -i "$PKI/ca.pem" site.pem
}

@test "the issuer is found among several in a file given with -i" {
	alone
	cas root other sameski ca sibling >bundle.crt
	found bundle.crt -i bundle.crt site.pem
	{
		ca other.key
		cas other
		ca ca.key
		echo text
		cas ca root
	} >keys.crt
	found keys.crt -i keys.crt site.pem
	cas other >other.crt
	cas root >root.crt
	found bundle.crt -i other.crt -i root.crt -i bundle.crt site.pem
	found bundle.crt site.pem -i bundle.crt -i other.crt
}

@test "the issuer is found in the certificate's own file, in any order" {
	local n=0 order
	alone leaf
	for order in "leaf.pem ca" "leaf.pem key ca" "key leaf.pem ca" \
		"leaf.pem ca key" "leaf.pem ca root" "leaf.pem root ca" \
		"leaf.pem root key other ca" "leaf.pem leaf.pem ca" \
		"leaf.pem sibling sameski ca root"; do
		: >site.pem
		for part in $order; do
			case $part in
			leaf.pem) cat leaf.pem ;;
			key) cat leaf.key ;;
			*) cas "$part" ;;
			esac >>site.pem
		done
		found "the certificate's own file" || { echo "$order" && return 1; }
		n=$((n + 1))
	done
	[ "$n" -eq 9 ]
}

@test "the issuer is found in site.pem.issuer, in PEM or DER or a bundle" {
	alone
	cas ca >site.pem.issuer
	found site.pem.issuer
	der "$PKI/ca.pem" >site.pem.issuer
	found site.pem.issuer
	cas root other ca >site.pem.issuer
	found site.pem.issuer
}

@test "the issuer is found in site.issuer, in PEM or DER or a bundle" {
	alone
	cas ca >site.issuer
	found site.issuer
	der "$PKI/ca.pem" >site.issuer
	found site.issuer
	cas sameski root ca >site.issuer
	found site.issuer
}

@test "the issuer's file is looked for beside the certificate" {
	mkdir -p d.x/y
	alone
	cas ca >d.x/site.issuer
	mv site.pem d.x
	found d.x/site.issuer d.x/site.pem
	mv d.x/site.issuer d.x/site.pem.issuer
	found d.x/site.pem.issuer d.x/site.pem
	# not here, and not by the directory's extension
	mv d.x/site.pem.issuer site.pem.issuer
	cas ca >site.issuer
	cas ca >d.issuer
	cp d.x/site.pem d.x/site
	fetch d.x/site.pem
	exits 2
	fetch d.x/site
	exits 2
	says "d.x/site.issuer"
	[[ $stderr != *"d.issuer"* ]]
	[ ! -e d.x/site.ocsp ]
}

@test "a name without extension has one .issuer, and it is named once" {
	alone
	mv site.pem site
	fetch site
	exits 2
	[ "$(grep -o 'site.issuer' <<<"$stderr" | wc -l)" -eq 1 ]
	cas ca >site.issuer
	found site.issuer site
}

@test "an issuer found only by -i is warned of in each run, with the key in the file" {
	alone
	cat site.key >>site.pem
	for _ in first second; do
		fetch -i "$PKI/ca.pem" site.pem
		exits 0
		[ -z "$output" ]
		says "warning"
		says "site.pem"
		says "issuer"
		[ -s site.pem.ocsp ]
	done
	rm site.pem.ocsp
	cas ca >site.pem.issuer
	fetch -i "$PKI/ca.pem" site.pem
	exits 0
	silent
	rm site.pem.ocsp site.pem.issuer
	cas ca >>site.pem
	fetch -i "$PKI/ca.pem" site.pem
	exits 0
	silent
}

# ---- which place comes first ----

@test "-i comes before the own file, .pem.issuer and .issuer, in this order" {
	alone
	cas ca >ca.crt
	cas ca >ca2.crt
	cas ca >>site.pem
	cas ca >site.pem.issuer
	cas ca >site.issuer
	found ca.crt -i ca.crt -i ca2.crt site.pem
	found ca2.crt -i ca2.crt -i ca.crt site.pem
	found "the certificate's own file"
	alone
	cas ca >site.pem.issuer
	found site.pem.issuer
	rm site.pem.issuer
	found site.issuer
}

@test "with --del-ext, site.issuer comes before site.crt.issuer" {
	alone
	mv site.pem site.crt
	cas ca >site.issuer
	cas ca >site.crt.issuer
	found site.issuer --del-ext site.crt
	[ -s site.ocsp ]
	[ ! -e site.crt.ocsp ]
	found site.crt.issuer site.crt
	[ -s site.crt.ocsp ]
	rm site.issuer
	found site.crt.issuer --del-ext site.crt
	rm site.crt.issuer
	cas ca >site.issuer
	found site.issuer --del-ext site.crt
	fetch --del-ext site.crt
	exits 0
	silent
}

@test "with --del-ext only the last extension is replaced" {
	alone
	mv site.pem www.example.crt
	cas ca >www.example.issuer
	found www.example.issuer --del-ext www.example.crt
	[ -s www.example.ocsp ]
	# a leading dot makes no extension
	mv www.example.crt .hidden
	cas ca >.hidden.issuer
	rm www.example.ocsp
	fetch --del-ext .hidden
	exits 0
	[ -s .hidden.ocsp ]
	[ ! -e .ocsp ]
}

# ---- what it has to prove ----

@test "a CA of the right name and the wrong key is passed over" {
	local wrong
	for wrong in other sameski; do
		alone
		# in one file
		cas "$wrong" ca >site.pem.issuer
		found site.pem.issuer
		# in an earlier place
		cas "$wrong" >wrong.crt
		cas "$wrong" >>site.pem
		cas "$wrong" >site.pem.issuer
		cas ca >site.issuer
		found site.issuer
		found site.issuer -i wrong.crt site.pem
		cas ca >site.pem.issuer
		cas "$wrong" >site.issuer
		found site.pem.issuer -i wrong.crt site.pem
		rm site.issuer site.pem.issuer
		alone
		cas "$wrong" ca >>site.pem
		found "the certificate's own file" -i wrong.crt site.pem
	done
}

@test "a CA of the right name and the wrong key alone is refused" {
	local wrong
	for wrong in other sameski; do
		alone
		cas "$wrong" >wrong.crt
		lost -i wrong.crt site.pem
		says "wrong.crt: "
		says "key"
		cas "$wrong" >>site.pem
		lost
		says "own file"
		says "key"
		alone
		cas "$wrong" >site.pem.issuer
		lost
		says "site.pem.issuer: "
		says "key"
		rm site.pem.issuer
		cas "$wrong" >site.issuer
		lost
		says "site.issuer: "
		says "key"
		rm site.issuer
	done
}

@test "a certificate is not its own issuer, nor is its sibling" {
	alone
	cp site.pem self.crt
	lost -i self.crt site.pem
	says "self.crt: "
	lost -i "$PKI/sibling.pem" site.pem
	lost -i "$PKI/root.pem" site.pem
	says "name"
	lost -i "$PKI/sub.pem" site.pem
}

@test "nothing is sent before the issuer is proven" {
	local token=t$BATS_TEST_NUMBER
	leaf site "good.$token"
	cas other sameski expiredca root >site.pem.issuer
	cp site.pem.issuer site.issuer
	cat site.pem.issuer >>site.pem
	lost -vv -i site.issuer site.pem
	lost -u "$URL/good.$token" site.pem
	lost -f -X post -N site.pem
	run ! grep "/good.$token" "$LOG"
	cas ca >>site.issuer
	fetch site.pem
	exits 0
	grep "/good.$token" "$LOG"
}

@test "an issuer that has expired is said to be expired" {
	alone
	cas expiredca >site.pem.issuer
	lost
	says "site.pem.issuer: "
	says "only an expired issuer found for it"
	says "get the CA's renewed certificate and name its file with -i"
	rm site.pem.issuer
	cas expiredca >expired.crt
	lost -i expired.crt site.pem
	says "expired.crt: "
	says "expired"
	cas expiredca >>site.pem
	lost
	says "expired"
}

@test "a valid issuer elsewhere wins over an expired one of its name and key" {
	alone
	cas expiredca >expired.crt
	cas expiredca ca >site.pem.issuer
	found site.pem.issuer
	cas expiredca >site.pem.issuer
	cas ca >site.issuer
	found site.issuer
	cas expiredca >>site.pem
	found site.issuer -i expired.crt site.pem
	found "$PKI/ca.pem" -i expired.crt -i "$PKI/ca.pem" site.pem
}

@test "the issuer of another CA's certificate is that CA" {
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-o" --ca other --url "$URL/good"
	cp "$PKI/t$BATS_TEST_NUMBER-o.pem" site.pem
	cas ca sameski >site.pem.issuer
	lost
	cas ca sameski other >site.pem.issuer
	found site.pem.issuer
}

# ---- none ----

@test "no issuer at all: the message has each place, and why not" {
	alone
	lost
	says "issuer"
	says "CN=Test Issuing CA"
	says "site.pem.issuer: absent"
	says "site.issuer: absent"
	cas root sibling >some.crt
	cas other >>site.pem
	echo nonsense >site.pem.issuer
	cas sameski >site.issuer
	lost -i some.crt site.pem
	says "some.crt: no certificate of that name"
	says "own file"
	says "site.pem.issuer: "
	says "no certificate"
	says "site.issuer: "
	says "key does not verify"
}

@test "no issuer at all: the message says what to do" {
	alone
	lost
	[[ $stderr == *-i* ]]
}

@test "no issuer at all: the places are told apart" {
	alone
	cas other root >some.crt
	lost -i some.crt site.pem
	# a separator and a blank, as in any list
	[[ ! $stderr =~ \;[^\ ] ]]
	says "; "
}

@test "no issuer at all: a newline in a name is shown as such" {
	alone
	mv site.pem $'a\nb.pem'
	fetch $'a\nb.pem'
	exits 2
	[ "${#stderr_lines[@]}" -eq 1 ]
	says 'a\x0Ab.pem.issuer: absent'
	fetch -v $'a\nb.pem'
	exits 2
	says 'a\x0Ab.pem.issuer: absent'
}

@test "no issuer: many candidates do not crowd out the places" {
	local n
	alone
	for n in {1..30}; do
		cas sibling
	done >>site.pem
	cas other >site.issuer
	lost
	says "site.issuer: "
	says "key does not verify"
}

@test "an -i file that is not there is refused, whatever else is found" {
	alone
	cas ca >site.pem.issuer
	lost -i gone.crt site.pem
	says "gone.crt"
	says "No such file"
	lost -i '' site.pem
	says "No such file"
	mkdir d
	lost -i d site.pem
	says "directory"
	lost -i gone.crt -i "$PKI/ca.pem" site.pem
	says "gone.crt"
	lost -i "$PKI/ca.pem" -i gone.crt site.pem
	says "gone.crt"
}

@test "an -i file without a certificate is refused" {
	alone
	cas ca >site.pem.issuer
	lost -i site.key site.pem
	says "site.key"
	says "no certificate"
	: >empty.crt
	lost -i empty.crt site.pem
	says "empty.crt"
	mkfifo fifo.crt
	lost -i fifo.crt site.pem
	says "not a regular file"
	truncate -s 50M big.crt
	lost -i big.crt site.pem
	says 1048576
}

@test "a .issuer that is no certificate is passed over, and not waited for" {
	alone
	cas ca >site.issuer
	mkfifo site.pem.issuer
	found site.issuer
	rm site.pem.issuer
	ln -s gone site.pem.issuer
	found site.issuer
	rm site.pem.issuer
	mkdir site.pem.issuer
	found site.issuer
	rmdir site.pem.issuer
	echo nonsense >site.pem.issuer
	found site.issuer
	truncate -s 50M site.pem.issuer
	found site.issuer
	cas ca | head -n 5 >site.pem.issuer
	found site.issuer
	rm site.issuer
	lost
	says "damaged"
}

@test "-v of a certificate without issuer has each candidate" {
	alone
	cas other >>site.pem
	fetch -v site.pem
	exits 2
	says "key does not verify"
	says "absent"
	[ ! -e site.pem.ocsp ]
}

@test "-vv has each candidate and what came of it" {
	alone
	cas other ca >site.pem.issuer
	fetch -vv site.pem
	exits 0
	says "site.pem.issuer, certificate 1: "
	says "key does not verify"
	says "site.pem.issuer, certificate 2: is the issuer"
}

@test "one certificate without issuer keeps no other from its response" {
	leaf a good
	alone
	leaf b good
	fetch a.pem site.pem b.pem
	exits 2
	says "ocspfetch: site.pem: no issuer"
	[ -s a.pem.ocsp ] && [ -s b.pem.ocsp ] && [ ! -e site.pem.ocsp ]
}

@test "-c needs the issuer as well, and says so" {
	alone
	response site good
	lost -c site.pem
	says "issuer"
	cas ca >site.pem.issuer
	fetch -c site.pem
	exits 0
	silent
}

@test "an issuer with terminal escapes in its name is never shown raw" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout evil.key -subj /CN=$'evil\033[2J' -days 9 -utf8 \
		-out evil.crt 2>err
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout site.key -subj /CN=site -out site.csr 2>err
	echo "authorityInfoAccess=OCSP;URI:$URL/good" >ext
	openssl x509 -req -in site.csr -CA evil.crt -CAkey evil.key -days 9 \
		-set_serial 5 -extfile ext -out site.pem 2>err
	lost
	[[ $stderr != *$'\033'* ]]
	says "CN=evil"
	fetch -vv -r 0 -i evil.crt site.pem
	[ "$status" -eq 1 ] || [ "$status" -eq 4 ]
	[[ $stderr != *$'\033'* ]]
}

@test "a file's name makes no line of its own in what -v tells" {
	local name=$'a\n: is the issuer.pem'
	leaf site good
	mv site.pem "$name"
	rm site.pem.issuer
	mkdir "$name.issuer"
	fetch -v "$name"
	exits 2
	says 'a\x0A: is the issuer.pem.issuer is a directory'
	[ "$(grep -c '^ *looked at *: is the issuer' <<<"$stderr")" -eq 0 ]
}
