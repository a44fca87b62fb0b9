"""Commands that stand by themselves: each is named here, and what it stands on is loaded only when it runs."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(commands: Commands) -> None:
    """Name `floors`, `publish` and `unpublish`."""
    floors = commands.add_parser("floors", help="what a floor for every ward costs in rupees, at the coverage of a plan")
    _plan_of(floors)
    floors.add_argument("--floor", action="append", metavar="SHARE", help="a floor, 0.1 or 10%%; may be given again (default 5%%, 10%%, 15%%, 20%%)")
    floors.add_argument("--time", type=float, default=20.0, help="seconds each floor may take (default 20)")
    floors.set_defaults(run=_floors)
    publish = commands.add_parser("publish", help="let anyone read a plan, on its public page")
    unpublish = commands.add_parser("unpublish", help="take a published plan back")
    for parser, run in ((publish, _publish), (unpublish, _unpublish)):
        _plan_of(parser)
        parser.set_defaults(run=run)


def _plan_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", help="a .gpkg that `chaukas plan` wrote")
    parser.add_argument("--city", help="the city's name or folder, where it is not found by the plan's own name of it")


def _floors(options: argparse.Namespace) -> int:
    from screens.answers import floors

    return floors(options)


def _publish(options: argparse.Namespace) -> int:
    from optimizer.verify import verify
    from planning.accounts import TERMINAL
    from planning.proposals import publish_file
    from planning.store import open_store
    from screens.public import public_url
    from screens.terminal import plan_and_city

    plan, city = plan_and_city(options)
    store = open_store()
    publish_file(store, TERMINAL, city, options.plan, verify)
    print(f"published: {public_url(city, plan.id)} of the app")
    return 0


def _unpublish(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL
    from planning.proposals import unpublish
    from planning.store import open_store
    from screens.library import address
    from screens.terminal import plan_and_city

    plan, city = plan_and_city(options)
    taken_back = unpublish(open_store(), TERMINAL, address(city), plan.id)
    print(f"plan {plan.id} {'is published no more' if taken_back else 'was not published'}")
    return 0
