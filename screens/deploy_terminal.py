"""Deployments from a terminal: `live deploy`, `live password`, `live list`, `live uptime`, `live maintain`."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from screens import evidence_terminal
from screens.live_terminal import read_password

if TYPE_CHECKING:
    from live.uptime import Uptime
    from planning.city import City


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to those of `live`."""
    take = commands.add_parser("deploy", help="take cameras that hang into the city's register, from a table or a plan")
    take.add_argument("city", help="a city's name")
    source = take.add_mutually_exclusive_group(required=True)
    source.add_argument("--from", dest="source", metavar="FILE", help="a table of cameras: .csv, .xlsx, .geojson, .gpkg …")
    source.add_argument("--plan", metavar="FILE", help="a .gpkg that `chaukas plan` wrote, each of its cameras as planned")
    take.add_argument("--camera", action="append", default=[], metavar="ID", help="of the plan, only this camera; may be given again")
    take.add_argument("--map", metavar="MEANING=COLUMN", action="append", default=[], help="say which column means what, such as feed=URL")
    take.set_defaults(run=_deploy)
    secret = commands.add_parser("password", help="seal a deployed camera's user and password, asked for or read from a pipe")
    secret.add_argument("city", help="a city's name")
    secret.add_argument("camera", help="id of a deployed camera")
    secret.add_argument("--user", required=True, help="the camera's user")
    secret.set_defaults(run=_password)
    shown = commands.add_parser("list", help="print a city's deployed cameras")
    shown.add_argument("city", help="a city's name")
    shown.set_defaults(run=_list)
    up = commands.add_parser("uptime", help="how much of a time the cameras worked, by contractor and camera")
    up.add_argument("city", help="a city's name")
    up.add_argument("--from", dest="since", required=True, metavar="TIME", help="begin of the time, by the local clock or with a zone: 2026-11-01")
    up.add_argument("--until", required=True, metavar="TIME", help="its end, not included")
    up.add_argument("--agreed", default="", help="share agreed on, as 98%% (default: that of data/health.toml)")
    up.add_argument("--most", type=int, default=20, help="how many cameras to print, the worst first (default 20)")
    up.set_defaults(run=_uptime)
    plan = commands.add_parser("maintain", help="write down a planned maintenance, which no uptime counts")
    plan.add_argument("city", help="a city's name")
    plan.add_argument("camera", nargs="+", help="ids of deployed cameras")
    plan.add_argument("--from", dest="since", required=True, metavar="TIME", help="begin, by the local clock or with a zone: 2026-11-20T22:00")
    plan.add_argument("--until", required=True, metavar="TIME", help="end")
    plan.add_argument("--by", required=True, help="who writes it down")
    plan.add_argument("--note", required=True, help="what is done")
    plan.set_defaults(run=_maintain)
    evidence_terminal.add(commands)


def _city(name: str) -> City:
    from screens.terminal import open_city

    return open_city(name)


def _deploy(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL
    from planning.deploy import deploy, keep_aside, read_deployments
    from planning.errors import InputError
    from planning.export import read_plan
    from planning.register import Register
    from screens.terminal import read_mapping

    city, register = _city(options.city), Register(by=TERMINAL.id)
    assert city.folder is not None
    if options.plan:
        plan = read_plan(options.plan)
        if plan.scenario.city not in {city.name, city.folder.name}:
            raise InputError.one("deployment.city", "The plan is another city's", "Give a plan of this city", plan.scenario.city)
        found = tuple(deploy(plan, camera) for camera in options.camera or [camera.id for camera in plan.cameras])
    else:
        if options.camera:
            raise InputError.one("deployment.options", "--camera names cameras of a plan", "Give --plan, or leave it away", ", ".join(options.camera))
        arrivals = read_deployments(options.source, city, mapping=read_mapping(options.map))
        found = arrivals.deployments
        for sentence in arrivals.told:
            print(sentence)
        for file, row, reason in arrivals.rejects[["file", "row", "reason"]].itertuples(index=False):
            print(f"  {file} row {row}: {reason}")
        aside = keep_aside(arrivals, city.folder)
        if aside is not None:
            print(f"rows kept aside: {aside}")
    register.put(*found)
    print(f"{len(found)} cameras deployed; {len(register.list(options.city))} in the register of {city.title}")
    return 0


def _password(options: argparse.Namespace) -> int:
    from live.secrets import Credentials, StoreVault, open_sealer
    from planning.accounts import TERMINAL
    from planning.city import find_city
    from planning.errors import InputError
    from planning.register import Register

    find_city(options.city)
    camera = next((one for one in Register().list(options.city) if one.id == options.camera), None)
    if camera is None:
        raise InputError.one("deployment.unknown", "No camera of this id is deployed", "See chaukas live list CITY", options.camera)
    sealed = open_sealer().seal(camera.id, Credentials(options.user, read_password()))
    StoreVault(by=TERMINAL.id).put(camera.id, sealed)
    print(f"sealed for {camera.id}; the camera is opened with it from its next try on")
    return 0


def _list(options: argparse.Namespace) -> int:
    from planning.city import find_city
    from planning.register import Register

    find_city(options.city)
    for one in Register().list(options.city):
        aim = "?" if one.bearing_deg is None else f"{one.bearing_deg:.0f}"
        print("\t".join((one.id, one.title, f"{one.lat:.6f},{one.lon:.6f}", aim, one.model, one.feed.kind, one.contractor)))
    return 0


def read_moment(text: str) -> datetime:
    """A moment as typed; without a zone it is of this machine's clock."""
    from planning.errors import InputError

    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise InputError.one("uptime.moment", "This time cannot be read", "Write 2026-11-20 or 2026-11-20T22:30", text) from None


def _uptime(options: argparse.Namespace) -> int:
    from live.log import EventLog
    from live.uptime import by_contractor, uptime
    from planning.city import find_city
    from planning.register import Register
    from screens.terminal import read_share

    find_city(options.city)
    since, until = read_moment(options.since), read_moment(options.until)
    hung = Register().list(options.city)
    agreed = read_share(options.agreed) if options.agreed else None
    cameras = [one.id for one in hung]
    found = uptime(EventLog().records(options.city, cameras, since, until), cameras, since, until, agreed=agreed)
    print(f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}; planned maintenance and time nobody watched are left out")
    print(f"{'contractor':30}  {'cameras':>7}  {'uptime':>8}  {'agreed':>8}  {'kept':4}  {'planned h':>10}  {'unwatched h':>11}")
    for one in by_contractor(found, hung):
        _print_uptime(one, one.name or "(none)", one.cameras)
    print()
    worst = sorted((one for one in found if one.share is not None), key=lambda one: (one.share or 0.0, one.name))
    for one in worst[: options.most]:
        _print_uptime(one, one.name, 1)
    silent = len(found) - len(worst)
    if silent:
        print(f"{silent} cameras have no record of this time")
    return 0


def _print_uptime(one: Uptime, name: str, cameras: int) -> None:
    share = "no record" if one.share is None else f"{100 * one.share:.2f} %"
    kept = {True: "yes", False: "no", None: ""}[one.kept]
    hours = f"{one.maintenance_s / 3600:10.1f}  {one.unwatched_s / 3600:11.1f}"
    print(f"{name[:30]:30}  {cameras:7}  {share:>9}  {100 * one.agreed:6.2f} %  {kept:4}  {hours}")


def _maintain(options: argparse.Namespace) -> int:
    from live.log import EventLog
    from live.uptime import Record
    from planning.accounts import TERMINAL
    from planning.city import find_city
    from planning.errors import Fault, InputError
    from planning.register import Register

    find_city(options.city)
    known = {one.id for one in Register().list(options.city)}
    strange = [camera for camera in options.camera if camera not in known]
    if strange:
        what, way_out = "No camera of this id is deployed", "See chaukas live list CITY"
        raise InputError([Fault("deployment.unknown", what, way_out, camera) for camera in strange])
    now, since, until = datetime.now().astimezone(), read_moment(options.since), read_moment(options.until)
    records = [Record("maintenance", now, camera, since=since, until=until, by=options.by, note=options.note) for camera in options.camera]
    EventLog(by=TERMINAL.id).append(options.city, *records)
    print(f"{len(records)} cameras under planned maintenance from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}")
    return 0
