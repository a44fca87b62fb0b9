"""How cameras shall look, kept over a restart: of each a small grey picture, 144 by 256, as a file of its city's folder named by its SHA-256.

Which file is whose stands in the store, sealed by the audit: a picture that was exchanged by other hands counts as none.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from live.health import HIGH, WIDE, Picture
from planning.city import find_city
from planning.files import atomic_path
from planning.former import SUFFIX
from planning.store import Store, now, open_store

FOLDER = "references"


class References:
    """Pictures as files of numpy, one a camera. One that is damaged counts as none: the camera's next good picture takes its place.

    Parameters
    ----------
    store: gives the store. folder: of a city by its name.
    """

    def __init__(self, store: Callable[[], Store] = open_store, folder: Callable[[str], Path] = find_city) -> None:
        self._store, self._folder = store, folder

    def get(self, city: str, camera: str) -> Picture | None:
        """The picture of a camera, grey (144, 256); None where none is kept."""
        with self._store().read() as tx:
            row = tx.one("looks", id=camera)
        if row is None:
            return self._of_before(city, camera)
        content = _content(self._folder(city) / FOLDER / f"{row['digest']}.npy")
        return _picture(content) if content is not None and hashlib.sha256(content).hexdigest() == row["digest"] else None

    def put(self, city: str, camera: str, picture: Picture) -> None:
        """Keep a picture, grey (144, 256), in place of the former one, with a line of the audit.

        Raises
        ------
        CityError, StoreError, OSError: the former one is kept.
        """
        folder = self._folder(city).absolute() / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        buffer = io.BytesIO()
        np.save(buffer, picture, allow_pickle=False)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        with atomic_path(folder / f"{digest}.npy") as scratch:
            scratch.write_bytes(content)
        told = {"city": folder.parent.name, "digest": digest, "changed_at": now()}
        with self._store().write("", "live.reference", camera, {"sha256": digest}) as tx:
            before = tx.one("looks", id=camera)
            if before is None:
                tx.add("looks", {"id": camera, **told})
            else:
                tx.change("looks", camera, **told)
            unused = before is not None and tx.one("looks", city=before["city"], digest=before["digest"]) is None
        if before is not None and unused:
            (folder / f"{before['digest']}.npy").unlink(missing_ok=True)

    def _of_before(self, city: str, camera: str) -> Picture | None:
        """The picture an earlier version kept under the camera's own name, taken in; None where there is none, or a damaged one."""
        path = self._folder(city) / FOLDER / f"{camera}.npy"
        content = _content(path)
        picture = None if content is None else _picture(content)
        if picture is not None:
            self.put(city, camera, picture)
            path.replace(path.with_name(path.name + SUFFIX))
        return picture


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _picture(content: bytes) -> Picture | None:
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(found) if isinstance(found, np.ndarray) and found.shape == (HIGH, WIDE) and found.dtype == np.uint8 else None
