"""What OpenStreetMap's tag values say: lengths, counts, directions and cameras, read from free text.

A value that cannot be read is None, never a guess; the caller counts it. Tags as of the OpenStreetMap wiki: Key:height, Key:width, Key:direction,
Tag:man_made=surveillance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

AREA_KEYS = ("building", "building:part")
DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")
FOOT_M, INCH_M = 0.3048, 0.0254
_UNITS_M = {
    "": 1.0, "m": 1.0, "mtr": 1.0, "mtrs": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "मी": 1.0, "मीटर": 1.0,
    "cm": 0.01, "km": 1000.0, "ft": FOOT_M, "feet": FOOT_M, "foot": FOOT_M, "'": FOOT_M, "फुट": FOOT_M, "फीट": FOOT_M,
    "in": INCH_M, "inch": INCH_M, "inches": INCH_M, '"': INCH_M, "yd": 0.9144,
}  # fmt: skip
_CARDINALS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
CARDINALS: dict[str, float] = {
    **{name: 22.5 * number for number, name in enumerate(_CARDINALS)},
    "NORTH": 0.0, "EAST": 90.0, "SOUTH": 180.0, "WEST": 270.0, "NORTHEAST": 45.0, "SOUTHEAST": 135.0, "SOUTHWEST": 225.0, "NORTHWEST": 315.0,
    "उत्तर": 0.0, "पूर्व": 90.0, "दक्षिण": 180.0, "पश्चिम": 270.0,
}  # fmt: skip
CAMERA_KIND = {
    "fixed": "fixed", "bullet": "fixed", "box": "fixed", "static": "fixed", "panning": "ptz", "ptz": "ptz",
    "pan-tilt-zoom": "ptz", "speed dome": "ptz", "dome": "dome", "anpr": "anpr", "alpr": "anpr", "varifocal": "fixed", "360": "dome",
}  # fmt: skip
PLACE_KIND: Mapping[tuple[str, str], str] = {
    ("amenity", "school"): "school", ("amenity", "kindergarten"): "school", ("amenity", "college"): "college", ("amenity", "university"): "college",
    ("amenity", "hospital"): "hospital", ("amenity", "clinic"): "hospital", ("amenity", "bank"): "bank", ("amenity", "atm"): "atm",
    ("amenity", "bus_station"): "bus_station", ("amenity", "marketplace"): "market", ("amenity", "police"): "police",
    ("amenity", "place_of_worship"): "worship", ("amenity", "fuel"): "fuel", ("shop", "mall"): "market", ("shop", "supermarket"): "market",
    ("railway", "station"): "railway_station", ("railway", "halt"): "railway_station",
}  # fmt: skip
_NUMBER = r"[+-]?\d+(?:\.\d+)?"


def number(value: object) -> float | None:
    """A finite number, however it was written: "7.5", "7,5", "७.५", 7.5; None for anything else."""
    text = str(value).strip().translate(DIGITS)
    if re.fullmatch(r"[+-]?\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    if not re.fullmatch(_NUMBER, text) and not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", text):
        return None
    found = float(text)
    return found if math.isfinite(found) else None


def metres(value: object) -> float | None:
    r"""A length [m] from "7.5", "7,5 m", "24 ft", "6'2\"", "750 cm"; the first of a ";" list; None where it cannot be read."""
    text = str(value).translate(DIGITS).split(";")[0].strip().casefold().replace("’", "'").replace("″", '"').replace("′", "'").lstrip("~≈")
    feet = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:'|ft|feet)\s*(\d+(?:\.\d+)?)\s*(?:\"|''|in|inch|inches)?", text)
    if feet:
        return float(feet[1]) * FOOT_M + float(feet[2]) * INCH_M
    match = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*([^\d\s.]*)\.?", text.strip())
    if match is None or match[2] not in _UNITS_M:
        return None
    return float(match[1].replace(",", ".")) * _UNITS_M[match[2]]


def count(value: object) -> float | None:
    """A count such as lanes or storeys: "2", "2.5", "1;2" (the greatest), "3-4" (the greatest); None where it cannot be read."""
    parts = [number(part) for part in re.split(r"[;|]|(?<=\d)\s*-\s*(?=\d)", str(value)) if part.strip()]
    known = [part for part in parts if part is not None]
    return max(known) if known and len(known) == len(parts) else None


def bearings(value: object) -> list[tuple[float, float | None]]:
    """Directions [deg clockwise from north], each with a width [deg] where a range was given.

    Reads degrees, cardinals ("NW"), ";" lists and ranges. "239-284" is the arc turned clockwise from 239 to 284: its middle, 261.5, and width 45;
    "350-10" crosses north. What cannot be read gives no row.
    """
    found: list[tuple[float, float | None]] = []
    for part in re.split(r"[;,/]", str(value).translate(DIGITS)):
        text = part.strip().upper().rstrip("°").strip()
        ends = re.fullmatch(r"(.+?)\s*[-–]\s*(.+)", text)
        if ends and (first := _bearing(ends[1])) is not None and (last := _bearing(ends[2])) is not None:
            width = (last - first) % 360
            found.append(((first + width / 2) % 360, width or None))
        elif (bearing := _bearing(text)) is not None:
            found.append((bearing, None))
    return found


def _bearing(text: str) -> float | None:
    text = text.strip().rstrip("°").strip()
    if text in CARDINALS:
        return CARDINALS[text]
    degrees = number(text)
    return degrees % 360 if degrees is not None and -360 <= degrees <= 360 else None


def place_kind(tags: Mapping[str, Any]) -> str | None:
    """Our kind of place where people gather; None where the tags make none."""
    if tags.get("public_transport") == "station":
        return "bus_station" if tags.get("bus") == "yes" and tags.get("train") != "yes" else "railway_station"
    return next(
        (PLACE_KIND[key, str(tags[key])] for key in ("amenity", "railway", "shop") if key in tags and (key, str(tags[key])) in PLACE_KIND), None
    )


def camera_kind(*values: object) -> str:
    """Our kind of camera from whatever words describe it; "unknown" where none is known."""
    for value in values:
        text = str(value or "").strip().casefold()
        for word, kind in CAMERA_KIND.items():
            if re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text):
                return kind
    return "unknown"


def camera_rows(tags: Mapping[str, Any]) -> Iterator[dict[str, Any]] | str:
    """The cameras a surveillance feature stands for, one row for each direction, in the columns of the cameras layer.

    A text instead of rows says why it is none of ours: a guard, an indoor camera, some other kind of surveillance.
    """
    kind = str(tags.get("surveillance:type") or "camera").strip()
    if kind.casefold() not in {"camera", "alpr", "anpr"}:
        return f"surveillance:type={kind[:40]}"
    if str(tags.get("surveillance") or "").strip() == "indoor" or str(tags.get("indoor") or "no").strip() not in {"no", ""}:
        return "indoors"
    return _rows(tags, "anpr" if kind.casefold() in {"alpr", "anpr"} else camera_kind(tags.get("camera:type")))


def _rows(tags: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    directions: Sequence[tuple[float | None, float | None]] = bearings(tags.get("camera:direction") or tags.get("direction") or "") or [(None, None)]
    height = metres(tags.get("height") or "")
    for bearing, width in directions:
        yield {
            "kind": kind, "bearing_deg": bearing, "hfov_deg": width, "height_m": height if height is not None and height <= 100 else None,
            "mount": str(tags.get("camera:mount") or "") or None, "junction": str(tags.get("name") or "") or None,
        }  # fmt: skip
