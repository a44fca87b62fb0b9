"""Credentials, sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from live.secrets import KEY_FILE, Credentials, Sealer, StoreVault, open_sealer
from planning.errors import FeedError, FileRefused
from planning.store import Store

MADE = Credentials("viewer", "hunter2")


@pytest.fixture(name="sealer")
def made_sealer(tmp_path: Path) -> Sealer:
    """A sealer with a key of its own."""
    return open_sealer(tmp_path / "key")


def test_a_seal_opens_for_its_camera_alone(sealer: Sealer, tmp_path: Path) -> None:
    """Sealed and opened again it is the same; for another camera, changed, or with another key it does not open."""
    token = sealer.seal("cam1", MADE)
    assert sealer.open("cam1", token) == MADE
    assert b"hunter2" not in token and b"viewer" not in token
    other = open_sealer(tmp_path / "other")
    for camera, seal, who in (("cam2", token, sealer), ("cam1", token[:-4] + b"AAAA", sealer), ("cam1", token, other), ("cam1", b"", sealer)):
        with pytest.raises(FeedError) as told:
            who.open(camera, seal)
        assert told.value.code == "secret.seal"
        assert "hunter2" not in str(told.value)


def test_nothing_prints_credentials(sealer: Sealer) -> None:
    """Neither repr, str nor format of credentials or sealer tells user, password or key."""
    for shown in (repr(MADE), str(MADE), f"{MADE}", f"{[MADE]}", repr(sealer), f"{sealer.__dict__}"):
        assert "hunter2" not in shown and "viewer" not in shown


def test_the_key_file_is_made_for_its_owner_and_refused_where_others_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is made with mode 0600 and then kept; one that others may read, or that holds no key, is refused."""
    path = tmp_path / "key"
    monkeypatch.setenv(KEY_FILE, str(path))
    token = open_sealer().seal("cam1", MADE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_sealer().open("cam1", token) == MADE
    path.chmod(0o640)
    with pytest.raises(FileRefused, match=r"key\.open"):
        open_sealer()
    path.chmod(0o600)
    path.write_bytes(b"no key")
    with pytest.raises(FileRefused, match=r"key\.damaged"):
        open_sealer()


def test_without_a_key_file_of_its_own_the_key_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the audit's key, and never in the database."""
    monkeypatch.delenv(KEY_FILE, raising=False)
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    open_sealer()
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["live.key"]


def test_the_vault_keeps_the_newest_seal_of_each_camera_with_a_line_of_the_audit(store: Store, sealer: Sealer) -> None:
    """What was put is there for whoever opens the store next, however long the camera's id; who put it is on record; neither rows nor lines hold
    the password.
    """
    vault = StoreVault(lambda: store, "planner")
    long = "junction-" * 9
    assert vault.get("cam1") is None
    vault.put("cam1", sealer.seal("cam1", Credentials("old", "old")))
    vault.put(long, sealer.seal(long, Credentials("two", "two")))
    vault.put("cam1", sealer.seal("cam1", MADE))
    again = StoreVault(lambda: store)
    assert sealer.open("cam1", again.get("cam1") or b"") == MADE
    assert sealer.open(long, again.get(long) or b"").user == "two"
    with store.read() as tx:
        rows, lines = tx.rows("sealed"), list(tx.lines())
    told = [(line["by"], line["action"], line["subject"]) for line in lines]
    assert told == [("planner", "live.password", camera) for camera in ("cam1", long, "cam1")]
    assert "hunter2" not in f"{rows}{lines}"
    assert store.verify()[1] is None
