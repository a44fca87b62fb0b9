"""Money and work of a plan: the ledger against its bill, and its sites from order to live."""

from __future__ import annotations

import datetime

import pandas as pd
import streamlit as st

from planning.access import Actor, may
from planning.city import City
from planning.money import parse_rupees
from planning.nouns import Plan
from planning.payments import ANY, HEADS_KNOWN, KINDS, NOTE_MOST, WHO_MOST, Entry, Line, budget_by_head, enter, ledger, payments_of, total
from planning.proposals import digest_now, status_of
from planning.store import Row, Store
from planning.works import PHASES_MOST, STATES, Standing, Step, advance, progress, standings, wards_of, works_of
from planning.writing import read_day, today
from screens import library
from screens.acting import act, fresh
from screens.mapdata import ward_names
from screens.plan import label
from screens.session import pick
from screens.tables import show_table, text_right
from screens.words import Words, plain


def _chosen(store: Store, city: City, said: Words) -> tuple[Row, str] | None:
    """The plan on record that is looked at, approved ones first, and its status; None where there is none."""
    with store.read() as tx:
        found = [row for row in tx.rows("plans", order="created_at", city=library.address(city)) if digest_now(row) == row["digest"]]
        status = {str(row["id"]): status_of(tx, row).key for row in found}
    rows = {str(row["plan"]): row for row in sorted(found, key=lambda row: status[str(row["id"])] == "approved")}
    if not rows:
        st.info(said.say("money.no_plan"))
        return None
    chosen = pick(said.say("money.plan"), list(rows)[::-1], "plan", lambda plan_id: label(city, plan_id, said))
    key = status[str(rows[chosen]["id"])]
    if key != "approved":
        st.warning(said.say("money.unapproved", status=said.say(f"status.{key}")), icon=":material/balance:")
    return rows[chosen], key


def head_name(head: str, said: Words) -> str:
    """What a head of cost is called."""
    return said.say("cost.cameras") if head == "cameras" else said.name("head", head)


def show_money(store: Store, actor: Actor, city: City, said: Words) -> None:
    """The ledger, what was entered, and the form for who may."""
    found = _chosen(store, city, said)
    if found is None:
        return
    row, status = found
    plan = library.plan(city, str(row["plan"]))
    with store.read() as tx:
        payments = payments_of(tx, str(row["id"]))
    lines = ledger(budget_by_head(plan), payments)
    _ledger(lines, said)
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        _entries(payments, said)
    with right:
        if may(actor, "money.write"):
            _enter(store, actor, str(row["id"]), status, said)


def _ledger(lines: tuple[Line, ...], said: Words) -> None:
    whole = total(lines)
    places = st.columns(5)
    figures = (("budgeted", whole.budgeted), ("promised", whole.promised), ("received", whole.received), ("spent", whole.spent), ("left", whole.left))
    for place, (key, amount) in zip(places, figures, strict=True):
        place.metric(said.say(f"money.{key}"), said.short(amount))
    over = [line for line in lines if line.overspent]
    if over:
        told = ", ".join(f"{head_name(line.head, said)} {said.money(-line.left)}" for line in over)
        st.error(plain(said.say("money.overspent", heads=told)), icon=":material/warning:")
    if whole.spent > whole.received:
        st.warning(plain(said.say("money.ahead", amount=said.money(whole.spent - whole.received))), icon=":material/warning:")
    frame = pd.DataFrame(
        [
            [head_name(line.head, said), *(said.money(amount) for amount in (line.budgeted, line.promised, line.received, line.spent, line.left))]
            for line in lines
        ],
        columns=[said.say(f"money.{key}") for key in ("head", "budgeted", "promised", "received", "spent", "left")],
    )
    show_table(frame, {name: text_right() for name in frame.columns[1:]})


def _entries(payments: list[Row], said: Words) -> None:
    st.markdown(f"#### {said.say('money.entries')}")
    if not payments:
        st.caption(said.say("money.no_entries"))
        return
    lines = [
        (
            row["paid_on"],
            said.say(f"money.{row['kind']}"),
            head_name(str(row["head"]), said),
            said.money(int(row["amount_inr"])),
            row["who"],
            row["note"],
        )
        for row in payments[::-1]
    ]
    frame = pd.DataFrame(lines, columns=[said.say(f"money.{key}") for key in ("day", "kind", "head", "amount", "who", "note")])
    show_table(frame, {frame.columns[3]: text_right()}, height=min(360, 36 * (len(lines) + 1)))


def _enter(store: Store, actor: Actor, plan: str, status: str, said: Words) -> None:
    st.markdown(f"#### {said.say('money.enter')}")
    kind = st.selectbox(said.say("money.kind"), KINDS, format_func=lambda key: said.say(f"money.{key}"), key=fresh("money-kind"))
    heads = [head for head in HEADS_KNOWN if head != ANY or kind != "spent"]
    head = st.selectbox(said.say("money.head"), heads, format_func=lambda key: head_name(key, said), key=fresh("money-head"))
    amount = st.text_input(said.say("money.amount"), key=fresh("money-amount"), placeholder="2,50,000")
    minus = st.checkbox(said.say("money.correction"), key=fresh("money-minus"))
    who = st.text_input(said.say("money.who"), key=fresh("money-who"), max_chars=WHO_MOST)
    day = st.text_input(said.say("money.day"), f"{today():%d-%m-%Y}", key=fresh("money-day"))
    note = st.text_input(said.say("money.note"), key=fresh("money-note"), max_chars=NOTE_MOST)
    if st.button(said.say("money.enter_do"), key="money-do", type="primary", disabled=kind == "spent" and status != "approved"):

        def write() -> None:
            rupees = parse_rupees(amount)
            enter(store, actor, plan, [Entry(kind, head, -rupees if minus else rupees, who, read_day(day), note)])

        act(write, said, "money.entered")


def show_work(store: Store, actor: Actor, city: City, said: Words) -> None:
    """How far the building is, by ward and phase, site by site, and the form for who may."""
    found = _chosen(store, city, said)
    if found is None:
        return
    row, status = found
    plan = library.plan(city, str(row["plan"]))
    with store.read() as tx:
        stand = standings((site.id for site in plan.sites), works_of(tx, str(row["id"])))
    late = [one for one in stand.values() if one.overdue(today())]
    places = st.columns(len(STATES) + 1)
    for place, state in zip(places, STATES, strict=False):
        place.metric(said.say(f"work.{state}"), said.number(sum(one.state == state for one in stand.values())))
    places[-1].metric(said.say("work.overdue"), said.number(len(late)))
    if late:
        worst = min(late, key=lambda one: one.due or datetime.date.max)
        told = said.say("work.late", n=said.number(len(late)), site=worst.site, day=f"{worst.due:%d-%m-%Y}" if worst.due else "")
        st.error(plain(told), icon=":material/warning:")
    _groups(city, plan, stand, said)
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        _sites(city, plan, stand, said)
    with right:
        if may(actor, "work.write") and status == "approved":
            _advance(store, actor, str(row["id"]), plan, stand, said)


def _groups(city: City, plan: Plan, stand: dict[str, Standing], said: Words) -> None:
    wards = ward_names(city)
    by_ward = {site: wards.get(ward, ward) or "–" for site, ward in wards_of(plan).items()}
    by_phase = {site: said.say("work.phase_n", n=said.number(one.phase)) for site, one in stand.items() if one.phase is not None}
    lines = [
        (one.name, one.sites, *(one.by_state[state] for state in STATES), one.overdue)
        for group in (by_phase, by_ward)
        for one in progress(stand.values(), group)
    ]
    columns = [said.say("work.group"), said.say("work.sites"), *(said.say(f"work.{state}") for state in STATES), said.say("work.overdue")]
    show_table(pd.DataFrame(lines, columns=columns))


def _sites(city: City, plan: Plan, stand: dict[str, Standing], said: Words) -> None:
    wards, of_site = ward_names(city), wards_of(plan)
    lines = [
        (
            one.site, wards.get(of_site.get(one.site, ""), of_site.get(one.site, "")), said.say(f"work.{one.state}"),
            one.since.isoformat() if one.since else "", "" if one.phase is None else one.phase, one.due.isoformat() if one.due else "",
            said.say("work.overdue") if one.overdue(today()) else "",
        )
        for one in stand.values()
    ]  # fmt: skip
    columns = [said.say(f"work.{key}") for key in ("site", "ward", "state", "since", "phase", "due", "overdue")]
    show_table(pd.DataFrame(lines, columns=columns).astype(str), height=360)


def _advance(store: Store, actor: Actor, plan_row: str, plan: Plan, stand: dict[str, Standing], said: Words) -> None:
    st.markdown(f"#### {said.say('work.write')}")
    state = st.selectbox(said.say("work.state"), STATES, index=1, format_func=lambda key: said.say(f"work.{key}"), key=fresh("work-state"))
    before = STATES[STATES.index(state) - 1] if state != STATES[0] else None
    # Those that this step comes next for stand first; going back is for the others.
    ready = sorted(stand.values(), key=lambda one: (one.state != before, one.site))
    named = {one.site: f"{one.site} · {said.say(f'work.{one.state}')}" for one in ready if one.state != state}
    sites = st.multiselect(
        said.say("work.which"), list(named), format_func=named.__getitem__, key=fresh(f"work-sites-{state}"), placeholder=said.say("work.none")
    )
    day = st.text_input(said.say("work.day"), f"{today():%d-%m-%Y}", key=fresh("work-day"))
    phase, due = 1, ""
    if state == "ordered":
        phase = int(st.number_input(said.say("work.phase"), 1, PHASES_MOST, 1, key=fresh("work-phase")))
        due = st.text_input(said.say("work.due"), key=fresh("work-due"), placeholder="31-03-2027")
    note = st.text_input(said.say("work.note"), key=fresh("work-note"), max_chars=500)
    if st.button(said.say("work.write_do"), key="work-do", type="primary"):
        steps = [Step(site, state, read_day(day), note, phase, read_day(due)) for site in sites]
        act(lambda: advance(store, actor, plan_row, list(stand), steps), said, "work.written")
