"""The addresses of steering, over a service with a simulated device: who may, what is said, and what is written down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from live.secrets import Credentials, Sealer
from live.service import Service, start
from live.settings import load_settings
from live.simulated_onvif import OnvifDevice
from planning.access import Actor
from planning.deployed import NO_FEED, Deployment
from planning.errors import FeedError
from tests.live.pretend import OPERATOR, TestClient, application, deployment

ACTORS = {
    "anna": OPERATOR, "bina": Actor("bina", "Bina <b>", ("operator",)), "admin": Actor("root", "Root", ("admin",)),
    "member": Actor("m", "M", ("member",)), "planner": Actor("p", "P", ("planner",)),
    "other": Actor("o", "O", ("operator",), frozenset({"fixed"})), "own": Actor("w", "W", ("operator",), frozenset({"ptz"})),
}  # fmt: skip
SECRET = Credentials("viewer", "hunter2")
SETTINGS = load_settings()


class Vault:
    """One seal."""

    def __init__(self, sealer: Sealer) -> None:
        self.seal = sealer.seal("ptz", SECRET)

    def get(self, deployment: str) -> bytes | None:
        """The PTZ camera's."""
        return self.seal if deployment == "ptz" else None

    def put(self, deployment: str, token: bytes) -> None:
        """Nothing: nobody puts here."""


class House:
    """A service over a camera that turns and one that does not."""

    def __init__(self) -> None:
        self.device = OnvifDevice({"main": "rtsp://127.0.0.1:1/one"}, credentials=SECRET)
        self.rows: list[tuple[str, str, dict[str, object]]] = []
        self.broken = False
        sealer = Sealer(b"k" * 32)
        ptz: Deployment = replace(deployment("ptz"), model="ptz-2mp", feed=NO_FEED, onvif=self.device.url, bearing_deg=90.0)
        settings = replace(SETTINGS, limits=replace(SETTINGS.limits, held_open=0), times=replace(SETTINGS.times, look_every_s=3600.0))
        self.service: Service = start(
            {"ptz": ptz, "fixed": replace(deployment("fixed"), feed=NO_FEED)}, audit=lambda *_: None, settings=settings, demo=True,
            vault=Vault(sealer), sealer=lambda: sealer, steered=self.record,
        )  # fmt: skip

    def record(self, actor: Actor, camera: str, what: Mapping[str, object]) -> None:
        """A line."""
        if self.broken:
            raise FeedError.one("live.full", "full", "wait")
        self.rows.append((actor.id, camera, dict(what)))


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[House, TestClient]]:
    """The service running, and a client of its application."""
    house = House()
    with TestClient(application(house.service, ACTORS)) as client:
        yield house, client
    house.device.stop()


@pytest.fixture
def house(whole: tuple[House, TestClient]) -> House:
    """The house, nobody holding its camera."""
    house = whole[0]
    for mount in house.service.steering._mounts.values():
        mount.holder = None
    house.rows.clear()
    return house


@pytest.fixture
def client(whole: tuple[House, TestClient]) -> TestClient:
    """A client."""
    return whole[1]


def steer(client: TestClient, who: str, camera: str = "ptz", **said: object) -> tuple[int, dict[str, object]]:
    """A command, its status and what is said."""
    answer = client.post(f"/live/steer/{camera}", json=said, headers={"x-actor": who})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("who", "reads", "steers"), [
    ("anna", 200, 200), ("own", 200, 200), ("admin", 200, 200), ("other", 403, 403), ("member", 403, 403), ("planner", 403, 403), ("", 403, 403),
])  # fmt: skip
def test_who_may_look_and_who_may_steer(house: House, client: TestClient, who: str, reads: int, steers: int) -> None:
    """Operators and administrators; one who has the right to other cameras only may neither; a refusal moves and writes nothing."""
    before = house.device.asked.count("Stop")
    assert client.get("/live/aim/ptz", headers={"x-actor": who}).status_code == reads
    assert steer(client, who, do="stop")[0] == steers
    assert (house.device.asked.count("Stop") > before) == (steers == 200)
    assert bool(house.rows) == (steers == 200)


def test_where_it_looks_who_holds_it_and_the_places_it_keeps(house: House, client: TestClient) -> None:
    """Bearing on the map, presets by token and name, and who steers for how long, told to each by whether it is they."""
    said = client.get("/live/aim/ptz?presets=1", headers={"x-actor": "anna"}).json()
    assert ["home", "Home"] in said["presets"]
    assert (said["may"], said["holder"], said["bearing"]) == (True, None, (90.0 + said["aim"]["pan"]) % 360)
    assert steer(client, "anna", do="move", pan=0.5)[1]["holder"] == {"name": "Anna", "mine": True, "left_s": pytest.approx(15, abs=1)}
    holder = client.get("/live/aim/ptz", headers={"x-actor": "bina"}).json()["holder"]
    assert (holder["name"], holder["mine"]) == ("Anna", False)


def test_a_preset_turns_the_camera_and_is_on_record(house: House, client: TestClient) -> None:
    """The head comes to look there."""
    assert steer(client, "anna", do="go", preset="east")[0] == 200
    end, pan = time.monotonic() + 10, None
    while pan != 90 and time.monotonic() < end:
        time.sleep(0.05)
        pan = client.get("/live/aim/ptz", headers={"x-actor": "anna"}).json()["aim"]["pan"]
    assert pan == 90
    assert house.rows == [("anna", "ptz", {"what": "preset", "preset": "90 to the right"})]
    assert steer(client, "anna", do="go", preset="nowhere") == (400, {"faults": [
        {"code": "steer.preset", "what": "The camera keeps no such place", "way_out": "Choose one of the list"}
    ]})  # fmt: skip


def test_two_do_not_fight_for_a_camera(house: House, client: TestClient) -> None:
    """The second is told that somebody steers; when the first lets go, the second may."""
    assert steer(client, "anna", do="move", pan=-1)[0] == 200
    status, said = steer(client, "bina", do="move", pan=1)
    assert (status, said["faults"][0]["code"]) == (403, "steer.held")  # type: ignore[index]
    assert steer(client, "anna", do="stop")[0] == 200
    assert steer(client, "anna", do="let_go")[1]["holder"] is None
    assert steer(client, "bina", do="move", zoom=1)[0] == 200
    assert steer(client, "bina", do="stop")[0] == 200
    assert [row[0] for row in house.rows] == ["anna", "bina"]


JSON = "application/json"


@pytest.mark.parametrize(("body", "kind"), [
    (b"", JSON), (b"[]", JSON), (b'{"do": "dance"}', JSON), (b'{"do": "move", "pan": "1"}', JSON), (b'{"do": "move", "pan": true}', JSON),
    (b'{"do": "move", "pan": 7}', JSON), (b'{"do": "move", "pan": NaN}', JSON), (b'{"do": "stop"' + b" " * 3000 + b"}", JSON),
    (b"[" * 1500, JSON), (b'{"do": "stop"}', "text/plain"),
])  # fmt: skip
def test_what_is_no_command_is_refused(house: House, client: TestClient, body: bytes, kind: str) -> None:
    """No JSON, no command, no number, too much, or a form's kind of content; nothing moves."""
    before = len(house.device.asked)
    answer = client.post("/live/steer/ptz", content=body, headers={"x-actor": "anna", "content-type": kind})
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (400, "steer.form")
    assert len(house.device.asked) == before


def test_another_site_steers_nothing(house: House, client: TestClient) -> None:
    """A page of another host is refused."""
    headers = {"x-actor": "anna", "sec-fetch-site": "cross-site"}
    assert client.post("/live/steer/ptz", json={"do": "stop"}, headers=headers).status_code == 403
    assert house.rows == []


def test_where_it_cannot_be_written_down_nothing_moves(house: House, client: TestClient) -> None:
    """Nobody steers unseen."""
    house.broken = True
    before = house.device.asked.count("ContinuousMove")
    assert steer(client, "anna", do="move", pan=1)[0] == 503
    house.broken = False
    assert house.device.asked.count("ContinuousMove") == before


def test_cameras_that_do_not_turn_and_that_are_not_there(house: House, client: TestClient) -> None:
    """Told so, with no word of an address."""
    for camera, status, code in (("fixed", 503, "onvif.lacks"), ("none", 404, "live.unknown")):
        for answer in (client.get(f"/live/aim/{camera}", headers={"x-actor": "anna"}), client.post(
            f"/live/steer/{camera}", json={"do": "stop"}, headers={"x-actor": "anna"}
        )):  # fmt: skip
            assert (answer.status_code, answer.json()["faults"][0]["code"]) == (status, code)


def test_a_camera_that_does_not_tell_where_it_looks_can_be_steered(house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is told that it does not tell, and may steer."""
    answer = house.device.answer
    monkeypatch.setattr(house.device, "answer", lambda operation, asked: None if operation == "GetStatus" else answer(operation, asked))
    house.service.steering._seen.clear()
    said = client.get("/live/aim/ptz?presets=1", headers={"x-actor": "anna"}).json()
    assert (said["aim"], said["may"], len(said["presets"])) == (None, True, 3)
    assert steer(client, "anna", do="stop")[0] == 200


def test_no_answer_holds_an_address_or_a_password(house: House, client: TestClient) -> None:
    """Good answers and refusals alike."""
    said = [client.get("/live/aim/ptz?presets=1", headers={"x-actor": who}).text for who in ("anna", "other", "")]
    said += [json.dumps(steer(client, who, do="move", tilt=0.5)) for who in ("anna", "bina", "member")]
    house.device._credentials = Credentials("viewer", "changed")
    try:
        house.service.steering._seen.clear()
        answer = client.get("/live/aim/ptz", headers={"x-actor": "anna"})
        assert (answer.status_code, answer.json()["faults"][0]["code"]) == (503, "feed.password")
        said.append(answer.text)
    finally:
        house.device._credentials = SECRET
        house.service.steering._mounts.clear()
    for secret in ("hunter2", "viewer", "127.0.0.1", str(house.device.port), "http:", "gAAAA"):
        assert secret not in "".join(said), secret
