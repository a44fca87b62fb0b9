"""The committee from a terminal: `committee members`, `rules`, `propose`, `vote`, `close`, `status`, `money`, `works`.

Each command acts as the account given by --as, with that account's rights and no others, and the audit has that account. Whoever runs commands where
the database lies can name any account: keep that machine to those you trust.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from planning.errors import InputError
from planning.money import say_rupees

if TYPE_CHECKING:
    from planning.access import Actor
    from planning.store import Reading, Row, Store

Commands = argparse._SubParsersAction  # the object that add_subparsers gives
Run = Callable[[argparse.Namespace], int]


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    here = commands.add_parser("committee", help="members, rules, votes, money and work of a city's committee")
    inner = here.add_subparsers(required=True, metavar="COMMITTEE-COMMAND")
    seats = inner.add_parser("members", help="who sits in the committee").add_subparsers(required=True, metavar="MEMBERS-COMMAND")
    new = _acting(_command(seats, "add", "take a member in", _add_member))
    new.add_argument("name", help="the member's name")
    new.add_argument("--for", dest="constituency", required=True, metavar="KEY", help="a key of data/constituencies.toml")
    new.add_argument("--account", metavar="NAME", help="the account the member votes with; without one the member votes on paper")
    _command(seats, "list", "print the members", _list_members)
    rule = _acting(_command(inner, "rules", "print by which rules the committee decides, or set them", _rules), needed=False)
    rule.add_argument("--quorum", metavar="SHARE", help="the least share of active members whose votes are in, as 1/2 or 60%%")
    rule.add_argument("--majority", metavar="SHARE", help="the least share of yes among yes and no, from 1/2 to 1")
    told = "print whether people without an account may send suggestions, or open or close that"
    pins = _acting(_command(inner, "suggestions", told, _pins), needed=False)
    switch = pins.add_mutually_exclusive_group()
    switch.add_argument("--open", action="store_true", help="let everybody who reaches the app send suggestions, at /suggest")
    switch.add_argument("--close", action="store_true", help="let only people with an account send them")
    put = _acting(_command(inner, "propose", "check a plan once more and put it to the vote", _propose))
    put.add_argument("plan", help="the plan's id, or its .gpkg in the city's folder plans")
    put.add_argument("--text", default="", help="why this plan")
    cast = _acting(_command(inner, "vote", "vote, enter a paper, or confirm one", _vote))
    cast.add_argument("choice", help="yes, no or abstain")
    cast.add_argument("--plan", metavar="ID", help="the plan, where more than one is before the committee")
    cast.add_argument("--paper", metavar="MEMBER", help="enter this member's paper in place of a vote of one's own")
    cast.add_argument("--confirm", metavar="MEMBER", help="confirm this member's paper as the second person who read it")
    end = _acting(_command(inner, "close", "end the vote: the count says whether the plan is approved or sent back", _close))
    end.add_argument("--plan", metavar="ID", help="the plan, where more than one is before the committee")
    end.add_argument("--reason", default="", help="why it is sent back")
    _command(inner, "status", "print where each plan stands, with the count so far", _status)
    for name, told, run in (
        ("money", "print a plan's ledger, or enter payments of a file", _money),
        ("works", "print where a plan's sites stand, or enter steps of a file", _works),
    ):  # fmt: skip
        one = _acting(_command(inner, name, told, run), needed=False)
        one.add_argument("plan", help="the plan's id")
        one.add_argument("--file", help="a table (.csv, .xlsx) to enter")


def _command(parent: Commands[argparse.ArgumentParser], name: str, told: str, run: Run) -> argparse.ArgumentParser:
    made = parent.add_parser(name, help=told)
    made.add_argument("city", help="the city's name")
    made.set_defaults(run=run)
    return made


def _acting(parser: argparse.ArgumentParser, *, needed: bool = True) -> argparse.ArgumentParser:
    told = "the account that does it" if needed else "the account that changes something"
    parser.add_argument("--as", dest="acting", required=needed, metavar="NAME", help=told)
    return parser


def _begin(options: argparse.Namespace) -> tuple[Store, str]:
    """The store, and the name the city is found by."""
    from planning.city import find_city
    from planning.store import open_store

    return open_store(), find_city(options.city).name


def _actor(store: Store, name: str | None) -> Actor:
    """The actor of an open account.

    Raises
    ------
    InputError: `acting.account` where none is given, or it is closed; and as `find_account`.
    """
    from planning.accounts import find_account
    from planning.sessions import actor_of_account

    if not name:
        raise InputError.one("acting.account", "Nobody is named to act", "Give an account with --as NAME", "")
    row = find_account(store, name)
    if not row["active"]:
        raise InputError.one("acting.account", "This account is closed", "Give an open account", name)
    return actor_of_account(row)


def _add_member(options: argparse.Namespace) -> int:
    from planning.accounts import find_account
    from planning.committee import add_member

    store, city = _begin(options)
    account = str(find_account(store, options.account)["id"]) if options.account else None
    add_member(store, _actor(store, options.acting), city, options.name, options.constituency, account)
    print(f"{options.name} sits in the committee of {city}")
    return 0


def _list_members(options: argparse.Namespace) -> int:
    from planning.committee import members

    store, city = _begin(options)
    with store.read() as tx:
        accounts = {str(row["id"]): str(row["name"]) for row in tx.rows("accounts")}
        for row in members(tx, city):
            votes = accounts.get(str(row["account"]), "on paper")
            print(f"{row['name']}\t{row['constituency']}\t{votes}\t{'active' if row['active'] else 'rests'}")
    return 0


def _rules(options: argparse.Namespace) -> int:
    from planning.committee import read_part, rules, set_rules

    store, city = _begin(options)
    with store.read() as tx:
        by = rules(tx, city)
    if options.quorum or options.majority:
        quorum = read_part(options.quorum) if options.quorum else by.quorum
        majority = read_part(options.majority) if options.majority else by.majority
        set_rules(store, _actor(store, options.acting), city, quorum, majority)
        with store.read() as tx:
            by = rules(tx, city)
    print(f"quorum         {100 * by.quorum:.1f} % of the active members")
    print(f"majority       {100 * by.majority:.1f} % yes of yes and no, and more yes than no")
    print(f"set by         {'the committee' if by.own else 'nobody yet: these hold until the committee sets its own'}")
    return 0


def _pins(options: argparse.Namespace) -> int:
    from planning.suggestions import is_open, set_open

    store, city = _begin(options)
    if options.open or options.close:
        set_open(store, _actor(store, options.acting), city, options.open)
    print(f"suggestions of {city}: {'open to everybody, at /suggest/' + city if is_open(store, city) else 'of people with an account'}")
    with store.read() as tx:
        for state in ("waiting", "shown", "hidden"):
            print(f"{state:<8} {len(tx.rows('suggestions', city=city, state=state))}")
    return 0


def _propose(options: argparse.Namespace) -> int:
    from optimizer.verify import verify
    from planning.proposals import propose, register
    from screens.terminal import open_city

    store, name = _begin(options)
    city = open_city(name)
    assert city.folder is not None
    path = options.plan if options.plan.endswith(".gpkg") else city.folder / "plans" / f"{options.plan}.gpkg"
    actor = _actor(store, options.acting)
    print("checking the plan once more …", file=sys.stderr)
    plan = register(store, actor, city, path, verify)
    propose(store, actor, plan, options.text)
    print(f"plan {plan} is before the committee of {name}")
    return 0


def _open_one(tx: Reading, city: str, plan: str | None) -> Row:
    """The city's proposal that is open, of this plan where one is named.

    Raises
    ------
    InputError: `acting.proposal` where there is none, or more than one.
    """
    from planning.proposals import history

    found = [row for row in history(tx, city) if row["decision"] is None and plan in (None, row["plan_row"]["plan"], row["plan"])]
    if len(found) != 1:
        what = "No such plan is before the committee" if not found else "More than one plan is before the committee"
        way_out = "See: chaukas committee status" if not found else "Name one with --plan"
        raise InputError.one("acting.proposal", what, way_out, plan or ", ".join(str(row["plan_row"]["plan"]) for row in found))
    return dict(found[0])


def _vote(options: argparse.Namespace) -> int:
    from planning.ballots import cast, confirm_paper, enter_paper

    if options.paper and options.confirm:
        raise InputError.one("acting.both", "A paper is entered or confirmed, not both", "Leave one of them away", options.confirm)
    store, city = _begin(options)
    actor = _actor(store, options.acting)
    with store.read() as tx:
        proposal = str(_open_one(tx, city, options.plan)["id"])
        member = _member(tx, city, options.paper or options.confirm) if options.paper or options.confirm else ""
        vote = tx.one("votes", proposal=proposal, member=member) if options.confirm else None
    if options.paper:
        enter_paper(store, actor, proposal, member, options.choice)
        print(f"{options.paper}'s paper is entered; it counts once a second person has read it too")
    elif options.confirm:
        confirm_paper(store, actor, str(vote["id"]) if vote else "", options.choice)
        print(f"{options.confirm}'s paper counts")
    else:
        cast(store, actor, proposal, options.choice)
        print(f"{actor.name} votes {options.choice}")
    return 0


def _member(tx: Reading, city: str, name: str) -> str:
    """The id of a member by name.

    Raises
    ------
    InputError: `acting.member` where there is none, or several.
    """
    found = tx.rows("members", city=city, name=name)
    if len(found) != 1:
        raise InputError.one("acting.member", "No member, or more than one, has this name", "See: chaukas committee members list", name)
    return str(found[0]["id"])


def _close(options: argparse.Namespace) -> int:
    from planning.proposals import close

    store, city = _begin(options)
    with store.read() as tx:
        proposal = str(_open_one(tx, city, options.plan)["id"])
    decision = close(store, _actor(store, options.acting), proposal, options.reason)
    print(f"{decision['outcome'].replace('_', ' ')}: {_told(decision['count'])}")
    return 0


def _told(count: Any) -> str:
    return f"yes {count['yes']}, no {count['no']}, abstain {count['abstain']}, of {count['members']} members, {count['waiting']} papers not confirmed"


def _status(options: argparse.Namespace) -> int:
    from planning.ballots import count_of
    from planning.proposals import status_of

    store, city = _begin(options)
    with store.read() as tx:
        for plan in tx.rows("plans", order="created_at", city=city):
            status = status_of(tx, plan)
            more = status.reason
            if status.key == "proposed":
                count = count_of(tx, tx.get("proposals", status.proposal))
                more = f"{_told(count.told())}; quorum {count.needed}; {'carried' if count.carried else 'not carried'} as it stands"
            shown = "public" if plan["published_at"] and status.key != "superseded" else "not public"
            print(f"{plan['plan']}\t{status.key}\t{shown}\t{more}")
    return 0


def _plan_row(store: Store, city: str, plan: str) -> Row:
    """The latest row of a plan on record.

    Raises
    ------
    InputError: `acting.plan`.
    """
    with store.read() as tx:
        found = tx.rows("plans", order="created_at", city=city, plan=plan)
    if not found:
        raise InputError.one("acting.plan", "No such plan is on record", "Propose it first; see: chaukas committee status", plan)
    return found[-1]


def _money(options: argparse.Namespace) -> int:
    from planning.export import read_plan
    from planning.payments import budget_by_head, enter, ledger, payments_of, read_entries, total
    from planning.proposals import file_of

    store, city = _begin(options)
    row = _plan_row(store, city, options.plan)
    if options.file:
        entries, names, faults = read_entries(_rows_of(options.file))
        if faults:
            raise InputError(faults)
        enter(store, _actor(store, options.acting), str(row["id"]), entries, names=names)
        print(f"{len(entries)} entries are in the ledger")
    path = file_of(row)
    budget = budget_by_head(read_plan(path)) if path is not None else {}
    with store.read() as tx:
        lines = ledger(budget, payments_of(tx, str(row["id"])))
    for line in (*lines, total(lines)):
        amounts = "".join(f"{say_rupees(amount):>18}" for amount in (line.budgeted, line.promised, line.received, line.spent, line.left))
        print(f"{line.head:<12}{amounts}{'  overspent' if line.overspent else ''}")
    return 0


def _works(options: argparse.Namespace) -> int:
    from planning.export import read_plan
    from planning.proposals import file_of
    from planning.works import STATES, advance, read_steps, standings, works_of
    from planning.writing import today

    store, city = _begin(options)
    row = _plan_row(store, city, options.plan)
    path = file_of(row)
    sites = [site.id for site in read_plan(path).sites] if path is not None else []
    if options.file:
        steps, names = read_steps(_rows_of(options.file))
        advance(store, _actor(store, options.acting), str(row["id"]), sites, steps, names=names)
        print(f"{len(steps)} steps are written")
    with store.read() as tx:
        stand = standings(sites, works_of(tx, str(row["id"]))).values()
    for one in stand:
        since, due = one.since.isoformat() if one.since else "", one.due.isoformat() if one.due else ""
        print(f"{one.site}\t{one.state}\t{since}\t{due}\t{'overdue' if one.overdue(today()) else ''}")
    print("  ".join(f"{state} {sum(one.state == state for one in stand)}" for state in STATES))
    return 0


def _rows_of(path: str) -> list[dict[str, Any]]:
    """The rows of a table, its headers in small letters."""
    from planning.tables import read_table

    cells = read_table(path).cells
    cells.columns = [str(name).strip().casefold() for name in cells.columns]
    found: list[dict[str, Any]] = cells.astype(object).where(cells.notna(), "").to_dict("records")
    return found
