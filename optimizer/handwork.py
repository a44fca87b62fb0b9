"""A plan changed by hand, scored exactly as it changes, and kept as a plan of its own.

    open_bench(city, plan) -> score, spot, best_bearing      while people change it: milliseconds a change
    keep_handmade(city, scenario, cameras) -> Plan           exactly these cameras, with the bound of the wish around them, verified

What each camera sees is worked out once, by the same walk as everywhere; a change costs what the one changed camera sees. A network laid for the plan
is not laid again at each change: sites then cost what links of their own would.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from coverage.matrix import CoverageMatrix
from coverage.poses import Aim, Head, Poses, make_poses
from coverage.views import view_areas
from optimizer.cover import Covered
from optimizer.desk import DEAD_END, same_city
from optimizer.extras import homes_in_view, price_a_metre, sees_no_view
from optimizer.ground import Ground, lay_ground
from optimizer.interception import flow_of, with_routes
from optimizer.plan import answer, arrays_of, cameras_of, finish, make_problem, scorecard, sites_of
from optimizer.problem import Flags, Floats, Ints, Problem
from optimizer.survey import Survey, make_survey, survey_cameras
from planning.catalogue import load_prices
from planning.city import City
from planning.errors import Fault, Infeasible, ScenarioError
from planning.handmade import HAND_MADE, camera_id, placed_spot
from planning.nouns import Plan, PlannedCamera, PlannedSite, Scenario, Scorecard
from planning.progress import Progress
from planning.sites import build_sites, may_stand, placed_sites

SNAP_M = 3.0  # a camera set down this near to one of the city's sites stands there
ASIDE_M = 3  # and else within so many metres, where no pole may stand right there
MONEY = ("budget", "yearly")  # rules of money
_KEPT = 20_000  # cameras whose views are remembered


@dataclass(frozen=True)
class Broken:
    """A rule that cameras break: `budget`, `yearly` [INR], `room` (cameras at a site), `floor` (a ward's share), `share` (of all weight), `no_view`
    (a camera that sees a zone it must not); `name` of the site, ward or camera; what is found, and what is allowed.
    """

    rule: str
    name: str
    found: float
    allowed: float


@dataclass(frozen=True, eq=False)
class Scored:
    """What cameras are worth: as in a plan's scorecard and proof; `weight` of the demand and whether it is `seen` (n_demand,), existing cameras
    included; the rules they break.
    """

    cameras: tuple[PlannedCamera, ...]
    sites: tuple[PlannedSite, ...]
    weight: Floats
    seen: Flags
    card: Scorecard
    second: float
    privacy: float
    cost_inr: int
    yearly_inr: int
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class _Eye:
    """One camera looked through: its head, what it sees (rows of demand, px/m), metres of homes in view, whether it sees a no-view zone, and on which
    routes out it reads plates (rows).
    """

    site: str
    head: Head
    bearing_deg: float
    sees: npt.NDArray[np.int32]
    px_per_m: npt.NDArray[np.float32]
    homes_m: float
    no_view: bool
    routes: npt.NDArray[np.int32]


@dataclass(eq=False)
class Bench:
    """A plan on the bench: what it stands on, and what each camera tried so far sees. Two may work at it at once."""

    city: City
    plan: Plan
    ground: Ground
    sites: gpd.GeoDataFrame
    _eyes: dict[str, _Eye] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def score(self, cameras: Sequence[str]) -> Scored:
        """What exactly these cameras (ids) see, cost and break.

        Raises
        ------
        ScenarioError: `scenario.keep` for cameras that cannot be, `sites.placed` where no pole may stand.
        """
        with self._lock:
            self._look(cameras)
            eyes = {camera: self._eyes[camera] for camera in cameras}
            sites = self.sites
        survey, order = _assembled(self.ground, sites, eyes)
        wish = self.plan.scenario
        plain = dataclasses.replace(wish, keep=(), forbid=(), no_view=False, privacy=0.0, movement_percent=0)
        problem = arrays_of(self.city, plain, survey)
        # What each camera sees of homes, and on which routes it reads plates, was found when it was looked through.
        homes = np.array([eyes[camera].homes_m for camera in order], dtype=np.float64)
        problem = dataclasses.replace(problem, penalty=price_a_metre(wish, survey.demand) * homes)
        rows, whole = np.arange(len(order), dtype=np.int64), max(problem.whole, 1e-12)
        seen, weight, ward = problem.seen(rows), problem.weight, problem.ward
        card = scorecard(weight, ward, problem.limits.ward_names, survey.before, seen)
        if wish.movement_percent:
            problem, card = self._with_routes(problem, card, [eyes[camera].routes for camera in order])
        found = {camera.id: camera for camera in cameras_of(survey, problem, rows)}
        second = float(problem.second[problem.views(rows) > 1].sum()) / whole
        broken = (*_broken(wish, problem, survey, card), *self._barred(wish, eyes))
        return Scored(
            tuple(found[camera] for camera in cameras), sites_of(survey, problem, rows), weight, seen, card, second,
            float(problem.penalty.sum()) / whole, *problem.spent(rows), broken,
        )  # fmt: skip

    def _with_routes(self, problem: Problem, card: Scorecard, routes: list[npt.NDArray[np.int32]]) -> tuple[Problem, Scorecard]:
        """The problem with the routes out, and the scorecard with the share of them on which plates are read; `routes` of each pose."""
        flow = flow_of(self.city, self.ground)
        start = np.concatenate([[0], np.cumsum([len(own) for own in routes])]).astype(np.int64)
        columns = np.concatenate([np.empty(0, dtype=np.int32), *routes])
        read = sparse.csr_matrix((np.ones(len(columns), dtype=bool), columns, start), shape=(len(routes), len(flow.routes)))
        before = flow.already > 0
        after = before | np.asarray(read.getnnz(axis=0) > 0)
        shares = [float(flow.routes.weight[flags].sum()) for flags in (before, after)]
        return with_routes(problem, self.plan.scenario, flow, read), dataclasses.replace(card, routes_before=shares[0], routes_after=shares[1])

    def views(self, cameras: Sequence[str]) -> list[shapely.Geometry]:
        """What each camera sees, as an area to draw; errors as `score`."""
        with self._lock:
            self._look(cameras)
            eyes = [self._eyes[camera] for camera in cameras]
            points = shapely.get_coordinates(self.sites.geometry.loc[[eye.site for eye in eyes]].array).reshape(-1, 2)
        every = np.arange(len(eyes)).astype(np.int32)
        poses = Poses(tuple(eye.head for eye in eyes), every, every, np.array([eye.bearing_deg for eye in eyes], dtype=np.float64))
        return view_areas(self.ground.walls, points, poses, target_m=self.ground.target_m)

    def spot(self, x_m: float, y_m: float) -> str:
        """The site at which a camera set down here stands: the city's own within `SNAP_M`, else a new pole at the nearest whole metre that may be.

        Raises
        ------
        ScenarioError: `sites.placed` where none may stand near.
        """
        with self._lock:
            sites = self.sites
        away = np.hypot(sites.geometry.x.to_numpy() - x_m, sites.geometry.y.to_numpy() - y_m)
        if away.min() <= SNAP_M:
            return str(sites.index[int(away.argmin())])
        steps = np.arange(-ASIDE_M, ASIDE_M + 1)
        near = np.stack(np.meshgrid(round(x_m) + steps, round(y_m) + steps), axis=-1).reshape(-1, 2).astype(np.float64)
        near = near[np.argsort(np.hypot(near[:, 0] - x_m, near[:, 1] - y_m), kind="stable")]
        free = np.flatnonzero(may_stand(self.city, near))
        east, north = near[free[0]] if len(free) else near[0]
        return f"h-{east:.0f}-{north:.0f}"  # where none may stand, whoever looks through it is told why

    def best_bearing(self, site: str, model: str, lens: int, height_m: float, others: Sequence[str]) -> float:
        """The bearing at which a camera at a site adds most to the others; 0 where none adds anything; errors as `score` [deg]."""
        with self._lock:
            self._look([*others, camera_id(site, model, lens, 0.0, height_m)])
            head = self._eyes[camera_id(site, model, lens, 0.0, height_m)].head
            taken = [self._eyes[camera].sees for camera in others]
            row = self.sites.loc[[site]]
        weight = np.where(self.ground.already > 0, 0.0, self.ground.demand["weight"].to_numpy(dtype=np.float64))
        weight[np.concatenate([np.empty(0, dtype=np.int32), *taken])] = 0.0
        ceiling = row["max_height_m"].to_numpy(dtype=np.float64)
        lines = self.ground.lines(shapely.get_coordinates(row.geometry.array), ceiling, [head])
        nowhere = (np.zeros(2, dtype=np.int64), np.empty(0))
        made = make_poses(lines, [head], weight, ceiling, nowhere, Aim(streets=False, best=1))
        return float(made.bearing_deg[0]) if len(made) else 0.0

    def _look(self, cameras: Sequence[str]) -> None:
        """Look through every camera that was not looked through yet; what is far from now is forgotten first."""
        new = [camera for camera in dict.fromkeys(cameras) if camera not in self._eyes]
        if not new:
            return
        if len(self._eyes) + len(new) > _KEPT:
            self._eyes = {camera: self._eyes[camera] for camera in cameras if camera in self._eyes}
        labels = {camera.split("/", maxsplit=1)[0] for camera in new}
        spots = [spot for label in sorted(labels) if label not in self.sites.index and (spot := placed_spot(label)) is not None]
        if spots:
            self.sites = gpd.GeoDataFrame(pd.concat([self.sites, placed_sites(self.city, load_prices(), spots)]))
        survey = survey_cameras(self.ground, self.sites, new)
        wish, points = self.plan.scenario, shapely.get_coordinates(survey.sites.geometry.array)
        none = np.zeros(len(survey.poses))
        homes = homes_in_view(self.city, survey.walls, points, survey.poses) if wish.privacy else none
        barred = sees_no_view(self.city, survey.walls, points, survey.poses) if wish.no_view else none > 0
        read = sparse.csr_matrix((len(survey.poses), 0), dtype=bool)
        if wish.movement_percent:
            read = flow_of(self.city, self.ground).read_by(survey.walls, points, survey.poses, by_night=wish.by_night)
        seen = survey.matrix.px_per_m
        for pose in range(len(survey.poses)):
            part = slice(int(seen.indptr[pose]), int(seen.indptr[pose + 1]))
            site, head = str(survey.sites.index[survey.poses.site[pose]]), survey.poses.heads[survey.poses.head[pose]]
            self._eyes[survey.camera_id(pose)] = _Eye(
                site, head, float(survey.poses.bearing_deg[pose]), seen.indices[part].copy(), seen.data[part].copy(), float(homes[pose]),
                bool(barred[pose]), read.indices[read.indptr[pose] : read.indptr[pose + 1]].astype(np.int32),
            )  # fmt: skip

    def _barred(self, wish: Scenario, eyes: dict[str, _Eye]) -> list[Broken]:
        """Cameras that see a zone they must not, but for those the wish itself keeps."""
        return [Broken("no_view", camera, 1.0, 0.0) for camera, eye in eyes.items() if eye.no_view and camera not in wish.keep]


def open_bench(city: City, plan: Plan) -> Bench:
    """The bench of a plan.

    Raises
    ------
    CityError: `desk.city` where the plan was made for another state of the city. ScenarioError: as `lay_ground`.
    """
    same_city(plan, city)
    demand = plan.demand.drop(columns=["before", "after", "seen_share"], errors="ignore")
    # Words as Python has them: they are looked up at every change.
    ground = lay_ground(city, plan.scenario, demand=demand.assign(ward=demand["ward"].astype(object)))
    return Bench(city, plan, ground, build_sites(city, load_prices()))


def refuse_broken(scored: Scored, *, again: bool) -> None:
    """Refuse cameras whose broken rules neither planning again nor a larger budget mends.

    Parameters
    ----------
    again: whether the plan is to be made again around them, within its budget; else it is to be kept as it is.

    Raises
    ------
    ScenarioError: `hand.rules` for each such rule.
    """
    broken = [rule for rule in scored.broken if rule.rule == "no_view" or (not again and rule.rule not in MONEY)]
    if broken:
        way_out = "Change them, or plan with other rules"
        raise ScenarioError([Fault("hand.rules", f"These cameras break a rule of the wish: {rule.rule}", way_out, rule.name) for rule in broken])


def paid(scenario: Scenario, scored: Scored) -> Scenario:
    """The wish with budgets no smaller than the cameras cost: a plan kept as it was made is one for so much money."""
    yearly = None if scenario.yearly_inr is None else max(scenario.yearly_inr, scored.yearly_inr)
    return dataclasses.replace(scenario, budget_inr=max(scenario.budget_inr, scored.cost_inr), yearly_inr=yearly)


def keep_handmade(
    city: City, scenario: Scenario, cameras: Sequence[str], *, survey: Survey | None = None, progress: Progress = Progress()  # noqa: B008
) -> Plan:  # fmt: skip
    """The plan of exactly these cameras (ids), with the bound that holds for every plan of the scenario, verified.

    Parameters
    ----------
    scenario: of `planning.handmade.around`; a network is not laid for it.
    survey: where one is at hand; one of another city or another wish is not used.

    Raises
    ------
    ScenarioError: `hand.rules` where the cameras break rules, `desk.camera` where one could not be offered. Disagreement: as `make_plan`.
    """
    began = time.monotonic()
    scenario = dataclasses.replace(scenario, grid=False)
    if survey is None or not survey.serves(city, scenario):
        survey = make_survey(city, scenario, progress=progress)
    problem = make_problem(city, scenario, survey)
    found = [survey.row(camera) for camera in cameras]
    if None in found:
        lost = ", ".join(camera for camera, row in zip(cameras, found, strict=True) if row is None)
        raise ScenarioError.one("desk.camera", "No camera of this scenario bears this id", DEAD_END, lost)
    rows = np.sort(np.array(found, dtype=np.int64))
    _refuse_broken(scenario, problem, rows)
    return finish(city, scenario, survey, problem, _by_hand(problem, scenario, rows, progress), began=began, progress=progress)


def _by_hand(problem: Problem, scenario: Scenario, rows: Ints, progress: Progress) -> Any:
    """The rows as an outcome, with the bound of the best search for the same wish."""
    value = problem.value(rows)
    try:
        best = answer(problem, scenario, progress=progress.part(0.42, 0.94))
    except Infeasible as error:
        # These cameras keep every rule, so there is a plan: the search missed it, and its bound is unknown.
        what = "These cameras keep every rule, but the search for the bound found no plan that does"
        raise ScenarioError.one("hand.bound", what, "Give it more time, or ask lower floors", error.faults[0].what) from error
    if isinstance(best, Covered):
        cost = problem.spent(rows)[0]
        gap, covered = cost / best.bound_inr - 1 if best.bound_inr else float("inf"), float(problem.weight[problem.seen(rows)].sum())
        return dataclasses.replace(best, chosen=rows, cost_inr=cost, gap=gap, covered=covered, termination=HAND_MADE)
    bound = max(best.bound, value)
    gap = bound / value - 1 if value > 0 else 0.0
    return dataclasses.replace(best, chosen=rows, objective=value, bound=bound, gap=gap, termination=HAND_MADE)


def _refuse_broken(scenario: Scenario, problem: Problem, rows: Ints) -> None:
    """Refuse cameras that break rules, with every one of them."""
    broken = problem.broken(rows)
    covered = float(problem.weight[problem.seen(rows)].sum())
    if covered < scenario.wanted_share * problem.whole - 1e-6 * max(problem.total, 1e-300):
        broken.append(f"{100 * covered / max(problem.whole, 1e-12):.2f} % covered, {100 * scenario.wanted_share:g} % wanted")
    if broken:
        raise ScenarioError.one("hand.rules", "These cameras break rules of the wish", "Change them, or plan with other rules", "; ".join(broken))


def _assembled(ground: Ground, sites: gpd.GeoDataFrame, eyes: dict[str, _Eye]) -> tuple[Survey, list[str]]:
    """The cameras as a survey of their own, from what was seen through each; and their order in it."""
    labels = sorted({eye.site for eye in eyes.values()})
    row = {label: number for number, label in enumerate(labels)}
    order = sorted(eyes, key=lambda camera: row[eyes[camera].site])
    found = [eyes[camera] for camera in order]
    site = np.array([row[eye.site] for eye in found], dtype=np.int32)
    poses = Poses(
        tuple(eye.head for eye in found), site, np.arange(len(found)).astype(np.int32), np.array([eye.bearing_deg for eye in found], dtype=np.float64)
    )
    start = np.concatenate([[0], np.cumsum([len(eye.sees) for eye in found])]).astype(np.int64)
    columns = np.concatenate([np.empty(0, dtype=np.int32), *(eye.sees for eye in found)])
    data = np.concatenate([np.empty(0, dtype=np.float32), *(eye.px_per_m for eye in found)])
    matrix = CoverageMatrix(sparse.csr_matrix((data, columns, start), shape=(len(found), len(ground.demand))))
    return Survey((), ground, sites.loc[labels], poses, matrix, Aim(), (), ()), order


def _broken(wish: Scenario, problem: Problem, survey: Survey, card: Scorecard) -> list[Broken]:
    rows = np.arange(problem.n_poses, dtype=np.int64)
    capital, yearly = problem.spent(rows)
    found = [Broken("budget", "", capital, wish.budget_inr)] if capital > wish.budget_inr else []
    if wish.yearly_inr is not None and yearly > wish.yearly_inr:
        found.append(Broken("yearly", "", yearly, wish.yearly_inr))
    at = np.bincount(problem.site, minlength=len(survey.sites))
    crowded = np.flatnonzero(at > wish.cameras_per_site)
    found += [Broken("room", str(survey.sites.index[site]), int(at[site]), wish.cameras_per_site) for site in crowded]
    short = problem.ward_short(problem.seen(rows)) > 0
    low = {problem.limits.ward_name(int(ward)) for ward in np.flatnonzero(short)}
    found += [Broken("floor", ward.ward, ward.after, wish.ward_floor) for ward in card.wards if ward.ward in low]
    m = wish.movement_percent / 100
    counted = (1 - m) * card.after + m * (card.routes_after or 0.0)
    if counted < wish.wanted_share - 1e-6:
        found.append(Broken("share", "", counted, wish.wanted_share))
    return found

