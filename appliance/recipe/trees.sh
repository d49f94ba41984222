# shellcheck shell=bash
# Debian trees: what is built with (role tools), what our packages are built in
# (role build), and what the image is made of (role image). To be sourced.
#
# A tree has a role, and a role has a list of packages, each with version and
# SHA-256, that is settled first and built from only then: by apt from what the
# mirrors serve, or by the file that --lock names. So whatever is built can be
# built again from the same packages. The .deb files stay in $debs.
#
# Uses $build, $suite, $lock_file (or ''), and $top's debian-mirrors.

debs=$build/debs
lists=$build/lists

# --- running something in a tree ---------------------------------------------

# tree_run FOLDER [--bind PATH]... [--network] -- COMMAND...: with the tree as its
# root, the bound folders where they are outside, and nothing else of this machine.
tree_run() {
	local tree=$1 binds=() namespaces=(-m -p -f --kill-child --propagation private -n)
	shift
	while [ "$1" != -- ]; do
		case $1 in
		--bind) binds+=("$2"); shift ;;
		--network) unset 'namespaces[-1]' ;;
		*) fail "tree_run: $1?" ;;
		esac
		shift
	done
	shift
	unshare "${namespaces[@]}" bash -c "$(tree_entry)" tree-run "$tree" "${#binds[@]}" \
		${binds[@]+"${binds[@]}"} "$@"
}

tree_entry() {
	cat <<-'SH'
		set -eu
		tree=$1 binds=$2
		shift 2
		mount --bind "$tree" "$tree"
		cd "$tree"
		mkdir -p proc sys dev tmp run .outside
		mount -t proc proc proc
		mount --rbind /sys sys
		mount --rbind /dev dev
		mount -t tmpfs -o mode=1777 tmpfs tmp
		mount -t tmpfs -o mode=755 tmpfs run
		[ ! -e /etc/resolv.conf ] || { touch etc/resolv.conf && mount --bind /etc/resolv.conf etc/resolv.conf; }
		for ((; binds > 0; binds--)); do
			mkdir -p ".$1"
			mount --bind "$1" ".$1"
			shift
		done
		pivot_root . .outside
		umount -l /.outside
		cd /
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC
		export DEBIAN_FRONTEND=noninteractive
		exec "$@"
	SH
}

# in_tools [--network] COMMAND...: what the build itself needs done.
in_tools() {
	local options=(--bind "$top" --bind "$build" --bind "$out") file
	for file in "$update_key" "$secure_boot_key" "$secure_boot_certificate"; do
		[ -z "$file" ] || options+=(--bind "$(dirname "$file")")
	done
	[ "$1" != --network ] || { options+=(--network); shift; }
	tree_run "$tools" "${options[@]}" -- "$@"
}

# --- which packages ----------------------------------------------------------

# apt with a state of its own, for an empty machine of the image's suite.
apt_of_suite() {
	local command=$1
	shift
	"$command" -qq -o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State=$lists/state" -o "Dir::State::status=$lists/status" \
		-o "Dir::Cache=$lists/cache" -o APT::Sandbox::User= -o Acquire::Languages=none \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Retries=2 \
		-o Acquire::ForceHash=SHA256 -o APT::Install-Recommends=false "$@"
}

# Asks the mirrors what there is, once an hour at most.
lists_fetch() {
	[ -z "$(find "$lists/asked" -mmin -60 2>/dev/null)" ] || return 0
	mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
	: >"$lists/status"
	debian_sources "$suite" "$lists/mirrors" >"$lists/sources.list.new" ||
		fail "apt knows no Debian mirror on this machine"
	awk -v by="signed-by=$(debian_keyring)" '{ $1 = $1 " [" by "]" } 1' \
		"$lists/sources.list.new" >"$lists/sources.list"
	logged lists "asking the mirrors for $suite" apt_of_suite apt-get update
	ls "$lists"/state/lists/*_InRelease >/dev/null 2>&1 ||
		fail "suite $suite: the mirrors of this machine do not have it ($log/lists.log)"
	touch "$lists/asked"
}

# packages_resolve ROLE PACKAGE...: "ROLE NAME VERSION ARCHITECTURE SHA256" rows.
packages_resolve() {
	local role=$1 uris
	shift
	uris=$(apt_of_suite apt-get -y --print-uris install "$@") || return
	awk -v role="$role" '{
		split($2, part, "_")
		sub(/\.deb$/, "", part[3])
		sub(/%3a/, ":", part[2])
		sub(/^SHA256:/, "", $4)
		print role, part[1], part[2], part[3], $4
	}' <<<"$uris" | LC_ALL=C sort -u
}

# packages_settle ROLE ESSENTIAL PACKAGE...: leaves the rows in $build/ROLE.packages.
packages_settle() {
	local role=$1 essential=()
	[ "$2" = no ] || essential=('?essential' apt)
	shift 2
	if [ -n "$lock_file" ]; then
		grep "^$role " "$lock_file" >"$build/$role.packages" ||
			fail "--lock $lock_file: no package has the role \"$role\""
		return
	fi
	packages_resolve "$role" ${essential[@]+"${essential[@]}"} "$@" \
		>"$build/$role.packages" 2>"$log/resolve-$role.log" || {
		cat "$log/resolve-$role.log" >&2
		fail "$suite has no such packages: $*"
	}
}

# deb_file NAME VERSION ARCHITECTURE: as apt names it.
deb_file() { printf '%s_%s_%s.deb' "$1" "${2//:/%3a}" "$3"; }

# packages_missing FILE: the rows whose .deb is not in $debs, or is another.
packages_missing() {
	local role name version architecture sha256 file
	while read -r role name version architecture sha256; do
		file=$debs/$(deb_file "$name" "$version" "$architecture")
		[ -e "$file" ] && [ "$(sha256sum <"$file")" = "$sha256  -" ] ||
			printf '%s %s %s %s %s\n' "$role" "$name" "$version" "$architecture" "$sha256"
	done <"$1"
}

# packages_obtain ROLE: every .deb of the role into $debs.
packages_obtain() {
	local role=$1 missing
	mkdir -p "$debs"
	missing=$(packages_missing "$build/$role.packages")
	[ -n "$missing" ] || return 0
	[ -e "$lists/sources.list" ] || lists_fetch
	logged "download-$role" "downloading $(wc -l <<<"$missing") packages ($role)" \
		packages_download "$missing"
	missing=$(packages_missing "$build/$role.packages")
	[ -z "$missing" ] || fail "no longer to be had as locked: $(awk '{ printf "%s%s %s", sep, $2, $3; sep = ", " }' <<<"$missing")"
}

# One by one where all at once fails, since one that is gone must not keep the others.
packages_download() (
	cd "$debs" || exit
	mapfile -t wanted < <(awk '{ print $2 "=" $3 }' <<<"$1")
	apt_of_suite apt-get download "${wanted[@]}" && exit
	for one in "${wanted[@]}"; do
		apt_of_suite apt-get download "$one" || true
	done
)

# --- trees -------------------------------------------------------------------

# An apt repository of exactly the role's packages.
repository_make() {
	local role=$1 folder=$2 name version architecture sha256 file
	rm -rf "$folder"
	mkdir -p "$folder"
	while read -r _ name version architecture sha256; do
		file=$(deb_file "$name" "$version" "$architecture")
		ln "$debs/$file" "$folder/$file" 2>/dev/null || cp "$debs/$file" "$folder/$file"
		dpkg-deb -f "$folder/$file"
		printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" \
			"$(stat -c %s "$folder/$file")" "$sha256"
	done <"$build/$role.packages" >"$folder/Packages"
	# mmdebstrap looks for essential packages in a suite of that name.
	printf 'Suite: %s\nCodename: %s\nSHA256:\n %s %s Packages\n' "$suite" "$suite" \
		"$(sha256sum <"$folder/Packages" | cut -d ' ' -f 1)" "$(stat -c %s "$folder/Packages")" \
		>"$folder/Release"
}

# tree_is_made FOLDER WORD...: whether it was made of the same.
tree_is_made() { [ "$(cat "$1.made" 2>/dev/null)" = "$(tree_recipe "$@")" ]; }
tree_recipe() {
	shift
	printf '%s\n' "$@"
}

# tree_make ROLE FOLDER PACKAGE...: a whole Debian with these packages and apt;
# returns at once if it is there and of the same packages as it would be now.
tree_make() {
	local role=$1 folder=$2 from
	shift 2
	packages_settle "$role" yes "$@"
	! tree_is_made "$folder" "$(cat "$build/$role.packages")" || return 0
	packages_obtain "$role"
	rm -rf "$folder" "$folder.made"
	from=$build/repository-$role
	repository_make "$role" "$from"
	logged "tree-$role" "making a tree of $(wc -l <"$build/$role.packages") packages ($role)" \
		tree_bootstrap "$role" "$folder" "$from"
	rm -rf "$from"
	tree_sources "$folder"
	tree_recipe "$folder" "$(cat "$build/$role.packages")" >"$folder.made"
}

# The tool tree's own mmdebstrap, once there is one.
tree_bootstrap() {
	local role=$1 folder=$2 from=$3 run=()
	[ "$role" = tools ] || [ ! -e "$tools.made" ] || run=(in_tools)
	${run[@]+"${run[@]}"} mmdebstrap --mode=root --variant=apt \
		--include="$(awk '{ printf "%s%s", sep, $2; sep = "," }' "$build/$role.packages")" \
		"$suite" "$folder" "deb [trusted=yes] copy://$from ./"
}

# The mirrors of this machine, for what fetches more in the tree.
tree_sources() {
	cp "$lists/sources.list" "$1/etc/apt/sources.list" 2>/dev/null ||
		debian_sources "$suite" "$lists/mirrors" >"$1/etc/apt/sources.list"
	sed -i 's/ \[signed-by=[^]]*\]//' "$1/etc/apt/sources.list"
	apt_network_settings >"$1/etc/apt/apt.conf.d/10machine"
}

# tree_unpack ROLE FOLDER PACKAGE...: only the files of these packages and of those
# they depend on; no maintainer script has run. Which package has which file is in
# FOLDER.files.
tree_unpack() {
	local role=$1 folder=$2
	shift 2
	packages_settle "$role" no "$@"
	! tree_is_made "$folder" "$(cat "$build/$role.packages")" || return 0
	packages_obtain "$role"
	rm -rf "$folder" "$folder.made"
	mkdir -p "$folder/usr"/{bin,sbin,lib,lib64}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$folder"
	logged "tree-$role" "unpacking $(wc -l <"$build/$role.packages") packages ($role)" \
		debs_unpack "$folder" "$build/$role.packages"
	tree_recipe "$folder" "$(cat "$build/$role.packages")" >"$folder.made"
}

debs_unpack() {
	in_tools bash -euc '
		folder=$1 debs=$2
		while read -r _ name version architecture _; do
			deb=$debs/${name}_${version//:/%3a}_$architecture.deb
			dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$folder"
			dpkg-deb --fsys-tarfile "$deb" | tar -t |
				sed -nE "s,^\./(s?bin|lib|lib64)/,./usr/\1/,; s,^\./(.*[^/])\$,$name \1,p"
		done <"$3" >"$folder.files"
	' unpack "$1" "$debs" "$2"
}
