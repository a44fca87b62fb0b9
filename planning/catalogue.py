"""Cameras, prices, pixel-density levels, demand recipes and written purposes, read from the TOML files in data/.

A file is read whole or not at all: an unknown key, a missing one and a value out of its bounds are all named together in one error. Each price
says whether it is sourced or assumed, so that no assumption is ever shown as a fact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planning.datafile import DATA, Table, read_tables, refuse
from planning.errors import ChaukasError, Fault, ScenarioError
from planning.frames import ROAD_CLASSES
from planning.nouns import CameraModel, Lens, Level

PARTS = ("crime", "roads", "places", "residents", "priority")
NO_PURPOSE = "none"  # of a camera that sees nothing worth watching
KERNELS = ("quartic", "triangular")

# What a price list must hold, and in which unit: capital first, then what each year costs.
PRICE_UNITS: dict[str, str] = {
    "pole_base": "INR a pole of 4 m",
    "pole_per_m": "INR a metre above 4 m",
    "foundation": "INR a pole",
    "junction_box": "INR a site",
    "power_base": "INR a connection",
    "power_per_m": "INR a metre to the nearest building or lamp",
    "power_most": "INR, the most a connection costs",
    "fibre_base": "INR a fibre end",
    "fibre_per_m": "INR a metre of road",
    "radio_link": "INR a link",
    "wall_bracket": "INR a building mount",
    "owner_consent": "INR a building mount",
    "attach_lamp": "INR an existing lamp or pole",
    "yearly_power": "INR/year a site",
    "yearly_link": "INR/year a site",
    "yearly_pole": "INR/year a new pole",
    "yearly_attached": "INR/year a mount on a lamp, pole or wall",
}


@dataclass(frozen=True)
class Price:
    """One head of cost: whole rupees for one `unit`, where the figure comes from, and whether it is an assumption."""

    key: str
    title: str
    title_hi: str
    amount_inr: int
    unit: str
    source: str
    assumed: bool


@dataclass(frozen=True)
class Prices:
    """A price list with every head of `PRICE_UNITS`, in that order."""

    heads: tuple[Price, ...]

    def __getitem__(self, key: str) -> int:
        """The amount of a head [INR]; KeyError for a head no price list has."""
        return {head.key: head.amount_inr for head in self.heads}[key]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """One sentence a head that is assumed rather than sourced."""
        return tuple(f"Assumed: {head.title}, {head.amount_inr} {head.unit}" for head in self.heads if head.assumed)


@dataclass(frozen=True)
class Recipe:
    """What demand is made of. Shares sum to 1; each of the other settings is an assumption a committee may change.

    Parameters
    ----------
    shares: part -> share of all weight, for each of `PARTS`.
    target_m: height of what is to be seen above ground [m].
    wide_m: from this carriageway width on both edges of a road are sampled [m].
    road_weights: road class -> weight of a metre of it, against the other classes.
    crime_kernel, crime_bandwidth_m: kernel along the network and its reach [m].
    crime_snap_m: an incident farther than this from every street counts for none [m].
    half_life_days: an incident this much older than the newest counts half [days].
    severity: category -> weight of one incident; `other` stands for categories not named.
    place_bandwidth_m, place_snap_m: as for crime [m].
    place_weights: kind of place -> weight; `other` stands for kinds not named.
    place_own_kinds: kinds of place that get a demand point of their own; `place_own_share` of their weight goes to it.
    nearest_points: how many street points share a building's residents.
    area_spacing_m: grid in zones of kind area [m]. area_weight: a grid step of it against a metre of street of weight 1.
    """

    key: str
    title: str
    title_hi: str
    shares: Mapping[str, float]
    target_m: float
    wide_m: float
    road_weights: Mapping[str, float]
    crime_kernel: str
    crime_bandwidth_m: float
    crime_snap_m: float
    half_life_days: float
    severity: Mapping[str, float]
    place_bandwidth_m: float
    place_snap_m: float
    place_own_share: float
    place_own_kinds: tuple[str, ...]
    place_weights: Mapping[str, float]
    nearest_points: int
    area_spacing_m: float
    area_weight: float


@dataclass(frozen=True)
class PurposeWords:
    """What data/written_purposes.toml says: `second_share`, `places_within_m`, and title and Hindi title by key; keys of places are place.KIND."""

    second_share: float
    places_within_m: float
    titles: Mapping[str, tuple[str, str]]


def load_models(path: str | Path = DATA / "cameras.toml") -> dict[str, CameraModel]:
    """The camera catalogue, by model key in the file's order.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    models: dict[str, CameraModel] = {}
    for key, entry in data.items():
        table = Table(key, entry, faults)
        before = len(faults)
        fields: dict[str, Any] = {
            "title": table.text("title"), "title_hi": table.text("title_hi"), "kind": table.text("kind"), "source": table.text("source"),
            "width_px": table.whole("width_px", 1, 100_000), "height_px": table.whole("height_px", 1, 100_000),
            "lenses": _lenses(table), "night_range_m": table.number("night_range_m", 0, 2_000), "price_inr": table.whole("price_inr", 0, 10**9),
            "upkeep_inr_per_year": table.whole("upkeep_inr_per_year", 0, 10**9), "power_w": table.number("power_w", 0, 10_000),
            "stream_mbps": table.number("stream_mbps", 0, 10_000),
        }  # fmt: skip
        table.close()
        if len(faults) > before:
            continue
        try:
            models[key] = CameraModel(key=key, **fields)
        except ChaukasError as error:
            faults.extend(error.faults)
    refuse(faults, models, path)
    return models


def _lenses(table: Table) -> tuple[Lens, ...]:
    given = table.take("lenses")
    if not isinstance(given, list):
        table.fault("catalogue.type", "lenses must be a list of { hfov_deg = …, vfov_deg = … }", given)
        return ()
    lenses = []
    for number, item in enumerate(given, start=1):
        lens = table.inner(f"lenses[{number}]", item)
        lenses.append(Lens(lens.number("hfov_deg", 0.1, 360), lens.number("vfov_deg", 0.1, 180)))
        lens.close()
    return tuple(lenses)


def load_prices(path: str | Path = DATA / "prices.toml") -> Prices:
    """The price list; every head of `PRICE_UNITS` must be there, and no other.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    book = Table(Path(path).name, data, faults)
    heads = []
    for key, unit in PRICE_UNITS.items():
        table = book.table(key)
        if key in data:
            heads.append(
                Price(
                    key, table.text("title"), table.text("title_hi"), table.whole("amount_inr", 0, 10**9), table.text("unit", [unit]),
                    table.text("source"), table.flag("assumed"),
                )
            )  # fmt: skip
            table.close()
    book.close()
    refuse(faults, heads, path)
    return Prices(tuple(heads))


def load_levels(path: str | Path = DATA / "levels.toml") -> dict[str, Level]:
    """The pixel-density levels of every profile, by key; keys of a later edition begin with its year.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    levels = {}
    for key, entry in data.items():
        table = Table(key, entry, faults)
        levels[key] = Level(key, table.number("px_per_m", 0.1, 100_000), table.text("title"), table.text("title_hi"), table.text("profile"))
        table.close()
    refuse(faults, levels, path)
    return levels


def load_recipe(key: str, folder: str | Path = DATA / "recipes") -> Recipe:
    """The recipe of that key: the file KEY.toml of the folder.

    Raises
    ------
    ScenarioError: `recipe.unknown`. InputError: with every fault of the file.
    """
    known = _recipe_files(folder)
    if key not in known:
        raise ScenarioError.one("recipe.unknown", "There is no such recipe", f"Choose one of {', '.join(known) or 'none'}", key)
    return _parse_recipe(key, known[key])


def list_recipes(folder: str | Path = DATA / "recipes") -> dict[str, Recipe]:
    """Every recipe of the folder by key, in the order of keys.

    Raises
    ------
    InputError: with every fault of the first faulty file.
    """
    return {key: _parse_recipe(key, path) for key, path in _recipe_files(folder).items()}


def _recipe_files(folder: str | Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(Path(folder).glob("*.toml")) if re.fullmatch(r"[a-z0-9][a-z0-9-]*", path.stem)}


def _parse_recipe(key: str, path: Path) -> Recipe:
    data, faults = read_tables(path)
    book = Table(path.name, data, faults)
    shares, roads, crime, places, residents, area = (book.table(name) for name in ("shares", "roads", "crime", "places", "residents", "area"))
    recipe = Recipe(
        key=key,
        title=book.text("title"),
        title_hi=book.text("title_hi"),
        shares=shares.weights(*PARTS, only=True, most=1),
        target_m=book.number("target_m", 0, 10),
        wide_m=roads.number("wide_m", 4, 1_000),
        road_weights=(road_weights := roads.table("weights")).weights(*ROAD_CLASSES, only=True),
        crime_kernel=crime.text("kernel", KERNELS),
        crime_bandwidth_m=crime.number("bandwidth_m", 10, 1_000),
        crime_snap_m=crime.number("snap_m", 1, 500),
        half_life_days=crime.number("half_life_days", 1, 100_000),
        severity=(severity := crime.table("severity")).weights("other"),
        place_bandwidth_m=places.number("bandwidth_m", 10, 1_000),
        place_snap_m=places.number("snap_m", 1, 500),
        place_own_share=places.number("own_share", 0, 1),
        place_own_kinds=places.texts("own_kinds"),
        place_weights=(place_weights := places.table("weights")).weights("other"),
        nearest_points=residents.whole("nearest_points", 1, 50),
        area_spacing_m=area.number("spacing_m", 1, 500),
        area_weight=area.number("weight", 0, 1e6),
    )
    for table in (book, shares, roads, road_weights, crime, severity, places, place_weights, residents, area):
        table.close()
    total = sum(recipe.shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        faults.append(Fault("recipe.shares", f"{path.name}: the shares must sum to 1", "Change the shares", f"{total:g}"))
    refuse(faults, [recipe], path)
    return recipe


def load_written_purposes(path: str | Path = DATA / "written_purposes.toml") -> PurposeWords:
    """The settings of a file.

    Raises
    ------
    InputError: with every fault of the file. FileRefused: no such file.
    """
    data, faults = read_tables(path)
    book = Table(Path(path).name, data, faults)
    rule, parts = book.table("rule"), book.table("part")
    titles = {}
    for key in (*PARTS, NO_PURPOSE):
        table = parts.table(key)
        titles[key] = (table.text("title"), table.text("title_hi"))
        table.close()
    parts.close()
    given = book.take("place")
    kinds = book.inner("place", given if given is not None else {})
    for kind in given if isinstance(given, dict) else ():
        table = kinds.table(kind)
        titles[f"place.{kind}"] = (table.text("title"), table.text("title_hi"))
        table.close()
    settings = PurposeWords(rule.number("second_share", 0, 1), rule.number("places_within_m", 0, 500), titles)
    rule.text("source")
    rule.flag("assumed")
    rule.close()
    book.close()
    refuse(faults, titles, path)
    return settings
