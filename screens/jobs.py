"""Plans being made, and what is worked out about them, kept by the server: a page may close and come back, and two people may plan at once.

At most two plans are made at a time, since each wants a core; others wait their turn and say so. The same wish for the same city is one job.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planning.city import City
from planning.errors import ChaukasError, InputError
from planning.export import write_plan
from planning.files import atomic_path
from planning.ladders import Ladder, write_ladder
from planning.nouns import Draft, Plan, Scenario
from planning.progress import Job, Progress, Step
from planning.remaining import Phase, phases_of
from planning.reviews import Review, write_review
from screens import library
from screens.library import Shelf

if TYPE_CHECKING:
    from optimizer.floors import FloorStep
    from optimizer.survey import Survey

AT_ONCE = 2
RUNGS = 20  # budgets of a ladder
FLOORS = (0.05, 0.1, 0.15, 0.2)  # for every ward, whose price is worked out; none at all is asked too
FLOOR_S = 45.0  # for each of them
_KEEP_ENDED_S = 3_600.0

Planner = Callable[..., Any]


@dataclass(frozen=True)
class PlanJob:
    """One plan or ladder being made: for which city and wish, and the work itself, whose result is its id."""

    city: str
    digest: str
    scenario: Scenario
    job: Job[str]
    name: str = ""

    @property
    def id(self) -> str:
        """The scenario's id, or the name of work of another kind on it: stable, so it can stand in an address."""
        return self.name or self.scenario.id

    @property
    def step(self) -> Step:
        """Where the work stands."""
        return self.job.step

    @property
    def draft(self) -> Draft | None:
        """The plan that stands by now, while a better one is looked for."""
        shown = self.job.shown
        return shown if isinstance(shown, Draft) else None


class Desk:
    """All jobs of one kind on this server.

    Parameters
    ----------
    planner: makes a plan, or what `keep` keeps, of a city and a scenario.
    at_once: how many jobs may work at a time; or the turns of another desk, to share them.
    keep: writes what was made to the city's folder and gives its id.
    """

    def __init__(
        self, planner: Planner | None = None, at_once: int | threading.BoundedSemaphore = AT_ONCE, keep: Callable[[City, Any], str] | None = None
    ) -> None:
        self._planner = planner or _plan
        self._keep = keep or _keep_plan
        self._lock = threading.Lock()
        self.turns = threading.BoundedSemaphore(at_once) if isinstance(at_once, int) else at_once
        self._jobs: dict[tuple[str, str], PlanJob] = {}
        self._ended: dict[tuple[str, str], float] = {}

    def start(self, city: City, scenario: Scenario, *, make: Planner | None = None, name: str = "") -> PlanJob:
        """The job of this wish: the one that already runs, else a new one.

        Parameters
        ----------
        make: makes the plan in place of the desk's planner; such work has a `name` of its own.

        Raises
        ------
        InputError: the city has no folder to keep a plan in.
        """
        if city.folder is None:
            raise InputError.one("city.folder", "This city has no folder to keep a plan in", "Save the city first", city.name)
        key = (city.name, name or scenario.id)
        with self._lock:
            self._sweep()
            known = self._jobs.get(key)
            if known is not None and known.job.running and known.digest == city.digest:
                return known
            self._ended.pop(key, None)
            made = PlanJob(city.name, city.digest, scenario, Job(lambda progress: self._work(make or self._planner, city, scenario, progress)), name)
            self._jobs[key] = made
            return made

    def find(self, city: str, job_id: str) -> PlanJob | None:
        """The job of that id, where this server still knows it."""
        with self._lock:
            return self._jobs.get((city, job_id))

    def running(self, city: str) -> list[PlanJob]:
        """The city's jobs that still run, oldest first."""
        with self._lock:
            return sorted((job for job in self._jobs.values() if job.city == city and job.job.running), key=lambda job: job.job.started)

    def forget(self, job: PlanJob) -> None:
        """Drop an ended job, once its outcome was told."""
        with self._lock:
            if not job.job.running and self._jobs.get((job.city, job.id)) is job:
                del self._jobs[(job.city, job.id)]

    def _work(self, make: Planner, city: City, scenario: Scenario, progress: Progress) -> str:
        progress.step("waiting", 0.0)
        while not self.turns.acquire(timeout=0.2):
            progress.step("waiting", 0.0)
        try:
            made = make(city, scenario, progress=progress)
            progress.step("saving", 1.0)
            return self._keep(city, made)
        finally:
            self.turns.release()

    def _sweep(self) -> None:
        now = time.monotonic()
        for key, job in list(self._jobs.items()):
            if not job.job.running and now - self._ended.setdefault(key, now) > _KEEP_ENDED_S:
                del self._jobs[key], self._ended[key]


def outcome(job: PlanJob) -> ChaukasError | None:
    """What an ended job failed with, as one of our errors; None where it went well."""
    if job.job.error is not None:
        return job.job.error
    if job.job.crash is not None:
        way_out = "Try again; if it stops again, report it with this text"
        return ChaukasError.one("plan.crash", "Planning stopped at an error of ours", way_out, f"{type(job.job.crash).__name__}: {job.job.crash}")
    return None


def phases_of_job(kind: str, job: PlanJob) -> tuple[Phase, ...]:
    """What each part of this work is expected to take: as it took when the city's newest plan was made, where there is one.

    Parameters
    ----------
    kind: plans, ladders, floors or reviews; how long a review takes is not foretold.
    """
    if kind == "reviews":
        return ()
    measured: dict[str, float] = {}
    # A city or plan that cannot be read any more is told elsewhere.
    with contextlib.suppress(ChaukasError):
        city = library.city(job.city)
        measured = next((dict(library.plan(city, file.id).stages_s) for file in library.plan_files(city)), {})
    if kind == "floors":
        return phases_of((len(FLOORS) + 1) * FLOOR_S, measured, search="floors", proof=False)
    return phases_of(job.scenario.time_limit_s, measured, proof=kind == "plans")


def survey_of(city: City, scenario: Scenario, *, progress: Progress = Progress()) -> Survey:  # noqa: B008
    """The last survey where it serves, else one that is made now; other budgets and rules then begin at once."""
    # The optimizer's libraries take seconds to import: not before the first plan is asked for.
    from optimizer.survey import make_survey, survey_key, with_kept

    bare = dataclasses.replace(scenario, keep=())
    survey = _surveys.get(survey_key(city, bare), lambda: make_survey(city, bare, progress=progress))
    return survey if survey.serves(city, scenario) else with_kept(survey, city, scenario)


def _plan(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
    from optimizer.joined import plan_with_grid
    from optimizer.plan import make_plan

    if scenario.grid:
        return plan_with_grid(city, scenario, survey=survey_of(city, scenario, progress=progress), progress=progress).plan
    return make_plan(city, scenario, survey=survey_of(city, scenario, progress=progress), progress=progress)


def _keep_plan(city: City, plan: Plan) -> str:
    if city.folder is None:
        raise InputError.one("city.folder", "This city has no folder to keep a plan in", "Save the city first", city.name)
    write_plan(plan, city, city.folder / "plans" / f"{plan.id}.gpkg")
    return plan.id


def _ladder(city: City, scenario: Scenario, *, progress: Progress) -> Ladder:
    """The ladder up to the scenario's budget, in even steps."""
    from optimizer.desk import open_desk
    from optimizer.ladder import make_ladder

    survey = survey_of(city, scenario, progress=progress)
    budgets = sorted({scenario.budget_inr * k // RUNGS for k in range(1, RUNGS + 1)} - {0})
    return make_ladder(open_desk(city, scenario, survey=survey), budgets, time_limit_s=scenario.time_limit_s, progress=progress.part(0.42, 1.0))


def keep_ladder(city: City, ladder: Ladder) -> str:
    """Write a ladder to its city's folder; its id."""
    write_ladder(ladder, city)
    return ladder.id


def floor_path(plan: Path) -> Path:
    """Where what floors cost is kept, beside its plan's file."""
    return plan.with_suffix(".floors.json")


def _floors(city: City, scenario: Scenario, *, progress: Progress) -> tuple[Path, tuple[FloorStep, ...]]:
    """What floors cost at the coverage of the newest plan of this wish, and the file of that plan."""
    from optimizer.desk import floor_steps, open_plan

    for file in library.plan_files(city):
        plan = library.plan(city, file.id)
        if plan.scenario == scenario and plan.city_digest == city.digest:
            opened = open_plan(city, plan, survey=survey_of(city, scenario, progress=progress))
            return file.path, floor_steps(opened, FLOORS, time_limit_s=FLOOR_S, progress=progress.part(0.42, 1.0))
    raise InputError.one("plan.unknown", "This city has no such plan", "Choose one of the list", scenario.id)


def _keep_floors(_: City, made: tuple[Path, tuple[FloorStep, ...]]) -> str:
    path, steps = made
    with atomic_path(floor_path(path)) as scratch:
        scratch.write_text(json.dumps({"version": 1, "steps": [dataclasses.asdict(step) for step in steps]}), encoding="utf-8")
    return path.stem


def start_review(city: City, plan: Plan, part: str) -> PlanJob:
    """The job that works out a part of a plan's review, which is then kept beside the plan's file; the one that already runs, else a new one."""

    def make(city: City, _: Scenario, *, progress: Progress) -> Review:
        from optimizer.review import make_review

        return make_review(part, plan, city, progress=progress)

    return reviews.start(city, plan.scenario, make=make, name=review_job(plan, part))


def review_job(plan: Plan, part: str) -> str:
    """The id of that job."""
    return f"{part}-{plan.id}"


def _keep_review(city: City, made: Review) -> str:
    write_review(made, library.plan_path(city, made.plan).path)
    return made.plan


desk = Desk()
ladders = Desk(_ladder, desk.turns, keep_ladder)
floors = Desk(_floors, desk.turns, _keep_floors)
reviews = Desk(None, desk.turns, _keep_review)
_surveys: Shelf[Survey] = Shelf(1)  # a large city's takes a gigabyte
