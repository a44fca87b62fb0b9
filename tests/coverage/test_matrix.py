"""The coverage matrix is a plain filter, done fast."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

from coverage.matrix import CoverageMatrix, build_matrix
from coverage.poses import Head, Poses, make_head
from coverage.sight import Sightlines
from planning.nouns import CameraModel, Lens

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


def sloped(ground: Array, drop: Array) -> Sightlines:
    """Sight lines of one site straight north, each target with its own drop of the ground."""
    n = len(ground)
    return Sightlines(np.array([0, n]), np.arange(n, dtype=np.int32), np.zeros(n), ground, np.full(n, -np.inf), 9.0, drop)


ONE = (np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.zeros(1))


def test_no_drop_is_level_ground() -> None:
    """Real heads see over level terrain what they see on flat ground, with the same density, the edges of picture and range included."""
    rng = np.random.default_rng(3)
    cases = ((6.0, 1.6, 2560, 90, 50), (4.0, 0.0, 1920, 30, 17), (9.0, 1.6, 3840, 105, 58), (1.2, 1.6, 1920, 60, 40))
    for height, target, width, hfov, vfov in cases:
        model = CameraModel("m", "m", "m", "fixed", width, 1440, (Lens(hfov, vfov),), 30.0, 9_000, 1_404, 7.0, 4.0, "test")
        made = make_head(model, 0, height, 62.5, target_m=target)
        assert made is not None
        ground = np.concatenate([rng.uniform(0, made.slant_m * 1.2, 400), [0.0, made.near_m, made.far_m]])
        flat = dataclasses.replace(sloped(ground, np.zeros(len(ground))), drop_m=None)
        poses = Poses((made,), *ONE)
        on_flat, on_level = (build_matrix(lines, poses, len(ground)).px_per_m for lines in (flat, sloped(ground, np.zeros(len(ground)))))
        assert 100 < on_flat.nnz < 400
        assert on_level.indices.tolist() == on_flat.indices.tolist()
        np.testing.assert_allclose(on_level.data, on_flat.data)


def test_angle_and_range_on_a_slope_by_hand() -> None:
    """Tilt 30 deg, picture 60 deg high: from level to straight 60 deg down. A target as low as the mount's height below it at 20 m lies 45 deg down;
    one 41 m below lies 64 deg down and under the picture; one above the mount lies over it; one 12 m along and 5 m down is 13 m aslant, of 13.0
    allowed; at 12 m along and 5.1 m down it is out of range.
    """
    ground, rise = np.array([20.0, 20.0, 20.0, 12.0, 12.0, 2.0]), np.array([20.0, 41.0, -0.1, 5.0, 5.1, 3.4])
    wide = dataclasses.replace(head(90, 6.6, 2.9, 40.0), rise_m=5.0, tilt_deg=30.0, vfov_deg=60.0, slant_m=100.0)
    lines = sloped(ground, rise - 5.0)
    found = build_matrix(lines, Poses((wide,), *ONE), 6).px_per_m
    assert found.indices.tolist() == [0, 3, 4, 5]
    assert found[0, 3] == pytest.approx(1_000 / 13)
    near = dataclasses.replace(wide, slant_m=13.0)
    assert build_matrix(lines, Poses((near,), *ONE), 6).px_per_m.indices.tolist() == [3, 5]
