output "addresses" {
  description = "Where each perspective is, by region."
  value = { for region in var.regions : region => {
    ipv4 = azurerm_public_ip.ipv4[region].ip_address
    ipv6 = azurerm_public_ip.ipv6[region].ip_address
  } }
}
