locals {
  addresses = merge(concat(
    [for made in module.aws : { for region, places in made.addresses : "aws:${region}" => places }],
    [for made in module.google : { for region, places in made.addresses : "gcp:${region}" => places }],
    [for made in module.azure : { for region, places in made.addresses : "azure:${region}" => places }],
  )...)
  hosts = { for code, places in local.addresses : code =>
    var.coordinator_calls == "ipv6" ? "[${places.ipv6}]" : places.ipv4
  }
  # The line that `mpic pki` printed for a perspective is YAML: a heading and a row.
  keys = { for code in var.regions : code =>
    try(values(yamldecode(file("${var.documents}/${code}.row")))[0][0].verify_key, null)
  }
}

output "addresses" {
  description = "Where each perspective is."
  value       = local.addresses
}

output "perspectives" {
  description = "The coordinator's list, for coordinator.yaml."
  value = join("\n", concat(["perspectives:"], [for code in var.regions : format(
    "  - { code: %q, url: %q%s }", code, "https://${local.hosts[code]}:8443",
    local.keys[code] == null ? "" : format(", verify_key: %q", local.keys[code])
  )], [""]))
}
