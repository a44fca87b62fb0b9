"""How high what is on a bridge stands above the bare ground.

A bridge's deck is in no bare-ground heights: there the ground is the river's bed or the road below. Decks are taken to run evenly from where a bridge
meets a street that is none. Where several pieces of bridge meet in the air, the deck there is the one that leaves no piece more strained than the
others (each piece a spring of its length), so that a chain of pieces rises as evenly as one.

    street ----o=====o=======o---- street          z at o in the air: sum over pieces of (z_other - z) / length = 0
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse
from scipy.sparse.linalg import spsolve

from coverage.terrain import Terrain

Floats = npt.NDArray[np.float64]


def decks_of(terrain: Terrain | None, roads: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> Floats | None:
    """`raised` of demand points (n_demand,), those of streets on their own; None on flat ground [m]."""
    if terrain is None:
        return None
    on = demand["road"].where(demand["kind"] == "road", "").to_numpy(object)
    return raised(terrain, roads, shapely.get_coordinates(demand.geometry.array).astype(np.float64), on)


def raised(terrain: Terrain, roads: gpd.GeoDataFrame, points_m: Floats, road: npt.NDArray[np.object_]) -> Floats:
    """Height of the deck above the ground (n,) at points on streets, 0 off bridges and where the ground is higher [m].

    Parameters
    ----------
    terrain: the bare ground.
    roads: the city's streets.
    points_m: points (n, 2) in the city's CRS [m].
    road: the street each lies on (n,); a label that names none is no bridge.
    """
    out = np.zeros(len(points_m))
    bridges = roads[roads["bridge"].to_numpy(dtype=bool)]
    rows = bridges.index.get_indexer(road)
    on = np.nonzero(rows >= 0)[0]
    if not len(on):
        return out
    ends = _ends(terrain, roads, bridges)[rows[on]]
    along = shapely.line_locate_point(bridges.geometry.array[rows[on]], shapely.points(points_m[on]), normalized=True)
    deck = ends[:, 0] * (1 - along) + ends[:, 1] * along
    out[on] = np.maximum(deck - terrain.height_at(points_m[on]), 0.0)
    return out


def _ends(terrain: Terrain, roads: gpd.GeoDataFrame, bridges: gpd.GeoDataFrame) -> Floats:
    """Deck heights at both ends of each piece of bridge (n_bridges, 2) [m]."""
    names = np.column_stack([bridges["from_junction"].to_numpy(object), bridges["to_junction"].to_numpy(object)])
    labels, at = np.unique(names.astype(str), return_inverse=True)
    at = at.reshape(-1, 2)
    lines = bridges.geometry.array
    tips = np.stack([shapely.get_coordinates(shapely.get_point(lines, place)) for place in (0, -1)], axis=1)
    level = np.zeros(len(labels))
    level[at.ravel()] = terrain.height_at(tips.reshape(-1, 2))
    plain = roads[~roads["bridge"].to_numpy(dtype=bool)]
    grounded = np.isin(labels, np.concatenate([plain["from_junction"].to_numpy(object), plain["to_junction"].to_numpy(object)]).astype(str))
    grounded |= np.bincount(at.ravel(), minlength=len(labels)) == 1
    loose = np.nonzero(~grounded)[0]
    if len(loose):
        stiff = np.where(at[:, 0] == at[:, 1], 0.0, 1.0 / np.maximum(shapely.length(lines), 1e-3))
        pairs = np.concatenate([at, at[:, ::-1]])
        links = sparse.coo_matrix((np.tile(stiff, 2), (pairs[:, 0], pairs[:, 1])), shape=(len(labels), len(labels))).tocsr()
        pull = sparse.diags(np.asarray(links.sum(axis=1)).ravel()) - links
        # A hair of ground pull keeps a ring of bridges that meets no ground near the ground below, where nothing else would hold it.
        held = (pull[loose][:, loose] + 1e-10 * sparse.identity(len(loose))).tocsc()
        level[loose] -= spsolve(held, pull[loose] @ level).reshape(-1)
    found: Floats = level[at]
    return found
