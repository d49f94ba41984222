"""Where the document comes from, and what the image's disk may be attached to."""

import pytest

from papers import CODE

ASKED = {"aws": ["/latest/api/token", "/latest/user-data"],
         "google": ["/computeMetadata/v1/instance/attributes/user-data"],
         "azure": ["/metadata/instance/compute/userData?api-version=2021-01-01&format=text"]}


def served_as(appliance, code=CODE):
    appliance.wait_ready()
    assert f"urn:mpic:perspective:{code}" in appliance.client.identity()


@pytest.mark.expected(40)
@pytest.mark.parametrize("kind", ("iso9660", "vfat"))
def test_a_cidata_disk(boot, document, kind):
    served_as(boot(document, source=kind))


@pytest.mark.expected(40)
@pytest.mark.parametrize("service", ("aws", "google", "azure"))
def test_a_clouds_metadata_service(boot, document, service):
    """Only what is needed is asked for there, and by first-boot alone."""
    appliance = boot(document, source=service)
    served_as(appliance)
    requests = appliance.cloud.metadata("request")
    assert [one["path"] for one in requests if one["status"] == 200] == ASKED[service]
    assert len(appliance.cloud.metadata("accepted")) == len(requests)


@pytest.mark.expected(40)
@pytest.mark.parametrize("controller", ("nvme", "virtio-scsi"))
def test_other_disk_controllers(boot, document, controller):
    served_as(boot(document, controller=controller))


@pytest.mark.expected(50)
def test_a_credential_goes_before_everything_else(boot, document):
    """Who can give one runs the machine; an operator's user-data is for whom has none."""
    appliance = boot(document, vendor="aws")
    served_as(appliance)
