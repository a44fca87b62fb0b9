"""Live video from a terminal."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from live.simulated import Cameras, number_of, pictures
from planning.city import ROOT
from planning.errors import FeedError
from tests.browser.chromium import free_port
from tests.screens.toy import save_toy


@pytest.mark.parametrize("real", [None, False])
def test_probe_tells_what_a_camera_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str], real: bool | None) -> None:
    """Verdict on the address, codec, size, rate and time to the first keyframe, from either server; not without --demo on this machine."""
    made = Cameras(tmp_path, ["one"], free_port(), frames=30, fps=30, group=10, width=320, height=192, gstreamer=real)
    try:
        url = made.urls["one"]
        assert cli.main(["live", "probe", url, "--seconds", "0.7"]) == 1
        assert "address.refused" in capsys.readouterr().err
        assert cli.main(["live", "probe", url, "--seconds", "0.7", "--demo"]) == 0
    finally:
        made.stop()
    said = capsys.readouterr().out
    assert "127.0.0.1" in said
    assert "h264 (avc1." in said
    assert "320 x 192 px" in said
    assert re.search(r"first keyframe after \d\.\d\d s", said)
    assert re.search(r"frames +\d+ in 0.7 s, \d+\.\d a second", said)


def test_probe_refuses_in_words_and_repeats_no_password(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An address with a password is refused without repeating it; so is one that leads nowhere; a password from a pipe stays untold."""
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="ascii"))  # noqa: PTH123, SIM115
    for url in ("rtsp://root:hunter2@10.0.0.1/", "file:///etc/passwd", "rtsp://2130706433/"):  # pragma: allowlist secret
        assert cli.main(["live", "probe", url, "--user", "viewer"]) == 1
    with contextlib.closing(sys.stdin):
        said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert {"feed.credentials", "address.file", "address.refused"} <= set(re.findall(r"\[([a-z.]+)\]", said.err))


def test_demo_simulates_a_city_s_cameras_until_stopped(tmp_path: Path) -> None:
    """The table holds a row a camera with its address, where its stream is while the command runs; Ctrl-C ends it well, and the cameras with it."""
    save_toy(tmp_path)
    port, target = free_port(), tmp_path / "cameras.csv"
    command = [sys.executable, str(ROOT / "cli.py"), "live", "demo", str(tmp_path / "toy"), "--count", "2", "--port", str(port), "--out", str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "2 simulated cameras" in running.stdout.readline()
        running.stdout.readline()
        with target.open(encoding="utf-8-sig", newline="") as stream:
            table = list(csv.DictReader(stream))
        assert len(table) == 2
        assert cli.main(["live", "probe", table[1]["feed url"], "--demo", "--seconds", "0.3"]) == 0
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    assert cli.main(["live", "probe", table[1]["feed url"], "--demo"]) == 1


def test_made_pictures_carry_their_number(tmp_path: Path) -> None:
    """The number can be read off the squares; where no server can be had, and where the port is taken, that is told."""
    assert [number_of(picture) for picture in pictures(3, width=320, height=192)] == [0, 1, 2]
    with pytest.raises(FeedError, match=r"simulated\.start"):
        Cameras(tmp_path, ["one"], 70_000, frames=2, width=320, height=192)
