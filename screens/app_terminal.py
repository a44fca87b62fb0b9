"""The app from a terminal: where it may be opened, and the handing over to the server."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import sys

from planning.city import ROOT
from planning.errors import InputError

APP_SCRIPT = str(ROOT / "app.py")
HERE = "127.0.0.1"

Commands = argparse._SubParsersAction  # the object that add_subparsers gives


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Register `app`."""
    app = commands.add_parser("app", help="open the map app")
    app.add_argument("--port", type=int, default=8501, help="its port (default 8501)")
    app.add_argument("--address", default=HERE, help="the address it listens on (default 127.0.0.1: this machine alone)")
    app.add_argument("--cert", metavar="FILE", help="a certificate, to be opened by https; needs --key")
    app.add_argument("--key", metavar="FILE", help="the certificate's key")
    app.set_defaults(run=_app)


def _app(options: argparse.Namespace) -> int:
    """Hand this process over to the server, so that a signal reaches it directly."""
    from planning.accounts import anybody
    from planning.store import open_store

    if bool(options.cert) != bool(options.key):
        raise InputError.one("app.cert", "A certificate and its key belong together", "Give both --cert and --key, or neither")
    _require_free(options.address, options.port)
    store = open_store()
    if not is_loopback(options.address) and not anybody(store):
        what = "No account has a password, so that whoever comes first would rule"
        raise InputError.one("app.open", what, "Run chaukas app without --address, open the link it prints and set a password", options.address)
    scheme = "https" if options.cert else "http"
    print(f"Chaukas: {scheme}://{f'[{options.address}]' if ':' in options.address else options.address}:{options.port}", flush=True)
    if not options.cert and not is_loopback(options.address):
        print("Passwords cross the network in the clear: give --cert and --key, or put a server that speaks https in front", file=sys.stderr)
    settings = [f"--server.address={options.address}", f"--server.port={options.port}", "--server.headless=true", "--browser.gatherUsageStats=false"]
    if options.cert:
        settings += [f"--server.sslCertFile={options.cert}", f"--server.sslKeyFile={options.key}"]
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", APP_SCRIPT, *settings])  # noqa: S606  # nosec B606  # our own words, no shell


def is_loopback(address: str | None) -> bool:
    """Whether an address can be reached from this machine alone; a name counts only if it is localhost."""
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return address == "localhost"


def _require_free(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        # A port whose last server just stopped is free for the next one, though its old connections still fade.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError) as error:
            raise InputError.one("app.port", f"The port cannot be used: {error}", "Choose another with --port", f"{address} {port}") from None
