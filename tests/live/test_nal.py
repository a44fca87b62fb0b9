"""H.264 and H.265 as bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.feeds import write_clip
from live.nal import H264, H265, size_of_h264, split, told_of_h265, units_of_extradata
from live.simulated import pictures

START = b"\0\0\0\1"
SPS, PPS = bytes.fromhex("6742c01fda014016e840000003004000000f03c60ca8"), bytes.fromhex("68ce0fc8")


@pytest.mark.parametrize(("width", "height"), [(320, 192), (640, 360), (1280, 720), (322, 182), (1920, 1080)])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_sizes_are_those_that_were_encoded(tmp_path: Path, codec: str, width: int, height: int) -> None:
    """Width and height are read from the parameter sets as the encoder was given them, cropping included."""
    clip = tmp_path / f"clip.{codec}"
    write_clip(str(clip), pictures(1, width=width, height=height), fps=15, group=15, codec=codec)
    track = H264() if codec == "h264" else H265()
    ((data, key, stamp),) = track.frames(split(clip.read_bytes()), 7)
    config = track.config()
    assert config is not None
    assert (config.width, config.height, key, stamp) == (width, height, True, 7)
    assert track.config() is None
    assert data


def test_a_change_of_the_parameter_sets_is_told_once() -> None:
    """Sets that come again say nothing new; another size does, before the frame that uses it."""
    track = H264(START + SPS + START + PPS)
    first = track.config()
    assert first is not None
    assert (first.string, first.width, first.height) == ("avc1.42c01f", 1280, 720)
    assert units_of_extradata(first.description) == [SPS, PPS]
    track.frames(split(START + SPS + START + PPS + START + b"\x65\x88\x84"), 0)
    assert track.config() is None
    smaller = bytes.fromhex("6742c00ddb050191") + b"\x80"
    track.frames(split(START + smaller + START + PPS + START + b"\x65\x88\x84"), 0)
    changed = track.config()
    if size_of_h264(smaller) is not None:
        assert changed is not None


def test_a_keyframe_in_parts_is_put_together() -> None:
    """Where a sender repeats its sets before each slice, keyframes come whole from the second on; after the first, in parts, no frame goes out."""
    sets, one, two, delta = START + SPS + START + PPS, START + b"\x65\x88\x01\x02", START + b"\x65\x08\x03\x04", START + b"\x41\x9a\x05"
    track = H264()
    assert [key for _, key, _ in track.frames(split(sets + one), 1)] == [True]
    assert track.frames(split(sets + two), 1) == []
    assert track.frames(split(delta), 2) == []
    assert track.frames(split(sets + one), 3) == []
    assert track.frames(split(sets + two), 3) == []
    found = track.frames(split(delta), 4)
    assert [(key, stamp) for _, key, stamp in found] == [(True, 3), (False, 4)]
    assert split(found[0][0]) == [b"\x65\x88\x01\x02", b"\x65\x08\x03\x04"]


def test_frames_come_with_lengths_and_without_sets() -> None:
    """Start codes of three and four bytes and lengths alike become lengths; sets and delimiters are left out, other units stay."""
    slice_, note = b"\x41\x9a\x05", b"\x06\x05\x01"
    lengths = b"".join(len(unit).to_bytes(4) + unit for unit in (b"\x09\xf0", note, slice_))
    for data in (START + b"\x09\xf0" + START + note + b"\0\0\1" + slice_, lengths):
        ((made, key, _),) = H264(START + SPS + START + PPS).frames(split(data), 0)
        assert split(made) == [note, slice_]
        assert not key


@given(st.binary(max_size=200), st.integers(0, 1 << 40))
def test_no_bytes_break_it(data: bytes, stamp: int) -> None:
    """Whatever a camera sends is read as far as it can be, and never raises."""
    for track in (H264(), H265(), H264(data), H265(data), H264(b"\1" + data)):
        for packet in (data, START + data, len(data).to_bytes(4) + data, START + SPS + START + data):
            track.frames(split(packet), stamp)
            track.config()
    size_of_h264(b"\x67" + data)
    told_of_h265(b"\x42\x01" + data)
