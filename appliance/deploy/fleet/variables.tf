# fleet.tfvars.example shows these filled in.

variable "regions" {
  description = "Where perspectives are, by the codes of the catalogue, such as aws:eu-central-1."
  type        = list(string)
  validation {
    condition     = alltrue([for code in var.regions : can(regex("^(aws|gcp|azure):[a-z0-9-]+$", code))])
    error_message = "Expected codes such as aws:eu-central-1, gcp:us-central1 and azure:brazilsouth."
  }
  validation {
    condition     = length(distinct(var.regions)) == length(var.regions)
    error_message = "A region is given twice."
  }
  validation {
    condition     = length(var.regions) >= 5
    error_message = "Expected at least 5 regions: from 2026-12-15 the Baseline Requirements ask for that many remote perspectives."
  }
}

variable "catalogue" {
  description = "The catalogue of regions; null: the one that comes with these files."
  type        = string
  default     = null
}

variable "documents" {
  description = "The folder with, for each region, CODE.yaml and CODE.row: what `mpic pki issue --perspective CODE` printed to standard output and standard error."
  type        = string
}

variable "images" {
  description = "The folder that appliance/build wrote."
  type        = string
}

variable "image_version" {
  description = "Which image of that folder, such as 2026.11.22-1."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{4}\\.[0-9]{1,2}\\.[0-9]{1,2}-[0-9]+$", var.image_version))
    error_message = "Expected a version such as 2026.11.22-1."
  }
}

variable "coordinator_addresses" {
  description = "Networks from which coordinators call; nobody else reaches a perspective."
  type        = set(string)
  validation {
    condition     = length(var.coordinator_addresses) > 0 && alltrue([for network in var.coordinator_addresses : can(cidrhost(network, 0)) && !endswith(network, "/0")])
    error_message = "Expected networks such as 192.0.2.10/32 and 2001:db8::/64, none of them the whole Internet."
  }
}

variable "coordinator_calls" {
  description = "Over which protocol the coordinator calls perspectives."
  type        = string
  default     = "ipv4"
  validation {
    condition     = contains(["ipv4", "ipv6"], var.coordinator_calls)
    error_message = "Expected ipv4 or ipv6."
  }
}

variable "more_outbound_tcp_ports" {
  description = "TCP ports let out beside those that every appliance needs, as for log_forward."
  type        = set(number)
  default     = []
}

variable "name" {
  description = "What everything made is called by."
  type        = string
  default     = "parallax"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}[a-z0-9]$", var.name))
    error_message = "Expected 3 to 17 lower-case letters, digits and hyphens."
  }
}

variable "aws_instance_type" {
  description = "Any of the Nitro system with x86-64."
  type        = string
  default     = "t3.small"
}

variable "aws_uefi_data" {
  description = "A file with UEFI variables that hold the operator's Secure Boot keys, in base64 as aws_ami has them; null: Secure Boot is off on AWS."
  type        = string
  default     = null
}

variable "google_project" {
  description = "The project of Google Cloud; needed with regions of gcp."
  type        = string
  default     = null
}

variable "google_machine_type" {
  description = "Any with x86-64."
  type        = string
  default     = "e2-small"
}

variable "google_zones" {
  description = "By region, the zone; without one it is b, which every region has."
  type        = map(string)
  default     = {}
}

variable "google_network_tier" {
  description = "STANDARD leaves Google's network near the region, PREMIUM near the target; not every region has STANDARD."
  type        = string
  default     = "STANDARD"
}

variable "google_secure_boot" {
  description = "Files with the operator's Secure Boot certificates in DER; null: Secure Boot is off on Google Cloud."
  type        = object({ pk = string, kek = string, db = string })
  default     = null
}

variable "azure_subscription" {
  description = "The subscription of Azure; needed with regions of azure."
  type        = string
  default     = null
}

variable "azure_size" {
  description = "Any of generation 2 with x86-64."
  type        = string
  default     = "Standard_B2als_v2"
}
