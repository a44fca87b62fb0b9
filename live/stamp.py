"""Place and time burnt into a picture that is taken away: the door to Pillow, which sets Hindi with its conjuncts."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from live.feeds import Picture

_DARK, _LIGHT = (16, 16, 16), (255, 255, 255)


def stamped(picture: Picture, lines: tuple[str, ...]) -> Picture:
    """A copy of the picture with a dark band of text lines added below it: nothing of the picture itself is covered."""
    height, width = picture.shape[:2]
    size = max(12, width // 56)
    line = round(size * 1.7)
    made = Image.new("RGB", (width, height + line * len(lines) + size // 2), _DARK)
    made.paste(Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1])), (0, 0))
    draw = ImageDraw.Draw(made)
    for number, text in enumerate(lines):
        draw.text((size, height + size // 4 + line * number), text, fill=_LIGHT, font=_font(size))
    return np.ascontiguousarray(np.asarray(made, dtype=np.uint8)[:, :, ::-1])


def time_line(wall_s: float) -> str:
    """When a picture was received, to the millisecond, in the machine's own time zone."""
    return datetime.fromtimestamp(wall_s).astimezone().isoformat(sep=" ", timespec="milliseconds")


def place_line(lat: float, lon: float) -> str:
    """A position in degrees."""
    return f"{lat:.6f}, {lon:.6f}"


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    import fontpkg_noto_sans_devanagari as font

    folder = Path(str(font.__file__)).parent / "files"
    return ImageFont.truetype(str(next(iter(sorted(folder.rglob("*.ttf"), key=lambda path: ("Regular" not in path.name, len(path.name)))))), size)
