"""Money given and spent for a plan, head by head against its bill of quantities.

    budgeted   what the plan's own bill says of the head
    promised   what someone undertook to give       received   what came in of it       spent   what was paid out
    left       budgeted less spent; below 0 it is overspent, and so is whatever was spent beyond what came in

Nothing entered is changed or taken away: an entry below 0, with a note, corrects an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from planning.access import Actor, require
from planning.bill import HEADS
from planning.errors import ChaukasError, Fault, InputError
from planning.money import parse_rupees
from planning.nouns import Plan
from planning.proposals import status_of
from planning.store import Reading, Row, Store, now
from planning.writing import clean, fits, read_day, today

KINDS = ("promised", "received", "spent")
CAMERAS, UPKEEP, OTHER, ANY = "cameras", "upkeep", "other", "any"
HEADS_KNOWN = (CAMERAS, *HEADS, UPKEEP, OTHER, ANY)  # `any`: given for whatever the plan needs; nothing is spent under it
WHO_MOST, NOTE_MOST = 120, 500
LARGEST_INR = 10**13
COLUMNS = ("kind", "head", "amount", "who", "date", "note")


@dataclass(frozen=True)
class Line:
    """One head of the ledger [INR]."""

    head: str
    budgeted: int
    promised: int
    received: int
    spent: int

    @property
    def left(self) -> int:
        """What the bill leaves [INR]; below 0 where it is overspent."""
        return self.budgeted - self.spent

    @property
    def overspent(self) -> bool:
        """Whether more was spent than the bill says."""
        return self.spent > self.budgeted


@dataclass(frozen=True)
class Entry:
    """One payment as it was written: kind, head, rupees (below 0 for a correction), who gave or got it, the day, a note."""

    kind: str
    head: str
    amount_inr: int
    who: str
    day: date | None
    note: str = ""


def budget_by_head(plan: Plan) -> dict[str, int]:
    """What the plan's bill says of each head, cameras first; together the plan's capital cost [INR]."""
    found = {CAMERAS: sum(camera.cost_inr for camera in plan.cameras)}
    for site in plan.sites:
        for head, amount in site.heads:
            found[head] = found.get(head, 0) + amount
    return found


def ledger(budget: Mapping[str, int], payments: Iterable[Row]) -> tuple[Line, ...]:
    """The ledger: a line for each head that the bill or an entry names, in the bill's order.

    Parameters
    ----------
    budget: of `budget_by_head` [INR]. payments: rows of one plan.
    """
    sums: dict[str, dict[str, int]] = {}
    for row in payments:
        mine = sums.setdefault(str(row["head"]), dict.fromkeys(KINDS, 0))
        mine[str(row["kind"])] += int(row["amount_inr"])
    none = dict.fromkeys(KINDS, 0)
    order = [head for head in dict.fromkeys((*HEADS_KNOWN, *budget, *sums)) if head in budget or head in sums]
    return tuple(Line(head, budget.get(head, 0), **sums.get(head, none)) for head in order)


def total(lines: Iterable[Line]) -> Line:
    """All lines together, under the head `all`."""
    found = list(lines)
    return Line("all", *(sum(getattr(line, name) for line in found) for name in ("budgeted", *KINDS)))


def payments_of(tx: Reading, plan: str) -> list[Row]:
    """A plan's entries in the order of their entering."""
    return tx.rows("payments", order="created_at", plan=plan)


def enter(store: Store, actor: Actor, plan: str, entries: Sequence[Entry], *, names: Sequence[str] = ()) -> list[str]:
    """Enter payments: all of them, or none where any is at fault; their ids.

    Parameters
    ----------
    plan: id of a registered plan. names: what to call each entry where a fault is told, such as its row in a file.

    Raises
    ------
    Forbidden: without `money.write`.
    InputError: every fault of every entry: `payment.kind`, `payment.head`, `payment.amount`, `payment.who`, `payment.day`, `payment.note`,
        `payment.unapproved` (money is spent on an approved plan only), `payment.below` (a correction would leave less than nothing),
        `payment.twice` (this very entry is there already).
    """
    require(actor, "money.write")
    cleaned = [Entry(one.kind, one.head, one.amount_inr, clean(one.who).replace("\n", " "), one.day, clean(one.note)) for one in entries]
    labels = [name if len(cleaned) > 1 or name else "" for name in (names or [""] * len(cleaned))]
    faults = [fault for one, label in zip(cleaned, labels, strict=True) for fault in _faults(one, label)]
    with store.write(actor.id, "money.write", plan, {"entries": len(cleaned)}) as tx:
        found = tx.get("plans", plan)
        if any(one.kind == "spent" for one in cleaned) and status_of(tx, found).key != "approved":
            faults.append(Fault("payment.unapproved", "Money is spent on an approved plan only", "Let the committee decide first", found["plan"]))
        there = payments_of(tx, plan)
        faults += _against(there, cleaned, labels)
        if faults or not cleaned:
            raise InputError(faults or [Fault("payment.none", "There is no entry", "Give at least one", "")])
        base = {"city": found["city"], "plan": plan, "by": actor.id, "created_at": now()}
        return [
            tx.add(
                "payments",
                {
                    **base,
                    "kind": one.kind,
                    "head": one.head,
                    "amount_inr": one.amount_inr,
                    "who": one.who,
                    "note": one.note,
                    "paid_on": one.day.isoformat() if one.day else "",
                },
            )
            for one in cleaned
        ]


def _faults(one: Entry, label: str) -> list[Fault]:
    """What is wrong with an entry by itself."""
    found: list[Fault] = []

    def need(holds: bool, code: str, what: str, way_out: str, value: object) -> None:
        if not holds:
            found.append(Fault(code, what, way_out, f"{label}: {value}" if label else str(value)[:100]))

    need(one.kind in KINDS, "payment.kind", "Money is promised, received or spent", "Choose one of the three", one.kind[:40])
    good = one.head in HEADS_KNOWN and not (one.kind == "spent" and one.head == ANY)
    need(good, "payment.head", "This head is not known, or nothing can be spent under it", f"Choose of {', '.join(HEADS_KNOWN[:-1])}", one.head[:40])
    whole = isinstance(one.amount_inr, int) and not isinstance(one.amount_inr, bool) and 0 < abs(one.amount_inr) <= LARGEST_INR
    need(whole, "payment.amount", "An amount is whole rupees, not 0", "Write rupees", one.amount_inr)
    need(fits(one.who, WHO_MOST), "payment.who", f"Who gave or got it is told in 1 to {WHO_MOST} signs", "Write the name", one.who[:40])
    sane = one.day is not None and date(2000, 1, 1) <= one.day <= today()
    need(sane, "payment.day", "The day is not one between 2000 and today", "Write it as 2026-11-27", one.day)
    noted = len(one.note) <= NOTE_MOST and (one.amount_inr > 0 or bool(one.note))
    need(noted, "payment.note", f"A note has at most {NOTE_MOST} signs, and a correction asks for one", "Write what it corrects", one.note[:40])
    return found


def _against(there: Sequence[Row], entries: Sequence[Entry], labels: Sequence[str]) -> list[Fault]:
    """What is wrong with entries beside those that are there."""

    def key(row: Row) -> tuple[object, ...]:
        return tuple(row[name] for name in ("kind", "head", "amount_inr", "who", "paid_on", "note"))

    seen, sums, faults = {key(row) for row in there}, dict[tuple[str, str], int](), []
    for row in there:
        pair = (str(row["kind"]), str(row["head"]))
        sums[pair] = sums.get(pair, 0) + int(row["amount_inr"])
    for one, label in zip(entries, labels, strict=True):
        mine = (one.kind, one.head, one.amount_inr, one.who, one.day.isoformat() if one.day else "", one.note)
        if mine in seen:
            way_out = "Leave it away, or write a note that tells the two apart"
            faults.append(Fault("payment.twice", "This very entry is there already", way_out, label or one.who))
        seen.add(mine)
        pair = (one.kind, one.head)
        sums[pair] = sums.get(pair, 0) + one.amount_inr
        if sums[pair] < 0:
            faults.append(
                Fault("payment.below", "This correction would leave less than nothing", "Correct no more than was entered", label or one.head)
            )
    return faults


def read_entries(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Entry], list[str], list[Fault]]:
    """Entries of a table's rows with the columns `COLUMNS`; how each is called, and what of its amounts could not be read.

    An amount may be written in any way `planning.money` reads, with a sign before it; what cannot be read is told as `payment.amount`.
    """
    entries, names, faults = [], [], list[Fault]()
    for number, row in enumerate(rows, 1):
        said = {name: str(row.get(name) or "").strip() for name in COLUMNS}
        sign = -1 if said["amount"][:1] in ("-", "−") else 1
        try:
            amount = sign * parse_rupees(said["amount"].lstrip("-−"))
        except ChaukasError as error:
            amount = 1
            faults.append(Fault("payment.amount", error.faults[0].what, error.faults[0].way_out, f"row {number}: {said['amount'][:40]}"))
        entries.append(Entry(said["kind"].casefold(), said["head"].casefold(), amount, said["who"], read_day(said["date"]), said["note"]))
        names.append(f"row {number}")
    return entries, names, faults
