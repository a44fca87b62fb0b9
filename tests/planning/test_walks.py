"""Ways along the streets: distances and chances worked by hand, and the same distances as the street network's own."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from planning.city import City
from planning.network import distance_to_nearest, snap, street_graph
from planning.walks import Walk, Ways, chance_to_pass, chance_unseen, street_ways, walk_from
from tests.planning.toy_streets import EAST, NORTH, cross, line, streets


def point_at(ways: Ways, x: float, y: float) -> int:
    """The street point at a place of the toy's own metres."""
    found = np.flatnonzero(np.hypot(*(ways.points_m - (EAST + x, NORTH + y)).T) < 1e-6)
    assert len(found) == 1
    return int(found[0])


def walk(ways: Ways, x: float, y: float, most_m: float = 1e9, not_on: tuple[str, ...] = ()) -> Walk:
    """The walk from a place of the toy's own metres."""
    return walk_from(ways, EAST + x, NORTH + y, most_m=most_m, not_on=not_on)


def test_streets_are_cut_into_equal_pieces() -> None:
    """Four arms of 100 m in steps of 10 m: five junctions and nine points on each arm, each piece 10 m, both ways."""
    ways = street_ways(cross(100.0), 10.0)
    assert len(ways.points_m) == 5 + 4 * 9
    assert len(ways.to) == 2 * 4 * 10
    np.testing.assert_allclose(ways.piece_m, 10.0)
    assert np.diff(ways.start)[point_at(ways, 0, 0)] == 4
    assert np.diff(ways.start)[point_at(ways, 100, 0)] == 1


def test_distances_from_a_place_between_two_points() -> None:
    """From 33 m east and 4 m off the street: 33 m to the middle, 67 to the arm's tip, 133 to each other tip."""
    ways = street_ways(cross(100.0), 10.0)
    gone = walk(ways, 33, 4).gone_m
    assert gone[point_at(ways, 0, 0)] == pytest.approx(33)
    assert gone[point_at(ways, 30, 0)] == pytest.approx(3)
    assert gone[point_at(ways, 100, 0)] == pytest.approx(67)
    assert [gone[point_at(ways, *tip)] for tip in ((0, 100), (-100, 0), (0, -100))] == pytest.approx([133] * 3)


def test_chances_split_evenly_at_each_fork() -> None:
    """Half go each way; at the middle a third of the half into each of three arms. At a junction a quarter goes into each."""
    ways = street_ways(cross(100.0), 10.0)
    chance = walk(ways, 33, 0).chance
    assert chance[point_at(ways, 100, 0)] == pytest.approx(1 / 2)
    assert chance[point_at(ways, 0, 0)] == pytest.approx(1 / 2)
    assert [chance[point_at(ways, *tip)] for tip in ((0, 100), (-100, 0), (0, -100))] == pytest.approx([1 / 6] * 3)
    middle = walk(ways, 0.2, 0).chance
    assert middle[point_at(ways, 0, 0)] == 1
    assert [middle[point_at(ways, *tip)] for tip in ((100, 0), (0, 100), (-100, 0), (0, -100))] == pytest.approx([1 / 4] * 4)


def test_no_farther_than_asked() -> None:
    """Within 25 m of the middle lie two points of each arm and the middle itself; they come in order of distance."""
    ways = street_ways(cross(100.0), 10.0)
    found = walk(ways, 0, 0, 25.0)
    assert len(found.order) == 9
    assert np.isfinite(found.gone_m).sum() == 9
    assert (np.diff(found.gone_m[found.order]) >= 0).all()
    assert (found.before[found.gone_m == np.inf] == -2).all()


def test_roads_not_used_are_not_walked() -> None:
    """A footway is closed to a car: it begins at the nearest street it may use, and nothing beyond the footway is reached."""
    roads = streets(("a", "b", line((0, 0), (100, 0))), ("b", "c", line((100, 0), (200, 0))), road_class=["residential", "footway"])  # type: ignore[arg-type]
    ways = street_ways(roads, 10.0)
    found = walk(ways, 150, 0, not_on=("footway",))
    assert found.gone_m[point_at(ways, 100, 0)] == 0
    assert found.gone_m[point_at(ways, 110, 0)] == np.inf
    assert len(walk(ways, 150, 0, not_on=("footway", "residential")).order) == 0


def test_chance_to_pass_counts_the_first_view_on_each_way() -> None:
    """A camera that sees two points of one arm is passed once; one at the middle and one arm by all who go that way."""
    ways = street_ways(cross(100.0), 10.0)
    found = walk(ways, 33, 0)
    groups = [
        [point_at(ways, 50, 0), point_at(ways, 80, 0)], [point_at(ways, 0, 0), point_at(ways, 0, 50)],
        [point_at(ways, 0, 50), point_at(ways, 0, -50)], [point_at(ways, 30, 0), point_at(ways, 40, 0)],
    ]  # fmt: skip
    start = np.cumsum([0, *map(len, groups)])
    chance = chance_to_pass(found, start, np.concatenate(groups))
    assert chance == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1.0])


def test_chance_to_go_unseen() -> None:
    """Unseen is who comes to a way's end without a seen point: the half that goes east, and a sixth for each arm left open."""
    ways = street_ways(cross(100.0), 10.0)
    found = walk(ways, 33, 0)
    seen = np.zeros(len(ways.points_m), bool)
    assert chance_unseen(found, seen) == pytest.approx(1)
    seen[point_at(ways, 0, 50)] = True
    assert chance_unseen(found, seen) == pytest.approx(5 / 6)
    seen[point_at(ways, 0, 0)] = True
    assert chance_unseen(found, seen) == pytest.approx(1 / 2)
    seen[point_at(ways, 60, 0)] = True
    assert chance_unseen(found, seen) == pytest.approx(0)


def test_chances_at_the_ends_sum_to_one(town: City) -> None:
    """Nobody is lost at forks, in a town of bends and dead ends either."""
    ways = street_ways(town["roads"], 7.0)
    for x, y in ((0, 0), (-33, 5), (140, 20), (2, 90)):
        found = walk(ways, x, y, 150.0)
        assert chance_unseen(found, np.zeros(len(ways.points_m), bool)) == pytest.approx(1)


def test_who_passes_none_goes_unseen(town: City) -> None:
    """The chance to pass some seen point and the chance to go unseen sum to one, whichever points are seen."""
    ways, rng = street_ways(town["roads"], 7.0), np.random.default_rng(8)
    for count in (1, 4, 15, 40):
        found = walk(ways, -33, 5, 150.0)
        seen = np.zeros(len(ways.points_m), bool)
        seen[rng.choice(found.order, min(count, len(found.order)), replace=False)] = True
        (passing,) = chance_to_pass(found, np.array([0, seen.sum()]), np.flatnonzero(seen))
        assert passing + chance_unseen(found, seen) == pytest.approx(1)


def test_distances_are_those_of_the_street_network(town: City) -> None:
    """Every street point is as far as `distance_to_nearest` says."""
    roads = town["roads"]
    ways, graph, lines = street_ways(roads, 10.0), street_graph(roads), roads.geometry.to_numpy()
    edge, position = snap(shapely.points(ways.points_m), lines)
    for x, y in ((-100, 3), (1, 60), (60, -2), (0, 0)):
        to_edge, to_position = snap(np.array([shapely.Point(EAST + x, NORTH + y)], dtype=object), lines)
        wanted = distance_to_nearest(graph, edge, position, to_edge, to_position)
        np.testing.assert_allclose(walk(ways, x, y).gone_m, wanted, atol=0.51)
