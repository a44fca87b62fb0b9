"""Changes by hand: ids, sheets, undo and redo, and the wish around them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planning.city import City
from planning.errors import FileRefused, InputError, ScenarioError
from planning.handmade import (
    MOST_EDITS,
    Edit,
    Handmade,
    around,
    camera_id,
    parse_camera_id,
    placed_spot,
    placed_spots,
    read_changes,
    read_sheet,
    sheet_folder,
    write_sheet,
)
from planning.nouns import Scenario

A, B, C = (f"{site}/dome-5mp/0@{bearing}/6" for site, bearing in (("j-1-2", "10.0"), ("j-1-2", "90.0"), ("l-5-6", "0.0")))
NEW = "h-7-8/dome-5mp/0@45.0/6"


@pytest.fixture(name="home")
def a_city_with_a_folder(town: City, tmp_path: Path) -> City:
    """The town in a folder of its own."""
    return town.save(tmp_path / "toy")


def test_an_id_is_written_one_way() -> None:
    """Bearings go round at 360, to a tenth of a degree; heights without needless zeros; what is written is read back."""
    assert camera_id("j-1-2", "dome-5mp", 0, 359.97, 6.0) == "j-1-2/dome-5mp/0@0.0/6"
    assert camera_id("j-1-2", "dome-5mp", 1, -90.0, 4.5) == "j-1-2/dome-5mp/1@270.0/4.5"
    match = parse_camera_id(NEW)
    assert match is not None
    assert match.groups() == ("h-7-8", "dome-5mp", "0", "45.0", "6")
    assert parse_camera_id("h-7-8/dome-5mp/0") is None


def test_places_set_by_hand_are_read_from_ids() -> None:
    """Each place once, sorted, west and south of the origin too; the city's own sites are none."""
    assert placed_spot("h-552341-2443120") == (552341, 2443120)
    assert placed_spot("h--5--6") == (-5, -6)
    for site in ("j-1-2", "h-1", "h-1-2-3", "h-1.5-2", "h-1-2x", ""):
        assert placed_spot(site) is None
    assert placed_spots([NEW, A, "h-1-9/dome-5mp/0@1.0/6", NEW.replace("45.0", "46.0")]) == ((1, 9), (7, 8))


def test_changes_apply_in_turn_and_keep_the_row() -> None:
    """A changed camera stays in its place in the row, an added one comes last, one taken away is gone; a change may undo another."""
    made = Handmade("p").then(Edit(A, NEW)).then(Edit("", "l-9-9/dome-5mp/0@1.0/6")).then(Edit(B, ""))
    assert made.applied([A, B, C]) == (NEW, C, "l-9-9/dome-5mp/0@1.0/6")
    assert made.then(Edit(NEW, A)).applied([A, B, C]) == (A, C, "l-9-9/dome-5mp/0@1.0/6")
    moved = Handmade("p").then(Edit(A, NEW)).then(Edit("", A))
    assert moved.applied([A, B]) == (NEW, B, A)


def test_a_change_of_what_is_not_there_is_refused() -> None:
    """No camera that is not in the plan can change, and none can stand twice."""
    for edit, code in ((Edit(NEW, A), "hand.camera"), (Edit(A, B), "hand.twice"), (Edit("", C), "hand.twice")):
        with pytest.raises(ScenarioError) as caught:
            Handmade("p").then(edit).applied([A, B, C])
        assert caught.value.code == code


def test_undo_and_redo_go_along_the_changes() -> None:
    """Undone changes come back by redo until another is made; past either end nothing happens; the sheet's id stays while they move."""
    made = Handmade("p").then(Edit(A, NEW)).then(Edit(B, ""))
    back = made.undone()
    assert back.applied([A, B]) == (NEW, B)
    assert back.id == made.id
    assert back.redone() == made == made.redone()
    assert made.undone().undone().undone().applied([A, B]) == (A, B)
    other = back.then(Edit(B, C))
    assert other.redone() == other
    assert other.applied([A, B]) == (NEW, C)
    assert other.id != made.id


def test_a_draft_that_does_not_fit_together_is_refused() -> None:
    """No more counted than there are, no change into itself, no endless list."""
    for parts in (((), 1), ((Edit(A, B),), -1), ((Edit(A, A),), 1), ((Edit(A, B),) * (MOST_EDITS + 1), 0)):
        with pytest.raises(ScenarioError) as caught:
            Handmade("p", *parts)  # type: ignore[arg-type]
        assert caught.value.code == "hand.sheet"


def test_the_wish_around_keeps_what_was_made_and_forbids_what_was_taken_away() -> None:
    """Moved, turned and added cameras are kept, those taken away forbidden, untouched ones free; a hand's change goes before older lists."""
    wish = Scenario("toy", 100, keep=(B, C), forbid=("s-1", NEW))
    made = Handmade("p").then(Edit(A, NEW)).then(Edit(B, ""))
    found = around(wish, [A, B, C], made)
    assert found.keep == (NEW, C)
    assert found.forbid == (B, "s-1")
    assert around(wish, [A, B, C], made.undone().undone()) == wish
    assert around(wish, [A, B, C], Handmade("p").then(Edit(A, NEW)).then(Edit(NEW, A))).keep == tuple(sorted((B, C)))
    twice = Handmade("p").then(Edit(A, NEW)).then(Edit(NEW, ""))
    assert around(Scenario("toy", 100), [A, B], twice).forbid == (A,)
    added = Handmade("p").then(Edit("", NEW)).then(Edit(NEW, ""))
    assert around(Scenario("toy", 100), [A, B], added) == Scenario("toy", 100)


def test_a_draft_is_kept_and_found_by_the_name_in_an_address(home: City) -> None:
    """What was written is read back with as many changes counted as the name says; writing again changes nothing."""
    made = Handmade("0123456789ab").then(Edit(A, NEW)).then(Edit(B, ""))
    path = write_sheet(made, home)
    assert write_sheet(made.undone(), home) == path
    assert read_sheet(made.name, home) == made
    assert read_sheet(made.undone().name, home) == made.undone()
    assert Handmade("0123456789ab").name == ""


def test_drafts_that_are_not_ours_are_refused(home: City, town: City) -> None:
    """Unknown names, names that would leave the folder, damaged or tampered files, and a city without a folder: each is one of our errors."""
    made = Handmade("0123456789ab").then(Edit(A, NEW))
    path = write_sheet(made, home)
    for name in ("", "../x-1", f"{'0' * 12}-1", made.id, f"{made.id}-x"):
        with pytest.raises(InputError) as caught:
            read_sheet(name, home)
        assert caught.value.code == "hand.unknown"
    data = json.loads(path.read_text())
    tampered = {**data, "edits": [[A, C]]}
    for text in ("", "[]", "{", json.dumps({**data, "version": 9}), json.dumps(tampered), json.dumps({**data, "edits": [[A]]}), "[" * 100_000):
        path.write_text(text)
        with pytest.raises(FileRefused) as refused:
            read_sheet(made.name, home)
        assert refused.value.code == "hand.unreadable"
    with pytest.raises(InputError) as caught:
        sheet_folder(town)
    assert caught.value.code == "city.folder"


def test_changes_are_read_from_rows() -> None:
    """WAS=NOW a row, a side left empty for adding and taking away, empty rows passed over; every row that is none is told."""
    made = read_changes([f"{A}={NEW}", "", f" = {C} ", f"{B}=\n"], "p")
    assert made.edits == (Edit(A, NEW), Edit("", C), Edit(B, ""))
    assert made.at == 3
    with pytest.raises(ScenarioError) as caught:
        read_changes(["x", f"{A}={A}", "a=b", "="], "p")
    assert [fault.code for fault in caught.value.faults] == ["hand.form"] * 4
