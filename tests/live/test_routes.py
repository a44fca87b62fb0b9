"""The addresses of live video."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from live.feeds import HEADER, read_picture
from live.secrets import Credentials, StoreVault, open_sealer
from live.service import Service, start
from live.settings import load_settings
from planning.access import Actor, may
from planning.errors import FeedError
from planning.store import Store
from tests.live.pretend import H264, JPEG, OPERATOR, Clock, Opener, TestClient, application, deployment, frame, jpeg

ACTORS = {
    "anna": OPERATOR, "bina": Actor("bina", "Bina", ("operator",)), "one": Actor("one", "One", ("operator",), frozenset({"plain"})),
    "admin": Actor("root", "Root", ("admin",)), "member": Actor("m", "M", ("member",)), "planner": Actor("p", "P", ("planner",)),
}  # fmt: skip
MASK = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)
PLAIN, HIDDEN = "rtsp://10.0.0.1/one", "rtsp://10.0.0.2/two"
SETTINGS = load_settings()


class Record:
    """What was told of views."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float, float | None, str]] = []
        self.broken = False

    def __call__(self, actor: Actor, camera: str, began: float, ended: float | None, why: str) -> None:
        """Keep it, or refuse."""
        if self.broken:
            raise FeedError.one("live.full", "the record is full", "wait")
        self.rows.append((actor.id, camera, began, ended, why))


class House:
    """A service over two cameras, one of them masked, that are fed as soon as they are opened."""

    def __init__(self, folder: Path, **times: float) -> None:
        self.opener, self.record, self.rights = Opener(), Record(), {"now": True}
        store = Store(f"sqlite:///{folder / 'chaukas.db'}", folder).ready()
        sealer, vault = open_sealer(folder / "key"), StoreVault(lambda: store)
        for camera in ("plain", "hidden"):
            vault.put(camera, sealer.seal(camera, Credentials("viewer", "hunter2")))
        settings = replace(SETTINGS, times=replace(SETTINGS.times, **times))
        self.service: Service = start(
            {"plain": deployment("plain", url=PLAIN), "hidden": deployment("hidden", url=HIDDEN, mask=MASK)}, audit=self.record, settings=settings,
            vault=vault, sealer=lambda: sealer, opener=self.opener, clock=Clock(),
            allowed=lambda actor, action, camera=None: self.rights["now"] and may(actor, action, camera),
        )  # fmt: skip

    def feed(self) -> None:
        """A configuration and two keyframes to each camera that is open."""
        end = time.monotonic() + 10
        while len(self.opener.sources) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        for url, config, shade in ((PLAIN, JPEG, 200), (HIDDEN, JPEG, 220)):
            self.opener.last(url).put.put(config)
            for number in (1, 2):
                self.opener.last(url).put.put(frame(number, key=True, data=jpeg(shade)))


@pytest.fixture(name="house")
def made_house(tmp_path: Path) -> House:
    """A house of the usual times."""
    return House(tmp_path)


@pytest.fixture(name="client")
def made_client(house: House) -> Iterator[TestClient]:
    """A client of the running service, its cameras fed."""
    with TestClient(application(house.service, ACTORS)) as client:
        house.feed()
        yield client


def token(client: TestClient, camera: str, who: str = "anna", reason: str = "") -> str:
    """A right to look."""
    answer = client.post(f"/live/token/{camera}", json={"reason": reason}, headers={"x-actor": who})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def heard(socket: Any, count: int) -> tuple[list[dict[str, Any]], list[bytes]]:
    """What is told and the first frames of a stream."""
    told: list[dict[str, Any]] = []
    frames: list[bytes] = []
    while len(frames) < count:
        message = socket.receive()
        assert message["type"] == "websocket.send", (message, told)
        if message.get("bytes"):
            frames.append(message["bytes"])
        else:
            told.append(json.loads(message["text"]))
    return told, frames


@pytest.mark.parametrize(("who", "camera", "status"), [
    ("anna", "plain", 200), ("one", "plain", 200), ("one", "hidden", 403), ("admin", "plain", 403), ("member", "plain", 403),
    ("planner", "plain", 403),    ("", "plain", 403), ("anna", "none", 404), ("", "none", 403),
])  # fmt: skip
def test_a_right_to_look_is_given_to_those_who_may(client: TestClient, who: str, camera: str, status: int) -> None:
    """Operators get it, for the cameras they may see; administrators, planners, members and the public do not; a stranger learns of no camera."""
    answer = client.post(f"/live/token/{camera}", headers={"x-actor": who})
    assert answer.status_code == status
    assert ("token" in answer.json()) == (status == 200)


@pytest.mark.parametrize("way", ["stream", "still", "mjpeg"])
def test_every_way_to_a_picture_needs_a_token_of_ones_own(client: TestClient, house: House, way: str) -> None:
    """None, another's, another camera's, a used and a late one open nothing, by any way; nor does a right of one who may no longer look."""

    def opened(camera: str, right: str, who: str) -> bool:
        if way != "stream":
            if way == "still":
                return client.get(f"/live/still/{camera}", params={"token": right}, headers={"x-actor": who}).status_code == 200
            # The row of pictures has no end of its own, so only what is refused is asked for here.
            return client.get(f"/live/mjpeg/{camera}", params={"token": right}, headers={"x-actor": who}).status_code == 200
        with client.websocket_connect(f"/live/stream/{camera}", headers={"x-actor": who}) as socket:
            socket.send_text(right)
            message = socket.receive()
            return message["type"] == "websocket.send" and json.loads(message["text"])["kind"] == "state"

    for camera, right, who in (
        ("plain", "", "anna"), ("plain", "x.y", "anna"), ("plain", token(client, "plain"), "bina"), ("plain", token(client, "hidden"), "anna"),
        ("plain", token(client, "plain"), "admin"), ("plain", token(client, "plain"), ""), ("none", token(client, "plain"), "anna"),
    ):  # fmt: skip
        assert not opened(camera, right, who)
    used = token(client, "plain")
    if way != "mjpeg":
        assert opened("plain", used, "anna")
        assert not opened("plain", used, "anna")
    right = token(client, "plain")
    house.service._clock.ahead += 61  # type: ignore[attr-defined]
    assert not opened("plain", right, "anna")


def test_a_stream_tells_state_and_configuration_and_then_frames_as_they_came(client: TestClient) -> None:
    """A player hears the state, what to decode, and each frame with its header and the camera's own bytes."""
    with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna"}) as socket:
        socket.send_text(token(client, "plain"))
        told, (first, *_) = heard(socket, 1)
    assert [one["kind"] for one in told] == ["state", "config"]
    assert told[0]["state"] == "live"
    assert (told[1]["codec"], told[1]["width"], told[1]["height"], told[1]["masked"]) == ("jpeg", 64, 48, False)
    assert HEADER.unpack_from(first)[:2] == (1, 1)
    assert first[HEADER.size :] == jpeg(200)


@pytest.mark.parametrize("query", ["", "?as=jpeg", "?as=raw", "?as="])
def test_a_masked_camera_gives_masked_pictures_by_every_way_and_says_so(client: TestClient, query: str) -> None:
    """Stream, whatever is asked for, and picture to take away are covered where the mask lies; status, right and configuration say it."""
    with client.websocket_connect(f"/live/stream/hidden{query}", headers={"x-actor": "anna"}) as socket:
        socket.send_text(token(client, "hidden"))
        told, (first, *_) = heard(socket, 1)
    picture = read_picture(first[HEADER.size :])
    assert picture is not None
    assert picture[:, :28].max() < 80
    assert all(one["masked"] for one in told)
    assert client.get("/live/status/hidden", headers={"x-actor": "anna"}).json()["masked"] is True
    answer = client.get("/live/still/hidden", params={"token": token(client, "hidden")}, headers={"x-actor": "anna"})
    still = read_picture(answer.content)
    assert still is not None
    assert answer.headers["x-masked"] == "1"
    assert still[:48, :28].max() < 80


def test_a_picture_taken_away_carries_place_time_and_its_hash(client: TestClient, house: House) -> None:
    """Below the picture, which is as it was, stand title, place and time; the header's hash is that of the bytes; the view is on record."""
    answer = client.get("/live/still/plain", params={"token": token(client, "plain", reason="FIR 12")}, headers={"x-actor": "anna"})
    assert answer.status_code == 200
    assert answer.headers["x-content-sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert (answer.headers["content-encoding"], answer.headers["cache-control"]) == ("identity", "no-store")
    picture = read_picture(answer.content)
    assert picture is not None
    assert picture.shape[0] > 48
    assert abs(int(picture[:40].mean()) - 200) < 4
    assert picture[50:].max() > 200
    assert picture[50:].min() < 60
    assert [row[0] for row in house.record.rows] == ["anna", "anna"]
    assert house.record.rows[0][4] == "FIR 12"


def test_a_row_of_pictures_for_an_img_ends_with_its_camera(client: TestClient, house: House) -> None:
    """Each part is a JPEG with its length, sent as it is; when the camera is lost the row ends, and the view is on record."""
    house.opener.last(PLAIN).put.put(frame(3, key=True, data=jpeg(100)))
    end = time.monotonic() + 5
    right = token(client, "plain")
    import threading

    threading.Timer(1.0, lambda: house.opener.last(PLAIN).put.put(FeedError.one("feed.ended", "over", "wait"))).start()
    answer = client.get("/live/mjpeg/plain", params={"token": right}, headers={"x-actor": "anna"})
    assert time.monotonic() < end
    assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
    assert answer.headers["content-encoding"] == "identity"
    parts = answer.content.split(b"--chaukas-picture\r\n")[1:]
    assert parts
    assert all(b"Content-Type: image/jpeg" in part and b"\xff\xd8" in part for part in parts)
    assert house.record.rows[-1][3] is not None


def test_every_view_is_on_record_from_when_to_when_and_why(client: TestClient, house: House) -> None:
    """The record hears who looks at what and why when it begins, and when it ended; nobody looks where it cannot be written."""
    with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna"}) as socket:
        socket.send_text(token(client, "plain", reason="चोरी की शिकायत"))
        heard(socket, 1)
        (began,) = house.record.rows
        assert (began[0], began[1], began[3], began[4]) == ("anna", "plain", None, "चोरी की शिकायत")
    end = time.monotonic() + 5
    while len(house.record.rows) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    ended = house.record.rows[1]
    assert ended[:3] == began[:3]
    assert ended[3] is not None and ended[3] >= began[2]
    house.record.broken = True
    with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna"}) as socket:
        socket.send_text(token(client, "plain"))
        assert json.loads(socket.receive()["text"])["kind"] == "end"
    assert client.get("/live/still/plain", params={"token": token(client, "plain")}, headers={"x-actor": "anna"}).status_code == 503


def test_a_right_that_is_taken_away_ends_the_view(tmp_path: Path) -> None:
    """Who looks is asked for the right again, and the stream ends soon after it is gone."""
    house = House(tmp_path, recheck_s=0.1)
    with TestClient(application(house.service, ACTORS)) as client:
        house.feed()
        with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna"}) as socket:
            socket.send_text(token(client, "plain"))
            heard(socket, 1)
            house.rights["now"] = False
            with pytest.raises(WebSocketDisconnect) as closed:
                while True:
                    message = socket.receive()
                    if message["type"] == "websocket.close":
                        raise WebSocketDisconnect(message["code"])
            assert closed.value.code == 4403


def test_another_site_gets_no_right_and_no_stream(client: TestClient) -> None:
    """A page of another host can neither ask for a right nor open a stream with one."""
    assert client.post("/live/token/plain", headers={"x-actor": "anna", "sec-fetch-site": "cross-site"}).status_code == 403
    with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna", "origin": "https://evil.example"}) as socket:
        socket.send_text(token(client, "plain"))
        assert json.loads(socket.receive()["text"])["code"] == "token.site"


def test_states_are_for_those_who_may_read_them(client: TestClient) -> None:
    """Operators and administrators read every state, with its age; others do not."""
    for who, status in (("anna", 200), ("admin", 200), ("member", 403), ("", 403)):
        assert client.get("/live/status", headers={"x-actor": who}).status_code == status
    said = client.get("/live/status", headers={"x-actor": "admin"}).json()["cameras"]
    assert set(said) == {"plain", "hidden"}
    assert said["plain"]["state"] == "live"
    assert 0 <= said["plain"]["age_s"] < 30
    assert client.get("/live/status/none", headers={"x-actor": "anna"}).status_code == 404


def test_no_answer_holds_a_camera_s_address_or_password(client: TestClient, house: House) -> None:
    """Of all that leaves the server, good answers and refusals alike, nothing holds user, password, seal or address of a camera."""
    said: list[str] = []
    for who in ("anna", "admin", ""):
        for path in ("/live/status", "/live/status/plain", "/live/still/plain?token=x", "/live/mjpeg/plain?token=x", "/live/status/none"):
            answer = client.get(path, headers={"x-actor": who})
            said.append(answer.text + str(answer.headers))
        said.append(client.post("/live/token/plain", headers={"x-actor": who}).text)
    with client.websocket_connect("/live/stream/plain", headers={"x-actor": "anna"}) as socket:
        socket.send_text(token(client, "plain"))
        told, _ = heard(socket, 1)
        said += map(json.dumps, told)
        house.opener.last(PLAIN).put.put(FeedError.one("feed.password", "refused", "enter", "viewer:hunter2@10.0.0.1"))
        message: dict[str, Any] = {}
        while message.get("state") != "wrong_password":
            message = json.loads(socket.receive().get("text") or "{}")
            said.append(json.dumps(message))
    assert house.opener.asked[0] == Credentials("viewer", "hunter2")
    for secret in ("hunter2", "viewer", "10.0.0.1", "10.0.0.2", "rtsp://", "gAAAA"):
        assert secret not in "".join(said), secret
    assert H264.codec not in message
