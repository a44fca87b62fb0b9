"""The chain of the audit: each line sealed with a key together with the line before, and with a digest of every row it changed.

    line n:  seq, at, by, action, subject, details, previous = mac of line n-1      mac = HMAC-SHA256(key, all of these)

Who changes a line, drops one, cuts the end off or writes the chain anew without the key is found at the first line that does not hold; who changes a
row of another table is found because the row's last digest in the chain is another. An end that was cut off is found by heads kept elsewhere: in the
file of heads beside the key, and printed on reports.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIRST = "0" * 64
_SEALED = ("seq", "at", "by", "action", "subject", "details", "previous")
SHORT = 16  # hex digits of a seal that are printed

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """The last line of a chain: its number and seal, whole or its first digits."""

    seq: int
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac[:SHORT]}"

    @classmethod
    def read(cls, text: str) -> Head:
        """A head as `str` writes it; ValueError where it is none."""
        seq, sign, mac = text.strip().partition(":")
        if not sign or len(mac) < SHORT or set(mac) - set("0123456789abcdef"):
            raise ValueError(text)
        return cls(int(seq), mac)


@dataclass(frozen=True)
class Break:
    """Where the audit does not hold: the first line concerned (0: none), what was done, and to what.

    `what`: changed, dropped, cut, rewritten (a line of the chain); row_changed, row_dropped, row_added (another table).
    """

    seq: int
    what: str
    where: str


def canonical(value: object) -> str:
    """One text for one value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def row_digest(table: str, row: Row) -> str:
    """SHA-256 of a row under its table's name."""
    return hashlib.sha256(canonical([table, dict(row)]).encode()).hexdigest()


def seal(key: bytes, line: Row) -> str:
    """The seal of a line of the audit."""
    return hmac.new(key, canonical([line[name] for name in _SEALED]).encode(), hashlib.sha256).hexdigest()


def next_line(key: bytes, head: Head, *, at: str, by: str, action: str, subject: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """The line that follows the head, sealed."""
    line = {
        "seq": head.seq + 1, "at": at, "by": by, "action": action, "subject": subject, "details": canonical(details), "previous": head.mac or FIRST,
    }  # fmt: skip
    return {**line, "mac": seal(key, line)}


def check_chain(key: bytes, lines: Iterable[Row], heads: Iterable[Head] = ()) -> tuple[Head, dict[str, str | None], Break | None]:
    """Walk the chain from its first line.

    Returns
    -------
    The head, the last digest of each row as `table/id` (None where it was dropped), and the first break.
    """
    kept: dict[int, list[str]] = {}
    for known in heads:
        kept.setdefault(known.seq, []).append(known.mac)
    head, digests, found = Head(0, ""), {}, None
    for line in lines:
        found = found or _broken(key, head, line, kept.get(int(line["seq"]), []))
        head = Head(int(line["seq"]), str(line["mac"]))
        if found is None:
            digests.update(json.loads(line["details"]).get("rows", {}))
    last = max(kept, default=0)
    if found is None and last > head.seq:
        found = Break(head.seq + 1, "cut", f"the lines {head.seq + 1} to {last} are gone")
    return head, digests, found


def _broken(key: bytes, head: Head, line: Row, known: list[str]) -> Break | None:
    seq, mac = int(line["seq"]), str(line["mac"])
    where = f"{line['at']} {line['action']} {line['subject']}"
    if seq != head.seq + 1:
        return Break(head.seq + 1, "dropped", f"line {head.seq + 1} to {seq - 1}, before {where}")
    if not hmac.compare_digest(seal(key, line), mac):
        return Break(seq, "changed", where)
    if line["previous"] != (head.mac or FIRST):
        return Break(seq, "rewritten", f"{where}: it follows another line than the one before it")
    other = next((short for short in known if not mac.startswith(short)), None)
    return None if other is None else Break(seq, "rewritten", f"{where}: its seal was {other[:SHORT]} when it was written down elsewhere")


def check_rows(rows: Iterable[tuple[str, str]], digests: Mapping[str, str | None]) -> Iterator[Break]:
    """Compare rows, each as `table/id` with its digest, with what the chain says of them."""
    present = set()
    for name, digest in rows:
        present.add(name)
        told = digests.get(name)
        if told is None:
            yield Break(0, "row_added", name)
        elif told != digest:
            yield Break(0, "row_changed", name)
    yield from (Break(0, "row_dropped", name) for name, digest in digests.items() if digest is not None and name not in present)
