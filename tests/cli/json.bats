#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# --json: one line for each certificate, whatever came of it, that a parser and
# the schema in contrib/ accept, and that says what is true.
#
# shellcheck disable=SC2154

# Where one shell writes what another is to expand, it means it.
# shellcheck disable=SC2016

load ../harness/lib

KEYS="certificate output serial issuer issuer_source url method http_status \
status reason this_update next_update produced_at usable_until seconds_left \
must_staple action exit elapsed_ms"
SCHEMA=$TOP/contrib/ocspfetch.schema.json

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	command -v jq >/dev/null || skip "no jq here"
	own_place
}

# The schema is asked once, of all the lines of a test.
teardown() {
	local valid=0
	[ ! -s every ] || against_schema every || valid=1
	end_place
	return "$valid"
}

# A Python that has the validator.
validator() {
	local p
	for p in python3 /usr/bin/python3; do
		"$p" -c 'import jsonschema' 2>/dev/null && echo "$p" && return 0
	done
	return 1
}

# against_schema FILE: each line of it; where there is no validator, none.
against_schema() {
	local python
	python=$(validator) || return 0
	"$python" - "$SCHEMA" "$1" <<-'END'
	import json, sys
	from jsonschema import Draft202012Validator as V
	schema = json.load(open(sys.argv[1]))
	V.check_schema(schema)
	v, bad = V(schema), 0
	for line in open(sys.argv[2], encoding="utf-8"):
	    # a key that comes twice is no object of ours
	    pairs = json.loads(line, object_pairs_hook=list)
	    assert len(pairs) == len(dict(pairs)), line
	    for e in v.iter_errors(dict(pairs)):
	        print(e.message, list(e.absolute_path), line)
	        bad = 1
	sys.exit(bad)
	END
}

# is_valid N FILE: as many lines, each of them an object with just the keys.
is_valid() {
	[ "$(wc -l <"$2")" -eq "$1" ] || {
		echo "not $1 lines: $(<"$2")"
		return 1
	}
	[ "$1" -gt 0 ] || return 0
	# a decoder that is strict: no byte that is not UTF-8
	iconv -f UTF-8 -t UTF-8 "$2" >/dev/null
	never grep -q '[[:cntrl:]]' "$2"
	[ "$(jq -r 'keys_unsorted | join(" ")' "$2" | sort -u)" = "$KEYS" ]
	[ "$(jq -c . "$2" | wc -l)" -eq "$1" ]
	cat "$2" >>every
}

# json N ARGUMENTS: the program, with N lines in `lines` and $stderr; what else
# it says goes its way.
json() {
	local n=$1
	shift
	fetch -j "$@"
	printf '%s' "${output:+$output
}" >lines
	is_valid "$n" lines
}

# has FILTER: it is true of the line.
has() {
	jq -e "$1" lines >/dev/null || {
		echo "not so: $1"
		cat lines
		return 1
	}
}

# of NAME FILTER: it is true of the one line about that certificate.
of() {
	jq -es --arg name "$1" "map(select(.certificate == \$name)) |
		length == 1 and (.[0] | $2)" lines >/dev/null || {
		echo "not so of $1: $2"
		cat lines
		return 1
	}
}

@test "the schema itself is one, and a line that breaks a promise fails it" {
	local python edit n=0
	python=$(validator) || skip "no python3 with jsonschema here"
	leaf site "good.$MINE"
	json 1 site.pem
	while read -r edit; do
		jq -c "$edit" lines >broken
		run against_schema broken
		[ "$status" -eq 1 ] || { echo "accepted: $edit" && return 1; }
		n=$((n + 1))
	done <<-'END'
	del(.reason)
	.extra = 1
	.exit = 6
	.exit = 4
	.exit = "0"
	.action = "passed-over"
	.status = "revoked"
	.status = null
	.this_update = "2026-11-25 03:00:00 UTC"
	.usable_until = null
	.seconds_left = null
	.method = null
	.url = null
	.serial = null
	.elapsed_ms = 1.5
	.must_staple = 0
	END
	[ "$n" -eq 16 ]
}

# of_response NAME FIELD: as openssl has it, in seconds since 1970.
of_response() {
	date -u +%s -d "$(openssl ocsp -respin "$1" -noverify -resp_text |
		sed -n "s/^ *$2: //p" | head -1)"
}

@test "a written response: each value is what the file and the certificate say" {
	leaf site "good.$MINE" --serial 0A1B2C
	json 1 site.pem
	exits 0
	[ -z "$stderr" ]
	has '.certificate == "site.pem" and .output == "site.pem.ocsp"'
	[ "serial=$(jq -r .serial lines)" = \
		"$(openssl x509 -in site.pem -noout -serial)" ]
	[ "issuer=$(jq -r .issuer lines)" = \
		"$(openssl x509 -in site.pem -noout -issuer -nameopt rfc2253)" ]
	has '.issuer_source == "site.pem.issuer"'
	has ".url == \"$URL/good.$MINE\" and .method == \"GET\""
	has '.http_status == 200 and .status == "good" and .reason == null'
	has '.action == "written" and .exit == 0 and .must_staple == false'
	[ "$(jq '.this_update | fromdate' lines)" -eq \
		"$(of_response site.pem.ocsp 'This Update')" ]
	[ "$(jq '.next_update | fromdate' lines)" -eq \
		"$(of_response site.pem.ocsp 'Next Update')" ]
	[ "$(jq '.produced_at | fromdate' lines)" -eq \
		"$(of_response site.pem.ocsp 'Produced At')" ]
	has '.usable_until == .next_update'
	jq -e --argjson now "$(date +%s)" \
		'(.usable_until | fromdate) - $now - .seconds_left | fabs < 120' \
		lines
}

@test "each action has its word: written, unchanged, kept, not-due, and the rest" {
	leaf site "good-same.$MINE" --key rsa --must-staple
	json 1 site.pem
	has '.action == "written" and .must_staple'
	json 1 site.pem
	exits 0
	[ -z "$stderr" ]
	has '.action == "unchanged" and .status == "good"'
	json 1 -u "$URL/good-older.$MINE" site.pem
	exits 0
	has '.action == "kept" and .status == "good"'
	json 1 -d site.pem
	exits 0
	has '.action == "not-due" and .url == null and .method == null'
	has '.http_status == null and .status == "good"'
	json 1 -c site.pem
	exits 0
	has '.action == "none" and .status == "good" and .url == null'
	leaf none -
	json 1 none.pem
	exits 0
	[ -z "$stderr" ]
	has '.action == "no-responder" and .status == null and .exit == 0'
}

@test "a dry run tells of the answer that would have been written" {
	leaf site "good.$MINE"
	json 1 -n site.pem
	exits 0
	no_file
	has '.action == "none" and .status == "good" and .seconds_left > 600000'
	response site expired
	json 1 -n site.pem
	exits 0
	has '.action == "none" and .status == "good"'
	json 1 -n -u "$URL/unknown.$MINE" site.pem
	exits 4
	has '.action == "none" and .status == "expired" and .seconds_left < 0'
}

# What the responder does, and what comes of it where nothing is stored.
answers='
good 0 written good
good-delegate 0 written good
revoked 5 none revoked
unknown 4 none none
expired 4 none none
sig-corrupt 4 none none
good-only-neighbour 4 none none
err-trylater 1 none none
err-unauthorized 1 none none
html-200 1 none none
status-503 1 none none
reset 1 none none
empty-200 1 none none
expires-soon 1 written good
'

@test "a fleet in every state: a line each, with the exit status of a run alone" {
	local name code action word n=0
	while read -r name code action word; do
		[ -n "$name" ] || continue
		leaf "$name" "$name.$MINE"
		n=$((n + 1))
	done <<<"$answers"
	leaf none -
	leaf must - --must-staple
	leaf over "good.$MINE" --from -864000 --to -10
	echo nothing >text.pem
	json $((n + 5)) -r 0 ./*.pem gone.pem
	exits 5
	while read -r name code action word; do
		[ -n "$name" ] || continue
		of "./$name.pem" ".exit == $code and .action == \"$action\" and
			.status == \"$word\""
		rm -f "$name.pem.ocsp"
		fetch -r 0 "./$name.pem"
		exits "$code"
		# what the message says is what the line says, but for the time
		# between them
		[ "$code" -eq 0 ] || spans <<<"$stderr" | grep -qF -e "$(jq -r \
			"select(.certificate == \"./$name.pem\") | .reason" lines |
			spans | cut -c 1-40)"
	done <<<"$answers"
	of ./none.pem '.exit == 0 and .action == "no-responder"'
	of ./over.pem '.exit == 2 and .status == null and .serial != null'
	of ./must.pem '.exit == 2 and .must_staple'
	of ./text.pem '.exit == 2 and .serial == null and .must_staple == null and
		.issuer == null'
	of gone.pem '.exit == 2 and .output == "gone.pem.ocsp" and
		(.reason | contains("No such file"))'
}

@test "what is stored stands, whatever was answered; but revoked is revoked" {
	local answer
	leaf site "good.$MINE"
	fetch site.pem
	exits 0
	cp site.pem.ocsp before
	for answer in unknown by-leaf; do
		json 1 -r 0 -u "$URL/$answer.$MINE" site.pem
		exits 4
		has '.status == "good" and .exit == 4 and .seconds_left > 0'
		has ".url == \"$URL/$answer.$MINE\" and .action == \"none\""
	done
	has '.reason | contains("not signed by the issuer")'
	json 1 -r 0 -u "$URL/revoked-newer.$MINE" site.pem
	exits 5
	has '.status == "revoked" and .action == "none"'
	has '.reason | contains("the certificate was revoked on ")'
	cmp before site.pem.ocsp
	# and its times are those of the response that says so
	[ "$(jq '.this_update | fromdate' lines)" -gt \
		"$(of_response site.pem.ocsp 'This Update')" ]
	json 1 --write-revoked -u "$URL/revoked-newer.$MINE" site.pem
	exits 5
	has '.status == "revoked" and .action == "written"'
	# stored: it is heard without asking
	json 1 -c site.pem
	exits 5
	has '.status == "revoked" and .action == "none" and .url == null'
	# an older revocation than what is stored
	leaf late "good-newer.$MINE"
	fetch late.pem
	exits 0
	json 1 -u "$URL/revoked.$MINE" late.pem
	exits 0
	has '.status == "good" and .reason == null'
}

@test "a failure that does no harm has its reason, and 0" {
	leaf site "good.$MINE"
	fetch site.pem
	json 1 -r 0 -u "$URL/status-503.$MINE" site.pem
	exits 0
	[ -z "$stderr" ]
	has '.exit == 0 and .status == "good" and .http_status == 503'
	has '.reason | contains("HTTP 503")'
	json 1 -r 0 -u "$URL/reset.$MINE" site.pem
	exits 0
	has '.http_status == null and .method == "POST" and .reason != null'
}

@test "of two failures both are in the reason" {
	not_for_valgrind
	not_for_tsan
	leaf site "revoked.$MINE"
	# nothing can be written, not by root either
	run --separate-stderr sh -c 'ulimit -f 0 && exec "$@"' - \
		"$OCSPFETCH" -j --write-revoked site.pem
	exits 5
	printf '%s\n' "$output" >lines
	is_valid 1 lines
	has '.exit == 5 and .action == "none" and .status == "revoked"'
	has '.reason | contains("keyCompromise") and contains("; besides, ") and
		contains("File too large")'
}

# recipe, exit status of -c, status
stored='
good 0 good
good-delegate 0 good
two-thirds-gone 1 good
expired 1 expired
revoked 5 revoked
unknown 4 unknown
sig-corrupt 4 refused
future 4 refused
no-next 0 good
sig-sha1 4 refused
revoked-no-next 5 revoked
good-only-neighbour 1 foreign
err-trylater 1 error
html 1 invalid
'

@test "-c tells what is stored, of every kind, with its times" {
	local recipe code word
	leaf site "good.$MINE"
	while read -r recipe code word; do
		[ -n "$recipe" ] || continue
		response site "$recipe"
		json 1 -c site.pem
		exits "$code" || { echo "$recipe" && return 1; }
		has ".status == \"$word\" and .exit == $code" ||
			{ echo "$recipe" && return 1; }
		case $word in
		good | revoked | unknown) has '.seconds_left > 0' ;;
		expired)
			has '.seconds_left < -3000 and .usable_until != null and
				.usable_until == .next_update'
			;;
		*) has '.usable_until == null' ;;
		esac
	done <<<"$stored"
	rm site.pem.ocsp
	json 1 -c site.pem
	exits 1
	has '.status == "none" and .reason != null and .this_update == null'
}

@test "-c of a certificate that has ended does not say that there is no file" {
	leaf site "good.$MINE" --from -864000 --to -10
	response site good
	json 1 -c site.pem
	exits 2
	has '.status == null'
	[[ $stderr != *"there is no site.pem.ocsp"* ]]
}

@test "--max-age ends what it calls expired" {
	leaf site "good.$MINE"
	response site good
	json 1 -c -a 600 site.pem
	has '.status == "expired" and .seconds_left < 0'
	[ "$(jq '(.usable_until | fromdate) - (.this_update | fromdate)' \
		lines)" -eq 600 ]
}

# ours STAPLE: our TLS server with it; sets TLS.
ours() {
	cat site.pem "$PKI/ca.pem" >site.chain
	: >server.log
	"$STARTTLS" none site.chain site.key "$@" >server.log 2>&1 </dev/null 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	until grep -q '^port' server.log; do sleep 0.05; done
	TLS=$(awk '/^port/ { print $2 }' server.log)
}

@test "-S tells what is stapled, of every kind, with or without a certificate" {
	local recipe code word
	leaf site "good.$MINE"
	ours staple
	# what is stored does not count
	response site good
	while read -r recipe code word; do
		[ -n "$recipe" ] || continue
		[ "$recipe" != good-only-neighbour ] || code=4
		"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" "$recipe" >staple
		if left_out "$recipe"; then continue; fi
		json 1 -S "127.0.0.1:$TLS" site.pem
		exits "$code" || { echo "$recipe" && return 1; }
		has ".status == \"$word\" and .exit == $code and .url == null" ||
			{ echo "$recipe" && return 1; }
		json 1 -S "127.0.0.1:$TLS"
		exits "$code"
		has ".status == \"$word\" and .output == null and
			.certificate == \"127.0.0.1:$TLS\" and .serial != null"
	done <<<"$stored"
	leaf other "good.$MINE"
	json 2 -S "127.0.0.1:$TLS" site.pem other.pem
	exits 2
	of other.pem '.exit == 2 and .status == null'
	json 1 -S 127.0.0.1:1 site.pem
	exits 1
	has '.status == null and .reason != null and .exit == 1'
	json 1 -S 127.0.0.1:1
	exits 1
	has '.serial == null and .certificate == "127.0.0.1:1"'
}

@test "-S of a server without a staple is none" {
	leaf site "good.$MINE"
	ours
	json 1 -S "127.0.0.1:$TLS" site.pem
	exits 1
	has '.status == "none" and .exit == 1'
	leaf site -
	ours
	json 1 -S "127.0.0.1:$TLS" site.pem
	exits 0
	has '.status == "none" and .action == "no-responder"'
}

@test "directories and lists: a line for each certificate, none for other files" {
	mkdir d
	leaf d/a "good.$MINE"
	leaf d/b "revoked.$MINE"
	echo notes >d/README
	json 2 d
	exits 5
	[ "$(jq -r .certificate lines | sort | xargs)" = "d/a.pem d/b.pem" ]
	printf 'd/a.pem [ocsp there.ocsp]\nd/b.pem\nbad [line\n' >list
	json 2 -l list
	exits 5
	of d/a.pem '.output == "there.ocsp"'
	says "list"
	# what names none has a message, and no line
	mkdir empty
	json 0 empty
	exits 2
	says empty
}

@test "names of any bytes give a line that parsers and terminals can bear" {
	local name want
	leaf site "good.$MINE"
	while IFS=$'\t' read -r name want; do
		printf -v name '%b' "$name"
		cp site.pem "./$name.pem"
		cp site.pem.issuer "./$name.pem.issuer"
		json 1 "./$name.pem"
		exits 0
		grep -qF "{\"certificate\":\"./$want.pem\",\"output\":\"./$want.pem.ocsp\"," \
			lines || { cat lines && return 1; }
		# nothing that moves a cursor or hides text
		never grep -qP '[\x00-\x1f\x7f]' lines
	done <<-'END'
	a"b\\c	a\"b\\c
	new\nline	new\u000Aline
	bell\a\e[31m	bell\u0007\u001B[31m
	del\x7f	del\u007F
	ferd\xc3\xa9	ferdé
	bad\xff\xc3(	bad\\xFF\\xC3(
	long\xc0\xaf	long\\xC0\\xAF
	sur\xed\xa0\x80	sur\\xED\\xA0\\x80
	line\xe2\x80\xa8sep	line\u2028sep
	bidi\xe2\x80\xae	bidi\u202E
	c1\xc2\x9b	c1\u009B
	tag\xf3\xa0\x81\x81	tag\uDB40\uDC41
	smile\xf0\x9f\x98\x80	smile😀
	percent%s%n	percent%s%n
	END
}

@test "what a certificate says of itself cannot forge a line" {
	local cn=$'x","exit":0,"status":"good\\\\\n{"certificate":"y"}'
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-a" --self-signed --cn "$cn" \
		--url "$URL/good"
	cp "$PKI/t$BATS_TEST_NUMBER-a.pem" site.pem
	json 1 site.pem
	exits 2
	has '.exit == 2 and .status == null'
	leaf site "good\",\"exit\":0,\"x\":\".$MINE"
	json 1 -r 0 site.pem
	has '.exit != 0'
}

@test "standard output that takes no line is 3, said once; all is done" {
	leaf a "good.$MINE"
	leaf b "good.$MINE"
	run --separate-stderr sh -c '"$1" -j a.pem b.pem >/dev/full' - "$OCSPFETCH"
	exits 3
	[ "$stderr" = "ocspfetch: cannot write to standard output: No space left on device" ]
	[ -s a.pem.ocsp ] && [ -s b.pem.ocsp ]
	run --separate-stderr sh -c '"$1" -j a.pem b.pem >&-' - "$OCSPFETCH"
	exits 3
	says "cannot write to standard output: Bad file descriptor"
	rm ./*.ocsp
	# a reader that has gone
	mkfifo pipe
	: <pipe &
	run --separate-stderr sh -c 'exec 9>pipe; wait; sleep 0.2
		"$1" -j a.pem b.pem >&9' - "$OCSPFETCH"
	exits 3
	says "cannot write to standard output: Broken pipe"
	[ -s a.pem.ocsp ] && [ -s b.pem.ocsp ]
	# a graver one is not hidden
	leaf c "revoked.$MINE"
	run --separate-stderr sh -c '"$1" -j c.pem >/dev/full' - "$OCSPFETCH"
	exits 5
}

@test "a line is there as soon as its certificate is done" {
	leaf first "good.$MINE"
	leaf second "hang.$MINE"
	"$OCSPFETCH" -j -r 0 first.pem second.pem >lines 2>err 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	local end=$((SECONDS + 20))
	until [ -s lines ]; do
		((SECONDS < end))
		sleep 0.05
	done
	kill -0 $!
	is_valid 1 lines
	has '.certificate == "first.pem"'
}

@test "elapsed_ms counts the waiting" {
	leaf site "trylater-twice.$MINE"
	json 1 -r 1 site.pem
	has '.elapsed_ms >= 1000 and .elapsed_ms < 60000'
}

@test "-j says nothing else on standard output, and takes nothing from -v" {
	leaf site "good.$MINE"
	json 1 -v site.pem
	exits 0
	says "  says "
	cp lines quiet
	json 1 site.pem
	[ "$(jq -r .issuer lines)" = "$(jq -r .issuer quiet)" ]
	has '.issuer != null'
}

@test "-j and -o - are a usage error" {
	leaf site "good.$MINE"
	fetch -j -o - site.pem
	exits 2
	[ -z "$output" ]
	says "-o - and -j, --json both write to standard output"
	json 1 -o x.ocsp site.pem
	exits 0
	has '.output == "x.ocsp"'
}

@test "an issuer that was fetched is told, and one that cannot be" {
	# where an issuer is had from is who was asked last
	leaf site "good.$MINE" --aia-issuer "$URL/status-404.$MINE"
	rm site.pem.issuer
	json 1 -r 0 --fetch-issuer site.pem
	exits 1
	has ".url == \"$URL/status-404.$MINE\" and .method == \"GET\" and
		.http_status == 404 and .issuer_source == null and .status == null"
}

# ---- the manual's recipes ----

# The n-th block of the section, as it stands there.
manual() {
	awk -v n="$1" '
	/^\.Ss / { here = ($0 == ".Ss For machines") }
	/^\.Ed/ { inside = 0 }
	here && inside && block == n
	here && /^\.Bd / { block++; inside = 1 }' \
		"$MAN" | sed 's/\\e/\\/g; s/\\-/-/g'
}

# A directory in several states, in place of the manual's; $1: its recipe.
run_recipe() {
	mkdir -p certs out bin
	ln -sf "$OCSPFETCH" bin/ocspfetch
	manual "$1" | sed "s,/etc/haproxy/certs,$PWD/certs,
		s,/var/lib/prometheus/node-exporter,$PWD/out," >recipe
	grep -q "$PWD/certs" recipe
	run --separate-stderr env PATH="$PWD/bin:$PATH" sh recipe
}

states() {
	mkdir -p certs
	leaf certs/good "good.$MINE"
	response certs/good good
	leaf certs/soon "good.$MINE"
	response certs/soon expires-soon
	leaf certs/none "good.$MINE"
	leaf certs/gone "revoked.$MINE"
	response certs/gone revoked
}

@test "the manual's table has a row for each certificate, the first to end on top" {
	states
	run_recipe 1
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[0]} == $'1\tnone\t-\t'*/none.pem ]]
	[[ ${lines[1]} == $'1\tgood\t2'*Z$'\t'*/soon.pem ]]
	grep -qP '^5\trevoked\t2[0-9T:-]*Z\t.*/gone.pem$' <<<"$output"
	grep -qP '^0\tgood\t2[0-9T:-]*Z\t.*/good.pem$' <<<"$output"
}

# What Prometheus reads: the text format, 0.0.4, strictly.
is_exposition() {
	local name='[a-zA-Z_:][a-zA-Z0-9_:]*'
	[ "$(tail -c 1 "$1" | od -An -tx1 | tr -d ' ')" = 0a ]
	never grep -qvP "^(# HELP $name [^\\\\]+|# TYPE $name gauge|\
$name\\{[a-z]+=\"([^\"\\\\]|\\\\[\\\\n\"])*\"\\} -?[0-9]+(\\.[0-9]+)?)\$" "$1"
	# each series once, and its family in one piece, after its words
	[ -z "$(grep -v '^#' "$1" | sed 's/ [^ ]*$//' | sort | uniq -d)" ]
	awk '/^# TYPE/ { if (seen[$3]++) exit 1; family = $3; next }
		!/^#/ && $0 !~ "^" family "\\{" { exit 1 }' "$1"
	! command -v promtool >/dev/null || promtool check metrics <"$1"
}

@test "the manual's text for Prometheus is what Prometheus reads" {
	states
	local odd=$'certs/o"d\\d\nx.pem'
	cp certs/good.pem "$odd"
	cp certs/good.pem.issuer "$odd.issuer"
	run_recipe 2
	[ "$status" -eq 0 ] || { echo "$output$stderr" && return 1; }
	[ -z "$output" ]
	[ "$(ls -A out)" = ocspfetch.prom ]
	is_exposition out/ocspfetch.prom || { cat out/ocspfetch.prom && return 1; }
	grep -qx "ocspfetch_exit_status{certificate=\"$PWD/certs/good.pem\"} 0" \
		out/ocspfetch.prom
	grep -qx "ocspfetch_exit_status{certificate=\"$PWD/certs/gone.pem\"} 5" \
		out/ocspfetch.prom
	grep -qxF "ocspfetch_exit_status{certificate=\"$PWD/certs/o\\\"d\\\\d\\nx.pem\"} 1" \
		out/ocspfetch.prom
	grep -q "^ocspfetch_usable_until_timestamp_seconds{certificate=\"$PWD/certs/good.pem\"} $(of_response certs/good.pem.ocsp 'Next Update')\$" \
		out/ocspfetch.prom
	# nothing is known of when what is not there ends
	[ "$(grep -c '^ocspfetch_usable' out/ocspfetch.prom)" -eq 3 ]
	never grep -q 'ocspfetch_usable.*none.pem' out/ocspfetch.prom
}

@test "what cannot be made leaves Prometheus the file of before" {
	states
	mkdir -p out bin
	echo before >out/ocspfetch.prom
	printf '#!/bin/sh\nprintf "%%s" "ocspfetch_x"; exit 5\n' >bin/jq
	chmod +x bin/jq
	run_recipe 2
	[ "$status" -eq 5 ]
	[ "$(<out/ocspfetch.prom)" = before ]
}
