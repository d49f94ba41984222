# A network of its own in each region: perspectives share nothing. Addresses
# and the interface outlive the instance.

locals {
  coordinators_ipv4 = [for network in var.coordinator_addresses : network if !strcontains(network, ":")]
  coordinators_ipv6 = [for network in var.coordinator_addresses : network if strcontains(network, ":")]
  # In: the API from coordinators, and nothing else, not even from the network
  # itself or a load balancer. Out: DNS, HTTP and HTTPS of applicants (and
  # updates), NTP, enrolment. ICMP errors belong to connections that are let through.
  outbound_tcp = concat(["53", "80", "443", "8443"], [for port in var.more_outbound_tcp_ports : tostring(port)])
  outbound_udp = ["53", "123"]
}

resource "azurerm_virtual_network" "perspective" {
  for_each            = var.regions
  name                = "${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.fleet.name
  location            = each.key
  address_space       = ["10.0.0.0/24", "fd00:6d70:6963::/48"]
}

resource "azurerm_subnet" "perspective" {
  for_each                        = var.regions
  name                            = "perspective"
  resource_group_name             = azurerm_resource_group.fleet.name
  virtual_network_name            = azurerm_virtual_network.perspective[each.key].name
  address_prefixes                = ["10.0.0.0/24", "fd00:6d70:6963::/64"]
  default_outbound_access_enabled = false
}

resource "azurerm_network_security_group" "perspective" {
  for_each            = var.regions
  name                = "${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.fleet.name
  location            = each.key
  dynamic "security_rule" {
    for_each = { for priority, networks in { 100 = local.coordinators_ipv4, 110 = local.coordinators_ipv6 } : priority => networks if length(networks) > 0 }
    content {
      name                       = "api-${security_rule.key}"
      priority                   = tonumber(security_rule.key)
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_address_prefixes    = security_rule.value
      source_port_range          = "*"
      destination_address_prefix = "*"
      destination_port_range     = "8443"
    }
  }
  security_rule {
    name                       = "nothing-else-in"
    priority                   = 4096
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }
  security_rule {
    name                       = "out-tcp"
    priority                   = 100
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "Internet"
    destination_port_ranges    = local.outbound_tcp
  }
  security_rule {
    name                       = "out-udp"
    priority                   = 110
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "Udp"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "Internet"
    destination_port_ranges    = local.outbound_udp
  }
  security_rule {
    name                       = "nothing-else-out"
    priority                   = 4096
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }
}

resource "azurerm_public_ip" "ipv4" {
  for_each            = var.regions
  name                = "${var.name}-${each.key}-ipv4"
  resource_group_name = azurerm_resource_group.fleet.name
  location            = each.key
  allocation_method   = "Static"
  sku                 = "Standard"
  ip_version          = "IPv4"
}

resource "azurerm_public_ip" "ipv6" {
  for_each            = var.regions
  name                = "${var.name}-${each.key}-ipv6"
  resource_group_name = azurerm_resource_group.fleet.name
  location            = each.key
  allocation_method   = "Static"
  sku                 = "Standard"
  ip_version          = "IPv6"
}

resource "azurerm_network_interface" "perspective" {
  for_each                       = var.regions
  name                           = "${var.name}-${each.key}"
  resource_group_name            = azurerm_resource_group.fleet.name
  location                       = each.key
  accelerated_networking_enabled = true
  ip_configuration {
    name                          = "ipv4"
    primary                       = true
    subnet_id                     = azurerm_subnet.perspective[each.key].id
    private_ip_address_version    = "IPv4"
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.ipv4[each.key].id
  }
  ip_configuration {
    name                          = "ipv6"
    subnet_id                     = azurerm_subnet.perspective[each.key].id
    private_ip_address_version    = "IPv6"
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.ipv6[each.key].id
  }
}

resource "azurerm_network_interface_security_group_association" "perspective" {
  for_each                  = var.regions
  network_interface_id      = azurerm_network_interface.perspective[each.key].id
  network_security_group_id = azurerm_network_security_group.perspective[each.key].id
}
