# A network of its own in each region: perspectives share nothing. Addresses
# belong to an interface that outlives the instance, so that a new image or
# document changes nothing in the coordinator's list.

# A zone that has the instance type; not every one of a region does.
data "aws_ec2_instance_type_offerings" "zones" {
  for_each      = var.regions
  region        = each.key
  location_type = "availability-zone"
  filter {
    name   = "instance-type"
    values = [var.instance_type]
  }
}

resource "aws_vpc" "perspective" {
  for_each                         = var.regions
  region                           = each.key
  cidr_block                       = "10.0.0.0/24"
  assign_generated_ipv6_cidr_block = true
  tags                             = { Name = var.name }
}

resource "aws_internet_gateway" "perspective" {
  for_each = var.regions
  region   = each.key
  vpc_id   = aws_vpc.perspective[each.key].id
  tags     = { Name = var.name }
}

resource "aws_subnet" "perspective" {
  for_each          = var.regions
  region            = each.key
  vpc_id            = aws_vpc.perspective[each.key].id
  availability_zone = sort(data.aws_ec2_instance_type_offerings.zones[each.key].locations)[0]
  cidr_block        = aws_vpc.perspective[each.key].cidr_block
  ipv6_cidr_block   = cidrsubnet(aws_vpc.perspective[each.key].ipv6_cidr_block, 8, 0)
  tags              = { Name = var.name }
  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_default_route_table" "perspective" {
  for_each               = var.regions
  region                 = each.key
  default_route_table_id = aws_vpc.perspective[each.key].default_route_table_id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.perspective[each.key].id
  }
  route {
    ipv6_cidr_block = "::/0"
    gateway_id      = aws_internet_gateway.perspective[each.key].id
  }
}

# Nothing goes by the group that is there without being asked for.
resource "aws_default_security_group" "unused" {
  for_each = var.regions
  region   = each.key
  vpc_id   = aws_vpc.perspective[each.key].id
}

locals {
  everywhere = ["0.0.0.0/0", "::/0"]
  # In: the API from coordinators; "packet too big", without which large answers hang.
  inbound = concat(
    [for network in var.coordinator_addresses : { protocol = "tcp", from = 8443, to = 8443, network = network }],
    [
      { protocol = "icmp", from = 3, to = 4, network = "0.0.0.0/0" },
      { protocol = "icmpv6", from = 2, to = 0, network = "::/0" },
    ],
  )
  # Out: DNS, HTTP and HTTPS of applicants (and updates), NTP, enrolment.
  outbound_ports = concat(
    [
      { protocol = "udp", port = 53 },
      { protocol = "tcp", port = 53 },
      { protocol = "tcp", port = 80 },
      { protocol = "tcp", port = 443 },
      { protocol = "tcp", port = 8443 },
      { protocol = "udp", port = 123 },
    ],
    [for port in var.more_outbound_tcp_ports : { protocol = "tcp", port = port }],
  )
  inbound_rules = { for pair in setproduct(var.regions, local.inbound) :
    "${pair[0]} ${pair[1].protocol} ${pair[1].network}" => merge({ region = pair[0] }, pair[1])
  }
  outbound_rules = { for triple in setproduct(var.regions, local.outbound_ports, local.everywhere) :
    "${triple[0]} ${triple[1].protocol} ${triple[1].port} ${triple[2]}" => merge({ region = triple[0], network = triple[2] }, triple[1])
  }
}

resource "aws_security_group" "perspective" {
  for_each    = var.regions
  region      = each.key
  name        = var.name
  description = "In the API from coordinators, out what checks need"
  vpc_id      = aws_vpc.perspective[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "perspective" {
  for_each          = local.inbound_rules
  region            = each.value.region
  security_group_id = aws_security_group.perspective[each.value.region].id
  ip_protocol       = each.value.protocol
  from_port         = each.value.from
  to_port           = each.value.to
  cidr_ipv4         = strcontains(each.value.network, ":") ? null : each.value.network
  cidr_ipv6         = strcontains(each.value.network, ":") ? each.value.network : null
}

resource "aws_vpc_security_group_egress_rule" "perspective" {
  for_each          = local.outbound_rules
  region            = each.value.region
  security_group_id = aws_security_group.perspective[each.value.region].id
  ip_protocol       = each.value.protocol
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = strcontains(each.value.network, ":") ? null : each.value.network
  cidr_ipv6         = strcontains(each.value.network, ":") ? each.value.network : null
}

resource "aws_network_interface" "perspective" {
  for_each           = var.regions
  region             = each.key
  subnet_id          = aws_subnet.perspective[each.key].id
  security_groups    = [aws_security_group.perspective[each.key].id]
  ipv6_address_count = 1
  tags               = { Name = var.name }
}

resource "aws_eip" "perspective" {
  for_each          = var.regions
  region            = each.key
  domain            = "vpc"
  network_interface = aws_network_interface.perspective[each.key].id
  tags              = { Name = var.name }
  depends_on        = [aws_internet_gateway.perspective]
}
