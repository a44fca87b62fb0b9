"""The committee from a terminal: each command as its account, and what it prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cli
from planning.accounts import TERMINAL, add_account, turn_off
from planning.city import City
from planning.export import write_plan
from planning.nouns import Plan
from planning.store import Store, open_store

Runner = Callable[..., str]


@pytest.fixture(name="store")
def process_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The process's store, with an account of each role."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CHAUKAS_DATABASE_URL", raising=False)
    (tmp_path / "state").mkdir()
    store = open_store()
    for name, role in (("asha", "member"), ("bina", "member"), ("pia", "planner"), ("root", "admin"), ("gone", "admin")):
        label = add_account(store, TERMINAL, name, title=name.title(), roles=[role])
        if name == "gone":
            turn_off(store, TERMINAL, label)
    return store


@pytest.fixture(name="plan_id")
def saved_plan(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The town with its verified plan, where cities are looked for; the plan's id."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path / "cities"))
    city = town.save(tmp_path / "cities" / "toy")
    write_plan(plan, city, tmp_path / "cities" / "toy" / "plans" / f"{plan.id}.gpkg")
    return plan.id


@pytest.fixture(name="run")
def runner(store: Store, plan_id: str, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Runs `chaukas committee` with these words; what it printed. It ends well, or as `status` says."""

    def go(*words: str, status: int = 0) -> str:
        assert cli.main(["committee", *words]) == status
        told = capsys.readouterr()
        return told.out if status == 0 else told.err

    return go


def test_an_administrator_opens_suggestions_to_everybody(run: Runner) -> None:
    """Closed until then; a planner may not; the state is told with how many there are."""
    assert run("suggestions", "toy").splitlines() == ["suggestions of toy: of people with an account", "waiting  0", "shown    0", "hidden   0"]
    assert "access.forbidden" in run("suggestions", "toy", "--open", "--as", "pia", status=1)
    assert "acting.account" in run("suggestions", "toy", "--open", status=1)
    assert run("suggestions", "toy", "--open", "--as", "root").startswith("suggestions of toy: open to everybody, at /suggest/toy")
    assert "open to everybody" in run("suggestions", "toy")
    assert "of people with an account" in run("suggestions", "toy", "--close", "--as", "root")


def test_a_committee_decides_from_a_terminal(run: Runner, plan_id: str, store: Store, tmp_path: Path) -> None:
    """Members, rules, the verifier's agreement, votes at the terminal and on paper, the decision, money and work of files, each by its account."""
    run("members", "add", "toy", "Asha", "--for", "traders", "--account", "asha", "--as", "root")
    run("members", "add", "toy", "Bina", "--for", "doctors", "--account", "bina", "--as", "root")
    run("members", "add", "toy", "Dadi", "--for", "youth", "--as", "root")
    assert run("members", "list", "toy").splitlines()[2] == "Dadi\tyouth\ton paper\tactive"
    assert "nobody yet" in run("rules", "toy")
    assert "66.7 %" in run("rules", "toy", "--quorum", "2/3", "--as", "root")
    assert "is before the committee" in run("propose", "toy", plan_id, "--as", "asha", "--text", "Market road first")
    run("vote", "toy", "yes", "--as", "asha")
    run("vote", "toy", "yes", "--as", "pia", "--paper", "Dadi")
    assert "yes 1, no 0" in run("status", "toy")
    assert "second person" in run("vote", "toy", "yes", "--as", "pia", "--confirm", "Dadi", status=1)
    run("vote", "toy", "yes", "--as", "bina", "--confirm", "Dadi")
    assert run("close", "toy", "--as", "pia").startswith("approved: yes 2, no 0")
    assert f"{plan_id}\tapproved\tnot public" in run("status", "toy")
    (tmp_path / "money.csv").write_text(
        "Kind,Head,Amount,Who,Date,Note\nreceived,any,2 lakh,Union,05-01-2026,\nspent,pole,9 lakh,Works,05-01-2026,\n"
    )
    assert "overspent" in run("money", "toy", plan_id, "--file", str(tmp_path / "money.csv"), "--as", "pia")
    assert "there already" in run("money", "toy", plan_id, "--file", str(tmp_path / "money.csv"), "--as", "pia", status=1)
    site = run("works", "toy", plan_id).split("\t")[0]
    (tmp_path / "works.csv").write_text(f"site,state,date,phase,due\n{site},ordered,05-01-2026,1,06-01-2026\n")
    told = run("works", "toy", plan_id, "--file", str(tmp_path / "works.csv"), "--as", "pia")
    assert f"{site}\tordered\t2026-01-05\t2026-01-06\toverdue" in told
    assert "ordered 1" in told
    by = {line["by"] for line in lines(store)}
    with store.read() as tx:
        names = {row["id"]: row["name"] for row in tx.rows("accounts")}
    assert {names.get(one, one) for one in by} == {"asha", "bina", "pia", "root", "terminal"}


def lines(store: Store) -> list[dict[str, str]]:
    """The lines of the audit."""
    with store.read() as tx:
        return list(tx.lines())


def test_each_command_needs_an_open_account_with_the_right(run: Runner, plan_id: str) -> None:
    """Nobody, a closed account, one without the right and an unknown one are refused, and nothing is changed."""
    assert "no right" in run("members", "add", "toy", "Asha", "--for", "traders", "--as", "asha", status=1)
    assert "closed" in run("members", "add", "toy", "Asha", "--for", "traders", "--as", "gone", status=1)
    assert run("members", "add", "toy", "Asha", "--for", "traders", "--as", "nobody", status=1)
    assert "Nobody is named" in run("rules", "toy", "--quorum", "1/2", status=1)
    assert run("members", "list", "toy") == ""


def test_what_is_not_before_the_committee_is_told(run: Runner, plan_id: str) -> None:
    """No open proposal, a member of no such name, a plan that is not on record, a paper entered and confirmed at once."""
    assert "No such plan is before" in run("vote", "toy", "yes", "--as", "asha", status=1)
    assert "not both" in run("vote", "toy", "yes", "--as", "asha", "--paper", "A", "--confirm", "A", status=1)
    assert "on record" in run("money", "toy", plan_id, status=1)
    run("members", "add", "toy", "Dadi", "--for", "youth", "--as", "root")
    run("propose", "toy", plan_id, "--as", "asha")
    assert "No member" in run("vote", "toy", "yes", "--as", "pia", "--paper", "Nobody", status=1)
    assert "no such entry" in run("vote", "toy", "yes", "--as", "pia", "--confirm", "Dadi", status=1)
