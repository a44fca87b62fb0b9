from __future__ import annotations

import os
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from planning.errors import FileRefused
from planning.files import atomic_folder, atomic_path, local_file, read_vector

SHAPE = b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}'


@pytest.mark.parametrize("path", ["http://a/b.geojson", "s3://a/b", "/vsicurl/http://a", "/vsizip//tmp/a.zip", "GPKG:/etc/passwd", "a\x00b"])
def test_only_local_files(path: str) -> None:
    """Addresses, virtual paths and driver prefixes are refused before anything opens them."""
    with pytest.raises(FileRefused) as caught:
        local_file(path)
    assert caught.value.code == "file.remote"


def test_what_is_no_file(tmp_path: Path) -> None:
    """Nothing there, a folder, a pipe, an empty file, one over the cap: each has its code."""
    (tmp_path / "empty").touch()
    (tmp_path / "big").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    cases = [("gone", 9, "file.missing"), (".", 9, "file.kind"), ("pipe", 9, "file.kind"), ("empty", 9, "file.empty"), ("big", 4, "file.size")]
    for name, largest, code in cases:
        with pytest.raises(FileRefused) as caught:
            local_file(tmp_path / name, largest=largest)
        assert caught.value.code == code
    assert local_file(tmp_path / "big", largest=5) == tmp_path / "big"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.vrt", b"<OGRVRTDataSource/>", "file.kind"),
        ("a.geojson", b"<OGRVRTDataSource/>", "file.content"),
        ("a.geojson", b'{"type": "Topology", "objects": {}, "arcs": []}', "file.content"),
        ("a.geojson", b'{"stac_version": "1.0.0", "type": "Feature"}', "file.content"),
        ("a.json", b'{"geometryType": "esriGeometryPoint", "features": []}', "file.content"),
        ("a.geojson", SHAPE[:-20], "file.unreadable"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "file.rows"),
        ("a.shp", b"\x00\x00\x27\x0a" + bytes(20), "file.unreadable"),
        ("a.gpkg", b"SQLite format 3\x00" + bytes(84), "file.unreadable"),
        ("a.gpkg", SHAPE, "file.content"),
        ("a.parquet", b"PAR1" + bytes(8), "file.content"),
    ],
)
def test_hostile_vectors(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """Content that is not what the name says never reaches another driver; what is cut short is refused."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileRefused) as caught:
        read_vector(tmp_path / name)
    assert caught.value.code == code


def test_vectors_are_read_as_they_stand(tmp_path: Path) -> None:
    """Each kind gives its rows and its CRS; a byte order mark is no hindrance; a layer is named or the first."""
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(620000, 2443000)], crs=32644)
    frame.to_file(tmp_path / "a.gpkg", layer="one")
    frame.assign(a=2).to_file(tmp_path / "a.gpkg", layer="two")
    frame.to_file(tmp_path / "a.shp")
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.geojson").write_bytes(b"\xef\xbb\xbf \n" + SHAPE)
    assert read_vector(tmp_path / "a.gpkg")["a"].tolist() == [1]
    assert read_vector(tmp_path / "a.gpkg", layer="two")["a"].tolist() == [2]
    for name in ("a.shp", "a.parquet"):
        assert read_vector(tmp_path / name).crs.to_epsg() == 32644
    assert read_vector(tmp_path / "a.geojson").crs.to_epsg() == 4326
    with pytest.raises(FileRefused) as caught:
        read_vector(tmp_path / "a.gpkg", layer="three")
    assert caught.value.code == "file.layer"


def test_a_path_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error inside leaves the old file and no litter; success leaves the new one."""
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), atomic_path(target) as scratch:
        scratch.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "old"
    with atomic_path(target) as scratch:
        scratch.write_text("new", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error inside leaves the old folder as it was; success drops what the new one has not."""
    target = tmp_path / "city"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(KeyboardInterrupt), atomic_folder(target) as scratch:
        (scratch / "half").touch()
        raise KeyboardInterrupt
    assert [found.name for found in target.iterdir()] == ["old"]
    with atomic_folder(target) as scratch:
        (scratch / "new").touch()
    assert [found.name for found in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_writer_killed_between_two_moves_is_repaired(tmp_path: Path) -> None:
    """The old folder left aside is put back by the next writer, even where that one fails; old litter is swept, a neighbour's is not."""
    aside, litter, other = tmp_path / ".city.abc.part.old", tmp_path / ".city.xyz.part", tmp_path / ".city-two.abc.part"
    for folder in (aside, litter, other):
        folder.mkdir()
        (folder / folder.name).touch()
        os.utime(folder, (time.time() - 7_200,) * 2)
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "city"):
        raise RuntimeError
    assert (tmp_path / "city" / aside.name).exists()
    assert not litter.exists()
    assert other.exists()


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last move fails, the old folder comes back."""
    target = tmp_path / "city"
    target.mkdir()
    (target / "old").touch()
    real = Path.replace

    def fail(self: Path, goal: Path) -> Path:
        if self.suffix == ".part":
            raise OSError("no room")
        return real(self, goal)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"), atomic_folder(target) as scratch:
        (scratch / "new").touch()
    assert [found.name for found in target.iterdir()] == ["old"]
