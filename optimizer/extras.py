"""What a scenario may ask beyond coverage: second views of priority zones, a price on homes in view, cameras kept from seeing no-view zones."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import geopandas as gpd
import numpy as np
import shapely

from coverage.frontage import build_frontage
from coverage.poses import Poses
from coverage.privacy import frontage_of_poses, zone_points, zones_of_poses
from coverage.sight import Walls
from optimizer.problem import Flags, Floats
from optimizer.survey import Survey
from planning.city import City
from planning.errors import ScenarioError
from planning.intrusion import load_privacy
from planning.nouns import Scenario

KILOMETRE_M = 1000.0
# What a survey's poses see of homes takes seconds: worked out once for all its budgets.
_homes: WeakKeyDictionary[Survey, Floats] = WeakKeyDictionary()


def second_views(scenario: Scenario, demand: gpd.GeoDataFrame) -> Floats:
    """What a second view of each demand point is worth (n_demand,).

    Raises
    ------
    ScenarioError: `scenario.second` where nothing lies in a priority zone.
    """
    inside = demand["part_priority"].to_numpy(dtype=np.float64) > 0
    if scenario.second_view > 0 and not inside.any():
        what = "Second views count in priority zones, and none of this city's demand lies in one"
        raise ScenarioError.one("scenario.second", what, "Draw one and import it with --zones, or ask 0", scenario.second_view)
    worth: Floats = np.where(inside, scenario.second_view, 0.0) * demand["weight"].to_numpy(dtype=np.float64)
    return worth


def homes_price(scenario: Scenario, city: City, survey: Survey) -> Floats:
    """What each pose costs for the homes' frontage it sees, in weight (n_poses,)."""
    if scenario.privacy == 0:
        return np.zeros(len(survey.poses))
    if survey not in _homes:
        points = shapely.get_coordinates(survey.sites.geometry.array)
        _homes[survey] = homes_in_view(city, survey.walls, points, survey.poses)
    priced: Floats = price_a_metre(scenario, survey.demand) * _homes[survey]
    return priced


def price_a_metre(scenario: Scenario, demand: gpd.GeoDataFrame) -> float:
    """The weight a metre of homes' frontage in view costs."""
    return scenario.privacy * float(demand["weight"].sum()) / KILOMETRE_M


def homes_in_view(city: City, walls: Walls, mounts_m: Floats, poses: Poses) -> Floats:
    """Metres of homes' frontage each pose sees (n_poses,); `poses.site` names rows of `mounts_m`."""
    settings = load_privacy()
    return frontage_of_poses(walls, mounts_m, poses, build_frontage(city["buildings"], settings), settings)


def sees_no_view(city: City, walls: Walls, mounts_m: Floats, poses: Poses) -> Flags:
    """Which poses see any of the zones that must not be viewed (n_poses,)."""
    settings = load_privacy()
    zones = zone_points(city["zones"], settings)
    return np.asarray(zones_of_poses(walls, mounts_m, poses, zones, settings) > 0)
