"""Why a camera is in a plan, in words for whoever clicked it: its worth, money, what it alone sees and why that counts, the best other instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planning.catalogue import PARTS
from planning.city import City
from planning.nouns import Plan
from screens import jobs
from screens.library import Shelf
from screens.words import Words

if TYPE_CHECKING:
    from optimizer.desk import Desk

_desks: Shelf[Desk] = Shelf(2)


def desk_of(city: City, plan: Plan) -> Desk:
    """The plan's desk, opened once: its first question surveys the city; errors as `why`."""
    from optimizer import desk as ask

    def open_it() -> Desk:
        return ask.open_plan(city, plan, survey=jobs.survey_of(city, plan.scenario))

    return _desks.get((city.digest, plan.id), open_it)


def why(city: City, plan: Plan, camera: str, said: Words) -> list[list[str]]:
    """Rows of label and value.

    The first answer about a plan surveys its city, some seconds on a large one; the next ones come at once.

    Raises
    ------
    CityError: `desk.city`. ScenarioError: `desk.camera`, `explain.pose`.
    """
    from optimizer import desk as ask

    desk = desk_of(city, plan)
    found = ask.reasons(desk, camera)

    def share(weight: float) -> str:
        return said.share(weight / desk.whole, 3)

    rows = [
        (said.say("why.lost"), share(found.lost)),
        (said.say("why.saved"), f"{said.money(found.capital)} + {said.say('number.yearly_note', amount=said.money(found.yearly))}"),
        (said.say("why.alone"), said.say("why.points", n=said.number(found.alone_points), share=share(found.alone))),
        (said.say("why.shared"), said.say("why.points", n=said.number(found.shared_points), share=share(found.shared))),
        *_parts(desk, camera, said),
    ]
    other = found.alternative
    if other is not None:
        more = other.capital - plan.cost_inr
        cost = f"{'−' if more < 0 else '+'}{said.money(abs(more))}"
        rows.append((said.say("why.other"), f"{desk.ids([other.pose])[0]} ({share(other.difference)}, {cost})"))
    rows += [(said.say("why.fallen"), ward.name) for ward in found.fallen]
    if found.kept:
        rows.append((said.say("why.kept"), ""))
    return [list(row) for row in rows]


def _parts(desk: Desk, camera: str, said: Words) -> list[tuple[str, str]]:
    """What makes up the weight that only this camera sees: incidents, streets, places, residents, priority zones, routes out."""
    problem, row = desk.problem, int(desk.rows([camera])[0])
    others = problem.seen(desk.chosen[desk.chosen != row])
    seen: Any = problem.covers.indices[problem.covers.indptr[row] : problem.covers.indptr[row + 1]]
    alone = np.asarray(seen)[~others[seen]]
    demand = desk.survey.demand
    routes = float(problem.weight[alone[alone >= len(demand)]].sum())  # the rows behind the places
    alone = alone[alone < len(demand)]
    amounts = {part: float(demand[f"part_{part}"].to_numpy()[alone].sum()) for part in (*PARTS, "suggestions") if f"part_{part}" in demand}
    amounts = {**amounts, "movement": routes}
    whole = sum(amounts.values())
    made = [f"{said.say(f'part.{part}')} {said.share(amount / whole, 0)}" for part, amount in amounts.items() if whole > 0 and amount > 0.005 * whole]
    return [(said.say("why.parts"), " · ".join(made))] if made else []
