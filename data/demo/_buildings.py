"""Buildings of the made city: rows along the streets, blocks on campuses, sheds in market yards.

                 depth
        +---------------------+  -.
        |          +----------+    |   an L where a back corner is left out
        |  lot     |               | frontage
        |          |               |
        +----------+              -'
    ====================================  kerb: setback before the front
         carriageway

No building stands on another or on a carriageway: lots claim their ground in turn, and one that finds no room is tried again, less deep.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from data.demo._fabric import Strokes
from data.demo._ground import CRS, STATION, Floats, Ground, stream, to_mm
from data.demo._streets import Network, Shapes

STOREY_M = 3.1
WANTED = 20_000
CLEAR_M = 0.5  # between any wall and a carriageway
LEAST_M2 = 22.0  # a smaller footprint is not worth building


@dataclass(frozen=True)
class Habit:
    """How a fabric builds: frontage, depth, setback and side gap [m, m], share of lots built, of rows with touching walls, of L shapes; storeys."""

    frontage_m: tuple[float, float]
    depth_m: tuple[float, float]
    setback_m: tuple[float, float]
    gap_m: tuple[float, float]
    built: float
    angled: float
    storeys: tuple[float, ...]


HABITS = {
    "bazaar": Habit((6.5, 13.5), (9.5, 17.0), (0.6, 0.8), (0.03, 0.10), 0.97, 0.22, (0.16, 0.40, 0.29, 0.11, 0.04)),
    "old": Habit((9.0, 16.5), (9.5, 16.0), (0.7, 1.8), (0.1, 1.8), 0.84, 0.25, (0.36, 0.46, 0.15, 0.03)),
    "colony": Habit((11.0, 18.0), (10.0, 16.0), (2.0, 3.6), (2.0, 6.5), 0.84, 0.34, (0.42, 0.46, 0.10, 0.02)),
    "village": Habit((8.0, 14.0), (7.5, 13.0), (1.0, 4.5), (2.0, 14.0), 0.62, 0.36, (0.76, 0.22, 0.02)),
    "field": Habit((7.0, 12.0), (7.0, 10.0), (5.0, 14.0), (25.0, 90.0), 0.35, 0.3, (0.9, 0.1)),
    "high street": Habit((8.0, 17.0), (11.0, 18.0), (2.2, 4.2), (0.1, 2.2), 0.86, 0.22, (0.24, 0.36, 0.22, 0.12, 0.06)),
}


@dataclass(frozen=True, eq=False)
class Lots:
    """Candidate footprints: shapes, storeys, fabric and the order in which they claim their ground (lower first)."""

    shapes: Shapes
    storeys: NDArray[np.int64]
    fabric: NDArray[np.object_]
    turn: Floats


def build_up(ground: Ground, strokes: Strokes, network: Network, closed: shapely.Geometry) -> gpd.GeoDataFrame:
    """Buildings under the city's schema, with `fabric` as one more column; `closed` is ground nothing is built on, in the city's CRS."""
    rng = stream("buildings")
    inside = _inner_lots(ground, strokes, rng)
    lining = _street_lots(ground, strokes, network, rng)
    area = ground.area
    taken = _claim(inside, network, area, closed, np.empty(0, dtype=object))
    shapes, storeys, fabric = inside.shapes[taken], inside.storeys[taken], inside.fabric[taken]
    for shrink in (1.0, 0.72, 0.5):
        smaller = Lots(to_mm(_fitted(lining, shrink)), lining.storeys, lining.fabric, lining.turn)
        taken = _claim(smaller, network, area, closed, shapes)
        shapes = np.concatenate([shapes, smaller.shapes[taken]])
        storeys = np.concatenate([storeys, smaller.storeys[taken]])
        fabric = np.concatenate([fabric, smaller.fabric[taken]])
    keep = _thinned(fabric, round(WANTED * ground.scale**2), rng)
    return _frame(ground, shapes[keep], storeys[keep], fabric[keep], rng)


def _street_lots(ground: Ground, strokes: Strokes, network: Network, rng: np.random.Generator) -> Lots:
    """Lots along both sides of every street, front to the kerb, turned with the street."""
    tree = shapely.STRtree(ground.bend(np.array(strokes.blocks, dtype=object)))
    lines, widths, bridges = network.lines, network.widths, network.roads["bridge"].to_numpy()
    lengths = shapely.length(lines)
    main = np.isin(network.classes, ("trunk", "primary", "secondary", "tertiary"))
    rows: list[tuple[int, int, float, float, float, float, int, str]] = []
    chances = {name: np.cumsum(habit.storeys) for name, habit in HABITS.items()}
    for side in (-1, 1):
        fabrics = _fabric_beside(lines, side, tree, strokes)
        for road in np.flatnonzero(~bridges & (fabrics != "")):
            name = str(fabrics[road])
            if name in {"campus", "yard", "park"}:
                continue
            manner = "high street" if main[road] and name in {"bazaar", "old", "colony"} else name
            habit = HABITS[manner]
            at = rng.uniform(0.0, 2.0)
            while at < lengths[road] - 0.6 * habit.frontage_m[0]:
                front = rng.uniform(*habit.frontage_m)
                if rng.random() < habit.built:
                    setback = widths[road] / 2 + rng.uniform(*habit.setback_m)
                    storeys = 1 + int(np.searchsorted(chances[manner], rng.random() * chances[manner][-1]))
                    rows.append((int(road), side, at, min(at + front, lengths[road]), setback, rng.uniform(*habit.depth_m), storeys, name))
                at += front + rng.uniform(*habit.gap_m)
    return _drawn(lines, rows, rng)


def _drawn(lines: Shapes, rows: list[tuple[int, int, float, float, float, float, int, str]], rng: np.random.Generator) -> Lots:
    road, side, start, end, setback, depth, storeys = (np.array([row[column] for row in rows]) for column in range(7))
    fabric = np.array([row[7] for row in rows], dtype=object)
    middle = (start + end) / 2
    ahead = points_at(lines[road], np.minimum(middle + 2.0, shapely.length(lines[road]))) - points_at(lines[road], np.maximum(middle - 2.0, 0.0))
    along = ahead / np.hypot(*ahead.T)[:, None]
    along = _turned(along, np.radians(np.where(fabric == "bazaar", rng.normal(0, 0.8, len(road)), rng.normal(0, 1.6, len(road)))))
    out = np.column_stack([along[:, 1], -along[:, 0]]) * side[:, None]
    habit_angled = np.array([HABITS[str(name)].angled for name in fabric])
    notch = np.where(rng.random(len(road)) < habit_angled, rng.uniform(0.3, 0.5, len(road)), 0.0)
    shapes = _footprints(points_at(lines[road], middle), along, out, setback, end - start, depth, notch, rng.random(len(road)) < 0.5)
    row = (fabric == "bazaar") & (notch == 0)
    shapes[row] = _row_houses(lines[road[row]], start[row], end[row], side[row], setback[row], depth[row])
    return Lots(shapes, storeys.astype(np.int64), fabric, np.arctan2(out[:, 1], out[:, 0]))


def _footprints(
    base: Floats, along: Floats, out: Floats, setback: Floats, front: Floats, depth: Floats, notch: Floats, flipped: NDArray[np.bool_]
) -> Shapes:
    """Rectangles, or L shapes where `notch` (share of front and depth left out at the back) is above 0; all arrays of length n."""
    half, cut = front / 2, notch * depth
    flip = np.where(flipped, -1.0, 1.0)
    step = np.where(notch > 0, notch * front, 0.0)
    # The ring goes round the lot; without a notch two of its corners fall together and are dropped below.
    ring = [(-half, 0 * half), (half, 0 * half), (half, depth - cut), (half - step, depth - cut), (half - step, depth), (-half, depth)]
    corners = np.stack([base + along * (flip * x)[:, None] + out * (setback + y)[:, None] for x, y in ring], axis=1)
    shapes = np.empty(len(base), dtype=object)
    plain = notch == 0
    shapes[~plain] = shapely.polygons(corners[~plain])
    shapes[plain] = shapely.polygons(corners[plain][:, [0, 1, 2, 5]])
    return shapes


def _row_houses(lines: Shapes, start: Floats, end: Floats, side: Floats, setback: Floats, depth: Floats) -> Shapes:
    """Four-sided houses whose side walls stand square to the street at both their ends, so that neighbours in a bend still nearly touch."""
    walls = []
    for at in (start, end):
        way = points_at(lines, np.minimum(at + 3.0, shapely.length(lines))) - points_at(lines, np.maximum(at - 3.0, 0.0))
        out = np.column_stack([way[:, 1], -way[:, 0]]) / np.hypot(*way.T)[:, None] * side[:, None]
        foot = points_at(lines, at)
        walls.append((foot + out * setback[:, None], foot + out * (setback + depth)[:, None]))
    houses: Shapes = shapely.polygons(np.stack([walls[0][0], walls[1][0], walls[1][1], walls[0][1]], axis=1))
    return houses


def _inner_lots(ground: Ground, strokes: Strokes, rng: np.random.Generator) -> Lots:
    """Large blocks on campuses and long sheds in market yards, in loose rows parallel to their block's longer side."""
    base, along, size, notch, storeys, fabric = [], [], [], [], [], []
    for flat, name in zip(strokes.blocks, strokes.fabrics, strict=True):
        if name not in {"campus", "yard"}:
            continue
        block = ground.bend_one(flat).buffer(-12.0)
        corners = np.asarray(shapely.oriented_envelope(flat).exterior.coords)
        sides = np.diff(corners, axis=0)[:2]
        way = sides[np.argmax(np.hypot(*sides.T))]
        way = way / np.hypot(*way)
        axes = np.array([way, [-way[1], way[0]]])
        reach = np.hypot(*sides.T).max() / 2 + 40
        pitch = (62.0, 40.0) if name == "campus" else (78.0, 33.0)
        middle = np.asarray(ground.bend_points(np.asarray(flat.centroid.coords))[0])
        for x in np.arange(-reach, reach, pitch[0]):
            for y in np.arange(-reach, reach, pitch[1]):
                place = middle + np.array([x + rng.normal(0, 5), y + rng.normal(0, 2)]) @ axes
                if rng.random() < 0.82 and block.contains(shapely.Point(place)):
                    campus = name == "campus"
                    size.append(rng.uniform((24, 12), (46, 19)) if campus else rng.uniform((34, 15), (64, 21)))
                    storeys.append(int(rng.integers(1, 5)) if campus else 2)
                    notch.append(rng.uniform(0.35, 0.62) if campus and rng.random() < 0.6 else 0.0)
                    base.append(place)
                    along.append(way)
                    fabric.append(name)
    if not base:
        return Lots(np.empty(0, dtype=object), np.empty(0, dtype=np.int64), np.empty(0, dtype=object), np.empty(0))
    bases, ways, sizes = np.array(base), np.array(along), np.array(size)
    out = np.column_stack([ways[:, 1], -ways[:, 0]])
    shapes = _footprints(bases, ways, out, -sizes[:, 1] / 2, sizes[:, 0], sizes[:, 1], np.array(notch), rng.random(len(bases)) < 0.5)
    return Lots(to_mm(shapes), np.array(storeys), np.array(fabric, dtype=object), np.arctan2(out[:, 1], out[:, 0]))


def _claim(lots: Lots, network: Network, area: shapely.Geometry, closed: shapely.Geometry, standing: Shapes) -> NDArray[np.int64]:
    """Which lots may be built, in their order: clear of carriageways, of closed ground, of what stands, and of lots that came before."""
    shapely.prepare(area)
    shapely.prepare(closed)
    free = shapely.is_valid(lots.shapes) & (shapely.area(lots.shapes) > LEAST_M2)
    free &= shapely.contains_properly(area, lots.shapes) & ~shapely.intersects(closed, lots.shapes)
    lot, road = network.tree.query(lots.shapes, predicate="dwithin", distance=network.widths.max() / 2 + CLEAR_M)
    near = shapely.distance(lots.shapes[lot], network.lines[road]) < network.widths[road] / 2 + CLEAR_M
    free[lot[near]] = False
    if len(standing):
        free[shapely.STRtree(standing).query(lots.shapes, predicate="intersects")[0]] = False
    chosen = np.flatnonzero(free)
    one, two = shapely.STRtree(lots.shapes[chosen]).query(lots.shapes[chosen], predicate="intersects")
    earlier = one > two
    order = np.lexsort((two[earlier], one[earlier]))
    stands = np.ones(len(chosen), dtype=bool)
    for later, before in zip(one[earlier][order], two[earlier][order], strict=True):
        if stands[before]:
            stands[later] = False
    return chosen[stands]


def _fitted(lots: Lots, shrink: float) -> Shapes:
    """The lots made less deep from the back, and a little narrower, where the full size found no room."""
    if shrink == 1.0:
        return lots.shapes
    points, owner = shapely.get_coordinates(lots.shapes, return_index=True)
    first = np.searchsorted(owner, np.arange(len(lots.shapes)))
    front = (points[first] + points[first + 1]) / 2
    out = np.column_stack([np.cos(lots.turn), np.sin(lots.turn)])
    offset = points - front[owner]
    deep = np.einsum("ij,ij->i", offset, out[owner])[:, None] * out[owner]
    return np.asarray(shapely.set_coordinates(lots.shapes.copy(), front[owner] + deep * shrink + (offset - deep) * (0.35 + 0.65 * shrink)))


def _fabric_beside(lines: Shapes, side: int, tree: shapely.STRtree, strokes: Strokes) -> NDArray[np.object_]:
    """The fabric of the block 14 m beside each street's middle; empty where there is none."""
    half = shapely.length(lines) / 2
    way = points_at(lines, half + 1.0) - points_at(lines, np.maximum(half - 1.0, 0.0))
    way = way / np.hypot(*way.T)[:, None]
    spots = shapely.points(points_at(lines, half) + 14.0 * side * np.column_stack([way[:, 1], -way[:, 0]]))
    fabric = np.full(len(lines), "", dtype=object)
    spot, block = tree.query(spots, predicate="within")
    fabric[spot] = np.array(strokes.fabrics, dtype=object)[block]
    return fabric


def _thinned(fabric: NDArray[np.object_], wanted: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Leave lots vacant until about the wanted number stands: mostly outside the old town, where plots lie empty in truth too."""
    keep = np.ones(len(fabric), dtype=bool)
    surplus = len(fabric) - wanted
    loose = np.flatnonzero(np.isin(fabric, ("colony", "village", "field", "old")))
    if surplus > 0:
        keep[rng.choice(loose, size=min(surplus, len(loose)), replace=False)] = False
    return keep


def _frame(ground: Ground, shapes: Shapes, storeys: NDArray[np.int64], fabric: NDArray[np.object_], rng: np.random.Generator) -> gpd.GeoDataFrame:
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    order = np.lexsort((centres[:, 1], centres[:, 0]))
    shapes, storeys, fabric, centres = shapes[order], storeys[order].copy(), fabric[order], centres[order]
    station = ground.bend_points(np.array([ground.spot(STATION)]))[0]
    near = (np.hypot(*(centres - station).T) < 350 * ground.scale) & (fabric != "yard")
    storeys[near] += rng.integers(0, 3, int(near.sum()))
    large = np.flatnonzero((shapely.area(shapes) > 150) & np.isin(fabric, ("bazaar", "old", "colony")))
    towers = rng.choice(large, size=min(len(large), max(1, round(26 * ground.scale**2))), replace=False)
    storeys[towers] = rng.integers(8, 15, len(towers))
    parapet = np.where(rng.random(len(shapes)) < 0.7, rng.uniform(0.3, 1.0, len(shapes)), 0.0)
    kind = np.full(len(shapes), "residential", dtype=object)
    kind[(fabric == "bazaar") & (rng.random(len(shapes)) < 0.55)] = "commercial"
    kind[fabric == "yard"], kind[fabric == "campus"], kind[towers] = "warehouse", "institutional", "apartments"
    return gpd.GeoDataFrame(
        {"height_m": np.round(storeys * STOREY_M + parapet, 1), "height_source": "made", "kind": kind, "name": None, "fabric": fabric},
        index=[f"b{number:05d}" for number in range(len(shapes))], geometry=shapes, crs=CRS,
    )  # fmt: skip


def points_at(lines: Shapes, at_m: Floats) -> Floats:
    """Coordinates (n, 2) at a distance along each line."""
    points: Floats = shapely.get_coordinates(shapely.line_interpolate_point(lines, at_m))
    return points


def _turned(ways: Floats, by_rad: Floats) -> Floats:
    """Unit vectors (n, 2) turned anticlockwise."""
    cos, sin = np.cos(by_rad), np.sin(by_rad)
    return np.column_stack([ways[:, 0] * cos - ways[:, 1] * sin, ways[:, 0] * sin + ways[:, 1] * cos])
