"""A plan that was tampered with is refused, whatever was done to it; the plan itself passes."""

from __future__ import annotations

from collections import Counter

from benchmarks.mutants import accepted, mutants
from optimizer.verify import verify
from planning.city import City
from planning.nouns import Plan


def test_the_plan_itself_passes(plan: Plan, town: City) -> None:
    """Else the refusals below would say nothing."""
    assert verify(plan, town).cost_inr == plan.cost_inr


def test_every_way_of_tampering_is_refused(plan: Plan, town: City) -> None:
    """Three plans for each way; the benchmark tries ten thousand."""
    assert accepted(plan, town, 45, seed=7) == []


def test_each_way_changes_the_plan(plan: Plan) -> None:
    """No tampered plan is the plan it came from, and each way comes as often as the others."""
    made = list(mutants(plan, 30))
    assert set(Counter(name for name, _ in made).values()) == {2}
    same = [
        name
        for name, mutant in made
        if mutant.demand.equals(plan.demand) and (mutant.cameras, mutant.sites, mutant.scorecard, mutant.proof)
        == (plan.cameras, plan.sites, plan.scorecard, plan.proof)
    ]  # fmt: skip
    assert same == []
