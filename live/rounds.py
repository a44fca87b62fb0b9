"""The round: every camera that is held open is looked at again and again, and what changed is written down.

    hub: is it there?   doctor: is what it shows any good?   ->  one state  ->  log of events, and the map
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from live.feeds import Clock, Frame, Picture, SystemClock, picture_of
from live.health import Doctor, HealthSettings, Verdict, health_settings
from live.hub import Hub
from live.log import EventLog
from live.pins import NEVER, SHOWING, Status
from live.references import References
from live.steering import steers
from live.uptime import Record
from live.watch import State
from planning.engine import StoreError
from planning.errors import ChaukasError, InputError

_TURN_S = 0.5
_WAIT_S = 2.0
_log = logging.getLogger("chaukas.live")


class Rounds:
    """Looks after the cameras of a hub.

    Parameters
    ----------
    log: where events are written. references: where it is kept how cameras shall look; for as long as the process lasts where None. Of a camera
        with a mask nothing is kept: what is looked at here is not masked.
    settings: of data/health.toml where None.
    """

    def __init__(
        self, hub: Hub, log: EventLog, settings: HealthSettings | None = None, clock: Clock | None = None, references: References | None = None
    ) -> None:  # fmt: skip
        self._references = references
        self._hub, self._log, self._clock = hub, log, clock or SystemClock()
        self._settings = settings or health_settings()
        self._doctors: dict[str, Doctor] = {}
        self._looked: dict[str, float] = {}
        self._told: dict[str, Status] = {}
        self._beat = float("-inf")
        self._now: dict[str, Status] = {}
        self._ever: dict[str, frozenset[str]] = {}
        self._clocks: dict[str, bool] = {}
        self._unwritten: dict[str, list[Record]] = {}

    def statuses(self) -> dict[str, Status]:
        """What was known of each camera half a second ago at most; may be asked in any thread."""
        return self._now

    def verdicts(self, camera: str) -> tuple[Verdict, ...]:
        """What was found at the last look at a camera; none before the first."""
        doctor = self._doctors.get(camera)
        return doctor.verdicts if doctor is not None else ()

    async def accept(self, camera: str, first: Callable[[], None] = lambda: None) -> bool:
        """Take how a camera looks now for how it shall look; False where it shows nothing. `first` is done before, in a thread; what it raises ends
        it.
        """
        found = await self._hub.keyframe(camera, _WAIT_S)
        picture = await asyncio.to_thread(picture_of, found[0], [found[1]]) if found is not None else None
        if picture is None:
            return False
        shown = picture

        def take() -> None:
            first()
            self._doctor(camera).accept(shown)
            self._keep(camera)

        await asyncio.to_thread(take)
        return True

    async def run(self) -> None:
        """Go round until cancelled. Looks take their time; what is known is kept up beside them."""

        async def again(work: Callable[[], Awaitable[None]]) -> None:
            while True:
                await work()
                await asyncio.sleep(_TURN_S)

        async with asyncio.TaskGroup() as group:
            group.create_task(again(self.look))
            group.create_task(again(self.write))

    async def look(self) -> None:
        """Look at every camera whose turn has come."""
        now = self._clock.now()
        for camera, state in self._hub.states().items():
            due = now - self._looked.get(camera, float("-inf")) >= self._settings.every_s
            if due and state.name == "live" and state.pulled:
                self._looked[camera] = now
                await self._look(camera)

    async def _look(self, camera: str) -> None:
        # A camera that was taken away meanwhile, or whose picture breaks off, is looked at next time.
        with contextlib.suppress(Exception):
            found = await self._hub.keyframe(camera, _WAIT_S)
            if found is None:
                return
            config, frame = found
            picture = await asyncio.to_thread(picture_of, config, [frame])
            if picture is not None:
                await asyncio.to_thread(self._judge, camera, picture, frame)

    def _judge(self, camera: str, picture: Picture, frame: Frame) -> None:
        self._doctor(camera).look(picture, frame.wall_s, frame.camera_s)
        self._keep(camera)

    def _doctor(self, camera: str) -> Doctor:
        """The camera's doctor, who knows from before a restart how it shall look and whether its clock was off."""
        found = self._doctors.get(camera)
        if found is None:
            city = self._city(camera)
            self._remember({city})
            kept = self._references.get(city, camera) if self._references is not None and not self._masked(camera) else None
            found = self._doctors.setdefault(camera, Doctor(self._settings, kept, clock_off=self._clocks.get(camera, False)))
        return found

    def _keep(self, camera: str) -> None:
        doctor = self._doctors[camera]
        if doctor.unkept and doctor.reference is not None and self._references is not None and not self._masked(camera):
            self._references.put(self._city(camera), camera, doctor.reference)
        doctor.unkept = False

    def _masked(self, camera: str) -> bool:
        deployment = self._hub.cameras().get(camera)
        return deployment is None or bool(deployment.feed.mask)

    def _status(self, camera: str, state: State) -> Status:
        """Hub and doctor together, with the moment the state began."""
        name, measure = state.name, state.code
        if name == "never_seen" and state.code and camera in self._ever.get(self._city(camera), ()):
            name = "offline"  # not since this process began, and yet it is one that worked
        doctor = self._doctors.get(camera)
        if name == "live" and doctor is not None and state.seen_s is not None:
            found, deployment = doctor.picture_state, self._hub.cameras().get(camera)
            turned = found == "moved" and deployment is not None and steers(deployment)  # its work, and no fault
            if found != "live" and not turned:
                name = found
                verdict = next((one for one in doctor.verdicts if one.kind == found), None)
                measure = f"{verdict.measure:.3g} {verdict.unit} against {verdict.threshold:g}" if verdict is not None else ""
        times = self._hub.settings.times
        good_s = times.stale_s + _TURN_S if state.pulled else 2 * times.look_every_s
        clock_s = doctor.skew_s if doctor is not None and doctor.clock_off and name in SHOWING else None
        return Status(name, self._since(camera, name, state), state.seen_s, good_s, measure, clock_s)

    def _city(self, camera: str) -> str:
        deployment = self._hub.cameras().get(camera)
        return deployment.city if deployment is not None else ""

    def _remember(self, cities: set[str]) -> None:
        """Which cameras ever showed something, and whose clocks were off, by the log; each city's log is asked for it once."""
        for city in cities - set(self._ever) - {""}:
            # Where the log cannot be read now it is asked again at the next turn; the watch goes on.
            with contextlib.suppress(ChaukasError):
                self._clocks |= self._log.clocks_off(city)
                self._ever[city] = self._log.showed(city)

    def _since(self, camera: str, name: str, state: State) -> float:
        """When the state began: as it was told, as the hub says, or now where the hub's own word is older than what was told last."""
        before = self._told.get(camera)
        if before is not None and before.state == name:
            return before.since_s
        hub_s_own = name == state.name and (before is None or state.since_s > before.since_s)
        return state.since_s if hub_s_own else self._clock.now()

    async def write(self) -> None:
        """Keep up what is known, and write down what has changed."""
        now = self._clock.now()
        at, deployments = datetime.fromtimestamp(now, UTC), self._hub.cameras()
        await asyncio.to_thread(self._remember, {one.city for one in deployments.values()})
        fresh: dict[str, list[Record]] = {}
        self._now = {camera: self._status(camera, state) for camera, state in self._hub.states().items()}
        for camera, status in self._now.items():
            before = self._told.get(camera, NEVER)
            changed = camera not in self._told or before.state != status.state
            if changed and status.state != "never_seen":
                since = datetime.fromtimestamp(status.since_s or now, UTC)
                record = Record("state", at, camera, status.state, since=since, measure=status.measure)
                fresh.setdefault(deployments[camera].city, []).append(record)
            self._told[camera] = status if status.since_s else replace(status, since_s=now)
            doctor = self._doctors.get(camera)
            if doctor is not None and doctor.clock_off != self._clocks.get(camera, False):
                self._clocks[camera] = doctor.clock_off
                record = Record("clock", at, camera, "off" if doctor.clock_off else "right", measure=f"{doctor.skew_s:+.0f} s")
                fresh.setdefault(deployments[camera].city, []).append(record)
        if now - self._beat >= self._settings.beat_s:
            self._beat = now
            for city in {one.city for one in deployments.values()}:
                fresh.setdefault(city, []).append(Record("watching", at))
        await asyncio.to_thread(self._append, fresh)

    def _append(self, fresh: Mapping[str, list[Record]]) -> None:
        """Write what is fresh, after what could not be written before; what cannot be written now is kept for the next turn."""
        for city, records in fresh.items():
            self._unwritten.setdefault(city, []).extend(records)
        for city, records in list(self._unwritten.items()):
            try:
                self._log.append(city, *records)
            except StoreError as error:
                if len(records) == len(fresh.get(city, ())):
                    _log.warning("the log of %s is not written now, and will be: %s", city, error.code)
                continue
            except InputError as error:
                _log.warning("the log of %s is not written: %s", city, error.code)
            del self._unwritten[city]
