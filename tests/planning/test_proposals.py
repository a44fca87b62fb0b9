"""Plans before the committee: on record, proposed, decided, shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.access import PUBLIC, Actor
from planning.accounts import TERMINAL
from planning.ballots import cast, confirm_paper, enter_paper
from planning.city import City
from planning.committee import set_rules
from planning.errors import ChaukasError, Disagreement, Forbidden, InputError
from planning.export import write_plan
from planning.nouns import Plan
from planning.proposals import (
    OUTCOMES,
    STATUSES,
    Status,
    close,
    history,
    plan_status,
    propose,
    public_decisions,
    publish,
    publish_file,
    published_ids,
    published_plans,
    register,
    remark,
    status_of,
    unpublish,
)
from planning.store import Store
from tests.planning.seats import ADMIN, CITY, Hall, open_hall, record_plan

EVENTS = st.lists(st.sampled_from(OUTCOMES), max_size=6)


@given(EVENTS, st.booleans(), st.sampled_from(["d", "other", None]))
def test_a_status_follows_from_decisions_alone(outcomes: list[str], running: bool, digest: str | None) -> None:
    """The last decision says it, an open proposal before that, another file before all; decisions of other plans say nothing."""
    plan = {"id": "p", "digest": "d"}
    decisions: list[dict[str, Any]] = [
        {"plan": "p", "proposal": f"q{k}", "outcome": outcome, "reason": f"r{k}", "created_at": f"{k:03d}"} for k, outcome in enumerate(outcomes)
    ]
    proposals: list[dict[str, Any]] = [{"id": f"q{k}", "plan": "p", "closed_at": "x"} for k in range(len(outcomes))]
    proposals += [{"id": "now", "plan": "p", "closed_at": None}] if running else []
    strange = {"plan": "z", "proposal": "z", "outcome": "approved", "reason": "", "created_at": "999"}
    found = plan_status(plan, [*proposals, {"id": "z", "plan": "z", "closed_at": None}], [strange, *decisions[::-1]], digest)
    assert found.key in STATUSES
    if digest != "d":
        assert found == Status("superseded")
    elif running:
        assert found == Status("proposed", "", "now")
    elif outcomes:
        last = len(outcomes) - 1
        assert found == Status(outcomes[-1], f"r{last}" if outcomes[-1] == "sent_back" else "", f"q{last}")
    else:
        assert found == Status("draft")


def key_of(hall: Hall) -> str:
    """The status of the hall's plan."""
    with hall.store.read() as tx:
        return status_of(tx, tx.get("plans", hall.plan)).key


def codes_of(work: Any) -> list[str]:
    """The codes of what this is refused with, sorted."""
    with pytest.raises(ChaukasError) as refused:
        work()
    return sorted(fault.code for fault in refused.value.faults)


def decide(hall: Hall, *choices: str, reason: str = "") -> str:
    """A proposal that the members with accounts vote on, closed; its outcome."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    for actor, choice in zip(hall.members.values(), choices, strict=False):
        cast(hall.store, actor, proposal, choice)
    return str(close(hall.store, hall.planner, proposal, reason)["outcome"])


def test_a_plan_is_proposed_voted_on_at_the_screen_and_on_paper_and_approved(store: Store, cities: Path) -> None:
    """The way through, on either database: draft, proposed, approved; the decision keeps the count, and the audit is whole."""
    hall = open_hall(store, cities)
    assert key_of(hall) == "draft"
    proposal = propose(store, hall.members["M0"], hall.plan, "For the market road")
    assert key_of(hall) == "proposed"
    remark(store, hall.members["M1"], proposal, "Good")
    for name, choice in (("M0", "yes"), ("M1", "yes"), ("M2", "no")):
        cast(store, hall.members[name], proposal, choice)
    vote = enter_paper(store, hall.planner, proposal, hall.seats["P0"], "yes")
    confirm_paper(store, hall.second, vote, "yes")
    decision = close(store, hall.planner, proposal)
    assert decision["outcome"] == "approved"
    assert {key: decision["count"][key] for key in ("members", "yes", "no", "abstain", "waiting")} == {
        "members": 4, "yes": 3, "no": 1, "abstain": 0, "waiting": 0,
    }  # fmt: skip
    assert key_of(hall) == "approved"
    assert store.verify()[1] is None


def test_without_a_quorum_or_a_majority_a_plan_is_sent_back_with_a_reason(hall: Hall) -> None:
    """One yes of four is no quorum, a tie is no majority; both ask for a reason, which the status then tells."""
    assert codes_of(lambda: decide(hall, "yes")) == ["closing.reason"]
    with hall.store.read() as tx:
        running = str(tx.rows("proposals")[0]["id"])
    assert close(hall.store, hall.planner, running, "Too few came")["outcome"] == "sent_back"
    assert decide(hall, "yes", "no", reason="Wards 3 and 4 are left out") == "sent_back"
    with hall.store.read() as tx:
        assert status_of(tx, tx.get("plans", hall.plan)).reason == "Wards 3 and 4 are left out"
    assert decide(hall, "yes", "yes", "no") == "approved"


def test_a_proposal_keeps_the_rules_of_its_day(hall: Hall) -> None:
    """Rules made stricter while people vote do not move the line."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    set_rules(hall.store, ADMIN, CITY, 1.0, 1.0)
    cast(hall.store, hall.members["M0"], proposal, "yes")
    cast(hall.store, hall.members["M1"], proposal, "yes")
    assert close(hall.store, hall.planner, proposal)["outcome"] == "approved"


def test_a_plan_is_before_the_committee_once_and_an_approved_one_stays_so(hall: Hall) -> None:
    """Neither an open nor an approved plan can be proposed."""
    propose(hall.store, hall.planner, hall.plan)
    assert codes_of(lambda: propose(hall.store, hall.planner, hall.plan, "x" * 3000)) == ["proposal.open", "proposal.text"]
    with hall.store.read() as tx:
        running = str(tx.rows("proposals")[0]["id"])
    for name in ("M0", "M1"):
        cast(hall.store, hall.members[name], running, "yes")
    close(hall.store, hall.planner, running)
    assert codes_of(lambda: propose(hall.store, hall.planner, hall.plan)) == ["proposal.approved"]


def test_a_committee_of_nobody_is_asked_nothing(sqlite: Store, cities: Path) -> None:
    """Without an active member there is no proposal."""
    hall = open_hall(sqlite, cities, seats=0, papers=0)
    assert codes_of(lambda: propose(sqlite, hall.planner, hall.plan)) == ["proposal.members"]


def test_another_file_supersedes_a_plan_whatever_was_decided(hall: Hall) -> None:
    """A changed byte, or a file gone, is no longer what was voted on; the old file back is the old plan again."""
    assert decide(hall, "yes", "yes") == "approved"
    was = hall.file.read_bytes()
    hall.file.write_bytes(was + b" ")
    assert key_of(hall) == "superseded"
    assert codes_of(lambda: propose(hall.store, hall.planner, hall.plan)) == ["proposal.superseded"]
    hall.file.unlink()
    assert key_of(hall) == "superseded"
    hall.file.write_bytes(was)
    assert key_of(hall) == "approved"


def test_votes_on_a_plan_whose_file_changed_approve_nothing(hall: Hall) -> None:
    """Closed after the change, it is sent back however many said yes."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    for actor in hall.members.values():
        cast(hall.store, actor, proposal, "yes")
    hall.file.write_text("another plan", encoding="utf-8")
    assert codes_of(lambda: close(hall.store, hall.planner, proposal)) == ["closing.reason"]
    decision = close(hall.store, hall.planner, proposal, "The file was replaced")
    assert (decision["outcome"], decision["count"]["same_file"]) == ("sent_back", False)


def test_a_closed_proposal_stays_closed(hall: Hall) -> None:
    """No vote, no remark, no second decision; only who may close does."""
    proposal = propose(hall.store, hall.planner, hall.plan)
    with pytest.raises(Forbidden):
        close(hall.store, hall.members["M0"], proposal, "x")
    close(hall.store, hall.planner, proposal, "x")
    assert codes_of(lambda: cast(hall.store, hall.members["M0"], proposal, "yes")) == ["ballot.closed"]
    assert codes_of(lambda: remark(hall.store, hall.members["M0"], proposal, " ")) == ["remark.closed", "remark.text"]
    assert codes_of(lambda: close(hall.store, hall.planner, proposal, "x")) == ["closing.closed"]


def test_the_public_sees_what_was_published_and_every_decision_without_names(hall: Hall) -> None:
    """A plan is seen once it is published, no longer once its file is another; a decision is told without what is not public, and without voters."""
    decide(hall, "yes", "yes")
    assert published_plans(hall.store, CITY) == []
    (told,) = public_decisions(hall.store, CITY)
    assert (told["outcome"], told["public"], "capital_inr" in told) == ("approved", False, False)
    assert "by" not in told
    with pytest.raises(Forbidden):
        publish(hall.store, PUBLIC, hall.plan)
    publish(hall.store, hall.planner, hall.plan)
    assert [row["status"]["key"] for row in published_plans(hall.store, CITY)] == ["approved"]
    assert public_decisions(hall.store, CITY)[0]["capital_inr"] == 1_000_000
    assert published_plans(hall.store, "elsewhere") == public_decisions(hall.store, "elsewhere") == []
    hall.file.write_text("another plan", encoding="utf-8")
    assert published_plans(hall.store, CITY) == []
    assert codes_of(lambda: publish(hall.store, hall.planner, hall.plan)) == ["publishing.superseded"]
    publish(hall.store, hall.planner, hall.plan, shown=False)


def test_a_file_is_put_on_record_and_shown_in_one_step(
    town: City, plan: Plan, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Who may publish shows a plan's file; the same file again is the same row; who may only propose is refused before anything is checked."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    city = town.save(tmp_path / "toy")
    path = tmp_path / "toy" / "plans" / f"{plan.id}.gpkg"
    write_plan(plan, city, path)
    asked: list[str] = []

    def check(found: Plan, _: City) -> None:
        asked.append(found.id)

    with pytest.raises(Forbidden):
        publish_file(store, Actor("m", "m", ("member",)), city, path, check)
    assert asked == []
    label = publish_file(store, TERMINAL, city, path, check)
    assert published_ids(store, "toy") == (plan.id,)
    assert unpublish(store, TERMINAL, "toy", plan.id)
    assert published_ids(store, "toy") == ()
    assert publish_file(store, TERMINAL, city, path, check) == label
    assert published_ids(store, "toy") == (plan.id,)


def test_an_unverified_plan_is_never_published(hall: Hall) -> None:
    """Even one that came onto record some other way."""
    with hall.store.write("a0", "plan.publish", hall.plan) as tx:
        tx.change("plans", hall.plan, verified=False, published_at="2026-01-01")
    assert published_plans(hall.store, CITY) == []
    assert codes_of(lambda: publish(hall.store, hall.planner, hall.plan)) == ["publishing.unverified"]


def test_the_history_tells_each_proposal_with_its_plan_and_decision(hall: Hall) -> None:
    """The newest first; an open one has no decision yet."""
    decide(hall, "no", "no", reason="Too dear")
    other, _ = record_plan(hall.store, hall.file.parents[2], "ba9876543210")
    propose(hall.store, hall.planner, other)
    with hall.store.read() as tx:
        first, second = history(tx, CITY)
    assert (first["plan_row"]["plan"], first["decision"]) == ("ba9876543210", None)
    assert second["decision"]["reason"] == "Too dear"


@pytest.fixture(name="real")
def real_plan(town: City, plan: Plan, sqlite: Store, cities: Path) -> tuple[Store, City, Path]:
    """The town saved, and the file of its plan."""
    city = town.save(cities / "toy")
    path = cities / "toy" / "plans" / f"{plan.id}.gpkg"
    path.parent.mkdir()
    write_plan(plan, city, path)
    return sqlite, city, path


def agree(_plan: Plan, _city: City) -> None:
    """A verifier that agrees."""


def test_a_plan_on_record_is_what_its_file_says(real: tuple[Store, City, Path], plan: Plan) -> None:
    """Registered twice it is one; registered after its file changed it is another, and the first is superseded."""
    store, city, path = real
    label = register(store, ADMIN, city, path, agree)
    assert register(store, ADMIN, city, path, agree) == label
    with store.read() as tx:
        row = tx.get("plans", label)
        assert (row["plan"], row["capital_inr"], row["verified"], row["scenario"]) == (plan.id, plan.cost_inr, True, plan.scenario.id)
        assert status_of(tx, row).key == "draft"
    write_plan(dataclasses.replace(plan, assumptions=("another",)), city, path)
    again = register(store, ADMIN, city, path, agree)
    with store.read() as tx:
        assert [status_of(tx, tx.get("plans", one)).key for one in (label, again)] == ["superseded", "draft"]


def test_what_the_verifier_does_not_agree_to_is_not_put_on_record(real: tuple[Store, City, Path], plan: Plan) -> None:
    """Its refusal passes through, an unverified file is refused before, and so is one made for another state of the city; no row is written."""
    store, city, path = real

    def differ(_plan: Plan, _city: City) -> None:
        raise Disagreement.one("verify.cost", "differs", "Plan again")

    assert codes_of(lambda: register(store, ADMIN, city, path, differ)) == ["verify.cost"]
    write_plan(dataclasses.replace(plan, verified=False, city_digest="0" * 16), city, path)
    assert codes_of(lambda: register(store, ADMIN, city, path, agree)) == ["register.city", "register.unverified"]
    with store.read() as tx:
        assert tx.rows("plans") == []


def test_a_file_that_changes_while_it_is_read_is_refused(real: tuple[Store, City, Path]) -> None:
    """What is put on record is what was read."""
    store, city, path = real

    def meanwhile(_plan: Plan, _city: City) -> None:
        with path.open("ab") as stream:
            stream.write(b"\0")

    assert codes_of(lambda: register(store, ADMIN, city, path, meanwhile)) == ["register.moving"]


def test_files_from_elsewhere_are_refused(real: tuple[Store, City, Path], tmp_path: Path) -> None:
    """Outside the city's folder, through a link too; and nobody registers without the right."""
    store, city, path = real
    outside = tmp_path / "plan.gpkg"
    outside.write_bytes(path.read_bytes())
    link = path.with_name("link.gpkg")
    link.symlink_to(outside)
    for wrong in (outside, link):
        assert codes_of(lambda wrong=wrong: register(store, ADMIN, city, wrong, agree)) == ["register.place"]  # type: ignore[misc]
    with pytest.raises(Forbidden):
        register(store, PUBLIC, city, path, agree)
    with pytest.raises(InputError):
        register(store, ADMIN, city, path.with_name("none.gpkg"), agree)
