"""The Review screen, its work and its layers on the map."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from planning.city import ROOT, City
from planning.export import write_plan
from planning.nouns import Plan
from planning.reviews import PARTS, Review, read_review
from screens import jobs, library
from screens.floors import floor_lines
from screens.review import picture
from screens.review_said import back_test_line, kept_reviews, placement_rows
from screens.routes import review_url
from screens.words import plain, words
from tests.screens.test_floors import STEPS
from tests.screens.test_routes import ask
from tests.town import copy_of


@pytest.fixture(name="home", scope="module")
def dated_town(town: City, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, City, Plan]:
    """The town with incidents of nine months in a folder, with its plan; every part of the plan's review worked out by the server's own jobs."""
    folder = tmp_path_factory.mktemp("review")
    days = pd.to_datetime([f"2025-0{1 + k}-11 10:00" for k in range(len(town["incidents"]))])
    made = copy_of(town, incidents=town["incidents"].assign(when=days))
    own = dataclasses.replace(plan, city_digest=made.digest)
    city = made.save(folder / "toy")
    write_plan(own, city, folder / "toy" / "plans" / f"{own.id}.gpkg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAUKAS_CITIES", str(folder))
        for part in PARTS:
            job = jobs.start_review(library.city("toy"), own, part)
            assert jobs.start_review(library.city("toy"), own, part) is job or not job.job.running
            job.job.wait(120)
            assert jobs.outcome(job) is None
            assert job.job.result == own.id
    return folder, city, own


@pytest.fixture(name="there")
def cities_of(home: tuple[Path, City, Plan], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, City, Plan]:
    """The same, where the server looks for cities."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(home[0]))
    return home


def part_of(home: tuple[Path, City, Plan], part: str) -> Review:
    """A part kept there."""
    folder, _, plan = home
    found = read_review(folder / "toy" / "plans" / f"{plan.id}.gpkg", part, plan)
    assert found is not None
    return found


def screen(**query: str) -> AppTest:
    """The screen run once."""
    test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
    for key, value in {"city": "toy", "view": "review", **query}.items():
        test.query_params[key] = value
    return test.run()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_screen_shows_what_was_worked_out(there: tuple[Path, City, Plan], part: str, language: str) -> None:
    """Each part, in each language, with its rows; no work is begun again."""
    test = screen(part=part, lang=language)
    assert not test.exception
    assert not test.error
    assert jobs.reviews.running("toy") == []
    review = part_of(there, part)
    rows = {"gaps": "stretches", "network": "kinds", "masks": "cameras", "scores": "ward"}
    if part == "backtest":
        assert plain(back_test_line(review, words(language))) in test.markdown[1].value
        assert [len(frame.value) for frame in test.dataframe] == [5, 5]
    else:
        assert len(test.dataframe[0].value) == len(review.tables[rows[part]])


def test_a_part_that_is_asked_first_is_worked_out(there: tuple[Path, City, Plan]) -> None:
    """Its file is gone: opening the screen begins the work, and the part is there again when that ends."""
    folder, _, plan = there
    path = folder / "toy" / "plans" / f"{plan.id}.scores.json"
    path.unlink()
    test = screen(part="scores", lang="en")
    assert not test.exception
    job = jobs.reviews.find("toy", jobs.review_job(plan, "scores"))
    assert job is not None
    job.job.wait(60)
    assert path.is_file()
    assert len(screen(part="scores", lang="en").dataframe) >= 4


def test_what_a_floor_costs_is_asked_for_on_the_scorecard(there: tuple[Path, City, Plan]) -> None:
    """Only the scorecard offers it, and begins nothing by itself; what is kept beside the plan is told in rupees a percent of floor."""
    folder, _, plan = there
    assert not [button for button in screen(part="gaps", lang="en").button if button.key == "floors-run"]
    before = screen(part="scores", lang="en")
    assert [button.key for button in before.button if button.key == "floors-run"]
    assert jobs.floors.running("toy") == []
    kept = folder / "toy" / "plans" / f"{plan.id}.gpkg"
    jobs._keep_floors(None, (kept, STEPS))  # type: ignore[arg-type]
    try:
        for language in ("hi", "en"):
            test = screen(part="scores", lang=language)
            assert not test.exception
            assert len(test.dataframe) == len(before.dataframe) + 1
            assert any(plain(floor_lines(STEPS, words(language))[0]) in told.value for told in test.markdown)
    finally:
        jobs.floor_path(kept).unlink()


def test_what_cannot_be_worked_out_is_told(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any date there is nothing to test on, and no work begins; a back-test that fails says why and offers to try again."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    bare = copy_of(town, incidents=town["incidents"].assign(when=pd.NaT))
    for name, city in (("toy", bare), ("same", dataclasses.replace(town, name="same"))):
        own = dataclasses.replace(plan, city_digest=city.digest)
        write_plan(own, city.save(tmp_path / name), tmp_path / name / "plans" / f"{own.id}.gpkg")
    assert words("en").say("test.no_dates") in [info.value for info in screen(part="backtest", lang="en").info]
    first = screen(part="backtest", lang="en", city="same")
    assert not first.exception
    (job,) = [found for key, found in jobs.reviews._jobs.items() if key[0] == "same"]
    job.job.wait(60)
    again = screen(part="backtest", lang="en", city="same")
    assert "One side of the split" in again.error[0].value
    assert [button.key for button in again.button if button.key == "review-backtest"]


def test_layers_come_from_their_own_addresses(there: tuple[Path, City, Plan]) -> None:
    """Streets, areas and the network, packed and kept for ever; a stale or unknown one is refused, and so is another part's."""
    _, city, plan = there
    file = library.plan_path(library.city("toy"), plan.id)
    for part, layer, table in (("gaps", "stretches", "stretches"), ("gaps", "areas", "areas"), ("network", "network", "segments")):
        found = library.review(plan, file, part)
        assert found is not None
        url = review_url(city, file, part, found[1], layer)
        answer = ask(url)
        assert answer.status == 200
        assert answer.headers["cache-control"].endswith("immutable")
        data = json.loads(gzip.decompress(answer.body))
        assert len(data["sizes"]) == sum(len(rings) for rings in found[0].shapes[table])
        assert 2 * sum(data["sizes"]) == len(data["steps"])
        parts = url.split("/")
        for k, other in ((-1, "roads"), (-2, "0"), (-3, "scores"), (-3, "x"), (-4, "0" * 12)):
            wrong = [*parts]
            wrong[k] = other
            assert ask("/".join(wrong)).status == 404


def test_a_back_test_in_a_sentence(there: tuple[Path, City, Plan]) -> None:
    """How many were judged, the plan's share and those of the others, in both languages; rows are as many as placements."""
    review = part_of(there, "backtest")
    for language in ("hi", "en"):
        line = back_test_line(review, words(language))
        for who in ("random", "standing", "junctions"):
            assert words(language).say(f"test.{who}") in line
        assert words(language).share(next(float(str(row["share"])) for row in review.tables["placements"])) in line
    assert len(placement_rows(review, words("en"), "aimed")) == 5
    nothing = Review("backtest", "", "", review.facts, {"placements": (), "leads": ()}, {})
    assert back_test_line(nothing, words("en")) == words("en").say("test.nothing")


def test_the_plan_screen_says_what_the_back_test_found(there: tuple[Path, City, Plan]) -> None:
    """Next to the plan's numbers stands the sentence, and the report is given gaps and back-test."""
    _, city, plan = there
    test = screen(view="plan", lang="en")
    assert not test.exception
    assert any("Back" in caption.value and "PAI" in caption.value for caption in test.caption)
    assert set(kept_reviews(plan, library.plan_path(city, plan.id))) == {"gaps", "backtest"}


def test_a_picture_of_masks_holds_numbers_alone() -> None:
    """Corners are drawn where they lie; a corner that is no number is refused."""
    drawn = picture([{"why": "homes", "corners": "0.0,0.0 0.5,0.0 0.5,1.0"}])
    assert '<polygon points="0.00,0.00 80.00,0.00 80.00,90.00"' in drawn
    assert not re.search(r"<script|href|url\(", drawn)
    with pytest.raises(ValueError, match="could not convert"):
        picture([{"why": "homes", "corners": "<script>,1"}])
