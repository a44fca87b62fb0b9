"""What a page knows of its visitor: language, screen, city and plan, all in the address, so that a view can be shared and survives a reload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.errors import ChaukasError
from screens.words import LANGUAGES, Words, plain, words


def language() -> Words:
    """The words of the language in the address; Hindi where none is."""
    return words(st.query_params.get("lang", "hi"))


def pick(label: str, options: Sequence[str], param: str, say: Callable[[str], str], *, horizontal: bool = False, hidden: bool = False) -> str:
    """One of the options, kept under `param` in the address by its stable id.

    Parameters
    ----------
    say: what to show for an option.
    horizontal: as a row of buttons instead of a list that opens.
    """
    given = st.query_params.get(param, "")
    value = given if given in options else options[0]
    key = f"pick-{param}"
    # The address is the truth: a shared link or a finished plan may have changed it.
    if st.session_state.get(key) != value:
        st.session_state[key] = value

    def keep() -> None:
        # A row of buttons lets go of its choice when it is pressed again.
        st.query_params[param] = st.session_state[key] or value

    visibility: Literal["collapsed", "visible"] = "collapsed" if hidden else "visible"
    if horizontal:
        st.segmented_control(label, options, key=key, format_func=say, on_change=keep, label_visibility=visibility)
    else:
        st.selectbox(label, options, key=key, format_func=say, on_change=keep, label_visibility=visibility)
    return value


def pick_language() -> Words:
    """The switch between the languages, and the words of the one chosen."""
    said = language()
    code = pick(said.say("language"), list(LANGUAGES), "lang", LANGUAGES.__getitem__, horizontal=True, hidden=True)
    return words(code)


def tell(error: ChaukasError, said: Words) -> None:
    """Every fault in words, under one another."""
    st.error("\n\n".join(plain(said.fault(fault)) for fault in error.faults), icon=":material/error:")


def banner(city: City, said: Words) -> None:
    """The label of an invented city."""
    if city.made:
        st.warning(f"**{said.pick(MADE_NOTE, MADE_NOTE_HI)}**. {said.say('made.more')}", icon=":material/science:")
