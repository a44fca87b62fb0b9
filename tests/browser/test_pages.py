"""What people type never runs: names full of script in a city and its plan, on the page of one file, on the public page and on every screen."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from planning.accounts import TERMINAL, add_account
from planning.city import City
from planning.export import write_plan
from planning.ladders import write_ladder
from planning.reviews import PARTS
from planning.store import open_store
from planning.suggestions import Limit, moderate, suggest
from planning.writing import one_line
from screens.mapdata import bounds
from screens.page import write_page
from screens.public import public_url
from screens.words import words
from tests.browser.chromium import PICTURES, open_page, start_server
from tests.hostile_text import OTHERS, SCRIPTS, hostile_city, hostile_plan, hostile_reviews
from tests.screens.toy import make_public, toy_ladder

pytestmark = pytest.mark.browser
MAP = ".map[data-state='ready']"
# The texts that would run where a page takes them for more than text, and those that turn a line or a format round.
TEXTS = [*SCRIPTS.values(), OTHERS["turned"], OTHERS["entity"], OTHERS["formula"], OTHERS["typst"]]
ALL = " ".join(TEXTS)


@pytest.fixture(name="city", scope="module")
def city_of_payloads(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The hostile city in a folder, with two plans, one of them published."""
    folder = tmp_path_factory.mktemp("hostile") / "toy"
    city = hostile_city(TEXTS).save(folder)
    for budget in (1_000_000, 1_500_000):
        plan = hostile_plan(city, TEXTS, budget, models=False)
        write_plan(plan, city, folder / "plans" / f"{plan.id}.gpkg")
        hostile_reviews(plan, ALL, folder / "plans" / f"{plan.id}.gpkg")
    write_ladder(dataclasses.replace(toy_ladder(city), assumptions=tuple(TEXTS)), city)
    return city


@pytest.fixture(name="page", scope="module")
def page_that_watches() -> Iterator[tuple[Page, list[str]]]:
    """A page that keeps what was asked of whom, and what broke or opened."""
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        yield page, watch(page)
        browser.close()


def watch(page: Page) -> list[str]:
    """What the page asks for, opens or breaks from now on."""
    seen: list[str] = []
    page.on("request", lambda sent: seen.append(sent.url))
    page.on("dialog", lambda dialog: (seen.append(f"dialog:{dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.append(f"broken:{error}"))
    page.on("popup", lambda popup: seen.append(f"popup:{popup.url}"))
    return seen


def unhurt(page: Page, seen: list[str], home: str) -> None:
    """Nothing ran, and nothing was asked of anyone but this host or file."""
    assert page.evaluate("window.hurt") is None
    assert page.locator("img[onerror], svg[onload], iframe, a[href^='javascript:']").count() == 0
    strange = [url for url in seen if not url.startswith(("data:", "blob:", home, home.replace("http:", "ws:")))]
    assert strange == []
    seen.clear()


def open_a_pin(page: Page) -> None:
    """The panel of the first camera of the list."""
    page.locator(".cameras button").first.click()
    expect(page.locator(".details .id")).to_have_text(SCRIPTS["script"])


BARE = ("part=masks", "part=scores", "part=backtest")  # parts of a review without a map
VIEWS = [
    *((view, "en", "") for view in ("budget", "city", "plan", "compare", "fairness", "suggestions", "decisions", "operate")),
    *(("review", language, f"part={part}") for part, language in zip(PARTS, ("en", "hi", "en", "hi", "en"), strict=True)),
    ("decisions", "hi", "part=history"), ("decisions", "en", "part=seats"), ("city", "hi", ""), ("suggestions", "hi", ""),
]  # fmt: skip
SHOWN = {"suggestions": SCRIPTS["script"]}  # what people wrote, where it stands as text of the page


def people_write(city: City) -> None:
    """An account whose person, and suggestions whose words, are these texts; every suggestion is shown."""
    store = open_store()
    add_account(store, TERMINAL, "hacker", title=" ".join(ALL.split())[:100], roles=("member",))
    south, west, north, east = (value for corner in bounds(city) for value in corner)
    for text in TEXTS:
        found = suggest(store, TERMINAL, city, (south + north) / 2, (west + east) / 2, f"{text} please", limit=Limit(of_one=99))
        moderate(store, TERMINAL, found, "shown")


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_page_of_one_file(city: City, page: tuple[Page, list[str]], tmp_path: Path, language: str) -> None:
    """Opened from a disk it draws its map, asks nothing of anyone, and shows every payload as text."""
    sheet, seen = page
    plan = hostile_plan(city, TEXTS, 1_500_000, models=False)
    path = tmp_path / "plan.html"
    write_page(plan, city, path, said=words(language))
    sheet.goto(path.as_uri())
    sheet.locator(MAP).wait_for(timeout=90_000)
    expect(sheet.locator(MAP)).to_have_attribute("data-planned", "30")
    assert one_line(ALL) in sheet.locator("h1").inner_text()
    open_a_pin(sheet)
    for text in TEXTS:
        assert sheet.locator("section li", has_text=one_line(text)).count() >= 1, text
    PICTURES.mkdir(exist_ok=True)
    sheet.screenshot(path=PICTURES / f"one-file-{language}.png")
    unhurt(sheet, seen, path.as_uri())


def test_public_page_and_screens(city: City, page: tuple[Page, list[str]], tmp_path: Path) -> None:
    """The public page in both languages for someone not signed in, and every screen, over the hostile city: nothing runs, nobody else is asked."""
    sheet, seen = page
    assert city.folder is not None
    server, address = start_server(city.folder.parent, tmp_path / "server.log", dict(os.environ))
    try:
        plan = hostile_plan(city, TEXTS, 1_500_000, models=False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHAUKAS_STATE", str(tmp_path / "server.state"))
            patch.setenv("CHAUKAS_CITIES", str(city.folder.parent))
            make_public(plan, city)
            people_write(city)
            open_store().engine.dispose()
        for width in (1400, 390):
            sheet.set_viewport_size({"width": width, "height": 1000})
            sheet.goto(address + public_url(city, plan.id))
            sheet.locator(MAP).wait_for(timeout=90_000)
            assert sheet.evaluate("document.documentElement.scrollWidth") <= width
        open_a_pin(sheet)
        sheet.set_viewport_size({"width": 1400, "height": 1000})
        sheet.get_by_role("link", name="English").click()
        sheet.locator(MAP).wait_for(timeout=90_000)
        assert urlsplit(sheet.url).query == "lang=en"
        expect(sheet.get_by_role("heading", name=words("en").say("report.wards"))).to_be_visible()
        unhurt(sheet, seen, address)
        browser = sheet.context.browser
        assert browser is not None
        sheet = open_page(browser, address, viewport={"width": 1400, "height": 1000})
        seen = watch(sheet)
        for view, language, more in VIEWS:
            sheet.goto(f"{address}/?city=toy&lang={language}&view={view}&{more}")
            sheet.locator("[data-testid='stMain']").wait_for(timeout=90_000)
            if view not in ("decisions", "operate") and more not in BARE:
                expect(sheet.locator(MAP).first, view).to_be_visible(timeout=60_000)
            if view == "plan":
                open_a_pin(sheet)
                for tab in ("proof", "costs", "files"):
                    sheet.get_by_role("radio", name=words(language).say(f"tab.{tab}"), exact=True).click()
                expect(sheet.get_by_role("link", name=words(language).say("page.public"))).to_be_visible()
            elif more == "part=gaps":
                sheet.locator("[data-gap='0']").click()
                expect(sheet.locator(MAP)).to_have_attribute("data-gap", "0")
                expect(sheet.locator("[data-gap='0'] b")).to_have_text(f"1. {ALL}")
            elif view in SHOWN:
                expect(sheet.get_by_text(SHOWN[view]).first).to_be_attached(timeout=60_000)
            sheet.wait_for_timeout(300)
            assert sheet.locator("[data-testid='stException']").count() == 0, view
            unhurt(sheet, seen, address)
        for path in ("/account", "/accounts"):
            for language in ("hi", "en"):
                sheet.goto(f"{address}{path}?lang={language}")
                expect(sheet.locator("body")).to_contain_text("hacker" if path == "/accounts" else "admin")
                unhurt(sheet, seen, address)
        expect(sheet.locator("body")).to_contain_text(SCRIPTS["script"])
    finally:
        server.terminate()
        server.wait(60)
