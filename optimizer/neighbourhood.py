"""Neighbourhood search: the plan stays as it is but for a few patches of town, and those are planned anew by a program of their own.

A patch grows from a random site over sites that see the same demand. Two patches at a time let money move between them, and each program starts
from what stands, so that it can only gain.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer import program, search
from optimizer.problem import Flags, Ints
from optimizer.reduce import Core

PATCHES = 2
POSES = 150  # candidates a program gets; larger ones seldom end in the time
SECONDS = 1.0
GAP = 1e-3


@dataclass(frozen=True, eq=False)
class Ground:
    """Candidate poses and which of their sites see the same demand.

    `candidates`: rows of the core, sorted; `site` (n_candidates,): their sites, counted from 0; `sites`: those sites' rows in the core; `near`: csr
    (n_sites, n_sites), how many pairs of views two sites share.
    """

    candidates: Ints
    site: Ints
    sites: Ints
    near: sparse.csr_matrix


def prepare(core: Core, candidates: Ints) -> Ground:
    """The ground over these rows of the core (sorted)."""
    site_of = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    sites, site = np.unique(site_of[candidates], return_inverse=True)
    covers = sparse.csr_matrix((np.ones(len(core.items), dtype=np.float32), core.items, core.start), shape=(core.n_poses, len(core.weight)))
    at = sparse.csr_matrix((np.ones(len(candidates), dtype=np.float32), (site, np.arange(len(candidates)))), shape=(len(sites), len(candidates)))
    sees = at @ covers[candidates]
    return Ground(candidates, site.reshape(-1).astype(np.int64), sites.astype(np.int64), (sees @ sees.T).tocsr())


def patch(ground: Ground, rng: np.random.Generator) -> Flags:
    """Which sites of the ground lie in the patches (n_sites,); together they hold about POSES candidates."""
    weight = np.bincount(ground.site, minlength=len(ground.sites))
    inside: npt.NDArray[np.bool_] = np.zeros(len(ground.sites), dtype=bool)
    for seed in rng.permutation(len(ground.sites))[:PATCHES]:
        queue, held = [int(seed)], 0
        while held < POSES // PATCHES and not inside.all():
            if not queue:
                queue = [int(rng.choice(np.nonzero(~inside)[0]))]
            here = queue.pop(0)
            if inside[here]:
                continue
            inside[here] = True
            held += int(weight[here])
            queue.extend(int(k) for k in rng.permutation(ground.near.indices[ground.near.indptr[here] : ground.near.indptr[here + 1]]))
    return inside


def replan(core: Core, ground: Ground, plan: Ints, inside: Flags, *, time_limit_s: float) -> Ints | None:
    """The plan with the sites inside planned anew, the others as they stand; None where the program gave no answer.

    Parameters
    ----------
    plan: rows of the core, sorted.
    inside: from `patch`.
    """
    site_of = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    within = np.isin(site_of[plan], ground.sites[inside])
    stays, begin = plan[~within], plan[within]
    pool = np.unique(np.concatenate([ground.candidates[inside[ground.site]], begin]))
    answer = program.solve(_rest(core, stays, site_of), pool, time_limit_s=min(time_limit_s, SECONDS), gap=GAP, start=begin)
    return None if answer.chosen is None else np.sort(np.concatenate([stays, answer.chosen]))


def _rest(core: Core, stays: Ints, site_of: npt.NDArray[Any]) -> Core:
    """What is left of the core once these poses stand."""
    seen = search.coverage(core, stays) > 0
    built = np.unique(site_of[stays])
    return dataclasses.replace(
        core,
        weight=np.where(seen, 0.0, core.weight),
        budget=core.budget - float(core.cost[stays].sum() + core.site_cost[built].sum()),
        yearly_left=core.yearly_left - float(core.yearly[stays].sum() + core.site_yearly[built].sum()),
        ward_least=np.maximum(core.ward_least - search.ward_weight(core, seen), 0.0),
    )
