"""The Compare screen: two to four plans on maps that move together, in numbers, by ward and by cost head, and what changes between two of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from coverage.difference import GAINED, LOST, Difference
from planning.catalogue import load_models
from planning.city import City
from planning.errors import InputError
from planning.nouns import Plan, PlannedCamera
from screens import library
from screens.library import PlanFile
from screens.mapdata import difference_of, only_in, ward_names
from screens.maps import city_map, map_data
from screens.plan import label
from screens.plan_result import duplicate, heads_of, trust
from screens.session import pick, tell
from screens.tables import Columns, bar, camera_columns, camera_frame, percent, show_table, text_right
from screens.words import Words, plain

_LETTERS = ("a", "b", "c", "d")
_NONE = "none"
_NAMED = 3  # wards a sentence names


@dataclass(frozen=True)
class Side:
    """One of the plans compared: the letter it goes by, its file, the plan, and its cameras that no other plan has."""

    letter: str
    file: PlanFile
    plan: Plan
    own: list[PlannedCamera]

    def name(self, said: Words) -> str:
        """Plan A, Plan B and so on."""
        return said.say(f"compare.{self.letter}")


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    ids = [file.id for file in library.plan_files(city)]
    if len(ids) < 2:
        st.info(said.say("compare.too_few"))
        return
    for param in _LETTERS:
        given = st.query_params.get(param, "")
        if given and given not in (*ids, _NONE):
            tell(InputError.one("plan.unknown", "This city has no such plan", "Choose one of the list", given), said)
    sides = _sides(city, _chosen(city, ids, said))
    _maps(city, sides, said)
    _numbers(sides, said)
    _difference(city, sides, said)
    _wards(city, sides, said)
    _costs(sides, said)
    for place, side in zip(st.columns(len(sides), gap="small"), sides, strict=True):
        with place:
            st.markdown(f"#### {said.say('compare.only', plan=side.name(said))}")
            _alone(city, side, said)


def _chosen(city: City, ids: list[str], said: Words) -> list[str]:
    """The plans picked: the newest stands second, the one before it first, until someone chooses; a third and fourth where they are wanted."""

    def line(plan_id: str) -> str:
        return said.say("compare.no_more") if plan_id == _NONE else label(city, plan_id, said)

    options = [[ids[1], ids[0], *ids[2:]], ids, [_NONE, *ids], [_NONE, *ids]]
    third = st.query_params.get("c", "") in ids
    shown = _LETTERS[: min(4 if third else 3, len(ids) + 1)]
    chosen = []
    for place, param, known in zip(st.columns(len(shown), gap="small"), shown, options, strict=False):
        with place:
            chosen.append(pick(said.say(f"compare.{param}"), known, param, line))
    return [plan_id for plan_id in chosen if plan_id != _NONE]


def _sides(city: City, chosen: list[str]) -> list[Side]:
    plans = [library.plan(city, plan_id) for plan_id in chosen]
    sides = []
    for k, (letter, plan) in enumerate(zip(_LETTERS, plans, strict=False)):
        alone = {camera.id: camera for camera in plan.cameras}
        for other in (*plans[:k], *plans[k + 1 :]):
            kept = {camera.id for camera in only_in(plan, other)}
            alone = {label: camera for label, camera in alone.items() if label in kept}
        sides.append(Side(letter, library.plan_path(city, chosen[k]), plan, list(alone.values())))
    return sides


def _maps(city: City, sides: list[Side], said: Words) -> None:
    models = load_models()
    across = 2 if len(sides) == 4 else len(sides)
    places = [place for _ in range(0, len(sides), across) for place in st.columns(across, gap="small")]
    for place, side in zip(places, sides, strict=False):
        with place:
            if len(sides) > 2:
                st.markdown(f"**{side.name(said)}**")
            only = {camera.id for camera in side.own}
            height = 520 if len(sides) < 4 else 400
            data = map_data(city, said, models, plan=side.file, group="compare", only=only, listed=False, height=height)
            city_map(data, key=f"map-{side.letter}")
            trust(city, side.plan, said)
            duplicate(side.plan, side.file.id, said, key=side.letter)


def _less(value: float, show: Callable[[float], str]) -> str:
    """A difference in words, with its sign; = where it would read as nothing."""
    text = show(abs(value))
    return "=" if text == show(0) else f"{'+' if value > 0 else '−'}{text}"


def _columns(sides: Sequence[Side], said: Words) -> list[tuple[int, bool, str]]:
    """The columns of a table of plans: which side, whether its difference against the first, and its heading."""
    found = [(0, False, sides[0].name(said))]
    for k, side in enumerate(sides[1:], 1):
        found += [(k, False, side.name(said)), (k, True, said.say("compare.less", plan=said.say(f"letter.{side.letter}")))]
    return found


def _table(rows: Sequence[tuple[str, Sequence[float], Callable[[float], str]]], heading: str, sides: Sequence[Side], said: Words) -> None:
    """Rows of a word, one value a plan, and how a value reads; each plan after the first also against the first."""
    frame = pd.DataFrame({heading: [word for word, _, _ in rows]})
    for k, against, title in _columns(sides, said):
        frame[title] = [_less(values[k] - values[0], show) if against else show(values[k]) for _, values, show in rows]
    show_table(frame, {name: text_right() for name in frame.columns[1:]})


def _numbers(sides: list[Side], said: Words) -> None:
    plans = [side.plan for side in sides]

    def money(value: float) -> str:
        return said.short(int(value))

    count = said.number
    rows: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("number.budget", [plan.scenario.budget_inr for plan in plans], money),
        ("number.cost", [plan.cost_inr for plan in plans], money),
        ("number.yearly", [plan.yearly_inr for plan in plans], money),
        ("number.cameras", [len(plan.cameras) for plan in plans], count),
        ("number.sites_alone", [len(plan.sites) for plan in plans], count),
        ("compare.own", [len(side.own) for side in sides], count),
        ("number.before_alone", [plan.scorecard.before for plan in plans], said.share),
        ("number.after", [plan.scorecard.after for plan in plans], said.share),
        ("number.worst_after", [plan.scorecard.worst.after if plan.scorecard.worst else 0.0 for plan in plans], said.share),
        ("number.bound_alone", [plan.proof.bound for plan in plans], said.share),
        ("number.gap", [plan.proof.gap for plan in plans], lambda value: said.share(value, 2)),
    ]
    read = [math.nan if plan.scorecard.routes_after is None else plan.scorecard.routes_after for plan in plans]
    if not all(map(math.isnan, read)):
        rows.insert(-2, ("number.routes_after", read, lambda value: "–" if math.isnan(value) else said.share(value)))
    st.markdown(f"#### {said.say('compare.numbers')}")
    _table([(said.say(key), values, show) for key, values, show in rows], said.say("compare.figure"), sides, said)
    if len({(plan.scenario.recipe, plan.scenario.level) for plan in plans}) > 1:
        st.warning(said.say("compare.unlike"), icon=":material/balance:")


def _difference(city: City, sides: list[Side], said: Words) -> None:
    """One map of what changes from one plan to another, and the same in words."""
    st.markdown(f"#### {said.say('difference.title')}")
    names = {side.letter: side for side in sides}
    letters = list(names)
    first, second = names[letters[0]], names[letters[1]]
    if len(sides) > 2:
        ends = []
        for place, param, known in zip(st.columns(2, gap="small"), ("from", "to"), (letters, [*letters[1:], letters[0]]), strict=True):
            with place:
                ends.append(names[pick(said.say(f"difference.{param}"), known, param, lambda letter: names[letter].name(said), horizontal=True)])
        first, second = ends
    found = difference_of((first.plan, first.file), (second.plan, second.file))
    st.markdown("\n".join(f"- {line}" for line in difference_lines(city, found, first.name(said), second.name(said), said)))
    data = map_data(city, said, load_models(), plan=second.file, against=first.file, listed=False, height=520)
    city_map(data, key="map-difference")


def difference_lines(city: City, found: Difference, first: str, second: str, said: Words) -> list[str]:
    """What changes, in sentences safe for Markdown: gained and lost weight with the wards it lies in most, and what could not be compared."""
    names = ward_names(city)
    lines = []
    for state, key in ((GAINED, "gained"), (LOST, "lost")):
        amounts = {ward.ward: ward.gained if state == GAINED else ward.lost for ward in found.wards()}
        most = sorted((label for label in amounts if amounts[label] > 0), key=lambda label: (-amounts[label], label))
        told = "; ".join(
            f"{names.get(label, label) or said.say('difference.no_ward')} {said.share(amounts[label] / found.whole, 2)}" for label in most[:_NAMED]
        )
        line = said.say(f"difference.line_{key}", first=first, second=second, share=said.share(found.share(state), 2))
        lines.append(plain(f"{line} {said.say('difference.most', wards=told)}" if told else line))
    if found.common < 0.995:
        lines.append(plain(said.say("difference.common", share=said.share(found.common))))
    return lines


def _wards(city: City, sides: list[Side], said: Words) -> None:
    names = ward_names(city)
    scores = [{score.ward: score for score in side.plan.scorecard.wards} for side in sides]
    wards = sorted(set().union(*scores))
    if not wards:
        return
    after = [[100 * side[ward].after if ward in side else None for ward in wards] for side in scores]
    frame = pd.DataFrame({"ward": [names.get(ward, ward) for ward in wards]})
    columns: Columns = {"ward": said.say("ward.name")}
    for k, against, title in _columns(sides, said):
        key = f"{'less' if against else 'after'}-{k}"
        frame[key] = [None if one is None or two is None else two - one for one, two in zip(after[0], after[k], strict=True)] if against else after[k]
        columns[key] = percent(title, "%+.1f %%") if against else bar(title)
    st.markdown(f"#### {said.say('compare.wards')}")
    show_table(frame.sort_values("less-1", kind="stable"), columns, height=360)


def _costs(sides: list[Side], said: Words) -> None:
    heads = [heads_of(side.plan) for side in sides]
    known = sorted(set().union(*heads), key=lambda head: -max(side.get(head, 0) for side in heads))

    def money(value: float) -> str:
        return said.money(int(value))

    rows: list[tuple[str, list[float], Callable[[float], str]]] = [
        (said.say("cost.cameras"), [sum(camera.cost_inr for camera in side.plan.cameras) for side in sides], money),
        *((said.name("head", head), [float(side.get(head, 0)) for side in heads], money) for head in known),
        (said.say("cost.all"), [side.plan.cost_inr for side in sides], money),
    ]
    st.markdown(f"#### {said.say('compare.costs')}")
    _table(rows, said.say("cost.head"), sides, said)


def _alone(city: City, side: Side, said: Words) -> None:
    if not side.own:
        st.caption(said.say("compare.none_alone"))
        return
    frame = camera_frame(city, side.plan, said, {camera.id for camera in side.own})
    show_table(frame[["number", "model", "ward", "bearing", "cost", "gain", "id"]], camera_columns(said), height=320)
