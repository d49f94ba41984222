# shellcheck shell=bash
# The image's root: what recipe/contents lists of Debian's packages, the libraries
# and kernel modules these need, our packages, and the accounts. To be sourced.
#
# In $build: image (Debian's packages, unpacked), root, and root.owners, which has
# "PACKAGE PATH" for each file that came from a package.

base=$build/image
root=$build/root

# What the root is copied from, besides what our own packages depend on.
image_packages() {
	printf '%s\n' systemd udev systemd-boot systemd-timesyncd systemd-journal-remote \
		linux-image-cloud-amd64 kmod mount nftables libkmod2 libzstd1 dns-root-data ca-certificates openssl netbase
	[ "$variant" != debug ] || printf '%s\n' bash busybox strace dmsetup
}

# The names that our packages depend on, without each other.
our_dependencies() {
	local deb
	for deb in "$@"; do
		dpkg-deb -f "$deb" Depends Pre-Depends
	done | sed 's/^[A-Za-z-]*://; s/([^)]*)//g; s/|[^,]*//g' | tr ',' '\n' | tr -d ' ' |
		sed -E '/^$|^parallax-unbound$|^mpic$|^mpic-/d' | sort -u
}

our_debs() {
	local name
	for name in parallax-unbound mpic-httpcheck mpic-appliance; do
		ls "$build/packages/${name}"_*.deb
	done
}

root_make() {
	local debs_of_ours dependencies
	mapfile -t debs_of_ours < <(our_debs)
	mapfile -t dependencies < <(our_dependencies "${debs_of_ours[@]}"; image_packages)
	tree_unpack image "$base" "${dependencies[@]}"
	logged root "copying what the image holds" in_tools bash -eu -c '
		. "$1/appliance/recipe/root.sh" && root_fill "${@:2}"' root "$top" "${debs_of_ours[@]}"
}

# --- in the tool tree, from here on ------------------------------------------

root_fill() {
	set -o pipefail
	shopt -s nullglob dotglob
	rm -rf "$root"
	: >"$root.owners"
	root_skeleton
	copy_contents
	for deb in "$@"; do
		copy_ours "$deb"
	done
	[ "$variant" != debug ] || copy_debug_tree
	copy_libraries
	copy_modules
	certification_authorities
	identity
	accounts
	owners
	# mount's, for users that this image does not have.
	find "$root" -type f -perm /6000 -exec chmod a-s {} +
	find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

root_skeleton() {
	mkdir -p "$root"/{boot,dev,efi,etc,proc,root,run,state,sys,tmp,usr,var} \
		"$root/usr"/{bin,sbin,lib,lib64,share}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
	chmod 700 "$root/root"
	chmod 1777 "$root/tmp"
}

# copy_path PATH: a file, link or folder of Debian's, with the package it is from.
copy_path() {
	local path=$1
	mkdir -p "$root/${path%/*}"
	cp -a --no-target-directory "$base/$path" "$root/$path"
	find "$root/$path" ! -type d -printf '%P\n' | sed "s,^,$path/,; s,/\$,," >>"$root.copied"
}

copy_contents() {
	local glob only path found
	: >"$root.copied"
	while read -r glob only; do
		case $glob in '' | '#'*) continue ;; esac
		[ -z "$only" ] || [ "$only" = "$variant" ] || continue
		found=no
		for path in "$base"/$glob; do
			[ -e "$path" ] || [ -L "$path" ] || continue
			copy_path "${path#"$base/"}"
			found=yes
		done
		[ $found = yes ] || die "recipe/contents: no package has $glob"
	done <"$top/appliance/recipe/contents"
}

die() { printf '%s\n' "$*" >&2; exit 1; }

# A package of ours: whole, without documentation; the image's own files over all.
copy_ours() {
	local deb=$1 name into=$build/ours
	name=$(dpkg-deb -f "$deb" Package)
	rm -rf "$into"
	dpkg-deb -x "$deb" "$into"
	rm -rf "$into/usr/share"/{doc,man,lintian} "$into/usr/share/parallax"/{grafana,prometheus,systemd}
	# Units for an operator's machine: the image has its own.
	[ ! -d "$into/usr/share/parallax/image" ] || {
		mv "$into/usr/share/parallax/image" "$into.image"
	}
	rm -rf "$into/usr/lib/systemd"
	cp -a "$into/." "$root"
	(cd "$into" && find . ! -type d -printf "$name %P\n") >>"$root.owners"
	[ ! -d "$into.image" ] || {
		cp -a "$into.image/." "$root"
		(cd "$into.image" && find . ! -type d -printf "$name %P\n") >>"$root.owners"
		rm -rf "$into.image"
	}
}

# The debug variant's own files, over all others.
copy_debug_tree() {
	tar -c --mode=u=rwX,go=rX -C "$top/appliance/tree-debug" . | tar -x -C "$root"
	(cd "$top/appliance/tree-debug" && find . ! -type d -printf 'mpic-appliance %P\n') >>"$root.owners"
}

# Which package each copied file is from.
owners() {
	awk 'NR == FNR { from[$2] = $1; next } { print (($1 in from) ? from[$1] : "?"), $1 }' \
		"$base.files" "$root.copied" >>"$root.owners"
	! grep '^? ' "$root.owners" || die "of these files no package is known"
	LC_ALL=C sort -u -o "$root.owners" "$root.owners"
}

# --- libraries ---------------------------------------------------------------

# Of each program and library: the interpreter and the libraries it names.
needed_by() {
	readelf -Wld "$@" 2>/dev/null | sed -nE \
		's/.*\(NEEDED\).*\[(.*)\]/\1/p; s/.*interpreter: .*\/(.*)\]/\1/p' | sort -u
}

# Adds libraries until none is missing; what no package has stops the build.
copy_libraries() {
	local name place again=yes
	while [ $again = yes ]; do
		again=no
		while read -r name; do
			# A link to what is not there is not yet it.
			[ -z "$(find -L "$root/usr/lib" -name "$name" -type f -print -quit)" ] || continue
			place=$(cd "$base" && find usr/lib -name "$name" -print -quit)
			[ -n "$place" ] || die "no package of the image has the library $name"
			copy_library "$place"
			again=yes
		done < <(find "$root/usr" -type f -print0 | xargs -0 readelf -h 2>/dev/null |
			sed -n 's/^File: //p' | xargs -d '\n' bash -c "$(declare -f needed_by)"'; needed_by "$@"' needed)
	done
}

# A link, and what it points to.
copy_library() {
	local path=$1 target
	copy_path "$path"
	if [ -L "$base/$path" ]; then
		target=$(cd "$base" && realpath --relative-to=. "$path")
		[ -e "$root/$target" ] || copy_path "$target"
	fi
}

# --- kernel ------------------------------------------------------------------

kernel_version() { basename "$base"/usr/lib/modules/*; }

# modules_of WHERE: the files of those modules that recipe/modules has for initrd, beside,
# disk or root, each after those it depends on.
modules_of() {
	local where=$1 version name
	version=$(kernel_version)
	sed -n "s/^$where //p" "$top/appliance/recipe/modules" | tr ' ' '\n' | while read -r name; do
		modprobe -d "$base" -S "$version" --show-depends "$name" >"$build/depends" ||
			die "recipe/modules: the kernel has no $name"
		sed -n "s,^insmod $base/\(usr/\)\?\([^ ]*\).*,$base/usr/\2,p" "$build/depends"
	done | awk '!seen[$0]++'
}

copy_modules() {
	local version from to name
	version=$(kernel_version)
	[ -e "$base/usr/lib/modules/$version/modules.dep" ] || depmod -b "$base" "$version"
	to=$root/usr/lib/modules/$version
	mkdir -p "$to"
	cp "$base/usr/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$to"
	{ modules_of initrd; modules_of beside; modules_of disk; modules_of root; } | while read -r from; do
		name=${from#"$base/"}
		mkdir -p "$root/${name%/*}"
		# Compressed once, by the root's own compression.
		xz -dc "$from" >"$root/${name%.xz}"
		printf '%s\n' "$name" >>"$root.copied"
	done
	depmod -b "$root" "$version"
	# kmod reads the .bin files alone.
	rm -f "$to"/modules.{alias,dep,symbols,builtin.alias,order,builtin.modinfo}
}

# --- what Debian's maintainer scripts would have made ------------------------

certification_authorities() {
	mkdir -p "$root/etc/ssl/certs"
	cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
	rm -rf "$root/usr/share/ca-certificates"
}

identity() {
	cat >"$root/usr/lib/os-release" <<-TEXT
		ID=parallax
		ID_LIKE=debian
		NAME="Parallax perspective"
		PRETTY_NAME="Parallax perspective $version${variant_note}"
		VERSION_ID=$version
		VERSION_CODENAME=$suite
		IMAGE_ID=$image_id
		IMAGE_VERSION=$version
		UNBOUND_VERSION=$unbound_version
	TEXT
	ln -sf ../usr/lib/os-release "$root/etc/os-release"
	: >"$root/etc/machine-id"
	[ -e "$root/etc/nsswitch.conf" ] || printf '%s: files\n' passwd group shadow >"$root/etc/nsswitch.conf"
	[ -z "$update_key" ] || install -D -m 644 "$update_key" "$root/usr/share/parallax/update-key.pem"
}

# Nobody has a password, a shell or a home.
accounts() {
	printf 'root:*:0:0:root:/root:/usr/sbin/nologin\n' >"$root/etc/passwd"
	printf 'root:*::0:::::\n' >"$root/etc/shadow"
	printf 'root:x:0:\n' >"$root/etc/group"
	systemd-sysusers --root="$root"
	rm -f "$root/etc"/{passwd,shadow,group,gshadow,.pwd}{-,.lock}
	chmod 600 "$root/etc/shadow"
}
