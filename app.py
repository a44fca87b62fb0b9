"""The app as one ASGI application: the gate, the screens, the map's addresses, and a policy that keeps browsers on this host.

While nobody has set a password, each start prints a link that lets the first administrator in once, and an address that other machines can reach is
refused.
`streamlit run app.py`, `uvicorn app:app` and `chaukas app` all serve it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from planning.accounts import first_link
from planning.city import ROOT
from planning.errors import ChaukasError, InputError
from planning.store import open_store
from screens import library, mapdata, oidc_doors, operate_routes, public, suggest_page
from screens.app_terminal import is_loopback
from screens.control import control
from screens.doors import gate_routes
from screens.gate import Gate
from screens.middleware import PackStatic, StayHome
from screens.routes import routes

_SCREENS = ("budget", "city", "plan", "compare", "fairness", "suggestions", "decisions", "operate", "wizard")
_TURN_S = 0.001  # after which a thread that draws a page lets others have a turn; Python's own 5 ms keep the server waiting


def _warm() -> None:
    """Load what pages are drawn with, and the first city with its layers, so that the first visitor need not wait for it."""
    for screen in _SCREENS:
        importlib.import_module(f"screens.{screen}")
    # Now and then Python looks through all there is for what is no longer needed: what is here to stay need not be looked through.
    gc.collect()
    gc.freeze()
    # A broken city is told to whoever opens it; the others must still be served.
    with contextlib.suppress(ChaukasError):
        for name in library.cities()[:1]:
            city = library.city(name)
            for layer in ("roads", "buildings", "wards", "cameras"):
                mapdata.city_layer(city, layer)
            for file in library.plan_files(city)[:4]:
                library.plan_line(city, file.id)


def _let_the_first_in() -> None:
    """Print the first administrator's link while nobody has a password.

    Raises
    ------
    InputError: Streamlit's own server was told to listen where others can reach it. Where other servers listen the gate sees at each request.
    """
    token = first_link(open_store())
    if token is None:
        return
    ours = getattr(st.config, "_server_mode", None) in {"starlette-app", "starlette-app-direct"}
    address = st.get_option("server.address")
    if ours and not is_loopback(address):
        what = "No account has a password, so that whoever comes first would rule"
        raise InputError.one("app.open", what, "Open the app on 127.0.0.1 first, follow the link it prints and set a password", address)
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    place = f"{scheme}://{address}:{st.get_option('server.port')}" if ours else "this server's address, then "
    sys.stdout.write(f"Chaukas: nobody has a password yet. Open this once, on this machine: {place}/link/{token}\n")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    _let_the_first_in()
    sys.setswitchinterval(_TURN_S)
    threading.Thread(target=_warm, daemon=True).start()
    async with control().running():
        yield {}


app = st.App(
    ROOT / "screens" / "main.py",
    routes=[*gate_routes(), *oidc_doors.routes(), *routes(), *public.routes(), *suggest_page.routes(), *operate_routes.routes()],
    middleware=[Middleware(StayHome), Middleware(Gate), Middleware(PackStatic)],
    lifespan=_lifespan,
)
