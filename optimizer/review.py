"""A plan reviewed: what it leaves unseen, the network it needs, which masks its cameras need, how it scores by groups, and how such a plan would
have done on later incidents.

Each part is worked out by itself, since some take seconds and some a minute, as plain values that are kept beside the plan's file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import shapely

from coverage.decks import decks_of
from coverage.frontage import build_frontage
from coverage.gaps import gap_areas, times_seen
from coverage.masks import masks_of_cameras
from coverage.privacy import zone_points
from coverage.scores import Score, by_crime, by_hour, by_place_kind, by_road_class, by_ward, load_night
from coverage.sight import Walls, build_walls
from coverage.standing import Standing, planned, stand
from coverage.stretches import unseen_stretches
from coverage.terrain import read_terrain
from coverage.witness import open_eyes
from optimizer.backtest import BackTest, Spread, backtest, split_by_time
from optimizer.desk import same_city
from optimizer.grid import centre_of, lay_grid, poles_of
from optimizer.judge import Ground, score
from planning.catalogue import load_levels, load_models, load_recipe
from planning.city import City
from planning.geometry import Bools
from planning.intrusion import load_privacy
from planning.nouns import Plan, Scenario
from planning.progress import Progress
from planning.reviews import Review, Ring, Row

MOST_STRETCHES = 1_000  # the heaviest are kept
TEST_S = 10.0  # each search of a back-test may take at most
DRAWS = 200  # of incidents, for the ends of what a back-test found
QUICK_S = 2.0  # what a back-test may cost where nobody asked for it
_Parts = tuple[Mapping[str, float], Mapping[str, Sequence[Row]], Mapping[str, Sequence[Sequence[Ring]]], tuple[str, ...]]


def make_review(part: str, plan: Plan, city: City, *, progress: Progress = Progress()) -> Review:  # noqa: B008
    """One part of a plan's review.

    Parameters
    ----------
    part: of `planning.reviews.PARTS`.

    Raises
    ------
    CityError: `desk.city` for a plan of another state of the city; and as each part's own work: InputError `backtest.dates` without dated incidents.
    """
    same_city(plan, city)
    makers: dict[str, Callable[[Plan, City, Progress], _Parts]] = {
        "gaps": _gaps, "network": _network, "masks": _masks, "scores": _scores, "backtest": _tested,
    }  # fmt: skip
    facts, tables, shapes, notes = makers[part](plan, city, progress)
    progress.step("done", 1.0)
    return Review(part, plan.id, plan.city_digest, facts, tables, shapes, notes)


def walls_of(city: City) -> Walls:
    """What blocks sight in a city."""
    return build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), read_terrain(city))


def groups_of(plan: Plan, city: City, *, night: bool) -> tuple[Standing, Standing]:
    """Cameras that stand, and the plan's, by day or by night."""
    models, wish = load_models(), plan.scenario
    px_per_m, target_m = load_levels()[wish.level].px_per_m, load_recipe(wish.recipe).target_m
    old = stand(city["cameras"], city["buildings"], models, px_per_m, by_night=night, target_m=target_m)
    return old, planned(plan.cameras, models, px_per_m, by_night=night, target_m=target_m)


def _lines(shape: shapely.Geometry) -> list[Ring]:
    """A shape's lines or rings as points."""
    parts = shapely.get_parts(shape)
    rings = shapely.get_rings(parts) if shapely.get_type_id(parts[0]) == shapely.GeometryType.POLYGON else parts
    return [[(float(x), float(y)) for x, y in shapely.get_coordinates(ring)] for ring in rings]


def _gaps(plan: Plan, city: City, progress: Progress) -> _Parts:
    seen = plan.demand["after"].to_numpy(dtype=bool)
    progress.step("stretches", 0.0)
    stretches = unseen_stretches(plan.demand, city["roads"], seen)
    progress.step("areas", 0.75)
    areas = gap_areas(plan.demand, seen)
    weight = plan.demand["weight"].to_numpy(dtype=np.float64)
    whole = max(float(weight.sum()), 1e-12)
    facts: dict[str, float] = {
        "unseen": float(weight[~seen].sum()) / whole, "stretches": len(stretches), "length_m": float(stretches["length_m"].sum()),
        "areas_share": float(areas["weight"].sum()) / whole,
    }  # fmt: skip
    most = stretches.head(MOST_STRETCHES)
    rows: list[Row] = [
        {
            "share": float(row.weight) / whole, "length_m": float(row.length_m), "road_class": str(row.road_class),
            "name": row.name if isinstance(row.name, str) else "", "ward": str(row.ward or ""),
        }
        for row in most.itertuples(index=False)
    ]  # fmt: skip
    found: list[Row] = [
        {"share": float(row.weight) / whole, "area_m2": float(row.area_m2), "points": int(row.points), "ward": str(row.ward or "")}
        for row in areas.itertuples(index=False)
    ]
    shapes = {"stretches": [_lines(shape) for shape in shapely.simplify(most.geometry.to_numpy(), 0.5)], "areas": [_lines(s) for s in areas.geometry]}
    return facts, {"stretches": rows, "areas": found}, shapes, ()


def _network(plan: Plan, city: City, progress: Progress) -> _Parts:
    progress.step("grid", 0.0)
    grid = lay_grid(city, poles_of(plan), centre_m=centre_of(city, plan.scenario), walls=walls_of(city))
    names = city["roads"]["name"].to_dict()
    rows: list[Row] = [
        {
            "kind": str(row.kind), "road": str(names.get(row.road) or ""), "length_m": float(row.length_m), "cost_inr": int(row.cost_inr),
            "cameras": int(row.cameras), "load_mbps": float(row.load_mbps), "over": bool(row.over), "seen": bool(row.seen),
            "capacity_mbps": float(row.capacity_mbps) if math.isfinite(row.capacity_mbps) else None,
        }
        for row in grid.segments.itertuples(index=False)
    ]  # fmt: skip
    totals = grid.totals.items()
    kinds: list[Row] = [{"kind": kind, "pieces": pieces, "length_m": metres, "cost_inr": cost} for kind, (pieces, metres, cost) in totals]
    new_m = float(grid.segments.loc[grid.segments["kind"] != "existing", "length_m"].sum())
    facts: dict[str, float] = {
        "cost_inr": grid.cost_inr, "bound_inr": grid.bound_inr, "gap": grid.gap, "load_mbps": grid.load_mbps, "storage_tb": grid.storage_tb,
        "retention_days": grid.retention_days, "new_m": new_m, "centre_x_m": grid.centre_m[0],
        "centre_y_m": grid.centre_m[1],
    }  # fmt: skip
    shapes = {"segments": [_lines(shape) for shape in shapely.simplify(grid.segments.geometry.to_numpy(), 0.5)]}
    return facts, {"segments": rows, "kinds": kinds, "bill": [dataclasses.asdict(line) for line in grid.bill]}, shapes, grid.notes


def _masks(plan: Plan, city: City, progress: Progress) -> _Parts:
    settings = load_privacy()
    progress.step("frontage", 0.0)
    frontage, walls = build_frontage(city["buildings"], settings), walls_of(city)
    progress.step("masks", 0.2)
    eyes = open_eyes(groups_of(plan, city, night=False)[1], load_models(), terrain=walls.terrain)
    found = masks_of_cameras(walls, eyes, frontage, zone_points(city["zones"], settings), settings)
    cameras: list[Row] = [
        {
            "camera": one.camera, "masks": len(one.masks), "share": one.share, "metres": sum(mask.metres for mask in one.masks), "known": one.known,
            "turns": one.turns,
        }
        for one in found
    ]  # fmt: skip
    masks: list[Row] = [
        {
            "camera": one.camera, "why": mask.why, "share": mask.share, "metres": mask.metres,
            "corners": " ".join(f"{u:.4f},{v:.4f}" for u, v in mask.corners),
        }
        for one in found
        for mask in one.masks
    ]  # fmt: skip
    facts: dict[str, float] = {"cameras": len(found), "masked": sum(bool(one.masks) for one in found)}
    return facts, {"cameras": cameras, "masks": masks}, {}, settings.assumptions


def score_tables(plan: Plan, city: City, walls: Walls) -> dict[str, tuple[Score, ...]]:
    """What a plan covers by ward, class of road, kind of place, category and hour of incidents. Hours are counted at the scenario's own level, what
    purposes ask left aside.
    """
    demand, recipe = plan.demand, load_recipe(plan.scenario.recipe)
    decks = decks_of(walls.terrain, city["roads"], demand)
    before, after = (demand[name].to_numpy(dtype=bool) for name in ("before", "after"))
    by_time: dict[bool, tuple[Bools, Bools]] = {}
    for night in (False, True):
        old, new = groups_of(plan, city, night=night)
        first = times_seen(walls, old, demand, deck_m=decks) > 0
        by_time[night] = (first, first | (times_seen(walls, new, demand, deck_m=decks) > 0))
    return {
        "ward": by_ward(demand, before, after), "road_class": by_road_class(demand, before, after),
        "place": by_place_kind(demand, city["places"], before, after, snap_m=recipe.place_snap_m),
        "crime": by_crime(demand, city["incidents"], before, after, snap_m=recipe.crime_snap_m),
        "hour": by_hour(demand, city["incidents"], by_time[False], by_time[True], hours=load_night(), snap_m=recipe.crime_snap_m),
    }  # fmt: skip


def _scores(plan: Plan, city: City, progress: Progress) -> _Parts:
    progress.step("sight", 0.0)
    walls = walls_of(city)
    progress.step("scores", 0.3)
    tables: dict[str, list[Row]] = {name: [dataclasses.asdict(row) for row in rows] for name, rows in score_tables(plan, city, walls).items()}
    return {}, tables, {}, ()


def bare_wish(scenario: Scenario, *, limit_s: float = TEST_S) -> Scenario:
    """The scenario a back-test plans by: the plan's, without rules about single cameras, wards, a share to reach, the yearly budget and the network,
    which the plan of other incidents might not be able to keep.

    Parameters
    ----------
    limit_s: each search may take at most so long [s].
    """
    return dataclasses.replace(
        scenario, keep=(), forbid=(), ward_floor=0.0, wanted_share=0.0, yearly_inr=None, grid=False, centre=(),
        time_limit_s=min(scenario.time_limit_s, limit_s),
    )  # fmt: skip


def seconds_expected(plan: Plan) -> float:
    """About what a back-test of a plan costs, from what its own stages took: surveyed again, and two searches [s]."""
    stages = dict(plan.stages_s)
    search = sum(seconds for name, seconds in stages.items() if name.startswith("optimize"))
    return sum(stages.get(name, 0.0) for name in ("demand", "sites", "sight", "poses", "matrix")) + 2 * search + 0.5


def _tested(plan: Plan, city: City, progress: Progress) -> _Parts:
    return _told(judge_plan(plan, city, progress=progress))


def judge_plan(plan: Plan, city: City, *, progress: Progress = Progress()) -> BackTest:  # noqa: B008
    """A plan of the same wish and as many cameras, made of the earlier 70 % of the incidents, judged on the later ones.

    Raises
    ------
    InputError: `backtest.dates`, `backtest.split`. CityError: `backtest.incidents`.
    """
    return backtest(city, bare_wish(plan.scenario), split_by_time(city["incidents"]), number=max(1, len(plan.cameras)), progress=progress)


def _told(found: BackTest) -> _Parts:
    rows: list[Row] = []
    ground = found.ground
    shaken = _shaken(ground)
    for one in found.placements:
        share, pei = (one.spread, None) if one.seen is None else _ends(shaken, one.seen)
        rows.append({
            "who": one.who, "view": one.view, "cameras": one.cameras, "captured": one.score.captured, "share": one.score.share,
            "low": share.low if share else None, "high": share.high if share else None, "length_share": one.score.length_share,
            "pai": one.score.pai, "pei": one.score.pei, "pei_low": pei.low if pei else None, "pei_high": pei.high if pei else None,
        })  # fmt: skip
    leads: list[Row] = []
    made = {(one.who, one.view): one for one in found.placements}
    for (who, view), one in made.items():
        if who in ("standing", "junctions") and one.seen is not None and ("planned", view) in made:
            lead = found.lead("planned", who, view)
            leads.append({"over": who, "view": view, "mean": lead.mean, "low": lead.low, "high": lead.high})
    facts: dict[str, float] = {
        "learnt": len(found.split.earlier), "judged": ground.incidents, "left_out": ground.left_out, "undated": found.split.undated,
    }  # fmt: skip
    return facts, {"placements": rows, "leads": leads}, {}, found.notes


def _shaken(ground: Ground, seed: int = 1) -> list[Ground]:
    """As many incidents, drawn again among the places of those that happened."""
    rng, share = np.random.default_rng(seed), ground.hits / ground.hits.sum()
    return [dataclasses.replace(ground, hits=rng.multinomial(ground.incidents, share).astype(np.float64)) for _ in range(DRAWS)]


def _ends(shaken: Sequence[Ground], seen: Bools) -> tuple[Spread, Spread]:
    """Mean and the 2.5th and 97.5th percentile of the share captured and of PEI* over grounds drawn again."""
    scores = [score(ground, seen) for ground in shaken]
    share, pei = (
        Spread(float(np.mean(values)), float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5)))
        for values in ([one.share for one in scores], [one.pei for one in scores])
    )
    return share, pei
