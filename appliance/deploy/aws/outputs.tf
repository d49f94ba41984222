output "addresses" {
  description = "Where each perspective is, by region."
  value = { for region in var.regions : region => {
    ipv4 = aws_eip.perspective[region].public_ip
    ipv6 = one(aws_network_interface.perspective[region].ipv6_addresses)
  } }
}
