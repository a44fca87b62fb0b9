"""A site's best set at prices, with poses forced and barred, is the best by trying all; cut short it is a bound."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer import pricing
from optimizer.pricing import price_site


def by_trying(items: list[np.ndarray], u: np.ndarray, price: np.ndarray, entry: float, room: int, state: np.ndarray) -> float:
    """The highest value of a set of at most `room` poses that holds the forced and none of the barred ones; 0 for nothing where none is forced."""
    values = [] if (state == 1).any() else [0.0]
    for size in range(1, room + 1):
        for chosen in itertools.combinations(range(len(items)), size):
            if set(np.nonzero(state == 1)[0]) <= set(chosen) and not set(np.nonzero(state == -1)[0]) & set(chosen):
                seen = np.unique(np.concatenate([items[p] for p in chosen]))
                values.append(float(u[seen].sum() - price[list(chosen)].sum() - entry))
    return max(values)


@pytest.mark.parametrize("nodes", [0, 1, 3, 4_000])
def test_the_best_set_by_trying_all(nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given nodes enough value and set are the best; with hardly any the value is a bound. The hope is never lower; the marks are as before."""
    rng = np.random.default_rng(nodes)
    monkeypatch.setattr(pricing, "NODES", nodes)
    for name in ("_dig", "_hope", "_worths", "_add"):
        monkeypatch.setattr(pricing, name, getattr(pricing, name).py_func)  # uncompiled, so that NODES can be changed
    python = price_site.py_func  # type: ignore[attr-defined]
    for _ in range(60):
        n, items = 6, [np.sort(rng.choice(9, rng.integers(1, 6), replace=False)) for _ in range(6)]
        start = np.concatenate([[0], np.cumsum([len(own) for own in items])])
        u, price, entry, room = rng.random(9), rng.random(n) * 0.8, float(rng.random() * 0.5), int(rng.integers(1, 4))
        state = np.where(rng.random(n) < 0.15, -1, 0)
        forced = rng.permutation(n)[: int(rng.integers(0, room + 1))] if rng.random() < 0.5 else []
        state[forced] = 1
        mark, out = np.zeros(9, dtype=np.int16), np.zeros(room, dtype=np.int64)
        size, value, hope = python(
            0, np.array([0, n]), price, np.array([entry]), np.array([room]), start, np.concatenate(items), u, state, mark, out
        )
        best = by_trying(items, u, price, entry, room, state)
        assert value >= best - 1e-12
        assert max(hope, 0.0 if not (state == 1).any() else -np.inf) >= best - 1e-12
        assert not mark.any()
        assert set(np.nonzero(state == 1)[0]) <= set(out[:size])
        if nodes == 4_000:
            assert value == pytest.approx(best, rel=1e-8, abs=1e-12)
            if size:
                seen = np.unique(np.concatenate([items[p] for p in out[:size]]))
                assert u[seen].sum() - price[out[:size]].sum() - entry == pytest.approx(value)
