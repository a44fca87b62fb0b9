"""Fixtures many tests share: a town of a few streets with something of every layer, a plan of it, and the demo city."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.plan import make_plan
from optimizer.survey import Survey, make_survey
from planning.city import ROOT, City
from planning.nouns import Plan, Scenario
from planning.store import Store, open_store
from tests.databases import fresh_database, postgresql
from tests.town import WISH, make_town


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the tests that kill go on."""
    parser.addoption("--kills", type=int, default=30, help="how many writers to kill; exports and PostgreSQL's writers in proportion")


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of all tests that name none of their own: what is kept on this machine is not theirs."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAUKAS_STATE", str(folder))
        patch.delenv("CHAUKAS_DATABASE_URL", raising=False)
        yield folder


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A state folder of the test's own, and the store in it, which is the process's one meanwhile."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    found = open_store()
    yield found
    found.engine.dispose()


@pytest.fixture(scope="session")
def town() -> City:
    """The town of `tests.town`; nobody changes it."""
    return make_town()


@pytest.fixture(scope="session")
def survey(town: City) -> Survey:
    """The town surveyed under `WISH`; it serves every budget and every list of what is forbidden."""
    return make_survey(town, WISH)


@pytest.fixture(scope="session")
def plan(town: City, survey: Survey) -> Plan:
    """The plan of `WISH`."""
    return make_plan(town, WISH, survey=survey)


@pytest.fixture(scope="session")
def wish() -> Scenario:
    """What the town's committee wants."""
    return WISH


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The demo city: the one in data/demo, or one made in a folder of its own where that is not built."""
    built = ROOT / "data" / "demo" / "bilaspur"
    if (built / "city.toml").is_file():
        return City.load(built)
    script: Path = ROOT / "data" / "demo" / "make_bilaspur.py"
    made: City = runpy.run_path(str(script))["make_bilaspur"](tmp_path_factory.mktemp("demo") / "bilaspur")
    return made


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server."""
    with postgresql(tmp_path_factory.mktemp("postgresql")) as address:
        yield address


@pytest.fixture
def empty_database(server: str) -> str:
    """The address of a new empty database on it."""
    return fresh_database(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, on either database."""
    url = f"sqlite:///{tmp_path / 'chaukas.db'}" if request.param == "sqlite" else fresh_database(request.getfixturevalue("server"))
    made = Store(url, tmp_path).ready()
    yield made
    made.engine.dispose()
