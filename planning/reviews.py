"""What was worked out about a plan beyond it, part by part, kept in JSON beside the plan's file under its id.

    plans/0123456789ab.gpkg             the plan
    plans/0123456789ab.gaps.json        one part of its review, and so on for each of `PARTS`

A part holds single figures, tables whose columns `COLUMNS` documents, and shapes that go with the rows of a table of the same name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planning.errors import InputError
from planning.files import atomic_path
from planning.nouns import Plan

VERSION = 1
PARTS = ("gaps", "network", "masks", "scores", "backtest")
_LARGEST = 50_000_000  # bytes
Cell = str | float | int | bool | None
Row = Mapping[str, Cell]
Ring = Sequence[tuple[float, float]]
_SCORE = {"key": str, "weight": float, "before": float, "after": float}
# part -> table -> column -> kind of its cells; shares from 0 to 1, lengths in metres, money in rupees; a column of optional numbers may hold None
COLUMNS: dict[str, dict[str, dict[str, type]]] = {
    "gaps": {
        # share: of all weight
        "stretches": {"share": float, "length_m": float, "road_class": str, "name": str, "ward": str},
        "areas": {"share": float, "area_m2": float, "points": int, "ward": str},
    },
    "network": {
        # capacity_mbps: None where it is not known; cameras: beyond the link
        "segments": {
            "kind": str, "road": str, "length_m": float, "cost_inr": int, "cameras": int, "load_mbps": float, "capacity_mbps": float, "over": bool,
            "seen": bool,
        },
        "kinds": {"kind": str, "pieces": int, "length_m": float, "cost_inr": int},
        "bill": {"head": str, "title": str, "title_hi": str, "quantity": int, "unit": str, "rate_inr": int, "amount_inr": int},
    },
    "masks": {
        # share: of the camera's picture, hidden; metres: of homes' frontage; corners: "u,v u,v …" from 0 to 1, across and down
        "cameras": {"camera": str, "masks": int, "share": float, "metres": float, "known": bool, "turns": bool},
        "masks": {"camera": str, "why": str, "share": float, "metres": float, "corners": str},
    },
    # weight: of demand, or a number of places or incidents
    "scores": {"ward": _SCORE, "road_class": _SCORE, "place": _SCORE, "crime": _SCORE, "hour": _SCORE},
    "backtest": {
        # low, high: of the share, had as many incidents happened by chance elsewhere among these places, or over the draws; pei_low, pei_high alike
        "placements": {
            "who": str, "view": str, "cameras": int, "captured": float, "share": float, "low": float, "high": float, "length_share": float,
            "pai": float, "pei": float, "pei_low": float, "pei_high": float,
        },
        # by how much of the share the plan is ahead of another
        "leads": {"over": str, "view": str, "mean": float, "low": float, "high": float},
    },
}  # fmt: skip
# part -> facts that are numbers, each of which must be there
FACTS: dict[str, tuple[str, ...]] = {
    "gaps": ("unseen", "stretches", "length_m", "areas_share"),
    "network": ("cost_inr", "bound_inr", "gap", "load_mbps", "storage_tb", "retention_days", "new_m", "centre_x_m", "centre_y_m"),
    "masks": ("cameras", "masked"), "scores": (), "backtest": ("learnt", "judged", "left_out", "undated"),
}  # fmt: skip
# columns that hold nothing but these words
WORDS: dict[str, frozenset[str]] = {
    "who": frozenset({"planned", "standing", "random", "junctions", "foresight"}), "view": frozenset({"aimed", "all round"}),
    "over": frozenset({"standing", "junctions"}), "kind": frozenset({"fibre", "stub", "existing", "wireless"}), "why": frozenset({"homes", "zones"}),
}  # fmt: skip
_MAY_LACK = {"capacity_mbps", "low", "high", "pei_low", "pei_high"}


@dataclass(frozen=True, eq=False)
class Review:
    """One part of what was worked out about a plan, and for which city (`city_digest`): `facts` as `FACTS` names them; `tables` as `COLUMNS` has
    them; `shapes`: lines or rings in the city's CRS [m], some for each row of the table of that name; `notes`: sentences on what was assumed.
    """

    part: str
    plan: str
    city_digest: str
    facts: Mapping[str, float]
    tables: Mapping[str, Sequence[Row]]
    shapes: Mapping[str, Sequence[Sequence[Ring]]]
    notes: tuple[str, ...] = ()


def review_path(plan_file: str | Path, part: str) -> Path:
    """Where a part is kept, beside its plan's file."""
    return Path(plan_file).with_suffix(f".{part}.json")


def write_review(review: Review, plan_file: str | Path) -> Path:
    """Keep a part beside its plan's file; returns where.

    Raises
    ------
    InputError: `export.failed`, where it cannot be written.
    """
    target = review_path(plan_file, review.part)
    content = {
        "version": VERSION, "part": review.part, "plan": review.plan, "city_digest": review.city_digest, "facts": dict(review.facts),
        "tables": {name: [dict(row) for row in rows] for name, rows in review.tables.items()},
        "shapes": {
            name: [[[round(value, 2) for point in ring for value in point] for ring in rings] for rings in every]
            for name, every in review.shapes.items()
        },
        "notes": list(review.notes),
    }  # fmt: skip
    try:
        with atomic_path(target) as scratch:
            scratch.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")), encoding="utf-8")
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", target) from None
    return target


def read_review(plan_file: str | Path, part: str, plan: Plan) -> Review | None:
    """The part kept beside a plan's file; None where there is none, or it is another plan's or city's, damaged or strange: it is worked out again."""
    path = review_path(plan_file, part)
    try:
        if path.stat().st_size > _LARGEST:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        if (data["version"], data["part"], data["plan"], data["city_digest"]) != (VERSION, part, plan.id, plan.city_digest):
            return None
        return _review_of(data, part)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _review_of(data: Mapping[str, Any], part: str) -> Review:
    """The part that JSON holds; ValueError, TypeError or KeyError where it is not as `write_review` writes it."""
    tables = {name: tuple(_row(row, columns) for row in data["tables"][name]) for name, columns in COLUMNS[part].items()}
    shapes = {
        str(name): tuple(tuple(_ring(ring) for ring in rings) for rings in every) for name, every in data["shapes"].items()
    }
    facts = {name: float(data["facts"][name]) for name in FACTS[part]}
    if not all(map(math.isfinite, facts.values())):
        raise ValueError("a fact is a number")
    if any(len(every) != len(tables[name]) for name, every in shapes.items()):
        raise ValueError("shapes and rows do not fit together")
    return Review(part, str(data["plan"]), str(data["city_digest"]), facts, tables, shapes, tuple(str(note) for note in data["notes"]))


def _row(row: Mapping[str, Any], columns: Mapping[str, type]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for name, kind in columns.items():
        cell = row[name]
        fits = isinstance(cell, bool) if kind is bool else isinstance(cell, (int, float) if kind is float else kind) and not isinstance(cell, bool)
        if not (fits or (cell is None and name in _MAY_LACK)):
            raise ValueError(f"{name} is a {kind.__name__}")
        if name in WORDS and kind is str and cell not in WORDS[name]:
            raise ValueError(f"{name} is none of {', '.join(sorted(WORDS[name]))}")
        if isinstance(cell, float) and not math.isfinite(cell):
            raise ValueError(f"{name} is no number")
        found[name] = cell
    return found


def _ring(flat: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    values = [float(value) for value in flat]
    if len(values) % 2 or len(values) < 2 or not all(map(math.isfinite, values)):
        raise ValueError("a shape is a row of points")
    return tuple(zip(values[::2], values[1::2], strict=True))
