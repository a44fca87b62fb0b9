"""A user's desk: files of a small town, a folder of cities, and the command line on them, which leaves nothing half-written where it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import cli
from planning import city as cities
from tests.planning.toy_osm import CROSSING, LAT, LON, document, square, way

QUICK = ("--models", "bullet-4mp", "--gap", "0.1", "--time", "5")
HOUSES = ((0.3, 0.08), (-0.45, 0.1), (0.12, 0.4), (-0.35, -0.3))  # steps from the crossing
INSIDE = (0.35, 0.13)  # in the first house
_BLOCKS = [square(100 + 10 * number, east, north) for number, (east, north) in enumerate(HOUSES)]
PARTS = (
    *CROSSING, *(nodes for nodes, _ in _BLOCKS),
    *(way(20 + number, ring, {"building": "yes", "height": "9"}) for number, (_, ring) in enumerate(_BLOCKS)),
)  # fmt: skip
CRIMES = "lat,lon,category\n" + "".join(f"{LAT},{LON + step / 20_000:.5f},theft\n" for step in range(-8, 9))
BOW = [[LON - 0.001, LAT - 0.001], [LON + 0.001, LAT + 0.001], [LON + 0.001, LAT - 0.001], [LON - 0.001, LAT + 0.001], [LON - 0.001, LAT - 0.001]]


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """The outline of a rectangle in degrees."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


ALL = ring(LON - 0.002, LAT - 0.002, LON + 0.002, LAT + 0.002)


def areas(*rings: list[list[float]], **columns: list[Any]) -> bytes:
    """A GeoJSON file of polygons."""
    features = [
        {
            "type": "Feature",
            "properties": {name: cells[row] for name, cells in columns.items()},
            "geometry": {"type": "Polygon", "coordinates": [shape]},
        }
        for row, shape in enumerate(rings)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder below, with the files' bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


class Desk:
    """A folder with a user's files in `files` and cities in `cities`, and the command line on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / "files").mkdir()

    def file(self, name: str, content: str | bytes) -> str:
        """A file of this content; its path."""
        path = self.folder / "files" / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def osm(self, *more: str) -> str:
        """The small town as OpenStreetMap XML; its path."""
        return self.file("town.osm", document(*PARTS, *more))

    def refused(self, arguments: list[str], code: str, *words: str) -> str:
        """What a command says that must be refused: status 1, a code that begins so, these words, a way out; the folder as it was before."""
        before = tree(self.folder)
        status = cli.main(arguments)
        out, err = self.capsys.readouterr()
        assert status == 1, out + err
        assert out == ""
        assert "Traceback" not in err
        told = [line for line in err.splitlines() if line.startswith("chaukas: ")]
        assert f"chaukas: [{code}" in err, err
        for word in words:
            assert word in err, err
        for line in told:
            assert re.fullmatch(r"chaukas: \[(money|[a-z]+\.[a-z]+)\] .+\. \S.+", line), line
        assert tree(self.folder) == before
        return err

    def done(self, arguments: list[str], *words: str) -> str:
        """What a command prints that must go through, with these words among it."""
        status = cli.main(arguments)
        out, err = self.capsys.readouterr()
        assert status == 0, err
        assert "Traceback" not in err
        for word in words:
            assert word in out, out
        return out

    def imported(self, *more: str) -> list[str]:
        """The words of an import of the town with these options."""
        return ["city", "import", "new", "--osm", self.osm(), *more]


@pytest.fixture(name="built", scope="session")
def built_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's folder, imported from its file."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "town.osm").write_text(document(*PARTS), encoding="utf-8")
    (folder / "crime.csv").write_text(CRIMES, encoding="utf-8")
    words = ["city", "import", "town", "--osm", str(folder / "town.osm"), "--crime", str(folder / "crime.csv"), "--folder", str(folder / "town")]
    assert cli.main(words) == 0
    return folder / "town"


@pytest.fixture(name="planned", scope="session")
def plan_of_the_town(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of the town."""
    path = tmp_path_factory.mktemp("planned") / "plan.gpkg"
    assert cli.main(["plan", str(built), "--budget", "1 lakh", *QUICK, "--out", str(path)]) == 0
    return path


@pytest.fixture(name="desk")
def desk_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, built: Path) -> Desk:
    """A desk of one's own, with the town among its cities."""
    monkeypatch.setattr(cities, "FOLDERS", ())
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    shutil.copytree(built, tmp_path / "cities" / "town")
    capsys.readouterr()
    return Desk(tmp_path, capsys)
