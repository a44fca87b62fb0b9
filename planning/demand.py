"""Demand: what is worth seeing, where, and how much of the whole it is.

    weight = part_crime + part_roads + part_places + part_residents + part_priority       so "why here" is answered part by part
             each part sums, over the city, to its share in the recipe of 1,000,000

Streets are sampled in equal cells, and a cell's point holds all that fell on the cell. A part without data gives its share to the others in
proportion; whatever was moved, merged or left out is counted in `attrs["notes"]`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from planning.catalogue import PARTS, Recipe
from planning.city import City
from planning.errors import CityError, ScenarioError
from planning.geometry import Bools, Floats, Ints, Shapes, along, first_area, keep_apart, near_any
from planning.network import cut_cells, kernel_mass, snap, street_graph

TOTAL = 1_000_000.0
KINDS = ("road", "place", "area")
RESIDENTIAL = frozenset({
    "yes", "residential", "house", "apartments", "terrace", "detached", "semidetached_house", "bungalow", "dormitory", "hut", "cabin", "farm",
})  # fmt: skip
_MOST_AREA_POINTS = 500_000
_BUILT_M = 60.0  # a street point this near to a building's middle is built up
_LEAST_BUILT = 0.3  # where fewer of the street points are built up, buildings are mapped too thinly to say where people live
_KERB_M = 1.0  # a point on a wide road's edge stands this far inside the carriageway


@dataclass
class _Points:
    """Points under way: place, kind (number in KINDS), street (-1 for none), cell of the street, and the amounts of each part so far."""

    xy: Floats
    kind: Ints
    edge: Ints
    length_m: Floats
    parts: dict[str, Floats] = field(default_factory=dict)

    def take(self, keep: Bools | Ints) -> _Points:
        """The points of a mask or of numbers, with their amounts."""
        parts = {part: amount[keep] for part, amount in self.parts.items()}
        return _Points(self.xy[keep], self.kind[keep], self.edge[keep], self.length_m[keep], parts)

    def join(self, other: _Points) -> _Points:
        """These points, then the others."""
        parts = {part: np.concatenate([self.parts[part], other.parts[part]]) for part in self.parts}
        return _Points(
            np.concatenate([self.xy, other.xy]), np.concatenate([self.kind, other.kind]), np.concatenate([self.edge, other.edge]),
            np.concatenate([self.length_m, other.length_m]), parts,
        )  # fmt: skip


def build_demand(city: City, recipe: Recipe, *, spacing_m: float = 10.0) -> gpd.GeoDataFrame:
    """The demand of a city under a recipe.

    Parameters
    ----------
    spacing_m: distance between points along a street [m]; each street is cut into equal cells as near to it as can be.

    Returns
    -------
    Points with index d0000001 … in the order of street ids, then places, then areas, and the columns kind (road, place, area), road (its street's
    id, "" in areas), road_class, ward (label, "" outside every ward), target_m (height of what is to be seen above ground), part_crime, part_roads,
    part_places, part_residents, part_priority and weight, their sum. All weights together are 1,000,000. `attrs["notes"]` holds sentences.

    Raises
    ------
    ScenarioError: `demand.spacing`. CityError: `demand.streets`, `demand.nothing` or `demand.area`.
    """
    if not (np.isfinite(spacing_m) and 1 <= spacing_m <= 200):
        raise ScenarioError.one("demand.spacing", "Demand spacing must lie between 1 and 200 m", "Use 10", spacing_m)
    every = city["roads"].sort_index(kind="stable")
    roads = every[~every["tunnel"].to_numpy(bool)]
    if not len(roads):
        raise CityError.one("demand.streets", "The city has no street above ground", "Import streets", city.name)
    notes = [f"{len(every) - len(roads)} street pieces in tunnels are left out"] if len(roads) < len(every) else []
    points = _sources(city, recipe, roads, spacing_m, notes)
    points = _tidy(city, points, roads, spacing_m, notes)
    points.parts["residents"] = _residents(city, recipe, points, notes)
    points.parts["priority"] = np.zeros(len(points.xy))
    shares = _shares(city, recipe, points, notes)
    amounts = {part: TOTAL * shares[part] * _normal(points.parts[part]) for part in PARTS}
    amounts["priority"] = TOTAL * shares["priority"] * _normal(_priority(city, points, sum(amounts.values(), np.zeros(len(points.xy)))))
    return _frame(city, recipe, roads, points, amounts, notes)


def _normal(amount: Floats) -> Floats:
    total = amount.sum()
    return np.asarray(amount / total if total > 0 else np.zeros_like(amount), dtype=np.float64)


# ---- where there is demand -------------------------------------------------------------------------------------------------------------------


def _sources(city: City, recipe: Recipe, roads: gpd.GeoDataFrame, spacing_m: float, notes: list[str]) -> _Points:
    """Points of places, streets and areas, in the order in which they are kept when they stand too close, with crime, roads and places laid in."""
    lines, graph = roads.geometry.to_numpy(), street_graph(roads)
    cells = cut_cells(graph.length_m, spacing_m)
    points, cell, portion = _street_points(roads, lines, graph.length_m, cells, recipe)
    incidents = city["incidents"].sort_index(kind="stable")
    edge, position = snap(incidents.geometry.to_numpy(), lines, within_m=recipe.crime_snap_m)
    _note_far(notes, edge, "incidents", recipe.crime_snap_m)
    laid = _severity(incidents, recipe, notes)
    near = edge >= 0
    crime = kernel_mass(graph, edge[near], position[near], laid[near], cells, bandwidth_m=recipe.crime_bandwidth_m, kernel=recipe.crime_kernel)

    places = city["places"].sort_index(kind="stable")
    edge, position = snap(places.geometry.to_numpy(), lines, within_m=recipe.place_snap_m)
    _note_far(notes, edge, "places", recipe.place_snap_m)
    laid = np.array([recipe.place_weights.get(kind, recipe.place_weights["other"]) for kind in places["kind"]], dtype=np.float64)
    own, shown = _own_points(city, places, roads, edge, position, recipe, notes)
    own.parts = {"crime": np.zeros(len(shown)), "roads": np.zeros(len(shown)), "places": laid[shown] * recipe.place_own_share}
    laid[shown] *= 1 - recipe.place_own_share
    near = edge >= 0
    gathered = kernel_mass(graph, edge[near], position[near], laid[near], cells, bandwidth_m=recipe.place_bandwidth_m)

    by_class = np.array([recipe.road_weights[name] for name in roads["road_class"]], dtype=np.float64)
    points.parts = {"crime": crime[cell] * portion, "roads": by_class[points.edge] * points.length_m, "places": gathered[cell] * portion}
    return own.join(points).join(_area_points(city, recipe))


def _street_points(roads: gpd.GeoDataFrame, lines: Shapes, length_m: Floats, cells: Ints, recipe: Recipe) -> tuple[_Points, Ints, Floats]:
    """A point in the middle of each cell, or one at either edge of a wide road; which cell each belongs to, and its portion of that."""
    edge = np.repeat(np.arange(len(lines), dtype=np.int64), cells)
    step = (length_m / cells)[edge]
    number = np.arange(len(edge)) - np.repeat(np.cumsum(cells) - cells, cells)
    axis, normal = along(lines[edge], (number + 0.5) * step)
    width = roads["width_m"].to_numpy(np.float64)[edge]
    times = np.where(width > recipe.wide_m, 2, 1)
    cell = np.repeat(np.arange(len(edge), dtype=np.int64), times)
    second = np.concatenate([[False], cell[1:] == cell[:-1]])
    offset = np.where(times[cell] == 1, 0.0, (width[cell] / 2 - _KERB_M) * np.where(second, -1, 1))
    points = _Points(axis[cell] + normal[cell] * offset[:, None], np.zeros(len(cell), np.int64), edge[cell], step[cell] / times[cell])
    return points, cell, 1.0 / times[cell]


def _severity(incidents: gpd.GeoDataFrame, recipe: Recipe, notes: list[str]) -> Floats:
    """What each incident weighs: its category's severity, halved every `half_life_days` before the newest incident.

    An incident without a date weighs like the average dated one.
    """
    category = incidents["category"]
    unnamed = ~category.isin(list(recipe.severity))
    if unnamed.any():
        notes.append(f"{int(unnamed.sum())} incidents of categories the recipe does not name weigh as other")
    weight = np.array([recipe.severity.get(name, recipe.severity["other"]) for name in category], dtype=np.float64)
    when = incidents["when"]
    dated = when.notna().to_numpy()
    if dated.any():
        age_days = ((when.max() - when).dt.total_seconds() / 86_400).to_numpy(np.float64)
        decay = 0.5 ** (age_days / recipe.half_life_days)
        weight *= np.where(dated, decay, decay[dated].mean())
    if not dated.all():
        notes.append(f"{int((~dated).sum())} incidents have no date and weigh like the average dated one")
    return weight


def _own_points(
    city: City, places: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, edge: Ints, position: Floats, recipe: Recipe, notes: list[str]
) -> tuple[_Points, Ints]:
    """Points of their own for the kinds the recipe names: on the street's side that faces the place; and the rows of places that got one."""
    rows = np.flatnonzero((edge >= 0) & places["kind"].isin(recipe.place_own_kinds).to_numpy() & (recipe.place_own_share > 0))
    axis, _ = along(roads.geometry.to_numpy()[edge[rows]], position[rows])
    toward = shapely.get_coordinates(places.geometry.to_numpy()[rows]) - axis
    far = np.hypot(toward[:, 0], toward[:, 1])
    reach = np.minimum(far, roads["width_m"].to_numpy(np.float64)[edge[rows]] / 2 + 0.5)
    xy = axis + toward * (reach / np.where(far > 0, far, 1.0))[:, None]
    footprints = city["buildings"].geometry.to_numpy()
    walled = near_any(shapely.points(xy), footprints, 0.0)
    xy[walled] = axis[walled]
    free = ~near_any(shapely.points(xy), footprints, 0.0)
    if not free.all():
        notes.append(f"{int((~free).sum())} places stand where their street runs under a building and get no point of their own")
    kept = int(free.sum())
    return _Points(xy[free], np.full(kept, 1, np.int64), edge[rows][free], np.zeros(kept)), rows[free].astype(np.int64)


def _area_points(city: City, recipe: Recipe) -> _Points:
    """A grid over the zones of kind area, aligned to whole steps of the CRS so that zones that overlap share their points."""
    zones = city["zones"]
    union = shapely.intersection(shapely.union_all(zones.geometry.to_numpy()[(zones["kind"] == "area").to_numpy()]), city.area)
    step = recipe.area_spacing_m
    xy = np.zeros((0, 2))
    if not union.is_empty and union.area > 0:
        if union.area / step**2 > _MOST_AREA_POINTS:
            raise CityError.one(
                "demand.area", "The zones to be watched as areas are too large for their grid", "Widen its spacing", f"{union.area:.0f} m2"
            )
        low_x, low_y, high_x, high_y = (int(np.floor(bound / step)) for bound in union.bounds)
        columns = (np.arange(low_x, high_x + 1) + 0.5) * step
        shapely.prepare(union)
        rows = []
        for row in range(low_y, high_y + 1):
            inside = shapely.intersects_xy(union, columns, (row + 0.5) * step)
            rows.append(np.stack([columns[inside], np.full(int(inside.sum()), (row + 0.5) * step)], axis=1))
        xy = np.concatenate(rows)
    count = len(xy)
    parts = {"crime": np.zeros(count), "roads": np.full(count, recipe.area_weight * step), "places": np.zeros(count)}
    return _Points(xy, np.full(count, 2, np.int64), np.full(count, -1, np.int64), np.full(count, step), parts)


def _tidy(city: City, points: _Points, roads: gpd.GeoDataFrame, spacing_m: float, notes: list[str]) -> _Points:
    """Points out of footprints, inside the study area, outside no_view zones, and merged where nearer than a third of the spacing."""
    footprints = city["buildings"].geometry.to_numpy()
    street = points.kind == 0
    walled = np.flatnonzero(near_any(shapely.points(points.xy), footprints, 0.0) & street)
    lines = roads.geometry.to_numpy()[points.edge[walled]]
    points.xy[walled] = along(lines, shapely.line_locate_point(lines, shapely.points(points.xy[walled])))[0]
    shapes = shapely.points(points.xy)
    zones = city["zones"]
    hidden = first_area(shapes, zones.geometry.to_numpy()[(zones["kind"] == "no_view").to_numpy()]) >= 0
    inside = near_any(shapes, footprints, 0.0)
    outside = first_area(shapes, np.array([city.area], dtype=object)) < 0
    reasons = (
        (inside & street, "street points under buildings"),
        (inside & ~street, "points of places and areas inside buildings"),
        (hidden & ~inside, "points in zones that must not be viewed"),
        (outside & ~inside & ~hidden, "points outside the study area"),
    )
    for left, why in reasons:
        if left.any():
            notes.append(f"{int(left.sum())} {why} are left out")
    points = points.take(~(inside | hidden | outside))
    if not len(points.xy):
        raise CityError.one(
            "demand.nothing", "No demand point is left", "Check the study area and the zones that must not be viewed", "; ".join(notes)
        )
    stands = keep_apart(points.xy, spacing_m / 3)
    kept = np.flatnonzero(stands == np.arange(len(stands)))
    if len(kept) < len(stands):
        notes.append(f"{len(stands) - len(kept)} points nearer than {spacing_m / 3:.1f} m to another are merged with it")
    into = np.searchsorted(kept, stands)
    merged = points.take(kept)
    merged.parts = {part: np.asarray(np.bincount(into, amount, len(kept)), dtype=np.float64) for part, amount in points.parts.items()}
    merged.length_m = np.asarray(np.bincount(into, points.length_m, len(kept)), dtype=np.float64)
    return merged.take(np.argsort(merged.kind, kind="stable"))


# ---- how much ------------------------------------------------------------------------------------------------------------------------------------


def _residents(city: City, recipe: Recipe, points: _Points, notes: list[str]) -> Floats:
    """People a point: each building's residents, shared by the nearest street points; wards with too few buildings by length of street."""
    amount = np.zeros(len(points.xy))
    street = np.flatnonzero(points.kind == 0)
    if not len(street):
        return amount
    buildings, wards = city["buildings"].sort_index(kind="stable"), city["wards"].sort_index(kind="stable")
    centres = shapely.centroid(buildings.geometry.to_numpy())
    ward_of = first_area(centres, wards.geometry.to_numpy())
    here = first_area(shapely.points(points.xy[street]), wards.geometry.to_numpy())
    built = np.zeros(len(street), bool)
    if len(buildings):
        built = cKDTree(shapely.get_coordinates(centres)).query(points.xy[street])[0] <= _BUILT_M
    population = wards["population"].to_numpy(np.float64)
    if (population > 0).any():
        mapped = np.array([not (here == ward).any() or built[here == ward].mean() >= _LEAST_BUILT for ward in range(len(wards))])
        people, roofless = _people_of_wards(buildings, population, ward_of, mapped, notes)
    elif built.mean() >= _LEAST_BUILT:
        people, roofless = _volume(buildings), {}
        notes.append("No ward has a population: residents are taken by building volume alone")
    else:
        if len(buildings):
            notes.append(f"Buildings are mapped along {built.mean():.0%} of the streets: too few to say where people live without ward populations")
        return amount
    lived = np.flatnonzero(people > 0)
    if len(lived):
        count = min(recipe.nearest_points, len(street))
        _, nearest = cKDTree(points.xy[street]).query(shapely.get_coordinates(centres[lived]), k=list(range(1, count + 1)))
        np.add.at(amount, street[nearest], (people[lived] / count)[:, None])
    if roofless:
        streetless = 0
        for ward, residents in roofless.items():
            members = street[here == ward]
            if len(members):
                amount[members] += residents * points.length_m[members] / points.length_m[members].sum()
            else:
                streetless += 1
        notes.append(f"{len(roofless)} wards with no or too few buildings mapped have their residents spread along their streets")
        if streetless:
            notes.append(f"{streetless} wards have residents but neither building nor street; they weigh nothing")
    return amount


def _volume(buildings: gpd.GeoDataFrame) -> Floats:
    """Cubic metres of each home; of each building where none is marked as a home."""
    volume = shapely.area(buildings.geometry.to_numpy()) * buildings["height_m"].to_numpy(np.float64)
    home = buildings["kind"].isin(RESIDENTIAL).to_numpy()
    return np.where(home, volume, 0.0) if home.any() else volume


def _people_of_wards(
    buildings: gpd.GeoDataFrame, population: Floats, ward_of: Ints, mapped: Bools, notes: list[str]
) -> tuple[Floats, dict[int, float]]:  # fmt: skip
    """Residents of each building by its volume, and of each ward (by number) that has residents but no buildings, or too few mapped.

    Homes hold the residents; where a ward has none marked, every building does.
    """
    volume = shapely.area(buildings.geometry.to_numpy()) * buildings["height_m"].to_numpy(np.float64)
    home = buildings["kind"].isin(RESIDENTIAL).to_numpy()
    known = np.flatnonzero(population > 0)
    inside = ward_of >= 0
    homes = np.bincount(ward_of[inside], (volume * home)[inside], len(population))
    whole = np.bincount(ward_of[inside], volume[inside], len(population))
    counted = np.where(mapped, np.where(homes > 0, homes, whole), 0.0)
    roofed = known[counted[known] > 0]
    rate = np.zeros(len(population))
    rate[roofed] = population[roofed] / counted[roofed]
    unknown = np.isnan(population)
    if unknown.any() and len(roofed):
        rate[unknown] = population[roofed].sum() / counted[roofed].sum()
        notes.append(f"{int(unknown.sum())} wards without a population are taken at the others' residents a cubic metre of building")
    people = np.zeros(len(volume))
    people[inside] = np.where(home[inside] | (homes[ward_of[inside]] == 0), volume[inside], 0.0) * rate[ward_of[inside]]
    if not inside.all():
        notes.append(f"{int((~inside).sum())} buildings lie outside every ward and count no residents")
    return people, {int(ward): float(population[ward]) for ward in known if counted[ward] == 0}


def _priority(city: City, points: _Points, base: Floats) -> Floats:
    """Each point's other parts times the weights of the priority zones it lies in; by length where zones hold no other weight."""
    zones = city["zones"].sort_index(kind="stable")
    chosen = zones[(zones["kind"] == "priority").to_numpy()]
    factor = np.zeros(len(points.xy))
    shapes = shapely.points(points.xy)
    for shape, weight in zip(chosen.geometry, chosen["weight"], strict=True):
        factor[first_area(shapes, np.array([shape], dtype=object)) >= 0] += weight
    amount = factor * base
    return amount if amount.sum() > 0 else factor * np.maximum(points.length_m, 1.0)


def _shares(city: City, recipe: Recipe, points: _Points, notes: list[str]) -> dict[str, float]:
    """The recipe's shares, those of parts without data given to the others in proportion."""
    there = {part: bool(points.parts[part].sum() > 0) for part in PARTS}
    there["priority"] = bool(_priority(city, points, np.ones(len(points.xy))).sum() > 0)
    whole = sum(recipe.shares[part] for part in PARTS if there[part])
    missing = [part for part in PARTS if recipe.shares[part] > 0 and not there[part]]
    if whole <= 0:
        what = f"The recipe {recipe.key} asks only for what the city has no data on"
        raise CityError.one("demand.nothing", what, "Choose another recipe or import the data", ", ".join(missing))
    notes.extend(f"No data for {part}: its share of {recipe.shares[part]:.0%} goes to the other parts in proportion" for part in missing)
    return {part: recipe.shares[part] / whole if there[part] else 0.0 for part in PARTS}


def _note_far(notes: list[str], edge: Ints, what: str, within_m: float) -> None:
    far = int((edge < 0).sum())
    if far:
        notes.append(f"{far} of {len(edge)} {what} lie more than {within_m:g} m from every street and count nothing")


def _frame(
    city: City, recipe: Recipe, roads: gpd.GeoDataFrame, points: _Points, amounts: dict[str, Floats], notes: list[str]
) -> gpd.GeoDataFrame:  # fmt: skip
    index = pd.Index([f"d{number:07d}" for number in range(1, len(points.xy) + 1)], dtype=object, name="id")
    wards = city["wards"].sort_index(kind="stable")
    shapes = shapely.points(points.xy)
    ward = first_area(shapes, wards.geometry.to_numpy())
    texts = {
        "kind": np.array(KINDS, dtype=object)[points.kind],
        "road": np.append(roads.index.to_numpy(object), "")[points.edge],
        "road_class": np.append(roads["road_class"].to_numpy(object), "")[points.edge],
        "ward": np.append(wards.index.to_numpy(object), "")[ward],
    }
    numbers = {"target_m": np.full(len(index), recipe.target_m), **{f"part_{part}": amounts[part] for part in PARTS}}
    numbers["weight"] = sum((amounts[part] for part in PARTS), np.zeros(len(index)))
    columns = {name: pd.Series(values, index=index, dtype=object) for name, values in texts.items()}
    columns |= {name: pd.Series(values, index=index, dtype="float64") for name, values in numbers.items()}
    frame = gpd.GeoDataFrame(pd.DataFrame(columns, index=index), geometry=shapes, crs=city.crs)
    frame.attrs["notes"] = tuple(notes)
    return frame
