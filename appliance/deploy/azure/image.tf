# The image goes to a page blob in the first region and from there into a gallery,
# which copies it to the others. It is a specialised one: Azure puts no account
# into it and waits for no agent to report.

locals {
  home = sort(tolist(var.regions))[0]
  # Versions of a gallery are three numbers: 2026.11.22-1 becomes 2026.1122.1.
  date    = split(".", split("-", var.image_version)[0])
  build   = try(split("-", var.image_version)[1], "0")
  version = "${tonumber(local.date[0])}.${tonumber(local.date[1]) * 100 + tonumber(local.date[2])}.${tonumber(local.build)}"
}

resource "azurerm_resource_group" "fleet" {
  name     = var.name
  location = local.home
}

# Names of storage accounts are the world's: letters and digits, at most 24.
resource "azurerm_storage_account" "image" {
  name                            = substr("${replace(var.name, "-", "")}${md5(azurerm_resource_group.fleet.id)}", 0, 24)
  resource_group_name             = azurerm_resource_group.fleet.name
  location                        = local.home
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  allow_nested_items_to_be_public = false
}

resource "azurerm_storage_container" "image" {
  name                  = "images"
  storage_account_id    = azurerm_storage_account.image.id
  container_access_type = "private"
}

resource "azurerm_storage_blob" "image" {
  name                   = "${var.name}-${var.image_version}.vhd"
  storage_account_name   = azurerm_storage_account.image.name
  storage_container_name = azurerm_storage_container.image.name
  type                   = "Page"
  source                 = var.image
}

resource "azurerm_shared_image_gallery" "images" {
  name                = replace(var.name, "-", "_")
  resource_group_name = azurerm_resource_group.fleet.name
  location            = local.home
}

resource "azurerm_shared_image" "perspective" {
  name                                = "perspective"
  gallery_name                        = azurerm_shared_image_gallery.images.name
  resource_group_name                 = azurerm_resource_group.fleet.name
  location                            = local.home
  os_type                             = "Linux"
  hyper_v_generation                  = "V2"
  architecture                        = "x64"
  specialized                         = true
  accelerated_network_support_enabled = true
  disk_controller_type_nvme_enabled   = true # the sixth and later generations of sizes have no other
  trusted_launch_supported            = true
  identifier {
    publisher = var.name
    offer     = "parallax"
    sku       = "perspective"
  }
}

resource "azurerm_shared_image_version" "image" {
  name                = local.version
  gallery_name        = azurerm_shared_image_gallery.images.name
  image_name          = azurerm_shared_image.perspective.name
  resource_group_name = azurerm_resource_group.fleet.name
  location            = local.home
  blob_uri            = azurerm_storage_blob.image.url
  storage_account_id  = azurerm_storage_account.image.id
  dynamic "target_region" {
    for_each = var.regions
    content {
      name                   = target_region.value
      regional_replica_count = 1
    }
  }
  lifecycle {
    create_before_destroy = true
  }
}
