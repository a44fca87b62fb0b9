"""The browser of the machine, without a window, and the way into an app that has just been started for the first time."""

from __future__ import annotations

import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def find_chromium() -> str:
    """The path of Chromium or Chrome.

    Raises
    ------
    RuntimeError: none is installed; the message says how to install one.
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("The browser tests need Chromium: install it with `sudo apt-get install chromium`, or Google Chrome")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere: the answer that redirects is the one that is looked at."""

    def redirect_request(self, *_: Any) -> None:
        return None


def way_in(address: str, log: Path) -> list[dict[str, str]]:
    """Cookies for a browser's context: the first administrator's link, which the app printed into `log`, is opened once.

    Raises
    ------
    RuntimeError: the app printed none within a minute, or did not let in.
    """
    until = time.monotonic() + 60
    while not (found := re.search(r"/link/([\w-]+)", log.read_text(encoding="utf-8"))):
        if time.monotonic() > until:
            raise RuntimeError(f"The app printed no link:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.1)
    answer = post(f"{address}/link/{found[1]}", {"first": "1"})
    cookies = SimpleCookie(answer.get("set-cookie", ""))
    if not cookies:
        raise RuntimeError("The app did not let in by its link")
    return [{"name": name, "value": morsel.value, "url": address} for name, morsel in cookies.items()]


def post(url: str, fields: dict[str, str], cookie: str = "") -> Message:
    """Send a form from a page of the same host; the answer's headers."""
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
    headers = {"Origin": origin, **({"Cookie": cookie} if cookie else {})}
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            said: Message = answer.headers
            return said
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.headers
