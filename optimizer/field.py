"""Where cameras could be placed for a back-test, in one way of looking: the poses offered, the problem over them, and what each sees of a ground.

Two ways: aimed, as planned; and all round, as a camera that stands is taken to look when nobody wrote down where it looks.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from coverage.matrix import build_matrix
from coverage.poses import Poses, farthest_m
from coverage.sight import Walls, cast
from coverage.standing import stand
from optimizer.plan import make_problem
from optimizer.problem import Flags, Floats, Ints, Limits, Problem
from optimizer.survey import Survey
from planning.catalogue import load_levels, load_models, load_recipe
from planning.city import City
from planning.frames import conform
from planning.nouns import Scenario

_NO_LIMIT_INR = 10**15
_CORNER_M = 30.0


@dataclass(frozen=True, eq=False)
class Field:
    """Where cameras could be placed in one way of looking: the problem over its poses, and what a line of sight needs.

    `points_m` (n_sites, 2); `ceiling_m` (n_sites,); `junction` (n_sites,): whether the site stands at a junction.
    """

    problem: Problem
    poses: Poses
    walls: Walls
    points_m: Floats
    ceiling_m: Floats
    junction: Flags
    target_m: float

    def seen(self, ground_m: Floats, rows: Ints) -> sparse.csr_matrix:
        """Which places of the ground each of these poses sees, csr bool (n_rows, n_places)."""
        sites, at = np.unique(self.poses.site[rows], return_inverse=True)
        picked = Poses(self.poses.heads, at.astype(np.int32), self.poses.head[rows], self.poses.bearing_deg[rows])
        return sees_of(self.walls, self.points_m[sites], picked, ground_m, self.target_m, self.ceiling_m[sites])

    def best_aims(self) -> Ints:
        """Of each site the pose that sees most demand, and of no site one that sees none."""
        worth = self.problem.covers @ self.problem.weight
        order = np.lexsort((np.arange(len(worth)), -worth, self.problem.site))
        _, first = np.unique(self.problem.site[order], return_index=True)
        rows: Ints = order[first].astype(np.int64)
        useful: Flags = (worth[rows] > 0) & ~self.problem.limits.forbid[rows]
        return rows[useful]


def aimed_field(city: City, scenario: Scenario, survey: Survey, number: int | None) -> Field:
    """Poses as planned; costs are one a camera where a number is given, and the catalogue's otherwise."""
    wish = scenario if number is None else dataclasses.replace(scenario, budget_inr=_NO_LIMIT_INR, yearly_inr=None)
    problem = make_problem(city, wish, survey)
    return _field(city, survey, problem if number is None else by_number(problem, number), survey.poses)


def all_round_field(city: City, scenario: Scenario, survey: Survey, number: int) -> Field:
    """A camera at each site as a standing one without any record is taken to be: the same model, height and view all round."""
    sites = survey.sites
    table = gpd.GeoDataFrame({"kind": "unknown", "source": "back-test"}, index=sites.index, geometry=sites.geometry.array, crs=sites.crs)
    alike = stand(
        conform(table, "cameras"), city["buildings"].iloc[:0], load_models(), px_of(scenario), by_night=scenario.by_night,
        target_m=load_recipe(scenario.recipe).target_m,
    )  # fmt: skip
    height = np.array([head.height_m for head in alike.poses.heads], dtype=np.float64)[alike.poses.head]
    low: Flags = sites["max_height_m"].to_numpy(dtype=np.float64)[alike.poses.site] < height
    targets, target_m = targets_of(survey), float(survey.demand["target_m"].iloc[0])
    covers = sees_of(survey.walls, alike.points_m, alike.poses, targets, target_m, np.full(len(sites), np.inf))
    problem = plain_problem(covers, survey, alike.poses.site.astype(np.int64), len(sites), number, forbid=low)
    return _field(city, survey, problem, alike.poses, np.full(len(sites), np.inf))


def _field(city: City, survey: Survey, problem: Problem, poses: Poses, ceiling: Floats | None = None) -> Field:
    points = shapely.get_coordinates(survey.sites.geometry.array).astype(np.float64)
    near = np.zeros(len(points), dtype=bool)
    crossings = city["junctions"].geometry.to_numpy() if len(city["junctions"]) else _ends(city)
    if len(crossings):
        # A junction's corners are its sites; the nearest stands for it.
        nearest = shapely.STRtree(survey.sites.geometry.to_numpy()).query_nearest(crossings, max_distance=_CORNER_M, all_matches=False)[1]
        near[nearest] = True
    high = survey.sites["max_height_m"].to_numpy(dtype=np.float64) if ceiling is None else ceiling
    return Field(problem, poses, survey.walls, points, high, near, float(survey.demand["target_m"].iloc[0]))


def _ends(city: City) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Where streets begin and end, for a city without a layer of junctions."""
    ends = shapely.get_point(city["roads"].geometry.to_numpy()[:, None], [0, -1]).ravel()
    return np.asarray(shapely.points(np.unique(shapely.get_coordinates(ends), axis=0)), dtype=object)


def targets_of(survey: Survey) -> Floats:
    """Where the survey's demand points are (n_demand, 2) [m]."""
    return np.asarray(shapely.get_coordinates(survey.demand.geometry.array), dtype=np.float64)


def px_of(scenario: Scenario) -> float:
    """The scenario's level [px/m]."""
    return load_levels()[scenario.level].px_per_m


def sees_of(walls: Walls, points_m: Floats, poses: Poses, targets_m: Floats, target_m: float, ceiling_m: Floats) -> sparse.csr_matrix:
    """Which targets each pose sees, csr bool (n_poses, ntargets_of)."""
    if not len(poses):
        return sparse.csr_matrix((0, len(targets_m)), dtype=bool)
    reach, top = farthest_m(poses.heads, walls), max(head.height_m for head in poses.heads)
    lines = cast(walls, points_m, targets_m, np.full(len(targets_m), target_m), reach_m=reach, highest_m=np.minimum(ceiling_m, top) + 1e-9)
    found = build_matrix(lines, poses, len(targets_m)).px_per_m
    return sparse.csr_matrix((np.ones(found.nnz, dtype=bool), found.indices, found.indptr), shape=found.shape)


def by_number(problem: Problem, number: int) -> Problem:
    """The problem where a camera costs one and nothing else costs."""
    return dataclasses.replace(
        problem, cost=np.ones_like(problem.cost), yearly=np.zeros_like(problem.yearly), site_cost=np.zeros_like(problem.site_cost),
        site_yearly=np.zeros_like(problem.site_yearly), limits=dataclasses.replace(problem.limits, budget=number, yearly=None),
    )  # fmt: skip


def plain_problem(covers: sparse.csr_matrix, survey: Survey, site: Ints, n_sites: int, number: int, *, forbid: Flags | None = None) -> Problem:
    """One camera a site, one a camera, the survey's demand, no ward floors."""
    n_poses, n_demand = covers.shape
    none, flags = np.zeros(n_poses, dtype=np.int64), np.zeros(n_poses, dtype=bool)
    limits = Limits(number, None, 1, flags, flags if forbid is None else forbid, np.zeros(0))
    return Problem(
        covers=covers, weight=survey.demand["weight"].to_numpy(dtype=np.float64), already=np.zeros(n_demand, dtype=np.int64),
        ward=np.full(n_demand, -1, dtype=np.int64), cost=none + 1, yearly=none, site=site.astype(np.int64),
        site_cost=np.zeros(n_sites, dtype=np.int64), site_yearly=np.zeros(n_sites, dtype=np.int64), limits=limits,
    )  # fmt: skip
