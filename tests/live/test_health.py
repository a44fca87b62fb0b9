"""A camera's health on labelled clips: no miss, no false alarm."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from live.health import STATES, Doctor, load_health, read_face, small_grey
from planning.errors import InputError
from tests.live import scenes
from tests.live.scenes import Picture

SEEDS = range(1, 3)


@lru_cache(maxsize=1)
def _settled(seed: int) -> tuple[Doctor, scenes.Scene, np.random.Generator]:
    canvas, random = scenes.street(seed), np.random.default_rng(seed)
    doctor = Doctor(reference=scenes.day(canvas, random, light=1.0))
    for turn in range(6):
        doctor.look(scenes.day(canvas, random), 10.0 * turn)
    return doctor, canvas, random


def settled(seed: int) -> tuple[Doctor, scenes.Scene, np.random.Generator]:
    """A camera that has been well for a minute, its street, and its chance."""
    doctor, canvas, random = _settled(seed)
    return copy.deepcopy(doctor), canvas, random


def show(doctor: Doctor, pictures: list[Picture], begin_s: float = 100.0) -> str:
    """The state after these keyframes, one each ten seconds."""
    for turn, picture in enumerate(pictures):
        doctor.look(picture, begin_s + 10 * turn)
    return doctor.state(begin_s + 10 * (len(pictures) - 1) + 1)


def test_two_hundred_normal_clips_raise_no_alarm() -> None:
    """Noise, changing light, shade, people, a swaying pole, rain, infra-red and lamps: each clip of four keyframes stays live all along."""
    clips = 0
    for seed in range(1, 11):
        doctor, canvas, random = settled(seed)
        for light, draw in [*scenes.LIGHTS.items()] * 5:
            for turn in range(4):
                doctor.look(draw(canvas, random), 1000.0 * clips + 10 * turn)
                assert doctor.state(1000.0 * clips + 10 * turn + 1) == "live", (seed, light, turn, doctor.verdicts)
            clips += 1
    assert clips == 200


@pytest.mark.parametrize("seed", SEEDS)
def test_no_dark_covered_frozen_or_moved_clip_is_missed(seed: int) -> None:
    """Each is called what it is within five keyframes, whatever the light, and is forgotten once the camera is well again."""
    for light in scenes.LIGHTS.values():
        for aim in ((24.0, 0.0), (40.0, -12.0), (150.0, -60.0), (190.0, 150.0)):
            doctor, canvas, random = settled(seed)
            assert show(doctor, [light(canvas, random, aim=aim) for _ in range(5)]) == "moved", (aim, doctor.verdicts)
    doctor, canvas, random = settled(seed)
    assert show(doctor, [scenes.day(scenes.turned(canvas, 12), random) for _ in range(5)]) == "moved", doctor.verdicts
    for kind in ("cloth", "paint", "blur"):
        doctor, canvas, random = settled(seed)
        assert show(doctor, [scenes.covered(canvas, random, kind) for _ in range(5)]) == "covered", (kind, doctor.verdicts)
    doctor, canvas, random = settled(seed)
    assert show(doctor, [scenes.dark(random) for _ in range(5)]) == "dark", doctor.verdicts
    assert show(doctor, [scenes.day(canvas, random)] * 5, 200.0) == "frozen", doctor.verdicts
    assert show(doctor, [scenes.day(canvas, random) for _ in range(5)], 300.0) == "live", doctor.verdicts


def test_a_first_night_is_not_dark_and_not_a_moved_camera() -> None:
    """From day to infra-red and to lamps and back, through every dusk, on a camera that has never seen a night."""
    for seed in SEEDS:
        doctor, canvas, random = settled(seed)
        for turn, draw in enumerate([scenes.lamps] * 5 + [scenes.infrared] * 5 + [scenes.lamps] * 5 + [scenes.day] * 5):
            doctor.look(draw(canvas, random), 100.0 + 10 * turn)
            assert doctor.state(100.0 + 10 * turn) == "live", (seed, turn, doctor.verdicts)


def test_a_camera_turned_at_night_is_found_at_night() -> None:
    """It need not wait for the day."""
    doctor, canvas, random = settled(2)
    assert show(doctor, [scenes.infrared(canvas, random) for _ in range(5)]) == "live"
    assert show(doctor, [scenes.infrared(canvas, random, aim=(60.0, 10.0)) for _ in range(5)], 200.0) == "moved"


def test_a_moved_camera_never_becomes_its_own_reference() -> None:
    """However long it looks elsewhere it stays moved, until a person accepts what it sees."""
    doctor, canvas, random = settled(3)
    assert show(doctor, [scenes.day(canvas, random, aim=(40.0, 0.0)) for _ in range(60)]) == "moved"
    doctor.accept(scenes.day(canvas, random, aim=(40.0, 0.0)))
    assert show(doctor, [scenes.day(canvas, random, aim=(40.0, 0.0)) for _ in range(3)], 2000.0) == "live"


def test_one_odd_picture_raises_nothing_and_one_good_one_clears_nothing() -> None:
    """A lorry before the lens is no covered lens; a covered lens with one clear picture stays covered."""
    doctor, canvas, random = settled(4)
    assert show(doctor, [scenes.covered(canvas, random, "cloth"), scenes.covered(canvas, random, "cloth"), scenes.day(canvas, random)]) == "live"
    assert show(doctor, [scenes.covered(canvas, random, "cloth") for _ in range(3)] + [scenes.day(canvas, random)], 200.0) == "covered"


def test_without_a_reference_the_first_clear_picture_is_one() -> None:
    """A camera that begins in the dark takes none until it sees something."""
    canvas, random = scenes.street(5), np.random.default_rng(5)
    doctor = Doctor()
    assert show(doctor, [scenes.dark(random) for _ in range(4)], 0.0) == "dark"
    assert doctor.reference is None
    assert show(doctor, [scenes.day(canvas, random) for _ in range(4)]) == "live"
    kept = doctor.reference
    assert kept is not None
    assert kept.shape == (144, 256)
    assert show(Doctor(reference=kept), [scenes.day(canvas, random, aim=(60.0, 0.0)) for _ in range(5)]) == "moved"


def test_another_resolution_is_compared_all_the_same() -> None:
    """A camera that comes back at half the size has not moved; one that comes back turned has."""
    doctor, canvas, random = settled(6)
    assert show(doctor, [np.ascontiguousarray(scenes.day(canvas, random)[::2, ::2]) for _ in range(5)]) == "live", doctor.verdicts
    moved = [np.ascontiguousarray(scenes.day(canvas, random, aim=(60.0, 0.0))[::2, ::2]) for _ in range(5)]
    assert show(doctor, moved, 200.0) == "moved"


def test_silence_is_stale_and_then_offline_whatever_was_seen() -> None:
    """Never seen, live, stale, offline, and live again with the next picture."""
    doctor, canvas, random = Doctor(), scenes.street(7), np.random.default_rng(7)
    assert doctor.state(0.0) == "never_seen"
    assert doctor.state(0.0, connected=False) == "offline"
    doctor.look(scenes.day(canvas, random), 10.0)
    states = [doctor.state(at_s) for at_s in (13.0, 15.0, 29.0, 31.0)]
    assert states == ["live", "stale", "stale", "offline"]
    doctor.hear(40.0)
    assert doctor.state(41.0) == "live"
    assert doctor.state(41.0, connected=False) == "offline"
    assert set(states) <= set(STATES)


def test_a_clock_that_is_off_is_told_beside_the_state() -> None:
    """By more than the threshold, for three looks; the picture stays live."""
    doctor, canvas, random = settled(1)
    for turn in range(3):
        assert not doctor.clock_off
        doctor.look(scenes.day(canvas, random), 100.0 + turn, camera_s=100.0 + turn - 3600)
    assert doctor.clock_off
    assert doctor.state(103.0) == "live"
    skew = next(verdict for verdict in doctor.verdicts if verdict.kind == "clock")
    assert (skew.measure, skew.threshold, skew.unit) == (3600.0, 5.0, "s")


@pytest.mark.parametrize("shape", [(1080, 1920, 3), (720, 1280, 3), (144, 256, 3), (97, 123, 3), (480, 640)])
def test_pictures_of_any_size_become_small_and_grey(shape: tuple[int, ...]) -> None:
    """Grey stays the value it was; colours are weighed as the eye does."""
    assert np.allclose(small_grey(np.full(shape, 77, dtype=np.uint8)), 77, atol=0.01)
    assert read_face(np.zeros(shape, dtype=np.uint8)).brightest == 0
    if len(shape) == 3:
        green = np.zeros(shape, dtype=np.uint8)
        green[..., 1] = 100
        assert np.allclose(small_grey(green), 58.7, atol=0.01)


def test_a_file_of_thresholds_with_faults_is_refused_whole(tmp_path: Path) -> None:
    """Unknown states, missing keys and numbers out of bounds together."""
    text = (Path(__file__).parents[2] / "data" / "health.toml").read_text(encoding="utf-8")
    path = tmp_path / "health.toml"
    path.write_text(text.replace('"live"', '"alive"').replace("lost = 0.45", "lost = 45").replace("skew_s = 5.0", "skew = 5.0"), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_health(path)
    assert {fault.code for fault in refused.value.faults} == {"catalogue.value", "catalogue.missing", "catalogue.unknown"}
    assert any("a state is one of" in fault.what for fault in refused.value.faults)
