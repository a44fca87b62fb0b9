"""What is asked of cameras in certain places beyond the scenario's level: to know a face at main junctions, to read a plate on the ways out.

Each demand point has one purpose. It is met where a camera lays enough pixels on the target, not from too steep above it, and, for a plate, not from
too far aside of the street:

    from the side                       from above
    camera *                            street  ======> -------- line of sight
            \\ steep_deg                              \\ aside_deg
             \\___ target                              * camera
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from planning.city import City
from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import Fault, ScenarioError
from planning.frames import ROAD_CLASSES
from planning.geometry import Bools, Floats, along, near_any
from planning.movement import find_gateways, load_movement_figures
from planning.nouns import Level

STREET = "street"  # the purpose of every point no other is asked for


@dataclass(frozen=True)
class Purpose:
    """What a camera must do: the level of each profile, the target's height, and the steepest and most slanting view that still serves."""

    key: str
    title: str
    title_hi: str
    level: str
    level_2025: str
    target_m: float
    steep_most_deg: float
    aside_most_deg: float
    source: str
    assumed: bool


@dataclass(frozen=True)
class Place:
    """Where a purpose may be asked for: how near a point must be [m], and what makes such a place."""

    key: str
    title: str
    title_hi: str
    within_m: float
    arms: int
    road_classes: tuple[str, ...]
    source: str
    assumed: bool


@dataclass(frozen=True)
class Purposes:
    """All purposes and places of the data, by key."""

    purposes: dict[str, Purpose]
    places: dict[str, Place]


def load_purposes(path: str | Path = DATA / "purposes.toml") -> Purposes:
    """What data/purposes.toml holds.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    whole = Table("purposes", data, faults)
    purposes, places = whole.take("purpose") or {}, whole.take("place") or {}
    whole.close()
    found = Purposes(
        {key: _purpose(key, Table(f"purpose.{key}", entry, faults)) for key, entry in purposes.items()},
        {key: _place(key, Table(f"place.{key}", entry, faults)) for key, entry in places.items()},
    )
    refuse(faults, found.purposes and found.places, path)
    return found


def _purpose(key: str, table: Table) -> Purpose:
    purpose = Purpose(
        key, table.text("title"), table.text("title_hi"), table.text("level"), table.text("level_2025"), table.number("target_m", 0, 10),
        table.number("steep_most_deg", 1, 90), table.number("aside_most_deg", 1, 180), table.text("source"), table.flag("assumed"),
    )  # fmt: skip
    table.close()
    return purpose


def _place(key: str, table: Table) -> Place:
    place = Place(
        key, table.text("title"), table.text("title_hi"), table.number("within_m", 0, 1000), table.whole("arms", 0, 10), table.texts("road_classes"),
        table.text("source"), table.flag("assumed"),
    )  # fmt: skip
    for name in place.road_classes:
        if name not in ROAD_CLASSES:
            table.fault("catalogue.value", f"road_classes must be among {', '.join(ROAD_CLASSES)}", name)
    table.close()
    return place


def parse_purposes(wishes: Sequence[str], known: Purposes) -> dict[str, str]:
    """Wishes such as "junctions=face" as place -> purpose.

    Raises
    ------
    ScenarioError: `scenario.purpose` for each that cannot be read, names what is not known, or asks twice for one place.
    """
    faults, found = [], dict[str, str]()
    for text in wishes:
        place, _, purpose = text.partition("=")
        if place not in known.places or purpose not in known.purposes:
            way_out = f"Write PLACE=PURPOSE of {', '.join(known.places)} and {', '.join(known.purposes)}"
            faults.append(Fault("scenario.purpose", "No such place or purpose is known", way_out, text))
        elif place in found:
            faults.append(Fault("scenario.purpose", "Two purposes are asked of one place", "Ask one", text))
        else:
            found[place] = purpose
    if faults:
        raise ScenarioError(faults)
    return found


def ask_purposes(city: City, demand: gpd.GeoDataFrame, wishes: Sequence[str], levels: dict[str, Level], level: str) -> gpd.GeoDataFrame:
    """The demand with what each of its points asks.

    A point that several places claim takes the purpose that is asked last. A purpose's level is of the edition of the scenario's own.

    Parameters
    ----------
    demand: of `planning.demand`.
    wishes: such as "junctions=face".
    levels, level: all levels, and the scenario's own, which every other point asks.

    Returns
    -------
    A copy with the columns purpose, px_per_m, target_m (both as asked), steep_most_deg, aside_most_deg (180 for any side) and street_deg, the
    street's direction there, 0 to 180, NaN off the streets. `attrs["notes"]` says how many points ask what.

    Raises
    ------
    ScenarioError: `scenario.purpose` as `parse_purposes`, and where no demand lies at such a place.
    """
    known = load_purposes()
    asked = parse_purposes(wishes, known)
    found = demand.copy()
    found["purpose"] = STREET
    found["px_per_m"], found["steep_most_deg"], found["aside_most_deg"] = levels[level].px_per_m, 90.0, 180.0
    found["street_deg"] = _street_deg(city, demand)
    notes, faults = list(demand.attrs.get("notes", ())), []
    for place, key in asked.items():
        rows, purpose = _at(city, demand, known.places[place]), known.purposes[key]
        if not rows.any():
            faults.append(Fault("scenario.purpose", "No demand lies at such a place in this city", "Leave this wish away", f"{place}={key}"))
        name = purpose.level_2025 if level.startswith("2025.") else purpose.level
        found.loc[rows, ["purpose"]] = key
        for column, value in (
            ("px_per_m", levels[name].px_per_m), ("target_m", purpose.target_m), ("steep_most_deg", purpose.steep_most_deg),
            ("aside_most_deg", purpose.aside_most_deg),
        ):  # fmt: skip
            found.loc[rows, column] = value
        share = float(demand["weight"].to_numpy()[rows].sum() / max(demand["weight"].sum(), 1e-12))
        notes.append(f"{int(rows.sum())} points ({100 * share:.1f} % of all weight) ask purpose {key}: {levels[name].px_per_m:g} px/m ({place})")
    if faults:
        raise ScenarioError(faults)
    found.attrs["notes"] = tuple(notes)
    return found


def _at(city: City, demand: gpd.GeoDataFrame, place: Place) -> Bools:
    """Which points lie at such a place (n_demand,)."""
    if place.key == "priority":
        return np.asarray(demand["part_priority"].to_numpy(dtype=np.float64) > 0)
    roads = city["roads"]
    main = roads[roads["road_class"].isin(place.road_classes).to_numpy() & ~roads["tunnel"].to_numpy(dtype=bool)]
    if place.key == "junctions":
        spots = np.asarray(main_junctions(city, main, place.arms))
    else:
        spots = shapely.points(find_gateways(city, main, load_movement_figures()).xy)
    return near_any(np.asarray(demand.geometry.array), spots, place.within_m)


def main_junctions(city: City, main: gpd.GeoDataFrame, arms: int) -> gpd.GeoSeries:
    """Junctions with signals, and those where this many of the main streets meet."""
    junctions = city["junctions"]
    ends = np.concatenate([main["from_junction"].to_numpy(dtype=object), main["to_junction"].to_numpy(dtype=object)]).astype(str)
    labels, counts = np.unique(ends, return_counts=True)
    many = set(labels[counts >= arms])
    chosen = junctions["signals"].to_numpy(dtype=bool) | np.array([str(label) in many for label in junctions.index], dtype=bool)
    return junctions.geometry[chosen]


def _street_deg(city: City, demand: gpd.GeoDataFrame) -> Floats:
    """The direction of each point's street there, without regard to which way, from 0 up to 180; NaN where it has none (n_demand,)."""
    roads = {str(label): line for label, line in city["roads"].geometry.items()}
    streets = demand["road"].astype(str).to_numpy(dtype=object)
    on = np.array([street in roads for street in streets], dtype=bool)
    found: Floats = np.full(len(demand), np.nan)
    if on.any():
        lines = np.array([roads[street] for street in streets[on]], dtype=object)
        _, normal = along(lines, shapely.line_locate_point(lines, np.asarray(demand.geometry.array)[on]))
        found[on] = np.degrees(np.arctan2(normal[:, 1], -normal[:, 0])) % 180.0
    return found
