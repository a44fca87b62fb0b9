"""What a plan leaves unseen, how it scores, what it sees of homes, and how such plans would have done: printed, with files for maps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from coverage.fairness import fairness
from coverage.frontage import build_frontage
from coverage.gaps import gap_areas, make_rasters
from coverage.privacy import privacy_of_cameras, zone_points
from coverage.scores import Score
from coverage.sight import Walls
from coverage.standing import Standing, together
from coverage.stretches import unseen_stretches
from optimizer.backtest import AIMED, ALL_ROUND, BackTest, backtest, split_by_time
from optimizer.desk import same_city
from optimizer.grid import Grid
from optimizer.interception import lay_flow
from optimizer.review import QUICK_S, groups_of, make_review, score_tables, seconds_expected, walls_of
from planning.catalogue import load_recipe
from planning.city import MADE_NOTE, City
from planning.effects import load_effects
from planning.errors import CityError, Fault, InputError
from planning.files import atomic_path
from planning.intrusion import load_privacy
from planning.money import say_rupees
from planning.nouns import Plan
from planning.reviews import Review, read_review, write_review
from screens.library import address
from screens.review_said import back_test_line
from screens.terminal import attempt, open_city, plan_and_city, read_share, read_wish, teller
from screens.words import words


def gaps(options: argparse.Namespace) -> int:
    """Write the rasters, the unseen stretches and the gap areas of a plan; print the worst."""
    if not 0.5 <= options.cell <= 20:
        raise InputError.one("grid.cells", "A cell is from 0.5 to 20 m wide", "Use 1 or 2", options.cell)
    plan, city = plan_and_city(options)
    same_city(plan, city)
    out = Path(options.out)
    seen = plan.demand["after"].to_numpy(dtype=bool)
    stretches, areas = unseen_stretches(plan.demand, city["roads"], seen), gap_areas(plan.demand, seen)
    walls, cameras = walls_of(city), _cameras(plan, city)
    target_m = load_recipe(plan.scenario.recipe).target_m
    rasters = make_rasters(walls, cameras, city["buildings"], city.area, target_m=target_m, cell_m=options.cell)
    paths = [*rasters.write(out), out / "gaps.gpkg"]
    with atomic_path(paths[-1]) as scratch:
        for name, frame in (("stretches", stretches), ("areas", areas)):
            if len(frame):
                frame.to_file(scratch, layer=name, driver="GPKG")
    whole = max(float(plan.demand["weight"].sum()), 1e-12)
    print(f"{_title(city)}: {100 * float(plan.demand['weight'][~seen].sum()) / whole:.2f} % of all weight is unseen; the worst stretches of street:")
    for row in stretches.head(options.most).itertuples():
        print(f"  {100 * row.weight / whole:6.3f} %  {row.length_m:6.0f} m  {row.road_class:<12} {row.name or ''}  {row.ward or ''}")
    print(f"written to {', '.join(map(str, paths))}")
    return 0


def scores(options: argparse.Namespace) -> int:
    """Print what a plan covers by road class, kind of place, category of crime and hour, and how evenly."""
    plan, city = plan_and_city(options)
    same_city(plan, city)
    walls = walls_of(city)
    tables = score_tables(plan, city, walls)
    print(_title(city))
    for name, title in (("road_class", "road class"), ("place", "kind of place"), ("crime", "incidents by category"), ("hour", "incidents by hour")):
        _print_scores(title, tables[name])
    spread = fairness(plan.demand, city["wards"], plan.demand["after"].to_numpy(dtype=bool))
    if spread.wards:
        least = spread.least
        print(f"\nleast covered ward  {least.name}: {100 * least.coverage:.2f} %" if least is not None else "")
        residents = "unknown" if np.isnan(spread.residents) else f"{100 * spread.residents:.1f} %"
        print(f"residents in view   {residents}")
        print(f"Gini over wards     {spread.gini:.3f} (0 all alike, 1 one ward has all)")
    _print_routes(plan, city, walls)
    _print_homes(plan, city, walls)
    return 0


def _print_routes(plan: Plan, city: City, walls: Walls) -> None:
    """The share of likely routes out of the city on which a plate is read at least once, without and with the plan's cameras."""
    try:
        flow = lay_flow(city, plan.demand, walls)
    except CityError as error:
        print(f"\nroutes out          {error.faults[0].what}")
        return
    wish, card, shares = plan.scenario, plan.scorecard, []
    old, new = groups_of(plan, city, night=wish.by_night)
    for cameras in (old, together(old, new)):
        read = flow.read_by(walls, cameras.points_m, cameras.poses, by_night=wish.by_night)
        shares.append(flow.routes.share(read))
    if card.routes_before is not None and card.routes_after is not None:
        shares = [card.routes_before, card.routes_after]  # verified with the plan
    now = f"{100 * shares[1]:.1f} % with the plan"
    print(f"\nplates read         on {100 * shares[0]:.1f} % of {len(flow.routes)} likely routes out before, {now}")
    weighed = f"they have {wish.movement_percent} % of this plan's worth" if wish.movement_percent else "they weigh nothing in this plan"
    print(f"  note: routes, speeds and what a plate reader needs are assumptions of data/traffic.toml; {weighed}")


def _print_homes(plan: Plan, city: City, walls: Walls) -> None:
    """How much of homes' frontage, and of zones that must not be viewed, the plan's cameras see, and which see most."""
    settings = load_privacy()
    frontage = build_frontage(city["buildings"], settings)
    _, new = groups_of(plan, city, night=False)
    found = privacy_of_cameras(walls, new, frontage, zone_points(city["zones"], settings), settings)
    zones = f"{found.zones_seen_m2:,.0f} m2 of no-view zones"
    print(f"\nhomes in view       {100 * found.share:.3f} % of {found.total_m / 1000:,.1f} km of frontage; {zones}")
    for one in sorted(found.cameras, key=lambda camera: (-camera.homes_m, camera.camera))[:5]:
        if one.homes_m > 0:
            print(f"  {one.camera}: {one.homes_m:.0f} m")
    for note in found.notes:
        print(f"  note: {note}")


def judged(options: argparse.Namespace) -> int:
    """Plan on the earlier incidents, judge on the later ones, and print how others would have done."""
    faults: list[Fault] = []
    share = attempt(faults, read_share, options.split, 0.7)
    cut = None
    if options.cut:
        cut = pd.to_datetime(options.cut, errors="coerce")
        if pd.isna(cut):
            faults.append(Fault("backtest.cut", "This is no day", "Write it as 2025-06-30", options.cut))
    scenario = read_wish(options, faults)
    city = open_city(options.city[0])
    split = split_by_time(city["incidents"], cut=cut, share=share)
    _print_judged(backtest(city, scenario, split, number=options.number, progress=teller()), city)
    return 0


def print_grid(grid: Grid, *, agreed: bool) -> None:
    """What the network costs and carries, with its proof."""
    bound = f"no tree over the same links costs less than {say_rupees(grid.bound_inr)} (gap {100 * grid.gap:.2f} %)"
    print(f"network        {say_rupees(grid.cost_inr)}, {bound}")
    print(f"               {grid.load_mbps:,.0f} Mbit/s, {grid.storage_tb:,.0f} TB for {grid.retention_days:g} days")
    if not agreed:
        print("               what sites were planned to pay and what the network costs still differ; the plan is within its budget all the same")
    for line in grid.bill:
        print(f"  {line.title:<40}{line.quantity:>8} {line.unit:<28}{say_rupees(line.amount_inr):>16}")
    for note in grid.notes:
        print(f"  note: {note}")


def print_tested(plan: Plan, city: City, targets: Sequence[Path]) -> None:
    """The back-test of a plan, made now and kept beside its file where that costs little; else how to have it. Nothing where there are no dates."""
    if not bool(city["incidents"]["when"].notna().any()) or not plan.cameras:
        return
    if seconds_expected(plan) > QUICK_S:
        command = f"chaukas backtest {address(city)} --budget {plan.scenario.budget_inr} --number {len(plan.cameras)}"
        print(f"back-test      `{command}` makes one, and so does the app's Review screen")
        return
    try:
        found = make_review("backtest", plan, city)
    except InputError as error:
        print(f"back-test      {error.faults[0].what}")
        return
    for target in targets:
        if target.suffix.lower() == ".gpkg":
            write_review(found, target)
    print("back-test      " + back_test_line(found, words("en")).partition(": ")[2])


def reviews_of(plan: Plan, city: City, path: str) -> dict[str, Review]:
    """The parts of a plan's review that a report tells: gaps, worked out where they are not kept beside its file, and the back-test where it is."""
    gaps = read_review(path, "gaps", plan) or make_review("gaps", plan, city)
    tested = read_review(path, "backtest", plan)
    return {"gaps": gaps, **({"backtest": tested} if tested is not None else {})}


def _print_judged(found: BackTest, city: City) -> None:
    print(f"{_title(city)}: {found.split.how}")
    print(f"{'':<14}{'cameras':>9}{'captured':>10}{'of streets':>12}{'PAI':>8}{'PEI*':>8}")
    for view in (AIMED, ALL_ROUND):
        rows = [placement for placement in found.placements if placement.view == view]
        for one in rows:
            figures = f"{100 * one.score.share:>8.1f} %{100 * one.score.length_share:>10.2f} %{one.score.pai:>8.2f}{one.score.pei:>8.3f}"
            spread = f"  ({100 * one.spread.low:.1f}-{100 * one.spread.high:.1f} %)" if one.spread is not None else ""
            print(f"{one.who:<14}{one.cameras:>9}{figures}{spread}")
        if {"planned", "standing"} <= {one.who for one in rows if one.seen is not None}:
            lead = found.lead("planned", "standing", view)
            verdict = "ahead" if lead.low > 0 else "behind" if lead.high < 0 else "not told apart"
            print(f"  planned less standing: {100 * lead.mean:+.1f} points ({100 * lead.low:.1f} to {100 * lead.high:.1f}): {verdict}")
        for one in rows:
            print(f"  {one.who}: {one.fairness}")
    for note in found.notes:
        print(f"  note: {note}")
    print("What reviews found elsewhere, which promises nothing here:")
    for effect in load_effects():
        print(f"  {effect.where}: {effect.what} ({effect.source})")


def _print_scores(title: str, rows: tuple[Score, ...]) -> None:
    if not rows:
        return
    print(f"\n{title:<24}{'holds':>12}{'before':>10}{'after':>10}")
    for row in rows:
        print(f"  {row.key:<22}{row.weight:>12,.0f}{100 * row.before:>8.1f} %{100 * row.after:>8.1f} %")


def _title(city: City) -> str:
    return f"{city.title}{'  (' + MADE_NOTE + ')' if city.made else ''}"


def _cameras(plan: Plan, city: City) -> Standing:
    return together(*groups_of(plan, city, night=plan.scenario.by_night))
