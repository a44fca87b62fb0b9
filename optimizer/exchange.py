"""A tree made cheaper by exchanging parts of it, in machine code.

    o---t---o        t = terminal, which must be joined; * = key vertex: a terminal, or where three or more tree edges meet
        |            key path: the part of a tree between two key vertices with none between
    t---*---o---t

Uchoa and Werneck (2012), Fast local search for the Steiner problem in graphs: key-path exchange and key-vertex elimination. Arrays as in
`optimizer.trees`.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import numpy as np

from optimizer.trees import FAR, bridged, degrees
from planning.jit import jit


@jit
def _side(indptr: Any, arcs: Any, tail: Any, head: Any, tree: Any, start: Any, number: Any, label: Any) -> Any:
    """Label everything the tree joins to a node; how many nodes that is."""
    stack = [np.int64(start)]
    label[start] = number
    count = 0
    while len(stack) > 0:
        node = stack.pop()
        count += 1
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            if tree[e]:
                beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
                if label[beyond] < 0:
                    label[beyond] = number
                    stack.append(np.int64(beyond))
    return count


@jit
def _to_key(indptr: Any, arcs: Any, tail: Any, head: Any, tree: Any, degree: Any, terminal: Any, edge: Any, node: Any, cut: Any, count: Any) -> Any:
    """Walk a tree from an edge over `node` to the next key vertex, listing the edges passed in `cut` from place `count` on; vertex and new count."""
    while degree[node] == 2 and not terminal[node]:
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            if tree[e] and e != edge:
                edge = e
                cut[count] = e
                count += 1
                node = head[e] if arcs[k] & 1 == 0 else tail[e]
                break
    return node, count


@jit
def _way_across(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, label: Any, most: Any) -> Any:
    """The cheapest path from label 0 to label 1 of less than `most`: its cost (FAR where none), its last node, and the arcs that lead there."""
    n = len(label)
    away = np.full(n, FAR, dtype=np.int64)
    via = np.full(n, -1, dtype=np.int64)
    queue = [(np.int64(-1), np.int64(-1))]
    for first in range(n):
        if label[first] == 0:
            away[first] = 0
            for k in range(indptr[first], indptr[first + 1]):
                e = arcs[k] >> 1
                beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
                if label[beyond] != 0 and cost[e] < away[beyond] and cost[e] < most:
                    away[beyond], via[beyond] = cost[e], arcs[k]
                    heappush(queue, (np.int64(cost[e]), np.int64(beyond)))
    while len(queue) > 0:
        gone, node = heappop(queue)
        if node < 0 or gone > away[node]:
            continue
        if label[node] == 1:
            return gone, node, via
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if gone + cost[e] < away[beyond] and gone + cost[e] < most:
                away[beyond], via[beyond] = gone + cost[e], arcs[k]
                heappush(queue, (np.int64(gone + cost[e]), np.int64(beyond)))
    return FAR, np.int64(-1), via


@jit
def exchange_paths(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, terminal: Any, tree: Any) -> Any:
    """Replace each key path by the cheapest way between the two parts it leaves, where that is cheaper; `tree` is changed; what was saved."""
    n, m = len(terminal), len(cost)
    degree = degrees(tail, head, tree, n)
    done = np.zeros(m, dtype=np.bool_)
    cut = np.empty(m, dtype=np.int64)
    saved = np.int64(0)
    for edge in range(m):
        if not tree[edge] or done[edge]:
            continue
        cut[0] = edge
        a, count = _to_key(indptr, arcs, tail, head, tree, degree, terminal, edge, tail[edge], cut, 1)
        b, count = _to_key(indptr, arcs, tail, head, tree, degree, terminal, edge, head[edge], cut, count)
        total = np.int64(0)
        for k in range(count):
            total += cost[cut[k]]
            tree[cut[k]], done[cut[k]] = False, True
        if total == 0:
            for k in range(count):
                tree[cut[k]] = True
            continue
        label = np.full(n, -1, dtype=np.int64)
        small = _side(indptr, arcs, tail, head, tree, a, 0, label) <= _side(indptr, arcs, tail, head, tree, b, 1, label)
        if not small:
            for node in range(n):
                if label[node] >= 0:
                    label[node] = 1 - label[node]
        found, node, via = _way_across(indptr, arcs, tail, head, cost, label, total)
        if found >= total:
            for k in range(count):
                tree[cut[k]] = True
            continue
        saved += total - found
        while label[node] != 0:
            e = via[node] >> 1
            tree[e], done[e] = True, True
            node = tail[e] if via[node] & 1 == 0 else head[e]
        degree = degrees(tail, head, tree, n)
    return saved


@jit
def _near(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, label: Any, start: Any, most: Any) -> Any:
    """The nodes within a cost of a node on ways that end at the first labelled one they meet."""
    away = np.full(len(indptr) - 1, FAR, dtype=np.int64)
    away[start] = 0
    queue, nodes = [(np.int64(0), np.int64(start))], [np.int64(start)]
    while len(queue) > 0:
        gone, node = heappop(queue)
        if gone > away[node] or label[node] >= 0:
            continue
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            there = gone + cost[e]
            if there < away[beyond] and there <= most:
                if away[beyond] == FAR:
                    nodes.append(np.int64(beyond))
                away[beyond] = there
                heappush(queue, (np.int64(there), np.int64(beyond)))
    return nodes


@jit
def _rejoined(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, label: Any, near: Any, parts: Any, most: Any) -> Any:
    """The cheapest way to join the labelled parts inside a neighbourhood: its cost, FAR where there is none, and its edges.

    A path of a cost leads nowhere farther than half of it from the parts it joins, so each part is spread by half of `most` only.
    """
    away = np.full(len(label), -1, dtype=np.int64)  # -1 outside the neighbourhood
    via = np.full(len(label), -1, dtype=np.int64)
    nearest = np.full(len(label), -1, dtype=np.int64)
    queue = [(np.int64(-1), np.int64(-1))]
    touched = [np.int64(0)]
    touched.pop()
    for node in near:
        away[node] = FAR
        if label[node] >= 0:
            away[node], nearest[node] = 0, label[node]
            heappush(queue, (np.int64(0), np.int64(node)))
    while len(queue) > 0:
        gone, node = heappop(queue)
        if node < 0 or gone > away[node]:
            continue
        for k in range(indptr[node], indptr[node + 1]):
            e = arcs[k] >> 1
            beyond = head[e] if arcs[k] & 1 == 0 else tail[e]
            if away[beyond] >= 0:
                touched.append(np.int64(e))
            if gone + cost[e] < away[beyond] and 2 * (gone + cost[e]) <= most:
                away[beyond], via[beyond], nearest[beyond] = gone + cost[e], arcs[k], nearest[node]
                heappush(queue, (np.int64(gone + cost[e]), np.int64(beyond)))
    keep = np.zeros(len(cost), dtype=np.bool_)
    edges = np.array(touched, dtype=np.int64)
    found = bridged(tail, head, cost, edges, away, nearest, via, parts, keep)
    return found, np.flatnonzero(keep)


@jit
def drop_vertices(indptr: Any, arcs: Any, tail: Any, head: Any, cost: Any, terminal: Any, tree: Any) -> Any:
    """Take each branching that is no terminal out with its key paths and join what is left more cheaply, where that can be done; what was saved."""
    n, m = len(terminal), len(cost)
    degree = degrees(tail, head, tree, n)
    cut = np.empty(m, dtype=np.int64)
    saved = np.int64(0)
    for vertex in range(n):
        if degree[vertex] < 3 or terminal[vertex]:
            continue
        count, parts = 0, 0
        ends = np.empty(degree[vertex], dtype=np.int64)
        for k in range(indptr[vertex], indptr[vertex + 1]):
            e = arcs[k] >> 1
            if tree[e]:
                cut[count] = e
                ends[parts], count = _to_key(
                    indptr, arcs, tail, head, tree, degree, terminal, e, head[e] if arcs[k] & 1 == 0 else tail[e], cut, count + 1
                )
                parts += 1
        total = np.int64(0)
        for k in range(count):
            total += cost[cut[k]]
            tree[cut[k]] = False
        label = np.full(n, -1, dtype=np.int64)
        for part in range(parts):
            _side(indptr, arcs, tail, head, tree, ends[part], part, label)
        found, fresh = _rejoined(indptr, arcs, tail, head, cost, label, _near(indptr, arcs, tail, head, cost, label, vertex, total), parts, total)
        for k in range(count if found >= total else 0):
            tree[cut[k]] = True
        if found >= total:
            continue
        saved += total - found
        for e in fresh:
            tree[e] = True
        degree = degrees(tail, head, tree, n)
    return saved
