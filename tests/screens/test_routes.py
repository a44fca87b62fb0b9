"""The map's addresses."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from planning.city import City
from planning.errors import InputError
from planning.export import write_plan
from planning.ladders import write_ladder
from planning.nouns import Draft, Plan, Scenario
from planning.progress import Progress
from screens import jobs, library
from screens.middleware import StayHome
from screens.routes import ASSETS, asset_url, city_url, difference_url, draft_url, ladder_url, plan_url, routes, why_url
from screens.words import words
from tests.screens.toy import toy_ladder, toy_plan


@dataclass
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(url: str, app_routes: list[BaseRoute] | None = None) -> Answer:
    """GET a path from the app, or one of other routes, as a server would hand it on: decoded once."""
    app = Starlette(routes=routes() if app_routes is None else app_routes, middleware=[Middleware(StayHome)])
    path, _, query = url.partition("?")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": unquote(path), "root_path": "",
        "raw_path": path.encode(), "query_string": query.encode(), "headers": [], "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def test_layers_are_packed_and_kept_for_ever(toy: City) -> None:
    """Each layer of city and plan comes gzipped, as JSON, immutable."""
    file = library.plan_files(toy)[0]
    urls = [city_url(toy, layer) for layer in ("roads", "buildings", "wards", "cameras")]
    urls += [plan_url(toy, file, layer) for layer in ("cameras", "views", "existing_views", "demand")]
    for url in urls:
        answer = ask(url)
        assert answer.status == 200, url
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert json.loads(gzip.decompress(answer.body))["steps"]


def test_what_has_changed_is_not_served_under_its_old_address(toy: City) -> None:
    """An address with another digest or stamp is missing, and its absence is not kept."""
    file = library.plan_files(toy)[0]
    for url in (city_url(toy, "roads").replace(toy.digest, "0" * 16), plan_url(toy, file, "demand").replace(f"{file.stamp[0]:x}", "1")):
        answer = ask(url)
        assert answer.status == 404
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.body)["faults"][0]["code"] == "map.stale"


@pytest.mark.parametrize(
    "url",
    [
        "/assets/..%2f..%2fapp.py", "/assets/%2e%2e/map.js/../app.py", "/assets/routes.py", "/assets/nope/../../app.py", "/assets/",
        "/map/city/..%2ftoy/0/roads", "/map/city/%2e%2e/0/roads", "/map/city/%2fetc/0/passwd", "/map/city/nowhere/0/roads",
        "/map/city/toy/0/..%2f..%2fcity.gpkg", "/map/plan/toy/..%2f..%2fcity/0/demand", "/map/plan/toy/*/0/demand",
        "/map/plan/toy/0123456789ab/0/demand", "/map/city/<img src=x>/0/roads",
    ],
)  # fmt: skip
def test_nothing_else_of_the_disk_can_be_asked_for(toy: City, url: str) -> None:
    """Climbing, foreign and unknown names are missing; an answer that repeats them is JSON, never a page."""
    answer = ask(url)
    assert answer.status == 404
    assert answer.headers["content-type"].split(";")[0] in {"application/json", "text/plain"}
    assert b"import" not in answer.body


def test_unknown_layers_are_missing(toy: City) -> None:
    """A layer that is none of ours is missing, not an error of the server."""
    assert ask(city_url(toy, "incidents")).status == 404
    assert ask(plan_url(toy, library.plan_files(toy)[0], "secrets")).status == 404


def test_assets_are_served_with_their_kind() -> None:
    """Every listed asset is there; under its version it is kept for ever, under none or another for an hour."""
    for name, (path, kind) in ASSETS.items():
        answer = ask(asset_url(name))
        assert (answer.status, answer.body) == (200, path.read_bytes())
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
        assert "immutable" not in ask(f"/assets/{name}").headers["cache-control"]
        assert "immutable" not in ask(f"/assets/000000000000/{name}").headers["cache-control"]


def test_every_answer_keeps_the_browser_at_home() -> None:
    """The policy allows this host only, on what a browser may show and on what is missing alike; a script has no page to guard."""
    assert "content-security-policy" not in ask(asset_url("map.js")).headers
    for url in ("/map/city/none/0/roads", "/assets/none"):
        policy = ask(url).headers["content-security-policy"]
        assert "http" not in policy
        assert "*" not in policy
        assert policy.startswith("default-src 'self'")


def test_our_scripts_and_styles_name_no_other_host() -> None:
    """No address of another host stands in our component or in the vendored style."""
    for name in ("map.js", "layers.js", "panel.js", "map.css", "leaflet.css"):
        text = re.sub(r"/\*.*?\*/", "", ASSETS[name][0].read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "http://" not in text, name
        assert "https://" not in text, name


def test_vendored_files_carry_their_licences() -> None:
    """Leaflet and the font stand beside the licence they came with."""
    for name in ("leaflet.js", "noto-sans-devanagari.woff2"):
        licence = ASSETS[name][0].parent / "LICENSE"
        assert "Copyright" in licence.read_text(encoding="utf-8")


def test_text_from_data_never_becomes_markup() -> None:
    """The component builds its parts from text alone: no innerHTML, no outerHTML, no insertAdjacentHTML, no eval."""
    for name in ("map.js", "layers.js", "panel.js"):
        text = ASSETS[name][0].read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "bindPopup", "bindTooltip", "document.write"):
            assert word not in text, (name, word)


def test_a_draft_is_never_kept(toy: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a plan is made the cameras of its draft are told, under any number and for this moment only; after that the address is no more."""
    plan = toy_plan(toy, Scenario("toy", 1_000_000))
    gate = threading.Event()

    def planner(city: City, scenario: Scenario, *, progress: Progress) -> Plan:
        progress.show(Draft(plan.cameras[:3], plan.sites[:3], 0.2, 0.3))
        gate.wait(20)
        raise InputError.one("some.code", "what", "way out")

    monkeypatch.setattr(jobs, "desk", jobs.Desk(planner))
    job = jobs.desk.start(toy, Scenario("toy", 1_000_000))
    while job.draft is None:
        time.sleep(0.01)
    for number in (1, 2):
        answer = ask(draft_url(toy, job.id, number))
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-store"
        assert [row["id"] for row in json.loads(gzip.decompress(answer.body))["rows"]] == [camera.id for camera in plan.cameras[:3]]
    gate.set()
    job.job.wait(20)
    jobs.desk.forget(job)
    gone = ask(draft_url(toy, job.id, 1))
    assert gone.status == 404
    assert b"map.draft" in gone.body


def test_a_ladder_s_layers_are_kept_for_ever_and_no_others_told(toy: City) -> None:
    """Both layers come packed; another stamp, ladder or layer is refused."""
    write_ladder(toy_ladder(toy), toy)
    (file,) = library.ladder_files(toy)
    for layer in ("cameras", "demand"):
        answer = ask(ladder_url(toy, file, layer))
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        assert json.loads(gzip.decompress(answer.body))["steps"]
    good = ladder_url(toy, file, "demand")
    for bad in (good.replace(f"/{file.stamp[0]:x}/", "/0/"), good.replace(file.id, "0" * 12), good.replace("demand", "views")):
        assert ask(bad).status == 404


def test_reasons_are_told_by_a_camera_s_id(town: City, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id stands at the end of the address, slashes and all; an unknown one is no camera."""
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    city = town.save(tmp_path / "toy")
    write_plan(plan, city, tmp_path / "toy" / "plans" / f"{plan.id}.gpkg")
    (file,) = library.plan_files(city)
    url = why_url(city, file, words("en"))
    answer = ask(url + quote(plan.cameras[0].id, safe=""))
    assert answer.status == 200
    assert ["Lost without it", words("en").share(plan.cameras[0].gain, 3)] in json.loads(answer.body)["rows"]
    gone = ask(url + "nowhere")
    assert gone.status == 404
    assert b"desk.camera" in gone.body


def test_what_changes_is_a_layer_by_address(toy: City) -> None:
    """Points carry their state and cameras their side; another stamp, plan or layer is refused."""
    files = {len(library.plan(toy, file.id).cameras): file for file in library.plan_files(toy)}
    good = difference_url(toy, files[20], files[24], "demand")
    answer = ask(good)
    assert "immutable" in answer.headers["cache-control"]
    states = np.array(json.loads(gzip.decompress(answer.body))["marks"]) // 4
    few, many = (library.plan(toy, files[n].id).demand["after"].to_numpy(dtype=bool) for n in (20, 24))
    assert np.bincount(states, minlength=4).tolist() == [int((~few & ~many).sum()), int((few & many).sum()), int((many & ~few).sum()), 0]
    cameras = json.loads(gzip.decompress(ask(difference_url(toy, files[24], files[20], "cameras")).body))
    assert (cameras["sides"].count(0), cameras["sides"].count(1), len(cameras["rows"])) == (20, 4, 24)
    for bad in (good.replace(f"/{files[20].stamp[0]:x}/", "/0/"), good.replace(files[24].id, "0" * 12), good.replace("/demand", "/views")):
        assert ask(bad).status == 404
