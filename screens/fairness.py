"""The Fairness screen: who is left out of a plan, ward by ward and resident by resident, with the wards shaded on the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from coverage.fairness import Fairness, fairness
from planning.catalogue import load_models
from planning.city import City
from planning.nouns import Plan
from screens import library
from screens.floors import show_floors
from screens.library import PlanFile, Shelf
from screens.maps import city_map, map_data
from screens.plan import choose_plan
from screens.plan_result import trust
from screens.session import pick
from screens.tables import Columns, bar, percent, show_table, text_right
from screens.words import Words, plain

# Five steps of ColorBrewer's YlGnBu, told apart by colour-blind eyes and in grey; the darker, the more.
COLOURS = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # widths a class of shades may have
_NAMED = 5  # wards the sentence names
_spreads: Shelf[tuple[Fairness, Fairness]] = Shelf(12)


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    file = choose_plan(city, said)
    if file is None:
        return
    plan = library.plan(city, file.id)
    trust(city, plan, said)
    before, after = spreads(city, plan, file)
    if not after.wards:
        st.info(said.say("plan.no_wards"))
        return
    _numbers(before, after, said)
    st.markdown("\n".join(f"- {plain(line)}" for line in left_out(after, said)))
    _map(city, file, before, after, said)
    _table(before, after, said)
    show_floors(city, plan, file, said)


def spreads(city: City, plan: Plan, file: PlanFile) -> tuple[Fairness, Fairness]:
    """How evenly the city is covered before a plan and with it, worked out once while city and file stay the same."""

    def make() -> tuple[Fairness, Fairness]:
        before, after = (fairness(plan.demand, city["wards"], plan.demand[name].to_numpy(dtype=bool)) for name in ("before", "after"))
        return before, after

    return _spreads.get((city.digest, file.id, file.stamp), make)


def _numbers(before: Fairness, after: Fairness, said: Words) -> None:
    least = after.least
    assert least is not None
    was = {ward.ward: ward.coverage for ward in before.wards}[least.ward]
    nobody = said.say("fair.unknown")
    residents = [nobody if math.isnan(spread.residents) else said.share(spread.residents) for spread in (before, after)]
    out = sum(ward.out_of_view for ward in after.wards if not math.isnan(ward.out_of_view))
    known = any(not math.isnan(ward.out_of_view) for ward in after.wards)
    figures = (
        ("number.worst", plain(least.name), said.say("number.worst_detail", before=said.share(was), after=said.share(least.coverage))),
        ("fair.residents", residents[1], said.say("number.before", share=residents[0])),
        ("fair.out", said.number(round(out, -2)) if known else nobody, said.say("fair.out_note")),
        ("fair.gini", said.number(after.gini, 3), said.say("fair.gini_note", before=said.number(before.gini, 3))),
    )
    for column, (key, value, note) in zip(st.columns([1.6, 1, 1, 1]), figures, strict=True):
        column.metric(said.say(key), value, note, delta_color="off", delta_arrow="off")
    st.caption(plain(said.say("fair.gini_help")))


def left_out(after: Fairness, said: Words) -> list[str]:
    """Who is left out, in sentences: the wards least covered, those with nothing in view, and what is not known."""
    ranked = sorted(after.wards, key=lambda ward: (ward.coverage, ward.ward))
    lines = [said.say("fair.least", wards="; ".join(f"{ward.name} {said.share(ward.coverage)}" for ward in ranked[:_NAMED]))]
    none = [ward.name for ward in ranked if ward.coverage == 0]
    if none:
        lines.append(said.say("fair.none", n=said.number(len(none)), wards="; ".join(none[:_NAMED]) + (" …" if len(none) > _NAMED else "")))
    if after.unknown:
        lines.append(said.say("fair.no_population", n=said.number(after.unknown)))
    return lines


def _map(city: City, file: PlanFile, before: Fairness, after: Fairness, said: Words) -> None:
    kind = pick(said.say("fair.shade"), ("after", "before", "gain"), "shade", lambda key: said.say(f"fair.shade_{key}"), horizontal=True)
    was, now = ({ward.ward: ward.coverage for ward in spread.wards} for spread in (before, after))
    values = {"after": now, "before": was, "gain": {ward: now[ward] - was[ward] for ward in now}}[kind]
    least = after.least
    labels = [str(ward) for ward in city["wards"].index]
    mark = (labels.index(least.ward), said.say("number.worst")) if least is not None else None
    shades = ward_shades([values.get(ward, math.nan) for ward in labels], said, mark=mark)
    data = map_data(city, said, load_models(), plan=file, listed=False, height=520, shades=shades)
    data["urls"] = {name: url for name, url in data["urls"].items() if name in ("roads", "wards", "buildings", "cameras", "planned")}
    city_map(data, key="map-fairness")


def ward_shades(values: Sequence[float], said: Words, *, mark: tuple[int, str] | None = None) -> dict[str, Any]:
    """What the map fills wards by: five even classes from 0 to the highest value, each ward's class, -1 where it has no value.

    Parameters
    ----------
    values: one share a ward, in the city's order; NaN where there is none.
    mark: the row of a ward to draw with a thick edge, and what the legend says of it.
    """
    shares = np.asarray(values, dtype=np.float64)
    most = float(np.nanmax(shares, initial=0.0))
    width = next((step for step in _STEPS if step * len(COLOURS) >= most), _STEPS[-1])
    found = np.where(np.isnan(shares), -1.0, np.clip(np.floor(np.nan_to_num(shares) / width + 1e-9), 0, len(COLOURS) - 1)).astype(int)
    words = [f"{said.number(100 * k * width)} – {said.share((k + 1) * width, 0)}" for k in range(len(COLOURS))]
    row, told = mark or (-1, "")
    return {"colours": list(COLOURS), "labels": words, "classes": found.tolist(), "marked": row, "mark": told}


def _table(before: Fairness, after: Fairness, said: Words) -> None:
    was = {ward.ward: ward for ward in before.wards}
    ranked = sorted(after.wards, key=lambda ward: (ward.coverage, ward.ward))

    def people(value: float) -> str:
        return said.say("fair.unknown") if math.isnan(value) else said.number(value)

    frame = pd.DataFrame(
        {
            "ward": [ward.name for ward in ranked],
            "residents": [people(ward.population) for ward in ranked],
            "before": [100 * was[ward.ward].coverage for ward in ranked],
            "after": [100 * ward.coverage for ward in ranked],
            "gain": [100 * (ward.coverage - was[ward.ward].coverage) for ward in ranked],
            "in_view": [100 * ward.in_view for ward in ranked],
            "out": [people(round(ward.out_of_view, -1)) for ward in ranked],
            "each": [1000 * ward.covered_per_resident for ward in ranked],
        }
    )
    columns: Columns = {
        "ward": said.say("ward.name"), "residents": text_right(said.say("fair.people")), "before": bar(said.say("ward.before")),
        "after": bar(said.say("ward.after")), "gain": percent(said.say("ward.gain"), "%+.1f %%"), "in_view": percent(said.say("fair.in_view")),
        "out": text_right(said.say("fair.out")),
        "each": st.column_config.NumberColumn(said.say("fair.each"), format="%.1f", help=said.say("fair.each_help")),
    }  # fmt: skip
    st.markdown(f"#### {said.say('fair.table')}")
    show_table(frame, columns, height=420)
