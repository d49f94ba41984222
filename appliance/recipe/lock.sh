# shellcheck shell=bash
# What a build took from the mirrors, so that it can be had again: a row for each
# package, "ROLE NAME VERSION ARCHITECTURE SHA256" (roles: trees.sh), and one for
# Unbound's source, "source unbound VERSION SHA256". To be sourced.
#
# $debs holds all of it. With that folder kept and --lock a build needs no mirror.

lock_write() {
	printf '# appliance/build --lock builds from exactly these\n'
	LC_ALL=C sort -u "$build"/{build,image,tools}.packages
	printf 'source unbound %s %s\n' "$unbound_version" "$(unbound_digest)"
}

# --- Unbound -----------------------------------------------------------------

# The newest that the mirrors serve or the locked one, which the floor in conf/ may
# refuse, and a copy of it for a later build.
unbound_obtain() {
	local kept
	[ -z "$lock_file" ] || unbound_settle
	unbound_source
	unbound_version=$(cat "$build/unbound/version")
	unbound_check
	kept=$debs/unbound_$unbound_version.tar.gz
	mkdir -p "$debs"
	[ -e "$kept" ] || tar -cz --owner=0 --group=0 -f "$kept" -C "$build/unbound" src version
	export unbound_version
}

# Leaves the locked version in unbound_wanted and, if it was kept, where it is looked for.
unbound_settle() {
	local kept
	unbound_wanted=$(sed -n 's/^source unbound \([^ ]*\) .*/\1/p' "$lock_file")
	[ -n "$unbound_wanted" ] || fail "--lock $lock_file: no line \"source unbound VERSION SHA256\""
	kept=$debs/unbound_$unbound_wanted.tar.gz
	! unbound_is_current "$build/unbound" && [ -e "$kept" ] || return 0
	rm -rf "$build/unbound"
	mkdir -p "$build/unbound"
	tar -xz -f "$kept" -C "$build/unbound"
}

unbound_check() {
	local oldest locked
	oldest=$(sed '/^#/d' "$top/conf/unbound.oldest")
	dpkg --compare-versions "$unbound_version" ge "$oldest" ||
		fail "Unbound $unbound_version is older than conf/unbound.oldest, $oldest: nothing is made of it"
	[ -n "$lock_file" ] || return 0
	locked=$(sed -n 's/^source unbound [^ ]* //p' "$lock_file")
	[ "$(unbound_digest)" = "$locked" ] ||
		fail "--lock $lock_file: Unbound $unbound_version has other files than it had then"
}

# Of the unpacked source: every file's name and content.
unbound_digest() (
	cd "$build/unbound/src" || exit
	find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
)
