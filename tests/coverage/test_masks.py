"""Masks in the picture: projections worked by hand, and every window in view behind one of them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from coverage.frontage import build_frontage
from coverage.masks import CameraMasks, hidden_by, masks_of_cameras, project
from coverage.poses import Head
from coverage.privacy import privacy_of_cameras, zone_points
from coverage.sight import ground_under
from coverage.standing import Standing, stand
from coverage.terrain import Terrain
from coverage.witness import open_eyes
from planning.catalogue import load_models
from planning.city import City
from planning.intrusion import load_privacy
from tests.coverage.watching import a_head, ground_of, houses, stands, walls_of
from tests.planning.toy_streets import EAST, NORTH, box, frame

SETTINGS = load_privacy()
MODELS = load_models()
HILLS = ground_of(lambda x, y: 262.0 + 0.06 * x + 3.0 * np.sin(x / 31) * np.cos(y / 27))


def in_picture(head: Head, bearing: float, *points: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where points of the toy's own metres lie in the picture of a camera in the origin."""
    xyz = np.array(points, dtype=float)
    return project(open_eyes(stands(("a", 0, 0, bearing, head)), MODELS), 0, xyz[:, :2] + (EAST, NORTH), xyz[:, 2])


def masks(
    cameras: Standing, *shapes: shapely.Geometry, height: float = 4.0, zones: shapely.Geometry | None = None, px: float = 25.0,
    kind: str | list[str] = "house", terrain: Terrain | None = None,
) -> list[CameraMasks]:  # fmt: skip
    """The masks of cameras before houses of one height."""
    buildings = houses(*shapes, height=height, kind=kind)
    ground = zone_points(frame("zones", [] if zones is None else [zones], kind="no_view"), SETTINGS)
    eyes = open_eyes(cameras, MODELS)
    return list(masks_of_cameras(walls_of(buildings, terrain), eyes, build_frontage(buildings, SETTINGS), ground, SETTINGS, px_per_m=px))


def test_a_level_pinhole_worked_by_hand() -> None:
    """Looking east with 90 by 60 deg: straight ahead is the middle; 5 m right of 10 m ahead is 3/4 across; 2 m down, 0.2/(2 tan 30) below it."""
    uv, depth = in_picture(a_head(hfov=90.0, vfov=60.0, tilt=0.0), 90.0, (10, 0, 6), (10, -5, 6), (10, 0, 4), (-10, 0, 6))
    np.testing.assert_allclose(uv[:3], [[0.5, 0.5], [0.75, 0.5], [0.5, 0.5 + 0.1 / np.tan(np.radians(30))]], atol=1e-9)
    np.testing.assert_allclose(depth, [10, 10, 10, -10], atol=1e-9)


def test_tilt_turns_the_picture_down() -> None:
    """Tilted 30 deg, what lies 30 deg down is the middle; a picture 60 deg high goes from the horizon to 60 deg down."""
    drop, far = 10 * np.tan(np.radians(30)), 10 * np.tan(np.radians(60))
    uv, _ = in_picture(a_head(hfov=90.0, vfov=60.0, tilt=30.0), 0.0, (0, 10, 6 - drop), (0, 10, 6), (0, 10, 6 - far))
    np.testing.assert_allclose(uv, [[0.5, 0.5], [0.5, 0.0], [0.5, 1.0]], atol=1e-9)


def test_wide_lenses_spread_the_angle() -> None:
    """180 by 90 deg: 45 deg to the right is 3/4 across, 20 deg down for a tilt of 20 deg is the middle; what lies behind is beyond the edge."""
    uv, depth = in_picture(a_head(hfov=180.0, vfov=90.0, tilt=20.0), 0.0, (10, 10, 6 - np.sqrt(200) * np.tan(np.radians(20))), (0, -10, 6))
    np.testing.assert_allclose(uv[0], [0.75, 0.5], atol=1e-9)
    assert not 0 <= uv[1, 0] <= 1
    assert np.isinf(depth).all()


@pytest.mark.parametrize("bearing", [0.0, 73.0, 200.0])
def test_turning_camera_and_world_changes_no_picture(bearing: float) -> None:
    """A picture depends on where things are from the camera only."""
    turn = np.radians(bearing)
    x, y = 3 * np.cos(turn) + 8 * np.sin(turn), 8 * np.cos(turn) - 3 * np.sin(turn)
    there, _ = in_picture(a_head(hfov=80.0, tilt=15.0), bearing, (x, y, 1.0))
    here, _ = in_picture(a_head(hfov=80.0, tilt=15.0), 0.0, (3, 8, 1.0))
    np.testing.assert_allclose(there, here, atol=1e-9)


def test_a_mask_worked_by_hand() -> None:
    """One window of 2 m, 0.7 to 2.3 m high, 9.9 m before a lens at 1.5 m: 1/9.9 to either side and 0.8/9.9 up and down, and a hundredth around."""
    (found,) = masks(stands(("a", 0, 0, 90.0, a_head(hfov=90.0, vfov=60.0, tilt=0.0, height=1.5))), box(10, -1, 12, 1))
    (mask,) = found.masks
    across, down = 0.5 / 9.9 + 0.01, 0.4 / 9.9 / np.tan(np.radians(30)) + 0.01
    assert mask.box == pytest.approx((0.5 - across, 0.5 - down, 0.5 + across, 0.5 + down), abs=1e-6)
    assert mask.corners[0] == pytest.approx((0.5 - across, 0.5 - down), abs=1e-6)
    assert len(mask.corners) == 4
    assert (mask.why, mask.metres) == ("homes", pytest.approx(2))
    assert found.share == mask.share == pytest.approx(4 * across * down, abs=1e-6)


def test_walls_of_one_house_are_masks_of_their_own() -> None:
    """A corner seen from outside shows two walls: two masks, each of its wall's metres; nothing is masked of what is turned away."""
    (found,) = masks(stands(("a", 0, 0, 45.0, a_head(hfov=100.0, vfov=90.0, tilt=0.0, height=1.5))), box(5, 5, 15, 15))
    assert [round(mask.metres) for mask in found.masks] == [10, 10]
    left, right = sorted(found.masks, key=lambda mask: mask.box[0])
    assert left.box[0] == pytest.approx(1 - right.box[2], abs=1e-6)


def test_what_a_shop_hides_needs_no_mask() -> None:
    """A shop as high as the lens stands before the house: nothing of a home is in the picture, so nothing is masked."""
    camera = stands(("a", 0, 0, 90.0, a_head(hfov=90.0, vfov=60.0, tilt=0.0, height=1.5)))
    assert masks(camera, box(10, -1, 12, 1), box(5, -9, 6, 9), kind=["house", "commercial"])[0].masks == ()


def test_a_zone_is_masked_from_the_ground_up() -> None:
    """A zone before the camera is one mask; the same zone behind it is none."""
    camera = a_head(hfov=90.0, vfov=60.0, tilt=20.0)
    (found,) = masks(stands(("a", 0, 0, 90.0, camera)), zones=box(15, -3, 21, 3))
    (mask,) = found.masks
    assert mask.why == "zones"
    uv, _ = in_picture(camera, 90.0, *((x, y, z) for x in (15.5, 20.5) for y in (-2.5, 2.5) for z in (0.0, 2.0)))
    assert shapely.contains_xy(shapely.Polygon(mask.corners), uv[:, 0], uv[:, 1]).all()
    assert masks(stands(("a", 0, 0, 270.0, camera)), zones=box(15, -3, 21, 3))[0].masks == ()


def test_no_more_masks_than_a_camera_holds() -> None:
    """Twenty small houses in a row before a camera make as many masks as it holds, convex, within the picture, with all metres."""
    row = [box(12, 3 * k - 30, 13, 3 * k - 29) for k in range(20)]
    (found,) = masks(stands(("a", 0, 0, 90.0, a_head(hfov=110.0, vfov=60.0, tilt=10.0))), *row)
    assert len(found.masks) == SETTINGS.most_masks
    for mask in found.masks:
        shape = shapely.Polygon(mask.corners)
        assert shape.equals_exact(shapely.convex_hull(shape), 1e-9) or shape.area == pytest.approx(shapely.convex_hull(shape).area)
        assert 0 <= min(mask.box) <= max(mask.box) <= 1
    assert 0 < found.share <= sum(mask.share for mask in found.masks) + 1e-9


def test_a_wall_beside_the_lens_is_cut_where_it_passes_behind() -> None:
    """A wall that runs from before the camera to behind it is masked up to the picture's edge."""
    (found,) = masks(stands(("a", 0, 1.0, 90.0, a_head(hfov=100.0, vfov=80.0, tilt=0.0, height=1.5))), box(-20, -3, 20, -1))
    assert max(mask.box[2] for mask in found.masks) == pytest.approx(1.0)
    assert all(np.isfinite(mask.corners).all() for mask in found.masks)


@pytest.mark.parametrize("level", [0.0, 263.7])
def test_on_level_terrain_masks_are_those_of_flat_ground(level: float) -> None:
    """Level terrain of any height gives the masks that no terrain gives, of homes and of zones."""
    camera = stands(("a", 0, 0, 90.0, a_head(hfov=100.0, vfov=60.0, tilt=10.0)))
    shapes, zone = [box(12, 3 * k - 9, 13, 3 * k - 7) for k in range(5)], box(15, -30, 21, -20)
    (flat,), (found,) = (masks(camera, *shapes, zones=zone, terrain=ground) for ground in (None, ground_of(lambda x, y: level)))
    assert {mask.why for mask in flat.masks} == {"homes", "zones"}
    assert len(found.masks) == len(flat.masks)
    for one, other in zip(found.masks, flat.masks, strict=True):
        assert one.box == pytest.approx(other.box, abs=1e-9)


def test_a_window_on_a_terrace_is_masked_higher() -> None:
    """The house that is masked about the middle stands 2 m higher than the lens's own ground: its mask lies 2 m higher in the picture, and a zone on
    that terrace too.
    """
    camera = stands(("a", 0, 0, 90.0, a_head(hfov=90.0, vfov=60.0, tilt=0.0, height=1.5)))
    terrace = ground_of(lambda x, y: 40.0 + 2.0 * np.clip(x / 4.0, 0.0, 1.0))
    (low,), (high,) = (masks(camera, box(10, -1, 12, 1), terrain=ground) for ground in (None, terrace))
    up = 2.0 / 9.9 / (2 * np.tan(np.radians(30)))
    left, top, right, bottom = low.masks[0].box
    assert high.masks[0].box == pytest.approx((left, top - up, right, bottom - up), abs=1e-6)
    (below,), (above,) = (masks(camera, zones=box(15, -3, 21, 3), terrain=ground) for ground in (None, terrace))
    assert above.masks[0].box[1] < below.masks[0].box[1] - 0.05
    assert above.masks[0].box[3] < below.masks[0].box[3] - 0.05


@pytest.mark.parametrize(("hfov", "terrain"), [(70.0, None), (110.0, None), (180.0, None), (359.0, None), (70.0, HILLS), (180.0, HILLS)])
def test_every_window_in_view_lies_behind_a_mask(town: City, hfov: float, terrain: Terrain | None) -> None:
    """Whatever the optics count as seen of homes is hidden by the masks; by projection, a picture holds at least as much as the sector on the map."""
    rng = np.random.default_rng(int(hfov))
    xy = rng.uniform((-160, -100), (150, 120), size=(200, 2)) + (EAST, NORTH)
    solid = shapely.union_all(town["buildings"].geometry.array)
    off = shapely.distance(shapely.points(xy), solid)
    xy = xy[(off > 2) & (off < 12)][:20]
    rows = []
    for k, (x, y) in enumerate(xy):  # each looks more or less at the house next to it
        foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(x, y), solid))[1]
        bearing = np.degrees(np.arctan2(foot[0] - x, foot[1] - y)) + rng.uniform(-40, 40)
        rows.append((f"c{k}", x - EAST, y - NORTH, bearing % 360, a_head(hfov=hfov, tilt=25.0)))
    cameras, walls = stands(*rows), walls_of(town["buildings"], terrain)
    eyes, frontage = open_eyes(cameras, MODELS, terrain=terrain), build_frontage(town["buildings"], SETTINGS)
    nothing = zone_points(town["zones"], SETTINGS)
    found = masks_of_cameras(walls, eyes, frontage, nothing, SETTINGS)
    windows = 0
    for k, camera in enumerate(cameras.ids):
        alone = stands(rows[k])
        seen = privacy_of_cameras(walls, alone, frontage, nothing, SETTINGS)
        lowest = np.flatnonzero(seen.storeys_seen > 0)
        if seen.seen_m > 0:
            assert found[k].masks, camera
        window = SETTINGS.window_m + ground_under(walls, frontage.points_m[lowest]) - ground_under(walls, eyes.points_m[k : k + 1])
        uv, depth = project(eyes, k, frontage.points_m[lowest], window)
        inside = (depth > 0) & (np.abs(uv - 0.5) < 0.5).all(axis=1)
        hidden = hidden_by(eyes, k, found[k].masks, frontage.points_m[lowest], window)
        assert hidden[inside].all()
        windows += int(inside.sum())
    assert windows > 30


def test_where_nobody_knows_where_a_camera_looks_there_is_no_mask(town: City) -> None:
    """A record without a bearing gives no masks, and says why; the others keep their order."""
    cameras = stand(town["cameras"], town["buildings"], MODELS, 62.5)
    eyes = open_eyes(cameras, MODELS)
    frontage, zones = build_frontage(town["buildings"], SETTINGS), zone_points(town["zones"], SETTINGS)
    found = masks_of_cameras(walls_of(town["buildings"]), eyes, frontage, zones, SETTINGS)
    assert tuple(one.camera for one in found) == cameras.ids
    unknown = town["cameras"]["bearing_deg"].isna().to_numpy()
    assert [one.known for one in found] == (~unknown).tolist()
    assert all(not one.masks for one, lost in zip(found, unknown, strict=True) if lost)
    assert [one.turns for one in found] == (town["cameras"]["kind"] == "ptz").tolist()


def test_what_lies_behind_a_wide_lens_is_masked_at_both_edges() -> None:
    """A wall straight behind a lens of 350 deg shows at the left and at the right edge: masks there, and none across the picture between them."""
    (found,) = masks(stands(("a", 0, 0, 0.0, a_head(hfov=350.0, vfov=60.0, tilt=0.0, height=1.5))), box(-5, -12, 5, -10))
    assert len(found.masks) >= 2
    assert min(mask.box[0] for mask in found.masks) == 0
    assert max(mask.box[2] for mask in found.masks) == 1
    # The wall's ends lie 27 deg off straight behind, 22 deg into the picture's 350.
    reach = (np.degrees(np.arctan2(5, 9.9)) - 5) / 350 + SETTINGS.margin + 1e-6
    assert all(mask.box[2] <= reach or mask.box[0] >= 1 - reach for mask in found.masks)


def test_no_masks_hide_nothing() -> None:
    """Without masks no point is hidden; a point behind the lens is never hidden."""
    cameras = stands(("a", 0, 0, 90.0, a_head(hfov=90.0, vfov=60.0, tilt=0.0, height=1.5)))
    eyes = open_eyes(cameras, MODELS)
    points, z = np.array([[EAST + 9.9, NORTH], [EAST - 9.9, NORTH]]), np.array([1.5, 1.5])
    (found,) = masks(cameras, box(10, -1, 12, 1))
    assert hidden_by(eyes, 0, (), points, z).tolist() == [False, False]
    assert hidden_by(eyes, 0, found.masks, points, z).tolist() == [True, False]
    assert masks(stands(), box(10, -1, 12, 1)) == []
