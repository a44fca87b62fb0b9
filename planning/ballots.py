"""Votes on a proposal, and how they are counted.

    at the screen   a member votes with the own account, and may vote anew until the proposal is closed
    on paper        someone enters what the paper says, and a second person enters it again: it counts once both agree

Counted are the votes of active members: one a member, papers only once confirmed. The quorum is met where the votes in (yes, no and abstain) are at
least the quorum's share of active members. The plan is approved where besides yes is more than no, and at least the majority's share of yes and no:
an abstention helps the quorum and tips nothing, and a tie never carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from planning.access import Actor, require
from planning.committee import exact, member_of
from planning.errors import Fault, Forbidden, InputError
from planning.store import Reading, Row, Store, Writing, now

CHOICES = ("yes", "no", "abstain")


@dataclass(frozen=True)
class Count:
    """Votes counted: `members` are the active ones; `waiting` papers not confirmed yet; the rules counted by."""

    members: int
    yes: int
    no: int
    abstain: int
    waiting: int
    quorum: float
    majority: float

    @property
    def cast(self) -> int:
        """Votes that are in."""
        return self.yes + self.no + self.abstain

    @property
    def needed(self) -> int:
        """Votes that must be in for the quorum; at least one."""
        return max(math.ceil(exact(self.quorum) * self.members), 1)

    @property
    def met(self) -> bool:
        """Whether the quorum is met."""
        return self.cast >= self.needed

    @property
    def carried(self) -> bool:
        """Whether, as it stands, the plan is approved."""
        return self.met and self.yes > self.no and self.yes >= exact(self.majority) * (self.yes + self.no)

    def told(self) -> dict[str, int | float]:
        """The count as the decision keeps it."""
        return asdict(self)


def count(votes: Iterable[Mapping[str, object]], members: Iterable[Mapping[str, object]], quorum: float, majority: float) -> Count:
    """Count rows of `votes` of one proposal against rows of its city's `members`."""
    active = {str(member["id"]) for member in members if member["active"]}
    mine = {str(vote["member"]): vote for vote in votes if str(vote["member"]) in active}
    valid = [vote for vote in mine.values() if not vote["paper"] or vote["confirmed_by"]]
    by = {choice: sum(vote["choice"] == choice for vote in valid) for choice in CHOICES}
    return Count(len(active), by["yes"], by["no"], by["abstain"], len(mine) - len(valid), quorum, majority)


def count_of(tx: Reading, proposal: Row) -> Count:
    """The count of a proposal as it stands."""
    voted, all_members = tx.rows("votes", proposal=proposal["id"]), tx.rows("members", city=proposal["city"])
    return count(voted, all_members, float(proposal["quorum"]), float(proposal["majority"]))


def cast(store: Store, actor: Actor, proposal: str, choice: str) -> None:
    """A member's own vote, in place of any vote of the member before, on paper too.

    Raises
    ------
    Forbidden: without `vote.cast`, and `ballot.member` where the account has no active seat in this city's committee.
    InputError: `ballot.choice`, `ballot.closed`.
    """
    require(actor, "vote.cast")
    with store.write(actor.id, "vote.cast", proposal) as tx:
        found = _open(tx, proposal, choice)
        seat = member_of(tx, str(found["city"]), actor)
        if seat is None:
            way_out = "Ask the administrator for a seat, or to be made active again"
            raise Forbidden.one("ballot.member", "Your account has no active seat in this committee", way_out, actor.name)
        before = tx.one("votes", proposal=proposal, member=seat["id"])
        _put(tx, before, {"proposal": proposal, "member": seat["id"], "choice": choice, "paper": False, "by": actor.id, "confirmed_by": ""})


def enter_paper(store: Store, actor: Actor, proposal: str, member: str, choice: str) -> str:
    """What a member's paper says, entered by the first person; it does not count yet. The vote's id.

    Raises
    ------
    Forbidden: without `vote.enter_paper`.
    InputError: all faults at once: `ballot.choice`, `ballot.closed`, `ballot.seat` (no active member of this city), `ballot.voted` (the member has
        voted at the screen), `ballot.own` (the paper would be one's own).
    """
    require(actor, "vote.enter_paper")
    with store.write(actor.id, "vote.enter_paper", proposal) as tx:
        found = _open(tx, proposal, choice)
        seat = tx.one("members", id=member, city=found["city"], active=True)
        if seat is None:
            raise InputError.one("ballot.seat", "There is no such active member in this committee", "Choose one of the list", member)
        before = tx.one("votes", proposal=proposal, member=member)
        faults = []
        if before is not None and not before["paper"]:
            faults.append(Fault("ballot.voted", "This member has voted at the screen", "Only the member may change that vote", str(seat["name"])))
        if seat["account"] == actor.id:
            faults.append(Fault("ballot.own", "This is your own vote", "Vote at the screen", str(seat["name"])))
        if faults:
            raise InputError(faults)
        return _put(tx, before, {"proposal": proposal, "member": member, "choice": choice, "paper": True, "by": actor.id, "confirmed_by": ""})


def confirm_paper(store: Store, actor: Actor, vote: str, choice: str) -> None:
    """The second person reads the paper too: where both read the same, the vote counts from now on.

    Raises
    ------
    Forbidden: without `vote.confirm_paper`, and `ballot.same` where one person would do both.
    InputError: `ballot.choice`, `ballot.closed`, `ballot.confirmed`, `ballot.differs` where the two do not read the same.
    """
    require(actor, "vote.confirm_paper")
    with store.write(actor.id, "vote.confirm_paper", vote) as tx:
        found = tx.get("votes", vote)
        _open(tx, str(found["proposal"]), choice)
        seat = tx.get("members", str(found["member"]))
        if not found["paper"] or found["confirmed_by"]:
            raise InputError.one("ballot.confirmed", "This vote needs no confirmation any more", "Reload the page", str(seat["name"]))
        if actor.id in (found["by"], seat["account"]):
            raise Forbidden.one("ballot.same", "A paper is confirmed by a second person", "Ask someone else to read the paper", actor.name)
        if found["choice"] != choice:
            way_out = "Look at the paper together; whoever entered it may enter it anew"
            raise InputError.one("ballot.differs", "The paper was entered with another choice", way_out, str(seat["name"]))
        tx.change("votes", vote, confirmed_by=actor.id)
        tx.told = {"member": found["member"], "choice": choice}


def _open(tx: Reading, proposal: str, choice: str) -> Row:
    """The proposal, open still, and a choice that is one."""
    found = tx.get("proposals", proposal)
    faults = []
    if choice not in CHOICES:
        faults.append(Fault("ballot.choice", "A vote is yes, no or abstain", "Choose one of the three", str(choice)[:40]))
    if found["closed_at"] is not None:
        faults.append(Fault("ballot.closed", "This proposal is closed", "Its decision stands in the history", proposal))
    if faults:
        raise InputError(faults)
    return found


def _put(tx: Writing, before: Row | None, vote: Row) -> str:
    """Write a vote in place of the member's one before; its id."""
    tx.told = {"member": vote["member"], "choice": vote["choice"], "paper": vote["paper"], "before": before["choice"] if before else None}
    if before is None:
        return tx.add("votes", {**vote, "created_at": now()})
    return tx.change("votes", str(before["id"]), **vote, created_at=now())
