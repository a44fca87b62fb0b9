from __future__ import annotations

import dataclasses
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from planning.city import City, Source, find_city, list_cities
from planning.errors import CityError, InputError
from planning.frames import SCHEMAS, conform, empty

CRS = "EPSG:32644"


def lamps(*places: tuple[float, float], crs: str = CRS) -> gpd.GeoDataFrame:
    """Lamps at places [m]."""
    rows = [f"l{number}" for number in range(len(places))]
    return conform(
        gpd.GeoDataFrame({"kind": ["lamp"] * len(places)}, index=rows, geometry=[shapely.Point(place) for place in places], crs=crs), "lamps"
    )


def city(*places: tuple[float, float]) -> City:
    """A city of lamps only."""
    import pyproj

    return City(
        "toy",
        'Toy "quoted"',
        "टॉय\\",
        pyproj.CRS(CRS),
        shapely.box(0, 0, 100, 100),
        {"lamps": lamps(*places)},
        sources=(Source("lamps", "a.csv", "ODbL", "न\n"),),
        notes=('a "note"', "दो"),
    )


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    """All settings, quotes and Hindi included, and every layer come back; empty layers are there."""
    saved = city((1, 2), (3, 4)).save(tmp_path / "toy")
    again = City.load(tmp_path / "toy")
    for name in ("name", "title", "title_hi", "crs", "sources", "notes", "made", "digest"):
        assert getattr(again, name) == getattr(saved, name)
    assert again.area.equals(saved.area)
    assert set(again.frames) == set(SCHEMAS)
    assert again["lamps"].index.tolist() == ["l0", "l1"]
    assert again.folder == tmp_path / "toy"


def test_the_digest_is_of_content() -> None:
    """A lamp moved by a metre changes the digest, one moved by less than half a millimetre does not; titles are no content."""
    assert city((1, 2)).digest == city((1.0001, 2)).digest
    assert city((1, 2)).digest != city((2, 2)).digest
    assert city((1, 2)).digest != city((1, 2), (1, 2)).digest


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("city.toml", None, "city.missing"),
        ("city.toml", b"version = ", "city.toml"),
        ("city.toml", b"\xff", "city.toml"),
        ("city.toml", b"version = 9", "city.version"),
        ("city.toml", b"version = 1\n", "city.toml"),
        ("city.gpkg", None, "file.missing"),
        ("city.gpkg", b"", "file.empty"),
        ("city.gpkg", b"nonsense", "city.unreadable"),
    ],
)
def test_damaged_folders(tmp_path: Path, file: str, content: bytes | None, code: str) -> None:
    """A file gone, cut or overwritten is named by its code; no foreign exception comes through."""
    city((1, 2)).save(tmp_path)
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        City.load(tmp_path)
    assert caught.value.code == code


def test_settings_changed_by_hand(tmp_path: Path) -> None:
    """An unknown CRS, an unknown key of a source, a layer edited behind its digest: all refused."""
    city((1, 2)).save(tmp_path)
    path = tmp_path / "city.toml"
    text = path.read_text(encoding="utf-8")
    for change, code in (
        ((CRS, "EPSG:1"), "city.unreadable"),
        (("origin =", "from ="), "city.unreadable"),
        (('digest = "', 'digest = "0'), "city.digest"),
    ):
        path.write_text(text.replace(*change), encoding="utf-8")
        with pytest.raises(CityError) as caught:
            City.load(tmp_path)
        assert caught.value.code == code
    path.write_text(text, encoding="utf-8")
    gpd.read_file(tmp_path / "city.gpkg", layer="lamps").assign(kind="pole").to_file(tmp_path / "city.gpkg", layer="lamps")
    with pytest.raises(CityError) as caught:
        City.load(tmp_path)
    assert caught.value.code == "city.digest"


def test_layers_that_do_not_belong(tmp_path: Path) -> None:
    """A layer of another CRS, a layer we do not know, a city in degrees: refused at birth."""
    import pyproj

    box = shapely.box(0, 0, 1, 1)
    cases = [
        (CRS, {"lamps": lamps((1, 2), crs="EPSG:32645")}, "crs.differs"),
        (CRS, {"trees": lamps((1, 2))}, "city.layer"),
        ("EPSG:4326", {"lamps": empty("lamps", "EPSG:4326")}, "crs.degrees"),
        ("EPSG:2223", {}, "crs.unit"),
    ]
    for crs, frames, code in cases:
        with pytest.raises(CityError) as caught:
            City("toy", "Toy", "", pyproj.CRS(crs), box, frames)
        assert caught.value.code == code


def test_cities_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name in the folder the environment names, by path anywhere; an unknown name tells the known ones."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    city((1, 2)).save(tmp_path / "toy")
    assert find_city("toy") == tmp_path / "toy"
    assert find_city(f"{tmp_path}/toy") == tmp_path / "toy"
    assert "toy" in list_cities()
    for name in ("no-such-city", "../toy", f"{tmp_path}/none"):
        with pytest.raises(CityError) as caught:
            find_city(name)
        assert caught.value.code == "city.unknown"


def with_terrain(folder: Path, content: bytes = b"heights") -> City:
    """The city of one lamp, saved and loaded with a terrain file beside it."""
    folder.mkdir()
    (folder / "terrain.tif").write_bytes(content)
    dataclasses.replace(city((1, 2)), folder=folder, digest="").save(folder)
    return City.load(folder)


def test_terrain_is_part_of_the_digest(tmp_path: Path) -> None:
    """A terrain file changes the digest, another one changes it again; without one the digest is that of the layers alone."""
    flat = city((1, 2)).save(tmp_path / "flat")
    one, other, same = (with_terrain(tmp_path / name, content) for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")))
    assert len({flat.digest, one.digest, other.digest}) == 3
    assert one.digest == same.digest
    assert flat.digest == city((1, 2)).digest
    assert (flat.terrain_file, city((1, 2)).terrain_file) == (None, None)
    assert one.terrain_file == tmp_path / "a" / "terrain.tif"


def test_terrain_goes_where_the_city_goes(tmp_path: Path) -> None:
    """Saved elsewhere the terrain goes along, and the city reads back; a flat city saved over it leaves none behind."""
    here = with_terrain(tmp_path / "here")
    there = here.save(tmp_path / "there")
    assert (tmp_path / "there" / "terrain.tif").read_bytes() == b"heights"
    assert City.load(tmp_path / "there").digest == there.digest == here.digest == here.save(tmp_path / "here").digest
    assert City.load(tmp_path / "here").digest == here.digest
    city((1, 2)).save(tmp_path / "there")
    assert City.load(tmp_path / "there").terrain_file is None


@pytest.mark.parametrize("content", [None, b"other"])
def test_terrain_changed_by_hand(tmp_path: Path, content: bytes | None) -> None:
    """A terrain file taken away or exchanged no longer agrees with the digest."""
    with_terrain(tmp_path / "toy")
    path = tmp_path / "toy" / "terrain.tif"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CityError) as caught:
        City.load(tmp_path / "toy")
    assert caught.value.code == "city.digest"
