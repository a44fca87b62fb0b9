"""One open proposal as the committee sees it: the count so far, votes at the screen and on paper, remarks, and its closing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from planning.access import Actor, may
from planning.ballots import CHOICES, Count, cast, confirm_paper, count_of, enter_paper
from planning.city import City
from planning.committee import constituencies, member_of, members
from planning.proposals import TEXT_MOST, close, digest_now, remark
from planning.store import Row, Store
from screens import library
from screens.acting import act, day_of, fresh, names
from screens.plan import label
from screens.words import Words, plain


def show_proposal(store: Store, actor: Actor, city: City, row: Mapping[str, Any], said: Words) -> None:
    """Draw the proposal of a row of `planning.proposals.history`."""
    proposal, plan = str(row["id"]), row["plan_row"]
    with store.read() as tx:
        count, people = count_of(tx, dict(row)), names(tx)
        seat = member_of(tx, str(row["city"]), actor)
        sitting = members(tx, str(row["city"]), active=True)
        votes = {str(vote["member"]): vote for vote in tx.rows("votes", proposal=proposal)}
        said_so_far = tx.rows("remarks", order="created_at", proposal=proposal)
    with st.container(border=True):
        known = any(file.id == plan["plan"] for file in library.plan_files(city))
        st.markdown(f"#### {plain(label(city, str(plan['plan']), said) if known else plan['plan'])}")
        opened = said.say("vote.opened", day=day_of(str(row["opened_at"])), by=people.get(str(row["by"]), "–"))
        st.markdown(plain(opened) + (f"\n\n> {plain(row['body'])}" if row["body"] else ""))
        if digest_now(plan) != plan["digest"]:
            st.warning(said.say("vote.other_file"), icon=":material/history:")
        elif known:
            st.link_button(said.say("vote.look"), f"?city={library.address(city)}&lang={said.language}&view=plan&plan={plan['plan']}")
        _count(count, said)
        left, right = st.columns(2, gap="medium")
        with left:
            if seat is not None and may(actor, "vote.cast"):
                _vote(store, actor, proposal, votes.get(str(seat["id"])), said)
            _who(sitting, votes, said)
            _papers(store, actor, proposal, sitting, votes, said)
        with right:
            _remarks(store, actor, proposal, said_so_far, people, said)
            if may(actor, "vote.close"):
                _close(store, actor, proposal, count, said)


def _count(count: Count, said: Words) -> None:
    places = st.columns(5)
    for place, (key, value) in zip(places, (("yes", count.yes), ("no", count.no), ("abstain", count.abstain)), strict=False):
        place.metric(said.say(f"choice.{key}"), said.number(value))
    places[3].metric(said.say("vote.in"), said.say("vote.of", n=said.number(count.cast), all=said.number(count.members)))
    places[4].metric(said.say("vote.waiting"), said.number(count.waiting))
    rule = said.say("vote.rule", needed=said.number(count.needed), majority=said.share(count.majority))
    now_at = said.say("vote.carried" if count.carried else "vote.no_quorum" if not count.met else "vote.not_carried")
    st.caption(f"{plain(rule)} **{plain(now_at)}**")


def _vote(store: Store, actor: Actor, proposal: str, mine: Row | None, said: Words) -> None:
    st.markdown(f"##### {said.say('vote.mine')}")
    if mine is not None:
        st.caption(said.say("vote.is", choice=said.say(f"choice.{mine['choice']}")))
    for place, choice in zip(st.columns(3), CHOICES, strict=True):
        pressed = mine is not None and mine["choice"] == choice and not mine["paper"]
        kind: Literal["primary", "secondary"] = "primary" if pressed else "secondary"
        if place.button(said.say(f"choice.{choice}"), key=f"vote-{choice}-{proposal}", width="stretch", type=kind):
            act(lambda choice=choice: cast(store, actor, proposal, choice), said, "vote.done")  # type: ignore[misc]


def _who(sitting: list[Row], votes: Mapping[str, Row], said: Words) -> None:
    """The open vote: who voted what; a paper that waits says only that it does."""
    known = constituencies()
    lines = []
    for seat in sitting:
        vote, group = votes.get(str(seat["id"])), known.get(str(seat["constituency"]))
        if vote is None:
            state = said.say("vote.none")
        elif vote["paper"] and not vote["confirmed_by"]:
            state = said.say("vote.paper_waits")
        else:
            state = said.say(f"choice.{vote['choice']}") + (f" ({said.say('vote.paper')})" if vote["paper"] else "")
        title = said.pick(group.title, group.title_hi) if group else seat["constituency"]
        lines.append(f"- {plain(seat['name'])} ({plain(title)}): **{plain(state)}**")
    with st.expander(said.say("vote.who", n=said.number(len(sitting)))):
        st.markdown("\n".join(lines))


def _papers(store: Store, actor: Actor, proposal: str, sitting: list[Row], votes: Mapping[str, Row], said: Words) -> None:
    named = {str(seat["id"]): str(seat["name"]) for seat in sitting}

    def choice_of(key: str) -> str | None:
        return st.radio(said.say("vote.says"), CHOICES, index=None, horizontal=True, key=key, format_func=lambda one: said.say(f"choice.{one}"))

    if may(actor, "vote.enter_paper"):
        open_to = [label for label in named if label not in votes or votes[label]["paper"]]
        with st.expander(said.say("vote.enter")):
            st.caption(said.say("vote.enter_how"))
            member = st.selectbox(said.say("vote.member"), open_to, format_func=named.__getitem__, index=None, key=fresh(f"paper-{proposal}"))
            choice = choice_of(fresh(f"paper-choice-{proposal}"))
            if st.button(said.say("vote.enter_do"), key=f"paper-do-{proposal}", disabled=member is None or choice is None):
                act(lambda: enter_paper(store, actor, proposal, str(member), str(choice)), said, "vote.entered")
    waiting = {
        str(vote["id"]): named[str(vote["member"])]
        for vote in votes.values()
        if vote["paper"] and not vote["confirmed_by"] and vote["member"] in named
    }
    if may(actor, "vote.confirm_paper") and waiting:
        with st.expander(said.say("vote.confirm", n=said.number(len(waiting))), expanded=True):
            st.caption(said.say("vote.confirm_how"))
            vote = st.selectbox(said.say("vote.member"), list(waiting), format_func=waiting.__getitem__, key=fresh(f"confirm-{proposal}"))
            choice = choice_of(fresh(f"confirm-choice-{proposal}"))
            if st.button(said.say("vote.confirm_do"), key=f"confirm-do-{proposal}", disabled=choice is None):
                act(lambda: confirm_paper(store, actor, str(vote), str(choice)), said, "vote.confirmed")


def _remarks(store: Store, actor: Actor, proposal: str, rows: list[Row], people: Mapping[str, str], said: Words) -> None:
    st.markdown(f"##### {said.say('remark.title', n=said.number(len(rows)))}")
    for row in rows[-50:]:
        st.markdown(f"**{plain(people.get(str(row['by']), '–'))}** :gray[{day_of(str(row['created_at']))}]\n\n{plain(row['body'])}")
    if may(actor, "discussion.write"):
        body = st.text_area(said.say("remark.write"), key=fresh(f"remark-{proposal}"), max_chars=TEXT_MOST, height=80)
        if st.button(said.say("remark.send"), key=f"remark-do-{proposal}"):
            act(lambda: remark(store, actor, proposal, body), said, "remark.done")


def _close(store: Store, actor: Actor, proposal: str, count: Count, said: Words) -> None:
    st.markdown(f"##### {said.say('vote.close')}")
    st.caption(said.say("vote.close_approves" if count.carried else "vote.close_returns"))
    reason = st.text_area(said.say("vote.reason"), key=fresh(f"reason-{proposal}"), max_chars=TEXT_MOST, height=80)
    if st.button(said.say("vote.close_do"), key=f"close-do-{proposal}", type="primary"):
        act(lambda: close(store, actor, proposal, reason), said, "vote.closed")
