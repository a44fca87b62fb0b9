"""From a city and a scenario to a verified plan: the straight line."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from coverage.band import band
from coverage.poses import Poses
from coverage.standing import planned, together
from coverage.tilts import spans, tilts
from coverage.views import view_areas
from coverage.written_purpose import written_purposes
from optimizer.cover import Covered, cover
from optimizer.extras import homes_price, second_views, sees_no_view
from optimizer.interception import flow_notes, flow_of, weigh_routes
from optimizer.problem import Flags, Floats, Ints, Limits, Problem
from optimizer.run import Interim
from optimizer.solve import Outcome, solve
from optimizer.survey import Survey, make_survey
from optimizer.verify import verify
from planning.catalogue import load_levels, load_models, load_written_purposes
from planning.city import City
from planning.errors import Fault, Infeasible, ScenarioError
from planning.handmade import HAND_MADE
from planning.money import say_rupees
from planning.nouns import Draft, Plan, PlannedCamera, PlannedSite, Proof, Scenario, Scorecard, WardScore
from planning.progress import Progress
from planning.sites import NOMINAL_M

DRAWS = 20  # for the band of the coverage
BY_HAND = "plan made by hand"

def make_plan(city: City, scenario: Scenario, *, progress: Progress = Progress(), survey: Survey | None = None) -> Plan:  # noqa: B008
    """The best plan found for a scenario, verified by another computation before anyone sees it.

    Parameters
    ----------
    progress: told each stage and the gap, shown a `Draft` now and then; may stop the work.
    survey: where one is at hand; one of another city or another wish is not used.

    Raises
    ------
    ScenarioError: a wish that cannot be read, or a budget below the cheapest camera.
    Infeasible: rules that cannot hold together, with what would be enough.
    Disagreement: the verifier found another coverage or cost.
    """
    began = time.monotonic()
    if survey is None or not survey.serves(city, scenario):
        survey = make_survey(city, scenario, progress=progress)
    problem = make_problem(city, scenario, survey)
    def draft(found: object) -> None:
        if isinstance(found, Interim):
            total = max(problem.whole, 1e-12)
            cameras, built = cameras_of(survey, problem, found.chosen), sites_of(survey, problem, found.chosen)
            progress.show(Draft(cameras, built, found.objective / total, min(found.bound / total, 1.0)))

    outcome = answer(problem, scenario, progress=progress.part(0.42, 0.94).showing(draft))
    return finish(city, scenario, survey, problem, outcome, began=began, progress=progress)


def answer(problem: Problem, scenario: Scenario, *, progress: Progress = Progress()) -> Outcome | Covered:  # noqa: B008
    """The most coverage for the budget, or the least money for the share that is wanted.

    Raises
    ------
    Infeasible: as `solve` and `cover`; `cover.budget` where the budget does not pay the share.
    """
    options: dict[str, Any] = {"gap": scenario.gap, "time_limit_s": scenario.time_limit_s, "seed": scenario.seed, "progress": progress}
    if scenario.wanted_share == 0:
        return solve(problem, **options)
    found = cover(problem, scenario.wanted_share * problem.whole, **options)
    if found.cost_inr > scenario.budget_inr:
        none = "No" if found.bound_inr > scenario.budget_inr else "No known"
        what = f"{none} plan covers {100 * scenario.wanted_share:g} % within the budget; one that does costs {say_rupees(found.cost_inr)}"
        way_out = f"Give {say_rupees(found.cost_inr)}, or want less; no plan that covers so much costs less than {say_rupees(found.bound_inr)}"
        raise Infeasible.one("cover.budget", what, way_out, say_rupees(scenario.budget_inr))
    return found


def finish(
    city: City, scenario: Scenario, survey: Survey, problem: Problem, outcome: Outcome | Covered, *, began: float, progress: Progress = Progress()  # noqa: B008
) -> Plan:  # fmt: skip
    """The outcome as a plan, verified; `began` of `time.monotonic`.

    Raises
    ------
    Disagreement: the verifier found another coverage or cost.
    """
    progress.step("verify", 0.95)
    plan = _with_purposes(city, survey, compose(city, scenario, survey, problem, outcome))
    verified = verify(plan, city)
    progress.step("band", 0.98)
    mark = time.monotonic()
    plan = with_band(city, survey, plan)
    own = tuple((f"optimize: {name}", seconds) for name, seconds in outcome.stages_s)
    stages = (*survey.stages_s, *own, ("verify", verified.runtime_s), ("band", time.monotonic() - mark))
    progress.step("done", 1.0)
    proof = dataclasses.replace(plan.proof, runtime_s=time.monotonic() - began)
    return dataclasses.replace(plan, stages_s=stages, verified=True, proof=proof)


def _with_purposes(city: City, survey: Survey, plan: Plan) -> Plan:
    """The plan with what each camera is for, from what it mainly sees."""
    px_per_m = load_levels()[plan.scenario.level].px_per_m
    new = planned(plan.cameras, load_models(), px_per_m, by_night=plan.scenario.by_night, target_m=survey.target_m)
    said = written_purposes(city, survey.walls, new, plan.demand, load_written_purposes())
    cameras = tuple(dataclasses.replace(camera, purpose=one.key) for camera, one in zip(plan.cameras, said, strict=True))
    return dataclasses.replace(plan, cameras=cameras)


def with_band(city: City, survey: Survey, plan: Plan, *, draws: int = DRAWS) -> Plan:
    """The plan with the band of its coverage, and for each demand point the share of draws in which it is seen (`seen_share`)."""
    wish, demand, ground = plan.scenario, plan.demand, survey.ground
    new = planned(plan.cameras, load_models(), ground.px_per_m, by_night=wish.by_night, target_m=survey.target_m)
    xy, z, weight = shapely.get_coordinates(demand.geometry.array), demand["target_m"].to_numpy(float), demand["weight"].to_numpy(float)
    found = band(
        city["buildings"], together(survey.standing, new), xy, z, weight, recorded=len(survey.standing.ids), draws=draws, seed=wish.seed,
        terrain=survey.walls.terrain, deck_m=ground.deck_m, asked=ground.asked, target_m=survey.target_m,
    )  # fmt: skip
    told = f"The band of the coverage is of {draws} draws with errors of the sizes in data/doubt.toml; walls and trees no map has are not in it"
    card = dataclasses.replace(plan.scorecard, low=found.low, high=found.high)
    seen = demand.assign(seen_share=found.seen_share)
    return dataclasses.replace(plan, scorecard=card, demand=seen, assumptions=(*plan.assumptions, told))


def make_problem(city: City, scenario: Scenario, survey: Survey) -> Problem:
    """The arrays and limits of a scenario over its survey.

    Raises
    ------
    ScenarioError: `scenario.forbid` for unknown ids, `scenario.cheapest` where the budget buys no camera at all.
    CityError: as `optimizer.interception.flow_of`, where routes out weigh.
    """
    problem = arrays_of(city, scenario, survey)
    _check_affordable(scenario, problem)
    return problem


def arrays_of(city: City, scenario: Scenario, survey: Survey) -> Problem:
    """As `make_problem`, whatever the budget buys; `scenario.forbid` and the routes' errors as there."""
    sites, poses = survey.sites, survey.poses
    heads = poses.heads
    price = np.array([head.price_inr for head in heads], dtype=np.int64)[poses.head]
    upkeep = np.array([head.upkeep_inr for head in heads], dtype=np.int64)[poses.head]
    above = np.array([max(head.height_m - NOMINAL_M, 0.0) for head in heads])[poses.head]
    taller = np.ceil(above * sites["cost_per_m_above_6"].to_numpy(dtype=np.float64)[poses.site]).astype(np.int64)
    weight = survey.demand["weight"].to_numpy(dtype=np.float64)
    ward, names = ward_rows(city, survey.demand)
    totals = np.bincount(ward[ward >= 0], weights=weight[ward >= 0], minlength=len(names))
    least = (totals * scenario.ward_floor).astype(np.float64)
    keep, forbid = _lists(scenario, survey)
    if scenario.no_view:
        forbid |= sees_no_view(city, survey.walls, shapely.get_coordinates(sites.geometry.array), poses) & ~keep
    limits = Limits(scenario.budget_inr, scenario.yearly_inr, scenario.cameras_per_site, keep, forbid, least, names)
    seen = survey.matrix.px_per_m
    covers = sparse.csr_matrix((np.ones(seen.nnz, dtype=bool), seen.indices, seen.indptr), shape=seen.shape)
    problem = Problem(
        covers=covers, weight=weight, already=survey.already,
        ward=ward, cost=price + taller, yearly=upkeep, site=poses.site.astype(np.int64),
        site_cost=sites["cost_inr"].to_numpy(dtype=np.int64), site_yearly=sites["yearly_inr"].to_numpy(dtype=np.int64), limits=limits,
        second=second_views(scenario, survey.demand), penalty=homes_price(scenario, city, survey),
    )  # fmt: skip
    return weigh_routes(city, scenario, survey, problem)


def ward_rows(city: City, demand: gpd.GeoDataFrame) -> tuple[Ints, tuple[str, ...]]:
    """For each demand point the row of its ward, -1 for none (n_demand,); and the wards' names."""
    wards = city["wards"]
    found = pd.Index(wards.index.astype(str), dtype=object).get_indexer(pd.Index(demand["ward"].to_numpy(dtype=object)))
    return found.astype(np.int64), tuple(str(name) for name in wards["name"])


def _lists(scenario: Scenario, survey: Survey) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Which poses must be and which must not be in the plan; a forbidden site forbids all its poses, kept ones apart."""
    n = len(survey.poses)
    keep, forbid = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    if not scenario.keep and not scenario.forbid:
        return keep, forbid
    sites = {str(label): row for row, label in enumerate(survey.sites.index)}
    for text in scenario.keep:
        row = survey.row(text)
        assert row is not None  # a survey that serves offers all that is kept
        keep[row] = True
    faults = []
    for text in scenario.forbid:
        if text in sites:
            forbid |= survey.poses.site == sites[text]
        elif (row := survey.row(text)) is not None:
            forbid[row] = True
        elif text.split("/")[0] not in sites:
            faults.append(Fault("scenario.forbid", "No site or camera of this city bears this id", "Take it off the list", text))
    if faults:
        raise ScenarioError(faults)
    return keep, forbid & ~keep


def _check_affordable(scenario: Scenario, problem: Problem) -> None:
    alone = problem.cost + problem.site_cost[problem.site]
    sees = np.diff(problem.covers.indptr) > 0
    if not sees.any():
        raise ScenarioError.one(
            "scenario.blind", "No camera allowed here would see anything", "Ask a coarser level, or allow other models or heights", scenario.level
        )
    cheapest = int(alone[sees].min())
    faults = []
    if scenario.budget_inr < cheapest:
        what = f"The cheapest camera with its site costs {say_rupees(cheapest)}; the budget buys none"
        faults.append(Fault("scenario.cheapest", what, f"Give at least {say_rupees(cheapest)}", say_rupees(scenario.budget_inr)))
    least = int((problem.yearly + problem.site_yearly[problem.site])[sees].min())
    if scenario.yearly_inr is not None and scenario.yearly_inr < least:
        what = f"The least a camera with its site costs is {say_rupees(least)} a year; the yearly budget keeps none"
        faults.append(Fault("scenario.cheapest", what, f"Give at least {say_rupees(least)} a year", say_rupees(scenario.yearly_inr)))
    if faults:
        raise ScenarioError(faults)


def compose(city: City, scenario: Scenario, survey: Survey, problem: Problem, outcome: Outcome | Covered) -> Plan:
    """The plan of an outcome, in people's nouns."""
    demand = survey.demand.copy()
    demand["before"] = survey.before
    demand["after"] = problem.seen(outcome.chosen)[: len(demand)]
    card, notes = score(city, demand), tuple(survey.notes)
    if scenario.movement_percent:
        flow = flow_of(city, survey.ground)
        read = problem.seen(outcome.chosen)[len(demand) :]
        before, after = (float(flow.routes.weight[rows].sum()) for rows in (flow.already > 0, read))
        card, notes = dataclasses.replace(card, routes_before=before, routes_after=after), (*notes, *flow_notes(scenario, flow))
    return Plan(
        scenario=scenario, city_digest=city.digest, made=city.made, demand=demand, views=_views(city, survey, outcome.chosen),
        cameras=cameras_of(survey, problem, outcome.chosen), sites=sites_of(survey, problem, outcome.chosen), scorecard=card,
        proof=_proof(scenario, len(demand), problem, outcome, card.routes_after or 0.0), stages_s=survey.stages_s, assumptions=(*city.notes, *notes),
    )  # fmt: skip


def _proof(scenario: Scenario, n_demand: int, problem: Problem, outcome: Outcome | Covered, routes: float) -> Proof:
    """The proof of an outcome; the first `n_demand` rows are places, those behind them routes out, of which the share `routes` is read."""
    whole, weight = max(problem.whole, 1e-12), problem.weight[:n_demand]
    total = max(float(weight.sum()), 1e-12)
    covered = float(weight[problem.seen(outcome.chosen)[:n_demand]].sum()) / total
    second = float(problem.second[problem.views(outcome.chosen) > 1].sum()) / total
    privacy, most = float(problem.penalty[outcome.chosen].sum()) / total, max(problem.total / whole, 1.0)
    parts: dict[str, Any] = {"second": second, "privacy": privacy, "movement": scenario.movement_percent / 100, "routes": routes}
    by_hand = outcome.termination == HAND_MADE
    if isinstance(outcome, Covered):
        how = BY_HAND if by_hand else "cheapest plan by set covering, local search with row weights, and an integer program (PuLP, HiGHS)"
        return Proof(
            outcome.termination, covered, most, outcome.gap, outcome.runtime_s, least_inr=outcome.bound_inr, **parts,
            how=f"{how}; the least cost by Lagrangian relaxation over all poses, or by the integer program where it holds every pose",
        )  # fmt: skip
    how = BY_HAND if by_hand else "plan by greedy search, branch and price on parts of the town, and an integer program (PuLP, HiGHS)"
    return Proof(
        outcome.termination, covered, min(outcome.bound / whole, most), outcome.gap, outcome.runtime_s, **parts,
        how="bound by Lagrangian relaxation over all poses, sites or tiles of the town solved exactly, or by the integer program where it holds "
            f"every pose; {how}",
    )  # fmt: skip


def score(city: City, demand: gpd.GeoDataFrame) -> Scorecard:
    """Shares of the weight covered, of all and by ward; wards without weight are left out."""
    before, after = demand["before"].to_numpy(dtype=bool), demand["after"].to_numpy(dtype=bool)
    return scorecard(demand["weight"].to_numpy(dtype=np.float64), *ward_rows(city, demand), before, after)


def scorecard(weight: Floats, ward: Ints, names: Sequence[str], before: Flags, after: Flags) -> Scorecard:
    """As `score`, of arrays: each point's weight, ward's row, and whether it is seen (n_demand,)."""

    def by_ward(rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
        taken = rows & (ward >= 0)
        return np.bincount(ward[taken], weights=weight[taken], minlength=len(names)).astype(np.float64)

    totals = by_ward(np.ones(len(weight), dtype=bool))
    parts, full = by_ward(before), by_ward(after)
    scores = tuple(
        WardScore(name, float(totals[w]), float(parts[w] / totals[w]), float(full[w] / totals[w])) for w, name in enumerate(names) if totals[w] > 0
    )
    whole = max(float(weight.sum()), 1e-12)
    return Scorecard(float(weight[before].sum()) / whole, float(weight[after].sum()) / whole, scores)


def cameras_of(survey: Survey, problem: Problem, chosen: Ints) -> tuple[PlannedCamera, ...]:
    """The chosen poses as cameras of a plan, each with what it alone adds to them, routes out included where they weigh."""
    times = np.zeros(len(problem.weight), dtype=np.int64)
    times[problem.already > 0] = 1
    for pose in chosen:
        times[problem.covers.indices[problem.covers.indptr[pose] : problem.covers.indptr[pose + 1]]] += 1
    x, y = survey.sites.geometry.x.to_numpy(), survey.sites.geometry.y.to_numpy()
    wards = survey.sites["ward"].to_numpy(dtype=object)
    cameras = []
    picked = Poses(survey.poses.heads, survey.poses.site[chosen], survey.poses.head[chosen], survey.poses.bearing_deg[chosen])
    terrain, points = survey.walls.terrain, np.column_stack([x, y])
    tilt, (_, far) = tilts(terrain, points, picked), spans(terrain, points, picked)
    for row, pose in enumerate(chosen):
        head, site = survey.poses.heads[survey.poses.head[pose]], int(survey.poses.site[pose])
        seen = problem.covers.indices[problem.covers.indptr[pose] : problem.covers.indptr[pose + 1]]
        places = int((seen < len(survey.demand)).sum())  # routes on which it reads plates are no places it sees
        alone = float(problem.weight[seen[times[seen] == 1]].sum())
        cameras.append(
            PlannedCamera(
                id=survey.camera_id(int(pose)), site=survey.labels[site], x_m=float(x[site]), y_m=float(y[site]), model=head.model,
                hfov_deg=head.hfov_deg, vfov_deg=head.vfov_deg, bearing_deg=float(survey.poses.bearing_deg[pose]), tilt_deg=float(tilt[row]),
                height_m=head.height_m, reach_m=float(far[row]), lens=head.lens, cost_inr=int(problem.cost[pose]),
                yearly_inr=int(problem.yearly[pose]), ward=str(wards[site] or ""), sees=places, gain=alone / max(problem.whole, 1e-12),
            )
        )  # fmt: skip
    return tuple(cameras)


def sites_of(survey: Survey, problem: Problem, chosen: Ints) -> tuple[PlannedSite, ...]:
    """The sites the chosen poses build, with their cost head by head."""
    heads = sorted(column for column in survey.sites.columns if column.startswith("cost_") and column not in ("cost_inr", "cost_per_m_above_6"))
    built = survey.sites.iloc[np.unique(problem.site[chosen])]
    amounts = built[heads].to_numpy(dtype=np.int64)
    kinds, yearly, xy = built["kind"].to_numpy(dtype=object), built["yearly_inr"].to_numpy(), shapely.get_coordinates(built.geometry.array)
    names = [head.removeprefix("cost_") for head in heads]
    return tuple(
        PlannedSite(str(label), str(kinds[k]), float(xy[k, 0]), float(xy[k, 1]),
                    tuple((name, int(amount)) for name, amount in zip(names, amounts[k], strict=True) if amount), int(yearly[k]))
        for k, label in enumerate(built.index)
    )  # fmt: skip


def _views(city: City, survey: Survey, chosen: Ints) -> gpd.GeoDataFrame:
    """What each camera sees, drawn; existing cameras first."""
    target_m = survey.target_m
    standing = survey.standing
    points = np.column_stack([survey.sites.geometry.x.to_numpy(), survey.sites.geometry.y.to_numpy()])
    placed = Poses(survey.poses.heads, survey.poses.site[chosen], survey.poses.head[chosen], survey.poses.bearing_deg[chosen])
    shapes = view_areas(survey.walls, standing.points_m, standing.poses, target_m=target_m) + view_areas(
        survey.walls, points, placed, target_m=target_m
    )
    ids = [standing.ids[row] for row in standing.poses.site] + [survey.camera_id(int(pose)) for pose in chosen]
    flags = np.arange(len(ids)) >= len(standing.poses)
    return gpd.GeoDataFrame({"camera": ids, "planned": flags}, geometry=shapes, crs=city.crs)
