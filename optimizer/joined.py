"""A plan whose sites pay for the network they need: planned and laid in turn, until what the plan takes for granted and what the grid costs agree.

    sites' network heads -> plan -> grid of its sites -> each site's share, and for sites not chosen what a line to that grid would cost -> heads ...

A grid of the sites chosen costs more than their heads said, since sites are chosen where heads came out low: all heads are scaled by what was found.

The plan kept is the best one whose cameras, sites and grid together lie within the budget. Each of its sites carries its share of the grid as the
head `grid` in place of `backhaul`, so that the plan's cost is the cost of all of it, to the rupee.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import shapely

from coverage.sight import Floats, Ints, cast
from optimizer.grid import Grid, centre_of, lay_grid, poles_of
from optimizer.lines import load_grid_figures
from optimizer.plan import compose, make_problem
from optimizer.problem import Problem
from optimizer.solve import solve
from optimizer.survey import Survey, make_survey, survey_key
from optimizer.verify import verify
from planning.catalogue import Prices, load_prices
from planning.city import City
from planning.errors import Infeasible, ScenarioError
from planning.figures import Figures
from planning.money import say_rupees
from planning.network import distance_to_nearest, snap, street_graph
from planning.nouns import Plan, Scenario
from planning.progress import Progress
from planning.sites import NOMINAL_M

ROUNDS = 6
TOLERANCE = 0.02
DAMPING = 0.7
_NEAR = 3  # times the tolerance
_MORE = 4  # rounds added where no plan yet lies within the budget


@dataclass(frozen=True)
class Round:
    """One round: share of all weight covered; what the sites' network heads said, what their grid costs, and the total with it [INR]."""

    covered: float
    stated_inr: int
    grid_inr: int
    total_inr: int
    fits: bool


@dataclass(frozen=True, eq=False)
class Joined:
    """A verified plan with its grid; `rounds` in order; `agreed`: the last round's heads and grid were within the tolerance."""

    plan: Plan
    grid: Grid
    rounds: tuple[Round, ...]
    agreed: bool


def plan_with_grid(
    city: City, scenario: Scenario, *, centre_m: tuple[float, float] | None = None, figures: Figures | None = None, rounds: int = ROUNDS,
    tolerance: float = TOLERANCE, damping: float = DAMPING, round_s: float | None = None, progress: Progress = Progress(),  # noqa: B008
    survey: Survey | None = None,
) -> Joined:  # fmt: skip
    """The best plan found whose cameras, sites and network are within the budget, verified with its network.

    Parameters
    ----------
    centre_m: the command centre, in the city's CRS [m]; the scenario's, else assumed and told, where none is given.
    figures: data/network.toml where none are given.
    rounds: how often to plan at most. tolerance: of the grid's cost, within which heads and grid agree.
    damping: how far heads move to what was found.
    round_s: time limit of each round and of the bound; a third of the scenario's where none is given [s].
    survey: where one is at hand; one of another city or another wish is not used.

    Raises
    ------
    ScenarioError: as for `make_plan`. Infeasible: as for `make_plan`, and `grid.budget`. Disagreement: the verifier found otherwise.
    """
    began = time.monotonic()
    if survey is None or survey.key != survey_key(city, scenario):
        survey = make_survey(city, scenario, progress=progress)
    centre_m, prices, figures = centre_m or centre_of(city, scenario), load_prices(), figures if figures is not None else load_grid_figures()
    limit_s = round_s if round_s is not None else scenario.time_limit_s / 3
    heads, scale, reserve, agreed = survey.sites["cost_backhaul"].to_numpy(np.int64), 1.0, 0, False
    base = heads.astype(np.float64)
    best: tuple[Plan, Grid] | None = None
    told: list[Round] = []
    for number in range(rounds + _MORE):
        if number >= rounds and best is not None:
            break
        progress.step("grid", 0.42 + 0.5 * number / (rounds + _MORE))
        tried = _one_round(city, scenario, _with_heads(survey, heads), reserve, limit_s, progress, best is not None)
        if tried is None:
            break
        plan, rows = tried
        grid = lay_grid(city, poles_of(plan, survey.models), prices=prices, figures=figures, centre_m=centre_m, walls=survey.walls)
        stated = int(heads[rows].sum())
        total = plan.cost_inr - stated + grid.cost_inr
        told.append(Round(plan.proof.covered, stated, grid.cost_inr, total, total <= scenario.budget_inr))
        if told[-1].fits and (best is None or plan.proof.worth > best[0].proof.worth):
            best = plan, grid
        off = abs(stated - grid.cost_inr) / max(grid.cost_inr, 1)
        agreed = off <= tolerance
        if agreed and told[-1].fits and (reserve == 0 or total >= (1 - tolerance) * scenario.budget_inr):
            break
        # The heads of the first round are no shares of any grid: they are left behind at once, and say nothing of the scale.
        base = _moved(base, joining_costs(survey, grid, prices, figures), rows, plan, grid, damping if number else 1.0)
        scale *= float(np.clip(grid.cost_inr / max(stated, 1), 0.5, 2.0)) if number else 1.0
        heads = np.rint(scale * base).astype(np.int64)
        # Held back is what heads near the truth still miss; while they are far from it, the scale sees to that.
        reserve = max(0, reserve + total - scenario.budget_inr) if off <= _NEAR * tolerance or number >= rounds - 1 else 0
    if best is None:
        raise _too_dear(scenario, min(done.total_inr for done in told))
    progress.step("bound", 0.93)
    plan = _finished(*best, _bound(city, scenario, survey, prices, limit_s), time.monotonic() - began)
    verify(plan, city, grid=best[1], figures=figures)
    progress.step("done", 1.0)
    return Joined(dataclasses.replace(plan, verified=True), best[1], tuple(told), agreed)


def _moved(heads: Floats, joining: Ints, rows: Ints, plan: Plan, grid: Grid, damping: float) -> Floats:
    """The heads, moved toward shares where a site is in the plan and toward what a line of its own would cost elsewhere."""
    found = joining.astype(np.float64)
    found[rows] = [grid.shares_inr[site.id] for site in plan.sites]
    moved: Floats = (1 - damping) * heads + damping * found
    return moved


def _too_dear(scenario: Scenario, least: int) -> Infeasible:
    what = f"No plan was found whose network is within the budget; the cheapest met costs {say_rupees(least)}"
    return Infeasible.one("grid.budget", what, "Give more, or allow fewer and nearer sites", say_rupees(scenario.budget_inr))


def _one_round(
    city: City, scenario: Scenario, survey: Survey, reserve: int, limit_s: float, progress: Progress, have: bool
) -> tuple[Plan, Ints] | None:  # fmt: skip
    """A plan under these heads with so much held back, and the rows of its sites; None where what is left buys nothing and a plan is at hand."""
    held = dataclasses.replace(scenario, budget_inr=max(scenario.budget_inr - reserve, 1))
    try:
        problem = make_problem(city, held, survey)
    except ScenarioError:
        if have and reserve:
            return None
        raise
    outcome = solve(problem, gap=scenario.gap, time_limit_s=limit_s, seed=scenario.seed, progress=progress.part(0.42, 0.92))
    plan = compose(city, scenario, survey, problem, outcome)
    return plan, survey.sites.index.get_indexer([site.id for site in plan.sites]).astype(np.int64)


def _with_heads(survey: Survey, heads: Ints) -> Survey:
    """The survey with these network heads in its sites' costs."""
    sites = survey.sites.copy()
    sites["cost_inr"] = sites["cost_inr"].to_numpy(np.int64) - sites["cost_backhaul"].to_numpy(np.int64) + heads
    sites["cost_backhaul"] = heads
    return dataclasses.replace(survey, sites=sites)


def joining_costs(survey: Survey, grid: Grid, prices: Prices, figures: Figures) -> Ints:
    """What a line from each site to a grid that stands would cost: along the streets to its nearest piece, or by radio to a mast in sight.

    Returns
    -------
    Whole rupees (n_sites,). A site that no street and no sight joins pays a radio link.
    """
    lines, points = grid.lines, survey.sites.geometry.to_numpy()
    graph, streets = street_graph(lines.roads), lines.roads.geometry.to_numpy()
    on, place = snap(points, streets)
    stub_m = shapely.distance(points, streets[on])
    fibre = grid.edges[lines.kind[grid.edges] == 0]
    old_on, old_place = snap(shapely.points(lines.xy[lines.old]), streets) if figures["existing_joined"] == 1 else (fibre[:0], np.zeros(0))
    centre_on, centre_place = snap(shapely.points(lines.xy[[lines.root]]), streets)
    to = (lines.road[fibre], lines.road[fibre], old_on, centre_on)
    at = (lines.from_m[fibre], lines.to_m[fibre], old_place, centre_place)
    away = distance_to_nearest(graph, on, place, np.concatenate(to), np.concatenate(at))
    away[_on_piece(on, place, lines.road[fibre], lines.from_m[fibre], lines.to_m[fibre])] = 0.0
    cost = np.where(np.isfinite(away), prices["fibre_base"] + prices["fibre_per_m"] * (stub_m + np.where(np.isfinite(away), away, 0)), np.inf)
    masts = np.unique(np.concatenate([[lines.root], lines.poles, lines.old]))
    height = np.minimum(survey.sites["max_height_m"].to_numpy(np.float64), NOMINAL_M)
    if figures["wireless_range_m"] > 0:
        sight = cast(
            survey.walls, shapely.get_coordinates(points), lines.xy[masts], np.full(len(masts), NOMINAL_M), reach_m=figures["wireless_range_m"],
            highest_m=height,
        )  # fmt: skip
        cost = np.where(np.diff(sight.start) > 0, np.minimum(cost, prices["radio_link"]), cost)
    cost[~np.isfinite(cost)] = prices["radio_link"]
    return np.rint(cost).astype(np.int64)


def _on_piece(on: Ints, place: Floats, road: Ints, from_m: Floats, to_m: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each place lies on one of the pieces, of which no two overlap (n_places,)."""
    if not len(road):
        return np.zeros(len(on), dtype=np.bool_)
    long = max(float(place.max(initial=0)), float(to_m.max())) + 1
    order = np.argsort(road * long + from_m, kind="stable")
    last = np.searchsorted((road * long + from_m)[order], on * long + place, side="right") - 1
    piece = order[np.maximum(last, 0)]
    flags: np.ndarray[tuple[int], np.dtype[np.bool_]] = (last >= 0) & (road[piece] == on) & (to_m[piece] >= place)
    return flags


def _bound(city: City, scenario: Scenario, survey: Survey, prices: Prices, limit_s: float) -> float:
    """A share of all weight that no plan with a network can exceed: each site pays its own stub, or half of a radio link, and no more.

    In any network each pole has a stub of its own or shares a radio link with one other.
    """
    lines = city["roads"]
    streets = lines[~lines["tunnel"].to_numpy(bool)].sort_index(kind="stable").geometry.to_numpy()
    on, _ = snap(survey.sites.geometry.to_numpy(), streets)
    stub = prices["fibre_base"] + prices["fibre_per_m"] * np.rint(shapely.distance(survey.sites.geometry.to_numpy(), streets[on]))
    floor = np.minimum(stub, prices["radio_link"] // 2).astype(np.int64)
    problem: Problem = make_problem(city, scenario, _with_heads(survey, floor))
    outcome = solve(problem, gap=scenario.gap, time_limit_s=limit_s, seed=scenario.seed)
    whole = max(problem.whole, 1e-12)
    return float(min(outcome.bound / whole, max(problem.total / whole, 1.0)))


def _finished(plan: Plan, grid: Grid, bound: float, runtime_s: float) -> Plan:
    """The plan with the grid's shares as heads of its sites, and the bound that holds for any network."""
    sites = tuple(
        dataclasses.replace(site, heads=(*(head for head in site.heads if head[0] != "backhaul"), ("grid", grid.shares_inr[site.id])))
        for site in plan.sites
    )
    gap = max(bound / plan.proof.worth - 1, 0.0) if plan.proof.worth > 0 else 0.0
    how = f"{plan.proof.how}; planned and joined by a network in turn; the bound lets each site pay no more of the network than its own last stretch"
    proof = dataclasses.replace(plan.proof, bound=bound, gap=gap, how=how, runtime_s=runtime_s)
    return dataclasses.replace(plan, sites=sites, proof=proof, assumptions=(*plan.assumptions, *grid.notes))
