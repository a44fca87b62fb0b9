"""Live video over real RTSP into a real Chromium: `python -m benchmarks.live [--quick | --long MINUTES]`.

Simulated cameras (GStreamer's RTSP server), the server of live video in a process of its own, and Chromium. Latencies: cameras draw the clock's
milliseconds into each picture and encode it as it comes; they are read off the screen. Load: cameras show one encoded clip; the server's processor
time and memory are the kernel's own figures, viewers are another process. --quick measures for fewer seconds. --long has cameras die, hang and
change for so many minutes instead, and watches memory, states and the viewers of other cameras.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks._live_long import STEADY, endure, named
from benchmarks._live_map import through_the_map
from benchmarks.browser import ARGUMENTS, find_chromium
from benchmarks.figures import Figures
from live.simulated import SYSTEM_PYTHON, Cameras, has_gstreamer
from planning.city import ROOT

RTSP, PORT = 9150, 9151
_CLICK = """([camera]) => new Promise((done, failed) => {
  const began = performance.now();
  play(camera);
  const look = () => { if (one.state().frames > 0) done(performance.now() - began); else setTimeout(look, 1); };
  look();
  setTimeout(() => failed(new Error('no frame')), 15000);
})"""
# What the squares of the picture say, against the clock now: 24 bits of milliseconds.
_GLASS = """() => {
  const sheet = window.sheet ??= new OffscreenCanvas(1280, 1);
  const context = sheet.getContext('2d', { willReadFrequently: true });
  context.drawImage(document.querySelector('.player canvas, .player video'), 0, 24, 1280, 1, 0, 0, 1280, 1);
  const now = Date.now() % 16777216;
  const row = context.getImageData(0, 0, 1280, 1).data;
  let then = 0;
  for (let bit = 0; bit < 24; bit += 1) then = then * 2 + (row[(bit * 48 + 24) * 4] > 128 ? 1 : 0);
  return now - then;
}"""


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer seconds, and not through the map of the whole app")
    parser.add_argument("--long", type=float, default=0.0, metavar="MINUTES", help="instead: faults for so long, and whether memory stays flat")
    options = parser.parse_args(arguments)
    quick = options.quick
    if not has_gstreamer():
        print("GStreamer's RTSP server is not installed: gir1.2-gst-rtsp-server-1.0, python3-gi and the plugins", file=sys.stderr)
        return 2
    figures = Figures()
    if options.long:
        with tempfile.TemporaryDirectory() as folder, _server(STEADY, 0, *named(RTSP)) as server:
            endure(figures, Path(folder), server.pid, port=PORT, rtsp=RTSP, minutes=options.long)
        return figures.close()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        _latency(figures, browser, clicks=8 if quick else 25, cold=2 if quick else 5, glances=40 if quick else 200)
        names = [f"cam{number}" for number in range(32)]
        cameras = Cameras(Path(folder), names, RTSP, frames=60, gstreamer=True)
        try:
            seconds = 6.0 if quick else 30.0
            with _server(32, 0) as server:
                _load(figures, server, "32 cameras 720p15, a viewer each", names, seconds, 20)
            with _server(1, 0) as server:
                _load(figures, server, "200 viewers on one camera", ["cam0"] * 200, seconds, 15)
            with _server(16, 16):
                _wall(figures, browser, names[:16], seconds)
            if not quick:
                through_the_map(figures, browser, Path(folder), clicks=25, rtsp=RTSP)
        finally:
            cameras.stop()
        browser.close()
    return figures.close()


@contextlib.contextmanager
def _server(count: int, held: int, *named: str) -> Iterator[subprocess.Popen[bytes]]:
    """The server of live video over that many cameras."""
    command = [sys.executable, "-m", "benchmarks._live_server", str(PORT), str(RTSP), str(count), str(held), *named]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > until or server.poll() is not None:
                    raise RuntimeError("The server of live video did not start") from None
                time.sleep(0.1)
        yield server
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"http://127.0.0.1:{PORT}/")
    page.wait_for_function("Boolean(window.ready)")
    yield page
    page.close()


def _latency(figures: Figures, browser: Browser, *, clicks: int, cold: int, glances: int) -> None:
    """Clicks on a camera that is held open and on one that is not, and how old the picture on the screen is."""
    command = [SYSTEM_PYTHON, str(ROOT / "data" / "demo" / "rtsp_cameras.py"), "--port", str(RTSP), "cam0", "cam1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as drawn:
        assert drawn.stdout is not None
        drawn.stdout.readline()
        try:
            with _server(2, 1), _page(browser) as page:
                page.evaluate(_CLICK, ["cam0"])
                time.sleep(1.0)
                took = []
                for number in range(clicks):
                    took.append(float(page.evaluate(_CLICK, ["cam0"])))
                    time.sleep(0.2 + 0.13 * (number % 7))
                figures.add("click -> first frame, camera held open, median", statistics.median(took), "ms", "<= 100")
                figures.add("click -> first frame, camera held open, max", max(took), "ms")
                ages = []
                for number in range(glances):
                    ages.append(float(page.evaluate(_GLASS)))
                    time.sleep(0.03 + 0.011 * (number % 7))
                figures.add("camera -> glass, median", statistics.median(ages), "ms", "<= 200")
                figures.add("camera -> glass, 95 of 100 below", sorted(ages)[int(0.95 * len(ages))], "ms")
                took = []
                for _ in range(cold):
                    page.evaluate("one.close()")
                    time.sleep(2.0)
                    took.append(float(page.evaluate(_CLICK, ["cam1"])))
                figures.add("click -> first frame, camera not open, max", max(took), "ms", "<= 1000")
        finally:
            drawn.kill()


def _spent(process: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> float:
    """Memory a process holds [MB]."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


def _load(figures: Figures, server: subprocess.Popen[bytes], what: str, cameras: list[str], seconds: float, most: int) -> None:
    """Processor and memory of the server while viewers look."""
    command = [sys.executable, "-m", "benchmarks._live_viewers", str(PORT), str(seconds), *cameras]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as viewers:
        assert viewers.stdout is not None
        viewers.stdout.readline()
        before, began = _spent(server.pid), time.monotonic()
        told = viewers.stdout.readline().split()
        share = (_spent(server.pid) - before) / (time.monotonic() - began)
        memory = _memory(server.pid)
        viewers.kill()
    figures.add(f"{what}: processor", 100 * share, "% of a core", f"<= {most}")
    figures.add(f"{what}: memory", memory, "MB", "<= 250")
    figures.add(f"{what}: frames, least of a viewer", float(told[0]) if told else 0.0, "a second", ">= 14")


def _wall(figures: Figures, browser: Browser, cameras: list[str], seconds: float) -> None:
    """Pictures a second on each screen of a wall."""
    with _page(browser) as page:
        page.evaluate("(names) => window.wall(names)", cameras)
        time.sleep(4.0)

        def frames() -> Any:
            return page.evaluate("[performance.now(), ...one.state().map((tile) => tile.frames)]")

        first = frames()
        time.sleep(seconds)
        last = frames()
        rates = [1000 * (after - before) / (last[0] - first[0]) for before, after in zip(first[1:], last[1:], strict=True)]
    figures.add("wall of 16: pictures, mean of its screens", sum(rates) / len(rates), "a second", ">= 14")
    figures.add("wall of 16: pictures, least of its screens", min(rates), "a second")


if __name__ == "__main__":
    sys.exit(main())
