"""Plans being made, kept by the server: a page may close and come back, and two people may plan at once.

At most two plans are made at a time, since each wants a core; others wait their turn and say so. The same wish for the same city is one job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planning.city import City
from planning.errors import ChaukasError, InputError
from planning.export import write_plan
from planning.nouns import Draft, Plan, Scenario
from planning.progress import Job, Progress, Step
from screens.library import Shelf

if TYPE_CHECKING:
    from optimizer.survey import Survey

AT_ONCE = 2
_KEEP_ENDED_S = 3_600.0

Planner = Callable[..., Plan]


@dataclass(frozen=True)
class PlanJob:
    """One plan being made: for which city and wish, and the work itself, whose result is the plan's id."""

    city: str
    digest: str
    scenario: Scenario
    job: Job[str]

    @property
    def id(self) -> str:
        """The scenario's id: stable, so it can stand in an address."""
        return self.scenario.id

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
    """All jobs of this server."""

    def __init__(self, planner: Planner | None = None, at_once: int = AT_ONCE) -> None:
        self._planner = planner
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(at_once)
        self._jobs: dict[tuple[str, str], PlanJob] = {}
        self._ended: dict[tuple[str, str], float] = {}

    def start(self, city: City, scenario: Scenario) -> PlanJob:
        """The job of this wish: the one that already runs, else a new one.

        Raises
        ------
        InputError: the city has no folder to keep a plan in.
        """
        if city.folder is None:
            raise InputError.one("city.folder", "This city has no folder to keep a plan in", "Save the city first", city.name)
        key = (city.name, scenario.id)
        with self._lock:
            self._sweep()
            known = self._jobs.get(key)
            if known is not None and known.job.running and known.digest == city.digest:
                return known
            self._ended.pop(key, None)
            made = PlanJob(city.name, city.digest, scenario, Job(lambda progress: self._work(city, scenario, progress)))
            self._jobs[key] = made
            return made

    def find(self, city: str, scenario_id: str) -> PlanJob | None:
        """The job of a city and scenario, where this server still knows it."""
        with self._lock:
            return self._jobs.get((city, scenario_id))

    def running(self, city: str) -> list[PlanJob]:
        """The city's jobs that still run, oldest first."""
        with self._lock:
            return sorted((job for job in self._jobs.values() if job.city == city and job.job.running), key=lambda job: job.job.started)

    def forget(self, job: PlanJob) -> None:
        """Drop an ended job, once its outcome was told."""
        with self._lock:
            if not job.job.running and self._jobs.get((job.city, job.id)) is job:
                del self._jobs[(job.city, job.id)]

    def _work(self, city: City, scenario: Scenario, progress: Progress) -> str:
        progress.step("waiting", 0.0)
        while not self._turns.acquire(timeout=0.2):
            progress.step("waiting", 0.0)
        try:
            plan = self._make()(city, scenario, progress=progress)
            progress.step("saving", 1.0)
            if city.folder is None:
                raise InputError.one("city.folder", "This city has no folder to keep a plan in", "Save the city first", city.name)
            write_plan(plan, city, city.folder / "plans" / f"{plan.id}.gpkg")
            return plan.id
        finally:
            self._turns.release()

    def _make(self) -> Planner:
        if self._planner is not None:
            return self._planner
        return _plan

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


def _plan(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
    """The plan, on the last survey where it serves: another budget then begins at once."""
    # The optimizer's libraries take seconds to import: not before the first plan is asked for.
    from optimizer.plan import make_plan
    from optimizer.survey import make_survey, survey_key

    survey = _surveys.get(survey_key(city, scenario), lambda: make_survey(city, scenario, progress=progress))
    return make_plan(city, scenario, survey=survey, progress=progress)


desk = Desk()
_surveys: Shelf[Survey] = Shelf(1)  # a large city's takes a gigabyte
