"""A plan's review in words and rows, as the Review and Plan screens, the report and the terminal say it."""

from __future__ import annotations

from collections.abc import Mapping

from planning.city import City
from planning.nouns import Plan
from planning.reviews import Review, Row
from screens import library
from screens.library import PlanFile
from screens.words import Words

NO_DATES = "test.no_dates"


def kept_reviews(plan: Plan, file: PlanFile) -> dict[str, Review]:
    """The parts of a plan's review that a report tells, where they are kept beside its file."""
    found = {part: library.review(plan, file, part) for part in ("gaps", "backtest")}
    return {part: kept[0] for part, kept in found.items() if kept is not None}


def without_dates(city: City) -> bool:
    """Whether no incident of the city has a date, so that none is later than another."""
    return not bool(city["incidents"]["when"].notna().any())


def place_of(row: Row, said: Words) -> str:
    """The name of a street out of view, or that it has none."""
    return str(row["name"]) or said.say("review.unnamed")


def placement_name(row: Row, said: Words) -> str:
    """Who placed cameras."""
    return said.say(f"test.{row['who']}")


def _ends(low: object, high: object, said: Words) -> str:
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return "–"
    return f"{said.number(100 * low, 1)}–{said.share(high)}"


def placement_rows(review: Review, said: Words, view: str) -> list[tuple[str, ...]]:
    """The placements of one view: who, cameras, share captured with its ends, share of street length, PAI, PEI* with its ends."""
    rows: list[tuple[str, ...]] = []
    for row in review.tables["placements"]:
        if row["view"] != view:
            continue
        number = {name: float(str(row[name])) for name in ("cameras", "share", "length_share", "pai", "pei")}
        low, high = row["pei_low"], row["pei_high"]
        between = f"{said.number(float(low), 3)}–{said.number(float(high), 3)}" if isinstance(low, float) and isinstance(high, float) else "–"
        rows.append((
            placement_name(row, said), said.number(number["cameras"]), said.share(number["share"]), _ends(row["low"], row["high"], said),
            said.share(number["length_share"]), said.number(number["pai"], 2), said.number(number["pei"], 3), between,
        ))  # fmt: skip
    return rows


def back_test_line(review: Review, said: Words) -> str:
    """What a back-test found, in a sentence: the plan's share with its ends, PAI and PEI*, and the shares of the others."""
    rows: Mapping[str, Row] = {str(row["who"]): row for row in review.tables["placements"] if row["view"] == "aimed"}
    if "planned" not in rows:
        return said.say("test.nothing")
    mine = rows["planned"]
    them = [rows[who] for who in ("random", "standing", "junctions") if who in rows]
    others = [f"{placement_name(row, said)} {said.share(float(str(row['share'])))}" for row in them]
    return said.say(
        "test.line", n=said.number(review.facts["judged"]), share=said.share(float(str(mine["share"]))), ends=_ends(mine["low"], mine["high"], said),
        pai=said.number(float(str(mine["pai"])), 2), pei=said.number(float(str(mine["pei"])), 3), others="; ".join(others),
    )  # fmt: skip
