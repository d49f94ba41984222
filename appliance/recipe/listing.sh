# shellcheck shell=bash
# What is in the image, in writing: its packages, an SBOM, the known vulnerabilities
# of the packages, and the sums of all files. To be sourced.

listing_make() {
	logged listing "listing what is in the image" in_tools bash -eu -c \
		"set -o pipefail; name=$name; recipe=$recipe; . '$recipe/trees.sh'; . '$recipe/listing.sh'; listings_write"
	vulnerabilities_write
	lock_write >"$out/$name.lock"
}

listings_write() {
	packages_write >"$out/$name.packages.txt"
	spdx_write >"$out/$name.spdx.json"
}

# The .deb files that something in the root is from.
debs_in_root() {
	local package deb
	cut -d ' ' -f 1 "$build/root.owners" | sort -u | while read -r package; do
		deb=$(awk -v name="$package" '$2 == name { gsub(":", "%3a", $3); print $2 "_" $3 "_" $4 ".deb" }' \
			"$build/image.packages")
		if [ -n "$deb" ]; then
			printf '%s/%s\n' "$debs" "$deb"
		else
			ls "$build/packages/$package"_*.deb
		fi
	done
	# Not in the root but in the kernel image beside it.
	awk '$2 ~ /^linux-image-.*-cloud-amd64$/ { print $2 "_" $3 "_" $4 ".deb" }' "$build/image.packages" |
		while read -r deb; do printf '%s/%s\n' "$debs" "$deb"; done
	awk '$2 == "systemd-boot-efi" || $2 == "systemd-boot-efi-amd64-signed" { print $2 "_" $3 "_" $4 ".deb" }' \
		"$build/tools.packages" | while read -r deb; do printf '%s/%s\n' "$debs" "$deb"; done
}

packages_write() {
	local deb
	printf '# package version source source-version architecture sha256\n'
	debs_in_root | sort -u | while read -r deb; do
		printf '%s %s\n' "$(deb_row "$deb")" "$(sha256sum <"$deb" | cut -d ' ' -f 1)"
	done | LC_ALL=C sort
}

# The source's name and version, where the package does not say otherwise its own.
deb_row() {
	dpkg-deb -f "$1" Package Version Source Architecture | awk '
		{ field = $1; sub(/^[^:]*: */, ""); value[field] = $0 }
		END {
			source = value["Package:"]; version = value["Version:"]
			if (value["Source:"] != "") {
				count = split(value["Source:"], part, " ")
				source = part[1]
				if (count > 1) { version = part[2]; gsub(/[()]/, "", version) }
			}
			print value["Package:"], value["Version:"], source, version, value["Architecture:"]
		}'
}

# SPDX 2.3: the image, and in it packages, of which their .deb files' sums are known.
spdx_write() {
	jq -R -s -S --arg name "$name" --arg image "$image_id" --arg version "$version" \
		--arg created "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" \
		--arg digest "$(sha256sum <"$build/disk.raw" | cut -d ' ' -f 1)" \
		-f "$recipe/spdx.jq" "$out/$name.packages.txt"
}

# Debian's security tracker has a list of what is known of each source package. It is
# asked for where the network lets us; else the list of packages is all there is.
vulnerabilities_write() {
	local list=$build/tracker.json to=$out/$name.vulnerabilities.txt
	busy_with "asking for Debian's list of known vulnerabilities"
	rm -f "$list"
	in_tools --network curl -fsS --max-time 120 -o "$list" \
		https://security-tracker.debian.org/tracker/data/json >"$log/tracker.log" 2>&1 || rm -f "$list"
	done_with
	if [ -e "$list" ]; then
		printf "# Debian's security tracker on %s: what is open in %s of the packages of %s\n" \
			"$(date -u +%Y-%m-%d)" "$suite" "$name" >"$to"
		in_tools jq -r --arg suite "$suite" --rawfile packages "$out/$name.packages.txt" \
			-f "$recipe/vulnerabilities.jq" "$list" >>"$to"
	else
		say "Debian's security tracker cannot be reached: the image's vulnerabilities are not known"
		{
			printf "# Debian's security tracker could not be reached when %s was built.\n" "$name"
			printf '# Nothing is known of vulnerabilities in these source packages:\n'
			awk '!/^#/ { print $3, $4 }' "$out/$name.packages.txt" | LC_ALL=C sort -u
		} >"$to"
	fi
}

sums_make() (
	cd "$out"
	find . -maxdepth 1 -type f \( -name "$name.*" -o -name "parallax-coordinator_$version.*" \) -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
)
