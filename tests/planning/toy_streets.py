"""Small cities drawn by hand, for tests of demand and sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from planning.city import City
from planning.frames import conform

CRS = "EPSG:32644"
EAST, NORTH = 550_000.0, 2_440_000.0  # so that coordinates are as large as real ones


def at(x: float, y: float) -> shapely.Point:
    """A point of the toy's own metres."""
    return shapely.Point(EAST + x, NORTH + y)


def line(*points: tuple[float, float]) -> shapely.LineString:
    """A line of the toy's own metres."""
    return shapely.LineString([(EAST + x, NORTH + y) for x, y in points])


def box(x1: float, y1: float, x2: float, y2: float) -> shapely.Polygon:
    """A box of the toy's own metres."""
    return shapely.box(EAST + x1, NORTH + y1, EAST + x2, NORTH + y2)


def frame(layer: str, shapes: Sequence[shapely.Geometry], ids: Sequence[str] | None = None, **columns: Any) -> gpd.GeoDataFrame:
    """A layer under its schema; a column is one value for all or a list."""
    index = pd.Index(list(ids) if ids is not None else [f"{layer[0]}{number}" for number in range(1, len(shapes) + 1)], dtype=object)
    data = pd.DataFrame({name: value if isinstance(value, list) else [value] * len(shapes) for name, value in columns.items()}, index=index)
    return conform(gpd.GeoDataFrame(data, geometry=list(shapes), crs=CRS), layer)


def streets(*rows: tuple[str, str, shapely.LineString], width_m: float = 6.0, road_class: str = "residential", **columns: Any) -> gpd.GeoDataFrame:
    """Roads from rows of start, end and line."""
    ends = {"from_junction": [row[0] for row in rows], "to_junction": [row[1] for row in rows]}
    return frame("roads", [row[2] for row in rows], width_m=width_m, road_class=road_class, **ends, **columns)


def cross(arm_m: float = 100.0, **columns: Any) -> gpd.GeoDataFrame:
    """Four arms that meet at the origin: east, north, west, south."""
    tips = (("e", arm_m, 0.0), ("n", 0.0, arm_m), ("w", -arm_m, 0.0), ("s", 0.0, -arm_m))
    return streets(*((f"j{name}", "j0", line((x, y), (0, 0))) for name, x, y in tips), **columns)


def toy_city(roads: gpd.GeoDataFrame, *, area: shapely.Geometry | None = None, **layers: gpd.GeoDataFrame) -> City:
    """A made city of these layers; the study area is 1 km around the origin where none is given."""
    return City(
        name="toy", title="Toy", title_hi="खिलौना", crs=pyproj.CRS(CRS), area=area if area is not None else box(-1000, -1000, 1000, 1000),
        frames={"roads": roads, **layers}, made=True,
    )  # fmt: skip


def shuffled(city: City, seed: int = 7) -> City:
    """The same city with the rows of every layer in another order."""
    frames = {layer: table.sample(frac=1.0, random_state=seed) for layer, table in city.frames.items()}
    return City(name=city.name, title=city.title, title_hi=city.title_hi, crs=city.crs, area=city.area, frames=frames, made=True)


def busy_city() -> City:
    """Something of every layer: a cross with a dead end, a wide road, houses, two wards, zones, places, incidents, lamps and a police station."""
    roads = pd.concat([cross(200.0), streets(("je", "jf", line((200, 0), (200, 150))), width_m=16.0, road_class="primary")])
    roads.index = pd.Index([f"r{number}" for number in range(1, len(roads) + 1)], dtype=object)
    houses = [box(x, y, x + 12, y + 10) for x in (6, 30, 60, 100) for y in (6, -16)] + [box(-40, 6, -6, 30), box(-30, -30, -5, -5)]
    return toy_city(
        gpd.GeoDataFrame(roads, crs=CRS),
        buildings=frame("buildings", houses, height_m=[3.1 + number for number in range(len(houses))], height_source="made"),
        wards=frame("wards", [box(-1000, -1000, 0, 1000), box(0, -1000, 1000, 1000)], name=["West", "East"], population=[3000.0, 1000.0]),
        zones=frame("zones", [box(-60, -60, 60, 60), box(-150, 50, -100, 100), box(130, -30, 170, 30)], kind=["priority", "area", "no_mount"]),
        places=frame("places", [at(50, 20), at(-100, -8), at(190, 80)], kind=["school", "police", "bank"]),
        incidents=frame(
            "incidents", [at(40, 3), at(-60, -4), at(2, 120), at(900, 900)], category=["theft", "robbery", "poaching", "theft"],
            when=[pd.Timestamp("2025-06-01"), pd.Timestamp("2024-06-01"), None, pd.Timestamp("2025-05-01")],
        ),
        lamps=frame("lamps", [at(20, 4), at(80, -4), at(120, 1)], kind=["lamp", "pole", "lamp"]),
    )  # fmt: skip
