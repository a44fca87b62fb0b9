"""The public pages of published plans."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from planning.accounts import TERMINAL
from planning.city import City
from planning.nouns import Plan
from planning.proposals import unpublish
from planning.store import audit_head, open_store
from screens import doors, library
from screens.public import public_url, routes
from screens.words import words
from tests.screens.test_routes import Answer, ask
from tests.screens.toy import HOSTILE, make_public


@pytest.fixture(autouse=True)
def store_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test with its own record of what is public."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path / "state"))
    yield
    open_store().engine.dispose()


def get(url: str) -> Answer:
    """What the public addresses answer."""
    return ask(url, routes())


@pytest.fixture(name="plan")
def verified_plan(toy: City) -> Plan:
    """The toy plan that is verified."""
    return next(plan for plan in (library.plan(toy, file.id) for file in library.plan_files(toy)) if plan.verified)


def test_only_a_published_plan_is_there(toy: City, plan: Plan) -> None:
    """Before it is published, and for unknown cities, plans and layers, there is nothing; the answer says so and does not tell which it is."""
    url = public_url(toy, plan.id)
    before = get(url)
    make_public(plan, toy)
    assert (before.status, get(url).status) == (404, 200)
    other = next(file.id for file in library.plan_files(toy) if file.id != plan.id)
    strange = ("/public/nowhere/" + plan.id, "/public/toy/" + "0" * 12, "/public/..%2f/" + plan.id, "/public/toy/%3Cscript%3E")
    for bad in (public_url(toy, other), *strange):
        answer = get(bad)
        assert answer.status == 404, bad
        assert "<script" not in answer.body.decode()
    assert before.body.decode().replace(plan.id, "x") == get(public_url(toy, other)).body.decode().replace(other, "x")


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_page_speaks_both_languages_and_links_them(toy: City, plan: Plan, language: str) -> None:
    """Hindi unless asked; each page links the other; numbers, wards, method, sources and limits stand in it without any script."""
    make_public(plan, toy)
    said = words(language)
    page = get(public_url(toy, plan.id, "" if language == "hi" else "en")).body.decode()
    for key in ("report.wards", "report.method", "report.limits", "page.sources", "made.more"):
        assert said.say(key) in page, key
    other = {"hi": "en", "en": "hi"}[language]
    assert f'href="/public/toy/{plan.id}?lang={other}"' in page
    assert HOSTILE not in page
    assert re.findall(r"<script[^>]*src=\"([^\"]*)\"", page) == re.findall(r"/assets/[0-9a-f]{12}/page\.js", page)
    assert "script-src 'self';" in html.unescape(page)


def test_the_page_bears_the_audit_s_head_of_the_moment(toy: City, plan: Plan) -> None:
    """As on each report, once, in its language; it moves on with each line, though the page itself is kept."""
    make_public(plan, toy)
    for language in ("hi", "en"):
        for _ in range(2):
            page = get(public_url(toy, plan.id, language)).body.decode()
            assert page.count(words(language).say("report.head", head=audit_head())) == 1
            with open_store().write("test", "something", "done"):
                pass


def test_the_map_s_layers_come_from_public_addresses_alone(toy: City, plan: Plan) -> None:
    """Every layer the page names is served packed while the plan is public, and no more when it is taken back or has changed."""
    make_public(plan, toy)
    told = json.loads(re.search(r'id="chaukas">(.*?)</script>', get(public_url(toy, plan.id)).body.decode())[1])  # type: ignore[index]
    assert set(told["urls"]) >= {"roads", "planned", "demand"}
    for url in told["urls"].values():
        assert url.startswith(f"/public/toy/{plan.id}/layer/")
        answer = get(url)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        assert json.loads(gzip.decompress(answer.body))["steps"]
    assert get(url.replace("/layer/", "/layer/0")).status == 404
    assert get(url + "x").status == 404
    assert unpublish(open_store(), TERMINAL, library.address(toy), plan.id)
    assert get(url).status == 404


def test_the_commands_publish_and_take_back(
    toy: City, plan: Plan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`chaukas publish` tells the address; `unpublish` ends it; an unverified plan is refused."""
    asked = []
    monkeypatch.setattr("optimizer.verify.verify", lambda plan, city: asked.append(plan.id))
    files = {file.id: str(file.path) for file in library.plan_files(toy)}
    assert cli.main(["publish", files[plan.id], "--city", str(toy.folder)]) == 0
    assert public_url(toy, plan.id) in capsys.readouterr().out
    assert asked == [plan.id]
    assert get(public_url(toy, plan.id) + "/").status == 308
    assert cli.main(["unpublish", files[plan.id], "--city", str(toy.folder)]) == 0
    assert get(public_url(toy, plan.id)).status == 404
    other = next(path for plan_id, path in files.items() if plan_id != plan.id)
    capsys.readouterr()
    assert cli.main(["publish", other, "--city", str(toy.folder)]) == 1
    assert "register.unverified" in capsys.readouterr().err


def test_the_public_list_links_each_published_plan(toy: City, plan: Plan) -> None:
    """Anyone finds the page of a published plan from /public, and no other plan there."""
    assert plan.id not in doors._public_sheet(words("en")).body.decode()
    make_public(plan, toy)
    listed = doors._public_sheet(words("en")).body.decode()
    assert f'href="{public_url(toy, plan.id)}?lang=en"' in listed
    assert all(file.id not in listed for file in library.plan_files(toy) if file.id != plan.id)
