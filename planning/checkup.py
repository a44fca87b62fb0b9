"""What `chaukas city check` prints: what a city holds, what of it was imputed, and what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import scipy.sparse
import shapely
from scipy.sparse.csgraph import connected_components

from planning.city import MADE_NOTE, City
from planning.frames import SCHEMAS, check

FAR_FROM_STREETS_M = 100.0
# Towns have hundreds to thousands of buildings a km2 (assumption): fewer on the map means that most are not mapped.
FEW_BUILDINGS_A_KM2 = 200.0


@dataclass(frozen=True)
class Finding:
    """One line of the check: its subject, the sentence, and whether it is odd and asks for a look.

    `key` names the kind of an odd finding, and `values` what its sentence is filled with, so that it can be said in other words.
    """

    subject: str
    text: str
    odd: bool = False
    key: str = ""
    values: tuple[tuple[str, float | str], ...] = ()

    def __str__(self) -> str:
        return f"{'! ' if self.odd else '  '}{self.subject}: {self.text}"


def check_city(city: City) -> list[Finding]:
    """Counts, shares and oddities of a city, layer by layer; printing each finding gives the report."""
    return [
        *_whole(city), *_streets(city), *_buildings(city), *_incidents(city), *_cameras(city), *_wards(city), *_faults(city),
        *(Finding("source", f"{source.layer} from {source.origin}" + (f" ({source.licence})" if source.licence else "")) for source in city.sources),
        *(Finding("note", note) for note in city.notes),
    ]  # fmt: skip


def _whole(city: City) -> Iterator[Finding]:
    if city.made:
        yield Finding("city", MADE_NOTE, odd=True)
    west, south, east, north = pyproj.Transformer.from_crs(city.crs, 4326, always_xy=True).transform_bounds(*city.area.bounds)
    place = f"{south:.4f} to {north:.4f} N, {west:.4f} to {east:.4f} E"
    yield Finding("city", f"{city.title}: {city.area.area / 1e6:.2f} km2, {place}, {city.crs.to_string()}")
    yield Finding("layers", ", ".join(f"{len(frame):,} {layer}" for layer, frame in city.frames.items()))


def _streets(city: City) -> Iterator[Finding]:
    roads = city["roads"]
    if roads.empty:
        yield Finding("roads", "there are none: nothing can be planned", odd=True, key="no_roads")
        return
    length = roads.geometry.length
    by_class = length.groupby(roads["road_class"]).sum().sort_values(ascending=False)
    parts = ", ".join(f"{kind} {metres / 1000:.1f}" for kind, metres in by_class.items())
    yield Finding("roads", f"{length.sum() / 1000:.1f} km [km: {parts}]; {roads['name'].isna().mean():.0%} without a name")
    share = connected_share(roads)
    yield Finding("roads", f"{share:.1%} of the length hangs together", odd=share < 0.9, key="roads_apart", values=(("share", share),))
    signals = int(city["junctions"]["signals"].sum())
    yield Finding("junctions", f"{int((city['junctions']['degree'] >= 3).sum()):,} of three arms or more, {signals:,} with traffic signals")


def connected_share(roads: gpd.GeoDataFrame) -> float:
    """The share of the length [0-1] that lies in the largest connected network."""
    ends, _ = pd.factorize(pd.concat([roads["from_junction"], roads["to_junction"]], ignore_index=True))
    first, last = ends[: len(roads)], ends[len(roads) :]
    size = int(ends.max()) + 1
    _, parts = connected_components(scipy.sparse.coo_array((np.ones(len(roads)), (first, last)), shape=(size, size)), directed=False)
    length = roads.geometry.length.to_numpy()
    by_part = np.bincount(parts[first], weights=length)
    return float(by_part.max() / length.sum()) if length.sum() > 0 else 0.0


def _buildings(city: City) -> Iterator[Finding]:
    buildings = city["buildings"]
    dense = len(buildings) / (city.area.area / 1e6)
    if len(buildings):
        shares = buildings["height_source"].value_counts(normalize=True)
        parts = ", ".join(f"{source} {share:.1%}" for source, share in shares.items())
        middle = buildings["height_m"].median()
        yield Finding("buildings", f"heights by {parts}; median {middle:.1f} m; {dense:,.0f} buildings a km2")
    if dense < FEW_BUILDINGS_A_KM2:
        values = (("number", len(buildings)), ("area", city.area.area / 1e6))
        yield Finding("buildings", few_buildings(len(buildings), city.area.area), odd=True, key="few_buildings", values=values)


def few_buildings(number: int, area_m2: float) -> str:
    """The sentence that warns of a city whose buildings are mostly not mapped."""
    return f"only {number:,} buildings on {area_m2 / 1e6:.1f} km2 are mapped: those that are not block no view, so coverage is overstated"


def _incidents(city: City) -> Iterator[Finding]:
    incidents = city["incidents"]
    if incidents.empty:
        return
    counts = incidents["category"].value_counts()
    yield Finding("incidents", ", ".join(f"{kind} {number:,}" for kind, number in counts.items()))
    when = incidents["when"].dropna()
    if len(when):
        yield Finding("incidents", f"from {when.min():%Y-%m-%d} to {when.max():%Y-%m-%d}")
    if len(when) < len(incidents):
        undated = len(incidents) - len(when)
        yield Finding("incidents", f"{undated:,} have no date", odd=True, key="undated", values=(("number", undated),))
    far = int(_far(incidents, city["roads"]).sum())
    if far:
        text = f"{far:,} lie more than {FAR_FROM_STREETS_M:.0f} m from any road"
        yield Finding("incidents", text, odd=True, key="incidents_far", values=(("number", far),))
    most = int(pd.Series(shapely.to_wkb(incidents.geometry.to_numpy())).value_counts().iloc[0])
    if most > max(20, len(incidents) // 20):
        text = f"{most:,} stand on one and the same point: perhaps a police station or a default place"
        yield Finding("incidents", text, odd=True, key="same_point", values=(("number", most),))


def _far(points: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    far = np.ones(len(points), dtype=bool)
    if len(roads):
        near, _ = shapely.STRtree(roads.geometry.to_numpy()).query_nearest(points.geometry.to_numpy(), max_distance=FAR_FROM_STREETS_M)
        far[near] = False
    return far


def _cameras(city: City) -> Iterator[Finding]:
    cameras = city["cameras"]
    if cameras.empty:
        return
    aimed = int(cameras["bearing_deg"].notna().sum())
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in cameras["kind"].value_counts().items())
    without = len(cameras) - aimed
    text = f"{aimed:,} with a bearing, {without:,} without; {kinds}"
    yield Finding("cameras", text, odd=without > 0, key="no_bearing", values=(("number", without),))
    buildings = city["buildings"]
    if len(buildings):
        inside = np.unique(shapely.STRtree(buildings.geometry.to_numpy()).query(cameras.geometry.to_numpy(), predicate="within")[0])
        if len(inside):
            names = ", ".join(str(label) for label in cameras.index[inside][:5])
            values = (("number", len(inside)), ("names", names))
            yield Finding("cameras", f"{len(inside):,} stand inside a building's outline, as {names}", odd=True, key="inside", values=values)
    far = int(_far(cameras, city["roads"]).sum())
    if far:
        text = f"{far:,} stand more than {FAR_FROM_STREETS_M:.0f} m from any road"
        yield Finding("cameras", text, odd=True, key="cameras_far", values=(("number", far),))


def _wards(city: City) -> Iterator[Finding]:
    wards = city["wards"]
    if wards.empty:
        yield Finding("wards", "there are none: fairness between wards cannot be judged", odd=True, key="no_wards")
        return
    shapes = wards.geometry.to_numpy()
    known = wards["population"].notna()
    residents = f"{wards['population'].sum():,.0f} residents in {int(known.sum())} of them" if known.any() else "residents unknown"
    covered = shapely.union_all(shapes).intersection(city.area).area / city.area.area
    text = f"{len(wards)}, {residents}; they cover {covered:.1%} of the study area"
    yield Finding("wards", text, odd=covered < 0.95, key="wards_gaps", values=(("share", covered),))
    used = np.unique(shapely.STRtree(shapes).query(city["roads"].geometry.to_numpy(), predicate="intersects")[1])
    empty = wards.loc[~np.isin(np.arange(len(wards)), used), "name"]
    if len(empty):
        names = ", ".join(empty.head(5))
        yield Finding("wards", f"{len(empty)} without a road: {names}", odd=True, key="no_road", values=(("number", len(empty)), ("names", names)))
    if wards["name"].duplicated().any():
        twice = int(wards["name"].duplicated().sum())
        yield Finding("wards", f"{twice} names stand more than once", odd=True, key="names_twice", values=(("number", twice),))


def _faults(city: City) -> Iterator[Finding]:
    for layer in SCHEMAS:
        for fault in check(city[layer], layer):
            yield Finding(layer, str(fault), odd=True)
    junctions = set(city["junctions"].index)
    if len(city["roads"]):
        loose = ~(city["roads"]["from_junction"].isin(junctions) & city["roads"]["to_junction"].isin(junctions))
        if loose.any():
            text = f"{int(loose.sum())} name a junction that is not there"
            yield Finding("roads", text, odd=True, key="loose", values=(("number", int(loose.sum())),))
