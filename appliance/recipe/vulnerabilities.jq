# Of the security tracker's data what is open in $suite for the source packages of
# the list $packages: "SOURCE VERSION CVE URGENCY".
($packages | split("\n") | map(select(. != "" and (startswith("#") | not)) | split(" ") | .[2:4]) | unique)[]
	as [$source, $version] |
(.[$source] // {}) | to_entries | sort_by(.key)[] | .key as $cve |
.value.releases[$suite] // empty |
select(.status == "open") |
"\($source) \($version) \($cve) \(.urgency)"
