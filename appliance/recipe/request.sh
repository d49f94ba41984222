# shellcheck shell=bash
# What is asked of a build: refused at once if it cannot be, then settled. To be
# sourced by appliance/build, whose options it reads.

request_check() {
	local format file
	[ "$(id -u)" -eq 0 ] || fail "needs root, for chroots and mounts of its own: run it with sudo"
	case $suite-$packages_only in
	trixie-* | bookworm-yes) ;;
	*-yes) fail "--suite $suite: packages are made for trixie and bookworm" ;;
	*) fail "--suite $suite: the image is made of trixie" ;;
	esac
	for format in ${formats//,/ }; do
		case $format in
		raw | qcow2 | vhd | gce | oci) ;;
		*) fail "--format $format: not one of raw, qcow2, vhd, gce, oci" ;;
		esac
	done
	case $variant in
	'' | debug) ;;
	*) fail "--variant $variant: there is only debug" ;;
	esac
	[[ $version =~ ^([0-9][0-9A-Za-z.-]{0,31})?$ ]] ||
		fail "--version $version: not up to 32 letters, digits, dots and hyphens that begin with a digit"
	[ -n "$secure_boot_key" ] && [ -z "$secure_boot_certificate" ] &&
		fail "--secure-boot-key needs --secure-boot-certificate"
	[ -z "$secure_boot_key" ] && [ -n "$secure_boot_certificate" ] &&
		fail "--secure-boot-certificate needs --secure-boot-key"
	for file in "$update_key" "$secure_boot_key" "$secure_boot_certificate" "$lock_file"; do
		[ -z "$file" ] || [ -r "$file" ] || fail "there is no file $file"
	done
	[ -z "$update_key" ] || grep -q -- '-----BEGIN PUBLIC KEY-----' "$update_key" ||
		fail "--update-key $update_key: not a public key in PEM"
}

# Leaves version, SOURCE_DATE_EPOCH and names; of files, full paths.
request_settle() {
	local option
	for option in update_key secure_boot_key secure_boot_certificate lock_file; do
		[ -z "${!option}" ] || declare -g "$option=$(realpath "${!option}")"
	done
	commit_settle
	image_id=parallax-perspective${variant:+-$variant}
	variant_note=${variant:+ (DEBUG VARIANT)}
	name=${image_id}_$version
	export top build out suite version variant variant_note image_id update_key \
		secure_boot_key secure_boot_certificate SOURCE_DATE_EPOCH
}

# The time of what is built, and a version from it: the day and how many commits of
# that day there are by then.
commit_settle() {
	local day
	git -C "$top" rev-parse --git-dir >/dev/null 2>&1 ||
		fail "builds an image from a git checkout, which $top is not"
	# Settled once: a commit made meanwhile is not in this build.
	commit=$(git -C "$top" rev-parse "$(tree_commit)")
	SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct)
	[ -z "$version" ] || return 0
	day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y.%m.%d)
	version=$day-$(TZ=UTC git -C "$top" log --date=format-local:%Y.%m.%d --format=%cd | grep -cxF "$day")
	[ -z "$(git -C "$top" status --porcelain --untracked-files=no)" ] || version+=-changed
}

# What identifies what is built: the commit, or the files where they differ from it.
commit_identity() {
	if [ "$commit" = "$(git -C "$top" rev-parse HEAD)" ]; then
		printf '%s' "$commit"
	else
		git -C "$top" rev-parse "$commit^{tree}"
	fi
}
