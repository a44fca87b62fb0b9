"""The command that changes a plan by hand: scored, kept as a plan of its own, or planned again around the changes."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from planning.errors import InputError
from planning.files import local_file
from planning.money import say_rupees

if TYPE_CHECKING:
    from optimizer.handwork import Bench, Scored
    from planning.handmade import Handmade

_SHOW: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("floor", "share"), lambda value: f"{100 * value:.2f} %"), **dict.fromkeys(("room", "no_view"), lambda value: f"{value:g}"),
    **dict.fromkeys(("budget", "yearly"), lambda value: say_rupees(int(value))),
}  # fmt: skip
_LARGEST = 1_000_000  # bytes of a file of changes


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell the parser of the command `amend`."""
    parser = commands.add_parser("amend", help="change a plan by hand: score it, keep it, or plan again around the changes")
    parser.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
    parser.add_argument("--city", help="the city's name or folder, where it is not found by the plan's own name of it")
    parser.add_argument(
        "--change", action="append", default=[], metavar="WAS=NOW", help="a camera that was and is now, one left empty; may be given again"
    )
    parser.add_argument("--changes", metavar="FILE", help="a text file of such changes, one a line")
    parser.add_argument("--again", action="store_true", help="plan again around the changes, within the plan's own budget")
    parser.add_argument("--out", action="append", default=[], metavar="FILE", help="keep the plan there, verified; may be given again")
    parser.add_argument("--title", default="", help="what the kept plan is called")
    parser.set_defaults(run=amend)


def amend(options: argparse.Namespace) -> int:
    """Score the changes, print what they mean, and keep the plan where it is asked for."""
    from optimizer.handwork import keep_handmade, open_bench, paid, refuse_broken
    from optimizer.plan import make_plan
    from planning.export import target_faults, write_plan
    from planning.handmade import around, read_changes
    from screens.terminal import plan_and_city, print_plan, teller

    faults = target_faults(options.out)
    if faults:
        raise InputError(faults)
    rows = [*options.change, *(_rows(options.changes) if options.changes else ())]
    plan, city = plan_and_city(options)
    bench = open_bench(city, plan)
    made = _sited(bench, read_changes(rows, plan.id))
    ids = [camera.id for camera in plan.cameras]
    before, after = bench.score(ids), bench.score(made.applied(ids))
    _print(before, after)
    if not (options.out or options.again):
        return 0
    wish = dataclasses.replace(around(plan.scenario, ids, made), title=options.title or plan.scenario.title)
    refuse_broken(after, again=options.again)
    if options.again:
        kept = make_plan(city, wish, progress=teller())
    else:
        wish = paid(wish, after)
        kept = keep_handmade(city, wish, made.applied(ids), progress=teller())
    print_plan(kept, city)
    for target in options.out:
        write_plan(kept, city, Path(target))
    if options.out:
        print(f"written to {', '.join(options.out)}")
    return 0


def _rows(path: str) -> list[str]:
    try:
        return local_file(path, largest=_LARGEST).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError.one("hand.form", "The file of changes is no text in UTF-8", "Write one WAS=NOW a line", error) from None


def _sited(bench: Bench, made: Handmade) -> Handmade:
    """The changes with each place given as latitude and longitude turned into the site it is."""
    import pyproj

    from coverage.who_saw import read_place

    to_city = pyproj.Transformer.from_crs(4326, bench.city.crs, always_xy=True)

    def site(camera: str) -> str:
        place, slash, rest = camera.partition("/")
        if "," not in place:
            return camera
        lat, lon = read_place(place)
        return f"{bench.spot(*to_city.transform(lon, lat))}{slash}{rest}"

    edits = tuple(dataclasses.replace(edit, now=site(edit.now)) for edit in made.edits)
    return dataclasses.replace(made, edits=edits)


def _print(before: Scored, after: Scored) -> None:
    weight, whole = before.weight, max(float(before.weight.sum()), 1e-12)
    gained, lost = (100 * float(weight[rows].sum()) / whole for rows in (after.seen & ~before.seen, before.seen & ~after.seen))
    print(f"cameras        {len(before.cameras)} -> {len(after.cameras)}")
    print(f"coverage       {100 * before.card.after:.3f} % -> {100 * after.card.after:.3f} %: {gained:.3f} % newly seen, {lost:.3f} % no longer seen")
    print(f"capital        {say_rupees(before.cost_inr)} -> {say_rupees(after.cost_inr)}")
    print(f"yearly         {say_rupees(before.yearly_inr)} -> {say_rupees(after.yearly_inr)}")
    if after.card.worst is not None:
        print(f"worst ward     {after.card.worst.ward}: {100 * after.card.worst.after:.2f} %")
    for rule in after.broken:
        named, show = rule.name or rule.rule, _SHOW[rule.rule]
        print(f"breaks         {rule.rule.replace('_', '-')}, {named}: {show(rule.found)}, allowed {show(rule.allowed)}")
