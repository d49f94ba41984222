output "addresses" {
  description = "Where each perspective is, by region."
  value = { for region in var.regions : region => {
    ipv4 = google_compute_address.ipv4[region].address
    ipv6 = google_compute_address.ipv6[region].address
  } }
}
