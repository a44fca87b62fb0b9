"""How cameras shall look, kept over a restart: of each a small grey picture, 144 by 256, in its city's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from live.health import HIGH, WIDE, Picture
from planning.city import find_city
from planning.files import atomic_path

FOLDER = "references"


class References(Protocol):
    """Where they are kept."""

    def get(self, city: str, camera: str) -> Picture | None:
        """The picture of a camera, grey (144, 256); None where none is kept."""

    def put(self, city: str, camera: str, picture: Picture) -> None:
        """Keep a picture, grey (144, 256), in place of the former one."""


class FolderReferences:
    """Pictures as files of numpy, one a camera. One that is damaged counts as none: the camera's next good picture takes its place."""

    def __init__(self, folder: Callable[[str], Path] = find_city) -> None:
        self._folder = folder

    def get(self, city: str, camera: str) -> Picture | None:
        """The picture of a camera, grey (144, 256); None where none is kept."""
        try:
            found = np.load(self._path(city, camera), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return np.asarray(found) if isinstance(found, np.ndarray) and found.shape == (HIGH, WIDE) and found.dtype == np.uint8 else None

    def put(self, city: str, camera: str, picture: Picture) -> None:
        """Keep a picture, grey (144, 256), in place of the former one."""
        path = self._path(city, camera)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with atomic_path(path) as scratch, scratch.open("wb") as stream:
            np.save(stream, picture, allow_pickle=False)

    def _path(self, city: str, camera: str) -> Path:
        return self._folder(city) / FOLDER / f"{camera}.npy"
