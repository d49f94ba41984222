variable "name" {
  description = "What everything made here is called by."
  type        = string
}

variable "regions" {
  description = "Regions as AWS calls them. One account is of one partition: those of China, GovCloud and the European Sovereign Cloud need another."
  type        = set(string)
  validation {
    condition     = alltrue([for region in var.regions : can(regex("^(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]+$", region))])
    error_message = "Expected regions of the commercial partition of AWS, such as eu-central-1."
  }
}

variable "documents" {
  description = "By region, what `mpic pki issue --perspective` printed. It holds private keys."
  type        = map(string)
  sensitive   = true
}

variable "image" {
  description = "The raw image that appliance/build wrote."
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

variable "instance_type" {
  description = "Any of the Nitro system with x86-64."
  type        = string
}

variable "uefi_data" {
  description = "UEFI variables with the operator's Secure Boot keys, in base64 as aws_ami has them; null: Secure Boot is off."
  type        = string
  default     = null
}
