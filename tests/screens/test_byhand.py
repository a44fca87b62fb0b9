"""A plan changed by hand on the map: what is asked, what is told, what is kept."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyproj
import pytest
from starlette.applications import Starlette

from optimizer.handwork import open_bench
from planning.city import City
from planning.errors import ChaukasError, InputError, ScenarioError
from planning.export import read_plan, write_plan
from planning.handmade import HAND_MADE, read_sheet
from planning.nouns import Plan
from screens import byhand, jobs, library
from screens.byhand import change, start
from screens.routes import hand_url, routes
from screens.words import words
from tests.planning.toy_streets import at

SAID = words("en")


@pytest.fixture(name="saved", scope="module")
def saved_once(town: City, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the town with its plan; nobody writes there."""
    parent = tmp_path_factory.mktemp("saved")
    city = town.save(parent / "toy")
    write_plan(plan, city, parent / "toy" / "plans" / f"{plan.id}.gpkg")
    return parent


@pytest.fixture(name="home")
def town_with_its_plan(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    """The town with its plan, a copy of one's own."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CHAUKAS_CITIES", str(tmp_path))
    return library.city("toy")


def post(url: str, body: bytes, kind: str = "application/json") -> tuple[int, Any]:
    """What the address answers: status and JSON."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": unquote(url), "root_path": "",
        "raw_path": url.encode(), "query_string": b"", "headers": [(b"content-type", kind.encode())], "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(Starlette(routes=routes())(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def place(city: City, x: float, y: float) -> dict[str, float]:
    """A place of the town's own metres as a browser tells it."""
    spot = at(x, y)
    lon, lat = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform(round(spot.x), round(spot.y))
    return {"lat": lat, "lon": lon}


def test_each_change_is_kept_and_told(home: City, plan: Plan) -> None:
    """Turned, moved, set otherwise, added, taken away: each answer has the new camera, what changed on the map, and a name that finds it again."""
    first = max(plan.cameras, key=lambda camera: camera.gain)
    told = change(home, plan, {"do": "set", "id": first.id, "bearing": first.bearing_deg + 180}, SAID)
    assert told["gone"] == [first.id]
    assert told["planned"]["rows"][0]["id"] == told["chosen"]
    assert told["planned"]["rows"][0]["bearing"] == pytest.approx((first.bearing_deg + 180) % 360)
    assert told["lost"]
    assert len(told["views"]["cameras"]) >= 1
    moved = change(home, plan, {"hand": told["hand"], "do": "move", "id": told["chosen"], **place(home, -30, 9)}, SAID)
    assert moved["chosen"].startswith("h-")
    lens = change(home, plan, {"hand": moved["hand"], "do": "set", "id": moved["chosen"], "model": "varifocal-4mp", "lens": 1, "height": 7}, SAID)
    assert "/varifocal-4mp/1@" in lens["chosen"]
    assert lens["chosen"].endswith("/7")
    added = change(home, plan, {"hand": lens["hand"], "do": "add", **place(home, 5, 45)}, SAID)
    assert len(added["planned"]["rows"]) == 2
    gone = change(home, plan, {"hand": added["hand"], "do": "drop", "id": added["chosen"]}, SAID)
    assert len(gone["planned"]["rows"]) == 1
    assert len(gone["changes"]) == 5
    found = read_sheet(gone["hand"], home)
    assert found.plan == plan.id
    assert change(home, plan, {"hand": gone["hand"]}, SAID)["numbers"] == gone["numbers"]


def test_undo_and_redo_bring_back_what_was(home: City, plan: Plan) -> None:
    """Undoing gives the plan as it was before and points to the camera in question; redoing the change again; dropping all leaves no sheet."""
    first = plan.cameras[0]
    told = change(home, plan, {"do": "set", "id": first.id, "bearing": 11}, SAID)
    back = change(home, plan, {"hand": told["hand"], "do": "undo"}, SAID)
    assert (back["gone"], back["changes"], back["undo"], back["redo"], back["chosen"]) == ([], [], False, True, first.id)
    assert back["numbers"] == change(home, plan, {}, SAID)["numbers"]
    again = change(home, plan, {"hand": back["hand"], "do": "redo"}, SAID)
    assert {**again, "chosen": ""} == {**told, "chosen": ""}
    assert change(home, plan, {"hand": again["hand"], "do": "drop_all"}, SAID)["hand"] == ""


def test_a_move_of_a_step_or_two_leaves_it_at_its_site(home: City, plan: Plan) -> None:
    """Set down within 3 m of its own site a camera stays, that is told, and no change is counted."""
    first = plan.cameras[0]
    lon, lat = pyproj.Transformer.from_crs(home.crs, 4326, always_xy=True).transform(first.x_m + 1, first.y_m - 1)
    told = change(home, plan, {"do": "move", "id": first.id, "lat": lat, "lon": lon}, SAID)
    assert (told["hand"], told["note"], told["chosen"]) == ("", SAID.say("hand.same"), first.id)


def test_a_trial_is_told_and_not_kept(home: City, plan: Plan) -> None:
    """While a camera is turned under the mouse nothing is written, and the answer is that of the change itself."""
    asked = {"do": "set", "id": plan.cameras[0].id, "bearing": 77}
    told = change(home, plan, {**asked, "preview": True}, SAID)
    assert home.folder is not None
    assert not (home.folder / "sheets").exists()
    assert change(home, plan, asked, SAID)["numbers"] == told["numbers"]


def test_the_numbers_are_those_of_the_bench(home: City, plan: Plan) -> None:
    """Coverage, cameras and cost as told are what the same cameras score."""
    told = change(home, plan, {"do": "drop", "id": plan.cameras[0].id}, SAID)
    scored = open_bench(home, plan).score([camera.id for camera in plan.cameras[1:]])
    values = [value for _, value, _ in told["numbers"]]
    assert values[0] == SAID.share(scored.card.after, 2)
    assert values[2] == SAID.number(len(plan.cameras) - 1)
    assert values[3] == SAID.short(scored.cost_inr)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"do": "fly"}, "hand.camera"), ({"do": "fly", "id": "CAMERA"}, "hand.ask"), ({"do": "set", "id": "nobody", "bearing": 1}, "hand.camera"),
        ({"do": "set", "id": "CAMERA", "bearing": "north"}, "hand.ask"), ({"do": "set", "id": "CAMERA", "bearing": float("nan")}, "hand.ask"),
        ({"do": "set", "id": "CAMERA", "height": 400}, "hand.ask"), ({"do": "set", "id": "CAMERA", "height": 39}, "scenario.keep"),
        ({"do": "set", "id": "CAMERA", "model": "<b>", "lens": 0}, "scenario.keep"), ({"do": "set", "id": "CAMERA", "lens": 9}, "scenario.keep"),
        ({"do": "add", "lat": True, "lon": 0}, "hand.ask"), ({"do": "add", "lat": 0}, "hand.ask"), ({"do": "add", "lat": 0, "lon": 0}, "hand.ask"),
        ({"hand": "../../etc/passwd-1"}, "hand.unknown"), ({"hand": f"{'0' * 12}-1"}, "hand.unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(home: City, plan: Plan, asked: dict[str, Any], code: str) -> None:
    """Whatever is asked that cannot be read or made is one of our errors, and nothing is kept."""
    asked = {key: plan.cameras[0].id if value == "CAMERA" else value for key, value in asked.items()}
    with pytest.raises(ChaukasError) as caught:
        change(home, plan, asked, SAID)
    assert caught.value.code == code
    assert home.folder is not None
    assert not (home.folder / "sheets").exists()


def test_a_draft_of_another_plan_is_refused(home: City, plan: Plan) -> None:
    """The changes of one plan are not put upon another."""
    told = change(home, plan, {"do": "drop", "id": plan.cameras[0].id}, SAID)
    other = dataclasses.replace(plan, cameras=plan.cameras[1:], demand=plan.demand)
    with pytest.raises(InputError) as caught:
        change(home, other, {"hand": told["hand"]}, SAID)
    assert caught.value.code == "hand.unknown"


def test_the_address_takes_json_only_and_answers_faults_in_the_reader_s_words(home: City, plan: Plan) -> None:
    """A change by its address; forms, broken and huge bodies, and addresses out of date are refused, in Hindi where Hindi is read."""
    file = library.plan_path(home, plan.id)
    url = hand_url(home, file, SAID)
    status, told = post(url, json.dumps({"do": "drop", "id": plan.cameras[0].id}).encode())
    assert status == 200
    assert told["gone"] == [plan.cameras[0].id]
    for body, kind in ((b"do=drop", "application/x-www-form-urlencoded"), (b"{", "application/json"), (b"[]", "application/json"),
                       (b" " * 30_000, "application/json")):  # fmt: skip
        assert post(url, body, kind)[0] == 422
    assert post(url.replace(f"{file.stamp[0]:x}", "1"), b"{}")[0] == 422
    status, told = post(hand_url(home, file, words("hi")), json.dumps({"do": "drop", "id": "x"}).encode())
    assert (status, told["faults"][0].split(" (")[0]) == (422, words("hi").say("fault.hand.camera"))


def test_a_plan_is_kept_or_made_again_in_the_background(home: City, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept as it is, the plan says how it was made and its budget is what it costs; made again it is within the old budget and holds the change."""
    monkeypatch.setattr(jobs, "desk", jobs.Desk())
    monkeypatch.setattr(jobs, "_surveys", library.Shelf(1))
    told = change(home, plan, {"do": "add", **place(home, -30, 9)}, SAID)
    job = start(home, plan, told["hand"], again=False, title=" Ours ")
    assert start(home, plan, told["hand"], again=False) is job
    again = start(home, plan, told["hand"], again=True)
    for one in (job, again):
        one.job.wait(60)
        assert jobs.outcome(one) is None
        assert one.job.result is not None
    assert home.folder is not None
    kept, made = (read_plan(home.folder / "plans" / f"{one.job.result}.gpkg") for one in (job, again))
    assert (kept.proof.status, kept.scenario.title, kept.verified) == (HAND_MADE, "Ours", True)
    assert {camera.id for camera in kept.cameras} == {camera.id for camera in plan.cameras} | {told["chosen"]}
    assert kept.scenario.budget_inr == max(plan.scenario.budget_inr, kept.cost_inr)
    assert told["chosen"] in {camera.id for camera in made.cameras}
    assert made.cost_inr <= plan.scenario.budget_inr


def test_a_plan_that_breaks_a_rule_is_not_kept(home: City, plan: Plan) -> None:
    """Four cameras where three may hang are told as broken, and keeping the plan is refused."""
    first, name = plan.cameras[0], ""
    spot = {"lat": 0.0, "lon": 0.0}
    lon, lat = pyproj.Transformer.from_crs(home.crs, 4326, always_xy=True).transform(first.x_m, first.y_m)
    spot = {"lat": lat, "lon": lon}
    for k in range(4):
        told = change(home, plan, {"hand": name, "do": "add", **spot}, SAID)
        told = change(home, plan, {"hand": told["hand"], "do": "set", "id": told["chosen"], "bearing": 10.0 * k + 3}, SAID)
        name = told["hand"]
    assert not told["keeps"]
    assert any(first.site in text for text in told["broken"])
    with pytest.raises(ScenarioError) as caught:
        start(home, plan, name, again=False)
    assert caught.value.code == "hand.rules"
    assert byhand.open_sheet(home, plan, name).name == name
