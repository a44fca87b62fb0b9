"""The Suggestions screen, driven without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyproj
import pytest
from streamlit.testing.v1 import AppTest

from coverage.suggested import PinAnswer
from coverage.witness import Miss, Sighting
from optimizer.suggested import REASONS, Chance
from planning.access import PUBLIC, Actor
from planning.city import ROOT, City
from planning.nouns import Scenario
from planning.store import Store, open_store
from planning.suggestions import Limit, is_open, moderate, shown_places, shown_suggestions, suggest
from screens import library, suggestions, who
from screens.suggestions import answer_words, chance_words
from screens.words import words
from tests.screens.toy import CRS, EAST, HOSTILE, NORTH

PLANNER = Actor("p1", "p1", ("planner",))


def degrees(east_m: float, north_m: float) -> tuple[float, float]:
    """Latitude and longitude of a place in metres from the toy city's corner."""
    lon, lat = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform(EAST + east_m, NORTH + north_m)
    return round(float(lat), 6), round(float(lon), 6)


SEEN, UNSEEN = degrees(125, 200), degrees(700, 750)
Opener = Callable[..., AppTest]


@pytest.fixture(name="store")
def process_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The process's store, in a state folder of the test's own."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CHAUKAS_DATABASE_URL", raising=False)
    (tmp_path / "state").mkdir()
    return open_store()


@pytest.fixture(name="page")
def opener(toy: City, store: Store, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens the screen for someone."""
    monkeypatch.setattr("planning.suggestions.LIMIT", Limit())

    def at(by: Actor, **query: str) -> AppTest:
        monkeypatch.setattr(who, "actor", lambda: by)
        test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
        for key, value in {"city": "toy", "lang": "en", "view": "suggestions", **query}.items():
            test.query_params[key] = value
        return sound(test.run())

    return at


def sound(test: AppTest) -> AppTest:
    """The page, which must not have broken."""
    assert not test.exception, test.exception
    return test


def texts(test: AppTest) -> str:
    """Everything the page says, without Markdown's escapes."""
    kinds = [test.markdown, test.warning, test.error, test.info, test.caption, test.success]
    said = "\n".join(str(item.value) for kind in kinds for item in kind)
    tables = "\n".join(str(table.value.to_dict()) for table in test.dataframe)
    return re.sub(r"\\(.)", r"\1", f"{said}\n{tables}").replace("\u2060", "")


def field(widgets: Any, key: str) -> Any:
    """The widget whose key begins so."""
    return next(widget for widget in widgets if str(widget.key).startswith(key))


def press(test: AppTest, key: str) -> AppTest:
    """Press the button of this key."""
    return sound(next(button for button in test.button if button.key == key).click().run())


def write(test: AppTest, where: str, body: str) -> AppTest:
    """Fill the form and send it."""
    field(test.text_input, "pin-where").set_value(where)
    field(test.text_area, "pin-body").set_value(body)
    return press(sound(test.run()), "pin-send")


def test_anyone_suggests_and_others_see_it_once_it_is_shown(page: Opener, store: Store) -> None:
    """A visitor's pin waits; the planner reads and shows it; then the public has it with its words."""
    assert "Thank you" in texts(write(page(PUBLIC), f"{UNSEEN[0]}, {UNSEEN[1]}", f"Dark lane {HOSTILE}"))
    assert "No suggestion yet" in texts(page(PUBLIC))
    test = page(PLANNER)
    assert "To look at: 1" in texts(test)
    press(test, "pin-show")
    assert [row["body"] for row in shown_suggestions(store, "toy")] == [f"Dark lane {HOSTILE}"]
    assert "Dark lane" in texts(page(PUBLIC))


def test_an_administrator_opens_the_page_for_everybody_and_closes_it(page: Opener, store: Store) -> None:
    """A planner has no such button; open, the screen tells the page's address."""
    assert not [button for button in page(PLANNER).button if button.key == "pin-open"]
    test = press(page(Actor("a1", "a1", ("admin",))), "pin-open")
    assert is_open(store, "toy")
    assert "/suggest/toy" in texts(test)
    press(test, "pin-open")
    assert not is_open(store, "toy")


def test_the_plan_screen_gives_shown_suggestions_a_weight(page: Opener, store: Store, toy: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any the field is shut at 0; with one shown, the wish that is started holds its weight and place."""
    started: list[Scenario] = []
    monkeypatch.setattr("screens.plan.require_maker", lambda: None)
    monkeypatch.setattr("screens.jobs.desk.start", lambda city, scenario: started.append(scenario) or SimpleNamespace(id="j"))
    test = page(PLANNER, view="plan")
    assert test.number_input(key="voices").disabled
    label = suggest(store, PLANNER, toy, *SEEN, "Dark lane", limit=Limit())
    moderate(store, PLANNER, label, "shown")
    test = page(PLANNER, view="plan")
    sound(test.number_input(key="voices").set_value(15).run())
    next(button for button in test.button if button.label == words("en").say("plan.run")).click().run()
    (scenario,) = started
    assert (scenario.suggestions_percent, scenario.suggestions) == (15, shown_places(store, "toy"))
    assert len(scenario.suggestions) == 1


def test_what_is_wrong_is_told_and_the_words_stay(page: Opener, store: Store) -> None:
    """A place outside, no place, too few words: in words, and what was typed is still there."""
    test = write(page(PUBLIC), "28.6, 77.2", "Dark lane behind the school")
    assert "outside the study area" in texts(test)
    assert field(test.text_area, "pin-body").value == "Dark lane behind the school"
    assert "This is no place" in texts(write(page(PUBLIC), "here", "Dark lane"))
    assert "5 to 500 signs" in texts(write(page(PUBLIC), f"{UNSEEN[0]}, {UNSEEN[1]}", "x"))
    assert shown_suggestions(store, "toy") == []


def test_hiding_asks_for_a_reason(page: Opener, toy: City, store: Store) -> None:
    """Without one the suggestion stays as it was."""
    suggest(store, PUBLIC, toy, *UNSEEN, "Dark lane", limit=Limit())
    test = press(page(PLANNER), "pin-hide")
    assert "Hiding asks for a reason" in texts(test)
    field(test.text_input, "pin-reason").set_value("A name in it")
    test = press(sound(test.run()), "pin-hide")
    assert "The suggestion is hidden" in texts(test)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_each_pin_has_the_plan_s_answer(page: Opener, toy: City, store: Store, language: str) -> None:
    """By a camera that sees it, or the nearest that does not and why; hostile words stand as text."""
    for place in (SEEN, UNSEEN):
        moderate(store, PLANNER, suggest(store, PUBLIC, toy, *place, HOSTILE, limit=Limit()), "shown")
    verified = next(file for file in library.plan_files(toy) if library.plan(toy, file.id).verified)
    test = page(PLANNER, plan=verified.id, lang=language)
    answers = list(test.dataframe[0].value["answer"])
    assert len(answers) == 2
    assert all(len(answer) > 10 for answer in answers)
    raw = "\n".join(str(item.value) for kind in (test.markdown, test.info, test.caption) for item in kind)
    assert not re.search(r"(?<!\\)<img", raw)
    assert (re.search("[ऀ-ॿ]", answers[0]) is not None) == (language == "hi")


def test_without_a_published_plan_the_public_has_no_answers(page: Opener, toy: City, store: Store) -> None:
    """A plan answers to all once it is shown to all."""
    moderate(store, PLANNER, suggest(store, PUBLIC, toy, *UNSEEN, "Dark lane", limit=Limit()), "shown")
    test = page(PUBLIC)
    assert "No plan answers yet" in texts(test)
    assert list(test.dataframe[0].value["answer"]) == [""]


@pytest.mark.parametrize("language", ["hi", "en"])
def test_answers_say_which_camera_how_finely_and_why_not(toy: City, language: str) -> None:
    """Planned cameras by their number in the plan; every reason has its words."""
    said = words(language)
    plan = library.plan(toy, library.plan_files(toy)[0].id)
    second = plan.cameras[1].id
    sight = Sighting(second, True, "bullet-4mp", 127.6, ("observation",), 31.4, 10.0, 0.0, 1, 1, False)
    shown = answer_words(PinAnswer("included", (sight,), (), "", 0, 0), plan, said)
    assert said.say("pin.planned", n=2) in shown
    assert "128" in shown
    assert "31" in shown
    miss = Miss("c2", False, "bullet-4mp", ("blocked", "reach"), 80.0, 10.0, 0.0, None)
    hidden = answer_words(PinAnswer("not", (), (miss,), "no_view", 0, 0), plan, said)
    assert said.say("pin.zone.no_view") in hidden
    assert "c2" in hidden
    assert said.say("pin.nobody") in answer_words(PinAnswer("not", (), (), "", 0, 0), plan, said)
    for reason in REASONS:
        assert chance_words(Chance(reason, 3, "x", 100.0, 250_000, 0.001, 0.0004, 0.0005, 1_000), said)


def test_the_deeper_question_tells_sites_and_rupees(page: Opener, toy: City, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked by a button; a refusal is told in words."""
    from planning.errors import CityError

    moderate(store, PLANNER, suggest(store, PUBLIC, toy, *UNSEEN, "Dark lane", limit=Limit()), "shown")
    monkeypatch.setattr(suggestions, "desk_of", lambda *_: None)
    monkeypatch.setattr("optimizer.suggested.chances", lambda _desk, points: tuple(Chance("no_site", 0) for _ in points))
    test = press(page(PLANNER), "pin-deeper")
    assert "No site lies within reach" in texts(test)

    def refuse(*_: object) -> None:
        raise CityError.one("desk.city", "The plan was made for another state of the city", "Plan again")

    monkeypatch.setattr(suggestions, "desk_of", refuse)
    assert "another state of the city" in texts(press(page(PLANNER), "pin-deeper"))
