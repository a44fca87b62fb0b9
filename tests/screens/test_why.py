"""Why a camera is in a plan, in words."""

from __future__ import annotations

import dataclasses

import pytest

from planning.city import City
from planning.errors import CityError, ScenarioError
from planning.nouns import Plan
from screens.why import why
from screens.words import words
from tests.town import copy_of


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_rows_say_what_the_plan_states(town: City, plan: Plan, language: str) -> None:
    """What is lost without a camera is its stated gain; what is saved is its price, with its site's where it is the last there; parts sum to all."""
    said = words(language)
    for camera in plan.cameras:
        rows = why(town, plan, camera.id, said)
        told = dict(rows)
        assert told[said.say("why.lost")] == said.share(camera.gain, 3)
        alone = sum(other.site == camera.site for other in plan.cameras) == 1
        site = next(site for site in plan.sites if site.id == camera.site)
        assert told[said.say("why.saved")].startswith(said.money(camera.cost_inr + (site.cost_inr if alone else 0)) + " ")
        assert all(isinstance(cell, str) for row in rows for cell in row)
        if said.say("why.parts") in told:
            shares = [int(part.rsplit(" ", 2)[1]) for part in told[said.say("why.parts")].split(" · ")]
            assert 97 <= sum(shares) <= 102


def test_a_plan_of_another_state_and_a_strange_camera_are_refused(town: City, plan: Plan) -> None:
    """There is no answer about what is not there."""
    with pytest.raises(ScenarioError) as caught:
        why(town, plan, "nowhere/x/0@0.0/6", words("en"))
    assert caught.value.code == "desk.camera"
    with pytest.raises(CityError) as other:
        why(copy_of(town, places=town["places"].iloc[:1]), dataclasses.replace(plan), plan.cameras[0].id, words("en"))
    assert other.value.code == "desk.city"
