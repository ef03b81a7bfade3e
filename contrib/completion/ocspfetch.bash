# SPDX-License-Identifier: ISC
# Completion of ocspfetch(1) for bash: its options, their values, files.

_ocspfetch()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i options values

	COMPREPLY=()
	options='-4 --ipv4 -6 --ipv6 -a --max-age --allow-ca --allow-sha1 --assume-lifetime
		--cacert -c --check --certid-hash
	    --connect-timeout -d --if-due --deadline --del-ext -e --on-change
	    --exit-changed --fetch-issuer -f --force -H --header --haproxy -h
	    --help -i --issuer -j --json -l --list -m --min-valid --max-redirs --mode -N
	    --nonce -n --dry-run --no-warn --noproxy -o --output -P --parallel --progress
	    -r --retry --sandbox -S --served --skew --splay --starttls --syslog -t --timeout -u
	    --url -V --version -v --verbose -w --wait --write-revoked -X
	    --method -x --proxy'

	# "--method=get" comes in three words
	if [[ $cur == "=" ]]; then
		cur=
	elif [[ $prev == "=" ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		# after "--" all is a certificate
		[[ ${COMP_WORDS[i]} != -- ]] || return 0
	done

	case $prev in
	--certid-hash) values='sha1 sha256' ;;
	--no-warn) values='crt-list ends-soon hash issuer mode name no-next restart revoked seldom several signer size' ;;
	--sandbox) values='auto require off' ;;
	--starttls) values='smtp imap pop3 ftp ldap' ;;
	-X | --method) values='auto get post' ;;
	-e | --on-change)
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		return 0
		;;
	-S | --served)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
		compopt +o default
		return 0
		;;
	--cacert | --haproxy | -i | --issuer | -l | --list | -o | --output)
		# files, which is the default
		return 0
		;;
	-a | --max-age | --assume-lifetime | --connect-timeout | --deadline | -H | --header | \
		-m | --min-valid | --max-redirs | --mode | --noproxy | -P | \
		--parallel | -r | --retry | --skew | --splay | -t | --timeout | -u | \
		--url | -w | --wait | -x | --proxy)
		compopt +o default
		return 0
		;;
	*)
		[[ $cur == -* ]] || return 0
		values=$options
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
	compopt +o default
} &&
	complete -o default -F _ocspfetch ocspfetch
