"""A plan being built, site by site: planned, ordered, installed, tested, live.

    planned -> ordered -> installed -> tested -> live        one step at a time
         <----------------------------------------           back any number of steps, with a note that says why

An order says for which phase of the work it is, and by when the site has to be live. A site's state is its last row's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from planning.access import Actor, require
from planning.errors import Fault, InputError
from planning.nouns import Plan
from planning.proposals import status_of
from planning.store import Reading, Row, Store, now
from planning.writing import clean, read_day, today

STATES = ("planned", "ordered", "installed", "tested", "live")
NOTE_MOST = 500
PHASES_MOST = 20
COLUMNS = ("site", "state", "date", "phase", "due", "note")


@dataclass(frozen=True)
class Standing:
    """Where a site stands: its state, since when (None while planned), the phase and day it was ordered for, and how many rows it has."""

    site: str
    state: str = "planned"
    since: date | None = None
    phase: int | None = None
    due: date | None = None
    steps: int = 0

    def overdue(self, day: date) -> bool:
        """Whether on this day it should have been live and is not."""
        return self.due is not None and self.state not in ("planned", "live") and day > self.due


@dataclass(frozen=True)
class Step:
    """One step at one site as it was written; `phase` and `due` are an order's."""

    site: str
    state: str
    day: date | None
    note: str = ""
    phase: int = 1
    due: date | None = None


@dataclass(frozen=True)
class Progress:
    """How far a ward or a phase is: its sites by state, and those overdue."""

    name: str
    sites: int
    by_state: Mapping[str, int]
    overdue: int


def works_of(tx: Reading, plan: str) -> list[Row]:
    """A plan's rows, each site's in the order of its steps."""
    return sorted(tx.rows("works", order="step", plan=plan), key=lambda row: (str(row["site"]), int(row["step"])))


def standings(sites: Iterable[str], rows: Iterable[Row]) -> dict[str, Standing]:
    """Where each site stands, by id in the order given; rows of sites that are not among them are passed over."""
    found = {site: Standing(site) for site in sites}
    for row in sorted(rows, key=lambda one: int(one["step"])):
        site = str(row["site"])
        if site in found:
            before, state = found[site], str(row["state"])
            ordered = state == "ordered" and row["due_on"]
            phase, due = (int(row["phase"]), read_day(row["due_on"])) if ordered else (before.phase, before.due)
            if state == "planned":
                phase, due = None, None
            found[site] = Standing(site, state, read_day(row["done_on"]), phase, due, int(row["step"]))
    return found


def advance(store: Store, actor: Actor, plan: str, sites: Collection[str], steps: Sequence[Step], *, names: Sequence[str] = ()) -> None:
    """Write what was done: every step, or none where any is at fault.

    Parameters
    ----------
    plan: id of a registered plan. sites: ids of the plan's sites. names: what to call each step where a fault is told.

    Raises
    ------
    Forbidden: without `work.write`.
    InputError: every fault of every step: `works.unapproved`, `works.site`, `works.state`, `works.skip`, `works.back` (going back asks for a note),
        `works.day` (no day, one to come, or one before the step before), `works.due`, `works.phase`, `works.note`.
    """
    require(actor, "work.write")
    faults: list[Fault] = []
    with store.write(actor.id, "work.write", plan, {"steps": len(steps)}) as tx:
        found = tx.get("plans", plan)
        if status_of(tx, found).key != "approved":
            faults.append(Fault("works.unapproved", "Only an approved plan is built", "Let the committee decide first", str(found["plan"])))
        if not steps:
            faults.append(Fault("works.site", "No site is chosen", "Choose at least one", ""))
        stand = standings(sites, works_of(tx, plan))
        for number, given in enumerate(steps):
            label, step = names[number] if names else given.site, replace(given, note=clean(given.note))
            wrong = _faults(step, stand.get(step.site), label)
            faults += wrong
            if not wrong:
                stand[step.site] = _write(tx, plan, stand[step.site], step, actor)
        if faults:
            raise InputError(faults)


def _faults(step: Step, stand: Standing | None, label: str) -> list[Fault]:
    """What is wrong with a step at a site that stands so."""
    if stand is None:
        return [Fault("works.site", "The plan has no such site", "Choose one of the plan's", label[:100])]
    if step.state not in STATES:
        return [Fault("works.state", f"A site is one of {', '.join(STATES)}", "Choose one of them", f"{label}: {step.state}"[:100])]
    found: list[Fault] = []
    now_at, to = STATES.index(stand.state), STATES.index(step.state)
    if to == now_at or to > now_at + 1:
        way_out = f"Write {STATES[min(now_at + 1, len(STATES) - 1)]} first" if to > now_at else "There is nothing to write"
        found.append(Fault("works.skip", f"The site is {stand.state}: no step is skipped or taken twice", way_out, f"{label}: {step.state}"))
    if to < now_at and not step.note:
        found.append(Fault("works.back", "Going back asks for a note", "Write why", f"{label}: {stand.state} -> {step.state}"))
    if step.day is None or step.day > today() or step.day < (stand.since or date(2000, 1, 1)):
        found.append(Fault("works.day", "The day is none, is to come, or lies before the step before", "Mend the day", f"{label}: {step.day}"))
    if step.state == "ordered" and (step.due is None or (step.day is not None and step.due < step.day)):
        found.append(
            Fault("works.due", "An order says by when the site is live, not before the order itself", "Give the day", f"{label}: {step.due}")
        )
    if not 1 <= step.phase <= PHASES_MOST:
        found.append(Fault("works.phase", f"A phase is 1 to {PHASES_MOST}", "Mend the phase", f"{label}: {step.phase}"))
    if len(step.note) > NOTE_MOST:
        found.append(Fault("works.note", f"A note has at most {NOTE_MOST} signs", "Write less", f"{label}: {len(step.note)}"))
    return found


def _write(tx: Any, plan: str, stand: Standing, step: Step, actor: Actor) -> Standing:
    ordered = step.state == "ordered"
    phase, due = (step.phase, step.due) if ordered else (stand.phase, stand.due)
    row = {
        "plan": plan, "site": step.site, "step": stand.steps + 1, "state": step.state, "phase": phase or 1, "note": step.note, "by": actor.id,
        "due_on": due.isoformat() if ordered and due else None, "done_on": step.day.isoformat() if step.day else "", "created_at": now(),
    }  # fmt: skip
    tx.add("works", row)
    back = step.state == "planned"
    return Standing(step.site, step.state, step.day, None if back else phase, None if back else due, stand.steps + 1)


def progress(stand: Iterable[Standing], group: Mapping[str, str], day: date | None = None) -> tuple[Progress, ...]:
    """How far each group of sites is, by name.

    Parameters
    ----------
    group: a site's group, such as its ward; a site in none is left out. day: overdue as of this day; today where None.
    """
    on, found = day or today(), dict[str, list[Standing]]()
    for one in stand:
        if one.site in group:
            found.setdefault(group[one.site], []).append(one)
    return tuple(
        Progress(name, len(mine), {state: sum(one.state == state for one in mine) for state in STATES}, sum(one.overdue(on) for one in mine))
        for name, mine in sorted(found.items())
    )


def wards_of(plan: Plan) -> dict[str, str]:
    """Each site's ward, that of its first camera."""
    found: dict[str, str] = {}
    for camera in plan.cameras:
        found.setdefault(camera.site, camera.ward)
    return found


def read_steps(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Step], list[str]]:
    """Steps of a table's rows with the columns `COLUMNS`, and how each is called; a phase left out is 1, one that is no number 0."""
    steps, names = [], []
    for number, row in enumerate(rows, 1):
        said = {name: str(row.get(name) or "").strip() for name in COLUMNS}
        phase = int(said["phase"]) if said["phase"].isdecimal() else 0 if said["phase"] else 1
        steps.append(Step(said["site"], said["state"].casefold(), read_day(said["date"]), said["note"], phase, read_day(said["due"])))
        names.append(f"row {number}")
    return steps, names
