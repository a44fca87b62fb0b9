"""How cameras shall look, kept over a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from live.references import FOLDER, FolderReferences


def test_a_picture_is_read_back_as_it_was_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    """Each camera has its own; one of another shape, cut short or made to run something counts as none."""
    kept = FolderReferences(lambda city: tmp_path / city)
    (tmp_path / "toy").mkdir()
    picture = np.random.default_rng(1).integers(0, 255, (144, 256), dtype=np.uint8)
    kept.put("toy", "cam:1", picture)
    found = kept.get("toy", "cam:1")
    assert found is not None
    assert np.array_equal(found, picture)
    assert kept.get("toy", "cam:2") is None
    (path,) = (tmp_path / "toy" / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:500])
    assert kept.get("toy", "cam:1") is None
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert kept.get("toy", "cam:1") is None
    np.save(path, picture[:10])
    assert kept.get("toy", "cam:1") is None
