"""JPEG pictures out of RTP."""

from __future__ import annotations

import numpy as np
import pytest

from live.feeds import read_picture, write_jpeg
from live.nal import Config
from live.rtp import Row
from live.simulated import pictures
from live.stills import config_of
from tests.live.test_rtp import rtp


def parts(jpeg: bytes) -> tuple[bytes, bytes]:
    """The quantizers and the coded data of a JPEG."""
    tables, at = b"", 2
    while True:
        mark, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if mark == 0xDB:
            body = jpeg[at + 4 : at + 2 + length]
            tables += b"".join(body[begin + 1 : begin + 65] for begin in range(0, len(body), 65))
        at += 2 + length
        if mark == 0xDA:
            return tables, jpeg[at:]


def sent(jpeg: bytes, width: int, height: int, *, own: bool, number: int = 1) -> list[bytes]:
    """The picture as interleaved packets. `own`: its quantizers travel with it, else its quality alone."""
    tables, data = parts(jpeg)
    made = []
    for at in range(0, len(data), 500):
        head = b"\0" + at.to_bytes(3) + bytes((1, 255 if own else 50, width // 8, height // 8))
        head += b"\0\0" + len(tables).to_bytes(2) + tables if own and at == 0 else b""
        made.append(rtp(number + len(made), 0, head + data[at : at + 500], marked=at + 500 >= len(data), kind=26))
    return made


@pytest.mark.parametrize("own", [True, False])
def test_a_picture_comes_out_as_it_was_put_in(own: bool) -> None:
    """The head that is made decodes the data to the very picture, its quantizers sent along or told by the quality alone."""
    (picture,) = pictures(1, width=160, height=96)
    jpeg = write_jpeg(picture, quality=80 if own else 50)
    (taken,) = Row("jpeg", 26, 90_000, 2).take(b"".join(sent(jpeg, 160, 96, own=own)))
    found, wanted = read_picture(taken.units[0]), read_picture(jpeg)
    assert found is not None and wanted is not None
    assert np.array_equal(found, wanted)
    assert config_of(taken.units[0], (0, 0)) == Config("jpeg", "jpeg", 160, 96)


def test_a_picture_with_a_hole_is_none_and_the_next_one_is() -> None:
    """A piece that is missing takes its picture alone."""
    (picture,) = pictures(1, width=160, height=96)
    jpeg = write_jpeg(picture)
    taken = Row("jpeg", 26, 90_000, 2)
    broken = sent(jpeg, 160, 96, own=True)
    assert len(broken) > 3
    assert taken.take(b"".join(broken[:1] + broken[2:])) == []
    late = sent(jpeg, 160, 96, own=True, number=1 + len(broken))
    (found,) = taken.take(b"".join(part[:8] + b"\0\0\1\0" + part[12:] for part in late))
    assert read_picture(found.units[0]) is not None
