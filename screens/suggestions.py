"""The Suggestions screen: people's pins on the map, a form for a new one, what a plan answers to each, and the planner's look at those that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from coverage.suggested import Lookout, PinAnswer, answer_pins, look_out
from coverage.who_saw import read_place
from planning.access import Actor, may
from planning.catalogue import load_models
from planning.city import City
from planning.errors import ChaukasError
from planning.nouns import Plan
from planning.paces import load_witness
from planning.proposals import published_plans
from planning.store import Row, Store, open_store
from planning.suggestions import BODY_MOST, all_suggestions, is_open, moderate, set_open, suggest
from screens import library, who
from screens.acting import act, fresh, told
from screens.library import Shelf
from screens.maps import city_map, map_data
from screens.plan import label
from screens.session import pick, tell
from screens.tables import show_table
from screens.turns import DRAWING
from screens.why import desk_of
from screens.words import Words, plain

if TYPE_CHECKING:
    from optimizer.suggested import Chance

_MARKS = {"already": "●", "included": "✓", "not": "✕", "waiting": "?", "hidden": "–", "shown": "!"}
_TABLE_MOST = 200  # suggestions told with answers on one page, the newest
_lookouts: Shelf[Lookout] = Shelf(4)
_answers: Shelf[tuple[PinAnswer, ...]] = Shelf(16)


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    store, actor = open_store(), who.actor()
    told(said)
    rows = all_suggestions(store, actor, library.address(city))
    wide, side = st.columns([2.6, 1], gap="medium")
    with wide:
        plan_id = _choose_plan(store, actor, city, said)
        shown = [row for row in rows if row["state"] != "hidden"][:_TABLE_MOST]
        plan = library.plan(city, plan_id) if plan_id else None
        answers = _answered(city, plan, plan_id, shown) if plan is not None else {}
        _map(city, plan_id, shown, answers, plan, said)
    with side:
        _form(store, actor, city, said)
        if may(actor, "suggestion.moderate"):
            _moderate(store, actor, rows, said)
        if may(actor, "committee.manage"):
            _opening(store, actor, city, said)
    _table(city, shown, answers, plan, said)


def _choose_plan(store: Store, actor: Actor, city: City, said: Words) -> str:
    """The plan whose answers are told: of those this visitor may see; empty where there is none."""
    files = [file.id for file in library.plan_files(city)]
    if not may(actor, "plan.read"):
        public = {str(row["plan"]) for row in published_plans(store, library.address(city))}
        files = [plan_id for plan_id in files if plan_id in public]
    if not files:
        st.caption(said.say("pin.no_plan"))
        return ""
    return pick(said.say("pin.plan"), files, "plan", lambda plan_id: label(city, plan_id, said))


def _answered(city: City, plan: Plan, plan_id: str, rows: list[Row]) -> dict[str, PinAnswer]:
    """What the plan answers to each suggestion, worked out once while plan, city and pins stay."""
    stamp = (city.digest, library.plan_path(city, plan_id).stamp)
    lookout = _lookouts.get(stamp, lambda: look_out(city, plan))
    places = tuple((float(row["lat"]), float(row["lon"])) for row in rows)
    found = _answers.get((stamp, places), lambda: answer_pins(lookout, places))
    return {str(row["id"]): answer for row, answer in zip(rows, found, strict=True)}


def _map(city: City, plan_id: str, rows: list[Row], answers: dict[str, PinAnswer], plan: Plan | None, said: Words) -> None:
    chosen = st.session_state.get("pin-place")
    items = []
    for number, row in enumerate(rows, 1):
        answer = answers.get(str(row["id"]))
        kind = answer.key if answer is not None else str(row["state"])
        items.append(
            {
                "id": row["id"],
                "lat": row["lat"],
                "lon": row["lon"],
                "text": row["body"],
                "kind": kind,
                "mark": _MARKS[kind],
                "label": said.say("pin.number", n=number),
                "answer": answer_words(answer, plan, said) if answer is not None and plan is not None else "",
            }
        )
    file = library.plan_path(city, plan_id) if plan_id else None
    notes = {"items": items, "placing": True, "chosen": {"lat": chosen[0], "lon": chosen[1]} if chosen else None, "here": said.say("pin.here")}
    told_by = city_map({**map_data(city, said, load_models(), plan=file, listed=False, height=560), "notes": notes}, key="map-pins")
    st.caption(said.say("pin.legend"))
    if told_by.place is not None and told_by.place != chosen:
        st.session_state["pin-place"] = told_by.place
        st.session_state[fresh("pin-where")] = f"{told_by.place[0]:.6f}, {told_by.place[1]:.6f}"
        st.rerun()


def _form(store: Store, actor: Actor, city: City, said: Words) -> None:
    st.markdown(f"#### {said.say('pin.make')}")
    st.caption(said.say("pin.how"))
    where = st.text_input(said.say("pin.where"), key=fresh("pin-where"), placeholder="22.0900, 82.1500")
    body = st.text_area(said.say("pin.body"), key=fresh("pin-body"), max_chars=BODY_MOST, placeholder=said.say("pin.example"))
    if st.button(said.say("pin.send"), type="primary", width="stretch", key="pin-send"):

        def send() -> None:
            lat, lon = read_place(where)
            suggest(store, actor, city, lat, lon, body, address=st.context.ip_address or "")
            st.session_state.pop("pin-place", None)

        act(send, said, "pin.thanks")


def _moderate(store: Store, actor: Actor, rows: list[Row], said: Words) -> None:
    waiting = [row for row in rows if row["state"] == "waiting"]
    st.markdown(f"#### {said.say('pin.waiting', n=said.number(len(waiting)))}")
    pool = {str(row["id"]): row for row in [*waiting, *(row for row in rows if row["state"] != "waiting")]}
    if not pool:
        return
    chosen = st.selectbox(
        said.say("pin.which"), list(pool), key=fresh("pin-which"),
        format_func=lambda key: f"{said.say('pin.state.' + str(pool[key]['state']))}: {' '.join(str(pool[key]['body']).split())[:60]}",
    )  # fmt: skip
    st.markdown(plain(pool[chosen]["body"]))
    reason = st.text_input(said.say("pin.reason"), value=str(pool[chosen]["reason"]), key=fresh(f"pin-reason-{chosen}"))
    left, right = st.columns(2)
    if left.button(said.say("pin.show"), key="pin-show", width="stretch", disabled=pool[chosen]["state"] == "shown"):
        act(lambda: moderate(store, actor, chosen, "shown", reason), said, "pin.shown")
    if right.button(said.say("pin.hide"), key="pin-hide", width="stretch"):
        act(lambda: moderate(store, actor, chosen, "hidden", reason), said, "pin.hidden")


def _opening(store: Store, actor: Actor, city: City, said: Words) -> None:
    """Whether people without an account may write, with the address of their page."""
    name = library.address(city)
    on = is_open(store, name)
    st.caption(said.say("pin.open_now", address=f"/suggest/{name}") if on else said.say("pin.closed_now"))
    if st.button(said.say("pin.close" if on else "pin.open"), key="pin-open", width="stretch"):
        act(lambda: set_open(store, actor, name, not on), said, "pin.closed" if on else "pin.opened")


def _table(city: City, rows: list[Row], answers: dict[str, PinAnswer], plan: Plan | None, said: Words) -> None:
    if not rows:
        st.info(said.say("pin.none"))
        return
    st.markdown(f"#### {said.say('pin.answers')}")
    chances = _chances(city, plan, rows, answers, said)
    lines = []
    for number, row in enumerate(rows, 1):
        answer = answers.get(str(row["id"]))
        words = answer_words(answer, plan, said) if answer is not None and plan is not None else ""
        chance = chances.get(str(row["id"]))
        lines.append(
            {
                "number": number,
                "state": said.say(f"pin.state.{row['state']}"),
                "body": row["body"],
                "answer": words + (f" {chance_words(chance, said)}" if chance is not None else ""),
            }
        )
    columns = {
        "number": st.column_config.NumberColumn(said.say("pin.column.number"), width=50),
        "state": st.column_config.TextColumn(said.say("pin.column.state"), width=110),
        "body": st.column_config.TextColumn(said.say("pin.column.body"), width="medium"),
        "answer": st.column_config.TextColumn(said.say("pin.column.answer"), width="large"),
    }
    show_table(pd.DataFrame(lines), dict(columns))


def _chances(city: City, plan: Plan | None, rows: list[Row], answers: dict[str, PinAnswer], said: Words) -> dict[str, Chance]:
    """For the places that are not in view, whether sites or rupees stood in the way: asked for by a button, since it surveys the city."""
    missing = [row for row in rows if str(row["id"]) in answers and answers[str(row["id"])].key == "not"]
    if plan is None or not missing or plan.city_digest != city.digest:
        return {}
    asked = st.session_state.get("pin-deep")
    if asked != plan.id and not st.button(said.say("pin.deeper", n=said.number(len(missing))), key="pin-deeper"):
        return {}
    st.session_state["pin-deep"] = plan.id
    from optimizer.suggested import chances

    try:
        with st.spinner(said.say("pin.working")), DRAWING.aside():
            found = chances(desk_of(city, plan), [(answers[str(row["id"])].x_m, answers[str(row["id"])].y_m) for row in missing])
    except ChaukasError as error:
        tell(error, said)
        return {}
    return {str(row["id"]): one for row, one in zip(missing, found, strict=True)}


def answer_words(answer: PinAnswer, plan: Plan, said: Words) -> str:
    """A plan's answer as one sentence: by which cameras, how finely and from how far; or the nearest camera and what is in its way."""
    numbers = {camera.id: number for number, camera in enumerate(plan.cameras, 1)}

    def camera(label_: str, planned: bool) -> str:
        return said.say("pin.planned", n=numbers.get(label_, label_)) if planned else said.say("pin.existing", id=label_)

    if answer.seen:
        by = ", ".join(
            said.say("pin.seen_by", camera=camera(one.camera, one.planned), px=said.number(one.px_per_m), m=said.number(one.distance_m))
            for one in answer.seen[:3]
        )
        return said.say("pin.answer.already" if answer.key == "already" else "pin.answer.included", cameras=by)
    parts = [said.say(f"pin.zone.{answer.zone}")] if answer.zone else []
    if answer.missed:
        near, titles = answer.missed[0], load_witness().reasons
        why = ", ".join(said.pick(*titles[key]) for key in near.reasons)
        parts.append(said.say("pin.nearest", camera=camera(near.camera, near.planned), m=said.number(near.distance_m), why=why))
    else:
        parts.append(said.say("pin.nobody"))
    return said.say("pin.answer.not", why=" ".join(parts))


def chance_words(chance: Chance, said: Words) -> str:
    """What stood in the way, as a sentence with its figures."""
    return said.say(
        f"pin.chance.{chance.key}", sites=said.number(chance.sites), cost=said.short(chance.cost_inr), left=said.short(chance.left_inr),
        px=said.number(chance.px_per_m), gain=said.share(chance.gain, 3), per=said.share(chance.per_lakh, 4),
        least=said.share(chance.least_per_lakh, 4),
    )  # fmt: skip
