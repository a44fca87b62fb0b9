"""Work under way as a box on the page: its stage, how far it is, the gap so far, and a button that stops it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import streamlit as st

from planning.remaining import Phase, eased, remaining_s, rounded
from screens import jobs
from screens.library import Shelf
from screens.words import Words, plain


def _note(note: str, said: Words) -> str:
    """What the optimizer says as it goes on, in the reader's words where it tells the gap."""
    gap = re.fullmatch(r"gap (\S+ %)", note)
    return said.say("job.gap", value=gap.group(1)) if gap else note


def desk_of(kind: str) -> jobs.Desk:
    """The desk of that kind of work: plans, ladders, floors or reviews."""
    return {"plans": jobs.desk, "ladders": jobs.ladders, "floors": jobs.floors, "reviews": jobs.reviews}[kind]


_phases: Shelf[tuple[Phase, ...]] = Shelf(64)


def time_left(job: jobs.PlanJob, phases: Sequence[Phase], said: Words, now: float) -> str:
    """About how much longer a job takes, in words; nothing while it waits for its turn.

    What was told last is kept with the visitor's session, so that it never leaps up.
    """
    found = remaining_s(phases, job.job.begun, now)
    if found is None:
        return ""
    key = f"left-{job.id}-{job.job.started}"
    told, when = st.session_state.get(key, (None, now))
    shown = eased(told, now - when, found)
    st.session_state[key] = (shown, now)
    number, unit = rounded(shown)
    return said.say(f"job.left_{unit}", n=said.number(number))


@st.fragment(run_every=0.5)
def show_progress(kind: str, city_name: str, job_id: str, said: Words) -> None:
    """Draw the job of an id, of a kind as in `desk_of`, twice a second; the whole page anew when it ends, and when its first draft comes."""
    job = desk_of(kind).find(city_name, job_id)
    if job is None or not job.job.running:
        st.rerun()
    step = job.step
    with st.container(border=True):
        stage = said.name("stage", step.stage)
        st.progress(step.share, text=plain(f"{stage} · {said.share(step.share, 0)}" + (f" · {_note(step.note, said)}" if step.note else "")))
        phases = _phases.get((kind, job_id, job.job.started), lambda: jobs.phases_of_job(kind, job))
        left = time_left(job, phases, said, time.monotonic())
        if left:
            st.caption(plain(left))
        st.caption(plain(said.say("job.line", budget=said.short(job.scenario.budget_inr), seconds=said.number(job.job.runtime_s))))
        if st.button(said.say("job.cancel"), key=f"cancel-{job_id}", width="stretch"):
            job.job.cancel()
            st.caption(said.say("job.cancelling"))
    if job.draft is not None and st.session_state.get("draft") != job_id:
        # The first draft: the other side of the page has a map to draw now. Last, so that no press of the button is lost.
        st.session_state["draft"] = job_id
        st.rerun()
