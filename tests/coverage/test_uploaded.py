"""A draft's ground is opened as a plan would open it, in the confined process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from coverage import uploaded
from planning.errors import InputError
from planning.progress import Progress
from tests.planning.toy_osm import CROSSING, at, document


def ground(path: Path, bands: int = 1) -> None:
    """A sound GeoTIFF about the crossing, of one band of heights or of a picture."""
    middle = at(0, 0)
    place = Affine(10.0, 0.0, middle.x - 700, 0.0, -10.0, middle.y + 700)
    heights = np.full((bands, 140, 140), 250 if bands == 1 else 9, dtype=np.uint8)
    with rasterio.open(path, "w", driver="GTiff", height=140, width=140, count=bands, dtype="uint8", crs="EPSG:32644", transform=place) as target:
        target.write(heights)


def given(inside: Path) -> dict[str, object]:
    """What the process is given for a town with ground heights."""
    (inside / "town.osm").write_text(document(*CROSSING), encoding="utf-8")
    files = [["town.osm", "osm"], ["ground.tif", "terrain"]]
    return {"files": files, "inside": str(inside), "columns": {}, "name": "new", "crs": "", "times": 100}


def test_ground_that_can_be_read_is_told(tmp_path: Path) -> None:
    """A look tells the heights of a sound GeoTIFF; an import carries the notes along."""
    inside, scratch = tmp_path / "in", tmp_path / "work"
    inside.mkdir()
    scratch.mkdir()
    ground(inside / "ground.tif")
    (file,) = uploaded.look(scratch, given(inside), Progress())["files"]
    assert file["faults"] == []
    assert file["told"][0] == "ground.tif: ground heights from 250 to 250 m"
    assert "ground.tif: ground heights from 250 to 250 m" in uploaded.collect(scratch, given(inside), Progress())["notes"]


@pytest.mark.parametrize(("kind", "code"), [("picture", "terrain.bands"), ("cut", "terrain.unreadable"), ("huge", "terrain.unreadable")])
def test_ground_that_cannot_be_read_is_refused(tmp_path: Path, kind: str, code: str) -> None:
    """A picture, a file cut short, and one that claims 2^31 rows are faults of the file, at the look and at the import."""
    inside, scratch = tmp_path / "in", tmp_path / "work"
    inside.mkdir()
    scratch.mkdir()
    path = inside / "ground.tif"
    ground(path, 3 if kind == "picture" else 1)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:5_000])
    if kind == "huge":
        data = bytearray(path.read_bytes())
        first = int.from_bytes(data[4:8], "little")
        for entry in range(first + 2, first + 2 + 12 * int.from_bytes(data[first : first + 2], "little"), 12):
            if int.from_bytes(data[entry : entry + 2], "little") == 257:
                data[entry + 2 : entry + 12] = (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + (2**31 - 1).to_bytes(4, "little")
        path.write_bytes(bytes(data))
    (file,) = uploaded.look(scratch, given(inside), Progress())["files"]
    assert [fault[0] for fault in file["faults"]] == [code]
    with pytest.raises(InputError) as caught:
        uploaded.collect(scratch, given(inside), Progress())
    assert caught.value.code == code
