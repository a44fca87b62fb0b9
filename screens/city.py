"""The City screen: what there is, where it comes from, what was imputed, and the map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planning.catalogue import load_models
from planning.city import City
from planning.frames import SCHEMAS
from screens import library, wizard
from screens.maps import city_map, map_data
from screens.tables import show_table, text_right
from screens.words import Words, plain


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    st.subheader(plain(said.pick(city.title, city.title_hi)))
    if st.session_state.pop("imported", "") == library.address(city):
        st.success(said.say("wizard.done"), icon=":material/check:")
    wizard.offer(said, library.address(city))
    beside, about = st.columns([3, 1.15], gap="medium")
    with beside:
        city_map(map_data(city, said, load_models(), height=620), key="map-city")
    with about:
        _counts(city, said)
    sources, heights, notes = st.columns([2.2, 1.2, 1.6], gap="medium")
    with sources:
        st.markdown(f"#### {said.say('city.sources')}")
        _sources(city, said)
    with heights:
        st.markdown(f"#### {said.say('city.heights')}")
        _heights(city, said)
    with notes:
        st.markdown(f"#### {said.say('city.notes')}")
        if not city.notes:
            st.caption(said.say("city.no_notes"))
        st.markdown("\n".join(f"- {plain(note)}" for note in city.notes))


def _counts(city: City, said: Words) -> None:
    roads, wards, incidents = city["roads"], city["wards"], city["incidents"]
    first, second = st.columns(2)
    first.metric(said.say("city.area"), f"{said.number(city.area.area / 1e6, 1)} {said.say('unit.km2')}")
    second.metric(said.say("city.streets"), f"{said.number(roads.geometry.length.sum() / 1000, 0)} {said.say('unit.km')}")
    population = wards["population"].sum()
    if population > 0:
        first.metric(said.say("city.population"), said.number(float(population)))
    (second if population > 0 else first).metric(said.say("city.existing"), said.number(len(city["cameras"])))
    rows = [(said.say(f"layer.{layer}"), said.number(len(city[layer]))) for layer in SCHEMAS]
    dates = incidents["when"].dropna()
    if len(dates):
        rows.append((said.say("city.incident_dates"), f"{dates.min():%d.%m.%Y} – {dates.max():%d.%m.%Y}"))
    rows.append((said.say("city.crs"), city.crs.to_string()))
    _table(rows, said.say("city.layer"), said.say("city.count"))


def _table(rows: list[tuple[str, str]], left: str, right: str) -> None:
    frame = pd.DataFrame({left: [row[0] for row in rows], right: [row[1] for row in rows]})
    show_table(frame, {right: text_right()})


def _sources(city: City, said: Words) -> None:
    if not city.sources:
        st.caption(said.say("city.no_sources"))
        return
    frame = pd.DataFrame(
        {
            said.say("city.layer"): [said.name("layer", source.layer) for source in city.sources],
            said.say("source.origin"): [source.origin for source in city.sources],
            said.say("source.licence"): [source.licence or said.say("source.no_licence") for source in city.sources],
            said.say("source.note"): [source.note for source in city.sources],
        }
    )
    show_table(frame)


def _heights(city: City, said: Words) -> None:
    counts = city["buildings"]["height_source"].value_counts()
    if counts.empty:
        st.caption(said.say("city.no_buildings"))
        return
    total = int(counts.sum())
    _table(
        [(said.name("height", str(kind)), f"{said.number(int(count))} ({said.share(count / total, 0)})") for kind, count in counts.items()],
        said.say("city.height_from"), said.say("city.buildings"),
    )  # fmt: skip
    imputed = int(counts.reindex(["local median", "default"]).fillna(0).sum())
    if imputed:
        st.caption(said.say("city.imputed", share=said.share(imputed / total, 0)))
