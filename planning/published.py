"""Which plans anyone may read: those with a small file beside them that says since when. One door, so that it can be kept elsewhere one day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from planning.city import City
from planning.errors import Fault, InputError
from planning.files import atomic_path
from planning.nouns import Plan

SUFFIX = ".published.json"
_ID = re.compile(r"[0-9a-f]{12}")


def published(city: City) -> tuple[str, ...]:
    """Ids of the city's plans that anyone may read, sorted; of each the plan's own file stands in the city's folder `plans`."""
    return () if city.folder is None else published_in(city.folder)


def published_in(home: Path) -> tuple[str, ...]:
    """As `published`, of a city's folder, whose layers need not be loaded."""
    folder = home / "plans"
    ids = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    return tuple(sorted(plan_id for plan_id in ids if _ID.fullmatch(plan_id) and (folder / f"{plan_id}.gpkg").is_file()))


def publish(plan: Plan, city: City) -> None:
    """Let anyone read a plan.

    Raises
    ------
    InputError: `publish.unverified` for a plan no second computation confirmed; `publish.city` where the city changed since it was made;
    `publish.place` where it does not lie in the city's folder `plans`; `export.failed` where the note cannot be written.
    """
    faults = []
    if not plan.verified:
        faults.append(Fault("publish.unverified", "The plan is not verified", "Make it again with `chaukas plan`", plan.id))
    if plan.city_digest != city.digest:
        what = "The plan was made for another state of the city"
        faults.append(Fault("publish.city", what, "Plan again", f"{plan.city_digest}, not {city.digest}"))
    note = _note(plan, city)
    if note is None:
        what = "The plan does not lie in its city's folder `plans`"
        faults.append(Fault("publish.place", what, "Put its file there under its id", f"{plan.id}.gpkg"))
    if faults:
        raise InputError(faults)
    assert note is not None
    try:
        with atomic_path(note) as scratch:
            scratch.write_text(json.dumps({"plan": plan.id, "since": datetime.now(UTC).isoformat(timespec="seconds")}), encoding="utf-8")
    except OSError as error:
        raise InputError.one("export.failed", f"The file could not be written: {error}", "Check the folder and the space left", note) from None


def unpublish(plan: Plan, city: City) -> bool:
    """Take a plan back; False where it was not published."""
    note = _note(plan, city)
    if note is None or not note.is_file():
        return False
    note.unlink()
    return True


def _note(plan: Plan, city: City) -> Path | None:
    if city.folder is None or not (city.folder / "plans" / f"{plan.id}.gpkg").is_file():
        return None
    return city.folder / "plans" / f"{plan.id}{SUFFIX}"
