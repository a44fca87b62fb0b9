"""Questions a committee asks about a city and its plans, answered in cameras, wards and rupees.

    open_desk(city, scenario) -> curve, phased             before a plan: what each budget buys, what comes first
    open_plan(city, plan)     -> reasons, rules, floor_steps, next_cameras, repairs    about a plan: why, what binds, what next, what to mend

The answers are those of `frontier`, `phases`, `explain`, `binding` and `repair`, which know arrays only; here their rows get names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer import binding as bind
from optimizer import explain, repair
from optimizer.floors import FloorStep, floor_costs
from optimizer.frontier import frontier
from optimizer.phases import phases
from optimizer.plan import make_problem
from optimizer.problem import Ints, Problem
from optimizer.survey import Survey, make_survey
from planning.city import City
from planning.errors import CityError, Fault, ScenarioError
from planning.nouns import Plan, Scenario
from planning.progress import Progress

DEAD_END = "Name a camera by its id, as the plan's table has it"


@dataclass(frozen=True, eq=False)
class Desk:
    """A city under a scenario, surveyed, with its problem; `chosen`: rows of the plan's cameras, where the desk is a plan's."""

    city: City
    scenario: Scenario
    survey: Survey
    problem: Problem
    chosen: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def whole(self) -> float:
        """All weight, which shares are taken of."""
        return max(self.problem.whole, 1e-12)

    def ids(self, rows: Sequence[int] | Ints) -> tuple[str, ...]:
        """The cameras' ids."""
        return tuple(self.survey.camera_id(int(row)) for row in rows)

    def rows(self, ids: Sequence[str]) -> Ints:
        """The rows of cameras named by id, in the order given.

        Raises
        ------
        ScenarioError: `desk.camera` for every id that no pose of this scenario bears.
        """
        found, faults = [], []
        for text in ids:
            row = self.survey.row(text)
            if row is None:
                faults.append(Fault("desk.camera", "No camera of this scenario bears this id", DEAD_END, text))
            else:
                found.append(row)
        if faults:
            raise ScenarioError(faults)
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Bought:
    """What one budget buys: `covered`, `bound` and `gap` as in a plan's proof, shares of all weight; the least covered ward and its share; and the
    cameras' ids.
    """

    budget_inr: int
    cost_inr: int
    yearly_inr: int
    cameras: tuple[str, ...]
    covered: float
    bound: float
    gap: float
    worst_ward: str
    worst: float


@dataclass(frozen=True)
class Phased:
    """One phase: what is bought by now, what this phase adds, and what it costs that phases keep one another: `nesting`, as share of all weight,
    found so, and at most `nesting_most`.
    """

    now: Bought
    added: tuple[str, ...]
    nesting: float
    nesting_most: float


def open_desk(city: City, scenario: Scenario, *, survey: Survey | None = None, progress: Progress = Progress()) -> Desk:  # noqa: B008
    """The desk of a scenario.

    Parameters
    ----------
    survey: where one of this city and wish is at hand.

    Raises
    ------
    ScenarioError: as `make_survey` and `make_problem`.
    """
    if survey is None:
        survey = make_survey(city, scenario, progress=progress)
    return Desk(city, scenario, survey, make_problem(city, scenario, survey))


def open_plan(city: City, plan: Plan, *, survey: Survey | None = None, progress: Progress = Progress()) -> Desk:  # noqa: B008
    """The desk of a plan.

    Raises
    ------
    CityError: `desk.city` where the plan was made for another state of the city.
    ScenarioError: `desk.camera` where a camera of the plan could not be offered today.
    """
    same_city(plan, city)
    desk = open_desk(city, plan.scenario, survey=survey, progress=progress)
    rows = np.sort(desk.rows([camera.id for camera in plan.cameras]))
    return Desk(city, desk.scenario, desk.survey, desk.problem, rows)


def same_city(plan: Plan, city: City) -> None:
    """Refuse a plan made for another state of the city.

    Raises
    ------
    CityError: `desk.city`.
    """
    if plan.city_digest != city.digest:
        what = "The plan was made for another state of the city"
        raise CityError.one("desk.city", what, "Plan again", f"{plan.city_digest}, not {city.digest}")


def curve(
    desk: Desk, budgets: Sequence[int], *, time_limit_s: float = 120.0, progress: Progress = Progress(),  # noqa: B008
) -> tuple[Bought, ...]:  # fmt: skip
    """What each budget buys.

    Parameters
    ----------
    budgets: ascending [INR]; the scenario's own is not looked at.
    time_limit_s: for all of them [s].

    Raises
    ------
    ScenarioError, Infeasible: as `frontier`.
    """
    found = frontier(desk.problem, budgets, gap=desk.scenario.gap, time_limit_s=time_limit_s, seed=desk.scenario.seed, progress=progress)
    return tuple(bought(desk, point.budget, point.chosen, point.bound, point.gap) for point in found.points)


def phased(
    desk: Desk, budgets: Sequence[int], *, floors: str = "last", time_limit_s: float = 15.0, progress: Progress = Progress(),  # noqa: B008
) -> tuple[Phased, ...]:  # fmt: skip
    """A network built in phases, each keeping the one before.

    Parameters
    ----------
    budgets: of each phase with all before it, growing [INR].
    floors: whether wards' floors hold in the `last` phase or in `every` one.
    time_limit_s: for each of up to three plans a phase [s].

    Raises
    ------
    ScenarioError, Infeasible: as `phases`.
    """
    options: dict[str, Any] = {"floors": floors, "gap": desk.scenario.gap, "time_limit_s": time_limit_s, "seed": desk.scenario.seed}
    found = phases(desk.problem, budgets, **options, progress=progress)
    return tuple(
        Phased(
            bought(desk, phase.budget, phase.chosen, phase.bound, phase.gap), desk.ids(phase.added), phase.nesting / desk.whole,
            phase.nesting_most / desk.whole,
        )
        for phase in found.phases
    )  # fmt: skip


def reasons(desk: Desk, camera: str) -> explain.Why:
    """Why a camera is in the plan, what would be without it, and what would come in its place.

    Raises
    ------
    ScenarioError: `desk.camera`; `explain.pose` where the plan has no such camera.
    """
    return explain.why(desk.problem, desk.chosen, int(desk.rows([camera])[0]))


def without(desk: Desk, cameras: Sequence[str]) -> explain.Removed:
    """What the plan loses without these cameras.

    Raises
    ------
    ScenarioError: `desk.camera`; `explain.pose` where the plan has no such camera.
    """
    return explain.removed(desk.problem, desk.chosen, desk.rows(cameras))


def rules(desk: Desk) -> bind.Binding:
    """Which rules the plan runs up against."""
    return bind.binding(desk.problem, desk.chosen)


def floor_prices(desk: Desk, *, time_limit_s: float = 5.0, progress: Progress = Progress()) -> tuple[explain.FloorPrice, ...]:  # noqa: B008
    """What each ward's floor costs the rest; `time_limit_s` for each plan [s]."""
    options: dict[str, Any] = {"gap": desk.scenario.gap, "time_limit_s": time_limit_s, "seed": desk.scenario.seed}
    return explain.floor_prices(desk.problem, **options, progress=progress)


def floor_steps(
    desk: Desk, floors: Sequence[float], *, time_limit_s: float = 20.0, progress: Progress = Progress(),  # noqa: B008
) -> tuple[FloorStep, ...]:  # fmt: skip
    """What a floor for every ward costs in rupees while the plan's coverage is kept; `time_limit_s` for each floor [s].

    Raises
    ------
    ScenarioError: `floors.share`. Infeasible: as `optimizer.cover.cover`.
    """
    options: dict[str, Any] = {"gap": desk.scenario.gap, "time_limit_s": time_limit_s, "seed": desk.scenario.seed, "progress": progress}
    covered = float(desk.problem.weight[desk.problem.seen(desk.chosen)].sum())
    return floor_costs(desk.problem, covered, floors, known=[desk.chosen], **options)


def next_cameras(
    desk: Desk, *, budget_inr: int | None = None, n: int = 5, time_limit_s: float = 20.0, progress: Progress = Progress(),  # noqa: B008
) -> repair.Improvement:  # fmt: skip
    """The best next cameras once the plan is built; with a budget, the best plan for it too.

    Raises
    ------
    ScenarioError: `repair.budget`. Infeasible: where the rules cannot hold.
    """
    options: dict[str, Any] = {"budget": budget_inr, "n": n, "gap": desk.scenario.gap, "time_limit_s": time_limit_s, "seed": desk.scenario.seed}
    return repair.improve(desk.problem, desk.chosen, **options, progress=progress)


def repairs(
    desk: Desk, dead: Sequence[str], costs_inr: Sequence[int], *, budget_inr: int, replace: bool = False, time_limit_s: float = 20.0,
    progress: Progress = Progress(),  # noqa: B008
) -> repair.Repair:  # fmt: skip
    """Which of the plan's dead cameras to bring back within a repair budget.

    Parameters
    ----------
    dead: ids of those that do not work.
    costs_inr: what each of them costs to bring back, in that order [INR].
    replace: whether new cameras may be bought instead.

    Raises
    ------
    ScenarioError: `desk.camera`; and as `optimizer.repair.repair`.
    """
    options: dict[str, Any] = {"replace": replace, "time_limit_s": time_limit_s, "seed": desk.scenario.seed, "progress": progress}
    return repair.repair(desk.problem, desk.chosen, desk.rows(dead), list(costs_inr), budget_inr, **options)


def bought(desk: Desk, budget: int, chosen: Ints, bound: float, gap: float) -> Bought:
    """What these cameras are for a budget; `bound` in weight."""
    problem = desk.problem
    ward, share = _worst(problem, problem.seen(chosen))
    return Bought(
        budget, *problem.spent(chosen), desk.ids(chosen), problem.value(chosen) / desk.whole, min(bound / desk.whole, 1.0), gap, ward, share
    )


def _worst(problem: Problem, seen: npt.NDArray[np.bool_]) -> tuple[str, float]:
    """The ward with the least share of its weight seen, the first by name of equals; no name where there are no wards."""
    n = len(problem.limits.ward_least)
    inside = problem.ward >= 0
    all_of = np.bincount(problem.ward[inside], weights=problem.weight[inside], minlength=n)
    seen_of = np.bincount(problem.ward[inside & seen], weights=problem.weight[inside & seen], minlength=n)
    shares = [(float(seen_of[w] / all_of[w]), problem.limits.ward_name(w)) for w in range(n) if all_of[w] > 0]
    share, name = min(shares, default=(0.0, ""))
    return name, share
