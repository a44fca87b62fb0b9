"""Trees in a graph that join given nodes: built, pruned and measured, in machine code.

Arc 2e leaves the tail of edge e, arc 2e + 1 its head. `indptr` (n_nodes + 1,) and `arcs` (2 n_edges,): the arcs that leave each node. Costs are whole
numbers of 0 or more; all sums are exact.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import numpy as np

from planning.jit import jit

FAR: Any = np.int64(1) << np.int64(60)


@jit
def find(parent: Any, node: Any) -> Any:
    """The root of a node's set, paths halved on the way."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@jit
def pruned(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, keep: Any, terminal: Any) -> Any:
    """The cheapest tree over the nodes that the kept edges touch, by Kruskal, less every end that is no terminal: a flag an edge (n_edges,)."""
    n, m = len(terminal), len(cost)
    inside = np.zeros(n, dtype=np.bool_)
    for e in range(m):
        if keep[e]:
            inside[tail[e]] = True
            inside[head[e]] = True
    among = np.empty(m, dtype=np.int64)
    count = 0
    for e in range(m):
        if inside[tail[e]] and inside[head[e]] and tail[e] != head[e]:
            among[count] = e
            count += 1
    among = among[:count]
    among = among[np.argsort(cost[among], kind="mergesort")]
    parent = np.arange(n)
    tree = np.zeros(m, dtype=np.bool_)
    degree = np.zeros(n, dtype=np.int64)
    for pick in among:
        a, b = find(parent, tail[pick]), find(parent, head[pick])
        if a != b:
            parent[a] = b
            tree[pick] = True
            degree[tail[pick]] += 1
            degree[head[pick]] += 1
    for first in range(n):
        node = first
        while degree[node] == 1 and not terminal[node]:
            for k in range(indptr[node], indptr[node + 1]):
                e = arcs[k] >> 1
                if tree[e]:
                    tree[e] = False
                    degree[node] -= 1
                    node = head[e] if arcs[k] & 1 == 0 else tail[e]
                    degree[node] -= 1
                    break
    return tree


@jit
def grown(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, alive: Any, terminal: Any, start: Any) -> Any:
    """A tree grown from a terminal, the nearest one not yet joined coming next (Takahashi and Matsuyama 1980): flags; how many are left out."""
    n = len(terminal)
    away = np.full(n, FAR, dtype=np.int64)
    via = np.full(n, -1, dtype=np.int64)
    inside = np.zeros(n, dtype=np.bool_)
    keep = np.zeros(len(cost), dtype=np.bool_)
    left = np.int64(terminal.sum()) - (1 if terminal[start] else 0)
    away[start], inside[start] = 0, True
    queue = [(np.int64(0), np.int64(start))]
    while len(queue) > 0 and left > 0:
        gone, node = heappop(queue)
        if gone > away[node]:
            continue
        if terminal[node] and not inside[node]:
            while not inside[node]:
                inside[node] = True
                away[node] = 0
                left -= 1 if terminal[node] else 0
                heappush(queue, (np.int64(0), np.int64(node)))
                keep[via[node] >> 1] = True
                node = tail[via[node] >> 1] if via[node] & 1 == 0 else head[via[node] >> 1]
            continue
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            if not alive[e]:
                continue
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if gone + cost[e] < away[beyond]:
                away[beyond], via[beyond] = gone + cost[e], arcs[k]
                heappush(queue, (np.int64(gone + cost[e]), np.int64(beyond)))
    return keep, left


@jit
def spread(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, label: Any, most: Any) -> Any:
    """From every node with a label of 0 or more at once: distance, the label of the nearest, and the arc by which each node is reached (n_nodes,)."""
    n = len(label)
    away = np.full(n, FAR, dtype=np.int64)
    via = np.full(n, -1, dtype=np.int64)
    nearest = np.full(n, -1, dtype=np.int64)
    queue = [(np.int64(-1), np.int64(-1))]
    for start in range(n):
        if label[start] >= 0:
            away[start], nearest[start] = 0, label[start]
    for first in range(n):
        if label[first] < 0:
            continue
        for k in range(indptr[first], indptr[first + 1]):  # the labelled nodes' own turn in the queue is taken for them
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if cost[e] < away[beyond] and cost[e] <= most:
                away[beyond], via[beyond], nearest[beyond] = cost[e], arcs[k], label[first]
                heappush(queue, (np.int64(cost[e]), np.int64(beyond)))
    while len(queue) > 0:
        gone, node = heappop(queue)
        if node < 0 or gone > away[node]:
            continue
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            there = gone + cost[e]
            if there < away[beyond] and there <= most:
                away[beyond], via[beyond], nearest[beyond] = there, arcs[k], nearest[node]
                heappush(queue, (np.int64(there), np.int64(beyond)))
    return away, nearest, via


@jit
def bridged(tail: Any, head: Any, cost: Any, edges: Any, away: Any, nearest: Any, via: Any, n_labels: Any, keep: Any) -> Any:
    """Join the labels of a spread by the cheapest tree of paths over some of `edges`, marked in `keep`; its cost, FAR where they cannot be joined.

    Mehlhorn 1988: the cheapest tree over all pairs of labels uses paths between neighbouring cells only.
    """
    among = np.empty(len(edges), dtype=np.int64)
    length = np.empty(len(edges), dtype=np.int64)
    count = 0
    for e in edges:
        a, b = nearest[tail[e]], nearest[head[e]]
        if a >= 0 and b >= 0 and a != b:
            among[count], length[count] = e, away[tail[e]] + cost[e] + away[head[e]]
            count += 1
    order = np.argsort(length[:count], kind="mergesort")
    parent = np.arange(n_labels)
    total, joined = np.int64(0), 1
    for k in order:
        e = among[k]
        a, b = find(parent, nearest[tail[e]]), find(parent, nearest[head[e]])
        if a == b:
            continue
        parent[a] = b
        total += length[k]
        joined += 1
        keep[e] = True
        for end in (tail[e], head[e]):
            node = end
            while via[node] >= 0:
                on = via[node] >> 1
                keep[on] = True
                node = tail[on] if via[node] & 1 == 0 else head[on]
    return total if joined == n_labels else FAR


@jit
def degrees(tail: Any, head: Any, tree: Any, n: Any) -> Any:
    """How many tree edges meet at each node (n_nodes,)."""
    degree = np.zeros(n, dtype=np.int64)
    for e in range(len(tail)):
        if tree[e]:
            degree[tail[e]] += 1
            degree[head[e]] += 1
    return degree


@jit
def downstream(indptr: Any, arcs: Any, tail: Any, head: Any, tree: Any, root: Any, amount: Any) -> Any:
    """What hangs on each edge of a tree seen from its root, (n_edges,): the sum of `amount` (n_nodes,) beyond it; and its end away from the root.

    Edges that are not in the tree, or that the root does not reach, have 0 and -1.
    """
    n, m = len(amount), len(tail)
    over = np.full(n, -1, dtype=np.int64)
    seen = np.zeros(n, dtype=np.bool_)
    order = np.empty(n, dtype=np.int64)
    order[0], seen[root] = root, True
    count, at = 1, 0
    while at < count:
        node = order[at]
        at += 1
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if tree[e] and not seen[beyond]:
                seen[beyond], over[beyond], order[count] = True, e, beyond
                count += 1
    held = amount.astype(np.float64)
    load, far = np.zeros(m, dtype=np.float64), np.full(m, -1, dtype=np.int64)
    for k in range(count - 1, 0, -1):
        node = order[k]
        e = over[node]
        load[e], far[e] = held[node], node
        held[head[e] if tail[e] == node else tail[e]] += held[node]
    return load, far
