"""Plans before the committee: registered from a file the verifier agreed to, proposed, talked over, decided, shown to the public.

A plan's status is worked out from its proposals and decisions, and from whether its file is still the one registered; it is stored nowhere.

    draft -> proposed -> approved
                     \\-> sent back, with a reason -> proposed again …         any of these -> superseded, once its file is another
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from planning.access import Actor, require
from planning.ballots import count_of
from planning.city import City, find_city
from planning.committee import rules
from planning.errors import ChaukasError, Fault, InputError
from planning.export import read_plan
from planning.nouns import Plan, Scenario
from planning.store import Reading, Row, Store, now
from planning.writing import clean, fits

TEXT_MOST = 2_000  # signs of a remark, a reason, a proposal's text
STATUSES = ("draft", "proposed", "approved", "sent_back", "superseded")
OUTCOMES = ("approved", "sent_back")

Check = Callable[[Plan, City], object]  # raises a ChaukasError where the plan does not agree with its city


@dataclass(frozen=True)
class Status:
    """Where a plan stands: one of `STATUSES`; the reason where it was sent back; the proposal that is open or was decided last."""

    key: str
    reason: str = ""
    proposal: str = ""


def plan_status(plan: Row, proposals: Iterable[Row], decisions: Iterable[Row], digest_now: str | None) -> Status:
    """A plan's status.

    Parameters
    ----------
    plan: row of `plans`. proposals, decisions: rows; those of other plans are passed over.
    digest_now: SHA-256 of the plan's file as it is now, None where it is gone.
    """
    if digest_now != plan["digest"]:
        return Status("superseded")
    running = [row for row in proposals if row["plan"] == plan["id"] and row["closed_at"] is None]
    if running:
        return Status("proposed", "", str(running[0]["id"]))
    decided = [row for row in decisions if row["plan"] == plan["id"]]
    if not decided:
        return Status("draft")
    last = max(decided, key=lambda row: str(row["created_at"]))
    return Status(str(last["outcome"]), str(last["reason"]) if last["outcome"] == "sent_back" else "", str(last["proposal"]))


def status_of(tx: Reading, plan: Row) -> Status:
    """A plan's status as the store and the disk stand."""
    return plan_status(plan, tx.rows("proposals", plan=plan["id"]), tx.rows("decisions", plan=plan["id"]), digest_now(plan))


def file_of(plan: Row) -> Path | None:
    """Where a registered plan's file lies; None where its city is gone."""
    try:
        return find_city(str(plan["city"])) / "plans" / str(plan["file"])
    except ChaukasError:
        return None


def digest_now(plan: Row) -> str | None:
    """SHA-256 of a registered plan's file as it is now; None where it is gone."""
    path = file_of(plan)
    try:
        found = path.stat() if path is not None else None
    except OSError:
        found = None
    return _digest(str(path), found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None


@lru_cache(maxsize=512)
def _digest(path: str, _when: int, _size: int, _node: int) -> str | None:
    """The digest, read once while time, size and node of the file stay."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def register(store: Store, actor: Actor, city: City, path: str | Path, check: Check) -> str:
    """Put a plan's file on record, so that it can be proposed; its id. A file on record already stays as it is.

    Parameters
    ----------
    check: the verifier: it works the plan out again from the raw geometry, and raises where it does not agree.

    Raises
    ------
    Forbidden: without `plan.propose`.
    InputError: `register.place` where the file lies outside the folder plans of the city, `register.city` where it was made for another city or state
        of it, `register.unverified`, `register.moving` where the file changes meanwhile; and what `read_plan` and `check` raise.
    """
    require(actor, "plan.propose")
    found = Path(path).resolve()
    folder = (city.folder / "plans").resolve() if city.folder is not None else None
    if folder is None or not found.is_relative_to(folder):
        raise InputError.one("register.place", "The plan lies outside its city's folder plans", "Copy it there", found.name)
    before = hashlib.sha256(found.read_bytes()).hexdigest() if found.is_file() else ""
    plan = read_plan(found)
    faults = []
    if plan.scenario.city != city.name or plan.city_digest != city.digest:
        value = f"{plan.scenario.city} {plan.city_digest}"
        faults.append(Fault("register.city", "The plan was made for another city, or for another state of it", "Plan again", value))
    if not plan.verified:
        faults.append(Fault("register.unverified", "The verifier has not agreed to this plan", "Plan again; a plan of ours is verified", plan.id))
    if faults:
        raise InputError(faults)
    check(plan, city)
    if hashlib.sha256(found.read_bytes()).hexdigest() != before:
        raise InputError.one("register.moving", "The file changed while it was read", "Try again", found.name)
    label = f"{plan.id}-{before[:12]}"
    with store.read() as tx:
        if tx.one("plans", id=label) is not None:
            return label
    row = {
        "id": label, "plan": plan.id, "title": clean(plan.scenario.title)[:200], "city": found_name(city), "scenario": plan.scenario.id,
        "city_digest": plan.city_digest, "file": found.relative_to(folder).as_posix(), "digest": before, "verified": True,
        "capital_inr": plan.cost_inr, "coverage": plan.scorecard.after, "by": actor.id, "created_at": now(), "published_at": None,
    }  # fmt: skip
    with store.write(actor.id, "plan.propose", label, {"file": row["file"], "digest": before}) as tx:
        if tx.one("plans", id=label) is None:
            _keep_scenario(tx, plan.scenario, str(row["city"]), actor)
            tx.add("plans", row)
    return label


def found_name(city: City) -> str:
    """The name a city is found by: its folder's."""
    return city.folder.name if city.folder is not None else city.name


def _keep_scenario(tx: Any, scenario: Scenario, city: str, actor: Actor) -> None:
    if tx.one("scenarios", id=scenario.id) is None:
        content = json.loads(scenario.to_json())
        tx.add("scenarios", {"id": scenario.id, "city": city, "title": scenario.title, "content": content, "by": actor.id, "created_at": now()})


def propose(store: Store, actor: Actor, plan: str, body: str = "") -> str:
    """Put a registered plan to the vote, under the committee's rules of today; the proposal's id.

    Raises
    ------
    Forbidden: without `plan.propose`.
    InputError: all faults at once: `proposal.text`, `proposal.open` (it is before the committee already), `proposal.approved`,
        `proposal.superseded` (its file is another now), `proposal.members` (the committee has none).
    """
    require(actor, "plan.propose")
    text, faults = clean(body), []
    if len(text) > TEXT_MOST:
        faults.append(Fault("proposal.text", f"A proposal's text has at most {TEXT_MOST} signs", "Write less", str(len(text))))
    with store.write(actor.id, "plan.propose", plan) as tx:
        found = tx.get("plans", plan)
        status = status_of(tx, found)
        if status.key == "proposed":
            faults.append(Fault("proposal.open", "The plan is before the committee already", "Vote on it", str(found["plan"])))
        if status.key == "approved":
            faults.append(Fault("proposal.approved", "The committee has approved this plan", "Propose another plan", str(found["plan"])))
        if status.key == "superseded":
            faults.append(Fault("proposal.superseded", "The plan's file is another now, or gone", "Register the plan anew", str(found["plan"])))
        if tx.one("members", city=found["city"], active=True) is None:
            faults.append(Fault("proposal.members", "The committee has no active member", "Take members in first", str(found["city"])))
        if faults:
            raise InputError(faults)
        by = rules(tx, str(found["city"]))
        row = {"city": found["city"], "plan": plan, "body": text, "quorum": by.quorum, "majority": by.majority, "by": actor.id, "opened_at": now()}
        proposal = tx.add("proposals", {**row, "closed_at": None})
        tx.told = {"proposal": proposal}
        return proposal


def remark(store: Store, actor: Actor, proposal: str, body: str) -> str:
    """Say something on an open proposal; the remark's id.

    Raises
    ------
    Forbidden: without `discussion.write`. InputError: both faults at once, `remark.text` and `remark.closed`.
    """
    require(actor, "discussion.write")
    text, faults = clean(body), []
    if not fits(text, TEXT_MOST):
        faults.append(Fault("remark.text", f"A remark has 1 to {TEXT_MOST} signs", "Write a remark", str(len(text))))
    with store.write(actor.id, "discussion.write", proposal) as tx:
        if tx.get("proposals", proposal)["closed_at"] is not None:
            faults.append(Fault("remark.closed", "This proposal is closed", "Its remarks stay as they are", proposal))
        if faults:
            raise InputError(faults)
        return tx.add("remarks", {"proposal": proposal, "body": text, "by": actor.id, "created_at": now()})


def close(store: Store, actor: Actor, proposal: str, reason: str = "") -> Row:
    """End the vote: the count says whether the plan is approved or sent back; the decision.

    A plan whose file is another now is sent back whatever the votes say: nobody voted on what lies there.

    Parameters
    ----------
    reason: why it is sent back; what is remarked on an approval may stay empty.

    Raises
    ------
    Forbidden: without `vote.close`.
    InputError: all faults at once: `closing.closed`, `closing.reason` where a plan would be sent back without one, or it is too long.
    """
    require(actor, "vote.close")
    text, faults = clean(reason), []
    with store.write(actor.id, "vote.close", proposal) as tx:
        found = tx.get("proposals", proposal)
        if found["closed_at"] is not None:
            faults.append(Fault("closing.closed", "This proposal is closed already", "Its decision stands in the history", proposal))
        counted, plan = count_of(tx, found), tx.get("plans", str(found["plan"]))
        same = digest_now(plan) == plan["digest"]
        outcome = "approved" if counted.carried and same else "sent_back"
        if not (text or outcome == "approved") or len(text) > TEXT_MOST:
            what = f"Sending a plan back needs a reason of 1 to {TEXT_MOST} signs"
            faults.append(Fault("closing.reason", what, "Write what has to change", str(len(text))))
        if faults:
            raise InputError(faults)
        when = now()
        tx.change("proposals", proposal, closed_at=when)
        told = {**counted.told(), "same_file": same}
        row = {"proposal": proposal, "plan": found["plan"], "outcome": outcome, "reason": text, "count": told, "by": actor.id, "created_at": when}
        label = tx.add("decisions", row)
        tx.told = {"outcome": outcome, "count": told}
        return {"id": label, **row}


def publish(store: Store, actor: Actor, plan: str, *, shown: bool = True) -> None:
    """Show a plan to the public, or no longer.

    Raises
    ------
    Forbidden: without `plan.publish`.
    InputError: `publishing.unverified`, `publishing.superseded`.
    """
    require(actor, "plan.publish")
    with store.write(actor.id, "plan.publish", plan, {"shown": shown}) as tx:
        found = tx.get("plans", plan)
        faults = []
        if shown and not found["verified"]:
            faults.append(Fault("publishing.unverified", "The verifier has not agreed to this plan", "Plan again", str(found["plan"])))
        if shown and digest_now(found) != found["digest"]:
            faults.append(Fault("publishing.superseded", "The plan's file is another now, or gone", "Register the plan anew", str(found["plan"])))
        if faults:
            raise InputError(faults)
        tx.change("plans", plan, published_at=now() if shown else None)


def publish_file(store: Store, actor: Actor, city: City, path: str | Path, check: Check) -> str:
    """Show a plan's file to the public, put on record first where it is not yet; its id there. Errors as `register` and `publish`."""
    require(actor, "plan.publish")
    label = register(store, actor, city, path, check)
    publish(store, actor, label)
    return label


def public(plan: Row) -> bool:
    """Whether anyone may see a plan: published, agreed to by the verifier, and its file still the one that was."""
    return plan["published_at"] is not None and bool(plan["verified"]) and digest_now(plan) == plan["digest"]


def published_plans(store: Store, city: str) -> list[Row]:
    """The plans of a city that anyone may see, the newest first, each with its `status`."""
    with store.read() as tx:
        found = [row for row in tx.rows("plans", order="published_at", city=city) if public(row)]
        return [{**row, "status": dataclasses.asdict(status_of(tx, row))} for row in reversed(found)]


def published_ids(store: Store, city: str) -> tuple[str, ...]:
    """Ids of the plans of a city that anyone may see, whose files stand under their ids in its folder plans."""
    with store.read() as tx:
        rows = tx.rows("plans", order="published_at", city=city)
    return tuple(sorted({str(row["plan"]) for row in rows if row["file"] == f"{row['plan']}.gpkg" and public(row)}))


def unpublish(store: Store, actor: Actor, city: str, plan_id: str) -> bool:
    """Show a plan to the public no longer, whichever of its files was shown; False where none was.

    Raises
    ------
    Forbidden: without `plan.publish`.
    """
    require(actor, "plan.publish")
    with store.read() as tx:
        shown = [str(row["id"]) for row in tx.rows("plans", city=city, plan=plan_id) if row["published_at"] is not None]
    for label in shown:
        publish(store, actor, label, shown=False)
    return bool(shown)


def public_decisions(store: Store, city: str) -> list[Row]:
    """What the committee of a city decided, for everyone, the newest first: `outcome`, `reason`, `count`, `created_at`, `plan` (its own id), and
    `title`, `capital_inr`, `coverage` where the plan is public; who voted how is not in it.
    """
    with store.read() as tx:
        plans = {str(row["id"]): row for row in tx.rows("plans", city=city)}
        found = []
        for row in tx.rows("decisions", order="created_at", plan=tuple(plans)):
            plan = plans[str(row["plan"])]
            more = {key: plan[key] for key in ("title", "capital_inr", "coverage")} if public(plan) else {}
            said = {key: row[key] for key in ("outcome", "reason", "count", "created_at")}
            found.append({**said, "plan": plan["plan"], "public": bool(more), **more})
        return found[::-1]


def history(tx: Reading, city: str) -> list[Mapping[str, Any]]:
    """Every proposal of a city, the newest first, with its `plan` row, its `decision` row (None while open) and who proposed it."""
    plans = {str(row["id"]): row for row in tx.rows("plans", city=city)}
    decisions = {str(row["proposal"]): row for row in tx.rows("decisions", plan=tuple(plans))}
    found = tx.rows("proposals", order="opened_at", city=city)
    return [{**row, "plan_row": plans[str(row["plan"])], "decision": decisions.get(str(row["id"]))} for row in reversed(found)]
