"""What a visitor does on a page: it is tried, what is wrong with it is told, and what went well is said after the page was drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import streamlit as st

from planning.errors import ChaukasError
from planning.store import Reading
from planning.writing import INDIA
from screens.session import tell
from screens.words import Words

_DONE, _ROUND = "acting-done", "acting-round"


def act(work: Callable[[], object], said: Words, done: str) -> None:
    """Do the work; its faults in words where it is refused, else the page anew, its forms empty, with the words of `done` on it."""
    try:
        work()
    except ChaukasError as error:
        tell(error, said)
        return
    st.session_state[_DONE] = done
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.rerun()


def told(said: Words) -> None:
    """Say once what went well before this run."""
    done = st.session_state.pop(_DONE, "")
    if done:
        st.success(said.say(done), icon=":material/check:")


def fresh(key: str) -> str:
    """A key for a field that is to be empty again once something was done."""
    return f"{key}-{st.session_state.get(_ROUND, 0)}"


def names(tx: Reading) -> Mapping[str, str]:
    """What accounts are called, by id."""
    return {str(row["id"]): str(row["title"] or row["name"]) for row in tx.rows("accounts")}


def day_of(moment: str) -> str:
    """The day of a moment of the store, as 27-11-2026, by India's clock."""
    return f"{datetime.fromisoformat(moment).astimezone(INDIA):%d-%m-%Y}"
