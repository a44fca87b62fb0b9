"""Pictures out of RTP."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.rtp import Row, Taken
from planning.errors import FeedError

H264, H265 = b"\x65", b"\x26\x01"


def packets(units: list[bytes], stamp: int, number: int, *, most: int, wide: bool) -> list[bytes]:
    """Interleaved packets of one picture, as its codec's rules have it: small units whole, large ones in pieces, the last one marked."""
    made = list[bytes]()
    for unit in units:
        if len(unit) <= most:
            made.append(unit)
            continue
        head, body = (unit[:2], unit[2:]) if wide else (unit[:1], unit[1:])
        kind = head[0] >> 1 & 63 if wide else head[0] & 31
        first = bytes((head[0] & 0x81 | 49 << 1, head[1])) if wide else bytes((head[0] & 0xE0 | 28,))
        for at in range(0, len(body), most):
            mark = (0x80 if at == 0 else 0) | (0x40 if at + most >= len(body) else 0) | kind
            made.append(first + bytes((mark,)) + body[at : at + most])
    return [rtp(number + at, stamp, payload, marked=at == len(made) - 1) for at, payload in enumerate(made)]


def rtp(number: int, stamp: int, payload: bytes, *, marked: bool, kind: int = 96, channel: int = 2) -> bytes:
    """One interleaved packet."""
    head = bytes((0x80, kind | 0x80 * marked)) + (number & 0xFFFF).to_bytes(2) + (stamp & 0xFFFFFFFF).to_bytes(4) + b"\0\0\0\1"
    return b"$" + bytes((channel,)) + (len(head) + len(payload)).to_bytes(2) + head + payload


def report(seconds: int, stamp: int) -> bytes:
    """An interleaved report of a sender whose clock stands at `seconds` since 1900, and a half."""
    body = b"\x80\xc8\0\x06\0\0\0\1" + seconds.to_bytes(4) + (1 << 31).to_bytes(4) + stamp.to_bytes(4) + b"\0" * 8
    return b"$\x03" + len(body).to_bytes(2) + body


def row(codec: str = "h264") -> Row:
    """A row whose packets come on channel 2."""
    return Row(codec, 96, 90_000, 2)


@given(
    st.sampled_from(["h264", "h265"]), st.lists(st.lists(st.integers(3, 900), min_size=1, max_size=3), min_size=1, max_size=6),
    st.integers(8, 400), st.integers(1, 700), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF),
)  # fmt: skip
def test_units_come_out_as_they_were_put_in(codec: str, sizes: list[list[int]], most: int, chunk: int, number: int, stamp: int) -> None:
    """However units are cut into packets and packets into reads, and wherever counters turn over, each picture has its own units and time."""
    head = H264 if codec == "h264" else H265
    pictures = [[head + bytes((at + size) % 251 for at in range(size)) for size in one] for one in sizes]
    data, at = b"", number
    for order, units in enumerate(pictures):
        made = packets(units, stamp + 6000 * order, at, most=most, wide=codec == "h265")
        data, at = data + b"".join(made), at + len(made)
    taken, found = row(codec), list[Taken]()
    for begin in range(0, len(data), chunk):
        found += taken.take(data[begin : begin + chunk])
    assert [one.units for one in found] == pictures
    steps = {later.stamp_us - earlier.stamp_us for earlier, later in itertools.pairwise(found)}
    assert steps <= {66_666, 66_667}


def test_a_picture_with_a_hole_is_let_go_with_those_after_it_up_to_a_keyframe() -> None:
    """A missing packet takes its picture, the next ones that lean on it, and nothing else; a keyframe it touched does not count as one."""
    delta = b"\x41" + bytes(900)
    key = b"\x65" + bytes(900)
    order, at = list[list[bytes]](), 0
    for number, unit in enumerate((key, delta, delta, key, delta)):
        order.append(packets([unit], 6000 * number, at, most=300, wide=False))
        at += len(order[-1])
    del order[1][1]
    taken = row()
    found = [len(taken.take(b"".join(one))) for one in order]
    assert found == [1, 0, 0, 1, 1]
    del order[3][0]
    taken = row()
    assert [len(taken.take(b"".join(one))) for one in order] == [1, 0, 0, 0, 0]


def test_small_units_in_one_packet_and_a_picture_without_a_mark_are_taken() -> None:
    """Parameter sets that travel together are told apart; a picture whose last packet is not marked ends where the next begins."""
    sets = b"\x18" + b"\0\3\x67\1\2" + b"\0\2\x68\3"
    taken = row()
    assert taken.take(rtp(1, 0, sets, marked=False) + rtp(2, 0, H264 + b"\x88\1", marked=False)) == []
    (found,) = taken.take(rtp(3, 3000, b"\x41\x9a\1", marked=False))
    assert found.units == [b"\x67\1\2", b"\x68\3", H264 + b"\x88\1"]
    wide = row("h265")
    (found,) = wide.take(rtp(1, 0, b"\x60\1" + b"\0\4\x40\1\1\1" + b"\0\4\x42\1\2\2", marked=True))
    assert found.units == [b"\x40\1\1\1", b"\x42\1\2\2"]


def test_the_camera_s_own_clock_is_read_from_its_reports() -> None:
    """A picture's time is the last report's, moved on by the stream's ticks, over their turn too; a camera that counts from its start tells none."""
    taken = row()
    assert taken.take(rtp(1, 10, H264 + b"\x88\1", marked=True))[0].camera_s is None
    (found,) = taken.take(report(2_208_988_800 + 1000, 0xFFFFFFFF - 89_999) + rtp(2, 45_000, H264 + b"\x88\1", marked=True))
    assert found.camera_s == pytest.approx(1000.5 + 1.5)
    (before,) = taken.take(rtp(3, 0xFFFFFFFF - 179_999, H264 + b"\x88\1", marked=True))
    assert before.camera_s == pytest.approx(1000.5 - 1.0)
    counts = row()
    assert counts.take(report(5000, 0) + rtp(1, 0, H264 + b"\x88\1", marked=True))[0].camera_s is None


def test_what_the_camera_says_in_between_is_taken_out_and_rubbish_is_bounded() -> None:
    """Answers between packets are told apart from pictures, in pieces as well; filling is skipped; talk without end is refused."""
    taken = row()
    said = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 4\r\n\r\nbody"
    data = b"\0\0" + rtp(1, 0, H264 + b"\x88\1", marked=True) + said + rtp(2, 3000, H264 + b"\x88\1", marked=True)
    assert sum(len(taken.take(data[at : at + 7])) for at in range(0, len(data), 7)) == 2
    assert taken.answers == [b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 4"]
    with pytest.raises(FeedError, match=r"feed\.broken"):
        for _ in range(10):
            taken.take(b"ANNOUNCE rtsp://camera/" + b"x" * 50_000)


def _long(pictures: int) -> list[bytes]:
    """Packets of many pictures of one large unit each."""
    order, at = list[bytes](), 0
    for number in range(pictures):
        unit = (b"\x65" if number % 15 == 0 else b"\x41") + random.Random(number).randbytes(4000)
        made = packets([unit], 6000 * number, at, most=1300, wide=False)
        order, at = [*order, *made], at + len(made)
    return order


@given(st.integers(0, 1000))
def test_a_stream_whose_bytes_are_spoilt_ends(seed: int) -> None:
    """One byte in a hundred changed on the way: within ten seconds of pictures the stream is told to be broken, and does not limp on."""
    dice, data = random.Random(seed), bytearray(b"".join(_long(150)))
    for _ in range(len(data) // 100):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    taken = row()
    with pytest.raises(FeedError, match=r"feed\.broken"):
        for begin in range(0, len(data), 1460):
            taken.take(bytes(data[begin : begin + 1460]))


@given(st.integers(0, 1000))
def test_a_stream_that_loses_packets_goes_on(seed: int) -> None:
    """A camera that drops every tenth packet, and fills up in between, is shown as well as it can be; so is one with an odd packet now and then."""
    dice, taken, shown = random.Random(seed), row(), 0
    for number, packet in enumerate(_long(300)):
        if dice.random() < 0.1:
            continue
        odd = b"$\2\0\x0c" + b"\x40" + bytes(11) if number % 300 == 0 else b""
        shown += len(taken.take(packet + odd + b"\0" * dice.randrange(8)))
    assert shown > 0


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    """Whatever a camera sends inside a packet, it is passed over or taken, and nothing else happens."""
    for codec in ("h264", "h265", "jpeg"):
        taken = row(codec)
        taken.take(b"$\2" + len(data).to_bytes(2) + data + b"$\3" + len(data).to_bytes(2) + data)
        taken.take(rtp(1, 0, data, marked=True) + rtp(2, 0, data, marked=True))
