"""What the command centre stands on, one for the whole app: register, log of events, cameras held open, and the round that looks after them.

Who may operate is asked here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import shapely

from coverage.who_saw import Ready, get_ready
from live.blindness import Blindness, Vision, blindness, look_around
from live.eyes import standing, turned
from live.log import EventLog
from live.pins import NEVER, Status, cones, state_now
from live.references import References
from live.repairs import Effort, efforts
from live.rounds import Rounds
from live.secrets import StoreVault, open_sealer
from live.service import Service, start
from live.steering import bearing_of
from planning.access import Actor, may
from planning.city import City
from planning.deployed import Deployment
from planning.errors import ChaukasError, Forbidden
from planning.register import Register
from planning.store import open_store
from screens import library
from screens.library import Shelf

DEMO = "CHAUKAS_LIVE_DEMO"  # set, cameras simulated on this machine may be opened
_REFRESH_S = 3.0


def may_operate(actor: Actor, action: str, camera: str | None = None) -> bool:
    """Whether someone may do this in the command centre; the one place where that is asked, after the gate has let the address pass."""
    return may(actor, action, camera)


def require_operate(actor: Actor, action: str) -> None:
    """Let pass only who may.

    Raises
    ------
    Forbidden: `access.forbidden`.
    """
    if not may_operate(actor, action):
        raise Forbidden.one("access.forbidden", "You have no right to do this", "Ask an operator", action)


@dataclass(frozen=True, eq=False)
class Scene:
    """A city's deployments with what answers about them stand on. `stamp`: another for other deployments or another city."""

    city: City
    deployments: tuple[Deployment, ...]
    stamp: str


class Control:
    """The command centre's own. `service`: live video; `rounds`: health."""

    def __init__(self, register: Register | None = None, log: EventLog | None = None, *, demo: bool = False) -> None:
        self.register, self.log = register or Register(), log or EventLog()
        self.service: Service = start(
            {}, audit=self._viewed, demo=demo, vault=StoreVault(), sealer=open_sealer, allowed=may_operate, steered=self._steered
        )
        self.rounds = Rounds(self.service.hub, self.log, references=References())
        self._ready: Shelf[Ready] = Shelf(2)
        self._visions: Shelf[Vision] = Shelf(2)
        self._blind: Shelf[Blindness] = Shelf(16)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch every city's cameras for as long as the block lasts."""
        self.service.hub.set(await asyncio.to_thread(self._everyone))
        async with self.service.running():
            tasks = [asyncio.create_task(self.rounds.run()), asyncio.create_task(self._refresh())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            self.service.hub.set(await asyncio.to_thread(self._everyone))

    def _everyone(self) -> dict[str, Deployment]:
        """The deployments of every city that have a feed, by id. A damaged register is told where its city is opened; it must not stop the others."""
        found: dict[str, Deployment] = {}
        for name in library.cities():
            with contextlib.suppress(ChaukasError):
                found |= {one.id: one for one in self.register.list(name) if one.feed.kind != "none"}
        return found

    def _viewed(self, actor: Actor, camera: str, began: float, ended: float | None, why: str) -> None:
        """A line of the audit for who looks at what and why, when it begins and when it ends; where it cannot be written nobody looks."""
        told = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in (("began", began), ("ended", ended)) if at is not None}
        with open_store().write(actor.id, "live.view", camera, {**told, "why": why}):
            pass

    def _steered(self, actor: Actor, camera: str, what: Mapping[str, object]) -> None:
        """A line of the audit for each movement, before it begins; where it cannot be written nobody steers."""
        with open_store().write(actor.id, "live.steer", camera, dict(what)):
            pass

    def aims(self, scene: Scene) -> dict[str, float]:
        """Where the cameras that can be steered look now [deg clockwise from north], those of which it is known."""
        seen = self.service.steering.seen()
        found = {one.id: bearing_of(one, seen[one.id].aim) for one in scene.deployments if one.id in seen}
        return {camera: bearing for camera, bearing in found.items() if bearing is not None}

    def turned(self, scene: Scene, camera: str, bearing_deg: float) -> dict[str, shapely.Geometry]:
        """What one camera sees when it is turned to a bearing, in its widest view; nothing where there is no such camera, or it reaches nothing."""
        ready = self.ready(scene)
        return cones(ready.walls, turned(ready.cameras, camera, bearing_deg))

    def scene(self, city: City) -> Scene:
        """A city with its deployments as they stand now."""
        deployments = self.register.list(library.address(city))
        digest = hashlib.sha256(repr((city.digest, deployments)).encode()).hexdigest()[:16]
        return Scene(city, deployments, digest)

    def statuses(self, scene: Scene) -> dict[str, Status]:
        """What is known of each of a city's cameras."""
        known = self.rounds.statuses()
        return {one.id: known.get(one.id, NEVER) for one in scene.deployments}

    def states(self, scene: Scene) -> dict[str, tuple[str, float]]:
        """The state of each of a city's cameras now, and since when [s since 1970]."""
        now = self.service.now()
        return {camera: state_now(status, now) for camera, status in self.statuses(scene).items()}

    def ready(self, scene: Scene) -> Ready:
        """What the question who sees a place stands on."""
        return self._ready.get(scene.stamp, lambda: get_ready(scene.city, standing(scene.city, scene.deployments)))

    def areas(self, scene: Scene) -> dict[str, shapely.Geometry]:
        """What each camera sees, as an area in the city's CRS."""
        ready = self.ready(scene)
        return cones(ready.walls, ready.cameras)

    def blind(self, scene: Scene, unit: str = "inr") -> tuple[Blindness, dict[str, Effort]]:
        """What the city does not see now, and what bringing back each camera that is down takes; one that never sent a picture was never counted
        on, and is none of them. `unit`: what the order of repairs is sparing with, `inr` or `hours`.
        """
        states = {camera: state for camera, (state, _) in self.states(scene).items()}
        takes = efforts(scene.deployments, states)
        down = tuple(sorted(takes.items()))

        def make() -> Blindness:
            vision = self._visions.get(scene.stamp, lambda: look_around(scene.city, scene.deployments, walls=self.ready(scene).walls))
            return blindness(vision, scene.city, list(takes), cost={camera: effort.by(unit) for camera, effort in down})

        return self._blind.get((scene.stamp, down, unit), make), takes


@lru_cache(maxsize=1)
def control() -> Control:
    """The app's control, made when it is first asked for."""
    return Control(demo=bool(os.environ.get(DEMO)))
