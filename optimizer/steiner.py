"""The cheapest tree that joins given nodes of a graph, with a proof of how good it is.

    bound <= cheapest tree there is <= cost

A tree by Mehlhorn's 2-approximation, one grown where dual ascent left no slack, each improved by exchanging key paths and taking branchings out, and
a bound by dual ascent from several roots. Between rounds every edge that no cheaper tree can hold is set aside, which sharpens both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from optimizer.ascent import dual_ascent, useful
from optimizer.exchange import drop_vertices, exchange_paths
from optimizer.trees import FAR, bridged, find, grown, pruned, spread
from planning.errors import Fault, InputError
from planning.jit import jit

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 8
_SWEEPS = 20  # of local search; each one ends it as soon as it saves nothing
_MOST = 10**15  # of all costs together, far below where sums of whole numbers would wrap


@dataclass(frozen=True, eq=False)
class Links:
    """A graph whose edges can be bought: `tail`, `head` (n_edges,) nodes below `n_nodes`; `cost` (n_edges,) whole, 0 or more.

    Raises
    ------
    InputError: `steiner.graph`.
    """

    n_nodes: int
    tail: Ints
    head: Ints
    cost: Ints
    indptr: Ints = field(init=False, repr=False)
    arcs: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        faults = []
        if not len(self.tail) == len(self.head) == len(self.cost):
            faults.append(Fault("steiner.graph", "Ends and costs differ in number", "Give one of each an edge", str(len(self.cost))))
        if any(array.dtype.kind != "i" for array in (self.tail, self.head, self.cost)):
            faults.append(Fault("steiner.graph", "Ends and costs must be whole numbers", "Round the costs", str(self.cost.dtype)))
        ends = np.concatenate([self.tail, self.head])
        if len(ends) and not (ends.min() >= 0 and ends.max() < self.n_nodes):
            faults.append(Fault("steiner.graph", "An edge ends at a node that is not there", "Number the nodes from 0", str(self.n_nodes)))
        if len(self.cost) and not (self.cost.min() >= 0 and float(self.cost.astype(np.float64).sum()) <= _MOST):
            faults.append(Fault("steiner.graph", "A cost is negative, or all together are too large", "Give whole rupees", str(self.cost.min())))
        if faults:
            raise InputError(faults)
        for name in ("tail", "head", "cost"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.int64))
        leaves = np.stack([self.tail, self.head], axis=1).ravel()  # arc 2e leaves tail[e], 2e + 1 head[e]
        object.__setattr__(self, "indptr", np.concatenate([[0], np.cumsum(np.bincount(leaves, minlength=self.n_nodes))]).astype(np.int64))
        object.__setattr__(self, "arcs", np.argsort(leaves, kind="stable").astype(np.int64))


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree with its proof: `edges`, ascending; `cost` of them all; no tree costs less than `bound`; `runtime_s`."""

    edges: Ints
    cost: int
    bound: int
    runtime_s: float

    @property
    def gap(self) -> float:
        """How much more the tree costs than the bound, relative to the tree; 0 where it is the cheapest."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0


def joins(links: Links, edges: Ints, nodes: Ints) -> bool:
    """Whether these edges join these nodes, with no edge to spare."""
    parent = np.arange(links.n_nodes)
    return bool(_acyclic(links.tail[edges], links.head[edges], parent)) and len({find(parent, int(node)) for node in nodes}) <= 1


@jit
def _acyclic(tail: Ints, head: Ints, parent: Ints) -> bool:
    for e in range(len(tail)):
        a, b = find(parent, tail[e]), find(parent, head[e])
        if a == b:
            return False
        parent[a] = b
    return True


def steiner_tree(links: Links, terminals: Ints, *, rounds: int = ROUNDS, seed: int = 1) -> Tree:
    """The cheapest tree found that joins the terminals, and a bound that no tree can go below.

    Parameters
    ----------
    terminals: nodes to join, the first as the root of the first bound, (n,), n >= 1; one named twice counts once.
    rounds: how many roots the bound is worked out from at most; it ends sooner where the tree is proven the cheapest.
    seed: of the order in which terminals serve as roots.

    Raises
    ------
    InputError: `steiner.terminals` where there is none or one is no node; `steiner.cut` where no path joins them all.
    """
    began = time.monotonic()
    ends = np.asarray(terminals, dtype=np.int64)
    if not len(ends) or ends.min() < 0 or ends.max() >= links.n_nodes:
        raise InputError.one("steiner.terminals", "There is nothing to join, or a terminal is no node", "Give nodes of the graph", ends[:5])
    terminal = np.zeros(links.n_nodes, dtype=np.bool_)
    terminal[ends] = True
    if terminal.sum() == 1:
        return Tree(np.empty(0, dtype=np.int64), 0, 0, time.monotonic() - began)
    best = _improve(links, terminal, _mehlhorn(links, terminal))
    cost, bound = int(links.cost[best].sum()), 0
    alive: Flags = np.ones(len(links.cost), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    roots = [int(ends[0]), *map(int, rng.permutation(np.setdiff1d(ends, ends[:1]))[: max(rounds, 1) - 1])]
    graph = (links.indptr, links.arcs, links.tail, links.head)
    for number, root in enumerate(roots):
        found, slack = dual_ascent(*graph, links.cost, alive, terminal, root)
        bound = max(bound, min(int(found), cost))
        if bound == cost:  # nothing cheaper is left among the edges alive
            break
        alive = useful(*graph, alive, terminal, root, slack, found, cost)
        tree = _improve(links, terminal, _guided(links, terminal, root, links.cost if number == 0 else _shaken(links.cost, rng)))
        if int(links.cost[tree].sum()) < cost:
            best, cost = tree, int(links.cost[tree].sum())
    return Tree(np.flatnonzero(best).astype(np.int64), cost, min(bound, cost), time.monotonic() - began)


def _shaken(cost: Ints, rng: np.random.Generator) -> Ints:
    """Costs a little off, so that another tree is grown."""
    return np.rint(cost * rng.uniform(0.8, 1.25, len(cost))).astype(np.int64)


def _guided(links: Links, terminal: Flags, root: int, cost: Ints) -> Flags:
    """Edges that join the terminals, grown where dual ascent over these costs left no slack."""
    graph, every = (links.indptr, links.arcs, links.tail, links.head), np.ones(len(cost), dtype=np.bool_)
    _, slack = dual_ascent(*graph, cost, every, terminal, root)
    keep: Flags = grown(*graph, cost, (slack[0::2] == 0) | (slack[1::2] == 0), terminal, root)[0]
    return keep


def _mehlhorn(links: Links, terminal: Flags) -> Flags:
    """Edges that join the terminals at no more than twice the least cost."""
    label = np.full(links.n_nodes, -1, dtype=np.int64)
    label[terminal] = np.arange(terminal.sum())
    graph = (links.indptr, links.arcs, links.tail, links.head)
    keep = np.zeros(len(links.cost), dtype=np.bool_)
    away, nearest, via = spread(*graph, links.cost, label, FAR)
    if bridged(*graph[2:], links.cost, np.arange(len(links.cost)), away, nearest, via, int(terminal.sum()), keep) == FAR:
        raise InputError.one("steiner.cut", "No path joins all that is to be joined", "Leave out what lies on streets cut off")
    return keep


def _improve(links: Links, terminal: Flags, keep: Flags) -> Flags:
    """The kept edges as a tree, improved until nothing helps."""
    graph = (links.indptr, links.arcs, links.tail, links.head, links.cost)
    tree: Flags = pruned(*graph, keep, terminal)
    for _ in range(_SWEEPS):
        saved = exchange_paths(*graph, terminal, tree) + drop_vertices(*graph, terminal, tree)
        better: Flags = pruned(*graph, tree, terminal)
        saved += int(links.cost[tree].sum() - links.cost[better].sum())
        tree = better
        if saved == 0:
            break
    return tree
