"""What is on a bridge stands on its deck."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

from coverage.decks import raised
from coverage.sight import build_walls, cast
from coverage.terrain import Terrain
from tests.planning.toy_streets import EAST, NORTH, frame, line, streets


def valley() -> Terrain:
    """Ground 260 m high in the west and 262 m in the east, with a river's bed 6 m lower for |x| < 40; nodes 5 m apart."""
    x, _ = np.meshgrid(np.arange(61) * 5.0 - 150, np.arange(61) * 5.0 - 150)
    return Terrain((EAST - 150, NORTH - 150), 5.0, np.where(np.abs(x) < 40, 254.0, np.where(x < 0, 260.0, 262.0)))


def on(x: float, y: float = 0.0) -> np.ndarray:
    """A point of the toy, as coordinates."""
    return np.array([[EAST + x, NORTH + y]])


def above(roads: gpd.GeoDataFrame, road: str, x: float, y: float = 0.0) -> float:
    """The deck above the ground at a point of that street."""
    return float(raised(valley(), roads, on(x, y), np.array([road], dtype=object))[0])


def test_a_deck_runs_evenly_between_its_ends() -> None:
    """Over a bed at 254 m the deck goes from 260 to 262 m: 6.5, 7 and 7.5 m above it at a quarter, half and three quarters; the streets to it lie on
    the ground, and so does a point that names no street.
    """
    roads = streets(("a", "b", line((-100, 0), (-50, 0))), ("b", "c", line((-50, 0), (50, 0))), ("c", "d", line((50, 0), (100, 0))),
                    bridge=[False, True, False])  # fmt: skip
    assert [above(roads, "r2", x) for x in (-25, 0, 25)] == pytest.approx([6.5, 7.0, 7.5])
    assert above(roads, "r2", 0.0, 2.5) == pytest.approx(7.0)
    assert [above(roads, "r1", -70), above(roads, "", 0), above(roads, "r9", 0)] == [0, 0, 0]


def test_a_chain_of_pieces_rises_as_one() -> None:
    """A bridge mapped in three pieces of unlike length has the deck of a bridge in one; so has one whose pieces run against each other."""
    ends = ("a", "b", line((-100, 0), (-50, 0))), ("c", "d", line((50, 0), (100, 0)))
    pieces = ("b", "x", line((-50, 0), (-30, 0))), ("y", "x", line((10, 0), (-30, 0))), ("y", "c", line((10, 0), (50, 0)))
    roads = streets(*ends, *pieces, bridge=[False, False, True, True, True])
    assert [above(roads, road, x) for road, x in (("r4", -25), ("r4", 0), ("r5", 25))] == pytest.approx([6.5, 7.0, 7.5])


def test_a_fork_in_the_air_and_a_bridge_to_nowhere() -> None:
    """Where a ramp leaves in the air the deck is the mean of the ends by nearness; a bridge that ends in the air ends on the ground there; a ring of
    bridges without ground stays finite."""
    fork = streets(
        ("a", "b", line((-100, 0), (-50, 0))), ("c", "d", line((50, 0), (100, 0))), ("e", "f", line((0, 50), (0, 100))),
        ("b", "x", line((-50, 0), (0, 0))), ("x", "c", line((0, 0), (50, 0))), ("e", "x", line((0, 50), (0, 0))),
        bridge=[False, False, False, True, True, True],
    )  # fmt: skip
    assert above(fork, "r4", 0) == pytest.approx((260 + 262 + 254) / 3 - 254)
    stub = streets(("a", "b", line((-100, 0), (-50, 0))), ("b", "x", line((-50, 0), (0, 0))), bridge=[False, True])
    assert above(stub, "r2", -25) == pytest.approx(257 - 254)
    ring = streets(("a", "b", line((-20, 0), (0, 20), (20, 0))), ("b", "a", line((20, 0), (0, -20), (-20, 0))), bridge=True)
    assert np.isfinite(above(ring, "r1", 0, 20))


def test_a_deck_below_the_ground_is_not_there() -> None:
    """Where the ground rises above the line between a bridge's ends, what is on it stands on the ground; a city without bridges has none."""
    x, _ = np.meshgrid(np.arange(61) * 5.0 - 150, np.arange(61) * 5.0 - 150)
    hump = Terrain((EAST - 150, NORTH - 150), 5.0, 260.0 + np.maximum(8 - np.abs(x) / 5, 0))
    roads = streets(("a", "b", line((-50, 0), (50, 0))), bridge=True)
    assert raised(hump, roads, on(0.0), np.array(["r1"], dtype=object)).tolist() == [0.0]
    assert raised(hump, roads.assign(bridge=False), on(0.0), np.array(["r1"], dtype=object)).tolist() == [0.0]


def test_who_is_on_the_bridge_is_seen_from_the_bank() -> None:
    """From 6 m on the bank the bed is hidden by the bank's edge; a face on the deck above it is seen, and lies 7 m less low."""
    walls = build_walls(frame("buildings", [], height_m=[], height_source=[]), (EAST, NORTH), valley())
    here, there = on(-130.0), on(-25.0)
    bed, deck = (cast(walls, here, there, np.array([1.6]), reach_m=200.0, highest_m=99.0, deck_m=lift) for lift in (None, np.array([6.5])))
    assert bed.critical_m[0] > 6
    assert deck.critical_m[0] < 6
    assert bed.drop_m is not None
    assert deck.drop_m is not None
    assert bed.drop_m[0] - deck.drop_m[0] == pytest.approx(6.5)
