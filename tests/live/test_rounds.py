"""The round finds what ails a camera and writes it down, once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.feeds import Frame, frame_of, write_jpeg
from live.hub import Hub
from live.log import EventLog
from live.nal import Config
from live.pins import state_now
from live.references import References
from live.rounds import Rounds
from live.settings import load_settings
from live.stills import config_of
from live.uptime import events, uptime
from live.watch import State
from planning.deployed import Deployment, Feed
from planning.engine import StoreError
from planning.store import Store
from tests.live import scenes
from tests.live.scenes import Picture

START = 1_772_323_200.0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = START

    def now(self) -> float:
        """Seconds since 1970."""
        return self.now_s


class Cameras(Hub):
    """A hub whose one camera shows what a test gives it; nothing is opened."""

    def __init__(self) -> None:
        super().__init__(lambda feed, credentials: iter(()), load_settings(), lambda _: None)  # type: ignore[arg-type, return-value]
        self.told = State("never_seen", 0.0, pulled=True)
        self.picture: Picture | None = None
        self.asked = 0
        self.ahead_s: float | None = None
        self.mask: tuple[tuple[tuple[float, float], ...], ...] = ()
        self.model, self.onvif = "", ""

    def states(self) -> dict[str, State]:
        """The one camera's."""
        return {"cam": self.told}

    def cameras(self) -> dict[str, Deployment]:
        """The one camera."""
        feed = Feed("rtsp", "rtsp://10.0.0.1/x", self.mask)
        return {"cam": Deployment("cam", "toy", "", 22.0, 82.0, None, 6.0, self.model, feed, onvif=self.onvif)}

    async def keyframe(self, camera: str, wait_s: float) -> tuple[Config, Frame] | None:
        """What the test gives, as a JPEG."""
        self.asked += 1
        if self.picture is None:
            return None
        data = write_jpeg(self.picture, quality=92)
        config = config_of(data, (0, 0))
        assert config is not None
        wall = self.told.seen_s or 0.0
        camera = None if self.ahead_s is None else wall + self.ahead_s
        return config, frame_of(data, key=True, number=self.asked, stamp_us=0, wall_s=wall, camera_s=camera)


class Watch:
    """A round over one camera, told what it shows, turn by turn of ten seconds."""

    def __init__(self, folder: Path) -> None:
        (folder / "toy").mkdir(exist_ok=True)
        store = Store(f"sqlite:///{folder / 'chaukas.db'}", folder).ready()
        self.hub, self.clock, self.log = Cameras(), Clock(), EventLog(lambda: store, lambda name: folder / name)
        self.store = store
        self.rounds = Rounds(self.hub, self.log, clock=self.clock, references=References(lambda: store, lambda name: folder / name))  # type: ignore[arg-type]

    def turn(self, name: str, picture: Picture | None = None, code: str = "") -> str:
        """Ten seconds later: the hub's word, and what the camera shows; the state to draw."""
        self.clock.now_s += 10
        since = self.hub.told.since_s if self.hub.told.name == name else self.clock.now_s
        seen = self.clock.now_s if name == "live" else self.hub.told.seen_s
        self.hub.told, self.hub.picture = State(name, since, seen, code, True), picture

        async def once() -> None:
            await self.rounds.look()
            await self.rounds.write()

        asyncio.run(once())
        return state_now(self.rounds.statuses()["cam"], self.clock.now_s)[0]

    def story(self) -> list[str]:
        """The states written down."""
        return [event.state for event in events(self.log.records("toy"))]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A round over a log of its own."""
    made = Watch(tmp_path)
    yield made
    made.store.engine.dispose()


def test_hub_and_doctor_make_one_state_and_one_story(watch: Watch) -> None:
    """Live, dark, live again, offline: each written once, with its measure, when it began, and no gap between."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    assert [watch.turn("live", scenes.day(canvas, random)) for _ in range(4)] == ["live"] * 4
    assert [watch.turn("live", scenes.dark(random)) for _ in range(4)] == ["live", "live", "dark", "dark"]
    assert [watch.turn("live", scenes.day(canvas, random)) for _ in range(4)] == ["dark", "live", "live", "live"]
    assert watch.turn("offline", code="feed.offline") == "offline"
    found = events(watch.log.records("toy"))
    assert [event.state for event in found] == ["live", "dark", "live", "offline"]
    assert found[1].measure.endswith("steps against 48")
    assert all(before.until == after.since for before, after in itertools.pairwise(found))
    (share,) = uptime(watch.log.records("toy"), ["cam"], found[0].since, found[-1].since)
    assert share.share == pytest.approx(90 / 120)
    assert (share.up_s, share.down_s, share.unwatched_s) == (90, 30, 0)


@pytest.mark.parametrize(
    ("model", "onvif", "last"), [("ptz-2mp", "onvif://10.0.0.1", "live"), ("ptz-2mp", "", "moved"), ("", "onvif://10.0.0.1", "moved")]
)
def test_a_camera_that_is_steered_has_not_been_moved(watch: Watch, model: str, onvif: str, last: str) -> None:
    """Looking elsewhere is the work of one that turns and can be steered; of any other it is a fault."""
    watch.hub.model, watch.hub.onvif = model, onvif
    canvas, random = scenes.street(1), np.random.default_rng(1)
    for _ in range(4):
        watch.turn("live", scenes.day(canvas, random))
    states = [watch.turn("live", scenes.day(canvas, random, aim=(60.0, 0.0))) for _ in range(4)]
    assert states[-1] == last


def test_a_camera_that_never_sent_a_picture_has_no_story(watch: Watch) -> None:
    """It is drawn as never seen, and counts for no uptime."""
    assert watch.turn("never_seen", code="feed.offline") == "never_seen"
    assert watch.story() == []


def test_after_a_restart_a_camera_that_worked_before_is_offline_and_not_never_seen(watch: Watch, tmp_path: Path) -> None:
    """The log knows; and a state told again begins no second event."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    watch.turn("live", scenes.day(canvas, random))
    again = Watch(tmp_path)
    again.clock.now_s = watch.clock.now_s + 100
    assert again.turn("never_seen", code="feed.offline") == "offline"
    assert again.turn("live", scenes.day(canvas, random)) == "live"
    assert again.story() == ["live", "offline", "live"]
    third = Watch(tmp_path)
    third.clock.now_s = again.clock.now_s + 100
    assert third.turn("live", scenes.day(canvas, random)) == "live"
    assert third.story() == ["live", "offline", "live"]


def test_what_was_known_is_stale_when_it_is_too_old(watch: Watch) -> None:
    """Without a new word a live camera is drawn live for a few seconds only."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    watch.turn("live", scenes.day(canvas, random))
    status = watch.rounds.statuses()["cam"]
    assert [state_now(status, watch.clock.now_s + later)[0] for later in (1.0, 3.0, 6.0, 600.0)] == ["live", "live", "stale", "stale"]


def test_a_camera_is_looked_at_as_often_as_the_settings_say(watch: Watch) -> None:
    """And not at all while it is not live."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    for _ in range(3):
        watch.turn("live", scenes.day(canvas, random))
        asyncio.run(watch.rounds.look())
    assert watch.hub.asked == 3
    watch.turn("stale")
    assert watch.hub.asked == 3
    assert {verdict.kind for verdict in watch.rounds.verdicts("cam")} == {"frozen", "dark", "covered", "moved", "clock"}


def test_a_person_accepts_how_a_camera_looks(watch: Watch) -> None:
    """What was moved is live again with the new reference; a camera that shows nothing is not accepted."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    for _ in range(3):
        watch.turn("live", scenes.day(canvas, random))
    assert [watch.turn("live", scenes.day(canvas, random, aim=(60.0, 0.0))) for _ in range(5)][-1] == "moved"
    assert asyncio.run(watch.rounds.accept("cam"))
    assert watch.turn("live", scenes.day(canvas, random, aim=(60.0, 0.0))) == "live"
    watch.hub.picture = None
    assert not asyncio.run(watch.rounds.accept("cam"))


def test_every_minute_the_watch_writes_that_it_watches(watch: Watch) -> None:
    """So that time nobody watched can be told from time a camera was down."""
    for _ in range(13):
        watch.turn("never_seen")
    (stretch,) = watch.log.records("toy")
    assert stretch.since is not None
    assert (stretch.kind, (stretch.at - stretch.since).total_seconds()) == ("watching", 120)
    watch.clock.now_s += 3600
    watch.turn("never_seen")
    assert [record.kind for record in watch.log.records("toy")] == ["watching", "watching"]


def test_what_cannot_be_written_now_is_written_later(watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The watch goes on while the database is busy: states stay told, and the story is whole afterwards, in its order and with its times."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    watch.turn("live", scenes.day(canvas, random))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", lambda *_: (_ for _ in ()).throw(StoreError.one("store.busy", "busy", "wait")))
        patch.setattr(Store, "ticking", lambda *_: (_ for _ in ()).throw(StoreError.one("store.busy", "busy", "wait")))
        assert watch.turn("offline", code="feed.offline") == "offline"
        assert watch.turn("live", scenes.day(canvas, random)) == "live"
    assert watch.story() == ["live"]
    assert [message.partition(" toy ")[2] for message in caplog.messages] == ["is not written now, and will be: store.busy"] * len(caplog.messages)
    watch.turn("live", scenes.day(canvas, random))
    found = events(watch.log.records("toy"))
    assert [event.state for event in found] == ["live", "offline", "live"]
    assert [(after.since - before.since).total_seconds() for before, after in itertools.pairwise(found)] == [10, 10]


def test_how_a_camera_shall_look_outlives_a_restart(watch: Watch, tmp_path: Path) -> None:
    """A camera that is turned while nobody watches is moved after the restart; what a person accepted is kept too; of a masked camera nothing is."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    turned = (60.0, 0.0)
    for _ in range(2):
        watch.turn("live", scenes.day(canvas, random))
    again = Watch(tmp_path)
    again.clock.now_s = watch.clock.now_s
    assert [again.turn("live", scenes.day(canvas, random, aim=turned)) for _ in range(5)][-1] == "moved"
    order = list[str]()
    assert asyncio.run(again.rounds.accept("cam", lambda: order.append("written")))
    assert order == ["written"]
    third = Watch(tmp_path)
    third.clock.now_s = again.clock.now_s
    assert [third.turn("live", scenes.day(canvas, random, aim=turned)) for _ in range(5)] == ["live"] * 5
    (kept,) = (tmp_path / "toy" / "references").iterdir()
    kept.unlink()
    fourth = Watch(tmp_path)
    fourth.clock.now_s, fourth.hub.mask = third.clock.now_s, (((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)),)
    fourth.turn("live", scenes.day(canvas, random))
    assert list((tmp_path / "toy" / "references").iterdir()) == []


def test_what_cannot_be_written_down_is_not_accepted(watch: Watch) -> None:
    """Where the line of the audit fails the camera stays moved."""
    canvas, random = scenes.street(1), np.random.default_rng(1)
    for _ in range(2):
        watch.turn("live", scenes.day(canvas, random))
    for _ in range(5):
        watch.turn("live", scenes.day(canvas, random, aim=(60.0, 0.0)))

    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        asyncio.run(watch.rounds.accept("cam", fail))
    assert watch.turn("live", scenes.day(canvas, random, aim=(60.0, 0.0))) == "moved"


def test_a_clock_that_is_off_is_told_and_written_beside_the_state(watch: Watch, tmp_path: Path) -> None:
    """After three looks, until three good ones, over a restart and over times the camera does not tell; it is no state, and costs no uptime."""
    canvas, random = scenes.street(1), np.random.default_rng(1)

    def turn(on: Watch, ahead_s: float | None) -> float | None:
        on.hub.ahead_s = ahead_s
        assert on.turn("live", scenes.day(canvas, random)) == "live"
        return on.rounds.statuses()["cam"].clock_s

    assert [turn(watch, ahead) for ahead in (0.4, -12.0, -12.0, -12.0, None, -12.5)] == [None, None, None, -12.0, -12.0, -12.5]
    again = Watch(tmp_path)
    again.clock.now_s = watch.clock.now_s
    assert [turn(again, ahead) for ahead in (-13.0, 0.25, 0.25, 0.25)] == [-13.0, 0.25, 0.25, None]
    (found,) = again.log.latest("toy", ["cam"], 10)
    assert (found.state, found.measure) == ("clock_off", "-12 s")
    assert found.until is not None
    assert (found.until - found.since).total_seconds() == 60
    assert again.story() == ["live"]
    (share,) = uptime(again.log.records("toy"), ["cam"], found.since, found.until)
    assert share.share == 1.0
