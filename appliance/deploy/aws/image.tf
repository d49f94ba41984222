# The image goes to a bucket in the first region, is imported there as a snapshot
# and copied to the others. Each region registers an image of its own from its
# copy, so that all have the same settings, which a copied image need not keep.

locals {
  home  = sort(tolist(var.regions))[0]
  label = "${var.name}-${var.image_version}"
}

resource "aws_s3_bucket" "image" {
  region        = local.home
  bucket_prefix = "${var.name}-image-"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "image" {
  region                  = local.home
  bucket                  = aws_s3_bucket.image.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_object" "image" {
  region      = local.home
  bucket      = aws_s3_bucket.image.id
  key         = "${local.label}.raw"
  source      = var.image
  source_hash = filesha256(var.image)
}

# The service that imports may read this bucket and make snapshots.
data "aws_iam_policy_document" "import_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["vmie.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = ["vmimport"]
    }
  }
}

data "aws_iam_policy_document" "import" {
  statement {
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [aws_s3_bucket.image.arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.image.arn}/*"]
  }
  statement {
    actions   = ["ec2:CopySnapshot", "ec2:Describe*", "ec2:ModifySnapshotAttribute", "ec2:RegisterImage"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "import" {
  name_prefix        = "${var.name}-import-"
  assume_role_policy = data.aws_iam_policy_document.import_trust.json
}

resource "aws_iam_role_policy" "import" {
  name   = "import"
  role   = aws_iam_role.import.id
  policy = data.aws_iam_policy_document.import.json
}

resource "aws_ebs_snapshot_import" "image" {
  region      = local.home
  description = local.label
  role_name   = aws_iam_role.import.name
  disk_container {
    format = "RAW"
    user_bucket {
      s3_bucket = aws_s3_object.image.bucket
      s3_key    = aws_s3_object.image.key
    }
  }
  lifecycle {
    replace_triggered_by = [aws_s3_object.image]
  }
  depends_on = [aws_iam_role_policy.import]
}

resource "aws_ebs_snapshot_copy" "image" {
  for_each           = setsubtract(var.regions, [local.home])
  region             = each.key
  description        = local.label
  source_region      = local.home
  source_snapshot_id = aws_ebs_snapshot_import.image.id
}

locals {
  snapshots = merge(
    { (local.home) = aws_ebs_snapshot_import.image.id },
    { for region, copy in aws_ebs_snapshot_copy.image : region => copy.id },
  )
}

resource "aws_ami" "image" {
  for_each            = var.regions
  region              = each.key
  name                = local.label
  architecture        = "x86_64"
  virtualization_type = "hvm"
  boot_mode           = "uefi"
  uefi_data           = var.uefi_data
  tpm_support         = "v2.0"
  ena_support         = true
  imds_support        = "v2.0"
  root_device_name    = "/dev/xvda"
  ebs_block_device {
    device_name           = "/dev/xvda"
    snapshot_id           = local.snapshots[each.key]
    volume_type           = "gp3"
    delete_on_termination = true
  }
  lifecycle {
    create_before_destroy = true
  }
}
