"""The committee's screens, driven without a browser: proposing, voting, money, work, members, history, and what the public sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from planning.access import PUBLIC, Actor
from planning.ballots import cast, confirm_paper, enter_paper
from planning.city import ROOT, City
from planning.committee import add_member, set_rules
from planning.payments import Entry, enter
from planning.proposals import close, propose, public_decisions, publish, published_ids, register, remark
from planning.store import Store, now, open_store
from planning.works import Step, advance
from planning.writing import today
from screens import decisions, library, who
from screens.words import words
from tests.screens.toy import HOSTILE

ADMIN = Actor("a0", "Root", ("admin",))
Opener = Callable[..., AppTest]


@pytest.fixture(name="store")
def process_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The process's store, in a state folder of the test's own, with an account for each who acts; some bear hostile names."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CHAUKAS_DATABASE_URL", raising=False)
    (tmp_path / "state").mkdir()
    store = open_store()
    for label, roles in (("a0", ["admin"]), ("m1", ["member"]), ("m2", ["member"]), ("p1", ["planner"]), ("p2", ["planner"])):
        with store.write("", "account.manage", label) as tx:
            tx.add("accounts", {"id": label, "name": label, "title": f"{label} {HOSTILE}", "roles": roles, "created_at": now()})
    return store


@pytest.fixture(name="seats")
def committee(store: Store) -> dict[str, str]:
    """Two members with accounts, one on paper with a hostile name."""
    named = {"m1": add_member(store, ADMIN, "toy", "Meera", "traders", "m1"), "m2": add_member(store, ADMIN, "toy", "Omkar", "doctors", "m2")}
    return {**named, "paper": add_member(store, ADMIN, "toy", HOSTILE, "youth")}


@pytest.fixture(name="proposal")
def open_proposal(store: Store, toy: City, seats: dict[str, str]) -> str:
    """The verified toy plan before the committee, with hostile words."""
    return propose(store, actor("m1"), register(store, actor("m1"), toy, verified(toy).path, lambda *_: None), f"Why {HOSTILE}")


def actor(name: str) -> Actor:
    """The actor of an account of these tests."""
    return {"a0": ADMIN, "p1": Actor("p1", "p1", ("planner",)), "p2": Actor("p2", "p2", ("planner",))}.get(name, Actor(name, name, ("member",)))


def verified(toy: City) -> library.PlanFile:
    """The toy plan that the verifier agreed to."""
    return next(file for file in library.plan_files(toy) if library.plan(toy, file.id).verified)


@pytest.fixture(name="page")
def opener(toy: City, store: Store, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens the Decisions screen for someone."""

    def at(by: Actor, **query: str) -> AppTest:
        monkeypatch.setattr(who, "actor", lambda: by)
        test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
        for key, value in {"city": "toy", "lang": "en", "view": "decisions", **query}.items():
            test.query_params[key] = value
        return sound(test.run())

    return at


def sound(test: AppTest) -> AppTest:
    """The page, which must not have broken."""
    assert not test.exception, test.exception
    return test


def texts(test: AppTest) -> str:
    """Everything the page says, without Markdown's escapes."""
    kinds = [test.markdown, test.warning, test.error, test.info, test.caption, test.success, test.metric, test.text]
    said = "\n".join(f"{getattr(item, 'label', '')} {item.value}" for kind in kinds for item in kind)
    tables = "\n".join(str(table.value.to_dict()) for table in test.dataframe)
    return re.sub(r"\\(.)", r"\1", f"{said}\n{tables}").replace("\u2060", "")


def press(test: AppTest, key: str) -> AppTest:
    """Press the button whose key begins so."""
    return sound(next(button for button in test.button if str(button.key).startswith(key)).click().run())


def field(widgets: Any, key: str) -> Any:
    """The widget whose key begins so."""
    return next(widget for widget in widgets if str(widget.key).startswith(key))


def test_a_plan_is_checked_and_proposed_from_the_screen(page: Opener, toy: City, seats: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier is asked; its refusal is told and nothing is proposed, its agreement brings the plan before the committee."""
    plan_id = verified(toy).id
    test = page(actor("m1"), part="plans")
    assert "draft" in texts(test)
    field(test.selectbox, "propose-plan").set_value(plan_id)
    # What the toy plan says it sees is made up: the real verifier must refuse it.
    assert "verify" in texts(press(sound(test.run()), "propose-do")) or test.error
    assert "before the committee" not in str([row.value.to_dict() for row in test.dataframe])
    monkeypatch.setattr(decisions, "check", lambda *_: None)
    test = page(actor("m1"), part="plans")
    field(test.selectbox, "propose-plan").set_value(plan_id)
    test = press(sound(test.run()), "propose-do")
    assert "The plan is before the committee" in texts(test)


def test_an_unverified_plan_is_refused_in_words(page: Opener, toy: City, seats: dict[str, str]) -> None:
    """Before the verifier is even asked."""
    other = next(file.id for file in library.plan_files(toy) if file.id != verified(toy).id)
    test = page(actor("p1"), part="plans")
    field(test.selectbox, "propose-plan").set_value(other)
    assert "has not agreed to this plan" in texts(press(sound(test.run()), "propose-do"))


def test_a_member_votes_and_changes_the_vote(page: Opener, proposal: str) -> None:
    """The buttons of one's own seat; the count follows at once."""
    test = press(page(actor("m1"), part="open"), "vote-yes")
    assert "Your vote is counted" in texts(test)
    assert {metric.label: metric.value for metric in test.metric}["Yes"] == "1"
    test = press(test, "vote-no")
    assert {metric.label: metric.value for metric in test.metric}["No"] == "1"


def test_only_seats_have_vote_buttons_and_only_planners_papers_and_closing(page: Opener, proposal: str, store: Store, seats: dict[str, str]) -> None:
    """Each sees what the role and the seat allow."""

    def keys(by: Actor) -> set[str]:
        return {str(button.key).split("-")[0] for button in page(by, part="open").button}

    assert "vote" in keys(actor("m1"))
    assert "vote" not in keys(Actor("x9", "x9", ("member",)))
    assert {"paper", "close"} & keys(actor("m1")) == set()
    assert {"paper", "close"} <= keys(actor("p1"))
    enter_paper(store, actor("p1"), proposal, seats["paper"], "yes")
    assert "confirm" in keys(actor("m1"))


def test_a_paper_goes_through_two_hands_on_the_screen(page: Opener, proposal: str, seats: dict[str, str]) -> None:
    """Entered by one planner, not counted; confirmed by the other, who must read the same."""
    test = page(actor("p1"), part="open")
    field(test.selectbox, "paper-").set_value(seats["paper"])
    field(test.radio, "paper-choice").set_value("yes")
    test = press(sound(test.run()), "paper-do")
    assert "waits for a second person" in texts(test)
    assert {metric.label: metric.value for metric in test.metric}["Yes"] == "0"
    field(test.radio, "confirm-choice").set_value("yes")
    assert "confirmed by a second person" in texts(press(sound(test.run()), "confirm-do"))
    test = page(actor("p2"), part="open")
    field(test.radio, "confirm-choice").set_value("no")
    test = press(sound(test.run()), "confirm-do")
    assert "another choice" in texts(test)
    field(test.radio, "confirm-choice").set_value("yes")
    test = press(sound(test.run()), "confirm-do")
    assert {metric.label: metric.value for metric in test.metric}["Yes"] == "1"


def test_a_vote_is_closed_with_a_reason_and_stands_in_the_history(page: Opener, proposal: str, store: Store) -> None:
    """Without a reason it stays open; then the decision, its count and the audit's head are in the history."""
    test = press(page(actor("p1"), part="open"), "close-do")
    assert "needs a reason" in texts(test)
    field(test.text_area, "reason-").set_value(f"Too few {HOSTILE}")
    test = press(sound(test.run()), "close-do")
    assert "It is decided" in texts(test)
    shown = texts(page(actor("m1"), part="history"))
    assert "sent back" in shown
    with store.read() as tx:
        head = tx.head()
    assert f"{head.seq}:{head.mac}" in shown


def approve(store: Store, proposal: str, seats: dict[str, str]) -> str:
    """Have the toy plan approved; its row's id."""
    for name in ("m1", "m2"):
        cast(store, actor(name), proposal, "yes")
    confirm_paper(store, actor("p2"), enter_paper(store, actor("p1"), proposal, seats["paper"], "yes"), "yes")
    return str(close(store, actor("p1"), proposal)["plan"])


def test_money_is_entered_against_the_bill(page: Opener, proposal: str, store: Store, seats: dict[str, str]) -> None:
    """A planner enters what was spent; overspending is told; a member reads and has no form."""
    approve(store, proposal, seats)
    test = page(actor("p1"), part="money")
    field(test.selectbox, "money-kind").set_value("spent")
    test = sound(test.run())
    field(test.selectbox, "money-head").set_value("pole")
    field(test.text_input, "money-amount").set_value("9 lakh")
    field(test.text_input, "money-who").set_value(HOSTILE)
    test = press(sound(test.run()), "money-do")
    assert "Overspent: Pole" in texts(test)
    assert "more was spent than came in" in texts(test)
    reader = page(actor("m1"), part="money")
    assert "₹9,00,000" in texts(reader)
    assert not [button for button in reader.button if str(button.key).startswith("money")]


def test_work_is_written_site_by_site(page: Opener, proposal: str, store: Store, seats: dict[str, str], toy: City) -> None:
    """An order without its day is refused; with it the counts follow; a member has no form."""
    approve(store, proposal, seats)
    sites = [site.id for site in library.plan(toy, verified(toy).id).sites]
    test = page(actor("p1"), part="work")
    field(test.multiselect, "work-sites").set_value(sites[:2])
    test = press(sound(test.run()), "work-do")
    assert "by when the site is live" in texts(test)
    field(test.text_input, "work-due").set_value("31-03-2099")
    test = press(sound(test.run()), "work-do")
    assert {metric.label: metric.value for metric in test.metric}["ordered"] == "2"
    assert not [button for button in page(actor("m1"), part="work").button if str(button.key).startswith("work")]


def test_members_and_rules_are_changed_by_who_manages_the_committee(page: Opener, store: Store) -> None:
    """The administrator's forms; all faults in words; others read."""
    test = press(page(ADMIN, part="seats"), "seat-add")
    assert "A member's name has 1 to 80 signs" in texts(test)
    field(test.text_input, "seat-name").set_value("Kavita")
    test = press(sound(test.run()), "seat-add")
    assert "Kavita" in texts(test)
    field(test.text_input, "seat-quorum").set_value("2/3")
    test = press(sound(test.run()), "seat-rules")
    assert "66.7 %" in texts(test)
    test = press(test, "seat-rest-do")
    assert "rests" in texts(test)
    assert not page(actor("p1"), part="seats").text_input


def test_the_public_sees_published_plans_and_decisions_alone(page: Opener, proposal: str, store: Store, seats: dict[str, str]) -> None:
    """No parts, no names, no buttons but the page's own; a plan once it is published."""
    plan = approve(store, proposal, seats)
    test = page(PUBLIC)
    assert "no plan yet" in texts(test)
    assert "Meera" not in texts(test)
    assert not test.button
    publish(store, actor("p1"), plan)
    assert "approved" in texts(page(PUBLIC))
    assert len(public_decisions(store, "toy")) == 1


def live(test: AppTest) -> list[str]:
    """Marks of people's text that would draw, link or run: none of them may be without its escape."""
    kinds = (test.markdown, test.error, test.warning, test.info, test.caption, test.success)
    raw = "\n".join(str(item.value) for kind in kinds for item in kind)
    return re.findall(r"(?<!\\)<img|(?<!\\)\]\(http|(?<!\\)\$\{", raw)


def test_every_part_in_each_language_with_hostile_words_everywhere(
    page: Opener, proposal: str, store: Store, seats: dict[str, str], toy: City
) -> None:
    """Every text of people stands on the page as text: no Markdown of theirs is alive, and nothing breaks."""
    set_rules(store, ADMIN, "toy", 0.5, 0.5)
    remark(store, actor("m1"), proposal, f"![x](http://evil.example/x.png) {HOSTILE}")
    test = page(ADMIN, part="open", lang="en")
    assert "evil.example" in texts(test)
    assert live(test) == []
    plan = approve(store, proposal, seats)
    enter(store, actor("p1"), plan, [Entry("spent", "pole", 5_000, HOSTILE, today(), HOSTILE)])
    sites = [site.id for site in library.plan(toy, verified(toy).id).sites]
    advance(store, actor("p1"), plan, sites, [Step(site, "ordered", today(), HOSTILE, 1, today()) for site in sites])
    for part in decisions.PARTS:
        test = page(ADMIN, part=part, lang="hi")
        assert live(test) == [], part
        assert words("hi").say(f"decide.{part}", n="0") in [option for group in test.get("button_group") for option in options(group)]


def options(group: Any) -> list[str]:
    """The words on a row of buttons."""
    return [str(option.content) for option in group.proto.options]


def test_the_plan_screen_publishes_for_who_may(page: Opener, toy: City, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """A planner's button shows the plan to everyone and takes it back; a member has none."""
    monkeypatch.setattr("optimizer.verify.verify", lambda *_: None)
    file = verified(toy)
    assert not [button for button in page(actor("m1"), view="plan", plan=file.id, tab="files").button if button.key == "plan-publish"]
    press(page(actor("p1"), view="plan", plan=file.id, tab="files"), "plan-publish")
    assert published_ids(store, "toy") == (file.id,)
    test = page(actor("p1"), view="plan", plan=file.id, tab="files")
    press(test, "plan-publish")
    assert published_ids(store, "toy") == ()
