"""H.264 and H.265 as bytes: what a browser needs to be told of a stream, read from its parameter sets without decoding a picture.

A stream is a row of NAL units. From RTSP each begins with 00 00 01 (Annex B); in MP4 files each begins with its length (AVCC). Browsers take H.264
with lengths and a description, and H.265 with start codes and its parameter sets before each keyframe.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

_START = b"\0\0\1"
_SPS, _PPS, _IDR, _AUD = 7, 8, 5, 9
_VPS5, _SPS5, _PPS5, _AUD5 = 32, 33, 34, 35
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128}  # profiles whose parameter set tells its chroma


@dataclass(frozen=True)
class Config:
    """What a decoder is told first. `codec`: h264, h265 or jpeg; `string`: as browsers name it; `description`: of H.264, else empty."""

    codec: str
    string: str
    width: int
    height: int
    description: bytes = field(default=b"", repr=False)


class _Bits:
    """Bits of a parameter set, its emulation prevention taken out."""

    def __init__(self, unit: bytes) -> None:
        plain = unit.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(plain), len(plain) * 8

    def take(self, count: int) -> int:
        """The next bits as a number; ValueError past the end."""
        self._left -= count
        if self._left < 0:
            raise ValueError("past the end")
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        """The next number of Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("no number")
        return (1 << zeros) - 1 + self.take(zeros)


def split(data: bytes) -> list[bytes]:
    """The NAL units of a packet with start codes or with lengths of four bytes; none where it is neither."""
    if data[:3] == _START or data[:4] == b"\0" + _START:
        return [unit for unit in (part.rstrip(b"\0") for part in data.split(_START)) if unit]
    units, at = [], 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if not 0 < length <= len(data) - at - 4:
            return []
        units.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return units


def units_of_extradata(extradata: bytes) -> list[bytes]:
    """The parameter sets a container tells before the first frame: with start codes, or in MP4's avcC box."""
    if extradata[:1] != b"\1":
        return split(extradata)
    if len(extradata) < 7:
        return []
    units, at = [], 5
    for mask in (0x1F, 0xFF):
        if at >= len(extradata):
            break
        count, at = extradata[at] & mask, at + 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2])
            units.append(extradata[at + 2 : at + 2 + length])
            at += 2 + length
    return units


class Track:
    """One stream as it goes by: keeps its parameter sets, says when they change, and gives each frame as browsers take it.

    Demuxers hand a keyframe of several slices over in parts where its sender repeats the parameter sets before each. Such a stream is known by the
    first part that continues another; from then on keyframes wait for their other parts.
    """

    codec = ""

    def __init__(self, extradata: bytes = b"") -> None:
        self._told: Config | None = None
        self._parted = self._broken = False
        self._held: tuple[bytes, bool, int] | None = None
        self._learn(units_of_extradata(extradata))

    def config(self) -> Config | None:
        """The configuration where it has changed since it was last asked for, else None."""
        found = self._config()
        if found is None or found == self._told:
            return None
        self._told = found
        return found

    def frames(self, units: list[bytes], stamp: int) -> list[tuple[bytes, bool, int]]:
        """Frames that are whole with these NAL units: their bytes, whether decoding can begin with them, and their stamps."""
        made, key, begins = self._frame(units)
        if not made:
            return []
        if not begins:
            if self._held is not None:
                self._held = (self._held[0] + made, *self._held[1:])
            else:
                self._parted = self._broken = True
            return []
        out = [self._held] if self._held is not None else []
        self._held = None
        self._broken = self._broken and not key
        if key and self._parted:
            self._held = (made, key, stamp)
        elif not self._broken:
            out.append((made, key, stamp))
        return out

    def _config(self) -> Config | None:
        """The configuration as the parameter sets have it now."""
        raise AssertionError

    def _frame(self, units: list[bytes]) -> tuple[bytes, bool, bool]:
        """The units of a frame as browsers take them, whether it is a keyframe, and whether it begins a picture."""
        raise AssertionError

    def _learn(self, units: list[bytes]) -> None:
        """Keep the parameter sets among units."""
        raise AssertionError


class H264(Track):
    """An H.264 stream; its frames have lengths."""

    codec = "h264"

    def __init__(self, extradata: bytes = b"") -> None:
        self._sps, self._pps = b"", dict[int, bytes]()
        super().__init__(extradata)

    def _config(self) -> Config | None:
        size = size_of_h264(self._sps) if len(self._sps) >= 4 and self._pps else None
        if size is None:
            return None
        sps, pps = self._sps, list(self._pps.values())
        head = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1)) + len(sps).to_bytes(2) + sps + bytes((len(pps),))
        description = head + b"".join(len(unit).to_bytes(2) + unit for unit in pps)
        return Config("h264", f"avc1.{sps[1:4].hex()}", *size, description)

    def _frame(self, units: list[bytes]) -> tuple[bytes, bool, bool]:
        kinds = [unit[0] & 0x1F for unit in units]
        if _SPS in kinds or _PPS in kinds:
            self._learn(units)
        slices = [unit for unit, kind in zip(units, kinds, strict=True) if 1 <= kind <= _IDR and len(unit) > 1]
        if not slices:
            return b"", False, False
        kept = [unit for unit, kind in zip(units, kinds, strict=True) if kind not in (_SPS, _PPS, _AUD)]
        # A picture's first slice begins at macroblock 0, which Exp-Golomb writes as one set bit.
        begins = bool(slices[0][1] & 0x80)
        return b"".join([part for unit in kept for part in (len(unit).to_bytes(4), unit)]), _IDR in kinds, begins

    def _learn(self, units: list[bytes]) -> None:
        for unit in units:
            kind = unit[0] & 0x1F if unit else 0
            if kind == _SPS and unit != self._sps:
                self._sps, self._pps = unit, {}
            elif kind == _PPS:
                with contextlib.suppress(ValueError):
                    self._pps[_Bits(unit[1:16]).golomb()] = unit


class H265(Track):
    """An H.265 stream; its frames keep their start codes, and each keyframe brings the parameter sets."""

    codec = "h265"

    def __init__(self, extradata: bytes = b"") -> None:
        self._sets: dict[int, bytes] = {}
        # The hvcC box of MP4 is left alone: the sets come again before the first keyframe of a camera.
        super().__init__(extradata if extradata[:1] == b"\0" else b"")

    def _config(self) -> Config | None:
        told = told_of_h265(self._sets[_SPS5]) if len(self._sets) == 3 else None
        return Config("h265", *told) if told else None

    def _frame(self, units: list[bytes]) -> tuple[bytes, bool, bool]:
        kinds = [unit[0] >> 1 & 0x3F for unit in units]
        if any(kind in (_VPS5, _SPS5, _PPS5) for kind in kinds):
            self._learn(units)
        slices = [unit for unit, kind in zip(units, kinds, strict=True) if kind < _VPS5 and len(unit) > 2]
        if not slices:
            return b"", False, False
        kept = [unit for unit, kind in zip(units, kinds, strict=True) if kind < _VPS5 or kind > _AUD5]
        key, begins = any(16 <= kind <= 21 for kind in kinds), bool(slices[0][2] & 0x80)
        sets = [self._sets[kind] for kind in sorted(self._sets)] if key and begins else []
        return b"".join(b"\0" + _START + unit for unit in sets + kept), key, begins

    def _learn(self, units: list[bytes]) -> None:
        for unit in units:
            kind = unit[0] >> 1 & 0x3F
            if kind in (_VPS5, _SPS5, _PPS5):
                self._sets[kind] = unit


def size_of_h264(sps: bytes) -> tuple[int, int] | None:
    """Width and height [px] of a sequence parameter set (ITU-T H.264, 7.3.2.1.1), None where it cannot be read."""
    try:
        bits = _Bits(sps[1:])
        profile = bits.take(8)
        bits.take(16)
        bits.golomb()
        chroma = 1
        if profile in _HIGH:
            chroma = bits.golomb()
            if chroma == 3:
                bits.take(1)
            bits.golomb()
            bits.golomb()
            bits.take(1)
            if bits.take(1):
                for number in range(8 if chroma != 3 else 12):
                    if bits.take(1):
                        _skip_scaling(bits, 16 if number < 6 else 64)
        bits.golomb()
        order = bits.golomb()
        if order == 0:
            bits.golomb()
        elif order == 1:
            bits.take(1)
            bits.golomb()
            bits.golomb()
            for _ in range(bits.golomb()):
                bits.golomb()
        bits.golomb()
        bits.take(1)
        across, down = bits.golomb() + 1, bits.golomb() + 1
        whole = bits.take(1)
        if not whole:
            bits.take(1)
        bits.take(1)
        left = right = top = bottom = 0
        if bits.take(1):
            left, right, top, bottom = (bits.golomb() for _ in range(4))
        unit_x, unit_y = (1 if chroma in (0, 3) else 2), (2 if chroma == 1 else 1) * (2 - whole)
        return _size(across * 16 - unit_x * (left + right), down * 16 * (2 - whole) - unit_y * (top + bottom))
    except ValueError:
        return None


def told_of_h265(sps: bytes) -> tuple[str, int, int] | None:
    """Codec string, width and height [px] of a sequence parameter set (ITU-T H.265, 7.3.2.2.1), None where it cannot be read."""
    try:
        bits = _Bits(sps[2:])
        bits.take(4)
        layers = bits.take(3)
        bits.take(1)
        space, tier, profile = bits.take(2), bits.take(1), bits.take(5)
        compatible, constraints, level = bits.take(32), bits.take(48), bits.take(8)
        present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
        if layers:
            bits.take(2 * (8 - layers))
        for has_profile, has_level in present:
            bits.take(88 * has_profile + 8 * has_level)
        bits.golomb()
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        width, height = bits.golomb(), bits.golomb()
        if bits.take(1):
            unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
            left, right, top, bottom = (bits.golomb() for _ in range(4))
            width, height = width - unit_x * (left + right), height - unit_y * (top + bottom)
        size = _size(width, height)
    except ValueError:
        return None
    if size is None:
        return None
    turned = int(f"{compatible:032b}"[::-1], 2)
    tail = constraints.to_bytes(6).rstrip(b"\0").hex(".").upper()
    string = f"hev1.{'ABC'[space - 1] if space else ''}{profile}.{turned:X}.{'H' if tier else 'L'}{level}{'.' + tail if tail else ''}"
    return string, *size


def _size(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if 0 < width <= 16_384 and 0 < height <= 16_384 else None


def _skip_scaling(bits: _Bits, count: int) -> None:
    last = following = 8
    for _ in range(count):
        if following:
            code = bits.golomb()
            following = (last + ((code + 1) // 2 if code % 2 else -(code // 2)) + 256) % 256
        last = following or last
