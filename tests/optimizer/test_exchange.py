"""Trees made cheaper by exchanging parts, on graphs drawn by hand and at random."""

from __future__ import annotations

import numpy as np

from optimizer.exchange import drop_vertices, exchange_paths
from optimizer.steiner import Links, joins
from optimizer.trees import grown, pruned
from tests.optimizer.test_steiner import cheapest, links_of, random_links


def flags(n: int, *rows: int) -> np.ndarray:
    """A flag for each of n, set at these rows."""
    return np.isin(np.arange(n), rows)


def graph(links: Links) -> tuple[np.ndarray, ...]:
    """The arrays machine code takes."""
    return links.indptr, links.arcs, links.tail, links.head, links.cost


def test_a_key_path_gives_way_to_a_cheaper_one() -> None:
    """Two terminals joined over a third node for 10, with a way of 7 beside it: the way is taken, and 3 saved; a dearer one is not."""
    links = links_of(3, (0, 2, 5), (2, 1, 5), (0, 1, 7))
    tree = flags(3, 0, 1)
    assert exchange_paths(*graph(links), flags(3, 0, 1), tree) == 3
    assert tree.tolist() == [False, False, True]
    dear = links_of(3, (0, 2, 5), (2, 1, 5), (0, 1, 11))
    tree = flags(3, 0, 1)
    assert exchange_paths(*graph(dear), flags(3, 0, 1), tree) == 0
    assert tree.tolist() == [True, True, False]


def test_a_path_may_be_exchanged_for_one_of_several_edges_between_inner_nodes() -> None:
    """A long key path is replaced by a way from the middle of the other part, not only from its ends."""
    links = links_of(5, (0, 1, 1), (1, 2, 1), (2, 3, 9), (1, 4, 2), (4, 3, 3))
    tree = flags(5, 0, 1, 2)
    assert exchange_paths(*graph(links), flags(5, 0, 2, 3), tree) == 4
    assert tree.tolist() == [True, True, False, True, True]


def test_a_branching_that_does_not_pay_is_taken_out() -> None:
    """A star of three arms of 4 against two sides of 5: no arm alone can be exchanged, the branching as a whole can, and 2 are saved."""
    links = links_of(4, (0, 3, 4), (1, 3, 4), (2, 3, 4), (0, 1, 5), (1, 2, 5))
    tree = flags(5, 0, 1, 2)
    assert exchange_paths(*graph(links), flags(4, 0, 1, 2), tree) == 0
    assert drop_vertices(*graph(links), flags(4, 0, 1, 2), tree) == 2
    assert tree.tolist() == [False, False, False, True, True]


def test_pruning_leaves_the_least_tree_without_loose_ends() -> None:
    """Kept edges become the least tree over their nodes; ends that are no terminals fall off, one after the other."""
    links = links_of(5, (0, 1, 3), (1, 2, 1), (2, 0, 1), (2, 3, 2), (3, 4, 2))
    assert pruned(*graph(links), np.ones(5, dtype=bool), flags(5, 0, 1)).tolist() == [False, True, True, False, False]


def test_what_is_said_to_be_saved_is_saved() -> None:
    """On random graphs each step saves what it says, leaves a tree that joins the terminals, and never goes below the cheapest."""
    steps = 0
    for seed in range(200):
        links, terminals = random_links(seed)
        terminal = flags(links.n_nodes, *map(int, terminals))
        rng = np.random.default_rng(seed)
        dear = rng.integers(0, 12, len(links.cost))
        keep, left = grown(*graph(links)[:4], dear, np.ones(len(dear), dtype=bool), terminal, int(terminals[0]))
        assert left == 0
        tree = pruned(*graph(links)[:4], dear, keep, terminal)
        for step in (exchange_paths, drop_vertices):
            before = int(links.cost[tree].sum())
            saved = step(*graph(links), terminal, tree)
            assert before - int(links.cost[pruned(*graph(links), tree, terminal)].sum()) >= saved >= 0, seed
            assert joins(links, np.flatnonzero(pruned(*graph(links), tree, terminal)), terminals), seed
            steps += saved > 0
        assert int(links.cost[tree].sum()) >= cheapest(links, terminals)
    assert steps > 50
