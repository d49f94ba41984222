variable "name" {
  description = "What everything made here is called by."
  type        = string
}

variable "project" {
  description = "The project of Google Cloud."
  type        = string
}

variable "regions" {
  description = "Regions as Google Cloud calls them."
  type        = set(string)
  validation {
    condition     = alltrue([for region in var.regions : can(regex("^(africa|asia|australia|europe|me|northamerica|southamerica|us)-[a-z]+[0-9]+$", region))])
    error_message = "Expected regions of Google Cloud, such as europe-west3."
  }
}

variable "zones" {
  description = "By region, the zone; without one it is b, which every region has."
  type        = map(string)
}

variable "documents" {
  description = "By region, what `mpic pki issue --perspective` printed. It holds private keys."
  type        = map(string)
  sensitive   = true
}

variable "image" {
  description = "The image for Google Cloud that appliance/build wrote, .gce.tar.gz."
  type        = string
}

variable "image_version" {
  description = "Its version."
  type        = string
}

variable "coordinator_addresses" {
  description = "Networks from which coordinators call."
  type        = set(string)
}

variable "more_outbound_tcp_ports" {
  description = "TCP ports let out beside those that every appliance needs, as for log_forward."
  type        = set(number)
}

variable "machine_type" {
  description = "Any with x86-64."
  type        = string
}

variable "network_tier" {
  description = "Of IPv4. STANDARD leaves Google's network near the region, which is the point of a perspective; PREMIUM leaves it near the target. Not every region has STANDARD."
  type        = string
  validation {
    condition     = contains(["STANDARD", "PREMIUM"], var.network_tier)
    error_message = "Expected STANDARD or PREMIUM."
  }
}

variable "secure_boot" {
  description = "The operator's Secure Boot certificates in DER and base64; null: Secure Boot is off."
  type        = object({ pk = string, kek = string, db = string })
  default     = null
}
