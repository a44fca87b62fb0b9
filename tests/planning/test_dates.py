from __future__ import annotations

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.dates import read_dates

NOW = datetime.datetime(2026, 11, 23)


def read(*cells: object, times: list[object] | None = None) -> tuple[list[object], tuple[str, ...], int]:
    """Times read, what was told, and how many cells were bad."""
    found = read_dates(pd.Series(cells, dtype=object), pd.Series(times, dtype=object) if times else None, "t.csv", now=NOW)
    return [None if pd.isna(when) else when.to_pydatetime() for when in found.when], found.told, int(found.bad.sum())


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-03-04", (2024, 3, 4)),
        ("2024-03-04T05:06:07Z", (2024, 3, 4, 5, 6, 7)),
        ("31/12/2023 11:05 PM", (2023, 12, 31, 23, 5)),
        ("10/22/2014 05:27:48 PM", (2014, 10, 22, 17, 27, 48)),
        ("०५-०१-२०२४", (2024, 1, 5)),
        ("५ जनवरी २०२४", (2024, 1, 5)),
        ("05-Jan-24", (2024, 1, 5)),
        ("January 5, 2024", (2024, 1, 5)),
        ("20240105", (2024, 1, 5)),
        ("2016-09", (2016, 9, 1)),
        (45296, (2024, 1, 5)),
        (1704412800, (2024, 1, 5)),
        (1704412800000, (2024, 1, 5)),
        (datetime.date(2024, 1, 5), (2024, 1, 5)),
        (datetime.datetime(2024, 1, 5, 6), (2024, 1, 5, 6)),
        ("5.1.2024 14.30", (2024, 1, 5, 14, 30)),
    ],
)
def test_ways_of_writing_a_date(cell: object, expected: tuple[int, ...]) -> None:
    """One date, in the ways files hold it."""
    assert read(cell)[0] == [datetime.datetime(*expected)]


@pytest.mark.parametrize("cell", ["31/02/2024", "yesterday", "13/13/2024", "0000-00-00", "2099-01-01", "1900-01-01", "7", "2024-01-05 25:00", "nan"])
def test_bad_dates(cell: str) -> None:
    """Days that are not, far futures and Excel's zero are no dates, and are counted."""
    assert read(cell)[0] == [None]
    assert read(cell)[2] == 1


def test_an_empty_cell_is_missing_not_bad() -> None:
    """Nothing written is nothing wrong."""
    assert read("", None, float("nan"))[2] == 0


def test_the_column_tells_which_stands_first() -> None:
    """Day first where nothing proves otherwise, told; month first only where some cell proves it and none the other."""
    assert read("03/04/2024")[0] == [datetime.datetime(2024, 4, 3)]
    assert "as in India" in " ".join(read("03/04/2024")[1])
    found, told, _ = read("03/04/2024", "03/14/2024")
    assert found[0] == datetime.datetime(2024, 3, 4) and "month first" in " ".join(told)
    found, told, _ = read("03/04/2024", "03/14/2024", "14/03/2024")
    assert found[0] == datetime.datetime(2024, 4, 3) and "both" in " ".join(told)
    assert read("14/03/2024", "03/04/2024")[1] == ()


def test_a_column_of_times_joins_the_dates() -> None:
    """A time of day from its own column, unless the date cell has one of its own."""
    found, _, _ = read("2024-01-05", "2024-01-05 07:00", "2024-01-05", "2024-01-05", times=["13:30:00", "09:00", 730, "late"])
    assert [when.time() for when in found if isinstance(when, datetime.datetime)] == [
        datetime.time(13, 30),
        datetime.time(7),
        datetime.time(7, 30),
        datetime.time(0),
    ]


@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2026, 1, 1)))
def test_what_was_written_is_read(when: datetime.datetime) -> None:
    """Any time written as ISO, or day first beside a day above 12, is read as itself."""
    when = when.replace(microsecond=0)
    assert read(when.isoformat())[0] == [when]
    assert read(f"{when:%d/%m/%Y %H:%M:%S}", "31/01/2000")[0][0] == when


@given(st.text(max_size=20))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text gives a time or none."""
    read(text)
