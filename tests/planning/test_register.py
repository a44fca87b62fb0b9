"""The register keeps deployments in the city's folder, whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import threading
from pathlib import Path

import pytest

from planning.deployed import NO_FEED, Deployment, Feed
from planning.errors import InputError
from planning.register import FILE, FolderRegister

FULL = Deployment(
    "k-1", "toy", '=HYPERLINK("x")', 22.1, 82.1, 359.5, 6.0, "bullet-4mp", Feed("rtsp", "rtsp://c/1", (((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)),), "http://n/{start}"),
    "S1", "'Bharat", datetime.date(2025, 2, 3), "abc", "s1/b", ("Built 2 m off", "नोट"), 90.0, "onvif://10.0.0.1:8080", 1_200, 2.5,
)  # fmt: skip
BARE = Deployment("k-2", "toy", "", -22.1, -82.1, None, 6.0, "", NO_FEED)


@pytest.fixture
def register(tmp_path: Path) -> FolderRegister:
    """Two cities without cameras."""
    for name in ("toy", "other"):
        (tmp_path / name).mkdir()
    return FolderRegister(lambda name: tmp_path / name, lambda: ["toy", "other"])


def test_what_is_put_is_read_back_as_it_was(register: FolderRegister, tmp_path: Path) -> None:
    """Every field, also by another process; none is lost when others come."""
    register.put(FULL)
    register.put(BARE)
    fresh = FolderRegister(lambda name: tmp_path / name, lambda: ["toy", "other"])
    assert fresh.list("toy") == (FULL, BARE)
    assert fresh.get("k-2") == BARE
    assert fresh.list("other") == ()


def test_a_register_of_before_onvif_is_read(register: FolderRegister, tmp_path: Path) -> None:
    """One written when it had no such column: no camera of it can be steered, and nothing else is lost."""
    register.put(FULL, BARE)
    path = tmp_path / "toy" / FILE
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [{key: value for key, value in row.items() if key != "onvif"} for row in csv.DictReader(stream)]
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    fresh = FolderRegister(lambda name: tmp_path / name, lambda: ["toy"])
    assert fresh.list("toy") == (dataclasses.replace(FULL, onvif=""), BARE)


def test_a_deployment_takes_the_place_of_its_earlier_self(register: FolderRegister) -> None:
    """The id decides."""
    register.put(FULL, BARE)
    register.put(dataclasses.replace(BARE, title="Depot"))
    assert [one.title for one in register.list("toy")] == [FULL.title, "Depot"]


def test_no_text_is_a_formula_to_a_spreadsheet(register: FolderRegister, tmp_path: Path) -> None:
    """What begins with = gets an apostrophe in the file, and loses it when read."""
    register.put(FULL)
    with (tmp_path / "toy" / FILE).open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["title"].startswith("'=")
    assert row["contractor"] == "''Bharat"


def test_an_id_is_of_one_city(register: FolderRegister) -> None:
    """A second city's camera of the same id is refused, and nothing of that call is kept."""
    register.put(FULL)
    with pytest.raises(InputError) as refused:
        register.put(dataclasses.replace(BARE, city="other"), dataclasses.replace(FULL, city="other"))
    assert refused.value.code == "deployment.taken"
    assert register.list("other") == ()


def test_an_unknown_id_and_a_damaged_file_are_told(register: FolderRegister, tmp_path: Path) -> None:
    """Each with its own code; the damaged file stays as it is."""
    with pytest.raises(InputError) as refused:
        register.get("k-9")
    assert refused.value.code == "deployment.unknown"
    register.put(FULL)
    path = tmp_path / "toy" / FILE
    path.write_text(path.read_text(encoding="utf-8-sig").replace("22.1", "north"), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        register.put(BARE)
    assert refused.value.code == "register.unreadable"
    assert "north" in path.read_text(encoding="utf-8")


def test_writers_at_once_lose_nothing(register: FolderRegister, tmp_path: Path) -> None:
    """Each of several writers, with a register of its own, adds its cameras; all are there afterwards."""

    def work(number: int) -> None:
        own = FolderRegister(lambda name: tmp_path / name, lambda: ["toy", "other"])
        for turn in range(4):
            own.put(dataclasses.replace(BARE, id=f"w{number}-{turn}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(register.list("toy")) == 16


def test_a_register_of_before_repairs_had_a_cost_is_read(register: FolderRegister, tmp_path: Path) -> None:
    """Columns that were not there then are empty, and come with the next camera that is put."""
    register.put(FULL)
    path = tmp_path / "toy" / FILE
    lines = [line.rsplit(",", 2)[0] for line in path.read_text(encoding="utf-8-sig").splitlines()]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    fresh = FolderRegister(lambda name: tmp_path / name, lambda: ["toy"])
    assert fresh.list("toy") == (dataclasses.replace(FULL, repair_inr=None, repair_h=None),)
    fresh.put(BARE)
    assert "repair_inr" in path.read_text(encoding="utf-8-sig").splitlines()[0]
