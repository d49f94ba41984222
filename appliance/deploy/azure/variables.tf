variable "name" {
  description = "What everything made here is called by."
  type        = string
}

variable "regions" {
  description = "Regions as Azure calls them. One subscription is of one cloud: China's and the US government's need another."
  type        = set(string)
  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]+[0-9]?$", region)) && !can(regex("^(china|usgov|usdod)", region))])
    error_message = "Expected regions of the public cloud of Azure, such as germanywestcentral."
  }
}

variable "documents" {
  description = "By region, what `mpic pki issue --perspective` printed. It holds private keys."
  type        = map(string)
  sensitive   = true
}

variable "image" {
  description = "The image for Azure that appliance/build wrote, .vhd."
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

variable "size" {
  description = "Any of generation 2 with x86-64."
  type        = string
}
