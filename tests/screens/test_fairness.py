"""Who is left out, as the screen tells it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from planning.city import ROOT, City
from screens import library
from screens.fairness import COLOURS, left_out, spreads, ward_shades
from screens.words import words
from tests.screens.toy import HOSTILE


def test_wards_are_shaded_by_even_classes() -> None:
    """Classes are even, of a round width, from 0 to the highest; what stands on an edge is in the upper class; no value, no class."""
    shades = ward_shades([0.0, 0.049, 0.05, 0.21, math.nan, 0.25], words("en"), mark=(3, "Least"))
    assert shades["classes"] == [0, 0, 1, 4, -1, 4]
    assert shades["labels"][0] == "0 – 5 %"
    assert len(shades["labels"]) == len(shades["colours"]) == len(COLOURS)
    assert (shades["marked"], shades["mark"]) == (3, "Least")
    assert ward_shades([1.0, 0.19], words("en"))["classes"] == [4, 0]
    assert ward_shades([math.nan], words("en"))["classes"] == [-1]


def test_before_and_after_are_the_plan_s(toy: City) -> None:
    """Each ward's coverage is the share of its own weight that the plan's demand says is seen."""
    file = library.plan_files(toy)[0]
    plan = library.plan(toy, file.id)
    before, after = spreads(toy, plan, file)
    for spread, name in ((before, "before"), (after, "after")):
        for ward in spread.wards:
            mine = plan.demand["ward"].to_numpy() == ward.ward
            weight, seen = plan.demand["weight"].to_numpy()[mine], plan.demand[name].to_numpy(dtype=bool)[mine]
            assert ward.coverage == pytest.approx(weight[seen].sum() / weight.sum())
            assert ward.out_of_view == pytest.approx(ward.population * (1 - np.mean(seen)))
    assert sum("Nothing at all" in line for line in left_out(before, words("en"))) == (min(ward.coverage for ward in before.wards) == 0)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_screen_tells_least_wards_and_residents(toy: City, language: str) -> None:
    """The least covered ward, residents in view and the Gini coefficient stand as numbers; every ward has its row; hostile names are escaped."""
    test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
    for key, value in {"city": "toy", "lang": language, "view": "fairness"}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    file = library.plan_files(toy)[0]
    _, after = spreads(toy, library.plan(toy, file.id), file)
    said = words(language)
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown[said.say("fair.residents")] == said.share(after.residents)
    assert shown[said.say("fair.gini")] == said.number(after.gini, 3)
    assert len(test.dataframe[0].value) == 4
    assert HOSTILE in test.dataframe[0].value["ward"].tolist()
    assert all("<img" not in item.value.replace("\\<img", "") for item in (*test.markdown, *test.caption))
