"""The back-test: a plan made of the earlier incidents only, judged on later ones it never saw.

    incidents --cut--> earlier -> City without the later ones -> survey -> plan ---.
                  '--> later ----------------------------------------> ground -> score: planned, standing, random, evenly spread, with foresight

Everybody plans on the bare city, as if no camera stood, and gets as many cameras, or as much money. Cameras that stand mostly have no bearing on
record, so they are compared in two ways, each with its like only (`FAIRNESS`): all cameras looking all round, and all aimed as well as can be.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from coverage.poses import Aim, Poses, farthest_m, make_poses
from coverage.sight import cast
from coverage.standing import Standing, stand
from optimizer.field import Field, aimed_field, all_round_field, plain_problem, px_of, sees_of, targets_of
from optimizer.judge import Ground, Score, lay_ground, score
from optimizer.problem import Flags, Floats, Ints, Problem
from optimizer.solve import solve
from optimizer.survey import Survey, make_survey
from planning.catalogue import load_models, load_recipe
from planning.city import City
from planning.errors import InputError, ScenarioError
from planning.frames import empty
from planning.nouns import Scenario
from planning.progress import Progress

AIMED, ALL_ROUND = "aimed", "all round"
FAIRNESS = {
    ("planned", AIMED): "chosen for the earlier demand among all sites, as many a site as the scenario allows; each camera has its lens's own view",
    ("standing", AIMED): "the best places where cameras stand, of the plan's models and aimed afresh for the earlier demand: better than they are",
    ("random", AIMED): "sites by lot, one camera each, then aimed at most of the earlier demand from its site: only the places are random",
    ("junctions", AIMED): "junctions spread evenly over the streets, one camera each, aimed at most of the earlier demand from its site",
    ("foresight", AIMED): "chosen knowing the later incidents: what the same sites and aims could have caught at most, as far as the search found",
    ("planned", ALL_ROUND): "chosen for the earlier demand, each camera taken to look all round like a standing camera without a record",
    ("standing", ALL_ROUND): "as recorded, by lot where more stand than are compared; without a bearing on record taken to look all round: generous",
    ("random", ALL_ROUND): "sites by lot, each camera taken to look all round",
    ("junctions", ALL_ROUND): "junctions spread evenly over the streets, each camera taken to look all round",
    ("foresight", ALL_ROUND): "chosen knowing the later incidents, each camera taken to look all round",
}


@dataclass(frozen=True)
class Split:
    """Earlier and later incidents by their ids; `how` they were parted, as a sentence; `undated`: incidents that belong to neither."""

    earlier: tuple[str, ...]
    later: tuple[str, ...]
    how: str
    undated: int = 0


@dataclass(frozen=True)
class Spread:
    """Mean of many draws, and their 2.5th and 97.5th percentile."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Placement:
    """One way to place cameras: who placed them and what they are taken to see (`FAIRNESS` says what that is fair to), how many, and what of the
    later incidents is in view: the `score`, and `seen` (n_cells,) of the ground. For `random`, and for more standing cameras
    than are compared, the means over all draws, the `spread` of the captured share, and nothing `seen`.
    """

    who: str
    view: str
    cameras: int
    score: Score
    spread: Spread | None = None
    seen: Flags | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def fairness(self) -> str:
        """What this placement is allowed, in a sentence."""
        return FAIRNESS[self.who, self.view]


@dataclass(frozen=True, eq=False)
class BackTest:
    """The answer: `placements` in the order of `FAIRNESS`; `sites`: the aimed plan's, by their ids; `ground` judged on; `notes`: sentences."""

    split: Split
    placements: tuple[Placement, ...]
    sites: tuple[str, ...]
    ground: Ground
    notes: tuple[str, ...]

    def of(self, who: str, view: str = AIMED) -> Placement:
        """The placement of that name.

        Raises
        ------
        KeyError: where it was not made.
        """
        return {(placement.who, placement.view): placement for placement in self.placements}[who, view]

    def lead(self, who: str, over: str, view: str = AIMED, *, draws: int = 2_000, seed: int = 1) -> Spread:
        """By how much of the later incidents one placement is ahead of another: the share as it is, and its ends had as many incidents happened by
        chance elsewhere among these places (bootstrap). Where 0 lies between the ends, the incidents are too few to tell the two apart.

        Raises
        ------
        KeyError: where one was not made, or is the lot's.
        """
        one, other = self.of(who, view).seen, self.of(over, view).seen
        if one is None or other is None:
            raise KeyError((who, over, view))
        hits, count = self.ground.hits, self.ground.incidents
        only = np.array([hits[one & ~other].sum(), hits[other & ~one].sum()])
        drawn = np.random.default_rng(seed).multinomial(count, [*(only / count), 1.0 - only.sum() / count], size=draws) / count
        ahead = drawn[:, 0] - drawn[:, 1]
        return Spread(float(only[0] - only[1]) / count, float(np.percentile(ahead, 2.5)), float(np.percentile(ahead, 97.5)))


def split_by_time(incidents: gpd.GeoDataFrame, *, cut: pd.Timestamp | None = None, share: float = 0.7) -> Split:
    """Incidents before a time, and from it on.

    Parameters
    ----------
    cut: the first time that is later; else such that about `share` of the dated incidents are earlier. Incidents of one time are never parted.

    Raises
    ------
    InputError: `backtest.dates` without dates, `backtest.split` where one side would be empty.
    """
    when = incidents["when"]
    dated = when.notna().to_numpy()
    if not dated.any():
        raise InputError.one("backtest.dates", "No incident has a date, so none is later than another", "Split at random, and say so", len(incidents))
    if cut is None:
        known = np.sort(when[dated].to_numpy())
        cut = pd.Timestamp(known[min(int(np.clip(share, 0.0, 1.0) * len(known)), len(known) - 1)])
    before = dated & (when < cut).to_numpy()
    how = f"demand learnt from incidents before {cut:%Y-%m-%d %H:%M}, judged on those from then on"
    return _split(incidents, before, dated & ~before, how)


def split_at_random(incidents: gpd.GeoDataFrame, *, share: float = 0.5, seed: int = 1) -> Split:
    """For incidents without dates: a seeded lot decides which are learnt from. It tests places, not times.

    Raises
    ------
    InputError: `backtest.split`, where one side would be empty.
    """
    order = np.random.default_rng(seed).permutation(len(incidents))
    learnt = np.zeros(len(incidents), dtype=bool)
    learnt[order[: round(float(np.clip(share, 0.0, 1.0)) * len(incidents))]] = True
    return _split(incidents, learnt, ~learnt, f"parted by lot (seed {seed}), since they have no dates: a test of places, not of the future")


def _split(incidents: gpd.GeoDataFrame, earlier: Flags, later: Flags, how: str) -> Split:
    if not earlier.any() or not later.any():
        what = "One side of the split would have no incident"
        raise InputError.one("backtest.split", what, "Choose another time or share", f"{earlier.sum()} earlier, {later.sum()} later")
    ids = incidents.index.to_numpy(dtype=object)
    return Split(tuple(ids[earlier]), tuple(ids[later]), how, len(incidents) - int(earlier.sum() + later.sum()))


def learnt_city(city: City, split: Split) -> City:
    """The city as a planner knew it: the earlier incidents only, and no camera standing; a digest of its own."""
    known = city["incidents"].loc[list(split.earlier)]
    return dataclasses.replace(city, frames={**city.frames, "incidents": known, "cameras": empty("cameras", city.crs)}, digest="")


def backtest(
    city: City, scenario: Scenario, split: Split, *, number: int | None = None, draws: int = 200, seed: int = 1, cell_m: float = 5.0,
    progress: Progress = Progress(),  # noqa: B008
) -> BackTest:  # fmt: skip
    """Plan on the earlier incidents, judge on the later.

    Parameters
    ----------
    scenario: models, level, recipe and rules of the plan; its time limit holds for each of up to five searches [s].
    number: of cameras for everybody, costs aside; else as many as the scenario's budget buys, and then all-round cameras, which nobody sells, and
    standing cameras, whose cost nobody knows, are left out.
    draws, seed: of random placements.
    cell_m: length of the street cells that are judged [m].
    progress: told each stage; may stop the work.

    Raises
    ------
    ScenarioError: `backtest.number` for a number or draws below 1; and as `make_survey`, `make_problem`. CityError: `backtest.incidents`.
    """
    if draws < 1 or (number is not None and number < 1):
        what = "A back-test needs at least one camera and one draw"
        raise ScenarioError.one("backtest.number", what, "Give numbers of 1 or more", f"{number} cameras, {draws} draws")
    bare = learnt_city(city, split)
    survey = make_survey(bare, scenario, progress=progress.part(0.0, 0.2))
    recipe = load_recipe(scenario.recipe)
    ground = lay_ground(city, city["incidents"].loc[list(split.later)], snap_m=recipe.crime_snap_m, cell_m=cell_m)
    progress.step("aimed", 0.2)
    aimed = aimed_field(bare, scenario, survey, number)
    made, chosen = _compare(aimed, ground, scenario, draws, seed, AIMED, progress.part(0.2, 0.6))
    notes = [split.how]
    if number is not None:
        progress.step("standing", 0.6)
        there = stand(city["cameras"], city["buildings"], load_models(), px_of(scenario), by_night=scenario.by_night, target_m=recipe.target_m)
        notes += there.notes
        made += _standing(survey, there, scenario, ground, number, draws, seed)
        progress.step("all round", 0.7)
        made += _compare(all_round_field(bare, scenario, survey, number), ground, scenario, draws, seed, ALL_ROUND, progress.part(0.7, 1.0))[0]
    if split.undated:
        notes.append(f"{split.undated} incidents without a date are neither learnt from nor judged")
    if ground.left_out:
        notes.append(f"{ground.left_out} later incidents lie more than {recipe.crime_snap_m:g} m from every street, or outside, and are not judged")
    notes.append("In view means a clear line of sight to the street nearest to the recorded place; it promises nothing of crime prevented or solved")
    order = {key: row for row, key in enumerate(FAIRNESS)}
    made.sort(key=lambda placement: order[placement.who, placement.view])
    sites = tuple(str(label) for label in survey.sites.index[np.unique(aimed.problem.site[chosen])])
    return BackTest(split, tuple(made), sites, ground, tuple(notes))


def _standing(
    survey: Survey, there: Standing, scenario: Scenario, ground: Ground, number: int, draws: int, seed: int
) -> list[Placement]:  # fmt: skip
    """Cameras where they stand, at most `number` of them: as recorded, by lot where more stand, and the best of them aimed afresh with the plan's
    models; none where the city has none.
    """
    if not len(there.ids):
        return []
    target_m, count = float(survey.demand["target_m"].iloc[0]), len(there.ids)
    free = np.full(count, np.inf)
    sees = sees_of(survey.walls, there.points_m, there.poses, ground.points_m, target_m, free)
    if len(there.poses) <= number:
        made = [_placement("standing", ALL_ROUND, len(there.poses), ground, _seen_by(sees))]
    else:
        rng = np.random.default_rng(seed)
        made = [_by_lot("standing", ALL_ROUND, [rng.permutation(len(there.poses))[:number] for _ in range(draws)], ground, sees)]
    targets, heads = targets_of(survey), survey.poses.heads
    top = max(head.height_m for head in heads)
    lines = cast(
        survey.walls, there.points_m, targets, np.full(len(targets), target_m), reach_m=farthest_m(heads, survey.walls), highest_m=top + 1e-9
    )
    weight = survey.demand["weight"].to_numpy(dtype=np.float64)
    poses = make_poses(lines, heads, weight, free, (np.zeros(count + 1, dtype=np.int64), np.empty(0)), Aim(streets=False, best=3))
    covers = sees_of(survey.walls, there.points_m, poses, targets, target_m, free)
    problem = plain_problem(covers, survey, poses.site.astype(np.int64), count, min(count, number))
    chosen = solve(problem, gap=scenario.gap, time_limit_s=scenario.time_limit_s, seed=scenario.seed).chosen
    picked = Poses(poses.heads, poses.site[chosen], poses.head[chosen], poses.bearing_deg[chosen])
    seen = _seen_by(sees_of(survey.walls, there.points_m, picked, ground.points_m, target_m, free))
    return [*made, _placement("standing", AIMED, len(chosen), ground, seen)]


def _placement(who: str, view: str, cameras: int, ground: Ground, seen: Flags) -> Placement:
    return Placement(who, view, cameras, score(ground, seen), seen=seen)


def _seen_by(sees: sparse.csr_matrix) -> Flags:
    flags: Flags = np.asarray(sees.getnnz(axis=0) > 0)
    return flags


def _compare(
    field: Field, ground: Ground, scenario: Scenario, draws: int, seed: int, view: str, progress: Progress
) -> tuple[list[Placement], Ints]:  # fmt: skip
    """The plan, the lot, the evenly spread and the one with foresight over one field; and the plan's poses."""
    if not len(field.poses):
        return [], np.empty(0, dtype=np.int64)
    progress.step(f"plan, {view}", 0.1)
    chosen = solve(field.problem, gap=scenario.gap, time_limit_s=scenario.time_limit_s, seed=scenario.seed).chosen
    made = [_placement("planned", view, len(chosen), ground, _seen_by(field.seen(ground.points_m, chosen)))]
    progress.step(f"foresight, {view}", 0.5)
    best = solve(foreseen(field, ground), gap=scenario.gap, time_limit_s=scenario.time_limit_s, seed=scenario.seed).chosen
    made.append(_placement("foresight", view, len(best), ground, _seen_by(field.seen(ground.points_m, best))))
    progress.step(f"by lot, {view}", 0.9)
    rows = field.best_aims()
    sees, site = field.seen(ground.points_m, rows), field.problem.site[rows]
    paid = field.problem.cost[rows] + field.problem.site_cost[site]
    corners = np.flatnonzero(field.junction[site])
    even = _affordable(corners[spread_evenly(field.points_m[site[corners]])], paid, field.problem.limits.budget)
    made.append(_placement("junctions", view, len(even), ground, _seen_by(sees[even])))
    rng = np.random.default_rng(seed)
    lots = [_affordable(rng.permutation(len(rows)), paid, field.problem.limits.budget) for _ in range(draws)]
    made.append(_by_lot("random", view, lots, ground, sees))
    return made, chosen


def _by_lot(who: str, view: str, lots: list[Ints], ground: Ground, sees: sparse.csr_matrix) -> Placement:
    """The means over lots, each the rows of what it sees (n_poses, n_cells)."""
    scores = [score(ground, _seen_by(sees[lot])) for lot in lots]
    mean = Score(*(float(np.mean([getattr(one, part.name) for one in scores])) for part in dataclasses.fields(Score)))
    shares = [one.share for one in scores]
    spread = Spread(mean.share, float(np.percentile(shares, 2.5)), float(np.percentile(shares, 97.5)))
    return Placement(who, view, round(float(np.mean([len(lot) for lot in lots]))), mean, spread)


def foreseen(field: Field, ground: Ground) -> Problem:
    """The same poses and limits, the later incidents themselves in place of demand; ward floors are left off."""
    cells = np.flatnonzero(ground.hits)
    covers = field.seen(ground.points_m[cells], np.arange(len(field.poses)))
    limits = dataclasses.replace(field.problem.limits, ward_least=np.zeros(0), ward_names=())
    return dataclasses.replace(
        field.problem, covers=covers, weight=ground.hits[cells], already=np.zeros(len(cells), dtype=np.int64),
        ward=np.full(len(cells), -1, dtype=np.int64), limits=limits, second=np.zeros(0), penalty=np.zeros(0),
    )  # fmt: skip


def spread_evenly(points_m: Floats) -> Ints:
    """The rows of points (n, 2) in an order whose every beginning is spread out: the one nearest the middle, then always the farthest from those."""
    if not len(points_m):
        return np.empty(0, dtype=np.int64)
    here = int(np.argmin(np.hypot(*(points_m - points_m.mean(axis=0)).T)))
    order, away = [here], np.full(len(points_m), np.inf)
    for _ in range(len(points_m) - 1):
        away = np.minimum(away, np.hypot(*(points_m - points_m[order[-1]]).T))
        away[order[-1]] = -1.0
        order.append(int(np.argmax(away)))
    return np.array(order, dtype=np.int64)


def _affordable(order: Ints, paid: Ints, budget: int) -> Ints:
    """The beginning of an order that the budget pays for."""
    return order[: int(np.searchsorted(np.cumsum(paid[order]), budget, side="right"))]
