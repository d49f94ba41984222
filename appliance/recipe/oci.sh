# shellcheck shell=bash
# OCI images of a perspective and of a coordinator: our programs, the libraries they
# name, certificates and the root of the DNS, and nothing that could run anything
# else. To be sourced after appliance/recipe/packages.sh, whose packages and chroot
# the images are made of.
: "${top:?tests/prepare is sourced first}" "${build:?}"

# build_oci SUITE PACKAGES OUTDIR: leaves two archives of the OCI layout,
# OUTDIR/parallax-perspective_$version.oci.tar and OUTDIR/parallax-coordinator_$version.oci.tar.
# PACKAGES is where build_packages left them; times are $SOURCE_DATE_EPOCH.
build_oci() {
	local suite=$1 packages=$2 out=$3 version=${version:?} time=${SOURCE_DATE_EPOCH:?}
	local chroot=$build/chroot-$suite
	mkdir -p "$out"
	oci_image "$chroot" "$packages" "$out/parallax-perspective_$version.oci.tar" "$time" \
		perspective "$version" parallax-unbound mpic-httpcheck mpic-appliance
	oci_image "$chroot" "$packages" "$out/parallax-coordinator_$version.oci.tar" "$time" \
		coordinator "$version" mpic-coordinator mpic
}

# oci_image CHROOT PACKAGES ARCHIVE TIME KIND VERSION PACKAGE...
oci_image() (
	set -euo pipefail
	local chroot=$1 packages=$2 archive=$3 time=$4 kind=$5 version=$6 work
	shift 6
	work=$build/oci-$kind
	rm -rf "$work"
	mkdir -p "$work/root" "$work/layout/blobs/sha256"
	oci_tree "$work/root"
	oci_programs "$packages" "$work/root" "$@"
	oci_data "$chroot" "$work/root" "$kind"
	oci_libraries "$chroot" "$work/root"
	oci_release "$work/root" "$kind" "$version"
	oci_layout "$work/root" "$work/layout" "$kind" "$version" "$time"
	oci_tar "$work/layout" "$time" >"$archive.new"
	mv "$archive.new" "$archive"
)

# --- what is in an image -----------------------------------------------------

# Nobody logs in; 65532 is who runs it unless told otherwise.
oci_tree() {
	local root=$1
	mkdir -p "$root"/{etc/parallax,dev,proc,sys,run/secrets,tmp,var/log/parallax} "$root"/usr/{bin,sbin,lib,lib64}
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	# A perspective writes below /tmp alone (appliance/container/container.h).
	ln -s /tmp/run "$root/run/mpic"
	ln -s /tmp/state "$root/state"
	printf '%s\n' root:x:0:0:root:/:/nonexistent mpic:x:65532:65532:Parallax:/:/nonexistent >"$root/etc/passwd"
	printf '%s\n' root:x:0: mpic:x:65532: >"$root/etc/group"
	printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
	chmod 1777 "$root/tmp"
	# A coordinator's audit log, if nothing is mounted there.
	chown 65532:65532 "$root/var/log/parallax"
}

# Without what is for systemd, for people and for other machines.
oci_programs() {
	local packages=$1 root=$2 name file
	shift 2
	for name in "$@"; do
		file=$(find "$packages" -maxdepth 1 -name "${name}_*.deb")
		[ -n "$file" ] || { echo "there is no package $name in $packages"; return 1; }
		dpkg-deb --fsys-tarfile "$file" |
			tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/man' \
				--exclude='./usr/lib/systemd' --exclude='./etc/parallax' \
				--exclude='./usr/share/doc/*/*.md*' --exclude='./usr/share/doc/*/changelog*'
		oci_status "$root" "$name" < <(dpkg-deb --field "$file")
	done
	# An orchestrator updates and enrols.
	rm -f "$root/usr/sbin/mpic-update" "$root/usr/sbin/mpic-enrol"
	# What an appliance has of its root that its program reads.
	if [ -d "$root/usr/share/parallax/image" ]; then
		mkdir -p "$root/usr/lib/parallax"
		cp "$root"/usr/share/parallax/image/usr/lib/parallax/appliance*.conf "$root/usr/lib/parallax/"
		rm -rf "$root/usr/share/parallax/image"
	fi
}

# oci_data CHROOT ROOT KIND: data alone, from Debian's packages in the chroot.
oci_data() {
	local chroot=$1 root=$2 kind=$3
	mkdir -p "$root/etc/ssl/certs" "$root/usr/share"
	cp "$chroot/etc/ssl/certs/ca-certificates.crt" "$root/etc/ssl/certs/"
	mkdir -p "$root/usr/lib/ssl"
	ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
	oci_credit "$chroot" "$root" ca-certificates
	case $kind in
	perspective)
		cp -RL "$chroot/usr/share/dns" "$root/usr/share/dns"
		oci_credit "$chroot" "$root" dns-root-data
		;;
	coordinator)
		cp -RL "$chroot/usr/share/publicsuffix" "$root/usr/share/publicsuffix"
		oci_credit "$chroot" "$root" publicsuffix
		;;
	esac
}

# The libraries that the programs name, of the very chroot they were built in.
oci_libraries() {
	local chroot=$1 root=$2 library real
	oci_needed "$chroot" "$root" | sort -u | while read -r library; do
		real=$(chroot "$chroot" realpath "$library")
		install -D -m 755 "$chroot$real" "$root$real"
		[ "$real" = "$root$library" ] || oci_link "$root" "$library" "$real"
		oci_credit "$chroot" "$root" "$(oci_owner "$chroot" "$library" "$real")"
	done
}

# The name by which a library is looked for, beside the file it stands for.
oci_link() {
	local root=$1 name=$2 real=$3
	name=$(dirname "$name" | sed 's#^/lib#/usr/lib#')/$(basename "$name")
	[ "$name" = "$real" ] || { mkdir -p "$root$(dirname "$name")" && ln -sfn "$real" "$root$name"; }
}

# Absolute names of what the loader would load for every program in ROOT.
oci_needed() {
	local chroot=$1 root=$2
	# shellcheck disable=SC2016 # expanded inside
	find "$root" -type f \( -perm -100 -o -name '*.so' \) -printf '/mnt/%P\n' |
		unshare --mount bash -euo pipefail -c '
			mount --bind "$2" "$1/mnt"
			while read -r program; do
				chroot "$1" ldd "$program"
			done' oci-needed "$chroot" "$root" |
		sed -n 's#^.*=> \(/[^ ]*\) (.*#\1#p; s#^[[:space:]]*\(/[^ ]*\) (.*#\1#p'
}

# oci_owner CHROOT NAME...: the package that has a file, under the first of its names that is
# known. Debian's data may say where it was before /lib became usr/lib.
oci_owner() {
	local chroot=$1
	shift
	{ chroot "$chroot" dpkg-query --search "$@" "${@/#\/usr/}" 2>/dev/null || true; } |
		awk -F: '!/^diversion / && !seen++ { print $1 }'
}

# oci_credit CHROOT ROOT PACKAGE: its licence, and that it is in the image.
oci_credit() {
	local chroot=$1 root=$2 name=$3
	[ -n "$name" ] || { echo "a library belongs to no package"; return 1; }
	[ ! -e "$root/var/lib/dpkg/status.d/$name" ] || return 0
	install -D -m 644 "$chroot/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
	oci_status "$root" "$name" < <(chroot "$chroot" dpkg-query --status "$name")
}

# Scanners of images read packages from here (as of other images without dpkg).
oci_status() {
	mkdir -p "$1/var/lib/dpkg/status.d"
	sed '/^Conffiles:/,/^[^ ]/{/^ /d; /^Conffiles:/d}' >"$1/var/lib/dpkg/status.d/$2"
}

oci_release() {
	local root=$1 kind=$2 version=$3
	mkdir -p "$root/usr/lib"
	cat >"$root/usr/lib/os-release" <<-TEXT
		ID=parallax
		NAME=Parallax
		IMAGE_ID=parallax-$kind-oci
		IMAGE_VERSION=$version
	TEXT
	[ ! -e "$build/unbound/version" ] || [ "$kind" != perspective ] ||
		printf 'UNBOUND_VERSION=%s\n' "$(cat "$build/unbound/version")" >>"$root/usr/lib/os-release"
	ln -s ../usr/lib/os-release "$root/etc/os-release"
}

# --- the layout (image-spec 1.0) ---------------------------------------------

# oci_tar FOLDER TIME: the same bytes for the same files.
oci_tar() {
	tar -c -C "$1" --sort=name --format=ustar --mtime="@$2" --numeric-owner \
		--mode=go+rX,go-w,u+w "${@:3}" .
}

# oci_blob LAYOUT: puts what comes in among the blobs and prints its digest.
oci_blob() {
	local digest
	cat >"$1/blob"
	digest=$(sha256sum "$1/blob" | cut -d ' ' -f 1)
	mv "$1/blob" "$1/blobs/sha256/$digest"
	printf '%s' "$digest"
}

oci_size() { stat -c %s "$1/blobs/sha256/$2"; }

# oci_descriptor TYPE LAYOUT DIGEST
oci_descriptor() {
	printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' \
		"$1" "$3" "$(oci_size "$2" "$3")"
}

oci_entrypoint() {
	case $1 in
	perspective) printf '"/usr/sbin/mpic-appliance","container"' ;;
	coordinator) printf '"/usr/sbin/mpic-coordinator"' ;;
	esac
}

# dpkg calls them as OCI does, but for x86 and 32-bit ARM, which nobody builds for.
oci_layout() {
	local root=$1 layout=$2 kind=$3 version=$4 time=$5 layer content config manifest created
	created=$(date -u -d "@$time" +%Y-%m-%dT%H:%M:%SZ)
	content=$(oci_tar "$root" "$time" | sha256sum | cut -d ' ' -f 1)
	layer=$(oci_tar "$root" "$time" | gzip -9n | oci_blob "$layout")
	config=$(printf '{"created":"%s","architecture":"%s","os":"linux","config":{%s},"rootfs":{%s},"history":[%s]}' \
		"$created" "$(dpkg --print-architecture)" \
		"\"User\":\"65532:65532\",\"Entrypoint\":[$(oci_entrypoint "$kind")],\"WorkingDir\":\"/\",\"Env\":[\"PATH=/usr/sbin:/usr/bin\"]" \
		"\"type\":\"layers\",\"diff_ids\":[\"sha256:$content\"]" \
		"{\"created\":\"$created\",\"created_by\":\"appliance/build\"}" | oci_blob "$layout")
	manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}],"annotations":{%s}}' \
		"$(oci_descriptor config.v1+json "$layout" "$config")" \
		"$(oci_descriptor layer.v1.tar+gzip "$layout" "$layer")" \
		"\"org.opencontainers.image.title\":\"parallax-$kind\",\"org.opencontainers.image.version\":\"$version\",\"org.opencontainers.image.created\":\"$created\"" |
		oci_blob "$layout")
	printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
		"$(oci_descriptor manifest.v1+json "$layout" "$manifest")" "$version" >"$layout/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
}
