"""The app as a committee meets it: `python -m benchmarks.app [--quick]`.

The demo city with a plan and a row of budgets, served by the real server, in a real Chromium: how long to the first map, what a first visit costs
over the wire, how long the slider takes and what it asks for, when a new plan's first draft is drawn, what a rerun costs, and the report in Hindi.
The demo city is made data. --quick plans and searches for shorter.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium, way_in
from benchmarks.crowd import crowd
from benchmarks.figures import Figures, demo_city
from optimizer.desk import open_desk
from optimizer.ladder import make_ladder
from optimizer.plan import make_plan
from optimizer.survey import make_survey
from planning.city import ROOT, City
from planning.export import write_plan
from planning.ladders import write_ladder
from planning.nouns import Plan, Scenario
from planning.report import write_report
from screens import byhand, library
from screens.words import words

MAP = ".map[data-state='ready']"
BUDGET = 20_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter searches")
    quick = parser.parse_args(arguments).quick
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        city, plan = _prepare(Path(folder), 4.0 if quick else 20.0)
        _report(figures, city, plan, Path(folder))
        _rerun(figures, Path(folder), plan)
        _by_hand(figures, plan)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, "CHAUKAS_CITIES": folder, "CHAUKAS_STATE": str(Path(folder) / "state")}
        log, address = Path(folder) / "server.log", f"http://127.0.0.1:{port}"
        with log.open("wb") as stream:
            command = [sys.executable, str(ROOT / "cli.py"), "app", "--port", str(port)]
            server = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        try:
            _wait(port)
            cookies = way_in(address, log)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
                _visits(figures, browser, address, 2 if quick else 5, cookies)
                browser.close()
            crowd(figures, address, cookies, server.pid, 25.0 if quick else 180.0)
        finally:
            server.terminate()
            server.wait(20)
    return figures.close()


def _prepare(folder: Path, seconds: float) -> tuple[City, Plan]:
    """A copy of the demo city with a plan of 2 crore and a row of twenty budgets up to 4 crore."""
    demo = demo_city()
    assert demo.folder is not None
    shutil.copytree(demo.folder, folder / "bilaspur", ignore=shutil.ignore_patterns("plans", "ladders"))
    city = City.load(folder / "bilaspur")
    wish = Scenario(city=city.name, budget_inr=BUDGET, time_limit_s=seconds)
    survey = make_survey(city, wish)
    plan = make_plan(city, wish, survey=survey)
    write_plan(plan, city, folder / "bilaspur" / "plans" / f"{plan.id}.gpkg")
    desk = open_desk(city, Scenario(city=city.name, budget_inr=2 * BUDGET), survey=survey)
    write_ladder(make_ladder(desk, [2 * BUDGET * k // 20 for k in range(1, 21)], time_limit_s=2 * seconds), city)
    return city, plan


def _wait(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


def _report(figures: Figures, city: City, plan: Plan, folder: Path) -> None:
    took = []
    for _ in range(3):
        began = time.perf_counter()
        write_report(plan, city, folder / "r.pdf", words=words("hi").catalogue, hindi=True)
        took.append(time.perf_counter() - began)
    figures.add("cameras of the plan", len(plan.cameras), "cameras")
    figures.add("Hindi report", float(np.median(took)), "s", "<= 3")


def _rerun(figures: Figures, folder: Path, plan: Plan) -> None:
    """What the page's own Python takes again and again, with the plan loaded."""
    from streamlit.testing.v1 import AppTest

    os.environ["CHAUKAS_CITIES"] = str(folder)
    page = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=60)
    for key, value in (("city", "bilaspur"), ("lang", "hi"), ("view", "plan"), ("plan", plan.id)):
        page.query_params[key] = value
    took = []
    for _ in range(12):
        began = time.perf_counter()
        page.run()
        took.append(time.perf_counter() - began)
    figures.add("a rerun of the page, plan loaded", 1000 * float(np.median(took[2:])), "ms", "<= 60")


def _by_hand(figures: Figures, plan: Plan) -> None:
    """Cameras turned one after another, from what the map asks to what it is told."""
    city, said, took = library.city("bilaspur"), words("hi"), []
    name = str(byhand.change(city, plan, {}, said)["hand"])
    for camera in plan.cameras[::40][:15]:
        began = time.perf_counter()
        told = byhand.change(city, plan, {"hand": name, "do": "set", "id": camera.id, "bearing": camera.bearing_deg + 35}, said)
        took.append(time.perf_counter() - began)
        name = str(told["hand"])
    figures.add("a camera turned by hand to its answer, median", 1000 * float(np.median(took)), "ms", "<= 200")


def _visits(figures: Figures, browser: Browser, address: str, times: int, cookies: list[Any]) -> None:
    first, sizes = [], []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1500, "height": 1000})
        context.add_cookies(cookies)
        page = context.new_page()
        sent = _counted(context, page)
        began = time.perf_counter()
        page.goto(f"{address}/?city=bilaspur&lang=hi&view=plan")
        page.locator(MAP).first.wait_for(timeout=60_000)
        first.append(time.perf_counter() - began)
        page.wait_for_timeout(1500)
        sizes.append(sum(sent.values()))
        context.close()
    figures.add("first map on this machine", float(np.median(first)), "s", "<= 3")
    figures.add("a first visit over the wire", max(sizes) / 1e6, "MB", "<= 1.6")
    context = browser.new_context(viewport={"width": 1500, "height": 1000})
    context.add_cookies(cookies)
    page = context.new_page()
    _slide(figures, page, address)
    _draft(figures, page, address)


def _counted(context: Any, page: Page) -> dict[str, float]:
    """Bytes of each request, filled in as they end."""
    sent: dict[str, float] = {}
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sent.__setitem__(event["requestId"], event["encodedDataLength"]))
    return sent


def _slide(figures: Figures, page: Page, address: str) -> None:
    page.goto(f"{address}/?city=bilaspur&lang=hi&view=budget")
    page.locator(MAP).first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    slider, took = page.locator(".ladder input"), []
    for rung in [*range(20), *range(19, -1, -1)]:
        slider.evaluate("(input, k) => { input.value = k; input.dispatchEvent(new Event('input', { bubbles: true })); }", rung)
        took.append(float(page.locator(MAP).first.get_attribute("data-moved") or "nan"))
    figures.add("slider moved to map drawn, median", float(np.median(took)), "ms", "<= 50")
    figures.add("requests while it moves", len(asked), "requests", "<= 0")


def _draft(figures: Figures, page: Page, address: str) -> None:
    """A changed budget: the first time surveyed, the second on that survey."""
    took = []
    for budget in ("2.1 crore", "1.9 crore"):
        page.goto(f"{address}/?city=bilaspur&lang=en&view=plan")
        page.locator(MAP).first.wait_for(timeout=60_000)
        field = page.get_by_label("Budget", exact=True)
        field.fill(budget)
        field.press("Enter")
        page.wait_for_timeout(1500)
        page.get_by_role("button", name="Make the plan").click()
        began = time.perf_counter()
        page.get_by_text("Draft: the best plan found so far").wait_for(timeout=60_000)
        took.append(time.perf_counter() - began)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped on request").wait_for(timeout=60_000)
    figures.add("first draft on the map, city not surveyed", took[0], "s")
    figures.add("first draft on the map, another budget", took[1], "s", "<= 5")


if __name__ == "__main__":
    sys.exit(main())
