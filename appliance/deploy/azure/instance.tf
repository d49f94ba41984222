# No account, no agent, no extensions; without boot diagnostics there is no serial
# console either. `apply` replaces no running perspective for a new image or
# document: -replace does, one at a time.

# Trusted launch without Secure Boot: Azure's firmware knows Microsoft's keys, and
# an image signed with the operator's own needs them given to the gallery
# (uefi_settings), which this version of the provider cannot.
resource "azurerm_managed_disk" "system" {
  for_each                      = var.regions
  name                          = "${var.name}-${each.key}"
  resource_group_name           = azurerm_resource_group.fleet.name
  location                      = each.key
  storage_account_type          = "StandardSSD_LRS"
  create_option                 = "FromImage"
  gallery_image_reference_id    = azurerm_shared_image_version.image.id
  trusted_launch_enabled        = true
  network_access_policy         = "DenyAll"
  public_network_access_enabled = false
  lifecycle {
    ignore_changes = [gallery_image_reference_id]
  }
}

resource "azurerm_linux_virtual_machine" "perspective" {
  for_each              = var.regions
  name                  = "${var.name}-${each.key}"
  resource_group_name   = azurerm_resource_group.fleet.name
  location              = each.key
  size                  = var.size
  os_managed_disk_id    = azurerm_managed_disk.system[each.key].id
  network_interface_ids = [azurerm_network_interface.perspective[each.key].id]
  user_data             = base64encode(var.documents[each.key])
  vtpm_enabled          = true
  secure_boot_enabled   = false
  os_disk {
    caching = "ReadOnly"
  }
  lifecycle {
    ignore_changes       = [user_data]
    replace_triggered_by = [azurerm_managed_disk.system[each.key]]
    precondition {
      condition     = length(base64encode(var.documents[each.key])) <= 65536
      error_message = "The document of ${each.key} is longer than the 64 KiB of user data that Azure takes."
    }
  }
  depends_on = [azurerm_network_interface_security_group_association.perspective]
}
