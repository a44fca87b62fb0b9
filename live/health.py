"""Whether a camera is well, judged from its keyframes: dark, covered or blurred, frozen, moved; its clock; and silence.

A keyframe is made small and grey, 144 by 256. Three things are taken of it:

    brightness      mean and the brightest hundredth
    texture         gradient over local brightness, in blocks of 16: light as such cancels out, so night is no loss of texture
    orientation     gradient direction, doubled so that an edge counts alike from bright to dark and from dark to bright, weighted down in noise

Where it looks is told by correlating orientations with a reference (orientation correlation, after Fitch, Kadyrov, Christmas and Kittler 2002): the
peak lies at no shift while the camera has not moved, by day and by night, in rain and behind people. Thresholds stand in data/health.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from planning.datafile import DATA, Table, read_tables, refuse

Picture = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]
HIGH, WIDE, BLOCK = 144, 256, 16
# what a pin may say of a camera, the worst first; `never_seen` is one that has sent nothing since it was deployed
STATES = ("never_seen", "offline", "wrong_password", "wrong_codec", "stale", "frozen", "dark", "covered", "moved", "live")
VERDICTS = ("frozen", "dark", "covered", "moved", "clock")
_EDGE = 3.0  # gradients below this are mostly noise [steps of brightness a pixel]
_TEXTURED = 0.012  # a block with more gradient over brightness than this has texture
_DIM = 10.0  # added to the local brightness, so that noise in the dark is no texture
_MOST_REFERENCES = 4


@dataclass(frozen=True)
class Rule:
    """How long a verdict must hold before it is told, and fail before it is taken back [looks in a row]."""

    raise_after: int
    clear_after: int


@dataclass(frozen=True)
class HealthSettings:
    """The thresholds of data/health.toml, as commented there."""

    every_s: float
    dark_mean: float
    dark_brightest: float
    covered_lost: float
    covered_texture: float
    frozen_change: float
    moved_shift: float
    moved_match: float
    moved_other_light: float
    moved_ratio: float
    clock_skew_s: float
    stale_s: float
    offline_s: float
    agreed: float
    up: tuple[str, ...]
    beat_s: float
    rules: Mapping[str, Rule]


@dataclass(frozen=True)
class Verdict:
    """One thing looked for: whether it holds, the measure, the threshold it was held against and their unit."""

    kind: str
    holds: bool
    measure: float
    threshold: float
    unit: str


def load_health(path: str | Path = DATA / "health.toml") -> HealthSettings:
    """The thresholds of a file.

    Raises
    ------
    InputError: every fault of the file.
    """
    data, faults = read_tables(path)
    top = Table("health", data, faults)
    tables = {name: top.table(name) for name in ("look", *VERDICTS, "silence", "uptime")}
    top.close()

    def number(table: str, key: str, least: float, most: float) -> float:
        return tables[table].number(key, least, most)

    rules = {name: Rule(tables[name].whole("raise_after", 1, 1000), tables[name].whole("clear_after", 1, 1000)) for name in VERDICTS}
    found = HealthSettings(
        every_s=number("look", "every_s", 0.1, 3600), dark_mean=number("dark", "mean", 0, 255), dark_brightest=number("dark", "brightest", 0, 255),
        covered_lost=number("covered", "lost", 0, 1), covered_texture=number("covered", "texture", 0, 1),
        frozen_change=number("frozen", "change", 0, 255), moved_shift=number("moved", "shift", 0, 0.5), moved_match=number("moved", "match", 0, 1),
        moved_other_light=number("moved", "other_light", 0, 1), moved_ratio=number("moved", "ratio", 1, 10),
        clock_skew_s=number("clock", "skew_s", 0, 86_400), stale_s=number("silence", "stale_s", 0.1, 3600),
        offline_s=number("silence", "offline_s", 0.1, 86_400), agreed=number("uptime", "agreed", 0, 1), up=tables["uptime"].texts("up"),
        beat_s=number("uptime", "beat_s", 1, 3600), rules=rules,
    )  # fmt: skip
    for name in found.up:
        if name not in STATES:
            tables["uptime"].fault("catalogue.value", f"a state is one of {', '.join(STATES)}", name)
    for table in tables.values():
        table.text("source")
        table.flag("assumed")
        table.close()
    refuse(faults, found, path)
    return found


@lru_cache(maxsize=1)
def health_settings() -> HealthSettings:
    """The house's thresholds, read once."""
    return load_health()


@dataclass(frozen=True, eq=False)
class Face:
    """What is kept of a keyframe: grey (144, 256), its mean and brightest hundredth [0-255], texture (9, 16), and the spectrum of its orientations
    (144, 256) of unit power.
    """

    grey: npt.NDArray[np.float32]
    mean: float
    brightest: float
    texture: Array
    spectrum: Array

    @property
    def textured(self) -> Array:
        """Which blocks have texture (9, 16)."""
        return np.asarray(self.texture > _TEXTURED)


def small_grey(picture: Picture) -> npt.NDArray[np.float32]:
    """A picture (h, w, 3) in blue, green, red, or (h, w) in grey, as grey (144, 256): each value the mean of up to nine places of its patch."""
    step = max(1, min(picture.shape[0] // HIGH, picture.shape[1] // WIDE))
    offsets = sorted({step // 6, step // 2, step - 1 - step // 6})
    high, wide = picture.shape[0] // step, picture.shape[1] // step
    total = np.zeros((high, wide, *picture.shape[2:]), dtype=np.uint16)
    for y in offsets:
        for x in offsets:
            total += picture[y : y + (high - 1) * step + 1 : step, x : x + (wide - 1) * step + 1 : step]
    rows = np.rint(np.linspace(0, high - 1, HIGH)).astype(int)
    columns = np.rint(np.linspace(0, wide - 1, WIDE)).astype(int)
    mean = total[rows][:, columns].astype(np.float32) / len(offsets) ** 2
    return mean if picture.ndim == 2 else np.asarray(mean @ np.array([0.114, 0.587, 0.299], np.float32), dtype=np.float32)


def read_face(picture: Picture) -> Face:
    """What is kept of a keyframe of any size, as for `small_grey`."""
    grey = small_grey(picture)
    soft = ndimage.gaussian_filter(grey, 1.0)
    across, down = np.zeros_like(soft), np.zeros_like(soft)
    across[:, 1:-1] = (soft[:, 2:] - soft[:, :-2]) / 2
    down[1:-1] = (soft[2:] - soft[:-2]) / 2
    texture = np.hypot(across, down) / (ndimage.gaussian_filter(grey, 2.0) + _DIM)
    blocks = texture.reshape(HIGH // BLOCK, BLOCK, WIDE // BLOCK, BLOCK).mean(axis=(1, 3))
    doubled = (across + 1j * down) ** 2
    orientation = (doubled / (np.abs(doubled) + _EDGE**2) * _window()).astype(np.complex64)
    power = float(np.sqrt((np.abs(orientation) ** 2).sum())) or 1.0
    return Face(grey, float(grey.mean()), float(np.percentile(grey, 99)), blocks, fft.fft2(orientation / power))


@lru_cache(maxsize=1)
def _window() -> Array:
    return np.outer(np.hanning(HIGH) ** 0.25, np.hanning(WIDE) ** 0.25).astype(np.float32)


@dataclass(frozen=True)
class Agreement:
    """How well two pictures agree, from 0 to 1: `here` with no more shift than a pole's sway, `there` at the best larger shift, and that shift as a
    share of the picture's width.
    """

    here: float
    there: float
    shift: float


def agree(face: Face, reference: Face, sway: float) -> Agreement:
    """The agreement of two pictures; `sway`: shift that does not count, as a share of the width."""
    peaks = fft.ifft2(reference.spectrum * np.conj(face.spectrum)).real
    down, across = np.minimum(np.arange(HIGH), HIGH - np.arange(HIGH)), np.minimum(np.arange(WIDE), WIDE - np.arange(WIDE))
    reach = max(1, round(sway * WIDE))
    near = (down[:, None] <= reach) & (across[None, :] <= reach)
    far = np.where(near, -1.0, peaks)
    at = np.unravel_index(int(far.argmax()), far.shape)
    return Agreement(float(peaks[near].max()), float(far.max()), float(np.hypot(down[at[0]], across[at[1]])) / WIDE)


class Doctor:
    """One camera's health over time. Times are seconds since 1970, as the watch has them.

    The first reference is the one a person accepted, or else the first picture that shows something. As light changes, up to three more are kept of
    pictures that still agree with the first, so that night is compared with night; a camera that has moved never becomes its own reference.
    """

    def __init__(self, settings: HealthSettings | None = None, reference: Picture | None = None, *, clock_off: bool = False) -> None:
        self.settings = settings or health_settings()
        self.verdicts: tuple[Verdict, ...] = ()
        self.skew_s = 0.0  # how far the camera's clock was ahead of ours when it last told the time, below 0 behind
        self.unkept = False  # whether the first reference is one that nobody has kept yet
        self._references: list[Face] = [read_face(reference)] if reference is not None else []
        self._before: Face | None = None
        self._heard_s: float | None = None
        self._holding = dict.fromkeys(VERDICTS, 0)
        self._failing = dict.fromkeys(VERDICTS, 0)
        self._told: dict[str, bool] = {**dict.fromkeys(VERDICTS, False), "clock": clock_off}

    def accept(self, picture: Picture) -> None:
        """Take this picture for how the camera shall look, and forget what was compared with the former reference."""
        self._references, self.unkept = [read_face(picture)], True
        self._told["moved"] = self._told["covered"] = False

    @property
    def reference(self) -> Picture | None:
        """The first reference, small and grey (144, 256), to be kept over a restart; None where there is none yet."""
        return np.rint(self._references[0].grey).astype(np.uint8) if self._references else None

    def hear(self, at_s: float) -> None:
        """The camera has sent something."""
        self._heard_s = at_s

    def look(self, picture: Picture, at_s: float, camera_s: float | None = None) -> tuple[Verdict, ...]:
        """Judge a keyframe.

        Parameters
        ----------
        picture: (h, w, 3) in blue, green, red, or (h, w) in grey.
        at_s: when it was received. camera_s: when it was taken by the camera's own clock, None where it does not say.
        """
        self.hear(at_s)
        face, settings = read_face(picture), self.settings
        change = float(np.abs(face.grey - self._before.grey).mean()) if self._before is not None else 255.0
        self._before = face
        agreement, match = self._compare(face)
        lost = self._lost(face)
        texture = float(face.textured.mean())
        elsewhere = agreement is not None and match < settings.moved_other_light
        dim = face.mean <= settings.dark_mean and face.brightest <= settings.dark_brightest
        is_dark = dim and (agreement is None or elsewhere)
        is_covered = not is_dark and (texture < settings.covered_texture or (lost >= settings.covered_lost and not elsewhere))
        blind = is_dark or is_covered
        is_moved = not blind and agreement is not None and self._elsewhere(agreement, match)
        self.skew_s = self.skew_s if camera_s is None else camera_s - at_s
        skew = abs(self.skew_s)
        shift = agreement.shift if agreement is not None and is_moved else 0.0
        self.verdicts = (
            Verdict("frozen", change <= settings.frozen_change, change, settings.frozen_change, "steps"),
            Verdict("dark", is_dark, face.brightest, settings.dark_brightest, "steps"),
            Verdict("covered", is_covered, lost, settings.covered_lost, "share"),
            Verdict("moved", is_moved, shift if shift > settings.moved_shift else match, settings.moved_shift, "share"),
            Verdict("clock", skew > settings.clock_skew_s, skew, settings.clock_skew_s, "s"),
        )
        for verdict in self.verdicts:
            # A camera that does not tell the time says nothing for or against its clock.
            if verdict.kind != "clock" or camera_s is not None:
                self._count(verdict.kind, verdict.holds)
        if not blind and not is_moved:
            self._learn(face, agreement, match)
        return self.verdicts

    def _compare(self, face: Face) -> tuple[Agreement | None, float]:
        """How the picture agrees with the first reference, and its best agreement unshifted with any of them."""
        if not self._references:
            return None, 0.0
        first = agree(face, self._references[0], self.settings.moved_shift)
        best = first.here
        for other in self._references[1:]:
            if best >= self.settings.moved_match * 2:
                break
            best = max(best, agree(face, other, self.settings.moved_shift).here)
        return first, best

    def _elsewhere(self, first: Agreement, match: float) -> bool:
        """Whether the camera looks elsewhere: the picture agrees with the reference once shifted, or with none of them at all."""
        shifted = first.there > self.settings.moved_ratio * max(match, first.here) and first.there >= self.settings.moved_match
        return shifted or match < self.settings.moved_other_light or (match < self.settings.moved_match and first.there > match)

    def _lost(self, face: Face) -> float:
        """Share of the blocks with texture in the reference nearest in brightness that have lost most of it; 1 where nothing has texture."""
        if not self._references:
            return 0.0 if face.textured.any() else 1.0
        nearest = min(self._references, key=lambda one: abs(np.log((one.mean + 1) / (face.mean + 1))))
        had = nearest.textured
        return float((face.texture[had] < 0.3 * nearest.texture[had]).mean()) if had.any() else 0.0

    def _learn(self, face: Face, first: Agreement | None, match: float) -> None:
        """Keep the picture as a reference where it is the first, or shows the same in a light of which none is kept."""
        if first is None or (match < 2 * self.settings.moved_match and first.here > first.there and len(self._references) < _MOST_REFERENCES):
            self._references.append(face)
            self.unkept = self.unkept or first is None

    def _count(self, kind: str, holds: bool) -> None:
        rule = self.settings.rules[kind]
        self._holding[kind] = self._holding[kind] + 1 if holds else 0
        self._failing[kind] = 0 if holds else self._failing[kind] + 1
        if self._holding[kind] >= rule.raise_after:
            self._told[kind] = True
        elif self._failing[kind] >= rule.clear_after:
            self._told[kind] = False

    @property
    def clock_off(self) -> bool:
        """Whether the camera's clock is off; a warning, and no state of the picture."""
        return self._told["clock"]

    @property
    def picture_state(self) -> str:
        """What is told of its pictures, silence left aside: frozen, dark, covered, moved or live."""
        return next((kind for kind in STATES if self._told.get(kind)), "live")

    def state(self, now_s: float, *, connected: bool = True) -> str:
        """The state to tell now, of `STATES`."""
        if self._heard_s is None:
            return "never_seen" if connected else "offline"
        silent_s = now_s - self._heard_s
        if not connected or silent_s > self.settings.offline_s:
            return "offline"
        if silent_s > self.settings.stale_s:
            return "stale"
        return self.picture_state
