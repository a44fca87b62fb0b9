"""The strokes of the made city's streets on the flat sheet: hand-set main roads, then each block filled by its kind of fabric.

Fabrics: bazaar (crooked lanes, dead ends), old (irregular), colony (planned grid), village (loose), campus, yard (market sheds), field, park.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import shapely

from data.demo._ground import RIVER, RIVER_HALF_M, STATION, Floats, Ground, stream

# class, width [m], closed, control points as shares of the half extents
MAIN_ROADS: tuple[tuple[str, float, bool, tuple[tuple[float, float], ...]], ...] = (
    ("trunk", 13.0, True, ((0.80, 0.05), (0.74, 0.52), (0.44, 0.79), (0.02, 0.84), (-0.42, 0.82), (-0.79, 0.57), (-0.87, 0.08), (-0.83, -0.42),
                           (-0.55, -0.86), (-0.10, -0.84), (0.36, -0.80), (0.72, -0.52))),
    ("primary", 16.0, False, ((-1.30, 0.17), (-0.87, 0.11), (-0.50, 0.12), (-0.20, 0.03), (0.05, 0.00), (0.22, 0.00), (0.44, 0.05), (0.80, 0.05),
                             (1.30, 0.16))),
    ("primary", 15.0, False, ((0.14, 1.30), (0.04, 0.84), (0.10, 0.46), (0.05, 0.00), (0.10, -0.30), (0.03, -0.57), (0.08, -0.83), (0.02, -1.30))),
    ("primary", 13.0, False, ((0.05, 0.00), (0.15, 0.15), (0.31, 0.30), (0.57, 0.66), (1.05, 1.15))),
    ("primary", 13.0, False, ((0.05, 0.00), (0.23, -0.22), (0.37, -0.40), (0.60, -0.33), (0.765, -0.26))),
    ("primary", 13.0, False, ((-0.20, 0.03), (-0.34, -0.22), (-0.56, -0.30), (-0.85, -0.34), (-1.30, -0.36))),
    ("secondary", 11.5, True, ((0.33, 0.05), (0.27, 0.29), (0.06, 0.37), (-0.16, 0.31), (-0.28, 0.08), (-0.18, -0.17), (0.06, -0.25), (0.25, -0.15))),
    ("secondary", 10.0, False, ((0.37, -0.40), (0.47, -0.15), (0.53, 0.10), (0.56, 0.40), (0.50, 0.62), (0.40, 0.81))),
    ("secondary", 9.5, False, ((-0.16, 0.31), (-0.33, 0.52), (-0.56, 0.58), (-0.79, 0.57), (-1.25, 0.72))),
    ("secondary", 9.5, False, ((-0.66, 1.20), (-0.66, 0.80), (-0.73, 0.42), (-0.70, 0.10), (-0.70, -0.33), (-0.74, -0.70), (-0.80, -1.25))),
    ("secondary", 9.5, False, ((-0.28, 0.58), (0.08, 0.56), (0.47, 0.48), (0.75, 0.45), (1.30, 0.36))),
    ("secondary", 9.0, False, ((-0.34, -0.22), (-0.30, -0.42), (-0.02, -0.40), (0.20, -0.36), (0.37, -0.40))),
    ("secondary", 9.0, False, ((0.60, -0.33), (0.62, -0.45), (0.57, -0.62), (0.52, -0.675))),
    ("secondary", 9.0, False, ((-0.16, -0.84), (0.06, -0.72), (0.36, -0.66), (0.72, -0.70), (1.20, -0.92))),
)  # fmt: skip
RANK = {
    "trunk": 9, "primary": 8, "secondary": 7, "tertiary": 6, "residential": 4, "unclassified": 4, "living_street": 3, "service": 2, "footway": 1,
    "track": 1,
}  # fmt: skip
# Beyond the core, the fabrics of blocks and how often each is met, by distance from the core as a share of the half extents.
BELTS: tuple[tuple[float, dict[str, float]], ...] = (
    (0.50, {"old": 0.76, "colony": 0.10, "park": 0.05, "campus": 0.09}),
    (0.86, {"colony": 0.45, "old": 0.12, "village": 0.17, "campus": 0.08, "yard": 0.03, "park": 0.05, "field": 0.10}),
    (9.99, {"colony": 0.18, "village": 0.22, "campus": 0.06, "yard": 0.04, "field": 0.50}),
)
EDGE_M = 7.0  # streets end this far inside the study area's edge


@dataclass(frozen=True)
class Weave:
    """How a fabric is cut: cell [m2], turn [deg] and crook [share] of its cuts, share of dead ends, class and widths [m] of its lanes."""

    cell_m2: float
    turn_deg: float
    crook: float
    dead_ends: float
    road_class: str
    width_m: tuple[float, float]


WEAVES = {
    "bazaar": Weave(2000.0, 15.0, 0.13, 0.88, "living_street", (2.5, 4.0)),
    "old": Weave(4200.0, 10.0, 0.08, 0.95, "residential", (3.6, 5.2)),
    "village": Weave(7400.0, 13.0, 0.10, 0.92, "unclassified", (3.0, 4.6)),
    "campus": Weave(22000.0, 5.0, 0.03, 0.0, "service", (3.8, 5.5)),
    "yard": Weave(14000.0, 3.0, 0.01, 0.0, "service", (6.0, 8.0)),
    "field": Weave(70000.0, 14.0, 0.12, 0.0, "track", (2.6, 3.4)),
}


@dataclass
class Strokes:
    """Flat road lines with class and width, and the flat blocks with their fabric."""

    lines: list[shapely.LineString] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    blocks: list[shapely.Polygon] = field(default_factory=list)
    fabrics: list[str] = field(default_factory=list)

    def add(self, shape: shapely.Geometry, road_class: str, width_m: float) -> None:
        """Every line of a shape that is long enough to be a street."""
        for part in shapely.get_parts(shape):
            if part.geom_type == "LineString" and part.length > 4.0:
                self.lines.append(part)
                self.classes.append(road_class)
                self.widths.append(round(float(width_m), 1))


def draw_strokes(ground: Ground) -> Strokes:
    """All street strokes and blocks of the city, flat."""
    rng = stream("fabric")
    strokes = Strokes()
    inner = ground.outline.buffer(-EDGE_M)
    curves = [ground.curve(shares, closed=closed) for _, _, closed, shares in MAIN_ROADS]
    for number, (road_class, width, closed, _) in enumerate(MAIN_ROADS):
        others = shapely.union_all(curves[:number] + curves[number + 1 :])
        whole = curves[number] if closed else _reaching(curves[number], others, 230.0 * ground.scale)
        strokes.add(whole.intersection(inner), road_class, width)
    bank = shapely.union_all([ground.curve(RIVER).offset_curve(side * (RIVER_HALF_M + 22.0)) for side in (-1, 1)])
    strokes.add(bank.intersection(inner).difference(ground.railway.buffer(30)), "tertiary", 7.0)
    edges = shapely.union_all([*strokes.lines, inner.boundary, ground.barrier.boundary], grid_size=0.01)
    barrier = ground.barrier.buffer(1.0)
    for face in shapely.get_parts(shapely.polygonize(shapely.get_parts(edges))):
        point = face.representative_point()
        if face.area > 2500 and face.area / face.length > 11 and not barrier.contains(point) and inner.contains(point):
            target = 125_000 if ground.coreness(np.array([[point.x, point.y]]))[0] < 0.4 else 170_000
            for block in _split(face, target, 5.0, 0.035, rng, strokes, ("tertiary", (6.5, 8.5))):
                strokes.blocks.append(block)
    strokes.fabrics = _choose_fabrics(ground, strokes.blocks, rng)
    for block, fabric in zip(strokes.blocks, strokes.fabrics, strict=True):
        inner = block.difference(ground.barrier.buffer(9.0))
        for part in shapely.get_parts(inner):
            if part.geom_type == "Polygon" and part.area > 1500:
                _fill(part, fabric, rng, strokes)
    return strokes


def _reaching(line: shapely.LineString, others: shapely.Geometry, within_m: float) -> shapely.LineString:
    """The line, led on to the nearest of the other main roads where it ends short of one."""
    points = list(line.coords)
    for end in (0, -1):
        tip = shapely.Point(points[end])
        if 0.01 < others.distance(tip) < within_m:
            met = shapely.ops.nearest_points(others, tip)[0].coords[0]
            points = [met, *points] if end == 0 else [*points, met]
    return shapely.LineString(points)


def _choose_fabrics(ground: Ground, blocks: list[shapely.Polygon], rng: np.random.Generator) -> list[str]:
    """A fabric a block: bazaar and old town by distance from the core, beyond them a mix; the block nearest the station holds a yard."""
    centres = np.array([[block.centroid.x, block.centroid.y] for block in blocks])
    core = ground.coreness(centres) + rng.normal(0, 0.02, len(blocks))
    areas = np.array([block.area for block in blocks])
    names = []
    for distance, area in zip(core, areas, strict=True):
        if distance < 0.29:
            names.append("bazaar")
        else:
            chances = next(mix for reach, mix in BELTS if distance < reach)
            names.append(str(rng.choice(list(chances), p=list(chances.values()))))
        if area < 9000 and names[-1] in {"campus", "yard", "field"}:
            names[-1] = "village"
    station = np.hypot(*(centres - np.array(ground.spot(STATION))).T)
    large = np.flatnonzero(areas > 20_000)
    near = large[np.argsort(station[large], kind="stable")] if len(large) else np.argsort(station, kind="stable")
    names[near[0]] = "yard"
    if "park" not in names and len(near) > 1:
        middling = near[np.argsort(np.abs(core[near] - 0.45), kind="stable")]
        names[next(index for index in middling if names[index] != "yard")] = "park"
    return names


def _fill(block: shapely.Polygon, fabric: str, rng: np.random.Generator, strokes: Strokes) -> None:
    if fabric == "colony":
        _grid(block, rng, strokes)
        return
    if fabric == "park":
        return
    weave = WEAVES[fabric]
    wide = 2 if fabric == "bazaar" else 0
    cells = _split(block, weave.cell_m2, weave.turn_deg, weave.crook, rng, strokes, (weave.road_class, weave.width_m), wide=wide)
    for cell in cells:
        if rng.random() < weave.dead_ends and cell.area > 0.45 * weave.cell_m2:
            _dead_end(cell, weave, rng, strokes)


def _grid(block: shapely.Polygon, rng: np.random.Generator, strokes: Strokes) -> None:
    """A planned colony: parallel streets and cross streets along the block's longest side, some stretches left out."""
    corners = np.asarray(shapely.oriented_envelope(block).exterior.coords)
    sides = np.diff(corners, axis=0)[:2]
    along = sides[np.argmax(np.hypot(*sides.T))]
    turn = math.atan2(along[1], along[0]) + math.radians(rng.normal(0, 3))
    axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    local = (np.asarray(block.exterior.coords) - np.asarray(block.centroid.coords[0])) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    middle = np.asarray(block.centroid.coords[0])
    rows, columns = rng.uniform(59, 78), rng.uniform(70, 102)
    width = rng.uniform(4.6, 7.4)
    for axis, step in ((1, rows), (0, columns)):
        at = low[axis] + step * rng.uniform(0.55, 0.95)
        while at < high[axis] - 0.4 * step:
            ends = np.zeros((2, 2))
            ends[:, axis], ends[:, 1 - axis] = at, (low[1 - axis] - 5, high[1 - axis] + 5)
            line = shapely.intersection(shapely.LineString(ends @ axes + middle), block)
            lean = axis == 0 and rng.random() < 0.25
            strokes.add(_without_stretch(line, rng) if lean or rng.random() < 0.16 else line, "residential", width + rng.normal(0, 0.3))
            at += step * rng.uniform(0.88, 1.14)
            if axis == 1:
                _closes(line, axes[1], rng, strokes)


def _closes(line: shapely.Geometry, across: Floats, rng: np.random.Generator, strokes: Strokes) -> None:
    """Short closes off a colony's street, to either side."""
    for _ in range(int(rng.poisson(line.length / 230))):
        start = np.array(shapely.line_interpolate_point(shapely.get_parts(line)[0], rng.uniform(0.05, 0.95), normalized=True).coords[0])
        strokes.add(shapely.LineString([start, start + rng.choice([-1, 1]) * rng.uniform(15, 24) * across]), "residential", rng.uniform(3.4, 4.6))


def _without_stretch(line: shapely.Geometry, rng: np.random.Generator) -> shapely.Geometry:
    """The line less a stretch somewhere in it: streets that do not go through."""
    if line.geom_type != "LineString" or line.length < 160:
        return line
    start = rng.uniform(0.1, 0.6)
    again = min(1.0, start + rng.uniform(0.15, 0.3))
    return shapely.MultiLineString([shapely.ops.substring(line, *share, normalized=True) for share in ((0, start), (again, 1))])


def _dead_end(cell: shapely.Polygon, weave: Weave, rng: np.random.Generator, strokes: Strokes) -> None:
    """A lane from the cell's edge into its heart, with an elbow."""
    start = np.array(cell.exterior.interpolate(rng.random(), normalized=True).coords[0])
    heart = np.array(cell.representative_point().coords[0])
    way = heart - start
    across = np.array([-way[1], way[0]])
    points = [start, start + 0.5 * way + rng.uniform(-0.14, 0.14) * across, start + rng.uniform(0.8, 1.1) * way + rng.uniform(-0.2, 0.2) * across]
    if math.hypot(*way) > 9:
        narrow = "footway" if weave.road_class == "living_street" and rng.random() < 0.3 else weave.road_class
        strokes.add(shapely.LineString(points).intersection(cell), narrow, weave.width_m[0] + rng.uniform(0, 0.6))


def _split(
    shape: shapely.Polygon, cell_m2: float, turn_deg: float, crook: float, rng: np.random.Generator, strokes: Strokes,
    lane: tuple[str, tuple[float, float]], *, wide: int = 0,
) -> list[shapely.Polygon]:  # fmt: skip
    """Halve a shape again and again across its longer side until its cells are small enough; each cut is a street.

    The first `wide` rounds of cuts are the wider streets of the block.
    """
    cells, waiting = [], [(shape, 0)]
    while waiting:
        poly, depth = waiting.pop()
        if poly.area < cell_m2 * rng.uniform(1.0, 1.75):
            cells.append(poly)
            continue
        line, parts = _cut(poly, turn_deg, crook, rng)
        if len(parts) < 2:
            cells.append(poly)
            continue
        road_class, width = ("residential", rng.uniform(4.6, 7.0)) if depth < wide else (lane[0], rng.uniform(*lane[1]))
        strokes.add(line, road_class, width)
        waiting += [(part, depth + 1) for part in parts]
    return cells


def _cut(poly: shapely.Polygon, turn_deg: float, crook: float, rng: np.random.Generator) -> tuple[shapely.Geometry, list[shapely.Polygon]]:
    """A crooked stroke across the shape's longer side, and the parts it leaves."""
    corners = np.asarray(shapely.oriented_envelope(poly).exterior.coords)
    sides = np.diff(corners, axis=0)[:2]
    lengths = np.hypot(*sides.T)
    longer = int(np.argmax(lengths))
    along = sides[longer] / lengths[longer]
    short = lengths[1 - longer] / 2
    base = corners[:4].mean(axis=0) + along * rng.normal(0, 0.08) * lengths[longer]
    turn = math.radians(rng.normal(0, turn_deg / 1.5))
    across = np.array([-along[1], along[0]]) @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    places = np.array([-1.7, -0.55, 0.0, 0.55, 1.7]) + np.array([0, 1, 1, 1, 0]) * rng.uniform(-0.15, 0.15, 5)
    sway = np.array([0, 1, 1, 1, 0]) * rng.normal(0, crook, 5) * short
    stroke = base + places[:, None] * short * across + sway[:, None] * along
    far = along * lengths.max() * 4
    half = shapely.Polygon(np.vstack([stroke, stroke[-1] + far, stroke[0] + far]))
    parts = [part for side in (poly.intersection(half), poly.difference(half)) for part in shapely.get_parts(side)]
    return shapely.LineString(stroke).intersection(poly), [part for part in parts if part.geom_type == "Polygon" and part.area > 40]
