# shellcheck shell=bash
# The disk in the forms that clouds and hypervisors take. To be sourced; the
# steps run in the tool tree.

formats_make() {
	local format
	install_file "$build/disk.raw" "$name.raw"
	install_file "$build/root.squashfs" "$name.root"
	install_file "$build/kernel.efi" "$name.efi"
	update_manifest >"$out/$name.update"
	for format in ${formats//,/ }; do
		case $format in
		raw) ;;
		oci) logged oci "making OCI images" build_oci "$suite" "$build/packages" "$out" ;;
		*) logged "$format" "making the disk's $format form" in_tools bash -eu -c \
			"set -o pipefail; name=$name; . '$recipe/disk.sh'; . '$recipe/formats.sh'; ${format}_make" ;;
		esac
	done
}

install_file() { cp --sparse=always "$1" "$out/$2.new" && mv "$out/$2.new" "$out/$2"; }

# Of each file of an update its name, size and SHA-256.
update_manifest() (
	cd "$out"
	for file in "$name.root" "$name.efi"; do
		printf '%s %s %s\n' "$file" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d ' ' -f 1)"
	done
)

qcow2_make() {
	rm -f "$out/$name.qcow2"
	qemu-img convert -q -c -f raw -O qcow2 "$build/disk.raw" "$out/$name.qcow2"
}

# Google wants disk.raw, of whole GiB, in a tar of the old GNU kind.
gce_make() {
	local folder=$build/gce
	rm -rf "$folder"
	mkdir -p "$folder"
	cp --sparse=always "$build/disk.raw" "$folder/disk.raw"
	truncate -s %1G "$folder/disk.raw"
	in_order "$folder/disk.raw"
	tar --format=oldgnu --sparse --owner=0 --group=0 --numeric-owner --mode=0644 \
		--mtime="@$SOURCE_DATE_EPOCH" -C "$folder" -cf - disk.raw | gzip -9n >"$out/$name.gce.tar.gz"
	rm -rf "$folder"
}

# Moves the end of the second partition table to the disk's new end.
in_order() { sfdisk --quiet --relocate gpt-bak-std "$1"; }

# --- Azure -------------------------------------------------------------------

# A disk of fixed size in VHD is the disk itself and a sector behind it.
vhd_make() {
	local disk=$out/$name.vhd
	cp --sparse=always "$build/disk.raw" "$disk.new"
	truncate -s %1M "$disk.new"
	vhd_footer "$(stat -c %s "$disk.new")" "$(derived vhd 32)" >>"$disk.new"
	mv "$disk.new" "$disk"
}

# vhd_footer BYTES UUID: "Virtual Hard Disk Image Format Specification", version 1.0,
# "Hard Disk Footer Format". Its time is seconds since 2000.
vhd_footer() {
	local size=$1 uuid=$2 hex sum=0 i
	hex=636f6e6563746978				# conectix
	hex+=0000000200010000ffffffffffffffff		# features, version, no dynamic header
	hex+=$(printf '%08x' $((SOURCE_DATE_EPOCH - 946684800)))
	hex+=706c6c78000100005769326b			# made by pllx 1.0 on Wi2k
	hex+=$(printf '%016x%016x' "$size" "$size")
	hex+=$(vhd_geometry $((size / 512)))
	hex+=00000002					# a disk of fixed size
	for ((i = 0; i < ${#hex}; i += 2)); do
		sum=$((sum + 16#${hex:i:2}))
	done
	for ((i = 0; i < 32; i += 2)); do
		sum=$((sum + 16#${uuid:i:2}))
	done
	hex+=$(printf '%08x' $((~sum & 0xffffffff)))$uuid
	while [ ${#hex} -lt 1024 ]; do
		hex+=00
	done
	printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")"
}

# Cylinders, heads and sectors a track, as the specification's appendix makes them up.
vhd_geometry() {
	local total=$1 sectors=17 heads cylinders times
	[ "$total" -le $((65535 * 16 * 255)) ] || total=$((65535 * 16 * 255))
	if [ "$total" -ge $((65535 * 16 * 63)) ]; then
		sectors=255 heads=16 times=$((total / 255))
	else
		times=$((total / 17)) heads=$(((times + 1023) / 1024))
		[ "$heads" -ge 4 ] || heads=4
		if [ "$times" -ge $((heads * 1024)) ] || [ "$heads" -gt 16 ]; then
			sectors=31 heads=16 times=$((total / 31))
		fi
		if [ "$times" -ge $((heads * 1024)) ]; then
			sectors=63 heads=16 times=$((total / 63))
		fi
	fi
	cylinders=$((times / heads))
	printf '%04x%02x%02x' "$cylinders" "$heads" "$sectors"
}
