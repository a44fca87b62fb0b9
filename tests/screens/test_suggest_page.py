"""The page for people without an account: closed by default, and what it takes, refuses and forgets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from planning import suggestions
from planning.access import Actor
from planning.accounts import TERMINAL, add_account
from planning.errors import Forbidden
from planning.store import Store, open_store
from planning.suggestions import Limit, all_suggestions, is_open, moderate, open_cities, set_open
from screens import library
from screens.doors import gate_routes
from screens.gate import Gate
from screens.middleware import StayHome
from screens.suggest_page import COOKIE, routes
from tests.planning.test_suggestions import LAT, LON
from tests.screens.toy import HOSTILE, toy_city
from tests.screens.visitor import Answer, Visitor

ADMIN, PLANNER = Actor("a", "A", ("admin",)), Actor("p", "P", ("planner",))
PLACE, WORDS = f"{LAT}, {LON}", "Dark at night"


@pytest.fixture(name="house")
def open_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of one's own, the toy city, and an administrator who opened it."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    monkeypatch.setattr(suggestions, "LIMIT", Limit())
    city = toy_city()
    monkeypatch.setattr(library, "cities", lambda: ["toy"])
    monkeypatch.setattr(library, "city", lambda name: {"toy": city}[name] if name == "toy" else library.City.load(tmp_path / name))
    store = open_store()
    boss = add_account(store, TERMINAL, "boss", roles=["admin"])
    with store.write("test", "account.password", boss) as tx:
        tx.change("accounts", boss, password="kept")  # pragma: allowlist secret  # no hash: nobody signs in by it
    set_open(store, ADMIN, "toy", True)
    yield store
    store.engine.dispose()


def passer_by() -> Visitor:
    """Someone without an account, at the gate."""
    return Visitor(Starlette(routes=[*gate_routes(), *routes()], middleware=[Middleware(StayHome), Middleware(Gate)]))


def token_of(asks: Visitor, url: str = "/suggest/toy?lang=en") -> str:
    """The token of the form, with the cookie that goes with it kept."""
    found = re.search(r'name="token" value="([0-9a-f]{64})"', asks.ask(url).text)
    assert found
    return found[1]


def send(asks: Visitor, place: str = PLACE, body: str = WORDS, **more: str) -> Answer:
    """A suggestion sent from the form."""
    return asks.post("/suggest/toy?lang=en", {"token": token_of(asks), "place": place, "body": body}, **more)


def test_a_city_is_closed_until_an_administrator_opens_it(house: Store) -> None:
    """Closed, neither page nor layer nor form is there, and it is as if there were no such city; opening takes the right and is in the audit."""
    with pytest.raises(Forbidden):
        set_open(house, PLANNER, "toy", False)
    set_open(house, ADMIN, "toy", False)
    asks = passer_by()
    closed, none = asks.ask("/suggest/toy?lang=en"), asks.ask("/suggest/nowhere?lang=en")
    assert (closed.status, none.status) == (400, 400)
    assert closed.text.replace("toy", "") == none.text.replace("nowhere", "")
    assert asks.ask(f"/suggest/toy/layer/{toy_city().digest}/roads").status == 404
    assert asks.post("/suggest/toy", {"place": PLACE, "body": WORDS}).status == 400
    assert "/suggest/toy" not in asks.ask("/suggest").text
    assert "/suggest" not in asks.ask("/public").text
    set_open(house, ADMIN, "toy", True)
    assert is_open(house, "toy")
    assert open_cities(house) == ("toy",)
    assert "/suggest/toy" in asks.ask("/suggest").text
    assert "/suggest" in asks.ask("/public").text
    assert asks.ask(f"/suggest/toy/layer/{toy_city().digest}/roads").status == 200
    assert asks.ask(f"/suggest/toy/layer/{toy_city().digest}/cameras").status == 404
    assert house.verify()[1] is None
    with house.read() as tx:
        assert [row["action"] for row in tx.lines(subject="toy")] == ["suggestion.open", "suggestion.close", "suggestion.open"]


def test_what_is_sent_waits_and_is_shown_once_a_planner_shows_it(house: Store) -> None:
    """The sender is thanked; nobody reads it before; then it stands on the page, and no word of it runs."""
    asks = passer_by()
    sent = send(asks, body=f"{WORDS} {HOSTILE}")
    assert sent.status == 303
    assert "Thank you" in asks.ask(sent.headers["location"]).text
    assert WORDS not in asks.ask("/suggest/toy?lang=en").text
    (row,) = all_suggestions(house, PLANNER, "toy")
    assert (row["state"], row["by"]) == ("waiting", "")
    moderate(house, PLANNER, row["id"], "shown")
    page = asks.ask("/suggest/toy?lang=en")
    assert html.escape(HOSTILE) in page.text
    assert "<img" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"].replace("style-src 'self' 'unsafe-inline'", "")


@pytest.mark.parametrize(
    ("place", "body", "said"),
    [
        ("", WORDS, "place"), ("here", WORDS, "place"), ("91, 500", WORDS, "place"), ("28.6, 77.2", WORDS, "study area"), (PLACE, "hm", "signs"),
        (PLACE, "x" * 501, "signs"), ("\u202e1", "\u200b" * 20, "place"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_with_what_was_typed_kept(house: Store, place: str, body: str, said: str) -> None:
    """Nothing is stored, and nobody has to type it again."""
    answer = send(passer_by(), place, body)
    assert answer.status == 400
    assert said in answer.text
    assert html.escape(body[:500]) in answer.text
    assert all_suggestions(house, PLANNER, "toy") == []


def test_a_form_of_another_page_is_not_taken(house: Store) -> None:
    """Without the cookie, with another's token, or sent from another host nothing is stored; what was typed comes back in a form that works."""
    asks, other = passer_by(), passer_by()
    token = token_of(asks)
    token_of(other)
    fields = {"token": token, "place": PLACE, "body": WORDS}
    assert other.post("/suggest/toy", fields).status == 403
    assert passer_by().post("/suggest/toy", fields).status == 403
    assert asks.post("/suggest/toy", {**fields, "token": ""}).status == 403
    assert asks.post("/suggest/toy", {**fields, "token": "ü" * 64}).status == 403
    assert asks.post("/suggest/toy", fields, origin="http://evil.example").status == 403
    assert asks.post("/suggest/toy", {**fields, "body": "x" * 20_000}).status == 400
    assert all_suggestions(house, PLANNER, "toy") == []
    back = asks.post("/suggest/toy?lang=en", {**fields, "token": "old"})
    assert WORDS in back.text
    fresh = re.search(r'name="token" value="([0-9a-f]{64})"', back.text)
    assert fresh
    assert asks.post("/suggest/toy", {**fields, "token": fresh[1]}).status == 303


def test_one_address_is_held_to_its_number_and_nothing_of_it_is_kept(house: Store) -> None:
    """The seventh within the hour is refused in words; neither rows nor audit hold an address, and the cookie goes to this page alone."""
    asks = passer_by()
    assert [send(asks).status for _ in range(7)] == [303] * 6 + [429]
    with house.read() as tx:
        assert "127.0.0.1" not in str([*tx.lines(), *tx.rows("suggestions")])
    cookie = next(text for text in asks.ask("/suggest/toy").cookies if text.startswith(COOKIE))
    assert {"httponly", "path=/suggest", "samesite=strict"} <= {part.strip().lower() for part in cookie.split(";")}


@pytest.mark.parametrize(("language", "words"), [("hi", "सुझाव भेजें"), ("en", "Send the suggestion")])
def test_the_page_speaks_both_languages(house: Store, language: str, words: str) -> None:
    """Form, thanks and privacy are in the language asked for; the other is a link away."""
    page = passer_by().ask(f"/suggest/toy?lang={language}").text
    assert words in page
    assert f'lang="{language}"' in page
    assert "lang=hi" in page or "lang=en" in page
