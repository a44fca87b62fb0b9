"""A committee's evening, from the slider to the report, on the real planner over a small town, in both languages."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from optimizer.desk import open_desk
from optimizer.ladder import make_ladder
from optimizer.plan import make_plan
from optimizer.survey import Survey
from planning.city import ROOT, City
from planning.export import read_plan, write_plan
from planning.ladders import write_ladder
from planning.nouns import Plan, Scenario
from screens.words import words
from tests.browser.chromium import PICTURES, open_page, start_server

pytestmark = pytest.mark.browser
MAP = ".map[data-state='ready']"
SOON = 60_000  # ms, on a machine with much else to do


@pytest.fixture(name="home", scope="module")
def town_with_plans(town: City, survey: Survey, plan: Plan, wish: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town with two plans and a row of four budgets."""
    folder = tmp_path_factory.mktemp("journey")
    city = town.save(folder / "toy")
    smaller = make_plan(town, dataclasses.replace(wish, budget_inr=80_000), survey=survey)
    for one in (smaller, plan):
        write_plan(one, city, folder / "toy" / "plans" / f"{one.id}.gpkg")
    write_ladder(make_ladder(open_desk(city, wish, survey=survey), (40_000, 80_000, 110_000, 130_000), time_limit_s=10.0), city)
    return folder


@pytest.fixture(name="address", scope="module")
def address_of_the_app(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real app over that folder."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    server, address = start_server(home, log, dict(os.environ), f"{ROOT / 'cli.py'} app --port PORT")
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


@pytest.mark.parametrize("language", ["hi", "en"])
def test_from_the_slider_to_the_report(browser: Browser, address: str, home: Path, plan: Plan, language: str) -> None:
    """Slide; compare two plans; ask a camera why; keep it and leave a site out; plan again around that; take the report in one's language."""
    said = words(language)
    page = open_page(browser, address, viewport={"width": 1500, "height": 1100})

    def at(view: str, **more: str) -> None:
        page.goto(f"{address}/?city=toy&lang={language}&view={view}" + "".join(f"&{key}={value}" for key, value in more.items()))
        page.locator(MAP).first.wait_for(timeout=60_000)

    at("budget")
    slider, covered = page.locator(".ladder input"), page.locator("[data-number='covered']")
    before = covered.inner_text()
    slider.focus()
    page.keyboard.press("End")
    expect(covered).not_to_have_text(before)
    expect(page.get_by_text(said.say("ladder.make"))).to_be_visible()
    at("compare")
    expect(page.locator(MAP)).to_have_count(3)  # two plans, and what changes from one to the other
    at("plan", plan=plan.id)
    kept, gone = plan.cameras[0], next(camera for camera in plan.cameras if camera.site != plan.cameras[0].site)
    page.locator(f".cameras button[data-camera='{kept.id}']").click()
    page.get_by_role("button", name=said.say("rule.why")).click()
    expect(page.get_by_text(said.say("why.lost"), exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text(said.share(kept.gain, 3), exact=True).first).to_be_visible()
    page.get_by_role("button", name=said.say("rule.keep"), exact=True).click()
    expect(page).to_have_url(re.compile("keep="))
    page.locator(f".cameras button[data-camera='{gone.id}']").click()
    page.get_by_role("button", name=said.say("rule.forbid_site")).click()
    expect(page).to_have_url(re.compile("forbid="))
    field = page.get_by_label(said.say("plan.budget"), exact=True)
    field.fill("1,30,000" if language == "en" else "१,२९,०००")
    field.press("Enter")
    page.get_by_role("button", name=said.say("plan.run")).click()
    expect(page).to_have_url(re.compile(r"[?&]plan=(?!" + plan.id + ")"), timeout=120_000)
    expect(page.locator(MAP).first).to_be_visible(timeout=60_000)
    found = re.search(r"[?&]plan=([0-9a-f]{12})", page.url)
    assert found
    again = read_plan(home / "toy" / "plans" / f"{found[1]}.gpkg")
    assert kept.id in {camera.id for camera in again.cameras}
    assert gone.site not in {site.id for site in again.sites}
    assert again.verified
    page.get_by_role("radio", name=said.say("tab.files"), exact=True).click()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=said.say("file.pdf")).click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"journey-{language}.png")
    page.context.close()


def test_a_camera_is_changed_by_hand(browser: Browser, address: str, home: Path, plan: Plan) -> None:
    """Turn a camera, see the numbers change; move it; undo, redo; a reload and another visitor have it; plan again around it; keep it as it is."""
    said = words("hi")
    page = open_page(browser, address, viewport={"width": 1500, "height": 1100})
    page.goto(f"{address}/?city=toy&lang=hi&view=plan&plan={plan.id}")
    page.locator(MAP).first.wait_for(timeout=2 * SOON)
    best = max(plan.cameras, key=lambda camera: camera.gain)
    page.locator(f".cameras button[data-camera='{best.id}']").click()
    page.locator(".byhand summary").click()
    page.locator("[data-hand='model']").wait_for(timeout=2 * SOON)
    numbers = page.locator(".hand .numbers")
    before = numbers.inner_text()
    bearing = page.locator("[data-hand='bearing']")
    bearing.fill(f"{(best.bearing_deg + 180) % 360:.1f}")
    bearing.press("Enter")
    expect(numbers).not_to_have_text(before, use_inner_text=True, timeout=SOON)
    expect(page).to_have_url(re.compile(r"hand=[0-9a-f]{12}-1"), timeout=SOON)
    turned = numbers.inner_text()
    pin, box = page.locator(MAP).first, page.locator(MAP).first.bounding_box()
    assert box is not None
    page.locator("[data-hand='move']").click()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Escape")
    page.locator("[data-hand='move']").click()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"hand=[0-9a-f]{12}-2"), timeout=SOON)
    expect(pin).to_have_attribute("data-hand", re.compile("-2$"), timeout=SOON)
    moved = page.locator(".changes summary").inner_text()
    assert "2" in moved
    page.keyboard.press("Control+z")
    expect(page).to_have_url(re.compile(r"hand=[0-9a-f]{12}-1"), timeout=SOON)
    expect(numbers).to_have_text(turned, use_inner_text=True, timeout=SOON)
    page.keyboard.press("Control+z")
    expect(numbers).to_have_text(before, use_inner_text=True, timeout=SOON)
    page.locator("[data-bar='redo']").click()
    expect(numbers).to_have_text(turned, use_inner_text=True, timeout=SOON)
    page.keyboard.press("Control+y")
    expect(page).to_have_url(re.compile(r"hand=[0-9a-f]{12}-2"), timeout=SOON)
    page.reload()
    expect(page.locator(".changes summary")).to_have_text(moved, timeout=2 * SOON)
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "byhand-hi.png")
    sheet = page.url
    page.locator("[data-bar='again']").click()
    expect(page).to_have_url(re.compile(r"[?&]plan=(?!" + plan.id + ")[0-9a-f]{12}"), timeout=3 * SOON)
    again = read_plan(home / "toy" / "plans" / f"{re.findall(r'[?&]plan=([0-9a-f]{12})', page.url)[0]}.gpkg")
    assert again.verified
    assert again.cost_inr <= plan.scenario.budget_inr
    other = open_page(browser, address, viewport={"width": 1500, "height": 1100})
    other.goto(sheet)
    expect(other.locator(".changes summary")).to_have_text(moved, timeout=2 * SOON)
    other.get_by_label(said.say("hand.name")).fill("हमारी योजना")
    other.locator("[data-bar='save']").click()
    expect(other).to_have_url(re.compile(r"[?&]plan=(?!" + plan.id + ")[0-9a-f]{12}"), timeout=3 * SOON)
    kept = read_plan(home / "toy" / "plans" / f"{re.findall(r'[?&]plan=([0-9a-f]{12})', other.url)[0]}.gpkg")
    assert (kept.proof.status, kept.scenario.title, kept.verified) == ("hand-made", "हमारी योजना", True)
    hand_made = {camera.id for camera in kept.cameras} - {camera.id for camera in plan.cameras}
    assert len(hand_made) == 1
    assert hand_made <= {camera.id for camera in again.cameras}
    expect(other.locator(MAP).first).to_have_attribute("data-planned", str(len(kept.cameras)), timeout=2 * SOON)
    page.context.close()
    other.context.close()
