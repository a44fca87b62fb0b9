"""People's suggestions as a part of demand: a share of all weight that planners may give to the places of accepted suggestions.

    weight = (1 - share) x what the recipe says  +  share x part_suggestions          share = suggestions_percent / 100

Each suggestion counts once. It weighs on the demand points nearer than `within_m` (data/suggestions.toml), most at the place itself and nothing at
that distance. The places are part of the scenario, so that whoever has the plan can work its demand out again without the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from scipy.spatial import cKDTree

from planning.city import City
from planning.datafile import DATA
from planning.demand import TOTAL
from planning.errors import ScenarioError
from planning.figures import Figures, load_figures
from planning.nouns import Scenario

PART = "part_suggestions"
_WANTED = {"within_m": ("m", 5.0, 500.0)}


@lru_cache(maxsize=1)
def suggestion_figures() -> Figures:
    """The figures of `data/suggestions.toml`, read once."""
    return load_figures(DATA / "suggestions.toml", _WANTED)


def written_place(lat: float, lon: float) -> str:
    """A place as a scenario holds it."""
    return f"{lat:.6f},{lon:.6f}"


def places_digest(places: Sequence[str]) -> str:
    """Twelve hex digits of the places' SHA-256, in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(places)).encode("ascii")).hexdigest()[:12]


def weigh_suggestions(city: City, demand: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
    """The demand with the scenario's suggestions weighed in; the same frame where they weigh nothing.

    Parameters
    ----------
    demand: of `planning.demand`.

    Returns
    -------
    A copy with the column part_suggestions; all other parts are lowered in proportion, so that all weights together stay 1,000,000.
    `attrs["notes"]` says how many suggestions, their digest, and how many lie too far from all demand to count.

    Raises
    ------
    ScenarioError: `scenario.suggestions` where none of them lies near any demand.
    """
    if not scenario.suggestions_percent:
        return demand
    within_m, share = suggestion_figures()["within_m"], scenario.suggestions_percent / 100
    lat, lon = np.array([text.split(",") for text in scenario.suggestions], dtype=np.float64).T
    x, y = pyproj.Transformer.from_crs(4326, city.crs, always_xy=True).transform(lon, lat)
    xy = np.column_stack([x, y])
    amount, far = np.zeros(len(demand)), 0
    points = shapely.get_coordinates(demand.geometry.array)
    for place, near in zip(xy, cKDTree(points).query_ball_point(xy, within_m, return_sorted=True), strict=True):
        rows = np.asarray(near, dtype=np.int64)
        own = np.maximum(1 - np.hypot(*(points[rows] - place).T) / within_m, 0.0)
        if own.sum() > 0:
            amount[rows] += own / own.sum()
        else:
            far += 1
    if far == len(xy):
        what = f"No suggestion lies within {within_m:g} m of anything worth seeing in this city"
        raise ScenarioError.one("scenario.suggestions", what, "Leave the weight of suggestions at 0", len(xy))
    found = demand.copy()
    parts = [name for name in demand.columns if name.startswith("part_")]
    for name in (*parts, "weight"):
        found[name] = demand[name].to_numpy(dtype=np.float64) * (1 - share)
    found[PART] = TOTAL * share * amount / amount.sum()
    found["weight"] += found[PART]
    told = f"{len(xy)} accepted suggestions (digest {places_digest(scenario.suggestions)}) have {scenario.suggestions_percent} % of all weight"
    lost = f"; {far} of them lie farther from all demand and count nothing" if far else ""
    found.attrs["notes"] = (*demand.attrs.get("notes", ()), f"{told}, each within {within_m:g} m of its place{lost}")
    return found
