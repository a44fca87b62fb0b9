"""Sites and camera models become poses: which heads there are, and where they are aimed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from coverage.matrix import build_matrix
from coverage.poses import Aim, Head, Poses, make_head, make_heads, make_poses
from coverage.sight import Sightlines
from planning.errors import ScenarioError
from planning.nouns import CameraModel, Lens

Array = npt.NDArray[np.float64]
NO_STREETS = (np.zeros(2, dtype=np.int64), np.empty(0))


def model(hfov: float = 90.0, vfov: float = 60.0, *, width: int = 2560, night: float = 30.0, key: str = "m") -> CameraModel:
    """A model of one lens."""
    return CameraModel(key, key, key, "fixed", width, 1440, (Lens(hfov, vfov),), night, 9_000, 1_404, 7.0, 4.0, "test")


def head(hfov: float, *, height: float = 6.0, near: float = 0.0, far: float = 100.0) -> Head:
    """A head that sees from `near` to `far`."""
    return Head("m", 0, hfov, 60.0, height, 30.0, height - 1.6, near, far, far, 1_000.0, 9_000, 1_404)


def fan_of_lines(bearings: Array, *, ground: Array | float = 20.0, critical: Array | float = -np.inf) -> Sightlines:
    """Sight lines of one site, one target each."""
    order = np.argsort(bearings, kind="stable")
    n = len(bearings)
    full = [np.broadcast_to(np.asarray(values, dtype=np.float64), n)[order].copy() for values in (ground, critical)]
    return Sightlines(np.array([0, n]), order.astype(np.int32), bearings[order], full[0], full[1], 40.0)


def aimed(lines: Sightlines, heads: list[Head], weight: Array, *, ceiling: float = 12.0, streets: tuple[Array, Array] = NO_STREETS, aim: Aim = Aim(best=1)) -> Poses:  # noqa: B008, E501
    """Poses of one site."""
    return make_poses(lines, heads, weight, np.array([ceiling]), streets, aim)  # type: ignore[arg-type]


def held(bearings: Array, weight: Array, hfov: float, aims: Array) -> Array:
    """The weight within a sector laid at each of `aims`."""
    off = np.abs((bearings[None] - aims[:, None] + 180) % 360 - 180)
    return np.asarray((weight * (off <= hfov / 2 + 1e-9)).sum(axis=1))


def streets_at(*degrees: float) -> tuple[Array, Array]:
    """Street bearings of one site."""
    return np.array([0, len(degrees)]), np.array(degrees, dtype=np.float64)


@pytest.mark.parametrize("seed", range(30))
def test_the_best_sweep_beats_every_even_bearing(seed: int) -> None:
    """The first sweep holds at least as much weight as any of 3600 even bearings, targets on whole tenths of a degree and weights of 0 included."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    bearings = rng.uniform(0, 360, n) if seed % 2 else rng.integers(0, 3600, n) / 10.0
    weight = rng.uniform(0, 5, n) * (rng.random(n) < 0.8)
    weight[0] += 0.1
    for hfov in (8.0, 30.05, 55.0, 96.0, 180.0, 300.0):
        poses = aimed(fan_of_lines(bearings), [head(hfov)], weight)
        even = held(bearings, weight, hfov, np.arange(3600) / 10.0)
        assert len(poses) == 1
        assert held(bearings, weight, hfov, poses.bearing_deg)[0] >= even.max() * (1 - 1e-12)


def test_the_second_sweep_goes_on_with_the_rest() -> None:
    """What the first bearing holds is set aside: two clusters of targets get a bearing each, the heavier first; a third finds nothing."""
    bearings = np.array([355.0, 5.0, 0.0, 180.0, 186.0])
    poses = aimed(fan_of_lines(bearings), [head(30.0)], np.array([1.0, 1.0, 1.0, 1.0, 1.0]), aim=Aim(streets=False, best=3))
    assert poses.bearing_deg.tolist() == [0.0, 183.0]


def test_bearings_are_tenths_of_a_degree_below_a_full_turn() -> None:
    """Bearings can be set by an installer and written in an id: whole tenths, from 0 to below 360."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        bearings = np.sort(rng.choice([359.97, 359.99, 0.01, 0.04, 123.456, 200.05], 3, replace=False))
        poses = aimed(fan_of_lines(bearings), [head(40.0), head(1.3)], rng.random(3), aim=Aim(best=3, fan=7), streets=streets_at(359.98, 17.234))
        assert (poses.bearing_deg == np.round(poses.bearing_deg, 1)).all()
        assert ((poses.bearing_deg >= 0) & (poses.bearing_deg < 360)).all()
        pairs = list(zip(poses.head.tolist(), poses.bearing_deg.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)


def test_streets_come_first_and_near_bearings_are_offered_once() -> None:
    """A bearing along a street is offered as it is; a second street within an eighth of the lens is the same; the sweep then adds its own."""
    bearings = np.array([40.0, 44.0])
    poses = aimed(fan_of_lines(bearings), [head(32.0)], np.ones(2), streets=streets_at(10.0, 12.0, 90.0), aim=Aim(best=1, fan=4))
    assert poses.bearing_deg.tolist() == [10.0, 90.0, 42.0, 0.0, 180.0, 270.0]
    without = aimed(fan_of_lines(bearings), [head(32.0)], np.ones(2), streets=streets_at(10.0), aim=Aim(streets=False))
    assert without.bearing_deg.tolist() == [42.0]


def test_a_lens_that_looks_all_round_has_one_pose() -> None:
    """360 deg need no aim: one pose, at 0."""
    poses = aimed(fan_of_lines(np.array([40.0, 200.0])), [head(360.0)], np.ones(2), streets=streets_at(10.0, 90.0), aim=Aim(best=3, fan=8))
    assert poses.bearing_deg.tolist() == [0.0]


@pytest.mark.parametrize(
    ("ground", "critical", "wanted"),
    [(3.9, -np.inf, 0), (4.0, -np.inf, 1), (50.0, -np.inf, 1), (50.1, -np.inf, 0), (20.0, 5.9, 1), (20.0, 6.0, 0), (20.0, np.inf, 0)],
)
def test_a_head_that_sees_no_target_has_no_pose(ground: float, critical: float, wanted: int) -> None:
    """A target counts from near to far, both included, and only from a mount strictly above its critical height."""
    lines = fan_of_lines(np.array([40.0]), ground=ground, critical=critical)
    assert len(aimed(lines, [head(30.0, near=4.0, far=50.0)], np.ones(1))) == wanted


def test_the_ceiling_of_a_site_holds() -> None:
    """No head hangs above what its site carries; one exactly as high may."""
    lines = fan_of_lines(np.array([40.0]))
    heads = [head(30.0, height=height) for height in (4.0, 6.0, 9.0)]
    assert aimed(lines, heads, np.ones(1), ceiling=6.0).head.tolist() == [0, 1]
    assert len(aimed(lines, heads, np.ones(1), ceiling=3.9)) == 0


def test_poses_are_sorted_by_site_and_the_same_on_every_run() -> None:
    """Many sites at once give each site's own poses, in order, run after run."""
    rng = np.random.default_rng(4)
    start = np.array([0, 15, 15, 40])
    bearing = np.concatenate([np.sort(rng.uniform(0, 360, 15)), np.sort(rng.uniform(0, 360, 25))])
    lines = Sightlines(start, rng.permutation(40).astype(np.int32), bearing, rng.uniform(1, 60, 40), np.full(40, -np.inf), 40.0)
    streets = (np.array([0, 1, 2, 4]), np.array([5.0, 6.0, 100.0, 200.0]))
    heads, weight, ceiling = [head(50.0), head(20.0)], rng.random(40), np.full(3, 12.0)
    first, again = (make_poses(lines, heads, weight, ceiling, streets) for _ in range(2))
    for name in ("site", "head", "bearing_deg"):
        assert getattr(first, name).tolist() == getattr(again, name).tolist()
    assert sorted(first.site.tolist()) == first.site.tolist()
    assert set(first.site.tolist()) == {0, 2}
    part = slice(15, 40)
    alone = Sightlines(np.array([0, 25]), lines.target[part], bearing[part], lines.ground_m[part], lines.critical_m[part], 40.0)
    own = make_poses(alone, heads, weight, ceiling[:1], (np.array([0, 2]), np.array([100.0, 200.0])))
    assert own.bearing_deg.tolist() == first.bearing_deg[first.site == 2].tolist()


def test_a_head_by_hand() -> None:
    """2560 px across 90 deg at 64 px/m reach 20 m aslant; from 13.6 m, 12 m above a face, that is 16 m along the ground, and the view ends there."""
    made = make_head(model(), 0, 13.6, 64.0)
    assert made is not None
    assert (made.focal_px, made.slant_m, made.rise_m) == pytest.approx((1280.0, 20.0, 12.0))
    assert made.far_m == pytest.approx(16.0)
    assert made.tilt_deg == pytest.approx(60.0)  # the upper edge would ask for 66.87 deg, but the lower one stops straight down
    assert made.near_m == pytest.approx(0.0, abs=1e-9)
    low = make_head(model(), 0, 4.6, 64.0)
    assert low is not None
    assert low.far_m == pytest.approx(np.sqrt(400 - 9))
    assert low.near_m == pytest.approx(3 / np.tan(np.radians(low.tilt_deg + 30)))


def test_night_shortens_the_reach_and_only_shortens() -> None:
    """By night a head reaches its model's night range at most."""
    assert make_head(model(night=10.0), 0, 4.6, 64.0, by_night=True).slant_m == 10.0  # type: ignore[union-attr]
    assert make_head(model(night=90.0), 0, 4.6, 64.0, by_night=True).slant_m == pytest.approx(20.0)  # type: ignore[union-attr]


def test_what_reaches_nothing_is_no_head() -> None:
    """A mount higher than the slant range makes no head; where none is left the wish is refused."""
    assert make_head(model(), 0, 30.0, 64.0) is None
    assert len(make_heads([model(), model(20.0, 15.0)], [4.6, 30.0], 64.0)) == 3
    with pytest.raises(ScenarioError) as caught:
        make_heads([model()], [30.0], 64.0)
    assert caught.value.code == "scenario.reach"


def test_every_lens_at_every_height_is_a_head() -> None:
    """Heads are the product of lens settings and heights, each with its model's money."""
    zoom = dataclasses.replace(model(key="zoom"), lenses=(Lens(90, 50), Lens(30, 17)))
    heads = make_heads([zoom, model()], [4.0, 6.0], 62.5)
    assert [(made.model, made.lens, made.height_m) for made in heads] == [
        ("zoom", 0, 4.0), ("zoom", 0, 6.0), ("zoom", 1, 4.0), ("zoom", 1, 6.0), ("m", 0, 4.0), ("m", 0, 6.0),
    ]  # fmt: skip
    assert {(made.price_inr, made.upkeep_inr) for made in heads} == {(9_000, 1_404)}


def test_what_the_sweep_holds_is_what_the_matrix_counts() -> None:
    """The weight a best pose was chosen for is the weight of its row in the matrix: no target is lost on an edge."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        bearings, weight = rng.integers(0, 3600, 40) / 10.0, rng.random(40)
        lines, heads = fan_of_lines(bearings), [head(hfov) for hfov in (17.3, 55.0, 96.0, 130.1)]
        poses = aimed(lines, heads, weight)
        rows = build_matrix(lines, poses, 40).px_per_m
        for pose, made in enumerate(poses.head):
            even = held(bearings, weight, heads[made].hfov_deg, np.arange(3600) / 10.0)
            assert weight[rows[pose].indices].sum() >= even.max() - 1e-9


def test_on_a_slope_aims_go_to_what_is_in_the_picture() -> None:
    """Of two equal groups 20 m away the one on level ground is aimed at; the other lies 30 m lower, under the picture. On the flat both are."""
    bearings, low = np.array([40.0, 41.0, 42.0, 200.0, 201.0]), np.array([0.0, 0.0, 0.0, 30.0, 30.0])
    made, weight = dataclasses.replace(head(20.0), tilt_deg=15.0, vfov_deg=40.0), np.array([1.0, 1.0, 1.0, 9.0, 9.0])
    lines = fan_of_lines(bearings)
    assert aimed(lines, [made], weight, aim=Aim(best=3)).bearing_deg.tolist() == [200.5, 41.0]
    sloped = dataclasses.replace(lines, drop_m=low)
    assert aimed(sloped, [made], weight, aim=Aim(best=3)).bearing_deg.tolist() == [41.0]
    assert aimed(dataclasses.replace(lines, drop_m=np.zeros(5)), [made], weight, aim=Aim(best=3)).bearing_deg.tolist() == [200.5, 41.0]
