"""How cameras shall look, kept over a restart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from live.references import FOLDER, References
from planning.former import SUFFIX
from planning.store import Store

PICTURE = np.random.default_rng(1).integers(0, 255, (144, 256), dtype=np.uint8)


@pytest.fixture
def kept(own_state: Store, tmp_path: Path) -> References:
    """No picture of a city's yet."""
    (tmp_path / "toy").mkdir()
    return References(folder=lambda city: tmp_path / city)


def files(tmp_path: Path) -> list[Path]:
    """The pictures' files."""
    return sorted((tmp_path / "toy" / FOLDER).iterdir())


def test_a_picture_is_read_back_as_it_was_under_its_digest(kept: References, own_state: Store, tmp_path: Path) -> None:
    """Each camera has its own; the file's name is its SHA-256, which the store knows, with a line of the audit; the former file goes."""
    assert kept.get("toy", "cam:1") is None
    kept.put("toy", "cam:1", PICTURE)
    found = References(folder=lambda city: tmp_path / city).get("toy", "cam:1")
    assert found is not None
    assert np.array_equal(found, PICTURE)
    assert kept.get("toy", "cam:2") is None
    (path,) = files(tmp_path)
    assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    kept.put("toy", "cam:2", PICTURE)
    kept.put("toy", "cam:1", PICTURE // 2)
    assert len(files(tmp_path)) == 2
    kept.put("toy", "cam:2", PICTURE // 2)
    (after,) = files(tmp_path)
    assert after != path
    with own_state.read() as tx:
        assert [line["subject"] for line in tx.lines(action="live.reference")] == ["cam:1", "cam:2", "cam:1", "cam:2"]
    assert own_state.verify()[1] is None


def test_a_picture_that_was_damaged_or_exchanged_is_none(kept: References, tmp_path: Path) -> None:
    """Cut short, made to run something, of another shape, or another picture altogether; the next one put takes its place."""
    kept.put("toy", "cam:1", PICTURE)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    assert kept.get("toy", "cam:1") is None
    for other in (np.array([{"a": 1}], dtype=object), PICTURE[:10], PICTURE // 2):
        np.save(path, other, allow_pickle=True)
        assert kept.get("toy", "cam:1") is None
    kept.put("toy", "cam:1", PICTURE)
    assert kept.get("toy", "cam:1") is not None


def test_a_picture_of_before_is_taken_in(kept: References, own_state: Store, tmp_path: Path) -> None:
    """Kept under the camera's name by the version before: it counts, its digest is in the store, and the file lies beside; a damaged one is none."""
    folder = tmp_path / "toy" / FOLDER
    folder.mkdir()
    np.save(folder / "cam:1.npy", PICTURE)
    (folder / "cam:2.npy").write_bytes(b"no picture")
    assert kept.get("toy", "cam:2") is None
    for _ in range(2):
        found = kept.get("toy", "cam:1")
        assert found is not None
        assert np.array_equal(found, PICTURE)
    assert (folder / f"cam:1.npy{SUFFIX}").exists()
    assert not (folder / "cam:1.npy").exists()
    with own_state.read() as tx:
        assert [row["id"] for row in tx.rows("looks")] == ["cam:1"]
