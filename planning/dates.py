"""Dates and times as people write them: ISO, day first, month first where proven, month names in English and Hindi, Excel's and Unix's numbers.

Local wall time is kept as written; an offset in the text is left off.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planning.tags import DIGITS

EARLIEST = datetime.datetime(1950, 1, 1)
_MONTHS = {
    name: number
    for number, names in enumerate((
        ("january", "jan", "जनवरी"), ("february", "feb", "फरवरी", "फ़रवरी"), ("march", "mar", "मार्च"), ("april", "apr", "अप्रैल"), ("may", "मई"),
        ("june", "jun", "जून"), ("july", "jul", "जुलाई"), ("august", "aug", "अगस्त"), ("september", "sep", "sept", "सितंबर", "सितम्बर"),
        ("october", "oct", "अक्टूबर", "अक्तूबर"), ("november", "nov", "नवंबर", "नवम्बर"), ("december", "dec", "दिसंबर", "दिसम्बर"),
    ), 1)
    for name in names
}  # fmt: skip
_REST = r"(?:[ ,T]+(.+))?"
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?" + _REST)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBERS = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})" + _REST)
_DAY_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-/. ]*([^\W\d_][\w\u0900-\u097f]*)\.?[-/., ]*(\d{4}|\d{2})" + _REST)
_MONTH_NAMED = re.compile(r"([^\W\d_][\w\u0900-\u097f]*)\.?[ -]*(\d{1,2})(?:st|nd|rd|th)?,?[ -]+(\d{4})" + _REST)
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h]?(\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?)?\s*(am|pm|a\.m\.|p\.m\.)?\s*(?:hrs?|hours|बजे)?\s*(?:z|utc|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Dates:
    """Times read [datetime64[us], NaT where none], which cells held a date that could not be read, and what must be said of it."""

    when: pd.Series
    bad: pd.Series
    told: tuple[str, ...]


def read_dates(dates: pd.Series, times: pd.Series | None, origin: str, *, now: datetime.datetime | None = None) -> Dates:
    """Local times from a column of dates and, where there is one, a column of times of day.

    Where "03/04/2024" could be either, the column's other cells decide; where none decides, the day stands first, as in India, and this is told.
    Dates before 1950 or after tomorrow count as bad.

    Parameters
    ----------
    dates: cells as text, numbers or dates.
    times: cells as text or times, on the same index; None where the date cell holds the time.
    now: the present, for tests; the clock's where None.
    """
    latest = (now or datetime.datetime.now()) + datetime.timedelta(days=1)
    told: list[str] = []
    texts = dates.map(_text)
    month_first = _month_first(texts, origin, told)
    counts: Counter[str] = Counter()
    read = {text: _date(text, month_first, counts) for text in texts.unique()}
    clock = times.map(_text).map(_clock) if times is not None else None
    when = []
    for number, text in enumerate(texts):
        found = read[text]
        if found is not None and clock is not None and clock.iloc[number] is not None and found.time() == datetime.time():
            found = datetime.datetime.combine(found.date(), clock.iloc[number])
        when.append(found if found is not None and EARLIEST <= found <= latest else None)
    series = pd.Series(pd.to_datetime(pd.Series(when, dtype=object, index=dates.index), errors="coerce"), index=dates.index).astype("datetime64[us]")
    bad = series.isna() & (texts != "")
    told += [f"{origin}: {what}" for what in counts]
    return Dates(series, bad, tuple(told))


def _text(cell: Any) -> str:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, datetime.datetime):
        return cell.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell).translate(DIGITS).strip().removesuffix(".0")


def _month_first(texts: pd.Series, origin: str, told: list[str]) -> bool:
    """Whether 3/4 is the 4th of March: only where some cell proves it and none proves the other."""
    pairs = [(int(match[1]), int(match[2])) for text in texts.unique() if (match := _NUMBERS.fullmatch(text))]
    day, month = sum(first > 12 for first, _ in pairs), sum(second > 12 for _, second in pairs)
    unclear = sum(first <= 12 and second <= 12 and first != second for first, second in pairs)
    if month and not day:
        told.append(f"{origin}: dates are written month first, as {month} of them prove")
        return True
    if day and month:
        told.append(f"{origin}: dates are written both day first and month first; {unclear} that could be either were read day first")
    elif unclear and not day:
        told.append(f"{origin}: no date proves whether day or month stands first; read day first, as in India")
    return False


def _date(text: str, month_first: bool, counts: Counter[str]) -> datetime.datetime | None:
    if not text:
        return None
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text) and not (_COMPACT.fullmatch(text) and 1950 <= int(text[:4]) <= 2100):
            return _numbered(float(text))
        parts = _parts(text, month_first)
        if parts is None:
            return None
        year, month, day, rest = parts
        if day == 0:
            counts["some dates name a month only; its first day was taken"] += 1
            day = 1
        if year < 100:
            year += 2000 if year < 70 else 1900
        clock = _clock(rest) if rest else datetime.time()
        return datetime.datetime.combine(datetime.date(year, month, day), clock) if clock is not None else None
    except (ValueError, OverflowError):
        return None


def _parts(text: str, month_first: bool) -> tuple[int, int, int, str] | None:
    """Year, month, day (0 where only a month is named) and the rest, which should be a time."""
    if match := _ISO.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3] or 0), match[4] or ""
    if match := _COMPACT.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3]), ""
    if match := _NUMBERS.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        swap = second > 12 or (month_first and first <= 12)
        return int(match[3]), first if swap else second, second if swap else first, match[4] or ""
    if (match := _DAY_NAMED.fullmatch(text)) and match[2].casefold() in _MONTHS:
        return int(match[3]), _MONTHS[match[2].casefold()], int(match[1]), match[4] or ""
    if (match := _MONTH_NAMED.fullmatch(text)) and match[1].casefold() in _MONTHS:
        return int(match[3]), _MONTHS[match[1].casefold()], int(match[2]), match[4] or ""
    return None


def _numbered(number: float) -> datetime.datetime | None:
    """Excel's days since 1899-12-30, or Unix seconds or milliseconds."""
    if 18_000 <= number < 100_000:
        return datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(number * 86_400))
    seconds = number / 1000 if number >= 1e11 else number
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds) if 1e8 <= seconds < 1e10 else None


def _clock(text: str) -> datetime.time | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    half = (match[4] or "").casefold().replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour == 24 and minute == second == 0:
        return datetime.time(0, 0)
    return datetime.time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None
