"""Who may do what: roles and their actions as data (`data/roles.toml`), asked by one function wherever something is done.

A role is not a rank: an administrator gives rights and yet sees no feed, unless an operator's right is given as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import Fault, Forbidden


@dataclass(frozen=True)
class Role:
    """What a role is called and every action it allows, those of the roles it holds included."""

    key: str
    title: str
    title_hi: str
    actions: frozenset[str]


@dataclass(frozen=True)
class Actor:
    """Someone who asks: an account with its roles, or the public.

    `cameras`: ids of the deployments whose feeds this actor may view; None where the roles alone decide.
    """

    id: str
    name: str
    roles: tuple[str, ...] = ("public",)
    cameras: frozenset[str] | None = None


PUBLIC = Actor("", "")


def load_roles(path: str | Path = DATA / "roles.toml") -> Mapping[str, Role]:
    """Roles by key, in the file's order.

    Raises
    ------
    InputError: every fault of the file: an unknown key, a role held before it is told.
    """
    data, faults = read_tables(path)
    found: dict[str, Role] = {}
    for key, content in data.items():
        table = Table(key, content, faults)
        title, title_hi, held, named = table.text("title"), table.text("title_hi"), table.texts("holds"), table.texts("actions")
        for name in (name for name in held if name not in found):
            table.fault("role.holds", "a role can hold only roles told above it", name)
        table.close()
        found[key] = Role(key, title, title_hi, frozenset(named).union(*(found[name].actions for name in held if name in found)))
    refuse(faults, found, path)
    return found


@lru_cache(maxsize=1)
def roles() -> Mapping[str, Role]:
    """The house's roles, read once."""
    return load_roles()


def actions(known: Mapping[str, Role] | None = None) -> frozenset[str]:
    """Every action some role allows."""
    return frozenset[str]().union(*(role.actions for role in (known or roles()).values()))


def may(actor: Actor, action: str, camera: str | None = None) -> bool:
    """Whether an actor may do an action; with `camera`, on this deployment's feed.

    Raises
    ------
    KeyError: no role knows such an action, which is an error of ours and never a refusal.
    """
    known = roles()
    if action not in actions(known):
        raise KeyError(action)
    if not any(action in known[role].actions for role in actor.roles if role in known):
        return False
    return camera is None or actor.cameras is None or camera in actor.cameras


def require(actor: Actor, action: str, camera: str | None = None) -> None:
    """Let pass only who may.

    Raises
    ------
    Forbidden: the actor's roles do not allow the action, or not for this camera.
    """
    if not may(actor, action, camera):
        holders = sorted(role.key for role in roles().values() if action in role.actions)
        way_out = f"Ask someone who is {' or '.join(holders)}" if camera is None or not may(actor, action) else "Ask for the right to this camera"
        raise Forbidden.one("access.forbidden", "You have no right to do this", way_out, action if camera is None else f"{action} {camera}")


def actor_of(scope: Mapping[str, Any]) -> Actor:
    """Who asks, as the gate wrote it into an ASGI request's scope; the public where no gate did."""
    found = scope.get("chaukas.actor")
    return found if isinstance(found, Actor) else PUBLIC


def known_roles(names: Iterable[str]) -> tuple[str, ...]:
    """Role keys as given, each once and in the file's order.

    Raises
    ------
    Forbidden: one that is none of ours.
    """
    wanted = set(names)
    strange = sorted(wanted - set(roles()))
    if strange:
        raise Forbidden([Fault("role.unknown", "There is no such role", f"Choose of {', '.join(roles())}", name) for name in strange])
    return tuple(key for key in roles() if key in wanted)
