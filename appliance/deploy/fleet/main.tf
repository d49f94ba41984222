# Perspectives in three clouds from one list of regions. State holds the
# documents, that is, private keys: README.md says how it is kept.

provider "aws" {
  region = length(local.regions.aws) == 0 ? "us-east-1" : sort(tolist(local.regions.aws))[0]
  default_tags {
    tags = { parallax = var.name }
  }
}

provider "google" {
  project = var.google_project
}

provider "azurerm" {
  subscription_id = var.azure_subscription
  features {
    # Disks are resources of their own here.
    virtual_machine {
      delete_os_disk_on_deletion = false
    }
  }
}

locals {
  catalogue = yamldecode(file(coalesce(var.catalogue, "${path.module}/../../../conf/regions.yaml"))).regions[*].code
  unknown   = setsubtract(var.regions, local.catalogue)
  regions = { for cloud in ["aws", "gcp", "azure"] :
    cloud => toset([for code in var.regions : split(":", code)[1] if startswith(code, "${cloud}:")])
  }
  documents = { for code in var.regions : code => sensitive(file("${var.documents}/${code}.yaml")) }
  image     = "${var.images}/parallax-perspective_${var.image_version}"
}

module "aws" {
  source                  = "../aws"
  count                   = length(local.regions.aws) > 0 ? 1 : 0
  name                    = var.name
  regions                 = local.regions.aws
  documents               = { for region in local.regions.aws : region => local.documents["aws:${region}"] }
  image                   = "${local.image}.raw"
  image_version           = var.image_version
  coordinator_addresses   = var.coordinator_addresses
  more_outbound_tcp_ports = var.more_outbound_tcp_ports
  instance_type           = var.aws_instance_type
  uefi_data               = var.aws_uefi_data == null ? null : trimspace(file(var.aws_uefi_data))
}

module "google" {
  source                  = "../google"
  count                   = length(local.regions.gcp) > 0 ? 1 : 0
  name                    = var.name
  project                 = var.google_project
  regions                 = local.regions.gcp
  zones                   = var.google_zones
  documents               = { for region in local.regions.gcp : region => local.documents["gcp:${region}"] }
  image                   = "${local.image}.gce.tar.gz"
  image_version           = var.image_version
  coordinator_addresses   = var.coordinator_addresses
  more_outbound_tcp_ports = var.more_outbound_tcp_ports
  machine_type            = var.google_machine_type
  network_tier            = var.google_network_tier
  secure_boot             = var.google_secure_boot == null ? null : { for key, path in var.google_secure_boot : key => filebase64(path) }
}

module "azure" {
  source                  = "../azure"
  count                   = length(local.regions.azure) > 0 ? 1 : 0
  name                    = var.name
  regions                 = local.regions.azure
  documents               = { for region in local.regions.azure : region => local.documents["azure:${region}"] }
  image                   = "${local.image}.vhd"
  image_version           = var.image_version
  coordinator_addresses   = var.coordinator_addresses
  more_outbound_tcp_ports = var.more_outbound_tcp_ports
  size                    = var.azure_size
}

# What must hold between variables, before anything is made.
resource "terraform_data" "checked" {
  lifecycle {
    precondition {
      condition     = length(local.unknown) == 0
      error_message = "Not in the catalogue of regions: ${join(", ", local.unknown)}."
    }
    precondition {
      condition     = alltrue([for code in var.regions : yamldecode(nonsensitive(local.documents[code])).code == code])
      error_message = "A document in ${var.documents} is that of another perspective than its file's name says."
    }
    precondition {
      condition     = length(local.regions.gcp) == 0 || var.google_project != null
      error_message = "google_project: expected with regions of gcp."
    }
    precondition {
      condition     = length(local.regions.azure) == 0 || var.azure_subscription != null
      error_message = "azure_subscription: expected with regions of azure."
    }
  }
}
