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
from planning.city import City, Source
from planning.export import write_plan
from planning.nouns import Plan, Scenario
from planning.store import open_store
from screens.page import write_page
from screens.public import public_url
from screens.words import words
from tests.browser.chromium import PICTURES, open_page, start_server
from tests.screens.toy import make_public, toy_city, toy_plan

pytestmark = pytest.mark.browser
MAP = ".map[data-state='ready']"
PAYLOADS = (
    "${window.hurt=1}", "</script><script>window.hurt=2</script>", '<img src=x onerror="window.hurt=3">', "javascript:window.hurt=4",
    "<svg/onload=window.hurt=5>", "\"><iframe srcdoc='<script>parent.hurt=6</script>'></iframe>", "';window.hurt=7;//", "<!--<script>window.hurt=8",
    "[x](javascript:window.hurt=9)", "![x](http://127.0.0.1:9/x.png)", "{{constructor.constructor('window.hurt=10')()}}",
    "</style><script>window.hurt=11</script>",
)  # fmt: skip
ALL = " ".join(PAYLOADS)


def hostile_city() -> City:
    """The toy city, all its words payloads."""
    city = toy_city()
    wards, cameras, roads = city["wards"].copy(), city["cameras"].copy(), city["roads"].copy()
    wards["name"] = [f"{ALL} {k}" for k in range(len(wards))]
    cameras["junction"], cameras["source"], cameras["model"] = ALL, ALL, ALL
    roads["name"] = ALL
    frames = {**city.frames, "wards": wards, "cameras": cameras, "roads": roads}
    sources = (Source("roads", ALL, ALL, ALL), Source(ALL, "OpenStreetMap", "ODbL"))
    return dataclasses.replace(city, title=ALL, title_hi=f"हिन्दी {ALL}", frames=frames, sources=sources, notes=PAYLOADS, digest="")


def hostile_plan(city: City, budget_inr: int) -> Plan:
    """A toy plan whose title, ids, purposes and assumptions are payloads."""
    plan = toy_plan(city, Scenario("toy", budget_inr, title=ALL[:120]))
    sites = tuple(dataclasses.replace(site, id=f"{site.id} {PAYLOADS[k % len(PAYLOADS)]}") for k, site in enumerate(plan.sites))
    cameras = tuple(
        dataclasses.replace(
            camera, id=f"{camera.id} {PAYLOADS[k % len(PAYLOADS)]}", site=sites[k].id, purpose=ALL, model=ALL if k == 1 else camera.model
        )
        for k, camera in enumerate(plan.cameras)
    )
    proof = dataclasses.replace(plan.proof, how=ALL, status=ALL)
    return dataclasses.replace(plan, cameras=cameras, sites=sites, assumptions=PAYLOADS, stages_s=((ALL, 1.0),), proof=proof, verified=True)


@pytest.fixture(name="city", scope="module")
def city_of_payloads(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The hostile city in a folder, with two plans, one of them published."""
    folder = tmp_path_factory.mktemp("hostile") / "toy"
    city = hostile_city().save(folder)
    for budget in (1_000_000, 1_500_000):
        plan = hostile_plan(city, budget)
        write_plan(plan, city, folder / "plans" / f"{plan.id}.gpkg")
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
    expect(page.locator(".details .id")).to_contain_text("${window.hurt=1}")


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_page_of_one_file(city: City, page: tuple[Page, list[str]], tmp_path: Path, language: str) -> None:
    """Opened from a disk it draws its map, asks nothing of anyone, and shows every payload as text."""
    sheet, seen = page
    plan = hostile_plan(city, 1_500_000)
    path = tmp_path / "plan.html"
    write_page(plan, city, path, said=words(language))
    sheet.goto(path.as_uri())
    sheet.locator(MAP).wait_for(timeout=90_000)
    expect(sheet.locator(MAP)).to_have_attribute("data-planned", "30")
    assert ALL in sheet.locator("h1").inner_text()
    open_a_pin(sheet)
    for payload in PAYLOADS:
        assert sheet.locator("section li", has_text=payload).count() >= 1, payload
    PICTURES.mkdir(exist_ok=True)
    sheet.screenshot(path=PICTURES / f"one-file-{language}.png")
    unhurt(sheet, seen, path.as_uri())


def test_public_page_and_screens(city: City, page: tuple[Page, list[str]], tmp_path: Path) -> None:
    """The public page in both languages for someone not signed in, and every screen, over the hostile city: nothing runs, nobody else is asked."""
    sheet, seen = page
    assert city.folder is not None
    server, address = start_server(city.folder.parent, tmp_path / "server.log", dict(os.environ))
    try:
        plan = hostile_plan(city, 1_500_000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHAUKAS_STATE", str(tmp_path / "server.state"))
            patch.setenv("CHAUKAS_CITIES", str(city.folder.parent))
            make_public(plan, city)
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
        for view in ("budget", "city", "plan", "compare", "fairness"):
            sheet.goto(f"{address}/?city=toy&lang=en&view={view}")
            sheet.locator(MAP).first.wait_for(timeout=90_000)
            if view == "plan":
                open_a_pin(sheet)
                for tab in ("proof", "costs", "files"):
                    sheet.get_by_role("tab", name=words("en").say(f"tab.{tab}")).click()
                expect(sheet.get_by_role("link", name=words("en").say("page.public"))).to_be_visible()
            sheet.wait_for_timeout(300)
            unhurt(sheet, seen, address)
    finally:
        server.terminate()
        server.wait(20)
