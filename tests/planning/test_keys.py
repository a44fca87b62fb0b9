"""Keys are made once, kept from others, and never guessed at."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from planning.errors import FileRefused
from planning.keys import read_key, state_folder


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """The second reading gives the same; nothing else is left in the folder."""
    path = tmp_path / "state" / "k"
    key = read_key(path)
    assert len(key) == 32
    assert read_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["k"]


def test_two_who_make_a_key_at_once_end_with_the_same(tmp_path: Path) -> None:
    """No one seals with a key that was overwritten."""
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(read_key(tmp_path / "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_key_others_can_read_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """A key that lay open may have been copied: its owner must look."""
    read_key(tmp_path / "k")
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(FileRefused) as refused:
        read_key(tmp_path / "k")
    assert refused.value.faults[0].way_out == f"chmod 600 {tmp_path / 'k'}"


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "00" * 33])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, content: str) -> None:
    """A new key in its place would make every seal look broken."""
    path = tmp_path / "k"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(FileRefused):
        read_key(path)
    assert path.read_text() == content


def test_a_key_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    """Where sealed things exist already, a missing key is a loss to be told."""
    with pytest.raises(FileRefused) as refused:
        read_key(tmp_path / "k", make=False)
    assert refused.value.code == "key.unreadable"
    assert list(tmp_path.iterdir()) == []


def test_the_state_folder_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests and servers keep their state apart."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    assert state_folder() == tmp_path
