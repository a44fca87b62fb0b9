"""Real placement problems with known answers, read from the files beside the checkout: York, São José dos Campos, and the GECCO 2020 competition."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial import cKDTree

from optimizer.problem import Ints, Limits, Problem

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EARTH_M = 6_371_000.0


def shared(*names: str) -> list[Path]:
    """Files beside the checkout; the test is skipped by name where they are not there."""
    paths = [SHARED / name for name in names]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return paths


def counted(covers: sparse.csr_matrix, weight: Ints, *, count: int, already: Ints | None = None) -> Problem:
    """A problem where each pose has a site of its own, costs 1, and `count` of them may be chosen; `already` lists the demand seen beforehand."""
    n_poses, n_demand = covers.shape
    none, flags = np.zeros(n_poses, dtype=np.int64), np.zeros(n_poses, dtype=bool)
    seen = np.zeros(n_demand, dtype=np.int64)
    if already is not None:
        seen[already] = 1
    limits = Limits(count, None, 1, flags, flags, np.zeros(1))
    return Problem(
        covers=covers, weight=np.asarray(weight, dtype=np.float64), already=seen, ward=np.zeros(n_demand, dtype=np.int64),
        cost=np.ones(n_poses, dtype=np.int64), yearly=none, site=np.arange(n_poses), site_cost=none, site_yearly=none, limits=limits,
    )  # fmt: skip


def york(count: int) -> Problem:
    """Crimes within 100 m, great circle, of York's listed buildings: those of grade I have cameras already, `count` of the others may get one."""
    files = shared("york/york.csv", "york/york_crime.csv")
    buildings, crimes = (list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in files)

    def at(row: dict[str, str]) -> tuple[float, float, float]:
        lon, lat = np.radians(float(row["long"])), np.radians(float(row["lat"]))
        return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)

    # 100 m along the great circle are this far through the globe.
    chord = 2 * np.sin(100.0 / EARTH_M / 2)
    demand = np.array([at(row) for row in crimes])
    free, taken = ([at(row) for row in buildings if (row["grade"] == "I") == top] for top in (False, True))
    already = np.unique(_within(np.array(taken), demand, chord).indices).astype(np.int64)
    return counted(_within(np.array(free), demand, chord), np.ones(len(demand), dtype=np.int64), count=count, already=already)


def lorena(n: int, *, radius: float, count: int) -> Problem:
    """One of Lorena's instances of São José dos Campos: `count` of `n` places serve whom they reach within `radius` [units of the file]."""
    places, demand = shared(f"sjc/SJC{n}.txt", f"sjc/demand-SJC{n}.dat")
    points = np.loadtxt(places, skiprows=1)
    return counted(_within(points, points, radius), np.loadtxt(demand, dtype=np.int64), count=count)


def gecco(name: str) -> Problem:
    """An instance of the optimal camera placement competition: every sample is to be seen, every camera costs 1."""
    (path,) = shared(f"gecco/{name}_cover.txt")
    words = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    n_samples, n_candidates = int(words[0]), int(words[1])
    rows, columns, at = [], [], 2
    while at < len(words):
        sample, many = int(words[at]), int(words[at + 1])
        rows.append(words[at + 2 : at + 2 + many])
        columns.append(np.full(many, sample))
        at += 2 + many
    seen = (np.concatenate(rows), np.concatenate(columns))
    covers = sparse.csr_matrix((np.ones(len(seen[0]), dtype=bool), seen), shape=(n_candidates, n_samples))
    return counted(covers, np.ones(n_samples, dtype=np.int64), count=n_candidates)


def _within(candidates: np.ndarray, demand: np.ndarray, radius: float) -> sparse.csr_matrix:
    near = cKDTree(demand).query_ball_point(candidates, radius, return_sorted=True)
    lengths = [len(row) for row in near]
    columns = np.concatenate([np.asarray(row, dtype=np.int64) for row in near])
    start = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_matrix((np.ones(len(columns), dtype=bool), columns, start), shape=(len(candidates), len(demand)))
