"""A plan as a drawing for engineers: DXF in the city's metres, each camera a block with its data, and views, sites, streets, houses in layers."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from ezdxf import units
from ezdxf.filemanagement import new

from planning.city import MADE_NOTE, City
from planning.nouns import Plan
from planning.writing import one_line

_LAYERS = {"CAMERAS": 30, "VIEWS": 40, "SITES": 5, "EXISTING": 150, "STREETS": 8, "BUILDINGS": 253, "WARDS": 252, "NOTES": 1}
_SIZE_M = 3.0


def write_drawing(plan: Plan, city: City, path: Path) -> None:
    """Write the plan as DXF R2010.

    Block CAMERA points east at rotation 0, so a camera is inserted at 90 deg less its bearing; its attributes are ID, MODEL, HEIGHT, BEARING, TILT.

    Parameters
    ----------
    path: the .dxf to write; the caller sees to it that it comes whole or not at all.
    """
    drawing = new("R2010", setup=True)
    drawing.units = units.M
    for name, colour in _LAYERS.items():
        drawing.layers.add(name, color=colour)
    _camera_block(drawing)
    space = drawing.modelspace()
    for layer, frame in (("STREETS", city["roads"]), ("BUILDINGS", city["buildings"]), ("WARDS", city["wards"])):
        for part in _lines(np.asarray(frame.geometry.array)):
            space.add_lwpolyline(part, dxfattribs={"layer": layer})
    planned = plan.views[plan.views["planned"].to_numpy(dtype=bool)]
    for part in _lines(np.asarray(planned.geometry.array)):
        space.add_lwpolyline(part, close=True, dxfattribs={"layer": "VIEWS"})
    for site in plan.sites:
        space.add_circle((site.x_m, site.y_m), _SIZE_M / 2, dxfattribs={"layer": "SITES"})
    for x, y in shapely.get_coordinates(city["cameras"].geometry.array):
        space.add_point((x, y), dxfattribs={"layer": "EXISTING"})
    for camera in plan.cameras:
        block = space.add_blockref("CAMERA", (camera.x_m, camera.y_m), dxfattribs={"rotation": 90.0 - camera.bearing_deg, "layer": "CAMERAS"})
        block.add_auto_attribs({
            "ID": shown(camera.id), "MODEL": shown(camera.model), "HEIGHT": f"{camera.height_m:g} m", "BEARING": f"{camera.bearing_deg:.1f} deg",
            "TILT": f"{camera.tilt_deg:.1f} deg",
        })  # fmt: skip
    west, south, _, _ = city.area.bounds
    note = f"{shown(city.title)} - plan {plan.id} - {city.crs.to_string()}, metres{' - ' + MADE_NOTE if plan.made else ''}"
    space.add_text(note, height=8, dxfattribs={"layer": "NOTES"}).set_placement((west, south - 20))
    drawing.saveas(path)


def shown(text: str) -> str:
    """Text in one line such that a drawing's reader shows it as it is: %% and ^ begin codes there, and \\U+ and \\M+ letters by number."""
    line = one_line(text)
    if "%%" in line:
        line = line.replace("%", "%%%")
    return re.sub(r"\\(?=[UM]\+)", "\\\u200c", line.replace("^", "^ "))


def _camera_block(drawing: Any) -> None:
    block = drawing.blocks.new("CAMERA")
    half = math.tan(math.radians(25)) * _SIZE_M
    block.add_lwpolyline([(0, 0), (_SIZE_M, half), (_SIZE_M, -half)], close=True)
    block.add_circle((0, 0), _SIZE_M / 4)
    for number, tag in enumerate(("ID", "MODEL", "HEIGHT", "BEARING", "TILT")):
        invisible = {"height": 1.0, "flags": 1} if number else {"height": 1.0}
        block.add_attdef(tag, (0.5, -2.0 - 1.5 * number), dxfattribs=invisible)


def _lines(shapes: np.ndarray) -> list[list[tuple[float, float]]]:
    """Every line and ring as its points."""
    flat = shapely.get_parts(np.concatenate([shapely.get_parts(shapes), np.empty(0, dtype=object)]))
    polygons = shapely.get_type_id(flat) == shapely.GeometryType.POLYGON
    lines = np.concatenate([flat[~polygons], shapely.get_rings(flat[polygons])])
    return [[(float(x), float(y)) for x, y in shapely.get_coordinates(line)] for line in lines if not shapely.is_empty(line)]
