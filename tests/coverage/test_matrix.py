"""The coverage matrix is a plain filter, done fast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

from coverage.matrix import CoverageMatrix, build_matrix
from coverage.poses import Head, Poses
from coverage.sight import Sightlines

Array = npt.NDArray[np.float64]


def head(hfov: float, height: float, near: float, far: float, focal: float = 1_000.0) -> Head:
    """A head, its target plane at 1.6 m."""
    return Head("m", 0, hfov, 60.0, height, 30.0, height - 1.6, near, far, far, focal, 9_000, 1_404)


def random_lines(rng: np.random.Generator, sites: int, n: int) -> Sightlines:
    """Sight lines of `sites` sites, some of them with none, bearings often whole degrees."""
    counts = rng.integers(0, n + 1, sites) * (rng.random(sites) < 0.8)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    bearing = np.concatenate([np.sort(np.where(rng.random(c) < 0.5, rng.integers(0, 360, c), rng.uniform(0, 360, c))) for c in counts])
    target = np.concatenate([rng.permutation(n)[:c] for c in counts]).astype(np.int32)
    critical = np.where(rng.random(start[-1]) < 0.4, rng.uniform(0, 12, start[-1]), -np.inf)
    return Sightlines(start, target, bearing, rng.uniform(0, 80, start[-1]), critical, 12.0)


def by_hand(lines: Sightlines, poses: Poses, n: int) -> Array:
    """The same matrix, one pose at a time."""
    out = np.zeros((len(poses), n))
    for row, (site, kind, bearing) in enumerate(zip(poses.site, poses.head, poses.bearing_deg, strict=True)):
        made, run = poses.heads[kind], slice(lines.start[site], lines.start[site + 1])
        off = np.abs((lines.bearing_deg[run] - bearing + 180) % 360 - 180)
        ground = lines.ground_m[run]
        ok = (off <= made.hfov_deg / 2 + 1e-9) & (ground >= made.near_m) & (ground <= made.far_m) & (lines.critical_m[run] < made.height_m)
        out[row, lines.target[run][ok]] = made.focal_px / np.hypot(ground[ok], made.rise_m)
    return out


@pytest.mark.parametrize("seed", range(25))
def test_the_matrix_is_a_plain_filter(seed: int) -> None:
    """Every entry equals that of a filter by angle, distance and height; sectors over north, of a half turn and all round included."""
    rng = np.random.default_rng(seed)
    lines = random_lines(rng, 6, 50)
    heads = (head(30, 6, 2, 60), head(96, 3, 0, 40), head(180, 9, 5, 90), head(300, 4, 1, 50), head(360, 6, 0, 70), head(55, 6, 0, np.inf))
    n = 60
    site = np.sort(rng.integers(0, 6, n)).astype(np.int32)
    bearing = np.where(rng.random(n) < 0.4, rng.choice([0.0, 0.1, 359.9, 15.0, 345.0, 180.0, 90.0], n), np.round(rng.uniform(0, 359.9, n), 1))
    poses = Poses(heads, site, rng.integers(0, len(heads), n).astype(np.int32), bearing)
    found = build_matrix(lines, poses, 50).px_per_m
    wanted = by_hand(lines, poses, 50)
    assert ((found.toarray() > 0) == (wanted > 0)).all()
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-6)
    assert found.has_sorted_indices
    assert found.dtype == np.float32


def test_density_by_hand() -> None:
    """12 m along the ground and 5 m down are 13 m aslant: 1300 px of focal length lay 100 px on a metre there."""
    lines = Sightlines(np.array([0, 1]), np.array([0], dtype=np.int32), np.array([0.0]), np.array([12.0]), np.array([-np.inf]), 9.0)
    poses = Poses((head(90, 6.6, 0, 50, 1_300.0),), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.zeros(1))
    assert build_matrix(lines, poses, 1).px_per_m[0, 0] == pytest.approx(100.0)


def test_a_mount_must_be_higher_than_critical() -> None:
    """At exactly the critical height the wall still hides; a hair above, it does not."""
    critical = np.array([6.0, np.nextafter(6.0, 0.0)])
    lines = Sightlines(np.array([0, 2]), np.arange(2, dtype=np.int32), np.zeros(2), np.full(2, 9.0), critical, 9.0)
    poses = Poses((head(90, 6, 0, 50),), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.zeros(1))
    assert build_matrix(lines, poses, 2).px_per_m.indices.tolist() == [1]


@pytest.mark.parametrize(("bearing", "wanted"), [(0.0, [359.0, 0.0, 1.0]), (359.0, [359.0, 0.0]), (2.0, [1.0, 3.0]), (180.0, [])])
def test_a_sector_over_north_is_whole(bearing: float, wanted: list[float]) -> None:
    """A sector of 3 deg laid over north holds what lies on both sides of it, once."""
    at = np.array([0.0, 1.0, 3.0, 359.0])
    lines = Sightlines(np.array([0, 4]), np.arange(4, dtype=np.int32), at, np.full(4, 9.0), np.full(4, -np.inf), 9.0)
    poses = Poses((head(3, 6, 0, 50),), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.array([bearing]))
    found = build_matrix(lines, poses, 4).px_per_m
    assert sorted(at[found.indices]) == sorted(wanted)


def test_nothing_in_nothing_out() -> None:
    """No poses are a matrix without rows; no sight lines are rows without entries."""
    none = Sightlines(np.zeros(3, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0), np.empty(0), np.empty(0), 0.0)
    empty = Poses((head(90, 6, 0, 50),), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), np.empty(0))
    assert build_matrix(none, empty, 7).px_per_m.shape == (0, 7)
    two = Poses((head(90, 6, 0, 50),), np.arange(2, dtype=np.int32), np.zeros(2, dtype=np.int32), np.zeros(2))
    assert build_matrix(none, two, 7).px_per_m.nnz == 0


def test_the_digest_follows_the_content() -> None:
    """Equal matrices have equal digests; another density, place or shape has another."""
    rows = [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]

    def digest(values: list[list[float]]) -> str:
        return CoverageMatrix(sparse.csr_matrix(np.array(values, dtype=np.float32))).digest

    assert digest(rows) == digest([list(row) for row in rows])
    others = [[[1.5, 0.0, 2.0], [0.0, 3.0, 0.0]], [[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]], [[1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 0.0]], rows[::-1]]
    assert len({digest(rows), *map(digest, others)}) == 5
