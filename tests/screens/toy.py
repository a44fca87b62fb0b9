"""A small city and plans over it for tests of screens: streets in a grid, blocks between them, and names that would like to be script."""

from __future__ import annotations

import os
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planning.accounts import TERMINAL
from planning.city import City, Source
from planning.ladders import Ladder, Rung
from planning.nouns import Draft, Plan, PlannedCamera, PlannedSite, Proof, Scenario, Scorecard, WardScore
from planning.progress import Progress
from planning.proposals import publish, register
from planning.store import open_store

HOSTILE = '<img src=x onerror="window.hurt=1">${alert(1)}'
CRS = "EPSG:32644"
EAST, NORTH, STEP, STREETS = 617_000.0, 2_443_500.0, 100.0, 9
SIDE = STEP * (STREETS - 1)


def toy_city(*, made: bool = True) -> City:
    """A grid of 9 by 9 streets 100 m apart, 64 blocks, 4 wards, 5 cameras; the first ward and camera bear a hostile name."""
    lines, names = [], []
    for i in range(STREETS):
        lines.append(shapely.LineString([(EAST + i * STEP, NORTH), (EAST + i * STEP, NORTH + SIDE)]))
        lines.append(shapely.LineString([(EAST, NORTH + i * STEP), (EAST + SIDE, NORTH + i * STEP)]))
        names += [f"North {i}", f"East {i}"]
    count = len(lines)
    roads = gpd.GeoDataFrame(
        {"name": names, "road_class": ["primary", "residential"] * (count // 2), "width_m": 8.0, "from_junction": "a", "to_junction": "b"},
        geometry=lines, index=[f"r{i}" for i in range(count)], crs=CRS,
    )  # fmt: skip
    blocks = [
        shapely.box(EAST + i * STEP + 12, NORTH + j * STEP + 12, EAST + (i + 1) * STEP - 12, NORTH + (j + 1) * STEP - 12)
        for i in range(STREETS - 1)
        for j in range(STREETS - 1)
    ]
    buildings = gpd.GeoDataFrame(
        {"height_m": 9.0, "height_source": ["levels", "default"] * (len(blocks) // 2), "kind": "yes"},
        geometry=blocks, index=[f"b{i}" for i in range(len(blocks))], crs=CRS,
    )  # fmt: skip
    half = SIDE / 2
    squares = [shapely.box(EAST + a * half, NORTH + b * half, EAST + (a + 1) * half, NORTH + (b + 1) * half) for a in (0, 1) for b in (0, 1)]
    wards = gpd.GeoDataFrame(
        {"name": [HOSTILE, "Ward 2", "वार्ड ३", "Ward 4"], "population": [120_000.0, 90_000.0, 34_567.0, 1_000.0]},
        geometry=squares, index=["w1", "w2", "w3", "w4"], crs=CRS,
    )  # fmt: skip
    cameras = gpd.GeoDataFrame(
        {
            "kind": ["ptz", "fixed", "dome", "unknown", "fixed"],
            "bearing_deg": [0.0, 90.0, None, None, 225.0], "hfov_deg": [60.0, 90.0, None, None, 90.0],
            "height_m": 6.0, "mount": "pole", "junction": HOSTILE, "source": "toy",
        },
        geometry=[shapely.Point(EAST + 100 * i, NORTH + 100) for i in range(5)], index=[HOSTILE, "c2", "c3", "c4", "c5"], crs=CRS,
    )  # fmt: skip
    incidents = gpd.GeoDataFrame(
        {"category": ["theft", "robbery"], "when": pd.to_datetime(["2024-01-05", "2025-12-31"])},
        geometry=[shapely.Point(EAST + 50, NORTH + 50), shapely.Point(EAST + 150, NORTH + 50)], index=["i1", "i2"], crs=CRS,
    )  # fmt: skip
    frames = {"roads": roads, "buildings": buildings, "wards": wards, "cameras": cameras, "incidents": incidents}
    from planning.frames import conform

    return City(
        name="toy", title="Toytown", title_hi="खिलौना नगर", crs=wards.crs, area=shapely.box(EAST, NORTH, EAST + SIDE, NORTH + SIDE),
        frames={layer: conform(frame, layer) for layer, frame in frames.items()}, made=made,
        sources=(Source("roads", "OpenStreetMap extract", "ODbL", HOSTILE),), notes=(f"Odd: {HOSTILE}", "![x](http://evil.example/x.png)"),
    )  # fmt: skip


def toy_plan(city: City, scenario: Scenario) -> Plan:
    """A plan that puts one camera a 40,000 rupees of budget on the grid's crossings, at most 40; what it sees is made up but hangs together."""
    count = max(1, min(40, scenario.budget_inr // 50_000))
    wards = ["w1", "w2", "w3", "w4"]
    cameras, sites = [], []
    for i in range(count):
        x, y = EAST + STEP * (i % STREETS), NORTH + STEP * (2 + i // STREETS)
        name = HOSTILE if i == 0 else f"s{i:03d}"
        sites.append(PlannedSite(f"site-{name}", "junction", x, y, (("pole", 8_000), ("power", 2_000)), 1_000))
        cameras.append(
            PlannedCamera(
                id=name, site=f"site-{name}", x_m=x, y_m=y, model="bullet-4mp", lens=0, hfov_deg=90.0, vfov_deg=50.0,
                bearing_deg=(90.0 * i) % 360, tilt_deg=12.0, height_m=scenario.mount_heights_m[0], reach_m=45.0, cost_inr=40_000,
                yearly_inr=3_000, ward=wards[i % 4], sees=12, gain=0.01,
            )
        )  # fmt: skip
    steps = np.arange(0, SIDE + 1, 10.0)
    points = np.array([(EAST + x, NORTH + STEP * j) for j in range(STREETS) for x in steps])
    before = points[:, 1] < NORTH + STEP / 2
    after = before | (points[:, 1] < NORTH + STEP * (2 + count / STREETS))
    weight = np.where(points[:, 0] < EAST + 200, 5.0, 1.0)
    demand = gpd.GeoDataFrame(
        {
            "weight": weight, "before": before, "after": after, "part_residents": 1.0,
            "ward": np.array(wards)[2 * (points[:, 0] > EAST + SIDE / 2) + (points[:, 1] > NORTH + SIDE / 2)],
        },
        geometry=shapely.points(points), index=[f"d{i}" for i in range(len(points))], crs=CRS,
    )  # fmt: skip
    share = [float(weight[seen].sum() / weight.sum()) for seen in (before, after)]
    scores = tuple(WardScore(ward, 10.0, 0.1, min(1.0, 0.1 * (2 + i) + 0.01 * count)) for i, ward in enumerate(wards))
    eyes = [(camera.id, shapely.Point(camera.x_m, camera.y_m), True) for camera in cameras]
    eyes += [(str(label), point, False) for label, point in city["cameras"].geometry.items()]
    views = gpd.GeoDataFrame(
        {"camera": [eye[0] for eye in eyes], "planned": [eye[2] for eye in eyes]}, geometry=[eye[1].buffer(30) for eye in eyes], crs=CRS
    )
    return Plan(
        scenario=scenario, city_digest=city.digest, made=city.made, demand=demand, views=views, cameras=tuple(cameras), sites=tuple(sites),
        scorecard=Scorecard(share[0], share[1], scores), proof=Proof("within gap", share[1], share[1] + 0.004, 0.004, 1.5, "toy"),
        stages_s=(("demand", 0.1), ("optimize", 0.2)), assumptions=(f"Assumed: {HOSTILE}",), verified=scenario.budget_inr % 1_000_000 == 0,
    )  # fmt: skip


def fake_make_plan(city: City, scenario: Scenario, *, progress: Progress | None = None) -> Plan:
    """Works for `time_limit_s` seconds in steps of a tenth, telling stage and gap and showing ever more of the toy plan, then gives it; sooner
    where a file `enough` lies beside the cities.
    """
    progress = progress or Progress()
    steps = max(1, round(scenario.time_limit_s * 10))
    plan = toy_plan(city, scenario)
    for i in range(steps):
        part = max(1, len(plan.cameras) * (i + 1) // (2 * steps))
        progress.show(Draft(plan.cameras[:part], plan.sites[:part], plan.proof.covered * part / len(plan.cameras), plan.proof.bound))
        progress.step("optimize", i / steps, f"gap {10 * (1 - i / steps):.1f} %")
        if Path(os.environ.get("CHAUKAS_CITIES", ""), "enough").exists():
            break
        time.sleep(0.1)
    return plan


def toy_ladder(city: City, most_inr: int = 2_000_000, rungs: int = 10) -> Ladder:
    """A ladder up to the toy plan of the largest budget, its cameras entering one after another."""
    scenario = Scenario("toy", most_inr)
    plan = toy_plan(city, scenario)
    n = len(plan.cameras)
    entered = [k * rungs // n for k in range(n)]
    points = shapely.get_coordinates(plan.demand.geometry.array)
    before, after = plan.demand["before"].to_numpy(dtype=bool), plan.demand["after"].to_numpy(dtype=bool)
    seen_from = np.where(before, -1, np.where(after, np.arange(len(points)) % rungs, rungs)).astype(np.int64)
    weight = plan.demand["weight"].to_numpy(dtype=np.float64)
    steps = []
    for k in range(rungs):
        count = sum(rung <= k for rung in entered)
        covered = float(weight[seen_from <= k].sum() / weight.sum())
        figures = (covered, covered + 0.001, covered + 0.005, "w1", 0.01 * k)
        steps.append(Rung(most_inr * (k + 1) // rungs, 50_000 * count, 4_000 * count, count, *figures))
    return Ladder(
        scenario, city.digest, city.made, tuple(steps), plan.scorecard.before, plan.cameras, plan.sites, tuple(entered), points, weight, seen_from,
        plan.assumptions, 1.5,
    )  # fmt: skip


def fake_make_ladder(city: City, scenario: Scenario, *, progress: Progress | None = None) -> Ladder:
    """Tells two steps, then gives the toy ladder up to the scenario's budget."""
    progress = progress or Progress()
    for share in (0.2, 0.8):
        progress.step("optimize", share, "gap 2.0 %")
        time.sleep(0.3)
    return toy_ladder(city, scenario.budget_inr)


def make_public(plan: Plan, city: City) -> None:
    """Show a plan of a city's folder to the public, as the store of this test keeps it; the town is made up, so that no verifier is asked."""
    store, path = open_store(), Path(str(city.folder)) / "plans" / f"{plan.id}.gpkg"
    publish(store, TERMINAL, register(store, TERMINAL, city, path, lambda *_: None))


def save_toy(parent: Path, *, plans: bool = True) -> City:
    """The toy city in `parent`/toy, with two plans: 10 lakh verified, and 12,34,567 unverified."""
    from planning.export import write_plan

    city = toy_city().save(parent / "toy")
    if plans:
        for budget in (1_000_000, 1_234_567):
            plan = toy_plan(city, Scenario("toy", budget))
            write_plan(plan, city, parent / "toy" / "plans" / f"{plan.id}.gpkg")
    return city
