"""Deployments from a terminal: `live deploy`, `live list`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    shown = commands.add_parser("list", help="print a city's deployed cameras")
    shown.add_argument("city", help="a city's name")
    shown.set_defaults(run=_list)


def _city(name: str) -> City:
    from screens.terminal import open_city

    return open_city(name)


def _deploy(options: argparse.Namespace) -> int:
    from planning.deploy import deploy, keep_aside, read_deployments
    from planning.errors import InputError
    from planning.export import read_plan
    from planning.register import FolderRegister
    from screens.terminal import read_mapping

    city, register = _city(options.city), FolderRegister()
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


def _list(options: argparse.Namespace) -> int:
    from planning.city import find_city
    from planning.register import FolderRegister

    find_city(options.city)
    for one in FolderRegister().list(options.city):
        aim = "?" if one.bearing_deg is None else f"{one.bearing_deg:.0f}"
        print("\t".join((one.id, one.title, f"{one.lat:.6f},{one.lon:.6f}", aim, one.model, one.feed.kind, one.contractor)))
    return 0
