"""Cameras steered: who holds them, what is written down, and that no movement goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from live.onvif import Aim, Preset
from live.secrets import Credentials
from live.settings import load_settings
from live.steering import Steering, bearing_of, steers
from planning.access import Actor
from planning.deployed import Deployment
from planning.errors import ChaukasError, FeedError, Forbidden, InputError
from tests.live.pretend import deployment, until

SETTINGS = load_settings()
ANNA, BINA = Actor("anna", "Anna", ("operator",)), Actor("bina", "Bina", ("operator",))
CAMERA = replace(deployment("p"), model="ptz-2mp", onvif="onvif://10.0.0.1", bearing_deg=350.0)


class Head:
    """A device that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.at = Aim(0.0, 0.0, 0.0)
        self.broken: FeedError | None = None
        self.closed = 0

    async def steered(self) -> str:
        """Its profile."""
        return "main"

    async def aim(self, profile: str) -> Aim:
        """Where it looks."""
        if self.broken is not None:
            raise self.broken
        self.told.append("aim")
        return self.at

    async def move(self, profile: str, *speed: float, seconds: float) -> None:
        """Keep it."""
        if self.broken is not None:
            raise self.broken
        self.told.append((*speed, seconds))

    async def stop(self, profile: str) -> None:
        """Keep it."""
        self.told.append("stop")

    async def presets(self, profile: str) -> tuple[Preset, ...]:
        """One."""
        self.told.append("presets")
        return (Preset("gate", "Main gate"),)

    async def go(self, profile: str, preset: str) -> None:
        """Keep it."""
        self.told.append(preset)

    async def close(self) -> None:
        """Count it."""
        self.closed += 1


class House:
    """Steering over one camera, with a clock set by hand and a record that can break."""

    def __init__(self, **times: float) -> None:
        self.head, self.rows, self.reached, self.time_s = Head(), list[Any](), list[str](), 1000.0
        self.cameras: dict[str, Deployment] = {"p": CAMERA, "fixed": deployment("fixed")}
        self.broken = False
        self.refuse: FeedError | None = None
        self.credentials: Credentials | None = None
        settings = replace(SETTINGS, times=replace(SETTINGS.times, **{"move_s": 0.1, **times}))  # type: ignore[arg-type]
        self.steering = Steering(lambda: self.cameras, lambda _: self.credentials, settings, self.record, lambda: self.time_s, self.reach)  # type: ignore[arg-type]

    async def reach(self, url: str, *_: object) -> Head:
        """The head."""
        self.reached.append(url)
        if self.refuse is not None:
            raise self.refuse
        return self.head

    def record(self, actor: Actor, camera: str, what: Mapping[str, object]) -> None:
        """A line."""
        if self.broken:
            raise InputError.one("store.full", "full", "make room")
        self.rows.append((actor.id, camera, dict(what)))


def run(work: Callable[[House], Awaitable[None]], **times: float) -> House:
    """Something done in a house."""
    house = House(**times)
    asyncio.run(work(house))  # type: ignore[arg-type]
    return house


def test_which_cameras_can_be_steered_and_where_they_look() -> None:
    """One that turns by its model or its kind's name, with a device to ask; its bearing is as built and as turned, on from north."""
    assert steers(CAMERA)
    assert steers(replace(CAMERA, model="Speed dome 33x"))
    assert not steers(replace(CAMERA, model="bullet-4mp"))
    assert not steers(replace(CAMERA, onvif=""))
    assert bearing_of(CAMERA, Aim(30.0, 0.0, 0.0)) == 20.0
    assert bearing_of(CAMERA, Aim(-180.0, 0.0, 0.0)) == 170.0
    assert bearing_of(CAMERA, Aim(9.99, 0.0, 0.0)) == 0.0
    assert bearing_of(replace(CAMERA, bearing_deg=None), Aim(1.0, 0.0, 0.0)) is None


def test_one_line_a_movement_however_often_it_is_renewed() -> None:
    """A movement is written down when it begins; renewals and its end are not; another direction is another movement, and so is one after a rest."""

    async def work(house: House) -> None:
        for _ in range(5):
            await house.steering.move(ANNA, "p", 0.5, 0, 0)
        await house.steering.move(ANNA, "p", 0.5, 1, 0)
        await house.steering.stop(ANNA, "p")
        await house.steering.move(ANNA, "p", 0.5, 1, 0)
        await house.steering.stop(ANNA, "p")
        await house.steering.stop(ANNA, "p")
        await house.steering.go(ANNA, "p", "gate")

    house = run(work)
    assert house.rows == [
        ("anna", "p", {"what": "move", "pan": 0.5, "tilt": 0, "zoom": 0}), ("anna", "p", {"what": "move", "pan": 0.5, "tilt": 1, "zoom": 0}),
        ("anna", "p", {"what": "move", "pan": 0.5, "tilt": 1, "zoom": 0}), ("anna", "p", {"what": "stop"}),
        ("anna", "p", {"what": "preset", "preset": "Main gate"}),
    ]  # fmt: skip
    assert house.head.told[:5] == [(0.5, 0.0, 0.0, 0.1)] * 5
    assert house.reached == ["onvif://10.0.0.1"]


def test_who_steers_holds_the_camera_for_a_while() -> None:
    """Another is refused, told who holds it; after the lease, or when it is let go, the other may; nobody lets go for somebody else."""

    async def work(house: House) -> None:
        await house.steering.move(ANNA, "p", 1, 0, 0)
        for command in (house.steering.move(BINA, "p", -1, 0, 0), house.steering.stop(BINA, "p"), house.steering.go(BINA, "p", "gate")):
            with pytest.raises(Forbidden, match=r"steer\.held.*Anna"):
                await command
        house.steering.let_go(BINA, "p")
        holder = house.steering.holder("p")
        assert holder is not None and (holder.id, holder.until_s) == ("anna", 1015.0)
        house.time_s += 15.1
        assert house.steering.holder("p") is None
        await house.steering.move(BINA, "p", -1, 0, 0)
        house.steering.let_go(BINA, "p")
        await house.steering.move(ANNA, "p", 1, 0, 0)

    house = run(work)
    assert [row[0] for row in house.rows] == ["anna", "bina", "anna"]


def test_a_movement_nobody_renews_is_ended() -> None:
    """The device is told to stop, once."""

    async def work(house: House) -> None:
        await house.steering.move(ANNA, "p", 1, 0, 0)
        house.time_s += 0.2
        await until(lambda: "stop" in house.head.told)
        await asyncio.sleep(0.05)

    house = run(work)
    assert house.head.told.count("stop") == 1


def test_nobody_steers_where_it_cannot_be_written_down() -> None:
    """The device hears nothing of it; nor where there is no record at all."""

    async def work(house: House) -> None:
        house.broken = True
        for command in (house.steering.move(ANNA, "p", 1, 0, 0), house.steering.go(ANNA, "p", "gate")):
            with pytest.raises(InputError, match=r"store\.full"):
                await command
        silent = Steering(lambda: house.cameras, lambda _: None, SETTINGS, None, lambda: 0.0, house.reach)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            await silent.move(ANNA, "p", 1, 0, 0)

    assert run(work).head.told == ["presets"]


@pytest.mark.parametrize("given", [(2.0, 0, 0), (0, float("nan"), 0), (0, 0, float("-inf"))])
def test_numbers_that_are_no_movement_are_refused(given: tuple[float, float, float]) -> None:
    """Before anybody holds the camera."""

    async def work(house: House) -> None:
        with pytest.raises(InputError, match=r"steer\.form"):
            await house.steering.move(ANNA, "p", *given)
        with pytest.raises(InputError, match=r"steer\.preset"):
            await house.steering.go(ANNA, "p", "elsewhere")
        assert house.steering.holder("p") is None

    assert run(work).rows == []


def test_a_camera_with_a_mask_is_not_turned() -> None:
    """The mask lies over the view as built; it may be stopped, and nothing is on record of what did not happen."""

    async def work(house: House) -> None:
        house.cameras["p"] = replace(CAMERA, feed=replace(CAMERA.feed, mask=(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)))
        for command in (house.steering.move(ANNA, "p", 1, 0, 0), house.steering.go(ANNA, "p", "gate")):
            with pytest.raises(Forbidden, match=r"steer\.masked"):
                await command
        assert house.steering.holder("p") is None
        await house.steering.stop(ANNA, "p")

    assert run(work).rows == [("anna", "p", {"what": "stop"})]


def test_cameras_that_cannot_be_steered_say_so() -> None:
    """One without a head, and one that is not there."""

    async def work(house: House) -> None:
        for camera, code in (("fixed", "onvif.lacks"), ("none", "live.unknown")):
            with pytest.raises(ChaukasError) as refused:
                await house.steering.look(camera)
            assert refused.value.code == code

    run(work)


def test_a_refused_password_is_not_tried_again_at_once() -> None:
    """Cameras lock out who tries too often; after a while it is tried again."""

    async def work(house: House) -> None:
        house.refuse = FeedError.one("feed.password", "refused", "enter", "10.0.0.1")
        for _ in range(3):
            with pytest.raises(FeedError, match=r"feed\.password"):
                await house.steering.look("p")
        assert len(house.reached) == 1
        house.time_s += 61
        house.refuse = None
        assert (await house.steering.look("p")).aim == Aim(0.0, 0.0, 0.0)

    assert len(run(work).reached) == 2


def test_another_password_is_tried_at_once() -> None:
    """Who enters the right password after a wrong one need not wait."""

    async def work(house: House) -> None:
        house.refuse = FeedError.one("feed.password", "refused", "enter", "10.0.0.1")
        with pytest.raises(FeedError, match=r"feed\.password"):
            await house.steering.look("p")
        house.refuse, house.credentials = None, Credentials("viewer", "another")
        assert (await house.steering.look("p")).aim == Aim(0.0, 0.0, 0.0)

    assert len(run(work).reached) == 2


def test_a_device_that_fails_is_reached_anew() -> None:
    """It is let go, and after a moment, so that one that hangs keeps nobody waiting, the next question goes to a fresh one."""

    async def work(house: House) -> None:
        await house.steering.look("p")
        house.head.broken, house.time_s = FeedError.one("feed.offline", "gone", "wait"), house.time_s + 1
        with pytest.raises(FeedError):
            await house.steering.look("p")
        house.head.broken = None
        with pytest.raises(FeedError, match=r"feed\.offline"):
            await house.steering.look("p")
        assert len(house.reached) == 1
        house.time_s += 4
        await house.steering.look("p")

    house = run(work)
    assert (len(house.reached), house.head.closed) == (2, 1)


def test_where_cameras_look_is_known_while_it_is_fresh() -> None:
    """Many who look on ask once; the watch asks by itself; what is old is not told; a camera taken away is forgotten and let go."""

    async def work(house: House) -> None:
        house.head.at = Aim(45.0, 0.0, 0.0)
        async with house.steering.running():
            await until(lambda: "p" in house.steering.seen())
            asked = house.head.told.count("aim")
            await asyncio.gather(*(house.steering.look("p") for _ in range(10)))
            assert house.head.told.count("aim") == asked
            assert house.steering.seen()["p"].aim.pan_deg == 45.0
            house.time_s += 0.5
            await until(lambda: house.head.told.count("aim") > asked)
            house.cameras.pop("p")
            await until(lambda: house.head.closed > 0)
            assert house.steering.seen() == {}

    run(work, aim_every_s=0.1)

    async def old(house: House) -> None:
        await house.steering.look("p")
        house.time_s += 81
        assert house.steering.seen() == {}

    run(old)


def test_an_address_that_changes_is_another_device() -> None:
    """The old one is let go, a movement of its ended."""

    async def work(house: House) -> None:
        await house.steering.move(ANNA, "p", 1, 0, 0)
        house.cameras["p"] = replace(CAMERA, onvif="onvif://10.0.0.2")
        await house.steering.look("p")
        await until(lambda: house.head.closed == 1)

    house = run(work, move_s=60.0)
    assert house.reached == ["onvif://10.0.0.1", "onvif://10.0.0.2"]
    assert house.head.told.count("stop") == 1
