"""Secure Boot with an operator's own keys."""

import pytest

import nvram
import qemu

REFUSED = "Access Denied"
PATIENCE_S = 60


@pytest.fixture
def variables(images, tmp_path):
    """Of a firmware whose owner has enrolled the key that the signed image is signed with."""
    return nvram.enrolled(qemu.SECURE[1], tmp_path / "enrolled.fd", images / "secure-boot.pem")


@pytest.mark.expected(90)
def test_a_signed_image_boots(boot, document, signed, variables):
    appliance = boot(document, image=signed, secure_boot=True, variables=variables)
    appliance.wait_ready(300)


@pytest.mark.expected(60)
def test_an_unsigned_one_does_not(boot, document, image, variables):
    """The firmware says so; the loader never runs, nor does the kernel."""
    appliance = boot(document, image=image, secure_boot=True, variables=variables)
    appliance.wait_for(REFUSED, PATIENCE_S, never=["parallax:", "Linux version"])
