"""The operators' map in a real Chromium: pins, pictures beside the map, who sees a place, keyboard, list, events, and a server that falls silent."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pyproj
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from live.feeds import write_clip
from live.log import EventLog
from live.secrets import Credentials, StoreVault, open_sealer
from live.simulated_onvif import OnvifDevice
from live.uptime import Record
from planning.accounts import FIRST, TERMINAL, change_roles, find_account
from planning.deployed import NO_FEED, Deployment, Feed
from planning.register import Register
from planning.store import Store, open_store
from tests.browser.chromium import PICTURES, open_page, start_server
from tests.live import scenes
from tests.screens.toy import CRS, EAST, HOSTILE, NORTH, save_toy

pytestmark = pytest.mark.browser
MAP = ".operate .map[data-state='ready']"


def place(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of the toy's own metres."""
    lon, lat = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform(EAST + x, NORTH + y)
    return lat, lon


SECRET = Credentials("viewer", "hunter2")


@pytest.fixture(scope="module")
def head() -> Iterator[OnvifDevice]:
    """The device of the camera that turns."""
    made = OnvifDevice({"main": "rtsp://127.0.0.1:1/none"}, credentials=SECRET)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory, head: OnvifDevice, log: Path) -> Path:
    """The toy city with six cameras: two that show a street, one that never answers, one without an address, one found dark, and one that turns."""
    parent = tmp_path_factory.mktemp("cities")
    save_toy(parent, plans=False)
    canvas, random = scenes.street(1), np.random.default_rng(1)
    clip = parent / "clip.mp4"
    write_clip(str(clip), iter([scenes.day(canvas, random) for _ in range(20)]), fps=10, group=5)
    feeds = [Feed("file", clip.as_uri()), Feed("file", clip.as_uri()), Feed("rtsp", "rtsp://127.0.0.1:1/none"), NO_FEED, NO_FEED]
    # The first two look at each other along a street, near enough to see between them by night as well.
    rows = [("west", 380, 400, 90), ("east", 420, 400, 270), (HOSTILE, 600, 100, 0), ("bare", 600, 600, None), ("night", 100, 600, 45)]
    state = log.with_suffix(".state")
    store = Store(f"sqlite:///{state / 'chaukas.db'}", state).ready()
    Register(lambda: store, lambda name: parent / name).put(
        *(
            Deployment(f"cam-{number}", "toy", title, *place(x, y), bearing, 6.0, "bullet-4mp", feed, contractor="Made & Co")
            for number, ((title, x, y, bearing), feed) in enumerate(zip(rows, feeds, strict=True))
        ),
        Deployment("cam-5", "toy", "turner", *place(500, 200), 0.0, 6.0, "ptz-2mp", feeds[0], onvif=head.url),
    )
    since = datetime(2026, 3, 1, tzinfo=UTC)
    EventLog(lambda: store, lambda name: parent / name).append("toy", Record("state", since, "cam-4", "dark", since=since, measure="11 steps"))
    store.engine.dispose()
    return parent


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server says what it says; its state lies beside it."""
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture
def movements(log: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many movements of cameras the audit tells of."""

    def count() -> int:
        monkeypatch.setenv("CHAUKAS_STATE", str(log.with_suffix(".state")))
        with open_store().read() as tx:
            return sum(1 for line in tx.lines() if line["action"] == "live.steer")

    return count


@pytest.fixture(scope="module")
def address(cities: Path, log: Path) -> Iterator[str]:
    """The address of the running app, with files allowed as cameras."""
    environment = {**os.environ, "CHAUKAS_LIVE_DEMO": "1"}
    server, address = start_server(cities, log, environment)
    with pytest.MonkeyPatch.context() as patch:
        # The first administrator is let in; to see pictures takes an operator's right as well.
        patch.setenv("CHAUKAS_STATE", str(log.with_suffix(".state")))
        store = open_store()
        change_roles(store, TERMINAL, str(find_account(store, FIRST)["id"]), ("admin", "operator"))
        StoreVault(by=TERMINAL.id).put("cam-5", open_sealer().seal("cam-5", SECRET))
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
    """Opens the screen; afterwards nothing was asked of another host, nothing broke on the page, and a picture is kept."""
    asked: list[str] = []
    broken: list[str] = []
    page = open_page(browser, address, viewport={"width": 1500, "height": 1000})
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: broken.append(str(error)))

    def at(lang: str = "en", wide: int = 1500) -> Page:
        page.set_viewport_size({"width": wide, "height": 1000})
        page.goto(f"{address}/?{urlencode({'city': 'toy', 'view': 'operate', 'lang': lang})}")
        page.locator(MAP).wait_for(timeout=60_000)
        expect(page.locator(MAP)).to_have_attribute("data-pins", "6", timeout=30_000)
        page.evaluate("window.kept = true")
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


_BOX = """
  const deep = (node) => {
    for (const one of node.querySelectorAll('*')) {
      if (one.shadowRoot) { const found = deep(one.shadowRoot); if (found) return found; }
      if (one.classList.contains('map') && one.dataset.pins) return one;
    }
    return null;
  };
  const box = deep(document);
"""


def point(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where on the page the toy's metres lie now."""
    script = f"""(at) => {{ {_BOX} const [corner, found] = [box.getBoundingClientRect(), box.chart.latLngToContainerPoint(at)];
      return [corner.x + found.x, corner.y + found.y]; }}"""
    found = page.evaluate(script, list(place(x, y)))
    return found[0], found[1]


def look_at(page: Page, x: float, y: float) -> None:
    """Bring the map close to a place."""
    page.evaluate(f"(at) => {{ {_BOX} box.chart.setView(at, 19, {{ animate: false }}); }}", list(place(x, y)))


def test_a_click_on_a_pin_plays_its_camera_beside_the_map(visit: Callable[..., Page]) -> None:
    """The picture is live, the list marks the camera, the page was not run again; a camera without an address says so; Escape closes."""
    page = visit()
    expect(page.locator(".chip[data-state='live'] b")).to_have_text("3", timeout=60_000)
    page.mouse.click(*point(page, 380, 400))
    expect(page.locator(MAP)).to_have_attribute("data-opened", "cam-0")
    expect(page.locator(".player")).to_have_attribute("data-state", "live", timeout=60_000)
    expect(page.locator(".rows [aria-current='true'] b")).to_have_text("west")
    page.mouse.click(*point(page, 600, 600))
    expect(page.locator(".screen .note")).to_have_text("No address is on record for this camera's picture")
    expect(page.locator(".player")).to_have_count(0)
    page.locator(".screen .close").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".screen header")).to_have_count(0)
    assert page.evaluate("window.kept") is True


def test_a_click_on_a_place_opens_the_cameras_that_see_it(visit: Callable[..., Page]) -> None:
    """As a wall, the sharpest first; a place nobody sees is told so."""
    page = visit()
    look_at(page, 399, 400)
    page.mouse.click(*point(page, 399, 400))
    expect(page.locator(".screen header strong").first).to_have_text("Cameras that see this place: 2", timeout=60_000)
    expect(page.locator(".sights b")).to_have_text(["west", "east"])
    densities = [int(re.match(r"[\d,]+", text)[0].replace(",", "")) for text in page.locator(".sights small").all_text_contents()]
    assert densities == sorted(densities, reverse=True)
    expect(page.locator(".wall .player[data-state='live']")).to_have_count(2, timeout=60_000)
    page.mouse.click(*point(page, 399, 430))
    expect(page.locator(".screen header strong").first).to_have_text("No camera sees this place", timeout=60_000)
    expect(page.locator(".player")).to_have_count(0)


def test_everything_can_be_done_by_keyboard(visit: Callable[..., Page]) -> None:
    """Search from anywhere, a junction and a camera opened with Enter, arrows along the list, and who sees the middle of the map."""
    page = visit()
    page.locator(MAP).focus()
    page.keyboard.press("/")
    page.keyboard.type("bare")
    page.keyboard.press("Enter")
    expect(page.locator(MAP)).to_have_attribute("data-opened", "cam-3")
    page.locator(MAP).focus()
    page.keyboard.press("Enter")
    expect(page.locator(MAP)).to_have_attribute("data-seen", re.compile(r"\d"), timeout=60_000)
    page.locator(".panel .rows button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    second = page.locator(".panel .rows button").nth(1).get_attribute("data-camera")
    expect(page.locator(MAP)).to_have_attribute("data-opened", str(second))
    page.locator("[role=tab]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[role=tab][aria-selected='true']")).to_have_text("Events")


def test_an_event_is_acknowledged_with_a_note(
    visit: Callable[..., Page], cities: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note stands under the event, for whoever comes next too, and runs as nothing."""
    page = visit()
    page.locator("[data-tab=events]").click()
    row = page.locator(".events li", has_text="night")
    expect(row).to_contain_text("dark picture")
    expect(row).to_contain_text("11 steps")
    row.locator("button", has_text="Acknowledge").click()
    page.locator(".note-form textarea").fill(HOSTILE)
    page.locator(".note-form button", has_text="Save").click()
    expect(row.locator(".noted")).to_contain_text(HOSTILE)
    monkeypatch.setenv("CHAUKAS_STATE", str(log.with_suffix(".state")))
    kept = [record for record in EventLog(folder=lambda name: cities / name).records("toy") if record.kind == "acknowledged"]
    assert [record.note for record in kept] == [HOSTILE]


def test_what_is_not_seen_and_what_to_repair_first(visit: Callable[..., Page]) -> None:
    """With no camera down that ever worked nothing is lost, and this is said."""
    page = visit()
    page.locator("[data-tab=blind]").click()
    expect(page.locator(".blind .lost")).to_contain_text("0 %", timeout=30_000)
    expect(page.locator(".blind .note")).to_contain_text("Down: 0")


def test_a_small_screen_has_a_list_in_hindi(visit: Callable[..., Page]) -> None:
    """On a telephone: every camera in a list, a filter by state, and its picture above it."""
    page = visit(lang="hi", wide=420)
    expect(page.locator(".rows li")).to_have_count(6)
    expect(page.locator(".chip[data-state='live'] b")).to_have_text("3", timeout=60_000)
    page.locator(".chip[data-state='live']").click()
    expect(page.locator(".rows li:visible")).to_have_count(3)
    page.locator(".rows li:visible button").first.click()
    expect(page.locator(".player")).to_have_attribute("data-state", "live", timeout=60_000)
    expect(page.locator(".rows li:visible").first).to_contain_text("चालू")


def test_a_silent_server_makes_every_pin_stale(visit: Callable[..., Page]) -> None:
    """Old states are never shown as live: six seconds without a word and a banner says so; with the next word all is as before."""
    page = visit()
    expect(page.locator(".chip[data-state='live'] b")).to_have_text("3", timeout=60_000)
    page.route("**/operate/toy/states", lambda route: route.abort())
    expect(page.locator(".deaf")).to_be_visible(timeout=45_000)
    expect(page.locator(".chip[data-state='live']")).to_have_count(0)
    expect(page.locator(".chip[data-state='stale'] b")).to_have_text("3")
    page.unroute("**/operate/toy/states")
    expect(page.locator(".deaf")).to_be_hidden(timeout=45_000)
    expect(page.locator(".chip[data-state='live'] b")).to_have_text("3")


def _told(states: dict[str, str], clocks: dict[str, int]) -> Callable[[Any], None]:
    """States as the server would tell them, with some of them others."""

    def answer(route: Any) -> None:
        told = route.fetch().json()
        told["states"] |= {camera: [state, told["now_s"] - 60] for camera, state in states.items()}
        route.fulfill(json={**told, "clocks": clocks})

    return answer


def test_a_camera_that_moved_is_accepted_and_a_clock_that_is_off_is_told(visit: Callable[..., Page]) -> None:
    """The button stands by a camera that looks elsewhere, asks the server, and says what it did; a clock's error stands in the list, in words."""
    page = visit(lang="hi")
    page.route("**/operate/toy/states", _told({"cam-0": "moved"}, {"cam-1": -400}))
    expect(page.locator(".rows li", has_text="east")).to_contain_text("7 मिनट पीछे", timeout=45_000)
    page.locator(".rows button", has_text="west").click()
    expect(page.locator(".accept button")).to_be_visible(timeout=45_000)
    page.screenshot(path=PICTURES / "accept-hi.png")
    page.locator(".accept button").click()
    expect(page.locator(".accept")).to_contain_text("मान लिया गया", timeout=45_000)
    page.route("**/operate/toy/states", _told({}, {}))
    page.locator(".rows button", has_text="east").click()
    expect(page.locator(".accept")).to_have_count(0)


def test_the_order_of_repairs_is_by_rupee_or_by_hour(visit: Callable[..., Page]) -> None:
    """Each repair tells both; the button that is pressed is the one the order follows."""
    page = visit()
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        hours = "by=hours" in route.request.url
        rows = [("cam-0", "west", 0.02, 3500, 6.5), ("cam-1", "east", 0.01, 300, 1.0)]
        repairs = [{"camera": one, "title": title, "gain": gain, "alone": gain, "inr": inr, "hours": took} for one, title, gain, inr, took in rows]
        told = {"before": 0.4, "now": 0.37, "lost": 0.03, "down": ["cam-0", "cam-1"], "streets": [], "wards": [], "by": "hours" if hours else "inr"}
        route.fulfill(json={**told, "repairs": repairs if hours else repairs[::-1]})

    page.route("**/operate/toy/blind*", answer)
    page.locator("[data-tab=blind]").click()
    expect(page.locator(".blind .rows b")).to_have_text(["east", "west"])
    expect(page.locator(".blind .rows small").last).to_contain_text("₹ 3,500 · 6.5 h")
    page.locator(".units button", has_text="hour").click()
    expect(page.locator(".blind .rows b")).to_have_text(["west", "east"])
    expect(page.locator(".units button", has_text="hour")).to_have_attribute("aria-pressed", "true")
    assert [url.rpartition("=")[2] for url in asked][:2] == ["inr", "hours"]


def bearing(page: Page) -> float:
    """Where the map says that the opened camera looks."""
    return float(page.locator(MAP).get_attribute("data-bearing") or "nan")


def turned_to(page: Page, wanted: float) -> None:
    """Wait until the opened camera looks there and its cone on the map does so too: the middle of it lies that way from the camera."""
    script = f"""(wanted) => {{ {_BOX}
      const operate = box.operate, areas = operate.turned.areas.get('cam-5'), at = operate.pins.rows.findIndex((row) => row.id === 'cam-5');
      if (!areas || Math.abs(Number(box.dataset.bearing) - wanted) > 2) return false;
      let [x, y] = [0, 0];
      for (let i = 0; i < areas.count; i += 1) {{ x += areas.x[i] / areas.count; y += areas.y[i] / areas.count; }}
      const seen = (Math.atan2(x - operate.pins.x[at], y - operate.pins.y[at]) * 180 / Math.PI + 360) % 360;
      return Math.abs((seen - wanted + 540) % 360 - 180) < 35; }}"""
    page.wait_for_function(script, arg=wanted, timeout=60_000)


def test_a_camera_is_steered_by_keyboard_and_its_cone_turns(visit: Callable[..., Page], head: OnvifDevice, movements: Callable[[], int]) -> None:
    """An arrow held turns the camera, let go it stands; bearing and cone follow without the page run anew; it is one line of the audit."""
    page = visit()
    look_at(page, 500, 200)
    page.mouse.click(*point(page, 500, 200))
    expect(page.locator(MAP)).to_have_attribute("data-bearing", "0", timeout=60_000)
    expect(page.locator(".player")).to_have_attribute("data-state", "live", timeout=60_000)
    page.locator(".pad").focus()
    page.keyboard.down("ArrowRight")
    until = time.monotonic() + 15
    while not 40 < head.head.aim()[0][0] * 180 < 140 and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.keyboard.up("ArrowRight")
    expect(page.locator(".steer .held")).to_contain_text("You steer it")
    until = time.monotonic() + 10
    while head.head.aim()[1] and time.monotonic() < until:
        page.wait_for_timeout(50)
    pan = head.head.aim()[0][0] * 180
    assert pan > 40
    turned_to(page, pan)
    assert movements() == 1
    assert page.evaluate("window.kept") is True
    page.locator(".screen .close").click()
    expect(page.locator(".steer")).to_have_count(0)
    page.wait_for_timeout(2500)
    assert page.evaluate(f"() => {{ {_BOX} return box.operate.turned.areas.has('cam-5'); }}"), "the cone stays where the camera looks"
    assert abs(head.head.aim()[0][0] * 180 - pan) < 0.1


def test_a_preset_is_gone_to_in_hindi_and_another_s_hold_is_told(visit: Callable[..., Page], head: OnvifDevice) -> None:
    """By pointer and list, in Hindi; where somebody else steers, that is said and the pad is still."""
    page = visit(lang="hi")
    look_at(page, 500, 200)
    page.mouse.click(*point(page, 500, 200))
    page.locator(".steer select").select_option("east")
    turned_to(page, 90)
    expect(page.locator(".steer .aim")).to_contain_text("90°")
    expect(page.locator(".steer .held")).to_contain_text("आप घुमा रहे हैं")
    page.locator(".pad .left").hover()
    page.mouse.down()
    until = time.monotonic() + 15
    while head.head.aim()[0][0] > 0.4 and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.mouse.up()
    assert head.head.aim()[0][0] <= 0.4
    held = {"code": "steer.held", "what": "held", "way_out": "wait"}
    page.route("**/live/steer/cam-5", lambda route: route.fulfill(status=403, json={"faults": [held]}))
    page.locator(".pad .up").click()
    expect(page.locator(".steer .held")).to_have_text("यह कैमरा अभी कोई और घुमा रहा है। खाली होने तक रुकें")
