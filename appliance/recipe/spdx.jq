# From the list of packages (raw text) to an SPDX 2.3 document.
def rows: split("\n") | map(select(. != "" and (startswith("#") | not)) | split(" "));
def identifier: "SPDXRef-Package-" + gsub("[^A-Za-z0-9.-]"; "-");
def ours: test("^(parallax-unbound|mpic|mpic-.*)$");

rows as $rows |
{
	spdxVersion: "SPDX-2.3",
	dataLicense: "CC0-1.0",
	SPDXID: "SPDXRef-DOCUMENT",
	name: $name,
	documentNamespace: "urn:parallax:\($name):\($digest)",
	creationInfo: { created: $created, creators: ["Tool: parallax-appliance-build"] },
	documentDescribes: ["SPDXRef-Image"],
	packages: ([{
		SPDXID: "SPDXRef-Image", name: $image, versionInfo: $version,
		downloadLocation: "NOASSERTION", filesAnalyzed: false,
		licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION",
		copyrightText: "NOASSERTION", primaryPackagePurpose: "OPERATING-SYSTEM",
		checksums: [{ algorithm: "SHA256", checksumValue: $digest }]
	}] + ($rows | map({
		SPDXID: (.[0] | identifier), name: .[0], versionInfo: .[1],
		sourceInfo: "built from the source package \(.[2]) \(.[3])",
		supplier: (if .[0] | ours then "NOASSERTION" else "Organization: Debian" end),
		downloadLocation: "NOASSERTION", filesAnalyzed: false,
		licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION",
		copyrightText: "NOASSERTION",
		checksums: [{ algorithm: "SHA256", checksumValue: .[5] }],
		externalRefs: [{
			referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
			referenceLocator: "pkg:deb/debian/\(.[0] | @uri)@\(.[1] | @uri)?arch=\(.[4])"
		}]
	}))),
	relationships: ([{
		spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES",
		relatedSpdxElement: "SPDXRef-Image"
	}] + ($rows | map({
		spdxElementId: "SPDXRef-Image", relationshipType: "CONTAINS",
		relatedSpdxElement: (.[0] | identifier)
	})))
}
