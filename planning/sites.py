"""Sites: where a camera can be mounted, and what it costs to build each.

Sites lie outside every footprint, off the carriageway, out of no_mount zones and inside the study area. Where several stand close, one is kept: lamp,
pole, building, junction, road, since the earlier kind is cheaper for nearly the same view. What stands already costs little to try and asks for
`apart_m` of room; walls and new poles ask for twice that, which leaves one or two choices at a crossing of lanes and one a corner at a wide one;
places along streets fill only what junctions leave open. A building too low for a mount at 6 m comes last, so that it never takes the place of a
site that could carry one.

A place may be set by hand besides, at a whole metre east and north (`planning.handmade`): it is taken to be a new pole, and may stand where any new
pole may. It takes no other site's place.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planning.catalogue import Prices
from planning.city import City
from planning.errors import CityError, Fault, InputError, ScenarioError
from planning.geometry import Bools, Floats, Ints, Shapes, first_area, keep_apart, near_any
from planning.mounts import KINDS, Tries, all_tries, join_tries
from planning.network import distance_to_nearest, main_part, snap, street_graph

PLACED = "hand"  # kind of a place set by hand
HEADS = ("cost_pole", "cost_foundation", "cost_box", "cost_power", "cost_backhaul", "cost_mount")
LAMP_HEIGHT_M = 7.0
POLE_HEIGHT_M = 12.0
NOMINAL_M = 6.0  # the mount height the heads are priced at
_BASE_POLE_M = 4.0
_CLEAR_KERB_M = 0.3
_CLEAR_WALL_M = 0.15
_ROOM = 2.0  # times apart_m around walls and new poles
_ALONG = 0.6  # of along_m around places along streets
_BESIDE_M = 50.0
_LOOK_M = 40.0  # where along a street a camera is aimed
_SHORTEST_LOOK_M = 8.0


def build_sites(
    city: City, prices: Prices, *, along_m: float = 40.0, apart_m: float = 6.0, placed: Sequence[tuple[int, int]] = ()
) -> gpd.GeoDataFrame:
    """Candidate sites of a city, each with its cost to build.

    Parameters
    ----------
    along_m: distance between sites along a street [m]. apart_m: how far any two sites stand apart at least, but for those placed by hand [m].
    placed: places set by hand, in whole metres of the city's CRS.

    Returns
    -------
    Points in the order of their ids (kind's letter and position in whole metres, as j-552341-2443120), with the columns kind, road (nearest street),
    ward (label, "" outside every ward), max_height_m (highest mount), distance_m (along the streets to the network's nearest point), the heads of
    cost `HEADS` [INR] for a mount at 6 m, cost_per_m_above_6 [INR/m], yearly_inr [INR/year] and cost_inr, the sum of the heads.
    `attrs["notes"]` holds sentences on what was moved or left out.

    Raises
    ------
    ScenarioError: `sites.spacing`; `sites.placed` for every place set by hand where no pole may stand. CityError: `sites.streets` or `sites.none`.
    """
    if not (np.isfinite(along_m) and 5 <= along_m <= 1_000 and np.isfinite(apart_m) and 1.5 <= apart_m <= 100):
        what = "Sites need 5 to 1000 m along a street and 1.5 to 100 m apart"
        raise ScenarioError.one("sites.spacing", what, "Use 40 and 6", f"{along_m} and {apart_m}")
    roads, notes = _streets(city), list[str]()
    tries = _stand(city, roads, all_tries(city, roads, along_m=along_m, notes=notes), notes)
    if not len(tries.xy):
        raise CityError.one("sites.none", "No place for a camera is left", "Check no_mount zones and the study area", "; ".join(notes))
    low = (tries.kind == KINDS.index("building")) & (tries.roof_m + 1 < NOMINAL_M)
    order = np.lexsort((tries.xy[:, 1], tries.xy[:, 0], np.where(low, len(KINDS), tries.kind)))
    room = np.array([apart_m, apart_m, _ROOM * apart_m, _ROOM * apart_m, max(_ROOM * apart_m, _ALONG * along_m)])
    kept = keep_apart(tries.xy[order], room[tries.kind[order]]) == np.arange(len(order))
    if not kept.all():
        said = ", ".join(f"{kind} {metres:g} m" for kind, metres in zip(KINDS, room, strict=True))
        notes.append(f"{int((~kept).sum())} places too near to a better one are left out ({said})")
    chosen = tries.take(order[kept])
    return _frame(city, prices, roads, join_tries([chosen, _placed(city, roads, placed, notes)]) if placed else chosen, notes)


def placed_sites(city: City, prices: Prices, placed: Sequence[tuple[int, int]]) -> gpd.GeoDataFrame:
    """The sites of places set by hand alone, each as `build_sites` has it; errors as there."""
    roads, notes = _streets(city), list[str]()
    return _frame(city, prices, roads, _placed(city, roads, placed, notes), notes)


def _streets(city: City) -> gpd.GeoDataFrame:
    every = city["roads"].sort_index(kind="stable")
    roads = every[~every["tunnel"].to_numpy(bool)]
    if not len(roads):
        raise CityError.one("sites.streets", "The city has no street above ground", "Import streets", city.name)
    return roads


def _met(city: City, roads: gpd.GeoDataFrame, points: Shapes) -> tuple[tuple[str, Bools], ...]:
    """What keeps each point from carrying a mount, as people are told it, and whether it does (n_points,)."""
    zones = city["zones"]
    forbidden = zones.geometry.to_numpy()[(zones["kind"] == "no_mount").to_numpy()]
    return (
        ("outside the study area", first_area(points, np.array([city.area], dtype=object)) < 0),
        ("in a no_mount zone", first_area(points, forbidden) >= 0),
        ("in or against a building", near_any(points, city["buildings"].geometry.to_numpy(), _CLEAR_WALL_M)),
        ("on a carriageway", near_any(points, roads.geometry.to_numpy(), roads["width_m"].to_numpy(np.float64) / 2 + _CLEAR_KERB_M)),
    )


def may_stand(city: City, xy: Floats) -> Bools:
    """Whether a new pole may stand at each point of the city's CRS (n, 2); shape (n,)."""
    free: Bools = ~np.logical_or.reduce([met for _, met in _met(city, _streets(city), shapely.points(xy))])
    return free


def _placed(city: City, roads: gpd.GeoDataFrame, placed: Sequence[tuple[int, int]], notes: list[str]) -> Tries:
    """Places set by hand, each checked like any other."""
    xy = np.array(sorted(set(placed)), dtype=np.float64).reshape(-1, 2)
    reasons = _met(city, roads, shapely.points(xy))
    faults = []
    for row, (east, north) in enumerate(xy):
        said = ", ".join(why for why, met in reasons if met[row])
        if said:
            faults.append(Fault("sites.placed", f"No pole may stand here: {said}", "Set the camera down beside it", f"h-{east:.0f}-{north:.0f}"))
    if faults:
        raise ScenarioError(faults)
    notes.append(f"{len(xy)} places were set by hand: each is taken to be a new pole, at what the price list has for one")
    count = np.arange(len(xy), dtype=np.int64)
    return Tries(xy, count, np.full(len(xy), len(KINDS), np.int64), np.zeros(len(xy)))


def _stand(city: City, roads: gpd.GeoDataFrame, tries: Tries, notes: list[str]) -> Tries:
    """The first try of each slot that may stand; what could not is counted by kind and by what its preferred place met."""
    reasons = _met(city, roads, shapely.points(tries.xy))
    stands = ~np.logical_or.reduce([met for _, met in reasons])
    slots, preferred = np.unique(tries.slot, return_index=True)
    chosen = np.full(len(slots), len(tries.xy), np.int64)
    np.minimum.at(chosen, np.searchsorted(slots, tries.slot[stands]), np.flatnonzero(stands))
    lost = chosen == len(tries.xy)
    for number, kind in enumerate(KINDS):
        here = tries.kind[preferred] == number
        counts, rest = [], here & lost
        for why, met in reasons:
            counts.append((int((rest & met[preferred]).sum()), why))
            rest &= ~met[preferred]
        said = ", ".join(f"{count} {why}" for count, why in counts if count)
        if said:
            notes.append(f"{int((here & lost).sum())} of {int(here.sum())} {kind} places are left out: {said}")
    moved = int(((chosen != preferred) & ~lost & (tries.kind[preferred] <= KINDS.index("pole"))).sum())
    if moved:
        notes.append(f"{moved} lamps and poles mapped in a building or on a carriageway are taken to stand beside it")
    return tries.take(chosen[~lost])


# ---- what it costs -------------------------------------------------------------------------------------------------------------------------------


def _frame(city: City, prices: Prices, roads: gpd.GeoDataFrame, tries: Tries, notes: list[str]) -> gpd.GeoDataFrame:
    kind = np.array([*KINDS, PLACED], dtype=object)[tries.kind]
    east_north = np.rint(tries.xy).astype(np.int64)
    labels = np.array([f"{name[0]}-{x}-{y}" for name, (x, y) in zip(kind, east_north, strict=True)], dtype=object)
    points = shapely.points(tries.xy)
    edge, position = snap(points, roads.geometry.to_numpy())
    wards = city["wards"].sort_index(kind="stable")
    ward = first_area(points, wards.geometry.to_numpy())
    highest = np.select([kind == "building", tries.kind <= KINDS.index("pole")], [tries.roof_m + 1, LAMP_HEIGHT_M], POLE_HEIGHT_M)
    distance, reached = _to_network(city, roads, points, edge, position, notes)
    money = _costs(city, prices, points, kind, distance, reached)
    index = pd.Index(labels, dtype=object, name="id")
    columns: dict[str, pd.Series] = {
        "kind": pd.Series(kind, index=index, dtype=object),
        "road": pd.Series(roads.index.to_numpy(object)[edge], index=index, dtype=object),
        "ward": pd.Series(np.append(wards.index.to_numpy(object), "")[ward], index=index, dtype=object),
        "max_height_m": pd.Series(highest, index=index, dtype="float64"),
        "distance_m": pd.Series(distance, index=index, dtype="float64"),
    }
    columns |= {name: pd.Series(amount, index=index, dtype="int64") for name, amount in money.items()}
    frame = gpd.GeoDataFrame(pd.DataFrame(columns, index=index), geometry=points, crs=city.crs).sort_index(kind="stable")
    frame.attrs["notes"] = tuple(notes)
    return frame


def _costs(city: City, prices: Prices, points: Shapes, kind: Shapes, distance_m: Floats, reached: Bools) -> dict[str, Ints]:
    """Each head [INR] for a mount at 6 m, what each metre above costs, the yearly sum, and the sum of the heads."""
    new, wall, lamp = np.isin(kind, ["junction", "road", PLACED]), kind == "building", np.isin(kind, ["lamp", "pole"])
    supply = np.concatenate([city["buildings"].geometry.to_numpy(), city["lamps"].geometry.to_numpy()])
    cable_m = np.full(len(points), np.inf)
    if len(supply):
        found, gap = shapely.STRtree(supply).query_nearest(points, return_distance=True, all_matches=False)
        cable_m[found[0]] = gap
    cable_m[lamp | wall] = 0.0
    with np.errstate(invalid="ignore"):
        cable = np.nan_to_num(cable_m * prices["power_per_m"], nan=0.0, posinf=np.inf)
    power = np.minimum(prices["power_base"] + cable, prices["power_most"])
    fibre = np.where(reached, prices["fibre_base"] + prices["fibre_per_m"] * distance_m, np.inf)
    pole = prices["pole_base"] + prices["pole_per_m"] * (NOMINAL_M - _BASE_POLE_M)
    heads = {
        "cost_pole": np.where(new, pole, 0),
        "cost_foundation": np.where(new, prices["foundation"], 0),
        "cost_box": np.full(len(points), prices["junction_box"]),
        "cost_power": power,
        "cost_backhaul": np.minimum(fibre, prices["radio_link"]),
        "cost_mount": np.select([wall, lamp], [prices["wall_bracket"] + prices["owner_consent"], prices["attach_lamp"]], 0),
    }
    money: dict[str, Ints] = {name: np.rint(heads[name]).astype(np.int64) for name in HEADS}
    total = np.sum(list(money.values()), axis=0)
    money["cost_per_m_above_6"] = np.where(new, prices["pole_per_m"], 0).astype(np.int64)
    running = prices["yearly_power"] + prices["yearly_link"]
    money["yearly_inr"] = np.where(new, running + prices["yearly_pole"], running + prices["yearly_attached"]).astype(np.int64)
    money["cost_inr"] = total
    return money


def _to_network(
    city: City, roads: gpd.GeoDataFrame, points: Shapes, edge: Ints, position: Floats, notes: list[str]
) -> tuple[Floats, Bools]:  # fmt: skip
    """Metres along the streets to the nearest point of the network there is; as the crow flies, and marked, where no street leads there."""
    cameras, places = city["cameras"].sort_index(kind="stable"), city["places"].sort_index(kind="stable")
    joined = cameras.geometry.to_numpy()[cameras["junction"].notna().to_numpy()]
    police = places.geometry.to_numpy()[(places["kind"] == "police").to_numpy()]
    given = len(joined) + len(police) > 0
    if len(joined):
        targets, what = joined, "the junctions of cameras that already stand"
    elif len(police):
        targets, what = police, "police stations"
    else:
        targets, what = np.array([shapely.centroid(city.area)], dtype=object), "the study area's centre"
    notes.append(f"Links are taken to run along the streets to {what}")
    lines, graph = roads.geometry.to_numpy(), street_graph(roads)
    # A station may lie nearest to a yard or a stub that no street joins: what it stands for is then the connected network beside it.
    main = np.flatnonzero(main_part(graph))
    onto, at = snap(targets, lines[main], within_m=_BESIDE_M if given else np.inf)
    nearest, place = snap(targets, lines)
    onto = np.concatenate([np.where(onto >= 0, main[onto], -1), nearest if given else nearest[:0]])
    distance = distance_to_nearest(graph, edge, position, onto, np.concatenate([at, place if given else place[:0]]))
    reached = np.isfinite(distance)
    if not reached.all():
        cut = np.flatnonzero(~reached)
        _, gap = shapely.STRtree(targets).query_nearest(points[cut], return_distance=True, all_matches=False)
        distance[cut] = gap
        notes.append(f"{len(cut)} sites lie on streets cut off from the network and need a radio link")
    return distance, reached


# ---- where it looks ------------------------------------------------------------------------------------------------------------------------------


def street_bearings(sites: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, *, within_m: float = 30.0) -> tuple[Ints, Floats]:
    """The bearings along which the streets near each site run, as seen from the site.

    Both ways along its road, and along every arm of each junction its road ends at within `within_m`: each the bearing to the point of the street
    40 m on, or to its end where it is shorter. A way of less than 8 m is left to the arms that go on from there, unless it is the only one.

    Parameters
    ----------
    sites: frame with the column road. roads: frame of the streets, with the ids that column names. within_m: how far a junction may be [m].

    Returns
    -------
    indptr, (n_sites + 1,), and bearings [deg clockwise from north, whole degrees from 0 to 359], sorted and unique a site: those of site k are
    bearings[indptr[k]:indptr[k + 1]].

    Raises
    ------
    InputError: `bearings.road` where a site names a road that is not there.
    """
    edge = roads.index.get_indexer(sites["road"]).astype(np.int64)
    if (edge < 0).any():
        unknown = ", ".join(str(label) for label in sites["road"].to_numpy(object)[edge < 0][:5])
        raise InputError.one("bearings.road", "Sites name roads that are not there", "Make the sites again from this city", unknown)
    points, graph, lines = sites.geometry.to_numpy(), street_graph(roads), roads.geometry.to_numpy()
    xy = shapely.get_coordinates(points)
    position = shapely.line_locate_point(lines[edge], points) if len(sites) else np.zeros(0)
    ways = [(np.arange(len(sites)), edge, position, np.full(len(sites), sign)) for sign in (1.0, -1.0)]
    rooms = [graph.length_m[edge] - position, position]
    for node, at in ((graph.tail[edge], shapely.get_point(lines[edge], 0)), (graph.head[edge], shapely.get_point(lines[edge], -1))):
        near = np.flatnonzero(shapely.distance(points, at) <= within_m)
        count = graph.degree[node[near]]
        site = np.repeat(near, count)
        end = graph.ends[np.repeat(graph.indptr[node[near]] - (np.cumsum(count) - count), count) + np.arange(count.sum())]
        arm, backward = end // 2, end % 2 == 1
        ways.append((site, arm, np.where(backward, graph.length_m[arm], 0.0), np.where(backward, -1.0, 1.0)))
        rooms.append(graph.length_m[arm])
    room = np.concatenate(rooms)
    site, on, begin, sign = (np.concatenate([way[k] for way in ways]) for k in range(4))
    longest = np.zeros(len(sites))
    np.maximum.at(longest, site, room)
    keep = room >= np.minimum(_SHORTEST_LOOK_M, longest[site])
    site, aim = site[keep], shapely.line_interpolate_point(lines[on], begin + sign * np.minimum(room, _LOOK_M))[keep]
    east_north = shapely.get_coordinates(aim) - xy[site]
    degrees = np.mod(np.rint(np.degrees(np.arctan2(east_north[:, 0], east_north[:, 1]))), 360.0)
    pairs = np.unique(np.stack([site.astype(np.float64), degrees], axis=1), axis=0)
    indptr = np.searchsorted(pairs[:, 0], np.arange(len(sites) + 1)).astype(np.int64)
    return indptr, pairs[:, 1].copy()
