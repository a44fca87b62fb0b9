"""Wards with their residents, places, zones and pole positions of the made city."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from data.demo._buildings import STOREY_M, points_at
from data.demo._fabric import EDGE_M, Strokes
from data.demo._ground import CORE, CRS, STATION, Ground, stream, to_mm
from data.demo._streets import Network, Shapes

WARDS, RESIDENTS = 70, 250_000
HOMES = {"residential": 1.0, "apartments": 1.0, "commercial": 0.35}  # share of the floor area lived in
CLEAR_M = 0.45  # a pole's centre to the nearest carriageway

# kind: title, Hindi title, how many in the whole city, fabrics it stands in, whether on main roads
PLACES: tuple[tuple[str, str, str, int, tuple[str, ...], bool], ...] = (
    ("railway_station", "Railway Station", "रेलवे स्टेशन", 1, (), True),
    ("bus_station", "Bus Stand", "बस स्टैंड", 2, ("yard", "bazaar", "old"), True),
    ("market", "Market", "बाज़ार", 12, ("bazaar",), False),
    ("market", "Wholesale Market", "थोक बाज़ार", 3, ("yard",), False),
    ("hospital", "Hospital", "अस्पताल", 16, ("campus", "old", "colony"), True),
    ("college", "College", "महाविद्यालय", 14, ("campus",), False),
    ("school", "School", "विद्यालय", 84, ("campus", "old", "colony", "village"), False),
    ("police", "Police Post", "पुलिस चौकी", 9, ("old", "colony", "bazaar"), True),
    ("bank", "Bank", "बैंक", 46, ("bazaar", "old", "colony"), True),
    ("atm", "ATM", "एटीएम", 72, ("bazaar", "old", "colony", "village"), True),
    ("worship", "Place of Worship", "उपासना स्थल", 90, ("bazaar", "old", "colony", "village"), False),
    ("alcohol", "Liquor Shop", "मदिरा दुकान", 13, ("old", "village", "yard", "colony"), True),
    ("cinema", "Cinema", "सिनेमा", 5, ("bazaar", "old"), True),
)


def make_wards(ground: Ground, network: Network, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Wards that tile the study area along the streets, denser where more people live; residents by lived-in floor area."""
    rng = stream("wards")
    count = max(4, round(WARDS * ground.scale**2))
    area = ground.area
    tips = np.asarray(network.junctions.geometry[network.junctions["degree"] == 1].array)
    tips = tips[shapely.distance(tips, area.boundary) < 2.5 * EDGE_M]
    # Streets end a little inside the area: led on to its edge, they part the wards there too.
    edges = shapely.union_all([*network.lines, area.boundary, *shapely.shortest_line(tips, area.boundary)], grid_size=0.001)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    faces = faces[shapely.contains(shapely.buffer(area, 0.01), faces)]
    centres = shapely.get_coordinates(shapely.point_on_surface(faces))
    floor = lived_in(buildings)
    homes = shapely.get_coordinates(shapely.centroid(np.asarray(buildings.geometry.array)))
    label = _contiguous(faces, _nearest_seed(centres, homes, floor, count, rng))
    shapes = to_mm(np.array([shapely.union_all(faces[label == ward], grid_size=0.001) for ward in range(count)], dtype=object))
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    order = np.lexsort((middles[:, 0], -np.round(middles[:, 1] / 500)))  # numbered in rows, north to south, as wards often are
    shapes = shapes[order]
    house, ward = shapely.STRtree(shapes).query(shapely.points(homes), predicate="within")
    share = np.bincount(ward, floor[house], minlength=count) / floor[house].sum()
    people = np.floor(share * RESIDENTS * ground.scale**2 * rng.uniform(0.97, 1.03, count)).round()
    names = [f"Ward {number} (made) / वार्ड {number} (बनावटी)" for number in range(1, count + 1)]
    labels = [f"w{number:02d}" for number in range(1, count + 1)]
    return gpd.GeoDataFrame({"name": names, "population": people}, index=labels, geometry=shapes, crs=CRS)


def lived_in(buildings: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Lived-in floor area of each building [m2]."""
    storeys = np.maximum(1, buildings["height_m"].to_numpy() // STOREY_M)
    lived: NDArray[np.float64] = buildings.geometry.area.to_numpy() * storeys * buildings["kind"].map(HOMES).fillna(0.0).to_numpy()
    return lived


def _nearest_seed(
    centres: NDArray[np.float64], homes: NDArray[np.float64], floor: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The ward of each face: the nearest of `count` seeds settled by Lloyd's rounds among homes and open ground."""
    sample = np.vstack([homes[rng.choice(len(homes), 6000, p=floor / floor.sum())], centres])
    seeds = sample[rng.choice(len(sample), count, replace=False)]
    for _ in range(25):
        near = shapely.STRtree(shapely.points(seeds)).nearest(shapely.points(sample))
        size = np.maximum(np.bincount(near, minlength=count), 1)
        seeds = np.column_stack([np.bincount(near, sample[:, axis], count) / size for axis in (0, 1)])
    nearest: NDArray[np.int64] = shapely.STRtree(shapely.points(seeds)).nearest(shapely.points(centres)).astype(np.int64)
    return nearest


def _contiguous(faces: Shapes, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give faces cut off from the main part of their ward to the ward with which they share the longest border."""
    one, two = shapely.STRtree(faces).query(faces, predicate="touches")
    border = shapely.length(shapely.intersection(faces[one], faces[two]))
    one, two, border = one[border > 0.5], two[border > 0.5], border[border > 0.5]
    for _ in range(12):
        same = label[one] == label[two]
        links = _links(one[same], two[same], len(faces))
        size = np.bincount(links, shapely.area(faces))
        main = np.array([np.where(label[np.unique(links, return_index=True)[1]] == ward, size, -1).argmax() for ward in range(label.max() + 1)])
        loose = links != main[label]
        movable = loose[one] & ~loose[two]
        if not movable.any():
            break
        order = np.lexsort((border[movable], one[movable]))
        label = label.copy()
        label[one[movable][order]] = label[two[movable][order]]
    return label


def _links(one: NDArray[np.int64], two: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    labels: NDArray[np.int64] = connected_components(coo_array((np.ones(len(one)), (one, two)), shape=(count, count)), directed=False)[1]
    return labels


def make_places(ground: Ground, buildings: gpd.GeoDataFrame, network: Network) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Places, each in a building of fitting fabric, and the buildings with the kind and name these places give them."""
    rng = stream("places")
    main = network.lines[np.isin(network.classes, ("trunk", "primary", "secondary", "tertiary"))]
    shapes = np.asarray(buildings.geometry.array)
    beside = np.zeros(len(shapes), dtype=bool)
    beside[shapely.STRtree(main).query(shapes, predicate="dwithin", distance=16.0)[0]] = True
    fabric, areas = buildings["fabric"].to_numpy(), shapely.area(shapes)
    station = shapely.Point(ground.bend_points(np.array([ground.spot(STATION)]))[0])
    free = np.ones(len(shapes), dtype=bool)
    rows, kinds, names = [], buildings["kind"].to_numpy(dtype=object).copy(), np.full(len(shapes), None, dtype=object)
    for kind, title, title_hi, count, fabrics, on_main in PLACES:
        if kind == "railway_station":
            chosen = np.array([np.where(areas > 120, shapely.distance(shapes, station), np.inf).argmin()])
        else:
            fits = free & np.isin(fabric, fabrics) & (beside if on_main else True) & (areas > (60 if kind in {"atm", "worship", "alcohol"} else 110))
            among = np.flatnonzero(fits)
            if not len(among):
                continue
            wanted = min(len(among), max(1, round(count * ground.scale**2)))
            # A block on a campus weighs more than a house, so that large places stand in large buildings.
            chosen = np.sort(rng.choice(among, wanted, replace=False, p=areas[among] / areas[among].sum()))
        for number, building in enumerate(chosen, start=1):
            free[building] = False
            name = f"Demo {title} {number} / नमूना {title_hi} {number}"
            rows.append((kind, name, shapes[building].representative_point()))
            if kind not in {"atm", "bank", "alcohol", "market"}:
                kinds[building], names[building] = kind, name
    frame = gpd.GeoDataFrame(
        {"kind": [row[0] for row in rows], "name": [row[1] for row in rows]}, index=[f"p{number:03d}" for number in range(len(rows))],
        geometry=to_mm(np.array([row[2] for row in rows], dtype=object)), crs=CRS,
    )  # fmt: skip
    return frame, buildings.assign(kind=kinds, name=names)


def make_lamps(network: Network, walls: shapely.STRtree, area: shapely.Polygon, closed: shapely.Geometry) -> gpd.GeoDataFrame:
    """Lamps on alternating kerbs of main roads every 30-40 m, electricity poles along a third of the lanes; all off carriageways and walls."""
    rng = stream("lamps")
    main = np.isin(network.classes, ("trunk", "primary", "secondary", "tertiary"))
    wired = np.isin(network.classes, ("residential", "unclassified", "living_street")) & (rng.random(len(main)) < 0.34)
    road, at, side, kinds = [], [], [], []
    lengths = shapely.length(network.lines)
    for row in np.flatnonzero(main | wired):
        kerb, place = (1, rng.uniform(8, 22)) if main[row] else (int(rng.choice([-1, 1])), rng.uniform(6, 25))
        while place < lengths[row] - 4:
            road.append(int(row))
            at.append(place)
            side.append(kerb)
            kinds.append("lamp" if main[row] else "pole")
            kerb, place = (-kerb, place + rng.uniform(30, 40)) if main[row] else (kerb, place + rng.uniform(32, 48))
    spots = kerb_points(network, np.array(road), np.array(at), np.array(side, dtype=float), 0.8)
    good = clear_of(spots, network, walls) & ~shapely.intersects(closed, spots) & shapely.contains_properly(area, spots)
    return gpd.GeoDataFrame(
        {"kind": np.array(kinds, dtype=object)[good]}, index=[f"l{number:05d}" for number in range(int(good.sum()))], geometry=spots[good], crs=CRS
    )


def kerb_points(network: Network, road: NDArray[np.int64], at_m: NDArray[np.float64], side: NDArray[np.float64], off_m: float) -> Shapes:
    """Points `off_m` beyond the kerb at a distance along roads (by row number); `side` is +1 right of the line's way, -1 left of it."""
    lines = network.lines[road]
    way = points_at(lines, np.minimum(at_m + 1.0, shapely.length(lines))) - points_at(lines, np.maximum(at_m - 1.0, 0.0))
    way = way / np.hypot(*way.T)[:, None]
    out = np.column_stack([way[:, 1], -way[:, 0]]) * (side * (network.widths[road] / 2 + off_m))[:, None]
    points: Shapes = to_mm(shapely.points(points_at(lines, at_m) + out))
    return points


def clear_of(spots: Shapes, network: Network, walls: shapely.STRtree) -> NDArray[np.bool_]:
    """Whether a spot stands off every carriageway and outside every footprint of `walls`."""
    clear = np.ones(len(spots), dtype=bool)
    spot, road = network.tree.query(spots, predicate="dwithin", distance=network.widths.max() / 2 + CLEAR_M)
    clear[spot[shapely.distance(spots[spot], network.lines[road]) < network.widths[road] / 2 + CLEAR_M]] = False
    clear[walls.query(spots, predicate="dwithin", distance=0.2)[0]] = False
    return clear


def make_zones(ground: Ground, strokes: Strokes, network: Network, places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Priority round the market and the station, no mounts on water, rail land and the tank's banks, no view into the hostel's court."""
    tank = tank_of(ground, strokes)
    station = places.geometry[places["kind"] == "railway_station"].iloc[0]
    colleges = places.geometry[places["kind"].isin(["college", "school"])].iloc[0]
    decks = shapely.union_all(network.carriageways[network.roads["bridge"].to_numpy()]).buffer(3.0)
    core = shapely.Point(ground.bend_points(np.array([ground.spot(CORE)]))[0])
    rows = (
        ("priority", "Demo market quarter / नमूना बाज़ार क्षेत्र", 2.0, core.buffer(280 * ground.scale, quad_segs=6)),
        ("priority", "Demo station quarter / नमूना स्टेशन क्षेत्र", 1.5, station.buffer(220 * ground.scale, quad_segs=6)),
        ("no_mount", "Demo river / नमूना नदी", 1.0, ground.bend_one(ground.river).difference(decks)),
        ("no_mount", "Demo railway land / नमूना रेलवे भूमि", 1.0, ground.bend_one(ground.railway.difference(ground.river)).difference(decks)),
        ("no_mount", "Demo heritage tank / नमूना धरोहर तालाब", 1.0, tank.buffer(15.0)),
        ("no_view", "Demo hostel court / नमूना छात्रावास परिसर", 1.0, shapely.box(*colleges.buffer(38.0).bounds)),
    )
    area = ground.area
    shapes = to_mm(shapely.intersection(np.array([row[3] for row in rows], dtype=object), area))
    return gpd.GeoDataFrame(
        {"kind": [row[0] for row in rows], "name": [row[1] for row in rows], "weight": [row[2] for row in rows]},
        index=[f"z{number}" for number in range(1, len(rows) + 1)], geometry=shapes, crs=CRS,
    )  # fmt: skip


def tank_of(ground: Ground, strokes: Strokes) -> shapely.Geometry:
    """The water of the tank: it lies in the park nearest the core."""
    parks = [block for block, fabric in zip(strokes.blocks, strokes.fabrics, strict=True) if fabric == "park"]
    park = min(parks, key=lambda block: float(ground.coreness(np.asarray(block.centroid.coords))[0]))
    middle = park.representative_point()
    return ground.bend_one(park.buffer(-40.0).union(middle.buffer(25.0)).intersection(middle.buffer(120.0)).simplify(1.0))
