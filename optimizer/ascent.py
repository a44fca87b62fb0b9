"""A lower bound on any tree that joins the terminals, by dual ascent (Wong 1984), and what it proves of single edges.

Every tree, directed away from its root, enters each set of nodes that holds a terminal and not the root. A dual price on such a set is paid by every
arc that enters it; as long as no arc pays more than it costs, the sum of prices bounds every tree from below. Prices are raised set by set, the sets
with the fewest entering arcs first (Pajor, Uchoa and Werneck 2018). Whole numbers throughout: the bound is exact.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from optimizer.trees import FAR
from planning.jit import jit


@jit
def _gather(
    indptr: Any, arcs: Any, tail: Any, head: Any, alive: Any, slack: Any, wanted: Any, own: Any, stack: Any, mark: Any, stamp: Any, entering: Any
) -> Any:  # fmt: skip
    """Add to the marked set all that reaches it by arcs without slack, beginning at `stack`; list the arcs with slack that enter it.

    True as soon as the set holds a wanted node other than its own: then it needs no price of its own.
    """
    while len(stack) > 0:
        node = stack.pop()
        if wanted[node] and node != own:
            return True
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            into = arcs[k] ^ 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if not alive[e] or mark[beyond] == stamp:
                continue
            if slack[into] == 0:
                mark[beyond] = stamp
                stack.append(np.int64(beyond))
            else:
                entering.append(np.int64(into))
    return False


@jit
def _least(entering: Any, tail: Any, head: Any, slack: Any, mark: Any, stamp: Any) -> Any:
    """Strike the arcs that no longer come from outside the set off the list; the least slack of the others, FAR where none is left."""
    least, kept = FAR, 0
    for k in range(len(entering)):
        a = entering[k]
        if mark[tail[a >> 1] if a & 1 == 0 else head[a >> 1]] != stamp:
            entering[kept] = a
            kept += 1
            least = min(least, slack[a])
    while len(entering) > kept:
        entering.pop()
    return least


@jit
def dual_ascent(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, alive: Any, terminal: Any, root: Any) -> Any:
    """The bound, and what is left of each arc's cost, (2 n_edges,); a bound of FAR where the edges alive do not join the terminals."""
    slack = np.repeat(cost, 2)
    wanted = terminal.copy()
    wanted[root] = True
    mark = np.full(len(terminal), -1, dtype=np.int64)
    stamp, bound = np.int64(0), np.int64(0)
    queue = [(np.int64(indptr[node + 1] - indptr[node]), np.int64(node)) for node in np.flatnonzero(wanted) if node != root]
    heapify(queue)
    while len(queue) > 0:
        _, node = heappop(queue)
        stamp += 1
        mark[node] = stamp
        stack, entering = [np.int64(node)], [np.int64(0)]
        entering.pop()
        while True:
            if _gather(indptr, arcs, tail, head, alive, slack, wanted, node, stack, mark, stamp, entering):
                wanted[node] = False
                break
            least = _least(entering, tail, head, slack, mark, stamp)
            if least == FAR:
                return FAR, slack
            if len(queue) > 0 and len(entering) > queue[0][0] + queue[0][0] // 4:
                heappush(queue, (np.int64(len(entering)), np.int64(node)))
                break
            bound += least
            for a in entering:
                slack[a] -= least
                beyond = tail[a >> 1] if a & 1 == 0 else head[a >> 1]
                if slack[a] == 0 and mark[beyond] != stamp:
                    mark[beyond] = stamp
                    stack.append(np.int64(beyond))
    return bound, slack


@jit
def _reduced_ways(indptr: Any, arcs: Any, tail: Any, head: Any, alive: Any, slack: Any, starts: Any, backward: bool) -> Any:
    """The least slack on a way from (backward: to) the nearest of the starts, for each node, (n_nodes,)."""
    away = np.full(len(indptr) - 1, FAR, dtype=np.int64)
    queue = [(np.int64(0), np.int64(start)) for start in starts]
    for start in starts:
        away[start] = 0
    heapify(queue)
    while len(queue) > 0:
        gone, node = heappop(queue)
        if gone > away[node]:
            continue
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            if not alive[e]:
                continue
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            there = gone + slack[arcs[k] ^ 1 if backward else arcs[k]]
            if there < away[beyond]:
                away[beyond] = there
                heappush(queue, (np.int64(there), np.int64(beyond)))
    return away


@jit
def useful(indptr: Any, arcs: Any, tail: Any, head: Any, alive: Any, terminal: Any, root: Any, slack: Any, bound: Any, most: Any) -> Any:
    """Which edges a tree cheaper than `most` could hold, (n_edges,).

    A tree that uses an arc costs at least the bound, the slack from the root to the arc, the arc's own, and the slack from there to some terminal.
    """
    to = _reduced_ways(indptr, arcs, tail, head, alive, slack, np.array([root]), False)
    others = np.array([node for node in np.flatnonzero(terminal) if node != root], dtype=np.int64)
    on = _reduced_ways(indptr, arcs, tail, head, alive, slack, others, True)
    left = alive.copy()
    for e in range(len(tail)):
        forth = bound + to[tail[e]] + slack[2 * e] + on[head[e]]
        back = bound + to[head[e]] + slack[2 * e + 1] + on[tail[e]]
        left[e] = alive[e] and min(forth, back) < most
    return left
