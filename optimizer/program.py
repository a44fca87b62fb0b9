"""The integer program, and the one door to PuLP and HiGHS.

    x[p] 1 where pose p is chosen           z[s] 1 where site s is built
    v[i,s] how far site s sees demand i     y[i] how far demand i is covered          v, y in [0, 1]

It says per site what it sees. The usual y[i] <= sum of x[p] lets three thirds of a pole's cameras see a point fully while a third of the pole is
paid. Where a site's sets of poses are listed (optimizer.sets), one variable a set says it all:

    b[k] 1 where set k is taken, one a site at most          y[i] <= sum of b[k] over sets that see i
"""

from __future__ import annotations

import itertools
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
from optimizer.sets import Sets
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
        "second": "a demand point is seen twice only as far as two sites see it",
        "one_set": "of the sets of poses of a site at most one is taken",
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
    scale = _scale(core)
    problem = pulp.LpProblem("placement", pulp.LpMaximize)
    x = {int(p): problem.add_variable(f"x_{p}", cat="Binary") for p in poses}
    z = {int(s): problem.add_variable(f"z_{s}", cat="Binary") for s in np.unique(core.site[poses])}
    capital = pulp.LpAffineExpression([(x[p], core.cost[p]) for p in x] + [(z[s], core.site_cost[s]) for s in z])
    problem += capital <= core.budget, "capital_budget"
    if np.isfinite(core.yearly_left):
        yearly = pulp.LpAffineExpression([(x[p], core.yearly[p]) for p in x] + [(z[s], core.site_yearly[s]) for s in z])
        problem += yearly <= core.yearly_left, "yearly_budget"
    by_site: dict[int, list[int]] = {}
    for p in x:
        by_site.setdefault(int(core.site[p]), []).append(p)
    for s, members in by_site.items():
        for p in members:
            problem += x[p] <= z[s], f"open__{p}"
        if len(members) > core.room[s]:
            problem += pulp.LpAffineExpression([(x[p], 1) for p in members]) <= int(core.room[s]) * z[s], f"room__{s}"
    terms, floors = _add_coverage(problem, core, poses, x, z)
    _add_floors(problem, core, floors)
    private = [(x[p], -core.penalty[p] * scale) for p in x if core.penalty[p]]
    problem.setObjective(pulp.LpAffineExpression(terms + private))
    return problem, x, z


def _scale(core: Core) -> float:
    return 1e6 / max(core.all_weight, 1e-12)


Terms = list[tuple[pulp.LpVariable, float]]
Floors = list[tuple[int, pulp.LpVariable, float]]  # ward, variable, weight


def _groups(core: Core, start: Ints, items: Ints) -> list[tuple[Ints, Ints, int]]:
    """Demand seen by the same rows of a csr matrix, in the same ward where floors are set: those rows, the demand, its ward (-1 without floors)."""
    seen_by = sparse.csr_matrix((np.ones(len(items), dtype=np.int8), items, start), shape=(len(start) - 1, len(core.weight))).tocsc()
    floors = bool((core.ward_least > 0).any())
    groups: dict[tuple[int, bytes], list[int]] = {}
    for i in np.nonzero(np.diff(seen_by.indptr))[0]:
        seers = seen_by.indices[seen_by.indptr[i] : seen_by.indptr[i + 1]]
        groups.setdefault((int(core.ward[i]) if floors else -1, seers.tobytes()), []).append(int(i))
    kind = seen_by.indices.dtype
    return [(np.frombuffer(key, dtype=kind).astype(np.int64), np.array(members, dtype=np.int64), ward) for (ward, key), members in groups.items()]


def _add_views(
    problem: pulp.LpProblem, core: Core, number: int, members: Ints, views: Terms, terms: Terms, floors: Floors, ward: int
) -> None:
    """The variables of a first and a second view of this demand, no more than `views` give."""
    scale = _scale(core)
    y = problem.add_variable(f"y_{number}", 0, 1)
    terms.append((y, float(core.weight[members].sum()) * scale))
    if ward >= 0:
        floors.append((ward, y, float(core.floor[members].sum()) * scale))
    problem += y <= pulp.LpAffineExpression(views), f"cover__{number}"
    if core.second[members].any():
        twice = problem.add_variable(f"t_{number}", 0, 1)
        terms.append((twice, float(core.second[members].sum()) * scale))
        problem += y + twice <= pulp.LpAffineExpression(views), f"second__{number}"


def _add_coverage(
    problem: pulp.LpProblem, core: Core, poses: Ints, x: dict[int, pulp.LpVariable], z: dict[int, pulp.LpVariable]
) -> tuple[Terms, Floors]:
    """What coverage is worth in the objective, and what of it counts for each ward's floor."""
    start, items = core.part(poses)
    terms: Terms = []
    floors: Floors = []
    for number, (seers, members, ward) in enumerate(_groups(core, start, items)):
        rows = poses[seers]
        views: Terms = []
        for s in np.unique(core.site[rows]):
            own = [int(p) for p in rows[core.site[rows] == s]]
            if len(own) == 1:
                views.append((x[own[0]], 1))
                continue
            v = problem.add_variable(f"v_{number}_{s}", 0, 1)
            problem += v <= pulp.LpAffineExpression([(x[p], 1) for p in own]), f"sees__{number}_{s}"
            problem += v <= z[int(s)], f"built__{number}_{s}"
            views.append((v, 1))
        _add_views(problem, core, number, members, views, terms, floors, ward)
    return terms, floors


def _add_floors(problem: pulp.LpProblem, core: Core, floors: Floors) -> None:
    """One row a ward whose floor is not yet reached."""
    for ward in np.nonzero(core.ward_least > 0)[0]:
        inside: dict[pulp.LpVariable, float] = {}
        for row, variable, weight in floors:
            if row == ward:
                inside[variable] = inside.get(variable, 0.0) + weight
        problem += pulp.LpAffineExpression(inside) >= core.ward_least[ward] * _scale(core), f"ward_floor__{ward}"


def build_sets(core: Core, sets: Sets) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The program over these sets (sorted by site), and a variable for each."""
    scale = _scale(core)
    problem = pulp.LpProblem("sets", pulp.LpMaximize)
    b = [problem.add_variable(f"b_{k}", cat="Binary") for k in range(len(sets))]
    worth = -sets.penalty * scale
    first = np.concatenate([[0], np.nonzero(np.diff(sets.site))[0] + 1, [len(sets)]])
    for begin, end in itertools.pairwise(first):
        if end - begin > 1:
            problem += pulp.LpAffineExpression([(b[k], 1) for k in range(begin, end)]) <= 1, f"one_set__{sets.site[begin]}"
    terms: Terms = []
    floors: Floors = []
    for number, (seers, members, ward) in enumerate(_groups(core, sets.start, sets.items)):
        if sets.site[seers[0]] == sets.site[seers[-1]]:
            # One site alone sees it: seen where any of these sets is taken.
            worth[seers] += core.weight[members].sum() * scale
            if ward >= 0:
                floors.extend((ward, b[k], float(core.floor[members].sum()) * scale) for k in seers)
        elif core.weight[members].any():
            _add_views(problem, core, number, members, [(b[k], 1) for k in seers], terms, floors, ward)
    problem += pulp.LpAffineExpression(list(zip(b, sets.cost, strict=True))) <= core.budget, "capital_budget"
    if np.isfinite(core.yearly_left):
        problem += pulp.LpAffineExpression(list(zip(b, sets.yearly, strict=True))) <= core.yearly_left, "yearly_budget"
    _add_floors(problem, core, floors)
    problem.setObjective(pulp.LpAffineExpression(terms + list(zip(b, worth, strict=True))))
    return problem, b


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
    if not len(poses):
        return Answer(np.empty(0, dtype=np.int64), core.base, "optimal", 0.0)
    problem, x, z = build(core, poses)
    begin = {}
    if start is not None:
        inside, built = {int(p) for p in start}, {int(s) for s in core.site[start]}
        begin = {variable.name: float(row in rows) for variables, rows in ((x, inside), (z, built)) for row, variable in variables.items()}
    return _answer(problem, list(x.values()), np.array(list(x), dtype=np.int64), begin, core, time_limit_s=time_limit_s, gap=gap)


def solve_sets(
    core: Core, sets: Sets, *, time_limit_s: float, gap: float, nodes: int | None = None, start: Ints | None = None
) -> Answer:
    """The best choice of sets; `chosen` are rows of them.

    Parameters
    ----------
    nodes: branch-and-bound nodes at most, so that equal input ends equally however busy the machine is.
    start: rows of sets to begin from.

    Raises
    ------
    SolverError: as `solve`.
    """
    if not len(sets):
        return Answer(np.empty(0, dtype=np.int64), core.base, "optimal", 0.0)
    problem, b = build_sets(core, sets)
    begin = {} if start is None else {variable.name: 0.0 for variable in b} | {b[k].name: 1.0 for k in start}
    return _answer(problem, b, np.arange(len(b)), begin, core, time_limit_s=time_limit_s, gap=gap, nodes=nodes)


def _answer(
    problem: pulp.LpProblem, variables: list[pulp.LpVariable], rows: Ints, begin: dict[str, float], core: Core, *, time_limit_s: float, gap: float,
    nodes: int | None = None,
) -> Answer:  # fmt: skip
    """Run HiGHS and read what it says."""
    began = time.monotonic()
    more = {} if nodes is None else {"mip_max_nodes": nodes}
    try:
        problem.solve(_Solver(begin, msg=False, timeLimit=time_limit_s, gapRel=gap, threads=THREADS, **more))
    except pulp.PulpSolverError as error:
        raise SolverError.one("solver.failed", f"The solver failed: {error}", "Plan again with a smaller area or fewer models") from None
    info = problem.solverModel.getInfo()
    runtime = time.monotonic() - began
    ended = problem.solverModel.getModelStatus()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        status = "infeasible" if problem.sol_status == pulp.LpSolutionInfeasible else "no answer in time"
        return Answer(None, float("inf"), status, runtime)
    taken = np.array([(variable.value() or 0.0) > 0.5 for variable in variables], dtype=bool)
    status = "optimal" if ended == highspy.HighsModelStatus.kOptimal else "time limit" if ended == highspy.HighsModelStatus.kTimeLimit else "stopped"
    bound = -float(info.mip_dual_bound) / _scale(core)
    return Answer(np.sort(rows[taken]), core.base + bound if np.isfinite(bound) else float("inf"), status, runtime)


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

    def findSolutionValues(self, lp: pulp.LpProblem) -> tuple[int, int]:  # noqa: N802  # PuLP's name
        """PuLP's reading; it has no word for HiGHS's end at a number of nodes, whose values it has set by then."""
        try:
            found: tuple[int, int] = super().findSolutionValues(lp)
        except KeyError:
            found = (pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible)
        return found
