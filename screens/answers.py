"""Questions of a committee, asked from a terminal: what each budget buys, what comes first, why a camera, what next, what to mend."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from optimizer import desk as ask
from optimizer.binding import Binding
from optimizer.desk import Desk
from optimizer.repair import Next
from planning.city import MADE_NOTE
from planning.errors import Fault, InputError, ScenarioError
from planning.files import atomic_path
from planning.money import parse_rupees, say_rupees, say_short
from screens.terminal import attempt, open_city, plan_and_city, read_share, read_wish, teller


def frontier(options: argparse.Namespace) -> int:
    """Print what each of many budgets buys, with its bound."""
    faults = _table_faults(options.out)
    if not 1 <= options.steps <= 200:
        faults.append(Fault("frontier.steps", "The number of budgets lies between 1 and 200", "Use 20", str(options.steps)))
    desk = _before_plan(options, faults)
    most = desk.scenario.budget_inr
    budgets = sorted({most * k // options.steps for k in range(1, options.steps + 1)} - {0})
    points = ask.curve(desk, budgets, time_limit_s=options.time, progress=teller().part(0.4, 1.0))
    rows = [
        (point.budget_inr, point.cost_inr, point.yearly_inr, len(point.cameras), point.covered, point.bound, point.gap, point.worst_ward, point.worst)
        for point in points
    ]
    _write(options.out, ("budget_inr", "cost_inr", "yearly_inr", "cameras", "covered", "bound", "gap", "worst_ward", "worst"), rows)
    print(f"{_told(desk)}\n{'budget':>16}{'cameras':>9}{'covered':>10}{'at most':>10}{'gap':>8}  worst ward")
    for point in points:
        shares = f"{100 * point.covered:>8.2f} %{100 * point.bound:>8.2f} %{100 * point.gap:>6.2f} %"
        print(f"{say_short(point.budget_inr):>16}{len(point.cameras):>9}{shares}  {_worst(point)}")
    return 0


def phases(options: argparse.Namespace) -> int:
    """Print what each phase buys and what it costs that phases keep one another."""
    faults = _table_faults(options.out)
    amounts = [attempt(faults, parse_rupees, text, 0) for text in options.phase]
    whole = attempt([], parse_rupees, options.budget, 0)
    if whole and max(amounts) >= whole:
        what = "An earlier phase costs less than all phases together"
        faults.append(Fault("phases.budgets", what, "Name the whole with --budget", say_rupees(max(amounts))))
    desk = _before_plan(options, faults)
    budgets = sorted({*amounts, desk.scenario.budget_inr})
    floors = "every" if options.every_floor else "last"
    each_s = options.time / (3 * len(budgets) - 2)
    found = ask.phased(desk, budgets, floors=floors, time_limit_s=each_s, progress=teller().part(0.4, 1.0))
    rows = [(number, camera, phase.now.budget_inr) for number, phase in enumerate(found, 1) for camera in phase.added]
    _write(options.out, ("phase", "camera", "budget_inr"), rows)
    print(_told(desk))
    for number, phase in enumerate(found, 1):
        now = phase.now
        bought = f"{len(now.cameras)} cameras, {len(phase.added)} of them new"
        print(f"phase {number}        {say_short(now.budget_inr)}: {bought}, {say_rupees(now.cost_inr)}")
        print(f"  coverage     {100 * now.covered:.2f} %, no plan of this budget can exceed {100 * now.bound:.2f} %; worst ward {_worst(now)}")
        print(f"  nesting      costs {100 * phase.nesting:.2f} % of all weight here, at most {100 * phase.nesting_most:.2f} %")
    return 0


def why(options: argparse.Namespace) -> int:
    """Print each named camera's worth, or the rules that bind, or what floors cost."""
    desk = _of_plan(options)
    desk.rows(options.camera)  # all that are unknown, before any is told of
    for camera in options.camera:
        _print_why(desk, camera)
    if options.floors:
        for price in ask.floor_prices(desk, progress=teller()):
            most, least, found = (100 * weight / desk.whole for weight in (price.most, price.least, price.difference))
            print(f"floor of {price.name}: costs the rest {found:.2f} % of all weight, from {least:.2f} % to {most:.2f} %")
    if not options.camera and not options.floors:
        _print_rules(desk, ask.rules(desk))
    return 0


def floors(options: argparse.Namespace) -> int:
    """Print what a floor for every ward costs while the plan's coverage is kept."""
    faults: list[Fault] = []
    asked = [attempt(faults, read_share, text, 0.0) for text in options.floor or ("5%", "10%", "15%", "20%")]
    if not 0 < options.time <= 86_400:
        faults.append(Fault("scenario.time", "The time limit lies between 0 and 86400 s", "Use 20", str(options.time)))
    if faults:
        raise ScenarioError(faults)
    desk = _of_plan(options)
    steps = ask.floor_steps(desk, asked, time_limit_s=options.time, progress=teller())
    covered = 100 * float(desk.problem.weight[desk.problem.seen(desk.chosen)].sum()) / desk.whole
    print(f"{_made(desk)}\nthe cheapest plan found that covers {covered:.2f} % of all weight, with every ward covered at least so far:")
    print(f"{'floor':>8}{'costs':>18}{'none costs less than':>24}  a percent of floor since the step before")
    for step in steps:
        cost = say_rupees(step.cost_inr) if step.cost_inr is not None else "-"
        told = step.why_not
        if step.price_inr is not None and step.price_least_inr is not None and step.price_most_inr is not None:
            told = f"{say_rupees(round(step.price_inr))}, from {say_rupees(round(step.price_least_inr))} to {say_rupees(round(step.price_most_inr))}"
        print(f"{100 * step.floor:>6g} %{cost:>18}{say_rupees(step.least_inr):>24}  {told}")
    return 0


def next_cameras(options: argparse.Namespace) -> int:
    """Print the best next cameras, and with a budget the best plan for it."""
    faults: list[Fault] = []
    budget = attempt(faults, parse_rupees, options.budget, 0) if options.budget is not None else None
    if options.most < 1:
        faults.append(Fault("next.most", "The number of cameras to tell of is 1 or more", "Use 5", str(options.most)))
    if faults:
        raise ScenarioError(faults)
    desk = _of_plan(options)
    found = ask.next_cameras(desk, budget_inr=budget, n=options.most, progress=teller())
    _print_steps(desk, found.singles)
    if found.plan is not None:
        new = sorted(set(found.plan.chosen.tolist()) - set(desk.chosen.tolist()))
        now, then, most = (100 * weight / desk.whole for weight in (desk.problem.value(desk.chosen), found.plan.objective, found.plan.bound))
        print(f"best {len(new)} for {say_short(budget or 0)}: {now:.2f} % -> {then:.2f} %, no choice can exceed {most:.2f} %")
        for camera in desk.ids(new):
            print(f"  {camera}")
    return 0


def repair(options: argparse.Namespace) -> int:
    """Print which dead cameras to bring back, in order."""
    faults: list[Fault] = []
    usual = attempt(faults, parse_rupees, options.cost, 0)
    budget = attempt(faults, parse_rupees, options.budget, 0)
    named = [text.partition("=") for text in options.dead]
    costs = [attempt(faults, parse_rupees, cost, 0) if sign else usual for _, sign, cost in named]
    if faults:
        raise ScenarioError(faults)
    desk = _of_plan(options)
    found = ask.repairs(desk, [camera for camera, _, _ in named], costs, budget_inr=budget, replace=options.replace, progress=teller())
    now, after, whole, most = (100 * weight / desk.whole for weight in (found.now, found.after, found.whole, found.bound))
    print(f"now {now:.2f} % with {len(named)} of {len(desk.chosen)} cameras dead, {whole:.2f} % with all working")
    print(f"for {say_rupees(found.spent)} of {say_rupees(budget)}: {after:.2f} %, no use of the money can exceed {most:.2f} %; in this order:")
    _print_steps(desk, found.steps)
    if found.below:
        print(f"still below their floor: {', '.join(desk.problem.limits.ward_name(ward) for ward in found.below)}")
    return 0


def _before_plan(options: argparse.Namespace, faults: list[Fault]) -> Desk:
    """The desk of the scenario asked for; what is wrong with it is told with the faults so far."""
    scenario = read_wish(options, faults)
    city = open_city(options.city[0])
    return ask.open_desk(city, dataclasses.replace(scenario, city=city.name), progress=teller())


def _of_plan(options: argparse.Namespace) -> Desk:
    plan, city = plan_and_city(options)
    return ask.open_plan(city, plan, progress=teller())


def _told(desk: Desk) -> str:
    """As `_made`; and of what the shares are, where more than coverage was asked for."""
    more = "\nshares        of what was asked for: coverage with second views, homes in view and routes out weighed in"
    return f"{_made(desk)}{more if desk.scenario.weighs_more else ''}"


def _made(desk: Desk) -> str:
    return f"{desk.city.title}{'  (' + MADE_NOTE + ')' if desk.city.made else ''}"


def _worst(bought: ask.Bought) -> str:
    return f"{bought.worst_ward}: {100 * bought.worst:.2f} %" if bought.worst_ward else "-"


def _table_faults(out: str | None) -> list[Fault]:
    if out is None or Path(out).suffix.lower() == ".csv":
        return []
    return [Fault("table.kind", "The table is written as .csv", "Name a file ending in .csv", out)]


def _write(out: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The rows as .csv with a byte-order mark, so that spreadsheets show Hindi; whole or not at all."""
    if out is None:
        return
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    # A spreadsheet would run a cell that begins like a formula.
    table.writerows(["'" + cell if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in row] for row in rows)
    try:
        with atomic_path(Path(out)) as scratch:
            scratch.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", out) from None


def _print_steps(desk: Desk, steps: Sequence[Next]) -> None:
    for step, camera in zip(steps, desk.ids([step.pose for step in steps]), strict=True):
        print(f"  {camera}: +{100 * step.gain / desk.whole:.3f} % for {say_rupees(step.capital)}, {say_rupees(step.yearly)} a year")


def _print_why(desk: Desk, camera: str) -> None:
    found = ask.reasons(desk, camera)
    print(camera)
    saved = f"{say_rupees(found.capital)} and {say_rupees(found.yearly)} a year saved"
    print(f"  lost without it    {100 * found.lost / desk.whole:.3f} % of all weight; {saved}")
    print(f"  sees alone         {found.alone_points} points, {100 * found.alone / desk.whole:.3f} %")
    print(f"  shares with others {found.shared_points} points, {100 * found.shared / desk.whole:.3f} %")
    if found.last:
        print("  the only camera at its site")
    if found.kept:
        print("  kept by the scenario")
    for ward in found.fallen:
        print(f"  without it {ward.name} falls below its floor")
    other = found.alternative
    if other is not None:
        difference = f"{100 * other.difference / desk.whole:+.3f} %"
        print(f"  best other instead {desk.ids([other.pose])[0]}: {difference}, plan then {say_rupees(other.capital)}")


def _print_rules(desk: Desk, found: Binding) -> None:
    def gain(weight: float) -> str:
        return f"{100 * weight / desk.whole:.3f} %"

    for budget in found.budgets:
        left, needed = say_rupees(budget.left), say_rupees(budget.needed)
        print(f"{budget.kind} budget binds: {left} left, the next camera needs {needed} and would add {gain(budget.gain)}")
    for room in found.rooms:
        more = f"one more would add {gain(room.gain)} for {say_rupees(room.capital)}"
        print(f"site {desk.survey.sites.index[room.site]} is full with {room.cameras}: {more}")
    for ban in found.forbidden:
        print(f"forbidden {desk.ids([ban.pose])[0]} would add {gain(ban.gain)}; best exchange {gain(ban.exchange)}")
    for kept in found.kept:
        print(f"kept {desk.ids([kept.pose])[0]} adds {gain(kept.lost)}; its money elsewhere would win {gain(kept.gain)}")
    for floor in found.floors:
        slack = gain(floor.slack)
        print(f"floor of {floor.name} binds: {slack} above it; it cannot lose any of {len(floor.pillars)} cameras")
    if not any((found.budgets, found.rooms, found.forbidden, found.kept, found.floors)):
        print("no rule binds: every camera that would add something could be paid")
