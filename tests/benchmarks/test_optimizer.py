"""The optimizer's benchmark: what it would run is there to be run."""

from __future__ import annotations

import pytest

from benchmarks import optimizer, peers
from benchmarks.figures import Figures


@pytest.mark.parametrize("arguments", [[], ["--quick"]], ids=["full", "quick"])
def test_every_case_that_is_asked_for_exists(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No run ends after ten minutes at a case without a name; a case that failed counts as short."""
    asked = []

    def run(figures: Figures, case: str) -> None:
        asked.append(case)
        figures.short.append(case)

    monkeypatch.setattr(optimizer, "_run", run)
    monkeypatch.setattr(peers, "installed", lambda: True)
    assert optimizer.main(arguments) == 1
    assert len(asked) > 4
    assert set(asked) <= set(optimizer.CASES)
    assert len(asked) == len(set(asked))


def test_a_peer_that_cannot_be_installed_is_told_and_short(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A comparison that was not made is no success."""
    figures = Figures()

    class Done:
        returncode, stdout, stderr = 1, "", "Traceback\nbenchmarks.peers.PeerMissing: spopt could not be installed: no network"

    monkeypatch.setattr(optimizer.subprocess, "run", lambda *_, **__: Done())
    assert optimizer._run(figures, "spopt, 10k x 1k") is None
    assert "could not be installed: no network" in capsys.readouterr().out
    assert figures.close() == 1
