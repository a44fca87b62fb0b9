"""A committee for tests: accounts of every role, members with and without accounts, and a plan's row, in a store of the test's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from planning.access import Actor
from planning.committee import add_member
from planning.store import Store, new_id, now

CITY = "toy"
ADMIN = Actor("a0", "Root", ("admin",))


def account(store: Store, name: str, *roles: str) -> Actor:
    """An account of that name and these roles, and its actor."""
    label = f"a-{name.lower()}"
    with store.write("a0", "account.manage", label) as tx:
        tx.add("accounts", {"id": label, "name": name, "title": name, "roles": list(roles), "created_at": now()})
    return Actor(label, name, roles)


@dataclass
class Hall:
    """A committee in session: the store, who sits there, the ids of their seats by name, and a plan on record."""

    store: Store
    members: dict[str, Actor]
    seats: dict[str, str]
    planner: Actor
    second: Actor
    plan: str
    file: Path


def open_hall(store: Store, cities: Path, *, seats: int = 3, papers: int = 1) -> Hall:
    """Members M0, M1 … with accounts, P0 … without; two planners; one plan whose file is a file of words."""
    with store.write("", "account.manage", "a0") as tx:
        tx.add("accounts", {"id": "a0", "name": "Root", "title": "Root", "roles": ["admin"], "created_at": now()})
    kinds = ("traders", "doctors", "teachers", "youth")
    actors = {f"M{k}": account(store, f"M{k}", "member") for k in range(seats)}
    places = {name: add_member(store, ADMIN, CITY, name, kinds[k % 4], actor.id) for k, (name, actor) in enumerate(actors.items())}
    places |= {f"P{k}": add_member(store, ADMIN, CITY, f"P{k}", kinds[k % 4]) for k in range(papers)}
    plan, file = record_plan(store, cities)
    return Hall(store, actors, places, account(store, "Planner", "planner"), account(store, "Second", "planner"), plan, file)


def record_plan(store: Store, cities: Path, name: str = "0123456789ab") -> tuple[str, Path]:
    """The row of a plan whose file holds its name; its id and file. The file is read by digest alone."""
    folder = cities / CITY
    (folder / "plans").mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").touch()
    file = folder / "plans" / f"{name}.gpkg"
    file.write_text(f"plan {name} {new_id()}", encoding="utf-8")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    label = f"{name}-{digest[:12]}"
    with store.write("a0", "plan.propose", label) as tx:
        if tx.one("scenarios", id="wish") is None:
            tx.add("scenarios", {"id": "wish", "city": CITY, "content": {}, "by": "a0", "created_at": now()})
        row = {"city": CITY, "scenario": "wish", "city_digest": "d", "file": file.name, "verified": True, "capital_inr": 1_000_000}
        tx.add("plans", {"id": label, "plan": name, **row, "digest": digest, "coverage": 0.5, "by": "a0", "created_at": now()})
    return label, file
