"""From what people typed to a Scenario, with every fault found told at once; and from a Scenario back to what would be typed for it."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from planning.errors import Fault, ScenarioError
from planning.money import group_digits, parse_rupees
from planning.nouns import Scenario


@dataclass(frozen=True)
class Wish:
    """The fields of the Plan screen as they were filled in; money and heights as text, shares in percent, time in seconds."""

    budget: str
    yearly: str = ""
    models: Sequence[str] = ()
    level: str = "observation"
    recipe: str = "balanced"
    ward_floor_percent: int = 0
    heights: str = "6"
    cameras_per_site: int = 3
    time_limit_s: int = 45
    by_night: bool = False
    title: str = ""
    share_percent: int = 0
    keep: Sequence[str] = ()
    forbid: Sequence[str] = ()
    purposes: Sequence[str] = ()
    second_percent: int = 0
    privacy_permille: float = 0.0
    no_view: bool = False
    suggestions_percent: int = 0
    suggestions: Sequence[str] = ()  # places of those accepted, as `planning.suggestions.shown_places` gives them
    movement_percent: int = 0


BEYOND = ("spacing_m", "gap", "seed", "grid", "centre")  # what a scenario says and the form does not ask


def wish_of(scenario: Scenario, models: Sequence[str]) -> Wish:
    """The fields as they would be filled in for a scenario, shares to the whole percent.

    Parameters
    ----------
    models: those a scenario that names none may use.
    """
    return Wish(
        group_digits(scenario.budget_inr), "" if scenario.yearly_inr is None else group_digits(scenario.yearly_inr), scenario.models or tuple(models),
        scenario.level, scenario.recipe, round(100 * scenario.ward_floor), ", ".join(f"{height:g}" for height in scenario.mount_heights_m),
        scenario.cameras_per_site, max(1, round(scenario.time_limit_s)), scenario.by_night, scenario.title, round(100 * scenario.wanted_share),
        scenario.keep, scenario.forbid, scenario.purposes, round(100 * scenario.second_view), round(1000 * scenario.privacy, 3), scenario.no_view,
        scenario.suggestions_percent, scenario.suggestions, scenario.movement_percent,
    )  # fmt: skip


def read_wish(wish: Wish, city: str, *, like: Scenario | None = None) -> Scenario:
    """The scenario of a wish.

    Parameters
    ----------
    like: a scenario from which what the form does not ask is taken.

    Raises
    ------
    ScenarioError: with every fault of every field.
    """
    faults: list[Fault] = []
    budget = _rupees(wish.budget, "budget", faults)
    yearly = _rupees(wish.yearly, "yearly", faults) if wish.yearly.strip() else None
    heights = _heights(wish.heights, faults)
    if not wish.models:
        faults.append(Fault("wish.models", "No camera model is chosen", "Choose at least one"))
    try:
        scenario = Scenario(
            city=city, budget_inr=budget or 1, yearly_inr=yearly, models=tuple(sorted(wish.models)), level=wish.level, recipe=wish.recipe,
            mount_heights_m=heights or (6.0,), cameras_per_site=wish.cameras_per_site, ward_floor=wish.ward_floor_percent / 100,
            by_night=wish.by_night, time_limit_s=float(wish.time_limit_s), title=" ".join(wish.title.split())[:120],
            wanted_share=wish.share_percent / 100, keep=tuple(sorted(wish.keep)), forbid=tuple(sorted(wish.forbid)),
            purposes=tuple(sorted(wish.purposes)), second_view=wish.second_percent / 100, privacy=wish.privacy_permille / 1000,
            no_view=wish.no_view, suggestions_percent=wish.suggestions_percent,
            suggestions=tuple(sorted(wish.suggestions)) if wish.suggestions_percent else (), movement_percent=wish.movement_percent,
        )  # fmt: skip
    except ScenarioError as error:
        raise ScenarioError([*faults, *error.faults]) from None
    if faults:
        raise ScenarioError(faults)
    return scenario if like is None else dataclasses.replace(scenario, **{name: getattr(like, name) for name in BEYOND})


def _rupees(text: str, field: str, faults: list[Fault]) -> int | None:
    if not text.strip():
        faults.append(Fault(f"wish.{field}", "The budget is empty", "Write an amount such as 2 crore"))
        return None
    try:
        amount = parse_rupees(text)
    except ScenarioError as error:
        faults += error.faults
        return None
    if amount == 0:
        faults.append(Fault("wish.zero", "A budget of 0 buys no camera", "Write an amount such as 2 crore", text.strip()))
        return None
    return amount


def _heights(text: str, faults: list[Fault]) -> tuple[float, ...]:
    heights = set()
    for word in re.split(r"[;,\s]+", text.strip()):
        try:
            height = float(word)
        except ValueError:
            height = math.nan
        if not math.isfinite(height):
            what = "Mount heights must be metres, such as 6 or 6, 8"
            faults.append(Fault("wish.heights", what, "Write numbers with commas between them", text[:80]))
            return ()
        heights.add(height)
    return tuple(sorted(heights))
