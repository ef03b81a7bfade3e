#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What an administrator or a distribution copies works as it is: units, cron,
# the hooks of ACME clients, rules for logs, pages that tell how to move here.
#
# shellcheck disable=SC2154,SC2016

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	CONTRIB=$TOP/contrib
	own_place
	mkdir bin
	ln -s "$OCSPFETCH" bin/ocspfetch
	PATH=$PWD/bin:$PATH
}
teardown() { end_place; }

# ---- systemd ----

# The units, with this program, under names that systemd accepts.
units() {
	command -v systemd-analyze || skip "no systemd here"
	cp "$CONTRIB"/systemd/* .
	sed -i "s,^ExecStart=ocspfetch ,ExecStart=$OCSPFETCH ," ./*.service
	cp ocspfetch@.service ocspfetch@etc-tls-site.pem.service
	cp ocspfetch@.timer ocspfetch@etc-tls-site.pem.timer
}

@test "systemd accepts the services and the timers" {
	local unit
	units
	for unit in ocspfetch{,@etc-tls-site.pem}.{service,timer}; do
		run systemd-analyze verify --man=no "./$unit"
		echo "$unit: $output"
		[ "$status" -eq 0 ]
		run ! grep -F ocspfetch <<<"$output"
	done
}

@test "systemd rates the exposure of the services at 1.5 or less" {
	local unit
	units
	systemd-analyze --help | grep -q security || skip "it does not rate"
	for unit in ocspfetch{,@etc-tls-site.pem}.service; do
		run systemd-analyze security --offline=true --threshold=15 \
			"./$unit"
		echo "${output##*$'\n'}"
		[ "$status" -eq 0 ]
	done
}

@test "the timers are hourly, at a moment of their own, and miss nothing" {
	local timer line
	for timer in "$CONTRIB"/systemd/*.timer; do
		for line in OnCalendar=hourly RandomizedDelaySec=50min \
			Persistent=true WantedBy=timers.target; do
			grep -qx "$line" "$timer"
		done
	done
}

@test "the template is hardened as the service is" {
	sed -n '/^TimeoutStartSec/,$p' "$CONTRIB/systemd/ocspfetch.service" >one
	sed -n '/^TimeoutStartSec/,$p' "$CONTRIB/systemd/ocspfetch@.service" |
		sed 's/ocspfetch@INSTANCE/ocspfetch/' >many
	[ -s one ]
	diff one many
}

@test "the service does nothing, and does not fail, before it is told what to do" {
	local condition
	condition=$(sed -n "s,^ExecCondition=+/bin/sh -c '\(.*\)'$,\1,p" \
		"$CONTRIB/systemd/ocspfetch.service" | sed 's,\$\$,$,g')
	[ -n "$condition" ]
	# the file as it is installed
	run -1 env -i sh -c ". '$CONTRIB/default/ocspfetch'; export \
		OCSPFETCH_CERTIFICATES; sh -c '$condition'"
	run -0 env -i OCSPFETCH_CERTIFICATES="a b" sh -c "$condition"
}

@test "a service whose run changed a file succeeds, and no other code is mapped" {
	local unit
	for unit in "$CONTRIB"/systemd/*.service; do
		[ "$(grep -c 'ExitStatus=' "$unit")" -eq 1 ]
		grep -qx SuccessExitStatus=10 "$unit"
	done
	leaf site "good.$MINE"
	fetch --exit-changed site.pem
	exits 10
}

# In a command of the unit, systemd puts the words of a variable.
@test "the options of the units and of the defaults are ones, and the same" {
	local unit
	# shellcheck source=/dev/null
	. "$CONTRIB/default/ocspfetch"
	for unit in "$CONTRIB"/systemd/*.service; do
		grep -qxF "Environment=\"OCSPFETCH_OPTIONS=$OCSPFETCH_OPTIONS\"" \
			"$unit"
	done
	leaf site "good.$MINE"
	read -ra words <<<"$OCSPFETCH_OPTIONS"
	fetch "${words[@]}" -- site.pem
	exits 0
	silent
	good_file
}

# ---- cron ----

# hourly CERTIFICATES OPTIONS [LINE]: what cron does of it once an hour.
hourly() {
	command -v run-parts || skip "no run-parts here"
	mkdir -p hourly
	# a machine that systemd runs is no less one to test on
	sed "s,/run/systemd/system,${SYSTEMD-/nowhere}," \
		"$CONTRIB/cron/ocspfetch" >hourly/ocspfetch
	chmod 755 hourly/ocspfetch
	printf 'OCSPFETCH_CERTIFICATES="%s"\nOCSPFETCH_OPTIONS="%s"\n%s\n' \
		"$1" "$2" "${3-}" >defaults
	run --separate-stderr env OCSPFETCH_DEFAULTS="$PWD/defaults" \
		run-parts hourly
}

@test "run-parts runs the script for cron.hourly by its name, silently" {
	leaf site "good.$MINE"
	hourly "$PWD/site.pem" --if-due
	exits 0
	silent
	good_file
	[ "$(asked)" -eq 1 ]
	# the next hour: not due
	hourly "$PWD/site.pem" --if-due
	exits 0
	silent
	[ "$(asked)" -eq 1 ]
}

@test "the script for cron says what failed, and fails" {
	leaf site "revoked.$MINE"
	hourly "$PWD/site.pem" --if-due
	[ "$status" -ne 0 ]
	says "site.pem: the certificate was revoked"
	says "return code 5"
}

@test "the script for cron does nothing before it is told what to do" {
	hourly "" --if-due
	exits 0
	silent
	# nor when the package has been removed
	leaf site "good.$MINE"
	rm bin/ocspfetch
	PATH=/usr/bin:/bin hourly "$PWD/site.pem" --if-due
	command -v ocspfetch || silent
}

@test "quotes in the defaults keep words whole for cron" {
	mkdir "a b"
	leaf "a b/site" "good.$MINE"
	hourly "'$PWD/a b/site.pem'" "--if-due -e 'echo changed >$PWD/c; true'"
	exits 0
	silent
	[ "$(cat c)" = changed ]
	[ -s "a b/site.pem.ocsp" ]
}

# What the comments of /etc/default/ocspfetch show, with paths of here.
examples() {
	sed -n 's/^#	//p' "$CONTRIB/default/ocspfetch" | sed "
		s,/etc/haproxy/certs,$PWD/certs,
		s,/etc/nginx/tls/site.pem,$PWD/site.pem,
		s,/etc/haproxy/crt.list,$PWD/crt.list,
		s,/run/haproxy/,$PWD/,
		s,systemctl reload nginx,echo >>$PWD/reloaded,"
}

@test "each example in the defaults does what it says" {
	local shown
	mapfile -t shown < <(examples)
	[ "${#shown[@]}" -eq 5 ]
	mkdir certs
	leaf certs/first "good.$MINE"
	leaf site "good.$MINE"
	leaf listed "good.$MINE"
	echo "$PWD/listed.pem" >crt.list
	eval "${shown[0]}"
	hourly "$OCSPFETCH_CERTIFICATES" "${shown[3]}"
	exits 0
	silent
	[ -s certs/first.pem.ocsp ]
	[ -s site.pem.ocsp ]
	[ "$(wc -l <reloaded)" -eq 1 ]
	eval "${shown[1]}"
	hourly "$OCSPFETCH_CERTIFICATES" "${shown[2]}"
	[ "$status" -ne 0 ]
	says "$PWD/admin.sock"
	says "return code 3"
	[ -s listed.pem.ocsp ]
}

@test "the hourly job does not look at OCSPFETCH_RELOAD, as the defaults say" {
	leaf site "good.$MINE"
	hourly "$PWD/site.pem" --if-due \
		"export OCSPFETCH_RELOAD='echo >>$PWD/reloaded'"
	exits 0
	silent
	[ -s site.pem.ocsp ]
	[ ! -e reloaded ]
}

@test "where systemd runs, the script for cron leaves the job to it" {
	leaf site "good.$MINE"
	SYSTEMD=$PWD hourly "$PWD/site.pem" --if-due
	exits 0
	silent
	[ ! -e site.pem.ocsp ]
}

@test "the line for cron.d is a job that the program takes" {
	local line
	line=$(grep -v '^#' "$CONTRIB/cron/crontab")
	[[ $line == "17 * * * * root ocspfetch "*" /etc/haproxy/certs" ]]
	read -ra words <<<"${line#*ocspfetch }"
	fetch "${words[@]:0:${#words[@]}-1}" --splay 0 gone
	exits 2
	says "--splay"
	fetch --if-due gone
	exits 2
	says "gone"
}

# ---- the hooks of ACME clients ----

# hook NAME VAR=VALUE... -- ARGUMENTS: as the client calls it.
hook() {
	local name=$1 vars=()
	shift
	while [ "$1" != -- ]; do
		vars+=("$1")
		shift
	done
	shift
	run --separate-stderr env OCSPFETCH_DEFAULTS=/nowhere \
		OCSPFETCH_WAIT="${WAIT:-30s}" OCSPFETCH_RELOAD="$RELOAD" \
		"${vars[@]}" "$CONTRIB/hooks/$name" "$@"
}

# What each client tells its hook of a new certificate; $RESPONSE is where
# the server will look for its response.
CLIENTS='certbot acme.sh lego lego5 dehydrated'
call() {
	RESPONSE=$PWD/chain.pem.ocsp
	RELOAD=${RELOAD-test -s $RESPONSE && echo >>$PWD/reloaded}
	case $1 in
	certbot)
		hook certbot RENEWED_LINEAGE="$PWD/live" \
			RENEWED_DOMAINS=www.example.com --
		;;
	acme.sh)
		hook acme.sh Le_Domain=www.example.com CERT_PATH=/nowhere \
			CERT_FULLCHAIN_PATH=/nowhere -- "$PWD/chain.pem"
		;;
	lego)
		hook lego LEGO_CERT_DOMAIN=www.example.com \
			LEGO_CERT_PATH="$PWD/chain.pem" --
		;;
	lego5)
		hook lego LEGO_HOOK_CERT_NAME=www.example.com \
			LEGO_HOOK_CERT_PATH="$PWD/chain.pem" --
		;;
	dehydrated)
		hook dehydrated -- deploy_cert www.example.com \
			"$PWD/site.key" "$PWD/site.pem" "$PWD/chain.pem" \
			"$PWD/ca.pem" 1700000000
		;;
	esac
}

# new_certificate BEHAVIOUR [forge options]: as a client leaves it, with its
# issuer in one file, which certbot's "live" leads to.
new_certificate() {
	leaf site "$@"
	cat site.pem "$PKI/ca.pem" >chain.pem
	rm -f reloaded chain.pem.ocsp site.pem.issuer
	[ "${client-}" != certbot ] || {
		mkdir -p live
		ln -sf ../chain.pem live/fullchain.pem
		rm -f live/fullchain.pem.ocsp
	}
}

# for_each_client COMMAND...
for_each_client() {
	local client RESPONSE RELOAD
	for client in $CLIENTS; do
		echo "$client:"
		unset RELOAD
		"$@"
	done
}

waits_then_reloads() {
	new_certificate "unauthorized-twice.$client$MINE"
	[ "$client" != certbot ] ||
		RELOAD="test -s $PWD/live/fullchain.pem.ocsp && echo >>$PWD/reloaded"
	call "$client"
	exits 0
	silent
	[ "$(wc -l <reloaded)" -eq 1 ]
}

@test "each hook waits for the response of a new certificate, then reloads" {
	for_each_client waits_then_reloads
}

does_not_reload() {
	new_certificate "revoked.$MINE"
	call "$client"
	exits 5
	says "chain.pem: the certificate was revoked" ||
		says "fullchain.pem: the certificate was revoked"
	says "hook: the server was not reloaded for "
	[ ! -e reloaded ]
	# one that the authority does not know in time
	new_certificate "unauthorized.$MINE" --from -600 --to 864000
	WAIT=1s call "$client"
	exits 1
	says "hook: the server was not reloaded for "
	[ ! -e reloaded ]
}

@test "no hook reloads the server for a certificate without its response" {
	for_each_client does_not_reload
}

needs_no_response() {
	new_certificate -
	RELOAD="echo >>$PWD/reloaded"
	call "$client"
	exits 0
	silent
	[ -e reloaded ]
}

@test "each hook reloads for a certificate that names no responder" {
	for_each_client needs_no_response
}

cannot_reload() {
	new_certificate "good.$MINE"
	RELOAD="exit 7"
	call "$client"
	exits 3
	says "hook: \"exit 7\" failed"
}

@test "each hook says that reloading failed, and fails" {
	for_each_client cannot_reload
}

@test "the hooks take the command to reload from the defaults, too" {
	new_certificate "good.$MINE"
	echo "OCSPFETCH_RELOAD='echo >>$PWD/reloaded'" >defaults
	run --separate-stderr env OCSPFETCH_DEFAULTS="$PWD/defaults" \
		LEGO_CERT_PATH="$PWD/chain.pem" "$CONTRIB/hooks/lego"
	exits 0
	silent
	[ -e reloaded ]
	# acme.sh's may be its second word
	rm reloaded
	run --separate-stderr env OCSPFETCH_DEFAULTS="$PWD/defaults" \
		"$CONTRIB/hooks/acme.sh" "$PWD/chain.pem" "echo >>$PWD/other"
	exits 0
	[ -e other ]
	[ ! -e reloaded ]
}

@test "lego's hook finds the issuer that --no-bundle leaves beside" {
	leaf site "good.$MINE"
	mv site.pem site.crt
	mv site.pem.issuer site.issuer.crt
	RELOAD=
	hook lego LEGO_CERT_PATH="$PWD/site.crt" --
	exits 0
	[ -s site.crt.ocsp ]
}

@test "dehydrated's hook lets all other calls pass, and asks nobody" {
	local word
	new_certificate "good.$MINE"
	RELOAD="echo >>$PWD/reloaded"
	for word in startup_hook exit_hook unchanged_cert sync_cert \
		deploy_challenge what_will_come; do
		hook dehydrated -- $word www.example.com a b "$PWD/chain.pem" c
		exits 0
		silent
	done
	[ ! -e reloaded ]
	[ "$(asked)" -eq 0 ]
}

@test "dehydrated's deploy_ocsp reloads once for a new response" {
	new_certificate "good.$MINE"
	mv chain.pem fullchain.pem
	RELOAD="echo >>$PWD/reloaded"
	for _ in 1 2; do
		hook dehydrated -- deploy_ocsp www.example.com \
			"$PWD/ocsp.der" 1700000000
		exits 0
		silent
	done
	[ "$(wc -l <reloaded)" -eq 1 ]
	[ -s fullchain.pem.ocsp ]
}

# ---- pages, logs, packages ----

# Each command that a page shows, with other certificates, which are not there.
@test "the commands that the pages on moving here show are ones" {
	local page line n=0
	for page in "$CONTRIB"/migration/*.md "$CONTRIB/README.md"; do
		while read -r line; do
			# without cron's and without what is to be called
			line=${line#*ocspfetch }
			line=${line/--splay 10m /}
			case $line in
			*/*pem | */certs | */crt.list | */ocspfetch.list)
				line="${line% *} gone"
				;;
			esac
			[[ $line == *gone ]]
			eval "fetch $line"
			echo "${page##*/}: $line: $stderr"
			exits 2
			says gone
			[[ $stderr != *--help* ]]
			n=$((n + 1))
		done < <(grep -E '^ +([~0-9]+ [^ ]+ \* \* \* ([a-z-]+ )?)?(/usr/local/bin/)?ocspfetch ' \
			"$page")
	done
	[ "$n" -ge 8 ]
}

@test "each page on moving here is one screen, and has options and exit codes" {
	local page
	for page in "$CONTRIB"/migration/*.md; do
		[ "$(wc -l <"$page")" -le 50 ]
		grep -q 'exit status\|Exit status\|ocsp-updates' "$page"
	done
}

# The options that the pages name are all in the manual.
@test "no page names an option that the manual does not have" {
	local option
	grep -ho -- '`--[a-z-]*' "$CONTRIB"/migration/*.md | tr -d '`' | sort -u \
		>named
	# those of the programs that are left
	grep -vx -e --cert -e --VAfile -e --noverify -e --partial-chain \
		-e --good-only -e --socket -e --skip-update -e --ocsp-url \
		-e --ocsp-host -e --ocsp-proxy -e --syslog -e --debug named >ours
	[ -s ours ]
	while read -r option; do
		echo "$option"
		grep -q -- "Fl \\\\-${option#--}" "$TOP/man/ocspfetch.1"
	done <ours
}

# log LINE...: what logcheck would show of these.
log() {
	printf 'Nov 25 09:17:01 host %s\n' "$@" |
		grep -vEf "$CONTRIB/logcheck/ocspfetch" || true
}

@test "logcheck does not show what is well, and shows what is not" {
	local wrong
	[ -z "$(log \
		'ocspfetch[12]: /etc/tls/site.pem: a new response was written; /etc/tls/site.pem.ocsp is good until 2026-11-28 03:55:16 UTC' \
		'ocspfetch[12]: site.pem: no alarm: http://ocsp.example.com: HTTP 503; site.pem.ocsp is good until 2026-11-28' \
		"systemd[1]: ocspfetch.service: Skipped due to 'exec-condition'." \
		"systemd[1]: ocspfetch@etc-tls-site.pem.service: Skipped due to 'exec-condition'.")" ]
	for wrong in 'ocspfetch[12]: site.pem: the certificate was revoked' \
		'ocspfetch[12]: site.pem: HTTP 503 no: no alarm: really' \
		'ocspfetch[12]: ocspfetch: site.pem: cannot write' \
		'systemd[1]: ocspfetch.service: Failed with result exit-code.'; do
		[ -n "$(log "$wrong")" ]
	done
}

@test "make html makes a page of the manual, in one file" {
	command -v mandoc || skip "no mandoc here"
	make -s -C "$TOP" O="$PWD" html
	grep -q '<h1 class="Sh" id="SERVERS">' html/ocspfetch.1.html
	grep -q '^body {' html/ocspfetch.1.html
	[ "$(grep -c '</style>' html/ocspfetch.1.html)" -eq 1 ]
	run ! grep -E '<link|<script|@import' html/ocspfetch.1.html
}

@test "make uninstall takes away all that make install put there" {
	make -s -C "$TOP" BIN="$OCSPFETCH" OBJ= O="$PWD/none" \
		-o "$OCSPFETCH" DESTDIR="$PWD/d" install
	[ -x d/usr/local/bin/ocspfetch ]
	[ -s d/usr/local/share/man/man1/ocspfetch.1 ]
	make -s -C "$TOP" DESTDIR="$PWD/d" uninstall
	[ -z "$(find d -type f)" ]
}

@test "make help names each target that is for people" {
	local target
	make -s -C "$TOP" help >targets
	for target in install uninstall demo check asan bench lint format html \
		dist dist-check deb-check clean; do
		grep -q "^make $target " targets
	done
}

# ---- a release ----

# listed N WORD: the files of CONTRIBUTING's list that have something in its Nth
# column (2 version, 3 date, 4 home).
listed() {
	awk -F '|' -v n="$1" '
	/^## Making a release/ { on = 1; next }
	/^## / { on = 0 }
	on && /^\| `/ && $(n + 1) !~ /^ *$/ { gsub(/[ `]/, "", $2); print $2 }' \
		"$TOP/CONTRIBUTING.md" | sort
}

# holding PATTERN: the files of the tree that have it, built ones aside.
holding() {
	(cd "$TOP" && grep -rIlE --exclude-dir=.git --exclude-dir=build \
		--exclude-dir=fuzz --exclude=CONTRIBUTING.md \
		--exclude=ship.bats -- "$1" . | sed 's,^\./,,' | sort)
}

version() {
	sed -n 's/^VERSION = //p' "$TOP/Makefile"
}

@test "what has the version is on CONTRIBUTING's list, and all have the same" {
	local version
	version=$(version)
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
	holding "(^|[^0-9.])${version//./\\.}([^0-9.]|\$)" >found
	listed 2 >list
	[ "$(wc -l <list)" -eq 5 ]
	diff list found
	grep -q "^$version (" "$TOP/CHANGELOG"
	[ "$(grep -m 1 '^[0-9]' "$TOP/CHANGELOG" | cut -d ' ' -f 1)" = "$version" ]
	grep -q "^ocspfetch ($version-" <(head -n 1 "$TOP/debian/changelog")
	grep -qx "Version: *$version" "$CONTRIB/rpm/ocspfetch.spec"
	grep -q "^\* .* - $version-1$" "$CONTRIB/rpm/ocspfetch.spec"
	grep -qx "pkgver=$version" "$CONTRIB/alpine/APKBUILD"
	"$OCSPFETCH" --version | grep -qw -- "${version//./\\.}"
}

# dates: each file of the list with the day that it gives, as 2026-11-25.
dates() {
	local day
	day=$(sed -n "s/^$(version) (\(.*\))$/\1/p" "$TOP/CHANGELOG")
	echo "CHANGELOG $day"
	day=$(sed -n 's/^\.Dd //p' "$TOP/man/ocspfetch.1")
	echo "man/ocspfetch.1 $(date -d "$day" +%F)"
	day=$(sed -n 's/^\* [A-Z][a-z]* \([A-Z].* [0-9]* 20[0-9]*\) .*/\1/p' \
		"$CONTRIB/rpm/ocspfetch.spec" | head -n 1)
	echo "contrib/rpm/ocspfetch.spec $(date -d "$day" +%F)"
	day=$(sed -n 's/^ -- .*>  [A-Z][a-z]*, //p' "$TOP/debian/changelog" |
		head -n 1)
	echo "debian/changelog $(date -u -d "$day" +%F)"
	echo "Makefile $(sed -n 's/^RELEASED = //p' "$TOP/Makefile")"
}

@test "what has the date of a release is on the list, and all have the same" {
	local day
	date -d "November 25, 2026" || skip "needs GNU date"
	dates >found
	cat found
	diff <(listed 3) <(cut -d ' ' -f 1 found | sort)
	day=$(sed -n 's/^CHANGELOG //p' found)
	if [ "$day" = "not yet released" ]; then
		head -n 1 "$TOP/debian/changelog" | grep -q ' UNRELEASED;'
		return
	fi
	[ "$(cut -d ' ' -f 2 found | sort -u)" = "$day" ]
	head -n 1 "$TOP/debian/changelog" | grep -q ' unstable;'
	# what is released is not spoken of as if it was not
	run ! grep -iE 'not yet released|unreleased' "$TOP/CHANGELOG" \
		"$TOP/debian/changelog"
}

@test "what demands a home has one placeholder, and is on the list" {
	diff <(listed 4) <(holding 'no-home-yet\.invalid')
	# nobody's real or reserved name stands for our own
	run ! grep -nE '@example\.|(url|URL|Homepage|Source0?)[:=].*example' \
		"$TOP"/debian/c* "$CONTRIB/alpine/APKBUILD" \
		"$CONTRIB/rpm/ocspfetch.spec"
}
