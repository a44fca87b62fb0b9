"""The command centre watches what is deployed, and writes down who looked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from live.feeds import write_clip
from live.log import EventLog
from planning.access import Actor
from planning.deployed import NO_FEED, Deployment, Feed
from planning.register import Register
from planning.store import Store, open_store
from screens import library
from screens.control import Control
from tests.live import scenes
from tests.screens.toy import save_toy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_state: Store) -> Path:
    """The toy city with a camera that shows a street from a file, and one without an address."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    save_toy(tmp_path, plans=False)
    canvas, random = scenes.street(1), np.random.default_rng(1)
    clip = tmp_path / "clip.mp4"
    write_clip(str(clip), iter([scenes.day(canvas, random) for _ in range(10)]), fps=10, group=5)
    Register().put(
        Deployment("film", "toy", "Film", 22.0935, 82.1365, 90.0, 6.0, "bullet-4mp", Feed("file", clip.as_uri())),
        Deployment("bare", "toy", "Bare", 22.0935, 82.1366, None, 6.0, "", NO_FEED),
    )
    return tmp_path / "toy"


async def until(holds: object, seconds: float = 20.0) -> None:
    """Wait for something to hold."""
    async with asyncio.timeout(seconds):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.1)


def test_deployed_cameras_are_watched_and_their_states_written_down(folder: Path) -> None:
    """Live within seconds; one without an address is not opened; one deployed while the watch runs is taken up; a view is on record."""
    city = library.city("toy")

    async def watch() -> None:
        here = Control(demo=True)
        async with here.running():
            scene = here.scene(city)
            await until(lambda: here.states(scene)["film"][0] == "live" and here.rounds.verdicts("film"))
            assert here.states(scene)["bare"] == ("never_seen", 0.0)
            assert "bare" not in here.service.hub.cameras()
            Register().put(Deployment("late", "toy", "Late", 22.0935, 82.1367, 0.0, 6.0, "", Feed("rtsp", "rtsp://127.0.0.1:1/x")))
            await until(lambda: "late" in here.service.hub.cameras())
            assert here.scene(city).stamp != scene.stamp
        here.service.audit(Actor("asha", "Asha"), "film", 100.0, 160.0, "theft at the market")

    asyncio.run(watch())
    records = EventLog().records("toy")
    assert [record.state for record in records if record.kind == "state" and record.camera == "film"] == ["live"]
    assert {record.kind for record in records} == {"state", "watching"}
    with open_store().read() as tx:
        view = list(tx.lines(action="live.view"))[-1]
    assert (view["by"], view["subject"]) == ("asha", "film")
    assert "theft at the market" in str(view["details"])


def test_a_damaged_register_stops_no_other_city(folder: Path) -> None:
    """Its own page tells; the watch goes on without it."""
    (folder / "deployments.csv").write_text("nonsense\n1\n", encoding="utf-8")
    assert Control(demo=True)._everyone() == {}
