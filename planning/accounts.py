"""Accounts: who may sign in, with which roles and for which cameras; signing in by password or by a one-time link.

Each try is counted before its password is looked at, so that many at once are no way around the wait that follows wrong ones. A name nobody has is
refused after the same work and with the same waits as one that somebody has.
"""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from planning.access import Actor, known_roles, may, require
from planning.errors import Forbidden, InputError
from planning.passwords import fits, gate_figures, hash_password, is_dated, require_strong
from planning.sessions import Session, account_of_link, actor_of_account, add_link, end_sessions, open_session, spend_link
from planning.store import Reading, Row, Store, now

TERMINAL = Actor("terminal", "terminal", ("admin",))  # whoever can run commands where the database lies
FIRST = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")
_TITLE = 100  # characters
_NONE_YET = ""  # a hash that nothing fits
_STRANGERS = 10_000  # names nobody has whose tries are remembered


class _Strangers:
    """Tries at names that cannot sign in, kept in memory: the waits are those of a name that can."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        with self._lock:
            failed, until = self._kept.pop(name, (0, None))
            try:
                _require_no_wait(until)
                failed, until = failed + 1, _locked_until(failed + 1)
            finally:
                self._kept[name] = (failed, until)
                while len(self._kept) > _STRANGERS:
                    self._kept.popitem(last=False)


_strangers = _Strangers()


def add_account(
    store: Store, by: Actor, name: str, *, title: str = "", roles: Iterable[str] = ("member",), cameras: Iterable[str] | None = None
) -> str:
    """Make an account, without a password: its owner sets one by a link. Its id.

    Parameters
    ----------
    name: what is typed to sign in: 2 to 64 small letters, digits and . _ @ + -. title: what the person is called.
    cameras: deployments whose feeds may be viewed; None for all that the roles allow.

    Raises
    ------
    Forbidden: who asks may not, or a role is unknown. InputError: the name is none, or somebody has it.
    """
    require(by, "account.manage")
    plain = plain_name(name)
    if not _NAME.fullmatch(plain):
        raise InputError.one("name.signs", "A name has 2 to 64 small letters, digits and . _ @ + -", "Choose another", name)
    with store.read() as tx:
        if tx.one("accounts", name=plain) is not None:
            raise InputError.one("name.taken", "Somebody has this name", "Choose another", plain)
    with store.write(by.id, "account.add", plain) as tx:
        return tx.add("accounts", {
            "name": plain, "title": " ".join(title.split())[:_TITLE], "roles": list(known_roles(roles)),
            "password": _NONE_YET,
            "cameras": None if cameras is None else sorted(set(cameras)), "active": True, "failed": 0, "locked_until": None, "created_at": now(),
        })  # fmt: skip


def change_roles(store: Store, by: Actor, account: str, roles: Iterable[str], *, cameras: Iterable[str] | None = None) -> None:
    """Give an account these roles and cameras in place of what it has; it counts at once, in open sessions too.

    Raises
    ------
    Forbidden: who asks may not, or a role is unknown. InputError: nobody would be left who may manage accounts.
    """
    require(by, "account.manage")
    given, seen = list(known_roles(roles)), None if cameras is None else sorted(set(cameras))
    with store.write(by.id, "account.roles", account, {"roles": given, "cameras": seen}) as tx:
        before = tx.get("accounts", account)
        tx.change("accounts", account, roles=given, cameras=seen)
        _require_a_manager(tx, before)


def turn_off(store: Store, by: Actor, account: str) -> None:
    """Take an account out of use: its sessions end and its links no longer work. What it did stays in the audit.

    Raises
    ------
    Forbidden: who asks may not. InputError: nobody would be left who may manage accounts.
    """
    require(by, "account.manage")
    with store.write(by.id, "account.off", account) as tx:
        before = tx.get("accounts", account)
        tx.change("accounts", account, active=False)
        end_sessions(tx, account)
        _require_a_manager(tx, before)


def turn_on(store: Store, by: Actor, account: str) -> None:
    """Take an account into use again.

    Raises
    ------
    Forbidden: who asks may not.
    """
    require(by, "account.manage")
    with store.write(by.id, "account.on", account) as tx:
        tx.change("accounts", account, active=True)


def make_link(store: Store, by: Actor, account: str) -> str:
    """The token of a link that lets an account in once and sets its password: an invitation, or the way back after a forgotten one.

    Raises
    ------
    Forbidden: who asks may not.
    """
    require(by, "account.manage")
    with store.write(by.id, "account.link", account) as tx:
        tx.get("accounts", account)
        return add_link(tx, account)


def first_link(store: Store) -> str | None:
    """The token of a link for the first administrator while nobody can sign in by a password; None once somebody can."""
    if anybody(store):
        return None
    with store.read() as tx:
        found = next((row["id"] for row in tx.rows("accounts", order="created_at") if _manages(row)), None)
    return make_link(store, TERMINAL, found or add_account(store, TERMINAL, FIRST, roles=("admin",)))


def anybody(store: Store) -> bool:
    """Whether an account in use has a password."""
    with store.read() as tx:
        return any(row["active"] and row["password"] for row in tx.rows("accounts"))


def find_account(store: Store, name: str) -> Row:
    """The account of that name.

    Raises
    ------
    InputError: there is none.
    """
    with store.read() as tx:
        found = tx.one("accounts", name=plain_name(name))
    if found is None:
        raise InputError.one("name.unknown", "There is no such account", "See chaukas account list", name)
    return found


def list_accounts(store: Store) -> list[Row]:
    """Every account, by name, without its password's hash; `has_password` tells whether it has one."""
    with store.read() as tx:
        return [{"has_password": bool(row.pop("password")), **row} for row in tx.rows("accounts", order="name")]


def sign_in(store: Store, name: str, password: str, agent: str = "") -> str:
    """The token of a new session.

    Raises
    ------
    Forbidden: name and password do not belong together, or there were too many wrong ones: then the value is the seconds left to wait.
    """
    account = _counted(store, name)
    if account is None:
        fits("", password)
        raise _refused()
    if not fits(account["password"], password):
        raise _refused()
    kept = hash_password(password) if is_dated(account["password"]) else account["password"]
    with store.write(account["id"], "session.begin", account["id"]) as tx:
        found = tx.get("accounts", account["id"])
        if not found["active"] or found["password"] != account["password"]:
            raise _refused()
        tx.change("accounts", account["id"], failed=0, locked_until=None, password=kept)
        return open_session(tx, account["id"], agent)


def change_password(store: Store, session: Session, old: str, new: str) -> None:
    """Change one's own password; every other session of the account ends.

    Raises
    ------
    Forbidden: the old password is wrong, or there were too many wrong ones. InputError: the new one is weak.
    """
    with store.read() as tx:
        account = tx.get("accounts", session.actor.id)
    if account["password"]:
        counted = _counted(store, account["name"])
        if counted is None or not fits(account["password"], old):
            raise _refused()
    require_strong(new, account["name"])
    kept = hash_password(new)
    with store.write(session.actor.id, "account.password", session.actor.id) as tx:
        tx.change("accounts", session.actor.id, password=kept, failed=0, locked_until=None)
        end_sessions(tx, session.actor.id, but=session.id)


def enter_by_link(store: Store, token: str, password: str = "", agent: str = "") -> str:  # nosec B107  # none given
    """Spend a link: the password is set, all sessions of the account end, and the token of a new one is given.

    Parameters
    ----------
    password: may be left out only while no account has one, on the first run.

    Raises
    ------
    Forbidden: the link is spent. InputError: the password is weak or missing.
    """
    with store.read() as tx:
        account = account_of_link(tx, token)
    if password:
        require_strong(password, account["name"])
    elif anybody(store):
        raise InputError.one("password.needed", "A password must be set, to come back by", "Take three or four words of your own")
    kept = hash_password(password) if password else account["password"]
    with store.write(account["id"], "link.used", account["id"]) as tx:
        account_of_link(tx, token)
        spend_link(tx, token)
        tx.change("accounts", account["id"], password=kept, failed=0, locked_until=None)
        end_sessions(tx, account["id"])
        return open_session(tx, account["id"], agent)


def plain_name(name: str) -> str:
    """A name as it is kept: one spelling, small letters, no space around."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _counted(store: Store, name: str) -> Row | None:
    """The account of that name with this try counted; None where nobody can sign in by it, counted too.

    Raises
    ------
    Forbidden: there were too many wrong passwords.
    """
    plain = plain_name(name)
    with store.read() as tx:
        account = tx.one("accounts", name=plain)
    if account is None or not account["active"] or not account["password"]:
        _strangers.count(plain)
        return None
    _require_no_wait(account["locked_until"])
    with store.write("", "session.try", account["id"]) as tx:
        account = tx.get("accounts", account["id"])
        _require_no_wait(account["locked_until"])
        failed = account["failed"] + 1
        tx.change("accounts", account["id"], failed=failed, locked_until=_locked_until(failed))
    return account


def _locked_until(failed: int) -> str | None:
    """Until when a name waits after so many wrong passwords."""
    figures = gate_figures()
    over = failed - int(figures["free_tries"])
    if over < 0:
        return None
    wait = min(figures["longest_wait_s"], figures["first_wait_s"] * 2 ** min(over, 20))
    return (datetime.now(UTC) + timedelta(seconds=wait)).isoformat(timespec="microseconds")


def _require_no_wait(until: str | None) -> None:
    if until is not None and until > now():
        left = math.ceil((datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds())
        raise Forbidden.one("sign.wait", "There were too many wrong passwords; the seconds left to wait are", "Wait, then try again", left)


def _refused() -> Forbidden:
    return Forbidden.one("sign.refused", "Name and password do not belong together", "Try again, or ask an administrator for a one-time link")


def _manages(row: Row) -> bool:
    return bool(row["active"]) and may(actor_of_account(row), "account.manage")


def _require_a_manager(tx: Reading, before: Row) -> None:
    """Refuse a change that leaves nobody who may manage accounts, where the account so changed was one who may."""
    if _manages(before) and not any(_manages(row) for row in tx.rows("accounts")):
        raise InputError.one("manager.last", "Nobody would be left who may manage accounts", "Give another account the role admin first")
