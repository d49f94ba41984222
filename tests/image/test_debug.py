"""The debug variant is another image, and nobody can take it for the other."""

import pytest


@pytest.mark.expected(60)
def test_it_says_so_wherever_it_is_asked(boot, document, debug_image):
    appliance = boot(document, image=debug_image)
    appliance.wait_ready()
    assert "DEBUG VARIANT" in appliance.said()
    identity = appliance.client.ask("/identity").json
    assert identity["image_version"] == f"parallax-perspective-debug {debug_image.version}"
    assert any("debug" in notice.lower() for notice in identity["notices"])
