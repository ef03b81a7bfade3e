#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# -c agrees with a run: the exit status for every kind of certificate and of
# stored response, beside that of a run whose responder is down.
#
# shellcheck disable=SC2030,SC2031,SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	own_place
	# nobody listens there
	URL=http://127.0.0.1:9
}
teardown() { end_place; }

# store WHAT: in the response's place, as an earlier run or an accident left it.
store() {
	rm -rf site.pem.ocsp
	case $1 in
	nothing) ;;
	empty) : >site.pem.ocsp ;;
	zeros) head -c 500 /dev/zero >site.pem.ocsp ;;
	text) echo text >site.pem.ocsp ;;
	html) echo '<html><body>busy</body></html>' >site.pem.ocsp ;;
	key) cp site.key site.pem.ocsp ;;
	certificate) cp site.pem site.pem.ocsp ;;
	directory) mkdir site.pem.ocsp ;;
	fifo) mkfifo site.pem.ocsp ;;
	dangling) ln -s gone site.pem.ocsp ;;
	circle) ln -s site.pem.ocsp site.pem.ocsp ;;
	linked)
		response site good
		mv site.pem.ocsp behind
		ln -s behind site.pem.ocsp
		;;
	foreign)
		leaf other -
		response other good
		mv other.pem.ocsp site.pem.ocsp
		;;
	cut)
		response site good
		truncate -s -20 site.pem.ocsp
		;;
	*) response site "$1" ;;
	esac
}

# both CHECK RUN WHAT [options]: what -c says of it, and a run.
both() {
	local check=$1 run=$2 what=$3
	shift 3
	echo "stored: $what $*"
	store "$what"
	fetch -c "$@" site.pem
	exits "$check"
	fetch -r 0 -t 5 "$@" site.pem
	exits "$run"
}

# agree CODE WHAT [options]
agree() {
	both "$1" "$@"
}

@test "-c agrees with a run about each kind of stored response" {
	local what
	leaf site x
	for what in good good-delegate no-next skewed; do
		agree 0 "$what"
	done
	for what in nothing empty zeros html cut expired foreign \
		good-only-neighbour err-unauthorized err-trylater half-gone \
		expires-soon no-next-days; do
		agree 1 "$what"
	done
	for what in text key certificate directory fifo circle; do
		agree 2 "$what"
	done
	agree 4 revoked-hold-expired
	for what in $(verifiable <<<"revoked-sig-sha1") revoked \
		revoked-expired revoked-hold; do
		agree 5 "$what"
	done
	# options that judge are those of both
	agree 0 half-gone -m 1h
	agree 1 good -m 8d
	agree 1 good -a 1s
	sha1_refused || agree 0 sig-sha1 --allow-sha1
}

@test "-c agrees with a run about each kind of certificate" {
	local what
	leaf site x --from -864000 --to -86400
	for what in nothing good revoked; do
		agree 2 "$what"
	done
	leaf site - --from -864000 --to -86400
	agree 0 nothing
	leaf site x --self-signed
	agree 2 nothing
	leaf site - --self-signed
	agree 0 nothing
	leaf site - --must-staple
	for what in nothing empty expired foreign key directory; do
		agree 2 "$what"
	done
	agree 2 good -m 8d
	agree 1 nothing -u "$URL"
	leaf site -
	for what in nothing good expired foreign by-other key text directory \
		dangling empty; do
		agree 0 "$what"
	done
	leaf site x
	rm site.pem.issuer
	agree 2 nothing
	agree 2 good
	cp "$PKI/root.pem" site.pem.issuer
	agree 2 good
}

@test "-c agrees with a run about a responder that cannot be asked" {
	local url
	for url in ftp://127.0.0.1/ ldap://127.0.0.1/ http://u:p@127.0.0.1/; do
		"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-site" --url "$url"
		cp "$PKI/t$BATS_TEST_NUMBER-site.pem" site.pem
		cp "$PKI/ca.pem" site.pem.issuer
		agree 2 nothing
		fetch -c site.pem
		says "cannot be asked"
		agree 2 expired
		agree 2 foreign
		agree 1 nothing -u "$URL"
		agree 5 revoked -u "$URL"
		agree 0 good -u "$URL"
	done
}

@test "-c agrees with a run about files that are no certificate, or damaged" {
	local what
	leaf site x
	cp site.pem whole
	cp "$PKI/ca.pem" ca.pem
	for what in 'cat ca.pem whole' 'cat ca.pem' 'echo text' \
		'true' 'cat site.key' 'sed s/^M/!/ whole' \
		'sed "1s/^/  /" whole' 'head -c 300 whole'; do
		echo "the file: $what"
		rm -f site.pem
		eval "$what" >site.pem
		agree 2 nothing
	done
	rm site.pem
	agree 2 nothing
	mkdir site.pem
	agree 2 nothing
	rmdir site.pem
	{
		openssl req -new -key "$PKI/ca.key" -subj /CN=x -out csr
		printf 'authorityInfoAccess=DER:30:06:30:04:06:02:2a:03\n' >ext
		openssl x509 -req -in csr -CA "$PKI/ca.pem" \
			-CAkey "$PKI/ca.key" -extfile ext -out site.pem
	} 2>/dev/null
	agree 2 nothing
	says "authority information access"
	agree 2 empty
}

@test "-c agrees with a run that a stored response cannot be read" {
	[ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null ||
		skip "needs setpriv"
	local as=() how
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --regid 65534
		--clear-groups)
	PLACE=$(mktemp -d)
	chmod 777 "$PLACE"
	cp "$OCSPFETCH" "$PLACE/ocspfetch"
	cd "$PLACE"
	leaf site x
	store good
	chmod 644 site.pem site.pem.issuer
	chmod 000 site.pem.ocsp
	for how in -c -r0; do
		run --separate-stderr "${as[@]}" ./ocspfetch "$how" site.pem
		exits 3
		says "ermission denied"
	done
}

# The few differences, each with its reason.
@test "where -c differs from a run, it is for a reason" {
	local what
	leaf site x
	# -c judges what is there as what had just come: that a forged one got
	# there is to be looked at; a run will replace it, if it may ask again
	for what in by-other sig-corrupt revoked-forged sig-sha1 unknown \
		future; do
		both 4 1 "$what"
	done
	both 4 1 no-next --assume-lifetime 0
	# -c only reads, so it follows links; a run would replace the link
	both 0 2 linked
	both 1 2 dangling
	# a good one may have come by -u, which -c need not be told
	leaf site - --must-staple
	both 0 2 good
	both 5 2 revoked
	both 4 2 by-other
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-site" --url ftp://127.0.0.1/
	cp "$PKI/t$BATS_TEST_NUMBER-site.pem" site.pem
	both 0 2 good
	both 5 2 revoked
	# a run has nothing to do there and looks at no response; -c looks
	leaf site -
	both 5 0 revoked
	# and a hold that ran out is none of its business any more
	both 4 0 revoked-hold-expired
}

# The reason in the JSON object.
reason() {
	fetch -c -j site.pem
	[[ $output == *'"reason":"'* ]]
	REASON=${output#*\"reason\":\"}
	REASON=${REASON%%\",\"*}
}

@test "-c -j tells in reason why the stored response is of no use, once" {
	local what told=() one other
	leaf site x
	for what in nothing expired foreign empty err-unauthorized \
		no-next-days sig-corrupt sig-sha1 half-gone; do
		store "$what"
		reason
		told+=("$what: $REASON")
		# the line for people says each thing once
		never grep -q "of no use.*of no use" <<<"$stderr"
		never grep -q "there is no.*there is no" <<<"$stderr"
		never grep -q "signature.*signature" <<<"$stderr"
		never grep -q "signed with.*is signed with" <<<"$stderr"
	done
	[[ ${told[0]} == *"; there is no site.pem.ocsp" ]]
	[[ ${told[1]} == *"; site.pem.ocsp is of no use: it expired on "* ]]
	[[ ${told[2]} == *"it is about another certificate"* ]]
	for one in "${!told[@]}"; do
		for other in "${!told[@]}"; do
			[ "$one" = "$other" ] ||
				[ "${told[one]#*: }" != "${told[other]#*: }" ]
		done
	done
}
