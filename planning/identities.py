"""Whose account someone is by another service: linked by an administrator, never made by signing in.

An e-mail address counts where the service says it has verified it, and once: the account is then bound to the service's own lasting name of the
person, so that whoever is given the address later is not let in.
"""

from __future__ import annotations

import re
from typing import Any

from planning.access import Actor, require
from planning.errors import Forbidden, InputError
from planning.oidc import Claims
from planning.sessions import end_sessions, open_session
from planning.store import Reading, Row, Store, now

KINDS = ("email", "subject")
_ISSUER = re.compile(r"https?://[^\s/]+\S{0,200}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def link(store: Store, by: Actor, account: str, issuer: str, kind: str, value: str) -> str:
    """Let someone sign in to an account by what a service calls them; the link's id.

    Parameters
    ----------
    issuer: the service's address as it calls itself. kind: email or subject.

    Raises
    ------
    Forbidden: without `account.manage`. InputError: `identity.issuer`, `identity.value`, or `identity.taken` where it is linked already.
    """
    require(by, "account.manage")
    issuer = issuer.strip()
    if not _ISSUER.fullmatch(issuer):
        raise InputError.one("identity.issuer", "This is no service's address", "Give it as the service calls itself: https://…", issuer[:100])
    plain = value.strip().casefold() if kind == "email" else value.strip()
    if kind not in KINDS or not plain or len(plain) > 255 or (kind == "email" and not _EMAIL.fullmatch(plain)):
        raise InputError.one("identity.value", "This is no e-mail address or subject", "Give what the service calls the person", value[:100])
    with store.write(by.id, "account.identity", account, {"issuer": issuer, "kind": kind}) as tx:
        tx.get("accounts", account)
        if tx.one("identities", issuer=issuer, kind=kind, value=plain) is not None:
            raise InputError.one("identity.taken", "An account is linked to this already", "Unlink that one first", plain)
        return tx.add("identities", {"account": account, "issuer": issuer, "kind": kind, "value": plain, "created_at": now()})


def unlink(store: Store, by: Actor, account: str, which: str | None = None) -> int:
    """Take one link of an account away, or all of them where none is named; how many. Its sessions end: whoever was let in by it is out.

    Raises
    ------
    Forbidden: without `account.manage`. InputError: `store.unknown` where the account has no such link.
    """
    require(by, "account.manage")
    with store.write(by.id, "account.identity_off", account) as tx:
        found = tx.rows("identities", account=account) if which is None else [tx.get("identities", which)]
        if any(row["account"] != account for row in found):
            raise InputError.one("store.unknown", "There is no such entry in identities", "Reload the page, or choose one of the list", which or "")
        for row in found:
            tx.drop("identities", row["id"])
        tx.told["links"] = [{"issuer": row["issuer"], "kind": row["kind"]} for row in found]
        end_sessions(tx, account)
    return len(found)


def identities_of(store: Store, account: str | None = None) -> list[Row]:
    """An account's links, or everybody's, the oldest first."""
    with store.read() as tx:
        where: dict[str, Any] = {} if account is None else {"account": account}
        return tx.rows("identities", order="created_at", **where)


def enter(store: Store, claims: Claims, agent: str = "") -> str:
    """The token of a new session of the account that is linked to these claims.

    Raises
    ------
    Forbidden: `identity.unknown`, whether no account is linked or the one that is was turned off.
    """
    email = claims.email.strip().casefold()
    with store.read() as tx:
        found = _account(tx, claims, email)
    with store.write(found["id"], "session.begin", found["id"], {"issuer": claims.issuer}) as tx:
        account = _account(tx, claims, email)
        if tx.one("identities", issuer=claims.issuer, kind="subject", value=claims.subject) is None:
            for row in tx.rows("identities", issuer=claims.issuer, kind="email", value=email):
                tx.change("identities", row["id"], kind="subject", value=claims.subject)
        return open_session(tx, account["id"], agent)


def _account(tx: Reading, claims: Claims, email: str) -> Row:
    """The account in use that is linked to these claims: by subject, else by verified e-mail address.

    Raises
    ------
    Forbidden: `identity.unknown`.
    """
    row = tx.one("identities", issuer=claims.issuer, kind="subject", value=claims.subject)
    if row is None and email:
        row = tx.one("identities", issuer=claims.issuer, kind="email", value=email)
    account = tx.get("accounts", row["account"]) if row is not None else None
    if account is None or not account["active"]:
        what = "No account here is linked to who you are there"
        raise Forbidden.one("identity.unknown", what, "Ask an administrator to link your account", email or claims.subject[:60])
    return account
