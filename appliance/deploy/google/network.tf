# A network of its own in each region: perspectives share nothing. Addresses
# are reserved and outlive the instance.

locals {
  coordinators_ipv4 = [for network in var.coordinator_addresses : network if !strcontains(network, ":")]
  coordinators_ipv6 = [for network in var.coordinator_addresses : network if strcontains(network, ":")]
  # Out: DNS, HTTP and HTTPS of applicants (and updates), NTP, enrolment.
  outbound_tcp = concat(["53", "80", "443", "8443"], [for port in var.more_outbound_tcp_ports : tostring(port)])
  outbound_udp = ["53", "123"]
}

resource "google_compute_network" "perspective" {
  for_each                = var.regions
  project                 = var.project
  name                    = "${var.name}-${each.key}"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "perspective" {
  for_each         = var.regions
  project          = var.project
  region           = each.key
  name             = "${var.name}-${each.key}"
  network          = google_compute_network.perspective[each.key].id
  ip_cidr_range    = "10.0.0.0/28"
  stack_type       = "IPV4_IPV6"
  ipv6_access_type = "EXTERNAL"
}

resource "google_compute_firewall" "api_ipv4" {
  for_each      = length(local.coordinators_ipv4) > 0 ? var.regions : toset([])
  project       = var.project
  name          = "${var.name}-${each.key}-api-ipv4"
  network       = google_compute_network.perspective[each.key].id
  direction     = "INGRESS"
  source_ranges = local.coordinators_ipv4
  allow {
    protocol = "tcp"
    ports    = ["8443"]
  }
}

resource "google_compute_firewall" "api_ipv6" {
  for_each      = length(local.coordinators_ipv6) > 0 ? var.regions : toset([])
  project       = var.project
  name          = "${var.name}-${each.key}-api-ipv6"
  network       = google_compute_network.perspective[each.key].id
  direction     = "INGRESS"
  source_ranges = local.coordinators_ipv6
  allow {
    protocol = "tcp"
    ports    = ["8443"]
  }
}

# "Packet too big", without which large answers hang; a rule cannot name types.
resource "google_compute_firewall" "icmp_ipv4" {
  for_each      = var.regions
  project       = var.project
  name          = "${var.name}-${each.key}-icmp-ipv4"
  network       = google_compute_network.perspective[each.key].id
  direction     = "INGRESS"
  source_ranges = ["0.0.0.0/0"]
  allow {
    protocol = "icmp"
  }
}

resource "google_compute_firewall" "icmp_ipv6" {
  for_each      = var.regions
  project       = var.project
  name          = "${var.name}-${each.key}-icmp-ipv6"
  network       = google_compute_network.perspective[each.key].id
  direction     = "INGRESS"
  source_ranges = ["::/0"]
  allow {
    protocol = "58"
  }
}

resource "google_compute_firewall" "out" {
  for_each           = { for pair in setproduct(var.regions, ["0.0.0.0/0", "::/0"]) : "${pair[0]} ${pair[1]}" => { region = pair[0], network = pair[1] } }
  project            = var.project
  name               = "${var.name}-${each.value.region}-out-${strcontains(each.value.network, ":") ? "ipv6" : "ipv4"}"
  network            = google_compute_network.perspective[each.value.region].id
  direction          = "EGRESS"
  destination_ranges = [each.value.network]
  allow {
    protocol = "tcp"
    ports    = local.outbound_tcp
  }
  allow {
    protocol = "udp"
    ports    = local.outbound_udp
  }
}

# In, nothing else is let through unless a rule says so; out, everything is.
resource "google_compute_firewall" "nothing_else_out" {
  for_each           = { for pair in setproduct(var.regions, ["0.0.0.0/0", "::/0"]) : "${pair[0]} ${pair[1]}" => { region = pair[0], network = pair[1] } }
  project            = var.project
  name               = "${var.name}-${each.value.region}-no-more-${strcontains(each.value.network, ":") ? "ipv6" : "ipv4"}"
  network            = google_compute_network.perspective[each.value.region].id
  direction          = "EGRESS"
  priority           = 65000
  destination_ranges = [each.value.network]
  deny {
    protocol = "all"
  }
}

resource "google_compute_address" "ipv4" {
  for_each     = var.regions
  project      = var.project
  region       = each.key
  name         = "${var.name}-${each.key}-ipv4"
  network_tier = var.network_tier
}

# IPv6 has one tier.
resource "google_compute_address" "ipv6" {
  for_each           = var.regions
  project            = var.project
  region             = each.key
  name               = "${var.name}-${each.key}-ipv6"
  address_type       = "EXTERNAL"
  ip_version         = "IPV6"
  ipv6_endpoint_type = "VM"
  subnetwork         = google_compute_subnetwork.perspective[each.key].id
}
