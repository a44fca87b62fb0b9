"""Small placement problems, drawn at random with every rule switched on now and then, and their best plan by trying all."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from optimizer.problem import Limits, Problem

Ints = npt.NDArray[np.int64]
Table = npt.NDArray[np.float64]


def problem_of(
    covers: Any, weight: Any, *, cost: Any = 1, site: Any = None, site_cost: Any = 0, yearly: Any = 0, site_yearly: Any = 0, already: Any = False,
    ward: Any = 0, budget: int = 10**9, yearly_budget: int | None = None, per_site: int = 8, keep: Any = (), forbid: Any = (), least: Any = (0.0,),
    names: tuple[str, ...] = (), second: Any = 0.0, penalty: Any = 0.0,
) -> Problem:  # fmt: skip
    """A problem from small tables; single values stand for all rows, `keep` and `forbid` list poses; each pose has a site of its own where none is
    said.
    """
    seen = np.asarray(covers, dtype=bool)
    n_poses, n_demand = seen.shape
    sites = np.arange(n_poses) if site is None else np.asarray(site)
    n_sites = int(sites.max(initial=-1)) + 1

    def rows(values: Any, n: int, kind: str) -> Any:
        return np.broadcast_to(np.asarray(values, dtype=kind), n).copy()

    flags = [np.isin(np.arange(n_poses), np.asarray(given, dtype=np.int64)) for given in (keep, forbid)]
    limits = Limits(budget, yearly_budget, per_site, flags[0], flags[1], np.asarray(least, dtype=np.float64), names)
    return Problem(
        covers=sparse.csr_matrix(seen), weight=rows(weight, n_demand, "float64"), already=rows(already, n_demand, "int64"),
        ward=rows(ward, n_demand, "int64"),
        cost=rows(cost, n_poses, "int64"), yearly=rows(yearly, n_poses, "int64"), site=rows(sites, n_poses, "int64"),
        site_cost=rows(site_cost, n_sites, "int64"), site_yearly=rows(site_yearly, n_sites, "int64"), limits=limits,
        second=rows(second, n_demand, "float64"), penalty=rows(penalty, n_poses, "float64"),
    )  # fmt: skip


def random_problem(seed: int, *, scale: float = 1.0, most_poses: int = 10) -> Problem:
    """A problem of up to `most_poses` poses; each rule is there in part of the seeds."""
    rng = np.random.default_rng(seed)
    n_poses, n_demand, n_wards = int(rng.integers(1, most_poses + 1)), int(rng.integers(1, 16)), int(rng.integers(1, 4))
    site = np.sort(rng.integers(0, int(rng.integers(1, 5)), n_poses))
    n_sites = int(site.max()) + 1
    cost, site_cost = rng.integers(0, 30, n_poses), rng.integers(0, 40, n_sites) * (rng.random() < 0.7)
    yearly, site_yearly = rng.integers(0, 9, n_poses), rng.integers(0, 9, n_sites)
    weight = (
        np.where(rng.random(n_demand) < 0.1, 0.0, rng.uniform(0.1, 9.0, n_demand) if rng.random() < 0.5 else rng.integers(1, 5, n_demand)) * scale
    )
    ward = rng.integers(-1, n_wards, n_demand)
    totals = np.bincount(ward[ward >= 0], weights=weight[ward >= 0], minlength=n_wards)
    listed = rng.random(n_poses)
    extra = np.random.default_rng([seed, 1])
    twice, private = extra.random() < 0.4, extra.random() < 0.3
    return problem_of(
        rng.random((n_poses, n_demand)) < rng.uniform(0.1, 0.6), weight, cost=cost, site=site, site_cost=site_cost, yearly=yearly,
        site_yearly=site_yearly,
        already=(rng.random(n_demand) < 0.15) * (1 + (extra.random(n_demand) < 0.2)),
        ward=ward, budget=int(rng.uniform(0.1, 0.9) * (cost.sum() + site_cost.sum())) + 1,
        yearly_budget=int(rng.uniform(0.1, 0.9) * (yearly.sum() + site_yearly.sum())) + 1 if rng.random() < 0.5 else None,
        per_site=int(rng.integers(1, 4)), keep=np.nonzero(listed < 0.12)[0], forbid=np.nonzero(listed > 0.88)[0],
        least=totals * rng.choice([0.0, 0.0, 0.3, 0.7], n_wards) * rng.random(), names=("North", "South", "पूर्व"),
        second=weight * np.where(extra.random(n_demand) < 0.6, extra.random(n_demand), 0.0) * twice,
        penalty=scale * extra.uniform(0, 3, n_poses) * private,
    )  # fmt: skip


def every_plan(problem: Problem) -> tuple[Table, Table]:
    """All plans as 0/1 rows (2**n_poses, n_poses) and from how many places each sees every demand point (2**n_poses, n_demand)."""
    n = problem.n_poses
    plans = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    covers = problem.covers.toarray().astype(float)
    views = sum((plans[:, problem.site == s] @ covers[problem.site == s] > 0).astype(float) for s in range(len(problem.site_cost)))
    return plans, views + problem.already


def lawful(problem: Problem) -> tuple[Table, Table]:
    """The plans that keep every rule, and what each is worth; rules worked out from the tables alone."""
    plans, views = every_plan(problem)
    seen = (views > 0).astype(float)
    limits = problem.limits
    member = (problem.site[:, None] == np.arange(len(problem.site_cost))).astype(float)
    built = plans @ member
    capital = plans @ problem.cost + (built > 0) @ problem.site_cost
    year = plans @ problem.yearly + (built > 0) @ problem.site_yearly
    ok = (capital <= limits.budget) & (built.max(axis=1, initial=0) <= limits.per_site)
    ok &= year <= (limits.yearly if limits.yearly is not None else np.inf)
    ok &= (plans[:, limits.keep] == 1).all(axis=1) & (plans[:, limits.forbid] == 0).all(axis=1)
    for ward, least in enumerate(limits.ward_least):
        ok &= seen[:, problem.ward == ward] @ problem.weight[problem.ward == ward] >= least - 1e-9 * problem.total
    return plans[ok], seen[ok] @ problem.weight + (views[ok] > 1) @ problem.second - plans[ok] @ problem.penalty


def best_value(problem: Problem) -> float | None:
    """The most weight a lawful plan covers; None where no plan is lawful."""
    _, values = lawful(problem)
    return float(values.max()) if len(values) else None


def with_limits(problem: Problem, **changes: Any) -> Problem:
    """The problem under other limits."""
    return dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, **changes))


def plain_city(seed: int, *, sites: int = 200, budget: int = 900) -> Problem:
    """A problem as cities have them: demand strewn over a square, each site with four cameras that see a quarter disc each; three cameras a site."""
    rng = np.random.default_rng(seed)
    demand, at = rng.uniform(0, 1_000, size=(1_500, 2)), rng.uniform(0, 1_000, size=(sites, 2))
    away = demand[None] - at[:, None]
    near = np.hypot(away[..., 0], away[..., 1]) < 60
    quarters = [near & ((away[..., 0] > 0) == east) & ((away[..., 1] > 0) == north) for east in (True, False) for north in (True, False)]
    covers = np.stack(quarters, axis=1).reshape(4 * sites, -1)
    return problem_of(covers, rng.random(1_500), cost=10, site=np.repeat(np.arange(sites), 4), site_cost=20, budget=budget, per_site=3)
