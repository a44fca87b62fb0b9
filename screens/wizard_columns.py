"""The wizard's second step: each file with the columns it has, what they are taken to mean, its first rows as they are read, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from planning.errors import Fault, InputError
from planning.readings import MEANINGS
from planning.uploads import Draft, find_draft
from screens.session import tell
from screens.tables import show_table, text_right
from screens.words import Words, plain

_LEAST = {"crime": ("lat", "lon", "date", "category"), "cameras": ("lat", "lon", "direction", "type")}


def show_columns(draft: Draft, said: Words, *, fresh: bool) -> None:
    """Draw every file as the last look found it; `fresh` says that nothing changed since."""
    if not fresh:
        st.info(said.say("wizard.changed"))
    _streets(draft, said)
    for file in draft.seen["files"]:
        with st.container(border=True):
            st.markdown(f"**{said.say('upload.' + str(file['layer']))}**: {plain(file['file'])}")
            _file(draft, file, said)


def _streets(draft: Draft, said: Words) -> None:
    streets, faults = draft.seen.get("streets"), draft.seen.get("faults") or {}
    for name, listed in faults.items():
        with st.container(border=True):
            st.markdown(f"**{plain(name)}**")
            _tell(listed, said)
    if not streets or draft.city:
        return
    lon, lat = streets["middle"]
    line = said.say(
        "wizard.streets", ways=said.number(streets["ways"]), shapes=said.number(streets["shapes"]), area=said.number(streets["km2"], 1),
        place=f"{lat:.4f}, {lon:.4f}", crs=str(streets["crs"])[:40],
    )  # fmt: skip
    with st.container(border=True):
        names = [name for name, layer in draft.main if layer in {"osm", "roads"}]
        st.markdown(f"**{said.say('wizard.streets_title')}**: {plain(', '.join(names))}")
        st.markdown(plain(line))


def _tell(listed: list[list[str]], said: Words) -> None:
    if listed:
        tell(InputError(Fault(*map(str, fault)) for fault in listed), said)


def _file(draft: Draft, file: Mapping[str, Any], said: Words) -> None:
    layer = str(file["layer"])
    if layer in MEANINGS and file["columns"]:
        _pick(draft, file, said)
    _tell(file["faults"], said)
    if file["total"]:
        used, total = int(file["used"] or 0), int(file["total"])
        text = said.say("wizard.rows", used=said.number(used), total=said.number(total))
        lost = "; ".join(f"{said.number(count)} {said.name('reason', reason)}" for reason, count in file["lost"].items())
        st.markdown(f"{':green' if used == total else ':orange'}[{plain(text)}]" + (f" · {plain(lost)}" if lost else ""))
    if file["read"]:
        st.caption(said.say("wizard.as_read"))
        _read(file["read"], said)
    if file["rows"]:
        with st.expander(said.say("wizard.as_given")):
            show_table(pd.DataFrame(file["rows"], columns=_unique([said.say("wizard.row"), *map(str, file["columns"])])[: len(file["rows"][0])]))
    if file["told"]:
        with st.expander(said.say("wizard.told")):
            st.markdown("\n".join(f"- {plain(line)}" for line in file["told"]))


def _unique(names: list[str]) -> list[str]:
    return [name if names.index(name) == number else f"{name} ({number})" for number, name in enumerate(names)]


def _pick(draft: Draft, file: Mapping[str, Any], said: Words) -> None:
    """A list of columns for each meaning."""
    layer, name = str(file["layer"]), str(file["file"])
    given = dict(draft.columns.get(name, {}))
    # Wards and zones look for a name themselves: there "none" means no more than "find it".
    meanings = MEANINGS[layer]
    now = {meaning: given.get(meaning, file["guess"].get(meaning, "")) for meaning in meanings}
    first = [meaning for meaning in meanings if meaning in _LEAST.get(layer, meanings) or now[meaning]]

    def lists(some: list[str]) -> None:
        for start in range(0, len(some), 4):
            for place, meaning in zip(st.columns(4), some[start : start + 4], strict=False):
                options = ["", *file["columns"]]
                index = options.index(now[meaning]) if now[meaning] in options else 0
                key = f"column-{layer}-{name}-{meaning}"
                place.selectbox(
                    said.say(f"meaning.{meaning}"), options, index, key=key, on_change=_keep, args=(draft.token, name, meaning, key),
                    format_func=lambda column: plain_text(column) or said.say("meaning.none"),
                )  # fmt: skip

    lists(first)
    rest = [meaning for meaning in meanings if meaning not in first]
    if rest or layer in {"crime", "cameras"}:
        with st.expander(said.say("wizard.more_columns")):
            lists(rest)
            if layer in {"crime", "cameras"}:
                key = f"column-{layer}-{name}-crs"
                st.text_input(
                    said.say("meaning.crs"), given.get("crs", ""), key=key, on_change=_keep, args=(draft.token, name, "crs", key),
                    placeholder="EPSG:32644", max_chars=20,
                )  # fmt: skip


def _keep(token: str, name: str, meaning: str, key: str) -> None:
    """Write a choice to the draft, before the page is drawn or anything is read by it."""
    draft = find_draft(token)
    mapped = {**draft.columns.get(name, {}), meaning: str(st.session_state[key] or "").strip()}
    if meaning == "crs" and not mapped["crs"]:
        del mapped["crs"]
    draft.changed(columns={**draft.columns, name: mapped})


def plain_text(text: str) -> str:
    """A column's name in one line, without marks that turn the line around."""
    return "".join(sign for sign in " ".join(text.split()) if sign not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def _read(rows: list[dict[str, str]], said: Words) -> None:
    """The first rows as they are read, in the reader's words."""
    keys = [key for key in rows[0] if key not in {"row", "why"}]
    keys = list(dict.fromkeys([*keys, *(key for row in rows for key in row if key not in {"row", "why"})]))
    cells = [{"row": row["row"], **{key: _said(key, row.get(key, ""), said) for key in keys}, "why": row.get("why", "")} for row in rows]
    frame = pd.DataFrame(cells)
    frame["why"] = [said.name("reason", why) if why else said.say("wizard.used") for why in frame["why"]]
    heads = {"row": said.say("wizard.row"), "why": said.say("wizard.outcome"), **{key: said.say(f"read.{key}") for key in keys}}
    show_table(frame.rename(columns=heads), {heads[key]: text_right() for key in ("lat", "lon") if key in heads})


def _said(key: str, cell: str, said: Words) -> str:
    kinds = {"category": "category", "kind": "kind"}
    return said.name(kinds[key], cell) if key in kinds and cell else cell
