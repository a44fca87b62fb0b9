"""Accounts, sessions, the database and the audit from a terminal: `account`, `session`, `db`, `audit`, `backup`, `restore`.

Whoever runs these where the database and its key lie may do all of it; the audit says that it was done from a terminal.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from planning.city import find_city
from planning.errors import Disagreement, Fault, InputError

if TYPE_CHECKING:
    from planning.audit import Break
    from planning.store import Store

Commands = argparse._SubParsersAction  # the object that add_subparsers gives
_NAMED = {
    "changed": "was changed", "dropped": "was dropped", "cut": "and those after it were cut off", "rewritten": "was rewritten",
    "row_changed": "was changed", "row_dropped": "was dropped", "row_added": "was added",
}  # fmt: skip


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    _add_account(commands.add_parser("account", help="who may sign in, and with which roles"))
    _add_session(commands.add_parser("session", help="who is signed in"))
    database = commands.add_parser("db", help="the database").add_subparsers(required=True, metavar="DB-COMMAND")
    database.add_parser("upgrade", help="bring the tables to this version's form").set_defaults(run=_upgrade)
    _add_audit(commands.add_parser("audit", help="who did what, and whether the record of it is whole"))
    save = commands.add_parser("backup", help="copy the database into one file while the app runs")
    save.add_argument("file", help="the file to write")
    save.set_defaults(run=_backup)
    bring = commands.add_parser("restore", help="fill an empty database from a backup")
    bring.add_argument("file", help="a file that `chaukas backup` wrote")
    bring.set_defaults(run=_restore)


def _add_account(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="ACCOUNT-COMMAND")
    new = commands.add_parser("add", help="make an account, and print the link its owner sets a password by")
    new.add_argument("name", help="what is typed to sign in")
    new.add_argument("--title", default="", help="the person's full name")
    listed = commands.add_parser("list", help="print the accounts there are")
    listed.set_defaults(run=_list)
    change = commands.add_parser("roles", help="give an account these roles in place of those it has")
    change.add_argument("name", help="the account's name")
    for one in (new, change):
        one.add_argument("--role", action="append", default=[], help="a role of data/roles.toml; may be given again (default member)")
        one.add_argument("--camera", action="append", metavar="ID", help="a deployment whose feed may be viewed; may be given again (default: all)")
    new.set_defaults(run=_add)
    change.set_defaults(run=_roles)
    for name, run, told in (("off", _off, "end an account's sessions and let it in no more"), ("on", _on, "let an account in again")):
        switch = commands.add_parser(name, help=told)
        switch.add_argument("name", help="the account's name")
        switch.set_defaults(run=run)
    known = commands.add_parser("identity", help="print by whom another service says an account's owner is, or link it to that")
    known.add_argument("name", help="the account's name")
    which = known.add_mutually_exclusive_group()
    which.add_argument("--email", metavar="ADDRESS", help="let in whom the service verified to have this address; it counts once")
    which.add_argument("--subject", help="let in whom the service calls this for ever (the claim sub)")
    which.add_argument("--none", action="store_true", help="take all links of the account away")
    known.add_argument("--issuer", help="the service's address (default: that of CHAUKAS_OIDC_ISSUER)")
    known.set_defaults(run=_identity)
    link = commands.add_parser("link", help="print a link that lets an account in once, to set a new password")
    link.add_argument("name", help="the account's name")
    link.set_defaults(run=_link)


def _add_session(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="SESSION-COMMAND")
    listed = commands.add_parser("list", help="print who is signed in")
    listed.add_argument("--account", help="only this account's sessions")
    listed.set_defaults(run=_sessions)
    end = commands.add_parser("revoke", help="end a session, or all of an account; they are out within a second")
    end.add_argument("session", nargs="?", help="a session as `chaukas session list` prints it")
    end.add_argument("--account", help="all sessions of this account")
    end.set_defaults(run=_revoke)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="AUDIT-COMMAND")
    verify = commands.add_parser("verify", help="find the first line or row that was changed, dropped, cut off or rewritten")
    verify.add_argument("--head", action="append", default=[], metavar="SEQ:MAC", help="a head printed on a report or page; may be given again")
    verify.add_argument("--city", help="also check that the files of this city's plans are those that were recorded")
    verify.set_defaults(run=_verify)
    commands.add_parser("head", help="print the last line's number and seal").set_defaults(run=_head)
    listed = commands.add_parser("list", help="print who did what")
    listed.add_argument("--last", type=int, default=50, help="how many lines, the latest (default 50; 0: all)")
    listed.add_argument("--by", help="only what this account did")
    listed.add_argument("--action", help="only this action, such as vote.cast")
    listed.set_defaults(run=_lines)


def _store() -> Store:
    from planning.store import open_store

    return open_store()


def _add(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, add_account, make_link

    store = _store()
    account = add_account(store, TERMINAL, options.name, title=options.title, roles=options.role or ["member"], cameras=options.camera)
    return _print_link(make_link(store, TERMINAL, account))


def _identity(options: argparse.Namespace) -> int:
    import os

    from planning.accounts import TERMINAL, find_account
    from planning.identities import identities_of, link, unlink

    store = _store()
    account = str(find_account(store, options.name)["id"])
    issuer = options.issuer or os.environ.get("CHAUKAS_OIDC_ISSUER", "").strip()
    if options.none:
        unlink(store, TERMINAL, account)
    elif options.email or options.subject:
        if not issuer:
            raise InputError.one("identity.issuer", "No service is named", "Give --issuer, or set CHAUKAS_OIDC_ISSUER", options.name)
        link(store, TERMINAL, account, issuer, "email" if options.email else "subject", options.email or options.subject)
    for row in identities_of(store, account):
        print(f"{row['kind']}\t{row['value']}\t{row['issuer']}\t{row['created_at'][:16]}")
    return 0


def _print_link(token: str) -> int:
    from planning.passwords import gate_figures

    print(f"/link/{token}")
    hours = f"{gate_figures()['link_hours']:g}"
    print(f"Put the app's address in front, as in http://127.0.0.1:8501/link/…: it works once, for {hours} h", file=sys.stderr)
    return 0


def _list(_: argparse.Namespace) -> int:
    from planning.accounts import list_accounts

    for row in list_accounts(_store()):
        state = "off" if not row["active"] else "in use" if row["has_password"] else "no password yet"
        cameras = "" if row["cameras"] is None else f"\tcameras: {', '.join(row['cameras']) or 'none'}"
        print(f"{row['name']}\t{row['title']}\t{', '.join(row['roles'])}\t{state}{cameras}")
    return 0


def _roles(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, change_roles, find_account

    store = _store()
    change_roles(store, TERMINAL, find_account(store, options.name)["id"], options.role or ["member"], cameras=options.camera)
    return 0


def _off(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, find_account, turn_off

    store = _store()
    turn_off(store, TERMINAL, find_account(store, options.name)["id"])
    return 0


def _on(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, find_account, turn_on

    store = _store()
    turn_on(store, TERMINAL, find_account(store, options.name)["id"])
    return 0


def _link(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, find_account, make_link

    store = _store()
    return _print_link(make_link(store, TERMINAL, find_account(store, options.name)["id"]))


def _sessions(options: argparse.Namespace) -> int:
    from planning.accounts import find_account, list_accounts
    from planning.sessions import list_sessions

    store = _store()
    names = {row["id"]: row["name"] for row in list_accounts(store)}
    for row in list_sessions(store, find_account(store, options.account)["id"] if options.account else None):
        print(f"{row['id'][:16]}\t{names[row['account']]}\t{row['created_at'][:19]}\tuntil {row['expires_at'][:19]}\t{row['agent']}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from planning.accounts import TERMINAL, find_account
    from planning.sessions import end_session, list_sessions

    store = _store()
    if bool(options.session) == bool(options.account):
        raise InputError.one("session.which", "Name a session, or an account with --account", "See chaukas session list")
    found = list_sessions(store, find_account(store, options.account)["id"] if options.account else None)
    ended = [row["id"] for row in found if options.account or row["id"].startswith(options.session)]
    if options.session and (len(ended) != 1 or len(options.session) < 8):
        raise InputError.one("session.unknown", "There is no such session, or more than one", "See chaukas session list", options.session)
    for session in ended:
        end_session(store, TERMINAL.id, session)
    print(f"{len(ended)} ended")
    return 0


def _upgrade(_: argparse.Namespace) -> int:
    from planning.store import Store

    store = Store()
    before, after = store.upgrade()
    print(f"{store.name}: {before or 'empty'} -> {after}" if before != after else f"{store.name}: {after}, nothing to do")
    faults = _take_in(store)
    store.engine.dispose()
    if faults:
        raise InputError(faults)
    return 0


def _take_in(store: Store) -> list[Fault]:
    """Take every city's files of earlier versions into the store, each told of; what is wrong with those that cannot be."""
    from live.evidence import Ledger
    from live.log import EventLog
    from planning.accounts import TERMINAL
    from planning.city import list_cities
    from planning.register import Register

    faults: list[Fault] = []
    for city in sorted(list_cities()):
        for kept in (Register, EventLog, Ledger):
            try:
                told = kept(lambda: store, by=TERMINAL.id).take_in(city)
            except InputError as error:
                faults += error.faults
            else:
                print(told, end="\n" if told else "")
    return faults


def _verify(options: argparse.Namespace) -> int:
    from planning.audit import Head

    try:
        heads = tuple(Head.read(text) for text in options.head)
    except ValueError:
        raise InputError.one("audit.head", "A head is a number, a colon and at least 16 hex digits", "Type it as printed", options.head) from None
    store = _store()
    head, broken = store.verify(heads)
    if broken is not None:
        raise Disagreement([_fault(broken)])
    print(f"The audit is whole: {head.seq} lines, head {head}")
    return _plan_files(store, find_city(options.city)) if options.city else 0


def _fault(broken: Break) -> Fault:
    what = f"line {broken.seq} {_NAMED[broken.what]}" if broken.seq else f"a row {_NAMED[broken.what]} by other hands than the app's"
    return Fault("audit.broken", f"The audit does not hold: {what}", "Keep this database as it is, and compare it with a backup", broken.where)


def _plan_files(store: Store, folder: Path) -> int:
    """Whether the city's plan files are those that were recorded, by their digests."""
    import hashlib

    with store.read() as tx:
        plans = tx.rows("plans", city=folder.name)
    faults = []
    for row in plans:
        path = folder / "plans" / row["file"]
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if found != row["digest"]:
            what = "A plan's file is gone" if found is None else "A plan's file is not the one that was recorded"
            faults.append(Fault("audit.file", what, "Bring the file back from a copy", str(path)))
    if faults:
        raise Disagreement(faults)
    print(f"{len(plans)} plans of {folder.name}: their files are those that were recorded")
    return 0


def _head(_: argparse.Namespace) -> int:
    with _store().read() as tx:
        print(tx.head())
    return 0


def _lines(options: argparse.Namespace) -> int:
    from planning.accounts import find_account, list_accounts

    store = _store()
    names = {row["id"]: row["name"] for row in list_accounts(store)}
    where = {"action": options.action} if options.action else {}
    if options.by:
        where["by"] = options.by if options.by == "terminal" else find_account(store, options.by)["id"]
    with store.read() as tx:
        found = list(tx.lines(**where))
    for line in found[-options.last :] if options.last > 0 else found:
        details = {key: value for key, value in json.loads(line["details"]).items() if key != "rows"}
        who = names.get(line["by"], line["by"] or "public")
        more = "\t" + json.dumps(details, ensure_ascii=False) if details else ""
        print(f"{line['seq']}\t{line['at'][:19]}\t{who}\t{line['action']}\t{names.get(line['subject'], line['subject'])}{more}")
    return 0


def _backup(options: argparse.Namespace) -> int:
    from planning.backup import back_up

    store = _store()
    done = back_up(store, options.file)
    print(f"{sum(done.rows.values())} rows written to {options.file}, head {done.head}")
    print(f"The keys in {store.folder} are not in it: keep a copy of them elsewhere, or the backup cannot be restored", file=sys.stderr)
    if done.broken is not None:
        raise Disagreement([_fault(done.broken)])
    return 0


def _restore(options: argparse.Namespace) -> int:
    from planning.backup import restore

    store = _store()
    done = restore(store, options.file)
    print(f"{sum(done.rows.values())} rows restored into {store.name}, head {done.head}; keys were not in the backup")
    if done.aside is not None:
        print(f"Lines later than the backup are lost; their heads are kept in {done.aside}", file=sys.stderr)
    return 0
