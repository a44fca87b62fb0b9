"""How much of homes and of no-view zones cameras see: worked by hand, and the same by another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from coverage.frontage import build_frontage
from coverage.poses import Head, Poses, make_heads
from coverage.privacy import PrivacyScore, at_height, frontage_of_poses, privacy_by_ward, privacy_of_cameras, zone_points, zones_of_poses
from coverage.sight import CELL_M, critical_height
from coverage.standing import Standing
from coverage.witness import look, open_eyes
from optimizer.plan import make_problem
from optimizer.solve import solve
from optimizer.survey import Survey
from planning.catalogue import load_models
from planning.city import City
from planning.intrusion import load_privacy
from planning.nouns import Scenario
from tests.coverage.watching import a_head, houses, stands, walls_of
from tests.planning.toy_streets import EAST, NORTH, box, frame

SETTINGS = load_privacy()
MODELS = load_models()
WALL = box(10, -20, 12, 20)  # its west wall, 40 m long, looks at a camera in the origin
NO_ZONES = zone_points(frame("zones", []), SETTINGS)


def score(cameras: Standing, *shapes: shapely.Geometry, height: float = 4.0, px: float | None = None, **more: object) -> PrivacyScore:
    """What cameras see of houses of one height."""
    buildings = houses(*shapes, height=height, **more)  # type: ignore[arg-type]
    return privacy_of_cameras(walls_of(buildings), cameras, build_frontage(buildings, SETTINGS), NO_ZONES, SETTINGS, px_per_m=px)


def test_a_wall_worked_by_hand() -> None:
    """9.9 m before a wall a picture of 60 deg holds 5.716 m to either side: of points at odd metres six, 12 m of 84; 62.5 px/m reach 16 m."""
    found = score(stands(("a", 0, 0, 90.0, a_head())), WALL)
    assert found.cameras[0].homes_m == pytest.approx(12)
    assert (found.seen_m, found.total_m) == pytest.approx((12, 84))
    assert found.share == found.cameras[0].homes_share == pytest.approx(12 / 84)
    assert (found.storeys_seen > 0).sum() == 6


def test_the_level_decides() -> None:
    """125 px/m reach 8 m of slant: none of the wall, 10 m off. A camera of twice the focal length sees it again."""
    assert score(stands(("a", 0, 0, 90.0, a_head())), WALL, px=125.0).seen_m == 0
    assert score(stands(("a", 0, 0, 90.0, a_head(focal=2000.0))), WALL, px=125.0).seen_m == pytest.approx(12)


def test_upper_windows_count_where_the_picture_holds_them() -> None:
    """With the upper edge on the horizon both storeys are in the picture, 24 m; 10 deg below it the upper one, 1.3 m below the lens, is not."""
    assert score(stands(("a", 0, 0, 90.0, a_head())), WALL, height=6.0).seen_m == pytest.approx(24)
    assert score(stands(("a", 0, 0, 90.0, a_head(tilt=30.0))), WALL, height=6.0).seen_m == pytest.approx(12)


def test_windows_above_the_lens_need_a_picture_that_looks_up() -> None:
    """Windows at 7.9 m, 1.9 m above the lens and 9.9 to 11.1 m away, stand 9.7 deg or more above the horizon: in a picture 20 deg up, not 9."""
    up, level = a_head(tilt=0.0), a_head(tilt=11.0)
    assert score(stands(("a", 0, 0, 90.0, level)), WALL, height=9.0).seen_m == pytest.approx(2 * 12)
    # Level, the lower edge looks 20 deg down: the lowest windows, 24.4 deg down, fall out.
    assert score(stands(("a", 0, 0, 90.0, up)), WALL, height=9.0).seen_m == pytest.approx(2 * 12)


def test_from_behind_a_wall_shows_nothing() -> None:
    """A camera above a low house looks over it: of the walls it sees only those that look its way."""
    roof = score(stands(("a", 11, 0, 90.0, a_head(vfov=90.0, tilt=45.0))), WALL)
    assert roof.seen_m == 0
    behind = score(stands(("a", 22, 0, 270.0, a_head())), WALL)
    assert behind.seen_m == pytest.approx(12)
    buildings = houses(WALL, height=4.0)
    eastward = build_frontage(buildings, SETTINGS).outward_deg[behind.storeys_seen > 0]
    np.testing.assert_allclose(eastward, 90.0)


def test_what_stands_before_a_home_hides_it() -> None:
    """A shop 5 m off, as high as the camera, hides the wall behind it; the shop's own wall is no home's."""
    camera = stands(("a", 0, 0, 90.0, a_head()))
    assert score(camera, WALL, box(5, -30, 6, 30), height=7.0, kind=["house", "commercial"]).seen_m == 0


def test_each_mount_height_sees_for_itself() -> None:
    """Over a shop of 3 m, 6 m off, the wall is seen from above 5.3 m: of two poses at one site the one at 12 m sees it, the one at 4.5 m does not."""
    buildings = houses(WALL, box(5, -30, 6, 30), height=[4.0, 3.0], kind=["house", "commercial"])
    heads = (a_head(height=4.5), a_head(height=12.0, tilt=45.0, focal=1500.0))
    both = Poses(heads, np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.full(2, 90.0))
    found = frontage_of_poses(walls_of(buildings), np.array([[EAST, NORTH]]), both, build_frontage(buildings, SETTINGS), SETTINGS)
    assert found[0] == 0
    assert found[1] >= 12


def test_along_a_wall_no_window_is_seen() -> None:
    """1 m before a wall and looking along it, what lies more than 80 deg off its outward side, 5.1 m on, does not count."""
    camera = stands(("a", 8.9, -15, 0.0, a_head(hfov=90.0, vfov=80.0, tilt=40.0)))
    found = score(camera, WALL)
    assert found.seen_m > 0
    points = build_frontage(houses(WALL, height=4.0), SETTINGS).points_m[found.storeys_seen > 0]
    assert (points[:, 1] - NORTH).max() < -15 + np.tan(np.radians(80)) * 1.0


def test_wards_each_have_their_own_share() -> None:
    """A wall across the border of two wards: of its seen points at -5 to 5 m three lie in each; a third ward has no homes, and no share."""
    buildings = houses(WALL, height=6.0)
    frontage = build_frontage(buildings, SETTINGS)
    found = privacy_of_cameras(walls_of(buildings), stands(("a", 0, 0, 90.0, a_head())), frontage, NO_ZONES, SETTINGS)
    wards = frame("wards", [box(-50, -50, 50, 0), box(-50, 0, 50, 15), box(60, 0, 70, 9)], name=["South", "North", "East"], population=1.0)
    south, north, east = privacy_by_ward(found, frontage, wards)
    assert (south.seen_m, south.total_m) == pytest.approx((2 * 6, 2 * 42))
    assert (north.seen_m, north.share) == pytest.approx((2 * 6, 12 / north.total_m))
    assert north.total_m == pytest.approx(2 * 2 * 16, abs=8)
    assert (east.ward, east.seen_m, east.share) == ("w3", 0, 0)


def test_a_metre_two_cameras_see_counts_once() -> None:
    """Each camera has its own figure; together they see no more than one of them."""
    found = score(stands(("a", 0, 0, 90.0, a_head()), ("b", 0, 0, 90.0, a_head())), WALL)
    assert [one.homes_m for one in found.cameras] == pytest.approx([12, 12])
    assert found.seen_m == pytest.approx(12)


def test_a_head_on_another_plane() -> None:
    """4.5 m below the lens at 62.5 px/m: from 5.36 m, where the lower edge meets it, to 15.35 m; at the head's own plane and level it is the head."""
    made = at_height(a_head(), 1.5, 62.5)
    assert (made.near_m, made.far_m) == pytest.approx((4.5 / np.tan(np.radians(40)), np.sqrt(16**2 - 4.5**2)))
    for head in make_heads(list(MODELS.values()), (4.5, 6.0, 9.0), 62.5):
        same = at_height(head, 1.6, 62.5)
        assert (same.near_m, same.far_m) == pytest.approx((head.near_m, head.far_m))


def random_poses(rng: np.random.Generator, sites: int, count: int) -> Poses:
    """Poses of the catalogue's heads at random sites and bearings, sorted by site."""
    heads: tuple[Head, ...] = make_heads(list(MODELS.values()), (4.5, 12.0), 62.5)
    site = np.sort(rng.integers(0, sites, count)).astype(np.int32)
    return Poses(heads, site, rng.integers(0, len(heads), count).astype(np.int32), np.round(rng.uniform(0, 360, count), 1) % 360)


def in_the_open(town: City, rng: np.random.Generator, count: int) -> np.ndarray:
    """Places outside every building."""
    xy = rng.uniform((-160, -100), (150, 120), size=(4 * count, 2)) + (EAST, NORTH)
    solid = shapely.union_all(town["buildings"].geometry.array)
    return xy[~shapely.intersects_xy(solid, xy[:, 0], xy[:, 1])][:count]


def test_poses_agree_with_pairs_worked_one_by_one(town: City) -> None:
    """Every pose's metres are the sum over wall points that optics, the wall's side and an own walk of sight allow, pair by pair."""
    rng = np.random.default_rng(11)
    sites, walls = in_the_open(town, rng, 25), walls_of(town["buildings"])
    poses, frontage = random_poses(rng, 25, 120), build_frontage(town["buildings"], SETTINGS, step_m=4.0)
    found = frontage_of_poses(walls, sites, poses, frontage, SETTINGS)
    cameras = Standing(tuple(f"p{k}" for k in range(len(poses))), sites[poses.site], Poses(
        tuple(poses.heads[h] for h in poses.head), np.arange(len(poses), dtype=np.int32), np.arange(len(poses), dtype=np.int32), poses.bearing_deg
    ), ())  # fmt: skip
    eyes = open_eyes(cameras, MODELS)
    grid = (walls.ends_m, walls.top_m, walls.cell_start, walls.cell_walls, *walls.shape, *walls.corner_m, CELL_M)
    wanted = np.zeros(len(poses))
    for height, rows in frontage.layers():
        for pose in range(len(poses)):
            seen_by = look(
                eyes, np.full(len(rows), pose), frontage.points_m[rows], np.full(len(rows), height), least_px_per_m=SETTINGS.px_per_m, night=False
            )
            turn = np.radians(seen_by.bearing_deg + 180 - frontage.outward_deg[rows])
            for k in np.flatnonzero(seen_by.clear & (np.cos(turn) >= np.cos(np.radians(SETTINGS.most_oblique_deg)))):
                here, there = eyes.points_m[pose] - walls.origin_m, frontage.points_m[rows[k]] - walls.origin_m
                if critical_height(*grid, *here, *there, height, np.inf) < eyes.height_m[pose]:
                    wanted[pose] += frontage.metres[rows[k]]
    assert (wanted > 0).sum() > 20
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_chunks_and_order_change_nothing(town: City) -> None:
    """A few sites at a time, or poses in another order, give each pose the same metres; cameras that stand have those of their poses."""
    rng = np.random.default_rng(4)
    sites, walls = in_the_open(town, rng, 30), walls_of(town["buildings"])
    poses, frontage = random_poses(rng, 30, 90), build_frontage(town["buildings"], SETTINGS)
    whole = frontage_of_poses(walls, sites, poses, frontage, SETTINGS)
    np.testing.assert_allclose(frontage_of_poses(walls, sites, poses, frontage, SETTINGS, chunk=7), whole)
    order = rng.permutation(len(poses))
    mixed = Poses(poses.heads, poses.site[order], poses.head[order], poses.bearing_deg[order])
    np.testing.assert_allclose(frontage_of_poses(walls, sites, mixed, frontage, SETTINGS), whole[order])
    cameras = Standing(tuple(f"s{k}" for k in range(30)), sites, poses, ())
    found = privacy_of_cameras(walls, cameras, frontage, NO_ZONES, SETTINGS)
    by_site = np.bincount(poses.site, weights=whole, minlength=30)
    assert [one.homes_m for one in found.cameras] == pytest.approx(by_site.tolist())
    assert max(by_site) <= found.seen_m <= whole.sum() + 1e-9


def test_a_price_on_frontage_buys_privacy(town: City, survey: Survey, wish: Scenario) -> None:
    """As the optimizer's penalty a price makes the best plan see less of homes, never more; what it covers can only fall by it."""
    problem = make_problem(town, wish, survey)
    sites, frontage = shapely.get_coordinates(survey.sites.geometry.array), build_frontage(town["buildings"], SETTINGS)
    metres = frontage_of_poses(survey.walls, sites, survey.poses, frontage, SETTINGS)
    assert metres.shape == (problem.n_poses,)
    seen, covered = [], []
    for price in (0.0, 500.0, 5_000.0):
        chosen = solve(replace(problem, penalty=price * metres), gap=0.0, time_limit_s=20.0, seed=1).chosen
        seen.append(float(metres[chosen].sum()))
        covered.append(float(problem.weight[problem.seen(chosen)].sum()))
    assert seen[0] >= seen[1] >= seen[2] < seen[0]
    assert covered[0] >= covered[1] >= covered[2] > 0


def test_a_ban_keeps_zones_out_of_view(town: City, survey: Survey) -> None:
    """Forbidding every pose that sees a no-view zone leaves poses that see none of it, and not none at all."""
    zones = zone_points(frame("zones", [box(-20, -40, 20, -10)], kind="no_view"), SETTINGS)
    sites = shapely.get_coordinates(survey.sites.geometry.array)
    seen = zones_of_poses(survey.walls, sites, survey.poses, zones, SETTINGS)
    ban = seen > 0
    assert 0 < ban.sum() < len(ban)
    rows = np.flatnonzero(~ban)
    left = Poses(survey.poses.heads, survey.poses.site[rows], survey.poses.head[rows], survey.poses.bearing_deg[rows])
    stand_there = Standing(tuple(map(str, survey.sites.index)), sites, left, ())
    assert privacy_of_cameras(survey.walls, stand_there, build_frontage(houses(), SETTINGS), zones, SETTINGS).zones_seen_m2 == 0
    assert seen.max() <= zones.total_m2 + 1e-9


def test_zones_worked_by_hand() -> None:
    """A zone of 6 by 6 m within the picture is seen whole, 36 m2, unless a wall hides it or the camera looks away."""
    zones = zone_points(frame("zones", [box(12, -3, 18, 3)], kind="no_view"), SETTINGS)
    assert zones.total_m2 == pytest.approx(36)
    sites = np.array([[EAST, NORTH]])
    away = Poses((a_head(),), np.zeros(2, np.int32), np.zeros(2, np.int32), np.array([90.0, 270.0]))
    np.testing.assert_allclose(zones_of_poses(walls_of(houses()), sites, away, zones, SETTINGS), [36, 0])
    np.testing.assert_allclose(zones_of_poses(walls_of(houses(box(8, -9, 9, 9))), sites, away, zones, SETTINGS), [0, 0])
    found = privacy_of_cameras(walls_of(houses()), stands(("a", 0, 0, 90.0, a_head())), build_frontage(houses(), SETTINGS), zones, SETTINGS)
    assert (found.zones_seen_m2, found.zones_m2, found.share) == pytest.approx((36, 36, 0))
    assert (found.cameras[0].zones_m2, found.cameras[0].zones_share) == pytest.approx((36, 1))


def test_zones_count_their_ground_once() -> None:
    """Only no-view zones count; where two overlap the ground is one's; one smaller than the grid has a point all the same."""
    shapes = [box(0, 0, 12, 12), box(6, 0, 18, 12), box(100, 100, 100.5, 100.5), box(50, 50, 80, 80)]
    found = zone_points(frame("zones", shapes, kind=["no_view", "no_view", "no_view", "priority"]), SETTINGS)
    assert found.total_m2 == pytest.approx(18 * 12 + 0.25)
    assert set(found.zone.tolist()) == {0, 1, 2}
    assert found.m2[found.zone == 2].tolist() == pytest.approx([0.25])


def test_nothing_to_see_is_nothing_seen() -> None:
    """Without homes, zones or poses every figure is 0, and shares are no division by nothing."""
    found = score(stands(("a", 0, 0, 90.0, a_head())))
    assert (found.seen_m, found.total_m, found.share, found.cameras[0].homes_share) == (0, 0, 0, 0)
    none = Poses((a_head(),), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
    frontage = build_frontage(houses(WALL), SETTINGS)
    assert len(frontage_of_poses(walls_of(houses(WALL)), np.zeros((0, 2)), none, frontage, SETTINGS)) == 0
    assert score(stands(), WALL).cameras == ()
