"""A part of town planned to the end: branch and price with a Lagrangian at every node.

    maximise   sum over points of weight (first view) and second (second view) - price of the poses taken - entry of their sites

The integer program of such a part has a dense and degenerate relaxation whose every node costs simplex runs of tens of milliseconds. Its
Lagrangian has the same bound (each site's subproblem is a maximum over its sets of poses) and a round of prices over the sets listed so far takes
microseconds, so a node is bounded by a few rounds that begin at its parent's prices and aim at the best plan known (Polyak 1969). Then every site
is priced over all its poses (optimizer.pricing): that alone bounds, and what it finds is listed. Branches force or bar one pose. Sites whose hope
lies further below nothing than the bound above the plan sleep for the whole branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from optimizer.book import Town, count_picks, decide, enter, look, move, new_book, new_picks, polish
from optimizer.pricing import price_site
from optimizer.problem import Flags, Floats, Ints
from optimizer.reduce import Core, column_hashes, groups
from planning.jit import jit

DEEP = 120  # decisions on one branch at most; beyond them a node is left open, and its bound counts
ROUNDS = 20  # of prices over the listed sets, between two pricings of all sites
TURNS, ROOT_TURNS = 4, 40  # of rounds and a pricing, at a node and at the root


@dataclass(frozen=True, eq=False)
class Part:
    """A part of town as arrays: `first` (n_sites + 1,): each site's poses; `price` (n_poses,), `entry`, `room` (n_sites,); `start`, `items`: which
    points each pose sees (csr); `weight`, `second` (n_points,): of a first and a second view. `pose` (n_poses,), `point` (n_points,): rows in the
    core.
    """

    first: Ints
    price: Floats
    entry: Floats
    room: Ints
    start: Ints
    items: Ints
    weight: Floats
    second: Floats
    pose: Ints
    point: Ints


@dataclass(frozen=True, eq=False)
class Found:
    """`chosen` poses, sorted rows of the core; what they are worth less what they cost; a bound no choice can exceed; nodes looked at."""

    chosen: Ints
    value: float
    bound: float
    nodes: int


def part_of(core: Core, sites: Ints, weight: Floats, second: Floats, price: Floats, entry: Floats, *, allowed: Flags | None = None) -> Part:
    """The part of these sites (sorted) where points weigh so much (n_demand,) and poses and sites cost so much; poses that cannot pay, or are not
    allowed (n_poses,), fall out. Nothing as long as the core is made on the way: a sweep asks for hundreds of small parts.
    """
    counts = core.first[sites + 1] - core.first[sites]
    poses = np.repeat(core.first[sites] - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    own = np.repeat(np.arange(len(sites)), counts)
    if allowed is not None:
        may = allowed[poses]
        poses, own = poses[may], own[may]
    start, items = core.part(poses)
    row = np.repeat(np.arange(len(poses)), np.diff(start))
    spare = np.bincount(row, weights=weight[items], minlength=len(poses)) - price[poses]
    pays = spare > 0
    pays &= (np.bincount(own, weights=np.maximum(spare, 0.0), minlength=len(sites)) > entry[sites])[own]
    kept = pays[row] & (weight[items] > 0)
    poses, own, row, items = poses[pays], own[pays], (np.cumsum(pays) - 1)[row[kept]], items[kept]
    points, items = np.unique(items, return_inverse=True)
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(poses)))]).astype(np.int64)
    items = items.reshape(-1).astype(np.int64)
    # Points that the poses left see alike are one.
    key = np.random.default_rng(20_26).integers(1, 2**63, size=(len(poses), 2), dtype=np.uint64)
    representative, group = groups(column_hashes(start, items, key, len(points)), np.zeros(len(points), dtype=np.int64))
    kept = np.isin(items, representative)
    start = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(poses)))]).astype(np.int64)
    summed = [np.bincount(group, weights=values[points], minlength=len(representative)).astype(np.float64) for values in (weight, second)]
    used, counts = np.unique(own, return_counts=True)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Part(
        first, price[poses], entry[sites[used]], np.minimum(core.room[sites[used]], counts), start, group[items[kept]], summed[0], summed[1], poses,
        points[representative],
    )  # fmt: skip


class Tree(NamedTuple):
    """The branch under way: a row a depth, and scratch."""

    prices: Any  # (DEEP + 2, n_points) the best prices of each node
    pose: Any  # (DEEP + 2,) what is decided next
    phase: Any  # (DEEP + 2,) children done
    bound: Any  # (DEEP + 2,)
    likely: Any  # (DEEP + 2,) whether forcing comes first
    slept: Any  # (DEEP + 2,) where its part of the trail begins
    trail: Any  # (n_sites,) sites put to sleep on this branch
    asleep: Any  # (n_sites,)
    state: Any  # (n_poses,) 1 forced, -1 barred
    u: Any  # (n_points,) prices of this round
    low_u: Any  # (n_points,) the best of these rounds
    full: Any  # (n_sites,) each site's best over all its poses
    hopes: Any  # (n_sites,)
    mark: Any  # (n_points,)
    out: Any  # (room,)


def _new_tree(town: Town, root: Floats) -> Tree:
    n_sites, n = len(town.room), len(town.weight)
    prices = np.empty((DEEP + 2, n))
    prices[0] = np.clip(root, 0.0, town.weight)
    integers = [np.zeros(DEEP + 2, dtype=np.int64) for _ in range(3)]
    return Tree(
        prices, integers[0], integers[1], np.zeros(DEEP + 2), np.zeros(DEEP + 2, dtype=bool), integers[2], np.zeros(n_sites, dtype=np.int64),
        np.zeros(n_sites, dtype=bool), np.zeros(len(town.price), dtype=np.int8), np.empty(n), np.empty(n), np.zeros(n_sites), np.zeros(n_sites),
        np.zeros(n, dtype=np.int16), np.empty(int(town.room.max(initial=1)), dtype=np.int64),
    )  # fmt: skip


@jit
def _price_all(town: Any, book: Any, picks: Any, tree: Any) -> Any:
    """Every waking site priced over all its poses at the prices in `low_u`: the bound, sites with sets, and sets newly listed."""
    bound, n_live, new = 0.0, 0, 0
    for i in range(len(town.weight)):
        bound += town.weight[i] - tree.low_u[i] + max(town.second[i] - tree.low_u[i], 0.0)
    for s in range(len(town.room)):
        if tree.asleep[s]:
            continue
        size, tree.full[s], tree.hopes[s] = price_site(
            s, town.first, town.price, town.entry, town.room, town.start, town.items, tree.low_u, tree.state, tree.mark, tree.out
        )
        bound += tree.full[s]
        if size > 0 and (tree.full[s] > 0.0 or picks.must[s] > 0) and enter(book, town, s, tree.out, size) >= 0:
            new += 1
        if book.head[s] >= 0:
            picks.live[n_live] = s
            n_live += 1
    return bound, n_live, new


@jit
def _rounds(town: Any, book: Any, picks: Any, tree: Any, n_live: int, stride: float, value: float, tolerance: float) -> float:
    """Rounds of prices over the listed sets; the best end in `low_u`. Returns the stride."""
    low, stalled = np.inf, 0
    tree.u[:] = tree.low_u
    for _ in range(ROUNDS):
        bound = look(book, town, tree.u, picks, n_live)
        stalled = 0 if bound < low - 1e-3 * (low - value) else stalled + 1
        if bound < low:
            low = bound
            tree.low_u[:] = tree.u
        if low <= value + tolerance:
            break
        count_picks(book, picks, n_live)
        if stalled >= 4:
            stride *= 0.5
            stalled = 0
            if stride < 0.02:
                break
            tree.u[:] = tree.low_u
            bound = look(book, town, tree.u, picks, n_live)
        if not move(town, tree.u, picks.slope, stride, bound - value):
            break
    return stride


@jit
def _bound_node(town: Any, book: Any, picks: Any, tree: Any, depth: int, value: float, tolerance: float) -> Any:
    """The node's bound, its prices in `tree.prices[depth]`; and the best plan's worth, bettered by the picks on the way."""
    tree.low_u[:] = tree.prices[depth]
    bound, stride = np.inf, 1.0
    book.often[: book.count[0]] = 0.0
    for turn in range(ROOT_TURNS if depth == 0 else TURNS):
        now, n_live, new = _price_all(town, book, picks, tree)
        if now < bound:
            bound = now
            tree.prices[depth] = tree.low_u
        if bound <= value + tolerance or (turn > 0 and new == 0 and stride < 0.1):
            break
        stride = _rounds(town, book, picks, tree, n_live, 1.0 if turn == 0 else max(stride, 0.3), value, tolerance)
        # The picks as a plan; where the slope came to nothing they are the best there is.
        picks.tried[:] = -1
        for t in range(n_live):
            picks.tried[picks.live[t]] = picks.pick[picks.live[t]]
        got = polish(book, town, picks.tried, picks.views)
        if got > value:
            value = got
            picks.plan[:] = picks.tried
    return bound, value


@jit
def _next_pose(town: Any, book: Any, picks: Any, tree: Any, depth: int, over: float, length: int) -> Any:
    """Which pose to decide on, and whether forcing it is the likelier; -1 where the prices leave nothing to decide. Sites that cannot be in any
    better plan of this branch are put to sleep: the trail's new length.
    """
    top, top_score, likely = -1, 0.0, False
    for s in range(len(town.room)):
        if tree.asleep[s]:
            continue
        if picks.must[s] == 0 and tree.full[s] <= 0.0 and tree.hopes[s] + over <= 0.0:
            tree.asleep[s] = True
            tree.trail[length] = s
            length += 1
            continue
        if book.head[s] < 0 or picks.must[s] >= town.room[s]:
            continue
        for p in range(town.first[s], town.first[s + 1]):
            share = 0.0
            k = book.head[s] if tree.state[p] == 0 else -1
            while k >= 0:
                if book.bad[k] == 0 and book.often[k] > 0:
                    for j in range(book.size[k]):
                        share += book.often[k] if book.poses[k, j] == p else 0.0
                k = book.chain[k]
            if share > 0.0:
                size = 1e-9
                for e in range(town.start[p], town.start[p + 1]):
                    size += tree.prices[depth][town.items[e]]
                score = share * (1.02 - min(share, 1.0)) * size
                if score > top_score:
                    top, top_score, likely = p, score, share > 0.15
    return top, likely, length


@jit
def _wake(tree: Any, depth: int, length: int) -> int:
    """Undo what slept since this node: the trail's length before."""
    for t in range(tree.slept[depth], length):
        tree.asleep[tree.trail[t]] = False
    return int(tree.slept[depth])


@jit
def _search(town: Any, book: Any, picks: Any, tree: Any, most_nodes: int, tolerance: float, halt: Any) -> Any:
    """Depth first: the plan's worth (in `picks.plan`), the highest bound left open, and nodes looked at."""
    value = polish(book, town, picks.plan, picks.views)
    depth, length, nodes, left_open, fresh = 0, 0, 0, -np.inf, True
    while depth >= 0:
        if fresh:
            fresh = False
            nodes += 1
            bound, value = _bound_node(town, book, picks, tree, depth, value, tolerance)
            if bound <= value + tolerance:
                depth -= 1
                continue
            tree.slept[depth] = length
            top = -1
            if depth < DEEP and nodes < most_nodes and halt[0] == 0:
                top, likely, length = _next_pose(town, book, picks, tree, depth, bound - value - tolerance, length)
                tree.pose[depth], tree.phase[depth], tree.bound[depth], tree.likely[depth] = top, 0, bound, likely
            if top < 0:
                left_open = max(left_open, bound)
                length = _wake(tree, depth, length)
                depth -= 1
            continue
        # Come back to a node: undo its last child, go on to the next.
        p, worthwhile = tree.pose[depth], tree.bound[depth] > value + tolerance
        take = tree.likely[depth] == (tree.phase[depth] == 1)
        if tree.phase[depth] > 0:
            decide(book, picks, tree.state, p, town.site[p], take, -1)
        if tree.phase[depth] < 2 and worthwhile and nodes < most_nodes and halt[0] == 0:
            tree.phase[depth] += 1
            take = tree.likely[depth] == (tree.phase[depth] == 1)
            decide(book, picks, tree.state, p, town.site[p], take, 1)
            tree.prices[depth + 1] = tree.prices[depth]
            depth += 1
            fresh = True
            continue
        if tree.phase[depth] < 2 and worthwhile:
            left_open = max(left_open, tree.bound[depth])
        length = _wake(tree, depth, length)
        depth -= 1
    return value, max(left_open, value + tolerance), nodes


def choose(part: Part, prices: Floats, *, begin: Ints, nodes: int, tolerance: float, halt: Ints | None = None) -> Found:
    """The best poses of a part.

    Parameters
    ----------
    prices: of its points to begin from (n_points,).
    begin: rows of the part's poses to begin from, no more a site than it has room for.
    nodes: looked at, at most; where they do not do, the bound says what is left open.
    tolerance: differences below this are not worth a node.
    halt: (1,) which another thread sets to end the search at its next node.
    """
    site = np.repeat(np.arange(len(part.room)), np.diff(part.first))
    town = Town(part.first, part.price, part.entry, part.room, part.start, part.items, part.weight, part.second, site)
    book, picks = new_book(town, nodes), new_picks(town)
    for s in np.unique(site[begin]):
        own = begin[site[begin] == s].astype(np.int64)
        picks.plan[s] = enter(book, town, int(s), own, len(own))
    flag = np.zeros(1, dtype=np.int64) if halt is None else halt
    value, bound, looked = _search(town, book, picks, _new_tree(town, prices), nodes, tolerance, flag)
    taken = picks.plan[picks.plan >= 0]
    rows = np.sort(np.concatenate([book.poses[k, : book.size[k]] for k in taken])) if len(taken) else np.empty(0, dtype=np.int64)
    return Found(part.pose[rows], float(value), float(bound), int(looked))
