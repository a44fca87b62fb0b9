"""A plan as people read it: the numbers, the map, wards, cameras, costs, proof, downloads."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st
from planning.export import write_plan

from planning.catalogue import load_models
from planning.city import City
from planning.nouns import Plan
from screens.library import PlanFile
from screens.mapdata import ward_names
from screens.maps import city_map, map_data
from screens.words import Words, plain

_KINDS = {"gpkg": "application/geopackage+sqlite3", "geojson": "application/geo+json", "csv": "text/csv"}


def plan_title(plan: Plan, said: Words) -> str:
    """One line: the committee's own title or the budget, cameras, coverage, id."""
    name = plan.scenario.title or said.short(plan.scenario.budget_inr)
    return f"{name} · {said.say('plan.cameras_n', n=said.number(len(plan.cameras)))} · {said.share(plan.scorecard.after)} · {plan.id}"


def show_plan(city: City, plan: Plan, file: PlanFile, said: Words) -> None:
    """Draw the plan."""
    trust(city, plan, said)
    _numbers(city, plan, said)
    city_map(map_data(city, said, load_models(), plan=file, height=600), key="map-plan")
    wards, cameras, costs, proof, files = st.tabs([said.say(f"tab.{tab}") for tab in ("wards", "cameras", "costs", "proof", "files")])
    with wards:
        _wards(city, plan, said)
    with cameras:
        _cameras(city, plan, said)
    with costs:
        _costs(plan, said)
    with proof:
        _proof(plan, said)
    with files:
        _downloads(city, plan, file, said)


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
    columns[0].metric(said.say("number.cameras"), said.number(len(plan.cameras)), at_sites, **_quiet())
    of_budget = said.say("number.of_budget", budget=said.short(plan.scenario.budget_inr))
    columns[1].metric(said.say("number.cost"), said.short(plan.cost_inr), of_budget, **_quiet())
    limit = plan.scenario.yearly_inr
    yearly = said.say("number.of_budget", budget=said.short(limit)) if limit is not None else said.say("number.no_limit")
    columns[2].metric(said.say("number.yearly"), said.short(plan.yearly_inr), yearly, **_quiet())
    columns[3].metric(said.say("number.after"), said.share(card.after), said.say("number.before", share=said.share(card.before)), **_quiet())
    if worst is not None:
        name = ward_names(city).get(worst.ward, worst.ward)
        detail = said.say("number.worst_detail", before=said.share(worst.before), after=said.share(worst.after))
        columns[4].metric(said.say("number.worst"), plain(name), detail, **_quiet())
    st.caption(plain(said.say("number.bound", bound=said.share(plan.proof.bound, 2), gap=said.share(plan.proof.gap, 2))))


def _quiet() -> dict[str, str]:
    """A metric's second line without arrow or alarm: it is a note, not a change."""
    return {"delta_color": "off", "delta_arrow": "off"}


def _wards(city: City, plan: Plan, said: Words) -> None:
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
    share = {"format": "%.1f %%"}
    st.dataframe(
        frame, hide_index=True, width="stretch", height=420,
        column_config={
            "ward": said.say("ward.name"),
            "weight": st.column_config.NumberColumn(said.say("ward.weight"), **share),
            "before": st.column_config.ProgressColumn(said.say("ward.before"), min_value=0, max_value=100, **share),
            "after": st.column_config.ProgressColumn(said.say("ward.after"), min_value=0, max_value=100, **share),
            "gain": st.column_config.NumberColumn(said.say("ward.gain"), **share),
        },
    )  # fmt: skip


def camera_frame(city: City, plan: Plan, said: Words) -> pd.DataFrame:
    """The plan's cameras as a table, one row a camera, in its order."""
    models, names = load_models(), ward_names(city)
    titles = {key: said.pick(model.title, model.title_hi) for key, model in models.items()}
    return pd.DataFrame(
        [
            {
                "number": number, "id": camera.id, "model": titles.get(camera.model, camera.model), "ward": names.get(camera.ward, camera.ward), "site": camera.site,
                "bearing": camera.bearing_deg, "tilt": camera.tilt_deg, "height": camera.height_m, "cost": said.money(camera.cost_inr),
                "yearly": said.money(camera.yearly_inr), "sees": camera.sees, "gain": 100 * camera.gain,
            }
            for number, camera in enumerate(plan.cameras, start=1)
        ],
        columns=["number", "model", "ward", "site", "bearing", "tilt", "height", "cost", "yearly", "sees", "gain", "id"],
    )  # fmt: skip


def camera_columns(said: Words) -> dict[str, object]:
    """How `camera_frame`'s columns are headed and shown."""
    number = st.column_config.NumberColumn
    right = st.column_config.TextColumn
    return {
        "number": number(said.say("map.number"), format="%d"), "id": said.say("map.camera"), "model": said.say("map.model"), "ward": said.say("map.ward"), "site": said.say("map.site"),
        "bearing": number(said.say("map.bearing"), format="%.0f°"), "tilt": number(said.say("map.tilt"), format="%.0f°"),
        "height": number(said.say("map.height"), format="%.1f m"), "cost": right(said.say("map.cost"), alignment="right"),
        "yearly": right(said.say("map.yearly"), alignment="right"), "sees": number(said.say("map.sees"), format="%d"),
        "gain": number(said.say("map.gain"), format="%.3f %%"),
    }  # fmt: skip


def _cameras(city: City, plan: Plan, said: Words) -> None:
    if not plan.cameras:
        st.info(said.say("plan.no_cameras"))
        return
    st.dataframe(camera_frame(city, plan, said), hide_index=True, width="stretch", height=420, column_config=camera_columns(said))


def _costs(plan: Plan, said: Words) -> None:
    heads: dict[str, int] = {}
    for site in plan.sites:
        for head, amount in site.heads:
            heads[head] = heads.get(head, 0) + amount
    rows = [(said.say("cost.cameras"), sum(camera.cost_inr for camera in plan.cameras))]
    rows += [(said.name("head", head), amount) for head, amount in sorted(heads.items(), key=lambda item: -item[1])]
    rows.append((said.say("cost.all"), plan.cost_inr))
    left, right = said.say("cost.head"), said.say("cost.amount")
    frame = pd.DataFrame({left: [row[0] for row in rows], right: [said.money(row[1]) for row in rows]})
    column, _ = st.columns([1, 1])
    column.dataframe(frame, hide_index=True, width="stretch", height="content", column_config={right: st.column_config.TextColumn(alignment="right")})


def _proof(plan: Plan, said: Words) -> None:
    proof = plan.proof
    lines = [
        said.say("proof.status", status=said.name("status", proof.status)),
        said.say("proof.how", how=proof.how),
        said.say("proof.time", seconds=said.number(proof.runtime_s, 1)),
        said.say("proof.verified" if plan.verified else "proof.unverified"),
    ]
    first, second = st.columns(2, gap="medium")
    first.markdown("\n".join(f"- {plain(line)}" for line in lines))
    if plan.stages_s:
        stages = pd.DataFrame({"stage": [said.name("stage", stage) for stage, _ in plan.stages_s], "seconds": [time for _, time in plan.stages_s]})
        headed = {"stage": said.say("proof.stage"), "seconds": st.column_config.NumberColumn(said.say("proof.seconds"), format="%.2f")}
        first.dataframe(stages, hide_index=True, height="content", column_config=headed)
    second.markdown(f"**{said.say('proof.assumptions')}**")
    second.markdown("\n".join(f"- {plain(sentence)}" for sentence in plan.assumptions) or said.say("proof.no_assumptions"))


def _downloads(city: City, plan: Plan, file: PlanFile, said: Words) -> None:
    for column, (kind, mime) in zip(st.columns(4), _KINDS.items(), strict=False):
        column.download_button(
            said.say(f"file.{kind}"), lambda kind=kind: _written(city, plan, file, kind), f"{city.name}-{plan.id}.{kind}", mime,
            key=f"download-{kind}", on_click="ignore", width="stretch", icon=":material/download:",
        )  # fmt: skip
    st.caption(said.say("file.about"))


def _written(city: City, plan: Plan, file: PlanFile, kind: str) -> bytes:
    if kind == "gpkg":
        return file.path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{plan.id}.{kind}"
        write_plan(plan, city, path)
        return path.read_bytes()
