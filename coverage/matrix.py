"""The coverage matrix: how many pixels a metre each pose lays on each demand point it sees.

The sight lines of a site are sorted by bearing, so a pose is a run of them, filtered by distance and mount height; on terrain, or where targets
ask what they need, by angle and range. No other geometry is left to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from coverage.poses import Poses, meets
from coverage.sight import Ints, Sightlines
from coverage.tilts import tilts
from planning.jit import jit, parallel_jit, prange


@dataclass(frozen=True, eq=False)
class CoverageMatrix:
    """`px_per_m`: csr float32 (n_poses, n_demand); 0 is unseen. Columns are sorted within a row."""

    px_per_m: sparse.csr_matrix

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of the SHA-256 over the matrix's content."""
        taken = hashlib.sha256(str(self.px_per_m.shape).encode())
        for part in (self.px_per_m.indptr.astype(np.int64), self.px_per_m.indices.astype(np.int64), self.px_per_m.data):
            taken.update(np.ascontiguousarray(part).tobytes())
        return taken.hexdigest()[:16]


@jit
def _first_at_least(values: Any, low: int, high: int, wanted: float) -> int:
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@parallel_jit
def _filter(
    start: Any, target: Any, line_bearing: Any, ground: Any, critical: Any, kind: int, drop: Any, need: Any, most: Any,
    site: Any, head: Any, bearing: Any,
    hfov: Any, height: Any, rise: Any, near: Any, far: Any, focal: Any, tilt: Any, vfov: Any, slant: Any,
    fill: Any, indptr: Any, indices: Any, data: Any, counts: Any,
) -> None:  # fmt: skip
    """Count (fill False) or write (fill True) what each pose sees; a sector that passes north is two runs."""
    for pose in prange(len(site)):
        h = head[pose]
        first, last = start[site[pose]], start[site[pose] + 1]
        left, width = bearing[pose] - hfov[h] / 2.0, hfov[h]
        if left < 0:
            left += 360.0
        found = 0
        for run in range(2):
            if width >= 360.0:
                if run == 1:
                    break
                begin, limit = first, np.inf
            elif run == 0:
                begin, limit = _first_at_least(line_bearing, first, last, left - 1e-9), left + width + 1e-9
            else:
                begin, limit = first, left + width - 360.0 + 1e-9
            for k in range(begin, last):
                if line_bearing[k] > limit:
                    break
                if critical[k] >= height[h]:
                    continue
                above = rise[h] + (drop[k] if kind > 0 else 0.0)
                asks, highest = (need[k], most[k]) if kind == 2 else (1.0, np.inf)
                if not meets(kind, ground[k], above, height[h], asks, highest, near[h], far[h], tilt[pose], vfov[h], slant[h], focal[h]):
                    continue
                if fill:
                    indices[indptr[pose] + found] = target[k]
                    data[indptr[pose] + found] = focal[h] / np.sqrt(ground[k] * ground[k] + above * above)
                found += 1
        counts[pose] = found


def build_matrix(sightlines: Sightlines, poses: Poses, n_demand: int) -> CoverageMatrix:
    """What every pose sees, of the targets the sight lines were cast to.

    Parameters
    ----------
    sightlines: cast from the sites, rows as `poses.site` names them.
    poses: what to filter by.
    n_demand: number of targets.
    """
    names = ("hfov_deg", "height_m", "rise_m", "near_m", "far_m", "focal_px", "vfov_deg", "slant_m")
    columns = [np.array([getattr(head, name) for head in poses.heads], dtype=np.float64) for name in names]
    terrain, points = (None, np.zeros((0, 2))) if sightlines.stands_on is None else sightlines.stands_on
    columns.insert(6, np.ascontiguousarray(tilts(terrain, points, poses), dtype=np.float64))
    counts = np.zeros(len(poses), dtype=np.int64)
    lines: tuple[Any, ...] = (sightlines.start, sightlines.target, sightlines.bearing_deg, sightlines.ground_m, sightlines.critical_m)
    lines += sightlines.drops
    what: tuple[Any, ...] = (poses.site, poses.head, np.ascontiguousarray(poses.bearing_deg), *columns)
    none_i, none_f = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
    if len(poses):
        first_pass: tuple[Any, ...] = (*lines, *what, False, np.zeros(1, dtype=np.int64), none_i, none_f, counts)
        _filter(*first_pass)
    indptr: Ints = np.zeros(len(poses) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    indices: npt.NDArray[np.int32] = np.empty(indptr[-1], dtype=np.int32)
    data = np.empty(indptr[-1], dtype=np.float32)
    if len(poses):
        second_pass: tuple[Any, ...] = (*lines, *what, True, indptr, indices, data, counts)
        _filter(*second_pass)
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(len(poses), n_demand))
    matrix.sort_indices()
    return CoverageMatrix(matrix)
