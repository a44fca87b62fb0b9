"""Fixtures many tests share: a town of a few streets with something of every layer, a plan of it, and the demo city."""

from __future__ import annotations

import fcntl
import os
import runpy
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from optimizer.plan import make_plan
from optimizer.survey import Survey, make_survey
from planning.city import ROOT, City
from planning.nouns import Plan, Scenario
from planning.store import Store, open_store
from tests.databases import fresh_database, postgresql
from tests.town import WISH, make_town

# The same examples in every run, and no clock: a busy machine fails no rule. `--hypothesis-profile=search` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")
# Started in the background by a shell, tests would leave their processes deaf to the interrupt from the keyboard.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
def made_demo(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The demo city as its script makes it, once for all processes of a run; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-demo"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            script = str(ROOT / "data" / "demo" / "make_bilaspur.py")
            runpy.run_path(script)["make_bilaspur"](folder.with_suffix(".new") / "bilaspur")
            folder.with_suffix(".new").rename(folder)
    return City.load(folder / "bilaspur")


@pytest.fixture(scope="session")
def demo(request: pytest.FixtureRequest) -> City:
    """The demo city: the one in data/demo, or where that is not built the one made for this run."""
    built = ROOT / "data" / "demo" / "bilaspur"
    if (built / "city.toml").is_file():
        return City.load(built)
    made: City = request.getfixturevalue("made_demo")
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a real PostgreSQL server."""
    # As root its server runs as another user, to whom the next run of pytest closes the folder of all its runs.
    with tempfile.TemporaryDirectory(prefix="chaukas-") as folder, postgresql(Path(folder)) as address:
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
