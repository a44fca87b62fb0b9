"""The browser of the machine, without a window."""

from __future__ import annotations

import shutil

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
