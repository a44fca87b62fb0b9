"""The made city's existing traffic system: 523 cameras at its 23 largest signalled junctions.

             arm
              |  |          pole A, on the kerb of an arm:
          A o |  |            one fixed camera looks out along the arm, at who comes,
       -------+  +-------     one looks in, across the junction,
                              one ANPR camera reads the plates of who comes;
       -------+  +-------   a PTZ camera stands on the first pole.
              |  | o B

Poles stand on the kerbs, off every carriageway and outside every footprint.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from data.demo._ground import CRS, Ground, stream
from data.demo._people import clear_of, kerb_points
from data.demo._streets import Network, Shapes, junction_size

JUNCTIONS, CAMERAS = 23, 523
# kind, model in the camera catalogue, horizontal field of view [deg], mount height [m]
FIXED, ANPR, PTZ = ("fixed", "bullet-4mp", 96.0, 6.0), ("anpr", "anpr-2mp", 30.0, 6.5), ("ptz", "ptz-2mp", 60.0, 9.0)
POLES_APART_M = 3.0
SHARE_ANPR, SHARE_PTZ = 0.26, 0.09


def name_junctions(ground: Ground, network: Network) -> gpd.GeoDataFrame:
    """The junctions with the largest signalled ones named, the largest first."""
    names = network.junctions["name"].to_numpy(dtype=object).copy()
    for number, junction in enumerate(_largest(ground, network), start=1):
        names[junction] = f"Demo Junction {number} / नमूना चौक {number}"
    return network.junctions.assign(name=names)


def _largest(ground: Ground, network: Network) -> NDArray[np.int64]:
    signals = np.flatnonzero(network.junctions["signals"].to_numpy())
    size = junction_size(network.ends, network.widths, len(network.junctions))[signals]
    return signals[np.lexsort((signals, -size))][: max(2, round(JUNCTIONS * ground.scale**2))]


def make_cameras(ground: Ground, network: Network, walls: shapely.STRtree, junctions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The cameras of the traffic system, shared out evenly over its junctions and, at each, over poles on its arms."""
    rng = stream("cameras")
    chosen = _largest(ground, network)
    total = CAMERAS if ground.scale == 1 else round(CAMERAS * len(chosen) / JUNCTIONS)
    parts = []
    for rank, junction in enumerate(chosen):
        count = total // len(chosen) + (rank < total % len(chosen))
        parts.append(_at_junction(int(junction), count, network, walls, rng).assign(junction=junctions["name"].iloc[junction]))
    frame = gpd.GeoDataFrame(_stack(parts), crs=CRS)
    return frame.set_axis([f"c{number:04d}" for number in range(1, len(frame) + 1)], axis=0)


def _stack(parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def _at_junction(junction: int, count: int, network: Network, walls: shapely.STRtree, rng: np.random.Generator) -> gpd.GeoDataFrame:
    poles, outward = _poles(junction, network, walls)
    centre = shapely.get_coordinates(network.junctions.geometry.iloc[junction])[0]
    anpr, ptz = round(count * SHARE_ANPR), max(1, round(count * SHARE_PTZ))
    wanted = [PTZ] * ptz + [ANPR] * anpr + [FIXED] * (count - anpr - ptz)
    used = {"fixed": 0, "anpr": 0, "ptz": 0}
    rows, spots = [], []
    for model in wanted:
        turn = used[model[0]]
        used[model[0]] += 1
        pole = turn % len(poles)
        place = shapely.get_coordinates(poles[pole])[0]
        inward = _bearing(centre - place)
        # Plates are read as traffic comes; fixed cameras look out, then in, then to the sides of the way in.
        fan = (outward[pole], inward, inward - 55, inward + 55, outward[pole] - 40, outward[pole] + 40)
        bearing = outward[pole] if model is ANPR else inward if model is PTZ else fan[(turn // len(poles)) % len(fan)]
        rows.append((model[0], round((bearing + rng.normal(0, 2.5)) % 360, 1), model[2], model[3], model[1]))
        spots.append(poles[pole])
    columns = ("kind", "bearing_deg", "hfov_deg", "height_m", "model")
    data = {name: [row[number] for row in rows] for number, name in enumerate(columns)}
    return gpd.GeoDataFrame({**data, "mount": "pole", "source": "made (invented for the demo city)"}, geometry=spots, crs=CRS)


def _poles(junction: int, network: Network, walls: shapely.STRtree) -> tuple[Shapes, list[float]]:
    """Up to two poles an arm, one on each kerb, as near the junction as carriageways and walls allow; and each one's way out along its arm [deg]."""
    poles: list[shapely.Point] = []
    outward: list[float] = []
    arms = np.flatnonzero((network.ends == junction).any(axis=1))
    for arm in arms[np.argsort(-network.widths[arms], kind="stable")]:
        line = network.lines[arm] if network.ends[arm, 0] == junction else network.lines[arm].reverse()
        away = np.arange(7.0, np.clip(line.length, 8.0, 60.0), 1.5)
        forward = network.ends[arm, 0] == junction
        at = away if forward else np.maximum(line.length - away, 0.0)
        for side in (1.0, -1.0):
            spots = kerb_points(network, np.full(len(at), arm), np.minimum(at, line.length), np.full(len(at), side), 1.0)
            good = np.flatnonzero(clear_of(spots, network, walls))
            if len(good) and all(shapely.distance(spots[good[0]], pole) > POLES_APART_M for pole in poles):
                ends = shapely.get_coordinates(shapely.line_interpolate_point(line, away[good[0]] + np.array([-3.0, 5.0])))
                poles.append(spots[good[0]])
                outward.append(_bearing(ends[1] - ends[0]))
    return np.array(poles, dtype=object), outward


def _bearing(way: NDArray[np.float64]) -> float:
    """Degrees clockwise from north of a way east and north."""
    return float(np.degrees(np.arctan2(way[0], way[1])) % 360)
