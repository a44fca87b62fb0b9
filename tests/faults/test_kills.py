"""Nothing acknowledged is lost and nothing is kept by halves, whoever is killed and whatever is full. `--kills 1000` makes it longer."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import exported
from benchmarks.kills import fill_disk, forked, kill_exports, kill_writers
from planning.city import City
from planning.engine import StoreError
from planning.nouns import Plan
from planning.store import Store, now
from tests.databases import by_force, with_a_hand_in

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # later Pythons warn of any fork beside threads


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How many writers to kill."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(scope="session")
def plans(plan: Plan) -> list[Plan]:
    """The town's plan, and one of fewer cameras as another content for the same file."""
    return [plan, dataclasses.replace(plan, cameras=plan.cameras[:3])]


def test_killed_writers_of_sqlite_lose_nothing_they_said(tmp_path: Path, kills: int) -> None:
    """Four at once, killed at any moment: what was said to be kept is there, whole, and the audit holds."""
    found = kill_writers(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, kills)
    assert (found.kills, found.lost, found.torn, found.broken) == (kills, 0, 0, None)
    assert found.acknowledged > 0


def test_killed_writers_of_postgresql_lose_nothing_they_said(empty_database: str, tmp_path: Path, kills: int) -> None:
    """The same on a real server, with a tenth of the kills."""
    found = kill_writers(empty_database, tmp_path, max(kills // 10, 4))
    assert (found.lost, found.torn, found.broken) == (0, 0, None)
    assert found.acknowledged > 0


def test_a_count_of_losses_would_see_one(tmp_path: Path) -> None:
    """What a writer said and the store has not is counted, a row without its other half too, and the chain's break told."""
    from benchmarks.kills import _found

    store = Store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path).ready()
    for name in ("1-0", "1-1"):
        with store.write("writer", "account.made", name) as tx:
            account = tx.add("accounts", {"name": name, "title": "", "roles": [], "created_at": now()})
            tx.add("links", {"account": account, "created_at": now(), "expires_at": now()})
    (tmp_path / "said.1").write_text("1-0\n1-1\n1-2\n")
    by_force(store, f"DELETE FROM links WHERE account = '{account}'")
    found = _found(store, 0)
    assert (found.acknowledged, found.lost, found.torn) == (3, 1, 1)
    assert found.broken is not None
    store.engine.dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_four_ways_of_tampering_are_located(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A line changed, dropped, cut off or written anew is named by its number."""
    url = f"sqlite:///{tmp_path / 'x.db'}" if database == "sqlite" else request.getfixturevalue("empty_database")
    assert with_a_hand_in(url, tmp_path) == {"changed": True, "dropped": True, "cut": True, "rewritten": True}


def test_a_full_store_refuses_in_words_and_keeps_what_it_had(tmp_path: Path) -> None:
    """SQLite's own report of a full disk: the change is refused, those before stand, and with room again it goes on."""
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path).ready()
    with store.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    limited = _limited(store, pages + 3)
    kept = 0
    with pytest.raises(StoreError) as refused:
        for kept in range(100):
            _member(limited, kept)
    assert refused.value.code == "store.full"
    head, broken = store.verify()
    assert (head.seq, broken) == (kept, None)
    limited.engine.dispose()
    _member(store, kept)
    assert store.verify()[0].seq == kept + 1
    store.engine.dispose()


def _member(store: Store, k: int) -> None:
    with store.write("writer", "member.added", str(k)) as tx:
        tx.add("members", {"city": "toy", "name": "x" * 3_000, "constituency": "traders", "created_at": now()})


def _limited(store: Store, pages: int) -> Store:
    from sqlalchemy import event

    limited = Store(store.url, store.folder)
    event.listen(limited.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}"))
    return limited


def _written(plan: Plan, town: City, path: Path) -> Any:
    """What a file of the plan holds, written by a process of its own: some writers start threads that no later fork would have."""
    os.waitpid(forked(lambda: exported.write(plan, town, path)), 0)
    return exported.content(path)


@pytest.mark.parametrize("kind", exported.KINDS)
def test_an_export_that_is_killed_or_meets_a_full_disk_leaves_the_old_file_or_the_new(
    kind: str, plans: list[Plan], town: City, tmp_path: Path, kills: int
) -> None:
    """Never half of it; a refusal is one of ours, and leaves nothing beside the old file."""
    path = tmp_path / f"plan.{kind}"
    known = [_written(plan, town, path) for plan in plans]
    assert known[0] != known[1]
    _, _, spoilt = kill_exports(lambda k: exported.write(plans[k], town, path), exported.whole(path, known), tmp_path, max(kills // 15, 2))
    assert spoilt == 0
    before = path.read_bytes()
    said = fill_disk(lambda: exported.write(plans[0], town, path), len(before) // 2)
    assert said.startswith("[export.failed]")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", exported.KINDS)
def test_half_a_file_is_seen_as_one(kind: str, plan: Plan, town: City, tmp_path: Path) -> None:
    """The question that the kills are judged by says no to a file cut off in its midst."""
    path = tmp_path / f"plan.{kind}"
    known = [_written(plan, town, path)]
    assert exported.whole(path, known)()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert not exported.whole(path, known)()
