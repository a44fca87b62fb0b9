"""The toy city, saved once and copied for each test that may change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from planning.city import City
from screens import library
from tests.screens.toy import save_toy


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the toy city with its two plans; nobody writes there."""
    parent = tmp_path_factory.mktemp("saved")
    save_toy(parent)
    return parent


@pytest.fixture
def toy(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    """The toy city with two plans, a copy of one's own, loaded from where the library looks first."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    return library.city("toy")
