"""Someone without an account on a phone: the page for suggestions, its map, and the same without script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from planning.access import Actor
from planning.store import open_store
from planning.suggestions import all_suggestions, moderate, set_open
from tests.browser.chromium import PICTURES, start_server
from tests.screens.toy import HOSTILE, toy_city

pytestmark = pytest.mark.browser
MAP = ".map[data-state='ready']"
BOTH = Actor("a", "A", ("admin",))
PHONE = {"width": 390, "height": 844}


@pytest.fixture(name="browser", scope="module")
def the_browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield made
        made.close()


def test_a_passer_by_taps_a_place_and_everybody_reads_it_once_it_is_shown(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tap fills in the place, the words are sent, thanks are said, a planner shows it and it stands on the map as text; nothing sticks out."""
    cities = tmp_path / "cities"
    toy_city().save(cities / "toy")
    server, address = start_server(cities, tmp_path / "server.log", dict(os.environ))
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "server.state"))
    store = open_store()
    try:
        set_open(store, BOTH, "toy", True)
        page = browser.new_context(viewport=PHONE, has_touch=True).new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("response", lambda sent: broken.append(sent.url) if sent.status >= 400 and "favicon" not in sent.url else None)
        page.goto(f"{address}/public?lang=hi")
        page.locator("a[href^='/suggest']").click()
        page.locator("td a").click()
        page.locator(MAP).wait_for(timeout=60_000)
        page.locator(MAP).tap(position={"x": 150, "y": 120})
        expect(page.locator("input[name=place]")).not_to_have_value("")
        expect(page.locator(".note-chosen")).to_be_visible()
        page.locator("textarea").fill(f"यहाँ रात को अँधेरा रहता है {HOSTILE}")
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / "suggest-hi.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.locator("form button").click()
        expect(page.locator(".told")).to_be_visible()
        (row,) = all_suggestions(store, BOTH, "toy")
        moderate(store, BOTH, row["id"], "shown")
        page.goto(f"{address}/suggest/toy?lang=en")
        page.locator(MAP).wait_for(timeout=60_000)
        page.locator(".note-shown").tap()
        expect(page.locator(".leaflet-popup")).to_contain_text(HOSTILE)
        page.screenshot(path=PICTURES / "suggest-en.png", full_page=True)
        assert page.evaluate("window.hurt") is None
        assert broken == []
        plain = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
        plain.goto(f"{address}/suggest/toy?lang=en")
        plain.locator("input[name=place]").fill(f"{row['lat']}, {row['lon']}")
        plain.locator("textarea").fill("No camera at the school")
        plain.locator("form button").click()
        assert plain.locator(".told").count() == 1
        assert len(all_suggestions(store, BOTH, "toy")) == 2
    finally:
        store.engine.dispose()
        server.terminate()
        server.wait(10)
