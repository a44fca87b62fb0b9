"""Footage asked for and handed over from a terminal."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import cli
from planning.register import Register
from planning.store import Store
from tests.databases import by_force
from tests.live.test_evidence import hung, place
from tests.screens.toy import save_toy


def test_a_request_is_asked_handed_over_shown_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_state: Store
) -> None:
    """The whole way; a file that was changed since and a ledger that was changed are refused."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    save_toy(tmp_path, plans=False)
    Register().put(hung("a", 380, 90))
    lat, lon = place(398.5, 400)
    times = ["--from", "2026-03-01T06:30+00:00", "--until", "2026-03-01T06:31+00:00"]
    assert cli.main(["live", "evidence", "ask", "toy", "--at", f"{lat},{lon}", *times, "--by", "asha", "--reason", "theft"]) == 0
    said = capsys.readouterr().out
    assert "1 see the place" in said
    request = said.split()[3]
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    assert cli.main(["live", "evidence", "hand-over", "toy", request, str(film), "--by", "asha", "--to", "Inspector Rao"]) == 0
    assert cli.main(["live", "evidence", "show", "toy"]) == 0
    assert "1 files\nThe ledger holds" in capsys.readouterr().out
    assert cli.main(["live", "evidence", "show", "toy", request]) == 0
    assert "from asha to Inspector Rao" in capsys.readouterr().out
    page = tmp_path / "record.pdf"
    assert cli.main(["live", "evidence", "show", "toy", request, "--pdf", str(page), "--lang", "en"]) == 0
    assert page.read_bytes().startswith(b"%PDF")
    assert f"SHA-256 {hashlib.sha256(page.read_bytes()).hexdigest()}" in capsys.readouterr().out
    with own_state.read() as tx:
        told = ["footage_asked", "footage_given", "footage_page"]
        assert [line["action"].partition(".")[2] for line in tx.lines(by="terminal", subject=request)] == told
    assert cli.main(["live", "evidence", "show", "toy", "--pdf", str(page)]) == 1
    assert "evidence.request" in capsys.readouterr().err
    assert cli.main(["live", "evidence", "check", "toy", request, str(film)]) == 0
    film.write_bytes(b"cut")
    assert cli.main(["live", "evidence", "check", "toy", request, str(film)]) == 1
    assert "evidence.differs" in capsys.readouterr().err
    by_force(own_state, "UPDATE footage SET line = replace(line, 'theft', 'a wager') WHERE number = 1")
    assert cli.main(["live", "evidence", "show", "toy"]) == 1
    assert "evidence.chain" in capsys.readouterr().err
