#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# http.c and http/ against the libcurl of other days: this machine has only one, so
# its header says that it is another, and what that one lacks may not be named.
#
# shellcheck disable=SC2154

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_DIRNAME/../.." || return
	# shellcheck disable=SC2016
	flags=$(make -s --eval \
	    'flags:; @: $(info $(OWN_CPPFLAGS) $(DEPS_CFLAGS) $(WARNINGS))' flags)
	[[ $flags == *-Wconversion* ]]
}

# compiles VERSION NAME...: http.c and http/, where these names are not known.
compiles() {
	local version=$1 cc f
	shift
	mkdir -p "$BATS_TEST_TMPDIR/curl"
	cat >"$BATS_TEST_TMPDIR/curl/curl.h" <<-END
	#define CURL_DISABLE_DEPRECATION
	#include_next <curl/curl.h>
	#undef LIBCURL_VERSION_NUM
	#define LIBCURL_VERSION_NUM $version
	$(test $# -eq 0 || echo "#pragma GCC poison $*")
	END
	for f in http.c http/*.c; do
		rm -f "$BATS_TEST_TMPDIR/http.o"
		for cc in gcc clang; do
			command -v "$cc" >/dev/null || continue
			echo "$cc $f"
			run -0 eval "$cc -iquote . -std=c11 -O2 -Werror \
			    -isystem '$BATS_TEST_TMPDIR' $flags \
			    -c -o '$BATS_TEST_TMPDIR/http.o' $f"
			[ -z "$output" ]
		done
		[ -e "$BATS_TEST_TMPDIR/http.o" ]
	done
}

@test "http.c needs nothing that libcurl 7.76 does not have" {
	compiles 0x074c00 CURLOPT_PROTOCOLS_STR CURLOPT_REDIR_PROTOCOLS_STR \
	    CURLOPT_QUICK_EXIT CURLINFO_USED_PROXY curl_ws_recv \
	    curl_easy_header curl_url_strerror CURLOPT_MIME_OPTIONS \
	    CURLOPT_PREREQFUNCTION CURL_PREREQFUNC_OK CURLE_TOO_LARGE
}

@test "http.c needs nothing that libcurl 7.85 does not have" {
	compiles 0x075500 CURLOPT_PROTOCOLS CURLOPT_REDIR_PROTOCOLS \
	    CURLOPT_QUICK_EXIT CURLINFO_USED_PROXY
}

@test "http.c is as clean against libcurl 8.7" {
	local known
	known=$(printf '#include <curl/curl.h>\nLIBCURL_VERSION_NUM' |
	    cc -E -P - | tail -1)
	if [ $((known)) -ge $((0x080700)) ]; then
		compiles 0x080700 CURLOPT_PROTOCOLS CURLOPT_REDIR_PROTOCOLS
		return
	fi
	# of what is used, the two things that are newer
	flags="$flags '-DCURLINFO_USED_PROXY=((CURLINFO)(CURLINFO_LONG+66))'"
	flags="$flags '-DCURLE_TOO_LARGE=((CURLcode)100)'"
	compiles 0x080700 CURLOPT_PROTOCOLS CURLOPT_REDIR_PROTOCOLS
}
