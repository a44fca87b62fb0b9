"""Makes the demo city: a town invented at the real centre and extent of Bilaspur's core, the same to the millimetre on every run.

    python data/demo/make_bilaspur.py        writes data/demo/bilaspur

Nothing in it is surveyed: streets, buildings, people, incidents and cameras are drawn from a fixed seed, and every layer says so.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import geopandas as gpd  # noqa: E402
import numpy as np  # noqa: E402
import pyproj  # noqa: E402
import shapely  # noqa: E402

from data.demo._buildings import build_up  # noqa: E402
from data.demo._cameras import make_cameras, name_junctions  # noqa: E402
from data.demo._fabric import draw_strokes  # noqa: E402
from data.demo._ground import CRS, SEED, Floats, make_ground  # noqa: E402
from data.demo._incidents import make_incidents  # noqa: E402
from data.demo._people import lived_in, make_lamps, make_places, make_wards, make_zones, tank_of  # noqa: E402
from data.demo._streets import Network, weave_network  # noqa: E402
from planning.city import MADE_NOTE, MADE_NOTE_HI, City, Source  # noqa: E402
from planning.errors import CityError  # noqa: E402
from planning.frames import conform  # noqa: E402

NEAR_HOMES_M = 45.0


def make_bilaspur(folder: Path, *, scale: float = 1.0) -> City:
    """The demo city, made and saved.

    Parameters
    ----------
    folder: where it is saved; files there are replaced whole.
    scale: linear size; 1 is the whole city, 0.3 a small one of the same make for quick trials (counts shrink with the area).

    Returns
    -------
    The city as saved in `folder`.

    Raises
    ------
    CityError: `demo.scale`, where the scale lies outside 0.25 to 1.
    """
    if not 0.25 <= scale <= 1:
        raise CityError.one("demo.scale", "The demo city is made at scales from 0.25 to 1", "Use 1, the whole city", scale)
    ground = make_ground(scale)
    strokes = draw_strokes(ground)
    network = weave_network(ground, strokes)
    closed = ground.bend_one(ground.barrier).buffer(2.0).union(tank_of(ground, strokes).buffer(6.0))
    bare = build_up(ground, strokes, network, closed)
    places, buildings = make_places(ground, bare, network)
    junctions = name_junctions(ground, network)
    walls = shapely.STRtree(np.asarray(buildings.geometry.array))
    frames = {
        "roads": network.roads,
        "junctions": junctions,
        "buildings": buildings,
        "wards": make_wards(ground, network, buildings),
        "zones": make_zones(ground, strokes, network, places),
        "places": places,
        "incidents": make_incidents(ground, network, places, _homes_beside(network, buildings)),
        "cameras": make_cameras(ground, network, walls, junctions),
        "lamps": make_lamps(network, walls, ground.area, closed),
    }
    city = City(
        name="bilaspur",
        title="Bilaspur core (made demo city)",
        title_hi="बिलासपुर नगर केंद्र (बनावटी नमूना)",
        crs=pyproj.CRS.from_user_input(CRS),
        area=ground.area,
        frames={layer: conform(frame, layer) for layer, frame in frames.items()},
        made=True,
        sources=tuple(Source(layer, f"made by data/demo/make_bilaspur.py, seed {SEED}", note=f"{MADE_NOTE} / {MADE_NOTE_HI}") for layer in frames),
        notes=_notes(),
    )
    return city.save(folder)


def _notes() -> tuple[str, ...]:
    return (
        f"{MADE_NOTE} / {MADE_NOTE_HI}",
        "Only the centre, the extent, the CRS, the number of wards (70) and the size of the traffic system (23 junctions, 523 cameras) are real",
        "All names are fictitious; no place, chowk or person is meant",
        "Heights are 3.1 m a storey plus a parapet; ward residents follow lived-in floor area",
        "River and railway stand in the layer of zones, as ground where no camera is mounted",
    )


def _homes_beside(network: Network, buildings: gpd.GeoDataFrame) -> Floats:
    """Lived-in floor area within `NEAR_HOMES_M` of each road piece's middle [m2]."""
    middles = shapely.line_interpolate_point(network.lines, 0.5, normalized=True)
    road, house = shapely.STRtree(np.asarray(buildings.geometry.array)).query(middles, predicate="dwithin", distance=NEAR_HOMES_M)
    return np.bincount(road, lived_in(buildings)[house], minlength=len(middles)).astype(np.float64)


if __name__ == "__main__":
    made = make_bilaspur(HERE / "bilaspur")
    print(f"{made.title}: {made.folder}, digest {made.digest}")
    print(", ".join(f"{len(frame)} {layer}" for layer, frame in made.frames.items()))
