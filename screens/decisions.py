"""The Decisions screen: plans with where they stand, what is before the committee, money, work, members, and the history with the audit's head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from planning.access import Actor, may
from planning.city import City
from planning.nouns import Plan
from planning.proposals import TEXT_MOST, digest_now, history, propose, public_decisions, publish, published_plans, register, status_of
from planning.store import Reading, Row, Store, open_store
from screens import library, who
from screens.acting import act, day_of, fresh, names, told
from screens.ledger import show_money, show_work
from screens.proposal import show_proposal
from screens.public_view import count_words
from screens.seats import show_seats
from screens.session import pick
from screens.tables import show_table
from screens.turns import DRAWING
from screens.words import Words, plain

PARTS = ("plans", "open", "money", "work", "seats", "history")


def show(city: City, said: Words) -> None:
    """Draw the screen; who may not read plans sees what is public."""
    store, actor = open_store(), who.actor()
    told(said)
    if not may(actor, "plan.read"):
        _public(store, city, said)
        return
    name = library.address(city)
    with store.read() as tx:
        running = [row for row in history(tx, name) if row["decision"] is None]
    parts = [part for part in PARTS if part not in ("money", "work") or may(actor, "money.read")]
    part = pick(
        said.say("decide.part"), parts, "part", lambda key: said.say(f"decide.{key}", n=said.number(len(running))), horizontal=True, hidden=True
    )
    if part == "plans":
        _plans(store, actor, city, said)
    elif part == "open":
        if not running:
            st.info(said.say("decide.none_open"))
        for row in running:
            show_proposal(store, actor, city, row, said)
    elif part == "money":
        show_money(store, actor, city, said)
    elif part == "work":
        show_work(store, actor, city, said)
    elif part == "seats":
        show_seats(store, actor, city, said)
    else:
        _history(store, city, said)


def current(tx: Reading, city: str) -> dict[str, Row]:
    """The row of each plan of a city whose file is the one on record, by the plan's own id."""
    return {str(row["plan"]): row for row in tx.rows("plans", order="created_at", city=city) if digest_now(row) == row["digest"]}


def check(plan: Plan, city: City) -> object:
    """The verifier: works the plan out again, and raises where it does not agree."""
    # The optimizer's libraries take seconds to import: not before a plan is proposed.
    from optimizer.verify import verify

    return verify(plan, city)


def _plans(store: Store, actor: Actor, city: City, said: Words) -> None:
    from screens.plan import label

    name = library.address(city)
    files = {file.id: file for file in library.plan_files(city)}
    with store.read() as tx:
        rows = current(tx, name)
        old = [row for row in tx.rows("plans", order="created_at", city=name) if digest_now(row) != row["digest"]]
        status = {plan_id: status_of(tx, row) for plan_id, row in rows.items()}
    lines = []
    for plan_id in files:
        stand, row = status.get(plan_id), rows.get(plan_id)
        key = stand.key if stand else "draft"
        public = said.say("decide.public_yes" if row is not None and row["published_at"] else "decide.public_no")
        lines.append((label(city, plan_id, said), said.say(f"status.{key}"), stand.reason if stand else "", public))
    lines += [(f"{row['title']} {row['plan']}".strip(), said.say("status.superseded"), "", said.say("decide.public_no")) for row in old]
    if not lines:
        st.info(said.say("plan.none"))
        return
    columns = [said.say(f"decide.column.{key}") for key in ("plan", "status", "reason", "public")]
    show_table(pd.DataFrame(lines, columns=columns))
    left, right = st.columns(2, gap="medium")
    free = [plan_id for plan_id in files if plan_id not in status or status[plan_id].key in ("draft", "sent_back")]
    if may(actor, "plan.propose") and free:
        with left:
            _propose(store, actor, city, free, files, said)
    if may(actor, "plan.publish") and rows:
        with right:
            _publish(store, actor, city, rows, said)


def _propose(store: Store, actor: Actor, city: City, free: list[str], files: Mapping[str, library.PlanFile], said: Words) -> None:
    from screens.plan import label

    st.markdown(f"#### {said.say('decide.propose')}")
    st.caption(said.say("decide.propose_how"))
    chosen = st.selectbox(said.say("decide.which"), free, format_func=lambda plan_id: label(city, plan_id, said), key=fresh("propose-plan"))
    body = st.text_area(said.say("decide.text"), key=fresh("propose-text"), max_chars=TEXT_MOST)
    if st.button(said.say("decide.propose_do"), type="primary", key="propose-do"):
        path: Path = files[chosen].path
        with st.spinner(said.say("decide.checking")), DRAWING.aside():
            act(lambda: propose(store, actor, register(store, actor, city, path, check), body), said, "decide.proposed")


def _publish(store: Store, actor: Actor, city: City, rows: dict[str, Row], said: Words) -> None:
    from screens.plan import label

    st.markdown(f"#### {said.say('decide.publish')}")
    st.caption(said.say("decide.publish_how"))
    chosen = st.selectbox(said.say("decide.which"), list(rows), format_func=lambda plan_id: label(city, plan_id, said), key=fresh("publish-plan"))
    row = rows[chosen]
    shown = row["published_at"] is None
    if st.button(said.say("decide.publish_do" if shown else "decide.publish_undo"), key="publish-do"):
        act(lambda: publish(store, actor, str(row["id"]), shown=shown), said, "decide.published" if shown else "decide.unpublished")


def _history(store: Store, city: City, said: Words) -> None:
    with store.read() as tx:
        rows = [row for row in history(tx, library.address(city)) if row["decision"] is not None]
        people, head = names(tx), tx.head()
    if not rows:
        st.info(said.say("decide.no_history"))
    lines = [
        (
            day_of(str(row["decision"]["created_at"])), f"{row['plan_row']['title']} {row['plan_row']['plan']}".strip(),
            said.say(f"status.{row['decision']['outcome']}"), count_words(row["decision"]["count"], said), row["decision"]["reason"],
            people.get(str(row["decision"]["by"]), ""),
        )
        for row in rows
    ]  # fmt: skip
    if lines:
        columns = [said.say(f"decide.column.{key}") for key in ("day", "plan", "outcome", "count", "reason", "by")]
        show_table(pd.DataFrame(lines, columns=columns))
    st.markdown(f"#### {said.say('decide.head')}")
    st.caption(said.say("decide.head_how"))
    st.text(f"{head.seq}:{head.mac}")


def _public(store: Store, city: City, said: Words) -> None:
    name = library.address(city)
    plans, decided = published_plans(store, name), public_decisions(store, name)
    st.markdown(f"#### {said.say('decide.public_plans')}")
    if not plans:
        st.info(said.say("decide.no_public"))
    for row in plans:
        line = said.say(
            "decide.public_line", plan=row["plan"], cost=said.short(int(row["capital_inr"])), share=said.share(float(row["coverage"])),
            status=said.say(f"status.{row['status']['key']}"),
        )  # fmt: skip
        st.markdown(f"**{plain(row['title'])}** {plain(line)}" if row["title"] else plain(line))
    st.markdown(f"#### {said.say('decide.public_decisions')}")
    if not decided:
        st.info(said.say("decide.no_history"))
        return
    lines = [
        (day_of(str(row["created_at"])), row["plan"], said.say(f"status.{row['outcome']}"), count_words(row["count"], said), row["reason"])
        for row in decided
    ]
    show_table(pd.DataFrame(lines, columns=[said.say(f"decide.column.{key}") for key in ("day", "plan", "outcome", "count", "reason")]))
