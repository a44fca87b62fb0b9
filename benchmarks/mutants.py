"""Plans tampered with in ways that would matter: each must be refused by the verifier."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from optimizer.verify import verify
from planning.city import City
from planning.errors import ChaukasError, Disagreement
from planning.nouns import Plan, PlannedCamera

Change = Callable[[Plan, random.Random], Plan]


def mutants(plan: Plan, number: int, *, seed: int = 1) -> Iterator[tuple[str, Plan]]:
    """So many tampered plans, each with the name of what was done, every way in turn."""
    draws = random.Random(seed)
    ways = list(_WAYS.items())
    for k in range(number):
        name, way = ways[k % len(ways)]
        yield name, way(plan, draws)


def accepted(plan: Plan, city: City, number: int, seed: int = 1) -> list[str]:
    """The names of tampered plans that the verifier let pass, of so many; any error of ours but its own refusal counts as one let pass."""
    passed = []
    for name, mutant in mutants(plan, number, seed=seed):
        try:
            verify(mutant, city)
        except Disagreement:
            continue
        except ChaukasError as error:
            passed.append(f"{name}: {error.code}")
        else:
            passed.append(name)
    return passed


def _camera(plan: Plan, draws: random.Random, change: Callable[[PlannedCamera], PlannedCamera]) -> Plan:
    row = draws.randrange(len(plan.cameras))
    return replace(plan, cameras=(*plan.cameras[:row], change(plan.cameras[row]), *plan.cameras[row + 1 :]))


def _moved(plan: Plan, draws: random.Random) -> Plan:
    by_x, by_y = draws.choice((-1, 1)) * draws.uniform(0.05, 60), draws.uniform(-60, 60)
    return _camera(plan, draws, lambda camera: replace(camera, x_m=camera.x_m + by_x, y_m=camera.y_m + by_y))


def _turned(plan: Plan, draws: random.Random) -> Plan:
    by = draws.uniform(1, 359)
    return _camera(plan, draws, lambda camera: replace(camera, bearing_deg=(camera.bearing_deg + by) % 360))


def _raised(plan: Plan, draws: random.Random) -> Plan:
    by = draws.uniform(0.5, 6)
    return _camera(plan, draws, lambda camera: replace(camera, height_m=camera.height_m + by))


def _widened(plan: Plan, draws: random.Random) -> Plan:
    by = draws.uniform(1, 40)
    return _camera(plan, draws, lambda camera: replace(camera, hfov_deg=camera.hfov_deg + by))


def _cheaper_camera(plan: Plan, draws: random.Random) -> Plan:
    share = draws.uniform(0.1, 0.95)
    return _camera(plan, draws, lambda camera: replace(camera, cost_inr=int(camera.cost_inr * share)))


def _cheaper_upkeep(plan: Plan, draws: random.Random) -> Plan:
    share = draws.uniform(0.1, 0.95)
    return _camera(plan, draws, lambda camera: replace(camera, yearly_inr=int(camera.yearly_inr * share)))


def _cheaper_site(plan: Plan, draws: random.Random) -> Plan:
    row, share = draws.randrange(len(plan.sites)), draws.uniform(0.0, 0.95)
    site = plan.sites[row]
    told = replace(site, heads=tuple((head, int(amount * share)) for head, amount in site.heads))
    return replace(plan, sites=(*plan.sites[:row], told, *plan.sites[row + 1 :]))


def _overstated(plan: Plan, draws: random.Random) -> Plan:
    by = draws.uniform(0.0005, 0.3)
    card, proof = plan.scorecard, plan.proof
    return replace(plan, scorecard=replace(card, after=card.after + by), proof=replace(proof, covered=proof.covered + by, bound=proof.bound + by))


def _ward_overstated(plan: Plan, draws: random.Random) -> Plan:
    wards = plan.scorecard.wards
    row, by = draws.randrange(len(wards)), draws.uniform(0.02, 0.3)
    told = (*wards[:row], replace(wards[row], after=wards[row].after + by), *wards[row + 1 :])
    return replace(plan, scorecard=replace(plan.scorecard, wards=told))


def _before_understated(plan: Plan, draws: random.Random) -> Plan:
    by = draws.uniform(0.0005, 0.3)
    return replace(plan, scorecard=replace(plan.scorecard, before=plan.scorecard.before - by))


def _bound_lowered(plan: Plan, draws: random.Random) -> Plan:
    """As if nothing better could be had, below what the plan itself covers."""
    return replace(plan, proof=replace(plan.proof, bound=plan.proof.covered - draws.uniform(0.0005, 0.2)))


def _camera_left_out(plan: Plan, draws: random.Random) -> Plan:
    row = draws.randrange(len(plan.cameras))
    return replace(plan, cameras=plan.cameras[:row] + plan.cameras[row + 1 :])


def _camera_twice(plan: Plan, draws: random.Random) -> Plan:
    return replace(plan, cameras=(*plan.cameras, draws.choice(plan.cameras)))


def _drawn_as_seen(plan: Plan, draws: random.Random) -> Plan:
    demand = plan.demand.copy()
    unseen = [row for row, (after, weight) in enumerate(zip(demand["after"], demand["weight"], strict=True)) if not after and weight > 0]
    least = 1e-3 * float(demand["weight"].sum())
    picked = draws.sample(unseen, k=len(unseen)) if unseen else []
    sum_weight, rows = 0.0, []
    for row in picked:
        rows.append(row)
        sum_weight += float(demand["weight"].iloc[row])
        if sum_weight > least:
            break
    demand.iloc[rows, demand.columns.get_loc("after")] = True
    return replace(plan, demand=demand)


def _weights_moved(plan: Plan, draws: random.Random) -> Plan:
    demand = plan.demand.copy()
    demand["weight"] = demand["weight"].to_numpy(dtype=float) * [draws.uniform(0.5, 1.5) for _ in range(len(demand))]
    return replace(plan, demand=demand)


_WAYS: dict[str, Change] = {
    "camera moved": _moved, "camera turned": _turned, "camera raised": _raised, "camera widened": _widened, "camera cheaper": _cheaper_camera,
    "site cheaper": _cheaper_site, "upkeep cheaper": _cheaper_upkeep, "coverage overstated": _overstated, "ward overstated": _ward_overstated,
    "before understated": _before_understated, "bound lowered": _bound_lowered, "camera left out": _camera_left_out, "camera twice": _camera_twice,
    "drawn as seen": _drawn_as_seen, "weights moved": _weights_moved,
}  # fmt: skip
