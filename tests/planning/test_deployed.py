"""Deployments and feeds check themselves once, at birth."""

from __future__ import annotations

import pytest

from planning.deployed import NO_FEED, Deployment, Feed
from planning.errors import InputError


@pytest.mark.parametrize(
    ("kind", "url"),
    [("rtsp", "rtsp://10.1.2.3:554/one"), ("rtsp", "rtsps://cam.example/one"), ("mjpeg", "http://10.1.2.3/v"), ("snapshot", "https://c/x.jpg")],
)
def test_a_feed_takes_the_addresses_of_its_kind(kind: str, url: str) -> None:
    """Streams by rtsp, pictures by http."""
    assert Feed(kind, url).url == url


@pytest.mark.parametrize(
    ("kind", "url"),
    [("rtsp", "http://c/x"), ("snapshot", "file:///etc/passwd"), ("rtsp", "concat:a|b"), ("rtsp", "//[x"), ("hls", "rtsp://c/x")],
)
def test_a_feed_refuses_any_other_address(kind: str, url: str) -> None:
    """What FFmpeg would open besides is no feed."""
    with pytest.raises(InputError):
        Feed(kind, url)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    """The error names the address without them."""
    with pytest.raises(InputError) as refused:
        Feed("rtsp", "rtsp://asha:s3cret@10.1.2.3/one")  # pragma: allowlist secret
    assert refused.value.code == "feed.credentials"
    assert "s3cret" not in str(refused.value)
    assert "asha" not in str(refused.value)


def test_a_wrong_address_with_credentials_tells_none_of_them() -> None:
    """Also where the address is refused for another reason."""
    with pytest.raises(InputError) as refused:
        Feed("snapshot", "rtsp://asha:s3cret@10.1.2.3/one")  # pragma: allowlist secret
    assert "s3cret" not in str(refused.value)


def test_every_fault_of_a_deployment_is_told_at_once() -> None:
    """Id, place, bearing and height."""
    with pytest.raises(InputError) as refused:
        Deployment("a b", "toy", "", 91.0, 0.0, 360.0, 0.0, "", Feed("rtsp", "rtsp://c/x"))
    assert [fault.code for fault in refused.value.faults] == ["deployment.id", "deployment.place", "deployment.bearing", "deployment.height"]


@pytest.mark.parametrize(
    "url", ["rtsp://10.0.0.1", "10.0.0.1", "onvif://", "http://asha:s3cret@10.0.0.1/", "http://[::1"]  # pragma: allowlist secret
)
def test_an_onvif_address_is_a_device_s(url: str) -> None:
    """By onvif, http or https, with a host and without credentials, which no message repeats."""
    assert Deployment("a", "toy", "", 1.0, 0.0, 0.0, 6.0, "", NO_FEED, onvif="onvif://10.0.0.1:80").onvif
    with pytest.raises(InputError) as refused:
        Deployment("a", "toy", "", 1.0, 0.0, 0.0, 6.0, "", NO_FEED, onvif=url)
    assert [fault.code for fault in refused.value.faults] == ["deployment.onvif"]
    assert "s3cret" not in str(refused.value)


def test_a_mask_lies_within_the_picture() -> None:
    """Three points or more, in shares of the picture."""
    assert Feed("rtsp", "rtsp://c/x", (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)).mask
    with pytest.raises(InputError):
        Feed("rtsp", "rtsp://c/x", (((0.0, 0.0), (1.2, 0.0), (1.0, 1.0)),))
