"""What the operators' map asks for: pins, states, who sees a place, what is lost, events; and nobody else may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyproj
import pytest
from starlette.applications import Starlette

from live.log import EventLog
from live.onvif import Aim
from live.pins import Status
from live.steering import Seen
from live.uptime import Record
from planning.access import Actor
from planning.deployed import NO_FEED, Deployment, Feed
from planning.register import Register
from planning.store import open_store
from screens import operate_routes
from screens.control import Control, control
from tests.screens.toy import CRS, EAST, HOSTILE, NORTH, save_toy


def place(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of the toy's own metres."""
    lon, lat = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform(EAST + x, NORTH + y)
    return lat, lon


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy city with three cameras at one street: two that see its middle, one that looks away; in a store of its own."""
    parent = tmp_path_factory.mktemp("cities")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAUKAS_CITIES", str(parent))
        patch.setenv("CHAUKAS_STATE", str(tmp_path_factory.mktemp("state")))
        hang(parent)
        yield parent
        open_store().engine.dispose()


def hang(parent: Path) -> None:
    """Save the toy city, and deploy its cameras."""
    save_toy(parent, plans=False)
    rows = (("a", 380, 90), ("b", 420, 270), ("c", 560, 90))
    Register().put(
        *(
            Deployment(
                name, "toy", HOSTILE if name == "c" else name.upper(), *place(x, 400), aim, 6.0, "bullet-4mp", Feed("rtsp", f"rtsp://10.0.0.9/{name}")
            )
            for name, x, aim in rows
        ),
        Deployment("d", "toy", "D", *place(100, 100), None, 6.0, "", NO_FEED),
    )


@pytest.fixture
def here(cities: Path) -> Iterator[Control]:
    """The app's control over that city, nothing running."""
    control.cache_clear()
    yield control()
    control.cache_clear()


@dataclass
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body read."""
        return json.loads(self.body)


class Client:
    """A browser's requests, handed to the app as a server would."""

    def __init__(self) -> None:
        self._app = Starlette(routes=operate_routes.routes())
        self.actor = Actor("o1", "Asha", ("operator",))

    def get(self, path: str) -> Answer:
        """GET an address."""
        return self._ask("GET", path, b"", {})

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """POST a body, as JSON or as the bytes it is."""
        return self._ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        path, _, query = url.partition("?")
        sent: list[Any] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return given.pop(0) if given else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path, "root_path": "",
            "raw_path": path.encode(), "query_string": query.encode(), "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            "chaukas.actor": self.actor, "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        asyncio.run(self._app(scope, receive, send))
        return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
def client(here: Control) -> Client:
    """Requests to the app over that control."""
    return Client()


def know(here: Control, **states: str) -> None:
    """Let the round know these states, seen just now."""
    now = here.service.now()
    here.rounds._now = {camera: Status(state, now - 60, now, 3600.0) for camera, state in states.items()}


def test_pins_come_with_areas_and_places_and_without_addresses(client: Client) -> None:
    """Everything the map draws that stays, under a stamp; no address of a camera in any answer."""
    told = client.get("/operate/toy/pins").json()
    assert [row["id"] for row in told["pins"]] == ["a", "b", "c", "d"]
    assert set(told["areas"]["cameras"]) >= {"a", "b", "c"}
    assert any(name == "East 4 × North 4" for name, _, _ in told["places"]) or told["places"]
    for path in ("pins", "states", "events", "pins.geojson", "blind"):
        text = client.get(f"/operate/toy/{path}").body.decode()
        assert "rtsp" not in text
        assert "10.0.0.9" not in text


def test_states_are_those_known_now_and_never_older(client: Client, here: Control) -> None:
    """What the round knows; never seen where it knows nothing; stale where that is too old."""
    know(here, a="live", b="dark")
    here.rounds._now["c"] = Status("live", 5.0, seen_s=5.0)
    told = client.get("/operate/toy/states").json()
    assert {camera: state for camera, (state, _) in told["states"].items()} == {"a": "live", "b": "dark", "c": "stale", "d": "never_seen"}
    assert told["counts"] == {"never_seen": 1, "stale": 1, "dark": 1, "live": 1}
    assert told["stamp"] == client.get("/operate/toy/pins").json()["stamp"]


def test_a_new_deployment_changes_the_stamp(client: Client) -> None:
    """So that a browser fetches the pins again."""
    before = client.get("/operate/toy/states").json()["stamp"]
    register = Register()
    register.put(Deployment("d", "toy", "Depot", *place(100, 100), None, 6.0, "", NO_FEED))
    assert client.get("/operate/toy/states").json()["stamp"] != before


def test_who_sees_a_place_is_ranked_by_pixels_a_metre(client: Client, here: Control) -> None:
    """Near enough to be seen by night too, each with its state."""
    know(here, a="live", b="offline")
    lat, lon = place(398.5, 400)
    told = client.get(f"/operate/toy/see?lat={lat}&lon={lon}").json()
    assert [(one["camera"], one["state"]) for one in told["cameras"]] == [("a", "live"), ("b", "offline")]
    assert told["cameras"][0]["px_per_m"] > told["cameras"][1]["px_per_m"]


@pytest.mark.parametrize("query", ["", "?lat=x&lon=1", "?lat=1&lon=1", "?lat=nan&lon=82"])
def test_a_place_that_is_none_is_refused(client: Client, query: str) -> None:
    """With the fault in words."""
    answer = client.get(f"/operate/toy/see{query}")
    assert answer.status == 400
    assert answer.json()["faults"][0]["code"].startswith("witness.")


def test_what_is_lost_is_what_only_dead_cameras_saw(client: Client, here: Control) -> None:
    """One camera down that another stands in for in part: something is lost, and it is the one to repair; nothing is lost while all work."""
    know(here, a="live", b="live", c="live")
    assert client.get("/operate/toy/blind").json()["lost"] == 0
    know(here, a="live", b="live", c="offline")
    told = client.get("/operate/toy/blind").json()
    assert told["down"] == ["c"]
    assert told["lost"] == pytest.approx(told["before"] - told["now"])
    assert told["lost"] > 0
    assert [one["camera"] for one in told["repairs"]] == ["c"]
    assert told["streets"][0]["name"] == "East 4"
    assert told["repairs"][0]["gain"] == pytest.approx(told["lost"])


def test_an_event_is_acknowledged_once_it_has_a_note(client: Client) -> None:
    """The note stays text; without one, for an event that is none, or from another site it is refused."""
    since = datetime(2026, 3, 1, tzinfo=UTC)
    EventLog().append("toy", Record("state", since, "a", "dark", since=since))
    (event,) = client.get("/operate/toy/events").json()["events"]
    assert (event["camera"], event["state"], event["acknowledged"]) == ("a", "dark", None)
    for body, code in (({"event": event["id"], "note": " "}, "event.note"), ({"event": "x", "note": "y"}, "event.unknown"), ({}, "event.note")):
        answer = client.post("/operate/toy/acknowledge", body)
        assert (answer.status, answer.json()["faults"][0]["code"]) == (400, code)
    sent = {"event": event["id"], "note": HOSTILE}
    assert client.post("/operate/toy/acknowledge", sent, sec_fetch_site="cross-site").status == 403
    assert client.post("/operate/toy/acknowledge", json.dumps(sent).encode() + b" " * 30_000).status == 413
    assert client.post("/operate/toy/acknowledge", sent).status == 200
    assert client.get("/operate/toy/events").json()["events"][0]["acknowledged"]["note"] == HOSTILE
    with open_store().read() as reading:
        (line,) = reading.lines(action="live.acknowledge")
    assert (line["by"], line["subject"]) == ("o1", event["id"])


@pytest.mark.parametrize(("roles", "reads"), [(("public",), False), (("member",), False), (("planner",), False), (("admin",), True)])
def test_who_is_no_operator_may_not_operate(client: Client, roles: tuple[str, ...], reads: bool) -> None:
    """An administrator sees the map and no picture; all others see nothing of it."""
    client.actor = Actor("x", "X", roles)
    for path in ("pins", "states", "blind", "events", "pins.geojson"):
        answer = client.get(f"/operate/toy/{path}")
        assert answer.status == (200 if reads else 403)
        assert reads or answer.json()["faults"][0]["code"] == "access.forbidden"
    assert client.post("/operate/toy/acknowledge", {}).status == 403
    assert client.post("/live/token/a", {}).status == 403


def test_an_unknown_city_is_told(client: Client) -> None:
    """As not there."""
    assert client.get("/operate/nowhere/states").status == 404


def test_repairs_come_in_the_order_of_what_is_scarce(client: Client, here: Control) -> None:
    """For a rupee and for an hour the order differs where the records say so; both costs are told; what is no unit means rupees."""
    register = Register()
    kept = register.list("toy")
    costs = {"a": (50_000, 0.5), "b": (100, 300.0)}
    register.put(*(replace(one, repair_inr=costs[one.id][0], repair_h=costs[one.id][1]) for one in kept if one.id in costs))
    try:
        know(here, a="offline", b="offline", c="live")
        by_rupee, by_hour = (client.get(f"/operate/toy/blind?by={unit}").json() for unit in ("inr", "hours"))
        assert [(row["camera"], row["inr"], row["hours"]) for row in by_rupee["repairs"]] == [("b", 100, 300.0), ("a", 50_000, 0.5)]
        assert [row["camera"] for row in by_hour["repairs"]] == ["a", "b"]
        assert (by_rupee["by"], by_hour["by"], client.get("/operate/toy/blind?by=x").json()["by"]) == ("inr", "hours", "inr")
    finally:
        register.put(*kept)


def test_clocks_that_are_off_are_told_with_the_states_and_among_the_events(client: Client, here: Control) -> None:
    """By how much, of those alone; and when it began, to be acknowledged as any event."""
    know(here, a="live", b="live")
    here.rounds._now["b"] = replace(here.rounds._now["b"], clock_s=-75.2)
    assert client.get("/operate/toy/states").json()["clocks"] == {"b": -75}
    at = datetime(2026, 3, 2, tzinfo=UTC)
    here.log.append("toy", Record("clock", at, "b", "off", measure="-75 s"))
    (event,) = [one for one in client.get("/operate/toy/events").json()["events"] if one["state"] == "clock_off"]
    assert (event["camera"], event["measure"], event["until"]) == ("b", "-75 s", None)
    assert client.post("/operate/toy/acknowledge", {"event": event["id"], "note": "told the contractor"}).status == 200
    (event,) = [one for one in client.get("/operate/toy/events").json()["events"] if one["state"] == "clock_off"]
    assert event["acknowledged"]["note"] == "told the contractor"


def test_a_view_is_accepted_with_a_line_of_the_audit_by_those_who_may(client: Client, here: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written before it is done; a camera of elsewhere, one that shows nothing, another site and a person without the right change nothing."""
    done = list[str]()

    async def accept(camera: str, first: Callable[[], None]) -> bool:
        if camera == "c":
            return False
        first()
        done.append(camera)
        return True

    monkeypatch.setattr(here.rounds, "accept", accept)
    assert client.post("/operate/toy/accept", {"camera": "a"}).status == 200
    assert done == ["a"]
    with open_store().read() as reading:
        (line,) = reading.lines(action="live.accept")
    assert (line["by"], line["subject"]) == ("o1", "a")
    assert client.post("/operate/toy/accept", {"camera": "elsewhere"}).json()["faults"][0]["code"] == "deployment.unknown"
    assert client.post("/operate/toy/accept", {"camera": "c"}).json()["faults"][0]["code"] == "reference.none"
    assert client.post("/operate/toy/accept", b"no json").status == 400
    assert client.post("/operate/toy/accept", {"camera": "a"}, sec_fetch_site="cross-site").status == 403
    client.actor = Actor("m1", "Mina", ("member",))
    assert client.post("/operate/toy/accept", {"camera": "a"}).status == 403
    assert done == ["a"]


def test_a_camera_that_is_turned_is_seen_to_look_there(client: Client, here: Control) -> None:
    """What it sees when turned by half a circle lies on its other side; where it looks comes with the states; a bearing that is none is refused."""
    register = Register()
    turner = Deployment("t", "toy", "T", *place(300, 400), 350.0, 6.0, "ptz-2mp", NO_FEED, onvif="onvif://10.0.0.8")
    register.put(turner)
    rows = {row["id"]: row["steered"] for row in client.get("/operate/toy/pins").json()["pins"]}
    assert (rows["t"], rows["a"]) == (True, False)
    assert "10.0.0.8" not in client.get("/operate/toy/pins").body.decode()

    def middle(bearing: int) -> float:
        told = client.get(f"/operate/toy/turned?camera=t&bearing={bearing}").json()
        assert set(told["cameras"]) == {"t"}
        east = told["origin"][0]
        xs = [east := east + step * 0.25 for step in told["steps"][::2]]
        return sum(xs) / len(xs)

    assert middle(90) > middle(270) + 5
    assert client.get("/operate/toy/turned?camera=none&bearing=9").json()["cameras"] == []
    for query in ("?camera=t&bearing=360", "?camera=t&bearing=nan", "?camera=t"):
        answer = client.get(f"/operate/toy/turned{query}")
        assert (answer.status, answer.json()["faults"][0]["code"]) == (400, "deployment.bearing")
    here.service.steering._seen["t"] = Seen(Aim(30.0, 0.0, 0.0), here.service.now())
    assert client.get("/operate/toy/states").json()["aims"] == {"t": 20.0}
    here.service.steering._seen["t"] = Seen(Aim(30.0, 0.0, 0.0), here.service.now() - 3600)
    assert client.get("/operate/toy/states").json()["aims"] == {}
