# No ssh keys, no service account, no serial console. `apply` replaces no running
# perspective for a new image or document: -replace does, one at a time.

resource "google_compute_instance" "perspective" {
  for_each     = var.regions
  project      = var.project
  zone         = "${each.key}-${lookup(var.zones, each.key, "b")}"
  name         = "${var.name}-${each.key}"
  machine_type = var.machine_type
  metadata = {
    user-data              = var.documents[each.key]
    block-project-ssh-keys = "true"
    enable-oslogin         = "false"
    serial-port-enable     = "false"
  }
  boot_disk {
    initialize_params {
      image = google_compute_image.image.self_link
      type  = "pd-balanced"
    }
  }
  network_interface {
    subnetwork = google_compute_subnetwork.perspective[each.key].id
    stack_type = "IPV4_IPV6"
    nic_type   = "GVNIC"
    access_config {
      nat_ip       = google_compute_address.ipv4[each.key].address
      network_tier = var.network_tier
    }
    ipv6_access_config {
      external_ipv6               = google_compute_address.ipv6[each.key].address
      external_ipv6_prefix_length = "96"
      network_tier                = "PREMIUM"
    }
  }
  shielded_instance_config {
    enable_secure_boot          = var.secure_boot != null
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
  lifecycle {
    ignore_changes = [boot_disk[0].initialize_params[0].image, metadata]
    precondition {
      condition     = length(var.documents[each.key]) <= 262144
      error_message = "The document of ${each.key} is longer than the 256 KiB that a value of Google's metadata may have."
    }
  }
  depends_on = [
    google_compute_firewall.api_ipv4,
    google_compute_firewall.api_ipv6,
    google_compute_firewall.out,
    google_compute_firewall.nothing_else_out,
  ]
}
