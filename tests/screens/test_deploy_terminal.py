"""Cameras are deployed and listed from a terminal."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import cli
from live.log import EventLog
from live.secrets import Credentials, StoreVault, open_sealer
from live.uptime import Record
from planning.nouns import Scenario
from planning.register import Register
from planning.store import Store, open_store
from tests.screens.toy import HOSTILE, save_toy, toy_city, toy_plan


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_state: Store) -> Path:
    """The toy city, found by its name, with two plans."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    save_toy(tmp_path)
    return tmp_path / "toy"


def test_a_table_is_deployed_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good rows stand in the register, the bad row is told with its number and kept aside, without its password."""
    # pragma: allowlist nextline secret
    (folder / "list.csv").write_text("id,lat,lon,rtsp\na,22.0935,82.1365,rtsp://c/1\nb,22.0935,82.1366,rtsp://u:s3cret@c/1\n", encoding="utf-8")
    assert cli.main(["live", "deploy", "toy", "--from", str(folder / "list.csv")]) == 0
    said = capsys.readouterr().out
    assert "list.csv row 3: The address holds a name or a password" in said
    assert "1 cameras deployed; 1 in the register" in said
    assert "s3cret" not in said + (folder / "deployments-rejects.csv").read_text(encoding="utf-8-sig")
    assert cli.main(["live", "list", "toy"]) == 0
    assert capsys.readouterr().out.startswith("a\ta\t22.093500,82.136500\t?\t")


def test_a_plan_s_cameras_are_deployed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, or those named; an unknown one is refused and nothing is kept."""
    path = str(folder / "plans" / f"{toy_plan(toy_city(), Scenario('toy', 1_000_000)).id}.gpkg")
    assert cli.main(["live", "deploy", "toy", "--plan", path, "--camera", "s003", "--camera", "s999"]) == 1
    assert "deployment.planned" in capsys.readouterr().err
    assert Register().list("toy") == ()
    assert cli.main(["live", "deploy", "toy", "--plan", path]) == 0
    found = Register().list("toy")
    assert len(found) == 20
    assert {one.planned for one in found} >= {HOSTILE, "s003"}


def test_a_camera_s_password_is_sealed_from_a_pipe_and_never_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch opens the seal with the key of the state folder; an unknown camera is refused before a password is asked for."""
    (folder / "list.csv").write_text("id,lat,lon,rtsp\na,22.0935,82.1365,rtsp://c/1\n", encoding="utf-8")
    assert cli.main(["live", "deploy", "toy", "--from", str(folder / "list.csv")]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert cli.main(["live", "password", "toy", "b", "--user", "viewer"]) == 1
    assert "deployment.unknown" in capsys.readouterr().err
    assert cli.main(["live", "password", "toy", "a", "--user", "viewer"]) == 0
    assert "hunter2" not in "".join(capsys.readouterr())
    assert open_sealer().open("a", StoreVault().get("a") or b"") == Credentials("viewer", "hunter2")
    with open_store().read() as tx:
        assert [line["by"] for line in tx.lines(action="live.password")] == ["terminal"]


def test_cameras_named_without_a_plan_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be passed over in silence is told."""
    assert cli.main(["live", "deploy", "toy", "--from", str(folder / "city.toml"), "--camera", "s003"]) == 1
    assert "deployment.options" in capsys.readouterr().err


def test_uptime_is_printed_by_contractor_and_camera(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day of which a camera was down half, two hours of it by plan: what counts, what was agreed and what is left out."""
    (folder / "list.csv").write_text("id,lat,lon,agency\na,22.0935,82.1365,Bharat\nb,22.0935,82.1366,Bharat\n", encoding="utf-8")
    assert cli.main(["live", "deploy", "toy", "--from", str(folder / "list.csv")]) == 0
    day = datetime(2026, 3, 1).astimezone()
    beats = [Record("watching", day + timedelta(minutes=minute)) for minute in range(1441)]
    EventLog().append("toy", *beats, Record("state", day, "a", "live"), Record("state", day + timedelta(hours=12), "a", "offline"))
    times = ["--from", "2026-03-01T20:00", "--until", "2026-03-01T22:00"]
    assert cli.main(["live", "maintain", "toy", "a", *times, "--by", "asha", "--note", "new pole"]) == 0
    assert cli.main(["live", "maintain", "toy", "z", *times, "--by", "asha", "--note", "new pole"]) == 1
    assert "deployment.unknown" in capsys.readouterr().err
    assert cli.main(["live", "uptime", "toy", "--from", "2026-03-01", "--until", "2026-03-02", "--agreed", "50%"]) == 0
    said = capsys.readouterr().out
    line = next(text for text in said.splitlines() if text.startswith("Bharat"))
    assert line.split() == ["Bharat", "2", "54.55", "%", "50.00", "%", "yes", "2.0", "24.0"]
    assert "1 cameras have no record" in said
    assert cli.main(["live", "uptime", "toy", "--from", "yesterday", "--until", "2026-03-02"]) == 1
    assert "uptime.moment" in capsys.readouterr().err
