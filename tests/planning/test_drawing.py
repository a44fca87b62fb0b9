"""The drawing: each camera a block where it stands, turned to where it looks, with its data."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import ezdxf.filemanagement
import numpy as np
import pytest
import shapely

from planning.city import MADE_NOTE, City
from planning.drawing import write_drawing
from planning.nouns import Plan


def test_each_camera_is_a_block_turned_to_its_bearing(plan: Plan, town: City, tmp_path: Path) -> None:
    """Places are the city's metres; the block's own east, turned, points to the bearing; its data are the camera's."""
    write_drawing(plan, town, tmp_path / "d.dxf")
    drawing = ezdxf.filemanagement.readfile(tmp_path / "d.dxf")
    assert not drawing.audit().has_errors
    assert drawing.units == 6  # metres
    blocks = list(drawing.modelspace().query("INSERT"))
    assert len(blocks) == len(plan.cameras)
    for block, camera in zip(blocks, plan.cameras, strict=True):
        assert (block.dxf.insert.x, block.dxf.insert.y) == pytest.approx((camera.x_m, camera.y_m))
        turn, bearing = math.radians(block.dxf.rotation), math.radians(camera.bearing_deg)
        assert (math.cos(turn), math.sin(turn)) == pytest.approx((math.sin(bearing), math.cos(bearing)), abs=1e-9)
        told = {attribute.dxf.tag: attribute.dxf.text for attribute in block.attribs}
        assert told["ID"] == camera.id
        assert told["BEARING"] == f"{camera.bearing_deg:.1f} deg"


def test_streets_houses_and_views_lie_in_layers_of_their_own(plan: Plan, town: City, tmp_path: Path) -> None:
    """Every street, ring of a house and view is there; the note says which plan, which CRS, and that the data is made."""
    write_drawing(plan, town, tmp_path / "d.dxf")
    space = ezdxf.filemanagement.readfile(tmp_path / "d.dxf").modelspace()
    count = {layer: len(space.query(f'LWPOLYLINE[layer=="{layer}"]')) for layer in ("STREETS", "BUILDINGS", "WARDS", "VIEWS")}
    rings = len(shapely.get_rings(np.asarray(town["buildings"].geometry.array)))
    assert (count["STREETS"], count["BUILDINGS"], count["WARDS"]) == (len(town["roads"]), rings, len(town["wards"]))
    assert count["VIEWS"] >= len(plan.cameras)
    (note,) = space.query("TEXT")
    assert plan.id in note.dxf.text
    assert MADE_NOTE in note.dxf.text
    assert len(space.query("POINT")) == len(town["cameras"])


def test_an_empty_plan_is_drawn(plan: Plan, town: City, tmp_path: Path) -> None:
    """Without cameras the streets are there still."""
    empty = dataclasses.replace(plan, cameras=(), sites=(), views=plan.views.iloc[:0])
    write_drawing(empty, town, tmp_path / "d.dxf")
    space = ezdxf.filemanagement.readfile(tmp_path / "d.dxf").modelspace()
    assert (len(space.query("INSERT")), len(space.query('LWPOLYLINE[layer=="STREETS"]'))) == (0, len(town["roads"]))
