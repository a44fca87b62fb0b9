"""A request for footage and its chain of custody as a page to be signed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest

from live.custody import write_custody
from live.evidence import Asked, HandOver, Ledger, weigh
from planning.city import MADE_NOTE, MADE_NOTE_HI
from planning.errors import InputError
from planning.store import Store
from screens.words import words
from tests.live.test_evidence import NOON, asked
from tests.screens.toy import toy_city

__all__ = ["asked"]
HOSTILE = '#panic("run") $x$ ]*= <img>'


def text_of(path: Path) -> str:
    """The page's text as a reader's search finds it, without blanks."""
    book = pypdfium2.PdfDocument(path)
    pages = [book[number].get_textpage().get_text_range() for number in range(len(book))]
    book.close()
    return "".join("".join(pages).replace("\u200b", "").split())


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_page_holds_request_files_hands_and_seal(asked: Asked, own_state: Store, tmp_path: Path, language: str) -> None:
    """Who asked and why, every camera, each file's SHA-256, from whom to whom, the ledger's seal and the made mark; names run as nothing."""
    film, ledger = tmp_path / "film [1].mp4", Ledger(folder=lambda _: tmp_path)
    film.write_bytes(b"film")
    asked = dataclasses.replace(asked, reason=HOSTILE)
    over = HandOver(NOON + timedelta(days=1), asked.id, "asha", "Inspector Rao", weigh([film]), "on a sealed disk")
    ledger.add("toy", asked)
    before = ledger.seal("toy")
    ledger.add("toy", over)
    seal = ledger.seal("toy")
    assert before != seal
    city = toy_city()
    path = tmp_path / "record.pdf"
    write_custody(asked, [over], city, path, words=words(language).catalogue, hindi=language == "hi", seal=seal)
    said = text_of(path)
    of_files = (over.files[0].sha256, "InspectorRao", "onasealeddisk", "film[1].mp4")
    for wanted in (asked.id, asked.by, "FIR12/2026", "".join(HOSTILE.split()), seal, *of_files):
        assert wanted in said
    for camera in asked.cameras:
        assert f"{camera.px_per_m:g}" in said
        assert camera.link.replace(" ", "") in said
    assert city.made
    assert "".join((MADE_NOTE if language == "en" else MADE_NOTE_HI).split())[:6] in said


def test_a_request_of_which_nothing_was_given_is_a_page_as_well(asked: Asked, tmp_path: Path) -> None:
    """It says so; another kind of file is refused, and nothing is written."""
    path = tmp_path / "record.pdf"
    none = dataclasses.replace(asked, cameras=(), notes=())
    write_custody(none, (), toy_city(), path, words=words("en").catalogue, hindi=False, seal="0" * 64)
    said = text_of(path)
    assert "Nothinghasbeenhandedover." in said
    assert "Nodeployedcameraseestheplace." in said
    with pytest.raises(InputError, match=r"export\.kind"):
        write_custody(none, (), toy_city(), tmp_path / "record.doc", words=words("en").catalogue, hindi=False, seal="0" * 64)
    assert [one.name for one in tmp_path.iterdir()] == ["record.pdf"]
