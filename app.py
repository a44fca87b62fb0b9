"""The app as one ASGI application: the screens, the map's addresses, and a policy that keeps browsers on this host.

`streamlit run app.py`, `uvicorn app:app` and `chaukas app` all serve it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from planning.city import ROOT
from planning.errors import ChaukasError
from screens import library, mapdata, operate_routes
from screens.control import control
from screens.middleware import PackStatic, StayHome
from screens.routes import routes


def _warm() -> None:
    """Load the first city and pack its layers, so that the first visitor need not wait for it."""
    # A broken city is told to whoever opens it; the others must still be served.
    with contextlib.suppress(ChaukasError):
        for name in library.cities()[:1]:
            city = library.city(name)
            for layer in ("roads", "buildings", "wards", "cameras"):
                mapdata.city_layer(city, layer)
            for file in library.plan_files(city)[:4]:
                library.plan_line(city, file.id)


@contextlib.asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    threading.Thread(target=_warm, daemon=True).start()
    async with control().running():
        yield {}


app = st.App(
    ROOT / "screens" / "main.py", routes=[*routes(), *operate_routes.routes()], middleware=[Middleware(StayHome), Middleware(PackStatic)],
    lifespan=_lifespan,
)  # fmt: skip
