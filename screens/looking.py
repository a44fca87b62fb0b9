"""Who could have seen a place: the answer of `coverage.who_saw` printed in a terminal."""

from __future__ import annotations

import argparse

from coverage.standing import planned, stand
from coverage.who_saw import Answer, read_place, tables, who_saw
from optimizer.desk import same_city
from planning.catalogue import load_levels, load_models
from planning.city import MADE_NOTE, City
from planning.errors import Fault, InputError
from planning.export import read_plan
from screens.terminal import attempt, open_city

LEVEL = "observation"  # at which cameras that stand are taken to be aimed


def witness(options: argparse.Namespace) -> int:
    """Print which cameras see the place, which miss it and why, and which see the ways out after."""
    faults: list[Fault] = []
    lat, lon = attempt(faults, read_place, options.at, (0.0, 0.0))
    city = open_city(options.city)
    models, levels = load_models(), load_levels()
    cameras = stand(city["cameras"], city["buildings"], models, levels[LEVEL].px_per_m)
    more = None
    if options.plan:
        plan = read_plan(options.plan)
        same_city(plan, city)
        more = planned(plan.cameras, models, levels[plan.scenario.level].px_per_m, by_night=plan.scenario.by_night)
    if faults:
        # The place is off: what else is, is told with it.
        try:
            who_saw(city, cameras, 0.0, 0.0, options.when, planned=more, minutes=options.minutes)
        except InputError as error:
            faults += [fault for fault in error.faults if fault.code not in {"witness.place", "witness.area"}]
        raise InputError(faults)
    _print(who_saw(city, cameras, lat, lon, options.when, planned=more, minutes=options.minutes), city, options.most)
    return 0


def _print(answer: Answer, city: City, most: int) -> None:
    sun = "night" if answer.sun.night else "day"
    print(f"{city.title}{'  (' + MADE_NOTE + ')' if city.made else ''}: {answer.lat:.6f}, {answer.lon:.6f} at {answer.when:%Y-%m-%d %H:%M}, {sun}")
    for table, said in zip(tables(answer), ("see it", "miss it", "see the ways out", "ways out that no camera sees"), strict=True):
        rows = table.rows[:most]
        print(f"\n{said}: {len(table.rows)}{f', the first {most}' if len(table.rows) > most else ''}")
        if not rows:
            continue
        widths = [max(len(cell) for cell in column) for column in zip(table.columns, *rows, strict=True)]
        for row in (table.columns, *rows):
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()
    for note in answer.notes:
        print(f"  note: {note}")
