"""Sight on the demo city: exactness against shapely on every wall, and speed against naive shapely, in one run.

The peer is the way a planner is first written with shapely: per pose a sector, less the shadow of each building in it, and the demand within
what is left.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import shapely

from benchmarks.figures import Figures, demo_city
from coverage.matrix import build_matrix
from coverage.poses import Poses, make_heads, make_poses
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.terrain import Terrain
from optimizer.ground import offered
from planning.catalogue import load_levels, load_models, load_prices, load_recipe
from planning.city import City
from planning.demand import build_demand
from planning.sites import build_sites, street_bearings

HEIGHT_M = 6.0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer poses for the peer; the same pairs")
    options = parser.parse_args(arguments)
    figures = Figures()
    city = demo_city()
    recipe = load_recipe("balanced")
    demand, sites = build_demand(city, recipe), build_sites(city, load_prices())
    points = shapely.get_coordinates(sites.geometry.array)
    targets = shapely.get_coordinates(demand.geometry.array)
    target_z = np.full(len(targets), recipe.target_m)
    models = load_models()
    heads = make_heads([models[key] for key in offered(models)], (HEIGHT_M,), load_levels()["observation"].px_per_m, target_m=recipe.target_m)
    reach = max(head.far_m for head in heads)
    ceiling = sites["max_height_m"].to_numpy(dtype=np.float64)
    streets = street_bearings(sites, city["roads"])
    weight = demand["weight"].to_numpy(dtype=np.float64)
    seconds, walls, lines, poses = [], None, None, None
    for _ in range(4):  # the first compiles or loads compiled code and is not counted
        began = time.perf_counter()
        walls = build_walls(city["buildings"], (float(city.area.bounds[0]), float(city.area.bounds[1])))
        lines = cast(walls, points, targets, target_z, reach_m=reach, highest_m=np.minimum(ceiling, HEIGHT_M) + 1e-9)
        poses = make_poses(lines, heads, weight, ceiling, streets)
        matrix = build_matrix(lines, poses, len(targets))
        seconds.append(time.perf_counter() - began)
    assert walls is not None and lines is not None and poses is not None
    ours = float(np.median(seconds[1:]))
    figures.add("walls", len(walls), "walls")
    figures.add("sites x demand points", len(sites) * len(demand) / 1e6, "million")
    figures.add("poses", len(poses), "poses")
    figures.add("walls, sight, poses and matrix, median of 3", ours, "s")
    figures.add("entries of the matrix", matrix.px_per_m.nnz / 1e6, "million")
    _speed_of_cast(figures, walls, points, targets, target_z, reach)
    _speed_on_ground(figures, city, points, targets, target_z, reach)
    _exactness(figures, city, walls, points, targets, target_z, reach)
    naive = _naive(city, points, targets, poses, 60 if options.quick else 400)
    figures.add("naive shapely, per pose", 1e3 * naive, "ms")
    figures.add("ours, per pose", 1e3 * ours / len(poses), "ms")
    figures.add("naive shapely / ours, per pose", naive / (ours / len(poses)), "times", ">= 300")
    return figures.close()


def _speed_of_cast(figures: Figures, walls: Walls, points: Floats, targets: Floats, target_z: Floats, reach: float) -> None:
    began = time.perf_counter()
    lines = cast(walls, points, targets, target_z, reach_m=reach, highest_m=1e9)
    seconds = time.perf_counter() - began
    seen = float((lines.critical_m < HEIGHT_M).mean())
    figures.add("critical heights of all pairs in reach", len(lines) / seconds / 1e6, "million/s")
    figures.add("pairs in reach", len(lines) / 1e6, "million")
    figures.add(f"of them blocked for a mount at {HEIGHT_M:g} m", 100 * (1 - seen), "%")


def _speed_on_ground(figures: Figures, city: City, points: Floats, targets: Floats, target_z: Floats, reach: float) -> None:
    """The same pairs on made rolling ground: walls and the ground's cells, with nothing blocked early."""
    west, south, east, north = city.area.bounds
    for cell in (30.0, 5.0):
        x, y = np.meshgrid(np.arange(west - 200, east + 200, cell), np.arange(south - 200, north + 200, cell))
        rough = np.random.default_rng(5).uniform(0, 0.3, x.shape)
        ground = Terrain((west - 200, south - 200), cell, 260 + 4 * np.sin(x / 90) * np.cos(y / 70) + rough)
        walls = build_walls(city["buildings"], (west, south), ground)
        cast(walls, points[:50], targets, target_z, reach_m=reach, highest_m=1e9)
        began = time.perf_counter()
        lines = cast(walls, points, targets, target_z, reach_m=reach, highest_m=1e9)
        figures.add(f"the same over terrain in cells of {cell:g} m", len(lines) / (time.perf_counter() - began) / 1e6, "million/s")


def _exactness(figures: Figures, city: City, walls: Walls, points: Floats, targets: Floats, target_z: Floats, reach: float) -> None:
    """20,000 pairs in reach, half of them visible: shapely's intersection of the sight line with every wall it meets."""
    rng = np.random.default_rng(2026)
    lines = cast(walls, points, targets, target_z, reach_m=reach, highest_m=1e9)
    site = np.repeat(np.arange(len(points)), np.diff(lines.start))
    seen = np.nonzero(lines.critical_m < HEIGHT_M)[0]
    blocked = np.nonzero(lines.critical_m >= HEIGHT_M)[0]
    taken = np.concatenate([rng.choice(seen, 10_000, replace=False), rng.choice(blocked, 10_000, replace=False)])
    truth = _shapely_sees(city, points[site[taken]], targets[lines.target[taken]], target_z[lines.target[taken]])
    agree = truth == (lines.critical_m[taken] < HEIGHT_M)
    figures.add("pairs compared with shapely on every wall", len(taken), "pairs")
    figures.add("of them agreeing", 100 * float(agree.mean()), "%", ">= 99.99")


def _shapely_sees(city: City, start: Floats, end: Floats, target_z: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Every wall as a line of its own; the tree leaves out only walls whose box the sight line's box does not meet."""
    buildings = city["buildings"]
    parts, part_of = shapely.get_parts(buildings.geometry.array, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, line_of = shapely.get_coordinates(rings, return_index=True)
    same = line_of[:-1] == line_of[1:]
    walls = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[same])
    roofs = buildings["height_m"].to_numpy(dtype=np.float64)[part_of][ring_of][line_of[:-1]][same]
    sight = shapely.linestrings(np.stack([start, end], axis=1))
    line, wall = shapely.STRtree(walls).query(sight)
    meets = shapely.intersects(sight[line], walls[wall])
    line, wall = line[meets], wall[meets]
    xy, of = shapely.get_coordinates(shapely.intersection(sight[line], walls[wall]), return_index=True)
    owner = line[of]
    t = np.hypot(*(xy - start[owner]).T) / np.hypot(*(end[owner] - start[owner]).T)
    blocked = roofs[wall[of]] >= HEIGHT_M * (1 - t) + target_z[owner] * t
    sees = np.ones(len(start), dtype=bool)
    sees[owner[blocked]] = False
    return sees


def _naive(city: City, points: Floats, targets: Floats, poses: Poses, count: int) -> float:
    """Mean seconds a pose of the naive way; only buildings taller than the mount cast a shadow, which spares it work."""
    tall = city["buildings"][city["buildings"]["height_m"] >= HEIGHT_M].geometry.array
    buildings, demand = shapely.STRtree(tall), shapely.STRtree(shapely.points(targets))
    rng = np.random.default_rng(7)
    seconds = []
    for pose in rng.choice(len(poses), count, replace=False):
        head, at = poses.heads[poses.head[pose]], points[poses.site[pose]]
        began = time.perf_counter()
        turn = np.radians(np.linspace(poses.bearing_deg[pose] - head.hfov_deg / 2, poses.bearing_deg[pose] + head.hfov_deg / 2, 33))
        arc = at + head.far_m * np.column_stack([np.sin(turn), np.cos(turn)])
        sector = shapely.Polygon(np.vstack([at[None], arc]))
        shadows = []
        for footprint in tall[buildings.query(sector, predicate="intersects")]:
            ring = shapely.get_coordinates(footprint)
            away = at + (ring - at) * (3 * head.far_m / np.maximum(np.hypot(*(ring - at).T), 0.01))[:, None]
            edges = np.stack([ring[:-1], ring[1:], away[1:], away[:-1]], axis=1)
            shadows.append(shapely.union_all([footprint, *(shapely.Polygon(edge).buffer(0) for edge in edges)]))
        visible = shapely.difference(sector, shapely.union_all(shadows)) if shadows else sector
        found = demand.query(visible, predicate="contains")
        shapely.distance(shapely.Point(at), shapely.points(targets[found]))
        seconds.append(time.perf_counter() - began)
    return float(np.mean(seconds))


if __name__ == "__main__":
    sys.exit(main())
