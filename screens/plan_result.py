"""A plan as people read it: the numbers, the map, wards, cameras, costs, proof, downloads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from planning.access import may
from planning.catalogue import load_models
from planning.city import City
from planning.nouns import Plan
from planning.proposals import publish_file, published_ids, unpublish
from planning.report import weak_note, write_report
from planning.store import audit_head, open_store
from screens import library, who
from screens.acting import act
from screens.library import PlanFile, PlanLine
from screens.mapdata import ward_names
from screens.maps import Told, city_map, map_data
from screens.page import write_any
from screens.public import public_url
from screens.review_said import back_test_line, kept_reviews, without_dates
from screens.session import pick
from screens.tables import Columns, bar, camera_columns, camera_frame, percent, show_table, text_right
from screens.words import Words, plain

_KINDS = {
    "pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3", "dxf": "image/vnd.dxf", "html": "text/html",
    "kml": "application/vnd.google-earth.kml+xml", "geojson": "application/geo+json", "csv": "text/csv", "osm": "application/xml",
}  # fmt: skip


def plan_title(line: PlanLine, said: Words) -> str:
    """One line: the committee's own title or the budget, cameras, coverage, id."""
    name = line.title or said.short(line.budget_inr)
    return f"{name} · {said.say('plan.cameras_n', n=said.number(line.cameras))} · {said.share(line.after)} · {line.id}"


def show_plan(city: City, plan: Plan, file: PlanFile, said: Words, hand: str | None, on_sheet: Callable[[str], None]) -> Told:
    """Draw the plan, changed by hand as the sheet of that name has it, "" for none, None where it may not be; what its visitor tells the map, another
    sheet by `on_sheet`.
    """
    trust(city, plan, said)
    _numbers(city, plan, said)
    _back_test(city, plan, file, said)
    same = plan.city_digest == city.digest
    told = city_map(map_data(city, said, load_models(), plan=file, height=600, rules=same, hand=hand if same else None), "map-plan", on_sheet)
    # Only what is looked at is worked out and sent.
    tab = pick(said.say("plan.tab"), list(_TABS), "tab", lambda key: said.say(f"tab.{key}"), horizontal=True, hidden=True)
    _TABS[tab](city, plan, file, said)
    duplicate(plan, file.id, said, key="plan")
    return told


def trust(city: City, plan: Plan, said: Words) -> None:
    """Say what weighs against trusting the plan: unverified, made for other data, on invented data."""
    if not plan.verified:
        st.warning(said.say("plan.unverified"), icon=":material/gpp_maybe:")
    if plan.city_digest != city.digest:
        st.warning(said.say("plan.other_city"), icon=":material/history:")
    if plan.made and not city.made:
        st.warning(said.say("plan.made"), icon=":material/science:")


def _numbers(city: City, plan: Plan, said: Words) -> None:
    card, worst = plan.scorecard, plan.scorecard.worst
    columns = st.columns([0.9, 1.1, 1.1, 1, 1.9])
    at_sites = said.say("number.sites", n=said.number(len(plan.sites)))
    _metric(columns[0], said.say("number.cameras"), said.number(len(plan.cameras)), at_sites)
    of_budget = said.say("number.of_budget", budget=said.short(plan.scenario.budget_inr))
    _metric(columns[1], said.say("number.cost"), said.short(plan.cost_inr), of_budget)
    limit = plan.scenario.yearly_inr
    yearly = said.say("number.of_budget", budget=said.short(limit)) if limit is not None else said.say("number.no_limit")
    _metric(columns[2], said.say("number.yearly"), said.short(plan.yearly_inr), yearly)
    _metric(columns[3], said.say("number.after"), said.share(card.after), said.say("number.before", share=said.share(card.before)))
    if worst is not None:
        name = ward_names(city).get(worst.ward, worst.ward)
        detail = said.say("number.worst_detail", before=said.share(worst.before), after=said.share(worst.after))
        _metric(columns[4], said.say("number.worst"), plain(name), detail)
    if card.low is not None and card.high is not None:
        st.caption(plain(said.say("number.band", low=said.share(card.low), high=said.share(card.high))))
    if card.routes_before is not None and card.routes_after is not None:
        st.caption(plain(said.say("number.routes", before=said.share(card.routes_before), after=said.share(card.routes_after))))
    gap, least, wanted = said.share(plan.proof.gap, 2), plan.proof.least_inr, plan.scenario.wanted_share
    if plan.proof.second or plan.proof.privacy or plan.proof.movement:
        parts = {name: said.share(getattr(plan.proof, name), 2) for name in ("worth", "covered", "second", "privacy", "routes", "bound")}
        if plan.proof.movement:
            parts["movement"] = said.share(plan.proof.movement, 0)
        proven = said.say("number.worth_routes" if plan.proof.movement else "number.worth", **parts, gap=gap)
    elif least is None:
        proven = said.say("number.bound", bound=said.share(plan.proof.bound, 2), gap=gap)
    else:
        proven = said.say("number.least", share=said.share(wanted), least=said.money(least), gap=gap)
    st.caption(plain(proven + weak_note(plan.proof.gap, said.catalogue)))


def _back_test(city: City, plan: Plan, file: PlanFile, said: Words) -> None:
    """What the back-test found, where it was made; else the way to it, where one can be made."""
    found = library.review(plan, file, "backtest")
    if found is not None:
        st.caption(plain(back_test_line(found[0], said)))
    elif plan.city_digest == city.digest and not without_dates(city):

        def open_test() -> None:
            st.query_params.update({"view": "review", "plan": file.id, "part": "backtest"})

        help_text = said.say("test.ask_help")
        st.button(said.say("test.ask"), key="back-test", help=help_text, on_click=open_test, icon=":material/history:", type="tertiary")


def _metric(place: DeltaGenerator, label: str, value: str, note: str) -> None:
    """A number with a note under it, without arrow or alarm: it is no change."""
    place.metric(label, value, note, delta_color="off", delta_arrow="off")


def _wards(city: City, plan: Plan, _: PlanFile, said: Words) -> None:
    names = ward_names(city)
    scores = sorted(plan.scorecard.wards, key=lambda score: (score.after, score.ward))
    if not scores:
        st.caption(said.say("plan.no_wards"))
        return
    frame = pd.DataFrame(
        {
            "ward": [names.get(score.ward, score.ward) for score in scores],
            "weight": [score.weight for score in scores],
            "before": [100 * score.before for score in scores],
            "after": [100 * score.after for score in scores],
            "gain": [100 * (score.after - score.before) for score in scores],
        }
    )
    # The weights are shares of the whole, whatever unit the demand came in.
    frame["weight"] = 100 * frame["weight"] / frame["weight"].sum() if frame["weight"].sum() > 0 else 0.0
    columns: Columns = {
        "ward": said.say("ward.name"),
        "weight": percent(said.say("ward.weight")),
        "before": bar(said.say("ward.before")),
        "after": bar(said.say("ward.after")),
        "gain": percent(said.say("ward.gain")),
    }
    show_table(frame, columns, height=420)


def _cameras(city: City, plan: Plan, _: PlanFile, said: Words) -> None:
    if not plan.cameras:
        st.info(said.say("plan.no_cameras"))
        return
    show_table(camera_frame(city, plan, said), camera_columns(said), height=420)


def heads_of(plan: Plan) -> dict[str, int]:
    """What a plan's sites cost, head by head [INR]."""
    heads: dict[str, int] = {}
    for site in plan.sites:
        for head, amount in site.heads:
            heads[head] = heads.get(head, 0) + amount
    return heads


def duplicate(plan: Plan, plan_id: str, said: Words, *, key: str) -> None:
    """A button that opens the Plan screen with the form filled in as this plan's wish was; `key` is stable for its place on the page."""

    def open_form() -> None:
        rules = {"keep": list(plan.scenario.keep), "forbid": list(plan.scenario.forbid)}
        st.query_params.update({"view": "plan", "plan": plan_id, "like": plan_id, **rules})

    st.button(
        said.say("plan.duplicate"), key=f"duplicate-{key}", help=said.say("plan.duplicate_help"), on_click=open_form, width="stretch",
        icon=":material/content_copy:",
    )  # fmt: skip


def _costs(_: City, plan: Plan, __: PlanFile, said: Words) -> None:
    heads = heads_of(plan)
    rows = [(said.say("cost.cameras"), sum(camera.cost_inr for camera in plan.cameras))]
    rows += [(said.name("head", head), amount) for head, amount in sorted(heads.items(), key=lambda item: -item[1])]
    rows.append((said.say("cost.all"), plan.cost_inr))
    left, right = said.say("cost.head"), said.say("cost.amount")
    frame = pd.DataFrame({left: [row[0] for row in rows], right: [said.money(row[1]) for row in rows]})
    column, _empty = st.columns([1, 1])
    with column:
        show_table(frame, {right: text_right()})


def _proof(_: City, plan: Plan, __: PlanFile, said: Words) -> None:
    proof = plan.proof
    lines = [
        said.say("proof.status", status=said.name("status", proof.status)),
        said.say("proof.how", how="; ".join(said.note(part) for part in proof.how.split("; "))),
        said.say("proof.time", seconds=said.number(proof.runtime_s, 1)),
        said.say("proof.verified" if plan.verified else "proof.unverified"),
    ]
    first, second = st.columns(2, gap="medium")
    first.markdown("\n".join(f"- {plain(line)}" for line in lines))
    if plan.stages_s:
        stages = pd.DataFrame({"stage": [said.name("stage", stage) for stage, _ in plan.stages_s], "seconds": [time for _, time in plan.stages_s]})
        with first:
            show_table(stages, {"stage": said.say("proof.stage"), "seconds": percent(said.say("proof.seconds"), "%.2f")})
    second.markdown(f"**{said.say('proof.assumptions')}**")
    second.markdown("\n".join(f"- {plain(said.note(sentence))}" for sentence in plan.assumptions) or said.say("proof.no_assumptions"))


def _downloads(city: City, plan: Plan, file: PlanFile, said: Words) -> None:
    for column, (kind, mime) in zip([*st.columns(3), *st.columns(3), *st.columns(3)], _KINDS.items(), strict=False):
        column.download_button(
            said.say(f"file.{kind}"), partial(_written, city, plan, file, kind, said), f"{city.name}-{plan.id}.{kind}", mime,
            key=f"download-{kind}", on_click="ignore", width="stretch", icon=":material/download:",
        )  # fmt: skip
    st.caption(said.say("file.about"))
    shown = file.id in published_ids(open_store(), library.address(city))
    if shown:
        st.link_button(said.say("page.public"), public_url(city, file.id, said.language), icon=":material/public:")
    _publish(city, file, shown, said)


def _publish(city: City, file: PlanFile, shown: bool, said: Words) -> None:
    """The button that lets anyone read the plan, or no longer, for who may."""
    me = who.actor()
    if not may(me, "plan.publish"):
        return
    if st.button(said.say("decide.publish_undo" if shown else "decide.publish_do"), key="plan-publish", help=said.say("decide.publish_how")):
        from optimizer.verify import verify

        store, name = open_store(), library.address(city)
        with st.spinner(said.say("decide.checking")):
            if shown:
                act(lambda: unpublish(store, me, name, file.id), said, "decide.unpublished")
            else:
                act(lambda: publish_file(store, me, city, file.path, verify), said, "decide.published")


def _written(city: City, plan: Plan, file: PlanFile, kind: str, said: Words) -> bytes:
    if kind == "gpkg":
        return file.path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{plan.id}.{kind}"
        if kind == "pdf":
            reviews = kept_reviews(plan, file)
            write_report(plan, city, path, words=said.catalogue, hindi=said.hindi, head=audit_head(), reviews=reviews, note=said.note)
        else:
            write_any(plan, city, path, said=said)
        return path.read_bytes()


_TABS: dict[str, Callable[[City, Plan, PlanFile, Words], None]] = {
    "wards": _wards, "cameras": _cameras, "costs": _costs, "proof": _proof, "files": _downloads,
}  # fmt: skip
