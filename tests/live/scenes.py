"""Made pictures of a street, as a camera on a pole would send them, with what befalls cameras: labelled clips for the tests of health."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Picture = npt.NDArray[np.uint8]
Scene = npt.NDArray[np.float32]
HIGH, WIDE, MARGIN = 360, 640, 200
YS, XS = (axis.astype(np.float32) for axis in np.mgrid[:HIGH, :WIDE])
SPOT = np.exp(-(((XS - WIDE / 2) / (0.42 * WIDE)) ** 2) - ((YS - 0.62 * HIGH) / (0.5 * HIGH)) ** 2)
POOLS = sum(np.exp(-(((XS - cx) / 75) ** 2) - ((YS - cy) / 60) ** 2) for cx, cy in ((150, 210), (430, 230), (590, 190)))
NOISE = np.random.default_rng(0).standard_normal((HIGH + 97, WIDE + 101, 1), dtype=np.float32)


@lru_cache(maxsize=4)
def street(seed: int) -> Scene:
    """A street larger than the picture, (HIGH + 2 MARGIN, WIDE + 2 MARGIN, 3): sky, houses with windows and signs, a road with marks, trees."""
    random = np.random.default_rng(seed)
    high, wide = HIGH + 2 * MARGIN, WIDE + 2 * MARGIN
    canvas = np.empty((high, wide, 3))
    canvas[:] = np.linspace(225, 165, high)[:, None, None] * np.array([1.0, 0.93, 0.85])
    horizon = int(high * random.uniform(0.35, 0.45))
    canvas[horizon:] = random.uniform(70, 110, 3) * 0.4 + 60
    x = 0
    while x < wide:
        width, top = int(random.integers(50, 130)), horizon - int(random.integers(40, 190))
        foot = horizon + int(random.integers(20, 110))
        tint = random.uniform(70, 210, 3)
        canvas[top:foot, x : x + width] = tint
        for wx in range(x + 8, x + width - 12, int(random.integers(16, 30))):
            for wy in range(top + 8, foot - 14, int(random.integers(18, 34))):
                canvas[wy : wy + 12, wx : wx + 9] = tint * random.uniform(0.2, 0.6)
        if random.random() < 0.6:
            canvas[foot - 26 : foot - 12, x + 4 : x + width - 4] = random.uniform(0, 255, 3)
        x += width
    for mark in range(0, wide, 70):
        canvas[high - 150 : high - 143, mark : mark + 36] = 225
    for _ in range(9):
        cx, cy, r = random.integers(0, wide), random.integers(horizon - 60, horizon + 40), int(random.integers(18, 46))
        ys, xs = np.ogrid[:high, :wide]
        disc = (xs - cx) ** 2 + (ys - cy) ** 2 < r * r
        canvas[disc] = np.array([40, 110, 50]) * random.uniform(0.6, 1.1)
    return ndimage.gaussian_filter((canvas + random.normal(0, 9, canvas.shape[:2])[..., None]).astype(np.float32), (0.6, 0.6, 0))


def crop(canvas: Scene, dx: float = 0.0, dy: float = 0.0) -> Scene:
    """The picture whose corner lies dx, dy from the camera's own aim [px]."""
    x, y = int(np.floor(dx)), int(np.floor(dy))
    fx, fy = np.float32(dx - x), np.float32(dy - y)
    part = canvas[MARGIN + y : MARGIN + y + HIGH + 1, MARGIN + x : MARGIN + x + WIDE + 1]
    rows = part[:-1] * (1 - fy) + part[1:] * fy
    return rows[:, :-1] * (1 - fx) + rows[:, 1:] * fx


def people(picture: Scene, random: np.random.Generator, many: int) -> None:
    """People and vehicles drawn over the lower part."""
    for _ in range(many):
        wide, high = (int(random.integers(8, 22)), int(random.integers(24, 60))) if random.random() < 0.7 else (int(random.integers(50, 120)), 50)
        x, y = int(random.integers(0, WIDE - 8)), int(random.integers(HIGH // 3, HIGH - 30))
        picture[y : y + high, x : x + wide] = random.uniform(10, 245, 3)


def finish(picture: Scene, random: np.random.Generator, noise: float) -> Picture:
    """The picture with the sensor's noise, in whole steps."""
    y, x = random.integers(0, 97), random.integers(0, 101)
    return np.clip(picture + NOISE[y : y + HIGH, x : x + WIDE] * np.float32(noise), 0, 255).astype(np.uint8)


def day(canvas: Scene, random: np.random.Generator, *, aim: tuple[float, float] = (0.0, 0.0), light: float | None = None) -> Picture:
    """By daylight: light and its colour change, people pass, the pole sways by up to 2 px."""
    sway = random.uniform(-2, 2, 2)
    picture = crop(canvas, aim[0] + sway[0], aim[1] + sway[1])
    gain = random.uniform(0.55, 1.25) if light is None else light
    shade = 1 - 0.45 * (np.arange(WIDE) < random.integers(0, WIDE))[None, :, None] * (random.random() < 0.4)
    picture = picture * (gain * shade * random.uniform(0.92, 1.08, 3)).astype(np.float32)
    people(picture, random, int(random.integers(0, 14)))
    return finish(picture, random, random.uniform(2, 5))


def rain(canvas: Scene, random: np.random.Generator, *, aim: tuple[float, float] = (0.0, 0.0)) -> Picture:
    """In the rain: flat light and bright streaks."""
    picture = crop(canvas, aim[0] + random.uniform(-1, 1), aim[1] + random.uniform(-1, 1))
    picture = 118 + (picture - picture.mean()) * 0.6
    people(picture, random, 4)
    for _ in range(260):
        x, y, long = int(random.integers(0, WIDE - 4)), int(random.integers(0, HIGH - 30)), int(random.integers(8, 28))
        picture[y : y + long, x : x + 1] += random.uniform(20, 60)
    return finish(picture, random, 4)


def infrared(canvas: Scene, random: np.random.Generator, *, aim: tuple[float, float] = (0.0, 0.0)) -> Picture:
    """By the camera's own infra-red light: grey, bright in the middle, dark at the rim and far away, with noise."""
    sway = random.uniform(-1, 1, 2)
    grey = crop(canvas, aim[0] + sway[0], aim[1] + sway[1]).mean(axis=2)
    picture = np.repeat((grey * 0.8 * SPOT + 6)[..., None], 3, axis=2)
    people(picture, random, int(random.integers(0, 4)))
    return finish(picture, random, random.uniform(5, 8))


def lamps(canvas: Scene, random: np.random.Generator, *, aim: tuple[float, float] = (0.0, 0.0)) -> Picture:
    """By street lamps: most of the picture near black, pools of yellow light and shining windows."""
    pools = POOLS if aim == (0.0, 0.0) else ndimage.shift(POOLS, (-aim[1], -aim[0]), order=0)
    picture = crop(canvas, aim[0], aim[1]) * (0.06 + pools[..., None] * np.array([0.35, 0.62, 0.75], np.float32))
    return finish(picture, random, random.uniform(3, 6))


LIGHTS: dict[str, Callable[..., Picture]] = {"day": day, "rain": rain, "infrared": infrared, "lamps": lamps}


def dark(random: np.random.Generator) -> Picture:
    """Nothing but the sensor's noise: no light, a closed iris."""
    return finish(np.full((HIGH, WIDE, 3), random.uniform(2, 11), np.float32), random, random.uniform(1, 4))


def covered(canvas: Scene, random: np.random.Generator, kind: str) -> Picture:
    """The lens covered: a cloth or bag, paint over most of it, a hand close by."""
    if kind == "cloth":
        weave = ndimage.gaussian_filter(random.normal(0, 1, (HIGH, WIDE)), 12) * 90
        return finish(np.repeat((random.uniform(60, 150) + weave)[..., None], 3, axis=2), random, 3)
    picture = crop(canvas) * random.uniform(0.7, 1.1)
    if kind == "paint":
        xs = np.arange(WIDE)
        picture[:, xs < WIDE * 0.8] = ndimage.gaussian_filter(picture, (40, 40, 0))[:, xs < WIDE * 0.8] * 0.25 + 130
        return finish(picture, random, 3)
    return finish(ndimage.gaussian_filter(picture, (14, 14, 0)), random, 3)


def turned(canvas: Scene, degrees: float) -> Scene:
    """The street as a camera sees it that was turned about its own axis."""
    return ndimage.rotate(canvas, degrees, axes=(1, 0), reshape=False, order=1, mode="nearest")
