"""What steering a camera costs: `python -m benchmarks.ptz [--quick]`.

A simulated device on loopback is reached, asked where it looks and moved, through the real library and the real proof of the password; then the cones
of the demo city's PTZ cameras are worked out anew as they turn. --quick does fewer of each.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np

from benchmarks.figures import Figures, demo_city
from coverage.who_saw import get_ready
from live.eyes import standing, turned
from live.onvif import connect, device
from live.pins import cones
from live.secrets import Credentials
from live.settings import load_settings
from live.simulated_onvif import OnvifDevice
from planning.deployed import NO_FEED, Deployment
from screens import mapdata

_KEPT = Credentials("viewer", "of-this-benchmark")


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where a figure fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer of each")
    times = 20 if parser.parse_args(arguments).quick else 200
    figures = Figures()
    asyncio.run(_device(figures, times))
    _cones(figures, times)
    return figures.close()


async def _timed(work: Callable[[], Awaitable[object]], times: int) -> float:
    """The median of so many [ms]."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent))


async def _device(figures: Figures, times: int) -> None:
    settings = load_settings().for_demo()
    camera = OnvifDevice({"main": "rtsp://127.0.0.1:1/one"}, credentials=_KEPT)
    try:
        began = time.perf_counter()
        async with device(camera.url, _KEPT, settings) as found:
            figures.add("device reached for the first time, library and schemas read", 1000 * (time.perf_counter() - began), "ms")
            profile = await found.steered()
            figures.add("where it looks, median", await _timed(lambda: found.aim(profile), times), "ms")
            figures.add("a movement begun, median", await _timed(lambda: found.move(profile, 0.5, 0.0, 0.0, seconds=1.0), times), "ms")

        async def again() -> None:
            await (await connect(camera.url, _KEPT, settings)).close()

        figures.add("device reached again (clock, services), median", await _timed(again, max(5, times // 10)), "ms")
    finally:
        camera.stop()


def _cones(figures: Figures, times: int) -> None:
    city = demo_city()
    there = city["cameras"].to_crs(4326)
    hung = [
        Deployment(f"d-{name}", "bilaspur", name, row.geometry.y, row.geometry.x, float(row.bearing_deg) % 360, 6.0, "ptz-2mp", NO_FEED)
        for name, row in zip(there.index, there.itertuples(), strict=True)
        if row.kind == "ptz" and row.bearing_deg == row.bearing_deg  # not a number differs from itself
    ]
    ready = get_ready(city, standing(city, hung))
    cones(ready.walls, ready.cameras)
    spent = []
    for k in range(times):
        began = time.perf_counter()
        alone = turned(ready.cameras, hung[k % len(hung)].id, float(37 * k % 360))
        mapdata.pack_areas(city, cones(ready.walls, alone))
        spent.append(1000 * (time.perf_counter() - began))
    figures.add(f"the cone of a turned camera, of {len(hung)}, median", float(np.median(spent)), "ms")
    figures.add("the same, slowest of twenty", float(np.quantile(spent, 0.95)), "ms")


if __name__ == "__main__":
    raise SystemExit(main())
