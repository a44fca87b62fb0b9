"""Footage: who could have recorded it, what was handed over, and that nobody changed the record."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyproj
import pytest

from live.evidence import FILE, Asked, HandOver, Ledger, as_text, ask, recorder_link, weigh
from planning.city import City
from planning.deployed import Deployment, Feed
from planning.errors import FileRefused, InputError
from tests.screens.toy import CRS, EAST, NORTH, toy_city

INDIA = timezone(timedelta(hours=5.5))
NOON = datetime(2026, 3, 1, 12, tzinfo=INDIA)


def place(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of the toy's own metres."""
    lon, lat = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform(EAST + x, NORTH + y)
    return lat, lon


def hung(name: str, x: float, aim: float) -> Deployment:
    """A camera on the street, with a recorder's page."""
    feed = Feed("rtsp", f"rtsp://10.0.0.9/{name}", recorder=f"http://nvr/{name}?from={{start}}&to={{end}}&{{0}}")
    return Deployment(name, "toy", name.upper(), *place(x, 400), aim, 6.0, "bullet-4mp", feed)


@pytest.fixture(scope="module")
def asked() -> Asked:
    """A request for a minute at noon between two cameras that see the place, with a third that looks away."""
    city: City = toy_city()
    cameras = [hung("a", 380, 90), hung("b", 420, 270), hung("c", 560, 90)]
    where = place(398.5, 400)
    return ask(city, cameras, *where, NOON, NOON + timedelta(minutes=1), at=NOON + timedelta(hours=5), by="asha", reason="theft", case="FIR 12/2026")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger in a folder of its own."""
    return Ledger(lambda _: tmp_path)


def test_a_request_names_the_cameras_that_see_the_place(asked: Asked) -> None:
    """The sharpest first, each with its recorder's page for the time; nothing else in the template is filled in."""
    assert [one.camera for one in asked.cameras] == ["a", "b"]
    assert asked.cameras[0].px_per_m > asked.cameras[1].px_per_m
    assert asked.cameras[0].link == "http://nvr/a?from=2026-03-01T12%3A00%3A00%2B05%3A30&to=2026-03-01T12%3A01%3A00%2B05%3A30&{0}"
    assert recorder_link(dataclasses.replace(hung("a", 380, 90), feed=Feed("rtsp", "rtsp://c/x")), NOON, NOON) == ""


def test_night_counts_at_both_ends() -> None:
    """Where it grows dark within the time, a camera that saw the place by day only is among them; at night alone it is not."""
    far = dataclasses.replace(hung("far", 330, 90), model="varifocal-4mp", hfov_deg=30.0)
    where = place(395, 400)
    times = (datetime(2026, 3, 1, 17, tzinfo=INDIA), datetime(2026, 3, 1, 23, tzinfo=INDIA))
    found = [
        {one.camera for one in ask(toy_city(), [far], *where, begin, end, at=NOON, by="x", reason="y").cameras}
        for begin, end in (times, (times[1], times[1] + timedelta(minutes=1)))
    ]
    assert found == [{"far"}, set()]


def test_a_request_without_person_reason_or_time_is_refused() -> None:
    """All that is missing at once."""
    with pytest.raises(InputError) as refused:
        ask(toy_city(), [], *place(395, 400), NOON, NOON, at=NOON, by=" ", reason="")
    assert [fault.code for fault in refused.value.faults] == ["evidence.time", "evidence.reason"]


def test_files_are_weighed_as_sha256sum_would(tmp_path: Path) -> None:
    """Name, size and digest; a file that is not there is refused."""
    (tmp_path / "a.mp4").write_bytes(b"x" * 3_000_000)
    (found,) = weigh([tmp_path / "a.mp4"])
    assert (found.name, found.size, found.sha256) == ("a.mp4", 3_000_000, hashlib.sha256(b"x" * 3_000_000).hexdigest())
    with pytest.raises(FileRefused):
        weigh([tmp_path / "b.mp4"])


def test_the_chain_of_custody_is_kept_in_order(ledger: Ledger, asked: Asked, tmp_path: Path) -> None:
    """Request, first and second hand-over are read back as written, and stand in the text to be signed."""
    (tmp_path / "a.mp4").write_bytes(b"film")
    first = HandOver(datetime(2026, 3, 2, tzinfo=UTC), asked.id, "asha", "Inspector Rao", weigh([tmp_path / "a.mp4"]), "on a disk")
    second = dataclasses.replace(first, by="Inspector Rao", received_by="the court", note="")
    for entry in (asked, first, second):
        ledger.add("toy", entry)
    assert ledger.asked("toy") == (asked,)
    assert ledger.handed("toy", asked.id) == (first, second)
    assert ledger.broken("toy") is None
    text = as_text(asked, ledger.handed("toy", asked.id))
    assert text.index("from asha to Inspector Rao; on a disk") < text.index("from Inspector Rao to the court")
    assert first.files[0].sha256 in text


@pytest.mark.parametrize(
    ("change", "code"),
    [({"request": "0" * 12}, "evidence.request"), ({"received_by": " "}, "evidence.receiver"), ({"files": ()}, "evidence.receiver")],
)
def test_a_hand_over_that_names_not_all_is_refused(ledger: Ledger, asked: Asked, tmp_path: Path, change: dict[str, object], code: str) -> None:
    """And nothing is written."""
    (tmp_path / "a.mp4").write_bytes(b"film")
    ledger.add("toy", asked)
    good = HandOver(NOON, asked.id, "asha", "Rao", weigh([tmp_path / "a.mp4"]), "")
    with pytest.raises(InputError) as refused:
        ledger.add("toy", dataclasses.replace(good, **change))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert ledger.handed("toy", asked.id) == ()


@pytest.mark.parametrize("spoil", ["change", "drop", "swap"])
def test_a_ledger_that_was_changed_is_found(ledger: Ledger, asked: Asked, tmp_path: Path, spoil: str) -> None:
    """A word changed, a line taken out, two lines exchanged: the first line that does not hold is named."""
    for name in ("asha", "ravi", "meena", "john"):
        ledger.add("toy", dataclasses.replace(asked, by=name))
    assert ledger.broken("toy") is None
    path = tmp_path / FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    spoilt = {
        "change": [lines[0], lines[1].replace("theft", "nothing"), *lines[2:]], "drop": [lines[0], *lines[2:]],
        "swap": [lines[1], lines[0], *lines[2:]],
    }[spoil]  # fmt: skip
    path.write_text("\n".join(spoilt) + "\n", encoding="utf-8")
    assert ledger.broken("toy") == {"change": 3, "drop": 2, "swap": 1}[spoil]
