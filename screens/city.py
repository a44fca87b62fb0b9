"""The City screen: what there is, where it comes from, what was imputed, and the map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planning.catalogue import load_models
from planning.checkup import Finding, check_city
from planning.city import MADE_NOTE, City
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
        st.markdown("\n".join(f"- {plain(said.note(note))}" for note in city.notes))
    _odd(city, said)
    _rejects(city, said)


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
        # Two rows: one cell as wide as both days is cut off at its left.
        rows += [(said.say(f"city.{key}"), f"{day:%d.%m.%Y}") for key, day in (("first_incident", dates.min()), ("last_incident", dates.max()))]
    rows.append((said.say("city.crs"), city.crs.to_string()))
    _table(rows, said.say("city.layer"), said.say("city.count"))


def _odd(city: City, said: Words) -> None:
    """What the check finds odd, in the reader's words where there are some for it."""
    st.markdown(f"#### {said.say('city.findings')}")
    found = [finding for finding in _check(city) if finding.odd and finding.text not in {MADE_NOTE, *city.notes}]
    if not found:
        st.caption(said.say("city.no_findings"))
    lines = []
    for finding in found:
        sentence = said.catalogue.get(f"finding.{finding.key}")
        values = {name: _value(name, value, said) for name, value in finding.values}
        lines.append(f"- **{plain(said.name('layer', finding.subject))}**: {plain(sentence.format(**values) if sentence else finding.text)}")
    st.markdown("\n".join(lines))


def _value(name: str, value: float | str, said: Words) -> str:
    if isinstance(value, str):
        return value
    return said.share(value) if name == "share" else said.number(value, 1 if name == "area" else 0)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs={City: lambda city: city.digest})
def _check(city: City) -> list[Finding]:
    return check_city(city)


def _rejects(city: City, said: Words) -> None:
    """The rows an import left out, to be downloaded with their reasons."""
    path = city.folder / "rejects.csv" if city.folder is not None else None
    if path is None or not path.is_file():
        return
    data = path.read_bytes()
    st.download_button(
        said.say("city.rejects"), data, f"{library.address(city)}-rejects.csv", "text/csv", icon=":material/download:",
        help=said.say("city.rejects_help"), on_click="ignore",
    )  # fmt: skip


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
