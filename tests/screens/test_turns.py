"""Turns at drawing pages: no more at once than so many, long work steps aside, and nothing is lost on the way."""

from __future__ import annotations

import threading

import pytest

from screens.library import Shelf
from screens.turns import DRAWING, Turns


def test_no_more_at_once_than_so_many_and_everyone_gets_a_turn() -> None:
    """Twenty threads over two turns: never three at work, and all are done."""
    turns, lock, now, most, done = Turns(2), threading.Lock(), [0], [0], [0]

    def work() -> None:
        with turns.taken():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.005)
            with lock:
                now[0] -= 1
                done[0] += 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most[0], done[0]) == (2, 20)


def test_long_work_lets_others_draw_and_a_page_that_breaks_gives_its_turn_back() -> None:
    """Aside, the only turn is free; back, it is held again; after an error, inside or aside, it is free."""
    turns = Turns(1)
    with turns.taken():
        assert not turns._free.acquire(blocking=False)
        with turns.aside():
            assert turns._free.acquire(blocking=False)
            turns._free.release()
            with turns.aside():  # already aside: nothing is given back twice
                pass
        assert not turns._free.acquire(blocking=False)
    for broken in (turns.taken, turns.aside):
        with pytest.raises(ValueError, match="broken"), turns.taken(), broken() if broken == turns.aside else turns.aside():
            raise ValueError("broken")
    assert turns._free.acquire(blocking=False)
    assert not turns._free.acquire(blocking=False)


def test_a_value_is_made_aside() -> None:
    """While a page has a survey or a file made for it, another page can be drawn; what is on the shelf already costs no turn."""
    shelf, seen = Shelf[int](2), []

    def make() -> int:
        seen.append(getattr(DRAWING._mine, "held", False))
        return 7

    with DRAWING.taken():
        assert shelf.get("a", make) == shelf.get("a", make) == 7
        assert DRAWING._mine.held
    assert seen == [False]
