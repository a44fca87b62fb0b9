"""Routes out of the city as demand: each likely route is a row with its weight, covered by every pose that reads a number plate somewhere on it.

    what is asked for  =  (1 - m) x what is worth seeing  +  m x the share of routes on which a plate is read        m = movement_percent / 100

A route counts once, however many cameras read on it. Cameras that stand count as they do everywhere. The rows stand behind those of the demand, in no
ward; the weights of the demand stay as they are, and the routes' are laid so that they are the share `m` of all.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from coverage.decks import raised
from coverage.plates import plate_reads
from coverage.poses import Poses
from coverage.sight import Floats, Ints, Walls
from optimizer.ground import Ground, views_from
from optimizer.problem import Problem
from optimizer.survey import Survey
from planning.catalogue import load_models
from planning.city import City
from planning.figures import Figures
from planning.movement import Routes, interception, load_movement_figures, routes_of_demand
from planning.nouns import Scenario


@dataclass(frozen=True, eq=False)
class Flow:
    """The city's likely routes out, where on them a plate may be read, and from how many places of standing cameras one is: `already` (n_routes,).

    `deck_m` (n_places,): how high above the terrain each place lies; None on flat ground.
    """

    routes: Routes
    figures: Figures
    deck_m: Floats | None
    already: Ints

    def read_by(self, walls: Walls, mounts_m: Floats, poses: Poses, *, by_night: bool) -> sparse.csr_matrix:
        """On which routes each pose reads a plate, csr bool (n_poses, n_routes); `poses.site` names rows of `mounts_m` (n, 2) [m]."""
        models = load_models()
        most = np.array([models[head.model].night_range_m if by_night else np.inf for head in poses.heads], dtype=np.float64)
        routes = self.routes
        reads = plate_reads(
            walls, mounts_m, poses, routes.place_xy, routes.heading_deg, self.figures, deck_m=self.deck_m, most_m=most if len(most) else None
        )
        return interception(reads, routes)


# One survey serves many budgets and weights: what its poses read is worked out once, and so are the routes of its ground.
_flows: WeakKeyDictionary[Ground, Flow] = WeakKeyDictionary()
_reads: WeakKeyDictionary[Poses, sparse.csr_matrix] = WeakKeyDictionary()


def flow_of(city: City, ground: Ground) -> Flow:
    """The routes out under a ground, worked out once for it.

    Raises
    ------
    CityError: `movement.gateways` where no road leads out, `movement.reach` where no cluster reaches one.
    """
    if ground not in _flows:
        standing = ground.standing
        bare = lay_flow(city, ground.demand, ground.walls)
        seen = bare.read_by(ground.walls, standing.points_m, standing.poses, by_night=ground.by_night)
        already = views_from(standing.points_m[standing.poses.site], seen)
        _flows[ground] = dataclasses.replace(bare, already=already)
    return _flows[ground]


def lay_flow(city: City, demand: gpd.GeoDataFrame, walls: Walls) -> Flow:
    """The routes out of a city's demand, no camera looked at yet; errors as `flow_of`."""
    figures = load_movement_figures()
    routes = routes_of_demand(city, demand, figures)
    deck = None
    if walls.terrain is not None:
        deck = raised(walls.terrain, city["roads"], routes.place_xy, routes.roads.index.to_numpy(object)[routes.place_edge])
    return Flow(routes, figures, deck, np.zeros(len(routes), dtype=np.int64))


def weigh_routes(city: City, scenario: Scenario, survey: Survey, problem: Problem) -> Problem:
    """The problem with the routes as rows behind its demand; the same where they weigh nothing; errors as `flow_of`."""
    if not scenario.movement_percent:
        return problem
    flow, poses = flow_of(city, survey.ground), survey.poses
    if poses not in _reads:
        points = shapely.get_coordinates(survey.sites.geometry.array).astype(np.float64)
        _reads[poses] = flow.read_by(survey.walls, points, poses, by_night=scenario.by_night)
    return with_routes(problem, scenario, flow, _reads[poses])


def with_routes(problem: Problem, scenario: Scenario, flow: Flow, read: sparse.csr_matrix) -> Problem:
    """The problem with a row for each route behind its demand.

    Parameters
    ----------
    read: csr bool (n_poses, n_routes): on which routes each pose reads a plate.
    """
    n, share = len(flow.routes), scenario.movement_percent / 100
    weight = share / (1 - share) * problem.whole * flow.routes.weight
    return dataclasses.replace(
        problem, covers=sparse.hstack([problem.covers, read], format="csr", dtype=bool), weight=np.concatenate([problem.weight, weight]),
        already=np.concatenate([problem.already, flow.already]), ward=np.concatenate([problem.ward, np.full(n, -1, dtype=np.int64)]),
        second=np.concatenate([problem.second, np.zeros(n)]),
    )  # fmt: skip


def flow_notes(scenario: Scenario, flow: Flow) -> tuple[str, ...]:
    """What is assumed of routes, and what counts beside them."""
    told = (
        f"{len(flow.routes)} likely routes out have {scenario.movement_percent} % of what the plan was to be best by; a route counts where a plate "
        f"is read on it once, at {flow.figures['plate_px_per_m']:g} px/m (data/traffic.toml)"
    )
    both = any(wish.startswith("gateways=") for wish in scenario.purposes)
    twice = ("Ways out that ask a purpose of their own count as places too, besides the routes over them",) if both else ()
    return (told, flow.routes.notes[0], *twice)
