"""The simulated head: where it looks is a matter of time alone."""

from __future__ import annotations

import socket

import pytest

from live.secrets import Credentials
from live.simulated_onvif import RATE, Head, OnvifDevice
from live.soap import envelope, read_xml
from planning.errors import FeedError


class Time:
    """A clock set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def test_a_movement_lasts_as_long_as_it_was_told_to() -> None:
    """Not longer, whenever it is looked at; the zoom and the tilt end at their ends, and the pan goes round."""
    clock = Time()
    head = Head(clock)
    head.run((1.0, -1.0, 1.0), 1.0)
    clock.now_s = 0.5
    assert head.aim() == ((0.5 * RATE, -0.5 * RATE, 0.5 * RATE), True)
    clock.now_s = 9.0
    assert head.aim() == ((RATE, -RATE, RATE), False)
    head.run((1.0, 1.0, 1.0), 3.0)
    clock.now_s = 12.0
    (pan, tilt, zoom), _ = head.aim()
    assert (pan, tilt, zoom) == (pytest.approx(4 * RATE - 2), 1.0, 1.0)


def test_a_goal_is_reached_and_a_stop_stops() -> None:
    """At full speed, and no further; a step adds to where it looks."""
    clock = Time()
    head = Head(clock)
    head.go((0.5, 0.0, 0.0))
    clock.now_s = 0.5
    assert head.aim()[0][0] == 0.5 * RATE
    head.stop()
    clock.now_s = 5.0
    assert head.aim() == ((0.5 * RATE, 0.0, 0.0), False)
    head.go((0.1, 2.0, 0.0), by=True)
    clock.now_s = 50.0
    assert head.aim() == ((pytest.approx(0.5 * RATE + 0.1), 1.0, 0.0), False)


def test_a_proof_of_the_password_counts_once() -> None:
    """As with real devices: a message sent again is refused; so is one without a proof."""
    made = OnvifDevice({"main": "rtsp://127.0.0.1:1/a"}, credentials=Credentials("viewer", "hunter2"))
    try:
        nothing = read_xml(envelope("<x/>"), 10_000)
        assert not made.knows(nothing)
        import base64
        import hashlib

        created = made.now().isoformat()
        digest = base64.b64encode(hashlib.sha1(b"nonce" + created.encode() + b"hunter2").digest()).decode()
        fields = {"Username": "viewer", "Password": digest, "Nonce": base64.b64encode(b"nonce").decode(), "Created": created}
        proof = read_xml(envelope("<x/>", "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())), 10_000)
        assert made.knows(proof)
        assert not made.knows(proof)
    finally:
        made.stop()


def test_a_port_that_is_taken_is_told() -> None:
    """As for simulated cameras."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(FeedError, match=r"simulated\.start"):
        OnvifDevice({}, other.getsockname()[1])
    with pytest.raises(FeedError, match=r"simulated\.start"):
        OnvifDevice({}, 70_000)
