"""The network that joins poles to the command centre: hand-worked streets, sums to the rupee, and the verifier's own look."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.grid import Grid, lay_grid, poles_of, storage_tb
from optimizer.lines import Poles, load_grid_figures
from optimizer.verify_grid import grid_faults
from planning.catalogue import load_models, load_prices
from planning.city import City
from planning.errors import CityError, InputError
from planning.nouns import Plan
from tests.planning.toy_streets import EAST, NORTH, at, box, busy_city, cross, frame, line, shuffled, streets, toy_city
from tests.town import copy_of, on_hills

PRICES = load_prices()
PER_M, END, RADIO = PRICES["fibre_per_m"], PRICES["fibre_base"], PRICES["radio_link"]
NO_RADIO = load_grid_figures().replaced(wireless_range_m=0)
CENTRE = (EAST, NORTH + 5)


def poles(*places: tuple[float, float], height_m: float = 6.0, mbps: float = 8.0) -> Poles:
    """Poles at places of the toy's own metres, two cameras each."""
    n = len(places)
    xy = np.array([(EAST + x, NORTH + y) for x, y in places], dtype=np.float64).reshape(-1, 2)
    return Poles(tuple(f"p{k}" for k in range(n)), xy, np.full(n, height_m), np.full(n, mbps), np.full(n, 2))


def lay(city: City, at_poles: Poles, **options: object) -> Grid:
    """A grid with the centre on the north arm, 5 m from the crossing, and no radio, unless said otherwise; looked over by the verifier."""
    given_ = {"figures": NO_RADIO, "centre_m": CENTRE, **options}
    grid = lay_grid(city, at_poles, **given_)  # type: ignore[arg-type]
    assert grid_faults(grid, city, at_poles, given_["figures"]) == []  # type: ignore[arg-type]
    return grid


def test_two_poles_on_one_arm_share_the_line() -> None:
    """Poles 4 m off the east arm at 30 and 80 m: 80 m of fibre from the crossing and 5 m to the centre,
    three ends, two stubs of 4 m; the first 35 m are shared."""
    grid = lay(toy_city(cross()), poles((30, 4), (80, -4)))
    assert grid.cost_inr == 85 * PER_M + (4 + 4) * PER_M + 3 * END == grid.bound_inr
    shared = 35 * PER_M + END
    assert grid.shares_inr == {"p0": shared // 2 + shared % 2 + 4 * PER_M + END, "p1": shared // 2 + 50 * PER_M + 4 * PER_M + END}
    assert grid.totals["fibre"] == (3, pytest.approx(85), 85 * PER_M)
    assert grid.totals["stub"] == (3, pytest.approx(8), 8 * PER_M + 3 * END)
    load = grid.segments.set_index(["from_node", "to_node"])["load_mbps"]
    assert sorted(load.round(6)) == [8.0, 8.0, 8.0, 16.0, 16.0, 16.0]
    assert set(grid.segments["road"]) == {"r1", "r2", ""}
    assert (grid.segments["cameras"] * 4.0 == grid.segments["load_mbps"]).all()
    assert (grid.load_mbps, grid.gap) == (16.0, 0.0)


def test_the_bill_adds_up_to_the_rupee() -> None:
    """Every line is quantity times rate in whole numbers, and the lines sum to the cost."""
    grid = lay(toy_city(cross()), poles((30.3, 4.4), (80.7, -4.9), (-51.2, 3.3), (2.6, -77.7)))
    assert [(row.head, row.rate_inr) for row in grid.bill] == [("fibre_per_m", PER_M), ("fibre_base", END)]
    assert all(row.amount_inr == row.quantity * row.rate_inr for row in grid.bill)
    assert sum(row.amount_inr for row in grid.bill) == grid.cost_inr == int(grid.segments["cost_inr"].sum()) == sum(grid.shares_inr.values())


def test_a_street_in_pieces_is_billed_as_a_whole() -> None:
    """A street cut at 36 poles is billed for its own length, not for 36 roundings."""
    places = [(5.0 + 2.4 * k, 3.0) for k in range(36)]
    grid = lay(toy_city(cross()), poles(*places))
    assert int(grid.segments.loc[grid.segments["kind"] == "fibre", "metres"].sum()) == round(places[-1][0]) + 5


def test_existing_cameras_are_free_places_to_end() -> None:
    """A pole by an existing camera pays two stubs with their ends and nothing to the far centre; switched off, cameras must be joined themselves."""
    cameras = frame("cameras", [at(90, 4)], kind=["fixed"], junction="J", height_m=6.0, source="toy")
    city = toy_city(cross(), cameras=cameras)
    grid = lay(city, poles((80, 4)))
    assert grid.cost_inr == 10 * PER_M + 8 * PER_M + 2 * END
    assert grid.totals["existing"] == (1, pytest.approx(np.hypot(90, 1)), 0)
    assert any("existing cameras are on the command centre's network" in note for note in grid.notes)
    assert any("is to carry 8 Mbit/s more" in note for note in grid.notes)
    apart = lay(city, poles((80, 4)), figures=NO_RADIO.replaced(existing_joined=0))
    assert apart.cost_inr == 90 * PER_M + 13 * PER_M + 3 * END
    assert "existing" not in apart.totals
    assert sum(apart.shares_inr.values()) == apart.cost_inr
    unnamed = toy_city(cross(), cameras=frame("cameras", [at(90, 4)], kind=["fixed"], source="toy"))
    assert lay(unnamed, poles((80, 4))).cost_inr == 80 * PER_M + 9 * PER_M + 2 * END


def two_streets(far_m: float = 1000.0) -> City:
    """Two parallel streets 60 m apart that meet only far away."""
    roads = streets(("a", "b", line((0, 0), (far_m, 0))), ("b", "c", line((far_m, 0), (far_m, 60))), ("c", "d", line((far_m, 60), (0, 60))))
    return toy_city(roads, area=box(-100, -100, far_m + 20, 200))


def test_a_radio_link_replaces_a_long_line_where_there_is_sight() -> None:
    """Across to the other street radio is cheaper than 1,060 m of fibre; a house higher than both masts forbids it, a lower one does not."""
    city, radio = two_streets(), load_grid_figures()
    grid = lay(city, poles((30, 3), (30, 57)), figures=radio)
    assert grid.totals["wireless"][0] == 1
    assert grid.cost_inr < 1060 * PER_M
    assert [row.quantity for row in grid.bill if row.head == "radio_link"] == [1]
    for height, hops in ((20.0, 0), (4.0, 1)):
        block = frame("buildings", [box(-80, 20, 900, 40)], height_m=height, height_source="made")
        laid = lay(copy_of(city, buildings=block), poles((30, 3), (30, 57)), figures=radio.replaced(centre_mast_m=6))
        assert laid.totals.get("wireless", (0,))[0] == hops, height
    near = lay(city, poles((30, 3), (30, 57)), figures=radio.replaced(wireless_range_m=50))
    assert "wireless" not in near.totals


def test_a_hill_between_the_masts_forbids_radio(tmp_path: Path) -> None:
    """A ridge of 20 m between the streets blocks the link that level ground and a slope allow; a false link over it is found."""
    city, radio, where = two_streets(470), load_grid_figures().replaced(centre_mast_m=6), poles((30, 3), (30, 57))
    slope = on_hills(city, tmp_path / "slope", lambda x, y: 0.1 * y)
    ridge = on_hills(city, tmp_path / "ridge", lambda x, y: np.maximum(20.0 - np.abs(y - 30), 0.0))
    assert lay(slope, where, figures=radio).totals["wireless"][0] == 1
    assert "wireless" not in lay(ridge, where, figures=radio).totals
    faults = grid_faults(lay(city, where, figures=radio), ridge, where, radio)
    assert [fault.what for fault in faults if "blocked by the ground" in fault.what]


def test_a_street_cut_off_gets_a_link_that_is_marked() -> None:
    """A pole on a street that joins no other is joined by a radio link whose sight is not proven, and this is told."""
    roads = streets(("a", "b", line((-300, 0), (300, 0))), ("x", "y", line((0, 700), (50, 700))))
    grid = lay(toy_city(roads), poles((20, 4), (25, 704)))
    hop = grid.segments[grid.segments["kind"] == "wireless"]
    assert hop["seen"].tolist() == [False]
    assert hop["to_node"].tolist() == ["p1"]
    assert any("not proven" in note for note in grid.notes)


def test_links_that_carry_too_much_are_told() -> None:
    """Three poles of 400 Mbit/s on one arm exceed a gigabit on what they share; the existing network's room is not judged."""
    grid = lay(toy_city(cross()), poles((30, 4), (50, 4), (80, 4), mbps=400.0))
    over = grid.segments[grid.segments["over"]]
    assert over["load_mbps"].tolist() == [1200.0, 1200.0, 1200.0]
    assert any("2 fibre links carry more than their 1000 Mbit/s, at most 1200" in note for note in grid.notes)


def test_storage_is_that_of_the_published_figure() -> None:
    """4 Mbit/s is 1.30 TB a camera for 30 days, and 523 cameras are 678 TB."""
    assert storage_tb(4, 30) == pytest.approx(1.296)
    assert round(storage_tb(4 * 523, 30)) == 678
    grid = lay(toy_city(cross()), poles((30, 4), mbps=4.0), figures=NO_RADIO.replaced(retention_days=15))
    assert grid.storage_tb == pytest.approx(1.296 / 2)


def test_without_a_given_centre_one_is_assumed_and_told() -> None:
    """The police station nearest to the standing cameras' middle; without any, the study area's centre."""
    police = frame("places", [at(-90, 3), at(95, 3)], kind=["police", "police"])
    city = toy_city(cross(), places=police, cameras=frame("cameras", [at(60, 4)], kind=["fixed"], junction="J", source="toy"))
    grid = lay(city, poles((30, 4)), centre_m=None)
    assert grid.centre_m == (EAST + 95, NORTH + 3)
    assert any(note.startswith("Assumed: the command centre stands at the police station") for note in grid.notes)
    assert lay(toy_city(cross()), poles((30, 4)), centre_m=None).centre_m == pytest.approx((EAST, NORTH))


def test_no_poles_need_no_line() -> None:
    """A plan without cameras has an empty grid that costs nothing."""
    grid = lay(toy_city(cross()), poles())
    assert (grid.cost_inr, len(grid.segments), grid.bill, grid.storage_tb) == (0, 0, (), 0.0)


def test_what_cannot_be_laid_is_refused() -> None:
    """No street, a centre that is no place, poles twice or of broken numbers are refused by code."""
    for centre in ((np.nan, 0.0), (1.0, 2.0, 3.0)):
        with pytest.raises(InputError) as nowhere:
            lay_grid(toy_city(cross()), poles((30, 4)), centre_m=centre)  # type: ignore[arg-type]
        assert nowhere.value.code == "grid.centre"
    with pytest.raises(CityError) as caught:
        lay_grid(toy_city(cross(tunnel=True)), poles((30, 4)))
    assert caught.value.code == "grid.streets"
    good = poles((30, 4), (40, 4))
    for change in ({"ids": ("a", "a")}, {"mbps": np.array([1.0, np.nan])}, {"cameras": np.array([1])}, {"xy": np.zeros((2, 3))}):
        with pytest.raises(InputError) as refused:
            dataclasses.replace(good, **change)  # type: ignore[arg-type]
        assert refused.value.code == "grid.poles"


def test_the_order_of_rows_does_not_matter() -> None:
    """Layers with their rows in another order have the same grid, and the city is not touched."""
    cameras = frame("cameras", [at(120, 4), at(-150, -4)], kind=["fixed", "dome"], junction="J", height_m=6.0, source="toy")
    city = copy_of(busy_city(), cameras=cameras)
    digest, where = city.digest, poles((60, 5), (150, -5), (204, 120), (-80, 4), (4, -90))
    one, other = lay(city, where, figures=load_grid_figures(), centre_m=None), lay(shuffled(city), where, figures=load_grid_figures(), centre_m=None)
    assert one.segments.equals(other.segments)
    assert one.shares_inr == other.shares_inr
    assert copy_of(city).digest == digest


def test_the_verifier_sees_what_is_wrong() -> None:
    """A missing line, a wrong cost, a line moved off its street and a false sum are each found."""
    city, where = toy_city(cross()), poles((30, 4), (80, -4))
    grid = lay(city, where)
    cheaper, moved = grid.segments.copy(), grid.segments.copy()
    cheaper.loc["g1", "cost_inr"] -= 1
    fibre = moved["kind"] == "fibre"
    moved.loc[fibre, "geometry"] = [shapely.transform(shape, lambda xy: xy + 3) for shape in moved.geometry[fibre]]
    for change, said in (
        ({"segments": grid.segments.iloc[1:]}, "not joined"), ({"segments": cheaper}, "costs otherwise"), ({"segments": moved}, "does not run along"),
        ({"cost_inr": grid.cost_inr - 1}, "cost differs"), ({"shares_inr": {"p0": grid.cost_inr, "p1": 1}}, "do not add up"),
        ({"bound_inr": grid.cost_inr + 1}, "bound"),
    ):  # fmt: skip
        faults = grid_faults(dataclasses.replace(grid, **change), city, where, NO_RADIO)  # type: ignore[arg-type]
        assert any(said in fault.what for fault in faults), said
        assert {fault.code for fault in faults} == {"verify.grid"}


def test_a_plan_s_poles(plan: Plan) -> None:
    """A site is as high as its highest camera and sends what all its cameras send."""
    found, models = poles_of(plan), load_models()
    assert list(found.ids) == [site.id for site in plan.sites]
    assert found.cameras.sum() == len(plan.cameras)
    assert found.mbps.sum() == pytest.approx(sum(models[camera.model].stream_mbps for camera in plan.cameras))
    assert set(found.height_m) == {6.0}


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(-95, 95), st.floats(-95, 95)), min_size=1, max_size=7, unique=True))
def test_any_poles_make_one_tree_that_adds_up(places: list[tuple[float, float]]) -> None:
    """Wherever poles stand the verifier agrees, and the grid costs no more than a line of its own for each."""
    city = toy_city(cross())
    grid = lay(city, poles(*places), figures=load_grid_figures())
    alone = sum(lay(city, poles(place), figures=load_grid_figures()).cost_inr for place in places)
    # Whole metres are taken piece by piece: a shared line may differ by one a piece from the same line alone.
    assert grid.bound_inr <= grid.cost_inr <= alone + PER_M * len(places)
    assert grid.load_mbps == 8.0 * len(places)
