"""A request for footage and its chain of custody as a PDF to be signed, in Hindi or English, with each file's SHA-256 and the ledger's seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from live.evidence import Asked, HandOver
from planning.city import MADE_NOTE, MADE_NOTE_HI, City
from planning.datafile import DATA
from planning.report import write_pdf

_WORDS = ("cameras", "no_cameras", "custody", "no_overs", "gives", "takes", "proof", "notes")
_FACTS = ("id", "by", "at", "case", "reason", "place", "time")


def write_custody(
    asked: Asked, handed: Sequence[HandOver], city: City, path: str | Path, *, words: Mapping[str, str], hindi: bool, seal: str
) -> None:  # fmt: skip
    """Write the record.

    Parameters
    ----------
    path: the .pdf; replaced whole or not at all.
    words: sentences by key, those of the record beginning with "evidence.".
    seal: SHA-256 of the ledger's last line.

    Raises
    ------
    InputError: `export.kind` for another suffix; `export.failed` where the file cannot be made.
    """
    write_pdf(DATA / "evidence.typ", content(asked, handed, city, words, hindi, seal), path)


def content(asked: Asked, handed: Sequence[HandOver], city: City, words: Mapping[str, str], hindi: bool, seal: str) -> dict[str, Any]:
    """What the page is told: texts alone."""

    def say(key: str, **values: object) -> str:
        return words[f"evidence.{key}"].format(**values)

    told = {
        "id": asked.id, "by": asked.by, "at": _moment(asked.at), "case": asked.case or say("none"), "reason": asked.reason,
        "place": f"{asked.lat:.6f}, {asked.lon:.6f}", "time": f"{_moment(asked.begin)} – {_moment(asked.end)}",
    }  # fmt: skip
    overs = [
        {
            "title": say("over", number=number, at=_moment(one.at)), "note": one.note, "by": one.by, "to": one.received_by,
            "files": [[given.name, str(given.size), given.sha256] for given in one.files],
        }
        for number, one in enumerate(handed, 1)
    ]  # fmt: skip
    return {
        "language": "hi" if hindi else "en", "title": say("title", id=asked.id), "subtitle": city.title_hi if hindi else city.title,
        "made": (MADE_NOTE_HI if hindi else MADE_NOTE) if city.made else "", "seal": say("seal", seal=seal),
        "words": {key: say(key) for key in _WORDS}, "facts": [[say(f"fact_{key}"), told[key]] for key in _FACTS],
        "camera_head": [say(f"camera_{key}") for key in ("id", "title", "sharp", "far", "link")],
        "cameras": [[one.camera, one.title, f"{one.px_per_m:g}", f"{one.distance_m:g}", one.link] for one in asked.cameras],
        "file_head": [say(f"file_{key}") for key in ("name", "size", "sha")], "overs": overs,
        "proof": [say("proof_files"), say("proof_ledger", seal=seal)], "notes": list(asked.notes),
    }  # fmt: skip


def _moment(at: datetime) -> str:
    """A moment to the second, with its zone."""
    return at.strftime("%Y-%m-%d %H:%M:%S %z")
