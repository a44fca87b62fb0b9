"""Accounts, sessions, audit and backups from a terminal."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from live.evidence import Asked, Ledger
from live.log import EventLog
from live.secrets import Credentials, StoreVault, open_sealer
from live.uptime import uptime
from planning.accounts import enter_by_link
from planning.city import City
from planning.register import Register
from planning.sessions import list_sessions
from planning.store import Store, now, open_store
from tests.databases import by_force, without_triggers
from tests.live.test_log import lines
from tests.live.test_uptime import at, beats, state
from tests.planning.test_register import BARE, FULL, OLD


@pytest.fixture(name="house")
def store_of_the_house(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store that commands use, on either database."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    monkeypatch.setenv("CHAUKAS_DATABASE_URL", store.url)
    yield store
    open_store().engine.dispose()


def done(*words: str) -> int:
    """The exit status of a command."""
    return cli.main(list(words))


def test_accounts_are_made_listed_changed_and_turned_off(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command does what it says; the link alone is on stdout, so that it can be handed on; an unknown name is refused."""
    assert done("account", "add", "boss", "--role", "admin", "--title", "Asha Rao") == 0
    out, err = capsys.readouterr()
    assert out.startswith("/link/")
    assert "72 h" in err
    assert done("account", "add", "meera", "--camera", "J1-1") == 0
    assert done("account", "roles", "meera", "--role", "operator", "--camera", "J1-2") == 0
    enter_by_link(house, out.strip().removeprefix("/link/"), "tulsi chai subah")
    capsys.readouterr()
    assert done("account", "list") == 0
    assert capsys.readouterr().out == "boss\tAsha Rao\tadmin\tin use\nmeera\t\toperator\tno password yet\tcameras: J1-2\n"
    for words in (["off", "meera"], ["on", "meera"], ["link", "meera"]):
        assert done("account", *words) == 0
    assert done("account", "off", "nobody") == 1
    assert "[name.unknown]" in capsys.readouterr().err
    assert done("account", "off", "boss") == 1
    assert "[manager.last]" in capsys.readouterr().err


def test_sessions_are_listed_and_ended(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """One by its beginning as printed, or all of an account; none or both is refused."""
    done("account", "add", "boss", "--role", "admin")
    enter_by_link(house, capsys.readouterr().out.strip().removeprefix("/link/"), "tulsi chai subah", "Firefox")
    assert done("session", "list") == 0
    printed = capsys.readouterr().out
    assert "boss" in printed
    assert "Firefox" in printed
    for words in ([], ["abc", "--account", "boss"], ["0000000000000000"]):
        assert done("session", "revoke", *words) == 1
    assert "[session.unknown]" in capsys.readouterr().err
    assert done("session", "revoke", printed.split("\t")[0]) == 0
    assert capsys.readouterr().out == "1 ended\n"
    assert list_sessions(house) == []
    assert done("session", "revoke", "--account", "boss") == 0
    assert capsys.readouterr().out == "0 ended\n"


def test_the_audit_says_who_did_what_and_where_its_head_is(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Names instead of ids; the latest lines; by whom and which action; the head holds against what was printed before."""
    done("account", "add", "boss", "--role", "admin")
    enter_by_link(house, capsys.readouterr().out.strip().removeprefix("/link/"), "tulsi chai subah")
    assert done("audit", "list") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[2:5] for line in lines] == [["terminal", "account.add", "boss"], ["terminal", "account.link", "boss"], ["boss", "link.used", "boss"]]
    assert done("audit", "list", "--last", "1") == 0
    assert capsys.readouterr().out.startswith("3\t")
    assert done("audit", "list", "--by", "boss", "--action", "link.used") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert done("audit", "head") == 0
    head = capsys.readouterr().out.strip()
    done("account", "link", "boss")
    assert done("audit", "verify", "--head", head) == 0
    assert "The audit is whole: 4 lines" in capsys.readouterr().out
    assert done("audit", "verify", "--head", "x") == 1
    assert "[audit.head]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE audit SET action = 'account.off' WHERE seq = 2"], "line 2 was changed"),
        (["DELETE FROM audit WHERE seq = 1"], "line 1 was dropped"),
        (["DELETE FROM audit WHERE seq >= 2"], "line 2 and those after it were cut off"),
        (["UPDATE accounts SET title = 'Queen'"], "a row was changed by other hands than the app's (got: accounts/"),
        (["DELETE FROM links"], "a row was dropped by other hands than the app's (got: links/"),
    ],
)  # fmt: skip
def test_tampering_is_located(house: Store, statements: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line changed, dropped or cut off, and a row changed or dropped by someone with the database in hand: the first place is named."""
    done("account", "add", "boss", "--role", "admin")
    without_triggers(house)
    by_force(house, *statements)
    assert done("audit", "verify") == 1
    assert told in capsys.readouterr().err


def test_a_history_written_anew_is_located_by_a_head_on_paper(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Even who has the key and takes the heads away cannot make the chain agree with a head that was printed."""
    done("account", "add", "boss", "--role", "admin")
    done("audit", "head")
    head = capsys.readouterr().out.splitlines()[-1]
    without_triggers(house)
    by_force(house, "DELETE FROM links", "DELETE FROM accounts", "DELETE FROM audit")
    (house.folder / "audit.heads").unlink()
    done("account", "add", "other", "--role", "admin")
    assert done("audit", "verify") == 0
    capsys.readouterr()
    assert done("audit", "verify", "--head", head) == 1
    assert "line 2 was rewritten" in capsys.readouterr().err


def test_plan_files_are_checked_against_what_was_recorded(
    house: Store, town: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan's file that is another or gone is named."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    town.save(tmp_path / "cities" / "toy")
    path = tmp_path / "cities" / "toy" / "plans" / "p.gpkg"
    path.parent.mkdir()
    path.write_bytes(b"a plan")
    with house.write("test", "test.plan", "p") as tx:
        scenario = tx.add("scenarios", {"city": "toy", "content": {}, "by": "t", "created_at": now()})
        tx.add("plans", {
            "id": "p", "city": "toy", "scenario": scenario, "city_digest": "d", "file": "p.gpkg", "digest": hashlib.sha256(b"a plan").hexdigest(),
            "verified": True, "capital_inr": 1, "coverage": 0.5, "by": "t", "created_at": now(),
        })  # fmt: skip
    assert done("audit", "verify", "--city", "toy") == 0
    assert "1 plans of toy" in capsys.readouterr().out
    for change in (lambda: path.write_bytes(b"another"), path.unlink):
        change()
        assert done("audit", "verify", "--city", "toy") == 1
        assert "[audit.file]" in capsys.readouterr().err


def test_backup_restore_and_upgrade_say_what_they_did(
    house: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the keys are and that they are not in the file; a changed store is told after its backup is written; the tables need no upgrade."""
    done("account", "add", "boss", "--role", "admin")
    assert done("backup", str(tmp_path / "b.db")) == 0
    assert f"The keys in {house.folder} are not in it" in capsys.readouterr().err
    assert done("db", "upgrade") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert done("restore", str(tmp_path / "b.db")) == 1
    assert "[store.filled]" in capsys.readouterr().err
    monkeypatch.setenv("CHAUKAS_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert done("restore", str(tmp_path / "b.db")) == 0
    assert "keys were not in the backup" in capsys.readouterr().out
    assert done("account", "list") == 0
    assert "boss" in capsys.readouterr().out
    open_store().engine.dispose()
    by_force(house, "UPDATE accounts SET title = 'x'")
    monkeypatch.setenv("CHAUKAS_DATABASE_URL", house.url)
    assert done("backup", str(tmp_path / "c.db")) == 1
    assert "[audit.broken]" in capsys.readouterr().err
    assert (tmp_path / "c.db").is_file()


def test_an_upgrade_takes_in_what_lay_in_files_of_the_cities(
    own_state: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Registers, logs and ledgers of every city, each told of once; a damaged one is told and stays while the others are taken in."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    for name in ("good", "hurt"):
        (tmp_path / "cities" / name).mkdir(parents=True)
        (tmp_path / "cities" / name / "city.toml").touch()
        (tmp_path / "cities" / name / "events.jsonl").write_text("\n".join(lines(state("k-1", "dark", 1))) + "\n", encoding="utf-8")
    (tmp_path / "cities" / "good" / "deployments.csv").write_bytes(OLD.encode())
    (tmp_path / "cities" / "hurt" / "deployments.csv").write_bytes(OLD.replace("22.1", "north").encode())
    assert done("db", "upgrade") == 1
    said = capsys.readouterr()
    assert [line.partition(" taken")[0] for line in said.out.splitlines()[1:]] == [
        "good: 2 entries of deployments.csv", "good: 1 entries of events.jsonl", "hurt: 1 entries of events.jsonl"
    ]  # fmt: skip
    assert "[register.unreadable]" in said.err
    assert len(Register().list("good")) == 2
    assert EventLog().latest("hurt", {"k-1"}, 9)[0].state == "dark"
    (tmp_path / "cities" / "hurt" / "deployments.csv").unlink()
    assert done("db", "upgrade") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_all_that_is_known_of_cameras_is_in_a_backup(
    own_state: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Backed up, the database deleted, restored: deployments, sealed passwords, events, uptime, requests with their seal are all back."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    (tmp_path / "cities" / "toy").mkdir(parents=True)
    (tmp_path / "cities" / "toy" / "city.toml").touch()
    Register().put(FULL, BARE)
    StoreVault().put("k-1", open_sealer().seal("k-1", Credentials("viewer", "hunter2")))
    EventLog().append("toy", state("k-1", "live", 0), *beats(0, 3), state("k-1", "dark", 2))
    asked = Asked(at(0), "asha", "FIR 1", "theft", 22.1, 82.1, at(1), at(2), (), ("note",))
    Ledger().add("toy", asked)

    def known() -> list[object]:
        sealed = StoreVault().get("k-1")
        assert sealed is not None
        return [
            Register().list("toy"), open_sealer().open("k-1", sealed), EventLog().records("toy"), EventLog().latest("toy", {"k-1"}, 9),
            uptime(EventLog().records("toy", ["k-1"], at(0), at(3)), ["k-1"], at(0), at(3)), Ledger().asked("toy"), Ledger().seal("toy"),
        ]  # fmt: skip

    before = known()
    assert done("backup", str(tmp_path / "b.db")) == 0
    assert b"hunter2" not in (tmp_path / "b.db").read_bytes()
    own_state.engine.dispose()
    for path in own_state.folder.glob("chaukas.db*"):
        path.unlink()
    again = tmp_path / "again"
    again.mkdir()
    for name in ("audit.key", "live.key"):
        shutil.copy2(own_state.folder / name, again / name)
    monkeypatch.setenv("CHAUKAS_STATE", str(again))
    assert done("restore", str(tmp_path / "b.db")) == 0
    assert known() == before
    assert done("audit", "verify") == 0
    capsys.readouterr()
    open_store().engine.dispose()
