# shellcheck shell=bash
# The Debian packages of a commit, for one suite, built in a clean chroot of that
# suite. To be sourced after trees.sh.
#
# $build has the chroot and Unbound's source, which are kept between runs and made
# anew when what they are made from has changed.
# DEBFULLNAME and DEBEMAIL name who answers for packages that are handed on.
: "${top:?tests/prepare is sourced first}" "${build:?}"

# build_packages SUITE OUTDIR COMMIT: leaves in OUTDIR the packages and their
# .buildinfo, those with debugging symbols in OUTDIR/debug and the source package in
# OUTDIR/source. The chroot is there (package_chroot).
build_packages() {
	local suite=$1 out=$2 commit=$3 work=$build/packages-$1
	package_sources "$suite" "$commit" "$work"
	mkdir -p "$out/debug" "$out/source"
	logged "packages-$suite" "building packages for $suite from ${commit:0:12}" \
		in_chroot "$build/chroot-$suite" "$work" build_inside "$(commit_time "$commit")"
	collect_packages "$work/build" "$out"
}

# The commit that is checked out or, where files differ from it, one that is made of
# them and belongs to no branch.
tree_commit() {
	local commit=''
	git -C "$top" rev-parse --git-dir >/dev/null 2>&1 ||
		fail "packages are built from a git repository, which $top is not"
	if [ -n "$(git -C "$top" status --porcelain)" ]; then
		commit=$(git -C "$top" stash create)
		say "the work tree differs from its commit: packages are of the tree (new files only after git add)" >&2
	fi
	printf '%s\n' "${commit:-HEAD}"
}

# A tree that is not committed has the time of the commit it came from.
commit_time() {
	local commit=$1
	! git -C "$top" rev-parse --verify --quiet "$1^2" >/dev/null ||
		[[ $(git -C "$top" log -1 --format=%s "$1") != 'WIP on '* ]] || commit=$1^
	git -C "$top" log -1 --format=%ct "$commit"
}

# --- what is built -----------------------------------------------------------

# package_version SUITE COMMIT: later commits and later releases of Debian sort later.
package_version() {
	local number release
	number=$(sed -n 's/^AC_INIT(\[parallax\], \[\(.*\)\])$/\1/p' "$top/configure.ac")
	case $1 in
	bookworm) release=deb12 ;;
	trixie) release=deb13 ;;
	forky) release=deb14 ;;
	*) release=$1 ;;
	esac
	printf '%s+%s.g%s~%s' "$number" "$(date -u -d "@$(commit_time "$2")" +%Y%m%d.%H%M%S)" \
		"${2:0:8}" "$release"
}

# package_sources SUITE COMMIT WORK: the source package's folder, WORK/build/parallax.
package_sources() {
	local suite=$1 commit=$2 work=$3 tree=$3/build/parallax line
	rm -rf "$work"
	mkdir -p "$tree"
	unbound_source
	git -C "$top" archive "$commit" | tar -x -C "$tree"
	mv "$tree/appliance/debian" "$tree/debian"
	cp -R "$build/unbound/src" "$tree/unbound-src"
	rm -rf "$tree/unbound-src/.pc"
	unbound_copyright "$tree/unbound-src" >"$tree/debian/copyright.unbound"
	write_changelog "$suite" "$commit" >"$tree/debian/changelog"
	sed -i "s|^Maintainer: .*|Maintainer: $(package_maintainer)|" "$tree/debian/control"
	touch_all "$work/build" "$(commit_time "$commit")"
}

# The newest Unbound that the mirrors serve or, for a build from a lock file, the
# version in unbound_wanted. They are asked once an hour at most.
unbound_source() {
	local folder=$build/unbound line
	! unbound_is_current "$folder" || return 0
	"$top/unbound-module/get-unbound" --fetch-only ${unbound_wanted:+--version "$unbound_wanted"} \
		"$folder" | while IFS= read -r line; do
		say "$line"
	done
	touch "$folder/version"
}

unbound_is_current() {
	if [ -n "${unbound_wanted:-}" ]; then
		[ "$(cat "$1/version" 2>/dev/null)" = "$unbound_wanted" ]
	else
		[ -n "$(find "$1/version" -mmin -60 2>/dev/null)" ]
	fi
}

# Debian's account of it, where the source is Debian's.
unbound_copyright() {
	if [ -e "$1/debian/copyright" ]; then
		cat "$1/debian/copyright"
	else
		cat "$1/LICENSE"
	fi
}

package_maintainer() {
	printf '%s <%s>\n' "${DEBFULLNAME:-Parallax}" "${DEBEMAIL:-parallax@example.org}"
}

write_changelog() {
	cat <<-TEXT
		parallax ($(package_version "$1" "$2")) $1; urgency=medium

		  * Built from commit $2
		    with Unbound $(cat "$build/unbound/version").

		 -- $(package_maintainer)  $(LC_ALL=C date -u -R -d "@$(commit_time "$2")")
	TEXT
}

touch_all() { find "$1" -print0 | xargs -0 touch --no-dereference --date="@$2"; }

# --- the chroot --------------------------------------------------------------

# What debian/control asks for, what every build has, and what OCI images take data from.
build_packages_needed() {
	printf '%s
' build-essential ca-certificates ccache dns-root-data publicsuffix
	sed -n '/^Build-Depends:/,/^$/s/^ \([a-z0-9.+-]*\).*/\1/p' "$top/appliance/debian/control" |
		sed 's/^debhelper-compat$/debhelper/'
}

# package_chroot SUITE CHROOT: its packages are the role "build" of trees.sh.
package_chroot() {
	local chroot=$2 needed
	mapfile -t needed < <(build_packages_needed)
	tree_make build "$chroot" "${needed[@]}"
	grep -q ^builder: "$chroot/etc/passwd" ||
		echo builder:x:1000:1000::/tmp:/bin/sh >>"$chroot/etc/passwd"
}

# in_chroot CHROOT WORK FUNCTION ARGUMENT...: runs the function inside, with WORK/build
# as /build and no network. What it writes elsewhere is gone afterwards, but for what the
# compiler made of the same input before ($build/ccache); compile_anew=yes
# looks at none of that.
in_chroot() {
	local chroot=$1 work=$2 status=0
	shift 2
	mkdir -p "$work/upper" "$work/overlay" "$work/root" "$build/ccache"
	chown -R 1000:1000 "$work/build"
	chown 1000:1000 "$build/ccache"
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount --pid --fork --net --uts bash -euo pipefail -c '
		chroot=$1 work=$2 ccache=$3 anew=$4
		shift 4
		mount -t overlay overlay \
			-o "lowerdir=$chroot,upperdir=$work/upper,workdir=$work/overlay" "$work/root"
		cd "$work/root"
		mkdir -p build ccache
		mount --bind "$work/build" build
		mount --bind "$ccache" ccache
		mount -t proc proc proc
		mount -t tmpfs tmpfs dev
		for device in null zero full random urandom; do
			touch "dev/$device"
			mount --bind "/dev/$device" "dev/$device"
		done
		ln -s /proc/self/fd dev/fd
		mkdir dev/shm
		mount -t tmpfs -o mode=1777 tmpfs dev/shm
		ip link set lo up 2>/dev/null || true
		hostname builder
		exec chroot . env -i PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp \
			LC_ALL=C.UTF-8 CCACHE_DIR=/ccache CCACHE_MAXSIZE=500M ${anew:+CCACHE_RECACHE=1} \
			setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs "$@"
	' in-chroot "$chroot" "$work" "$build/ccache" "${compile_anew:-}" bash -euo pipefail -c "$(declare -f "$1"); \"\$@\"" inside "$@" || status=$?
	rm -rf "$work/upper" "$work/overlay" "$work/root"
	return "$status"
}

# Unit tests are ./check's, which has the commit before packages are made of it.
build_inside() {
	cd /build/parallax || exit
	umask 022
	SOURCE_DATE_EPOCH=$1 DEB_BUILD_OPTIONS="nocheck parallel=2" DEB_BUILD_PROFILES=nocheck \
		dpkg-buildpackage -us -uc -F
}

# packages_remove FOLDER: those that an earlier build left there.
packages_remove() { rm -f "$1"/*.deb "$1"/*.buildinfo "$1"/debug/* "$1"/source/*; }

collect_packages() {
	local from=$1 out=$2
	packages_remove "$out"
	mv "$from"/*-dbgsym_*.deb "$out/debug/"
	mv "$from"/*.dsc "$from"/*.tar.* "$from"/*.changes "$out/source/"
	mv "$from"/*.deb "$from"/*.buildinfo "$out/"
	chown -R "$(id -u):$(id -g)" "$out"
}
