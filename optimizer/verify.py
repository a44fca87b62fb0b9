"""The verifier: a plan's coverage and cost worked out again from raw geometry, by another way than the one that made it.

The planner walks a grid of walls and filters by distance and bearing. Here every camera's targets are asked one by one: angle between bearing and
target, angle below the horizon between the picture's edges, pixels over slant range, and shapely's own intersection of the line of sight with each
footprint's outline (`optimizer.verify_sight`); on terrain each line is a profile of many points besides (`optimizer.profiles`). Homes in view are
the one thing counted by the planner's own walk, for the plan's cameras anew. The demand is built again from the city and the
recipe, sites and prices likewise, and the routes out where they weigh (`optimizer.verify_routes`); nothing is taken from the plan but where its
cameras stand and how they are aimed. A plan that disagrees is refused.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from coverage.optics import focal_px
from coverage.sight import build_walls
from coverage.standing import planned
from coverage.terrain import Terrain, read_terrain
from optimizer.extras import homes_in_view, price_a_metre, second_views, sees_no_view
from optimizer.grid import Grid, centre_of, lay_grid, poles_of
from optimizer.lines import load_grid_figures
from optimizer.verify_grid import grid_faults
from optimizer.verify_routes import routes_read
from optimizer.verify_sight import Camera, sees, standing_cameras, tilted_otherwise
from planning.catalogue import load_levels, load_models, load_prices, load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.errors import Disagreement, Fault
from planning.figures import Figures
from planning.handmade import placed_spots
from planning.money import say_rupees
from planning.nouns import Plan, PlannedCamera
from planning.purposes import ask_purposes
from planning.sites import NOMINAL_M, build_sites
from planning.voices import weigh_suggestions

SHARE_TOLERANCE = 1e-4  # of all weight: lines of sight that graze a corner within a rounding error


@dataclass(frozen=True)
class Verified:
    """What the verifier found: shares of all weight covered before and after, and the plan's cost."""

    before: float
    after: float
    cost_inr: int
    yearly_inr: int
    runtime_s: float


def verify(plan: Plan, city: City, *, grid: Grid | None = None, figures: Figures | None = None) -> Verified:
    """Work the plan out again.

    Parameters
    ----------
    grid: the network of a plan whose sites pay for one (head `grid`); laid again to the scenario's command centre, else the assumed one, where it is
    not at hand.
    figures: data/network.toml where none are given.

    Raises
    ------
    Disagreement: with every figure that differs, stated and found: `verify.city`, `verify.before`, `verify.after`, `verify.ward`, `verify.bound`,
    `verify.second`, `verify.privacy`, `verify.routes`, `verify.zone`, `verify.cost`, `verify.budget`, `verify.site`, `verify.place`,
    `verify.camera`, `verify.map`, `verify.grid`.
    """
    began = time.monotonic()
    _check_readable(plan, city)
    faults: list[Fault] = []
    wish, recipe, levels = plan.scenario, load_recipe(plan.scenario.recipe), load_levels()
    demand = weigh_suggestions(city, build_demand(city, recipe, spacing_m=wish.spacing_m), wish)
    demand = ask_purposes(city, demand, wish.purposes, levels, wish.level)
    weight, terrain = demand["weight"].to_numpy(dtype=np.float64), read_terrain(city)
    least_px = float(demand["px_per_m"].min())
    old, new = standing_cameras(city, terrain, least_px, by_night=wish.by_night, target_m=recipe.target_m), _planned(plan, faults)
    for row, tilt in tilted_otherwise(new, terrain, least_px, recipe.target_m):
        where = f"the camera at {new[row].x_m:.1f}, {new[row].y_m:.1f} that looks {new[row].bearing_deg:g} deg"
        faults.append(_differs("verify.camera", f"{where} is tilted otherwise than its ground asks", f"{new[row].tilt_deg:.2f}", f"{tilt:.2f}"))
    seen_old, seen_new = sees(old, city, demand, terrain), sees(new, city, demand, terrain)
    before = np.asarray(seen_old.getnnz(axis=0) > 0)
    after = before | np.asarray(seen_new.getnnz(axis=0) > 0)
    total = max(float(weight.sum()), 1e-12)
    share_before, share_after = float(weight[before].sum()) / total, float(weight[after].sum()) / total
    _compare(faults, "before", plan.scorecard.before, share_before)
    _compare(faults, "after", plan.scorecard.after, share_after)
    _compare(faults, "covered", plan.proof.covered, share_after)
    twice = _places(old, seen_old) + _places(new, seen_new) > 1
    _compare(faults, "second", plan.proof.second, float(second_views(wish, demand)[twice].sum()) / total)
    _check_privacy(plan, city, demand, terrain, faults)
    read = _check_routes(plan, city, demand, terrain, (old, new), faults)
    # What counts toward a share to reach, and what the plan was to be best by.
    m = wish.movement_percent / 100
    counted = (1 - m) * share_after + m * read
    worth = counted + (1 - m) * (plan.proof.second - plan.proof.privacy)
    if not plan.proof.bound >= worth - SHARE_TOLERANCE:
        faults.append(_differs("verify.bound", "the bound lies below what the plan is worth", plan.proof.bound, worth))
    if counted < plan.scenario.wanted_share - SHARE_TOLERANCE:
        faults.append(_differs("verify.after", "less is covered than was asked for", plan.scenario.wanted_share, f"{counted:.6f}"))
    _check_map(plan, demand, before, after, faults)
    _check_wards(plan, city, demand, before, after, faults)
    cost, yearly = _check_cost(plan, city, faults, _shares(plan, city, grid, figures, faults))
    if faults:
        raise Disagreement(faults)
    return Verified(share_before, share_after, cost, yearly, time.monotonic() - began)


def _check_readable(plan: Plan, city: City) -> None:
    """What must hold before anything can be worked out."""
    faults: list[Fault] = []
    if plan.city_digest != city.digest:
        faults.append(Fault("verify.city", "The plan was made for another state of the city", "Plan again", f"{plan.city_digest}, not {city.digest}"))
    if plan.scenario.level not in load_levels():
        faults.append(Fault("verify.camera", "The plan's level is no longer known", "Plan again", plan.scenario.level))
    for camera in plan.cameras:
        figures = (camera.x_m, camera.y_m, camera.height_m, camera.bearing_deg, camera.tilt_deg, camera.hfov_deg, camera.vfov_deg)
        if not np.isfinite(figures).all():
            faults.append(_differs("verify.camera", f"{camera.id}: a figure is not a number", figures, "finite numbers"))
    if faults:
        raise Disagreement(faults)


def _differs(code: str, what: str, stated: object, found: object) -> Fault:
    return Fault(code, what, "Do not use this plan; plan again", f"stated {stated}, found {found}")


def _compare(faults: list[Fault], name: str, stated: float, found: float) -> None:
    if not abs(stated - found) <= SHARE_TOLERANCE:
        faults.append(_differs(f"verify.{name}", f"coverage ({name}) differs", f"{stated:.6f}", f"{found:.6f}"))


def _check_map(plan: Plan, demand: gpd.GeoDataFrame, before: np.ndarray, after: np.ndarray, faults: list[Fault]) -> None:
    """What the map draws is what was found: the same points with the same weights, and seen where they are said to be."""
    drawn, weight = plan.demand, demand["weight"].to_numpy(dtype=np.float64)
    total = max(float(weight.sum()), 1e-12)
    if list(drawn.index.astype(str)) != list(demand.index.astype(str)):
        faults.append(_differs("verify.map", "the demand points on the map are not the city's", len(drawn), len(demand)))
        return
    off = float(np.abs(drawn["weight"].to_numpy(dtype=np.float64) - weight).sum()) / total
    if not off <= SHARE_TOLERANCE:
        faults.append(_differs("verify.map", "weights on the map differ", f"off by {off:.6f} of all weight", "0"))
    moved = shapely.distance(drawn.geometry.array, demand.geometry.array)
    if not (moved <= 0.01).all():
        faults.append(_differs("verify.map", "demand points on the map are moved", int((~(moved <= 0.01)).sum()), 0))
    for name, seen in (("before", before), ("after", after)):
        wrong = float(weight[drawn[name].to_numpy(dtype=bool) != seen].sum()) / total
        if wrong > SHARE_TOLERANCE:
            faults.append(_differs("verify.map", f"what is drawn as seen ({name}) is not what was found", f"{wrong:.6f} of all weight", "0"))


def _check_wards(plan: Plan, city: City, demand: gpd.GeoDataFrame, before: np.ndarray, after: np.ndarray, faults: list[Fault]) -> None:
    """Each ward's shares, by plain sums; and the floor."""
    names = dict(zip(city["wards"].index.astype(str), city["wards"]["name"].astype(str), strict=True))
    weight = demand["weight"].to_numpy(dtype=np.float64)
    sums: dict[str, list[float]] = {}
    for label, amount, was, now in zip(demand["ward"].astype(str), weight, before, after, strict=True):
        if label in names:
            row = sums.setdefault(label, [0.0, 0.0, 0.0])
            row[0] += amount
            row[1] += amount * bool(was)
            row[2] += amount * bool(now)
    found = sorted((names[label], row[1] / row[0], row[2] / row[0], row[0]) for label, row in sums.items() if row[0] > 0)
    stated = sorted((score.ward, score.before, score.after) for score in plan.scorecard.wards)
    if [row[0] for row in found] != [row[0] for row in stated]:
        faults.append(_differs("verify.ward", "the wards differ", len(stated), len(found)))
        return
    total = float(weight.sum())
    for (name, was, now, amount), (_, said_was, said_now) in zip(found, stated, strict=True):
        # A ward's share may differ by as much weight as the whole city's may.
        slack = SHARE_TOLERANCE * max(total / amount, 1.0)
        if not (abs(was - said_was) <= slack and abs(now - said_now) <= slack):
            faults.append(_differs("verify.ward", f"coverage of {name} differs", f"{said_now:.6f}", f"{now:.6f}"))
        if now < plan.scenario.ward_floor - slack - 1e-9:
            faults.append(_differs("verify.ward", f"{name} lies below its floor", plan.scenario.ward_floor, f"{now:.6f}"))


def _planned(plan: Plan, faults: list[Fault]) -> list[Camera]:
    models = load_models()
    cameras = []
    for camera in plan.cameras:
        model = models.get(camera.model)
        lens = model.lenses[camera.lens] if model is not None and 0 <= camera.lens < len(model.lenses) else None
        if model is None or lens is None or (lens.hfov_deg, lens.vfov_deg) != (camera.hfov_deg, camera.vfov_deg):
            faults.append(
                _differs("verify.camera", f"{camera.id}: its model or lens is not the catalogue's", f"{camera.model} {camera.hfov_deg}", lens)
            )
            continue
        if f"@{camera.bearing_deg:.1f}/{camera.height_m:g}" not in camera.id or not camera.id.startswith(
            f"{camera.site}/{camera.model}/{camera.lens}@"
        ):
            faults.append(_differs("verify.camera", f"{camera.id}: its id does not say what it is", camera.id, camera.site))
        most = model.night_range_m if plan.scenario.by_night else np.inf
        aim = (camera.bearing_deg, camera.tilt_deg, lens.hfov_deg, lens.vfov_deg)
        cameras.append(Camera(camera.x_m, camera.y_m, camera.height_m, *aim, focal_px(model.width_px, lens.hfov_deg), most))
    return cameras


def _places(cameras: list[Camera], seen: sparse.csr_matrix) -> np.ndarray:
    """From how many places each point is seen (n_demand,); cameras within a metre share one."""
    found = np.zeros(seen.shape[1], dtype=np.int64)
    by_place: dict[tuple[int, int], list[int]] = {}
    for row, camera in enumerate(cameras):
        by_place.setdefault((round(camera.x_m), round(camera.y_m)), []).append(row)
    for rows in by_place.values():
        found += np.asarray(seen[rows].getnnz(axis=0) > 0)
    return found


def _check_privacy(plan: Plan, city: City, demand: gpd.GeoDataFrame, terrain: Terrain | None, faults: list[Fault]) -> None:
    """The price of homes in view, and that no camera sees a zone it must not, worked out anew from the plan's own cameras."""
    wish = plan.scenario
    if wish.privacy == 0:
        _compare(faults, "privacy", plan.proof.privacy, 0.0)
    if not (wish.privacy or wish.no_view) or any(fault.code == "verify.camera" for fault in faults):
        return
    origin = (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1])))
    walls = build_walls(city["buildings"], origin, terrain)
    least_px = float(demand["px_per_m"].min())
    cameras = planned(plan.cameras, load_models(), least_px, by_night=wish.by_night, target_m=load_recipe(wish.recipe).target_m)
    if wish.privacy:
        metres = float(homes_in_view(city, walls, cameras.points_m, cameras.poses).sum())
        total = max(float(demand["weight"].sum()), 1e-12)
        _compare(faults, "privacy", plan.proof.privacy, price_a_metre(wish, demand) * metres / total)
    if wish.no_view:
        kept = np.isin(np.array(cameras.ids)[cameras.poses.site], wish.keep)
        bad = np.flatnonzero(sees_no_view(city, walls, cameras.points_m, cameras.poses) & ~kept)
        faults.extend(_differs("verify.zone", f"{cameras.ids[cameras.poses.site[row]]} sees a no-view zone", "none", "some") for row in bad[:5])


def _check_routes(
    plan: Plan, city: City, demand: gpd.GeoDataFrame, terrain: Terrain | None, cameras: tuple[list[Camera], list[Camera]], faults: list[Fault]
) -> float:  # fmt: skip
    """The share of routes out on which a plate is read, worked out again without and with the plan's cameras; that with them, 0 where none weigh."""
    card, proof, m = plan.scorecard, plan.proof, plan.scenario.movement_percent / 100
    if proof.movement != m:
        faults.append(_differs("verify.routes", "the share given to routes out is not the wish's", proof.movement, m))
    if not m:
        if (card.routes_before, card.routes_after, proof.routes) != (None, None, 0.0):
            faults.append(_differs("verify.routes", "routes are told that weigh nothing", card.routes_after, None))
        return 0.0
    before, after = routes_read(cameras, city, demand, terrain)
    stated = ((card.routes_before, before), (card.routes_after, after), (proof.routes, after))
    for said, found in stated:
        _compare(faults, "routes", np.nan if said is None else said, found)
    return after


def _shares(plan: Plan, city: City, grid: Grid | None, figures: Figures | None, faults: list[Fault]) -> Mapping[str, int] | None:
    """Each site's share of the network, itself worked out again; None for a plan whose sites have links of their own."""
    if grid is None and not any(name == "grid" for site in plan.sites for name, _ in site.heads):
        return None
    known = {camera.model for camera in plan.cameras} <= set(load_models()) and {camera.site for camera in plan.cameras} >= {s.id for s in plan.sites}
    if not known:
        return {}
    poles, figures = poles_of(plan), figures if figures is not None else load_grid_figures()
    grid = grid if grid is not None else lay_grid(city, poles, figures=figures, centre_m=centre_of(city, plan.scenario))
    faults.extend(grid_faults(grid, city, poles, figures))
    return grid.shares_inr


def _check_cost(plan: Plan, city: City, faults: list[Fault], shares: Mapping[str, int] | None) -> tuple[int, int]:
    """Prices from the catalogue, sites from the city; each camera stands at its site, each site is paid once, and no limit is passed."""
    models = load_models()
    sites = build_sites(city, load_prices(), placed=placed_spots(plan.scenario.keep))
    used = Counter(camera.site for camera in plan.cameras)
    built = {site.id: site for site in plan.sites}
    if set(used) != set(built) or len(built) != len(plan.sites):
        faults.append(_differs("verify.site", "the sites built are not those of the cameras", sorted(set(built) ^ set(used))[:5], "equal sets"))
    cost = yearly = 0
    for label in used:
        if label not in sites.index:
            faults.append(_differs("verify.site", "a site is not one of the city's", label, "none"))
            continue
        row = sites.loc[label]
        heads = sum(int(row[name]) for name in sites.columns if name.startswith("cost_") and name not in ("cost_inr", "cost_per_m_above_6"))
        if shares is not None:
            heads += shares.get(label, 0) - int(row["cost_backhaul"])
        cost, yearly = cost + heads, yearly + int(row["yearly_inr"])
        if label in built and (built[label].cost_inr, built[label].yearly_inr) != (heads, int(row["yearly_inr"])):
            faults.append(_differs("verify.cost", f"site {label} costs otherwise", built[label].cost_inr, heads))
    for camera in plan.cameras:
        if camera.model in models and camera.site in sites.index:
            own, upkeep = (
                _camera_cost(camera, models[camera.model].price_inr, float(sites.loc[camera.site, "cost_per_m_above_6"])),
                models[camera.model].upkeep_inr_per_year,
            )
            cost, yearly = cost + own, yearly + upkeep
            _check_camera(camera, sites.loc[camera.site], own, upkeep, faults)
    if len({camera.id for camera in plan.cameras}) != len(plan.cameras):
        faults.append(_differs("verify.camera", "a camera stands twice in the plan", len(plan.cameras), len({camera.id for camera in plan.cameras})))
    if plan.proof.least_inr is not None and plan.proof.least_inr > cost:
        faults.append(_differs("verify.bound", "the least cost lies above what the plan costs", plan.proof.least_inr, cost))
    limits = (
        ("verify.cost", "the capital cost differs", plan.cost_inr, cost, plan.cost_inr == cost),
        ("verify.cost", "the yearly cost differs", plan.yearly_inr, yearly, plan.yearly_inr == yearly),
        ("verify.budget", "the capital budget is passed", say_rupees(plan.scenario.budget_inr), say_rupees(cost), cost <= plan.scenario.budget_inr),
        (
            "verify.budget",
            "the yearly budget is passed",
            plan.scenario.yearly_inr,
            yearly,
            plan.scenario.yearly_inr is None or yearly <= plan.scenario.yearly_inr,
        ),
        (
            "verify.site",
            "a site carries too many cameras",
            plan.scenario.cameras_per_site,
            max(used.values(), default=0),
            max(used.values(), default=0) <= plan.scenario.cameras_per_site,
        ),
    )
    faults.extend(_differs(code, what, stated, found) for code, what, stated, found, holds in limits if not holds)
    _check_lists(plan, faults)
    return cost, yearly


def _camera_cost(camera: PlannedCamera, price: int, per_m: float) -> int:
    return price + int(np.ceil(max(camera.height_m - NOMINAL_M, 0.0) * per_m))


def _check_camera(camera: PlannedCamera, site: gpd.GeoSeries, cost: int, yearly: int, faults: list[Fault]) -> None:
    if (camera.cost_inr, camera.yearly_inr) != (cost, yearly):
        faults.append(_differs("verify.cost", f"{camera.id} costs otherwise", camera.cost_inr, cost))
    away = float(np.hypot(site.geometry.x - camera.x_m, site.geometry.y - camera.y_m))
    if not away <= 0.01:
        faults.append(_differs("verify.place", f"{camera.id} does not stand at its site", f"{away:.2f} m away", "0 m"))
    if not camera.height_m <= float(site["max_height_m"]) + 1e-9:
        faults.append(_differs("verify.place", f"{camera.id} hangs higher than its site allows", camera.height_m, float(site["max_height_m"])))


def _check_lists(plan: Plan, faults: list[Fault]) -> None:
    ids = {camera.id for camera in plan.cameras}
    missing = sorted(set(plan.scenario.keep) - ids)
    if missing:
        faults.append(_differs("verify.camera", "kept cameras are missing", missing[:5], "none"))
    kept = set(plan.scenario.keep)
    banned = sorted(camera.id for camera in plan.cameras if camera.id not in kept and {camera.id, camera.site} & set(plan.scenario.forbid))
    if banned:
        faults.append(_differs("verify.camera", "forbidden cameras are in the plan", banned[:5], "none"))
