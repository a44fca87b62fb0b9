"""ONVIF devices asked and steered: the one door to onvif-zeep-async.

    judged address -> time of the device -> services -> information, profiles, streams; where it looks, movements, presets

Schemas come with the library, so nothing is fetched for them. Each message goes to the judged address itself and follows no redirect; every address
the device tells (services, streams, pictures) is judged again and must be the device's own, since the password's digest goes there. Answers are
bounded in time and size. No error of the libraries passes this door: they may hold what must not be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from live.addresses import Place, Resolver, place_of, resolve
from live.onvif_line import Line, bare, finite, lacks, offline, password_refused, position, refuses_password, service_address
from live.secrets import Credentials
from live.settings import Settings
from live.soap import unreadable, word
from planning.errors import FeedError

_DEGREES = "SphericalPositionSpaceDegrees"  # a space whose positions are degrees; in all others the whole of a circle is told as -1 to 1


@dataclass(frozen=True)
class About:
    """What a device says of itself."""

    maker: str
    model: str
    firmware: str
    serial: str
    hardware: str


@dataclass(frozen=True)
class Profile:
    """One stream a device offers: its codec as the device names it, size [px], frames a second; addresses without credentials, empty where there is
    none; `ptz`: whether the camera can be steered through it.
    """

    token: str
    name: str
    codec: str
    width: int
    height: int
    fps: float
    stream: str
    snapshot: str
    ptz: bool


@dataclass(frozen=True)
class Aim:
    """Where a camera looks: pan clockwise and tilt upwards of its zero [deg], zoom from 0 (widest) to 1; whether it is moving, as it says itself."""

    pan_deg: float
    tilt_deg: float
    zoom: float
    moving: bool = False


@dataclass(frozen=True)
class Preset:
    """A place a camera was told to keep."""

    token: str
    name: str


@lru_cache(maxsize=1)
def _library() -> Any:
    """The library, read when it is first needed; the logging it sets up for the whole process is taken back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    import onvif.client

    root.handlers[:] = handlers
    root.setLevel(level)
    # Their notes of what goes over the line hold digests.
    for name in ("onvif", "zeep"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return onvif.client


def _made(library: Any, name: str, url: str, credentials: Credentials | None = None, offset: dt.timedelta | None = None) -> Any:
    """A service of the library's, to be set up."""
    known = library.SERVICES[name]
    binding = f"{{{known['ns']}}}{known['binding']}"
    wsdl = str(Path(library.__file__).parent / "wsdl" / known["wsdl"])
    user, password = (credentials.user, credentials.password) if credentials is not None else (None, None)
    return library.ONVIFService(url, user, password, wsdl, no_cache=True, dt_diff=offset, binding_name=binding)


_loaded: set[str] = set()


async def _ready() -> Any:
    """The library with its schemas read: its own work, for which no device shall wait."""
    library = await asyncio.to_thread(_library)
    for name in ("devicemgmt", "media", "ptz"):
        if name not in _loaded:
            service = _made(library, name, "http://127.0.0.1/")
            await service.setup()
            await service.close()
            _loaded.add(name)
    return library


class Device:
    """A device that was reached. Made by `connect`."""

    def __init__(self, place: Place, url: str, credentials: Credentials | None, settings: Settings) -> None:
        self._place, self._url, self._credentials, self._settings = place, url, credentials, settings
        self._addresses: dict[str, str] = {}
        self._services: dict[str, Any] = {}
        self._offset: dt.timedelta | None = None
        self._session: Any = None
        self._zooms = True

    def __repr__(self) -> str:
        return f"Device({self._place.host!r})"

    async def close(self) -> None:
        """Let go of it."""
        services, self._services = self._services, {}
        for service in services.values():
            await service.close()
        if self._session is not None:
            await self._session.close()

    @property
    def clock_off_s(self) -> float:
        """How far the device's clock is ahead of this machine's [s]; 0 where it does not tell."""
        return self._offset.total_seconds() if self._offset is not None else 0.0

    @property
    def steers(self) -> bool:
        """Whether it has a service to be steered by."""
        return "ptz" in self._addresses

    async def begin(self) -> None:
        """Reach the device: its clock, then its services. Raises FeedError."""
        library = await _ready()
        async with self._plain("GetServices"):
            times = self._settings.times
            aiohttp = library.aiohttp
            asks = self._credentials
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=4), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=times.open_s + times.read_s, connect=times.open_s, sock_read=times.read_s),
                middlewares=(library.DigestAuthMiddleware(asks.user, asks.password),) if asks is not None else (),
            )  # fmt: skip
            self._addresses = {"devicemgmt": self._url}
            await self._set_clock()
            self._addresses |= await self._find_services()

    async def about(self) -> About:
        """What the device says of itself. Raises FeedError."""
        async with self._plain("GetDeviceInformation"):
            said = await self._ask("devicemgmt", "GetDeviceInformation")
            return About(*(word(said[name]) for name in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")))

    async def profiles(self) -> tuple[Profile, ...]:
        """The streams it offers, as many as are listed at most. Raises FeedError; `onvif.elsewhere` where one lies on another host."""
        async with self._plain("GetProfiles"):
            return tuple([await self._profile(one) for one in self._rows(await self._ask("media", "GetProfiles"))])

    async def steered(self) -> str:
        """The token of the first profile the camera can be steered through. Raises FeedError, `onvif.lacks` where there is none."""
        async with self._plain("GetProfiles"):
            if self.steers:
                for one in self._rows(await self._ask("media", "GetProfiles")):
                    if one.PTZConfiguration is not None:
                        return str(one.token)
            raise lacks("ptz", self._place.host)

    async def aim(self, profile: str) -> Aim:
        """Where the camera looks. Raises FeedError, `onvif.position` where it does not tell."""
        async with self._plain("GetStatus"):
            try:
                said = await self._ask("ptz", "GetStatus", ProfileToken=profile)
            except _library().zeep.exceptions.Fault as refused:
                if refuses_password(refused):
                    raise
                said = None
            if said is None or said.Position is None or said.Position.PanTilt is None:
                what, way_out = "The device does not tell where it looks", "Steer it by its picture"
                raise FeedError.one("onvif.position", what, way_out, self._place.host)
            seen, zoom = said.Position.PanTilt, said.Position.Zoom
            self._zooms = zoom is not None
            turn = 1.0 if str(seen.space or "").endswith(_DEGREES) else 180.0
            moving = said.MoveStatus is not None and "MOVING" in {str(said.MoveStatus.PanTilt), str(said.MoveStatus.Zoom)}
            up = 1.0 if turn == 1.0 else 90.0
            return Aim(finite(seen.x) * turn, finite(seen.y) * up, finite(zoom.x) if zoom is not None else 0.0, moving)

    async def move(self, profile: str, pan: float, tilt: float, zoom: float, *, seconds: float) -> None:
        """Begin to move, each axis at a share of full speed from -1 to 1 (right, up and in are positive), for so long at most. Raises FeedError."""
        speed = {"PanTilt": {"x": pan, "y": tilt}, **({"Zoom": {"x": zoom}} if self._zooms else {})}
        await self._steer("ContinuousMove", ProfileToken=profile, Velocity=speed, Timeout=dt.timedelta(seconds=seconds))

    async def step(self, profile: str, pan_deg: float, tilt_deg: float, zoom: float = 0.0) -> None:
        """Turn by so much [deg]; zoom by a share of its whole. Raises FeedError."""
        await self._steer("RelativeMove", ProfileToken=profile, Translation=self._position("Translation", pan_deg, tilt_deg, zoom))

    async def turn_to(self, profile: str, aim: Aim) -> None:
        """Turn to where an aim says. Raises FeedError."""
        await self._steer("AbsoluteMove", ProfileToken=profile, Position=self._position("Position", aim.pan_deg, aim.tilt_deg, aim.zoom))

    async def stop(self, profile: str) -> None:
        """Stand still. Raises FeedError."""
        await self._steer("Stop", ProfileToken=profile, PanTilt=True, Zoom=self._zooms)

    async def presets(self, profile: str) -> tuple[Preset, ...]:
        """The places the camera keeps. Raises FeedError."""
        async with self._plain("GetPresets"):
            rows = self._rows(await self._ask("ptz", "GetPresets", ProfileToken=profile))
            return tuple(Preset(str(one.token), word(one.Name) or word(one.token)) for one in rows if one.token)

    async def go(self, profile: str, preset: str) -> None:
        """Turn to a preset. Raises FeedError."""
        await self._steer("GotoPreset", ProfileToken=profile, PresetToken=preset)

    def _position(self, what: str, pan_deg: float, tilt_deg: float, zoom: float) -> dict[str, Any]:
        """A position or a translation, without the zoom of a camera that has none: some refuse the whole for it."""
        return {name: part for name, part in position(what, pan_deg, tilt_deg, zoom).items() if name != "Zoom" or self._zooms}

    async def _steer(self, operation: str, **said: Any) -> None:
        async with self._plain(operation):
            await self._ask("ptz", operation, **said)

    async def _profile(self, one: Any) -> Profile:
        video = one.VideoEncoderConfiguration
        size, rate = (video.Resolution, video.RateControl) if video is not None else (None, None)
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        stream = await self._ask("media", "GetStreamUri", StreamSetup=setup, ProfileToken=one.token)
        snapshot = ""
        # Many devices offer no single pictures.
        with contextlib.suppress(_library().zeep.exceptions.Fault):
            snapshot = self._own(str((await self._ask("media", "GetSnapshotUri", ProfileToken=one.token)).Uri or ""), {"http", "https"})
        return Profile(
            str(one.token), word(one.Name), word(video.Encoding) if video is not None else "", int(size.Width) if size is not None else 0,
            int(size.Height) if size is not None else 0, finite(rate.FrameRateLimit) if rate is not None else 0.0,
            self._own(str(stream.Uri), {"rtsp", "rtsps"}), snapshot, self.steers and one.PTZConfiguration is not None,
        )  # fmt: skip

    def _rows(self, said: Any) -> list[Any]:
        return list(said or ())[: self._settings.limits.device_rows]

    def _own(self, url: str, schemes: set[str]) -> str:
        """An address the device told, without credentials, judged to be its own; empty where it told none."""
        if not url:
            return ""
        plain = bare(url.strip())
        if urlsplit(plain).scheme not in schemes:
            raise unreadable(self._place.host)
        # Nobody's name server is asked for what a device says: it names itself as it was named, or by an address.
        place = place_of(plain, self._settings, lambda host, _: (str(self._place.address) if host == self._place.host else host,))
        if place.address != self._place.address:
            what, way_out = "The device names an address that is not its own", "Mend its network settings, or ask the device at that address"
            raise FeedError.one("onvif.elsewhere", what, way_out, self._place.host)
        return plain

    async def _set_clock(self) -> None:
        """Learn how far the device's clock is off: its own time stands in the proof of the password."""
        fault = _library().zeep.exceptions.Fault
        service = await self._service("devicemgmt")
        try:
            said = (await service.ws_client_authless.GetSystemDateAndTime()).UTCDateTime
            day, time = said.Date, said.Time
            there = dt.datetime(day.Year, day.Month, day.Day, time.Hour, time.Minute, min(time.Second, 59), tzinfo=dt.UTC)
        except (fault, AttributeError, TypeError, ValueError):
            return  # it does not tell; its clock is taken to be right
        self._offset = there - dt.datetime.now(dt.UTC)
        self._services.pop("devicemgmt")
        await service.close()

    async def _find_services(self) -> dict[str, str]:
        """Addresses of the services for pictures and for steering, each judged."""
        library = _library()
        names = {library.SERVICES[name]["ns"]: name for name in ("media", "ptz")}
        told: dict[str, str] = {}
        try:
            for one in self._rows(await self._ask("devicemgmt", "GetServices", IncludeCapability=False)):
                if one.Namespace in names:
                    told[names[one.Namespace]] = str(one.XAddr)
        except library.zeep.exceptions.Fault as refused:
            if refuses_password(refused):
                raise
        if "media" not in told:
            said = await self._ask("devicemgmt", "GetCapabilities", Category="All")
            for name, group in (("media", said.Media), ("ptz", said.PTZ)):
                if group is not None and group.XAddr:
                    told[name] = str(group.XAddr)
        return {name: self._own(url, {"http", "https"}) for name, url in told.items() if url}

    async def _service(self, name: str) -> Any:
        if name not in self._services:
            library = _library()
            if name not in self._addresses:
                raise lacks(name, self._place.host)
            made = _made(library, name, self._addresses[name], self._credentials, self._offset)
            made.transport = Line(self._session, self._place, self._settings)
            self._services[name] = made
            await made.setup()
        return self._services[name]

    async def _ask(self, name: str, operation: str, **said: Any) -> Any:
        service = await self._service(name)
        client = service.ws_client if self._credentials is not None else service.ws_client_authless
        return await client[operation](**said)

    @contextlib.asynccontextmanager
    async def _plain(self, operation: str) -> AsyncIterator[None]:
        """A whole answer within its time, and every error of others turned into ours by its kind alone."""
        host = self._place.host
        try:
            async with asyncio.timeout(self._settings.times.device_s):
                yield
            return
        except FeedError:
            raise
        except TimeoutError as error:
            reached = not isinstance(error, _library().aiohttp.ConnectionTimeoutError)
            made = FeedError.one("feed.stalled", "The camera has stopped sending", "Try again later", host) if reached else offline(host)
        except Exception as error:  # noqa: BLE001 - whatever a device's answer breaks, its kind is told and not its words
            made = _ours(error, operation, host)
        raise made from None


def _ours(error: Exception, operation: str, host: str) -> FeedError:
    library = _library()
    if isinstance(error, library.zeep.exceptions.Fault):
        if refuses_password(error):
            return password_refused(host)
        return FeedError.one("onvif.fault", "The device refuses this", "Check what it can do, and its user's rights", f"{host}: {operation}")
    unreached = (library.aiohttp.ClientConnectionError, OSError)
    if isinstance(error, unreached) and not isinstance(error, library.aiohttp.ClientPayloadError):
        return offline(host)
    return unreadable(host)


async def connect(url: str, credentials: Credentials | None, settings: Settings, resolver: Resolver = resolve) -> Device:
    """The device at an address, reached and ready to be asked; to be closed afterwards.

    Parameters
    ----------
    url: http, https or onvif.
    credentials: None where the device asks for none.

    Raises
    ------
    FeedError: as `live.addresses.place_of`; `feed.offline`, `feed.stalled`, `feed.password`, `feed.redirect`, `onvif.answer`, `onvif.fault`,
    `onvif.elsewhere`.
    """
    address = service_address(url)
    if urlsplit(address).scheme not in {"http", "https"}:
        raise FeedError.one("address.scheme", "A device is asked by onvif, http or https only", "Mend the address", urlsplit(address).scheme)
    place = await asyncio.to_thread(place_of, address, settings, resolver)
    device = Device(place, address, credentials, settings)
    try:
        await device.begin()
    except BaseException:
        await device.close()
        raise
    return device


@contextlib.asynccontextmanager
async def device(url: str, credentials: Credentials | None, settings: Settings, resolver: Resolver = resolve) -> AsyncIterator[Device]:
    """A device for as long as the block lasts. Raises FeedError as `connect`."""
    made = await connect(url, credentials, settings, resolver)
    try:
        yield made
    finally:
        await made.close()
