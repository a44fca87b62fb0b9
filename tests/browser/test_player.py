"""The player in a real Chromium, over real RTSP: every way to show a picture, and the truth about one that is old."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from live.simulated import BITS, Cameras, has_gstreamer
from planning.city import ROOT
from screens.player import player_words
from screens.words import words
from tests.browser.chromium import PICTURES, answers, free_port

pytestmark = pytest.mark.browser
NAMES = ["street", "masked", *(f"tile{number}" for number in range(4))]
# The number burnt into the picture of a screen, read off its squares; -1 where there is no picture.
NUMBER = """(at) => {
  const shown = document.querySelectorAll('.player')[at].querySelector('canvas, video');
  if (!shown) return -1;
  const sheet = new OffscreenCanvas(320, 20);
  const context = sheet.getContext('2d');
  context.drawImage(shown, 0, 0, shown.width || shown.videoWidth, (shown.width || shown.videoWidth) / 16, 0, 0, 320, 20);
  const row = context.getImageData(0, 10, 320, 1).data;
  let number = 0;
  for (let bit = 0; bit < BITS; bit += 1) number = number * 2 + (row[(bit * 20 + 10) * 4] > 125 ? 1 : 0);
  return number;
}""".replace("BITS", str(BITS))


@pytest.fixture(name="folder", scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for clips."""
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(name="port", scope="module")
def cameras_port() -> int:
    """The cameras' port."""
    return free_port()


@pytest.fixture(name="other_port", scope="module")
def camera_of_another_codec() -> int:
    """The port of a camera that sends H.265."""
    return free_port()


@pytest.fixture(name="cameras")
def simulated(folder: Path, port: int) -> Iterator[Cameras]:
    """The cameras, alive."""
    made = Cameras(folder, NAMES, port, frames=90, group=15, width=640, height=360)
    yield made
    made.stop()


@pytest.fixture(name="address", scope="module")
def server(folder: Path, port: int, other_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address."""
    first = Cameras(folder, NAMES, port, frames=90, group=15, width=640, height=360)
    first.stop()
    at = free_port()
    log = (tmp_path_factory.mktemp("log") / "server.log").open("wb")
    command = [sys.executable, str(Path(__file__).with_name("live_server.py")), str(at), json.dumps({**first.urls, "h265": f"rtsp://127.0.0.1:{other_port}/h265"})]
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    assert answers(process, at)
    yield f"http://127.0.0.1:{at}"
    process.terminate()
    process.wait(20)
    log.close()


@pytest.fixture(name="browser", scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(name="page")
def page_of(browser: Browser, address: str) -> Iterator[Page]:
    """The page; nothing may break on it."""
    broken: list[str] = []
    page = browser.new_page(viewport={"width": 640, "height": 400})
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(address)
    page.wait_for_function("Boolean(window.play)")
    yield page
    page.close()
    assert broken == []


def opened(page: Page, camera: str, language: str = "en", **more: str) -> None:
    """A player of one camera that shows something."""
    told = {"camera": camera, "title": camera, "words": player_words(words(language)), **more}
    page.evaluate("(options) => { window.one = play(host, options); }", told)
    page.wait_for_function("one.state().state === 'live' && one.state().frames > 3", timeout=60_000)


@pytest.mark.usefixtures("cameras")
@pytest.mark.parametrize("way", ["webcodecs", "mse", "jpeg"])
def test_each_way_shows_pictures_that_go_on(page: Page, way: str) -> None:
    """By the browser's decoder, as growing MP4 and as single pictures the camera's frames are shown, and they count on."""
    opened(page, "street", "hi" if way == "mse" else "en", **({} if way == "webcodecs" else {"only": way}), reason="test")
    assert page.evaluate("one.state().way") == way
    first = page.evaluate(NUMBER, 0)
    page.wait_for_function(f"(before) => ({NUMBER})(0) !== before", arg=first, timeout=45_000)
    assert page.evaluate("one.state().age_s") < 3
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"player-{way}.png")
    page.evaluate("one.close()")
    assert page.locator(".player").count() == 0


def test_a_dead_camera_is_veiled_and_comes_back_by_itself(page: Page, folder: Path, port: int, address: str) -> None:
    """Hung, a camera's picture is veiled and called old; killed, offline; back with another size it is shown again, on the same page."""
    made = Cameras(folder, NAMES, port, frames=90, group=15, width=640, height=360)
    try:
        opened(page, "street")
        os.kill(made.process.pid, signal.SIGSTOP)
        page.wait_for_function("['stale', 'offline'].includes(document.querySelector('.player').dataset.state)", timeout=45_000)
        assert page.locator(".player .veil").is_visible()
        said = player_words(words("en"))
        assert page.locator(".player .veil").inner_text() in {said["stale"], said["offline"]}
        made.stop()
        page.wait_for_function("document.querySelector('.player').dataset.state === 'offline'", timeout=45_000)
        page.screenshot(path=PICTURES / "player-offline.png")
    finally:
        made.stop()
    again = Cameras(folder, NAMES, port, frames=60, group=15, width=320, height=192)
    try:
        page.wait_for_function("one.state().state === 'live' && document.querySelector('.player canvas').width === 320", timeout=60_000)
        assert not page.locator(".player .veil").is_visible()
        page.evaluate("one.close()")
    finally:
        again.stop()
    page.goto(f"{address}/views")
    assert [row for row in json.loads(page.locator("body").inner_text()) if row[1] == "street" and row[3] is not None]


@pytest.mark.usefixtures("cameras")
def test_a_masked_camera_is_shown_masked_and_says_so(page: Page) -> None:
    """The player shows what the server covered, and a note that it did."""
    opened(page, "masked", "hi")
    assert page.evaluate("one.state()")["way"] == "jpeg"
    assert page.evaluate("one.state()")["masked"] is True
    assert page.locator(".player .note").inner_text() == player_words(words("hi"))["masked"]
    colour = """() => { const c = document.querySelector('.player canvas'); const d = c.getContext('2d').getImageData(20, c.height / 2, 200, 1).data;
      return Math.max(...d.filter((_, i) => i % 4 < 3)); }"""
    assert page.evaluate(colour) < 90
    page.screenshot(path=PICTURES / "player-masked.png")


@pytest.mark.usefixtures("cameras")
def test_a_wall_shows_its_cameras_side_by_side(page: Page) -> None:
    """A wall of four shows four live pictures in two rows, each going on in a video element, and closes as a whole."""
    page.evaluate("(names) => { window.one = wall(host, names.map((camera) => ({ camera })), { words: { live: 'live' } }); }", NAMES[2:])
    page.wait_for_function("one.state().length === 4 && one.state().every((tile) => tile.state === 'live')", timeout=60_000)
    assert page.locator(".player video").count() == 4
    for tile in range(4):
        first = page.evaluate(f"({NUMBER})({tile})")
        page.wait_for_function(f"([at, before]) => ({NUMBER})(at) !== before", arg=[tile, first], timeout=45_000)
    boxes = [tile.bounding_box() for tile in page.locator(".player").all()]
    assert len({round(box["x"]) for box in boxes if box}) == len({round(box["y"]) for box in boxes if box}) == 2
    page.screenshot(path=PICTURES / "player-wall.png")
    page.evaluate("one.close()")
    assert page.locator(".player").count() == 0


@pytest.mark.usefixtures("cameras")
def test_who_has_no_right_reads_so(page: Page) -> None:
    """A camera that is not there, or not for this visitor, is told by a word and opened no further."""
    page.evaluate("(words) => { window.one = play(host, { camera: 'nowhere', words }); }", player_words(words("hi")))
    page.wait_for_function("document.querySelector('.player').dataset.state === 'refused'", timeout=45_000)
    assert page.locator(".player .veil").inner_text() == player_words(words("hi"))["refused"]


@pytest.mark.skipif(not has_gstreamer(), reason="no GStreamer")
def test_h265_plays_or_says_plainly_that_it_cannot_and_shows_pictures(page: Page, folder: Path, other_port: int) -> None:
    """Where the browser has no decoder of it, single pictures go on with the sentence below them: never a black box, never an error."""
    made = Cameras(folder, ["h265"], other_port, frames=60, group=15, width=640, height=360, codec="h265")
    try:
        opened(page, "h265", "hi")
        can = page.evaluate("VideoDecoder.isConfigSupported({ codec: 'hev1.1.6.L93.B0' }).then(({ supported }) => supported)")
        assert page.evaluate("one.state().way") == ("webcodecs" if can else "jpeg")
        assert (player_words(words("hi"))["no_h265"] in page.locator(".player .note").inner_text(timeout=45_000)) is not can
        first = page.evaluate(NUMBER, 0)
        page.wait_for_function(f"(before) => ({NUMBER})(0) !== before", arg=first, timeout=45_000)
        page.screenshot(path=PICTURES / "player-h265.png")
        page.evaluate("one.close()")
    finally:
        made.stop()
