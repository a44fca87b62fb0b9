"""What a floor for every ward costs, on the Fairness screen: worked out beside the page, kept beside the plan, told in rupees a percent."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from planning.city import City
from planning.errors import ChaukasError
from planning.nouns import Plan
from screens import jobs
from screens.jobs import FLOOR_S, FLOORS
from screens.library import PlanFile
from screens.session import tell
from screens.tables import show_table, text_right
from screens.waiting import show_progress
from screens.words import Words, plain

if TYPE_CHECKING:
    from optimizer.floors import FloorStep


def show_floors(city: City, plan: Plan, file: PlanFile, said: Words) -> None:
    """What floors cost at this plan's coverage, where it was worked out; else the button that works it out."""
    st.markdown(f"#### {said.say('floors.title')}")
    st.caption(said.say("floors.about", share=said.share(plan.proof.covered)))
    _watch(city, plan, said)
    steps = read_floors(jobs.floor_path(file.path))
    if steps is not None:
        _table(steps, said)
    if plan.city_digest != city.digest or jobs.floors.find(city.name, plan.scenario.id) is not None:
        return
    again = "floors.again" if steps is not None else "floors.run"
    if st.button(said.say(again, minutes=said.number((len(FLOORS) + 1) * FLOOR_S / 60)), key="floors-run", icon=":material/balance:"):
        try:
            jobs.floors.start(city, plan.scenario)
        except ChaukasError as error:
            tell(error, said)
            return
        st.rerun()


def _watch(city: City, plan: Plan, said: Words) -> None:
    job = jobs.floors.find(city.name, plan.scenario.id)
    if job is None:
        return
    if job.job.running:
        show_progress("floors", city.name, job.id, said)
        return
    error = jobs.outcome(job)
    if error is not None:
        tell(error, said)
    jobs.floors.forget(job)


def read_floors(path: Path) -> tuple[FloorStep, ...] | None:
    """The steps kept beside a plan; None where there are none, or none that can be read."""
    from optimizer.floors import FloorStep

    names = [field.name for field in dataclasses.fields(FloorStep)]
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["steps"]
        steps = tuple(FloorStep(**{name: row[name] for name in names}) for row in rows)
        sound = all(isinstance(step.floor, float) and isinstance(step.least_inr, int) and isinstance(step.why_not, str) for step in steps)
        numbers = [getattr(step, name) for step in steps for name in ("cost_inr", "price_inr", "price_least_inr", "price_most_inr")]
        return steps if sound and all(number is None or isinstance(number, (int, float)) for number in numbers) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def floor_lines(steps: Sequence[FloorStep], said: Words) -> list[str]:
    """What each percent of floor costs, in sentences: as found, and between what it is certain to lie."""
    lines = []
    for before, step in itertools.pairwise(steps):
        ends = {"low": said.share(before.floor, 0), "high": said.share(step.floor, 0)}
        if step.price_inr is None or step.price_least_inr is None or step.price_most_inr is None:
            lines.append(said.say("floors.none", **ends))
            continue
        prices = {name: said.short(round(value)) for name, value in
                  (("price", step.price_inr), ("least", step.price_least_inr), ("most", step.price_most_inr))}  # fmt: skip
        lines.append(said.say("floors.line", **ends, **prices))
    return lines


def _table(steps: Sequence[FloorStep], said: Words) -> None:
    frame = pd.DataFrame(
        {
            said.say("floors.floor"): [said.share(step.floor, 0) for step in steps],
            said.say("floors.cost"): [said.say("floors.no_plan") if step.cost_inr is None else said.money(step.cost_inr) for step in steps],
            said.say("floors.least"): [said.money(step.least_inr) for step in steps],
        }
    )
    left, right = st.columns([1, 1], gap="medium")
    with left:
        show_table(frame, {name: text_right() for name in frame.columns[1:]})
    right.markdown("\n".join(f"- {plain(line)}" for line in floor_lines(steps, said)))
