"""Who sits in the committee and by which rules it decides; whoever manages it changes both here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planning.access import Actor, may
from planning.city import City
from planning.committee import NAME_MOST, Rules, add_member, constituencies, members, read_part, rules, set_active, set_rules
from planning.store import Row, Store
from screens import library
from screens.acting import act, fresh
from screens.tables import show_table
from screens.words import Words, plain


def show_seats(store: Store, actor: Actor, city: City, said: Words) -> None:
    """Draw the list of members, the rules, and the forms of who may change them."""
    name = library.address(city)
    with store.read() as tx:
        rows, by = members(tx, name), rules(tx, name)
        accounts = [row for row in tx.rows("accounts", order="name") if row["active"]] if may(actor, "committee.manage") else []
    _list(rows, said)
    st.markdown(plain(said.say("seat.rules", quorum=said.share(by.quorum), majority=said.share(by.majority))))
    if not by.own:
        st.caption(said.say("seat.rules_ours"))
    if not may(actor, "committee.manage"):
        return
    one, two, three = st.columns(3, gap="medium")
    with one:
        _add(store, actor, name, rows, accounts, said)
    with two:
        _rest(store, actor, rows, said)
    with three:
        _rules(store, actor, name, by, said)


def _list(rows: list[Row], said: Words) -> None:
    if not rows:
        st.info(said.say("seat.nobody"))
        return
    known = constituencies()
    lines = [
        (
            row["name"],
            said.pick(known[row["constituency"]].title, known[row["constituency"]].title_hi) if row["constituency"] in known else row["constituency"],
            said.say("seat.by_screen" if row["account"] else "seat.by_paper"),
            said.say("seat.active" if row["active"] else "seat.rests"),
        )
        for row in rows
    ]
    show_table(pd.DataFrame(lines, columns=[said.say(f"seat.column.{key}") for key in ("name", "constituency", "votes", "state")]))


def _add(store: Store, actor: Actor, city: str, rows: list[Row], accounts: list[Row], said: Words) -> None:
    st.markdown(f"#### {said.say('seat.add')}")
    known = constituencies()
    name = st.text_input(said.say("seat.name"), key=fresh("seat-name"), max_chars=NAME_MOST)
    group = st.selectbox(
        said.say("seat.constituency"), list(known), key=fresh("seat-group"), format_func=lambda key: said.pick(known[key].title, known[key].title_hi)
    )
    taken = {row["account"] for row in rows}
    free = {str(row["id"]): f"{row['title']} ({row['name']})" for row in accounts if row["id"] not in taken}
    account = st.selectbox(
        said.say("seat.account"),
        list(free),
        index=None,
        key=fresh("seat-account"),
        format_func=free.__getitem__,
        placeholder=said.say("seat.no_account"),
    )
    if st.button(said.say("seat.add_do"), key="seat-add"):
        act(lambda: add_member(store, actor, city, name, group, account), said, "seat.added")


def _rest(store: Store, actor: Actor, rows: list[Row], said: Words) -> None:
    st.markdown(f"#### {said.say('seat.rest')}")
    st.caption(said.say("seat.rest_how"))
    named = {str(row["id"]): row for row in rows}
    if not named:
        return
    chosen = st.selectbox(said.say("vote.member"), list(named), key=fresh("seat-rest"), format_func=lambda key: str(named[key]["name"]))
    active = bool(named[chosen]["active"])
    if st.button(said.say("seat.rest_do" if active else "seat.back_do"), key="seat-rest-do"):
        act(lambda: set_active(store, actor, chosen, active=not active), said, "seat.changed")


def _rules(store: Store, actor: Actor, city: str, by: Rules, said: Words) -> None:
    st.markdown(f"#### {said.say('seat.set_rules')}")
    st.caption(said.say("seat.rules_how"))
    quorum = st.text_input(said.say("seat.quorum"), f"{100 * by.quorum:.4g}%", key=fresh("seat-quorum"))
    majority = st.text_input(said.say("seat.majority"), f"{100 * by.majority:.4g}%", key=fresh("seat-majority"))
    if st.button(said.say("seat.rules_do"), key="seat-rules"):
        act(lambda: set_rules(store, actor, city, read_part(quorum), read_part(majority)), said, "seat.rules_set")
