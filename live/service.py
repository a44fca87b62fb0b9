"""Live video as one thing an application mounts: `start(deployments, ...)`, then its `routes()` and, around the server, `running()`.

The watch is here as well: as many cameras as the settings allow are held open, so that a click shows them at once; the others are looked at in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.routing import BaseRoute

from live import routes, steering_routes
from live.feeds import Clock, FeedOpener, Opener, SystemClock
from live.hub import Hub
from live.routes import Audit, May
from live.secrets import Credentials, Sealer, Vault
from live.settings import Settings, load_settings
from live.steering import Steered, Steering
from live.tokens import Tokens
from planning.access import may
from planning.deployed import Deployment


class Service:
    """What runs. `hub`: every camera; `steering`: those that can be steered; `audit`, `may`: as they were given."""

    def __init__(self, hub: Hub, steering: Steering, tokens: Tokens, audit: Audit, may: May, clock: Clock) -> None:
        self.hub, self.steering, self.tokens, self.audit, self.may, self._clock = hub, steering, tokens, audit, may, clock

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.now()

    def routes(self) -> list[BaseRoute]:
        """The addresses to mount."""
        return [*routes.routes(self), *steering_routes.routes(self)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run in this event loop for as long as the block lasts."""
        async with self.hub.running(), self.steering.running():
            watching = asyncio.create_task(self._watch())
            try:
                yield
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching

    async def _watch(self) -> None:
        """Hold the first cameras open and look at the others in turn, for ever."""
        times, limits = self.hub.settings.times, self.hub.settings.limits
        gate = asyncio.Semaphore(limits.looks)

        async def look(camera: str) -> None:
            async with gate:
                # A camera that was taken away meanwhile is no fault.
                with contextlib.suppress(Exception):
                    await self.hub.looked(camera, times.open_s + times.read_s)

        while True:
            cameras = list(self.hub.cameras())
            with contextlib.ExitStack() as held:
                for camera in cameras[: limits.held_open]:
                    held.enter_context(self.hub.lease(camera))
                async with asyncio.TaskGroup() as group:
                    for camera in cameras[limits.held_open :]:
                        group.create_task(look(camera))
                until = self.now() + times.look_every_s
                while self.now() < until and list(self.hub.cameras()) == cameras:
                    await asyncio.sleep(min(1.0, times.look_every_s))


def start(
    deployments: Mapping[str, Deployment], *, audit: Audit, settings: Settings | None = None, demo: bool = False, vault: Vault | None = None,
    sealer: Callable[[], Sealer] | None = None, allowed: May = may, opener: Opener | None = None, clock: Clock | None = None,
    key: bytes | None = None, steered: Steered | None = None,
) -> Service:  # fmt: skip
    """A service over a city's deployments; `service.hub.set` changes them later.

    Parameters
    ----------
    audit: is told who looks at what, from when to when and why; called in a thread, may block; where it raises nobody looks.
    demo: whether simulated cameras on this machine, and files, may be opened.
    vault, sealer: where credentials are sealed, and who opens them; none where no camera needs any.
    allowed: who may do what with which camera.
    steered: is told of each movement before it begins: who, which camera, and what; where it raises nobody steers, nor where there is none.
    key: of the tokens; made anew where none is given, so that tokens end with the process.
    """
    rules, time = settings or load_settings(), clock or SystemClock()
    rules = rules.for_demo() if demo else rules

    def credentials(camera: str) -> Credentials | None:
        token = vault.get(camera) if vault is not None else None
        return sealer().open(camera, token) if token is not None and sealer is not None else None

    hub = Hub(opener or FeedOpener(rules, time), rules, credentials, time)
    hub.set(deployments)
    steering = Steering(hub.cameras, credentials, rules, steered, time.now)
    return Service(hub, steering, Tokens(rules.times.token_s, time.now, key), audit, allowed, time)
