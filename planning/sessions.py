"""Who is signed in: sessions that the server keeps and can end at once, and links that let someone in once.

Of a session or link only the SHA-256 of its token is kept: who reads the database can use neither.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from planning.access import Actor
from planning.errors import Forbidden
from planning.passwords import gate_figures
from planning.store import Reading, Row, Store, Writing, now

_AGENT = 120  # characters kept of what a browser says of itself


@dataclass(frozen=True)
class Session:
    """One sign-in that holds: its id (not its token), who it is, and the token its forms must carry."""

    id: str
    actor: Actor
    csrf: str
    expires_at: str


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def later(hours: float) -> str:
    """The moment so many hours from now, as the store writes it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="microseconds")


def actor_of_account(account: Row) -> Actor:
    """An account as one who asks."""
    cameras = account["cameras"]
    return Actor(account["id"], account["title"] or account["name"], tuple(account["roles"]), None if cameras is None else frozenset(cameras))


def sessions_of(store: Store, ids: Iterable[str]) -> Mapping[str, Session]:
    """Those of these sessions that hold: neither ended nor past their time, of an account in use."""
    wanted = tuple(ids)
    with store.read() as tx:
        rows = [row for row in tx.rows("sessions", id=wanted) if _holds(row)] if wanted else []
        accounts = {row["id"]: row for row in tx.rows("accounts", id=tuple({row["account"] for row in rows}))} if rows else {}
    return {
        row["id"]: Session(row["id"], actor_of_account(accounts[row["account"]]), row["csrf"], row["expires_at"])
        for row in rows
        if accounts[row["account"]]["active"]
    }


def session_of(store: Store, token: str) -> Session | None:
    """The session of a token; None where there is none that holds."""
    return sessions_of(store, [digest(token)]).get(digest(token)) if token else None


def open_session(tx: Writing, account: str, agent: str = "") -> str:
    """Begin a session; its token, which is told this once. What the account's sessions long past were is cleared away."""
    for row in tx.rows("sessions", account=account):
        if row["expires_at"] < now():
            tx.drop("sessions", row["id"])
    token = secrets.token_urlsafe(32)
    tx.add("sessions", {
        "id": digest(token), "account": account, "csrf": secrets.token_urlsafe(32), "agent": agent[:_AGENT], "created_at": now(),
        "expires_at": later(gate_figures()["session_hours"]), "revoked_at": None,
    })  # fmt: skip
    return token


def list_sessions(store: Store, account: str | None = None) -> list[Row]:
    """Sessions that hold, the latest first; of one account or of all."""
    with store.read() as tx:
        rows = tx.rows("sessions", order="created_at") if account is None else tx.rows("sessions", order="created_at", account=account)
    return [row for row in reversed(rows) if _holds(row)]


def end_session(store: Store, by: str, session_id: str) -> None:
    """End a session at once; one that has ended stays so.

    Raises
    ------
    InputError: there is no such session.
    """
    with store.read() as tx:
        row = tx.get("sessions", session_id)
    if row["revoked_at"] is None:
        with store.write(by, "session.end", row["account"]) as tx:
            tx.change("sessions", session_id, revoked_at=now())


def end_sessions(tx: Writing, account: str, but: str = "") -> int:
    """End all sessions of an account but one; how many."""
    ended = [row["id"] for row in tx.rows("sessions", account=account) if row["revoked_at"] is None and row["id"] != but]
    for session_id in ended:
        tx.change("sessions", session_id, revoked_at=now())
    return len(ended)


def is_form_of(session: Session, token: str) -> bool:
    """Whether a form carries the session's token."""
    return hmac.compare_digest(session.csrf.encode(), token.encode(errors="replace"))


def add_link(tx: Writing, account: str) -> str:
    """A link that lets an account in once; its token, told this once. Links of the account given before no longer work."""
    for row in tx.rows("links", account=account):
        if row["used_at"] is None:
            tx.drop("links", row["id"])
    token = secrets.token_urlsafe(32)
    until = later(gate_figures()["link_hours"])
    tx.add("links", {"id": digest(token), "account": account, "created_at": now(), "expires_at": until, "used_at": None})
    return token


def account_of_link(tx: Reading, token: str) -> Row:
    """The account a link lets in.

    Raises
    ------
    Forbidden: the link was used, is past its time, or never was; or the account is out of use.
    """
    link = tx.one("links", id=digest(token))
    if link is not None and link["used_at"] is None and link["expires_at"] > now():
        account = tx.get("accounts", link["account"])
        if account["active"]:
            return account
    raise Forbidden.one("link.spent", "This link was used already or is past its time", "Ask an administrator for another")


def spend_link(tx: Writing, token: str) -> None:
    """Mark a link as used."""
    tx.change("links", digest(token), used_at=now())


def _holds(row: Row) -> bool:
    return row["revoked_at"] is None and row["expires_at"] > now()
