# SPDX-License-Identifier: ISC
# What tests/setup.sh, elsewhere.sh and real-cas.sh share: programs of another
# release of Debian.  To be sourced.
# shellcheck shell=sh

# The mirror that apt uses here.
mirror() {
	# shellcheck source=/dev/null
	here=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(CODENAME) $(REPO_URI)' \
	    'Created-By: Packages' 2>/dev/null |
	    awk -v here="$here" '$1 == here { print $2; exit }'
}

# Outside of the tree, so that the next run finds it.
release_cache=${OCSPFETCH_CACHE:-/var/cache/ocspfetch-tests}

# released SUITE PROGRAM: where it is, or would be.  Its directory is for PATH.
released() {
	echo "$release_cache/$1/bin/$2"
}

# release_lacks SUITE PROGRAM: why it cannot be made here; nothing: it can.
release_lacks() {
	if test "$(id -u)" -ne 0; then
		echo 'that takes root'
	elif ! command -v debootstrap >/dev/null; then
		echo 'there is no debootstrap'
	elif test -z "$(mirror)"; then
		echo 'apt names no mirror of Debian'
	fi
}

# make_release SUITE PROGRAM PACKAGE: unpacked, but not set up: its loader and
# libraries run it from where they are, without a chroot or a mount.
make_release() {
	place=$release_cache/$1
	test ! -x "$(released "$1" "$2")" || return 0
	rm -rf --one-file-system "$place.new"
	mkdir -p "$place.new/bin" || return 1
	debootstrap --foreign --variant=minbase --include="$3" "$1" \
	    "$place.new/root" "$(mirror)" </dev/null || return 1
	for deb in "$place.new/root/var/cache/apt/archives"/*.deb; do
		# of the rest its scripts would have to be run
		case ${deb##*/} in
		"$3"_* | lib*) dpkg-deb -x "$deb" "$place.new/root" || return 1 ;;
		esac
	done
	rm -rf "$place.new/root/var/cache" "$place.new/root/var/lib/apt" \
	    "$place.new/root/usr/share"
	cat >"$place.new/bin/$2" <<-END
	#!/bin/sh
	# Of ocspfetch's tests/tools/release.sh: $2 of Debian $1.
	root=$place/root
	for loader in "\$root"/usr/lib*/ld-linux*.so.*; do break; done
	for ssl in "\$root"/usr/lib/*/libssl.so.3; do break; done
	exec "\$loader" --argv0 "\$0" --library-path "\${ssl%/*}" \\
	    "\$root/usr/sbin/$2" "\$@"
	END
	chmod 755 "$place.new/bin/$2"
	rm -rf --one-file-system "$place"
	mv "$place.new" "$place" && "$place/bin/$2" -v
}

# ---- chroots, in a mount namespace of the caller's own ----

# within ROOT COMMAND...
within() {
	root=$1
	shift
	env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive \
	    ${http_proxy:+http_proxy="$http_proxy"} chroot "$root" "$@"
}

# mount_system ROOT: what programs want to find.
mount_system() {
	mount -t proc proc "$1/proc" &&
	    mount --rbind /sys "$1/sys" &&
	    mount --rbind /dev "$1/dev" &&
	    cp /etc/hosts "$1/etc/hosts"
}

# starts_nothing ROOT: no package starts its server there.
starts_nothing() {
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
}
