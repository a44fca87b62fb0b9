"""The committee of a city: its members by whom they speak for, and the rules by which it decides.

A member may have an account, and votes with it; one without votes on paper. Nobody is a member of one city twice by the same account. Rules hold for
proposals opened after they were set: each proposal keeps those of its day.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from planning.access import Actor, require
from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import Fault, InputError
from planning.store import Reading, Row, Store, now
from planning.tags import DIGITS
from planning.writing import clean, fits

NAME_MOST = 80  # signs of a member's name
QUORUM, MAJORITY = 0.5, 0.5  # where a committee has set no rules of its own


@dataclass(frozen=True)
class Constituency:
    """Those a member speaks for."""

    key: str
    title: str
    title_hi: str


@dataclass(frozen=True)
class Rules:
    """How a committee decides.

    `quorum`: the least share of active members whose votes are in. `majority`: the least share of yes among yes and no; yes must be more than no
    besides. `own`: whether the committee has set them itself.
    """

    quorum: float = QUORUM
    majority: float = MAJORITY
    own: bool = False


def load_constituencies(path: str | Path = DATA / "constituencies.toml") -> Mapping[str, Constituency]:
    """Constituencies by key, in the file's order.

    Raises
    ------
    InputError: every fault of the file.
    """
    data, faults = read_tables(path)
    found: dict[str, Constituency] = {}
    for key, content in data.items():
        table = Table(key, content, faults)
        found[key] = Constituency(key, table.text("title"), table.text("title_hi"))
        table.close()
    refuse(faults, found, path)
    return found


@lru_cache(maxsize=1)
def constituencies() -> Mapping[str, Constituency]:
    """The house's constituencies, read once."""
    return load_constituencies()


def exact(share: float) -> Fraction:
    """The share as the fraction it was meant as: two thirds of 9 members are 6, which binary fractions miss."""
    return Fraction(share).limit_denominator(10_000)


def read_part(text: str) -> float:
    """A share as people write it: 2/3, 60%, 0.6, ६०%; NaN where it is none."""
    said = text.translate(DIGITS).replace(" ", "")
    whole = re.fullmatch(r"(\d{1,6})/(\d{1,6})", said, re.ASCII)
    if whole and int(whole[2]):
        return int(whole[1]) / int(whole[2])
    part = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(%?)", said, re.ASCII)
    return float(part[1]) / (100 if part[2] else 1) if part else math.nan


def rules(tx: Reading, city: str) -> Rules:
    """The rules of a city's committee as they are now."""
    row = tx.one("committees", id=city)
    return Rules() if row is None else Rules(float(row["quorum"]), float(row["majority"]), own=True)


def set_rules(store: Store, actor: Actor, city: str, quorum: float, majority: float) -> None:
    """Set how the committee decides from now on.

    Raises
    ------
    Forbidden: without `committee.manage`. InputError: both faults at once, `rules.quorum` and `rules.majority`.
    """
    require(actor, "committee.manage")
    faults = []
    if not (math.isfinite(quorum) and 0 < quorum <= 1):
        faults.append(Fault("rules.quorum", "The quorum is a share of the members, above 0 and up to 1", "Write 1/2, 60% or 0.6", str(quorum)))
    if not (math.isfinite(majority) and 0.5 <= majority <= 1):
        faults.append(Fault("rules.majority", "The majority is a share of yes among yes and no, from 1/2 to 1", "Write 1/2 or 2/3", str(majority)))
    if faults:
        raise InputError(faults)
    with store.write(actor.id, "committee.manage", city, {"quorum": quorum, "majority": majority}) as tx:
        row = {"quorum": quorum, "majority": majority, "created_at": now()}
        if tx.one("committees", id=city) is None:
            tx.add("committees", {"id": city, **row})
        else:
            tx.change("committees", city, **row)


def members(tx: Reading, city: str, *, active: bool = False) -> list[Row]:
    """A city's members by name; only the `active` ones where asked."""
    where: dict[str, Any] = {"city": city, "active": True} if active else {"city": city}
    return tx.rows("members", order="name", **where)


def member_of(tx: Reading, city: str, actor: Actor) -> Row | None:
    """The actor's own seat in the city's committee, where it is an active one."""
    return tx.one("members", city=city, account=actor.id, active=True) if actor.id else None


def add_member(store: Store, actor: Actor, city: str, name: str, constituency: str, account: str | None = None) -> str:
    """Take a member in; the id.

    Parameters
    ----------
    account: id of the account the member votes with; None for one who votes on paper.

    Raises
    ------
    Forbidden: without `committee.manage`.
    InputError: all faults at once: `member.name`, `member.constituency`, `member.account` (no such account, or closed), `member.twice` (the
        account, or the name in the same constituency, is a member already).
    """
    require(actor, "committee.manage")
    said, faults = clean(name).replace("\n", " "), []
    if not fits(said, NAME_MOST):
        faults.append(Fault("member.name", f"A member's name has 1 to {NAME_MOST} signs", "Write the name", said[:60]))
    if constituency not in constituencies():
        way_out = f"Choose of {', '.join(constituencies())}"
        faults.append(Fault("member.constituency", "There is no such constituency", way_out, str(constituency)[:60]))
    with store.write(actor.id, "committee.manage", city) as tx:
        if account is not None:
            found = tx.one("accounts", id=account)
            if found is None or not found["active"]:
                faults.append(Fault("member.account", "There is no such account, or it is closed", "Choose an open account", account[:60]))
            elif tx.one("members", city=city, account=account) is not None:
                faults.append(Fault("member.twice", "This account is a member already", "Make that member active again", str(found["name"])))
        if tx.one("members", city=city, name=said, constituency=constituency) is not None:
            faults.append(Fault("member.twice", "This constituency has a member of this name", "Write the name so that they can be told apart", said))
        if faults:
            raise InputError(faults)
        row = {"city": city, "name": said, "constituency": constituency, "account": account, "active": True, "created_at": now()}
        member = tx.add("members", row)
        tx.told = {"member": member, "name": said, "constituency": constituency}
        return member


def set_active(store: Store, actor: Actor, member: str, *, active: bool) -> None:
    """Let a member rest, or be active again. Votes of a resting member do not count, nor does the quorum ask for them.

    Raises
    ------
    Forbidden: without `committee.manage`. InputError: `store.unknown`.
    """
    require(actor, "committee.manage")
    with store.write(actor.id, "committee.manage", member, {"active": active}) as tx:
        tx.change("members", member, active=active)
