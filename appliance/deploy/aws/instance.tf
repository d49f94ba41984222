# No key pair, no role, no serial console. `apply` replaces no running
# perspective for a new image or document: -replace does, one at a time.

resource "aws_instance" "perspective" {
  for_each                             = var.regions
  region                               = each.key
  ami                                  = aws_ami.image[each.key].id
  instance_type                        = var.instance_type
  user_data                            = var.documents[each.key]
  user_data_replace_on_change          = true
  instance_initiated_shutdown_behavior = "stop"
  primary_network_interface {
    network_interface_id = aws_network_interface.perspective[each.key].id
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    http_protocol_ipv6          = "disabled"
    instance_metadata_tags      = "disabled"
  }
  root_block_device {
    volume_type = "gp3"
    encrypted   = true
  }
  tags = { Name = var.name }
  lifecycle {
    ignore_changes = [ami, user_data]
    precondition {
      condition     = length(var.documents[each.key]) <= 16384
      error_message = "The document of ${each.key} is longer than the 16 KiB of user-data that AWS takes."
    }
  }
  depends_on = [
    aws_default_route_table.perspective,
    aws_eip.perspective,
    aws_vpc_security_group_egress_rule.perspective,
    aws_vpc_security_group_ingress_rule.perspective,
  ]
}

# For the whole account in these regions; it is off unless somebody switched it on.
resource "aws_ec2_serial_console_access" "off" {
  for_each = var.regions
  region   = each.key
  enabled  = false
}
