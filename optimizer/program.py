"""The integer program, and the one door to PuLP and HiGHS.

    x[p] 1 where pose p is chosen           z[s] 1 where site s is built
    v[i,s] how far site s sees demand i     y[i] how far demand i is covered          v, y in [0, 1]

It says per site what it sees. The usual y[i] <= sum of x[p] lets three thirds of a pole's cameras see a point fully while a third of the pole is
paid.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import highspy
import numpy as np
import pulp
from scipy import sparse

from optimizer.problem import Ints
from optimizer.reduce import Core
from planning.errors import SolverError

RULES: Mapping[str, str] = MappingProxyType(
    {
        "capital_budget": "cameras chosen and sites built cost no more than the capital budget",
        "yearly_budget": "their upkeep, power and links cost no more a year than the yearly budget",
        "open": "a pose may be chosen only where its site is built, so a site's cost is paid once",
        "room": "a site carries no more cameras than it has room for",
        "sees": "a site sees a demand point only with a chosen pose that sees it",
        "built": "a site sees a demand point only as far as it is built",
        "cover": "a demand point is covered only as far as some site sees it",
        "ward_floor": "each ward's covered weight, existing cameras included, reaches its floor",
    }
)
THREADS = 1  # HiGHS fails silently where the count changes within a process


@dataclass(frozen=True, eq=False)
class Answer:
    """What the solver said: the chosen rows, the best bound it proved in weight (infinite where none), and how it ended."""

    chosen: Ints | None
    bound: float
    status: str
    runtime_s: float


def describe(problem: pulp.LpProblem) -> dict[str, str]:
    """Every constraint's sentence, by its name."""
    return {row.name: RULES[row.name.split("__")[0]] for row in problem.constraints()}


def build(core: Core, poses: Ints) -> tuple[pulp.LpProblem, dict[int, pulp.LpVariable], dict[int, pulp.LpVariable]]:
    """The program over these rows of the core's poses (sorted), its pose variables and its site variables.

    Weights are scaled so that all of them sum to a million: HiGHS takes numbers near its tolerance of 1e-7 for nothing.
    """
    scale = 1e6 / max(float(core.weight.sum()), 1e-12)
    site_of = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    problem = pulp.LpProblem("placement", pulp.LpMaximize)
    x = {int(p): problem.add_variable(f"x_{p}", cat="Binary") for p in poses}
    z = {int(s): problem.add_variable(f"z_{s}", cat="Binary") for s in np.unique(site_of[poses])}
    capital = pulp.LpAffineExpression([(x[p], core.cost[p]) for p in x] + [(z[s], core.site_cost[s]) for s in z])
    problem += capital <= core.budget, "capital_budget"
    if np.isfinite(core.yearly_left):
        yearly = pulp.LpAffineExpression([(x[p], core.yearly[p]) for p in x] + [(z[s], core.site_yearly[s]) for s in z])
        problem += yearly <= core.yearly_left, "yearly_budget"
    by_site: dict[int, list[int]] = {}
    for p in x:
        by_site.setdefault(int(site_of[p]), []).append(p)
    for s, members in by_site.items():
        for p in members:
            problem += x[p] <= z[s], f"open__{p}"
        if len(members) > core.room[s]:
            problem += pulp.LpAffineExpression([(x[p], 1) for p in members]) <= int(core.room[s]) * z[s], f"room__{s}"
    covered = _add_coverage(problem, core, poses, site_of, x, z)
    _add_floors(problem, core, covered, scale)
    problem.setObjective(pulp.LpAffineExpression([(variable, core.weight[members].sum() * scale) for variable, members in covered]))
    return problem, x, z


def _add_coverage(
    problem: pulp.LpProblem, core: Core, poses: Ints, site_of: Ints, x: dict[int, pulp.LpVariable], z: dict[int, pulp.LpVariable]
) -> list[tuple[pulp.LpVariable, Ints]]:
    """The y variables with the demand rows each stands for: those seen by the same of these poses, in the same ward where floors are set."""
    lengths = core.start[poses + 1] - core.start[poses]
    rows = np.repeat(poses, lengths)
    columns = core.items[np.concatenate([np.arange(core.start[p], core.start[p + 1]) for p in poses])] if len(poses) else np.empty(0, dtype=np.int64)
    seen_by = sparse.csc_matrix((np.ones(len(rows)), (rows, columns)), shape=(core.n_poses, len(core.weight)))
    seen_by.sort_indices()
    floors = bool((core.ward_least > 0).any())
    groups: dict[tuple[int, bytes], list[int]] = {}
    for i in np.nonzero(np.diff(seen_by.indptr))[0]:
        seers = seen_by.indices[seen_by.indptr[i] : seen_by.indptr[i + 1]]
        groups.setdefault((int(core.ward[i]) if floors else -1, seers.astype(np.int64).tobytes()), []).append(int(i))
    covered = []
    for number, ((_, key), members) in enumerate(groups.items()):
        seers = np.frombuffer(key, dtype=np.int64)
        y = problem.add_variable(f"y_{number}", 0, 1)
        terms = []
        for s in np.unique(site_of[seers]):
            own = [int(p) for p in seers[site_of[seers] == s]]
            if len(own) == 1:
                terms.append((x[own[0]], 1))
                continue
            v = problem.add_variable(f"v_{number}_{s}", 0, 1)
            problem += v <= pulp.LpAffineExpression([(x[p], 1) for p in own]), f"sees__{number}_{s}"
            problem += v <= z[int(s)], f"built__{number}_{s}"
            terms.append((v, 1))
        problem += y <= pulp.LpAffineExpression(terms), f"cover__{number}"
        covered.append((y, np.array(members, dtype=np.int64)))
    return covered


def _add_floors(problem: pulp.LpProblem, core: Core, covered: list[tuple[pulp.LpVariable, Ints]], scale: float) -> None:
    """One row a ward whose floor is not yet reached; `covered` groups then lie within one ward each."""
    terms: dict[int, list[tuple[pulp.LpVariable, float]]] = {}
    for variable, members in covered:
        terms.setdefault(int(core.ward[members[0]]), []).append((variable, float(core.weight[members].sum()) * scale))
    for ward in np.nonzero(core.ward_least > 0)[0]:
        problem += pulp.LpAffineExpression(terms.get(int(ward), [])) >= core.ward_least[ward] * scale, f"ward_floor__{ward}"


def solve(core: Core, poses: Ints, *, time_limit_s: float, gap: float, start: Ints | None = None) -> Answer:
    """The best plan over these rows of the core's poses, as far as time goes.

    Parameters
    ----------
    poses: rows of the core to choose from, sorted.
    time_limit_s, gap: where to stop; both belong to this program alone.
    start: a plan to begin from, within `poses`.

    Raises
    ------
    SolverError: where the solver fails in itself; running out of time or finding the rules impossible is an answer.
    """
    began = time.monotonic()
    if not len(poses):
        return Answer(np.empty(0, dtype=np.int64), core.base, "optimal", 0.0)
    problem, x, z = build(core, poses)
    scale = 1e6 / max(float(core.weight.sum()), 1e-12)
    begin = _start(core, x, z, start) if start is not None else {}
    try:
        problem.solve(_Solver(begin, msg=False, timeLimit=time_limit_s, gapRel=gap, threads=THREADS))
    except pulp.PulpSolverError as error:
        raise SolverError.one("solver.failed", f"The solver failed: {error}", "Plan again with a smaller area or fewer models") from None
    info = problem.solverModel.getInfo()
    runtime = time.monotonic() - began
    if (
        problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
        or info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible
    ):
        status = "infeasible" if problem.sol_status == pulp.LpSolutionInfeasible else "no answer in time"
        return Answer(None, float("inf"), status, runtime)
    chosen = np.array(sorted(p for p, variable in x.items() if (variable.value() or 0.0) > 0.5), dtype=np.int64)
    ended = problem.solverModel.getModelStatus()
    status = "optimal" if ended == highspy.HighsModelStatus.kOptimal else "time limit" if ended == highspy.HighsModelStatus.kTimeLimit else "stopped"
    bound = float(info.mip_dual_bound)
    return Answer(chosen, core.base + max(-bound, 0.0) / scale if np.isfinite(bound) else float("inf"), status, runtime)


class _Solver(pulp.HiGHS):
    """PuLP's HiGHS begun from a plan: PuLP hands HiGHS no start, and passes `warmStart` on as an option that HiGHS does not know."""

    def __init__(self, start: dict[str, float], **options: Any) -> None:
        super().__init__(**options)
        self._start = start

    def callSolver(self, lp: pulp.LpProblem) -> None:  # noqa: N802  # PuLP's name
        """Set the start, given for poses and sites only, which HiGHS completes; then run."""
        if self._start:
            known = [(variable.index, self._start[variable.name]) for variable in lp.variables() if variable.name in self._start]
            indices, values = (np.array(column) for column in zip(*known, strict=True))
            lp.solverModel.setSolution(len(known), indices.astype(np.int32), values.astype(np.float64))
        super().callSolver(lp)


def _start(core: Core, x: dict[int, pulp.LpVariable], z: dict[int, pulp.LpVariable], plan: Ints) -> dict[str, float]:
    """A plan as values of the pose and site variables, by name."""
    inside = {int(p) for p in plan}
    site_of = np.repeat(np.arange(len(core.room)), np.diff(core.first))
    built = {int(site_of[p]) for p in inside}
    return {variable.name: float(row in rows) for variables, rows in ((x, inside), (z, built)) for row, variable in variables.items()}
