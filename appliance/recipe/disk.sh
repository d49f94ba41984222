# shellcheck shell=bash
# From the root to a disk: squashfs with its dm-verity tree, initrd, kernel image,
# ESP, partitions. To be sourced. Everything runs in the tool tree and is the same
# to the bit whenever its inputs are: times, identifiers and salts are derived.
#
# In $build: root.squashfs (with the tree behind it), kernel.efi, esp, state, disk.raw.

mib=$((1024 * 1024))
esp_mib=96 slot_mib=128 state_mib=32

# Fixed, for a disk is never told from another by them: "mpic" and a number.
disk_uuid=6d706963-0000-4000-8000-000000000000
partition_uuid() { printf '6d706963-0000-4000-8000-%012d' "$1"; }

# Hex digits that are of this version alone and no secret.
derived() { printf '%s %s %s' "$image_id" "$version" "$1" | sha256sum | cut -c "1-$2"; }

disk_make() {
	logged squashfs "compressing the root" in_tools bash -eu -c "$(disk_step squashfs_make)"
	logged verity "hashing the root's blocks" in_tools bash -eu -c "$(disk_step verity_make)"
	logged kernel "making the kernel image" in_tools bash -eu -c "$(disk_step kernel_make)"
	logged disk "writing the disk" in_tools bash -eu -c "$(disk_step raw_make)"
}

# What a shell in the tool tree runs.
disk_step() {
	printf 'set -o pipefail; . %q; . %q; %s' "$top/appliance/recipe/root.sh" \
		"$top/appliance/recipe/disk.sh" "$1"
}

# lz4, which takes least time to read: the image is a ninth larger than by zstd.
squashfs_make() {
	rm -f "$build/root.squashfs"
	mksquashfs "$root" "$build/root.squashfs" -comp lz4 -Xhc -b 64K \
		-noappend -no-progress -no-exports -no-xattrs -all-root -processors 2
	# Whole blocks for dm-verity.
	truncate -s %4096 "$build/root.squashfs"
}

# Leaves the kernel's argument in root.argument.
verity_make() {
	local image=$build/root.squashfs size hash salt
	size=$(stat -c %s "$image")
	salt=$(derived salt 64)
	hash=$(veritysetup format --no-superblock --hash=sha256 --salt="$salt" \
		--data-block-size=4096 --hash-block-size=4096 --data-blocks=$((size / 4096)) \
		--hash-offset="$size" "$image" "$image" | sed -n 's/^Root hash:[[:space:]]*//p')
	truncate -s %4096 "$image"
	[ "$(stat -c %s "$image")" -le $((slot_mib * mib)) ] ||
		die "the root has $(stat -c %s "$image") bytes and a slot $((slot_mib * mib))"
	printf '%s,%s,%s' "$hash" "$salt" $((size / 4096)) >"$build/root.argument"
}

# --- the kernel image --------------------------------------------------------

# initrd_modules WHERE LIST: those modules of recipe/modules, beside a list of them.
initrd_modules() {
	local where=$1 list=$2 module name
	: >"$list"
	modules_of "$where" | while read -r module; do
		name=$(basename "$module" .xz)
		[ ! -e "${list%/*}/$name" ] || continue
		xz -dc "$module" >"${list%/*}/$name"
		printf '%s\n' "$name" >>"$list"
	done
}

initrd_make() {
	local into=$build/initrd
	rm -rf "$into"
	mkdir -p "$into"/{changes,dev,modules,proc,root,run,sys}
	gcc -std=gnu17 -D_GNU_SOURCE -Os -static -s -Wl,--build-id=none -fstack-protector-strong \
		-ffile-prefix-map="$top=." -o "$into/init" "$top"/appliance/initrd/*.c
	initrd_modules initrd "$into/modules/list"
	initrd_modules beside "$into/modules/beside"
	initrd_modules disk "$into/modules/disks"
	# The console that the kernel gives the first process.
	mknod "$into/dev/console" c 5 1
	find "$into" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
	(cd "$into" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --null --create --quiet --format=newc --reproducible --owner=0:0) |
		zstd -q -19 >"$build/initrd.zst"
}

# No way in from the console; a panic boots again, and what is not signed with the
# kernel does not become part of it. Without groups a unit's Nice= means something.
kernel_arguments() {
	printf '%s ' "mpic.root=$(cat "$build/root.argument")" "mpic.version=$version" ro panic=10 \
		oops=panic lockdown=integrity console=tty0 console=ttyS0,115200 quiet loglevel=4 noautogroup \
		systemd.machine_id=firmware systemd.show_status=no systemd.firstboot=no
	[ "$variant" != debug ] || printf 'systemd.show_status=yes mpic.variant=debug '
}

kernel_make() {
	local signing=()
	initrd_make
	[ -z "$secure_boot_key" ] || signing=(--secureboot-private-key="$secure_boot_key"
		--secureboot-certificate="$secure_boot_certificate" --signtool=sbsign)
	at_commit_time ukify build --linux="$base/boot/vmlinuz-$(kernel_version)" --initrd="$build/initrd.zst" \
		--cmdline="$(kernel_arguments)" --os-release="@$root/usr/lib/os-release" \
		--uname="$(kernel_version)" ${signing[@]+"${signing[@]}"} --output="$build/kernel.efi"
}

# A signature has a time.
at_commit_time() {
	faketime -f "$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y-%m-%d %H:%M:%S')" "$@"
}

# --- partitions --------------------------------------------------------------

esp_make() {
	local image=$build/esp.vfat loader=$build/systemd-boot.efi
	cp /usr/lib/systemd/boot/efi/systemd-bootx64.efi "$loader"
	[ -z "$secure_boot_key" ] || at_commit_time sbsign --key "$secure_boot_key" \
		--cert "$secure_boot_certificate" --output "$loader" "$loader"
	printf 'timeout 0\neditor no\nauto-firmware no\n' >"$build/loader.conf"
	touch --date="@$SOURCE_DATE_EPOCH" "$loader" "$build/loader.conf" "$build/kernel.efi"
	rm -f "$image"
	mkfs.vfat --invariant -C -F 32 -n ESP -i "$(derived esp 8)" "$image" $((esp_mib * 1024))
	mmd -i "$image" ::/EFI ::/EFI/BOOT ::/EFI/Linux ::/loader
	mcopy -m -i "$image" "$loader" ::/EFI/BOOT/BOOTX64.EFI
	mcopy -m -i "$image" "$build/kernel.efi" "::/EFI/Linux/parallax_$version.efi"
	mcopy -m -i "$image" "$build/loader.conf" ::/loader/loader.conf
}

state_make() {
	local uuid
	uuid=$(partition_uuid 4)
	rm -f "$build/state.ext4"
	truncate -s $((state_mib * mib)) "$build/state.ext4"
	mke2fs -q -t ext4 -L state -U "$uuid" -m 0 -I 256 \
		-E "hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0" "$build/state.ext4"
}

raw_make() {
	local disk=$build/disk.raw
	esp_make
	state_make
	rm -f "$disk"
	truncate -s $(((1 + esp_mib + 2 * slot_mib + state_mib + 1) * mib)) "$disk"
	{
		printf 'label: gpt\nlabel-id: %s\n' "$disk_uuid"
		printf 'name=esp, size=%dMiB, type=uefi, uuid=%s\n' $esp_mib "$(partition_uuid 1)"
		printf 'name=root_a, size=%dMiB, type=linux, uuid=%s\n' $slot_mib "$(partition_uuid 2)"
		printf 'name=root_b, size=%dMiB, type=linux, uuid=%s\n' $slot_mib "$(partition_uuid 3)"
		printf 'name=state, size=%dMiB, type=linux, uuid=%s\n' $state_mib "$(partition_uuid 4)"
	} | sfdisk --quiet "$disk"
	put "$build/esp.vfat" 1
	put "$build/root.squashfs" $((1 + esp_mib))
	put "$build/state.ext4" $((1 + esp_mib + 2 * slot_mib))
}

# put FILE AT_MIB: into the disk.
put() { dd if="$1" of="$build/disk.raw" bs=1M seek="$2" conv=notrunc,sparse status=none; }
