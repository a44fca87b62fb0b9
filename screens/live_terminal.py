"""Live video from a terminal: what a camera's address gives, devices searched for, and simulated cameras for a city."""

from __future__ import annotations

import argparse
import csv
import getpass
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from screens import onvif_terminal

_KINDS = {"onvif": "onvif", "rtsp": "rtsp", "rtsps": "rtsp", "http": "snapshot", "https": "snapshot", "file": "file"}
_HEADERS = ("camera id", "name", "lat", "lon", "direction", "type", "model", "height", "hfov", "feed url", "feed kind", "contractor", "onvif")
_MOST_PTZ = 2


def add(commands: Any) -> Any:
    """Add `live` with its commands; what further commands of it are added to."""
    live = commands.add_parser("live", help="live video: probe a camera's address, simulate cameras").add_subparsers(
        required=True, metavar="LIVE-COMMAND"
    )
    probe = live.add_parser("probe", help="open a camera's address once and tell what it gives")
    probe.add_argument("url", help="onvif, rtsp, rtsps, http, https, or file with --demo; without name and password")
    probe.add_argument("--user", default="", help="the camera's user; the password is asked for, or read from a pipe")
    probe.add_argument("--kind", choices=("rtsp", "mjpeg", "snapshot", "file", "onvif"), help="how its pictures are had (default: by the address)")
    probe.add_argument("--seconds", type=float, default=3.0, help="how long to look (default 3)")
    probe.add_argument("--demo", action="store_true", help="allow this machine's own addresses, and files")
    probe.set_defaults(run=_probe)
    onvif_terminal.add(live)
    demo = live.add_parser("demo", help="simulate a city's cameras over RTSP until stopped")
    demo.add_argument("city", help="a city's name or folder")
    demo.add_argument("--count", type=int, default=16, help="how many cameras (default 16)")
    demo.add_argument("--port", type=int, default=8554, help="port on 127.0.0.1 (default 8554)")
    demo.add_argument("--out", default="", help="the table of cameras to write (default: live-demo.csv in the city's folder)")
    demo.set_defaults(run=_demo)
    return live


def read_password() -> str:
    """A password typed without showing it, or the first line of a pipe: never a word of the command, which others on the machine can read."""
    return getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _probe(options: argparse.Namespace) -> int:
    from live.addresses import file_of, place_of
    from live.feeds import FeedOpener
    from live.secrets import Credentials
    from live.settings import load_settings
    from planning.deployed import Feed

    settings = load_settings()
    settings = settings.for_demo() if options.demo else settings
    kind = options.kind or _KINDS.get(options.url.partition(":")[0], "rtsp")
    if kind == "onvif":
        credentials = Credentials(options.user, read_password()) if options.user else None
        return onvif_terminal.probe_device(options.url, credentials, settings)
    feed = Feed(kind, options.url)
    if feed.kind == "file":
        file_of(feed.url, settings)
        print("address        allowed: a file, for demonstrations")
    else:
        place = place_of(feed.url, settings)
        print(f"address        allowed: {place.host} is {place.address}, port {place.port}")
    credentials = Credentials(options.user, read_password()) if options.user else None
    began = time.monotonic()
    source = FeedOpener(settings)(feed, credentials)
    print(f"opened         in {time.monotonic() - began:.2f} s")
    try:
        _look(source, began, options.seconds)
    finally:
        source.close()
    return 0


def _look(source: Any, began: float, seconds: float) -> None:
    from live.feeds import HEADER, Frame
    from live.nal import Config

    frames, size, first, stamps = 0, 0, 0.0, list[int]()
    until = time.monotonic() + seconds
    for heard in source:
        if isinstance(heard, Config):
            print(f"codec          {heard.codec} ({heard.string}), {heard.width} x {heard.height} px")
            if heard.codec == "h265":
                print("               not every browser plays H.265; those that cannot get single pictures")
        elif isinstance(heard, Frame):
            frames, size = frames + 1, size + len(heard.data)
            stamps.append(HEADER.unpack_from(heard.message)[4])
            if heard.key and not first:
                first = time.monotonic()
                print(f"first keyframe after {first - began:.2f} s")
        if time.monotonic() >= until:
            break
    spread = (max(stamps) - min(stamps)) / 1e6 if len(stamps) > 1 else 0.0
    rate = f"{(len(stamps) - 1) / spread:.1f} a second" if spread > 0 else "rate unknown"
    print(f"frames         {frames} in {seconds:g} s, {rate}, {size * 8 / max(spread, 0.1) / 1e6:.2f} Mbit/s" if frames else "frames         none")


def _demo(options: argparse.Namespace) -> int:
    from live.simulated import Cameras, has_gstreamer
    from live.simulated_onvif import OnvifDevice
    from planning.deploy import as_id
    from planning.errors import InputError
    from planning.files import atomic_path
    from screens.terminal import open_city

    city = open_city(options.city)
    assert city.folder is not None
    standing = city["cameras"].to_crs(4326).iloc[: max(0, options.count)]
    if not len(standing):
        raise InputError.one("live.none", "The city has no camera to simulate", "Import its cameras, or raise --count", options.count)
    names = [as_id(f"live-{name}") for name in standing.index]
    target = Path(options.out) if options.out else city.folder / "live-demo.csv"
    with tempfile.TemporaryDirectory() as folder:
        cameras = Cameras(Path(folder), names, options.port)
        heads: dict[str, OnvifDevice] = {}
        try:
            for name in [name for name, kind in zip(names, standing["kind"], strict=True) if kind == "ptz"][:_MOST_PTZ]:
                heads[name] = OnvifDevice({"main": cameras.urls[name]}, options.port + 1 + len(heads), name=name, serial=name)
            with atomic_path(target) as scratch, scratch.open("w", encoding="utf-8-sig", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(_HEADERS)
                for name, row in zip(names, standing.itertuples(), strict=True):
                    place = (f"{row.geometry.y:.7f}", f"{row.geometry.x:.7f}")
                    told = (row.bearing_deg, row.kind, row.model, row.height_m, row.hfov_deg)
                    cells = ["" if cell is None or cell != cell else str(cell) for cell in told]  # noqa: PLR0124 - not a number differs from itself
                    onvif = heads[name].url if name in heads else ""
                    writer.writerow((name, row.junction or name, *place, *cells, cameras.urls[name], "rtsp", "simulated", onvif))
            how = "GStreamer's server" if has_gstreamer() else "a server in Python"
            print(f"{len(names)} simulated cameras by {how}: {cameras.urls[names[0]]} and on")
            if heads:
                print(f"{len(heads)} of them can be steered by ONVIF: " + ", ".join(f"{name} at {head.url}" for name, head in heads.items()))
            print(f"written to {target}. Stop with Ctrl-C.", flush=True)
            cameras.process.wait()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 0
        finally:
            cameras.stop()
            for head in heads.values():
                head.stop()
    raise InputError.one("simulated.start", "The simulated cameras have ended by themselves", "Choose another port", options.port)
