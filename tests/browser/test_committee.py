"""A committee decides, in a real Chromium against the real server: propose, vote at the screen and on paper, close; people set pins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from planning.accounts import TERMINAL, add_account
from planning.city import City
from planning.committee import add_member
from planning.export import write_plan
from planning.nouns import Plan
from planning.proposals import status_of
from planning.sessions import open_session
from planning.store import Store
from planning.suggestions import shown_suggestions
from screens.gate import cookie_name
from screens.words import Words, words
from tests.browser.chromium import PICTURES, start_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
MAP = ".map[data-state='ready']"
HOSTILE = '<img src=x onerror="window.hurt=1">${alert(1)}'


class House:
    """The running app, its store, and who may come in."""

    def __init__(self, address: str, store: Store, browser: Browser, city: City) -> None:
        self.address, self.store, self.browser, self.city = address, store, browser, city

    def enter(self, account: str, language: str, **query: str) -> Page:
        """A page of a context of its own, signed in as this account, at the Decisions screen."""
        with self.store.write("", "session.open", account) as tx:
            token = open_session(tx, account)
        context = self.browser.new_context(viewport={"width": 1500, "height": 1100})
        context.add_cookies([{"name": cookie_name(False), "value": token, "url": self.address}])
        page = context.new_page()
        self.go(page, language, **query)
        return page

    def go(self, page: Page, language: str, **query: str) -> None:
        """The page at another view."""
        asked = {"city": "toy", "lang": language, "view": "decisions", **query}
        page.goto(f"{self.address}/?" + "&".join(f"{key}={value}" for key, value in asked.items()))


@pytest.fixture(name="house", scope="module")
def running_house(town: City, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The real app over the small town with its verified plan, and a browser."""
    folder = tmp_path_factory.mktemp("committee")
    city = town.save(folder / "toy")
    write_plan(plan, city, folder / "toy" / "plans" / f"{plan.id}.gpkg")
    log = tmp_path_factory.mktemp("log") / "server.log"
    server, address = start_server(folder, log, dict(os.environ))
    state = log.with_suffix(".state")
    store = Store(f"sqlite:///{state / 'chaukas.db'}", state).ready()
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAUKAS_CITIES", str(folder))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield House(address, store, browser, city)
        browser.close()
    server.terminate()
    server.wait(60)
    store.engine.dispose()


def shot(page: Page, name: str) -> None:
    """A picture of the page for whoever looks."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def press(page: Page, words_: str) -> None:
    """Press the button of these words."""
    page.get_by_role("button", name=words_, exact=True).first.click()


def choose(page: Page, label: str, option: str, at: int = 0) -> None:
    """Choose of a list that opens."""
    page.get_by_label(label, exact=False).nth(at).click()
    page.get_by_role("option", name=option, exact=False).first.click()


def mark(page: Page, words_: str) -> None:
    """Mark a choice of the round buttons that are in sight."""
    page.locator("[data-testid='stRadio'] label").filter(has_text=words_, visible=True).last.click()


def sit(house: House, language: str) -> dict[str, Any]:
    """A committee of three with accounts and one on paper, and two planners; a new one for each language."""
    store, named = house.store, dict[str, Any]()
    for name, role in (("asha", "member"), ("bina", "member"), ("chetan", "member"), ("pia", "planner"), ("quasim", "planner")):
        named[name] = add_account(store, TERMINAL, f"{name}-{language}", title=f"{name.title()} {HOSTILE}", roles=[role])
    for name, group in (("asha", "traders"), ("bina", "doctors"), ("chetan", "youth")):
        add_member(store, TERMINAL, "toy", f"{name.title()} {language}", group, named[name])
    add_member(store, TERMINAL, "toy", f"Dadi {language}", "social_workers")
    return named


def vote_all(house: House, named: dict[str, Any], language: str, said: Words) -> None:
    """Three vote at the screen; one paper is entered by one planner and confirmed by the other."""
    for name, choice in (("asha", "yes"), ("bina", "yes"), ("chetan", "no")):
        page = house.enter(named[name], language, part="open")
        press(page, said.say(f"choice.{choice}"))
        expect(page.get_by_text(said.say("vote.done"))).to_be_visible(timeout=30_000)
        page.context.close()
    page = house.enter(named["pia"], language, part="open")
    page.get_by_text(said.say("vote.enter"), exact=True).click()
    choose(page, said.say("vote.member"), f"Dadi {language}")
    mark(page, said.say("choice.yes"))
    press(page, said.say("vote.enter_do"))
    expect(page.get_by_text(said.say("vote.entered"))).to_be_visible(timeout=30_000)
    shot(page, f"committee-paper-{language}")
    page.context.close()
    page = house.enter(named["quasim"], language, part="open")
    expect(page.get_by_text(said.say("vote.confirm", n="1"))).to_be_visible(timeout=30_000)
    mark(page, said.say("choice.yes"))
    press(page, said.say("vote.confirm_do"))
    expect(page.get_by_text(said.say("vote.confirmed"))).to_be_visible(timeout=30_000)
    page.context.close()


@pytest.mark.parametrize("language", ["hi", "en"])
def test_a_committee_proposes_votes_and_approves(house: House, language: str, plan: Plan) -> None:
    """The real verifier agrees, three vote, one paper goes through two hands, the plan is approved; no name ran as script."""
    said = words(language)
    _undo(house)
    named = sit(house, language)
    page = house.enter(named["pia"], language, part="plans")
    expect(page.get_by_text(said.say("decide.propose"), exact=True)).to_be_visible(timeout=60_000)
    shot(page, f"committee-plans-{language}")
    page.get_by_label(said.say("decide.text")).fill(f"Why {HOSTILE}")
    page.get_by_label(said.say("decide.text")).blur()
    press(page, said.say("decide.propose_do"))
    expect(page.get_by_text(said.say("decide.proposed"))).to_be_visible(timeout=60_000)
    vote_all(house, named, language, said)
    house.go(page, language, part="open")
    expect(page.get_by_text(said.say("vote.carried"))).to_be_visible(timeout=30_000)
    shot(page, f"committee-vote-{language}")
    press(page, said.say("vote.close_do"))
    expect(page.get_by_text(said.say("vote.closed"))).to_be_visible(timeout=30_000)
    house.go(page, language, part="history")
    expect(page.get_by_text(said.say("decide.head"), exact=True)).to_be_visible(timeout=30_000)
    shot(page, f"committee-history-{language}")
    for part, words_ in (("money", said.say("money.enter_do")), ("work", said.say("work.write_do"))) if language == "hi" else ():
        house.go(page, language, part=part)
        expect(page.get_by_role("button", name=words_, exact=True).first).to_be_visible(timeout=60_000)
        shot(page, f"committee-{part}-{language}")
    assert page.evaluate("window.hurt") is None
    with house.store.read() as tx:
        (row,) = tx.rows("plans", city="toy")
        assert status_of(tx, row).key == "approved"
        decision = tx.rows("decisions", order="created_at")[-1]
    assert (decision["count"]["yes"], decision["count"]["no"], decision["count"]["members"]) == (3, 1, 4)
    assert house.store.verify()[1] is None


def _undo(house: House) -> None:
    """The plan as it was before any committee, so that another evening can begin."""
    with house.store.write("terminal", "test", "toy") as tx:
        for table in ("decisions", "votes", "remarks", "proposals", "plans", "members"):
            for row in tx.rows(table):
                tx.drop(table, row["id"])


@pytest.mark.parametrize("language", ["hi", "en"])
def test_a_pin_is_set_on_the_map_shown_and_answered(house: House, language: str, plan: Plan) -> None:
    """A click on the map fills in the place; sent, looked at and shown, the pin is on the map with the plan's answer; its words run as nothing."""
    said = words(language)
    with house.store.read() as tx:
        known = tx.one("accounts", name=f"pin-{language}")
    account = known["id"] if known else add_account(house.store, TERMINAL, f"pin-{language}", title="Pin", roles=["planner"])
    page = house.enter(str(account), language, view="suggestions", plan=plan.id)
    box = page.locator(MAP).first
    box.wait_for(timeout=60_000)
    box.click(position={"x": 320, "y": 260 if language == "hi" else 180})
    field = page.get_by_label(said.say("pin.where"))
    expect(field).not_to_have_value("", timeout=30_000)
    page.get_by_label(said.say("pin.body")).fill(f"Dark lane {HOSTILE}")
    page.get_by_label(said.say("pin.body")).blur()
    press(page, said.say("pin.send"))
    expect(page.get_by_text(said.say("pin.thanks"))).to_be_visible(timeout=30_000)
    press(page, said.say("pin.show"))
    expect(page.get_by_text(said.say("pin.shown"))).to_be_visible(timeout=30_000)
    page.locator(MAP).first.wait_for(timeout=60_000)
    page.locator(".note").last.click()
    expect(page.locator(".leaflet-popup-content .answer")).to_be_visible(timeout=30_000)
    expect(page.locator(".leaflet-popup-content")).to_contain_text("onerror")
    assert page.evaluate("window.hurt") is None
    shot(page, f"committee-pins-{language}")
    assert len(shown_suggestions(house.store, "toy")) >= 1
    page.context.close()
