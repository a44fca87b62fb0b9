"""ONVIF from a terminal: devices searched for, and what one of them offers."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live.onvif import Device, Profile
    from live.secrets import Credentials
    from live.settings import Settings


def add(live: Any) -> None:
    """Add `find` to the commands of `live`."""
    find = live.add_parser("find", help="search for cameras that speak ONVIF")
    find.add_argument("at", nargs="*", help="whom to ask: addresses with a port or without, networks as 10.1.2.0/24 (default: whoever hears it)")
    find.add_argument("--interface", default="", help="this machine's own address in the cameras' network, where it has several")
    find.add_argument("--seconds", type=float, default=3.0, help="how long to wait for answers (default 3)")
    find.add_argument("--demo", action="store_true", help="allow this machine's own addresses")
    find.set_defaults(run=_find)


def _find(options: argparse.Namespace) -> int:
    from live.discovery import find
    from live.settings import load_settings

    settings = load_settings()
    settings = settings.for_demo() if options.demo else settings
    devices = find(settings, at=options.at, interface=options.interface, seconds=min(60.0, max(0.1, options.seconds)))
    known = _deployed()
    for one in devices:
        known_as = "deployed as " + ", ".join(known[one.host]) if one.host in known else "new"
        print("\t".join((one.url, one.name or "(no name)", one.hardware, ", ".join(one.scopes), known_as)))
    print(f"{len(devices)} devices answered. What one offers: chaukas live probe onvif://ADDRESS --user NAME")
    return 0


def _deployed() -> dict[str, list[str]]:
    """Ids of deployed cameras by the hosts of their addresses, in every city."""
    from urllib.parse import urlsplit

    from planning.city import list_cities
    from planning.register import Register

    found: dict[str, list[str]] = {}
    for city in list_cities():
        for one in Register().list(city):
            for host in dict.fromkeys(urlsplit(url).hostname for url in (one.onvif, one.feed.url) if url):
                found.setdefault(host or "", []).append(one.id)
    return found


def probe_device(url: str, credentials: Credentials | None, settings: Settings) -> int:
    """Print what a device offers, and how it could be deployed. Raises FeedError as `live.onvif.connect`."""
    from live.onvif import device

    async def ask() -> None:
        async with device(url, credentials, settings) as found:
            await _tell(found, url)

    asyncio.run(ask())
    return 0


async def _tell(found: Device, url: str) -> None:
    from live.onvif_line import service_address

    about, profiles = await found.about(), await found.profiles()
    print(f"device         {about.maker} {about.model}, firmware {about.firmware}, serial {about.serial}, hardware {about.hardware}")
    print(f"clock          {found.clock_off_s:+.0f} s against this machine" + ("" if abs(found.clock_off_s) < 5 else ": set it right"))
    if any(one.ptz for one in profiles):
        token = await found.steered()
        aim, presets = await found.aim(token), await found.presets(token)
        print(f"steering       yes; pan {aim.pan_deg:.0f}°, tilt {aim.tilt_deg:.0f}°, zoom {aim.zoom:.2f}; {len(presets)} presets")
        for preset in presets:
            print(f"  preset       {preset.token}: {preset.name}")
    else:
        print("steering       no")
    for one in profiles:
        print(f"profile        {one.name or one.token}: {one.codec or 'no video'}, {one.width} x {one.height} px, {one.fps:g} a second")
        print(f"  stream       {one.stream or 'none'}")
        if one.snapshot:
            print(f"  picture      {one.snapshot}")
    best = max(profiles, key=_worth, default=None)
    if best is not None and (best.stream or best.snapshot):
        feed, kind = (best.stream, "rtsp") if best.stream else (best.snapshot, "snapshot")
        print(f"proposed       feed url {feed}, feed kind {kind}, onvif {service_address(url)}")
        if best.codec.upper() not in {"H264", "JPEG"}:
            print("               not every browser plays this codec; those that cannot get single pictures")


def _worth(profile: Profile) -> tuple[bool, bool, int]:
    """What makes a profile the one to propose: a stream, in the codec that every browser plays, with the most pixels."""
    return bool(profile.stream), profile.codec.upper() == "H264", profile.width * profile.height
