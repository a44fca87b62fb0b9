"""Drafts: what is taken in, what is kept, and what is let go."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from planning import uploads
from planning.errors import FileRefused, InputError
from planning.sandbox import limits
from planning.uploads import Draft, drafts_folder, find_draft, new_draft, unpack
from tests.planning.toy_osm import CROSSING, document

TABLE = b"lat,lon\n22,82\n"
TOWN = document(*CROSSING).encode()


@pytest.fixture(name="draft")
def draft_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draft:
    """A new draft in a folder of its own."""
    monkeypatch.setenv("CHAUKAS_UPLOADS", str(tmp_path / "uploads"))
    return new_draft()


def test_a_draft_is_found_again(draft: Draft) -> None:
    """Files, columns and names given come back by the token, as they were."""
    kept = draft.add("osm", "town.osm", TOWN).add("crime", "../एक.csv", TABLE)
    kept = kept.changed(columns={"एक.csv": {"lat": "ऊपर"}}, title="Town", title_hi="नगर", step=3)
    again = find_draft(draft.token)
    assert again == kept
    assert (again.inside / "एक.csv").read_bytes() == TABLE
    assert again.main == [("town.osm", "osm"), ("एक.csv", "crime")]
    assert draft.folder.stat().st_mode & 0o777 <= 0o755


def test_one_file_a_layer_where_one_is_all(draft: Draft) -> None:
    """A second street file takes the first one's place, whichever kind; a table of the same name its own, and tables stand side by side."""
    draft = draft.add("osm", "a.osm", TOWN).add("osm", "b.osm", TOWN)
    assert draft.main == [("b.osm", "osm")]
    assert not (draft.inside / "a.osm").exists()
    draft = draft.add("roads", "r.geojson", b"{}").add("crime", "c.csv", TABLE).add("crime", "d.csv", TABLE).add("crime", "c.csv", TABLE * 2)
    assert draft.main == [("r.geojson", "roads"), ("c.csv", "crime"), ("d.csv", "crime")]
    with pytest.raises(FileRefused) as caught:
        draft.add("cameras", "c.csv", TABLE)
    assert caught.value.code == "upload.twice"


def test_parts_of_a_shapefile_go_together(draft: Draft) -> None:
    """Its companions are no files of their own, and go where it goes."""
    draft = draft.add("wards", "w.shp", b"\x00\x00\x27\x0a").add("wards", "w.dbf", b"\x03").add("wards", "w.prj", b"PROJCS")
    assert draft.main == [("w.shp", "wards")]
    assert len(draft.files) == 3
    draft = draft.remove("w.shp")
    assert draft.files == ()
    assert list(draft.inside.iterdir()) == []


def test_a_draft_has_bounds(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files, and too much of them together, is refused before it is written."""
    tight = limits().replaced(files=2, together=1)
    monkeypatch.setattr(uploads, "limits", lambda: tight)
    draft = draft.add("crime", "a.csv", TABLE)
    with pytest.raises(FileRefused) as caught:
        draft.add("crime", "b.csv", TABLE * 80_000)
    assert caught.value.code == "upload.together"
    draft = draft.add("crime", "b.csv", TABLE)
    with pytest.raises(FileRefused) as caught:
        draft.add("crime", "c.csv", TABLE)
    assert caught.value.code == "upload.many"
    assert sorted(path.name for path in draft.inside.iterdir()) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("token", ["", "..", "../../etc", "a" * 22, "/etc/passwd", "a\x00" * 11])
def test_a_token_is_no_path(draft: Draft, token: str) -> None:
    """Whatever stands in the address, only a draft is found by it."""
    with pytest.raises(InputError) as caught:
        find_draft(token)
    assert caught.value.code == "upload.draft"


def test_what_is_no_draft_is_not_read(draft: Draft) -> None:
    """A draft file that is cut short, of another version or with other keys is no draft."""
    for text in ('{"version": 1', '{"version": 2, "files": []}', '{"version": 1, "files": [], "evil": 1}', "[" * 100_000):
        (draft.folder / "draft.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            find_draft(draft.token)


def test_old_drafts_are_swept_and_new_ones_bounded(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft not touched for long goes when the next begins; beyond the bound none begins."""
    other = new_draft()
    long_ago = time.time() - 25 * 3_600
    for path in (draft.folder, draft.inside):
        os.utime(path, (long_ago, long_ago))
    (drafts_folder() / "note.txt").write_text("not a draft", encoding="utf-8")
    third = new_draft()
    assert sorted(path.name for path in drafts_folder().iterdir()) == sorted([other.token, third.token, "note.txt"])
    tight = limits().replaced(drafts=2)
    monkeypatch.setattr(uploads, "limits", lambda: tight)
    with pytest.raises(InputError) as caught:
        new_draft()
    assert caught.value.code == "upload.busy"
    other.drop()
    assert new_draft().folder.is_dir()


def test_a_zip_gives_its_one_file(tmp_path: Path) -> None:
    """A zipped shapefile in a folder of its own, with a note beside it, comes out with its parts under the zip's name, and can be read."""
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(82, 22, 82.1, 22.1)], crs=4326).to_file(tmp_path / "x.shp")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for path in tmp_path.glob("x.*"):
            packed.write(path, f"Wards 2020/{path.name}")
        packed.writestr("Wards 2020/README.txt", "a note")
        packed.writestr("__MACOSX/._x.shp", "a shadow")
    (tmp_path / "वार्ड.zip").write_bytes(out.getvalue())
    folder = tmp_path / "out"
    folder.mkdir()
    found = unpack(tmp_path / "वार्ड.zip", "wards", folder, 100)
    assert found == folder / "वार्ड.shp"
    assert {path.suffix for path in folder.iterdir()} == {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    assert gpd.read_file(found)["name"].tolist() == ["A"]
