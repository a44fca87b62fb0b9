"""Footage: who could have recorded it, what was handed over, and that nobody changed the record."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyproj
import pytest

from live.evidence import Asked, Given, HandOver, Ledger, as_text, ask, recorder_link, weigh
from planning.city import City
from planning.deployed import Deployment, Feed
from planning.errors import FileRefused, InputError
from planning.former import SUFFIX
from planning.store import Store
from tests.databases import by_force
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
def ledger(store: Store, tmp_path: Path) -> Ledger:
    """An empty ledger, on either database."""
    (tmp_path / "toy").mkdir()
    return Ledger(lambda: store, lambda name: tmp_path / name, by="asha")


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


SPOILT = {
    "change": (["UPDATE footage SET line = replace(line, 'theft', 'nothing') WHERE number = 2"], 2, "row_changed"),
    "drop": (["DELETE FROM footage WHERE number = 2"], 2, "row_dropped"),
    "renumbered": (["DELETE FROM footage WHERE number = 2", "UPDATE footage SET number = number - 1 WHERE number > 2"], 2, "row_changed"),
    "swap": ([f"UPDATE footage SET number = {to} WHERE number = {number}" for number, to in ((1, 9), (2, 1), (9, 2))], 1, "row_changed"),
    "cut": (["DELETE FROM footage WHERE number = 4"], None, "row_dropped"),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_ledger_that_was_changed_is_found(ledger: Ledger, store: Store, asked: Asked, spoil: str) -> None:
    """A word changed, a line taken out, the rest moved up, two exchanged: the first line that does not hold is named, and the audit knows as well, of
    a last line cut off too.
    """
    for name in ("asha", "ravi", "meena", "john"):
        ledger.add("toy", dataclasses.replace(asked, by=name))
    assert (ledger.broken("toy"), store.verify()[1]) == (None, None)
    statements, line, what = SPOILT[spoil]
    by_force(store, *statements)
    assert ledger.broken("toy") == line
    broken = store.verify()[1]
    assert broken is not None
    assert broken.what == what
    assert broken.where.startswith("footage/")


def test_each_entry_is_a_line_of_the_audit(ledger: Ledger, store: Store, asked: Asked, tmp_path: Path) -> None:
    """Request, hand-over and the page that was made of them, by whom, and of what."""
    (tmp_path / "a.mp4").write_bytes(b"film")
    ledger.add("toy", asked)
    ledger.add("toy", HandOver(NOON, asked.id, "asha", "Rao", weigh([tmp_path / "a.mp4"]), ""))
    assert ledger.note_page(asked.id, tmp_path / "a.mp4") == hashlib.sha256(b"film").hexdigest()
    with store.read() as tx:
        lines = list(tx.lines())
    assert [(line["action"], line["by"], line["subject"]) for line in lines] == [
        (f"live.footage_{what}", "asha", asked.id) for what in ("asked", "given", "page")
    ]
    assert hashlib.sha256(b"film").hexdigest() in lines[2]["details"]


def test_writers_at_once_make_one_chain(ledger: Ledger, asked: Asked) -> None:
    """Each entry follows another; none is lost."""

    def write(name: str) -> None:
        for number in range(5):
            ledger.add("toy", dataclasses.replace(asked, by=name, case=str(number)))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(ledger.asked("toy")) == 15
    assert ledger.broken("toy") is None


def old_lines(*entries: Asked | HandOver) -> list[str]:
    """Entries as the version before wrote them into its file."""
    lines, previous = list[str](), "0" * 64
    for entry in entries:
        said = {"kind": "asked" if isinstance(entry, Asked) else "handed", **dataclasses.asdict(entry), "previous": previous}
        lines.append(json.dumps(said, sort_keys=True, ensure_ascii=False, default=lambda value: value.isoformat()))
        previous = hashlib.sha256(lines[-1].encode()).hexdigest()
    return lines


def test_a_file_of_before_is_taken_in_with_its_seals(ledger: Ledger, store: Store, asked: Asked, tmp_path: Path) -> None:
    """Every entry as it was, and the seal that was printed is the seal still; new entries follow it; the file lies beside."""
    over = HandOver(NOON, asked.id, "आशा", "Rao", (Given("a.mp4", 4, "ab" * 32),), "सील बंद")
    lines = old_lines(asked, over)
    path = tmp_path / "toy" / Ledger.former
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert ledger.seal("toy") == hashlib.sha256(lines[1].encode()).hexdigest()
    assert (ledger.asked("toy"), ledger.handed("toy", asked.id), ledger.broken("toy")) == ((asked,), (over,), None)
    assert not path.exists()
    assert path.with_name(Ledger.former + SUFFIX).read_text(encoding="utf-8").splitlines() == lines
    ledger.add("toy", dataclasses.replace(over, by="Rao", received_by="the court"))
    assert ledger.broken("toy") is None
    assert len(ledger.handed("toy", asked.id)) == 2
    assert store.verify()[1] is None


@pytest.mark.parametrize(("spoil", "line"), [(lambda lines: [lines[0], lines[2]], 2), (lambda lines: [lines[0], "no entry", lines[2]], 2)])
def test_a_damaged_file_of_before_is_taken_in_as_it_is(ledger: Ledger, asked: Asked, tmp_path: Path, spoil: Any, line: int) -> None:
    """What was tampered with stays evidence, and is told as before."""
    lines = old_lines(*(dataclasses.replace(asked, by=name) for name in ("asha", "ravi", "meena")))
    (tmp_path / "toy" / Ledger.former).write_text("\n".join(spoil(lines)) + "\n", encoding="utf-8")
    assert ledger.broken("toy") == line
    if "no entry" in spoil(lines):
        with pytest.raises(InputError, match="ledger of evidence is damaged"):
            ledger.asked("toy")
