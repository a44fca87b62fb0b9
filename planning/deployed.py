"""Cameras that hang: where a planned camera was really built, since when, and where its pictures come from.

A feed's address holds no credentials: those are sealed elsewhere, under the deployment's id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from urllib.parse import SplitResult, urlsplit

from planning.errors import Fault, InputError

# how a picture is had: a stream to be pulled, a row of JPEGs, one JPEG at a time, a file for demonstrations; none where no address is known yet
FEED_KINDS = ("rtsp", "mjpeg", "snapshot", "file", "none")
_SCHEMES = {"rtsp": ("rtsp", "rtsps"), "mjpeg": ("http", "https"), "snapshot": ("http", "https"), "file": ("file",), "none": ("",)}


@dataclass(frozen=True)
class Feed:
    """Where a camera's pictures come from. `mask`: polygons of the picture, in shares of its width and height, drawn over before it is shown."""

    kind: str
    url: str
    mask: tuple[tuple[tuple[float, float], ...], ...] = ()
    recorder: str = ""  # the recorder's page for a moment, with {start} and {end} in it

    def __post_init__(self) -> None:
        faults = []
        if self.kind not in FEED_KINDS:
            faults.append(Fault("feed.kind", f"A feed is one of {', '.join(FEED_KINDS)}", "Mend the feed's kind", self.kind))
        parts = _split(self.url)
        if parts is None or parts.scheme not in _SCHEMES.get(self.kind, FEED_KINDS):
            allowed = " or ".join(_SCHEMES.get(self.kind, ()))
            faults.append(Fault("feed.url", f"The address of a {self.kind} feed begins with {allowed}", "Mend the address", _bare(self.url)))
        elif self.kind == "none" and self.url:
            faults.append(Fault("feed.url", "A feed of the kind none has no address", "Give its kind, or leave the address out", _bare(self.url)))
        elif parts.username is not None or parts.password is not None:
            way_out = "Leave them out of the address and give them apart: they are sealed"
            faults.append(Fault("feed.credentials", "The address holds a name or a password", way_out, _bare(self.url)))
        if any(len(ring) < 3 or not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in ring) for ring in self.mask):
            faults.append(Fault("feed.mask", "A mask is at least three points with shares between 0 and 1", "Mend the mask", str(self.mask)[:200]))
        if faults:
            raise InputError(faults)


@dataclass(frozen=True)
class Deployment:
    """One camera as built.

    Position in degrees; `bearing_deg` clockwise from north, None where nobody knows; `model`: a key of the catalogue, or what the list calls it;
    `planned`: the planned camera's id; `hfov_deg`: the width of its picture, None for its model's own; `onvif`: the address at which its
    device is asked and steered, empty where it is not; `repair_inr`, `repair_h`: rupees and hours that bringing it back takes, None where it is
    as others are.
    """

    id: str
    city: str
    title: str
    lat: float
    lon: float
    bearing_deg: float | None
    height_m: float
    model: str
    feed: Feed
    serial: str = ""
    contractor: str = ""
    installed_on: date | None = None
    plan: str = ""
    planned: str = ""
    notes: tuple[str, ...] = field(default=())
    hfov_deg: float | None = None
    onvif: str = ""
    repair_inr: int | None = None
    repair_h: float | None = None

    def __post_init__(self) -> None:
        faults = []
        if not self.id or not all(sign.isalnum() or sign in "-_.:" for sign in self.id):
            faults.append(Fault("deployment.id", "An id is letters, digits and - _ . :", "Give another id", self.id))
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            faults.append(Fault("deployment.place", "The place is no latitude and longitude in degrees", "Mend both", f"{self.lat}, {self.lon}"))
        if self.bearing_deg is not None and not 0 <= self.bearing_deg < 360:
            faults.append(Fault("deployment.bearing", "A bearing lies from 0 up to 360 degrees", "Mend the bearing", str(self.bearing_deg)))
        if not 0 < self.height_m <= 100:
            faults.append(Fault("deployment.height", "A height lies above 0 and up to 100 metres", "Mend the height", str(self.height_m)))
        if self.hfov_deg is not None and not 0 < self.hfov_deg <= 360:
            faults.append(Fault("deployment.hfov", "A field of view lies above 0 and up to 360 degrees", "Mend it", str(self.hfov_deg)))
        rupees, hours = self.repair_inr, self.repair_h
        if not 0 < (1 if rupees is None else rupees) <= 100_000_000 or not 0 < (1 if hours is None else hours) <= 10_000:
            what = "A repair costs from 1 to 100,000,000 rupees, and takes up to 10,000 hours"
            faults.append(Fault("deployment.repair", what, "Mend both, or leave them out", f"{self.repair_inr}, {self.repair_h}"))
        parts = _split(self.onvif)
        if self.onvif and (parts is None or parts.scheme not in {"http", "https", "onvif"} or not parts.netloc or "@" in parts.netloc):
            way_out = "Give onvif://HOST:PORT or the http address of its service, without name and password"
            faults.append(Fault("deployment.onvif", "This is no address of an ONVIF device", way_out, _bare(self.onvif)))
        if faults:
            raise InputError(faults)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _bare(url: str) -> str:
    """The address without what may be credentials: an error must not tell them."""
    head, sign, rest = url.partition("://")
    return head + sign + rest.rpartition("@")[2] if sign else "(no address)"


# A camera of which no address is known yet.
NO_FEED = Feed("none", "")
