"""The Budget screen: one slider, what each rupee more buys, and who is left out."""

from __future__ import annotations

import dataclasses

import streamlit as st

from planning.catalogue import load_models
from planning.city import City
from planning.errors import ChaukasError, ScenarioError
from planning.ladders import Ladder
from planning.money import parse_rupees
from planning.nouns import Scenario
from screens import jobs, library
from screens.jobs import RUNGS
from screens.mapdata import ward_names
from screens.maps import city_map, ladder_data, map_data
from screens.session import pick, tell
from screens.waiting import show_progress
from screens.words import Words, plain

SECONDS = 90.0  # for a ladder's search
PLAN_S = 45.0  # for one plan's


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    files = library.ladder_files(city)
    _watch(city, said)
    if files:
        chosen = files[0].id
        if len(files) > 1:
            chosen = pick(said.say("ladder.choose"), [file.id for file in files], "ladder", lambda key: _title(city, key, said))
        _show(city, library.ladder(city, chosen), said)
    else:
        st.info(said.say("ladder.none"))
        city_map(map_data(city, said, load_models(), height=440), key="map-budget-none")
    with st.expander(said.say("ladder.new"), expanded=not files):
        _ask(city, said)


def _title(city: City, ladder_id: str, said: Words) -> str:
    try:
        ladder = library.ladder(city, ladder_id)
    except ChaukasError:
        return ladder_id
    return f"{said.say('ladder.up_to', budget=said.short(ladder.rungs[-1].budget_inr))} · {ladder_id}"


def _show(city: City, ladder: Ladder, said: Words) -> None:
    if ladder.city_digest != city.digest:
        st.warning(said.say("plan.other_city"), icon=":material/history:")
    file = library.ladder_path(city, ladder.id)
    given = st.query_params.get("rung", "")
    start = int(given) if given.isdecimal() and int(given) < len(ladder.rungs) else (len(ladder.rungs) - 1) // 2
    data = map_data(city, said, load_models(), ladder=ladder_data(city, ladder, file, said, start), height=520, listed=False)
    rung = city_map(data, key=f"map-budget-{ladder.id}-{said.language}").rung
    if rung is not None and 0 <= rung < len(ladder.rungs):
        start = rung
        st.query_params["rung"] = str(rung)
    _alone(city, ladder, start, said)
    with st.expander(said.say("ladder.table")):
        _table(city, ladder, said)


def _alone(city: City, ladder: Ladder, rung: int, said: Words) -> None:
    """The chosen budget's own best plan beside the one that is part of the row, and the way to make it."""
    chosen = ladder.rungs[rung]
    words, button = st.columns([3.4, 1], vertical_alignment="center")
    words.markdown(plain(said.say(
        "ladder.alone", budget=said.short(chosen.budget_inr), best=said.share(chosen.best, 2), bound=said.share(chosen.bound, 2),
        nesting=said.share(chosen.nesting, 2),
    )))  # fmt: skip
    if button.button(said.say("ladder.make"), type="primary", width="stretch", key="make-rung", icon=":material/play_arrow:"):
        try:
            job = jobs.desk.start(city, dataclasses.replace(ladder.scenario, budget_inr=chosen.budget_inr, time_limit_s=PLAN_S))
        except ChaukasError as error:
            tell(error, said)
            return
        st.query_params.update(view="plan", job=job.id)
        st.rerun()


def _table(city: City, ladder: Ladder, said: Words) -> None:
    wards = ward_names(city)
    columns = {
        said.say("number.budget"): [said.short(rung.budget_inr) for rung in ladder.rungs],
        said.say("number.cameras"): [said.number(rung.cameras) for rung in ladder.rungs],
        said.say("number.cost"): [said.money(rung.cost_inr) for rung in ladder.rungs],
        said.say("number.yearly"): [said.money(rung.yearly_inr) for rung in ladder.rungs],
        said.say("number.after"): [said.share(rung.covered, 2) for rung in ladder.rungs],
        said.say("ladder.best"): [said.share(rung.best, 2) for rung in ladder.rungs],
        said.say("number.bound_alone"): [said.share(rung.bound, 2) for rung in ladder.rungs],
        said.say("number.worst"): [f"{wards.get(rung.worst_ward, rung.worst_ward)}: {said.share(rung.worst)}" for rung in ladder.rungs],
    }  # fmt: skip
    st.dataframe(columns, hide_index=True, width="stretch")


def _ask(city: City, said: Words) -> None:
    budget = st.text_input(said.say("ladder.most"), "4 करोड़" if said.hindi else "4 crore", key="ladder-budget", help=said.say("ladder.help", n=RUNGS))
    if st.button(said.say("ladder.run"), key="ladder-run", icon=":material/stairs:"):
        try:
            amount = parse_rupees(budget)
            if amount < RUNGS:
                raise ScenarioError.one("wish.zero", "A budget of 0 buys no camera", "Write an amount such as 2 crore", budget)
            job = jobs.ladders.start(city, Scenario(city=city.name, budget_inr=amount, time_limit_s=SECONDS))
            st.query_params["ladder_job"] = job.id
            st.rerun()
        except ChaukasError as error:
            tell(error, said)


def _watch(city: City, said: Words) -> None:
    """The ladder of the address while it is worked out; when it is ready it is the one shown."""
    job_id = st.query_params.get("ladder_job", "")
    job = jobs.ladders.find(city.name, job_id) if job_id else None
    if job is None:
        if job_id:
            del st.query_params["ladder_job"]
        return
    if job.job.running:
        show_progress("ladders", city.name, job_id, said)
        return
    error = jobs.outcome(job)
    if error is not None:
        tell(error, said)
        return
    st.query_params["ladder"] = str(job.job.result)
    del st.query_params["ladder_job"]
    jobs.ladders.forget(job)
