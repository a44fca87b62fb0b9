"""What one camera sees of 1 m cells within 100 m, all round, on the demo city: speed and wrong cells against xarray-spatial and GDAL.

One core each. The peers are given a surface with the buildings burnt in, which is all that a viewshed of cells can be told; ours is given the
walls. Wrong cells are counted outside footprints only, against the exact line of sight from the camera to the cell's middle past every wall it
crosses (`coverage.sight.critical_height`, itself held against shapely by `benchmarks.sight` and, on a sample, here).

Then, on all cores, the rasters of the demo city's standing cameras (made, 523 at 23 junctions) over its whole area at 1 m, at the density with the
longest reach: from its frames to two files; on flat ground, and on hills made for it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from benchmarks.figures import Figures, demo_city
from coverage.area import Grid, hidden_cells
from coverage.gaps import make_rasters
from coverage.sight import Floats, Walls, build_walls, cast
from coverage.standing import stand
from coverage.terrain import Terrain
from planning.catalogue import load_levels, load_models, load_prices
from planning.city import ROOT, City
from planning.sites import build_sites

VENV = ROOT / ".venv" / "viewshed"
RADIUS_M, HEIGHT_M, TARGET_M = 100.0, 6.0, 1.6
SIDE = 204
Table = np.ndarray[Any, np.dtype[Any]]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 cameras instead of 200")
    options = parser.parse_args(arguments)
    figures, city = Figures(), demo_city()
    walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))))
    points = _cameras(city, 30 if options.quick else 200)
    grids = [Grid(float(np.floor(x)) - SIDE / 2, float(np.floor(y)) + SIDE / 2, 1.0, SIDE, SIDE) for x, y in points]
    ours, seconds = _ours(walls, points, grids)
    truth, counted = _truth(city, walls, points, grids)
    figures.add("cameras", len(points), "cameras")
    figures.add("cells outside footprints, a camera", counted.sum() / len(points), "cells")
    figures.add("of them hidden", 100 * float((~truth & counted).sum() / counted.sum()), "%")
    figures.add("cells held against shapely on every wall, disagreeing", _against_shapely(city, points, grids, truth, counted), "cells", "<= 0")
    figures.add("ours, a camera, median", 1e3 * seconds, "ms")
    figures.add("ours, wrong cells", 100 * float(((ours != truth) & counted).sum() / counted.sum()), "%", "<= 0")
    windows, height = _surfaces(city, points, grids)
    for kind, least in (("xarray-spatial", 10.0), ("gdal", 1.0), ("osgeo", 1.0)):
        try:
            seen, taken = _peer(kind, windows, points, grids, height)
        except RuntimeError as error:
            figures.add(f"{kind} could not be had: {error}", 0.0, "")
            continue
        figures.add(f"{kind}, a camera, median", 1e3 * taken, "ms")
        figures.add(f"{kind}, wrong cells", 100 * float(((seen != truth) & counted).sum() / counted.sum()), "%")
        figures.add(f"{kind} / ours, a camera", taken / seconds, "times", f">= {least:g}")
    _rasters(figures, city, None)
    _rasters(figures, city, _hills(city))
    return figures.close()


def _rasters(figures: Figures, city: City, terrain: Terrain | None) -> None:
    """Rasters of the standing cameras: seconds from the city's frames to files, the walls counted."""
    began = time.perf_counter()
    standing = stand(city["cameras"], city["buildings"], load_models(), load_levels()["detection"].px_per_m)
    walls = build_walls(city["buildings"], (float(np.floor(city.area.bounds[0])), float(np.floor(city.area.bounds[1]))), terrain)
    made = make_rasters(walls, standing, city["buildings"], city.area, target_m=TARGET_M)
    where = f", on terrain in cells of {terrain.cell_m:g} m" if terrain is not None else ""
    with tempfile.TemporaryDirectory() as folder:
        made.write(folder)
        figures.add(f"rasters of {len(standing.poses)} cameras at 1 m, written{where}", time.perf_counter() - began, "s", "<= 20")
    figures.add("cells of a raster", made.count.size / 1e6, "million")


def _hills(city: City) -> Terrain:
    """Rolling ground with rough heights, in cells of 10 m."""
    west, south, east, north = city.area.bounds
    x, y = np.meshgrid(np.arange(0, east - west + 400, 10.0), np.arange(0, north - south + 400, 10.0))
    rough = np.random.default_rng(4).normal(0, 0.3, x.shape)
    return Terrain((west - 200, south - 200), 10.0, 260 + 4 * np.sin(x / 90) * np.cos(y / 70) + rough)


def _cameras(city: City, count: int) -> Floats:
    """The middles of sites' cells, where these are no building's; at least 110 m within the city's bounds.

    A viewshed of cells stands in the middle of one, on its surface: so do all here.
    """
    xy = np.floor(shapely.get_coordinates(build_sites(city, load_prices()).geometry.array)) + 0.5
    west, south, east, north = city.area.bounds
    inside = (xy[:, 0] > west + 110) & (xy[:, 0] < east - 110) & (xy[:, 1] > south + 110) & (xy[:, 1] < north - 110)
    hit, _ = shapely.STRtree(city["buildings"].geometry.array).query(shapely.points(xy), predicate="intersects")
    inside[hit] = False
    taken: Floats = xy[np.random.default_rng(2026).choice(np.flatnonzero(inside), count, replace=False)].astype(np.float64)
    return taken


def _ours(walls: Walls, points: Floats, grids: list[Grid]) -> tuple[Table, float]:
    """Cells in view and the median seconds a camera, the first not counted."""
    seen, seconds = np.zeros((len(points), SIDE, SIDE), bool), []
    for k in [0, *range(len(points))]:
        began = time.perf_counter()
        dark = hidden_cells(walls, points[k], grids[k], height_m=HEIGHT_M, target_m=TARGET_M, far_m=RADIUS_M)
        seconds.append(time.perf_counter() - began)
        seen[k] = dark == 0
    return seen, float(np.median(seconds[1:]))


def _truth(city: City, walls: Walls, points: Floats, grids: list[Grid]) -> tuple[Table, Table]:
    """Which cells are in view by a line of sight to each, and which are counted: within the radius and outside footprints."""
    seen, counted = np.zeros((len(points), SIDE, SIDE), bool), np.zeros((len(points), SIDE, SIDE), bool)
    tree = shapely.STRtree(city["buildings"].geometry.array)
    for k, (point, grid) in enumerate(zip(points, grids, strict=True)):
        xs, ys = grid.middles()
        xy = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        lines = cast(walls, point[None], xy, np.full(len(xy), TARGET_M), reach_m=RADIUS_M, highest_m=HEIGHT_M)
        seen[k].flat[lines.target] = True
        counted[k].flat[np.hypot(*(xy - point).T) <= RADIUS_M] = True
        inside, _ = tree.query(shapely.points(xy), predicate="intersects")
        counted[k].flat[inside] = False
    return seen, counted


def _against_shapely(city: City, points: Floats, grids: list[Grid], truth: Table, counted: Table) -> int:
    """How many of 5,000 cells drawn at random are not as shapely's intersections with every outline say."""
    rng = np.random.default_rng(7)
    cells = np.argwhere(counted)
    k, row, column = cells[rng.choice(len(cells), 5_000, replace=False)].T
    end = np.array([(grids[i].west_m + c + 0.5, grids[i].north_m - r - 0.5) for i, r, c in zip(k, row, column, strict=True)])
    lines = shapely.linestrings(np.stack([points[k], end], axis=1))
    outlines, roofs = shapely.boundary(city["buildings"].geometry.array), city["buildings"]["height_m"].to_numpy(np.float64)
    line, house = shapely.STRtree(outlines).query(lines, predicate="intersects")
    xy, of = shapely.get_coordinates(shapely.intersection(lines[line], outlines[house]), return_index=True)
    t = np.hypot(*(xy - points[k][line[of]]).T) / shapely.length(lines[line[of]])
    sees = np.ones(len(lines), bool)
    sees[line[of][roofs[house[of]] >= HEIGHT_M * (1 - t) + TARGET_M * t]] = False
    return int((sees != truth[k, row, column]).sum())


def _surfaces(city: City, points: Floats, grids: list[Grid]) -> tuple[Table, Table]:
    """Per camera the window of the surface, roofs burnt in by the cells' middles (n, SIDE, SIDE), and the mount above its own cell."""
    windows = np.zeros((len(points), SIDE, SIDE))
    tree, roofs = shapely.STRtree(city["buildings"].geometry.array), city["buildings"]["height_m"].to_numpy(np.float64)
    for k, grid in enumerate(grids):
        xs, ys = grid.middles()
        cell, house = tree.query(shapely.points(np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)), predicate="intersects")
        np.maximum.at(windows[k].reshape(-1), cell, roofs[house])
    return windows, np.full(len(points), HEIGHT_M)


def _peer(kind: str, windows: Table, points: Floats, grids: list[Grid], height: Table) -> tuple[Table, float]:
    """A peer's cells in view and its median seconds a camera. Raises RuntimeError where it cannot be had."""
    python = _system() if kind == "osgeo" else _install()
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.npz", Path(folder) / "out.npz"
        corner = np.array([(grid.west_m, grid.north_m - SIDE) for grid in grids])
        at = points - corner
        np.savez(given, windows=windows, x=at[:, 0], y=at[:, 1], height=height, target=TARGET_M, radius=RADIUS_M)
        worker = Path(__file__).with_name("_viewshed_worker.py")
        done = subprocess.run([str(python), "-P", str(worker), kind, str(given), str(out)], capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
        with np.load(out) as answer:
            shape = tuple(answer["shape"])
            seen = np.unpackbits(answer["seen"], count=int(np.prod(shape))).reshape(shape).astype(bool)
            return seen, float(np.median(answer["seconds"]))


def _install() -> Path:
    """The peers' venv, made where it is not there, of the newest Python at hand: xarray-spatial 0.10 needs 3.12, below 0.5 is taken."""
    newest = next((found for name in ("python3.13", "python3.12") if (found := shutil.which(name)) and _runs(found)), sys.executable)
    pins = ("xarray-spatial==0.10.20" if newest != sys.executable or sys.version_info >= (3, 12) else "xarray-spatial==0.5.3", "rasterio==1.4.4")
    mark, python = VENV / "pins.txt", VENV / "bin" / "python"
    if mark.is_file() and mark.read_text(encoding="utf-8") == " ".join(pins):
        return python
    for command in ([newest, "-m", "venv", "--clear", str(VENV)], [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *pins]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["could not be installed"])[-1])
    mark.write_text(" ".join(pins), encoding="utf-8")
    return python


def _system() -> Path:
    """A Python of the system that has GDAL's own bindings."""
    for python in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if not Path(python).exists():
            continue
        asked = subprocess.run([python, "-c", "import numpy; from osgeo import gdal"], capture_output=True, check=False)
        if asked.returncode == 0:
            return Path(python)
    raise RuntimeError("no Python of the system has osgeo; on Debian: apt-get install python3-gdal")


def _runs(python: str) -> bool:
    """A name on the path may be a shim without a Python behind it."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
