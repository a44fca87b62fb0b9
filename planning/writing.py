"""What people write, taken in: one form of each letter, no signs that show nothing or turn the line round, a length that a page can hold."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

from planning.tags import DIGITS

# Joiners shape Hindi's conjuncts; a line may end.
_KEPT = "\u200c\u200d\n"
INDIA = timezone(timedelta(hours=5, minutes=30))


def clean(text: object) -> str:
    """The text in Unicode's composed form, without control and format signs, ends trimmed, more than one empty line in a row made one."""
    composed = unicodedata.normalize("NFC", str(text)).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    shown = "".join(sign for sign in composed if sign in _KEPT or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    lines = [line.strip() for line in shown.split("\n")]
    kept = [line for k, line in enumerate(lines) if line or (k and lines[k - 1])]
    return "\n".join(kept).strip()


def one_line(text: object) -> str:
    """The text as it is shown or put into files that other programs read: cleaned, in one line."""
    return " ".join(clean(text).split())


def fits(text: str, most: int) -> bool:
    """Whether a cleaned text says something, in at most `most` signs."""
    return bool(text.strip("\u200c\u200d \n")) and len(text) <= most


def read_day(text: object) -> date | None:
    """A day as people write it: 2026-11-27, 27-11-2026, 27/11/2026 or 27.11.2026, in Devanagari digits too; None where it is none."""
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    said = str(text).translate(DIGITS).strip().replace("/", "-").replace(".", "-")
    for form in ("%Y-%m-%d", "%d-%m-%Y"):
        try:
            return datetime.strptime(said, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def today() -> date:
    """The day in India."""
    return datetime.now(INDIA).date()
