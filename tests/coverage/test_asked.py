"""What targets ask of cameras: hand-worked angles and ranges, against each pair asked by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coverage.asked import Asked, aside_deg, meet
from coverage.matrix import build_matrix
from coverage.poses import Aim, Poses, make_head, make_heads, make_poses
from coverage.sight import build_walls, cast
from planning.catalogue import load_models
from tests.planning.toy_streets import frame

MODEL = load_models()["varifocal-4mp"]
EYE = 1.6


def seen(targets: np.ndarray, asked: Asked, *, lens: int = 0, height: float = 6.0, bearing: float = 90.0) -> list[int]:
    """Which targets, in metres east and north of one camera, it sees as finely as each asks; nothing stands about."""
    head = make_head(MODEL, lens, height, float(asked.px_per_m.min()), target_m=EYE)
    assert head is not None
    walls = build_walls(frame("buildings", []), (0.0, 0.0))
    lines = cast(walls, np.zeros((1, 2)), targets, asked.z_m, reach_m=head.slant_m, highest_m=40.0)
    poses = Poses((head,), np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), np.array([bearing]))
    return sorted(build_matrix(meet(lines, asked, EYE), poses, len(targets)).px_per_m.indices.tolist())


def asking(n: int, **more: float | list[float]) -> Asked:
    """`n` targets that ask little, but for what is given."""
    usual = {"px_per_m": 20.0, "z_m": EYE, "steep_most_deg": 90.0, "aside_most_deg": 180.0, "street_deg": 90.0}
    return Asked(*(np.broadcast_to(np.asarray({**usual, **more}[name], dtype=float), n).copy() for name in usual))


def test_each_target_has_a_range_of_its_own() -> None:
    """At the range where a metre spans just what is asked a target is seen, a hair beyond it is not; one that asks half is seen twice as far."""
    focal = make_head(MODEL, 0, 6.0, 20.0, target_m=EYE).focal_px  # type: ignore[union-attr]
    reach = [math.sqrt((focal / px) ** 2 - 4.4**2) for px in (125.0, 62.5)]
    targets = np.array([(reach[0] - 1e-6, 0), (reach[0] + 1e-6, 0), (reach[0] + 1e-6, 0), (reach[1] - 1e-6, 0), (reach[1] + 1e-6, 0)])
    assert seen(targets, asking(5, px_per_m=[125.0, 125.0, 62.5, 62.5, 62.5])) == [0, 2, 3]


def test_a_face_is_not_known_from_too_steep() -> None:
    """From 4.4 m above, 35 deg is met 6.28 m away and not nearer; a target that asks no angle is seen nearer too."""
    edge = 4.4 / math.tan(math.radians(35))
    targets = np.array([(edge + 1e-6, 0), (edge - 1e-3, 0), (edge - 1e-3, 0)])
    assert seen(targets, asking(3, steep_most_deg=[35.0, 35.0, 90.0])) == [0, 2]


def test_a_lower_target_is_seen_more_steeply() -> None:
    """A plate at 0.8 m lies 5.2 m below the mount: 30 deg is met at 9.01 m, where a target at eye height would be met at 7.62 m."""
    for z, edge in ((0.8, 5.2 / math.tan(math.radians(30))), (1.6, 4.4 / math.tan(math.radians(30)))):
        targets = np.array([(edge + 1e-6, 0), (edge - 1e-3, 0)])
        assert seen(targets, asking(2, z_m=z, steep_most_deg=30.0)) == [0]


def test_a_plate_is_read_along_its_street_from_either_end() -> None:
    """East of the camera a street running east is seen along it, one 19 deg off too, one 21 deg off or across not; off the streets any way."""
    targets = np.tile((12.0, 0.0), (6, 1)) + np.arange(6)[:, None] * 1e-3
    street = [90.0, 71.0, 69.0, 0.0, 109.0, np.nan]
    assert seen(targets, asking(6, aside_most_deg=20.0, street_deg=street)) == [0, 1, 4, 5]
    assert seen(-targets, asking(6, aside_most_deg=20.0, street_deg=street), bearing=270.0) == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("line", "street", "turn"), [(0, 0, 0), (180, 0, 0), (350, 10, 20), (90, 0, 90), (10, 170, 20), (359, 179, 0), (45, 135, 90)]
)
def test_the_angle_between_two_ways_is_at_most_a_right_one(line: float, street: float, turn: float) -> None:
    """Whichever way either is walked."""
    for a in (line, line + 180):
        for b in (street, street + 180):
            assert aside_deg(np.array([float(a)]), np.array([float(b)]))[0] == pytest.approx(turn)


def test_asking_what_heads_are_made_for_changes_nothing() -> None:
    """Where every target asks the level and height of the heads, from any side and angle, poses and what they see are as without asking."""
    rng = np.random.default_rng(3)
    points, targets = rng.uniform(0, 60, (4, 2)), rng.uniform(-40, 100, (300, 2))
    heads = make_heads([MODEL], (4.0, 6.0), 62.5, target_m=EYE)
    walls = build_walls(frame("buildings", []), (0.0, 0.0))
    z = np.full(len(targets), EYE)
    lines = cast(walls, points, targets, z, reach_m=max(head.far_m for head in heads), highest_m=6.0 + 1e-9)
    asked = meet(lines, asking(len(targets), px_per_m=62.5), EYE)
    none = (np.zeros(len(points) + 1, dtype=np.int64), np.empty(0))
    plain, met = (make_poses(group, heads, np.ones(len(targets)), np.full(4, 12.0), none, Aim(streets=False, best=2)) for group in (lines, asked))
    assert (plain.bearing_deg == met.bearing_deg).all()
    first, second = (build_matrix(group, plain, len(targets)).px_per_m for group in (lines, asked))
    assert (first.indices == second.indices).all()
    np.testing.assert_allclose(first.data, second.data, rtol=1e-6)
