"""The network that joins sites drawn from the demo city's candidates to its command centre: cost, proof and time."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import shapely

from benchmarks.figures import Figures, demo_city
from optimizer.grid import lay_grid
from optimizer.lines import Poles
from planning.catalogue import load_prices
from planning.city import City
from planning.sites import NOMINAL_M, build_sites


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 sites only")
    options = parser.parse_args(arguments)
    figures, city = Figures(), demo_city()
    lay_grid(city, _drawn(city, 2))  # machine code is made and kept before the clock starts
    for count in (100,) if options.quick else (100, 350, 700):
        poles = _drawn(city, count)
        began, ran = time.perf_counter(), time.process_time()
        grid = lay_grid(city, poles)
        figures.add(f"{count} sites, whole", time.perf_counter() - began, "s")
        figures.add(f"{count} sites, processor time", time.process_time() - ran, "s")
        figures.add(f"{count} sites, cost", grid.cost_inr / 1e5, "lakh INR")
        figures.add(f"{count} sites, gap to the bound", 100 * grid.gap, "%", "<= 2")
        figures.add(f"{count} sites, links that could be bought", len(grid.lines.kind), "links")
        figures.add(f"{count} sites, storage", grid.storage_tb, "TB")
    return figures.close()


def _drawn(city: City, count: int) -> Poles:
    """Sites drawn evenly from all candidates, two cameras of 4 Mbit/s each."""
    sites = build_sites(city, load_prices())
    rows = np.sort(np.random.default_rng(1).choice(len(sites), count, replace=False))
    picked = sites.iloc[rows]
    height = np.minimum(picked["max_height_m"].to_numpy(np.float64), NOMINAL_M)
    xy = shapely.get_coordinates(picked.geometry.array).astype(np.float64)
    return Poles(tuple(map(str, picked.index)), xy, height, np.full(count, 8.0), np.full(count, 2))


if __name__ == "__main__":
    sys.exit(main())
