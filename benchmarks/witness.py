"""Witnesses and privacy on the demo city: `python -m benchmarks.witness [--quick]`.

How long a question takes, at 200 places beside cameras and on streets, by day and by night; how long every pose's frontage takes; and what a price on
frontage in view costs in coverage. The demo city is made data. --quick leaves the plans out.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import sys
import time

import numpy as np
import shapely

from benchmarks.figures import Figures, demo_city
from coverage.frontage import Frontage, build_frontage
from coverage.masks import masks_of_cameras
from coverage.privacy import frontage_of_poses, privacy_of_cameras, zone_points, zones_of_poses
from coverage.standing import Standing, stand
from coverage.who_saw import get_ready, who_saw
from coverage.witness import open_eyes
from optimizer.plan import make_problem
from optimizer.solve import solve
from optimizer.survey import Survey, make_survey
from planning.catalogue import load_levels, load_models
from planning.city import City
from planning.intrusion import PrivacySettings, load_privacy
from planning.nouns import Scenario

PLACES = 200
PRICES = (0.0, 2.0, 10.0)  # weight a metre


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no plans")
    quick = parser.parse_args(arguments).quick
    figures, city = Figures(), demo_city()
    cameras = stand(city["cameras"], city["buildings"], load_models(), load_levels()["observation"].px_per_m)
    _questions(figures, city, cameras)
    settings = load_privacy()
    scenario = Scenario(city=city.name, budget_inr=20_000_000)
    survey = make_survey(city, scenario)
    frontage, metres = _frontage(figures, city, survey, settings)
    _masks(figures, city, survey, frontage, settings)
    if not quick:
        _prices(figures, city, scenario, survey, frontage, metres)
    return figures.close()


def _questions(figures: Figures, city: City, cameras: Standing) -> None:
    ready = get_ready(city, cameras)  # compiles
    began = time.perf_counter()
    ready = get_ready(city, cameras, walls=ready.walls)
    figures.add("made ready, walls at hand", time.perf_counter() - began, "s")
    rng = np.random.default_rng(1)
    half = PLACES // 2
    beside = cameras.points_m[rng.choice(len(cameras.points_m), half)] + rng.uniform(-20, 20, (half, 2))
    places = np.vstack([beside, ready.ways.points_m[rng.choice(len(ready.ways.points_m), half)]])
    places = places[shapely.intersects_xy(city.area, places[:, 0], places[:, 1])]
    took, seen, passed = [], 0, 0
    for k, (x, y) in enumerate(np.vstack([places[:1], places])):  # the first compiles
        lon, lat = ready.to_degrees.transform(x, y)
        began = time.perf_counter()
        answer = who_saw(city, cameras, lat, lon, "2026-11-20 12:00" if k % 2 else "2026-11-20 22:30", ready=ready)
        took.append(time.perf_counter() - began)
        seen += bool(answer.seen)
        passed += sum(len(way.passing) for way in answer.leaving)
    figures.add("questions", len(took) - 1, "places")
    figures.add("places some camera sees", seen, "places")
    figures.add("cameras on ways out, all paces, mean", passed / len(took), "cameras")
    figures.add("a question, median", 1000 * float(np.median(took[1:])), "ms", "<= 100")
    figures.add("a question, 95 of 100", 1000 * float(np.quantile(took[1:], 0.95)), "ms")


def _frontage(figures: Figures, city: City, survey: Survey, settings: PrivacySettings) -> tuple[Frontage, np.ndarray]:
    began = time.perf_counter()
    frontage = build_frontage(city["buildings"], settings)
    figures.add("frontage of the city", frontage.total_m / 1000, "km")
    figures.add("frontage, made", time.perf_counter() - began, "s")
    sites = shapely.get_coordinates(survey.sites.geometry.array)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for _ in range(2):  # the first compiles
        began = time.perf_counter()
        metres = frontage_of_poses(survey.walls, sites, survey.poses, frontage, settings)
        taken_s = time.perf_counter() - began
    figures.add("poses", len(survey.poses), "poses")
    figures.add("frontage of every pose", taken_s, "s", "<= 5")
    figures.add("peak memory above the survey's own peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb, "MB", "<= 500")
    figures.add("frontage a pose sees, mean", float(metres.mean()), "m")
    began = time.perf_counter()
    seen = zones_of_poses(survey.walls, sites, survey.poses, zone_points(city["zones"], settings), settings)
    figures.add("zones of every pose", time.perf_counter() - began, "s")
    figures.add("poses that look into a no-view zone", int((seen > 0).sum()), "poses")
    return frontage, metres


def _masks(figures: Figures, city: City, survey: Survey, frontage: Frontage, settings: PrivacySettings) -> None:
    zones, cameras = zone_points(city["zones"], settings), survey.standing
    found = privacy_of_cameras(survey.walls, cameras, frontage, zones, settings)
    figures.add("existing cameras: frontage in view", 100 * found.share, "% of all")
    eyes = open_eyes(cameras, load_models())
    masks_of_cameras(survey.walls, eyes, frontage, zones, settings)
    began = time.perf_counter()
    masks = masks_of_cameras(survey.walls, eyes, frontage, zones, settings)
    figures.add("masks of existing cameras", time.perf_counter() - began, "s")
    figures.add("cameras with masks", sum(bool(one.masks) for one in masks), "cameras")


def _prices(figures: Figures, city: City, scenario: Scenario, survey: Survey, frontage: Frontage, metres: np.ndarray) -> None:
    problem = make_problem(city, scenario, survey)
    settings, zones = load_privacy(), zone_points(city["zones"], load_privacy())
    for price in PRICES:
        priced = dataclasses.replace(problem, penalty=price * metres)
        chosen = np.sort(solve(priced, gap=scenario.gap, time_limit_s=20.0, seed=1).chosen)
        poses = dataclasses.replace(
            survey.poses, site=survey.poses.site[chosen], head=survey.poses.head[chosen], bearing_deg=survey.poses.bearing_deg[chosen]
        )
        bought = Standing(tuple(map(str, survey.sites.index)), shapely.get_coordinates(survey.sites.geometry.array), poses, ())
        found = privacy_of_cameras(survey.walls, bought, frontage, zones, settings)
        covered = float(problem.weight[problem.seen(chosen)].sum()) / problem.total
        figures.add(f"at {price:g} weight a metre: covered", 100 * covered, "% of weight")
        figures.add(f"at {price:g} weight a metre: frontage in view", found.seen_m, "m")


if __name__ == "__main__":
    sys.exit(main())
