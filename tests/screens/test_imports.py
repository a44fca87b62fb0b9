"""Work on drafts: one piece a draft, told how it ended, kept while a page may close."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from planning.errors import InputError
from planning.progress import Progress
from planning.uploads import Draft, new_draft
from screens.imports import ImportDesk, outcome
from tests.planning.toy_osm import CROSSING, document


@pytest.fixture(name="draft")
def draft_of_a_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draft:
    """A draft that could be imported."""
    monkeypatch.setenv("CHAUKAS_UPLOADS", str(tmp_path / "uploads"))
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    return new_draft().add("osm", "town.osm", document(*CROSSING).encode()).changed(name="new")


def test_a_draft_has_one_piece_of_work_at_a_time(draft: Draft) -> None:
    """Asked again while it runs, the same work is given; ended, its result stands until it is forgotten."""
    go_on = threading.Event()

    def look(draft: Draft, progress: Progress) -> str:
        go_on.wait(20)
        return draft.name

    desk = ImportDesk(look)
    work = desk.start(draft, "look")
    assert desk.start(draft, "look") is work
    assert desk.find(draft.token) is work
    desk.forget(work)
    assert desk.find(draft.token) is work
    go_on.set()
    work.job.wait(20)
    assert (work.job.result, outcome(work)) == ("new", None)
    desk.forget(work)
    assert desk.find(draft.token) is None


def test_what_is_missing_starts_nothing(draft: Draft) -> None:
    """An import without streets is refused before it begins."""
    desk = ImportDesk()
    with pytest.raises(InputError) as caught:
        desk.start(draft.remove("town.osm"), "import")
    assert caught.value.code == "upload.streets"
    assert desk.find(draft.token) is None


def test_work_that_fails_says_so(draft: Draft) -> None:
    """Faults are told as they are, an error of ours as one that can be reported."""

    def take(draft: Draft, progress: Progress) -> str:
        raise InputError.one("upload.memory", "Too much", "Cut it")

    def look(draft: Draft, progress: Progress) -> str:
        raise KeyError("what?")

    desk = ImportDesk(look, take)
    for kind, code in (("import", "upload.memory"), ("look", "upload.broken")):
        work = desk.start(draft, kind)
        work.job.wait(20)
        error = outcome(work)
        assert error is not None
        assert error.code == code


def test_an_import_writes_the_city_and_takes_the_draft_away(draft: Draft, tmp_path: Path) -> None:
    """The real desk reads the files apart, writes the city and drops the draft."""
    work = ImportDesk().start(draft, "import")
    work.job.wait(120)
    assert outcome(work) is None
    assert work.job.result == "new"
    assert (tmp_path / "cities" / "new" / "city.toml").is_file()
    assert not draft.folder.exists()
