"""A peer at work, in a venv of its own: reads a problem's arrays, prints what came out as JSON. Run by `benchmarks.peers`, never imported.

PuLP is taken from spopt, which brings it: nothing here may come from our own venv.

    mclp    spopt's maximal covering, as its documents show it: a dense matrix of costs, here 0 where a pose sees a point and 1 where not
    plain   the textbook program on the sparse matrix: maximise w y subject to y[i] <= sum of the x that see i, and the budget
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np
from scipy import sparse
from spopt.locate import coverage as locate  # type: ignore[import-not-found]

pulp = locate.pulp
SUM = 1e6  # of all weights: HiGHS takes numbers near its tolerance of 1e-7 for nothing


def main(kind: str, path: str, limit_s: float) -> None:
    """Build, solve, print: `chosen` rows, `bound` in weight (None where none), `build_s`, `solve_s` and `peak_gb`."""
    with np.load(path) as arrays:
        covers = sparse.csr_matrix((np.ones(len(arrays["indices"])), arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"]))
        weight, cost, budget = arrays["weight"], arrays["cost"], int(arrays["budget"])
    scale = SUM / weight.sum()
    began = time.perf_counter()
    problem, poses, solve = (_mclp if kind == "mclp" else _plain)(covers, weight * scale, cost, budget)
    built = time.perf_counter()
    failed = ""
    try:
        solve(pulp.HiGHS(msg=False, timeLimit=limit_s))
    except (RuntimeError, pulp.PulpSolverError) as error:  # spopt's where no optimum was reached; the best plan so far is read all the same
        failed = str(error)
    done = time.perf_counter()
    bound = -float(problem.solverModel.getInfo().mip_dual_bound) / scale  # PuLP hands HiGHS the negative objective
    # Some values come back a little above 0: only what is nearer 1 is chosen.
    chosen = [row for row, variable in enumerate(poses) if (variable.value() or 0.0) > 0.5]
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    answer = {"chosen": chosen, "bound": bound if np.isfinite(bound) else None, "build_s": built - began, "solve_s": done - built}
    print(json.dumps({**answer, "peak_gb": peak_gb, "failed": failed}))


def _mclp(covers: sparse.csr_matrix, weight: Any, cost: Any, budget: int) -> tuple[Any, Any, Any]:
    assert (cost == 1).all()
    away = np.ones(covers.shape[::-1])
    away[covers.nonzero()[::-1]] = 0.0
    model = locate.MCLP.from_cost_matrix(away, weight, service_radius=0.5, p_facilities=budget)
    return model.problem, model.fac_vars, lambda solver: model.solve(solver, results=False)


def _plain(covers: sparse.csr_matrix, weight: Any, cost: Any, budget: int) -> tuple[Any, Any, Any]:
    problem = pulp.LpProblem("plain", pulp.LpMaximize)
    x = [problem.add_variable(f"x_{p}", cat="Binary") for p in range(covers.shape[0])]
    seen_by = covers.tocsc()
    terms = []
    for i in np.nonzero(np.diff(seen_by.indptr))[0]:
        y = problem.add_variable(f"y_{i}", 0, 1)
        problem += y <= pulp.LpAffineExpression([(x[p], 1) for p in seen_by.indices[seen_by.indptr[i] : seen_by.indptr[i + 1]]])
        terms.append((y, weight[i]))
    problem += pulp.LpAffineExpression([(x[p], int(cost[p])) for p in range(len(x))]) <= budget
    problem.setObjective(pulp.LpAffineExpression(terms))
    return problem, x, problem.solve


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
