"""Likely routes on streets drawn by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy import sparse

from planning.city import City
from planning.errors import CityError, InputError
from planning.figures import Figures
from planning.movement import Routes, find_clusters, find_gateways, interception, likely_routes, load_movement_figures
from tests.planning.toy_streets import EAST, NORTH, at, box, cross, line, shuffled, streets, toy_city

FIGURES = load_movement_figures().replaced(exit_residential=1, gather_m=40, step_m=10, clusters=3)


def crossing(arm_m: float = 100.0) -> City:
    """A cross of residential streets whose arms end at the edge of the study area."""
    return toy_city(cross(arm_m), area=box(-arm_m, -arm_m, arm_m, arm_m))


def routes_of(city: City, *points: tuple[float, float], figures: Figures = FIGURES) -> Routes:
    """Routes from points of weight 1."""
    return likely_routes(city, np.array([at(x, y) for x, y in points]), np.ones(len(points)), figures=figures)


def test_a_cluster_leaves_by_every_arm() -> None:
    """From 60 m out on the east arm: 40 m to the east end and 160 m to the three others, at 20 km/h; the nearer way out is likelier."""
    routes = routes_of(crossing(), (60, 0))
    assert len(routes) == 4
    assert len(routes.clusters) == 1
    assert abs(routes.clusters.xy[0] - (EAST + 60, NORTH)).max() <= 12.5
    at_m = 100 - (routes.clusters.xy[0, 0] - EAST)
    metres = np.sort(np.asarray(routes.flows.sum(axis=1)).ravel())
    assert metres == pytest.approx([at_m, 200 - at_m, 200 - at_m, 200 - at_m])
    assert np.sort(routes.minutes) == pytest.approx(metres / (20_000 / 60))
    assert routes.weight.sum() == pytest.approx(1)
    assert routes.weight[np.argmin(routes.minutes)] == routes.weight.max()
    expected = np.exp(-routes.minutes / 10)
    assert routes.weight == pytest.approx(expected / expected.sum())


def test_headings_are_the_way_driven() -> None:
    """On the east arm the route out east drives east (90), those through the crossing west (270); on the north arm all drive north."""
    routes = routes_of(crossing(), (60, 0))
    xy = routes.place_xy - (EAST, NORTH)
    east, north = (xy[:, 0] > 1), (xy[:, 1] > 1)
    assert set(np.round(routes.heading_deg[east])) == {90.0, 270.0}
    assert set(np.round(routes.heading_deg[north]) % 360) == {0.0}
    out_east = routes.gateways.xy[routes.exit][:, 0] > EAST + 99
    passed = routes.passes[np.flatnonzero(out_east)].indices
    assert set(np.round(routes.heading_deg[passed])) == {90.0}
    assert (xy[passed, 0] >= routes.clusters.xy[0, 0] - EAST).all()


def test_the_quicker_road_is_taken_not_the_shorter() -> None:
    """From west to east by 200 m of lane or 260 m of primary road: the primary road, at more than twice the speed."""
    roads = streets(("w", "a", line((-120, 0), (-100, 0))), ("b", "e", line((100, 0), (120, 0))), ("a", "b", line((-100, 0), (100, 0))))
    fast = streets(("a", "b", line((-100, 0), (-100, 30), (100, 30), (100, 0))), road_class="primary")
    fast.index = ["fast"]
    city = toy_city(shapely_concat(roads, fast), area=box(-120, -100, 120, 100))
    routes = routes_of(city, (-115, 0))
    far = int(np.argmax(routes.minutes))
    used = set(routes.roads.index[routes.flows[far].indices])
    assert used == {"r1", "fast", "r2"}
    slow = routes_of(city, (-115, 0), figures=FIGURES.replaced(speed_primary=20))
    assert "r3" in set(slow.roads.index[slow.flows[int(np.argmax(slow.minutes))].indices])


def shapely_concat(*frames: object) -> object:
    """Roads of several classes as one frame."""
    import geopandas as gpd
    import pandas as pd

    return gpd.GeoDataFrame(pd.concat(frames), crs=frames[0].crs)  # type: ignore[attr-defined, call-overload]


def test_a_closed_road_is_not_driven() -> None:
    """With footways closed to vehicles a cluster beyond one gathers at the nearest street that is open, and no route uses the footway."""
    lanes = streets(("j0", "x", line((0, 0), (-70, -70))), road_class="footway")
    lanes.index = ["foot"]
    city = toy_city(shapely_concat(cross(100.0), lanes), area=box(-100, -100, 100, 100))
    routes = routes_of(city, (-60, -62))
    assert routes.edge_weight[routes.roads.index.get_loc("foot")] == 0
    assert len(routes)


def test_gateways_cross_or_end_at_the_edge() -> None:
    """A road through the edge has its gateway where it crosses, one that ends 20 m inside where it ends; weightless classes and far ends are none."""
    roads = shapely_concat(
        streets(("a", "b", line((0, 0), (300, 0)))), streets(("a", "c", line((0, 0), (0, 80))), road_class="primary"),
        streets(("a", "d", line((0, 0), (-60, 0)))), streets(("a", "f", line((0, 0), (0, -100))), road_class="service"),
    )  # fmt: skip
    roads.index = ["r1", "r2", "r3", "r4"]  # type: ignore[attr-defined]
    city = toy_city(roads, area=box(-100, -100, 100, 100))
    gates = find_gateways(city, city["roads"].sort_index(), FIGURES)
    assert sorted(map(tuple, (gates.xy - (EAST, NORTH)).round(6))) == [(0.0, 80.0), (100.0, 0.0)]
    assert sorted(gates.weight) == [1.0, 4.0]
    near = find_gateways(city, city["roads"].sort_index(), FIGURES.replaced(exit_apart_m=200))
    assert near.weight.tolist() == [4.0]


def test_clusters_are_set_aside_one_by_one() -> None:
    """Three incidents together on the west arm outweigh one on the north; each stands once, and together they hold all the weight there is."""
    city = crossing()
    points = np.array([at(-70, 2), at(-72, -2), at(-68, 0), at(1, 80)])
    found = find_clusters(city["roads"].sort_index(), points, np.ones(4), FIGURES)
    assert found.weight.tolist() == [3.0, 1.0]
    assert abs(found.xy[0] - (EAST - 70, NORTH)).max() <= 12.5
    assert abs(found.xy[1] - (EAST, NORTH + 80)).max() <= 12.5


def test_a_route_is_read_where_any_of_its_places_is() -> None:
    """A pose that reads northbound places of the north arm meets the north route alone; one by the cluster meets the three through the middle."""
    routes = routes_of(crossing(), (60, 0))
    xy = routes.place_xy - (EAST, NORTH)
    north = (xy[:, 1] > 50) & (np.round(routes.heading_deg) % 360 == 0)
    west = (np.abs(xy[:, 0] - 30) < 6) & (np.round(routes.heading_deg) == 270)
    south_driven_north = (xy[:, 1] < -50) & (np.round(routes.heading_deg) % 360 == 0)
    reads = sparse.csr_matrix(np.array([north, west, south_driven_north]))
    met = interception(reads, routes)
    to_north = routes.gateways.xy[routes.exit][:, 1] > NORTH + 99
    to_east = routes.gateways.xy[routes.exit][:, 0] > EAST + 99
    assert met.toarray().tolist() == [to_north.tolist(), (~to_east).tolist(), [False] * 4]
    assert met.dtype == bool
    assert routes.share(interception(reads[[0]], routes)) == pytest.approx(float(routes.weight[to_north].sum()))
    assert routes.share(interception(reads, routes)) == pytest.approx(float(routes.weight[~to_east].sum()))
    assert routes.share(interception(reads[[2]], routes)) == 0.0


def test_routes_are_lines_from_cluster_to_gateway() -> None:
    """Each line begins at its cluster, ends at its gateway and is as long as its stretches."""
    routes = routes_of(crossing(), (60, 0), (-5, 70))
    lines = routes.lines()
    first, last = (shapely.get_coordinates(shapely.get_point(lines.geometry.to_numpy(), k)) for k in (0, -1))
    assert first == pytest.approx(routes.clusters.xy[routes.start])
    assert last == pytest.approx(routes.gateways.xy[routes.exit])
    assert lines.length.to_numpy() == pytest.approx(np.asarray(routes.flows.sum(axis=1)).ravel())


def test_the_order_of_rows_does_not_matter() -> None:
    """Streets and points in another order give the same routes and weights."""
    city, points = crossing(), np.array([at(60, 0), at(-3, 70), at(-80, 2)])
    one = likely_routes(city, points, np.array([3.0, 2.0, 1.0]), figures=FIGURES)
    other = likely_routes(shuffled(city), points[::-1], np.array([1.0, 2.0, 3.0]), figures=FIGURES)
    assert one.lines().equals(other.lines())
    assert (one.passes != other.passes).nnz == 0


def test_what_cannot_be_routed_is_refused() -> None:
    """No way out, no weight, negative or missing weights, and a cluster on an island are refused by code."""
    inside = toy_city(cross(100.0))
    with pytest.raises(CityError) as refused:
        routes_of(inside, (60, 0))
    assert refused.value.code == "movement.gateways"
    for weight in ([0.0], [-1.0], [np.nan], [1.0, 2.0]):
        with pytest.raises(InputError) as caught:
            likely_routes(crossing(), np.array([at(60, 0)]), np.array(weight), figures=FIGURES)
        assert caught.value.code == "movement.weight"
    island = toy_city(
        shapely_concat(streets(("x", "y", line((-50, 50), (-40, 50)))), streets(("a", "b", line((0, 0), (100, 0))), road_class="primary")),  # type: ignore[arg-type]
        area=box(-100, -100, 100, 100),
    )  # fmt: skip
    island["roads"].index = ["r1", "r2"]
    with pytest.raises(CityError) as lost:
        routes_of(island, (-45, 50))
    assert lost.value.code == "movement.reach"


def test_the_file_holds_what_is_wanted(tmp_path: Path) -> None:
    """Plate angles are those of the published source and told as such; everything else is an assumption."""
    figures = load_movement_figures()
    assert (figures["plate_vertical_deg"], figures["plate_horizontal_deg"]) == (30, 20)
    assert {key for key, figure in figures.figures.items() if not figure.assumed} == {"plate_vertical_deg", "plate_horizontal_deg"}
