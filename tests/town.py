"""A made town small enough to plan in a second: three streets that cross, houses askew to them, three wards, lamps, incidents and four cameras."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.transform import Affine

from planning.city import City
from planning.nouns import Scenario
from tests.planning.toy_streets import at, box, frame, line, streets, toy_city

WISH = Scenario(city="toy", budget_inr=130_000, models=("bullet-4mp", "varifocal-4mp"), gap=0.0, time_limit_s=20.0)
HOUSES = (
    (-131.3, 23.7, 17, 12, 7.3, 11), (-104.9, 21.1, 14, 11, 9.1, -4), (-71.2, 24.9, 21, 16, 6.2, 7), (-38.7, 22.3, 12, 13, 12.4, 3),
    (31.6, 24.4, 15, 14, 8.7, 13), (62.3, 27.9, 18, 15, 3.2, -9), (98.8, 23.3, 13, 12, 5.1, 21), (-117.7, -21.9, 16, 12, 10.3, 5),
    (-63.1, -23.8, 20, 14, 4.4, -12), (-29.4, -26.2, 13, 15, 6.9, 8), (37.2, -22.7, 14, 12, 14.2, -6), (83.5, -25.1, 19, 13, 7.7, 17),
    (-22.9, 71.3, 12, 17, 9.9, 14), (24.1, 68.8, 11, 15, 6.6, -8), (-25.3, -74.4, 14, 13, 5.9, -3), (23.7, -81.2, 12, 18, 8.3, 10),
)  # fmt: skip


def house(x: float, y: float, long: float, wide: float, degrees: float) -> shapely.Polygon:
    """A rectangle turned about its middle, which lies at x, y of the town's own metres."""
    turn = np.radians(degrees)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (long / 2, wide / 2)
    corners = half @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return shapely.Polygon([at(x + float(a), y + float(b)) for a, b in corners])


def make_town() -> City:
    """The town, about 300 by 250 m, under a digest that stays the same."""
    roads = streets(
        ("jw", "j0", line((-160, 3), (-80, 1), (0, 0))), ("j0", "je", line((0, 0), (75, -2), (150, 4))),
        ("j0", "jn", line((0, 0), (4, 60), (1, 130))), ("j0", "js", line((0, 0), (-3, -55), (2, -120))),
        ("je", "jf", line((150, 4), (139, 51))), width_m=7.0,
    )  # fmt: skip
    shapes = [house(x, y, long, wide, degrees) for x, y, long, wide, _, degrees in HOUSES]
    incidents = [at(-60.5, 2.5), at(-57.1, 4), at(-90, -2), at(3, 62), at(61, 2.2), at(140, 1.5), at(0.5, -47), at(-4, -99), at(11, 5)]
    return toy_city(
        roads, area=box(-200, -160, 200, 170),
        buildings=frame("buildings", shapes, height_m=[row[4] for row in HOUSES], height_source="made"),
        wards=frame(
            "wards", [box(-200, -160, -9, 170), box(-9, -160, 200, -8), box(-9, -8, 200, 170)], name=["West", "South", "उत्तर"],
            population=[900.0, 400.0, 700.0],
        ),
        zones=frame("zones", [box(-90, -30, -40, 30), box(130, -30, 190, -5)], kind=["priority", "no_mount"], weight=2.0),
        places=frame("places", [at(-42, 9), at(118, -9), at(7, 95)], kind=["school", "market", "bank"]),
        incidents=frame("incidents", incidents, category=["theft", "robbery", "theft"] * 3, when=pd.Timestamp("2025-03-01")),
        lamps=frame("lamps", [at(-120, 6.3), at(-50, -5.2), at(50, 4.6), at(7.9, 41), at(-6.7, -70)], kind=["lamp", "pole", "lamp", "lamp", "pole"]),
        cameras=frame(
            "cameras", [at(5.5, 5.2), at(-140.2, 7.1), at(36.9, -21.3), at(8.3, 120.4)], kind=["fixed", "unknown", "dome", "ptz"],
            bearing_deg=[250.0, None, 10.0, 185.0], hfov_deg=[90.0, None, None, 60.0], height_m=[6.0, None, 5.0, 1.2], source="toy",
        ),
    )  # fmt: skip


def copy_of(city: City, **frames: object) -> City:
    """The city with these layers in place of its own, under a digest of its own."""
    return dataclasses.replace(city, frames={**city.frames, **frames}, digest="")


def hill(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Heights in the town's own metres: rolling ground that rises to the east, and a bank 5 m high across the western street."""
    return 262.0 + 0.03 * x + 3.0 * np.sin(x / 31) * np.cos(y / 27) + 5.0 * np.maximum(1 - np.abs(x + 85) / 12, 0)


def on_hills(city: City, folder: Path, height: object = hill, cell_m: float = 4.0) -> City:
    """The city with such ground as a GeoTIFF in this folder, 500 m each way, under a digest of its own."""
    n = int(1_000 / cell_m)
    x, y = np.meshgrid((np.arange(n) + 0.5) * cell_m - 500, 500 - (np.arange(n) + 0.5) * cell_m)
    place = Affine(cell_m, 0.0, at(-500, 500).x, 0.0, -cell_m, at(-500, 500).y)
    folder.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        folder / "terrain.tif", "w", driver="GTiff", count=1, width=n, height=n, dtype="float64", crs=city.crs.to_wkt(), transform=place
    ) as out:
        out.write(np.asarray(height(x, y), dtype=float) + np.zeros((n, n)), 1)  # type: ignore[operator]
    return dataclasses.replace(city, folder=folder, digest="")
