"""Trees that join terminals, against every tree there is and against what is known of them."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.ascent import dual_ascent, useful
from optimizer.steiner import Links, Tree, joins, steiner_tree
from optimizer.trees import FAR, downstream
from planning.errors import InputError

Ints = npt.NDArray[np.int64]


def links_of(n_nodes: int, *edges: tuple[int, int, int]) -> Links:
    """A graph from rows of tail, head and cost."""
    table = np.array(edges, dtype=np.int64).reshape(-1, 3)
    return Links(n_nodes, table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())


def random_links(seed: int, n_nodes: int = 9) -> tuple[Links, Ints]:
    """A connected graph with some double and free edges, and terminals, one of them named twice."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_nodes)
    rows = [(int(order[k]), int(order[rng.integers(k)]), int(rng.integers(0, 12))) for k in range(1, n_nodes)]
    rows += [(int(a), int(b), int(rng.integers(0, 12))) for a, b in rng.integers(0, n_nodes, (int(rng.integers(0, 14)), 2))]
    picked = rng.choice(n_nodes, int(rng.integers(2, 6)), replace=False)
    return links_of(n_nodes, *rows), np.append(picked, picked[-1]).astype(np.int64)


def spanning(links: Links, nodes: set[int]) -> int | None:
    """The least cost of a tree over exactly these nodes; None where none spans them."""
    parent = {node: node for node in nodes}

    def top(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    total, left = 0, len(nodes) - 1
    for e in np.argsort(links.cost, kind="stable"):
        a, b = int(links.tail[e]), int(links.head[e])
        if a in nodes and b in nodes and top(a) != top(b):
            parent[top(a)] = top(b)
            total, left = total + int(links.cost[e]), left - 1
    return total if left == 0 else None


def cheapest(links: Links, terminals: Ints) -> int:
    """The cost of the cheapest tree, by trying every set of further nodes."""
    wanted = set(map(int, terminals))
    rest = sorted(set(range(links.n_nodes)) - wanted)
    sets = (set(more) | wanted for size in range(len(rest) + 1) for more in itertools.combinations(rest, size))
    return min(cost for nodes in sets if (cost := spanning(links, nodes)) is not None)


def closure_tree(links: Links, terminals: Ints) -> int:
    """The least tree over all pairs of terminals, each pair at the cost of its cheapest path: by Floyd and Warshall, and Prim."""
    n = links.n_nodes
    way = np.full((n, n), 10**9)
    np.fill_diagonal(way, 0)
    for a, b, cost in zip(links.tail, links.head, links.cost, strict=True):
        way[a, b] = way[b, a] = min(way[a, b], cost)
    for k in range(n):
        way = np.minimum(way, way[:, [k]] + way[[k]])
    left = list(dict.fromkeys(map(int, terminals)))
    inside, total = [left.pop()], 0
    while left:
        node = min(left, key=lambda t: min(way[t, i] for i in inside))
        total += int(min(way[node, i] for i in inside))
        inside.append(node)
        left.remove(node)
    return total


def test_it_is_never_dearer_than_twice_the_best_and_its_bound_holds() -> None:
    """On small graphs with every tree tried: bound <= best <= cost <= the closure's tree; nearly all are the best, and proven for most."""
    best_found = proven = 0
    for seed in range(300):
        links, terminals = random_links(seed)
        tree = steiner_tree(links, terminals, seed=seed)
        best = cheapest(links, terminals)
        assert tree.bound <= best <= tree.cost <= closure_tree(links, terminals), seed
        assert tree.cost == int(links.cost[tree.edges].sum())
        assert joins(links, tree.edges, terminals), seed
        best_found += tree.cost == best
        proven += tree.bound == tree.cost
    assert best_found >= 297
    assert proven >= 200


def test_three_roads_meet_in_the_middle() -> None:
    """Three corners 3 apart with a middle 2 from each: over the middle it costs 6, along two sides it would as well; at 5 apart only the middle."""
    sides = [(0, 1, 5), (1, 2, 5), (2, 0, 5)]
    tree = steiner_tree(links_of(4, *sides, (0, 3, 2), (1, 3, 2), (2, 3, 2)), np.array([0, 1, 2]))
    assert (tree.cost, tree.bound, tree.gap, tree.edges.tolist()) == (6, 6, 0.0, [3, 4, 5])


def test_a_grid_s_four_corners() -> None:
    """The corners of a lattice of 3 by 3 cells, each step 1: the cheapest tree is an H of nine steps."""
    at = {(x, y): 4 * y + x for x in range(4) for y in range(4)}
    rows = [(at[x, y], at[x + 1, y], 1) for x in range(3) for y in range(4)] + [(at[x, y], at[x, y + 1], 1) for x in range(4) for y in range(3)]
    tree = steiner_tree(links_of(16, *rows), np.array([at[0, 0], at[3, 0], at[0, 3], at[3, 3]]))
    assert tree.cost == 9
    assert tree.bound >= 8


def test_two_terminals_are_joined_by_the_shortest_path_with_proof() -> None:
    """With two terminals the tree is the shortest path, and dual ascent proves it."""
    for seed in range(40):
        links, _ = random_links(seed)
        tree = steiner_tree(links, np.array([0, 8]))
        assert tree.cost == tree.bound == closure_tree(links, np.array([0, 8]))


def test_all_nodes_as_terminals_is_the_least_spanning_tree() -> None:
    """Where every node is to be joined the answer is Kruskal's."""
    for seed in range(20):
        links, _ = random_links(seed)
        assert steiner_tree(links, np.arange(9)).cost == spanning(links, set(range(9)))


def test_one_terminal_or_free_edges_cost_nothing() -> None:
    """A single terminal needs no edge, one named twice neither; free edges join at no cost and with no edge to spare."""
    assert steiner_tree(links_of(2, (0, 1, 7)), np.array([1, 1])).edges.tolist() == []
    free = links_of(3, (0, 1, 0), (1, 2, 0), (2, 0, 0))
    tree = steiner_tree(free, np.array([0, 2]))
    assert (tree.cost, tree.bound, tree.gap) == (0, 0, 0.0)
    assert joins(free, tree.edges, np.array([0, 2]))


def test_equal_inputs_give_equal_trees() -> None:
    """The seed is all there is of chance; another numbering of the edges leaves bound and cost in order."""
    links, terminals = random_links(5, n_nodes=40)
    first, again = steiner_tree(links, terminals, seed=3), steiner_tree(links, terminals, seed=3)
    assert first.edges.tolist() == again.edges.tolist()
    turned = Links(links.n_nodes, links.head[::-1].copy(), links.tail[::-1].copy(), links.cost[::-1].copy())
    other = steiner_tree(turned, terminals, seed=3)
    assert first.bound <= other.cost
    assert other.bound <= first.cost


def test_what_cannot_be_is_refused() -> None:
    """Terminals that no path joins, none at all, and graphs of wrong numbers are refused by code."""
    apart = links_of(4, (0, 1, 1), (2, 3, 1))
    for terminals, code in (([0, 2], "steiner.cut"), ([], "steiner.terminals"), ([4], "steiner.terminals"), ([-1], "steiner.terminals")):
        with pytest.raises(InputError) as caught:
            steiner_tree(apart, np.array(terminals, dtype=np.int64))
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        Links(2, np.array([0, 5]), np.array([1]), np.array([-1.5]))
    assert [fault.code for fault in caught.value.faults].count("steiner.graph") >= 2


def test_edges_set_aside_are_in_no_cheaper_tree() -> None:
    """With the best cost plus one as the limit, every best tree's edges stay: the cheapest over what is left costs the same."""
    for seed in range(80):
        links, terminals = random_links(seed)
        best = cheapest(links, terminals)
        terminal = np.isin(np.arange(links.n_nodes), terminals)
        graph, every = (links.indptr, links.arcs, links.tail, links.head), np.ones(len(links.cost), dtype=bool)
        bound, slack = dual_ascent(*graph, links.cost, every, terminal, int(terminals[0]))
        assert (slack >= 0).all()
        left = useful(*graph, every, terminal, int(terminals[0]), slack, bound, best + 1)
        part = Links(links.n_nodes, links.tail[left], links.head[left], links.cost[left])
        assert cheapest(part, terminals) == best


def test_dual_ascent_says_where_nothing_joins() -> None:
    """With the only bridge set aside the bound is beyond all costs."""
    links = links_of(3, (0, 1, 4), (1, 2, 6))
    terminal, graph = np.array([True, False, True]), (links.indptr, links.arcs, links.tail, links.head)
    assert dual_ascent(*graph, links.cost, np.array([True, True]), terminal, 0)[0] == 10
    assert dual_ascent(*graph, links.cost, np.array([True, False]), terminal, 0)[0] == FAR


def test_what_hangs_on_each_edge() -> None:
    """Loads add up toward the root; edges outside the tree carry nothing."""
    links = links_of(5, (0, 1, 1), (2, 1, 1), (1, 3, 1), (3, 4, 1), (0, 4, 1))
    load, beyond = downstream(
        links.indptr, links.arcs, links.tail, links.head, np.array([True, True, True, False, False]), 0, np.array([5.0, 1.0, 2.0, 4.0, 9.0])
    )
    assert load.tolist() == [7.0, 2.0, 4.0, 0.0, 0.0]
    assert beyond.tolist() == [1, 2, 3, -1, -1]


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 50))
def test_it_scales_with_its_costs(seed: int, times: int) -> None:
    """Costs times a whole number: the bound still holds below the cost, and the cost stays between the same limits."""
    links, terminals = random_links(seed, n_nodes=8)
    scaled = Links(links.n_nodes, links.tail, links.head, links.cost * times)
    one, many = steiner_tree(links, terminals), steiner_tree(scaled, terminals)
    assert isinstance(many, Tree)
    assert many.bound <= one.cost * times
    assert one.bound * times <= many.cost
