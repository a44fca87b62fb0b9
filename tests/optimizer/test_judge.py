"""What a placement is judged on: PAI and PEI* worked by hand, incidents in their cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.judge import Ground, jaccard, lay_ground, score, spearman
from planning.errors import CityError
from tests.planning.toy_streets import EAST, NORTH, at, box, cross, frame, line, streets, toy_city


def ground(length: list[float], hits: list[float]) -> Ground:
    """Cells of these lengths and incidents."""
    return Ground(np.zeros((len(length), 2)), np.array(length), np.array(hits), 0)


def flags(count: int, *seen: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """These cells seen."""
    return np.isin(np.arange(count), seen)


def test_pai_and_pei_by_hand() -> None:
    """Ten incidents on four cells of 10 m: the second holds 3 on a quarter of the street, so PAI 0.3 / 0.25; the best cell holds 6, so PEI* 3 / 6."""
    town = ground([10, 10, 10, 10], [6, 3, 1, 0])
    second, first_two, all_of_it, nothing = (score(town, flags(4, *seen)) for seen in ((1,), (0, 1), (0, 1, 2, 3), ()))
    assert (second.captured, second.share, second.length_share, second.pai, second.pei) == (3, 0.3, 0.25, pytest.approx(1.2), 0.5)
    assert (first_two.pai, first_two.pei) == (pytest.approx(1.8), 1.0)
    assert (all_of_it.pai, all_of_it.pei) == (1.0, 1.0)
    assert (nothing.captured, nothing.pai, nothing.pei) == (0, 0.0, 0.0)


def test_the_best_of_a_length_goes_by_density() -> None:
    """Two incidents on 5 m come before three on 10 m; of the cell that no longer fits whole, the part that fits counts.

    Seen: 10 m with 3 incidents. Best of 10 m: the 5 m with 2, then half of the 10 m with 3, together 3.5.
    """
    assert score(ground([5, 10, 20], [2, 3, 0]), flags(3, 1)).pei == pytest.approx(3 / 3.5)


@given(st.lists(st.tuples(st.floats(1, 20), st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_no_choice_beats_the_best_of_its_length(rows: list[tuple[float, int, bool]]) -> None:
    """PEI* lies between 0 and 1, and PAI is share by length."""
    town = ground([row[0] for row in rows], [float(row[1]) for row in rows])
    if town.incidents:
        found = score(town, np.array([row[2] for row in rows]))
        assert 0 <= found.pei <= 1 + 1e-9
        assert found.pai * found.length_share == pytest.approx(found.share)


def test_incidents_lie_in_the_cell_of_their_street() -> None:
    """Each incident belongs to the cell nearest along its street; those far off, or outside the study area, are left out and counted."""
    city = toy_city(streets(("a", "b", line((0, 0), (40, 0)))), area=box(-50, -50, 30, 50))
    spots = [at(2, 3), at(9.9, -4), at(10.1, 1), at(29, 30), at(35, 0), at(5, 90)]
    laid = lay_ground(city, frame("incidents", spots, category="theft"), snap_m=40.0, cell_m=10.0)
    assert (laid.points_m - (EAST, NORTH)).tolist() == [[5, 0], [15, 0], [25, 0]]
    assert laid.length_m.tolist() == [10, 10, 10]
    assert laid.hits.tolist() == [2, 1, 1]
    assert (laid.incidents, laid.left_out) == (4, 2)


def test_tunnels_are_no_ground_and_nothing_to_catch_is_refused() -> None:
    """What runs in a tunnel is not judged; without a single incident on the streets there is nothing to judge by."""
    city = toy_city(cross(100.0, tunnel=[True, False, False, False]))
    assert lay_ground(city, frame("incidents", [at(-50, 2)], category="theft"), snap_m=40.0).length_m.sum() == pytest.approx(300)
    with pytest.raises(CityError) as caught:
        lay_ground(city, frame("incidents", [at(500, 500)], category="theft"), snap_m=40.0)
    assert caught.value.code == "backtest.incidents"


def test_ranks_and_sets_by_hand() -> None:
    """Spearman with ties at the middle rank; Jaccard counts what is in both of what is in either."""
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 30, 40])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([4.0, 3, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 2, 2]), np.array([1.0, 2, 3])) == pytest.approx(np.sqrt(3) / 2)
    assert spearman(np.array([5.0, 5]), np.array([7.0, 7])) == 1.0
    assert np.isnan(spearman(np.array([5.0, 5]), np.array([7.0, 8])))
    assert jaccard(np.array([1, 2, 3]), np.array([2, 3, 4, 5])) == 0.4
    assert jaccard(np.array([], dtype=np.int64), np.array([], dtype=np.int64)) == 1.0
