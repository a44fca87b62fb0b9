"""Twelve people at once: each with a page of their own, each doing something every few seconds, as in a hall where everyone looks at the plan.

They come in one after another, then change screens for a while. What is timed is a click until the page has settled and its map, where it has one,
is drawn. Browser and server share this machine's cores, so that the server alone would be quicker.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.browser import ARGUMENTS, find_chromium
from benchmarks.figures import Figures
from screens.words import words

PEOPLE = 12
_COME_S = 1.0  # between one person's coming and the next's
_THINK_S = (6.0, 14.0)  # between what a person does
_SCREENS = ("budget", "city", "plan", "compare")
_SETTLED = """() => document.querySelector("[data-testid='stApp'][data-test-script-state='notRunning']")
  && [...document.querySelectorAll(".map")].every((map) => map.dataset.state === "ready")"""


@dataclass
class _Seen:
    took_s: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def crowd(figures: Figures, address: str, cookies: Sequence[Any], server: int, seconds: float) -> None:
    """Twelve people for so many seconds after the last has come; `server`: the process whose memory is watched."""
    figures.add("people at once", PEOPLE, "people")
    seen, grown = asyncio.run(_crowd(address, cookies, server, seconds))
    for what in sorted(set(seen.failed)):
        print(f"  failed: {what}")
    figures.add("what they did", len(seen.took_s), "actions", ">= 12")
    figures.add("pages that did not answer", len(seen.failed), "actions", "<= 0")
    figures.add("an action to the page settled, P95", float(np.quantile(seen.took_s or [float("nan")], 0.95)), "s", "<= 3")
    figures.add("an action to the page settled, median", float(np.median(seen.took_s or [float("nan")])), "s")
    figures.add("the server's memory grown meanwhile", grown / 1e6, "MB", "<= 100")


async def _crowd(address: str, cookies: Sequence[Any], server: int, seconds: float) -> tuple[_Seen, float]:
    seen = _Seen()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        pages = []
        for _ in range(PEOPLE):
            pages.append(await _come(browser, address, cookies))
            await asyncio.sleep(_COME_S)
        before = resident_bytes(server)
        until = time.monotonic() + seconds
        await asyncio.gather(*(_person(page, number, until, seen) for number, page in enumerate(pages)))
        grown = resident_bytes(server) - before
        await browser.close()
    return seen, grown


async def _come(browser: Browser, address: str, cookies: Sequence[Any]) -> Page:
    context = await browser.new_context(viewport={"width": 1200, "height": 800})
    await context.add_cookies(list(cookies))
    page = await context.new_page()
    await page.goto(f"{address}/?city=bilaspur&lang=hi&view=budget")
    await page.wait_for_function(_SETTLED, timeout=60_000)
    return page


async def _person(page: Page, number: int, until: float, seen: _Seen) -> None:
    draws, said, at = random.Random(number), words("hi"), "budget"
    while time.monotonic() < until:
        await asyncio.sleep(draws.uniform(*_THINK_S))
        at = draws.choice([name for name in _SCREENS if name != at])
        began = time.monotonic()
        try:
            await page.get_by_role("radio", name=said.say(f"screen.{at}"), exact=True).first.click(timeout=20_000)
            await page.wait_for_url(f"**view={at}**", timeout=20_000)
            await page.wait_for_function(_SETTLED, timeout=20_000)
            seen.took_s.append(time.monotonic() - began)
        except Exception as error:  # noqa: BLE001  # whatever kept the page from answering is what is counted
            seen.failed.append(f"{at}: {str(error).splitlines()[0][:120]}")


def resident_bytes(process: int) -> int:
    """Memory a process holds now, on Linux."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
