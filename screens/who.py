"""Who looks at a page: the actor behind a Streamlit script's run.

The gate takes the session's cookie out of what reaches Streamlit and puts the session's id in its place, in a header that nobody outside can
set. It is looked up again at each run of the script, so that a session that was ended or an account whose rights were changed counts at once.
"""

from __future__ import annotations

import streamlit as st

from planning.access import PUBLIC, Actor, may, require
from planning.sessions import Session, sessions_of
from planning.store import open_store

HEADER = "x-chaukas-session"
MAKE = "plan.make"


def session() -> Session | None:
    """The session this script runs for; None where nobody is signed in."""
    given = session_id()
    return sessions_of(open_store(), [given]).get(given) if given else None


def session_id() -> str:
    """The id of the session, as the gate handed it on; empty where nobody is signed in."""
    return st.context.headers.get(HEADER, "")


def actor() -> Actor:
    """Who looks at the page; the public where nobody is signed in."""
    found = session()
    return found.actor if found is not None else PUBLIC


def is_maker() -> bool:
    """Whether who looks at the page may make plans."""
    return may(actor(), MAKE)


def require_maker() -> None:
    """Let pass only who may make plans.

    Raises
    ------
    Forbidden: `access.forbidden`.
    """
    require(actor(), MAKE)
