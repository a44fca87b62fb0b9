"""Who looks at a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from planning.access import PUBLIC, Actor
from planning.accounts import TERMINAL, add_account, change_roles
from planning.sessions import digest, end_session, open_session
from planning.store import open_store
from screens import who


def script() -> None:
    """A page that says who looks at it."""
    import streamlit as st

    from screens.who import actor

    st.text(f"{actor().name}|{','.join(actor().roles)}")


def test_each_run_of_a_page_looks_the_actor_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody signed in is the public; other roles and the session's end count at the very next run."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    store = open_store()
    account = add_account(store, TERMINAL, "meera", title="Meera", roles=["planner"])
    with store.write("test", "session.begin", account) as tx:
        token = open_session(tx, account)
    page = AppTest.from_function(script)
    assert page.run().text[0].value == "|public"
    assert who.actor() == PUBLIC
    monkeypatch.setattr(who, "session_id", lambda: digest(token))
    assert who.actor() == Actor(account, "Meera", ("planner",))
    assert page.run().text[0].value == "Meera|planner"
    change_roles(store, TERMINAL, account, ["member"])
    assert page.run().text[0].value == "Meera|member"
    end_session(store, "test", digest(token))
    assert page.run().text[0].value == "|public"
    store.engine.dispose()
