"""From strokes to a street network: noded, cleaned, bridged over river and railway, bent, and made into road pieces and junctions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from data.demo._fabric import RANK, Strokes
from data.demo._ground import CRS, Floats, Ground, to_mm

Shapes = NDArray[np.object_]
Ints = NDArray[np.int64]
MERGE_M = 6.0  # junctions nearer than this are one
ROOM_M = 6.0  # a lane nearer along another, kerb to kerb, is left out
STUB_M = 10.0  # dead ends shorter than this are left out
SIGNAL_APART_M = 150.0


@dataclass(frozen=True, eq=False)
class Network:
    """Streets in the city's CRS: frames of roads and junctions, each piece's carriageway, and its two junctions by row number."""

    roads: gpd.GeoDataFrame
    junctions: gpd.GeoDataFrame
    carriageways: Shapes
    ends: Ints

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The centre lines for look-ups by place, in the order of `roads`."""
        return shapely.STRtree(self.lines)

    @cached_property
    def lines(self) -> Shapes:
        """The centre lines, in the order of `roads`."""
        lines: Shapes = np.asarray(self.roads.geometry.array)
        return lines

    @cached_property
    def widths(self) -> Floats:
        """Carriageway widths [m], in the order of `roads`."""
        widths: Floats = self.roads["width_m"].to_numpy()
        return widths

    @cached_property
    def classes(self) -> NDArray[np.object_]:
        """Road classes, in the order of `roads`."""
        classes: NDArray[np.object_] = self.roads["road_class"].to_numpy(dtype=object)
        return classes


def weave_network(ground: Ground, strokes: Strokes) -> Network:
    """The network of all strokes."""
    lines, bridge = _noded(ground, strokes)
    source = _source_of(lines, strokes)
    rank = np.array([RANK[name] for name in strokes.classes])[source]
    keep = bridge | (rank >= RANK["tertiary"]) | ~_hugging(lines, rank, np.array(strokes.widths)[source])
    lines, bridge = _merged(lines[keep], bridge[keep])
    lines, bridge = _without_stubs(lines, bridge)
    ends, spots = _joined(lines)
    source = _source_of(lines, strokes)
    rank = np.array([RANK[name] for name in strokes.classes])[source]
    keep = (ends[:, 0] != ends[:, 1]) & ~_doubled(ends, shapely.length(lines), rank)
    lines, bridge, ends, source, rank = lines[keep], bridge[keep], ends[keep], source[keep], rank[keep]
    bent = shapely.simplify(ground.bend(_moved_ends(lines, spots[ends])), 0.12)
    keep = ~_crossing(bent, rank, bridge)
    keep &= _largest_part(ends, len(spots), keep)
    return _frames(bent[keep], ends[keep], ground.bend_points(spots), bridge[keep], source[keep], strokes)


def _noded(ground: Ground, strokes: Strokes) -> tuple[Shapes, NDArray[np.bool_]]:
    """Strokes cut where they meet, and apart from these the bridges: the stretches of main roads over river and railway."""
    rank = np.array([RANK[name] for name in strokes.classes])
    every = np.array(strokes.lines, dtype=object)
    land = ground.barrier
    dry = shapely.difference(every, land)
    noded = shapely.get_parts(shapely.line_merge(shapely.union_all(dry, grid_size=0.01)))
    over = shapely.get_parts(shapely.intersection(every[rank >= RANK["secondary"]], land))
    over = shapely.set_precision(over[shapely.length(over) > 12.0], 0.01)
    return np.concatenate([noded, over]), np.concatenate([np.zeros(len(noded), dtype=bool), np.ones(len(over), dtype=bool)])


def _source_of(lines: Shapes, strokes: Strokes) -> Ints:
    """Which stroke each piece is of: the highest in rank of those under its middle, else the nearest."""
    rank = np.array([RANK[name] for name in strokes.classes])
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    tree = shapely.STRtree(strokes.lines)
    source = tree.nearest(middles)
    piece, stroke = tree.query(middles, predicate="dwithin", distance=0.25)
    order = np.lexsort((stroke, rank[stroke], piece))
    source[piece[order]] = stroke[order]  # the last written is the highest in rank
    found: Ints = source.astype(np.int64)
    return found


def _hugging(lines: Shapes, rank: Ints, widths: Floats) -> NDArray[np.bool_]:
    """Whether a piece runs close along another for most of its way, with no room for a house between them, and is the lesser of the two."""
    length = shapely.length(lines)
    close = np.zeros(len(lines), dtype=np.int64)
    tree = shapely.STRtree(lines)
    for share in (0.3, 0.5, 0.7):
        points = shapely.line_interpolate_point(lines, share, normalized=True)
        piece, other = tree.query(points, predicate="dwithin", distance=widths.max() + ROOM_M)
        room = (widths[piece] + widths[other]) / 2 + ROOM_M
        near = (shapely.distance(points[piece], lines[other]) < room) & (length[piece] > 2.6 * room)
        same, tied = rank[other] == rank[piece], length[other] == length[piece]
        lesser = (rank[other] > rank[piece]) | (same & ~tied & (length[other] > length[piece])) | (same & tied & (other > piece))
        close += np.bincount(piece[near & lesser & (piece != other)], minlength=len(lines)) > 0
    hugging: NDArray[np.bool_] = close >= 2
    return hugging


def _merged(lines: Shapes, bridge: NDArray[np.bool_]) -> tuple[Shapes, NDArray[np.bool_]]:
    """Pieces joined where only two meet; bridges stay pieces of their own."""
    land = shapely.get_parts(shapely.line_merge(shapely.union_all(lines[~bridge], grid_size=0.01)))
    return np.concatenate([land, lines[bridge]]), np.concatenate([np.zeros(len(land), dtype=bool), np.ones(int(bridge.sum()), dtype=bool)])


def _without_stubs(lines: Shapes, bridge: NDArray[np.bool_]) -> tuple[Shapes, NDArray[np.bool_]]:
    ends, spots = _joined(lines, within_m=0.1)
    degree = np.bincount(ends.ravel(), minlength=len(spots))
    keep = bridge | (shapely.length(lines) >= STUB_M) | (degree[ends].min(axis=1) > 1)
    return _merged(lines[keep], bridge[keep])


def _joined(lines: Shapes, within_m: float = MERGE_M) -> tuple[Ints, Floats]:
    """Each line's two junctions (n, 2) and the junctions' places (m, 2): line ends within `within_m` of each other are one junction."""
    first, last = shapely.get_coordinates(shapely.get_point(lines, 0)), shapely.get_coordinates(shapely.get_point(lines, -1))
    points = np.vstack([first, last])
    pairs = cKDTree(points).query_pairs(within_m, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    count, label = connected_components(links, directed=False)
    sums = np.column_stack([np.bincount(label, points[:, axis], count) for axis in (0, 1)])
    return label.reshape(2, -1).T.astype(np.int64), sums / np.bincount(label, minlength=count)[:, None]


def _doubled(ends: Ints, length: Floats, rank: Ints) -> NDArray[np.bool_]:
    """Whether a piece joins the same two junctions as a greater or shorter one of nearly its length."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((length, -rank, high, low))
    same = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0) & (length[order][1:] < 1.25 * length[order][:-1] + 6)
    doubled = np.zeros(len(length), dtype=bool)
    doubled[order[1:][same]] = True
    return doubled


def _moved_ends(lines: Shapes, spots: Floats) -> Shapes:
    """Lines whose first and last points are put on their junctions; `spots` has shape (n, 2, 2)."""
    points, owner = shapely.get_coordinates(lines, return_index=True)
    starts = np.searchsorted(owner, np.arange(len(lines)))
    points[starts], points[np.append(starts[1:], len(points)) - 1] = spots[:, 0], spots[:, 1]
    moved: Shapes = shapely.linestrings(points, indices=owner)
    return moved


def _crossing(lines: Shapes, rank: Ints, bridge: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a piece crosses another without a junction, and is the lesser."""
    one, two = shapely.STRtree(lines).query(lines, predicate="crosses")
    one, two = one[one < two], two[one < two]
    lesser = np.where(rank[one] + 10 * bridge[one] <= rank[two] + 10 * bridge[two], one, two)
    crossing = np.zeros(len(lines), dtype=bool)
    crossing[lesser] = True
    return crossing


def _largest_part(ends: Ints, junctions: int, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a piece belongs to the largest connected part of those named."""
    links = coo_array((np.ones(int(among.sum())), (ends[among, 0], ends[among, 1])), shape=(junctions, junctions))
    _, label = connected_components(links, directed=False)
    largest: NDArray[np.bool_] = label[ends[:, 0]] == np.bincount(label).argmax()
    return largest


def _frames(lines: Shapes, ends: Ints, spots: Floats, bridge: NDArray[np.bool_], source: Ints, strokes: Strokes) -> Network:
    """Numbered frames, pieces ordered west to east."""
    used, ends = np.unique(ends, return_inverse=True)
    ends = ends.reshape(-1, 2)
    lines = to_mm(lines)
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    order = np.lexsort((middles[:, 1], middles[:, 0]))
    lines, ends, bridge, source = lines[order], ends[order], bridge[order], source[order]
    classes = np.array(strokes.classes, dtype=object)[source]
    widths = np.array(strokes.widths)[source]
    names = np.array([f"j{number:05d}" for number in range(len(used))], dtype=object)
    roads = gpd.GeoDataFrame(
        {
            "name": [f"Demo {name} road / नमूना मार्ग" if RANK[name] >= RANK["secondary"] else None for name in classes],
            "road_class": classes, "width_m": widths, "from_junction": names[ends[:, 0]], "to_junction": names[ends[:, 1]], "bridge": bridge,
        },
        index=[f"r{number:05d}" for number in range(len(lines))], geometry=lines, crs=CRS,
    )  # fmt: skip
    degree = np.bincount(ends.ravel(), minlength=len(used))
    places = to_mm(shapely.points(spots[used]))
    signals = _signalled(ends, classes, widths, shapely.get_coordinates(places))
    junctions = gpd.GeoDataFrame({"degree": degree, "signals": signals, "name": [None] * len(used)}, index=names, geometry=places, crs=CRS)
    return Network(roads, junctions, shapely.buffer(lines, widths / 2, quad_segs=4), ends)


def junction_size(ends: Ints, widths: Floats, count: int) -> Floats:
    """Carriageway width that comes together at each junction [m]; the measure of how large it is."""
    return np.bincount(ends.ravel(), np.repeat(widths, 2), minlength=count).astype(np.float64)


def _signalled(ends: Ints, classes: NDArray[np.object_], widths: Floats, spots: Floats) -> NDArray[np.bool_]:
    """Signals stand where three main roads meet, or two and two lesser ones; the largest first, none close to another."""
    main = np.array([RANK[str(name)] for name in classes]) >= RANK["tertiary"]
    larger = np.array([RANK[str(name)] for name in classes]) >= RANK["secondary"]
    arms, great = (np.bincount(ends[which].ravel(), minlength=len(spots)) for which in (main, larger))
    size = junction_size(ends, widths, len(spots))
    wanted = np.flatnonzero((great >= 3) | ((great >= 2) & (arms >= 4)))
    signals = np.zeros(len(spots), dtype=bool)
    for junction in wanted[np.lexsort((wanted, -size[wanted]))]:
        taken = spots[signals]
        if not len(taken) or np.hypot(*(taken - spots[junction]).T).min() > SIGNAL_APART_M:
            signals[junction] = True
    return signals
