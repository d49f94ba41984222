# An image of Google Cloud is of no region: one is enough for all.

locals {
  # Names of images have no dots.
  label = "${var.name}-${replace(var.image_version, ".", "-")}"
}

resource "google_storage_bucket" "image" {
  project                     = var.project
  name                        = "${var.project}-${var.name}-image"
  location                    = upper(sort(tolist(var.regions))[0])
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
}

resource "google_storage_bucket_object" "image" {
  bucket = google_storage_bucket.image.name
  name   = "${local.label}.tar.gz"
  source = var.image
}

resource "google_compute_image" "image" {
  project = var.project
  name    = local.label
  family  = var.name
  raw_disk {
    source = "https://storage.googleapis.com/${google_storage_bucket.image.name}/${google_storage_bucket_object.image.name}"
  }
  guest_os_features {
    type = "UEFI_COMPATIBLE"
  }
  guest_os_features {
    type = "GVNIC"
  }
  guest_os_features {
    type = "VIRTIO_SCSI_MULTIQUEUE"
  }
  dynamic "shielded_instance_initial_state" {
    for_each = var.secure_boot == null ? [] : [var.secure_boot]
    content {
      pk {
        content   = shielded_instance_initial_state.value.pk
        file_type = "X509"
      }
      keks {
        content   = shielded_instance_initial_state.value.kek
        file_type = "X509"
      }
      dbs {
        content   = shielded_instance_initial_state.value.db
        file_type = "X509"
      }
    }
  }
  lifecycle {
    create_before_destroy = true
  }
}
