"""Cameras steered: by one person at a time, each movement on record before it begins, and none that goes on by itself.

Whoever steers holds the camera until a while after the last command. A movement must be renewed, else it is ended here, and by the device's own clock
as well: a line that breaks leaves no camera turning. Where a camera looks is asked of it, not reckoned.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from live.onvif import Aim, Device, Preset, connect
from live.secrets import Credentials
from live.settings import Settings
from planning.access import Actor
from planning.catalogue import load_models
from planning.deployed import Deployment
from planning.errors import ChaukasError, FeedError, Forbidden, InputError
from planning.tags import camera_kind

_SAME_S = 0.25  # where a camera looked so short a time ago is not asked again, however many look on
# actor, camera, what; called in a thread
Steered = Callable[[Actor, str, Mapping[str, object]], None]
Reach = Callable[[str, Credentials | None, Settings], Awaitable[Device]]


@dataclass(frozen=True)
class Holder:
    """Who steers a camera, until when [s since 1970] unless a command renews it."""

    id: str
    name: str
    until_s: float


@dataclass(frozen=True)
class Seen:
    """Where a camera looked, and when that was [s since 1970]."""

    aim: Aim
    at_s: float


@dataclass
class _Mount:
    """One camera's device and what goes on with it."""

    url: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    device: Device | None = None
    profile: str = ""
    presets: tuple[Preset, ...] | None = None
    holder: Holder | None = None
    speed: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ends_s: float = 0.0
    credentials: Credentials | None = None
    refused: ChaukasError | None = None
    refused_s: float = 0.0
    watch: asyncio.Task[None] | None = None


def steers(deployment: Deployment) -> bool:
    """Whether a camera can be steered: one that turns by its kind, with a device to be asked."""
    model = load_models().get(deployment.model)
    return bool(deployment.onvif) and (model.kind if model is not None else camera_kind(deployment.model)) == "ptz"


def bearing_of(deployment: Deployment, aim: Aim) -> float | None:
    """Where a camera looks on the map [deg clockwise from north]: as built and turned from there; None where nobody knows how it was built."""
    return None if deployment.bearing_deg is None else round((deployment.bearing_deg + aim.pan_deg) % 360, 1) % 360


class Steering:
    """Every camera that can be steered.

    Parameters
    ----------
    cameras: the deployments now. credentials: of a deployment's id; called in a thread, may raise FeedError.
    record: is told of each movement before it begins; where it raises, or is None, nobody steers. now: seconds since 1970.
    reach: makes a device of an address.
    """

    def __init__(
        self, cameras: Callable[[], Mapping[str, Deployment]], credentials: Callable[[str], Credentials | None], settings: Settings,
        record: Steered | None, now: Callable[[], float], reach: Reach = connect,
    ) -> None:  # fmt: skip
        self._cameras, self._credentials, self._settings, self._record = cameras, credentials, settings, record
        self._now, self._reach = now, reach
        self._mounts: dict[str, _Mount] = {}
        self._seen: dict[str, Seen] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask now and again where every such camera looks, for as long as the block lasts; afterwards movements end and devices are let go."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for mount in list(self._mounts.values()):
                await self._end(mount)

    def holder(self, camera: str) -> Holder | None:
        """Who steers a camera now."""
        mount = self._mounts.get(camera)
        holder = mount.holder if mount is not None else None
        return holder if holder is not None and holder.until_s > self._now() else None

    def seen(self) -> dict[str, Seen]:
        """Where cameras looked when they were last asked, as long as that is to be believed; may be asked in any thread."""
        last = self._now() - 2 * self._settings.times.aim_every_s - self._settings.times.device_s
        return {camera: one for camera, one in list(self._seen.items()) if one.at_s >= last}

    async def look(self, camera: str) -> Seen:
        """Where a camera looks now. Raises FeedError as `live.onvif`, `onvif.lacks` where it cannot be steered."""
        mount = self._mount(camera)
        async with mount.lock:
            known = self._seen.get(camera)
            if known is None or self._now() - known.at_s > _SAME_S:
                aim = await self._done(camera, mount, lambda device, profile: device.aim(profile))
                known = self._seen[camera] = Seen(aim, self._now())
            return known

    async def presets(self, camera: str) -> tuple[Preset, ...]:
        """The places a camera keeps, asked for once. Raises FeedError."""
        mount = self._mount(camera)
        async with mount.lock:
            if mount.presets is None:
                mount.presets = await self._done(camera, mount, lambda device, profile: device.presets(profile))
            return mount.presets

    async def move(self, actor: Actor, camera: str, pan: float, tilt: float, zoom: float) -> None:
        """Begin a movement, or renew one: shares of full speed from -1 to 1; right, up and in are positive.

        Raises
        ------
        Forbidden: `steer.held` where somebody else steers, `steer.masked` where its picture has a mask. InputError: `steer.form` where these are no
        such numbers. FeedError.
        """
        given = (pan, tilt, zoom)
        if not all(math.isfinite(one) and abs(one) <= 1 for one in given):
            raise InputError.one("steer.form", "This is no movement", "Give pan, tilt and zoom from -1 to 1", given)
        speed = (round(pan, 1), round(tilt, 1), round(zoom, 1))
        if not any(speed):
            await self.stop(actor, camera)
            return
        mount = self._mount(camera)
        lasts_s = self._settings.times.move_s
        async with mount.lock:
            self._require_bare(camera)
            self._take(actor, mount)
            if mount.speed != speed or self._now() > mount.ends_s:
                await self._write(actor, camera, what="move", pan=speed[0], tilt=speed[1], zoom=speed[2])
            await self._done(camera, mount, lambda device, profile: device.move(profile, *speed, seconds=lasts_s))
            mount.speed, mount.ends_s = speed, self._now() + lasts_s
            if mount.watch is None or mount.watch.done():
                mount.watch = asyncio.create_task(self._see_to_the_end(camera, mount))

    async def stop(self, actor: Actor, camera: str) -> None:
        """Stand still. Raises as `move`."""
        mount = self._mount(camera)
        async with mount.lock:
            self._take(actor, mount)
            if not any(mount.speed):
                await self._write(actor, camera, what="stop")
            await self._done(camera, mount, lambda device, profile: device.stop(profile))
            mount.speed = (0.0, 0.0, 0.0)

    async def go(self, actor: Actor, camera: str, preset: str) -> None:
        """Turn to a place the camera keeps. Raises as `move`, `steer.preset` where it keeps none of this name."""
        known = {one.token: one.name for one in await self.presets(camera)}
        if preset not in known:
            raise InputError.one("steer.preset", "The camera keeps no such place", "Choose one of the list", preset)
        mount = self._mount(camera)
        async with mount.lock:
            self._require_bare(camera)
            self._take(actor, mount)
            await self._write(actor, camera, what="preset", preset=known[preset])
            await self._done(camera, mount, lambda device, profile: device.go(profile, preset))
            mount.speed = (0.0, 0.0, 0.0)

    def let_go(self, actor: Actor, camera: str) -> None:
        """Let others steer. Raises FeedError."""
        mount = self._mount(camera)
        if mount.holder is not None and mount.holder.id == actor.id:
            mount.holder = None

    def _mount(self, camera: str) -> _Mount:
        deployment = self._cameras().get(camera)
        if deployment is None:
            raise FeedError.one("live.unknown", "There is no such camera", "Choose one from the map", camera)
        if not steers(deployment):
            raise FeedError.one("onvif.lacks", "The camera cannot be steered by ONVIF", "Check its model and its settings", camera)
        mount = self._mounts.get(camera)
        if mount is None or mount.url != deployment.onvif:
            if mount is not None:
                ending = asyncio.create_task(self._end(mount))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
                self._seen.pop(camera, None)
            mount = self._mounts[camera] = _Mount(deployment.onvif)
        return mount

    def _require_bare(self, camera: str) -> None:
        """Let nobody turn a camera whose picture has a mask: it covers what lies there in the view as built, and would not turn with it."""
        if self._cameras()[camera].feed.mask:
            what, way_out = "The camera's picture has a privacy mask, which would not turn with it", "Leave the camera as it is"
            raise Forbidden.one("steer.masked", what, way_out, camera)

    def _take(self, actor: Actor, mount: _Mount) -> None:
        """Hold a camera, or go on holding it."""
        now, holder = self._now(), mount.holder
        if holder is not None and holder.id != actor.id and holder.until_s > now:
            way_out = f"Wait until it is free, in {holder.until_s - now:.0f} s at the earliest"
            raise Forbidden.one("steer.held", "Somebody else steers this camera", way_out, holder.name)
        mount.holder = Holder(actor.id, actor.name, now + self._settings.times.steer_s)

    async def _write(self, actor: Actor, camera: str, **what: object) -> None:
        if self._record is None:
            raise Forbidden.one("access.forbidden", "You have no right to do this", "Ask an administrator", f"live.steer {camera}")
        await asyncio.to_thread(self._record, actor, camera, what)

    async def _done(self, camera: str, mount: _Mount, work: Callable[[Device, str], Awaitable[Any]]) -> Any:
        """Have the device do something; reached where it is not yet, let go where it fails. Then it is not tried again at once: a device that hangs
        would keep all who ask waiting, one that refuses the password locks out who tries too often. Another password is tried at once.
        """
        refused = mount.refused if self._now() < mount.refused_s else None
        if refused is not None and (refused.code != "feed.password" or await asyncio.to_thread(self._credentials, camera) == mount.credentials):
            raise type(refused)(refused.faults)
        mount.refused = None
        try:
            if mount.device is None:
                mount.credentials = await asyncio.to_thread(self._credentials, camera)
                mount.device = await self._reach(mount.url, mount.credentials, self._settings)
                mount.profile = await mount.device.steered()
            return await work(mount.device, mount.profile)
        except ChaukasError as error:
            if error.code not in {"onvif.fault", "onvif.position"}:
                times = self._settings.times
                wait_s = times.locked_s if error.code in {"feed.password", "secret.seal"} else times.retry_most_s
                mount.refused, mount.refused_s = error, self._now() + wait_s
                await self._leave(mount)
            raise

    async def _see_to_the_end(self, camera: str, mount: _Mount) -> None:
        """End a movement that nobody renews."""
        while any(mount.speed):
            left = mount.ends_s - self._now()
            if left > 0:
                await asyncio.sleep(left)
                continue
            async with mount.lock:
                if any(mount.speed) and self._now() >= mount.ends_s:
                    mount.speed = (0.0, 0.0, 0.0)
                    # The device ends it by its own clock where it cannot be told.
                    with contextlib.suppress(ChaukasError):
                        await self._done(camera, mount, lambda device, profile: device.stop(profile))

    async def _watch(self) -> None:
        """Ask every camera that can be steered where it looks, again and again."""
        gate = asyncio.Semaphore(self._settings.limits.looks)

        async def ask(camera: str) -> None:
            async with gate:
                # What a camera does not tell is not shown; the map says the rest of it.
                with contextlib.suppress(Exception):
                    await self.look(camera)

        while True:
            wanted = [camera for camera, one in self._cameras().items() if steers(one)]
            self._seen = {camera: one for camera, one in self._seen.items() if camera in wanted}
            await asyncio.gather(*(ask(camera) for camera in wanted))
            for camera in [camera for camera in self._mounts if camera not in wanted]:
                await self._end(self._mounts.pop(camera))
            until = self._now() + self._settings.times.aim_every_s
            while self._now() < until and [camera for camera, one in self._cameras().items() if steers(one)] == wanted:
                await asyncio.sleep(min(1.0, self._settings.times.aim_every_s))

    async def _end(self, mount: _Mount) -> None:
        """End a movement under way, and let the device go."""
        watch, mount.watch = mount.watch, None
        if watch is not None and watch is not asyncio.current_task():
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if mount.device is not None and any(mount.speed):
            with contextlib.suppress(ChaukasError):
                await mount.device.stop(mount.profile)
        mount.speed = (0.0, 0.0, 0.0)
        await self._leave(mount)

    @staticmethod
    async def _leave(mount: _Mount) -> None:
        device, mount.device = mount.device, None
        if device is not None:
            await device.close()
