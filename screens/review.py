"""The Review screen: what a plan leaves unseen, its network, masks, scores by groups and its back-test, each worked out when first asked."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from planning.catalogue import load_models
from planning.city import City
from planning.effects import load_effects
from planning.nouns import Plan
from planning.reviews import PARTS, Review, Row
from screens import jobs, library
from screens.floors import show_floors
from screens.mapdata import ward_names
from screens.maps import LINKS, city_map, map_data, review_data
from screens.plan import choose_plan
from screens.plan_result import trust
from screens.review_said import NO_DATES, back_test_line, place_of, placement_name, placement_rows, without_dates
from screens.session import pick, tell
from screens.tables import Columns, bar, percent, show_table, text_right
from screens.waiting import show_progress
from screens.words import Words, plain

_ROWS = 200
_GROUPS = {"ward": "ward", "road_class": "road", "place": "place", "crime": "crime", "hour": "hour"}  # and what its keys are called by
_AMOUNTS = ("rate_inr", "amount_inr")


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    file = choose_plan(city, said)
    if file is None:
        return
    plan = library.plan(city, file.id)
    trust(city, plan, said)
    part = pick(said.say("review.part"), PARTS, "part", lambda key: said.say(f"review.{key}"), horizontal=True, hidden=True)
    st.caption(plain(said.say(f"review.{part}_about")))
    kept = library.review(plan, file, part)
    if kept is None:
        _work(city, plan, part, said)
        return
    review, stamp = kept
    if part in ("gaps", "network"):
        drawn = review_data(city, file, part, stamp, said)
        data = map_data(city, said, load_models(), plan=file, listed=False, height=560, review=drawn)
        wanted = {"roads", "wards", "buildings", "cameras", "planned", *drawn["urls"], *(("views",) if part == "gaps" else ())}
        data["urls"] = {name: url for name, url in data["urls"].items() if name in wanted}
        city_map(data, key="map-review")
    {"gaps": _gaps, "network": _network, "masks": _masks, "scores": _scores, "backtest": _tested}[part](city, plan, review, said)
    if part == "scores" and len(city["wards"]):
        show_floors(city, plan, file, said)
    if review.notes:
        st.markdown("\n".join(f"- {plain(said.note(note))}" for note in review.notes))


def _work(city: City, plan: Plan, part: str, said: Words) -> None:
    """The work on a part that is not there yet: begun where nobody asked before, shown while it runs, told where it failed."""
    if plan.city_digest != city.digest:
        return  # told above; nothing can be worked out of another city's plan
    if part == "backtest" and without_dates(city):
        st.info(said.say(NO_DATES))
        return
    job = jobs.reviews.find(city.name, jobs.review_job(plan, part))
    if job is not None and not job.job.running:
        error = jobs.outcome(job)
        if error is not None:
            tell(error, said)
            if not st.button(said.say("review.again"), key=f"review-{part}", icon=":material/refresh:"):
                return
        jobs.reviews.forget(job)
        job = None
    if job is None:
        job = jobs.start_review(city, plan, part)
    show_progress("reviews", city.name, job.id, said)


def _metrics(figures: list[tuple[str, str]]) -> None:
    for column, (name, value) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(name, value)


def _more(rows: int, every: int, said: Words) -> None:
    if every > rows:
        st.caption(said.say("review.more", shown=said.number(rows), all=said.number(every)))


def _gaps(city: City, _: Plan, review: Review, said: Words) -> None:
    names = ward_names(city)
    _metrics([
        (said.say("review.unseen"), said.share(review.facts["unseen"])), (said.say("review.stretches_n"), said.number(review.facts["stretches"])),
        (said.say("review.stretches_km"), f"{said.number(review.facts['length_m'] / 1000, 1)} {said.say('unit.km')}"),
        (said.say("review.areas_share"), said.share(review.facts["areas_share"])),
    ])  # fmt: skip
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        st.markdown(f"#### {said.say('review.list')}")
        rows = review.tables["stretches"][:_ROWS]
        frame = pd.DataFrame({
            "rank": range(1, len(rows) + 1), "street": [place_of(row, said) for row in rows], "class": [said.name("road", str(row["road_class"]))
            for row in rows], "ward": [names.get(str(row["ward"]), str(row["ward"])) for row in rows], "length": [row["length_m"] for row in rows],
            "share": [100 * float(str(row["share"])) for row in rows],
        })  # fmt: skip
        number = st.column_config.NumberColumn
        show_table(frame, {
            "rank": number(said.say("report.number"), format="%d"), "street": said.say("review.street"), "class": said.say("review.class"),
            "ward": said.say("ward.name"), "length": number(said.say("review.metres"), format="%.0f"),
            "share": percent(said.say("review.lost"), "%.3f %%"),
        }, height=420)  # fmt: skip
        _more(len(rows), int(review.facts["stretches"]), said)
    with right:
        st.markdown(f"#### {said.say('review.areas')}")
        rows = review.tables["areas"]
        frame = pd.DataFrame({
            "rank": range(1, len(rows) + 1), "ward": [names.get(str(row["ward"]), str(row["ward"])) for row in rows],
            "m2": [row["area_m2"] for row in rows], "share": [100 * float(str(row["share"])) for row in rows],
        })  # fmt: skip
        show_table(frame, {
            "rank": st.column_config.NumberColumn(said.say("report.number"), format="%d"), "ward": said.say("ward.name"),
            "m2": st.column_config.NumberColumn(said.say("review.m2"), format="%.0f"), "share": percent(said.say("review.lost"), "%.3f %%"),
        }, height=420)  # fmt: skip


def _network(_: City, plan: Plan, review: Review, said: Words) -> None:
    days, terabytes = said.number(review.facts["retention_days"]), said.number(review.facts["storage_tb"])
    _metrics([
        (said.say("review.network_cost"), said.short(int(review.facts["cost_inr"]))),
        (said.say("review.network_new"), f"{said.number(review.facts['new_m'] / 1000, 1)} {said.say('unit.km')}"),
        (said.say("review.network_load"), f"{said.number(review.facts['load_mbps'])} {said.say('unit.mbps')}"),
        (said.say("review.storage", days=days), f"{terabytes} {said.say('unit.tb')}"),
    ])  # fmt: skip
    proof = said.say("review.network_proof", least=said.money(int(review.facts["bound_inr"])), gap=said.share(review.facts["gap"], 2))
    st.caption(plain(f"{proof} {said.say('review.network_paid' if plan.scenario.grid else 'review.network_unpaid')}"))
    left, right = st.columns([1, 1.3], gap="medium")
    with left:
        by_kind = {str(row["kind"]): row for row in review.tables["kinds"]}
        kinds = [
            (said.say(f"link.{kind}"), said.number(_of(row, "pieces")), said.number(_of(row, "length_m") / 1000, 2), _money(row, "cost_inr", said))
            for kind, row in ((kind, by_kind[kind]) for kind in LINKS if kind in by_kind)
        ]
        _money_table(said, kinds, ("review.link", "review.pieces", "review.km", "cost.amount"))
        bill = [
            (said.pick(str(row["title"]), str(row["title_hi"])), said.number(_of(row, "quantity")), *(_money(row, name, said) for name in _AMOUNTS))
            for row in review.tables["bill"]
        ]
        _money_table(said, bill, ("report.item", "report.quantity", "review.rate", "cost.amount"))
    with right:
        st.markdown(f"#### {said.say('review.segments')}")
        _segments(review, said)


def _segments(review: Review, said: Words) -> None:
    every = sorted(review.tables["segments"], key=lambda row: -_of(row, "cost_inr"))
    rows, unknown = every[:_ROWS], said.say("map.unknown")
    frame = pd.DataFrame({
        "kind": [said.say(f"link.{row['kind']}") for row in rows], "street": [str(row["road"]) for row in rows],
        "length": [row["length_m"] for row in rows], "cost": [_money(row, "cost_inr", said) for row in rows],
        "cameras": [row["cameras"] for row in rows], "load": [row["load_mbps"] for row in rows],
        "capacity": [unknown if row["capacity_mbps"] is None else said.number(_of(row, "capacity_mbps")) for row in rows],
        "over": [bool(row["over"]) for row in rows],
    })  # fmt: skip
    number = st.column_config.NumberColumn
    show_table(frame, {
        "kind": said.say("review.link"), "street": said.say("review.street"), "length": number(said.say("review.metres"), format="%.0f"),
        "cost": text_right(said.say("cost.amount")), "cameras": number(said.say("review.beyond"), format="%d"),
        "load": number(said.say("review.load"), format="%.0f"), "capacity": text_right(said.say("review.capacity")),
        "over": st.column_config.CheckboxColumn(said.say("review.over")),
    }, height=420)  # fmt: skip
    _more(len(rows), len(every), said)


def _money(row: Row, name: str, said: Words) -> str:
    return said.money(int(_of(row, name)))


def _of(row: Row, name: str) -> float:
    """A row's number."""
    return float(str(row[name]))


def _money_table(said: Words, rows: Sequence[tuple[str, ...]], heads: tuple[str, str, str, str]) -> None:
    frame = pd.DataFrame(rows, columns=[said.say(head) for head in heads])
    show_table(frame, {name: text_right() for name in frame.columns[1:]})


def _masks(_: City, plan: Plan, review: Review, said: Words) -> None:
    numbers = {camera.id: number for number, camera in enumerate(plan.cameras, 1)}
    cameras = sorted(review.tables["cameras"], key=lambda row: -_of(row, "share"))
    _metrics([
        (said.say("number.cameras"), said.number(review.facts["cameras"])), (said.say("review.masked"), said.number(review.facts["masked"])),
        (said.say("review.masks_n"), said.number(len(review.tables["masks"]))),
    ])  # fmt: skip
    left, right = st.columns([1.4, 1], gap="medium")
    with left:
        frame = pd.DataFrame({
            "number": [numbers.get(str(row["camera"]), 0) for row in cameras], "masks": [row["masks"] for row in cameras],
            "share": [100 * _of(row, "share") for row in cameras], "metres": [row["metres"] for row in cameras],
            "turns": [bool(row["turns"]) for row in cameras], "camera": [str(row["camera"]) for row in cameras],
        })  # fmt: skip
        number = st.column_config.NumberColumn
        show_table(frame, {
            "number": number(said.say("report.number"), format="%d"), "masks": number(said.say("review.masks_n"), format="%d"),
            "share": bar(said.say("review.hidden")), "metres": number(said.say("review.homes"), format="%.0f"),
            "turns": st.column_config.CheckboxColumn(said.say("review.turns")), "camera": said.say("map.camera"),
        }, height=460)  # fmt: skip
    with right:
        ids = [str(row["camera"]) for row in cameras if row["masks"]]
        if not ids:
            st.info(said.say("review.no_masks"))
            return
        chosen = st.selectbox(said.say("review.camera"), ids, format_func=lambda one: f"{numbers.get(one, 0)} · {one}", key="mask-camera")
        masks = [row for row in review.tables["masks"] if row["camera"] == chosen]
        st.image(picture(masks), width="stretch")
        st.caption(plain(said.say("review.picture")))
        lines = [(said.name("mask", str(row["why"])), said.share(_of(row, "share")), str(row["corners"])) for row in masks]
        show_table(pd.DataFrame(lines, columns=[said.say(key) for key in ("review.why", "review.hidden", "review.corners")]))


def picture(masks: list[Row]) -> str:
    """A camera's picture with its masks, as SVG: numbers alone go in."""
    shapes = []
    for row in masks:
        points = [tuple(float(value) for value in corner.split(",")) for corner in str(row["corners"]).split()]
        told = " ".join(f"{160 * u:.2f},{90 * v:.2f}" for u, v in points)
        shapes.append(f'<polygon points="{html.escape(told)}" fill="{"#0072B2" if row["why"] == "homes" else "#D55E00"}" fill-opacity="0.75"/>')
    frame = '<rect width="160" height="90" fill="#e9ecef" stroke="#1b1f24"/><path d="M0 45H160M80 0V90" stroke="#c9ced4" stroke-width="0.5"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 162 92" width="640" height="364">{frame}{"".join(shapes)}</svg>'


def _scores(city: City, _: Plan, review: Review, said: Words) -> None:
    columns = st.columns(2, gap="medium")
    for place, group in enumerate(_GROUPS):
        with columns[place % 2]:
            st.markdown(f"#### {said.say(f'review.by_{group}')}")
            rows = review.tables[group]
            if not rows:
                st.caption(said.say("review.no_rows"))
                continue
            _group(city, group, rows if group == "hour" else sorted(rows, key=lambda row: (_of(row, "after"), str(row["key"]))), said)


def _group(city: City, group: str, rows: Sequence[Row], said: Words) -> None:
    keys = [str(row["key"]) for row in rows]
    names = ward_names(city)
    titles = [names.get(key, key) if group == "ward" else f"{key}:00" if group == "hour" else said.name(_GROUPS[group], key) for key in keys]
    held = [_of(row, "weight") for row in rows]
    if group in ("ward", "road_class"):
        # The weights are shares of the whole, whatever unit the demand came in.
        held, holds = [100 * value / (sum(held) or 1.0) for value in held], percent(said.say("ward.weight"))
    else:
        holds = st.column_config.NumberColumn(said.say("review.count"), format="%d")
    frame = pd.DataFrame({"key": titles, "weight": held, **{name: [100 * _of(row, name) for row in rows] for name in ("before", "after")}})
    columns: Columns = {
        "key": said.say(f"review.one_{group}"), "weight": holds, "before": bar(said.say("ward.before")), "after": bar(said.say("ward.after")),
    }  # fmt: skip
    show_table(frame, columns, height=390 if len(rows) > 10 else None)


def _tested(_: City, __: Plan, review: Review, said: Words) -> None:
    st.markdown(f"**{plain(back_test_line(review, said))}**")
    heads = [said.say(f"test.{name}") for name in ("who", "cameras", "share", "ends", "streets", "pai", "pei", "pei_ends")]
    for view in dict.fromkeys(str(row["view"]) for row in review.tables["placements"]):
        st.markdown(f"#### {said.say('test.view_aimed' if view == 'aimed' else 'test.view_round')}")
        frame = pd.DataFrame(placement_rows(review, said, view), columns=heads)
        show_table(frame, {name: text_right() for name in heads[1:]})
        told = [row for row in review.tables["placements"] if row["view"] == view]
        fair = [f"- **{plain(placement_name(row, said))}**: {plain(said.say('.'.join(('fair', str(row['who']), view))))}" for row in told]
        leads = [
            said.say(
                "test.lead", who=said.say(f"test.over_{row['over']}"), mean=said.number(100 * _of(row, "mean"), 1),
                low=said.number(100 * _of(row, "low"), 1), high=said.number(100 * _of(row, "high"), 1),
                verdict=said.say("test.ahead" if _of(row, "low") > 0 else "test.behind" if _of(row, "high") < 0 else "test.even"),
            )
            for row in review.tables["leads"] if row["view"] == view
        ]  # fmt: skip
        st.markdown("\n".join([*(f"- {plain(line)}" for line in leads), *fair]))
    st.markdown(f"#### {said.say('test.elsewhere')}")
    st.markdown("\n".join(f"- {plain(said.name('effect', effect.key))} ({plain(effect.source)})" for effect in load_effects()))
