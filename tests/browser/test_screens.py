"""The screens in a real Chromium against the real server: drawing, clicking, two languages, no other host."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from planning.city import City
from planning.ladders import write_ladder
from screens import library
from tests.browser.chromium import PICTURES, open_page, start_server
from tests.screens.toy import HOSTILE, save_toy, toy_ladder

pytestmark = pytest.mark.browser
MAP = ".map[data-state='ready']"
# The colours a drawn map must hold, as red, green, blue: planned pins and existing pins.
PLANNED, EXISTING = (213, 94, 0), (0, 114, 178)
_FIND = """
([sheet, at, colour]) => {
  let root = null;
  const walk = (node) => {
    for (const child of node.querySelectorAll('*')) {
      if (child.shadowRoot) walk(child.shadowRoot);
      if (child.tagName === 'CANVAS' && child.dataset.sheet === sheet) found.push(child);
    }
  };
  const found = [];
  walk(document);
  const canvas = found[at];
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const box = canvas.getBoundingClientRect();
  const hits = [];
  const kinds = new Set();
  for (let i = 0; i < pixels.length; i += 4) {
    kinds.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
    if (pixels[i] === colour[0] && pixels[i + 1] === colour[1] && pixels[i + 2] === colour[2] && pixels[i + 3] === 255) {
      hits.push([box.x + ((i / 4) % width) * box.width / width, box.y + Math.floor(i / 4 / width) * box.height / height]);
    }
  }
  return { kinds: kinds.size, hits };
}
"""


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the toy city and its two plans."""
    parent = tmp_path_factory.mktemp("cities")
    save_toy(parent)
    return parent


@pytest.fixture(scope="module")
def address(cities: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the running app."""
    server, address = start_server(cities, tmp_path_factory.mktemp("log") / "server.log", dict(os.environ))
    yield address
    server.terminate()
    server.wait(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens the app at an address; afterwards nothing was asked of another host, nothing broke on the page, and a picture is kept."""
    asked: list[str] = []
    broken: list[str] = []
    page = open_page(browser, address, viewport={"width": 1500, "height": 1000})
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("dialog", lambda dialog: (broken.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def at(*, ready: bool = True, **query: str) -> Page:
        page.goto(f"{address}/?{urlencode({'city': 'toy', 'lang': 'en', **query})}")
        if ready:
            page.locator(MAP).first.wait_for(timeout=60_000)
        return page

    yield at
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{re.sub(r'[^a-z_0-9]', '-', request.node.name)}.png")
    hurt = page.evaluate("window.hurt")
    page.context.close()
    strangers = [url for url in asked if urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).netloc != urlsplit(address).netloc]
    assert strangers == []
    assert broken == []
    assert hurt is None


def plans_by_size(cities: Path) -> dict[int, str]:
    """Ids of the toy plans by their number of cameras."""
    city = City.load(cities / "toy")
    return {len(library.plan(city, file.id).cameras): file.id for file in library.plan_files(city)}


def colours(page: Page, colour: tuple[int, int, int], *, sheet: str = "signs", at: int = 0) -> tuple[int, list[list[float]]]:
    """How many colours a canvas holds, and where on the page the given one lies."""
    found = page.evaluate(_FIND, [sheet, at, list(colour)])
    return int(found["kinds"]), found["hits"]


def test_the_map_draws_streets_and_counts_its_pins(visit: Callable[..., Page], cities: Path) -> None:
    """The ground is not blank, every planned and existing camera is loaded and drawn, and made data is labelled on the map with its credit."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    ground, _ = colours(page, PLANNED, sheet="ground")
    assert ground > 20
    for colour in (PLANNED, EXISTING):
        assert len(colours(page, colour)[1]) > 100
    chart = page.locator(MAP)
    for name, count in (("planned", "20"), ("existing", "5"), ("drawn-planned", "20"), ("drawn-existing", "5")):
        expect(chart).to_have_attribute(f"data-{name}", count)
    expect(page.locator(".made")).to_have_text("Made data, not surveyed")
    expect(page.locator(".credit")).to_have_text("© OpenStreetMap contributors")
    expect(page.locator(".cameras li")).to_have_count(20)


def test_a_click_on_a_pin_opens_its_panel(visit: Callable[..., Page], cities: Path) -> None:
    """A planned pin tells model, bearing, height, cost, what it sees, gain and ward; the list marks it; Escape closes it."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    _, hits = colours(page, PLANNED)
    # The lowest row of the toy plan is its first cameras; the middle of a disc is a few pixels above its lowest point.
    x, y = max(hits, key=lambda hit: (hit[1], hit[0]))
    page.mouse.click(x, y - 4)
    panel = page.locator(".details")
    expect(panel).to_be_visible()
    for label in ("Model", "Ward", "Looks towards", "Height", "Cost", "Sees", "Adds alone"):
        expect(panel.locator("dt", has_text=re.compile(f"^{label}$"))).to_have_count(1)
    expect(panel).to_contain_text("₹40,000")
    expect(panel).to_contain_text("Fixed bullet")
    chosen = panel.locator(".id").text_content()
    expect(page.locator(".cameras [aria-current=true] small")).to_have_text(chosen or "none")
    panel.locator(".close").focus()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_the_list_finds_and_shows_a_camera_by_keyboard(visit: Callable[..., Page], cities: Path) -> None:
    """Typing sifts the list; Enter on a camera opens its panel and takes the map there."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    page.locator(".cameras input").fill("s013")
    expect(page.locator(".cameras li:visible")).to_have_count(1)
    page.locator(".cameras input").press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".details .id")).to_have_text("s013")
    box = page.locator(MAP).bounding_box()
    assert box is not None
    _, hits = colours(page, PLANNED)
    assert any(abs(x - box["x"] - box["width"] / 2) < 12 and abs(y - box["y"] - box["height"] / 2) < 12 for x, y in hits)


def test_the_legend_switches_layers(visit: Callable[..., Page], cities: Path) -> None:
    """Taking the tick off existing cameras takes them off the map, and back."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    page.locator(".legend input[name=existing]").uncheck()
    assert not colours(page, EXISTING)[1]
    expect(page.locator(MAP)).to_have_attribute("data-drawn-existing", "0")
    page.locator(".legend input[name=existing]").check()
    assert colours(page, EXISTING)[1]


def test_hostile_names_are_text(visit: Callable[..., Page], cities: Path) -> None:
    """A camera whose name is script is shown by that name in list and panel, and nothing of it runs."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    page.locator(".cameras button", has_text="onerror").first.click()
    expect(page.locator(".details .id")).to_have_text(HOSTILE)
    assert page.locator(".details img, .cameras img, .stage script").count() == 0
    page.get_by_role("radio", name="Proof").click()
    expect(page.get_by_text("Assumed: <img")).to_be_visible()


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("screen", ["city", "plan", "compare"])
def test_screens_in_both_languages(visit: Callable[..., Page], screen: str, language: str) -> None:
    """Each screen draws its map and speaks the language of the address; made data is labelled on page and map."""
    page = visit(view=screen, lang=language)
    made = {"hi": "बनावटी आँकड़े, सर्वेक्षण नहीं", "en": "Made data, not surveyed"}[language]
    expect(page.locator(".made").first).to_have_text(made)
    expect(page.get_by_test_id("stAlert").first).to_contain_text(made)
    wish = {"hi": "क्या चाहिए", "en": "What is wanted"}[language]
    expect(page.get_by_role("heading", name=wish)).to_have_count(1 if screen == "plan" else 0)
    if language == "hi":
        assert page.evaluate("document.fonts.load('16px \"Noto Sans Devanagari\"', 'चौ').then((faces) => faces.length)") == 1


def test_the_language_switch_keeps_the_view(visit: Callable[..., Page], cities: Path) -> None:
    """Changing the language changes the words and the address, not the screen or the plan."""
    plan = plans_by_size(cities)[20]
    page = visit(view="plan", plan=plan)
    page.get_by_role("radio", name="हिन्दी").click()
    expect(page.get_by_role("heading", name="क्या चाहिए")).to_be_visible()
    expect(page.locator(".made")).to_have_text("बनावटी आँकड़े, सर्वेक्षण नहीं")
    assert "lang=hi" in page.url
    assert plan in page.url


def test_a_plan_is_made_with_progress_and_a_reload_keeps_it(visit: Callable[..., Page], cities: Path) -> None:
    """A run shows its progress and its drafts on the map, survives a reload of the page, and ends with the plan's numbers and pins."""
    page = visit(view="plan")
    page.get_by_label("Budget", exact=True).fill("१५ लाख")
    page.get_by_label("Budget", exact=True).press("Enter")
    expect(page.get_by_text("= ₹15,00,000")).to_be_visible()
    page.get_by_text("More settings").click()
    page.get_by_label("Time limit [s]", exact=True).fill("60")
    page.get_by_label("Time limit [s]", exact=True).press("Enter")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_test_id("stProgress")).to_contain_text("Searching for the best plan")
    expect(page.get_by_test_id("stProgress")).to_contain_text("from the best possible")
    draft = page.get_by_text("Draft: the best plan found so far")
    expect(draft).to_be_visible(timeout=45_000)
    drawn = page.locator(".map[data-state='ready']")
    few = int(drawn.get_attribute("data-planned") or 0)
    assert 0 < few < 30
    expect(drawn).not_to_have_attribute("data-planned", str(few), timeout=45_000)
    page.reload()
    expect(page.get_by_test_id("stProgress")).to_be_visible()
    (cities / "enough").touch()
    expect(page.locator(".map[data-state='ready'][data-planned='30']")).to_be_visible(timeout=30_000)
    (cities / "enough").unlink()
    expect(draft).to_be_hidden()
    metrics = page.get_by_test_id("stMetric")
    expect(metrics.nth(0)).to_contain_text("30")
    expect(metrics.nth(1)).to_contain_text("₹15 lakh")
    assert "plan=" in page.url


def test_a_run_can_be_stopped(visit: Callable[..., Page]) -> None:
    """Stop ends the run and says so."""
    page = visit(view="plan")
    page.get_by_role("button", name="Make the plan").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped on request")).to_be_visible(timeout=45_000)
    expect(page.get_by_test_id("stProgress")).to_have_count(0)


def test_bad_input_is_told_in_words(visit: Callable[..., Page]) -> None:
    """A budget that is none gives its fault and way out, not a traceback."""
    page = visit(view="plan", lang="hi")
    page.get_by_label("बजट", exact=True).fill("1,00,00")
    page.get_by_label("बजट", exact=True).press("Enter")
    page.get_by_role("button", name="योजना बनाएँ").click()
    alert = page.get_by_test_id("stAlert").filter(has_text="राशि समझ में नहीं आई")
    expect(alert).to_contain_text("1,00,00")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_compare_draws_two_maps_that_move_together(visit: Callable[..., Page], cities: Path) -> None:
    """Two maps, each with its own plan's pins; zooming one zooms the other; cameras in one plan alone are ringed."""
    sizes = plans_by_size(cities)
    page = visit(view="compare", a=sizes[20], b=sizes[24])
    expect(page.locator(MAP)).to_have_count(3)  # the third is of what changes
    expect(page.locator(MAP).nth(0)).to_have_attribute("data-planned", "20")
    expect(page.locator(MAP).nth(1)).to_have_attribute("data-planned", "24")
    assert not colours(page, (0, 0, 0), at=0)[1]
    assert colours(page, (0, 0, 0), at=1)[1]
    drawn = page.locator(MAP).nth(1).get_attribute("data-drawn-planned")
    assert drawn == "24"
    for _ in range(3):
        page.locator(".leaflet-control-zoom-in").nth(0).click()
        page.wait_for_timeout(400)
    expect(page.locator(MAP).nth(1)).not_to_have_attribute("data-drawn-planned", "24")
    scales = page.locator(".leaflet-control-scale-line")
    assert scales.nth(0).text_content() == scales.nth(1).text_content()


def test_what_changes_is_drawn(visit: Callable[..., Page], cities: Path) -> None:
    """Turned round, the map of changes draws as lost, hollow pins and crosses, what it drew as gained; a tick takes it off."""
    sizes = plans_by_size(cities)
    gained, lost = (0, 114, 178), (213, 94, 0)
    shown = []
    for a, b in ((20, 24), (24, 20)):
        page = visit(view="compare", a=sizes[a], b=sizes[b])
        expect(page.locator(MAP)).to_have_count(3)
        page.locator(MAP).nth(2).scroll_into_view_if_needed()
        expect(page.locator(MAP).nth(2)).to_have_attribute("data-drawn-planned", "24")
        shown.append([bool(colours(page, colour, at=2)[1]) for colour in (gained, lost)])
    assert shown == [[True, False], [False, True]]
    expect(page.locator(".legend").nth(2)).to_contain_text("Seen only by the first plan (lost)")


def test_a_rerun_keeps_the_map_as_it_stands(visit: Callable[..., Page], cities: Path) -> None:
    """Changing a setting neither draws the map anew nor moves it: the visitor keeps what he looks at."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    page.locator(".cameras button").nth(3).click()
    page.locator(".map").evaluate("(node) => { node.marked = true; }")
    page.get_by_label("Budget", exact=True).fill("3 crore")
    page.get_by_label("Budget", exact=True).press("Enter")
    expect(page.get_by_text("= ₹3,00,00,000")).to_be_visible()
    assert page.locator(".map").evaluate("(node) => node.marked") is True
    expect(page.locator(".details")).to_be_visible()


def test_downloads(visit: Callable[..., Page], cities: Path) -> None:
    """The plan can be taken away as GeoPackage, GeoJSON and CSV, named by city and plan."""
    plan = plans_by_size(cities)[20]
    page = visit(view="plan", plan=plan)
    page.get_by_role("radio", name="Download", exact=True).click()
    for kind, start in (("GeoPackage", b"SQLite format 3\x00"), ("GeoJSON", b"{"), ("CSV", b"\xef\xbb\xbf")):
        with page.expect_download() as got:
            page.get_by_role("button", name=kind, exact=True).click()
        assert got.value.suggested_filename == f"toy-{plan}.{kind.lower().replace('geopackage', 'gpkg')}"
        assert Path(got.value.path()).read_bytes().startswith(start), kind


def test_the_slider_moves_pins_and_numbers_without_the_server(visit: Callable[..., Page], cities: Path) -> None:
    """As the slider moves, pins, numbers and curve follow with nothing asked of the server; let go, the address and the words below follow too."""
    city = City.load(cities / "toy")
    ladder = toy_ladder(city)
    write_ladder(ladder, city)
    page = visit(view="budget")
    slider = page.get_by_role("slider", name="Budget")
    expect(page.locator(MAP)).to_have_attribute("data-rung", "4")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    drawn = []
    for rung in range(5, 10):
        slider.evaluate("(input, k) => { input.value = k; input.dispatchEvent(new Event('input', { bubbles: true })); }", rung)
        expect(page.locator("[data-number='cameras']")).to_have_text(str(ladder.rungs[rung].cameras))
        drawn.append(int(page.locator(MAP).get_attribute("data-drawn-planned") or 0))
    assert drawn == [rung.cameras for rung in ladder.rungs[5:]]
    assert asked == []
    expect(page.get_by_text("With ₹10 lakh alone")).to_be_visible()
    slider.dispatch_event("change")
    expect(page.get_by_text("With ₹20 lakh alone")).to_be_visible()
    assert "rung=9" in page.url
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("With ₹18 lakh alone")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("₹18 lakh"))


def test_a_camera_is_kept_and_another_s_site_left_out_from_the_map(visit: Callable[..., Page], cities: Path) -> None:
    """The buttons of a pin's panel put rules into the form and the address, where they outlast a reload; what was kept can be forbidden after all."""
    page = visit(view="plan", plan=plans_by_size(cities)[20])
    page.locator(".cameras li button").nth(3).click()
    page.get_by_role("button", name="Keep", exact=True).click()
    # A list of its own for each set of rules: the last one stays on the page, unseen, until the new page has come whole.
    kept = page.get_by_test_id("stMultiSelect").filter(has_text="Cameras to keep", visible=True)
    left_out = page.get_by_test_id("stMultiSelect").filter(has_text="Cameras and sites to leave out", visible=True)
    expect(kept).to_contain_text("s003")
    page.locator(".cameras li button").nth(5).click()
    page.get_by_role("button", name="Forbid this site").click()
    expect(left_out).to_contain_text("site-s005")
    page.reload()
    expect(left_out).to_contain_text("site-s005")
    page.locator(".cameras li button").nth(3).click()
    page.get_by_role("button", name="Forbid", exact=True).click()
    expect(left_out).to_contain_text("s003")
    expect(kept).not_to_contain_text("s003")
