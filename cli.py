"""The same jobs from a terminal: cities (`city import|check|list|demo`), plans (`plan`, `verify`, `export`, `report`), questions about them
(`frontier`, `phases`, `why`, `floors`, `next`, `repair`, `witness`, `gaps`, `scores`, `backtest`), changes by hand (`amend`), who may do what and
what was done (`account`, `session`, `db`, `audit`, `backup`, `restore`), deployed cameras (`live`) and the `app`.

Exit status: 0 done; 1 refused or impossible, with every fault on its own line; 2 the command's words are off; 130 stopped by hand.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from planning.city import City, list_cities
from planning.errors import ChaukasError, CityError, Fault, Infeasible, InputError
from planning.money import say_rupees
from planning.nouns import Plan, Scenario
from screens import accounts_terminal, amend_terminal, app_terminal, committee_terminal, deploy_terminal, live_terminal, verbs
from screens.terminal import make_demo, open_city, plan_and_city, print_changes, print_plan, read_mapping, read_wish, teller


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ChaukasError as error:
        for fault in error.faults:
            print(f"chaukas: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chaukas: stopped; nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Whatever path was given, the system's own refusal of it is told as one of ours.
        fault = Fault("file.system", f"The system refused: {error.strerror}", "Check the path and your rights to it", str(error.filename or ""))
        print(f"chaukas: {fault}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaukas", description="Plans a city's camera network in the open.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_city(commands.add_parser("city", help="import, check and list cities"))
    _add_plan(commands.add_parser("plan", help="plan a city's cameras within a budget"))
    _add_questions(commands)
    verbs.add(commands)
    amend_terminal.add(commands)
    verify = commands.add_parser("verify", help="work a plan out again from raw geometry, another way")
    verify.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
    verify.add_argument("--city", help="the city's name or folder, where it is not found by the plan's own name of it")
    verify.set_defaults(run=_verify)
    export = commands.add_parser("export", help="write a plan in another form")
    export.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
    export.add_argument("out", help="a file ending in .gpkg, .xlsx, .dxf, .kml, .geojson, .csv, .osm or .html")
    export.add_argument("--city", help="the city's name or folder")
    export.add_argument("--lang", choices=("hi", "en"), default="hi", help="of a page: Hindi or English (default hi)")
    export.set_defaults(run=_export)
    report = commands.add_parser("report", help="write a plan's report as PDF")
    report.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
    report.add_argument("out", help="a file ending in .pdf")
    report.add_argument("--city", help="the city's name or folder")
    report.add_argument("--lang", choices=("hi", "en"), default="hi", help="Hindi or English (default hi)")
    report.set_defaults(run=_report)
    deploy_terminal.add(live_terminal.add(commands))
    app_terminal.add(commands)
    accounts_terminal.add(commands)
    committee_terminal.add(commands)
    return parser


def _add_city(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="CITY-COMMAND")
    take = commands.add_parser("import", help="make a city's folder from files")
    take.add_argument("name", help="small letters, digits and hyphens")
    streets = take.add_mutually_exclusive_group(required=True)
    streets.add_argument("--osm", metavar="FILE", help=".osm, .osm.xml, .osm.gz, .osm.bz2 or .osm.pbf")
    streets.add_argument("--place", metavar="NAME", help='a place to ask OpenStreetMap for (online), such as "Bilaspur, Chhattisgarh, India"')
    streets.add_argument("--roads", metavar="FILE", help="a vector file of street lines")
    take.add_argument("--crime", metavar="FILE", action="append", default=[], help="a table of incidents; may be given again")
    take.add_argument("--cameras", metavar="FILE", action="append", default=[], help="a table of existing cameras; may be given again")
    take.add_argument("--lamps", metavar="FILE", action="append", default=[], help="a vector file of lamps or poles; may be given again")
    take.add_argument("--wards", metavar="FILE", help="a polygon file of wards")
    take.add_argument("--zones", metavar="FILE", action="append", default=[], help="a polygon file of areas a committee drew; may be given again")
    take.add_argument("--terrain", metavar="FILE", help="a GeoTIFF of ground heights")
    take.add_argument("--crs", help="the city's CRS, projected and in metres (default: the UTM zone it lies in)")
    take.add_argument("--map", metavar="MEANING=COLUMN", action="append", default=[], help="say which column of the tables means what, such as lat=Y")
    take.add_argument("--title", default="", help="what the city is called")
    take.add_argument("--title-hi", default="", help="the same in Hindi")
    take.add_argument("--folder", help="where to write it (default: data/cities/NAME)")
    take.set_defaults(run=_city_import)
    check = commands.add_parser("check", help="print what is there, what was imputed, what is odd")
    check.add_argument("name", help="a city's name or folder")
    check.set_defaults(run=_city_check)
    commands.add_parser("list", help="print the cities there are").set_defaults(run=_city_list)
    commands.add_parser("demo", help="make the demo city, where it is not made yet").set_defaults(run=lambda _: make_demo())


def _add_wish(parser: argparse.ArgumentParser) -> None:
    """What a scenario says, but its budget's meaning."""
    parser.add_argument("--yearly", help="the most to be paid a year for upkeep, power and links")
    parser.add_argument("--models", default="", help="camera models of data/cameras.toml, with commas between")
    parser.add_argument("--level", default="observation", help="how finely: a level of data/levels.toml (default: observation)")
    parser.add_argument("--recipe", default="balanced", help="what is worth seeing: a recipe of data/recipes (default: balanced)")
    parser.add_argument("--spacing", type=float, default=10.0, help="metres between demand points along streets (default 10)")
    parser.add_argument("--heights", default="6", help="mount heights in metres, with commas between (default 6)")
    parser.add_argument("--per-site", type=int, default=3, help="most cameras at one site (default 3)")
    parser.add_argument("--ward-floor", default="0", help="least coverage of each ward: 0.2 or 20%%")
    parser.add_argument("--keep", action="append", default=[], metavar="CAMERA", help="a camera that must be in the plan; may be given again")
    parser.add_argument("--forbid", action="append", default=[], metavar="ID", help="a site or camera that must not; may be given again")
    parser.add_argument("--night", action="store_true", help="count only what the cameras reach by night")
    parser.add_argument(
        "--purpose", action="append", default=[], metavar="PLACE=PURPOSE",
        help="junctions=face, gateways=plate …: of data/purposes.toml; may be given again",
    )
    parser.add_argument("--second-view", default="0", help="what a second view is worth in priority zones: 0.5 or 50%% of the first (default 0)")
    parser.add_argument("--privacy", default="0", help="share of all weight that a kilometre of homes in view costs: 0.002 or 0.2%% (default 0)")
    parser.add_argument("--no-view", action="store_true", help="rule out cameras that see a no_view zone")
    parser.add_argument("--suggestions", default="0", metavar="PERCENT", help="share of all weight for people's accepted suggestions (default 0)")
    parser.add_argument("--movement", default="0", metavar="PERCENT", help="weight of likely routes out on which a plate is read (default 0)")
    parser.add_argument("--gap", type=float, default=0.005, help="stop when the plan is proven this close to the best (default 0.005)")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("city", nargs="+", help="a city's name or folder; of several the budget is shared out among them")
    parser.add_argument("--budget", required=True, help="capital: 20000000, 2,00,00,000, 2crore, 20 lakh, २ करोड़")
    parser.add_argument("--share", default="0", help="the share to cover, 0.6 or 60%%: the cheapest plan for it within the budget is found")
    _add_wish(parser)
    parser.add_argument("--time", type=float, default=45.0, help="seconds the optimizer may take (default 45)")
    parser.add_argument("--title", default="", help="what the plan is called")
    parser.add_argument(
        "--out", action="append", default=[],
        help="a file ending in .gpkg, .xlsx, .dxf, .kml, .geojson, .csv, .osm or .html; may be given again (default: the city's plans folder)",
    )
    parser.add_argument("--lang", choices=("hi", "en"), default="hi", help="of a page of one file: Hindi or English (default hi)")
    parser.add_argument("--if-none", action="store_true", help="do nothing where the city has a plan already")
    parser.add_argument(
        "--mend", action="store_true", help="where the rules cannot hold together, look for the least change of one rule that would let them"
    )
    parser.add_argument("--grid", action="store_true", help="lay the network to the command centre, and pay for it as one")
    parser.add_argument("--centre", default="", metavar="LAT,LON", help="the command centre (default: assumed, and told)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes here that plan several cities side by side (default 0: none)")
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="a Dask scheduler whose workers plan them: tcp://10.0.0.7:8786")
    parser.set_defaults(run=_plan)


def _later(name: str, module: str = "screens.answers") -> Callable[[argparse.Namespace], int]:
    """The command of that name, its module with all it stands on loaded only when it runs."""

    def run(options: argparse.Namespace) -> int:
        status: int = getattr(importlib.import_module(module), name)(options)
        return status

    return run


def _add_questions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What a committee asks before a plan, and about one."""
    curve = commands.add_parser("frontier", help="what each of many budgets buys")
    curve.add_argument("city", nargs=1, help="a city's name or folder")
    curve.add_argument("--budget", required=True, help="the largest capital to look at")
    curve.add_argument("--steps", type=int, default=20, help="how many budgets, in even steps (default 20)")
    curve.set_defaults(run=_later("frontier"))
    phases = commands.add_parser("phases", help="a network built in phases, each keeping the one before")
    phases.add_argument("city", nargs=1, help="a city's name or folder")
    phases.add_argument("--budget", required=True, help="capital of all phases together")
    phases.add_argument(
        "--phase", action="append", required=True, metavar="AMOUNT", help="capital spent by the end of an earlier phase; may be given again"
    )
    phases.add_argument("--every-floor", action="store_true", help="ask the ward floor of every phase, not of the last alone")
    phases.set_defaults(run=_later("phases"))
    for parser, seconds in ((curve, 120.0), (phases, 60.0)):
        _add_wish(parser)
        parser.add_argument("--time", type=float, default=seconds, help=f"seconds the optimizer may take in all (default {seconds:g})")
        parser.add_argument("--out", metavar="FILE", help="write the table there too, as .csv")
    why = commands.add_parser("why", help="why a plan is as it is: a camera's worth, the rules that bind, what floors cost")
    why.add_argument("--camera", action="append", default=[], metavar="ID", help="tell of this camera; may be given again")
    why.add_argument("--floors", action="store_true", help="tell what each ward's floor costs the rest")
    why.set_defaults(run=_later("why"))
    more = commands.add_parser("next", help="the best next cameras once a plan is built")
    more.add_argument("--budget", help="capital for them; with it the best plan for that money is told too")
    more.add_argument("--most", type=int, default=5, help="how many single cameras to tell of (default 5)")
    more.set_defaults(run=_later("next_cameras"))
    repair = commands.add_parser("repair", help="which dead cameras of a plan to bring back first")
    repair.add_argument("--dead", action="append", required=True, metavar="ID[=COST]", help="a camera that does not work; may be given again")
    repair.add_argument("--cost", default="5000", help="what bringing one back costs where not given (default 5000 rupees, an assumption)")
    repair.add_argument("--budget", required=True, help="money for repairs")
    repair.add_argument("--replace", action="store_true", help="new cameras may be bought instead")
    repair.set_defaults(run=_later("repair"))
    witness = commands.add_parser("witness", help="which cameras could have seen a place, and which see the ways out after")
    witness.add_argument("city", help="a city's name or folder")
    witness.add_argument("--at", required=True, metavar="LAT,LON", help="the place, in degrees")
    witness.add_argument("--when", required=True, metavar="TIME", help='day and time by the local clock, as "2026-11-20 22:30"')
    witness.add_argument("--plan", help="a .gpkg that `chaukas plan` wrote, whose cameras are asked too")
    witness.add_argument("--minutes", type=float, default=10.0, help="how long after to look along the ways out (default 10)")
    witness.add_argument("--most", type=int, default=12, help="how many rows of each table to print (default 12)")
    witness.set_defaults(run=_later("witness", "screens.looking"))
    gaps = commands.add_parser("gaps", help="what a plan leaves unseen: rasters, stretches of street, areas")
    gaps.add_argument("--out", required=True, metavar="FOLDER", help="where to write cameras.tif, px_per_m.tif and gaps.gpkg")
    gaps.add_argument("--cell", type=float, default=1.0, help="metres a cell of the rasters (default 1)")
    gaps.add_argument("--most", type=int, default=10, help="how many stretches to print (default 10)")
    gaps.set_defaults(run=_later("gaps", "screens.findings"))
    scores = commands.add_parser("scores", help="what a plan covers by road class, place, crime and hour, and how evenly")
    scores.set_defaults(run=_later("scores", "screens.findings"))
    judged = commands.add_parser("backtest", help="plan on the earlier incidents, judge on the later ones")
    judged.add_argument("city", nargs=1, help="a city's name or folder")
    judged.add_argument("--budget", required=True, help="capital of the plan")
    judged.add_argument("--number", type=int, help="as many cameras for everybody, in place of the same money")
    judged.add_argument("--split", default="70%", help="the share of incidents to learn from, by time (default 70%%)")
    judged.add_argument("--cut", metavar="DAY", help="the first day to judge on, in place of a share")
    judged.add_argument("--time", type=float, default=20.0, help="seconds each of up to five searches may take (default 20)")
    _add_wish(judged)
    judged.set_defaults(run=_later("judged", "screens.findings"), out=None)
    for parser in (why, more, repair, gaps, scores):
        parser.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
        parser.add_argument("--city", help="the city's name or folder, where it is not found by the plan's own name of it")


def _city_import(options: argparse.Namespace) -> int:
    from planning.checkup import check_city
    from planning.intake import import_city

    mapping = read_mapping(options.map)
    began = time.monotonic()
    city = import_city(
        options.name, osm=options.osm, place=options.place, roads=options.roads, crime=options.crime, cameras=options.cameras, wards=options.wards,
        zones=options.zones, lamps=options.lamps, terrain=options.terrain, crs=options.crs, mapping=mapping,
        title=options.title, title_hi=options.title_hi, folder=options.folder, progress=teller(),
    )  # fmt: skip
    for finding in check_city(city):
        print(finding)
    print(f"Imported {city.name} in {time.monotonic() - began:.1f} s: {city.folder}")
    return 0


def _city_check(options: argparse.Namespace) -> int:
    from planning.checkup import check_city

    for finding in check_city(open_city(options.name)):
        print(finding)
    return 0


def _city_list(_: argparse.Namespace) -> int:
    for name, folder in list_cities().items():
        print(f"{name}\t{folder}")
    return 0


def _plan(options: argparse.Namespace) -> int:
    from optimizer.joined import plan_with_grid
    from optimizer.plan import make_plan
    from screens.findings import print_grid, print_tested
    from screens.page import write_any
    from screens.words import words

    scenario = read_wish(options)
    if len(options.city) > 1:
        return _plan_region(options, scenario)
    city = open_city(options.city[0])
    scenario = dataclasses.replace(scenario, city=city.name)
    assert city.folder is not None
    plans = city.folder / "plans"
    if options.if_none and any(plans.glob("*.gpkg")):
        print(f"{city.title} has a plan: {next(plans.glob('*.gpkg'))}")
        return 0
    began = time.monotonic()
    try:
        joined = plan_with_grid(city, scenario, progress=teller()) if scenario.grid else None
        plan = joined.plan if joined is not None else make_plan(city, scenario, progress=teller())
    except Infeasible as error:
        if options.mend:
            print_changes(city, scenario, error)
        raise
    targets = [Path(name) for name in options.out] or [plans / f"{plan.id}.gpkg"]
    extra = {"grid": joined.grid.segments.replace([math.inf, -math.inf], math.nan)} if joined is not None else {}
    for target in targets:
        write_any(plan, city, target, said=words(options.lang), extra=extra)
    print_plan(plan, city)
    if joined is not None:
        print_grid(joined.grid, agreed=joined.agreed)
    print_tested(plan, city, targets)
    print(f"written to {', '.join(map(str, targets))} in {time.monotonic() - began:.1f} s")
    return 0


def _plan_region(options: argparse.Namespace, scenario: Scenario) -> int:
    """Several cities under one budget: a plan file for each, in its own plans folder."""
    from optimizer.region import Member, plan_region
    from planning.export import write_plan
    from planning.team import Crew

    if options.out or options.if_none or scenario.keep or scenario.forbid:
        what = "Each of several cities has its own plans folder and its own cameras"
        raise InputError.one("region.options", what, "Leave --out, --if-none, --keep and --forbid away", " ".join(options.city))
    crew = Crew(options.workers, options.scheduler)
    cities = [open_city(name) for name in options.city]
    members = [Member(str(city.folder), dataclasses.replace(scenario, city=city.name)) for city in cities]
    found = plan_region(members, scenario.budget_inr, crew=crew, progress=teller())
    for city, plan in zip(cities, found.plans, strict=True):
        assert city.folder is not None
        target = city.folder / "plans" / f"{plan.id}.gpkg"
        write_plan(plan, city, target)
        print_plan(plan, city)
        print(f"written to {target}\n")
    total = sum(float(plan.demand["weight"].sum()) for plan in found.plans)
    print(f"region         {len(cities)} cities, {100 * found.objective / total:.2f} % of all weight covered")
    bound = f"{100 * found.bound / total:.2f} % (gap {100 * found.gap:.2f} %)"
    print(f"certificate    no division of {say_rupees(scenario.budget_inr)} among them can exceed {bound}")
    print(f"runtime        {found.runtime_s:.1f} s")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from optimizer.verify import verify

    plan, city = plan_and_city(options)
    found = verify(plan, city)
    print(f"plan {plan.id} of {city.title} agrees with its city, worked out another way in {found.runtime_s:.1f} s")
    print(f"coverage       {100 * found.before:.2f} % before, {100 * found.after:.2f} % after (stated {100 * plan.scorecard.after:.2f} %)")
    print(f"capital        {say_rupees(found.cost_inr)} (stated {say_rupees(plan.cost_inr)})")
    print(f"yearly         {say_rupees(found.yearly_inr)} (stated {say_rupees(plan.yearly_inr)})")
    return 0


def _export(options: argparse.Namespace) -> int:
    from screens.page import write_any
    from screens.words import words

    plan, city = plan_and_city(options)
    _require_same(plan, city)
    write_any(plan, city, options.out, said=words(options.lang))
    print(f"written to {options.out}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from planning.report import write_report
    from planning.store import audit_head
    from screens.findings import reviews_of
    from screens.words import words

    plan, city = plan_and_city(options)
    _require_same(plan, city)
    said = words(options.lang)
    reviews = reviews_of(plan, city, options.plan)
    write_report(plan, city, options.out, words=said.catalogue, hindi=said.hindi, head=audit_head(), reviews=reviews, note=said.note)
    print(f"written to {options.out}")
    return 0


def _require_same(plan: Plan, city: City) -> None:
    if plan.city_digest != city.digest:
        raise CityError.one("export.city", "The plan was made for another state of the city", "Plan again", f"{plan.city_digest}, not {city.digest}")


if __name__ == "__main__":
    sys.exit(main())
