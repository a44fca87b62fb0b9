"""The pages, driven without a browser."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from planning.access import Actor
from planning.city import ROOT, City
from planning.export import write_plan
from planning.ladders import write_ladder
from planning.nouns import Scenario
from planning.uploads import find_draft
from screens import jobs, library, wizard
from screens.words import words
from tests.screens.toy import HOSTILE, fake_make_ladder, fake_make_plan, toy_city, toy_ladder, toy_plan


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk with the toy planner."""
    monkeypatch.setattr(jobs, "desk", jobs.Desk(fake_make_plan))
    monkeypatch.setattr(jobs, "ladders", jobs.Desk(fake_make_ladder, jobs.desk.turns, jobs.keep_ladder))


@pytest.fixture
def page(toy: City) -> Iterator[Callable[..., AppTest]]:
    """Opens the page at an address."""

    def at(**query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120)
        for key, value in {"city": "toy", "lang": "en", **query}.items():
            test.query_params[key] = value
        return test.run()

    yield at


def texts(test: AppTest) -> str:
    """Everything the page says in text, as a reader sees it: without Markdown's escapes."""
    parts = [test.markdown, test.warning, test.error, test.info, test.caption, test.subheader, test.metric]
    said = "\n".join(f"{getattr(item, 'label', '')} {item.value} {getattr(item, 'delta', '')}" for kind in parts for item in kind)
    return re.sub(r"\\(.)", r"\1", said).replace("\u2060", "")


def named(test: AppTest, key: str) -> str:
    """What the page's address says under a key."""
    value = test.query_params[key]
    return value if isinstance(value, str) else str(value[0])


def sound(test: AppTest) -> AppTest:
    """The page, which must not have broken."""
    assert not test.exception, test.exception
    return test


@pytest.mark.parametrize("screen", ["budget", "city", "plan", "compare"])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_each_screen_in_each_language_labels_made_data(page: Callable[..., AppTest], screen: str, language: str) -> None:
    """Every screen opens in both languages and says that the data is made."""
    test = sound(page(view=screen, lang=language))
    said = {"hi": "बनावटी आँकड़े, सर्वेक्षण नहीं", "en": "Made data, not surveyed"}[language]
    assert said in texts(test)


def test_hindi_is_what_a_visitor_meets(toy: City) -> None:
    """Without a language in the address the page is Hindi."""
    test = AppTest.from_file(str(ROOT / "screens" / "main.py"), default_timeout=120).run()
    assert words("hi").say("made.more") in texts(sound(test))


def test_the_city_screen_counts_what_is_there(page: Callable[..., AppTest]) -> None:
    """Counts, residents, sources, imputed heights and notes are those of the city."""
    test = sound(page(view="city"))
    assert {metric.label: metric.value for metric in test.metric} == {
        "Area": "0.6 km²", "Streets": "14 km", "Residents": "2,45,567", "Cameras today": "5",
    }  # fmt: skip
    assert "50 % of heights are imputed" in texts(test)
    assert HOSTILE in test.dataframe[1].value.to_string()


def test_hostile_text_is_escaped_where_markdown_is_read(page: Callable[..., AppTest]) -> None:
    """Markup, images and scripts in names and notes reach Markdown with every mark escaped."""
    for screen in ("city", "plan", "compare"):
        test = sound(page(view=screen))
        for item in (*test.markdown, *test.warning, *test.caption):
            assert "<img" not in item.value.replace("\\<img", "")
            assert "![x](http" not in item.value


def test_the_plan_screen_shows_the_numbers(page: Callable[..., AppTest], toy: City) -> None:
    """Cameras, cost, coverage before and after with the bound, and the worst ward are the plan's own."""
    plans = {len(plan.cameras): plan for plan in (library.plan(toy, file.id) for file in library.plan_files(toy))}
    test = sound(page(view="plan", plan=plans[20].id))
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["Cameras"] == "20"
    assert shown["Cost"] == "₹10 lakh"
    assert shown["Each year"] == "₹80,000"
    assert shown["Weighted coverage"] == f"{plans[20].scorecard.after * 100:.1f} %"
    assert f"{plans[20].proof.bound * 100:.2f} %" in texts(test)
    assert "Not verified" not in texts(test)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_routes_out_are_shown_and_compared_where_they_weigh(page: Callable[..., AppTest], toy: City, language: str) -> None:
    """The share of routes read before and after stands under the numbers, its part of the worth in the proof, and in the comparison a row."""
    first, second = library.plan_files(toy)[:2]
    plan = library.plan(toy, first.id)
    card = replace(plan.scorecard, routes_before=0.125, routes_after=0.875)
    weighed = replace(plan, scorecard=card, proof=replace(plan.proof, movement=0.2, routes=0.875))
    write_plan(weighed, toy, first.path)
    said = words(language)
    shown = texts(sound(page(view="plan", plan=first.id, lang=language)))
    assert said.say("number.routes", before="12.5 %", after="87.5 %") in shown
    assert "87.50 %" in shown
    row = sound(page(view="compare", a=first.id, b=second.id, lang=language)).dataframe[0].value
    table = {line[0]: list(line)[1:] for line in row.itertuples(index=False)}
    assert table[said.say("number.routes_after")][:2] in (["87.5 %", "–"], ["–", "87.5 %"])


def test_the_weight_of_routes_typed_is_the_wish_that_is_started(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    """The field of the form arrives in the scenario."""
    started: list[Scenario] = []
    monkeypatch.setattr("screens.jobs.desk.start", lambda city, scenario: started.append(scenario) or SimpleNamespace(id="j"))
    test = page(view="plan")
    sound(test.number_input(key="movement").set_value(20).run())
    next(button for button in test.button if button.label == words("en").say("plan.run")).click().run()
    assert [scenario.movement_percent for scenario in started] == [20]


def test_an_unverified_plan_says_so(page: Callable[..., AppTest], toy: City) -> None:
    """A plan that no second computation confirmed is labelled."""
    unverified = next(file.id for file in library.plan_files(toy) if not library.plan(toy, file.id).verified)
    assert "Not verified" in texts(sound(page(view="plan", plan=unverified)))


def test_a_plan_of_other_data_says_so(page: Callable[..., AppTest], toy: City) -> None:
    """When the city changed since, the plan says that its figures belong to the data of then."""
    assert toy.folder is not None
    changed = toy_city()
    frames = {**changed.frames, "cameras": changed["cameras"].iloc[:3]}
    City(name="toy", title="Toytown", title_hi="", crs=changed.crs, area=changed.area, frames=frames, made=True).save(toy.folder)
    assert "data changed after this plan" in texts(sound(page(view="plan")))


def test_bad_input_is_told_all_at_once_and_starts_nothing(page: Callable[..., AppTest]) -> None:
    """Every fault is shown in words with its way out; no job starts."""
    test = sound(page(view="plan"))
    test.text_input(key="budget").set_value("1,00,00")
    test.text_input(key="heights").set_value("tall")
    test.multiselect(key="models").set_value([])
    sound(test.button[0].click().run())
    told = test.error[0].value
    assert told.count("\n\n") == 2
    assert "1\\,00\\,00" in told
    assert "tall" in told
    assert "job" not in test.query_params
    assert jobs.desk.running("toy") == []


def test_a_plan_runs_with_progress_and_is_then_shown(page: Callable[..., AppTest]) -> None:
    """The run shows its stage, its address names the job, a second visitor sees it, and in the end the address names the plan."""
    test = sound(page(view="plan"))
    test.text_input(key="budget").set_value("१५ लाख")
    test.number_input(key="limit").set_value(6)
    sound(test.button[0].click().run())
    job_id = named(test, "job")
    job = jobs.desk.find("toy", job_id)
    assert job is not None
    assert job.scenario.budget_inr == 1_500_000
    other = sound(page(view="plan"))
    assert "Another plan is being made" in texts(other)
    reloaded = sound(page(view="plan", job=job_id))
    assert any(button.label == "Stop" for button in reloaded.button)
    assert re.search(r"About (\d+ s left|done)", texts(reloaded))
    job.job.wait(30)
    sound(reloaded.run())
    assert named(reloaded, "plan") == job.job.result
    assert {metric.label: metric.value for metric in reloaded.metric}["Cameras"] == "30"


def test_a_run_can_be_stopped(page: Callable[..., AppTest]) -> None:
    """Stop ends the job and the page says so."""
    test = sound(page(view="plan"))
    test.number_input(key="limit").set_value(60)
    sound(test.button[0].click().run())
    job = jobs.desk.find("toy", named(test, "job"))
    assert job is not None
    sound(next(button for button in test.button if button.label == "Stop").click().run())
    job.job.wait(10)
    assert "Stopped on request" in texts(sound(test.run()))


def test_addresses_that_name_nothing_are_told(page: Callable[..., AppTest]) -> None:
    """An unknown city, plan or job in a shared address is said in words, and the page goes on."""
    assert "no city of this name" in texts(sound(page(city="../etc", view="city")))
    assert "no such plan" in texts(sound(page(view="plan", plan="0123456789ab")))
    assert "no such plan" in texts(sound(page(view="compare", a="x'; drop")))
    assert "no longer knows this work" in texts(sound(page(view="plan", job="nothing")))


def test_compare_shows_differences_both_ways(page: Callable[..., AppTest], toy: City) -> None:
    """B less A, with the sign; turned round the sign turns; a plan with itself differs in nothing."""
    plans = {len(plan.cameras): plan.id for plan in (library.plan(toy, file.id) for file in library.plan_files(toy))}

    def row(a: str, b: str, figure: str) -> list[str]:
        table = sound(page(view="compare", a=a, b=b)).dataframe[0].value
        return list(table[table["Figure"] == figure].iloc[0])[1:]

    assert row(plans[20], plans[24], "Cameras") == ["20", "24", "+4"]
    assert row(plans[24], plans[20], "Cameras") == ["24", "20", "−4"]
    assert row(plans[20], plans[24], "Cameras only in this plan") == ["0", "4", "+4"]
    assert row(plans[20], plans[20], "Cost") == ["₹10 lakh", "₹10 lakh", "="]


def test_three_plans_are_compared_with_the_first(page: Callable[..., AppTest], toy: City) -> None:
    """Each further plan has its column and its difference against the first, in figures, wards and cost heads; its own cameras are in no other."""
    third = toy_plan(toy, Scenario("toy", 1_500_000))
    write_plan(third, toy, library.plan_files(toy)[0].path.with_name(f"{third.id}.gpkg"))
    plans = {len(plan.cameras): plan.id for plan in (library.plan(toy, file.id) for file in library.plan_files(toy))}
    test = sound(page(view="compare", a=plans[20], b=plans[24], c=plans[30]))
    figures, wards, costs = (test.dataframe[k].value for k in range(3))
    assert list(figures[figures["Figure"] == "Cameras"].iloc[0])[1:] == ["20", "24", "+4", "30", "+10"]
    assert list(figures[figures["Figure"] == "Cameras only in this plan"].iloc[0])[1:] == ["0", "0", "=", "6", "+6"]
    assert wards["less-2"].to_numpy() == pytest.approx(10.0)
    assert list(costs[costs[costs.columns[0]] == "Together"].iloc[0])[1:] == ["₹10,00,000", "₹12,00,000", "+₹2,00,000", "₹15,00,000", "+₹5,00,000"]
    assert list(costs[costs[costs.columns[0]] == "Pole"].iloc[0])[1:3] == ["₹1,60,000", "₹1,92,000"]


def test_what_changes_is_told_with_its_wards(page: Callable[..., AppTest], toy: City) -> None:
    """Gained and lost weight are those of the plans' own demand, each with the wards it lies in."""
    plans = {len(plan.cameras): plan for plan in (library.plan(toy, file.id) for file in library.plan_files(toy))}
    few, many = plans[20].demand, plans[24].demand
    more = few["weight"][many["after"].to_numpy(dtype=bool) & ~few["after"].to_numpy(dtype=bool)].sum() / few["weight"].sum()
    test = sound(page(view="compare", a=plans[20].id, b=plans[24].id))
    told = texts(test)
    assert f"Gained: Plan B sees {100 * more:.2f} % of all weight that Plan A does not." in told
    assert "Lost: Plan A sees 0.00 % of all weight that Plan B does not." in told
    assert ("Most of it in: " + HOSTILE in told) == (more > 0)


def test_a_scenario_is_duplicated_into_the_form(page: Callable[..., AppTest], toy: City) -> None:
    """The button opens the Plan screen filled in as that plan's wish was, rules and all; what is planned then is that wish with the changes made."""
    rules = {"keep": ("a/m",), "forbid": ("b",)}
    wish = Scenario("toy", 1_500_000, 77_000, ("bullet-4mp",), ward_floor=0.17, spacing_m=12.0, title="Ours", time_limit_s=9.0, **rules)
    copied = toy_plan(toy, wish)
    write_plan(copied, toy, library.plan_files(toy)[0].path.with_name(f"{copied.id}.gpkg"))
    test = sound(page(view="compare", a=copied.id))
    test = sound(test.button(key="duplicate-a").click().run())
    assert (named(test, "view"), named(test, "like"), named(test, "keep")) == ("plan", copied.id, "a/m")
    assert (test.text_input(key="budget").value, test.text_input(key="yearly").value, test.slider(key="floor").value) == ("15,00,000", "77,000", 17)
    test.text_input(key="budget").set_value("16 lakh")
    sound(next(button for button in test.button if button.label == "Make the plan").click().run())
    job = jobs.desk.find("toy", named(test, "job"))
    assert job is not None
    assert job.scenario == replace(wish, budget_inr=1_600_000)
    job.job.cancel()
    assert "no such plan" in texts(sound(page(view="plan", like="0123456789ab")))


def test_one_plan_cannot_be_compared(page: Callable[..., AppTest], toy: City) -> None:
    """With fewer than two plans the screen says what is missing."""
    library.plan_files(toy)[0].path.unlink()
    assert "Two plans are needed" in texts(sound(page(view="compare")))


def test_a_plan_file_cut_short_is_named(page: Callable[..., AppTest], toy: City) -> None:
    """A broken plan is told in words when chosen; the others can still be opened."""
    broken, good = library.plan_files(toy)
    broken.path.write_bytes(broken.path.read_bytes()[:2000])
    test = sound(page(view="plan", plan=broken.id))
    assert test.error
    assert not sound(page(view="plan", plan=good.id)).error


def test_a_rerun_is_quick(page: Callable[..., AppTest]) -> None:
    """A rerun does no work over again: it neither loads the city nor packs a layer."""
    test = sound(page(view="plan"))
    loads = []
    original = City.load
    City.load = classmethod(lambda cls, folder: (loads.append(folder), original(folder))[1])  # type: ignore[assignment, method-assign]
    try:
        started = time.perf_counter()
        sound(test.run())
        print(f"rerun {1000 * (time.perf_counter() - started):.0f} ms")  # noqa: T201
    finally:
        City.load = original  # type: ignore[method-assign]
    assert loads == []


def test_a_row_of_budgets_is_worked_out_and_shown(page: Callable[..., AppTest], toy: City) -> None:
    """Without one the screen says so; asked for, it is worked out beside the page, kept with the city, and shown with what nesting costs."""
    test = sound(page(view="budget"))
    assert "Work out what each budget buys" in texts(test)
    test.text_input(key="ladder-budget").set_value("20 lakh")
    test = sound(test.button(key="ladder-run").click().run())
    job = jobs.ladders.find("toy", named(test, "ladder_job"))
    assert job is not None
    job.job.wait(20)
    test = sound(test.run())
    assert [file.id for file in library.ladder_files(toy)] == [named(test, "ladder")] == [job.job.result]
    assert "costs 0.10 % of coverage" in texts(test)


def test_a_budget_of_the_row_becomes_a_plan(page: Callable[..., AppTest], toy: City) -> None:
    """The button makes the plan of the rung in the address, on the Plan screen."""
    write_ladder(toy_ladder(toy), toy)
    test = sound(page(view="budget", rung="3"))
    assert "With ₹8 lakh alone" in texts(test)
    test = sound(test.button(key="make-rung").click().run())
    job = jobs.desk.find("toy", named(test, "job"))
    assert job is not None
    assert job.scenario.budget_inr == 800_000
    assert named(test, "view") == "plan"
    job.job.cancel()
    job.job.wait(20)


def test_a_bad_largest_budget_is_told(page: Callable[..., AppTest]) -> None:
    """No job starts for what is no amount, or too little to divide."""
    for text in ("much", "3"):
        test = sound(page(view="budget"))
        test.text_input(key="ladder-budget").set_value(text)
        test = sound(test.button(key="ladder-run").click().run())
        assert test.error
        assert jobs.ladders.running("toy") == []


def test_a_strange_rung_in_the_address_is_no_fault(page: Callable[..., AppTest], toy: City) -> None:
    """What is no rung of the ladder shows the middle one."""
    write_ladder(toy_ladder(toy), toy)
    for rung in ("99", "-1", "x", "²"):
        assert "With ₹10 lakh alone" in texts(sound(page(view="budget", rung=rung)))


def test_rules_of_the_address_are_part_of_the_wish(page: Callable[..., AppTest]) -> None:
    """Cameras kept and sites forbidden in the address stand in the form, can be taken off there, and are in the scenario that is planned."""
    test = sound(page(view="plan", keep="a/m/0@0.0/6", forbid="b"))
    assert test.multiselect(key="rules-keep a/m/0@0.0/6").value == ["a/m/0@0.0/6"]
    sound(next(button for button in test.button if button.label == "Make the plan").click().run())
    job = jobs.desk.find("toy", named(test, "job"))
    assert job is not None
    assert (job.scenario.keep, job.scenario.forbid) == (("a/m/0@0.0/6",), ("b",))
    job.job.cancel()
    test = sound(page(view="plan", keep="a/m/0@0.0/6", forbid="b"))
    test.multiselect(key="rules-forbid b").set_value([])
    test = sound(test.run())
    assert "forbid" not in test.query_params or named(test, "forbid") == ""


def test_a_page_not_drawn_anew_yet_takes_no_rule_off(page: Callable[..., AppTest]) -> None:
    """Who types before the newest rule is drawn sends the list as it stood; the rule stays."""
    test = sound(page(view="plan", forbid="b"))
    drawn = test._tree
    next(field for field in test.multiselect if field.value == ["b"]).set_value(["b"])  # what the page holds, whatever comes
    test.query_params["forbid"] = ["b", "c"]
    sound(test.run())
    test._tree = drawn
    sound(test.run())
    assert test.query_params["forbid"] == ["b", "c"]


def test_the_city_screen_offers_an_import(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Odd findings stand in the reader's words; an import is for those who may, its steps open in both languages, a lost one is told."""
    monkeypatch.setenv("CHAUKAS_UPLOADS", str(tmp_path / "uploads"))
    assert "wizard-new" not in {button.key for button in sound(page(view="city")).button}
    planner = Actor("a1", "Planner", roles=("planner",))
    monkeypatch.setattr(wizard, "actor", lambda: planner)
    test = sound(page(view="city", lang="hi"))
    assert words("hi").say("finding.no_bearing", number="2") in texts(test)
    test = sound(page(view="city"))
    assert words("en").say("finding.no_bearing", number="2") in texts(test)
    begun = sound(test.button(key="wizard-add").click().run())
    token = named(begun, "import")
    assert "Adding files to Toytown" in texts(begun)
    for language, step in itertools.product(("hi", "en"), (1, 3, 4)):
        find_draft(token).changed(step=step)
        key = {1: "files", 3: "names", 4: "import"}[step]
        assert words(language).say(f"wizard.step.{key}") in texts(sound(page(view="city", lang=language, **{"import": token})))
    find_draft(token).drop()
    assert "not there any more" in texts(sound(page(view="city", **{"import": token})))
