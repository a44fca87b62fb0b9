"""The Compare screen: two plans side by side, on maps that move together, in numbers and ward by ward."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from planning.catalogue import load_models
from planning.city import City
from planning.errors import InputError
from planning.nouns import Plan, PlannedCamera
from screens import library
from screens.mapdata import ward_names
from screens.maps import city_map, map_data
from screens.plan import label
from screens.plan_result import trust
from screens.session import pick, tell
from screens.tables import Columns, bar, camera_columns, camera_frame, percent, show_table, text_right
from screens.words import Words


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    ids = [file.id for file in library.plan_files(city)]
    if len(ids) < 2:
        st.info(said.say("compare.too_few"))
        return
    sides = st.columns(2, gap="small")
    for param in ("a", "b"):
        given = st.query_params.get(param, "")
        if given and given not in ids:
            tell(InputError.one("plan.unknown", "This city has no such plan", "Choose one of the list", given), said)
    # The newest stands right, the one before it left, until someone chooses.
    chosen = []
    for side, param, options in zip(sides, ("a", "b"), ([ids[1], ids[0], *ids[2:]], ids), strict=True):
        with side:
            chosen.append(pick(said.say(f"compare.{param}"), options, param, lambda plan_id: label(city, plan_id, said)))
    plans = [library.plan(city, plan_id) for plan_id in chosen]
    alone = [only_in(plans[0], plans[1]), only_in(plans[1], plans[0])]
    models = load_models()
    for side, param, plan_id, plan, own in zip(sides, ("a", "b"), chosen, plans, alone, strict=True):
        with side:
            only = {camera.id for camera in own}
            file = library.plan_path(city, plan_id)
            city_map(map_data(city, said, models, plan=file, group="compare", only=only, listed=False, height=520), key=f"map-{param}")
            trust(city, plan, said)
    _numbers(plans, alone, said)
    _wards(city, plans, said)
    for side, param, plan, own in zip(st.columns(2, gap="small"), ("a", "b"), plans, alone, strict=True):
        with side:
            st.markdown(f"#### {said.say('compare.only', plan=said.say(f'compare.{param}'))}")
            _alone(city, plan, own, said)


def only_in(plan: Plan, other: Plan) -> list[PlannedCamera]:
    """The cameras of `plan` that `other` does not place alike: same spot to 0.1 m, model, lens, height, bearing and tilt to 1 deg."""
    there = {_pose(camera) for camera in other.cameras}
    return [camera for camera in plan.cameras if _pose(camera) not in there]


def _pose(camera: PlannedCamera) -> tuple[object, ...]:
    return (
        round(camera.x_m, 1), round(camera.y_m, 1), camera.model, round(camera.hfov_deg, 1), round(camera.height_m, 1),
        round(camera.bearing_deg) % 360, round(camera.tilt_deg),
    )  # fmt: skip


def _numbers(plans: list[Plan], alone: list[list[PlannedCamera]], said: Words) -> None:
    def difference(value: float, show: Callable[[float], str]) -> str:
        text = show(abs(value))
        return "=" if text == show(0) else f"{'+' if value > 0 else '−'}{text}"

    count = said.number
    rows: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("number.budget", [plan.scenario.budget_inr for plan in plans], lambda value: said.short(int(value))),
        ("number.cost", [plan.cost_inr for plan in plans], lambda value: said.short(int(value))),
        ("number.yearly", [plan.yearly_inr for plan in plans], lambda value: said.short(int(value))),
        ("number.cameras", [len(plan.cameras) for plan in plans], count),
        ("number.sites_alone", [len(plan.sites) for plan in plans], count),
        ("compare.own", [len(own) for own in alone], count),
        ("number.before_alone", [plan.scorecard.before for plan in plans], said.share),
        ("number.after", [plan.scorecard.after for plan in plans], said.share),
        ("number.worst_after", [plan.scorecard.worst.after if plan.scorecard.worst else 0.0 for plan in plans], said.share),
        ("number.bound_alone", [plan.proof.bound for plan in plans], said.share),
        ("number.gap", [plan.proof.gap for plan in plans], lambda value: said.share(value, 2)),
    ]
    frame = pd.DataFrame(
        {
            said.say("compare.figure"): [said.say(key) for key, _, _ in rows],
            said.say("compare.a"): [show(values[0]) for _, values, show in rows],
            said.say("compare.b"): [show(values[1]) for _, values, show in rows],
            said.say("compare.difference"): [difference(values[1] - values[0], show) for _, values, show in rows],
        }
    )
    st.markdown(f"#### {said.say('compare.numbers')}")
    show_table(frame, {name: text_right() for name in frame.columns[1:]})
    if plans[0].scenario.recipe != plans[1].scenario.recipe or plans[0].scenario.level != plans[1].scenario.level:
        st.warning(said.say("compare.unlike"), icon=":material/balance:")


def _wards(city: City, plans: list[Plan], said: Words) -> None:
    names = ward_names(city)
    first, second = ({score.ward: score for score in plan.scorecard.wards} for plan in plans)
    wards = sorted(set(first) | set(second))
    if not wards:
        return
    after = [[100 * side[ward].after if ward in side else None for ward in wards] for side in (first, second)]
    frame = pd.DataFrame(
        {
            "ward": [names.get(ward, ward) for ward in wards],
            "a": after[0],
            "b": after[1],
            "difference": [None if one is None or two is None else two - one for one, two in zip(*after, strict=True)],
        }
    ).sort_values("difference", kind="stable")
    st.markdown(f"#### {said.say('compare.wards')}")
    columns: Columns = {
        "ward": said.say("ward.name"),
        "a": bar(said.say("compare.a")),
        "b": bar(said.say("compare.b")),
        "difference": percent(said.say("compare.difference"), "%+.1f %%"),
    }
    show_table(frame, columns, height=360)


def _alone(city: City, plan: Plan, own: list[PlannedCamera], said: Words) -> None:
    if not own:
        st.caption(said.say("compare.none_alone"))
        return
    frame = camera_frame(city, plan, said, {camera.id for camera in own})
    show_table(frame[["number", "model", "ward", "bearing", "cost", "gain", "id"]], camera_columns(said), height=320)
