"""From a click on a pin to the first frame beside the map: the real app over the demo city with 600 pins, 16 of them cameras that play."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from playwright.sync_api import Browser, Page, expect

from benchmarks.figures import Figures, demo_city
from planning.accounts import FIRST, TERMINAL, change_roles, find_account
from planning.city import City
from planning.deployed import NO_FEED, Deployment, Feed
from planning.register import Register
from planning.store import Store, open_store
from screens import mapdata
from tests.browser.chromium import open_page, start_server

PINS, PLAYING = 600, 16
_DEEP = """
  const deep = (node, name) => {
    for (const one of node.querySelectorAll('*')) {
      if (one.classList.contains(name)) return one;
      const found = one.shadowRoot && deep(one.shadowRoot, name);
      if (found) return found;
    }
    return null;
  };
"""
# From the moment the button of the mouse went down to the first picture drawn.
_WATCH = f"""() => {{ {_DEEP}
  window.took = new Promise((done, failed) => {{
    addEventListener('mousedown', (event) => {{
      const screen = deep(document, 'screen');
      const before = screen.querySelector('.player');
      const look = () => {{
        const now = screen.querySelector('.player');
        if (now && now !== before && now.dataset.state === 'live') done(performance.now() - event.timeStamp); else setTimeout(look, 1);
      }};
      look();
    }}, {{ capture: true, once: true }});
    setTimeout(() => failed(new Error('no frame')), 15000);
  }});
}}"""
_PLACE = f"""(at) => {{ {_DEEP}
  const box = deep(document, 'operate').querySelector('.map');
  const [corner, found] = [box.getBoundingClientRect(), box.chart.latLngToContainerPoint(at)];
  return [corner.x + found.x, corner.y + found.y];
}}"""


def through_the_map(figures: Figures, browser: Browser, folder: Path, *, clicks: int, rtsp: int) -> None:
    """Measure it. `rtsp`: port of the simulated cameras cam0 and on."""
    city = demo_city()
    assert city.folder is not None
    cities = folder / "cities"
    former = ("events.jsonl*", "deployments.csv*", "footage.jsonl*")  # of versions before, and taken in
    shutil.copytree(city.folder, cities / city.folder.name, ignore=shutil.ignore_patterns("plans", "references", *former))
    deployed = _deployed(city, city.folder.name, rtsp)
    log = folder / "app.log"
    state = log.with_suffix(".state")
    kept = Store(f"sqlite:///{state / 'chaukas.db'}", state).ready()
    Register(lambda: kept, lambda name: cities / name).put(*deployed)
    kept.engine.dispose()
    server, address = start_server(cities, log, {**os.environ, "CHAUKAS_LIVE_DEMO": "1"}, "cli.py app --port PORT")
    try:
        before = os.environ.get("CHAUKAS_STATE")
        os.environ["CHAUKAS_STATE"] = str(log.with_suffix(".state"))
        store = open_store()
        change_roles(store, TERMINAL, str(find_account(store, FIRST)["id"]), ("admin", "operator"))
        os.environ.pop("CHAUKAS_STATE") if before is None else os.environ.update(CHAUKAS_STATE=before)
        page = open_page(browser, address, viewport={"width": 1500, "height": 1000})
        page.goto(f"{address}/?city={city.folder.name}&view=operate&lang=en")
        page.locator(f".operate .map[data-pins='{PINS}']").wait_for(timeout=90_000)
        expect(page.locator(".chip[data-state='live'] b")).to_have_text(str(PLAYING), timeout=60_000)
        took = [_click(page, deployed[number % PLAYING]) for number in range(clicks)]
        page.context.close()
    finally:
        server.terminate()
        server.wait(20)
    figures.add(f"click -> first frame through the map, {PINS} pins, median", statistics.median(took), "ms", "<= 300")
    figures.add(f"click -> first frame through the map, {PINS} pins, max", max(took), "ms")


def _deployed(city: City, name: str, rtsp: int) -> list[Deployment]:
    """Cameras along the city's roads."""
    roads = city["roads"].geometry.to_numpy()
    made = np.random.default_rng(7)
    points = shapely.line_interpolate_point(roads[made.integers(0, len(roads), PINS)], made.random(PINS), normalized=True)
    lon, lat = mapdata.to_degrees(city, shapely.get_coordinates(points))
    feeds = [Feed("rtsp", f"rtsp://127.0.0.1:{rtsp}/cam{number}") if number < PLAYING else NO_FEED for number in range(PINS)]
    bearings = made.integers(0, 360, PINS)
    return [
        Deployment(f"pin-{at:03d}", name, f"Pin {at}", float(lat[at]), float(lon[at]), float(bearings[at]), 6.0, "bullet-4mp", feed)
        for at, feed in enumerate(feeds)
    ]


def _click(page: Page, camera: Deployment) -> float:
    """Milliseconds from a click on a camera's pin to its first picture."""
    at: Any = page.evaluate(_PLACE, [camera.lat, camera.lon])
    page.evaluate(_WATCH)
    page.mouse.click(at[0], at[1])
    took = float(page.evaluate("window.took"))
    time.sleep(0.3)
    return took
