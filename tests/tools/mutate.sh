#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Are the tests of the verifier worth anything?  Each comparison in ocsp.c and ocsp/
# that has a part in the verification is turned into its opposite, and each bound
# moved by one, one at a time; it is built anew, and one of its unit tests has to
# fail.  In policy.c, the decisions, each "and" is made an "or" besides, and vice
# versa.
#
#	tests/tools/mutate.sh [TARGET [first [last]]]
#
# TARGET is "ocsp", the verification (which it is if it is left out), or a file,
# such as ocsp/times.c or store/store.c, from its first line to its last.  Its
# unit tests are asked, though some of what these leave is for the bats suites to
# find.
#
# Works on a copy.  The exit status is 0 only if each mutant was caught, but for
# those that EQUIVALENT lists: they change nothing that anybody could see.
#
#	CC       the compiler (cc)
set -u

# The source line without its indentation, the mutation, and then the reason.
EQUIVALENT='
for (a = is->anchors; a < is->anchors + SPELLINGS; a++) { | < to >= | nothing is freed, which only LeakSanitizer sees
if (is->len == a->issuer_len && | == to != | each issuer is decoded anew, which only the gate sees
(n = i2d_OCSP_REQUEST(t->req, &t->der)) <= 0) | <= to < | no DER is empty
if (n > 0) { | > to >= | no DER is empty
if (to != NULL && len > 0) | > to >= | no bytes are copied
(X509_NAME_get0_der(X509_get_subject_name(x), &own, &len) == 1 && | == to != | then the one spelling has two anchors that are the same
same = len > 0 && (size_t)len == j->len && | > to >= | no DER is empty
for (i = 0; i < OCSP_BASICRESP_get_ext_count(j->basic); i++) | < to <= | no extension is not critical
for (i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++) | < to <= | no extension is not critical
if (v->produced_at > latest) | > to >= | where both are the same, so is the result
return a->this_update > b->this_update; | > to >= | they are not the same here
return a > b ? a : b; | > to >= | the same either way
return a < b ? a : b; | < to <= | the same either way
for (i = 0; i < 14; i++) | < to >= | OpenSSL reads only digits, too, on which we do not rely
while (*len < max) { | < to <= | no bytes are read then, which is the end
if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0) | >= to > | no name is printed in no bytes
for (i = 0; i < n; i++) | < to <= | the byte after the last is written next
to[n > 0 ? n : 0] = '"'\\0'"'; | > to >= | zero either way
'

cd "$(dirname "$0")/../.." || exit 2
target=${1:-ocsp}
case $target in
ocsp) files=$(echo ocsp.c ocsp/*.c) ;;
*) files=$target ;;
esac
case $target in
ocsp/cryptocheck.c | http/proxy.c) tests=test_$(basename "$target" .c) ;;
ocsp | ocsp.c | ocsp/*) tests='test_ocsp test_cryptocheck test_matrix test_faults test_judge' ;;
http.c | http/*) tests='test_http test_faults' ;;
store/dir.c | store/failure.c | store/lockfile.c | store/marker.c | \
	store/store.c | store/tempfile.c) tests='test_store test_faults' ;;
*) tests=test_$(basename "$target" .c) ;;
esac
# shellcheck disable=SC2086
if ! ls $files >/dev/null 2>&1 || ! test -e "tests/unit/${tests%% *}.c"; then
	echo "mutate: no $target here, or no unit test of it" >&2
	exit 2
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$work/tree"
# shellcheck disable=SC2046
cp -R Makefile ./*.[ch] tests $(sed -n "s/^FOLDERS = //p" Makefile) "$work/tree" || exit 2
# In the meantime they may be edited.
cp -R "$work/tree" "$work/original" || exit 2
TMPDIR=$work
export TMPDIR
# One failure is enough.
CMOCKA_TEST_ABORT=1
export CMOCKA_TEST_ABORT
unset CMOCKA_MESSAGE_OUTPUT
# shellcheck disable=SC3045
ulimit -c 0 2>/dev/null

# File, line, column, old and new operator of every mutant.
list() {
	# shellcheck disable=SC2086
	(cd "$work/original" && awk -v TARGET="$target" '
	function opposite(op) {
		return op == "&&" ? "||" : op == "||" ? "&&" : \
		    op == "==" ? "!=" : op == "!=" ? "==" : \
		    op == "<" ? ">=" : op == ">=" ? "<" : \
		    op == ">" ? "<=" : ">"
	}
	function moved(op) {
		return op == "<" ? "<=" : op == "<=" ? "<" : \
		    op == ">" ? ">=" : op == ">=" ? ">" : ""
	}
	FNR == 1 { on = 1 }
	# how a request is sent, and what things are called
	TARGET == "ocsp" && /^ocsp_(certid|reason_name)\(/ { on = 0 }
	!on || /^#/ { next }
	{
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			two = substr($0, i, 2)
			if (comment) {
				if (two == "*/") { comment = 0; i++ }
				continue
			}
			if (two == "/*") { comment = 1; i++; continue }
			if (c == "\"" || c == "\047") {
				for (i++; substr($0, i, 1) != c; i++)
					if (substr($0, i, 1) == "\\") i++
				continue
			}
			if (two == "->" || two == "<<" || two == ">>") {
				i++
				continue
			}
			op = ""
			if (two ~ /^[=!<>]=$/) op = two
			else if (FILENAME == "job/policy.c" && \
			    (two == "&&" || two == "||")) op = two
			else if (c == "<" || c == ">") op = c
			if (op == "") continue
			at = FILENAME " " FNR " " i " " op
			print at, opposite(op)
			if (moved(op) != "") print at, moved(op)
			i += length(op) - 1
		}
	}' $files)
}

# mutant FILE LINE COLUMN OLD NEW
mutant() {
	awk -v line="$2" -v col="$3" -v old="$4" -v new="$5" '
	NR == line {
		$0 = substr($0, 1, col - 1) new substr($0, col + length(old))
	}
	{ print }' "$work/original/$1" >"$work/tree/$1"
}

build() {
	# shellcheck disable=SC2046,SC2086
	make -s -C "$work/tree" O=build CFLAGS=-O0 FORTIFY= ${CC:+CC="$CC"} \
	    $(printf 'build/%s ' $tests) >"$work/log" 2>&1
}

# The cheap one first.
tests_pass() {
	for t in $tests; do
		# who waits for HTTP has blocked the gentler signals
		timeout -s KILL 60 "$work/tree/build/$t" >"$work/log" 2>&1 || return 1
	done
}

is_equivalent() {
	printf '%s\n' "$EQUIVALENT" | grep -qF "$1"
}

# Read whole before it begins: it takes long enough to be edited meanwhile.
main() {
	if ! build || ! tests_pass; then
		cat "$work/log"
		echo "mutate: the tests fail without any mutation" >&2
		exit 2
	fi

	list >"$work/list"
	test -s "$work/list" || { echo "mutate: nothing found to mutate" >&2; exit 2; }
	from=${2:-1}
	to=${3:-$(wc -l <"$work/list")}
	n=0
	caught=0
	equivalent=0
	survived=0
	while read -r file line col old new; do
		n=$((n + 1))
		if test "$n" -lt "$from" || test "$n" -gt "$to"; then
			continue
		fi
		text=$(sed -n "${line}s/^[[:space:]]*//p" "$work/original/$file")
		what="$text | $old to $new |"
		mutant "$file" "$line" "$col" "$old" "$new"
		if ! build; then
			echo "$n: $file:$line:$col: $old to $new: does not build" >&2
			cat "$work/log" >&2
			exit 2
		fi
		if ! tests_pass; then
			caught=$((caught + 1))
		elif is_equivalent "$what"; then
			equivalent=$((equivalent + 1))
		else
			survived=$((survived + 1))
			echo "survived ($n): $file:$line:$col: $old to $new: $text"
		fi
		cp "$work/original/$file" "$work/tree/$file"
	done <"$work/list"
	echo "$caught caught, $equivalent equivalent, $survived survived"
	test "$survived" -eq 0 && test $((caught + equivalent)) -gt 0
}

main "$@"; exit
