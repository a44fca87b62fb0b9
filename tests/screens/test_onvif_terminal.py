"""ONVIF from a terminal: devices searched for and probed, and the demonstration's cameras that turn."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from live.secrets import Credentials
from live.simulated_onvif import OnvifDevice
from planning.city import ROOT
from planning.register import Register
from planning.store import Store
from tests.browser.chromium import free_port
from tests.live.pretend import deployment
from tests.screens.toy import save_toy


@pytest.fixture(scope="module")
def camera() -> Iterator[OnvifDevice]:
    """A device that asks for a password."""
    made = OnvifDevice({"main": "rtsp://127.0.0.1:8554/one"}, credentials=Credentials("viewer", "hunter2"), name="Gate 2", clock_off_s=90)
    yield made
    made.stop()


def test_find_tells_devices_and_which_are_deployed(
    camera: OnvifDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_state: Store
) -> None:
    """Address, name, hardware, scopes; new, or the camera it is; this machine's own only for a demonstration."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    at = f"127.0.0.1:{camera.port}"
    assert cli.main(["live", "find", at, "--seconds", "0.3"]) == 1
    assert "discovery.address" in capsys.readouterr().err
    assert cli.main(["live", "find", at, "--seconds", "0.3", "--demo"]) == 0
    said = capsys.readouterr().out
    assert f"{camera.url}\tGate 2\tSIM\ttype/ptz, Profile/Streaming\tnew\n" in said
    save_toy(tmp_path, plans=False)
    Register().put(deployment("gate", url="rtsp://127.0.0.1:8554/one"))
    assert cli.main(["live", "find", at, "--seconds", "0.3", "--demo"]) == 0
    assert "\tdeployed as gate\n" in capsys.readouterr().out


def test_probe_of_a_device_tells_what_it_offers_and_proposes_a_feed(
    camera: OnvifDevice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Itself, its clock, steering with presets, profiles and the columns to deploy it with; the password from a pipe stays untold."""
    url = f"onvif://127.0.0.1:{camera.port}"
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert cli.main(["live", "probe", url, "--demo", "--user", "viewer"]) == 0
    said = capsys.readouterr()
    assert re.search(r"clock +\+(89|90|91) s against this machine: set it right", said.out)
    assert "steering       yes; pan 0°, tilt 0°, zoom 0.00; 3 presets" in said.out
    assert "profile        main: H264, 1280 x 720 px, 15 a second" in said.out
    assert f"proposed       feed url rtsp://127.0.0.1:8554/one, feed kind rtsp, onvif {camera.url}" in said.out
    assert "hunter2" not in said.out + said.err
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert cli.main(["live", "probe", camera.url, "--kind", "onvif", "--demo", "--user", "viewer"]) == 1
    assert "feed.password" in capsys.readouterr().err
    assert cli.main(["live", "probe", url]) == 1
    assert "address.refused" in capsys.readouterr().err


def test_the_demonstration_s_ptz_cameras_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_state: Store
) -> None:
    """A city's PTZ cameras get a device each, told in the table, that deploys as it stands; the others none."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    save_toy(tmp_path, plans=False)
    target = tmp_path / "cameras.csv"
    command = [sys.executable, str(ROOT / "cli.py"), "live", "demo", "toy", "--count", "2", "--port", str(free_port()), "--out", str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running, contextlib.ExitStack() as after:
        after.callback(running.kill)
        assert running.stdout is not None
        assert "2 simulated cameras" in running.stdout.readline()
        assert "1 of them can be steered by ONVIF" in running.stdout.readline()
        running.stdout.readline()
        with target.open(encoding="utf-8-sig", newline="") as stream:
            first, second = csv.DictReader(stream)
        assert second["onvif"] == ""
        assert cli.main(["live", "probe", first["onvif"], "--kind", "onvif", "--demo"]) == 0
        assert f"feed url {first['feed url']}" in capsys.readouterr().out
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    assert cli.main(["live", "deploy", "toy", "--from", str(target)]) == 0
    assert sorted(one.onvif for one in Register().list("toy")) == ["", first["onvif"]]
