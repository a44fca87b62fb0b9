"""A committee in session, for tests of what it decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from planning.store import Store
from tests.planning.seats import Hall, open_hall


@pytest.fixture
def cities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder where cities are looked for."""
    found = tmp_path / "cities"
    found.mkdir()
    monkeypatch.setenv("CHAUKAS_CITIES", str(found))
    return found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """An empty store in SQLite, for rules that do not ask which database it is."""
    made = Store(f"sqlite:///{tmp_path / 'chaukas.db'}", tmp_path).ready()
    yield made
    made.engine.dispose()


@pytest.fixture
def hall(sqlite: Store, cities: Path) -> Hall:
    """Three members with accounts, one who votes on paper, one plan."""
    return open_hall(sqlite, cities)
