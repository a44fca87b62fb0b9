"""Work under way as a box on the page: its stage, how far it is, the gap so far, and a button that stops it."""

from __future__ import annotations

import re

import streamlit as st

from screens import jobs
from screens.words import Words, plain


def _note(note: str, said: Words) -> str:
    """What the optimizer says as it goes on, in the reader's words where it tells the gap."""
    gap = re.fullmatch(r"gap (\S+ %)", note)
    return said.say("job.gap", value=gap.group(1)) if gap else note


def desk_of(kind: str) -> jobs.Desk:
    """The desk of that kind of work."""
    return {"plans": jobs.desk, "ladders": jobs.ladders, "floors": jobs.floors}[kind]


@st.fragment(run_every=0.5)
def show_progress(kind: str, city_name: str, job_id: str, said: Words) -> None:
    """Draw the job of an id, of `plans`, `ladders` or `floors`, twice a second; the whole page anew when it ends, and when its first draft comes."""
    job = desk_of(kind).find(city_name, job_id)
    if job is None or not job.job.running:
        st.rerun()
    step = job.step
    with st.container(border=True):
        stage = said.name("stage", step.stage)
        st.progress(step.share, text=plain(f"{stage} · {said.share(step.share, 0)}" + (f" · {_note(step.note, said)}" if step.note else "")))
        st.caption(plain(said.say("job.line", budget=said.short(job.scenario.budget_inr), seconds=said.number(job.job.runtime_s))))
        if st.button(said.say("job.cancel"), key=f"cancel-{job_id}", width="stretch"):
            job.job.cancel()
            st.caption(said.say("job.cancelling"))
    if job.draft is not None and st.session_state.get("draft") != job_id:
        # The first draft: the other side of the page has a map to draw now. Last, so that no press of the button is lost.
        st.session_state["draft"] = job_id
        st.rerun()
