"""Pictures of cameras as they come, from real servers where the machine has them."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live.feeds import HEADER, Decoder, FeedOpener, Frame, Source, masked, picture_of, read_picture, write_clip, write_jpeg
from live.nal import Config
from live.secrets import Credentials
from live.settings import Settings, load_settings
from live.simulated import Cameras, has_gstreamer, number_of, pictures
from planning.deployed import Feed
from planning.errors import FeedError
from tests.browser.chromium import free_port
from tests.live.rtsp import SDP, answer, serving

SETTINGS = load_settings().for_demo()
SIZE = {"width": 320, "height": 192}
SERVERS = [pytest.param(False, id="python"), pytest.param(True, id="gstreamer", marks=pytest.mark.skipif(not has_gstreamer(), reason="no GStreamer"))]


def flowing(url: str, credentials: Credentials | None, settings: Settings = SETTINGS) -> tuple[Source, Iterator[Config | Frame]]:
    """A source that flows, and what it sends from its beginning on. On a busy machine GStreamer's server sometimes stops after a frame or two."""
    for _ in range(4):
        source = FeedOpener(settings)(Feed("rtsp", url), credentials)
        heard = iter(source)
        try:
            first = [next(heard) for _ in range(6)]
        except FeedError as error:
            assert error.code == "feed.stalled"
            source.close()
        else:
            return source, itertools.chain(first, heard)
    raise AssertionError("it never flowed")


def take(source: Source, count: int, heard: Iterator[Config | Frame] | None = None) -> tuple[list[Config], list[Frame]]:
    """The configurations and the first frames of a source, which is then closed."""
    configs, frames = list[Config](), list[Frame]()
    try:
        for one in heard or source:
            if isinstance(one, Config):
                configs.append(one)
            else:
                frames.append(one)
                if len(frames) == count:
                    break
    finally:
        source.close()
    return configs, frames


@pytest.fixture(name="folder", scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for clips."""
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(name="cameras", scope="module", params=SERVERS)
def simulated(request: pytest.FixtureRequest, folder: Path) -> Iterator[Cameras]:
    """A camera over RTSP by each server there is."""
    made = Cameras(folder, ["one"], free_port(), frames=60, fps=30, group=15, gstreamer=request.param, **SIZE)
    yield made
    made.stop()


def test_a_stream_is_taken_out_of_rtsp_as_the_camera_encoded_it(cameras: Cameras) -> None:
    """Configuration first, then a keyframe and every frame after it; decoded, the pictures count on by one."""
    source, heard = flowing(cameras.urls["one"], None)
    configs, frames = take(source, 20, heard)
    assert [(one.codec, one.width, one.height) for one in configs] == [("h264", 320, 192)]
    assert configs[0].string.startswith("avc1.")
    assert frames[0].key
    assert 1 <= sum(one.key for one in frames) <= 3
    decoder = Decoder(configs[0])
    shown = [number_of(picture) for one in frames if (picture := decoder.decode(one.data)) is not None]
    assert len(shown) >= 18
    assert {(later - earlier) % 60 for earlier, later in itertools.pairwise(shown)} == {1}
    headers = [HEADER.unpack_from(one.message) for one in frames]
    assert [header[3] for header in headers] == list(range(1, 21))
    assert all(abs(header[5] - time.time()) < 30 for header in headers)


@pytest.mark.skipif(not has_gstreamer(), reason="no GStreamer")
def test_a_camera_that_hangs_or_dies_is_given_up(folder: Path) -> None:
    """Stopped in its tracks a camera is given up after the time for reading; killed, at once; what is told holds no password."""
    settings = replace(SETTINGS, times=replace(SETTINGS.times, read_s=0.8))
    for sign, code in ((signal.SIGSTOP, "feed.stalled"), (signal.SIGKILL, "feed.ended")):
        made = Cameras(folder, ["one"], free_port(), frames=60, fps=30, group=15, user="us er", password="p@s:s/w%ö", **SIZE)
        try:
            _, heard = flowing(made.urls["one"], Credentials("us er", "p@s:s/w%ö"), settings)
            assert isinstance(next(heard), Config)
            os.kill(made.process.pid, sign)
            with pytest.raises(FeedError) as told:
                for _ in heard:
                    continue
            assert told.value.code in {code, "feed.offline"}
            assert "p@s" not in str(told.value) and "p%40s" not in str(told.value)
        finally:
            made.stop()


@pytest.mark.skipif(not has_gstreamer(), reason="no GStreamer")
def test_a_wrong_password_is_told_and_nowhere_repeated(folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Without, and with wrong credentials, a camera that wants them is refused by name; neither logs nor streams of the process hold them."""
    made = Cameras(folder, ["one"], free_port(), frames=60, fps=30, group=15, user="viewer", password="correct", **SIZE)
    try:
        with caplog.at_level(logging.DEBUG):
            for credentials in (None, Credentials("viewer", "hunter2"), Credentials("hunter2", "correct")):
                with pytest.raises(FeedError) as told:
                    FeedOpener(SETTINGS)(Feed("rtsp", made.urls["one"]), credentials)
                assert told.value.code == "feed.password"
                error: BaseException | None = told.value
                while error is not None:
                    assert "hunter2" not in f"{error!r}{error}"
                    error = error.__cause__
    finally:
        made.stop()
    captured = capfd.readouterr()
    assert "hunter2" not in caplog.text + captured.out + captured.err


@pytest.mark.parametrize(("reply", "code"), [
    (lambda request: answer(request, "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), "feed.password"),
    (lambda request: answer(request, "404 Not Found"), "feed.path"),
    (lambda request: b"HTTP/1.1 400 Bad Request\r\n\r\n", "feed.broken"),
    (lambda request: b"\x00" * 5000, "feed.stalled"),
    (lambda request: answer(request, "200 OK", "Content-Type: application/sdp", body=SDP.replace(b"H264", b"VP8"))
        if not request.startswith(b"SETUP") else answer(request, "461 Unsupported Transport"), "feed.codec"),
    (lambda request: answer(request, "200 OK", "Content-Type: application/sdp", body=SDP)
        if not request.startswith(b"SETUP") else answer(request, "461 Unsupported Transport"), "feed.path"),
])  # fmt: skip
def test_answers_of_all_kinds_become_faults_of_ours(reply: object, code: str) -> None:
    """Whatever a server answers, opening it ends in one of our faults, and soon."""
    assert callable(reply)
    settings = replace(SETTINGS, times=replace(SETTINGS.times, open_s=1.0, read_s=1.0))
    with serving(reply) as (port, _), pytest.raises(FeedError) as told:
        FeedOpener(settings)(Feed("rtsp", f"rtsp://127.0.0.1:{port}/one"), Credentials("viewer", "hunter2"))
    assert told.value.code == code
    assert "hunter2" not in str(told.value)


def test_a_closed_port_is_offline() -> None:
    """Where nothing listens, the camera is offline."""
    with pytest.raises(FeedError, match=r"feed\.offline"):
        FeedOpener(SETTINGS)(Feed("rtsp", f"rtsp://127.0.0.1:{free_port()}/one"), None)


def test_a_file_plays_over_and_over_for_demonstrations_only(folder: Path) -> None:
    """Where demonstrations are allowed its frames go on past its end, with stamps that go on too; elsewhere it is refused."""
    clip = folder / "loop.mp4"
    write_clip(str(clip), pictures(6, **SIZE), fps=60, group=3)
    with pytest.raises(FeedError, match=r"address\.file"):
        FeedOpener(load_settings())(Feed("file", clip.as_uri()), None)
    configs, frames = take(FeedOpener(SETTINGS)(Feed("file", clip.as_uri()), None), 15)
    assert len(configs) == 1
    assert [one.key for one in frames[:6]] == [True, False, False] * 2
    stamps = [HEADER.unpack_from(one.message)[4] for one in frames]
    assert stamps == sorted(set(stamps))
    decoder = Decoder(configs[0])
    assert [number_of(picture) for one in frames if (picture := decoder.decode(one.data)) is not None][:9] == [0, 1, 2, 3, 4, 5, 0, 1, 2]


def test_a_codec_no_browser_plays_and_a_file_that_is_none_are_told(folder: Path) -> None:
    """MPEG-4 part 2 is refused by name; a text is no video."""
    odd, text = folder / "odd.mp4", folder / "text.mp4"
    write_clip(str(odd), pictures(3, **SIZE), fps=10, group=3, codec="mpeg4")
    text.write_text("no video")
    with pytest.raises(FeedError, match=r"feed\.codec"):
        FeedOpener(SETTINGS)(Feed("file", odd.as_uri()), None)
    with pytest.raises(FeedError, match=r"feed\.broken"):
        FeedOpener(SETTINGS)(Feed("file", text.as_uri()), None)


def test_closing_ends_a_wait(cameras: Cameras) -> None:
    """A source that is closed from another thread ends at once, though its camera would go on."""
    source = FeedOpener(SETTINGS)(Feed("rtsp", cameras.urls["one"]), None)
    heard = iter(source)
    next(heard)
    threading.Timer(0.2, source.close).start()
    with pytest.raises(FeedError):
        for _ in heard:
            continue


def test_h265_goes_by_with_its_parameter_sets(folder: Path) -> None:
    """Each keyframe of H.265 can be decoded by itself, and its string is that of browsers."""
    clip = folder / "clip.h265"
    write_clip(str(clip), pictures(8, **SIZE), fps=60, group=4, codec="h265")
    configs, frames = take(FeedOpener(SETTINGS)(Feed("file", clip.as_uri()), None), 6)
    assert [(one.codec, one.width, one.height) for one in configs] == [("h265", 320, 192)]
    assert configs[0].string.startswith("hev1.1.6.L")
    (second,) = [one for one in frames[1:] if one.key]
    picture = picture_of(configs[0], [second])
    assert picture is not None
    assert number_of(picture) == 4


def test_pictures_are_masked_made_smaller_and_read_back() -> None:
    """A mask covers its polygon and nothing else, on a copy; a wide picture is made smaller in its shape; what is no JPEG is no picture."""
    white = np.full((100, 200, 3), 255, dtype=np.uint8)
    made = masked(white, [[(0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5)]])
    assert made[:49, :49].max() < 80
    assert made[52:, :].min() == 255
    assert made[:, 52:].min() == 255
    assert white.min() == 255
    small = read_picture(write_jpeg(white, widest_px=100))
    assert small is not None
    assert small.shape == (50, 100, 3)
    assert read_picture(b"no picture") is None
    assert picture_of(Config("h264", "avc1.42c01f", 16, 16), []) is None
