"""JPEG pictures out of RTP (RFC 2435): pieces put together, and the head of the picture made, which is not sent with it."""

from __future__ import annotations

_LUMA = bytes((
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
))  # fmt: skip
_CHROMA = bytes((17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99)) + b"\x63" * 48
# The tables every such picture is coded with (ITU-T T.81, K.3), each with its mark and length.
_HUFFMAN = bytes.fromhex(
    "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d0102030004110512213141"
    "0613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465"
    "666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9"
    "dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffc4001f0100030101010101010101010000000000000102030405060708090a0bffc400b511000201020404"
    "03040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
    "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)


class Jpeg:
    """The pieces of one picture after the other."""

    def __init__(self) -> None:
        self._head = b""
        self._data = bytearray()
        self._tables: dict[int, bytes] = {}

    def add(self, piece: bytes) -> None:
        """Put one packet's piece to the picture; one that does not go on where the last ended spoils it."""
        if len(piece) < 12:
            return
        offset, kind, quality, at, restart = int.from_bytes(piece[1:4]), piece[4], piece[5], 8, 0
        if kind & 0x40:
            restart, at = int.from_bytes(piece[8:10]), 12
        if offset == 0:
            tables = _scaled(quality)
            if quality >= 128:
                length = int.from_bytes(piece[at + 2 : at + 4])
                if length:
                    self._tables[quality] = piece[at + 4 : at + 4 + length]
                tables, at = self._tables.get(quality, b""), at + 4 + length
            self._data = bytearray()
            self._head = _head(kind & 0x3F, piece[6] * 8, piece[7] * 8, restart, tables)
        if offset != len(self._data):
            self._head = b""
        self._data += piece[at:]

    def whole(self) -> bytes | None:
        """The picture, once its last piece has come, and none afterwards; None where something of it is missing."""
        data, head = self._data, self._head
        self._data, self._head = bytearray(), b""
        if not data or not head:
            return None
        return head + bytes(data) + (b"" if data.endswith(b"\xff\xd9") else b"\xff\xd9")


def _scaled(quality: int) -> bytes:
    """The quantizers of a quality of 1 to 99."""
    factor = 5000 // max(1, quality) if quality < 50 else max(2, 200 - 2 * quality)
    return bytes(min(255, max(1, (value * factor + 50) // 100)) for value in _LUMA + _CHROMA)


def _head(kind: int, width: int, height: int, restart: int, tables: bytes) -> bytes:
    """All that stands before a picture's data; empty where its kind or its quantizers are none we know."""
    if kind > 1 or len(tables) not in (64, 128) or not width or not height:
        return b""
    quantizers = b"\xff\xdb\0\x43\0" + tables[:64] + b"\xff\xdb\0\x43\x01" + tables[-64:]
    pause = b"\xff\xdd\0\x04" + restart.to_bytes(2) if restart else b""
    size = height.to_bytes(2) + width.to_bytes(2)
    frame = b"\xff\xc0\0\x11\x08" + size + b"\x03\x01" + (b"\x22" if kind else b"\x21") + b"\0\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8" + quantizers + pause + frame + _HUFFMAN + b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0"
