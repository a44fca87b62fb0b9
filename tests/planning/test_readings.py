"""A draft's files looked at and imported through the confined process; what comes back is trusted only after a check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely

from benchmarks.hostile_files import star
from planning import readings, sandbox
from planning.additions import extended
from planning.city import City, Source
from planning.errors import InputError
from planning.intake import Gathered
from planning.progress import Cancelled, Progress
from planning.readings import gathered_of, import_draft, look_at
from planning.uploads import Draft, new_draft
from tests.desk import ALL, PARTS, areas
from tests.planning.toy_osm import LAT, LON, document

ROWS = "".join(f"मोबाइल चोरी;{day:02}.03.2025;{LAT};{LON + day / 20_000:.5f}\n" for day in range(1, 8))
ODD = ("क्या हुआ;kab;ऊपर;daayen\n" + ROWS + "=1+2;1.4.2025;0;0\n").encode()
MAPPED = {"lat": "ऊपर", "lon": "daayen", "date": "kab", "category": "क्या हुआ"}


@pytest.fixture(name="draft")
def draft_of_a_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draft:
    """A draft with a town and a table of odd columns."""
    monkeypatch.setenv("CHAUKAS_UPLOADS", str(tmp_path / "uploads"))
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    draft = new_draft().add("osm", "town.osm", document(*PARTS).encode()).add("crime", "odd.csv", ODD)
    return draft.add("wards", "wards.geojson", areas(ALL, name=["Ward १"], people=[500]))


def test_a_look_then_the_import_then_more(draft: Draft, tmp_path: Path) -> None:
    """The look says how rows are read and why one is not; the import gives just that; more files join the city, and its plans stay."""
    draft = draft.changed(columns={"odd.csv": MAPPED})
    looked = look_at(draft)
    table, wards = looked.seen["files"]
    assert table["columns"] == ["क्या हुआ", "kab", "ऊपर", "daayen"]
    assert table["guess"] == MAPPED
    assert wards["guess"] == {"ward": "name", "population": "people"}
    assert wards["used"] == 1
    assert (table["used"], table["total"], table["lost"]) == (7, 8, {"coordinates of 0, 0": 1})
    first, last = table["read"][0], table["read"][7]
    assert (first["when"][:10], first["category"], first["lat"]) == ("2025-03-01", "theft", f"{LAT:.6f}")
    assert last["why"] == "coordinates of 0, 0"
    assert look_at(looked) is looked
    steps: list[str] = []
    city, answer = import_draft(looked.changed(name="new", title="New", title_hi="नया"), progress=Progress(lambda step: steps.append(step.stage)))
    assert {"streets", "layers", "tables", "writing"} <= set(steps)
    assert 0 < answer.peak < 600e6
    again = City.load(tmp_path / "cities" / "new")
    assert (again.digest, again.title_hi) == (city.digest, "नया")
    assert len(again["incidents"]) == 7
    assert again["wards"]["population"].tolist() == [500]
    lost = pd.read_csv(tmp_path / "cities" / "new" / "rejects.csv", encoding="utf-8-sig")
    assert lost["क्या हुआ"].tolist() == ["'=1+2"]
    (tmp_path / "cities" / "new" / "plans").mkdir()
    with pytest.raises(InputError) as caught:
        extended(again, Gathered(again.crs, again.area, again.frames, pd.DataFrame(), (Source("incidents", "odd.csv"),), ()))
    assert caught.value.code == "city.source"
    april = ODD.decode().replace(".03.2025", ".04.2025").encode()
    larger, _ = import_draft(new_draft("new").add("crime", "april.csv", april).changed(columns={"april.csv": MAPPED}))
    assert len(larger["incidents"]) == 14
    assert larger["incidents"].index.is_unique
    assert len(larger["roads"]) == len(city["roads"])
    assert len(pd.read_csv(tmp_path / "cities" / "new" / "rejects.csv", encoding="utf-8-sig")) == 2
    assert (tmp_path / "cities" / "new" / "plans").is_dir()
    assert City.load(tmp_path / "cities" / "new").digest == larger.digest != city.digest
    assert list(draft.folder.glob("work.*")) == []


def test_what_is_missing_is_said_before_anything_is_read(draft: Draft) -> None:
    """No streets, a name that is none or taken, a CRS that is none, nothing to add: told together, by code."""
    bare = draft.remove("town.osm").changed(name="../x", crs="/etc/passwd")
    with pytest.raises(InputError) as caught:
        import_draft(bare)
    assert {fault.code for fault in caught.value.faults} == {"upload.streets", "city.name", "upload.crs"}
    with pytest.raises(InputError) as caught:
        import_draft(new_draft("new"))
    assert caught.value.code == "upload.nothing"


def test_a_stopped_import_writes_nothing(draft: Draft, tmp_path: Path) -> None:
    """Stopped on request, no folder is left behind."""
    seen: list[str] = []
    with pytest.raises(Cancelled):
        import_draft(draft.changed(name="new"), progress=Progress(lambda step: seen.append(step.stage), lambda: len(seen) > 2))
    assert not (tmp_path / "cities" / "new").exists()
    assert list(draft.folder.glob("work.*")) == []


def test_shapes_that_want_all_memory_or_time(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outline that crosses itself everywhere ends the process that mends it, or is left out for want of memory; the server lives on."""
    tight = sandbox.limits().replaced(memory=900, cpu=6, wall=60)
    monkeypatch.setattr(sandbox, "limits", lambda: tight)
    try:
        seen = look_at(draft.add("wards", "star.geojson", star(20_000))).seen
        codes = {fault[0] for file in seen["files"] if file["layer"] == "wards" for fault in file["faults"]}
    except InputError as error:
        codes = {error.code}
    # Where GEOS itself says that there is no memory left, the outline counts as one that holds no area.
    assert codes & {"upload.memory", "upload.time", "wards.far"}


def _said(folder: Path) -> dict[str, Any]:
    frame = pd.DataFrame({"id": ["i1"], "category": ["theft"], "when": [pd.NaT], "geometry": [shapely.Point(618_000, 2_443_000).wkb]})
    frame.to_parquet(folder / "incidents.parquet", index=False)
    pd.DataFrame({"row": ["1"]}).to_parquet(folder / "rejects.parquet", index=False)
    area = shapely.box(617_900, 2_442_900, 619_000, 2_444_000).wkt
    return {"crs": "EPSG:32644", "area": area, "layers": ["incidents"], "notes": ["n"], "sources": [["incidents", "a.csv", "", ""]]}


def test_what_comes_back_is_checked(tmp_path: Path) -> None:
    """A process gone wrong cannot hand in other layers, links, shapes that are none, another CRS, or a file that is no table."""
    said = _said(tmp_path)
    assert len(gathered_of(tmp_path, said).frames["incidents"]) == 1
    for changes in (
        {"layers": ["../../etc/passwd"]}, {"layers": ["roads"]}, {"crs": "EPSG:4326"}, {"crs": "/etc/passwd"}, {"area": "POINT (nan nan"},
        {"sources": [["a"] * 9]}, {"notes": None}, {"layers": None},
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            gathered_of(tmp_path, {**said, **changes})
        assert caught.value.code == "upload.answer", changes
    for content in (b"", b"PAR1 not really PAR1", json.dumps(said).encode()):
        (tmp_path / "incidents.parquet").write_bytes(content)
        with pytest.raises(InputError):
            gathered_of(tmp_path, said)
    (tmp_path / "incidents.parquet").unlink()
    (tmp_path / "incidents.parquet").symlink_to("/etc/passwd")
    with pytest.raises(InputError) as caught:
        gathered_of(tmp_path, said)
    assert caught.value.code == "upload.answer"
    assert readings.SHOWN == 8
