from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.errors import InputError
from planning.network import StreetGraph, cut_cells, distance_to_nearest, kernel_mass, main_part, snap, street_graph
from tests.planning.toy_streets import at, cross, line, streets


def places(*pairs: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Edges and positions of pairs."""
    return np.array([edge for edge, _ in pairs], np.int64), np.array([position for _, position in pairs], np.float64)


def spread(graph: StreetGraph, *pairs: tuple[int, float], h: float = 100.0, kernel: str = "triangular", step: float = 10.0) -> list[np.ndarray]:
    """Mass a cell, one array an edge."""
    cells = cut_cells(graph.length_m, step)
    edge, position = places(*pairs)
    mass = kernel_mass(graph, edge, position, np.ones(len(pairs)), cells, bandwidth_m=h, kernel=kernel)
    return np.split(mass, np.cumsum(cells)[:-1])


def test_line_triangular() -> None:
    """On a long line the triangular kernel lays, in each cell, the trapezium above it: worked by hand for cells of 25 m and a reach of 100 m."""
    graph = street_graph(streets(("a", "b", line((0, 0), (400, 0)))))
    (mass,) = spread(graph, (0, 200.0), step=25.0)
    # The integral of (1 - u) over u from a to b is (b - a) - (b2 - a2)/2: 7/32, 5/32, 3/32, 1/32 on each side.
    expected = np.array([0, 0, 0, 0, 1, 3, 5, 7, 7, 5, 3, 1, 0, 0, 0, 0]) / 32
    np.testing.assert_allclose(mass, expected, atol=1e-12)


def test_line_quartic() -> None:
    """The quartic kernel lays half its mass within u = u0 where 15/8 (u0 - 2 u03/3 + u05/5) = 1/2; one whole side is a half."""
    graph = street_graph(streets(("a", "b", line((0, 0), (400, 0)))))
    (mass,) = spread(graph, (0, 200.0), step=50.0, kernel="quartic")
    u = 0.5
    inner = 15 / 16 * (u - 2 * u**3 / 3 + u**5 / 5)
    np.testing.assert_allclose(mass, [0, 0, 0.5 - inner, inner, inner, 0.5 - inner, 0, 0], atol=1e-12)


def test_t_junction_splits_equally() -> None:
    """Where three ends meet, each of the two others carries on with half of what arrives."""
    roads = streets(("a", "t", line((0, 0), (100, 0))), ("t", "b", line((100, 0), (200, 0))), ("t", "c", line((100, 0), (100, 100))))
    own, ahead, side = spread(street_graph(roads), (0, 50.0), step=25.0)
    # 50 m from the junction, u runs on from 1/2: what is left of the half is 1/8, and it goes 1/16 to each arm.
    np.testing.assert_allclose(ahead, [3 / 64, 1 / 64, 0, 0], atol=1e-12)
    np.testing.assert_allclose(side, ahead, atol=1e-12)
    # The other way lies a dead end 50 m off, which sends its 1/8 back over the same cells.
    np.testing.assert_allclose(own, [5 / 32 + 3 / 32, 7 / 32 + 1 / 32, 7 / 32, 5 / 32], atol=1e-12)


def test_source_at_junction_is_alike_on_every_arm() -> None:
    """A source at a junction of four spreads a quarter along each arm, whichever arm it is snapped to, and within half a metre of it."""
    graph = street_graph(cross(100.0))
    for edge in range(4):
        for position in (100.0, 99.7):
            for arm in spread(graph, (edge, position), step=25.0):
                np.testing.assert_allclose(arm[::-1], np.array([7, 5, 3, 1]) / 64, atol=1e-12)


def test_degree_two_passes_whole() -> None:
    """A node where only two ends meet changes nothing: a street in two pieces is spread over like one, whichever way the pieces are drawn."""
    (whole,) = spread(street_graph(streets(("a", "c", line((0, 0), (200, 0))))), (0, 70.0))
    first, second = spread(street_graph(streets(("a", "b", line((0, 0), (100, 0))), ("c", "b", line((200, 0), (100, 0))))), (0, 70.0))
    np.testing.assert_allclose(np.concatenate([first, second[::-1]]), whole, atol=1e-12)


def test_dead_end_sends_back() -> None:
    """A source at a dead end lays all its mass on the one street."""
    mass, far = spread(street_graph(streets(("a", "b", line((0, 0), (100, 0))), ("c", "d", line((0, 50), (100, 50))))), (0, 0.0), step=25.0)
    np.testing.assert_allclose(mass, np.array([7, 5, 3, 1]) / 16, atol=1e-12)
    assert far.sum() == 0


def test_density_does_not_cross_roofs() -> None:
    """A parallel street 5 m away that no street joins gets nothing."""
    graph = street_graph(streets(("a", "b", line((0, 0), (300, 0))), ("c", "d", line((0, 5), (300, 5)))))
    assert spread(graph, (0, 150.0))[1].sum() == 0


@st.composite
def networks(draw: st.DrawFn) -> StreetGraph:
    """Any multigraph: loops, doubled edges, dead ends, parts that are not joined, very short edges."""
    count = draw(st.integers(1, 8))
    size = draw(st.integers(1, 12))
    rows = []
    for _ in range(size):
        a, b = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        length = draw(st.sampled_from([0.2, 3.0, 17.0, 40.0, 95.5, 180.0]))
        rows.append((f"n{a}", f"n{b}", line((0, 0), (length, 0))))
    return street_graph(streets(*rows))


@settings(max_examples=60)
@given(graph=networks(), data=st.data())
def test_mass_is_conserved(graph: StreetGraph, data: st.DataObject) -> None:
    """Whatever the network, what is laid down sums to the weights and is nowhere negative."""
    number = data.draw(st.integers(1, 5))
    edge = np.array([data.draw(st.integers(0, len(graph.length_m) - 1)) for _ in range(number)])
    position = np.array([data.draw(st.floats(0, 1)) for _ in range(number)]) * graph.length_m[edge]
    weight = np.array([data.draw(st.floats(0, 10)) for _ in range(number)])
    kernel = data.draw(st.sampled_from(["quartic", "triangular"]))
    cells = cut_cells(graph.length_m, data.draw(st.sampled_from([1.0, 10.0, 33.0])))
    mass = kernel_mass(graph, edge, position, weight, cells, bandwidth_m=data.draw(st.sampled_from([10.0, 60.0, 150.0])), kernel=kernel)
    assert mass.sum() == pytest.approx(weight.sum(), rel=1e-9, abs=1e-9)
    assert mass.min() >= -1e-12


def test_many_arms_outgrow_the_stack() -> None:
    """A junction with more arms than the walk has room for at first still gives each its equal part, from the junction and through it."""
    arms = 3000
    graph = street_graph(streets(*((f"t{k}", "hub", line((0, 0), (50, 0))) for k in range(arms))))
    at_hub = np.array([arm.sum() for arm in spread(graph, (0, 50.0), h=40.0)])
    np.testing.assert_allclose(at_hub, 1 / arms, rtol=1e-9)
    through = np.array([arm.sum() for arm in spread(graph, (0, 30.0), h=40.0)])
    assert through.sum() == pytest.approx(1.0)
    two = street_graph(streets(*((f"t{k}", "hub", line((0, 0), (5, 0))) for k in range(1500))))
    assert sum(arm.sum() for arm in spread(two, (0, 2.0), h=7.0)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("more", "code"),
    [({"kernel": "gauss"}, "kernel.name"), ({"bandwidth_m": 0.0}, "kernel.bandwidth"), ({"bandwidth_m": float("nan")}, "kernel.bandwidth")],
)
def test_kernel_settings_are_checked(more: dict[str, object], code: str) -> None:
    """An unknown kernel and a bandwidth that is no length are refused."""
    graph = street_graph(cross())
    with pytest.raises(InputError) as error:
        kernel_mass(graph, *places((0, 1.0)), np.ones(1), cut_cells(graph.length_m, 10), **{"bandwidth_m": 50.0, **more})  # type: ignore[arg-type]
    assert error.value.code == code


@pytest.mark.parametrize(("edge", "weight"), [(-1, 1.0), (4, 1.0), (0, float("nan"))])
def test_sources_are_checked(edge: int, weight: float) -> None:
    """A source on no street, or with a weight that is no number, is refused rather than read out of bounds."""
    graph = street_graph(cross())
    with pytest.raises(InputError, match=r"kernel\.place"):
        kernel_mass(graph, *places((edge, 1.0)), np.array([weight]), cut_cells(graph.length_m, 10), bandwidth_m=50.0)


def test_cells_are_equal_and_near_the_step() -> None:
    """Each edge has at least one cell, and from one step on no cell is more than half longer or a third shorter than the step."""
    length = np.array([0.01, 3.0, 9.0, 14.9, 15.0, 24.0, 100.0, 104.9])
    cells = cut_cells(length, 10.0)
    assert cells.tolist() == [1, 1, 1, 1, 2, 2, 10, 10]
    assert np.all((length / cells)[2:] >= 20 / 3) and np.all(length / cells < 15)


def test_snap_takes_the_first_of_equals_and_honours_the_reach() -> None:
    """The nearest place on a street is found; nothing beyond the reach; of two equally near streets the first in order."""
    lines = streets(("a", "b", line((0, 0), (100, 0))), ("b", "c", line((100, 0), (100, 100)))).geometry.to_numpy()
    edge, position = snap(np.array([at(30, 5), at(107, 40), at(50, 61), at(103, -3)], dtype=object), lines, within_m=60.0)
    assert edge.tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(position, [30, 40, 61, 100], atol=1e-6)
    assert snap(np.array([at(0, 61)], dtype=object), lines, within_m=60.0)[0].tolist() == [-1]
    assert snap(np.zeros(0, object), lines)[0].shape == (0,)


def test_distance_goes_along_streets() -> None:
    """Distances follow the streets, stay on one street where that is shorter, and are infinite where no street leads."""
    roads = streets(
        ("a", "b", line((0, 0), (100, 0))), ("b", "c", line((100, 0), (100, 100))), ("a", "c", line((0, 0), (0, 100), (100, 100))),
        ("x", "y", line((500, 500), (600, 500))),
    )  # fmt: skip
    graph = street_graph(roads)
    targets = places((1, 50.0))
    distance = distance_to_nearest(graph, *places((0, 90.0), (1, 20.0), (2, 10.0), (2, 190.0), (3, 0.0), (-1, 0.0)), *targets)
    np.testing.assert_allclose(distance, [60, 30, 160, 60, np.inf, np.inf])
    assert distance_to_nearest(graph, *places((0, 90.0)), *targets, most_m=59.0)[0] == np.inf
    assert distance_to_nearest(graph, *places((0, 90.0)), *places((-1, 0.0)))[0] == np.inf


@settings(max_examples=40)
@given(graph=networks(), data=st.data())
def test_distance_agrees_with_a_plain_search(graph: StreetGraph, data: st.DataObject) -> None:
    """From every node the distance is that of a search written without regard for speed, with the targets put in as nodes of their own."""
    number = data.draw(st.integers(1, 3))
    on = np.array([data.draw(st.integers(0, len(graph.length_m) - 1)) for _ in range(number)])
    along = np.array([data.draw(st.floats(0, 1)) for _ in range(number)]) * graph.length_m[on]
    ways: dict[object, list[tuple[object, float]]] = {}
    for edge in range(len(graph.length_m)):
        stops: list[tuple[float, object]] = [(0.0, int(graph.tail[edge])), (float(graph.length_m[edge]), int(graph.head[edge]))]
        stops += [(float(position), ("target", k)) for k, position in enumerate(along) if on[k] == edge]
        stops.sort(key=lambda stop: stop[0])
        for (here, a), (there, b) in itertools.pairwise(stops):
            ways.setdefault(a, []).append((b, there - here))
            ways.setdefault(b, []).append((a, there - here))
    reached: dict[object, float] = {}
    ties = itertools.count()
    queue: list[tuple[float, int, object]] = [(0.0, next(ties), ("target", k)) for k in range(number)]
    while queue:
        gone, _, node = heapq.heappop(queue)
        if node in reached:
            continue
        reached[node] = gone
        for beyond, more in ways.get(node, []):
            heapq.heappush(queue, (gone + more, next(ties), beyond))
    edges = np.arange(len(graph.length_m))
    ours = distance_to_nearest(graph, edges, np.zeros(len(edges)), on, along)
    np.testing.assert_allclose(ours, [reached.get(int(graph.tail[edge]), np.inf) for edge in edges], atol=1e-9)


def test_main_part_has_the_most_street() -> None:
    """The main part is the connected one with the most metres, not with the most pieces."""
    roads = streets(
        ("a", "b", line((0, 0), (10, 0))), ("b", "c", line((10, 0), (20, 0))), ("c", "a", line((20, 0), (0, 0))), ("x", "y", line((0, 9), (90, 9)))
    )
    assert main_part(street_graph(roads)).tolist() == [False, False, False, True]


def test_graph_follows_labels() -> None:
    """Edges join where labels say, not where coordinates happen to touch."""
    roads = streets(("a", "b", line((0, 0), (100, 0))), ("c", "d", line((50, -50), (50, 50))))
    graph = street_graph(roads)
    assert graph.degree.tolist() == [1, 1, 1, 1]
    assert graph.labels.tolist() == ["a", "b", "c", "d"]
    assert shapely.length(roads.geometry.to_numpy()).tolist() == graph.length_m.tolist()
