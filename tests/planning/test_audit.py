"""The chain by itself: what follows what, and where it breaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.audit import FIRST, Break, Head, canonical, check_chain, check_rows, next_line, row_digest, seal

KEY = bytes(range(32))


def chain(n: int, key: bytes = KEY) -> list[dict[str, Any]]:
    """Lines 1 to n; line k changes the row toys/k and the row toys/all."""
    lines: list[dict[str, Any]] = []
    for k in range(1, n + 1):
        head = Head(lines[-1]["seq"], lines[-1]["mac"]) if lines else Head(0, "")
        rows = {f"toys/{k}": f"d{k}", "toys/all": f"d{k}"}
        lines.append(next_line(key, head, at=f"t{k}", by="a", action="toy.made", subject=str(k), details={"rows": rows}))
    return lines


def test_a_whole_chain_gives_its_head_and_the_last_digest_of_each_row() -> None:
    """The later line's digest counts."""
    lines = chain(3)
    head, digests, broken = check_chain(KEY, lines, [Head(2, lines[1]["mac"][:16])])
    assert (head, broken) == (Head(3, lines[2]["mac"]), None)
    assert digests == {"toys/1": "d1", "toys/2": "d2", "toys/3": "d3", "toys/all": "d3"}
    assert lines[0]["previous"] == FIRST


@given(n=st.integers(2, 8), data=st.data())
def test_any_change_of_any_line_is_found_there(n: int, data: st.DataObject) -> None:
    """Whatever column is altered, the first break is that line, or the next where the number itself was altered."""
    lines = chain(n)
    at = data.draw(st.integers(0, n - 1))
    column = data.draw(st.sampled_from(["at", "by", "action", "subject", "details", "previous", "mac"]))
    lines[at][column] = {"details": "{}", "mac": "e" * 64, "previous": "e" * 64}.get(column, "x")
    broken = check_chain(KEY, lines)[2]
    assert broken is not None
    assert (broken.seq, broken.what) == (at + 1, "changed")


@given(n=st.integers(2, 8), data=st.data())
def test_any_line_dropped_is_found(n: int, data: st.DataObject) -> None:
    """In the midst by its number, at the end by a head kept elsewhere."""
    lines = chain(n)
    heads = [Head(line["seq"], line["mac"]) for line in lines]
    at = data.draw(st.integers(0, n - 1))
    del lines[at]
    broken = check_chain(KEY, lines, heads)[2]
    assert broken is not None
    assert (broken.seq, broken.what) == (at + 1, "cut" if at == n - 1 else "dropped")


def test_lines_numbered_anew_without_the_key_do_not_hold() -> None:
    """Who drops a line and closes the gap cannot seal what follows."""
    lines = chain(4)
    del lines[1]
    for seq, line in enumerate(lines, start=1):
        line["seq"] = seq
    broken = check_chain(KEY, lines)[2]
    assert broken is not None
    assert (broken.seq, broken.what) == (2, "changed")


def test_a_line_put_in_place_of_another_with_the_key_does_not_join() -> None:
    """Sealed by itself, yet what follows names another before it."""
    lines = chain(3)
    lines[1] = next_line(KEY, Head(1, lines[0]["mac"]), at="t2", by="mallory", action="toy.made", subject="2", details={})
    broken = check_chain(KEY, lines)[2]
    assert broken is not None
    assert (broken.seq, broken.what) == (3, "rewritten")


def test_another_key_seals_nothing_of_ours() -> None:
    """A chain made with a key of one's own breaks at its first line."""
    broken = check_chain(KEY, chain(3, key=bytes(32)))[2]
    assert broken is not None
    assert (broken.seq, broken.what) == (1, "changed")


def test_the_seal_covers_where_one_column_ends_and_the_next_begins() -> None:
    """Signs moved from one column to its neighbour change the seal."""
    (line,) = chain(1)
    assert seal(KEY, {**line, "by": "ab", "action": "c"}) != seal(KEY, {**line, "by": "a", "action": "bc"})


def test_rows_are_compared_with_what_the_chain_says() -> None:
    """Changed, added and dropped rows are named; a row that was dropped by a line need not be there, and must not."""
    told = {"toys/1": "x", "toys/2": "y", "toys/3": None}
    assert list(check_rows([("toys/1", "x"), ("toys/2", "y")], told)) == []
    assert list(check_rows([("toys/1", "z"), ("toys/9", "y"), ("toys/3", "w")], told)) == [
        Break(0, "row_changed", "toys/1"), Break(0, "row_added", "toys/9"), Break(0, "row_added", "toys/3"), Break(0, "row_dropped", "toys/2"),
    ]  # fmt: skip


def test_a_row_s_digest_does_not_hang_on_the_order_of_its_columns() -> None:
    """The same row under another table's name is another."""
    assert row_digest("toys", {"a": 1, "b": "é"}) == row_digest("toys", {"b": "é", "a": 1})
    assert row_digest("toys", {"a": 1}) != row_digest("games", {"a": 1})
    assert canonical({"b": [1, None], "a": True}) == '{"a":true,"b":[1,null]}'


@pytest.mark.parametrize("text", ["", "12", "12:", "12:xyz", "x:0123456789abcdef", "12:0123456789abcde", "12:0123456789ABCDEF"])
def test_a_text_that_is_no_head_is_refused(text: str) -> None:
    """A number, a colon and at least sixteen hex digits."""
    with pytest.raises(ValueError, match=r".*"):
        Head.read(text)


def test_a_head_is_read_as_it_is_printed() -> None:
    """The printed head is the beginning of the seal."""
    head = Head(12, "0123456789abcdef" * 4)
    assert str(head) == "12:0123456789abcdef"
    assert Head.read(" 12:0123456789abcdef\n") == Head(12, "0123456789abcdef")
