"""The import wizard in a real Chromium: a small town and a table of odd columns, from the first file to the new city, in both languages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from planning.city import ROOT, City
from screens.words import words
from tests.browser.chromium import PICTURES, open_page, start_server
from tests.desk import PARTS
from tests.planning.toy_osm import LAT, LON, document
from tests.screens.toy import save_toy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
_ROWS = [f"मोबाइल चोरी;{day:02}.03.2025;{LAT};{LON + day / 20_000:.5f}" for day in range(1, 8)]
ODD = "\n".join(["क्या हुआ;kab;ऊपर;daayen", *_ROWS, "लूट;1.4.2025;0;0", ""])


@pytest.fixture(name="home", scope="module")
def home_of_a_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small city, and no drafts."""
    folder = tmp_path_factory.mktemp("wizard")
    save_toy(folder / "cities", plans=False)
    return folder


@pytest.fixture(name="address", scope="module")
def address_of_the_app(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real app over that folder; the demo city may be there beside it."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    environment = {**os.environ, "CHAUKAS_UPLOADS": str(home / "uploads")}
    server, address = start_server(home / "cities", log, environment, f"{ROOT / 'cli.py'} app --port PORT")
    yield address
    server.terminate()
    server.wait(60)


@pytest.fixture(name="browser", scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield made
        made.close()


def rest(page: Page) -> None:
    """Wait until the page is at rest."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def give(page: Page, number: int, name: str, content: str) -> None:
    """Hand a file to a layer's card, told by its number on the page, once the page is at rest."""
    rest(page)
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content.encode()}
    page.locator("[data-testid=stFileUploader] input[type=file]").nth(number).set_input_files(file)  # type: ignore[arg-type]


def choose(page: Page, label: str, column: str) -> None:
    """Choose a column for a meaning, once the page is at rest, and wait until it is taken."""
    rest(page)
    field = page.get_by_test_id("stSelectbox").filter(has=page.get_by_text(label, exact=True)).locator("input").first
    field.click()
    page.get_by_role("option", name=column, exact=True).click()
    rest(page)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_from_files_to_a_city(browser: Browser, address: str, home: Path, language: str) -> None:
    """A hostile file is refused in words; columns are mapped and rows shown; a reload and going back lose nothing; the city is there in the end."""
    said = words(language)
    page = open_page(browser, address, viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(90_000)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    PICTURES.mkdir(exist_ok=True)

    def shot(name: str) -> None:
        page.screenshot(path=PICTURES / f"wizard-{name}-{language}.png", full_page=True)

    page.goto(f"{address}/?lang={language}&view=city&city=toy")
    page.get_by_role("button", name=said.say("wizard.new")).click()
    expect(page.get_by_text(said.say("wizard.files_about"))).to_be_visible(timeout=90_000)
    give(page, 4, "wards.geojson", "<OGRVRTDataSource/>")
    expect(page.get_by_test_id("stAlert")).to_contain_text(re.compile("फ़ाइल में वह नहीं" if said.hindi else "not what the name says"), timeout=90_000)
    shot("refused")
    give(page, 0, "town.osm", document(*PARTS))
    expect(page.get_by_test_id("stMarkdown").get_by_text("town.osm")).to_be_visible(timeout=90_000)
    give(page, 2, "../odd.csv", ODD)
    expect(page.get_by_test_id("stMarkdown").get_by_text("odd.csv")).to_be_visible(timeout=90_000)
    shot("files")
    assert re.search(r"[?&]import=[\w-]{22}", page.url)
    page.reload()
    expect(page.get_by_text("odd.csv")).to_be_visible(timeout=90_000)
    page.get_by_role("button", name=said.say("wizard.on")).click()
    expect(page.get_by_text(said.say("wizard.columns_about"))).to_be_visible(timeout=90_000)
    expect(page.get_by_test_id("stAlert")).to_be_visible(timeout=90_000)
    shot("unknown")
    choose(page, said.say("meaning.lat"), "ऊपर")
    choose(page, said.say("meaning.lon"), "daayen")
    choose(page, said.say("meaning.date"), "kab")
    choose(page, said.say("meaning.category"), "क्या हुआ")
    page.get_by_role("button", name=said.say("wizard.again")).click()
    expect(page.get_by_text(said.say("wizard.rows", used="7", total="8"))).to_be_visible(timeout=90_000)
    expect(page.get_by_text(said.name("reason", "coordinates of 0, 0")).first).to_be_visible(timeout=90_000)
    shot("columns")
    page.get_by_role("button", name=said.say("wizard.on")).click()
    title = page.get_by_label(said.say("wizard.title"), exact=True)
    title.fill(f"Toy town {language}")
    title.press("Enter")
    expect(page.get_by_label(said.say("wizard.name"), exact=True)).to_have_value(f"toy-town-{language}", timeout=90_000)
    shot("names")
    page.get_by_role("button", name=said.say("wizard.back")).click()
    expect(page.get_by_text(said.say("wizard.rows", used="7", total="8"))).to_be_visible(timeout=90_000)
    page.get_by_role("button", name=said.say("wizard.on")).click()
    expect(page.get_by_label(said.say("wizard.title"), exact=True)).to_have_value(f"Toy town {language}", timeout=90_000)
    page.get_by_role("button", name=said.say("wizard.on")).click()
    expect(page.get_by_role("button", name=said.say("wizard.run"), exact=True)).to_be_enabled(timeout=90_000)
    shot("import")
    page.get_by_role("button", name=said.say("wizard.run"), exact=True).click()
    expect(page.get_by_test_id("stAlert").filter(has_text=said.say("wizard.done"))).to_be_visible(timeout=120_000)
    page.locator(".map[data-state='ready']").first.wait_for(timeout=90_000)
    shot("city")
    page.close()
    city = City.load(home / "cities" / f"toy-town-{language}")
    assert len(city["incidents"]) == 7
    assert set(city["incidents"]["category"]) == {"theft"}
    assert not list((home / "uploads").iterdir())
    assert broken == []
