"""What the commands of a terminal share: which city is meant, how a wish is read, how far the work is, and how a plan is told."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from planning.city import MADE_NOTE, ROOT, City, find_city
from planning.errors import ChaukasError, CityError, Fault, Infeasible, ScenarioError
from planning.money import parse_rupees, say_rupees, say_short
from planning.nouns import Plan, Scenario
from planning.progress import Progress, Step
from planning.report import WEAK_GAP

T = TypeVar("T")
DEMO = "bilaspur"


def open_city(name: str) -> City:
    """The city of a name or folder; the demo city is made where it is asked for and not made yet."""
    try:
        return City.load(find_city(name))
    except CityError as error:
        if name != DEMO or error.code != "city.unknown":
            raise
    make_demo()
    return City.load(find_city(name))


def make_demo() -> int:
    """Make the demo city where it is not made yet; 0, the exit status."""
    folder = ROOT / "data" / "demo" / DEMO
    if (folder / "city.toml").is_file():
        print(f"The demo city stands in {folder}. {MADE_NOTE}.")
        return 0
    print("Making the demo city …", file=sys.stderr)
    script = ROOT / "data" / "demo" / f"make_{DEMO}.py"
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    city = maker.make_bilaspur(folder)
    print(f"{city.title}: {folder}. {MADE_NOTE}.")
    return 0


def teller() -> Progress:
    """Progress on standard error, a line where the stage or its note changes."""
    last = ""

    def tell(step: Step) -> None:
        nonlocal last
        said = f"{step.stage}{'  ' + step.note if step.note else ''}"
        if said != last:
            print(f"  {100 * step.share:3.0f} %  {said}", file=sys.stderr)
        last = said

    return Progress(tell)


def read_share(text: str) -> float:
    """A share written as 0.2 or 20%.

    Raises
    ------
    ScenarioError: `scenario.floor`.
    """
    try:
        return float(text.rstrip("% ")) / (100 if "%" in text else 1)
    except ValueError:
        raise ScenarioError.one("scenario.floor", "This is not a share", "Write 0.2 or 20%", text) from None


def read_percent(text: str, code: str) -> int:
    """A share in whole percent, written as 10 or 10%.

    Raises
    ------
    ScenarioError: of this code, `scenario.suggestions` or `scenario.movement`.
    """
    try:
        return int(text.rstrip("% "))
    except ValueError:
        raise ScenarioError.one(code, "This is no whole percentage", "Write 10 or 10%", text) from None


def _places(cities: Sequence[str]) -> tuple[str, ...]:
    """Where a city's accepted suggestions are.

    Raises
    ------
    ScenarioError: `scenario.suggestions` for more than one city. CityError: `city.unknown`.
    """
    from planning.store import open_store
    from planning.suggestions import shown_places

    if len(cities) > 1:
        what = "Suggestions are weighed in for one city at a time"
        raise ScenarioError.one("scenario.suggestions", what, "Plan each city apart", ", ".join(cities))
    return shown_places(open_store(), find_city(cities[0]).name)


def read_heights(text: str) -> tuple[float, ...]:
    """Heights with commas between [m].

    Raises
    ------
    ScenarioError: `scenario.height`.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ScenarioError.one("scenario.height", "These are not heights in metres", "Write, for example, 4.5,6,9", text) from None


def _place(text: str) -> tuple[float, ...]:
    """Latitude and longitude, or nothing where nothing is written."""
    from coverage.who_saw import read_place

    return read_place(text) if text else ()


def read_mapping(texts: Sequence[str]) -> dict[str, str]:
    """What `--map` says: meaning -> column.

    Raises
    ------
    ScenarioError: `mapping.form`, naming all that is none.
    """
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, (meaning, _, column) in zip(texts, pairs, strict=True) if not meaning or not column]
    if wrong:
        raise ScenarioError.one("mapping.form", "A mapping is MEANING=COLUMN", "Write, for example, --map lat=Y", ", ".join(wrong))
    return {meaning: column for meaning, _, column in pairs}


def attempt(faults: list[Fault], work: Callable[[str], T], text: str, instead: T) -> T:
    """What the text says; where it cannot be read, the faults are kept and `instead` is returned, so that all is told at once."""
    try:
        return work(text)
    except ChaukasError as error:
        faults.extend(error.faults)
        return instead


def read_wish(options: argparse.Namespace, found: Sequence[Fault] = ()) -> Scenario:
    """The scenario that was asked for; all that cannot be read or written is told together with the faults `found` before."""
    from planning.export import target_faults

    faults = [*found, *(target_faults(options.out, also=(".html",)) if isinstance(options.out, list) else ())]

    def read(work: Callable[[str], T], text: str, instead: T) -> T:
        return attempt(faults, work, text, instead)

    budget = read(parse_rupees, options.budget, 1)
    yearly = read(parse_rupees, options.yearly, 1) if options.yearly is not None else None
    floor = read(read_share, options.ward_floor, 0.0)
    share = read(read_share, getattr(options, "share", "0"), 0.0)
    nowhere: tuple[float, ...] = ()
    centre = read(_place, getattr(options, "centre", ""), nowhere)
    second, privacy = read(read_share, options.second_view, 0.0), read(read_share, options.privacy, 0.0)
    people, nowhere_yet = read(lambda text: read_percent(text, "scenario.suggestions"), options.suggestions, 0), tuple[str, ...]()
    movement = read(lambda text: read_percent(text, "scenario.movement"), options.movement, 0)
    places = read(lambda _: _places(options.city), "", nowhere_yet) if people else nowhere_yet
    standard: tuple[float, ...] = (6.0,)
    heights = read(read_heights, options.heights, standard)
    try:
        scenario = Scenario(
            city=options.city[0], budget_inr=budget, yearly_inr=yearly, models=tuple(key.strip() for key in options.models.split(",") if key.strip()),
            level=options.level, recipe=options.recipe, spacing_m=options.spacing, mount_heights_m=heights, cameras_per_site=options.per_site,
            ward_floor=floor, keep=tuple(options.keep), forbid=tuple(options.forbid), by_night=options.night, gap=options.gap,
            time_limit_s=options.time, title=getattr(options, "title", ""), wanted_share=share,
            purposes=tuple(options.purpose), second_view=second, privacy=privacy, no_view=options.no_view,
            grid=getattr(options, "grid", False), centre=centre, suggestions_percent=people, suggestions=places, movement_percent=movement,
        )  # fmt: skip
    except ScenarioError as error:
        raise ScenarioError([*faults, *error.faults]) from None
    if faults:
        raise ScenarioError(faults)
    return scenario


def print_plan(plan: Plan, city: City) -> None:
    """The plan in lines: cameras, money, coverage, certificate, notes."""
    card, proof = plan.scorecard, plan.proof
    print(f"{city.title}: plan {plan.id}{'  (' + MADE_NOTE + ')' if plan.made else ''}")
    print(f"cameras        {len(plan.cameras)} at {len(plan.sites)} sites")
    print(f"capital        {say_rupees(plan.cost_inr)} of {say_rupees(plan.scenario.budget_inr)} ({say_short(plan.cost_inr)})")
    print(
        f"yearly         {say_rupees(plan.yearly_inr)}"
        + (f" of {say_rupees(plan.scenario.yearly_inr)}" if plan.scenario.yearly_inr is not None else "")
    )
    print(f"coverage       {100 * card.before:.2f} % before, {100 * card.after:.2f} % after, of all weight, at level {plan.scenario.level}")
    if card.low is not None and card.high is not None:
        print(f"band           {100 * card.low:.1f} to {100 * card.high:.1f} % with maps and installation off as they usually are")
    if card.routes_before is not None and card.routes_after is not None:
        print(f"plates read    on {100 * card.routes_before:.2f} % of likely routes out before, on {100 * card.routes_after:.2f} % after")
    claim = f"can exceed {100 * proof.bound:.2f} %"
    if proof.second or proof.privacy or proof.movement:
        parts = f"coverage {100 * proof.covered:.2f} %"
        if proof.second or proof.privacy:
            parts += f" + second views {100 * proof.second:.2f} % - homes in view {100 * proof.privacy:.2f} %"
        if proof.movement:
            parts = f"{100 * (1 - proof.movement):g} % of ({parts}) + {100 * proof.movement:g} % of (routes read {100 * proof.routes:.2f} %)"
        print(f"worth          {100 * proof.worth:.2f} % = {parts}")
        claim = f"can be worth more than {100 * proof.bound:.2f} %"
    if proof.least_inr is not None:
        claim = f"that covers {100 * plan.scenario.wanted_share:g} % can cost less than {say_rupees(proof.least_inr)}"
    print(f"certificate    no plan under these rules and poses {claim} (gap {100 * proof.gap:.2f} %, {proof.status})")
    if proof.gap > WEAK_GAP:
        print("               this bound is still weak: a longer --time gives a better proof")
    if card.worst is not None:
        print(f"worst ward     {card.worst.ward}: {100 * card.worst.after:.2f} %")
    print(f"verified       {'yes, recomputed from raw geometry' if plan.verified else 'NO'}")
    for note in plan.assumptions:
        print(f"  note: {note}")


def plan_and_city(options: argparse.Namespace) -> tuple[Plan, City]:
    """The plan of `options.plan`, and its city or the one named."""
    from planning.export import plan_city, read_plan

    plan = read_plan(options.plan)
    return plan, open_city(options.city or plan_city(options.plan))


def print_changes(city: City, scenario: Scenario, error: Infeasible) -> None:
    """Which single change of a rule would let the others hold, where they cannot all; on standard error, as the refusal is."""
    from optimizer.change import least_change
    from optimizer.desk import open_desk

    print(f"chaukas: {error.faults[0].what}. Looking for the least change that would do …", file=sys.stderr)
    problem = open_desk(city, scenario).problem
    for change in least_change(problem, progress=teller()):
        what = f"{change.kind}{' of ' + problem.limits.ward_name(change.ward) if change.ward is not None else ''}"
        figures = f"{change.now:,.6g} -> {change.needed:,.6g}"
        sure = "the least change" if change.proven else f"nothing nearer than {change.bound:,.6g} would"
        print(f"  would do: {what} {figures} ({sure})", file=sys.stderr)
