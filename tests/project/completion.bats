#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The completions, loaded by the very shells: they offer the options of the
# manual and no others, the words of a choice, and files for certificates.
# That the program takes just the options of the manual: options.bats.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup() {
	COMPLETION=$TOP/contrib/completion
	export COMPLETION
	mkdir "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || exit
	mkdir certs
	touch site.pem site.pem.issuer other.crt
}

needs() {
	command -v "$1" >/dev/null || skip "there is no $1"
}

# Each option of the manual, short and long, a line each.
known() {
	awk '/^\.Bl/ && !begun { begun = 1; next }
	/^\.El/ { exit }
	/^\.It Fl/ {
		long = $0
		sub(/.*Fl \\-/, "", long)
		sub(/ .*/, "", long)
		if ($3 !~ /^\\-/)
			print "-" $3
		print "--" long
	}' "$MAN" | LC_ALL=C sort
}

# offers SHELL LINE: what is offered at its end, a word on each line.
offers() {
	"in_$1" "$2" | LC_ALL=C sort -u
}

# What bash does when somebody presses the key twice.
in_bash() {
	# shellcheck disable=SC2016
	bash --norc --noprofile -c '
	. "$COMPLETION/ocspfetch.bash"
	compopt() { [ "$*" != "+o default" ] || default=; }
	read -ra COMP_WORDS <<<"$1"
	[ "${1% }" = "$1" ] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	spec=$(complete -p ocspfetch)
	[[ $spec == *"-o default"* ]] && default=yes
	[[ $spec =~ "-F "([^ ]+) ]] || exit
	"${BASH_REMATCH[1]}"
	if [ "${#COMPREPLY[@]}" -gt 0 ]; then
		printf "%s\n" "${COMPREPLY[@]}"
	elif [ -n "$default" ]; then
		compgen -f -- "${COMP_WORDS[COMP_CWORD]}" || true
	fi' - "$1"
}

# In a terminal of its own: what is handed to compadd is what is offered.
in_zsh() {
	# shellcheck disable=SC2016
	timeout 30 zsh -f -c '
	zmodload zsh/zpty
	zpty z zsh -f -i
	zpty -w z "source $2"
	zpty -r -m z seen "*READY*"
	zpty -n -w z "$1"$'"'\\t'"'
	while zpty -r z seen; do print -r -- "$seen"; done' \
	    - "$1" "$BATS_TEST_TMPDIR/zshrc" </dev/null |
	    tr -d '\r' | sed -n '/^<<$/,/^>>$/p' | grep '^[^<>]'
}

zshrc() {
	cat >"$BATS_TEST_TMPDIR/zshrc" <<-'END'
	PROMPT= RPROMPT=
	fpath=($COMPLETION $fpath)
	autoload -Uz compinit && compinit -D -u
	bindkey '^I' complete-word
	zstyle ':completion:*' insert-tab false
	zstyle ':completion:*' list-separator ''
	opens() { print "\n<<" }
	closes() { print ">>"; exit }
	compprefuncs=(opens)
	comppostfuncs=(closes)
	compadd() {
		if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
			builtin compadd "$@"
			return
		fi
		typeset -a hits
		builtin compadd -A hits "$@"
		[[ $#hits -eq 0 ]] || print -rl -- $hits
	}
	print READY
	END
}

in_fish() {
	# shellcheck disable=SC2016
	timeout 30 fish --no-config -c '
	set -e fish_complete_path
	source $COMPLETION/ocspfetch.fish
	complete -C "$argv[1]"' -- "$1" | cut -f 1
}

# completes SHELL: all that it is for.
completes() {
	{
		offers "$1" "ocspfetch -"
		offers "$1" "ocspfetch --"
	} | LC_ALL=C sort -u >offered
	known | diff - offered
	[ "$(offers "$1" "ocspfetch --method " | xargs)" = "auto get post" ]
	[ "$(offers "$1" "ocspfetch --certid-hash " | xargs)" = "sha1 sha256" ]
	[ "$(offers "$1" "ocspfetch --starttls " | xargs)" = \
	    "ftp imap ldap pop3 smtp" ]
	[ "$(offers "$1" "ocspfetch --min-v" | xargs)" = --min-valid ]
	[ "$(offers "$1" "ocspfetch -d si" | xargs)" = "site.pem site.pem.issuer" ]
	[ "$(offers "$1" "ocspfetch -i site.pem.issuer oth" | xargs)" = other.crt ]
	[ "$(offers "$1" "ocspfetch --issuer oth" | xargs)" = other.crt ]
	[ -z "$(offers "$1" "ocspfetch --timeout oth")" ]
}

@test "bash offers the options of the manual, choices and files" {
	needs bash
	completes bash
	[ "$(offers bash "ocspfetch -- -" | xargs)" = "" ]
	[ "$(offers bash "ocspfetch --method = p" | xargs)" = post ]
}

@test "zsh offers the options of the manual, choices and files" {
	needs zsh
	zshrc
	completes zsh
}

@test "fish offers the options of the manual, choices and files" {
	needs fish
	completes fish
}

@test "bash finds it where make install puts it" {
	needs bash
	local dest=$BATS_TEST_TMPDIR/root
	make -s -C "$TOP" install-completion DESTDIR="$dest" \
	    PREFIX=/usr
	# shellcheck disable=SC2016
	run bash --norc --noprofile -c '
	. "$1/usr/share/bash-completion/completions/ocspfetch"
	complete -p ocspfetch' - "$dest"
	[ "$status" -eq 0 ]
	[ -s "$dest/usr/share/zsh/site-functions/_ocspfetch" ]
	[ -s "$dest/usr/share/fish/vendor_completions.d/ocspfetch.fish" ]
}
